"""Two simulated exams as sample data: drawn on this machine, of nobody; nothing is downloaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import slicer

from SeriesClassifierApp import DatabaseSource, Headless

# Task and seed of the simulated exams: complete ones that are soon drawn.
_EXAMS = (("prostate", 23), ("liver", 8))
_SIDE = 128


def write(folder: str | Path) -> list[str]:
    """Write the exams below ``folder``; the folders of the studies. Raises RuntimeError when it fails."""
    out = []
    for task, seed in _EXAMS:
        place = Path(folder) / f"{task}-{seed}"
        if not place.exists():
            arguments = ["simulate", "--task", task, "--seed", str(seed), "--longest", str(_SIDE), "--quiet"]
            code = Headless.runCommand([*arguments, "--out", str(place)])
            if code != 0:
                raise RuntimeError(f"the simulated {task} exam could not be written to {place}")
            (place / "truth.csv").unlink(missing_ok=True)  # no DICOM: an import would complain
        out.append(str(place))
    return out


def download(_source: object = None) -> list[str]:
    """What Sample Data calls: the exams are written and imported into the DICOM database."""
    from DICOMLib import DICOMUtils

    database = DatabaseSource.database()
    if database is None:
        raise RuntimeError("no DICOM database is open: open one in the module DICOM, then try again")
    folders = write(tempfile.mkdtemp(prefix="SeriesClassifier-", dir=slicer.app.temporaryPath))
    for folder in folders:
        DICOMUtils.importDicom(folder, database)
    return folders


def register() -> None:
    """Offer them in the module Sample Data; more than once does no harm."""
    try:
        import SampleData
    except ModuleNotFoundError:  # Slicer can be started without that module
        return

    if "Series Classifier" in getattr(slicer.modules, "sampleDataSources", {}):
        return
    icon = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "SeriesClassifier.png"
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Series Classifier",
        sampleName="SeriesClassifierExams",
        thumbnailFileName=str(icon),
        uris=[],
        fileNames=[],
        customDownloader=download,
    )
