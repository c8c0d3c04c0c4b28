"""Work in slices of a few milliseconds, or a moment later, so that the window answers in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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


class Slowly:
    """Runs generators step by step in the event loop, one after the other."""

    def __init__(self) -> None:
        self._todo: list[tuple[Iterator[object], Callable[[], None] | None]] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._onTimeout)

    @property
    def isBusy(self) -> bool:
        """Whether something is left to do."""
        return bool(self._todo)

    def add(self, steps: Iterator[object], then: Callable[[], None] | None = None) -> None:
        """Run ``steps`` to its end, a slice at a time, then ``then``."""
        self._todo.append((steps, then))
        self._timer.start()

    def clear(self) -> None:
        """Forget what is left."""
        self._todo.clear()
        self._timer.stop()

    def finish(self) -> None:
        """Do all that is left at once (for tests and for scripts without a window)."""
        while self._todo:
            self._onTimeout()

    def _onTimeout(self) -> None:
        ends = time.perf_counter() + _SLICE_S
        while self._todo and time.perf_counter() < ends:
            steps, then = self._todo[0]
            try:
                next(steps)
            except StopIteration:
                self._todo.pop(0)
                if then is not None:
                    then()
            except Exception:  # Qt will print it; what comes next must not wait for ever
                self._todo.pop(0)
                raise
        if not self._todo:
            self._timer.stop()
