"""Merging takes all of a journal that is in order, and nothing of one that is not."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.crafted_journals import CRAFTED, CraftedJournal, possible
from support.predictions import make_prediction

from SeriesClassifierLib.errors import JournalError
from SeriesClassifierLib.journal.merge import merge
from SeriesClassifierLib.journal.store import Journal

STORED = Path(__file__).resolve().parents[1] / "Data" / "journals" / "journal_v1_4e5415e.sqlite"
SMALL = [crafted for crafted in CRAFTED if not crafted.large]


def written(path: Path, *numbers: int) -> Path:
    """A journal of some series, each with a label and an undo of another."""
    with Journal(path) as journal:
        for n in numbers:
            journal.add_predictions([make_prediction(series_uid=f"1.2.1.{n}", series_number=n)])
            parts = journal.current_series(f"1.2.1.{n}")
            journal.correct(parts, {"sequence": "PD"}, "reader")
            journal.correct(parts, {"sequence": "T1"}, "reader", "second thought")
            journal.undo(parts, "reader")
            journal.add_reading(parts[0], {"sequence": "T2"}, "second reader")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, to compare byte for byte
    return path


def test_there_are_many_kinds() -> None:
    assert len(SMALL) >= 24


@pytest.mark.parametrize("crafted", CRAFTED, ids=lambda c: c.name)
def test_a_journal_that_is_not_in_order_is_refused_and_nothing_is_taken(
    crafted: CraftedJournal, tmp_path: Path
) -> None:
    target, other = written(tmp_path / "mine.sqlite", 1), written(tmp_path / "theirs.sqlite", 5, 6)
    assert crafted in possible(other), f"{crafted.name} cannot be made of a journal of today"
    crafted.apply(other)
    before = target.read_bytes()
    refusal = None
    try:
        merge(target, [other])
    except JournalError as error:
        refusal = str(error)
    if refusal is None:
        assert crafted.harmless, f"{crafted.name} was taken over"
        with Journal(target, readonly=True) as journal:
            assert [p.sequence for p in journal.current_all()] == ["PD"] * 3
    else:
        assert target.read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir() if "mine" in path.name) == ["mine.sqlite"]
        assert str(tmp_path) not in refusal


def test_the_message_counts_what_is_wrong_by_kind(tmp_path: Path) -> None:
    target, other = written(tmp_path / "mine.sqlite", 1), written(tmp_path / "theirs.sqlite", 5, 6)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("DROP TRIGGER event_no_update")
        connection.execute("UPDATE event SET payload = '{' WHERE kind = 'prediction'")
        connection.execute("UPDATE event SET time = '2099-01-01T00:00:00.000000Z' WHERE kind = 'note'")
        connection.commit()
    with pytest.raises(JournalError, match=r"theirs.sqlite .* nothing of it was taken \(4 faults: .*: 2; .*: 2\)"):
        merge(target, [other])


def test_a_clock_that_was_never_set_keeps_no_journal_from_merging(tmp_path: Path) -> None:
    with Journal(tmp_path / "theirs.sqlite", clock=lambda: datetime(1970, 1, 1, tzinfo=timezone.utc)) as journal:
        journal.add_predictions([make_prediction()])
        journal.correct(journal.current_all(), {"sequence": "PD"}, "reader")
        first, second = (event.time for event in journal.events())
        assert first < second
    assert merge(tmp_path / "mine.sqlite", [tmp_path / "theirs.sqlite"]) == {tmp_path / "theirs.sqlite": 2}


def test_one_bad_journal_keeps_the_good_one_beside_it_out(tmp_path: Path) -> None:
    target, good = written(tmp_path / "mine.sqlite", 1), written(tmp_path / "good.sqlite", 5)
    bad = written(tmp_path / "bad.sqlite", 6)
    bad.write_bytes(bad.read_bytes()[:5000])
    before = target.read_bytes()
    with pytest.raises(JournalError):
        merge(target, [good, bad])
    assert target.read_bytes() == before


def test_a_journal_is_not_made_for_what_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.sqlite"
    bad.write_text("no journal")
    with pytest.raises(JournalError):
        merge(tmp_path / "new.sqlite", [bad])
    assert not (tmp_path / "new.sqlite").exists()


@pytest.mark.parametrize("into_first_version", [False, True])
def test_a_journal_of_the_first_version_is_taken_and_takes(tmp_path: Path, into_first_version: bool) -> None:
    old, new = tmp_path / "old.sqlite", written(tmp_path / "new.sqlite", 1)
    shutil.copyfile(STORED, old)
    before = old.read_bytes()
    with Journal(old, readonly=True) as journal:
        shown = list(journal.current_all())
        n_events = len(list(journal.events()))
    assert old.read_bytes() == before
    if into_first_version:
        merge(old, [new])
    else:
        assert merge(new, [old]) == {old: n_events}
        assert old.read_bytes() == before
    with Journal(old if into_first_version else new, readonly=True) as journal:
        found = list(journal.current_all())
    assert [p for p in found if p.series_uid != "1.2.1.1"] == shown
    assert len(found) == len(shown) + 1


def test_a_clock_that_is_an_hour_ahead_is_believed_and_one_of_next_week_is_not(tmp_path: Path) -> None:
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    for ahead, is_taken in ((timedelta(hours=1), True), (timedelta(days=7), False)):
        other = tmp_path / f"{ahead.days}.sqlite"
        with Journal(other, clock=lambda ahead=ahead: now + ahead) as journal:
            journal.add_predictions([make_prediction()])
        if is_taken:
            assert merge(tmp_path / "mine.sqlite", [other], clock=lambda: now) == {other: 1}
        else:
            with pytest.raises(JournalError, match="future"):
                merge(tmp_path / "mine.sqlite", [other], clock=lambda: now)


def changed(path: Path, statement: str) -> Path:
    """A journal that somebody wrote to behind its back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER event_no_update")
        assert connection.execute(statement).rowcount == 1
        connection.commit()
    return path


def test_an_undo_from_before_its_correction_is_refused(tmp_path: Path) -> None:
    other = changed(
        written(tmp_path / "theirs.sqlite", 5),
        "UPDATE event SET time = '2021-01-01T00:00:00.000000Z' WHERE kind = 'undo'",
    )
    with pytest.raises(JournalError, match="an undo of something that is no earlier correction"):
        merge(tmp_path / "mine.sqlite", [other])


def test_an_event_that_is_here_with_another_content_is_refused(tmp_path: Path) -> None:
    target, other = tmp_path / "mine.sqlite", written(tmp_path / "theirs.sqlite", 5)
    merge(target, [other])
    before = target.read_bytes()
    changed(other, "UPDATE event SET actor = 'another' WHERE kind = 'undo'")
    with pytest.raises(JournalError, match="an id that is there twice, or here with another content: 1"):
        merge(target, [other])
    assert target.read_bytes() == before


def test_an_event_that_names_the_part_of_another_series_is_refused(tmp_path: Path) -> None:
    other = changed(
        written(tmp_path / "theirs.sqlite", 5), "UPDATE event SET series_uid = '9.9' WHERE kind = 'note'"
    )
    with pytest.raises(JournalError, match="images that do not belong to their part: 1"):
        merge(tmp_path / "mine.sqlite", [other])
