"""What a compressed frame says of its own size, read before any decoder sees it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_RLE = "1.2.840.10008.1.2.5"
_JPEG_2000 = b"\xff\x4f\xff\x51"
# Start-of-frame markers of JPEG (SOF0 to SOF15 without DHT, JPG and DAC) and JPEG-LS (SOF55).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class Claim:
    """The size that a codestream states. For RLE, which states none, samples are byte segments of a pixel."""

    rows: int
    columns: int
    samples: int

    def exceeds(self, rows: int, columns: int, samples: int) -> bool:
        return self.rows > rows or self.columns > columns or self.samples > samples


def claim_of(frame: bytes, syntax: str) -> Claim | None:
    """The claim of one frame's bytes; None where it makes none that can be read."""
    try:
        if syntax == _RLE:
            return Claim(0, 0, struct.unpack_from("<I", frame)[0])
        start = frame.find(_JPEG_2000, 0, 4096)
        if start >= 0:
            return _jpeg_2000(frame, start)
        return _jpeg(frame)
    except struct.error:  # it ends before it says anything
        return None


def _jpeg_2000(frame: bytes, start: int) -> Claim:
    width, height, left, top = struct.unpack_from(">4I", frame, start + 8)
    samples = struct.unpack_from(">H", frame, start + 40)[0]
    return Claim(height - top, width - left, samples)


def _jpeg(frame: bytes) -> Claim | None:
    at = 2 if frame[:2] == b"\xff\xd8" else len(frame)
    while at + 4 <= len(frame):
        marker, length = frame[at + 1], struct.unpack_from(">H", frame, at + 2)[0]
        if frame[at] != 0xFF:
            return None
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            return Claim(*struct.unpack_from(">HHB", frame, at + 5))
        else:
            at += 2 + length
    return None
