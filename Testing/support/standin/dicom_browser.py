"""The table browser of CTK: three tables of real SQL models, where a choice in one fills the next. And the visual
browser, as far as others ask it something.
"""

# ruff: noqa: N801, N802, N803, N815 (names of C++)
from __future__ import annotations

import json
from typing import Any

from PySide6 import QtCore, QtSql, QtWidgets
from PySide6.QtCore import Property, Signal, Slot
from support.standin.dicom_database import ctkDICOMDatabase, ctkDICOMModel

_NO_ROWS = ["#"]


class ctkDICOMTableView(QtWidgets.QWidget):
    """One table. Its model reads the database in blocks of 256 rows and keeps the query, and so a lock, till its end."""

    selectionChanged = Signal((QtCore.QItemSelection, QtCore.QItemSelection), ("QStringList",))
    queryChanged = Signal("QStringList")
    filterTextChanged = Signal(str)
    doubleClicked = Signal(QtCore.QModelIndex)

    def __init__(self, parent: QtWidgets.QWidget | None = None, table: str = "", foreign_key: str = ""):
        super().__init__(parent)
        self._table, self._foreign_key = table, foreign_key
        self._database: ctkDICOMDatabase | None = None
        self._model = QtSql.QSqlQueryModel(self)
        self._filter = QtCore.QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._model)
        self._filter.setFilterKeyColumn(-1)
        self._filter.setFilterCaseSensitivity(QtCore.Qt.CaseInsensitive)
        self._view = QtWidgets.QTableView(self)
        self._view.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectRows)
        self._view.setModel(self._filter)
        self._view.setSortingEnabled(True)
        self._view.verticalHeader().hide()
        self._view.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeToContents)
        QtWidgets.QVBoxLayout(self).addWidget(self._view)
        self._view.doubleClicked.connect(self.doubleClicked)
        self._view.selectionModel().selectionChanged.connect(self._tell_selection)

    def _tell_selection(self, selected: QtCore.QItemSelection, deselected: QtCore.QItemSelection) -> None:
        self.selectionChanged["QStringList"].emit(self.currentSelection())
        self.selectionChanged[QtCore.QItemSelection, QtCore.QItemSelection].emit(selected, deselected)

    def set_database(self, database: ctkDICOMDatabase) -> None:
        """Show ``database`` from now on."""
        self._database = database
        database.databaseChanged.connect(self._query)
        database.opened.connect(self._on_opened)
        database.closed.connect(self._on_closed)
        self._on_opened()

    def _on_opened(self) -> None:
        self._query()
        self._apply_column_properties()
        self.setEnabled(self._database.isOpen)

    def _on_closed(self) -> None:
        self._query()
        self.setEnabled(False)

    def _query(self, uids: list[str] | None = None) -> None:
        if not self._database.isOpen or (self._foreign_key and not uids):
            self._model.clear()
            return
        columns_before = self._model.columnCount()
        text = (
            f"SELECT DISTINCT {self._table}.* FROM Patients, Series, Studies WHERE "
            "Patients.UID = Studies.PatientsUID AND Studies.StudyInstanceUID = Series.StudyInstanceUID"
        )
        if uids:
            text += f" AND {self._table}.{self._foreign_key} IN ({','.join('?' * len(uids))})"
        query = QtSql.QSqlQuery(self._database.connection)
        query.prepare(text)
        for uid in uids or []:
            query.addBindValue(uid)
        query.exec()
        self._model.setQuery(query)
        if columns_before == 0:
            self._apply_column_properties()

    def _apply_column_properties(self) -> None:
        """Name, show and order the columns; one without a row in ColumnDisplayProperties is hidden."""
        header = self._view.horizontalHeader()
        weights = []
        for column in range(self._model.columnCount()):
            horizontal = QtCore.Qt.Horizontal
            name = self._model.record().fieldName(column)
            title = self._database.displayedNameForField(self._table, name)
            self._model.setHeaderData(column, horizontal, title, QtCore.Qt.DisplayRole)
            self._view.setColumnHidden(column, not self._database.visibilityForField(self._table, name))
            weights.append((self._database.weightForField(self._table, name), column))
            form = json.loads(self._database.formatForField(self._table, name) or "{}")
            if form.get("sort") in ("ascending", "descending"):
                self._filter.sort(
                    column,
                    QtCore.Qt.AscendingOrder if form["sort"] == "ascending" else QtCore.Qt.DescendingOrder,
                )
        for position, (_weight, column) in enumerate(sorted(weights)):
            header.moveSection(header.visualIndex(column), position)

    @Slot("QStringList")
    def onUpdateQuery(self, uids: list) -> None:
        self._query(uids)
        self.queryChanged.emit(self.uidsForAllRows())

    @Slot()
    def selectAll(self) -> None:
        self._view.selectAll()

    @Slot()
    def clearSelection(self) -> None:
        self._view.clearSelection()

    @Slot(str)
    def setFilterText(self, filterText: str) -> None:
        self._filter.setFilterWildcard(filterText)
        self._view.clearSelection()
        self.queryChanged.emit(self.uidsForAllRows())
        self.filterTextChanged.emit(filterText)

    @Slot(result="QStringList")
    def uidsForAllRows(self) -> list:
        rows = range(self._filter.rowCount())
        return [str(self._filter.index(row, 0).data()) for row in rows] or _NO_ROWS

    @Slot(result="QStringList")
    def currentSelection(self) -> list:
        return [str(one.data()) for one in self._view.selectionModel().selectedRows(0)]

    @Slot("QStringList")
    def setCurrentSelection(self, uids: list) -> None:
        selection = self._view.selectionModel()
        for row in range(self._filter.rowCount()):
            index = self._filter.index(row, 0)
            wanted = str(index.data()) in uids
            if selection.isSelected(index) != wanted:
                what = QtCore.QItemSelectionModel.Select if wanted else QtCore.QItemSelectionModel.Deselect
                selection.select(index, what | QtCore.QItemSelectionModel.Rows)

    @Slot(result=QtWidgets.QTableView)
    def tableView(self) -> QtWidgets.QTableView:
        return self._view


