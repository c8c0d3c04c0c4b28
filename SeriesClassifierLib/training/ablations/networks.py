"""The deep rows: how a network of an ablation is trained, and what it answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SeriesClassifierLib.models.header_model import HeaderModel
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.picture_encoder import PictureEncoder, freeze, unfreeze
from SeriesClassifierLib.training.ablations.bench import (
    DAMAGED,
    Answers,
    Bench,
    Probabilities,
    first_trained_block,
)
from SeriesClassifierLib.training.ablations.plans import Plan
from SeriesClassifierLib.training.batches import Batch
from SeriesClassifierLib.training.engine import fit, grouped
from SeriesClassifierLib.training.headers_bundle import predict as predict_headers
from SeriesClassifierLib.training.joint_model import encoder_of, predict, split_facets
from SeriesClassifierLib.training.pool import Pool
from SeriesClassifierLib.training.simulated_headers import IS_BINARY

Build = Callable[[PictureEncoder, Bench], PictureHeaderModel]


def deep(
    build: Build, *, encoder: str | None = None, frozen: Callable[[Plan], bool] = lambda plan: False
) -> Callable[[Bench], Answers]:
    """A row that trains the model that ``build`` makes of the shared encoder (None: the plan's)."""

    def run(bench: Bench) -> Answers:
        shared = bench.encoder(encoder or bench.plan.encoder)
        torch.manual_seed(bench.seed)
        model = build(shared, bench)
        _train(bench, model, frozen=frozen(bench.plan))
        side = bench.plan.side_of(shared.spec.name)

        def of(pool: Pool) -> Probabilities:
            rows = np.arange(len(pool))
            *_, both = predict(model, pool, rows, slices=bench.plan.slices, side=side, copy=DAMAGED)
            return _probabilities(bench, both)

        return Answers(of(bench.validation), of(bench.test))

    return run


def _train(bench: Bench, model: PictureHeaderModel, *, frozen: bool) -> None:
    """Headers alone, then the heads above a frozen encoder, then everything (unless ``frozen``)."""
    plan, steps, loss, encoder = bench.plan, bench.plan.steps, bench.loss, encoder_of(model)
    batches = bench.batches(plan.batch, plan.slices, plan.side_of(encoder.spec.name))
    headers = bench.headers()
    fused = "header" in dict(model.named_children())

    def of_headers(module: nn.Module, step: int) -> Tensor:
        return loss.joint(module, headers(step))

    def of_all(module: nn.Module, step: int) -> Tensor:
        if not fused:
            return loss.joint(module, batches(step))
        return loss(module, batches(step)) + of_headers(module, step)

    def run(loss_of: Callable[[nn.Module, int], Tensor], number: int, rate: float) -> None:
        groups = grouped(model, [(encoder, steps.encoder_factor)])
        fit(model, lambda step: step, loss_of, bench.schedule(number, rate), groups=groups)

    freeze(encoder)
    if fused:
        run(of_headers, plan.header, steps.heads_rate)
    run(of_all, steps.heads + (steps.everything if frozen else 0), steps.heads_rate)
    if frozen:
        return
    unfreeze(encoder)
    if not plan.is_random(encoder.spec.name):
        freeze(encoder, below_block=first_trained_block(encoder))
    run(of_all, steps.everything, steps.rate)


def header_alone(bench: Bench) -> Answers:
    """The header branch of joint fusion with heads of its own, on the headers of the training parts."""
    plan, loss, sizes = bench.plan, bench.loss, bench.task.sizes
    torch.manual_seed(bench.seed)
    model = HeaderModel(IS_BINARY, sizes, members=1)

    def of_headers(module: nn.Module, batch: Batch) -> Tensor:
        return loss.of(sizes, module(batch.values, batch.observed), batch.labels)

    schedule = bench.schedule(plan.header + plan.steps.everything, plan.steps.heads_rate)
    fit(model, bench.headers(), of_headers, schedule)

    def of(pool: Pool) -> Probabilities:
        return _probabilities(bench, predict_headers(model, pool.values[:, DAMAGED]))

    return Answers(of(bench.validation), of(bench.test))


def _probabilities(bench: Bench, logits: NDArray[np.float32]) -> Probabilities:
    parts = split_facets(bench.task.sizes, torch.from_numpy(logits).double())
    return {facet: parts[facet].softmax(-1).numpy() for facet in bench.measured}
