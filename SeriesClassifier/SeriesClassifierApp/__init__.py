"""The parts of the SeriesClassifier module of 3D Slicer: the only code that may import Slicer or Qt."""

import importlib.util
import sys
from pathlib import Path

# Installed, the library lies where Slicer looks for modules; in the source tree, beside the module's folder.
_beside = Path(__file__).resolve().parents[2]
if importlib.util.find_spec("SeriesClassifierLib") is None and (_beside / "SeriesClassifierLib").is_dir():
    sys.path.append(str(_beside))
