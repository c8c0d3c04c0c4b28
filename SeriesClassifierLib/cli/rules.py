"""``series-classifier rules``."""

from __future__ import annotations

import argparse

from SeriesClassifierLib.cli.display import note
from SeriesClassifierLib.cli.journal_file import open_journal
from SeriesClassifierLib.curation.apply_rules import apply, corrections_by_people
from SeriesClassifierLib.curation.propose_rules import propose
from SeriesClassifierLib.curation.rule_exports import to_dcm2bids, to_monai_deploy, write_export
from SeriesClassifierLib.curation.rule_files import read_rules, write_rules
from SeriesClassifierLib.curation.site_rules import SiteRule
from SeriesClassifierLib.publish.table import plain_text

_EXPORTS = {"dcm2bids": to_dcm2bids, "monai": to_monai_deploy}


def rules_propose(options: argparse.Namespace) -> int:
    """Print the rules that corrections suggest, one a line, and write them."""
    with open_journal(options, readonly=True) as journal:
        rules = propose(corrections_by_people(journal), journal.current_all(), fewest=options.fewest)
    for rule in rules:
        print(f"{plain_text(rule.text)}   ({_support(rule)})")
    if not rules:
        print(f"no rule: nothing was corrected in the same way in {options.fewest} series or more")
    if options.out:
        n = write_rules(rules, options.out)
        print(f"{_count(n, 'rule', 'rules')}, none applied: {options.out}")
    return 0


def rules_apply(options: argparse.Namespace) -> int:
    """Label what the rules of a file hold for, or say what would be labeled."""
    rules = read_rules(options.rules)
    with open_journal(options, readonly=options.dry_run) as journal:
        applied = apply(journal, rules, options.user, dry_run=options.dry_run)
    verb = "would be labeled" if options.dry_run else "labeled"
    for rule in rules:
        print(f"{rule.name}: {_count(applied.labeled[rule.name], 'part', 'parts')} {verb}")
    for left in applied.disagreements:
        note(
            f"{', '.join(left.rules)} disagree about part {left.part} of series "
            f"{plain_text(left.series_uid)}: left as it is",
            False,
        )
    return 0


def rules_export(options: argparse.Namespace) -> int:
    """Write the rules of a file for another program."""
    exported = _EXPORTS[options.format](read_rules(options.rules))
    for text in exported.notes:
        note(text, False)
    write_export(exported, options.out)
    print(f"{_count(exported.rules, 'rule', 'rules')}: {options.out}")
    return 0


def _support(rule: SiteRule) -> str:
    confirmed = f" and {_count(rule.confirmations, 'confirmation', 'confirmations')}"
    return (
        f"{_count(rule.corrections, 'correction', 'corrections')}{confirmed if rule.confirmations else ''} "
        f"in {_count(rule.studies, 'study', 'studies')}; would change {rule.changes} more"
    )


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"
