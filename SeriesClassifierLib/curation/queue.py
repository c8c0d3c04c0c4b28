"""What a curator should look at next, and why: the labels about which a human answer is worth most.

The value of an answer is a weighted sum of what makes a label doubtful (the model is not certain; header,
image and words disagree; a repetition was labelled otherwise; the class is rare here) and of how many other
parts the answer settles. Of a family (same protocol, same words or none) only the part that is worth most
stands at its full value. The others follow at a fraction of theirs: the answer to the first settles them in
one step (see ``siblings.spread``), and a place near the top that shows the same question again is a place
wasted. Whoever does not spread the answer meets them again further down.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from SeriesClassifierLib.curation.families import Families
from SeriesClassifierLib.curation.siblings import people_say
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.explain.label_reasons import deciding_reason, label_classes
from SeriesClassifierLib.headers.descriptions import described
from SeriesClassifierLib.headers.protocol import Protocol as Acquisition
from SeriesClassifierLib.headers.protocol import same_protocol
from SeriesClassifierLib.inference.decide import same_family
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import UNKNOWN, Evidence, Prediction, Reason, Status, Witness, classes_of
from SeriesClassifierLib.spool import Disk, OnDisk, Spool, Table, plain

# What an answer is worth: shares of the whole, together 1.
_DOUBT, _CONFLICT, _SETTLES, _REPEATS, _RARE = 0.4, 0.2, 0.2, 0.1, 0.1
# What is left of the value of a part when the answer to another one will most likely settle it.
_FOLLOWER = 0.25
# From so many sure labels on a class is not rare.
_ENOUGH = 10
# So many more parts make half the worth of those that an answer can settle.
_HALF_SETTLED = 3
# Questions about labels that are in use or could be come first; a failed part is no question about a label.
_RANK: Mapping[Status, int] = {Status.REVIEW: 0, Status.AUTO: 0, Status.UNKNOWN: 1, Status.FAILED: 2}
_SURE = (Status.AUTO, Status.CORRECTED)
# A witness that is not sure of the other class weighs as much as it is sure.
_WEIGHS_AS_SURE = frozenset({Reason.HEADER_UNSURE, Reason.JOINT_DISAGREES})
# These say already how header and image disagree.
_HEADER_AGAINST_IMAGE = frozenset({Reason.IMAGE_DISAGREES, Reason.WITNESSES_DISAGREE})
_NONE_OF_THESE = "OTHER"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A part to look at. ``value`` (0 to 1) is what an answer is worth; ``reasons`` are sentences for people,
    never empty.
    """

    series_uid: str
    part: int
    study_uid: str
    series_number: int | None
    description: str
    label: str
    status: str
    value: float
    reasons: tuple[str, ...]
    part_key: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON. No patient identifier is in it."""
        return asdict(self)


class _Named(Protocol):
    """What names a part."""

    @property
    def study_uid(self) -> str: ...
    @property
    def series_uid(self) -> str: ...
    @property
    def series_number(self) -> int | None: ...
    @property
    def part(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """What has to be known of a part, whatever the others are. ``best`` is the class that is asked about;
    ``doubt`` and ``conflict`` (0 to 1) are what makes its label doubtful; ``before`` and ``after`` are the
    reasons for that, those about the other parts stand between them.
    """

    study_uid: str
    series_uid: str
    series_number: int | None
    part: int
    description: str
    label: str
    status: str
    sequence: str
    protocol: Acquisition
    part_key: str = ""
    is_against: bool = False
    best: str = ""
    doubt: float = 0.0
    conflict: float = 0.0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A part with the value of its answer for itself, and the family that the answer holds for ("": none)."""

    index: int
    item: QueueItem
    family: str = ""
    has_words: bool = False


