"""What the rows of one seed share: pools, loss, batches, trained encoders, and earlier answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from SeriesClassifierLib.models.encoders import build_encoder
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.picture_encoder import PictureEncoder, freeze, unfreeze
from SeriesClassifierLib.models.series_model import PictureModel2D, PictureModel3D
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.training.ablations.plans import ENCODER_3D, Plan
from SeriesClassifierLib.training.batches import Batches, Mixing
from SeriesClassifierLib.training.engine import Schedule, fit, grouped
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.joint_model import Loss, loss_for
from SeriesClassifierLib.training.pool import Pool, cached_pool, join
from SeriesClassifierLib.training.simulated_pictures import (
    header_examples,
    simulated_examples,
    study_examples,
)
from SeriesClassifierLib.training.tasks import TASKS, Task

logger = logging.getLogger(__name__)

Probabilities = Mapping[str, NDArray[np.float64]]

# Copy 0 of a header is intact, copy 1 is the damaged one that every row is measured on.
DAMAGED = 1
_MEASURED = ("sequence", "phase", "plane")
_HEADER_BATCH = 256
# The pools and the seeds of what is drawn, far from those of the bundles and from each other.
_POOLS = {"train": 300_000, "validation": 400_000, "test": 500_000, "headers": 600_000}


@dataclass(frozen=True, eq=False)
class Answers:
    """What a row says: facet -> (N, classes), for the validation and for the test studies."""

    validation: Probabilities
    test: Probabilities
    notes: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the probabilities as one npz file."""
        arrays = {f"validation/{facet}": said for facet, said in self.validation.items()}
        arrays |= {f"test/{facet}": said for facet, said in self.test.items()}
        with replacing(path) as draft, draft.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]


def load_answers(path: Path) -> Answers:
    """Read what ``Answers.save`` wrote."""
    found: dict[str, dict[str, NDArray[np.float64]]] = {"validation": {}, "test": {}}
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:
            studies, facet = name.split("/")
            found[studies][facet] = arrays[name]
    return Answers(**found)


@dataclass(frozen=True, eq=False)
class Bench:
    """One seed: its pools and the folder where rows leave what other rows need."""

    plan: Plan
    seed: int
    folder: Path
    train: Pool
    validation: Pool
    test: Pool
    bare: Pool

    @property
    def task(self) -> Task:
        """The task with its facets."""
        return TASKS[self.plan.task]

    @property
    def measured(self) -> tuple[str, ...]:
        """The facets that are measured."""
        return tuple(facet for facet in _MEASURED if facet in self.task.heads)

    @property
    def loss(self) -> Loss:
        """The loss of every deep row."""
        return loss_for(self.train, self.task.sizes, self.task.shares)

    def batches(self, size: int, slices: int, side: int) -> Batches:
        """Training parts with their pictures; every row that asks alike gets the same."""
        mixing = Mixing(size=size, slices=slices, side=side, real_share=0.0)
        return Batches(self.train, np.arange(len(self.train)), mixing, self.seed)

    def headers(self) -> Batches:
        """All headers to train on, without pictures."""
        mixing = Mixing(size=_HEADER_BATCH, slices=1, side=1, real_share=0.0, tempering=0.5)
        return Batches(self.all_headers, np.arange(len(self.all_headers)), mixing, self.seed)

    @property
    def all_headers(self) -> Pool:
        """The headers of the training parts and those that were drawn without pictures."""
        nothing = np.zeros((0, *self.bare.slices.shape[1:]), np.uint8)
        of_parts = replace(self.train, slices=nothing, first=np.zeros_like(self.train.first))
        return join([of_parts, self.bare])

    def schedule(self, steps: int, rate: float) -> Schedule:
        """``steps`` with the learning rate ``rate``."""
        return Schedule(steps, rate, evaluate_every=self.plan.steps.evaluate_every)

    def encoder(self, name: str) -> PictureEncoder:
        """What rows start from: published weights, or those trained once for this seed."""
        from safetensors.torch import load_file, save_file

        random, side = self.plan.is_random(name), self.plan.side_of(name)
        encoder = build_encoder(name, random=random, side=side)
        if not random and not self.plan.pretraining:
            return encoder
        path = self.folder / f"encoder-{name}.safetensors"
        if not path.is_file():
            state = self._trained_encoder(name, side).state_dict()
            with replacing(path) as draft:
                save_file({key: tensor.contiguous() for key, tensor in state.items()}, draft)
        encoder.load_state_dict(load_file(path))
        return encoder

    def _trained_encoder(self, name: str, side: int) -> PictureEncoder:
        """An encoder trained as a plain classifier of slices, or of stacks."""
        plan, loss = self.plan, self.loss
        logger.info("seed %d: training the encoder %s, once for all rows", self.seed, name)
        torch.manual_seed(self.seed)
        encoder = build_encoder(name, random=plan.is_random(name), side=side)
        # As many slices a step as a row has; a 2D encoder learns more from slices of different parts.
        size, slices = (plan.batch, plan.slices) if name == ENCODER_3D else (plan.batch * plan.slices, 1)
        schedule = self.schedule(plan.pretraining, plan.steps.rate)
        model = picture_model(encoder, self)
        groups = None
        if not plan.is_random(name):
            freeze(encoder, below_block=first_trained_block(encoder))
            groups = grouped(model, [(encoder, plan.steps.encoder_factor)])
        fit(model, self.batches(size, slices, side), loss.joint, schedule, groups=groups)
        unfreeze(encoder)
        return encoder

    def answers_of(self, row: str) -> Answers:
        """What a row that is done said."""
        return load_answers(self.folder / f"{row}.npz")


