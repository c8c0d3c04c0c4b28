"""The "Series class" column of the DICOM browser.

CTK shows a column of its database that is registered there, and reads it anew only when the database is
opened. So: close it, let the worker write (two copies of SQLite must never have the file open in one
process), open it again, and choose what was chosen before. A few hundredths of a second, once a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ctk
import slicer
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.WorkerProcess import WorkerProcess

# What the worker needs is hundredths of a second; after this the database is opened again whatever it does.
_PATIENCE_MS = 15_000
_AGAIN_MS = 10_000
# CTK watches the file and queries its tables anew some time after the change, which clears the selection.
_SETTLED_MS = 3_000
_AFTER_QUERY_MS = 50
_MOST_TRIES = 30


class ColumnPublisher:
    """Writes the column of the open database, or takes it out; tries again while somebody is in the way."""

    def __init__(self, worker: WorkerProcess, say: Callable[[str], None], onOpen: Callable[[], None]) -> None:
        """``say`` is told in words what happened; ``onOpen`` is called when the database is open again."""
        self._worker = worker
        self._say = say
        self._onOpen = onOpen
        self._file = ""
        self._selection: Mapping[Any, list[str]] = {}
        self._wish: Mapping[str, str] = {}
        self._tries = 0
        self._patience = singleShot(_PATIENCE_MS, self._reopen)
        self._later = singleShot(_AGAIN_MS, self._begin)
        self._settled = singleShot(_SETTLED_MS, self._stopRestoring)
        self._restorer = singleShot(_AFTER_QUERY_MS, self._restore)
        self._watched: Any = None

    @property
    def isWriting(self) -> bool:
        """Whether the database is closed for writing just now."""
        return bool(self._file)

    def publish(self, journal: str) -> None:
        """Show the labels of ``journal`` in the browser."""
        self._ask({"do": "publish", "journal": journal})

    def remove(self) -> None:
        """Take the column out of the browser."""
        self._ask({"do": "unpublish"})

    def cleanup(self) -> None:
        """Stop waiting, and leave the database open as it was."""
        self._later.stop()
        self._reopen()
        self._stopRestoring()

    def _ask(self, request: Mapping[str, str]) -> None:
        """The newest wish replaces one that still waits."""
        self._wish, self._tries = request, 0
        self._later.stop()
        self._begin()

    def _begin(self) -> None:
        file = DatabaseSource.databaseFile()
        if not file:
            return
        if self.isWriting:
            self._later.start()
            return
        self._selection = _selection()
        self._file = file
        DatabaseSource.database().closeDatabase()
        self._patience.start()
        self._worker.request(listener=self._onEvent, database=file, **self._wish)

    def _onEvent(self, event: Mapping[str, Any]) -> None:
        if event["event"] not in ("done", "failed", "cancelled", "crashed"):
            return
        self._reopen()
        if event["event"] == "done":
            if "series" in event:
                self._say(_("The DICOM browser shows the class of {n} series.").format(n=event["series"]))
            else:
                self._say(_("The column was taken out of the DICOM browser."))
            return
        self._tries += 1
        if "in use" in str(event.get("message", "")) and self._tries < _MOST_TRIES:
            self._later.start()
            self._say(_("The DICOM database is busy: the column will be written in a few seconds."))
        else:
            self._say(
                _("The column was not written: {reason}").format(
                    reason=event.get("message") or event["event"]
                )
            )

    def _reopen(self) -> None:
        self._patience.stop()
        file, self._file = self._file, ""
        database = slicer.dicomDatabase
        if not file or database is None:
            return
        self._stopRestoring()
        database.openDatabase(file)
        self._restore()
        self._watched = database
        database.connect("databaseChanged()", self._onQueried)
        self._settled.start()
        self._onOpen()

    def _restore(self) -> None:
        found = DatabaseSource.browser()
        if found is None:
            return
        now = _selection()
        for level, uids in self._selection.items():
            if uids and not now[level]:
                found.setSelectedItems(level, uids)

    def _onQueried(self) -> None:
        self._restorer.start()

    def _stopRestoring(self) -> None:
        self._settled.stop()
        self._restorer.stop()
        if self._watched is not None:
            self._watched.disconnect("databaseChanged()", self._onQueried)
            self._watched = None


def _selection() -> Mapping[Any, list[str]]:
    """What is chosen in the browser, from patients down."""
    found = DatabaseSource.browser()
    if found is None:
        return {}
    manager = found.dicomTableManager()
    return {
        ctk.ctkDICOMModel.PatientType: list(manager.currentPatientsSelection()),
        ctk.ctkDICOMModel.StudyType: list(manager.currentStudiesSelection()),
        ctk.ctkDICOMModel.SeriesType: list(manager.currentSeriesSelection()),
    }
