"""What is true now, as a pure function of what happened: the order of writing and merging does not count.

A human label follows the images that it was given to. A part shows it when its images are among those, or
when the same part gained images of the same kind; a part that only looks like the one that was labeled goes
to review.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from SeriesClassifierLib.identity import names, values_of
from SeriesClassifierLib.journal.events import Event, EventKind, facets_of, protocol_of, text_of
from SeriesClassifierLib.records import (
    UNKNOWN,
    DecidedBy,
    Evidence,
    Prediction,
    Reason,
    Status,
    Witness,
)
from SeriesClassifierLib.vocabulary import FACETS, label_text

Images = frozenset[bytes]
# Of a protocol: what stays the same when a part gains images. The number of images changes the rest.
_OF_THE_KIND = (
    "scanning", "variant", "family", "kinds", "plane", "contrast", "time", "te", "ti", "b", "flip"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What a person labeled: a part by its key, images and protocol.

    In journals of version 1 there is no key: ``part`` (None: all parts) of the series as the prediction of
    that time had it, by its ``fingerprint``, "" where there was none. ``patient_id`` is None where it was
    not written down.
    """

    study_uid: str
    series_uid: str
    part_key: str = ""
    images: Images = frozenset()
    part: int | None = None
    fingerprint: str = ""
    n_instances: int = 0
    protocol: Mapping[str, str | float] | None = None
    patient_id: str | None = None


