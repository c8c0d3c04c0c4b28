"""Why a part has its label: facts, what header, image and description say, and what comes next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from SeriesClassifierLib.explain.evidence_text import WITNESSES, text
from SeriesClassifierLib.explain.label_reasons import deciding_reason, deciding_text
from SeriesClassifierLib.publish.series_row import part_row_key
from SeriesClassifierLib.publish.table import evidence_json, plain_text
from SeriesClassifierLib.records import HEADERS_TASK, Evidence, Prediction, Reason, Witness, classes_of

_LEAST = 0.005


@dataclass(frozen=True, slots=True)
class Alternative:
    """A class with its probability by each witness, None where one abstains or does not know the class."""

    name: str
    header: float | None
    image: float | None
    joint: float | None

    @property
    def rank(self) -> float:
        """That of header and image together, which has seen both; else the larger of the two."""
        if self.joint is not None:
            return self.joint
        return max(p for p in (self.header, self.image, 0.0) if p is not None)


@dataclass(frozen=True, slots=True)
class PartDetails:
    """``reason`` is what decided the status, "" for a label that can be used; ``facts`` are sentences;
    ``evidence`` is all else, each as ``evidence_json`` with the ``title`` of its witness and whether
    ``reason`` is made from it (``is_reason``); ``alternatives`` are classes of ``sequence``, likeliest first.
    """

    part_key: str
    series_uid: str
    part: int
    label: str
    status: str
    confidence: float | None
    bundle: str
    reason: str
    facts: tuple[str, ...]
    evidence: tuple[dict[str, Any], ...]
    alternatives: tuple[Alternative, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def part_details(prediction: Prediction) -> PartDetails:
    """All that a person needs to check the label of a part."""
    reason = None if prediction.error else deciding_reason(prediction)
    return PartDetails(
        part_key=part_row_key(prediction),
        series_uid=prediction.series_uid,
        part=prediction.part,
        label=prediction.label,
        status=prediction.status.value,
        confidence=prediction.confidence,
        bundle=prediction.bundle,
        reason=plain_text(deciding_text(prediction)),
        facts=tuple(plain_text(text(e)) for e in prediction.evidence if _is_fact(e)),
        evidence=tuple(
            {**evidence_json(e), "title": WITNESSES[e.witness], "is_reason": e is reason}
            for e in prediction.evidence
            if not _is_fact(e)
        ),
        alternatives=_alternatives(prediction),
    )


def _is_fact(evidence: Evidence) -> bool:
    return evidence.witness is Witness.FACT and evidence.reason is Reason.STATES


def _alternatives(prediction: Prediction) -> tuple[Alternative, ...]:
    header = classes_of(prediction.opinions, "sequence", Witness.HEADER, HEADERS_TASK)
    image = classes_of(prediction.opinions, "sequence", Witness.IMAGE)
    joint = classes_of(prediction.opinions, "sequence", Witness.JOINT)
    names = sorted({*header, *image, *joint})
    found = [Alternative(name, header.get(name), image.get(name), joint.get(name)) for name in names]
    likely = [alternative for alternative in found if alternative.rank >= _LEAST]
    return tuple(sorted(likely, key=lambda a: (-a.rank, a.name)))
