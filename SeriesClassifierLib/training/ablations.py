"""The ablations of the two papers (methods.md sections 1 and 2) on simulated test studies, one row at a time.

Everything that a seed decides is drawn once and is the same for all rows: training parts, validation studies,
test studies (whole studies, of anatomies that are never trained on), and the damage to every header. Every
deep row sees the same examples in the same order: first the headers alone, when it has a branch for them
(cheap, and the library's own models start from a trained header branch too), then pictures and headers.

An encoder without published weights would need more steps than an ablation has. So it is trained once a
seed, on the training slices as a plain classifier of single slices, and every row that uses it starts from
there: image 2D, both concatenations and SME + BCA have the same past. The 3D encoder gets the same number of
steps on stacks. The two-stage row takes the answers of the row image 2D.

A row of a seed is done when its JSON file is there; what is done is never computed again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.models.encoders import ENCODERS, build_encoder, fix_side
from SeriesClassifierLib.models.fusion import EarlyFusion, JointFusion, fit_late_fusion, late_fusion
from SeriesClassifierLib.models.header_model import HeaderModel
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.picture_encoder import PictureEncoder, freeze, unfreeze
from SeriesClassifierLib.models.series_model import ConcatModel, LiverModel, PictureModel2D, PictureModel3D
from SeriesClassifierLib.training.batches import Batch, Batches, Mixing
from SeriesClassifierLib.training.engine import Group, Schedule, fit
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.joint_calibration import balanced_accuracy
from SeriesClassifierLib.training.joint_model import Loss, Steps, loss_for, predict, split_facets
from SeriesClassifierLib.training.pool import UNLABELLED, Pool, build_pool, load_pool
from SeriesClassifierLib.training.simulated_pictures import simulated_examples, study_examples
from SeriesClassifierLib.training.tasks import IS_BINARY, TASKS, Task

logger = logging.getLogger(__name__)

_MEASURED = ("sequence", "phase", "plane")
_3D = "resnet18-3d"
# Copy 0 of a header is intact, copy 1 is the damaged one that every row is measured on.
_DAMAGED = 1
_HEADER_BATCH = 256
# Seeds of what is drawn, far from those of the bundles and from each other.
_TRAIN, _VALIDATION, _TEST = 300_000, 400_000, 500_000
# What drawing the pools of a seed takes, in units of one fused row.
_DRAWING_COST = 0.8

Probabilities = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Plan:
    """One ablation. Sides are in pixels; ``most`` parts of one series are measured.

    ``pretraining`` steps are what an encoder without published weights gets before the rows begin, ``header``
    steps what a header branch gets.
    """

    task: str
    encoder: str
    random: bool
    steps: Steps
    pretraining: int
    header: int
    batch: int
    side: int
    slices: int
    parts: int
    studies: int = 60
    validation: int = 20
    most: int = 4

    @property
    def drawn(self) -> dict[str, Any]:
        """What decides the pools."""
        names = ("task", "side", "slices", "parts", "studies", "validation", "most")
        return {name: getattr(self, name) for name in names}


def plan_for(
    task: str,
    *,
    encoder: str | None = None,
    random: bool = False,
    parts: int | None = None,
    steps: int | None = None,
    studies: int | None = None,
) -> Plan:
    """The plan of ``task``, sized for two slow cores; what is given replaces a default.

    ``random`` starts ``encoder`` from random weights, as the encoder of the liver task always does. ``steps``
    is what a row is trained for; an encoder of random weights gets twice as many before.

    Raises UsageError for a task without ablations, an unknown encoder, or a number below 1.
    """
    if task not in _ROWS:
        raise UsageError(f"there are no ablations of {task!r}: use one of {', '.join(_ROWS)}")
    if any(number is not None and number < 1 for number in (parts, steps, studies)):
        raise UsageError("parts, steps and studies are at least 1")
    base = TASKS[task]
    name = encoder or base.encoder
    if name not in ENCODERS or name == _3D:
        known = ", ".join(name for name in ENCODERS if name != _3D)
        raise UsageError(f"{name!r} is no 2D encoder: use one of {known}")
    random = random or (name == base.encoder and base.random_encoder)
    liver = task == "liver"
    everything = steps or (200 if liver else 300)
    how = Steps(
        heads=0 if random else everything // 5,
        everything=everything,
        rate=base.base.rate,
        encoder_factor=0.3 if random else 0.15,
        evaluate_every=50,
    )
    return Plan(
        task=task,
        encoder=name,
        random=random,
        steps=how,
        pretraining=2 * everything,
        header=3 * everything,
        batch=base.batch,
        side=64 if liver else base.side,
        slices=3 if liver else 1,
        parts=parts or (1_600 if liver else 2_400),
        studies=studies or 60,
    )


@dataclass(frozen=True, eq=False)
class Answers:
    """What a row says: facet -> (N, classes), for the validation and for the test studies."""

    validation: Probabilities
    test: Probabilities
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Bench:
    """One seed: its pools and the folder where rows leave what other rows need."""

    plan: Plan
    seed: int
    folder: Path
    train: Pool
    validation: Pool
    test: Pool

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
        """The headers of the training parts, without pictures."""
        nothing = np.zeros((0, 1, 1), np.uint8)
        bare = replace(self.train, slices=nothing, first=np.zeros_like(self.train.first))
        mixing = Mixing(size=_HEADER_BATCH, slices=1, side=1, real_share=0.0)
        return Batches(bare, np.arange(len(bare)), mixing, self.seed)

    def answers_of(self, row: str) -> Answers:
        """What a row that is done said."""
        with np.load(self.folder / f"{row}.npz", allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return Answers(_below(found, "validation/"), _below(found, "test/"))


def _below(arrays: Mapping[str, NDArray[np.float64]], prefix: str) -> Probabilities:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def side_of(encoder: str, side: int) -> int:
    """The legal side of ``encoder`` that is nearest to ``side``."""
    multiple = ENCODERS[encoder].multiple
    return max(1, round(side / multiple)) * multiple


# ------------------------------------------------------------------------------------------------ deep rows


def _answer_loss(module: nn.Module, batch: Batch, loss: Loss) -> Tensor:
    """The loss of the one answer from all that is there."""
    assert isinstance(module, PictureHeaderModel)
    logits = module(batch.pictures, batch.mask, batch.values, batch.observed)
    return loss.of(module.facets, logits, batch.labels)


def _run(
    model: nn.Module,
    loss_of: Callable[[nn.Module, int], Tensor],
    steps: int,
    rate: float,
    groups: Sequence[Group] | None = None,
) -> None:
    fit(model, lambda step: step, loss_of, Schedule(steps, rate, evaluate_every=50), groups=groups)


def _encoder(
    bench: Bench, name: str, classifier: Callable[[PictureEncoder], PictureHeaderModel]
) -> PictureEncoder:
    """What rows start from: published weights, or those trained in ``classifier`` for this seed."""
    from safetensors.torch import load_file, save_file

    plan = bench.plan
    random = plan.random or name == _3D
    encoder = build_encoder(name, random=random)
    side = side_of(name, plan.side)
    fix_side(encoder, side)
    if not random:
        return encoder
    path = bench.folder / f"encoder-{name}.safetensors"
    if not path.is_file():
        logger.info("seed %d: training the encoder %s, once for all rows", bench.seed, name)
        torch.manual_seed(bench.seed)
        fresh = build_encoder(name, random=True)
        fix_side(fresh, side)
        loss = bench.loss
        # As many slices a step as a row has; a 2D encoder learns more from slices of different parts.
        alone = name != _3D
        batches = bench.batches(
            plan.batch * plan.slices if alone else plan.batch, 1 if alone else plan.slices, side
        )
        _run(
            classifier(fresh),
            lambda module, step: _answer_loss(module, batches(step), loss),
            plan.pretraining,
            plan.steps.rate,
        )
        new = path.with_name(f"new-{path.name}")
        save_file({key: tensor.contiguous() for key, tensor in fresh.state_dict().items()}, new)
        new.replace(path)
    encoder.load_state_dict(load_file(path))
    return encoder


def _train(bench: Bench, model: PictureHeaderModel, encoder: PictureEncoder, *, frozen: bool) -> None:
    """Headers alone, then the heads above a frozen encoder, then everything (unless ``frozen``)."""
    plan, steps, loss = bench.plan, bench.plan.steps, bench.loss
    batches = bench.batches(plan.batch, plan.slices, side_of(encoder.spec.name, plan.side))
    headers = bench.headers()
    fused = "header" in dict(model.named_children())

    def of_headers(module: nn.Module, step: int) -> Tensor:
        return _answer_loss(module, headers(step), loss)

    def of_both(module: nn.Module, step: int) -> Tensor:
        if not fused:
            return _answer_loss(module, batches(step), loss)
        return loss(module, batches(step)) + of_headers(module, step)

    freeze(encoder)
    if fused:
        _run(model, of_headers, plan.header, steps.heads_rate, _groups(model, encoder, steps))
    heads = steps.heads + (steps.everything if frozen else 0)
    _run(model, of_both, heads, steps.heads_rate, _groups(model, encoder, steps))
    if frozen:
        return
    unfreeze(encoder)
    if not bench.plan.random and encoder.spec.name != _3D:
        freeze(encoder, below_block=round((len(encoder.stages()) - 2) * 2 / 3))
    _run(model, of_both, steps.everything, steps.rate, _groups(model, encoder, steps))


def _groups(model: PictureHeaderModel, encoder: PictureEncoder, steps: Steps) -> list[Group]:
    seen = [p for p in encoder.parameters() if p.requires_grad]
    known = {id(p) for p in encoder.parameters()}
    rest = Group(tuple(p for p in model.parameters() if id(p) not in known))
    return [Group(tuple(seen), steps.encoder_factor), rest] if seen else [rest]


def _deep(
    build: Callable[[PictureEncoder, Bench], PictureHeaderModel], *, frozen: bool = False
) -> Callable[[Bench], Answers]:
    """A row that trains the model that ``build`` makes of the shared 2D encoder."""

    def run(bench: Bench) -> Answers:
        sizes = bench.task.sizes
        encoder = _encoder(bench, bench.plan.encoder, lambda e: PictureModel2D(e, sizes))
        torch.manual_seed(bench.seed)
        model = build(encoder, bench)
        _train(bench, model, encoder, frozen=frozen)
        return _answers(bench, model, encoder)

    return run


def _image_3d(bench: Bench) -> Answers:
    sizes, depth = bench.task.sizes, bench.plan.slices
    encoder = _encoder(bench, _3D, lambda e: PictureModel3D(e, sizes, depth=depth))
    torch.manual_seed(bench.seed)
    model = PictureModel3D(encoder, sizes, depth=depth)
    _train(bench, model, encoder, frozen=False)
    return _answers(bench, model, encoder)


def _answers(bench: Bench, model: PictureHeaderModel, encoder: PictureEncoder) -> Answers:
    side = side_of(encoder.spec.name, bench.plan.side)

    def of(pool: Pool) -> Probabilities:
        rows = np.arange(len(pool))
        *_, both = predict(model, pool, rows, slices=bench.plan.slices, side=side, copy=_DAMAGED)
        return _probabilities(bench, both)

    return Answers(of(bench.validation), of(bench.test))


def _probabilities(bench: Bench, logits: NDArray[np.float32]) -> Probabilities:
    parts = split_facets(bench.task.sizes, torch.from_numpy(logits).double())
    return {facet: parts[facet].softmax(-1).numpy() for facet in bench.measured}


def _header_alone(bench: Bench) -> Answers:
    """The header branch of joint fusion with heads of its own, on the headers of the training parts."""
    plan, loss, headers, sizes = bench.plan, bench.loss, bench.headers(), bench.task.sizes
    torch.manual_seed(bench.seed)
    model = HeaderModel(IS_BINARY, sizes, members=1)

    def of_headers(module: nn.Module, step: int) -> Tensor:
        batch = headers(step)
        return loss.of(sizes, module(batch.values, batch.observed), batch.labels)

    _run(model, of_headers, plan.header + plan.steps.everything, plan.steps.heads_rate)

    def of(pool: Pool) -> Probabilities:
        values = torch.from_numpy(pool.values[:, _DAMAGED])
        with torch.inference_mode():
            logits = model(values, (~values.isnan()).float())
        return _probabilities(bench, logits.numpy())

    return Answers(of(bench.validation), of(bench.test))


# --------------------------------------------------------------------------------------- rows without torch


def _trees(bench: Bench, classifier: Callable[[], Any]) -> Answers:
    """One classifier of scikit-learn a facet, on all copies of the training headers, NaN where absent."""
    validation: dict[str, NDArray[np.float64]] = {}
    test: dict[str, NDArray[np.float64]] = {}
    for facet in bench.measured:
        known = bench.train.labels[facet] != UNLABELLED
        values = bench.train.values[known]
        # A feature that no training header has would stop the boosting, and says nothing anyway.
        columns = np.flatnonzero(~np.isnan(values).all(axis=(0, 1)))
        labels = np.repeat(bench.train.labels[facet][known], values.shape[1])
        model = classifier().fit(values[:, :, columns].reshape(len(labels), -1), labels)
        for pool, out in ((bench.validation, validation), (bench.test, test)):
            out[facet] = np.zeros((len(pool), bench.task.sizes[facet]))
            out[facet][:, model.classes_] = model.predict_proba(pool.values[:, _DAMAGED][:, columns])
    return Answers(validation, test)


def _boosted(bench: Bench) -> Answers:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _trees(
        bench,
        lambda: HistGradientBoostingClassifier(
            early_stopping=False, class_weight="balanced", random_state=bench.seed
        ),
    )


def _two_stage(bench: Bench) -> Answers:
    """A forest on the header; where it is less sure than a threshold, the answer of the row image 2D."""
    from sklearn.ensemble import RandomForestClassifier

    forest = _trees(
        bench,
        lambda: RandomForestClassifier(
            n_estimators=200, min_samples_leaf=2, class_weight="balanced_subsample", random_state=bench.seed
        ),
    )
    picture = bench.answers_of("image-2d")
    validation, test, thresholds = {}, {}, {}
    for facet in bench.measured:
        labels = bench.validation.labels[facet]
        first, second = forest.validation[facet], picture.validation[facet]
        threshold = _threshold(first, second, labels)
        validation[facet] = _staged(first, second, threshold)
        test[facet] = _staged(forest.test[facet], picture.test[facet], threshold)
        sure = forest.test[facet].max(1) >= threshold
        thresholds[facet] = {"threshold": round(threshold, 4), "by forest": round(float(sure.mean()), 4)}
    return Answers(validation, test, thresholds)


def _staged(first: NDArray[np.float64], second: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    return np.where(first.max(1, keepdims=True) >= threshold, first, second)


def _threshold(first: NDArray[np.float64], second: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The confidence of ``first`` below which ``second`` should answer: the best weighted F1 there is."""
    if not (labels != UNLABELLED).any():
        return 0.0
    candidates = [0.0, *np.quantile(first.max(1), np.linspace(0.05, 0.95, 19)), 1.01]
    scores = [_weighted_f1(_staged(first, second, c), labels) for c in candidates]
    return float(candidates[int(np.argmax(scores))])


