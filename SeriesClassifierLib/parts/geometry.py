"""Where slices lie: normals, planes and positions from Image Orientation and Position (Patient) (PS3.3
C.7.6.2).

Vectors are in the patient system (x to the left, y to the back, z to the head), positions in millimeters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from SeriesClassifierLib.records import Instance

# Orientations that hold at most this share of the images, all together, are stray slices.
_STRAY = 0.2
# Fewer parallel images than this are a localizer, where every image counts.
_FEWEST = 5
Vector = tuple[float, float, float]
_AXES = (("SAG", 0), ("COR", 1), ("AX", 2))
# DESIGN: OBL only when every axis is more than 40 degrees away.
OBLIQUE_FROM_DEGREES = 40.0
# Two normals closer than this are one orientation: rounding and small corrections by the scanner stay below
# it.
_SAME_ORIENTATION = math.cos(math.radians(5.0))


def normal(instance: Instance) -> Vector | None:
    """Unit slice normal, or None when ImageOrientationPatient is missing or no orientation."""
    return _normal(instance.numbers("ImageOrientationPatient"))


@lru_cache(maxsize=4096)
def _normal(direction: tuple[float, ...]) -> Vector | None:
    if len(direction) != 6 or any(abs(v) > 2 for v in direction):
        return None
    rx, ry, rz, cx, cy, cz = direction
    cross = (ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx)
    length = math.sqrt(sum(v * v for v in cross))
    if length < 0.5:
        return None
    return (cross[0] / length, cross[1] / length, cross[2] / length)


def plane_and_tilt(vector: Vector) -> tuple[str, float]:
    """The anatomical plane whose axis is nearest to a slice normal, and the angle between them in degrees."""
    name, index = max(_AXES, key=lambda axis: abs(vector[axis[1]]))
    tilt = math.degrees(math.acos(min(1.0, abs(vector[index]))))
    return (name if tilt <= OBLIQUE_FROM_DEGREES else "OBL", tilt)


def orientations(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Instances grouped by orientation, in order of first appearance; those without orientation form one
    group.
    """
    groups: list[tuple[Vector | None, list[Instance]]] = []
    for instance in instances:
        vector = normal(instance)
        for known, members in groups:
            if _same(known, vector):
                members.append(instance)
                break
        else:
            groups.append((vector, [instance]))
    return [members for _, members in groups]


def main_stacks(instances: Sequence[Instance]) -> list[list[Instance]]:
    """``orientations`` without stray slices: few images turned another way than nearly all others."""
    stacks = orientations(instances)
    large = [stack for stack in stacks if len(stack) > _STRAY * len(instances)]
    few = len(instances) - sum(map(len, large)) <= _STRAY * len(instances)
    return large if few and all(len(stack) >= _FEWEST for stack in large) else stacks


def _same(a: Vector | None, b: Vector | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) >= _SAME_ORIENTATION


def position(instance: Instance) -> float | None:
    """Distance of the slice from the origin along its normal in mm, or None."""
    vector = normal(instance)
    place = instance.numbers("ImagePositionPatient")
    if vector is None or len(place) != 3:
        return None
    return sum(v * p for v, p in zip(vector, place, strict=True))


def place_key(instance: Instance) -> tuple[float, ...] | None:
    """Equal for images of the same slice: position and orientation rounded to what a scanner repeats. None if
    unknown.
    """
    place = instance.numbers("ImagePositionPatient")
    direction = instance.numbers("ImageOrientationPatient")
    if len(place) != 3:
        return None
    return tuple(round(v, 1) for v in place) + tuple(round(v, 2) for v in direction)


def in_slice_order(instances: Sequence[Instance]) -> list[Instance]:
    """Instances sorted along the slice normal; the given order stays where a position is unknown."""
    placed = [(position(i), n, i) for n, i in enumerate(instances)]
    if any(p is None for p, _, _ in placed):
        return list(instances)
    return [i for _, _, i in sorted(placed, key=lambda item: (item[0], item[1]))]
