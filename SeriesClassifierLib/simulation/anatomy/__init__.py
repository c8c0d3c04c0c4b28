"""People to scan: label maps of tissues made of implicit shapes, drawn at random for every region."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.simulation.anatomy.abdomen import draw_abdomen
from SeriesClassifierLib.simulation.anatomy.body import HELD_OUT, Body, Chooser, Sketch, place
from SeriesClassifierLib.simulation.anatomy.chest import draw_breast, draw_cardiac, draw_chest
from SeriesClassifierLib.simulation.anatomy.head import draw_brain, draw_head_neck
from SeriesClassifierLib.simulation.anatomy.limbs import draw_limb
from SeriesClassifierLib.simulation.anatomy.pelvis import draw_pelvis, draw_prostate
from SeriesClassifierLib.simulation.anatomy.spine import draw_spine

__all__ = ["HELD_OUT", "REGIONS", "Body", "draw_body"]

_SKETCHES: Mapping[str, Callable[[Chooser], Sketch]] = {
    "prostate": draw_prostate,
    "pelvis": draw_pelvis,
    "abdomen": draw_abdomen,
    "brain": draw_brain,
    "head_neck": draw_head_neck,
    "spine": draw_spine,
    "chest": draw_chest,
    "breast": draw_breast,
    "extremity": draw_limb,
    "cardiac": draw_cardiac,
}
REGIONS: tuple[str, ...] = tuple(_SKETCHES)


def draw_body(rng: np.random.Generator, region: str, *, held_out: bool = False) -> Body:
    """A person's ``region``, one of ``REGIONS``. All that is random comes from ``rng``, here and never later.

    ``held_out`` draws every size from a band that other bodies leave free, for tests on anatomy never
    trained on. Raises UsageError for an unknown region."""
    sketch = _SKETCHES.get(region)
    if sketch is None:
        raise UsageError(f"No anatomy for the region {region!r}. Use one of: {', '.join(REGIONS)}.")
    choose = Chooser(rng, held_out)
    return place(sketch(choose), region, choose)
