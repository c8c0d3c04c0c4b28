"""``series-classifier correct``, ``publish`` and ``journal``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from SeriesClassifierLib.cli.display import print_table
from SeriesClassifierLib.curation.siblings import ALIKE, GRADES, SAME, Sibling, spread
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.export.journal_events import write_events
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.publish.column import publish_column, remove_column
from SeriesClassifierLib.publish.summary import column_texts
from SeriesClassifierLib.publish.table import write_table
from SeriesClassifierLib.sources.slicer_database import find_database


def correct_command(options: argparse.Namespace) -> int:
    """Record a correction, with that of its siblings if wanted, or take the last one back."""
    facets = facets_of(options.facets)
    if options.undo == bool(facets):
        raise UsageError(
            "say what it is with --set FACET=VALUE, or take the last correction back with --undo"
        )
    if options.undo and options.siblings:
        raise UsageError("--undo takes back the whole step: leave --siblings out")
    with Journal(options.journal) as journal:
        if options.undo:
            taken = journal.undo_step(options.series_uid, options.part, options.user)
            if not taken:
                raise UsageError("there is no correction of this series to take back")
            print(f"taken back: {len({uid for uid, _ in taken})} series")
        elif options.siblings:
            _spread(journal, options, facets)
        else:
            journal.correct(options.series_uid, options.part, facets, options.user, options.note)
        print_table(journal.current_series(options.series_uid))
    return 0


def _spread(journal: Journal, options: argparse.Namespace, facets: Mapping[str, str]) -> None:
    """Correct a part and its siblings as one step, and say what was done and what was not."""
    grades = GRADES if options.siblings == ALIKE else (SAME,)
    done = spread(journal, options.series_uid, options.part, options.user, facets, grades, options.note)
    n_series = len({uid for uid, _ in done.corrected})
    print(f"corrected in one step: {n_series} series; siblings among them: {len(done.siblings)}")
    for sibling in done.protected:
        print(f"  protected {_place(sibling)}: a person named it {sibling.prediction.label}")
    for text in done.notes:
        print(f"  {text}")


def _place(sibling: Sibling) -> str:
    p = sibling.prediction
    number = "" if p.series_number is None else f"series {p.series_number}, "
    return f"{number}part {p.part} ({p.series_uid})"


def facets_of(texts: Iterable[str]) -> dict[str, str]:
    """The facets of ``FACET=VALUE`` texts. Raises UsageError for what is none."""
    return dict(_facet(text) for text in texts)


def _facet(text: str) -> tuple[str, str]:
    facet, equals, value = text.partition("=")
    if not equals or not value:
        raise UsageError(f"{text!r} is no FACET=VALUE: write for example sequence=T2")
    return facet.strip(), value.strip()


def publish_command(options: argparse.Namespace) -> int:
    """Write the current labels of a journal as the browser column, or take the column out."""
    database = find_database(options.database)
    if database is None:
        raise SourceError(f"no Slicer DICOM database at {options.database}: name its folder or ctkDICOM.sql")
    if options.remove:
        print("column removed" if remove_column(database) else "there was no column to remove")
        return 0
    path: Path = options.journal or database.parent / JOURNAL_NAME
    with Journal(path, readonly=True) as journal:
        n = publish_column(database, column_texts(journal.current_all()))
    print(f"{n} series labelled in {database.name}")
    return 0


def journal_show(options: argparse.Namespace) -> int:
    """Print current labels, or the events of one series."""
    with Journal(options.journal, readonly=True) as journal:
        if options.series:
            for event in journal.events(options.series):
                payload = {key: value for key, value in event.payload.items() if key != "patient_id"}
                head = {
                    "time": event.time,
                    "kind": event.kind.value,
                    "actor": event.actor,
                    "part": event.part,
                }
                print(json.dumps({**head, "bundle": event.bundle, **payload}))
        elif options.out:
            print(f"{write_table(journal.current_all(), options.out)} rows: {options.out}")
        else:
            print_table(journal.current_all())
    return 0


def journal_merge(options: argparse.Namespace) -> int:
    """Add the events of other journals to the first."""
    with Journal(options.journal) as journal:
        for other in options.others:
            print(f"{journal.merge(other)} new events from {other.name}")
    return 0


def journal_export(options: argparse.Namespace) -> int:
    """Write all events of a journal."""
    with Journal(options.journal, readonly=True) as journal:
        n = write_events(journal.events(), options.out, with_patient_id=options.with_patient_id)
    print(f"{n} events: {options.out}")
    return 0
