"""Real anatomy for the brain where nilearn is installed: the gray and white matter maps of MNI152."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Floats, Plan, Tiles, blob

logger = logging.getLogger(__name__)

# The plan's origin in MNI coordinates (mm, to the right, front and head).
_ORIGIN = (0.0, -17.0, 3.0)


@dataclass(frozen=True, eq=False)
class Maps:
    """Probabilities of gray and white matter in a grid of 1 mm, flattened; ``first`` is its corner in MNI."""

    gray: Floats
    white: Floats
    shape: tuple[int, int, int]
    first: Floats


@lru_cache(maxsize=1)
def load_maps() -> Maps | None:
    """The maps, or None without nilearn, which brings them, or nibabel, which reads them."""
    # Found, not imported: nilearn takes seconds to import.
    package = find_spec("nilearn")
    if package is None or package.origin is None or find_spec("nibabel") is None:
        logger.info("nilearn or nibabel is not installed: brains are drawn without the MNI152 maps")
        return None
    import nibabel

    folder = Path(package.origin).parent / "datasets" / "data"
    files = [folder / f"mni_icbm152_{tissue}_tal_nlin_sym_09a_converted.nii.gz" for tissue in ("gm", "wm")]
    if not all(file.is_file() for file in files):
        logger.info("this nilearn has no MNI152 maps: brains are drawn without them")
        return None
    images: list[Any] = [nibabel.load(file) for file in files]  # type: ignore[attr-defined,unused-ignore]
    gray, white = (np.asarray(image.dataobj, np.float32) * np.float32(1 / 255) for image in images)
    first = np.asarray(images[0].affine[:3, 3], np.float32)
    nx, ny, nz = gray.shape
    return Maps(gray.ravel(), white.ravel(), (nx, ny, nz), first)


@dataclass(frozen=True, eq=False)
class Atlas:
    """Paints the maps over one label. ``lean`` shifts the balance of gray and white, ``rim`` that of
    fluid.
    """

    maps: Maps
    scale: Floats
    lean: float
    rim: float
    over: int
    names: tuple[int, int, int]  # fluid, gray, white
    lows: Floats
    highs: Floats

    def paint(self, tiles: Tiles, where: NDArray[np.intp]) -> None:
        labels = tiles.labels.take(where, axis=0).reshape(-1)
        inside = np.flatnonzero(labels == self.over)
        points = (
            tiles.points.take(where, axis=1).reshape(3, -1).take(inside, axis=1)
            * self.scale
            * np.array([[-1], [-1], [1]], np.float32)
        )
        place = points + np.array(_ORIGIN, np.float32)[:, None] - self.maps.first[:, None]
        gray, white = self._at(place)
        fluid_, gray_, white_ = self.names
        brain = gray + white > self.rim
        labels[inside] = np.where(brain, np.where(gray + self.lean > white, gray_, white_), fluid_)
        tiles.labels[where] = labels.reshape(len(where), -1)

    def _at(self, place: Floats) -> tuple[Floats, Floats]:
        nx, ny, nz = self.maps.shape
        top = np.array([[nx - 2], [ny - 2], [nz - 2]], np.float32)
        place = np.clip(place, 0, top + np.float32(0.99))
        corner: NDArray[np.int32] = place.astype(np.int32)
        part = place - corner
        base = (corner[0] * ny + corner[1]) * nz + corner[2]
        gray = np.zeros(place.shape[1], np.float32)
        white = np.zeros(place.shape[1], np.float32)
        for i in (0, 1):
            x = part[0] if i else 1 - part[0]
            for j in (0, 1):
                y = x * (part[1] if j else 1 - part[1])
                for k in (0, 1):
                    weight = y * (part[2] if k else 1 - part[2])
                    index = base + ((i * ny + j) * nz + k)
                    gray += weight * self.maps.gray.take(index)
                    white += weight * self.maps.white.take(index)
        return gray, white


def add_atlas(plan: Plan, choose: Chooser, maps: Maps) -> None:
    """Paint the brain of the maps into the skull's fluid."""
    scale = np.array([choose.about(1.0, 0.03), choose.about(0.99, 0.03), choose.about(0.93, 0.03)])
    plan.painters.append(
        Atlas(
            maps,
            np.asarray(scale[:, None], np.float32),
            choose.vary(-0.12, 0.12),
            choose.size(0.3, 0.55),
            plan.label("csf"),
            (plan.label("csf"), plan.label("gray_matter"), plan.label("white_matter")),
            np.array([[-90, -110, -90]], np.float32),
            np.array([[90, 110, 110]], np.float32),
        )
    )
    for side in (-1, 1):
        for center, axes in (((25, -9, 2), (5, 16, 9)), ((11, 6, 6), (8, 14, 8)), ((14, -26, 8), (5, 9, 8))):
            plan.add(
                blob((side * center[0], center[1], center[2]), axes, rough=(0.5, 0.4)),
                "deep_gray",
                only=["gray_matter"],
            )
