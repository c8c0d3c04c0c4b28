"""Commands that label series, and those about models, speed and simulation."""

from __future__ import annotations

from pathlib import Path

from SeriesClassifierLib.cli.arguments import Commands, positive, source_path


def add_classifying(commands: Commands) -> None:
    """``classify``, ``publish``, ``bundles``, ``bench``, ``simulate``, ``worker``."""
    _add_classify(commands)
    _add_publish(commands)
    _add_bundles(commands)
    _add_bench(commands)
    _add_simulate(commands)
    _add_worker(commands)


def _add_classify(commands: Commands) -> None:
    from SeriesClassifierLib.cli.classify import classify_command

    command = commands.add_parser("classify", help="label every series of folders or Slicer DICOM databases")
    command.set_defaults(command=classify_command)
    command.add_argument(
        "sources",
        nargs="+",
        type=source_path,
        metavar="SOURCE",
        help="a DICOM folder, a ctkDICOM.sql file, the folder that holds one, or a DICOMDIR",
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="write the table: .csv, .json or .parquet")
    command.add_argument(
        "--html", type=Path, metavar="FILE", help="write a report with images, one self-contained file"
    )
    command.add_argument("--no-pictures", action="store_true", help="leave the images out of the report")
    command.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help=(
            "record predictions in this journal, or in that of this folder or DICOM database; it is made "
            "if it is not there (default: SeriesClassifier.sqlite beside a DICOM database; none for folders)"
        ),
    )
    command.add_argument("--no-journal", action="store_true", help="record nothing")
    command.add_argument(
        "--resume", action="store_true", help="keep what the journal already has of unchanged series"
    )
    command.add_argument(
        "--task",
        choices=("auto", "prostate", "liver", "brain"),
        default="auto",
        help="which bundle decides (auto: the study's region)",
    )
    command.add_argument(
        "--mode",
        choices=("auto", "header", "full"),
        default="auto",
        help="header: never read pixels; full: always; auto: only where headers leave doubt",
    )
    command.add_argument(
        "--bundle",
        default="headers",
        metavar="NAME",
        help="header bundle: a name or a folder (default: %(default)s)",
    )
    command.add_argument(
        "--picture-bundle",
        action="append",
        default=[],
        metavar="NAME",
        help="picture bundle, a name or a folder, instead of the shipped ones; may be repeated",
    )
    command.add_argument(
        "--max-error",
        type=float,
        default=0.01,
        metavar="RISK",
        help="accepted risk of a label with status auto (default: %(default)s)",
    )
    command.add_argument(
        "--publish",
        action="store_true",
        help="also write the browser column into the database files (Slicer must not have them open)",
    )
    command.add_argument(
        "--jobs", type=positive, metavar="N", help="reading processes (default: one a core, at most 4)"
    )
    command.add_argument("--show-patient-id", action="store_true", help="show PatientID in the report")
    output = command.add_mutually_exclusive_group()
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")
    output.add_argument("--json", action="store_true", help="print JSON lines: start, one a study, end")


def _add_publish(commands: Commands) -> None:
    from SeriesClassifierLib.cli.journal import publish_command

    command = commands.add_parser(
        "publish", help="write labels as a column into a Slicer DICOM database that no program has open"
    )
    command.set_defaults(command=publish_command)
    command.add_argument("database", type=Path, metavar="DATABASE", help="ctkDICOM.sql or its folder")
    command.add_argument(
        "--journal", type=Path, metavar="FILE", help="default: SeriesClassifier.sqlite beside the database"
    )
    command.add_argument("--remove", action="store_true", help="remove the column")


def _add_bundles(commands: Commands) -> None:
    from SeriesClassifierLib.cli.bundles import (
        bundles_adopt,
        bundles_info,
        bundles_list,
        bundles_rollback,
        bundles_verify,
        header_features,
    )

    group = commands.add_parser(
        "bundles", help="list, describe, verify, adopt models, or go back"
    ).add_subparsers(required=True, metavar="ACTION")
    group.add_parser("list", help="bundles that come with the library").set_defaults(command=bundles_list)
    group.add_parser("features", help="what header models see").set_defaults(command=header_features)
    for name, function, text in (
        ("info", bundles_info, "the model card"),
        ("verify", bundles_verify, "compare every checksum"),
        ("adopt", bundles_adopt, "use it in place of the one of its name, until rollback"),
    ):
        command = group.add_parser(name, help=text)
        command.set_defaults(command=function)
        command.add_argument("bundle", help="a name or a folder")
    back = group.add_parser("rollback", help="use the bundle again that was in use before")
    back.set_defaults(command=bundles_rollback)
    back.add_argument("name", help="for example headers")


def _add_bench(commands: Commands) -> None:
    from SeriesClassifierLib.cli.bench import bench_command

    command = commands.add_parser("bench", help="time header mode against dcm-classifier and a pydicom loop")
    command.set_defaults(command=bench_command)
    command.add_argument("source", type=source_path, metavar="SOURCE")
    command.add_argument("--repeats", type=positive, default=5, metavar="N")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")


def _add_simulate(commands: Commands) -> None:
    from SeriesClassifierLib.cli.simulate import simulate_command

    command = commands.add_parser("simulate", help="write whole simulated studies as DICOM, with their truth")
    command.set_defaults(command=simulate_command)
    command.add_argument("--task", choices=("prostate", "liver", "brain", "other"), required=True)
    command.add_argument("--studies", type=positive, default=1, metavar="N", help="how many (default: 1)")
    command.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed, the same files")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a new or empty folder, for files and truth.csv",
    )
    command.add_argument(
        "--database",
        type=Path,
        metavar="DIR",
        help="also list the files in a new Slicer DICOM database, as an import would; they stay in --out",
    )
    command.add_argument(
        "--longest",
        type=positive,
        default=256,
        metavar="PIXELS",
        help="images have no more rows or columns than this (default: %(default)s)",
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_worker(commands: Commands) -> None:
    from SeriesClassifierLib.cli.worker import worker_command

    command = commands.add_parser("worker", help="serve another program: jobs and events as JSON lines")
    command.set_defaults(command=worker_command)
