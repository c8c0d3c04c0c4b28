"""The header's decision and what the image adds to it: one label, trusted less where they disagree.

Facts stay. Where header and image are both sure of different classes, nobody is believed: the label goes to
review. A task's OTHER means that none of its classes fits, and the header's answer stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import (
    ENHANCING,
    Decision,
    Thresholds,
    doubt,
    possible,
    same_family,
    status_of,
    tells_enough,
    too_few_parameters,
    words_about,
)
from SeriesClassifierLib.inference.picture_model import ThreeAnswers
from SeriesClassifierLib.records import (
    UNKNOWN,
    DecidedBy,
    Evidence,
    Opinion,
    Reason,
    Status,
    Witness,
    classes_of,
)

# From this calibrated probability on, one modality alone is sure enough for its disagreement to count.
_SURE = 0.8
# From this one on the header may name what the task has no class for.
_LIKELY = 0.6
# Below this one a class is hardly possible.
_HARDLY = 0.2
# An image must be this sure before it may cast doubt on what a tag states.
_DOUBT_A_FACT = 0.97
_NONE_OF_THESE = "OTHER"
# A phase that may still become more exact -> what it cannot become.
_OPEN_PHASES: Mapping[str, tuple[str, ...]] = {UNKNOWN: ("", "NONE"), "POST": ("", "NONE", "PRE")}


def combine(
    header: PartHeader, decision: Decision, answers: ThreeAnswers, thresholds: Thresholds
) -> Decision:
    """The header's decision with what an image bundle adds to it.

    Parameters
    ----------
    header : what the file says of the part
    decision : the header's, from ``decide``
    answers : what the image bundle says of the part
    thresholds : facet -> "auto" and "review" -> lowest probability, of the bundle that gave ``answers``
    """
    answers = replace(
        answers,
        header=possible(header, answers.header),
        picture=possible(header, answers.picture),
        joint=possible(header, answers.joint),
    )
    best, top = _top(answers.picture["sequence"])
    merged = replace(decision, opinions=(*decision.opinions, *_opinions(decision, answers))).with_evidence(
        Evidence(Witness.IMAGE, Reason.STATES, "sequence", best, top)
    )
    if decision.decided_by is DecidedBy.FACT:
        merged = _beside_a_fact(merged, answers)
    else:
        merged = _sequence(header, merged, answers, thresholds)
    return _other_facets(merged, answers, thresholds)


def _opinions(decision: Decision, answers: ThreeAnswers) -> list[Opinion]:
    """What the bundle says of each facet; a region that several bundles gave together stands."""
    has_region = bool(classes_of(decision.opinions, "region", Witness.JOINT))
    voices = (
        (Witness.HEADER, answers.header),
        (Witness.IMAGE, answers.picture),
        (Witness.JOINT, answers.joint),
    )
    return [
        Opinion(witness, answers.task, facet, classes)
        for witness, of_facet in voices
        for facet, classes in of_facet.items()
        if not (has_region and facet == "region" and witness is Witness.JOINT)
    ]


def _beside_a_fact(decision: Decision, answers: ThreeAnswers) -> Decision:
    """A tag names the class; only an image that is very sure of another one casts doubt on it."""
    classes = answers.picture["sequence"]
    best, top = _top(classes)
    if decision.sequence not in classes or top < _DOUBT_A_FACT or same_family(decision.sequence, best):
        return decision
    return decision.with_evidence(
        doubt(Witness.IMAGE, Reason.IMAGE_DISAGREES, best, top, other=decision.sequence)
    )


def _sequence(
    header: PartHeader, decision: Decision, answers: ThreeAnswers, thresholds: Thresholds
) -> Decision:
    classes = answers.joint["sequence"] if tells_enough(header) else _of_the_task(answers)
    best, top = _top(classes)
    limits = thresholds["sequence"]
    stated = Evidence(Witness.JOINT, Reason.STATES, "sequence", best, top)
    if top < limits["review"] or best == _NONE_OF_THESE:
        none_fits = best == _NONE_OF_THESE and top >= limits["review"]
        return _header_stands(decision.with_evidence(stated), answers, none_fits, classes)
    sure = top >= limits["auto"] or (decision.status is Status.AUTO and decision.sequence == best)
    known = tuple(e for e in decision.evidence if e.witness is not Witness.WORDS)
    if _header_is_better(header, decision, best, classes):
        # The header model has seen a hundred times more headers, and knows classes that the task has not.
        sequence, confidence, decided_by = decision.sequence, decision.confidence, decision.decided_by
        doubts = _sure_and_apart(answers, sequence)
        if not _alike(sequence, best) or (decision.status is Status.AUTO and not sure):
            doubts.append(doubt(Witness.JOINT, Reason.JOINT_DISAGREES, best, top, other=sequence))
    else:
        sequence, confidence, decided_by = best, top, DecidedBy.JOINT
        if decision.sequence == best:  # the image agrees: no reason to trust the header less than before
            confidence = max(top, decision.confidence or 0.0)
        # What decided about the header's label decides nothing about this one; facts are about any.
        known = tuple(e for e in known if not e.decisive or e.witness is Witness.FACT)
        doubts = _about_the_joint_label(header, decision, answers, (best, top), classes, sure)
    evidence = (*known, stated, *doubts, *words_about(header, sequence))
    return replace(
        decision,
        sequence=sequence,
        phase=decision.phase if sequence == decision.sequence else _phase_of(sequence),
        b_value=header.b_value if sequence == "DWI" and decision.derived != "FA" else None,
        confidence=confidence,
        status=status_of(sequence, evidence),
        decided_by=decided_by,
        evidence=evidence,
    )


def _header_is_better(
    header: PartHeader, decision: Decision, best: str, classes: Mapping[str, float]
) -> bool:
    """Whether the header's class stays where header and image together say ``best``."""
    if decision.sequence in (UNKNOWN, best):
        return False
    return decision.status is Status.AUTO or _more_exact(header, decision, best, classes)


