"""Slices as models see them: prepared alike, chosen alike, and never an error because of what a file holds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.bad_input import KINDS, Folder, build, digests

from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.images.slices import choose, read_slices
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources.assemble import make_series

Array = np.ndarray[Any, Any]
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))


def brightness(picture: Array) -> Array:
    return picture.astype(int)


# --- one picture


@settings(deadline=None, max_examples=50)
@given(arrays(np.uint16, SHAPES), st.integers(1, 40))
def test_every_picture_becomes_a_square_of_grey_levels(image: Array, side: int) -> None:
    before = image.copy()
    made = prepare(image, side)
    assert (made.shape, made.dtype) == ((side, side), np.dtype(np.uint8))
    assert np.array_equal(image, before)
    assert np.array_equal(made, prepare(image, side))


@settings(deadline=None, max_examples=50)
@given(arrays(np.int16, SHAPES, elements=st.integers(0, 4095)), st.floats(0.1, 100), st.integers(-1000, 1000))
def test_the_scale_of_values_does_not_matter(image: Array, factor: float, offset: int) -> None:
    there, other = prepare(image, 16), prepare(image * factor + offset, 16)
    assert np.abs(brightness(there) - brightness(other)).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.bool_])
def test_the_type_of_values_does_not_matter(dtype: type) -> None:
    image = np.eye(20)
    assert np.array_equal(prepare(image.astype(dtype), 20), prepare(image, 20))
    assert prepare(image, 20).max() == 255


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (63, 16), (16, 63), (64, 64)])
def test_the_whole_field_of_view_stays_in_the_middle(shape: tuple[int, int]) -> None:
    """A bright picture without any dark edge: what is dark afterwards is padding."""
    image = np.full(shape, 100.0)
    image[shape[0] // 2, shape[1] // 2] = 99.0  # not constant, or it would be black
    shown = prepare(image, 64) > 127
    for axis, size in enumerate(shape):
        lit = np.flatnonzero(shown.any(axis=1 - axis))
        assert len(lit) == pytest.approx(64 * size / max(shape), abs=2)
        assert abs(lit[0] - (63 - lit[-1])) <= 2, "not in the middle"


def test_a_flipped_picture_is_flipped() -> None:
    image = np.arange(256.0).reshape(16, 16) ** 2
    assert np.array_equal(prepare(image[::-1, ::-1], 8), prepare(image, 8)[::-1, ::-1])


def test_a_few_extreme_values_do_not_take_the_contrast() -> None:
    image = np.tile(np.linspace(0, 100, 64), (64, 1))
    hot = image.copy()
    hot[:2, :8] = 1e6
    assert np.abs(brightness(prepare(hot, 64)) - brightness(prepare(image, 64)))[2:].max() <= 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_the_darkest(value: float) -> None:
    image = np.tile(np.linspace(1, 2, 16), (16, 1))
    image[:4] = value
    shown = prepare(image, 16)
    assert (shown[:3] == 0).all()
    assert shown[8, -1] == 255
    assert not prepare(np.full((5, 7), value), 8).any()


@pytest.mark.parametrize(
    "image", [np.full((9, 5), 7), np.zeros((3, 3)), np.ones((1, 1)), np.full((1, 9), -2.5), np.zeros((0, 0))]
)
def test_a_constant_picture_is_black(image: Array) -> None:
    assert not prepare(image, 8).any()


def test_one_bright_pixel_among_thousands_is_seen() -> None:
    image = np.zeros((100, 100))
    image[50, 50] = 1
    assert prepare(image, 100)[50, 50] == 255


@settings(deadline=None, max_examples=50)
@given(arrays(np.float32, SHAPES, elements=st.floats(width=32)))
def test_any_values_give_a_picture(image: Array) -> None:
    with np.errstate(all="ignore"):
        made = prepare(image, 8)
    assert (made.shape, made.dtype) == ((8, 8), np.dtype(np.uint8))


# --- which slices


def at(place: float, number: int = 1, path: str = "") -> Instance:
    """An axial image ``place`` mm up."""
    tags: dict[str, Any] = {
        "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        "ImagePositionPatient": (0.0, 0.0, place),
        "InstanceNumber": float(number),
        "SOPInstanceUID": f"{place:g}.{number}",
    }
    return Instance(path, 0, tags)


def places(instances: list[Instance]) -> list[float]:
    return [instance.numbers("ImagePositionPatient")[2] for instance in instances]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 60), st.integers(1, 20), st.randoms(use_true_random=False))
def test_chosen_slices_are_in_order_apart_and_no_matter_of_files(
    count: int, n: int, shuffler: random.Random
) -> None:
    stack = [at(3.0 * number) for number in range(count)]
    shuffled = stack.copy()
    shuffler.shuffle(shuffled)
    found = places(choose(shuffled, n))
    assert found == places(choose(stack, n))
    assert found == sorted(set(found))
    assert len(found) == (min(n, count) if n > 1 else min(1, count))
    if 1 < n < count:
        steps = np.diff(found) / 3
        assert steps.max() - steps.min() <= 1, "not equidistant"
        first, last = found[0] / 3, count - 1 - found[-1] / 3
        assert abs(first - last) <= 1, "one end is seen less of than the other"


@pytest.mark.parametrize(("count", "index"), [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (20, 9), (21, 9)])
def test_a_single_slice_is_the_one_of_the_paper(count: int, index: int) -> None:
    assert places(choose([at(float(k)) for k in range(count)], 1)) == [index]


@pytest.mark.parametrize("n", [1, 4, 10])
def test_a_time_series_gives_one_slice_a_position_of_the_volume_in_the_middle(n: int) -> None:
    volumes = [[at(float(place), number=100 * time + place) for place in range(10)] for time in range(5)]
    instances = [image for volume in volumes for image in volume]
    found = choose(instances, n)
    assert len(set(places(found))) == len(found) == n
    assert {int(image.number("InstanceNumber") or 0) // 100 for image in found} == {2}
    shuffled = random.Random(3).sample(instances, len(instances))
    assert choose(make_series("1", shuffled).instances, n) == found


def test_images_without_a_place_stay_as_they_come_and_count_each() -> None:
    images = [Instance(str(number), 0, {}) for number in range(8)]
    assert [image.path for image in choose(images, 4)] == ["1", "3", "5", "7"]
    assert [image.path for image in choose([*images, at(1.0, path="x")], 20)] == [*"01234567", "x"]


def test_mixed_orientations_are_all_chosen_from() -> None:
    turned = {"ImageOrientationPatient": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)}
    images = [at(float(k)) for k in range(3)]
    images += [Instance("", 0, {**at(float(k)).tags, **turned}) for k in range(3)]
    assert len(choose(images, 10)) == 6


def test_thousands_of_slices() -> None:
    found = places(choose([at(float(k)) for k in range(5000)], 10))
    assert found == [250.0 + 500 * k for k in range(10)]
    assert choose([], 10) == choose([], 1) == []


# --- reading


def read(kind: str, root: Path) -> tuple[int, tuple[str, ...]]:
    """How many slices of one kind of ``bad_input`` were read, and what was wrong."""
    (wanted,) = (one for one in KINDS if one.name == kind)
    paths = sorted(path for path in build(wanted, root).rglob("*") if path.is_file())
    before = digests(root)
    found = read_slices([Instance(str(path), 0, {}) for path in paths], 10, 16)
    assert digests(root) == before
    assert found.pixels.shape[1:] == (16, 16)
    assert found.pixels.dtype == np.uint8
    assert not any(str(root) in problem or "bad input" in problem for problem in found.problems)
    return len(found.pixels), found.problems


@pytest.mark.parametrize("kind", ["one_pixel", "big_endian", "implicit_vr", "deflated", "no_preamble"])
def test_odd_pixels_are_read(kind: str, tmp_path: Path) -> None:
    count, problems = read(kind, tmp_path)
    assert count >= 1
    assert problems == ()


def test_color_is_read_as_grey(tmp_path: Path) -> None:
    folder = Folder("color", tmp_path)
    samples = np.repeat(np.arange(16, dtype=np.uint8), 3)
    size: dict[str, Any] = dict.fromkeys(("Rows", "Columns"), ("US", b"\x04\x00"))
    bits: dict[str, Any] = {"BitsAllocated": ("US", b"\x08\0"), "BitsStored": ("US", b"\x08\0")}
    color: dict[str, Any] = {
        "PhotometricInterpretation": "RGB", "SamplesPerPixel": ("US", b"\3\0"), "HighBit": ("US", b"\7\0"),
        "PlanarConfiguration": ("US", b"\0\0"), "PixelRepresentation": ("US", b"\0\0"),
        "PixelData": ("OB", samples.tobytes()),
    }  # fmt: skip
    path = folder.write(folder.image(**size, **bits, **color))
    found = read_slices([Instance(str(path), 0, {})], 1, 4)
    assert found.problems == ()
    assert np.array_equal(found.pixels[0], prepare(np.arange(16.0).reshape(4, 4), 4))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("color", "cannot be decoded"),  # it does not say how its colors lie
        ("cut_in_pixels", "cannot be decoded"),
        ("no_pixels", "cannot be decoded"),
        ("unknown_syntax", "cannot be decoded"),
        ("compressed_garbage", "cannot be decoded"),
        ("deflated_and_damaged", ""),
        ("larger_than_its_pixels", "image is too large"),
        ("no_rows", "not an image, 2 of the slices"),
        ("empty_dicom", ""),
        ("noise_named_dicom", ""),
        ("objects_without_a_picture", ""),
    ],
)
def test_bad_pixels_give_a_reason(kind: str, reason: str, tmp_path: Path) -> None:
    count, problems = read(kind, tmp_path)
    assert count == 0
    assert problems
    assert reason in problems[0]


def test_good_slices_stand_beside_bad_ones(tmp_path: Path) -> None:
    folder = Folder("sound", tmp_path)
    paths = [folder.write(folder.image(number), f"{number}.dcm") for number in range(1, 6)]
    for path in paths[3:]:
        path.write_bytes(path.read_bytes()[:-4000])
    (tmp_path / "1.dcm").unlink()
    found = read_slices([at(float(k), path=str(path)) for k, path in enumerate(paths)], 10, 24)
    assert found.pixels.shape == (2, 24, 24)
    assert found.pixels.std() > 10
    assert sorted(problem.rsplit(", ", 1)[1] for problem in found.problems) == [
        "1 of the slices",
        "2 of the slices",
    ]


def test_a_part_without_images_has_no_slices() -> None:
    found = read_slices([], 10, 32)
    assert found.pixels.shape == (0, 32, 32)
    assert found.problems == ()


def test_running_out_of_memory_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(path: str, frame: int) -> None:
        raise MemoryError

    monkeypatch.setattr("SeriesClassifierLib.images.slices.read_frame", greedy)
    assert read_slices([at(1.0), at(2.0)], 10, 8).problems == ("image is too large, 2 of the slices",)


def test_only_the_chosen_images_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def look(path: str, frame: int) -> Array:
        opened.append(path)
        return np.eye(4)

    monkeypatch.setattr("SeriesClassifierLib.images.slices.read_frame", look)
    found = read_slices([at(float(k), path=str(k)) for k in range(5000)], 2, 8)
    assert opened == ["1250", "3750"]
    assert found.pixels.shape == (2, 8, 8)


def test_the_picture_does_not_depend_on_who_reads_it(tmp_path: Path) -> None:
    """The same file through ``read_slices`` and by hand."""
    pydicom = pytest.importorskip("pydicom")
    folder = Folder("sound", tmp_path)
    path = folder.write(folder.image())
    by_hand = prepare(pydicom.dcmread(path).pixel_array, 24)
    assert np.array_equal(read_slices([Instance(str(path), 0, {})], 1, 24).pixels[0], by_hand)
