"""Small simulated series as DICOM files, for tests that need files but no particular ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.dicom_writer import uid_of, write_series


def write_small_series(
    folder: Path,
    *,
    study: int,
    series: int,
    images: int,
    pixels: npt.NDArray[np.uint16] | None = None,
    **tags: TagValue,
) -> list[Path]:
    """Write ``images`` axial T2 slices, all of them ``pixels`` or 8 x 6; ``tags`` are added or replace others."""
    common: dict[str, TagValue] = {
        "PatientName": "Small^Test",
        "PatientID": "SMALL",
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "StudyInstanceUID": uid_of("small", study),
        "SeriesInstanceUID": uid_of("small", study, series),
        "FrameOfReferenceUID": uid_of("small", study, "frame"),
        "SeriesNumber": float(series),
        "SeriesDescription": "t2_tse_tra",
        "ImageType": ("ORIGINAL", "PRIMARY", "M", "ND"),
        "ScanningSequence": "SE",
        "RepetitionTime": 4000.0,
        "EchoTime": 101.0,
        "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        **tags,
    }
    values = [
        common
        | {
            "SOPInstanceUID": uid_of("small", study, series, number),
            "InstanceNumber": float(number),
            "ImagePositionPatient": (0.0, 0.0, 3.0 * number),
        }
        for number in range(1, images + 1)
    ]
    picture = np.arange(48, dtype=np.uint16).reshape(8, 6) if pixels is None else pixels
    return write_series([picture] * images, values, folder)
