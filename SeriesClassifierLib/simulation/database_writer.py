"""Write the files of a Slicer (CTK) DICOM database: for the demo, the tests and the benches.

Never touches a database that exists, and only reads the DICOM files it is given.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import sqlite3
import warnings
from collections.abc import Iterable, Mapping, MutableSequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.simulation.database_schema import COLUMNS, SLICER_CACHE_TAGS, create_database
from SeriesClassifierLib.sources.slicer_database import (
    DATABASE_NAME,
    TAG_CACHE_NAME,
    connect_readonly,
    find_database,
)

if TYPE_CHECKING:
    from pydicom import Dataset

logger = logging.getLogger(__name__)

INSERTED = "2000-01-01T00:00:00.000"  # one time for all rows: the same files give the same database
_UPDATED = "2000-01-01 00:00:00"
_ABSENT = "__TAG_NOT_IN_INSTANCE__"  # CTK writes the same for a tag without a value
# Anything that may be a UID; long ones only, so that few other numbers are looked at.
_UID_BYTES = re.compile(rb"[0-9][0-9.]{7,63}")
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_UID_FIELDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

# database column -> DICOM keyword, where a row simply repeats the file
_PATIENT_FIELDS = {
    "PatientsName": "PatientName",
    "PatientID": "PatientID",
    "PatientsBirthDate": "PatientBirthDate",
    "PatientsBirthTime": "PatientBirthTime",
    "PatientsSex": "PatientSex",
    "PatientsComments": "PatientComments",
}
_STUDY_FIELDS = {
    "StudyInstanceUID": "StudyInstanceUID",
    "StudyID": "StudyID",
    "StudyDate": "StudyDate",
    "StudyTime": "StudyTime",
    "StudyDescription": "StudyDescription",
    "AccessionNumber": "AccessionNumber",
    "ModalitiesInStudy": "ModalitiesInStudy",
    "InstitutionName": "InstitutionName",
    "ReferringPhysician": "ReferringPhysicianName",
    "PerformingPhysiciansName": "PerformingPhysicianName",
}
_SERIES_FIELDS = {
    "SeriesInstanceUID": "SeriesInstanceUID",
    "StudyInstanceUID": "StudyInstanceUID",
    "SeriesNumber": "SeriesNumber",
    "SeriesTime": "SeriesTime",
    "SeriesDescription": "SeriesDescription",
    "Modality": "Modality",
    "BodyPartExamined": "BodyPartExamined",
    "FrameOfReferenceUID": "FrameOfReferenceUID",
    "AcquisitionNumber": "AcquisitionNumber",
    "ContrastAgent": "ContrastBolusAgent",
    "ScanningSequence": "ScanningSequence",
    "EchoNumber": "EchoNumbers",
    "TemporalPosition": "TemporalPositionIdentifier",
}


def write_database(
    files: Iterable[Path], folder: Path, *, copy: bool = True, cache_tags: Iterable[str] = SLICER_CACHE_TAGS
) -> Path:
    """Make a Slicer database of ``files`` in ``folder`` and return the path of its ``ctkDICOM.sql``.

    With ``copy`` the files are copied into ``folder/dicom`` and listed by relative names; without, they stay
    where they are and are listed by absolute names. Of several files of one SOP Instance UID the first
    counts, as in Slicer; what is not DICOM or has no UIDs is left out. ``cache_tags`` ("0008,103E") go into
    the tag cache. Raises UsageError when the folder holds a database already.
    """
    database = create_database(folder)
    wanted = tuple(cache_tags)
    known: set[str] = set()
    left_out = 0
    with _writing(database) as main, _writing(folder / TAG_CACHE_NAME) as cache, main, cache:
        for path in files:
            dataset = _header(path)
            if dataset is None:
                left_out += 1
                continue
            study_uid, series_uid, sop_uid = (str(dataset.get(field)) for field in _UID_FIELDS)
            if sop_uid in known:
                continue
            known.add(sop_uid)
            name = file_name(study_uid, series_uid, sop_uid) if copy else str(path.resolve())
            if copy:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd values are data here, not news
                _insert_rows(main, dataset, name)
                cached = [(sop_uid, tag, _cache_text(dataset, tag)) for tag in wanted]
            cache.executemany("INSERT INTO TagCache VALUES (?, ?, ?)", cached)
        _fill_displayed(main)
    if left_out:
        logger.warning("%d files are not in the database, because they are not readable as DICOM", left_out)
    return database


def multiply_database(source: Path, folder: Path, n_series: int, seed: int = 0) -> Path:
    """Make a database of at least ``n_series`` series by copying the studies of another one under new UIDs.

    Whole studies are copied, in turn and as often as needed; patients stay who they are. New UIDs are as long
    as the old ones and replace them in the bytes of each file. Returns the path of the new ``ctkDICOM.sql``.
    Raises SourceError when ``source`` is no database with studies, UsageError when ``folder`` holds one
    already or the UIDs are too short to be made unique.
    """
    original = find_database(source)
    if original is None:
        raise SourceError(f"{source} is no Slicer DICOM database: name its folder or its {DATABASE_NAME}")
    database = create_database(folder)
    with (
        closing(connect_readonly(original)) as old,
        closing(connect_readonly(original.with_name(TAG_CACHE_NAME))) as old_cache,
        _writing(database) as new,
        _writing(folder / TAG_CACHE_NAME) as new_cache,
        new,
        new_cache,
    ):
        studies = [str(row["StudyInstanceUID"]) for row in _rows(old, "Studies")]
        if not studies:
            raise SourceError(f"{original} lists no study: name a database that holds some")
        _copy_rows(new, "Patients", _rows(old, "Patients"), {})
        copier = _Copier(old, old_cache, new, new_cache, original.parent, folder, set())
        made = number = 0
        while made < n_series:
            made += copier.copy(studies[number % len(studies)], f"{seed}/{number}")
            number += 1
        _fill_displayed(new)
    return database


def file_name(study_uid: str, series_uid: str, sop_uid: str) -> str:
    """The name of a copied file, relative to the database: the shortened hashes that CTK uses."""
    study, series, image = (hashlib.md5(uid.encode()).hexdigest() for uid in (study_uid, series_uid, sop_uid))
    return f"dicom/{study[:8]}/{series[:8]}/{image}.dcm"


def new_uid(uid: str, salt: str) -> str:
    """Another UID of the same length and shape: the first two components stay, the digits of the others
    change.
    """
    parts = uid.split(".")
    digits = str(int.from_bytes(hashlib.sha512(f"{salt}/{uid}".encode()).digest(), "big")).zfill(155)
    out, used = parts[:2], 0
    for part in parts[2:]:
        fresh = digits[used : used + len(part)]
        used += len(part)
        out.append("1" + fresh[1:] if len(part) > 1 and fresh[0] == "0" else fresh)
    return ".".join(out)


@dataclass(frozen=True, slots=True)
class _Copier:
    """Copies studies of one database into another; ``used`` collects the new UIDs."""

    old: sqlite3.Connection
    old_cache: sqlite3.Connection
    new: sqlite3.Connection
    new_cache: sqlite3.Connection
    old_folder: Path
    new_folder: Path
    used: set[str]

    def copy(self, study_uid: str, salt: str) -> int:
        """Copy one study under new UIDs; the number of its series."""
        series = _rows(self.old, "Series", "StudyInstanceUID", study_uid)
        images = [
            row
            for one in series
            for row in _rows(self.old, "Images", "SeriesInstanceUID", one["SeriesInstanceUID"])
        ]
        uids = self._new_uids(study_uid, (*series, *images), salt)
        _copy_rows(self.new, "Studies", _rows(self.old, "Studies", "StudyInstanceUID", study_uid), uids)
        _copy_rows(self.new, "Series", series, uids)
        for row in images:
            name = file_name(uids[study_uid], uids[row["SeriesInstanceUID"]], uids[row["SOPInstanceUID"]])
            content = _with_uids((self.old_folder / row["Filename"]).read_bytes(), uids)
            target = self.new_folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            _copy_rows(self.new, "Images", [{**row, "Filename": name}], uids)
            cached = _rows(self.old_cache, "TagCache", "SOPInstanceUID", row["SOPInstanceUID"])
            _copy_rows(self.new_cache, "TagCache", cached, uids)
        return len(series)

    def _new_uids(self, study_uid: str, rows: Iterable[Mapping[str, Any]], salt: str) -> dict[str, str]:
        """Old UID to new UID, for all that the rows name."""
        fields = ("SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
        old = dict.fromkeys((study_uid, *(row[field] for row in rows for field in fields if row.get(field))))
        uids = {uid: new_uid(uid, salt) for uid in old}
        if len(set(uids.values())) < len(uids) or not self.used.isdisjoint(uids.values()):
            raise UsageError(
                "a study has UIDs too short to be made unique by changing their digits: leave it out"
            )
        self.used.update(uids.values())
        return uids


def _with_uids(content: bytes, uids: Mapping[str, str]) -> bytes:
    """The bytes of a file with its UIDs exchanged; what follows the last pixel data tag is left as it is."""

    def exchange(found: re.Match[bytes]) -> bytes:
        old = found[0].decode()
        return uids.get(old, old).encode()

    end = content.rfind(_PIXEL_DATA)
    end = len(content) if end < 0 else end
    return _UID_BYTES.sub(exchange, content[:end]) + content[end:]


def _writing(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path))


def _header(path: Path) -> Dataset | None:
    """The header of a file that a database can hold, else None."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            complete = all(str(dataset.get(field) or "") for field in _UID_FIELDS)
    except Exception as error:  # whatever pydicom raises on broken bytes leaves out this file only
        logger.debug("a file was left out: %s", type(error).__name__)
        return None
    return dataset if complete else None