def _late(bench: Bench) -> Answers:
    """Picture-only and header-only, weighted on the validation studies."""
    picture, header = bench.answers_of("picture-only"), bench.answers_of("header-only")
    validation, test, notes = {}, {}, {}
    for facet in bench.measured:
        known = bench.validation.labels[facet] != UNLABELLED
        weights = fit_late_fusion(
            picture.validation[facet][known],
            header.validation[facet][known],
            bench.validation.labels[facet][known],
        )
        validation[facet] = late_fusion(picture.validation[facet], header.validation[facet], weights)
        test[facet] = late_fusion(picture.test[facet], header.test[facet], weights)
        notes[facet] = {"picture": round(weights[0], 4), "header": round(weights[1], 4)}
    return Answers(validation, test, notes)


# ----------------------------------------------------------------------------------------------- the tables


@dataclass(frozen=True)
class Row:
    """One row; ``{encoder}`` in ``title`` is replaced. ``cost`` is its time, in units of one fused row."""

    name: str
    title: str
    run: Callable[[Bench], Answers]
    cost: float


_ROWS: Mapping[str, tuple[Row, ...]] = {
    "prostate": (
        Row("header-only", "header only (sparse metadata encoder)", _header_alone, 0.1),
        Row(
            "picture-only",
            "picture only ({encoder}, two steps)",
            _deep(lambda encoder, bench: PictureModel2D(encoder, bench.task.sizes)),
            1.0,
        ),
        Row(
            "early-fusion",
            "early fusion ({encoder}, frozen)",
            _deep(lambda encoder, bench: EarlyFusion(encoder, IS_BINARY, bench.task.sizes), frozen=True),
            0.8,
        ),
        Row("late-fusion", "late fusion (picture only and header only)", _late, 0.0),
        Row(
            "joint-fusion",
            "joint fusion ({encoder})",
            _deep(lambda encoder, bench: JointFusion(encoder, IS_BINARY, bench.task.sizes)),
            1.0,
        ),
    ),
    "liver": (
        Row(
            "image-2d",
            "image 2D ({encoder})",
            _deep(lambda encoder, bench: PictureModel2D(encoder, bench.task.sizes)),
            3.0,
        ),
        Row("image-3d", f"image 3D ({_3D})", _image_3d, 2.2),
        Row("header", "header (HistGradientBoosting, XGBoost-like)", _boosted, 0.2),
        Row(
            "concat-zero",
            "concatenation, absent tags zero",
            _deep(lambda encoder, bench: ConcatModel(encoder, IS_BINARY, bench.task.sizes)),
            1.0,
        ),
        Row(
            "concat-learned",
            "concatenation, absent tags learned",
            _deep(
                lambda encoder, bench: ConcatModel(encoder, IS_BINARY, bench.task.sizes, imputation="learned")
            ),
            1.0,
        ),
        Row("two-stage", "two-stage (random forest, then image 2D)", _two_stage, 0.1),
        Row(
            "sme-bca",
            "SME + BCA",
            _deep(lambda encoder, bench: LiverModel(encoder, IS_BINARY, bench.task.sizes)),
            1.0,
        ),
    ),
}


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
    todo = [(seed, row) for seed in seeds for row in _ROWS[plan.task] if not _is_done(own, row, seed)]
    costs = [row.cost for _, row in todo]
    for index, (seed, _) in enumerate(todo):
        if (index == 0 or todo[index - 1][0] != seed) and not _has_pools(folder, seed):
            costs[index] += _DRAWING_COST
    started = time.monotonic()
    bench: Bench | None = None
    for number, (seed, row) in enumerate(todo, start=1):
        if bench is None or bench.seed != seed:
            bench = _bench(plan, seed, folder, own, jobs)
        _compute(bench, row)
        left = (time.monotonic() - started) / max(sum(costs[:number]), 0.01) * sum(costs[number:])
        logger.info("%d of %d rows are done, about %.0f min left", number, len(todo), left / 60)
    return results(plan, seeds, folder)


