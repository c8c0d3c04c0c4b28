"""Tells whoever shows labels that some of them are new: written by a batch, a person, or a call of another
module.
"""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def connect(listener: Callable[[], None]) -> None:
    """Call ``listener`` whenever labels are new."""
    _listeners.append(listener)


def disconnect(listener: Callable[[], None]) -> None:
    """Call it no more."""
    if listener in _listeners:
        _listeners.remove(listener)


def tell() -> None:
    """Labels are new."""
    for listener in list(_listeners):
        listener()
