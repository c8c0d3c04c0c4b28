"""The one feature table of the header model (its documentation is the table itself; ``describe()`` prints
it).

A feature is a number or it is absent. Absent stays absent: nothing is imputed anywhere (methods.md section
2). There are three kinds: ``number`` (scaled to about -2..2 by the table), ``token`` (1 or 0 when the tag is
there, else absent) and ``flag`` (whether a tag is there; never absent). What people wrote in words
(SeriesDescription, ProtocolName, StudyDescription, BodyPartExamined) is no feature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import (
    COILS,
    FAMILIES,
    OPTIONS,
    VENDORS,
    coils,
    scan_options,
    sequence_family,
)
from SeriesClassifierLib.parts.image_kind import KINDS, image_kinds
from SeriesClassifierLib.records import Instance

_GYROMAGNETIC = 42.577  # MHz/T
_FAT_SHIFT = 3.4e-6  # chemical shift of fat against water


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the table: ``value`` is scaled as (transform(x) - center) / scale for numbers."""

    name: str
    kind: str
    meaning: str
    center: float = 0.0
    scale: float = 1.0


def _log(x: float | None) -> float | None:
    return math.log10(x) if x is not None and 0 < x < 1e9 else None


def _within(x: float | None, low: float, high: float) -> float | None:
    return x if x is not None and low <= x <= high else None


def field_strength(instance: Instance) -> float | None:
    """Tesla; from gauss where a scanner writes gauss, from ImagingFrequency where the tag is missing."""
    field = instance.number("MagneticFieldStrength")
    if field is not None and field > 1000:
        field /= 10_000
    if field is None or not 0.05 <= field <= 15:
        frequency = _within(instance.number("ImagingFrequency"), 2, 650)
        field = frequency / _GYROMAGNETIC if frequency is not None else None
    return field


def fat_water_cosine(echo_time: float | None, field: float | None) -> float | None:
    """+1 when fat and water are in phase at this echo time (ms) and field (T), -1 when opposed."""
    if echo_time is None or field is None or not 0.5 <= echo_time <= 12:
        return None
    cycles = echo_time * 1e-3 * field * _GYROMAGNETIC * 1e6 * _FAT_SHIFT
    return math.cos(2 * math.pi * cycles)


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b is not None and b > 0 else None


def _matrix(instance: Instance) -> tuple[float, ...]:
    return tuple(v for v in instance.numbers("AcquisitionMatrix") if v > 0)


def _fov(instance: Instance) -> float | None:
    spacing, rows = instance.number("PixelSpacing"), instance.number("Rows")
    return spacing * rows if spacing and rows else None


