"""The widgets of Advanced that only keep a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SeriesClassifierApp import Settings
from SeriesClassifierApp.Wires import Wires


class Preferences:
    """Shows the settings, and keeps what the user sets."""

    def __init__(self, ui: Any, wires: Wires, onJournal: Callable[[], None]) -> None:
        """``onJournal`` is called when another journal was named."""
        self._onJournal = onJournal
        ui.publishCheck.checked = Settings.get("publishColumn")
        ui.importsCheck.checked = Settings.get("classifyImports")
        ui.maxErrorSpin.value = Settings.get("maxError")
        ui.journalEdit.currentPath = Settings.get("journal")
        ui.bundleEdit.currentPath = Settings.get("headerBundle")
        ui.pictureBundleEdit.currentPath = Settings.get("pictureBundle")
        path = "currentPathChanged(QString)"
        wires.connect(ui.importsCheck, "toggled(bool)", lambda on: Settings.put("classifyImports", on))
        wires.connect(ui.maxErrorSpin, "valueChanged(double)", lambda value: Settings.put("maxError", value))
        wires.connect(ui.journalEdit, path, self._onJournalPath)
        wires.connect(ui.bundleEdit, path, lambda text: Settings.put("headerBundle", text))
        wires.connect(ui.pictureBundleEdit, path, lambda text: Settings.put("pictureBundle", text))

    def _onJournalPath(self, path: str) -> None:
        Settings.put("journal", path)
        self._onJournal()
