"""Classifies what is imported, a moment after the import, when the user wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SeriesClassifierApp import DatabaseSource, Settings
from SeriesClassifierApp.Slowly import singleShot

# An import of many folders ends many times.
_DEBOUNCE_MS = 2_000
_IMPORTED = "directoryImported()"
_RETRIEVED = "seriesRetrieved(QStringList)"


class ImportWatcher:
    """Watches the imports of both DICOM browsers. ``onNew`` gets the series that were not there before."""

    def __init__(self, onNew: Callable[[list[str]], bool]) -> None:
        """``onNew`` returns False when it cannot take them now: they are offered again."""
        self._onNew = onNew
        self._browser: Any = None
        self._watched: list[tuple[Any, str]] = []
        self._file = ""
        self._known: set[str] = set()
        self._timer = singleShot(_DEBOUNCE_MS, self._onTimeout)

    @property
    def isThere(self) -> bool:
        """Whether it watches a browser."""
        return bool(self._browser)

    def install(self) -> bool:
        """Begin to watch; False while there is no browser."""
        if self.isThere:
            return True
        self.cleanup()
        self._browser = DatabaseSource.browser()
        if self._browser is None:
            return False
        self.databaseChanged()
        for browser in (self._browser, DatabaseSource.visualBrowser()):
            for signal in (_IMPORTED, _RETRIEVED):
                # The table browser retrieves nothing; other versions may have neither signal.
                if browser and hasattr(browser, signal.partition("(")[0]):
                    browser.connect(signal, self._onImported)
                    self._watched.append((browser, signal))
        return True

    def databaseChanged(self) -> None:
        """Another database is open: what is in it is not new."""
        file = DatabaseSource.databaseFile()
        if file and file != self._file:
            self._timer.stop()
            self._file, self._known = file, set(DatabaseSource.allSeries())

    def cleanup(self) -> None:
        """Stop watching."""
        self._timer.stop()
        for browser, signal in self._watched:
            if browser:
                browser.disconnect(signal, self._onImported)
        self._browser, self._watched, self._file = None, [], ""

    def _onImported(self, _uids: Any = None) -> None:
        self._timer.start()

    def _onTimeout(self) -> None:
        file = DatabaseSource.databaseFile()
        if not file:  # closed while the column is written: what was imported is not forgotten
            self._timer.start()
            return
        if file != self._file:
            self.databaseChanged()
            return
        series = DatabaseSource.allSeries()
        new = [uid for uid in series if uid not in self._known]
        if new and Settings.get("classifyImports") and not self._onNew(new):
            self._timer.start()
            return
        self._known = set(series)
