"""Site rules out of corrections: the simplest condition that holds for corrections of one kind and speaks
against nothing that is known.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.curation import patterns
from SeriesClassifierLib.curation.site_rules import (
    CODES,
    RANGES,
    Condition,
    SiteRule,
    codes_in,
    condition_text,
    differs,
    is_code,
    within,
)
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.protocol import words
from SeriesClassifierLib.headers.tokens import VENDORS
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.records import UNKNOWN, Prediction, Status, part_id
from SeriesClassifierLib.vocabulary import FACETS

FEWEST = 3

# Longer descriptions are known by their first words and their last.
_MOST_WORDS = 10
# Words of a description that also asks for codes or numbers.
_MOST_WORDS_BESIDE = 2
_MOST_CODES = 2
# Numbers that are none of a scan: smaller ones are 0, larger ones are damaged.
_LEAST_NUMBER, _MOST_NUMBER = 1e-6, 1e9
# How far a range reaches beyond what was seen.
_SLACK = 0.05


def propose(
    human_labels: Iterable[HumanLabel], all_labels: Iterable[Prediction], *, fewest: int = FEWEST
) -> list[SiteRule]:
    """Rules for what people corrected in at least ``fewest`` series of any studies, best supported first.

    ``human_labels`` are what people said, ``all_labels`` the labels of all parts as they stand. Only facets
    in which a person changed what the model said make a rule. A rule never says other than a person, nor
    other than an ``auto`` label, unless that is the very mistake that people corrected. The order of the
    input does not matter. Raises UsageError for ``fewest`` < 1.
    """
    if fewest < 1:
        raise UsageError(f"{fewest} corrections make no rule: ask for 1 or more")
    known = _Known(human_labels, all_labels)
    rules = []
    explained: set[tuple[int, str]] = set()
    for then in _kinds(known.human):
        kind = _Kind(known, then)
        unexplained = {i for i in kind.corrected if any((i, facet) not in explained for facet in then)}
        while len(known.series_of(unexplained)) >= fewest:
            when = _simplest(kind, unexplained, fewest)
            if when is None:
                break
            rules.append(kind.rule(when))
            covered = known.holding(when, kind.corrected)
            explained.update((i, facet) for i in covered for facet in then)
            unexplained -= covered
    return _numbered(sorted(rules, key=lambda rule: (-rule.corrections, rule.text)))


def _kinds(human: Sequence[HumanLabel]) -> list[dict[str, str]]:
    """What people changed labels to: facets that were changed together first, then each facet alone."""
    together = {tuple(_changed(label).items()) for label in human} - {()}
    alone = {(item,) for items in together for item in items}
    return [dict(items) for items in sorted(together | alone, key=lambda items: (-len(items), items))]


def _changed(label: HumanLabel) -> dict[str, str]:
    said = {facet: label.facets[facet] for facet in FACETS if facet in label.facets}
    return {facet: value for facet, value in said.items() if value != getattr(label.model, facet)}


class _Known:
    """All labels. Parts have numbers, those that people named come first; a condition is the set of its
    parts.
    """

    def __init__(self, human_labels: Iterable[HumanLabel], all_labels: Iterable[Prediction]) -> None:
        shared: dict[str, Mapping[str, str | float]] = {}
        named = {part_id(h.model): replace(h, model=_light(h.model, shared)) for h in human_labels}
        standing = {part_id(p): _light(p, shared) for p in all_labels if not _is_settled(p)}
        self.human = [named[key] for key in sorted(named)]
        self.parts = [h.model for h in self.human]
        self.parts += [standing[key] for key in sorted(standing.keys() - named.keys())]
        self.others = frozenset(range(len(self.human), len(self.parts)))
        self._texts: defaultdict[str, set[int]] = defaultdict(set)
        self._codes: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for i, part in enumerate(self.parts):
            self._texts[part.description].add(i)
            for name in ("vendor", *CODES):
                for value in codes_in(part.protocol.get(name)):
                    self._codes[name, value].add(i)
        self._by_piece: dict[str, set[str]] = {}
        self._by_pattern: dict[str, set[int]] = {}

    def vendor(self, i: int) -> str:
        """The vendor of a part, "" when it is not known."""
        found = self.parts[i].protocol.get("vendor")
        return str(found) if found in VENDORS else ""

    def series_of(self, parts: Iterable[int]) -> set[tuple[str, str]]:
        """The series that parts belong to."""
        return {_series_of(self.parts[i]) for i in parts}

    def codes_of(self, parts: Iterable[int], fewest: int) -> list[tuple[str, str]]:
        """The codes that parts of at least ``fewest`` series have and a rule can ask for."""
        series = defaultdict(set)
        for i in parts:
            for name in CODES:
                for value in codes_in(self.parts[i].protocol.get(name)):
                    series[name, value].add(_series_of(self.parts[i]))
        found = [code for code, uids in series.items() if len(uids) >= fewest and is_code(*code)]
        return sorted(found, key=lambda code: (CODES.index(code[0]), code[1]))

    def holding(self, when: Condition, among: Set[int] | None = None) -> Set[int]:
        """The parts, all or those ``among`` them, for which a condition holds."""
        sets: list[Set[int]] = [among] if among is not None else []
        sets += [self._codes.get(code, frozenset()) for code in when.codes.items()]
        if when.vendor:
            sets.append(self._codes.get(("vendor", when.vendor), frozenset()))
        if when.description:
            sets.append(self._described(when.description))
        sets.sort(key=len)
        found = set(sets[0] if sets else range(len(self.parts))).intersection(*sets[1:])
        for name, limits in when.ranges.items():
            found = {i for i in found if within(self.parts[i].protocol.get(name), limits)}
        return found

    def _described(self, pattern: str) -> Set[int]:
        """The parts whose description has a pattern without alternatives."""
        if pattern not in self._by_pattern:
            texts = set.intersection(*(self._texts_with(piece) for piece in pattern.split(patterns.GAP)))
            held = (self._texts[text] for text in texts if patterns.found(pattern, text))
            self._by_pattern[pattern] = set().union(*held)
        return self._by_pattern[pattern]

    def _texts_with(self, piece: str) -> set[str]:
        # The pieces of all candidates are few; most texts are done with after them.
        if piece not in self._by_piece:
            self._by_piece[piece] = {text for text in self._texts if patterns.found(piece, text)}
        return self._by_piece[piece]


def _light(prediction: Prediction, shared: dict[str, Mapping[str, str | float]]) -> Prediction:
    """Without what no rule looks at; equal protocols are held once, in ``shared``."""
    protocol = shared.setdefault(json.dumps(dict(prediction.protocol), sort_keys=True), prediction.protocol)
    return replace(prediction, evidence=(), opinions=(), images=b"", protocol=protocol)


def _series_of(prediction: Prediction) -> tuple[str, str]:
    return (prediction.study_uid, prediction.series_uid)


def _is_settled(prediction: Prediction) -> bool:
    """Whether a label is none that a rule could change: no picture could be read, or a person named it."""
    return prediction.status in (Status.FAILED, Status.CORRECTED)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A condition of ``size`` words and codes; of two that do the same, less ``effort`` is simpler."""

    when: Condition
    size: int
    effort: tuple[int, ...]


