"""Teach the bundle of forest and votes what a site corrected, and let it forget nothing else.

The header gets one more forest, grown on simulated headers and those of the site. A gate lets it speak
near the corrected protocols (``models.site_header_model``), so that elsewhere the header says bit for bit
what it said before. The network goes on from its weights, on slices of the site beside simulated ones on
which it must go on saying what it says (Li & Hoiem, 2017, "learning without forgetting"). How header and
picture are weighted, and how sure of them one is, stays as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from SeriesClassifierLib.bundles.bundle import Bundle
from SeriesClassifierLib.errors import BundleError, TrainingError
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.models.forest import Forest
from SeriesClassifierLib.models.site_header_model import ProtocolGate, SiteHeaderModel
from SeriesClassifierLib.models.slice_votes import ForestAndVotes
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.batches import Batches, Mixing, tensors
from SeriesClassifierLib.training.brain_bundle import grow_forest, load_model
from SeriesClassifierLib.training.calibration import facet_logits, softmax
from SeriesClassifierLib.training.engine import Advance, Schedule, fit, history
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.joint_bundle import answers_of, export
from SeriesClassifierLib.training.joint_calibration import Calibration, OutOfFold, calibrate
from SeriesClassifierLib.training.joint_model import divergence, loss_for
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
from SeriesClassifierLib.training.pool import UNLABELLED, Pool, build_pool, cached_pool, join
from SeriesClassifierLib.training.retrain_pictures import (
    KIND,
    checkpoint,
    fitted,
    some,
    take_back,
    with_kind,
)
from SeriesClassifierLib.training.simulated_pictures import Draw, header_examples, simulated_examples
from SeriesClassifierLib.training.tasks import BRAIN, BrainTask

# Slices of a series that decide when to stop, and that its figures are found with: all would take long.
_JUDGED_SLICES, _MEASURED_SLICES = 2, 4
# A header as it is, and damaged.
_JUDGED_COPIES = (0, 1)
# Damaged copies of a simulated header: the forest sees as many of one of the site, several times over.
_COPIES = 2
# Each time adds a forest, and a bundle's file is at most 25 MB.
_MOST_TIMES = 12


@dataclass(frozen=True)
class Settings:
    """``copies`` of a header of the site, damaged (an even number). The new forest has ``trees`` of at most
    ``leaves`` and is grown on ``headers`` simulated ones, those of the site weighing ``site_share``.

    A step sees ``local`` slices of the site and ``replayed`` ones of ``replay`` simulated parts; ``keeping``
    is what agreeing with the base counts. ``judges`` decide when to stop, ``held_out`` are measured on.
    """

    steps: int = 100
    rate: float = 2e-4
    replay: int = 800
    headers: int = 24_000
    judges: int = 300
    held_out: int = 500
    copies: int = 8
    trees: int = 60
    leaves: int = 400
    site_share: float = 0.2
    replayed: int = 32
    local: int = 32
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
    task = _task_of(base, settings)
    shown = [fitted(example, task.side) for example in train if len(example.slices)]
    judged = [fitted(example, task.side) for example in validation if len(example.slices)]
    if not shown:
        raise TrainingError("no labelled part has a readable image: export from a source with its images")
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = load_model(task, base.folder)
    if _times(known.forest) >= _MOST_TIMES:
        raise BundleError(
            f"bundle {base.name} was retrained {_MOST_TIMES} times: start from the one that came with the "
            "library, with all training sets"
        )
    simulated = _Simulated.draw(task, seed, settings, work)
    local = build_pool(np.random.default_rng(seed + 3), shown, task.trained, copies=settings.copies)
    left_out = None
    if judged:
        left_out = build_pool(np.random.default_rng(seed + 4), judged, task.trained, copies=1)
    header = _taught_header(task, seed, known, local, simulated.headers, work)
    known = known.to(device)
    # The network alone is trained, and judged: what the header has learned is the same before and after.
    start = ForestAndVotes(header.to(device), known.votes, known.pooling).eval()
    model = copy.deepcopy(start)
    judge = _Judge(task, start, simulated.judges, some(left_out or local, seed))
    fit(
        model,
        lambda step: step,
        _Step(task, seed, settings, start, local, simulated.replay, device),
        Schedule(
            settings.steps,
            settings.rate,
            evaluate_every=settings.evaluate_every,
            patience=settings.patience,
        ),
        evaluate=judge,
        folder=work,
        heard=heard,
    )
    kept = checkpoint(history(work), settings.steps)
    share = take_back(model, start, judge) if kept["score"] < 0 else 1.0
    difference = export(task, model.cpu(), simulated.held_out, folder)
    # What is measured is what was written: large weights are rounded there.
    load_weights(model, folder)
    model.to(device)
    measured = replace(task, slices=min(task.slices, _MEASURED_SLICES))
    strange = [_answered(measured, module, simulated.held_out) for module in (known, model)]
    real = [_answered(task, module, left_out) if left_out else None for module in (known, model)]
    before, after = (_calibrated(base, *found) for found in zip(real, strange, strict=True))
    old, new = (found.facet(task.heads, "joint", "sequence") for found in strange)
    return Learned(
        task.heads,
        after.temperature["joint"],
        _cautious(base, before, after),
        {
            **after.figures,
            LOST: rounded(recall_lost(old[0], new[0], new[1], task.heads["sequence"])),
            "corrections": {
                "trained on": _right(task, known, model, local),
                "patients left out": _right(task, known, model, left_out),
            },
            "checkpoint": {**kept, "share": share},
            "protocols": len(header.gate.prototypes),
            "largest difference between onnxruntime and torch": difference,
        },
        task.encoder,
        asdict(settings),
        {name: after.temperature[name] for name in ("header", "picture")},
    )


def _task_of(bundle: Bundle, settings: Settings) -> BrainTask:
    """How ``bundle`` was trained, with its own classes and sizes, and trees as ``settings`` says."""
    if list(bundle.description["features"]) != [feature.name for feature in FEATURES]:
        raise BundleError(f"bundle {bundle.name} was made with other features: retrain from a current one")
    shape = bundle.description["preprocessing"]
    side = int(shape["side"])
    trees = replace(
        BRAIN.trees, number=settings.trees, leaves=settings.leaves, real_share=settings.site_share
    )
    return replace(
        BRAIN,
        encoder=str(bundle.description["encoder"]),
        heads=bundle.facets,
        side=side,
        slices=int(shape["slices"]),
        draw=replace(BRAIN.draw, side=side),
        trees=trees,
    )


def _times(header: nn.Module) -> int:
    """How often a site has taught this header model."""
    return 1 + _times(header.base) if isinstance(header, SiteHeaderModel) else 0


@dataclass(frozen=True, eq=False)
class _Simulated:
    """Pools of simulated series: ``replay`` and ``headers`` to learn from, the others to judge by."""

    replay: Pool
    headers: Pool
    judges: Pool
    held_out: Pool

    @staticmethod
    def draw(task: BrainTask, seed: int, settings: Settings, work: Path) -> _Simulated:
        """Drawn once and kept in ``work``."""
        work.mkdir(parents=True, exist_ok=True)

        def drawn(name: str, draw: Draw, parts: int, offset: int) -> Pool:
            return cached_pool(
                work / f"{name}-{parts}.npz",
                np.random.default_rng(seed + offset),
                task.trained,
                lambda: simulated_examples(draw, parts, seed + offset),
                copies=1,
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
            copies=_COPIES,
            headers_only=True,
        )
        return _Simulated(
            drawn("replay", task.draw, settings.replay, 40_000),
            headers,
            drawn("judges", replace(strange, slices=few), settings.judges, 50_000),
            drawn("held_out", replace(strange, slices=more), settings.held_out, 60_000),
        )


def _taught_header(
    task: BrainTask, seed: int, known: ForestAndVotes, local: Pool, headers: Pool, work: Path
) -> SiteHeaderModel:
    """What is known, and near the protocols of ``local`` a forest that was grown with them."""
    named = _completed(task, known.forest, local)
    several = join(
        [
            replace(named, values=named.values[:, [0, *range(first, first + _COPIES)]])
            for first in range(1, named.values.shape[1], _COPIES)
        ]
    )
    forest = grow_forest(task, seed, [headers, several], work)
    return SiteHeaderModel(known.forest, forest, ProtocolGate(*tensors(local.values[:, 0]))).eval()


def _completed(task: BrainTask, header: Forest | SiteHeaderModel, pool: Pool) -> Pool:
    """``pool``, with what nobody named as ``header`` says it: else the trees would unlearn all else."""
    with torch.inference_mode():
        said = facet_logits(header(*tensors(pool.values[:, 0])).numpy(), task.heads)
    labels = {
        facet: np.where(named == UNLABELLED, said[facet].argmax(1), named)
        for facet, named in pool.labels.items()
    }
    return replace(pool, labels=labels)


class _Step:
    """Callable: (model, step) -> the loss of the network on slices of the site and on simulated ones."""

    def __init__(
        self,
        task: BrainTask,
        seed: int,
        settings: Settings,
        known: ForestAndVotes,
        local: Pool,
        replay: Pool,
        device: torch.device,
    ) -> None:
        self._known, self._keeping, self._device = known.votes, settings.keeping, device
        loss = loss_for(replay, task.sizes, task.shares)
        weights = {facet: weight.to(device) for facet, weight in loss.weights.items()}
        self._loss = replace(loss, weights=weights)

        def batches(pool: Pool, size: int, offset: int, balance: str) -> Batches:
            mixing = Mixing(size, slices=1, side=task.side, balance=balance)
            return Batches(pool, np.arange(len(pool)), mixing, seed + offset)

        self._local = batches(with_kind(local), settings.local, 400, KIND)
        self._replayed = batches(replay, settings.replayed, 500, "sequence")

    def __call__(self, model: nn.Module, step: int) -> Tensor:
        assert isinstance(model, ForestAndVotes)
        # What batch normalization knows of all series stays: a site's few are not all.
        votes = model.votes.eval()
        local, replayed = (batches(step).to(self._device) for batches in (self._local, self._replayed))
        with torch.no_grad():
            known = self._known(replayed.pictures, replayed.mask)
        said = votes(replayed.pictures, replayed.mask)
        return (
            self._loss.of(votes.facets, votes(local.pictures, local.mask), local.labels)
            + 0.5 * self._loss.of(votes.facets, said, replayed.labels)
            + self._keeping * divergence(votes.facets, said, [known], self._loss.shares)
        )


class _Judge:
    """Callable: model -> score of a checkpoint: how sure it is of what people said, by the picture and by
    both.

    One that has lost more of a class than MOST_LOST is below any that has not, and told by a score below 0.
    """

    def __init__(self, task: BrainTask, known: ForestAndVotes, judges: Pool, labelled: Pool) -> None:
        self._task = replace(task, slices=min(task.slices, _JUDGED_SLICES))
        self._judges, self._labelled = judges, labelled
        self._before = _answered(self._task, known, judges)

    def __call__(self, model: nn.Module) -> float:
        assert isinstance(model, ForestAndVotes)
        after = _answered(self._task, model, self._judges)
        (old, labels), (new, _) = (
            found.facet(self._task.heads, "joint", "sequence") for found in (self._before, after)
        )
        lost = surely_lost(old, new, labels)
        if lost > MOST_LOST:
            return -lost
        found = _answered(self._task, model, self._labelled)
        sure = []
        for answer in ("picture", "joint"):
            for facet in self._task.heads:
                logits, named = found.facet(self._task.heads, answer, facet)
                sure.append(softmax(logits)[np.arange(len(named)), named] if len(named) else np.zeros(0))
        return float(np.concatenate(sure).mean())


def _answered(task: BrainTask, model: ForestAndVotes, pool: Pool) -> OutOfFold:
    """What ``model`` says of every example of ``pool``, with its header as it is and damaged."""
    rows = np.arange(len(pool))
    both = OutOfFold.join(
        [OutOfFold.of(pool, answers_of(task, model, pool, rows, number)) for number in _JUDGED_COPIES]
    )
    assert both is not None
    return both


def _calibrated(base: Bundle, real: OutOfFold | None, strange: OutOfFold) -> Calibration:
    """Thresholds and figures with the temperatures of ``base``."""
    kept = {**base.description["temperature_alone"], "joint": base.description["temperature"]}
    return calibrate(base.facets, real, strange, kept=kept)


def _cautious(base: Bundle, before: Calibration, after: Calibration) -> dict[str, dict[str, Any]]:
    """The thresholds of ``base``, raised where on the same series it needs higher ones ``after`` than
    ``before``. None is lowered: those of the base have held on patients.
    """

    def limit(facet: str, risk: str, tested: float) -> float:
        old, new = (float(found.thresholds[facet]["auto"].get(risk, tested)) for found in (before, after))
        return max(tested, new) if new > old else tested

    return {
        facet: {
            **limits,
            "auto": {risk: limit(facet, risk, tested) for risk, tested in limits["auto"].items()},
        }
        for facet, limits in base.description["thresholds"].items()
    }


def _right(
    task: BrainTask, known: ForestAndVotes, model: ForestAndVotes, pool: Pool | None
) -> Mapping[str, int]:
    """Of how many parts the old and the new model say all that people said."""
    out = {"parts": len(pool) if pool is not None else 0, "right before": 0, "right after": 0}
    if pool is not None:
        for name, module in (("right before", known), ("right after", model)):
            _, _, joint = answers_of(task, module, pool, np.arange(len(pool)))
            out[name] = agreeing(joint, pool.labels, task.heads)
    return out
