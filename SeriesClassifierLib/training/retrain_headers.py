"""Teach a header bundle what a site corrected: near those protocols, and nowhere else.

The copy that learns sees corrected headers, damaged in many ways, between simulated ones, for which it must
say what the base says (Li & Hoiem, 2017, "learning without forgetting") and what is true. A gate lets it
speak only near the corrected protocols (``models.site_header_model``), so fifty corrections cannot wreck what
worked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from SeriesClassifierLib.bundles.bundle import WEIGHTS, Bundle
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.models.header_model import HeaderModel
from SeriesClassifierLib.models.site_header_model import ProtocolGate, SiteHeaderModel
from SeriesClassifierLib.simulation.damage import damage
from SeriesClassifierLib.simulation.headers import STRANGE
from SeriesClassifierLib.training.batches import tensors
from SeriesClassifierLib.training.calibration import facet_logits, softmax
from SeriesClassifierLib.training.engine import Advance, Group, Schedule, fit, threads
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.training.headers_bundle import export, figures_on, predict
from SeriesClassifierLib.training.learned import LOST, MOST_LOST, Learned, recall_lost, rounded
from SeriesClassifierLib.training.onnx_export import load_weights
from SeriesClassifierLib.training.pool import UNLABELLED
from SeriesClassifierLib.training.simulated_headers import IS_BINARY, HeaderTable, draw_table, feature_vector

_SHARE = {"sequence": 1.0, "phase": 0.3, "region": 0.3}
_LABEL_SMOOTHING = 0.02


@dataclass(frozen=True)
class Settings:
    """``copies`` of a corrected header, all but one damaged; a step sees ``replayed`` simulated headers
    and ``local`` copies; ``keeping`` is what agreeing with the base counts. ``judges`` are simulated headers
    that decide when to stop, ``held_out`` those to measure on.
    """

    steps: int = 150
    rate: float = 1e-3
    replay: int = 8_000
    judges: int = 1_500
    held_out: int = 4_000
    copies: int = 16
    replayed: int = 192
    local: int = 64
    keeping: float = 2.0
    evaluate_every: int = 25
    patience: int = 4


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
    ``work``.
    """
    with threads(1):
        return _learn(base, train, validation, folder, seed, work, heard, settings or Settings())


def _learn(
    base: Bundle,
    train: Sequence[Example],
    validation: Sequence[Example],
    folder: Path,
    seed: int,
    work: Path,
    heard: Callable[[Advance], None],
    settings: Settings,
) -> Learned:
    heads = {facet: list(names) for facet, names in base.facets.items()}
    torch.manual_seed(seed)
    known = load_model(base)
    replay = draw_table(np.random.default_rng(seed + 1), settings.replay, heads)
    judges = draw_table(np.random.default_rng(seed + 2), settings.judges, heads, shift=STRANGE)
    local = _table(np.random.default_rng(seed + 3), train, heads, settings.copies)
    model = _student(known, local.values[:: settings.copies])
    judged = _table(np.random.default_rng(seed + 4), validation or train, heads, 4)
    before = predict(known, judges.values)

    def score(module: nn.Module) -> float:
        """How sure of the truth the model is on judged headers, less what it lost elsewhere."""
        lost = max(_lost(before, predict(module, judges.values), judges).values(), default=0.0)
        return _certainty(predict(module, judged.values), judged) - 10 * max(0.0, lost - MOST_LOST)

    fit(
        model,
        _Draw(seed, settings, replay, predict(known, replay.values), local),
        _Loss(heads, settings),
        Schedule(
            settings.steps,
            settings.rate,
            evaluate_every=settings.evaluate_every,
            patience=settings.patience,
        ),
        groups=[Group(tuple(model.adapted.parameters()))],
        evaluate=score,
        folder=work,
        heard=heard,
    )
    folder.mkdir(parents=True, exist_ok=True)
    export(model, folder)
    # Elsewhere the answers are those of the base, and so is what was found about them; how sure one may be of
    # what a handful of corrections taught, nothing here could tell better.
    temperature: Mapping[str, float] = base.description["temperature"]
    thresholds: Mapping[str, Any] = base.description["thresholds"]
    test = draw_table(np.random.default_rng(seed + 5), settings.held_out, heads, shift=STRANGE)
    figures = figures_on(predict(model, test.values), test, temperature, thresholds)
    return Learned(
        heads,
        temperature,
        thresholds,
        {
            **figures,
            LOST: rounded(_lost(predict(known, test.values), predict(model, test.values), test)),
            "corrections": {
                "trained on": _right(known, model, train, heads),
                "patients left out": _right(known, model, validation, heads),
            },
            "protocols": len(model.gate.prototypes),
        },
        "sparse metadata encoder; near corrected protocols one that learned from them",
        asdict(settings),
    )


