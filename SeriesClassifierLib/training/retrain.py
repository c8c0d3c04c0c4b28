"""From exported corrections to a new bundle: read, split by patient, teach, describe.

Each recipe knows how to teach its kind of bundle; all else is the same for all of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from SeriesClassifierLib.bundles.bundle import CARD, Bundle, open_bundle, write_bundle
from SeriesClassifierLib.errors import TrainingError, UsageError
from SeriesClassifierLib.records import UNKNOWN
from SeriesClassifierLib.training import retrain_brain, retrain_headers, retrain_pictures
from SeriesClassifierLib.training.engine import Advance
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.exported import TrainingSet, read_training_sets
from SeriesClassifierLib.training.folds import by_exam
from SeriesClassifierLib.training.learned import LOST, MOST_LOST, Learned

logger = logging.getLogger(__name__)

Teach = Callable[
    [Bundle, Sequence[Example], Sequence[Example], Path, int, Path, Callable[[Advance], None]], Learned
]
# Recipe -> task of the bundles it can start from, and what teaches.
RECIPES: Mapping[str, tuple[str, Teach]] = {
    "headers": ("headers", retrain_headers.learn),
    "prostate-joint": ("prostate", retrain_pictures.learn),
    "liver-bca": ("liver", retrain_pictures.learn),
    "brain-ensemble": ("brain", retrain_brain.learn),
}
# One patient in five stops the training in time; with fewer than this all of them are needed to learn from.
_FOLDS = 5
_FEWEST_PATIENTS = 10


@dataclass(frozen=True)
class Retrained:
    """A new bundle, what its run says in one sentence, and the page with its curves."""

    bundle: Bundle
    summary: str
    report: Path


def retrain(
    recipe: str,
    data: Sequence[Path],
    base: Path,
    out: Path,
    *,
    seed: int = 1,
    work: Path | None = None,
    heard: Callable[[Advance], None] = lambda _advance: None,
) -> Retrained:
    """Teach ``base`` what the training sets in ``data`` say; the new bundle is written to ``out``.

    Checkpoints and curves are kept in ``work`` (default: ``out``-work): the same call goes on there.
    Raises UsageError for a recipe that does not fit the base, SourceError for data that cannot be used,
    TrainingError when there is nothing to learn from.
    """
    task, teach = _recipe(recipe)
    started_from = open_bundle(base)
    if started_from.description["task"] != task:
        raise UsageError(
            f"recipe {recipe} retrains bundles of the task {task}, and {started_from.name} is of "
            f"{started_from.description['task']}: name another base or recipe"
        )
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: name a new folder, no bundle is ever overwritten")
    local = read_training_sets(data)
    examples = [example for example in local.examples if _teaches(example, started_from)]
    if not examples:
        raise TrainingError("no part has a label that this bundle knows: label some and export again")
    train, validation = split_by_patient(examples, seed)
    mark = hashlib.sha256(f"{local.digest}|{started_from.digest}|{recipe}|{seed}".encode()).hexdigest()[:8]
    place = (work or out.with_name(out.name + "-work")) / mark
    draft = place / "bundle"
    logger.info("%d parts to learn from, %d to stop in time", len(train), len(validation))
    learned = teach(started_from, train, validation, draft, seed, place, heard)
    description = _description(started_from, learned, local, train, seed, recipe, mark)
    (draft / CARD).write_text(_card(description), encoding="utf-8")
    write_bundle(draft, description)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.is_dir():
        out.rmdir()
    draft.replace(out)
    return Retrained(open_bundle(out), summary(learned), place / "curves.html")


def _recipe(name: str) -> tuple[str, Teach]:
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}: use one of {', '.join(RECIPES)}")
    return RECIPES[name]


def _teaches(example: Example, bundle: Bundle) -> bool:
    """Whether it has a label that the bundle can learn; where a facet has OTHER, any label is one."""
    known = {facet: example.facet(facet) for facet in bundle.facets}
    return any(
        known[facet] in names or ("OTHER" in names and known[facet] != UNKNOWN)
        for facet, names in bundle.facets.items()
    )


def split_by_patient(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """(to learn from, to stop in time): no patient in both. The second is empty for few patients."""
    patients = sorted({example.exam for example in examples})
    if len(patients) < _FEWEST_PATIENTS:
        return list(examples), []
    order = np.random.default_rng(seed).permutation(len(patients))
    alias = {patients[index]: f"{place:08d}" for place, index in enumerate(order)}
    folds = by_exam([alias[example.exam] for example in examples], _FOLDS)
    train = [example for example, fold in zip(examples, folds, strict=True) if fold]
    return train, [example for example, fold in zip(examples, folds, strict=True) if not fold]


def summary(learned: Learned) -> str:
    """What came out, for people."""
    corrections = learned.figures["corrections"]
    parts = []
    for name, words in (("trained on", "corrections"), ("patients left out", "labels of patients left out")):
        figures = corrections[name]
        if figures["parts"]:
            parts.append(
                f"{figures['right after']} of {figures['parts']} {words} are right (before "
                f"{figures['right before']})"
            )
    kept = learned.figures.get("checkpoint", {})
    if kept.get("share", 1.0) < 1:
        parts.append(
            f"only {kept['share']:.0%} of what was learned was taken, as all of it lost more than "
            f"{MOST_LOST:.0%} of a class"
        )
    elif kept.get("given up"):
        parts.append(
            f"the checkpoint of step {kept['step']} was taken, as {kept['given up']} others lost more than "
            f"{MOST_LOST:.0%} of a class"
        )
    lost = learned.figures[LOST]
    worst = max(lost, key=lambda name: (lost[name], name), default="")
    if worst and lost[worst] > MOST_LOST:
        parts.append(
            f"{worst} lost {lost[worst]:.1%} of its recall on simulated series: look before adopting"
        )
    elif worst:
        parts.append(f"no class lost more than {max(0.0, lost[worst]):.1%} of its recall on simulated series")
    return "; ".join(parts)


def lost_too_much(bundle: Bundle) -> bool:
    """Whether a class lost more of its recall in retraining than it may."""
    lost = bundle.description["figures"][LOST]
    return any(value > MOST_LOST for value in lost.values())


def _description(
    base: Bundle,
    learned: Learned,
    local: TrainingSet,
    train: Sequence[Example],
    seed: int,
    recipe: str,
    mark: str,
) -> dict[str, Any]:
    patients = {example.exam for example in train}
    keys = sorted(
        {
            key
            for example, keys in zip(local.examples, local.keys, strict=True)
            if example.exam in patients
            for key in keys
        }
    )
    plain = str(base.version).partition("+")[0]
    old = base.description
    return {
        **{name: value for name, value in old.items() if name not in ("sha256", "library_version")},
        "version": f"{plain}+{mark}",
        "encoder": learned.encoder,
        "heads": [{"facet": facet, "classes": list(names)} for facet, names in learned.heads.items()],
        "temperature": dict(learned.temperature),
        **({"temperature_alone": dict(learned.temperature_alone)} if learned.temperature_alone else {}),
        "thresholds": {facet: dict(values) for facet, values in learned.thresholds.items()},
        "training": {
            "data": (
                f"{len(train)} parts of {len(patients)} patients, as people of the site named them; before "
                f"that: {old['training']['data']}"
            ),
            "licence": "of the site whose labels it learned from",
            "seed": seed,
            "recipe": {"name": recipe, **learned.settings},
            "base": {"name": base.name, "version": base.version, "digest": base.digest},
            "patient_keys": sorted({*keys, *old["training"].get("patient_keys", ())}),
        },
        "figures": json.loads(json.dumps(dict(learned.figures))),
        "versions": {"torch": torch.__version__.split("+")[0], "numpy": np.__version__},
    }


def _card(description: Mapping[str, Any]) -> str:
    training, figures = description["training"], description["figures"]
    base = training["base"]
    corrections = "\n".join(
        f"| {name} | {row['parts']} | {row['right before']} | {row['right after']} |"
        for name, row in figures["corrections"].items()
    )
    lost = "\n".join(
        f"| {name} | {value:+.2%} |"
        for name, value in sorted(figures[LOST].items(), key=lambda item: -item[1])[:10]
    )
    return f"""# Bundle {description["name"]} {description["version"]}

**Research use; not a medical device.**

Made at a site from {base["name"]} {base["version"]} by the recipe `{training["recipe"]["name"]}`.

- **Trained on**: {training["data"]}.
- **Seed**: {training["seed"]}. **Licence**: {training["licence"]}.
- **Intended use**: at the site whose labels it learned from; a person looks at what is not `auto`.
- **Known failures**: those of the bundle it was made from; what people named wrongly, it learned.

Parts named as people named them:

| parts | n | before | after |
|---|---|---|---|
{corrections}

Recall that classes lost on fresh simulated series of strange scanners (the ten that lost most):

| class | lost |
|---|---|
{lost}
"""
