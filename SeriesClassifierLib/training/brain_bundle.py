"""Make the bundle ``brain``: a random forest on headers and a small network that votes slice by slice.

python -m SeriesClassifierLib.training.brain_bundle --seed 1 --out FOLDER [--real SHARED] [--work DIR]

After Kasmanoff et al. (2022). As in ``joint_bundle``, models without a fourth of the patients give the
answers that the bundle is calibrated on and measured by; the shipped one has seen all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from SeriesClassifierLib.bundles.bundle import CARD, WEIGHTS, Bundle, open_bundle, write_bundle
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.models.forest import Forest
from SeriesClassifierLib.models.site_header_model import ProtocolGate, SiteHeaderModel
from SeriesClassifierLib.models.slice_votes import ForestAndVotes, Pooling, SliceVotes
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.training.batches import Batch, Batches, Mixing, evaluation_batch
from SeriesClassifierLib.training.calibration import facet_logits
from SeriesClassifierLib.training.engine import Schedule, fit
from SeriesClassifierLib.training.folds import by_exam
from SeriesClassifierLib.training.forest import fit_forest, headers_of
from SeriesClassifierLib.training.joint_bundle import (
    CALIBRATED_COPIES,
    Data,
    describe,
    export,
    load_data,
)
from SeriesClassifierLib.training.joint_calibration import OutOfFold, calibrate, temperature_of
from SeriesClassifierLib.training.joint_card import card
from SeriesClassifierLib.training.joint_model import Loss, loss_for
from SeriesClassifierLib.training.onnx_export import load_weights
from SeriesClassifierLib.training.pool import UNLABELLED, Pool
from SeriesClassifierLib.training.tasks import BRAIN, BrainTask

logger = logging.getLogger(__name__)

_EVALUATION_SIZE = 32
_WEIGHTS_TRIED = np.linspace(0, 1, 21)
_FOREST = "forest.safetensors"


def make(task: BrainTask, seed: int, folder: Path, real: Path | None, work: Path) -> Bundle:
    """Make the bundle in ``folder``; ``work`` keeps pools, forests and checkpoints, and a second call goes on
    there.

    ``real`` is a folder as ``real_series.real_examples`` reads it; without it only simulated series train.
    """
    started = time.monotonic()
    data = load_data(task, seed, real, work)
    start = train_network(task, seed, data, work / "base")
    made = _make(task, seed, data, start, folder, work)
    logger.info("made the bundle %s in %.0f s", task.name, time.monotonic() - started)
    return made


def train_network(task: BrainTask, seed: int, data: Data, folder: Path) -> SliceVotes:
    """The network on simulated slices alone: what all folds start from has seen no patient."""
    torch.manual_seed(seed)
    rows = np.flatnonzero(~data.train.real)
    return _trained(task, task.network(), data, rows, task.base, task.base_side, seed, folder)


def tune_network(
    task: BrainTask, seed: int, data: Data, start: SliceVotes, rows: NDArray[np.int64], folder: Path
) -> SliceVotes:
    """``start`` (unchanged), trained on with the examples ``rows``, real ones among them."""
    torch.manual_seed(seed)
    model = task.network()
    model.load_state_dict(start.state_dict())
    return _trained(task, model, data, rows, task.tuned, task.side, seed, folder)


def grow_forest(task: BrainTask, seed: int, pools: Sequence[Pool], folder: Path) -> Forest:
    """The forest of the headers of ``pools``; read again from ``folder`` when it is there."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = folder / _FOREST
    recipe = json.dumps([asdict(task.trees), seed, *map(_digest, pools)], sort_keys=True)
    if path.is_file():
        with safe_open(path, framework="pt") as file:
            same = file.metadata() == {"recipe": recipe}
        if same:
            return _forest(task, load_file(path))
    started = time.monotonic()
    forest = fit_forest(pools, task.trained, task.trees, seed=seed)
    logger.info("grew %d trees in %.0f s", task.trees.number, time.monotonic() - started)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        save_file(forest.state_dict(), draft, metadata={"recipe": recipe})
    return forest