def results(plan: Plan, seeds: Sequence[int], folder: Path) -> list[Result]:
    """The rows of ``seeds`` that are done, in the order of the table."""
    own = _own(plan, folder)
    done = [(row, seed) for row in _ROWS[plan.task] for seed in seeds if _is_done(own, row, seed)]
    return [
        Result(**json.loads((own / f"seed{seed}" / f"{row.name}.json").read_text(encoding="utf-8")))
        for row, seed in done
    ]


def _own(plan: Plan, folder: Path) -> Path:
    return folder / (f"{plan.encoder}-random" if plan.random else plan.encoder)


def _is_done(own: Path, row: Row, seed: int) -> bool:
    return all((own / f"seed{seed}" / f"{row.name}.{ending}").is_file() for ending in ("json", "npz"))


def _has_pools(folder: Path, seed: int) -> bool:
    return all((folder / f"seed{seed}" / f"{name}.npz").is_file() for name in ("train", "validation", "test"))


def _settle(path: Path, settings: Mapping[str, Any]) -> None:
    """Remember the settings of a folder; UsageError when it has others."""
    text = json.dumps(settings, indent=1) + "\n"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise UsageError(f"{path} is of a run with other settings: name another folder, or the same settings")


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"new-{path.name}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _bench(plan: Plan, seed: int, folder: Path, own: Path, jobs: int) -> Bench:
    """Draw the pools of ``seed``, or read them again."""
    pools, task = folder / f"seed{seed}", TASKS[plan.task]
    pools.mkdir(parents=True, exist_ok=True)
    (own / f"seed{seed}").mkdir(parents=True, exist_ok=True)
    draw = replace(task.draw, side=plan.side, slices=plan.slices + 1)

    def studies(number: int, first: int, held_out: bool) -> list[Example]:
        return study_examples(
            plan.task, number, first + seed, slices=plan.slices, side=plan.side, held_out=held_out,
            most=plan.most, jobs=jobs,
        )  # fmt: skip

    def pool(name: str, examples: Callable[[], list[Example]], first: int, copies: int) -> Pool:
        path = pools / f"{name}.npz"
        if not path.is_file():
            logger.info("seed %d: drawing the pool %s", seed, name)
            rng = np.random.default_rng(first + seed)
            build_pool(rng, examples(), task.trained, copies=copies).save(path)
        return load_pool(path)

    return Bench(
        plan,
        seed,
        own / f"seed{seed}",
        pool("train", lambda: simulated_examples(draw, plan.parts, _TRAIN + seed, jobs=jobs), _TRAIN, 4),
        pool("validation", lambda: studies(plan.validation, _VALIDATION, False), _VALIDATION, 1),
        pool("test", lambda: studies(plan.studies, _TEST, True), _TEST, 1),
    )


