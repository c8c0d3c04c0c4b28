"""A folder of DICOM files, nested and named in any way.

Every file is read once, and series whose files lie scattered still come out whole.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.records import Series, Study
from SeriesClassifierLib.sources.assemble import make_series, make_study
from SeriesClassifierLib.sources.left_out import LeftOut, LeftOutFiles, kind_of
from SeriesClassifierLib.sources.reading import FileReader
from SeriesClassifierLib.sources.spool import InstanceSpool
from SeriesClassifierLib.sources.values import clean


class FolderSource:
    """All DICOM series below one or several folders (or in single files): a series that is spread over them
    is one series.
    """

    def __init__(self, *locations: Path, jobs: int = 1) -> None:
        """Raises SourceError when one of ``locations`` does not exist or cannot be listed."""
        self._locations: Sequence[Path] = locations
        self._jobs = jobs
        self._spool: InstanceSpool | None = None
        self._shared: dict[str, int] = {}
        self._unread: list[Series] = []
        self._left_out: dict[LeftOut, LeftOutFiles] = {}
        for location in locations:
            if not location.exists():
                raise SourceError(
                    f"{location} does not exist: name a folder with DICOM files or a ctkDICOM.sql file"
                )
            if location.is_dir() and not os.access(location, os.R_OK | os.X_OK):
                raise SourceError(f"{location} cannot be listed: check its permissions")

    @property
    def location(self) -> Path:
        """The (first) folder or file that the user named."""
        return self._locations[0]

    @property
    def skipped(self) -> int:
        """Number of files that do not claim to be DICOM, known after the first walk."""
        return sum(files.count for files in self._left_out.values())

    @property
    def left_out(self) -> Mapping[LeftOut, LeftOutFiles]:
        """The ``skipped`` files by what they are, named below the folder that the user named."""
        return {
            kind: LeftOutFiles(files.count, [self._below(Path(path)) for path in files.names])
            for kind, files in sorted(self._left_out.items())
        }

    def count_series(self) -> int:
        """Number of series, a file that cannot be assigned to one counted as one. Scans the folders once."""
        return self._scanned().count_series() + len(self._unread)

    def studies(self) -> Iterator[Study]:
        """Studies by UID. The first one, without a UID, also holds the files that could not be read."""
        spool = self._scanned()
        uids = spool.studies()
        for study_uid in uids if "" in uids or not self._unread else ["", *uids]:
            series = [
                make_series(uid, items, studies=self._shared.get(uid, 1))
                for uid, items in spool.series_of(study_uid).items()
            ]
            yield make_study(study_uid, series if study_uid else series + sorted(self._unread, key=_name))

    def _scanned(self) -> InstanceSpool:
        if self._spool is not None:
            return self._spool
        spool = InstanceSpool()
        without_uid: Counter[Path] = Counter()
        for location in self._locations:
            self._scan(location, spool, without_uid)
        for folder, n in without_uid.items():
            files = f"{n} files have" if n > 1 else "1 file has"
            self._note(folder, f"{files} no SeriesInstanceUID: send them again from their source")
        self._spool, self._shared = spool, spool.shared_series()
        return spool

    def _scan(self, location: Path, spool: InstanceSpool, without_uid: Counter[Path]) -> None:
        def note(error: OSError) -> None:
            self._note(Path(str(error.filename)), "folder cannot be listed: check its permissions")

        with FileReader(self._jobs, expected=False) as reader:
            for read in reader.read(self._walk(location, note)):
                if read.no_series:
                    without_uid[Path(read.path).parent] += 1
                elif read.problem:
                    self._note(Path(read.path), read.problem)
                elif not read.instances:
                    self._left_out.setdefault(kind_of(read.path), LeftOutFiles()).add(read.path)
                spool.add(read.instances)

    def _note(self, path: Path, reason: str) -> None:
        """Keep what could not be read as a series of its own, named by its path below what the user named."""
        self._unread.append(Series("", "", "", (), (reason,), description=self._below(path)))

    def _below(self, path: Path) -> str:
        """The path below the folder that the user named."""
        roots = (root if root.is_dir() else root.parent for root in self._locations)
        root = next((root for root in roots if root == path or root in path.parents), path.parent)
        below = Path(os.path.relpath(path, root))
        # The folder itself by its name: "." tells nobody where to look.
        shown = below if below.parts else Path(os.path.realpath(path)).name
        return clean(os.fsencode(Path(shown).as_posix()).decode("utf-8", "replace"))

    @staticmethod
    def _walk(location: Path, note: Callable[[OSError], None]) -> Iterator[str]:
        """All files in a fixed order; ``note`` gets the folders that cannot be listed."""
        if location.is_file():
            yield str(location)
            return
        for folder, subfolders, names in os.walk(location, onerror=note):
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
