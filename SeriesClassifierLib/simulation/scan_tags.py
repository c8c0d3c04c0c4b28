"""The tags of a simulated scan, one function a group of tags that hang together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from SeriesClassifierLib.headers.features import fat_water_cosine
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.dialects import FAT_SAT_OPTIONS, IMAGE_TYPES, MANUFACTURERS, STYLES
from SeriesClassifierLib.simulation.draws import chance, choice, log_uniform, one_of, pick, tag_values
from SeriesClassifierLib.simulation.protocols import Protocol, Range

GYROMAGNETIC = 42.577  # MHz/T
EPI = frozenset({"DWI", "GRE_EPI", "SE_EPI", "ASL_2D", "PERFUSION_MAP"})
# Vendors that write the time between excitations of a magnetization-prepared sequence as RepetitionTime.
_INNER_TR = frozenset({"GE", "PHILIPS", "CANON", "HITACHI"})

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


def device(rng: np.random.Generator, vendor: str, field: float, region: str) -> dict[str, TagValue]:
    """Scanner, coil and patient position."""
    tags: dict[str, TagValue] = {
        "Modality": "MR",
        "Manufacturer": pick(rng, MANUFACTURERS[vendor]),
        "MagneticFieldStrength": round(field * one_of(rng, [1.0, 1.0, 1.0, 0.996, 0.9645]), 4),
        "ImagingFrequency": round(field * GYROMAGNETIC * rng.uniform(0.96, 1.001), 4),
        "PatientPosition": choice(rng, _POSITIONS.get(region, {"HFS": 0.6, "FFS": 0.4})),
        "PatientSex": "M" if region == "prostate" else "F" if region == "breast" else pick(rng, ("M", "F")),
        "SAR": round(log_uniform(rng, (0.005, 3.9)), 4),
        "BitsStored": one_of(rng, [12, 12, 16] if vendor in ("SIEMENS", "PHILIPS", "UIH") else [16, 16, 12]),
        "PhotometricInterpretation": "MONOCHROME2",
    }
    if vendor == "GE" and chance(rng, 0.08):
        tags["MagneticFieldStrength"] = field * 10_000
    coils = _COILS.get(region, _COILS["abdomen"])
    tags["ReceiveCoilName"] = pick(rng, coils)
    if vendor == "SIEMENS" and chance(rng, 0.6):
        del tags["ReceiveCoilName"]
    return tags


def timing(rng: np.random.Generator, protocol: Protocol, vendor: str, field: float) -> dict[str, TagValue]:
    """Times, angles and what belongs to the readout; a screen capture mostly has none of it."""
    if protocol.technique == "SCREEN" and chance(rng, 0.8):
        return {}
    technique = protocol.technique
    tr = log_uniform(rng, protocol.tr)
    if technique == "MP_GRE" and vendor in _INNER_TR and chance(rng, 0.85):
        tr = log_uniform(rng, (4.5, 13))
    te = _echo_time(rng, protocol, field)
    tr = max(tr, te * 1.05)
    etl = round(log_uniform(rng, protocol.etl))
    if technique in EPI:
        etl = 1 if vendor == "GE" or chance(rng, 0.35) else round(log_uniform(rng, (20, 130)))
    elif technique.startswith("MP_GRE") and vendor == "PHILIPS":
        etl = round(log_uniform(rng, (80, 260)))
    elif technique == "ME_GRE":
        etl = int(one_of(rng, [1, 1, 3, 4, 5, 6, 8, 12]))
    elif technique in ("DIXON_3D", "DUAL_ECHO_2D", "FIELD_MAP"):
        etl = int(one_of(rng, [1, 2, 2, 3]))
    elif technique.startswith(("SPGR_3D", "BSSFP")) and vendor in ("PHILIPS", "CANON"):
        etl = int(one_of(rng, [1, 1, 20, 40, 76]))
    tags: dict[str, TagValue] = {
        "RepetitionTime": round(tr, 3),
        "EchoTime": round(te, 3),
        "FlipAngle": float(round(rng.uniform(*protocol.flip))),
        "EchoTrainLength": float(etl),
        "NumberOfAverages": float(round(log_uniform(rng, protocol.averages))),
        "PixelBandwidth": round(log_uniform(rng, protocol.bandwidth), 3),
        "MRAcquisitionType": "3D" if chance(rng, protocol.three_d) else "2D",
    }
    if protocol.ti is not None and not (technique == "MP_GRE" and vendor == "PHILIPS" and chance(rng, 0.6)):
        tags["InversionTime"] = round(log_uniform(rng, protocol.ti), 1)
    elif vendor in ("GE", "PHILIPS") and chance(rng, 0.25):
        tags["InversionTime"] = 0.0
    if chance(rng, 0.6):
        tags["VariableFlipAngleFlag"] = (
            "Y" if technique in ("TSE_3D", "IR_TSE_3D") and chance(rng, 0.4) else "N"
        )
    if vendor in ("SIEMENS", "PHILIPS", "UIH") or chance(rng, 0.3):
        angio = protocol.sequence == "MRA" and chance(rng, 0.5)
        tags["AngioFlag"] = "Y" if angio else "N"
    tags["InPlanePhaseEncodingDirection"] = pick(rng, ("ROW", "COL"))
    return tags


def _echo_time(rng: np.random.Generator, protocol: Protocol, field: float) -> float:
    """Echo times of dual-echo and Dixon series follow the fat-water phase; others are free in their range."""
    opposed = {"DIXON_IN": 1.0, "DIXON_OPP": -1.0}.get(protocol.sequence)
    te = log_uniform(rng, protocol.te)
    physical = protocol.technique == "DUAL_ECHO_2D" or (
        protocol.technique == "DIXON_3D" and chance(rng, 0.75)
    )
    if opposed is None or not physical:
        return te
    half = 0.5 / (field * GYROMAGNETIC * 3.4e-6 * 1e6) * 1e3  # ms to the first opposed echo
    order = 2 if opposed > 0 else int(one_of(rng, [1, 1, 1, 3]))
    te = half * order * rng.uniform(0.94, 1.06)
    cosine = fat_water_cosine(te, field)
    return te if cosine is not None else max(0.9, te)


def codes(rng: np.random.Generator, protocol: Protocol, vendor: str, derived: str) -> dict[str, TagValue]:
    """The coded description of the pulse sequence in the dialect of ``vendor``."""
    style = STYLES[vendor][protocol.technique]
    number = str(int(rng.integers(1, 280)))
    options = [pick(rng, style.options)]
    if chance(rng, protocol.fat_sat):
        options.append(pick(rng, FAT_SAT_OPTIONS[vendor]))
    if vendor == "SIEMENS":
        options += [o for o in ("PFP", "SAT1", "SAT2") if chance(rng, 0.25)]
        if protocol.ti is not None and chance(rng, 0.6):
            options.append("IR")
        if chance(rng, 0.1):
            options.append("CG\\RG\\PER")  # newer software lists them whatever was triggered
        dixon = {"DIXON_W": "DIXW", "DIXON_F": "DIXF"}.get(protocol.sequence)
        if dixon and chance(rng, 0.5):
            options.append(dixon)
    if chance(rng, 0.04):
        options.append(pick(rng, ("PPG", "CG", "RG")))  # anything may be gated
    if "RESPIRATORY" in protocol.options and chance(rng, 0.5):
        options.append("RG")
    tags: dict[str, TagValue] = {}
    variant = pick(rng, style.variant) if not chance(rng, 0.08) else pick(rng, _ANY_VARIANT)
    # Newer software writes the name of the pulse sequence under its enhanced keyword.
    name_keyword = "PulseSequenceName" if chance(rng, 0.08) else "SequenceName"
    for keyword, text in (
        ("ScanningSequence", pick(rng, style.scanning)),
        ("SequenceVariant", variant),
        ("ScanOptions", "\\".join(o for o in options if o)),
        (name_keyword, pick(rng, style.names).replace("#", number)),
        (
            "PhilipsScanTechnique" if vendor == "PHILIPS" else "GEPulseSequence",
            pick(rng, style.private_names),
        ),
    ):
        value = tag_values(text)
        if value is not None:
            tags[keyword] = value
    if chance(rng, 0.4):
        tags.pop("GEPulseSequence", None)
        tags.pop("PhilipsScanTechnique", None)
    contrast = _ACQUISITION_CONTRAST.get(protocol.sequence)
    if contrast and chance(rng, 0.35 if vendor == "PHILIPS" else 0.08):
        tags["AcquisitionContrast"] = contrast
    if chance(rng, 0.12):
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


def pixels(rng: np.random.Generator, protocol: Protocol, vendor: str, derived: str) -> dict[str, TagValue]:
    """Pixel ranges and windows. An ADC map holds 1e-6 mm2/s, a phase image runs to its format's end."""
    if protocol.sequence == "ADC":
        largest = one_of(rng, [4095, 3000, 4000, 2800]) * rng.uniform(0.6, 1.2)
        center = log_uniform(rng, (700, 2000))
        width = center * rng.uniform(1.4, 2.4)
    elif derived == "PHASE":
        largest, center, width = 4095.0, one_of(rng, [0, 2048, 1]), 4096.0
    else:
        top = (60, 4095) if vendor in ("SIEMENS", "PHILIPS", "UIH") else (100, 25_000)
        if derived == "CALC_BVAL":
            top = (30, 1500)
        largest = log_uniform(rng, top)
        width = largest * rng.uniform(0.3, 1.15)
        center = width * rng.uniform(0.35, 0.62)
    tags: dict[str, TagValue] = {
        "WindowCenter": float(round(center)),
        "WindowWidth": float(max(1, round(width))),
    }
    if vendor != "PHILIPS" or chance(rng, 0.15):
        tags["LargestImagePixelValue"] = float(round(largest))
    if vendor == "PHILIPS":
        tags["RescaleSlope"] = round(log_uniform(rng, (0.08, 12)), 5)
    elif chance(rng, 0.2):
        tags["RescaleSlope"] = 1.0
    return tags


