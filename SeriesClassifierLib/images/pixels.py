"""Pixels of one image, decoded and never trusted."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from SeriesClassifierLib.images.codestream import claim_of
from SeriesClassifierLib.images.decoder import decoder
from SeriesClassifierLib.sources.deflated import check_inflated_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

_MOST_PIXELS = 64 * 2**20
# Decoders need many times the memory of what they decode.
_MOST_COMPRESSED = 16 * 2**20
_READ_WHOLE = 4 * 2**20
_ENOUGH = 1024
_NATIVE = frozenset(
    {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
)
_IMPLICIT = "1.2.840.10008.1.2"
_RLE = "1.2.840.10008.1.2.5"
_LUMA = (0.299, 0.587, 0.114)


class NoPictureError(Exception):
    """There is nothing to show; the message says why."""


class ClaimError(Exception):
    """A codestream that claims to be larger than its header says."""


def read_frame(path: str, frame: int) -> NDArray[np.float64]:
    """One frame (rows x columns), bright as people see it; other frames of the file are not decoded.

    Very large frames are thinned out. Raises NoPictureError, UndecodableError, OSError, or whatever pydicom
    raises on broken pixels.
    """
    import numpy as np

    header, pixels = _stored(path, frame)
    # A poster-sized image is thinned out first: nobody will see the difference in a thumbnail.
    step = max(1, max(pixels.shape[:2]) // _ENOUGH)
    pixels = pixels[::step, ::step].astype(np.float64)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] @ np.asarray(_LUMA)
    inverted = str(header.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
    return -pixels if inverted else pixels


def stored_frame(path: str, frame: int) -> NDArray[Any]:
    """The stored values of one frame, (rows, columns) or (rows, columns, samples), without rescale.

    Raises as ``read_frame`` does.
    """
    return _stored(path, frame)[1]


def _stored(path: str, frame: int) -> tuple[Dataset, NDArray[Any]]:
    import numpy as np
    import pydicom

    check_inflated_size(path)
    # A small file is read once and whole; of a large one only the frame that is asked for.
    whole = Path(path).stat().st_size <= _READ_WHOLE
    header = pydicom.dcmread(path, stop_before_pixels=not whole, force=True)
    if whole and not header:  # pydicom returns nothing where compressed pixels end before their delimiter
        whole = False
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    rows, columns, samples = (_count(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    if not rows or not columns:
        raise NoPictureError("not an image")
    n_pixels = rows * columns * max(1, samples)
    is_native = _syntax(header) in _NATIVE
    if n_pixels > (_MOST_PIXELS if is_native else _MOST_COMPRESSED):
        raise NoPictureError("image is too large")
    n_frames = max(1, _count(header, "NumberOfFrames"))
    if not 0 <= frame < n_frames:
        raise NoPictureError(f"there is no frame {frame + 1}")
    if is_native:
        return header, np.asarray(_decode(path, header, frame, n_frames, whole))
    return header, decoder().decode(path, frame, n_pixels)


def decode_here(path: str, frame: int) -> NDArray[Any]:
    """One compressed frame, decoded in this process: only the decoder's child may do that.

    Raises ClaimError, or whatever a decoder raises.
    """
    import numpy as np
    import pydicom

    with open(path, "rb") as file:
        header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        n_frames = max(1, _count(header, "NumberOfFrames"))
        _check_claim(header, _frame_bytes(file, frame, n_frames))
    return np.asarray(_decode(path, header, frame, n_frames, whole=False))


def _frame_bytes(file: BinaryIO, frame: int, n_frames: int) -> bytes:
    """The bytes of a frame of encapsulated pixel data, at whose element ``file`` stands.

    Raises EOFError where the file ends within the frame: half an image is none.
    """
    file.seek(12, 1)  # tag, VR, reserved, undefined length
    try:
        from pydicom.encaps import get_frame
    except ImportError:  # pydicom before version 3 reads frames from memory
        from pydicom.encaps import generate_pixel_data_frame

        return bytes(next(islice(generate_pixel_data_frame(file.read(), n_frames), frame, None)))
    return bytes(get_frame(_WholeReads(file), frame, number_of_frames=n_frames))


class _WholeReads:
    """A file in which what is asked for is there: a fragment that ends early raises EOFError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise EOFError
        return data


def _check_claim(header: Dataset, data: bytes) -> None:
    syntax = _syntax(header)
    rows, columns, samples = (_count(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    samples = max(1, samples)
    claim = claim_of(data, syntax)
    if syntax == _RLE:
        samples *= max(1, _count(header, "BitsAllocated") // 8)
    if claim is not None and claim.exceeds(rows, columns, samples):
        raise ClaimError


def _syntax(header: Dataset) -> str:
    """The transfer syntax; a file that names none is uncompressed."""
    meta = getattr(header, "file_meta", None)
    return str(meta.get("TransferSyntaxUID") or _IMPLICIT) if meta is not None else _IMPLICIT


def _decode(path: str, header: Dataset, frame: int, n_frames: int, whole: bool) -> Any:
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
    if n_frames * _count(dataset, "Rows") * _count(dataset, "Columns") > _MOST_PIXELS:
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


def _count(header: Dataset, keyword: str) -> int:
    """A whole number of the header; 0 when it is absent or nonsense."""
    try:
        return int(header.get(keyword) or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
