"""Commands from corrections to a new bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from SeriesClassifierLib.cli.arguments import Commands, positive, source_path
from SeriesClassifierLib.cli.journal_file import add_journal


def add_learning(commands: Commands) -> None:
    """``export``, ``scan``, ``train``, ``evaluate``, ``compare``."""
    _add_export(commands)
    _add_scan(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_compare(commands)


def _add_export(commands: Commands) -> None:
    from SeriesClassifierLib.cli.export import export_command

    command = commands.add_parser(
        "export", help="write what people labelled as a training set, de-identified and searched"
    )
    command.set_defaults(command=export_command)
    add_journal(command)
    command.add_argument(
        "--source", type=source_path, required=True, metavar="SOURCE", help="where the series are"
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder, or an export to go on with"
    )
    command.add_argument("--slices", type=positive, default=10, metavar="N", help="a part (default: 10)")
    command.add_argument("--side", type=positive, default=126, metavar="PIXELS", help="default: 126")
    command.add_argument("--dicom", action="store_true", help="also de-identified DICOM")
    command.add_argument(
        "--volumes", action="store_true", help="also NIfTI, with lists for MONAI and nnU-Net"
    )
    command.add_argument(
        "--identifiers",
        action="store_true",
        help="UIDs, PatientID, descriptions and readers as they are: it must not leave the site",
    )
    command.add_argument(
        "--site-key", type=Path, metavar="FILE", help="the secret that pseudonyms are made with"
    )
    command.add_argument("--jobs", type=positive, metavar="N", help="reading processes")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_scan(commands: Commands) -> None:
    from SeriesClassifierLib.cli.scan import scan_command

    command = commands.add_parser(
        "scan",
        help="prove that an export holds no identifier of its originals",
        epilog="exit codes: 0 nothing found; 1 something was found; 3 DIR or SOURCE cannot be read",
    )
    command.set_defaults(command=scan_command)
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder of an export")
    command.add_argument(
        "--source",
        action="append",
        default=[],
        type=source_path,
        metavar="SOURCE",
        help="the originals, a DICOM folder or Slicer database: every value of theirs is searched; may be "
        "repeated (default: only what looks like an identifier)",
    )


def _add_train(commands: Commands) -> None:
    from SeriesClassifierLib.cli.learn import train_command

    command = commands.add_parser("train", help="make a new bundle out of one and what people labelled")
    command.set_defaults(command=train_command)
    _add_data(command)
    command.add_argument(
        "--recipe",
        required=True,
        choices=("headers", "prostate-joint", "liver-bca", "brain-ensemble"),
        help="what is trained",
    )
    command.add_argument("--base", required=True, metavar="BUNDLE", help="to start from: a name or a folder")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    command.add_argument("--seed", type=int, default=1, metavar="S", help="default: 1")
    command.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="checkpoints and curves (default: beside --out); run again to go on",
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_evaluate(commands: Commands) -> None:
    from SeriesClassifierLib.cli.learn import evaluate_command

    command = commands.add_parser("evaluate", help="measure a bundle on what people labelled")
    command.set_defaults(command=evaluate_command)
    command.add_argument("--bundle", required=True, metavar="BUNDLE", help="a name or a folder")
    _add_data(command)
    command.add_argument(
        "--header-bundle",
        default="headers",
        metavar="BUNDLE",
        help="beside a picture bundle (default: headers)",
    )
    command.add_argument("--facet", default="sequence", help="default: %(default)s")
    command.add_argument(
        "--include-trained", action="store_true", help="also patients that the bundle has learned from"
    )
    command.add_argument("--max-error", type=float, default=0.01, metavar="RISK", help="default: %(default)s")
    command.add_argument("--samples", type=positive, default=1000, metavar="N", help="of the bootstrap")
    command.add_argument("--seed", type=int, default=0, metavar="S")
    _add_results(command, "f1>=0.95")


def _add_compare(commands: Commands) -> None:
    from SeriesClassifierLib.cli.learn import compare_command

    command = commands.add_parser("compare", help="every label that a new bundle would change")
    command.set_defaults(command=compare_command)
    add_journal(command)
    command.add_argument("--old", default="headers", metavar="BUNDLE", help="default: %(default)s")
    command.add_argument("--new", required=True, metavar="BUNDLE")
    command.add_argument(
        "--source", type=source_path, metavar="SOURCE", help="default: the database beside the journal"
    )
    command.add_argument("--mode", choices=("auto", "header", "full"), default="auto")
    command.add_argument("--max-error", type=float, default=0.01, metavar="RISK", help="default: %(default)s")
    command.add_argument("--jobs", type=positive, metavar="N", help="reading processes")
    _add_results(command, "breaks==0")


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="a training set that 'export' wrote; may be repeated",
    )


def _add_results(command: argparse.ArgumentParser, example: str) -> None:
    command.add_argument("--html", type=Path, metavar="FILE", help="write a page with pictures")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    command.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="WHAT",
        help=f"for example '{example}': exit code 1 when it is not so; may be repeated",
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
