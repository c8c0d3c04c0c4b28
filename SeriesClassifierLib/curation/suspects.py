"""Human labels that are probably wrong, by three witnesses: the model, the neighbors and the rules.

The model's witness follows confident learning (Northcutt, Jiang, Chuang, 2021): a class counts where its
probability reaches the mean that this class has among the parts labeled with it, so that a model which is
hesitant about a class is not held against those who name it. Neighbors are labels of the same protocol.
Rules are facts of the header and words of the description. A person is contradicted only by at least two
witnesses, and by all who have an opinion.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from SeriesClassifierLib.curation.families import acquisition
from SeriesClassifierLib.explain.evidence_text import attributed, text
from SeriesClassifierLib.headers.descriptions import contradicts, described
from SeriesClassifierLib.headers.protocol import Protocol, places, same_protocol, tells_enough
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import (
    HEADERS_TASK,
    UNKNOWN,
    DecidedBy,
    Evidence,
    Prediction,
    Reason,
    Status,
    Witness,
    classes_of,
)
from SeriesClassifierLib.spool import Disk, OnDisk, Table, plain

_FEWEST_WITNESSES = 2
# A class with few labels has no mean worth the name: its threshold starts as if so many parts had this one.
_PRIOR, _PRIOR_PARTS = 0.8, 4
# Whatever the mean is: a class that is less likely than all others together is no testimony.
_LEAST_THRESHOLD = 0.5
# Labels by the model are one voice with it; two of them speak as loud as a person.
_BY_PERSON, _BY_MODEL = 1.0, 0.5
_FEWEST_VOICES = 1.0
_MOST_OF_THEM = 2 / 3
# A tag that names the class weighs more than words that people typed.
_FACT, _WORDS = 1.0, 0.7
_NONE_OF_THESE = "OTHER"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part whose human label is probably wrong. ``label`` is the sequence that ``user`` named, ``instead``
    the one that the witnesses name, ``strength`` (0 to 1) how strongly; ``reasons`` has a sentence of each.
    """

    series_uid: str
    part: int
    study_uid: str
    series_number: int | None
    description: str
    label: str
    instead: str
    strength: float
    user: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON. No patient identifier is in it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Testimony:
    """The class that a witness names, how strongly (0 to 1), and why."""

    says: str
    strength: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Named:
    """A part that a person named: what all labels together are held against. ``classes`` are the
    probabilities of the model, of header and image together where ``is_joint``; ``rules`` is the testimony of
    the rules.
    """

    series_uid: str
    part: int
    study_uid: str
    series_number: int | None
    description: str
    label: str
    user: str
    step: str
    protocol: Protocol
    classes: Mapping[str, float]
    is_joint: bool
    rules: tuple[str, float, str] | None


class Suspects(OnDisk):
    """The suspects among ``human``, the most suspicious first; the order of the inputs does not count.

    ``labels`` are all labels as they stand; those that are ``auto`` speak as neighbors. It lies on disk, so
    that memory stays flat: use it as a context manager, and iterate as often as needed.
    """

    def __init__(self, human: Iterable[HumanLabel], labels: Iterable[Prediction]) -> None:
        super().__init__()
        try:
            named, self._found = self._disk.spool(4), self._disk.spool(1)
            for label in human:
                if "sequence" in label.facets:
                    named.add(sort_key(label.model), json.dumps(plain(_named(label))))
            model = _Model(_loaded(named))
            neighbors = _Neighbors(self._disk, _loaded(named), labels)
            for one in _loaded(named):
                rules = _Testimony(*one.rules) if one.rules is not None else None
                heard = (model.witness(one), neighbors.witness(one), rules)
                suspect = _suspect(one, [testimony for testimony in heard if testimony is not None])
                if suspect is not None:
                    self._found.add((-suspect.strength,), json.dumps(plain(suspect)))
        except BaseException:
            self._disk.close()
            raise

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Suspect]:
        for line in self._found:
            values = json.loads(line)
            yield Suspect(**{**values, "reasons": tuple(values["reasons"])})


