"""Simulated headers: a protocol is drawn, acquired on a drawn scanner, written in its vendor's dialect, then
damaged.

The physics is kept where it carries information: echo times of in and opposed phase follow the field
strength, the
field of view follows pixel and matrix, times since the bolus follow the contrast phase, pixel ranges follow
what the
picture is. All randomness comes from the generator passed in: the same seed gives the same headers.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from typing import TypeVar

import numpy as np

from SeriesClassifierLib.headers.features import fat_water_cosine
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.parts.diffusion import b_value, is_calculated
from SeriesClassifierLib.records import Instance, TagValue
from SeriesClassifierLib.simulation.dialects import (
    FAT_SAT_OPTIONS,
    IMAGE_TYPES,
    MANUFACTURERS,
    STYLES,
    VENDOR_WEIGHTS,
)
from SeriesClassifierLib.simulation.protocols import PROTOCOLS, Protocol, Range

_T = TypeVar("_T")
_GYROMAGNETIC = 42.577
_EPI = frozenset({"DWI", "GRE_EPI", "SE_EPI", "ASL_2D", "PERFUSION_MAP"})
_INNER_TR = frozenset({"GE", "PHILIPS", "CANON", "HITACHI"})


@dataclass(frozen=True)
class SimulatedPart:
    """One simulated part: its header and the truth about it."""

    header: PartHeader
    sequence: str
    phase: str
    region: str
    derived: str
    plane: str
    vendor: str


def draw_part(
    rng: np.random.Generator,
    *,
    sequence: str | None = None,
    region: str | None = None,
    vendor: str | None = None,
    field: float | None = None,
) -> SimulatedPart:
    """One undamaged header. What is not given is drawn; ``field`` in tesla.

    Raises ValueError when no protocol acquires ``sequence`` in ``region``.
    """
    protocol = draw_protocol(rng, sequence, region)
    region = region or _choice(rng, protocol.regions)
    vendor = vendor or _choice(rng, VENDOR_WEIGHTS)
    return acquire(rng, protocol, region, vendor, field or _draw_field(rng))


def draw_protocol(rng: np.random.Generator, sequence: str | None, region: str | None) -> Protocol:
    """A protocol by its weight, classes tempered so that rare ones are seen often enough."""
    candidates, cumulative = _candidates(sequence, region)
    if not candidates:
        raise ValueError(f"no protocol acquires {sequence} in {region}")
    return candidates[bisect(cumulative, rng.random() * cumulative[-1], hi=len(candidates) - 1)]


@cache
def _candidates(sequence: str | None, region: str | None) -> tuple[tuple[Protocol, ...], tuple[float, ...]]:
    """The protocols that fit, and their cumulative weights."""
    found = tuple(
        p
        for p in PROTOCOLS
        if sequence in (None, p.sequence) and (region is None or p.regions.get(region, 0) > 0)
    )
    totals: dict[str, float] = {}
    for p in found:
        totals[p.sequence] = totals.get(p.sequence, 0.0) + p.weight
    weights = [
        p.weight
        / math.sqrt(totals[p.sequence])
        * (1.0 if region is None else p.regions[region] / sum(p.regions.values()))
        for p in found
    ]
    return found, tuple(accumulate(weights))


def acquire(
    rng: np.random.Generator, protocol: Protocol, region: str, vendor: str, field: float
) -> SimulatedPart:
    """Acquire ``protocol`` once on a scanner of ``vendor`` at ``field`` tesla."""
    phase = _choice(rng, protocol.phases)
    derived = _choice(rng, protocol.derived)
    geometry = _Geometry.draw(rng, protocol, derived)
    tags: dict[str, TagValue] = {}
    tags.update(_device(rng, vendor, field, region))
    tags.update(_timing(rng, protocol, vendor, field))
    tags.update(_codes(rng, protocol, vendor, derived))
    tags.update(geometry.tags(rng, vendor))
    tags.update(_pixels(rng, protocol, vendor, derived))
    tags.update(_contrast(rng, phase, vendor))
    series_b = _diffusion(rng, protocol, vendor, derived, region, tags)
    series_times = _times(rng, protocol, geometry, tags, vendor)
    kind = _image_kind(rng, protocol, derived)
    image_type = _image_type(rng, kind, vendor, protocol)
    tags["ImageType"] = image_type
    if "MOSAIC" in image_type:
        geometry = geometry.mosaic()
        side = math.ceil(math.sqrt(geometry.mosaic_slices))
        tags["Rows"] = float(tags["Rows"]) * side  # type: ignore[arg-type]
        tags["Columns"] = float(tags["Columns"]) * side  # type: ignore[arg-type]
    header = _header(rng, protocol, tags, geometry, series_b, series_times, phase)
    return SimulatedPart(header, protocol.sequence, phase, region, derived, geometry.plane, vendor)


# --- small draws
# ---------------------------------------------------------------------------------------------------


def _choice(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    remaining = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        remaining -= weight
        if remaining < 0:
            return name
    return name


def _pick(rng: np.random.Generator, options: Sequence[_T]) -> _T:
    return options[int(rng.integers(len(options)))]


def _one_of(rng: np.random.Generator, options: Sequence[float]) -> float:
    return float(options[int(rng.integers(len(options)))])


def _log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    low, high = bounds
    return float(math.exp(rng.uniform(math.log(low), math.log(high)))) if high > low else float(low)


def _chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _draw_field(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.46:
        return 1.5
    if kind < 0.9:
        return 3.0
    return _one_of(rng, [0.2, 0.35, 0.4, 0.55, 1.0, 1.2, 7.0])


def _values(text: str) -> TagValue | None:
    parts = tuple(v for v in text.split("\\") if v)
    if not parts:
        return None
    return parts if len(parts) > 1 else parts[0]


# --- groups of tags
# ------------------------------------------------------------------------------------------------

_COILS = {
    "brain": (
        "HeadMatrix",
        "Head_32",
        "HE1-4;NE1,2",
        "8HRBRAIN",
        "HNS HEAD",
        "MULTI COIL",
        "SENSE-Head-8",
        "dS HeadSpine",
        "Head 24",
        "QD Head",
    ),
    "head_neck": ("HE1-4;NE1,2", "NeckMatrix", "HNS NECK", "SENSE-NV-16", "HeadNeck_20", "MULTI COIL"),
    "spine": ("SpineMatrix", "SP3-6", "CTLMID", "Spine_32", "SENSE-Spine-15", "8 CTL 345", "Q-Body"),
    "abdomen": (
        "BO1-3;SP2-4",
        "BodyMatrix",
        "Torso",
        "8US TORSOPA",
        "SENSE-XL-Torso",
        "TORSOPA",
        "Body_18",
        "Q-Body",
        "MULTI COIL",
    ),
    "breast": ("Breast_16", "BreastMatrix", "8CHBREAST", "SENSE-Breast-7", "HD Breast"),
    "extremity": (
        "Knee_15",
        "QKNEE",
        "SENSE-Knee-8",
        "Shoulder_16",
        "SHOULDER",
        "KN1",
        "Wrist_16",
        "HDTRKNEE",
        "FlexL",
        "Loop_11",
    ),
    "cardiac": ("Cardiac", "8CARDIAC", "SENSE-Cardiac", "BO1-2;SP2-3", "Body_18"),
}
_POSITIONS = {
    "brain": {"HFS": 1.0},
    "head_neck": {"HFS": 1.0},
    "spine": {"HFS": 0.75, "FFS": 0.25},
    "extremity": {"FFS": 0.6, "HFS": 0.38, "HFP": 0.02},
    "breast": {"HFP": 0.75, "FFP": 0.25},
    "abdomen": {"HFS": 0.55, "FFS": 0.45},
    "prostate": {"HFS": 0.4, "FFS": 0.6},
    "pelvis": {"HFS": 0.4, "FFS": 0.6},
}


def _device(rng: np.random.Generator, vendor: str, field: float, region: str) -> dict[str, TagValue]:
    tags: dict[str, TagValue] = {
        "Modality": "MR",
        "Manufacturer": _pick(rng, MANUFACTURERS[vendor]),
        "MagneticFieldStrength": round(field * _one_of(rng, [1.0, 1.0, 1.0, 0.996, 0.9645]), 4),
        "ImagingFrequency": round(field * _GYROMAGNETIC * rng.uniform(0.96, 1.001), 4),
        "PatientPosition": _choice(rng, _POSITIONS.get(region, {"HFS": 0.6, "FFS": 0.4})),
        "PatientSex": "M" if region == "prostate" else "F" if region == "breast" else _pick(rng, ("M", "F")),
        "SAR": round(_log_uniform(rng, (0.005, 3.9)), 4),
        "BitsStored": _one_of(rng, [12, 12, 16] if vendor in ("SIEMENS", "PHILIPS", "UIH") else [16, 16, 12]),
        "PhotometricInterpretation": "MONOCHROME2",
    }
    if vendor == "GE" and _chance(rng, 0.08):
        tags["MagneticFieldStrength"] = field * 10_000
    coils = _COILS.get(region, _COILS["abdomen"])
    tags["ReceiveCoilName"] = _pick(rng, coils)
    if vendor == "SIEMENS" and _chance(rng, 0.6):
        del tags["ReceiveCoilName"]
    return tags


def _timing(rng: np.random.Generator, protocol: Protocol, vendor: str, field: float) -> dict[str, TagValue]:
    technique = protocol.technique
    tr = _log_uniform(rng, protocol.tr)
    if technique == "MP_GRE" and vendor in _INNER_TR and _chance(rng, 0.85):
        tr = _log_uniform(rng, (4.5, 13))
    te = _echo_time(rng, protocol, field)
    tr = max(tr, te * 1.05)
    etl = round(_log_uniform(rng, protocol.etl))
    if technique in _EPI:
        etl = 1 if vendor == "GE" or _chance(rng, 0.35) else round(_log_uniform(rng, (20, 130)))
    elif technique.startswith("MP_GRE") and vendor == "PHILIPS":
        etl = round(_log_uniform(rng, (80, 260)))
    elif technique in ("DIXON_3D", "DUAL_ECHO_2D", "FIELD_MAP"):
        etl = int(_one_of(rng, [1, 2, 2, 3]))
    elif technique.startswith(("SPGR_3D", "BSSFP")) and vendor in ("PHILIPS", "CANON"):
        etl = int(_one_of(rng, [1, 1, 20, 40, 76]))
    tags: dict[str, TagValue] = {
        "RepetitionTime": round(tr, 3),
        "EchoTime": round(te, 3),
        "FlipAngle": float(round(rng.uniform(*protocol.flip))),
        "EchoTrainLength": float(etl),
        "NumberOfAverages": float(round(_log_uniform(rng, protocol.averages))),
        "PixelBandwidth": round(_log_uniform(rng, protocol.bandwidth), 3),
        "MRAcquisitionType": "3D" if _chance(rng, protocol.three_d) else "2D",
    }
    if protocol.ti is not None and not (technique == "MP_GRE" and vendor == "PHILIPS" and _chance(rng, 0.6)):
        tags["InversionTime"] = round(_log_uniform(rng, protocol.ti), 1)
    elif vendor in ("GE", "PHILIPS") and _chance(rng, 0.25):
        tags["InversionTime"] = 0.0
    if _chance(rng, 0.6):
        tags["VariableFlipAngleFlag"] = (
            "Y" if technique in ("TSE_3D", "IR_TSE_3D") and _chance(rng, 0.4) else "N"
        )
    if vendor in ("SIEMENS", "PHILIPS", "UIH") or _chance(rng, 0.3):
        angio = protocol.sequence == "MRA" and _chance(rng, 0.5)
        tags["AngioFlag"] = "Y" if angio else "N"
    tags["InPlanePhaseEncodingDirection"] = _pick(rng, ("ROW", "COL"))
    return tags


def _echo_time(rng: np.random.Generator, protocol: Protocol, field: float) -> float:
    """Echo times of dual-echo and Dixon series follow the fat-water phase; others are free in their range."""
    opposed = {"DIXON_IN": 1.0, "DIXON_OPP": -1.0}.get(protocol.sequence)
    te = _log_uniform(rng, protocol.te)
    physical = protocol.technique == "DUAL_ECHO_2D" or (
        protocol.technique == "DIXON_3D" and _chance(rng, 0.75)
    )
    if opposed is None or not physical:
        return te
    half = 0.5 / (field * _GYROMAGNETIC * 3.4e-6 * 1e6) * 1e3  # ms to the first opposed echo
    order = 2 if opposed > 0 else int(_one_of(rng, [1, 1, 1, 3]))
    te = half * order * rng.uniform(0.94, 1.06)
    cosine = fat_water_cosine(te, field)
    return te if cosine is not None else max(0.9, te)


def _codes(rng: np.random.Generator, protocol: Protocol, vendor: str, derived: str) -> dict[str, TagValue]:
    style = STYLES[vendor][protocol.technique]
    number = str(int(rng.integers(1, 280)))
    options = [_pick(rng, style.options)]
    if _chance(rng, protocol.fat_sat):
        options.append(_pick(rng, FAT_SAT_OPTIONS[vendor]))
    if vendor == "SIEMENS":
        options += [o for o in ("PFP", "SAT1", "SAT2") if _chance(rng, 0.25)]
        if protocol.ti is not None and _chance(rng, 0.6):
            options.append("IR")
        dixon = {"DIXON_W": "DIXW", "DIXON_F": "DIXF"}.get(protocol.sequence)
        if dixon and _chance(rng, 0.5):
            options.append(dixon)
    if "RESPIRATORY" in protocol.options and _chance(rng, 0.5):
        options.append("RG")
    tags: dict[str, TagValue] = {}
    variant = _pick(rng, style.variant) if not _chance(rng, 0.08) else _pick(rng, _ANY_VARIANT)
    # Newer software writes the name of the pulse sequence under its enhanced keyword.
    name_keyword = "PulseSequenceName" if _chance(rng, 0.08) else "SequenceName"
    for keyword, text in (
        ("ScanningSequence", _pick(rng, style.scanning)),
        ("SequenceVariant", variant),
        ("ScanOptions", "\\".join(o for o in options if o)),
        (name_keyword, _pick(rng, style.names).replace("#", number)),
        (
            "PhilipsScanTechnique" if vendor == "PHILIPS" else "GEPulseSequence",
            _pick(rng, style.private_names),
        ),
    ):
        value = _values(text)
        if value is not None:
            tags[keyword] = value
    if _chance(rng, 0.4):
        tags.pop("GEPulseSequence", None)
        tags.pop("PhilipsScanTechnique", None)
    contrast = _ACQUISITION_CONTRAST.get(protocol.sequence)
    if contrast and _chance(rng, 0.35 if vendor == "PHILIPS" else 0.08):
        tags["AcquisitionContrast"] = contrast
    if _chance(rng, 0.12):
        tags["ComplexImageComponent"] = "PHASE" if derived == "PHASE" else "MAGNITUDE"
    return tags


_ANY_VARIANT = ("OSP", "NONE", "OTHER", "SK", "SP", "SS", "")
_ACQUISITION_CONTRAST = {
    "T1": "T1",
    "T2": "T2",
    "PD": "PROTON_DENSITY",
    "FLAIR": "FLUID_ATTENUATED",
    "DWI": "DIFFUSION",
    "ADC": "DIFFUSION",
    "PERFUSION": "PERFUSION",
    "ASL": "PERFUSION",
    "T2STAR": "T2_STAR",
    "BOLD": "T2_STAR",
    "SWI": "T2_STAR",
    "MRA": "TOF",
    "DCE": "T1",
    "DIXON_W": "T1",
    "DIXON_F": "T1",
    "DIXON_IN": "T1",
    "DIXON_OPP": "T1",
    "MRCP": "T2",
    "CISS": "T2",
    "LOCALIZER": "T1",
    "FIELDMAP": "UNKNOWN",
}


def _pixels(rng: np.random.Generator, protocol: Protocol, vendor: str, derived: str) -> dict[str, TagValue]:
    """Pixel ranges and windows. An ADC map holds 1e-6 mm2/s, a phase image runs to its format's end."""
    if protocol.sequence == "ADC":
        largest = _one_of(rng, [4095, 3000, 4000, 2800]) * rng.uniform(0.6, 1.2)
        center = _log_uniform(rng, (700, 2000))
        width = center * rng.uniform(1.4, 2.4)
    elif derived == "PHASE":
        largest, center, width = 4095.0, _one_of(rng, [0, 2048, 1]), 4096.0
    else:
        top = (60, 4095) if vendor in ("SIEMENS", "PHILIPS", "UIH") else (100, 25_000)
        if derived == "CALC_BVAL":
            top = (30, 1500)
        largest = _log_uniform(rng, top)
        width = largest * rng.uniform(0.3, 1.15)
        center = width * rng.uniform(0.35, 0.62)
    tags: dict[str, TagValue] = {
        "WindowCenter": float(round(center)),
        "WindowWidth": float(max(1, round(width))),
    }
    if vendor != "PHILIPS" or _chance(rng, 0.15):
        tags["LargestImagePixelValue"] = float(round(largest))
    if vendor == "PHILIPS":
        tags["RescaleSlope"] = round(_log_uniform(rng, (0.08, 12)), 5)
    elif _chance(rng, 0.2):
        tags["RescaleSlope"] = 1.0
    return tags


