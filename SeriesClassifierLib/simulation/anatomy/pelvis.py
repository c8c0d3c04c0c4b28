"""The pelvis: origin in the middle of the prostate, or of the vagina's upper end."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.female_organs import add_female_parts
from SeriesClassifierLib.simulation.anatomy.male_organs import (
    add_male_parts,
    add_prostate,
    draw_prostate_size,
)
from SeriesClassifierLib.simulation.anatomy.pelvic_muscles import add_floor, add_muscles, add_wall
from SeriesClassifierLib.simulation.anatomy.pelvic_organs import add_bladder, add_loops, add_rectum
from SeriesClassifierLib.simulation.anatomy.pelvic_ring import add_bones, add_vessels
from SeriesClassifierLib.simulation.anatomy.shapes import Plan, blob
from SeriesClassifierLib.simulation.anatomy.trunk import add_skin, draw_outline


def draw_prostate(choose: Chooser) -> Sketch:
    """A man's pelvis, centered on the prostate."""
    return Sketch("prostate", plan_pelvis(choose, "M"), (0, 0, 4), (230, 220, 80), "M", tilt=(5, 3, 4))


def draw_pelvis(choose: Chooser) -> Sketch:
    """A whole pelvis of either sex."""
    sex = choose.pick("MFF")
    return Sketch(
        "female pelvis" if sex == "F" else "male pelvis",
        plan_pelvis(choose, sex),
        (0, 0, 30),
        (330, 260, 190),
        sex,
        tilt=(5, 3, 4),
    )


def plan_pelvis(choose: Chooser, sex: str) -> Plan:
    """From the iliac crests to the upper thighs."""
    plan = Plan()
    plan.zone("visceral", "fat")
    plan.zone("pelvic fat", "fat")
    plan.zone("mesorectum", "fat")
    plan.zone("meat", "muscle")
    outline = draw_outline(choose, 150, 92)
    add_skin(plan, choose, outline)
    # The cleft between the buttocks, closed in a lying patient.
    back = outline.depth + outline.back
    plan.add(blob((0, back + 6, -70), (1.6, 52, 75)), "skin", only=["subcutis"])
    add_wall(plan, choose, outline)
    add_muscles(plan, choose)
    add_bones(plan, choose)
    add_vessels(plan, choose)
    add_floor(plan, choose)
    add_loops(plan, choose)
    bladder = choose.size(0.25, 1.25)
    big = draw_prostate_size(choose)
    add_rectum(plan, choose, 8 if sex == "F" else big[1] - 16)
    if sex == "M":
        add_bladder(plan, choose, bladder, big[2])
        add_prostate(plan, choose, big)
        add_male_parts(plan, choose, big)
    else:
        add_bladder(plan, choose, bladder, 4)
        add_female_parts(plan, choose, bladder)
    if choose.chance(0.1):
        plan.add(blob((0, 30, 60), (60, 40, 30), rough=(4, 2)), "fluid", only=["visceral"])
    return plan
