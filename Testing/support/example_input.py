"""Make ``data/example_input.json``, on which every bundle is run before it is adopted: one simulated series.

usage: python Testing/support/example_input.py > SeriesClassifierLib/data/example_input.json
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.simulation.studies import draw_series

_SEED, _SLICES, _SIDE = 11, 4, 48


def example_input() -> dict[str, Any]:
    """The header features of an axial T2 series of the prostate, and a few of its slices."""
    part, slices = draw_series(
        np.random.default_rng(_SEED), region="prostate", sequence="T2", slices=_SLICES, longest=2 * _SIDE
    )
    pixels = np.stack([prepare(one, _SIDE) for one in slices])
    return {
        "about": "one simulated axial T2 series of the prostate: header features, and slices of 8 bits in base64",
        "features": {name: round(value, 6) for name, value in sorted(features(part.header).items())},
        "shape": list(pixels.shape),
        "slices": base64.b64encode(pixels.tobytes()).decode("ascii"),
    }


if __name__ == "__main__":
    json.dump(example_input(), sys.stdout, indent=1)
    sys.stdout.write("\n")
