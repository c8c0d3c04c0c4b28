"""The worker on siblings: a list that a window can hold, all of them counted, and all of them corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.predictions import make_prediction
from support.protocols import drawn_protocol

from SeriesClassifierLib.cli import worker_jobs
from SeriesClassifierLib.cli.worker_jobs import MOST_SIBLINGS, Cancelled, queue, siblings, spread_label
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status

PROTOCOL, ALIKE = drawn_protocol(2, "t2_tse"), drawn_protocol(2, "other")
N = MOST_SIBLINGS + 20
OF = {"study_uid": "1.2.0", "series_uid": "1.2.0.1", "part_key": None}


def no() -> bool:
    return False


def say(_event: str, **_more: Any) -> None:
    """Nobody listens."""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Many series of one protocol, three of which people labeled, and one of the same protocol by another name."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as opened:
        opened.add_predictions(
            make_prediction(
                study_uid=f"1.2.{n}",
                series_uid=f"1.2.{n}.1",
                status=Status.REVIEW,
                protocol=ALIKE if n == 9 else PROTOCOL,
            )
            for n in range(N)
        )
        for n, sequence in ((0, "PD"), (1, "T1"), (2, "T1")):
            opened.correct(opened.current_series(f"1.2.{n}.1"), {"sequence": sequence}, "ms")
    return path


def labeled(path: Path) -> list[Prediction]:
    with Journal(path, readonly=True) as opened:
        return [p for p in opened.current_all() if p.status is Status.CORRECTED]


def test_a_long_list_is_cut_and_counted(journal: Path) -> None:
    found = siblings({"journal": str(journal), **OF}, say, no)
    assert len(found["siblings"]) == MOST_SIBLINGS
    assert (found["same"], found["alike"], found["protected"]) == (N - 4, 1, 2)
    assert found["facets"] == {"sequence": "PD"}
    assert found["notes"] == ["2 others of this protocol are named T1 by people"]


@pytest.mark.parametrize(("grade", "n"), [(None, N - 4), ("same", N - 4), ("alike", N - 3)])
def test_all_siblings_are_corrected_in_one_step(journal: Path, grade: str | None, n: int) -> None:
    done = spread_label({"journal": str(journal), **OF, "user": "ms", "grade": grade}, say, no)
    assert done == {"parts": n, "series": n, "protected": 2}
    assert [p.sequence for p in labeled(journal)].count("PD") == n + 1
    with Journal(journal) as opened:
        assert len(opened.undo(opened.current_series("1.2.5.1"), "ms")) == n
    assert len(labeled(journal)) == 3


def test_what_cannot_be_spread_is_refused(journal: Path) -> None:
    request = {"journal": str(journal), **OF, "user": "ms"}
    for wrong in ({"user": ""}, {"grade": "equal"}, {"series_uid": "1.2.7.1", "study_uid": "1.2.7"}):
        with pytest.raises(UsageError):
            spread_label({**request, **wrong}, say, no)
    assert len(labeled(journal)) == 3


@pytest.mark.parametrize("job", [siblings, spread_label, queue])
def test_a_job_that_is_cancelled_changes_nothing(journal: Path, job: Any) -> None:
    with pytest.raises(Cancelled):
        job({"journal": str(journal), **OF, "user": "ms"}, say, lambda: True)
    assert len(labeled(journal)) == 3


def test_the_queue_is_said_a_few_at_a_time(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_jobs, "_ITEMS_A_LINE", 50)
    heard: list[int] = []
    done = queue({"journal": str(journal), "limit": 120}, lambda _event, items: heard.append(len(items)), no)
    assert (done, heard) == ({"items": 120}, [50, 50, 20])
    assert queue({"journal": str(journal)}, say, no) == {"items": N - 3}
