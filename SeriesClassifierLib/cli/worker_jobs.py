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

from SeriesClassifierLib.curation.queue import ReviewQueue
from SeriesClassifierLib.curation.siblings import ALIKE, GRADES, SAME, Family, said_of, spread
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.explain.part_details import part_details
from SeriesClassifierLib.identity import series_key
from SeriesClassifierLib.images.thumbnails import file_thumbnail, picture_places
from SeriesClassifierLib.inference.run import HEADERS_BUNDLE, Classifier, StudyResult, run
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.column import publish_column, remove_column
from SeriesClassifierLib.publish.report import write_report
from SeriesClassifierLib.publish.series_row import part_row_key, series_rows
from SeriesClassifierLib.publish.spool import PredictionSpool
from SeriesClassifierLib.publish.summary import column_texts
from SeriesClassifierLib.publish.table import write_table
from SeriesClassifierLib.records import Part, Prediction, Study
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.assemble import by_study, make_series
from SeriesClassifierLib.sources.file_reader import read_file
from SeriesClassifierLib.sources.nothing import count_series
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource, find_database

Request = Mapping[str, Any]
Say = Callable[..., None]
Asked = Callable[[], bool]

N_PICTURES = 5
_PICTURE_SIDE = 160
_ROWS_A_LINE = 50
_ITEMS_A_LINE = 100
# A person looks through no more; they are counted, and corrected, all the same.
MOST_SIBLINGS = 2000


class Cancelled(Exception):
    """The job was cancelled and has stopped."""


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
    n_series = count_series(source)
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

        say("start", series=n_series)
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
    """``journal``, ``study_uid`` and ``series_uid``, and ``files`` (those of the series) or ``pictures`` (by
    part key, lists of path and frame): what stands behind the label of every part, with its slices as PNG in
    base64.
    """
    study_uid, series_uid = _series(request)
    found: list[Prediction] = []
    if path_of(request, "journal").is_file():
        with Journal(path_of(request, "journal"), readonly=True) as journal:
            found = journal.current_series(series_uid, study_uid)
    places = _places(request, study_uid, series_uid)
    parts = [
        {**part_details(prediction).as_json(), "pictures": _pictures(places.get(prediction.part_key, ()))}
        for prediction in found
    ]
    return {"key": series_key(study_uid, series_uid), "series_uid": series_uid, "parts": parts}


