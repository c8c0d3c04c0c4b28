"""The vote on a study's region: words and models, and who decided."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import Decision, decide
from SeriesClassifierLib.records import UNKNOWN
from SeriesClassifierLib.study.region import vote

LIMITS = {facet: {"auto": 0.9, "review": 0.5} for facet in ("sequence", "phase", "region")}


def ballot(regions: Mapping[str, float], **tags: str) -> tuple[PartHeader, Decision]:
    header = PartHeader({"Modality": "MR", **tags})
    return header, decide(header, {"sequence": {"T2": 1.0}, "region": regions}, LIMITS)


def test_words_outvote_the_model_and_say_so() -> None:
    header, decision = ballot({"spine": 1.0}, StudyDescription="MRI prostate")
    found = vote([header], [decision])
    assert (found.region, found.by_words) == ("prostate", True)
    assert found.voters == ("StudyDescription",)


def test_a_model_alone_is_no_word() -> None:
    header, decision = ballot({"brain": 0.9, "spine": 0.1})
    found = vote([header], [decision])
    assert (found.region, found.by_words) == ("brain", False)


def test_without_a_majority_the_study_may_still_be_among_regions() -> None:
    header, decision = ballot({"prostate": 0.4, "pelvis": 0.35, "spine": 0.25})
    found = vote([header], [decision])
    assert (found.region, found.by_words) == (UNKNOWN, False)
    assert found.is_among(("prostate", "pelvis"))
    assert not found.is_among(("prostate",))
    assert not found.is_among(("abdomen",))
    assert sum(found.shares.values()) == pytest.approx(1)


def test_the_order_of_series_does_not_matter() -> None:
    ballots = [ballot({"brain": 0.6, "spine": 0.4}), ballot({"spine": 0.9, "brain": 0.1})]
    headers, decisions = zip(*ballots, strict=True)
    assert vote(headers, decisions) == vote(headers[::-1], decisions[::-1])


def test_nobody_votes() -> None:
    assert vote([], []).region == UNKNOWN
