"""Batches of a pool: balanced by class, simulated and real mixed, a function of the step's number alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SeriesClassifierLib.training.augment import Augmentation, augment, plain
from SeriesClassifierLib.training.pool import UNLABELLED, Pool


@dataclass(frozen=True, eq=False)
class Batch:
    """B examples with S slices each. What is absent has ``mask`` or ``observed`` 0 and no meaning.

    ``pictures`` (B, S, side, side) in 0..1, ``mask`` (B, S); ``values`` and ``observed`` (B, F); ``labels``
    maps a facet to B class indices, UNLABELLED where nobody knows.
    """

    pictures: Tensor
    mask: Tensor
    values: Tensor
    observed: Tensor
    labels: Mapping[str, Tensor]

    def to(self, device: torch.device) -> Batch:
        """The same on ``device``."""
        return Batch(
            self.pictures.to(device),
            self.mask.to(device),
            self.values.to(device),
            self.observed.to(device),
            {facet: labels.to(device) for facet, labels in self.labels.items()},
        )


@dataclass(frozen=True)
class Mixing:
    """What is drawn how often. ``balance`` is the facet whose classes are balanced.

    An example's weight is 1 / n ** ``tempering`` with n the examples of its class, so 1 makes classes equally
    frequent; ``real_share`` of the examples are real ones, of whose exams none dominates its class.
    """

    size: int = 32
    slices: int = 1
    side: int = 126
    real_share: float = 0.3
    tempering: float = 0.7
    balance: str = "sequence"
    intact_share: float = 0.35


class Batches:
    """Callable: step -> Batch, drawn from the examples ``rows`` of a pool."""

    def __init__(
        self, pool: Pool, rows: NDArray[np.int64], mixing: Mixing, seed: int, how: Augmentation | None = None
    ) -> None:
        self._pool, self._mixing, self._seed = pool, mixing, seed
        self._how = how or Augmentation()
        self._rows = rows
        self._chances = chances(pool, rows, mixing)

    def __call__(self, step: int) -> Batch:
        rng = np.random.default_rng((self._seed, step))
        rows = self._rows[rng.choice(len(self._rows), self._mixing.size, p=self._chances)]
        pictures, mask = picked(self._pool, rows, self._mixing.slices, rng)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        # Changing what holds no picture would cost more than a step of a header's encoder.
        if bool(mask.any()):
            pictures = augment(pictures, self._mixing.side, generator, self._how)
        else:
            pictures = plain(pictures, self._mixing.side)
        copies = self._pool.values.shape[1]
        copy = np.zeros(len(rows), np.int64)
        if copies > 1:
            damaged = rng.random(len(rows)) >= self._mixing.intact_share
            copy = np.where(damaged, 1 + rng.integers(copies - 1, size=len(rows)), 0)
        return _batch(self._pool, rows, copy, pictures, mask)


def evaluation_batch(pool: Pool, rows: NDArray[np.int64], slices: int, side: int, copy: int = 0) -> Batch:
    """The examples ``rows`` as a model sees them when it is used: equidistant slices, nothing augmented."""
    pictures, mask = picked(pool, rows, slices, None)
    return _batch(pool, rows, np.full(len(rows), copy), plain(pictures, side), mask)


def tensors(values: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """(values with zeros where absent, observed) for a model, from values with NaN where absent."""
    observed = ~np.isnan(values)
    return torch.from_numpy(np.nan_to_num(values)), torch.from_numpy(observed.astype(np.float32))


def picked(
    pool: Pool, rows: NDArray[np.int64], slices: int, rng: np.random.Generator | None
) -> tuple[Tensor, Tensor]:
    """Slices (B, slices, H, W) in 0..1 and their mask; random ones with ``rng``, else equidistant."""
    height, width = pool.slices.shape[1:]
    out = np.zeros((len(rows), slices, height, width), np.uint8)
    mask = np.zeros((len(rows), slices), np.bool_)
    for number, row in enumerate(rows):
        first, count = int(pool.first[row]), int(pool.first[row + 1] - pool.first[row])
        if rng is not None and count > slices:
            chosen = np.sort(rng.choice(count, slices, replace=False))
        elif count > slices:
            chosen = ((np.arange(slices) + 0.5) * count / slices).astype(np.int64)
        else:
            chosen = np.arange(count)
        out[number, : len(chosen)] = pool.slices[first + chosen]
        mask[number, : len(chosen)] = True
    return torch.from_numpy(out).float() / 255, torch.from_numpy(mask)


def _batch(
    pool: Pool, rows: NDArray[np.int64], copy: NDArray[np.int64], pictures: Tensor, mask: Tensor
) -> Batch:
    labels = {facet: torch.from_numpy(labels[rows]) for facet, labels in pool.labels.items()}
    return Batch(pictures, mask, *tensors(pool.values[rows, copy]), labels)


def chances(pool: Pool, rows: NDArray[np.int64], mixing: Mixing) -> NDArray[np.float64]:
    """The probability of every row: simulated and real by their share, in each of them balanced by class."""
    labels, real = pool.labels[mixing.balance][rows], pool.real[rows]
    weights = np.zeros(len(rows))
    for part, share in ((real, mixing.real_share), (~real, 1 - mixing.real_share)):
        if not part.any():
            continue
        weight = np.zeros(len(rows))
        for label in np.unique(labels[part & (labels != UNLABELLED)]):
            members = np.flatnonzero(part & (labels == label))
            # Twenty series of one patient are hardly more than a few: an exam counts as their root.
            _, exam, counts = np.unique(pool.exams[rows[members]], return_inverse=True, return_counts=True)
            one = 1 / np.sqrt(counts[exam])
            weight[members] = one / one.sum() * len(members) ** (1 - mixing.tempering)
        if weight.any():
            weights += share * weight / weight.sum()
    if not weights.any():
        raise ValueError(f"no example has a label of the facet {mixing.balance}")
    weights /= weights.sum()
    return weights
