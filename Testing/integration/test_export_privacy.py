"""The export of the real series holds nothing that names a patient, a place or a day: searched twice.

By the project's own scan, and by a plain search that shares no code with it.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import DicomDictionary

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.export.own_words import own_words
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.training.exported import read_training_sets

STANDARD = "1.2.840.10008."
# Keywords whose values must not leave, whatever they look like.
NAMING = (
    *("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "AccessionNumber", "StudyID"),
    *("InstitutionName", "InstitutionAddress", "StationName", "DeviceSerialNumber", "ReferringPhysicianName"),
    *("OperatorsName", "PerformingPhysicianName", "RequestingPhysician", "InstitutionalDepartmentName"),
    *("StudyDescription", "SeriesDescription", "ProtocolName", "PatientComments", "ImageComments"),
)
OF_DICOM = {word.lower() for entry in DicomDictionary.values() for word in entry[2].split()}


@pytest.fixture(scope="module")
def export(slicer_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 25 series, every part named by a person, with everything that can be exported."""
    pytest.importorskip(
        "SimpleITK", reason="volumes need SimpleITK (extra bench), which is not installed here"
    )
    place = tmp_path_factory.mktemp("privacy")
    journal, out = place / "journal.sqlite", place / "out"
    command = ["classify", str(slicer_database), "--journal", str(journal), "--mode", "header", "--quiet"]
    assert main(command) == 0
    with Journal(journal) as opened:
        labels = list(opened.current_all())
        assert len({label.series_uid for label in labels}) == 25
        for label in labels:
            opened.correct([label], {"sequence": label.sequence}, "reader")
    command = ["export", "--journal", str(journal), "--source", str(slicer_database), "--out", str(out)]
    assert main([*command, "--dicom", "--volumes"]) == 0
    return out


def test_all_of_it_is_there(export: Path) -> None:
    assert len(read_training_sets([export])) == 29
    assert len({path.parent.name for path in (export / "dicom").rglob("*.dcm")}) == 29
    # The two parts of several orientations are no volume.
    assert len(list((export / "nnunet").glob("images*/*.nii.gz"))) == 27


def test_the_scan_finds_nothing_and_finds_what_is_planted(
    export: Path, slicer_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["scan", str(export), "--source", str(slicer_database)]
    assert main(command) == 0
    assert "nothing found" in capsys.readouterr().out
    planted = export / "planted.txt"
    planted.write_text(sorted(originals(slicer_database), key=len)[-1], encoding="utf-8")
    try:
        assert main(command) == 1
    finally:
        planted.unlink()


def test_a_plain_search_finds_nothing_either(export: Path, slicer_database: Path) -> None:
    values = originals(slicer_database)
    assert len(values) > 300
    found = []
    for path in sorted(p for p in export.rglob("*") if p.is_file()):
        text = f"{path.relative_to(export)}\n{readable(path)}".lower()
        found += [(path.name, len(value)) for value in values if value in text]
    assert found == []


def originals(database: Path) -> set[str]:
    """The values of the originals, lower case: of five characters and more, and no words of our own."""
    values: set[str] = set()
    for path in (database / "dicom").rglob("*"):
        if path.is_file():
            values |= {value.lower() for value in naming(pydicom.dcmread(path, stop_before_pixels=True))}
    return {value for value in values if len(value) >= 5 and value not in own_words()}


def naming(dataset: Any) -> Iterator[str]:
    """Names, IDs, dates, UIDs and the texts of private elements; of sequences, too."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from naming(item)
        elif element.VR == "UI":
            yield from (str(uid) for uid in many(element.value) if not str(uid).startswith(STANDARD))
        elif element.VR in ("PN", "DA", "DT") or element.keyword in NAMING:
            for value in many(element.value):
                yield str(value)
                yield from str(value).replace("^", " ").split() if element.VR == "PN" else ()
        elif element.tag.is_private and element.VR in ("LO", "SH", "ST", "LT", "CS", "UT"):
            # A number in a private text, such as an echo time, says nothing about anybody; nor does a word that
            # names elements of DICOM.
            texts = (str(value) for value in many(element.value))
            yield from (v for v in texts if any(c.isalpha() for c in v) and v.lower() not in OF_DICOM)


def many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]


def readable(path: Path) -> str:
    """The texts of a file: of DICOM its elements without the pixels, of packed files what is in them."""
    if path.suffix == ".dcm":
        dataset = pydicom.dcmread(path)
        assert not any(element.tag.is_private for element in dataset.iterall())
        del dataset.PixelData
        return f"{dataset.file_meta}\n{dataset}"
    if path.suffix == ".npz":
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return "\n".join(file.files)
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())[:352].decode("latin-1")  # the header; then come the pixels
    return path.read_text(encoding="utf-8")
