"""What files are that hold no DICOM: those that may still hold images are reported with what to do."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class LeftOut(str, Enum):
    """Why a file was left out."""

    ARCHIVE = "archive"
    NIFTI = "nifti"
    NOT_DICOM = "not_dicom"


@dataclass
class LeftOutFiles:
    """How many files of one kind were left out, and the first few by name."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One more."""
        self.count += 1
        if len(self.names) < _MOST_NAMED:
            self.names.append(name)


_MOST_NAMED = 3
_NIFTI_ENDINGS = (".nii", ".nii.gz")
_ARCHIVE_ENDINGS = (".tar", ".tar.gz", ".tgz", ".zip", ".gz", ".7z", ".rar", ".bz2", ".xz", ".zst")
# The first bytes of zip, gzip, 7-Zip, RAR, bzip2, xz and Zstandard, whatever the file is called.
_ARCHIVE_STARTS = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
)


def kind_of(path: str) -> LeftOut:
    """Why ``path``, which is no DICOM file, was left out."""
    name = path.lower()
    if name.endswith(_NIFTI_ENDINGS):
        return LeftOut.NIFTI
    is_archive = name.endswith(_ARCHIVE_ENDINGS) or _starts_as_archive(path)
    return LeftOut.ARCHIVE if is_archive else LeftOut.NOT_DICOM


def _starts_as_archive(path: str) -> bool:
    try:
        # A pipe or a socket is not opened: that could wait forever.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return False
        with open(path, "rb") as file:
            return file.read(8).startswith(_ARCHIVE_STARTS)
    except (OSError, ValueError):
        return False
