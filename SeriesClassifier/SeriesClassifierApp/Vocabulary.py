"""The classes of the library, which may not be there yet."""

from __future__ import annotations

import logging


def classesOf(facet: str) -> list[str]:
    """The classes of a facet, or none while the package that reads them is missing."""
    try:
        from SeriesClassifierLib.vocabulary import classes
    except ImportError:
        logging.debug("Series Classifier: the library is not there")
        return []
    try:
        return list(classes(facet))
    except ImportError:
        return []