def _loaded(named: Iterable[str]) -> Iterator[_Named]:
    return (_Named(**json.loads(line)) for line in named)


def _named(label: HumanLabel) -> _Named:
    model, rules = label.model, _rules(label)
    return _Named(
        model.series_uid,
        model.part,
        model.study_uid,
        model.series_number,
        plain_text(model.description),
        label.facets["sequence"],
        label.user,
        label.step,
        model.protocol,
        _classes(model, label.facets["sequence"]),
        _is_joint(model, label.facets["sequence"]),
        (rules.says, rules.strength, rules.reason) if rules is not None else None,
    )


def _suspect(label: _Named, heard: list[_Testimony]) -> Suspect | None:
    if len(heard) < _FEWEST_WITNESSES or any(testimony.says == label.label for testimony in heard):
        return None
    for_class: dict[str, float] = defaultdict(float)
    for testimony in heard:
        for_class[testimony.says] += testimony.strength
    instead, agreed = min(for_class.items(), key=lambda item: (-item[1], item[0]))
    # Witnesses that name different classes only agree that this one is wrong.
    apart = sum(for_class.values()) - agreed
    return Suspect(
        series_uid=label.series_uid,
        part=label.part,
        study_uid=label.study_uid,
        series_number=label.series_number,
        description=label.description,
        label=label.label,
        instead=instead,
        strength=round((agreed + apart / 2) / 3, 4),
        user=label.user,
        reasons=tuple(testimony.reason for testimony in heard),
    )


class _Model:
    """The calibrated probabilities of the model, held against what is usual for each class."""

    def __init__(self, named: Iterable[_Named]) -> None:
        total: dict[str, float] = defaultdict(float)
        n: Counter[str] = Counter()
        for label in named:
            if label.classes:
                total[label.label] += label.classes.get(label.label, 0.0)
                n[label.label] += 1
        self._thresholds = {
            name: max(_LEAST_THRESHOLD, (total[name] + _PRIOR * _PRIOR_PARTS) / (n[name] + _PRIOR_PARTS))
            for name in n
        }

    def witness(self, label: _Named) -> _Testimony | None:
        """Silent where no class reaches its threshold; else for the likeliest of those that do."""
        named, classes = label.label, label.classes
        reached = {name: p for name, p in classes.items() if p >= self._thresholds.get(name, _PRIOR)}
        if not reached:
            return None
        says, p = min(reached.items(), key=lambda item: (-item[1], item[0]))
        own = classes.get(named, 0.0)
        reason = Reason.JOINT_DISAGREES if label.is_joint else Reason.WITNESSES_DISAGREE
        witness = Witness.JOINT if label.is_joint else Witness.HEADER
        why = Evidence(witness, reason, "sequence", says, p, other=named, against=True)
        return _Testimony(says, p - own, text(why))


