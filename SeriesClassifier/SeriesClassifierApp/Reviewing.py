"""From one series that somebody must look at to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp.Correcting import Correcting
from SeriesClassifierApp.LabelStore import Chosen
from SeriesClassifierApp.ReviewQueue import ReviewQueue
from SeriesClassifierApp.ReviewTable import ReviewTable
from SeriesClassifierApp.Wires import Wires


class Reviewing:
    """Next goes by the review queue; while there is none, or nothing is left in it, down the table."""

    def __init__(
        self,
        ui: Any,
        wires: Wires,
        table: ReviewTable,
        queue: ReviewQueue,
        correcting: Correcting,
        *,
        say: Callable[[str], None],
        onFound: Callable[[], None],
    ) -> None:
        """``onFound`` is called when the cursor is on the next."""
        self._table = table
        self._queue = queue
        self._correcting = correcting
        self._say = say
        self._onFound = onFound
        wires.connect(ui.nextButton, "clicked(bool)", self.next)
        wires.key("N", self.next)
        wires.key("A", self.acceptAndGoOn)

    def next(self, _checked: bool = False) -> None:
        """The button and the key N."""
        self._table.slowly.add(self._searching())

    def acceptAndGoOn(self) -> None:
        """The key A: what the selected series are said to be is right; go to the next."""
        self._correcting.accept()
        self.next()

    def _searching(self) -> Iterator[None]:
        yield from self._queue.search(self._table.current(), self._table.isVisible, self._onItem)

    def _onItem(self, found: Chosen | None) -> None:
        if found is not None and self._table.select(*found):
            self._onFound()
        else:
            self._table.findDoubtful(self._onDoubtful)

    def _onDoubtful(self, key: str) -> None:
        if key and self._table.select(key):
            self._onFound()
        else:
            self._say(_("Nothing is left to review."))
