"""What the scanner is given: the labels of a stack, the fields that act on it, and its ideal echo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation import scanner
from SeriesClassifierLib.simulation.headers import SimulatedPart
from SeriesClassifierLib.simulation.scanner import Complex, Floats, Look
from SeriesClassifierLib.simulation.scans import SPIN_ECHO, Scan
from SeriesClassifierLib.simulation.settings import Settings
from SeriesClassifierLib.simulation.signals import signal
from SeriesClassifierLib.simulation.tissues import INDEX, NAMES, TissuesDrawn
from SeriesClassifierLib.simulation.views import BodyLike

_GAS = np.array([{"gas": 1.0, "lung": 0.8, "air": 0.35}.get(name, 0.0) for name in NAMES], np.float32)
# How much of its signal a tissue keeps in susceptibility-weighted images: veins and iron are dark.
VENOUS = np.ones(len(NAMES), np.float32)
VENOUS[[INDEX["blood_vein"], INDEX["deep_gray"]]] = (0.25, 0.8)


@dataclass(frozen=True)
class Stage:
    """Labels of a stack and the fields that act on it; (S, H, W) all of them."""

    labels: NDArray[np.uint8]
    texture: Floats
    receive: Floats
    transmit: Floats
    b0: Floats
    density: Floats


def draw_stage(
    fixed: np.random.Generator, part: SimulatedPart, body: BodyLike, settings: Settings, points: Floats
) -> Stage:
    """The stage at ``points`` (S, H, W, 3) in mm; ``fixed`` draws coils and field errors of the series."""
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
    return Stage(labels, texture, receive, transmit, b0, density)


def _textures(body: BodyLike, points: Floats) -> Floats:
    """The texture, computed at every second pixel."""
    small = body.texture(points[:, ::2, ::2])
    return scanner.resampled(small, points.shape[1], points.shape[2])


def echo(stage: Stage, scan: Scan, tissues: TissuesDrawn, look: Look) -> Complex:
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
        gain = gain * VENOUS[stage.labels]
    image = np.zeros(water.shape, np.complex64)
    image.real = real * gain
    if imaginary is not None:
        image.imag = imaginary * gain
    return image
