"""Site rules: what people corrected again and again, as a sentence that a person can read and change.

A rule is a proposal (``propose_rules``) until somebody applies it (``apply_rules``). It is kept and edited in
a YAML file (``rule_files``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.curation import patterns
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.tokens import VENDORS
from SeriesClassifierLib.records import Prediction

# What a rule may ask of ``headers.protocol``: codes and, with their units, numbers.
CODES = ("kinds", "family", "scanning", "acquired", "plane")
RANGES: Mapping[str, str] = {
    "te": "ms",
    "tr": "ms",
    "ti": "ms",
    "flip": "degrees",
    "etl": "",
    "thickness": "mm",
    "b": "s/mm2",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_VALUE = re.compile(r"[A-Za-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class Condition:
    r"""What a part must be like; all that is given must hold.

    ``vendor`` is one of ``headers.tokens.VENDORS``; ``description`` a pattern (``curation.patterns``) that is
    searched in the SeriesDescription; ``codes`` maps names of the protocol to a value that stands there alone
    or among others; ``ranges`` maps numbers of the protocol to their smallest and largest value. Raises
    UsageError for what there is not, and for a condition that asks for a vendor at most.
    """

    vendor: str = ""
    description: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vendor and self.vendor not in VENDORS:
            raise UsageError(f"{self.vendor!r} is no vendor: use one of {', '.join(VENDORS)}")
        if self.description:
            patterns.check(self.description)
        for name, value in self.codes.items():
            if not is_code(name, value):
                raise UsageError(
                    f"{name} {value!r} is no code: use {', '.join(CODES)}, each with one word as its value"
                )
        for name, (low, high) in self.ranges.items():
            if name not in RANGES or not -math.inf < low <= high < math.inf:
                raise UsageError(
                    f"{name} {low} to {high} is no range: use {', '.join(RANGES)}, the smaller number first"
                )
        if not (self.description or self.codes or self.ranges):
            raise UsageError("the condition is too wide: give a description, a code or a range")


@dataclass(frozen=True, slots=True)
class SiteRule:
    """``then`` maps facets to the classes of the parts for which ``when`` holds.

    The rest is for people to judge it by, as it was when the rule was proposed: series that people corrected
    to it (``corrections``) or whose label they said is right (``confirmations``), the ``studies`` and
    ``readers`` of both, the parts that nobody named and it holds for (``others``), those of them whose label
    it ``changes``, and the parts of which people said otherwise (``contradictions``: 0 in every proposal).
    Raises UsageError, which names the rule, for what the vocabulary does not know.
    """

    name: str
    when: Condition
    then: Mapping[str, str]
    corrections: int = 0
    confirmations: int = 0
    studies: int = 0
    readers: int = 0
    others: int = 0
    changes: int = 0
    contradictions: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} is no name of a rule: use letters, digits, _ . and - (80 at most)"
            )
        if not self.then:
            raise UsageError(f"rule {self.name} says nothing: name a facet and its class")
        for facet, value in self.then.items():
            if value not in vocabulary.classes(facet):
                raise UsageError(f"rule {self.name}: {value!r} is no {facet}: use one of {_classes(facet)}")

    @property
    def text(self) -> str:
        """The rule as a line for people."""
        then = ", ".join(f"{facet} {value}" for facet, value in self.then.items())
        return f"{condition_text(self.when)} -> {then}"


def _classes(facet: str) -> str:
    return ", ".join(vocabulary.classes(facet))


def condition_text(when: Condition) -> str:
    r"""A condition in words.

    >>> condition_text(Condition("PHILIPS", r"mDIXON.*_W\b", ranges={"te": (1.1, 2.5)}))
    'Philips, description /mDIXON.*_W\\b/, te 1.1 to 2.5 ms'
    """
    vendor = [when.vendor.title() if len(when.vendor) > 3 else when.vendor] if when.vendor else []
    description = [f"description /{when.description}/"] if when.description else []
    codes = [f"{name} {value}" for name, value in when.codes.items()]
    ranges = [
        f"{name} {low:g} to {high:g} {RANGES[name]}".rstrip() for name, (low, high) in when.ranges.items()
    ]
    return ", ".join([*vendor, *description, *codes, *ranges])


def matches(rule: SiteRule, prediction: Prediction) -> bool:
    """Whether the condition of ``rule`` holds for a part, whatever its label."""
    when, protocol = rule.when, prediction.protocol
    return (
        (not when.vendor or protocol.get("vendor") == when.vendor)
        and all(value in codes_in(protocol.get(name)) for name, value in when.codes.items())
        and all(within(protocol.get(name), limits) for name, limits in when.ranges.items())
        and (not when.description or patterns.found(when.description, prediction.description))
    )


def differs(prediction: Prediction, then: Mapping[str, str]) -> bool:
    """Whether the label of a part is not what ``then`` says."""
    return any(getattr(prediction, facet) != value for facet, value in then.items())


def is_code(name: str, value: str) -> bool:
    """Whether a condition can ask for this value of a code."""
    return name in CODES and _VALUE.fullmatch(value) is not None


def codes_in(codes: str | float | None) -> list[str]:
    """The values that a code of the protocol holds together."""
    return str(codes).split("\\") if codes is not None else []


def within(number: str | float | None, limits: tuple[float, float]) -> bool:
    """Whether a number of the protocol is there and not outside of ``limits``."""
    return isinstance(number, (int, float)) and limits[0] <= number <= limits[1]
