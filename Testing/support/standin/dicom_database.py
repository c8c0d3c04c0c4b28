"""`ctkDICOMDatabase` over a real database file of Slicer, by Qt's own SQLite as in Slicer.

Every opening leaves a file watcher behind, as CTK's does: a write by another process ends in `databaseChanged`.
"""

# ruff: noqa: N801, N802, N803, N815 (names of C++)
from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtSql
from PySide6.QtCore import Property, Signal, Slot

SCHEMA_VERSION = "0.8.1"
_NO_VALUE = ("__TAG_NOT_IN_INSTANCE__", "__VALUE_IS_EMPTY_STRING__", "__VALUE_IS_NOT_STORED__")


class ctkDICOMModel(QtCore.QObject):
    """The levels of the browser."""

    class IndexType(enum.IntEnum):
        RootType, PatientType, StudyType, SeriesType, ImageType = range(5)

    RootType, PatientType, StudyType, SeriesType, ImageType = IndexType


def _texts(name: str, sql: str) -> Callable:
    @Slot(str, name=name, result="QStringList")
    def read(self, uid: str) -> list:
        return self.column(sql, uid)

    return read


def _first_texts(name: str, sql: str) -> Callable:
    @Slot(str, name=name, result="QStringList")
    @Slot(str, int, name=name, result="QStringList")
    def read(self, uid: str, hits: int = -1) -> list:
        found = self.column(sql, uid)
        return found[:hits] if hits > 0 else found

    return read


def _text(name: str, sql: str) -> Callable:
    @Slot(str, name=name, result=str)
    def read(self, uid: str) -> str:
        return next(iter(self.column(sql, uid)), "")

    return read


def _field(name: str, table: str, key: str) -> Callable:
    @Slot(str, str, name=name, result=str)
    def read(self, field: str, uid: str) -> str:
        return next(iter(self.column(f"SELECT {field} FROM {table} WHERE {key} = ?", uid)), "")

    return read


def _count(name: str, table: str) -> Callable:
    @Slot(name=name, result=int)
    def read(self) -> int:
        return int(next(iter(self.column(f"SELECT COUNT(*) FROM {table}")), "0"))

    return read


def _field_names(table: str) -> Property:
    return Property("QStringList", lambda self: self.column(f"SELECT name FROM PRAGMA_TABLE_INFO('{table}')"))


def _display(name: str, column: str, kind: type) -> Callable:
    @Slot(str, str, name=name, result=kind)
    def read(self, table: str, field: str) -> Any:
        sql = f"SELECT {column} FROM ColumnDisplayProperties WHERE TableName = ? AND FieldName = ?"
        found = next(iter(self.column(sql, table, field)), "")
        return found if kind is str else kind(int(found or 0))

    return read


def _set_display(name: str, column: str, kind: type) -> Callable:
    @Slot(str, str, kind, name=name)
    def write(self, table: str, field: str, value: Any) -> None:
        sql = f"UPDATE ColumnDisplayProperties SET {column} = ? WHERE TableName = ? AND FieldName = ?"
        self.column(sql, int(value) if kind is bool else value, table, field)
        self.databaseChanged.emit()

    return write


