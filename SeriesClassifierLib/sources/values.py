"""Turn raw element values into tag values: one place, for all readers, so that they give the same answer.

Dirty values never raise. What can only mean one thing is repaired, and the repair is reported; what cannot be
read as its VR asks, or may mean several things, is absent.
"""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache
from typing import NamedTuple

from SeriesClassifierLib.records import Repair, TagValue
from SeriesClassifierLib.sources.tags import FREE_TEXT, MULTIPLICITY, NUMERIC_VR, SINGLE, UNITS

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_WHOLE_BINARY = frozenset({"US", "SS", "UL", "SL", "UV", "SV"})
_NUMBER_TEXT = frozenset({"DS", "IS"})
_UNTYPED = frozenset({"", "UN", "OB", "OW"})
_MAX_TEXT = 1024
_MAX_VALUES = 64
_ESCAPE = b"\x1b"
_BLANKS = "\0 \t\r\n\xa0"
_AROUND_NUMBERS = f"{_BLANKS}\ufffd"
# A number as people and programs write it: D for E, a unit behind it.
_ANY_UNIT = r"MM|MS|MSEC|T|TESLA|DEG|DEGREES?|HZ|HZ/PX|%|S/MM\^?2"


@lru_cache(maxsize=64)
def _number(units: str) -> re.Pattern[str]:
    number = r"([-+]?(?:\d+\.?\d*|\.\d+))(?:[ED]([-+]?\d{1,3}))?"
    return re.compile(rf"{number}\s*(?:{units})?", re.IGNORECASE | re.ASCII)


# "2,700" may be two thousand seven hundred.
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


class Read(NamedTuple):
    """What came of one value: None where it is absent or unreadable, and what was done to it."""

    value: TagValue | None
    repair: Repair | None = None


_NOTHING = Read(None)


def decode(
    keyword: str, vr: str, raw: bytes, little_endian: bool, encoding: str = "latin-1"
) -> TagValue | None:
    """The value of ``read``."""
    return read(keyword, vr, vr, raw, little_endian, encoding).value


def from_text(keyword: str, vr: str, text: str) -> TagValue | None:
    """The value of ``read_text``."""
    return read_text(keyword, vr, text).value


def read(
    keyword: str, found_vr: str, vr: str, raw: bytes, little_endian: bool, encoding: str = "latin-1"
) -> Read:
    """Read one element value.

    Parameters
    ----------
    found_vr : the VR that the file states, "" where it states none
    vr : the VR of the dictionary. DS and IS become floats; numeric binary VRs, too
    encoding : Python's name of the character set of texts
    """
    if not raw:
        return _NOTHING
    use, is_other = _vr(found_vr, vr)
    if use in _BINARY:
        value = _binary(use, raw, little_endian)
        return Read(value, Repair.REPRESENTATION if is_other and value is not None else None)
    if not use:
        return Read(None, Repair.UNREADABLE)
    raw = raw[: 64 * _MAX_TEXT]
    if _ESCAPE in raw:
        # Escape sequences name their character set themselves, whatever SpecificCharacterSet says; only after
        # decoding a backslash is one.
        done = read_text(keyword, use, raw.decode("iso2022_jp_2", "replace").replace("\x1b", ""))
        return done if done.value is None else Read(done.value, done.repair or Repair.ESCAPES)
    # Numbers are ASCII; what else stands around them (a no-break space, a degree sign) is no part of them.
    done = read_text(keyword, use, raw.decode("ascii" if use in NUMERIC_VR else encoding, "replace"))
    return Read(done.value, done.repair or (Repair.REPRESENTATION if is_other else None))


@lru_cache(maxsize=1024)
def _vr(found: str, vr: str) -> tuple[str, bool]:
    """The VR to read with ("" for none), and whether the file states a wrong one."""
    if found in _UNTYPED or found == vr:
        return vr, False
    if vr in NUMERIC_VR:
        if found in _BINARY:
            return found, not (found in _WHOLE_BINARY and vr in _WHOLE_BINARY)
        if found in ("SQ", "AT"):
            return "", True
        return ("DS", False) if found in _NUMBER_TEXT and vr in _NUMBER_TEXT else ("DS", True)
    return (found, False) if found not in NUMERIC_VR and found != "SQ" else ("", True)


def read_text(keyword: str, vr: str, text: str) -> Read:
    """A tag value from the text of an element, values separated by a backslash."""
    text = text.strip(_AROUND_NUMBERS if vr in NUMERIC_VR else _BLANKS)
    if not text:
        return _NOTHING
    if vr in NUMERIC_VR:
        return _plain_numbers(keyword, vr, text) or _dirty_numbers(keyword, text)
    head, nul, _ = text.partition("\0")
    repair = Repair.PADDING if nul else None
    if keyword in FREE_TEXT:
        return Read(clean(head), repair)
    values = [clean(v) for v in head.split("\\")[:_MAX_VALUES]]
    if len(values) == 1:
        return Read(values[0] or None, repair if values[0] else None)
    while len(values) > 1 and not values[-1]:
        values.pop()
        repair = Repair.SEPARATORS
    if keyword == "Modality" and len(values) > 1:
        return Read(next(value for value in values if value), Repair.SEVERAL)
    if len(values) == 1:
        return Read(values[0] or None, repair if values[0] else None)
    return Read(tuple(values), repair)


