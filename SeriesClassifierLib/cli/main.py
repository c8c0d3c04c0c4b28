"""The command line: one parser, one exit code a cause (DESIGN section 5)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from SeriesClassifierLib import __version__
from SeriesClassifierLib.errors import (
    BundleError,
    JournalError,
    SeriesClassifierError,
    SourceError,
    UsageError,
)

DONE, SOME_FAILED, WRONG_USAGE, CANNOT_OPEN, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: those of the process) and return its exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING, format="%(levelname)s %(message)s"
    )
    # It quotes the values it complains about, names of patients among them; our own results say what failed.
    logging.getLogger("pydicom").propagate = False
    try:
        code: int = options.command(options)
        return code
    except UsageError as error:
        return _complain(error, WRONG_USAGE)
    except (SourceError, BundleError, JournalError) as error:
        return _complain(error, CANNOT_OPEN)
    except SeriesClassifierError as error:
        return _complain(error, SOME_FAILED)
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What was done is in the journal, if one is used: continue with --resume.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing left to say
        return DONE


def _complain(error: Exception, code: int) -> int:
    print(f"series-classifier: {error}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="series-classifier",
        description="Tells what every DICOM series is. Research use; not a medical device.",
        epilog="exit codes: 0 done; 1 done, but some series failed; 2 wrong usage; "
        "3 source, bundle or journal cannot be opened; 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--verbose", action="store_true", help="say more on standard error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_classify(commands)
    _add_publish(commands)
    _add_correct(commands)
    _add_journal(commands)
    _add_export(commands)
    _add_review(commands)
    _add_rules(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    _add_bundles(commands)
    _add_bench(commands)
    _add_simulate(commands)
    _add_scan(commands)
    _add_worker(commands)
    return parser


def _add_classify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.classify import classify_command

    command = commands.add_parser("classify", help="label every series of folders or Slicer DICOM databases")
    command.set_defaults(command=classify_command)
    command.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="SOURCE",
        help="a DICOM folder, a ctkDICOM.sql file, or the folder that holds one",
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="write the table: .csv, .json or .parquet")
    command.add_argument(
        "--html", type=Path, metavar="FILE", help="write a report with pictures, one self-contained file"
    )
    command.add_argument("--no-pictures", action="store_true", help="leave the pictures out of the report")
    command.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help=(
            "record predictions here (default: SeriesClassifier.sqlite beside a DICOM database; "
            "none for folders)"
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
        "--jobs", type=_positive, metavar="N", help="reading processes (default: one a core, at most 4)"
    )
    command.add_argument("--show-patient-id", action="store_true", help="show PatientID in the report")
    output = command.add_mutually_exclusive_group()
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")
    output.add_argument("--json", action="store_true", help="print JSON lines: start, one a study, end")


def _add_publish(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.journal import publish_command

    command = commands.add_parser(
        "publish", help="write labels as a column into a Slicer DICOM database that nobody has open"
    )
    command.set_defaults(command=publish_command)
    command.add_argument("database", type=Path, metavar="DATABASE", help="ctkDICOM.sql or its folder")
    command.add_argument(
        "--journal", type=Path, metavar="FILE", help="default: SeriesClassifier.sqlite beside the database"
    )
    command.add_argument("--remove", action="store_true", help="take the column out again")


def _add_correct(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.journal import correct_command

    command = commands.add_parser("correct", help="record what a person says a series is")
    command.set_defaults(command=correct_command)
    command.add_argument("series_uid", metavar="UID", help="SeriesInstanceUID")
    command.add_argument("--part", type=_positive, metavar="P", help="one part of the series (default: all)")
    command.add_argument("--journal", type=Path, required=True, metavar="FILE")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FACET=VALUE",
        dest="facets",
        help="for example sequence=T2; may be repeated",
    )
    command.add_argument(
        "--siblings",
        nargs="?",
        const="same",
        choices=("same", "alike"),
        help=(
            "also correct what has the same protocol and name (alike: whatever its name); "
            "what people named stays"
        ),
    )
    command.add_argument(
        "--undo", action="store_true", help="take the last correction back instead, with all of its step"
    )
    command.add_argument("--user", required=True, metavar="NAME", help="who says so")
    command.add_argument("--note", default="", metavar="TEXT")


def _add_journal(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.journal import journal_export, journal_merge, journal_show

    group = commands.add_parser("journal", help="show, merge or export journals").add_subparsers(
        required=True, metavar="ACTION"
    )
    show = group.add_parser("show", help="current labels, or all events of one series")
    show.set_defaults(command=journal_show)
    show.add_argument("journal", type=Path)
    show.add_argument("--series", metavar="UID", help="all events of this series")
    show.add_argument("--out", type=Path, metavar="FILE", help="write the table: .csv, .json or .parquet")
    merge = group.add_parser("merge", help="add the events of other journals to the first one")
    merge.set_defaults(command=journal_merge)
    merge.add_argument("journal", type=Path)
    merge.add_argument("others", nargs="+", type=Path)
    export = group.add_parser("export", help="write all events: .jsonl or .csv")
    export.set_defaults(command=journal_export)
    export.add_argument("journal", type=Path)
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.add_argument(
        "--with-patient-id", action="store_true", help="identifiers leave with it: think first"
    )


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.export import export_command

    command = commands.add_parser(
        "export", help="write what people labelled as a training set, de-identified and searched"
    )
    command.set_defaults(command=export_command)
    command.add_argument("--journal", type=Path, required=True, metavar="FILE", help="whose labels")
    command.add_argument("--source", type=Path, required=True, metavar="SOURCE", help="where the series are")
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder, or an export to go on with"
    )
    command.add_argument("--slices", type=_positive, default=10, metavar="N", help="a part (default: 10)")
    command.add_argument("--side", type=_positive, default=126, metavar="PIXELS", help="default: 126")
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
    command.add_argument("--jobs", type=_positive, metavar="N", help="reading processes")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_review(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.review import (
        agreement_command,
        queue_command,
        read_command,
        sample_command,
        siblings_command,
        suspects_command,
    )

    group = commands.add_parser(
        "review", help="what to look at next, what is alike, what is doubtful, how far readers agree"
    ).add_subparsers(required=True, metavar="ACTION")
    queue = group.add_parser("queue", help="labels that need a person, the most worthwhile first")
    queue.set_defaults(command=queue_command)
    queue.add_argument("journal", type=Path)
    queue.add_argument("--limit", type=_positive, metavar="N", help="so many at most")
    queue.add_argument("--out", type=Path, metavar="FILE", help="write them: .csv or .json")
    siblings = group.add_parser("siblings", help="parts of the same protocol as a series")
    siblings.set_defaults(command=siblings_command)
    siblings.add_argument("journal", type=Path)
    siblings.add_argument("series_uid", metavar="UID", help="SeriesInstanceUID")
    siblings.add_argument("--part", type=_positive, metavar="P", help="one part of the series (default: all)")
    suspects = group.add_parser("suspects", help="human labels that are probably wrong")
    suspects.set_defaults(command=suspects_command)
    suspects.add_argument("journal", type=Path)
    sample = group.add_parser("sample", help="a table without labels, for a second reader to fill in")
    sample.set_defaults(command=sample_command)
    sample.add_argument("journal", type=Path)
    sample.add_argument("--n", type=_positive, required=True, metavar="N", help="how many parts")
    sample.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed, the same parts")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new .csv file")
    sample.add_argument("--all", action="store_true", help="of all parts, not only those that people named")
    read = group.add_parser("read", help="record what a second reader says; it changes no label")
    read.set_defaults(command=read_command)
    read.add_argument("journal", type=Path)
    read.add_argument("series_uid", metavar="UID", nargs="?", default="", help="SeriesInstanceUID")
    read.add_argument("--part", type=_positive, metavar="P", help="needed where the series has several")
    read.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FACET=VALUE",
        dest="facets",
        help="for example sequence=T2; may be repeated",
    )
    read.add_argument("--table", type=Path, metavar="FILE", help="a filled-in table of 'review sample'")
    read.add_argument("--user", required=True, metavar="NAME", help="who reads")
    agree = group.add_parser("agreement", help="Cohen's kappa of readers, and where they differ")
    agree.set_defaults(command=agreement_command)
    agree.add_argument("journal", type=Path)
    agree.add_argument("--readers", nargs="+", metavar="NAME", help="only these (default: all)")


def _add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.rules import rules_apply, rules_export, rules_propose

    group = commands.add_parser("rules", help="site rules out of repeated corrections").add_subparsers(
        required=True, metavar="ACTION"
    )
    propose = group.add_parser("propose", help="find rules in what people corrected; changes nothing")
    propose.set_defaults(command=rules_propose)
    propose.add_argument("journal", type=Path)
    propose.add_argument("--out", type=Path, metavar="FILE", help="write them as YAML, to read and change")
    propose.add_argument(
        "--fewest",
        type=_positive,
        default=3,
        metavar="N",
        help="series that must have been corrected alike (default: %(default)s)",
    )
    apply = group.add_parser("apply", help="label what rules hold for; labels of people stay")
    apply.set_defaults(command=rules_apply)
    apply.add_argument("journal", type=Path)
    apply.add_argument("--rules", type=Path, required=True, metavar="FILE")
    apply.add_argument("--user", required=True, metavar="NAME", help="who says so")
    apply.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    export = group.add_parser("export", help="rules for other programs")
    export.set_defaults(command=rules_export)
    export.add_argument("rules", type=Path)
    export.add_argument("--format", choices=("dcm2bids", "monai"), required=True)
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON")


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    command.add_argument("--samples", type=_positive, default=1000, metavar="N", help="of the bootstrap")
    command.add_argument("--seed", type=int, default=0, metavar="S")
    _add_results(command, "f1>=0.95")


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.learn import compare_command

    command = commands.add_parser("compare", help="every label that a new bundle would change")
    command.set_defaults(command=compare_command)
    command.add_argument("--journal", type=Path, required=True, metavar="FILE", help="what people named")
    command.add_argument("--old", default="headers", metavar="BUNDLE", help="default: %(default)s")
    command.add_argument("--new", required=True, metavar="BUNDLE")
    command.add_argument(
        "--source", type=Path, metavar="SOURCE", help="default: the database beside the journal"
    )
    command.add_argument("--mode", choices=("auto", "header", "full"), default="auto")
    command.add_argument("--max-error", type=float, default=0.01, metavar="RISK", help="default: %(default)s")
    command.add_argument("--jobs", type=_positive, metavar="N", help="reading processes")
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


def _add_bundles(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.bench import bench_command

    command = commands.add_parser("bench", help="time header mode against dcm-classifier and a pydicom loop")
    command.set_defaults(command=bench_command)
    command.add_argument("source", type=Path, metavar="SOURCE")
    command.add_argument("--repeats", type=_positive, default=5, metavar="N")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")


def _add_simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.simulate import simulate_command

    command = commands.add_parser("simulate", help="write whole simulated studies as DICOM, with their truth")
    command.set_defaults(command=simulate_command)
    command.add_argument("--task", choices=("prostate", "liver", "brain", "other"), required=True)
    command.add_argument("--studies", type=_positive, default=1, metavar="N", help="how many (default: 1)")
    command.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed, the same files")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a new or empty folder, for files and truth.csv",
    )
    command.add_argument(
        "--longest",
        type=_positive,
        default=256,
        metavar="PIXELS",
        help="images have no more rows or columns than this (default: %(default)s)",
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_scan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
        type=Path,
        metavar="SOURCE",
        help="the originals, a DICOM folder or Slicer database: every value of theirs is searched; may be "
        "repeated (default: only what looks like an identifier)",
    )


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return number


def _add_worker(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from SeriesClassifierLib.cli.worker import worker_command

    command = commands.add_parser("worker", help="serve another program: jobs and events as JSON lines")
    command.set_defaults(command=worker_command)
