"""The tissue table: complete, plausible, and drawn around itself."""

from __future__ import annotations

import numpy as np
import pytest

from SeriesClassifierLib.simulation.tissues import (
    FREE_WATER,
    INDEX,
    NAMES,
    PHASES,
    TISSUES,
    at_field,
    draw_tissues,
)


def test_air_is_label_zero() -> None:
    assert NAMES[0] == "air"
    assert [INDEX[name] for name in NAMES] == list(range(len(NAMES)))


@pytest.mark.parametrize("name", NAMES)
def test_values_are_possible(name: str) -> None:
    tissue = TISSUES[name]
    assert 0 <= tissue.pd <= 1
    assert 0 < tissue.t2_star <= tissue.t2 <= tissue.t1_15 <= tissue.t1_3
    assert 0 <= tissue.adc <= 3.2
    assert 0 <= tissue.fat_fraction < 1
    assert len(tissue.uptake) == len(PHASES)
    assert min(tissue.uptake) >= 0


@pytest.mark.parametrize("name", NAMES)
def test_field_dependence(name: str) -> None:
    tissue = TISSUES[name]
    assert tissue.t1(1.5) == pytest.approx(tissue.t1_15)
    assert tissue.t1(3.0) == pytest.approx(tissue.t1_3)
    assert tissue.t2_at(3.0) < tissue.t2_at(1.5)
    assert tissue.t2_star_at(3.0) < tissue.t2_star_at(1.5)


def test_free_water_diffuses_fastest() -> None:
    slowest = min(TISSUES[name].adc for name in FREE_WATER)
    assert all(t.adc < slowest for name, t in TISSUES.items() if name not in FREE_WATER)


def test_same_seed_same_person() -> None:
    one, two = (draw_tissues(np.random.default_rng(3), 1.5) for _ in range(2))
    other = draw_tissues(np.random.default_rng(4), 1.5)
    assert np.array_equal(one.t1, two.t1)
    assert not np.array_equal(one.t1, other.t1)


def test_without_spread_the_table_comes_out() -> None:
    drawn = draw_tissues(np.random.default_rng(0), 1.5, spread=0.0)
    assert drawn.t1 == pytest.approx(np.array([TISSUES[n].t1_15 for n in NAMES]), rel=1e-5)
    assert drawn.adc == pytest.approx(np.array([TISSUES[n].adc for n in NAMES]), rel=1e-5)


def test_people_stay_possible() -> None:
    rng = np.random.default_rng(1)
    for field in (0.35, 1.5, 3.0, 7.0):
        for _ in range(50):
            drawn = draw_tissues(rng, field)
            assert (drawn.t2_star <= drawn.t2).all()
            assert (drawn.fat_fraction < 1).all()
            assert (drawn.pd <= 1.1).all()
            assert np.isfinite(drawn.uptake).all()


def test_the_same_person_at_another_field() -> None:
    drawn = draw_tissues(np.random.default_rng(2), 1.5)
    assert at_field(drawn, 1.5) is drawn
    there = at_field(drawn, 3.0)
    assert (there.t1[1:] > drawn.t1[1:]).sum() >= len(NAMES) - 2  # air and gas have none
    back = at_field(there, 1.5)
    assert back.t1 == pytest.approx(drawn.t1, rel=1e-4)
    assert back.t2_star == pytest.approx(drawn.t2_star, rel=1e-4)
