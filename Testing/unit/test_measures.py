"""Measures of answers: the figures of sklearn, by patient, and nothing invented where there is nothing to say."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.answered import Answered
from SeriesClassifierLib.evaluation.measures import NOT_TOLD, NOTHING_MISSING, Figure, Measures, measure
from SeriesClassifierLib.records import UNKNOWN, Status
from SeriesClassifierLib.training.calibration import expected_calibration_error

CLASSES = ("T1", "T2", "DWI", "ADC")


def part(truth: str, answer: str, **changes: Any) -> Answered:
    """An answer that is used without asking; every part is of another patient unless told."""
    values: dict[str, Any] = {
        "name": "1.2.3:1",
        "exam": "P1",
        "truth": truth,
        "answer": answer,
        "confidence": None if answer == UNKNOWN else 0.9,
        "status": Status.UNKNOWN if answer == UNKNOWN else Status.AUTO,
        "vendor": "SIEMENS",
    }
    return Answered(**{**values, **changes})


def some_parts(n: int = 300, seed: int = 0) -> list[Answered]:
    draw = random.Random(seed)
    out = []
    for number in range(n):
        truth = draw.choice(CLASSES)
        confidence = draw.random()
        answer = truth if draw.random() < confidence else draw.choice((*CLASSES, UNKNOWN))
        sure = Status.AUTO if confidence > 0.8 else Status.REVIEW
        out.append(
            part(
                truth,
                answer,
                name=f"1.2.{number}:1",
                exam=f"P{number // 6}",
                confidence=None if answer == UNKNOWN or draw.random() < 0.1 else confidence,
                status=Status.UNKNOWN if answer == UNKNOWN else sure,
                vendor=draw.choice(("GE", "SIEMENS", "")),
                missing=tuple(draw.sample(("timing", "codes", "words"), draw.randrange(3))),
            )
        )
    return out


def of(measures: Measures, name: str) -> Any:
    return next(found for found in measures.classes if found.name == name)


def shares(value: Any) -> list[float]:
    """Every number in a tree of records."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = list(vars_of(value))
    if isinstance(value, (list, tuple)):
        return [number for inner in value for number in shares(inner)]
    return [value] if isinstance(value, float) else []


def vars_of(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in dataclasses.fields(record)]


# --- figures
# -------------------------------------------------------------------------------------------------------


def test_figures_are_those_of_sklearn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    parts = some_parts()
    truths, answers = [p.truth for p in parts], [p.answer for p in parts]
    found = measure(parts, CLASSES, samples=0)

    def f1(average: str) -> float:
        return float(
            metrics.f1_score(truths, answers, labels=list(CLASSES), average=average, zero_division=0.0)
        )

    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(truths, answers))
    assert found.weighted_f1.value == pytest.approx(f1("weighted"))
    assert found.macro_f1.value == pytest.approx(f1("macro"))
    table = metrics.confusion_matrix(truths, answers, labels=[*CLASSES, UNKNOWN])[:-1]
    assert found.confusion.truths == CLASSES
    assert found.confusion.answers == (*CLASSES, UNKNOWN)
    assert [list(row) for row in found.confusion.counts] == table.tolist()
    precision, recall, f1s, n = metrics.precision_recall_fscore_support(
        truths, answers, labels=list(CLASSES), zero_division=0.0
    )
    for k, of_class in enumerate(found.classes):
        assert of_class.name == CLASSES[k]
        assert of_class.n == n[k]
        assert of_class.precision.value == pytest.approx(precision[k])
        assert of_class.recall.value == pytest.approx(recall[k])
        assert of_class.f1.value == pytest.approx(f1s[k])


