"""The bundles that tests classify with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from SeriesClassifierLib.bundles.bundle import CARD, write_bundle
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.inference.run import HEADERS_BUNDLE

SIDE = 32


def headers_bundle() -> str:
    """Name of the shipped bundle. Every clone has it: its absence fails the tests."""
    return HEADERS_BUNDLE


def picture_bundle(folder: Path, task: str = "prostate") -> Path:
    """A complete picture bundle of small pictures and random weights, always the same, in ``folder``.

    What it says of a sequence means nothing; of the region it is sure, and it is the task's first. The test
    that asks for it is skipped where torch is not installed.
    """
    torch = pytest.importorskip("torch", reason="a picture bundle is made by torch, which is not installed")
    pytest.importorskip("onnx", reason="a picture bundle is exported by onnx, which is not installed")
    from SeriesClassifierLib.training.onnx_export import export_model
    from SeriesClassifierLib.training.tasks import TASKS

    tiny = replace(TASKS[task], encoder="small-cnn", random_encoder=True, side=SIDE)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = tiny.model().eval()
    with torch.no_grad():
        bias = model.get_parameter("heads.linear.region.bias")
        bias[list(tiny.heads["region"]).index(tiny.regions[0])] += 20
    inputs = {
        "slices": torch.zeros(1, tiny.slices, SIDE, SIDE),
        "slice_mask": torch.ones(1, tiny.slices, dtype=torch.bool),
        "values": torch.zeros(1, len(FEATURES)),
        "observed": torch.ones(1, len(FEATURES)),
    }
    many = {"slices": {1: "slices"}, "slice_mask": {1: "slices"}} if tiny.slices > 1 else {}
    export_model(model, inputs, ("header", "picture", "joint"), folder, dynamic=many, call="answers")
    (folder / CARD).write_text("Random weights. Not a medical device.\n", encoding="utf-8")
    alone = dict.fromkeys(tiny.heads, 1.0)
    description = {
        "name": task,
        "version": "0.0.1",
        "task": task,
        "encoder": tiny.encoder,
        "heads": [{"facet": facet, "classes": list(names)} for facet, names in tiny.heads.items()],
        "features": [feature.name for feature in FEATURES],
        "preprocessing": {"side": SIDE, "slices": tiny.slices},
        "scope": {"regions": list(tiny.regions)},
        "temperature": alone,
        "temperature_alone": {"header": alone, "picture": alone},
        # Any class gets an answer, none is trusted.
        "thresholds": {facet: {"auto": {"0.01": 0.99}, "review": 0.0} for facet in tiny.heads},
        "training": {"data": "none", "licence": "Apache-2.0", "seed": 4},
        "figures": {},
    }
    write_bundle(folder, description)
    return folder
