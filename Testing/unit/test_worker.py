"""The worker: jobs in, events out, every job ends in one word, and nothing else is on its output."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.predictions import make_prediction
from support.protocols import drawn_protocol
from support.simulated import write_small_series

from SeriesClassifierLib.cli import worker, worker_jobs
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.simulation.database_writer import write_database

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class Talk:
    """The two ends of a worker that runs in a thread."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self.out = io.StringIO()
        self._thread = threading.Thread(target=worker.serve, args=(self._lines, self.out, 0.0))
        self._thread.start()

    def say(self, **job: Any) -> None:
        self._lines.put(json.dumps(job) + "\n")

    def write(self, line: str) -> None:
        self._lines.put(line + "\n")

    def end(self, events: int) -> list[dict[str, Any]]:
        """All events, at least so many, after closing the input."""
        until = time.monotonic() + PATIENCE_S
        while self.out.getvalue().count("\n") < events and time.monotonic() < until:
            time.sleep(0.01)
        self._lines.put(None)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


class _Lines:
    def __init__(self) -> None:
        import queue

        self._queue: queue.Queue[str | None] = queue.Queue()

    def put(self, line: str | None) -> None:
        self._queue.put(line)

    def __iter__(self) -> Iterator[str]:
        while (line := self._queue.get()) is not None:
            yield line


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, threading.Event]:
    """Jobs of the test's own: one that echoes, one that waits to be told to stop, one that breaks."""
    going = {"started": threading.Event()}

    def wait(_request: Any, _say: Any, cancelled: Any) -> dict[str, Any]:
        going["started"].set()
        while not cancelled():
            pass
        raise worker_jobs.Cancelled

    def broken(_request: Any, _say: Any, _cancelled: Any) -> dict[str, Any]:
        raise RuntimeError("Doe^Jane has no pixels")

    def echo(request: Any, say: Any, _cancelled: Any) -> dict[str, Any]:
        say("rows", rows=[request["text"]])
        return {"text": request["text"]}

    monkeypatch.setattr(worker, "JOBS", {"echo": echo, "wait": wait, "broken": broken})
    return going


