"""The DICOM module: its browser exists once the module was shown, and stands in a Python widget."""

# ruff: noqa: N802 (names of C++)
from __future__ import annotations

import types
from typing import Any

import qt
import slicer


class SlicerDICOMBrowser(qt.QWidget):
    """The browser with room below it."""

    closed = qt.Signal()

    def __init__(self):
        super().__init__()
        self.objectName = "SlicerDICOMBrowser"
        self.setLayout(qt.QVBoxLayout())
        self.dicomBrowser = slicer.app.createDICOMBrowserForMainDatabase()
        self.layout().addWidget(self.dicomBrowser)


class DICOMModule:
    """`slicer.modules.dicom`."""

    path = ""

    def widgetRepresentation(self) -> Any:
        """Make `slicer.modules.DICOMWidget`, as showing the module does; its panel."""
        if not hasattr(slicer.modules, "DICOMWidget"):
            browser = SlicerDICOMBrowser()
            slicer.modules.DICOMWidget = types.SimpleNamespace(browserWidget=browser, parent=qt.QWidget())
            slicer.modules.DICOMInstance.browserWidget = browser
        return slicer.modules.DICOMWidget.parent


def make_modules() -> dict[str, types.ModuleType]:
    """Register the module in `slicer.modules`; new `DICOMLib` and `DICOMLib.DICOMUtils`."""
    slicer.modules.dicom = DICOMModule()
    slicer.modules.DICOMInstance = types.SimpleNamespace(
        browserWidget=None, performPostModuleDiscoveryTasks=lambda: None
    )
    slicer.modules.dicomPlugins = {}
    library = types.ModuleType("DICOMLib")
    library.__path__ = []
    library.DICOMUtils = types.ModuleType("DICOMLib.DICOMUtils")
    library.DICOMUtils.loaded = []
    library.DICOMUtils.loadSeriesByUID = lambda uids: library.DICOMUtils.loaded.extend(uids) or []
    return {"DICOMLib": library, "DICOMLib.DICOMUtils": library.DICOMUtils}