def test_a_small_case_by_hand() -> None:
    found = measure(
        [
            part("T1", "T1", exam="A"),
            part("T1", UNKNOWN, exam="A"),
            part("T2", "T2", exam="B"),
            part("T2", "T1", exam="C", vendor="GE", missing=("codes",)),
        ],
        ("T1", "T2"),
    )
    assert (found.n, found.patients, found.unanswered, found.trained) == (4, 3, 1, 0)
    assert found.accuracy.value == 0.5
    assert of(found, "T1").recall.value == of(found, "T1").precision.value == of(found, "T1").f1.value == 0.5
    assert (of(found, "T2").recall.value, of(found, "T2").precision.value) == (0.5, 1.0)
    assert found.weighted_f1.value == found.macro_f1.value == pytest.approx((0.5 + 2 / 3) / 2)
    assert found.confusion.counts == ((1, 0, 1), (1, 1, 0))
    assert (found.auto.n, found.auto.wrong, found.auto.coverage) == (3, 1, 0.75)
    assert found.auto.error == pytest.approx(1 / 3)
    assert [(s.name, s.n, s.accuracy) for s in found.by_vendor] == [("GE", 1, 0.0), ("SIEMENS", 3, 2 / 3)]
    assert [(s.name, s.n) for s in found.by_missing] == [("codes", 1), (NOTHING_MISSING, 3)]


def test_a_part_without_an_answer_is_a_miss_of_its_class() -> None:
    with_misses = [part("T1", "T1"), part("T1", UNKNOWN), part("T1", UNKNOWN)]
    found = measure(with_misses, CLASSES)
    assert found.n == 3
    assert found.accuracy.value == of(found, "T1").recall.value == pytest.approx(1 / 3)
    assert of(found, "T1").precision.value == 1.0
    assert found.weighted_f1.value == 0.5


def test_an_answer_that_is_no_class_of_the_task_is_kept() -> None:
    found = measure([part("T1", "MRCP"), part("LOCALIZER", "T1")], ("T1", UNKNOWN))
    assert found.confusion.answers == ("T1", "LOCALIZER", "MRCP", UNKNOWN)
    assert sum(map(sum, found.confusion.counts)) == found.n == 2
    assert of(found, "MRCP").n == 0
    assert of(found, "MRCP").precision.value == 0.0
    assert of(found, "MRCP").recall == Figure(None)


def test_macro_f1_is_over_the_classes_that_occur() -> None:
    parts = [part("T1", "T1"), part("T2", "DWI")]
    assert measure(parts, CLASSES).macro_f1 == measure(parts, ("T1", "T2")).macro_f1
    assert measure(parts, CLASSES).macro_f1.value == 0.5


def test_parts_in_several_groups_count_in_each() -> None:
    found = measure([part("T1", "T1", missing=("codes", "timing"), vendor="")], CLASSES)
    assert [(s.name, s.n) for s in found.by_missing] == [("codes", 1), ("timing", 1)]
    assert [s.name for s in found.by_vendor] == [NOT_TOLD]


def test_slices_have_the_figures_of_their_parts_alone() -> None:
    parts = some_parts()
    for name, found in ((s.name, s) for s in measure(parts, CLASSES, samples=0).by_vendor):
        alone = measure([p for p in parts if (p.vendor or NOT_TOLD) == name], CLASSES, samples=0)
        assert (found.n, found.patients, found.accuracy, found.weighted_f1, found.auto) == (
            *(alone.n, alone.patients, alone.accuracy.value, alone.weighted_f1.value),
            alone.auto,
        )


# --- intervals
# -----------------------------------------------------------------------------------------------------


def test_any_order_gives_the_same_measures() -> None:
    parts = some_parts()
    shuffled = parts.copy()
    random.Random(1).shuffle(shuffled)
    assert shuffled != parts
    assert measure(shuffled, CLASSES, samples=50) == measure(parts, CLASSES, samples=50)
    assert measure(parts, CLASSES, samples=50) != measure(parts, CLASSES, samples=50, seed=1)


def test_the_bootstrap_draws_patients_and_not_parts() -> None:
    """Twenty parts of a patient that are right or wrong together tell no more than one."""
    alike = [
        part("T1", "T1" if patient % 2 else "T2", exam=f"P{patient}", name=f"{patient}.{number}")
        for patient in range(20)
        for number in range(20)
    ]
    apart = [dataclasses.replace(p, exam=p.name) for p in alike]
    one_each = [p for p in alike if p.name.endswith(".0")]
    wide, narrow, single = (measure(parts, CLASSES).accuracy for parts in (alike, apart, one_each))
    assert wide.value == narrow.value == single.value == 0.5
    assert width(wide) == pytest.approx(width(single))
    # 20 times as many independent parts: the interval shrinks by the square root of that.
    assert width(wide) / width(narrow) == pytest.approx(20**0.5, rel=0.25)