def _insert_rows(main: sqlite3.Connection, dataset: Dataset, name: str) -> None:
    """The rows of one image, and of its series, study and patient when they are new."""
    patient = {column: _text(dataset, keyword) for column, keyword in _PATIENT_FIELDS.items()}
    patient["PatientsBirthDate"] = patient["PatientsBirthDate"] or None
    row = main.execute(
        "SELECT UID FROM Patients WHERE PatientID IS ? AND PatientsName IS ? AND PatientsBirthDate IS ?",
        (patient["PatientID"], patient["PatientsName"], patient["PatientsBirthDate"]),
    ).fetchone()
    if row is None:
        patient |= {"InsertTimestamp": INSERTED, "Connections": '{"allow":[""],"deny":[]}'}
        patient["DisplayedPatientsName"] = ", ".join((patient["PatientsName"] or "").strip("^").split("^"))
        patient_uid = _insert(main, "Patients", patient)
    else:
        (patient_uid,) = row

    study = {column: _text(dataset, keyword) for column, keyword in _STUDY_FIELDS.items()}
    _insert(main, "Studies", {**study, "PatientsUID": patient_uid, "InsertTimestamp": INSERTED})

    series = {column: _text(dataset, keyword) for column, keyword in _SERIES_FIELDS.items()}
    date = _text(dataset, "SeriesDate") or ""
    size = (
        f"{dataset.get('Columns')}x{dataset.get('Rows')}"
        if "Rows" in dataset and "Columns" in dataset
        else ""
    )
    series |= {
        "SeriesDate": f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 else None,
        "TemporalPosition": series["TemporalPosition"] or "0",
        "DisplayedSize": size,
        "DisplayedNumberOfFrames": _text(dataset, "NumberOfFrames"),
        "InsertTimestamp": INSERTED,
    }
    _insert(main, "Series", series)
    image = {"SOPInstanceUID": _text(dataset, "SOPInstanceUID"), "Filename": name, "URL": ""}
    image |= {"SeriesInstanceUID": series["SeriesInstanceUID"], "InsertTimestamp": INSERTED}
    _insert(main, "Images", {**image, "DisplayedFieldsUpdatedTimestamp": _UPDATED})


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    """Insert a row unless its key is there. Table and column names are ours, values are bound."""
    sql = f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    return connection.execute(sql, tuple(row.values())).lastrowid or 0


