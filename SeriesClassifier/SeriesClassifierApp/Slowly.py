"""Work in slices of a few milliseconds, or a moment later, so that the window answers in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import qt

_SLICE_S = 0.010


def singleShot(milliseconds: int, slot: Callable[[], None]) -> Any:
    """A timer that calls ``slot`` once, so long after each (last) start."""
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.connect("timeout()", slot)
    return timer


@dataclass(frozen=True)
class _Task:
    steps: Iterator[object]
    then: Callable[[], None] | None
    isKept: bool


class Slowly:
    """Runs generators step by step in the event loop, one after the other."""

    def __init__(self) -> None:
        self._todo: list[_Task] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._onTimeout)

    @property
    def isBusy(self) -> bool:
        """Whether something is left to do."""
        return bool(self._todo)

    def add(
        self, steps: Iterator[object], then: Callable[[], None] | None = None, *, isKept: bool = False
    ) -> None:
        """Run ``steps`` to its end, a slice at a time, then ``then``. What is kept is not forgotten by
        ``clear``: it writes what a person decided, where the rest only draws.
        """
        self._todo.append(_Task(steps, then, isKept))
        self._timer.start()

    def clear(self) -> None:
        """Forget what is left, but what is kept."""
        self._todo = [task for task in self._todo if task.isKept]
        if not self._todo:
            self._timer.stop()

    def finish(self) -> None:
        """Do all that is left at once (at the end, for tests, and for scripts without a window)."""
        while self._todo:
            self._onTimeout()

    def _onTimeout(self) -> None:
        ends = time.perf_counter() + _SLICE_S
        while self._todo and time.perf_counter() < ends:
            task = self._todo[0]
            try:
                next(task.steps)
            except StopIteration:
                self._leave(task)
                if task.then is not None:
                    task.then()
            except Exception:  # Qt will print it; what comes next must not wait for ever
                self._leave(task)
                raise
        if not self._todo:
            self._timer.stop()

    def _leave(self, task: _Task) -> None:
        # It may have been forgotten by what it did itself.
        self._todo = [other for other in self._todo if other is not task]
