"""Knee, thigh and ankle. Origin as in ``limbs``; ``w`` is the width relative to the average."""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.limb_parts import (
    SOFT,
    bone,
    effusion,
    finish,
    muscle,
    start,
    zones,
)
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import ENDLESS, add_sheets


def plan_knee(choose: Chooser) -> Plan:
    """A knee."""
    plan = Plan()
    fat = choose.size(3, 18)
    w = choose.size(0.92, 1.08)
    plan.zone("shaft", "marrow_yellow")
    start(plan, choose, blob((0, 4, 0), (47 * w + fat, 54 * w + fat, ENDLESS), rough=(1.5, 0.5), power=3))
    marrow = "marrow_yellow" if choose.chance(0.7) else "marrow_red"
    _knee_muscles(plan)
    plan.add(blob((0, -8, 6), (36, 34, 40), rough=(1, 0.5)), "joint", only=["under"])
    _condyles(plan, w, marrow)
    _shin(plan, w, marrow)
    _ligaments(plan, choose, w)
    _kneecap(plan, w, marrow)
    effusion(plan, choose, blob((0, -27, 52), (choose.vary(12, 26), choose.vary(1.5, 7), 24), (-12, 0, 0)))
    effusion(plan, choose, blob((-18, 40, 8), (6, 5, choose.vary(6, 18))))
    _knee_vessels(plan)
    finish(plan, choose, marrow)
    return plan


def _knee_muscles(plan: Plan) -> None:
    """Thigh muscles above, calf heads below, tendons behind."""
    for s in (-1, 1):
        muscle(plan, (s * 34, -18, 160, 30), (s * 36, -14, 80, 22), (s * 34, -22, 36, 8))
        muscle(plan, (s * 26, 46, 140, 16), (s * 30, 44, 60, 9), (s * 34, 36, 10, 5), (s * 32, 24, -40, 3))
        muscle(
            plan,
            (s * 20, 36, 24, 8),
            (s * 21, 46, -20, 16),
            (s * 20, 44, -80, 24),
            (s * 18, 42, -160, 24),
            squash=(1, 0.8, 1),
        )
    muscle(plan, (0, -38, 160, 22), (0, -36, 90, 12), (0, -44, 50, 5), squash=(1.6, 0.7, 1))
    muscle(plan, (6, 28, -20, 9), (-2, 26, -60, 14), (0, 26, -150, 18))
    muscle(plan, (34, -12, -50, 12), (34, -14, -150, 16))


def _condyles(plan: Plan, w: float, marrow: str) -> None:
    """Thigh bone with two condyles; its groove in front."""
    bone(plan, tube([(0, -6, 300, 14), (0, -6, 90, 15), (0, -4, 52, 18)]), 4.0, marrow)
    bump = 1.0
    for s in (-1, 1):
        for label in (2.2, 0.0):
            shape = blob(
                (s * 22 * w, 6, 20),
                (20 * w + label, 31 + label, 22 + label),
                (0, s * 6, s * -8),
                rough=(0.2, 0.2),
            )
            if label:
                plan.add(shape, "cartilage", only=["joint", "under", "meat", "fat", "tendon"])
            else:
                bone(plan, shape, bump, marrow)
    bone(
        plan,
        blob(
            (0, -6, 34), (35 * w, 22, 26), rough=(0.3, 0.2), tapers=[(0, 2, -0.3)], cuts=[((0, 0.3, -1), -18)]
        ),
        1.0,
        marrow,
    )
    plan.add(blob((0, 22, 10), (7, 26, 15)), "joint", only=["cartilage", "cortical_bone", marrow])


def _shin(plan: Plan, w: float, marrow: str) -> None:
    """Shin bone and fibula."""
    bone(plan, tube([(0, 0, -26, 22), (0, -6, -60, 17), (0, -8, -300, 13)], squash=(1.1, 1, 1)), 3.0, marrow)
    plan.add(blob((0, 2, -14), (40 * w, 27, 7.5), power=3), "cartilage", only=SOFT)
    bone(plan, blob((0, 2, -22), (39 * w, 26, 13), power=3, rough=(0.3, 0.2)), 1.0, marrow)
    plan.add(tube([(0, 0, -24, 19), (0, -4, -46, 15)]), marrow, only=["cortical_bone"])
    bone(plan, tube([(38, 18, -28, 9), (37, 18, -60, 6), (36, 16, -300, 6)]), 2.0)


