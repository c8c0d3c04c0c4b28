"""Make labels of site rules, as somebody who read them says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from SeriesClassifierLib.curation.site_rules import SiteRule, differs, matches
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.state import Correction, HumanLabel
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status

_NOTE = "site rule "


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A part that several rules call differently; it keeps its label."""

    series_uid: str
    part: int
    description: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """``labeled`` maps the names of all rules to the number of parts that they gave a label."""

    labeled: Mapping[str, int]
    disagreements: tuple[Disagreement, ...]


def apply(journal: Journal, rules: Sequence[SiteRule], user: str, *, dry_run: bool = False) -> Applied:
    """Give every part that a rule holds for the label of the rule, in the name of ``user``.

    Parts that a person named, that could not be read, or that two rules call differently are left as they
    are. Each rule is one step for ``Journal.undo_step``, with the note "site rule NAME". With ``dry_run``
    nothing is written. Raises UsageError when two rules have one name or there is no user, JournalError when
    the journal cannot be read or written.
    """
    if not user.strip():
        raise UsageError("no user: say who applies the rules")
    if len({rule.name for rule in rules}) < len(rules):
        raise UsageError("two rules have one name: give one of them another")
    chosen: dict[str, list[tuple[str, int]]] = {rule.name: [] for rule in rules}
    disagreements = []
    for part in journal.current_all():
        if part.status in (Status.CORRECTED, Status.FAILED):
            continue
        holding = [rule for rule in rules if matches(rule, part)]
        if _disagree(holding):
            names = tuple(rule.name for rule in holding)
            disagreements.append(Disagreement(part.series_uid, part.part, part.description, names))
            continue
        for rule in _needed(holding, part):
            chosen[rule.name].append((part.series_uid, part.part))
    if not dry_run:
        chosen = _write(journal, rules, user, chosen)
    return Applied({name: len(parts) for name, parts in chosen.items()}, tuple(disagreements))


def corrections_by_people(journal: Journal) -> Iterator[HumanLabel]:
    """``Journal.human_labels`` without those that rules alone made: a rule is no reason for itself."""
    for label in journal.human_labels():
        corrections = journal.corrections(label.model.series_uid)
        if any(not c.note.startswith(_NOTE) for c in corrections if c.part in (None, label.model.part)):
            yield label


def _disagree(rules: Sequence[SiteRule]) -> bool:
    said = {item for rule in rules for item in rule.then.items()}
    return len(said) > len({facet for facet, _ in said})


def _needed(rules: Sequence[SiteRule], part: Prediction) -> Iterator[SiteRule]:
    """The rules, which agree, that say something new of a part."""
    said: dict[str, str] = {}
    for rule in rules:
        if differs(part, rule.then) and not rule.then.items() <= said.items():
            said.update(rule.then)
            yield rule


def _write(
    journal: Journal, rules: Sequence[SiteRule], user: str, chosen: Mapping[str, list[tuple[str, int]]]
) -> dict[str, list[tuple[str, int]]]:
    """One step a rule. Somebody may have named a part since it was chosen: their word stands."""
    written: set[str] = set()
    done = {}
    for rule in rules:
        parts = [
            (uid, part)
            for uid, part in chosen[rule.name]
            if not _named(journal.corrections(uid), part, written)
        ]
        if parts:
            written.update(journal.correct_all(parts, rule.then, user, f"{_NOTE}{rule.name}"))
        done[rule.name] = parts
    return done


def _named(corrections: Sequence[Correction], part: int, ours: set[str]) -> bool:
    return any(c.part in (None, part) and c.id not in ours for c in corrections)
