"""Scanner effects: each does its one thing, and nothing when switched off."""

from __future__ import annotations

import numpy as np
import pytest

from SeriesClassifierLib.simulation import scanner
from SeriesClassifierLib.simulation.scanner import Look

RNG = np.random.default_rng(0)
PICTURE = np.abs(RNG.standard_normal((2, 40, 32))).astype(np.float32)


def test_all_of_k_space_leaves_the_picture_alone() -> None:
    rows, columns = (scanner.circulant(np.ones(n, np.float32)) for n in PICTURE.shape[1:])
    out = scanner.filtered(PICTURE.astype(np.complex64), rows, columns)
    assert np.abs(out - PICTURE).max() < 1e-4


def test_less_of_k_space_blurs_but_keeps_the_mean() -> None:
    sharp = scanner.transfer(40, 0.9, 0.05)
    blunt = scanner.transfer(40, 0.3, 0.05)
    assert blunt.sum() < sharp.sum()
    assert sharp[0] == blunt[0] == 1
    rows, columns = scanner.circulant(blunt), scanner.circulant(scanner.transfer(32, 0.3, 0.05))
    out = scanner.filtered(PICTURE.astype(np.complex64), rows, columns).real
    assert out.mean() == pytest.approx(PICTURE.mean(), rel=1e-3)
    assert out.std() < 0.7 * PICTURE.std()


def test_nyquist_is_never_passed() -> None:
    for share in (0.5, 0.95):
        assert scanner.transfer(40, share, 0.4)[20] == 0


def test_echo_planar_ghost_lies_half_a_field_of_view_away() -> None:
    picture = np.zeros((1, 64, 64), np.complex64)
    picture[0, 20, 30] = 1
    kernel = scanner.circulant(scanner.ghosts(np.random.default_rng(1), 64, 0.4, 2.0))
    out = np.abs(scanner.filtered(picture, kernel, np.eye(64, dtype=np.float32)))[0]
    assert np.unravel_index(np.argsort(out.ravel())[-2], out.shape) == (52, 30)


def test_enlarging_and_resampling_keep_constants() -> None:
    flat = np.full((1, 7, 9), 3.0, np.float32)
    assert scanner.enlarge(flat, 33, 20) == pytest.approx(np.full((1, 33, 20), 3.0), rel=1e-4)
    assert scanner.resampled(flat, 33, 20) == pytest.approx(np.full((1, 33, 20), 3.0), rel=1e-4)
    assert scanner.blur(flat, (1.0, 2.0)) == pytest.approx(flat, rel=1e-4)
    assert scanner.resampled(PICTURE, 40, 32) is PICTURE


def test_noise_is_white_and_follows_the_seed() -> None:
    one, two = (scanner.noise(np.random.default_rng(5), (3, 64, 64)) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.real.std() == pytest.approx(1, rel=0.05)
    assert abs(one.mean()) < 0.05
    assert scanner.noise(np.random.default_rng(6), (30, 256, 256)).shape == (30, 256, 256)


def test_magnitude_noise_has_a_floor() -> None:
    background = np.abs(scanner.noise(np.random.default_rng(0), (4, 64, 64)))
    assert background.mean() == pytest.approx(np.sqrt(np.pi / 2), rel=0.05)


def test_no_shift_no_distortion() -> None:
    labels = RNG.integers(0, 40, (2, 30, 30)).astype(np.uint8)
    moved, density = scanner.distort(labels, np.zeros((2, 30, 30), np.float32), -2)
    assert np.array_equal(moved, labels)
    assert (density == 1).all()
    shifted, _ = scanner.distort(labels, np.full((2, 30, 30), 3, np.float32), -2)
    assert np.array_equal(shifted[:, :-3], labels[:, 3:])


def test_coils_are_brightest_at_the_skin() -> None:
    x = np.linspace(-150, 150, 61, dtype=np.float32)
    points = np.stack(np.broadcast_arrays(x, np.float32(0), np.float32(0)), -1)[None]
    center, size = np.zeros(3, np.float32), np.array([300, 200, 300], np.float32)
    maps = [scanner.coils(np.random.default_rng(i), points, center, size, "abdomen") for i in range(20)]
    mean = np.mean(maps, axis=0)[0]
    assert mean.mean() == pytest.approx(1, rel=1e-3)
    assert mean[0] > mean[30] < mean[-1]


def test_looks_stay_in_bounds() -> None:
    rng = np.random.default_rng(3)
    for planar in (False, True):
        for _ in range(200):
            look = scanner.draw_look(
                rng,
                echo_planar=planar,
                gradient_echo=True,
                single_shot=False,
                body=True,
                te=30,
                field=3,
                acquired=0.8,
                snr=(10, 40),
            )
            assert 0 < look.rows <= 0.95
            assert 0 < look.columns <= 0.95
            assert 10 <= look.snr <= 40
            assert (look.shift != 0) == planar


def test_the_matrices_of_a_clean_look_are_real() -> None:
    rows, columns = scanner.matrices(np.random.default_rng(0), Look(), 32, 24)
    assert rows.shape == (32, 32)
    assert columns.shape == (24, 24)
    assert not np.iscomplexobj(rows)
