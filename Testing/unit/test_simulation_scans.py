"""Scans drawn for a part: they take what is true of it, and contrast agent when it was given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from SeriesClassifierLib.simulation.contrast import NO_AGENT, agent_at, draw_agent
from SeriesClassifierLib.simulation.headers import draw_part
from SeriesClassifierLib.simulation.scans import scan_of


def test_scan_takes_the_true_parameters() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        part = draw_part(rng, sequence="T2", region="abdomen")
        scan = scan_of(rng, part)
        assert scan.te == part.acquired["EchoTime"]
        assert scan.field == part.field
        assert scan.agent == NO_AGENT


def test_opposed_and_in_phase_parts_differ_in_phase_only() -> None:
    rng = np.random.default_rng(2)
    for sequence, expected in (("DIXON_IN", 1.0), ("DIXON_OPP", -1.0)):
        scans = [scan_of(rng, draw_part(rng, sequence=sequence, region="abdomen")) for _ in range(30)]
        assert all(math.cos(s.fat_phase) * expected > 0.7 for s in scans)
        assert all(s.fat_residual == 1.0 for s in scans)


def test_time_after_the_injection() -> None:
    assert agent_at(-5) == NO_AGENT
    assert agent_at(25)[0] > 0.9 > agent_at(60)[0]
    assert agent_at(65)[1] > agent_at(25)[1]
    assert agent_at(240)[2] > agent_at(240)[1]


@pytest.mark.parametrize("phase", ["PRE", "NONE"])
def test_no_agent_before_contrast(phase: str) -> None:
    assert draw_agent(np.random.default_rng(0), phase) == NO_AGENT
