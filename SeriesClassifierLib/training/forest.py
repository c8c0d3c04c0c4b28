"""Grow a random forest on headers and turn it into ``models.forest.Forest``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from SeriesClassifierLib.models.forest import WHOLE, Forest, told
from SeriesClassifierLib.training.batches import Mixing, chances, tensors
from SeriesClassifierLib.training.pool import UNLABELLED, Facets, Pool, join


@dataclass(frozen=True)
class Trees:
    """How the trees grow. ``looks`` are the features that a split chooses among.

    ``tempering`` balances classes as in ``batches.Mixing``. Real examples, or corrections, together weigh
    ``real_share``: they are few, and are to be heard among many simulated ones. Depth and leaves bound what a
    bundle carries.
    """

    number: int = 100
    leaves: int = 600
    depth: int = 20
    fewest: int = 2
    looks: int = 60
    tempering: float = 0.5
    real_share: float = 0.1


def fit_forest(pools: Sequence[Pool], facets: Facets, trees: Trees, *, seed: int) -> Forest:
    """A forest grown on the headers of ``pools``, intact and damaged; their pictures are not looked at.

    The same seed gives the same forest.
    """
    x, labels, weights = _table(pools, facets, trees)
    return as_tables(grow(x, labels, weights, trees, seed), facets, trees)


def grow(
    x: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    trees: Trees,
    seed: int,
) -> Any:
    """scikit-learn's forest, one output a facet (two at least).

    ``x`` is (N, 2 F) as ``models.forest.told`` makes it, ``labels`` (N, facets) with UNLABELLED as one more
    class: trees need a label of every facet.
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        trees.number,
        max_leaf_nodes=trees.leaves,
        max_depth=trees.depth,
        min_samples_leaf=trees.fewest,
        max_features=min(trees.looks, x.shape[1]),
        random_state=seed,
    )
    return forest.fit(x, labels, sample_weight=weights)


def as_tables(forest: Any, facets: Facets, trees: Trees) -> Forest:
    """scikit-learn's forest as tables. What it says of UNLABELLED is left out."""
    grown = [estimator.tree_ for estimator in forest.estimators_]
    is_leaf = np.concatenate([tree.children_left < 0 for tree in grown])
    # Splits first, then leaves; one split at least, so that there is always one to look at.
    inner = max(1, int((~is_leaf).sum()))
    number = np.where(is_leaf, inner + np.cumsum(is_leaf) - 1, np.cumsum(~is_leaf) - 1)
    starts = np.cumsum([0] + [tree.node_count for tree in grown])
    sizes = {facet: len(names) for facet, names in facets.items()}
    out = Forest(sizes, trees=len(grown), inner=inner, leaves=int(is_leaf.sum()), depth=trees.depth)

    def of_splits(name: str, offset: bool = False) -> NDArray[Any]:
        parts = [
            getattr(tree, name)[tree.children_left >= 0] + (start if offset else 0)
            for tree, start in zip(grown, starts, strict=False)
        ]
        found = np.concatenate(parts)
        return found if len(found) else np.zeros(1, found.dtype)

    votes = [
        _votes(tree.value[tree.children_left < 0], forest.classes_, list(sizes.values())) for tree in grown
    ]
    with torch.no_grad():
        out.feature.copy_(torch.from_numpy(of_splits("feature")))
        out.threshold.copy_(torch.from_numpy(_rounded_down(of_splits("threshold"))))
        out.left.copy_(torch.from_numpy(number[of_splits("children_left", offset=True)]))
        out.right.copy_(torch.from_numpy(number[of_splits("children_right", offset=True)]))
        out.roots.copy_(torch.from_numpy(number[starts[:-1]]))
        out.votes.copy_(torch.from_numpy(np.rint(np.concatenate(votes) * WHOLE).astype(np.uint8)))
    return out.eval()


def headers_of(pool: Pool, copies: int | None = None) -> Pool:
    """``pool`` without its slices, every header intact and damaged ``copies`` times (None: all there are)."""
    nothing = np.zeros((0, *pool.slices.shape[1:]), np.uint8)
    values = pool.values if copies is None else pool.values[:, : copies + 1]
    return replace(pool, slices=nothing, first=np.zeros(len(pool) + 1, np.int64), values=values)


def _table(
    pools: Sequence[Pool], facets: Facets, trees: Trees
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """What is seen, labels and weights, every copy of a header a row."""
    copies = min(pool.values.shape[1] for pool in pools) - 1
    pool = join([headers_of(pool, copies) for pool in pools])
    share = trees.real_share if bool(pool.real.any()) else 0.0
    mixing = Mixing(real_share=share, tempering=trees.tempering)
    weights = chances(pool, np.arange(len(pool)), mixing) * len(pool)
    x = told(*tensors(pool.values.reshape(-1, pool.values.shape[2]))).numpy()
    labels = np.stack([pool.labels[facet] for facet in facets], axis=1)
    return x, np.repeat(labels, copies + 1, axis=0), np.repeat(weights, copies + 1)


def _votes(
    value: NDArray[np.float64], outputs: Sequence[NDArray[np.int64]], sizes: Sequence[int]
) -> NDArray[np.float64]:
    """Probabilities (leaves, classes of all facets) from a tree's (leaves, outputs, most classes)."""
    columns = []
    for position, (known, size) in enumerate(zip(outputs, sizes, strict=True)):
        found = value[:, position, : len(known)]
        found = found / found.sum(axis=1, keepdims=True)
        column = np.zeros((len(value), size))
        kept = known != UNLABELLED
        column[:, known[kept]] = found[:, kept]
        columns.append(column)
    return np.concatenate(columns, axis=1)


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above: a float32 value is at most the one just if it is at most the
    other.
    """
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)
