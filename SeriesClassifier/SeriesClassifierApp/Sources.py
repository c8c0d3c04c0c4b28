"""Where series come from and which journal holds their labels: one unchangeable record for all work about
them.

Work carries the source that it began with. So a database that is opened, closed or replaced in the middle
changes what is shown, and never where something is written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Settings

# Of the path of a database or folder, in the name of its journal in the settings folder.
_DIGITS = 16


@dataclass(frozen=True)
class Source:
    """A database file or a folder, and the journal of its labels. Empty texts: there is none."""

    location: str = ""
    journal: str = ""
    isFolder: bool = False
    # Why the journal does not lie beside the database, in words.
    note: str = field(default="", compare=False)

    @property
    def databaseFile(self) -> str:
        """The database file, or an empty text for a folder."""
        return "" if self.isFolder else self.location

    @property
    def isOpen(self) -> bool:
        """Whether this is the database that Slicer has open now."""
        return bool(self.databaseFile) and self.databaseFile == DatabaseSource.databaseFile()

    @property
    def hasLabels(self) -> bool:
        """Whether there is a journal yet."""
        return bool(self.journal) and Path(self.journal).is_file()


NOTHING = Source()


def database() -> Source:
    """The database that Slicer has open, with a journal that can be written; ``NOTHING`` if none is."""
    file = DatabaseSource.databaseFile()
    if not file:
        return NOTHING
    named = Settings.get("journal")
    if named:
        return Source(file, named)
    beside, own = DatabaseSource.journalBeside(file), _inSettings("database", file)
    if not os.path.isfile(own):
        if _canWrite(beside):
            return Source(file, beside)
        _begin(own, beside)
    return Source(
        file,
        own,
        note=_(
            "The folder of the database cannot be written, so the labels are kept in the settings folder."
        ),
    )


def folder(path: str) -> Source:
    """A folder of DICOM files. It is no part of any database, so its labels are in a journal of its own."""
    named = Settings.get("journal")
    own = named or _inSettings("folder", path)
    Path(own).parent.mkdir(parents=True, exist_ok=True)
    note = (
        ""
        if named
        else _("The labels of a folder are kept in the settings folder, apart from those of the database.")
    )
    return Source(path, own, isFolder=True, note=note)


def journalToRead() -> str:
    """The journal of the open database as ``database`` would find it, without making anything; may not be
    there.
    """
    file = DatabaseSource.databaseFile()
    if not file:
        return ""
    own = _inSettings("database", file)
    return Settings.get("journal") or (own if os.path.isfile(own) else DatabaseSource.journalBeside(file))


def _inSettings(kind: str, path: str) -> str:
    """A file of the settings folder for a path. The path itself may hold names, so only its digest shows."""
    whole = os.path.normcase(os.path.realpath(path))
    digest = hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
    settings = Path(slicer.app.slicerUserSettingsFilePath).parent
    return str(settings / "SeriesClassifier" / f"{kind}-{digest}.sqlite")


def _canWrite(journal: str) -> bool:
    """Whether a journal is or could be written there. That of the folder is tried out, for permissions alone
    do not tell. The journal itself is not opened: closing it would drop the locks that SQLite has on it in
    this process, and the next worker that ends would delete the write-ahead log under the open panel.
    """
    if os.path.isfile(journal) and not os.access(journal, os.R_OK | os.W_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=os.path.dirname(journal)):
            return True
    except OSError:
        return False


def _begin(own: str, beside: str) -> None:
    """Begin a journal in the settings folder with what is known beside the database."""
    Path(own).parent.mkdir(parents=True, exist_ok=True)
    if not os.path.isfile(beside):
        return
    for ending in ("-wal", ""):  # the journal last: with it all is there
        if os.path.isfile(beside + ending):
            shutil.copyfile(beside + ending, own + ".new")
            os.replace(own + ".new", own + ending)
