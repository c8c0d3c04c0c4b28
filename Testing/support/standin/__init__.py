"""A stand-in of 3D Slicer for tests of the module: it finds what fails under PythonQt, without a Slicer.

After `install(folder)` the modules qt, ctk, vtk, slicer, DICOMLib and SampleData can be imported; `reset()` takes them
away again with all widgets. Set QT_QPA_PLATFORM=offscreen before. It needs PySide6-Essentials and slicer-core.
"""

from __future__ import annotations

import gc
import importlib
import sys
import types
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets
from support.standin import ctk, qt, slicer
from support.standin.application import qSlicerApplication
from support.standin.proxy import forget_all, note_error, slot_errors

__all__ = ["Installed", "install", "reset", "slot_errors"]

# They import `qt` and `slicer` as a module of Slicer does, so each installation needs them anew.
_INSIDE = ("scripted_module", "parameter_node", "dicom_module")
# Slicer appends it to sys.path; what was imported from it in one test holds that test's `slicer`.
_MODULE_FOLDER = Path(__file__).resolve().parents[3] / "SeriesClassifier"
_application: qSlicerApplication | None = None
_installed: Installed | None = None


class Installed:
    """What a test holds of the installed stand-in."""

    def __init__(self, folder: Path):
        self.application = _application
        self.folder = folder
        self.slot_errors = slot_errors
        self.sample_data: list[dict[str, Any]] = []
        self.names: list[str] = []

    def load(self, file: Path) -> Any:
        """A module file as Slicer loads it: `enter()`, `exit()`, `reload()` and `unload()` it."""
        self.loaded = sys.modules["support.standin.scripted_module"].LoadedModule(file)
        return self.loaded

    def be_slicer_5_12(self) -> None:
        """From now on `slicer.packaging` can be imported; 5.10 has none."""
        sys.modules["slicer"].__path__ = [str(Path(__file__).parent / "slicer_5_12")]

    def process_events(self, milliseconds: int = 0) -> None:
        """Let Qt work: what is due now, and what becomes due within a time."""
        timer = QtCore.QElapsedTimer()
        timer.start()
        while True:
            QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.AllEvents, 10)
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
            if timer.elapsed() >= milliseconds:
                return

    def wait_for(self, condition: Any, milliseconds: int = 10_000) -> None:
        """Let Qt work until ``condition()`` holds; AssertionError when it does not in time."""
        timer = QtCore.QElapsedTimer()
        timer.start()
        while not condition():
            assert timer.elapsed() < milliseconds, "what was waited for did not happen"
            self.process_events(10)


def install(folder: Path) -> Installed:
    """Put the stand-in in place of Slicer's modules; ``folder`` keeps its settings. A second call changes nothing."""
    global _application, _installed
    if _installed is not None:
        return _installed
    if _application is None:
        _application = qSlicerApplication(["Slicer"])
    _application.start(folder)
    _installed = Installed(folder)
    sys.path.append(str(_MODULE_FOLDER))
    sys.excepthook = note_error  # where VTK and Qt send what their Python observers raise
    modules, _installed.record = slicer.make_modules(_application)
    _put({"qt": qt.make_module(), "ctk": ctk.make_module(), **modules})
    scripted, parameters, dicom = [importlib.import_module(f"support.standin.{name}") for name in _INSIDE]
    sample_data = types.ModuleType("SampleData")
    sample_data.SampleDataLogic = types.SimpleNamespace(registerCustomSampleDataSource=_register_sample_data)
    own = {
        "slicer.ScriptedLoadableModule": scripted.make_module(),
        "slicer.parameterNodeWrapper": parameters.make_module(),
        "SampleData": sample_data,
        **dicom.make_modules(),
    }
    _put(own)
    for name, module in own.items():
        if name.startswith("slicer."):
            setattr(modules["slicer"], name.removeprefix("slicer."), module)
    return _installed


def reset() -> None:
    """Take the stand-in away: its modules, its widgets and its connections."""
    global _installed
    if _installed is None:
        return
    forget_all()
    _application.main_database.closeDatabase()
    names, _installed = {*_installed.names, "slicer.packaging"}, None
    names |= {f"support.standin.{one}" for one in _INSIDE}
    names |= {name for name, module in sys.modules.items() if _is_of_the_module(module)}
    for name in names:
        sys.modules.pop(name, None)
    sys.path.remove(str(_MODULE_FOLDER))
    sys.excepthook = sys.__excepthook__
    for widget in _application.topLevelWidgets():
        widget.deleteLater()
    gc.collect()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
    QtWidgets.QApplication.clipboard().clear()


def _register_sample_data(
    category="Custom",
    sampleName=None,  # noqa: N803 (Slicer's names)
    uris=None,
    fileNames=None,  # noqa: N803
    customDownloader=None,  # noqa: N803
    thumbnailFileName=None,  # noqa: N803
) -> None:
    """With those parameters of Slicer's that may be given without a download, and its checks."""
    assert len(uris) == len(fileNames), "all fields of a sample data source have the same length"
    sources = sys.modules["slicer"].modules.__dict__.setdefault("sampleDataSources", {})
    source = {
        "sampleName": sampleName,
        "uris": uris,
        "customDownloader": customDownloader,
        "thumbnailFileName": thumbnailFileName,
    }
    sources.setdefault(category, []).append(source)
    _installed.sample_data.append(source)


def _put(modules: dict[str, types.ModuleType]) -> None:
    for name, module in modules.items():
        sys.modules[name] = module
        _installed.names.append(name)


def _is_of_the_module(module: types.ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and _MODULE_FOLDER in Path(file).parents
