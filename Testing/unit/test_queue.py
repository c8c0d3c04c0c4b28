"""The review queue: who is in it, in which order, and why."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_curation import plain_queue
from support.predictions import conflict, make_prediction, opinions
from support.protocols import drawn_protocol

from SeriesClassifierLib.curation.queue import QueueItem, ReviewQueue
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.records import DecidedBy, Evidence, Opinion, Prediction, Reason, Status, Witness

NAME = "t2_tse_tra"


def part(number: int, study: int = 1, **changes: Any) -> Prediction:
    """Series ``number`` of a study, in review and without a protocol unless said otherwise."""
    return make_prediction(
        study_uid=f"1.{study}",
        series_uid=f"1.{study}.{number}",
        series_number=number,
        **{"status": Status.REVIEW, "confidence": 0.7, "opinions": chances(T2=0.7, PD=0.3), **changes},
    )


def review_queue(predictions: Iterable[Prediction]) -> list[QueueItem]:
    with ReviewQueue(predictions) as found:
        items = list(found)
        assert list(found) == items
        assert len(found) == len(items)
    return items


def chances(**classes: float) -> tuple[Opinion, ...]:
    """What the header bundle gives for the sequence."""
    return opinions(classes)


def apart(header: str, image: str, p: float = 0.9) -> tuple[Opinion, ...]:
    """The image bundle's answers by the header alone and by the image alone."""
    return opinions({"T2": 0.7, "PD": 0.3}, of_task={header: p}, image={image: p})


def against_header(value: str, probability: float, other: str) -> Evidence:
    return Evidence(Witness.IMAGE, Reason.WITNESSES_DISAGREE, "sequence", value, probability, other)


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
        part(2, status=Status.UNKNOWN, sequence="unknown", confidence=None, opinions=chances(T2=0.2)),
        part(3, confidence=0.98, opinions=chances(T2=0.98)),
    ]
    items = review_queue(labels)
    assert numbers(items) == [3, 2, 1]
    assert [item.status for item in items] == ["review", "unknown", "failed"]
    assert items[-1].reasons == ("not a DICOM file",)
    assert items[-1].value == 0.0


def test_a_conflict_makes_an_auto_label_doubtful() -> None:
    doubt = conflict("T1", decisive=False)
    items = review_queue([part(1, status=Status.AUTO, evidence=(doubt,)), part(2, status=Status.AUTO)])
    assert numbers(items) == [1]
    assert text(doubt) in items[0].reasons


def test_the_rule_that_decided_comes_first_then_what_else_is_doubtful() -> None:
    few = Evidence(Witness.HEADER, Reason.FEW_PARAMETERS, decisive=True)
    file = Evidence(Witness.FILE, Reason.UNREADABLE, detail="1 of the slices")
    agreeing = Evidence(Witness.WORDS, Reason.STATES, "sequence", "T2")
    sure = [part(n, study=9, status=Status.AUTO) for n in range(20)]
    (item,) = review_queue([*sure, part(1, evidence=(agreeing, file, few, conflict("T1"), conflict("PD")))])
    assert item.reasons == tuple(text(e) for e in (few, conflict("T1"), conflict("PD"), file))
    (item,) = review_queue([*sure, part(1, evidence=(conflict("T1"), few))])
    assert item.reasons == (text(conflict("T1")), text(few))


def test_an_unknown_part_says_what_decided_or_why_it_could_not_be_labeled() -> None:
    none = Evidence(Witness.HEADER, Reason.NO_CLASS, "sequence", "T2", 0.4, decisive=True)
    unknown: dict[str, Any] = {"status": Status.UNKNOWN, "sequence": "unknown", "confidence": None}
    (item,) = review_queue([part(1, evidence=(none,), opinions=chances(T2=0.4, PD=0.35), **unknown)])
    assert item.reasons[0] == text(none)
    (item,) = review_queue([part(1, error="not an image: waveform", opinions=(), evidence=(), **unknown)])
    assert item.reasons[0] == "not an image: waveform"


def test_repeats_that_disagree_make_auto_labels_doubtful() -> None:
    protocol = drawn_protocol(2, NAME)
    labels = [
        part(1, status=Status.AUTO, protocol=protocol),
        part(2, status=Status.AUTO, protocol=protocol, sequence="PD"),
        part(3, study=2, status=Status.AUTO, protocol=protocol, sequence="T1"),
    ]
    items = review_queue(labels)
    assert sorted(numbers(items)) == [1, 2]
    assert "series 2 of this study has the same protocol and is labeled PD" in reasons_of(items, 1)
    assert "series 1 of this study has the same protocol and is labeled T2" in reasons_of(items, 2)


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
    assert "labeled PD by a reviewer" in reasons_of(items, 1)
    assert "another one of this protocol is named PD by people" in reasons_of(items, 1)


