"""The prostate models' own properties; what they share with the others is in test_models_series_model."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="the networks need torch (extra train), which is not installed here"
)

from support.model_inputs import BINARY, FACETS, inputs, livened  # noqa: E402

from SeriesClassifierLib.models.encoders import build_encoder  # noqa: E402
from SeriesClassifierLib.models.fusion import (  # noqa: E402
    EarlyFusion,
    JointFusion,
    fit_late_fusion,
    late_fusion,
)


def _probabilities(rng: np.random.Generator, labels: np.ndarray, sureness: float) -> np.ndarray:
    logits = rng.normal(size=(len(labels), 4))
    logits[np.arange(len(labels)), labels] += sureness
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def _loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def test_early_fusion_trains_nothing_of_the_encoder() -> None:
    torch.manual_seed(0)
    model = EarlyFusion(build_encoder("small-cnn", random=True), BINARY, FACETS)
    before = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    model.train()
    model(**inputs(4, 1)).sum().backward()
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    for name, tensor in model.encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_joint_fusion_trains_encoder_and_header_together() -> None:
    torch.manual_seed(0)
    model = JointFusion(build_encoder("small-cnn", random=True), BINARY, FACETS)
    model.train()
    model(**inputs(4, 1)).square().sum().backward()
    for part in (model.encoder, model.header):
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in part.parameters())


def test_a_picture_and_its_mirror_image_get_the_same_answers() -> None:
    model = livened(JointFusion(build_encoder("small-cnn", random=True), BINARY, FACETS))
    given = inputs(3, 1)
    mirrored = {**given, "slices": given["slices"].flip(-1)}
    with torch.inference_mode():
        answers, again = model.answers(**given), model.answers(**mirrored)
        one, other = model.three_outputs(**given), model.three_outputs(**mirrored)
    for found, same, a, b in zip(answers, again, one, other, strict=True):
        assert torch.allclose(found, same, atol=1e-5)
        assert torch.allclose(found, (a + b) / 2, atol=1e-5)


def test_a_header_for_each_slice_is_refused() -> None:
    model = JointFusion(build_encoder("small-cnn", random=True), BINARY, FACETS).eval()
    given = inputs(2, 1)
    given["values"] = given["values"].unsqueeze(1)
    given["observed"] = given["observed"].unsqueeze(1)
    with pytest.raises(ValueError, match="one header a series"):
        model(**given)


def test_late_fusion_gives_probabilities_and_extremes_are_each_model() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 50)
    picture, header = _probabilities(rng, labels, 1.0), _probabilities(rng, labels, 1.0)
    assert np.allclose(late_fusion(picture, header).sum(axis=1), 1.0)
    assert np.allclose(late_fusion(picture, header, (1.0, 0.0)), picture)
    assert np.allclose(late_fusion(picture, header, (0.0, 1.0)), header)
    assert np.allclose(late_fusion(picture, header), late_fusion(header, picture))
    certain = np.eye(4)[labels]
    assert np.isfinite(late_fusion(certain, certain[::-1])).all()


def test_fitted_weights_are_the_best_and_follow_the_better_model() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 2000)
    good, poor = _probabilities(rng, labels, 2.0), _probabilities(rng, labels, 0.2)
    weights = fit_late_fusion(good, poor, labels)
    assert weights[0] > weights[1] >= 0
    best = _loss(late_fusion(good, poor, weights), labels)
    for other in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        assert best <= _loss(late_fusion(good, poor, other), labels) + 1e-9
    for change in ((0.05, 0.0), (-0.05, 0.0), (0.0, 0.05), (0.0, -0.05)):
        moved = (weights[0] + change[0], max(0.0, weights[1] + change[1]))
        assert best <= _loss(late_fusion(good, poor, moved), labels) + 1e-9


def test_fitting_on_the_same_model_twice_stays_finite() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 100)
    probabilities = _probabilities(rng, labels, 1.0)
    first, second = fit_late_fusion(probabilities, probabilities, labels)
    assert np.isfinite([first, second]).all()
    assert first + second == pytest.approx(
        sum(fit_late_fusion(probabilities, np.full_like(probabilities, 0.25), labels)[:1]), rel=0.05
    )
