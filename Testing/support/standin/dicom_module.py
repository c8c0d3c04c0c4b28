"""The DICOM module: it gives `slicer` its database at the end of the start-up, and has a browser once it was shown."""

# ruff: noqa: N802, N803 (names of C++)
from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer


class SlicerDICOMBrowser(qt.QWidget):
    """The table browser and the visual one, of which one is shown, with room below them."""

    closed = qt.Signal()

    def __init__(self):
        super().__init__()
        self.objectName = "SlicerDICOMBrowser"
        self.setLayout(qt.QVBoxLayout())
        self.dicomBrowser = slicer.app.createDICOMBrowserForMainDatabase()
        self.dicomVisualBrowser = ctk.ctkDICOMVisualBrowserWidget()
        for browser in (self.dicomBrowser, self.dicomVisualBrowser):
            self.layout().addWidget(browser)
        self.toggleBrowsers(False)

    def toggleBrowsers(self, useVisualDICOMBrowser: bool) -> None:
        """Show one of the two."""
        # Until 5.12 the attribute has another name.
        name = (
            "useVisualDICOMBrowser" if slicer.app.minorVersion >= 12 else "useExpertimentalVisualDICOMBrowser"
        )
        setattr(self, name, useVisualDICOMBrowser)
        self.dicomVisualBrowser.visible = useVisualDICOMBrowser
        self.dicomBrowser.visible = not useVisualDICOMBrowser


class DICOM:
    """The Python class of the module. Its slot of `startupCompleted` is what makes `slicer.dicomDatabase`."""

    def __init__(self, parent: Any):
        self.parent = parent
        parent.dependencies = []
        self.browserWidget: Any = None
        self.postModuleDiscoveryTasksPerformed = False

    def setup(self) -> None:
        slicer.app.connect("startupCompleted()", self.performPostModuleDiscoveryTasks)

    def performPostModuleDiscoveryTasks(self) -> None:
        """Once: the alias of the application's database, its tags, and the folder of the settings."""
        if self.postModuleDiscoveryTasksPerformed:
            return
        self.postModuleDiscoveryTasksPerformed = True
        slicer.dicomDatabase = slicer.app.dicomDatabase()
        tags = list(slicer.dicomDatabase.tagsToPrecache)
        for plugin in slicer.modules.dicomPlugins.values():
            tags += list(plugin().tags.values())
        slicer.dicomDatabase.tagsToPrecache = sorted(set(tags))
        key = f"DatabaseDirectory_{ctk.ctkDICOMDatabase().schemaVersion()}"
        slicer.dicomDatabaseDirectorySettingsKey = key
        folder = qt.QSettings().value(key)
        # Slicer makes one in the documents of the user; here a test has opened one before, or has none.
        if folder:
            slicer.dicomDatabase.openDatabase(str(Path(folder) / "ctkDICOM.sql"))


class DICOMModule:
    """`slicer.modules.dicom`."""

    path = ""
    name = "DICOM"

    def instantiate(self) -> None:
        """The first step of the start-up."""
        self.instance = slicer.modules.DICOMInstance = DICOM(self)

    def setup(self) -> None:
        """The second step."""
        self.instance.setup()

    def widgetRepresentation(self) -> Any:
        """Make `slicer.modules.DICOMWidget`, as showing the module does; its panel."""
        if not hasattr(slicer.modules, "DICOMWidget"):
            # The home module is shown before the start-up is over.
            self.instance.performPostModuleDiscoveryTasks()
            self.makeWidget()
        return slicer.modules.DICOMWidget.parent

    enter = widgetRepresentation

    def makeWidget(self) -> None:
        """A new widget, also as "Reload" makes it: with the old one its browser is gone."""
        old = getattr(slicer.modules, "DICOMWidget", None)
        if old is not None:
            old.browserWidget.delete()
        browser = SlicerDICOMBrowser()
        slicer.modules.DICOMWidget = types.SimpleNamespace(browserWidget=browser, parent=qt.QWidget())
        slicer.modules.DICOMInstance.browserWidget = browser


def make_modules() -> dict[str, types.ModuleType]:
    """Register the module in `slicer.modules`; new `DICOMLib` and `DICOMLib.DICOMUtils`."""
    slicer.modules.dicom = DICOMModule()
    slicer.modules.dicomPlugins = {}
    library = types.ModuleType("DICOMLib")
    library.__path__ = []
    library.DICOMUtils = types.ModuleType("DICOMLib.DICOMUtils")
    library.DICOMUtils.loaded = []
    library.DICOMUtils.imported = []
    library.DICOMUtils.loadSeriesByUID = lambda uids: library.DICOMUtils.loaded.extend(uids) or []
    library.DICOMUtils.importDicom = lambda folder, database: (
        library.DICOMUtils.imported.append((folder, database)) or True
    )
    return {"DICOMLib": library, "DICOMLib.DICOMUtils": library.DICOMUtils}
