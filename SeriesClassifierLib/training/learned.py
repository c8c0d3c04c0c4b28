"""What a recipe of retraining hands back, and the one measure of what it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.training.calibration import facet_logits

# The figure of a retrained bundle that says what was forgotten: class -> share of its recall.
LOST = "recall lost on simulated series"
# A class may lose this much of its recall before a run counts as worse.
MOST_LOST = 0.02


@dataclass(frozen=True)
class Learned:
    """What came out: the files are in the bundle's folder, the rest is for ``bundle.json``.

    ``temperature_alone``: "header" and "picture" -> facet -> number, for bundles that answer from each alone.
    """

    heads: Mapping[str, Sequence[str]]
    temperature: Mapping[str, float]
    thresholds: Mapping[str, Any]
    figures: Mapping[str, Any]
    encoder: str
    settings: Mapping[str, Any]
    temperature_alone: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def recall_lost(
    before: NDArray[np.float32], after: NDArray[np.float32], labels: NDArray[np.int64], names: Sequence[str]
) -> dict[str, float]:
    """Class -> recall lost from ``before`` to ``after``, logits (N, C) of one facet; below 0: it was won.

    ``labels`` are N class indices; classes that do not occur in them, and what has no label, are left out.
    """
    old, new = (logits.argmax(1) == labels for logits in (before, after))
    return {
        names[label]: float(old[labels == label].mean() - new[labels == label].mean())
        for label in np.unique(labels[labels >= 0])
    }


def agreeing(
    logits: NDArray[np.float32], labels: Mapping[str, NDArray[np.int64]], heads: Mapping[str, Sequence[str]]
) -> int:
    """Of how many of N parts all that people said is said, by logits (N, C) of all facets side by side.

    ``labels`` maps a facet to N class indices, below 0 where nobody said.
    """
    right = np.ones(len(logits), np.bool_)
    for facet, part in facet_logits(logits, heads).items():
        right &= (labels[facet] < 0) | (part.argmax(1) == labels[facet])
    return int(right.sum())


def surely_lost(before: NDArray[np.float32], after: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The most recall that a class lost, as ``recall_lost``, less one standard error; at least 0.0.

    Answers that changed for the better and for the worse have the variance of their number (McNemar, 1947):
    without it the worst of many small classes always seems to have lost something.
    """
    old, new = (logits.argmax(1) == labels for logits in (before, after))
    lost = [0.0]
    for label in np.unique(labels[labels >= 0]):
        own = labels == label
        worse, better = int((old & ~new)[own].sum()), int((new & ~old)[own].sum())
        lost.append((worse - better - (worse + better) ** 0.5) / int(own.sum()))
    return max(lost)


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """``values`` with four digits, as figures tell them."""
    out: dict[str, float] = json.loads(json.dumps({name: round(value, 4) for name, value in values.items()}))
    return out
