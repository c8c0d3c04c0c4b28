"""What is no picture of a body: spectra, and screens with panels, lines and marks."""

from __future__ import annotations

import numpy as np

from SeriesClassifierLib.simulation.scanner import Floats


def draw_screen(rng: np.random.Generator, kind: str, slices: int, rows: int, columns: int) -> Floats:
    """A spectrum, or a screen with panels, lines and marks: no picture of a body."""
    out = np.zeros((slices, rows, columns), np.float32)
    x = np.linspace(0, 1, columns)
    for image in out:
        if kind == "screen":
            image[:] = rng.uniform(0, 60)
            for _ in range(int(rng.integers(2, 9))):
                top, left = int(rng.integers(rows)), int(rng.integers(columns))
                bottom, right = (int(v) for v in rng.integers(4, max(5, rows // 2), 2))
                image[top : top + bottom, left : left + right] = rng.uniform(0, 255)
            for _ in range(int(rng.integers(3, 25))):  # lines of text
                top, left = int(rng.integers(rows)), int(rng.integers(columns))
                length = int(rng.integers(5, max(6, columns // 3)))
                text = image[top : top + 3, left : left + length]
                text[:] = 230 * (rng.random(text.shape) < 0.5)
        curves = int(rng.integers(1, 4)) if kind == "spectrum" else int(rng.integers(0, 3))
        for _ in range(curves):
            curve = np.zeros(columns)
            for _ in range(int(rng.integers(3, 9))):
                curve += rng.uniform(0.1, 1) * np.exp(-(((x - rng.random()) / rng.uniform(0.004, 0.03)) ** 2))
            curve = curve / curve.max() + rng.normal(0, 0.02, columns)
            level = np.clip(rows * (0.9 - 0.75 * curve), 0, rows - 1).astype(int)
            for a, b, c in zip(level[:-1], level[1:], range(columns - 1), strict=True):
                image[min(a, b) : max(a, b) + 1, c] = 255
    return np.asarray(np.rint(out), np.float32)
