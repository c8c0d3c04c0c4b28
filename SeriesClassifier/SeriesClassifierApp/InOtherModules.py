"""What the module has in others: a line in the DICOM browser, sample data, the tags that we read, imports."""

from __future__ import annotations

from typing import Any

import slicer

from SeriesClassifierApp import DatabaseSource, Labels, SampleStudies
from SeriesClassifierApp.BrowserPanel import BrowserPanel, modulePanel
from SeriesClassifierApp.DatabaseWatcher import DatabaseWatcher
from SeriesClassifierApp.ImportWatcher import ImportWatcher
from SeriesClassifierApp.SceneLabels import SceneWatcher


class InOtherModules:
    """Lives as long as the application. The database and browser may come later, and go: it follows them."""

    def __init__(self) -> None:
        self.browserPanel = BrowserPanel()
        self.importWatcher = ImportWatcher(_classify)
        self.sceneWatcher = SceneWatcher(Labels.rowsOf)
        self._watcher = DatabaseWatcher(
            onDatabase=self._onDatabase,
            onContent=self.browserPanel.showSoon,
            onSelection=self.browserPanel.showSoon,
            onBrowser=self._onBrowser,
        )
        self._selector: Any = None

    def install(self) -> None:
        """Now what can be, and the rest as soon as it can."""
        SampleStudies.register()
        self.sceneWatcher.install()
        self._watcher.follow()
        _precacheTags()
        self._onBrowser()
        if self._selector is None and slicer.util.mainWindow() is not None:
            # Nothing more than a moment earlier: the line is there when the DICOM module is shown.
            self._selector = slicer.util.moduleSelector()
            self._selector.connect("moduleSelected(QString)", self._onModule)

    def cleanup(self) -> None:
        """Take everything out."""
        if self._selector is not None:
            self._selector.disconnect("moduleSelected(QString)", self._onModule)
            self._selector = None
        self._watcher.cleanup()
        self.browserPanel.cleanup()
        self.importWatcher.cleanup()
        self.sceneWatcher.cleanup()

    def _onModule(self, _name: str) -> None:
        self._watcher.look()

    def _onDatabase(self) -> None:
        _precacheTags()
        self.importWatcher.databaseChanged()
        self.browserPanel.showSoon()

    def _onBrowser(self) -> None:
        self.browserPanel.install()
        self.importWatcher.install()


_installed: InOtherModules | None = None


def install() -> InOtherModules:
    """Once for the application."""
    global _installed
    if _installed is None:
        _installed = InOtherModules()
    _installed.install()
    return _installed


def uninstall() -> None:
    """For reloading and for tests."""
    global _installed
    if _installed is not None:
        _installed.cleanup()
        _installed = None


def _precacheTags() -> None:
    """What Slicer imports from now on has the tags that we read in its cache: no file is opened for them."""
    from SeriesClassifierLib.sources.tags import CACHE_TAGS

    database = DatabaseSource.databaseObject()
    if database is not None:
        known = set(database.tagsToPrecache)
        if not known >= CACHE_TAGS:
            database.tagsToPrecache = sorted(known | CACHE_TAGS)


def _classify(series: list[str]) -> bool:
    """Classify new series with the panel of the module; False while it is busy."""
    panel = modulePanel()
    if panel is None:
        return True
    if panel.batch.isRunning or panel.publisher.isWriting:
        return False
    panel.classifyImported(series)
    return True