def _fill_displayed(main: sqlite3.Connection) -> None:
    """The columns that count and summarize, which the browser shows."""
    main.execute(
        "UPDATE Series SET DisplayedFieldsUpdatedTimestamp = ?, DisplayedCount = "
        "(SELECT COUNT(*) FROM Images WHERE Images.SeriesInstanceUID = Series.SeriesInstanceUID)",
        (_UPDATED,),
    )
    main.execute(
        "UPDATE Studies SET DisplayedFieldsUpdatedTimestamp = ?, DisplayedNumberOfSeries = "
        "(SELECT COUNT(*) FROM Series WHERE Series.StudyInstanceUID = Studies.StudyInstanceUID)",
        (_UPDATED,),
    )
    # StudyDate is a number to SQLite (20000131); the browser's "last study date" is a text (2000-01-31).
    main.execute(
        "UPDATE Patients SET DisplayedFieldsUpdatedTimestamp = ?, "
        "DisplayedNumberOfStudies = (SELECT COUNT(*) FROM Studies WHERE PatientsUID = Patients.UID), "
        "DisplayedLastStudyDate = (SELECT substr(MAX(StudyDate), 1, 4) || '-' || "
        "substr(MAX(StudyDate), 5, 2) "
        "|| '-' || substr(MAX(StudyDate), 7, 2) FROM Studies WHERE PatientsUID = Patients.UID)",
        (_UPDATED,),
    )