class ReviewQueue(OnDisk):
    """The parts that need a person, the most worthwhile first; the order of ``predictions`` does not count.

    Parts in review come first, together with ``auto`` ones that a conflict makes doubtful, then unknown ones,
    then failed ones, which need another file rather than an answer. A ``corrected`` part is never in it.

    It lies on disk, so that memory stays flat: use it as a context manager, and iterate as often as needed.
    """

    def __init__(self, predictions: Iterable[Prediction]) -> None:
        super().__init__()
        try:
            seen = self._disk.spool(6)
            for p in predictions:
                seen.add((*sort_key(p), p.description, p.error), json.dumps(plain(_seen(p))))
            known = _Known(self._disk, seen)
            self._items = self._in_order(_with_families(self._disk, self._in_order(_candidates(seen, known))))
        except BaseException:
            self._disk.close()
            raise

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[QueueItem]:
        return (_loaded(line).item for line in self._items)

    def _in_order(self, candidates: Iterable[_Candidate]) -> Spool:
        found = self._disk.spool(3)
        for candidate in candidates:
            item = candidate.item
            found.add((_RANK[Status(item.status)], -item.value, candidate.index), _dump(candidate))
        return found


class _Known:
    """What all labels together tell about one: families, repetitions in a study, sure labels by class, and
    what people named the parts of a family.
    """

    def __init__(self, disk: Disk, seen: Iterable[str]) -> None:
        self.families = Families(disk)
        self.sure: Counter[str] = Counter()
        self._names = disk.table()
        self._by_protocol = disk.table()
        self._by_words = disk.table()
        for line in seen:
            one = _Seen(**json.loads(line))
            number = self.families.number(one.protocol)
            if Status(one.status) in _SURE:
                self.sure[one.sequence] += 1
            if number is not None and one.status == Status.CORRECTED.value and one.sequence != UNKNOWN:
                names = self.names(number)
                self._names.set(str(number), {**names, one.sequence: names.get(one.sequence, 0) + 1})
            if _can_repeat(one):
                if number is not None:
                    _set_default(self._by_protocol, _in_study(one, number), one)
                if one.protocol.get("words"):
                    _set_default(self._by_words, _called(one), one)

    def names(self, number: int | None) -> Mapping[str, int]:
        """The sequences that people named in a family, with their number."""
        found: Mapping[str, int] = self._names.get(str(number), {})
        return found

    def disagreeing_repeat(self, one: _Seen, number: int | None) -> str:
        """Which repetition of a part in its study has another sequence, in words; "" where none has.

        A repetition has the same protocol, or is another series with the same words. With the latter alone
        the words must name a class ("Series 3" is no name), and classes that one acquisition makes together
        (DWI and ADC, the images of a Dixon) are no disagreement.
        """
        if not _can_repeat(one):
            return ""
        if number is not None:
            for other in _others(self._by_protocol, _in_study(one, number)):
                if other.sequence != one.sequence and same_protocol(one.protocol, other.protocol):
                    return _disagreement(one, other, "has the same protocol")
        if one.protocol.get("words"):
            for other in _others(self._by_words, _called(one)):
                apart = other.series_uid != one.series_uid and not same_family(one.sequence, other.sequence)
                if apart and described("sequence", [one.description]):
                    return _disagreement(one, other, "has the same name")
        return ""


def _seen(p: Prediction) -> _Seen:
    """What counts of a prediction."""
    found = _Seen(
        p.study_uid,
        p.series_uid,
        p.series_number,
        p.part,
        p.description,
        p.label,
        p.status.value,
        p.sequence,
        p.protocol,
        p.part_key,
        any(e.against for e in p.evidence),
    )
    if p.status is Status.FAILED:
        failure = plain_text(p.error) or "it could not be read: check the files of this series"
        return replace(found, before=(failure,))
    if p.status is Status.CORRECTED:
        return found
    conflicts, decided = _conflicts(p), deciding_reason(p)
    doubts = dict.fromkeys([*([decided] if decided else []), *(e for e, _ in conflicts)])
    warnings = dict.fromkeys(e for e in p.evidence if _is_warning(e) and e not in doubts)
    return replace(
        found,
        best=_best(p),
        doubt=_doubt(p),
        conflict=max((weight for _, weight in conflicts), default=0.0),
        before=(p.error, *(text(e) for e in doubts)),
        after=tuple(text(e) for e in warnings),
    )


