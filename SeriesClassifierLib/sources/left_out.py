"""What files are that hold no DICOM, by their content first and then by their names: those that may still
hold images are reported with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath


class LeftOut(str, Enum):
    """Why a file was left out."""

    ARCHIVE = "archive"
    DICOMDIR = "dicomdir"
    EMPTY = "empty"
    MISSING = "missing"
    NIFTI = "nifti"
    NOT_DICOM = "not_dicom"
    SPECIAL = "special"
    SYSTEM = "system"
    UNFINISHED = "unfinished"
    VOLUME = "volume"


@dataclass
class LeftOutFiles:
    """How many files of one kind were left out, and the first few by name."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One more."""
        self.count += 1
        if len(self.names) < MOST_NAMED:
            self.names.append(name)


MOST_NAMED = 3
# So many bytes of a file show what it is.
FRONT = 1024
_TEXTS = {
    LeftOut.ARCHIVE: "archives, unpack them and classify again",
    LeftOut.DICOMDIR: "DICOMDIR, which only lists files: copy the whole disc if they are not here",
    LeftOut.EMPTY: "empty or filled with zeros, copy them again from their source",
    LeftOut.MISSING: "listed in the DICOMDIR but not in its folder: copy the whole disc",
    LeftOut.NIFTI: "NIfTI, which has no DICOM header",
    LeftOut.NOT_DICOM: "not DICOM",
    LeftOut.SPECIAL: "neither files nor folders (pipes, sockets, devices, links to themselves)",
    LeftOut.SYSTEM: "of the operating system or another program",
    LeftOut.UNFINISHED: "unfinished downloads, fetch them again",
    LeftOut.VOLUME: "image volumes of other formats, which have no DICOM header",
}
# The first bytes of zip, gzip, 7-Zip, RAR, bzip2, xz and Zstandard, whatever the file is called.
_ARCHIVE_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
)
_TAR = slice(257, 262), b"ustar"
# macOS keeps what a foreign disk cannot hold of a file in a second one, "._name" (AppleSingle, AppleDouble).
_APPLE_STARTS = (b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")
_VOLUME_STARTS = (b"NRRD000", b"ObjectType = Image", b"MINC")
_NIFTI_MARKS = (
    (slice(344, 348), (b"n+1\0", b"ni1\0")),
    (slice(4, 12), (b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n")),
)
_ANALYZE_STARTS = (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c")
_DICOMDIR_CLASS = b"UI\x14\x001.2.840.10008.1.3.10"

_SYSTEM_NAMES = frozenset(
    {".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".localized", ".gitignore", ".directory"}
)
_SYSTEM_FOLDERS = frozenset(
    {
        "__macosx",
        ".git",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        ".trashes",
        ".spotlight-v100",
        ".fseventsd",
        ".appledouble",
    }
)
_BY_ENDING = (
    (LeftOut.UNFINISHED, (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart", ".aria2")),
    (LeftOut.NIFTI, (".nii", ".nii.gz")),
    (LeftOut.VOLUME, (".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh", ".mnc", ".hdr", ".img", ".img.gz")),
    (LeftOut.ARCHIVE, (".tar", ".tar.gz", ".tgz", ".zip", ".gz", ".7z", ".rar", ".bz2", ".xz", ".zst")),
)


def kind_of(path: str, front: bytes) -> LeftOut:
    """Why ``path``, which is no DICOM file and begins with ``front``, is left out."""
    name = path.lower()
    if name.endswith(".nii.gz"):
        return LeftOut.NIFTI
    surely = content_kind(path, front)
    if surely is not None:
        return surely
    base = PurePath(name).name
    if base == "dicomdir":
        return LeftOut.DICOMDIR
    if base in _SYSTEM_NAMES or base.startswith((".nfs", "._")):
        return LeftOut.SYSTEM
    otherwise = LeftOut.NOT_DICOM if front.strip(b"\0") else LeftOut.EMPTY
    return next((kind for kind, endings in _BY_ENDING if name.endswith(endings)), otherwise)


def content_kind(path: str, front: bytes) -> LeftOut | None:
    """What a file without DICOM's mark surely is, whatever its name claims; None when that is open."""
    if front.startswith(_APPLE_STARTS) or not _SYSTEM_FOLDERS.isdisjoint(PurePath(path.lower()).parts[:-1]):
        return LeftOut.SYSTEM
    place, mark = _TAR
    if front.startswith(_ARCHIVE_STARTS) or front[place] == mark:
        return LeftOut.ARCHIVE
    if any(front[where] in marks for where, marks in _NIFTI_MARKS):
        return LeftOut.NIFTI
    return LeftOut.VOLUME if front.startswith((*_VOLUME_STARTS, *_ANALYZE_STARTS)) else None


def is_dicomdir(front: bytes) -> bool:
    """Whether a file that begins with ``front`` is a DICOMDIR."""
    return front[128:132] == b"DICM" and _DICOMDIR_CLASS in front


def left_out_text(left_out: Mapping[LeftOut, LeftOutFiles]) -> str:
    """How many files were left out, which and why; "" for none."""
    total = sum(files.count for files in left_out.values())
    if not total:
        return ""
    reasons = "; ".join(
        f"{files.count} {_TEXTS[kind]}: {listed(files.count, files.names)}"
        for kind, files in left_out.items()
    )
    return f"{total} {'file' if total == 1 else 'files'} left out: {reasons}"


def listed(n: int, names: Sequence[str]) -> str:
    """The first ``names`` of ``n``, and how many there are more."""
    more = n - len(names)
    return ", ".join([*names, *([f"{more} more"] if more and names else [])])
