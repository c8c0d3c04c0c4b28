"""How right answers are: weighted F1, balanced accuracy, and the recall of every class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.training.joint_calibration import balanced_accuracy
from SeriesClassifierLib.training.pool import UNLABELLED


def figures(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], names: Sequence[str]
) -> dict[str, Any]:
    """The measures of one facet with the classes ``names``; what is not labelled is left out.

    ``probabilities`` (N, classes), ``labels`` N class indices. Recall is told as (right, of how many).
    """
    known = labels != UNLABELLED
    if not known.any():
        return {"n": 0, "weighted_f1": None, "balanced_accuracy": None, "recall": {}}
    said, truth = probabilities[known].argmax(1), labels[known]
    return {
        "n": len(truth),
        "weighted_f1": weighted_f1(probabilities, labels),
        "balanced_accuracy": balanced_accuracy(said, truth),
        "recall": {
            names[k]: [int((said[truth == k] == k).sum()), int((truth == k).sum())] for k in np.unique(truth)
        },
    }


def weighted_f1(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """F1 of every class, weighted by how often it is the truth; what is not labelled is left out."""
    from sklearn.metrics import f1_score

    known = labels != UNLABELLED
    return float(
        f1_score(labels[known], probabilities[known].argmax(1), average="weighted", zero_division=0.0)
    )
