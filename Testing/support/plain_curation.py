"""The review queue and the siblings by their definition, with everything in memory: what the ones on disk must equal.

What makes a single label doubtful is that of ``curation.queue``; here is what all labels together add to it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from SeriesClassifierLib.curation import queue
from SeriesClassifierLib.curation.queue import QueueItem
from SeriesClassifierLib.curation.siblings import people_say
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.explain.label_reasons import deciding_reason
from SeriesClassifierLib.headers.descriptions import described
from SeriesClassifierLib.headers.protocol import same_protocol, same_words, tells_enough
from SeriesClassifierLib.inference.decide import same_family
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import UNKNOWN, Prediction, Status, part_id

Known = tuple[Sequence[int | None], Mapping[int, str], Mapping[str, int], Mapping[int, Mapping[str, int]]]


def plain_queue(predictions: Iterable[Prediction]) -> list[QueueItem]:
    """The items of the queue in their order."""
    ordered = sorted(predictions, key=lambda p: (sort_key(p), p.description, p.error))
    numbers = plain_families([p.protocol for p in ordered])
    repeats = _repeats(ordered, numbers)
    sure = Counter(p.sequence for p in ordered if p.status in (Status.AUTO, Status.CORRECTED))
    names: dict[int, Counter[str]] = defaultdict(Counter)
    for p, number in zip(ordered, numbers, strict=True):
        if number is not None and p.status is Status.CORRECTED and p.sequence != UNKNOWN:
            names[number][p.sequence] += 1
    found: list[tuple[int, QueueItem, Hashable, bool]] = []
    for index, p in enumerate(ordered):
        doubtful = index in repeats or any(e.against for e in p.evidence)
        if p.status is Status.CORRECTED or (p.status is Status.AUTO and not doubtful):
            continue
        number, words = numbers[index], p.protocol.get("words")
        item = _item(p, repeats.get(index, ""), sure, names.get(number, {}) if number is not None else {})
        family = None if number is None or p.status is Status.FAILED else (number, words)
        found.append((index, item, family, bool(words)))
    found.sort(key=_place)
    sizes = Counter(family for _, _, family, _ in found)
    first: dict[Hashable, QueueItem] = {}
    ranked = []
    for index, item, family, has_words in found:
        more = sizes[family] - 1 if family is not None else 0
        alike = f"the same protocol{' and name' if has_words else ''}"
        if more and family not in first:
            first[family] = item
            value = round(item.value + 0.2 * more / (more + 3), 4)
            item = replace(
                item, value=value, reasons=(*item.reasons, f"the answer would settle {more} more of {alike}")
            )
        elif more:
            named = _named(item, first[family])
            reason = f"of {alike} as {named}: one answer may settle both"
            item = replace(item, value=round(0.25 * item.value, 4), reasons=(*item.reasons, reason))
        ranked.append((index, item, family, has_words))
    return [item for _, item, _, _ in sorted(ranked, key=_place)]


def plain_families(protocols: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Each joins the first family whose first protocol is the same as its own."""
    heads: list[Mapping[str, Any]] = []
    exact: dict[frozenset[tuple[str, Any]], int] = {}
    out: list[int | None] = []
    for protocol in protocols:
        if not tells_enough(protocol):
            out.append(None)
            continue
        key = frozenset(item for item in protocol.items() if item[0] != "words")
        if key not in exact:
            number = next((n for n, head in enumerate(heads) if same_protocol(head, protocol)), len(heads))
            if number == len(heads):
                heads.append(protocol)
            exact[key] = number
        out.append(exact[key])
    return out


def plain_siblings(
    parts: Sequence[Prediction], labels: Sequence[Prediction], facets: Mapping[str, str] | None = None
) -> tuple[list[Prediction], list[Prediction], set[str]]:
    """Offered, protected, and the notes about protected ones."""
    own = {part_id(part) for part in parts}
    offered: dict[Any, Prediction] = {}
    protected: dict[Any, Prediction] = {}
    notes = set()
    for of in parts:
        said = facets or {"sequence": of.sequence}
        family = [
            label
            for label in labels
            if tells_enough(of.protocol)
            and part_id(label) not in own
            and label.status is not Status.FAILED
            and same_protocol(of.protocol, label.protocol)
        ]
        family.sort(
            key=lambda label, of=of: (  # type: ignore[misc]
                not (of.study_uid and of.study_uid == label.study_uid),
                not same_words(of.protocol, label.protocol),
                sort_key(label),
            )
        )
        counts: Counter[str] = Counter()
        for label in family:
            if label.status is Status.CORRECTED:
                protected.setdefault(part_id(label), label)
                counts.update(v for f in said if (v := getattr(label, f)) != said[f])
            elif label.status is not Status.AUTO or any(getattr(label, f) != v for f, v in said.items()):
                offered.setdefault(part_id(label), label)
        notes |= {people_say(value, n) for value, n in counts.items()}
    return list(offered.values()), list(protected.values()), notes


