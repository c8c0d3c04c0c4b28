"""Parts acquired by the same protocol: what is true of one is most likely true of the others.

A part that a person named is protected: it is never offered for correction, only shown where it contradicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.protocol import block, same_protocol, same_words, tells_enough
from SeriesClassifierLib.journal.state import human_label
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import Prediction, Status

# "same" is the same protocol under the same words, "alike" the same protocol under other words or none.
SAME, ALIKE = "same", "alike"
GRADES = (SAME, ALIKE)
_TELLS_TOO_LITTLE = "the header of this series tells too little to find others of its protocol"


@dataclass(frozen=True, slots=True)
class Sibling:
    """A part of the same protocol. ``grade`` is one of ``GRADES``, ``reason`` says it in words."""

    prediction: Prediction
    grade: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON. No patient identifier is in it."""
        p = self.prediction
        return {
            "series_uid": p.series_uid,
            "part": p.part,
            "study_uid": p.study_uid,
            "series_number": p.series_number,
            "description": plain_text(p.description),
            "label": p.label,
            "status": p.status.value,
            "grade": self.grade,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Family:
    """The siblings of a part: those that may be ``offered`` its label, and those that people named
    (``protected``). ``notes`` are for people: what contradicts, or why nothing was found.
    """

    offered: tuple[Sibling, ...]
    protected: tuple[Sibling, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """What one step corrected as (series, part), None for all parts: its ``siblings`` are among it. Those of
    the wanted grades that people had named are ``protected`` and stay as they were.
    """

    corrected: tuple[tuple[str, int | None], ...]
    siblings: tuple[Sibling, ...]
    protected: tuple[Sibling, ...]
    notes: tuple[str, ...]


def siblings(
    of: Prediction,
    labels: Iterable[Prediction],
    *,
    named: Collection[tuple[str, int]] = (),
    facets: Mapping[str, str] | None = None,
) -> list[Sibling]:
    """The parts among ``labels`` that may be offered the label of ``of``; see ``family``."""
    return list(family(of, labels, named=named, facets=facets).offered)


def family(
    of: Prediction,
    labels: Iterable[Prediction],
    *,
    named: Collection[tuple[str, int]] = (),
    facets: Mapping[str, str] | None = None,
) -> Family:
    """The parts among ``labels`` of the same protocol as ``of``: same study first, then the same words, then
    the order of the table.

    ``facets`` is what a person said of ``of`` (by default its sequence). A part that has all of it and is
    ``auto`` needs no answer and is left out; one that is in review with the same label is offered, for the
    answer confirms it. ``named`` are parts that people named beside those with status ``corrected``.
    """
    facets = facets or {"sequence": of.sequence}
    if not tells_enough(of.protocol):
        return Family((), (), (_TELLS_TOO_LITTLE,))
    own, protocol = (of.series_uid, of.part), of.protocol
    offered, protected = [], []
    for label in labels:
        key = (label.series_uid, label.part)
        if key == own or label.status is Status.FAILED or not same_protocol(protocol, label.protocol):
            continue
        if label.status is Status.CORRECTED or key in named:
            protected.append(_sibling(of, label))
        elif label.status is not Status.AUTO or not _has(label, facets):
            offered.append(_sibling(of, label))
    notes = _contradictions(protected, facets)
    return Family(_ordered(of, offered), _ordered(of, protected), notes)


def spread(
    journal: Journal,
    series_uid: str,
    part: int | None,
    user: str,
    facets: Mapping[str, str],
    grades: Collection[str] = (SAME,),
    note: str = "",
) -> Spread:
    """Correct a part (None: all parts of the series) and its siblings of ``grades``, in one step.

    Where the journal already has this correction, only the siblings are corrected, again in one step. Parts
    that a person has named, also in the meantime, stay as they are. Raises UsageError for a grade, facet or
    class that does not exist, JournalError when the journal cannot be written.
    """
    unknown = sorted(set(grades) - set(GRADES))
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no grade of siblings: use {' or '.join(GRADES)}")
    facets = {facet: vocabulary.check(facet, value) for facet, value in facets.items()}
    found = family_of_series(journal, series_uid, part, facets)
    wanted = [sibling for sibling in found.offered if sibling.grade in grades]
    keys = [(sibling.prediction.series_uid, sibling.prediction.part) for sibling in wanted]
    known = said_of(journal, series_uid, part).items() >= facets.items()
    chosen = [] if known else [(series_uid, part)]
    corrected = journal.correct_unnamed(chosen, keys, facets, user, note)
    done = set(corrected)
    kept = [sibling for sibling, key in zip(wanted, keys, strict=True) if key in done]
    left = [sibling for sibling in found.protected if sibling.grade in grades]
    for sibling, key in zip(wanted, keys, strict=True):
        if key not in done:  # named in the meantime
            left.append(replace(sibling, prediction=journal.current(*key) or sibling.prediction))
    return Spread(tuple(corrected), tuple(kept), tuple(left), found.notes)


def family_of_series(
    journal: Journal, series_uid: str, part: int | None, facets: Mapping[str, str] | None = None
) -> Family:
    """``family`` of a part as it stands in the journal, or with None of all parts of its series together.

    ``facets`` is what is said of it (by default what people said, else its sequence).
    """
    own = [p for p in journal.current_series(series_uid) if part is None or p.part == part]
    labels = [p for p in journal.current_all() if part is not None or p.series_uid != series_uid]
    facets = facets or said_of(journal, series_uid, part) or None
    found = [family(of, labels, facets=facets) for of in own]
    notes = dict.fromkeys(note for one in found for note in one.notes)
    if any(one.offered or one.protected for one in found):
        notes.pop(_TELLS_TOO_LITTLE, None)
    return Family(
        _once(s for one in found for s in one.offered),
        _once(s for one in found for s in one.protected),
        tuple(notes),
    )


def said_of(journal: Journal, series_uid: str, part: int | None) -> dict[str, str]:
    """What people said of a part, as the facets that stand; with None what holds for all parts."""
    corrections = journal.corrections(series_uid)
    own = [p for p in journal.current_series(series_uid) if part is None or p.part == part]
    labels = [human_label(p, corrections) for p in own]
    said = [label.facets.items() if label is not None else {}.items() for label in labels]
    return dict(item for item in (said[0] if said else ()) if all(item in of_part for of_part in said))


def families(predictions: Sequence[Prediction]) -> list[int | None]:
    """The number of the family of each part, None where the header tells too little.

    Each part joins the first family whose first part has the same protocol, so that 100,000 parts need no
    comparison of all with all; the result follows the order of ``predictions``.
    """
    firsts: dict[tuple[str | float | None, ...], list[tuple[int, Mapping[str, str | float]]]] = {}
    out: list[int | None] = []
    seen: dict[frozenset[tuple[str, str | float]], int] = {}
    for prediction in predictions:
        protocol = prediction.protocol
        if not tells_enough(protocol):
            out.append(None)
            continue
        exact = frozenset(item for item in protocol.items() if item[0] != "words")
        number = seen.get(exact)
        if number is None:
            heads = firsts.setdefault(block(protocol), [])
            number = next((n for n, first in heads if same_protocol(first, protocol)), None)
            if number is None:
                number = len(seen)
                heads.append((number, protocol))
            seen[exact] = number
        out.append(number)
    return out


def people_say(value: str, n: int) -> str:
    """That people named ``n`` parts of a protocol ``value``, in words."""
    who = f"{n} others of this protocol are" if n > 1 else "another one of this protocol is"
    return f"{who} named {value} by people"


def _has(label: Prediction, facets: Mapping[str, str]) -> bool:
    return all(getattr(label, facet) == value for facet, value in facets.items())


def _sibling(of: Prediction, label: Prediction) -> Sibling:
    where = "in this study" if _same_study(of, label) else "in another study"
    if same_words(of.protocol, label.protocol):
        return Sibling(label, SAME, f"same protocol and same name, {where}")
    name = plain_text(label.description)
    called = f"here called {name}" if name else "here without a name"
    return Sibling(label, ALIKE, f"same protocol, {called}, {where}")


def _same_study(one: Prediction, other: Prediction) -> bool:
    return bool(one.study_uid) and one.study_uid == other.study_uid


def _ordered(of: Prediction, found: Iterable[Sibling]) -> tuple[Sibling, ...]:
    return tuple(
        sorted(
            found,
            key=lambda s: (not _same_study(of, s.prediction), s.grade != SAME, sort_key(s.prediction)),
        )
    )


def _contradictions(protected: Iterable[Sibling], facets: Mapping[str, str]) -> tuple[str, ...]:
    counts = Counter(
        getattr(sibling.prediction, facet)
        for sibling in protected
        for facet, value in facets.items()
        if sibling.prediction.status is Status.CORRECTED and getattr(sibling.prediction, facet) != value
    )
    return tuple(
        people_say(value, n) for value, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _once(found: Iterable[Sibling]) -> tuple[Sibling, ...]:
    """Each part once, at its first place."""
    by_part: dict[tuple[str, int], Sibling] = {}
    for sibling in found:
        by_part.setdefault((sibling.prediction.series_uid, sibling.prediction.part), sibling)
    return tuple(by_part.values())
