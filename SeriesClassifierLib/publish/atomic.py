"""Write a file as a whole or not at all: who reads it never finds half of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from SeriesClassifierLib.errors import SeriesClassifierError, UsageError


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block ends well.

    A pipe or device is given as it is. Raises UsageError when the folder is missing or ``path`` is a folder,
    SeriesClassifierError when writing fails (an OSError in the block).
    """
    asked = Path(path)
    if asked.is_dir():
        raise UsageError(f"{asked} is a folder: name a file")
    if not asked.parent.is_dir():
        raise UsageError(f"folder {asked.parent} does not exist: make it first or name another")
    try:
        if asked.exists() and not asked.is_file():
            yield asked
            return
        target = Path(os.path.realpath(asked))
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            yield draft
            _to_disk(draft)
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeriesClassifierError(f"{asked} cannot be written ({reason}): {_advice(error)}") from error


def _to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space or name another place"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "check the permissions of its folder or name another place"
    return "check the disk and the path, or name another place"
