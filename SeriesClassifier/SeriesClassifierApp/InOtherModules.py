"""What the module has in others: a line in the DICOM browser, sample data, the tags that we read, imports."""

from __future__ import annotations

from typing import Any

import slicer

from SeriesClassifierApp import Labels, SampleStudies
from SeriesClassifierApp.BrowserPanel import BrowserPanel
from SeriesClassifierApp.ImportWatcher import ImportWatcher
from SeriesClassifierApp.SceneLabels import SceneWatcher


class InOtherModules:
    """Lives as long as the application."""

    def __init__(self) -> None:
        self.browserPanel = BrowserPanel()
        self.importWatcher = ImportWatcher(_classify)
        self.sceneWatcher = SceneWatcher(Labels.labelsOf)
        self._selector: Any = None

    def install(self) -> None:
        """Now, or when the DICOM module is shown for the first time."""
        SampleStudies.register()
        self.sceneWatcher.install()
        _precacheTags()
        if not self._tryInstall() and slicer.util.mainWindow() is not None:
            self._selector = slicer.util.moduleSelector()
            self._selector.connect("moduleSelected(QString)", self._onModule)

    def cleanup(self) -> None:
        """Take everything out."""
        self._forgetSelector()
        self.browserPanel.cleanup()
        self.importWatcher.cleanup()
        self.sceneWatcher.cleanup()

    def _onModule(self, name: str) -> None:
        if name == "DICOM" and self._tryInstall():
            self._forgetSelector()

    def _tryInstall(self) -> bool:
        return self.browserPanel.install() and self.importWatcher.install()

    def _forgetSelector(self) -> None:
        if self._selector is not None:
            self._selector.disconnect("moduleSelected(QString)", self._onModule)
            self._selector = None


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
    from SeriesClassifierLib.sources.tags import CTK_TAGS

    if slicer.dicomDatabase is not None:
        known = set(slicer.dicomDatabase.tagsToPrecache)
        if not known >= CTK_TAGS.keys():
            slicer.dicomDatabase.tagsToPrecache = sorted(known | CTK_TAGS.keys())


def _classify(series: list[str]) -> bool:
    """Classify new series with the panel of the module; False while it is busy."""
    slicer.modules.seriesclassifier.widgetRepresentation()
    panel = getattr(getattr(slicer.modules, "SeriesClassifierWidget", None), "panel", None)
    if panel is None:
        return True
    if panel.batch.isRunning:
        return False
    panel.refresh()
    panel.classifySeries(series)
    return True