def _compute(bench: Bench, row: Row) -> None:
    """Train and measure a row, and leave its answers and figures in the folder of the seed."""
    title = row.title.format(encoder=bench.plan.encoder)
    logger.info("seed %d: %s", bench.seed, title)
    started = time.monotonic()
    answers = row.run(bench)
    fresh = bench.folder / f"new-{row.name}.npz"
    arrays = {f"validation/{facet}": said for facet, said in answers.validation.items()}
    arrays |= {f"test/{facet}": said for facet, said in answers.test.items()}
    np.savez(fresh, **arrays)  # type: ignore[arg-type]
    fresh.replace(bench.folder / f"{row.name}.npz")
    seconds = round(time.monotonic() - started, 1)
    figures = {facet: _figures(bench, facet, answers.test[facet]) for facet in bench.measured}
    result = Result(bench.plan.task, row.name, title, bench.seed, seconds, figures, answers.notes)
    _write(bench.folder / f"{row.name}.json", json.dumps(asdict(result), indent=1) + "\n")
    logger.info(
        "seed %d: %s: F1 %.4f in %.0f s", bench.seed, title, figures["sequence"]["weighted_f1"], seconds
    )


def _figures(bench: Bench, facet: str, probabilities: NDArray[np.float64]) -> dict[str, Any]:
    truth = bench.test.labels[facet]
    known = truth != UNLABELLED
    if not known.any():
        return {"n": 0, "weighted_f1": None, "balanced_accuracy": None, "recall": {}}
    said, truth = probabilities[known].argmax(1), truth[known]
    names = bench.task.heads[facet]
    return {
        "n": len(truth),
        "weighted_f1": _weighted_f1(probabilities, bench.test.labels[facet]),
        "balanced_accuracy": balanced_accuracy(said, truth),
        "recall": {
            names[k]: [int((said[truth == k] == k).sum()), int((truth == k).sum())] for k in np.unique(truth)
        },
    }


