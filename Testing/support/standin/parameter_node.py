"""`slicer.parameterNodeWrapper`: fields of a class kept as text in a node of the scene, and shown in widgets."""

# ruff: noqa: N802, N803 (names of C++)
from __future__ import annotations

import enum
import json
import pathlib
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import vtk

PROPERTY = "SlicerParameterName"


@dataclass
class Default:
    """What a field is at first."""

    value: Any


@dataclass
class Choice:
    """All that a field may be."""

    choices: list

    def check(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


@dataclass
class WithinRange:
    """From where to where a field may be."""

    minimum: float
    maximum: float

    def check(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value!r} is not within {self.minimum} and {self.maximum}")


@dataclass
class Minimum:
    """From where on a field may be."""

    minimum: float

    def check(self, value: Any) -> None:
        WithinRange(self.minimum, float("inf")).check(value)


@dataclass
class Maximum:
    """Up to where a field may be."""

    maximum: float

    def check(self, value: Any) -> None:
        WithinRange(float("-inf"), self.maximum).check(value)


class _Field:
    """One annotated field, as a property of the class."""

    def __init__(self, name: str, annotation: Any, default: Any):
        self.name = name
        self.kind, *self.notes = (
            typing.get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
        )
        if not (
            isinstance(self.kind, type)
            and issubclass(self.kind, int | float | str | enum.Enum | pathlib.PurePath)
        ):
            raise TypeError(f"the stand-in has no parameters of type {self.kind}")
        given = [note.value for note in self.notes if isinstance(note, Default)]
        own = next(iter(self.kind)) if issubclass(self.kind, enum.Enum) else self.kind()
        self.default = given[0] if given else own if default is None else default

    def __get__(self, wrapper: Any, _owner: type | None = None) -> Any:
        if wrapper is None:
            return self
        text = wrapper.parameterNode.GetParameter(self.name)
        if issubclass(self.kind, enum.Enum):
            return self.kind[text]
        return json.loads(text) if issubclass(self.kind, int | float) else self.kind(text)

    def __set__(self, wrapper: Any, value: Any) -> None:
        if not isinstance(value, self.kind) and not (self.kind is float and isinstance(value, int)):
            raise TypeError(f"{self.name} is {self.kind.__name__}, not {value!r}")
        for note in self.notes:
            if not isinstance(note, Default):
                note.check(value)
        if isinstance(value, enum.Enum):
            text = value.name
        else:
            text = json.dumps(value) if isinstance(value, int | float) else str(value)
        wrapper.parameterNode.SetParameter(self.name, text)


class _Connector:
    """One field in one widget."""

    _KINDS: typing.ClassVar[dict[str, tuple[str, str]]] = {
        "QCheckBox": ("checked", "toggled(bool)"),
        "ctkCheckBox": ("checked", "toggled(bool)"),
        "QPushButton": ("checked", "toggled(bool)"),
        "QSpinBox": ("value", "valueChanged(int)"),
        "QDoubleSpinBox": ("value", "valueChanged(double)"),
        "ctkSliderWidget": ("value", "valueChanged(double)"),
        "QLineEdit": ("text", "textChanged(QString)"),
        "QTextEdit": ("plainText", "textChanged()"),
        "QLabel": ("text", ""),
        "QComboBox": ("currentIndex", "currentIndexChanged(int)"),
        "ctkPathLineEdit": ("currentPath", "currentPathChanged(QString)"),
        "ctkDirectoryButton": ("directory", "directoryChanged(QString)"),
    }

    def __init__(self, widget: Any, field: _Field, on_change: Callable[[Any], None]):
        self._widget, self._field = widget, field
        if widget.className() not in self._KINDS:
            raise RuntimeError(f"no connector of the stand-in for {widget.className()}")
        self._property, self._signal = self._KINDS[widget.className()]
        self._values: list = []
        if self._property == "currentIndex":
            is_enum = issubclass(field.kind, enum.Enum)
            choices = [note.choices for note in field.notes if isinstance(note, Choice)]
            self._values = list(field.kind) if is_enum else choices[0]
            widget.clear()
            for value in self._values:
                widget.addItem(
                    value.label() if hasattr(value, "label") else value.name if is_enum else str(value)
                )
        self._on_change = lambda: on_change(self._read())

    def write(self, value: Any) -> None:
        """Show ``value``."""
        if self._values:
            value = self._values.index(value)
        setattr(self._widget, self._property, str(value) if isinstance(value, pathlib.PurePath) else value)

    def _read(self) -> Any:
        value = getattr(self._widget, self._property)
        return self._values[value] if self._values else self._field.kind(value)

    def start(self) -> None:
        """Hear of changes."""
        if self._signal:
            self._widget.connect(self._signal, self._on_change)

    def stop(self) -> None:
        """Hear of no more changes."""
        if self._signal:
            self._widget.disconnect(self._signal, self._on_change)


class _Wrapper:
    """What the decorator adds to a class."""

    def __init__(self, parameterNode: Any):
        self.parameterNode = parameterNode
        self._guis: dict[int, tuple[dict[str, _Connector], int]] = {}
        for field in self._fields():
            if not parameterNode.GetParameter(field.name):
                field.__set__(self, field.default)

    @classmethod
    def _fields(cls) -> list[_Field]:
        return [one for one in vars(cls).values() if isinstance(one, _Field)]

    def connectGui(self, ui: Any) -> int:
        """Connect the widgets that name a field; the tag for `disconnectGui`."""
        named = {one.property(PROPERTY): one for one in vars(ui).values() if one.property(PROPERTY)}
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, widgets: dict[str, Any]) -> int:
        fields = {field.name: field for field in self._fields()}
        unknown = widgets.keys() - fields.keys()
        if unknown:
            raise ValueError(f"Cannot find a param with the given name: {sorted(unknown)}")
        connectors = {
            name: _Connector(widget, fields[name], lambda value, name=name: setattr(self, name, value))
            for name, widget in widgets.items()
        }

        def show(*_event: Any) -> None:
            for name, connector in connectors.items():
                connector.write(getattr(self, name))

        show()
        for connector in connectors.values():
            connector.start()
        tag = len(self._guis)
        self._guis[tag] = (connectors, self.AddObserver(vtk.vtkCommand.ModifiedEvent, show))
        return tag

    def disconnectGui(self, tag: int) -> None:
        connectors, observer = self._guis.pop(tag, ({}, None))
        for connector in connectors.values():
            connector.stop()
        if observer is not None:
            self.parameterNode.RemoveObserver(observer)

    def AddObserver(self, event: Any, callback: Callable, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, previous: int) -> None:
        self.parameterNode.EndModify(previous)


def parameterNodeWrapper(cls: type) -> type:
    """Make the annotated fields of ``cls`` parameters of a node."""
    body = {
        name: _Field(name, annotation, vars(cls).get(name))
        for name, annotation in typing.get_type_hints(cls, include_extras=True).items()
    }
    rest = {key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__", *body)}
    return type(cls.__name__, (_Wrapper,), {**rest, **body})


def make_module() -> types.ModuleType:
    """A new `slicer.parameterNodeWrapper`."""
    module = types.ModuleType("slicer.parameterNodeWrapper")
    for one in (parameterNodeWrapper, Default, Choice, WithinRange, Minimum, Maximum):
        setattr(module, one.__name__, one)
    return module
