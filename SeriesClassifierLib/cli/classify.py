"""``series-classifier classify``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from SeriesClassifierLib.cli.display import JsonProgress, TerminalProgress, note, print_table
from SeriesClassifierLib.cli.journal_file import is_journal_there, journal_in
from SeriesClassifierLib.cli.remarks import FileRemarks
from SeriesClassifierLib.errors import JournalError, SourceError, UsageError
from SeriesClassifierLib.images.thumbnails import ThumbnailIndex
from SeriesClassifierLib.inference.run import Classifier, StudyResult, run
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.column import publish_column
from SeriesClassifierLib.publish.report import THUMBNAIL_SIDE, write_report
from SeriesClassifierLib.publish.spool import PredictionSpool
from SeriesClassifierLib.publish.summary import column_texts
from SeriesClassifierLib.publish.table import check_suffix, write_table
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.sources import open_sources
from SeriesClassifierLib.sources.folder import FolderSource
from SeriesClassifierLib.sources.left_out import LeftOut, LeftOutFiles, left_out_text
from SeriesClassifierLib.sources.nothing import nothing_in
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
    remarks: FileRemarks = field(default_factory=FileRemarks)

    def add(self, result: StudyResult) -> None:
        # Files without a series are counted as count_series does: by folder (or file) and what is wrong.
        self.series += len(
            {(p.study_uid, p.series_uid or (p.description, p.error)) for p in result.predictions}
        )
        self.remarks.add(result.predictions)
        for prediction in result.predictions:
            self.status[prediction.status] += 1
            if prediction.status is Status.FAILED:
                path = result.undecoded.get(prediction.part_key, "")
                file = f" ({Path(path).name})" if path else ""
                who = prediction.series_uid or prediction.description
                self.failed.append(f"{who}{file}: {prediction.error}")


def classify_command(options: argparse.Namespace) -> int:
    """Label all sources, write what was asked for, and tell by the exit code whether all went well."""
    _check(options)
    sources = open_sources(options.sources, jobs=options.jobs or default_jobs())
    if options.publish and not any(isinstance(source, SlicerDatabaseSource) for source in sources):
        raise UsageError("--publish writes into a Slicer DICOM database, and none is among the sources")
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
    with PredictionSpool() as predictions:
        progress.start("classify", _count_series(sources, options.quiet))
        try:
            for number, source in enumerate(sources):
                with _journal(options, source) as journal:
                    for result in run(source, classifier, journal=journal, resume=options.resume):
                        predictions.extend(result.predictions, number)
                        tally.add(result)
                        for part in result.parts if thumbnails is not None else ():
                            thumbnails.add(part)  # type: ignore[union-attr]
                        progress.study(result.predictions)
        finally:
            progress.finish()
        if options.out:
            write_table(predictions, options.out)
        if options.html:
            write_report(
                predictions, options.html, thumbnail_of=thumbnails, show_patient_id=options.show_patient_id
            )
        for number, source in enumerate(sources):
            if options.publish and isinstance(source, SlicerDatabaseSource):
                publish_column(source.database, column_texts(predictions.of(number)))
        _report(options, predictions, tally, sources, time.monotonic() - started)
    return 1 if tally.failed else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse at once what would only fail after an hour."""
    if options.no_journal and (options.resume or options.journal is not None):
        raise UsageError("--no-journal leaves the journal out: leave --resume and --journal out, too")
    if options.out:
        check_suffix(options.out)
    for path in (options.out, options.html, options.journal):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"the folder of {path} does not exist: make it first")


def _count_series(sources: Sequence[Source], quiet: bool) -> int:
    """The series of all sources. Raises SourceError when there is none: an empty table is no result."""
    counts = [source.count_series() for source in sources]
    empty = [nothing_in(source) for source, n in zip(sources, counts, strict=True) if not n]
    if len(empty) == len(sources):
        raise SourceError("; ".join(empty))
    for source, n in zip(sources, counts, strict=True):
        for location in source.empty_locations if n and isinstance(source, FolderSource) else ():
            empty.append(f"nothing to classify in {location}: no file in it is a DICOM image")
    for text in empty:
        note(text, quiet)
    return sum(counts)


@contextmanager
def _journal(options: argparse.Namespace, source: Source) -> Iterator[Journal | None]:
    """The journal that was named, or the one beside the database; none for folders and with --no-journal."""
    path = _journal_path(options, source)
    if path is None:
        if options.resume:
            raise JournalError("--resume needs a journal: name it with --journal FILE")
        yield None
        return
    if not is_journal_there(path):
        # Also with --quiet where the name was typed: it may be a typing error.
        note(f"a new journal is made: {path}", options.quiet and options.journal is None)
    with Journal(path) as journal:
        yield journal


def _journal_path(options: argparse.Namespace, source: Source) -> Path | None:
    if options.no_journal:
        return None
    if options.journal is not None:
        return journal_in(options.journal)
    if not isinstance(source, SlicerDatabaseSource):
        return None
    path = source.database.parent / JOURNAL_NAME
    if not path.exists() and not os.access(path.parent, os.W_OK):
        where = f"{path.parent} cannot be written, so nothing is recorded"
        note(f"{where}: name a file with --journal", options.quiet)
        return None
    return path


def _left_out(sources: Iterable[Source]) -> Mapping[LeftOut, LeftOutFiles]:
    """The files that were left out; all folders are one source."""
    return next((source.left_out for source in sources if isinstance(source, FolderSource)), {})


def _report(
    options: argparse.Namespace,
    predictions: PredictionSpool,
    tally: _Tally,
    sources: Sequence[Source],
    seconds: float,
) -> None:
    if options.json:
        counts = {status.value: n for status, n in sorted(tally.status.items())}
        end: dict[str, object] = {"event": "end", "series": tally.series, "rows": len(predictions)}
        end |= {
            "status": counts,
            "failed": tally.failed,
            "warnings": tally.remarks.as_json(),
            "files_not_dicom": sum(source.skipped for source in sources),
            "left_out": {kind.value: files.count for kind, files in _left_out(sources).items()},
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
    print(f"{tally.series} series, {len(predictions)} rows: {by_status} ({rate:.0f} series/s)")
    left_out = left_out_text(_left_out(sources))
    if left_out:
        print(left_out)
    for line in tally.remarks.lines():
        print(f"warning: {line}", file=sys.stderr)
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
