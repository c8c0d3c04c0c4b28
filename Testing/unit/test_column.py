"""The browser column: ours alone changes in Slicer's database, and it can be taken away again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from SeriesClassifierLib.errors import SourceBusyError, SourceError
from SeriesClassifierLib.publish import column
from SeriesClassifierLib.publish.column import COLUMN, publish_column, remove_column

UID_QUERY = "SELECT SeriesInstanceUID FROM Series ORDER BY SeriesInstanceUID"
DISPLAY_QUERY = f"SELECT * FROM ColumnDisplayProperties WHERE FieldName = '{COLUMN}'"
# The tables that CTK makes, as far as they matter here.
MADE = """
CREATE TABLE 'SchemaInfo' ( 'Version' VARCHAR(1024) NOT NULL );
INSERT INTO SchemaInfo VALUES ('0.8.1');
CREATE TABLE 'Images' ('SOPInstanceUID' VARCHAR(64) NOT NULL, 'Filename' VARCHAR(1024) NULL,
  'SeriesInstanceUID' VARCHAR(64) NOT NULL, PRIMARY KEY ('SOPInstanceUID'));
CREATE TABLE 'Patients' ('UID' INTEGER PRIMARY KEY AUTOINCREMENT, 'PatientID' VARCHAR(255) NULL);
CREATE TABLE 'Studies' ('StudyInstanceUID' VARCHAR(64) NOT NULL, 'PatientsUID' INT NOT NULL,
  PRIMARY KEY ('StudyInstanceUID'));
CREATE TABLE 'Series' ('SeriesInstanceUID' VARCHAR(64) NOT NULL, 'StudyInstanceUID' VARCHAR(64) NOT NULL,
  'SeriesNumber' INT NULL, 'InsertTimestamp' VARCHAR(20) NOT NULL, PRIMARY KEY ('SeriesInstanceUID'));
CREATE INDEX 'SeriesStudyIndex' ON 'Series' ('StudyInstanceUID');
CREATE TABLE 'ColumnDisplayProperties' ('TableName' VARCHAR(64) NOT NULL, 'FieldName' VARCHAR(64) NOT NULL,
  'DisplayedName' VARCHAR(255) NULL, 'Visibility' INT NULL DEFAULT 1, 'Weight' INT NULL, 'Format'
  VARCHAR(255) NULL,
  PRIMARY KEY ('TableName', 'FieldName'));
INSERT INTO ColumnDisplayProperties VALUES ('Series', 'SeriesNumber', 'Series #', 1, 1, '');
INSERT INTO Patients VALUES (1, 'P');
INSERT INTO Studies VALUES ('1', 1);
INSERT INTO Series VALUES ('1.1', '1', 1, 'now'), ('1.2', '1', 2, 'now'), ('1.3', '1', 3, 'now');
INSERT INTO Images VALUES ('1.1.1', 'a.dcm', '1.1');
"""


@pytest.fixture(params=["made", "real"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database to write to: one with CTK's tables, and a copy of one that CTK made."""
    path = tmp_path / "ctkDICOM.sql"
    if request.param == "real":
        shutil.copyfile(request.getfixturevalue("slicer_database") / "ctkDICOM.sql", path)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(MADE)
    return path


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def uids(path: Path) -> list[str]:
    return [uid for (uid,) in rows(path, UID_QUERY)]


def labels(path: Path) -> dict[str, str | None]:
    return dict(rows(path, f"SELECT SeriesInstanceUID, {COLUMN} FROM Series"))


def everything(path: Path) -> dict[str, Any]:
    """All that is in the file, our own column left out."""
    out: dict[str, Any] = {
        "mode": rows(path, "PRAGMA journal_mode"),
        "version": rows(path, "PRAGMA user_version"),
    }
    for name, sql in rows(path, "SELECT name, sql FROM sqlite_master"):
        out[f"schema {name}"] = sql
    for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns = [row[1] for row in rows(path, f"PRAGMA table_info('{name}')") if row[1] != COLUMN]
        where = f"WHERE FieldName <> '{COLUMN}'" if name == "ColumnDisplayProperties" else ""
        out[f"rows {name}"] = sorted(
            rows(path, f"SELECT {', '.join(columns)} FROM '{name}' {where}"), key=repr
        )
    return out


def test_the_labels_are_shown(database: Path) -> None:
    first, second, *_ = uids(database)
    assert publish_column(database, {first: "T2 AX", second: "T2 AX ?", "9.9.9": "?"}) == 2
    assert labels(database)[first] == "T2 AX"
    assert labels(database)[second] == "T2 AX ?"
    expected = ("Series", COLUMN, "Series class", 1, 2, '{"resizeMode":"resizeToContents"}')
    assert rows(database, DISPLAY_QUERY) == [expected]


