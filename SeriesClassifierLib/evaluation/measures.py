"""How right a bundle's answers are, how sure of it we may be, and whether its confidence says so.

Every figure comes out of counts by truth and answer. Intervals draw patients with replacement, because the
parts of one patient are alike (the cluster bootstrap: Field and Welsh, 2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.answered import Answered
from SeriesClassifierLib.records import UNKNOWN, Status
from SeriesClassifierLib.training.calibration import ReliabilityBin, calibration_error, reliability_bins

NOT_TOLD = "not told"
NOTHING_MISSING = "nothing missing"
_INTERVAL = (0.025, 0.975)
_MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """A share from 0 to 1 with its 95 % interval; None where the data does not tell it.

    There is no interval where fewer than two patients stand behind the figure.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ClassMeasures:
    """How well one class is told. ``n`` parts are of it, of ``patients`` patients; ``answers`` say it."""

    name: str
    n: int
    patients: int
    answers: int
    precision: Figure
    recall: Figure
    f1: Figure


@dataclass(frozen=True, slots=True)
class Confusion:
    """``counts[i][j]`` parts of class ``truths[i]`` were answered ``answers[j]``; the last is "unknown"."""

    truths: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """The share ``risk`` that is wrong among the share ``coverage`` that the bundle is most certain of.

    ``confidence`` is the lowest among them; None where that is of a fact, or of a part without an answer.
    """

    coverage: float
    risk: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Auto:
    """What is used without asking: ``n`` parts, a share ``coverage`` of all; ``wrong`` of them are wrong."""

    n: int
    wrong: int
    coverage: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class Slice:
    """The headline figures of some of the parts."""

    name: str
    n: int
    patients: int
    accuracy: float | None
    weighted_f1: float | None
    auto: Auto


@dataclass(frozen=True, slots=True)
class Measures:
    """All that is said of a bundle's answers to one facet.

    ``unanswered`` parts have no answer: each is a miss of its class. ``trained`` parts are of patients that
    the bundle has seen, so that the figures flatter it. ``macro_f1`` is the mean over the classes that occur.
    ``reliability`` and ``ece`` (the expected calibration error) are of the ``calibrated`` answers that have a
    confidence. ``risk_area`` is the mean risk over all coverages: the smaller, the better the order.
    """

    n: int
    patients: int
    unanswered: int
    trained: int
    accuracy: Figure
    weighted_f1: Figure
    macro_f1: Figure
    classes: tuple[ClassMeasures, ...]
    confusion: Confusion
    calibrated: int
    reliability: tuple[ReliabilityBin, ...]
    ece: float | None
    risk_coverage: tuple[RiskPoint, ...]
    risk_area: float | None
    auto: Auto
    by_vendor: tuple[Slice, ...]
    by_missing: tuple[Slice, ...]


def measure(
    answered: Iterable[Answered], classes: Sequence[str], *, samples: int = 1000, seed: int = 0
) -> Measures:
    """Measure answers, in whatever order they come. Classes that only the parts name follow ``classes``.

    ``samples`` draws of patients make an interval. Raises UsageError when a part has no truth, no answer, or
    a confidence that is no probability.
    """
    parts = sorted(answered, key=_order)
    for part in parts:
        _check(part)
    names = _names(parts, classes)
    cells = _cells(parts, names)
    exams = np.unique([part.exam for part in parts], return_inverse=True)[1] if parts else cells
    counts = _counts(cells, len(names))
    found, drawn = _scores(counts), _scores(_draws(cells, exams, len(names), samples, seed))
    patients = _patients(parts)
    # What a bundle says of its answers: a fact and no answer have no confidence to hold it to.
    answers = [part for part in parts if part.answer != UNKNOWN and part.confidence is not None]
    bins = reliability_bins(
        np.array([part.confidence for part in answers], dtype=np.float64),
        np.array([part.right for part in answers], dtype=np.bool_),
    )
    points, area = _risk_coverage(parts)
    return Measures(
        n=len(parts),
        patients=patients,
        unanswered=sum(part.answer == UNKNOWN for part in parts),
        trained=sum(part.trained for part in parts),
        accuracy=_figure(found.accuracy, drawn.accuracy, patients),
        weighted_f1=_figure(found.weighted_f1, drawn.weighted_f1, patients),
        macro_f1=_figure(found.macro_f1, drawn.macro_f1, patients),
        classes=tuple(_class(k, name, parts, found, drawn) for k, name in enumerate(names)),
        confusion=Confusion(
            tuple(names), (*names, UNKNOWN), tuple(tuple(int(n) for n in row) for row in counts)
        ),
        calibrated=len(answers),
        reliability=bins,
        ece=calibration_error(bins),
        risk_coverage=points,
        risk_area=area,
        auto=_auto(parts),
        by_vendor=_slices(parts, names, lambda part: (part.vendor or NOT_TOLD,)),
        by_missing=_slices(parts, names, lambda part: part.missing or (NOTHING_MISSING,)),
    )


