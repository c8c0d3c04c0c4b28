"""What a scanner does to an ideal picture: small effects that compose, on stacks of slices (S, H, W).

Blurring, zero filling, Gibbs ringing, ghosts and echo decay all multiply k-space along one axis; in the
picture that is a circulant matrix, so each axis takes one matrix product. Smooth maps (coils, B1, B0) are
computed on a coarse grid and enlarged. Everything random is drawn from the generator passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.draws import chance, log_uniform

Floats = NDArray[np.float32]
Complex = NDArray[np.complex64]
_BANK = 1 << 20


# ---------------------------------------------------------------------------------------- k-space, one axis


def transfer(n: int, share: float, soft: float, decay: float = 0.0) -> Floats:
    """How much of every frequency (numpy's order, n of them) is measured.

    ``share`` of the sampled k-space is acquired, the rest is zero filled; ``soft`` is the width of the
    filter's edge (0.01 rings, 0.3 does not); ``decay`` dampens high frequencies as a long echo train does.
    """
    frequency = np.abs(np.fft.fftfreq(n)) * 2
    edge = np.clip((share - frequency) / max(soft, 1e-3) + 0.5, 0, 1)
    window = edge * edge * (3 - 2 * edge) * np.exp(-decay * frequency)
    # A voxel is a mean over its width; and neighboring pixels sample other depths, to be mixed.
    window = window * np.sinc(frequency / 2) * np.clip((1 - frequency) / 0.2, 0, 1)
    return np.asarray(window, np.float32)


def ghosts(rng: np.random.Generator, n: int, strength: float, period: float) -> Complex:
    """Phase errors of k-space lines that repeat every ``period`` lines (2: the N/2 ghost of EPI)."""
    line = np.fft.fftfreq(n) * n
    angle = strength * np.sin(2 * np.pi * line / period + rng.uniform(0.3, 1.2))
    return np.asarray(np.exp(1j * angle), np.complex64)


def motion(rng: np.random.Generator, n: int, strength: float) -> Complex:
    """A patient who moves a few times: phase ramps of some pixels that change between groups of lines."""
    line = np.fft.fftfreq(n)
    steps = np.sort(rng.uniform(-0.5, 0.5, 3))
    shift = rng.normal(0, strength, 4)[np.searchsorted(steps, line)]
    return np.asarray(np.exp(2j * np.pi * line * shift), np.complex64)


def circulant(response: NDArray[np.floating] | NDArray[np.complexfloating]) -> Floats | Complex:
    """The matrix (n, n) that applies a frequency response along one axis of a picture."""
    column = np.fft.ifft(response)
    index = _wheel(len(response))
    if np.abs(column.imag).max() < 1e-6:
        return np.asarray(column.real.astype(np.float32)[index], np.float32)
    return np.asarray(column.astype(np.complex64)[index], np.complex64)


@cache
def _wheel(n: int) -> NDArray[np.intp]:
    return (np.arange(n)[:, None] - np.arange(n)[None, :]) % n


def filtered(image: Complex, rows: Floats | Complex, columns: Floats | Complex) -> Complex:
    """``image`` (..., H, W) with the matrix of each axis applied."""
    if np.iscomplexobj(rows) or np.iscomplexobj(columns):
        return np.asarray(np.matmul(np.matmul(rows, image), columns.T), np.complex64)
    out = np.empty(image.shape, np.complex64)
    out.real = np.matmul(np.matmul(rows, image.real), columns.T)
    if np.any(image.imag):
        out.imag = np.matmul(np.matmul(rows, image.imag), columns.T)
    else:
        out.imag = 0
    return out


# ---------------------------------------------------------------------------------------------- smooth maps


@cache
def _enlarging(n_in: int, n_out: int) -> Floats:
    """Gaussian interpolation of ``n_in`` values at ``n_out`` places, (n_out, n_in)."""
    place = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
    weight = np.exp(-(((place[:, None] - np.arange(n_in)[None, :]) / 0.85) ** 2)) + 1e-12
    return np.asarray(weight / weight.sum(1, keepdims=True), np.float32)


def enlarge(coarse: Floats, rows: int, columns: int) -> Floats:
    """A smooth map (..., h, w) on a grid of ``rows`` x ``columns``."""
    up = np.matmul(_enlarging(coarse.shape[-2], rows), coarse.astype(np.float32))
    return np.asarray(np.matmul(up, _enlarging(coarse.shape[-1], columns).T), np.float32)


def blur(image: Floats, sigma: tuple[float, float]) -> Floats:
    """Gaussian blur of (..., H, W); ``sigma`` in pixels along rows and columns."""
    kernels = []
    for n, width in zip(image.shape[-2:], sigma, strict=True):
        distance = np.arange(n)[:, None] - np.arange(n)[None, :]
        kernel = np.exp(-0.5 * (distance / max(width, 1e-3)) ** 2)
        kernels.append(np.asarray(kernel / kernel.sum(1, keepdims=True), np.float32))
    return np.asarray(np.matmul(np.matmul(kernels[0], image), kernels[1].T), np.float32)


@cache
def _resampling(n_in: int, n_out: int) -> Floats:
    """Cubic interpolation of ``n_in`` values at ``n_out`` places, (n_out, n_in), the edges repeated."""
    place = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
    out = np.zeros((n_out, n_in))
    base = np.floor(place).astype(int)
    for offset in (-1, 0, 1, 2):
        x = np.abs(place - base - offset)
        near = 1.5 * x**3 - 2.5 * x**2 + 1
        far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        np.add.at(out, (np.arange(n_out), np.clip(base + offset, 0, n_in - 1)), np.where(x < 1, near, far))
    return np.asarray(out, np.float32)


def resampled(image: Floats, rows: int, columns: int) -> Floats:
    """A picture (..., h, w) interpolated to ``rows`` x ``columns``, as consoles do."""
    if image.shape[-2:] == (rows, columns):
        return image
    up = np.matmul(_resampling(image.shape[-2], rows), image)
    return np.asarray(np.matmul(up, _resampling(image.shape[-1], columns).T), np.float32)


def coils(rng: np.random.Generator, points: Floats, center: Floats, size: Floats, region: str) -> Floats:
    """Receive sensitivity at ``points`` (..., 3) in mm: elements around the body, mean 1.

    An array around the body is bright near the skin; spine, breast and limb coils lie on one side; a few
    prostates are scanned with an endorectal coil, bright beyond everything else.
    """
    half = size / 2
    if region == "spine":
        places = center + half * np.array([[0, 1.0, z] for z in (-0.8, 0.0, 0.8)])
        reach = 0.45 * float(half[1] * 2)
    elif region == "breast":
        places = center + half * np.array([[x, -0.9, 0] for x in (-0.5, 0.5)])
        reach = 0.6 * float(half[1])
    elif region == "prostate" and chance(rng, 0.06):
        places = center + np.array([[0.0, 25.0, 0.0]])
        reach = 22.0
    elif region == "extremity":
        angle = rng.uniform(0, 2 * np.pi, 3)
        places = center + half * np.stack([np.cos(angle), np.sin(angle), rng.uniform(-0.5, 0.5, 3)], -1) * 1.1
        reach = rng.uniform(0.5, 1.5) * float(half.min())
    else:
        angle = np.arange(6) * np.pi / 3 + rng.uniform(0, 1)
        ring = np.stack([np.cos(angle), np.sin(angle), rng.uniform(-0.4, 0.4, 6)], -1)
        places = center + half * 1.15 * ring
        reach = rng.uniform(0.25, 0.9) * float(half[:2].min())
    weight = np.exp(rng.normal(0, 0.3, len(places)))
    total = np.zeros(points.shape[:-1], np.float64)
    for place, strength in zip(places, weight, strict=True):
        distance = ((points - place.astype(np.float32)) ** 2).sum(-1)
        total += strength / (1 + distance / reach**2) ** 1.5
    return np.asarray(total / total.mean(), np.float32)


def transmit(rng: np.random.Generator, points: Floats, center: Floats, size: Floats, field: float) -> Floats:
    """B1 shading at ``points``: standing waves brighten the middle of heads and darken that of bellies at 3
    T.
    """
    radius = (((points - center) / (size / 2)) ** 2)[..., :2].sum(-1)
    strength = rng.normal(0.0, 0.1) + (0.18 if field > 2 else 0.03) * rng.uniform(-1, 1)
    side = rng.normal(0, 0.12 if field > 2 else 0.04, 2)
    skew = ((points - center) / (size / 2))[..., :2] @ side.astype(np.float32)
    return np.asarray(np.clip(1 + strength * np.exp(-2 * radius) + skew, 0.4, 1.6), np.float32)


def b0_map(rng: np.random.Generator, empty: Floats, pixel: float, positions: Floats) -> Floats:
    """Field error (S, h, w), about 1 beside large gas: gas shifts the field around it, the shim leaves
    slopes.

    ``empty`` is the share of gas in every coarse pixel of ``pixel`` mm; ``positions`` (S, h, w, 3) are
    relative to the body, -1 to 1.
    """
    near = blur(empty, (9.0 / pixel, 9.0 / pixel))
    far = blur(empty, (28.0 / pixel, 28.0 / pixel))
    slopes = positions @ rng.normal(0, 0.12, 3).astype(np.float32)
    bowl = (positions**2) @ rng.normal(0, 0.1, 3).astype(np.float32)
    return np.asarray(1.9 * near - 1.4 * far + slopes + np.clip(bowl, -0.5, 0.5), np.float32)


def distort(labels: NDArray[np.uint8], shift: Floats, axis: int) -> tuple[NDArray[np.uint8], Floats]:
    """Labels moved along ``axis`` (-2 or -1) by ``shift`` pixels, and how densely the signal is piled up."""
    n = labels.shape[axis]
    index = np.arange(n, dtype=np.float32)
    index = index[:, None] if axis == -2 else index[None, :]
    source = np.clip(np.rint(index + shift), 0, n - 1).astype(np.intp)
    moved = np.take_along_axis(labels, source, axis=axis)
    density = np.clip(1 + np.gradient(shift, axis=axis), 0.3, 2.5)
    return moved, np.asarray(density, np.float32)


# ------------------------------------------------------------------------------------------ noise and after


@cache
def _noise_bank() -> Complex:
    rng = np.random.default_rng(20240229)
    pair = rng.standard_normal((2, _BANK), dtype=np.float32)
    return np.asarray(pair[0] + 1j * pair[1], np.complex64)


def noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """Complex white noise, unit variance in each channel, out of a bank of it (drawing anew costs more)."""
    count = math.prod(shape)
    start = int(rng.integers(_BANK))
    bank = _noise_bank()
    if count > _BANK - start:
        bank = np.resize(np.roll(bank, -start), count)
        start = 0
    turn = np.complex64(np.exp(2j * np.pi * rng.random()))
    return np.asarray(bank[start : start + count].reshape(shape) * turn, np.complex64)


def corrected_border(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.bool_]:
    """Where a distortion correction leaves pixels without data: bowed edges."""
    y = np.linspace(-1, 1, rows)[:, None]
    x = np.linspace(-1, 1, columns)[None, :]
    bow = rng.uniform(0.01, 0.09, 4)
    tilt = rng.normal(0, 0.02, 2)
    inside = (
        (np.abs(y) + tilt[0] * x < 1 - bow[0] * (1 - x**2)) if chance(rng, 0.5) else np.abs(y) < 2 + 0 * x
    )
    return np.asarray(inside & (np.abs(x) + tilt[1] * y < 1 - bow[1] * (0.3 + y**2)))


def padded(rng: np.random.Generator, image: Floats) -> Floats:
    """Bands of zeros at two edges, as cropped and padded exports have them."""
    out = image.copy()
    axis = -1 if chance(rng, 0.6) else -2
    n = image.shape[axis]
    for start, stop in ((0, int(n * rng.uniform(0, 0.2))), (n - int(n * rng.uniform(0, 0.2)), n)):
        cut = [slice(None)] * image.ndim
        cut[axis] = slice(start, stop)
        out[tuple(cut)] = 0
    return out


def sharpened(image: Floats, amount: float) -> Floats:
    """An edge filter of the console; a negative ``amount`` smooths."""
    soft = blur(image, (1.0, 1.0))
    return np.asarray(np.maximum(image + amount * (image - soft), 0), np.float32)


@dataclass(frozen=True)
class Look:
    """How the scanner degrades one series; drawn once, the same for all its slices.

    ``rows`` and ``columns`` are the share of the shown resolution that was acquired along each axis, ``soft``
    the filter's edge, ``decay`` the blurring of an echo train; ``phase_axis`` is -2 (rows follow each other)
    or -1. ``ghost`` is the strength of ghosts with ``period`` lines; ``movement`` in pixels. ``snr`` is the
    mean signal over the noise of one channel. ``shift`` is the distortion in pixels where the field error is
    1, ``dropout`` the loss there, ``fat_shift`` the pixels by which fat lies off. ``normalized`` is how much
    of the coil's shading the console takes out, 0 to 1.
    """

    rows: float = 1.0
    columns: float = 1.0
    soft: float = 0.1
    decay: float = 0.0
    phase_axis: int = -2
    ghost: float = 0.0
    period: float = 2.0
    movement: float = 0.0
    snr: float = 40.0
    shift: float = 0.0
    dropout: float = 0.0
    fat_shift: int = 0
    fat_axis: int = -1
    normalized: float = 1.0
    fat_failure: float = 0.0
    g_factor: float = 0.0


def draw_look(
    rng: np.random.Generator,
    *,
    echo_planar: bool,
    gradient_echo: bool,
    single_shot: bool,
    body: bool,
    te: float,
    field: float,
    acquired: float,
    snr: tuple[float, float],
) -> Look:
    """The degradation of one series. ``acquired`` is the measured over the shown matrix, ``te`` in ms,
    ``field`` in tesla; ``body`` says that it breathes; ``snr`` are the bounds of the signal-to-noise ratio.
    """
    phase_axis = -2 if chance(rng, 0.85 if echo_planar else 0.6) else -1
    share = min(0.95, acquired)
    phase_share = share * (rng.uniform(0.75, 1.0) if echo_planar else rng.uniform(0.55, 1.0))
    rows, columns = (phase_share, share) if phase_axis == -2 else (share, phase_share)
    ghost, period = 0.0, 2.0
    if echo_planar:
        ghost = abs(rng.normal(0, 0.06)) if chance(rng, 0.7) else 0.0
    elif body and chance(rng, 0.35):
        ghost, period = log_uniform(rng, (0.02, 0.25)), rng.uniform(3, 30)
    elif chance(rng, 0.1):
        ghost, period = log_uniform(rng, (0.02, 0.12)), rng.uniform(2, 20)
    return Look(
        rows=rows,
        columns=columns,
        soft=log_uniform(rng, (0.02, 0.5)),
        decay=rng.uniform(0.3, 1.8) if single_shot or echo_planar else rng.uniform(0, 0.4),
        phase_axis=phase_axis,
        ghost=ghost,
        period=period,
        movement=log_uniform(rng, (0.2, 2.5)) if chance(rng, 0.08) else 0.0,
        snr=log_uniform(rng, snr),
        shift=rng.choice([-1, 1]) * log_uniform(rng, (0.5, 9.0)) if echo_planar else 0.0,
        dropout=te / 25 * field / 3 * rng.uniform(0.3, 1.5) if gradient_echo else 0.0,
        fat_shift=int(rng.integers(2, 14)) * int(rng.choice([-1, 1]))
        if echo_planar
        else int(rng.integers(-1, 2)),
        fat_axis=phase_axis if echo_planar else (-1 if phase_axis == -2 else -2),
        normalized=1.0 if chance(rng, 0.35) else rng.uniform(0, 1),
        fat_failure=log_uniform(rng, (0.05, 0.8)) if chance(rng, 0.5) else 0.0,
        g_factor=rng.uniform(0, 1.2) if chance(rng, 0.4) else 0.0,
    )


def matrices(
    rng: np.random.Generator, look: Look, rows: int, columns: int
) -> tuple[Floats | Complex, Floats | Complex]:
    """What ``look`` does to k-space, as one matrix for each axis of pictures of ``rows`` x ``columns``."""
    out = []
    for axis, n, share in ((-2, rows, look.rows), (-1, columns, look.columns)):
        response: Floats | Complex = transfer(
            n, share, look.soft, look.decay if axis == look.phase_axis else 0.05
        )
        if axis == look.phase_axis:
            if look.ghost:
                response = response * ghosts(rng, n, look.ghost, look.period)
            if look.movement:
                response = response * motion(rng, n, look.movement)
        out.append(circulant(response))
    return out[0], out[1]
