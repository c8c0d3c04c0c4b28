"""The point of it all: twenty corrections teach a site's odd protocol, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.odd_protocol import CORRECTED, TAKEN_FOR, TRUTH, Taught, teach

from SeriesClassifierLib.inference.run import classify
from SeriesClassifierLib.records import Status

pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

SEEDS = (1,)


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def taught(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Taught:
    """What twenty corrections taught."""
    return teach(tmp_path_factory.mktemp("odd"), request.param)


def test_the_protocol_is_odd(taught: Taught) -> None:
    wrong = [label for label in taught.before.values() if label.sequence != TRUTH]
    assert len(wrong) > 0.6 * len(taught.series)
    assert {label.sequence for label in wrong} <= {TAKEN_FOR, "unknown"}


def test_the_rest_of_the_protocol_is_right(taught: Taught) -> None:
    rest = taught.rest
    assert not {one.patient for one in rest} & {one.patient for one in taught.series[:CORRECTED]}
    right = [one for one in rest if taught.after[one.uid].sequence == TRUTH]
    assert len(right) >= 0.9 * len(rest)
    wrong = [one for one in rest if taught.before[one.uid].sequence != TRUTH]
    fixed = [one for one in wrong if taught.after[one.uid].sequence == TRUTH]
    assert len(fixed) >= 0.9 * len(wrong)


def test_what_was_taught_is_not_confidently_wrong_elsewhere(taught: Taught) -> None:
    sure = [label for label in taught.after.values() if label.status is Status.AUTO]
    assert all(label.sequence == TRUTH for label in sure)


@pytest.mark.parametrize("mode", ["header", "full"])
def test_none_of_the_real_series_breaks(taught: Taught, slicer_database: Path, mode: str) -> None:
    def told(bundle: str) -> list[tuple[object, ...]]:
        found = classify(slicer_database, mode=mode, bundle=bundle)
        return [(p.series_uid, p.part, p.label, p.region, p.status) for p in found]

    before, after = told("headers"), told(str(taught.bundle))
    assert len({row[0] for row in before}) == 25
    assert after == before
