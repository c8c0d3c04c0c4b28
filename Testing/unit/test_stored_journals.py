"""A journal that an earlier version wrote opens, and shows what that version showed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.journal.store import Journal

FOLDER = Path(__file__).resolve().parents[1] / "Data" / "journals"
STORED = sorted(FOLDER.glob("*.sqlite"))
ONCE = [pytest.param(path, id=path.stem) for path in STORED]


def answer(path: Path) -> dict[str, Any]:
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_they_are_there() -> None:
    assert "journal_v1_4e5415e" in {path.stem for path in STORED}


@pytest.mark.parametrize("stored", ONCE)
def test_small_and_in_one_file(stored: Path) -> None:
    assert stored.stat().st_size < 100_000
    assert {p.suffix for p in FOLDER.iterdir()} <= {".sqlite", ".json", ".md", ".py"}
    with closing(sqlite3.connect(f"{stored.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def shown_today(row: dict[str, Any]) -> dict[str, Any]:
    """Version 1 gave a label without a class the probability of a class that it did not show."""
    return {**row, "confidence": None} if row["sequence"] == "unknown" else row


@pytest.mark.parametrize("stored", ONCE)
def test_shows_what_the_version_that_wrote_it_showed(stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    shutil.copyfile(stored, path)
    assert main(["journal", "show", str(path), "--out", str(tmp_path / "rows.json")]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    expected = answer(stored)
    kept = [
        {name: row[name] for name in old if name != "evidence"}
        for row, old in zip(rows, expected["rows"], strict=True)
    ]
    assert kept == [
        {name: value for name, value in shown_today(old).items() if name != "evidence"}
        for old in expected["rows"]
    ]
    with Journal(path, readonly=True) as journal:
        events = list(journal.events())
    assert len(events) == expected["events"]
    counts = {uid: sum(event.series_uid == uid for event in events) for uid in expected["events_of_series"]}
    assert counts == expected["events_of_series"]
