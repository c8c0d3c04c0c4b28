"""What a new bundle would change: every label that flips, and whether that is good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from SeriesClassifierLib.records import UNKNOWN, Prediction


class Change(str, Enum):
    """What a flip means. The first two are against what a person said; the order is that of the report."""

    BREAKS = "breaks"
    FIXES = "fixes"
    STILL_WRONG = "still wrong"
    NEW_UNKNOWN = "new unknown"
    NEW_ANSWER = "new answer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Flip:
    """A part that two models label differently in ``sequence``; ``human`` is what a person said, or ""."""

    old: Prediction
    new: Prediction
    human: str
    change: Change


@dataclass(frozen=True)
class Comparison:
    """``flips`` in the order of ``Change``, then of the table; ``parts`` were compared, ``labelled`` of them
    have a human label.
    """

    old: str
    new: str
    parts: int
    labelled: int
    flips: tuple[Flip, ...]

    def counts(self) -> Mapping[str, int]:
        """Number of flips by change, zeros included."""
        found = {change.value: 0 for change in Change}
        for flip in self.flips:
            found[flip.change.value] += 1
        return found


def compare(
    old_name: str,
    new_name: str,
    pairs: Iterable[tuple[Prediction, Prediction]],
    human: Mapping[str, str],
) -> Comparison:
    """Compare predictions of the same parts by two models, ``pairs`` of (old, new).

    ``human`` maps part keys to the sequence that a person named.
    """
    flips: list[Flip] = []
    parts = labelled = 0
    for old, new in pairs:
        said = human.get(new.part_key, "")
        parts += 1
        labelled += bool(said)
        if old.sequence != new.sequence:
            flips.append(Flip(old, new, said, _change(old.sequence, new.sequence, said)))
    order = list(Change)
    return Comparison(
        old_name, new_name, parts, labelled, tuple(sorted(flips, key=lambda f: order.index(f.change)))
    )


def _change(old: str, new: str, human: str) -> Change:
    if human:
        if new == human:
            return Change.FIXES
        return Change.BREAKS if old == human else Change.STILL_WRONG
    if new == UNKNOWN:
        return Change.NEW_UNKNOWN
    return Change.NEW_ANSWER if old == UNKNOWN else Change.OTHER
