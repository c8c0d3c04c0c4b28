"""The header's decision and what the picture adds to it: one label, trusted less where they disagree.

Facts stay. Where header and picture are both sure of different classes, nobody is believed: the label goes to
review. A task's OTHER means that none of its classes fits, and what the header said stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import (
    ENHANCING,
    Decision,
    Thresholds,
    against_words,
    alternatives,
    same_family,
    tells_enough,
)
from SeriesClassifierLib.inference.picture_model import ThreeAnswers
from SeriesClassifierLib.records import UNKNOWN, DecidedBy, Evidence, Status

# From this calibrated probability on, one modality alone is sure enough for its disagreement to count.
_SURE = 0.8
# From this one on the header may name what the task has no class for.
_LIKELY = 0.6
# Below this one a class is hardly possible.
_HARDLY = 0.2
# A picture must be this sure before it may cast doubt on what a tag says in so many words.
_DOUBT_A_FACT = 0.97
_NONE_OF_THESE = "OTHER"
# A phase that may still be told better -> what it cannot become.
_OPEN_PHASES: Mapping[str, tuple[str, ...]] = {UNKNOWN: ("", "NONE"), "POST": ("", "NONE", "PRE")}


def combine(
    header: PartHeader, decision: Decision, answers: ThreeAnswers, thresholds: Thresholds
) -> Decision:
    """``decision`` is the header's; ``thresholds`` are those of the bundle that gave ``answers``."""
    merged = replace(
        decision,
        probabilities={
            **decision.probabilities,
            **{f"{facet} (header alone)": values for facet, values in answers.header.items()},
            **{f"{facet} (picture alone)": values for facet, values in answers.picture.items()},
            **{f"{facet} (both)": values for facet, values in answers.joint.items()},
            "region": _region(decision, answers),
        },
    ).with_evidence(Evidence("picture", "picture alone: " + alternatives(answers.picture["sequence"])))
    if decision.decided_by is DecidedBy.FACT:
        merged = _beside_a_fact(merged, answers)
    else:
        merged = _sequence(header, merged, answers, thresholds)
    return _other_facets(merged, answers, thresholds)


def _region(decision: Decision, answers: ThreeAnswers) -> Mapping[str, float]:
    """What several bundles said together stays; else this one knows more than the header."""
    known = decision.probabilities.get("region", {})
    return known if "region (both)" in decision.probabilities else answers.joint.get("region", known)


def _beside_a_fact(decision: Decision, answers: ThreeAnswers) -> Decision:
    """A tag names the class; only a picture that is very sure of another one casts doubt on it."""
    classes = answers.picture["sequence"]
    best, top = _top(classes)
    if decision.sequence not in classes or top < _DOUBT_A_FACT or same_family(decision.sequence, best):
        return decision
    doubt = Evidence("conflict", f"the picture looks like {best} ({top:.0%})")
    return replace(decision, status=Status.REVIEW).with_evidence(doubt)


