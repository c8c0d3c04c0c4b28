"""Make labels of site rules, as somebody who read them says so."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from SeriesClassifierLib.curation.site_rules import SiteRule, differs, matches
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.spool import PredictionSpool
from SeriesClassifierLib.records import Prediction, Status


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A part that several rules call differently; it keeps its label."""

    series_uid: str
    part: int
    description: str
    rules: tuple[str, ...]
    part_key: str = ""


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
    labeled: Counter[str] = Counter({rule.name: 0 for rule in rules})
    disagreements = []
    with PredictionSpool() as chosen:
        for part in journal.current_all():
            if part.status in (Status.CORRECTED, Status.FAILED):
                continue
            holding = [rule for rule in rules if matches(rule, part)]
            if _disagree(holding):
                names = tuple(rule.name for rule in holding)
                disagreements.append(
                    Disagreement(part.series_uid, part.part, part.description, names, part.part_key)
                )
                continue
            for rule in _needed(holding, part):
                chosen.extend([part], rules.index(rule))
                labeled[rule.name] += 1
        if not dry_run:
            labeled = _write(journal, rules, user, chosen)
    return Applied(dict(labeled), tuple(disagreements))


def corrections_by_people(journal: Journal) -> Iterator[HumanLabel]:
    """``Journal.human_labels`` without those that rules alone made: a rule is no reason for itself."""
    for label in journal.human_labels():
        if not label.by_rule:
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


def _write(journal: Journal, rules: Sequence[SiteRule], user: str, chosen: PredictionSpool) -> Counter[str]:
    """One step a rule. Somebody may have labeled a part since it was chosen: their word stands."""
    steps: list[str] = []
    labeled: Counter[str] = Counter()
    for number, rule in enumerate(rules):
        steps.append(str(uuid.uuid4()))
        labeled[rule.name], _ = journal.correct_unlabeled(
            [],
            chosen.of(number),
            rule.then,
            user,
            f"site rule {rule.name}",
            step=steps[-1],
            rule=rule.name,
            but_for=steps[:-1],
        )
    return labeled
