"""Projections through a slab: where they look, and what they show of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from SeriesClassifierLib.simulation.headers import SimulatedPart
from SeriesClassifierLib.simulation.scanner import Floats
from SeriesClassifierLib.simulation.scans import Scan
from SeriesClassifierLib.simulation.views import BodyLike


def step_of(depths: Sequence[float]) -> float:
    """The distance between two depths in mm, 0 for a plain slice."""
    return depths[1] - depths[0] if len(depths) > 1 else 0.0


def depths_of(rng: np.random.Generator, part: SimulatedPart, body: BodyLike, scan: Scan) -> list[float]:
    """Where a projection looks, in mm along the normal; [0] for a plain slice."""
    if not scan.projection:
        return [0.0]
    thickness = part.stack.thickness
    if part.sequence == "SWI":
        slab = rng.uniform(6, 20)
    elif part.sequence == "MRCP":
        slab = thickness if thickness > 12 else rng.uniform(35, 90)
    elif thickness > 12:
        slab = thickness
    else:
        slab = rng.uniform(0.3, 0.8) * float(np.asarray(body.size)[:2].min())
    step = max(3.0 if part.sequence != "SWI" else 2.0, slab / 20)
    count = max(3, round(slab / step))
    return [(i - (count - 1) / 2) * slab / count for i in range(count)]


def projected(image: Floats, scan: Scan, depths: int) -> Floats:
    """The largest or smallest of every ``depths`` pictures in a row, if ``scan`` asks for it."""
    if scan.projection in ("max", "min"):
        stack = image.reshape(-1, depths, *image.shape[1:])
        image = stack.max(1) if scan.projection == "max" else stack.min(1)
    return np.asarray(image, np.float32)
