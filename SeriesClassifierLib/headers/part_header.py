"""The header of a part as one record: the tags of its middle image and what only all its images together
tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from SeriesClassifierLib.headers.tokens import vendor
from SeriesClassifierLib.parts.axes import (
    CARDIAC_PHASE,
    COMPONENT,
    ECHO_TIME,
    NOT_TIME,
    UNEXPLAINED,
)
from SeriesClassifierLib.parts.clocks import seconds
from SeriesClassifierLib.parts.diffusion import b_value, is_calculated
from SeriesClassifierLib.parts.geometry import main_stacks, normal, place_key, plane_and_tilt, position
from SeriesClassifierLib.records import Instance, Part, Series, TagValue


@dataclass(frozen=True, slots=True)
class PartHeader:
    """Counts are of the part unless they say ``series_``. Lengths in mm, angles in degrees, times in s, b in
    s/mm2.

    ``planes`` holds the nearest plane of every orientation, without repeats; () when the orientation is not
    known. ``largest_pixel`` is the largest LargestImagePixelValue. ``told_apart_by`` names what, other than
    time, explains that the series has its slices several times ("inversion time"), "" where nothing does;
    ``volumes`` is how many volumes it tells apart. ``is_unexplained``: slices are there several times, and
    nothing says why. None means: the file does not say.
    """

    tags: Mapping[str, TagValue]
    n_instances: int = 1
    n_positions: int = 1
    n_orientations: int = 1
    planes: tuple[str, ...] = ()
    tilt: float | None = None
    extent: float | None = None
    b_value: float | None = None
    b_source: str = ""
    calculated: str = ""
    largest_pixel: float | None = None
    series_b_values: int = 0
    series_echoes: int = 1
    series_times: int = 1
    time_index: int | None = None
    since_contrast: float | None = None
    told_apart_by: str = ""
    volumes: int = 1
    is_unexplained: bool = False

    @property
    def instance(self) -> Instance:
        """The tags as an Instance, for its typed readers."""
        return Instance("", 0, self.tags)

    @property
    def vendor(self) -> str:
        """The vendor in one spelling; "" when unknown."""
        return vendor(self.instance.text("Manufacturer"))


def part_header(part: Part, siblings: Sequence[Part]) -> PartHeader:
    """The header of ``part``; ``siblings`` are all parts of its series, itself included."""
    instances = part.instances
    middle = instances[len(instances) // 2]
    normals = [
        vector for vector in (normal(stack[0]) for stack in main_stacks(instances)) if vector is not None
    ]
    planes = [plane_and_tilt(vector) for vector in normals]
    keys = {key for key in (place_key(i) for i in instances) if key is not None}
    places = [p for p in (position(i) for i in instances) if p is not None]
    n_positions = len(keys) or len(instances)
    found = b_value(middle)
    axis = _told_apart_by(part, siblings)
    pixels = [v for v in (i.number("LargestImagePixelValue") for i in instances) if v is not None]
    return PartHeader(
        tags=middle.tags,
        n_instances=len(instances),
        n_positions=n_positions,
        n_orientations=max(1, len(normals)),
        planes=tuple(dict.fromkeys(name for name, _ in planes)),
        tilt=planes[0][1] if len(planes) == 1 else None,
        extent=max(places) - min(places) if len(normals) == 1 and len(places) > 1 else None,
        b_value=part.b_value if part.b_value is not None else (found.value if found else None),
        b_source=found.source if found else "",
        calculated=is_calculated(middle),
        largest_pixel=max(pixels) if pixels else None,
        series_b_values=len({p.b_value for p in siblings if p.b_value is not None}),
        series_echoes=_count(siblings, "EchoTime"),
        series_times=_times(part, siblings, len(instances) / n_positions),
        time_index=part.time_index,
        since_contrast=_since_contrast(instances[0]),
        told_apart_by=axis,
        volumes=_volumes(axis, part, siblings, len(instances) / n_positions),
        is_unexplained=UNEXPLAINED in (part.kept_together, *part.split_by),
    )


def series_headers(series: Series, parts: Sequence[Part]) -> tuple[PartHeader, ...]:
    """One PartHeader a part of ``series``, in their order."""
    return tuple(part_header(part, parts) for part in parts if part.series_uid == series.series_uid)


def _count(parts: Sequence[Part], keyword: str) -> int:
    values = {round(v, 1) for v in (p.instances[0].number(keyword) for p in parts) if v is not None}
    return max(1, len(values))


def _times(part: Part, siblings: Sequence[Part], volumes: float) -> int:
    """Time points of the series: as split into parts, or images a slice when they were left together."""
    if part.time_index is not None:
        return len({p.time_index for p in siblings if p.time_index is not None})
    if part.kept_together in _EXPLAINED - {CARDIAC_PHASE}:
        return 1
    return max(1, round(volumes))


# Many echoes are those of a relaxation map; two or three of them may be those of a dynamic.
_EXPLAINED = NOT_TIME | {ECHO_TIME}
_MANY_ECHOES = 4
_FEWEST_OF_A_DYNAMIC = 3


def _told_apart_by(part: Part, siblings: Sequence[Part]) -> str:
    """The axis along which the volumes of the series differ where it is not time. The dynamic that follows a
    flip angle mapping in one series is not one of such volumes: of all of them it alone repeats.
    """
    if part.kept_together in _EXPLAINED:
        return part.kept_together
    axis = next((axis for axis in part.split_by if axis in _EXPLAINED), "")
    groups: dict[str, list[Part]] = {}
    for sibling in siblings:
        if axis in sibling.split_by:
            groups.setdefault(sibling.values[_place_of_value(sibling, axis)], []).append(sibling)
    if axis == ECHO_TIME and len(groups) < _MANY_ECHOES:
        return next((axis for axis in part.split_by if axis in NOT_TIME), "")
    repeats = {value: sum(map(_n_volumes, parts)) for value, parts in groups.items()}
    own = repeats.get(part.values[_place_of_value(part, axis)], 1) if axis else 1
    is_dynamic = own >= _FEWEST_OF_A_DYNAMIC and sum(n > 1 for n in repeats.values()) == 1
    return "" if is_dynamic else axis


def _place_of_value(part: Part, axis: str) -> int:
    """Where ``part.values`` has the value of an axis of its split. A single b-value stands there without one,
    behind that of the component.
    """
    index = part.split_by.index(axis)
    return index if axis == COMPONENT else index - len(part.split_by) + len(part.values)


def _n_volumes(part: Part) -> int:
    keys = {key for key in (place_key(i) for i in part.instances) if key is not None}
    return max(1, round(len(part.instances) / (len(keys) or len(part.instances))))


def _volumes(axis: str, part: Part, siblings: Sequence[Part], volumes: float) -> int:
    """How many volumes of the series ``axis`` tells apart, this one included."""
    if not axis:
        return 1
    return max(1, round(volumes)) if part.kept_together else sum(axis in p.split_by for p in siblings)


def _since_contrast(instance: Instance) -> float | None:
    start = seconds(instance.text("ContrastBolusStartTime"))
    time = seconds(instance.text("AcquisitionTime"))
    if start is None or time is None or not 0 <= time - start <= 4 * 3600:
        return None
    return time - start
