"""The typed records that travel between stages. They hold data and nothing else.

A tag value is what the file says, decoded but never guessed: a missing or unreadable value is simply absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

TagValue = str | float | tuple[str, ...] | tuple[float, ...]
UNKNOWN = "unknown"
# The task of the bundles that read headers alone.
HEADERS_TASK = "headers"


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


class Repair(str, Enum):
    """What was done to a value that violates the standard; the values are what people read."""

    DECIMAL_COMMA = "decimal comma"
    SEPARATORS = "separators"
    SEVERAL = "several values"
    FORMAT = "number format"
    REPRESENTATION = "wrong value representation"
    PADDING = "bytes behind a null character"
    ESCAPES = "escape sequences"
    CHARACTER_SET = "misspelled character set"
    CREATOR = "private creator in other letters"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, order=True)
class Repaired:
    """A tag that was repaired, or that could not be read (``Repair.UNREADABLE``)."""

    keyword: str
    repair: Repair


@dataclass(frozen=True, slots=True)
class Instance:
    """One image: a single-frame file, or one frame of a multi-frame file.

    ``tags`` maps pydicom keywords (and the names of ``sources.tags.PRIVATE_TAGS``) to decoded values.
    ``frame`` counts from 0; it is 0 for a single-frame file. ``content`` is a digest of its pixels where
    nothing in the header tells it from another image of its series, else "". ``repairs`` are the tags that
    hold no clean value.
    """

    path: str
    frame: int
    tags: Mapping[str, TagValue]
    content: str = ""
    repairs: tuple[Repaired, ...] = ()

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
    """All instances found for one SeriesInstanceUID in one study.

    ``problems`` says in words what could not be read, ``warnings`` what contradicts itself (UIDs that are
    used twice). A series without instances is a failed one; a file that could not even be assigned to a
    series is a Series with an empty ``series_uid``.
    """

    series_uid: str
    study_uid: str
    patient_id: str
    instances: tuple[Instance, ...]
    problems: tuple[str, ...] = ()
    description: str = ""
    series_number: int | None = None
    warnings: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """One study: the unit of work, because the series of a study explain each other."""

    study_uid: str
    patient_id: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Images of one series that belong together and get one label. ``index`` counts from 1 and is for people.

    ``key`` says what the part is, wherever it stands (``parts.part_key``); ``images`` are the digests that it
    rests on, as ``identity.pack`` joins them. ``values`` tell the part from the others of its series
    ("b=400", "TE=2.3"), ``split_by`` names the axes of the split ("b-value", "echo time"). ``time_index``
    counts from 0 when the parts are time points, else None. ``kept_together`` names the axis along which
    images of one slice differ where they were left in one part ("cardiac phase"), "" where only time may.
    """

    series_uid: str
    index: int
    n_parts: int
    instances: tuple[Instance, ...]
    b_value: float | None = None
    time_index: int | None = None
    split_by: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    kept_together: str = ""
    key: str = ""
    images: bytes = b""


@dataclass(frozen=True, slots=True)
class Fact:
    """A facet read exactly from the file, with the tag that says so."""

    facet: str
    value: str
    source: str


class Witness(str, Enum):
    """An independent source of opinion about a facet, or of a remark about the series."""

    FACT = "fact"  # a tag states the value exactly
    HEADER = "header"  # acquisition parameters
    IMAGE = "image"  # pixels
    JOINT = "joint"  # header and pixels, by one model
    WORDS = "words"  # what people wrote
    STUDY = "study"  # relations to the other series of the study
    FILE = "file"  # how the files are
    HUMAN = "human"  # a reviewer