class _Kind:
    """Corrections of one kind: the parts whose label people changed to ``then``."""

    def __init__(self, known: _Known, then: Mapping[str, str]) -> None:
        self.known = known
        self.then = then
        numbered = list(enumerate(known.human))
        self.corrected = {i for i, label in numbered if then.items() <= _changed(label).items()}
        self._agreed = {i for i, label in numbered if then.items() <= label.facets.items()}
        self._denied = {
            i
            for i, label in numbered
            if any(label.facets.get(f, value) != value for f, value in then.items())
        }

    def rule(self, when: Condition) -> SiteRule:
        """The rule, with what people judge it by."""
        known, held = self.known, self.known.holding(when)
        agreed, others = held & self._agreed, held & known.others
        corrections = known.series_of(i for i in agreed if differs(known.parts[i], self.then))
        return SiteRule(
            name=_name(when, self.then),
            when=when,
            then=self.then,
            corrections=len(corrections),
            confirmations=len(known.series_of(agreed) - corrections),
            studies=len({known.parts[i].study_uid for i in agreed}),
            readers=len({known.human[i].user for i in agreed}),
            others=len(others),
            changes=sum(differs(known.parts[i], self.then) for i in others),
            contradictions=len(held & self._denied),
        )

    def covers(self, candidate: _Candidate, unexplained: Set[int]) -> int:
        """How many series with unexplained corrections a candidate holds for."""
        return len(self.known.series_of(self.known.holding(candidate.when, unexplained)))

    def risk(self, when: Condition) -> int | None:
        """None when a condition speaks against something that is known. Else the number of ``auto`` labels
        it would change although their descriptions lack what those of the corrections have in common.
        """
        parts = self.known.parts
        held = self.known.holding(when)
        if held & self._denied:
            return None
        corrected = held & self.corrected
        mistakes = {facet: {getattr(parts[i], facet) for i in corrected} for facet in self.then}
        common = self._common_words([parts[i].description for i in corrected])
        unlike = 0
        for i in held - self._agreed:
            if parts[i].status is not Status.AUTO:
                continue
            said = self._unnamed(i)
            wrong = {facet: value for facet, value in said.items() if value != self.then[facet]}
            if any(value not in mistakes[facet] for facet, value in wrong.items()):
                return None
            unlike += bool(wrong) and not common <= _keys(parts[i].description)
        return unlike

    def _unnamed(self, i: int) -> dict[str, str]:
        """What the model says of a part in facets of this kind that no person named."""
        named = self.known.human[i].facets if i < len(self.known.human) else {}
        said = {f: getattr(self.known.parts[i], f) for f in self.then if f not in named}
        return {facet: value for facet, value in said.items() if value not in ("", UNKNOWN)}

    def _common_words(self, texts: Sequence[str]) -> frozenset[str]:
        common = frozenset.intersection(*(_keys(text) for text in texts)) if texts else frozenset()
        telling = frozenset(word for word in common if self.tells(word))
        return telling or frozenset(word for word in common if not self.is_beside(word))

    def tells(self, word: str) -> bool:
        """Whether people use a word for one of the classes of this kind."""
        return any(_names(facet, value, word) for facet, value in self.then.items())

    def is_beside(self, word: str) -> bool:
        """Whether a word is about something that this kind does not speak of."""
        others = (facet for facet in ("region", "plane", "phase") if facet not in self.then)
        return any(_names(facet, value, word) for facet in others for value in vocabulary.classes(facet))


