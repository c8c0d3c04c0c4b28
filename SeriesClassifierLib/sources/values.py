"""Turn raw element values into tag values: one place, for both readers, so that both give the same answer.

Dirty values never raise: what cannot be read as its VR asks is absent.
"""

from __future__ import annotations

import math
import struct

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.sources.tags import FREE_TEXT, NUMERIC_VR

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_MAX_TEXT = 1024
_MAX_VALUES = 64


def decode(
    keyword: str, vr: str, raw: bytes, little_endian: bool, encoding: str = "latin-1"
) -> TagValue | None:
    """Decode one element value. None when it is empty or not readable as ``vr``.

    DS and IS text becomes floats; numeric binary VRs too. A private value stored as UN or OB is decoded by
    its text if it is printable (Siemens and GE do so).
    """
    if not raw:
        return None
    if vr in _BINARY:
        return _binary(vr, raw, little_endian)
    text = raw[: 64 * _MAX_TEXT].decode(encoding, "replace")
    return from_text(keyword, vr, text)


def from_text(keyword: str, vr: str, text: str) -> TagValue | None:
    """A tag value from the text of an element, values separated by a backslash. None when nothing is left of
    it.
    """
    text = text.strip("\0 \t\r\n")
    if not text:
        return None
    if vr in NUMERIC_VR:
        return numbers(text.split("\\"))
    if keyword in FREE_TEXT:
        return clean(text)
    values = tuple(clean(v) for v in text.split("\\")[:_MAX_VALUES])
    if len(values) == 1:
        return values[0] or None
    return values if any(values) else None


def numbers(values: list[str] | list[float] | tuple[float, ...]) -> TagValue | None:
    """The finite numbers among ``values``: a float, a tuple of floats, or None when one of them is no number.

    A list with a hole in it has lost the meaning of its places, so one bad value makes the whole tag absent.
    """
    out: list[float] = []
    for value in values[:_MAX_VALUES]:
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        if not math.isfinite(number):
            return None
        out.append(number)
    if not out:
        return None
    return out[0] if len(out) == 1 else tuple(out)


def _binary(vr: str, raw: bytes, little_endian: bool) -> TagValue | None:
    code = _BINARY[vr]
    size = struct.calcsize(code)
    count = min(len(raw) // size, _MAX_VALUES)
    if not count:
        return None
    order = "<" if little_endian else ">"
    return numbers([float(v) for v in struct.unpack_from(f"{order}{count}{code}", raw)])


def clean(text: str) -> str:
    """Printable text of bounded length: control characters (which break tables and terminals) become spaces.
    """
    text = text[:_MAX_TEXT].strip("\0 ")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text).strip()
