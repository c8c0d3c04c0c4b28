"""Where the slices of a simulated series lie in a body."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from SeriesClassifierLib.simulation.draws import chance
from SeriesClassifierLib.simulation.stack import Stack

if TYPE_CHECKING:
    from SeriesClassifierLib.simulation.headers import SimulatedPart

Floats = NDArray[np.float32]
# Image axes (along a row, down a column) and the direction in which slices follow each other, in LPS.
_AXES = {
    "AX": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "COR": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "SAG": ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
}
# Where sites image part of a body on purpose, the field of view does not grow to the whole of it.
_WHOLE = frozenset({"brain", "abdomen", "chest", "cardiac", "breast", "head_neck", "whole_body"})
_DETAIL = {"head_neck": 0.55, "cardiac": 0.7, "breast": 0.75, "chest": 0.85, "abdomen": 0.88, "brain": 0.98}


class BodyLike(Protocol):
    """What pictures need of a body (see ``anatomy``): mm, LPS."""

    @property
    def region(self) -> str: ...

    @property
    def center(self) -> ArrayLike: ...

    @property
    def size(self) -> ArrayLike: ...

    def labels(self, points: Floats) -> NDArray[np.uint8]:
        """Index into tissues.NAMES at ``points`` (..., 3)."""
        ...

    def texture(self, points: Floats) -> Floats:
        """Structure at ``points`` (..., 3), zero mean and unit variance."""
        ...


@dataclass(frozen=True)
class View:
    """A stack in space: ``center`` and lengths in mm, angles in degrees.

    ``height`` and ``width`` are the field of view down the columns and along the rows; ``turn`` rotates in
    the plane, ``spread`` is the angle that the orientations of a radial stack cover.
    """

    center: tuple[float, float, float]
    height: float
    width: float
    gap: float
    tilt: float = 0.0
    turn: float = 0.0
    spread: float = 120.0


def draw_view(rng: np.random.Generator, part: SimulatedPart, body: BodyLike) -> View:
    """Where a technician puts the stack of ``part``: on the organ, its field of view fitted to the body."""
    stack, size = part.stack, np.asarray(body.size, np.float64)
    plane = stack.planes[0] if stack.planes and stack.planes[0] in _AXES else "AX"
    row, column, normal = (np.abs(np.array(axis, float)) for axis in _AXES[plane])
    width, height = stack.pixel * stack.columns, stack.pixel * stack.rows
    across, down, depth = (float(size @ axis) for axis in (row, column, normal))
    if part.region in _WHOLE:
        least = _DETAIL.get(part.region, 0.9) * rng.uniform(0.95, 1.25) * across
        if plane != "AX" and part.region == "brain":
            least = max(least, 0.8 * down)
        factor = max(1.0, least / width)
        if plane == "AX":
            factor = max(factor, 0.9 * _DETAIL.get(part.region, 0.9) * down / height)
        width, height = width * factor, height * factor
    # Most technicians fill the picture; a reference scan or a lazy one leaves air around the body.
    most = max(across, down) * (rng.uniform(0.98, 1.2) if chance(rng, 0.75) else rng.uniform(1.2, 1.7))
    if max(width, height) > most and part.protocol.technique != "CALIBRATION":
        width, height = (v * most / max(width, height) for v in (width, height))
    positions = max(1, stack.mosaic_slices or stack.positions)
    per_plane = max(1, positions // max(1, len(stack.planes), stack.orientations))
    coverage = 0.98 * depth if part.region != "prostate" else 110.0
    if plane == "AX" and part.region in ("spine", "extremity", "whole_body"):
        coverage = 0.8 * depth
    gap = min(stack.gap, coverage / per_plane)
    free = max(0.0, coverage - gap * per_plane)
    shift = np.array([rng.normal(0, 0.02 * across), rng.normal(0, 0.02 * down), 0.0])
    # Few slices lie anywhere in the organ, many around its middle.
    along = rng.uniform(-0.4, 0.4) * free if chance(rng, 0.7) else rng.normal(0, 0.08) * free
    axes = np.array(_AXES[plane], float)
    center = np.asarray(body.center, float) + shift @ np.stack([axes[0], axes[1], axes[2]]) + along * axes[2]
    tilt = stack.tilt * (1 if chance(rng, 0.5) else -1)
    if part.region not in ("brain", "head_neck"):
        tilt = max(-15.0, min(15.0, tilt))
    return View(
        (float(center[0]), float(center[1]), float(center[2])),
        height,
        width,
        gap,
        tilt,
        float(rng.normal(0, 2.5)),
        float(rng.uniform(40, 170)),
    )


def axes_of(stack: Stack, view: View, index: int) -> tuple[Floats, Floats, Floats, float]:
    """Row, column and normal direction of slice ``index``, and its place along the normal in mm."""
    count = max(1, stack.mosaic_slices or stack.positions)
    planes = [p for p in stack.planes if p in _AXES] or ["AX"]
    groups = max(len(planes), stack.orientations if len(planes) == 1 else len(planes))
    groups = min(groups, count)
    group = min(index * groups // count, groups - 1)
    first, last = -(-group * count // groups), -(-(group + 1) * count // groups)
    plane = planes[group % len(planes)]
    row, column, normal = (np.array(axis, float) for axis in _AXES[plane])
    tilt = _rotation(2 if plane == "SAG" else 0, view.tilt)
    if len(planes) == 1 and groups > 1:  # a radial stack turns about the long axis of the body
        tilt = _rotation(2, (group / (groups - 1) - 0.5) * view.spread) @ tilt
    row, column, normal = tilt @ row, tilt @ column, tilt @ normal
    c, s = math.cos(math.radians(view.turn)), math.sin(math.radians(view.turn))
    row, column = c * row + s * column, c * column - s * row
    place = (index - (first + last - 1) / 2) * view.gap
    return row.astype(np.float32), column.astype(np.float32), normal.astype(np.float32), float(place)


def _rotation(axis: int, degrees: float) -> NDArray[np.float64]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = ((1, 2), (0, 2), (0, 1))[axis]
    out = np.eye(3)
    out[i, i], out[i, j], out[j, i], out[j, j] = c, -s, s, c
    return out


def slice_points(
    stack: Stack, view: View, index: int, rows: int, columns: int, *, depth: float = 0.0, dither: float = 0.0
) -> Floats:
    """The places (rows, columns, 3) in mm, LPS, of the pixels of slice ``index``.

    ``depth`` moves them along the normal; ``dither`` spreads neighboring pixels over so many mm around it,
    which a blur turns into the mean through a thick slice.
    """
    row, column, normal, place = axes_of(stack, view, index)
    u = ((np.arange(columns, dtype=np.float32) + 0.5) / columns - 0.5) * np.float32(view.width)
    v = ((np.arange(rows, dtype=np.float32) + 0.5) / rows - 0.5) * np.float32(view.height)
    origin = np.array(view.center, np.float32) + normal * np.float32(place + depth)
    points = np.empty((rows, columns, 3), np.float32)
    for k in range(3):
        points[..., k] = (origin[k] + v * column[k])[:, None] + u * row[k]
    if dither:
        shift = normal * np.float32(dither / 8)
        points[::2, ::2] += 3 * shift
        points[1::2, 1::2] += shift
        points[::2, 1::2] -= shift
        points[1::2, ::2] -= 3 * shift
    return points
