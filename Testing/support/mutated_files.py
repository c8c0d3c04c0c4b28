"""Small MR files in every transfer syntax that can be written here, with a few of their bytes changed.

Each file is a series of its own. The same seed gives the same files.
"""

from __future__ import annotations

import csv
import random
import tempfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from support.simulated import write_small_series
from support.varying_series import GRE, SIEMENS, VaryingSeries, Volume, write_enhanced

from SeriesClassifierLib.publish.table import text_cell
from SeriesClassifierLib.simulation.dicom_writer import uid_of
from SeriesClassifierLib.sources.file_reader import FileRead, read_file

_SIDES = (48, 64, 96)
_IN_A_FOLDER = 100
_IN_A_STUDY = 20
_META_LENGTH = 140  # where the length of the meta information stands
_DEFLATED = "DeflatedExplicitVRLittleEndian"
# As GDCM names them. It writes JPEG baseline of 8 bits only.
SYNTAXES = (
    "ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian", _DEFLATED, "RLELossless",
    "JPEGBaselineProcess1", "JPEGExtendedProcess2_4", "JPEGLosslessProcess14", "JPEGLosslessProcess14_1",
    "JPEGLSLossless", "JPEGLSNearLossless", "JPEG2000Lossless", "JPEG2000",
)  # fmt: skip
_EIGHT_BITS = frozenset({"JPEGBaselineProcess1", "JPEGExtendedProcess2_4"})


@dataclass(frozen=True)
class Seed:
    """A whole file: what stands before its data set, the data set, and the UIDs that each copy replaces.

    ``body`` of a deflated file is not deflated yet.
    """

    syntax: str
    meta: bytes
    body: bytes
    uids: tuple[bytes, bytes, bytes]

    def copy(self, study: bytes, series: bytes, image: bytes) -> tuple[bytes, bytes]:
        """Meta information and data set with other UIDs."""
        meta, body = self.meta, self.body
        for old, new in zip(self.uids, (study, series, image), strict=True):
            meta, body = meta.replace(old, new), body.replace(old, new)
        return meta, body

    def whole(self, meta: bytes, body: bytes) -> bytes:
        """The file of this syntax."""
        return meta + (_deflated(body) if self.syntax == _DEFLATED else body)


@cache
def seeds() -> tuple[Seed, ...]:
    """One image of each side and one enhanced file, in each syntax that can hold it."""
    rng = np.random.default_rng(12)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = []
        for number, side in enumerate(_SIDES):
            uids = [_fixed_uid("seed", number, kind).decode() for kind in ("study", "series", "image")]
            names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
            path = write_small_series(
                folder / str(number), study=number, series=1, images=1, pixels=_phantom(side, rng),
                **dict(zip(names[:2], uids[:2], strict=True)),
            )[0]  # fmt: skip
            plain.append(_with_uids(path, uids))
        series = VaryingSeries("echo time", "halves", {**GRE, **SIEMENS}, (Volume({"EchoTime": 2.3}, range(2)), Volume({"EchoTime": 2.4}, range(2, 4))), ("",))  # fmt: skip
        path = write_enhanced(series, folder)[0]
        plain.append(_with_uids(path, [_fixed_uid("seed", "e", k).decode() for k in range(3)]))
        for path in plain:
            for syntax in SYNTAXES:
                seed = _seed(path, syntax, folder / "out.dcm")
                if seed is not None:
                    found.append(seed)
    return tuple(found)


