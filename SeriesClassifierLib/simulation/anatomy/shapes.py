"""Implicit shapes painted one over another: how an anatomy is written down and how it is evaluated.

Coordinates are mm in LPS: x to the left, y to the back, z to the head. A ``Plan`` collects what is painted,
in order; a ``Painting`` is the finished list and answers for any set of points. Speed comes from three
things: the points are cut into small tiles and a shape looks only at the tiles that its box touches; every
shape is a matrix product with the same rows (x, y, z, their squares, 1 and three noises); and noises are
looked up in a lattice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.tissues import NAMES

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Vector = tuple[float, float, float]
Layer = tuple[float, str]
Knot = tuple[float, float, float, float]
Cut = tuple[Vector, float]

# Rows of the table that shapes multiply with: x, y, z, 1, coarse and fine noise, x2, y2, z2, xy, xz, yz.
ROWS = 12
ONE = 3
NOISE = slice(4, 6)
SQUARES = slice(6, 9)
MIXED = slice(9, 12)
LINEAR = 6  # so many of them for a shape that needs no squares
NOISE_LIMIT = 2.5
_SIDE, _WAVES = 128, 5.0
_SURFACE_WAVES = (3.0, 9.5)
PIECE = 8
FAR = 4000.0


@lru_cache(maxsize=4)
def _lattice(side: int, waves: float) -> Floats:
    """Smooth noise of unit variance in a periodic cube, flattened; about ``waves`` from side to side."""
    rng = np.random.default_rng(20)
    spectrum = np.fft.rfftn(rng.normal(size=(side,) * 3).astype(np.float32))
    full = np.fft.fftfreq(side, 1 / side)
    half = np.fft.rfftfreq(side, 1 / side)
    radius = np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + half**2)
    spectrum *= np.exp(-0.5 * ((radius - waves) / (0.25 * waves)) ** 2)
    noise = np.fft.irfftn(spectrum, s=(side,) * 3, axes=(0, 1, 2))
    noise /= noise.std()
    return np.ascontiguousarray(np.clip(noise, -NOISE_LIMIT, NOISE_LIMIT).ravel(), np.float32)


@lru_cache(maxsize=1)
def _surface_lattice() -> Floats:
    """Coarse and fine noise (n, 2) side by side, so that one look finds both."""
    return np.stack([_lattice(64, waves) for waves in _SURFACE_WAVES], 1)


def _places(matrix: Floats, offset: Floats, points: Floats, side: int) -> NDArray[np.int32]:
    """Where ``points`` (3, n) fall in a periodic cube, flattened."""
    place = matrix @ points
    place += offset
    steps = place.astype(np.int32)
    steps &= side - 1
    index: NDArray[np.int32] = steps[0] * side
    index += steps[1]
    index *= side
    index += steps[2]
    return index


@dataclass(frozen=True, eq=False)
class Noise:
    """Smooth noise, looked up in steps of a 25th of a wave: zero mean, unit variance, bounded by 2.5."""

    matrix: Floats
    offset: Floats

    def at(self, points: Floats) -> Floats:
        """The noise (n,) at ``points`` (3, n)."""
        index = _places(self.matrix, self.offset, points, _SIDE)
        return np.asarray(_lattice(_SIDE, _WAVES).take(index), np.float32)


@dataclass(frozen=True, eq=False)
class SurfaceNoise:
    """The coarse and the fine noise on surfaces, in steps of about a millimeter."""

    matrix: Floats
    offset: Floats

    def at(self, points: Floats) -> Floats:
        """Both noises (2, n) at ``points`` (3, n)."""
        index = _places(self.matrix, self.offset, points, 64)
        return np.asarray(_surface_lattice().take(index, axis=0).T, np.float32)


def draw_noise(rng: np.random.Generator, wavelength: float) -> Noise:
    """Noise of about ``wavelength`` mm, turned and placed at random."""
    return Noise(*_draw_frame(rng, _SIDE / _WAVES / wavelength, _SIDE))


def draw_surface_noise(rng: np.random.Generator) -> SurfaceNoise:
    """Noises of 38 and 12 mm, turned and placed at random."""
    return SurfaceNoise(*_draw_frame(rng, 64 / _SURFACE_WAVES[0] / 38, 64))


def _draw_frame(rng: np.random.Generator, scale: float, side: int) -> tuple[Floats, Floats]:
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    # The offset keeps all indices positive, so that the cast rounds down everywhere.
    offset = rng.uniform(0, side, (3, 1)) + 128 * side
    return np.asarray(turn * scale, np.float32), np.asarray(offset, np.float32)


@dataclass(frozen=True, eq=False)
class Ripple:
    """Smooth noise as a sum of plane waves: no steps at all, for what shows as a thin line."""

    waves: Floats
    phases: Floats

    def at(self, points: Floats) -> Floats:
        """The noise (n,) at ``points`` (3, n)."""
        angles = self.waves @ points
        angles += self.phases
        np.sin(angles, out=angles)
        return np.asarray(angles.sum(0) * np.float32(math.sqrt(2 / len(self.waves))), np.float32)


def draw_ripple(rng: np.random.Generator, wavelength: float, stretch: Vector = (1, 1, 1)) -> Ripple:
    """A ripple of about ``wavelength`` mm, lengthened by ``stretch`` along x, y and z."""
    direction = rng.normal(size=(9, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    waves = direction * 2 * math.pi / (wavelength * rng.uniform(0.75, 1.35, (9, 1))) / np.array(stretch)
    return Ripple(np.asarray(waves, np.float32), np.asarray(rng.uniform(0, 2 * math.pi, (9, 1)), np.float32))


@dataclass(frozen=True, eq=False)
class Bending:
    """A smooth displacement of space: a few plane waves a component."""

    waves: Floats
    phases: Floats
    mix: Floats

    def at(self, points: Floats) -> Floats:
        """The displaced ``points`` (3, n)."""
        angles = self.waves @ points
        angles += self.phases
        np.sin(angles, out=angles)
        moved = self.mix @ angles
        moved += points
        return np.asarray(moved, np.float32)


def draw_bending(rng: np.random.Generator, bands: Iterable[tuple[float, float]], count: int = 4) -> Bending:
    """Waves of every (wavelength, size) band in mm; the size is the standard deviation of the
    displacement.
    """
    waves, mix = [], []
    for wavelength, size in bands:
        direction = rng.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        waves.append(direction * 2 * math.pi / (wavelength * rng.uniform(0.75, 1.35, (count, 1))))
        mix.append(rng.normal(0, size * math.sqrt(2 / count), (3, count)))
    total = np.concatenate(waves)
    phases = rng.uniform(0, 2 * math.pi, (len(total), 1))
    return Bending(
        np.asarray(total, np.float32), np.asarray(phases, np.float32), np.asarray(np.hstack(mix), np.float32)
    )


@dataclass(frozen=True, eq=False)
class Tiles:
    """Points cut into tiles: ``points`` (3, tiles, size), their table ``rows`` (tiles, ROWS, size), the
    ``labels`` (tiles, size) so far.

    ``middles`` (tiles, ROWS) are the rows of the tiles' middles without noise; all points of a tile lie
    within ``half`` (3, tiles) along the axes and within its ``radius`` (tiles,), in mm."""

    points: Floats
    rows: Floats
    labels: Bytes
    middles: Floats
    half: Floats
    radius: Floats


@dataclass(frozen=True, eq=False)
class Blob:
    """A superquadric with tapers, bends and cuts.

    ``matrix`` (4, LINEAR) gives its own coordinates, 1 at the ends of its axes, and the noise on it in mm;
    ``inverse`` is one over its half axes, ``reach`` the box that holds it in its own coordinates.
    """

    matrix: Floats
    inverse: Floats
    power: int
    tapers: tuple[tuple[int, int, float], ...]
    bends: tuple[tuple[int, int, float], ...]
    cuts: Floats | None
    reach: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Balls:
    """Balls or axis-parallel ellipsoids close together along curves: the union of tubes.

    ``branches`` are the knots (m, 4) of every tube: x, y, z and radius in mm; ``squash`` scales the radius
    along the axes. ``waves`` are a period in mm and a relative amplitude of the radius.
    """

    branches: tuple[NDArray[np.float64], ...]
    squash: Vector
    cut: Floats | None
    rough: tuple[float, float]
    waves: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Texture:
    """Places told by a noise, everywhere: thin sheets where it crosses zero, or grains where it is above
    ``level``.

    ``scale`` makes the distance one in mm.
    """

    noise: Ripple
    scale: float
    level: float | None = None

    def distance(self, points: Floats) -> Floats:
        """About the distance (n,) in mm of ``points`` (3, n)."""
        value = self.noise.at(points)
        value = np.abs(value, out=value) if self.level is None else self.level - value
        value *= np.float32(self.scale)
        return value


Shape: TypeAlias = Blob | Balls


def rotation(degrees: Vector) -> NDArray[np.float64]:
    """The matrix that turns about x, then y, then z."""
    (a, b, c), (u, v, w) = (tuple(f(math.radians(d)) for d in degrees) for f in (math.cos, math.sin))
    return np.array(
        [
            [b * c, u * v * c - a * w, a * v * c + u * w],
            [b * w, u * v * w + a * c, a * v * w - u * c],
            [-v, u * b, a * b],
        ]
    )


@lru_cache(maxsize=1)
def _sphere() -> NDArray[np.float64]:
    steps = np.arange(240) + 0.5
    z = 1 - 2 * steps / 240
    turn = steps * math.pi * (3 - math.sqrt(5))
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z])


def _cut_rows(cuts: Sequence[Cut], scale: float = 1.0) -> Floats | None:
    if not cuts:
        return None
    rows = np.zeros((len(cuts), LINEAR), np.float32)
    for row, (normal, offset) in zip(rows, cuts, strict=True):
        row[:3] = np.array(normal) / np.linalg.norm(normal)
        row[ONE] = -offset
    return rows * np.float32(scale)


def blob(
    center: Vector,
    axes: Vector,
    turn: Vector = (0, 0, 0),
    *,
    power: int = 2,
    tapers: Sequence[tuple[int, int, float]] = (),
    bends: Sequence[tuple[int, int, float]] = (),
    cuts: Sequence[Cut] = (),
    rough: tuple[float, float] = (0, 0),
    hard: bool = False,
) -> Blob:
    """A superquadric: half ``axes`` in mm (``inf`` for endless), turned by degrees about x, y, z.

    In its own coordinates u (1 at the end of an axis), a taper (i, j, k) is u_i *= 1 + k u_j and a bend
    (i, j, k) is u_i += k u_j^2. A cut (normal, offset) keeps normal . p < offset; layers follow it
    unless it is ``hard``. ``rough`` is the amplitude in mm of the coarse and the fine noise on the
    surface. ``power`` is 2 (ellipsoid) or 3 (box with round corners).
    """
    turned = rotation(turn)
    inverse = 1 / np.array(axes, np.float64)
    matrix = np.zeros((4, LINEAR))
    matrix[:3, :3] = inverse[:, None] * turned.T
    matrix[:3, ONE] = -(matrix[:3, :3] @ np.array(center))
    matrix[3, NOISE] = rough
    finite = np.minimum(np.array(axes, np.float64), FAR)
    middle = np.array(center, np.float64)
    if tapers or bends:
        surface = _sphere() / np.power((np.abs(_sphere()) ** power).sum(0), 1 / power)
        for i, j, k in reversed(bends):
            surface[i] -= k * surface[j] ** 2
        for i, j, k in reversed(tapers):
            surface[i] /= 1 + k * surface[j]
        world = turned @ (surface * finite[:, None]) + middle[:, None]
        low, high = world.min(1), world.max(1)
        reach = 1.05 * np.abs(surface).max(1)
    else:
        dual = power / (power - 1)
        half = (np.abs(turned * finite) ** dual).sum(1) ** (1 / dual)
        low, high = middle - half, middle + half
        reach = np.full(3, 1.01)
    margin = 0.05 * (high - low) + 0.5 + NOISE_LIMIT * sum(rough)
    return Blob(
        np.asarray(matrix, np.float32),
        np.asarray(inverse, np.float32),
        power,
        tuple(tapers),
        tuple(bends),
        _cut_rows(cuts, 1000.0 if hard else 1.0),
        np.asarray(reach, np.float32),
        np.asarray(low - margin, np.float32),
        np.asarray(high + margin, np.float32),
    )


def tube(
    *branches: Sequence[Sequence[float]],
    squash: Vector = (1, 1, 1),
    cut: Cut | None = None,
    rough: tuple[float, float] = (0, 0),
    waves: tuple[float, float] = (0, 0),
) -> Balls:
    """A tube through knots (x, y, z, radius), or several as one shape; one knot alone is a ball.

    Inside, the distance reads short: half the radius in the middle, so that no layer lies deeper.
    All in mm; ``squash`` scales the radius along x, y and z. ``waves`` (period in mm, relative amplitude)
    make the radius go up and down, as haustra do. A ``cut`` (normal, offset) keeps normal . p < offset.
    """
    knots = tuple(np.array([*b, *b] if len(b) == 1 else b, np.float64) for b in branches)
    return Balls(knots, squash, None if cut is None else _cut_rows([cut]), rough, waves)


@dataclass(frozen=True, eq=False)
class Solid:
    """One shape painted in layers: where its distance is below a layer's, and only over certain labels."""

    shape: Shape
    layers: tuple[tuple[float, int], ...]
    only: NDArray[np.bool_] | None


