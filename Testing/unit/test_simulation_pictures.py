"""Rendered slices: shapes, determinism, and the looks that tell classes apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.headers import SimulatedPart, draw_part
from SeriesClassifierLib.simulation.pictures import render
from SeriesClassifierLib.simulation.scanner import Look
from SeriesClassifierLib.simulation.scans import Scan
from SeriesClassifierLib.simulation.settings import Settings, draw_settings, shown_size
from SeriesClassifierLib.simulation.tissues import INDEX, draw_tissues
from SeriesClassifierLib.simulation.views import View, axes_of, draw_view, slice_points
from SeriesClassifierLib.vocabulary import classes

TISSUES = draw_tissues(np.random.default_rng(0), 1.5, spread=0.0)


@dataclass(frozen=True)
class Ball:
    """Fat around muscle around fluid: the simplest body."""

    region: str = "abdomen"
    center: tuple[float, float, float] = (0, 0, 0)
    size: tuple[float, float, float] = (300, 300, 300)

    def labels(self, points: NDArray[np.float32]) -> NDArray[np.uint8]:
        radius = np.sqrt((points**2).sum(-1))
        out = np.full(radius.shape, INDEX["air"], np.uint8)
        for name, limit in (("fat", 150), ("liver", 110), ("fluid", 40)):
            out[radius < limit] = INDEX[name]
        return out

    def texture(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros(points.shape[:-1], np.float32)


BODY = Ball()
CLEAN = Look(snr=1000.0)
VIEW = View((0.0, 0.0, 0.0), 360.0, 360.0, 5.0)


def plain_part(sequence: str = "T2") -> SimulatedPart:
    part = draw_part(np.random.default_rng(1), sequence=sequence, region="abdomen", vendor="GE")
    stack = replace(
        part.stack,
        plane="AX",
        planes=("AX",),
        orientations=1,
        positions=9,
        rows=120,
        columns=120,
        tilt=0.0,
        mosaic_slices=0,
        thickness=4.0,
    )
    return replace(part, stack=stack, field=1.5)


def picture(scan: Scan, sequence: str = "T2", seed: int = 7, look: Look = CLEAN) -> NDArray[np.float32]:
    settings = Settings(scan, VIEW, look, seed)
    part = plain_part(sequence)
    slices = render(np.random.default_rng(0), part, BODY, TISSUES, positions=[4], settings=settings)
    return np.asarray(slices[0])


def rings(image: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Median of the fluid, the liver, the fat and the air."""
    y, x = np.mgrid[0:120, 0:120]
    radius = np.hypot(x - 59.5, y - 59.5) * 3
    limits = ((0, 30), (55, 95), (122, 140), (165, 250))
    return tuple(float(np.median(image[(radius >= a) & (radius < b)])) for a, b in limits)  # type: ignore[return-value]


@pytest.mark.parametrize("sequence", classes("sequence"))
def test_every_class_renders(sequence: str) -> None:
    rng = np.random.default_rng(len(sequence))
    for _ in range(4):
        part = draw_part(rng, sequence=sequence)
        chosen = [0, part.stack.positions - 1] if part.stack.positions > 1 else [0]
        image = render(rng, part, BODY, draw_tissues(rng, part.field), positions=chosen, longest=64)
        rows, columns = shown_size(part, 64)
        assert image.dtype == np.float32
        assert len(image) == len(chosen)
        if not part.stack.mosaic_slices:
            assert image.shape[1:] == (rows, columns)
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert np.array_equal(image, np.rint(image))


def test_same_seed_same_pixels() -> None:
    part = plain_part()
    one, two = (render(np.random.default_rng(3), part, BODY, TISSUES, longest=80) for _ in range(2))
    other = render(np.random.default_rng(4), part, BODY, TISSUES, longest=80)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.shape == (9, 80, 80)


def test_fat_is_bright_without_and_dark_with_suppression() -> None:
    scan = Scan("TSE", "T2", tr=5000, te=90, etl=16)
    fluid, liver, fat, air = rings(picture(scan))
    assert fluid > fat > liver > air
    fluid, liver, fat, air = rings(picture(replace(scan, fat_suppression="fatsat", fat_residual=0.04)))
    assert fluid > liver > fat


def test_opposed_phase_has_dark_boundaries() -> None:
    scan = Scan("DUAL_ECHO_2D", "DIXON_IN", tr=150, te=4.6, flip=70)
    coarse = replace(CLEAN, rows=0.6, columns=0.6)
    inside = picture(scan, "DIXON_IN", look=coarse)
    outside = picture(replace(scan, image="opposed", fat_phase=np.pi), "DIXON_OPP", look=coarse)
    y, x = np.mgrid[0:120, 0:120]
    radius = np.hypot(x - 59.5, y - 59.5) * 3
    border = np.abs(radius - 110) < 4  # fat meets liver at 110 mm
    assert np.percentile(outside[border] / inside[border], 20) < 0.45
    assert rings(outside)[2] == pytest.approx(rings(inside)[2], rel=0.2)  # fat holds some water


