"""What consoles compute from measured pictures: diffusion maps, phases and velocities, parameter maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation import scanner
from SeriesClassifierLib.simulation.draws import chance
from SeriesClassifierLib.simulation.headers import SimulatedPart
from SeriesClassifierLib.simulation.scanner import Complex, Floats
from SeriesClassifierLib.simulation.scans import Scan
from SeriesClassifierLib.simulation.signals import signal
from SeriesClassifierLib.simulation.stages import VENOUS, Stage
from SeriesClassifierLib.simulation.tissues import INDEX, NAMES, TissuesDrawn

_VELOCITY = np.zeros(len(NAMES), np.float32)
_VELOCITY[[INDEX["blood_artery"], INDEX["blood_vein"], INDEX["blood_pool"]]] = (0.55, -0.25, 0.2)


def is_map(scan: Scan) -> bool:
    """Whether ``scan`` shows a parameter of the tissue, see ``mapped``."""
    return scan.image in ("fa", "perfusion", "cbf", "relaxation")


def from_diffusion(
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


def subtracted(rng: np.random.Generator, after: Floats, before: Floats, level: float) -> Floats:
    """What the contrast agent added; some consoles drop the sign, some add an offset to keep it."""
    image = after - before
    kind = rng.random()
    if kind < 0.2:
        image = np.abs(image)
    elif kind < 0.3:
        image = image + 2 * level
    return image


def angles(
    rng: np.random.Generator, part: SimulatedPart, stage: Stage, scan: Scan, image: Complex, sigma: float
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
            angle = (1 - VENOUS)[stage.labels] * rng.choice([-0.7, 0.7]) + 0.05 * turns * stage.b0
        else:
            angle = turns * stage.b0 + rng.uniform(-1, 1)
    turned = image * np.exp(1j * np.pi * angle).astype(np.complex64)
    out = np.angle(turned) / np.pi
    if chance(rng, 0.3):
        out = np.where(np.abs(image) > 3 * sigma, out, 0 if chance(rng, 0.6) else -1)
    return np.asarray(out, np.float32)


def mapped(
    rng: np.random.Generator,
    fixed: np.random.Generator,
    stage: Stage,
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
