"""What the DICOM database holds and what is chosen in its browser: asked of CTK, never of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

JOURNAL_NAME = "SeriesClassifier.sqlite"


def database() -> Any:
    """The open DICOM database of Slicer, or None."""
    found = slicer.dicomDatabase
    return found if found is not None and found.isOpen else None


def databaseFile() -> str:
    """The path of the open database, or an empty text where there is none that other processes can read."""
    found = database()
    name = found.databaseFilename if found is not None else ""
    return name if name and Path(name).is_file() else ""


def journalBeside(file: str) -> str:
    """The journal of a database, which lies beside it; of no database, in the folder of the settings."""
    folder = Path(file).parent if file else Path(slicer.app.slicerUserSettingsFilePath).parent
    return str(folder / JOURNAL_NAME)


def browser() -> Any:
    """The DICOM browser, or None before the DICOM module was shown for the first time."""
    widget = getattr(slicer.modules, "DICOMWidget", None)
    panel = getattr(widget, "browserWidget", None)
    return getattr(panel, "dicomBrowser", None)


def selectedSeries() -> list[str]:
    """The series chosen in the DICOM browser; where only studies or patients are chosen, theirs."""
    found, db = browser(), database()
    if found is None or db is None:
        return []
    manager = found.dicomTableManager()
    series = list(manager.currentSeriesSelection())
    if series:
        return series
    studies = list(manager.currentStudiesSelection())
    if not studies:
        studies = [study for p in manager.currentPatientsSelection() for study in db.studiesForPatient(p)]
    return [uid for study in studies for uid in db.seriesForStudy(study)]


def loadedSeries() -> list[str]:
    """The series of the volumes in the scene that the database knows."""
    db = database()
    if db is None:
        return []
    found: dict[str, None] = {}
    for volume in slicer.util.getNodesByClass("vtkMRMLVolumeNode"):
        uids = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
        if uids:
            uid = db.seriesForFile(db.fileForInstance(uids[0]))
            if uid:
                found[uid] = None
    return list(found)


def allSeries() -> list[str]:
    """Every series of the database."""
    db = database()
    if db is None:
        return []
    return [
        series
        for patient in db.patients()
        for study in db.studiesForPatient(patient)
        for series in db.seriesForStudy(study)
    ]


def studyTitle(studyUID: str) -> str:
    """Patient, date and description of a study, as in the DICOM browser; empty where it is not in there."""
    db = database()
    if db is None or not studyUID:
        return ""
    patient = db.displayedNameForPatient(db.patientForStudy(studyUID))
    texts = (patient, db.fieldForStudy("StudyDate", studyUID), db.descriptionForStudy(studyUID))
    return ", ".join(text for text in texts if text)


def filesOf(seriesUID: str) -> list[str]:
    """The files of a series."""
    db = database()
    return list(db.filesForSeries(seriesUID)) if db is not None else []
