"""Siblings: found by protocol, offered, spread in one step, and never against what a person said."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_curation import plain_families, plain_siblings
from support.predictions import make_prediction
from support.protocols import drawn_protocol

from SeriesClassifierLib.curation.families import Families
from SeriesClassifierLib.curation.siblings import GRADES, Family, Spread, family_of_parts, said_of, spread
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.protocol import Protocol
from SeriesClassifierLib.journal.events import EventKind
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status, part_id
from SeriesClassifierLib.spool import Disk

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


def of(journal: Journal, series_uid: str, number: int | None = None) -> list[Prediction]:
    """The parts of a series as they stand, or the one of a number."""
    return [p for p in journal.current_series(series_uid) if number in (None, p.part)]


def siblings(of_part: Prediction, labels: Sequence[Prediction], facets: Mapping[str, str] | None = None) -> Any:
    """What is offered."""
    with Family([of_part], labels, facets) as found:
        offered = list(found.offered())
        assert found.n_offered() == len(offered)
    return offered


def spread_from(
    journal: Journal, parts: list[Prediction], value: str, grades: Sequence[str] = ("same",)
) -> Spread:
    """Look for siblings and give them a sequence."""
    with family_of_parts(journal, parts, {"sequence": value.upper()}) as found:
        return spread(journal, parts, found, "ms", {"sequence": value}, grades)


def corrected(journal: Journal) -> dict[str, str]:
    """Series UID -> sequence of what people labeled."""
    return {p.series_uid: p.sequence for p in journal.current_all() if p.status is Status.CORRECTED}


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
    assert len(siblings(part(1), labels, {"sequence": "T2", "plane": "SAG"})) == 3


def test_what_people_labeled_is_protected_and_a_contradiction_is_told() -> None:
    labels = [
        part(2, status=Status.CORRECTED, sequence="T1"),
        part(3, study=2, status=Status.CORRECTED, sequence="T1"),
        part(4, status=Status.CORRECTED, protocol=drawn_protocol(2, "other name")),
        part(5),
    ]
    with Family([part(1)], labels) as found:
        assert places(found.offered()) == [("1.1.5", "same")]
        assert places(found.protected()) == [("1.1.2", "same"), ("1.1.4", "alike"), ("1.2.3", "same")]
        assert (found.n_protected(), found.n_protected(("same",))) == (3, 2)
        assert places(found.protected(("alike",))) == [("1.1.4", "alike")]
        assert found.notes == ("2 others of this protocol are named T1 by people",)


def test_a_header_that_tells_little_has_no_siblings() -> None:
    bare = {"words": "t2 tse tra", "vendor": "SIEMENS"}
    with Family([part(1, protocol=bare)], [part(2, protocol=bare)]) as found:
        assert (found.n_offered(), found.n_protected()) == (0, 0)
        assert "tells too little" in found.notes[0]


TIMES = [{**PROTOCOL, "te": te, "tr": tr} for te in (80.0, 86.0, 92.0, 0.0) for tr in (3e3, 3.9e3, 5e3)]
DRAWN: list[Protocol] = [drawn_protocol(seed, NAME) for seed in range(12)] + TIMES
DRAWN += [{**PROTOCOL, "te": "long"}, drawn_protocol(2, "x"), drawn_protocol(3), {}]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(DRAWN), max_size=25))
def test_families_on_disk_are_those_in_memory(protocols: list[Protocol]) -> None:
    with Disk() as disk:
        families = Families(disk)
        numbers = [families.number(protocol) for protocol in protocols]
        assert [families.number(protocol) for protocol in protocols] == numbers
    expected = plain_families(protocols)
    same = dict(zip(numbers, expected, strict=True))
    assert [same[number] for number in numbers] == expected
    assert len(set(numbers)) == len(set(expected))


LABELED = st.lists(
    st.builds(
        part,
        st.integers(1, 4),
        st.integers(1, 3),
        part=st.integers(1, 2),
        status=st.sampled_from(Status),
        sequence=st.sampled_from(("T1", "T2")),
        plane=st.sampled_from(("AX", "SAG")),
        protocol=st.sampled_from((PROTOCOL, drawn_protocol(2, "x"), drawn_protocol(2), *TIMES[:4], {})),
    ),
    min_size=2,
    max_size=16,
    unique_by=part_id,
)


@settings(max_examples=150, deadline=None)
@given(
    LABELED,
    st.sampled_from((None, {"sequence": "T1"}, {"sequence": "T2", "plane": "AX"})),
    st.integers(1, 2),
    st.integers(0, 9),
)
def test_the_family_on_disk_is_the_one_in_memory(
    labels: list[Prediction], facets: dict[str, str] | None, n: int, seed: int
) -> None:
    shuffled = random.Random(seed).sample(labels, len(labels))
    offered, protected, notes = plain_siblings(labels[:n], labels, facets)
    with Family(labels[:n], shuffled, facets) as found:
        assert [replace(s.prediction, images=b"") for s in found.offered()] == without_images(offered)
        assert [s.prediction for s in found.protected()] == without_images(protected)
        by_grade = {grade: [s for s in found.offered() if s.grade == grade] for grade in GRADES}
        assert {grade: list(found.offered((grade,))) for grade in GRADES} == by_grade
        assert {grade: found.n_offered((grade,)) for grade in GRADES} == {g: len(of) for g, of in by_grade.items()}
        assert found.n_protected() == len(protected)
        assert {note for note in found.notes if "tells too little" not in note} == notes


def without_images(labels: list[Prediction]) -> list[Prediction]:
    return [replace(label, images=b"") for label in labels]


# --- spreading


def test_a_part_and_its_siblings_are_one_step(journal: Journal) -> None:
    before = list(journal.current_all())
    done = spread_from(journal, of(journal, "1.1.1"), "t2")
    assert done == Spread(n_parts=3, n_series=3, n_siblings=2)
    assert corrected(journal) == {"1.1.1": "T2", "1.1.2": "T2", "1.2.3": "T2"}
    assert len(journal.undo(of(journal, "1.2.3"), "ms")) == 3
    assert list(journal.current_all()) == before


def test_siblings_under_other_names_are_corrected_when_asked_for(journal: Journal) -> None:
    assert spread_from(journal, of(journal, "1.1.1"), "T2", GRADES).n_siblings == 3
    assert corrected(journal)["1.2.4"] == "T2"


def test_a_correction_that_is_recorded_is_not_recorded_again(journal: Journal) -> None:
    journal.correct(of(journal, "1.1.1"), {"sequence": "T2"}, "ms")
    middle = list(journal.current_all())
    done = spread_from(journal, of(journal, "1.1.1"), "T2", GRADES)
    assert done == Spread(n_parts=3, n_series=3, n_siblings=3)
    assert len(journal.corrections("1.1.1")) == 1
    assert len(journal.undo(of(journal, "1.1.2"), "ms")) == 3
    assert list(journal.current_all()) == middle


def test_what_a_person_labeled_in_the_meantime_is_left_alone(journal: Journal) -> None:
    parts = of(journal, "1.1.1")
    with family_of_parts(journal, parts, {"sequence": "T2"}) as found:
        with Journal(journal.path) as other:
            other.correct(of(other, "1.1.2"), {"sequence": "FLAIR"}, "somebody else")
        done = spread(journal, parts, found, "ms", {"sequence": "T2"})
    assert [p.series_uid for p in done.overtaken] == ["1.1.2"]
    assert done.n_siblings == 1
    assert corrected(journal) == {"1.1.1": "T2", "1.1.2": "FLAIR", "1.2.3": "T2"}


@pytest.mark.parametrize(
    ("facets", "grades"), [({"sequence": "T9"}, ("same",)), ({}, ("same",)), ({"sequence": "T2"}, ("equal",))]
)
def test_a_wrong_spread_is_refused_and_writes_nothing(
    journal: Journal, facets: dict[str, str], grades: tuple[str, ...]
) -> None:
    before, parts = len(list(journal.events())), of(journal, "1.1.1")
    with family_of_parts(journal, parts) as found, pytest.raises(UsageError):
        spread(journal, parts, found, "ms", facets, grades)
    assert len(list(journal.events())) == before


def test_what_is_said_of_all_parts_is_what_is_said_of_each(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.add_predictions([part(1, part=1), part(1, part=2)])
        assert said_of(journal, of(journal, "1.1.1")) == {}
        journal.correct(of(journal, "1.1.1"), {"sequence": "T1", "plane": "SAG"}, "ms")
        journal.correct(of(journal, "1.1.1", 2), {"sequence": "PD"}, "ms")
        assert said_of(journal, of(journal, "1.1.1")) == {"plane": "SAG"}
        assert said_of(journal, of(journal, "1.1.1", 2)) == {"sequence": "PD", "plane": "SAG"}


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
def test_spread_never_changes_a_human_label_and_one_undo_reverts_it(
    steps: list[tuple[str, str, Any, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder, "j.sqlite")) as journal:
        journal.add_predictions([part(1), part(2, part=1), part(2, part=2), part(3, study=2, sequence="PD")])
        journal.add_predictions([part(4, study=2, protocol=drawn_protocol(2, "x"))])
        for what, uid, index, value in steps:
            before = {part_id(p): p for p in journal.current_all()}
            if what == "correct":
                journal.correct(of(journal, uid, index), {"sequence": value}, "ms")
                continue
            done = spread_from(journal, of(journal, uid, index), value, GRADES)
            after = {part_id(p): p for p in journal.current_all()}
            for key, label in before.items():
                if label.status is Status.CORRECTED and label.series_uid != uid:
                    assert after[key] == label
            changed = [label for key, label in after.items() if label != before[key]]
            assert len(changed) == done.n_parts
            assert len({label.series_uid for label in changed}) == done.n_series
            if changed:
                assert len(journal.undo(changed[-1:], "ms")) == done.n_parts
                assert {part_id(p): p for p in journal.current_all()} == before
        assert all(e.kind is not EventKind.NOTE for e in journal.events())
