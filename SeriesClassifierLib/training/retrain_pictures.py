"""Teach a picture bundle what a site corrected, and let it forget nothing else.

A step sees parts of the site, augmented and with damaged headers, beside simulated series on which the model
must go on saying what the base says, from header, picture and both (Li & Hoiem, 2017, "learning without
forgetting"). The checkpoint that is kept is the best one that has lost no class on simulated series; where
all have, the weights are taken back towards the base until none is lost (Wortsman et al., 2022, "robust
fine-tuning").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SeriesClassifierLib.bundles.bundle import Bundle
from SeriesClassifierLib.errors import BundleError, TrainingError
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.picture_encoder import freeze
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.augment import plain
from SeriesClassifierLib.training.batches import Batches, Mixing
from SeriesClassifierLib.training.calibration import facet_logits, softmax
from SeriesClassifierLib.training.engine import Advance, Schedule, fit, history, mixed_precision
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.joint_bundle import Answers, answers_of, export
from SeriesClassifierLib.training.joint_calibration import OutOfFold, calibrate, enough
from SeriesClassifierLib.training.joint_model import (
    BatchOf,
    Loss,
    encoder_of,
    groups_of,
    header_loss,
    loss_for,
    taught_loss,
)
from SeriesClassifierLib.training.learned import (
    LOST,
    MOST_LOST,
    Learned,
    agreeing,
    recall_lost,
    rounded,
    surely_lost,
)
from SeriesClassifierLib.training.onnx_export import load_weights
from SeriesClassifierLib.training.pool import UNLABELLED, Pool, build_pool, cached_pool
from SeriesClassifierLib.training.simulated_pictures import Draw, header_examples, simulated_examples
from SeriesClassifierLib.training.tasks import RECIPES, TASKS, Task

# What is balanced in batches of the site: all that is known of a part. A facet alone would leave out parts
# that nobody named it of.
KIND = "kind"
_HEADER_BATCH = 128
# Slices of a series that decide when to stop, and that its calibration is found with: all would take long.
_JUDGED_SLICES, _MEASURED_SLICES = 1, 4
_MOST_JUDGED = 100
# As the header is, and damaged: what is right for one may be wrong for the other.
_JUDGED_COPIES = (0, 1)
# Share of the site's headers left as they are: damaged ones look like those of others, who mean other things.
_INTACT = 0.6
# How much of what was learned is tried in turn where all of it makes the model forget.
_SHARES = (0.8, 0.6, 0.4, 0.2)


@dataclass(frozen=True)
class Settings:
    """``copies`` of a header of the site, damaged; a step sees ``local`` pictures of the site and
    ``replayed`` simulated ones; ``keeping`` is what agreeing with the base counts. ``replay`` simulated parts
    and ``headers`` are learned from, ``judges`` decide when to stop, ``held_out`` calibrate and measure.
    """

    steps: int = 100
    rate: float = 2e-4
    replay: int = 800
    headers: int = 4_000
    judges: int = 300
    held_out: int = 600
    copies: int = 8
    replayed: int = 16
    local: int = 16
    keeping: float = 4.0
    evaluate_every: int = 20
    patience: int = 3


def learn(
    base: Bundle,
    train: Sequence[Example],
    validation: Sequence[Example],
    folder: Path,
    seed: int,
    work: Path,
    heard: Callable[[Advance], None],
    settings: Settings | None = None,
) -> Learned:
    """Teach a copy of ``base`` what ``train`` says; write graph and weights to ``folder``.

    ``validation`` (other patients, may be empty) decides when to stop. A run that was stopped goes on in
    ``work``. Raises TrainingError when no part has a picture, BundleError when the base does not fit.
    """
    settings = settings or Settings()
    task = task_of(base)
    shown = [fitted(example, task.side) for example in train if len(example.slices)]
    judged = [fitted(example, task.side) for example in validation if len(example.slices)]
    if not shown:
        raise TrainingError("no labelled part has a readable image: export from a source with its images")
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known, model = (load_model(base).to(device) for _ in range(2))
    simulated = _Simulated.draw(task, seed, settings, work)
    local = build_pool(np.random.default_rng(seed + 3), shown, task.trained, copies=settings.copies)
    left_out = None
    if judged:
        left_out = build_pool(np.random.default_rng(seed + 4), judged, task.trained, copies=1)
    judge = _Judge(task, known, simulated.judges, some(left_out or local, seed))
    if task.fold.frozen_blocks is not None:
        freeze(encoder_of(model), below_block=task.fold.frozen_blocks)
    fit(
        model,
        lambda step: step,
        _Step(task, seed, settings, known, with_kind(local), simulated, device),
        Schedule(
            settings.steps,
            settings.rate,
            evaluate_every=settings.evaluate_every,
            patience=settings.patience,
        ),
        groups=groups_of(model, task.fold),
        evaluate=judge,
        folder=work,
        heard=heard,
    )
    kept = checkpoint(history(work), settings.steps)
    share = take_back(model, known, judge) if kept["score"] < 0 else 1.0
    difference = export(task, model.cpu(), simulated.held_out, folder)
    # What is measured is what was written: large weights are rounded there.
    load_weights(model, folder)
    model.to(device)
    rows = np.arange(len(simulated.held_out))
    measured = replace(task, slices=min(task.slices, _MEASURED_SLICES))
    before, after = (answers_of(measured, module, simulated.held_out, rows) for module in (known, model))
    real = None
    if left_out is not None:
        real = OutOfFold.of(left_out, answers_of(task, model, left_out, np.arange(len(left_out))))
    calibration = calibrate(task.heads, real, OutOfFold.of(simulated.held_out, after))
    return Learned(
        task.heads,
        calibration.temperature["joint"],
        cautious(base, calibration.thresholds, real),
        {
            **calibration.figures,
            LOST: rounded(_lost(task, before, after, simulated.held_out.labels)),
            "corrections": {
                "trained on": _right(task, known, model, local),
                "patients left out": _right(task, known, model, left_out),
            },
            "checkpoint": {**kept, "share": share},
            "largest difference between onnxruntime and torch": difference,
        },
        task.encoder,
        asdict(settings),
        {name: calibration.temperature[name] for name in ("header", "picture")},
    )


def task_of(bundle: Bundle) -> Task:
    """How ``bundle`` was trained: the recipe of its task and encoder, with its own classes and sizes.

    Raises BundleError when it is no picture bundle or of other features.
    """
    name, encoder = str(bundle.description["task"]), str(bundle.description["encoder"])
    if name not in TASKS:
        raise BundleError(f"bundle {bundle.name} is of no task that sees pictures: name another --base")
    if list(bundle.description["features"]) != [feature.name for feature in FEATURES]:
        raise BundleError(f"bundle {bundle.name} was made with other features: retrain from a current one")
    shape = bundle.description["preprocessing"]
    alike = (task for task in RECIPES.values() if task.name == name and task.encoder == encoder)
    task = next(alike, TASKS[name])
    return replace(
        task,
        encoder=encoder,
        heads=bundle.facets,
        side=int(shape["side"]),
        slices=int(shape["slices"]),
        draw=replace(task.draw, side=int(shape["side"])),
    )


def load_model(bundle: Bundle) -> PictureHeaderModel:
    """The model of a picture bundle in torch, in evaluation mode. Raises BundleError when it does not fit."""
    model = task_of(bundle).blank()
    load_weights(model, bundle.folder)
    return model.eval()


@dataclass(frozen=True, eq=False)
class _Simulated:
    """Pools of simulated series: ``replay`` and ``headers`` to learn from, the others to judge by."""

    replay: Pool
    headers: Pool
    judges: Pool
    held_out: Pool

    @staticmethod
    def draw(task: Task, seed: int, settings: Settings, work: Path) -> _Simulated:
        """Drawn once and kept in ``work``."""
        work.mkdir(parents=True, exist_ok=True)

        def drawn(name: str, draw: Draw, parts: int, offset: int, copies: int) -> Pool:
            return cached_pool(
                work / f"{name}-{parts}.npz",
                np.random.default_rng(seed + offset),
                task.trained,
                lambda: simulated_examples(draw, parts, seed + offset),
                copies=copies,
            )

        strange = replace(task.draw, held_out=True, shift=STRANGE)
        few, more = (min(task.slices, slices) for slices in (_JUDGED_SLICES, _MEASURED_SLICES))
        headers = cached_pool(
            work / f"headers-{settings.headers}.npz",
            np.random.default_rng(seed + 70_000),
            task.trained,
            lambda: header_examples(
                np.random.default_rng(seed + 70_000), task.regions, settings.headers, task.side
            ),
            copies=2,
            headers_only=True,
        )
        return _Simulated(
            drawn("replay", task.draw, settings.replay, 40_000, settings.copies),
            headers,
            drawn("judges", replace(strange, slices=few), settings.judges, 50_000, 1),
            drawn("held_out", replace(strange, slices=more), settings.held_out, 60_000, 1),
        )


class _Step:
    """Callable: (model, step) -> the loss of parts of the site, replayed simulated series and headers."""

    def __init__(
        self,
        task: Task,
        seed: int,
        settings: Settings,
        known: PictureHeaderModel,
        local: Pool,
        simulated: _Simulated,
        device: torch.device,
    ) -> None:
        self._known, self._keeping, self._device = known, settings.keeping, device
        weighted = loss_for(simulated.replay, task.sizes, task.shares)
        weights = {facet: weight.to(device) for facet, weight in weighted.weights.items()}
        self._loss = Loss(weights, weighted.shares)
        self._local = _turns(task, local, settings.local, seed + 400, KIND, _INTACT)
        self._replayed = _turns(task, simulated.replay, settings.replayed, seed + 500, "sequence")
        mixing = Mixing(size=_HEADER_BATCH, slices=1, side=task.side, real_share=0.0, tempering=0.5)
        self._headers = Batches(simulated.headers, np.arange(len(simulated.headers)), mixing, seed + 600)

    def __call__(self, model: nn.Module, step: int) -> Tensor:
        local, replayed, headers = (
            batches(step).to(self._device) for batches in (self._local, self._replayed, self._headers)
        )
        base, loss, keeping = [self._known], self._loss, self._keeping
        return (
            # What nobody named of a part stays as it was: who corrects a sequence says nothing of the region.
            taught_loss(model, base, local, loss, told=1.0, keeping=keeping, unlabelled_only=True)
            + taught_loss(model, base, replayed, loss, keeping=keeping)
            + header_loss(model, headers, loss)
        )


class _Judge:
    """Callable: model -> score of a checkpoint: how sure it is of what people said.

    One that has lost more of a class than MOST_LOST is below any that has not, and told by a score below 0.
    """

    def __init__(self, task: Task, known: PictureHeaderModel, judges: Pool, labelled: Pool) -> None:
        self._task = replace(task, slices=min(task.slices, _JUDGED_SLICES))
        self._judges, self._labelled = judges, labelled
        self._truth = np.tile(judges.labels["sequence"], len(_JUDGED_COPIES))
        self._before = self._sequences(known)

    def __call__(self, model: nn.Module) -> float:
        assert isinstance(model, PictureHeaderModel)
        lost = surely_lost(self._before, self._sequences(model), self._truth)
        if lost > MOST_LOST:
            return -lost
        return float(np.mean([self._certainty(model, copy) for copy in _JUDGED_COPIES]))

    def _sequences(self, model: PictureHeaderModel) -> NDArray[np.float32]:
        """Logits of the sequence of every judge, intact and damaged."""
        joint = np.concatenate([self._answers(model, self._judges, copy)[2] for copy in _JUDGED_COPIES])
        return facet_logits(joint, self._task.heads)["sequence"]

    def _answers(self, model: PictureHeaderModel, pool: Pool, copy: int) -> Answers:
        with mixed_precision(model):
            return answers_of(self._task, model, pool, np.arange(len(pool)), copy)

    def _certainty(self, model: PictureHeaderModel, copy: int) -> float:
        """Mean probability of what people named, from all that is there."""
        _, _, joint = self._answers(model, self._labelled, copy)
        found: list[float] = []
        for facet, logits in facet_logits(joint, self._task.heads).items():
            labels = self._labelled.labels[facet]
            rows = np.flatnonzero(labels != UNLABELLED)
            found += softmax(logits[rows])[np.arange(len(rows)), labels[rows]].tolist() if len(rows) else []
        return float(np.mean(found)) if found else 0.0


def _turns(
    task: Task, pool: Pool, pictures: int, seed: int, balance: str, intact_share: float = Mixing.intact_share
) -> BatchOf:
    """Batches of so many ``pictures``, taking turns through the task's slices of a series."""
    turns = [
        Batches(
            pool,
            np.arange(len(pool)),
            Mixing(max(1, pictures // slices), slices, task.side, balance=balance, intact_share=intact_share),
            seed,
        )
        for slices in task.train_slices
    ]
    return lambda step: turns[step % len(turns)](step)


def fitted(example: Example, side: int) -> Example:
    """``example`` with slices of ``side`` pixels: exports may have been made with others."""
    if example.slices.shape[1:] == (side, side):
        return example
    pictures = plain(torch.from_numpy(example.slices).float()[:, None], side)[:, 0]
    return replace(example, slices=pictures.round().clamp(0, 255).to(torch.uint8).numpy())


def with_kind(pool: Pool) -> Pool:
    """``pool`` with one more label: which labels a part has together."""
    together = np.stack(list(pool.labels.values()), axis=1)
    _, kinds = np.unique(together, axis=0, return_inverse=True)
    return replace(pool, labels={**pool.labels, KIND: kinds.reshape(-1).astype(np.int64)})


def some(pool: Pool, seed: int) -> Pool:
    """At most _MOST_JUDGED examples of ``pool``, by chance."""
    chosen = np.random.default_rng(seed).permutation(len(pool))[:_MOST_JUDGED]
    return pool.only(np.sort(chosen))


def take_back(model: nn.Module, known: nn.Module, judge: Callable[[nn.Module], float]) -> float:
    """Move ``model`` towards ``known`` until ``judge`` has nothing against it; returns the share that stays,
    0.0 where the model is ``known`` again.
    """
    start = known.state_dict()
    end = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for share in (*_SHARES, 0.0):
        model.load_state_dict(
            {
                name: torch.lerp(start[name], end[name], share)
                if end[name].is_floating_point()
                else start[name]
                for name in end
            }
        )
        if share and judge(model) >= 0:
            return share
    return 0.0


def _lost(
    task: Task, before: Answers, after: Answers, labels: Mapping[str, NDArray[np.int64]]
) -> dict[str, float]:
    """Sequence class -> recall that the answer from header and picture lost; below 0 where it was won."""
    old, new = (facet_logits(answers[2], task.heads)["sequence"] for answers in (before, after))
    return recall_lost(old, new, labels["sequence"], task.heads["sequence"])


def _right(
    task: Task, known: PictureHeaderModel, model: PictureHeaderModel, pool: Pool | None
) -> dict[str, int]:
    """Of how many parts the old and the new model say all that people said."""
    out = {"parts": len(pool) if pool is not None else 0, "right before": 0, "right after": 0}
    if pool is not None:
        for name, module in (("right before", known), ("right after", model)):
            _, _, joint = answers_of(task, module, pool, np.arange(len(pool)))
            out[name] = agreeing(joint, pool.labels, task.heads)
    return out


def cautious(
    base: Bundle, thresholds: Mapping[str, Mapping[str, Any]], real: OutOfFold | None
) -> dict[str, dict[str, Any]]:
    """``thresholds``, none below that of ``base`` unless enough patients of the site were left out to say so:
    those of the base have held on patients, and simulated series alone make nothing bolder.
    """
    out = {}
    for facet, limits in thresholds.items():
        auto = dict(limits["auto"])
        if real is None or not enough(real.labels[facet][real.labels[facet] != UNLABELLED]):
            before = base.description["thresholds"][facet]["auto"]
            # Of risks that the base was not tested for, none is trusted.
            auto = {risk: max(limit, before.get(risk, 1.0)) for risk, limit in auto.items()}
        out[facet] = {**limits, "auto": auto}
    return out


def checkpoint(rows: Sequence[Mapping[str, float]], steps: int) -> dict[str, float]:
    """Which step was kept, out of how many, its score, and how many lost too much (a score below 0)."""
    kept = max(rows, key=lambda row: row["score"])
    return {
        "step": int(kept["step"]),
        "steps": steps,
        "score": round(kept["score"], 4),
        "given up": sum(row["score"] < 0 for row in rows),
    }
