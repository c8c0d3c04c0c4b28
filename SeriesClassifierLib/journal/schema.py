"""The journal file: its tables, their versions, how it is opened, and what errors of SQLite mean for people.

Version 1: events by series and part number. Version 2: events name the part key, and ``part_images`` keeps
the images that a key rests on, so that a label is never shown on others.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from SeriesClassifierLib.errors import JournalBusyError, JournalError
from SeriesClassifierLib.sqlite_errors import SqliteProblem, sqlite_problem

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
# Marks a file as ours ("SCJ1"): the database of another program is never taken for a journal and written to.
APPLICATION_ID = 0x53434A31
_TIMEOUT_S = 20.0

_COLUMNS_OF_VERSION_1 = (
    "id",
    "time",
    "kind",
    "actor",
    "series_uid",
    "part",
    "study_uid",
    "series_number",
    "bundle",
    "bundle_digest",
    "fingerprint",
    "batch",
    "payload",
)
COLUMNS = (*_COLUMNS_OF_VERSION_1[:-1], "part_key", "payload")
# What an event of an older version has in a column that it does not know.
_ABSENT = {"part_key": "''"}
_TABLE = """
CREATE TABLE event (
    id TEXT NOT NULL PRIMARY KEY,
    time TEXT NOT NULL CHECK (length(time) = 27 AND time GLOB '[12][0-9][0-9][0-9]-*T*:*:*.*Z'),
    kind TEXT NOT NULL CHECK (kind IN ('prediction', 'correction', 'undo', 'note')),
    actor TEXT NOT NULL,
    series_uid TEXT NOT NULL CHECK (series_uid <> ''),
    part INTEGER CHECK (part >= 1),
    study_uid TEXT NOT NULL,
    series_number INTEGER,
    bundle TEXT NOT NULL,
    bundle_digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    batch TEXT NOT NULL,
    payload TEXT NOT NULL,
    part_key TEXT NOT NULL DEFAULT '',
    CHECK (kind <> 'prediction' OR part IS NOT NULL)
)
"""
_IMAGES_TABLE = """
CREATE TABLE part_images (
    part_key TEXT NOT NULL PRIMARY KEY CHECK (part_key <> ''),
    images BLOB NOT NULL
) WITHOUT ROWID
"""
# From each version to the next.
_MIGRATIONS = {
    1: ("ALTER TABLE event ADD COLUMN part_key TEXT NOT NULL DEFAULT ''", _IMAGES_TABLE),
}
_INDICES = (
    "CREATE INDEX IF NOT EXISTS event_of_series ON event (series_uid, kind, time, id, batch)",
    "CREATE INDEX IF NOT EXISTS event_of_kind ON event (kind, series_uid, time, id, batch)",
    "CREATE INDEX IF NOT EXISTS event_in_time ON event (time, id)",
)
# The last two make writing what is already there (merge) do nothing, INSERT OR REPLACE included.
_TRIGGERS = (
    "CREATE TRIGGER IF NOT EXISTS event_no_update BEFORE UPDATE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS event_no_delete BEFORE DELETE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS event_once BEFORE INSERT ON event "
    "WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER IF NOT EXISTS images_no_update BEFORE UPDATE ON part_images "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS images_no_delete BEFORE DELETE ON part_images "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS images_once BEFORE INSERT ON part_images "
    "WHEN EXISTS (SELECT 1 FROM part_images WHERE part_key = NEW.part_key) BEGIN SELECT RAISE(IGNORE); END",
)


def open_writable(path: Path) -> sqlite3.Connection:
    """Open a journal for reading and writing, made when it is not there, brought to this version when it is
    older. Raises JournalError.
    """
    if not path.parent.is_dir():
        raise JournalError(
            f"the folder of {path.name} does not exist: make it, or name another file with --journal"
        )
    with explained(path):
        connection = _connected(sqlite3.connect(path, timeout=_TIMEOUT_S, isolation_level=None))
        with _closed_on_error(connection):
            _check_foreign(connection, path)
            connection.execute("PRAGMA synchronous = FULL")
            if not _is_complete(connection):
                with transaction(connection):
                    _make(connection, path)
            _check_schema(connection, path)
            # Fails only while another process has the file open, which will have made the switch itself.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
    return connection


def open_readonly(path: Path) -> sqlite3.Connection:
    """Open a journal for reading only. Raises JournalError, also when there is no such file."""
    if not path.is_file():
        raise JournalError(f"there is no journal {path.name}: check the path, or make one with 'classify'")
    uri = path.resolve().as_uri()
    with explained(path):
        connection = _connected(
            sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_TIMEOUT_S, isolation_level=None)
        )
        try:
            connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            # A journal on read-only media: SQLite cannot make its helper files there, and needs none.
            connection.close()
            if path.with_name(path.name + "-wal").exists():
                raise
            connection = _connected(
                sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
            )
        with _closed_on_error(connection):
            _check_foreign(connection, path)
            _check_schema(connection, path)
    return connection


def columns_of(connection: sqlite3.Connection) -> str:
    """The columns of an event as a query selects them, in the order of ``COLUMNS``, whatever the version."""
    there = {row[1] for row in connection.execute("PRAGMA table_info(event)")}
    return ", ".join(f"event.{name}" if name in there else _ABSENT[name] for name in COLUMNS)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of an open journal; one that was opened for reading may be older than this program's."""
    return _pragma(connection, "user_version")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, also when the process is killed in the middle."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into a JournalError that says what to do (JournalBusyError: try again)."""
    try:
        yield
    except sqlite3.Error as error:
        problem = sqlite_problem(error)
        kind = JournalBusyError if problem is SqliteProblem.BUSY else JournalError
        raise kind(f"journal {path.name}: {_ADVICE[problem]} ({error})") from error


