"""Simulated headers: a protocol is drawn, acquired on a drawn scanner, written in its vendor's dialect, then
damaged.

The physics is kept where it carries information: echo times of in and opposed phase follow the field
strength, the field of view follows pixel and matrix, times since the bolus follow the contrast phase, pixel
ranges follow what the picture is. All randomness comes from the generator passed in: the same seed gives the
same headers.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.parts.diffusion import b_value, is_calculated
from SeriesClassifierLib.records import Instance, TagValue
from SeriesClassifierLib.simulation import scan_tags
from SeriesClassifierLib.simulation.dialects import VENDOR_WEIGHTS
from SeriesClassifierLib.simulation.draws import chance, choice, draw_field, log_uniform
from SeriesClassifierLib.simulation.protocols import PROTOCOLS, Protocol
from SeriesClassifierLib.simulation.stack import Stack


@dataclass(frozen=True)
class Shift:
    """How far scanners stray from the tables: a model should not be sure of what only the tables say.

    ``foreign`` is the chance that a scanner writes codes and image type in another vendor's way, ``jitter``
    the standard deviation of the logarithm of every number.
    """

    foreign: float = 0.1
    jitter: float = 0.05


# Held-out scanners for calibration: stranger than those a model was trained on, as real ones will be.
STRANGE = Shift(foreign=0.4, jitter=0.15)
_JITTERED = ("RepetitionTime", "EchoTime", "InversionTime", "FlipAngle", "EchoTrainLength", "PixelBandwidth",
             "SliceThickness", "SpacingBetweenSlices", "WindowCenter", "WindowWidth")  # fmt: skip


@dataclass(frozen=True)
class SimulatedPart:
    """One simulated part: its header and the truth about it.

    ``acquired`` are the tags as the scanner set them; they outlive any damage to ``header``. ``stack`` is the
    geometry (``mosaic_slices`` are tiled into one image), ``field`` in tesla.
    """

    header: PartHeader
    sequence: str
    phase: str
    region: str
    derived: str
    plane: str
    vendor: str
    protocol: Protocol
    stack: Stack
    field: float
    acquired: Mapping[str, TagValue]


def draw_part(
    rng: np.random.Generator,
    *,
    sequence: str | None = None,
    region: str | None = None,
    vendor: str | None = None,
    field: float | None = None,
    shift: Shift | None = None,
) -> SimulatedPart:
    """One undamaged header. What is not given is drawn; ``field`` in tesla.

    Raises ValueError when no protocol acquires ``sequence`` in ``region``.
    """
    protocol = draw_protocol(rng, sequence, region)
    region = region or choice(rng, protocol.regions)
    vendor = vendor or choice(rng, VENDOR_WEIGHTS)
    return acquire(rng, protocol, region, vendor, field or draw_field(rng), shift or Shift())


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
    rng: np.random.Generator,
    protocol: Protocol,
    region: str,
    vendor: str,
    field: float,
    shift: Shift | None = None,
) -> SimulatedPart:
    """Acquire ``protocol`` on a scanner of ``vendor`` at ``field`` tesla; without ``shift`` by the tables."""
    shift = shift or Shift(0.0, 0.0)
    dialect = choice(rng, VENDOR_WEIGHTS) if chance(rng, shift.foreign) else vendor
    phase = choice(rng, protocol.phases)
    derived = choice(rng, protocol.derived)
    geometry = Stack.draw(rng, protocol, derived)
    tags: dict[str, TagValue] = {
        **scan_tags.device(rng, vendor, field, region),
        **scan_tags.timing(rng, protocol, vendor, field),
        **scan_tags.codes(rng, protocol, dialect, derived),
        **geometry.tags(rng, vendor),
        **scan_tags.pixels(rng, protocol, vendor, derived),
        **scan_tags.contrast(rng, phase),
    }
    for keyword in _JITTERED if shift.jitter else ():
        value = tags.get(keyword)
        if isinstance(value, float) and value > 0:
            tags[keyword] = value * math.exp(rng.normal(0, shift.jitter))
    series_b = scan_tags.diffusion(rng, protocol, vendor, derived, region, tags)
    series_times = scan_tags.time_points(rng, protocol, tags, vendor)
    image_type = scan_tags.image_type(rng, scan_tags.image_kind(rng, protocol, derived), dialect, protocol)
    tags["ImageType"] = image_type
    if "MOSAIC" in image_type:
        geometry = geometry.mosaic()
        tags |= geometry.size_tags()
    header = _header(rng, protocol, tags, geometry, series_b, series_times, phase)
    return SimulatedPart(
        header,
        protocol.sequence,
        phase,
        region,
        derived,
        geometry.plane,
        vendor,
        protocol,
        geometry,
        field,
        tags,
    )


def _header(
    rng: np.random.Generator,
    protocol: Protocol,
    tags: dict[str, TagValue],
    geometry: Stack,
    series_b: int,
    times: int,
    phase: str,
) -> PartHeader:
    instance = Instance("", 0, tags)
    found = b_value(instance)
    # Parts are cut as parts.split does: EPI runs stay whole, so do runs of more than twelve time points.
    kept_whole = protocol.technique in (*scan_tags.EPI, "CINE", "MOLLI") or times > 12
    together = times if kept_whole else 1
    echoes = 1
    if protocol.technique in ("ME_GRE", "T2_MAP", "FIELD_MAP", "DUAL_ECHO_2D", "SWI") and chance(rng, 0.5):
        echoes = int(rng.integers(2, 9)) if protocol.technique in ("ME_GRE", "T2_MAP") else 2
    since = None
    if phase in scan_tags.SINCE_BOLUS and chance(rng, 0.22):
        since = log_uniform(rng, scan_tags.SINCE_BOLUS[phase])
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
        time_index=None,
        since_contrast=since,
    )
