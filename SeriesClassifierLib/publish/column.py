"""The "Series class" column of Slicer's DICOM browser: a disposable copy of the labels in the database file.

CTK shows any column of its Series table that has a row in ColumnDisplayProperties. Call this only in a
process of its own, while Slicer has the database closed: two copies of SQLite in one process lose each
other's locks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from os import PathLike
from pathlib import Path

from SeriesClassifierLib.errors import SourceBusyError, SourceError
from SeriesClassifierLib.sources.slicer_database import DATABASE_NAME, find_database
from SeriesClassifierLib.sqlite_errors import SqliteProblem, sqlite_problem

COLUMN = "SeriesClassifierLabel"
TITLE = "Series class"
_TIMEOUT_S = 1.0
_TRIES = 4
# CTK cannot show a column that its tables lack, and without these it is not CTK's file.
_NEEDED = {
    "Series": {"SeriesInstanceUID", "StudyInstanceUID"},
    "ColumnDisplayProperties": {"TableName", "FieldName", "DisplayedName", "Visibility", "Weight", "Format"},
    "SchemaInfo": {"Version"},
}
_DROP_COLUMN_SINCE = (3, 35, 0)
_ADVICE = {
    SqliteProblem.BUSY: "the database is in use, close it in Slicer and try again",
    SqliteProblem.READ_ONLY: (
        "the database cannot be written, check the permissions of the file and its folder"
    ),
    SqliteProblem.FULL: "the disk is full, free some space and try again",
}
_NOT_OURS = "this is not a Slicer DICOM database, or it is damaged; check the path"


def publish_column(database: str | PathLike[str], texts: Mapping[str, str], *, clear: bool = False) -> int:
    """Show ``texts`` (series UID -> text) in the browser; returns how many series of the database got one.

    ``database`` is ``ctkDICOM.sql`` or its folder. Series that ``texts`` does not name keep what they show,
    or with ``clear`` show nothing. All or nothing is written. Raises SourceError when the database is
    missing, of another program or not writable, and SourceBusyError when it is in use.
    """
    path = _database(database)
    with _writing(path) as connection:
        if COLUMN not in _columns(connection, "Series"):
            connection.execute(f"ALTER TABLE Series ADD COLUMN {COLUMN} VARCHAR(255) NULL")
        connection.execute(
            "INSERT OR REPLACE INTO ColumnDisplayProperties "
            "(TableName, FieldName, DisplayedName, Visibility, Weight, Format) "
            "VALUES ('Series', ?, ?, 1, 2, '{\"resizeMode\":\"resizeToContents\"}')",
            (COLUMN, TITLE),
        )
        if clear:
            connection.execute(f"UPDATE Series SET {COLUMN} = NULL")
        update = f"UPDATE Series SET {COLUMN} = ? WHERE SeriesInstanceUID = ?"
        return sum(connection.execute(update, (text, uid)).rowcount for uid, text in texts.items())


def remove_column(database: str | PathLike[str]) -> bool:
    """Take the column out of the browser and the database; False when it was not there. Raises SourceError.

    An SQLite too old to drop a column leaves it behind, empty and hidden.
    """
    path = _database(database)
    with _writing(path) as connection:
        connection.execute(
            "DELETE FROM ColumnDisplayProperties WHERE TableName = 'Series' AND FieldName = ?", (COLUMN,)
        )
        if COLUMN not in _columns(connection, "Series"):
            return False
        if sqlite3.sqlite_version_info >= _DROP_COLUMN_SINCE:
            connection.execute(f"ALTER TABLE Series DROP COLUMN {COLUMN}")
        else:
            connection.execute(f"UPDATE Series SET {COLUMN} = NULL")
        return True


def _database(location: str | PathLike[str]) -> Path:
    path = find_database(Path(location))
    if path is None:
        raise SourceError(f"no {DATABASE_NAME} at {location}: name the DICOM database folder of Slicer")
    return path


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on CTK's database. Its journal mode and schema version stay as they are."""
    try:
        # mode=rw never makes a file: a database that vanished in between is an error.
        uri = f"{path.resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S, isolation_level=None)) as connection:
            _check(connection, path)
            _patiently(connection, "BEGIN IMMEDIATE")
            try:
                yield connection
                _patiently(connection, "COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except sqlite3.Error as error:
        problem = sqlite_problem(error)
        kind = SourceBusyError if problem is SqliteProblem.BUSY else SourceError
        raise kind(f"{path}: {_ADVICE.get(problem, _NOT_OURS)} ({error})") from error


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement that waits for others to let go of the file: each try waits as long as the timeout."""
    for last in [False] * (_TRIES - 1) + [True]:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if last or sqlite_problem(error) is not SqliteProblem.BUSY:
                raise


def _check(connection: sqlite3.Connection, path: Path) -> None:
    for table, needed in _NEEDED.items():
        if not needed <= _columns(connection, table):
            raise SourceError(
                f"{path} is not a Slicer DICOM database that can show a column (its table {table} is not as "
                "expected): check the path, or let Slicer update the database"
            )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
