"""The module `slicer`: MRML and `slicer.util` are Slicer's own (package slicer-core), the rest is a stand-in.

It has no `dicomDatabase` before the DICOM module makes one at the end of the start-up.

What would stop a test (messages, questions, pip, the end of the program) is recorded instead, in `Record`.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import slicer_core
from support.standin.application import qSlicerApplication
from support.standin.ctk import qMRMLWidget
from support.standin.proxy import proxy_class, wrap

_ASKED = ("confirmOkCancelDisplay", "confirmYesNoDisplay", "confirmRetryCloseDisplay", "messageBox")
_TOLD = ("errorDisplay", "warningDisplay", "infoDisplay", "delayDisplay", "showStatusMessage", "selectModule")
_PIP = ("pip_install", "pip_uninstall")


@dataclass
class Record:
    """What the module asked Slicer to show or do: (name in `slicer.util`, first argument); ``answers`` are for the
    test to set, by the name of the question. A question without an answer fails.
    """

    calls: list[tuple[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def named(self, name: str) -> list[Any]:
        """The first arguments of all calls of one name."""
        return [argument for called, argument in self.calls if called == name]

    def replacing(self, function: Callable) -> Callable:
        """``function``, but recorded; its arguments must still fit."""
        signature = inspect.signature(function)
        name = function.__name__

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            self.calls.append((name, next(iter(bound.arguments.values()))))
            if name in _ASKED and name not in self.answers:
                raise AssertionError(f"the test has no answer for {name}{bound.args}")
            return self.answers.get(name)

        return recorded


def make_modules(
    application: qSlicerApplication, *, is_5_12: bool
) -> tuple[dict[str, types.ModuleType], Record]:
    """New `slicer`, `slicer.util` and `slicer.i18n`, and the record of what is asked of them.

    From 5.12 on `slicer.packaging` can be imported, and `launchConsoleProcess` need not block.
    """
    record = Record()
    slicer = types.ModuleType("slicer")
    slicer.__path__ = [str(Path(__file__).parent / "slicer_5_12")] if is_5_12 else []
    for name in dir(slicer_core):
        if name.startswith("vtk"):
            setattr(slicer, name, getattr(slicer_core, name))
    slicer.app = wrap(application)
    slicer.mrmlScene = slicer_core.vtkMRMLScene()
    slicer.modules = types.SimpleNamespace()
    slicer.qMRMLWidget = proxy_class(qMRMLWidget)
    slicer.util = _util(record)
    if not is_5_12:
        slicer.util.launchConsoleProcess = _before_5_12(slicer.util.launchConsoleProcess)
    slicer.i18n = types.ModuleType("slicer.i18n")
    slicer.i18n.tr = lambda text: text
    slicer.i18n.translate = lambda _context, text: text
    return {"slicer": slicer, "slicer.util": slicer.util, "slicer.i18n": slicer.i18n}, record


def _util(record: Record) -> types.ModuleType:
    file = Path(slicer_core.__file__).parent.parent / "slicer" / "util.py"
    spec = importlib.util.spec_from_file_location("slicer.util", file)
    util = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(util)
    for name in (*_ASKED, *_TOLD, *_PIP):
        setattr(util, name, record.replacing(getattr(util, name)))
    return util


def _before_5_12(launch: Callable) -> Callable:
    def launchConsoleProcess(args, useStartupEnvironment=True, updateEnvironment=None, cwd=None):  # noqa: N802, N803
        return launch(args, useStartupEnvironment, updateEnvironment, cwd)

    return launchConsoleProcess
