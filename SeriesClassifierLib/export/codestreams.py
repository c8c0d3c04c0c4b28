"""Where a compressed frame can hold text: its comments, and whatever stands behind its end (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_ITEM = b"\xfe\xff\x00\xe0"
# Segments with comments or data of applications: JPEG and JPEG-LS (APP0 to APP15, COM), JPEG 2000 (COM).
_COMMENTS = frozenset({*range(0xFFE0, 0xFFF0), 0xFFFE, 0xFF64})
_WITHOUT_LENGTH = frozenset({0xFF01, *range(0xFFD0, 0xFFDA), 0xFF4F, 0xFF93})
_START_OF_DATA = frozenset({0xFFDA, 0xFF90})
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
_END = b"\xff\xd9"


def fragments(value: bytes) -> Iterator[bytes]:
    """The items of encapsulated pixel data, the offset table first."""
    place = 0
    while place + 8 <= len(value) and value[place : place + 4] == _ITEM:
        (size,) = struct.unpack_from("<I", value, place + 4)
        yield value[place + 8 : place + 8 + size]
        place += 8 + size


def comments(stream: bytes) -> list[bytes]:
    """The contents of comments before the first coded data of a JPEG or JPEG 2000 stream."""
    out = []
    place = 0
    while place + 4 <= len(stream):
        marker = int.from_bytes(stream[place : place + 2], "big")
        if marker < 0xFF00 or marker in _START_OF_DATA:
            break
        if marker in _WITHOUT_LENGTH:
            place += 2
            continue
        size = int.from_bytes(stream[place + 2 : place + 4], "big")
        if marker in _COMMENTS:
            out.append(stream[place + 4 : place + 2 + size])
        place += 2 + max(size, 2)
    return out


def tail(stream: bytes) -> bytes:
    """What stands behind the end of a JPEG or JPEG 2000 stream, padding left out."""
    if not stream.startswith(_STARTS):
        return b""
    end = stream.rfind(_END)
    return stream[end + 2 :].strip(b"\0") if end >= 0 else b""
