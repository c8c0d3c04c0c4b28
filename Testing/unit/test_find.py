"""A series by what a person types: found, or refused, and never another one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.predictions import fake_images, make_prediction

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.identity import part_key, series_key
from SeriesClassifierLib.journal.find import find_part, find_series, part_name, reference, series_named
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction

LONG = "1.3.12.2.1107.5.2.43.67002.30000020051508133"


@contextmanager
def journal_of(*predictions: Prediction) -> Iterator[Journal]:
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
        journal.add_predictions(predictions)
        yield journal


def series(study: str, uid: str, number: int | None = 1) -> Prediction:
    return make_prediction(study_uid=study, series_uid=uid, series_number=number)


def named(journal: Journal, text: str) -> tuple[str, str]:
    ((study, uid),) = {(p.study_uid, p.series_uid) for p in find_series(journal, text)}
    return study, uid


# Components so few that ends, beginnings and whole UIDs collide all the time.
COMPONENT = st.sampled_from(["1", "2", "12", "1001", "54281", "2020051508133"])
UID = st.lists(COMPONENT, min_size=2, max_size=5).map(".".join)
NUMBER = st.sampled_from([None, 1, 2, 12, 1001, 54281, 51508133, -1])


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.tuples(UID, UID), NUMBER, min_size=1, max_size=8))
@example({("9.1.2.3.45", "7.6.5.4.3.21"): None, ("1.2.3.45", "5.4.3.21"): 3})
@example({("9.1.2.3.45", "7.6.5.4.3.21"): 12, ("1.2.3.45", "5.4.3.21"): 3})
@example({("1.2", "1.12.2020051508133"): None, ("1.2", "2.1"): 51508133})
@example({("1.2", "1.12"): 1001, ("1.2", "2.1001"): 12})
def test_a_reference_finds_its_series_or_is_refused(known: dict[tuple[str, str], int | None]) -> None:
    predictions = [series(study, uid, number) for (study, uid), number in known.items()]
    shown = [reference(p) for p in predictions]
    with journal_of(*predictions) as journal:
        for p in predictions:
            key, whole = (p.study_uid, p.series_uid), series_key(p.study_uid, p.series_uid)
            assert key in series_named(journal, reference(p))
            if shown.count(reference(p)) > 1:
                with pytest.raises(UsageError, match="could be"):
                    find_series(journal, reference(p))
            # The whole name means this one, unless the table shows the same text for a series of a longer UID.
            others = [other for other in predictions if reference(other) == whole and other is not p]
            assert series_named(journal, whole) == sorted(
                [key, *((o.study_uid, o.series_uid) for o in others)]
            )


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(UID, UID), NUMBER, min_size=2, max_size=8), st.data())
def test_a_refusal_lists_names_that_are_sure(
    known: dict[tuple[str, str], int | None], data: st.DataObject
) -> None:
    predictions = [series(study, uid, number) for (study, uid), number in known.items()]
    text = data.draw(
        st.sampled_from([reference(p) for p in predictions] + [p.series_uid for p in predictions])
    )
    with journal_of(*predictions) as journal:
        found = series_named(journal, text)
        if len(found) < 2:
            return
        with pytest.raises(UsageError) as refused:
            find_series(journal, text)
        listed = str(refused.value).split("type one of ")[1].split("; ")
        names = [name.split(" (")[0] for name in listed if not name.startswith("and ")]
        assert len(names) == min(len(found), 5)
        for key, name in zip(found, names, strict=False):
            assert series_named(journal, name) == [key] or name == series_key(*key)


def test_what_people_type() -> None:
    one, two = f"{LONG}54281", f"{LONG}99999"
    with journal_of(
        series(one, f"{LONG}1", 5), series(one, f"{LONG}2", 6), series(two, f"{LONG}3", 5)
    ) as journal:
        assert named(journal, f"{LONG}1") == (one, f"{LONG}1")
        assert named(journal, "54281/6") == (one, f"{LONG}2")
        assert named(journal, " 99999/5 ") == (two, f"{LONG}3")
        assert named(journal, f"{one}/{LONG}2") == (one, f"{LONG}2")
        assert named(journal, "81331") == (one, f"{LONG}1")
        assert named(journal, f"{one}/81332") == (one, f"{LONG}2")
        for text, words in (
            ("54281/7", "first column"),
            ("81/5", "4 characters"),
            ("5", "4 characters"),
            ("", "4 characters"),
            ("54281/", "4 characters"),
            ("1.3.12", "could be 3 series"),
            (f"{LONG[:20]}/5", "could be 2 series"),
        ):
            with pytest.raises(UsageError, match=words):
                find_series(journal, text)


def test_a_number_that_repeats_in_a_study_is_refused_with_other_names() -> None:
    with journal_of(
        series("1.2.3.45678", "1.2.5.111111", 5), series("1.2.3.45678", "1.2.5.222222", 5)
    ) as journal:
        with pytest.raises(UsageError) as refused:
            find_series(journal, "45678/5")
        text = str(refused.value)
        assert (
            "could be 2 series: type one of 1.2.3.45678/1.2.5.111111 (T2 AX); 1.2.3.45678/1.2.5.222222"
            in text
        )
        assert "P-1" not in text
        assert named(journal, "1.2.3.45678/1.2.5.222222") == ("1.2.3.45678", "1.2.5.222222")


def test_two_studies_that_share_a_series_uid_are_told_apart() -> None:
    with journal_of(series("1.2.3.11111", "1.9.9999", 5), series("1.2.3.22222", "1.9.9999", 5)) as journal:
        with pytest.raises(UsageError, match=r"one of \.3\.11111/5 .*; \.3\.22222/5"):
            find_series(journal, "1.9.9999")
        assert named(journal, "22222/5") == ("1.2.3.22222", "1.9.9999")


def test_a_number_is_the_one_of_the_newest_run() -> None:
    with journal_of(series("1.2.3.45678", "1.2.5.1", 5)) as journal:
        journal.add_predictions([series("1.2.3.45678", "1.2.5.1", 6), series("1.2.3.45678", "1.2.5.2", 5)])
        assert named(journal, "45678/5") == ("1.2.3.45678", "1.2.5.2")
        assert named(journal, "45678/6") == ("1.2.3.45678", "1.2.5.1")


def test_a_label_from_before_the_series_was_classified_does_not_make_two_series_of_it() -> None:
    with journal_of() as journal:
        journal.correct_unseen("1.2.5.1", {"sequence": "T2"}, "ms")
        assert named(journal, "1.2.5.1") == ("", "1.2.5.1")
        journal.add_predictions([series("1.2.3", "1.2.5.1", 5)])
        assert named(journal, "1.2.5.1") == ("1.2.3", "1.2.5.1")


def test_a_series_without_study_or_number_has_a_name_too() -> None:
    with journal_of(series("", "1.2.5.1", 5), series("1.2.3", "1.2.5.2", None)) as journal:
        for p in journal.current_all():
            assert named(journal, reference(p)) == (p.study_uid, p.series_uid)
    assert reference(make_prediction(series_uid="")) == ""


# Parts


def part(number: int, *values: str) -> Prediction:
    images = fake_images(number)
    return make_prediction(part=number, images=images, part_key=part_key("1.2.1", "1.2.1.5", values, images))


PARTS = [part(1, "b=50", "TE=80"), part(2, "b=400", "TE=80"), part(3, "b=400", "TE=100")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, [1, 2, 3]),
        ("2", [2]),
        ("b=50", [1]),
        ("b=400", [2, 3]),
        ("te=80, B=400", [2]),
        (PARTS[2].part_key, [3]),
    ],
)
def test_parts_by_number_key_and_values(text: str | None, expected: list[int]) -> None:
    assert [p.part for p in find_part(PARTS, text)] == expected


@pytest.mark.parametrize("text", ["4", "b=40", "b=400@", "", ",", "400"])
def test_parts_that_there_are_not(text: str) -> None:
    with pytest.raises(UsageError, match=r"choose from 1 \(b 50, TE 80\), 2 \(b 400, TE 80\)"):
        find_part(PARTS, text)


def test_the_name_of_a_part() -> None:
    assert part_name(PARTS[1]) == "2 (b 400, TE 80)"
    assert part_name(part(1)) == "1"
    assert part_name(make_prediction(part_key="")) == "1"
