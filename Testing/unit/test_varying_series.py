"""Series are split by what varies in them, and by time only where nothing else does: files and frames, folders and
databases.
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.varying_series import ENHANCED, VARIANTS, VaryingSeries, write_classic, write_enhanced

from SeriesClassifierLib.headers.part_header import series_headers
from SeriesClassifierLib.identity import WHOLE, values_of
from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.part_names import name_of_values
from SeriesClassifierLib.parts.axes import has_cardiac_phases, one_of_close
from SeriesClassifierLib.parts.repetition import by_rank, by_value, in_passes
from SeriesClassifierLib.parts.slice_places import slice_places
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Part, Prediction, Reason, Series, Status
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.assemble import make_series

NEVER_DYNAMIC = frozenset(
    {"component", "flip angle", "inversion time", "preparation", "repetition time", "cardiac phase", "words", "setting"}
)


def titled(series: VaryingSeries) -> str:
    return f"{series.kind}/{series.name}"


def in_memory(series: VaryingSeries) -> Series:
    return make_series("1.2", [Instance(f"{n}", 0, tags) for n, tags in enumerate(series.images)])


def read(folder: Path) -> Series:
    (study,) = open_source(folder).studies()
    (series,) = study.series
    return series


def values(parts: tuple[Part, ...]) -> tuple[str, ...]:
    return tuple("" if values_of(part.key) == WHOLE else values_of(part.key) for part in parts)


@pytest.mark.parametrize("series", VARIANTS, ids=titled)
def test_parts_of_single_files(series: VaryingSeries, tmp_path: Path) -> None:
    write_classic(series, tmp_path)
    assert values(split(read(tmp_path))) == series.parts


@pytest.mark.parametrize("series", ENHANCED, ids=titled)
def test_parts_of_frames(series: VaryingSeries, tmp_path: Path) -> None:
    write_enhanced(series, tmp_path)
    assert values(split(read(tmp_path))) == series.parts


@pytest.mark.parametrize("series", VARIANTS, ids=titled)
def test_a_database_gives_the_same_parts_as_its_folder(series: VaryingSeries, tmp_path: Path) -> None:
    database = write_database(write_classic(series, tmp_path / "files"), tmp_path / "database")
    assert values(split(read(database))) == series.parts


@pytest.mark.parametrize("series", VARIANTS, ids=titled)
def test_the_order_of_files_has_no_influence(series: VaryingSeries) -> None:
    whole = in_memory(series)
    parts = split(whole)
    for seed in range(3):
        shuffled = random.Random(seed).sample(whole.instances, len(whole.instances))
        assert split(make_series("1.2", shuffled)) == parts


@pytest.mark.parametrize("series", VARIANTS, ids=titled)
def test_only_what_repeats_in_time_can_be_a_dynamic(series: VaryingSeries, tmp_path: Path) -> None:
    write_classic(series, tmp_path)
    labels = [p for result in run(open_source(tmp_path), Classifier()) for p in result.predictions]
    static = [p for p in labels if not (series.is_dynamic and any(w in p.part_key for w in ("time=", "acquisition=")))]
    dynamics = [p for p in static if p.sequence in ("DCE", "PERFUSION")]
    if series.kind in NEVER_DYNAMIC:
        assert static
        assert not dynamics
    assert Status.AUTO not in {p.status for p in dynamics if len(series.volumes) > 1}


@pytest.mark.parametrize("series", [s for s in VARIANTS if s.kind == "unexplained"], ids=titled)
def test_what_repeats_for_no_stated_reason_goes_to_review(series: VaryingSeries, tmp_path: Path) -> None:
    write_classic(series, tmp_path)
    labels = predictions(tmp_path)
    assert Status.AUTO not in {p.status for p in labels}
    assert all(Reason.UNEXPLAINED_REPETITION in {e.reason for e in p.evidence} for p in labels)


@pytest.mark.parametrize("name", ["words of Siemens", "words of GE", "words of Philips"])
def test_a_ratio_of_water_and_fat_is_no_weighted_image(name: str, tmp_path: Path) -> None:
    (series,) = [s for s in VARIANTS if titled(s) == f"dixon/{name}"]
    write_classic(series, tmp_path)
    (ratio,) = [p for p in predictions(tmp_path) if "FRACTION" in p.part_key]
    assert (ratio.sequence, ratio.derived) == ("OTHER", "RATIO")


def test_volumes_of_a_relaxation_map_go_to_review(tmp_path: Path) -> None:
    (series,) = [s for s in VARIANTS if titled(s) == "flip angle/four"]
    write_classic(series, tmp_path)
    labels = [p for result in run(open_source(tmp_path), Classifier()) for p in result.predictions]
    assert {p.status for p in labels} <= {Status.REVIEW, Status.UNKNOWN}
    assert all(Reason.MAP_SOURCE in {e.reason for e in p.evidence} for p in labels)


@pytest.mark.parametrize("name", ["another orientation", "two beside sixteen", "one beside five"])
def test_a_stray_slice_makes_no_stack_multi(name: str) -> None:
    (series,) = [s for s in VARIANTS if titled(s) == f"stray slice/{name}"]
    whole = in_memory(series)
    (header,) = series_headers(whole, split(whole))
    assert (header.planes, header.n_orientations) == (("AX",), 1)


@pytest.mark.parametrize(
    ("key", "name"),
    [("TI=400@12", "TI 400"), ("FA=15@12", "FA 15"), ("component=PHASE@12", "phase image"), ("all@12", ""),
     ("type=FAT_FRACTION,TE=2.3@12", "fat fraction, TE 2.3"), ("prep=none@1", "without preparation"),
     ("prep=MT@1", "with MT"), ("type=OPP_PHASE@1", "opposed phase"), ("type=ADC+MIP@1", "ADC, MIP"), ("time=2@1", "time 2"), ("", "")],
)  # fmt: skip
def test_parts_are_named_by_what_tells_them_apart(key: str, name: str) -> None:
    assert name_of_values(key) == name


# --- the rules themselves

PLACES = st.lists(st.integers(0, 5), min_size=1, max_size=40)


@given(st.lists(st.floats(0, 3000), max_size=30), st.floats(0.1, 50), st.floats(0, 0.2))
def test_close_values_are_one_and_others_are_not(found: list[float], tolerance: float, relative: float) -> None:
    shared = one_of_close(found, tolerance, relative)
    assert set(shared) == set(found)
    ordered = sorted(set(found))
    for a, b in pairwise(ordered):
        if b - a > max(tolerance, relative * b) + 1e-6:
            assert shared[b] == round(b, 1)
        elif b - a < max(tolerance, relative * b) - 1e-6:
            assert shared[a] == shared[b]


@given(st.integers(2, 6), st.integers(2, 12), st.data())
def test_whole_volumes_are_found_whatever_single_image_is_missing(n_volumes: int, n_slices: int, data: st.DataObject) -> None:
    images = [(float(v), s) for v in range(n_volumes) for s in range(n_slices)]
    if n_slices > 3:
        images.remove(data.draw(st.sampled_from(images)))
    found, places = [v for v, _ in images], [s for _, s in images]
    assert by_value(found, places) == found


@given(PLACES)
def test_one_value_explains_nothing(places: list[int]) -> None:
    assert by_value([1.0] * len(places), places) is None
    assert by_value([1.0] * len(places), None) is None


@given(st.integers(1, 30))
def test_values_that_differ_from_slice_to_slice_explain_nothing(n: int) -> None:
    assert by_value([float(v) for v in range(n)], list(range(n))) is None or n == 1


def test_ranks_follow_values_that_drift() -> None:
    found = [100.0, 107.0, 1010.0, 1041.0]
    assert by_rank(found, [0, 1, 0, 1]) == [103.5, 103.5, 1025.5, 1025.5]
    assert by_rank([100.0, 100.0], [0, 0]) is None
    assert by_rank([100.0, 200.0], None) is None


def test_passes_end_where_a_slice_comes_again() -> None:
    places = [0, 1, 2, 0, 2, 0, 1]
    assert in_passes(places, lambda index: index) == [0, 0, 0, 1, 1, 2, 2]
    assert in_passes([0, 0, 1, 1, 2, 2], lambda index: index) is None  # slice by slice


def stack(positions: list[float], **tags: float) -> list[Instance]:
    turned = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    return [
        Instance(f"{n}", 0, {"ImageOrientationPatient": turned, "ImagePositionPatient": (0.0, 0.0, p), **tags})
        for n, p in enumerate(positions)
    ]


@given(st.integers(1, 12), st.integers(1, 5), st.floats(1, 10), st.floats(-0.12, 0.12), st.randoms(use_true_random=False))
def test_shifted_volumes_have_the_same_places(
    n_slices: int, n_volumes: int, gap: float, shift: float, rng: random.Random
) -> None:
    images = [(v, s) for v in range(n_volumes) for s in range(n_slices)]
    rng.shuffle(images)
    # All shifts together are less than half a slice.
    positions = [gap * s + shift * gap * v / n_volumes for v, s in images]
    places = slice_places(stack(positions, SliceThickness=gap))
    assert places is not None
    assert places == [s for _, s in images]


def test_a_wrong_spacing_merges_no_slices() -> None:
    fine = [0.7 * n for n in range(20)]
    assert slice_places(stack(fine, SliceThickness=0.7, SpacingBetweenSlices=21.7)) == list(range(20))
    assert slice_places(stack([1.0 * n for n in range(20)], SliceThickness=6.0)) == list(range(20))
    assert slice_places(stack(fine)) == list(range(20))


def test_no_places_without_positions() -> None:
    assert slice_places([Instance("", 0, {})]) is None


def test_triggers_of_a_dynamic_are_no_cardiac_phases() -> None:
    assert not has_cardiac_phases([Instance("", 0, {"TriggerTime": 6000.0 * n}) for n in range(10)])
    assert not has_cardiac_phases([Instance("", 0, {})])
    assert has_cardiac_phases([Instance("", 0, {"TriggerTime": 45.0 * n}) for n in range(10)])


def predictions(folder: Path) -> list[Prediction]:
    return [p for result in run(open_source(folder), Classifier()) for p in result.predictions]


# --- cases of the development data


def test_10_magnitude_and_phase_are_parts(shared_data: Path) -> None:
    labels = predictions(shared_data / "cases" / "10" / "in")
    assert [(name_of_values(p.part_key), p.n_instances) for p in labels] == [("magnitude image", 10), ("phase image", 10)]
    assert [p.derived for p in labels] == ["ORIGINAL", "PHASE"]
    assert not {p.sequence for p in labels} & {"DCE", "PERFUSION"}


def test_14_inversion_times_are_parts_and_no_dynamic(shared_data: Path) -> None:
    labels = predictions(shared_data / "cases" / "14" / "in")
    assert [name_of_values(p.part_key) for p in labels] == [f"TI {100 + 200 * n}" for n in range(10)]
    assert {p.n_instances for p in labels} == {5}
    assert "DCE" not in {p.sequence for p in labels}
    assert Status.AUTO not in {p.status for p in labels}


def test_15_the_ratio_image_is_named_as_such(shared_data: Path) -> None:
    (ratio,) = [p for p in predictions(shared_data / "cases" / "15" / "in") if "FRACTION" in p.part_key]
    assert (ratio.sequence, ratio.derived) == ("OTHER", "RATIO")
    assert name_of_values(ratio.part_key) == "fat fraction"


def test_57_every_b_value_is_a_part(shared_data: Path) -> None:
    labels = predictions(shared_data / "cases" / "57" / "in")
    assert [p.b_value for p in labels] == [0, 10, 20, 30, 40, 50, 80, 100, 200, 400, 800]
    assert {(p.sequence, p.n_instances) for p in labels} == {("DWI", 4)}