def run_all(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    """One job after the other through the functions themselves."""
    events: list[dict[str, Any]] = []
    for number, request in enumerate(requests):

        def say(event: str, _number: int = number, **more: Any) -> None:
            events.append(json.loads(json.dumps({"id": _number, "event": event, **more}, allow_nan=False)))

        worker._run({"id": number, **request}, say, lambda: False)
    return events


def last_of(events: list[dict[str, Any]], number: int = 0) -> dict[str, Any]:
    return [event for event in events if event.get("id") == number][-1]


# --- the conversation ----------------------------------------------------------------------------------------


def test_jobs_run_in_their_order_and_each_ends_in_one_word(jobs: dict[str, threading.Event]) -> None:
    talk = Talk()
    talk.say(id=1, do="echo", text="a")
    talk.say(id="two", do="echo", text="b")
    talk.say(id=3, do="nonsense")
    talk.say(id=4, do="wait")
    jobs["started"].wait(PATIENCE_S)
    talk.say(id=4, do="cancel")
    events = talk.end(7)
    assert events[0]["event"] == "ready"
    assert [(e["id"], e["event"]) for e in events[1:]] == [
        (1, "rows"), (1, "done"), ("two", "rows"), ("two", "done"), (3, "failed"), (4, "cancelled"),
    ]  # fmt: skip
    assert events[5]["code"] == 2


def test_a_job_that_waits_can_be_cancelled_before_it_begins(jobs: dict[str, threading.Event]) -> None:
    talk = Talk()
    talk.say(id=1, do="wait")
    jobs["started"].wait(PATIENCE_S)
    talk.say(id=2, do="echo", text="never")
    talk.say(id=2, do="cancel")
    talk.say(id=1, do="cancel")
    assert [(e["id"], e["event"]) for e in talk.end(3)[1:]] == [(1, "cancelled"), (2, "cancelled")]


@pytest.mark.parametrize("line", ["no json", "[1]", "{}", '{"id": null, "do": "echo"}'])
def test_what_is_no_job_is_said_and_the_next_one_runs(line: str, jobs: dict[str, threading.Event]) -> None:
    talk = Talk()
    talk.write(line)
    talk.say(id=1, do="wait")
    jobs["started"].wait(PATIENCE_S)
    talk.say(id=1, do="cancel")
    events = talk.end(3)
    assert {(e["id"], e["event"]) for e in events if e["event"] != "ready"} == {(None, "failed"), (1, "cancelled")}


def test_what_breaks_is_said_without_its_words(jobs: dict[str, threading.Event]) -> None:
    event = last_of(run_all({"do": "broken"}))
    assert event["event"] == "failed"
    assert "RuntimeError" in event["message"]
    assert "Jane" not in event["message"]


def test_it_ends_when_its_input_closes_and_prints_nothing_else(tmp_path: Path) -> None:
    write_small_series(tmp_path / "in", study=1, series=1, images=2)
    job = json.dumps({"id": 1, "do": "classify", "source": str(tmp_path / "in"), "mode": "header"})
    done = subprocess.run(
        [sys.executable, "-m", "SeriesClassifierLib", "worker"],
        input=job + "\n", capture_output=True, text=True, timeout=PATIENCE_S, cwd=REPOSITORY, check=True,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    # Closed at once: the job was stopped, or was quicker.
    assert events[0]["event"] == "ready"
    assert events[-1]["event"] in ("done", "cancelled", "ready")


# --- the jobs ------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    files = write_small_series(tmp_path / "in" / "a", study=1, series=1, images=3)
    files += write_small_series(tmp_path / "in" / "b", study=1, series=2, images=2, SeriesDescription="second")
    files += write_small_series(tmp_path / "in" / "c", study=2, series=1, images=2)
    return write_database(files, tmp_path / "database")


def classify_job(database: Path, **more: Any) -> dict[str, Any]:
    journal = str(database.parent / "journal.sqlite")
    return {"do": "classify", "source": str(database), "mode": "header", "journal": journal, **more}


def test_classify_says_rows_and_keeps_them(database: Path) -> None:
    events = run_all(classify_job(database))
    rows = [row for event in events if event["event"] == "rows" for row in event["rows"]]
    assert events[0] == {"id": 0, "event": "start", "series": 3}
    assert len(rows) == 3
    assert all(row["label"] == "T2 AX" and row["pictures"]["1"] for row in rows)
    assert sum(last_of(events)["status"].values()) == 3
    assert "SMALL" not in json.dumps(events)
    with Journal(database.parent / "journal.sqlite", readonly=True) as journal:
        assert len(list(journal.current_all())) == 3


def test_chosen_series_bring_their_study_along(database: Path) -> None:
    events = run_all(classify_job(database))
    uid = next(row["series_uid"] for e in events if "rows" in e for row in e["rows"] if row["description"] == "second")
    events = run_all(classify_job(database, series=[uid]))
    assert events[0]["series"] == 2
    assert {row["description"] for e in events if "rows" in e for row in e["rows"]} == {"second", "t2_tse_tra"}


def test_series_are_not_chosen_in_a_folder(tmp_path: Path, database: Path) -> None:
    event = last_of(run_all(classify_job(tmp_path / "in", series=["1.2"])))
    assert (event["event"], event["code"]) == ("failed", 2)


def test_headers_are_told_first_where_pictures_take_time(database: Path) -> None:
    events = run_all(classify_job(database, mode="auto"))
    assert [e["provisional"] for e in events if e["event"] == "rows"] == [True, False, True, False]


def test_resuming_looks_at_nothing_again(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [e["rows"] for e in run_all(classify_job(database)) if e["event"] == "rows"]
    monkeypatch.setattr("SeriesClassifierLib.inference.run.Classifier.study", None)
    assert [e["rows"] for e in run_all(classify_job(database, resume=True)) if e["event"] == "rows"] == first


def test_human_labels_stay_in_provisional_rows_too(database: Path) -> None:
    row = next(e["rows"][0] for e in run_all(classify_job(database)) if e["event"] == "rows")
    with Journal(database.parent / "journal.sqlite") as journal:
        journal.correct(row["series_uid"], None, {"sequence": "PD"}, "somebody")
    events = run_all(classify_job(database, mode="auto"))
    said = {r["label"] for e in events if "rows" in e for r in e["rows"] if r["series_uid"] == row["series_uid"]}
    assert said == {"PD AX"}


def test_labels_are_those_of_the_journal(database: Path) -> None:
    journal = str(database.parent / "journal.sqlite")
    assert run_all({"do": "labels", "journal": journal}) == [{"id": 0, "event": "done", "series": 0}]
    run_all(classify_job(database))
    events = run_all({"do": "labels", "journal": journal})
    assert len(events[0]["rows"]) == last_of(events)["series"] == 3


def test_details_come_with_pictures(database: Path) -> None:
    row = next(e["rows"][0] for e in run_all(classify_job(database)) if e["event"] == "rows")
    journal = str(database.parent / "journal.sqlite")
    files = [path for path, _ in row["pictures"]["1"]]
    for where in ({"pictures": row["pictures"]}, {"files": files}):
        event = last_of(run_all({"do": "details", "journal": journal, "series_uid": row["series_uid"], **where}))
        [part] = event["parts"]
        assert part["alternatives"][0]["name"] == "T2"
        assert "plane AX (ImageOrientationPatient)" in part["facts"]
        assert all(base64.b64decode(p["png"]).startswith(b"\x89PNG") for p in part["pictures"])
        assert len(part["pictures"]) == len(files)


def test_details_of_a_file_that_is_gone_tell_why_there_is_no_picture(database: Path) -> None:
    row = next(e["rows"][0] for e in run_all(classify_job(database)) if e["event"] == "rows")
    journal = str(database.parent / "journal.sqlite")
    places = {"1": [["/no such file", 0]]}
    event = last_of(run_all({"do": "details", "journal": journal, "series_uid": row["series_uid"], "pictures": places}))
    [picture] = event["parts"][0]["pictures"]
    assert picture["png"] == ""
    assert "cannot be read" in picture["reason"]


def test_the_column_is_written_and_taken_out(database: Path) -> None:
    run_all(classify_job(database))
    journal = str(database.parent / "journal.sqlite")
    assert last_of(run_all({"do": "publish", "database": str(database), "journal": journal}))["series"] == 3
    assert last_of(run_all({"do": "unpublish", "database": str(database)}))["removed"]


def test_export_writes_all_or_the_chosen(database: Path, tmp_path: Path) -> None:
    rows = [row for e in run_all(classify_job(database)) if e["event"] == "rows" for row in e["rows"]]
    journal, out = str(database.parent / "journal.sqlite"), tmp_path / "labels.csv"
    assert last_of(run_all({"do": "export", "journal": journal, "out": str(out)}))["rows"] == 3
    chosen = [rows[0]["series_uid"]]
    run_all({"do": "export", "journal": journal, "out": str(out), "series": chosen})
    with out.open(encoding="utf-8") as file:
        assert [row["series_uid"] for row in csv.DictReader(file)] == chosen
    assert last_of(run_all({"do": "export", "journal": journal, "out": str(tmp_path / "r.html")}))["rows"] == 3


def reviewed(path: Path, n: int) -> str:
    """A journal of ``n`` series in review, all of one protocol."""
    protocol = drawn_protocol(2, "t2_tse_tra")
    with Journal(path) as journal:
        journal.add_predictions(
            make_prediction(series_uid=f"1.2.{i}", series_number=i, status=Status.REVIEW, sequence="PD", protocol=protocol)
            for i in range(n)
        )
    return str(path)


def test_the_queue_comes_a_hundred_items_a_line(tmp_path: Path) -> None:
    journal = reviewed(tmp_path / "j.sqlite", 230)
    events = run_all({"do": "queue", "journal": journal})
    assert [len(e["items"]) for e in events if e["event"] == "items"] == [100, 100, 30]
    assert last_of(events)["items"] == 230
    item = events[0]["items"][0]
    assert item["series_uid"] == "1.2.0"
    assert item["status"] == "review"
    assert "the answer would settle 229 more of the same protocol and name" in item["reasons"]
    assert "P-1" not in json.dumps(events)
    limited = run_all({"do": "queue", "journal": journal, "limit": 3})
    assert limited[0]["items"] == events[0]["items"][:3]
    assert last_of(limited)["items"] == 3
    assert last_of(run_all({"do": "queue", "journal": journal, "limit": 0}))["code"] == 2
    assert last_of(run_all({"do": "queue", "journal": str(tmp_path / "none.sqlite")}))["items"] == 0


def test_the_queue_can_be_cancelled(tmp_path: Path) -> None:
    journal = reviewed(tmp_path / "j.sqlite", 3)
    asked = iter((False, True))
    with pytest.raises(worker_jobs.Cancelled):
        worker_jobs.queue({"do": "queue", "journal": journal}, print, lambda: next(asked))


def test_siblings_tell_what_was_said_and_who_is_protected(tmp_path: Path) -> None:
    journal = reviewed(tmp_path / "j.sqlite", 4)
    with Journal(journal) as opened:
        opened.correct("1.2.1", None, {"sequence": "T2"}, "ms")
        opened.correct("1.2.2", None, {"sequence": "T1"}, "somebody")
    job = {"do": "siblings", "journal": journal, "series_uid": "1.2.1"}
    event = last_of(run_all({**job, "part": None}))
    assert event["facets"] == {"sequence": "T2"}
    assert event["protected"] == 1
    assert event["notes"] == ["another one of this protocol is named T1 by people"]
    assert [(s["series_uid"], s["part"], s["grade"]) for s in event["siblings"]] == [("1.2.0", 1, "same"), ("1.2.3", 1, "same")]
    assert set(event["siblings"][0]) == {
        "series_uid", "part", "study_uid", "series_number", "description", "label", "status", "grade", "reason",
    }  # fmt: skip
    assert last_of(run_all({**job, "part": 1})) == event
    assert last_of(run_all({**job, "part": 0}))["code"] == 2
    assert last_of(run_all({"do": "siblings", "journal": journal}))["code"] == 2


@pytest.mark.parametrize("do", sorted(worker.JOBS))
def test_a_job_without_its_fields_says_so(do: str) -> None:
    event = last_of(run_all({"do": do}))
    assert event["event"] == "failed"
    assert event["code"] in (2, 3)