def _about_the_joint_label(
    header: PartHeader,
    decision: Decision,
    answers: ThreeAnswers,
    joint: tuple[str, float],
    classes: Mapping[str, float],
    sure: bool,
) -> list[Evidence]:
    """What makes the answer of header and image together doubtful."""
    best, top = joint
    doubts = _sure_and_apart(answers, best)
    if not sure:
        doubts.append(Evidence(Witness.JOINT, Reason.NOT_CERTAIN, "sequence", best, top, decisive=True))
    named = decision.sequence
    if named not in (UNKNOWN, best) and (named not in classes or not _alike(named, best)):
        doubts.append(doubt(Witness.HEADER, Reason.HEADER_UNSURE, named, decision.confidence, other=best))
    if not tells_enough(header):
        doubts.append(too_few_parameters())
    return doubts


def _sure_and_apart(answers: ThreeAnswers, sequence: str) -> list[Evidence]:
    """Header and image, each sure of another class: the one that does not name ``sequence`` is against it."""
    header, image = _top(answers.header["sequence"]), _top(answers.picture["sequence"])
    if min(header[1], image[1]) < _SURE or header[0] == image[0] or _alike(header[0], image[0]):
        return []
    if image[0] != sequence:
        return [doubt(Witness.IMAGE, Reason.WITNESSES_DISAGREE, *image, other=header[0])]
    return [doubt(Witness.HEADER, Reason.WITNESSES_DISAGREE, *header, other=image[0])]


def _of_the_task(answers: ThreeAnswers) -> Mapping[str, float]:
    """The joint answer to a header without acquisition parameters. Such a header looks like nothing the task
    knows; unless the image does so, too, that says nothing, and the other classes share what remains.
    """
    classes, by_picture = answers.joint["sequence"], answers.picture["sequence"]
    rest = 1.0 - classes.get(_NONE_OF_THESE, 0.0)
    if by_picture.get(_NONE_OF_THESE, 0.0) >= _HARDLY or rest <= 0.0:
        return classes
    return {name: 0.0 if name == _NONE_OF_THESE else value / rest for name, value in classes.items()}


def _header_stands(
    decision: Decision, answers: ThreeAnswers, none_fits: bool, classes: Mapping[str, float]
) -> Decision:
    """None of the task's classes is likely enough: the header's answer stays, with less trust where the image
    is against it, or where it is one of the ``classes`` and none of them fits (``none_fits``).
    """
    label = decision.sequence
    doubts = _sure_and_apart(answers, label)
    if label == UNKNOWN:  # it has its reason already
        return decision.with_evidence(*(replace(e, decisive=False) for e in doubts))
    if none_fits and label in classes and label != _NONE_OF_THESE:
        doubts.append(
            doubt(Witness.JOINT, Reason.UNLIKE_LABEL, label, classes[label], other=_NONE_OF_THESE)
        )
    return decision.with_evidence(*doubts)


def _alike(a: str, b: str) -> bool:
    """Relatives. OTHER, which is whatever a task does not know, has none."""
    return _NONE_OF_THESE not in (a, b) and same_family(a, b)


def _more_exact(
    header: PartHeader, decision: Decision, best: str, classes: Mapping[str, float]
) -> bool:
    """The header names a relative of the joint answer that the task has no class for (SWI for T2STAR), and
    tells enough for that.
    """
    likely = tells_enough(header) and (decision.confidence or 0.0) >= _LIKELY
    return likely and decision.sequence not in classes and same_family(decision.sequence, best)


def _other_facets(decision: Decision, answers: ThreeAnswers, thresholds: Thresholds) -> Decision:
    """Plane and contrast phase, where no fact states them."""
    plane, sure = _top(answers.joint.get("plane", {}))
    if decision.plane == UNKNOWN and plane and sure >= thresholds["plane"]["auto"]:
        decision = replace(decision, plane=plane).with_evidence(
            Evidence(Witness.JOINT, Reason.STATES, "plane", plane, sure)
        )
    phase, sure = _top(answers.joint.get("phase", {}))
    applies = decision.sequence in ENHANCING and phase not in _OPEN_PHASES.get(decision.phase, (phase,))
    if applies and sure >= thresholds["phase"]["auto"]:
        decision = replace(decision, phase=phase).with_evidence(
            Evidence(Witness.JOINT, Reason.STATES, "phase", phase, sure)
        )
    return decision


def _phase_of(sequence: str) -> str:
    return UNKNOWN if sequence in ENHANCING else "NONE"


def _top(classes: Mapping[str, float]) -> tuple[str, float]:
    """The most probable class with its probability; ("", 0.0) when there is none."""
    return max(classes.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))
