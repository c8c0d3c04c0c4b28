"""``series-classifier worker``: jobs as JSON lines on standard input, events as such on standard output.

A job is one object on one line: ``{"id": 1, "do": "classify", ...}``, see ``worker_jobs`` and
``learning_jobs`` for the kinds and ``worker_fields`` for the types of their fields. Jobs run one after the
other. The first line of all is ``ready``. Every event has the ``id`` of its job. The last one of a job is

- ``done``,
- ``cancelled``, after ``{"do": "cancel", "id": 1}``, also of a job that has not begun, or
- ``failed``, with a ``message`` for people, the exit code of the command line as ``code``, and as ``reason``
  one of ``Reason``, which is what programs go by.

A line that is no job, reuses the id of a job that has not ended, or cancels none, is answered by ``failed``
with the ``id`` null. The worker ends when its standard input closes, in the middle of a job, too: what was
done is in the journal.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from typing import IO, Any

from SeriesClassifierLib import __version__
from SeriesClassifierLib.cli.learning_jobs import LEARNING_JOBS
from SeriesClassifierLib.cli.worker_fields import checked, shown
from SeriesClassifierLib.cli.worker_inbox import Inbox, Requests
from SeriesClassifierLib.cli.worker_jobs import CLASSIFYING_JOBS, Cancelled
from SeriesClassifierLib.errors import (
    BundleError,
    BusyError,
    JournalError,
    SeriesClassifierError,
    SourceError,
    UsageError,
)

logger = logging.getLogger(__name__)

_SOME_FAILED, _WRONG_USAGE, _CANNOT_OPEN, _INTERRUPTED = 1, 2, 3, 130
# How long the job under way may go on when nobody listens any more.
_GRACE_S = 5.0
# How long an event that is just being written is waited for then.
_LAST_WORD_S = 1.0
_LAST_EVENTS = frozenset({"done", "failed", "cancelled"})

JOBS = {**CLASSIFYING_JOBS, **LEARNING_JOBS}

Say = Callable[..., None]


class Reason(str, Enum):
    """Why a job failed. ``BUSY``: another program has the database or journal locked, the same job succeeds
    later.
    """

    USAGE = "usage"
    BUSY = "busy"
    SOURCE = "source"
    BUNDLE = "bundle"
    JOURNAL = "journal"
    FAILED = "failed"


# The first that fits: a locked journal is busy.
_REASONS: tuple[tuple[type[SeriesClassifierError], Reason, int], ...] = (
    (UsageError, Reason.USAGE, _WRONG_USAGE),
    (BusyError, Reason.BUSY, _CANNOT_OPEN),
    (SourceError, Reason.SOURCE, _CANNOT_OPEN),
    (BundleError, Reason.BUNDLE, _CANNOT_OPEN),
    (JournalError, Reason.JOURNAL, _CANNOT_OPEN),
    (SeriesClassifierError, Reason.FAILED, _SOME_FAILED),
)


class _NobodyListens(Exception):
    """What the events are written to is closed."""


def worker_command(_options: argparse.Namespace) -> int:
    """Serve until standard input closes."""
    with _private_output() as out:
        return serve(sys.stdin.buffer, out)


def serve(requests: Requests, out: IO[str], grace: float = _GRACE_S) -> int:
    """Read jobs from ``requests`` and write events to ``out``; returns 0 when ``requests`` ends.

    With ``grace`` (seconds) the process is ended when the job under way has not stopped so long after that.
    """
    lock = threading.Lock()

    def write(line: str) -> None:
        with lock:
            try:
                out.write(line)
                out.flush()
            except (OSError, ValueError) as error:
                raise _NobodyListens from error

    def refuse(message: str) -> None:
        write(_line({"id": None, "event": "failed", **_failure(UsageError(message))}))

    def end_late() -> None:
        # Nobody reads what the job would say, but a line that was begun is ended.
        lock.acquire(timeout=_LAST_WORD_S)
        os._exit(_INTERRUPTED)

    def closed() -> None:
        if grace:
            timer = threading.Timer(grace, end_late)
            timer.daemon = True
            timer.start()

    try:
        write(_line({"event": "ready", "version": __version__}))
        inbox = Inbox(requests, refuse, closed)
        for job in inbox.jobs():
            number = job["id"]

            def say(event: str, _id: int | str = number, **more: Any) -> None:
                line = _line({"id": _id, "event": event, **more})
                if event in _LAST_EVENTS:
                    inbox.ends(_id)
                write(line)

            _run(job, say, inbox.is_cancelled(number))
    except _NobodyListens:
        logger.debug("nobody reads the events any more")
    return 0


def _run(job: Mapping[str, Any], say: Say, cancelled: Callable[[], bool]) -> None:
    """One job, from its first event to its last."""
    if cancelled():
        say("cancelled")
        return
    try:
        say("done", **_work(job, say, cancelled))
    except Cancelled:
        say("cancelled")
    except _NobodyListens:
        raise
    except Exception as error:  # the next job must run, and whoever asked must know that this one did not
        say("failed", **_failure(error))


def _work(job: Mapping[str, Any], say: Say, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """What the last event of a job says. Raises UsageError when there is no such job, or not with these
    fields.
    """
    do = job.get("do")
    if not isinstance(do, str):
        raise UsageError(f"field 'do' must be text, and is {shown(do)}")
    what = JOBS.get(do)
    if what is None:
        raise UsageError(f"there is no job {shown(do)}: use one of {', '.join(JOBS)}")
    return what(checked(job), say, cancelled)


def _failure(error: Exception) -> dict[str, Any]:
    """What ``failed`` says of an error."""
    for kind, reason, code in _REASONS:
        if isinstance(error, kind):
            return {"message": str(error), "reason": reason.value, "code": code}
    # Where it happened, but not its text: that may quote what a file contains.
    logger.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    message = f"internal error ({type(error).__name__}): see the application log"
    return {"message": message, "reason": Reason.FAILED.value, "code": _SOME_FAILED}


def _line(event: Mapping[str, Any]) -> str:
    """One line of JSON. JSON has no NaN and no infinity: they become null."""
    try:
        return json.dumps(event, allow_nan=False) + "\n"
    except ValueError:
        return json.dumps(_finite(event), allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_finite_key(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


def _finite_key(key: Any) -> Any:
    return str(key) if isinstance(key, float) else key


@contextmanager
def _private_output() -> Iterator[IO[str]]:
    """Standard output for events alone: whatever a library prints goes to standard error instead."""
    sys.stdout.flush()
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    out = os.fdopen(kept, "w", encoding="utf-8", newline="\n")
    try:
        yield out
    finally:
        with suppress(OSError):  # nobody may be there to read the rest
            out.close()
