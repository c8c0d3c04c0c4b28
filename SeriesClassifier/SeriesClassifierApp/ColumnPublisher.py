"""The "Series class" column of the DICOM browser.

CTK shows a column of its database that is registered there, and reads it anew only when the database is
opened. So: close it, let the worker write (two copies of SQLite must never have the file open in one
process), open it again, and choose what was chosen before. A few hundredths of a second, once a batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ctk
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.Sources import NOTHING, Source
from SeriesClassifierApp.WorkerProcess import WorkerProcess

# What the worker needs is hundredths of a second; after this the database is opened again whatever it does.
_PATIENCE_MS = 15_000
_AGAIN_MS = 10_000
# CTK watches the file and queries its tables anew some time after the change, which clears the selection.
_SETTLED_MS = 3_000
_AFTER_QUERY_MS = 50
_MOST_TRIES = 30
# How the worker names its reason when another program has the database locked.
BUSY = "busy"
_LAST_EVENTS = ("done", "failed", "cancelled", "crashed")


@dataclass(frozen=True)
class _Wish:
    """What is to be written, and into which database: never into another one that is open by then."""

    source: Source
    do: str


class ColumnPublisher:
    """Writes the column of the open database, or takes it out; tries again while somebody is in the way."""

    def __init__(
        self,
        worker: WorkerProcess,
        *,
        say: Callable[[str], None],
        onOpen: Callable[[], None],
        onWriting: Callable[[Source], None],
        onFailed: Callable[[Source], None],
    ) -> None:
        """``say`` shows a message; ``onOpen`` is called when the database is open again. The column holds the
        labels of the moment when ``onWriting`` is called, unless ``onFailed`` follows.
        """
        self._worker = worker
        self._say = say
        self._onOpen = onOpen
        self._onWriting = onWriting
        self._onFailed = onFailed
        self._database: Any = None
        self._selection: Mapping[Any, list[str]] = {}
        self._wish = _Wish(NOTHING, "")
        self._written = self._wish
        self._tries = 0
        self._patience = singleShot(_PATIENCE_MS, self._reopen)
        self._later = singleShot(_AGAIN_MS, self._begin)
        self._settled = singleShot(_SETTLED_MS, self._stopRestoring)
        self._restorer = singleShot(_AFTER_QUERY_MS, self._restore)
        self._watched: Any = None

    @property
    def isWriting(self) -> bool:
        """Whether the database is closed for writing just now."""
        return self._database is not None

    def publish(self, source: Source) -> None:
        """Show the labels of a database in the browser, if it is the one that is open."""
        self._ask(_Wish(source, "publish"))

    def remove(self, source: Source) -> None:
        """Take the column of a database out of the browser, if it is the one that is open."""
        self._ask(_Wish(source, "unpublish"))

    def cleanup(self) -> None:
        """Stop waiting, and leave the database open as it was."""
        self._later.stop()
        self._reopen()
        self._stopRestoring()

    def _ask(self, wish: _Wish) -> None:
        """The newest wish replaces one that still waits."""
        self._wish, self._tries = wish, 0
        self._later.stop()
        self._begin()

    def _begin(self) -> None:
        """Write when the worker is there and has nothing else to do: it may only just be starting, and the
        database must not be closed for as long.
        """
        wish = self._wish
        if self.isWriting:
            self._later.start()
        elif self._canBegin(wish):
            self._worker.request("labels", lambda event: self._onFree(wish, event), journal=os.devnull)

    def _canBegin(self, wish: _Wish) -> bool:
        if not wish.source.isOpen:
            return False  # whoever wished it does so again when that database is open
        if DatabaseSource.isImporting():
            self._say(_("The column will be written after the import."))
            self._later.start()
            return False
        return True

    def _onFree(self, wish: _Wish, event: Mapping[str, Any]) -> None:
        if event["event"] not in _LAST_EVENTS or wish is not self._wish or self.isWriting:
            return
        if event["event"] != "done":
            self._sayNotWritten(event)
        elif self._canBegin(wish):
            self._selection = _selection()
            self._written, self._database = wish, DatabaseSource.database()
            self._database.closeDatabase()
            self._patience.start()
            if wish.do == "publish":
                self._onWriting(wish.source)
            self._worker.request(
                wish.do,
                lambda event: self._onEvent(wish, event),
                database=wish.source.databaseFile,
                journal=wish.source.journal,
            )

    def _onEvent(self, wish: _Wish, event: Mapping[str, Any]) -> None:
        if event["event"] not in _LAST_EVENTS:
            return
        self._reopen()
        if event["event"] == "done":
            if wish.do == "publish":
                self._say(_("The DICOM browser shows the class of {n} series.").format(n=event["series"]))
            else:
                self._say(_("The column was removed from the DICOM browser."))
        elif wish.do == "publish":
            self._onFailed(wish.source)
        self._tries += 1
        if wish is not self._wish:
            self._begin()  # a newer one waits
        elif event["event"] == "done":
            return
        elif event.get("reason") == BUSY and self._tries < _MOST_TRIES:
            self._later.start()
            self._say(_("The DICOM database is busy: the column will be written in a few seconds."))
        else:
            self._sayNotWritten(event)

    def _sayNotWritten(self, event: Mapping[str, Any]) -> None:
        reason = event.get("message") or event["event"]
        self._say(_("The column was not written: {reason}").format(reason=reason))

    def _reopen(self) -> None:
        """Open what was closed, unless it is gone or somebody has opened something else in it."""
        self._patience.stop()
        database, self._database = self._database, None
        if database is None:
            return
        self._stopRestoring()
        if database and not database.isOpen:
            database.openDatabase(self._written.source.databaseFile)
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
        if self._watched:
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
