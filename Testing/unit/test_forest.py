"""A forest as tables: it says what scikit-learn says, in torch and in onnxruntime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip(
    "torch", reason="a forest is walked by torch (extra train), which is not installed"
)
pytest.importorskip(
    "sklearn", reason="a forest is grown by scikit-learn (extra train), which is not installed"
)
pytest.importorskip("onnx", reason="the export needs onnx (extra train), which is not installed here")

from SeriesClassifierLib.headers.features import FEATURES  # noqa: E402
from SeriesClassifierLib.models.forest import Forest, told  # noqa: E402
from SeriesClassifierLib.training.batches import tensors  # noqa: E402
from SeriesClassifierLib.training.forest import (  # noqa: E402
    Trees,
    _rounded_down,
    as_tables,
    fit_forest,
    grow,
    headers_of,
)
from SeriesClassifierLib.training.onnx_export import export_model, parity  # noqa: E402
from SeriesClassifierLib.training.pool import UNLABELLED, Pool  # noqa: E402

FACETS = {"sequence": ("T1", "T2", "OTHER"), "phase": ("PRE", "POST")}
TREES = Trees(number=7, leaves=12, depth=6, looks=50)


def pool(n: int = 120, *, seed: int = 0, real: bool = False, copies: int = 1) -> Pool:
    """Headers whose first feature tells the sequence; half of all features are absent."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, copies + 1, len(FEATURES))).astype(np.float32)
    values[rng.random(values.shape) < 0.5] = np.nan
    first = rng.normal(size=n).astype(np.float32)
    values[:, :, 0] = first[:, None]
    return Pool(
        rng.integers(255, size=(n, 4, 4), dtype=np.uint8),
        np.arange(n + 1),
        values,
        {
            "sequence": np.digitize(first, (-0.5, 0.5)).astype(np.int64),
            "phase": np.where(np.arange(n) % 3 == 0, UNLABELLED, np.arange(n) % 2).astype(np.int64),
        },
        np.array([f"exam{k % 5}" for k in range(n)]),
        np.array([str(k) for k in range(n)]),
        np.full(n, real),
    )


def table(some: Pool, copy: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return tensors(some.values[:, copy])


def probabilities(forest: Forest, some: Pool) -> np.ndarray:
    """The trees' mean probability, without the doubt that is added."""
    with torch.inference_mode():
        return (forest(*table(some)).exp() - 1e-3).numpy()


def test_tables_say_what_scikit_learn_says() -> None:
    train, new = pool(), pool(80, seed=1)
    x = told(*table(train)).numpy()
    labels = np.stack([train.labels[facet] for facet in FACETS], axis=1)
    grown = grow(x, labels, np.ones(len(train)), TREES, seed=3)
    found = probabilities(as_tables(grown, FACETS, TREES), new)
    sequence, phase = grown.predict_proba(told(*table(new)).numpy())
    # Leaves are stored in 8 bits.
    np.testing.assert_allclose(found[:, :3], sequence, atol=0.003)
    # What scikit-learn takes for a third class, nobody's label, is no answer.
    assert phase.shape[1] == 3
    np.testing.assert_allclose(found[:, 3:], phase[:, 1:], atol=0.003)
    assert (sequence.argmax(1) == found[:, :3].argmax(1)).mean() > 0.98


def test_onnxruntime_says_the_same(tmp_path: Path) -> None:
    forest = fit_forest([pool()], FACETS, TREES, seed=3)
    values, observed = table(pool(9, seed=2))
    given = {"values": values, "observed": observed}
    axes = {name: {0: "series"} for name in (*given, "logits")}
    export_model(forest, given, ("logits",), tmp_path, dynamic=axes)
    assert parity(forest, tmp_path, given) < 1e-6


def test_a_forest_read_again_is_the_same() -> None:
    forest = fit_forest([pool()], FACETS, TREES, seed=3)
    shapes = {"trees": len(forest.roots), "inner": len(forest.feature), "leaves": len(forest.votes)}
    again = Forest(forest.facets, depth=TREES.depth, **shapes)
    again.load_state_dict(forest.state_dict())
    np.testing.assert_array_equal(probabilities(again, pool(9)), probabilities(forest, pool(9)))
    assert shapes["trees"] == TREES.number
    assert shapes["leaves"] <= TREES.number * TREES.leaves
    # Every split has two ways, so a tree has one leaf more than splits.
    assert shapes["leaves"] == shapes["inner"] + shapes["trees"]


def test_what_is_absent_has_no_influence_but_being_absent_has() -> None:
    forest = fit_forest([pool(400)], FACETS, TREES, seed=3)
    values, observed = table(pool(30, seed=4))
    wild = torch.where(observed > 0, values, torch.full_like(values, float("nan")))
    with torch.inference_mode():
        assert torch.equal(forest(values, observed), forest(wild, observed))
        observed[:, 0] = 0
        assert not torch.equal(forest(values, observed), forest(wild, torch.ones_like(observed)))


def test_trees_without_a_split_are_trees() -> None:
    some = pool()
    labels = {"sequence": np.ones_like(some.labels["sequence"]), "phase": np.zeros(len(some), np.int64)}
    forest = fit_forest([replace(some, labels=labels)], FACETS, TREES, seed=3)
    np.testing.assert_allclose(probabilities(forest, some), [[0, 1, 0, 1, 0]] * len(some), atol=1e-6)


def test_the_same_seed_gives_the_same_forest_and_pictures_do_not_count() -> None:
    some = pool()
    first = fit_forest([some], FACETS, TREES, seed=3).state_dict()
    again = fit_forest([headers_of(some)], FACETS, TREES, seed=3).state_dict()
    other = fit_forest([some], FACETS, TREES, seed=4).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["votes"], other["votes"])


def test_a_few_corrections_are_heard_as_loud_as_told() -> None:
    """Ten corrected series say the opposite of two hundred simulated ones."""
    simulated, corrected = pool(200, copies=2), pool(10, seed=5, real=True)
    turned = {**corrected.labels, "sequence": (corrected.labels["sequence"] + 1) % 3}
    corrected = replace(corrected, labels=turned)
    said = []
    for share in (0.05, 0.95):
        forest = fit_forest([simulated, corrected], FACETS, replace(TREES, real_share=share), seed=3)
        said.append((probabilities(forest, corrected)[:, :3].argmax(1) == turned["sequence"]).mean())
    assert said[0] < 0.5 < said[1]


@given(
    st.floats(-100, 100),
    st.floats(-100, 100, width=32) | st.sampled_from([0.0]),
    st.integers(-2, 2),
)
def test_a_rounded_threshold_parts_the_same_numbers(threshold: float, number: float, steps: int) -> None:
    (rounded,) = _rounded_down(np.array([threshold]))
    near = np.float32(threshold)
    for _ in range(abs(steps)):
        near = np.nextafter(near, np.float32(np.copysign(np.inf, steps)))
    for value in (np.float32(number), near):
        assert (float(value) <= threshold) == bool(value <= rounded)
