"""One repetition of a stack whose slices are there several times (a time series, diffusion directions)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from SeriesClassifierLib.records import Instance

# What may have one value throughout a repetition and another in the next.
_KEYWORDS = (
    *("TemporalPositionIdentifier", "AcquisitionDateTime", "AcquisitionTime", "TriggerTime"),
    *("AcquisitionNumber", "DiffusionBValue", "EchoTime"),
)


def first_repetition(images: Sequence[Instance], slices: Sequence[int]) -> list[int] | None:
    """The first repetition that has every slice.

    Parameters
    ----------
    images : in the order in which they are numbered
    slices : of each image, the number of its slice (``parts.slice_places``)

    Returns
    -------
    The indices of one image of each slice, in the order of slices; None where images are missing and no
    repetition is known to be complete: images of several repetitions are not mixed.
    """
    n_slices = len(set(slices))
    for keyword in _KEYWORDS if n_slices < len(images) else ():
        found = _first_complete([image.text(keyword) for image in images], slices)
        if found is not None:
            return found
    found = _first_complete([_block(image, n_slices) for image in images], slices)
    if found is None and len(set(Counter(slices).values())) == 1:
        # Nothing is missing, and numbers go through the times of a slice first.
        return _in_order({slices[k]: k for k in reversed(range(len(images)))}.values(), slices)
    return found


def _first_complete(values: Sequence[Hashable], slices: Sequence[int]) -> list[int] | None:
    """The first images of one value that are one image of every slice."""
    n_slices = len(set(slices))
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for k, value in enumerate(values):
        groups[value].append(k)
    for group in groups.values():
        if len(group) == n_slices == len({slices[k] for k in group}):
            return _in_order(group, slices)
    return None


def _block(image: Instance, n_slices: int) -> int | None:
    """The repetition by number, where numbers count all slices of one repetition after another from 1."""
    number = image.number("InstanceNumber")
    return None if number is None else int(number - 1 + image.frame) // n_slices


def _in_order(indices: Iterable[int], slices: Sequence[int]) -> list[int]:
    return sorted(indices, key=lambda k: slices[k])
