"""What tissues are to an MR scanner: one table, and how people differ from it.

Sources of the values, rounded and widened where they disagree: relaxation times at 1.5 and 3 T from Stanisz
et al. (Magn Reson Med 2005;54:507), de Bazelaire et al. (Radiology 2004;230:652, abdomen), Bojorquez et al.
(Magn Reson Imaging 2017;35:69, review at 3 T), Gold et al. (AJR 2004;183:343, joints), Rakow-Penner et al. (J
Magn Reson Imaging 2006;23:87, breast), Spees et al. (Int J Biomed Imaging 2011, blood), Rooney et al. (Magn
Reson Med 2007;57:308, T1 against field), Peters et al. (Magn Reson Imaging 2007;25:748, T2* of the brain).
Diffusion from Le Bihan (Radiology 2008;249:748, IVIM), Taouli and Koh (Radiology 2010;254:47, liver) and the
PI-RADS v2.1 review of Turkbey et al. (Eur Urol 2019;76:340). Fat fractions from Reeder et al. (J Magn Reson
Imaging 2011;34:729) and marrow from Karampinos et al. (J Magn Reson Imaging 2018;47:332). Uptake of contrast
agents from Ringe et al. (AJR 2010;195:13, gadoxetate), Schima et al. (Eur Radiol 2005, liver phases) and
Tofts (J Magn Reson Imaging 1997;7:91).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.draws import chance, log_uniform

PHASES = ("ART", "PORTVEN", "LATE", "HEPA")


@dataclass(frozen=True)
class Tissue:
    """One tissue. Times in ms, ``adc`` in 1e-3 mm2/s, the rest as fractions.

    ``t1_15`` and ``t1_3`` are the longitudinal relaxation times of its water at 1.5 and 3 T, ``t2`` and
    ``t2_star`` are at 1.5 T. ``uptake`` is the relaxation rate (1/s) that a standard dose adds in each of
    ``PHASES``. ``spread`` is the relative variation between people, ``texture`` the relative amplitude of the
    structure inside. ``flow`` is how much unsaturated blood flows in.
    """

    pd: float
    t1_15: float
    t1_3: float
    t2: float
    t2_star: float
    adc: float
    ivim: float = 0.05
    fat_fraction: float = 0.0
    uptake: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spread: float = 0.15
    texture: float = 0.04
    flow: float = 0.0

    def t1(self, field: float) -> float:
        """T1 in ms at ``field`` tesla, by the power law through the two tabulated values."""
        exponent = math.log(self.t1_3 / self.t1_15) / math.log(2.0)
        return float(self.t1_15 * (field / 1.5) ** exponent)

    def t2_at(self, field: float) -> float:
        """T2 in ms at ``field`` tesla; it falls slowly with the field."""
        return float(self.t2 * (field / 1.5) ** -0.18)

    def t2_star_at(self, field: float) -> float:
        """T2* in ms at ``field`` tesla: what is not T2 grows with the field."""
        extra = max(0.0, 1 / self.t2_star - 1 / self.t2) * field / 1.5
        return 1 / (1 / self.t2_at(field) + extra)


_NOTHING = Tissue(0.0, 1000, 1000, 10, 1, 0.0, 0.0, spread=0.0, texture=0.0)

#                          pd    t1_15 t1_3  t2    t2*  adc   ivim  fat   arterial, portal, late,
# hepatobiliary
TISSUES: Mapping[str, Tissue] = {
    "air": _NOTHING,
    "fat": Tissue(0.92, 290, 365, 70, 45, 0.05, 0.0, 0.93, (0.05, 0.1, 0.1, 0.05), 0.1, 0.05),
    "skin": Tissue(0.65, 800, 950, 30, 15, 0.9, 0.05, 0.05, (0.3, 0.8, 0.8, 0.3), 0.2, 0.05),
    "muscle": Tissue(0.76, 1000, 1350, 36, 26, 1.35, 0.04, 0.02, (0.25, 0.5, 0.6, 0.25), 0.12, 0.07),
    "cortical_bone": Tissue(0.08, 500, 600, 1.5, 0.6, 0.3, 0.0, 0.0, (0, 0, 0, 0), 0.3, 0.0),
    "marrow_yellow": Tissue(0.85, 300, 380, 65, 18, 0.1, 0.01, 0.85, (0.1, 0.15, 0.15, 0.1), 0.15, 0.07),
    "marrow_red": Tissue(0.75, 700, 850, 50, 12, 0.45, 0.05, 0.42, (0.6, 0.8, 0.8, 0.4), 0.25, 0.08),
    "fluid": Tissue(1.0, 3200, 3700, 900, 600, 2.7, 0.0, 0.0, (0, 0, 0.02, 0.05), 0.2, 0.01),
    "csf": Tissue(1.0, 3800, 4200, 1500, 900, 3.1, 0.0, 0.0, (0, 0, 0, 0), 0.1, 0.01, 0.1),
    "blood_artery": Tissue(0.9, 1450, 1750, 200, 120, 2.2, 0.4, 0.0, (22, 7.5, 4.5, 2.2), 0.2, 0.02, 1.0),
    "blood_vein": Tissue(0.9, 1450, 1700, 140, 55, 2.2, 0.4, 0.0, (3.0, 8.0, 4.5, 2.2), 0.25, 0.03, 0.5),
    "blood_pool": Tissue(0.9, 1450, 1700, 210, 110, 2.2, 0.4, 0.0, (16, 7.5, 4.5, 2.2), 0.2, 0.06, 0.9),
    "liver": Tissue(0.75, 590, 800, 46, 26, 1.15, 0.25, 0.06, (0.7, 2.7, 1.9, 4.2), 0.2, 0.06),
    "bile": Tissue(1.0, 2600, 2900, 650, 350, 2.6, 0.0, 0.0, (0, 0, 0.02, 3.0), 0.45, 0.02),
    "spleen": Tissue(0.82, 1060, 1320, 75, 50, 0.8, 0.12, 0.0, (4.5, 3.5, 2.2, 0.9), 0.15, 0.05),
    "kidney_cortex": Tissue(0.84, 960, 1150, 85, 60, 2.0, 0.22, 0.0, (8, 6, 4.5, 2.5), 0.15, 0.05),
    "kidney_medulla": Tissue(0.86, 1350, 1550, 100, 60, 1.85, 0.2, 0.0, (1.5, 5.0, 5.0, 3.0), 0.15, 0.06),
    "pancreas": Tissue(0.78, 580, 725, 55, 40, 1.4, 0.2, 0.1, (4.5, 3.0, 1.9, 0.8), 0.2, 0.1),
    "bowel_wall": Tissue(0.75, 950, 1150, 55, 30, 1.35, 0.15, 0.02, (2.0, 3.0, 2.3, 0.9), 0.2, 0.1),
    "bowel_content": Tissue(0.8, 1300, 1500, 170, 35, 1.8, 0.0, 0.05, (0, 0, 0.02, 0.1), 0.6, 0.35),
    "gas": _NOTHING,
    "lung": Tissue(0.16, 1200, 1300, 30, 1.4, 1.8, 0.3, 0.0, (4, 3, 2, 0.8), 0.25, 0.15),
    "tumor": Tissue(0.84, 1050, 1250, 78, 50, 1.1, 0.18, 0.01, (5.5, 2.3, 1.4, 0.5), 0.3, 0.12),
    "metastasis": Tissue(0.83, 1080, 1300, 80, 55, 1.05, 0.1, 0.0, (0.7, 1.4, 1.5, 0.5), 0.3, 0.12),
    "hemangioma": Tissue(0.92, 1500, 1700, 165, 120, 1.9, 0.15, 0.0, (2.5, 4.5, 4.0, 1.6), 0.25, 0.08),
    "gray_matter": Tissue(0.84, 1150, 1550, 98, 66, 0.82, 0.04, 0.0, (0.25, 0.2, 0.12, 0.05), 0.07, 0.03),
    "white_matter": Tissue(0.70, 640, 880, 76, 58, 0.73, 0.02, 0.0, (0.1, 0.08, 0.05, 0.02), 0.07, 0.02),
    "white_matter_lesion": Tissue(
        0.86, 1150, 1500, 165, 100, 1.2, 0.02, 0.0, (0.15, 0.8, 1.0, 0.3), 0.2, 0.1
    ),
    "deep_gray": Tissue(0.77, 950, 1280, 76, 40, 0.75, 0.03, 0.0, (0.25, 0.2, 0.12, 0.05), 0.08, 0.03),
    "vitreous": Tissue(1.0, 3500, 4000, 1100, 700, 2.8, 0.0, 0.0, (0, 0, 0, 0), 0.1, 0.01),
    "disc": Tissue(0.8, 950, 1200, 85, 55, 1.6, 0.0, 0.0, (0, 0.05, 0.2, 0.15), 0.35, 0.1),
    "cord": Tissue(0.72, 800, 1000, 78, 50, 0.85, 0.02, 0.0, (0.1, 0.1, 0.05, 0.02), 0.1, 0.04),
    "cartilage": Tissue(0.72, 1050, 1240, 40, 25, 1.3, 0.0, 0.0, (0, 0.05, 0.2, 0.2), 0.2, 0.06),
    "tendon": Tissue(0.35, 450, 550, 6, 3, 0.8, 0.0, 0.02, (0.05, 0.15, 0.2, 0.1), 0.3, 0.1),
    "prostate_transition": Tissue(0.83, 1150, 1450, 90, 65, 1.4, 0.1, 0.0, (2.5, 3.2, 2.6, 1.0), 0.2, 0.2),
    "prostate_peripheral": Tissue(0.9, 1350, 1650, 150, 95, 1.8, 0.08, 0.0, (1.2, 2.4, 2.6, 1.0), 0.2, 0.12),
    "prostate_lesion": Tissue(0.82, 1150, 1450, 78, 60, 0.85, 0.08, 0.0, (4.0, 3.0, 2.1, 0.8), 0.2, 0.08),
    "seminal_vesicle": Tissue(0.95, 1700, 2000, 260, 170, 2.1, 0.03, 0.0, (0.6, 1.5, 1.9, 0.9), 0.25, 0.25),
    "uterus": Tissue(0.82, 1150, 1400, 75, 50, 1.4, 0.15, 0.0, (2.0, 3.5, 3.0, 1.2), 0.25, 0.1),
    "glandular": Tissue(0.82, 1150, 1400, 58, 40, 1.8, 0.06, 0.1, (0.5, 1.3, 1.7, 0.8), 0.25, 0.2),
    "myocardium": Tissue(0.8, 1000, 1200, 52, 35, 1.5, 0.12, 0.01, (2.5, 3.0, 2.2, 0.9), 0.1, 0.05),
    "stroma": Tissue(0.62, 850, 1050, 36, 20, 1.1, 0.08, 0.02, (0.5, 1.2, 1.8, 1.0), 0.25, 0.08),
    "mucosa": Tissue(0.88, 1200, 1400, 125, 80, 1.6, 0.15, 0.0, (2.5, 4.0, 3.2, 1.2), 0.25, 0.08),
}
NAMES: tuple[str, ...] = tuple(TISSUES)
INDEX: Mapping[str, int] = {name: index for index, name in enumerate(NAMES)}
FREE_WATER = frozenset(("fluid", "csf", "vitreous"))


@dataclass(frozen=True)
class TissuesDrawn:
    """The tissues of one person at one field: float32 arrays in the order of NAMES.

    ``t1``, ``t2`` and ``t2_star`` are of the water part in ms, ``fat_t1`` and ``fat_t2`` of all fat;
    ``uptake`` is (tissues, phases) in 1/s.
    """

    pd: NDArray[np.float32]
    t1: NDArray[np.float32]
    t2: NDArray[np.float32]
    t2_star: NDArray[np.float32]
    adc: NDArray[np.float32]
    ivim: NDArray[np.float32]
    fat_fraction: NDArray[np.float32]
    uptake: NDArray[np.float32]
    texture: NDArray[np.float32]
    flow: NDArray[np.float32]
    fat_t1: float
    fat_t2: float
    field: float


def draw_tissues(rng: np.random.Generator, field: float, *, spread: float = 1.0) -> TissuesDrawn:
    """The tissues of one person at ``field`` tesla; ``spread`` 0 gives the table, 1 people as they differ."""
    table = [TISSUES[name] for name in NAMES]
    n = len(table)
    own = np.array([t.spread for t in table])

    def varied(values: Sequence[float], scale: float = 1.0) -> NDArray[np.float32]:
        factor = np.exp(np.clip(rng.normal(0, 1, n), -2, 2) * own * scale * spread)
        return np.asarray(np.array(values) * factor, np.float32)

    # All times of a person shift together a little: temperature, field, calibration of the sources.
    shift = np.exp(rng.normal(0, 0.06, 3) * spread)
    t2 = varied([t.t2_at(field) for t in table]) * shift[1]
    t2_star = np.minimum(varied([t.t2_star_at(field) for t in table]) * shift[2], 0.95 * t2)
    fat_fraction = varied([t.fat_fraction for t in table], 0.8)
    if spread and chance(rng, 0.3):  # fatty liver
        fat_fraction[INDEX["liver"]] = log_uniform(rng, (0.08, 0.35))
    if spread and chance(rng, 0.06):  # iron in liver and spleen
        overload = log_uniform(rng, (0.12, 0.6))
        t2_star[INDEX["liver"]] *= overload
        t2_star[INDEX["spleen"]] *= overload**0.7
        t2[INDEX["liver"]] *= overload**0.4
    uptake = np.array([t.uptake for t in table]) * np.exp(rng.normal(0, 0.2 * spread, (n, 4)))
    pd = np.asarray(varied([t.pd for t in table], 0.35), np.float32)
    fat_index = INDEX["fat"]
    return TissuesDrawn(
        pd=np.minimum(pd, 1.1),
        t1=np.asarray(varied([t.t1(field) for t in table], 0.8) * shift[0], np.float32),
        t2=np.asarray(t2, np.float32),
        t2_star=np.asarray(t2_star, np.float32),
        adc=varied([t.adc for t in table]),
        ivim=np.minimum(varied([t.ivim for t in table], 1.5), 0.5),
        fat_fraction=np.clip(fat_fraction, 0, 0.97),
        uptake=np.asarray(uptake, np.float32),
        texture=varied([t.texture for t in table], 1.5),
        flow=np.array([t.flow for t in table], np.float32),
        fat_t1=table[fat_index].t1(field) * math.exp(rng.normal(0, 0.08) * spread),
        fat_t2=table[fat_index].t2_at(field) * math.exp(rng.normal(0, 0.12) * spread),
        field=field,
    )


def at_field(tissues: TissuesDrawn, field: float) -> TissuesDrawn:
    """The same person on a scanner of another ``field`` in tesla."""
    if field == tissues.field:
        return tissues
    table = [TISSUES[name] for name in NAMES]

    def moved(values: NDArray[np.float32], new: Sequence[float], old: Sequence[float]) -> NDArray[np.float32]:
        return np.asarray(values * (np.array(new) / np.array(old)), np.float32)

    fat, before = TISSUES["fat"], tissues.field
    return replace(
        tissues,
        t1=moved(tissues.t1, [t.t1(field) for t in table], [t.t1(before) for t in table]),
        t2=moved(tissues.t2, [t.t2_at(field) for t in table], [t.t2_at(before) for t in table]),
        t2_star=moved(
            tissues.t2_star, [t.t2_star_at(field) for t in table], [t.t2_star_at(before) for t in table]
        ),
        fat_t1=tissues.fat_t1 * fat.t1(field) / fat.t1(before),
        fat_t2=tissues.fat_t2 * fat.t2_at(field) / fat.t2_at(before),
        field=field,
    )