def _order(part: Answered) -> tuple[Any, ...]:
    """Parts that this does not tell apart are the same to every measure."""
    confidence = -1.0 if part.confidence is None else part.confidence
    return (
        part.exam,
        part.name,
        part.truth,
        part.answer,
        confidence,
        part.status.value,
        part.vendor,
        part.missing,
    )


def _check(part: Answered) -> None:
    if part.truth in ("", UNKNOWN):
        raise UsageError(f"part {part.name} has no truth: leave out what is not labelled")
    if not part.answer:
        raise UsageError(f'part {part.name} has no answer: say "{UNKNOWN}" where the bundle has none')
    if part.confidence is not None and not 0.0 <= part.confidence <= 1.0:
        raise UsageError(f"part {part.name} has the confidence {part.confidence}: give 0 to 1, or None")


def _names(parts: Iterable[Answered], classes: Sequence[str]) -> list[str]:
    told = {name for part in parts for name in (part.truth, part.answer)}
    known = dict.fromkeys(name for name in classes if name != UNKNOWN)
    return [*known, *sorted(told - known.keys() - {UNKNOWN})]


def _cells(parts: Sequence[Answered], names: Sequence[str]) -> NDArray[np.intp]:
    """The place of every part in the table of truths (rows) and answers (columns), counted row by row."""
    place = {name: k for k, name in enumerate((*names, UNKNOWN))}
    return np.array([place[p.truth] * len(place) + place[p.answer] for p in parts], dtype=np.intp)


