"""Scans: every number that the signal equations need, drawn for a part."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.simulation.contrast import NO_AGENT, Agent, agent_at, draw_agent
from SeriesClassifierLib.simulation.draws import chance, log_uniform, one_of

if TYPE_CHECKING:
    from SeriesClassifierLib.simulation.headers import SimulatedPart
    from SeriesClassifierLib.simulation.protocols import Range

FAT_SHIFT = 3.4e-6 * 42.577e6  # Hz between fat and water at 1 T
EPI = frozenset({"DWI", "GRE_EPI", "SE_EPI", "ASL_2D", "PERFUSION_MAP"})
SPIN_ECHO = frozenset({"SE", "TSE", "TSE_3D", "HASTE", "IR_TSE", "IR_TSE_3D", "DIXON_TSE", "T2_MAP"})
BALANCED = frozenset({"BSSFP_3D", "BSSFP_2D", "CINE", "MOLLI"})
PREPARED = frozenset({"MP_GRE", "MP_GRE_2D", "MP_GRE_DYN", "LGE"})
_FAT_WORDS = frozenset({"FS", "SFS", "WE", "FATSAT", "DFS"})
_ALWAYS_SUPPRESSED = frozenset({"DWI", "GRE_EPI", "SE_EPI", "PERFUSION_MAP", "ASL_2D", "ASL_3D"})
_CSF_T1, _FAT_T1 = 3800.0, 290.0


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
