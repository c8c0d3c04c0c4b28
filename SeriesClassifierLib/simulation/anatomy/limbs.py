"""Joints and limbs: knee, shoulder, ankle, hip and thigh. Origin in the joint."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.legs import plan_ankle, plan_knee, plan_thigh
from SeriesClassifierLib.simulation.anatomy.pelvis import plan_pelvis
from SeriesClassifierLib.simulation.anatomy.shoulder import plan_shoulder


def draw_limb(choose: Chooser) -> Sketch:
    """One of the joints, or a thigh."""
    kind = choose.pick(["knee", "knee", "shoulder", "ankle", "hip", "thigh"])
    sex = choose.pick("MF")
    if kind == "knee":
        return Sketch(kind, plan_knee(choose), (0, 0, 0), (155, 160, 120), sex, bend=0.6, tilt=(6, 6, 25))
    if kind == "shoulder":
        return Sketch(kind, plan_shoulder(choose), (0, 0, 0), (180, 170, 110), sex, bend=0.6, tilt=(8, 8, 20))
    if kind == "ankle":
        return Sketch(
            kind, plan_ankle(choose), (0, 10, -10), (120, 200, 130), sex, bend=0.5, tilt=(10, 10, 20)
        )
    if kind == "thigh":
        return Sketch(kind, plan_thigh(choose), (0, 0, 0), (210, 210, 160), sex, bend=0.8, tilt=(5, 5, 25))
    side = 1 if choose.chance(0.5) else -1
    return Sketch(kind, plan_pelvis(choose, sex), (side * 95, 0, 15), (200, 200, 120), sex, tilt=(4, 4, 5))
