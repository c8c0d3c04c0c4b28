"""The module `qt`: what PythonQt wraps of Qt, under one name. QtSql is not wrapped."""

# ruff: noqa: N802, N803 (names of C++)
from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets
from shiboken6 import Shiboken
from support.standin import ctk
from support.standin.proxy import check_thread, guarded, proxy_class


class QUiLoader(QtUiTools.QUiLoader):
    """Makes the widgets of CTK and Slicer that the stand-in has, as their Designer plugins do in Slicer."""

    def createWidget(self, className, parent=None, name=""):
        if not className.startswith(("ctk", "qMRML", "qSlicer")):
            return super().createWidget(className, parent, name)
        if className not in ctk.WIDGETS:
            raise NotImplementedError(f"the stand-in has no {className}: add it to support/standin/ctk.py")
        widget = ctk.WIDGETS[className](parent)
        widget.setObjectName(name)
        return widget


class QtModule(types.ModuleType):
    """Looks names up in the modules of PySide and gives their classes as proxies."""

    Qt = QtCore.Qt
    Signal = QtCore.Signal

    def __getattr__(self, name: str) -> Any:
        for module in (QtCore, QtGui, QtWidgets, QtNetwork):
            if hasattr(module, name) and not name.startswith("_"):
                found = getattr(module, name)
                is_wrapped = isinstance(found, type) and issubclass(found, Shiboken.Object)
                return proxy_class(found) if is_wrapped else found
        raise AttributeError(f"module 'qt' has no attribute '{name}'")


def _single_shot(milliseconds: int, function: Any) -> None:
    check_thread("QTimer.singleShot")
    QtCore.QTimer.singleShot(milliseconds, guarded(function))


def make_module() -> QtModule:
    """A new `qt`."""
    module = QtModule("qt")
    module.QUiLoader = proxy_class(QUiLoader)
    module.QTimer.singleShot = staticmethod(_single_shot)
    return module
