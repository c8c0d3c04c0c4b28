"""Parts: b-values of every vendor, planes, and a split where it helps a reader and nowhere else."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.parts.clocks import seconds
from SeriesClassifierLib.parts.diffusion import b_value, cluster, is_calculated
from SeriesClassifierLib.parts.geometry import in_slice_order, normal, orientations, plane_and_tilt, position
from SeriesClassifierLib.parts.image_kind import image_kinds
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Part, Series, TagValue
from SeriesClassifierLib.sources.assemble import make_series

AX, COR, SAG = (1.0, 0, 0, 0, 1.0, 0), (1.0, 0, 0, 0, 0, -1.0), (0, 1.0, 0, 0, 0, -1.0)
DIFFUSION = ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")


def image(**tags: TagValue) -> Instance:
    return Instance("", 0, tags)


def series(images: list[dict[str, TagValue]]) -> Series:
    """A series of images with their tags; each is a file of its own."""
    instances = [
        Instance(f"{n}", 0, {"SOPInstanceUID": f"1.{n}", "InstanceNumber": float(n), **tags})
        for n, tags in enumerate(images, 1)
    ]
    return Series("1.2", "", "P", tuple(instances))


def stack(
    n: int, direction: tuple[float, ...] = AX, *, gap: float = 3.0, **tags: TagValue
) -> list[dict[str, TagValue]]:
    """``n`` parallel slices."""
    vector = normal(image(ImageOrientationPatient=tuple(map(float, direction))))
    assert vector is not None
    return [
        {
            "ImageOrientationPatient": tuple(map(float, direction)),
            "ImagePositionPatient": tuple(float(v * gap * k) for v in vector),
            **tags,
        }
        for k in range(n)
    ]


def sizes(parts: tuple[Part, ...]) -> list[int]:
    return [len(part.instances) for part in parts]


# --- b-values


@pytest.mark.parametrize(
    ("tags", "value", "source"),
    [
        ({"DiffusionBValue": 800.0}, 800.0, "DiffusionBValue"),
        ({"SiemensBValue": 1000.0}, 1000.0, "Siemens (0019,xx0C)"),
        ({"SequenceName": "*ep_b1000#12"}, 1000.0, "SequenceName"),
        ({"SequenceName": "*re_b50t"}, 50.0, "SequenceName"),
        ({"SequenceName": "*ez_b0"}, 0.0, "SequenceName"),
        ({"GEBValue": 1000001000.0, "ScanningSequence": "EP"}, 1000.0, "GE (0043,xx39)"),
        ({"GEBValue": (1000000800.0, 8.0, 0.0, 0.0)}, 800.0, "GE (0043,xx39)"),
        ({"GEBValue": (500.0, 8.0), "ScanningSequence": ("EP", "SE")}, 500.0, "GE (0043,xx39)"),
        ({"PhilipsBValue": 600.0}, 600.0, "Philips (2001,xx03)"),
        ({"ImageComments": "b=1500(0.445,0.000,0.895)"}, 1500.0, "ImageComments"),
        ({"ImageComments": "b = 0"}, 0.0, "ImageComments"),
        ({"UIHBValue": 929.75}, 929.75, "UIH (0065,xx09)"),
        ({"UIHBValue": 1.25}, 1.25, "UIH (0065,xx09)"),
        ({"DiffusionBValue": 0.0, "ImageType": DIFFUSION}, 0.0, "DiffusionBValue"),
        ({"PhilipsBValue": 0.0, "AcquisitionContrast": "DIFFUSION"}, 0.0, "Philips (2001,xx03)"),
    ],
)
def test_b_value_of_every_vendor(tags: Mapping[str, TagValue], value: float, source: str) -> None:
    found = b_value(image(**tags))
    assert found is not None
    assert (found.value, found.source) == (value, source)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"DiffusionBValue": 0.0},
        {"PhilipsBValue": 0.0},  # Philips writes it into every image
        {"DiffusionBValue": -800.0},
        {"DiffusionBValue": 1e12},
        {"DiffusionBValue": 5e-324},
        {"GEBValue": 1000.0, "ScanningSequence": "GR"},
        {"SequenceName": "*ep_b50_800"},  # the range that a map was computed from
        {"SequenceName": "*tse2d1_25"},
        {"ImageComments": "web=100"},
    ],
)
def test_no_b_value(tags: Mapping[str, TagValue]) -> None:
    assert b_value(image(**tags)) is None


def test_calculated_b_value() -> None:
    assert is_calculated(image(ImageType=("DERIVED", "PRIMARY", "DIFFUSION", "CALC_BVALUE"))) == "ImageType"
    assert is_calculated(image(SequenceName="ep_b50_800", SiemensBValue=1400.0))
    assert not is_calculated(image(SequenceName="ep_b50_800", SiemensBValue=800.0))
    assert not is_calculated(image(ImageType=DIFFUSION, SiemensBValue=1400.0))


def test_measured_b_values_become_shells() -> None:
    assert len(set(cluster([995.0, 1000.0, 1005.0, 929.75]).values())) == 2
    assert len(set(cluster([0.0, 1.25, 5.0]).values())) == 1
    assert len(set(cluster([0.0, 50.0, 400.0, 800.0]).values())) == 4


@settings(deadline=None)
@given(st.lists(st.floats(0, 50_000)))
def test_every_b_value_has_a_shell_that_was_measured(values: list[float]) -> None:
    centers = cluster(values)
    assert set(centers) == set(values)
    assert set(centers.values()) <= set(values)
    ordered = [centers[value] for value in sorted(set(values))]
    assert ordered == sorted(ordered)


# --- geometry


@pytest.mark.parametrize(("direction", "plane"), [(AX, "AX"), (COR, "COR"), (SAG, "SAG")])
def test_plane_of_the_axes(direction: tuple[float, ...], plane: str) -> None:
    vector = normal(image(ImageOrientationPatient=tuple(map(float, direction))))
    assert vector is not None
    assert plane_and_tilt(vector) == (plane, 0.0)


@pytest.mark.parametrize(("degrees", "plane"), [(0, "AX"), (25, "AX"), (39, "AX"), (51, "COR"), (90, "COR")])
def test_plane_of_a_tilted_stack_is_the_nearest(degrees: float, plane: str) -> None:
    a = math.radians(degrees)
    vector = normal(image(ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, math.cos(a), math.sin(a))))
    assert vector is not None
    name, tilt = plane_and_tilt(vector)
    assert name == plane
    assert tilt == pytest.approx(min(degrees, 90 - degrees), abs=1e-6)


def test_far_from_every_axis_is_oblique() -> None:
    assert plane_and_tilt((3**-0.5, 3**-0.5, 3**-0.5))[0] == "OBL"


@pytest.mark.parametrize(
    "direction", [(), (1.0, 0.0, 0.0), (0.0,) * 6, (1.0, 0, 0, 1.0, 0, 0), (9.0, 0, 0, 0, 9.0, 0)]
)
def test_no_orientation(direction: tuple[float, ...]) -> None:
    assert normal(image(ImageOrientationPatient=tuple(map(float, direction)))) is None


def test_slices_are_ordered_along_their_normal() -> None:
    images = [image(**tags) for tags in stack(7, COR)]
    shuffled = images[::2] + images[1::2]
    assert in_slice_order(shuffled) == images
    assert position(images[2]) == pytest.approx(6.0)


def test_opposite_normals_are_one_orientation() -> None:
    flipped = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
    images = [image(ImageOrientationPatient=tuple(map(float, d))) for d in (AX, flipped, SAG)]
    assert [len(group) for group in orientations(images)] == [2, 1]


# --- image kinds


@pytest.mark.parametrize(
    ("image_type", "kinds"),
    [
        ("DERIVED\\PRIMARY\\DIFFUSION\\ADC\\ND", {"DIFFUSION", "ADC"}),
        ("ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC", {"MAGNITUDE", "MOSAIC"}),
        ("DERIVED\\SECONDARY\\PROJECTION IMAGE\\COLLAPSE", {"MIP"}),
        ("DERIVED\\PRIMARY\\PROJECTION IMAGE\\MIP_COR", {"MIP"}),
        ("ORIGINAL\\PRIMARY\\M\\DIXON\\WATER", {"MAGNITUDE", "WATER"}),
        ("ORIGINAL\\PRIMARY\\OUT_PHASE\\M", {"OPP_PHASE", "MAGNITUDE"}),
        ("DERIVED\\SECONDARY\\MPR_TRA", {"MPR"}),
        ("DERIVED\\PRIMARY\\SUB_1", {"SUB"}),
        ("ADC\\FA", set()),  # values 1 and 2 name no kind
        ("", set()),
    ],
)
def test_image_kinds(image_type: str, kinds: set[str]) -> None:
    assert image_kinds(tuple(image_type.split("\\"))) == kinds


# --- splitting


def test_plain_stack_is_one_part() -> None:
    (part,) = split(series(stack(20)))
    assert (part.index, part.n_parts, part.split_by, part.b_value, part.time_index) == (1, 1, (), None, None)


def test_series_without_images_has_no_part() -> None:
    assert split(Series("1", "1", "P", ())) == ()


def test_b_values_are_parts_in_their_order() -> None:
    images = [t for b in (800.0, 50.0, 400.0) for t in stack(10, DiffusionBValue=b, ScanningSequence="EP")]
    parts = split(series(images))
    assert [part.b_value for part in parts] == [50.0, 400.0, 800.0]
    assert {part.split_by for part in parts} == {("b-value",)}
    assert [part.index for part in parts] == [1, 2, 3]


def test_directions_of_one_b_value_are_one_part() -> None:
    images = stack(5, DiffusionBValue=0.0, ImageType=DIFFUSION)
    images += [t for _ in range(30) for t in stack(5, DiffusionBValue=1000.0, ImageType=DIFFUSION)]
    assert [(p.b_value, len(p.instances)) for p in split(series(images))] == [(0.0, 5), (1000.0, 150)]


def test_measured_b_values_of_one_shell_are_one_part() -> None:
    images = [t for b in (1.25, 929.75, 931.0, 928.5) for t in stack(8, UIHBValue=b, ScanningSequence="EP")]
    assert sizes(split(series(images))) == [8, 24]


def test_dense_sampling_of_b_values_stays_together() -> None:
    images = [t for n in range(20) for t in stack(2, DiffusionBValue=100.0 * n + 100, ScanningSequence="EP")]
    assert sizes(split(series(images))) == [40]


def test_echoes_are_parts() -> None:
    parts = split(series([t for te in (2.46, 1.23) for t in stack(12, EchoTime=te)]))
    assert [part.instances[0].number("EchoTime") for part in parts] == [1.23, 2.46]
    assert {part.split_by for part in parts} == {("echo time",)}


def test_stray_echo_time_is_no_echo() -> None:
    assert sizes(split(series(stack(12, EchoTime=80.0) + stack(1, EchoTime=81.0)))) == [13]


def test_many_echoes_stay_together() -> None:
    assert sizes(split(series([t for n in range(16) for t in stack(3, EchoTime=5.0 * n + 5)]))) == [48]


@pytest.mark.parametrize(
    "clock",
    [
        lambda n: {"TemporalPositionIdentifier": float(n + 1)},
        lambda n: {"AcquisitionTime": f"1200{n * 10:02d}"},
        lambda n: {"AcquisitionDateTime": f"202001021200{n * 10:02d}.5"},
        lambda n: {"TriggerTime": 1000.0 * n},
        lambda n: {"AcquisitionNumber": float(n)},
        lambda n: {},
    ],
    ids=["temporal position", "time", "date and time", "trigger", "number", "instance number"],
)
def test_time_points_are_parts_in_their_order(clock: object) -> None:
    images = [t | clock(n) for n in range(4) for t in stack(10)]  # type: ignore[operator]
    parts = split(series(images))
    assert sizes(parts) == [10] * 4
    assert [part.time_index for part in parts] == [0, 1, 2, 3]
    assert [clock(n).items() <= part.instances[0].tags.items() for n, part in enumerate(parts)] == [True] * 4  # type: ignore[operator]


def test_epi_run_stays_together() -> None:
    images = [t | {"ScanningSequence": "EP"} for n in range(5) for t in stack(10, AcquisitionNumber=float(n))]
    assert sizes(split(series(images))) == [50]


def test_long_run_stays_together() -> None:
    assert sizes(split(series([t for n in range(40) for t in stack(4, AcquisitionNumber=float(n))]))) == [160]


def test_cine_stays_together() -> None:
    images = [t for n in range(9) for t in stack(1, TriggerTime=40.0 * n, CardiacNumberOfImages=9.0)]
    assert sizes(split(series(images))) == [9]


def test_three_plane_localizer_stays_together() -> None:
    assert sizes(split(series([t for plane in (AX, COR, SAG) for t in stack(5, plane)]))) == [15]


def test_thick_stacks_of_several_orientations_are_parts() -> None:
    parts = split(series([t for plane in (AX, SAG) for t in stack(20, plane)]))
    assert sizes(parts) == [20, 20]
    assert {part.split_by for part in parts} == {("orientation",)}


def test_image_kinds_are_parts() -> None:
    images = [
        t for kind in ("WATER", "FAT", "IN_PHASE", "OPP_PHASE")
        for t in stack(6, ImageType=("ORIGINAL", "PRIMARY", "DIXON", kind))
    ]  # fmt: skip
    assert sizes(split(series(images))) == [6] * 4


def test_magnitude_and_phase_are_parts() -> None:
    images = [t for kind in "MP" for t in stack(6, ImageType=("ORIGINAL", "PRIMARY", kind, "ND"))]
    assert {part.split_by for part in split(series(images))} == {("component",)}


def test_several_reasons_are_all_named() -> None:
    images = [
        t
        for kind in "MP"
        for te in (5.0, 10.0)
        for t in stack(6, EchoTime=te, ImageType=("ORIGINAL", "PRIMARY", kind))
    ]
    parts = split(series(images))
    assert sizes(parts) == [6] * 4
    assert {part.split_by for part in parts} == {("component", "echo time")}


TAGS = st.fixed_dictionaries(
    {},
    optional={
        "DiffusionBValue": st.sampled_from([0.0, 50.0, 800.0, 1e12, -1.0]),
        "EchoTime": st.sampled_from([0.0, 1.23, 2.46, 80.0]),
        "ImageType": st.sampled_from([DIFFUSION, ("DERIVED", "PRIMARY", "ADC"), "M", ("", "", "P")]),
        "AcquisitionTime": st.sampled_from(["120000", "120010", "noon"]),
        "ImageOrientationPatient": st.sampled_from([tuple(map(float, v)) for v in (AX, COR, SAG)]),
        "ImagePositionPatient": st.tuples(*[st.sampled_from([0.0, 3.0, 6.0])] * 3),
        "ScanningSequence": st.sampled_from(["EP", "GR", ("EP", "SE")]),
    },
)


@settings(deadline=None)
@given(st.lists(TAGS, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_parts_are_a_partition_whatever_the_order(
    images: list[dict[str, TagValue]], rng: random.Random
) -> None:
    whole = series(images)
    parts = split(whole)
    shuffled = rng.sample(whole.instances, len(whole.instances))
    assert split(make_series(whole.series_uid, shuffled)) == parts
    members = [instance.path for part in parts for instance in part.instances]
    assert sorted(members) == sorted(instance.path for instance in whole.instances)
    assert [part.index for part in parts] == list(range(1, len(parts) + 1))
    assert {part.n_parts for part in parts} == {len(parts)}
    assert (len(parts) == 1) or all(part.split_by for part in parts)


# --- time


@pytest.mark.parametrize(
    ("text", "value"),
    [("120000", 43200.0), ("1200", 43200.0), ("12", 43200.0), ("12:00:01", 43201.0), ("000000.25", 0.25),
     ("", None), ("noon", None), ("1", None), ("120000.x", None), ("1²0000", None), ("120000.²", None)],
)  # fmt: skip
def test_seconds(text: str, value: float | None) -> None:
    assert seconds(text) == value
