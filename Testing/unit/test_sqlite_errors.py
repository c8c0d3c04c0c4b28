"""What SQLite complains about is known by its code, and by its own texts where Python does not pass the code on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from SeriesClassifierLib.errors import BusyError, JournalBusyError, JournalError, SourceBusyError, SourceError
from SeriesClassifierLib.journal.schema import explained
from SeriesClassifierLib.sqlite_errors import SqliteProblem, sqlite_problem


def provoked(tmp_path: Path) -> Iterator[tuple[sqlite3.Error, SqliteProblem]]:
    """Errors that SQLite itself raises, with what they are."""
    path = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as one:
        one.execute("CREATE TABLE t (a)")
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield error_of(one, "INSERT INTO t VALUES (1)"), SqliteProblem.BUSY
        yield error_of(one, "SELECT nothing FROM t"), SqliteProblem.OTHER
        one.execute("PRAGMA max_page_count = 2")
        yield error_of(one, "INSERT INTO t VALUES (zeroblob(100000))"), SqliteProblem.FULL
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as one:
        yield error_of(one, "INSERT INTO t VALUES (1)"), SqliteProblem.READ_ONLY
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\x77" * (len(content) - 100))
    with closing(sqlite3.connect(path)) as one:
        yield error_of(one, "SELECT * FROM t"), SqliteProblem.DAMAGED
    path.write_bytes(b"no database " * 100)
    with closing(sqlite3.connect(path)) as one:
        yield error_of(one, "SELECT * FROM t"), SqliteProblem.NOT_A_DATABASE
    with closing(sqlite3.connect(":memory:")) as one:
        yield error_of(one, f"ATTACH '{tmp_path / 'no folder' / 'x'}' AS x"), SqliteProblem.READ_ONLY


def error_of(connection: sqlite3.Connection, statement: str) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as raised:
        connection.execute(statement)
    return raised.value


def test_every_kind_is_known_by_its_code_and_by_its_text(tmp_path: Path) -> None:
    for error, problem in provoked(tmp_path):
        assert sqlite_problem(error) is problem, error
        # As Python 3.10 has it: the text alone.
        assert sqlite_problem(type(error)(str(error))) is problem, error


def test_words_about_locks_in_other_errors_mean_nothing() -> None:
    assert sqlite_problem(sqlite3.OperationalError("no such table: locked_and_busy")) is SqliteProblem.OTHER
    assert sqlite_problem(sqlite3.ProgrammingError("Cannot operate on a closed database.")) is SqliteProblem.OTHER


@pytest.mark.parametrize("kind", [SourceBusyError, JournalBusyError])
def test_a_busy_error_is_of_both_kinds(kind: type[Exception]) -> None:
    assert issubclass(kind, BusyError)
    assert issubclass(kind, SourceError if kind is SourceBusyError else JournalError)


def test_a_locked_journal_is_busy_and_another_complaint_is_not(tmp_path: Path) -> None:
    with pytest.raises(JournalBusyError, match="try again"), explained(tmp_path):
        raise sqlite3.OperationalError("database is locked")
    with pytest.raises(JournalError, match="check the disk") as raised, explained(tmp_path):
        raise sqlite3.OperationalError("no such table: locked")
    assert not isinstance(raised.value, BusyError)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (5, "BUSY"), (6, "BUSY"), (15, "BUSY"), (261, "BUSY"), (262, "BUSY"), (517, "BUSY"),  # e.g. BUSY_SNAPSHOT
        (8, "READ_ONLY"), (1032, "READ_ONLY"), (14, "READ_ONLY"), (526, "READ_ONLY"), (11, "DAMAGED"), (267, "DAMAGED"),
        (13, "FULL"), (26, "NOT_A_DATABASE"), (1, "OTHER"), (10, "OTHER"), (3850, "OTHER"), (2067, "OTHER"),
    ],
)  # fmt: skip
def test_extended_codes_are_of_their_kind_whatever_they_say(code: int, problem: str) -> None:
    error = sqlite3.OperationalError("database is locked" if problem == "OTHER" else "something else")
    error.sqlite_errorcode = code
    assert sqlite_problem(error) is SqliteProblem[problem]
