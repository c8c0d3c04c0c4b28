"""Simulated studies hang together: one person, one scanner, time runs forward, parts as the reader finds them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.simulation.anatomy import draw_body
from SeriesClassifierLib.simulation.examination import SimulatedSeries
from SeriesClassifierLib.simulation.same_places import RememberedBody
from SeriesClassifierLib.simulation.studies import (
    TASKS,
    SimulatedStudy,
    draw_series,
    draw_study,
    spread_evenly,
)
from SeriesClassifierLib.vocabulary import classes

CASES = [(task, seed) for task in TASKS for seed in (1, 2)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def study(request: pytest.FixtureRequest) -> SimulatedStudy:
    task, seed = request.param
    return draw_study(np.random.default_rng(seed), task)


def test_one_person_one_scanner(study: SimulatedStudy) -> None:
    tags = [image.tags for series in study.series for image in series.images]
    for keyword in (
        "StudyInstanceUID",
        "FrameOfReferenceUID",
        "PatientID",
        "PatientSex",
        "Manufacturer",
        "MagneticFieldStrength",
    ):
        assert len({one.get(keyword) for one in tags}) == 1, keyword
    assert len({one["SOPInstanceUID"] for one in tags}) == len(tags)
    assert len({series.uid for series in study.series}) == len(study.series)
    assert len({series.number for series in study.series}) == len(study.series)
    assert str(tags[0]["PatientName"]).startswith("Simulated^")


def test_truth_is_in_the_words_of_the_vocabulary(study: SimulatedStudy) -> None:
    for truth, _ in study:
        for facet in ("sequence", "plane", "phase", "derived", "region"):
            assert getattr(truth, facet) in classes(facet)


def test_facts_of_the_header_are_the_truth(study: SimulatedStudy) -> None:
    for truth, _ in study:
        found = {fact.facet: fact.value for fact in facts(truth.header)}
        assert found["plane"] == truth.plane
        if "sequence" in found:
            assert found["sequence"] == truth.sequence, truth.header.tags.get("ImageType")
        if truth.sequence == "DWI" and truth.derived == "ORIGINAL" and "b_value" in found:
            assert float(found["b_value"]) == truth.header.b_value


def test_time_runs_forward(study: SimulatedStudy) -> None:
    starts = [str(series.images[0].tags["SeriesTime"]) for series in study.series]
    computed = [
        all(s.part.derived != "ORIGINAL" or s.part.sequence == "ADC" for s in series.shots)
        for series in study.series
    ]
    acquired = [start for start, derived in zip(starts, computed, strict=True) if not derived]
    if max(acquired) < "23" or min(acquired) > "02":  # a study may go past midnight
        assert acquired == sorted(acquired)


def test_contrast_is_given_once(study: SimulatedStudy) -> None:
    """No agent in a header before one in time; enhanced phases only after it."""
    for series in study.series:
        for shot in series.shots:
            enhanced = any(shot.settings.scan.agent)
            if shot.part.phase in ("ART", "PORTVEN", "LATE", "HEPA"):
                assert enhanced
            if shot.part.phase == "PRE":
                assert not enhanced
                assert "ContrastBolusAgent" not in shot.own_tags


def test_every_shot_belongs_to_one_part(study: SimulatedStudy) -> None:
    for series in study.series:
        pieces = split(series.record())
        assert sum(len(piece.instances) for piece in pieces) == len(series.images)
        for piece in pieces:
            shots = {series.images[int(i.path)].shot for i in piece.instances}
            kinds = {(series.shots[s].part.sequence, series.shots[s].part.derived) for s in shots}
            assert len(kinds) == 1


def test_shared_acquisitions_share_their_places() -> None:
    def places(series: SimulatedSeries) -> set[str]:
        return {str(image.tags["ImagePositionPatient"]) for image in series.images}

    maps = 0
    for seed in range(6):
        study = draw_study(np.random.default_rng(seed), "prostate")
        originals = [series for series in study.series if series.shots[0].part.sequence == "DWI"]
        for series in study.series:
            if series.shots[0].part.sequence == "ADC":
                maps += 1
                assert any(places(series) == places(original) for original in originals)
    assert maps > 2


def test_pictures_are_lazy_and_repeatable(study: SimulatedStudy) -> None:
    for truth, renderer in list(study)[:4]:
        one, two = (renderer(positions=[0], longest=48) for _ in range(2))
        assert np.array_equal(one, two)
        assert one.shape[0] == 1
        assert max(one.shape[1:]) <= 48
        assert truth.header.n_instances >= 1


def test_a_remembered_body_says_what_the_body_says() -> None:
    rng = np.random.default_rng(2)
    body = draw_body(rng, "extremity")
    remembered = RememberedBody(body)
    center, half = np.asarray(body.center), np.asarray(body.size) / 2
    stacks = [np.asarray(rng.uniform(center - half, center + half, (2, 16, 16, 3)), np.float32) for _ in range(3)]
    for points in (*stacks, *stacks, stacks[0].reshape(1, 32, 16, 3)):
        for asked in ("labels", "texture"):
            np.testing.assert_array_equal(getattr(remembered, asked)(points), getattr(body, asked)(points))
    assert remembered.labels(stacks[1]) is remembered.labels(stacks[1].copy())
    assert not remembered.labels(stacks[1]).flags.writeable


def test_seed_decides_everything() -> None:
    def tags(seed: int) -> list[object]:
        study = draw_study(np.random.default_rng(seed), "liver")
        return [image.tags for series in study.series for image in series.images]

    assert tags(5) == tags(5)
    assert tags(5) != tags(6)


def test_sites_differ() -> None:
    cards = {
        tuple(truth.sequence for truth, _ in draw_study(np.random.default_rng(s), "liver")) for s in range(12)
    }
    assert len(cards) >= 11


def test_unknown_task() -> None:
    with pytest.raises(ValueError, match="prostate, liver, brain, other"):
        draw_study(np.random.default_rng(0), "knee")


def test_longest_caps_the_header() -> None:
    study = draw_study(np.random.default_rng(1), "brain", longest=64)
    for series in study.series:
        for image in series.images[:1]:
            assert max(float(str(image.tags["Rows"])), float(str(image.tags["Columns"]))) <= 64


def test_independent_series() -> None:
    rng = np.random.default_rng(0)
    part, slices = draw_series(rng, region="pelvis", sequence="T2", slices=2, longest=64)
    assert part.sequence == "T2"
    assert len(slices) <= 2
    with pytest.raises(ValueError, match="no protocol"):
        draw_series(rng, region="prostate", sequence="MRCP")


@pytest.mark.parametrize(("count", "slices"), [(10, 3), (7, 7), (100, 1)])
def test_slices_are_spread_evenly(count: int, slices: int) -> None:
    chosen = spread_evenly(count, slices)
    assert len(set(chosen)) == slices
    assert all(0 <= i < count for i in chosen)
    assert chosen[0] + chosen[-1] == pytest.approx(count - 1, abs=1)
    assert all(b > a for a, b in pairwise(chosen))
