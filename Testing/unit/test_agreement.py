"""Two readers: what counts as a reading, kappa as scikit-learn has it, and samples that show no label."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.curation.agreement import (
    Agreement,
    FacetAgreement,
    agreement,
    readings,
    sample_for_second_reading,
)
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.table import sort_key
from SeriesClassifierLib.records import Prediction

metrics = pytest.importorskip("sklearn.metrics", reason="agreement needs scikit-learn (extra review)")


def part(number: int, study: int = 1, **changes: Any) -> Prediction:
    return make_prediction(
        study_uid=f"1.{study}", series_uid=f"1.{study}.{number}", series_number=number, **changes
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "j.sqlite") as opened:
        opened.add_predictions(
            [part(1), part(2, part=1), part(2, part=2), part(1, study=2), part(1, study=3)]
        )
        yield opened


def of(journal: Journal, *readers: str) -> Agreement:
    return agreement(journal, readers or None)


def sequence(found: Agreement) -> FacetAgreement:
    (pair,) = found.pairs
    (facet,) = [f for f in pair.facets if f.facet == "sequence"]
    return facet


def find(journal: Journal, series_uid: str, number: int | None = None) -> list[Prediction]:
    """The parts of a series as they stand, or the one of a number."""
    return [p for p in journal.current_series(series_uid) if number in (None, p.part)]


def correct(journal: Journal, series_uid: str, number: int | None, facets: dict[str, str], user: str) -> None:
    journal.correct(find(journal, series_uid, number), facets, user)


def read(journal: Journal, series_uid: str, number: int, facets: dict[str, str], user: str) -> None:
    (part,) = find(journal, series_uid, number)
    journal.add_reading(part, facets, user)


def said_of(journal: Journal) -> dict[tuple[str, str, int], dict[str, str]]:
    """(reader, series UID, part) -> facets."""
    return {
        (user, p.series_uid, p.part): dict(facets)
        for p, said in readings(journal)
        for user, facets in said.items()
    }


# --- readings


def test_corrections_and_blind_readings_are_readings_and_the_last_word_counts(journal: Journal) -> None:
    correct(journal, "1.1.1", 1, {"sequence": "T1", "plane": "SAG"}, "a")
    correct(journal, "1.1.1", None, {"sequence": "PD"}, "a")
    read(journal, "1.1.1", 1, {"sequence": "T2"}, "b")
    read(journal, "1.1.1", 1, {"sequence": "FLAIR"}, "b")
    journal.note(find(journal, "1.1.1", 1)[0], "motion", "c")
    assert said_of(journal) == {
        ("a", "1.1.1", 1): {"sequence": "PD", "plane": "SAG"},
        ("b", "1.1.1", 1): {"sequence": "FLAIR"},
    }


def test_a_correction_of_all_parts_is_a_reading_of_each_and_one_of_an_unknown_series_is_none(
    journal: Journal,
) -> None:
    correct(journal, "1.1.2", None, {"sequence": "T1"}, "a")
    journal.correct_unseen("9.9", {"sequence": "T1"}, "a")
    assert {key for key in said_of(journal) if key[1] != "9.9"} == {("a", "1.1.2", 1), ("a", "1.1.2", 2)}


def test_what_was_taken_back_was_not_said(journal: Journal) -> None:
    correct(journal, "1.1.1", 1, {"sequence": "PD"}, "a")
    correct(journal, "1.1.1", 1, {"sequence": "T1"}, "a")
    journal.undo(find(journal, "1.1.1", 1), "somebody else")
    assert said_of(journal) == {("a", "1.1.1", 1): {"sequence": "PD"}}
    journal.undo(find(journal, "1.1.1", 1), "a")
    assert said_of(journal) == {}


WORDS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(("correct", "read")),
        st.sampled_from(("1.1.1", "1.1.2", "1.2.1")),
        st.sampled_from(("T1", "T2", "PD")),
    ),
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(WORDS, st.integers(0, 9))
def test_the_last_word_of_each_reader_counts_whoever_spoke_in_between(
    words: list[tuple[str, str, str, str]], seed: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder, "j.sqlite")) as journal:
        labels = [part(1), part(2), part(1, study=2)]
        journal.add_predictions(random.Random(seed).sample(labels, len(labels)))
        last = {}
        for reader, how, uid, value in words:
            say = correct if how == "correct" else read
            say(journal, uid, 1, {"sequence": value}, reader)
            last[reader, uid, 1] = {"sequence": value}
        assert said_of(journal) == last


# --- kappa


CLASSES = ("T1", "T2", "PD", "ADC")
PAIRS = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=30)


def read_by_two(path: Path, said: list[tuple[str, str]], studies: int) -> Agreement:
    with Journal(path) as journal:
        labels = [part(n, study=n % studies) for n in range(len(said))]
        journal.add_predictions(labels)
        for label, (a, b) in zip(labels, said, strict=True):
            journal.correct([label], {"sequence": a}, "a")
            journal.add_reading(label, {"sequence": b}, "b")
        return of(journal)


@settings(max_examples=20, deadline=None)
@given(PAIRS, st.integers(1, 6))
def test_kappa_is_that_of_sklearn(said: list[tuple[str, str]], studies: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = read_by_two(Path(folder, "j.sqlite"), said, studies)
    facet, (a, b) = sequence(found), zip(*said, strict=True)
    assert facet.n == len(said)
    assert facet.observed == pytest.approx(metrics.accuracy_score(a, b))
    assert len(found.pairs[0].disagreements) == sum(x != y for x, y in said)
    if len({*a, *b}) == 1:
        assert facet.kappa is None
        assert facet.confusion == ((len(said),),)
        assert "kappa is not defined" in facet.reason
    else:
        assert facet.kappa == pytest.approx(metrics.cohen_kappa_score(a, b))
        expected = metrics.confusion_matrix(a, b, labels=facet.classes).tolist()
        assert [list(line) for line in facet.confusion] == expected
    if facet.interval is not None:
        assert studies > 1
        assert -1 <= facet.interval[0] <= facet.interval[1] <= 1
    else:
        assert facet.reason


def test_the_interval_holds_kappa_and_is_of_studies(tmp_path: Path) -> None:
    rng = random.Random(2)
    said = [(a, a if rng.random() < 0.8 else rng.choice(CLASSES)) for a in rng.choices(CLASSES, k=120)]
    many = sequence(read_by_two(tmp_path / "many.sqlite", said, 60))
    few = sequence(read_by_two(tmp_path / "few.sqlite", said, 3))
    for facet in (many, few):
        assert facet.kappa is not None
        assert facet.interval is not None
        assert facet.interval[0] < facet.kappa < facet.interval[1]
    assert sequence(read_by_two(tmp_path / "one.sqlite", said, 1)).interval is None
    assert sequence(read_by_two(tmp_path / "again.sqlite", said, 60)) == many


def test_one_class_only_has_no_kappa_and_says_so(tmp_path: Path) -> None:
    facet = sequence(read_by_two(tmp_path / "j.sqlite", [("T2", "T2")] * 5, 5))
    assert (facet.kappa, facet.interval, facet.observed) == (None, None, 1.0)
    assert facet.reason == "both named nothing but T2: kappa is not defined"


def test_disagreements_are_told_in_table_order(journal: Journal) -> None:
    for uid in ("1.3.1", "1.1.1"):
        correct(journal, uid, 1, {"sequence": "T2"}, "b")
        read(journal, uid, 1, {"sequence": "T1"}, "a")
    (pair,) = of(journal).pairs
    assert pair.readers == ("a", "b")
    assert [(d.series_uid, d.first, d.second) for d in pair.disagreements] == [
        ("1.1.1", "T1", "T2"),
        ("1.3.1", "T1", "T2"),
    ]
    assert of(journal, "b", "a").pairs[0].disagreements[0].first == "T2"


def test_each_facet_has_its_own_agreement(journal: Journal) -> None:
    correct(journal, "1.1.1", 1, {"sequence": "T2", "plane": "AX"}, "a")
    read(journal, "1.1.1", 1, {"sequence": "T2", "plane": "COR"}, "b")
    read(journal, "1.2.1", 1, {"plane": "COR"}, "b")
    facets = {f.facet: (f.n, f.observed) for f in of(journal).pairs[0].facets}
    assert facets == {"sequence": (1, 1.0), "plane": (1, 0.0)}


def test_all_pairs_of_three_readers(journal: Journal) -> None:
    for reader in "cab":
        read(journal, "1.1.1", 1, {"sequence": "T2"}, reader)
    assert [pair.readers for pair in of(journal).pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [pair.readers for pair in of(journal, "c", "a").pairs] == [("c", "a")]


def test_who_cannot_be_compared_is_told_why(journal: Journal) -> None:
    assert "fewer than two people" in of(journal).reason
    read(journal, "1.1.1", 1, {"sequence": "T2"}, "a")
    read(journal, "1.2.1", 1, {"sequence": "T2"}, "b")
    assert "no part was read by two" in of(journal).reason
    with pytest.raises(UsageError, match="'c' has read nothing in this journal: it has readings of a, b"):
        of(journal, "a", "c")
    with pytest.raises(UsageError, match="two different readers"):
        of(journal, "a", "a")


def test_a_class_of_another_vocabulary_does_not_stop_it(journal: Journal) -> None:
    from SeriesClassifierLib.journal.events import Event, EventKind

    part_read = journal.current_series("1.1.1")[0]
    where = {"study_uid": part_read.study_uid, "part_key": part_read.part_key}
    for reader, value in (("a", "T2"), ("b", "NEW")):
        payload = {"text": "", "reading": {"sequence": value, "color": "red"}}
        journal._append([Event(reader, "", EventKind.NOTE, reader, "1.1.1", 1, payload, **where)])
    assert sequence(of(journal)).classes == ("T2", "NEW")


def test_a_missing_sklearn_says_what_to_install(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    for reader, value in (("a", "T2"), ("b", "T1")):
        read(journal, "1.1.1", 1, {"sequence": value}, reader)
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(UsageError, match=r"pip install 'series-classifier\[review\]'"):
        of(journal)


# --- samples


def test_rare_classes_are_in_the_sample() -> None:
    labels = [part(n, sequence="T2") for n in range(200)] + [
        part(300, sequence="ADC"),
        part(301, sequence="PD"),
    ]
    for seed in range(10):
        sample = sample_for_second_reading(labels, 5, seed)
        assert {"ADC", "PD"} < {p.sequence for p in sample}
        assert len(sample) == 5
    assert [p.sequence for p in sample_for_second_reading(labels, 2, 0)] == ["ADC", "PD"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(part, st.integers(1, 30), sequence=st.sampled_from(CLASSES)),
        unique_by=lambda p: p.series_uid,
    ),
    st.integers(1, 40),
    st.integers(0, 5),
)
def test_a_sample_is_deterministic_and_has_no_part_twice(labels: list[Prediction], n: int, seed: int) -> None:
    sample = sample_for_second_reading(labels, n, seed)
    assert sample_for_second_reading(labels[::-1], n, seed) == sample
    assert len({p.series_uid for p in sample}) == len(sample) == min(n, len(labels))
    assert {p.series_uid for p in sample} <= {p.series_uid for p in labels}
    assert sample == sorted(sample, key=sort_key)
    if n >= len(CLASSES):
        assert {p.sequence for p in sample} == {p.sequence for p in labels}


def test_another_seed_is_another_sample_and_none_is_refused() -> None:
    labels = [part(n) for n in range(100)]
    assert (
        len({tuple(p.series_uid for p in sample_for_second_reading(labels, 10, seed)) for seed in range(5)})
        == 5
    )
    with pytest.raises(UsageError):
        sample_for_second_reading(labels, 0, 1)
