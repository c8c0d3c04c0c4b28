"""Volumes of real series against SimpleITK's own reading; their geometry for any orientation and order."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.images.volume import Geometry, NoVolume, geometry, voxels
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources import open_source


def stack(seed: int, gap: float, n: int) -> list[Instance]:
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    row, column = axes[:, 0], axes[:, 1]
    normal = np.cross(row, column)
    return [
        Instance(
            f"{k}.dcm",
            0,
            {
                "ImageOrientationPatient": (*map(float, row), *map(float, column)),
                "ImagePositionPatient": tuple(float(v) for v in 7.0 + k * gap * normal),
                "PixelSpacing": (0.5, 0.75),
                "InstanceNumber": float(k + 1),
            },
        )
        for k in range(n)
    ]


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.5, 12), st.integers(2, 30))
def test_every_slice_lies_where_its_image_says_in_any_order(seed: int, gap: float, n: int) -> None:
    images = stack(seed, gap, n)
    found = geometry(images)
    assert isinstance(found, Geometry)
    mixed = random.Random(seed).sample(images, n)
    assert geometry(mixed) == found
    normal = np.array(found.direction).reshape(3, 3)[:, 2]
    for k, image in enumerate(found.images):
        at = np.array(found.origin) + k * found.spacing[2] * normal
        assert at == pytest.approx(image.numbers("ImagePositionPatient"), abs=1e-6)
    assert found.spacing[:2] == (0.75, 0.5)


@given(st.integers(0, 10**6), st.floats(0.5, 12), st.integers(4, 30))
def test_a_missing_slice_is_no_regular_volume(seed: int, gap: float, n: int) -> None:
    images = stack(seed, gap, n)
    del images[1]
    assert geometry(images) is NoVolume.UNEVEN


def test_real_series_are_as_simpleitk_reads_them(shared_data: Path) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed here")
    compared = 0
    for study in open_source(shared_data / "dicom").studies():
        for series in study.series:
            for part in split(series):
                found = geometry(part.instances)
                if isinstance(found, NoVolume) or found.repetitions > 1 or len(found.images) < 2:
                    continue
                if len({image.path for image in found.images}) != len(found.images):
                    continue
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames([image.path for image in found.images])
                image = reader.Execute()
                assert image.GetSpacing() == pytest.approx(found.spacing, abs=1e-3)
                assert image.GetOrigin() == pytest.approx(found.origin, abs=1e-4)
                assert image.GetDirection() == pytest.approx(found.direction, abs=1e-3)
                values = voxels(found.images)
                assert not isinstance(values, NoVolume)
                # SimpleITK rescales in 64 bits; values that are not whole are kept in 32.
                assert np.array_equal(sitk.GetArrayFromImage(image).astype(values.dtype), values)
                compared += 1
    assert compared >= 10