def _candidates(seen: Iterable[str], known: _Known) -> Iterator[_Candidate]:
    """Those that are asked about, each for itself."""
    for index, line in enumerate(seen):
        one = _Seen(**json.loads(line))
        number = known.families.number(one.protocol)
        repeat = known.disagreeing_repeat(one, number)
        if one.status == Status.FAILED.value:
            yield _Candidate(index, _item(one, 0.0, tuple(one.before)))
        elif one.status != Status.CORRECTED.value and (
            one.status != Status.AUTO.value or repeat or one.is_against
        ):
            yield _candidate(index, one, number, repeat, known)


def _candidate(index: int, one: _Seen, number: int | None, repeat: str, known: _Known) -> _Candidate:
    named = known.names(number)
    others = [name for name in named if name != one.best]
    sure = known.sure.get(one.best, 0)
    rare = max(0.0, 1.0 - sure / _ENOUGH) if one.best else 0.0
    reasons = [
        *one.before,
        repeat,
        *(people_say(name, n) for name, n in sorted(named.items())),
        *one.after,
        _rarity(one.best, sure) if rare else "",
    ]
    value = _DOUBT * one.doubt + _CONFLICT * one.conflict + _REPEATS * bool(repeat or others) + _RARE * rare
    words = one.protocol.get("words")
    return _Candidate(
        index,
        _item(one, round(value, 4), tuple(filter(None, map(plain_text, reasons)))),
        json.dumps([number, words]) if number is not None else "",
        bool(words),
    )


def _item(one: _Seen, value: float, reasons: tuple[str, ...]) -> QueueItem:
    return QueueItem(
        series_uid=one.series_uid,
        part=one.part,
        study_uid=one.study_uid,
        series_number=one.series_number,
        description=plain_text(one.description),
        label=plain_text(one.label) or "?",
        status=one.status,
        value=value,
        reasons=reasons,
        part_key=one.part_key,
    )


def _with_families(disk: Disk, candidates: Spool) -> Iterator[_Candidate]:
    """The first of each family with what its answer settles, the others as its followers."""
    sizes, first = disk.table(), disk.table()
    for line in candidates:
        sizes.add(_loaded(line).family)
    for line in candidates:
        c = _loaded(line)
        others = sizes.get(c.family) - 1 if c.family else 0
        head = first.get(c.family) if others else None
        if not others:
            yield c
        elif head is None:
            first.set(c.family, plain(c.item))
            value = round(c.item.value + _SETTLES * others / (others + _HALF_SETTLED), 4)
            yield _worth(c, value, f"the answer would settle {others} more of {_alike(c)}")
        else:
            named = _named(c.item, QueueItem(**head))
            reason = f"of {_alike(c)} as {named}: one answer may settle both"
            yield _worth(c, round(_FOLLOWER * c.item.value, 4), reason)


def _worth(candidate: _Candidate, value: float, reason: str) -> _Candidate:
    item = replace(candidate.item, value=value, reasons=(*candidate.item.reasons, reason))
    return replace(candidate, item=item)


def _alike(candidate: _Candidate) -> str:
    return f"the same protocol{' and name' if candidate.has_words else ''}"


def _dump(candidate: _Candidate) -> str:
    return json.dumps({**plain(candidate), "item": plain(candidate.item)})


def _loaded(line: str) -> _Candidate:
    values = json.loads(line)
    item = values.pop("item")
    return _Candidate(item=QueueItem(**{**item, "reasons": tuple(item["reasons"])}), **values)


def _doubt(prediction: Prediction) -> float:
    """0 where the model is certain and no other class comes near, 1 where it knows nothing."""
    margin = 0.0
    if (tops := _tops(label_classes(prediction))) and prediction.sequence in (UNKNOWN, tops[0][0]):
        margin = tops[0][1] - (tops[1][1] if len(tops) > 1 else 0.0)
    return 1.0 - (_unit(_confidence(prediction)) + _unit(margin)) / 2


