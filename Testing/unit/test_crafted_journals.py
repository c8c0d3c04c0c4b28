"""Crafted journals can be made of any good one, and SQLite reads those that it is meant to read."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.crafted_journals import CRAFTED, CraftedJournal, possible
from support.predictions import make_prediction

from SeriesClassifierLib.journal.store import Journal

FIRST_VERSION = Path(__file__).resolve().parents[1] / "Data" / "journals" / "journal_v1_4e5415e.sqlite"

def good(path: Path) -> Path:
    with Journal(path) as journal:
        for n in (5, 6):
            journal.add_predictions([make_prediction(series_uid=f"1.2.1.{n}", series_number=n)])
            journal.correct(journal.current_series(f"1.2.1.{n}"), {"sequence": "T2"}, "reader")
    return path


def older(path: Path) -> Path:
    """One of version 1, as it is stored."""
    shutil.copyfile(FIRST_VERSION, path)
    return path


def strict(path: Path) -> Path:
    """A table that refuses values of other types by itself."""
    with closing(sqlite3.connect(good(path), isolation_level=None)) as connection:
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'event'").fetchone()
        connection.execute(sql.replace("CREATE TABLE event", "CREATE TABLE strict_event") + " STRICT")
        connection.execute("INSERT INTO strict_event SELECT * FROM event")
        connection.execute("DROP TABLE event")
        connection.execute("ALTER TABLE strict_event RENAME TO event")
    with Journal(path):  # indices and triggers come back
        pass
    return path


def dump(path: Path) -> object:
    """All that SQLite knows of a file. Raises sqlite3.Error where it cannot read it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        schema = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        ).fetchall()
        rows = [
            connection.execute(f"SELECT * FROM {name.decode()} ORDER BY 1").fetchall() for (name,) in tables
        ]
        pragmas = ("application_id", "user_version", "integrity_check(1)")
        numbers = [connection.execute(f"PRAGMA {name}").fetchone() for name in pragmas]
    return schema, rows, numbers


@pytest.fixture(scope="session", params=[good, older, strict], ids=lambda make: make.__name__)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    make: Callable[[Path], Path] = request.param
    return make(tmp_path_factory.mktemp("journals") / f"{make.__name__}.sqlite")


def test_there_are_enough_of_them_with_names_of_their_own() -> None:
    assert len({crafted.name for crafted in CRAFTED}) == len(CRAFTED) >= 24
    assert len({crafted.wrong for crafted in CRAFTED}) == len(CRAFTED)


@pytest.mark.parametrize("crafted", [pytest.param(crafted, id=crafted.name) for crafted in CRAFTED])
def test_made_of_a_good_journal(crafted: CraftedJournal, base: Path, tmp_path: Path) -> None:
    path = tmp_path / "crafted.sqlite"
    shutil.copyfile(base, path)
    if crafted not in possible(base):
        assert crafted.needs.startswith("part_")
        assert base.name == "older.sqlite"
        return
    before = dump(path)
    crafted.apply(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "one file holds it all"
    assert (path.stat().st_size > 100_000_000) == crafted.large
    if crafted.opens:
        assert dump(path) != before
    else:
        with pytest.raises(sqlite3.DatabaseError):
            dump(path)


def test_the_append_only_triggers_are_still_there(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "crafted.sqlite"
    shutil.copyfile(base, path)
    next(c for c in CRAFTED if c.name == "payload-cut").apply(path)
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute("DELETE FROM event")


def test_a_journal_without_corrections_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    with Journal(path):
        pass
    with pytest.raises(ValueError, match="no correction"):
        next(c for c in CRAFTED if c.name == "payload-cut").apply(path)
