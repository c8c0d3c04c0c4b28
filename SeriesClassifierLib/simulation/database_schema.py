"""The schema of a Slicer (CTK) DICOM database, version 0.8.1: tables, columns and how the browser shows them.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.sources.slicer_database import DATABASE_NAME, TAG_CACHE_NAME

SCHEMA_VERSION = "0.8.1"

_WIDE, _STRETCH = '{"resizeMode":"resizeToContents"}', '{"resizeMode":"stretch"}'
_RISING = '{"resizeMode":"resizeToContents", "sort": "ascending"}'

# table -> column -> (SQL type, name shown, place among the shown columns or 0 for hidden, format)
COLUMNS: dict[str, dict[str, tuple[str, str, int, str]]] = {
    "Patients": {
        "UID": ("INTEGER PRIMARY KEY AUTOINCREMENT", "", 0, ""),
        "PatientsName": ("VARCHAR(255)", "Patient name", 0, ""),
        "PatientID": ("VARCHAR(255)", "Patient ID", 2, ""),
        "PatientsBirthDate": ("DATE", "Birth date", 3, _WIDE),
        "PatientsBirthTime": ("TIME", "Birth time", 0, ""),
        "PatientsSex": ("VARCHAR(1)", "Sex", 4, _WIDE),
        "PatientsAge": ("VARCHAR(10)", "Age", 0, ""),
        "PatientsComments": ("VARCHAR(255)", "Comments", 0, ""),
        "InsertTimestamp": ("VARCHAR(20) NOT NULL", "Date added", 7, '{"sort": "descending"}'),
        "DisplayedPatientsName": ("VARCHAR(255)", "Patient name", 1, _STRETCH),
        "DisplayedNumberOfStudies": ("INT", "Studies", 5, _WIDE),
        "DisplayedLastStudyDate": ("DATE", "Last study date", 6, ""),
        "DisplayedFieldsUpdatedTimestamp": ("DATETIME", "", 0, ""),
        "Connections": ("VARCHAR(2048)", "", 0, ""),
    },
    "Studies": {
        "StudyInstanceUID": ("VARCHAR(64) NOT NULL PRIMARY KEY", "", 0, ""),
        "PatientsUID": ("INT NOT NULL", "", 0, ""),
        "StudyID": ("VARCHAR(255)", "Study ID", 2, ""),
        "StudyDate": ("DATE", "Study date", 1, _RISING),
        "StudyTime": ("VARCHAR(20)", "Study time", 0, ""),
        "StudyDescription": ("VARCHAR(255)", "Study description", 3, _STRETCH),
        "AccessionNumber": ("VARCHAR(255)", "Accession #", 0, ""),
        "ModalitiesInStudy": ("VARCHAR(255)", "Modalities", 0, ""),
        "InstitutionName": ("VARCHAR(255)", "Institution", 0, ""),
        "ReferringPhysician": ("VARCHAR(255)", "Referring physician", 0, ""),
        "PerformingPhysiciansName": ("VARCHAR(255)", "Performing physician", 0, ""),
        "InsertTimestamp": ("VARCHAR(20) NOT NULL", "Date added", 5, ""),
        "DisplayedNumberOfSeries": ("INT", "Series", 4, _WIDE),
        "DisplayedFieldsUpdatedTimestamp": ("DATETIME", "", 0, ""),
    },
    "Series": {
        "SeriesInstanceUID": ("VARCHAR(64) NOT NULL PRIMARY KEY", "", 0, ""),
        "StudyInstanceUID": ("VARCHAR(64) NOT NULL", "", 0, ""),
        "SeriesNumber": ("INT", "Series #", 1, _RISING),
        "SeriesDate": ("DATE", "Series date", 0, ""),
        "SeriesTime": ("VARCHAR(20)", "Series time", 0, ""),
        "SeriesDescription": ("VARCHAR(255)", "Series description", 2, _STRETCH),
        "Modality": ("VARCHAR(20)", "Modality", 3, _WIDE),
        "BodyPartExamined": ("VARCHAR(255)", "Body part", 0, ""),
        "FrameOfReferenceUID": ("VARCHAR(64)", "", 0, ""),
        "AcquisitionNumber": ("INT", "Acquisition #", 0, ""),
        "ContrastAgent": ("VARCHAR(255)", "Contrast agent", 0, ""),
        "ScanningSequence": ("VARCHAR(45)", "Scanning sequence", 0, ""),
        "EchoNumber": ("INT", "Echo #", 0, ""),
        "TemporalPosition": ("INT", "Temporal position", 0, ""),
        "InsertTimestamp": ("VARCHAR(20) NOT NULL", "Date added", 6, ""),
        "DisplayedCount": ("INT", "Count", 5, _WIDE),
        "DisplayedSize": ("VARCHAR(20)", "Size", 4, _WIDE),
        "DisplayedNumberOfFrames": ("INT", "Number of frames", 0, ""),
        "DisplayedFieldsUpdatedTimestamp": ("DATETIME", "", 0, ""),
    },
}
# Tables of which the browser shows nothing: their columns as SQL.
_PLAIN_TABLES = {
    "SchemaInfo": "Version VARCHAR(1024) NOT NULL",
    "Images": "SOPInstanceUID VARCHAR(64) NOT NULL PRIMARY KEY, Filename VARCHAR(1024), URL VARCHAR(2048), "
    "SeriesInstanceUID VARCHAR(64) NOT NULL, InsertTimestamp VARCHAR(20) NOT NULL, "
    "DisplayedFieldsUpdatedTimestamp DATETIME",
    "Directories": "Dirname VARCHAR(1024) PRIMARY KEY",
    "ColumnDisplayProperties": "TableName VARCHAR(64) NOT NULL, FieldName VARCHAR(64) NOT NULL, "
    "DisplayedName VARCHAR(255), Visibility INT DEFAULT 1, Weight INT, Format VARCHAR(255), "
    "PRIMARY KEY (TableName, FieldName)",
    "DisplayedFieldGeneratorRules": "Name VARCHAR(64) NOT NULL PRIMARY KEY, Enabled INT DEFAULT 1, "
    "Options VARCHAR(255)",
}
_INDEXES = {
    "ImagesFilenameIndex": "Images (Filename)",
    "ImagesSeriesIndex": "Images (SeriesInstanceUID)",
    "SeriesStudyIndex": "Series (StudyInstanceUID)",
    "StudiesPatientIndex": "Studies (PatientsUID)",
}
# What Slicer itself keeps of every image; a module may ask for more.
# fmt: off
SLICER_CACHE_TAGS = (
    "0008,0018", "0008,0020", "0008,0021", "0008,0030", "0008,0031", "0008,0050", "0008,0060", "0008,0061",
    "0008,0080", "0008,0090", "0008,1030", "0008,103E", "0008,1050", "0010,0010", "0010,0020", "0010,0030",
    "0010,0032", "0010,0040", "0010,1010", "0010,4000", "0018,0010", "0018,0015", "0018,0020", "0018,0086",
    "0020,000D", "0020,000E", "0020,0010", "0020,0011", "0020,0012", "0020,0052", "0020,0100", "0028,0010",
    "0028,0011", "3002,0002", "3002,0003", "3002,0004", "3006,0002", "3006,0004", "300A,0002", "300A,0003",
)
# fmt: on


def create_database(folder: Path) -> Path:
    """Write an empty ``ctkDICOM.sql`` and ``ctkDICOMTagCache.sql`` into ``folder``; the path of the first.

    Raises UsageError when there is one already.
    """
    database = folder / DATABASE_NAME
    for path in (database, folder / TAG_CACHE_NAME):
        if path.exists():
            raise UsageError(f"{path} exists already: name another folder or delete it first")
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, sql in _PLAIN_TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({sql})")
        for table, columns in COLUMNS.items():
            body = ", ".join(f"{name} {column[0]}" for name, column in columns.items())
            connection.execute(f"CREATE TABLE {table} ({body})")
        for index, place in _INDEXES.items():
            connection.execute(f"CREATE INDEX {index} ON {place}")
        connection.execute("INSERT INTO SchemaInfo VALUES (?)", (SCHEMA_VERSION,))
        connection.executemany(
            "INSERT INTO ColumnDisplayProperties VALUES (?, ?, ?, ?, ?, ?)",
            (
                (table, name, shown, int(place > 0), place, style)
                for table, columns in COLUMNS.items()
                for name, (_, shown, place, style) in columns.items()
            ),
        )
    with closing(sqlite3.connect(folder / TAG_CACHE_NAME)) as cache, cache:
        cache.execute("CREATE TABLE TagCache (SOPInstanceUID, Tag, Value, PRIMARY KEY (SOPInstanceUID, Tag))")
    return database