def _ligaments(plan: Plan, choose: Chooser, w: float) -> None:
    """Menisci, cruciate and side ligaments."""
    for s in (-1, 1):
        for turn in range(-110, 111, 22):
            a = math.radians(turn)
            x, y = s * (20 * w + 15 * math.cos(a)), 3 + 20 * math.sin(a)
            plan.add(blob((x, y, -6.0), (4.6, 5.4, 3.2)), "tendon", only=[*SOFT, "cartilage"])
    torn = choose.chance(0.2)
    plan.add(
        tube([(5, 16, 12, 3.6), (0, 2, 0, 3.4), (-2, -8, -9, 4)]), "stroma" if torn else "tendon", only=SOFT
    )
    plan.add(tube([(-6, 4, 14, 4.6), (-2, 18, 4, 4.6), (0, 26, -14, 4.4)]), "tendon", only=SOFT)
    plan.add(
        tube([(-41 * w, 2, 24, 3), (-42 * w, 0, -10, 3), (-34, -4, -50, 3)], squash=(0.6, 2, 1)),
        "tendon",
        only=SOFT,
    )
    plan.add(tube([(41 * w, 6, 22, 2.5), (43 * w, 10, 0, 2.5), (38, 16, -26, 2.5)]), "tendon", only=SOFT)


def _kneecap(plan: Plan, w: float, marrow: str) -> None:
    """Kneecap in the tendon of the quadriceps, Hoffa's fat behind the lower part."""
    plan.add(blob((0, -32, 22), (20, 4.0, 17)), "cartilage", only=SOFT)
    bone(plan, blob((0, -40, 22), (22 * w, 10, 20), power=3, rough=(0.3, 0.2)), 1.1, marrow)
    plan.add(tube([(0, -42, 100, 4), (0, -46, 40, 4)], squash=(3.4, 0.8, 1)), "tendon", only=SOFT)
    plan.add(
        tube([(0, -46, 6, 3.6), (0, -40, -20, 3.4), (0, -34, -42, 4)], squash=(3.2, 0.8, 1)),
        "tendon",
        only=SOFT,
    )


def _knee_vessels(plan: Plan) -> None:
    """The vessels and the nerve behind the knee, the vein under the skin."""
    for x, y, name, r in ((0, 36, "blood_artery", 3.4), (3, 42, "blood_vein", 4.0)):
        plan.add(
            tube(
                [(x - 6, y - 4, 200, r), (x, y, 10, r), (x, y - 6, -60, r * 0.9), (x, y - 10, -200, r * 0.7)]
            ),
            name,
            only=SOFT,
        )
    plan.add(tube([(4, 48, 200, 4), (4, 50, 10, 3), (2, 46, -200, 2.5)]), "cord", only=SOFT)
    plan.add(tube([(-40, 30, 200, 2.2), (-44, 28, 0, 2.2), (-40, 10, -200, 2)]), "blood_vein", only=["under"])


