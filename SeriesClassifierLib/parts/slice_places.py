"""Which images of a series show the same slice.

Volumes of one series seldom lie on the very same millimeters: motion correction, table movement and rounding
shift them by a fraction of a slice. A place is therefore a cluster of positions, not a position.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from SeriesClassifierLib.parts.geometry import normal, orientations, position
from SeriesClassifierLib.records import Instance

# Of the distance between slices: images closer than this show one slice.
_SAME_SLICE = 0.4
# Clusters are narrower than these shares of the distance between slices.
_WIDEST = 0.75
_NARROW = 0.2
# Without any distance, images closer than this (mm) show one slice: rounding.
_ROUNDING = 0.05
# Shifted volumes: so many slices at least, not farther apart than this multiple of the stated distance, and
# with so much of their extent in common.
_FEWEST_SLICES = 3
_SAME_STEP = 1.5
_OVERLAP = 0.6


def slice_places(instances: Sequence[Instance]) -> list[int] | None:
    """For each image the number of its slice, the same for images of one slice; None when an image states no
    position.
    """
    places: dict[int, int] = {}
    order = {id(instance): index for index, instance in enumerate(instances)}
    for stack in orientations(instances):
        if normal(stack[0]) is None:
            return None
        positions = [position(instance) for instance in stack]
        if any(p is None for p in positions):
            return None
        first = len(set(places.values()))
        numbers = _clusters([p for p in positions if p is not None], _spacing(stack))
        for instance, number in zip(stack, numbers, strict=True):
            places[order[id(instance)]] = first + number
    return [places[index] for index in range(len(instances))]


def are_volumes(values: Sequence[object], instances: Sequence[Instance]) -> bool:
    """Whether the images of each value are a whole stack of the same region, each shifted against the one
    before: a patient who sinks into the table. Positions alone show no place that comes again.

    Two halves of one interleaved stack are none: their slices are farther apart than the header says.
    """
    counts = Counter(values)
    if len(counts) < 2 or max(counts.values()) < _FEWEST_SLICES:
        return False
    spacing = _spacing(instances)
    stacks: dict[object, list[float]] = defaultdict(list)
    for value, instance in zip(values, instances, strict=True):
        where = position(instance)
        if where is None:
            return False
        stacks[value].append(where)
    if not spacing or len(orientations(instances)) > 1:
        return False
    ordered = [sorted(stack) for stack in stacks.values()]
    most = max(map(len, ordered))
    if sum(2 * len(stack) < most for stack in ordered) > 1:
        return False
    whole = [stack for stack in ordered if 2 * len(stack) >= most]
    if len(whole) < 2 or any(_step(stack) > _SAME_STEP * spacing for stack in whole):
        return False
    first, last = max(stack[0] for stack in ordered), min(stack[-1] for stack in whole)
    return last - first >= _OVERLAP * max(stack[-1] - stack[0] for stack in whole)


def _step(stack: Sequence[float]) -> float:
    """The distance of neighboring slices of one sorted stack, without repeats."""
    gaps = [b - a for a, b in pairwise(stack)]
    return median(gaps) if min(gaps) > _ROUNDING else float("inf")


def _spacing(stack: Sequence[Instance]) -> float:
    """The distance between neighboring slices in mm, as far as the header states it; 0.0 when it does not.
    The smaller of two tags: of overlapping slices one is the thickness, of several slabs the other their
    distance.
    """
    stated = []
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        values = [v for v in (instance.number(keyword) for instance in stack) if v is not None and v > 0]
        stated += [median(values)] if values else []
    return min(stated, default=0.0)


def _clusters(positions: Sequence[float], spacing: float) -> list[int]:
    """For each position the number of its cluster. Clusters wide as slices mean that the stated spacing is
    wrong: then only rounding makes positions equal.
    """
    numbers, widest, nearest = _cut(positions, max(_ROUNDING, _SAME_SLICE * spacing))
    # A single cluster has no neighbor that would show how far slices are apart.
    room = min(_WIDEST * spacing, _WIDEST * nearest) if nearest else _NARROW * spacing
    return numbers if widest <= max(room, 2 * _ROUNDING) else _cut(positions, _ROUNDING)[0]


def _cut(positions: Sequence[float], tolerance: float) -> tuple[list[int], float, float]:
    """Positions cut wherever the next one is farther than ``tolerance``; the width of the widest piece, and
    the smallest gap between pieces (0.0 when there is one piece).
    """
    ordered = sorted(range(len(positions)), key=positions.__getitem__)
    numbers = [0] * len(positions)
    number, start, before, widest = 0, positions[ordered[0]], positions[ordered[0]], 0.0
    gaps = []
    for index in ordered:
        gap = positions[index] - before
        if gap > tolerance:
            number, start = number + 1, positions[index]
            gaps.append(gap)
        before = positions[index]
        widest = max(widest, before - start)
        numbers[index] = number
    return numbers, widest, min(gaps, default=0.0)
