"""What stands behind the series that the table's cursor is on: asked of the worker when the cursor rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from SeriesClassifierApp import DatabaseSource
from SeriesClassifierApp.DetailsView import DetailsView
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.ReviewTable import ReviewTable
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.Vocabulary import classesOf
from SeriesClassifierApp.WorkerProcess import WorkerProcess

_REST_MS = 120


class ChosenSeries:
    """Keeps the section Details at the cursor of the table."""

    def __init__(
        self,
        table: ReviewTable,
        details: DetailsView,
        worker: WorkerProcess,
        store: LabelStore,
        reasonsOf: Callable[[str, int | None], list[str]],
    ) -> None:
        """``reasonsOf`` says why a series and part waits for review."""
        self._table = table
        self._details = details
        self._worker = worker
        self._store = store
        self._reasonsOf = reasonsOf
        self._job = 0
        self._shown = ""
        self._timer = singleShot(_REST_MS, self._ask)

    def showSoon(self) -> None:
        """The cursor moved, or what it is on changed."""
        self._timer.start()

    def picturesOf(self, uid: str) -> list[Any]:
        """The pictures of a series, when it is the one that is shown."""
        return self._details.pixmaps if self._shown == uid else []

    def cleanup(self) -> None:
        """Ask no more."""
        self._timer.stop()

    def _ask(self) -> None:
        self._shown = ""
        chosen = self._table.current()
        row = self._table.rows.get(chosen[0]) if chosen is not None else None
        if chosen is None or row is None or not row["series_uid"]:
            self._details.clear(row["parts"][0]["error"] if row else "")
            return
        uid, part = chosen
        self._details.announce(row, self._reasonsOf(uid, part))
        known = row.get("pictures")
        where = {"pictures": known} if known else {"files": DatabaseSource.filesOf(uid)}

        def show(event: Mapping[str, Any]) -> None:
            if job == self._job and event["event"] == "done":
                self._shown = uid
                found = [p for p in event["parts"] if part in (None, p["part"])]
                if found:
                    reasons = self._reasonsOf(uid, part)
                    self._details.show(row, found[0], classesOf("sequence"), reasons)

        if self._job:
            self._worker.cancel(self._job, insist=False)
        job = self._job = self._worker.request(
            "details", show, journal=self._store.path, series_uid=uid, **where
        )
