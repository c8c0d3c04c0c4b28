"""The files that a DICOMDIR lists (PS3.10 section 8, PS3.12): only those in its own folder."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.sources.guarded_file import LONGEST_VALUE, GuardedFile

logger = logging.getLogger(__name__)


def listed_files(dicomdir: Path) -> Iterator[tuple[str, str | None]]:
    """The name of each file that ``dicomdir`` lists, and its path; None where it is not in the folder.

    Names are compared as those of ISO 9660 discs: without case and version (";1"). What a name leads to
    outside of the folder, also through links, counts as not there. Raises SourceError when the list cannot be
    read.
    """
    root = os.path.realpath(dicomdir.parent)
    names = _names(dicomdir)

    @lru_cache(maxsize=256)
    def entries(folder: str) -> dict[str, str]:
        try:
            return {_plain(name): name for name in sorted(os.listdir(folder), reverse=True)}
        except OSError:
            return {}

    for parts in names:
        found: str | None = str(dicomdir.parent)
        for part in parts:
            name = entries(found).get(_plain(part)) if found is not None and _is_name(part) else None
            found = None if name is None or found is None else os.path.join(found, name)
        if found is not None and not os.path.realpath(found).startswith(root.rstrip(os.sep) + os.sep):
            found = None
        yield "/".join(parts), found


def _names(dicomdir: Path) -> list[tuple[str, ...]]:
    import pydicom

    try:
        with warnings.catch_warnings(), dicomdir.open("rb") as file:
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(GuardedFile(file), defer_size=8 * LONGEST_VALUE)
            ids = [record.get("ReferencedFileID") for record in dataset.get("DirectoryRecordSequence") or ()]
    except Exception as error:  # whatever pydicom raises on broken bytes
        logger.debug("a DICOMDIR could not be read: %s", type(error).__name__)
        raise SourceError(
            f"{dicomdir} cannot be read as a DICOMDIR: name the folder that it lies in, or copy it again"
        ) from error
    found = ((str(one),) if isinstance(one, str) else tuple(map(str, one)) for one in ids if one)
    return list(dict.fromkeys(found))


def _is_name(part: str) -> bool:
    """Whether this is the name of one file or folder, and no way out."""
    return part.strip() not in ("", ".", "..") and not set(part) & set('/\\:\0')


def _plain(name: str) -> str:
    """A name without what a disc, or what reads it, adds or changes."""
    stem, _, version = name.strip().rpartition(";")
    return (stem if stem and version.isdigit() else name.strip()).rstrip(".").casefold()