class Painter(Protocol):
    """Whatever else paints in place, inside its boxes (k, 3) only; ``where`` are the tiles that they
    touch.
    """

    @property
    def lows(self) -> Floats: ...

    @property
    def highs(self) -> Floats: ...

    def paint(self, tiles: Tiles, where: NDArray[np.intp]) -> None: ...


@dataclass(frozen=True, eq=False)
class Strewn:
    """A texture painted over certain labels wherever they are."""

    texture: Texture
    below: float
    label: int
    only: NDArray[np.bool_]

    def paint(self, tiles: Tiles) -> None:
        labels = tiles.labels.reshape(-1)
        free = self.only.take(labels).nonzero()[0]
        if len(free):
            far = self.texture.distance(tiles.points.reshape(3, -1).take(free, axis=1))
            labels[free[far < self.below]] = self.label


_ZONES = 64  # labels from here on are zones: places that become a tissue only at the end


@dataclass
class Plan:
    """What is painted so far, in order. Zones are labels of their own that end as a tissue."""

    painters: list[Solid | Painter] = field(default_factory=list)
    strewn: list[Strewn] = field(default_factory=list)
    masks: dict[tuple[str, ...], NDArray[np.bool_]] = field(default_factory=dict)
    zones: dict[str, int] = field(default_factory=dict)
    lookup: Bytes = field(default_factory=lambda: np.arange(256, dtype=np.uint8))

    def zone(self, name: str, tissue: str) -> None:
        """Name a place whose label ends as ``tissue``."""
        self.zones[name] = _ZONES + len(self.zones)
        self.lookup[self.zones[name]] = NAMES.index(tissue)

    def label(self, name: str) -> int:
        """The label of a tissue or zone."""
        return self.zones[name] if name in self.zones else NAMES.index(name)

    def mask(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which labels (256,) belong to ``names``."""
        key = tuple(names)
        if key not in self.masks:
            self.masks[key] = np.zeros(256, np.bool_)
            self.masks[key][[self.label(name) for name in names]] = True
        return self.masks[key]

    def add(self, shape: Shape, *layers: str | Layer, only: Sequence[str] = ()) -> None:
        """Paint ``shape`` in ``layers`` (distance in mm, name), widest first; a bare name means distance
        0.
        """
        pairs = tuple(
            (0.0, self.label(layer)) if isinstance(layer, str) else (float(layer[0]), self.label(layer[1]))
            for layer in layers
        )
        self.painters.append(Solid(shape, pairs, self.mask(only) if only else None))

    def strew(self, texture: Texture, below: float, name: str, only: Sequence[str]) -> None:
        """Paint ``name`` over ``only``, after all shapes, where the texture is less than ``below`` mm
        away.
        """
        self.strewn.append(Strewn(texture, below, self.label(name), self.mask(only)))
