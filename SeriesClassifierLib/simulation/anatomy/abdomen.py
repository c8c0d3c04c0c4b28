"""The upper abdomen: origin in front of the disc L1/L2, between back and belly."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.abdominal_organs import (
    add_kidneys,
    add_pancreas,
    add_spleen,
    add_stomach,
)
from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.column import add_spine, column
from SeriesClassifierLib.simulation.anatomy.liver import add_liver
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import (
    ENDLESS,
    Outline,
    add_arms,
    add_bowel,
    add_ribs,
    add_sheets,
    add_skin,
    add_specks,
    add_tree,
    draw_outline,
    small_bowel,
)

_INSIDE = ["visceral"]


def draw_abdomen(choose: Chooser) -> Sketch:
    """The upper abdomen, centered between liver and spleen."""
    sex = choose.pick("MF")
    return Sketch("abdomen", plan_abdomen(choose, sex), (0, 0, 25), (380, 300, 210), sex, bend=1.3)


def plan_abdomen(choose: Chooser, sex: str) -> Plan:
    """From the lung bases down to the iliac crests."""
    plan = Plan()
    plan.zone("visceral", "fat")
    plan.zone("retro", "fat")
    plan.zone("diaphragm", "muscle")
    outline = draw_outline(choose, 137 if sex == "M" else 128, 95 if sex == "M" else 88)
    if choose.chance(0.45):
        add_arms(plan, choose, outline.width + outline.side, choose.vary(-10, 25), outline.side)
    add_skin(plan, choose, outline)
    _wall(plan, choose, outline)
    _lungs(plan, choose, outline)
    if choose.chance(0.12):
        plan.add(blob((0, 0, -40), (outline.width, outline.depth, 190), rough=(4, 3)), "fluid", only=_INSIDE)
        plan.zone("mesentery", "fat")
        plan.add(
            blob((10, -5, -30), (outline.width * 0.72, outline.depth * 0.75, 120), rough=(6, 4)),
            "visceral",
            only=["fluid"],
        )
    _muscles_behind(plan, choose, outline)
    add_spine(
        plan, choose, column("TTTTTTTLLLLL", 7, 36, 19, -0.17, (0.03, 0.065)), cord_end=choose.vary(0, 30)
    )
    _bowel(plan, choose, outline)
    _vessels(plan, choose)
    add_kidneys(plan, choose)
    add_spleen(plan, choose)
    add_pancreas(plan, choose)
    add_stomach(plan, choose)
    add_liver(plan, choose, outline)
    return plan


def _wall(plan: Plan, choose: Chooser, outline: Outline) -> None:
    width, depth = outline.width, outline.depth
    thick = choose.vary(7, 15)
    plan.zone("wall", "muscle")
    third = thick / 3
    plan.add(
        blob((0, 0, 0), (width, depth, ENDLESS), power=3, rough=(1, 0.5)),
        "wall",
        (-third, "fat"),
        (-third - 0.6, "wall"),
        (-2 * third, "fat"),
        (-2 * third - 0.5, "wall"),
        (-thick, "visceral"),
    )
    for side in (-1, 1):
        plan.add(
            blob((side * 33, -depth + 8, 0), (31, 7, ENDLESS), (0, 0, side * 12), rough=(0.8, 0.3)),
            "tendon",
            (-0.7, "muscle"),
            only=["wall", "visceral", "fat", "subcutis"],
        )
    plan.add(
        blob((0, -depth + 4, 0), (3, 12, ENDLESS)),
        "tendon",
        (-1.2, "fat"),
        only=["wall", "visceral", "muscle"],
    )
    add_ribs(plan, choose, width - 5, depth - 5, [230, 203, 176, 148, 118, 88, 58, 30], 85)


def _lungs(plan: Plan, choose: Chooser, outline: Outline) -> None:
    """Lung above two domes; below them stays the belly."""
    lift = choose.vary(-25, 15)
    width, depth = outline.width, outline.depth
    above = blob((0, 0, 160), (width, depth * 0.99, 170), cuts=[((0, 0, -1), 60 - lift)], power=3)
    plan.add(above, "lung", only=_INSIDE)
    for x, top in ((-56, 118), (60, 104)):
        plan.add(
            blob((x, -4, top - 105 + lift), (92 * width / 135, depth * 1.04, 105), power=3, rough=(1.2, 0)),
            "diaphragm",
            only=["lung"],
        )
    thin = choose.vary(1.6, 3)
    for x, top in ((-56, 118), (60, 104)):
        plan.add(
            blob(
                (x, -4, top - 105 + lift),
                (92 * width / 135 - thin, depth * 1.04 - thin, 105 - thin),
                power=3,
                rough=(1.2, 0),
            ),
            "visceral",
            only=["lung", "diaphragm"],
        )
    plan.add(blob((0, -10, 45 + lift), (60, 62, 62)), "visceral", only=["lung", "diaphragm"])
    # The lower part of the heart, its fat, and what runs behind it.
    plan.add(
        blob((20, -36, 136 + lift), (72, 54, 46), (0, 20, 25), rough=(2, 0)),
        "tendon",
        (-0.9, "visceral"),
        (-9, "myocardium"),
        (-19, "blood_pool"),
        only=["lung", "visceral", "muscle"],
    )
    plan.add(
        blob((-16, -32, 146 + lift), (30, 30, 30), rough=(2, 0)),
        "myocardium",
        (-3.5, "blood_pool"),
        only=["visceral", "lung", "myocardium"],
    )
    for side in (-1, 1):
        add_tree(
            plan,
            choose,
            (side * 45, 15, 190 + lift),
            (side * 0.5, 0.2, -1),
            35,
            3.5,
            "blood_vein",
            ["lung"],
            depth=3,
        )


def _muscles_behind(plan: Plan, choose: Chooser, outline: Outline) -> None:
    depth = outline.depth
    over = ["visceral", "wall", "fat", "subcutis", "muscle"]
    bulk = choose.size(0.85, 1.15)
    plan.zone("back", "muscle")
    for side in (-1, 1):
        plan.add(
            blob(
                (side * 34, depth - 16, 0),
                (30 * bulk, 21 * bulk, ENDLESS),
                (0, 0, side * 8),
                power=3,
                rough=(0.8, 0.6),
            ),
            "tendon",
            (-0.7, "back"),
            only=over,
        )
        plan.add(
            blob((side * 14, depth - 18, 0), (9, 18, ENDLESS)), "fat", (-0.8, "back"), only=[*over, "back"]
        )
        # Psoas grows downward beside the column; the square muscle lies outside of it.
        knots: list[Knot] = [
            (side * 24, 42, 25, 6),
            (side * 34, 38, -30, 15 * bulk),
            (side * 43, 32, -90, 21 * bulk),
            (side * 55, 20, -170, 22 * bulk),
        ]
        plan.add(tube(knots, squash=(1, 1.05, 1), rough=(0.5, 0.4)), "back", only=over)
        plan.add(
            blob((side * 66, 56, -60), (11, 15, 85), (0, side * 8, side * 20), rough=(0.6, 0.4)),
            "back",
            only=over,
        )
        plan.add(
            tube([(side * 8, 18, 60, 6), (side * 13, 14, 20, 5), (side * 10, 20, -20, 3)]),
            "muscle",
            only=over,
        )
        # The broad back muscle wraps the flank.
        plan.add(
            blob(
                (side * (outline.width - 22), depth * 0.45, 90),
                (12, 42, 190),
                (0, 0, side * -32),
                rough=(0.8, 0.4),
            ),
            "fat",
            (-0.8, "back"),
            only=["subcutis", "wall"],
        )
    share = choose.vary(0.2, 1.0)
    add_sheets(plan, choose, 14, 0.35 * share, "fat", ["back"], stretch=(1, 1, 5))


def _bowel(plan: Plan, choose: Chooser, outline: Outline) -> None:
    wide, deep = outline.width / 137, outline.depth / 95
    # Loops of small bowel and the vessels in their fat.
    radius = choose.size(8, 13)
    box = ((-78 * wide, -68 * deep, -190), (78 * wide, choose.vary(5, 24), -15 + choose.vary(-20, 15)))
    left = ((18 * wide, -48 * deep, -70), (92 * wide, 12, 8))
    for stretch in small_bowel(choose, *box, radius) + small_bowel(choose, *left, radius):
        fill = choose.pick(["fluid", "content", "content", "empty", "empty", "empty", "level", "content"])
        add_bowel(
            plan,
            choose,
            stretch,
            fill,
            _INSIDE,
            wall=choose.vary(1.4, 2.6),
            waves=(3.2, 0.1 if fill == "fluid" else 0),
        )
    for _ in range(12):
        add_tree(
            plan,
            choose,
            choose.near((0, -15, -30), 14),
            (choose.vary(-1, 1), choose.vary(-1, 0.1), choose.vary(-1, 0.1)),
            38,
            choose.vary(1.2, 2.2),
            choose.pick(["blood_vein", "blood_vein", "blood_artery"]),
            _INSIDE,
            depth=3,
            spread=0.5,
        )
    out = outline.width - 32
    rise = choose.vary(-15, 15)
    frame = [
        (-out + 4, 22, -190, 20),
        (-out, 28, -120, 21),
        (-out + 2, 24, -60, 19),
        (-out + 14, -12, -22 + rise, 18),
        (-out + 40, -50, -35, 17),
        (-34, -66 * deep, -52 + rise, 17),
        (12, -68 * deep, -56 + rise, 17),
        (52, -60 * deep, -40, 16),
        (out - 22, -32, -5, 16),
        (out - 10, 6, 38, 15),
        (out - 6, 30, 5, 14),
        (out - 2, 34, -55, 13),
        (out - 8, 30, -120, 12),
        (out - 22, 20, -190, 12),
    ]
    swell = choose.size(0.7, 1.25)
    knots = [(*choose.near(k, 6), k[3] * swell * choose.vary(0.8, 1.15)) for k in frame]
    for a in range(len(knots) - 1):
        fill = choose.pick(["gas", "stool", "stool", "content", "stool", "gas", "level"])
        piece = knots[a : a + 2]
        middle = tuple((p + q) / 2 for p, q in zip(*piece, strict=True))
        add_bowel(
            plan,
            choose,
            [piece[0], middle, piece[1]],
            fill,
            [*_INSIDE, "bowel_wall", "mucosa"],
            wall=2.0,
            waves=(choose.vary(18, 30), 0.24),
            level=choose.vary(-0.4, 0.7),
        )
    add_specks(plan, choose, 7, 1.1, "gas", ["bowel_content"])


def _vessels(plan: Plan, choose: Chooser) -> None:
    over = ["visceral", "muscle", "back", "wall"]
    wide = choose.vary(0.85, 1.25)
    aorta: list[Knot] = [
        (8.0, 24.0, 240.0, 11.0 * wide),
        (9, 12, 110, 10.5 * wide),
        (9, 8, 40, 9.5 * wide),
        (8, 4, -40, 8.5 * wide),
        (2, 2, -95, 8 * wide),
    ]
    cava: list[Knot] = [
        (-22, -2, 160, 12),
        (-24, 6, 105, 12),
        (-22, 8, 40, 11),
        (-20, 8, -30, 10),
        (-16, 8, -100, 9.5),
    ]
    flat = choose.vary(0.6, 1.0)
    plan.add(
        tube([(*choose.near(k, 1.5), k[3]) for k in cava], squash=(1.1, flat, 1)),
        "stroma",
        (-0.7, "blood_vein"),
        only=over,
    )
    plan.add(tube([(*choose.near(k, 1.5), k[3]) for k in aorta]), "stroma", (-1.0, "blood_artery"), only=over)
    for side in (-1, 1):
        plan.add(
            tube([(2, 2, -92, 7), (side * 16, 6, -120, 5.5), (side * 40, 10, -170, 5)]),
            "blood_artery",
            only=over,
        )
        plan.add(
            tube([(-16, 8, -98, 8), (side * 18 - 4, 14, -125, 6.5), (side * 40, 18, -175, 6)]),
            "blood_vein",
            only=over,
        )
        plan.add(
            tube([(9, 6, -6, 3), (side * 30, 20, -12, 2.8), (side * 52, 30, -14, 2.5)]),
            "blood_artery",
            only=over,
        )
        front = 0 if side > 0 else 10
        plan.add(
            tube([(-20, 6, -4, 4.5), (side * 25, front, -8, 4.5), (side * 52, 26, -12, 4)]),
            "blood_vein",
            only=over,
        )
    # Celiac trunk to liver and spleen; the upper mesenteric artery and vein.
    plan.add(
        tube([(9, 4, 24, 3.4), (6, -12, 26, 3.2), (-12, -20, 30, 2.6), (-32, -24, 36, 2.2)]),
        "blood_artery",
        only=over,
    )
    plan.add(
        tube([(6, -12, 26, 3), (30, -14, 30, 2.6), (60, 6, 36, 2.4), (82, 16, 42, 2)]),
        "blood_artery",
        only=over,
    )
    plan.add(
        tube([(9, 2, 8, 3.6), (8, -12, -2, 3.4), (6, -18, -40, 3), (0, -22, -90, 2.5)]),
        "blood_artery",
        only=over,
    )
    plan.add(tube([(-8, -24, 2, 5.5), (-8, -22, -40, 4.8), (-10, -26, -90, 3.5)]), "blood_vein", only=over)
