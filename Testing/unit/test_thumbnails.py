"""Thumbnails: a picture of every kind of file that holds one, a reason for every other, never an error."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from support.predictions import make_prediction

from SeriesClassifierLib.images import pixels as decoding
from SeriesClassifierLib.images.thumbnails import (
    LONGEST_SIDE,
    Thumbnail,
    ThumbnailIndex,
    file_thumbnail,
    middle_instance,
    thumbnail,
    to_grey,
)
from SeriesClassifierLib.records import Instance, Part
from SeriesClassifierLib.sources import open_source

PREFIX = "data:image/png;base64,"
PYDICOM_FILES = sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm"))


def picture(made: Thumbnail) -> np.ndarray[Any, Any]:
    assert made.uri.startswith(PREFIX), made.reason
    image = Image.open(io.BytesIO(base64.b64decode(made.uri[len(PREFIX) :])))
    assert (image.format, image.mode) == ("PNG", "L")
    return np.asarray(image)


def write(path: Path, pixels: np.ndarray[Any, Any], **changes: Any) -> Path:
    """A small file with these pixels: (rows, columns), (frames, rows, columns) or, with 3 samples, colors
    last.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(
        str(path),
        Dataset(),
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=False,
        is_little_endian=True,
    )
    color = changes.get("SamplesPerPixel") == 3
    shape = pixels.shape[:-1] if color else pixels.shape
    values: dict[str, Any] = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": shape[-2],
        "Columns": shape[-1],
        "BitsAllocated": 8 * pixels.itemsize,
        "BitsStored": 8 * pixels.itemsize,
        "HighBit": 8 * pixels.itemsize - 1,
        "PixelRepresentation": 0,
        **({"NumberOfFrames": shape[0]} if len(shape) == 3 else {}),
        **({"PlanarConfiguration": 0} if color else {}),
        **changes,
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    if pixels.dtype == np.float32:
        dataset.FloatPixelData = pixels.tobytes()
    else:
        dataset.add_new("PixelData", "OW", pixels.tobytes())
    dataset.save_as(path)
    return path


@pytest.fixture
def ramp() -> np.ndarray[Any, Any]:
    """Dark left, bright right: 8 rows, 16 columns."""
    return np.tile(np.arange(16, dtype=np.uint16) * 100, (8, 1))


def instance(path: str, place: float) -> Instance:
    tags: dict[str, Any] = {
        "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        "ImagePositionPatient": (0.0, 0.0, place),
    }
    return Instance(path, 0, tags)


