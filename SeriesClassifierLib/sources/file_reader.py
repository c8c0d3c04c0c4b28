"""Read one DICOM file into instances: the fast reader where it fits, pydicom for everything else."""

from __future__ import annotations

import errno
import logging
import os
import stat
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from SeriesClassifierLib.records import Instance, Repaired, TagValue
from SeriesClassifierLib.sources import header_scan, multiframe
from SeriesClassifierLib.sources.deflated import InflatedTooLargeError, check_inflated_size
from SeriesClassifierLib.sources.guarded_file import LONGEST_VALUE, GuardedFile
from SeriesClassifierLib.sources.left_out import FRONT, LeftOut, content_kind, is_dicomdir, kind_of
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags, is_cut
from SeriesClassifierLib.sources.tags import NO_PIXEL_DATA

if TYPE_CHECKING:
    from pydicom import Dataset

logger = logging.getLogger(__name__)

_DEFLATED = "1.2.840.10008.1.2.1.99"
_DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
# A name with one of these endings claims to hold DICOM: when it cannot be read the user is told.
_DICOM_ENDINGS = (".dcm", ".ima", ".dicom")


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of one file. Exactly one of ``instances``, ``problem`` and ``left_out`` (what it is if it is
    no DICOM image) is filled. ``no_series`` says that the problem is a missing SeriesInstanceUID.
    """

    path: str
    instances: tuple[Instance, ...] = ()
    problem: str = ""
    no_series: bool = False
    left_out: LeftOut | None = None


def read_file(path: str, *, expected: bool = False) -> FileRead:
    """Read the wanted tags of a file. Never raises for what a file contains.

    ``expected`` says that somebody (a database) holds this file for DICOM, so that being something else is a
    problem.
    """
    try:
        # A pipe or a socket is not opened: that could wait forever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return _not_dicom(path, expected, LeftOut.SPECIAL)
        scanned = header_scan.scan(path)
        tags = scanned.tags if scanned else {}
        is_whole = "SeriesInstanceUID" in tags and "SOPClassUID" in tags
        if scanned is None or not is_whole or multiframe.is_multiframe(tags):
            return _read_with_pydicom(path, expected)
    except (FileNotFoundError, ValueError):  # a name that holds a null character is no file's name
        return FileRead(path, problem="file is missing: restore it, or remove the series or link to it")
    except OSError as error:
        if error.errno == errno.ELOOP:  # links that lead to themselves
            return _not_dicom(path, expected, LeftOut.SPECIAL)
        return _cannot_be_opened(path, error)
    return _finish(path, [tags], scanned.repairs)


def _read_with_pydicom(path: str, expected: bool) -> FileRead:
    import pydicom
    from pydicom.errors import InvalidDicomError

    front = front_of(path)
    if is_dicomdir(front):
        return _not_dicom(path, expected, LeftOut.DICOMDIR)
    preamble = front[128:132] == b"DICM"
    kind = kind_of(path, front)
    if not preamble and (not front or content_kind(path, front) is not None):
        return _not_dicom(path, expected, kind)
    claims = expected or preamble or path.lower().endswith(_DICOM_ENDINGS)
    if not front.strip(b"\0"):  # whatever its name says: a copy that failed
        return _not_dicom(path, expected, kind)
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")
            check_inflated_size(path)
            dataset = pydicom.dcmread(
                GuardedFile(file),
                stop_before_pixels=True,
                force=not preamble,
                defer_size=LONGEST_VALUE,
            )
            if dataset.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR_CLASS:
                return _not_dicom(path, expected, LeftOut.DICOMDIR)
            repairs: set[Repaired] = set()
            tags = dataset_tags(dataset, repairs)
            if not preamble and "SOPClassUID" not in tags and "SeriesInstanceUID" not in tags:
                return _not_dicom(path, claims, kind)
            if "SOPClassUID" not in tags and dataset.file_meta.get("MediaStorageSOPClassUID"):
                tags["SOPClassUID"] = str(dataset.file_meta.MediaStorageSOPClassUID)
            if is_cut(dataset):
                return FileRead(path, problem="file ends early: send it again from its source")
            if not _has_pixels(file, dataset):
                tags[NO_PIXEL_DATA] = NO_PIXEL_DATA
            is_multiframe = multiframe.is_multiframe(tags)
            frames = multiframe.frames(dataset, tags, repairs) if is_multiframe else [tags]
    except InflatedTooLargeError as error:
        return FileRead(path, problem=str(error))
    except InvalidDicomError:
        return _not_dicom(path, claims, kind)
    # Whatever pydicom raises on broken bytes is this file's result, not the batch's end.
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            return _cannot_be_opened(path, error)
        logger.debug("pydicom could not read a file: %s", type(error).__name__)
        if not claims:
            return FileRead(path, left_out=kind)
        return FileRead(
            path, problem=f"header is damaged ({type(error).__name__}): send the file again from its source"
        )
    return _finish(path, frames, tuple(sorted(repairs)))


_PIXELS = (b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00")


def _has_pixels(file: BinaryIO, dataset: Dataset) -> bool:
    """Whether pixels, and not nothing, follow the header, behind which ``file`` stands."""
    if dataset.file_meta.get("TransferSyntaxUID") == _DEFLATED:  # pydicom has read all of it
        return True
    head = file.read(12)
    is_little = dataset.original_encoding[1]
    place = head[:4] if is_little else head[1::-1] + head[3:1:-1]
    return place in _PIXELS and any(head[4:].lstrip(b"OBWF"))


def _finish(path: str, frames: list[dict[str, TagValue]], repairs: tuple[Repaired, ...]) -> FileRead:
    first = frames[0]
    if not first.get("SeriesInstanceUID") or not isinstance(first["SeriesInstanceUID"], str):
        return FileRead(
            path,
            problem="no SeriesInstanceUID in the header: send the file again from its source",
            no_series=True,
        )
    instances = (Instance(path, index, tags, repairs=repairs) for index, tags in enumerate(frames))
    return FileRead(path, tuple(instances))


def _cannot_be_opened(path: str, error: OSError) -> FileRead:
    return FileRead(path, problem=f"file cannot be opened ({error.strerror}): check its permissions")


def _not_dicom(path: str, claims: bool, kind: LeftOut) -> FileRead:
    if not claims:
        return FileRead(path, left_out=kind)
    return FileRead(path, problem="not a DICOM file although it is named or listed as one")


def front_of(path: str) -> bytes:
    """The first bytes of a file, enough to see what it is. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        return file.read(FRONT)