def publish(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``database`` and ``journal``: write the browser column. Nobody may have the database open."""
    database = _database(request)
    with Journal(path_of(request, "journal"), readonly=True) as journal:
        return {"series": publish_column(database, column_texts(journal.current_all()))}


def unpublish(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``database``: take the browser column out. Nobody may have the database open."""
    return {"removed": remove_column(_database(request))}


def export(request: Request, _say: Say, _cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``out`` (.csv, .json, .parquet or .html), if wanted ``keys`` of series (as in the rows):
    the labels as a file.
    """
    out = path_of(request, "out")
    wanted = request.get("keys")
    chosen = None if wanted is None else frozenset(wanted)
    with Journal(path_of(request, "journal"), readonly=True) as journal, PredictionSpool() as spool:
        spool.extend(
            p
            for p in journal.current_all()
            if chosen is None or series_key(p.study_uid, p.series_uid) in chosen
        )
        if out.suffix.lower() == ".html":
            return {"rows": write_report(spool, out), "out": str(out)}
        return {"rows": write_table(spool, out), "out": str(out)}


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
    with (
        Journal(path, readonly=True) as journal,
        ReviewQueue(_unless(cancelled, journal.current_all())) as found,
    ):
        n = len(found) if limit is None else min(limit, len(found))
        items = islice(found, n)
        while some := list(islice(items, _ITEMS_A_LINE)):
            if cancelled():
                raise Cancelled
            say("items", items=[_keyed(item.as_json()) for item in some])
    return {"items": n}


def siblings(request: Request, _say: Say, cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``study_uid``, ``series_uid`` and ``part_key`` (null: all parts): the parts of the same
    protocol that may be offered the label, the first ``MOST_SIBLINGS`` of them. ``same`` and ``alike`` count
    all of them by grade, ``protected`` those that people labeled; ``notes`` are about these, ``facets`` is
    what the person said. The job ``spread`` corrects them.
    """
    with Journal(path_of(request, "journal"), readonly=True) as journal:
        own = _own_parts(journal, request)
        facets = said_of(journal, own)
        with Family(own, _unless(cancelled, journal.current_all()), facets or None) as found:
            return {
                "siblings": [_keyed(s.as_json()) for s in islice(found.offered(), MOST_SIBLINGS)],
                "same": found.n_offered((SAME,)),
                "alike": found.n_offered((ALIKE,)),
                "protected": found.n_protected(),
                "notes": list(found.notes),
                "facets": facets,
            }


def spread_label(request: Request, _say: Say, cancelled: Asked) -> dict[str, Any]:
    """``journal``, ``study_uid``, ``series_uid``, ``part_key`` (null: all parts), ``user``, and if wanted
    ``grade`` ("same", or "alike" for both): give the siblings what people said of the part, all in one step.
    """
    grade, user = str(request.get("grade") or SAME), str(request.get("user") or "")
    if not user:
        raise UsageError("the job spread needs 'user': who says so")
    with Journal(path_of(request, "journal")) as journal:
        own = _own_parts(journal, request)
        facets = said_of(journal, own)
        if not facets:
            raise UsageError("nobody has labeled this part: label it first, then its siblings")
        with Family(own, _unless(cancelled, journal.current_all()), facets) as found:
            grades = GRADES if grade == ALIKE else (grade,)
            done = spread(journal, own, found, user, facets, grades)
            protected = found.n_protected(grades) + len(done.overtaken)
    return {"parts": done.n_parts, "series": done.n_series, "protected": protected}


def _keyed(item: dict[str, Any]) -> dict[str, Any]:
    """With the keys by which the rows know series and part."""
    key = series_key(item["study_uid"], item["series_uid"])
    return {**item, "key": key, "part_key": item["part_key"] or f"{key}#{item['part']}"}


def _own_parts(journal: Journal, request: Request) -> list[Prediction]:
    study_uid, series_uid = _series(request)
    part_key = request.get("part_key")
    found = journal.current_series(series_uid, study_uid)
    return [p for p in found if part_key in (None, part_row_key(p))]


CLASSIFYING_JOBS: Mapping[str, Callable[[Request, Say, Asked], dict[str, Any]]] = {
    "classify": classify,
    "labels": labels,
    "details": details,
    "publish": publish,
    "unpublish": unpublish,
    "export": export,
    "queue": queue,
    "siblings": siblings,
    "spread": spread_label,
}


def _unless(cancelled: Asked, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """``predictions``, until the job is told to stop."""
    for prediction in predictions:
        if cancelled():
            raise Cancelled
        yield prediction


def _say_rows(say: Say, result: StudyResult, *, provisional: bool = False) -> None:
    """The rows of a study, a few at a time: a study may have thousands of series."""
    places = {part.key: picture_places(part, N_PICTURES) for part in result.parts if not provisional}
    rows = iter(series_rows(result.predictions))
    while some := list(islice(rows, _ROWS_A_LINE)):
        lines = [
            {**row.as_json(), "pictures": {p.key: places[p.key] for p in row.parts if p.key in places}}
            for row in some
        ]
        say("rows", rows=lines, provisional=provisional)


def _source(request: Request) -> Source:
    path, jobs = path_of(request, "source"), max(1, int(request.get("jobs", 1)))
    series = request.get("series")
    if series is None:
        return open_source(path, jobs=jobs)
    if find_database(path) is None:
        raise UsageError(f"single series are chosen in a Slicer DICOM database, and {path} is none")
    return SlicerDatabaseSource(path, jobs=jobs, series=[str(uid) for uid in series])


def _series(request: Request) -> tuple[str, str]:
    """The study and series UID of a request. Raises UsageError."""
    study_uid, series_uid = request.get("study_uid"), request.get("series_uid")
    if not isinstance(series_uid, str) or not series_uid or not isinstance(study_uid, str):
        raise UsageError(f"the job {request.get('do')} needs 'study_uid' (it may be empty) and 'series_uid'")
    return study_uid, series_uid


def _places(request: Request, study_uid: str, series_uid: str) -> Mapping[str, Iterable[tuple[str, int]]]:
    """Part key -> the images to show of it."""
    if request.get("pictures"):
        return {str(key): [(str(p), int(f)) for p, f in of] for key, of in request["pictures"].items()}
    reads = [read_file(str(path), expected=True) for path in request.get("files", ())]
    instances = by_study((instance for read in reads for instance in read.instances), study_uid)
    parts: Iterable[Part] = (
        split(make_series(series_uid, instances[study_uid])) if study_uid in instances else ()
    )
    return {part.key: picture_places(part, N_PICTURES) for part in parts}


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
