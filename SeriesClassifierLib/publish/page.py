"""What every page that we write has in common: its templates, its look, and how it tells a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

USE = "Research use; not a medical device."
_PNG = "data:image/png;base64,"


def environment(package: str) -> Environment:
    """Templates of ``package`` and, for what they include, of this one; every text is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    own = "SeriesClassifierLib.publish"
    return Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in dict.fromkeys((package, own))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def percent_text(probability: float | None) -> str:
    """A probability for people; never a certainty that rounding made.

    >>> percent_text(0.97312), percent_text(0.99998), percent_text(None)
    ('97.3 %', '> 99.9 %', '')
    """
    if probability is None or not math.isfinite(probability):
        return ""
    return "> 99.9 %" if probability >= 0.9995 else f"{100 * probability:.1f} %"


def png_only(uri: str | None) -> str:
    """``uri`` where it is a PNG picture in itself, else "": a page loads nothing else."""
    return uri if uri is not None and uri.startswith(_PNG) else ""
