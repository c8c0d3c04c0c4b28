"""The review queue: who is in it, in which order, and why."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction
from support.protocols import drawn_protocol

from SeriesClassifierLib.curation.queue import QueueItem, review_queue
from SeriesClassifierLib.records import DecidedBy, Evidence, Prediction, Status

NAME = "t2_tse_tra"


def part(number: int, study: int = 1, **changes: Any) -> Prediction:
    """Series ``number`` of a study, in review and without a protocol unless said otherwise."""
    return make_prediction(
        study_uid=f"1.{study}",
        series_uid=f"1.{study}.{number}",
        series_number=number,
        **{"status": Status.REVIEW, "confidence": 0.7, "probabilities": chances(T2=0.7, PD=0.3), **changes},
    )


def chances(**classes: float) -> dict[str, dict[str, float]]:
    return {"sequence": classes}


def numbers(items: list[QueueItem]) -> list[int | None]:
    return [item.series_number for item in items]


def reasons_of(items: list[QueueItem], number: int) -> str:
    (found,) = [item for item in items if item.series_number == number]
    return "; ".join(found.reasons)


# --- who is in it


def test_what_needs_no_answer_is_not_in_it() -> None:
    sure = [part(1, status=Status.AUTO), part(2, status=Status.CORRECTED, confidence=None)]
    assert review_queue(sure) == []
    assert review_queue([]) == []


def test_review_comes_before_unknown_and_failed_comes_last() -> None:
    labels = [
        part(1, status=Status.FAILED, error="not a DICOM file", sequence="unknown"),
        part(2, status=Status.UNKNOWN, sequence="unknown", confidence=0.2, probabilities=chances(T2=0.2)),
        part(3, confidence=0.98, probabilities=chances(T2=0.98)),
    ]
    items = review_queue(labels)
    assert numbers(items) == [3, 2, 1]
    assert [item.status for item in items] == ["review", "unknown", "failed"]
    assert items[-1].reasons == ("not a DICOM file",)
    assert items[-1].value == 0.0


def test_a_conflict_makes_an_auto_label_doubtful() -> None:
    conflict = Evidence("conflict", "the description says T1")
    items = review_queue([part(1, status=Status.AUTO, evidence=(conflict,)), part(2, status=Status.AUTO)])
    assert numbers(items) == [1]
    assert "the description says T1" in items[0].reasons


def test_repeats_that_disagree_make_auto_labels_doubtful() -> None:
    protocol = drawn_protocol(2, NAME)
    labels = [
        part(1, status=Status.AUTO, protocol=protocol),
        part(2, status=Status.AUTO, protocol=protocol, sequence="PD"),
        part(3, study=2, status=Status.AUTO, protocol=protocol, sequence="T1"),
    ]
    items = review_queue(labels)
    assert sorted(numbers(items)) == [1, 2]
    assert "series 2 of this study has the same protocol and is labelled PD" in reasons_of(items, 1)
    assert "series 1 of this study has the same protocol and is labelled T2" in reasons_of(items, 2)


def test_series_of_one_name_that_disagree_are_doubtful() -> None:
    one, other = drawn_protocol(2, "t2 pd"), {**drawn_protocol(2, "t2 pd"), "te": 1.5}

    def queue(description: str, *classes: str) -> list[QueueItem]:
        auto = {"status": Status.AUTO, "description": description}
        return review_queue(
            part(n, protocol=p, sequence=s, **auto)
            for n, p, s in zip((1, 2), (one, other), classes, strict=True)
        )

    assert "series 2 of this study has the same name" in reasons_of(queue("t2 pd", "T2", "PD"), 1)
    assert queue("scan", "T2", "PD") == []  # a name that names nothing
    assert queue("ep2d_diff", "DWI", "ADC") == []  # one acquisition makes both


def test_a_repeat_that_a_person_named_otherwise_says_so() -> None:
    protocol = drawn_protocol(2, NAME)
    labels = [
        part(1, status=Status.AUTO, protocol=protocol),
        part(2, status=Status.CORRECTED, protocol=protocol, sequence="PD"),
    ]
    items = review_queue(labels)
    assert numbers(items) == [1]
    assert "labelled PD, as a person said" in reasons_of(items, 1)
    assert "another one of this protocol is named PD by people" in reasons_of(items, 1)


# --- in which order


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"confidence": 0.5}, {"confidence": 0.9}),
        ({"probabilities": chances(T2=0.7, PD=0.29)}, {"probabilities": chances(T2=0.7, PD=0.01)}),
        ({"evidence": (Evidence("conflict", "the description says T1"),)}, {}),
        (
            {"probabilities": {**chances(T2=0.7, PD=0.3), "sequence (header alone)": {"T2": 0.9}, "sequence (picture alone)": {"PD": 0.9}}},
            {"probabilities": {**chances(T2=0.7, PD=0.3), "sequence (header alone)": {"T2": 0.9}, "sequence (picture alone)": {"T2": 0.9}}},
        ),
        ({"sequence": "ADC", "probabilities": chances(ADC=0.7, PD=0.3)}, {}),
    ],
    ids=["confidence", "margin", "conflict", "picture against header", "rare"],
)  # fmt: skip
def test_what_is_more_doubtful_comes_first(more: dict[str, Any], less: dict[str, Any]) -> None:
    # Twenty sure T2 elsewhere: the class of an ordinary label is not rare.
    sure = [part(n, study=9, status=Status.AUTO) for n in range(20)]
    items = review_queue([*sure, part(1, **less), part(2, **more)])
    assert numbers(items) == [2, 1]
    assert items[0].value > items[1].value


def test_one_of_a_family_stands_high_and_says_what_it_settles() -> None:
    protocol = drawn_protocol(2, NAME)
    family = [part(3, study=n, protocol=protocol) for n in range(1, 6)]
    alone = [part(n, study=9, protocol=drawn_protocol(n, f"single {n}")) for n in (11, 13, 15)]
    items = review_queue([*alone, *family])
    assert items[0].series_number == 3
    assert "the answer would settle 4 more of the same protocol and name" in items[0].reasons
    assert numbers(items) == [3, 11, 13, 15, 3, 3, 3, 3]
    assert all("one answer may settle both" in item.reasons[-1] for item in items[4:])


def test_a_family_without_a_name_is_one_by_its_protocol_and_one_that_tells_little_is_none() -> None:
    nameless = [part(n, protocol=drawn_protocol(2)) for n in (1, 2)]
    assert "would settle 1 more of the same protocol" in reasons_of(review_queue(nameless), 1)
    empty = [part(n, protocol={"words": "t2 tse tra"}) for n in (1, 2)]
    assert not any("settle" in reason for item in review_queue(empty) for reason in item.reasons)


def test_names_that_people_gave_to_the_protocol_are_told() -> None:
    protocol = drawn_protocol(2, NAME)
    named = [part(1, study=n, status=Status.CORRECTED, protocol=protocol) for n in (2, 3)]
    items = review_queue([part(1, protocol=protocol), *named])
    assert "2 others of this protocol are named T2 by people" in items[0].reasons


def test_the_reason_names_the_probabilities_that_decided() -> None:
    joint = {**chances(PD=0.9), "sequence (both)": {"T2": 0.6, "PD": 0.4}}
    items = review_queue([part(1, decided_by=DecidedBy.JOINT, probabilities=joint)])
    assert "not certain enough: T2 60%, PD 40%" in items[0].reasons


# --- invariants


PROTOCOLS = (drawn_protocol(2, NAME), drawn_protocol(4, NAME), drawn_protocol(2), {})
LABELS = st.lists(
    st.builds(
        part,
        st.integers(1, 4),
        st.integers(1, 3),
        status=st.sampled_from(Status),
        sequence=st.sampled_from(("T1", "T2", "unknown")),
        confidence=st.one_of(st.none(), st.just(float("nan")), st.floats(-1, 2)),
        probabilities=st.sampled_from(
            (
                {},
                chances(T2=0.8, T1=0.2),
                chances(T2=float("nan")),
                {"sequence (header alone)": {"T1": 0.9}, "sequence (picture alone)": {"T2": 0.8}},
            )
        ),
        protocol=st.sampled_from(PROTOCOLS),
        evidence=st.sampled_from(
            ((), (Evidence("conflict", "a \u202e b"),), (Evidence("warning", "short"),))
        ),
    ),
    max_size=12,
    unique_by=lambda p: p.series_uid,
)


@settings(max_examples=150, deadline=None)
@given(LABELS, st.integers(0, 9))
def test_order_does_not_count_every_item_has_reasons_and_nobody_is_lost(
    labels: list[Prediction], seed: int
) -> None:
    items = review_queue(labels)
    shuffled = random.Random(seed).sample(labels, len(labels))
    assert review_queue(iter(shuffled)) == items
    assert all(item.reasons and all(reason.strip() for reason in item.reasons) for item in items)
    assert all(0 <= item.value <= 1 for item in items)
    assert not any("nan" in reason or "\u202e" in reason for item in items for reason in item.reasons)
    listed = {item.series_uid for item in items}
    assert len(listed) == len(items)
    for label in labels:
        if label.status is Status.CORRECTED:
            assert label.series_uid not in listed
        elif label.status is not Status.AUTO:
            assert label.series_uid in listed
    ranks = [("review", "unknown", "failed").index(i.status.replace("auto", "review")) for i in items]
    assert ranks == sorted(ranks)


def test_items_hold_no_patient_and_are_plain() -> None:
    (item,) = review_queue([part(1, patient_id="P-17", description="a\nb")])
    assert "P-17" not in str(item.as_json())
    assert item.as_json()["description"] == "a b"