def plan_thigh(choose: Chooser) -> Plan:
    """The middle of a thigh."""
    plan = Plan()
    fat = choose.size(4, 30)
    size = choose.size(56, 76)
    start(plan, choose, blob((0, 0, 0), (size + fat, size * 1.08 + fat, ENDLESS), rough=(1.5, 0.5)))
    plan.add(
        blob((0, 0, 0), (size, size * 1.06, ENDLESS), rough=(1.5, 0.5)),
        "tendon",
        (-0.7, "fat"),
        (-1.4, "meat"),
        only=["under"],
    )
    # Muscles as sectors around the bone, each in its sheath.
    for turn, far, r, flat in (
        (-90, 0.62, 0.30, 0.8),
        (-35, 0.58, 0.40, 0.9),
        (-145, 0.58, 0.38, 0.9),
        (-90, 0.30, 0.36, 0.8),
        (20, 0.60, 0.26, 1.0),
        (65, 0.60, 0.30, 1.0),
        (110, 0.62, 0.30, 1.0),
        (150, 0.52, 0.36, 1.0),
        (190, 0.62, 0.20, 1.2),
        (205, 0.35, 0.3, 1.0),
    ):
        a = math.radians(turn)
        x, y = size * far * math.cos(a), size * far * math.sin(a)
        low, high = choose.near((x * 0.85, y * 0.85, -200), 4), choose.near((x, y, 0), 3)
        top = choose.near((x * 1.05, y * 1.05, 200), 4)
        line = [(*low, size * r * 0.7), (*high, size * r), (*top, size * r * 1.05)]
        plan.add(
            tube(line, squash=(1, flat, 1), rough=(0.8, 0.5)),
            (choose.vary(0.5, 1.6), "fat"),
            (0, "tendon"),
            (-0.4, "meat"),
            only=["meat", "fat"],
        )
    marrow = "marrow_yellow" if choose.chance(0.7) else "marrow_red"
    bone(plan, tube([(-2, -2, -300, 14), (0, -4, 0, 13.5), (4, -2, 300, 15)], rough=(0.2, 0.1)), 4.5, marrow)
    for x, y, name, r in (
        (-26, -6, "blood_artery", 4.0),
        (-24, 1, "blood_vein", 5.0),
        (-10, 14, "blood_vein", 2.2),
    ):
        plan.add(
            tube([(x - 8, y - 14, 300, r), (x, y, 0, r), (x + 8, y + 16, -300, r)]),
            (1.0, "fat"),
            (0, name),
            only=SOFT,
        )
    plan.add(
        tube([(4, 26, 300, 5), (0, 30, 0, 5), (0, 34, -300, 4)], squash=(1.3, 0.8, 1)),
        (1.5, "fat"),
        (0, "cord"),
        only=SOFT,
    )
    finish(plan, choose, marrow)
    return plan


def plan_ankle(choose: Chooser) -> Plan:
    """A foot at right angles; the toes point to negative y."""
    plan = Plan()
    fat = choose.size(2, 10)
    zones(plan)
    skin = -choose.vary(1.2, 2.2)
    outer = [
        tube(
            [
                (0, 6, 240, 42 + fat),
                (0, 8, 120, 34 + fat),
                (0, 8, 40, 32 + fat),
                (0, 8, -10, 33 + fat),
                (0, 14, -45, 30 + fat),
            ]
        ),
        tube(
            [
                (0, 46, -46, 22 + fat),
                (0, 20, -42, 30 + fat),
                (0, -40, -46, 31 + fat),
                (0, -90, -58, 26 + fat),
                (2, -140, -66, 20 + fat),
            ],
            squash=(1.15, 1, 0.85),
        ),
    ]
    for shape in outer:
        plan.add(shape, "skin")
    for shape in outer:
        plan.add(shape, (skin, "under"))
    add_sheets(plan, choose, 22, 0.25, "stroma", ["under"])
    marrow = "marrow_yellow" if choose.chance(0.8) else "marrow_red"
    _ankle_muscles(plan)
    plan.add(blob((0, 6, -4), (26, 24, 18)), "joint", only=["under"])
    _foot_bones(plan, marrow)
    _ankle_tendons(plan)
    effusion(plan, choose, blob((0, -16, 2), (14, choose.vary(2, 6), 9)))
    effusion(plan, choose, blob((4, 24, -8), (8, choose.vary(2, 6), 8)))
    plan.add(tube([(-14, 26, 200, 2), (-20, 24, 0, 2), (-16, -10, -56, 1.8)]), "blood_artery", only=SOFT)
    plan.add(tube([(-18, 28, 200, 2), (-24, 24, 0, 2), (-20, -10, -54, 1.8)]), "blood_vein", only=SOFT)
    finish(plan, choose, marrow)
    return plan


