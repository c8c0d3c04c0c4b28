"""How far two people agree: Cohen's kappa (1960) of what they said independently of each other."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.events import Event, EventKind
from SeriesClassifierLib.journal.state import Correction, standing_corrections
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import Prediction
from SeriesClassifierLib.vocabulary import FACETS, classes

# (reader, series UID, part) -> facets
Readings = Mapping[tuple[str, str, int], Mapping[str, str]]

_SAMPLES, _AT_ONCE = 2000, 100
_SEED = 20260131
_BOUNDS = (2.5, 97.5)
_ABOUT_READINGS = (EventKind.CORRECTION, EventKind.UNDO)


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


def sample_for_second_reading(labels: Iterable[Prediction], n: int, seed: int) -> list[Prediction]:
    """``n`` of ``labels`` (all of them where they are fewer) for a reader who does not know the label, in
    table order.

    Every class of ``sequence`` gets one place as long as there are places, rare ones first; the others go to
    all that is left alike. The same seed gives the same sample, whatever the order of ``labels``. Raises
    UsageError when ``n`` is not positive.
    """
    if n < 1:
        raise UsageError(f"{n} is no sample: ask for one part or more")
    drawn = sorted(labels, key=sort_key)
    random.Random(seed).shuffle(drawn)
    sizes = Counter(p.sequence for p in drawn)
    first: dict[str, Prediction] = {}
    for p in drawn:
        first.setdefault(p.sequence, p)
    chosen = [first[name] for name in sorted(sizes, key=lambda name: (sizes[name], name))][:n]
    taken = {(p.series_uid, p.part) for p in chosen}
    rest = (p for p in drawn if (p.series_uid, p.part) not in taken)
    chosen += [p for p, _ in zip(rest, range(n - len(chosen)), strict=False)]
    return sorted(chosen, key=sort_key)


def readings(events: Iterable[Event], predictions: Iterable[Prediction]) -> Readings:
    """What each reader said last of each facet of each part among ``predictions``, in a correction or in a
    blind reading.

    Corrections that were taken back do not count; one of all parts counts for each part. A part for which a
    label was spread from a sibling counts as read: whoever spread it vouched for it.
    """
    parts: dict[str, list[int]] = defaultdict(list)
    for prediction in predictions:
        parts[prediction.series_uid].append(prediction.part)
    said: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
    about = (e for e in events if e.series_uid in parts and (e.kind in _ABOUT_READINGS or _is_reading(e)))
    for uid, of_series in groupby(sorted(about, key=lambda e: (e.series_uid, e.time, e.id)), _series_of):
        for correction in _in_order(list(of_series)):
            for part in parts[uid] if correction.part is None else [correction.part]:
                if part in parts[uid]:
                    said[correction.user, uid, part].update(correction.facets)
    return dict(said)


def agreement(
    events: Iterable[Event], predictions: Iterable[Prediction], readers: Sequence[str] | None = None
) -> Agreement:
    """How far people agree, two at a time: all who have read something, or those named.

    Raises UsageError for a reader who has read nothing, for fewer than two, and without scikit-learn.
    """
    parts = {(p.series_uid, p.part): p for p in sorted(predictions, key=sort_key)}
    found = readings(events, parts.values())
    of_reader: dict[str, dict[tuple[str, int], Mapping[str, str]]] = defaultdict(dict)
    for (reader, uid, part), facets in found.items():
        of_reader[reader][uid, part] = facets
    names = sorted(of_reader) if readers is None else list(dict.fromkeys(readers))
    missing = [name for name in names if name not in of_reader]
    if missing:
        known = f"it has readings of {', '.join(sorted(of_reader))}" if of_reader else "it has no readings"
        raise UsageError(f"{missing[0]!r} has read nothing in this journal: {known}")
    if readers is not None and len(names) < 2:
        raise UsageError("name two different readers or more")
    pairs = (_pair((a, b), of_reader[a], of_reader[b], parts) for a, b in combinations(names, 2))
    some = tuple(pair for pair in pairs if pair.facets)
    return Agreement(tuple(names), some, "" if some else _why_none(names))


def _why_none(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "fewer than two people have read something: let a second one read a sample"
    return "no part was read by two people: let them read the same sample"


def _pair(
    readers: tuple[str, str],
    first: Mapping[tuple[str, int], Mapping[str, str]],
    second: Mapping[tuple[str, int], Mapping[str, str]],
    parts: Mapping[tuple[str, int], Prediction],
) -> PairAgreement:
    facets, apart = [], []
    both = [key for key in parts if key in first and key in second]
    for facet in FACETS:
        read = [key for key in both if facet in first[key] and facet in second[key]]
        if read:
            said = [(first[key][facet], second[key][facet]) for key in read]
            # Where no study is known, a series stands for itself.
            studies = [parts[key].study_uid or key[0] for key in read]
            facets.append(_facet(facet, said, studies))
            apart += [
                _disagreement(parts[key], facet, a, b)
                for key, (a, b) in zip(read, said, strict=True)
                if a != b
            ]
    order = {key: index for index, key in enumerate(parts)}
    apart.sort(key=lambda d: order[d.series_uid, d.part])
    return PairAgreement(readers, tuple(facets), tuple(apart))


def _disagreement(p: Prediction, facet: str, first: str, second: str) -> Disagreement:
    return Disagreement(
        p.series_uid, p.part, p.study_uid, p.series_number, plain_text(p.description), facet, first, second
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


def _series_of(event: Event) -> str:
    return event.series_uid


def _is_reading(event: Event) -> bool:
    return event.kind is EventKind.NOTE and isinstance(event.payload.get("reading"), Mapping)


def _in_order(events: Sequence[Event]) -> list[Correction]:
    """Corrections that stand and blind readings of one series, oldest first."""
    blind = [
        Correction(
            event.id,
            event.part,
            {facet: event.payload["reading"][facet] for facet in FACETS if facet in event.payload["reading"]},
            event.actor,
            "",
            event.time,
        )
        for event in events
        if _is_reading(event)
    ]
    standing = standing_corrections(event for event in events if event.kind in _ABOUT_READINGS)
    return sorted([*standing, *blind], key=lambda said: (said.time, said.id))
