"""PySide objects with the habits of PythonQt, so that code which would fail inside Slicer fails here.

A proxy holds one PySide object. What a name means is decided in PythonQt's order: a Qt property is a value, then
signals, then methods, dynamic properties, and children by their object name. Classes are flat, as in PythonQt: no
proxy class derives from another, so `isinstance(button, qt.QWidget)` is False.
"""

# ruff: noqa: N802 (names of C++)
from __future__ import annotations

import inspect
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from PySide6 import QtCore
from shiboken6 import Shiboken
from shibokensupport.signature import get_signature

slot_errors: list[str] = []
# (class, method) that the version of Slicer at hand does not have yet.
_hidden: set[tuple[str, str]] = set()
_classes: dict[type, ProxyType] = {}
# By the address of the sender: what is connected to it, until it is destroyed or disconnected.
_connections: dict[int, list[tuple[str, Callable, QtCore.QMetaObject.Connection]]] = {}
_method_tables: dict[type, dict[str, list[tuple[str, bool]]]] = {}
_main_thread = threading.get_ident()
_OWN_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list}


# --- what crosses the border -----------------------------------------------------------------------------------


def wrap(value: Any) -> Any:
    """What PythonQt would give to Python for a value that Qt returned."""
    if isinstance(value, QtCore.QObject):
        return _proxy_of(value)
    if isinstance(value, Shiboken.Object):
        proxy = object.__new__(proxy_class(type(value)))
        object.__setattr__(proxy, "_raw", value)
        return proxy
    if isinstance(value, list | tuple):
        return tuple(wrap(one) for one in value)
    if isinstance(value, dict):
        return {key: wrap(one) for key, one in value.items()}
    return value


def unwrap(value: Any) -> Any:
    """What Qt gets for a Python value; ValueError for what PythonQt would refuse or turn into nonsense."""
    if isinstance(value, Proxy):
        return alive(value)
    if isinstance(value, list | tuple):
        return [unwrap(one) for one in value]
    if isinstance(value, dict):
        return {key: unwrap(one) for key, one in value.items()}
    if isinstance(value, os.PathLike) or type(value).__module__ == "numpy":
        raise ValueError(f"Qt takes no {type(value).__name__}: use str(), int() or float() of {value!r}")
    if callable(value) and not isinstance(value, Shiboken.Object):
        raise ValueError(f"a Qt method does not take the Python callable {value!r}: connect it to a signal")
    return value


def alive(proxy: Proxy) -> Any:
    """The PySide object of a proxy; only in the main thread, and only while C++ has the object."""
    check_thread(type(proxy).__name__)
    raw = proxy.__dict__.get("_raw")
    if raw is None:
        raise ValueError(f"the __init__ of {type(proxy).__name__} did not call the __init__ of its Qt class")
    if not Shiboken.isValid(raw):
        raise ValueError(f"the C++ object of this {type(proxy).__name__} is deleted")
    return raw


def check_thread(name: str) -> None:
    """RuntimeError outside the main thread; also noted, because a thread may swallow it."""
    if threading.get_ident() != _main_thread:
        slot_errors.append(f"{name} was used outside the main thread")
        raise RuntimeError(slot_errors[-1])


