"""Signal equations: how bright every tissue is in a scan.

Spin echo, inversion recovery, spoiled gradient echo (Ernst), balanced SSFP (Freeman-Hill) and echo planar
imaging follow Bernstein, King and Zhou, Handbook of MRI Pulse Sequences (2004); the magnetization-prepared
gradient echo is simplified from Deichmann et al. (NeuroImage 2000;12:112). Fat is brighter in echo trains
because its J-coupling is undone (Henkelman et al., Magn Reson Med 1992;23:44); magnetization transfer darkens
solid tissue in multislice echo trains (Melki and Mulkern, Magn Reson Med 1992;24:184). Diffusion is
biexponential (Le Bihan et al., Radiology 1988;168:497). Contrast agents add to both relaxation rates (Rohrer
et al., Invest Radiol 2005;40:715). Opposed phase subtracts fat from water in the voxel (Dixon, Radiology
1984;153:189).

A ``Scan`` holds every number that the equations need: randomness is in ``scan_of``, ``signal`` is pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.simulation.draws import chance, log_uniform, one_of
from SeriesClassifierLib.simulation.tissues import INDEX, NAMES, TissuesDrawn

if TYPE_CHECKING:
    from SeriesClassifierLib.simulation.headers import SimulatedPart
    from SeriesClassifierLib.simulation.protocols import Range

Floats = NDArray[np.float32]
Agent = tuple[float, float, float, float]  # share of the uptake of each of tissues.PHASES

NO_AGENT: Agent = (0.0, 0.0, 0.0, 0.0)
FAT_SHIFT = 3.4e-6 * 42.577e6  # Hz between fat and water at 1 T
EPI = frozenset({"DWI", "GRE_EPI", "SE_EPI", "ASL_2D", "PERFUSION_MAP"})
SPIN_ECHO = frozenset({"SE", "TSE", "TSE_3D", "HASTE", "IR_TSE", "IR_TSE_3D", "DIXON_TSE", "T2_MAP"})
BALANCED = frozenset({"BSSFP_3D", "BSSFP_2D", "CINE", "MOLLI"})
PREPARED = frozenset({"MP_GRE", "MP_GRE_2D", "MP_GRE_DYN", "LGE"})


@dataclass(frozen=True)
class Scan:
    """One acquisition. Times in ms, angles in degrees, ``field`` in tesla, b in s/mm2.

    ``image`` is what is shown: magnitude, water, fat, opposed, phase, adc, calculated_b, fa, subtraction,
    venous, perfusion, cbf, relaxation, velocity, wave, spectrum or screen. ``projection`` is "", max, min or
    mean. ``fat_suppression`` is none, fatsat, stir or dixon and ``fat_residual`` the share of fat signal that
    survives it; ``fat_phase`` (radians) is the angle between fat and water at the echo. ``agent`` is the
    uptake at the time of the scan, ``agent_before`` that of the images a subtraction takes away; ``bolus``
    is the first pass that T2*-weighted perfusion sees, 0 to 1. The other numbers are efficiencies.
    """

    technique: str
    sequence: str
    derived: str = "ORIGINAL"
    image: str = "magnitude"
    projection: str = ""
    tr: float = 500.0
    te: float = 10.0
    flip: float = 90.0
    ti: float = 0.0
    etl: float = 1.0
    field: float = 1.5
    fat_suppression: str = "none"
    fat_residual: float = 1.0
    fat_phase: float = 0.0
    b_value: float = 0.0
    b_pair: tuple[float, float] = (0.0, 800.0)
    agent: Agent = NO_AGENT
    agent_before: Agent = NO_AGENT
    bolus: float = 0.0
    fat_coupling: float = 1.0
    magnetization_transfer: float = 0.15
    flow_void: float = 0.7
    inflow: float = 0.0
    efficiency: float = 0.95


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


# ------------------------------------------------------------------------------------------- drawing a scan

_PHASE_SHARES: Mapping[str, tuple[tuple[Range, Range, Range, Range], ...]] = {
    "ART": (((0.5, 1.1), (0.0, 0.15), (0, 0), (0, 0)), ((0.5, 1.0), (0.15, 0.5), (0, 0), (0, 0))),
    "PORTVEN": (((0.0, 0.1), (0.75, 1.1), (0.0, 0.1), (0, 0)),),
    "LATE": (((0, 0), (0.05, 0.4), (0.6, 1.0), (0, 0)), ((0, 0), (0, 0), (0.6, 0.9), (0.1, 0.4))),
    "HEPA": (((0, 0), (0, 0), (0.0, 0.1), (0.65, 1.15)),),
    "POST": (((0.0, 0.2), (0.3, 1.0), (0.0, 0.5), (0, 0)), ((0, 0), (0.0, 0.3), (0.6, 1.1), (0, 0))),
}
_FAT_WORDS = frozenset({"FS", "SFS", "WE", "FATSAT", "DFS"})
_ALWAYS_SUPPRESSED = frozenset({"DWI", "GRE_EPI", "SE_EPI", "PERFUSION_MAP", "ASL_2D", "ASL_3D"})


def draw_agent(rng: np.random.Generator, phase: str, dose: float | None = None) -> Agent:
    """The uptake in ``phase``, timed and dosed by chance."""
    if phase not in _PHASE_SHARES:
        return NO_AGENT
    options = _PHASE_SHARES[phase]
    shares = options[int(rng.integers(len(options)))]
    dose = log_uniform(rng, (0.6, 1.4)) if dose is None else dose
    a, p, v, h = (dose * rng.uniform(*share) for share in shares)
    return (a, p, v, h)


def agent_at(seconds: float, dose: float = 1.0) -> Agent:
    """The uptake ``seconds`` after an injection: the phases follow each other smoothly."""
    if seconds <= 0:
        return NO_AGENT

    def hump(peak: float, rise: float, fall: float) -> float:
        width = rise if seconds < peak else fall
        return math.exp(-(((seconds - peak) / width) ** 2))

    late = 1 / (1 + math.exp(-(seconds - 110) / 25))
    return (dose * hump(25, 7, 12), dose * hump(65, 22, 55), dose * late * math.exp(-seconds / 2400), 0.0)


def scan_of(
    rng: np.random.Generator, part: SimulatedPart, *, agent: Agent | None = None, dose: float | None = None
) -> Scan:
    """The scan that acquired ``part``: its true parameters, and what its header does not say drawn.

    ``agent`` fixes the uptake of contrast agent (a study knows the time since its injection).
    """
    protocol, technique = part.protocol, part.protocol.technique
    tags = Instance("", 0, part.acquired)

    def number(keyword: str, bounds: Range) -> float:
        value = tags.number(keyword)
        return value if value is not None and value > 0 else log_uniform(rng, bounds)

    te = number("EchoTime", protocol.te)
    scan = Scan(
        technique=technique,
        sequence=part.sequence,
        derived=part.derived,
        image=_image(rng, part),
        projection=_projection(part),
        tr=max(number("RepetitionTime", protocol.tr), 1.02 * te),
        te=te,
        flip=number("FlipAngle", protocol.flip),
        ti=number("InversionTime", protocol.ti or (500, 1000)),
        etl=_train_length(rng, part, tags),
        field=part.field,
        fat_coupling=rng.uniform(0.5, 1.5),
        magnetization_transfer=rng.uniform(0.05, 0.35),
        flow_void=_flow_void(rng, technique, te),
        inflow=_inflow(rng, technique),
        efficiency=rng.uniform(0.88, 1.0),
        bolus=_bolus(rng, part),
        agent=agent if agent is not None else _agent(rng, part, dose),
    )
    if scan.image == "subtraction" and not any(scan.agent):
        scan = replace(scan, agent=draw_agent(rng, "ART" if part.sequence == "MRA" else "POST", dose))
    scan = _with_fat(rng, scan, part, tags)
    scan = _with_inversion(rng, scan)
    if part.sequence in ("DWI", "ADC"):
        scan = _with_b_values(rng, scan, part)
    return scan


def _image(rng: np.random.Generator, part: SimulatedPart) -> str:
    technique, derived = part.protocol.technique, part.derived
    by_technique = {"PERFUSION_MAP": "perfusion", "SPECTROSCOPY": "spectrum", "SCREEN": "screen"}
    kinds = set(Instance("", 0, part.acquired).tokens("ImageType"))
    if derived == "FA":
        return "fa"
    if derived == "CALC_BVAL":
        return "calculated_b"
    if derived == "SUB":
        return "subtraction"
    if derived == "PHASE":
        return "velocity" if technique == "PC" else "phase"
    if part.sequence == "ADC":
        return "adc"
    if part.sequence == "SWI" and derived != "MAGNITUDE":
        return "venous"
    if technique in by_technique:
        return by_technique[technique]
    if technique.startswith("ASL"):
        says_map = kinds & {"CBF", "RELCBF"}
        return (
            "cbf"
            if says_map or ("DERIVED" in kinds and chance(rng, 0.8)) or chance(rng, 0.15)
            else "magnitude"
        )
    if technique in ("MOLLI", "T2_MAP", "ME_GRE") and any("MAP" in k or "R2" in k for k in kinds):
        return "relaxation"
    if technique == "ELASTOGRAPHY":
        return "wave" if chance(rng, 0.6) else "magnitude"
    return {"DIXON_OPP": "opposed", "DIXON_W": "water", "DIXON_F": "fat"}.get(part.sequence, "magnitude")


def _projection(part: SimulatedPart) -> str:
    if part.derived == "MIP":
        return "min" if part.sequence == "SWI" else "max"
    return "mean" if part.sequence == "MRCP" and part.stack.thickness > 12 else ""


def _train_length(rng: np.random.Generator, part: SimulatedPart, tags: Instance) -> float:
    technique = part.protocol.technique
    if technique not in SPIN_ECHO or technique == "SE":
        return 1.0
    written = tags.number("EchoTrainLength") or 1.0
    return written if written > 1 else log_uniform(rng, part.protocol.etl)


def _inflow(rng: np.random.Generator, technique: str) -> float:
    if technique.startswith("TOF"):
        return rng.uniform(0.5, 1.0)
    if technique == "PC":
        return rng.uniform(0.2, 0.9)
    if technique in ("SPGR_2D", "SPGR_2D_FAST", "DUAL_ECHO_2D", "GRE_2D", "ME_GRE"):
        return rng.uniform(0.0, 0.5)
    return rng.uniform(0.0, 0.06)


def _flow_void(rng: np.random.Generator, technique: str, te: float) -> float:
    if te > 200:
        return rng.uniform(0.9, 1.0)
    return rng.uniform(0.2, 0.95) if technique == "HASTE" else rng.uniform(0.35, 1.0)


def _bolus(rng: np.random.Generator, part: SimulatedPart) -> float:
    if part.protocol.technique == "PERFUSION_MAP":
        return rng.uniform(0, 0.9)
    if part.sequence == "PERFUSION":
        return rng.uniform(0.1, 1.0) if chance(rng, 0.3) else rng.uniform(0, 0.05)
    return 0.0


def _agent(rng: np.random.Generator, part: SimulatedPart, dose: float | None) -> Agent:
    phase = part.phase
    if part.sequence == "DCE" and phase in ("NONE", "POST"):
        if phase == "NONE" and chance(rng, 0.35):
            return NO_AGENT
        seconds = log_uniform(rng, (15, 400))
        return agent_at(seconds, dose or log_uniform(rng, (0.6, 1.4)))
    if part.protocol.technique == "CE_MRA" and phase == "POST":
        phase = "PORTVEN"
    return draw_agent(rng, phase, dose)


def _with_fat(rng: np.random.Generator, scan: Scan, part: SimulatedPart, tags: Instance) -> Scan:
    technique = scan.technique
    phase = 2 * math.pi * FAT_SHIFT * scan.field * scan.te / 1000
    if technique in SPIN_ECHO or technique in BALANCED or technique in _ALWAYS_SUPPRESSED:
        phase = 0.0
    elif part.sequence not in ("DIXON_IN", "DIXON_OPP") and chance(rng, 0.6):
        phase = rng.normal(0, 0.5)  # most sites choose an echo in phase
    if part.sequence in ("DIXON_IN", "DIXON_OPP"):
        phase = rng.normal(0, 0.15) + (math.pi if part.sequence == "DIXON_OPP" else 0.0)
    if part.sequence.startswith("DIXON"):
        return replace(scan, fat_suppression="dixon", fat_phase=phase)
    words = set(tags.tokens("ScanOptions"))
    spatial_spectral = "SS_GEMS" in words and technique not in ("HASTE", "SPGR_3D")
    said = bool(words & _FAT_WORDS) or spatial_spectral
    probability = 0.97 if technique in _ALWAYS_SUPPRESSED or part.sequence == "MRCP" else 0.06
    if not said and not chance(rng, probability):
        return replace(scan, fat_phase=phase)
    residual = log_uniform(rng, (0.02, 0.2))
    return replace(scan, fat_suppression="fatsat", fat_residual=residual, fat_phase=phase)


def _with_inversion(rng: np.random.Generator, scan: Scan) -> Scan:
    """Sites set the inversion so that what should vanish does; the header's number is only near."""
    technique = scan.technique
    if technique.startswith("IR_TSE"):
        if scan.sequence == "FLAIR":
            scan = replace(
                scan, ti=null_time(_CSF_T1 * (scan.field / 1.5) ** 0.1, scan) * rng.uniform(0.93, 1.04)
            )
        elif scan.ti < 300:
            null = null_time(_FAT_T1 * (scan.field / 1.5) ** 0.33, scan) * rng.uniform(0.92, 1.08)
            scan = replace(scan, ti=null, fat_suppression="stir")
    elif technique == "LGE":
        scan = replace(scan, ti=rng.uniform(180, 320), tr=max(scan.tr, 700.0))
    elif technique == "MP_GRE":
        # The inner repetition time stands in some headers, and centers of k-space lie later than TI says.
        scan = replace(scan, ti=max(scan.ti, rng.uniform(650, 950)))
        scan = replace(scan, tr=max(scan.tr, scan.ti * rng.uniform(1.8, 2.6)))
    return scan