def test_the_picture_shows_the_image(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    shown = picture(file_thumbnail(str(write(tmp_path / "a.dcm", ramp))))
    assert shown.shape == (8, 16)
    assert (np.diff(shown.astype(int), axis=1) >= 0).all()
    assert (shown.min(), shown.max()) == (0, 255)


def test_monochrome1_is_turned_round(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    path = write(tmp_path / "a.dcm", ramp, PhotometricInterpretation="MONOCHROME1")
    shown = picture(file_thumbnail(str(path))).astype(int)
    assert (np.diff(shown, axis=1) <= 0).all()


def test_color_becomes_grey(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    color = np.repeat((ramp // 10).astype(np.uint8)[..., None], 3, axis=-1)
    path = write(tmp_path / "a.dcm", color, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    assert picture(file_thumbnail(str(path))).shape == (8, 16)


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_the_frame_that_was_asked_for_is_shown(tmp_path: Path, frame: int) -> None:
    frames = np.zeros((3, 8, 16), dtype=np.uint16)
    for index in range(3):
        frames[index, index, :] = 1000
    shown = picture(file_thumbnail(str(write(tmp_path / "a.dcm", frames)), frame))
    assert int(shown.sum(axis=1).argmax()) == frame


def test_a_frame_that_is_not_there_is_said(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    path = str(write(tmp_path / "a.dcm", ramp))
    assert file_thumbnail(path, 1).reason == "there is no frame 2"
    assert file_thumbnail(path, -1).uri == ""


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (300, 500), (2000, 3000)])
def test_no_side_is_longer_than_asked_for(tmp_path: Path, shape: tuple[int, int]) -> None:
    pixels = np.arange(shape[0] * shape[1], dtype=np.uint32).astype(np.uint16).reshape(shape)
    path = str(write(tmp_path / "a.dcm", pixels))
    assert max(picture(file_thumbnail(path)).shape) <= LONGEST_SIDE
    assert max(picture(file_thumbnail(path, 0, 16)).shape) <= 16


def test_a_gigantic_image_is_not_decoded(
    tmp_path: Path, ramp: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(decoding, "decode_frame", fail)
    path = write(tmp_path / "a.dcm", ramp, Rows=65535, Columns=65535)
    assert file_thumbnail(str(path)) == Thumbnail(reason="image is too large")


def test_values_that_are_not_finite_are_black(tmp_path: Path) -> None:
    pixels = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    pixels[0] = np.nan
    pixels[1] = np.inf
    shown = picture(file_thumbnail(str(write(tmp_path / "a.dcm", pixels))))
    assert (shown[:2] == 0).all()
    assert shown[-1, -1] == 255


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(width=64)))
def test_any_values_give_grey_or_a_reason(pixels: np.ndarray[Any, Any]) -> None:
    if not np.isfinite(pixels).any():
        with pytest.raises(decoding.NoPictureError):
            to_grey(pixels)
        return
    with np.errstate(all="ignore"):
        grey = to_grey(pixels)
    assert (grey.dtype, grey.shape) == (np.dtype(np.uint8), pixels.shape)


@pytest.mark.parametrize(
    "content", [b"", b"not DICOM", b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 900]
)
def test_what_is_no_image_gives_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    made = file_thumbnail(str(path))
    assert made.uri == ""
    assert made.reason


@pytest.mark.parametrize("size", [200, 400, 500, 600])
def test_a_truncated_file_gives_a_reason(tmp_path: Path, ramp: np.ndarray[Any, Any], size: int) -> None:
    path = write(tmp_path / "a.dcm", ramp)
    path.write_bytes(path.read_bytes()[:size])
    assert file_thumbnail(str(path)).reason


def test_a_missing_file_gives_a_reason(tmp_path: Path) -> None:
    made = file_thumbnail(str(tmp_path / "missing.dcm"))
    assert made == Thumbnail(reason="file cannot be read (No such file or directory)")


def test_the_file_is_not_changed(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    path = write(tmp_path / "a.dcm", ramp)
    before = path.read_bytes()
    file_thumbnail(str(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("path", PYDICOM_FILES, ids=lambda path: path.name)
def test_no_file_of_pydicom_raises(path: Path) -> None:
    made = file_thumbnail(str(path))
    assert bool(made.uri) != bool(made.reason)
    if made.uri:
        assert max(picture(made).shape) <= LONGEST_SIDE


def test_a_file_without_meta_header_is_shown(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    path = write(tmp_path / "a.dcm", ramp)
    content = path.read_bytes()
    path.write_bytes(content[content.index(b"\x08\x00\x16\x00UI") :])
    assert picture(file_thumbnail(str(path))).shape == (8, 16)


def test_the_middle_is_found_along_the_slice_normal() -> None:
    stack = [instance(str(place), place) for place in (30.0, -10.0, 0.0, 10.0, 20.0)]
    assert middle_instance(stack).path == "10.0"
    assert middle_instance(stack[::-1]).path == "10.0"
    assert middle_instance(stack[:1]).path == "30.0"


def test_a_part_without_images_has_none() -> None:
    assert thumbnail(()) == Thumbnail(reason="no images")


def test_the_index_finds_the_picture_of_a_part(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    prediction = make_prediction()
    path = str(write(tmp_path / "a.dcm", ramp))
    index = ThumbnailIndex(10)
    assert index(prediction).reason == "no images"
    index.add(Part(prediction.series_uid, 2, 2, (), key="all@0"))
    index.add(Part(prediction.series_uid, 1, 2, (instance(path, 0.0),), key=prediction.part_key))
    assert picture(index(prediction)).shape == (5, 10)


@pytest.mark.parametrize("name", ["dicom", "dicom_more"])
def test_every_real_series_has_a_picture(shared_data: Path, name: str) -> None:
    found = 0
    for study in open_source(shared_data / name).studies():
        for series in study.series:
            shown = picture(thumbnail(series.instances))
            assert shown.std() > 5
            found += 1
    assert found == sum(
        1 for path in (shared_data / name).rglob("*") if path.is_dir() and any(path.glob("*.dcm"))
    )
