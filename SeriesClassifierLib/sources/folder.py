"""A folder of DICOM files, nested and named in any way.

Every file is read once, and series whose files lie scattered still come out whole.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.records import Series, Study
from SeriesClassifierLib.sources.assemble import make_series, make_study
from SeriesClassifierLib.sources.dicomdir import listed_files
from SeriesClassifierLib.sources.file_reader import FileRead, front_of
from SeriesClassifierLib.sources.left_out import LeftOut, LeftOutFiles, is_dicomdir, listed
from SeriesClassifierLib.sources.reading import FileReader
from SeriesClassifierLib.sources.spool import InstanceSpool
from SeriesClassifierLib.sources.values import clean
from SeriesClassifierLib.sources.walk import files_below


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
        # What is wrong with files, by their folder: one line each, however many they are.
        self._problems: dict[tuple[Path, str], LeftOutFiles] = {}
        self._without_uid: Counter[Path] = Counter()
        # The named places in which nothing was found yet, with how the paths of their files begin.
        self._empty = {location: _beginning(location) for location in locations}
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

    @property
    def empty_locations(self) -> Sequence[Path]:
        """Those of several folders and files in which nothing was found, known after the first walk."""
        return tuple(self._empty)

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
        with FileReader(self._jobs, expected=False) as reader:
            for read in reader.read(self._files()):
                self._take(read, spool)
        for folder, n in self._without_uid.items():
            files = f"{n} files have" if n > 1 else "1 file has"
            self._note(folder, f"{files} no SeriesInstanceUID: send them again from their source")
        for (folder, reason), found in self._problems.items():
            if found.count == 1:
                self._note(Path(found.names[0]), reason)
            else:
                names = [_shown(Path(name).name) for name in found.names]
                self._note(folder, f"{found.count} times: {reason} ({listed(found.count, names)})")
        self._spool, self._shared = spool, spool.shared_series()
        return spool

    def _files(self) -> Iterator[str]:
        """The files of all locations; a DICOMDIR stands for those that it lists."""
        named: list[Path] = []
        for location in self._locations:
            if location.is_file() and is_dicomdir(_front_or_nothing(location)):
                for name, path in listed_files(location):
                    if path is None:
                        self._leave_out(LeftOut.MISSING, str(location.parent / name))
                    else:
                        named.append(Path(path))
            else:
                named.append(location)
        return files_below(named, self._unlistable)

    def _take(self, read: FileRead, spool: InstanceSpool) -> None:
        if read.left_out is not None:
            self._leave_out(read.left_out, read.path)
            return
        for location in [one for one, start in self._empty.items() if read.path.startswith(start)]:
            del self._empty[location]
        if read.no_series:
            self._without_uid[Path(read.path).parent] += 1
        elif read.problem:
            self._add_problem(Path(read.path), read.problem)
        spool.add(read.instances)

    def _leave_out(self, kind: LeftOut, path: str) -> None:
        self._left_out.setdefault(kind, LeftOutFiles()).add(path)

    def _unlistable(self, error: OSError) -> None:
        reason = f"folder cannot be listed ({error.strerror}): check its permissions"
        self._add_problem(Path(os.fsdecode(error.filename or "")), reason)

    def _add_problem(self, path: Path, reason: str) -> None:
        self._problems.setdefault((path.parent, reason), LeftOutFiles()).add(str(path))

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
        return _shown(Path(shown).as_posix())

    def close(self) -> None:
        """Release what the scan holds."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None


def _name(series: Series) -> str:
    return series.description


def _shown(name: str) -> str:
    """A name of a file, which need not be text, for people."""
    return clean(os.fsencode(name).decode("utf-8", "replace"))


def _beginning(location: Path) -> str:
    """How the paths of the files of ``location`` begin."""
    if location.is_dir():
        return os.path.join(str(location), "")
    is_list = location.is_file() and is_dicomdir(_front_or_nothing(location))
    return os.path.join(str(location.parent), "") if is_list else str(location)


def _front_or_nothing(path: Path) -> bytes:
    try:
        return front_of(str(path))
    except OSError:  # reading it will say so
        return b""
