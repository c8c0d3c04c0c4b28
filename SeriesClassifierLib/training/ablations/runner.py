"""Run the rows that are not done yet: one JSON and one npz file a row and seed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.models.encoders import build_encoder
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.training.ablations.bench import Bench, has_pools, open_bench
from SeriesClassifierLib.training.ablations.measures import figures
from SeriesClassifierLib.training.ablations.plans import Plan
from SeriesClassifierLib.training.ablations.rows import ROWS, Row

logger = logging.getLogger(__name__)

# What drawing the pools of a seed takes, in units of one fused row.
_DRAWING_COST = 0.8


@dataclass(frozen=True)
class Result:
    """A finished row of one seed. ``figures`` maps a facet to its measures on the test studies."""

    task: str
    row: str
    title: str
    seed: int
    seconds: float
    figures: Mapping[str, Mapping[str, Any]]
    notes: Mapping[str, Any]


def run(plan: Plan, seeds: Sequence[int], folder: Path, *, jobs: int = 0) -> list[Result]:
    """All rows of all ``seeds``, computed where ``folder`` does not hold them yet.

    Pools lie in ``folder``/seedN and serve every encoder, results in ``folder``/ENCODER/seedN. ``jobs``
    processes draw the pools (0: one a core).

    Raises UsageError when ``folder`` holds results of other settings, WeightsError when the encoder's weights
    are not on this machine.
    """
    if not plan.random:
        build_encoder(plan.encoder)  # before anything is drawn
    own = _own(plan, folder)
    _settle(folder / "pools.json", plan.drawn)
    _settle(own / "settings.json", asdict(plan))
    todo = [(seed, row) for seed in seeds for row in ROWS[plan.task] if not _is_done(_of(own, seed), row)]
    costs = [row.cost for _, row in todo]
    for index, (seed, _) in enumerate(todo):
        if (index == 0 or todo[index - 1][0] != seed) and not has_pools(_of(folder, seed)):
            costs[index] += _DRAWING_COST
    started = time.monotonic()
    bench: Bench | None = None
    for number, (seed, row) in enumerate(todo, start=1):
        if bench is None or bench.seed != seed:
            bench = open_bench(plan, seed, _of(folder, seed), _of(own, seed), jobs)
        _compute(bench, row)
        left = (time.monotonic() - started) / max(sum(costs[:number]), 0.01) * sum(costs[number:])
        logger.info("%d of %d rows are done, about %.0f min left", number, len(todo), left / 60)
    return results(plan, seeds, folder)


def results(plan: Plan, seeds: Sequence[int], folder: Path) -> list[Result]:
    """The rows of ``seeds`` that are done, in the order of the table."""
    own = _own(plan, folder)
    return [
        Result(**json.loads((_of(own, seed) / f"{row.name}.json").read_text(encoding="utf-8")))
        for row in ROWS[plan.task]
        for seed in seeds
        if _is_done(_of(own, seed), row)
    ]


def _own(plan: Plan, folder: Path) -> Path:
    return folder / (f"{plan.encoder}-random" if plan.random else plan.encoder)


def _of(folder: Path, seed: int) -> Path:
    return folder / f"seed{seed}"


def _is_done(folder: Path, row: Row) -> bool:
    return all((folder / f"{row.name}.{ending}").is_file() for ending in ("json", "npz"))


def _settle(path: Path, settings: Mapping[str, Any]) -> None:
    """Remember the settings of a folder; UsageError when it has others."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, settings)
    elif path.read_text(encoding="utf-8") != _text(settings):
        raise UsageError(f"{path} is of a run with other settings: name another folder, or the same settings")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with replacing(path) as draft:
        draft.write_text(_text(content), encoding="utf-8")


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"


def _compute(bench: Bench, row: Row) -> None:
    """Train and measure a row, and leave its answers and figures in the folder of the seed."""
    title = row.title.format(encoder=bench.plan.encoder)
    logger.info("seed %d: %s", bench.seed, title)
    started = time.monotonic()
    answers = row.run(bench)
    answers.save(bench.folder / f"{row.name}.npz")
    seconds = round(time.monotonic() - started, 1)
    found = {
        facet: figures(answers.test[facet], bench.test.labels[facet], bench.task.heads[facet])
        for facet in bench.measured
    }
    result = Result(bench.plan.task, row.name, title, bench.seed, seconds, found, answers.notes)
    _write(bench.folder / f"{row.name}.json", asdict(result))
    logger.info(
        "seed %d: %s: F1 %.4f in %.0f s", bench.seed, title, found["sequence"]["weighted_f1"], seconds
    )