def load_model(task: BrainTask, folder: Path) -> ForestAndVotes:
    """The model of a bundle, to look at or to train on. Raises BundleError when it is of another task."""
    from safetensors.torch import load_file

    if open_bundle(folder).description["task"] != task.name:
        raise BundleError(f"{folder.name} is no bundle of the task {task.name}: name one that is")
    forest = _header(task, _below("forest.", load_file(folder / WEIGHTS)))
    model = ForestAndVotes(forest, task.network(), Pooling(task.sizes))
    load_weights(model, folder)
    return model.eval()


def _header(task: BrainTask, tables: Mapping[str, Tensor]) -> Forest | SiteHeaderModel:
    """A forest, or what a site made of one: beside its base one more forest for corrected protocols."""
    base = _below("base.", tables)
    if not base:
        return _forest(task, tables)
    gate = ProtocolGate.blank(len(tables["gate.prototypes"]))
    return SiteHeaderModel(_header(task, base), _forest(task, _below("adapted.", tables)), gate)


def _below(prefix: str, tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: table for name, table in tables.items() if name.startswith(prefix)}


def _forest(task: BrainTask, tables: Mapping[str, Tensor]) -> Forest:
    forest = Forest(
        task.sizes,
        trees=len(tables["roots"]),
        inner=len(tables["feature"]),
        leaves=len(tables["votes"]),
        depth=task.trees.depth,
    )
    forest.load_state_dict(dict(tables))
    return forest.eval()


def _trained(
    task: BrainTask,
    model: SliceVotes,
    data: Data,
    rows: NDArray[np.int64],
    schedule: Schedule,
    side: int,
    seed: int,
    folder: Path,
) -> SliceVotes:
    real_share = task.real_share if bool(data.train.real[rows].any()) else 0.0
    mixing = Mixing(size=task.batch, slices=1, side=side, real_share=real_share)
    loss = loss_for(data.train, task.sizes, task.shares)
    fit(model, Batches(data.train, rows, mixing, seed), _loss(loss), schedule, folder=folder)
    return model


