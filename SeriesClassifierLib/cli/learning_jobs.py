"""The jobs of the worker from corrections to an adopted bundle; see ``worker_jobs`` for their form.

Long ones say ``progress``: ``what`` is done now, ``done`` of ``total`` steps of it, and in training
``seconds_left``, ``loss`` and ``score``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.bundles.adopted import adopt as adopt_bundle
from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.adopted import rollback as roll_back
from SeriesClassifierLib.bundles.bundle import open_bundle
from SeriesClassifierLib.cli.learn import training_packages
from SeriesClassifierLib.cli.worker_jobs import Asked, Cancelled, Request, Say, path_of
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.identity import series_key
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.sources import open_source

if TYPE_CHECKING:
    from SeriesClassifierLib.training.engine import Advance

# More flips than this are in the report; a list of them in a window helps nobody.
_MOST_FLIPS = 2000
_MOST_FINDINGS = 20


def export_training(request: Request, say: Say, cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``source``, ``out``, if wanted ``dicom``, ``volumes``: the training set, searched."""
    from SeriesClassifierLib.export.curated import export_curated
    from SeriesClassifierLib.export.labeled_parts import LabeledParts
    from SeriesClassifierLib.export.training_layout import Settings

    with LabeledParts() as labels:
        with Journal(path_of(request, "journal"), readonly=True) as journal:
            labels.extend(journal.human_labels())
        if not labels and not labels.n_without_key:
            raise UsageError("nobody has labeled anything yet: correct or accept labels first")
        result = export_curated(
            labels,
            path_of(request, "source"),
            path_of(request, "out"),
            Settings(dicom=bool(request.get("dicom")), volumes=bool(request.get("volumes"))),
            told=_progress(say, cancelled),
        )
    return {
        "parts": result.exported.parts,
        "patients": result.exported.patients,
        "left_out": dict(result.exported.left_out),
        "out": str(result.exported.folder),
        "findings": len(result.findings),
        "found": [str(finding) for finding in result.findings[:_MOST_FINDINGS]],
    }


def train(request: Request, say: Say, cancelled: Asked) -> dict[str, Any]:
    """``data`` (folders), ``base``, ``recipe``, ``out``, if wanted ``seed``: a new bundle.

    A run that was cancelled goes on when it is asked for again.
    """
    folders = request.get("data")
    if not isinstance(folders, list) or not folders:
        raise UsageError("the job train needs 'data', a list of folders")

    def heard(advance: Advance) -> None:
        _stop_if(cancelled)
        say(
            "progress",
            what="training",
            done=advance.step,
            total=advance.steps,
            seconds_left=advance.seconds_left,
            loss=advance.loss,
            score=advance.score,
        )

    say("progress", what="reading", done=0, total=0)
    with training_packages():
        from SeriesClassifierLib.training.retrain import retrain

        result = retrain(
            str(request.get("recipe", "")),
            [Path(str(folder)) for folder in folders],
            find_bundle(str(request.get("base") or "")),
            path_of(request, "out"),
            seed=int(request.get("seed", 1)),
            heard=heard,
        )
    return {
        "bundle": str(result.bundle.folder),
        "name": result.bundle.name,
        "version": result.bundle.version,
        "summary": result.summary,
        "report": str(result.report),
    }


def compare(request: Request, say: Say, cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``source``, ``old``, ``new``, if wanted ``html``, ``mode``, ``max_error``: what would
    change.
    """
    from SeriesClassifierLib.evaluation.both_models import compare_bundles, named_sequences
    from SeriesClassifierLib.evaluation.comparison_report import comparison_json, write_comparison
    from SeriesClassifierLib.images.thumbnails import ThumbnailIndex

    thumbnails = ThumbnailIndex()
    comparison = compare_bundles(
        str(request.get("old", "")),
        str(request.get("new", "")),
        open_source(path_of(request, "source")),
        named_sequences(path_of(request, "journal")),
        mode=str(request.get("mode", "auto")),
        max_error=float(request.get("max_error", 0.01)),
        seen=thumbnails.add,
        told=_progress(say, cancelled),
    )
    if request.get("html"):
        write_comparison(
            path_of(request, "html"), comparison, lambda prediction: thumbnails(prediction).uri or None
        )
    told = comparison_json(comparison)
    return {
        "parts": comparison.parts,
        "labelled": comparison.labelled,
        "counts": dict(comparison.counts()),
        "flips": [_flip(flip) for flip in told["flips"][:_MOST_FLIPS]],
        "html": str(request.get("html") or ""),
    }


def adopt(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``bundle`` (a folder): use it from the next batch on."""
    bundle = adopt_bundle(path_of(request, "bundle"))
    return {"name": bundle.name, "version": bundle.version}


def rollback(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``name``: use the bundle again that was in use before. Without a ``version`` none of that name is left;
    ``passed_over`` says which ones in between cannot be used.
    """
    result = roll_back(str(request.get("name", "")))
    version = result.bundle.version if result.bundle is not None else ""
    return {"name": result.name, "version": version, "passed_over": list(result.passed_over)}


def in_use(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``name``: which bundle is in use under it."""
    bundle = open_bundle(find_bundle(str(request.get("name", ""))), verify=False)
    return {"name": bundle.name, "version": bundle.version}


LEARNING_JOBS: Mapping[str, Callable[[Request, Say, Asked], dict[str, Any]]] = {
    "export_training": export_training,
    "train": train,
    "compare": compare,
    "adopt": adopt,
    "rollback": rollback,
    "in_use": in_use,
}


def _progress(say: Say, cancelled: Asked) -> Callable[[str, int, int], None]:
    def told(what: str, done: int, total: int) -> None:
        _stop_if(cancelled)
        say("progress", what=what, done=done, total=total)

    return told


def _stop_if(cancelled: Asked) -> None:
    if cancelled():
        raise Cancelled


def _flip(flip: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": series_key(flip["study_uid"], flip["series_uid"]),
        "part_key": flip["part_key"],
        "series_uid": flip["series_uid"],
        "part": flip["part"],
        "description": flip["description"],
        "old": flip["old_label"],
        "new": flip["new_label"],
        "human": flip["human"],
        "change": flip["change"],
    }
