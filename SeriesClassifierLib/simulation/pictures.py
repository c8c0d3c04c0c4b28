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
from numpy.typing import NDArray

from SeriesClassifierLib.simulation import scanner
from SeriesClassifierLib.simulation.draws import chance, log_uniform, one_of
from SeriesClassifierLib.simulation.headers import SimulatedPart
from SeriesClassifierLib.simulation.scanner import Complex, Floats, Look
from SeriesClassifierLib.simulation.signals import EPI, NO_AGENT, SPIN_ECHO, Scan, scan_of, signal
from SeriesClassifierLib.simulation.tissues import INDEX, NAMES, TissuesDrawn, at_field
from SeriesClassifierLib.simulation.views import BodyLike, View, draw_view, slice_points

__all__ = ["Settings", "draw_settings", "render", "slice_points"]

_GAS = np.array([{"gas": 1.0, "lung": 0.8, "air": 0.35}.get(name, 0.0) for name in NAMES], np.float32)
_INSIDE = np.array([name not in ("air", "gas", "lung", "cortical_bone") for name in NAMES])
_BRAIN = np.array([name in ("gray_matter", "white_matter", "deep_gray", "csf", "white_matter_lesion", "tumor",
                            "metastasis", "blood_vein", "blood_artery") for name in NAMES])  # fmt: skip
_VELOCITY = np.zeros(len(NAMES), np.float32)
_VELOCITY[[INDEX["blood_artery"], INDEX["blood_vein"], INDEX["blood_pool"]]] = (0.55, -0.25, 0.2)
_AT_ONCE = 4
_BREATHES = frozenset({"abdomen", "chest", "cardiac", "whole_body"})


@dataclass(frozen=True)
class Settings:
    """All that is drawn once for a series: what is scanned, where, and how it is degraded.

    ``seed`` fixes the rest (coils, field, how the console masks and scales), so that several calls of
    ``render`` agree; only noise is new in each.
    """

    scan: Scan
    view: View
    look: Look
    seed: int


