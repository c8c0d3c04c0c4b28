"""Small random draws. All randomness comes from the generator passed in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.protocols import Range

_T = TypeVar("_T")


def choice(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """A name by its weight."""
    remaining = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        remaining -= weight
        if remaining < 0:
            return name
    return name


def pick(rng: np.random.Generator, options: Sequence[_T]) -> _T:
    """One of the options, all alike."""
    return options[int(rng.integers(len(options)))]


def one_of(rng: np.random.Generator, options: Sequence[float]) -> float:
    """One of the numbers, all alike."""
    return float(options[int(rng.integers(len(options)))])


def log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number in ``bounds``, uniform in its logarithm."""
    low, high = bounds
    return float(math.exp(rng.uniform(math.log(low), math.log(high)))) if high > low else float(low)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)


def draw_field(rng: np.random.Generator) -> float:
    """A field strength in tesla as scanners in use have it."""
    kind = rng.random()
    if kind < 0.46:
        return 1.5
    if kind < 0.9:
        return 3.0
    return one_of(rng, [0.2, 0.35, 0.4, 0.55, 1.0, 1.2, 7.0])


def tag_values(text: str) -> TagValue | None:
    """A tag value from text with backslashes; None when it is empty."""
    parts = tuple(v for v in text.split("\\") if v)
    if not parts:
        return None
    return parts if len(parts) > 1 else parts[0]