def _ankle_muscles(plan: Plan) -> None:
    """The lower ends of the calf muscles, and the sole."""
    for knots in (
        ((0, 38, 240, 22), (0, 36, 110, 13), (0, 40, 60, 6)),
        ((-8, 18, 240, 14), (-6, 20, 100, 12), (-14, 18, 30, 6)),
        ((24, 16, 240, 10), (26, 20, 60, 7), (24, 24, 10, 4)),
        ((14, -16, 240, 12), (10, -18, 60, 8), (4, -22, 20, 4)),
        ((-14, 20, -58, 10), (-10, -30, -72, 12), (-8, -90, -76, 9)),
        ((14, 10, -62, 9), (16, -40, -74, 9), (14, -90, -76, 7)),
        ((2, 20, -64, 9), (4, -40, -70, 9), (4, -90, -76, 7)),
    ):
        muscle(plan, *knots)


def _foot_bones(plan: Plan, marrow: str) -> None:
    """Shin bone, fibula and the bones of the foot."""
    bone(
        plan,
        tube([(-4, 0, 260, 13), (-4, 0, 80, 13), (-4, 2, 30, 17), (-4, 3, 12, 19)], squash=(1.1, 1, 1)),
        2.2,
        marrow,
    )
    plan.add(tube([(-4, 2, 40, 14), (-4, 3, 12, 16.5)]), marrow, only=["cortical_bone"])
    bone(plan, tube([(-22, 2, 14, 8), (-22, 2, -4, 6)]), 1.2, marrow)
    bone(plan, tube([(22, 12, 260, 6), (22, 12, 60, 6), (24, 12, 10, 8), (24, 12, -14, 7)]), 1.8, marrow)
    for center, axes, turn in (
        ((0, 2, -14), (17, 22, 13), (0, 0, 0)),
        ((-4, -22, -20), (12, 12, 11), (0, 0, 0)),
        ((4, 28, -42), (15, 34, 19), (-16, 0, 6)),
        ((-8, -40, -28), (17, 9, 14), (0, 0, 8)),
        ((16, -36, -42), (11, 17, 11), (0, 0, -8)),
        ((-18, -56, -38), (9, 10, 12), (0, 0, 0)),
        ((-4, -58, -34), (8, 9, 10), (0, 0, 0)),
        ((6, -58, -38), (7, 9, 9), (0, 0, 0)),
    ):
        bigger = (axes[0] + 1.3, axes[1] + 1.3, axes[2] + 1.3)
        plan.add(blob(center, bigger, turn, power=3), "cartilage", only=SOFT)
        bone(plan, blob(center, axes, turn, power=3, rough=(0.4, 0.3)), 1.0, marrow)
    for ray, x in enumerate((-20, -8, 2, 12, 22)):
        r = 8 if ray == 0 else 5
        bone(
            plan,
            tube([(x * 0.9, -66, -42, r), (x * 1.1, -95, -56, r * 0.75), (x * 1.25, -126, -66, r)]),
            1.4,
            marrow,
        )
        bone(plan, tube([(x * 1.3, -136, -68, r * 0.9), (x * 1.35, -160, -70, r * 0.7)]), 1.2, marrow)


def _ankle_tendons(plan: Plan) -> None:
    """Achilles tendon and those around the ankle."""
    plan.add(
        tube([(0, 44, 100, 4), (0, 46, 30, 3.4), (2, 56, -30, 4)], squash=(2, 1, 1)), "tendon", only=SOFT
    )
    tendons: tuple[tuple[Knot, ...], ...] = (
        ((-20, 14, 60, 3), (-24, 14, 0, 3), (-26, -20, -30, 3)),
        ((-14, 20, 60, 2.5), (-20, 20, -6, 2.5), (-14, -20, -50, 2.5)),
        ((24, 26, 40, 2.5), (30, 24, -14, 2.5), (26, -20, -50, 2.5)),
        ((-10, -20, 60, 3), (-10, -26, 0, 3), (-18, -50, -26, 3)),
        ((6, -20, 60, 2.5), (6, -26, 0, 2.5), (10, -70, -30, 2.5)),
        ((0, 40, -62, 3), (-4, 0, -74, 3), (-6, -60, -82, 2.5)),
    )
    for tendon in tendons:
        plan.add(tube(tendon), "tendon", only=SOFT)
