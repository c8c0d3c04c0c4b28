"""What a curator should look at next, and why: the labels about which a human answer is worth most.

The value of an answer is a weighted sum of what makes a label doubtful (the model is not certain; header,
picture and words disagree; a repetition was labelled otherwise; the class is rare here) and of how many other
parts the answer settles. Of a family (same protocol, same words or none) only the part that is worth most
stands at its full value. The others follow at a fraction of theirs: the answer to the first settles them in
one step (see ``siblings.spread``), and a place near the top that shows the same question again is a place
wasted. Whoever does not spread the answer meets them again further down.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from SeriesClassifierLib.curation.siblings import families, people_say
from SeriesClassifierLib.headers.descriptions import described
from SeriesClassifierLib.headers.protocol import same_protocol
from SeriesClassifierLib.inference.decide import same_family
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import UNKNOWN, DecidedBy, Prediction, Status

# What an answer is worth: shares of the whole, together 1.
_DOUBT, _CONFLICT, _SETTLES, _REPEATS, _RARE = 0.4, 0.2, 0.2, 0.1, 0.1
# What is left of the value of a part when the answer to another one will most likely settle it.
_FOLLOWER = 0.25
# From so many sure labels on a class is not rare.
_ENOUGH = 10
# From this calibrated probability on, a conflict is the reason for doubt, not the number.
_LIKELY = 0.9
# So many more parts make half the worth of those that an answer can settle.
_HALF_SETTLED = 3
# Questions about labels that are in use or could be come first; a failed part is no question about a label.
_RANK: Mapping[Status, int] = {Status.REVIEW: 0, Status.AUTO: 0, Status.UNKNOWN: 1, Status.FAILED: 2}
_SURE = (Status.AUTO, Status.CORRECTED)
_HEADER, _PICTURE = "sequence (header alone)", "sequence (picture alone)"
_BOTH = "sequence (both)"
_HEARD = "looks like"
_WORTH_NAMING = 0.005
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

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON. No patient identifier is in it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Known:
    """What all labels together tell about one: the family of each, repetitions that disagree by index, sure
    labels by class, and by family what people named its parts.
    """

    families: Sequence[int | None]
    repeats: Mapping[int, str]
    sure: Mapping[str, int]
    names: Mapping[int, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A part with the value of its answer for itself, and the family that the answer holds for."""

    index: int
    prediction: Prediction
    value: float
    reasons: tuple[str, ...]
    family: Hashable


def review_queue(predictions: Iterable[Prediction]) -> list[QueueItem]:
    """The parts that need a person, the most worthwhile first; the order of ``predictions`` does not count.

    Parts in review come first, together with ``auto`` ones that a conflict makes doubtful, then unknown ones,
    then failed ones, which need another file rather than an answer. A ``corrected`` part is never in it.
    """
    ordered = sorted(predictions, key=lambda p: (sort_key(p), p.description, p.error))
    numbers = families(ordered)
    known = _Known(
        families=numbers,
        repeats=_disagreeing_repeats(ordered, numbers),
        sure=Counter(p.sequence for p in ordered if p.status in _SURE),
        names=_names_of_people(ordered, numbers),
    )
    candidates = [
        _candidate(index, prediction, known)
        for index, prediction in enumerate(ordered)
        if _is_asked(prediction, index in known.repeats)
    ]
    ranked = list(_with_families(sorted(candidates, key=_place)))
    return [_item(candidate) for candidate in sorted(ranked, key=_place)]


def _is_asked(prediction: Prediction, repeats_disagree: bool) -> bool:
    if prediction.status is Status.AUTO:
        return repeats_disagree or any(e.kind == "conflict" for e in prediction.evidence)
    return prediction.status is not Status.CORRECTED


def _place(candidate: _Candidate) -> tuple[int, float, int]:
    return (_RANK[candidate.prediction.status], -candidate.value, candidate.index)


def _item(candidate: _Candidate) -> QueueItem:
    prediction = candidate.prediction
    return QueueItem(
        series_uid=prediction.series_uid,
        part=prediction.part,
        study_uid=prediction.study_uid,
        series_number=prediction.series_number,
        description=plain_text(prediction.description),
        label=plain_text(prediction.label) or "?",
        status=prediction.status.value,
        value=candidate.value,
        reasons=candidate.reasons,
    )