_CSF_T1, _FAT_T1 = 3800.0, 290.0


def null_time(t1: float, scan: Scan) -> float:
    """The inversion time in ms that nulls what relaxes with ``t1``, given the repetition of ``scan``."""
    tr = max(scan.tr - min(0.5 * scan.tr, 9.0 * scan.etl), 0.3 * scan.tr) if scan.etl > 1 else scan.tr
    return t1 * math.log((1 + scan.efficiency) / (1 + scan.efficiency * math.exp(-tr / t1)))


def _with_b_values(rng: np.random.Generator, scan: Scan, part: SimulatedPart) -> Scan:
    header = part.header
    brain = part.region in ("brain", "head_neck", "spine")
    high = one_of(rng, (700, 800, 1000, 1000, 1500) if brain else (400, 500, 600, 800, 800, 1000, 1400))
    low = 0.0 if brain else one_of(rng, (0, 0, 50, 50, 100))
    b = header.b_value if header.b_source and header.b_value is not None else None
    if b is None:
        b = one_of(rng, (0, high) if brain else (0, 50, 400, high, high))
    if scan.derived == "CALC_BVAL":
        b = b if b >= 1000 else one_of(rng, (1400, 1500, 2000))
    return replace(scan, b_value=0.0 if scan.image in ("adc", "fa") else b, b_pair=(low, high))
