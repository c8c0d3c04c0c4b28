"""Make the bundle ``headers``: train the header model on simulated headers, calibrate it, export it,
describe it.

python -m SeriesClassifierLib.training.headers_bundle --seed 1 --out FOLDER
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SeriesClassifierLib.bundles.bundle import CARD, MODEL, WEIGHTS, write_bundle
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.models.header_model import HeaderModel
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.batches import tensors
from SeriesClassifierLib.training.calibration import (
    RISKS,
    expected_calibration_error,
    facet_logits,
    fit_temperature,
    review_below,
    softmax,
    threshold_for_risk,
)
from SeriesClassifierLib.training.simulated_headers import IS_BINARY, HeaderTable, draw_table
from SeriesClassifierLib.vocabulary import classes

logger = logging.getLogger(__name__)

VERSION = "1.0.0"
FACETS = ("sequence", "phase", "region")
# More headers at once do not fit the cache and take longer.
_AT_ONCE = 512
# The sequence is what the bundle is for; contrast phase and region are often not in the header at all.
_LOSS_WEIGHT = {"sequence": 1.0, "phase": 0.3, "region": 0.3}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result besides the code."""

    seed: int = 1
    series: int = 75_000
    copies: int = 2
    held_out: int = 12_000
    epochs: int = 8
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    width: int = 96
    members: int = 3
    risks: tuple[float, ...] = RISKS
    label_smoothing: float = 0.02


def make(recipe: Recipe, folder: Path) -> None:
    """Train, calibrate, export and write the bundle to ``folder``."""
    started = time.monotonic()
    names = {facet: list(classes(facet)) for facet in FACETS}
    rng = np.random.default_rng(recipe.seed)
    train = draw_table(rng, recipe.series, names, copies=recipe.copies)
    held_out = draw_table(np.random.default_rng(recipe.seed + 10_000), recipe.held_out, names, shift=STRANGE)
    test = draw_table(np.random.default_rng(recipe.seed + 20_000), recipe.held_out, names, shift=STRANGE)
    logger.info("simulated %d headers in %.0f s", len(train.values), time.monotonic() - started)
    model = train_model(recipe, train, held_out)
    logits = predict(model, held_out.values)
    temperature, thresholds = calibrate(logits, held_out, recipe.risks)
    figures = figures_on(predict(model, test.values), test, temperature, thresholds)
    folder.mkdir(parents=True, exist_ok=True)
    export(model, folder)
    description = _description(recipe, names, temperature, thresholds, figures)
    (folder / CARD).write_text(_card(description), encoding="utf-8")
    write_bundle(folder, description)
    logger.info("made the bundle in %.0f s: %s", time.monotonic() - started, figures["sequence"])


