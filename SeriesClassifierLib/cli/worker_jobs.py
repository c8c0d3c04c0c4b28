"""The jobs of the worker.

Each takes its request, a way to say what happens, and a way to ask whether to stop. It returns what its last
event says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from SeriesClassifierLib.curation.queue import review_queue
from SeriesClassifierLib.curation.siblings import family_of_series, said_of
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.explain.part_details import part_details
from SeriesClassifierLib.images.thumbnails import file_thumbnail, picture_places
from SeriesClassifierLib.inference.run import HEADERS_BUNDLE, Classifier, StudyResult, run
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.column import publish_column, remove_column
from SeriesClassifierLib.publish.report import write_report
from SeriesClassifierLib.publish.series_row import series_rows
from SeriesClassifierLib.publish.summary import column_texts
from SeriesClassifierLib.publish.table import write_table
from SeriesClassifierLib.records import Part, Prediction, Study
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.assemble import make_series
from SeriesClassifierLib.sources.file_reader import read_file
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource, find_database

Request = Mapping[str, Any]
Say = Callable[..., None]
Asked = Callable[[], bool]

N_PICTURES = 5
_PICTURE_SIDE = 160
_ROWS_A_LINE = 50
_ITEMS_A_LINE = 100


class Cancelled(Exception):
    """The job was told to stop, and did."""


def classify(request: Request, say: Say, cancelled: Asked) -> dict[str, Any]:
    """``source``, and if wanted ``series`` (a list of UIDs: their studies), ``journal``, ``mode``, ``task``,
    ``max_error``, ``bundle``, ``picture_bundles``, ``resume``, ``jobs``.

    Says ``start`` with the number of series, then ``rows``; where pictures will be looked at, first what the
    headers say (``provisional``).
    """
    mode = str(request.get("mode", "auto"))
    max_error = float(request.get("max_error", 0.01))
    header_bundle = str(request.get("bundle") or HEADERS_BUNDLE)
    classifier = Classifier(
        header_bundle,
        max_error=max_error,
        mode=mode,
        task=str(request.get("task", "auto")),
        pictures=list(request.get("picture_bundles", ())),
    )
    resume = bool(request.get("resume"))
    first_look = None if resume or mode == "header" else Classifier(header_bundle, max_error=max_error)
    source = _source(request)
    status: Counter[str] = Counter()
    failed: list[str] = []
    with ExitStack() as stack:
        recorded = bool(request.get("journal"))
        journal = stack.enter_context(Journal(path_of(request, "journal"))) if recorded else None

        def before(study: Study) -> None:
            if cancelled():
                raise Cancelled
            if first_look is not None:
                result = first_look.study(study)
                known = journal.with_corrections(result.predictions) if journal else result.predictions
                _say_rows(say, StudyResult(tuple(known), result.parts), provisional=True)

        say("start", series=source.count_series())
        watched = _Watched(source, before)
        for result in run(watched, classifier, journal=journal, resume=resume):
            _say_rows(say, result)
            status.update(p.status.value for p in result.predictions)
            failed += [f"{p.series_uid or p.description}: {p.error}" for p in result.predictions if p.error]
    return {"status": dict(sorted(status.items())), "failed": failed, "files_not_dicom": source.skipped}


class _Watched:
    """A source that says of every study that it is about to be looked at."""

    def __init__(self, source: Source, before: Callable[[Study], None]) -> None:
        self._source = source
        self._before = before

    @property
    def location(self) -> Path:
        return self._source.location

    @property
    def skipped(self) -> int:
        return self._source.skipped

    def count_series(self) -> int:
        return self._source.count_series()

    def studies(self) -> Iterator[Study]:
        for study in self._source.studies():
            self._before(study)
            yield study


def labels(request: Request, say: Say, cancelled: Asked) -> dict[str, Any]:
    """``journal``: the labels as they stand, as ``rows``. A journal that is not there has none."""
    path = path_of(request, "journal")
    n = 0
    if path.is_file():
        with Journal(path, readonly=True) as journal:
            grouped = groupby(journal.current_all(), key=lambda p: p.series_uid)
            by_series = (list(parts) for _, parts in grouped)
            while some := list(islice(by_series, _ROWS_A_LINE)):
                if cancelled():
                    raise Cancelled
                rows = series_rows(p for parts in some for p in parts)
                say("rows", rows=[row.as_json() for row in rows])
                n += len(rows)
    return {"series": n}


def details(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``journal`` and ``series_uid``, and ``files`` (those of the series) or ``pictures`` (by part, lists of
    path and frame): what stands behind the label of every part, with its slices as PNG in base64.
    """
    uid = str(request.get("series_uid", ""))
    found: list[Prediction] = []
    if path_of(request, "journal").is_file():
        with Journal(path_of(request, "journal"), readonly=True) as journal:
            found = journal.current_series(uid)
    places = _places(request, uid)
    parts = [
        {**part_details(prediction).as_json(), "pictures": _pictures(places.get(prediction.part, ()))}
        for prediction in found
    ]
    return {"series_uid": uid, "parts": parts}


