"""Folders as people have them: clutter, links, archives and files that are no images, among a real series.

Each maker fills an empty folder and returns how many of the files that it wrote are left out, by kind.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from SeriesClassifierLib.sources.left_out import LeftOut

Maker = Callable[[Path], Mapping[LeftOut, int]]

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(4000)
_HUGE = 2 << 30


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _files(kind: LeftOut, files: Mapping[str, bytes]) -> Maker:
    def make(folder: Path) -> Mapping[LeftOut, int]:
        write(folder, files)
        return {kind: len(files)}

    return make


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("image.dcm", bytes(128) + b"DICM")
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("image.dcm"))
    return out.getvalue()


_NIFTI = struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(500)
_ANALYZE = struct.pack(">i", 348) + bytes(344)

# What leaves nothing to classify, each by content under a wrong name, by name, and in another way.
NOTHING: dict[str, Maker] = {
    "zip": _files(LeftOut.ARCHIVE, {"exam.zip": _zip()}),
    "zip by another name": _files(LeftOut.ARCHIVE, {"exam.dcm": _zip(), "EXAM": _zip()}),
    "upper case endings": _files(LeftOut.ARCHIVE, {"A.TGZ": b"x", "B.ZIP": b"x", "C.7Z": b"x"}),
    "gz of one file": _files(LeftOut.ARCHIVE, {"one.dcm.gz": gzip.compress(b"x"), "two.dcm": gzip.compress(b"y")}),
    "tar": _files(LeftOut.ARCHIVE, {"exam.tar": _tar(), "exam.ima": _tar()}),
    "nifti": _files(LeftOut.NIFTI, {"a.nii": b"x", "b.NII.GZ": gzip.compress(b"x"), "c.dcm": _NIFTI}),
    "volumes": _files(LeftOut.VOLUME, {"a.nrrd": b"NRRD0004\n", "b.MHA": b"x", "c.hdr": _ANALYZE, "c.img": b"x"}),
    "empty files": _files(LeftOut.EMPTY, {"a": b"", "b.dcm": b"", "c": bytes(3000)}),
    "unfinished": _files(LeftOut.UNFINISHED, {"a.dcm.part": b"x", "b.TMP": b"x", "c.dcm.crdownload": b"x"}),
    "macOS": _files(LeftOut.SYSTEM, {"._a.dcm": APPLE_DOUBLE, "__MACOSX/b.dcm": b"x", ".DS_Store": b"\0\0\0\1Bud1"}),
    "Windows": _files(LeftOut.SYSTEM, {"Thumbs.db": b"x", "Desktop.INI": b"x", "$RECYCLE.BIN/$I1.dcm": b"x"}),
    "servers": _files(LeftOut.SYSTEM, {"@eaDir/a.dcm/THUMB.jpg": b"x", ".nfs0001": b"x", ".git/objects/00/1": b"x"}),
    "text": _files(LeftOut.NOT_DICOM, {"a.txt": b"hello", ".hidden": b"hello", "b": b"0" * 5000}),
    "empty folders": _files(LeftOut.NOT_DICOM, {}),
}  # fmt: skip


def empty_folders(folder: Path, depth: int = 200) -> None:
    deepest = folder
    for _ in range(depth):
        deepest = deepest / "d"
    deepest.mkdir(parents=True)


def must_hold(folder: Path, real: Path, n_series: int) -> None:
    """``n_series`` series of copies of the files in ``real`` (folders), and everything that hides them."""
    for number, series in enumerate(sorted(path for path in real.iterdir() if path.is_dir())[:n_series]):
        shutil.copytree(series.resolve(), folder / f"s{number:02d}", copy_function=shutil.copyfile)
        for image in sorted((folder / f"s{number:02d}").rglob("*")):
            if image.is_file():
                image.with_name(f"._{image.name}").write_bytes(APPLE_DOUBLE)
    zeros(folder / "zeros", 100)
    specials(folder)
    loops(folder)


def zeros(folder: Path, n: int) -> None:
    """``n`` files of 2 GB that hold nothing, every second named as if it were DICOM. They take no space."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        with (folder / f"{number:03d}{'.dcm' if number % 2 else ''}").open("wb") as file:
            file.truncate(_HUGE)


def specials(folder: Path) -> None:
    """A pipe and a socket, named as if they were DICOM."""
    os.mkfifo(folder / "pipe.dcm")
    here = os.open(".", os.O_RDONLY)
    try:  # the name of a socket is short, so it is made from inside
        os.chdir(folder)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.dcm")
    finally:
        os.fchdir(here)
        os.close(here)


def loops(folder: Path) -> None:
    """Links to the folder itself, to its parent, to themselves and to each other."""
    (folder / "loops" / "deep").mkdir(parents=True)
    (folder / "loops" / "deep" / "up").symlink_to("..", target_is_directory=True)
    (folder / "loops" / "all").symlink_to(folder.resolve(), target_is_directory=True)
    (folder / "loops" / "self").symlink_to("self")
    (folder / "loops" / "one").symlink_to("other")
    (folder / "loops" / "other").symlink_to("one")


def has_sparse_files(folder: Path) -> bool:
    """Whether a file of zeros takes no space there."""
    probe = folder / "probe"
    with probe.open("wb") as file:
        file.truncate(1 << 24)
    blocks = getattr(probe.stat(), "st_blocks", None)
    probe.unlink()
    return blocks is not None and blocks * 512 < 1 << 20
