"""``series-classifier publish`` and ``journal``."""

from __future__ import annotations

import argparse
import json

from SeriesClassifierLib.cli.display import note, print_table
from SeriesClassifierLib.cli.journal_file import existing_journal, journal_file, open_journal
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.export.journal_events import write_events
from SeriesClassifierLib.journal.events import Event
from SeriesClassifierLib.journal.find import find_series
from SeriesClassifierLib.journal.merge import merge
from SeriesClassifierLib.publish.column import publish_column, remove_column
from SeriesClassifierLib.publish.summary import column_texts
from SeriesClassifierLib.publish.table import write_table
from SeriesClassifierLib.sources.slicer_database import find_database


def publish_command(options: argparse.Namespace) -> int:
    """Write the current labels of a journal as the browser column, or remove the column."""
    database = find_database(options.database)
    if database is None:
        raise SourceError(f"no Slicer DICOM database at {options.database}: name its folder or ctkDICOM.sql")
    if options.remove:
        print("column removed" if remove_column(database) else "there was no column to remove")
        return 0
    options.journal = options.journal or database
    with open_journal(options, readonly=True) as journal:
        n = publish_column(database, column_texts(journal.current_all()))
    if not n:
        note("no series of this journal is in this database: check --journal", quiet=False)
    print(f"{n} series labeled in {database.name}")
    return 0


def journal_show(options: argparse.Namespace) -> int:
    """Print current labels, or the events of one series."""
    with open_journal(options, readonly=True) as journal:
        if options.series:
            part = find_series(journal, options.series)[0]
            for event in journal.events(part.series_uid):
                if event.study_uid in ("", part.study_uid):  # the first versions recorded no study
                    print(json.dumps(_event_json(event)))
        elif options.out:
            print(f"{write_table(journal.current_all(), options.out)} rows: {options.out}")
        else:
            print_table(journal.current_all())
    return 0


def _event_json(event: Event) -> dict[str, object]:
    """All of an event but the patient."""
    payload = {key: value for key, value in event.payload.items() if key != "patient_id"}
    head = {
        "time": event.time,
        "kind": event.kind.value,
        "actor": event.actor,
        "study_uid": event.study_uid,
        "part": event.part,
        "part_key": event.part_key,
        "bundle": event.bundle,
    }
    return {**head, **payload}


def journal_merge(options: argparse.Namespace) -> int:
    """Add the events of other journals to one: that of --journal, else the first of several."""
    others = list(options.others)
    if options.journal is None and len(others) > 1:
        options.journal = others.pop(0)
    into = journal_file(options, may_be_new=options.new)
    sources = {existing_journal(other): other for other in others}
    if into.resolve() in {source.resolve() for source in sources}:
        raise UsageError(f"{into} is to take its own events: name the other journals")
    for source, n in merge(into, list(sources)).items():
        print(f"{n} new events from {sources[source]}")
    print(f"merged into {into}")
    return 0


def journal_export(options: argparse.Namespace) -> int:
    """Write all events of a journal."""
    with open_journal(options, readonly=True) as journal:
        n = write_events(journal.events(), options.out, with_patient_id=options.with_patient_id)
    print(f"{n} events: {options.out}")
    return 0
