"""The shipped bundles that see pictures: of this version's recipe, and the same in onnxruntime and in torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.inference.picture_model import OUTPUTS, load_picture_model
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.batches import tensors
from SeriesClassifierLib.training.joint_bundle import recipe_of
from SeriesClassifierLib.training.joint_model import split_facets
from SeriesClassifierLib.training.onnx_export import load_weights
from SeriesClassifierLib.training.simulated_headers import feature_vector
from SeriesClassifierLib.training.simulated_pictures import draw_block
from SeriesClassifierLib.training.tasks import TASKS, Task


@pytest.fixture(params=sorted(TASKS))
def task(request: pytest.FixtureRequest) -> Task:
    return TASKS[request.param]


def test_it_was_made_by_the_recipe_of_this_version(task: Task) -> None:
    description = json.loads((find_bundle(task.name) / "bundle.json").read_text(encoding="utf-8"))
    assert description["training"]["recipe"] == recipe_of(task)
    assert description["features"] == [feature.name for feature in FEATURES]


def test_onnxruntime_and_torch_give_the_same_probabilities(task: Task) -> None:
    shipped = load_picture_model(find_bundle(task.name))
    model = task.model()
    load_weights(model, shipped.bundle.folder)
    model.eval()
    temperatures = {
        **shipped.bundle.description["temperature_alone"],
        "joint": shipped.bundle.description["temperature"],
    }
    drawn = replace(task.draw, slices=task.slices, held_out=True, shift=STRANGE)
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
        for name, logits in zip(OUTPUTS, expected, strict=True):
            said: Mapping[str, Mapping[str, float]] = getattr(found, name)
            parts = split_facets(model.facets, logits)
            for facet, classes in shipped.bundle.facets.items():
                scaled = (parts[facet] / temperatures[name][facet]).softmax(-1)[0].numpy()
                np.testing.assert_allclose([said[facet][c] for c in classes], scaled, atol=1e-3)
