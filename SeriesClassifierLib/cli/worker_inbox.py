"""The requests of the worker: read on a thread of its own, so that a cancel arrives while a job is under way.

Whatever a line holds, it becomes a job, a cancel of one, or a refusal; and when no more can be read, for
whatever reason, the jobs end.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from SeriesClassifierLib.cli.worker_fields import shown
from SeriesClassifierLib.errors import UsageError

logger = logging.getLogger(__name__)

LONGEST_LINE = 16_000_000
_LONGEST_ID = 200
_CHUNK = 1 << 16


class Requests(Protocol):
    """A binary stream of lines, such as ``sys.stdin.buffer``."""

    def readline(self, size: int = -1, /) -> bytes:
        """The next line, or as much of it as ``size`` bytes; nothing at the end."""


class Inbox:
    """The jobs that were asked for, in their order, and which of them are to stop."""

    def __init__(
        self, requests: Requests, refuse: Callable[[str], None], on_close: Callable[[], None]
    ) -> None:
        """``refuse`` says why a line is no job, ``on_close`` is called when ``requests`` ends; both from
        another thread.
        """
        self._refuse = refuse
        self._on_close = on_close
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        # Of the jobs that wait or are under way; those of them that are to stop.
        self._open: set[int | str] = set()
        self._cancelled: set[int | str] = set()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def jobs(self) -> Iterator[dict[str, Any]]:
        """The jobs in their order, until the input ends. Those that still wait then are cancelled."""
        while (job := self._waiting.get()) is not None:
            yield job

    def is_cancelled(self, number: int | str) -> Callable[[], bool]:
        """Tells, whenever it is called, whether the job is to stop."""
        return lambda: self._closed.is_set() or number in self._cancelled

    def ends(self, number: int | str) -> None:
        """The job is about to say its last word: from now on its id is free."""
        with self._lock:
            self._open.discard(number)
            self._cancelled.discard(number)

    def _read(self, requests: Requests) -> None:
        try:
            while line := requests.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                    _skip_line(requests)
                    self._refuse(f"the line is longer than {LONGEST_LINE // 1_000_000} MB: send less at once")
                elif line.strip():
                    self._take(line)
        except Exception as error:  # the worker must not wait for a thread that is no more
            logger.warning("no more requests can be read: %s", type(error).__name__)
        finally:
            self._closed.set()
            self._waiting.put(None)
            self._on_close()

    def _take(self, line: bytes) -> None:
        try:
            job = _job_of(line)
            number = job["id"]
            with self._lock:
                if job.get("do") == "cancel":
                    if number not in self._open:
                        raise UsageError(
                            f"no job {shown(number)} waits or is under way, so none is cancelled"
                        )
                    self._cancelled.add(number)
                    return
                if number in self._open:
                    raise UsageError(f"job {shown(number)} has not ended: give every job an id of its own")
                self._open.add(number)
        except UsageError as error:
            self._refuse(str(error))
            return
        self._waiting.put(job)


def _skip_line(requests: Requests) -> None:
    while (more := requests.readline(_CHUNK)) and not more.endswith(b"\n"):
        pass


def _job_of(line: bytes) -> dict[str, Any]:
    """The object on a line, with an ``id``. Raises UsageError when it holds none."""
    try:
        job = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UsageError("the line is not UTF-8 text: send JSON in UTF-8 or ASCII") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"the line is not JSON: {error.msg} (character {error.pos + 1})") from error
    except (RecursionError, MemoryError) as error:
        raise UsageError("the JSON of the line is nested too deeply or too large") from error
    except ValueError as error:  # NaN, or a number of thousands of digits
        raise UsageError("the line holds a number that is out of range") from error
    if not isinstance(job, dict):
        raise UsageError('the line holds no object: send {"id": ..., "do": ...}')
    number = job.get("id")
    if isinstance(number, bool) or not isinstance(number, (int, str)) or len(str(number)) > _LONGEST_ID:
        raise UsageError(f"'id' must be a whole number or short text, and is {shown(number)}")
    return job


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
