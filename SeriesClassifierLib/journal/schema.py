"""The journal file: its table, how it is opened, and what the complaints of SQLite mean for people."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from SeriesClassifierLib.errors import JournalBusyError, JournalError
from SeriesClassifierLib.sqlite_errors import SqliteProblem, sqlite_problem

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
# Marks a file as ours ("SCJ1"): the database of another program is never taken for a journal and written to.
APPLICATION_ID = 0x53434A31
_TIMEOUT_S = 20.0

COLUMNS = (
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
    CHECK (kind <> 'prediction' OR part IS NOT NULL)
)
"""
_INDICES = (
    "CREATE INDEX IF NOT EXISTS event_of_series ON event (series_uid, kind, time, id, batch)",
    "CREATE INDEX IF NOT EXISTS event_of_kind ON event (kind, series_uid, time, id, batch)",
    "CREATE INDEX IF NOT EXISTS event_in_time ON event (time, id)",
)
# The third one makes writing an event that is already there (merge) do nothing, INSERT OR REPLACE included.
_TRIGGERS = (
    "CREATE TRIGGER IF NOT EXISTS event_no_update BEFORE UPDATE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS event_no_delete BEFORE DELETE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS event_once BEFORE INSERT ON event "
    "WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) BEGIN SELECT RAISE(IGNORE); END",
)


def open_writable(path: Path) -> sqlite3.Connection:
    """Open a journal for reading and writing, made when it is not there. Raises JournalError."""
    if not path.parent.is_dir():
        raise JournalError(
            f"folder {path.parent} does not exist: make it, or name another file with --journal"
        )
    with explained(path):
        connection = sqlite3.connect(path, timeout=_TIMEOUT_S, isolation_level=None)
        with _closed_on_error(connection):
            _check_foreign(connection, path)
            connection.execute("PRAGMA synchronous = FULL")
            with transaction(connection):
                if _is_new(connection):
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                _check_schema(connection, path)
                for statement in (*_INDICES, *_TRIGGERS):
                    connection.execute(statement)
            # Fails only while another process has the file open, which will have made the switch itself.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
    return connection


def open_readonly(path: Path) -> sqlite3.Connection:
    """Open a journal for reading only. Raises JournalError, also when there is no such file."""
    if not path.is_file():
        raise JournalError(f"there is no journal at {path}: check the path, or make one with 'classify'")
    uri = path.resolve().as_uri()
    with explained(path):
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_TIMEOUT_S, isolation_level=None)
        try:
            connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            # A journal on read-only media: SQLite cannot make its helper files there, and needs none.
            connection.close()
            if path.with_name(path.name + "-wal").exists():
                raise
            connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
        with _closed_on_error(connection):
            _check_foreign(connection, path)
            _check_schema(connection, path)
    return connection


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
        raise kind(f"journal {path}: {_ADVICE[problem]} ({error})") from error


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


def _is_new(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    return not tables


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _check_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if not _is_new(connection) and _pragma(connection, "application_id") != APPLICATION_ID:
        raise JournalError(f"{path} belongs to another program: name another file with --journal")


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = _pragma(connection, "user_version")
    if version > SCHEMA_VERSION:
        raise JournalError(f"{path} was written by a newer SeriesClassifier: update this one")
    columns = {row[1] for row in connection.execute("PRAGMA table_info(event)")}
    if version != SCHEMA_VERSION or not columns >= set(COLUMNS):
        raise JournalError(f"{path} is not a journal of this program: name another file with --journal")