SINCE_BOLUS: Mapping[str, Range] = {
    "ART": (12, 42),
    "PORTVEN": (50, 95),
    "LATE": (110, 650),
    "HEPA": (800, 2400),
    "POST": (60, 1500),
}


def contrast(rng: np.random.Generator, phase: str) -> dict[str, TagValue]:
    """ContrastBolusAgent is often missing after contrast, and sometimes still there from the form "
    "before it."""
    present = {"PRE": 0.12, "NONE": 0.1}.get(phase, 0.62)
    if not chance(rng, present):
        return {}
    return {
        "ContrastBolusAgent": pick(
            rng, ("Gadovist", "DOTAREM", "MULTIHANCE", "Eovist", "8", "GD", "YES", "MAGNEVIST")
        )
    }


_BODY_SHELLS = (0.0, 0.0, 50.0, 50.0, 100.0, 400.0, 500.0, 600.0, 800.0, 800.0, 1000.0, 1400.0, 1500.0)


def diffusion(
    rng: np.random.Generator,
    protocol: Protocol,
    vendor: str,
    derived: str,
    region: str,
    tags: dict[str, TagValue],
) -> int:
    """Write b-values where the vendor keeps them; returns how many the series has, 0 when it does not say."""
    if protocol.sequence not in ("DWI", "ADC"):
        if vendor == "PHILIPS" and chance(rng, 0.4):
            tags["DiffusionBValue"] = 0.0
        return 0
    if region == "brain":
        shells = [0.0, one_of(rng, [700, 800, 1000, 1000, 1000, 1500, 2000, 3000])]
    else:
        shells = sorted({one_of(rng, _BODY_SHELLS) for _ in range(int(rng.integers(2, 5)))})
    b = one_of(rng, shells)
    if derived in ("CALC_BVAL", "FA"):
        b = one_of(rng, [1400, 1500, 2000]) if derived == "CALC_BVAL" else 0.0
    name = str(tags.get("SequenceName", ""))
    computed = protocol.sequence == "ADC" or derived != "ORIGINAL"
    if vendor == "SIEMENS" and name.endswith("_b"):
        span = f"{shells[0]:g}_{shells[-1]:g}"
        one = f"{shells[-1] if computed else b:g}{pick(rng, ('t', '', '#1', 'd'))}"
        tags["SequenceName"] = name + (span if computed and chance(rng, 0.8) else one)
    written = {
        "SIEMENS": "SiemensBValue",
        "GE": "GEBValue",
        "PHILIPS": "PhilipsBValue",
        "UIH": "UIHBValue",
    }.get(vendor)
    if computed and not chance(rng, 0.4):
        return 0
    if written and chance(rng, 0.8):
        flag = 1e9 if vendor == "GE" and chance(rng, 0.5) else 0.0
        tags[written] = b + flag
    if vendor in ("PHILIPS", "CANON", "HITACHI", "UIH") or chance(rng, 0.2):
        tags["DiffusionBValue"] = b
    if computed:
        return 1
    return len(shells) if chance(rng, 0.6) else 1


