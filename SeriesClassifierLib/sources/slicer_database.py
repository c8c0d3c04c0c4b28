"""The files of a Slicer (CTK) DICOM database: ``ctkDICOM.sql`` and its tag cache, opened read-only.

Only for processes in which Slicer itself does not have the database open (see the warning in
``connect_readonly``);
another process, Slicer included, may have it open.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

from SeriesClassifierLib.errors import SourceBusyError, SourceError
from SeriesClassifierLib.patients import named_patients
from SeriesClassifierLib.records import Instance, Repaired, Series, Study
from SeriesClassifierLib.sources.assemble import by_study, make_series, make_study
from SeriesClassifierLib.sources.multiframe import is_multiframe
from SeriesClassifierLib.sources.reading import FileReader
from SeriesClassifierLib.sources.tags import CACHE_TAGS, CTK_CREATORS, CTK_TAGS
from SeriesClassifierLib.sources.values import Read, read_text
from SeriesClassifierLib.sqlite_errors import SqliteProblem, sqlite_problem

logger = logging.getLogger(__name__)

DATABASE_NAME = "ctkDICOM.sql"
TAG_CACHE_NAME = "ctkDICOMTagCache.sql"
_TIMEOUT_S = 10.0
# CTK's marks for "looked for and not there"; an empty text means the same.
_CACHE_NOTHING = frozenset({"__TAG_NOT_IN_INSTANCE__", "__VALUE_IS_EMPTY_STRING__", ""})
_BATCH_FILES = 8192
_DAMAGED_ROW = "a row of the database is damaged (no SeriesInstanceUID): import the series again"
# Images asked for in one query of the tag cache: SQLite bounds the number of parameters.
_CACHE_IMAGES = 200
_SERIES_QUERY = """
SELECT Series.StudyInstanceUID, Series.SeriesInstanceUID, Series.SeriesNumber, Series.SeriesDescription,
       Patients.PatientID
FROM Series LEFT JOIN Studies ON Studies.StudyInstanceUID = Series.StudyInstanceUID
            LEFT JOIN Patients ON Patients.UID = Studies.PatientsUID
