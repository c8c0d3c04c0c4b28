"""Human labels that are probably wrong, by three witnesses: the model, the neighbors and the rules.

The model's witness follows confident learning (Northcutt, Jiang, Chuang, 2021): a class counts where its
probability reaches the mean that this class has among the parts labelled with it, so that a model which is
shy of a class is not held against those who name it. Neighbors are labels of the same protocol. Rules are
facts of the header and words of the description. A person is contradicted only by at least two witnesses,
and by all who have an opinion.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from SeriesClassifierLib.headers.descriptions import contradicts, described
from SeriesClassifierLib.headers.protocol import Protocol, block, same_protocol, tells_enough
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import UNKNOWN, DecidedBy, Prediction, Status

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


def suspects(human: Iterable[HumanLabel], labels: Iterable[Prediction]) -> list[Suspect]:
    """The suspects among ``human``, the most suspicious first; the order of the inputs does not count.

    ``labels`` are all labels as they stand; those that are ``auto`` speak as neighbors.
    """
    named = [label for label in human if "sequence" in label.facets]
    named.sort(key=lambda label: sort_key(label.model))
    model = _Model(named)
    neighbors = _Neighbors(named, (p for p in labels if p.status is Status.AUTO))
    found = []
    for label in named:
        heard = (model.witness(label), neighbors.witness(label), _rules(label))
        suspect = _suspect(label, [testimony for testimony in heard if testimony is not None])
        if suspect is not None:
            found.append(suspect)
    return sorted(found, key=lambda suspect: -suspect.strength)


def _suspect(label: HumanLabel, heard: list[_Testimony]) -> Suspect | None:
    named = label.facets["sequence"]
    if len(heard) < _FEWEST_WITNESSES or any(testimony.says == named for testimony in heard):
        return None
    for_class: dict[str, float] = defaultdict(float)
    for testimony in heard:
        for_class[testimony.says] += testimony.strength
    instead, agreed = min(for_class.items(), key=lambda item: (-item[1], item[0]))
    # Witnesses that name different classes only agree that this one is wrong.
    apart = sum(for_class.values()) - agreed
    model = label.model
    return Suspect(
        series_uid=model.series_uid,
        part=model.part,
        study_uid=model.study_uid,
        series_number=model.series_number,
        description=plain_text(model.description),
        label=named,
        instead=instead,
        strength=round((agreed + apart / 2) / 3, 4),
        user=label.user,
        reasons=tuple(testimony.reason for testimony in heard),
    )


class _Model:
    """The calibrated probabilities of the model, held against what is usual for each class."""

    def __init__(self, named: Iterable[HumanLabel]) -> None:
        own: dict[str, list[float]] = defaultdict(list)
        for label in named:
            classes = _classes(label.model, label.facets["sequence"])
            if classes:
                own[label.facets["sequence"]].append(classes.get(label.facets["sequence"], 0.0))
        self._thresholds = {
            name: max(_LEAST_THRESHOLD, (sum(values) + _PRIOR * _PRIOR_PARTS) / (len(values) + _PRIOR_PARTS))
            for name, values in own.items()
        }

    def witness(self, label: HumanLabel) -> _Testimony | None:
        """Silent where no class reaches its threshold; else for the likeliest of those that do."""
        named = label.facets["sequence"]
        classes = _classes(label.model, named)
        reached = {name: p for name, p in classes.items() if p >= self._thresholds.get(name, _PRIOR)}
        if not reached:
            return None
        says, p = min(reached.items(), key=lambda item: (-item[1], item[0]))
        own = classes.get(named, 0.0)
        return _Testimony(says, p - own, f"the model says {says} ({p:.0%}), not {named} ({own:.0%})")


@dataclass(frozen=True, slots=True)
class _Votes:
    """The labels that one protocol got: by people, by people in one step, by the model."""

    protocol: Protocol
    people: Counter[str] = field(default_factory=Counter)
    of_step: Counter[tuple[str, str]] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)


class _Neighbors:
    """Labels of the same protocol. What a person said in the same step is the same word said again."""

    def __init__(self, named: Iterable[HumanLabel], auto: Iterable[Prediction]) -> None:
        self._blocks: dict[object, dict[object, _Votes]] = defaultdict(dict)
        for label in named:
            if tells_enough(label.model.protocol):
                votes, sequence = self._of(label.model.protocol), label.facets["sequence"]
                votes.people[sequence] += 1
                votes.of_step[label.step, sequence] += 1
        for prediction in auto:
            if prediction.sequence != UNKNOWN and tells_enough(prediction.protocol):
                self._of(prediction.protocol).models[prediction.sequence] += 1

    def _of(self, protocol: Protocol) -> _Votes:
        """Equal protocols are kept once."""
        exact = frozenset(item for item in protocol.items() if item[0] != "words")
        return self._blocks[block(protocol)].setdefault(exact, _Votes(protocol))

    def witness(self, label: HumanLabel) -> _Testimony | None:
        """Silent without enough voices, or where they disagree among themselves."""
        people, models = self._votes(label)
        voices = {name: _BY_PERSON * people[name] + _BY_MODEL * models[name] for name in people | models}
        total = sum(voices.values())
        if total < _FEWEST_VOICES:
            return None
        says, most = min(voices.items(), key=lambda item: (-item[1], item[0]))
        if most < _MOST_OF_THEM * total:
            return None
        who = [f"{n} by {whom}" for n, whom in ((people[says], "people"), (models[says], "the model")) if n]
        reason = f"others of the same protocol are labelled {says}: {', '.join(who)}"
        # A share alone would make one voice of one as strong as nine of nine; and where no person is among
        # them they may share an error with the model.
        strength = (most / total) * most / (most + 1) * (1.0 if people[says] else _BY_MODEL)
        return _Testimony(says, strength, reason)

    def _votes(self, label: HumanLabel) -> tuple[Counter[str], Counter[str]]:
        """By class: what people said in other steps, and what the model says."""
        people: Counter[str] = Counter()
        models: Counter[str] = Counter()
        protocol = label.model.protocol
        if tells_enough(protocol):
            for votes in self._blocks.get(block(protocol), {}).values():
                if same_protocol(protocol, votes.protocol):
                    models += votes.models
                    for sequence, n in votes.people.items():
                        people[sequence] += n - votes.of_step[label.step, sequence]
        return +people, models


def _rules(label: HumanLabel) -> _Testimony | None:
    """A fact of the header, else the words of the description; silent where both leave the class open."""
    named, model = label.facets["sequence"], label.model
    fact = _fact(model)
    if fact and (fact == named or contradicts(named, fact)):
        return _Testimony(fact, _FACT, f"the header states {fact}")
    said = described("sequence", [model.description])
    if said and (said == named or contradicts(named, said)):
        return _Testimony(said, _WORDS, f"the description says {said}: {plain_text(model.description)}")
    return None


def _fact(model: Prediction) -> str:
    """The sequence that a tag names, as its evidence says ("sequence ADC (ImageType)"); "" when none does."""
    for evidence in model.evidence:
        words = evidence.text.split()
        if evidence.kind == "fact" and len(words) > 1 and words[0] == "sequence":
            return words[1]
    return ""


def _classes(model: Prediction, named: str) -> Mapping[str, float]:
    """The finite probabilities of the model for ``sequence``: of picture and header together where they know
    the class that is asked about and have an answer, else of the header.
    """
    both = _finite(model.probabilities.get("sequence (both)", {}))
    if (
        model.decided_by is DecidedBy.JOINT
        and named in both
        and max(both, key=both.__getitem__) != _NONE_OF_THESE
    ):
        return both
    return _finite(model.probabilities.get("sequence", {}))


def _finite(classes: Mapping[str, float]) -> dict[str, float]:
    return {name: float(p) for name, p in classes.items() if math.isfinite(p)}
