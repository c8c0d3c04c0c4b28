"""Parts acquired by the same protocol: what is true of one is most likely true of the others.

A part that a person named is protected: it is never offered for correction, only shown where it contradicts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.protocol import same_protocol, same_words, tells_enough
from SeriesClassifierLib.journal.events import dump_prediction, load_prediction
from SeriesClassifierLib.journal.state import human_label
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import Prediction, Status, part_id
from SeriesClassifierLib.spool import OnDisk

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
            "part_key": p.part_key,
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
class Spread:
    """What one step corrected: ``n_parts`` parts of ``n_series`` series, ``n_siblings`` of them siblings.
    ``overtaken`` were offered, and labeled by somebody in the meantime: they stay as they are.
    """

    n_parts: int
    n_series: int
    n_siblings: int
    overtaken: tuple[Prediction, ...] = ()


class Family(OnDisk):
    """The siblings of parts: those that may be offered their label, and those people labeled (protected).

    ``labels`` are all labels as they stand. ``facets`` is what a person said of the parts (by default the
    sequence of each). A sibling that has all of it and is ``auto`` needs no answer and is left out; one that
    is in review with the same label is offered, for the answer confirms it. Siblings come by the part that
    they are siblings of, its study first, then the same words, then in the order of the table; each comes
    once.

    It lies on disk, so that memory stays flat: use it as a context manager, and iterate as often as needed.
    """

    def __init__(
        self,
        parts: Sequence[Prediction],
        labels: Iterable[Prediction],
        facets: Mapping[str, str] | None = None,
    ) -> None:
        self._parts = parts
        self._facets = [facets or {"sequence": part.sequence} for part in parts]
        super().__init__()
        # By whether people labeled them.
        self._kept = {False: self._disk.spool(7), True: self._disk.spool(7)}
        self._n: Counter[tuple[bool, str]] = Counter()
        self._contradictions: list[Counter[str]] = [Counter() for _ in parts]
        try:
            own = {part_id(part) for part in parts}
            for label in labels:
                if part_id(label) not in own and label.status is not Status.FAILED:
                    self._add(label)
        except BaseException:
            self._disk.close()
            raise

    def n_offered(self, grades: Collection[str] = GRADES) -> int:
        """How many may be offered the label."""
        return sum(self._n[False, grade] for grade in grades)

    def n_protected(self, grades: Collection[str] = GRADES) -> int:
        """How many people labeled."""
        return sum(self._n[True, grade] for grade in grades)

    def offered(self, grades: Collection[str] = GRADES) -> Iterator[Sibling]:
        """Those that may be offered the label."""
        return self._siblings(False, grades)

    def protected(self, grades: Collection[str] = GRADES) -> Iterator[Sibling]:
        """Those that people labeled."""
        return self._siblings(True, grades)

    @property
    def notes(self) -> tuple[str, ...]:
        """For people: what contradicts, or why nothing was found."""
        found: dict[str, None] = {}
        for part, counts in zip(self._parts, self._contradictions, strict=True):
            if not tells_enough(part.protocol) and not self._n:
                found[_TELLS_TOO_LITTLE] = None
            for value, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
                found[people_say(value, n)] = None
        return tuple(found)

    def _add(self, label: Prediction) -> None:
        """Keep a label at its first place: behind the first of the parts that it is a sibling of."""
        is_kept = False
        for index, (of, facets) in enumerate(zip(self._parts, self._facets, strict=True)):
            if not tells_enough(of.protocol) or not same_protocol(of.protocol, label.protocol):
                continue
            if label.status is Status.CORRECTED:
                different = (v for f in facets if (v := getattr(label, f)) != facets[f])
                self._contradictions[index].update(different)
            elif label.status is Status.AUTO and _has(label, facets):
                continue
            if not is_kept:
                self._keep(index, label)
                is_kept = True

    def _keep(self, index: int, label: Prediction) -> None:
        of = self._parts[index]
        grade = _grade(of, label)
        place = (index, not _same_study(of, label), GRADES.index(grade), *sort_key(label))
        is_protected = label.status is Status.CORRECTED
        self._kept[is_protected].add(place, json.dumps([index, dump_prediction(label)]))
        self._n[is_protected, grade] += 1

    def _siblings(self, is_protected: bool, grades: Collection[str]) -> Iterator[Sibling]:
        for line in self._kept[is_protected]:
            index, dumped = json.loads(line)
            label = load_prediction(dumped)
            if _grade(self._parts[index], label) in grades:
                yield _sibling(self._parts[index], label)


def family_of_parts(
    journal: Journal, parts: Sequence[Prediction], facets: Mapping[str, str] | None = None
) -> Family:
    """The family of ``parts``, labels as they stand in the journal.

    ``facets`` is what is said of them (by default what people said, else their sequence).
    """
    return Family(parts, journal.current_all(), facets or said_of(journal, parts) or None)


def spread(
    journal: Journal,
    parts: Sequence[Prediction],
    found: Family,
    user: str,
    facets: Mapping[str, str],
    grades: Collection[str] = (SAME,),
    note: str = "",
) -> Spread:
    """Correct ``parts``, labels as they stand in the journal, and those of ``grades`` that their family
    (``found``) offers, in one step.

    Where the journal already has this correction, only the siblings are corrected, again in one step. Parts
    that a person has labeled, also in the meantime, stay as they are. Raises UsageError for a grade, facet or
    class that does not exist, JournalError when the journal cannot be written.
    """
    unknown = sorted(set(grades) - set(GRADES))
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no grade of siblings: use {' or '.join(GRADES)}")
    facets = {facet: vocabulary.check(facet, value) for facet, value in facets.items()}
    known = said_of(journal, parts).items() >= facets.items()
    chosen = [] if known else parts
    others = (sibling.prediction for sibling in found.offered(grades))
    overtaken: list[Prediction] = []
    n_parts, n_series = journal.correct_unlabeled(chosen, others, facets, user, note, overtaken.append)
    return Spread(n_parts, n_series, n_parts - len(chosen), tuple(overtaken))


def said_of(journal: Journal, parts: Sequence[Prediction]) -> dict[str, str]:
    """What people said of ``parts``, as the facets that stand for all of them."""
    labels = [human_label(p, journal.corrections_of(p), journal.images_of(p)) for p in parts]
    said = [label.facets.items() if label is not None else {}.items() for label in labels]
    return dict(item for item in (said[0] if said else ()) if all(item in of_part for of_part in said))


def people_say(value: str, n: int) -> str:
    """That people named ``n`` parts of a protocol ``value``, in words."""
    who = f"{n} others of this protocol are" if n > 1 else "another one of this protocol is"
    return f"{who} named {value} by people"


def _has(label: Prediction, facets: Mapping[str, str]) -> bool:
    return all(getattr(label, facet) == value for facet, value in facets.items())


def _grade(of: Prediction, label: Prediction) -> str:
    return SAME if same_words(of.protocol, label.protocol) else ALIKE


def _sibling(of: Prediction, label: Prediction) -> Sibling:
    where = "in this study" if _same_study(of, label) else "in another study"
    if _grade(of, label) == SAME:
        return Sibling(label, SAME, f"same protocol and same name, {where}")
    name = plain_text(label.description)
    called = f"here called {name}" if name else "here without a name"
    return Sibling(label, ALIKE, f"same protocol, {called}, {where}")


def _same_study(one: Prediction, other: Prediction) -> bool:
    return bool(one.study_uid) and one.study_uid == other.study_uid