_SINCE: Mapping[str, Range] = {
    "ART": (12, 42),
    "PORTVEN": (50, 95),
    "LATE": (110, 650),
    "HEPA": (800, 2400),
    "POST": (60, 1500),
}


def _contrast(rng: np.random.Generator, phase: str, vendor: str) -> dict[str, TagValue]:
    """ContrastBolusAgent is often missing after contrast, and sometimes still there from the form "
    "before it."""
    present = {"PRE": 0.12, "NONE": 0.1}.get(phase, 0.62)
    if not _chance(rng, present):
        return {}
    return {
        "ContrastBolusAgent": _pick(
            rng, ("Gadovist", "DOTAREM", "MULTIHANCE", "Eovist", "8", "GD", "YES", "MAGNEVIST")
        )
    }


_BODY_SHELLS = (0.0, 0.0, 50.0, 50.0, 100.0, 400.0, 500.0, 600.0, 800.0, 800.0, 1000.0, 1400.0, 1500.0)


def _diffusion(
    rng: np.random.Generator,
    protocol: Protocol,
    vendor: str,
    derived: str,
    region: str,
    tags: dict[str, TagValue],
) -> int:
    """Write b-values where the vendor keeps them; returns how many the series has, 0 when it does not say."""
    if protocol.sequence not in ("DWI", "ADC"):
        if vendor == "PHILIPS" and _chance(rng, 0.4):
            tags["DiffusionBValue"] = 0.0
        return 0
    if region == "brain":
        shells = [0.0, _one_of(rng, [700, 800, 1000, 1000, 1000, 1500, 2000, 3000])]
    else:
        shells = sorted({_one_of(rng, _BODY_SHELLS) for _ in range(int(rng.integers(2, 5)))})
    b = _one_of(rng, shells)
    if derived in ("CALC_BVAL", "FA"):
        b = _one_of(rng, [1400, 1500, 2000]) if derived == "CALC_BVAL" else 0.0
    name = str(tags.get("SequenceName", ""))
    computed = protocol.sequence == "ADC" or derived != "ORIGINAL"
    if vendor == "SIEMENS" and name.endswith("_b"):
        span = f"{shells[0]:g}_{shells[-1]:g}"
        one = f"{shells[-1] if computed else b:g}{_pick(rng, ('t', '', '#1', 'd'))}"
        tags["SequenceName"] = name + (span if computed and _chance(rng, 0.8) else one)
    written = {
        "SIEMENS": "SiemensBValue",
        "GE": "GEBValue",
        "PHILIPS": "PhilipsBValue",
        "UIH": "UIHBValue",
    }.get(vendor)
    if computed and not _chance(rng, 0.4):
        return 0
    if written and _chance(rng, 0.8):
        flag = 1e9 if vendor == "GE" and _chance(rng, 0.5) else 0.0
        tags[written] = b + flag
    if vendor in ("PHILIPS", "CANON", "HITACHI", "UIH") or _chance(rng, 0.2):
        tags["DiffusionBValue"] = b
    if computed:
        return 1
    return len(shells) if _chance(rng, 0.6) else 1


