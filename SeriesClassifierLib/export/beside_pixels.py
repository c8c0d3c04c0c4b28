"""Whether a file holds more than its image: text in the comments of compressed frames, bytes behind them."""

from __future__ import annotations

import logging
import warnings
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.export.codestreams import comments, fragments, tail
from SeriesClassifierLib.images.pixel_module import NATIVE, count, read_module, syntax_of

if TYPE_CHECKING:
    from pydicom import Dataset

logger = logging.getLogger(__name__)

# Larger files are not read for this: no form of an export takes more from them than decoded pixels.
_MOST_BYTES = 1 << 28
# The registration value of a comment of JPEG 2000 that is text (ISO 15444-1 A.9.2).
_LATIN = b"\0\1"
_ENCODERS = (b"JFIF", b"JFXX", b"Adobe", b"LEAD Technologies", b"Created by OpenJPEG", b"Kakadu")
_SIZES = ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames")


def holds_more_than_an_image(path: str) -> bool:
    """Whether bytes of the pixel data are no pixels. Nothing of them leaves in any form of an export: slices
    and volumes hold decoded values, DICOM files are written anew from those.
    """
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = read_module(path, with_pixels=True)
            pixels = module.get("PixelData")
    except Exception as error:  # whatever pydicom raises on broken bytes: the file leaves in no form
        logger.debug("pixel data could not be searched: %s", type(error).__name__)
        return False
    if not isinstance(pixels, bytes):
        return False
    if syntax_of(module) in NATIVE:
        return len(pixels) > _native_bytes(module) + 1
    streams = list(fragments(pixels))[1:]
    return any(tail(stream) or not all(map(_is_of_the_encoder, comments(stream))) for stream in streams)


def _is_of_the_encoder(comment: bytes) -> bool:
    """Whether a comment only names the file format or the program that encoded the image."""
    return comment.removeprefix(_LATIN).startswith(_ENCODERS)


def _native_bytes(module: Dataset) -> int:
    n_values = prod(count(module, keyword) or 1 for keyword in _SIZES)
    return (n_values * count(module, "BitsAllocated") + 7) // 8
