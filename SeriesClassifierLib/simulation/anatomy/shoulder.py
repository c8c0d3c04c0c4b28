"""The shoulder. Origin as in ``limbs``.

All is written for a left shoulder, the trunk at negative x; ``flip`` is -1 for a right one.
"""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.limb_parts import SOFT, bone, effusion, finish, muscle, zones
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import ENDLESS, add_sheets


def plan_shoulder(choose: Chooser) -> Plan:
    """A shoulder of either side."""
    plan = Plan()
    fat = choose.size(3, 22)
    flip = 1 if choose.chance(0.5) else -1
    zones(plan)
    _trunk(plan, choose, flip, fat)
    _chest_wall(plan, flip)
    _muscles(plan, flip)
    marrow = "marrow_yellow" if choose.chance(0.6) else "marrow_red"
    plan.add(blob(_at(flip, -4, 0, 0), (31, 30, 30)), "joint", only=["under", "fat"])
    effusion(plan, choose, blob(_at(flip, -8, 0, -8), (27, 26, 26)))
    _blade(plan, flip, marrow)
    _arm(plan, flip, marrow)
    _vessels(plan, flip)
    finish(plan, choose, marrow)
    return plan


def _at(flip: int, x: float, y: float, z: float) -> Vector:
    return (flip * x, y, z)


def _line(flip: int, *knots: Knot) -> list[Knot]:
    return [(flip * x, y, z, r) for x, y, z, r in knots]


def _trunk(plan: Plan, choose: Chooser, flip: int, fat: float) -> None:
    """Trunk and arm in their skin; ``fat`` (mm) is under it."""
    skin = -choose.vary(1.2, 2.2)
    low = [((0.0, 0.0, 1.0), 62.0 + fat)]
    plan.add(
        blob(
            _at(flip, -130, 8, -120),
            (150 + fat * 0.5, 92 + fat, ENDLESS),
            power=3,
            cuts=[((flip * 0.42, 0.0, 1.0), 60 + fat)],
        ),
        "skin",
        (skin, "under"),
    )
    plan.add(
        blob(_at(flip, 14, 2, -150), (44 + fat, 46 + fat, 206 + fat), power=3, cuts=low, rough=(1, 0.5)),
        "skin",
        (skin, "under"),
    )
    plan.add(
        blob(
            _at(flip, -130, 8, -120),
            (146 + fat * 0.5, 88 + fat, ENDLESS),
            power=3,
            cuts=[((flip * 0.42, 0.0, 1.0), 57 + fat)],
        ),
        "under",
        only=["skin"],
    )
    add_sheets(plan, choose, 30, 0.25, "stroma", ["under"])
    plan.add(
        blob(
            _at(flip, -140, 10, -130),
            (146, 76, ENDLESS),
            power=3,
            cuts=[((flip * 0.42, 0.0, 1.0), 40.0), ((flip * 1.0, 0, 0), -26.0)],
            rough=(2, 1),
        ),
        "meat",
        only=["under"],
    )
    add_sheets(plan, choose, 40, choose.vary(0.8, 2.2), "fat", ["meat"])


def _chest_wall(plan: Plan, flip: int) -> None:
    """Chest wall with ribs and lung."""
    plan.add(
        blob(_at(flip, -170, 20, -110), (112, 82, 150), power=3),
        "muscle",
        (-9, "fat"),
        (-12, "lung"),
        only=["under"],
    )
    for top in range(-160, 40, 26):
        plan.add(
            tube(
                _line(
                    flip,
                    *[
                        (-170 + 106 * math.sin(a), 20 + 77 * math.cos(a), top - 14 * a, 6)
                        for a in (0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8)
                    ],
                )
            ),
            "cortical_bone",
            (-1, "marrow_red"),
            only=["muscle", "fat", "under", "lung"],
        )


