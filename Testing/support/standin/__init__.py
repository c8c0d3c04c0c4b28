"""A stand-in of 3D Slicer for tests of the module: it finds what fails under PythonQt, without a Slicer.

After `install(folder)` the modules qt, ctk, vtk, slicer, DICOMLib and SampleData can be imported, as far as Slicer has
them before it starts up; `Installed.start_up` replays the start. `reset()` takes all away again with all widgets. Set
QT_QPA_PLATFORM=offscreen before. It needs PySide6-Essentials and slicer-core.
"""

from __future__ import annotations

import gc
import importlib
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets
from support.standin import ctk, qt, slicer
from support.standin.application import qSlicerApplication
from support.standin.proxy import forget_all, hide_methods, note_error, slot_errors

__all__ = ["VERSIONS", "Installed", "install", "reset", "slot_errors"]

VERSIONS = ("5.8", "5.10", "5.12")

# They import `qt` and `slicer` as a module of Slicer does, so each installation needs them anew.
_INSIDE = ("scripted_module", "parameter_node", "dicom_module")
# (class, method) that CTK has only from the pin of 5.12 on.
_NEW_IN_5_12 = (("ctkDICOMBrowser", "selectedItems"), ("ctkDICOMVisualBrowserWidget", "patientView"))
# Slicer appends it to sys.path; what was imported from it in one test holds that test's `slicer`.
_MODULE_FOLDER = Path(__file__).resolve().parents[3] / "SeriesClassifier"
_LIBRARY = "SeriesClassifierLib"
_application: qSlicerApplication | None = None
_installed: Installed | None = None


class Installed:
    """What a test holds of the installed stand-in."""

    def __init__(self, folder: Path, version: str):
        self.application = _application
        self.folder = folder
        self.version = version
        self.slot_errors = slot_errors
        self.sample_data: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.library = _loaded_library()
        self.has_started = False

    def start_up(self, *files: Path, home: str = "", script: Callable[[], None] | None = None) -> list[Any]:
        """Start Slicer with the DICOM module and the modules of ``files``; what `load` gives of each.

        The order is Slicer's: every module is instantiated; then every `setup` is run, that of a dependency first;
        the home module is shown, and a ``script`` of the command line runs; then `startupCompleted` is emitted,
        whose slots run in the order in which they were connected.
        """
        assert not self.has_started, "Slicer starts once"
        loaded = sys.modules["support.standin.scripted_module"].LoadedModule
        modules = [loaded(file) for file in files]
        dicom = sys.modules["slicer"].modules.dicom
        dicom.instantiate()
        by_name = {"DICOM": dicom, **{one.name: one for one in modules}}
        ready: set[str] = set()

        def set_up(name: str) -> None:
            if name in ready or name not in by_name:
                return
            ready.add(name)
            for dependency in by_name[name].instance.parent.dependencies:
                set_up(dependency)
            by_name[name].setup()

        # Slicer goes through them by name, so DICOM is neither always the first nor always the last.
        for name in sorted(by_name):
            set_up(name)
        if home:
            by_name[home].enter()
        if script is not None:
            script()
        self.has_started = True
        self.application.startupCompleted.emit()
        if modules:
            self.loaded = modules[-1]
        return modules

    def load(self, file: Path) -> Any:
        """A module file as Slicer loads it: `enter()`, `exit()`, `reload()` and `unload()` it. The first one is
        there when Slicer starts; a later one is loaded in the session, when `startupCompleted` is long over.
        """
        if not self.has_started:
            [self.loaded] = self.start_up(file)
        else:
            self.loaded = sys.modules["support.standin.scripted_module"].LoadedModule(file)
            self.loaded.setup()
        return self.loaded

    def process_events(self, milliseconds: int = 0) -> None:
        """Let Qt work: what is due now, and what becomes due within a time."""
        timer = QtCore.QElapsedTimer()
        timer.start()
        while True:
            QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.AllEvents, 10)
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
            if timer.elapsed() >= milliseconds:
                return

    def wait_for(self, condition: Any, milliseconds: int = 30_000) -> None:
        """Let Qt work until ``condition()`` holds; AssertionError when it does not in time."""
        timer = QtCore.QElapsedTimer()
        timer.start()
        while not condition():
            assert timer.elapsed() < milliseconds, "what was waited for did not happen"
            self.process_events(10)


def install(folder: Path, version: str = "5.12") -> Installed:
    """Put the stand-in in place of the modules of a version of Slicer that has not started yet; ``folder`` keeps its
    settings. A second call changes nothing.
    """
    global _application, _installed
    if _installed is not None:
        return _installed
    if _application is None:
        _application = qSlicerApplication(["Slicer"])
    _application.start(folder, version)
    _installed = Installed(folder, version)
    is_new = version == VERSIONS[-1]
    hide_methods(() if is_new else _NEW_IN_5_12)
    sys.path.append(str(_MODULE_FOLDER))
    sys.excepthook = note_error  # where VTK and Qt send what their Python observers raise
    modules, _installed.record = slicer.make_modules(_application, is_5_12=is_new)
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
    names, library, _installed = {*_installed.names, "slicer.packaging"}, _installed.library, None
    names |= {f"support.standin.{one}" for one in _INSIDE}
    names |= {name for name, module in sys.modules.items() if _is_of_the_module(module)}
    for name in names:
        sys.modules.pop(name, None)
    _put_back(library)
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


def _loaded_library() -> dict[str, types.ModuleType]:
    importlib.import_module(_LIBRARY)
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] == _LIBRARY}


def _put_back(library: dict[str, types.ModuleType]) -> None:
    """The library as it was: a reload of the module loads it again, and tests that hold classes of the first one
    would wait for errors that nothing raises any more.
    """
    if sys.modules.get(_LIBRARY) is not library[_LIBRARY]:
        for name in _loaded_library():
            del sys.modules[name]
        sys.modules.update(library)


def _is_of_the_module(module: types.ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and _MODULE_FOLDER in Path(file).parents
