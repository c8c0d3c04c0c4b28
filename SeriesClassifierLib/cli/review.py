"""``series-classifier review``: what to look at next, what is alike, what is doubtful, who agrees."""

from __future__ import annotations

import argparse
import csv
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import IO

from SeriesClassifierLib.cli.correct import facets_of
from SeriesClassifierLib.cli.display import print_columns, short
from SeriesClassifierLib.cli.journal_file import is_journal_there, journal_in, open_journal
from SeriesClassifierLib.curation.agreement import (
    FacetAgreement,
    PairAgreement,
    agreement,
    sample_for_second_reading,
)
from SeriesClassifierLib.curation.queue import QueueItem, ReviewQueue
from SeriesClassifierLib.curation.reading_table import Reading, read_reading_table, write_reading_table
from SeriesClassifierLib.curation.siblings import Sibling, family_of_parts
from SeriesClassifierLib.curation.suspects import Suspect, Suspects
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.identity import series_key
from SeriesClassifierLib.journal.find import find_part, find_series, part_name, reference, reference_of
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.table import text_cell
from SeriesClassifierLib.records import Prediction, Status

_BETWEEN = "; "


def queue_command(options: argparse.Namespace) -> int:
    """Print or write what a person should look at next."""
    with open_journal(options, readonly=True) as journal, ReviewQueue(journal.current_all()) as found:
        n_shown = len(found) if options.limit is None else min(options.limit, len(found))
        shown = islice(found, n_shown)
        if options.out is not None:
            _write_queue(shown, options.out)
            print(f"{n_shown} of {len(found)} rows: {options.out}")
            return 0
        titles = ("worth", "series", "part", "description", "label", "status", "why")
        print_columns(titles, map(_queue_row, shown))
        print(f"parts that need a look: {len(found)}; shown: {n_shown}")
    return 0


def _queue_row(item: QueueItem) -> tuple[str, ...]:
    series = reference_of(item.study_uid, item.series_uid, item.series_number)
    place = (f"{item.value:.2f}", series, str(item.part), short(item.description))
    return (*place, item.label, item.status, _BETWEEN.join(item.reasons))


def _write_queue(items: Iterable[QueueItem], path: Path) -> None:
    writers = {".csv": _queue_to_csv, ".json": _queue_to_json}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"a queue is not written to {path}: end the name in {' or '.join(writers)}")
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
        write(items, file)


