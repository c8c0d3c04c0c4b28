"""`slicer.ScriptedLoadableModule`, and what Slicer does with a module file."""

# ruff: noqa: N802 (names of C++)
from __future__ import annotations

import importlib.util
import sys
import types
import unittest
from pathlib import Path
from typing import Any

import qt
import slicer
from support.standin.ctk import qMRMLWidget
from support.standin.proxy import proxy_class


class ScriptedLoadableModule:
    """What Slicer shows about a module."""

    def __init__(self, parent: Any):
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.helpText, parent.acknowledgementText = "", "", ""
        parent.categories, parent.dependencies, parent.contributors = [], [], []

    def resourcePath(self, filename: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / filename)


class ScriptedLoadableModuleWidget:
    """The panel of a module. Without a parent it makes its own window and sets itself up."""

    def __init__(self, parent: Any = None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent or _panel()
        self.layout = self.parent.layout()
        if not parent:
            self.setup()
            self.parent.show()

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """The section for developers is not made."""

    def cleanup(self) -> None:
        """For a module to override."""

    def onReload(self) -> None:
        getattr(slicer.modules, self.moduleName.lower()).reload()


class ScriptedLoadableModuleLogic:
    """The work of a module; its parameters are in one node of the scene."""

    def __init__(self, parent: Any = None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        if not self.isSingletonParameterNode:
            raise NotImplementedError("the stand-in has only singleton parameter nodes")
        found = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        return found or slicer.mrmlScene.AddNode(self.createParameterNode())

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """What "Reload and Test" runs."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*(args or ("runTest",)), **kwargs)

    def runTest(self) -> None:
        """For a module to override."""

    def delayDisplay(self, message: str, *_args: Any, **_kwargs: Any) -> None:
        slicer.util.delayDisplay(message, 0)


class LoadedModule:
    """A module as Slicer holds it: instantiated, later set up; its panel is made when it is first shown."""

    def __init__(self, file: Path):
        self.path = str(file)
        self.name = file.stem
        self.isEntered = False
        self._run_file()
        setattr(slicer.modules, self.name.lower(), self)
        self.instance = getattr(self.module, self.name)(self)
        setattr(slicer.modules, f"{self.name}Instance", self.instance)
        self.widget: Any = None
        self._panel: Any = None

    def setup(self) -> None:
        """What Slicer does once all modules are instantiated."""
        getattr(self.instance, "setup", lambda: None)()

    def widgetRepresentation(self) -> Any:
        """The panel, made with its first use."""
        if self.widget is None:
            self._panel = _panel()
            self._make_widget()
        return self._panel

    def enter(self) -> Any:
        """Show the module; its widget."""
        self.widgetRepresentation()
        self.widget.parent.setProperty("isEntered", True)
        getattr(self.widget, "enter", lambda: None)()
        return self.widget

    def exit(self) -> None:
        """Go to another module."""
        self.widget.parent.setProperty("isEntered", False)
        getattr(self.widget, "exit", lambda: None)()

    def reload(self) -> None:
        """As `slicer.util.reloadScriptedModule`: run the file again and put a new widget into the panel. The module
        object that Slicer made at its start stays, and so does what it connected.
        """
        panel = self.widgetRepresentation()
        self._run_file()
        self.widget.cleanup()
        layout = panel.layout()
        while layout.count():
            item = layout.takeAt(0)
            if item.widget() is not None:
                item.widget().hide()
        self._make_widget()

    def _run_file(self) -> None:
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        self.module = sys.modules[self.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def _make_widget(self) -> None:
        self.widget = getattr(self.module, f"{self.name}Widget")(self._panel)
        setattr(slicer.modules, f"{self.name}Widget", self.widget)
        self.widget.setup()

    def unload(self) -> None:
        """End, as when Slicer is closed."""
        if self.widget is not None:
            self.widget.cleanup()
            self.widget.parent.delete()
        for name in (self.name.lower(), f"{self.name}Instance", f"{self.name}Widget"):
            slicer.modules.__dict__.pop(name, None)
        del sys.modules[self.name]


def _panel() -> Any:
    panel = proxy_class(qMRMLWidget)()
    panel.setLayout(qt.QVBoxLayout())
    panel.setMRMLScene(slicer.mrmlScene)
    panel.setProperty("isEntered", False)
    return panel


def make_module() -> types.ModuleType:
    """A new `slicer.ScriptedLoadableModule`."""
    module = types.ModuleType("slicer.ScriptedLoadableModule")
    for one in (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    ):
        setattr(module, one.__name__, one)
    return module
