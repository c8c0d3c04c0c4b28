"""The header of a part as plain JSON that may leave the site, and back.

The features of the header model are the same before and after (to the precision of a 32-bit float), and
``simulation.damage`` can take from it what it could take before. Identity, words that people wrote, dates,
times of day and private tags stay behind; a b-value and the family of a pulse sequence that only a private
tag told are carried as such.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from SeriesClassifierLib.errors import SeriesClassifierError
from SeriesClassifierLib.export.technical_tags import (
    FAMILY_WORDS,
    TECHNICAL,
    as_number,
    technical_tags,
)
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import sequence_family
from SeriesClassifierLib.records import TagValue

_PLANES = ("AX", "COR", "SAG", "OBL")
_COUNTS = {
    "n_instances": 0,
    "n_positions": 0,
    "n_orientations": 0,
    "series_b_values": 0,
    "series_echoes": 0,
    "series_times": 0,
}
_MEASURES = ("tilt", "extent", "b_value", "largest_pixel", "since_contrast")
_MOST = 1_000_000_000
# What said the b-value (``parts.diffusion``) -> our code for it, and the tag that says it again.
_B_SOURCES = (
    ("DiffusionBValue", "standard", "DiffusionBValue"),
    ("SequenceName", "sequence_name", "SequenceName"),
    ("ImageComments", "comment", "ImageComments"),
    ("Siemens (0019,xx0C)", "siemens", "SiemensBValue"),
    ("GE (0043,xx39)", "ge", "GEBValue"),
    ("Philips (2001,xx03)", "philips", "PhilipsBValue"),
    ("UIH (0065,xx09)", "uih", "UIHBValue"),
)
_CALCULATED = {
    "ImageType": "image_type",
    "b-value above the acquired range in SequenceName": "sequence_name",
}
# Where vendors name the pulse sequence: our code for it, and the private tag.
_PULSE_SEQUENCE = {"ge": "GEPulseSequence", "philips": "PhilipsScanTechnique"}
# Without it GE's number is only a b-value where the codes say echo planar.
_GE_FLAG = 1_000_000_000
_FIELDS = frozenset(
    {
        *("tags", "pulse_sequence", "planes", "b_source", "calculated", "time_index"),
        *_COUNTS,
        *_MEASURES,
    }
)


def header_to_json(header: PartHeader) -> dict[str, Any]:
    """``header`` as plain JSON types. Its tags are an allowlist (``technical_tags``), "" meaning that the tag
    was there.
    """
    sources = {source: code for source, code, _ in _B_SOURCES}
    return {
        "tags": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in sorted(technical_tags(header.tags).items())
        },
        "pulse_sequence": {
            code: sequence_family(header.instance.text(name))
            for code, name in _PULSE_SEQUENCE.items()
            if name in header.tags
        },
        "planes": [plane for plane in header.planes if plane in _PLANES],
        "b_source": sources.get(header.b_source, ""),
        "calculated": _CALCULATED.get(header.calculated, ""),
        "time_index": None if header.time_index is None else _count(header.time_index),
        **{name: _count(getattr(header, name)) for name in _COUNTS},
        **{name: _measure(getattr(header, name)) for name in _MEASURES},
    }


def header_from_json(values: Mapping[str, Any]) -> PartHeader:
    """The header that ``header_to_json`` wrote.

    Raises SeriesClassifierError for anything that it would not have written: unknown or missing fields, other
    types, tags or words that are not on its lists.
    """
    if not isinstance(values, Mapping):
        raise _malformed("it is no JSON object")
    if values.keys() != _FIELDS:
        raise _malformed("fields are missing or unknown")
    b_value = _read_measure(values, "b_value")
    b_source = _read_term(values, "b_source", ("", *(code for _, code, _ in _B_SOURCES)))
    calculated = {code: text for text, code in _CALCULATED.items()}
    tags = _read_tags(values["tags"]) | _read_pulse_sequence(values["pulse_sequence"])
    time_index = values["time_index"]
    return PartHeader(
        tags=_with_b_value(tags, b_source, b_value),
        planes=_read_planes(values["planes"]),
        b_source=next((source for source, code, _ in _B_SOURCES if code == b_source), ""),
        calculated=calculated.get(_read_term(values, "calculated", ("", *calculated)), ""),
        time_index=None if time_index is None else _read_count(values, "time_index"),
        told_apart_by="",  # no feature needs these
        is_unexplained=False,
        **{name: _read_count(values, name) for name in _COUNTS},
        tilt=_read_measure(values, "tilt"),
        extent=_read_measure(values, "extent"),
        b_value=b_value,
        largest_pixel=_read_measure(values, "largest_pixel"),
        since_contrast=_read_measure(values, "since_contrast"),
    )


def _count(value: int) -> int:
    return max(0, min(int(value), _MOST))


def _measure(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else as_number(value)


def _malformed(what: str) -> SeriesClassifierError:
    return SeriesClassifierError(f"this is no exported header ({what}): export it again")


def _read_count(values: Mapping[str, Any], name: str) -> int:
    value = values[name]
    if type(value) is not int or not 0 <= value <= _MOST:
        raise _malformed(f"{name} is no count")
    return value


def _read_measure(values: Mapping[str, Any], name: str) -> float | None:
    value = values[name]
    if value is None:
        return None
    number = _number(value)
    if number is None:
        raise _malformed(f"{name} is no number")
    return number


def _number(value: Any) -> float | None:
    """A finite number as float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _read_term(values: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = values[name]
    if not isinstance(value, str) or value not in known:
        raise _malformed(f"{name} is none of the known terms")
    return value


def _read_planes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > len(_PLANES) or any(p not in _PLANES for p in value):
        raise _malformed("planes are none of the known ones")
    return tuple(value)


def _read_tags(value: Any) -> dict[str, TagValue]:
    if not isinstance(value, Mapping):
        raise _malformed("its tags are no JSON object")
    if not value.keys() <= TECHNICAL:
        raise _malformed("a tag is not among those that are exported")
    tags = {name: _tag_value(one) for name, one in value.items()}
    cleaned = technical_tags(tags)
    for name, tag in tags.items():
        # Nine digits are what is written; more of them are no reason to refuse a number.
        if cleaned[name] != tag and not (_numeric(tag) and _numeric(cleaned[name])):
            raise _malformed("a tag has a value that is never exported")
    return cleaned


def _numeric(value: TagValue) -> bool:
    return isinstance(value, float) or (isinstance(value, tuple) and isinstance(value[0], float))


def _tag_value(value: Any) -> TagValue:
    """A JSON value as tag value. Raises SeriesClassifierError when it can be none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        if all(isinstance(one, str) for one in value):
            return tuple(value)
        numbers = [_number(one) for one in value]
        if None not in numbers:
            return tuple(number for number in numbers if number is not None)
    number = _number(value)
    if number is None:
        raise _malformed("a tag has no value of text or numbers")
    return number


def _read_pulse_sequence(value: Any) -> dict[str, TagValue]:
    if not isinstance(value, Mapping) or not value.keys() <= _PULSE_SEQUENCE.keys():
        raise _malformed("pulse_sequence is no list of known vendors")
    for family in value.values():
        if not isinstance(family, str) or (family and family not in FAMILY_WORDS):
            raise _malformed("pulse_sequence has an unknown family")
    return {_PULSE_SEQUENCE[code]: FAMILY_WORDS.get(family, "") for code, family in value.items()}


def _with_b_value(tags: dict[str, TagValue], b_source: str, b_value: float | None) -> dict[str, TagValue]:
    """The tags with the one that said the b-value, so that whoever loses tags can lose it too."""
    tag = next((tag for _, code, tag in _B_SOURCES if code == b_source), "")
    if b_value is None or not tag or tag in TECHNICAL:
        return tags
    if tag == "ImageComments":
        return {**tags, tag: f"b={b_value:.0f}"}
    return {**tags, tag: b_value + _GE_FLAG if tag == "GEBValue" else b_value}
