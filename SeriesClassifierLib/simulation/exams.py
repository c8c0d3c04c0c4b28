"""Whole simulated exams as DICOM files: one of the prostate, one of the liver, for the demo and the tests.

Headers come from the header simulator, pictures from the phantoms. Everything follows from the seed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.records import Instance, TagValue
from SeriesClassifierLib.simulation.dicom_writer import uid_of, write_series
from SeriesClassifierLib.simulation.phantoms import Scan, anatomy, picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIZE = 160  # rows and columns of every image
_Vector = tuple[float, float, float]
_Agent = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PlannedSeries:
    """One line of an exam card. ``start`` is in seconds after the contrast injection (before it: negative).

    ``like`` is the number of an earlier series (from 1) that this one shares geometry and acquisition with.
    """

    description: str
    sequence: str
    start: float
    plane: str = "AX"
    phase: str = "NONE"
    derived: str = "ORIGINAL"
    technique: str = ""
    slices: int = 16
    b_values: tuple[float, ...] = ()
    times: int = 1
    like: int = 0


_PROSTATE = (
    PlannedSeries("localizer", "LOCALIZER", -1500, plane="MULTI", slices=3),
    PlannedSeries("t2_tse_sag", "T2", -1400, plane="SAG"),
    PlannedSeries("t2_tse_tra", "T2", -1150, slices=20),
    PlannedSeries("t2_tse_cor", "T2", -900, plane="COR"),
    PlannedSeries("t1_tse_tra", "T1", -650, technique="TSE", phase="PRE"),
    PlannedSeries("ep2d_diff_tra", "DWI", -400, b_values=(50, 400, 800)),
    PlannedSeries("ep2d_diff_tra_ADC", "ADC", -400, like=6),
    PlannedSeries("ep2d_diff_tra_CALC_BVAL", "DWI", -400, derived="CALC_BVAL", b_values=(1400,), like=6),
    PlannedSeries("vibe_dyn_tra", "DCE", -20, times=6, slices=12),
)
_LIVER = (
    PlannedSeries("Loc", "LOCALIZER", -1500, plane="MULTI", slices=3),
    PlannedSeries("Cor T2 SSFSE", "T2", -1400, plane="COR", technique="HASTE"),
    PlannedSeries("Ax T2 FS", "T2", -1200, slices=20),
    PlannedSeries("Ax T1 in phase", "DIXON_IN", -1000, technique="DUAL_ECHO_2D", phase="PRE"),
    PlannedSeries("Ax T1 opposed phase", "DIXON_OPP", -1000, technique="DUAL_ECHO_2D", phase="PRE", like=4),
    PlannedSeries("Ax DWI", "DWI", -800, b_values=(50, 500)),
    PlannedSeries("Ax DWI ADC", "ADC", -800, like=6),
    PlannedSeries("3D MRCP", "MRCP", -500, plane="COR", technique="TSE_3D", slices=20),
    PlannedSeries("3D MRCP MIP", "MRCP", -500, plane="COR", technique="TSE_3D", derived="MIP", like=8),
    PlannedSeries("Ax 3D T1 pre", "T1", -60, technique="SPGR_3D", phase="PRE", slices=20),
    PlannedSeries("Ax 3D T1 art", "T1", 25, technique="SPGR_3D", phase="ART", like=10),
    PlannedSeries("Ax 3D T1 portal venous", "T1", 70, technique="SPGR_3D", phase="PORTVEN", like=10),
    PlannedSeries("Ax 3D T1 delayed", "T1", 240, technique="SPGR_3D", phase="LATE", like=10),
)
EXAMS: Mapping[str, tuple[PlannedSeries, ...]] = {"prostate": _PROSTATE, "abdomen": _LIVER}
_NAMES = {"prostate": "Simulated^Prostate", "abdomen": "Simulated^Liver"}
_BODY_PARTS = {"prostate": "PROSTATE", "abdomen": "ABDOMEN"}
_CENTERS: Mapping[str, _Vector] = {"prostate": (0, 10, -6), "abdomen": (-10, 0, 15)}
_LARGEST_FOV = 400.0
_NO_AGENT: _Agent = (0, 0, 0)
_AGENT: Mapping[str, _Agent] = {"ART": (1, 0, 0), "PORTVEN": (0, 1, 0), "LATE": (0, 0, 1)}
# Image axes (along a row, down a column) and the direction in which slices follow each other, in LPS.
_AXES: Mapping[str, tuple[_Vector, _Vector, _Vector]] = {
    "AX": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "COR": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "SAG": ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
}
_B_VALUE_TAGS = {"SIEMENS": "SiemensBValue", "GE": "GEBValue", "PHILIPS": "PhilipsBValue", "UIH": "UIHBValue"}


@dataclass(frozen=True, slots=True)
class SimulatedImage:
    """One image before it is drawn: its tags, what makes its contrast, and the depth of a projection in mm.
    """

    tags: Mapping[str, TagValue]
    scan: Scan
    depth: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatedSeries:
    """One simulated series with the truth about it."""

    number: int
    sequence: str
    plane: str
    phase: str
    derived: str
    region: str
    b_values: tuple[float, ...]
    images: tuple[SimulatedImage, ...]

    def instances(self) -> list[dict[str, TagValue]]:
        """The tags of every image, as ``Instance.tags`` holds them."""
        return [dict(image.tags) for image in self.images]


@dataclass(frozen=True, slots=True)
class _Volume:
    """Where the slices of a series lie; lengths in mm."""

    planes: tuple[str, ...]
    slices: int
    gap: float
    fov: float
    tilt: float


def draw_exam(seed: int, region: str, vendor: str) -> list[SimulatedSeries]:
    """One exam of ``region`` (a key of EXAMS) on a scanner of ``vendor`` (as the header simulator names it).
    """
    import numpy as np

    rng = np.random.default_rng([seed, len(region), len(vendor)])
    field = 3.0 if region == "prostate" else 1.5
    exam = uid_of("exam", seed, region, vendor)
    out: list[SimulatedSeries] = []
    volumes: list[_Volume] = []
    headers: list[dict[str, TagValue]] = []
    for number, plan in enumerate(EXAMS[region], start=1):
        tags = _header(rng, plan, region, vendor, field)
        if plan.like:
            tags = _computed_header(plan, tags, EXAMS[region][plan.like - 1], headers[plan.like - 1])
        volume = volumes[plan.like - 1] if plan.like else _volume(rng, plan, tags, region)
        volumes.append(volume)
        headers.append(tags)
        tags = tags | _identity(exam, seed, region, number, plan)
        images = tuple(_images(exam, region, vendor, plan, number, volume, tags))
        out.append(
            SimulatedSeries(
                number, plan.sequence, plan.plane, plan.phase, plan.derived, region, plan.b_values, images
            )
        )
    return out


def write_exam(folder: Path, region: str, *, seed: int = 1, vendor: str = "SIEMENS") -> list[Path]:
    """Draw an exam and write it, a folder for each series; the files in order. The same seed, the same bytes.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    body: dict[tuple[TagValue, ...], NDArray[np.intp]] = {}
    paths: list[Path] = []
    for series in draw_exam(seed, region, vendor):
        pictures = []
        for image in series.images:
            slabs = [0.0] if not image.depth else np.linspace(-image.depth / 2, image.depth / 2, 12).tolist()
            layers = []
            for offset in slabs:
                place = (
                    *(image.tags[k] for k in ("ImagePositionPatient", "ImageOrientationPatient")),
                    offset,
                )
                if place not in body:
                    body[place] = anatomy(region, _points(image.tags, offset), seed)
                layers.append(picture(body[place], image.scan, rng))
            pictures.append(np.max(layers, axis=0).round().astype(np.uint16))
        paths += write_series(pictures, series.instances(), folder / f"{series.number:02d}_{series.sequence}")
    return paths


