"""Split a series into parts: by patient, image kind, orientation, b-value, echo time and time point, in this
order.

A split must help a reader. So it is not made where it would cut a run into pieces that all get the same
label: the volumes of an EPI time series, the phases of a cine, the directions of a DTI, the planes of a
localizer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from SeriesClassifierLib.parts.diffusion import b_value, cluster
from SeriesClassifierLib.parts.geometry import normal, orientations, place_key
from SeriesClassifierLib.parts.image_kind import SPLITTING, image_kinds
from SeriesClassifierLib.parts.part_key import image_set, key_of
from SeriesClassifierLib.patients import is_placeholder, named_patients
from SeriesClassifierLib.records import Instance, Part, Series

# More b-values, echoes or time points than this are a sampling (multi-shell, T2 mapping, perfusion run), and
# no
# reader wants a row for each of them.
MOST_GROUPS = 12
# Fewer parallel slices than this in every orientation: a localizer, a radial or a long-axis set, kept
# together.
_STACK = 15


_Key = TypeVar("_Key", int, float, tuple[str, ...])


@dataclass(frozen=True)
class _Group:
    instances: tuple[Instance, ...]
    split_by: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    b_value: float | None = None
    time_index: int | None = None


def split(series: Series) -> tuple[Part, ...]:
    """The parts of a series, numbered from 1; () for a series without instances. The order of files has no
    influence.
    """
    if not series.instances:
        return ()
    groups = [_Group(series.instances)]
    for step in (_by_patient, _by_image_kind, _by_orientation, _by_b_value, _by_echo_time, _by_time):
        groups = [piece for group in groups for piece in step(group)]
    return tuple(_part(series, index, len(groups), group) for index, group in enumerate(groups, start=1))


def _part(series: Series, index: int, n_parts: int, group: _Group) -> Part:
    images = image_set(group.instances)
    return Part(
        series_uid=series.series_uid,
        index=index,
        n_parts=n_parts,
        instances=group.instances,
        b_value=group.b_value,
        time_index=group.time_index,
        split_by=group.split_by,
        values=group.values,
        key=key_of(series.study_uid, series.series_uid, group.values, images),
        images=images,
    )


def _pieces(
    group: _Group, axis: str, keys: Sequence[_Key], name: Callable[[_Key], str] = lambda key: f"{key}"
) -> list[_Group]:
    """The group cut by one key an instance, in the order of the keys; unchanged when the key is the same for
    all. ``name`` gives the value by which a piece is known ("TE=2.3").
    """
    different = sorted(set(keys))
    if len(different) < 2:
        return [group]
    return [
        replace(
            group,
            instances=tuple(i for i, key in zip(group.instances, keys, strict=True) if key == wanted),
            split_by=(*group.split_by, axis),
            values=(*group.values, name(wanted)),
        )
        for wanted in different
    ]


def _by_patient(group: _Group) -> list[_Group]:
    """Images of two patients never share a label; those that name nobody are kept apart from both."""
    ids = [i.text("PatientID").strip() for i in group.instances]
    patients = named_patients(ids)
    if len(patients) < 2:
        return [group]
    order = {name: place for place, name in enumerate(patients, start=1)}
    # By place and not by name: a key must not hold an identifier. The images tell the parts apart.
    keys = [0 if is_placeholder(name) else order[name] for name in ids]
    return _pieces(group, "patient", keys, lambda key: f"patient={key or 'unnamed'}")


def _by_image_kind(group: _Group) -> list[_Group]:
    keys = [tuple(sorted(image_kinds(i.tokens("ImageType")) & SPLITTING)) for i in group.instances]
    return _pieces(group, "image type", keys, lambda kinds: f"type={'+'.join(kinds) or 'plain'}")


def _by_orientation(group: _Group) -> list[_Group]:
    stacks = orientations(group.instances)
    if len(stacks) < 2 or min(len(stack) for stack in stacks) < _STACK:
        return [group]
    return [
        replace(
            group,
            instances=tuple(stack),
            split_by=(*group.split_by, "orientation"),
            values=(*group.values, f"normal={_direction(stack[0])}"),
        )
        for stack in stacks
    ]


def _direction(instance: Instance) -> str:
    """The slice normal in whole tenths, turned to one side: the same for every slice of a stack."""
    vector = normal(instance)
    if vector is None:
        return "none"
    sign = next((1 if v > 0 else -1 for v in vector if abs(v) >= 0.05), 1)
    return "/".join(f"{round(sign * v, 1) + 0.0:g}" for v in vector)


def _by_b_value(group: _Group) -> list[_Group]:
    found = [b_value(i) for i in group.instances]
    if not any(b is not None for b in found):
        return [group]
    values = [b.value if b is not None else 0.0 for b in found]
    centers = cluster(values)
    keys = [centers[value] for value in values]
    if len(set(keys)) > MOST_GROUPS:
        return [group]
    pieces = _pieces(group, "b-value", keys, lambda key: "")
    return [
        # A single b-value is part of what the images are, too: another one may come.
        replace(piece, b_value=key, values=(*group.values, f"b={key:g}"))
        for piece, key in zip(pieces, sorted(set(keys)), strict=True)
    ]


def _by_echo_time(group: _Group) -> list[_Group]:
    keys = [round(i.number("EchoTime") or 0.0, 1) for i in group.instances]
    counts = Counter(keys)
    # Echoes come in equal numbers; a few stray values are prescan or rounding and no echo of their own.
    if len(counts) > MOST_GROUPS or min(counts.values()) * 2 < max(counts.values()):
        return [group]
    return _pieces(group, "echo time", keys, lambda key: f"TE={key:g}")


def _by_time(group: _Group) -> list[_Group]:
    first = group.instances[0]
    if (
        group.b_value
        or "EP" in first.tokens("ScanningSequence")
        or (first.number("CardiacNumberOfImages") or 0) > 1
    ):
        return [group]
    ranks = time_ranks(group.instances)
    if ranks is None or not 1 <= max(ranks) < MOST_GROUPS:
        return [group]
    pieces = _pieces(group, "time", ranks, lambda rank: f"time={rank + 1}")
    return [replace(piece, time_index=index) for index, piece in enumerate(pieces)]


def time_ranks(instances: Sequence[Instance]) -> list[int] | None:
    """For each image, how many earlier ones there are of the same slice; None when slices do not repeat
    evenly.
    """
    places: dict[tuple[float, ...], list[int]] = {}
    for index, instance in enumerate(instances):
        key = place_key(instance)
        if key is None:
            return None
        places.setdefault(key, []).append(index)
    counts = Counter(len(members) for members in places.values())
    usual, n = counts.most_common(1)[0]
    if usual < 2 or n < 0.8 * len(places):
        return None
    ranks = [0] * len(instances)
    for members in places.values():
        for rank, index in enumerate(sorted(members, key=lambda i: _time_key(instances[i]))):
            ranks[index] = min(rank, usual - 1)
    return ranks


_TIME_READERS: tuple[Callable[[Instance], float | None], ...] = (
    lambda i: i.number("TemporalPositionIdentifier"),
    lambda i: seconds(i.text("AcquisitionDateTime")[8:]),
    lambda i: seconds(i.text("AcquisitionTime")),
    lambda i: i.number("TriggerTime"),
    lambda i: i.number("AcquisitionNumber"),
    lambda i: i.number("InstanceNumber"),
)


def _time_key(instance: Instance) -> tuple[float, ...]:
    values = (read(instance) for read in _TIME_READERS)
    return (*(v if v is not None else math.inf for v in values), float(instance.frame))


def seconds(time: str) -> float | None:
    """Seconds since midnight of a DICOM TM value (HHMMSS.FFFFFF, shortened forms allowed); None when it is
    none.

    >>> seconds("101530.5")
    36930.5
    """
    digits = time.replace(":", "").split("+")[0].split("-")[0].strip()
    whole, _, fraction = digits.partition(".")
    if not whole.isdigit() or len(whole) not in (2, 4, 6) or (fraction and not fraction.isdigit()):
        return None
    whole = whole.ljust(6, "0")
    return int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:6]) + float(f"0.{fraction or 0}")
