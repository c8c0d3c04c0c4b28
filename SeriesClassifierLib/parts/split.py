"""Split a series into parts: by patient, image kind, component, contrast, orientation and b-value; then by
whatever explains why slices are there several times (``axes``), and by time last, in this order.

A split must help a reader. So it is not made where it would cut a run into pieces that all get the same
label: the volumes of an EPI time series, the phases of a cine, the directions of a DTI, the planes of a
localizer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from SeriesClassifierLib.parts import axes
from SeriesClassifierLib.parts.axes import NUMBER_AXES, NumberAxis
from SeriesClassifierLib.parts.clocks import advances, clocks_of
from SeriesClassifierLib.parts.component import MAGNITUDE, component
from SeriesClassifierLib.parts.diffusion import b_value, cluster
from SeriesClassifierLib.parts.geometry import main_stacks, normal
from SeriesClassifierLib.parts.image_gate import refusal
from SeriesClassifierLib.parts.image_kind import COMPONENTS, SPLITTING, image_kinds
from SeriesClassifierLib.parts.part_key import image_set, key_of
from SeriesClassifierLib.parts.repetition import by_rank, by_value, in_passes, is_repeated, ranks_of
from SeriesClassifierLib.parts.slice_places import are_volumes, slice_places
from SeriesClassifierLib.patients import is_placeholder, named_patients
from SeriesClassifierLib.records import Instance, Part, Series

# More b-values, echoes or time points than this are a sampling (multi-shell, T2 mapping, perfusion run), and
# no reader wants a row for each of them.
MOST_GROUPS = 12
# Fewer parallel slices than this in every orientation: a localizer, a radial or a long-axis set, kept
# together.
_STACK = 15
# Time points are only seen where at least this share of the slices is there several times.
_REPEATED_IN_TIME = 1 / 3
# AcquisitionContrast (PS3.3 C.8.13.3.1.1) that names none.
_NO_CONTRAST = frozenset({"", "UNKNOWN", "MIXED"})

_Key = TypeVar("_Key", int, float, str, tuple[str, ...])


@dataclass(frozen=True)
class _Group:
    instances: tuple[Instance, ...]
    split_by: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    b_value: float | None = None
    time_index: int | None = None
    kept_together: str = ""


def split(series: Series) -> tuple[Part, ...]:
    """The parts of a series, numbered from 1; () for a series without instances. The order of files has no
    influence.
    """
    if not series.instances:
        return ()
    images, others = _by_object(_Group(series.instances))
    for step in _STEPS:
        images = [piece for group in images for piece in step(group)]
    groups = images + [piece for group in others for piece in _by_patient(group)]
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
        kept_together=group.kept_together,
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


def _by_object(group: _Group) -> tuple[list[_Group], list[_Group]]:
    """The MR images of a series, and what else is in it: one group of a kind. Images keep their key whether a
    screenshot joins them or not.
    """
    found = [refusal(instance) for instance in group.instances]
    kinds = sorted({one.kind.value for one in found if one})
    images = tuple(i for i, one in zip(group.instances, found, strict=True) if one is None)
    others = [
        replace(
            group,
            instances=tuple(
                i for i, one in zip(group.instances, found, strict=True) if one and one.kind.value == kind
            ),
            split_by=(axes.OBJECT,),
            values=(f"object={kind}",),
        )
        for kind in kinds
    ]
    if not images and len(others) == 1:
        return [], [group]  # a series of one kind of object is whole
    return ([replace(group, instances=images)] if images else []), others


def _by_patient(group: _Group) -> list[_Group]:
    """Images of two patients never share a label; those that name nobody are kept apart from both."""
    ids = [i.text("PatientID").strip() for i in group.instances]
    patients = named_patients(ids)
    if len(patients) < 2:
        return [group]
    order = {name: place for place, name in enumerate(patients, start=1)}
    # By place and not by name: a key must not hold an identifier. The images tell the parts apart.
    keys = [0 if is_placeholder(name) else order[name] for name in ids]
    return _pieces(group, axes.PATIENT, keys, lambda key: f"patient={key or 'unnamed'}")


def _by_image_kind(group: _Group) -> list[_Group]:
    splitting = SPLITTING - COMPONENTS
    keys = [tuple(sorted(image_kinds(i.tokens("ImageType")) & splitting)) for i in group.instances]
    return _pieces(group, axes.IMAGE_TYPE, keys, lambda kinds: f"type={'+'.join(kinds) or 'plain'}")


def _by_component(group: _Group) -> list[_Group]:
    stated = [component(instance)[0] for instance in group.instances]
    # Images that say nothing are magnitude images, as nearly all are.
    keys = [name or MAGNITUDE for name in stated]
    return _pieces(group, axes.COMPONENT, keys, lambda name: f"component={name}")


def _by_contrast(group: _Group) -> list[_Group]:
    """Images of several contrasts in one series or multi-frame object, wherever they lie."""
    keys = [next(iter(i.tokens("AcquisitionContrast")), "") for i in group.instances]
    # An image without diffusion weighting is T2 in name, and one of the diffusion series all the same.
    is_diffusion = "DIFFUSION" in keys and all("DiffusionBValue" in i.tags for i in group.instances)
    if is_diffusion or len(set(keys) - _NO_CONTRAST) < 2:
        return [group]
    named = [key if key not in _NO_CONTRAST else "" for key in keys]
    return _pieces(group, axes.CONTRAST, named, lambda key: f"contrast={key or 'unknown'}")


def _by_orientation(group: _Group) -> list[_Group]:
    stacks = main_stacks(group.instances)
    if len(stacks) < 2 or min(len(stack) for stack in stacks) < _STACK:
        return [group]
    members = [{id(instance) for instance in stack} for stack in stacks]
    # Stray slices go with the first stack: they are too few to be a part of their own.
    members[0] = {id(instance) for instance in group.instances} - set().union(*members[1:])
    return [
        replace(
            group,
            instances=tuple(i for i in group.instances if id(i) in some),
            split_by=(*group.split_by, axes.ORIENTATION),
            values=(*group.values, f"normal={_direction(stack[0])}"),
        )
        for some, stack in zip(members, stacks, strict=True)
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
    pieces = _pieces(group, axes.B_VALUE, keys, lambda key: "")
    return [
        # A single b-value is part of what the images are, too: another one may come.
        replace(piece, b_value=key, values=(*group.values, f"b={key:g}"))
        for piece, key in zip(pieces, sorted(set(keys)), strict=True)
    ]


def _by_number(axis: NumberAxis, group: _Group) -> list[_Group]:
    exact = axis.exact(group.instances)
    values = axis.one_of_close(exact)
    if len(set(values if axis.drifts else exact)) < 2:
        return [group]
    places = slice_places(group.instances)
    if places is not None and len(set(places)) < axis.least_slices:
        return [group]
    chosen = values if axis.drifts else exact
    keys = by_rank(exact, places) if axis.per_slice else by_value(chosen, places)
    keys = keys or by_value(values, places)
    if keys is None and are_volumes(chosen, group.instances):
        keys = chosen
    return _explained(group, axis.name, keys, axis.title) if keys is not None else [group]


def _by_preparation(group: _Group) -> list[_Group]:
    keys = axes.preparations(group.instances)
    if len(set(keys)) < 2:
        return [group]
    volumes = by_value(keys, slice_places(group.instances))
    return [group] if volumes is None else _explained(group, axes.PREPARATION, volumes, "prep={}".format)


def _by_setting(group: _Group) -> list[_Group]:
    """By what else the tags state of volumes, for those are no time points either."""
    if group.kept_together or group.b_value is not None or axes.has_directions(group.instances):
        return [group]
    differing = axes.settings(group.instances)
    places = slice_places(group.instances) if differing else None
    for tag, values in differing.items():
        keys = by_value(values, places) if places is not None else None
        if keys is not None:
            axis = axes.IMAGE_WORDS if tag == axes.IMAGE_WORDS else axes.SETTING
            symbol = "words" if tag == axes.IMAGE_WORDS else tag
            return _explained(group, axis, [f"{symbol}={key or 'none'}" for key in keys], str)
    return [group]


def _explained(
    group: _Group, axis: str, keys: Sequence[_Key], name: Callable[[_Key], str]
) -> list[_Group]:
    """The group cut by ``keys``, or left together where they are too many for a reader."""
    if len(set(keys)) > MOST_GROUPS:
        return [replace(group, kept_together=axis)]
    return _pieces(group, axis, keys, name)


def _by_time(group: _Group) -> list[_Group]:
    reason = _other_than_time(group)
    if reason is not None:
        return [replace(group, kept_together=group.kept_together or reason)]
    points = time_points(group.instances)
    if points is None or max(points) < 1:
        return [group]
    axis = _clock(group.instances, points)
    if axis == axes.CARDIAC_PHASE:
        return [replace(group, kept_together=axis)]
    if max(points) >= MOST_GROUPS:
        return [replace(group, kept_together=axis) if axis == axes.UNEXPLAINED else group]
    pieces = _pieces(group, axis, points, lambda number: f"{_SYMBOLS[axis]}={number + 1}")
    return [replace(piece, time_index=index) for index, piece in enumerate(pieces)]


_SYMBOLS = {axes.TIME: "time", axes.ACQUISITION: "acquisition", axes.UNEXPLAINED: "repeat"}


def _clock(instances: Sequence[Instance], points: Sequence[int]) -> str:
    """By what the time points are known: the axis of the first clock that advances from point to point."""
    clocks = clocks_of(instances)
    if any(advances(read, instances, points) for read in (clocks.position, clocks.date_time, clocks.time)):
        return axes.TIME
    if any(advances(read, instances, points) for read in (clocks.acquisition, clocks.content)):
        return axes.ACQUISITION
    if advances(clocks.trigger, instances, points):
        return axes.by_trigger_time(instances)
    return axes.UNEXPLAINED


def _other_than_time(group: _Group) -> str | None:
    """What explains that slices are there several times where it is not time, or no reader wants to see it:
    the name of an axis, "" for an EPI run. None where it may be time.
    """
    if group.kept_together:
        return group.kept_together
    if group.b_value is not None or axes.has_directions(group.instances):
        return axes.DIRECTION
    if axes.has_cardiac_phases(group.instances):
        return axes.CARDIAC_PHASE
    return "" if "EP" in group.instances[0].tokens("ScanningSequence") else None


def time_points(instances: Sequence[Instance]) -> list[int] | None:
    """For each image the number of its time point, from 0; None when slices are not there several times."""
    places = slice_places(instances)
    if places is None:
        return None
    clocks = clocks_of(instances)
    comes_again = is_repeated(places, _REPEATED_IN_TIME)
    # What stays the same throughout a volume.
    for read in (clocks.position, clocks.date_time, clocks.time, clocks.acquisition):
        found = [read(instance) for instance in instances]
        values = [v for v in found if v is not None]
        if len(values) < len(found) or len(set(values)) < 2:
            continue
        volumes = by_value(values, places) if comes_again else None
        if volumes is None and not comes_again and are_volumes(values, instances):
            volumes = values
        if volumes is not None and not _is_repeated_within(volumes, places):
            order = {value: number for number, value in enumerate(sorted(set(volumes)))}
            return [order[value] for value in volumes]
    if not comes_again:
        return None

    def order_of(index: int) -> tuple[float, ...]:
        values = (read(instances[index]) for read in clocks.in_order())
        return (*(v if v is not None else math.inf for v in values), float(instances[index].frame))

    return in_passes(places, order_of) or ranks_of(places, order_of)


def _is_repeated_within(volumes: Sequence[float], places: Sequence[int]) -> bool:
    """Whether slices are still there several times within a volume."""
    return len(set(zip(volumes, places, strict=True))) < 0.95 * len(places)


_STEPS: tuple[Callable[[_Group], list[_Group]], ...] = (
    _by_patient,
    _by_image_kind,
    _by_component,
    _by_contrast,
    _by_orientation,
    _by_b_value,
    *(partial(_by_number, axis) for axis in NUMBER_AXES),
    _by_preparation,
    _by_setting,
    _by_time,
)
