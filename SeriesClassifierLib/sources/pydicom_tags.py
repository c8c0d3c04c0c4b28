"""The wanted tags of a pydicom data set, decoded exactly as the fast reader does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.records import Repair, Repaired, TagValue
from SeriesClassifierLib.sources.tags import NUMBER_TO_TAG, NUMERIC_VR, PRIVATE_BY_PLACE, PRIVATE_GROUPS
from SeriesClassifierLib.sources.values import Read, character_set, creator, numbers, read, read_text

if TYPE_CHECKING:
    from pydicom import Dataset

logger = logging.getLogger(__name__)

_UNDEFINED = 0xFFFFFFFF
_BINARY_VR = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "UV", "SV"})


def dataset_tags(dataset: Dataset, repairs: set[Repaired] | None = None) -> dict[str, TagValue]:
    """The wanted top-level tags of ``dataset``; ``repairs`` gets those that hold no clean value."""
    out: dict[str, TagValue] = {}
    reader = _Reader(dataset, set() if repairs is None else repairs)
    creators: dict[tuple[int, int], str] = {}
    for number in sorted(dataset.keys()):
        group, element = number >> 16, number & 0xFFFF
        tag = NUMBER_TO_TAG.get(int(number))
        if tag is not None:
            reader.put(out, tag.keyword, number, tag.vr)
        elif group in PRIVATE_GROUPS:
            if 0x10 <= element <= 0xFF:
                creators[group, element] = str(dataset[number].value)
                continue
            private = PRIVATE_BY_PLACE.get((group, element & 0xFF))
            found = creators.get((group, element >> 8), "")
            if private is not None and creator(found) == creator(private.creator):
                is_other = found.strip("\0 ") != private.creator
                reader.put(out, private.name, number, private.vr, Repair.CREATOR if is_other else None)
    return out


def is_cut(dataset: Dataset) -> bool:
    """Whether a file ended within a value: what was read of it is no value."""
    for number in dataset.keys():  # noqa: SIM118  a data set iterates over elements
        raw: Any = dataset.get_item(number)
        value, length = getattr(raw, "value", None), getattr(raw, "length", None)
        if isinstance(value, bytes) and isinstance(length, int) and len(value) < length < _UNDEFINED:
            return True
    return False


class _Reader:
    """Reads the elements of one data set."""

    def __init__(self, dataset: Any, repairs: set[Repaired]) -> None:
        self._dataset = dataset
        self._repairs = repairs
        stated = _plain(dataset.get("SpecificCharacterSet")) if "SpecificCharacterSet" in dataset else ""
        self._encoding, repair = character_set(stated) if stated else ("latin-1", None)
        if repair is not None:
            repairs.add(Repaired("SpecificCharacterSet", repair))

    def put(
        self, out: dict[str, TagValue], keyword: str, number: int, vr: str, repair: Repair | None = None
    ) -> None:
        """Keep one element's value, if it has one."""
        done = self._element(keyword, number, vr)
        if done.value is not None:
            out[keyword] = done.value
        if done.repair or repair:
            self._repairs.add(Repaired(keyword, done.repair or repair or Repair.UNREADABLE))

    def _element(self, keyword: str, number: int, vr: str) -> Read:
        raw = self._dataset.get_item(number)
        if raw is None:
            return Read(None)
        if getattr(raw, "is_raw", False) and isinstance(raw.value, bytes):
            if raw.VR == "SQ":
                return Read(None)
            is_ours = raw.value.isascii() or vr in NUMERIC_VR or raw.VR in _BINARY_VR
            if is_ours or self._encoding or b"\x1b" in raw.value:
                encoding = self._encoding or "latin-1"
                return read(keyword, raw.VR or "", vr, raw.value, raw.is_little_endian, encoding)
        try:
            value = self._dataset[number].value
        except Exception as error:  # pydicom raises many kinds; an unreadable tag is an absent one
            logger.debug("unreadable element %08x: %s", number, type(error).__name__)
            return Read(None, Repair.UNREADABLE)
        return read_plain(keyword, vr, value)


def read_plain(keyword: str, vr: str, value: Any) -> Read:
    """Read a pydicom value (text, number, MultiValue, bytes)."""
    if value is None or isinstance(value, Mapping):
        return Read(None)
    if isinstance(value, bytes):
        return read(keyword, "", vr, value, True)
    if isinstance(value, (int, float)):
        return Read(numbers([float(value)]))
    return read_text(keyword, vr, _plain(value))


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return "\\".join(str(one) for one in value)
    except TypeError:
        return str(value)