def _plain_numbers(keyword: str, vr: str, text: str) -> Read | None:
    """Numbers as the standard wants them; None when they are not."""
    value = numbers(text.split("\\"))
    if value is None:
        return None
    if isinstance(value, tuple):
        if len(value) != MULTIPLICITY.get(keyword, len(value)):
            return Read(None, Repair.UNREADABLE)
        if keyword in SINGLE:  # an image has one echo time: which of two, nobody can say
            return Read(None, Repair.UNREADABLE)
    return Read(value, Repair.FORMAT if vr == "IS" and "." in text else None)


@lru_cache(maxsize=16384)
def _dirty_numbers(keyword: str, text: str) -> Read:
    """Numbers in a text that violates the standard, where it can only mean one thing."""
    repair = None
    head, nul, _ = text.partition("\0")
    if nul:
        repair = Repair.PADDING
    head = head.strip(f"{_AROUND_NUMBERS}\"'")
    if ";" in head:
        head, repair = head.replace(";", "\\"), Repair.SEPARATORS
    values = [value.strip(_BLANKS) for value in head.split("\\")]
    filled = [place for place, value in enumerate(values) if value]
    if not filled:
        return Read(None, Repair.UNREADABLE)
    # Empty values at the ends are left over from a separator; one in the middle lost its place.
    inner = values[filled[0] : filled[-1] + 1]
    if len(inner) < len(values):
        values, repair = inner, Repair.SEPARATORS
    wanted = MULTIPLICITY.get(keyword, 1)
    if len(values) == 1 and wanted > 1:
        for separator in (",", None):
            pieces = [piece.strip() for piece in values[0].split(separator)]
            if len(pieces) == wanted:
                values, repair = pieces, Repair.SEPARATORS
                break
    if any("," in value for value in values):
        if not _has_decimal_commas(values, wanted):
            return Read(None, Repair.UNREADABLE)
        values, repair = [value.replace(",", ".") for value in values], Repair.DECIMAL_COMMA
    units = UNITS.get(keyword, _ANY_UNIT)
    found = [_number(units).fullmatch(value) for value in values]
    plain = [f"{m.group(1)}e{m.group(2) or 0}" for m in found if m is not None]
    value = numbers(plain) if len(plain) == len(values) else None
    return Read(None, Repair.UNREADABLE) if value is None else Read(value, repair or Repair.FORMAT)


def _has_decimal_commas(values: list[str], wanted: int) -> bool:
    """Whether commas can only be decimal points: as many values as there must be, one comma each, no point,
    and no thousands.
    """
    if len(values) != wanted or any("." in value or value.count(",") > 1 for value in values):
        return False
    return wanted > 1 or not _THOUSANDS.fullmatch(values[0])


def numbers(values: list[str] | list[float] | tuple[float, ...]) -> TagValue | None:
    """The finite numbers among ``values``: a float, a tuple of floats, or None when one of them is no number.

    A list with a hole in it has lost the meaning of its places, so one bad value makes the whole tag absent.
    """
    out: list[float] = []
    for value in values[:_MAX_VALUES]:
        if isinstance(value, str) and "_" in value:  # Python's own way to write a number
            return None
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


# Character sets of one byte a character and UTF-8, however their names are spelled; of others (ISO 2022 with
# several bytes) pydicom knows the rules.
_CHARACTER_SETS = {
    "ISOIR6": "latin-1",
    "ISO2022IR6": "latin-1",
    "ASCII": "latin-1",
    "USASCII": "latin-1",
    "ISOIR100": "latin-1",
    "ISO2022IR100": "latin-1",
    "LATIN1": "latin-1",
    "ISO88591": "latin-1",
    "ISOIR192": "utf-8",
    "UTF8": "utf-8",
}
_STANDARD_NAMES = frozenset({"ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100", "ISO 2022 IR 100", "ISO_IR 192"})


def character_set(value: TagValue) -> tuple[str, Repair | None]:
    """Python's name of a SpecificCharacterSet, "" where pydicom must read it; and whether it is misspelled.
    """
    if not isinstance(value, str):
        return "", None
    encoding = _CHARACTER_SETS.get(re.sub(r"[\s_-]", "", value.upper()), "")
    return encoding, Repair.CHARACTER_SET if encoding and value not in _STANDARD_NAMES else None


def creator(raw: bytes | str) -> str:
    """A private creator as it is compared: archives change its letters, scanners pad it."""
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    return " ".join(text.replace("\0", " ").split()).upper()


def clean(text: str) -> str:
    """Printable text of bounded length: control characters (which break tables and terminals) become spaces.
    """
    text = text[:_MAX_TEXT].strip(_BLANKS)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text).strip()
