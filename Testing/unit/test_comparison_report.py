"""The page and the JSON of a comparison: every flip is told, and nothing about a patient."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.pages import Page
from support.predictions import make_prediction

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.comparison_report import (
    MOST_OF_A_KIND,
    comparison_json,
    verdict,
    write_comparison,
)
from SeriesClassifierLib.evaluation.flips import Change, Comparison, compare
from SeriesClassifierLib.records import UNKNOWN, Prediction, Status

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7 * 7 }}\u202egnp.exe"
PICTURE = "data:image/png;base64,AAAA"
# What the old model says, the new one, and a person.
BREAKS, FIXES, STILL_WRONG = ("T2", "T1", "T2"), ("T1", "T2", "T2"), ("T1", "ADC", "T2")
NEW_UNKNOWN, NEW_ANSWER, OTHER, SAME = (
    ("T2", UNKNOWN, ""),
    (UNKNOWN, "T2", ""),
    ("T1", "T2", ""),
    ("T2", "T2", "T2"),
)
ONE_OF_EACH = (SAME, OTHER, NEW_ANSWER, NEW_UNKNOWN, STILL_WRONG, FIXES, BREAKS)


def prediction(number: int, sequence: str, **changes: Any) -> Prediction:
    values: dict[str, Any] = {
        "patient_id": "SECRET-1",
        "series_uid": f"1.2.{number}",
        "series_number": number,
        "description": f"series {number}",
        "sequence": sequence,
        "label": "?" if sequence == UNKNOWN else f"{sequence} AX",
        "confidence": None if sequence == UNKNOWN else 0.75,
        "status": Status.UNKNOWN if sequence == UNKNOWN else Status.REVIEW,
    }
    return make_prediction(**{**values, **changes})


def comparison_of(*cases: tuple[str, str, str], **changes: Any) -> Comparison:
    pairs = [
        (prediction(number, old, **changes), prediction(number, new, **changes))
        for number, (old, new, _) in enumerate(cases, start=1)
    ]
    human = {new.part_key: said for (_, new), (*_, said) in zip(pairs, cases, strict=True) if said}
    return compare("prostate-1.0.0", "prostate-1.1.0", pairs, human)


def page_of(
    tmp_path: Path, comparison: Comparison, thumbnail_of: Callable[[Prediction], str | None] | None = None
) -> Page:
    path = tmp_path / "comparison.html"
    write_comparison(path, comparison, thumbnail_of)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ((), "No parts were compared."),
        ((SAME,), "Nothing changes: both give the same answers."),
        ((OTHER,), "No part has a label by a person: nothing here tells which of the two is right."),
        ((SAME, OTHER), "Nothing that a person said breaks; no corrections are now right."),
        ((FIXES,), "Nothing that a person said breaks; 1 correction is now right."),
        ((FIXES,) * 12, "Nothing that a person said breaks; 12 corrections are now right."),
        ((BREAKS, FIXES, FIXES), "1 label that a person gave would break; 2 corrections are now right."),
        ((BREAKS, BREAKS), "2 labels that a person gave would break; no corrections are now right."),
    ],
)
def test_the_verdict(cases: tuple[tuple[str, str, str], ...], said: str, tmp_path: Path) -> None:
    comparison = comparison_of(*cases)
    assert verdict(comparison) == said
    assert said in page_of(tmp_path, comparison).text
    assert comparison_json(comparison)["verdict"] == said


def test_flips_are_grouped_by_what_they_mean(tmp_path: Path) -> None:
    page = page_of(tmp_path, comparison_of(*ONE_OF_EACH))
    assert re.findall(r"<h2>([\w ]+)", page.source) == [
        "Breaks what a person said ",
        "Fixes what a person put right ",
        "Still wrong",
        "New unknown",
        "New answer where there was none ",
        "Another answer",
    ]
    # The series in the order of the groups; the one that does not change is not there.
    assert re.findall(r"series (\d)", page.text) == ["7", "6", "5", "4", "3", "2"]
    assert "7 parts compared, 4 of them with a label by a person; 6 answers change" in page.text
    assert "Research use; not a medical device." in page.text


def test_a_flip_shows_both_answers_and_what_a_person_said(tmp_path: Path) -> None:
    old = prediction(1, "DWI", confidence=0.61, status=Status.REVIEW, label="DWI AX b800")
    new = prediction(1, "ADC", confidence=0.97, status=Status.AUTO)
    text = page_of(tmp_path, compare("a", "b", [(old, new)], {new.part_key: "DWI"})).text
    row = text[text.index("A person said") :]
    words = ("series 1", "DWI AX b800", "review", "61.0 %", "ADC AX", "auto", "97.0 %", "DWI", "1.2.1")
    places = [row.index(word) for word in words[:-2]]
    assert places == sorted(places)
    assert all(word in row for word in words)


def test_counts_are_at_the_top(tmp_path: Path) -> None:
    page = page_of(tmp_path, comparison_of(BREAKS, *(FIXES,) * 3))
    cards = page.source[: page.source.index("<main>")]
    found = re.findall(r'<b>(\d+)</b><span class="word">([\w ]+)</span>', cards)
    assert {name: int(n) for n, name in found} == {c.value: 0 for c in Change} | {"breaks": 1, "fixes": 3}


def test_no_flips_have_no_tables(tmp_path: Path) -> None:
    for cases in ((), (SAME,)):
        page = page_of(tmp_path, comparison_of(*cases))
        assert "<table" not in page.source
        assert "Research use; not a medical device." in page.text


def test_no_patient_is_told(tmp_path: Path) -> None:
    comparison = comparison_of(*ONE_OF_EACH)
    assert "SECRET" not in page_of(tmp_path, comparison).source
    told = json.dumps(comparison_json(comparison))
    assert "SECRET" not in told
    assert "patient" not in told.replace(verdict(comparison), "")


def test_many_flips_of_a_kind_are_not_all_shown(tmp_path: Path) -> None:
    asked = []

    def picture(asked_for: Prediction) -> str:
        asked.append(asked_for.series_uid)
        return PICTURE

    page = page_of(tmp_path, comparison_of(*(OTHER,) * (MOST_OF_A_KIND + 5)), picture)
    assert len(asked) == page.source.count("<img") == MOST_OF_A_KIND
    assert f"The first {MOST_OF_A_KIND} of them." in page.text
    assert f"({MOST_OF_A_KIND + 5})" in page.text


def test_pictures_are_those_of_the_new_predictions(tmp_path: Path) -> None:
    pictures = {"1.2.1": PICTURE, "1.2.2": None, "1.2.3": "https://x.y/z.png"}
    page = page_of(tmp_path, comparison_of(OTHER, OTHER, OTHER), lambda new: pictures[new.series_uid])
    assert [a["src"] for tag, a in page.elements if tag == "img"] == [PICTURE]
    assert page.text.count("no picture") == 2
    assert "Picture" not in page_of(tmp_path, comparison_of(OTHER)).text


def test_the_page_needs_nobody_else(tmp_path: Path) -> None:
    page = page_of(tmp_path, comparison_of(*ONE_OF_EACH), lambda _: PICTURE)
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", page.source)
    assert page.scripts == []
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.mark.parametrize("field", ["description", "label", "series_uid"])
def test_hostile_text_is_only_text(tmp_path: Path, field: str) -> None:
    comparison = comparison_of(BREAKS, OTHER, **{field: HOSTILE})
    page = page_of(tmp_path, comparison)
    assert page.scripts == []
    assert not any(tag == "img" for tag, _ in page.elements)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }} gnp.exe" in page.text
    assert "\u202e" not in json.dumps(comparison_json(comparison), ensure_ascii=False)


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    pair = (prediction(1, "T1"), prediction(1, HOSTILE))
    page = page_of(tmp_path, compare(HOSTILE, HOSTILE, [pair], {pair[1].part_key: HOSTILE}))
    assert page.scripts == []
    assert page.text.count("<script>alert(1)</script>") >= 3


def test_json_has_every_flip(tmp_path: Path) -> None:
    comparison = comparison_of(*ONE_OF_EACH)
    told = comparison_json(comparison)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["old"], told["new"], told["parts"], told["labelled"]) == (
        "prostate-1.0.0",
        "prostate-1.1.0",
        7,
        4,
    )
    assert told["counts"] == {change.value: 1 for change in Change}
    assert [flip["change"] for flip in told["flips"]] == [change.value for change in Change]
    assert told["flips"][3] == {
        "part_key": comparison.flips[3].new.part_key,
        "study_uid": "1.2.1",
        "series_uid": "1.2.4",
        "part": 1,
        "series_number": 4,
        "description": "series 4",
        "old_label": "T2 AX",
        "old_sequence": "T2",
        "old_confidence": 0.75,
        "old_status": "review",
        "new_label": "?",
        "new_sequence": "unknown",
        "new_confidence": None,
        "new_status": "unknown",
        "human": "",
        "change": "new unknown",
    }


def test_a_number_that_is_none_is_none(tmp_path: Path) -> None:
    comparison = comparison_of(OTHER, confidence=float("nan"), series_number=None)
    (flip,) = comparison_json(comparison)["flips"]
    assert flip["old_confidence"] is flip["new_confidence"] is flip["series_number"] is None
    assert not re.search(r"\bnan\b|\bNone\b", page_of(tmp_path, comparison).text)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        write_comparison(tmp_path / "no" / "x.html", comparison_of(OTHER))