def load_model(bundle: Bundle) -> HeaderModel | SiteHeaderModel:
    """The model of a header bundle in torch, in evaluation mode. Raises BundleError when it does not fit."""
    from safetensors import SafetensorError, safe_open

    if list(bundle.description["features"]) != [feature.name for feature in FEATURES]:
        raise BundleError(f"bundle {bundle.name} was made with other features: retrain from a current one")
    try:
        with safe_open(bundle.folder / WEIGHTS, framework="pt") as file:
            names = set(file.keys())
            shapes = {name: file.get_slice(name).get_shape() for name in names}
    except (OSError, SafetensorError) as error:
        raise BundleError(
            f"{bundle.name}: {WEIGHTS} cannot be read ({error}): reinstall the bundle"
        ) from error
    sizes = {facet: len(classes) for facet, classes in bundle.facets.items()}
    is_site = "gate.prototypes" in names
    prefix = "base." if is_site else ""
    members = len({name.split(".")[1 + is_site] for name in names if name.startswith(f"{prefix}members.")})
    width = shapes.get(f"{prefix}members.0.0.encoder.empty", [0])[0]
    if not members or not width:
        raise BundleError(f"bundle {bundle.name} holds no header model: name a header bundle as --base")

    def blank() -> HeaderModel:
        return HeaderModel(IS_BINARY, sizes, d=width, members=members)

    model: HeaderModel | SiteHeaderModel = blank()
    if is_site:
        model = SiteHeaderModel(blank(), blank(), ProtocolGate.blank(shapes["gate.prototypes"][0]))
    load_weights(model, bundle.folder)
    return model.eval()


def _student(known: HeaderModel | SiteHeaderModel, corrected: NDArray[np.float32]) -> SiteHeaderModel:
    """A copy that starts from what is known, open for the protocols of ``corrected`` (N, F) besides."""
    import copy

    gate = ProtocolGate(*tensors(corrected))
    if isinstance(known, SiteHeaderModel):
        student = copy.deepcopy(known)
        gate.know(student.gate)
        student.gate = gate
    else:
        student = SiteHeaderModel(copy.deepcopy(known), copy.deepcopy(known), gate)
    for parameter in student.base.parameters():
        parameter.requires_grad_(False)
    return student


def _table(
    rng: np.random.Generator, examples: Sequence[Example], heads: Mapping[str, list[str]], copies: int
) -> HeaderTable:
    """Each example as it is and ``copies`` - 1 times damaged; what nobody named is UNLABELLED."""
    rows = [
        feature_vector(features(damage(rng, example.header) if copy else example.header))
        for example in examples
        for copy in range(copies)
    ]
    labels = {
        facet: np.repeat([_index(example.facet(facet), names) for example in examples], copies)
        for facet, names in heads.items()
    }
    return HeaderTable(np.stack(rows), labels, {facet: list(names) for facet, names in heads.items()})


def _index(value: str, names: Sequence[str]) -> int:
    return names.index(value) if value in names else UNLABELLED


@dataclass(frozen=True, eq=False)
class _Drawn:
    values: Tensor
    observed: Tensor
    labels: Mapping[str, Tensor]
    known: Tensor


