"""A folder of DICOM files, nested and named in any way.

Every file is read once. What is needed of it is kept in a temporary SQLite table that spills to disk, so
memory
stays flat however many files there are, and series whose files lie scattered still come out whole.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.records import Instance, Series, Study, TagValue
from SeriesClassifierLib.sources.assemble import make_series, make_study
from SeriesClassifierLib.sources.reading import FileReader
from SeriesClassifierLib.sources.values import clean

_SCHEMA = """
CREATE TABLE instance (study TEXT, series TEXT, path BLOB, frame INTEGER, tags TEXT);
CREATE TABLE problem (path BLOB, reason TEXT);
"""


class FolderSource:
    """All DICOM series below a folder (or in one file)."""

    def __init__(self, location: Path, *, jobs: int = 1) -> None:
        """Raises SourceError when ``location`` does not exist or cannot be listed."""
        self._location = location
        self._jobs = jobs
        self._spool: sqlite3.Connection | None = None
        self._skipped = 0
        if not location.exists():
            raise SourceError(
                f"{location} does not exist: name a folder with DICOM files or a ctkDICOM.sql file"
            )
        if location.is_dir() and not os.access(location, os.R_OK | os.X_OK):
            raise SourceError(f"{location} cannot be listed: check its permissions")

    @property
    def location(self) -> Path:
        """The folder or file that the user named."""
        return self._location

    @property
    def skipped(self) -> int:
        """Number of files that do not claim to be DICOM, known after the first walk."""
        return self._skipped

    def count_series(self) -> int:
        """Number of series, a file that cannot be assigned to one counted as one. Scans the folder the first
        time.
        """
        spool = self._scanned()
        (series,) = spool.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT study, series FROM instance)"
        ).fetchone()
        (problems,) = spool.execute("SELECT COUNT(*) FROM problem").fetchone()
        return int(series) + int(problems)

    def studies(self) -> Iterator[Study]:
        """Studies by UID. The first one, without a UID, also holds the files that could not be read."""
        spool = self._scanned()
        unread = [
            self._unread(os.fsdecode(path), reason)
            for path, reason in spool.execute("SELECT path, reason FROM problem ORDER BY path")
        ]
        uids = {row[0] for row in spool.execute("SELECT DISTINCT study FROM instance")}
        for study_uid in sorted(uids | {""} if unread else uids):
            by_series: dict[str, list[Instance]] = {}
            query = "SELECT series, path, frame, tags FROM instance WHERE study = ?"
            for series_uid, path, frame, tags in spool.execute(query, (study_uid,)):
                instance = Instance(os.fsdecode(path), frame, _loads(tags))
                by_series.setdefault(series_uid, []).append(instance)
            series = [make_series(uid, items) for uid, items in by_series.items()]
            yield make_study(study_uid, series if study_uid else series + unread)

    def _unread(self, path: str, reason: str) -> Series:
        root = self._location if self._location.is_dir() else self._location.parent
        name = os.fsencode(Path(os.path.relpath(path, root)).as_posix()).decode("utf-8", "replace")
        return Series("", "", "", (), (reason,), description=clean(name))

    def _scanned(self) -> sqlite3.Connection:
        if self._spool is not None:
            return self._spool
        spool = sqlite3.connect("")
        spool.executescript(_SCHEMA)

        def note(error: OSError) -> None:
            reason = "folder cannot be listed: check its permissions"
            spool.execute("INSERT INTO problem VALUES (?, ?)", (os.fsencode(error.filename), reason))

        with FileReader(self._jobs, expected=False) as reader:
            for read in reader.read(self._walk(note)):
                if read.problem:
                    spool.execute("INSERT INTO problem VALUES (?, ?)", (os.fsencode(read.path), read.problem))
                elif not read.instances:
                    self._skipped += 1
                spool.executemany(
                    "INSERT INTO instance VALUES (?, ?, ?, ?, ?)", [_row(i) for i in read.instances]
                )
        spool.execute("CREATE INDEX by_study ON instance (study)")
        self._spool = spool
        return spool

    def _walk(self, note: Callable[[OSError], None]) -> Iterator[str]:
        """All files in a fixed order; ``note`` is told of folders that cannot be listed."""
        if self._location.is_file():
            yield str(self._location)
            return
        for folder, subfolders, names in os.walk(self._location, onerror=note):
            subfolders.sort()
            for name in sorted(names):
                if name.upper() != "DICOMDIR":
                    yield os.path.join(folder, name)

    def close(self) -> None:
        """Release the temporary table."""
        if self._spool is not None:
            with closing(self._spool):
                self._spool = None


def _row(instance: Instance) -> tuple[str, str, bytes, int, str]:
    # The name of a file is bytes: it need not be text in any encoding.
    return (
        instance.text("StudyInstanceUID"),
        instance.text("SeriesInstanceUID"),
        os.fsencode(instance.path),
        instance.frame,
        json.dumps(instance.tags, separators=(",", ":")),
    )


def _loads(text: str) -> dict[str, TagValue]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(text).items()}
