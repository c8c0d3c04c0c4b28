"""The typed records that travel between stages. They hold data and nothing else.

A tag value is what the file says, decoded but never guessed: a missing or unreadable value is simply absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

TagValue = str | float | tuple[str, ...] | tuple[float, ...]
UNKNOWN = "unknown"


class Status(str, Enum):
    """How far a label may be trusted (DESIGN: only AUTO, CORRECTED and facts may be used without asking)."""

    AUTO = "auto"
    REVIEW = "review"
    UNKNOWN = "unknown"
    CORRECTED = "corrected"
    FAILED = "failed"


class DecidedBy(str, Enum):
    """What decided a label."""

    FACT = "fact"
    HEADER = "header"
    JOINT = "joint"
    STUDY = "study"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Instance:
    """One image: a single-frame file, or one frame of a multi-frame file.

    ``tags`` maps pydicom keywords (and the names of ``sources.tags.PRIVATE_TAGS``) to decoded values.
    ``frame`` counts from 0; it is 0 for a single-frame file.
    """

    path: str
    frame: int
    tags: Mapping[str, TagValue]

    def text(self, keyword: str) -> str:
        """The value as one string, multiple values joined by a backslash; empty when absent."""
        value = self.tags.get(keyword, "")
        if isinstance(value, tuple):
            return "\\".join(str(v) for v in value)
        return str(value)

    def tokens(self, keyword: str) -> tuple[str, ...]:
        """The values as upper-case strings without empty ones; () when absent."""
        value = self.tags.get(keyword)
        return _tokens(value) if value is not None else ()

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """The numeric values; () when absent or not numeric."""
        value = self.tags.get(keyword)
        if isinstance(value, float):
            return (value,)
        return _numbers(value) if isinstance(value, tuple) else ()

    def number(self, keyword: str) -> float | None:
        """The first numeric value, or None."""
        value = self.tags.get(keyword)
        if isinstance(value, float):
            return value
        numbers = _numbers(value) if isinstance(value, tuple) else ()
        return numbers[0] if numbers else None


# Cached, because the images of a series repeat most of their values.
@lru_cache(maxsize=16384)
def _tokens(value: TagValue) -> tuple[str, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(str(v).strip().upper() for v in values if str(v).strip())


@lru_cache(maxsize=16384)
def _numbers(values: tuple[str, ...] | tuple[float, ...]) -> tuple[float, ...]:
    return tuple(v for v in values if isinstance(v, float))


@dataclass(frozen=True, slots=True)
class Series:
    """All instances found for one SeriesInstanceUID.

    ``problems`` says in words what could not be read. A series without instances is a failed one; a file that
    could not even be assigned to a series is a Series with an empty ``series_uid``.
    """

    series_uid: str
    study_uid: str
    patient_id: str
    instances: tuple[Instance, ...]
    problems: tuple[str, ...] = ()
    description: str = ""
    series_number: int | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """One study: the unit of work, because the series of a study explain each other."""

    study_uid: str
    patient_id: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Images of one series that belong together and get one label. ``index`` counts from 1.

    ``split_by`` names what tells this part from its sisters ("b-value", "echo time", "time", "image type",
    "orientation"). ``time_index`` counts from 0 when the parts are time points, else None.
    """

    series_uid: str
    index: int
    n_parts: int
    instances: tuple[Instance, ...]
    b_value: float | None = None
    time_index: int | None = None
    split_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A facet read exactly from the file, with the tag that says so."""

    facet: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for (or against) a label, in words. ``kind`` is fact, header, picture, joint, study,
    description, conflict or warning.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of one part, with everything needed to show it, store it and argue about it.

    The first group of fields is the public table (``publish.table.COLUMNS``); the last group is kept in the
    journal and the JSON output. ``confidence`` is the calibrated probability that ``sequence`` is right.
    ``probabilities`` maps a facet to class probabilities; ``protocol`` is ``headers.protocol.protocol``.
    """

    patient_id: str
    study_uid: str
    series_uid: str
    part: int
    series_number: int | None
    description: str
    task: str
    label: str
    region: str
    sequence: str
    plane: str
    phase: str
    derived: str
    b_value: float | None
    confidence: float | None
    status: Status
    decided_by: DecidedBy
    bundle: str
    n_instances: int
    error: str = ""

    evidence: tuple[Evidence, ...] = ()
    probabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    fingerprint: str = ""
    bundle_digest: str = ""
    protocol: Mapping[str, str | float] = field(default_factory=dict)