class Reason(str, Enum):
    """Why a piece of evidence is there. ``explain.evidence_text`` has one sentence for each."""

    STATES = "states"  # the witness names the value
    SUGGESTS = "suggests"  # words name a value where no class was found
    TAGS_DISAGREE = "tags_disagree"  # the other tags look like another class than a tag names
    IMAGE_DISAGREES = "image_disagrees"  # the image looks like another class than a tag names
    WITNESSES_DISAGREE = "witnesses_disagree"  # header and image are each sure of another class
    JOINT_DISAGREES = "joint_disagrees"  # header and image together look like another class
    WORDS_DISAGREE = "words_disagree"  # the description names another class
    UNLIKE_LABEL = "unlike_label"  # header and image together do not look like the label
    HEADER_UNSURE = "header_unsure"  # the header names another class and is not sure of it
    SPIN_ECHO_DIXON = "spin_echo_dixon"  # a Dixon image of a spin echo
    MAP_SOURCE = "map_source"  # one of many volumes from which a relaxation map is computed
    UNEXPLAINED_REPETITION = "unexplained_repetition"  # slices are there several times, nothing says why
    FEW_PARAMETERS = "few_parameters"  # too few acquisition parameters
    OTHER_MODALITY = "other_modality"  # not a modality that a bundle knows
    NOT_CERTAIN = "not_certain"  # the best class is below the threshold of auto
    NO_CLASS = "no_class"  # no class reaches the threshold of an answer
    VOTED = "voted"  # the series of the study vote for the value
    AFTER_BOLUS = "after_bolus"  # so many seconds after the injection
    AFTER_CONTRAST = "after_contrast"  # so many seconds after the injection, by the order of the series
    BEFORE_CONTRAST = "before_contrast"  # before the first series with a contrast agent
    UNREADABLE = "unreadable"  # part of the files could not be read
    REPAIRED = "repaired"  # a value violates the standard and was repaired
    UNREADABLE_VALUE = "unreadable_value"  # a value cannot be read
    UNDECODABLE = "undecodable"  # a decoder crashed, hung or refused, and no image of the part was seen
    REPEATED_SOP_UID = "repeated_sop_uid"  # different images under one SOPInstanceUID
    NO_SOP_UID = "no_sop_uid"  # images without SOPInstanceUID
    SHARED_SERIES_UID = "shared_series_uid"  # several studies use the SeriesInstanceUID
    SEVERAL_PATIENTS = "several_patients"  # images of several patients in one series
    LABELED = "labeled"  # a reviewer named the value
    LABELED_OTHER_IMAGES = "labeled_other_images"  # a reviewer named it, but of other images
    RECORDED = "recorded"  # a sentence that an older version recorded


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for or against a label. Sentences are made from these fields, and nothing reads sentences.

    ``probability`` is that of ``value``; ``other`` is the value that it is held against; ``source`` names the
    tag, the series or the person that it rests on; ``number`` counts what the reason is about (images,
    studies, seconds, percent of votes); ``detail`` is free text of a person or a file, shown as it is.
    ``against`` speaks against the label; ``decisive`` marks what took the status ``auto`` away.
    """

    witness: Witness
    reason: Reason = Reason.STATES
    facet: str = ""
    value: str = ""
    probability: float | None = None
    other: str = ""
    source: str = ""
    number: float | None = None
    detail: str = ""
    against: bool = False
    decisive: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """The calibrated class probabilities that a witness gives for one facet, by the bundle of ``task``."""

    witness: Witness
    task: str
    facet: str
    classes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of one part, with everything needed to show it, store it and argue about it.

    The first group of fields is the public table (``publish.table.COLUMNS``); the last group is kept in the
    journal and the JSON output. ``confidence`` is the calibrated probability of the ``sequence`` that is
    shown, None where none is or a person named it. ``protocol`` is ``headers.protocol.protocol``; ``images``
    are those of ``part_key``, b"" where the journal keeps them.

    Fields that were added after the first version have defaults, so that older journals can be read.
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
    part_key: str = ""

    evidence: tuple[Evidence, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    fingerprint: str = ""
    bundle_digest: str = ""
    protocol: Mapping[str, str | float] = field(default_factory=dict)
    images: bytes = b""


PartId = tuple[str, str, str, int]


def part_id(prediction: Prediction) -> PartId:
    """Tells the parts of one state of a journal apart, also those of older versions, which have no key."""
    return (prediction.study_uid, prediction.series_uid, prediction.part_key, prediction.part)


def classes_of(
    opinions: Iterable[Opinion], facet: str, witness: Witness, task: str = ""
) -> Mapping[str, float]:
    """The probabilities that ``witness`` gives for ``facet``, {} where it abstains.

    With ``task`` those of the bundle of that task, else of the last one that was asked.
    """
    found: Mapping[str, float] = {}
    for opinion in opinions:
        if opinion.facet == facet and opinion.witness is witness and task in ("", opinion.task):
            found = opinion.classes
    return found