def _sequence(
    header: PartHeader, decision: Decision, answers: ThreeAnswers, thresholds: Thresholds
) -> Decision:
    classes = answers.joint["sequence"] if tells_enough(header) else _of_the_task(answers)
    best, top = _top(classes)
    both = Evidence("joint", "picture and header: " + alternatives(classes))
    by_header, by_picture = _top(answers.header["sequence"]), _top(answers.picture["sequence"])
    evidence = [both]
    apart = (
        min(by_header[1], by_picture[1]) >= _SURE
        and by_header[0] != by_picture[0]
        and not _alike(by_header[0], by_picture[0])
    )
    if apart:
        evidence.append(
            Evidence("conflict", f"the header looks like {by_header[0]}, the picture like {by_picture[0]}")
        )
    limits = thresholds["sequence"]
    if top < limits["review"] or best == _NONE_OF_THESE:
        clear = best if top >= limits["review"] else UNKNOWN
        return _header_stands(decision, classes, clear, evidence, apart)
    sequence, confidence, decided_by = best, top, DecidedBy.JOINT
    if decision.sequence == best:  # the picture agrees: no reason to trust the header less than before
        confidence = max(top, decision.confidence or 0.0)
    sure = top >= limits["auto"] or (decision.status is Status.AUTO and decision.sequence == best)
    status = Status.AUTO if sure and not apart else Status.REVIEW
    if decision.sequence not in (UNKNOWN, best):
        unsure_of_another_kind = decision.status is not Status.AUTO and decision.sequence not in classes
        if unsure_of_another_kind or not _alike(decision.sequence, best):
            status = Status.REVIEW
        if decision.status is Status.AUTO or _more_exact(header, decision, best, classes):
            # The header model has seen a hundred times more headers, and knows classes that the task has not.
            sequence, decided_by = decision.sequence, decision.decided_by
            confidence = decision.confidence if decision.confidence is not None else top
            status = Status.REVIEW if Status.REVIEW in (status, decision.status) else decision.status
    if not tells_enough(header):
        status = Status.REVIEW
    words, status = against_words(header, sequence, status)
    kept = tuple(e for e in decision.evidence if e.kind not in ("description", "conflict"))
    return replace(
        decision,
        sequence=sequence,
        phase=decision.phase if sequence == decision.sequence else _phase_of(sequence),
        b_value=header.b_value if sequence == "DWI" and decision.derived != "FA" else None,
        confidence=confidence,
        status=status,
        decided_by=decided_by,
        evidence=(*kept, *evidence, *words),
    )


def _of_the_task(answers: ThreeAnswers) -> Mapping[str, float]:
    """The joint answer to a header without acquisition parameters. Such a header looks like nothing the task
    knows; unless the picture does so, too, that says nothing, and the other classes share what remains.
    """
    classes, by_picture = answers.joint["sequence"], answers.picture["sequence"]
    rest = 1.0 - classes.get(_NONE_OF_THESE, 0.0)
    if by_picture.get(_NONE_OF_THESE, 0.0) >= _HARDLY or rest <= 0.0:
        return classes
    return {name: 0.0 if name == _NONE_OF_THESE else value / rest for name, value in classes.items()}


def _header_stands(
    decision: Decision, classes: Mapping[str, float], best: str, evidence: list[Evidence], apart: bool
) -> Decision:
    """None of the task's classes fits well enough: the header's answer stays, with less trust if it is one of
    them.
    """
    if decision.sequence == UNKNOWN:
        return decision.with_evidence(*evidence)
    doubted = best == _NONE_OF_THESE and decision.sequence in classes and decision.sequence != best
    if doubted:
        evidence.append(Evidence("conflict", f"together they do not look like {decision.sequence}"))
    status = Status.REVIEW if apart or doubted else decision.status
    return replace(decision, status=status).with_evidence(*evidence)


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
    """Plane and contrast phase, where neither a fact nor the study has told them."""
    plane, sure = _top(answers.joint.get("plane", {}))
    if decision.plane == UNKNOWN and plane and sure >= thresholds["plane"]["auto"]:
        decision = replace(decision, plane=plane).with_evidence(
            Evidence("joint", f"plane {plane} ({sure:.0%}), by the picture")
        )
    phase, sure = _top(answers.joint.get("phase", {}))
    applies = decision.sequence in ENHANCING and phase not in _OPEN_PHASES.get(decision.phase, (phase,))
    if applies and sure >= thresholds["phase"]["auto"]:
        decision = replace(decision, phase=phase).with_evidence(
            Evidence("joint", f"phase {phase} ({sure:.0%}), picture and header")
        )
    return decision


def _phase_of(sequence: str) -> str:
    return UNKNOWN if sequence in ENHANCING else "NONE"


def _top(classes: Mapping[str, float]) -> tuple[str, float]:
    """The most probable class with its probability; ("", 0.0) when there is none."""
    return max(classes.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))