def _header(
    rng: np.random.Generator, plan: PlannedSeries, region: str, vendor: str, field: float
) -> dict[str, TagValue]:
    """The technical tags of a series, out of the header simulator."""
    from SeriesClassifierLib.simulation.headers import acquire
    from SeriesClassifierLib.simulation.protocols import PROTOCOLS

    rows = [p for p in PROTOCOLS if p.sequence == plan.sequence and p.regions.get(region) and not p.options]
    rows = [p for p in rows if plan.technique in ("", p.technique)] or rows
    protocol = max(rows, key=lambda p: (p.derived.get(plan.derived, 0) > 0, p.weight))
    plane = plan.plane if plan.plane in _AXES else "AX"
    fixed = replace(
        protocol, planes={plane: 1.0}, phases={"NONE": 1.0}, derived={plan.derived: 1.0}, times=(1, 1)
    )
    says = "CALC_BVAL" if plan.derived == "CALC_BVAL" else "ADC" if plan.sequence == "ADC" else ""
    for _ in range(50):
        tags = dict(acquire(rng, fixed, region, vendor, field).header.tags)
        words = Instance("", 0, tags).tokens("ImageType")
        # One slice an image, and a map that says what it is, as most scanners do.
        if "MOSAIC" not in words and any(says in word for word in words):
            break
    for keyword in (
        "DiffusionBValue",
        *_B_VALUE_TAGS.values(),
        "ContrastBolusAgent",
        "ContrastBolusStartTime",
    ):
        tags.pop(keyword, None)
    return tags


