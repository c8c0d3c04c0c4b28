"""What a bundle must reach, as a text such as ``f1>=0.95``: for scripts that go on with a good one only."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.flips import Change, Comparison
from SeriesClassifierLib.evaluation.measures import Measures
from SeriesClassifierLib.vocabulary import FACETS, classes

OF_CLASS = ("recall", "precision", "f1")
_SHARES = ("f1", "macro_f1", "accuracy", "ece", "auto_coverage", "auto_error")
EVALUATION = (*_SHARES, "confidently_wrong")
COMPARISON = (*(change.value.replace(" ", "_") for change in Change), "flips")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(
    rf"\s*(?P<name>\w+)\s*(?::\s*(?P<of_class>\w+)\s*)?(?P<sign>{'|'.join(_OPERATORS)})\s*"
    r"(?P<bound>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """``name`` is a figure, ``f1`` or ``recall:T2``; ``sign`` one of >= > <= < ==.

    >>> str(Requirement.parse("recall:t2 >= 0.9"))
    'recall:T2>=0.9'
    """

    name: str
    sign: str
    bound: float

    @staticmethod
    def parse(text: str, names: Sequence[str] = (*EVALUATION, *COMPARISON)) -> Requirement:
        """The requirement that ``text`` states on a figure of ``names`` or, where they are of an evaluation,
        on one of ``OF_CLASS`` of a class. Raises UsageError with what can be asked for.
        """
        found = _FORM.fullmatch(text)
        if found is None or not math.isfinite(float(found["bound"])):
            raise UsageError(
                f"{text!r} is no requirement: write a figure, one of {' '.join(_OPERATORS)} and a number. "
                f"{_choices(names)}"
            )
        name, of_class, bound = found["name"].lower(), found["of_class"], float(found["bound"])
        known = names if of_class is None else _class_figures(names)
        if name not in known:
            raise UsageError(f"{text!r} asks for a figure that does not exist. {_choices(names)}")
        if bound > 1 and (of_class is not None or name in _SHARES):
            raise UsageError(f"{text!r} asks for more than there can be: write 0.95 for 95 %")
        full = name if of_class is None else f"{name}:{_spelled(of_class)}"
        return Requirement(full, found["sign"], bound)

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{_number(self.bound)}"

    def check(self, values: Mapping[str, float | None]) -> Outcome:
        """Whether ``values`` (``evaluation_values`` or ``comparison_values``) meet it.

        A figure that is absent or None meets nothing.
        """
        # "OTHER" is a sequence and "other" a region: one set of values has but one of them.
        value = {name.lower(): value for name, value in values.items()}.get(self.name.lower())
        return Outcome(self, value, value is not None and _OPERATORS[self.sign](value, self.bound))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a requirement is met by ``value``, None where the data does not tell the figure."""

    requirement: Requirement
    value: float | None
    met: bool

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.requirement} is not met: nothing in the data tells this figure"
        return f"{self.requirement} is {'met' if self.met else 'not met'}: it is {_number(self.value)}"


def evaluation_values(measures: Measures) -> dict[str, float | None]:
    """The figures that a requirement may name: ``EVALUATION``, and ``OF_CLASS`` of every class."""
    values = {
        "f1": measures.weighted_f1.value,
        "macro_f1": measures.macro_f1.value,
        "accuracy": measures.accuracy.value,
        "ece": measures.ece,
        "auto_coverage": measures.auto.coverage,
        "auto_error": measures.auto.error,
        "confidently_wrong": float(measures.auto.wrong) if measures.n else None,
    }
    for found in measures.classes:
        figures = zip(OF_CLASS, (found.recall, found.precision, found.f1), strict=True)
        values |= {f"{name}:{found.name}": figure.value for name, figure in figures}
    return values


def comparison_values(comparison: Comparison) -> dict[str, float | None]:
    """The counts that a requirement may name, ``COMPARISON``; None each where no parts were compared."""
    counts = {change.replace(" ", "_"): n for change, n in comparison.counts().items()}
    counts["flips"] = len(comparison.flips)
    return {name: float(n) if comparison.parts else None for name, n in counts.items()}


def _class_figures(names: Sequence[str]) -> Sequence[str]:
    return OF_CLASS if "accuracy" in names else ()


def _choices(names: Sequence[str]) -> str:
    of_class = [f"{name}:CLASS" for name in _class_figures(names)]
    return f"Figures are {', '.join([*names, *of_class])}"


def _spelled(name: str) -> str:
    """A class of any facet as the vocabulary spells it."""
    known = [of_facet for facet in FACETS for of_facet in classes(facet)]
    if name in known:
        return name
    for found in known:
        if found.lower() == name.lower():
            return found
    raise UsageError(f"{name!r} is no class: use one of {', '.join(dict.fromkeys(known))}")


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