_ADVICE = {
    SqliteProblem.BUSY: "another program is writing to it; wait for that to end and try again",
    SqliteProblem.READ_ONLY: (
        "it cannot be written; check the permissions of the file and its folder, or name another"
    ),
    SqliteProblem.FULL: (
        "the disk is full; free some space and run again with --resume, what was recorded is safe"
    ),
    SqliteProblem.DAMAGED: (
        "the file is damaged; put its last backup in place, or name another file with --journal"
    ),
    SqliteProblem.NOT_A_DATABASE: "this is not a journal; name another file with --journal",
    SqliteProblem.OTHER: "it cannot be used; check the disk, or name another file with --journal",
}


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _connected(connection: sqlite3.Connection) -> sqlite3.Connection:
    # Text that is no UTF-8 costs its letters, not the journal; merging looks for it by itself.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _is_complete(connection: sqlite3.Connection) -> bool:
    """Whether nothing has to be written before this version can use the file."""
    query = "SELECT COUNT(*) FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    (objects,) = connection.execute(query).fetchone()
    return version_of(connection) == SCHEMA_VERSION and objects >= len(_INDICES) + len(_TRIGGERS)


def _make(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, or bring an older one up step by step."""
    if _is_new(connection):
        connection.execute(_TABLE)
        connection.execute(_IMAGES_TABLE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    _check_schema(connection, path)
    for version in range(version_of(connection), SCHEMA_VERSION):
        for statement in _MIGRATIONS[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version + 1}")
    for statement in (*_INDICES, *_TRIGGERS):
        connection.execute(statement)


def _is_new(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    return not tables


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _check_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if not _is_new(connection) and _pragma(connection, "application_id") != APPLICATION_ID:
        raise JournalError(f"{path.name} belongs to another program: name another file with --journal")


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = version_of(connection)
    if version > SCHEMA_VERSION:
        raise JournalError(f"{path.name} was written by a newer SeriesClassifier: update this one")
    (is_table,) = connection.execute(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'event'"
    ).fetchone()
    columns = {row[1] for row in connection.execute("PRAGMA table_info(event)")}
    needed = set(COLUMNS if version == SCHEMA_VERSION else _COLUMNS_OF_VERSION_1)
    if version < 1 or not is_table or not columns >= needed:
        raise JournalError(
            f"{path.name} is not a journal of this program: name another file with --journal"
        )
