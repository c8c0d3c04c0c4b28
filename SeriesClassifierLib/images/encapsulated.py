"""Compressed frames, decoded in this process: only the decoder's child may do that."""

from __future__ import annotations

import os
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from SeriesClassifierLib.images.codestream import claim_of
from SeriesClassifierLib.images.pixel_module import (
    READ_WHOLE,
    RLE,
    count,
    decode_frame,
    read_module,
    syntax_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset


class ClaimError(Exception):
    """A codestream that claims to be larger than its header says."""


def decode_here(path: str, frame: int) -> NDArray[Any]:
    """The stored values of one compressed frame. Raises ClaimError, or whatever a decoder raises."""
    import numpy as np

    whole = os.stat(path).st_size <= READ_WHOLE
    header = read_module(path, with_pixels=whole)
    if "PixelData" in header:
        n_frames = max(1, count(header, "NumberOfFrames"))
        data = _frame_bytes(BytesIO(header.PixelData), frame, n_frames)
    else:
        whole = False
        with open(path, "rb") as file:
            header = read_module(file, with_pixels=False)
            file.seek(12, os.SEEK_CUR)  # tag, VR, reserved, undefined length
            n_frames = max(1, count(header, "NumberOfFrames"))
            data = _frame_bytes(file, frame, n_frames)
    _check_claim(header, data)
    return np.asarray(decode_frame(path, header, frame, n_frames, whole))


def _frame_bytes(file: BinaryIO, frame: int, n_frames: int) -> bytes:
    """The bytes of a frame of encapsulated pixel data, at whose value ``file`` stands.

    Raises EOFError where the file ends within the frame: half an image is none.
    """
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
    syntax = syntax_of(header)
    rows, columns, samples = (count(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel"))
    samples = max(1, samples)
    claim = claim_of(data, syntax)
    if syntax == RLE:
        samples *= max(1, count(header, "BitsAllocated") // 8)
    if claim is not None and claim.exceeds(rows, columns, samples):
        raise ClaimError
