"""Classifies what is imported, a moment after the import, when the user wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SeriesClassifierApp import DatabaseSource, Settings
from SeriesClassifierApp.Slowly import singleShot

# An import of many folders ends many times.
_DEBOUNCE_MS = 2_000


class ImportWatcher:
    """Watches the imports of the DICOM browser. ``onNew`` gets the series that were not there before."""

    def __init__(self, onNew: Callable[[list[str]], bool]) -> None:
        """``onNew`` returns False when it cannot take them now: they are offered again."""
        self._onNew = onNew
        self._browser: Any = None
        self._known: set[str] = set()
        self._timer = singleShot(_DEBOUNCE_MS, self._onTimeout)

    def install(self) -> bool:
        """Begin to watch; False while there is no browser."""
        if self._browser is None:
            self._browser = DatabaseSource.browser()
            if self._browser is not None:
                self._known = set(DatabaseSource.allSeries())
                self._browser.connect("directoryImported()", self._onImported)
        return self._browser is not None

    def cleanup(self) -> None:
        """Stop watching."""
        self._timer.stop()
        if self._browser is not None:
            self._browser.disconnect("directoryImported()", self._onImported)
            self._browser = None

    def _onImported(self) -> None:
        self._timer.start()

    def _onTimeout(self) -> None:
        series = DatabaseSource.allSeries()
        new = [uid for uid in series if uid not in self._known]
        if new and Settings.get("classifyImports") and not self._onNew(new):
            self._timer.start()
            return
        self._known = set(series)