@lru_cache(maxsize=65536)
def _names(facet: str, value: str, word: str) -> bool:
    pattern = vocabulary.vocabulary()[facet][value].words
    return pattern is not None and pattern.search(word) is not None


@lru_cache(maxsize=65536)
def _names_of(text: str) -> tuple[str, ...]:
    """The words of a description that can name a scan."""
    found = tuple(word for word in patterns.tokens(text) if words(word))
    half = _MOST_WORDS // 2
    return found if len(found) <= _MOST_WORDS else found[:half] + found[-half:]


@lru_cache(maxsize=65536)
def _keys(text: str) -> frozenset[str]:
    found = _names_of(text)
    return frozenset(word.lower() for word in (*found, *map(patterns.general, found)))


def _simplest(kind: _Kind, unexplained: Set[int], fewest: int) -> Condition | None:
    """The condition that explains the most and needs the least: words, else codes, else numbers."""
    named = list(_by_description(kind, unexplained, fewest))
    few_words = [c for c in named if c.size <= _MOST_WORDS_BESIDE]
    codes = kind.known.codes_of(unexplained, fewest)
    for candidates in (
        iter(named),
        _by_codes(few_words, codes),
        _by_numbers(kind.known, few_words, codes, unexplained),
    ):
        best = _best(kind, _for_vendors(kind.known, candidates, unexplained), unexplained, fewest)
        if best is not None:
            return best
    return None


def _best(
    kind: _Kind, candidates: Iterable[_Candidate], unexplained: Set[int], fewest: int
) -> Condition | None:
    by_coverage = defaultdict(list)
    for candidate in candidates:
        by_coverage[kind.covers(candidate, unexplained)].append(candidate)
    for coverage in sorted(by_coverage, reverse=True):
        if coverage < fewest:
            break
        judged = [
            (kind.risk(c.when), c.effort, condition_text(c.when), c.when) for c in by_coverage[coverage]
        ]
        good = [found for found in judged if found[0] is not None]
        if good:
            return min(good, key=lambda found: found[:3])[3]
    return None


def _for_vendors(
    known: _Known, candidates: Iterable[_Candidate], unexplained: Set[int]
) -> Iterator[_Candidate]:
    """Each candidate for each vendor; for any vendor only where several are seen, or none is known."""
    for candidate in candidates:
        seen = {known.vendor(i) for i in known.holding(candidate.when, unexplained)} - {""}
        if len(seen) != 1:
            yield candidate
        for vendor in sorted(seen):
            yield replace(candidate, when=replace(candidate.when, vendor=vendor))


