"""The worker: jobs in, events out, every job ends in one word, and nothing else is on its output."""

from __future__ import annotations

import base64
import csv
import io
import json
import logging
import os
import queue
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.predictions import fact, make_prediction
from support.protocols import drawn_protocol
from support.simulated import write_small_series

from SeriesClassifierLib.cli import learning_jobs, worker, worker_inbox, worker_jobs
from SeriesClassifierLib.cli.worker_fields import FIELDS
from SeriesClassifierLib.errors import (
    BundleError,
    JournalBusyError,
    JournalError,
    PrivacyError,
    SourceBusyError,
    SourceError,
    UsageError,
)
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.simulation.database_writer import write_database

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
NAME = "Doe^Jane"


class Talk:
    """The two ends of a worker that runs in a thread."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self.out = io.StringIO()
        self._thread = threading.Thread(target=worker.serve, args=(self._lines, self.out, 0.0))
        self._thread.start()

    def say(self, **job: Any) -> None:
        self.write(json.dumps(job).encode())

    def write(self, line: bytes) -> None:
        self._lines.put(line + b"\n")

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
    """A stream whose lines are put in one by one; None ends it."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue()

    def put(self, line: bytes | None) -> None:
        self._queue.put(line)

    def readline(self, size: int = -1, /) -> bytes:
        line = self._queue.get()
        assert line is None or size < 0 or len(line) <= size
        return line or b""


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
        raise RuntimeError(" ".join((NAME, "has no pixels")))

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


LAST = ("done", "failed", "cancelled")
NO_JOBS = [
    b"no json", b"[1]", b"{}", b"null", b"1", b'"text"', b'{"id": null, "do": "echo"}', b'{"id": true, "do": "echo"}',
    b'{"id": [1], "do": "echo"}', b'{"id": {}, "do": "echo"}', b'{"id": 1.5, "do": "echo"}', b'{"id": NaN, "do": "echo"}',
    b'{"id": 1e999, "do": "echo"}', b'{"do": "echo"}', b'{"id": "' + b"x" * 201 + b'", "do": "echo"}',
    b'{"id": ' + b"9" * 300 + b', "do": "echo"}', b'{"id": ' + b"9" * 10_000 + b', "do": "echo"}',
    b'{"id": 7, "do": "echo", "text": Infinity}', b"[" * 100_000, b'{"id": 7, "x": ' + b"[" * 100_000, b'{"a":' * 100_000,
    b"\xff\xfe", b"\x00", b'{"id": 7, "do": "\xff"}', b"\xef\xbb\xbf" + b'{"id": 7, "do": "echo"}',
    '{"id": 7, "do": "echo"}'.encode("utf-16"), b'{"id": 7} {"id": 8}', b'{"id": 7', b'{"id": 9, "do": "cancel"}',
    b'{"do": "cancel"}',
]  # fmt: skip


@pytest.mark.parametrize("line", NO_JOBS, ids=lambda line: repr(line[:24]))
def test_what_is_no_job_is_said_and_the_next_one_runs(line: bytes, jobs: dict[str, threading.Event]) -> None:
    talk = Talk()
    talk.write(line)
    talk.say(id=1, do="wait")
    jobs["started"].wait(PATIENCE_S)
    talk.say(id=1, do="cancel")
    ready, *events = talk.end(3)
    assert ready["event"] == "ready"
    assert Counter((e["id"], e["event"]) for e in events) == {(None, "failed"): 1, (1, "cancelled"): 1}
    (refused,) = (e for e in events if e["event"] == "failed")
    assert (refused["code"], refused["reason"]) == (2, "usage")
    assert len(refused["message"]) < 300
    assert "Error" not in refused["message"]


def test_an_id_is_used_again_only_after_its_job(jobs: dict[str, threading.Event]) -> None:
    talk = Talk()
    talk.say(id=1, do="wait")
    jobs["started"].wait(PATIENCE_S)
    talk.say(id=1, do="echo", text="too early")
    talk.say(id="1", do="echo", text="another id")
    talk.say(id=1, do="cancel")
    while '"text": "another id"' not in talk.out.getvalue():
        time.sleep(0.01)
    talk.say(id=1, do="echo", text="now")
    events = [(e["id"], e["event"]) for e in talk.end(7)[1:]]
    assert events == [
        (None, "failed"), (1, "cancelled"), ("1", "rows"), ("1", "done"), (1, "rows"), (1, "done"),
    ]  # fmt: skip


