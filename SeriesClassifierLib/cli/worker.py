"""``series-classifier worker``: jobs as JSON lines on standard input, events as such on standard output.

A job is one object on one line: ``{"id": 1, "do": "classify", ...}``, see ``worker_jobs`` and
``learning_jobs`` for the kinds and their fields. Jobs run one after the other. Every event has the ``id`` of
its job. The last one of a job is ``done``, ``failed`` (with ``message`` and the exit code of the command line
as ``code``) or ``cancelled``; ``{"do": "cancel", "id": 1}`` cancels a job, also one that has not begun. The
first line of all is ``ready``. The worker ends when its standard input closes, in the middle of a job, too:
what was done is in the journal.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from SeriesClassifierLib import __version__
from SeriesClassifierLib.cli.learning_jobs import LEARNING_JOBS
from SeriesClassifierLib.cli.worker_jobs import CLASSIFYING_JOBS, Cancelled
from SeriesClassifierLib.errors import (
    BundleError,
    JournalError,
    SeriesClassifierError,
    SourceError,
    UsageError,
)

logger = logging.getLogger(__name__)

_SOME_FAILED, _WRONG_USAGE, _CANNOT_OPEN, _INTERRUPTED = 1, 2, 3, 130
# How long the job under way may go on when nobody listens any more.
_GRACE_S = 5.0

JOBS = {**CLASSIFYING_JOBS, **LEARNING_JOBS}

Say = Callable[..., None]


def worker_command(_options: argparse.Namespace) -> int:
    """Serve until standard input closes."""
    with _private_output() as out:
        return serve(sys.stdin, out)


def serve(requests: IO[str], out: IO[str], grace: float = _GRACE_S) -> int:
    """Read jobs from ``requests`` and write events to ``out``; returns 0 when ``requests`` ends."""
    lock = threading.Lock()

    def write(event: Mapping[str, Any]) -> None:
        with lock:
            out.write(json.dumps(event, allow_nan=False) + "\n")
            out.flush()

    inbox = _Inbox(requests, write, grace)
    write({"event": "ready", "version": __version__})
    for job in inbox.jobs():
        number = job["id"]

        def say(event: str, _id: object = number, **more: Any) -> None:
            write({"id": _id, "event": event, **more})

        try:
            _run(job, say, inbox.is_cancelled(number))
        except BrokenPipeError:
            return 0
    return 0


class _Inbox:
    """Reads requests on a thread of its own, so that a cancel arrives while a job is under way."""

    def __init__(self, requests: IO[str], write: Callable[[Mapping[str, Any]], None], grace: float) -> None:
        self._write = write
        self._grace = grace
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: set[object] = set()
        self._closed = threading.Event()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def jobs(self) -> Iterator[dict[str, Any]]:
        """The jobs in their order, until the input ends."""
        while (job := self._waiting.get()) is not None and not self._closed.is_set():
            yield job
        self._closed.set()

    def is_cancelled(self, number: object) -> Callable[[], bool]:
        """Tells, whenever it is called, whether the job is to stop."""
        return lambda: self._closed.is_set() or number in self._cancelled

    def _read(self, requests: IO[str]) -> None:
        for line in requests:
            if line.strip():
                self._take(line)
        self._closed_by_peer()

    def _take(self, line: str) -> None:
        try:
            job = json.loads(line)
            if not isinstance(job, dict) or not isinstance(job.get("id"), (int, str)):
                raise ValueError("no id")
        except ValueError as error:
            self._write({"id": None, "event": "failed", "code": _WRONG_USAGE, "message": f"no job: {error}"})
            return
        if job.get("do") == "cancel":
            self._cancelled.add(job["id"])
        else:
            self._waiting.put(job)

    def _closed_by_peer(self) -> None:
        self._closed.set()
        self._waiting.put(None)
        if self._grace:
            # A job that does not look up in time is ended: nobody reads what it would say.
            timer = threading.Timer(self._grace, os._exit, (_INTERRUPTED,))
            timer.daemon = True
            timer.start()


def _run(job: Mapping[str, Any], say: Say, cancelled: Callable[[], bool]) -> None:
    """One job, from its first event to its last."""
    if cancelled():
        say("cancelled")
        return
    try:
        what = JOBS.get(str(job.get("do")))
        if what is None:
            raise UsageError(f"{job.get('do')!r} is no job: use one of {', '.join(JOBS)}")
        say("done", **what(job, say, cancelled))
    except Cancelled:
        say("cancelled")
    except UsageError as error:
        say("failed", message=str(error), code=_WRONG_USAGE)
    except (SourceError, BundleError, JournalError) as error:
        say("failed", message=str(error), code=_CANNOT_OPEN)
    except SeriesClassifierError as error:
        say("failed", message=str(error), code=_SOME_FAILED)
    except BrokenPipeError:
        raise
    except Exception as error:  # the next job must run, and whoever asked must know that this one did not
        logger.exception("job %s", job.get("do"))
        say("failed", message=f"{type(error).__name__}: see the application log", code=_SOME_FAILED)


@contextmanager
def _private_output() -> Iterator[IO[str]]:
    """Standard output for events alone: whatever a library prints goes to standard error instead."""
    sys.stdout.flush()
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(kept, "w", encoding="utf-8", newline="\n") as out:
        yield out
