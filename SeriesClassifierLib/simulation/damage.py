"""What happens to headers on their way: tags lost one by one, whole groups removed by de-identification,
wrong values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.records import TagValue

# Removed together: by de-identification profiles, by conversion, by other vendors' workstations.
GROUPS: dict[str, frozenset[str]] = {
    "words": frozenset({"ImageType", "SequenceName", "PulseSequenceName", "AcquisitionContrast"}),
    "private": frozenset(
        {"SiemensBValue", "GEBValue", "PhilipsBValue", "UIHBValue", "GEPulseSequence", "PhilipsScanTechnique"}
    ),
    "codes": frozenset(
        {"ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "AngioFlag"}
    ),
    "timing": frozenset({"RepetitionTime", "EchoTime", "InversionTime", "FlipAngle", "EchoTrainLength"}),
    "scan": frozenset(
        {
            "NumberOfAverages",
            "PixelBandwidth",
            "ImagingFrequency",
            "PercentSampling",
            "SAR",
            "NumberOfPhaseEncodingSteps",
            "PercentPhaseFieldOfView",
        }
    ),
    "diffusion": frozenset({"DiffusionBValue", "SiemensBValue", "GEBValue", "PhilipsBValue", "UIHBValue"}),
    "contrast": frozenset({"ContrastBolusAgent", "ContrastBolusStartTime"}),
    "patient": frozenset({"PatientSex", "PatientPosition", "ReceiveCoilName"}),
    "pixels": frozenset({"LargestImagePixelValue", "WindowCenter", "WindowWidth", "RescaleSlope"}),
    "vendor": frozenset({"Manufacturer"}),
    "time": frozenset(
        {"TemporalPositionIdentifier", "NumberOfTemporalPositions", "TriggerTime", "HeartRate"}
    ),
}
_BLINDFOLD = ("words", "private")
_HARD = ("words", "private", "codes", "timing", "scan", "diffusion", "contrast")
# (probability of the whole kind of damage, groups always removed, chance of each other group, chance of each
# tag)
_LEVELS: tuple[tuple[float, tuple[str, ...], float, float], ...] = (
    (0.36, (), 0.02, 0.02),
    (0.24, (), 0.08, 0.10),
    (0.20, _BLINDFOLD, 0.05, 0.04),
    (0.10, (), 0.3, 0.35),
    (0.10, _HARD, 0.1, 0.05),
)
_WRONG = 0.03


def damage(
    rng: np.random.Generator, header: PartHeader, donors: Sequence[PartHeader] = ()
) -> PartHeader:
    """The header damaged by chance. A wrong value is the value that one of ``donors`` has for the tag."""
    level = _LEVELS[int(rng.choice(len(_LEVELS), p=[row[0] for row in _LEVELS]))]
    _, always, group_chance, tag_chance = level
    gone = set(always) | {name for name in GROUPS if rng.random() < group_chance}
    removed = frozenset().union(*(GROUPS[name] for name in gone)) if gone else frozenset()
    tags = {k: v for k, v in header.tags.items() if k not in removed and rng.random() >= tag_chance}
    if donors and rng.random() < _WRONG:
        donor = donors[int(rng.integers(len(donors)))].tags
        shared = sorted(tags.keys() & donor.keys())
        if shared:
            keyword = shared[int(rng.integers(len(shared)))]
            tags[keyword] = donor[keyword]
    return _without(rng, header, tags)


def _without(rng: np.random.Generator, header: PartHeader, tags: dict[str, TagValue]) -> PartHeader:
    """The header record as it would be read from the remaining tags."""
    from SeriesClassifierLib.parts.diffusion import b_value
    from SeriesClassifierLib.records import Instance

    lost_geometry = rng.random() < 0.04
    lost_b = header.b_value is not None and b_value(Instance("", 0, tags)) is None and header.b_value > 0
    return replace(
        header,
        tags=tags,
        planes=() if lost_geometry else header.planes,
        tilt=None if lost_geometry else header.tilt,
        extent=None if lost_geometry else header.extent,
        n_positions=header.n_instances if lost_geometry else header.n_positions,
        n_orientations=1 if lost_geometry else header.n_orientations,
        b_value=None if lost_b else header.b_value,
        # Without b-values the parts of a diffusion series cannot be told apart and stay one.
        series_b_values=0 if lost_b else header.series_b_values,
        n_instances=header.n_instances * max(1, header.series_b_values) if lost_b else header.n_instances,
        series_times=header.series_times * (max(1, header.series_b_values) if lost_b else 1),
        largest_pixel=header.largest_pixel if "LargestImagePixelValue" in tags else None,
        since_contrast=header.since_contrast if "ContrastBolusStartTime" in tags else None,
    )
