"""Heart, great vessels and airways: what lies between the lungs. Origin as in ``chest``."""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Plan, blob, tube

_OVER = ["lung", "mediastinum"]


def add_mediastinum(plan: Plan, choose: Chooser) -> None:
    """Airways, esophagus, great vessels and nodes."""
    over = [*_OVER, "blood_vein", "blood_artery"]
    r = choose.size(11, 16)
    arch = [
        (6, -34, -4, r + 2),
        (-8, -38, 30, r + 1),
        (0, -26, 62, r),
        (14, 0, 68, r - 1),
        (22, 18, 46, r - 2),
        (22, 24, 0, r - 2.5),
        (16, 22, -90, r - 3),
        (10, 16, -190, r - 3),
    ]
    plan.add(tube([(0, -6, 200, 9), (0, 4, 90, 9), (2, 8, 44, 8.5)]), "cartilage", (-1.6, "gas"), only=over)
    for s in (-1, 1):
        plan.add(
            tube([(2, 8, 46, 7), (s * 24, 6, 24, 6.5), (s * 42, 8, 4, 4)]),
            "cartilage",
            (-1.2, "gas"),
            only=over,
        )
        plan.add(
            tube([(s * 4, -22, 78, 5), (s * 18, -12, 120, 4.5), (s * 24, 0, 190, 4)]),
            "blood_artery",
            only=over,
        )
        plan.add(
            tube([(-24, -30, 66, 7), (s * 30 - 6, -34, 96, 6), (s * 44, -20, 130, 6)]),
            "blood_vein",
            only=over,
        )
    plan.add(
        tube([(2, 20, 200, 6), (4, 22, 60, 6), (8, 16, -40, 6), (14, 8, -120, 6.5)], squash=(1.3, 0.9, 1)),
        "bowel_wall",
        (-3, "mucosa"),
        only=over,
    )
    plan.add(
        tube([(-24, -30, 76, 9), (-28, -26, 30, 9.5), (-30, -22, 0, 10)]),
        "stroma",
        (-0.6, "blood_vein"),
        only=over,
    )
    plan.add(
        tube([(2, -46, -2, 13), (14, -36, 28, 13), (22, -12, 36, 11), (40, 2, 26, 8)]),
        "stroma",
        (-1.0, "blood_pool"),
        only=over,
    )
    plan.add(
        tube([(14, -16, 34, 10), (-16, -12, 26, 10), (-40, 0, 18, 8)]),
        "stroma",
        (-0.8, "blood_pool"),
        only=over,
    )
    plan.add(tube(arch), "stroma", (-1.4, "blood_artery"), only=[*over, "stroma"])
    for _ in range(8):
        n = choose.vary(2, 5)
        plan.add(blob(choose.near((-4, -4, 40), 26), (n, n, 1.5 * n)), "spleen", only=["mediastinum"])


def add_heart(plan: Plan, choose: Chooser) -> None:
    """The heart in its sac."""
    over = [*_OVER, "blood_vein", "blood_artery", "stroma", "meat", "fluid", "tendon"]
    size = choose.size(0.88, 1.15)
    wall = choose.vary(8, 14)
    fluid = choose.vary(0.8, 2.0) if choose.chance(0.85) else choose.vary(4, 14)
    plan.add(
        blob((20, -34, -28), (62 * size, 48 * size, 50 * size), (0, 24, 30), rough=(1.5, 0.5)),
        (fluid, "tendon"),
        (fluid - 0.8, "fluid"),
        (0, "mediastinum"),
        only=["lung", "mediastinum"],
    )
    plan.add(
        blob((-26, -30, -20), (27 * size, 28 * size, 34 * size), rough=(1.2, 0.6)),
        "myocardium",
        (-2.5, "blood_pool"),
        only=over,
    )
    plan.add(
        blob((6, 2, -8), (32 * size, 19 * size, 24 * size), rough=(1.2, 0.6)),
        "myocardium",
        (-2.5, "blood_pool"),
        only=over,
    )
    plan.add(
        blob(
            (12, -52, -30),
            (44 * size, 24 * size, 34 * size),
            (0, 26, 28),
            rough=(1.2, 0.6),
            tapers=[(2, 0, -0.3)],
        ),
        "myocardium",
        (-3.5, "blood_pool"),
        only=[*over, "blood_pool"],
    )
    _left_ventricle(plan, choose, size, wall, over)
    plan.add(
        tube([(22, -16, -22, 13 * size), (8, -4, -12, 13 * size)]),
        "blood_pool",
        only=["myocardium", "mediastinum"],
    )
    plan.add(
        tube([(18, -26, -16, 10), (6, -34, -4, 12)]),
        "blood_pool",
        only=["myocardium", "mediastinum", "blood_pool", "stroma"],
    )
    for s in (-1, 1):
        axis = (math.sin(math.radians(58)) * 12, -10, -9)
        plan.add(
            tube([(44 + axis[0] * 0.3, -28 + s * 9, -40, 3.0), (52, -34 + s * 7, -48, 3.6)]),
            "myocardium",
            only=["blood_pool"],
        )
    for knots in (
        ((8, -46, 0, 1.6), (28, -62, -30, 1.4), (60, -60, -70, 1)),
        ((-20, -54, -4, 1.6), (-30, -56, -40, 1.4), (0, -40, -68, 1.2)),
    ):
        plan.add(tube(knots), "blood_artery", only=["mediastinum", "myocardium"])


def _left_ventricle(plan: Plan, choose: Chooser, size: float, wall: float, over: list[str]) -> None:
    """The left ventricle between two beats; ``wall`` is its thickness at rest (mm)."""
    # Its axis runs to the left, front and down.
    turn = (0.0, 58.0, 38.0)
    beat = choose.vary(0.8, 1.2)
    center = (42.0, -30.0, -38.0)
    outer = (29 * size, 29 * size, 46 * size)
    plan.add(
        blob(
            center,
            outer,
            turn,
            tapers=[(0, 2, -0.2), (1, 2, -0.2)],
            rough=(0.8, 0.5),
            cuts=[((-0.62, 0.48, 0.4), -26 + 0.48 * -30 + 0.4 * -38 + 26)],
        ),
        "myocardium",
        only=[*over, "blood_pool", "myocardium"],
    )
    inner = (outer[0] - wall * beat, outer[1] - wall * beat, outer[2] - wall * beat * 0.8)
    plan.add(
        blob((40, -28.5, -36.5), inner, turn, tapers=[(0, 2, -0.2), (1, 2, -0.2)], rough=(0.8, 1.8)),
        "blood_pool",
        only=["myocardium", "mediastinum"],
    )
