"""Keys that act only while certain widgets have the focus.

No QShortcut: one on the panel acts in its lists and boxes, too, and one on a widget loses against a shortcut
of Slicer's main window for the same key (Ctrl+Z). A filter sees the keys of its widgets alone, and before
both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt


class KeyFilter(qt.QObject):
    """Calls the slots of ``keys`` ("A", "1", "Ctrl+Z"). Other letters do nothing there, either: the search of
    a table by typed letters would move the cursor under the next key.
    """

    def __init__(self, keys: Mapping[str, Callable[[], None]], widgets: Sequence[Any]) -> None:
        super().__init__()
        self._slots = keys
        self._widgets = list(widgets)
        for widget in self._widgets:
            widget.installEventFilter(self)

    def cleanup(self) -> None:
        """Filter no more."""
        for widget in self._widgets:
            if widget:
                widget.removeEventFilter(self)
        self._widgets = []

    def eventFilter(self, _watched: Any, event: Any) -> bool:
        """What Qt asks before a widget gets an event; True keeps it from the widget."""
        kind = event.type()
        if kind == qt.QEvent.ShortcutOverride:
            # Accepted, the key comes as a key and is no shortcut of any window.
            if _nameOf(event) in self._slots:
                event.accept()
                return True
            return False
        if kind != qt.QEvent.KeyPress:
            return False
        name = _nameOf(event)
        slot = self._slots.get(name)
        if slot is not None and not event.isAutoRepeat():
            slot()
        return slot is not None or name.isalnum()


def _nameOf(event: Any) -> str:
    """The key of an event as ``KeyFilter`` names it; empty for what types nothing."""
    if event.modifiers() == qt.Qt.ControlModifier:
        return "Ctrl+Z" if event.key() == qt.Qt.Key_Z else ""
    for modifier in (qt.Qt.ControlModifier, qt.Qt.AltModifier, qt.Qt.MetaModifier):
        if event.modifiers() & modifier:
            return ""
    return str(event.text()).upper()