def time_points(rng: np.random.Generator, protocol: Protocol, tags: dict[str, TagValue], vendor: str) -> int:
    """Time points of the series, written as vendors do."""
    times = round(log_uniform(rng, protocol.times))
    if times > 1 and protocol.sequence != "PERFUSION" and chance(rng, 0.12):
        times = 1  # a series may hold one volume of a run only
    if vendor == "PHILIPS" or (times > 1 and chance(rng, 0.35)):
        tags["NumberOfTemporalPositions"] = float(times)
    if vendor == "PHILIPS" or (times > 1 and chance(rng, 0.4)):
        tags["TemporalPositionIdentifier"] = float(rng.integers(1, times + 1))
    if protocol.technique in ("CINE", "MOLLI", "LGE", "PC") and chance(rng, 0.7):
        tags["TriggerTime"] = float(rng.integers(0, 900))
        tags["HeartRate"] = float(rng.integers(45, 110))
    return times


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


def image_kind(rng: np.random.Generator, protocol: Protocol, derived: str) -> str:
    """Which entry of ``dialects.IMAGE_TYPES`` the picture is."""
    if derived == "MIP":
        return "SWI_MIP" if protocol.sequence == "SWI" else "MIP"
    if derived in ("SUB", "MPR", "PHASE", "FA", "CALC_BVAL"):
        return derived
    if derived == "MAGNITUDE":
        return ""
    technique = protocol.technique
    if technique in ("PERFUSION_MAP", "SCREEN", "SPECTROSCOPY"):
        return technique
    if technique == "MOLLI" and chance(rng, 0.5):
        return "T1_MAP"
    if technique == "T2_MAP" and chance(rng, 0.5):
        return "T2_MAP"
    if technique == "ME_GRE" and chance(rng, 0.12):
        return "T2STAR_MAP"
    return _KIND_BY_SEQUENCE.get(protocol.sequence, "")


