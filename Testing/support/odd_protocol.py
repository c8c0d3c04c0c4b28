"""A site whose scanner does something that the header model has never seen, written as DICOM files.

T1-weighted inversion recovery turbo spin echo whose inversion never reaches the archive: the converter writes
neither InversionTime nor IR. What is left, a long TR with a short TE, reads as proton density everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.inference.run import classify
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, TagValue
from SeriesClassifierLib.simulation.dicom_writer import uid_of, write_series
from SeriesClassifierLib.simulation.headers import SimulatedPart, acquire
from SeriesClassifierLib.simulation.protocols import Protocol

TRUTH, TAKEN_FOR = "T1", "PD"
CORRECTED = 20
_PROTOCOL = Protocol(
    TRUTH,
    "TSE",
    {"brain": 1.0},
    tr=(2100, 2500),
    te=(8, 12),
    flip=(111, 160),
    etl=(6, 8),
    thickness=(5, 5),
    slices=(4, 4),
    pixel=(0.88, 0.92),
    fov=(225, 235),
    averages=(1, 1),
    bandwidth=(190, 210),
    fat_sat=0.0,
)


@dataclass(frozen=True)
class OddSeries:
    """One series of the protocol, its UID and its patient."""

    uid: str
    patient: str


def write_site(folder: Path, *, patients: int, series: int, seed: int) -> list[OddSeries]:
    """Write ``series`` series of each of ``patients`` patients of a GE scanner at 1.5 T."""
    rng = np.random.default_rng(seed)
    out = []
    for patient in range(1, patients + 1):
        for number in range(1, series + 1):
            part = acquire(rng, _PROTOCOL, "brain", "GE", 1.5)
            out.append(_write(folder / f"p{patient:02d}" / f"s{number:02d}", part, seed, patient, number))
    return out


def _write(folder: Path, part: SimulatedPart, seed: int, patient: int, number: int) -> OddSeries:
    uid, name = uid_of("odd", seed, patient, number), f"ODD-{seed}-{patient:02d}"
    common: dict[str, TagValue] = {
        **part.acquired,
        "PatientName": f"Odd^{patient:02d}",
        "PatientID": name,
        "Modality": "MR",
        "StudyInstanceUID": uid_of("odd", seed, patient),
        "SeriesInstanceUID": uid,
        "FrameOfReferenceUID": uid_of("odd", seed, patient, "frame"),
        "SeriesNumber": float(number),
        "SeriesDescription": f"WIP SENSE {number}",
        "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    }
    rows, columns = (int(float(str(part.acquired[name]))) for name in ("Rows", "Columns"))
    tags = [
        {
            **common,
            "SOPInstanceUID": uid_of("odd", seed, patient, number, place),
            "InstanceNumber": float(place),
            "ImagePositionPatient": (0.0, 0.0, 6.0 * place),
        }
        for place in range(1, 5)
    ]
    pixels = np.full((rows, columns), 400, np.uint16)
    pixels[rows // 4 : 3 * rows // 4, columns // 4 : 3 * columns // 4] = 900
    write_series([pixels] * len(tags), tags, folder)
    return OddSeries(uid, name)


@dataclass(frozen=True)
class Taught:
    """``before`` and ``after`` are labels of all series of the site, ``bundle`` what was trained in between."""

    series: list[OddSeries]
    corrected: frozenset[str]
    before: Mapping[str, Prediction]
    after: Mapping[str, Prediction]
    bundle: Path

    @property
    def rest(self) -> list[OddSeries]:
        """The series that nobody corrected; all of other patients."""
        return [one for one in self.series if one.uid not in self.corrected]


def teach(place: Path, seed: int) -> Taught:
    """Twelve patients are classified, twenty series corrected, all of the first four patients."""
    site, journal, bundle = place / "site", place / "journal.sqlite", place / "new"
    series = write_site(site, patients=12, series=5, seed=seed)
    before = labels_of(site, "headers")
    _run("classify", site, "--journal", journal, "--mode", "header")
    corrected = [one.uid for one in series[:CORRECTED]]
    with Journal(journal) as opened:
        for uid in corrected:
            opened.correct(opened.current_series(uid), {"sequence": TRUTH}, "curator")
    _run("export", "--journal", journal, "--source", site, "--out", place / "data")
    data = ("--data", place / "data", "--seed", seed)
    _run("train", *data, "--recipe", "headers", "--base", "headers", "--out", bundle)
    return Taught(series, frozenset(corrected), before, labels_of(site, str(bundle)), bundle)


def labels_of(folder: Path, bundle: str) -> dict[str, Prediction]:
    """The label of every series by its header."""
    return {label.series_uid: label for label in classify(folder, mode="header", bundle=bundle)}


def _run(*arguments: object) -> None:
    code = main([*(str(argument) for argument in arguments), "--quiet"])
    assert code == 0, arguments[0]
