"""The organs of the pelvis that both sexes have. Origin as in ``pelvis``."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_bowel, add_specks, add_tree, small_bowel

# What an organ drawn later may cover: fat and bowel.
SOFT = ["visceral", "bowel_wall", "bowel_content", "mucosa", "gas", "fluid"]
_OVER = [
    "visceral",
    "pelvic fat",
    "mesorectum",
    "stroma",
    "bowel_wall",
    "bowel_content",
    "gas",
    "fluid",
    "mucosa",
    "meat",
]


def add_loops(plan: Plan, choose: Chooser) -> None:
    """Small bowel, cecum and descending colon."""
    for stretch in small_bowel(choose, (-70, -62, 55), (70, 10, 165), choose.size(8, 12.5)):
        add_bowel(
            plan,
            choose,
            stretch,
            choose.pick(["fluid", "content", "content", "empty", "empty", "level"]),
            ["visceral"],
            wall=choose.vary(1.4, 2.4),
        )
    for side in (-1, 1):
        knots = [
            (side * 100, -20, 180, 17),
            (side * 98, -28, 140, 17),
            (side * 86, -34, 110, 15),
            (side * 66, -34, 90, 14),
        ]
        for a in (0, 1, 2):
            fill = choose.pick(["gas", "stool", "content", "empty"])
            add_bowel(
                plan,
                choose,
                [
                    knots[a],
                    tuple((p + q) / 2 for p, q in zip(knots[a], knots[a + 1], strict=True)),
                    knots[a + 1],
                ],
                fill,
                ["visceral", "bowel_wall"],
                waves=(22, 0.2),
            )


def add_rectum(plan: Plan, choose: Chooser, shift: float) -> None:
    """Rectum with its fat, sigmoid colon and anal canal; ``shift`` is how far back it lies (mm)."""
    full = choose.size(0.7, 1.7)
    y = shift + choose.vary(-1, 3)
    # A full rectum spreads backward, away from the prostate.
    r = 12.5 * full
    knots: list[Knot] = [
        (0, 28 + y, -24, 10),
        (0, 24 + y + r * 0.6, -8, 6 + 0.7 * r),
        (choose.vary(-3, 3), 21 + y + r * 0.85, 12, r),
        (choose.vary(-5, 5), 26 + y + r * 0.8, 34, r * 1.02),
        (choose.vary(-9, 9), 38 + y, 58, r * 0.9),
        (choose.vary(-14, 14), 36 + y, 84, r * 0.8),
    ]
    plan.add(
        blob((0, 34 + y + r * 0.35, 26), (25 + r * 0.8, 15 + r, 52), (-12, 0, 0), rough=(1, 0.5)),
        "stroma",
        (-0.7, "mesorectum"),
        only=["pelvic fat", "visceral"],
    )
    wall = choose.vary(2.5, 4)
    fill = (
        choose.pick(["gas", "stool", "stool", "empty", "empty", "level", "content"])
        if full < 1.25
        else choose.pick(["gas", "stool", "gas"])
    )
    shape = tube(knots, rough=(0.8, 0.9))
    if fill == "empty":
        plan.add(shape, "bowel_wall", (-wall, "mucosa"), (-wall - 2.5, "bowel_content"), only=_OVER)
    else:
        plan.add(
            shape,
            "bowel_wall",
            (-wall * 0.75, "mucosa"),
            (-wall - 0.4, "gas" if fill == "gas" else "bowel_content"),
            only=_OVER,
        )
        if fill == "level":
            plan.add(
                tube([(*k[:3], max(k[3] - wall - 1, 1)) for k in knots], cut=((0, 1, 0), 24 + y + r * 0.6)),
                "gas",
                only=["bowel_content"],
            )
    _sigmoid(plan, choose, knots[-1])
    add_specks(plan, choose, 5, choose.vary(0.6, 1.6), "gas", ["bowel_content"])
    _anal_canal(plan, y)
    for _ in range(14):
        add_tree(
            plan,
            choose,
            choose.near((0, 52, 40), 20),
            (choose.vary(-1, 1), choose.vary(-1, 1), choose.vary(-1, 1)),
            14,
            0.9,
            "blood_vein",
            ["mesorectum"],
            depth=2,
        )


def _sigmoid(plan: Plan, choose: Chooser, start: Knot) -> None:
    """The sigmoid colon from ``start``, the upper end of the rectum."""
    way: list[Knot] = [start, (20, 20, 104, 13), (48, 0, 98, 13), (58, -22, 82, 12), (66, -34, 92, 13)]
    way = [(*choose.near(k, 5), k[3] * choose.vary(0.8, 1.2)) for k in way]
    for a in range(len(way) - 1):
        middle = tuple((p + q) / 2 for p, q in zip(way[a], way[a + 1], strict=True))
        add_bowel(
            plan,
            choose,
            [way[a], middle, way[a + 1]],
            choose.pick(["gas", "stool", "stool", "empty", "content"]),
            [*_OVER, "tendon"],
            wall=2.4,
            waves=(16, 0.2),
        )


def _anal_canal(plan: Plan, y: float) -> None:
    """The anal canal with its sphincters; ``y`` is how far back it lies (mm)."""
    plan.add(
        tube(
            [(0, 26 + y, -20, 13), (0, 34 + y, -46, 13.5), (0, 42 + y, -70, 12)],
            squash=(0.95, 1, 1),
            rough=(0.5, 0.4),
        ),
        (0.6, "fat"),
        (0, "meat"),
        (-5, "tendon"),
        (-5.6, "bowel_wall"),
        (-8.5, "mucosa"),
        only=[*_OVER, "subcutis"],
    )


def add_bladder(plan: Plan, choose: Chooser, full: float, base: float) -> None:
    """The bladder: ``full`` 0..1, its neck at z = ``base`` mm."""
    half = 14 + 24 * full
    wide = 24 + 22 * full
    wall = choose.vary(3.0, 4.5) if full > 0.5 else choose.vary(4.5, 8)
    center = (choose.vary(-4, 4), -22 - 5 * full, base + half * 0.8 - 4)
    plan.add(
        blob(
            center,
            (wide, 19 + 17 * full, half),
            (choose.vary(-22, -5), 0, 0),
            power=3 if choose.chance(0.5) else 2,
            tapers=[(0, 2, choose.vary(-0.15, 0.2))],
            rough=(0.8, 0.15),
        ),
        "muscle",
        (-wall, "fluid"),
        only=[*SOFT, "pelvic fat"],
    )
