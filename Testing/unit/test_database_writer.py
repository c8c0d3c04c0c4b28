"""Our own Slicer databases: equal to the real one, readable, complete, and nothing is ever overwritten."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.simulated import write_small_series

from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.records import Series
from SeriesClassifierLib.simulation.database_schema import SLICER_CACHE_TAGS
from SeriesClassifierLib.simulation.database_writer import (
    file_name,
    multiply_database,
    new_uid,
    write_database,
)
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.tags import CACHE_TAGS

UID = "1.3.12.2.1107.5.2.19.45197.2.20230412181436350.0.0.0"


def rows(database: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def all_series(source: Path) -> list[Series]:
    return [series for study in open_source(source).studies() for series in study.series]


def tags_of(source: Path) -> dict[str, list[dict[str, Any]]]:
    return {series.series_uid: [dict(i.tags) for i in series.instances] for series in all_series(source)}


@pytest.fixture
def exam(tmp_path: Path) -> list[Path]:
    """Two studies of two people, three series, eight files."""
    folder = tmp_path / "exam"
    return [
        *write_small_series(folder / "a", study=1, series=1, images=3),
        *write_small_series(folder / "b", study=1, series=2, images=3, PatientComments="all good"),
        *write_small_series(folder / "c", study=2, series=1, images=2, PatientID="OTHER"),
    ]


def test_database_gives_the_same_series_as_the_folder(exam: list[Path], tmp_path: Path) -> None:
    database = write_database(exam, tmp_path / "database")
    assert tags_of(database) == tags_of(tmp_path / "exam")
    assert {row[0] for row in rows(database, "SELECT Version FROM SchemaInfo")} == {"0.8.1"}
    assert rows(database, "SELECT COUNT(*) FROM Patients") == [(2,)]
    counts = "SELECT DisplayedCount FROM Series ORDER BY DisplayedCount"
    assert rows(database, counts) == [(2,), (3,), (3,)]


def test_copies_have_relative_names_and_the_bytes_of_the_originals(exam: list[Path], tmp_path: Path) -> None:
    before = [path.read_bytes() for path in exam]
    database = write_database(exam, tmp_path / "database")
    names = [name for (name,) in rows(database, "SELECT Filename FROM Images")]
    assert all(name.startswith("dicom/") for name in names)
    assert sorted((database.parent / name).read_bytes() for name in names) == sorted(before)
    assert [path.read_bytes() for path in exam] == before


def test_without_copying_the_files_stay_where_they_are(exam: list[Path], tmp_path: Path) -> None:
    database = write_database(exam, tmp_path / "database", copy=False)
    assert not (tmp_path / "database" / "dicom").exists()
    names = {name for (name,) in rows(database, "SELECT Filename FROM Images")}
    assert names == {str(path) for path in exam}
    assert tags_of(database) == tags_of(tmp_path / "exam")


def test_what_is_not_dicom_is_left_out_and_counted(
    exam: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text, cut, absent = tmp_path / "notes.txt", tmp_path / "cut.dcm", tmp_path / "absent.dcm"
    text.write_text("no DICOM", encoding="utf-8")
    cut.write_bytes(exam[0].read_bytes()[:200])
    database = write_database([text, exam[0], cut, absent], tmp_path / "database")
    assert rows(database, "SELECT COUNT(*) FROM Images") == [(1,)]
    assert "3 files" in caplog.text
    assert "notes" not in caplog.text


def test_an_image_that_is_there_twice_counts_once(exam: list[Path], tmp_path: Path) -> None:
    database = write_database(exam + exam[:2], tmp_path / "database")
    assert rows(database, "SELECT COUNT(*) FROM Images") == [(len(exam),)]


def test_the_same_files_give_the_same_rows(exam: list[Path], tmp_path: Path) -> None:
    first, second = (write_database(exam, tmp_path / name) for name in ("first", "second"))
    for table in ("Patients", "Studies", "Series", "Images", "ColumnDisplayProperties"):
        assert rows(first, f"SELECT * FROM {table}") == rows(second, f"SELECT * FROM {table}")


def test_tag_cache_holds_what_was_asked_for(exam: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "database"
    database = write_database(exam, folder, cache_tags=CACHE_TAGS)
    cache = folder / "ctkDICOMTagCache.sql"
    assert rows(cache, "SELECT COUNT(*) FROM TagCache") == [(len(exam) * len(CACHE_TAGS),)]
    from_files = tags_of(database)
    for path in (folder / "dicom").rglob("*.dcm"):
        path.unlink()
    assert tags_of(database) == from_files  # read out of the cache alone


def test_an_existing_database_is_never_overwritten(exam: list[Path], tmp_path: Path) -> None:
    database = write_database(exam, tmp_path / "database")
    before = database.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        write_database(exam[:1], tmp_path / "database")
    with pytest.raises(UsageError, match="exists already"):
        multiply_database(database, tmp_path / "database", 3)
    assert database.read_bytes() == before


def test_multiplied_database_has_new_uids_and_the_same_tags(exam: list[Path], tmp_path: Path) -> None:
    source = write_database(exam, tmp_path / "source")
    database = multiply_database(source, tmp_path / "many", 7, seed=3)
    many, original = all_series(database), all_series(source)
    assert len(many) == 8  # whole studies: 2 + 1 + 2 + 1 + 2
    assert len({series.series_uid for series in many}) == len(many)
    assert not {series.series_uid for series in many} & {series.series_uid for series in original}
    assert not any(series.problems for series in many)
    uids = {"SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"}

    def rest(series: Series) -> tuple[str, ...]:
        return tuple(str({k: v for k, v in i.tags.items() if k not in uids}) for i in series.instances)

    assert {rest(series) for series in many} == {rest(series) for series in original}
    patients = "SELECT PatientID, PatientsName FROM Patients ORDER BY PatientID"
    assert rows(database, patients) == rows(source, patients)
    pairs = "SELECT DISTINCT StudyInstanceUID, FrameOfReferenceUID FROM Series"
    assert len(rows(database, pairs)) == len(
        rows(database, "SELECT * FROM Studies")
    )  # one frame a study, as before


def test_multiplied_database_follows_from_its_seed(exam: list[Path], tmp_path: Path) -> None:
    source = write_database(exam, tmp_path / "source")
    uids = [
        [s.series_uid for s in all_series(multiply_database(source, tmp_path / name, 4, seed=seed))]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert uids[0] == uids[1] != uids[2]


def test_multiply_needs_a_database_with_studies(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no Slicer DICOM database"):
        multiply_database(tmp_path, tmp_path / "many", 3)
    empty = write_database([], tmp_path / "empty")
    with pytest.raises(SourceError, match="lists no study"):
        multiply_database(empty, tmp_path / "more", 3)


def test_short_uids_cannot_be_multiplied(tmp_path: Path) -> None:
    files = write_small_series(tmp_path / "exam", study=1, series=1, images=2, StudyInstanceUID="1.2.3")
    source = write_database(files, tmp_path / "source")
    with pytest.raises(UsageError, match="too short"):
        multiply_database(source, tmp_path / "many", 30)


def test_new_uid_keeps_length_and_is_valid() -> None:
    seen = {new_uid(UID, str(salt)) for salt in range(500)}
    assert len(seen) == 500
    for uid in seen:
        assert len(uid) == len(UID)
        assert uid.startswith("1.3.")
        assert all(part.isdigit() and (len(part) == 1 or part[0] != "0") for part in uid.split("."))


def test_file_name_is_the_one_slicer_gives() -> None:
    study, series, image = (hashlib.md5(uid.encode()).hexdigest() for uid in ("1", "2", "3"))
    assert file_name("1", "2", "3") == f"dicom/{study[:8]}/{series[:8]}/{image}.dcm"


def test_equal_to_the_database_that_slicer_wrote(slicer_database: Path, tmp_path: Path) -> None:
    """Same schema, same rows, same cached tags as CTK's own indexer, from the same files."""
    names = [
        name
        for (name,) in rows(slicer_database / "ctkDICOM.sql", "SELECT Filename FROM Images ORDER BY rowid")
    ]
    write_database([slicer_database / name for name in names], tmp_path / "ours")
    skip = ("Timestamp", "UID INTEGER", "PatientsUID")
    for file, tables in (
        (
            "ctkDICOM.sql",
            ("SchemaInfo", "Patients", "Studies", "Series", "Images", "ColumnDisplayProperties"),
        ),
        ("ctkDICOMTagCache.sql", ("TagCache",)),
    ):
        for table in tables:
            layout = [
                [(name, kind) for _, name, kind, *_ in rows(folder / file, f"PRAGMA table_info({table})")]
                for folder in (slicer_database, tmp_path / "ours")
            ]
            assert layout[0] == layout[1], table
            fields = ", ".join(
                f'"{n}"' for n, kind in layout[0] if not any(word in f"{n} {kind}" for word in skip)
            )
            content = f"SELECT {fields} FROM {table}"
            assert set(rows(slicer_database / file, content)) == set(
                rows(tmp_path / "ours" / file, content)
            ), table
    assert tags_of(tmp_path / "ours") == tags_of(slicer_database)
    assert len(SLICER_CACHE_TAGS) == 40
