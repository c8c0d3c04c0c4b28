"""Images that are described as data and written as files: who they belong to, what they show, which copies exist.

A name such as ``study-1`` stands for a UID; the UID itself depends on the seed. "" writes an empty element and
None leaves the element out.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.dicom_writer import uid_of, write_series

if TYPE_CHECKING:
    from pydicom import Dataset

# Ways in which a true copy can differ from its original: not at all, by its encoding, or by words that archives
# change.
COPIES = ("bytes", "implicit", "deflated", "rle", "station", "window")
_VENDORS = ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Medical Systems")
_IMPLICIT, _DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"
_ROWS, _COLUMNS = 16, 12


@dataclass(frozen=True)
class Image:
    """One file. ``file`` is its name below the folder of the variant.

    ``place`` is the position along the slice normal in slices; None writes neither position nor orientation.
    Images of the same ``picture`` have the same pixels.
    """

    file: str
    patient: str | None
    study: str | None
    series: str | None
    sop: str | None
    number: int
    place: float | None
    picture: str
    tags: Mapping[str, TagValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Copy:
    """A second file of the image ``of``; ``how`` is one of ``COPIES``."""

    file: str
    of: str
    how: str


def uid(seed: int, name: str) -> str:
    """The UID that ``name`` stands for; "" stays ""."""
    return uid_of("identity cases", seed, name) if name else ""


def write_images(folder: Path, images: Sequence[Image], seed: int) -> None:
    """Write the files below ``folder``. The seed decides the UIDs, the vendor, the place of the stack and the
    pixels: nothing that an image is identified by.
    """
    if not images:
        return
    folder.mkdir(parents=True, exist_ok=True)
    pixels = [_pixels(seed, image.picture) for image in images]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        written = write_series(pixels, [_tags(image, seed) for image in images], Path(scratch))
        for image, path in zip(images, written, strict=True):
            _take_out(path, image)
            target = folder / image.file
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def write_copies(folder: Path, copies: Iterable[Copy]) -> None:
    """Write the copies of images that are there."""
    for copy in copies:
        source, target = folder / copy.of, folder / copy.file
        target.parent.mkdir(parents=True, exist_ok=True)
        if copy.how == "bytes":
            shutil.copyfile(source, target)
        else:
            _save(_changed(_read(source), copy.how), target)


def renumber(path: Path, number: int) -> None:
    """Write another InstanceNumber into a file."""
    dataset = _read(path)
    dataset.InstanceNumber = number
    _save(dataset, path)


def _tags(image: Image, seed: int) -> dict[str, TagValue]:
    rng = np.random.default_rng([seed, 1])
    corner, gap = rng.uniform(-80, -20, 2), 3.0 + round(float(rng.uniform(0, 2)), 1)
    tags: dict[str, TagValue] = {
        "Modality": "MR",
        "Manufacturer": _VENDORS[int(rng.integers(len(_VENDORS)))],
        "MagneticFieldStrength": 1.5 if rng.random() < 0.5 else 3.0,
        "SliceThickness": gap,
        "PixelSpacing": (1.0, 1.0),
        "SeriesNumber": 6.0,
        "StationName": "SCANNER1",
        **image.tags,
        "InstanceNumber": float(image.number),
        "SOPInstanceUID": uid(seed, image.sop or "replaced"),
    }
    names = {"StudyInstanceUID": image.study, "SeriesInstanceUID": image.series}
    tags |= {keyword: uid(seed, name) for keyword, name in names.items() if name is not None}
    if image.patient is not None:
        tags |= {"PatientID": image.patient, "PatientName": image.patient and f"{image.patient}^Test"}
    if image.study:
        tags["FrameOfReferenceUID"] = uid(seed, f"frame of {image.study}")
    if image.place is not None:
        tags["ImageOrientationPatient"] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        tags["ImagePositionPatient"] = (*(round(float(x), 3) for x in corner), round(gap * image.place, 3))
    return tags


def _pixels(seed: int, picture: str) -> npt.NDArray[np.uint16]:
    rng = np.random.default_rng([seed, *picture.encode()])
    ramp = np.linspace(50, 900, _ROWS * _COLUMNS).reshape(_ROWS, _COLUMNS)
    return np.asarray(ramp + rng.integers(0, 200, (_ROWS, _COLUMNS)), np.uint16)


def _take_out(path: Path, image: Image) -> None:
    """What no writer that checks its files writes: a SOPInstanceUID that is empty or absent."""
    if image.sop:
        return
    dataset = _read(path)
    if image.sop is None:
        del dataset.SOPInstanceUID
        del dataset.file_meta.MediaStorageSOPInstanceUID
    else:
        dataset.SOPInstanceUID = ""
        dataset.file_meta.MediaStorageSOPInstanceUID = ""
    _save(dataset, path)


def _changed(dataset: Dataset, how: str) -> Dataset:
    from pydicom.uid import UID, RLELossless

    if how == "rle":
        dataset.compress(RLELossless, generate_instance_uid=False)
    elif how == "implicit":
        dataset.file_meta.TransferSyntaxUID = UID(_IMPLICIT)
    elif how == "deflated":
        dataset.file_meta.TransferSyntaxUID = UID(_DEFLATED)
    elif how == "station":
        dataset.StationName = "ARCHIVE"
    elif how == "window":
        dataset.WindowCenter, dataset.WindowWidth = "300", "600"
    else:
        raise ValueError(f"{how!r} is no way to copy: use one of {', '.join(COPIES)}")
    return dataset


def _read(path: Path) -> Dataset:
    import pydicom

    return pydicom.dcmread(path)


def _save(dataset: Dataset, path: Path) -> None:
    """As the transfer syntax says, and with no check of the UIDs."""
    import pydicom

    if int(pydicom.__version__.split(".")[0]) < 3:  # pydicom 2 does not look at the transfer syntax
        dataset.is_little_endian = True
        dataset.is_implicit_VR = dataset.file_meta.TransferSyntaxUID == _IMPLICIT
    dataset.save_as(path)
