"""Connections and keys of the panel, kept so that all of them can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


class Wires:
    """Connects signals and keys of one widget; ``cleanup`` takes everything back."""

    def __init__(self, widget: Any) -> None:
        """Keys work while ``widget`` or one of its children has the focus."""
        self._widget = widget
        self._connections: list[tuple[Any, str, Any]] = []
        self.shortcuts: list[Any] = []

    def connect(self, sender: Any, signal: str, slot: Callable[..., None]) -> None:
        """Call ``slot`` at every ``signal`` of ``sender``."""
        sender.connect(signal, slot)
        self._connections.append((sender, signal, slot))

    def key(self, key: str, slot: Callable[[], None]) -> None:
        """Call ``slot`` when ``key`` is pressed."""
        shortcut = qt.QShortcut(qt.QKeySequence(key), self._widget)
        shortcut.context = qt.Qt.WidgetWithChildrenShortcut
        shortcut.connect("activated()", slot)
        self.shortcuts.append(shortcut)

    def cleanup(self) -> None:
        """Disconnect all."""
        for sender, signal, slot in self._connections:
            sender.disconnect(signal, slot)
        self._connections = []
        for shortcut in self.shortcuts:
            shortcut.deleteLater()
        self.shortcuts = []
