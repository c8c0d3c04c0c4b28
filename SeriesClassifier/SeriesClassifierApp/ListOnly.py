"""Combo boxes in which something is chosen in their open list, and not by the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt


class ListOnly(qt.QObject):
    """While the list of a combo box is closed, its wheel and its typed letters choose nothing, and the arrows
    open it: what is chosen there becomes a label.
    """

    def __init__(self, combos: Sequence[Any]) -> None:
        super().__init__()
        self._combos = list(combos)
        for combo in self._combos:
            combo.installEventFilter(self)

    def cleanup(self) -> None:
        """Filter no more."""
        for combo in self._combos:
            if combo:
                combo.removeEventFilter(self)
        self._combos = []

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """What Qt asks before a widget gets an event; True keeps it from the widget."""
        kind = event.type()
        if kind == qt.QEvent.Wheel:
            event.ignore()  # the panel scrolls instead
            return True
        if kind != qt.QEvent.KeyPress:
            return False
        if event.key() in (qt.Qt.Key_Up, qt.Qt.Key_Down, qt.Qt.Key_PageUp, qt.Qt.Key_PageDown):
            watched.showPopup()
            return True
        typed = str(event.text())
        return event.key() in (qt.Qt.Key_Home, qt.Qt.Key_End) or bool(typed.strip() and typed.isprintable())
