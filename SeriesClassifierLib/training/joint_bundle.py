"""Make a picture bundle: draw, train, cross-validate by patient, distill, calibrate, export, describe.

python -m SeriesClassifierLib.training.joint_bundle --task prostate --seed 1 --out FOLDER [--real SHARED]

Without --out only the models of cross-validation are made, in --work: for the spread of figures over seeds.

Four models, each without a fourth of the patients, give honest answers for every real exam (the one it was
left out of) and for calibration; the shipped model is a student of the four.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from SeriesClassifierLib.bundles.bundle import CARD, open_bundle, write_bundle
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.series_model import PictureModel2D
from SeriesClassifierLib.models.slice_votes import ForestAndVotes
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.batches import Batches, Mixing, evaluation_batch
from SeriesClassifierLib.training.engine import Schedule, fit
from SeriesClassifierLib.training.folds import by_exam
from SeriesClassifierLib.training.joint_calibration import (
    Calibration,
    OutOfFold,
    balanced_accuracy,
    calibrate,
)
from SeriesClassifierLib.training.joint_card import card
from SeriesClassifierLib.training.joint_model import (
    BatchOf,
    Loss,
    distill,
    encoder_of,
    ensemble,
    loss_for,
    predict,
    two_steps,
)
from SeriesClassifierLib.training.onnx_export import export_model, load_weights, parity
from SeriesClassifierLib.training.pool import UNLABELLED, Pool, build_pool, cached_pool, join
from SeriesClassifierLib.training.real_series import real_examples
from SeriesClassifierLib.training.simulated_pictures import header_examples, simulated_examples
from SeriesClassifierLib.training.tasks import RECIPES, PictureTask, Task

logger = logging.getLogger(__name__)

_HEADER_BATCH = 256
COPIES = 4
# Copies of one series are not independent: one intact and one damaged are enough to calibrate on.
CALIBRATED_COPIES = (0, 1)


@dataclass(frozen=True, eq=False)
class Data:
    """What a bundle is made of: pictures to train on, headers without pictures, strange ones held out."""

    train: Pool
    headers: Pool
    held_out: Pool
    sources: Sequence[Mapping[str, Any]] = ()


def make(task: Task, seed: int, folder: Path | None, real: Path | None, work: Path) -> None:
    """Make the bundle in ``folder``; ``work`` keeps pools and checkpoints, and a second call goes on there.

    ``real`` is a folder as ``real_series.real_examples`` reads it; without it only simulated series train.
    Without ``folder`` only the models of cross-validation are made.
    """
    started = time.monotonic()
    data = load_data(task, seed, real, work)
    loss = loss_for(data.train, task.sizes, task.shares)
    base = train_base(task, seed, data, loss, work / "base")
    teachers = [
        train_fold(task, seed, data, loss, base, fold, work / f"fold{fold}") for fold in range(task.folds)
    ]
    left_out = [out_of_fold(task, data, teacher, fold) for fold, teacher in enumerate(teachers)]
    rows = np.arange(len(data.held_out))
    strange = [answers_of(task, teacher, data.held_out, rows) for teacher in teachers]
    for fold, teacher in enumerate(teachers):
        write_fold(task, seed, data, left_out, fold, teacher, strange[fold], work / f"fold{fold}" / "bundle")
    if folder is None:
        return
    student = train_student(task, seed, data, loss, base, teachers, work / "student")
    together = OutOfFold.of(data.held_out, ensemble(task.sizes, strange))
    own = answers_of(task, student, data.held_out, rows)
    _write(task, seed, data, student, OutOfFold.join(left_out), own, folder, together)
    logger.info("made the bundle %s in %.0f s", task.name, time.monotonic() - started)


def load_data(task: PictureTask, seed: int, real: Path | None, work: Path) -> Data:
    """Draw (or read again from ``work``) what is simulated, and read what is real.

    Every pool has random numbers of its own: one that is read again changes nothing for the others.
    """
    work.mkdir(parents=True, exist_ok=True)
    train = cached_pool(
        work / "train.npz",
        np.random.default_rng(seed),
        task.trained,
        lambda: simulated_examples(task.draw, task.parts, seed),
        copies=COPIES,
    )
    strange = replace(task.draw, held_out=True, shift=STRANGE, slices=task.slices)
    held_out = cached_pool(
        work / "held_out.npz",
        np.random.default_rng(seed + 10_000),
        task.trained,
        lambda: simulated_examples(strange, task.held_out, seed + 10_000),
        copies=COPIES,
    )
    headers = cached_pool(
        work / "headers.npz",
        np.random.default_rng(seed + 20_000),
        task.trained,
        lambda: header_examples(np.random.default_rng(seed + 20_000), task.regions, task.headers, task.side),
        copies=2,
        headers_only=True,
    )
    if real is None:
        return Data(train, headers, held_out)
    examples = real_examples(real, slices=10, side=task.side)
    rng = np.random.default_rng(seed + 30_000)
    train = join([train, build_pool(rng, examples, task.trained, copies=COPIES)])
    counts = Counter((example.source, example.licence) for example in examples)
    sources = [{"source": s, "licence": licence, "parts": n} for (s, licence), n in sorted(counts.items())]
    return Data(train, headers, held_out, sources)


def train_base(task: Task, seed: int, data: Data, loss: Loss, folder: Path) -> PictureHeaderModel:
    """All steps on simulated series alone: what all folds start from has seen no patient."""
    torch.manual_seed(seed)
    rows = np.flatnonzero(~data.train.real)
    model = task.model()
    if task.pretraining is not None:
        first = task.pretraining
        mixing = Mixing(size=first.size, slices=1, side=first.side, real_share=0.0)
        fit(
            PictureModel2D(encoder_of(model), task.sizes),
            Batches(data.train, rows, mixing, seed + 300),
            loss.joint,
            Schedule(first.steps, first.rate),
            folder=folder / "slices",
        )
    return two_steps(
        model,
        _batches(task, data.train, rows, seed),
        _header_batches(task, data, seed),
        loss,
        task.base,
        evaluate=lambda module: _score(task, module, data.held_out),
        folder=folder,
    )


def train_fold(
    task: Task, seed: int, data: Data, loss: Loss, base: PictureHeaderModel, fold: int, folder: Path
) -> PictureHeaderModel:
    """The model that has not seen the patients of ``fold``."""
    torch.manual_seed(seed + fold)
    model = _copy(task, base)
    rows = np.flatnonzero(by_exam(data.train.exams.tolist(), task.folds) != fold)
    return two_steps(
        model,
        _batches(task, data.train, rows, seed + 100 + fold),
        _header_batches(task, data, seed + 100 + fold),
        loss,
        task.fold,
        folder=folder,
    )


def train_student(
    task: Task,
    seed: int,
    data: Data,
    loss: Loss,
    base: PictureHeaderModel,
    teachers: Sequence[PictureHeaderModel],
    folder: Path,
) -> PictureHeaderModel:
    """The shipped model: it learns the mean of the four, on all patients."""
    torch.manual_seed(seed + 50)
    rows = np.arange(len(data.train))
    return distill(
        _copy(task, base),
        teachers,
        _batches(task, data.train, rows, seed + 200),
        _header_batches(task, data, seed + 200),
        loss,
        task.student,
        folder=folder,
    )


Answers = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def answers_of(
    task: PictureTask,
    model: PictureHeaderModel | ForestAndVotes,
    pool: Pool,
    rows: NDArray[np.int64],
    copy: int = 0,
) -> Answers:
    """Logits of the header alone, the picture alone, and both, for ``rows`` of ``pool``."""
    return predict(model, pool, rows, slices=task.slices, side=task.side, copy=copy)


def out_of_fold(task: Task, data: Data, teacher: PictureHeaderModel, fold: int) -> OutOfFold | None:
    """Every real example of ``fold``, intact and damaged, answered by the model that has not seen its
    patient; None where there is none.
    """
    folds = by_exam(data.train.exams.tolist(), task.folds)
    rows = np.flatnonzero(data.train.real & (folds == fold))
    if not len(rows):
        return None
    part = data.train.only(rows)
    return OutOfFold.join(
        [OutOfFold.of(part, answers_of(task, teacher, data.train, rows, copy)) for copy in CALIBRATED_COPIES]
    )


def write_fold(
    task: Task,
    seed: int,
    data: Data,
    left_out: Sequence[OutOfFold | None],
    fold: int,
    teacher: PictureHeaderModel,
    strange: Answers,
    folder: Path,
) -> None:
    """The model of one fold as a bundle of its own: what ``Testing/benchmarks/real.py`` measures.

    It is calibrated on the other folds of ``left_out``, so nothing in it comes from the exams that it names
    as left out. ``strange`` is what it says of the examples held out.
    """
    others = OutOfFold.join([found for number, found in enumerate(left_out) if number != fold])
    own = left_out[fold]
    exams = sorted(set(own.exams.tolist())) if own is not None else []
    _write(task, seed, data, teacher, others, strange, folder, left_out=exams)


def _write(
    task: Task,
    seed: int,
    data: Data,
    model: PictureHeaderModel,
    real: OutOfFold | None,
    strange: Answers,
    folder: Path,
    together: OutOfFold | None = None,
    **training: Any,
) -> None:
    """The bundle of ``model``, calibrated on ``real`` and on what it says of the strange examples held out.

    ``training`` is told in ``bundle.json`` besides what it tells of every training.
    """
    calibration = calibrate(task.heads, real, OutOfFold.of(data.held_out, strange), together)
    folder.mkdir(parents=True, exist_ok=True)
    difference = export(task, model, data.held_out, folder)
    description = dict(describe(task, seed, data, calibration, difference))
    description["training"] = {**description["training"], **training}
    (folder / CARD).write_text(card(description), encoding="utf-8")
    write_bundle(folder, description)


def load_teacher(task: Task, work: Path, fold: int) -> PictureHeaderModel:
    """The model of a fold as ``write_fold`` left it below ``work``; BundleError when it is not there."""
    model = task.model()
    load_weights(model, work / f"fold{fold}" / "bundle")
    return model.eval()


def left_out_of(work: Path, fold: int) -> frozenset[str]:
    """The real exams that the model of a fold has not seen."""
    bundle = open_bundle(work / f"fold{fold}" / "bundle", verify=False)
    return frozenset(bundle.description["training"]["left_out"])


def export(task: PictureTask, model: nn.Module, sample: Pool, folder: Path) -> float:
    """Write graph and weights; returns the largest difference of a probability to torch's."""
    model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    rows = np.arange(min(3, len(sample)))
    batch = evaluation_batch(sample, rows, task.slices, task.side)
    inputs = {
        "slices": batch.pictures[:1],
        "slice_mask": batch.mask[:1],
        "values": batch.values[:1],
        "observed": batch.observed[:1],
    }
    dynamic = {"slices": {1: "slices"}, "slice_mask": {1: "slices"}} if task.slices > 1 else {}
    export_model(model, inputs, ("header", "picture", "joint"), folder, dynamic=dynamic, call="answers")
    return parity(model, folder, inputs, call="answers")