# name, meaning, center, scale, how to read it. Logarithms are base 10.
_NUMBERS: tuple[tuple[str, str, float, float, Callable[[PartHeader, Instance], float | None]], ...] = (
    ("field", "log field strength (T)", 0.3, 0.2, lambda h, i: _log(field_strength(i))),
    ("tr", "log RepetitionTime (ms)", 2.8, 0.9, lambda h, i: _log(i.number("RepetitionTime"))),
    ("te", "log EchoTime (ms)", 1.2, 0.7, lambda h, i: _log(i.number("EchoTime"))),
    (
        "te_over_tr",
        "log EchoTime / RepetitionTime",
        -1.5,
        0.6,
        lambda h, i: _log(_ratio(i.number("EchoTime"), i.number("RepetitionTime"))),
    ),
    ("ti", "log InversionTime (ms)", 2.8, 0.6, lambda h, i: _log(i.number("InversionTime"))),
    ("flip_angle", "FlipAngle (degrees)", 70.0, 50.0, lambda h, i: _within(i.number("FlipAngle"), 0.5, 360)),
    ("etl", "log EchoTrainLength", 0.8, 0.8, lambda h, i: _log(i.number("EchoTrainLength"))),
    ("averages", "log NumberOfAverages", 0.2, 0.35, lambda h, i: _log(i.number("NumberOfAverages"))),
    ("bandwidth", "log PixelBandwidth (Hz)", 2.5, 0.45, lambda h, i: _log(i.number("PixelBandwidth"))),
    ("thickness", "log SliceThickness (mm)", 0.5, 0.35, lambda h, i: _log(i.number("SliceThickness"))),
    (
        "spacing_ratio",
        "SpacingBetweenSlices / SliceThickness",
        1.0,
        0.5,
        lambda h, i: _within(_ratio(i.number("SpacingBetweenSlices"), i.number("SliceThickness")), -5, 5),
    ),
    ("pixel_spacing", "log PixelSpacing (mm)", -0.05, 0.3, lambda h, i: _log(i.number("PixelSpacing"))),
    ("rows", "log Rows", 2.5, 0.25, lambda h, i: _log(i.number("Rows"))),
    (
        "aspect",
        "log Columns / Rows",
        0.0,
        0.15,
        lambda h, i: _log(_ratio(i.number("Columns"), i.number("Rows"))),
    ),
    ("fov", "log field of view (mm)", 2.4, 0.2, lambda h, i: _log(_fov(i))),
    (
        "matrix",
        "log largest AcquisitionMatrix entry",
        2.4,
        0.25,
        lambda h, i: _log(max(_matrix(i), default=None)),
    ),
    (
        "interpolation",
        "log Rows / largest AcquisitionMatrix entry",
        0.15,
        0.2,
        lambda h, i: _log(_ratio(i.number("Rows"), max(_matrix(i), default=None))),
    ),
    (
        "phase_steps",
        "log NumberOfPhaseEncodingSteps",
        2.3,
        0.3,
        lambda h, i: _log(i.number("NumberOfPhaseEncodingSteps")),
    ),
    ("sampling", "PercentSampling", 85.0, 25.0, lambda h, i: _within(i.number("PercentSampling"), 1, 400)),
    (
        "phase_fov",
        "PercentPhaseFieldOfView",
        90.0,
        20.0,
        lambda h, i: _within(i.number("PercentPhaseFieldOfView"), 1, 400),
    ),
    ("sar", "SAR (W/kg)", 0.8, 0.9, lambda h, i: _within(i.number("SAR"), 0, 20)),
    (
        "fat_water",
        "cosine of the fat-water phase at EchoTime (GRE)",
        0.0,
        1.0,
        lambda h, i: fat_water_cosine(i.number("EchoTime"), field_strength(i)),
    ),
    (
        "temporal_positions",
        "log NumberOfTemporalPositions",
        0.7,
        0.9,
        lambda h, i: _log(i.number("NumberOfTemporalPositions")),
    ),
    ("instances", "log images of the part", 1.4, 0.6, lambda h, i: _log(float(h.n_instances))),
    ("positions", "log slice positions of the part", 1.3, 0.5, lambda h, i: _log(float(h.n_positions))),
    ("orientations", "log orientations of the part", 0.0, 0.4, lambda h, i: _log(float(h.n_orientations))),
    ("times", "log time points of the series", 0.2, 0.7, lambda h, i: _log(float(h.series_times))),
    ("echoes", "log echo times of the series", 0.1, 0.4, lambda h, i: _log(float(h.series_echoes))),
    (
        "b_values",
        "log (1 + b-values of the series)",
        0.1,
        0.3,
        lambda h, i: math.log10(1 + h.series_b_values),
    ),
    (
        "b",
        "log (1 + b-value) (s/mm2)",
        2.0,
        1.2,
        lambda h, i: math.log10(1 + h.b_value) if h.b_value is not None and h.b_value >= 0 else None,
    ),
    ("tilt", "angle of the slice normal to the nearest axis (degrees)", 8.0, 12.0, lambda h, i: h.tilt),
    ("extent", "log distance of first and last slice (mm)", 2.0, 0.4, lambda h, i: _log(h.extent)),
    (
        "since_contrast",
        "log seconds since ContrastBolusStartTime",
        2.3,
        0.6,
        lambda h, i: _log(h.since_contrast),
    ),
    ("largest_pixel", "log largest pixel value", 3.1, 0.5, lambda h, i: _log(h.largest_pixel)),
    ("window_center", "log WindowCenter", 2.6, 0.6, lambda h, i: _log(i.number("WindowCenter"))),
    ("window_width", "log WindowWidth", 2.9, 0.6, lambda h, i: _log(i.number("WindowWidth"))),
    (
        "window_ratio",
        "WindowCenter / WindowWidth",
        0.5,
        0.2,
        lambda h, i: _within(_ratio(i.number("WindowCenter"), i.number("WindowWidth")), -3, 3),
    ),
    ("rescale_slope", "log RescaleSlope", 0.0, 1.0, lambda h, i: _log(i.number("RescaleSlope"))),
    ("bits", "BitsStored", 13.0, 2.0, lambda h, i: _within(i.number("BitsStored"), 1, 64)),
)

