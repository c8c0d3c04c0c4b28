"""How an event stands in the database file: a row of ``schema.COLUMNS``, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from SeriesClassifierLib.journal.events import Event, EventKind, dump_payload, load_payload
from SeriesClassifierLib.journal.schema import COLUMNS

INSERT = f"INSERT INTO event ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
INSERT_IMAGES = "INSERT INTO part_images (part_key, images) VALUES (?, ?)"


def event_of(row: Sequence[Any]) -> Event:
    """The event in a row of ``schema.COLUMNS``. Raises ValueError when it cannot be read."""
    values = dict(zip(COLUMNS, row, strict=True))
    texts = [v for name, v in values.items() if name not in ("part", "series_number", "payload")]
    numbers = (values["part"], values["series_number"])
    if not all(isinstance(v, str) for v in texts):
        raise ValueError("a column that should hold text does not")
    if not all(v is None or (isinstance(v, int) and not isinstance(v, bool)) for v in numbers):
        raise ValueError("a column that should hold a number does not")
    values["kind"] = EventKind(values["kind"])
    values["payload"] = load_payload(values["payload"])
    return Event(**values)


def row_of(event: Event) -> tuple[object, ...]:
    """The row of an event."""
    values = [getattr(event, name) for name in COLUMNS if name not in ("kind", "payload")]
    texts = [storable(v) if isinstance(v, str) else v for v in values]
    return (*texts[:2], event.kind.value, *texts[2:], dump_payload(_clean(event.payload)))


def _clean(value: Any) -> Any:
    """``storable`` of all texts in what becomes JSON: half a character would make merge refuse a journal."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, (list, tuple)) else value


def storable(value: str) -> str:
    """What SQLite can store: broken characters of a damaged header become question marks."""
    return value.encode("utf-8", "replace").decode("utf-8")