def _place(found: tuple[int, QueueItem, Hashable, bool]) -> tuple[int, float, int]:
    index, item, _, _ = found
    rank = {"review": 0, "auto": 0, "unknown": 1, "failed": 2}[item.status]
    return (rank, -item.value, index)


def _item(p: Prediction, repeat: str, sure: Mapping[str, int], named: Mapping[str, int]) -> QueueItem:
    if p.status is Status.FAILED:
        value = 0.0
        reasons = [p.error or "it could not be read: check the files of this series"]
    else:
        conflicts, best, decided = queue._conflicts(p), queue._best(p), deciding_reason(p)
        rare = max(0.0, 1.0 - sure.get(best, 0) / 10) if best else 0.0
        doubts = list(dict.fromkeys([*([decided] if decided else []), *(e for e, _ in conflicts)]))
        warnings = dict.fromkeys(e for e in p.evidence if queue._is_warning(e) and e not in doubts)
        reasons = [p.error, *map(text, doubts), repeat]
        reasons += [people_say(name, named[name]) for name in sorted(named)]
        reasons += [*map(text, warnings), queue._rarity(best, sure.get(best, 0)) if rare else ""]
        odd = bool(repeat) or any(name != best for name in named)
        heaviest = max((weight for _, weight in conflicts), default=0.0)
        value = round(0.4 * queue._doubt(p) + 0.2 * heaviest + 0.1 * odd + 0.1 * rare, 4)
    return QueueItem(
        p.series_uid,
        p.part,
        p.study_uid,
        p.series_number,
        plain_text(p.description),
        plain_text(p.label) or "?",
        p.status.value,
        value,
        tuple(filter(None, map(plain_text, reasons))),
        p.part_key,
    )


def _repeats(ordered: Sequence[Prediction], numbers: Sequence[int | None]) -> dict[int, str]:
    by_protocol: dict[Any, dict[str, Prediction]] = defaultdict(dict)
    by_words: dict[Any, dict[str, Prediction]] = defaultdict(dict)
    known = [(index, p) for index, p in enumerate(ordered) if p.study_uid and p.sequence not in ("", UNKNOWN)]

    def called(p: Prediction) -> tuple[Any, ...]:
        return (p.study_uid, *(p.protocol.get(name) for name in ("words", "kinds", "scanning")))

    for index, p in known:
        by_protocol[p.study_uid, numbers[index]].setdefault(p.sequence, p)
        by_words[called(p)].setdefault(p.sequence, p)
    found: dict[int, str] = {}
    for index, p in known:
        if numbers[index] is not None:
            for other in by_protocol[p.study_uid, numbers[index]].values():
                if other.sequence != p.sequence and same_protocol(p.protocol, other.protocol):
                    found.setdefault(index, _said(p, other, "has the same protocol"))
        if p.protocol.get("words"):
            for other in by_words[called(p)].values():
                apart = other.series_uid != p.series_uid and not same_family(p.sequence, other.sequence)
                if apart and described("sequence", [p.description]):
                    found.setdefault(index, _said(p, other, "has the same name"))
    return found


def _said(one: Prediction, other: Prediction, alike: str) -> str:
    by = " by a reviewer" if other.status is Status.CORRECTED else ""
    return f"{_named(one, other)} {alike} and is labeled {other.sequence}{by}"


def _named(one: Any, other: Any) -> str:
    if other.series_uid == one.series_uid:
        return f"part {other.part} of this series"
    number = "a series without number" if other.series_number is None else f"series {other.series_number}"
    return f"{number} of {'this' if other.study_uid == one.study_uid else 'another'} study"
