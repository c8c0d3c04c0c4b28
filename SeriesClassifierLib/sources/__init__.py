"""Where series come from: a folder of DICOM files, or the files of a Slicer DICOM database."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.sources.folder import FolderSource
from SeriesClassifierLib.sources.nothing import existing
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource, find_database


def open_source(location: str | PathLike[str], *, jobs: int = 1) -> Source:
    """The source at ``location``: a ``ctkDICOM.sql`` file, the folder that holds one, any folder or file of
    DICOM, or a DICOMDIR (the files that it lists).

    With ``jobs`` above 1 large sources are read by that many processes; a script that asks for it must guard
    its entry point with ``if __name__ == "__main__"``, as Python's multiprocessing demands.

    Raises SourceError when it cannot be opened.
    """
    path = existing(location)
    if find_database(path) is not None:
        return SlicerDatabaseSource(path, jobs=jobs)
    return FolderSource(path, jobs=jobs)


def open_sources(locations: Iterable[str | PathLike[str]], *, jobs: int = 1) -> list[Source]:
    """The sources at ``locations``: each database is one, and all folders and files together are one, so that
    a series which is spread over them comes out whole. Raises SourceError as ``open_source``.
    """
    folders: dict[Path, Path] = {}
    sources: list[Source] = []
    for location in map(existing, locations):
        if find_database(location) is not None:
            sources.append(open_source(location, jobs=jobs))
        else:
            folders.setdefault(location.resolve(), location)
    outermost = [path for real, path in folders.items() if not folders.keys() & set(real.parents)]
    if outermost:
        sources.append(FolderSource(*outermost, jobs=jobs))
    return sources
