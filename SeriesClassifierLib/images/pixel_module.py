"""The Image Pixel module of a file (PS3.3 C.7.6.3) and one of its frames, as pydicom reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pydicom import Dataset

NATIVE = frozenset(
    {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
)
RLE = "1.2.840.10008.1.2.5"
MOST_PIXELS = 64 * 2**20
# A smaller file is read once and whole; of a larger one only the frame that is asked for.
READ_WHOLE = 4 * 2**20
IMPLICIT = "1.2.840.10008.1.2"
# What it takes to decode: pydicom makes an object of every tag that it is not told to pass over.
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_HEADER = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows",
    "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)  # fmt: skip


class NoPictureError(Exception):
    """There is nothing to show; the message says why."""


def read_module(file: str | BinaryIO, *, with_pixels: bool) -> Dataset:
    """The tags of the module, the file's meta information, and its pixels if wanted. Raises what pydicom
    raises.
    """
    import pydicom

    tags = [*_HEADER, *_PIXELS] if with_pixels else list(_HEADER)
    return pydicom.dcmread(file, stop_before_pixels=not with_pixels, force=True, specific_tags=tags)


def syntax_of(header: Dataset) -> str:
    """The transfer syntax; a file that names none is uncompressed."""
    meta = getattr(header, "file_meta", None)
    return str(meta.get("TransferSyntaxUID") or IMPLICIT) if meta is not None else IMPLICIT


def decode_frame(path: str, header: Dataset, frame: int, n_frames: int, whole: bool) -> Any:
    """The stored values of a frame; ``header`` holds the pixels if ``whole``. Raises what pydicom raises."""
    try:
        from pydicom.pixels.utils import pixel_array
    except ImportError:
        return _decode_with_pydicom_2(path, frame, n_frames)
    if "TransferSyntaxUID" in getattr(header, "file_meta", {}):
        return pixel_array(header if whole else Path(path), index=frame)
    return pixel_array(_without_meta(path), index=frame)


def _decode_with_pydicom_2(path: str, frame: int, n_frames: int) -> Any:
    """pydicom before version 3 only decodes whole files, so large ones are left alone."""
    dataset = _without_meta(path)
    if n_frames * count(dataset, "Rows") * count(dataset, "Columns") > MOST_PIXELS:
        raise NoPictureError("file is too large")
    pixels = dataset.pixel_array
    return pixels[frame] if n_frames > 1 else pixels


def _without_meta(path: str) -> Dataset:
    """A dataset whose transfer syntax is the one it was read with, when its file does not name one."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        explicit = not dataset.is_implicit_VR
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
    return dataset


def count(header: Dataset, keyword: str) -> int:
    """A whole number of the header; 0 when it is absent or nonsense."""
    try:
        return int(header.get(keyword) or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
