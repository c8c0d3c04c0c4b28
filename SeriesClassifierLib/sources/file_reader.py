"""Read one DICOM file into instances: the fast reader where it fits, pydicom for everything else."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from dataclasses import dataclass

from SeriesClassifierLib.records import Instance, TagValue
from SeriesClassifierLib.sources import header_scan, multiframe
from SeriesClassifierLib.sources.deflated import InflatedTooLargeError, check_inflated_size
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags

logger = logging.getLogger(__name__)

_DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
# A name with one of these endings claims to hold DICOM: when it cannot be read the user is told.
_DICOM_ENDINGS = (".dcm", ".ima", ".dicom")


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of one file. Exactly one of ``instances`` and ``problem`` is filled, or neither: not DICOM at
    all. ``no_series`` says that the problem is a missing SeriesInstanceUID.
    """

    path: str
    instances: tuple[Instance, ...] = ()
    problem: str = ""
    no_series: bool = False


def read_file(path: str, *, expected: bool = False) -> FileRead:
    """Read the wanted tags of a file. Never raises for what a file contains.

    ``expected`` says that somebody (a database) holds this file for DICOM, so that being something else is a
    problem.
    """
    try:
        # A pipe or a socket is not opened: that could wait forever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return _not_dicom(path, expected)
        tags = header_scan.scan(path)
        if tags is None or "SeriesInstanceUID" not in tags or multiframe.is_multiframe(tags):
            return _read_with_pydicom(path, expected)
    except (FileNotFoundError, ValueError):  # a name that holds a null character is no file's name
        return FileRead(path, problem="file is missing: restore it, or remove the series or link to it")
    except OSError as error:
        return _cannot_be_opened(path, error)
    return _finish(path, [tags])


def _read_with_pydicom(path: str, expected: bool) -> FileRead:
    import pydicom
    from pydicom.errors import InvalidDicomError

    preamble = _has_preamble(path)
    claims = expected or preamble or path.lower().endswith(_DICOM_ENDINGS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_inflated_size(path)
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=not preamble)
            if dataset.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR_CLASS:
                return FileRead(path)
            tags = dataset_tags(dataset)
            if not preamble and "SOPClassUID" not in tags and "SeriesInstanceUID" not in tags:
                return _not_dicom(path, claims)
            frames = multiframe.frames(dataset, tags) if multiframe.is_multiframe(tags) else [tags]
    except InflatedTooLargeError as error:
        return FileRead(path, problem=str(error))
    except InvalidDicomError:
        return _not_dicom(path, claims)
    # Whatever pydicom raises on broken bytes is this file's result, not the batch's end.
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            return _cannot_be_opened(path, error)
        logger.debug("pydicom could not read a file: %s", type(error).__name__)
        if not claims:
            return FileRead(path)
        return FileRead(
            path, problem=f"header is damaged ({type(error).__name__}): send the file again from its source"
        )
    return _finish(path, frames)


def _finish(path: str, frames: list[dict[str, TagValue]]) -> FileRead:
    first = frames[0]
    if not first.get("SeriesInstanceUID") or not isinstance(first["SeriesInstanceUID"], str):
        return FileRead(
            path,
            problem="no SeriesInstanceUID in the header: send the file again from its source",
            no_series=True,
        )
    return FileRead(path, tuple(Instance(path, index, tags) for index, tags in enumerate(frames)))


def _cannot_be_opened(path: str, error: OSError) -> FileRead:
    return FileRead(path, problem=f"file cannot be opened ({error.strerror}): check its permissions")


def _not_dicom(path: str, claims: bool) -> FileRead:
    return FileRead(path, problem="not a DICOM file although it is named or listed as one" if claims else "")


def _has_preamble(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"