def train_model(recipe: Recipe, train: HeaderTable, held_out: HeaderTable) -> HeaderModel:
    """The trained model, in evaluation mode. Every member sees its own order of the same data."""
    torch.manual_seed(recipe.seed)
    sizes = {facet: len(names) for facet, names in train.classes.items()}
    model = HeaderModel(IS_BINARY, sizes, d=recipe.width, members=recipe.members)
    values, observed = tensors(train.values)
    labels = {facet: torch.from_numpy(train.labels[facet]) for facet in train.classes}
    steps = recipe.epochs * (len(values) // recipe.batch)
    for number, member in enumerate(model.members):
        generator = torch.Generator().manual_seed(recipe.seed * 1000 + number)
        optimizer = torch.optim.AdamW(
            member.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.1
        )
        member.train()
        for epoch in range(recipe.epochs):
            order = torch.randperm(len(values), generator=generator)
            loss = torch.zeros(())
            for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
                rows = order[start : start + recipe.batch]
                logits = member((values[rows], observed[rows]))
                loss = _loss(recipe, logits, {f: y[rows] for f, y in labels.items()}, sizes)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(member.parameters(), 1.0)
                optimizer.step()
                schedule.step()
            logger.info("member %d epoch %d loss %.4f", number, epoch, loss.item())
        member.eval()
    model.eval()
    accuracy = (
        predict(model, held_out.values)[:, : sizes["sequence"]].argmax(1) == held_out.labels["sequence"]
    ).mean()
    logger.info("held-out sequence accuracy %.4f", accuracy)
    return model


def predict(model: nn.Module, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits (N, classes of all facets)."""
    with torch.inference_mode():
        out: NDArray[np.float32] = np.concatenate(
            [
                model(*tensors(values[start : start + _AT_ONCE])).numpy()
                for start in range(0, len(values), _AT_ONCE)
            ]
        )
    return out


def _loss(recipe: Recipe, logits: Tensor, labels: Mapping[str, Tensor], sizes: Mapping[str, int]) -> Tensor:
    loss = torch.zeros(())
    start = 0
    for facet, size in sizes.items():
        part = nn.functional.cross_entropy(
            logits[:, start : start + size], labels[facet], label_smoothing=recipe.label_smoothing
        )
        loss = loss + _LOSS_WEIGHT[facet] * part
        start += size
    return loss


def calibrate(
    logits: NDArray[np.float32], table: HeaderTable, risks: Sequence[float] = RISKS
) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
    """Facet -> temperature, and facet -> thresholds as in ``bundle.json``, on headers held out."""
    temperature: dict[str, float] = {}
    thresholds: dict[str, dict[str, Any]] = {}
    for facet, part in facet_logits(logits, table.classes).items():
        labels = table.labels[facet]
        temperature[facet] = fit_temperature(part, labels)
        scaled = part / temperature[facet]
        auto = {str(risk): threshold_for_risk(scaled, labels, risk) for risk in risks}
        thresholds[facet] = {"auto": auto, "review": review_below(facet)}
    return temperature, thresholds


def figures_on(
    logits: NDArray[np.float32],
    table: HeaderTable,
    temperature: Mapping[str, float],
    thresholds: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Figures on fresh simulated headers. They say how well the model knows the simulator, not the world."""
    on = f"{len(table.values):,} fresh simulated headers of scanners stranger than in training"
    figures: dict[str, Any] = {"on": on}
    for facet, part in facet_logits(logits, table.classes).items():
        probabilities = softmax(part / temperature[facet])
        right = probabilities.argmax(1) == table.labels[facet]
        sure = probabilities.max(1) >= thresholds[facet]["auto"]["0.01"]
        figures[facet] = {
            "accuracy": round(float(right.mean()), 4),
            "share_auto": round(float(sure.mean()), 4),
            "error_of_auto": round(float(1 - right[sure].mean()) if sure.any() else 0.0, 4),
            "expected_calibration_error": round(
                expected_calibration_error(probabilities, table.labels[facet]), 4
            ),
        }
    return figures


def export(model: nn.Module, folder: Path) -> None:
    """Write ``model.onnx`` (inputs values, observed: (N, F) float32; output logits) and
    ``weights.safetensors``.
    """
    from safetensors.torch import save_file

    sample = torch.zeros(1, len(FEATURES))
    with warnings.catch_warnings():
        # The exporter that replaces this one needs a compiler package, which this model has no use for.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (sample, torch.ones_like(sample)),
            str(folder / MODEL),
            input_names=["values", "observed"],
            output_names=["logits"],
            dynamic_axes={name: {0: "n"} for name in ("values", "observed", "logits")},
            opset_version=17,
            dynamo=False,
        )
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / WEIGHTS)


def _description(
    recipe: Recipe,
    names: Mapping[str, list[str]],
    temperature: Mapping[str, float],
    thresholds: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "name": "headers",
        "version": VERSION,
        "task": "headers",
        "encoder": "sparse metadata encoder",
        "heads": [{"facet": facet, "classes": labels} for facet, labels in names.items()],
        "features": [feature.name for feature in FEATURES],
        "preprocessing": {"absent": "not observed; never imputed"},
        "temperature": dict(temperature),
        "thresholds": {facet: dict(values) for facet, values in thresholds.items()},
        "training": {
            "data": (
                f"{recipe.series} simulated series, each damaged in {recipe.copies} ways; no patient data"
            ),
            "licence": "Apache-2.0",
            "seed": recipe.seed,
            "recipe": {**vars(recipe), "risks": list(recipe.risks)},
        },
        "figures": dict(figures),
        "versions": {"torch": torch.__version__.split("+")[0], "numpy": np.__version__},
    }


def _card(description: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {facet} | {v['accuracy']} | {v['share_auto']} | {v['error_of_auto']} | "
        f"{v['expected_calibration_error']} |"
        for facet, v in sorted(description["figures"].items())
        if isinstance(v, dict)
    )
    training = description["training"]
    return f"""# Bundle headers {description["version"]}

**Research use; not a medical device.**

Tells sequence, contrast phase and region of an MR series from its header alone: acquisition parameters, codes
and image type, never from what people wrote (SeriesDescription, ProtocolName). Missing tags are missing.

- **Model**: sparse metadata encoder, {training["recipe"]["members"]} members, one head a facet.
- **Trained on**: {training["data"]}.
- **Seed**: {training["seed"]}. **Licence**: Apache-2.0.
- **Intended use**: sorting and finding series; a person looks at what is not `auto`.
- **Known failures**: contrast phase is seldom in the header; water and fat images, and maps computed from a
  series, look like their source once ImageType is removed; headers can be wrong in ways not simulated.

Figures on {description["figures"]["on"]}. They say how well the model
knows the simulator, not how it does on your scanner; for real series see the table in the README.

| facet | accuracy | share `auto` | error of `auto` | ECE |
|---|---|---|---|---|
{rows}
"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--series", type=int, default=Recipe.series)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    make(Recipe(seed=arguments.seed, series=arguments.series, epochs=arguments.epochs), arguments.out)


if __name__ == "__main__":
    main()
