"""The rows of each task, and those that need no network of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.models.fusion import EarlyFusion, JointFusion, fit_late_fusion, late_fusion
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.series_model import ConcatModel, LiverModel
from SeriesClassifierLib.training.ablations.bench import DAMAGED, Answers, Bench, picture_model
from SeriesClassifierLib.training.ablations.measures import weighted_f1
from SeriesClassifierLib.training.ablations.networks import Build, deep, header_alone
from SeriesClassifierLib.training.ablations.plans import ENCODER_3D, Plan
from SeriesClassifierLib.training.pool import UNLABELLED
from SeriesClassifierLib.training.simulated_headers import IS_BINARY

_COPIES_FOR_TREES = 2

Combine = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Row:
    """One row; ``{encoder}`` in ``title`` is replaced. ``cost`` is its time, in units of one fused row."""

    name: str
    title: str
    run: Callable[[Bench], Answers]
    cost: float


def _trees(bench: Bench, classifier: Callable[[], Any]) -> Answers:
    """One classifier of scikit-learn a facet, on the training headers, NaN where a value is absent."""
    validation: dict[str, NDArray[np.float64]] = {}
    test: dict[str, NDArray[np.float64]] = {}
    headers = bench.all_headers
    for facet in bench.measured:
        known = headers.labels[facet] != UNLABELLED
        # The intact copy and a damaged one: more of the same header teach a tree little.
        values = headers.values[known, :_COPIES_FOR_TREES]
        # A feature that no training header has would stop the boosting, and says nothing anyway.
        columns = np.flatnonzero(~np.isnan(values).all(axis=(0, 1)))
        labels = np.repeat(headers.labels[facet][known], values.shape[1])
        model = classifier().fit(values[:, :, columns].reshape(len(labels), -1), labels)
        for pool, out in ((bench.validation, validation), (bench.test, test)):
            out[facet] = np.zeros((len(pool), bench.task.sizes[facet]))
            out[facet][:, model.classes_] = model.predict_proba(pool.values[:, DAMAGED][:, columns])
    return Answers(validation, test)


def _boosted(bench: Bench) -> Answers:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _trees(
        bench,
        lambda: HistGradientBoostingClassifier(
            early_stopping=False, class_weight="balanced", random_state=bench.seed
        ),
    )


def _forest(bench: Bench) -> Answers:
    from sklearn.ensemble import RandomForestClassifier

    return _trees(
        bench,
        lambda: RandomForestClassifier(
            n_estimators=200, min_samples_leaf=2, class_weight="balanced_subsample", random_state=bench.seed
        ),
    )


def _combined(
    bench: Bench, first: Answers, second: Answers, learn: Callable[[str], tuple[Combine, Mapping[str, Any]]]
) -> Answers:
    """Two answers as one. ``learn`` gives, of a facet, how, and what is to be noted of it."""
    validation, test, notes = {}, {}, {}
    for facet in bench.measured:
        combine, notes[facet] = learn(facet)
        validation[facet] = combine(first.validation[facet], second.validation[facet])
        test[facet] = combine(first.test[facet], second.test[facet])
    return Answers(validation, test, notes)


def _two_stage(bench: Bench) -> Answers:
    """A forest on the header; where it is less sure than a threshold, the answer of the row image 2D."""
    forest, picture = _forest(bench), bench.answers_of("image-2d")

    def learn(facet: str) -> tuple[Combine, Mapping[str, Any]]:
        threshold = _threshold(
            forest.validation[facet], picture.validation[facet], bench.validation.labels[facet]
        )
        sure = forest.test[facet].max(1) >= threshold
        note = {"threshold": round(threshold, 4), "by forest": round(float(sure.mean()), 4)}
        return partial(_staged, threshold=threshold), note

    return _combined(bench, forest, picture, learn)


def _staged(first: NDArray[np.float64], second: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    return np.where(first.max(1, keepdims=True) >= threshold, first, second)


def _threshold(first: NDArray[np.float64], second: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The confidence of ``first`` below which ``second`` should answer: the best weighted F1 there is."""
    if not (labels != UNLABELLED).any():
        return 0.0
    candidates = [0.0, *np.quantile(first.max(1), np.linspace(0.05, 0.95, 19)), 1.01]
    scores = [weighted_f1(_staged(first, second, c), labels) for c in candidates]
    return float(candidates[int(np.argmax(scores))])


def _late(bench: Bench) -> Answers:
    """Picture-only and header-only, weighted on the validation studies."""
    picture, header = bench.answers_of("picture-only"), bench.answers_of("header-only")

    def learn(facet: str) -> tuple[Combine, Mapping[str, Any]]:
        labels = bench.validation.labels[facet]
        known = labels != UNLABELLED
        weights = fit_late_fusion(
            picture.validation[facet][known], header.validation[facet][known], labels[known]
        )
        note = {"picture": round(weights[0], 4), "header": round(weights[1], 4)}
        return partial(late_fusion, weights=weights), note

    return _combined(bench, picture, header, learn)


def _fused(model: Callable[..., PictureHeaderModel], **options: Any) -> Build:
    return lambda encoder, bench: model(encoder, IS_BINARY, bench.task.sizes, **options)


def _always(_plan: Plan) -> bool:
    return True


def _planned(plan: Plan) -> bool:
    return plan.frozen


ROWS: Mapping[str, tuple[Row, ...]] = {
    "prostate": (
        Row("header-only", "header only (sparse metadata encoder)", header_alone, 0.1),
        Row("picture-only", "picture only ({encoder}, two steps)", deep(picture_model), 1.0),
        Row(
            "early-fusion", "early fusion ({encoder}, frozen)", deep(_fused(EarlyFusion), frozen=_always), 0.8
        ),
        Row("late-fusion", "late fusion (picture only and header only)", _late, 0.0),
        Row("joint-fusion", "joint fusion ({encoder})", deep(_fused(JointFusion)), 1.0),
    ),
    "liver": (
        Row("image-2d", "image 2D ({encoder})", deep(picture_model), 3.0),
        Row("image-3d", f"image 3D ({ENCODER_3D})", deep(picture_model, encoder=ENCODER_3D), 2.2),
        Row("header", "header (HistGradientBoosting, XGBoost-like)", _boosted, 0.2),
        Row(
            "concat-zero",
            "concatenation, absent tags zero",
            deep(_fused(ConcatModel), frozen=_planned),
            1.0,
        ),
        Row(
            "concat-learned",
            "concatenation, absent tags learned",
            deep(_fused(ConcatModel, imputation="learned"), frozen=_planned),
            1.0,
        ),
        Row("two-stage", "two-stage (random forest, then image 2D)", _two_stage, 0.1),
        Row("sme-bca", "SME + BCA", deep(_fused(LiverModel), frozen=_planned), 1.0),
    ),
}