CODES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("scanning", "ScanningSequence", ("SE", "IR", "GR", "EP", "RM")),
    ("variant", "SequenceVariant", ("SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "NONE", "OTHER")),
    (
        "contrast",
        "AcquisitionContrast",
        (
            "T1",
            "T2",
            "PROTON_DENSITY",
            "DIFFUSION",
            "PERFUSION",
            "FLUID_ATTENUATED",
            "STIR",
            "T2_STAR",
            "TOF",
            "PHASE_CONTRAST",
            "TAGGING",
            "FLOW_ENCODED",
            "ANGIO",
            "SUSCEPTIBILITY",
        ),
    ),
    ("component", "ComplexImageComponent", ("MAGNITUDE", "PHASE", "REAL", "IMAGINARY", "MIXED")),
    ("position", "PatientPosition", ("HFS", "FFS", "HFP", "FFP", "HFDR", "HFDL")),
    ("photometric", "PhotometricInterpretation", ("MONOCHROME2", "MONOCHROME1", "RGB")),
)
_SINGLE: tuple[tuple[str, str, str, str], ...] = (
    ("acquired:3D", "MRAcquisitionType", "3D", "three-dimensional acquisition"),
    ("angio:Y", "AngioFlag", "Y", "flagged as angiography"),
    ("phase_direction:ROW", "InPlanePhaseEncodingDirection", "ROW", "phase encoding along rows"),
    ("variable_flip:Y", "VariableFlipAngleFlag", "Y", "variable flip angle"),
    ("sex:M", "PatientSex", "M", "male patient"),
)
_FLAGS = (
    "ImageType",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "SequenceName",
    "EchoTrainLength",
    "InversionTime",
    "ContrastBolusAgent",
    "ContrastBolusStartTime",
    "TriggerTime",
    "NumberOfTemporalPositions",
    "TemporalPositionIdentifier",
    "SpacingBetweenSlices",
    "DiffusionBValue",
    "HeartRate",
    "RescaleSlope",
    "PercentSampling",
    "SAR",
)
_FAMILY_TAGS = ("SequenceName", "PulseSequenceName", "GEPulseSequence", "PhilipsScanTechnique")


def _table() -> Iterator[Feature]:
    for name, meaning, center, scale, _ in _NUMBERS:
        yield Feature(name, "number", meaning, center, scale)
    for prefix, keyword, values in CODES:
        for value in values:
            yield Feature(f"{prefix}:{value}", "token", f"{keyword} holds {value}")
    for name, _, _, meaning in _SINGLE:
        yield Feature(name, "token", meaning)
    for value in OPTIONS:
        yield Feature(f"option:{value}", "token", f"ScanOptions, vendor-normalized: {value}")
    for value in FAMILIES:
        yield Feature(f"family:{value}", "token", f"pulse sequence name belongs to {value}")
    yield Feature("derived", "token", "ImageType value 1 is DERIVED")
    yield Feature("secondary", "token", "ImageType value 2 is SECONDARY")
    for value in KINDS:
        yield Feature(f"kind:{value}", "token", f"ImageType, vendor-normalized: {value}")
    for value in VENDORS:
        yield Feature(f"vendor:{value}", "token", f"made by {value}")
    for value in COILS:
        yield Feature(f"coil:{value}", "token", f"ReceiveCoilName hints at {value}")
    for value in ("AX", "COR", "SAG", "OBL"):
        yield Feature(f"plane:{value}", "token", f"some slices are {value}")
    for keyword in _FLAGS:
        yield Feature(f"has:{keyword}", "flag", f"{keyword} is there")


FEATURES: tuple[Feature, ...] = tuple(_table())
_CLIP = 4.0


def features(header: PartHeader) -> dict[str, float]:
    """The observed features of a part, by name, scaled. Names are those of FEATURES; a missing one is not in
    it.
    """
    instance = header.instance
    out: dict[str, float] = {}
    for name, _, center, scale, read in _NUMBERS:
        number = read(header, instance)
        if number is not None and math.isfinite(number):
            out[name] = max(-_CLIP, min(_CLIP, (number - center) / scale))
    for prefix, keyword, values in CODES:
        if keyword in instance.tags:
            _mark(out, prefix, values, instance.tokens(keyword))
    for name, keyword, value, _ in _SINGLE:
        if keyword in instance.tags:
            out[name] = float(value in instance.tokens(keyword))
    if "ScanOptions" in instance.tags:
        _mark(out, "option", OPTIONS, scan_options(instance.tokens("ScanOptions")))
    names = [instance.text(keyword) for keyword in _FAMILY_TAGS if keyword in instance.tags]
    if names:
        _mark(out, "family", FAMILIES, {sequence_family(name) for name in names})
    if "ImageType" in instance.tags:
        image_type = instance.tokens("ImageType")
        out["derived"] = float(image_type[:1] == ("DERIVED",))
        out["secondary"] = float(image_type[1:2] == ("SECONDARY",))
        _mark(out, "kind", KINDS, image_kinds(image_type))
    if header.vendor:
        _mark(out, "vendor", VENDORS, (header.vendor,))
    if "ReceiveCoilName" in instance.tags:
        _mark(out, "coil", COILS, coils(instance.text("ReceiveCoilName")))
    if header.planes:
        _mark(out, "plane", ("AX", "COR", "SAG", "OBL"), header.planes)
    for keyword in _FLAGS:
        out[f"has:{keyword}"] = float(keyword in instance.tags)
    return out


def _mark(out: dict[str, float], prefix: str, values: tuple[str, ...], present: object) -> None:
    for value in values:
        out[f"{prefix}:{value}"] = float(value in present)  # type: ignore[operator]


def describe() -> str:
    """The feature table as Markdown."""
    rows = [f"| `{f.name}` | {f.kind} | {f.meaning} |" for f in FEATURES]
    return "\n".join(["| feature | kind | meaning |", "|---|---|---|", *rows])
