"""What other modules ask: the label of a series, and series by what they are (reliable ones alone)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from SeriesClassifierApp import DatabaseSource, Headless, Settings
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.SceneLabels import RELIABLE


def journalPath() -> str:
    """Where the labels of the open database are kept."""
    return Settings.get("journal") or DatabaseSource.journalBeside(DatabaseSource.databaseFile())


def classify(seriesUIDs: Sequence[str], mode: str = "auto", task: str = "auto") -> dict[str, dict[str, Any]]:
    """Classify series of the open database (and their studies with them); waits. Series UID -> its label.

    Raises RuntimeError with the reason when there is no database or it fails.
    """
    file = DatabaseSource.databaseFile()
    if not file:
        raise RuntimeError("no DICOM database is open")
    uids = [str(uid) for uid in seriesUIDs]
    journal = journalPath()
    Headless.runJob("classify", source=file, series=uids, journal=journal, mode=mode, task=task)
    return labelsOf(uids)


def labelOf(seriesUID: str) -> dict[str, Any] | None:
    """label, status, confidence and facets of a series, and ``parts`` with those of each part; None when
    nobody has said anything about it.
    """
    from SeriesClassifierLib.vocabulary import FACETS

    path = journalPath()
    if not Path(path).is_file():
        return None
    store = LabelStore(path, Settings.user())
    try:
        rows = store.rows([seriesUID])
    finally:
        store.close()
    if not rows:
        return None
    row = rows[0]
    shared = {facet: _shared(part[facet] for part in row["parts"]) for facet in FACETS}
    names = ("label", "status", "confidence", "decided_by", "parts")
    return {**{name: row[name] for name in names}, **shared, "reliable": row["status"] in RELIABLE}


def labelsOf(seriesUIDs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of ``seriesUIDs`` that have a label, with it."""
    return {uid: label for uid in seriesUIDs if (label := labelOf(uid)) is not None}


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
    out = []
    for uid in database.seriesForStudy(studyUID) if database is not None else ():
        label = labelOf(uid)
        parts = label["parts"] if label is not None else ()
        if any(p["status"] in RELIABLE and all(p[f] == v for f, v in wanted.items()) for p in parts):
            out.append(uid)
    return out


def _shared(values: Any) -> str:
    """The value that all parts have, else "mixed"."""
    found = set(values)
    return found.pop() if len(found) == 1 else "mixed"
