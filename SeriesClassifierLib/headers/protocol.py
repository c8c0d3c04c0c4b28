"""The protocol fingerprint: what a scanner was told to do, normalized so that the same protocol looks the
same tomorrow, on another patient, and under another name.

It holds acquisition parameters and the words of the description without numbers and remarks. It is small and
kept in the journal with every prediction, so that siblings are found without reading a file again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product

from SeriesClassifierLib.headers.features import field_strength
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import scan_options, sequence_family
from SeriesClassifierLib.parts.image_kind import image_kinds

Protocol = Mapping[str, str | float]

# What stays the same in a repeated protocol: name -> how much larger one value may be than the other.
# Scanners stretch TR and echo trains with the number of slices; echo and inversion times are chosen.
_TOLERANCE = {"tr": 1.35, "te": 1.12, "ti": 1.15, "flip": 1.25, "etl": 1.6, "b": 1.05, "thickness": 1.35}
_CODES = (
    "vendor",
    "field",
    "scanning",
    "variant",
    "family",
    "acquired",
    "kinds",
    "plane",
    "contrast",
    "time",
)
# Scanner software adds and drops these with breath holds and coils: they may differ.
_SAME_OPTIONS = frozenset(
    {"FAT_SAT", "WATER_EXCITE", "DIXON", "DIXON_WATER", "DIXON_FAT", "INVERSION", "T2_PREP"}
)
# Smaller times share a step: there, what is close is so by its difference.
_LEAST = 1e-3
_TELLING = ("tr", "te", "ti", "flip", "b", "scanning", "family")
_FEWEST_TELLING = 3
_WORD = re.compile(r"[^\W_]+")
# Remarks about a repetition, no part of the protocol's name.
_REMARKS = frozenset({"rr", "repeat", "repeated", "rpt", "redo", "wdh", "wiederholung", "wip", "new", "copy"})


def protocol(header: PartHeader) -> Protocol:
    """The fingerprint of a part: texts and numbers by name, what the header does not tell left out.

    Times are in ms, ``flip`` in degrees, ``thickness`` in mm, ``b`` in s/mm2, ``field`` in tesla. No
    identifier is in it.
    """
    instance = header.instance
    field = field_strength(instance)
    primary = instance.tokens("ImageType")[:1]
    families = {
        sequence_family(instance.text(keyword))
        for keyword in ("SequenceName", "PulseSequenceName", "GEPulseSequence", "PhilipsScanTechnique")
    }
    texts = {
        "words": words(instance.text("SeriesDescription") or instance.text("ProtocolName")),
        "vendor": header.vendor,
        "field": f"{round(field * 2) / 2:g}" if field is not None else "",
        "scanning": _joined(instance.tokens("ScanningSequence")),
        "variant": _joined(instance.tokens("SequenceVariant")),
        "options": _joined(scan_options(instance.tokens("ScanOptions")) & _SAME_OPTIONS),
        "family": _joined(families),
        "acquired": instance.text("MRAcquisitionType").upper(),
        "kinds": _joined((*primary, *image_kinds(instance.tokens("ImageType")))),
        "plane": _joined(header.planes),
        "contrast": "given" if instance.text("ContrastBolusAgent") else "",
        "time": "" if header.time_index is None else str(header.time_index),
    }
    numbers = {
        "tr": instance.number("RepetitionTime"),
        "te": instance.number("EchoTime"),
        "ti": instance.number("InversionTime"),
        "flip": instance.number("FlipAngle"),
        "etl": instance.number("EchoTrainLength"),
        "thickness": instance.number("SliceThickness"),
        "b": header.b_value,
    }
    return {
        **{name: text for name, text in texts.items() if text},
        **{name: float(f"{v:.4g}") for name, v in numbers.items() if v is not None and 0 <= v < 1e6},
    }


@lru_cache(maxsize=65536)
def words(description: str) -> str:
    """The words of a description, lower case, without numbers and without remarks about a repetition.

    >>> words("WIP t2_tse_tra_320_p2 (RR)"), words("mDIXON_W 3")
    ('t2 tse tra p2', 'mdixon w')
    """
    found = (word.lower() for word in _WORD.findall(description))
    return " ".join(word for word in found if not word.isdigit() and word not in _REMARKS)


def tells_enough(one: Protocol) -> bool:
    """Whether a fingerprint says so much that a second one like it is hardly by chance."""
    return sum(name in one for name in _TELLING) >= _FEWEST_TELLING


def same_protocol(one: Protocol, other: Protocol) -> bool:
    """Whether two parts were acquired alike, whatever they are called."""
    if any(one.get(name) != other.get(name) for name in (*_CODES, "options")):
        return False
    return all(_close(one.get(name), other.get(name), factor) for name, factor in _TOLERANCE.items())


def same_words(one: Protocol, other: Protocol) -> bool:
    """Whether two parts are called alike; False where one has no name."""
    return bool(one.get("words")) and one.get("words") == other.get("words")


def places(one: Protocol) -> tuple[str, ...]:
    """Names to look siblings up by: the first is the own one of a fingerprint, and all for which
    ``same_protocol`` can hold have their own among them. Few fingerprints share one.
    """
    codes = [one.get(name) for name in (*_CODES, "options")]
    steps = product(*(_steps(one.get(name), _TOLERANCE[name]) for name in ("te", "tr")))
    return tuple(json.dumps([*codes, *some]) for some in steps)


def _steps(value: str | float | None, factor: float) -> tuple[str | float | None, ...]:
    """The step of a value on a scale of factors, and those in which values lie that are close to it."""
    if value is None or isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        return (value,)
    # Somewhat wider than what is close, so that rounding does not matter.
    step = math.floor(math.log(max(value, _LEAST)) / math.log(1.01 * factor))
    return (step, step - 1, step + 1)


def _close(one: str | float | None, other: str | float | None, factor: float) -> bool:
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return one == other
    low, high = sorted((one, other))
    return high <= low * factor + 1e-9 if low > 0 else high == low


def _joined(values: Iterable[str]) -> str:
    return "\\".join(sorted({value for value in values if value}))