def draw_settings(
    rng: np.random.Generator,
    part: SimulatedPart,
    body: BodyLike,
    *,
    longest: int = 192,
    scan: Scan | None = None,
    view: View | None = None,
) -> Settings:
    """Settings of ``part`` in ``body``; what is given (shared with another series of a study) is kept."""
    scan = scan or scan_of(rng, part)
    view = view or draw_view(rng, part, body)
    return Settings(scan, view, _look(rng, part, scan, longest), int(rng.integers(2**62)))


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
    if settings.scan.image in ("screen", "spectrum"):
        return _drawing(rng, settings.scan.image, len(chosen), *shown_size(part, longest))
    if not stack.mosaic_slices:
        image = _pictures(rng, part, body, tissues, settings, chosen, *shown_size(part, longest))
        return _stored(part, settings, tissues, image)
    side = math.ceil(math.sqrt(stack.mosaic_slices))
    rows, columns = shown_size(part, max(12, longest // side))
    tiles = _pictures(rng, part, body, tissues, settings, list(range(stack.mosaic_slices)), rows, columns)
    image = np.zeros((side * side, rows, columns), np.float32)
    image[: len(tiles)] = tiles
    image = image.reshape(side, side, rows, columns).swapaxes(1, 2).reshape(1, side * rows, side * columns)
    return np.repeat(_stored(part, settings, tissues, image), len(chosen), axis=0)


def shown_size(part: SimulatedPart, longest: int) -> tuple[int, int]:
    """Rows and columns of a picture (of one tile of a mosaic) whose longer side has at most ``longest``."""
    rows, columns = part.stack.rows, part.stack.columns
    factor = min(1.0, longest / max(rows, columns))
    return max(8, round(rows * factor)), max(8, round(columns * factor))


# ---------------------------------------------------------------------------------------------- the scanner


def _look(rng: np.random.Generator, part: SimulatedPart, scan: Scan, longest: int) -> Look:
    stack, technique = part.stack, scan.technique
    rows, columns = shown_size(part, longest)
    snr = (14.0, 90.0)
    if part.sequence in ("DWI", "ADC"):
        snr = (7.0, 45.0)
    elif part.sequence in ("ASL", "PERFUSION") or technique == "PERFUSION_MAP":
        snr = (5.0, 30.0)
    elif part.sequence in ("LOCALIZER", "SWI", "CISS"):
        snr = (8.0, 50.0)
    elif technique in ("TSE", "SE", "SPGR_3D", "MP_GRE"):
        snr = (20.0, 150.0)
    coarse = None
    if part.sequence in ("DIXON_IN", "DIXON_OPP"):
        coarse = min(stack.matrix / max(rows, columns), rng.uniform(0.5, 0.85))
    return scanner.draw_look(
        rng,
        echo_planar=technique in EPI,
        gradient_echo=technique not in SPIN_ECHO and technique not in ("DWI", "SE_EPI", "ASL_3D"),
        single_shot=technique in ("HASTE", "ASL_3D"),
        body=part.region in _BREATHES,
        te=scan.te,
        field=scan.field,
        # Two echoes in one breath leave little time: coarse voxels, broad black lines in opposed phase.
        acquired=stack.matrix / max(rows, columns) if coarse is None else coarse,
        snr=snr,
    )


@dataclass(frozen=True)
class _Stage:
    """Labels of a stack and the fields that act on it; (S, H, W) all of them."""

    labels: NDArray[np.uint8]
    texture: Floats
    receive: Floats
    transmit: Floats
    b0: Floats
    density: Floats


def _stage(
    fixed: np.random.Generator, part: SimulatedPart, body: BodyLike, settings: Settings, points: Floats
) -> _Stage:
    view, look, scan = settings.view, settings.look, settings.scan
    _, rows, columns, _ = points.shape
    labels = body.labels(points)
    texture = _textures(body, points)
    coarse = points[:, 2::4, 2::4]
    wide = points[:, 4::8, 4::8] if min(rows, columns) >= 24 else coarse
    center, size = np.asarray(body.center, np.float32), np.asarray(body.size, np.float32)
    receive = scanner.enlarge(scanner.coils(fixed, wide, center, size, part.region), rows, columns)
    transmit = scanner.enlarge(scanner.transmit(fixed, wide, center, size, scan.field), rows, columns)
    relative = np.asarray(np.clip((coarse - center) / (size / 2), -1.5, 1.5), np.float32)
    b0 = scanner.b0_map(fixed, _GAS[labels[:, 2::4, 2::4]], 4 * view.height / rows, relative)
    b0 = scanner.enlarge(b0, rows, columns)
    density = np.ones(1, np.float32)
    if look.shift:
        pixels = look.shift * rows / max(view.height, 1.0)  # shift is in mm
        labels, density = scanner.distort(labels, b0 * np.float32(pixels), look.phase_axis)
    return _Stage(labels, texture, receive, transmit, b0, density)


def _textures(body: BodyLike, points: Floats) -> Floats:
    """The texture, computed at every second pixel."""
    small = body.texture(points[:, ::2, ::2])
    return scanner.resampled(small, points.shape[1], points.shape[2])


def _echo(stage: _Stage, scan: Scan, tissues: TissuesDrawn, look: Look) -> Complex:
    """The complex picture before k-space: water and fat of every place, in their relative phase."""
    amounts = signal(scan, tissues)
    water = amounts.water[stage.labels]
    water = water + stage.texture * (amounts.water * np.minimum(tissues.texture, 0.5))[stage.labels]
    labels = np.roll(stage.labels, look.fat_shift, look.fat_axis) if look.fat_shift else stage.labels
    fat = amounts.fat[labels]
    if scan.fat_suppression == "fatsat" and look.fat_failure:
        failing = np.clip(look.fat_failure * (np.abs(stage.b0) - 0.3), 0, 0.9)
        left = 1 + failing * ((1 - scan.fat_residual) / scan.fat_residual)
        fat = np.asarray(fat * left, np.float32)
    if scan.image in ("water", "fat"):
        first, second = (water, fat) if scan.image == "water" else (fat, water)
        real, imaginary = first + np.float32(0.03) * second, None
    else:
        sine = math.sin(scan.fat_phase)
        real = water + fat * np.float32(math.cos(scan.fat_phase))
        imaginary = fat * np.float32(sine) if abs(sine) > 0.05 else None
    gain: NDArray[np.floating] = (
        stage.receive * stage.transmit ** (2 if scan.technique in SPIN_ECHO else 1) * stage.density
    )
    if look.dropout:
        slope = np.abs(np.gradient(stage.b0, axis=-1)) + np.abs(np.gradient(stage.b0, axis=-2))
        gain = gain * np.exp(-((look.dropout * slope * 12) ** 2))
    if scan.technique.startswith("BSSFP") or scan.technique == "CINE":
        cycle = (stage.b0 * scan.field * 0.6) % 1.0 - 0.5
        gain = gain * (1 - 0.85 * np.exp(-((cycle / 0.07) ** 2)))
    if scan.image == "venous":
        gain = gain * _VENOUS[stage.labels]
    image = np.zeros(water.shape, np.complex64)
    image.real = real * gain
    if imaginary is not None:
        image.imag = imaginary * gain
    return image


_VENOUS = np.ones(len(NAMES), np.float32)
_VENOUS[[INDEX["blood_vein"], INDEX["deep_gray"]]] = (0.25, 0.8)


def _pictures(
    rng: np.random.Generator,
    part: SimulatedPart,
    body: BodyLike,
    tissues: TissuesDrawn,
    settings: Settings,
    chosen: Sequence[int],
    rows: int,
    columns: int,
) -> Floats:
    """The chosen slices, a few at a time: what fits the cache is faster."""
    out = np.empty((len(chosen), rows, columns), np.float32)
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        out[start : start + _AT_ONCE] = _few(rng, part, body, tissues, settings, some, rows, columns)
    return out


def _few(
    rng: np.random.Generator,
    part: SimulatedPart,
    body: BodyLike,
    tissues: TissuesDrawn,
    settings: Settings,
    chosen: Sequence[int],
    rows: int,
    columns: int,
) -> Floats:
    scan, view, look = settings.scan, settings.view, settings.look
    fixed = np.random.default_rng(settings.seed)
    depths = _depths(fixed, part, body, scan)
    # Vessels are thin: fewer pixels would lose them.
    share = _worked_at(look, rows, columns, len(depths), 144 if part.sequence == "MRA" else 104)
    h, w = max(8, math.ceil(rows * share)), max(8, math.ceil(columns * share))
    dither = _step(depths)
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
    stage = _stage(fixed, part, body, replace(settings, look=look), points)
    image = _computed(rng, fixed, part, stage, scan, tissues, look, len(depths))
    return scanner.resampled(image, rows, columns)


def _worked_at(look: Look, rows: int, columns: int, depths: int, most: int) -> float:
    """The share of the shown resolution to compute at: no more than was measured, less for projections."""
    share = min(1.0, 1.3 * max(look.rows, look.columns))
    if depths > 1:
        share = min(share, most / max(rows, columns))
    return share if share * max(rows, columns) >= 48 else min(1.0, 48 / max(rows, columns))


def _step(depths: Sequence[float]) -> float:
    return depths[1] - depths[0] if len(depths) > 1 else 0.0


def _depths(rng: np.random.Generator, part: SimulatedPart, body: BodyLike, scan: Scan) -> list[float]:
    """Where a projection looks, in mm along the normal; [0] for a plain slice."""
    if not scan.projection:
        return [0.0]
    thickness = part.stack.thickness
    if part.sequence == "SWI":
        slab = rng.uniform(6, 20)
    elif part.sequence == "MRCP":
        slab = thickness if thickness > 12 else rng.uniform(35, 90)
    elif thickness > 12:
        slab = thickness
    else:
        slab = rng.uniform(0.3, 0.8) * float(np.asarray(body.size)[:2].min())
    step = max(3.0 if part.sequence != "SWI" else 2.0, slab / 20)
    count = max(3, round(slab / step))
    return [(i - (count - 1) / 2) * slab / count for i in range(count)]


def _computed(
    rng: np.random.Generator,
    fixed: np.random.Generator,
    part: SimulatedPart,
    stage: _Stage,
    scan: Scan,
    tissues: TissuesDrawn,
    look: Look,
    depths: int,
) -> Floats:
    """What is shown, (S, H, W), in the unit of the signal (maps: of the map)."""
    inside = _INSIDE[stage.labels]
    plain = replace(scan, b_value=0.0, image="magnitude" if _is_map(scan) else scan.image)
    reference = _echo(stage, plain, tissues, look)
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

    def measured(echo: Complex) -> Complex:
        if scan.projection == "mean":
            echo = echo.reshape(-1, depths, *shape[1:]).mean(1)
        return scanner.filtered(scanner.noise(rng, echo.shape) * spread + echo, *kernels)

    def magnitude(own: Scan, moved: int = 0) -> Floats:
        echo = reference if own == plain else _echo(stage, own, tissues, look)
        if moved:
            echo = np.roll(echo, moved, -2)
        image = np.abs(measured(echo))
        return np.asarray(image / (uneven if len(uneven) == len(image) else uneven[::depths]), np.float32)

    if scan.image in ("adc", "calculated_b"):
        low, high = (magnitude(replace(scan, b_value=b, image="magnitude")) for b in scan.b_pair)
        return _from_diffusion(fixed, scan, low, high, inside, sigma)
    if scan.image == "subtraction":
        before = magnitude(
            replace(scan, agent=scan.agent_before, image="magnitude"), int(fixed.integers(-1, 2))
        )
        image = magnitude(scan) - before
        kind = fixed.random()
        if kind < 0.2:
            image = np.abs(image)
        elif kind < 0.3:
            image = image + 2 * level
    elif scan.image in ("phase", "velocity", "wave"):
        image = _angles(fixed, part, stage, scan, measured(reference), sigma)
    elif _is_map(scan):
        image = _mapped(rng, fixed, stage, scan, tissues, measured(reference), kernels, sigma)
    else:
        image = magnitude(scan)
        image = _masked(fixed, part, image, stage, sigma) if not scan.projection else image
    if scan.projection in ("max", "min"):
        stack = image.reshape(-1, depths, *image.shape[1:])
        image = stack.max(1) if scan.projection == "max" else stack.min(1)
    return np.asarray(image, np.float32)


def _is_map(scan: Scan) -> bool:
    return scan.image in ("fa", "perfusion", "cbf", "relaxation")


def _from_diffusion(
    rng: np.random.Generator, scan: Scan, low: Floats, high: Floats, inside: NDArray[np.bool_], sigma: float
) -> Floats:
    """ADC (1e-3 mm2/s) or a calculated b-value, fitted from two magnitudes with their noise."""
    b_low, b_high = scan.b_pair
    floor = np.float32(1e-3 * sigma)
    adc = np.log(np.maximum(low, floor) / np.maximum(high, floor)) / (b_high - b_low) * 1e3
    if scan.image == "calculated_b":
        adc = np.maximum(adc, 0)
        image = low * np.exp(-(scan.b_value - b_low) * adc / 1e3)
        return np.asarray(np.where(low > 1.5 * sigma, image, 0), np.float32)
    adc = np.clip(adc, 0, rng.uniform(3.2, 5.0))
    kind = rng.random()
    if kind < 0.55:  # the console leaves out what has little signal
        adc = np.where(low > rng.uniform(1.5, 6.0) * sigma, adc, 0)
    elif kind < 0.65:
        adc = np.where(inside, adc, 0)
    return np.asarray(adc, np.float32)


def _angles(
    rng: np.random.Generator, part: SimulatedPart, stage: _Stage, scan: Scan, image: Complex, sigma: float
) -> Floats:
    """Phase images, -1 to 1: the field with its wraps, velocities, or waves; noise without signal."""
    if scan.image == "velocity":
        pulse = rng.uniform(0.3, 1.6) * (1 if chance(rng, 0.7) else -1)
        angle = _VELOCITY[stage.labels] * pulse + 0.1 * rng.normal() * stage.b0
    elif scan.image == "wave":
        rows, columns = stage.labels.shape[-2:]
        y, x = np.mgrid[0:rows, 0:columns] / max(rows, columns)
        distance = np.hypot(y - rng.uniform(0, 1), x - rng.uniform(-0.2, 1.2))
        angle = (
            0.5
            * np.exp(-2 * distance)
            * np.sin(2 * np.pi * distance * rng.uniform(6, 14) + rng.uniform(0, 6))
        )
    else:
        turns = scan.te * scan.field * rng.uniform(0.02, 0.08)
        if part.sequence == "SWI":  # high-pass filtered: veins and iron remain
            angle = (1 - _VENOUS)[stage.labels] * rng.choice([-0.7, 0.7]) + 0.05 * turns * stage.b0
        else:
            angle = turns * stage.b0 + rng.uniform(-1, 1)
    turned = image * np.exp(1j * np.pi * angle).astype(np.complex64)
    out = np.angle(turned) / np.pi
    if chance(rng, 0.3):
        out = np.where(np.abs(image) > 3 * sigma, out, 0 if chance(rng, 0.6) else -1)
    return np.asarray(out, np.float32)


def _mapped(
    rng: np.random.Generator,
    fixed: np.random.Generator,
    stage: _Stage,
    scan: Scan,
    tissues: TissuesDrawn,
    image: Complex,
    kernels: tuple[Floats | Complex, Floats | Complex],
    sigma: float,
) -> Floats:
    """A parameter map: the table's values, blurred as acquired, noisy where the signal is low."""
    values = signal(scan, tissues).water[stage.labels]
    texture = 0.45 if scan.image in ("fa", "cbf", "perfusion") else 0.05
    values = values * np.maximum(0, 1 + texture * stage.texture)
    sharp = scanner.filtered(values.astype(np.complex64), *kernels).real
    amount = {"fa": 0.7, "relaxation": 0.5}.get(scan.image, 2.0)
    certainty = np.abs(image) / sigma
    error = scanner.noise(rng, sharp.shape).real * np.float32(
        amount * float(np.abs(values).mean() + 1e-6) * 2
    )
    out = sharp + error / np.maximum(certainty * 0.35, 0.7)
    if scan.image != "cbf":
        out = np.abs(out)
    elif chance(fixed, 0.5):  # flow may be negative: a difference of noise
        out = np.maximum(out, 0)
    if chance(fixed, 0.6):
        out = np.where(certainty > fixed.uniform(2, 5), out, 0)
    return np.asarray(out, np.float32)


def _masked(
    rng: np.random.Generator, part: SimulatedPart, image: Floats, stage: _Stage, sigma: float
) -> Floats:
    """Background set to zero by the console, brains without skulls, borders of a distortion correction."""
    if part.region == "brain" and chance(rng, 0.05):
        image = np.where(_BRAIN[stage.labels], image, 0 if chance(rng, 0.5) else 0.1 * image.max())
    elif chance(rng, 0.15):
        image = np.where(image > rng.uniform(2, 4) * sigma, image, 0)
    if chance(rng, 0.12):
        image = np.where(scanner.corrected_border(rng, *image.shape[1:]), image, 0)
    return np.asarray(image, np.float32)


# ------------------------------------------------------------------------------------------------- the file


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


def _drawing(rng: np.random.Generator, kind: str, slices: int, rows: int, columns: int) -> Floats:
    """A spectrum, or a screen with panels, lines and marks: no picture of a body."""
    out = np.zeros((slices, rows, columns), np.float32)
    x = np.linspace(0, 1, columns)
    for image in out:
        if kind == "screen":
            image[:] = rng.uniform(0, 60)
            for _ in range(int(rng.integers(2, 9))):
                top, left = int(rng.integers(rows)), int(rng.integers(columns))
                bottom, right = (int(v) for v in rng.integers(4, max(5, rows // 2), 2))
                image[top : top + bottom, left : left + right] = rng.uniform(0, 255)
            for _ in range(int(rng.integers(3, 25))):  # lines of text
                top, left = int(rng.integers(rows)), int(rng.integers(columns))
                length = int(rng.integers(5, max(6, columns // 3)))
                text = image[top : top + 3, left : left + length]
                text[:] = 230 * (rng.random(text.shape) < 0.5)
        curves = int(rng.integers(1, 4)) if kind == "spectrum" else int(rng.integers(0, 3))
        for _ in range(curves):
            curve = np.zeros(columns)
            for _ in range(int(rng.integers(3, 9))):
                curve += rng.uniform(0.1, 1) * np.exp(-(((x - rng.random()) / rng.uniform(0.004, 0.03)) ** 2))
            curve = curve / curve.max() + rng.normal(0, 0.02, columns)
            level = np.clip(rows * (0.9 - 0.75 * curve), 0, rows - 1).astype(int)
            for a, b, c in zip(level[:-1], level[1:], range(columns - 1), strict=True):
                image[min(a, b) : max(a, b) + 1, c] = 255
    return np.asarray(np.rint(out), np.float32)