class ctkDICOMDatabase(QtCore.QObject):
    """The database of the DICOM browser."""

    opened = Signal()
    closed = Signal()
    databaseChanged = Signal()
    tagsToPrecacheChanged = Signal()
    patientAdded = Signal(int, str, str, str)
    studyAdded = Signal(str)
    seriesAdded = Signal(str)
    instanceAdded = Signal(str)
    patientRemoved = Signal(str, str)
    studyRemoved = Signal(str)
    seriesRemoved = Signal(str)
    schemaUpdated = Signal()
    displayedFieldsUpdated = Signal()

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.connection = QtSql.QSqlDatabase()
        self._tags = QtSql.QSqlDatabase()
        self._file = ""
        self._error = ""
        self._precached: list[str] = []

    def column(self, sql: str, *bound: Any, of: QtSql.QSqlDatabase | None = None) -> list[str]:
        """The first column of a query's answer; nothing where the database is closed or the query is wrong."""
        query = QtSql.QSqlQuery(of or self.connection)
        query.prepare(sql)
        for one in bound:
            query.addBindValue(one)
        found = []
        if query.exec():
            while query.next():
                value = query.value(0)
                found.append("" if value is None else str(value))
        else:
            self._error = query.lastError().text()
        query.finish()
        return found

    @Slot(str, result=bool)
    @Slot(str, str, result=bool)
    def openDatabase(self, databaseFile: str, connectionName: str = "") -> bool:
        self._file = databaseFile
        self.connection = self._connect(databaseFile, connectionName or str(uuid.uuid4()))
        if not self.connection.isOpen() or not self.column("SELECT Version FROM SchemaInfo"):
            self._error = self.connection.lastError().text() or self._error
            self.connection.close()
            return False
        watcher = QtCore.QFileSystemWatcher([databaseFile], self)
        watcher.fileChanged.connect(self.databaseChanged)
        self._tags = self._connect(str(Path(databaseFile).parent / "ctkDICOMTagCache.sql"), str(uuid.uuid4()))
        self.opened.emit()
        return True

    @Slot()
    def closeDatabase(self) -> None:
        was_open = self.connection.isOpen()
        self.connection.close()
        self._tags.close()
        if was_open:
            self.closed.emit()

    def _connect(self, file: str, name: str) -> QtSql.QSqlDatabase:
        connection = QtSql.QSqlDatabase.addDatabase("QSQLITE", name)
        connection.setDatabaseName(file)
        connection.open()
        QtSql.QSqlQuery("PRAGMA synchronous = OFF", connection).finish()
        return connection

    isOpen = Property(bool, lambda self: self.connection.isOpen())
    isInMemory = Property(bool, lambda self: self._file == ":memory:")
    lastError = Property(str, lambda self: self._error)
    databaseFilename = Property(str, lambda self: self._file)
    databaseDirectory = Property(
        str, lambda self: str(Path(self._file).absolute().parent) if self._file else ""
    )
    patientFieldNames = _field_names("Patients")
    studyFieldNames = _field_names("Studies")
    seriesFieldNames = _field_names("Series")

    def _set_precached(self, tags: list[str]) -> None:
        if tags != self._precached:
            self._precached = list(tags)
            self.tagsToPrecacheChanged.emit()

    tagsToPrecache = Property("QStringList", lambda self: self._precached, _set_precached)

    @Slot(result=str)
    def schemaVersion(self) -> str:
        return SCHEMA_VERSION

    @Slot(result=str)
    def schemaVersionLoaded(self) -> str:
        return next(iter(self.column("SELECT Version FROM SchemaInfo")), "")

    @Slot(result="QStringList")
    def patients(self) -> list:
        return self.column("SELECT UID FROM Patients")

    studiesForPatient = _texts(
        "studiesForPatient", "SELECT StudyInstanceUID FROM Studies WHERE PatientsUID = ?"
    )
    seriesForStudy = _texts(
        "seriesForStudy", "SELECT SeriesInstanceUID FROM Series WHERE StudyInstanceUID = ?"
    )
    instancesForSeries = _first_texts(
        "instancesForSeries", "SELECT SOPInstanceUID FROM Images WHERE SeriesInstanceUID = ?"
    )
    studyForSeries = _text(
        "studyForSeries", "SELECT StudyInstanceUID FROM Series WHERE SeriesInstanceUID = ?"
    )
    patientForStudy = _text("patientForStudy", "SELECT PatientsUID FROM Studies WHERE StudyInstanceUID = ?")
    descriptionForSeries = _text(
        "descriptionForSeries", "SELECT SeriesDescription FROM Series WHERE SeriesInstanceUID = ?"
    )
    descriptionForStudy = _text(
        "descriptionForStudy", "SELECT StudyDescription FROM Studies WHERE StudyInstanceUID = ?"
    )
    nameForPatient = _text("nameForPatient", "SELECT PatientsName FROM Patients WHERE UID = ?")
    displayedNameForPatient = _text(
        "displayedNameForPatient", "SELECT DisplayedPatientsName FROM Patients WHERE UID = ?"
    )
    fieldForPatient = _field("fieldForPatient", "Patients", "UID")
    fieldForStudy = _field("fieldForStudy", "Studies", "StudyInstanceUID")
    fieldForSeries = _field("fieldForSeries", "Series", "SeriesInstanceUID")
    patientsCount = _count("patientsCount", "Patients")
    studiesCount = _count("studiesCount", "Studies")
    seriesCount = _count("seriesCount", "Series")
    imagesCount = _count("imagesCount", "Images")
    displayedNameForField = _display("displayedNameForField", "DisplayedName", str)
    visibilityForField = _display("visibilityForField", "Visibility", bool)
    weightForField = _display("weightForField", "Weight", int)
    formatForField = _display("formatForField", "Format", str)
    setDisplayedNameForField = _set_display("setDisplayedNameForField", "DisplayedName", str)
    setVisibilityForField = _set_display("setVisibilityForField", "Visibility", bool)
    setWeightForField = _set_display("setWeightForField", "Weight", int)
    setFormatForField = _set_display("setFormatForField", "Format", str)

    @Slot(str, result="QStringList")
    @Slot(str, int, result="QStringList")
    def filesForSeries(self, seriesUID: str, hits: int = -1) -> list:
        found = self.column("SELECT Filename FROM Images WHERE SeriesInstanceUID = ?", seriesUID)
        return [self._absolute(one) for one in (found[:hits] if hits > 0 else found)]

    @Slot(str, result=str)
    def fileForInstance(self, sopInstanceUID: str) -> str:
        found = self.column("SELECT Filename FROM Images WHERE SOPInstanceUID = ?", sopInstanceUID)
        return self._absolute(found[0]) if found else ""

    @Slot(str, result=str)
    def seriesForFile(self, fileName: str) -> str:
        sql = "SELECT SeriesInstanceUID FROM Images WHERE Filename = ?"
        return next(iter(self.column(sql, self._internal(fileName))), "")

    @Slot(str, result=str)
    def instanceForFile(self, fileName: str) -> str:
        sql = "SELECT SOPInstanceUID FROM Images WHERE Filename = ?"
        return next(iter(self.column(sql, self._internal(fileName))), "")

    def _absolute(self, file: str) -> str:
        return QtCore.QDir.cleanPath(QtCore.QDir(self.databaseDirectory).filePath(file)) if file else file

    def _internal(self, file: str) -> str:
        folder = Path(self.databaseDirectory)
        return Path(file).relative_to(folder).as_posix() if Path(file).is_relative_to(folder) else file

    @Slot(str, str, result=str)
    def cachedTag(self, sopInstanceUID: str, tag: str) -> str:
        sql = "SELECT Value FROM TagCache WHERE SOPInstanceUID = ? AND Tag = ?"
        return next(iter(self.column(sql, sopInstanceUID, tag.upper(), of=self._tags)), "")

    @Slot(str, str, str, result=bool)
    def cacheTag(self, sopInstanceUID: str, tag: str, value: str) -> bool:
        values = (sopInstanceUID, tag.upper(), value or _NO_VALUE[0])
        self.column("INSERT OR REPLACE INTO TagCache VALUES (?, ?, ?)", *values, of=self._tags)
        return True

    @Slot(str, str, result=str)
    def instanceValue(self, sopInstanceUID: str, tag: str) -> str:
        """From the tag cache only; CTK would open the file for a tag that is not in it."""
        value = self.cachedTag(sopInstanceUID, tag)
        return "" if value in _NO_VALUE else value
