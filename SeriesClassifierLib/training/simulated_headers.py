"""Draw simulated headers and turn them into arrays for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.simulation.damage import damage
from SeriesClassifierLib.simulation.headers import Shift, SimulatedPart, draw_part

IS_BINARY = tuple(feature.kind != "number" for feature in FEATURES)
_POSITION = {feature.name: index for index, feature in enumerate(FEATURES)}


@dataclass(frozen=True)
class HeaderTable:
    """``values`` (N, F) with NaN where absent; ``labels`` maps a facet to N class indices; ``classes`` names
    them.
    """

    values: NDArray[np.float32]
    labels: dict[str, NDArray[np.int64]]
    classes: dict[str, list[str]]


def feature_vector(observed: dict[str, float]) -> NDArray[np.float32]:
    """Observed features as one vector of length F, NaN where absent."""
    row = np.full(len(FEATURES), np.nan, np.float32)
    for name, value in observed.items():
        row[_POSITION[name]] = value
    return row


def draw_table(
    rng: np.random.Generator,
    n: int,
    classes: dict[str, list[str]],
    *,
    copies: int = 1,
    shift: Shift | None = None,
) -> HeaderTable:
    """``n`` drawn series on scanners of ``shift``, each damaged ``copies`` times in different ways."""
    parts = [draw_part(rng, shift=shift) for _ in range(n)]
    headers = [part.header for part in parts]
    values = np.empty((n * copies, len(FEATURES)), np.float32)
    kept: list[SimulatedPart] = []
    for copy in range(copies):
        for index, part in enumerate(parts):
            values[copy * n + index] = feature_vector(features(damage(rng, part.header, headers)))
        kept += parts
    labels = {
        facet: np.array([names.index(getattr(part, facet)) for part in kept], np.int64)
        for facet, names in classes.items()
    }
    return HeaderTable(values, labels, classes)
