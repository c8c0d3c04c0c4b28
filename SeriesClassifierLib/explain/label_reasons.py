"""Why a label is as it is: the rule that decided its status, and the probabilities that it was taken from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from SeriesClassifierLib.explain.evidence_text import deciding, text
from SeriesClassifierLib.records import (
    HEADERS_TASK,
    DecidedBy,
    Evidence,
    Prediction,
    Reason,
    Status,
    Witness,
    classes_of,
)

_WITHOUT_A_RULE = {Status.REVIEW: Reason.NOT_CERTAIN, Status.UNKNOWN: Reason.NO_CLASS}


def label_classes(prediction: Prediction, facet: str = "sequence") -> Mapping[str, float]:
    """The class probabilities that the label was taken from, {} where no model was asked."""
    header = classes_of(prediction.opinions, facet, Witness.HEADER, HEADERS_TASK)
    if facet == "region" or (facet == "sequence" and prediction.decided_by is DecidedBy.JOINT):
        return classes_of(prediction.opinions, facet, Witness.JOINT) or header
    return header


def deciding_reason(prediction: Prediction) -> Evidence | None:
    """What decided the status of a label; None for one that is ``auto``, or that could not be read.

    Labels that an older version recorded do not say what decided: the last conflict stands in.
    """
    if prediction.status is Status.CORRECTED:
        return _last(prediction, lambda e: e.witness is Witness.HUMAN)
    if prediction.status not in _WITHOUT_A_RULE:
        return None
    found = deciding(prediction.evidence) or _last(prediction, lambda e: e.against)
    return found or _by_number(prediction)


def deciding_text(prediction: Prediction) -> str:
    """What went wrong, else what decided the status, for people; "" for a label that can be used."""
    found = deciding_reason(prediction)
    return prediction.error or (text(found) if found is not None else "")


def _last(prediction: Prediction, wanted: Callable[[Evidence], bool]) -> Evidence | None:
    return next(filter(wanted, reversed(prediction.evidence)), None)


def _by_number(prediction: Prediction) -> Evidence:
    """What the numbers say, for a label that no rule is recorded of."""
    value, probability = prediction.sequence, prediction.confidence
    if prediction.status is Status.UNKNOWN:
        finite = {name: p for name, p in label_classes(prediction).items() if math.isfinite(p)}
        value = max(finite, key=lambda name: (finite[name], name), default="")
        probability = finite.get(value)
    return Evidence(
        Witness.JOINT if prediction.decided_by is DecidedBy.JOINT else Witness.HEADER,
        _WITHOUT_A_RULE[prediction.status],
        "sequence",
        value,
        probability,
        decisive=True,
    )