def _computed_header(
    plan: PlannedSeries, own: Mapping[str, TagValue], original: PlannedSeries, tags: Mapping[str, TagValue]
) -> dict[str, TagValue]:
    """The tags of a series that shares the acquisition of another one: the other's, but what the images are.
    """
    if (plan.sequence, plan.derived) == (original.sequence, original.derived):
        return dict(tags)
    keep = {"ImageType", "EchoTime"} if plan.sequence in ("DIXON_IN", "DIXON_OPP") else {"ImageType"}
    computed = {k: v for k, v in tags.items() if k not in keep} | {k: own[k] for k in keep if k in own}
    name = computed.get("SequenceName")
    if original.b_values and isinstance(name, str):
        computed["SequenceName"] = re.sub(
            r"_b\d.*$", f"_b{original.b_values[0]:g}_{original.b_values[-1]:g}", name
        )
    return computed


def _volume(
    rng: np.random.Generator, plan: PlannedSeries, tags: Mapping[str, TagValue], region: str
) -> _Volume:
    header = Instance("", 0, tags)
    fov = (header.number("Rows") or SIZE) * (header.number("PixelSpacing") or 2.0)
    least = 180.0 if region == "prostate" else 380.0  # what has to be in the picture to be recognized
    thickness = header.number("SliceThickness") or 4.0
    gap = max(thickness, header.number("SpacingBetweenSlices") or thickness)
    if region == "abdomen":
        gap = max(gap, 4.0)
    planes = ("SAG", "COR", "AX") if plan.plane == "MULTI" else (plan.plane,)
    tilt = 0.0 if plan.plane == "MULTI" else round(float(rng.normal(0, 5)), 1)
    return _Volume(
        planes, plan.slices, round(gap, 2), min(max(fov, least), _LARGEST_FOV), max(-12.0, min(tilt, 12.0))
    )


def _identity(exam: str, seed: int, region: str, number: int, plan: PlannedSeries) -> dict[str, TagValue]:
    start = _clock(plan.start)
    agent = {"ContrastBolusAgent": "Gadobutrol"} if plan.start >= 0 or plan.sequence == "DCE" else {}
    return {
        **agent,
        "PatientName": _NAMES[region],
        "PatientID": f"SIM-{_BODY_PARTS[region]}-{seed}",
        "StudyDate": "20000101",
        "SeriesDate": "20000101",
        "StudyTime": _clock(-1600),
        "SeriesTime": start,
        "StudyDescription": f"Simulated MRI {_BODY_PARTS[region]}",
        "BodyPartExamined": _BODY_PARTS[region],
        "StudyInstanceUID": uid_of(exam),
        "SeriesInstanceUID": uid_of(exam, number),
        "FrameOfReferenceUID": uid_of(exam, "frame of reference"),
        "SeriesNumber": float(number),
        "SeriesDescription": plan.description,
        "ProtocolName": plan.description,
        "AcquisitionNumber": 1.0,
    }


def _images(
    exam: str,
    region: str,
    vendor: str,
    plan: PlannedSeries,
    number: int,
    volume: _Volume,
    tags: dict[str, TagValue],
) -> Iterator[SimulatedImage]:
    """All images of a series: time points, in them b-values, in them slices."""
    count = 0
    for time in range(plan.times):
        start = plan.start + 12 * time
        for b in plan.b_values or (0.0,):
            values = tags | {"AcquisitionTime": _clock(start), "ContentTime": _clock(start + 10)}
            if plan.b_values:
                values |= _b_value_tags(tags, vendor, b, calculated=plan.derived == "CALC_BVAL")
            if plan.times > 1:
                values |= {
                    "TemporalPositionIdentifier": time + 1.0,
                    "NumberOfTemporalPositions": float(plan.times),
                }
                values["AcquisitionNumber"] = time + 1.0
            scan = _scan(values, plan, b, start)
            for place in _places(region, volume, 1 if plan.derived == "MIP" else volume.slices):
                count += 1
                values = (
                    values
                    | place
                    | {"InstanceNumber": float(count), "SOPInstanceUID": uid_of(exam, number, count)}
                )
                depth = volume.slices * volume.gap if plan.derived == "MIP" else 0.0
                yield SimulatedImage(values, scan, depth)