def test_dixon_separates_water_and_fat() -> None:
    scan = Scan("DIXON_3D", "DIXON_W", tr=6, te=2.4, flip=10, fat_suppression="dixon")
    _, liver, fat, _ = rings(picture(replace(scan, image="water"), "DIXON_W"))
    assert liver > 3 * fat
    _, liver, fat, _ = rings(picture(replace(scan, image="fat"), "DIXON_F"))
    assert fat > 3 * liver


def test_diffusion_coefficient_is_that_of_the_tissue() -> None:
    scan = Scan(
        "DWI",
        "ADC",
        image="adc",
        tr=5000,
        te=60,
        fat_residual=0.03,
        fat_suppression="fatsat",
        b_pair=(50.0, 800.0),
    )
    values = {rings(picture(scan, "ADC", seed))[0] for seed in range(6)}
    assert any(value == pytest.approx(2700, rel=0.08) for value in values)


def test_calculated_b_values_have_no_noise_floor() -> None:
    scan = Scan(
        "DWI",
        "DWI",
        derived="CALC_BVAL",
        image="calculated_b",
        tr=5000,
        te=60,
        fat_residual=0.03,
        b_value=1500.0,
    )
    assert rings(picture(scan, "DWI"))[3] == 0
    assert rings(picture(replace(scan, image="magnitude", b_value=800.0), "DWI"))[3] >= 0


def test_projections_see_through_the_body() -> None:
    scan = Scan(
        "HASTE",
        "MRCP",
        tr=4000,
        te=700,
        etl=200,
        fat_suppression="fatsat",
        fat_residual=0.03,
        projection="mean",
    )
    part = plain_part("MRCP")
    part = replace(part, stack=replace(part.stack, thickness=60.0))
    beside = replace(VIEW, center=(0.0, 0.0, 45.0))  # no fluid in the middle of this slice, but in the slab
    images = [
        render(
            np.random.default_rng(0),
            part,
            BODY,
            TISSUES,
            positions=[4],
            settings=Settings(s, beside, CLEAN, 1),
        )[0]
        for s in (scan, replace(scan, projection=""))
    ]
    slab, thin = (rings(image)[0] / max(rings(image)[1], 1) for image in images)
    assert slab > 3 * thin


def test_runs_keep_one_scale() -> None:
    scan = Scan("SPGR_3D", "DCE", tr=5, te=2, flip=15)
    before, after = (
        rings(picture(replace(scan, agent=agent), "DCE")) for agent in ((0, 0, 0, 0), (0.0, 1, 0, 0))
    )
    assert after[1] > 1.3 * before[1]
    assert after[2] == pytest.approx(before[2], rel=0.15)


def test_points_are_the_places_of_the_pixels() -> None:
    stack = plain_part().stack
    points = slice_points(stack, VIEW, 4, 10, 12)
    assert points.shape == (10, 12, 3)
    assert points.mean((0, 1)) == pytest.approx((0, 0, 0), abs=1e-3)
    assert np.ptp(points[..., 0]) == pytest.approx(360 * 11 / 12)
    assert slice_points(stack, VIEW, 5, 10, 12)[0, 0, 2] - points[0, 0, 2] == pytest.approx(5)


def test_dither_is_the_slice_on_average() -> None:
    stack = plain_part().stack
    points = slice_points(stack, VIEW, 4, 10, 12, dither=8.0)
    assert points.mean((0, 1)) == pytest.approx((0, 0, 0), abs=1e-3)
    assert np.ptp(points[..., 2]) == pytest.approx(6)


def test_localizers_have_all_planes_and_radial_stacks_turn() -> None:
    stack = replace(plain_part().stack, plane="MULTI", planes=("SAG", "COR", "AX"))
    normals = {tuple(np.abs(axes_of(stack, VIEW, i)[2]).round().tolist()) for i in range(9)}
    assert len(normals) == 3
    radial = replace(stack, plane="COR", planes=("COR",), orientations=9)
    turned = [axes_of(radial, VIEW, i)[2] for i in range(9)]
    assert all(abs(float(a @ b)) < 0.999 for a, b in pairwise(turned))


@pytest.mark.parametrize("region", ["abdomen", "brain", "prostate", "spine"])
def test_views_stay_in_the_body(region: str) -> None:
    rng = np.random.default_rng(0)
    body = Ball(region=region)
    for _ in range(50):
        part = draw_part(rng, region=region)
        view = draw_view(rng, part, body)
        assert max(abs(v) for v in view.center) < 150
        assert view.gap > 0
        assert min(view.height, view.width) > 20


def test_settings_are_shared_when_given() -> None:
    rng = np.random.default_rng(0)
    part = plain_part()
    first = draw_settings(rng, part, BODY)
    second = draw_settings(rng, part, BODY, view=first.view, scan=first.scan)
    assert (second.view, second.scan) == (first.view, first.scan)