def _times(
    rng: np.random.Generator, protocol: Protocol, geometry: _Geometry, tags: dict[str, TagValue], vendor: str
) -> int:
    """Time points of the series, written as vendors do."""
    times = round(_log_uniform(rng, protocol.times))
    if times > 1 and protocol.sequence != "PERFUSION" and _chance(rng, 0.12):
        times = 1  # a series may hold one volume of a run only
    if vendor == "PHILIPS" or (times > 1 and _chance(rng, 0.35)):
        tags["NumberOfTemporalPositions"] = float(times)
    if vendor == "PHILIPS" or (times > 1 and _chance(rng, 0.4)):
        tags["TemporalPositionIdentifier"] = float(rng.integers(1, times + 1))
    if protocol.technique in ("CINE", "MOLLI", "LGE", "PC") and _chance(rng, 0.7):
        tags["TriggerTime"] = float(rng.integers(0, 900))
        tags["HeartRate"] = float(rng.integers(45, 110))
    return times


# --- image type
# ----------------------------------------------------------------------------------------------------

_KIND_BY_SEQUENCE = {
    "DIXON_W": "WATER",
    "DIXON_F": "FAT",
    "DIXON_IN": "IN_PHASE",
    "DIXON_OPP": "OPP_PHASE",
    "DWI": "DWI",
    "ADC": "ADC",
    "BOLD": "BOLD",
    "PERFUSION": "PERFUSION",
    "ASL": "ASL",
    "SWI": "SWI",
    "LOCALIZER": "LOCALIZER",
}


