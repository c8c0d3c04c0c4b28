"""A series as one row, and why a part has its label: pure functions of predictions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.predictions import conflict, fact, make_prediction, opinions

from SeriesClassifierLib.explain.evidence_text import WITNESSES, text
from SeriesClassifierLib.explain.part_details import part_details
from SeriesClassifierLib.publish.series_row import series_rows
from SeriesClassifierLib.publish.summary import column_text
from SeriesClassifierLib.records import DecidedBy, Evidence, Status, Witness


def test_a_series_of_one_part_is_its_part() -> None:
    [row] = series_rows([make_prediction()])
    assert (row.label, row.status, row.decided_by, row.region) == ("T2 AX", "auto", "joint", "prostate")
    assert row.confidence == pytest.approx(0.98765432)
    assert [part.label for part in row.parts] == ["T2 AX"]


def test_the_most_doubtful_part_speaks_for_the_series() -> None:
    parts = [
        make_prediction(part=1, confidence=0.99, decided_by=DecidedBy.FACT),
        make_prediction(part=2, confidence=0.6, status=Status.REVIEW),
        make_prediction(part=3, confidence=None, status=Status.CORRECTED, decided_by=DecidedBy.HUMAN),
    ]
    [row] = series_rows(parts)
    assert (row.status, row.confidence, row.decided_by) == ("review", 0.6, "fact joint human")


@given(st.lists(st.sampled_from(list(Status)), min_size=1, max_size=4))
def test_the_status_of_a_row_and_the_mark_of_the_column_agree(statuses: list[Status]) -> None:
    parts = [make_prediction(part=n, status=status) for n, status in enumerate(statuses, start=1)]
    [row] = series_rows(parts)
    mark = {"auto": "", "corrected": " *", "review": " ?"}
    text = column_text(parts)
    assert text == ("?" if row.status in ("unknown", "failed") else row.label + mark[row.status])


def test_series_and_files_without_series_are_rows_of_their_own() -> None:
    files = [make_prediction(series_uid="", description=name, status=Status.FAILED) for name in ("a", "b")]
    rows = series_rows([make_prediction(series_uid="1.1"), make_prediction(series_uid="1.2"), *files])
    assert [row.series_uid for row in rows] == ["1.1", "1.2", "", ""]


def test_a_row_is_plain_json_and_names_no_patient() -> None:
    [row] = series_rows([make_prediction(patient_id="Doe", description="t2\x00tse")])
    text = json.dumps(row.as_json(), allow_nan=False)
    assert "Doe" not in text
    assert json.loads(text)["description"] == "t2 tse"


def test_details_tell_facts_apart_and_who_says_what() -> None:
    evidence = (
        fact("plane", "AX", "ImageOrientationPatient"),
        conflict("T1", other="T2"),
        Evidence(Witness.IMAGE, facet="sequence", value="T2", probability=0.6),
    )
    details = part_details(
        make_prediction(
            status=Status.REVIEW,
            evidence=evidence,
            opinions=(
                *opinions(
                    {"T2": 0.7, "T1": 0.2, "PD": 0.001},
                    image={"T2": 0.6, "OTHER": 0.4},
                    joint={"T2": 0.9, "OTHER": 0.1},
                    of_task={"T2": 0.3, "OTHER": 0.7},
                ),
                *opinions({"NONE": 1.0}, facet="phase"),
            ),
        )
    )
    assert details.facts == (text(evidence[0]),)
    assert details.reason == text(evidence[1])
    assert [(e["witness"], e["reason"], e["value"]) for e in details.evidence] == [
        ("words", "words_disagree", "T1"),
        ("image", "states", "T2"),
    ]
    assert [(e["against"], e["is_reason"]) for e in details.evidence] == [(True, True), (False, False)]
    assert [e["title"] for e in details.evidence] == [WITNESSES[Witness.WORDS], WITNESSES[Witness.IMAGE]]
    assert [e["text"] for e in details.evidence] == [text(e) for e in evidence[1:]]
    said = {a.name: (a.header, a.image, a.joint) for a in details.alternatives}
    assert said == {"T2": (0.7, 0.6, 0.9), "T1": (0.2, None, None), "OTHER": (None, 0.4, 0.1)}
    assert [a.name for a in details.alternatives] == ["T2", "T1", "OTHER"]
    json.dumps(details.as_json(), allow_nan=False)


def test_of_two_rules_that_ask_for_review_one_is_the_reason_and_the_other_is_shown_beside_it() -> None:
    first, second = conflict("T1", other="T2"), conflict("PD", other="T2")
    details = part_details(make_prediction(status=Status.REVIEW, evidence=(first, second)))
    assert details.reason == text(first)
    assert [(e["value"], e["is_reason"]) for e in details.evidence] == [("T1", True), ("PD", False)]
