"""The page and the JSON of an evaluation: all figures are there, the page needs nobody, nothing hostile runs."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from support.pages import Page

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.answered import Answered
from SeriesClassifierLib.evaluation.charts import reliability_diagram, risk_coverage_curve
from SeriesClassifierLib.evaluation.evaluation_report import (
    MOST_WRONG,
    evaluation_json,
    headline,
    share_text,
    write_evaluation,
)
from SeriesClassifierLib.evaluation.measures import Auto, measure
from SeriesClassifierLib.records import UNKNOWN, Status
from SeriesClassifierLib.training.calibration import ReliabilityBin

CLASSES = ("T1", "T2", "DWI")
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7 * 7 }}\u202egnp.exe"
PICTURE = "data:image/png;base64,AAAA"
ABOUT = {
    "bundle": "prostate",
    "version": "1.2.0",
    "digest": "sha256:ab12",
    "data": "a journal",
    "left_out": 7,
}


def answered(truth: str, answer: str, **changes: Any) -> Answered:
    values: dict[str, Any] = {
        "name": "1.2.3:1",
        "exam": "SECRET-1",
        "truth": truth,
        "answer": answer,
        "confidence": None if answer == UNKNOWN else 0.9,
        "status": Status.UNKNOWN if answer == UNKNOWN else Status.AUTO,
        "vendor": "SIEMENS",
    }
    return Answered(**{**values, **changes})


def some_parts(n: int = 120) -> list[Answered]:
    draw = random.Random(3)
    return [
        answered(
            draw.choice(CLASSES),
            draw.choice((*CLASSES, UNKNOWN)),
            name=f"1.2.{number}:1",
            exam=f"SECRET-{number // 4}",
            confidence=draw.random(),
            missing=("codes",) if number % 5 == 0 else (),
        )
        for number in range(n)
    ]


def page_of(
    tmp_path: Path,
    parts: list[Answered],
    about: dict[str, Any] | None = None,
    wrong: list[tuple[Answered, str]] | None = None,
) -> Page:
    path = tmp_path / "evaluation.html"
    if wrong is None:
        wrong = [(part, PICTURE) for part in parts if not part.right]
    write_evaluation(path, measure(parts, CLASSES, samples=50), ABOUT if about is None else about, wrong)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def test_the_page_tells_the_figures(tmp_path: Path) -> None:
    parts = some_parts()
    page = page_of(tmp_path, parts)
    found = measure(parts, CLASSES, samples=50)
    assert headline(found) in page.text
    for figure in (found.accuracy, found.weighted_f1, found.macro_f1, *(c.recall for c in found.classes)):
        assert share_text(figure.value) in page.text
        assert f"{100 * figure.low:.1f} to {100 * figure.high:.1f} %" in page.text
    for words in ("prostate", "1.2.0", "sha256:ab12", "a journal", "7 labelled parts", "SIEMENS", "codes"):
        assert words in page.text
    assert "Research use; not a medical device." in page.text
    assert [tag for tag, _ in page.elements].count("svg") == 2
    assert "SECRET" not in page.source


def test_the_sentence_for_a_clinician() -> None:
    parts = [answered("T1", "T1", exam=exam) for exam in "ABC"] + [answered("T1", "T2", exam="D")]
    assert headline(measure(parts, CLASSES)) == (
        "Of 4 labelled parts of 4 patients, the bundle names 75.0 % right (95 % interval 25.0 to 100.0 %); "
        "100 % can be used without asking, and 25.0 % of those are wrong (1 part)."
    )
    assert headline(measure(parts[:1], CLASSES)) == (
        "Of 1 labelled part of 1 patient, the bundle names 100 % right; 100 % can be used without asking, "
        "and none of those is wrong."
    )
    assert headline(measure([answered("T1", UNKNOWN)], CLASSES)) == (
        "Of 1 labelled part of 1 patient, the bundle names 0 % right; none can be used without asking."
    )


def test_a_bundle_that_has_seen_the_patients_is_said_to(tmp_path: Path) -> None:
    assert "the figures flatter it" in page_of(tmp_path, [answered("T1", "T1", trained=True)]).text
    assert "the figures flatter it" not in page_of(tmp_path, [answered("T1", "T1")]).text


def test_nothing_to_tell_is_a_whole_page_too(tmp_path: Path) -> None:
    page = page_of(tmp_path, [], about={})
    assert "Nothing was measured" in page.text
    assert "Research use; not a medical device." in page.text
    assert not re.search(r"\bnan\b|\bNone\b", page.text, re.IGNORECASE)


@pytest.mark.parametrize("answer", ["T1", UNKNOWN])
def test_one_part(tmp_path: Path, answer: str) -> None:
    page = page_of(tmp_path, [answered("T1", answer, confidence=None)], wrong=[])
    assert "No answer has a confidence" in page.text
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)
    assert ("every answer is right" in page.text) == (answer == "T1")


def test_the_most_confident_wrong_answers_come_first_and_are_not_too_many(tmp_path: Path) -> None:
    wrong = [
        answered("T1", "T2", name=f"part-{number:03}", confidence=number / 1000) for number in range(250)
    ]
    wrong.append(answered("T1", "T2", name="part-fact", confidence=None))
    wrong.append(answered("T1", UNKNOWN, name="part-none"))
    page = page_of(tmp_path, wrong)
    shown = re.findall(r"part-\w+", page.text)
    assert shown[:3] == ["part-fact", "part-249", "part-248"]
    assert len(shown) == MOST_WRONG
    assert "The 200 most confident" in page.text
    assert "(252)" in page.text


def test_the_order_of_the_wrong_ones_does_not_matter(tmp_path: Path) -> None:
    parts = some_parts()
    wrong = [(part, PICTURE) for part in parts if not part.right]
    first = page_of(tmp_path, parts, wrong=wrong).source
    assert page_of(tmp_path, parts, wrong=wrong[::-1]).source == first


def test_the_confusion_table_has_every_count(tmp_path: Path) -> None:
    parts = [answered("T1", "T1")] * 31 + [answered("T1", "DWI")] * 17 + [answered("T2", UNKNOWN)] * 23
    source = page_of(tmp_path, parts, wrong=[]).source
    assert re.findall(r'<td class="(\w+)" style="--heat:[\d.]+">(\d+)</td>', source) == [
        ("hit", "31"),
        ("miss", "17"),
        ("miss", "23"),
    ]


def test_the_page_needs_nobody_else(tmp_path: Path) -> None:
    page = page_of(tmp_path, some_parts())
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", page.source)
    assert all(a == PICTURE for _, attributes in page.elements for k, a in attributes.items() if k == "src")
    assert page.scripts == []
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.mark.parametrize("field", ["name", "truth", "answer", "vendor", "missing"])
def test_hostile_parts_are_only_text(tmp_path: Path, field: str) -> None:
    value: Any = (HOSTILE,) if field == "missing" else HOSTILE
    part = dataclasses.replace(answered("T1", "T2"), **{field: value})
    is_only_text(page_of(tmp_path, [part], wrong=[(part, "")]))


@pytest.mark.parametrize("name", ["bundle", "version", "digest", "data"])
def test_hostile_words_about_it_are_only_text(tmp_path: Path, name: str) -> None:
    is_only_text(page_of(tmp_path, [answered("T1", "T1")], about={name: HOSTILE}))


def is_only_text(page: Page) -> None:
    assert page.scripts == []
    assert not any(tag == "img" for tag, _ in page.elements)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }} gnp.exe" in page.text


@pytest.mark.parametrize(
    "uri", ["", "https://x.y/z.png", "javascript:alert(1)", "data:text/html;base64,AAAA"]
)
def test_only_a_png_is_a_picture(tmp_path: Path, uri: str) -> None:
    part = answered("T1", "T2")
    page = page_of(tmp_path, [part], wrong=[(part, uri)])
    assert not any(tag == "img" for tag, _ in page.elements)
    assert "no picture" in page.text


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        write_evaluation(tmp_path / "no" / "x.html", measure([], CLASSES), {}, [])


def test_json_is_the_measures(tmp_path: Path) -> None:
    found = measure(some_parts(), CLASSES, samples=50)
    told = evaluation_json(found, ABOUT)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["about"] == ABOUT
    assert told["use"] == "Research use; not a medical device."
    assert told["accuracy"]["value"] == pytest.approx(found.accuracy.value, abs=1e-6)
    assert told["confusion"]["counts"] == [list(row) for row in found.confusion.counts]
    assert set(told) == {"use", "about"} | {field.name for field in dataclasses.fields(found)}
    assert "SECRET" not in json.dumps(told)


def test_json_of_nothing() -> None:
    told = evaluation_json(measure([], CLASSES), {})
    assert told["accuracy"] == {"value": None, "low": None, "high": None}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


# --- charts
# --------------------------------------------------------------------------------------------------------


def test_charts_tell_their_numbers_in_words() -> None:
    found = measure(
        [answered("T1", "T1", confidence=0.9), answered("T1", "T2", confidence=0.5)], CLASSES, samples=0
    )
    for chart, words in (
        (reliability_diagram(found.reliability), "1 with 46.7 % to 53.3 %, on average 50 %: 0 % right"),
        (risk_coverage_curve(found.risk_coverage, found.auto), "0 % of the most certain 50 %; 50 % of the"),
    ):
        page = Page(chart)
        assert page.open == []
        (attributes,) = (a for tag, a in page.elements if tag == "svg")
        assert attributes["role"] == "img"
        assert words in str(attributes["aria-label"])


def test_a_bar_is_as_high_as_its_share() -> None:
    def height(accuracy: float) -> float:
        chart = reliability_diagram(
            [ReliabilityBin(low=0.4, high=0.5, n=3, confidence=0.45, accuracy=accuracy)]
        )
        (found,) = re.findall(r'<rect [^>]*height="([\d.]+)"', chart)
        return float(found)

    assert height(0.0) == 0.0
    assert height(0.5) == pytest.approx(height(1.0) / 2, abs=0.1)


def test_charts_of_nothing_are_whole() -> None:
    for chart in (reliability_diagram([]), risk_coverage_curve([], Auto(0, 0, None, None))):
        assert Page(chart).open == []
        assert "None." in chart
        assert "nan" not in chart
