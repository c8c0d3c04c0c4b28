"""``series-classifier train``, ``evaluate`` and ``compare``: from corrections to a bundle one may trust."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import open_bundle
from SeriesClassifierLib.cli.display import TerminalBar
from SeriesClassifierLib.cli.journal_file import journal_file
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import UNKNOWN
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.reading import default_jobs
from SeriesClassifierLib.sources.slicer_database import find_database

if TYPE_CHECKING:
    from SeriesClassifierLib.evaluation.requirement import Requirement
    from SeriesClassifierLib.training.engine import Advance

_NOT_MET = 1


@contextmanager
def training_packages() -> Iterator[None]:
    """Says which package training lacks, and how to get it, as a UsageError."""
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"training needs {error.name}: pip install 'series-classifier[train]', or in Slicer "
            f"slicer.util.pip_install('{error.name}')"
        ) from error


def train_command(options: argparse.Namespace) -> int:
    """Make a new bundle; exit code 1 when a class lost more than it may."""
    bar = TerminalBar(quiet=options.quiet)

    def heard(advance: Advance) -> None:
        score = "" if advance.score is None else f"score {advance.score:.4f}"
        left = f"{advance.seconds_left:.0f} s left"
        bar.told("training", advance.step, advance.steps, f"loss {advance.loss:.4f} {score} {left}")

    try:
        with training_packages():
            from SeriesClassifierLib.training.retrain import lost_too_much, retrain

            result = retrain(
                options.recipe,
                options.data,
                find_bundle(options.base),
                options.out,
                seed=options.seed,
                work=options.work,
                heard=heard,
            )
    finally:
        bar.finish()
    if not options.quiet:
        print(f"{result.bundle.name} {result.bundle.version}: {result.bundle.folder}")
        print(result.summary)
        print(f"curves: {result.report}")
    return _NOT_MET if lost_too_much(result.bundle) else 0


def evaluate_command(options: argparse.Namespace) -> int:
    """Measure a bundle on labelled parts; exit code 1 when a requirement is not met."""
    from SeriesClassifierLib.evaluation.answers import answers, untrained
    from SeriesClassifierLib.evaluation.evaluation_report import (
        evaluation_json,
        headline,
        write_evaluation,
    )
    from SeriesClassifierLib.evaluation.measures import measure
    from SeriesClassifierLib.evaluation.requirement import EVALUATION, Requirement, evaluation_values
    from SeriesClassifierLib.training.exported import read_training_sets

    requirements = [Requirement.parse(text, EVALUATION) for text in options.require]
    bundle = open_bundle(find_bundle(options.bundle))
    is_header = bundle.description["task"] == "headers"
    header_bundle = bundle if is_header else open_bundle(find_bundle(options.header_bundle))
    parts = read_training_sets(options.data)
    found = answers(bundle, header_bundle, parts, facet=options.facet, max_error=options.max_error)
    counted = found if options.include_trained else untrained(found)
    names = [name for name in bundle.facets.get(options.facet, ()) if name != UNKNOWN]
    measures = measure(counted, names, samples=options.samples, seed=options.seed)
    about: dict[str, str | int] = {
        "bundle": bundle.name,
        "version": bundle.version,
        "digest": bundle.digest,
        "data": ", ".join(folder.name for folder in options.data),
        "left_out": len(found) - len(counted),
    }
    if options.html:
        from SeriesClassifierLib.images.thumbnails import grey_uri

        pictures = {example.name: example.slices for example in parts.examples}
        wrong = [part for part in counted if not part.right]
        write_evaluation(
            options.html, measures, about, [(part, grey_uri(pictures[part.name])) for part in wrong]
        )
    if options.json:
        _write_json(options.json, evaluation_json(measures, about))
    if not options.quiet:
        print(headline(measures))
        if about["left_out"]:
            print(f"{about['left_out']} parts were left out: the bundle has learned from their patients")
        _say_files((options.html, options.json))
    return _check(requirements, evaluation_values(measures))


def compare_command(options: argparse.Namespace) -> int:
    """Tell what a new bundle would change; exit code 1 when a requirement is not met."""
    from SeriesClassifierLib.evaluation.both_models import compare_bundles, named_sequences
    from SeriesClassifierLib.evaluation.comparison_report import (
        comparison_json,
        verdict,
        write_comparison,
    )
    from SeriesClassifierLib.evaluation.requirement import COMPARISON, Requirement, comparison_values
    from SeriesClassifierLib.images.thumbnails import ThumbnailIndex

    requirements = [Requirement.parse(text, COMPARISON) for text in options.require]
    journal = journal_file(options)
    thumbnails = ThumbnailIndex()
    bar = TerminalBar(quiet=options.quiet)
    try:
        comparison = compare_bundles(
            options.old,
            options.new,
            open_source(_source(options, journal), jobs=options.jobs or default_jobs()),
            named_sequences(journal),
            mode=options.mode,
            max_error=options.max_error,
            seen=thumbnails.add,
            told=bar.told,
        )
    finally:
        bar.finish()
    if options.html:
        write_comparison(options.html, comparison, lambda prediction: thumbnails(prediction).uri or None)
    if options.json:
        _write_json(options.json, comparison_json(comparison))
    if not options.quiet:
        print(f"{comparison.old} -> {comparison.new}")
        print(f"{comparison.parts} parts, {comparison.labelled} of them named by people")
        print(verdict(comparison))
        print(", ".join(f"{n} {name}" for name, n in comparison.counts().items()))
        _say_files((options.html, options.json))
    return _check(requirements, comparison_values(comparison))


def _source(options: argparse.Namespace, journal: Path) -> Path:
    """The source that was named, or the database beside the journal."""
    found: Path | None = options.source or find_database(journal.parent)
    if found is None:
        raise UsageError("there is no DICOM database beside the journal: name the source with --source")
    return found


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with replacing(path) as draft:
        draft.write_text(
            json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8"
        )


def _say_files(paths: Iterable[Path | None]) -> None:
    for path in paths:
        if path:
            print(f"written: {path}")


def _check(requirements: Iterable[Requirement], values: Mapping[str, float | None]) -> int:
    """0 when all are met, else 1; each one that is not met is printed."""
    outcomes = [requirement.check(values) for requirement in requirements]
    for outcome in outcomes:
        print(outcome, file=sys.stderr if not outcome.met else sys.stdout)
    return 0 if all(outcome.met for outcome in outcomes) else _NOT_MET
