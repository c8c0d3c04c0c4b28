"""``series-classifier classify``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from SeriesClassifierLib.cli.display import JsonProgress, TerminalProgress, note, print_table
from SeriesClassifierLib.errors import JournalError, UsageError
from SeriesClassifierLib.images.thumbnails import ThumbnailIndex
from SeriesClassifierLib.inference.run import Classifier, StudyResult, run
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.column import publish_column
from SeriesClassifierLib.publish.report import THUMBNAIL_SIDE, write_report
from SeriesClassifierLib.publish.spool import MergedSpools, PredictionSpool
from SeriesClassifierLib.publish.summary import column_texts
from SeriesClassifierLib.publish.table import check_suffix, write_table
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.reading import default_jobs
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource

# More rows than this are not printed one by one.
_MOST_PRINTED = 200


@dataclass
class _Tally:
    """What the run adds up."""

    status: Counter[Status] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    series: int = 0

    def add(self, result: StudyResult) -> None:
        self.series += len({p.series_uid or p.description for p in result.predictions})
        for prediction in result.predictions:
            self.status[prediction.status] += 1
            if prediction.status is Status.FAILED:
                self.failed.append(f"{prediction.series_uid or prediction.description}: {prediction.error}")


def classify_command(options: argparse.Namespace) -> int:
    """Label all sources, write what was asked for, and tell by the exit code whether all went well."""
    _check(options)
    sources = [open_source(path, jobs=options.jobs or default_jobs()) for path in options.sources]
    classifier = Classifier(
        options.bundle,
        max_error=options.max_error,
        mode=options.mode,
        task=options.task,
        pictures=options.picture_bundle,
    )
    thumbnails = ThumbnailIndex(THUMBNAIL_SIDE) if options.html and not options.no_pictures else None
    progress = JsonProgress() if options.json else TerminalProgress(quiet=options.quiet)
    tally = _Tally()
    started = time.monotonic()
    with ExitStack() as stack:
        spools = []
        progress.start("classify", sum(source.count_series() for source in sources))
        try:
            for source in sources:
                spool = stack.enter_context(PredictionSpool())
                spools.append(spool)
                with _journal(options, source) as journal:
                    for result in run(source, classifier, journal=journal, resume=options.resume):
                        spool.extend(result.predictions)
                        tally.add(result)
                        for part in result.parts if thumbnails is not None else ():
                            thumbnails.add(part)  # type: ignore[union-attr]
                        progress.study(result.predictions)
        finally:
            progress.finish()
        predictions = MergedSpools(spools)
        if options.out:
            write_table(predictions, options.out)
        if options.html:
            write_report(
                predictions, options.html, thumbnail_of=thumbnails, show_patient_id=options.show_patient_id
            )
        for source, spool in zip(sources, spools, strict=True):
            if options.publish and isinstance(source, SlicerDatabaseSource):
                publish_column(source.database, column_texts(spool))
        _report(
            options, predictions, tally, sum(source.skipped for source in sources), time.monotonic() - started
        )
    return 1 if tally.failed else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse at once what would only fail after an hour."""
    if options.resume and options.no_journal:
        raise UsageError("--resume needs a journal: leave --no-journal out")
    if options.out:
        check_suffix(options.out)
    for path in (options.out, options.html, options.journal):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"the folder of {path} does not exist: make it first")


@contextmanager
def _journal(options: argparse.Namespace, source: Source) -> Iterator[Journal | None]:
    """The journal that was named, or the one beside the database; none for folders and with --no-journal."""
    path: Path | None = options.journal
    if options.no_journal:
        path = None
    elif path is None and isinstance(source, SlicerDatabaseSource):
        path = source.database.parent / JOURNAL_NAME
        if not path.exists() and not os.access(path.parent, os.W_OK):
            note(
                f"{path.parent} cannot be written, so nothing is recorded: name a file with --journal",
                options.quiet,
            )
            path = None
    if path is None:
        if options.resume:
            raise JournalError("--resume needs a journal: name it with --journal FILE")
        yield None
        return
    with Journal(path) as journal:
        yield journal


def _report(
    options: argparse.Namespace, predictions: MergedSpools, tally: _Tally, skipped: int, seconds: float
) -> None:
    if options.json:
        counts = {status.value: n for status, n in sorted(tally.status.items())}
        end: dict[str, object] = {"event": "end", "series": tally.series, "rows": len(predictions)}
        end |= {
            "status": counts,
            "failed": tally.failed,
            "files_not_dicom": skipped,
            "seconds": round(seconds, 3),
        }
        sys.stdout.write(json.dumps(end) + "\n")
        return
    if options.quiet:
        return
    if len(predictions) <= _MOST_PRINTED:
        print_table(predictions)
    by_status = ", ".join(f"{n} {status.value}" for status, n in sorted(tally.status.items()))
    rate = tally.series / seconds if seconds > 0 else 0
    print(
        f"{tally.series} series, {len(predictions)} rows: {by_status or 'nothing found'} ({rate:.0f} "
        f"series/s)"
    )
    if skipped:
        print(f"{skipped} files are not DICOM and were left out")
    _print_failed(tally.failed)
    for path, what in ((options.out, "table"), (options.html, "report")):
        if path:
            print(f"{what}: {path}")


def _print_failed(failed: Iterable[str], most: int = 20) -> None:
    lines = list(failed)
    for line in lines[:most]:
        print(f"failed: {line}", file=sys.stderr)
    if len(lines) > most:
        print(f"failed: {len(lines) - most} more, see the table", file=sys.stderr)
