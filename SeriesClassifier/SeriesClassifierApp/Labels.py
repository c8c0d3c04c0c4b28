"""What other modules ask: the label of a series, and series by what they are (reliable ones alone)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from SeriesClassifierApp import DatabaseSource, Headless, LabelNews, Settings, Sources
from SeriesClassifierApp.LabelStore import SourceLabels
from SeriesClassifierApp.SceneLabels import RELIABLE


def journalPath() -> str:
    """Where the labels of the open database are kept; empty where none is open."""
    return Sources.journalToRead()


def classify(seriesUIDs: Sequence[str], mode: str = "auto", task: str = "auto") -> dict[str, dict[str, Any]]:
    """Classify series of the open database (and their studies with them); waits. Series UID -> its label.

    Raises RuntimeError with the reason when there is no database or it fails.
    """
    source = Sources.database()
    if not source.location:
        raise RuntimeError("no DICOM database is open")
    uids = [str(uid) for uid in seriesUIDs]
    Headless.runJob(
        "classify", source=source.location, series=uids, journal=source.journal, mode=mode, task=task
    )
    LabelNews.tell()
    return labelsOf(uids)


def labelOf(seriesUID: str) -> dict[str, Any] | None:
    """label, status, confidence and facets of a series, and ``parts`` with those of each part; None when
    nobody has said anything about it.
    """
    return labelsOf([seriesUID]).get(seriesUID)


def _label(rows: list[dict[str, Any]], studyUID: str) -> dict[str, Any]:
    """The label of the series in its study; where others share its UID all must be reliable for it to be."""
    from SeriesClassifierLib.vocabulary import FACETS

    row = next((row for row in rows if row["study_uid"] == studyUID), rows[0])
    reliable = all(one["status"] in RELIABLE for one in rows)
    shared = {facet: _shared(part[facet] for part in row["parts"]) for facet in FACETS}
    names = ("label", "status", "confidence", "decided_by", "parts")
    return {**{name: row[name] for name in names}, **shared, "reliable": reliable}


def labelsOf(seriesUIDs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of ``seriesUIDs`` that have a label, with it."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in rowsOf(seriesUIDs):
        rows.setdefault(row["series_uid"], []).append(row)
    database = DatabaseSource.database()
    return {
        uid: _label(found, database.studyForSeries(uid) if database is not None else "")
        for uid, found in rows.items()
    }


def rowsOf(seriesUIDs: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of series of the open database, as the worker sends them; several studies may share a UID."""
    source = Sources.Source(DatabaseSource.databaseFile(), journalPath())
    labels = SourceLabels(source, Settings.user())
    try:
        return [row for uid in seriesUIDs for row in labels.rowsOf(uid)]
    finally:
        labels.close()


def find(studyUID: str, **facets: str) -> list[str]:
    """The series of a study of which a part has all of ``facets``, for example ``sequence="T2", plane="AX"``.

    Only parts whose label may be used without asking count. Raises ValueError for a facet or class that does
    not exist, ``unknown`` among them: nobody can look for what is not known.
    """
    from SeriesClassifierLib.errors import UsageError
    from SeriesClassifierLib.vocabulary import check

    if not facets:
        raise ValueError("name a facet, for example sequence='T2'")
    try:
        wanted = {facet: check(facet, value) for facet, value in facets.items()}
    except UsageError as error:
        raise ValueError(str(error)) from error
    database = DatabaseSource.database()
    labels = labelsOf(database.seriesForStudy(studyUID)) if database is not None else {}
    return [
        uid
        for uid, label in labels.items()
        if any(p["status"] in RELIABLE and all(p[f] == v for f, v in wanted.items()) for p in label["parts"])
    ]


def _shared(values: Any) -> str:
    """The value that all parts have, else "mixed"."""
    found = set(values)
    return found.pop() if len(found) == 1 else "mixed"
