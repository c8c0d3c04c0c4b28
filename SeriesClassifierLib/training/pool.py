"""A pool of examples as arrays: what a training run draws its batches from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import UNKNOWN
from SeriesClassifierLib.simulation.damage import damage
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.simulated_headers import feature_vector

logger = logging.getLogger(__name__)

Facets = Mapping[str, Sequence[str]]
UNLABELLED = -1


@dataclass(frozen=True, eq=False)
class Pool:
    """N examples. ``slices`` is (T, side, side) uint8; ``first[i]`` to ``first[i + 1]`` are of example i.

    ``values`` is (N, C, F): header features, NaN where absent; copy 0 as they are, the others damaged by
    chance. ``labels`` maps a facet to N indices into its classes, UNLABELLED where nobody knows. ``exams``
    and ``names`` are N strings, ``real`` N booleans.
    """

    slices: NDArray[np.uint8]
    first: NDArray[np.int64]
    values: NDArray[np.float32]
    labels: Mapping[str, NDArray[np.int64]]
    exams: NDArray[np.str_]
    names: NDArray[np.str_]
    real: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.exams)

    def only(self, rows: NDArray[np.int64]) -> Pool:
        """The examples ``rows``, in that order."""
        spans = [np.arange(self.first[i], self.first[i + 1]) for i in rows]
        picks = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        counts = np.array([len(span) for span in spans], np.int64)
        return Pool(
            self.slices[picks],
            np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
            self.values[rows],
            {facet: labels[rows] for facet, labels in self.labels.items()},
            self.exams[rows],
            self.names[rows],
            self.real[rows],
        )

    def save(self, path: Path) -> None:
        """Write the pool as one npz file."""
        labels = {f"label_{facet}": values for facet, values in self.labels.items()}
        with replacing(path) as draft, draft.open("wb") as file:
            np.savez(
                file,
                slices=self.slices,
                first=self.first,
                values=self.values.astype(np.float16),
                exams=self.exams,
                names=self.names,
                real=self.real,
                **labels,  # type: ignore[arg-type]
            )


def load_pool(path: Path) -> Pool:
    """Read what ``Pool.save`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        labels = {name[6:]: arrays[name] for name in arrays.files if name.startswith("label_")}
        return Pool(
            arrays["slices"],
            arrays["first"],
            arrays["values"].astype(np.float32),
            labels,
            arrays["exams"],
            arrays["names"],
            arrays["real"],
        )


def build_pool(
    rng: np.random.Generator,
    examples: Sequence[Example],
    facets: Facets,
    *,
    copies: int = 4,
    headers_only: bool = False,
) -> Pool:
    """Examples as arrays, each header damaged ``copies`` times besides.

    Without ``headers_only`` an example without a readable slice is left out.
    """
    kept = [example for example in examples if headers_only or len(example.slices)]
    headers = [example.header for example in kept]
    # A wrong value comes from a simulated header: one of a real patient would cross the folds.
    donors = [example.header for example in kept if not example.real]
    values = np.empty((len(kept), copies + 1, len(FEATURES)), np.float32)
    for row, header in enumerate(headers):
        values[row, 0] = feature_vector(features(header))
        for copy in range(1, copies + 1):
            values[row, copy] = feature_vector(features(damage(rng, header, donors)))
    counts = np.array([0] + [len(example.slices) for example in kept], np.int64)
    return Pool(
        np.concatenate([example.slices for example in kept]),
        np.cumsum(counts),
        values,
        {facet: _indices(kept, facet, list(names)) for facet, names in facets.items()},
        np.array([example.exam for example in kept]),
        np.array([example.name for example in kept]),
        np.array([example.real for example in kept]),
    )


def cached_pool(
    path: Path,
    rng: np.random.Generator,
    facets: Facets,
    draw: Callable[[], Sequence[Example]],
    *,
    copies: int = 4,
    headers_only: bool = False,
) -> Pool:
    """The pool in ``path``; when there is none, ``build_pool`` makes it of what ``draw`` gives."""
    if not path.is_file():
        logger.info("drawing the pool %s", path.stem)
        build_pool(rng, draw(), facets, copies=copies, headers_only=headers_only).save(path)
    return load_pool(path)


def join(pools: Sequence[Pool]) -> Pool:
    """Several pools with the same facets as one."""
    sizes = np.cumsum([0] + [pool.first[-1] for pool in pools])
    first = [pool.first[:-1] + offset for pool, offset in zip(pools, sizes[:-1], strict=True)]
    return Pool(
        np.concatenate([pool.slices for pool in pools]),
        np.concatenate([*first, sizes[-1:]]),
        np.concatenate([pool.values for pool in pools]),
        {facet: np.concatenate([pool.labels[facet] for pool in pools]) for facet in pools[0].labels},
        np.concatenate([pool.exams for pool in pools]),
        np.concatenate([pool.names for pool in pools]),
        np.concatenate([pool.real for pool in pools]),
    )


def _indices(examples: Sequence[Example], facet: str, names: list[str]) -> NDArray[np.int64]:
    """Class indices; what is none of the classes is OTHER where there is such a class."""
    other = names.index("OTHER") if "OTHER" in names else UNLABELLED
    out = []
    for example in examples:
        value = example.facet(facet)
        out.append(UNLABELLED if value == UNKNOWN else names.index(value) if value in names else other)
    return np.array(out, np.int64)
