"""Calibration: temperature (Guo et al., 2017), and the confidence above which the error is bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Shares of wrong answers that thresholds are found for.
RISKS = (0.005, 0.01, 0.02, 0.05, 0.1)
_REVIEW = {"sequence": 0.4}
_REVIEW_OTHERS = 0.6


def review_below(facet: str) -> float:
    """The calibrated probability below which there is no answer to ``facet``, only alternatives."""
    return _REVIEW.get(facet, _REVIEW_OTHERS)


def facet_logits(
    logits: NDArray[np.float32], heads: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[np.float32]]:
    """Facet -> (N, its classes), out of ``logits`` of ``heads`` side by side; what follows is left out."""
    ends = np.cumsum([len(names) for names in heads.values()])
    return {
        facet: logits[:, end - len(names) : end]
        for (facet, names), end in zip(heads.items(), ends, strict=True)
    }


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (N, C) of ``logits`` (N, C)."""
    out: NDArray[np.float32] = np.exp(logits - logits.max(1, keepdims=True))
    out /= out.sum(1, keepdims=True)
    return out


def _nll(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> float:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    log_sum = np.log(np.exp(scaled).sum(1))
    return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature with the lowest negative log likelihood, by golden-section search in 0.2 to 5.

    ``logits`` is (N, C), ``labels`` N class indices.
    """
    low, high = np.log(0.2), np.log(5.0)
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(40):
        a, b = high - golden * (high - low), low + golden * (high - low)
        if _nll(logits, labels, float(np.exp(a))) < _nll(logits, labels, float(np.exp(b))):
            high = b
        else:
            low = a
    return round(float(np.exp((low + high) / 2)), 4)


def threshold_for_risk(logits: NDArray[np.float32], labels: NDArray[np.int64], max_error: float) -> float:
    """The lowest confidence above which at most ``max_error`` of the answers are wrong (conformal risk
    control).

    The error among the n answers above a threshold is counted as (wrong + 1) / (n + 1), which makes the bound
    hold in expectation on exchangeable data (Angelopoulos et al., 2022). 1.0 when no threshold does it.
    """
    probabilities = softmax(logits)
    confidence = probabilities.max(1)
    wrong = probabilities.argmax(1) != labels
    order = np.argsort(-confidence)
    risk = (np.cumsum(wrong[order]) + 1) / (np.arange(len(order)) + 2)
    good = np.nonzero(risk <= max_error)[0]
    # Rounded up: below it nothing was tested.
    return min(1.0, math.ceil(float(confidence[order][good[-1]]) * 1e4) / 1e4) if len(good) else 1.0


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """``n`` answers with a confidence from ``low`` to ``high``: their mean confidence, the share that is
    right.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability_bins(
    confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int = 15
) -> tuple[ReliabilityBin, ...]:
    """Equally wide bins of ``confidence`` (N) with what is ``right`` (N) in each; empty bins are left out."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    out = []
    for number in np.unique(index).tolist():
        inside = index == number
        out.append(
            ReliabilityBin(
                low=number / bins,
                high=(number + 1) / bins,
                n=int(inside.sum()),
                confidence=float(confidence[inside].mean()),
                accuracy=float(right[inside].mean()),
            )
        )
    return tuple(out)


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """ECE (Naeini et al., 2015): how far confidence is from accuracy, on average; None of no answers."""
    n_answers = sum(found.n for found in bins)
    if not n_answers:
        return None
    return sum(found.n / n_answers * abs(found.accuracy - found.confidence) for found in bins)


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = 15
) -> float:
    """ECE over equally wide bins of confidence. ``probabilities`` is (N, C)."""
    right = probabilities.argmax(1) == labels
    return calibration_error(reliability_bins(probabilities.max(1), right, bins)) or 0.0