def describe(
    task: PictureTask, seed: int, data: Data, calibration: Calibration, difference: float
) -> Mapping[str, Any]:
    """The content of ``bundle.json``, without checksums."""
    real = data.train.only(np.flatnonzero(data.train.real))
    simulated = len(data.train) - len(real)
    sources = f"{simulated} simulated parts, {len(data.headers)} simulated headers"
    if len(real):
        sources += f"; {len(real)} real parts of {len(set(real.exams.tolist()))} exams (see the card)"
    return {
        "name": task.name,
        "version": task.version,
        "task": task.name,
        "encoder": task.encoder,
        "heads": [{"facet": facet, "classes": list(names)} for facet, names in task.heads.items()],
        "features": [feature.name for feature in FEATURES],
        "preprocessing": {"side": task.side, "slices": task.slices, "absent": "not observed; never imputed"},
        "scope": {"regions": list(task.regions)},
        "temperature": calibration.temperature["joint"],
        "temperature_alone": {name: calibration.temperature[name] for name in ("header", "picture")},
        "thresholds": calibration.thresholds,
        "training": {
            "data": sources,
            "licence": "Apache-2.0",
            "seed": seed,
            "recipe": recipe_of(task),
            "sources": list(data.sources),
        },
        "figures": {**calibration.figures, "largest difference between onnxruntime and torch": difference},
        "versions": {"torch": torch.__version__.split("+")[0], "numpy": np.__version__},
    }


