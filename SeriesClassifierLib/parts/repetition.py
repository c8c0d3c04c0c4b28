"""Which values of a tag tell the volumes of a series apart, where the same slices are there several times.

Files may be missing, the last volume may have stopped early, and a few images may have a value of their own:
none of these hides the volumes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import median
from typing import TypeVar

Value = TypeVar("Value", float, str)

# A value that holds this share of the slices is a whole volume.
_WHOLE = 0.5
# Whole volumes hold at least this share of the images, else the values do not come again.
_MOST = 0.5
# A volume that stopped early has at least so many images, all but a few of them of slices that others have.
_LEAST_IMAGES = 2
_REPEATED = 0.8
# Slices at which values rank the images agree on the number of images at least in this share of them.
_EVEN = 0.8


# So many slices must have an image of every volume, and the others may lack so few, for ranks to show which
# volume an image belongs to.
_COMPLETE = 1 / 3
_MOST_MISSING = 2
# Of more volumes there are too many ways in which an image may be missing.
_FEW_VOLUMES = 40


def by_value(values: Sequence[Value], places: Sequence[int] | None) -> list[Value] | None:
    """For each image the value of its volume; None when the values do not explain why slices are there
    several times.

    Parameters
    ----------
    values : of each image, rounded so that equal ones are equal
    places : of each image, the number of its slice (``slice_places``); None when that is not known
    """
    if places is None:
        # Without places only equal numbers of images show that these are volumes.
        numbers = sorted(Counter(values).values())
        # Of three and more the last may have stopped early.
        smallest = numbers[1] if len(numbers) > 2 else numbers[0]
        return list(values) if len(numbers) > 1 and 2 * smallest >= numbers[-1] else None
    slices: dict[Value, set[int]] = defaultdict(set)
    images = Counter(values)
    for value, place in zip(values, places, strict=True):
        slices[value].add(place)
    n_slices = len(set(places))
    whole: list[Value] = [value for value, there in slices.items() if len(there) >= _WHOLE * n_slices]
    if not whole or sum(images[value] for value in whole) < _MOST * len(values):
        return None
    shared = set.union(*(slices[value] for value in whole))
    early: list[Value] = [
        value
        for value, there in slices.items()
        if value not in whole
        and len(there) >= _LEAST_IMAGES
        and len(there & shared) >= _REPEATED * len(there)
    ]
    volumes = frozenset(whole) | frozenset(early)
    if len(volumes) < 2 or not _same_slices(whole, early, slices):
        return None
    return [value if value in volumes else _nearest(value, whole) for value in values]


def _same_slices(whole: Sequence[Value], early: Sequence[Value], slices: dict[Value, set[int]]) -> bool:
    """Whether the volumes are volumes of the same slices; two halves of one stack are not."""
    if len(whole) < 2:
        return bool(early)
    shared = Counter(place for value in whole for place in slices[value])
    return sum(n > 1 for n in shared.values()) >= _WHOLE * len(shared)


def _nearest(value: Value, volumes: Sequence[Value]) -> Value:
    """The volume for an image that has a value of its own."""
    if isinstance(value, str):
        return volumes[0]
    return min(volumes, key=lambda volume: (abs(float(volume) - float(value)), volume))


def by_rank(values: Sequence[float], places: Sequence[int] | None) -> list[float] | None:
    """As ``by_value``, for values that differ a little from slice to slice (inversion times of a beating
    heart): the smallest of every slice make the first volume, and so on. Volumes have the median value.
    """
    if places is None or len(set(zip(places, values, strict=True))) < len(values):
        return None
    of_slice: dict[int, list[float]] = defaultdict(list)
    for place, value in zip(places, values, strict=True):
        of_slice[place].append(value)
    counts = Counter(map(len, of_slice.values()))
    n_volumes = max((n for n, slices in counts.items() if slices >= _COMPLETE * len(of_slice)), default=1)
    missing = n_volumes - min(counts)
    if n_volumes < 2 or missing > (_MOST_MISSING if n_volumes <= _FEW_VOLUMES else 0):
        return None
    # Slices that lack an image do not show which one; the others do.
    complete = [sorted(some) for some in of_slice.values() if len(some) == n_volumes]
    volumes = [median(ranked) for ranked in zip(*complete, strict=True)]
    if len(set(volumes)) < n_volumes:
        return None
    ranked = {place: _nearest_in_order(sorted(some), volumes) for place, some in of_slice.items()}
    of_volume: dict[float, list[float]] = defaultdict(list)
    for place, value in zip(places, values, strict=True):
        of_volume[ranked[place][value]].append(value)
    return [median(of_volume[ranked[place][value]]) for place, value in zip(places, values, strict=True)]


def _nearest_in_order(values: Sequence[float], volumes: Sequence[float]) -> dict[float, float]:
    """Ascending values of one slice -> volumes, each at most once, in order, as near as possible."""
    if len(values) > len(volumes):
        return {value: min(volumes, key=lambda volume: abs(volume - value)) for value in values}
    chosen = min(
        combinations(volumes, len(values)),
        key=lambda some: sum(abs(v - w) for v, w in zip(values, some, strict=True)),
    )
    return dict(zip(values, chosen, strict=True))


def ranks_of(places: Sequence[int], order: Callable[[int], object]) -> list[int] | None:
    """For each image how many images of its slice come before it; ``order`` gives the sort key of an image by
    its index. None when the slices do not have the same number of images, or only one.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(places):
        members[place].append(index)
    usual, n = Counter(len(some) for some in members.values()).most_common(1)[0]
    if usual < 2 or n < _EVEN * len(members):
        return None
    ranks = [0] * len(places)
    for some in members.values():
        for rank, index in enumerate(sorted(some, key=order)):  # type: ignore[arg-type]
            ranks[index] = min(rank, usual - 1)
    return ranks


def in_passes(places: Sequence[int], order: Callable[[int], object]) -> list[int] | None:
    """For each image the number of the pass through the slices that it belongs to, in the order of ``order``:
    a new pass begins where a slice comes again. None when the images were not taken pass by pass.
    """
    passes = [0] * len(places)
    current: set[int] = set()
    sizes = [0]
    for index in sorted(range(len(places)), key=order):  # type: ignore[arg-type]
        if places[index] in current:
            current = set()
            sizes.append(0)
        current.add(places[index])
        sizes[-1] += 1
        passes[index] = len(sizes) - 1
    most = max(Counter(places).values())
    whole = sum(size >= _WHOLE * len(set(places)) for size in sizes)
    # The last pass may have stopped early; more passes than images of a slice mean another order.
    return passes if len(sizes) == most and whole >= len(sizes) - 1 else None


def is_repeated(places: Sequence[int], least: float) -> bool:
    """Whether at least the share ``least`` of the slices is there more than once."""
    counts = Counter(places)
    return sum(n > 1 for n in counts.values()) >= max(1.0, least * len(counts))
