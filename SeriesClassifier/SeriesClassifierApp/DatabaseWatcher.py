"""Tells when the DICOM database is opened or closed, and when something else is chosen in its browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from SeriesClassifierApp import DatabaseSource

_DATABASE_SIGNALS = ("opened()", "closed()")
_SELECTION_SIGNAL = "seriesSelectionChanged(QStringList)"


class DatabaseWatcher:
    """Watches the database that Slicer has now. The browser may come later: ``follow`` looks again."""

    def __init__(self, onDatabase: Callable[[], None], onSelection: Callable[[Any], None]) -> None:
        self._onDatabase = onDatabase
        self._onSelection = onSelection
        self._database: Any = None
        self._tables: Any = None

    def follow(self) -> None:
        """Watch what is there now."""
        database = slicer.dicomDatabase
        if database is not self._database:
            self.cleanup()
            self._database = database
            for signal in _DATABASE_SIGNALS if database is not None else ():
                database.connect(signal, self._onDatabase)
        browser = DatabaseSource.browser()
        if browser is not None and self._tables is None:
            self._tables = browser.dicomTableManager()
            self._tables.connect(_SELECTION_SIGNAL, self._onSelection)

    def cleanup(self) -> None:
        """Stop watching."""
        if self._database is not None:
            for signal in _DATABASE_SIGNALS:
                self._database.disconnect(signal, self._onDatabase)
        if self._tables is not None:
            self._tables.disconnect(_SELECTION_SIGNAL, self._onSelection)
        self._database = self._tables = None