def recipe_of(task: PictureTask) -> Mapping[str, Any]:
    """All that ``task`` settles, as JSON: a bundle tells it, so that nobody ships one of another recipe."""
    recipe: Mapping[str, Any] = json.loads(json.dumps(asdict(task)))
    return recipe


def _batches(task: Task, pool: Pool, rows: NDArray[np.int64], seed: int) -> BatchOf:
    real_share = task.real_share if bool(pool.real[rows].any()) else 0.0
    turns = [
        Batches(
            pool,
            rows,
            Mixing(size=task.batch // slices, slices=slices, side=task.side, real_share=real_share),
            seed,
        )
        for slices in task.train_slices
    ]
    return lambda step: turns[step % len(turns)](step)


def _header_batches(task: Task, data: Data, seed: int) -> Batches:
    mixing = Mixing(size=_HEADER_BATCH, slices=1, side=task.side, real_share=0.0, tempering=0.5)
    return Batches(data.headers, np.arange(len(data.headers)), mixing, seed)


def _copy(task: Task, base: PictureHeaderModel) -> PictureHeaderModel:
    model = task.model()
    model.load_state_dict(base.state_dict())
    return model


def _score(task: Task, module: nn.Module, pool: Pool) -> float:
    """Balanced accuracy on damaged headers of held-out anatomies, mean of picture alone and both."""
    assert isinstance(module, PictureHeaderModel)
    rows = np.arange(0, len(pool), 4)
    _, picture, joint = answers_of(task, module, pool, rows, copy=1)
    size = task.sizes["sequence"]
    labels = pool.labels["sequence"][rows]
    known = labels != UNLABELLED
    answers = [logits[known, :size].argmax(1) for logits in (picture, joint)]
    return float(np.mean([balanced_accuracy(answer, labels[known]) for answer in answers]))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=sorted(RECIPES), required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--real", type=Path, help="folder with labelled real series")
    parser.add_argument("--work", type=Path, help="pools and checkpoints (default: OUT-work)")
    arguments = parser.parse_args()
    if arguments.out is None and arguments.work is None:
        parser.error("name --out, --work or both")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    work = arguments.work or arguments.out.with_name(arguments.out.name + "-work")
    make(RECIPES[arguments.task], arguments.seed, arguments.out, arguments.real, work)


if __name__ == "__main__":
    main()
