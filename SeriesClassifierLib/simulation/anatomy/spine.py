"""The spine as a region of its own: neck, chest or loins, centered on the column."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.abdomen import plan_abdomen
from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.chest import plan_chest
from SeriesClassifierLib.simulation.anatomy.head import plan_head


def draw_spine(choose: Chooser) -> Sketch:
    """A part of the spine in its body."""
    part, sex = choose.pick(["lumbar", "lumbar", "cervical", "thoracic"]), choose.pick("MF")
    if part == "cervical":
        return Sketch("cervical spine", plan_head(choose), (0, 40, -125), (230, 230, 90), sex)
    if part == "thoracic":
        return Sketch("thoracic spine", plan_chest(choose, sex), (0, 60, 0), (320, 320, 90), sex)
    return Sketch("lumbar spine", plan_abdomen(choose, sex), (0, 40, -50), (280, 280, 100), sex)
