"""``series-classifier review``: what to look at next, what is alike, what is doubtful, who agrees."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

from SeriesClassifierLib.cli.display import print_columns
from SeriesClassifierLib.cli.journal import facets_of
from SeriesClassifierLib.curation.agreement import (
    FacetAgreement,
    PairAgreement,
    agreement,
    sample_for_second_reading,
)
from SeriesClassifierLib.curation.queue import QueueItem, review_queue
from SeriesClassifierLib.curation.reading_table import Reading, read_reading_table, write_reading_table
from SeriesClassifierLib.curation.siblings import Sibling, family_of_series
from SeriesClassifierLib.curation.suspects import suspects
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.table import text_cell
from SeriesClassifierLib.records import Status

_BETWEEN = "; "


def queue_command(options: argparse.Namespace) -> int:
    """Print or write what a person should look at next."""
    with Journal(options.journal, readonly=True) as journal:
        items = review_queue(journal.current_all())
    shown = items[: options.limit]
    if options.out is not None:
        _write_queue(shown, options.out)
        print(f"{len(shown)} of {len(items)} rows: {options.out}")
        return 0
    titles = ("worth", "no", "part", "description", "label", "status", "series", "why")
    print_columns(
        titles,
        [
            (
                f"{item.value:.2f}",
                _number(item.series_number),
                str(item.part),
                item.description,
                item.label,
                item.status,
                item.series_uid,
                _BETWEEN.join(item.reasons),
            )
            for item in shown
        ],
    )
    print(f"parts that need a look: {len(items)}; shown: {len(shown)}")
    return 0


def _write_queue(items: Sequence[QueueItem], path: Path) -> None:
    ending = path.suffix.lower()
    if ending not in (".csv", ".json"):
        raise UsageError(f"{path} is no kind of queue we write: end it in .csv or .json")
    rows = [item.as_json() for item in items]
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
        if ending == ".json":
            json.dump(rows, file, indent=1, ensure_ascii=False, allow_nan=False)
            file.write("\n")
            return
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(QueueItem.__dataclass_fields__)
        writer.writerows([_csv_cell(value) for value in row.values()] for row in rows)


def _csv_cell(value: object) -> str:
    if isinstance(value, tuple):
        value = _BETWEEN.join(value)
    return text_cell(value) if isinstance(value, str) else "" if value is None else str(value)


def siblings_command(options: argparse.Namespace) -> int:
    """Print the parts of the same protocol as one series."""
    with Journal(options.journal, readonly=True) as journal:
        _known_part(journal, options.series_uid, options.part)
        found = family_of_series(journal, options.series_uid, options.part)
    titles = ("grade", "no", "part", "description", "label", "status", "series", "why")
    graded = [(sibling.grade, sibling) for sibling in found.offered]
    graded += [("named", sibling) for sibling in found.protected]
    print_columns(titles, [(grade, *_sibling_row(sibling)) for grade, sibling in graded])
    print(f"siblings: {len(found.offered)}; named by people: {len(found.protected)}")
    for text in found.notes:
        print(text)
    return 0


def _sibling_row(sibling: Sibling) -> tuple[str, ...]:
    p = sibling.prediction
    place = (_number(p.series_number), str(p.part), p.description)
    return (*place, p.label, p.status.value, p.series_uid, sibling.reason)


def suspects_command(options: argparse.Namespace) -> int:
    """Print human labels that are probably wrong."""
    with Journal(options.journal, readonly=True) as journal:
        found = suspects(journal.human_labels(), journal.current_all())
    titles = ("strength", "no", "part", "description", "named", "by", "rather", "series", "why")
    print_columns(
        titles,
        [
            (
                f"{suspect.strength:.2f}",
                _number(suspect.series_number),
                str(suspect.part),
                suspect.description,
                suspect.label,
                suspect.user,
                suspect.instead,
                suspect.series_uid,
                _BETWEEN.join(suspect.reasons),
            )
            for suspect in found
        ],
    )
    print(f"human labels that are probably wrong: {len(found)}")
    return 0


def sample_command(options: argparse.Namespace) -> int:
    """Write a table for a second reader."""
    with Journal(options.journal, readonly=True) as journal:
        wanted = [
            p
            for p in journal.current_all()
            if p.status is Status.CORRECTED or (options.all and p.status is not Status.FAILED)
        ]
    if not wanted:
        raise UsageError("nobody has named a part in this journal: with --all the sample is of all parts")
    sample = sample_for_second_reading(wanted, options.n, options.seed)
    print(f"{write_reading_table(sample, options.out)} of {len(wanted)} parts to read: {options.out}")
    return 0


def read_command(options: argparse.Namespace) -> int:
    """Record what a second reader says, of one part or of a filled-in table."""
    facets = facets_of(options.facets)
    one = bool(options.series_uid and facets)
    if one == bool(options.table) or (options.table and (options.series_uid or facets or options.part)):
        raise UsageError("name a series and what it is (--set FACET=VALUE), or a filled-in --table")
    with Journal(options.journal, readonly=True) as journal:
        if one:
            part = _known_part(journal, options.series_uid, options.part)
            if part is None:
                raise UsageError("the series has several parts: name one with --part")
            said = [Reading(options.series_uid, part, facets)]
        else:
            said = read_reading_table(options.table)
            for reading in said:
                _known_part(journal, reading.series_uid, reading.part)
    with Journal(options.journal) as journal:
        for reading in said:
            journal.add_reading(reading.series_uid, reading.part, reading.facets, options.user)
    print(f"{len(said)} blind readings by {options.user}")
    return 0


def _known_part(journal: Journal, series_uid: str, part: int | None) -> int | None:
    """``part``, or the only one of its series; raises UsageError where the journal knows no such part."""
    parts = [p.part for p in journal.current_series(series_uid)]
    if not parts:
        raise UsageError(f"the journal knows no series {series_uid}: check its SeriesInstanceUID")
    if part is None:
        return parts[0] if len(parts) == 1 else None
    if part not in parts:
        raise UsageError(f"series {series_uid} has no part {part}: it has {', '.join(map(str, parts))}")
    return part


def agreement_command(options: argparse.Namespace) -> int:
    """Print how far people agree, and where they do not."""
    with Journal(options.journal, readonly=True) as journal:
        found = agreement(journal.events(), journal.current_all(), options.readers)
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
            (_number(d.series_number), str(d.part), d.description, d.facet, d.first, d.second, d.series_uid)
            for d in pair.disagreements
        ]
        print_columns(("no", "part", "description", "facet", first, second, "series"), rows)
    print()


def _agreement_row(facet: FacetAgreement) -> tuple[str, ...]:
    kappa = "" if facet.kappa is None else f"{facet.kappa:.2f}"
    interval = "" if facet.interval is None else _BETWEEN.join(f"{bound:.2f}" for bound in facet.interval)
    return (facet.facet, str(facet.n), f"{facet.observed:.0%}", kappa, interval, facet.reason)


def _number(series_number: int | None) -> str:
    return "" if series_number is None else str(series_number)
