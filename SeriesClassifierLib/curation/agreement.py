"""How far two people agree: Cohen's kappa (1960) of what they said independently of each other."""

from __future__ import annotations

import random
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby, islice

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.state import Match, match
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.spool import PredictionSpool
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import Prediction
from SeriesClassifierLib.vocabulary import FACETS, classes

_SAMPLES, _AT_ONCE = 2000, 100
_SEED = 20260131
_BOUNDS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class FacetAgreement:
    """Two readers on one facet. ``observed`` is the share of the ``n`` parts on which they agree.

    ``confusion`` counts parts by class of the first reader (rows) and of the second (columns), both in the
    order of ``classes``. ``interval`` is the 95 % bootstrap interval of ``kappa`` over studies. Where one of
    the two is None, ``reason`` says why.
    """

    facet: str
    n: int
    observed: float
    kappa: float | None
    interval: tuple[float, float] | None
    reason: str
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A part that two readers call differently; ``first`` and ``second`` are in the order of the readers."""

    series_uid: str
    part: int
    study_uid: str
    series_number: int | None
    description: str
    facet: str
    first: str
    second: str
    part_key: str = ""


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two readers on all facets that both named of some part, and the parts they disagree on, by table."""

    readers: tuple[str, str]
    facets: tuple[FacetAgreement, ...]
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """All pairs of ``readers`` that have read the same part; ``reason`` says why there is none."""

    readers: tuple[str, ...]
    pairs: tuple[PairAgreement, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """A part that several people have read: reader -> facets."""

    part: Prediction
    said: Mapping[str, Mapping[str, str]]


def sample_for_second_reading(labels: Iterable[Prediction], n: int, seed: int) -> list[Prediction]:
    """``n`` of ``labels`` (all of them where they are fewer) for a reader who does not know the label, in
    table order.

    Every class of ``sequence`` gets one place as long as there are places, rare ones first; the others go to
    all that is left alike. The same seed gives the same sample, whatever the order of ``labels``. Raises
    UsageError when ``n`` is not positive.
    """
    if n < 1:
        raise UsageError(f"{n} is no sample: ask for one part or more")
    with PredictionSpool() as ordered:
        ordered.extend(labels)
        sequences = [sys.intern(p.sequence) for p in ordered]
        # Parts are known by their place in the table: all of them do not fit into memory.
        drawn = array("L", range(len(sequences)))
        random.Random(seed).shuffle(drawn)
        sizes = Counter(sequences)
        first: dict[str, int] = {}
        for place in drawn:
            first.setdefault(sequences[place], place)
        chosen = [first[name] for name in sorted(sizes, key=lambda name: (sizes[name], name))][:n]
        taken = set(chosen)
        taken.update(islice((place for place in drawn if place not in taken), n - len(chosen)))
        return [p for place, p in enumerate(ordered) if place in taken]


def readings(journal: Journal) -> Iterator[tuple[Prediction, Mapping[str, Mapping[str, str]]]]:
    """Every part that anybody has read, with what each reader said last of each facet of it, in a correction
    or in a blind reading.

    Reverted corrections do not count. A part to which a label was spread from a sibling counts as read:
    whoever spread it vouched for it.
    """
    for (series_uid, _), of_series in groupby(journal.current_all(), lambda p: (p.series_uid, p.study_uid)):
        known = journal.readings(series_uid)
        for prediction in of_series if known else ():
            images = journal.images_of(prediction)
            said: dict[str, dict[str, str]] = defaultdict(dict)
            for reading in known:
                if match(reading.about, prediction, images) is Match.SAME:
                    said[reading.user].update(reading.facets)
            if said:
                yield prediction, said


def agreement(journal: Journal, readers: Sequence[str] | None = None) -> Agreement:
    """How far people agree, two at a time: all who have read something, or those named.

    Raises UsageError for a reader who has read nothing, for fewer than two, and without scikit-learn.
    """
    readers_there: set[str] = set()
    shared = []
    for part, said in readings(journal):
        readers_there.update(said)
        if len(said) > 1:
            shared.append(_Read(replace(part, evidence=(), opinions=(), protocol={}), said))
    shared.sort(key=lambda read: sort_key(read.part))
    names = sorted(readers_there) if readers is None else list(dict.fromkeys(readers))
    missing = [name for name in names if name not in readers_there]
    if missing:
        known = f"readings of {', '.join(sorted(readers_there))}" if readers_there else "no readings"
        raise UsageError(f"{missing[0]!r} has read nothing in this journal: it has {known}")
    if readers is not None and len(names) < 2:
        raise UsageError("name two different readers or more")
    pairs = (_pair((a, b), shared) for a, b in combinations(names, 2))
    some = tuple(pair for pair in pairs if pair.facets)
    return Agreement(tuple(names), some, "" if some else _why_none(names))


def _why_none(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "fewer than two people have read something: let a second one read a sample"
    return "no part was read by two people: let them read the same sample"


def _pair(readers: tuple[str, str], shared: Sequence[_Read]) -> PairAgreement:
    first, second = readers
    both = [read for read in shared if first in read.said and second in read.said]
    facets = []
    for facet in FACETS:
        read = [one for one in both if facet in one.said[first] and facet in one.said[second]]
        if read:
            said = [(one.said[first][facet], one.said[second][facet]) for one in read]
            # Where no study is known, a series stands for itself.
            studies = [one.part.study_uid or one.part.series_uid for one in read]
            facets.append(_facet(facet, said, studies))
    apart = [
        _disagreement(one.part, facet, one.said[first][facet], one.said[second][facet])
        for one in both
        for facet in FACETS
        if facet in one.said[first]
        and facet in one.said[second]
        and one.said[first][facet] != one.said[second][facet]
    ]
    return PairAgreement(readers, tuple(facets), tuple(apart))


def _disagreement(p: Prediction, facet: str, first: str, second: str) -> Disagreement:
    return Disagreement(
        p.series_uid,
        p.part,
        p.study_uid,
        p.series_number,
        plain_text(p.description),
        facet,
        first,
        second,
        p.part_key,
    )


def _facet(facet: str, said: Sequence[tuple[str, str]], studies: Sequence[str]) -> FacetAgreement:
    named = {name for pair in said for name in pair}
    # A journal may hold classes that this version no longer knows.
    known = [name for name in classes(facet) if name in named]
    names = (*known, *sorted(named.difference(known)))
    position = {name: index for index, name in enumerate(names)}
    number = {study: index for index, study in enumerate(dict.fromkeys(studies))}
    by_study: NDArray[np.int64] = np.zeros((len(number), len(names), len(names)), np.int64)
    for study, (a, b) in zip(studies, said, strict=True):
        by_study[number[study], position[a], position[b]] += 1
    table = by_study.sum(0)
    kappa, interval, reason = None, None, ""
    if len(names) == 1:
        reason = f"both named nothing but {names[0]}: kappa is not defined"
    else:
        kappa = _cohen([a for a, _ in said], [b for _, b in said], names)
        interval = _interval(by_study)
        reason = "" if interval is not None else "too few studies for an interval"
    return FacetAgreement(
        facet=facet,
        n=len(said),
        observed=float(np.trace(table)) / len(said),
        kappa=kappa,
        interval=interval,
        reason=reason,
        classes=names,
        confusion=tuple(tuple(int(n) for n in line) for line in table),
    )


def _cohen(first: Sequence[str], second: Sequence[str], names: Sequence[str]) -> float:
    try:
        from sklearn.metrics import cohen_kappa_score
    except ImportError as error:
        raise UsageError("agreement needs scikit-learn: pip install 'series-classifier[review]'") from error
    return float(cohen_kappa_score(first, second, labels=list(names)))


def _interval(by_study: NDArray[np.int64]) -> tuple[float, float] | None:
    """The percentile bootstrap of kappa: whole studies are drawn, for the series of one are read alike.

    ``by_study`` is (studies, classes, classes). None for fewer than two studies, or where hardly a draw has a
    kappa at all.
    """
    n = len(by_study)
    if n < 2:
        return None
    rng, flat = np.random.default_rng(_SEED), by_study.reshape(n, -1).astype(np.float64)
    drawn = [rng.multinomial(n, np.full(n, 1 / n), size=_AT_ONCE) @ flat for _ in range(_SAMPLES // _AT_ONCE)]
    tables = np.concatenate(drawn).reshape(_SAMPLES, *by_study.shape[1:])
    tables /= tables.sum((1, 2), keepdims=True)
    observed = np.trace(tables, axis1=1, axis2=2)
    expected = np.einsum("di,di->d", tables.sum(2), tables.sum(1))
    defined = expected < 1 - 1e-12
    if defined.sum() < _SAMPLES / 2:
        return None
    kappas = (observed[defined] - expected[defined]) / (1 - expected[defined])
    low, high = np.percentile(kappas, _BOUNDS)
    return float(low), float(high)