def write_mutated(folder: Path, n: int, seed: int) -> list[Path]:
    """``n`` files, a hundred a folder: half of them with changes in the header, half in the pixels."""
    rng = random.Random(seed)
    paths = []
    for number in range(n):
        study, series, image = (
            _fixed_uid(seed, kind, which)
            for kind, which in (("study", number // _IN_A_STUDY), ("series", number), ("image", number))
        )
        origin = rng.choice(seeds())
        content = mutated(*origin.copy(study, series, image), rng, is_deflated=origin.syntax == _DEFLATED)
        path = folder / f"{number // _IN_A_FOLDER:03d}" / f"{number:05d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths


def mutated(meta: bytes, body: bytes, rng: random.Random, *, is_deflated: bool) -> bytes:
    """The file with one to four changes in its header, or in its pixels."""
    in_pixels = rng.random() < 0.5
    if is_deflated and in_pixels:  # no bytes of a deflated file are those of pixels alone
        return meta + _changed(_deflated(body), rng)
    start = len(meta) + _pixel_data(body)
    whole = meta + body
    # What stands before the data set, the mark DICM included, makes no DICOM file in one change: it is hit rarely.
    kept = start if in_pixels else 0 if rng.random() < 0.1 else len(meta)
    end = len(whole) if in_pixels else start
    whole = whole[:kept] + _changed(whole[kept:end], rng) + whole[end:]
    return whole[: len(meta)] + _deflated(whole[len(meta) :]) if is_deflated else whole


@dataclass(frozen=True)
class Expected:
    """What is to be found, as the library itself reads each file: the number of images of each (study, series),
    and the number of rows for files that belong to none: one for each folder and reason.
    """

    images: Counter[tuple[str, str]]
    unread: int

    def complaints(self, table: Path) -> list[str]:
        """What is not right in a CSV table: each series has a row, and no more rows than it has images."""
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        found = Counter((row["study_uid"], row["series_uid"]) for row in rows if row["series_uid"])
        unread = sum(not row["series_uid"] for row in rows)
        out = []
        if set(found) != set(self.images):
            missing, more = len(set(self.images) - set(found)), len(set(found) - set(self.images))
            out.append(f"{missing} series have no row, {more} series are in no file")
        if any(n > self.images[series] for series, n in found.items()):
            out.append("a series has more rows than images")
        if unread != self.unread:
            out.append(f"{unread} rows of files without a series, not {self.unread}")
        return out


def expected(paths: Sequence[Path]) -> Expected:
    """What a batch over ``paths`` must give."""
    images: Counter[tuple[str, str]] = Counter()
    unread: set[tuple[Path, str]] = set()
    for path in paths:
        read: FileRead = read_file(str(path))
        # As a table writes them: a UID that begins like a formula gets a sign before it.
        images.update(
            (text_cell(i.text("StudyInstanceUID")), text_cell(i.text("SeriesInstanceUID")))
            for i in read.instances
        )
        if read.problem:
            unread.add((path.parent, "" if read.no_series else read.problem))
    return Expected(images, len(unread))


def _changed(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not out:
            break
        # Most of what decides stands in the first bytes: lengths, markers, sizes.
        place = rng.randrange(len(out) if rng.random() < 0.6 else min(len(out), 200))
        size = rng.choice((1, 2, 4, 16, 100))
        rng.choices(_CHANGES, _WEIGHTS)[0](out, place, size, rng)
    return bytes(out)


def _flip(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    out[place] ^= 1 << rng.randrange(8)


def _replace(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    out[place] = rng.choice((0, 0xFF, rng.randrange(256)))


def _zero(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    out[place : place + size] = bytes(len(out[place : place + size]))


def _insert(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    out[place:place] = rng.randbytes(size)


def _delete(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    del out[place : place + size]


def _double(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    out[place:place] = out[place : place + size]


def _truncate(out: bytearray, place: int, size: int, rng: random.Random) -> None:
    del out[place:]


_CHANGES = (_flip, _replace, _zero, _insert, _delete, _double, _truncate)
_WEIGHTS = (8, 6, 3, 1, 1, 1, 1)


def _pixel_data(body: bytes) -> int:
    """Where the pixel data element starts: the last of its tags that is followed by a VR or a length."""
    return max(body.rfind(b"\xe0\x7f\x10\x00OW"), body.rfind(b"\xe0\x7f\x10\x00OB"), body.rfind(b"\x7f\xe0\x00\x10O"),
               body.find(b"\xe0\x7f\x10\x00"))  # fmt: skip


def _deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _fixed_uid(*parts: object) -> bytes:
    """A UID of always the same length, so that it can replace another one in a file's bytes."""
    digits = uid_of("mutated", *parts)[5:].zfill(39)
    return f"2.25.1{digits}".encode("ascii")


def _phantom(side: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[-1:1:side * 1j, -1:1:side * 1j]
    disk = 600 * (x**2 + 1.3 * y**2 < 0.7) + 200 * ((x - 0.2) ** 2 + y**2 < 0.1)
    return np.clip(disk + rng.normal(40, 12, (side, side)), 0, 4095).astype(np.uint16)


def _with_uids(path: Path, uids: Sequence[str]) -> Path:
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = uids
    dataset.StudyDescription, dataset.BodyPartExamined = "MRI prostate", "PROSTATE"  # one model looks, not all
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path)
    return path


def _eight_bits(path: Path, out: Path) -> Path:
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.PixelData = (dataset.pixel_array // 4).astype(np.uint8).tobytes()
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(out)
    return out


def _seed(path: Path, syntax: str, out: Path) -> Seed | None:
    """``path`` in another transfer syntax; None where GDCM cannot write it so."""
    import gdcm
    import pydicom

    dataset = pydicom.dcmread(path)
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    source = _eight_bits(path, out) if syntax in _EIGHT_BITS else path
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(source))
    if not reader.Read():
        return None
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    if not change.Change():
        return None
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(out))
    if not writer.Write():
        return None
    content = out.read_bytes()
    end = _META_LENGTH + 4 + int.from_bytes(content[_META_LENGTH : _META_LENGTH + 4], "little")
    body = zlib.decompress(content[end:], -zlib.MAX_WBITS) if syntax == _DEFLATED else content[end:]
    return Seed(syntax, content[:end], body, tuple(uid.encode("ascii") for uid in uids))
