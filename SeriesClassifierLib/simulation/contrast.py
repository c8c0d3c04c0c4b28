"""Contrast agent: how much of it is in the tissues, by phase or by the time since the injection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from SeriesClassifierLib.simulation.draws import log_uniform

if TYPE_CHECKING:
    from SeriesClassifierLib.simulation.protocols import Range

Agent = tuple[float, float, float, float]  # share of the uptake of each of tissues.PHASES
NO_AGENT: Agent = (0.0, 0.0, 0.0, 0.0)
_PHASE_SHARES: Mapping[str, tuple[tuple[Range, Range, Range, Range], ...]] = {
    "ART": (((0.5, 1.1), (0.0, 0.15), (0, 0), (0, 0)), ((0.5, 1.0), (0.15, 0.5), (0, 0), (0, 0))),
    "PORTVEN": (((0.0, 0.1), (0.75, 1.1), (0.0, 0.1), (0, 0)),),
    "LATE": (((0, 0), (0.05, 0.4), (0.6, 1.0), (0, 0)), ((0, 0), (0, 0), (0.6, 0.9), (0.1, 0.4))),
    "HEPA": (((0, 0), (0, 0), (0.0, 0.1), (0.65, 1.15)),),
    "POST": (((0.0, 0.2), (0.3, 1.0), (0.0, 0.5), (0, 0)), ((0, 0), (0.0, 0.3), (0.6, 1.1), (0, 0))),
}


def draw_agent(rng: np.random.Generator, phase: str, dose: float | None = None) -> Agent:
    """The uptake in ``phase``, timed and dosed by chance."""
    if phase not in _PHASE_SHARES:
        return NO_AGENT
    options = _PHASE_SHARES[phase]
    shares = options[int(rng.integers(len(options)))]
    dose = log_uniform(rng, (0.6, 1.4)) if dose is None else dose
    a, p, v, h = (dose * rng.uniform(*share) for share in shares)
    return (a, p, v, h)


def agent_at(seconds: float, dose: float = 1.0) -> Agent:
    """The uptake ``seconds`` after an injection: the phases follow each other smoothly."""
    if seconds <= 0:
        return NO_AGENT

    def hump(peak: float, rise: float, fall: float) -> float:
        width = rise if seconds < peak else fall
        return math.exp(-(((seconds - peak) / width) ** 2))

    late = 1 / (1 + math.exp(-(seconds - 110) / 25))
    return (dose * hump(25, 7, 12), dose * hump(65, 22, 55), dose * late * math.exp(-seconds / 2400), 0.0)
