"""Simple anatomy for the simulated exams: ellipsoids of tissue, and the signal that an MR sequence makes of
them.

Made to look right at a glance in the report, not to train on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.intp]


class Tissue(NamedTuple):
    """Proton density (0..1), T1 and T2 in ms, ADC in 1e-3 mm2/s, fat fraction (0..1), uptake of contrast
    agent.

    ``uptake`` is the relaxation rate added in the arterial, portal venous and late phase, in 1/s.
    """

    density: float
    t1: float
    t2: float
    adc: float
    fat: float = 0.0
    uptake: tuple[float, float, float] = (0.0, 0.0, 0.0)


# Typical values at 1.5 to 3 T.
TISSUES: dict[str, Tissue] = {
    "air": Tissue(0, 1000, 50, 0),
    "fat": Tissue(0.95, 300, 120, 0.1, 0.95),
    "muscle": Tissue(0.8, 1100, 38, 1.2, 0.03, (0.1, 0.25, 0.3)),
    "bone": Tissue(0.12, 1000, 20, 0.4),
    "marrow": Tissue(0.7, 550, 65, 0.5, 0.5, (0.05, 0.1, 0.1)),
    "fluid": Tissue(1.0, 3600, 1100, 2.9),
    "blood": Tissue(0.85, 1700, 55, 2.2, 0, (2.6, 1.9, 1.2)),
    "vein": Tissue(0.85, 1700, 60, 2.2, 0, (0.3, 1.9, 1.3)),
    "liver": Tissue(0.85, 750, 42, 1.1, 0.06, (0.25, 0.9, 0.75)),
    "tumor": Tissue(0.9, 1300, 85, 0.8, 0, (0.9, 0.5, 0.3)),
    "cyst": Tissue(1.0, 3000, 700, 2.8),
    "spleen": Tissue(0.9, 1200, 85, 0.8, 0, (1.0, 0.9, 0.75)),
    "cortex": Tissue(0.9, 1100, 90, 2.0, 0, (1.6, 1.3, 1.1)),
    "medulla": Tissue(0.92, 1450, 105, 1.9, 0, (0.5, 1.3, 1.3)),
    "pancreas": Tissue(0.85, 800, 55, 1.3, 0.1, (0.9, 0.8, 0.6)),
    "bowel": Tissue(0.8, 1000, 70, 1.5, 0.02, (0.4, 0.5, 0.5)),
    "cord": Tissue(0.8, 950, 85, 0.9),
    "lung": Tissue(0.15, 1200, 25, 1.0),
    "zone": Tissue(0.88, 1350, 78, 1.25, 0, (0.7, 0.9, 0.8)),
    "periphery": Tissue(0.92, 1800, 165, 1.75, 0, (0.35, 0.7, 0.8)),
    "lesion": Tissue(0.88, 1350, 70, 0.65, 0, (1.4, 1.1, 0.8)),
}
_NAMES = tuple(TISSUES)

# Tissue, center, half-axes in mm; x to the left, y to the back, z to the head (LPS). A later one covers an
# earlier one.
_Ellipsoid = tuple[str, tuple[float, float, float], tuple[float, float, float]]


def _pair(
    tissue: str, center: tuple[float, float, float], axes: tuple[float, float, float]
) -> list[_Ellipsoid]:
    """The same organ on both sides."""
    x, y, z = center
    return [(tissue, (x, y, z), axes), (tissue, (-x, y, z), axes)]


_PELVIS: list[_Ellipsoid] = [
    ("fat", (0, 0, 0), (182, 118, 900)),
    ("muscle", (0, 6, 0), (160, 96, 700)),
    ("fat", (0, -8, 10), (72, 70, 140)),
    *_pair("muscle", (88, 62, -5), (62, 38, 130)),
    *_pair("fat", (45, 88, -40), (34, 24, 60)),
    *_pair("marrow", (102, 2, -12), (26, 27, 30)),
    *_pair("bone", (78, 6, 22), (12, 34, 40)),
    *_pair("marrow", (78, 6, 22), (8.5, 30, 36)),
    *_pair("bone", (20, -64, -18), (19, 11, 14)),
    *_pair("marrow", (20, -64, -18), (15.5, 8, 11)),
    *_pair("muscle", (52, -8, -16), (11, 34, 34)),
    *_pair("blood", (62, -48, 20), (5.5, 5.5, 160)),
    *_pair("vein", (60, -36, 20), (7, 6.5, 160)),
    ("bone", (0, 84, 28), (40, 13, 44)),
    ("marrow", (0, 84, 28), (36, 9.5, 40)),
    ("muscle", (0, -22, 42), (40, 33, 36)),
    ("fluid", (0, -22, 42), (36, 29, 32)),
    ("bowel", (0, 56, 0), (19, 17, 120)),
    ("air", (2, 52, 6), (8, 6, 30)),
    *_pair("fluid", (16, 34, 28), (15, 6, 7)),
    ("zone", (0, 8, -8), (27, 19.5, 24)),
    ("periphery", (0, 14, -11), (25.5, 14.5, 21)),
    ("zone", (0, 4, -4), (19, 12.5, 18)),
    ("fluid", (0, 1, 4), (2.6, 2.6, 14)),
    ("lesion", (-13, 22, -12), (6.5, 4.5, 7)),
]
_ABDOMEN: list[_Ellipsoid] = [
    ("fat", (0, 0, 0), (178, 122, 900)),
    ("muscle", (0, 2, 0), (163, 107, 800)),
    ("fat", (0, -8, -20), (148, 86, 300)),
    *_pair("muscle", (38, 78, -10), (30, 24, 400)),
    *_pair("lung", (80, 8, 138), (68, 74, 72)),
    ("liver", (-62, -12, 18), (82, 78, 82)),
    ("liver", (2, -42, 42), (62, 36, 42)),
    ("spleen", (98, 34, 40), (30, 44, 52)),
    ("bowel", (60, -40, 38), (44, 32, 40)),
    ("air", (62, -56, 44), (24, 13, 22)),
    *_pair("cortex", (68, 52, -42), (27, 25, 52)),
    *_pair("medulla", (65, 51, -42), (17, 15, 38)),
    *_pair("fat", (57, 49, -42), (10, 8, 22)),
    ("pancreas", (22, 6, -4), (46, 11, 12)),
    ("pancreas", (-22, 10, -16), (16, 15, 20)),
    ("fluid", (-52, -36, -36), (14, 18, 26)),
    ("fluid", (-26, 6, -6), (3.4, 3.4, 34)),
    ("vein", (-42, 0, 26), (34, 6, 6)),
    ("vein", (-18, 30, 20), (11, 9, 400)),
    ("blood", (8, 34, 20), (9.5, 9.5, 400)),
    *_pair("bowel", (88, -34, -78), (30, 34, 40)),
    ("bowel", (0, -48, -70), (60, 26, 46)),
    *_pair("air", (84, -44, -74), (12, 9, 14)),
    ("bone", (0, 62, 0), (25, 21, 900)),
    ("marrow", (0, 62, 0), (22, 18, 900)),
    ("fluid", (0, 87, 0), (10, 8, 900)),
    ("cord", (0, 87, 40), (5, 4, 200)),
    ("bone", (0, 101, 0), (7, 6, 900)),
    ("tumor", (-86, 10, 24), (15, 14, 15)),
    ("cyst", (-44, -44, 40), (9, 8, 9)),
]
ANATOMY: Mapping[str, list[_Ellipsoid]] = {"prostate": _PELVIS, "abdomen": _ABDOMEN}


@dataclass(frozen=True)
class Scan:
    """What of the acquisition makes the contrast. Times in ms, flip angle in degrees, b in s/mm2.

    ``sequence`` is a class of the vocabulary; ``agent`` weighs the three columns of Tissue.uptake;
    ``calculated`` says that the image was computed for a b-value and has no noise floor.
    """

    sequence: str
    tr: float = 3000
    te: float = 80
    ti: float | None = None
    flip: float = 90
    spin_echo: bool = True
    fat_suppressed: bool = False
    b_value: float = 0
    agent: tuple[float, float, float] = (0, 0, 0)
    calculated: bool = False


def anatomy(region: str, points: Floats, seed: int) -> Labels:
    """The tissue (an index into TISSUES) at ``points`` (..., 3) in mm; ``seed`` bends the body a little."""
    import numpy as np

    rng = np.random.default_rng(seed)
    bent = points.reshape(-1, 3).astype(np.float32)
    flat = bent.copy()
    for axis in range(3):
        for _ in range(3):
            wave = rng.normal(0, 0.018, 3).astype(np.float32)
            bent[:, axis] += np.float32(2.2) * np.sin(flat @ wave + np.float32(rng.uniform(0, 6.28)))
    organs = ANATOMY[region]
    centers = np.array([center for _, center, _ in organs], dtype=np.float32)
    weights = np.array([axes for _, _, axes in organs], dtype=np.float32) ** -2
    # Squared distance to every center in units of the half-axes, multiplied out to two matrix products.
    constant = (weights * centers**2).sum(axis=1)[:, None]
    inside = weights @ (bent**2).T - 2 * (weights * centers) @ bent.T + constant < 1
    labels = np.zeros(len(bent), dtype=np.intp)
    for (tissue, _, _), within in zip(organs, inside, strict=True):
        labels[within] = _NAMES.index(tissue)
    return labels.reshape(points.shape[:-1])


def signal(scan: Scan) -> Floats:
    """The signal of every tissue (one value for each of TISSUES, about 0..1; an ADC map in 1e-6 mm2/s)."""
    import numpy as np

    return np.array([_signal(tissue, scan) for tissue in TISSUES.values()])


def _signal(tissue: Tissue, scan: Scan) -> float:
    from math import exp

    if scan.sequence == "ADC":
        return 1000 * tissue.adc
    rate = 1000 / tissue.t1 + sum(a * u for a, u in zip(scan.agent, tissue.uptake, strict=True))
    whole = _magnetization(tissue, scan, 1000 / rate)
    fat = whole * tissue.fat * (0.12 if scan.fat_suppressed else 1.0)
    water = whole * (1 - tissue.fat)
    if scan.sequence in _DIXON:
        return _DIXON[scan.sequence](water, fat)
    return (water + fat) * exp(-scan.b_value * tissue.adc / 1000)


_DIXON: Mapping[str, Callable[[float, float], float]] = {
    "DIXON_IN": lambda water, fat: water + fat,
    "DIXON_OPP": lambda water, fat: abs(water - fat),
    "DIXON_W": lambda water, fat: water,
    "DIXON_F": lambda water, fat: fat,
}


def _magnetization(tissue: Tissue, scan: Scan, t1: float) -> float:
    """The spin echo, inversion recovery and spoiled gradient echo equations."""
    from math import cos, exp, radians, sin

    recovery = exp(-scan.tr / t1)
    if scan.spin_echo:
        longitudinal = 1 - recovery if scan.ti is None else abs(1 - 2 * exp(-scan.ti / t1) + recovery)
        return tissue.density * longitudinal * exp(-scan.te / tissue.t2)
    angle = radians(min(max(scan.flip, 1), 90))
    ernst = sin(angle) * (1 - recovery) / (1 - cos(angle) * recovery)
    return tissue.density * ernst * exp(-scan.te / (0.6 * tissue.t2))


def picture(labels: Labels, scan: Scan, rng: np.random.Generator, *, supersampling: int = 2) -> Floats:
    """An image of ``labels`` (rows x columns, each ``supersampling`` times finer than the result), 0 to
    about 1000.

    Coil shading, a little texture and Rician noise included. An ADC map is in 1e-6 mm2/s.
    """
    import numpy as np

    ideal = _smaller(signal(scan)[labels], supersampling)
    shape = ideal.shape
    ideal = ideal * (1 + 0.05 * _smooth(rng.normal(size=shape), 2))
    if scan.sequence == "ADC":
        # Outside the body an ADC map is the quotient of two noises.
        body = _smaller((labels > 0).astype(float), supersampling) > 0.5
        noise = rng.normal(0, 60, shape)
        return np.asarray(np.where(body, np.clip(ideal + noise, 0, 4000), 0))
    rows, columns = (np.linspace(-1, 1, n) for n in shape)
    shading = 1 + 0.25 * (rows[:, None] ** 2 + columns[None, :] ** 2 - 0.7) + 0.06 * rows[:, None]
    scale = 600 / (np.percentile(ideal[ideal > 0], 97) if (ideal > 0).any() else 1)
    level = 2 if scan.calculated else 14 + scan.b_value / 50
    real = np.maximum(ideal, 0) * shading * scale + rng.normal(0, level, shape)
    return np.asarray(np.clip(np.hypot(real, rng.normal(0, level, shape)), 0, 4000))


def _smaller(image: Floats, factor: int) -> Floats:
    """Mean of blocks: what a voxel makes of finer structure."""
    rows, columns = (n // factor for n in image.shape)
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    out: Floats = blocks.mean(axis=(1, 3))
    return out


def _smooth(image: Floats, radius: int) -> Floats:
    """Blur by shifted means, scaled back to a standard deviation of 1."""
    import numpy as np

    for axis in (0, 1):
        image = np.mean([np.roll(image, shift, axis) for shift in range(-radius, radius + 1)], axis=0)
    deviation = float(image.std())
    return image / deviation if deviation else image