def _image_kind(rng: np.random.Generator, protocol: Protocol, derived: str) -> str:
    if derived == "MIP":
        return "SWI_MIP" if protocol.sequence == "SWI" else "MIP"
    if derived in ("SUB", "MPR", "PHASE", "FA", "CALC_BVAL"):
        return derived
    if derived == "MAGNITUDE":
        return ""
    technique = protocol.technique
    if technique in ("PERFUSION_MAP", "SCREEN", "SPECTROSCOPY"):
        return technique
    if technique == "MOLLI" and _chance(rng, 0.5):
        return "T1_MAP"
    if technique == "T2_MAP" and _chance(rng, 0.5):
        return "T2_MAP"
    if technique == "ME_GRE" and _chance(rng, 0.12):
        return "T2STAR_MAP"
    return _KIND_BY_SEQUENCE.get(protocol.sequence, "")


def _image_type(rng: np.random.Generator, kind: str, vendor: str, protocol: Protocol) -> tuple[str, ...]:
    table = IMAGE_TYPES.get(vendor, IMAGE_TYPES[""])
    text = _pick(rng, table.get(kind, table[""]))
    if text.endswith("MOSAIC") and protocol.technique not in _EPI:
        text = table[""][0]
    readout = "SE" if STYLES[vendor][protocol.technique].scanning[0].startswith("SE") else "FFE"
    text = text.replace("@", "IR" if protocol.technique.startswith("IR_TSE") else readout)
    first, second, *rest = text.split("\\")
    if _chance(rng, 0.08):
        first, second = _pick(rng, (("D", "S"), ("O", "S"), ("D", "P")))  # rewritten by an export
    return ({"O": "ORIGINAL", "D": "DERIVED"}[first], {"P": "PRIMARY", "S": "SECONDARY"}[second], *rest)