def _confidence(prediction: Prediction) -> float:
    """How likely the label is, or the likeliest class where there is none; 0 where nothing is known."""
    confidence = prediction.confidence
    if confidence is None and prediction.sequence == UNKNOWN:
        tops = _tops(label_classes(prediction), 1)
        return tops[0][1] if tops else 0.0
    return confidence if confidence is not None and math.isfinite(confidence) else 0.0


def _conflicts(prediction: Prediction) -> list[tuple[Evidence, float]]:
    """What speaks against the label, header and image that name different classes, too; with its weight (0 to
    1).
    """
    against = [(e, _weight(e)) for e in prediction.evidence if e.against]
    header, image = (
        _tops(classes_of(prediction.opinions, "sequence", witness), 1)
        for witness in (Witness.HEADER, Witness.IMAGE)
    )
    if not header or not image or any(e.reason in _HEADER_AGAINST_IMAGE for e, _ in against):
        return against
    (by_header, p_header), (by_image, p_image) = header[0], image[0]
    if by_header != by_image and _NONE_OF_THESE not in (by_header, by_image):
        apart = Evidence(
            Witness.IMAGE, Reason.WITNESSES_DISAGREE, "sequence", by_image, p_image, by_header, against=True
        )
        # Two witnesses that are hardly sure weigh less than two that are.
        against.append((apart, _unit(min(p_header, p_image))))
    return against


def _weight(conflict: Evidence) -> float:
    sure = conflict.probability if conflict.reason in _WEIGHS_AS_SURE else None
    return 1.0 if sure is None or not math.isfinite(sure) else _unit(sure)


def _is_warning(evidence: Evidence) -> bool:
    """What makes a label doubtful without naming another one."""
    return not evidence.against and (evidence.decisive or evidence.witness is Witness.FILE)


def _rarity(name: str, n: int) -> str:
    if not n:
        return f"no label of {name} is sure yet"
    return (
        f"only {n} labels of {name} are sure so far" if n > 1 else f"only one label of {name} is sure so far"
    )


def _best(prediction: Prediction) -> str:
    """The class of the label, or the likeliest one where there is none; "" where nothing is known."""
    if prediction.sequence != UNKNOWN:
        return prediction.sequence
    tops = _tops(label_classes(prediction))
    return tops[0][0] if tops else ""


def _can_repeat(one: _Seen) -> bool:
    return bool(one.study_uid) and one.sequence not in ("", UNKNOWN)


def _in_study(one: _Seen, number: int) -> str:
    return json.dumps([one.study_uid, number])


def _called(one: _Seen) -> str:
    """Equal for series of a study that have the same name and were acquired in the same way."""
    return json.dumps([one.study_uid, *(one.protocol.get(name) for name in ("words", "kinds", "scanning"))])


def _set_default(table: Table, name: str, one: _Seen) -> None:
    """Keep the first part of each sequence."""
    found = table.get(name, {})
    if one.sequence not in found:
        table.set(name, {**found, one.sequence: plain(one)})


def _others(table: Table, name: str) -> list[_Seen]:
    return [_Seen(**values) for values in table.get(name, {}).values()]


def _disagreement(one: _Seen, other: _Seen, alike: str) -> str:
    by = " by a reviewer" if other.status == Status.CORRECTED.value else ""
    return f"{_named(one, other)} {alike} and is labeled {other.sequence}{by}"


def _named(one: _Named, other: _Named) -> str:
    """``other`` in words, seen from ``one``."""
    number = "a series without number" if other.series_number is None else f"series {other.series_number}"
    if other.series_uid == one.series_uid:
        return f"part {other.part} of this series"
    return f"{number} of {'this' if other.study_uid == one.study_uid else 'another'} study"


def _tops(classes: Mapping[str, float], n: int = 2) -> list[tuple[str, float]]:
    """The ``n`` most probable classes."""
    finite = [(name, float(p)) for name, p in classes.items() if math.isfinite(p)]
    return sorted(finite, key=lambda item: (-item[1], item[0]))[:n]


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