def _text(dataset: Dataset, keyword: str) -> str | None:
    """The first value as the database writes it; None when the file does not have the tag."""
    value = _element_text(dataset, keyword)
    return None if value is None else value.split("\\")[0].strip()


def _cache_text(dataset: Dataset, tag: str) -> str:
    group, element = tag.split(",")
    return _element_text(dataset, (int(group, 16), int(element, 16))) or _ABSENT


def _element_text(dataset: Dataset, tag: str | tuple[int, int]) -> str | None:
    """All values of an element joined by a backslash; None when it is absent or not readable as text."""
    if tag not in dataset:
        return None
    try:
        value = dataset[tag].value
    except Exception as error:  # as above: a value that cannot be read is not there
        logger.debug("a tag was left out: %s", type(error).__name__)
        return None
    if isinstance(value, bytes):
        text = value.decode("latin-1").strip("\0 ")
        return text if text.isprintable() else None
    values = value if isinstance(value, MutableSequence) else [value]
    return "\\".join("" if v is None else str(v) for v in values)


def _rows(
    connection: sqlite3.Connection, table: str, field: str = "", value: str = ""
) -> list[dict[str, Any]]:
    """Rows of a table (of those with ``field`` equal to ``value``), in the order of their keys. Names are
    ours.
    """
    where = f" WHERE {field} = ?" if field else ""
    cursor = connection.execute(f"SELECT * FROM {table}{where} ORDER BY 1, 2", (value,) if field else ())
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _copy_rows(
    new: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]], uids: Mapping[str, str]
) -> None:
    """Insert rows of another database with UIDs exchanged; columns that others added to it stay behind."""
    known = COLUMNS.get(table)
    for row in rows:
        kept = {name: value for name, value in row.items() if known is None or name in known}
        _insert(new, table, {name: uids.get(value, value) for name, value in kept.items()})
