"""SeriesClassifier: tells what every DICOM series is. Research use; not a medical device.

Importing this package loads nothing heavy; the public names below are loaded on first use.

>>> from SeriesClassifierLib import classify
>>> predictions = classify("folder with DICOM")            # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from SeriesClassifierLib.inference.run import classify
    from SeriesClassifierLib.records import Prediction, Status
    from SeriesClassifierLib.sources import open_source

_PUBLIC = {
    "classify": "SeriesClassifierLib.inference.run",
    "open_source": "SeriesClassifierLib.sources",
    "Prediction": "SeriesClassifierLib.records",
    "Status": "SeriesClassifierLib.records",
}
__all__ = ["Prediction", "Status", "__version__", "classify", "open_source"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