class _Neighbors:
    """Labels of the same protocol. What a person said in the same step is the same word said again.

    Equal protocols are kept once, by a number, with the labels that they got: by people, by people in one
    step, by the model.
    """

    def __init__(self, disk: Disk, named: Iterable[_Named], labels: Iterable[Prediction]) -> None:
        self._numbers = disk.table()
        self._near = disk.table()
        self._protocols = disk.table()
        self._people, self._models, self._of_step = disk.table(), disk.table(), disk.table()
        self._size = 0
        for label in named:
            if tells_enough(label.protocol):
                number = self._number(label.protocol)
                _count(self._people, number, label.label)
                self._of_step.add(_in_step(number, label.step, label.label))
        for p in labels:
            if p.status is Status.AUTO and p.sequence != UNKNOWN and tells_enough(p.protocol):
                _count(self._models, self._number(p.protocol), p.sequence)

    def _number(self, protocol: Protocol) -> str:
        exact = acquisition(protocol)
        known: str | None = self._numbers.get(exact)
        if known is not None:
            return known
        self._size += 1
        number, place = str(self._size), places(protocol)[0]
        self._numbers.set(exact, number)
        self._protocols.set(number, dict(protocol))
        self._near.set(place, [*self._near.get(place, ()), number])
        return number

    def witness(self, label: _Named) -> _Testimony | None:
        """Silent without enough voices, or where they disagree among themselves."""
        people, models = self._votes(label)
        voices = {name: _BY_PERSON * people[name] + _BY_MODEL * models[name] for name in people | models}
        total = sum(voices.values())
        if total < _FEWEST_VOICES:
            return None
        says, most = min(voices.items(), key=lambda item: (-item[1], item[0]))
        if most < _MOST_OF_THEM * total:
            return None
        by = ((people[says], "reviewers"), (models[says], "the model"))
        who = [f"{n} by {whom}" for n, whom in by if n]
        reason = f"others of the same protocol are labeled {says}: {', '.join(who)}"
        # A share alone would make one voice of one as strong as nine of nine; and where no person is among
        # them they may share an error with the model.
        strength = (most / total) * most / (most + 1) * (1.0 if people[says] else _BY_MODEL)
        return _Testimony(says, strength, reason)

    def _votes(self, label: _Named) -> tuple[Counter[str], Counter[str]]:
        """By class: what people said in other steps, and what the model says."""
        people: Counter[str] = Counter()
        models: Counter[str] = Counter()
        if tells_enough(label.protocol):
            near = (self._near.get(place, ()) for place in places(label.protocol))
            for number in chain.from_iterable(near):
                if same_protocol(label.protocol, self._protocols.get(number)):
                    models += Counter(self._models.get(number, {}))
                    for sequence, n in self._people.get(number, {}).items():
                        people[sequence] += n - self._of_step.get(_in_step(number, label.step, sequence), 0)
        return +people, models


def _count(table: Table, number: str, sequence: str) -> None:
    counts = table.get(number, {})
    table.set(number, {**counts, sequence: counts.get(sequence, 0) + 1})


def _in_step(number: str, step: str, sequence: str) -> str:
    return json.dumps([number, step, sequence])


def _rules(label: HumanLabel) -> _Testimony | None:
    """A fact of the header, else the words of the description; silent where both leave the class open."""
    named, model = label.facets["sequence"], label.model
    fact = _fact(model)
    if fact is not None and (fact.value == named or contradicts(named, fact.value)):
        return _Testimony(fact.value, _FACT, attributed(fact))
    words = described("sequence", [model.description])
    if words and (words == named or contradicts(named, words)):
        why = Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, "sequence", words, other=named, against=True)
        return _Testimony(words, _WORDS, f"{text(why)}: {plain_text(model.description)}")
    return None


def _fact(model: Prediction) -> Evidence | None:
    """The sequence that a tag names."""
    return next(
        (
            e
            for e in model.evidence
            if e.witness is Witness.FACT and e.reason is Reason.STATES and e.facet == "sequence"
        ),
        None,
    )


def _classes(model: Prediction, named: str) -> Mapping[str, float]:
    """The finite probabilities of the model for ``sequence``: of header and image together where they know
    the class that is asked about and have an answer, else of the header.
    """
    if _is_joint(model, named):
        return _joint(model)
    return _finite(classes_of(model.opinions, "sequence", Witness.HEADER, HEADERS_TASK))


def _is_joint(model: Prediction, named: str) -> bool:
    joint = _joint(model)
    return (
        model.decided_by is DecidedBy.JOINT
        and named in joint
        and max(joint, key=joint.__getitem__) != _NONE_OF_THESE
    )


def _joint(model: Prediction) -> dict[str, float]:
    return _finite(classes_of(model.opinions, "sequence", Witness.JOINT))


def _finite(classes: Mapping[str, float]) -> dict[str, float]:
    return {name: float(p) for name, p in classes.items() if math.isfinite(p)}
