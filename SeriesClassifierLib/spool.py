"""Working data on disk, in order or by name: memory stays flat however much there is.

All of it lies in one temporary database of SQLite, which is gone when it is closed.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

Key = str | int | float
# In kilobytes. What a table needs at once are a few of its pages; the file system keeps the others at hand.
_CACHE_KB = 1000
_SETTINGS = ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KB}")
_MOST_INTEGER = 2**63 - 1


class Disk:
    """Makes spools and tables, and closes all of them. Use as a context manager."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("")
        for setting in _SETTINGS:
            self._connection.execute(f"PRAGMA {setting}")
        self._n_tables = 0

    def __enter__(self) -> Disk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the disk."""
        self._connection.close()

    def spool(self, n_keys: int) -> Spool:
        """A spool in the order of ``n_keys`` values."""
        return Spool(self._connection, self._new_name(), n_keys)

    def table(self) -> Table:
        """A table of values by name."""
        return Table(self._connection, self._new_name())

    def _new_name(self) -> str:
        self._n_tables += 1
        return f"t{self._n_tables}"


_Owner = TypeVar("_Owner", bound="OnDisk")


class OnDisk:
    """What keeps its content on a disk of its own: use as a context manager, which releases it."""

    def __init__(self) -> None:
        self._disk = Disk()

    def __enter__(self: _Owner) -> _Owner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disk.close()


class Spool:
    """Add texts in any order, then iterate over them in the order of their keys, as often as needed.

    Keys compare as in Python, whole numbers beyond 64 bits as infinite ones; texts with the same key stay in
    the order in which they came. Texts can be encoded, as JSON can.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, n_keys: int) -> None:
        self._connection = connection
        keys = [f"k{n}" for n in range(n_keys)]
        connection.execute(f"CREATE TABLE {name} ({', '.join(['source', *keys, 'value'])})")
        self._insert = f"INSERT INTO {name} VALUES ({', '.join('?' * (n_keys + 2))})"
        self._select = f"SELECT value FROM {name} {{}} ORDER BY {', '.join([*keys, 'rowid'])}"
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, key: Sequence[Key], text: str, source: int = 0) -> None:
        """Keep a text; ``source`` numbers where it comes from."""
        self._connection.execute(self._insert, (source, *map(_ordered, key), text))
        self._size += 1

    def __iter__(self) -> Iterator[str]:
        for (text,) in self._connection.execute(self._select.format("")):
            yield text

    def of(self, source: int) -> Iterator[str]:
        """Those of one source, in order."""
        for (text,) in self._connection.execute(self._select.format("WHERE source = ?"), (source,)):
            yield text


class Table:
    """Values by name. Values are plain JSON."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        connection.execute(f"CREATE TABLE {name} (name BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._get = f"SELECT value FROM {name} WHERE name = ?"
        self._set = f"INSERT INTO {name} VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        self._all = f"SELECT name, value FROM {name} ORDER BY name"
        self._count = f"SELECT COUNT(*) FROM {name}"

    def __len__(self) -> int:
        return int(self._connection.execute(self._count).fetchone()[0])

    def get(self, name: str, otherwise: Any = None) -> Any:
        """The value, or ``otherwise``."""
        found = self._connection.execute(self._get, (_octets(name),)).fetchone()
        return otherwise if found is None else json.loads(found[0])

    def set(self, name: str, value: Any) -> None:
        """Keep a value in place of the one that was there."""
        self._connection.execute(self._set, (_octets(name), json.dumps(value)))

    def add(self, name: str, n: int = 1) -> None:
        """Count ``n`` more."""
        self.set(name, self.get(name, 0) + n)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values, by name."""
        for name, text in self._connection.execute(self._all):
            yield name.decode("utf-8", "surrogatepass"), json.loads(text)


def _ordered(key: Key) -> bytes | int | float:
    """What SQLite compares as Python compares the key."""
    if isinstance(key, str):
        return _octets(key)
    return key if isinstance(key, float) or abs(key) <= _MOST_INTEGER else math.copysign(math.inf, key)


def _octets(text: str) -> bytes:
    """UTF-8 sorts as the characters do; text of a damaged header may hold what is none."""
    return text.encode("utf-8", "surrogatepass")


def plain(record: Any) -> dict[str, Any]:
    """The fields of a dataclass whose values are plain JSON; unlike ``asdict`` it copies none of them."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
