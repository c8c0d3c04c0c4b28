"""A folder of DICOM files, nested and named in any way.

Every file is read once, and series whose files lie scattered still come out whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.records import Series, Study
from SeriesClassifierLib.sources.assemble import make_series, make_study
from SeriesClassifierLib.sources.reading import FileReader
from SeriesClassifierLib.sources.spool import InstanceSpool
from SeriesClassifierLib.sources.values import clean


class FolderSource:
    """All DICOM series below a folder (or in one file)."""

    def __init__(self, location: Path, *, jobs: int = 1) -> None:
        """Raises SourceError when ``location`` does not exist or cannot be listed."""
        self._location = location
        self._jobs = jobs
        self._spool: InstanceSpool | None = None
        self._unread: list[Series] = []
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
        """Number of series, a file that cannot be assigned to one counted as one. Scans the folder once."""
        return self._scanned().count_series() + len(self._unread)

    def studies(self) -> Iterator[Study]:
        """Studies by UID. The first one, without a UID, also holds the files that could not be read."""
        spool = self._scanned()
        uids = spool.studies()
        for study_uid in uids if "" in uids or not self._unread else ["", *uids]:
            series = [make_series(uid, items) for uid, items in spool.series_of(study_uid).items()]
            yield make_study(study_uid, series if study_uid else series + sorted(self._unread, key=_name))

    def _scanned(self) -> InstanceSpool:
        if self._spool is not None:
            return self._spool
        spool = InstanceSpool()

        def note(error: OSError) -> None:
            self._note(str(error.filename), "folder cannot be listed: check its permissions")

        with FileReader(self._jobs, expected=False) as reader:
            for read in reader.read(self._walk(note)):
                if read.problem:
                    self._note(read.path, read.problem)
                elif not read.instances:
                    self._skipped += 1
                spool.add(read.instances)
        self._spool = spool
        return spool

    def _note(self, path: str, reason: str) -> None:
        """Keep what could not be read as a series of its own, named by its path below the location."""
        root = self._location if self._location.is_dir() else self._location.parent
        name = os.fsencode(Path(os.path.relpath(path, root)).as_posix()).decode("utf-8", "replace")
        self._unread.append(Series("", "", "", (), (reason,), description=clean(name)))

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
        """Release what the scan holds."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None


def _name(series: Series) -> str:
    return series.description
