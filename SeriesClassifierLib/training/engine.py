"""The training loop: seeded, resumable, with early stopping. Knows nothing of pictures, headers or classes.

A batch is a function of the step's number, and a checkpoint holds the state of torch's random numbers
(dropout), so a run that is resumed goes on as if it had never stopped. Checkpoints are safetensors, nothing
that is run when it is read.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from SeriesClassifierLib.errors import TrainingError
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.training.curves import write_curves

logger = logging.getLogger(__name__)

_Batch = TypeVar("_Batch")
_STATE, _BEST = "state.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Schedule:
    """One run: linear warm-up over the share ``warmup`` of ``steps``, then a cosine down to zero.

    Training stops after ``patience`` evaluations in a row without a better score (0: never).
    """

    steps: int
    learning_rate: float
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    evaluate_every: int = 200
    patience: int = 0

    def factor(self, step: int) -> float:
        """The share of the learning rate at ``step``; nothing is left of it after the last one."""
        if step >= self.steps:
            return 0.0
        rising = max(1, round(self.warmup * self.steps))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, self.steps - rising)))


@dataclass(frozen=True)
class Advance:
    """How far a run is: ``loss`` and ``score`` of the last evaluation, ``seconds_left`` to the last step."""

    step: int
    steps: int
    loss: float
    score: float | None
    seconds_left: float


def _unheard(_advance: Advance) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Group:
    """Parameters with the same learning rate: ``factor`` times that of the schedule."""

    parameters: tuple[nn.Parameter, ...]
    factor: float = 1.0


def grouped(model: nn.Module, parts: Iterable[tuple[nn.Module, float]]) -> list[Group]:
    """What can be trained of each of ``parts`` (a module of ``model`` and its factor), then all the rest."""
    groups: list[Group] = []
    known: set[nn.Parameter] = set()
    for part, factor in parts:
        free = tuple(p for p in part.parameters() if p.requires_grad)
        groups += [Group(free, factor)] if free else []
        known.update(part.parameters())
    return [*groups, Group(tuple(p for p in model.parameters() if p not in known))]


def fit(
    model: nn.Module,
    batch_of: Callable[[int], _Batch],
    loss_of: Callable[[nn.Module, _Batch], Tensor],
    schedule: Schedule,
    *,
    groups: Iterable[Group] | None = None,
    evaluate: Callable[[nn.Module], float] | None = None,
    folder: Path | None = None,
    heard: Callable[[Advance], None] = _unheard,
) -> nn.Module:
    """Train ``model`` in place and return it in evaluation mode, with the best weights that were evaluated.

    ``evaluate`` gives a score, higher is better; without it the last weights stay. With ``folder`` the run is
    checkpointed there at every evaluation and goes on from there when it is called again with the same
    schedule; ``curves.html`` in it shows how it goes. ``heard`` is told at every evaluation; what it raises
    ends the run, which can be gone on with.

    Raises TrainingError when the loss is no longer a number.
    """
    groups = list(groups) if groups is not None else [Group(tuple(model.parameters()))]
    optimizer = torch.optim.AdamW(
        [{"params": list(g.parameters), "factor": g.factor} for g in groups],
        lr=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
    )
    run = _Run(model, optimizer, schedule, folder)
    losses: list[float] = []
    while not run.done:
        rate = schedule.learning_rate * schedule.factor(run.step)
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate * parameters["factor"]
        model.train()
        with mixed_precision(model):
            loss = loss_of(model, batch_of(run.step))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for g in groups for p in g.parameters], schedule.clip)
        optimizer.step()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise TrainingError(f"training diverged at step {run.step}: use a lower learning rate")
        run.step += 1
        if run.step % schedule.evaluate_every == 0 or run.step == schedule.steps:
            model.eval()
            score = evaluate(model) if evaluate else None
            heard(run.record(sum(losses) / len(losses), rate, score))
            losses.clear()
    run.restore_best()
    return model.eval()


@contextmanager
def threads(number: int) -> Iterator[None]:
    """torch with so many threads. On a busy machine small matrices take much longer with more of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def history(folder: Path) -> list[dict[str, float]]:
    """What the run in ``folder`` recorded at each evaluation, the oldest first; nothing of no run."""
    if not (folder / _STATE).is_file():
        return []
    rows: list[dict[str, float]] = _progress(folder)["history"]
    return rows