def call(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Call a method of Qt as PythonQt does: no keywords, and ValueError for arguments that do not fit."""
    name = getattr(function, "__name__", str(function))
    check_thread(name)
    if kwargs:
        raise ValueError(f"Called {name} with keyword arguments, but called slot does not support kwargs.")
    raw_args = [unwrap(one) for one in args]
    try:
        _check_types(function, raw_args)
        result = function(*raw_args)
    except TypeError as error:
        raise ValueError(f"Called {name} with wrong arguments: {args}\n{error}") from error
    return wrap(result)


def _check_types(function: Callable, args: list) -> None:
    """TypeError for what PySide lets pass but PythonQt makes nonsense of: None becomes the text "None", and a string
    given for a list of strings becomes its letters.
    """
    if inspect.ismethod(function):  # one of the stand-in's own: its annotations are its types in C++
        for parameter, value in zip(inspect.signature(function).parameters.values(), args, strict=False):
            expected = _OWN_TYPES.get(parameter.annotation)
            if expected is not None and not isinstance(value, expected):
                raise TypeError(f"{parameter.name} is no {parameter.annotation}: {value!r}")
    elif None in args:
        found = get_signature(function) or []
        signatures = found if isinstance(found, list) else [found]
        overloads = [[one for one in a.parameters.values() if one.name != "self"] for a in signatures]
        for position, value in enumerate(args):
            there = [one[position].annotation for one in overloads if position < len(one)]
            if value is None and there and all(kind in (str, "str") for kind in there):
                raise TypeError("None is no text")


def guarded(function: Callable) -> Callable:
    """A slot around a Python callable: it gets as many arguments as it has room for, and its exceptions end in
    `slot_errors`, where PythonQt only prints them.
    """
    room = None
    if inspect.isfunction(function) or inspect.ismethod(function):
        code = function.__code__
        if not code.co_flags & inspect.CO_VARARGS:
            room = code.co_argcount - inspect.ismethod(function)

    def slot(*args):
        try:
            function(*wrap(args)[:room])
        except Exception:
            note_error(*sys.exc_info())

    return slot


def note_error(*error: Any) -> None:
    """Print an error that nobody catches, as Slicer does, and keep it for the test."""
    slot_errors.append("".join(traceback.format_exception(*error)))
    print(slot_errors[-1], file=sys.stderr)


# --- classes and objects ---------------------------------------------------------------------------------------


class ProxyType(type):
    """A class of `qt`, `ctk` or `slicer`: it gives the enums and the static methods of its PySide class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        member = getattr(cls._raw_class, _lookup(cls._raw_class, name))
        return partial(_call_member, member) if inspect.isroutine(member) else member


def _call_member(member: Callable, *args, **kwargs) -> Any:
    return call(member, args, kwargs)


class Proxy(metaclass=ProxyType):
    """An object of Qt that is no QObject, such as an item of a table, a date or an icon."""

    _raw_class: type

    def __init__(self, *args, **kwargs):
        object.__setattr__(self, "_raw", None)
        object.__setattr__(self, "_raw", _construct(self._raw_class, args, kwargs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _bound(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"'{name}' does not exist on {type(self).__name__} and creating new attributes on C++ objects is "
            "not allowed"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and (self._raw is other._raw or self._raw == other._raw)

    def __hash__(self) -> int:
        return hash(Shiboken.getCppPointer(self._raw))

    def __bool__(self) -> bool:
        return Shiboken.isValid(self._raw)

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({self._raw!r})"


class QObjectProxy(Proxy):
    """A QObject. Only Python classes derived from a Qt class may have attributes of their own."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        if "_raw_class" in cls.__dict__:
            return
        for name in cls.__dict__:
            if name.endswith("Event"):
                raise NotImplementedError(f"the stand-in cannot override {name}; it works in PythonQt")
        members = {name: one for name, one in cls.__dict__.items() if isinstance(one, QtCore.Signal)}
        for name in members:
            delattr(cls, name)
        if "eventFilter" in cls.__dict__:
            members["eventFilter"] = _filter_event
        cls._raw_class = type(cls.__name__, (cls._raw_class,), members)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _remember(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raw = alive(self)
        found = _property(raw, name)
        if found:
            return wrap(raw.property(found.name()))
        signatures = _signals(raw, name)
        if signatures:
            return BoundSignal(self, signatures)
        try:
            return _bound(self, name)
        except AttributeError:
            if name in raw.dynamicPropertyNames():
                return wrap(raw.property(name))
            child = next((one for one in raw.children() if one.objectName() == name), None)
            if child is None:
                raise
            return wrap(child)

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_raw") is None:
            return object.__setattr__(self, name, value)
        raw = alive(self)
        found = _property(raw, name)
        if found:
            if not found.isWritable():
                raise AttributeError(f"Property '{name}' of {self.className()} object is not writable")
            if value is None or not found.write(raw, unwrap(value)):
                raise AttributeError(
                    f"Property '{name}' of type '{found.typeName()}' does not accept an object of type "
                    f"{type(value).__name__} ({value!r})"
                )
        elif _methods(raw, name) or hasattr(type(raw), name):
            raise AttributeError(f"'{name}' can not be overwritten on {self.className()} object")
        elif name in raw.dynamicPropertyNames():
            raw.setProperty(name, unwrap(value))
        elif "_proxy" in raw.__dict__:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def connect(self, signal: str, receiver: Callable) -> bool:
        """Connect by the signature in words; ValueError where PythonQt returns False and prints."""
        raw = alive(self)
        signature = _known_signal(raw, signal)
        if not callable(receiver):
            raise ValueError(f"{receiver!r} is not callable")
        key = Shiboken.getCppPointer(raw)[0]
        if key not in _connections:
            _connections[key] = []
            raw.destroyed.connect(partial(_forget, key))
        connection = QtCore.QObject.connect(raw, QtCore.SIGNAL(signature), guarded(receiver))
        _connections[key].append((signature, receiver, connection))
        return True

    def disconnect(self, signal: str, receiver: Callable | None = None) -> bool:
        """Undo one connection of ``receiver``, or all of the signal; ValueError where PythonQt returns False."""
        raw = alive(self)
        signature = _known_signal(raw, signal)
        known = _connections.get(Shiboken.getCppPointer(raw)[0], [])
        found = [one for one in known if one[0] == signature and receiver in (None, one[1])]
        for entry in found if receiver is None else found[:1]:
            QtCore.QObject.disconnect(entry[2])
            known.remove(entry)
        if receiver is not None and not found:
            raise ValueError(f"{receiver!r} is not connected to {signature} of {self.className()}")
        return True

    def findChild(self, kind: type | str, name: str = "") -> Any:
        """The first child, at any depth, of a class (or class name) and an object name."""
        wanted = kind if isinstance(kind, str) else kind._raw_class.__name__
        for child in alive(self).findChildren(QtCore.QObject):
            if child.inherits(wanted) and name in ("", child.objectName()):
                return wrap(child)
        return None

    def findChildren(self, *_args) -> None:
        raise ValueError("QWidget.findChildren does not work in PythonQt: use slicer.util.findChildren")

    def className(self) -> str:
        return type(self).__name__

    def inherits(self, name: str) -> bool:
        return alive(self).inherits(name)

    def delete(self) -> None:
        Shiboken.delete(alive(self))


class BoundSignal:
    """A signal of one object. The first overload is the one that `connect` takes, as in PythonQt."""

    def __init__(self, proxy: QObjectProxy, signatures: list[str]):
        self._proxy, self._signatures = proxy, signatures

    def connect(self, receiver: Callable) -> bool:
        return self._proxy.connect(self._signatures[0], receiver)

    def disconnect(self, *receiver: Callable) -> bool:
        return self._proxy.disconnect(self._signatures[0], *receiver)

    def emit(self, *args) -> None:
        fitting = next((one for one in self._signatures if _arity(one) == len(args)), None)
        if fitting is None:
            raise ValueError(f"no overload of the signal takes {args}: {self._signatures}")
        alive(self._proxy).emit(QtCore.SIGNAL(fitting), *[unwrap(one) for one in args])

    __call__ = emit


class BoundMethod:
    """A method of one object; equal to another look-up of it, so that it can be disconnected."""

    def __init__(self, proxy: Proxy, name: str):
        self._proxy, self.__name__ = proxy, name

    def __call__(self, *args, **kwargs) -> Any:
        return call(getattr(alive(self._proxy), self.__name__), args, kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundMethod) and hash(self) == hash(other)

    def __hash__(self) -> int:
        return hash((self._proxy, self.__name__))


def _filter_event(raw: QtCore.QObject, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
    """`eventFilter` of a Python class. What it raises is only printed, and what is no True is False."""
    proxy = raw.__dict__.get("_proxy")
    if proxy is None:  # its __init__ is not over yet
        return False
    try:
        return bool(proxy.eventFilter(wrap(watched), wrap(event)))
    except Exception:
        note_error(*sys.exc_info())
        return False


def hide_methods(names: Iterable[tuple[str, str]]) -> None:
    """From now on these (class, method) do not exist, and all others do."""
    _hidden.clear()
    _hidden.update(names)


def proxy_class(raw_class: type) -> ProxyType:
    """The proxy class of a PySide class or of one of the stand-in's own."""
    if raw_class not in _classes:
        base = QObjectProxy if issubclass(raw_class, QtCore.QObject) else Proxy
        _classes[raw_class] = ProxyType(raw_class.__name__, (base,), {"_raw_class": raw_class})
    return _classes[raw_class]


def forget_all() -> None:
    """Drop what is connected and recorded, so that one test does not see another's."""
    for entries in list(_connections.values()):
        for _signature, _receiver, connection in entries:
            QtCore.QObject.disconnect(connection)
        entries.clear()
    slot_errors.clear()


def _proxy_of(raw: QtCore.QObject) -> QObjectProxy:
    """The one proxy of an object: kept by the object if a Python class made it, else only by who uses it."""
    proxy = raw.__dict__.get("_proxy") or raw.__dict__.get("_proxy_reference", lambda: None)()
    if proxy is None:
        proxy = object.__new__(proxy_class(type(raw)))
        object.__setattr__(proxy, "_raw", raw)
        _remember(proxy)
    return proxy


def _remember(proxy: QObjectProxy) -> None:
    if _classes.get(proxy._raw_class) is type(proxy):
        proxy._raw._proxy_reference = weakref.ref(proxy)
    else:
        proxy._raw._proxy = proxy


def _forget(key: int, *_destroyed) -> None:
    _connections.pop(key, None)


# --- what a name means -----------------------------------------------------------------------------------------


def _construct(raw_class: type, args: tuple, kwargs: dict[str, Any]) -> Any:
    check_thread(raw_class.__name__)
    if kwargs:
        raise ValueError(f"the constructor of {raw_class.__name__} takes no keywords in PythonQt")
    try:
        return raw_class(*[unwrap(one) for one in args])
    except TypeError as error:
        raise ValueError(f"No constructor of {raw_class.__name__} takes {args}\n{error}") from error


def _property(raw: QtCore.QObject, name: str) -> QtCore.QMetaProperty | None:
    if name == "singleShot" and isinstance(raw, QtCore.QTimer):
        return None  # PythonQt leaves the name to the static method
    meta = raw.metaObject()
    index = meta.indexOfProperty("objectName" if name == "name" else name)
    return meta.property(index) if index >= 0 else None


def _methods(raw: QtCore.QObject, name: str) -> list[tuple[str, bool]]:
    """The signals, slots and invokables of a name: their signatures, and whether it is a signal."""
    known = _method_tables.get(type(raw))
    if known is None:
        known = _method_tables[type(raw)] = {}
        meta = raw.metaObject()
        for method in (meta.method(index) for index in range(meta.methodCount())):
            is_signal = method.methodType() == QtCore.QMetaMethod.MethodType.Signal
            entry = (method.methodSignature().toStdString(), is_signal)
            known.setdefault(method.name().toStdString(), []).append(entry)
    return known.get(name, [])


def _signals(raw: QtCore.QObject, name: str) -> list[str]:
    return [signature for signature, is_signal in _methods(raw, name) if is_signal]


def _known_signal(raw: QtCore.QObject, signal: str) -> str:
    signature = QtCore.QMetaObject.normalizedSignature(signal).toStdString()
    if raw.metaObject().indexOfSignal(signature) < 0:
        raise ValueError(f"signal '{signal}' does not exist on {raw.metaObject().className()}")
    return signature


def _arity(signature: str) -> int:
    inside = signature[signature.index("(") + 1 : -1]
    return inside.count(",") + 1 if inside else 0


def _lookup(raw_class: type, name: str, raw: QtCore.QObject | None = None) -> str:
    """The name under which PySide has a method or enum; AttributeError where PythonQt has none.

    The rule of light wrapping: a method of a CTK or Slicer class exists only if its meta-object lists it.
    """
    plain = name[:-1] if name.endswith("_") else name
    if hasattr(raw_class, plain) and (raw_class.__name__, plain) not in _hidden:
        owner = next((one for one in raw_class.__mro__ if plain in one.__dict__), raw_class)
        is_listed = raw is not None and bool(_methods(raw, plain))
        is_method = inspect.isroutine(getattr(raw_class, plain))
        if owner.__module__.startswith("PySide6.") or not is_method or is_listed:
            return plain
    raise AttributeError(f"{raw_class.__name__} has no attribute named '{name}'")


def _bound(proxy: Proxy, name: str) -> Any:
    raw = alive(proxy)
    plain = _lookup(type(raw), name, raw if isinstance(raw, QtCore.QObject) else None)
    member = getattr(raw, plain)
    return BoundMethod(proxy, plain) if inspect.isroutine(member) else member
