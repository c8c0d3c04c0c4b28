"""The export of the journal: every event, no patient unless asked for."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.predictions import make_prediction

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.export.journal_events import CSV_COLUMNS, write_events
from SeriesClassifierLib.journal.store import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.add_predictions([make_prediction(patient_id="SECRET", description="=1+1")])
        parts = journal.current_series("1.2.1.5")
        journal.correct(parts, {"sequence": "PD"}, "ms", note="@home")
        journal.note(parts[0], "motion", "ms")
        journal.undo(parts, "ms")
        yield journal


def test_json_lines_hold_every_event(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert write_events(journal.events(), path) == 4
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["kind"] for event in events] == ["prediction", "correction", "note", "undo"]
    (opinion,) = events[0]["payload"]["opinions"]
    assert (opinion["witness"], opinion["classes"]["T2"]) == ("header", 0.98765432)
    assert events[1]["payload"]["facets"] == {"sequence": "PD"}
    assert events[3]["payload"]["undoes"] == events[1]["id"]


def test_csv_tells_what_happened(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    assert write_events(journal.events(), path) == 4
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert [row["sequence"] for row in rows] == ["T2", "PD", "", ""]
    assert [row["note"] for row in rows] == ["", "'@home", "motion", ""]
    assert rows[3]["undoes"] == rows[1]["id"]


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_no_patient_unless_asked_for(journal: Journal, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"events{ending}"
    write_events(journal.events(), path)
    assert "SECRET" not in path.read_text()
    write_events(journal.events(), path, with_patient_id=True)
    assert "SECRET" in path.read_text()


def test_another_ending_is_a_wrong_usage(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"end it in \.jsonl or \.csv"):
        write_events(journal.events(), tmp_path / "events.xml")
