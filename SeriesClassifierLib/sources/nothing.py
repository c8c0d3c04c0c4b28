"""A source with nothing to label is an error that says why, in every verb: an empty result is none."""

from __future__ import annotations

import os
import stat
from os import PathLike
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.sources.folder import FolderSource
from SeriesClassifierLib.sources.left_out import left_out_text
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource

_WILDCARDS = frozenset("*?[")


def existing(location: str | PathLike[str]) -> Path:
    """``location`` as a path. Raises SourceError when it is no folder and no file that can be read."""
    name = os.fspath(location)
    if not name.strip():
        raise SourceError("the name of the source is empty: name a folder with DICOM files or a database")
    path = Path(name)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError(_missing(path)) from error
    except ValueError as error:
        raise SourceError("the name of the source holds a null character: name a folder") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be opened ({error.strerror}): check its permissions") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise SourceError(f"{path} is a pipe, a socket or a device: name a folder with DICOM files")
    if not os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0)):
        does = "listed" if stat.S_ISDIR(mode) else "read"
        raise SourceError(f"{path} cannot be {does}: check its permissions")
    return path


def _missing(path: Path) -> str:
    if os.path.islink(path):
        return f"{path} is a link to something that is not there: restore that, or name the folder itself"
    if _WILDCARDS & set(str(path)):
        return f"nothing matches {path}: name a folder with DICOM files or a ctkDICOM.sql file"
    return f"{path} does not exist: name a folder with DICOM files or a ctkDICOM.sql file"


def count_series(source: Source) -> int:
    """Number of series of a source. Raises SourceError when there is none."""
    n = source.count_series()
    if not n:
        raise SourceError(nothing_in(source))
    return n


def nothing_in(source: Source) -> str:
    """Why ``source`` has nothing to classify, and what to do."""
    if isinstance(source, FolderSource):
        why = left_out_text(source.left_out) or "there are no DICOM images in it, name another folder"
    elif isinstance(source, SlicerDatabaseSource):
        why = "import DICOM files into this database first"
    else:
        why = "name another source"
    return f"nothing to classify in {source.location}: {why}"
