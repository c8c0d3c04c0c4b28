"""A copy of the real Slicer database that a test may write to, its images being links to the real ones."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from SeriesClassifierLib.simulation.dicom_writer import uid_of


def copy_database(source: Path, folder: Path) -> Path:
    """The folder of the copy."""
    folder.mkdir(parents=True)
    for item in source.iterdir():
        if item.is_dir():
            (folder / item.name).symlink_to(item.resolve(), target_is_directory=True)
        elif item.suffix == ".sql":
            shutil.copyfile(item, folder / item.name)
    return folder


def add_repeat(folder: Path, series_uid: str) -> str:
    """Scan ``series_uid`` again, on another day and another patient: the same images under new UIDs and
    names. Returns the UID of the repetition.
    """
    import pydicom

    new = uid_of("repeat", series_uid)
    study, patient = uid_of("repeat study", series_uid), "REPEAT-1"
    target = folder / "repeat"
    target.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "ctkDICOM.sql")) as database, database:
        database.row_factory = sqlite3.Row

        def insert(table: str, row: sqlite3.Row, **changes: object) -> None:
            values = {**dict(row), **changes}
            marks = ", ".join("?" * len(values))
            database.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values())
            )

        series = database.execute("SELECT * FROM Series WHERE SeriesInstanceUID = ?", [series_uid]).fetchone()
        of_study = database.execute(
            "SELECT * FROM Studies WHERE StudyInstanceUID = ?", [series["StudyInstanceUID"]]
        ).fetchone()
        of_patient = database.execute(
            "SELECT * FROM Patients WHERE UID = ?", [of_study["PatientsUID"]]
        ).fetchone()
        (largest,) = database.execute("SELECT MAX(UID) FROM Patients").fetchone()
        insert("Patients", of_patient, UID=largest + 1, PatientID=patient, PatientsName="Repeat^One")
        insert("Studies", of_study, StudyInstanceUID=study, PatientsUID=largest + 1)
        insert("Series", series, SeriesInstanceUID=new, StudyInstanceUID=study)
        images = database.execute("SELECT * FROM Images WHERE SeriesInstanceUID = ?", [series_uid]).fetchall()
        for number, image in enumerate(images):
            path = Path(image["Filename"])
            dataset = pydicom.dcmread(path if path.is_absolute() else folder / path)
            dataset.PatientID, dataset.PatientName = patient, "Repeat^One"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, new
            dataset.FrameOfReferenceUID = uid_of("repeat frame", series_uid)
            dataset.SOPInstanceUID = uid_of("repeat", series_uid, number)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(target / f"{number:04d}.dcm")
            name = (
                (target / f"{number:04d}.dcm").relative_to(folder)
                if not path.is_absolute()
                else target / f"{number:04d}.dcm"
            )
            insert(
                "Images",
                image,
                SOPInstanceUID=dataset.SOPInstanceUID,
                SeriesInstanceUID=new,
                Filename=str(name),
            )
    return new
