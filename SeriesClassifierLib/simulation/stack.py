"""The geometry of a simulated series."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.draws import chance, choice, log_uniform, one_of
from SeriesClassifierLib.simulation.protocols import Protocol


@dataclass(frozen=True)
class Stack:
    """Slices of one series. Lengths in mm, ``tilt`` in degrees; ``mosaic_slices`` are tiled into an image."""

    plane: str
    planes: tuple[str, ...]
    orientations: int
    positions: int
    thickness: float
    gap: float
    pixel: float
    rows: int
    columns: int
    matrix: int
    tilt: float
    mosaic_slices: int = 0

    @staticmethod
    def draw(rng: np.random.Generator, protocol: Protocol, derived: str) -> Stack:
        orientations = round(log_uniform(rng, protocol.orientations))
        plane = choice(rng, protocol.planes)
        planes: tuple[str, ...] = (plane,)
        if protocol.sequence == "LOCALIZER" and orientations >= 2:
            planes = ("SAG", "COR", "AX")[:orientations] if orientations < 3 else ("SAG", "COR", "AX")
            plane = "MULTI"
        positions = max(orientations, round(log_uniform(rng, protocol.slices)))
        if chance(rng, 0.15):
            positions = max(1, round(positions * rng.uniform(0.05, 0.7)))  # parts of series are common
        elif chance(rng, 0.1):
            positions = min(positions, int(rng.integers(1, 11)))  # and so are a few images of a long one
        pixel = log_uniform(rng, protocol.pixel)
        fov = log_uniform(rng, protocol.fov)
        matrix = max(32, 8 * round(fov / pixel / 8))
        factor = int(one_of(rng, [1, 1, 1, 2]))
        rows = matrix * factor
        if chance(rng, 0.4):
            rows = min((128, 192, 256, 320, 384, 512, 640, 1024), key=lambda n: abs(n - matrix * factor))
        columns = rows if chance(rng, 0.7) else max(16, round(rows * rng.uniform(0.6, 1.2)))
        thickness = log_uniform(rng, protocol.thickness)
        gap = thickness * (1.0 if protocol.three_d else 1 + one_of(rng, [0, 0.1, 0.2, 0.25, 0.33, 0.5, 1.0]))
        if protocol.three_d and chance(rng, 0.3):
            gap = thickness * 0.5
        tilt = abs(rng.normal(0, 7)) if chance(rng, 0.7) else 0.0
        return Stack(
            plane,
            planes,
            orientations,
            positions,
            thickness,
            gap,
            fov / rows,
            rows,
            columns,
            matrix,
            min(tilt, 39.0),
        )

    def mosaic(self) -> Stack:
        """The same slices tiled into one image a volume."""
        return replace(self, positions=1, mosaic_slices=max(4, self.positions))

    def size_tags(self) -> dict[str, TagValue]:
        """Rows and Columns of the stored image."""
        side = math.ceil(math.sqrt(self.mosaic_slices)) if self.mosaic_slices else 1
        return {"Rows": float(self.rows * side), "Columns": float(self.columns * side)}

    def tags(self, rng: np.random.Generator, vendor: str) -> dict[str, TagValue]:
        phase = max(1, round(self.matrix * rng.uniform(0.55, 1.0)))
        tags: dict[str, TagValue] = {
            "SliceThickness": round(self.thickness, 3),
            "PixelSpacing": (round(self.pixel, 5), round(self.pixel, 5)),
            **self.size_tags(),
            "AcquisitionMatrix": (float(self.matrix), 0.0, 0.0, float(phase))
            if chance(rng, 0.5)
            else (0.0, float(self.matrix), float(phase), 0.0),
            "NumberOfPhaseEncodingSteps": float(max(1, round(phase * rng.uniform(0.5, 1.6)))),
            "PercentSampling": one_of(rng, [100, 100, 90, 80, 75, 70, 65]),
            "PercentPhaseFieldOfView": one_of(rng, [100, 100, 90, 80, 75, 62.5]),
        }
        if vendor != "SIEMENS" or self.gap != self.thickness:
            tags["SpacingBetweenSlices"] = round(self.gap, 3)
        return tags