def test_nothing_else_is_touched(database: Path) -> None:
    before = everything(database)
    publish_column(database, dict.fromkeys(uids(database), "T2 AX"))
    after = everything(database)
    assert COLUMN in after["schema Series"]
    assert after.keys() == before.keys()
    assert {n: v for n, v in after.items() if n != "schema Series"} == {
        n: v for n, v in before.items() if n != "schema Series"
    }
    assert after["rows SchemaInfo"] == [("0.8.1",)]


def test_publishing_again_changes_nothing(database: Path) -> None:
    texts = dict.fromkeys(uids(database), "T2 AX")
    publish_column(database, texts)
    once = everything(database), labels(database)
    publish_column(database, texts)
    assert (everything(database), labels(database)) == once


def test_other_series_keep_what_they_show_unless_cleared(database: Path) -> None:
    first, second, *_ = uids(database)
    publish_column(database, {first: "T2 AX"})
    publish_column(database, {second: "T1 AX"})
    assert (labels(database)[first], labels(database)[second]) == ("T2 AX", "T1 AX")
    publish_column(database, {second: "PD AX"}, clear=True)
    assert (labels(database)[first], labels(database)[second]) == (None, "PD AX")


def test_removing_brings_back_the_database_as_it_was(database: Path) -> None:
    before = everything(database)
    publish_column(database, dict.fromkeys(uids(database), "T2 AX"))
    assert remove_column(database)
    assert rows(database, DISPLAY_QUERY) == []
    if sqlite3.sqlite_version_info >= (3, 35, 0):
        assert everything(database) == before
    assert not remove_column(database) or sqlite3.sqlite_version_info < (3, 35, 0)


def test_an_old_sqlite_hides_and_empties_the_column(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_column(database, dict.fromkeys(uids(database), "T2 AX"))
    monkeypatch.setattr(column, "_DROP_COLUMN_SINCE", (99, 0, 0))
    assert remove_column(database)
    assert set(labels(database).values()) == {None}
    assert rows(database, DISPLAY_QUERY) == []


def test_imports_go_on_working(database: Path) -> None:
    publish_column(database, dict.fromkeys(uids(database), "T2 AX"))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO Series (SeriesInstanceUID, StudyInstanceUID, SeriesNumber, InsertTimestamp) "
            "VALUES (?, ?, ?, ?)",
            ("7.7", "7", 7, "now"),
        )
        connection.execute("UPDATE Series SET SeriesNumber = 8 WHERE SeriesInstanceUID = '7.7'")
    shown = labels(database)
    assert shown.pop("7.7") is None
    assert set(shown.values()) == {"T2 AX"}
    (width,) = {len(row) for row in rows(database, "SELECT DISTINCT Series.* FROM Patients, Series, Studies")}
    assert width == len(rows(database, "PRAGMA table_info(Series)"))


def test_the_folder_of_the_database_will_do(database: Path) -> None:
    assert publish_column(database.parent, {uids(database)[0]: "T2 AX"}) == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "_TIMEOUT_S", 0.01)


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN; SELECT * FROM Series"])
@pytest.mark.usefixtures("impatient")
def test_a_database_in_use_is_left_alone(database: Path, lock: str) -> None:
    before = everything(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        for statement in lock.split("; "):
            other.execute(statement).fetchall()
        for action in (lambda: publish_column(database, {"1.1": "T2"}), lambda: remove_column(database)):
            with pytest.raises(SourceBusyError, match="the database is in use, close it in Slicer and try again"):
                action()
        other.execute("ROLLBACK")
    assert everything(database) == before
    publish_column(database, {})


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE Series (SeriesInstanceUID TEXT, StudyInstanceUID TEXT)")


def half(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MADE + "DROP TABLE ColumnDisplayProperties")


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database " * 500)


@pytest.mark.parametrize("make", [foreign, half, garbage])
def test_the_database_of_another_program_is_refused(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "ctkDICOM.sql"
    make(path)
    before = path.read_bytes()
    with pytest.raises(SourceError, match="not a Slicer DICOM database"):
        publish_column(path, {"1.1": "T2 AX"})
    with pytest.raises(SourceError, match="not a Slicer DICOM database"):
        remove_column(path)
    assert path.read_bytes() == before


def test_a_missing_database_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="name the DICOM database folder"):
        publish_column(tmp_path / "ctkDICOM.sql", {})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_in_the_middle_writes_nothing(database: Path) -> None:
    before = everything(database)

    class Failing(dict[str, str]):
        def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override]
            yield uids(database)[0], "T2 AX"
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        publish_column(database, Failing())
    assert everything(database) == before