def _loss(loss: Loss) -> Any:
    def of_slices(model: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(model, SliceVotes)
        return loss.of(model.facets, model(batch.pictures, batch.mask), batch.labels)

    return of_slices


@dataclass(frozen=True, eq=False)
class _Fold:
    """A model without some exams: what it says of them (None: there are none) and of strange scanners."""

    forest: Forest
    votes: SliceVotes
    exams: Sequence[str]
    left_out: OutOfFold | None
    strange: OutOfFold


def _make(task: BrainTask, seed: int, data: Data, start: SliceVotes, folder: Path, work: Path) -> Bundle:
    """Models of folds, their bundles in ``work``, and the bundle in ``folder``."""
    number = by_exam(data.train.exams.tolist(), task.folds)
    everything = np.arange(len(data.train))
    folds = [
        _fold(task, seed + 100 + k, data, start, everything[number != k], work / f"fold{k}")
        for k in range(task.folds)
    ]
    for k, one in enumerate(folds):
        others = OutOfFold.join([other.left_out for other in folds if other is not one])
        _write(task, seed, data, one, others, work / f"fold{k}" / "bundle", left_out=list(one.exams))
    shipped = _fold(task, seed + 200, data, start, everything, work / "all")
    return _write(task, seed, data, shipped, OutOfFold.join([one.left_out for one in folds]), folder)


def _fold(
    task: BrainTask, seed: int, data: Data, start: SliceVotes, rows: NDArray[np.int64], folder: Path
) -> _Fold:
    forest = grow_forest(task, seed, [data.headers, headers_of(data.train).only(rows)], folder)
    votes = tune_network(task, seed, data, start, rows, folder / "network")
    others = data.train.real.copy()
    others[rows] = False
    unseen = data.train.only(np.flatnonzero(others))
    return _Fold(
        forest,
        votes,
        sorted(set(unseen.exams.tolist())),
        _answered(task, forest, votes, unseen) if len(unseen) else None,
        _answered(task, forest, votes, data.held_out),
    )


def _answered(task: BrainTask, forest: Forest, votes: SliceVotes, pool: Pool) -> OutOfFold:
    """What header and picture alone say of every example, intact and damaged; ``joint`` is not there yet."""
    said = []
    with torch.inference_mode():
        for first in range(0, len(pool), _EVALUATION_SIZE):
            rows = np.arange(first, min(len(pool), first + _EVALUATION_SIZE))
            batch = evaluation_batch(pool, rows, task.slices, task.side)
            said.append(votes(batch.pictures, batch.mask))
        picture = torch.cat(said).numpy()
        found = []
        for copy in CALIBRATED_COPIES:
            batch = evaluation_batch(headers_of(pool), np.arange(len(pool)), 1, task.side, copy)
            header = forest(batch.values, batch.observed).numpy()
            found.append(OutOfFold.of(pool, (header, picture, picture)))
    together = OutOfFold.join(found)
    assert together is not None
    return together


def pooling_for(heads: Mapping[str, Sequence[str]], real: OutOfFold | None, strange: OutOfFold) -> Pooling:
    """How header and picture are weighted: each calibrated, and the picture by the weight with the lowest
    negative log likelihood on simulated series of strange scanners, intact and damaged.
    """
    pooling = Pooling({facet: len(names) for facet, names in heads.items()})
    found = {name: facet_logits(strange.logits[name], heads) for name in ("header", "picture")}
    for row, facet in enumerate(heads):
        temperatures = [temperature_of(heads, facet, name, real, strange) for name in found]
        pooling.temperature[row] = torch.tensor(temperatures)
        known = strange.labels[facet] != UNLABELLED
        labels = torch.from_numpy(strange.labels[facet][known])
        if not len(labels):
            continue
        header, picture = (
            (torch.from_numpy(found[name][facet][known]) / temperature).log_softmax(-1)
            for name, temperature in zip(found, temperatures, strict=True)
        )
        losses = [float(cross_entropy(header + weight * picture, labels)) for weight in _WEIGHTS_TRIED]
        pooling.weight[row] = float(_WEIGHTS_TRIED[int(np.argmin(losses))])
    return pooling


def _with_joint(pooling: Pooling, found: OutOfFold | None) -> OutOfFold | None:
    """The answers with what ``pooling`` makes of them as ``joint``."""
    if found is None:
        return None
    header, picture = (torch.from_numpy(found.logits[name]) for name in ("header", "picture"))
    joint = pooling(header, picture, torch.ones(len(header), dtype=torch.bool)).numpy()
    return replace(found, logits={**found.logits, "joint": joint})


def _write(
    task: BrainTask,
    seed: int,
    data: Data,
    fold: _Fold,
    real: OutOfFold | None,
    folder: Path,
    **training: Any,
) -> Bundle:
    """The bundle of ``fold``, calibrated on ``real`` (answers of models that had not seen the patients) and
    on what it says of strange scanners.
    """
    import sklearn

    pooling = pooling_for(task.heads, real, fold.strange)
    strange = _with_joint(pooling, fold.strange)
    assert strange is not None
    calibration = calibrate(task.heads, _with_joint(pooling, real), strange)
    model = ForestAndVotes(fold.forest, fold.votes, pooling).eval()
    folder.mkdir(parents=True, exist_ok=True)
    difference = export(task, model, data.held_out, folder)
    description = dict(describe(task, seed, data, calibration, difference))
    weights = dict(zip(task.heads, (round(float(w), 2) for w in pooling.weight), strict=True))
    description["training"] = {**description["training"], "weight of the picture": weights, **training}
    description["versions"] = {**description["versions"], "scikit-learn": sklearn.__version__}
    (folder / CARD).write_text(card(description), encoding="utf-8")
    return write_bundle(folder, description)


def _digest(pool: Pool) -> str:
    """Tells examples from others: what is kept of them is theirs alone."""
    digest = hashlib.sha256()
    for array in (pool.slices, pool.values, *(pool.labels[name] for name in sorted(pool.labels))):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="folder with labelled real series")
    parser.add_argument("--work", type=Path, help="pools and checkpoints (default: OUT-work)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    work = arguments.work or arguments.out.with_name(arguments.out.name + "-work")
    make(BRAIN, arguments.seed, arguments.out, arguments.real, work)


if __name__ == "__main__":
    main()
