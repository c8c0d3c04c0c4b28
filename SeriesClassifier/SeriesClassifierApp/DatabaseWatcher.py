"""Tells what happens to the DICOM database of Slicer and to its browsers, whenever either appears or is
replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from SeriesClassifierApp import DatabaseSource

# Nothing tells that `slicer.dicomDatabase` is another object now, that the browser was made, or what was
# chosen in the visual browser: a look now and then does.
_LOOK_MS = 500
_DATABASE_SIGNALS = ("opened()", "closed()")
_CONTENT_SIGNAL = "databaseChanged()"
_SELECTION_SIGNAL = "seriesSelectionChanged(QStringList)"


def _nothing() -> None:
    pass


class DatabaseWatcher:
    """Watches from the first ``follow`` to ``cleanup``.

    ``onDatabase``: the database was opened, closed or replaced. ``onContent``: something was added to it or
    taken out. ``onSelection``: something else is chosen in the browser. ``onBrowser``: there is another
    browser, or none.
    """

    def __init__(
        self,
        *,
        onDatabase: Callable[[], None] = _nothing,
        onContent: Callable[[], None] = _nothing,
        onSelection: Callable[[], None] = _nothing,
        onBrowser: Callable[[], None] = _nothing,
    ) -> None:
        self._onDatabase = onDatabase
        self._onContent = onContent
        self._onSelection = onSelection
        self._onBrowser = onBrowser
        self._database: Any = None
        self._browser: Any = None
        self._tables: Any = None
        self._selected: list[str] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_MS)
        self._timer.connect("timeout()", self.look)

    def follow(self) -> None:
        """Watch what is there now, and look again every moment."""
        self._followDatabase()
        self._followBrowser()
        if not self._timer.isActive():
            self._timer.start()

    def cleanup(self) -> None:
        """Stop watching."""
        self._timer.stop()
        self._leaveDatabase()
        self._leaveBrowser()

    def look(self) -> None:
        """Tell at once what is there now."""
        if self._followDatabase():
            self._onDatabase()
        if self._followBrowser():
            self._onBrowser()
        selected = DatabaseSource.selectedSeries() if DatabaseSource.isVisualShown() else []
        if selected != self._selected:
            self._selected = selected
            self._onSelection()

    def _followDatabase(self) -> bool:
        """Whether there is another database object than before."""
        found = DatabaseSource.databaseObject()
        if found is self._database and (found is None or bool(found)):
            return False
        self._leaveDatabase()
        self._database = found
        if found is not None:
            for signal in _DATABASE_SIGNALS:
                found.connect(signal, self._tellDatabase)
            found.connect(_CONTENT_SIGNAL, self._tellContent)
        return True

    def _leaveDatabase(self) -> None:
        if self._database:  # not deleted in the meantime
            for signal in _DATABASE_SIGNALS:
                self._database.disconnect(signal, self._tellDatabase)
            self._database.disconnect(_CONTENT_SIGNAL, self._tellContent)
        self._database = None

    def _followBrowser(self) -> bool:
        """Whether there is another browser than before."""
        found = DatabaseSource.browser()
        if found is self._browser and (found is None or bool(found)):
            return False
        self._leaveBrowser()
        self._browser = found
        if found is not None:
            self._tables = found.dicomTableManager()
            self._tables.connect(_SELECTION_SIGNAL, self._tellSelection)
        return True

    def _leaveBrowser(self) -> None:
        if self._tables:
            self._tables.disconnect(_SELECTION_SIGNAL, self._tellSelection)
        self._browser = self._tables = None

    def _tellDatabase(self) -> None:
        self._onDatabase()

    def _tellContent(self) -> None:
        self._onContent()

    def _tellSelection(self, _uids: Any = None) -> None:
        self._onSelection()