class ctkDICOMTableManager(QtWidgets.QWidget):
    """Patients, studies and series. Choosing a patient or study chooses all that is below it."""

    patientsSelectionChanged = Signal((QtCore.QItemSelection, QtCore.QItemSelection), ("QStringList",))
    studiesSelectionChanged = Signal((QtCore.QItemSelection, QtCore.QItemSelection), ("QStringList",))
    seriesSelectionChanged = Signal((QtCore.QItemSelection, QtCore.QItemSelection), ("QStringList",))
    seriesDoubleClicked = Signal(QtCore.QModelIndex)
    seriesRightClicked = Signal(QtCore.QPoint)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._patients = ctkDICOMTableView(self, "Patients")
        self._studies = ctkDICOMTableView(self, "Studies", "PatientsUID")
        self._series = ctkDICOMTableView(self, "Series", "StudyInstanceUID")
        layout = QtWidgets.QVBoxLayout(self)
        texts, items = "QStringList", (QtCore.QItemSelection, QtCore.QItemSelection)
        for table, below, signal in (
            (self._patients, self._studies, self.patientsSelectionChanged),
            (self._studies, self._series, self.studiesSelectionChanged),
            (self._series, None, self.seriesSelectionChanged),
        ):
            layout.addWidget(table)
            table.selectionChanged[items].connect(signal[items])
            table.selectionChanged[texts].connect(signal[texts])
            if below is not None:
                table.queryChanged.connect(below.onUpdateQuery)
                table.selectionChanged[texts].connect(below.onUpdateQuery)
                table.selectionChanged[texts].connect(below.selectAll)
        self._series.doubleClicked.connect(self.seriesDoubleClicked)

    @Slot(QtCore.QObject)
    def setDICOMDatabase(self, database: Any) -> None:
        for table in (self._patients, self._studies, self._series):
            table.set_database(database)

    @Slot(result=QtCore.QObject)
    def patientsTable(self) -> ctkDICOMTableView:
        return self._patients

    @Slot(result=QtCore.QObject)
    def studiesTable(self) -> ctkDICOMTableView:
        return self._studies

    @Slot(result=QtCore.QObject)
    def seriesTable(self) -> ctkDICOMTableView:
        return self._series

    @Slot(result="QStringList")
    def currentPatientsSelection(self) -> list:
        return self._patients.currentSelection()

    @Slot(result="QStringList")
    def currentStudiesSelection(self) -> list:
        return self._studies.currentSelection()

    @Slot(result="QStringList")
    def currentSeriesSelection(self) -> list:
        return self._series.currentSelection()

    @Slot("QStringList")
    def setCurrentPatientsSelection(self, uids: list) -> None:
        self._patients.setCurrentSelection(uids)

    @Slot("QStringList")
    def setCurrentStudiesSelection(self, uids: list) -> None:
        self._studies.setCurrentSelection(uids)

    @Slot("QStringList")
    def setCurrentSeriesSelection(self, uids: list) -> None:
        self._series.setCurrentSelection(uids)


