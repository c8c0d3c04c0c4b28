"""Which images of a series show the same slice.

Volumes of one series seldom lie on the very same millimeters: motion correction, table movement and rounding
shift them by a fraction of a slice. A place is therefore a cluster of positions, not a position.
"""

from __future__ import annotations

from collections.abc import Sequence
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
