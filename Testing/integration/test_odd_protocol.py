"""The point of it all: twenty corrections teach a site's odd protocol, and nothing else changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.odd_protocol import TAKEN_FOR, TRUTH, OddSeries, write_site

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.inference.run import classify
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status

pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

CORRECTED = 20
SEEDS = (1,)


@dataclass(frozen=True)
class Taught:
    """``before`` and ``after`` are labels of all series of the site, ``bundle`` what was trained in between."""

    series: list[OddSeries]
    corrected: frozenset[str]
    before: Mapping[str, Prediction]
    after: Mapping[str, Prediction]
    bundle: Path


def labels(folder: Path, bundle: str) -> dict[str, Prediction]:
    return {label.series_uid: label for label in classify(folder, mode="header", bundle=bundle)}


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def taught(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Taught:
    """Twelve patients are classified, twenty series corrected, all of the first four patients."""
    place = tmp_path_factory.mktemp("odd")
    site, journal, bundle = place / "site", place / "journal.sqlite", place / "new"
    series = write_site(site, patients=12, series=5, seed=request.param)
    before = labels(site, "headers")
    assert main(["classify", str(site), "--journal", str(journal), "--mode", "header", "--quiet"]) == 0
    corrected = [one.uid for one in series[:CORRECTED]]
    with Journal(journal) as opened:
        for uid in corrected:
            opened.correct(uid, None, {"sequence": TRUTH}, "curator")
    data = ["--data", str(place / "data")]
    assert (
        main(["export", "--journal", str(journal), "--source", str(site), "--out", data[1], "--quiet"]) == 0
    )
    train = ["train", *data, "--recipe", "headers", "--base", "headers", "--out", str(bundle), "--quiet"]
    assert main([*train, "--seed", str(request.param)]) == 0
    return Taught(series, frozenset(corrected), before, labels(site, str(bundle)), bundle)


def test_the_protocol_is_odd(taught: Taught) -> None:
    wrong = [label for label in taught.before.values() if label.sequence != TRUTH]
    assert len(wrong) > 0.6 * len(taught.series)
    assert {label.sequence for label in wrong} <= {TAKEN_FOR, "unknown"}


def test_the_rest_of_the_protocol_is_right(taught: Taught) -> None:
    rest = [one for one in taught.series if one.uid not in taught.corrected]
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