class Match(Enum):
    """How a part relates to what a person labeled."""

    SAME = "same"  # these images, some of them, or more of the same kind
    OTHER_IMAGES = "other images"  # what stands in its place, with other images
    ANOTHER_PART = "another part"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said about a part. ``time`` is UTC as in ``Event``; corrections with the same ``step``
    were made as one act. ``part`` is the number that it had then; ``rule`` names the site rule that said it.
    """

    id: str
    part: int | None
    facets: Mapping[str, str]
    user: str
    note: str
    time: str = ""
    step: str = ""
    about: Subject = Subject("", "")
    rule: str = ""


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """A part that a person labeled. ``model`` is what the model says of it; ``facets`` is all that people
    said, later words over earlier ones; ``user``, ``time`` (UTC) and ``step`` are of the last of them.
    ``by_rule`` says that site rules alone labeled it.
    """

    model: Prediction
    facets: Mapping[str, str]
    user: str
    time: str
    step: str = ""
    by_rule: bool = False


def match(subject: Subject, prediction: Prediction, images: Images) -> Match:
    """How the part of ``prediction``, which has ``images``, relates to what was labeled."""
    is_known_study = bool(subject.part_key or subject.study_uid)
    if subject.series_uid != prediction.series_uid or (
        is_known_study and subject.study_uid != prediction.study_uid
    ):
        return Match.ANOTHER_PART
    if not subject.part_key:
        return _match_of_version_1(subject, prediction)
    found = _match_of_images(subject, prediction, images)
    if found is not Match.SAME or subject.patient_id is None:
        return found
    # Some anonymizers give two people the same UIDs: any other PatientID ("2" after "1") is another person.
    is_same_patient = subject.patient_id.strip() == prediction.patient_id.strip()
    return Match.SAME if is_same_patient else Match.OTHER_IMAGES


def _match_of_images(subject: Subject, prediction: Prediction, images: Images) -> Match:
    if prediction.part_key == subject.part_key:
        return Match.SAME
    if images and images <= subject.images:
        return Match.SAME
    in_its_place = values_of(prediction.part_key) == values_of(subject.part_key)
    if in_its_place and subject.images and subject.images < images and _same_kind(subject, prediction):
        return Match.SAME
    # By name: an image that came and shares all UIDs with one that was labeled changes the digests of both.
    is_known = bool(names(images) & names(subject.images))
    return Match.OTHER_IMAGES if in_its_place or is_known else Match.ANOTHER_PART


def _same_kind(subject: Subject, prediction: Prediction) -> bool:
    before, now = subject.protocol or {}, prediction.protocol
    return bool(before) and all(before.get(name) == now.get(name) for name in _OF_THE_KIND)


def _match_of_version_1(subject: Subject, prediction: Prediction) -> Match:
    """Without image digests only an unchanged series is known to be the same: all of its images are."""
    same_series = bool(subject.fingerprint) and subject.fingerprint == prediction.fingerprint
    if subject.part is None:
        return Match.SAME if same_series else Match.OTHER_IMAGES
    # Parts may be numbered anew: the part must also have as many images, of the very same protocol.
    same_part = (
        subject.n_instances == prediction.n_instances and dict(subject.protocol or {}) == prediction.protocol
    )
    if same_series and same_part and subject.part == prediction.part:
        return Match.SAME
    return Match.OTHER_IMAGES if subject.part == prediction.part else Match.ANOTHER_PART


def human_label(
    prediction: Prediction, corrections: Sequence[Correction], images: Images
) -> HumanLabel | None:
    """What people said of the part of ``prediction``, from the corrections of its series, oldest first."""
    mine = [c for c in corrections if match(c.about, prediction, images) is Match.SAME]
    if not mine:
        return None
    facets = {facet: value for correction in mine for facet, value in correction.facets.items()}
    last = mine[-1]
    by_rule = all(c.rule for c in mine)
    return HumanLabel(prediction, facets, last.user, last.time, last.step, by_rule)


def standing_corrections(
    events: Iterable[Event], subject_of: Mapping[str, Subject] | None = None
) -> list[Correction]:
    """The corrections of one series that nobody reverted, oldest first. ``subject_of`` gives by the id of an
    event what it is about.
    """
    ordered = sorted(events, key=lambda event: (event.time, event.id))
    undone = {text_of(event.payload, "undoes") for event in ordered if event.kind is EventKind.UNDO}
    subjects = subject_of or {}
    return [
        Correction(
            event.id,
            event.part,
            known_facets(event),
            event.actor,
            text_of(event.payload, "note"),
            event.time,
            event.batch or event.id,
            subjects.get(event.id) or subject(event),
            _rule_of(event),
        )
        for event in ordered
        if event.kind is EventKind.CORRECTION and event.id not in undone
    ]


# What version 1 wrote into the note of a correction by a rule, before the name of the rule.
_RULE_IN_VERSION_1 = "site rule "


def _rule_of(event: Event) -> str:
    note = event.payload.get("note", "")
    if not event.part_key and note.startswith(_RULE_IN_VERSION_1):
        return str(note.removeprefix(_RULE_IN_VERSION_1))
    return text_of(event.payload, "rule") if "rule" in event.payload else ""


def subject(event: Event, images: Images = frozenset()) -> Subject:
    """What an event with a part key is about."""
    return Subject(
        event.study_uid,
        event.series_uid,
        event.part_key,
        images,
        event.part,
        protocol=protocol_of(event.payload),
        patient_id=text_of(event.payload, "patient_id") if "patient_id" in event.payload else None,
    )


def known_facets(event: Event, name: str = "facets") -> dict[str, str]:
    """The facets of an event that this version knows."""
    facets = facets_of(event.payload, name)
    return {facet: facets[facet] for facet in FACETS if facet in facets}


def with_human_labels(
    prediction: Prediction, corrections: Sequence[Correction], images: Images = frozenset()
) -> Prediction:
    """The prediction with the corrections of its series laid over it; unchanged when none is about its part.

    A later correction of a facet replaces an earlier one. A human label has no calibrated probability, so
    ``confidence`` becomes None; the opinions stay those of the model. A label that was given to other images
    is not shown, and its part goes to review.
    """
    matches = [(c, match(c.about, prediction, images)) for c in corrections]
    mine = [c for c, how in matches if how is Match.SAME]
    if mine:
        return _corrected(prediction, mine)
    others = [c for c, how in matches if how is Match.OTHER_IMAGES]
    return _doubted(prediction, others[-1]) if others else prediction


def _corrected(prediction: Prediction, mine: Sequence[Correction]) -> Prediction:
    facets = {facet: getattr(prediction, facet) for facet in FACETS}
    evidence = list(prediction.evidence)
    for correction in mine:
        evidence += _evidence(correction, facets)
        facets.update(correction.facets)
    label = label_text(
        sequence=facets["sequence"],
        plane=facets["plane"],
        phase=facets["phase"],
        derived=facets["derived"],
        b_value=prediction.b_value,
    )
    return replace(
        prediction,
        **facets,
        label=label,
        confidence=None,
        status=Status.CORRECTED,
        decided_by=DecidedBy.HUMAN,
        evidence=tuple(evidence),
    )


def _doubted(prediction: Prediction, given: Correction) -> Prediction:
    """To review: a person labeled other images in the place of these."""
    reason = Evidence(
        Witness.HUMAN,
        Reason.LABELED_OTHER_IMAGES,
        value=" ".join(given.facets.values()),
        source=given.user,
        against=True,
        decisive=True,
    )
    return with_doubt(prediction, reason)


def with_doubt(prediction: Prediction, reason: Evidence) -> Prediction:
    """The prediction with a reason to look at it, which comes first, for it is what decided."""
    is_open = prediction.status in (Status.AUTO, Status.UNKNOWN)
    status = Status.REVIEW if is_open else prediction.status
    return replace(prediction, status=status, evidence=(reason, *prediction.evidence))


def unpredicted(series_uid: str, corrections: Sequence[Correction]) -> list[Prediction]:
    """The human labels of a series that no model has seen: of each part that was named, else of part 1."""
    if not corrections:
        return []
    out = []
    for part in sorted({c.part for c in corrections if c.part is not None}) or [1]:
        mine = [c for c in corrections if c.part in (None, part)]
        about = mine[-1].about
        unseen = nothing_known(series_uid, part)
        out.append(_corrected(replace(unseen, study_uid=about.study_uid, part_key=about.part_key), mine))
    return out


def nothing_known(series_uid: str, part: int) -> Prediction:
    """The label of a part about which nobody said anything."""
    return Prediction(
        patient_id="",
        study_uid="",
        series_uid=series_uid,
        part=part,
        series_number=None,
        description="",
        task="",
        label="?",
        region=UNKNOWN,
        sequence=UNKNOWN,
        plane=UNKNOWN,
        phase=UNKNOWN,
        derived=UNKNOWN,
        b_value=None,
        confidence=None,
        status=Status.UNKNOWN,
        decided_by=DecidedBy.HEADER,
        bundle="",
        n_instances=0,
    )


def _evidence(correction: Correction, before: Mapping[str, str]) -> list[Evidence]:
    return [
        Evidence(
            Witness.HUMAN,
            Reason.LABELED,
            facet=facet,
            value=value,
            other=before[facet] if before[facet] != value else "",
            source=correction.user,
            detail=correction.note,
        )
        for facet, value in correction.facets.items()
    ]
