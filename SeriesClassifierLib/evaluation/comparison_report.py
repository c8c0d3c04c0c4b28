"""What a new bundle would change, for people: one page that needs nothing else, and the same for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import Any

from SeriesClassifierLib.evaluation.flips import Change, Comparison, Flip
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.page import USE, environment, percent_text, png_only
from SeriesClassifierLib.publish.table import plain_text, row
from SeriesClassifierLib.records import Prediction

MOST_OF_A_KIND = 200
_WORDS: Mapping[Change, tuple[str, str, str]] = {
    Change.BREAKS: ("Breaks what a person said", "were right, are wrong now", "failed"),
    Change.FIXES: ("Fixes what a person put right", "were wrong, are right now", "auto"),
    Change.STILL_WRONG: ("Still wrong, in another way", "not what a person said", "review"),
    Change.NEW_UNKNOWN: ("New unknown: no answer any more", "had an answer, have none now", "unknown"),
    Change.NEW_ANSWER: ("New answer where there was none", "had no answer, have one now", "corrected"),
    Change.OTHER: ("Another answer, and no person has said which is right", "nobody said which is right", ""),
}
_TOLD = (Change.BREAKS, Change.FIXES, Change.STILL_WRONG)
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class _Group:
    """The flips of one kind; ``rows`` makes pictures when it is looked at."""

    change: str
    title: str
    meaning: str
    tone: str
    told: bool
    n: int
    more: int
    rows: Iterator[tuple[Flip, str]]


def verdict(comparison: Comparison) -> str:
    """Whether the new bundle does harm, in one line."""
    if not comparison.parts:
        return "No parts were compared."
    if not comparison.flips:
        return "Nothing changes: both give the same answers."
    if not comparison.labelled:
        return "No part has a label by a person: nothing here tells which of the two is right."
    counts = comparison.counts()
    broken, fixed = counts[Change.BREAKS.value], counts[Change.FIXES.value]
    breaks = f"{broken} {'label' if broken == 1 else 'labels'} that a person gave would break"
    fixes = f"{fixed or 'no'} {'correction is' if fixed == 1 else 'corrections are'} now right"
    return f"{breaks if broken else 'Nothing that a person said breaks'}; {fixes}."


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison of lists, texts and finite numbers: counts and every flip; no patient is in it."""
    return {
        "use": USE,
        "old": plain_text(comparison.old),
        "new": plain_text(comparison.new),
        "parts": comparison.parts,
        "labelled": comparison.labelled,
        "verdict": verdict(comparison),
        "counts": dict(comparison.counts()),
        "flips": [_flip_json(flip) for flip in comparison.flips],
    }


def write_comparison(
    path: str | PathLike[str],
    comparison: Comparison,
    thumbnail_of: Callable[[Prediction], str | None] | None = None,
) -> None:
    """Write the page: at most ``MOST_OF_A_KIND`` flips of each change. The same input gives the same bytes.

    ``thumbnail_of`` is asked for one picture at a time (``data:image/png;base64,...``, None where there is
    none); without it the page has no pictures. Raises UsageError or SeriesClassifierError when the file
    cannot be written.
    """
    pages = environment("SeriesClassifierLib.evaluation")
    pages.filters |= {"percent": percent_text, "plain": plain_text}
    stream = pages.get_template("comparison.html.j2").stream(
        title="What would change",
        use=USE,
        verdict=verdict(comparison),
        old=comparison.old,
        new=comparison.new,
        parts=comparison.parts,
        labelled=comparison.labelled,
        n_flips=len(comparison.flips),
        groups=[_group(change, comparison.flips, thumbnail_of) for change in Change],
        pictures=thumbnail_of is not None,
    )
    stream.enable_buffering(_CHUNK)
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(stream)


def _group(
    change: Change, flips: Sequence[Flip], thumbnail_of: Callable[[Prediction], str | None] | None
) -> _Group:
    of_kind = [flip for flip in flips if flip.change is change]
    title, meaning, tone = _WORDS[change]
    return _Group(
        change=change.value,
        title=title,
        meaning=meaning,
        tone=tone,
        told=change in _TOLD,
        n=len(of_kind),
        more=max(0, len(of_kind) - MOST_OF_A_KIND),
        rows=(
            (flip, png_only(thumbnail_of(flip.new)) if thumbnail_of is not None else "")
            for flip in islice(of_kind, MOST_OF_A_KIND)
        ),
    )


def _flip_json(flip: Flip) -> dict[str, Any]:
    old, new = row(flip.old), row(flip.new)
    common = ("part_key", "study_uid", "series_uid", "part", "series_number", "description")
    told = ("label", "sequence", "confidence", "status")
    return {
        **{name: new[name] for name in common},
        **{f"old_{name}": old[name] for name in told},
        **{f"new_{name}": new[name] for name in told},
        "human": plain_text(flip.human),
        "change": flip.change.value,
    }
