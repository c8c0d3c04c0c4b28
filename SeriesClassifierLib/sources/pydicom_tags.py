"""The wanted tags of a pydicom data set, decoded exactly as the fast reader does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.sources.tags import NUMBER_TO_TAG, PRIVATE_BY_PLACE, PRIVATE_GROUPS
from SeriesClassifierLib.sources.values import decode, from_text, numbers

if TYPE_CHECKING:
    from pydicom import Dataset

logger = logging.getLogger(__name__)


def dataset_tags(dataset: Dataset) -> dict[str, TagValue]:
    """The wanted top-level tags of ``dataset``."""
    out: dict[str, TagValue] = {}
    creators: dict[tuple[int, int], str] = {}
    for number in sorted(dataset.keys()):
        group, element = number >> 16, number & 0xFFFF
        tag = NUMBER_TO_TAG.get(int(number))
        if tag is not None:
            _put(out, dataset, tag.keyword, number, tag.vr)
        elif group in PRIVATE_GROUPS:
            if 0x10 <= element <= 0xFF:
                creators[group, element] = str(dataset[number].value).strip("\0 ")
                continue
            private = PRIVATE_BY_PLACE.get((group, element & 0xFF))
            if private is not None and creators.get((group, element >> 8)) == private.creator:
                _put(out, dataset, private.name, number, private.vr)
    return out


def _put(out: dict[str, TagValue], dataset: Any, keyword: str, number: int, vr: str) -> None:
    value = _element_value(dataset, keyword, number, vr)
    if value is not None:
        out[keyword] = value


def _element_value(dataset: Any, keyword: str, number: int, default_vr: str) -> TagValue | None:
    """One element's value; None when pydicom cannot convert it."""
    raw = dataset.get_item(number)
    if raw is None:
        return None
    if getattr(raw, "is_raw", False) and isinstance(raw.value, bytes):
        vr = raw.VR if raw.VR not in (None, "UN", "OB", "OW") else default_vr
        if vr == "SQ":
            return None
        try:
            raw.value.decode("ascii")
            return decode(keyword, vr, raw.value, raw.is_little_endian)
        except UnicodeDecodeError:
            if vr not in ("CS", "DS", "IS", "LO", "LT", "SH", "ST", "TM", "DT", "UI"):
                return decode(keyword, vr, raw.value, raw.is_little_endian)
    try:
        value = dataset[number].value
    except Exception as error:  # pydicom raises many kinds here; an unreadable optional tag is an absent one
        logger.debug("unreadable element %08x: %s", number, type(error).__name__)
        return None
    return plain_value(keyword, default_vr, value)


def plain_value(keyword: str, vr: str, value: Any) -> TagValue | None:
    """A pydicom value (text, number, MultiValue, bytes) as a tag value."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return decode(keyword, vr, value, True)
    if isinstance(value, (int, float)):
        return numbers([float(value)])
    if isinstance(value, str):
        return from_text(keyword, vr, value)
    if isinstance(value, Mapping):
        return None
    try:
        return from_text(keyword, vr, "\\".join(str(v) for v in value))
    except TypeError:
        return from_text(keyword, vr, str(value))
