"""Signal equations: how bright every tissue is in a scan.

Spin echo, inversion recovery, spoiled gradient echo (Ernst), balanced SSFP (Freeman-Hill) and echo planar
imaging follow Bernstein, King and Zhou, Handbook of MRI Pulse Sequences (2004); the magnetization-prepared
gradient echo is simplified from Deichmann et al. (NeuroImage 2000;12:112). Fat is brighter in echo trains
because its J-coupling is undone (Henkelman et al., Magn Reson Med 1992;23:44); magnetization transfer darkens
solid tissue in multislice echo trains (Melki and Mulkern, Magn Reson Med 1992;24:184). Diffusion is
biexponential (Le Bihan et al., Radiology 1988;168:497). Contrast agents add to both relaxation rates (Rohrer
et al., Invest Radiol 2005;40:715). Opposed phase subtracts fat from water in the voxel (Dixon, Radiology
1984;153:189).

Nothing here is random: ``scans`` draws the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.scans import BALANCED, FAT_SHIFT, PREPARED, SPIN_ECHO, Scan
from SeriesClassifierLib.simulation.tissues import INDEX, NAMES, TissuesDrawn

Floats = NDArray[np.float32]


class Signal(NamedTuple):
    """Signal of every tissue in the order of NAMES, relative to fully relaxed water; signed, before
    magnitude.
    """

    water: Floats
    fat: Floats


def signal(scan: Scan, tissues: TissuesDrawn) -> Signal:
    """What ``scan`` makes of water and of fat in every tissue."""
    if scan.image in _MAPS:
        return _MAPS[scan.image](scan, tissues)
    added = tissues.uptake @ np.array(scan.agent, np.float32)
    t1 = np.asarray(1 / (1 / tissues.t1 + added / 1000), np.float32)
    t2 = np.asarray(1 / (1 / tissues.t2 + 1.2 * added / 1000), np.float32)
    faster = 1 / tissues.t2_star + 1.4 * added / 1000 + scan.bolus * _BOLUS
    t2_star = np.asarray(1 / faster, np.float32)
    water = tissues.pd * (1 - tissues.fat_fraction) * _family(scan, t1, t2, t2_star)
    water = water * _transfer(scan, tissues) * _moving(scan, tissues)
    water = water * _diffusion(scan.b_value, tissues)
    fat_t1 = np.full_like(t1, tissues.fat_t1)
    fat_t2 = np.full_like(t2, tissues.fat_t2 * (1 + _trains(scan) * scan.fat_coupling))
    slower = 1 / fat_t2 + np.maximum(0, 1 / tissues.t2_star - 1 / tissues.t2)
    fat_t2_star = np.asarray(1 / slower, np.float32)
    fat = tissues.pd * tissues.fat_fraction * _family(scan, fat_t1, fat_t2, fat_t2_star)
    fat = fat * scan.fat_residual * math.exp(-scan.b_value * 5e-5)
    if scan.technique in BALANCED and int(FAT_SHIFT * scan.field * _inner_tr(scan) / 1000 + 0.5) % 2:
        fat = -fat  # every second band of balanced SSFP turns fat over
    return Signal(np.asarray(water, np.float32), np.asarray(fat, np.float32))


def _family(scan: Scan, t1: Floats, t2: Floats, t2_star: Floats) -> Floats:
    """The equation of the pulse sequence, for unit proton density."""
    technique = scan.technique
    if technique in SPIN_ECHO:
        return _spin_echo(scan, t1, t2)
    if technique in BALANCED:
        return _balanced(scan, t1, t2)
    if technique in PREPARED:
        return _prepared(scan, t1, t2_star)
    if technique in ("DWI", "SE_EPI", "ASL_3D"):
        return np.asarray((1 - np.exp(-scan.tr / t1)) * np.exp(-scan.te / t2), np.float32)
    return _spoiled(scan, t1, t2_star)


def _spin_echo(scan: Scan, t1: Floats, t2: Floats) -> Floats:
    tr, te = scan.tr, scan.te
    if scan.technique == "HASTE":
        tr = max(tr, 4000.0)  # every slice is excited once
    elif scan.etl > 1:
        tr = max(tr - min(0.5 * tr, 9.0 * scan.etl), 0.3 * tr)  # the echo train leaves less time to recover
    if scan.technique.endswith("TSE_3D") and te > 100:
        # Low refocusing angles store magnetization along T1, so contrast is that of a much shorter echo time.
        te = 100 + (0.5 if scan.sequence == "MRCP" else 0.15) * (te - 100)
    recovered = 1 - np.exp(-tr / t1)
    if scan.technique.startswith("IR_TSE"):
        recovered = 1 - (1 + scan.efficiency) * np.exp(-scan.ti / t1) + scan.efficiency * np.exp(-tr / t1)
    # A few percent of tissue water relax slowly, and stimulated echoes decay with T1: seen in MRCP only.
    decay = (1 - _SLOW) * np.exp(-te / t2) + _SLOW * np.exp(-te / np.maximum(t2, _SLOW_T2))
    return np.asarray(recovered * decay, np.float32)


_SLOW, _SLOW_T2 = 0.04, 260.0


def _spoiled(scan: Scan, t1: Floats, t2_star: Floats) -> Floats:
    angle = math.radians(scan.flip)
    e1 = np.exp(-scan.tr / t1)
    steady = math.sin(angle) * (1 - e1) / (1 - math.cos(angle) * e1)
    return np.asarray(steady * np.exp(-scan.te / t2_star), np.float32)


def _inner_tr(scan: Scan) -> float:
    """The time between pulses; headers of segmented scans hold that between segments."""
    return scan.tr if scan.tr < 20 else max(2.0 * scan.te, 2.6)


def _balanced(scan: Scan, t1: Floats, t2: Floats) -> Floats:
    angle, tr = math.radians(scan.flip), _inner_tr(scan)
    e1, e2 = np.exp(-tr / t1), np.exp(-tr / t2)
    steady = math.sin(angle) * (1 - e1) / (1 - (e1 - e2) * math.cos(angle) - e1 * e2)
    if scan.technique == "MOLLI":
        steady = steady * (1 - (1 + scan.efficiency) * np.exp(-scan.ti / t1))
    return np.asarray(steady * np.exp(-scan.te / t2), np.float32)


def _prepared(scan: Scan, t1: Floats, t2_star: Floats) -> Floats:
    if scan.technique == "MP_GRE_DYN":  # saturation recovery
        prepared = 1 - np.exp(-scan.ti / t1)
    else:
        tr = max(scan.tr, 1.6 * scan.ti)
        prepared = 1 - (1 + scan.efficiency) * np.exp(-scan.ti / t1) / (1 + np.exp(-tr / t1))
    return np.asarray(math.sin(math.radians(scan.flip)) * prepared * np.exp(-scan.te / t2_star), np.float32)


def _trains(scan: Scan) -> float:
    """How much of an echo train a scan is, 0 to 1."""
    if scan.technique == "HASTE":
        return 1.0
    return min(1.0, (scan.etl - 1) / 8) if scan.technique in SPIN_ECHO else 0.0


def _transfer(scan: Scan, tissues: TissuesDrawn) -> Floats:
    """Magnetization transfer: solid tissue (short T2) loses signal to the pulses of other slices."""
    solid = np.clip((110 - tissues.t2) / 80, 0, 1)
    strength = scan.magnetization_transfer * max(_trains(scan), 0.3)
    return np.asarray(1 - strength * solid, np.float32)


def _moving(scan: Scan, tissues: TissuesDrawn) -> Floats:
    """Blood leaves the slice of a spin echo between its pulses, and comes in fresh in a gradient echo."""
    if scan.technique in SPIN_ECHO or scan.technique in ("DWI", "SE_EPI", "ASL_3D"):
        return np.asarray(1 - tissues.flow * scan.flow_void, np.float32)
    if scan.inflow <= 0 or scan.technique in BALANCED:
        return np.ones_like(tissues.flow)
    angle = math.radians(scan.flip)
    e1 = np.exp(-scan.tr / tissues.t1)
    gain = (1 - math.cos(angle) * e1) / np.maximum(1 - e1, 1e-4)
    return np.asarray(1 + scan.inflow * tissues.flow * (np.minimum(gain, 12.0) - 1), np.float32)


def _diffusion(b: float, tissues: TissuesDrawn) -> Floats:
    if b <= 0:
        return np.ones_like(tissues.adc)
    fast = tissues.ivim * np.exp(-b * tissues.adc * 0.012)
    slow = (1 - tissues.ivim) * np.exp(-b * tissues.adc * 1e-3)
    return np.asarray((fast + slow) * np.exp(-b * 0.02 * tissues.flow), np.float32)


def _by_name(values: Mapping[str, float], rest: float) -> Floats:
    return np.array([values.get(name, rest) for name in NAMES], np.float32)


# First pass of a bolus in T2*-weighted images (1/ms), fractional anisotropy and blood volume by tissue.
_BOLUS = _by_name(
    {
        "blood_artery": 0.12,
        "blood_vein": 0.12,
        "gray_matter": 0.022,
        "deep_gray": 0.02,
        "white_matter": 0.009,
    },
    0.01,
)
_BOLUS[[INDEX[n] for n in ("csf", "fluid", "vitreous", "fat", "marrow_yellow")]] = 0.0
_ANISOTROPY = _by_name(
    {
        "white_matter": 0.55,
        "gray_matter": 0.15,
        "deep_gray": 0.25,
        "csf": 0.08,
        "fluid": 0.08,
        "vitreous": 0.08,
        "cord": 0.55,
        "white_matter_lesion": 0.25,
        "muscle": 0.3,
        "fat": 0.35,
        "skin": 0.35,
        "air": 0.0,
        "gas": 0.0,
    },
    0.22,
)
_VOLUME = _by_name(
    {
        "blood_artery": 3.0,
        "blood_vein": 3.2,
        "gray_matter": 1.0,
        "deep_gray": 0.85,
        "white_matter": 0.38,
        "csf": 0.06,
        "fluid": 0.02,
        "vitreous": 0.02,
        "fat": 0.05,
        "skin": 0.15,
        "muscle": 0.2,
        "air": 0.0,
        "gas": 0.0,
        "white_matter_lesion": 0.2,
        "cortical_bone": 0.0,
        "tumor": 1.6,
        "metastasis": 0.8,
        "cord": 0.3,
    },
    0.6,
)


def _map(values: Floats) -> Signal:
    return Signal(np.asarray(values, np.float32), np.zeros(len(NAMES), np.float32))


def _anisotropy(scan: Scan, tissues: TissuesDrawn) -> Signal:
    return _map(_ANISOTROPY)


def _perfusion(scan: Scan, tissues: TissuesDrawn) -> Signal:
    """Blood volume, or with ``bolus`` above 0.5 a time: long where little flows."""
    if scan.bolus <= 0.5:
        return _map(_VOLUME)
    inside = (tissues.pd > 0.2).astype(np.float32)
    return _map(inside * (0.5 + 0.5 / (0.6 + _VOLUME)))


def _blood_flow(scan: Scan, tissues: TissuesDrawn) -> Signal:
    return _map(np.minimum(_VOLUME, 1.3))


def _relaxation(scan: Scan, tissues: TissuesDrawn) -> Signal:
    """A map of T1 or T2 in ms; fat has its own."""
    water = (
        tissues.t1
        if scan.technique == "MOLLI"
        else tissues.t2_star
        if scan.technique == "ME_GRE"
        else tissues.t2
    )
    fat = tissues.fat_t1 if scan.technique == "MOLLI" else tissues.fat_t2
    inside = (tissues.pd > 0.2).astype(np.float32)
    return _map(inside * (water * (1 - tissues.fat_fraction) + fat * tissues.fat_fraction))


_MAPS = {"fa": _anisotropy, "perfusion": _perfusion, "cbf": _blood_flow, "relaxation": _relaxation}