def _weighted_f1(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """F1 of every class, weighted by how often it is the truth; what is not labelled is left out."""
    from sklearn.metrics import f1_score

    known = labels != UNLABELLED
    return float(
        f1_score(labels[known], probabilities[known].argmax(1), average="weighted", zero_division=0.0)
    )


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean of two or more ``values``, by Student's t."""
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    n = len(values)
    half = float(stdtrit(n - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(n))
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def table(found: Sequence[Result]) -> str:
    """The results as a Markdown table: of every measure mean, standard deviation and interval over seeds.

    The column "below" is the difference to the last row, seed by seed: all rows of a seed share its data, so
    it is told more exactly than the difference of two means.
    """
    if not found:
        return ""
    rows: dict[str, dict[int, Result]] = {}
    for result in found:
        rows.setdefault(result.row, {})[result.seed] = result
    last = list(rows.values())[-1]
    facets = list(found[0].figures)
    measures = [("sequence", "weighted_f1"), ("sequence", "balanced_accuracy")]
    measures += [(facet, "weighted_f1") for facet in facets if facet != "sequence"]
    heads = [f"{facet}, {measure.replace('_', ' ')}" for facet, measure in measures]
    below = f"below {next(iter(last.values())).title}"
    lines = ["| " + " | ".join(["row", "seeds", heads[0], below, *heads[1:]]) + " |"]
    lines.append("|---" * (3 + len(heads)) + "|")
    for of_seed in rows.values():
        cells = [_cell([r.figures[facet][measure] for r in of_seed.values()]) for facet, measure in measures]
        lost = [
            last[seed].figures["sequence"]["weighted_f1"] - r.figures["sequence"]["weighted_f1"]
            for seed, r in of_seed.items()
            if seed in last and of_seed is not last
        ]
        title = next(iter(of_seed.values())).title
        lines.append("| " + " | ".join([title, str(len(of_seed)), cells[0], _cell(lost), *cells[1:]]) + " |")
    return "\n".join(lines)


def _cell(values: Sequence[float | None]) -> str:
    there = [value for value in values if value is not None]
    if len(there) < 2:
        return f"{there[0]:.3f}" if there else ""
    low, high = interval(there)
    return f"{np.mean(there):.3f} ± {np.std(there, ddof=1):.3f} ({low:.3f} to {high:.3f})"