def image_type(rng: np.random.Generator, kind: str, vendor: str, protocol: Protocol) -> tuple[str, ...]:
    """ImageType as ``vendor`` writes it."""
    contrast = _ACQUISITION_CONTRAST.get(protocol.sequence)
    if contrast and kind in ("", "BOLD", "DWI", "ASL", "PERFUSION") and chance(rng, 0.06):
        # Enhanced objects say the contrast of the acquisition in value 3; BOLD is written as T2 there.
        return ("ORIGINAL", "PRIMARY", "T2" if kind == "BOLD" else contrast, pick(rng, ("NONE", "MIXED")))
    table = IMAGE_TYPES.get(vendor, IMAGE_TYPES[""])
    text = pick(rng, table.get(kind, table[""]))
    if text.endswith("MOSAIC") and protocol.technique not in EPI:
        text = table[""][0]
    readout = "SE" if STYLES[vendor][protocol.technique].scanning[0].startswith("SE") else "FFE"
    text = text.replace("@", "IR" if protocol.technique.startswith("IR_TSE") else readout)
    first, second, *rest = text.split("\\")
    if chance(rng, 0.08):
        first, second = pick(rng, (("D", "S"), ("O", "S"), ("D", "P")))  # rewritten by an export
    return ({"O": "ORIGINAL", "D": "DERIVED"}[first], {"P": "PRIMARY", "S": "SECONDARY"}[second], *rest)
