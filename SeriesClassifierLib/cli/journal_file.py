"""Which journal a command means: --journal FILE everywhere, or the folder or database that it lies beside."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from SeriesClassifierLib.errors import JournalError, UsageError
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.sources.slicer_database import find_database

_HELP = "the journal, or the folder or DICOM database that it lies beside (default: {} in this folder)"


def add_journal(command: argparse.ArgumentParser, *, also_first: bool = False) -> None:
    """The option; ``also_first``: a first argument may name the journal, too."""
    command.add_argument("--journal", type=Path, metavar="FILE", help=_HELP.format(JOURNAL_NAME))
    if also_first:
        command.add_argument("place", nargs="?", type=Path, metavar="JOURNAL", help=argparse.SUPPRESS)


@contextmanager
def open_journal(
    options: argparse.Namespace, *, readonly: bool = False, may_be_new: bool = False
) -> Iterator[Journal]:
    """The journal that is meant, open. Raises as ``journal_file``."""
    with Journal(journal_file(options, may_be_new=may_be_new), readonly=readonly) as journal:
        yield journal


def journal_file(options: argparse.Namespace, *, may_be_new: bool = False) -> Path:
    """The file that is meant. Raises JournalError when there is none, unless ``may_be_new``: a command that
    changes a journal never makes one by itself. Raises UsageError when two are named.
    """
    named: Path | None = options.journal
    first: Path | None = getattr(options, "place", None)
    if named is not None and first is not None:
        raise UsageError(f"two journals are named, {named} and {first}: name one")
    return existing_journal(named or first or Path(), may_be_new=may_be_new)


def existing_journal(place: Path, *, may_be_new: bool = False) -> Path:
    """The journal that a file, a folder or a database stands for. Raises JournalError as ``journal_file``."""
    path = journal_in(place)
    if not may_be_new and not is_journal_there(path):
        raise JournalError(
            f"there is no journal {path}: name it, or the folder of its DICOM database, with --journal"
        )
    return path


def journal_in(place: Path) -> Path:
    """The journal that a file, a folder or a database stands for, whether it is there or not."""
    database = find_database(place)
    if database is not None:
        return database.parent / JOURNAL_NAME
    return place / JOURNAL_NAME if place.is_dir() else place


def is_journal_there(path: Path) -> bool:
    """Whether there is something to open: an empty file would become a new journal."""
    return path.is_file() and path.stat().st_size > 0
