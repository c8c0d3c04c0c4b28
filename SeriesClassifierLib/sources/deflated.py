"""Deflated files: a few kilobytes may inflate to gigabytes, so the size is known before anything is read."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

MOST_INFLATED = 256 * 2**20
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_LONG = frozenset({b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"OD", b"OL", b"OV", b"UC", b"UR"})
_STEP = 2**20


class InflatedTooLargeError(Exception):
    """A deflated file that is larger than any image; the message says what to do."""


def check_inflated_size(path: str) -> None:
    """Raises InflatedTooLargeError for a deflated file of more than ``MOST_INFLATED`` bytes, OSError.

    Never holds more than a few megabytes; other files cost one short read.
    """
    with open(path, "rb") as file:
        start = file.read(132)
        if _DEFLATED not in start + file.read(4096):
            return
        file.seek(132 if start[128:] == b"DICM" else 0)
        _skip_meta(file)
        _inflate(file)


def _inflate(file: BinaryIO) -> None:
    inflating, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    left = b""
    try:
        while not inflating.eof and (left := left or file.read(_STEP)):
            total += len(inflating.decompress(left, _STEP))
            if total > MOST_INFLATED:
                raise InflatedTooLargeError(
                    f"the deflated file inflates to more than {MOST_INFLATED // 2**20} MB: send it again "
                    "from its source, uncompressed"
                )
            left = inflating.unconsumed_tail
    except zlib.error:  # pydicom will say so, and holds no more than what was counted here
        return


def _skip_meta(file: BinaryIO) -> None:
    """Go to the first element after the file's meta information (group 0002, explicit little endian)."""
    while len(head := file.read(8)) == 8:
        if head[:2] != b"\x02\x00":
            file.seek(-8, 1)
            return
        long = head[4:6] in _LONG
        size = file.read(4).ljust(4, b"\0") if long else head[6:] + b"\0\0"
        file.seek(struct.unpack("<I", size)[0], 1)