# --- in which order


def unsure(probability: float) -> Evidence:
    """The header alone named another class, with this probability."""
    return Evidence(
        *(Witness.HEADER, Reason.HEADER_UNSURE, "sequence", "PD", probability),
        other="T2", against=True, decisive=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"confidence": 0.5}, {"confidence": 0.9}),
        ({"opinions": chances(T2=0.7, PD=0.29)}, {"opinions": chances(T2=0.7, PD=0.01)}),
        ({"evidence": (conflict("T1"),)}, {}),
        ({"opinions": apart("T2", "PD")}, {"opinions": apart("T2", "T2")}),
        ({"opinions": apart("T2", "PD")}, {"opinions": apart("T2", "PD", 0.5)}),
        ({"evidence": (conflict("T1"),)}, {"evidence": (unsure(0.6),)}),
        ({"evidence": (unsure(0.6),)}, {"evidence": (unsure(0.5),)}),
        ({"sequence": "ADC", "opinions": chances(ADC=0.7, PD=0.3)}, {}),
    ],
    ids=["confidence", "margin", "conflict", "image", "sure image", "sure conflict", "surer", "rare"],
)
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


def test_a_class_is_rare_and_a_label_doubtful_by_the_probabilities_that_decided() -> None:
    joint = opinions({"PD": 0.9}, joint={"T2": 0.6, "PD": 0.4})
    unknown: dict[str, Any] = {"status": Status.UNKNOWN, "sequence": "unknown", "confidence": None}
    (by_both,) = review_queue([part(1, decided_by=DecidedBy.JOINT, opinions=joint, **unknown)])
    assert by_both.reasons[0] == text(Evidence(Witness.JOINT, Reason.NO_CLASS, "sequence", "T2", 0.6))
    assert "no label of T2 is sure yet" in by_both.reasons
    (by_header,) = review_queue([part(1, decided_by=DecidedBy.HEADER, opinions=joint, **unknown)])
    assert "no label of PD is sure yet" in by_header.reasons
    assert by_header.value < by_both.value


def test_header_and_image_that_disagree_are_named_once() -> None:
    (item,) = review_queue([part(1, opinions=apart("T2", "PD"))])
    assert text(against_header("PD", 0.9, "T2")) in item.reasons
    recorded = replace(against_header("ADC", 0.85, "T2"), against=True, decisive=True)
    (item,) = review_queue([part(1, opinions=apart("T2", "PD"), evidence=(recorded,))])
    (alone,) = review_queue([part(1, opinions=apart("T2", "T2"), evidence=(recorded,))])
    assert item.reasons == alone.reasons
    assert item.reasons[0] == text(recorded)


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
        opinions=st.sampled_from(
            (
                (),
                chances(T2=0.8, T1=0.2),
                chances(T2=float("nan")),
                opinions(of_task={"T1": 0.9}, image={"T2": 0.8}),
            )
        ),
        protocol=st.sampled_from(PROTOCOLS),
        evidence=st.sampled_from(
            (
                (),
                (Evidence(Witness.WORDS, Reason.RECORDED, detail="a \u202e b", against=True),),
                (Evidence(Witness.FILE, Reason.UNREADABLE, detail="short"),),
                (unsure(float("nan")),),
            )
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


# --- on disk


DESCRIPTIONS = (NAME, "t1_vibe", "scan", "\ud800 t2", "")
JOURNALS = st.lists(
    st.builds(
        part,
        st.one_of(st.none(), st.integers(1, 3)),
        st.sampled_from((1, 2, "")),
        part=st.integers(1, 3),
        status=st.sampled_from((*Status, Status.AUTO, Status.REVIEW)),
        sequence=st.sampled_from(("T1", "T2", "PD", "ADC", "DWI", "unknown")),
        confidence=st.sampled_from((None, 0.6, 0.9)),
        description=st.sampled_from(DESCRIPTIONS),
        error=st.sampled_from(("", "cannot be read")),
        protocol=st.sampled_from(
            (
                *PROTOCOLS,
                *({**drawn_protocol(2, NAME), "te": te, "tr": tr} for te in (80.0, 88.0, 96.0) for tr in (3e3, 4e3)),
                {**drawn_protocol(2, "t1 vibe"), "te": 88.0, "tr": 3e3},
            )
        ),
        evidence=st.sampled_from(((), (conflict(),), (unsure(0.4),))),
    ),
    max_size=14,
)


@settings(max_examples=200, deadline=None)
@given(JOURNALS)
def test_the_queue_on_disk_is_the_one_in_memory(labels: list[Prediction]) -> None:
    assert review_queue(labels) == plain_queue(labels)


def test_a_queue_that_cannot_be_made_leaves_nothing_open() -> None:
    def broken() -> Any:
        yield part(1)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        ReviewQueue(broken())