def _candidate(index: int, prediction: Prediction, known: _Known) -> _Candidate:
    if prediction.status is Status.FAILED:
        reason = plain_text(prediction.error) or "it could not be read: check the files of this series"
        return _Candidate(index, prediction, 0.0, (reason,), None)
    number, words, best = known.families[index], prediction.protocol.get("words"), _best(prediction)
    conflicts, weight = _conflicts(prediction)
    repeat = known.repeats.get(index, "")
    named = known.names.get(number, {}) if number is not None else {}
    others = [name for name in named if name != best]
    sure = known.sure.get(best, 0)
    rare = max(0.0, 1.0 - sure / _ENOUGH) if best else 0.0
    reasons = [
        *conflicts,
        _uncertainty(prediction, bool(conflicts or repeat)),
        repeat,
        *(people_say(name, n) for name, n in sorted(named.items())),
        *(plain_text(e.text) for e in prediction.evidence if e.kind == "warning"),
        _rarity(best, sure) if rare else "",
    ]
    value = (
        _DOUBT * _doubt(prediction) + _CONFLICT * weight + _REPEATS * bool(repeat or others) + _RARE * rare
    )
    family = (number, words) if number is not None else None
    return _Candidate(index, prediction, round(value, 4), tuple(dict.fromkeys(filter(None, reasons))), family)


def _with_families(candidates: Sequence[_Candidate]) -> Iterator[_Candidate]:
    """The first of each family with what its answer settles, the others as its followers."""
    sizes = Counter(c.family for c in candidates if c.family is not None)
    first: dict[Hashable, Prediction] = {}
    for c in candidates:
        others = sizes[c.family] - 1 if c.family is not None else 0
        if not others:
            yield c
        elif c.family not in first:
            first[c.family] = c.prediction
            value = round(c.value + _SETTLES * others / (others + _HALF_SETTLED), 4)
            reason = f"the answer would settle {others} more of {_alike(c.prediction)}"
            yield replace(c, value=value, reasons=(*c.reasons, reason))
        else:
            head = _named(c.prediction, first[c.family])
            reason = f"of {_alike(c.prediction)} as {head}: one answer may settle both"
            yield replace(c, value=round(_FOLLOWER * c.value, 4), reasons=(*c.reasons, reason))


def _alike(prediction: Prediction) -> str:
    return f"the same protocol{' and name' if prediction.protocol.get('words') else ''}"


def _doubt(prediction: Prediction) -> float:
    """0 where the model is certain and no other class comes near, 1 where it knows nothing."""
    margin = 0.0
    if (tops := _tops(_classes(prediction))) and prediction.sequence in (UNKNOWN, tops[0][0]):
        margin = tops[0][1] - (tops[1][1] if len(tops) > 1 else 0.0)
    return 1.0 - (_unit(_confidence(prediction)) + _unit(margin)) / 2


def _classes(prediction: Prediction) -> Mapping[str, float]:
    """The probabilities that the label was taken from."""
    both = prediction.probabilities.get(_BOTH, {}) if prediction.decided_by is DecidedBy.JOINT else {}
    return both or prediction.probabilities.get("sequence", {})


def _confidence(prediction: Prediction) -> float:
    """The confidence of the label, 0 where it has none."""
    confidence = prediction.confidence
    return confidence if confidence is not None and math.isfinite(confidence) else 0.0


def _conflicts(prediction: Prediction) -> tuple[list[str], float]:
    """What contradicts what, in words, and how much it weighs (0 to 1)."""
    texts = [plain_text(e.text) for e in prediction.evidence if e.kind == "conflict"]
    weight = 1.0 if texts else 0.0
    header, picture = (_tops(prediction.probabilities.get(key, {}), 1) for key in (_HEADER, _PICTURE))
    if not header or not picture or any(_HEARD in text for text in texts):
        return texts, weight
    (by_header, p_header), (by_picture, p_picture) = header[0], picture[0]
    if by_header != by_picture and _NONE_OF_THESE not in (by_header, by_picture):
        said = f"{by_header} ({p_header:.0%}), the picture alone {by_picture} ({p_picture:.0%})"
        texts.append(f"the header alone says {said}")
        # Two voices that whisper different things weigh less than two that are sure of them.
        weight = max(weight, _unit(min(p_header, p_picture)))
    return texts, weight


