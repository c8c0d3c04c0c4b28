"""Siblings: found by protocol, offered, spread in one step, and never against what a person said."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction
from support.protocols import drawn_protocol

from SeriesClassifierLib.curation.siblings import (
    families,
    family,
    family_of_series,
    said_of,
    siblings,
    spread,
)
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.protocol import same_protocol
from SeriesClassifierLib.journal.events import EventKind
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status

NAME = "t2_tse_tra"
PROTOCOL = drawn_protocol(2, NAME)


def part(number: int, study: int = 1, **changes: Any) -> Prediction:
    return make_prediction(
        study_uid=f"1.{study}",
        series_uid=f"1.{study}.{number}",
        series_number=number,
        **{"protocol": PROTOCOL, "status": Status.REVIEW, **changes},
    )


def places(found: Any) -> list[tuple[str, str]]:
    return [(sibling.prediction.series_uid, sibling.grade) for sibling in found]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "j.sqlite") as opened:
        opened.add_predictions(
            [
                part(1, sequence="PD"),
                part(2, sequence="PD"),
                part(3, study=2, sequence="PD"),
                part(4, study=2, protocol=drawn_protocol(2, "other name")),
                part(5, study=2, protocol=drawn_protocol(5, NAME)),
                part(6, study=3, status=Status.AUTO),
            ]
        )
        yield opened


# --- finding


def test_same_study_comes_first_then_the_same_words_then_the_table() -> None:
    labels = [
        part(9, study=1, protocol=drawn_protocol(2)),
        part(3, study=0),
        part(2, study=0),
        part(4, study=0, protocol=drawn_protocol(2, "other name")),
        part(8, study=1),
        part(7, study=1, protocol=drawn_protocol(5, NAME)),
    ]
    expected = [
        ("1.1.8", "same"),
        ("1.1.9", "alike"),
        ("1.0.2", "same"),
        ("1.0.3", "same"),
        ("1.0.4", "alike"),
    ]
    for seed in range(5):
        mixed = random.Random(seed).sample(labels, len(labels))
        assert places(siblings(part(1), mixed)) == expected
    reasons = [sibling.reason for sibling in siblings(part(1), labels)]
    assert reasons[0] == "same protocol and same name, in this study"
    assert reasons[-1] == "same protocol, here called t2_tse_tra, in another study"


def test_a_part_is_no_sibling_of_its_own_and_a_failed_one_of_nobody() -> None:
    assert siblings(part(1), [part(1), part(2, status=Status.FAILED)]) == []
    assert len(siblings(part(1), [part(1), part(1, part=2)])) == 1


def test_a_label_that_is_sure_is_left_out_and_one_in_review_is_offered_for_confirmation() -> None:
    labels = [part(2, status=Status.AUTO), part(3, status=Status.AUTO, sequence="PD"), part(4)]
    assert places(siblings(part(1), labels)) == [("1.1.3", "same"), ("1.1.4", "same")]
    both = {"sequence": "T2", "plane": "SAG"}
    assert len(siblings(part(1), labels, facets=both)) == 3


def test_what_people_named_is_protected_and_a_contradiction_is_told() -> None:
    labels = [
        part(2, status=Status.CORRECTED, sequence="T1"),
        part(3, study=2, status=Status.CORRECTED, sequence="T1"),
        part(4, status=Status.CORRECTED),
        part(5),
        part(6),
    ]
    found = family(part(1), labels, named={("1.1.6", 1)})
    assert places(found.offered) == [("1.1.5", "same")]
    assert len(found.protected) == 4
    assert found.notes == ("2 others of this protocol are named T1 by people",)


def test_a_header_that_tells_little_has_no_siblings() -> None:
    bare = {"words": "t2 tse tra", "vendor": "SIEMENS"}
    found = family(part(1, protocol=bare), [part(2, protocol=bare)])
    assert (found.offered, found.protected) == ((), ())
    assert "tells too little" in found.notes[0]


DRAWN = [drawn_protocol(seed, NAME) for seed in range(12)] + [drawn_protocol(2, "x"), drawn_protocol(3), {}]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(DRAWN), max_size=25))
def test_families_hold_what_has_the_same_protocol(protocols: list[Any]) -> None:
    labels = [part(n, protocol=protocol) for n, protocol in enumerate(protocols)]
    numbers = families(labels)
    assert len(numbers) == len(labels)
    first: dict[int, Any] = {}
    for number, protocol in zip(numbers, protocols, strict=True):
        if number is None:
            assert protocol == {}
        else:
            assert same_protocol(first.setdefault(number, protocol), protocol)


# --- spreading


def test_a_part_and_its_siblings_are_one_step(journal: Journal) -> None:
    before = list(journal.current_all())
    done = spread(journal, "1.1.1", None, "ms", {"sequence": "t2"})
    assert done.corrected == (("1.1.1", None), ("1.1.2", 1), ("1.2.3", 1))
    assert places(done.siblings) == [("1.1.2", "same"), ("1.2.3", "same")]
    named = {p.series_uid: p.sequence for p in journal.current_all() if p.status is Status.CORRECTED}
    assert named == {"1.1.1": "T2", "1.1.2": "T2", "1.2.3": "T2"}
    assert len(journal.undo_step("1.2.3", 1, "ms")) == 3
    assert list(journal.current_all()) == before


def test_a_correction_that_is_recorded_is_not_recorded_again(journal: Journal) -> None:
    journal.correct("1.1.1", 1, {"sequence": "T2"}, "ms")
    middle = list(journal.current_all())
    done = spread(journal, "1.1.1", 1, "ms", {"sequence": "T2"}, grades=("same", "alike"))
    assert done.corrected == (("1.1.2", 1), ("1.2.3", 1), ("1.2.4", 1))
    assert len(journal.corrections("1.1.1")) == 1
    assert len(journal.undo_step("1.1.2", None, "ms")) == 3
    assert list(journal.current_all()) == middle


def test_what_a_person_named_in_the_meantime_is_left_alone(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = family_of_series

    def meanwhile(*arguments: Any) -> Any:
        found = looked(*arguments)
        with Journal(journal.path) as other:
            other.correct("1.1.2", None, {"sequence": "FLAIR"}, "somebody else")
        return found

    monkeypatch.setattr("SeriesClassifierLib.curation.siblings.family_of_series", meanwhile)
    done = spread(journal, "1.1.1", None, "ms", {"sequence": "T2"})
    assert ("1.1.2", 1) not in done.corrected
    assert places(done.protected) == [("1.1.2", "same")]
    assert done.protected[0].prediction.sequence == "FLAIR"
    (kept,) = journal.current_series("1.1.2")
    assert kept.sequence == "FLAIR"


def test_a_series_that_no_model_has_seen_is_corrected_alone(journal: Journal) -> None:
    assert spread(journal, "9.9", None, "ms", {"sequence": "T2"}).corrected == (("9.9", None),)


@pytest.mark.parametrize(
    ("facets", "grades"), [({"sequence": "T9"}, ("same",)), ({}, ("same",)), ({"sequence": "T2"}, ("equal",))]
)
def test_a_wrong_spread_is_refused_and_writes_nothing(
    journal: Journal, facets: dict[str, str], grades: tuple[str, ...]
) -> None:
    before = len(list(journal.events()))
    with pytest.raises(UsageError):
        spread(journal, "1.1.1", None, "ms", facets, grades)
    assert len(list(journal.events())) == before


def test_what_is_said_of_all_parts_is_what_is_said_of_each(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.add_predictions([part(1, part=1), part(1, part=2)])
        assert said_of(journal, "1.1.1", None) == {}
        journal.correct("1.1.1", None, {"sequence": "T1", "plane": "SAG"}, "ms")
        journal.correct("1.1.1", 2, {"sequence": "PD"}, "ms")
        assert said_of(journal, "1.1.1", None) == {"plane": "SAG"}
        assert said_of(journal, "1.1.1", 2) == {"sequence": "PD", "plane": "SAG"}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("correct", "spread")),
        st.sampled_from(("1.1.1", "1.1.2", "1.2.3", "1.2.4")),
        st.sampled_from((None, 1)),
        st.sampled_from(("T1", "T2", "PD")),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_spread_never_changes_a_human_label_and_one_undo_takes_it_back(
    steps: list[tuple[str, str, Any, str]],
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder, "j.sqlite")) as journal:
        journal.add_predictions([part(1), part(2, part=1), part(2, part=2), part(3, study=2, sequence="PD")])
        journal.add_predictions([part(4, study=2, protocol=drawn_protocol(2, "x"))])
        for what, uid, index, value in steps:
            before = {(p.series_uid, p.part): p for p in journal.current_all()}
            if what == "correct":
                journal.correct(uid, index, {"sequence": value}, "ms")
                continue
            done = spread(journal, uid, index, "ms", {"sequence": value}, ("same", "alike"))
            after = {(p.series_uid, p.part): p for p in journal.current_all()}
            for key, label in before.items():
                if label.status is Status.CORRECTED and key[0] != uid:
                    assert after[key] == label
            if done.corrected:
                taken = journal.undo_step(*done.corrected[-1], "ms")
                assert set(taken) == set(done.corrected)
                assert {(p.series_uid, p.part): p for p in journal.current_all()} == before
        assert all(e.kind is not EventKind.NOTE for e in journal.events())
