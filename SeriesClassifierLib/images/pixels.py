"""Pixels of one image, decoded and never trusted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.images.decoder import decoder
from SeriesClassifierLib.images.pixel_module import (
    MOST_PIXELS,
    NATIVE,
    READ_WHOLE,
    NoPictureError,
    count,
    decode_frame,
    read_module,
    syntax_of,
)
from SeriesClassifierLib.sources.deflated import check_inflated_size
from SeriesClassifierLib.sources.header_scan import transfer_syntax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

# Decoders need many times the memory of what they decode.
_MOST_COMPRESSED = 16 * 2**20
_ENOUGH = 1024
_LUMA = (0.299, 0.587, 0.114)


def expect(paths: Iterable[str]) -> None:
    """Start the decoder if one of these files is compressed, so that it is there when their turn comes."""
    for path in paths:
        with suppress(OSError):  # whoever reads the file will say so
            if transfer_syntax(path) not in {"", *NATIVE}:
                decoder().start()
                return


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

    check_inflated_size(path)
    whole = Path(path).stat().st_size <= READ_WHOLE
    header = read_module(path, with_pixels=whole)
    if whole and not header:  # pydicom returns nothing where compressed pixels end before their delimiter
        whole = False
        header = read_module(path, with_pixels=False)
    rows, columns, samples = (count(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    if not rows or not columns:
        raise NoPictureError("not an image")
    n_pixels = rows * columns * max(1, samples)
    is_native = syntax_of(header) in NATIVE
    if n_pixels > (MOST_PIXELS if is_native else _MOST_COMPRESSED):
        raise NoPictureError("image is too large")
    n_frames = max(1, count(header, "NumberOfFrames"))
    if not 0 <= frame < n_frames:
        raise NoPictureError(f"there is no frame {frame + 1}")
    if is_native:
        return header, np.asarray(decode_frame(path, header, frame, n_frames, whole))
    return header, decoder().decode(path, frame, n_pixels)