def _by_description(kind: _Kind, unexplained: Set[int], fewest: int) -> Iterator[_Candidate]:
    """Patterns of words that descriptions of at least ``fewest`` series have in the same order."""
    parts = kind.known.parts
    series_with: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for i in unexplained:
        series_with[parts[i].description].add(_series_of(parts[i]))
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    texts_with: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for text, series in series_with.items():
        # Numbers in general, and as they are for where a number makes the difference.
        for names in {tuple(map(patterns.general, _names_of(text))), _names_of(text)}:
            for name in names:
                spellings[name.lower()][name] += len(series)
            for n in range(1, patterns.MOST_GAPS + 2):
                for some in combinations((name.lower() for name in names), n):
                    texts_with[some].add(text)
    spelled = {key: min(found, key=lambda name: (-found[name], name)) for key, found in spellings.items()}
    for some, texts in texts_with.items():
        if len(set().union(*(series_with[text] for text in texts))) < fewest:
            continue
        chosen = [spelled[key] for key in some]
        beside = sum(kind.is_beside(name) for name in chosen)
        telling = sum(kind.tells(name) for name in chosen)
        numbers = sum(name != patterns.general(name) for name in chosen)
        # A word for the class says more than one that happens to be there, and a letter alone says little.
        weak = (telling == 0, max(map(len, chosen)) <= patterns.SHORT)
        for bounded, pattern in enumerate(patterns.wordings(chosen, sorted(texts))):
            effort = (*weak, len(some), beside, -telling, numbers, bounded, -sum(map(len, chosen)))
            yield _Candidate(Condition(description=pattern), len(some), effort)


def _by_codes(described: Sequence[_Candidate], codes: Sequence[tuple[str, str]]) -> Iterator[_Candidate]:
    """Codes alone, then a code beside a few words."""
    for n in range(1, _MOST_CODES + 1):
        for some in combinations(codes, n):
            if len(dict(some)) == n:
                yield _Candidate(Condition(codes=dict(some)), n, (n, n, *map(codes.index, some)))
    for named in described:
        for i, code in enumerate(codes):
            when = replace(named.when, codes=dict([code]))
            yield _Candidate(when, named.size + 1, (named.size + 1, 1, i, *named.effort))


def _by_numbers(
    known: _Known, described: Sequence[_Candidate], codes: Sequence[tuple[str, str]], unexplained: Set[int]
) -> Iterator[_Candidate]:
    """Ranges of numbers beside a few words or beside a code."""
    coded = [_Candidate(Condition(codes=dict([code])), 1, (1,)) for code in codes]
    for base in (*described, *coded):
        covered = known.holding(base.when, unexplained)
        for i, name in enumerate(RANGES):
            for wide, limits in _limits(known, covered, name):
                when = replace(base.when, ranges={name: limits})
                effort = (base.size + 1, not base.when.description, i, wide, *base.effort)
                yield _Candidate(when, base.size + 1, effort)


def _limits(known: _Known, parts: Set[int], name: str) -> Iterator[tuple[int, tuple[float, float]]]:
    """Ranges that hold the numbers of parts, numbered from the widest, with limits that are easy to read."""
    numbers = [known.parts[i].protocol.get(name) for i in parts]
    seen = [number for number in numbers if isinstance(number, (int, float)) and 0 <= number < _MOST_NUMBER]
    if seen:
        low, high = min(seen), max(seen)
        yield 0, (_rounded(low * (1 - _SLACK), math.floor), _rounded(high * (1 + _SLACK), math.ceil))
        yield 1, (low, high)


def _rounded(number: float, direction: Callable[[float], int]) -> float:
    """A number from 0 on with two digits that count, rounded in one direction."""
    if number < _LEAST_NUMBER:
        return float(direction(number))
    step = math.floor(math.log10(number)) - 1
    return float(f"{direction(number / 10.0**step)}e{step}")


def _name(when: Condition, then: Mapping[str, str]) -> str:
    return "-".join([when.vendor or "any", *then.values()]).lower().replace("_", "-")


def _numbered(rules: Sequence[SiteRule]) -> list[SiteRule]:
    """The rules, the second of a name and those that follow with a number behind it."""
    seen: Counter[str] = Counter()
    named = []
    for rule in rules:
        seen[rule.name] += 1
        n = seen[rule.name]
        named.append(replace(rule, name=f"{rule.name}-{n}") if n > 1 else rule)
    return named
