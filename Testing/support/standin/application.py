"""`slicer.app`: the QApplication of the tests, with what Slicer's adds to it."""

# ruff: noqa: N801, N802, N815 (names of C++)
from __future__ import annotations

from pathlib import Path

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property, Signal, Slot
from support.standin.dicom_browser import ctkDICOMBrowser
from support.standin.dicom_database import ctkDICOMDatabase


class qSlicerCommandOptions(QtCore.QObject):
    """How Slicer was started. ``testing`` is for the tests to set."""

    testing = False
    noMainWindow = Property(bool, lambda _self: True)
    testingEnabled = Property(bool, lambda self: self.testing)
    runPythonAndExit = Property(
        bool, lambda self: self.__dict__.get("_run", False), lambda self, value: setattr(self, "_run", value)
    )


class qSlicerApplication(QtWidgets.QApplication):
    """There is one for the whole test run; `start` gives it a new folder, settings and database."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal("vtkMRMLScene*")

    def start(self, folder: Path, version: str) -> None:
        """Begin again, as for a first start of a version of Slicer with ``folder`` as its home."""
        self.folder = folder
        self.version = [int(number) for number in version.split(".")]
        self.exit_codes: list[int] = []
        self.options = qSlicerCommandOptions(self)
        self.setOrganizationName("NA-MIC")
        self.setApplicationName("Slicer")
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
        for scope in (QtCore.QSettings.UserScope, QtCore.QSettings.SystemScope):
            QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, scope, str(folder))
        self._settings = QtCore.QSettings()
        self.main_database = ctkDICOMDatabase()

    slicerHome = Property(str, lambda self: str(self.folder))
    temporaryPath = Property(str, lambda self: str(self.folder))
    mainApplicationName = Property(str, lambda self: "Slicer")
    majorVersion = Property(int, lambda self: self.version[0])
    minorVersion = Property(int, lambda self: self.version[1])
    slicerUserSettingsFilePath = Property(str, lambda self: self._settings.fileName())

    @Slot(result=bool)
    def testingEnabled(self) -> bool:
        return self.options.testing

    @Slot(result=QtCore.QObject)
    def commandOptions(self) -> qSlicerCommandOptions:
        return self.options

    @Slot(result=QtCore.QObject)
    def userSettings(self) -> QtCore.QSettings:
        return self._settings

    @Slot(result=QtCore.QObject)
    def settings(self) -> QtCore.QSettings:
        return self._settings

    @Slot(result=QtCore.QObject)
    def dicomDatabase(self) -> ctkDICOMDatabase:
        return self.main_database

    @Slot(result=QtCore.QObject)
    def createDICOMBrowserForMainDatabase(self) -> ctkDICOMBrowser:
        return ctkDICOMBrowser(None, self.main_database)

    @Slot(int)
    def exit(self, status: int = 0) -> None:
        """Only noted: the tests go on."""
        self.exit_codes.append(status)
