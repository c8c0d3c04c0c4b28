"""Folded gray matter: a painter for the cerebrum and the cerebellum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import (
    Blob,
    Floats,
    Plan,
    Ripple,
    Tiles,
    Vector,
    draw_ripple,
)
from SeriesClassifierLib.simulation.anatomy.tables import Blobs, tabulate


@dataclass(frozen=True, eq=False)
class Folded:
    """A hull filled with white matter under a folded gray ribbon.

    The folds are the zero crossings of a noise, kept within ``depth`` mm of the surface. ``gap`` is half the
    width of a fold, ``ribbon`` the thickness of the gray, ``cleft`` half the gap between the hemispheres.
    """

    hull: Blobs
    noise: Ripple
    wavelength: float
    depth: float
    gap: float
    ribbon: float
    cleft: float
    over: int
    names: tuple[int, int, int]  # fluid, gray, white
    lows: Floats
    highs: Floats

    def paint(self, tiles: Tiles, where: NDArray[np.intp]) -> None:
        labels = tiles.labels.take(where, axis=0).reshape(-1)
        # All shapes of the hull in all tiles, then the nearest of them.
        count = len(self.hull.least)
        shape = np.repeat(np.arange(count), len(where))
        every = self.hull.distance(shape, np.tile(where, count), tiles)
        far = every.reshape(count, -1).min(0)
        inside = np.flatnonzero((far < 0) & (labels == self.over))
        points = tiles.points.take(where, axis=1).reshape(3, -1).take(inside, axis=1)
        deep = -far[inside]
        fold = np.abs(self.noise.at(points)) * np.float32(self.wavelength / 6.2832)
        # Folds are narrower the deeper they go, and end.
        fold += np.maximum(0, deep - self.depth) * np.float32(0.7)
        fold -= self.gap * np.clip(1.4 - deep / self.depth, 0.4, 1.4)
        pial = np.minimum(deep - 0.2, fold)
        np.minimum(pial, np.abs(points[0]) - self.cleft, out=pial)
        fluid, gray, white = self.names
        labels[inside] = np.where(pial < 0, fluid, np.where(pial < self.ribbon, gray, white))
        tiles.labels[where] = labels.reshape(len(where), -1)


def add_folds(
    plan: Plan,
    choose: Chooser,
    hull: Sequence[Blob],
    wavelength: float,
    depth: float,
    gap: float,
    ribbon: float,
    cleft: float,
    stretch: Vector = (1, 1, 1),
) -> None:
    """Fill ``hull`` with folds, see ``Folded``; ``stretch`` is how much longer they are along each axis."""
    plan.painters.append(
        Folded(
            tabulate(hull),
            draw_ripple(choose.rng, wavelength, stretch),
            wavelength,
            depth,
            gap,
            ribbon,
            cleft,
            plan.label("csf"),
            (plan.label("csf"), plan.label("gray_matter"), plan.label("white_matter")),
            np.stack([s.low for s in hull]).min(0, keepdims=True),
            np.stack([s.high for s in hull]).max(0, keepdims=True),
        )
    )