ORDER BY Series.StudyInstanceUID, Series.SeriesInstanceUID
"""
_FILES_QUERY = (
    "SELECT SOPInstanceUID, Filename FROM Images WHERE SeriesInstanceUID = ? ORDER BY SOPInstanceUID"
)


class _Listed(NamedTuple):
    """One series as the database lists it; ``files`` holds (SOPInstanceUID, path). ``problem`` says what is
    wrong with its row.
    """

    study_uid: str
    series_uid: str
    number: object
    description: str
    patient_id: str
    files: tuple[tuple[str, str], ...]
    problem: str = ""


def find_database(location: Path) -> Path | None:
    """The ``ctkDICOM.sql`` meant by ``location`` (the file or the folder that holds it), or None."""
    # os.path answers no where Path raises: a name that is too long, a folder without permission.
    if os.path.isfile(location) and location.suffix.lower() == ".sql":
        return location
    inside = location / DATABASE_NAME
    return inside if os.path.isfile(inside) else None


def connect_readonly(path: Path) -> sqlite3.Connection:
    """Open a database file for reading only.

    Never call this in Slicer's own process on a database that Slicer has open: two copies of SQLite in one
    process
    lose each other's file locks. Raises SourceError when it cannot be opened
    (SourceBusyError: it is locked).
    """
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_TIMEOUT_S)
        # A name that is no UTF-8 costs its letters, not the database.
        connection.text_factory = _lenient_text
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise _kind(error)(
            f"{path.name} cannot be read as a database ({error}): "
            "close the program that locks it and try again"
        ) from error
    return connection


def _lenient_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _kind(error: sqlite3.Error) -> type[SourceError]:
    return SourceBusyError if sqlite_problem(error) is SqliteProblem.BUSY else SourceError


class SlicerDatabaseSource:
    """All series that a Slicer DICOM database lists."""

    def __init__(self, location: Path, *, jobs: int = 1, series: Collection[str] | None = None) -> None:
        """With ``series`` (UIDs) only the studies that hold one of them, but those whole: the series of a
        study explain each other.

        Raises SourceError when there is no readable CTK database at ``location``.
        """
        database = find_database(location)
        if database is None:
            raise SourceError(f"no {DATABASE_NAME} at {location}: name the DICOM database folder of Slicer")
        self._location = location
        self._database = database
        self._jobs = jobs
        self._wanted = None if series is None else frozenset(series)
        with closing(connect_readonly(database)) as connection:
            tables = {
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
        if not {"Images", "Series", "Studies", "Patients"} <= tables:
            raise SourceError(
                f"{database} is not a Slicer DICOM database (its tables are missing): check the path"
            )

    @property
    def location(self) -> Path:
        """The folder or file that the user named."""
        return self._location

    @property
    def database(self) -> Path:
        """The ``ctkDICOM.sql`` file."""
        return self._database

    @property
    def skipped(self) -> int:
        """Always 0: a database lists nothing but DICOM."""
        return 0

    def count_series(self) -> int:
        """Number of series in the database, or of those studies that were asked for."""
        with closing(connect_readonly(self._database)) as connection:
            return len(self._rows(connection))

    def studies(self) -> Iterator[Study]:
        """Studies by UID, read as needed; a file that cannot be read is a problem of its series."""
        with (
            closing(connect_readonly(self._database)) as connection,
            closing(_TagCache(self._database.with_name(TAG_CACHE_NAME))) as cache,
            FileReader(self._jobs, expected=True) as reader,
        ):
            for batch in self._batches(connection):
                yield from _read_batch(batch, cache, reader)

    def _batches(self, connection: sqlite3.Connection) -> Iterator[list[_Listed]]:
        """What the database lists, whole studies at a time, so many that the reading processes stay busy."""
        batch: list[_Listed] = []
        n_files = 0
        for study_uid, series_uid, number, description, patient_id in self._rows(connection):
            if n_files >= _BATCH_FILES and batch[-1].study_uid != _text(study_uid):
                yield batch
                batch, n_files = [], 0
            files = tuple(
                (_text(sop_uid), self._resolve(_text(name)))
                for sop_uid, name in self._query(connection, _FILES_QUERY, (series_uid,))
            )
            n_files += len(files)
            listed = _Listed(
                _text(study_uid), _text(series_uid), number, _text(description), _text(patient_id), files
            )
            if not listed.series_uid:
                listed = listed._replace(files=(), problem=_DAMAGED_ROW)
            batch.append(listed)
        if batch:
            yield batch

    def _rows(self, connection: sqlite3.Connection) -> list[Any]:
        rows = self._query(connection, _SERIES_QUERY)
        if self._wanted is None:
            return rows
        studies = {row[0] for row in rows if _text(row[1]) in self._wanted}
        return [row for row in rows if row[0] in studies]

    def _resolve(self, name: str) -> str:
        if not name:
            return ""
        path = Path(name)
        return str(path if path.is_absolute() else self._database.parent / path)

    def _query(self, connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> list[Any]:
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _kind(error)(
                f"{self._database.name} cannot be read ({error}): wait for the program that writes it, "
                f"then try again"
            ) from error


def _read_batch(batch: list[_Listed], cache: _TagCache, reader: FileReader) -> Iterator[Study]:
    from_cache = [cache.series(listed) for listed in batch]
    reads = reader.read(
        path
        for listed, cached in zip(batch, from_cache, strict=True)
        if not cached
        for _, path in listed.files
    )
    found = iter(zip(batch, from_cache, strict=True))
    for study_uid, group in groupby(found, key=lambda one: one[0].study_uid):
        series: list[Series] = []
        for listed, instances in group:
            problems: list[str] = []
            if not instances:
                for read in islice(reads, len(listed.files)):
                    instances += read.instances
                    if read.problem:
                        problems.append(read.problem)
            series += _series(listed, instances, problems)
        yield from _studies(study_uid, series)


def _studies(listed_uid: str, series: list[Series]) -> Iterator[Study]:
    """The study that the database lists, then those whose images it took for images of this one."""
    of_study: dict[str, list[Series]] = {listed_uid: []}
    for one in series:
        of_study.setdefault(one.study_uid or listed_uid, []).append(one)
    for study_uid, members in of_study.items():
        if members:
            yield make_study(study_uid, members)


def _series(listed: _Listed, instances: list[Instance], problems: list[str]) -> list[Series]:
    """The series as the database lists it, filled with what its files say: one for each study in them."""
    if listed.problem:
        problems.append(listed.problem)
    elif not listed.files:
        problems.append("the database lists no file for this series: import it again")
    studies = by_study(instances, listed.study_uid)
    if studies:
        patients = len(named_patients(instance.text("PatientID") for instance in instances))
        return [
            make_series(listed.series_uid, some, problems, studies=len(studies), patients=patients)
            for some in studies.values()
        ]
    return [_unread(listed, make_series(listed.series_uid, [], problems))]


def _unread(listed: _Listed, made: Series) -> Series:
    """A series without images, by what the database says of it."""
    return replace(
        made,
        study_uid=listed.study_uid,
        patient_id=listed.patient_id,
        description=listed.description,
        series_number=listed.number if isinstance(listed.number, int) else None,
    )


def _text(value: object) -> str:
    """A value of the database as text; what is none (SQLite takes anything anywhere) is empty."""
    return value if isinstance(value, str) else ""


class _TagCache:
    """The tag cache of a Slicer database, used for a series only when it holds every tag we read.

    Slicer fills it on import with the tags a module asks for, so with our module installed no file needs
    opening.
    """

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        if path.is_file():
            try:
                self._connection = connect_readonly(path)
            except SourceError as error:
                logger.debug("tag cache is not used: %s", type(error).__name__)

    def series(self, listed: _Listed) -> list[Instance]:
        """The instances of a series out of the cache; [] when it does not hold them completely."""
        instances: list[Instance] = []
        for start in range(0, len(listed.files), _CACHE_IMAGES):
            files = listed.files[start : start + _CACHE_IMAGES]
            # The first image is asked for alone: mostly it shows that the cache does not have what we need.
            cached = self._values([files[0][0]] if not start else [uid for uid, _ in files])
            if not start and cached.get(files[0][0], {}).keys() >= CACHE_TAGS:
                cached = self._values([uid for uid, _ in files])
            for sop_uid, path in files:
                values = cached.get(sop_uid, {})
                if not values.keys() >= CACHE_TAGS or not _has_known_creators(values):
                    return []
                read = {CTK_TAGS[tag][0]: values[tag] for tag in CTK_TAGS}
                tags = {keyword: one.value for keyword, one in read.items() if one.value is not None}
                repairs = tuple(Repaired(k, one.repair) for k, one in sorted(read.items()) if one.repair)
                if is_multiframe(tags) or "SeriesInstanceUID" not in tags:
                    return []
                instances.append(Instance(path, 0, tags, repairs=repairs))
        return instances

    def _values(self, sop_uids: Sequence[str]) -> dict[str, dict[str, Read]]:
        """SOP Instance UID -> CTK tag -> value, none where the cache knows that there is none."""
        if self._connection is None:
            return {}
        marks = ",".join("?" * len(sop_uids))
        query = f"SELECT SOPInstanceUID, Tag, Value FROM TagCache WHERE SOPInstanceUID IN ({marks})"
        out: dict[str, dict[str, Read]] = {}
        try:
            for uid, tag, text in self._connection.execute(query, sop_uids):
                out.setdefault(uid, {})[str(tag).upper()] = _cached_value(str(tag).upper(), str(text))
        except sqlite3.Error as error:
            logger.debug("tag cache is not used: %s", type(error).__name__)
            self.close()
            return {}
        return out

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _has_known_creators(values: Mapping[str, Read]) -> bool:
    """Whether the first private blocks are of the creators whose values we read, or there is none: in a
    block of somebody else the same element means something else, and ours may be in another block.
    """
    for tag, known in CTK_CREATORS.items():
        found = values[tag].value
        if found is None:
            block = f"{tag[:4]},10"
            if any(name.startswith(block) and one.value is not None for name, one in values.items()):
                return False
        elif not isinstance(found, str) or found.strip() not in known:
            return False
    return True


@lru_cache(maxsize=65536)
def _cached_value(ctk_tag: str, text: str) -> Read:
    if text in _CACHE_NOTHING:
        return Read(None)
    if ctk_tag in CTK_CREATORS:
        return read_text(ctk_tag, "LO", text)
    if ctk_tag not in CTK_TAGS:
        return Read(None)
    return read_text(*CTK_TAGS[ctk_tag], text)
