"""Commands for manual labels."""

from __future__ import annotations

from pathlib import Path

from SeriesClassifierLib.cli.arguments import Commands, positive, user_name
from SeriesClassifierLib.cli.journal_file import add_journal

_SERIES = "SeriesInstanceUID, its beginning or end, or study/number as in the first column of the table"
_PART = "one part of the series: its number, or the value that tells it apart, such as b=400 (default: all)"


def add_curation(commands: Commands) -> None:
    """``correct``, ``journal``, ``review``, ``rules``."""
    _add_correct(commands)
    _add_journal(commands)
    _add_review(commands)
    _add_rules(commands)


def _add_correct(commands: Commands) -> None:
    from SeriesClassifierLib.cli.correct import correct_command

    command = commands.add_parser("correct", help="record a manual label of a series")
    command.set_defaults(command=correct_command)
    command.add_argument("series", metavar="SERIES", help=_SERIES)
    command.add_argument("--part", metavar="P", help=_PART)
    add_journal(command)
    command.add_argument(
        "--new",
        action="store_true",
        help="make the journal when it is not there; label a series that is not in it (by its whole UID)",
    )
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
            "also correct series of the same protocol and name (alike: whatever their names); "
            "manual labels stay"
        ),
    )
    command.add_argument(
        "--undo", action="store_true", help="revert the last correction instead, with all of its step"
    )
    command.add_argument("--user", type=user_name, required=True, metavar="NAME", help="who labels")
    command.add_argument("--note", default="", metavar="TEXT", help="a remark that is kept with the label")


def _add_journal(commands: Commands) -> None:
    from SeriesClassifierLib.cli.journal import journal_export, journal_merge, journal_show

    group = commands.add_parser("journal", help="show, merge or export journals").add_subparsers(
        required=True, metavar="ACTION"
    )
    show = group.add_parser("show", help="current labels, or all events of one series")
    show.set_defaults(command=journal_show)
    add_journal(show, also_first=True)
    show.add_argument("--series", metavar="SERIES", help=f"all events of this series ({_SERIES})")
    show.add_argument("--out", type=Path, metavar="FILE", help="write the table: .csv, .json or .parquet")
    merge = group.add_parser("merge", help="add the events of other journals to one")
    merge.set_defaults(command=journal_merge)
    add_journal(merge)
    merge.add_argument(
        "others",
        nargs="+",
        type=Path,
        metavar="OTHER",
        help="journals to read; without --journal the first of several takes the events",
    )
    merge.add_argument("--new", action="store_true", help="make the journal when it is not there")
    export = group.add_parser("export", help="write all events: .jsonl or .csv")
    export.set_defaults(command=journal_export)
    add_journal(export, also_first=True)
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.add_argument(
        "--with-patient-id",
        action="store_true",
        help="write PatientID, too: the file must not leave the site",
    )


def _add_review(commands: Commands) -> None:
    from SeriesClassifierLib.cli.review import (
        agreement_command,
        queue_command,
        read_command,
        sample_command,
        siblings_command,
        suspects_command,
    )

    group = commands.add_parser(
        "review", help="queue, siblings, doubtful labels, and the agreement of readers"
    ).add_subparsers(required=True, metavar="ACTION")
    queue = group.add_parser("queue", help="labels that need review, the most useful first")
    queue.set_defaults(command=queue_command)
    add_journal(queue, also_first=True)
    queue.add_argument("--limit", type=positive, metavar="N", help="show N at most")
    queue.add_argument("--out", type=Path, metavar="FILE", help="write them: .csv or .json")
    siblings = group.add_parser("siblings", help="parts of the same protocol as a series")
    siblings.set_defaults(command=siblings_command)
    add_journal(siblings)
    siblings.add_argument("what", nargs="+", metavar="SERIES", help=_SERIES)
    siblings.add_argument("--part", metavar="P", help=_PART)
    suspects = group.add_parser("suspects", help="manual labels that are probably wrong")
    suspects.set_defaults(command=suspects_command)
    add_journal(suspects, also_first=True)
    sample = group.add_parser("sample", help="a table without labels, for a second reader to fill in")
    sample.set_defaults(command=sample_command)
    add_journal(sample, also_first=True)
    sample.add_argument("--n", type=positive, required=True, metavar="N", help="how many parts")
    sample.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed, the same parts")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new .csv file")
    sample.add_argument("--all", action="store_true", help="of all parts, not only those with a manual label")
    read = group.add_parser("read", help="record the labels of a second reader; they change no label")
    read.set_defaults(command=read_command)
    add_journal(read)
    read.add_argument("what", nargs="*", metavar="SERIES", help=_SERIES)
    read.add_argument("--part", metavar="P", help="needed where the series has several")
    read.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FACET=VALUE",
        dest="facets",
        help="for example sequence=T2; may be repeated",
    )
    read.add_argument("--table", type=Path, metavar="FILE", help="a filled-in table of 'review sample'")
    read.add_argument("--user", type=user_name, required=True, metavar="NAME", help="who reads")
    agree = group.add_parser("agreement", help="Cohen's kappa of readers, and where they differ")
    agree.set_defaults(command=agreement_command)
    add_journal(agree, also_first=True)
    agree.add_argument("--readers", nargs="+", metavar="NAME", help="only these (default: all)")


def _add_rules(commands: Commands) -> None:
    from SeriesClassifierLib.cli.rules import rules_apply, rules_export, rules_propose

    group = commands.add_parser("rules", help="site rules from repeated corrections").add_subparsers(
        required=True, metavar="ACTION"
    )
    propose = group.add_parser("propose", help="find rules in corrections; changes nothing")
    propose.set_defaults(command=rules_propose)
    add_journal(propose, also_first=True)
    propose.add_argument("--out", type=Path, metavar="FILE", help="write them as YAML, to read and edit")
    propose.add_argument(
        "--fewest",
        type=positive,
        default=3,
        metavar="N",
        help="series that were corrected in the same way (default: %(default)s)",
    )
    apply = group.add_parser("apply", help="label the series that rules match; manual labels stay")
    apply.set_defaults(command=rules_apply)
    add_journal(apply, also_first=True)
    apply.add_argument("--rules", type=Path, required=True, metavar="FILE")
    apply.add_argument("--user", type=user_name, required=True, metavar="NAME", help="who labels")
    apply.add_argument("--dry-run", action="store_true", help="report what would change, and change nothing")
    export = group.add_parser("export", help="rules for other programs")
    export.set_defaults(command=rules_export)
    export.add_argument("rules", type=Path)
    export.add_argument("--format", choices=("dcm2bids", "monai"), required=True)
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON")