class ctkDICOMBrowser(QtWidgets.QWidget):
    """The browser around the tables."""

    directoryImported = Signal()
    databaseDirectoryChanged = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None, database: ctkDICOMDatabase | None = None):
        super().__init__(parent)
        self._database = database or ctkDICOMDatabase(self)
        self._manager = ctkDICOMTableManager(self)
        self._manager.setDICOMDatabase(self._database)
        QtWidgets.QVBoxLayout(self).addWidget(self._manager)
        self._progress = _progress_frame(self)

    @Slot(result=QtCore.QObject)
    def database(self) -> ctkDICOMDatabase:
        return self._database

    @Slot(result=QtCore.QObject)
    def dicomTableManager(self) -> ctkDICOMTableManager:
        return self._manager

    @Slot()
    def waitForImportFinished(self) -> None:
        """The stand-in imports nothing."""

    @Slot(int)
    def onIndexingProgress(self, _percent: int) -> None:
        """For a test to call: an import is under way."""
        self._progress.show()

    @Slot(int, int, int, int)
    def onIndexingComplete(self, _patients: int, _studies: int, _series: int, _images: int) -> None:
        """For a test to call: it has ended."""
        self._progress.hide()
        self.directoryImported.emit()

    @Slot(str)
    def setDatabaseDirectory(self, directory: str) -> None:
        self._database.closeDatabase()
        self._database.openDatabase(QtCore.QDir(directory).filePath("ctkDICOM.sql"))
        self.databaseDirectoryChanged.emit(directory)

    databaseDirectory = Property(str, lambda self: self._database.databaseDirectory, setDatabaseDirectory)

    @Slot(int, result="QStringList")
    def selectedItems(self, level: int) -> list:
        return {
            ctkDICOMModel.PatientType: self._manager.currentPatientsSelection,
            ctkDICOMModel.StudyType: self._manager.currentStudiesSelection,
            ctkDICOMModel.SeriesType: self._manager.currentSeriesSelection,
        }[level]()

    @Slot(int, "QStringList")
    def setSelectedItems(self, level: int, uids: list) -> None:
        if level == ctkDICOMModel.PatientType:
            self._manager.setCurrentPatientsSelection(uids)
        elif level == ctkDICOMModel.StudyType:
            above = [self._database.patientForStudy(uid) for uid in uids]
            self.setSelectedItems(ctkDICOMModel.PatientType, above)
            self._manager.setCurrentStudiesSelection(uids)
        elif level == ctkDICOMModel.SeriesType:
            above = [self._database.studyForSeries(uid) for uid in uids]
            self.setSelectedItems(ctkDICOMModel.StudyType, above)
            self._manager.setCurrentSeriesSelection(uids)


class ctkDICOMPatientView(QtWidgets.QWidget):
    """What is chosen in the visual browser. Nothing tells that another series was chosen in a study."""

    studiesSelectionChanged = Signal("QStringList")

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._patients: list[str] = []
        self._series: list[str] = []

    @Slot(result="QStringList")
    def selectedPatientUIDs(self) -> list:
        return self._patients

    @Slot("QStringList")
    def selectPatientUIDs(self, patientUIDs: list) -> None:
        self._patients = list(patientUIDs)

    @Slot(result="QStringList")
    def selectedSeriesInstanceUIDs(self) -> list:
        return self._series

    @Slot("QStringList")
    def selectSeriesInstanceUIDs(self, seriesInstanceUIDs: list) -> None:
        self._series = list(seriesInstanceUIDs)


class ctkDICOMVisualBrowserWidget(QtWidgets.QWidget):
    """The visual browser, which imports by an indexer of its own."""

    databaseDirectoryChanged = Signal(str)
    seriesRetrieved = Signal("QStringList")
    directoryImported = Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._view = ctkDICOMPatientView(self)
        self._progress = _progress_frame(self)

    @Slot(result=QtCore.QObject)
    def patientView(self) -> ctkDICOMPatientView:
        return self._view

    @Slot(int)
    def onIndexingProgress(self, _percent: int) -> None:
        """For a test to call: an import is under way."""
        self._progress.show()

    @Slot(int, int, int, int)
    def onIndexingComplete(self, _patients: int, _studies: int, _series: int, _images: int) -> None:
        """For a test to call: it has ended."""
        self._progress.hide()
        self.directoryImported.emit()


def _progress_frame(parent: QtWidgets.QWidget) -> QtWidgets.QFrame:
    frame = QtWidgets.QFrame(parent)
    frame.setObjectName("ProgressFrame")
    frame.hide()
    return frame