def publish(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``database`` and ``journal``: write the browser column. Nobody may have the database open."""
    database = _database(request)
    with Journal(path_of(request, "journal"), readonly=True) as journal:
        return {"series": publish_column(database, column_texts(journal.current_all()))}


def unpublish(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``database``: take the browser column out. Nobody may have the database open."""
    return {"removed": remove_column(_database(request))}


def export(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``out`` (.csv, .json, .parquet or .html), if wanted ``series``: the labels as a file."""
    out = path_of(request, "out")
    wanted = request.get("series")
    chosen = None if wanted is None else frozenset(wanted)
    with Journal(path_of(request, "journal"), readonly=True) as journal:
        found = [p for p in journal.current_all() if chosen is None or p.series_uid in chosen]
    if out.suffix.lower() == ".html":
        return {"rows": write_report(found, out), "out": str(out)}
    return {"rows": write_table(found, out), "out": str(out)}


def queue(request: Request, say: Say, cancelled: Asked) -> dict[str, Any]:
    """``journal``, and if wanted ``limit``: what a person should look at next, as ``items`` (``QueueItem``),
    the most worthwhile first. A journal that is not there has none.
    """
    limit = request.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise UsageError(f"limit {limit!r} is no positive whole number")
    path = path_of(request, "journal")
    if not path.is_file():
        return {"items": 0}
    with Journal(path, readonly=True) as journal:
        found = review_queue(_unless(cancelled, journal.current_all()))[:limit]
    items = iter(found)
    while some := list(islice(items, _ITEMS_A_LINE)):
        say("items", items=[item.as_json() for item in some])
    return {"items": len(found)}


def siblings(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``series_uid`` and ``part`` (null: all parts): the parts of the same protocol that may be
    offered the label, how many are protected because people named them, ``notes`` about those, and the
    ``facets`` that the person said.
    """
    uid = request.get("series_uid")
    if not isinstance(uid, str) or not uid:
        raise UsageError("the job siblings needs 'series_uid'")
    part = request.get("part")
    if part is not None and (not isinstance(part, int) or part < 1):
        raise UsageError(f"{part!r} is no part: parts count from 1")
    with Journal(path_of(request, "journal"), readonly=True) as journal:
        found = family_of_series(journal, uid, part)
        facets = said_of(journal, uid, part)
    return {
        "siblings": [sibling.as_json() for sibling in found.offered],
        "protected": len(found.protected),
        "notes": list(found.notes),
        "facets": facets,
    }


CLASSIFYING_JOBS: Mapping[str, Callable[[Request, Say, Asked], dict[str, Any]]] = {
    "classify": classify,
    "labels": labels,
    "details": details,
    "publish": publish,
    "unpublish": unpublish,
    "export": export,
    "queue": queue,
    "siblings": siblings,
}


def _unless(cancelled: Asked, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """``predictions``, until the job is told to stop."""
    for prediction in predictions:
        if cancelled():
            raise Cancelled
        yield prediction


def _say_rows(say: Say, result: StudyResult, *, provisional: bool = False) -> None:
    """The rows of a study, a few at a time: a study may have thousands of series."""
    places: dict[str, dict[int, list[tuple[str, int]]]] = {}
    for part in result.parts if not provisional else ():
        places.setdefault(part.series_uid, {})[part.index] = picture_places(part, N_PICTURES)
    rows = iter(series_rows(result.predictions))
    while some := list(islice(rows, _ROWS_A_LINE)):
        lines = [{**row.as_json(), "pictures": places.get(row.series_uid, {})} for row in some]
        say("rows", rows=lines, provisional=provisional)


def _source(request: Request) -> Source:
    path, jobs = path_of(request, "source"), max(1, int(request.get("jobs", 1)))
    series = request.get("series")
    if series is None:
        return open_source(path, jobs=jobs)
    if find_database(path) is None:
        raise UsageError(f"single series are chosen in a Slicer DICOM database, and {path} is none")
    return SlicerDatabaseSource(path, jobs=jobs, series=[str(uid) for uid in series])


def _places(request: Request, uid: str) -> Mapping[int, Iterable[tuple[str, int]]]:
    """Part -> the images to show of it."""
    if request.get("pictures"):
        return {int(part): [(str(p), int(f)) for p, f in of] for part, of in request["pictures"].items()}
    reads = [read_file(str(path), expected=True) for path in request.get("files", ())]
    instances = [instance for read in reads for instance in read.instances]
    parts: Iterable[Part] = split(make_series(uid, instances)) if instances else ()
    return {part.index: picture_places(part, N_PICTURES) for part in parts}


def _pictures(places: Iterable[tuple[str, int]]) -> list[dict[str, str]]:
    out = []
    for path, frame in places:
        made = file_thumbnail(path, frame, _PICTURE_SIDE)
        out.append({"png": made.uri.partition("base64,")[2], "reason": made.reason})
    return out


def _database(request: Request) -> Path:
    path = find_database(path_of(request, "database"))
    if path is None:
        raise SourceError(f"no Slicer DICOM database at {request.get('database')}: name its folder")
    return path


def path_of(request: Request, name: str) -> Path:
    """The path that a request must have under ``name``. Raises UsageError when it has none."""
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise UsageError(f"the job {request.get('do')} needs {name!r}")
    return Path(value)
