"""Train a model of picture and header: two-step fine-tuning, three outputs in every step, folds, a student.

Every step asks for all three answers (header alone, picture alone, both), which is modality dropout without
chance: one model learns to be three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.picture_encoder import PictureEncoder, freeze, unfreeze
from SeriesClassifierLib.models.slice_votes import ForestAndVotes
from SeriesClassifierLib.training.batches import Batch, evaluation_batch
from SeriesClassifierLib.training.engine import Group, Schedule, fit, grouped
from SeriesClassifierLib.training.pool import UNLABELLED, Pool

# What each of the three answers counts in the loss: header alone, picture alone, both.
_SHARES = (0.3, 0.7, 1.0)
_LABEL_SMOOTHING = 0.03
_EVALUATION_SIZE = 32

BatchOf = Callable[[int], Batch]


@dataclass(frozen=True)
class Loss:
    """The loss of a batch: class-weighted cross-entropy of every facet, for each of the three answers.

    ``weights`` maps a facet to a weight for each of its classes, ``shares`` a facet to what it counts.
    """

    weights: Mapping[str, Tensor]
    shares: Mapping[str, float]

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(model, PictureHeaderModel)
        answers = model.three_outputs(batch.pictures, batch.mask, batch.values, batch.observed)
        total = torch.zeros(())
        for share, logits in zip(_SHARES, answers, strict=True):
            total = total + share * self.of(model.facets, logits, batch.labels)
        return total

    def joint(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of the one answer from all that is there."""
        assert isinstance(model, PictureHeaderModel)
        logits = model(batch.pictures, batch.mask, batch.values, batch.observed)
        return self.of(model.facets, logits, batch.labels)

    def of(self, facets: Mapping[str, int], logits: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        """The loss of one answer: logits of all facets side by side."""
        total = torch.zeros(())
        for facet, part in split_facets(facets, logits).items():
            known = labels[facet] != UNLABELLED
            if bool(known.any()):
                total = total + self.shares[facet] * cross_entropy(
                    part[known],
                    labels[facet][known],
                    weight=self.weights[facet],
                    label_smoothing=_LABEL_SMOOTHING,
                )
        return total


def loss_for(pool: Pool, sizes: Mapping[str, int], shares: Mapping[str, float]) -> Loss:
    """Class weights from the root of the inverse frequency in ``pool``; a class that it lacks counts 1."""
    weights = {}
    for facet, size in sizes.items():
        labels = pool.labels[facet]
        counts = np.bincount(labels[labels != UNLABELLED], minlength=size).astype(np.float32)
        weight = np.where(counts > 0, np.sqrt(counts.mean() / np.maximum(counts, 1)), 1.0)
        weights[facet] = torch.from_numpy(np.clip(weight, 0.3, 3.0).astype(np.float32))
    return Loss(weights, shares)


def split_facets(facets: Mapping[str, int], logits: Tensor) -> dict[str, Tensor]:
    """Facet -> its logits (B, classes), out of all of them side by side."""
    return dict(zip(facets, torch.split(logits, list(facets.values()), dim=-1), strict=True))


@dataclass(frozen=True)
class Steps:
    """How long and how fast: heads with the encoder frozen, then everything above ``frozen_blocks``.

    The encoder's learning rate is ``encoder_factor`` times that of the rest.
    """

    heads: int
    everything: int
    heads_rate: float = 1e-3
    rate: float = 3e-4
    encoder_factor: float = 0.15
    header_factor: float = 0.3
    frozen_blocks: int | None = None
    evaluate_every: int = 100
    patience: int = 0


def two_steps(
    model: PictureHeaderModel,
    batches: BatchOf,
    headers: BatchOf,
    loss: Loss,
    steps: Steps,
    *,
    evaluate: Callable[[nn.Module], float] | None = None,
    folder: Path | None = None,
) -> PictureHeaderModel:
    """Fine-tune in two steps. ``headers`` draws further examples without pictures, cheap and many."""

    def both(module: nn.Module, step: int) -> Tensor:
        return loss(module, batches(step)) + header_loss(module, headers(step), loss)

    encoder = encoder_of(model)
    if steps.heads:
        freeze(encoder)
        schedule = Schedule(steps.heads, steps.heads_rate, evaluate_every=steps.evaluate_every)
        fit(model, _step, both, schedule, groups=groups_of(model, steps), folder=_below(folder, "heads"))
    unfreeze(encoder)
    if steps.frozen_blocks is not None:
        freeze(encoder, below_block=steps.frozen_blocks)
    schedule = Schedule(
        steps.everything, steps.rate, evaluate_every=steps.evaluate_every, patience=steps.patience
    )
    fit(
        model,
        _step,
        both,
        schedule,
        groups=groups_of(model, steps),
        evaluate=evaluate,
        folder=_below(folder, "everything"),
    )
    return model


def distill(
    student: PictureHeaderModel,
    teachers: Sequence[PictureHeaderModel],
    batches: BatchOf,
    headers: BatchOf,
    loss: Loss,
    steps: Steps,
    *,
    folder: Path | None = None,
) -> PictureHeaderModel:
    """Train ``student`` to answer as the mean of ``teachers`` does, and to the labels."""

    def both(module: nn.Module, step: int) -> Tensor:
        batch = batches(step)
        return header_loss(module, headers(step), loss) + taught_loss(module, teachers, batch, loss)

    if steps.frozen_blocks is not None:
        freeze(encoder_of(student), below_block=steps.frozen_blocks)
    schedule = Schedule(steps.everything, steps.rate, evaluate_every=steps.evaluate_every)
    fit(student, _step, both, schedule, groups=groups_of(student, steps), folder=_below(folder, "student"))
    return student


def taught_loss(
    model: nn.Module,
    teachers: Sequence[PictureHeaderModel],
    batch: Batch,
    loss: Loss,
    *,
    told: float = 0.5,
    keeping: float = 1.0,
    unlabelled_only: bool = False,
) -> Tensor:
    """``told`` times the loss of the labels, and ``keeping`` times the divergence from the mean of
    ``teachers``, for each of the three answers.

    With ``unlabelled_only`` teachers are asked for the facets that an example has no label of, and no others.
    """
    assert isinstance(model, PictureHeaderModel)
    inputs = (batch.pictures, batch.mask, batch.values, batch.observed)
    with torch.no_grad():
        taught = [teacher.eval().three_outputs(*inputs) for teacher in teachers]
    asked = {facet: of == UNLABELLED for facet, of in batch.labels.items()} if unlabelled_only else None
    total = torch.zeros(())
    for number, (share, logits) in enumerate(zip(_SHARES, model.three_outputs(*inputs), strict=True)):
        total = total + told * share * loss.of(model.facets, logits, batch.labels)
        said = [teacher[number] for teacher in taught]
        total = total + keeping * share * divergence(model.facets, logits, said, loss.shares, asked)
    return total


def divergence(
    facets: Mapping[str, int],
    logits: Tensor,
    taught: Sequence[Tensor],
    shares: Mapping[str, float],
    asked: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """How far ``logits`` are from the mean probability of those ``taught``, every facet by its share.

    With ``asked`` (facet -> B booleans) only where it is true.
    """
    means = [split_facets(facets, one) for one in taught]
    total = torch.zeros(())
    for facet, part in split_facets(facets, logits).items():
        target = torch.stack([mean[facet].softmax(-1) for mean in means]).mean(0)
        if asked is not None:
            part, target = part[asked[facet]], target[asked[facet]]
        if len(part):
            total = total + shares[facet] * kl_div(part.log_softmax(-1), target, reduction="batchmean")
    return total


def predict(
    model: PictureHeaderModel | ForestAndVotes,
    pool: Pool,
    rows: NDArray[np.int64],
    *,
    slices: int,
    side: int,
    copy: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Logits (N, classes of all facets) of the header alone, the picture alone, and both."""
    outputs: list[tuple[Tensor, ...]] = []
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        for start in range(0, len(rows), _EVALUATION_SIZE):
            some = rows[start : start + _EVALUATION_SIZE]
            batch = evaluation_batch(pool, some, slices, side, copy).to(device)
            outputs.append(model.answers(batch.pictures, batch.mask, batch.values, batch.observed))
    header, picture, joint = (torch.cat(parts).float().cpu().numpy() for parts in zip(*outputs, strict=True))
    return header, picture, joint


def header_loss(model: nn.Module, batch: Batch, loss: Loss) -> Tensor:
    """The loss of examples that have no picture: only the header's answer is theirs."""
    return loss.joint(model, replace(batch, mask=torch.zeros_like(batch.mask)))


def groups_of(model: PictureHeaderModel, steps: Steps) -> list[Group]:
    """The encoder, the header's encoder (both start from trained weights), and the rest."""
    header = model.get_submodule("header")
    return grouped(model, [(encoder_of(model), steps.encoder_factor), (header, steps.header_factor)])


def ensemble(
    facets: Mapping[str, int], answers: Sequence[Sequence[NDArray[np.float32]]]
) -> tuple[NDArray[np.float32], ...]:
    """What several models say together: the logarithm of their mean probability, facet by facet.

    ``answers`` holds for each model its logits of the three answers, (N, classes of all facets) each.
    """
    out = []
    for of_models in zip(*answers, strict=True):
        parts = [split_facets(facets, torch.from_numpy(logits)) for logits in of_models]
        means = [torch.stack([part[facet].softmax(-1) for part in parts]).mean(0).log() for facet in facets]
        out.append(torch.cat(means, dim=-1).numpy())
    return tuple(out)


def encoder_of(model: PictureHeaderModel) -> PictureEncoder:
    """The encoder of pictures in ``model``."""
    encoder = model.get_submodule("encoder")
    assert isinstance(encoder, PictureEncoder)
    return encoder


def _step(number: int) -> int:
    return number


def _below(folder: Path | None, name: str) -> Path | None:
    return folder / name if folder is not None else None