def picture_model(encoder: PictureEncoder, bench: Bench) -> PictureHeaderModel:
    """The plain classifier of pictures above ``encoder``."""
    if encoder.spec.name == ENCODER_3D:
        return PictureModel3D(encoder, bench.task.sizes, depth=bench.plan.slices)
    return PictureModel2D(encoder, bench.task.sizes)


def first_trained_block(encoder: PictureEncoder) -> int:
    """Of published weights the lower two thirds of the blocks stay as they are (methods.md section 1)."""
    return round((len(encoder.stages()) - 2) * 2 / 3)


def has_pools(pools: Path) -> bool:
    """Whether ``open_bench`` has nothing to draw."""
    return all((pools / f"{name}.npz").is_file() for name in _POOLS)


def open_bench(plan: Plan, seed: int, pools: Path, folder: Path, jobs: int) -> Bench:
    """The bench of ``seed`` with results in ``folder``; what is not in ``pools`` yet is drawn and kept there.

    ``jobs`` processes draw (0: one a core).
    """
    task = TASKS[plan.task]
    for place in (pools, folder):
        place.mkdir(parents=True, exist_ok=True)

    def examples(name: str) -> list[Example]:
        first = _POOLS[name] + seed
        if name == "train":
            draw = replace(task.draw, side=plan.side, slices=plan.slices + 1)
            return simulated_examples(draw, plan.parts, first, jobs=jobs)
        return study_examples(
            plan.task,
            plan.studies if name == "test" else plan.validation,
            first,
            slices=plan.slices,
            side=plan.side,
            held_out=name == "test",
            most=plan.most,
            jobs=jobs,
        )

    def pool(name: str) -> Pool:
        rng = np.random.default_rng(_POOLS[name] + seed)
        copies = 4 if name == "train" else 1
        return cached_pool(pools / f"{name}.npz", rng, task.trained, lambda: examples(name), copies=copies)

    bare = cached_pool(
        pools / "headers.npz",
        np.random.default_rng(_POOLS["headers"] + seed),
        task.trained,
        lambda: header_examples(
            np.random.default_rng(_POOLS["headers"] + seed), task.regions, plan.headers, plan.side
        ),
        headers_only=True,
    )
    return Bench(plan, seed, folder, pool("train"), pool("validation"), pool("test"), bare)