def width(figure: Figure) -> float:
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def test_the_interval_is_the_plain_bootstrap_one() -> None:
    """Against a loop that draws patients and counts again."""
    parts = some_parts(120)
    by_exam: dict[str, list[Answered]] = {}
    for p in parts:
        by_exam.setdefault(p.exam, []).append(p)
    rng, groups, drawn = np.random.default_rng(5), list(by_exam.values()), []
    for _ in range(2000):
        rows = [p for k in rng.integers(len(groups), size=len(groups)) for p in groups[k]]
        drawn.append(sum(p.right for p in rows) / len(rows))
    found = measure(parts, CLASSES, samples=2000).accuracy
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


@pytest.mark.parametrize("name", CLASSES)
def test_an_interval_holds_its_figure(name: str) -> None:
    found = of(measure(some_parts(), CLASSES), name)
    for figure in (found.precision, found.recall, found.f1):
        assert figure.low <= figure.value <= figure.high


def test_one_patient_has_figures_but_no_interval() -> None:
    found = measure([part("T1", "T1"), part("T2", "T1")], CLASSES)
    assert found.accuracy == Figure(0.5)
    assert of(found, "T1").precision == Figure(0.5)


def test_a_class_of_one_patient_has_no_interval_beside_others_that_do() -> None:
    parts = [part("T1", "T1", exam=f"P{n}") for n in range(9)] + [part("T2", "T2", exam="P0")]
    found = measure(parts, CLASSES)
    assert of(found, "T2").recall == Figure(1.0)
    assert of(found, "T1").recall == Figure(1.0, pytest.approx(0.025 ** (1 / 9)), 1.0)


def test_nothing_wrong_in_few_patients_is_no_certainty() -> None:
    found = measure([part("T1", "T1", exam=f"P{n}") for n in range(3)], CLASSES)
    assert found.accuracy == Figure(1.0, pytest.approx(0.2924, abs=1e-4), 1.0)
    found = measure([part("T1", "T2", exam=f"P{n}") for n in range(3)], CLASSES)
    assert found.accuracy == Figure(0.0, 0.0, pytest.approx(0.7076, abs=1e-4))


# --- nothing to say
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [(), CLASSES])
def test_no_parts_have_no_figures(classes: Sequence[str]) -> None:
    found = measure([], classes)
    assert (found.n, found.patients, found.calibrated, found.auto.n) == (0, 0, 0, 0)
    assert found.accuracy == found.weighted_f1 == found.macro_f1 == Figure(None)
    assert found.ece is found.risk_area is found.auto.coverage is found.auto.error is None
    assert found.reliability == found.risk_coverage == found.by_vendor == found.by_missing == ()
    assert shares(found) == []


def test_only_unknown_answers() -> None:
    found = measure([part("T1", UNKNOWN, exam=exam) for exam in "ABC"], CLASSES)
    assert found.accuracy.value == found.weighted_f1.value == found.auto.coverage == 0.0
    assert found.ece is found.auto.error is None
    assert of(found, "T1").precision == Figure(None)
    assert [(p.coverage, p.risk, p.confidence) for p in found.risk_coverage] == [(1.0, 1.0, None)]


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            part,
            truth=st.sampled_from(CLASSES),
            answer=st.sampled_from((*CLASSES, "MRCP", UNKNOWN)),
            exam=st.sampled_from("ABC"),
            confidence=st.none() | st.floats(0, 1),
            status=st.sampled_from(Status),
            vendor=st.sampled_from(["", "GE"]),
            missing=st.lists(st.sampled_from(["codes", "words"]), unique=True).map(tuple),
        ),
        max_size=12,
    )
)
def test_every_figure_is_a_share_and_none_is_nan(parts: list[Answered]) -> None:
    found = measure(parts, CLASSES, samples=20)
    json.dumps(dataclasses.asdict(found), allow_nan=False)
    assert all(0.0 <= number <= 1.0 for number in shares(found))
    assert sum(map(sum, found.confusion.counts)) == found.n == len(parts)
    assert sum(b.n for b in found.reliability) == found.calibrated
    assert sum(s.n for s in found.by_vendor) == found.n
    if parts:
        assert found.risk_coverage[-1].coverage == 1.0
        assert found.risk_coverage[-1].risk == pytest.approx(1 - found.accuracy.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (part(UNKNOWN, "T1"), "no truth"),
        (part("", "T1"), "no truth"),
        (part("T1", ""), "no answer"),
        (part("T1", "T1", confidence=float("nan")), "confidence nan"),
        (part("T1", "T1", confidence=1.5), "confidence 1.5"),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong: Answered, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        measure([part("T1", "T1"), wrong], CLASSES)


# --- confidence
# ----------------------------------------------------------------------------------------------------


def test_ece_is_that_of_training() -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.full(len(CLASSES), 0.4), size=200)
    labels = rng.integers(len(CLASSES), size=200)
    parts = [
        part(CLASSES[label], CLASSES[row.argmax()], confidence=float(row.max()))
        for row, label in zip(probabilities, labels, strict=True)
    ]
    found = measure(parts, CLASSES, samples=0)
    assert found.ece == pytest.approx(expected_calibration_error(probabilities, labels))
    assert all(b.low <= b.confidence <= b.high for b in found.reliability)


