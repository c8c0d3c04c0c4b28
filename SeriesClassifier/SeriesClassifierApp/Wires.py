"""Connections and keys of the panel, kept so that all of them can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SeriesClassifierApp.KeyFilter import KeyFilter


class Wires:
    """Connects signals of any widget, and keys of those that it is given; ``cleanup`` undoes it all."""

    def __init__(self, keyWidgets: list[Any]) -> None:
        """Keys work while one of ``keyWidgets`` has the focus, and nowhere else."""
        self._connections: list[tuple[Any, str, Any]] = []
        self.keys: dict[str, Callable[[], None]] = {}
        self._filter = KeyFilter(self.keys, keyWidgets)

    def connect(self, sender: Any, signal: str, slot: Callable[..., None]) -> None:
        """Call ``slot`` at every ``signal`` of ``sender``."""
        sender.connect(signal, slot)
        self._connections.append((sender, signal, slot))

    def key(self, key: str, slot: Callable[[], None]) -> None:
        """Call ``slot`` when ``key`` is pressed: a letter, a digit, or "Ctrl+" and a letter."""
        self.keys[key] = slot

    def cleanup(self) -> None:
        """Disconnect all."""
        for sender, signal, slot in self._connections:
            sender.disconnect(signal, slot)
        self._connections = []
        self._filter.cleanup()
        self.keys.clear()
