"""Pixels of one image, decoded and never trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

_MOST_PIXELS = 64 * 2**20
_READ_WHOLE = 4 * 2**20
_ENOUGH = 1024
_LUMA = (0.299, 0.587, 0.114)


class NoPictureError(Exception):
    """There is nothing to show; the message says why."""


def read_frame(path: str, frame: int) -> NDArray[np.float64]:
    """One frame (rows x columns), bright as people see it; other frames of the file are not decoded.

    Very large frames are thinned out. Raises NoPictureError, OSError, or whatever a decoder raises on broken
    pixels.
    """
    import numpy as np
    import pydicom

    # A small file is read once and whole; of a large one only the frame that is asked for.
    whole = Path(path).stat().st_size <= _READ_WHOLE
    header = pydicom.dcmread(path, stop_before_pixels=not whole, force=True)
    rows, columns, samples = (_count(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    if not rows or not columns:
        raise NoPictureError("not an image")
    if rows * columns * max(1, samples) > _MOST_PIXELS:
        raise NoPictureError("image is too large")
    n_frames = max(1, _count(header, "NumberOfFrames"))
    if not 0 <= frame < n_frames:
        raise NoPictureError(f"there is no frame {frame + 1}")
    pixels = np.asarray(_decode(path, header, frame, n_frames, whole))
    # A poster-sized image is thinned out first: nobody will see the difference in a thumbnail.
    step = max(1, max(rows, columns) // _ENOUGH)
    pixels = pixels[::step, ::step].astype(np.float64)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] @ np.asarray(_LUMA)
    inverted = str(header.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
    return -pixels if inverted else pixels


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


def stored_frame(path: str, frame: int) -> NDArray[Any]:
    """One frame's stored values (rows x columns), without rescale, window or inversion.

    Raises NoPictureError, OSError, or whatever a decoder raises on broken pixels.
    """
    import numpy as np
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    if _count(header, "Rows") * _count(header, "Columns") > _MOST_PIXELS:
        raise NoPictureError("image is too large")
    n_frames = max(1, _count(header, "NumberOfFrames"))
    if not 0 <= frame < n_frames:
        raise NoPictureError(f"there is no frame {frame + 1}")
    return np.asarray(_decode(path, header, frame, n_frames, False))