def test_calibration_by_hand() -> None:
    found = measure(
        [
            part("T1", "T1", confidence=0.95),
            part("T1", "T2", confidence=0.97),
            part("T1", "T1", confidence=0.5),
            part("T1", "T1", confidence=None),
            part("T1", UNKNOWN),
        ],
        CLASSES,
    )
    assert [(b.n, b.accuracy) for b in found.reliability] == [(1, 1.0), (2, 0.5)]
    assert found.calibrated == 3
    assert found.ece == pytest.approx((1 * 0.5 + 2 * (0.96 - 0.5)) / 3)


def test_no_answer_is_not_held_to_a_confidence() -> None:
    found = measure([part("T1", UNKNOWN, confidence=0.3), part("T1", "T1", confidence=0.9)], CLASSES)
    assert [(b.n, b.accuracy) for b in found.reliability] == [(1, 1.0)]
    assert found.risk_coverage[-1].confidence is None


def test_facts_are_most_certain_and_no_answer_least() -> None:
    found = measure(
        [
            part("T1", UNKNOWN),
            part("T1", "T2", confidence=0.6),
            part("T1", "T1", confidence=0.9),
            part("T1", "T1", confidence=None),
        ],
        CLASSES,
    )
    assert [(p.coverage, p.risk, p.confidence) for p in found.risk_coverage] == [
        (0.25, 0.0, None),
        (0.5, 0.0, 0.9),
        (0.75, pytest.approx(1 / 3), 0.6),
        (1.0, 0.5, None),
    ]
    assert found.risk_area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_equal_confidences_come_together() -> None:
    """Half of them wrong: their order must not matter, and the area is the mean over all of them."""
    found = measure([part("T1", answer, confidence=0.8) for answer in ("T1", "T2")], CLASSES)
    assert [(p.coverage, p.risk) for p in found.risk_coverage] == [(1.0, 0.5)]
    assert found.risk_area == pytest.approx(0.5)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    parts = [part("T1", "T1" if n % 3 else "T2", confidence=n / 1000) for n in range(1000)]
    found = measure(parts, CLASSES, samples=0)
    assert len(found.risk_coverage) == 200
    assert found.risk_coverage[0].coverage == pytest.approx(0.001)
    assert found.risk_coverage[-1].coverage == 1.0
    # The mean over every coverage, not over the points that are left.
    wrong = np.array([not p.right for p in reversed(parts)])
    assert found.risk_area == pytest.approx(float((wrong.cumsum() / np.arange(1, 1001)).mean()))


def test_confidently_wrong_is_auto_and_wrong() -> None:
    parts = [
        part("T1", "T2", status=Status.AUTO),
        part("T1", "T2", status=Status.REVIEW),
        part("T1", "T1", status=Status.AUTO),
    ]
    auto = measure(parts, CLASSES).auto
    assert (auto.n, auto.wrong, auto.error) == (2, 1, 0.5)


def test_parts_of_trained_patients_are_counted() -> None:
    assert measure([part("T1", "T1", trained=True), part("T1", "T1")], CLASSES).trained == 1
