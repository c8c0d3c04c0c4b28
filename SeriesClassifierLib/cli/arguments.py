"""What the parts of the command line share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from SeriesClassifierLib.errors import SourceError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def positive(text: str) -> int:
    """A whole number above 0, for ``add_argument``."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return number


def source_path(text: str) -> Path:
    """Where series are, for ``add_argument``. Raises SourceError for an empty name, which as a path would be
    the current folder.
    """
    if not text.strip():
        raise SourceError("the name of the source is empty: name a folder with DICOM files or a database")
    return Path(text)


def user_name(text: str) -> str:
    """Who does something, for ``add_argument``: a label of nobody cannot be asked about."""
    name = text.strip()
    if not name:
        raise argparse.ArgumentTypeError("the name is empty: give that of the person who labels")
    return name
