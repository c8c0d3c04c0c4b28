"""The making of a picture bundle, with the smallest task there is: from a seed to a folder that labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SeriesClassifierLib.bundles.bundle import open_bundle
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.inference.picture_model import load_picture_model
from SeriesClassifierLib.training import joint_bundle
from SeriesClassifierLib.training.examples import CONTRAST
from SeriesClassifierLib.training.joint_bundle import left_out_of, load_data, load_teacher, make
from SeriesClassifierLib.training.joint_model import Steps
from SeriesClassifierLib.training.simulated_pictures import Draw, draw_block
from SeriesClassifierLib.training.tasks import TASKS, Pretraining, Task

FILES = ("model.onnx", "weights.safetensors", "card.md", "bundle.json")


@pytest.fixture(scope="module")
def tiny() -> Task:
    steps = Steps(heads=0, everything=2)
    return replace(
        TASKS["liver"],
        encoder="small-cnn",
        random_encoder=True,
        side=32,
        slices=3,
        train_slices=(1, 2),
        draw=Draw(regions={"extremity": 1.0}, sequences={"T2": 1.0, "T1": 1.0}, slices=2, side=32),
        base=steps,
        fold=steps,
        student=steps,
        pretraining=Pretraining(steps=2, size=4, side=32),
        batch=4,
        parts=32,
        held_out=8,
        headers=32,
        folds=2,
    )


@pytest.fixture(scope="module")
def made(tiny: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make(tiny, 3, folder / "out", None, folder / "work")
    return folder


def test_it_is_a_bundle_that_answers(tiny: Task, made: Path) -> None:
    model = load_picture_model(made / "out")
    assert {facet: list(names) for facet, names in model.bundle.facets.items()} == {
        facet: list(names) for facet, names in tiny.heads.items()
    }
    (example, *_) = draw_block(tiny.draw, 5, 0)
    answers = model.answers(features(example.header), example.slices)
    for said in (answers.header, answers.picture, answers.joint):
        assert set(said) == set(tiny.heads)  # what only teaches the encoder is no answer
        assert CONTRAST not in said
        for classes in said.values():
            assert sum(classes.values()) == pytest.approx(1, abs=1e-4)
    assert "not a medical device" in (made / "out" / "card.md").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_bytes(tiny: Task, made: Path, tmp_path: Path) -> None:
    make(tiny, 3, tmp_path / "out", None, tmp_path / "work")
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (made / "out" / name).read_bytes(), name


def test_a_second_call_goes_on_from_what_is_there(tiny: Task, made: Path, tmp_path: Path) -> None:
    make(tiny, 3, tmp_path / "out", None, made / "work")
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (made / "out" / name).read_bytes(), name


def test_what_is_read_again_changes_nothing_for_real_series(
    tiny: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = [replace(example, real=True) for example in draw_block(tiny.draw, 5, 0)]
    monkeypatch.setattr(joint_bundle, "real_examples", lambda *_, **__: real)
    drawn, cached = (load_data(tiny, 3, tmp_path, tmp_path / "work").train for _ in range(2))
    assert drawn.real.sum() == len(real)
    np.testing.assert_array_equal(drawn.values[drawn.real], cached.values[cached.real])


def test_models_of_folds_can_be_read_again(tiny: Task, made: Path) -> None:
    for fold in range(tiny.folds):
        bundle = open_bundle(made / "work" / f"fold{fold}" / "bundle")
        assert left_out_of(made / "work", fold) == frozenset()  # no real series here
        state = load_teacher(tiny, made / "work", fold).state_dict()
        assert all(bool(np.isfinite(tensor.numpy()).all()) for tensor in state.values())
        assert bundle.description["training"]["left_out"] == []
