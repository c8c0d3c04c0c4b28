"""What the parts of the command line share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

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


def user_name(text: str) -> str:
    """Who does something, for ``add_argument``: a label of nobody cannot be asked about."""
    name = text.strip()
    if not name:
        raise argparse.ArgumentTypeError("the name is empty: give that of the person who labels")
    return name