def _progress(folder: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(folder / _STATE, framework="pt") as file:
        progress: dict[str, Any] = json.loads(file.metadata()["progress"])
    return progress


def mixed_precision(model: nn.Module) -> AbstractContextManager[Any]:
    """bfloat16 where the processor computes with it, float32 elsewhere: emulated bfloat16 is slower.

    Gradients of 3D convolutions come out wrong in bfloat16 on some processors (torch 2.13, oneDNN 3.12,
    AVX-512 without AMX, batches of 2 or 5): such models stay with float32 there.
    """
    if torch.cuda.is_available():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    asked = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    fast = any(getattr(torch.cpu, name, lambda: False)() for name in asked)
    flat = not any(isinstance(module, nn.Conv3d) for module in model.modules())
    return torch.autocast("cpu", dtype=torch.bfloat16) if fast and flat else nullcontext()


class _Run:
    """The state of a run and its checkpoint."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Schedule, folder: Path | None
    ) -> None:
        self.model, self.optimizer, self.schedule, self.folder = model, optimizer, schedule, folder
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.best_score = -math.inf
        self.without_gain = 0
        self.best: dict[str, Tensor] | None = None
        self.started = time.monotonic()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / _STATE).is_file():
                self._load(folder)

    @property
    def done(self) -> bool:
        tired = self.schedule.patience and self.without_gain >= self.schedule.patience
        return bool(tired) or self.step >= self.schedule.steps

    def record(self, loss: float, rate: float, score: float | None) -> Advance:
        row = {"step": float(self.step), "loss": loss, "learning_rate": rate}
        if score is not None:
            row["score"] = score
            self.without_gain += 1
            if score > self.best_score:
                self.best_score, self.without_gain = score, 0
                self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.history.append(row)
        pace = (time.monotonic() - self.started) / max(1, self.step - self.resumed_at)
        left = (self.schedule.steps - self.step) * pace
        shown = "" if score is None else f" score {score:.4f}"
        logger.info("step %d/%d loss %.4f%s, %.0f s left", self.step, self.schedule.steps, loss, shown, left)
        if self.folder is not None:
            self._save(self.folder)
        return Advance(self.step, self.schedule.steps, loss, score, left)

    resumed_at = 0

    def restore_best(self) -> None:
        if self.best is not None:
            self.model.load_state_dict(self.best)

    def _save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        write_curves(folder / "curves.html", self.history)
        if self.best is not None and self.without_gain == 0:
            best = self.best
            _replace(folder / _BEST, lambda path: save_file(_unshared(best), path))
        progress = {
            "step": self.step,
            "best_score": self.best_score if self.best is not None else None,
            "without_gain": self.without_gain,
            "schedule": asdict(self.schedule),
            "history": self.history,
        }
        # One file and the last one: whenever the process is killed, weights and progress are of one step.
        told = {"progress": json.dumps(progress)}
        _replace(folder / _STATE, lambda path: save_file(self._tensors(), path, metadata=told))

    def _tensors(self) -> dict[str, Tensor]:
        out = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            out |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        return _unshared({**out, "random": torch.get_rng_state()})

    def _load(self, folder: Path) -> None:
        from safetensors.torch import load_file

        progress, tensors = _progress(folder), load_file(folder / _STATE)
        if progress["schedule"] != asdict(self.schedule):
            logger.info("the checkpoint is of another schedule: starting anew")
            return
        self.model.load_state_dict(
            {name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")}
        )
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                states.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict(
            {"state": states, "param_groups": self.optimizer.state_dict()["param_groups"]}
        )
        torch.set_rng_state(tensors["random"])
        self.step = self.resumed_at = int(progress["step"])
        self.history = progress["history"]
        self.without_gain = progress["without_gain"]
        if progress["best_score"] is not None:
            self.best_score = progress["best_score"]
            self.best = load_file(folder / _BEST)
        logger.info("going on from step %d", self.step)


def _unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """safetensors wants every tensor to own its memory."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """A file that is either the old or the new one, whenever the process is killed."""
    with replacing(path) as draft:
        write(draft)
