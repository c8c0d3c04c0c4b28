"""Requirements: what is written is what is checked, and what cannot be checked is not met."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.answered import Answered
from SeriesClassifierLib.evaluation.flips import compare
from SeriesClassifierLib.evaluation.measures import measure
from SeriesClassifierLib.evaluation.requirement import (
    COMPARISON,
    EVALUATION,
    OF_CLASS,
    Requirement,
    comparison_values,
    evaluation_values,
)
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.vocabulary import classes

SIGNS = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}
NAMES = st.sampled_from((*EVALUATION, *COMPARISON)) | st.builds(
    "{}:{}".format, st.sampled_from(OF_CLASS), st.sampled_from(classes("sequence"))
)
REQUIREMENTS = st.builds(Requirement, NAMES, st.sampled_from(list(SIGNS)), st.floats(0, 1))
SPACES = st.sampled_from(["", " ", "  "])


@given(REQUIREMENTS)
def test_what_is_written_is_read_back(requirement: Requirement) -> None:
    assert Requirement.parse(str(requirement)) == requirement


@given(REQUIREMENTS, SPACES, SPACES, SPACES, SPACES, st.booleans())
def test_spaces_and_case_do_not_matter(
    wanted: Requirement, a: str, b: str, c: str, d: str, loud: bool
) -> None:
    text = f"{a}{wanted.name}{b}{wanted.sign}{c}{wanted.bound!r}{d}"
    assert Requirement.parse(text.upper() if loud else text) == wanted


@given(REQUIREMENTS, st.floats(0, 1))
def test_a_requirement_is_its_comparison(requirement: Requirement, value: float) -> None:
    outcome = requirement.check({requirement.name: value})
    assert outcome.met == SIGNS[requirement.sign](value, requirement.bound)
    assert ("not met" in str(outcome)) == (not outcome.met)


PIECES = st.sampled_from([*"f1 :<>=.09e-+", "recall", "ece", "T2", "flips", ">=", "0.9", "\n", "\u0660"])


@given(st.text() | st.lists(PIECES).map("".join))
def test_any_text_is_a_requirement_or_refused(text: str) -> None:
    try:
        found = Requirement.parse(text)
    except UsageError:
        return
    assert Requirement.parse(str(found)) == found
    assert found.sign in text
    assert found.bound >= 0


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "f1",
            "f1>=",
            ">=0.9",
            "f1=0.9",
            "f1=>0.9",
            "f1!=0.9",
            "f1>=-0.1",
            "f1>=0.9%",
            "f1>=nan",
            "f1>=inf",
        ),
        *("f1>=1e999", "f1>=0x1", "f1>=0.9;accuracy>=0.9", "f1>=0.9>=0.8", "nonsense>=0.9", "T2:recall>=0.9"),
        *("accuracy:T2>=0.9", "recall>=0.9", "f1>=\u0660"),
    ],
)
def test_nonsense_is_refused_with_the_known_names(text: str) -> None:
    with pytest.raises(UsageError, match=r"macro_f1.*confidently_wrong.*breaks.*flips.*recall:CLASS"):
        Requirement.parse(text)


def test_a_class_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"'T3' is no class.*T1, T2"):
        Requirement.parse("recall:T3>=0.9")


@pytest.mark.parametrize("text", ["f1>=95", "recall:T2>=1.01", "ece<=2"])
def test_a_share_in_percent_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"0\.95 for 95 %"):
        Requirement.parse(text)


def test_counts_may_be_large() -> None:
    assert Requirement.parse("flips<=1200").bound == 1200
    assert str(Requirement.parse("flips<=1200")) == "flips<=1200"


def test_only_what_the_command_knows_may_be_asked_for() -> None:
    assert Requirement.parse("breaks==0", COMPARISON).name == "breaks"
    with pytest.raises(UsageError, match="accuracy"):
        Requirement.parse("breaks==0", EVALUATION)
    for text in ("f1>=0.9", "recall:T2>=0.9"):
        with pytest.raises(UsageError, match="breaks"):
            Requirement.parse(text, COMPARISON)


@pytest.mark.parametrize("values", [{}, {"recall:T2": None}, {"recall:T1": 1.0}])
@pytest.mark.parametrize("sign", SIGNS)
def test_a_figure_that_does_not_exist_meets_nothing_and_says_so(
    values: dict[str, float | None], sign: str
) -> None:
    outcome = Requirement.parse(f"recall:T2{sign}0").check(values)
    assert not outcome.met
    assert outcome.value is None
    assert str(outcome) == f"recall:T2{sign}0 is not met: nothing in the data tells this figure"


def test_what_an_evaluation_tells() -> None:
    parts = [
        Answered("a", "P1", "T2", "T2", 0.9, Status.AUTO, {}, "GE"),
        Answered("b", "P2", "T2", "ADC", 0.9, Status.AUTO, {}, "GE"),
    ]
    values = evaluation_values(measure(parts, ("T2", "ADC", "OTHER")))
    assert {name for name in values if ":" not in name} == set(EVALUATION)
    assert values["accuracy"] == values["recall:T2"] == values["auto_error"] == 0.5
    assert values["confidently_wrong"] == 1
    assert values["precision:ADC"] == 0.0
    assert values["recall:ADC"] is None
    assert Requirement.parse("recall:t2>=0.5").check(values).met
    assert Requirement.parse("precision:other<=1").check(values).value is None


def test_nothing_measured_and_nothing_compared_meet_nothing() -> None:
    nothing = evaluation_values(measure([], ("T1",)))
    assert set(nothing.values()) == {None}
    assert set(comparison_values(compare("a", "b", [], {})).values()) == {None}


def test_what_a_comparison_tells() -> None:
    pairs = [
        (make_prediction(series_uid=uid, sequence=old), make_prediction(series_uid=uid, sequence=new))
        for uid, old, new in (("1", "T2", "T1"), ("2", "T1", "T2"), ("3", "T1", "unknown"), ("4", "T1", "T1"))
    ]
    values = comparison_values(compare("a", "b", pairs, {new.part_key: "T2" for _, new in pairs[:2]}))
    assert set(values) == set(COMPARISON)
    assert (values["breaks"], values["fixes"], values["new_unknown"], values["flips"]) == (1, 1, 1, 3)
    assert not Requirement.parse("breaks==0", COMPARISON).check(values).met
    assert Requirement.parse("still_wrong<1", COMPARISON).check(values).met
