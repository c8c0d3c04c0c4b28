"""What training draws from: nothing lost on the way, nothing drawn that should not be, the same every time."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.simulated import write_small_series

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.records import UNKNOWN
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.folds import by_exam
from SeriesClassifierLib.training.pool import UNLABELLED, Pool, build_pool, join, load_pool
from SeriesClassifierLib.training.real_series import (
    collected_examples,
    labelled_folder,
    real_examples,
    slice_collection,
)
from SeriesClassifierLib.training.simulated_headers import feature_vector
from SeriesClassifierLib.training.simulated_pictures import Draw, draw_block, simulated_examples
from SeriesClassifierLib.vocabulary import classes

try:
    import torch

    from SeriesClassifierLib.training.augment import Augmentation, augment, plain
    from SeriesClassifierLib.training.batches import Batch, Batches, Mixing, evaluation_batch
except ImportError:
    torch = None  # type: ignore[assignment]

needs_torch = pytest.mark.skipif(
    torch is None, reason="batches need torch (extra train), which is not installed"
)
FACETS = {"sequence": ("T2", "DWI", "OTHER"), "plane": ("AX", "COR")}
SIDE = 8


def example(name: str, *, exam: str = "", slices: int = 2, real: bool = False, **truth: str) -> Example:
    """A part whose pictures and echo time are its own."""
    chance = np.random.default_rng(sum(name.encode()))
    pictures = chance.integers(0, 256, (slices, SIDE, SIDE), dtype=np.uint8)
    header = PartHeader(
        {"Modality": "MR", "EchoTime": float(chance.integers(1, 200)), "RepetitionTime": 4000.0}
    )
    return Example(name, exam or name, header, pictures, truth, real)


EXAMPLES = [
    example("a", exam="x", sequence="T2", plane="AX"),
    example("b", exam="x", slices=1, sequence="T1", plane="SAG"),
    example("c", exam="y", slices=3, real=True, plane="COR"),
    example("d", slices=0, sequence="DWI"),
    example("e", exam="z", slices=1, sequence="DWI"),
]


def build(examples: list[Example] = EXAMPLES, seed: int = 0, **options: Any) -> Pool:
    return build_pool(np.random.default_rng(seed), examples, FACETS, **options)


def assert_same(a: Pool, b: Pool) -> None:
    assert np.array_equal(a.slices, b.slices)
    assert np.array_equal(a.first, b.first)
    assert np.array_equal(a.values, b.values, equal_nan=True)
    assert set(a.labels) == set(b.labels)
    assert all(np.array_equal(a.labels[facet], b.labels[facet]) for facet in a.labels)
    for name in ("exams", "names", "real"):
        assert np.array_equal(getattr(a, name), getattr(b, name))


def pictures_of(pool: Pool, row: int) -> NDArray[np.uint8]:
    return pool.slices[pool.first[row] : pool.first[row + 1]]


# --- the pool


def test_a_pool_holds_every_example_with_its_own_pictures_and_header() -> None:
    pool = build()
    kept = [one for one in EXAMPLES if len(one.slices)]
    assert pool.names.tolist() == ["a", "b", "c", "e"]
    assert pool.exams.tolist() == ["x", "x", "y", "z"]
    assert pool.real.tolist() == [False, False, True, False]
    assert len(pool) == len(kept)
    assert pool.values.shape == (4, 5, len(FEATURES))
    for row, one in enumerate(kept):
        assert np.array_equal(pictures_of(pool, row), one.slices)
        assert np.array_equal(pool.values[row, 0], feature_vector(features(one.header)), equal_nan=True)
    assert build(headers_only=True).names.tolist() == ["a", "b", "c", "d", "e"]


def test_what_is_none_of_the_classes_is_other_where_there_is_one_and_unlabelled_where_not() -> None:
    labels = build().labels
    assert labels["sequence"].tolist() == [0, 2, UNLABELLED, 1]
    assert labels["plane"].tolist() == [0, UNLABELLED, 1, UNLABELLED]


def test_a_pool_is_a_function_of_the_seed() -> None:
    assert_same(build(seed=3), build(seed=3))
    damaged = build([replace(one, slices=EXAMPLES[0].slices) for one in EXAMPLES], copies=30).values
    assert not np.array_equal(damaged[:, 1:], np.repeat(damaged[:, :1], 30, axis=1), equal_nan=True)


def test_a_saved_pool_is_the_same_pool(tmp_path: Path) -> None:
    pool = build()
    pool.save(tmp_path / "pool.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["pool.npz"]
    once = load_pool(tmp_path / "pool.npz")
    assert_same(replace(once, values=pool.values), pool)
    # Header features are kept to three digits, and no less the second time.
    assert np.allclose(once.values, pool.values, rtol=1e-3, equal_nan=True)
    assert once.values.dtype == np.float32
    once.save(tmp_path / "again.npz")
    assert_same(load_pool(tmp_path / "again.npz"), once)


def test_a_process_that_is_killed_leaves_no_half_of_a_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(file: IO[bytes], **arrays: object) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("numpy.savez", half)
    with pytest.raises(KeyboardInterrupt):
        build().save(tmp_path / "pool.npz")
    assert not (tmp_path / "pool.npz").exists()


def test_only_takes_the_rows_in_their_order() -> None:
    pool = build()
    some = pool.only(np.array([3, 0, 2, 0]))
    assert some.names.tolist() == ["e", "a", "c", "a"]
    for row, origin in enumerate((3, 0, 2, 0)):
        assert np.array_equal(pictures_of(some, row), pictures_of(pool, origin))
        assert some.labels["sequence"][row] == pool.labels["sequence"][origin]
    assert_same(pool.only(np.arange(4)), pool)
    nothing = pool.only(np.zeros(0, np.int64))
    assert (len(nothing), len(nothing.slices)) == (0, 0)


def test_joined_pools_fall_into_their_parts_again() -> None:
    a, b = build(EXAMPLES[:2]), build(EXAMPLES[2:])
    both = join([a, b])
    assert both.names.tolist() == ["a", "b", "c", "e"]
    assert_same(both.only(np.arange(2)), a)
    assert_same(both.only(np.arange(2, 4)), b)
    assert_same(join([a]), a)


# --- batches


def pool_of(
    labels: list[int],
    *,
    real: list[bool] | None = None,
    exams: list[str] | None = None,
    slices: int = 1,
    copies: int = 1,
) -> Pool:
    """Examples that can be told from each other: feature 0 is the row, feature 1 the copy of the header."""
    n = len(labels)
    values = np.full((n, copies, 3), np.nan, np.float32)
    values[:, :, 0] = np.arange(n)[:, None]
    values[:, :, 1] = np.arange(copies)
    return Pool(
        np.arange(n * slices * 16, dtype=np.uint8).reshape(n * slices, 4, 4),
        np.arange(n + 1, dtype=np.int64) * slices,
        values,
        {"sequence": np.array(labels, np.int64)},
        np.array(exams or [str(row) for row in range(n)]),
        np.array([str(row) for row in range(n)]),
        np.array(real or [False] * n),
    )


def batches(pool: Pool, rows: NDArray[np.int64] | None = None, *, seed: int = 0, **mixing: Any) -> Batches:
    options = {"size": 3000, "side": 4, "real_share": 0.3, **mixing}
    return Batches(pool, np.arange(len(pool)) if rows is None else rows, Mixing(**options), seed)


def rows_of(batch: Batch) -> NDArray[np.int64]:
    return batch.values[:, 0].numpy().astype(np.int64)


def assert_same_batch(a: Batch, b: Batch) -> None:
    for name in ("pictures", "mask", "values", "observed"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name
    assert torch.equal(a.labels["sequence"], b.labels["sequence"])


@needs_torch
def test_a_batch_is_a_function_of_seed_and_step() -> None:
    pool = pool_of([0, 1, 2] * 10, slices=5, copies=4)
    one, other = (batches(pool, size=6, slices=2, seed=4) for _ in range(2))
    forward = [one(step) for step in range(4)]
    torch.manual_seed(9)
    backward = [other(step) for step in reversed(range(4))][::-1]
    for a, b in zip(forward, backward, strict=True):
        assert_same_batch(a, b)
    drawn = [rows_of(batch).tolist() for batch in (*forward, batches(pool, size=6, slices=2, seed=5)(0))]
    assert len({tuple(rows) for rows in drawn}) == 5


@needs_torch
def test_nothing_outside_the_rows_is_drawn() -> None:
    pool = pool_of([0, 1, 2] * 10, real=[False, True] * 15)
    rows = np.array([3, 4, 11, 12, 13, 20])
    assert set(rows_of(batches(pool, rows)(0)).tolist()) == set(rows.tolist())


@needs_torch
@pytest.mark.parametrize(("tempering", "share"), [(1.0, 0.5), (0.0, 0.1)])
def test_classes_are_balanced_as_far_as_asked_for(tempering: float, share: float) -> None:
    batch = batches(pool_of([0] * 90 + [1] * 10), tempering=tempering)(0)
    assert (batch.labels["sequence"] == 1).float().mean().item() == pytest.approx(share, abs=0.04)


@needs_torch
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_real_examples_are_as_many_as_asked_for(share: float) -> None:
    pool = pool_of([0, 1] * 50, real=[True] * 10 + [False] * 90)
    found = pool.real[rows_of(batches(pool, real_share=share)(0))].mean()
    assert found == pytest.approx(share, abs=0.04)
    alone = pool_of([0, 1] * 5, real=[True] * 10)
    assert len(rows_of(batches(alone, real_share=max(share, 0.1))(0))) == 3000


@needs_torch
def test_an_exam_with_many_series_counts_as_their_root() -> None:
    pool = pool_of([0] * 26, exams=["many"] * 25 + ["one"])
    found = (rows_of(batches(pool)(0)) == 25).mean()
    assert found == pytest.approx(1 / 6, abs=0.04)


@needs_torch
def test_what_has_no_label_is_not_drawn() -> None:
    pool = pool_of([0, UNLABELLED, 1, UNLABELLED])
    assert set(rows_of(batches(pool)(0)).tolist()) == {0, 2}
    with pytest.raises(ValueError, match="no example has a label of the facet sequence"):
        batches(pool, np.array([1, 3]))


@needs_torch
@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 0, 0), (0.0, 1, 4), (0.25, 0, 4)])
def test_headers_are_damaged_as_often_as_asked_for(share: float, low: int, high: int) -> None:
    copies = batches(pool_of([0, 1], copies=5), intact_share=share)(0).values[:, 1]
    assert (copies.min().item(), copies.max().item()) == (low, high)
    assert (copies == 0).float().mean().item() == pytest.approx(share, abs=0.04)
    assert not batches(pool_of([0, 1]), intact_share=0.0)(0).values[:, 1].any()  # there is no other copy


@needs_torch
def test_absent_values_are_not_observed() -> None:
    batch = batches(pool_of([0, 1]), size=4)(0)
    assert batch.observed.tolist() == [[1.0, 1.0, 0.0]] * 4
    assert torch.isfinite(batch.values).all()


@needs_torch
@pytest.mark.parametrize(("there", "asked"), [(5, 2), (2, 5), (3, 3), (0, 2)])
def test_slots_hold_slices_of_their_example_or_nothing(there: int, asked: int) -> None:
    pool = pool_of([0, 1, 2], slices=there)
    batch = batches(pool, size=6, slices=asked, side=6)(1)
    assert batch.pictures.shape == (6, asked, 6, 6)
    assert batch.mask.sum(dim=1).tolist() == [min(there, asked)] * 6
    assert ((batch.pictures >= 0) & (batch.pictures <= 1)).all()


@needs_torch
def test_evaluation_sees_equidistant_slices_as_they_are() -> None:
    pool = pool_of([0, 1, UNLABELLED], slices=5, copies=3)
    batch = evaluation_batch(pool, np.array([2, 0]), 2, 4, copy=1)
    for number, row in enumerate((2, 0)):
        expected = pictures_of(pool, row)[[1, 3]]
        assert np.array_equal((batch.pictures[number] * 255).round().numpy().astype(np.uint8), expected)
    assert rows_of(batch).tolist() == [2, 0]
    assert batch.values[:, 1].tolist() == [1.0, 1.0]
    assert batch.labels["sequence"].tolist() == [UNLABELLED, 0]


# --- augmentation


@needs_torch
@pytest.mark.parametrize("side", [12, 7, 20])
def test_augmented_pictures_keep_range_and_shape_and_follow_the_generator(side: int) -> None:
    pictures = torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    before = pictures.clone()

    def made(seed: int) -> Any:
        return augment(pictures, side, torch.Generator().manual_seed(seed), Augmentation())

    torch.manual_seed(1)
    one = made(3)
    torch.manual_seed(2)
    assert torch.equal(made(3), one)
    assert not torch.equal(made(4), one)
    assert one.shape == (6, 3, side, side)
    assert ((one >= 0) & (one <= 1)).all()
    assert torch.equal(pictures, before)


@needs_torch
def test_slices_of_one_example_change_alike_and_examples_each_in_their_way() -> None:
    one = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(5)
    made = augment(one.expand(4, 3, 16, 16), 16, generator, Augmentation(noise=0.0, blur=0.5))
    for number in range(4):
        assert torch.equal(made[number, 0], made[number, 1])
        assert torch.equal(made[number, 0], made[number, 2])
    assert all(not torch.equal(made[0], made[number]) for number in range(1, 4))


@needs_torch
def test_plain_pictures_are_only_resized() -> None:
    pictures = torch.rand(2, 3, 12, 12)
    assert torch.equal(plain(pictures, 12), pictures)
    assert plain(pictures, 6).shape == (2, 3, 6, 6)
    assert torch.allclose(plain(torch.full((1, 1, 12, 12), 0.5), 5), torch.tensor(0.5))


# --- folds


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=60), st.integers(1, 5), st.randoms(use_true_random=False)
)
def test_an_exam_is_in_one_fold_and_folds_are_even(exams: list[str], folds: int, shuffler: Any) -> None:
    found = by_exam(exams, folds)
    assert len(found) == len(exams)
    assert set(found.tolist()) <= set(range(folds))
    fold_of = dict(zip(exams, found.tolist(), strict=True))
    assert [fold_of[exam] for exam in exams] == found.tolist()
    sizes = [int((found == fold).sum()) for fold in range(folds)]
    assert max(sizes) - min(sizes) <= max(Counter(exams).values(), default=0)
    order = list(range(len(exams)))
    shuffler.shuffle(order)
    assert by_exam([exams[index] for index in order], folds).tolist() == found[order].tolist()


# --- real series


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[Example]:
    return real_examples(shared_data, slices=2, side=16)


def test_every_labelled_series_is_found(real: list[Example], shared_data: Path) -> None:
    found = {one.name for one in real}
    for table in (shared_data / "labels.csv", shared_data / "dicom_more" / "labels.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert {row["series"] for row in rows} <= found


def test_a_collection_adds_only_what_the_folders_do_not_have(real: list[Example]) -> None:
    counts = Counter(one.name for one in real)
    folders = {name for name in counts if "_" in name}
    collected = [name for name in counts if "_" not in name]
    assert folders
    assert collected
    assert not {name.split("_")[0] for name in folders} & set(collected)
    assert all(counts[name] == 1 for name in collected)


def test_the_truth_is_of_the_vocabulary(real: list[Example]) -> None:
    for one in real:
        assert set(one.truth) <= {"sequence", "plane", "phase", "region", "derived"}
        assert {"sequence", "region"} <= set(one.truth), one.name
        for facet, value in one.truth.items():
            assert value in classes(facet), (one.name, facet)
        assert one.real
        assert one.exam == one.exam.upper() != ""


def test_real_examples_have_header_and_pictures(real: list[Example]) -> None:
    for one in real:
        assert one.slices.shape[1:] == (16, 16)
        assert one.slices.dtype == np.uint8
        assert len(one.slices), one.name
        if "plane" in one.truth and len(one.header.planes) == 1 and one.truth["plane"] != "MULTI":
            assert one.header.planes == (one.truth["plane"],), one.name
    measured = [one for one in real if one.header.instance.number("EchoTime") is not None]
    assert len(measured) > len(real) / 2


def test_a_patient_of_both_collections_is_one_exam(real: list[Example], shared_data: Path) -> None:
    exam_of = {one.name.split("_")[0]: one.exam for one in real}
    collected = collected_examples(shared_data, side=16)
    before = {one.name: one.exam for one in slice_collection(shared_data / "slices", side=16)}
    for one in collected:
        assert exam_of[one.name] == one.exam
    together = [len({one.exam for one in collected if before[one.name] == exam}) for exam in before.values()]
    assert set(together) == {1}
    assert {one.exam for one in collected} & {"BRAIN-B014", "ABDOMEN-01"} == {"BRAIN-B014", "ABDOMEN-01"}


def test_real_examples_make_a_pool_and_folds(real: list[Example]) -> None:
    pool = build_pool(np.random.default_rng(0), real, FACETS, copies=1)
    assert len(pool) == len(real)
    assert (pool.labels["sequence"] != UNLABELLED).all()
    for fold in range(4):
        inside = by_exam(pool.exams.tolist(), 4) == fold
        assert inside.any()
        assert not set(pool.exams[inside]) & set(pool.exams[~inside])


HEAD = "series,folder,patient,body_region,sequence,plane,contrast_phase,source,licence\n"


def test_a_table_says_what_its_series_are(tmp_path: Path) -> None:
    write_small_series(tmp_path / "in" / "one", study=1, series=1, images=4)
    table = tmp_path / "labels.csv"
    table.write_text(HEAD + "N1,in/one,Pat-7,KIDNEY,DWI_CALC,AX,?,here,CC0\n", encoding="utf-8")
    (one,) = labelled_folder(table, slices=3, side=8)
    assert one.truth == {"sequence": "DWI", "derived": "CALC_BVAL", "region": "abdomen", "plane": "AX"}
    assert (one.name, one.exam, one.slices.shape) == ("N1", "PAT-7", (3, 8, 8))
    assert one.facet("phase") == UNKNOWN


def test_a_table_that_is_wrong_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"labels\.csv cannot be read"):
        list(labelled_folder(tmp_path / "labels.csv"))
    (tmp_path / "labels.csv").write_text("series,folder\nN1,in/one\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"labels\.csv has no column patient, body_region"):
        list(labelled_folder(tmp_path / "labels.csv"))
    (tmp_path / "labels.csv").write_text(HEAD + "N1,nowhere,P,brain,T2,AX,,here,CC0\n", encoding="utf-8")
    with pytest.raises(SourceError, match="names the folder 'nowhere', which is not there"):
        list(labelled_folder(tmp_path / "labels.csv"))


# --- simulated series

TINY = Draw(regions={"extremity": 1.0}, sequences={"T2": 1.0, "MRCP": 1.0}, slices=1, side=16)


def test_simulated_examples_do_not_depend_on_the_number_of_processes() -> None:
    """Two bodies; MRCP is acquired in no extremity, and something else is drawn for it."""
    alone, together = (simulated_examples(TINY, 9, 3, jobs=jobs) for jobs in (1, 2))
    assert len(alone) == len(together) == 9
    for a, b in zip(alone, together, strict=True):
        assert (a.name, a.exam, a.header, a.truth) == (b.name, b.exam, b.header, b.truth)
        assert np.array_equal(a.slices, b.slices)
    assert len({one.name for one in alone}) == 9
    assert [one.exam for one in alone] == [alone[0].exam] * 8 + [alone[8].exam]
    assert alone[8].exam != alone[0].exam
    for one in alone:
        assert one.slices.shape == (1, 16, 16)
        assert not one.real
        assert all(value in classes(facet) for facet, value in one.truth.items())


@pytest.mark.parametrize("held_out", [False, True])
def test_held_out_anatomies_are_asked_for(held_out: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    class Enough(Exception):
        pass

    def body(rng: object, region: str, *, held_out: bool) -> str:
        asked.append(held_out)
        return "body"

    def series(rng: object, *, held_out: bool, body: str, **options: object) -> None:
        asked.append(held_out)
        assert body == "body"
        raise Enough

    monkeypatch.setattr("SeriesClassifierLib.simulation.anatomy.draw_body", body)
    monkeypatch.setattr("SeriesClassifierLib.simulation.studies.draw_series", series)
    with pytest.raises(Enough):
        draw_block(replace(TINY, held_out=held_out), 1, 0)
    assert asked == [held_out, held_out]
