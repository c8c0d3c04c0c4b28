"""Teaching a picture bundle what a site corrected: what is learned, what is left alone, what is told."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bundles import SIDE, picture_bundle
from support.simulated import write_small_series

pytest.importorskip("torch", reason="retraining needs torch (extra train), which is not installed")
pytest.importorskip("onnx", reason="a picture bundle is exported by onnx, which is not installed")

import torch

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.errors import TrainingError, UsageError
from SeriesClassifierLib.inference.picture_model import load_picture_model
from SeriesClassifierLib.models import encoders
from SeriesClassifierLib.simulation.dicom_writer import uid_of
from SeriesClassifierLib.training import retrain as retraining
from SeriesClassifierLib.training import retrain_pictures
from SeriesClassifierLib.training.batches import Batches, Mixing
from SeriesClassifierLib.training.engine import Advance
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.joint_model import loss_for, taught_loss
from SeriesClassifierLib.training.learned import LOST, Learned, recall_lost, surely_lost
from SeriesClassifierLib.training.onnx_export import session
from SeriesClassifierLib.training.pool import UNLABELLED, build_pool
from SeriesClassifierLib.training.retrain import retrain, split_by_patient, summary
from SeriesClassifierLib.training.retrain_pictures import (
    KIND,
    Settings,
    cautious,
    checkpoint,
    learn,
    load_model,
    take_back,
    task_of,
    with_kind,
)
from SeriesClassifierLib.training.simulated_pictures import Draw, draw_block

TINY = Settings(
    steps=4, replay=16, headers=16, judges=16, held_out=16, copies=2, replayed=4, local=4, evaluate_every=2
)
DRAW = Draw(regions={"extremity": 1.0}, sequences={"T2": 1.0}, slices=3, side=SIDE)
FILES = ("model.onnx", "weights.safetensors")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(picture_bundle(tmp_path_factory.mktemp("base"), "liver"))


@pytest.fixture(scope="module")
def drawn() -> list[Example]:
    """Parts of two patients; who named them said the plane of all and the phase of one."""
    parts = [example for number in (1, 2) for example in draw_block(DRAW, 5, number)]
    named = [replace(example, truth={"plane": "SAG"}, real=True) for example in parts]
    named[0] = replace(named[0], truth={"phase": "ART"})
    return named


def ignored(_advance: Advance) -> None:
    pass


def taught(base: Bundle, train: Sequence[Example], folder: Path, settings: Settings = TINY) -> Learned:
    return learn(base, train, [], folder / "bundle", 3, folder / "work", ignored, settings)


@pytest.fixture(scope="module")
def once(
    base: Bundle, drawn: list[Example], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Learned]:
    folder = tmp_path_factory.mktemp("once")
    return folder, taught(base, drawn, folder)


class Stopped(Exception):
    """Somebody pressed Cancel."""


def test_a_run_that_was_stopped_and_goes_on_ends_as_one_that_was_not(
    base: Bundle, drawn: list[Example], once: tuple[Path, Learned], tmp_path: Path
) -> None:
    heard: list[Advance] = []

    def stop(advance: Advance) -> None:
        heard.append(advance)
        raise Stopped

    folder, learned = once
    before = {path: path.read_bytes() for path in base.folder.iterdir()}
    with pytest.raises(Stopped):
        learn(base, drawn, [], tmp_path / "bundle", 3, tmp_path / "work", stop, TINY)
    assert [advance.step for advance in heard] == [TINY.evaluate_every]
    assert taught(base, drawn, tmp_path) == learned
    for name in FILES:
        assert (tmp_path / "bundle" / name).read_bytes() == (folder / "bundle" / name).read_bytes(), name
    assert {path: path.read_bytes() for path in base.folder.iterdir()} == before


def test_it_learns_what_people_say_where_nothing_holds_it_back(
    base: Bundle,
    drawn: list[Example],
    once: tuple[Path, Learned],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "work").mkdir()
    for pool in (once[0] / "work").glob("*.npz"):
        shutil.copy(pool, tmp_path / "work")
    monkeypatch.setattr(retrain_pictures, "MOST_LOST", 1.0)
    eager = replace(TINY, steps=24, rate=3e-3, keeping=0.0, local=16, evaluate_every=12)
    # Another export had larger pictures.
    larger = [
        replace(example, slices=example.slices.repeat(2, axis=1).repeat(2, axis=2)) for example in drawn
    ]
    found = taught(base, [*drawn[:8], *larger[8:]], tmp_path, eager).figures["corrections"]["trained on"]
    assert found["parts"] == len(drawn)
    assert found["right after"] > found["right before"]


def test_a_named_facet_is_learned_and_the_others_stay_as_the_base_says(
    base: Bundle, drawn: list[Example]
) -> None:
    task = task_of(base)
    planes = [example for example in drawn if "plane" in example.truth]
    pool = with_kind(build_pool(np.random.default_rng(1), planes, task.trained))
    assert (pool.labels["sequence"] == UNLABELLED).all()
    batch = Batches(pool, np.arange(len(pool)), Mixing(size=4, slices=2, side=SIDE, balance=KIND), 1)(0)
    known, model = load_model(base), load_model(base)
    loss = loss_for(pool, task.sizes, task.shares)

    def pulled(told: float, keeping: float) -> set[str]:
        model.zero_grad()
        found = taught_loss(model, [known], batch, loss, told=told, keeping=keeping, unlabelled_only=True)
        found.backward()  # type: ignore[no-untyped-call]
        return {
            facet
            for facet in task.sizes
            if (gradient := model.get_parameter(f"heads.linear.{facet}.weight").grad) is not None
            and float(gradient.abs().max()) > 1e-5
        }

    assert pulled(told=1.0, keeping=1.0) == {"plane"}
    with torch.no_grad():
        for facet in task.sizes:
            model.get_parameter(f"heads.linear.{facet}.bias")[0] += 30.0
    assert pulled(told=0.0, keeping=1.0) == task.sizes.keys() - {"plane"}


def test_every_part_is_drawn_whatever_facet_people_named(base: Bundle, drawn: list[Example]) -> None:
    pool = with_kind(build_pool(np.random.default_rng(1), drawn, task_of(base).trained))
    batches = Batches(pool, np.arange(len(pool)), Mixing(size=8, slices=1, side=SIDE, balance=KIND), 1)
    phases = torch.cat([batches(step).labels["phase"] for step in range(10)])
    planes = torch.cat([batches(step).labels["plane"] for step in range(10)])
    assert bool((phases != UNLABELLED).any())
    assert bool((planes != UNLABELLED).any())


def test_parts_without_an_image_are_nothing_to_learn_from(
    base: Bundle, drawn: list[Example], tmp_path: Path
) -> None:
    blank = replace(drawn[0], slices=np.zeros((0, SIDE, SIDE), np.uint8))
    with pytest.raises(TrainingError, match="no labelled part has a readable image"):
        taught(base, [blank], tmp_path)
    assert not (tmp_path / "bundle").exists()


def test_what_was_tested_on_simulated_series_alone_makes_no_bundle_bolder(
    base: Bundle, once: tuple[Path, Learned]
) -> None:
    for facet, limits in once[1].thresholds.items():
        tested = base.description["thresholds"][facet]["auto"]
        assert limits["auto"]["0.01"] >= tested["0.01"]
        # Of this risk the base says nothing.
        assert limits["auto"]["0.1"] == 1.0
    low = {"plane": {"auto": {"0.01": 0.2, "0.1": 0.1}, "review": 0.6}}
    assert cautious(base, low, None)["plane"] == {"auto": {"0.01": 0.99, "0.1": 1.0}, "review": 0.6}


@pytest.mark.parametrize("name", ["prostate", "liver"])
def test_a_shipped_bundle_is_read_without_the_package_of_its_encoder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(encoders, "find_weights")
    bundle = open_bundle(find_bundle(name))
    task = task_of(bundle)
    assert task.sizes.keys() - {"contrast"} == bundle.facets.keys()
    rng = np.random.default_rng(2)
    inputs = {
        "slices": rng.random((1, min(2, task.slices), task.side, task.side), np.float32),
        "slice_mask": np.ones((1, min(2, task.slices)), np.bool_),
        "values": rng.random((1, len(bundle.description["features"])), np.float32),
        "observed": np.ones((1, len(bundle.description["features"])), np.float32),
    }
    with torch.inference_mode():
        ours = load_model(bundle).answers(*(torch.from_numpy(value) for value in inputs.values()))
    for mine, theirs in zip(ours, session(bundle.folder).run(None, inputs), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs, atol=2e-3)


@given(
    st.lists(st.sampled_from([f"patient {number}" for number in range(25)]), min_size=1, max_size=60),
    st.integers(0, 5),
)
def test_no_patient_is_on_both_sides(patients: list[str], seed: int) -> None:
    # Header and slices do not matter here.
    parts = [
        Example(str(number), patient, None, np.zeros((0, 1, 1), np.uint8), {}, real=True)  # type: ignore[arg-type]
        for number, patient in enumerate(patients)
    ]
    train, validation = split_by_patient(parts, seed)
    assert {part.name for part in (*train, *validation)} == {part.name for part in parts}
    assert not {part.exam for part in train} & {part.exam for part in validation}
    assert train


def test_recall_lost_is_counted_by_class() -> None:
    labels = np.array([0, 0, 1, 1, UNLABELLED])
    right = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2]]
    wrong = np.eye(3, dtype=np.float32)[[0, 2, 1, 1, 0]]
    names = ("T1", "T2", "DWI")
    assert recall_lost(right, wrong, labels, names) == {"T1": 0.5, "T2": 0.0}
    assert recall_lost(wrong, right, labels, names) == {"T1": -0.5, "T2": 0.0}


def test_checkpoints_that_forgot_are_told(once: tuple[Path, Learned]) -> None:
    rows = [{"step": 20.0, "score": 0.7}, {"step": 40.0, "score": -0.05}, {"step": 60.0, "score": -0.03}]
    told = {**once[1].figures, "checkpoint": checkpoint(rows, 60)}
    assert "the checkpoint of step 20 was taken, as 2 others lost" in summary(replace(once[1], figures=told))
    assert checkpoint(rows[1:], 60)["step"] == 60
    told = {**told, "checkpoint": {**checkpoint(rows[1:], 60), "share": 0.4}}
    assert "only 40% of what was learned was taken" in summary(replace(once[1], figures=told))


def test_what_makes_it_forget_is_taken_back_as_far_as_needed(base: Bundle) -> None:
    known, model = load_model(base), load_model(base)
    name = "heads.linear.plane.bias"
    with torch.no_grad():
        model.get_parameter(name).add_(1.0)

    def moved(module: torch.nn.Module) -> float:
        return float((module.get_parameter(name) - known.get_parameter(name)).detach().mean())

    assert take_back(model, known, lambda module: 0.5 - moved(module)) == 0.4
    assert moved(model) == pytest.approx(0.4)
    assert take_back(model, known, lambda _module: -1.0) == 0.0
    state, start = model.state_dict(), known.state_dict()
    assert all(torch.equal(state[tensor], start[tensor]) for tensor in start)


def test_a_class_is_surely_lost_only_beyond_chance() -> None:
    labels = np.zeros(100, np.int64)
    right, some, many = (np.ones((100, 2), np.float32) * (1, 0) for _ in range(3))
    some[:1] = many[:25] = (0, 1)
    assert surely_lost(right, some, labels) == 0.0
    assert surely_lost(right, many, labels) == pytest.approx((25 - 5) / 100)
    assert surely_lost(many, right, labels) == 0.0


def command(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_from_a_correction_to_a_bundle_that_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, source, data = tmp_path / "journal.sqlite", tmp_path / "dicom", tmp_path / "data"
    for series in (1, 2):
        write_small_series(
            source / str(series),
            study=1,
            series=series,
            images=3,
            PatientName="Quux^Xyzzy",
            PatientID="Q-7719",
        )
    base = picture_bundle(tmp_path / "prostate", "prostate")
    assert command("classify", source, "--journal", journal, "--mode", "header", "--quiet") == 0
    # A label that the bundle has no class for: it is none of its classes.
    says = ("--set", "sequence=PD", "--user", "me", "--journal", journal)
    assert command("correct", uid_of("small", 1, 1), *says) == 0
    key = ("--site-key", tmp_path / "key")
    assert command("export", "--journal", journal, "--source", source, "--out", data, *key, "--quiet") == 0
    recipes = {"prostate-joint": ("prostate", partial(learn, settings=TINY))}
    monkeypatch.setattr(retraining, "RECIPES", recipes)
    made = retrain("prostate-joint", [data], base, tmp_path / "out")
    description = open_bundle(tmp_path / "out").description
    assert description["figures"]["corrections"]["trained on"]["parts"] == 1
    assert set(description["temperature_alone"]) == {"header", "picture"}
    assert description["training"]["base"]["digest"] == open_bundle(base).digest
    assert description["scope"] == open_bundle(base).description["scope"]
    assert LOST in description["figures"]
    assert "Research use; not a medical device" in (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert made.report.is_file()
    assert "corrections are right" in made.summary
    load_picture_model(tmp_path / "out")
    picture = ("--picture-bundle", tmp_path / "out")
    assert command("classify", source, "--mode", "full", *picture, "--no-journal", "--quiet") == 0
    capsys.readouterr()
    with pytest.raises(UsageError, match="is not empty"):
        retrain("prostate-joint", [data], base, tmp_path / "out")
    with pytest.raises(UsageError, match="retrains bundles of the task prostate"):
        retrain("prostate-joint", [data], find_bundle("liver"), tmp_path / "other")
