"""The header model, its calibration, and the making of a bundle from a seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

from SeriesClassifierLib.bundles.adopted import find_bundle  # noqa: E402
from SeriesClassifierLib.bundles.bundle import open_bundle  # noqa: E402
from SeriesClassifierLib.headers.features import FEATURES  # noqa: E402
from SeriesClassifierLib.inference.header_model import load_header_model  # noqa: E402
from SeriesClassifierLib.models.header_model import HeaderModel, SparseMetadataEncoder  # noqa: E402
from SeriesClassifierLib.training.calibration import (  # noqa: E402
    expected_calibration_error,
    fit_temperature,
    threshold_for_risk,
)
from SeriesClassifierLib.training.headers_bundle import Recipe, make, predict  # noqa: E402
from SeriesClassifierLib.training.simulated_headers import draw_table, feature_vector  # noqa: E402

BINARY = [False, True, False, True, True]
TINY = Recipe(seed=3, series=300, copies=1, held_out=300, epochs=1, batch=64, width=16, members=1)


@pytest.fixture
def encoder() -> SparseMetadataEncoder:
    torch.manual_seed(0)
    return SparseMetadataEncoder(BINARY, d=8, d_out=6).eval()


def _values() -> tuple[torch.Tensor, torch.Tensor]:
    values = torch.tensor([[0.3, 1.0, -2.0, 0.0, 1.0], [1.5, 0.0, 0.2, 1.0, 0.0]])
    observed = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0, 1.0]])
    return values, observed


def test_absent_features_have_no_influence(encoder: SparseMetadataEncoder) -> None:
    values, observed = _values()
    nan = torch.where(observed > 0, values, torch.tensor(float("nan")))
    other = torch.where(observed > 0, values, torch.tensor(99.0))
    assert torch.equal(encoder(values, observed), encoder(nan, observed))
    assert torch.equal(encoder(values, observed), encoder(other, observed))


def test_sum_over_binary_features_is_the_general_formula(encoder: SparseMetadataEncoder) -> None:
    values, observed = _values()
    gamma, beta = encoder.value_network(values.unsqueeze(-1)).chunk(2, dim=-1)
    messages = (gamma * encoder.dictionary + beta) * observed.unsqueeze(-1)
    total = encoder._numbers(values, observed) + encoder._binaries(values, observed)
    assert torch.allclose(total, messages.sum(dim=1), atol=1e-5)


def test_nothing_observed_gives_the_learned_empty_embedding(encoder: SparseMetadataEncoder) -> None:
    values = torch.full((1, len(BINARY)), float("nan"))
    before = encoder(values, torch.zeros_like(values))
    assert torch.isfinite(before).all()
    with torch.no_grad():
        encoder.empty[0] += 1.0
    assert not torch.equal(before, encoder(values, torch.zeros_like(values)))


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    model = HeaderModel(BINARY, {"sequence": 3, "phase": 2}, d=8, members=2).train()
    values, observed = _values()
    observed = torch.cat([observed, torch.zeros(1, len(BINARY))])
    values = torch.cat([values, torch.zeros(1, len(BINARY))])
    # A random projection of the logits: their plain sum is blind to what the last layers add to all alike.
    (model(values, observed) * torch.randn(3, 5)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_temperature_is_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row / row.sum()) for row in probabilities.astype(np.float64)])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.1)
    assert expected_calibration_error(probabilities, labels) < 0.03


def test_threshold_keeps_the_risk_on_fresh_data() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (8000, 5)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row / row.sum()) for row in probabilities.astype(np.float64)])
    limit = threshold_for_risk(logits[:4000], labels[:4000], 0.05)
    sure = probabilities[4000:].max(1) >= limit
    wrong = probabilities[4000:].argmax(1) != labels[4000:]
    assert sure.any()
    assert wrong[sure].mean() <= 0.07
    assert threshold_for_risk(logits[:50], 1 - logits[:50].argmax(1), 0.001) == 1.0


def test_same_seed_gives_the_same_bundle(tmp_path: Path) -> None:
    make(TINY, tmp_path / "a")
    make(TINY, tmp_path / "b")
    names = ("model.onnx", "weights.safetensors", "card.md", "bundle.json")
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)
    assert open_bundle(tmp_path / "a").digest == open_bundle(tmp_path / "b").digest


def test_shipped_bundle_is_what_its_weights_say() -> None:
    """onnxruntime and torch give the same probabilities."""
    from safetensors.torch import load_file

    shipped = load_header_model(find_bundle("headers"))
    bundle = shipped.bundle
    recipe = bundle.description["training"]["recipe"]
    assert bundle.description["features"] == [feature.name for feature in FEATURES]
    sizes = {facet: len(names) for facet, names in bundle.facets.items()}
    binary = [feature.kind != "number" for feature in FEATURES]
    model = HeaderModel(binary, sizes, d=recipe["width"], members=recipe["members"]).eval()
    model.load_state_dict(load_file(bundle.folder / "weights.safetensors"))
    table = draw_table(np.random.default_rng(5), 40, {f: list(n) for f, n in bundle.facets.items()})
    logits = predict(model, table.values)
    for row, expected in zip(table.values, logits, strict=True):
        observed = {f.name: float(v) for f, v in zip(FEATURES, row, strict=True) if not np.isnan(v)}
        assert np.array_equal(feature_vector(observed), row, equal_nan=True)
        start = 0
        for facet, names in bundle.facets.items():
            scaled = expected[start : start + len(names)] / bundle.description["temperature"][facet]
            probabilities = np.exp(scaled - scaled.max())
            probabilities /= probabilities.sum()
            found = shipped.probabilities(observed)[facet]
            assert [found[name] for name in names] == pytest.approx(probabilities.tolist(), abs=1e-4)
            start += len(names)


def test_shipped_bundle_was_made_by_the_recipe_of_this_version() -> None:
    description = json.loads((find_bundle("headers") / "bundle.json").read_text())
    recipe = json.loads(json.dumps(vars(Recipe(seed=1))))
    assert description["training"]["recipe"] == recipe
