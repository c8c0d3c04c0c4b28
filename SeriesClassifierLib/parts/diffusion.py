"""b-values, wherever vendors keep them, and whether the image was acquired or calculated.

Sources: PS3.3 C.8.13.5.9 (standard); conformance statements of Siemens, GE, Philips, Canon and UIH (private
tags).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from SeriesClassifierLib.parts.image_kind import image_kinds
from SeriesClassifierLib.records import Instance

# Siemens: "*ep_b800t", "ep_b1000#12"; a range "*ep_b50_800" names the acquired values of a map computed from
# them.
# The two letters before "_b" name the readout: ep (EPI), re (readout-segmented), ez (zoomed).
_SEQUENCE_NAME = re.compile(r"\b[a-z]{2}_b(\d{1,5})(?!\d|_\d)", re.IGNORECASE)
_SEQUENCE_RANGE = re.compile(r"\b[a-z]{2}_b(\d{1,5})_(\d{1,5})", re.IGNORECASE)
# Canon: "b=1500(0.445,0.000,0.895)".
_COMMENT = re.compile(r"\bb ?= ?(\d{1,5})", re.IGNORECASE)
# GE adds a multiple of 1e9 as a flag.
_GE_FLAG = 1_000_000_000
# Less than this is none, more is no b-value.
_LEAST = 0.5
_MOST = 50_000.0
# The largest value (s/mm2) that scanners report for an image without diffusion weighting.
_MOST_OF_NONE = 5.0
# Below it b-values are those of perfusion, sampled densely.
_SMALL = 35.0
_TAGS = (
    ("DiffusionBValue", "DiffusionBValue"),
    ("SiemensBValue", "Siemens (0019,xx0C)"),
    ("PhilipsBValue", "Philips (2001,xx03)"),
    ("UIHBValue", "UIH (0065,xx09)"),
)


@dataclass(frozen=True, slots=True)
class BValue:
    """A b-value in s/mm2 and the tag it was read from."""

    value: float
    source: str


def b_value(instance: Instance) -> BValue | None:
    """The b-value of an image, or None when nothing says that it is one of a diffusion acquisition."""
    for name, source in _TAGS:
        value = instance.number(name)
        if value is not None and _GE_FLAG <= value <= _GE_FLAG + _MOST:
            return BValue(value - _GE_FLAG, source)
        if value is not None and _LEAST <= value <= _MOST:
            return BValue(value, source)
    diffusion_words = _diffusion_words(instance)
    ge = instance.number("GEBValue")
    if ge is not None and ge > 0 and ("EP" in instance.tokens("ScanningSequence") or ge >= _GE_FLAG):
        value = ge % _GE_FLAG
        if value <= _MOST and (value or diffusion_words):
            return BValue(value, "GE (0043,xx39)")
    for keyword, pattern in (("SequenceName", _SEQUENCE_NAME), ("ImageComments", _COMMENT)):
        found = pattern.search(instance.text(keyword))
        if found and float(found.group(1)) <= _MOST:
            return BValue(float(found.group(1)), keyword)
    # A zero in a diffusion tag is only the b=0 image of a diffusion series when something else says
    # diffusion:
    # Philips writes it into every image.
    if diffusion_words:
        for name, source in _TAGS:
            value = instance.number(name)
            if value is not None and 0 <= value < _LEAST:
                return BValue(0.0, source)
    return None


def is_calculated(instance: Instance) -> str:
    """The tag that says the b-value image was computed and not acquired; empty when none does."""
    if "CALC_BVAL" in image_kinds(instance.tokens("ImageType")):
        return "ImageType"
    acquired = _SEQUENCE_RANGE.search(instance.text("SequenceName"))
    value = instance.number("SiemensBValue") or instance.number("DiffusionBValue")
    if acquired and value and value > float(acquired.group(2)):
        return "b-value above the acquired range in SequenceName"
    return ""


def cluster(values: Sequence[float]) -> dict[float, float]:
    """Map each b-value to its cluster's center: scanners report 995, 1000 and 1005 for one shell, and up to 5
    for none. Values that were chosen to differ (0, 10, 20, 30 of an IVIM series) stay apart.

    >>> cluster([0.0, 995.0, 1000.0, 1005.0])
    {0.0: 0.0, 995.0: 1000.0, 1000.0: 1000.0, 1005.0: 1000.0}
    >>> cluster([0.0, 5.0, 10.0])
    {0.0: 0.0, 5.0: 5.0, 10.0: 10.0}
    """
    ordered = sorted(set(values))
    # Beside other small values one of 5 was chosen, too.
    none = _LEAST if any(_MOST_OF_NONE < value < _SMALL for value in ordered) else _MOST_OF_NONE
    groups: list[list[float]] = []
    for value in ordered:
        if groups and _is_one_shell(groups[-1][0], value, none):
            groups[-1].append(value)
        else:
            groups.append([value])
    return {value: group[len(group) // 2] for group in groups for value in group}


def _is_one_shell(first: float, value: float, none: float) -> bool:
    if first <= none:
        return value <= none
    # Small values are given exactly, unless they are measured ones (98.7).
    exact = value < _SMALL and value == int(value) and first == int(first)
    return value - first <= max(1.0 if exact else 2.5, 5.0 if value >= _SMALL else 0.0, 0.03 * value)


def _diffusion_words(instance: Instance) -> bool:
    kinds = image_kinds(instance.tokens("ImageType"))
    return bool(
        kinds & {"DIFFUSION", "TRACE", "ADC", "FA", "EADC", "CALC_BVAL"}
        or "DIFFUSION" in instance.tokens("AcquisitionContrast")
        or _SEQUENCE_NAME.search(instance.text("SequenceName"))
        or any("DIFF" in option for option in instance.tokens("ScanOptions"))
    )
