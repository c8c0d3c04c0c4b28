"""Corrections without a part key, of version 1 or of series that nobody had classified: never on other images."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from support.predictions import fake_images, make_prediction

from SeriesClassifierLib.identity import part_key
from SeriesClassifierLib.journal.merge import merge
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status

UID = "1.9"
DWI = {"sequence": "DWI"}


def journal_of_day(path: Path, day: int) -> Journal:
    return Journal(path, clock=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=day))


def of_version_1(study: str) -> Prediction:
    return make_prediction(study_uid=study, series_uid=UID, part_key="", images=b"", fingerprint=f"f{study}")


def of_today(study: str) -> Prediction:
    images = fake_images(study)
    return make_prediction(
        study_uid=study, series_uid=UID, images=images, part_key=part_key(study, UID, ("time=1",), images)
    )


def labels(path: Path) -> dict[str, Any]:
    with Journal(path, readonly=True) as journal:
        return {p.study_uid: (p.sequence, p.status) for p in journal.current_series(UID)}


def test_a_correction_that_names_its_study_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.sqlite"
    with journal_of_day(path, 1) as journal:
        journal.add_predictions([of_version_1("1.1")])
        journal.add_predictions([of_version_1("1.2")])
        journal.correct(journal.current_series(UID, "1.1"), DWI, "reader")
    assert labels(path) == {"1.1": ("DWI", Status.CORRECTED), "1.2": ("T2", Status.REVIEW)}


def test_a_run_of_another_journal_does_not_take_the_correction_over(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.sqlite", tmp_path / "theirs.sqlite"
    with journal_of_day(mine, 1) as journal:
        journal.add_predictions([of_version_1("1.1")])
    with journal_of_day(mine, 5) as journal:
        journal.correct(journal.current_series(UID), DWI, "reader")
    with journal_of_day(theirs, 3) as journal:
        journal.add_predictions([of_today("1.2")])
    merge(mine, [theirs])
    assert labels(mine) == {"1.1": ("DWI", Status.CORRECTED), "1.2": ("T2", Status.REVIEW)}


def test_a_correction_of_an_unseen_series_is_a_question_in_every_journal(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.sqlite", tmp_path / "theirs.sqlite"
    for first in (of_version_1("1.1"), of_today("1.1")):
        for path in (mine, theirs):
            path.unlink(missing_ok=True)
        with journal_of_day(mine, 1) as journal:
            journal.add_predictions([first])
        with journal_of_day(theirs, 2) as journal:
            journal.correct_unseen(UID, DWI, "reader")
        with journal_of_day(theirs, 3) as journal:
            journal.add_predictions([of_today("1.2")])
        merge(mine, [theirs])
        assert labels(mine) == {"1.1": ("T2", Status.REVIEW), "1.2": ("T2", Status.REVIEW)}


def test_a_correction_of_an_unseen_series_can_be_taken_back_when_it_was_seen(tmp_path: Path) -> None:
    with Journal(tmp_path / "mine.sqlite") as journal:
        journal.correct_unseen(UID, DWI, "reader")
        journal.add_predictions([of_today("1.1")])
        [asked] = journal.current_series(UID)
        assert asked.status is Status.REVIEW
        assert [c.facets for c in journal.undo([asked], "reader")] == [DWI]
        [left] = journal.current_series(UID)
        assert left.status is Status.AUTO
        assert journal.undo([left], "reader") == []


def test_half_a_character_in_a_note_keeps_no_journal_from_merging(tmp_path: Path) -> None:
    with Journal(tmp_path / "theirs.sqlite") as journal:
        journal.add_predictions([of_today("1.1")])
        journal.correct(journal.current_series(UID), DWI, "reader", "caf\udce9")
    assert merge(tmp_path / "mine.sqlite", [tmp_path / "theirs.sqlite"]) == {tmp_path / "theirs.sqlite": 2}