def _places(region: str, volume: _Volume, slices: int) -> Iterator[dict[str, TagValue]]:
    """The geometry tags of every slice, the stack centered on the organ."""
    spacing = round(volume.fov / SIZE, 6)
    for plane in volume.planes:
        row, column, normal = (_tilted(axis, plane, volume.tilt) for axis in _AXES[plane])
        for index in range(slices):
            offset = (index - (slices - 1) / 2) * volume.gap
            corner = (SIZE - 1) / 2 * spacing
            position = tuple(
                round(float(c + offset * n - corner * (r + d)), 4)
                for c, n, r, d in zip(_CENTERS[region], normal, row, column, strict=True)
            )
            yield {
                "ImagePositionPatient": position,
                "ImageOrientationPatient": tuple(round(float(v), 6) for v in (*row, *column)),
                "PixelSpacing": (spacing, spacing),
                "SpacingBetweenSlices": volume.gap,
            }


def _tilted(axis: _Vector, plane: str, degrees: float) -> _Vector:
    """Turned about the left-right axis, sagittal slices about the head-foot axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y, z = axis
    return (c * x - s * y, s * x + c * y, z) if plane == "SAG" else (x, c * y - s * z, s * y + c * z)


def _points(tags: Mapping[str, TagValue], offset: float) -> Floats:
    """The places (2 SIZE x 2 SIZE x 3, mm) of an image's pixels, twice as fine, ``offset`` mm along the
    normal.
    """
    import numpy as np

    image = Instance("", 0, tags)
    spacing = image.number("PixelSpacing") or 1.0
    position = np.array(image.numbers("ImagePositionPatient"))
    row, column = np.array(image.numbers("ImageOrientationPatient")).reshape(2, 3)
    steps = (np.arange(2 * SIZE, dtype=np.float32) / 2 - 0.25) * spacing
    plane = steps[:, None, None] * column + steps[None, :, None] * row
    return np.asarray(position + offset * np.cross(row, column) + plane)


def _b_value_tags(
    tags: Mapping[str, TagValue], vendor: str, b: float, *, calculated: bool
) -> dict[str, TagValue]:
    """Where the vendor writes the b-value: a private tag or the standard one; Siemens also in SequenceName.
    """
    values: dict[str, TagValue] = {_B_VALUE_TAGS.get(vendor, "DiffusionBValue"): float(b)}
    name = tags.get("SequenceName")
    if vendor == "SIEMENS" and isinstance(name, str) and not calculated:
        values["SequenceName"] = re.sub(r"_b\d.*$", f"_b{b:g}t", name)
    return values


def _scan(tags: Mapping[str, TagValue], plan: PlannedSeries, b: float, start: float) -> Scan:
    header = Instance("", 0, tags)
    options = header.text("ScanOptions").upper()
    suppressed = plan.sequence in ("DWI", "ADC", "MRCP", "DCE") or "FS" in options or "FAT" in options
    agent = _AGENT.get(plan.phase, _NO_AGENT)
    if plan.times > 1 and start > 0:
        agent = _AGENT["ART"] if start < 25 else _AGENT["PORTVEN"]
    return Scan(
        sequence=plan.sequence,
        tr=header.number("RepetitionTime") or 3000,
        te=header.number("EchoTime") or 80,
        flip=header.number("FlipAngle") or 90,
        spin_echo=plan.sequence in ("DWI", "ADC", "T2", "MRCP") or "SE" in header.tokens("ScanningSequence"),
        fat_suppressed=suppressed,
        b_value=b,
        agent=agent,
        calculated=plan.derived == "CALC_BVAL",
    )


def _clock(seconds: float) -> str:
    """The time of day (DICOM TM) when the injection is at noon."""
    total = 12 * 3600 + seconds
    return f"{int(total // 3600):02d}{int(total % 3600 // 60):02d}{total % 60:09.6f}"
