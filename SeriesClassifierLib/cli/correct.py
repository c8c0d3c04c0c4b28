"""``series-classifier correct``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.cli.display import note, part_place, print_table
from SeriesClassifierLib.cli.journal_file import is_journal_there, journal_file, open_journal
from SeriesClassifierLib.curation.siblings import ALIKE, GRADES, SAME, family_of_parts, spread
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.find import find_part, find_series, series_named
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.summary import column_text
from SeriesClassifierLib.records import Prediction, part_id

_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
# Parts that are listed one by one; siblings may be thousands.
_MOST_LISTED = 50


def correct_command(options: argparse.Namespace) -> int:
    """Record a manual label, with that of its siblings if wanted, or revert the last one."""
    facets = facets_of(options.facets)
    _check(options, facets)
    if options.new and not is_journal_there(journal_file(options, may_be_new=True)):
        _whole_uid(options.series)  # before a journal is made for nothing
    with open_journal(options, may_be_new=options.new) as journal:
        if options.new and not series_named(journal, options.series):
            _label_unseen(journal, options, facets)
        else:
            parts = find_part(find_series(journal, options.series), options.part)
            if options.undo:
                _undo(journal, parts, options.user)
            elif options.siblings:
                _spread(journal, parts, options, facets)
            else:
                journal.correct(parts, facets, options.user, options.note)
                _print_corrected(journal, parts, len(parts))
        print_table(find_series(journal, options.series))
    return 0


def facets_of(texts: Iterable[str]) -> dict[str, str]:
    """The facets of ``FACET=VALUE`` texts, as the vocabulary spells them. Raises UsageError."""
    out: dict[str, str] = {}
    for text in texts:
        facet, equals, value = (piece.strip() for piece in text.partition("="))
        if not equals or not value:
            raise UsageError(f"{text!r} is not FACET=VALUE: write for example sequence=T2")
        value = vocabulary.check(facet, value)
        if out.setdefault(facet, value) != value:
            raise UsageError(f"{facet} is set twice, to {out[facet]} and {value}: set it once")
    return out


def _check(options: argparse.Namespace, facets: Mapping[str, str]) -> None:
    if options.undo == bool(facets):
        raise UsageError("give the label with --set FACET=VALUE, or revert the last correction with --undo")
    if options.undo and options.siblings:
        raise UsageError("--undo reverts the whole step, siblings included: leave --siblings out")
    if options.undo and options.new:
        raise UsageError("--undo needs a journal and a series that are there: leave --new out")


def _label_unseen(journal: Journal, options: argparse.Namespace, facets: Mapping[str, str]) -> None:
    if options.part or options.siblings:
        raise UsageError("this series is not in the journal: leave --part and --siblings out, or classify it")
    uid = _whole_uid(options.series)
    journal.correct_unseen(uid, facets, options.user, options.note)
    note("this series is not classified yet: when it is, it goes to review with this label", quiet=False)


def _whole_uid(text: str) -> str:
    """A label without images to hold on to must at least name its series exactly."""
    if not _UID.fullmatch(text):
        raise UsageError(
            f"the journal has no series {text!r}: to label one that is not classified yet, give its whole "
            "SeriesInstanceUID"
        )
    return text


def _undo(journal: Journal, parts: Sequence[Prediction], user: str) -> None:
    reverted = journal.undo(parts, user)
    if not reverted:
        raise UsageError("there is no correction of this series to revert")
    series = {(c.about.study_uid, c.about.series_uid) for c in reverted}
    print(f"reverted: {len(reverted)} {'part' if len(reverted) == 1 else 'parts'} of {len(series)} series")


def _spread(
    journal: Journal, parts: Sequence[Prediction], options: argparse.Namespace, facets: Mapping[str, str]
) -> None:
    """Correct parts and their siblings as one step, and print what was done and what was not."""
    grades = GRADES if options.siblings == ALIKE else (SAME,)
    with family_of_parts(journal, parts, facets) as found:
        done = spread(journal, parts, found, options.user, facets, grades, options.note)
        print(f"corrected in one step: {done.n_series} series; siblings among them: {done.n_siblings}")
        overtaken = {part_id(part) for part in done.overtaken}
        siblings = (sibling.prediction for sibling in found.offered(grades))
        _print_corrected(
            journal,
            # Where all parts had this label before, their siblings alone were corrected.
            chain(
                parts if done.n_parts > done.n_siblings else (),
                (part for part in siblings if part_id(part) not in overtaken),
            ),
            done.n_parts,
        )
        kept = chain((sibling.prediction for sibling in found.protected(grades)), done.overtaken)
        _print_kept(kept, found.n_protected(grades) + len(done.overtaken))
        for text in found.notes:
            print(text)


def _print_kept(parts: Iterable[Prediction], n_parts: int) -> None:
    for part in islice(parts, _MOST_LISTED):
        print(f"kept: {part.label} of {part_place(part)}, which has a manual label")
    if n_parts > _MOST_LISTED:
        print(f"kept: {n_parts - _MOST_LISTED} more")


def _print_corrected(journal: Journal, parts: Iterable[Prediction], n_parts: int) -> None:
    """``parts`` as they were before, with what they are now."""
    for part in islice(parts, _MOST_LISTED):
        series = journal.current_series(part.series_uid, part.study_uid)
        now = column_text([p for p in series if part_id(p) == part_id(part)])
        print(f"corrected: {part.label} of {part_place(part)} is now {now}")
    if n_parts > _MOST_LISTED:
        print(f"corrected: {n_parts - _MOST_LISTED} more, see 'journal show'")