class _Draw:
    """Callable: step -> simulated headers, then copies of corrected ones, classes balanced."""

    def __init__(
        self,
        seed: int,
        settings: Settings,
        replay: HeaderTable,
        known: NDArray[np.float32],
        local: HeaderTable,
    ) -> None:
        """``known`` are the logits of the base for ``replay``."""
        self._seed, self._settings = seed, settings
        self._replay, self._known, self._local = replay, torch.from_numpy(known), local
        classes = local.labels["sequence"].tolist()
        counts = Counter(classes)
        weights = np.array([1 / np.sqrt(counts[name]) for name in classes])
        self._chances = weights / weights.sum()

    def __call__(self, step: int) -> _Drawn:
        rng = np.random.default_rng((self._seed, step))
        old = rng.integers(len(self._replay.values), size=self._settings.replayed)
        new = rng.choice(len(self._local.values), self._settings.local, p=self._chances)
        values, observed = tensors(np.concatenate([self._replay.values[old], self._local.values[new]]))
        labels = {
            facet: torch.from_numpy(np.concatenate([self._replay.labels[facet][old], of_local[new]]))
            for facet, of_local in self._local.labels.items()
        }
        return _Drawn(values, observed, labels, self._known[old])


class _Loss:
    """Cross-entropy of what is labelled, and on simulated headers the divergence from what was known."""

    def __init__(self, heads: Mapping[str, Sequence[str]], settings: Settings) -> None:
        self._heads, self._settings = heads, settings

    def __call__(self, model: nn.Module, drawn: _Drawn) -> Tensor:
        assert isinstance(model, SiteHeaderModel)
        sizes = [len(names) for names in self._heads.values()]
        # Asked without the gate: near its border the copy must be sensible, too.
        logits = model.adapted(drawn.values, drawn.observed).split(sizes, dim=-1)
        known, n = torch.split(drawn.known, sizes, dim=-1), len(drawn.known)
        total = torch.zeros(())
        for facet, part, before in zip(self._heads, logits, known, strict=True):
            labels = drawn.labels[facet]
            replayed = cross_entropy(part[:n], labels[:n], label_smoothing=_LABEL_SMOOTHING)
            kept = kl_div(part[:n].log_softmax(-1), before.softmax(-1), reduction="batchmean")
            total = total + _SHARE[facet] * (replayed + self._settings.keeping * kept)
            local = labels[n:] != UNLABELLED
            if bool(local.any()):
                said = cross_entropy(part[n:][local], labels[n:][local], label_smoothing=_LABEL_SMOOTHING)
                total = total + _SHARE[facet] * said
        return total


def _certainty(logits: NDArray[np.float32], table: HeaderTable) -> float:
    """Mean probability of the true sequence, of the headers that have one; 0.0 where none has."""
    labels = table.labels["sequence"]
    rows = np.flatnonzero(labels != UNLABELLED)
    if not len(rows):
        return 0.0
    probabilities = softmax(facet_logits(logits, table.classes)["sequence"])
    return float(probabilities[rows, labels[rows]].mean())


def _lost(before: NDArray[np.float32], after: NDArray[np.float32], table: HeaderTable) -> dict[str, float]:
    """Sequence class -> recall lost from ``before`` to ``after``; below 0 where it was won."""
    old, new = (facet_logits(logits, table.classes)["sequence"] for logits in (before, after))
    return recall_lost(old, new, table.labels["sequence"], table.classes["sequence"])


def _right(
    known: nn.Module, model: nn.Module, examples: Sequence[Example], heads: Mapping[str, list[str]]
) -> dict[str, int]:
    """How many sequences the old and the new model name as people did."""
    named = [example for example in examples if example.facet("sequence") in heads["sequence"]]
    out = {"parts": len(named), "right before": 0, "right after": 0}
    if named:
        table = _table(np.random.default_rng(0), named, heads, 1)
        for name, module in (("right before", known), ("right after", model)):
            logits = facet_logits(predict(module, table.values), table.classes)["sequence"]
            out[name] = int((logits.argmax(1) == table.labels["sequence"]).sum())
    return out
