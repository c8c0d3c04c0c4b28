"""Cross-validation folds by patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def by_exam(exams: Sequence[str], folds: int) -> NDArray[np.int64]:
    """A fold number for each example; all examples of one exam have the same.

    The largest exams are dealt first, each to the fold with the fewest examples so far, so that folds are of
    like size and two large exams never meet. The order of the examples has no influence.
    """
    counts = Counter(exams)
    sizes = [0] * folds
    fold_of: dict[str, int] = {}
    for exam in sorted(counts, key=lambda name: (-counts[name], name)):
        fold_of[exam] = min(range(folds), key=lambda k: (sizes[k], k))
        sizes[fold_of[exam]] += counts[exam]
    return np.array([fold_of[exam] for exam in exams], np.int64)