def test_a_cancel_does_not_reach_the_next_job_of_its_id(jobs: dict[str, threading.Event]) -> None:
    talk = Talk()
    talk.say(id=1, do="echo", text="a")
    while '"done"' not in talk.out.getvalue():
        time.sleep(0.01)
    talk.say(id=1, do="cancel")
    talk.say(id=1, do="echo", text="b")
    events = talk.end(6)[1:]
    assert Counter((e["id"], e["event"]) for e in events) == {(1, "rows"): 2, (1, "done"): 2, (None, "failed"): 1}


@pytest.mark.parametrize("do", [None, 1, True, ["echo"], {"echo": 1}, "Echo", "echo\n", "", "x" * 100_000, "\ud800"], ids=lambda do: repr(do)[:20])
def test_a_job_that_there_is_not_is_said_under_its_id(do: Any, jobs: dict[str, threading.Event]) -> None:
    event = last_of(run_all({"do": do, "text": "a"}))
    assert (event["event"], event["code"], event["reason"]) == ("failed", 2, "usage")
    assert len(event["message"]) < 300


def test_what_breaks_is_said_without_its_words(
    jobs: dict[str, threading.Event], caplog: pytest.LogCaptureFixture
) -> None:
    event = last_of(run_all({"do": "broken"}))
    assert (event["event"], event["code"], event["reason"]) == ("failed", 1, "failed")
    assert "RuntimeError" in event["message"]
    assert "Jane" not in event["message"]
    assert "in broken" in caplog.text
    assert "Jane" not in caplog.text


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (UsageError, "usage", 2), (SourceError, "source", 3), (BundleError, "bundle", 3), (JournalError, "journal", 3),
        (SourceBusyError, "busy", 3), (JournalBusyError, "busy", 3), (PrivacyError, "failed", 1), (KeyError, "failed", 1),
    ],
)  # fmt: skip
def test_every_failure_has_a_reason(
    error: type[Exception], reason: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> dict[str, Any]:
        raise error("in words")

    monkeypatch.setattr(worker, "JOBS", {"fail": fail})
    event = last_of(run_all({"do": "fail"}))
    assert (event["event"], event["reason"], event["code"]) == ("failed", reason, code)
    assert event["reason"] in {one.value for one in worker.Reason}


def test_events_are_json_whatever_a_job_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(_request: Any, say: Any, _cancelled: Any) -> dict[str, Any]:
        say("progress", loss=float("nan"), more=[float("inf"), {"x": (float("-inf"), 1.5)}], text="\ud800\u2028\x00")
        return {"score": float("nan")}

    monkeypatch.setattr(worker, "JOBS", {"odd": odd, "path": lambda *_: {"out": Path("x")}})
    out = io.StringIO()
    talk = io.BytesIO(b'{"id": 1, "do": "odd"}\n{"id": 2, "do": "path"}\n')
    monkeypatch.setattr(worker_inbox.Inbox, "is_cancelled", lambda *_: lambda: False)
    worker.serve(talk, out, 0.0)
    _, progress, done, failed = (json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().splitlines())
    assert (progress["loss"], progress["more"], progress["text"]) == (None, [None, {"x": [None, 1.5]}], "\ud800\u2028\x00")
    assert done == {"id": 1, "event": "done", "score": None}
    assert (failed["id"], failed["event"]) == (2, "failed")


# --- lines without end, and the end


def test_a_line_that_is_too_long_is_skipped_and_said(
    jobs: dict[str, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_inbox, "LONGEST_LINE", 1000)
    monkeypatch.setattr(worker_inbox, "_CHUNK", 64)

    def line(number: int, size: int) -> bytes:
        start, end = b'{"id": %d, "do": "echo", "text": "' % number, b'"}'
        return start + b"x" * (size - len(start) - len(end)) + end + b"\n"

    asked: list[int] = []

    class Stream(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            asked.append(-1 if size is None else size)
            return super().readline(size)

    out = io.StringIO()
    worker.serve(Stream(line(1, 1000) + line(2, 1001) + line(3, 50_000) + line(4, 100) + b"y" * 5000), out, 0.0)
    events = [json.loads(one) for one in out.getvalue().splitlines()]
    last = [e for e in events if e["event"] in LAST]
    assert Counter(e["id"] for e in last) == {1: 1, 4: 1, None: 3}
    assert all("longer than" in e["message"] for e in last if e["id"] is None)
    assert all(0 < size <= 1001 for size in asked)


def test_a_reader_that_dies_ends_the_worker(
    jobs: dict[str, threading.Event], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __init__(self) -> None:
            self.lines = [b'{"id": 1, "do": "wait"}\n']

        def readline(self, size: int = -1, /) -> bytes:
            if self.lines:
                return self.lines.pop()
            jobs["started"].wait(PATIENCE_S)
            raise OSError(NAME)

    out = io.StringIO()
    with caplog.at_level(logging.WARNING):
        assert worker.serve(Broken(), out, 0.0) == 0
    assert json.loads(out.getvalue().splitlines()[-1]) == {"id": 1, "event": "cancelled"}
    assert "OSError" in caplog.text
    assert "Jane" not in caplog.text


def test_a_reader_of_its_events_that_has_gone_ends_the_worker(
    jobs: dict[str, threading.Event], caplog: pytest.LogCaptureFixture
) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            if self.getvalue().count("\n") > 1:
                raise BrokenPipeError

    talk = io.BytesIO(b'{"id": 1, "do": "echo", "text": "a"}\n' * 3 + b"no json\n")
    assert worker.serve(talk, Gone(), 0.0) == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_job_s_own_broken_pipe_is_only_that_job_s_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> dict[str, Any]:
        raise BrokenPipeError

    monkeypatch.setattr(worker, "JOBS", {"fail": fail})
    assert last_of(run_all({"do": "fail"}, {"do": "fail"}), 1)["event"] == "failed"


def test_a_job_that_hears_nothing_does_not_keep_the_worker() -> None:
    code = """
import sys, time
from SeriesClassifierLib.cli import worker
def deaf(_request, say, _cancelled):
    say("start")
    time.sleep(1000)
worker.JOBS = {"deaf": deaf}
sys.exit(worker.serve(sys.stdin.buffer, sys.stdout, 0.5))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"id": 1, "do": "deaf"}\n')
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["event"] for _ in range(2)] == ["ready", "start"]
        process.stdin.write(b'{"id": 2, "do": "de')  # cut in the middle of its second line
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 130
        (refused,) = map(json.loads, process.stdout)
    assert (refused["id"], refused["event"]) == (None, "failed")


def odd_lines(random_: random.Random, count: int) -> list[bytes]:
    """Lines as a broken or hostile program may send them, none of them a cancel."""

    def value(depth: int = 0) -> Any:
        kinds: list[Callable[[], Any]] = [
            lambda: None, lambda: True, lambda: random_.randint(-3, 10**20), lambda: random_.random() * 1e300,
            lambda: "".join(random_.choices("a\x00\u2028\ud800/\\\"", k=5)), lambda: {}, lambda: [],
        ]  # fmt: skip
        if depth < 4:
            kinds += [lambda: [value(depth + 1) for _ in range(3)], lambda: {"a": value(depth + 1), "id": value(depth + 1)}]
        return random_.choice(kinds)()

    def job() -> bytes:
        fields = random_.sample([*FIELDS, "text", "other"], 3)
        do = random_.choice([*worker.JOBS, "nothing", value()])
        return json.dumps({"id": value(), "do": do, **{name: value() for name in fields}}).encode()

    kinds: list[Callable[[], bytes]] = [
        job, job, job,
        lambda: random_.randbytes(random_.randint(1, 200)).replace(b"\n", b""),
        lambda: job()[: random_.randint(1, 60)],
        lambda: b"[" * random_.choice([1, 999, 1001, 100_000]),
        lambda: json.dumps(value()).encode(),
        lambda: b" \t\r" * random_.randint(0, 3),
    ]  # fmt: skip
    return [random_.choice(kinds)() for _ in range(count)]


def test_every_line_is_answered_once_and_the_process_ends() -> None:
    lines = odd_lines(random.Random(5), 400)
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "SeriesClassifierLib", "worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=REPOSITORY,
        env={**os.environ, "SERIESCLASSIFIER_HOME": os.devnull},
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n".join(lines) + b"\n")
        process.stdin.flush()
        events = [json.loads(process.stdout.readline())]
        nonempty = [line for line in lines if line.strip()]
        while sum(e["event"] in LAST for e in events) < len(nonempty) and time.monotonic() < started + PATIENCE_S:
            events.append(json.loads(process.stdout.readline(), parse_constant=pytest.fail))
        process.stdin.close()
        closed = time.monotonic()
        rest = process.stdout.read()
        assert process.wait(PATIENCE_S) == 0
        assert time.monotonic() - closed < 5
    assert rest == b""
    answers = [e for e in events if e["event"] in LAST]
    assert all(e["event"] == "failed" for e in answers)
    assert all(e["code"] == 2 or e["reason"] != "usage" for e in answers)
    assert not any("internal error" in e["message"] for e in answers)
    asked = Counter(ids_of(nonempty))
    assert Counter(e["id"] for e in answers if e["id"] is not None) <= asked


def ids_of(lines: list[bytes]) -> list[Any]:
    out = []
    for line in lines:
        try:
            job = json.loads(line.decode())
        except (ValueError, RecursionError):
            continue
        if isinstance(job, dict) and isinstance(job.get("id"), (int, str)):
            out.append(job["id"])
    return out


LINE = (
    st.binary(max_size=40)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), lambda v: st.lists(v, max_size=2)).map(lambda v: json.dumps(v).encode())
    | st.builds(
        lambda number, do: json.dumps({"id": number, "do": do, "text": "a"}).encode(),
        st.sampled_from([1, 2, "1", None, True, 1.0]), st.sampled_from(["echo", "broken", "cancel", "nothing", 1, None]),
    )
)  # fmt: skip


@given(st.lists(LINE, max_size=12), st.booleans())
@example([b'{"id": 1, "do": "cancel"}', b'{"id": 1, "do": "echo", "text": ""}', b'{"id": 1, "do": "cancel"}'], False)
def test_any_lines_are_answered_and_the_end_is_an_end(lines: list[bytes], cut: bool) -> None:
    def echo(request: Any, say: Any, _cancelled: Any) -> dict[str, Any]:
        say("rows", rows=[request["text"]])
        return {}

    def broken(*_: Any) -> dict[str, Any]:
        raise UsageError("broken")

    out = io.StringIO()
    content = b"".join(line + b"\n" for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "JOBS", {"echo": echo, "broken": broken})
        serving = threading.Thread(target=worker.serve, args=(io.BytesIO(content[:-1] if cut else content), out, 0.0))
        serving.start()
        serving.join(PATIENCE_S)
        assert not serving.is_alive()
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    answers = [e for e in events if e["event"] in LAST]
    nonempty = [line for line in content.split(b"\n") if line.strip()]
    cancels = sum(b'"do": "cancel"' in line for line in nonempty)
    # A cancel of a job that waits or is under way is answered by that job's last event.
    assert len(nonempty) - cancels <= len(answers) <= len(nonempty)
    assert Counter(repr(e["id"]) for e in answers if e["id"] is not None) <= Counter(map(repr, ids_of(nonempty)))


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
    assert all(row["label"] == "T2 AX" and row["pictures"][row["parts"][0]["key"]] for row in rows)
    assert len({row["key"] for row in rows}) == 3
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
        journal.correct(journal.current_series(row["series_uid"]), {"sequence": "PD"}, "somebody")
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
    (key,) = row["pictures"]
    files = [path for path, _ in row["pictures"][key]]
    asked = {"study_uid": row["study_uid"], "series_uid": row["series_uid"]}
    for where in ({"pictures": row["pictures"]}, {"files": files}):
        event = last_of(run_all({"do": "details", "journal": journal, **asked, **where}))
        [part] = event["parts"]
        assert (event["key"], part["part_key"]) == (row["key"], key)
        assert part["alternatives"][0]["name"] == "T2"
        assert text(fact("plane", "AX", "ImageOrientationPatient")) in part["facts"]
        assert all(base64.b64decode(p["png"]).startswith(b"\x89PNG") for p in part["pictures"])
        assert len(part["pictures"]) == len(files)


def test_details_of_a_file_that_is_gone_tell_why_there_is_no_picture(database: Path) -> None:
    row = next(e["rows"][0] for e in run_all(classify_job(database)) if e["event"] == "rows")
    journal = str(database.parent / "journal.sqlite")
    places = {row["parts"][0]["key"]: [["/no such file", 0]]}
    asked = {"study_uid": row["study_uid"], "series_uid": row["series_uid"]}
    event = last_of(run_all({"do": "details", "journal": journal, **asked, "pictures": places}))
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
    run_all({"do": "export", "journal": journal, "out": str(out), "keys": [rows[0]["key"]]})
    with out.open(encoding="utf-8") as file:
        assert [row["series_uid"] for row in csv.DictReader(file)] == [rows[0]["series_uid"]]
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
        (one,) = opened.current_series("1.2.1")
        opened.correct([one], {"sequence": "T2"}, "ms")
        opened.correct(opened.current_series("1.2.2"), {"sequence": "T1"}, "somebody")
    job = {"do": "siblings", "journal": journal, "study_uid": one.study_uid, "series_uid": "1.2.1"}
    event = last_of(run_all({**job, "part_key": None}))
    assert event["facets"] == {"sequence": "T2"}
    assert event["protected"] == 1
    assert event["notes"] == ["another one of this protocol is named T1 by people"]
    assert [(s["series_uid"], s["part"], s["grade"]) for s in event["siblings"]] == [("1.2.0", 1, "same"), ("1.2.3", 1, "same")]
    assert set(event["siblings"][0]) == {
        "key", "part_key", "series_uid", "part", "study_uid", "series_number", "description", "label", "status", "grade",
        "reason",
    }  # fmt: skip
    assert last_of(run_all({**job, "part_key": one.part_key})) == event
    assert last_of(run_all({**job, "part_key": 1}))["code"] == 2
    assert last_of(run_all({"do": "siblings", "journal": journal}))["code"] == 2


# --- fields

WRONG: dict[str, list[Any]] = {
    "text": [5, True, [], {}, 1.5, "a\0b", "\ud800"],
    "a list": [5, True, "1.2", {}, [5], [None], ["a", ["b"]], ["\0"]],
    "true or false": [0, 1, "true", [], {}],
    "a number": ["x", "0.01", True, [], 0, 1, -0.1, 1e300, 10**400],
    "a whole": ["x", "1", True, [], -1, 1.0, 2**63, 10**400],
    "an object": [5, [], "x", {"1": {}}, {"1": [["p"]]}, {"1": [["p", "0"]]}, {"1": [[0, 0]]}],
}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_of_the_wrong_type_is_named(name: str) -> None:
    (wrong,) = (values for start, values in WRONG.items() if FIELDS[name].words.startswith(start))
    for do in ("classify", "details", "train"):
        for value in wrong:
            event = last_of(run_all({"do": do, name: value}))
            assert (event["event"], event["code"], event["reason"]) == ("failed", 2, "usage"), value
            assert event["message"].startswith(f"field {name!r} must be {FIELDS[name].words}, and is ")
            assert len(event["message"]) < 200


def test_null_means_all_or_is_as_if_the_field_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "JOBS", {"show": lambda request, *_: {"request": request}})
    event = last_of(run_all({"do": "show", **dict.fromkeys(FIELDS), "own": None, "mode": "full"}))
    assert event["request"] == {"id": 0, "do": "show", "mode": "full", **dict.fromkeys(("series", "keys", "part_key", "limit"))}


@pytest.mark.parametrize("module", [worker_jobs, learning_jobs], ids=lambda module: module.__name__)
def test_every_field_that_a_job_reads_has_a_type(module: Any) -> None:
    text = Path(module.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'request(?:\.get\(|\[|, )"(\w+)"', text)) - {"do", "id"}
    assert len(read) > 5
    assert read <= set(FIELDS), "add it to worker_fields.FIELDS"


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_database_in_use_is_busy(database: Path, lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from SeriesClassifierLib.publish import column

    monkeypatch.setattr(column, "_TIMEOUT_S", 0.01)
    run_all(classify_job(database))
    journal = str(database.parent / "journal.sqlite")
    file = database / "ctkDICOM.sql" if database.is_dir() else database
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute(lock)
        for job in ({"do": "publish", "journal": journal}, {"do": "unpublish"}):
            event = last_of(run_all({**job, "database": str(database)}))
            assert (event["event"], event["reason"], event["code"]) == ("failed", "busy", 3)
    missing = last_of(run_all({"do": "unpublish", "database": str(database.parent / "none")}))
    assert missing["reason"] == "source"


@pytest.mark.parametrize("do", sorted(worker.JOBS))
def test_a_job_without_its_fields_says_so(do: str) -> None:
    event = last_of(run_all({"do": do}))
    assert event["event"] == "failed"
    assert event["code"] in (2, 3)