def _uncertainty(prediction: Prediction, has_other_reason: bool) -> str:
    confidence = _confidence(prediction)
    explained = prediction.status is Status.REVIEW and has_other_reason and confidence >= _LIKELY
    if prediction.status is Status.AUTO or explained:
        return ""
    what = "no class is likely enough" if prediction.status is Status.UNKNOWN else "not certain enough"
    tops = _tops(_classes(prediction))
    words = [f"{name} {p:.0%}" for name, p in tops if p >= _WORTH_NAMING]
    return f"{what}: {', '.join(words)}" if words else what


def _rarity(name: str, n: int) -> str:
    if not n:
        return f"no label of {name} is sure yet"
    return (
        f"only {n} labels of {name} are sure so far" if n > 1 else f"only one label of {name} is sure so far"
    )


def _names_of_people(
    ordered: Sequence[Prediction], numbers: Sequence[int | None]
) -> Mapping[int, Mapping[str, int]]:
    """Family -> the sequences that people named in it, with their number."""
    names: dict[int, Counter[str]] = defaultdict(Counter)
    for p, number in zip(ordered, numbers, strict=True):
        if number is not None and p.status is Status.CORRECTED and p.sequence != UNKNOWN:
            names[number][p.sequence] += 1
    return names


def _best(prediction: Prediction) -> str:
    """The class of the label, or the likeliest one where there is none; "" where nothing is known."""
    if prediction.sequence != UNKNOWN:
        return prediction.sequence
    tops = _tops(_classes(prediction))
    return tops[0][0] if tops else ""


def _disagreeing_repeats(ordered: Sequence[Prediction], numbers: Sequence[int | None]) -> dict[int, str]:
    """Index of a part -> which repetition in its study has another sequence, in words.

    A repetition has the same protocol, or is another series with the same words. With the latter alone the
    words must name a class ("Series 3" is no name), and classes that one acquisition makes together (DWI and
    ADC, the images of a Dixon) are no disagreement.
    """
    by_protocol: dict[tuple[str, int], dict[str, Prediction]] = defaultdict(dict)
    by_words: dict[tuple[object, ...], dict[str, Prediction]] = defaultdict(dict)
    known = [(index, p) for index, p in enumerate(ordered) if p.study_uid and p.sequence not in ("", UNKNOWN)]
    for index, p in known:
        number, words = numbers[index], p.protocol.get("words")
        if number is not None:
            by_protocol[p.study_uid, number].setdefault(p.sequence, p)
        if words:
            by_words[_called(p)].setdefault(p.sequence, p)
    found: dict[int, str] = {}
    for index, p in known:
        number, words = numbers[index], p.protocol.get("words")
        if number is not None:
            for other in by_protocol[p.study_uid, number].values():
                if other.sequence != p.sequence and same_protocol(p.protocol, other.protocol):
                    found.setdefault(index, _disagreement(p, other, "has the same protocol"))
        if words and index not in found:
            for other in by_words[_called(p)].values():
                apart = other.series_uid != p.series_uid and not same_family(p.sequence, other.sequence)
                if apart and described("sequence", [p.description]):
                    found.setdefault(index, _disagreement(p, other, "has the same name"))
    return found


def _called(p: Prediction) -> tuple[object, ...]:
    """Equal for series of a study that have the same name and were acquired in the same way."""
    return (p.study_uid, *(p.protocol.get(name) for name in ("words", "kinds", "scanning")))


def _disagreement(one: Prediction, other: Prediction, alike: str) -> str:
    by = ", as a person said" if other.status is Status.CORRECTED else ""
    return f"{_named(one, other)} {alike} and is labelled {other.sequence}{by}"


def _named(one: Prediction, other: Prediction) -> str:
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
