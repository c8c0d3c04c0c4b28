"""Calibrate a picture bundle on answers that no trained patient is in: temperatures, thresholds, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.training.calibration import (
    RISKS,
    expected_calibration_error,
    facet_logits,
    fit_temperature,
    review_below,
    softmax,
    threshold_for_risk,
)
from SeriesClassifierLib.training.pool import UNLABELLED, Pool

ANSWERS = ("header", "picture", "joint")


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """N answers with their truth. ``logits`` maps each of ANSWERS to (N, classes of all facets)."""

    logits: Mapping[str, NDArray[np.float32]]
    labels: Mapping[str, NDArray[np.int64]]
    exams: NDArray[np.str_]
    names: NDArray[np.str_]

    @staticmethod
    def of(pool: Pool, answers: Sequence[NDArray[np.float32]]) -> OutOfFold:
        """The three answers for every example of ``pool``."""
        logits = dict(zip(ANSWERS, answers, strict=True))
        return OutOfFold(logits, pool.labels, pool.exams, pool.names)

    @staticmethod
    def join(found: Sequence[OutOfFold | None]) -> OutOfFold | None:
        """Several as one, None left out; None of none."""
        parts = [part for part in found if part is not None]
        if not parts:
            return None
        return OutOfFold(
            {name: np.concatenate([p.logits[name] for p in parts]) for name in ANSWERS},
            {facet: np.concatenate([p.labels[facet] for p in parts]) for facet in parts[0].labels},
            np.concatenate([p.exams for p in parts]),
            np.concatenate([p.names for p in parts]),
        )

    def exams_of(self, facet: str) -> NDArray[np.str_]:
        """The exams of the examples that are labelled in ``facet``."""
        exams: NDArray[np.str_] = self.exams[self.labels[facet] != UNLABELLED]
        return exams

    def facet(
        self, heads: Mapping[str, Sequence[str]], answer: str, facet: str
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(logits (n, classes), labels (n)) of one facet, of the examples that are labelled."""
        known = self.labels[facet] != UNLABELLED
        return facet_logits(self.logits[answer], heads)[facet][known], self.labels[facet][known]


@dataclass(frozen=True)
class Calibration:
    """``temperature``: answer -> facet -> number; ``thresholds``: facet -> as in ``bundle.json``."""

    temperature: Mapping[str, Mapping[str, float]]
    thresholds: Mapping[str, Mapping[str, Any]]
    figures: Mapping[str, Any]


def calibrate(
    heads: Mapping[str, Sequence[str]],
    real: OutOfFold | None,
    strange: OutOfFold,
    together: OutOfFold | None = None,
    kept: Mapping[str, Mapping[str, float]] | None = None,
) -> Calibration:
    """From answers on real series (each by a model that never saw the patient) and on strange simulated ones.

    ``together`` are the answers that the teachers of a student give together on the latter: for comparison.
    Temperatures fit the real answers where a facet has enough of them, else the simulated ones, unless they
    are ``kept``. A threshold must hold on both.
    """
    temperature: dict[str, dict[str, float]] = {answer: {} for answer in ANSWERS}
    thresholds: dict[str, dict[str, Any]] = {}
    figures: dict[str, Any] = {}
    for facet in heads:
        for answer in ANSWERS:
            temperature[answer][facet] = (
                kept[answer][facet] if kept else temperature_of(heads, facet, answer, real, strange)
            )
        answers = [found.facet(heads, "joint", facet) for found in (real, strange) if found is not None]
        tested = [
            (logits / temperature["joint"][facet], labels) for logits, labels in answers if enough(labels)
        ]
        # What was never put to the test is never trusted.
        auto = {
            str(risk): max((threshold_for_risk(*some, risk) for some in tested), default=1.0)
            for risk in RISKS
        }
        thresholds[facet] = {"auto": auto, "review": review_below(facet)}
    for name, found in (
        ("real, patient left out", real),
        ("simulated, strange scanners", strange),
        ("simulated, strange scanners, its four teachers together", together),
    ):
        if found is not None:
            figures[name] = {
                facet: {
                    answer: _figures(
                        *found.facet(heads, answer, facet), temperature[answer][facet], found.exams_of(facet)
                    )
                    for answer in ANSWERS
                }
                for facet in heads
            }
    return Calibration(temperature, thresholds, figures)


def temperature_of(
    heads: Mapping[str, Sequence[str]], facet: str, answer: str, real: OutOfFold | None, strange: OutOfFold
) -> float:
    """The temperature of one answer to one facet: from the real ones where there are enough, else the strange
    ones; 1.0 where neither are.
    """
    for found in (real, strange):
        if found is not None:
            logits, labels = found.facet(heads, answer, facet)
            if enough(labels):
                return fit_temperature(logits, labels)
    return 1.0


def enough(labels: NDArray[np.int64]) -> bool:
    """At least 50 examples of at least three classes: fewer say little of a facet."""
    return len(labels) >= 50 and len(np.unique(labels)) >= 3


def _figures(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, exams: NDArray[np.str_]
) -> dict[str, Any]:
    if not len(labels):
        return {"n": 0}
    probabilities = softmax(logits / temperature)
    answers = probabilities.argmax(1)
    return {
        "n": len(labels),
        "accuracy": round(float((answers == labels).mean()), 4),
        "balanced_accuracy": round(balanced_accuracy(answers, labels), 4),
        "interval": bootstrap_interval(answers, labels, exams),
        "expected_calibration_error": round(expected_calibration_error(probabilities, labels), 4),
    }


def balanced_accuracy(answers: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Mean recall of the classes that occur in ``labels``."""
    return float(np.mean([(answers[labels == label] == label).mean() for label in np.unique(labels)]))


def bootstrap_interval(
    answers: NDArray[np.int64],
    labels: NDArray[np.int64],
    exams: NDArray[np.str_],
    *,
    samples: int = 500,
    seed: int = 0,
) -> list[float]:
    """95 % interval of the balanced accuracy, exams drawn with replacement."""
    rng = np.random.default_rng(seed)
    names, index = np.unique(exams, return_inverse=True)
    members = [np.flatnonzero(index == number) for number in range(len(names))]
    values = []
    for _ in range(samples):
        rows = np.concatenate([members[k] for k in rng.integers(len(names), size=len(names))])
        values.append(balanced_accuracy(answers[rows], labels[rows]))
    low, high = np.quantile(values, [0.025, 0.975])
    return [round(float(low), 4), round(float(high), 4)]
