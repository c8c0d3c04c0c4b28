"""One classification from the press of the button to its end, over crashes of the worker, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from SeriesClassifierApp.Sources import NOTHING, Source
from SeriesClassifierApp.WorkerProcess import WorkerProcess

# A process that dies again and again without having done anything new will not get further.
_MOST_CRASHES = 3


class Batch:
    """Runs a job ``classify`` on one source. ``onRows`` gets rows as they come, ``onEnd`` the last event
    once.

    A worker that crashes is started again and goes on where it was: what it had done is in the journal.
    """

    def __init__(
        self,
        worker: WorkerProcess,
        onProgress: Callable[[], None],
        onRows: Callable[[list[dict[str, Any]]], None],
        onEnd: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._worker = worker
        self._onProgress = onProgress
        self._onRows = onRows
        self._onEnd = onEnd
        self._request: dict[str, Any] = {}
        self._job = 0
        self._crashes = 0
        self._started = 0.0
        self.source = NOTHING
        self.isRunning = False
        self.isStopping = False
        self.done: set[str] = set()
        self.total = 0
        self.restarts = 0

    def start(self, source: Source, **request: Any) -> None:
        """``request`` is what the job ``classify`` takes beside the source and its journal."""
        self.source = source
        self._request = {"source": source.location, "journal": source.journal, **request}
        self.done = set()
        self._crashes = self.restarts = self.total = 0
        self.isRunning, self.isStopping = True, False
        self._started = time.monotonic()
        self._send()

    def stop(self) -> None:
        """Ask it to stop; ``onEnd`` is called when it has."""
        if self.isRunning:
            self.isStopping = True
            self._worker.cancel(self._job)

    @property
    def secondsGone(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    @property
    def rate(self) -> float:
        """Series a second."""
        return len(self.done) / max(self.secondsGone, 0.001)

    @property
    def secondsLeft(self) -> float | None:
        """At the rate so far, or None while there is none."""
        return (self.total - len(self.done)) / self.rate if self.done and self.total else None

    def _send(self) -> None:
        # Restarted, it passes over what the journal has of unchanged series.
        resume = bool(self._request.get("resume")) or self.restarts > 0
        request = {**self._request, "resume": resume}
        self._job = self._worker.request("classify", self._onEvent, **request)

    def _onEvent(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "start":
            self.total = int(event["series"])
        elif kind == "rows":
            if not event.get("provisional"):
                before = len(self.done)
                self.done.update(row["key"] for row in event["rows"])
                self._crashes = 0 if len(self.done) > before else self._crashes
            self._onRows(event["rows"])
        elif kind == "crashed" and not self.isStopping and self._crashes < _MOST_CRASHES:
            self._crashes += 1
            self.restarts += 1
            self._send()
        else:
            self.isRunning = False
            self._onEnd({**event, "event": "cancelled"} if self.isStopping and kind == "crashed" else event)
            return
        self._onProgress()
