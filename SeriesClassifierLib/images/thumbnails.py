"""Small grey pictures of a series for people, as PNG data URIs. Bad pixels give no picture but a reason."""

from __future__ import annotations

import base64
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from SeriesClassifierLib.images.decoder import UndecodableError
from SeriesClassifierLib.images.pixel_module import NoPictureError
from SeriesClassifierLib.images.pixels import read_frame
from SeriesClassifierLib.images.slices import choose
from SeriesClassifierLib.parts.geometry import in_slice_order
from SeriesClassifierLib.parts.image_gate import is_picture
from SeriesClassifierLib.records import Instance, Part, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

LONGEST_SIDE = 128
_WINDOW_PERCENTILES = (1.0, 99.0)


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
        self._places: dict[str, tuple[str, int]] = {}

    def add(self, part: Part) -> None:
        """Remember a part: a path and a frame number, nothing larger."""
        middle = middle_instance(part.instances)
        if middle is not None:
            self._places[part.key] = (middle.path, middle.frame)

    def __call__(self, prediction: Prediction) -> Thumbnail:
        place = self._places.get(prediction.part_key)
        return file_thumbnail(*place, self._longest_side) if place else Thumbnail(reason="no images")


def middle_instance(instances: Sequence[Instance]) -> Instance | None:
    """The image in the middle of a stack along its slice normal; None when none may be shown."""
    ordered = in_slice_order([instance for instance in instances if is_picture(instance)])
    return ordered[len(ordered) // 2] if ordered else None


def picture_places(part: Part, n: int) -> list[tuple[str, int]]:
    """(path, frame) of at most ``n`` images of a part, at equidistant slice positions."""
    return [(instance.path, instance.frame) for instance in choose(part.instances, n)]


def thumbnail(instances: Sequence[Instance], longest_side: int = LONGEST_SIDE) -> Thumbnail:
    """The middle image of a part as a thumbnail. Never raises for what the file contains."""
    middle = middle_instance(instances)
    if middle is None:
        return Thumbnail(reason="no images")
    return file_thumbnail(middle.path, middle.frame, longest_side)


def file_thumbnail(path: str, frame: int = 0, longest_side: int = LONGEST_SIDE) -> Thumbnail:
    """One frame (from 0) of a file as a thumbnail, its longest side at most ``longest_side`` pixels.

    Never raises for what the file contains.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Thumbnail(uri=_png_uri(to_grey(read_frame(path, frame)), longest_side))
    except (NoPictureError, UndecodableError) as error:
        return Thumbnail(reason=str(error))
    except OSError as error:
        return Thumbnail(reason=f"file cannot be read ({error.strerror or 'damaged'})")
    except MemoryError:
        return Thumbnail(reason="image is too large")
    except Exception as error:  # whatever a decoder raises on broken pixels is this picture's result
        logger.debug("no thumbnail: %s", type(error).__name__)
        return Thumbnail(reason=f"pixels cannot be decoded ({type(error).__name__})")


def grey_uri(slices: NDArray[np.uint8], longest_side: int = LONGEST_SIDE) -> str:
    """The middle one of prepared slices (S, side, side) as a data URI; "" where there is none."""
    return _png_uri(slices[len(slices) // 2], longest_side) if len(slices) else ""


def to_grey(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Grey levels 0 to 255 between the 1st and 99th percentile of the finite values; others are black."""
    import numpy as np

    finite = np.isfinite(pixels)
    if not finite.any():
        raise NoPictureError("no valid pixel values")
    values = pixels[finite]
    low, high = (float(p) for p in np.percentile(values, _WINDOW_PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    span = high - low if high > low else 1.0
    grey = np.clip((np.where(finite, pixels, low) - low) / span, 0.0, 1.0)
    return np.asarray(np.rint(grey * 255.0), dtype=np.uint8)


def _png_uri(grey: NDArray[np.uint8], longest_side: int) -> str:
    from PIL import Image

    image = Image.fromarray(grey)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
