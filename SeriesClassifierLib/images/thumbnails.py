"""Small grey pictures of a series for people, as PNG data URIs. Bad pixels give no picture but a reason."""

from __future__ import annotations

import base64
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.parts.geometry import in_slice_order
from SeriesClassifierLib.records import Instance, Part, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

logger = logging.getLogger(__name__)

LONGEST_SIDE = 128
_MOST_PIXELS = 64 * 2**20
_ENOUGH = 1024
_WINDOW_PERCENTILES = (1.0, 99.0)
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture as ``data:image/png;base64,...``, or an empty ``uri`` and the reason why there is none."""

    uri: str = ""
    reason: str = ""


class ThumbnailIndex:
    """Remembers where the middle image of every part is, and makes its thumbnail when it is asked for one.

    >>> index = ThumbnailIndex()
    >>> thumbnail = index(prediction)                               # doctest: +SKIP
    """

    def __init__(self, longest_side: int = LONGEST_SIDE) -> None:
        self._longest_side = longest_side
        self._places: dict[tuple[str, int], tuple[str, int]] = {}

    def add(self, part: Part) -> None:
        """Remember a part: a path and a frame number, nothing larger."""
        if part.instances:
            middle = middle_instance(part.instances)
            self._places[part.series_uid, part.index] = (middle.path, middle.frame)

    def __call__(self, prediction: Prediction) -> Thumbnail:
        place = self._places.get((prediction.series_uid, prediction.part))
        return file_thumbnail(*place, self._longest_side) if place else Thumbnail(reason="no images")


class _NoPictureError(Exception):
    """There is nothing to show; the message says why."""


def middle_instance(instances: Sequence[Instance]) -> Instance:
    """The image in the middle of a stack along its slice normal. ``instances`` must not be empty."""
    ordered = in_slice_order(instances)
    return ordered[len(ordered) // 2]


def thumbnail(instances: Sequence[Instance], longest_side: int = LONGEST_SIDE) -> Thumbnail:
    """The middle image of a part as a thumbnail. Never raises for what the file contains."""
    if not instances:
        return Thumbnail(reason="no images")
    middle = middle_instance(instances)
    return file_thumbnail(middle.path, middle.frame, longest_side)


def file_thumbnail(path: str, frame: int = 0, longest_side: int = LONGEST_SIDE) -> Thumbnail:
    """One frame (from 0) of a file as a thumbnail, its longest side at most ``longest_side`` pixels.

    Never raises for what the file contains.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Thumbnail(uri=_png_uri(to_grey(read_frame(path, frame)), longest_side))
    except _NoPictureError as error:
        return Thumbnail(reason=str(error))
    except OSError as error:
        return Thumbnail(reason=f"file cannot be read ({error.strerror or 'damaged'})")
    except MemoryError:
        return Thumbnail(reason="image is too large")
    except Exception as error:  # whatever a decoder raises on broken pixels is this picture's result
        logger.debug("no thumbnail: %s", type(error).__name__)
        return Thumbnail(reason=f"pixels cannot be decoded ({type(error).__name__})")


def read_frame(path: str, frame: int) -> NDArray[np.float64]:
    """One frame (rows x columns), bright as people see it; other frames of the file are not decoded.

    Very large frames are thinned out. Raises what the decoder raises.
    """
    import numpy as np
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    rows, columns, samples = (_count(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    if not rows or not columns:
        raise _NoPictureError("not an image")
    if rows * columns * max(1, samples) > _MOST_PIXELS:
        raise _NoPictureError("image is too large")
    n_frames = max(1, _count(header, "NumberOfFrames"))
    if not 0 <= frame < n_frames:
        raise _NoPictureError(f"there is no frame {frame + 1}")
    pixels = np.asarray(_decode(path, header, frame, n_frames))
    # A poster-sized image is thinned out first: nobody will see the difference in a thumbnail.
    step = max(1, max(rows, columns) // _ENOUGH)
    pixels = pixels[::step, ::step].astype(np.float64)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] @ np.asarray(_LUMA)
    inverted = str(header.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
    return -pixels if inverted else pixels


def to_grey(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Grey levels 0 to 255 between the 1st and 99th percentile of the finite values; others are black."""
    import numpy as np

    finite = np.isfinite(pixels)
    if not finite.any():
        raise _NoPictureError("no valid pixel values")
    values = pixels[finite]
    low, high = (float(p) for p in np.percentile(values, _WINDOW_PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    span = high - low if high > low else 1.0
    grey = np.clip((np.where(finite, pixels, low) - low) / span, 0.0, 1.0)
    return np.asarray(np.rint(grey * 255.0), dtype=np.uint8)


def _decode(path: str, header: Dataset, frame: int, n_frames: int) -> Any:
    try:
        from pydicom.pixels.utils import pixel_array
    except ImportError:
        return _decode_with_pydicom_2(path, frame, n_frames)
    if "TransferSyntaxUID" in getattr(header, "file_meta", {}):
        return pixel_array(Path(path), index=frame)
    return pixel_array(_without_meta(path), index=frame)


def _decode_with_pydicom_2(path: str, frame: int, n_frames: int) -> Any:
    """pydicom before version 3 only decodes whole files, so large ones are left alone."""
    dataset = _without_meta(path)
    if n_frames * _count(dataset, "Rows") * _count(dataset, "Columns") > _MOST_PIXELS:
        raise _NoPictureError("file is too large")
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


def _png_uri(grey: NDArray[np.uint8], longest_side: int) -> str:
    from PIL import Image

    image = Image.fromarray(grey)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
