"""One simulated person: what a region's module sketches, placed in the scanner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.anatomy.painting import Painting, finish
from SeriesClassifierLib.simulation.anatomy.shapes import (
    Floats,
    Noise,
    Plan,
    Vector,
    draw_bending,
    draw_noise,
    draw_surface_noise,
    rotation,
)

# Bodies held out are drawn with every size inside this part of its range, all others outside of it,
# with a gap between the two.
HELD_OUT = (0.44, 0.56)
_GAP = 0.02


@dataclass(frozen=True)
class Chooser:
    """Random choices for one body, with the band of sizes kept apart for held-out bodies."""

    rng: np.random.Generator
    held_out: bool = False

    def position(self) -> float:
        """A place in 0..1, inside the held-out band or outside of it."""
        low, high = HELD_OUT
        if self.held_out:
            return float(self.rng.uniform(low, high))
        below, above = low - _GAP, high + _GAP
        place = self.rng.uniform(0, below + 1 - above)
        return float(place if place < below else place - below + above)

    def size(self, low: float, high: float) -> float:
        """A size that tells held-out bodies from others."""
        return low + (high - low) * self.position()

    def vary(self, low: float, high: float) -> float:
        """Any number between the two."""
        return float(self.rng.uniform(low, high))

    def about(self, value: float, share: float = 0.12) -> float:
        """A number within ``share`` of ``value``."""
        return float(value * self.rng.uniform(1 - share, 1 + share))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def near(self, point: Sequence[float], reach: float) -> Vector:
        """A point within ``reach`` mm of ``point`` along each axis."""
        x, y, z = np.array(point[:3]) + self.rng.uniform(-reach, reach, 3)
        return (float(x), float(y), float(z))

    def pick(self, options: Sequence[str]) -> str:
        """One of the names."""
        return options[int(self.rng.integers(len(options)))]


@dataclass(frozen=True)
class Sketch:
    """What a region's module hands over: the plan, and where and how large the field of view is (mm)."""

    anatomy: str
    plan: Plan
    center: Vector
    size: Vector
    sex: str = ""
    bend: float = 1.0
    tilt: Vector = (4, 4, 5)
    scale: tuple[float, float] = (0.92, 1.08)


@dataclass(frozen=True, eq=False)
class Body:
    """A person's region: labels and structure anywhere in space, the same for all series of a study.

    ``center`` (mm, LPS) is where a protocol centers its stack, ``size`` the full extent in mm that a field of
    view covers. ``band`` (0..1) is the body's place in the range of sizes (see ``HELD_OUT``).
    """

    region: str
    anatomy: str
    sex: str
    center: Vector
    size: Vector
    band: float
    painting: Painting = field(repr=False)
    grain: tuple[Noise, ...] = field(repr=False)

    def labels(self, points: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Indices into ``tissues.NAMES``, uint8 (...), at ``points`` (..., 3) in mm LPS."""
        return self.painting.labels(np.asarray(points, np.float32))

    def texture(self, points: NDArray[np.floating]) -> Floats:
        """Smooth structure fixed to the body, float32 (...): zero mean, unit variance."""
        flat = np.asarray(points, np.float32).reshape(-1, 3).T
        total = np.zeros(flat.shape[1], np.float32)
        for noise in self.grain:
            total += noise.at(flat)
        total /= np.float32(math.sqrt(len(self.grain)))
        return total.reshape(points.shape[:-1])


def place(sketch: Sketch, region: str, choose: Chooser) -> Body:
    """The sketch as a person in the scanner: scaled, turned, shifted and bent at random."""
    rng = choose.rng
    band = choose.position()
    low, high = sketch.scale
    overall = low + (high - low) * band
    scale = overall * rng.uniform(0.96, 1.04, 3)
    turned = rotation(tuple(float(rng.uniform(-t, t)) for t in sketch.tilt))  # type: ignore[arg-type]
    # Scanner point p = turned (scale * q) + offset for the plan's point q.
    offset = rng.uniform(-1, 1, 3) * np.array([12, 20, 30])
    turn = turned.T / scale[:, None]
    center = turned @ (scale * np.array(sketch.center)) + offset
    size = np.array(sketch.size) * overall
    grow = sketch.bend
    bending = draw_bending(rng, [(220 * math.sqrt(grow), 3.0 * grow), (55 * math.sqrt(grow), 0.9 * grow)])
    painting = finish(
        sketch.plan,
        bending,
        draw_surface_noise(rng),
        np.asarray(turn, np.float32),
        np.asarray(-(turn @ offset)[:, None], np.float32),
    )
    grain = tuple(draw_noise(rng, wavelength) for wavelength in (28.0, 9.0, 3.5))
    return Body(
        region,
        sketch.anatomy,
        sketch.sex,
        (float(center[0]), float(center[1]), float(center[2])),
        (float(size[0]), float(size[1]), float(size[2])),
        band,
        painting,
        grain,
    )
