"""What the DICOM database holds and what is chosen in its browser: asked of CTK, never of its files.

The only place that knows how to find Slicer's database and browser. Either may not be there yet, may be
closed, and may be replaced by another object at any time: ask anew each time, and keep nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

JOURNAL_NAME = "SeriesClassifier.sqlite"
_ABSENT = object()


def databaseObject() -> Any:
    """The database object of Slicer, open or not; None where there is none.

    The name ``slicer.dicomDatabase`` is only made at the end of the start-up, by the DICOM module. The object
    behind it is the application's and is there before.
    """
    found = getattr(slicer, "dicomDatabase", _ABSENT)
    if found is _ABSENT:
        ask = getattr(slicer.app, "dicomDatabase", None)
        found = ask() if ask is not None else None
    return found or None  # what was deleted in C++ is false


def database() -> Any:
    """The open DICOM database of Slicer, or None."""
    found = databaseObject()
    return found if found is not None and found.isOpen else None


def databaseFile() -> str:
    """The path of the open database, or an empty text where there is none that other processes can read."""
    found = database()
    name = found.databaseFilename if found is not None else ""
    return name if name and Path(name).is_file() else ""


def journalBeside(file: str) -> str:
    """The journal of a database, where its folder can be written."""
    return str(Path(file).parent / JOURNAL_NAME)


def browserPanel() -> Any:
    """Slicer's widget around its browsers, or None before the DICOM module was shown for the first time."""
    widget = getattr(slicer.modules, "DICOMWidget", None)
    return getattr(widget, "browserWidget", None) or None


def browser() -> Any:
    """The table browser, or None before the DICOM module was shown for the first time."""
    return getattr(browserPanel(), "dicomBrowser", None) or None


def visualBrowser() -> Any:
    """The visual browser, or None where there is none."""
    return getattr(browserPanel(), "dicomVisualBrowser", None) or None


def isImporting() -> bool:
    """Whether one of the browsers imports just now; both show a frame with the progress for as long."""
    frames = (found.findChild("QFrame", "ProgressFrame") for found in (browser(), visualBrowser()) if found)
    return any(frame is not None and not frame.isHidden() for frame in frames)


def selectedSeries() -> list[str]:
    """The series chosen in the DICOM browser; where only studies or patients are chosen, theirs."""
    found, db = browser(), database()
    if found is None or db is None:
        return []
    view = _visualView()
    if view is not None:
        series, studies, patients = list(view.selectedSeriesInstanceUIDs()), [], view.selectedPatientUIDs()
    else:
        manager = found.dicomTableManager()
        series, studies = list(manager.currentSeriesSelection()), list(manager.currentStudiesSelection())
        patients = manager.currentPatientsSelection()
    if series:
        return series
    studies = studies or [study for patient in patients for study in db.studiesForPatient(patient)]
    return [uid for study in studies for uid in db.seriesForStudy(study)]


def isVisualShown() -> bool:
    """Whether the visual browser is shown, and tells what is chosen in it (from Slicer 5.12 on)."""
    return _visualView() is not None


def _visualView() -> Any:
    panel, visual = browserPanel(), visualBrowser()
    isShown = bool(getattr(panel, "useVisualDICOMBrowser", False))
    return visual.patientView() if isShown and hasattr(visual, "patientView") else None


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
