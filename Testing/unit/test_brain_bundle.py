"""The bundle of a forest and votes of slices: how it is made, what it says, how corrections change it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.inference.picture_model import OUTPUTS, load_picture_model
from SeriesClassifierLib.models.slice_votes import Pooling, SliceVotes
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.batches import tensors
from SeriesClassifierLib.training.brain_bundle import (
    load_model,
    make,
    pooling_for,
)
from SeriesClassifierLib.training.engine import Schedule
from SeriesClassifierLib.training.forest import Trees
from SeriesClassifierLib.training.joint_bundle import recipe_of
from SeriesClassifierLib.training.joint_calibration import OutOfFold
from SeriesClassifierLib.training.joint_model import split_facets
from SeriesClassifierLib.training.simulated_headers import feature_vector
from SeriesClassifierLib.training.simulated_pictures import draw_block
from SeriesClassifierLib.training.tasks import BRAIN, BrainTask

FILES = ("model.onnx", "weights.safetensors", "card.md", "bundle.json")
SIDE = 32
_MOST_BYTES = 6_000_000


@pytest.fixture(scope="module")
def tiny() -> BrainTask:
    return replace(
        BRAIN,
        side=SIDE,
        base_side=SIDE,
        slices=3,
        draw=replace(BRAIN.draw, regions={"extremity": 1.0}, slices=2, side=SIDE),
        base=Schedule(2, 1e-3),
        tuned=Schedule(2, 1e-3),
        batch=4,
        parts=32,
        held_out=8,
        headers=60,
        folds=2,
        trees=Trees(number=3, leaves=6, depth=3, looks=20),
    )


@pytest.fixture(scope="module")
def made(tiny: BrainTask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make(tiny, 3, folder / "out", None, folder / "work")
    return folder


@pytest.fixture
def network() -> SliceVotes:
    torch.manual_seed(1)
    return replace(BRAIN, heads={"sequence": ("T1", "T2"), "plane": ("AX", "COR", "SAG")}).network().eval()


def test_its_classes_are_what_brains_are_scanned_with() -> None:
    names = BRAIN.heads["sequence"]
    assert names[-1] == "OTHER"
    assert {"T1", "T2", "FLAIR", "SWI", "DWI", "ADC", "BOLD", "ASL", "MRA", "CISS"} < set(names)
    assert not {"MRCP", "DIXON_W"} & set(names)
    assert set(BRAIN.shares) == set(BRAIN.heads)


def test_a_series_is_the_mean_of_its_slices(network: SliceVotes) -> None:
    slices = torch.rand(1, 3, SIDE, SIDE)
    everyone = torch.ones(1, 3, dtype=torch.bool)
    with torch.inference_mode():
        alone = torch.cat([network(slices[:, k : k + 1], everyone[:, :1]) for k in range(3)])
        together = network(slices, everyone)
        mean = [part.softmax(-1).mean(0) for part in split_facets(network.facets, alone).values()]
        torch.testing.assert_close(together.exp()[0], torch.cat(mean))
        torch.testing.assert_close(network(slices.flip(1), everyone), together)


def test_a_slot_without_a_slice_has_no_vote(network: SliceVotes) -> None:
    slices = torch.rand(2, 3, SIDE, SIDE)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    with torch.inference_mode():
        found = network(slices, mask)
        torch.testing.assert_close(found[:1], network(slices[:1, :2], mask[:1, :2]))
    halves = [torch.full((n,), 1 / n) for n in network.facets.values()]
    torch.testing.assert_close(found[1].exp(), torch.cat(halves))


def test_without_a_picture_both_is_the_header() -> None:
    pooling = Pooling({"sequence": 2, "plane": 3})
    header, picture = torch.randn(2, 5), torch.randn(2, 5)
    joint = pooling(header, picture, torch.tensor([True, False]))
    for facet, said in split_facets(pooling.facets, joint).items():
        alone = split_facets(pooling.facets, header)[facet].softmax(-1)
        seen = split_facets(pooling.facets, picture)[facet].softmax(-1)
        torch.testing.assert_close(said[1].exp(), alone[1])
        product = alone[0] * seen[0].sqrt()
        torch.testing.assert_close(said[0].exp(), product / product.sum())


def test_a_picture_counts_as_much_as_it_knows() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    labels = rng.integers(3, size=n)
    exams = np.array([str(k % 9) for k in range(n)])
    heads = {"sequence": ("T1", "T2", "OTHER")}

    def right(share: float) -> np.ndarray:
        said = np.where(rng.random(n) < share, labels, (labels + rng.integers(1, 3, size=n)) % 3)
        return np.log(np.where(np.eye(3)[said] > 0, 0.7, 0.15)).astype(np.float32)

    # Of two that err independently each counts fully; a guess and an echo of the header add nothing.
    header = right(0.7)
    for picture, expected in ((right(0.7), 1.0), (right(1 / 3), 0.0), (header, 0.0)):
        logits = {"header": header, "picture": picture, "joint": picture}
        found = pooling_for(heads, None, OutOfFold(logits, {"sequence": labels}, exams, exams))
        assert float(found.weight[0]) == pytest.approx(expected, abs=0.15)


def test_it_is_a_bundle_that_answers(tiny: BrainTask, made: Path) -> None:
    model = load_picture_model(made / "out")
    (example, *_) = draw_block(tiny.draw, 5, 0)
    answers = model.answers(features(example.header), example.slices)
    for said in (answers.header, answers.picture, answers.joint):
        assert {facet: list(names) for facet, names in said.items()} == {
            facet: list(names) for facet, names in tiny.heads.items()
        }
        for classes in said.values():
            assert sum(classes.values()) == pytest.approx(1, abs=1e-4)
    assert "not a medical device" in (made / "out" / "card.md").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_bytes(tiny: BrainTask, made: Path, tmp_path: Path) -> None:
    make(tiny, 3, tmp_path / "out", None, tmp_path / "work")
    make(tiny, 3, tmp_path / "again", None, made / "work")  # goes on from what is there
    for name in FILES:
        expected = (made / "out" / name).read_bytes()
        assert (tmp_path / "out" / name).read_bytes() == expected, name
        assert (tmp_path / "again" / name).read_bytes() == expected, name


def test_the_shipped_bundle_was_made_by_the_recipe_of_this_version() -> None:
    folder = find_bundle("brain")
    description = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    assert description["training"]["recipe"] == recipe_of(BRAIN)
    assert description["features"] == [feature.name for feature in FEATURES]
    assert sum((folder / name).stat().st_size for name in FILES) <= _MOST_BYTES


def test_the_shipped_bundle_says_the_same_in_onnxruntime_and_in_torch() -> None:
    shipped = load_picture_model(find_bundle("brain"))
    model = load_model(BRAIN, shipped.bundle.folder)
    temperatures = {
        **shipped.bundle.description["temperature_alone"],
        "joint": shipped.bundle.description["temperature"],
    }
    drawn = replace(BRAIN.draw, slices=BRAIN.slices, held_out=True, shift=STRANGE)
    for number, example in enumerate(draw_block(drawn, 7, 0)):
        slices = example.slices[: max(1, len(example.slices) - number)]
        values, observed = tensors(feature_vector(features(example.header))[None])
        with torch.inference_mode():
            expected = model.answers(
                torch.from_numpy(slices)[None].float() / 255,
                torch.ones(1, len(slices), dtype=torch.bool),
                values,
                observed,
            )
        found = shipped.answers(features(example.header), slices)
        assert found == shipped.answers(features(example.header), slices)
        for name, logits in zip(OUTPUTS, expected, strict=True):
            parts = split_facets(model.facets, logits)
            for facet, classes in shipped.bundle.facets.items():
                scaled = (parts[facet] / temperatures[name][facet]).softmax(-1)[0].numpy()
                np.testing.assert_allclose(
                    [getattr(found, name)[facet][c] for c in classes], scaled, atol=1e-3
                )