def _muscles(plan: Plan, flip: int) -> None:
    """Deltoid cap, cuff muscles, arm."""
    plan.add(
        blob(_at(flip, 10, 0, -22), (38, 42, 66), power=3, rough=(1, 0.6)),
        (0.5, "fat"),
        (0, "tendon"),
        (-0.4, "meat"),
        (-22, "fat"),
        only=["under", "meat"],
    )
    for knots in (
        ((-110, 22, 14, 14), (-70, 12, 22, 12), (-30, 2, 24, 8), (8, 0, 22, 4)),
        ((-100, 44, -50, 20), (-60, 36, -20, 18), (-20, 24, 4, 10), (10, 14, 14, 4)),
        ((-110, 12, -50, 22), (-64, -4, -20, 18), (-24, -14, -4, 10), (2, -18, 0, 4)),
        ((-90, 44, -90, 14), (-40, 32, -52, 11), (4, 16, -30, 6)),
        ((-120, -50, -60, 20), (-60, -46, -40, 16), (0, -24, -60, 7)),
        ((-110, 48, 42, 14), (-50, 34, 48, 9), (-16, 22, 42, 6)),
        ((0, -26, -30, 8), (2, -28, -80, 20), (4, -28, -220, 24)),
        ((-6, 26, -50, 14), (6, 28, -100, 22), (8, 26, -220, 22)),
    ):
        muscle(plan, *_line(flip, *knots))


def _blade(plan: Plan, flip: int, marrow: str) -> None:
    """Shoulder blade: glenoid, neck, blade, spine, acromion; coracoid; collar bone."""
    bone(plan, blob(_at(flip, -34, 6, -4), (8, 13, 19), (0, flip * -8, flip * 24), power=3), 1.2, marrow)
    bone(plan, tube(_line(flip, (-38, 10, -2, 12), (-54, 20, 0, 9), (-80, 34, 4, 5))), 1.2, marrow)
    bone(plan, blob(_at(flip, -86, 36, -54), (46, 3.2, 62), (0, flip * 12, flip * -22)), 1.0, marrow)
    bone(
        plan,
        tube(
            _line(flip, (-88, 48, 18, 6), (-54, 44, 28, 7), (-22, 34, 36, 8), (4, 14, 38, 8), (6, -8, 36, 6)),
            squash=(1, 1, 0.7),
        ),
        1.2,
        marrow,
    )
    bone(plan, tube(_line(flip, (-40, 0, 12, 8), (-38, -16, 22, 7), (-26, -32, 14, 7))), 1.2, marrow)
    bone(
        plan,
        tube(_line(flip, (-4, -6, 38, 6), (-40, -20, 42, 6.5), (-90, -34, 38, 7), (-150, -30, 26, 8))),
        1.5,
        marrow,
    )
    plan.add(blob(_at(flip, -25, 4, -2), (3, 12, 17), (0, 0, flip * 24)), "cartilage", only=SOFT)
    plan.add(
        blob(_at(flip, -27, 4, -2), (4, 15, 20), (0, 0, flip * 24)),
        "tendon",
        only=["under", "joint", "fluid", "fat"],
    )


def _arm(plan: Plan, flip: int, marrow: str) -> None:
    """Upper arm bone with its cartilage, the tendons at its head."""
    plan.add(
        blob(_at(flip, 0, 0, 0), (25.5, 25.5, 25.5)),
        "cartilage",
        only=["joint", "fat", "fluid", "under", "meat"],
    )
    bone(plan, blob(_at(flip, 12, -4, -2), (16, 20, 20)), 1.2, marrow)
    bone(plan, tube(_line(flip, (4, 0, -10, 20), (8, 0, -50, 13), (8, 0, -260, 12))), 3.5, marrow)
    plan.add(tube(_line(flip, (4, 0, -10, 17), (7, 0, -38, 11))), marrow, only=["cortical_bone"])
    bone(plan, blob((0, 0, 0), (23.5, 23.5, 23.5), rough=(0.2, 0.2)), 1.1, marrow)
    plan.add(
        tube(_line(flip, (-20, -6, 26, 4), (0, 0, 26, 3.6), (18, 0, 20, 3.2)), squash=(1, 3, 0.9)),
        "tendon",
        only=[*SOFT, "fluid"],
    )
    plan.add(
        tube(_line(flip, (6, -24, 12, 2.6), (12, -24, -30, 2.6), (6, -28, -80, 3))),
        "tendon",
        only=[*SOFT, "fluid"],
    )


def _vessels(plan: Plan, flip: int) -> None:
    """The vessels of the arm."""
    for y, name, r in ((-22, "blood_artery", 4.2), (-27, "blood_vein", 5.0)):
        plan.add(
            tube(
                _line(
                    flip,
                    (-150, y - 6, 16, r),
                    (-80, y - 6, -10, r),
                    (-40, y + 6, -50, r),
                    (-22, y + 16, -220, r * 0.8),
                )
            ),
            name,
            only=SOFT,
        )
