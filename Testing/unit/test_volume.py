"""Volumes of any orientation, spacing and order of files: every voxel lies where its image says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import RLELossless
from support.simulated import write_small_series
from support.varying_series import GRE, PHILIPS, VaryingSeries, Volume, write_enhanced

from SeriesClassifierLib.images import volume
from SeriesClassifierLib.images.repetitions import first_repetition
from SeriesClassifierLib.images.volume import Geometry, NoVolume, geometry, voxels
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources import open_source

seeds, gaps = st.integers(0, 10**6), st.floats(0.5, 12)


def image(axes: Any, position: Any, number: int, **tags: Any) -> Instance:
    """An image whose rows and columns have the first two of ``axes`` (columns of 3 x 3)."""
    common = {
        "ImageOrientationPatient": (*map(float, axes[:, 0]), *map(float, axes[:, 1])),
        "ImagePositionPatient": tuple(map(float, position)),
        "PixelSpacing": (0.5, 0.75),
        "InstanceNumber": float(number),
    }
    return Instance(f"{number:04d}.dcm", 0, {**common, **tags})


def axes_of(seed: int) -> Any:
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return axes


def stack(seed: int, gap: float, n: int, **tags: Any) -> list[Instance]:
    axes = axes_of(seed)
    return [image(axes, 7.0 + k * gap * axes[:, 2], k + 1, SliceThickness=gap, **tags) for k in range(n)]


def repeated(gap: float, n: int, times: int, **tags: Any) -> list[Instance]:
    """A time series, numbered one time after the other; paths say time and slice."""
    images = stack(3, gap, n, **tags)
    return [
        Instance(f"{t}/{k}", 0, {**one.tags, "InstanceNumber": float(t * n + k + 1)})
        for t in range(times)
        for k, one in enumerate(images)
    ]


def tagged(instance: Instance, **tags: Any) -> Instance:
    return replace(instance, tags={**instance.tags, **tags})


def found(images: Sequence[Instance]) -> Geometry:
    place = geometry(images)
    assert isinstance(place, Geometry)
    return place


@settings(max_examples=30)
@given(seeds, gaps, st.integers(2, 30), st.integers(0, 500), st.integers(0, 500))
def test_every_voxel_lies_where_its_image_says_in_any_order(
    seed: int, gap: float, n: int, column: int, row: int
) -> None:
    images = stack(seed, gap, n)
    place = found(images)
    assert geometry(random.Random(seed).sample(images, n)) == place
    direction = np.array(place.direction).reshape(3, 3)
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-12)
    for k, one in enumerate(place.images):
        # PS3.3 C.7.6.2.1.1: PixelSpacing is the distance of rows, then of columns.
        cosines = np.array(one.numbers("ImageOrientationPatient"))
        in_image = cosines[:3] * 0.75 * column + cosines[3:] * 0.5 * row
        there = np.array(one.numbers("ImagePositionPatient")) + in_image
        voxel = place.origin + direction @ (np.array(place.spacing) * (column, row, k))
        assert voxel == pytest.approx(there, abs=1e-6)


@settings(max_examples=30)
@given(seeds, gaps, st.integers(4, 30), st.data())
def test_a_missing_slice_is_no_regular_volume(seed: int, gap: float, n: int, data: st.DataObject) -> None:
    images = stack(seed, gap, n)
    del images[data.draw(st.integers(1, n - 2))]
    assert geometry(images) is NoVolume.UNEVEN


@settings(max_examples=30)
@given(seeds, gaps, st.integers(3, 20), st.floats(0.05, 0.6), st.booleans())
def test_slices_that_drift_in_their_plane_are_no_volume(
    seed: int, gap: float, n: int, share: float, along_rows: bool
) -> None:
    axes = axes_of(seed)
    drift = share * gap * axes[:, 0 if along_rows else 1]
    images = [image(axes, k * (gap * axes[:, 2] + drift), k + 1) for k in range(n)]
    assert geometry(images) is NoVolume.SHEARED


@settings(max_examples=30)
@given(seeds, gaps, st.integers(2, 20), st.integers(1, 3))
def test_jitter_below_one_percent_is_regular(seed: int, gap: float, n: int, times: int) -> None:
    rng = np.random.default_rng(seed)
    images = [
        tagged(
            one,
            ImagePositionPatient=tuple(
                np.array(one.numbers("ImagePositionPatient")) + rng.uniform(-0.0057, 0.0057, 3) * gap
            ),
        )
        for one in repeated(gap, n, times)
    ]
    place = found(images)
    assert (len(place.images), place.repetitions) == (n, times)
    assert place.spacing[2] == pytest.approx(gap, rel=0.03)


@settings(max_examples=50)
@given(st.integers(2, 8), st.integers(2, 5), st.booleans(), st.data())
def test_repetitions_are_never_mixed(n: int, times: int, with_times: bool, data: st.DataObject) -> None:
    """Whatever images are missing: the first complete repetition, or none."""
    images = repeated(2.0, n, times)
    if with_times:
        images = [tagged(one, TemporalPositionIdentifier=float(one.path.split("/")[0])) for one in images]
    missing = data.draw(st.sets(st.integers(1, n * times - 1), max_size=times))
    left = [one for k, one in enumerate(images) if k not in missing]
    slices = [int(one.path.split("/")[1]) for one in left]
    chosen = first_repetition(left, slices)
    complete = [t for t in range(times) if not missing & set(range(t * n, (t + 1) * n))]
    counts = Counter(slices)
    if len(counts) < n:
        return  # a slice is missing in all of them: then the rest counts, and is unevenly spaced
    if complete:
        assert chosen is not None
        assert [left[k].path for k in chosen] == [f"{complete[0]}/{k}" for k in range(n)]
    elif len(set(counts.values())) > 1:
        assert chosen is None


def test_slice_after_slice_the_first_time_is_taken() -> None:
    images = [
        tagged(one, InstanceNumber=float(int(one.path.split("/")[1]) * 4 + int(one.path.split("/")[0]) + 1))
        for one in repeated(2.0, 5, 4)
    ]
    assert [one.path for one in found(images).images] == [f"0/{k}" for k in range(5)]


def test_stacks_side_by_side_are_no_repetitions() -> None:
    images, aside = repeated(4.0, 6, 2), 150 * axes_of(3)[:, 0]
    moved = [
        tagged(one, ImagePositionPatient=tuple(np.array(one.numbers("ImagePositionPatient")) + aside))
        for one in images[6:]
    ]
    assert geometry(images[:6] + moved) is NoVolume.SHEARED


def first_tagged(**tags: Any) -> list[Instance]:
    one, *others = stack(1, 3.0, 4)
    return [tagged(one, **tags), *others]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], NoVolume.NO_IMAGES),
        (first_tagged(ImagePositionPatient=()), NoVolume.NO_POSITION),
        (first_tagged(ImagePositionPatient=(1.0, float("nan"), 2.0)), NoVolume.NO_POSITION),
        (first_tagged(PixelSpacing=(0.0, 0.75)), NoVolume.SPACINGS),
        (stack(1, 3.0, 4, PixelSpacing=(0.0, 0.75)), NoVolume.NO_POSITION),
        (stack(1, 3.0, 4, PixelSpacing=(float("nan"), 0.75)), NoVolume.NO_POSITION),
        (stack(1, 3.0, 4, ImageOrientationPatient=(1.0, 0.0, 0.0, 0.1, 1.0, 0.0)), NoVolume.NO_POSITION),
        (stack(1, 3.0, 4, ImageOrientationPatient=(2.0, 0.0, 0.0, 0.0, 1.0, 0.0)), NoVolume.NO_POSITION),
        (first_tagged(ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 0.0, 1.0)), NoVolume.ORIENTATIONS),
        (first_tagged(ImageType=("ORIGINAL", "PRIMARY", "M", "MOSAIC")), NoVolume.MOSAIC),
        (first_tagged(Rows=64.0), NoVolume.SIZES),
    ],
)
def test_why_there_is_no_volume(images: list[Instance], expected: NoVolume) -> None:
    assert geometry(images) is expected


def test_one_slice_has_its_thickness() -> None:
    (one,) = stack(5, 6.5, 1)
    assert found([one]).spacing == (0.75, 0.5, 6.5)


# --- values


def parts_of(folder: Path) -> list[tuple[Instance, ...]]:
    return [
        tuple(part.instances)
        for study in open_source(folder).studies()
        for series in study.series
        for part in split(series)
    ]


def written(folder: Path, pixels: Any, change: Any = lambda _: None, **tags: Any) -> list[Instance]:
    """A small series of three slices whose files were edited by ``change``."""
    more = {"PixelSpacing": (0.5, 0.75), **tags}
    for path in write_small_series(folder, study=1, series=1, images=3, pixels=pixels, **more):
        dataset = pydicom.dcmread(path)
        dataset.BitsStored, dataset.HighBit = 16, 15
        change(dataset)
        dataset.save_as(path)
    (part,) = parts_of(folder)
    return list(found(part).images)


def values_of(images: Sequence[Instance]) -> Any:
    values = voxels(images)
    assert not isinstance(values, NoVolume)
    return values


@pytest.mark.parametrize(
    ("most", "slope", "intercept", "kind"),
    [
        (4000, None, None, np.int16),
        (65000, None, None, np.int32),
        (4000, 1.0, -1024.0, np.int16),
        (4000, 20.0, 0.0, np.int32),
        (4000, 2.36166056, 0.0, np.float32),
        (60000, 2.0**20, 0.0, np.float32),
    ],
)
def test_values_are_rescaled_and_nothing_is_cut(
    tmp_path: Path, most: int, slope: float | None, intercept: float | None, kind: Any
) -> None:
    pixels = np.linspace(0, most, 48).astype(np.uint16).reshape(8, 6)
    tags = {} if slope is None else {"RescaleSlope": slope, "RescaleIntercept": intercept}
    values = values_of(written(tmp_path, pixels, **tags))
    assert (values.dtype, values.shape) == (kind, (3, 8, 6))
    assert np.allclose(values, pixels * (slope or 1.0) + (intercept or 0.0), rtol=1e-6)


def test_compressed_images_have_the_same_values(tmp_path: Path) -> None:
    pixels = np.arange(48, dtype=np.uint16).reshape(8, 6) * 1000

    def rle(dataset: Any) -> None:
        dataset.compress(RLELossless)

    plain, compressed = written(tmp_path / "a", pixels), written(tmp_path / "b", pixels, rle)
    assert pydicom.dcmread(compressed[0].path).file_meta.TransferSyntaxUID == RLELossless
    assert np.array_equal(values_of(plain), values_of(compressed))


def test_frames_of_an_enhanced_file_are_slices_with_their_own_scaling(tmp_path: Path) -> None:
    series = VaryingSeries("volume", "enhanced", {**GRE, **PHILIPS}, (Volume({}, slices=(3, 0, 2, 1)),), ("",))
    (path,) = write_enhanced(series, tmp_path)
    dataset = pydicom.dcmread(path)
    for k, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        scaling = pydicom.Dataset()
        scaling.RescaleSlope, scaling.RescaleIntercept, scaling.RescaleType = k + 1, -k, "US"
        groups.PixelValueTransformationSequence = [scaling]
    dataset.save_as(path)
    (part,) = parts_of(tmp_path)
    place = found(part)
    assert place.spacing == (1.0, 1.0, 4.0)
    assert [one.frame for one in place.images] == [1, 3, 2, 0]
    stored = dataset.pixel_array.astype(int)
    expected = [stored[k] * (k + 1) - k for k in (1, 3, 2, 0)]
    assert np.array_equal(values_of(place.images), expected)


def test_a_part_that_would_fill_the_memory_is_no_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = {name: np.ones(shape, np.uint16) for name, shape in (("a", (256, 256)), ("b", (2, 40_000)), ("c", (4, 4)))}
    monkeypatch.setattr(volume, "stored_frame", lambda path, _frame: pixels[path])
    assert voxels([Instance("a", k, {}) for k in range(20_000)]) is NoVolume.TOO_LARGE
    assert voxels([Instance("b", 0, {})]) is NoVolume.TOO_LARGE  # NIfTI counts to 32,767
    assert values_of([Instance("c", k, {}) for k in range(20_000)]).sum() == 20_000 * 16


def test_pixels_of_several_kinds_are_no_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str, _frame: int) -> Any:
        return pictures[path]

    pictures = {
        "a": np.zeros((4, 4)),
        "b": np.zeros((4, 5)),
        "c": np.zeros((4, 4, 3)),
        "d": np.full((4, 4), np.inf),
    }
    monkeypatch.setattr(volume, "stored_frame", read)
    for names, expected in (("ab", NoVolume.SIZES), ("ac", NoVolume.COLOR), ("ad", NoVolume.NOT_FINITE)):
        assert voxels([Instance(name, 0, {}) for name in names]) is expected