def _queue_to_csv(items: Iterable[QueueItem], file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(QueueItem.__dataclass_fields__)
    writer.writerows([_csv_cell(value) for value in item.as_json().values()] for item in items)


def _queue_to_json(items: Iterable[QueueItem], file: IO[str]) -> None:
    file.write("[")
    between = "\n"
    for item in items:
        text = json.dumps(item.as_json(), indent=1, ensure_ascii=False, allow_nan=False)
        file.write(between + textwrap.indent(text, " "))
        between = ",\n"
    file.write("]\n" if between == "\n" else "\n]\n")


def _csv_cell(value: object) -> str:
    if isinstance(value, tuple):
        value = _BETWEEN.join(value)
    return text_cell(value) if isinstance(value, str) else "" if value is None else str(value)


def siblings_command(options: argparse.Namespace) -> int:
    """Print the parts of the same protocol as one series."""
    (series,) = _journal_first(options, n_series=1)
    with (
        open_journal(options, readonly=True) as journal,
        family_of_parts(journal, find_part(find_series(journal, series), options.part)) as found,
    ):
        titles = ("grade", "series", "part", "description", "label", "status", "why")
        offered = ((sibling.grade, *_sibling_row(sibling)) for sibling in found.offered())
        labeled = (("labeled", *_sibling_row(sibling)) for sibling in found.protected())
        print_columns(titles, chain(offered, labeled))
        print(f"siblings: {found.n_offered()}; with a manual label: {found.n_protected()}")
        for text in found.notes:
            print(text)
    return 0


def _sibling_row(sibling: Sibling) -> tuple[str, ...]:
    p = sibling.prediction
    return (reference(p), part_name(p), short(p.description), p.label, p.status.value, sibling.reason)


def suspects_command(options: argparse.Namespace) -> int:
    """Print manual labels that are probably wrong."""
    with (
        open_journal(options, readonly=True) as journal,
        Suspects(journal.human_labels(), journal.current_all()) as found,
    ):
        titles = ("strength", "series", "part", "description", "labeled", "by", "rather", "why")
        print_columns(titles, map(_suspect_row, found))
        print(f"manual labels that are probably wrong: {len(found)}")
    return 0


def _suspect_row(suspect: Suspect) -> tuple[str, ...]:
    series = reference_of(suspect.study_uid, suspect.series_uid, suspect.series_number)
    place = (f"{suspect.strength:.2f}", series, str(suspect.part), short(suspect.description))
    return (*place, suspect.label, suspect.user, suspect.instead, _BETWEEN.join(suspect.reasons))


def sample_command(options: argparse.Namespace) -> int:
    """Write a table for a second reader."""
    n_wanted = 0

    def wanted(journal: Journal) -> Iterator[Prediction]:
        nonlocal n_wanted
        for p in journal.current_all():
            if p.status is Status.CORRECTED or (options.all and p.status is not Status.FAILED):
                n_wanted += 1
                yield p

    with open_journal(options, readonly=True) as journal:
        sample = sample_for_second_reading(wanted(journal), options.n, options.seed)
    if not sample:
        raise UsageError("there is no manual label in this journal: with --all the sample is of all parts")
    print(f"{write_reading_table(sample, options.out)} of {n_wanted} parts to read: {options.out}")
    return 0


def read_command(options: argparse.Namespace) -> int:
    """Record the labels of a second reader, of one part or of a filled-in table."""
    facets = facets_of(options.facets)
    if options.table and (facets or options.part):
        raise UsageError("the labels are in the --table: leave --set and --part out")
    what = _journal_first(options, n_series=0 if options.table else 1)
    if not options.table and not facets:
        raise UsageError("give the label with --set FACET=VALUE, or a filled-in --table")
    rows = read_reading_table(options.table) if options.table else []
    with open_journal(options) as journal:
        readings: list[tuple[Prediction, Mapping[str, str]]]
        if options.table:
            readings = [(_part_of(journal, row), row.facets) for row in rows]
        else:
            parts = find_part(find_series(journal, what[0]), options.part)
            if len(parts) > 1:
                there = ", ".join(map(part_name, parts))
                raise UsageError(f"the series has several parts: choose one of {there} with --part")
            readings = [(parts[0], facets)]
        for part, of_part in readings:
            journal.add_reading(part, of_part, options.user)
    print(f"{len(readings)} blind readings by {options.user}")
    return 0


def _part_of(journal: Journal, row: Reading) -> Prediction:
    """The part that a row of the table is about: by its key, for numbers may have changed since.

    Raises UsageError when there is no such part.
    """
    try:
        return _keyed_part(journal, row) if row.part_key else _numbered_part(journal, row)
    except UsageError as error:
        raise UsageError(f"{row.place}: {error}") from error


def _keyed_part(journal: Journal, row: Reading) -> Prediction:
    part = journal.current(row.part_key)
    if part is None:
        raise UsageError(
            f"part {row.part} of series {row.series_uid} has other images now, or is of another journal: "
            "make a new table with 'review sample'"
        )
    if part.series_uid != row.series_uid:
        raise UsageError("series_uid and part_key are of two series: sort whole rows, not single columns")
    return part


def _numbered_part(journal: Journal, row: Reading) -> Prediction:
    name = series_key(row.study_uid, row.series_uid) if row.study_uid else row.series_uid
    return find_part(find_series(journal, name), str(row.part))[0]


def _journal_first(options: argparse.Namespace, *, n_series: int) -> list[str]:
    """The series that are named; one word more, in front, is the journal."""
    what: list[str] = list(options.what)
    if options.journal is None and len(what) == n_series + 1:
        options.journal = Path(what.pop(0))
    is_journal = options.journal is None and what and is_journal_there(journal_in(Path(what[0])))
    if len(what) != n_series or is_journal:
        raise UsageError("name one series" if n_series else "the series are in the --table: name none")
    return what


def agreement_command(options: argparse.Namespace) -> int:
    """Print how far people agree, and where they do not."""
    with open_journal(options, readonly=True) as journal:
        found = agreement(journal, options.readers)
    for pair in found.pairs:
        _print_pair(pair)
    if found.reason:
        print(found.reason)
    return 0


def _print_pair(pair: PairAgreement) -> None:
    first, second = pair.readers
    print(f"{first} and {second}")
    titles = ("facet", "parts", "agree", "kappa", "95 % interval", "")
    print_columns(titles, [_agreement_row(facet) for facet in pair.facets])
    for facet in pair.facets:
        if len(facet.classes) > 1:
            print(f"\n{facet.facet}: {first} down, {second} across")
            counted = zip(facet.classes, facet.confusion, strict=True)
            print_columns(("", *facet.classes), [(name, *map(str, counts)) for name, counts in counted])
    if pair.disagreements:
        print("\nthey disagree on")
        rows = [
            (
                reference_of(d.study_uid, d.series_uid, d.series_number),
                str(d.part),
                short(d.description),
                d.facet,
                d.first,
                d.second,
            )
            for d in pair.disagreements
        ]
        print_columns(("series", "part", "description", "facet", first, second), rows)
    print()


def _agreement_row(facet: FacetAgreement) -> tuple[str, ...]:
    kappa = "" if facet.kappa is None else f"{facet.kappa:.2f}"
    interval = "" if facet.interval is None else _BETWEEN.join(f"{bound:.2f}" for bound in facet.interval)
    return (facet.facet, str(facet.n), f"{facet.observed:.0%}", kappa, interval, facet.reason)
