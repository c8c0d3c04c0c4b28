"""Render the slices of a simulated part: anatomy, signal equations and scanner in one.

The ideal picture of water and fat is made of labels; coils, field errors and motion act on it, noise joins,
k-space is cut to what was measured, and the magnitude (or a map computed from several such pictures) is
stored in whole numbers as a DICOM file holds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from SeriesClassifierLib.simulation import scanner
from SeriesClassifierLib.simulation.contrast import NO_AGENT
from SeriesClassifierLib.simulation.draws import chance, log_uniform, one_of
from SeriesClassifierLib.simulation.headers import SimulatedPart
from SeriesClassifierLib.simulation.maps import angles, from_diffusion, is_map, mapped, subtracted
from SeriesClassifierLib.simulation.projections import depths_of, projected, step_of
from SeriesClassifierLib.simulation.scanner import Complex, Floats, Look
from SeriesClassifierLib.simulation.scans import Scan
from SeriesClassifierLib.simulation.screens import draw_screen
from SeriesClassifierLib.simulation.settings import Settings, draw_settings, shown_size
from SeriesClassifierLib.simulation.signals import signal
from SeriesClassifierLib.simulation.stages import Stage, draw_stage, echo
from SeriesClassifierLib.simulation.tissues import NAMES, TissuesDrawn, at_field
from SeriesClassifierLib.simulation.views import BodyLike, slice_points

_INSIDE = np.array([name not in ("air", "gas", "lung", "cortical_bone") for name in NAMES])
_BRAIN = np.array([name in ("gray_matter", "white_matter", "deep_gray", "csf", "white_matter_lesion", "tumor",
                            "metastasis", "blood_vein", "blood_artery") for name in NAMES])  # fmt: skip
_AT_ONCE = 4


@dataclass(frozen=True)
class _Job:
    """One part to render; ``tissues`` are those at its field."""

    rng: np.random.Generator
    part: SimulatedPart
    body: BodyLike
    tissues: TissuesDrawn
    settings: Settings


def render(
    rng: np.random.Generator,
    part: SimulatedPart,
    body: BodyLike,
    tissues_drawn: TissuesDrawn,
    *,
    positions: Sequence[int] | None = None,
    longest: int = 192,
    settings: Settings | None = None,
) -> Floats:
    """Slices (S, rows, columns) of ``part``: pixel values, whole numbers from 0, as a file would store them.

    ``positions`` are indices of the part's stack (default: all). The longer side has at most ``longest``
    pixels. ADC maps are in 1e-6 mm2/s on most scanners. ``settings`` keeps several calls alike.
    """
    stack = part.stack
    settings = settings or draw_settings(rng, part, body, longest=longest)
    tissues = at_field(tissues_drawn, part.field)
    chosen = list(range(stack.positions)) if positions is None else list(positions)
    job = _Job(rng, part, body, tissues, settings)
    if settings.scan.image in ("screen", "spectrum"):
        return draw_screen(rng, settings.scan.image, len(chosen), *shown_size(part, longest))
    if not stack.mosaic_slices:
        image = _pictures(job, chosen, *shown_size(part, longest))
        return _stored(part, settings, tissues, image)
    side = math.ceil(math.sqrt(stack.mosaic_slices))
    rows, columns = shown_size(part, max(12, longest // side))
    tiles = _pictures(job, range(stack.mosaic_slices), rows, columns)
    image = np.zeros((side * side, rows, columns), np.float32)
    image[: len(tiles)] = tiles
    image = image.reshape(side, side, rows, columns).swapaxes(1, 2).reshape(1, side * rows, side * columns)
    return np.repeat(_stored(part, settings, tissues, image), len(chosen), axis=0)


def _pictures(job: _Job, chosen: Sequence[int], rows: int, columns: int) -> Floats:
    """The chosen slices, a few at a time: what fits the cache is faster."""
    out = np.empty((len(chosen), rows, columns), np.float32)
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        out[start : start + _AT_ONCE] = _few(job, some, rows, columns)
    return out


def _few(job: _Job, chosen: Sequence[int], rows: int, columns: int) -> Floats:
    part, body, settings = job.part, job.body, job.settings
    scan, view, look = settings.scan, settings.view, settings.look
    fixed = np.random.default_rng(settings.seed)
    depths = depths_of(fixed, part, body, scan)
    # Vessels are thin: fewer pixels would lose them.
    share = _worked_at(look, rows, columns, len(depths), 144 if part.sequence == "MRA" else 104)
    h, w = max(8, math.ceil(rows * share)), max(8, math.ceil(columns * share))
    dither = step_of(depths)
    if len(depths) == 1 and part.stack.thickness > view.width / columns:
        dither = min(part.stack.thickness, 12.0)
    points = np.stack(
        [
            slice_points(part.stack, view, index, h, w, depth=depth, dither=dither)
            for index in chosen
            for depth in depths
        ]
    )
    if share < 1:
        look = replace(look, rows=min(0.95, look.rows / share), columns=min(0.95, look.columns / share))
    stage = draw_stage(fixed, part, body, replace(settings, look=look), points)
    image = _computed(job, fixed, stage, look, len(depths))
    return scanner.resampled(image, rows, columns)


def _worked_at(look: Look, rows: int, columns: int, depths: int, most: int) -> float:
    """The share of the shown resolution to compute at: no more than was measured, less for projections."""
    share = min(1.0, 1.3 * max(look.rows, look.columns))
    if depths > 1:
        share = min(share, most / max(rows, columns))
    return share if share * max(rows, columns) >= 48 else min(1.0, 48 / max(rows, columns))


def _computed(job: _Job, fixed: np.random.Generator, stage: Stage, look: Look, depths: int) -> Floats:
    """What is shown, (S, H, W), in the unit of the signal (maps: of the map)."""
    rng, part, scan, tissues = job.rng, job.part, job.settings.scan, job.tissues
    inside = _INSIDE[stage.labels]
    plain = replace(scan, b_value=0.0, image="magnitude" if is_map(scan) else scan.image)
    reference = echo(stage, plain, tissues, look)
    bright = np.abs(reference.real[:, ::2, ::2])
    level = max(
        float(bright[inside[:, ::2, ::2]].mean()) if inside[:, ::2, ::2].any() else 0.0,
        0.12 * float(np.percentile(bright, 99.5)),  # where little is bright, noise is seen beside it
    )
    sigma = max(level, 1e-5) / look.snr
    shape = stage.labels.shape
    kernels = scanner.matrices(fixed, look, shape[-2], shape[-1])
    spread = np.full((1, 1), sigma, np.float32)
    if look.g_factor:
        y, x = np.linspace(-1, 1, shape[-2])[:, None], np.linspace(-1, 1, shape[-1])[None, :]
        spread = np.asarray(sigma * (1 + look.g_factor * np.exp(-3 * (x**2 + y**2))), np.float32)
    uneven = stage.receive**look.normalized

    def measured(picture: Complex) -> Complex:
        if scan.projection == "mean":
            picture = picture.reshape(-1, depths, *shape[1:]).mean(1)
        return scanner.filtered(scanner.noise(rng, picture.shape) * spread + picture, *kernels)

    def magnitude(own: Scan, moved: int = 0) -> Floats:
        picture = reference if own == plain else echo(stage, own, tissues, look)
        if moved:
            picture = np.roll(picture, moved, -2)
        image = np.abs(measured(picture))
        return np.asarray(image / (uneven if len(uneven) == len(image) else uneven[::depths]), np.float32)

    if scan.image in ("adc", "calculated_b"):
        low, high = (magnitude(replace(scan, b_value=b, image="magnitude")) for b in scan.b_pair)
        return from_diffusion(fixed, scan, low, high, inside, sigma)
    if scan.image == "subtraction":
        before = magnitude(
            replace(scan, agent=scan.agent_before, image="magnitude"), int(fixed.integers(-1, 2))
        )
        image = subtracted(fixed, magnitude(scan), before, level)
    elif scan.image in ("phase", "velocity", "wave"):
        image = angles(fixed, part, stage, scan, measured(reference), sigma)
    elif is_map(scan):
        image = mapped(rng, fixed, stage, scan, tissues, measured(reference), kernels, sigma)
    else:
        image = magnitude(scan)
        image = _masked(fixed, part, image, stage, sigma) if not scan.projection else image
    return projected(image, scan, depths)


def _masked(
    rng: np.random.Generator, part: SimulatedPart, image: Floats, stage: Stage, sigma: float
) -> Floats:
    """Background set to zero by the console, brains without skulls, borders of a distortion correction."""
    if part.region == "brain" and chance(rng, 0.05):
        image = np.where(_BRAIN[stage.labels], image, 0 if chance(rng, 0.5) else 0.1 * image.max())
    elif chance(rng, 0.15):
        image = np.where(image > rng.uniform(2, 4) * sigma, image, 0)
    if chance(rng, 0.12):
        image = np.where(scanner.corrected_border(rng, *image.shape[1:]), image, 0)
    return np.asarray(image, np.float32)


def _stored(part: SimulatedPart, settings: Settings, tissues: TissuesDrawn, image: Floats) -> Floats:
    """Whole numbers from 0. One scale for all images of a series, so a run keeps its course."""
    rng, scan = np.random.default_rng([settings.seed, 1]), settings.scan
    if scan.image == "adc":
        scale = one_of(rng, [1000.0, 1000.0, 1000.0, 1000.0, 100.0, 1365.0])
        return np.asarray(np.rint(image * scale), np.float32)
    if scan.image in ("phase", "velocity", "wave"):
        return np.asarray(np.rint((image + 1) * 2047.5), np.float32)
    if chance(rng, 0.15):
        image = scanner.sharpened(image, rng.uniform(-0.8, 0.9))
    if chance(rng, 0.06):
        image = scanner.padded(rng, image)
    image = np.maximum(image, 0)
    if scan.image == "relaxation":
        return np.asarray(np.rint(np.minimum(image, 4095)), np.float32)
    top = float(np.clip(part.header.largest_pixel or log_uniform(rng, (200, 4095)), 100, 20000))
    amounts = signal(replace(scan, b_value=0.0, agent=NO_AGENT, bolus=0.0), tissues)
    nominal = float(np.sort(np.abs(amounts.water + amounts.fat))[-6:].mean())
    most = 32767.0 if top > 4095 else 4095.0
    if chance(rng, 0.06):  # the brightest saturate
        most = min(most, rng.uniform(0.6, 1.2) * top)
    enhancing = part.sequence == "DCE" or scan.technique == "CE_MRA" or part.phase not in ("NONE", "PRE")
    factor = (0.35 if enhancing else 0.7) * top / max(nominal, 1e-6)
    return np.asarray(np.rint(np.minimum(image * factor, most)), np.float32)