# --- geometry
# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Geometry:
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
    def draw(rng: np.random.Generator, protocol: Protocol, derived: str) -> _Geometry:
        orientations = round(_log_uniform(rng, protocol.orientations))
        plane = _choice(rng, protocol.planes)
        planes: tuple[str, ...] = (plane,)
        if protocol.sequence == "LOCALIZER" and orientations >= 2:
            planes = ("SAG", "COR", "AX")[:orientations] if orientations < 3 else ("SAG", "COR", "AX")
            plane = "MULTI"
        positions = max(orientations, round(_log_uniform(rng, protocol.slices)))
        if _chance(rng, 0.15):
            positions = max(1, round(positions * rng.uniform(0.05, 0.7)))  # parts of series are common
        pixel = _log_uniform(rng, protocol.pixel)
        fov = _log_uniform(rng, protocol.fov)
        matrix = max(32, 8 * round(fov / pixel / 8))
        factor = int(_one_of(rng, [1, 1, 1, 2]))
        rows = matrix * factor
        if _chance(rng, 0.4):
            rows = min((128, 192, 256, 320, 384, 512, 640, 1024), key=lambda n: abs(n - matrix * factor))
        columns = rows if _chance(rng, 0.7) else max(16, round(rows * rng.uniform(0.6, 1.2)))
        thickness = _log_uniform(rng, protocol.thickness)
        gap = thickness * (1.0 if protocol.three_d else 1 + _one_of(rng, [0, 0.1, 0.2, 0.25, 0.33, 0.5, 1.0]))
        if protocol.three_d and _chance(rng, 0.3):
            gap = thickness * 0.5
        tilt = abs(rng.normal(0, 7)) if _chance(rng, 0.7) else 0.0
        return _Geometry(
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

    def mosaic(self) -> _Geometry:
        """The same slices tiled into one image a volume."""
        return replace(self, positions=1, mosaic_slices=max(4, self.positions))

    def tags(self, rng: np.random.Generator, vendor: str) -> dict[str, TagValue]:
        phase = max(1, round(self.matrix * rng.uniform(0.55, 1.0)))
        tags: dict[str, TagValue] = {
            "SliceThickness": round(self.thickness, 3),
            "PixelSpacing": (round(self.pixel, 5), round(self.pixel, 5)),
            "Rows": float(self.rows),
            "Columns": float(self.columns),
            "AcquisitionMatrix": (float(self.matrix), 0.0, 0.0, float(phase))
            if _chance(rng, 0.5)
            else (0.0, float(self.matrix), float(phase), 0.0),
            "NumberOfPhaseEncodingSteps": float(max(1, round(phase * rng.uniform(0.5, 1.6)))),
            "PercentSampling": _one_of(rng, [100, 100, 90, 80, 75, 70, 65]),
            "PercentPhaseFieldOfView": _one_of(rng, [100, 100, 90, 80, 75, 62.5]),
        }
        if vendor != "SIEMENS" or self.gap != self.thickness:
            tags["SpacingBetweenSlices"] = round(self.gap, 3)
        return tags


def _header(
    rng: np.random.Generator,
    protocol: Protocol,
    tags: dict[str, TagValue],
    geometry: _Geometry,
    series_b: int,
    times: int,
    phase: str,
) -> PartHeader:
    instance = Instance("", 0, tags)
    found = b_value(instance)
    # Parts are cut as parts.split does: EPI runs stay whole, so do runs of more than twelve time points.
    together = (
        times if protocol.technique in _EPI or protocol.technique in ("CINE", "MOLLI") or times > 12 else 1
    )
    echoes = 1
    if protocol.technique in ("ME_GRE", "T2_MAP", "FIELD_MAP", "DUAL_ECHO_2D", "SWI") and _chance(rng, 0.5):
        echoes = int(rng.integers(2, 9)) if protocol.technique in ("ME_GRE", "T2_MAP") else 2
    since = None
    if phase in _SINCE and _chance(rng, 0.22):
        since = _log_uniform(rng, _SINCE[phase])
        tags["ContrastBolusStartTime"] = "120000"
    largest = instance.number("LargestImagePixelValue")
    one_plane = len(geometry.planes) == 1 and geometry.orientations == 1
    return PartHeader(
        tags=tags,
        n_instances=geometry.positions * together,
        n_positions=geometry.positions,
        n_orientations=geometry.orientations if len(geometry.planes) == 1 else len(geometry.planes),
        planes=geometry.planes,
        tilt=geometry.tilt if one_plane else None,
        extent=(geometry.positions - 1) * geometry.gap if one_plane and geometry.positions > 1 else None,
        b_value=found.value if found else (0.0 if series_b > 1 else None),
        b_source=found.source if found else "",
        calculated=is_calculated(instance),
        largest_pixel=largest,
        series_b_values=series_b,
        series_echoes=echoes,
        series_times=max(1, times),
        series_kinds=1,
        time_index=None,
        since_contrast=since,
    )
