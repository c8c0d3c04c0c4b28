"""Commands for what people say about labels."""

from __future__ import annotations

from pathlib import Path

from SeriesClassifierLib.cli.arguments import Commands, positive


def add_curation(commands: Commands) -> None:
    """``correct``, ``journal``, ``review``, ``rules``."""
    _add_correct(commands)
    _add_journal(commands)
    _add_review(commands)
    _add_rules(commands)


def _add_correct(commands: Commands) -> None:
    from SeriesClassifierLib.cli.journal import correct_command

    command = commands.add_parser("correct", help="record what a person says a series is")
    command.set_defaults(command=correct_command)
    command.add_argument("series_uid", metavar="UID", help="SeriesInstanceUID")
    command.add_argument("--part", type=positive, metavar="P", help="one part of the series (default: all)")
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


def _add_journal(commands: Commands) -> None:
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
        "review", help="what to look at next, what is alike, what is doubtful, how far readers agree"
    ).add_subparsers(required=True, metavar="ACTION")
    queue = group.add_parser("queue", help="labels that need a person, the most worthwhile first")
    queue.set_defaults(command=queue_command)
    queue.add_argument("journal", type=Path)
    queue.add_argument("--limit", type=positive, metavar="N", help="so many at most")
    queue.add_argument("--out", type=Path, metavar="FILE", help="write them: .csv or .json")
    siblings = group.add_parser("siblings", help="parts of the same protocol as a series")
    siblings.set_defaults(command=siblings_command)
    siblings.add_argument("journal", type=Path)
    siblings.add_argument("series_uid", metavar="UID", help="SeriesInstanceUID")
    siblings.add_argument("--part", type=positive, metavar="P", help="one part of the series (default: all)")
    suspects = group.add_parser("suspects", help="human labels that are probably wrong")
    suspects.set_defaults(command=suspects_command)
    suspects.add_argument("journal", type=Path)
    sample = group.add_parser("sample", help="a table without labels, for a second reader to fill in")
    sample.set_defaults(command=sample_command)
    sample.add_argument("journal", type=Path)
    sample.add_argument("--n", type=positive, required=True, metavar="N", help="how many parts")
    sample.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed, the same parts")
    sample.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new .csv file")
    sample.add_argument("--all", action="store_true", help="of all parts, not only those that people named")
    read = group.add_parser("read", help="record what a second reader says; it changes no label")
    read.set_defaults(command=read_command)
    read.add_argument("journal", type=Path)
    read.add_argument("series_uid", metavar="UID", nargs="?", default="", help="SeriesInstanceUID")
    read.add_argument("--part", type=positive, metavar="P", help="needed where the series has several")
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


def _add_rules(commands: Commands) -> None:
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
        type=positive,
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