def _counts(
    cells: NDArray[np.intp], n_classes: int, weights: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """(truths, answers) number of parts, each counted ``weights`` times."""
    shape = (n_classes, n_classes + 1)
    return np.bincount(cells, weights, math.prod(shape)).reshape(shape).astype(np.float64)


def _draws(
    cells: NDArray[np.intp], exams: NDArray[np.intp], n_classes: int, samples: int, seed: int
) -> NDArray[np.float64]:
    """(samples, truths, answers) counts for as many patients as there are, drawn with replacement."""
    rng = np.random.default_rng(seed)
    n_exams = int(exams.max()) + 1 if len(exams) else 0
    out = np.zeros((samples if n_exams else 0, n_classes, n_classes + 1))
    for counts in out:
        times = np.bincount(rng.integers(n_exams, size=n_exams), minlength=n_exams)
        counts[:] = _counts(cells, n_classes, times[exams])
    return out


@dataclass(frozen=True, eq=False)
class _Scores:
    """(...) for all classes together, (..., classes) for each; NaN where there is nothing to divide by."""

    accuracy: NDArray[np.float64]
    weighted_f1: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def _scores(counts: NDArray[np.float64]) -> _Scores:
    """Scores of ``counts`` (..., truths, answers). One formula for the data and for all of its draws."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    truths, answers = counts.sum(-1), counts.sum(-2)[..., :-1]
    f1 = np.where(truths > 0, _share(2 * hits, truths + answers), 0.0)
    return _Scores(
        accuracy=_share(hits.sum(-1), truths.sum(-1)),
        weighted_f1=_share((f1 * truths).sum(-1), truths.sum(-1)),
        macro_f1=_share(f1.sum(-1), (truths > 0).sum(-1)),
        precision=_share(hits, answers),
        recall=_share(hits, truths),
        f1=np.where(truths > 0, f1, np.nan),
    )


def _share(some: NDArray[np.float64], of: NDArray[Any]) -> NDArray[np.float64]:
    out = np.full(np.shape(some), np.nan)
    np.divide(some, of, out=out, where=of > 0)
    return out


def _figure(value: Any, drawn: NDArray[np.float64], patients: int) -> Figure:
    """``drawn`` (samples) is NaN where a draw has no such figure."""
    told = drawn[~np.isnan(drawn)]
    if np.isnan(value) or patients < 2 or not len(told):
        return Figure(_told(value))
    low, high = (float(end) for end in np.quantile(told, _INTERVAL))
    # Where every draw is the same, the bootstrap would be certain of what few patients cannot tell: the exact
    # binomial interval (Clopper and Pearson, 1934) of as many patients stands in for it.
    if low == high == 1.0:
        low = _INTERVAL[0] ** (1 / patients)
    if low == high == 0.0:
        high = 1 - _INTERVAL[0] ** (1 / patients)
    return Figure(float(value), low, high)


def _told(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _class(k: int, name: str, parts: Sequence[Answered], found: _Scores, drawn: _Scores) -> ClassMeasures:
    of_class = [part for part in parts if part.truth == name]
    said = [part for part in parts if part.answer == name]
    return ClassMeasures(
        name=name,
        n=len(of_class),
        patients=_patients(of_class),
        answers=len(said),
        precision=_figure(found.precision[k], drawn.precision[:, k], _patients(said)),
        recall=_figure(found.recall[k], drawn.recall[:, k], _patients(of_class)),
        f1=_figure(found.f1[k], drawn.f1[:, k], _patients([*of_class, *said])),
    )


def _patients(parts: Iterable[Answered]) -> int:
    return len({part.exam for part in parts})


def _risk_coverage(parts: Sequence[Answered]) -> tuple[tuple[RiskPoint, ...], float | None]:
    """The curve, thinned for drawing, and the area under all of it (El-Yaniv and Wiener, 2010).

    Parts that the bundle is equally certain of come together: nothing says which of them is first.
    """
    if not parts:
        return (), None
    levels, group, sizes = np.unique(
        [-_certainty(part) for part in parts], return_inverse=True, return_counts=True
    )
    wrong = np.bincount(group, weights=[not part.right for part in parts])
    covered = sizes.cumsum()
    risks = wrong.cumsum() / covered
    # Within such a group, the mean over all of its orders.
    area = np.repeat(wrong / sizes, sizes).cumsum() / np.arange(1, len(parts) + 1)
    shown = np.unique(np.linspace(0, len(levels) - 1, min(len(levels), _MOST_POINTS)).round().astype(int))
    points = (
        RiskPoint(
            coverage=float(covered[k] / len(parts)),
            risk=float(risks[k]),
            confidence=float(-levels[k]) if math.isfinite(levels[k]) else None,
        )
        for k in shown
    )
    return tuple(points), float(area.mean())


def _certainty(part: Answered) -> float:
    """A fact before everything, no answer after everything."""
    if part.answer == UNKNOWN:
        return -math.inf
    return math.inf if part.confidence is None else part.confidence


def _auto(parts: Sequence[Answered]) -> Auto:
    used = [part for part in parts if part.status is Status.AUTO]
    wrong = sum(not part.right for part in used)
    return Auto(
        n=len(used),
        wrong=wrong,
        coverage=len(used) / len(parts) if parts else None,
        error=wrong / len(used) if used else None,
    )


def _slices(
    parts: Sequence[Answered], names: Sequence[str], groups_of: Callable[[Answered], Iterable[str]]
) -> tuple[Slice, ...]:
    """By name of the group; a part may be in several."""
    groups: dict[str, list[Answered]] = {}
    for part in parts:
        for group in dict.fromkeys(groups_of(part)):
            groups.setdefault(group, []).append(part)
    return tuple(_slice(name, groups[name], names) for name in sorted(groups))


def _slice(name: str, parts: Sequence[Answered], names: Sequence[str]) -> Slice:
    found = _scores(_counts(_cells(parts, names), len(names)))
    return Slice(
        name=name,
        n=len(parts),
        patients=_patients(parts),
        accuracy=_told(found.accuracy),
        weighted_f1=_told(found.weighted_f1),
        auto=_auto(parts),
    )
