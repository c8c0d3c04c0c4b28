"""The chest: origin in its middle, at the level of the seventh thoracic vertebra."""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.column import add_spine, column
from SeriesClassifierLib.simulation.anatomy.shapes import Plan, blob, tube
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
)

_OVER = ["lung", "mediastinum"]


def draw_chest(choose: Chooser) -> Sketch:
    """A chest, centered."""
    sex = choose.pick("MF")
    return Sketch("chest", plan_chest(choose, sex), (0, 0, 0), (390, 300, 220), sex, bend=1.2)


def draw_breast(choose: Chooser) -> Sketch:
    """The breasts of a woman lying on her belly."""
    return Sketch(
        "breast", plan_chest(choose, "F", hanging=True), (0, -95, 20), (350, 330, 150), "F", bend=1.2
    )


def draw_cardiac(choose: Chooser) -> Sketch:
    """The heart in its chest."""
    sex = choose.pick("MF")
    return Sketch("heart", plan_chest(choose, sex), (20, -32, -25), (320, 300, 120), sex, bend=1.2)


def plan_chest(choose: Chooser, sex: str, *, hanging: bool = False) -> Plan:
    """From the shoulders down to the dome of the liver."""
    plan = Plan()
    plan.zone("mediastinum", "fat")
    plan.zone("meat", "muscle")
    plan.zone("breast", "fat")
    outline = draw_outline(choose, 143 if sex == "M" else 128, 98 if sex == "M" else 88)
    if choose.chance(0.4) and not hanging:
        add_arms(plan, choose, outline.width + outline.side, choose.vary(-10, 25), outline.side)
    if sex == "F":
        _breasts(plan, choose, outline, hanging=hanging)
    add_skin(plan, choose, outline, strands=False)
    _wall(plan, choose, outline)
    _mediastinum(plan, choose, outline)
    add_spine(plan, choose, column("CCCTTTTTTTTTTTTL", 9, 50, 0, 0.0, (0.03, -0.025)), cord_end=-260)
    _heart(plan, choose)
    _belly(plan, choose, outline)
    return plan


def _breasts(plan: Plan, choose: Chooser, outline: Outline, *, hanging: bool) -> None:
    size = choose.size(0.65, 1.5)
    far = (62 if hanging else 30) * size
    dense = choose.vary(0.25, 1.0)
    spots = []
    skin = -choose.vary(1.4, 2.4)
    for s in (-1, 1):
        x, y, z = choose.near((s * (72 + 6 * size), -outline.depth - outline.front * 0.6 + 8, 22), 4)
        spots.append((s, x, y, z))
        plan.add(
            blob((x, y, z), (52 * size + 12, far + 18, 58 * size + 12), (0, 0, s * 8), rough=(1.5, 0.5)),
            "skin",
            (skin, "breast"),
        )
        plan.add(blob((x + s * 2, y - far - 18, z - 2), (6, 6, 6)), "skin", only=["air", "skin", "breast"])
    for s, x, y, z in spots:
        plan.add(
            blob(
                (x + s * 3, y - far * 0.45, z),
                (36 * size * (0.6 + 0.4 * dense), (far * 0.55 + 6), 40 * size * (0.6 + 0.4 * dense)),
                (0, 0, s * 8),
                rough=(4, 5.5),
            ),
            "glandular",
            only=["breast"],
        )
        for _ in range(6):
            add_tree(
                plan,
                choose,
                (x, y - far - 12, z),
                (choose.vary(-0.6, 0.6), 1, choose.vary(-0.6, 0.6)),
                26 * size,
                1.6,
                "glandular",
                ["breast"],
                depth=3,
            )
            add_tree(
                plan,
                choose,
                choose.near((x, y, z), 30),
                (choose.vary(-1, 1), -1, choose.vary(-1, 1)),
                30 * size,
                1.3,
                "blood_vein",
                ["breast"],
                depth=3,
            )
        for _ in range(int(choose.rng.poisson(0.7))):
            r = choose.vary(2, 14)
            plan.add(
                blob(choose.near((x, y - far * 0.4, z), 22), (r, r, r), rough=(0.1 * r, 0.08 * r)),
                choose.pick(["tumor", "fluid", "metastasis"]),
                only=["breast", "glandular"],
            )
    add_sheets(plan, choose, 9, 1.6 * (1 - dense), "breast", ["glandular"])
    add_specks(plan, choose, 8, choose.vary(0.9, 1.8), "breast", ["glandular"])
    add_sheets(plan, choose, 22, 0.35, "stroma", ["breast"])
    if hanging and choose.chance(0.1):
        for _, x, y, z in spots:
            plan.add(
                blob((x, y - far * 0.2, z), (34 * size, far * 0.5, 36 * size)),
                "tendon",
                (-0.8, "fluid"),
                only=["breast", "glandular"],
            )


def _wall(plan: Plan, choose: Chooser, outline: Outline) -> None:
    width, depth = outline.width, outline.depth
    bulk = choose.size(0.8, 1.3)
    over = ["subcutis", "breast"]
    for s in (-1, 1):
        # Chest, flank and back muscles on the ribs.
        plan.add(
            blob(
                (s * 62, -depth + 4, 60),
                (62, 10 * bulk, 75),
                (0, 0, s * 18),
                power=3,
                bends=[(1, 0, 0.5)],
                rough=(0.8, 0.5),
            ),
            "tendon",
            (-0.5, "meat"),
            only=over,
        )
        plan.add(
            blob((s * (width - 2), 36, 20), (14 * bulk, 52, 170), (0, 0, s * -22), power=3, rough=(1, 0.5)),
            "tendon",
            (-0.5, "meat"),
            only=over,
        )
        plan.add(
            blob((s * 72, depth - 4, 70), (56, 13 * bulk, 90), (0, 0, s * -18), rough=(1, 0.5)),
            "tendon",
            (-0.5, "meat"),
            only=over,
        )
        plan.add(
            blob((s * 80, depth - 8, 80), (42, 3, 65), (0, 0, s * -24)),
            "cortical_bone",
            (-0.9, "marrow_red"),
            only=["meat"],
        )
    plan.add(
        blob(
            (0, 0, -20),
            (width - 6, depth - 5, 300),
            power=3,
            tapers=[(0, 2, -0.45), (1, 2, -0.25)],
            rough=(1, 0.5),
        ),
        "meat",
        (-4, "fat"),
        (-5, "meat"),
        (-10, "mediastinum"),
        only=["subcutis", "meat", "breast", "tendon", "fat", "cortical_bone", "marrow_red"],
    )
    for s in (-1, 1):
        plan.add(
            blob((s * 30, depth - 16, 0), (26 * bulk, 20 * bulk, ENDLESS), rough=(0.8, 0.5)),
            "tendon",
            (-0.5, "meat"),
            only=["subcutis", "meat", "mediastinum", "fat"],
        )
    add_sheets(plan, choose, 11, 0.3 * choose.vary(0.3, 1.3), "fat", ["meat"], stretch=(1, 1, 4))
    # Lungs: all but the middle, above the domes.
    for s in (-1, 1):
        plan.add(
            blob(
                (s * 66, 0, 10),
                (width * 0.5, depth * 0.9, 190),
                (0, s * -7, 0),
                power=3,
                rough=(1.5, 0.5),
                tapers=[(1, 2, -0.3), (0, 2, -0.25)],
                cuts=[((0, 0.35, -1), 100.0 if s < 0 else 112.0)],
            ),
            "lung",
            only=["mediastinum"],
        )
    tops = [150 - 27 * i for i in range(11)]
    add_ribs(plan, choose, width - 13, depth - 10, tops, 80)
    plan.add(blob((0, -depth + 12, 30), (17, 5.5, 75), (6, 0, 0)), "cortical_bone", (-1.2, "marrow_red"))
    for s in (-1, 1):
        for _ in range(5):
            add_tree(
                plan,
                choose,
                choose.near((s * 34, 2, 18), 8),
                (s * choose.vary(0.3, 1), choose.vary(-0.8, 0.8), choose.vary(-1, 1)),
                40,
                5.0,
                choose.pick(["blood_vein", "blood_artery"]),
                ["lung", "mediastinum"],
                depth=4,
                spread=0.5,
            )


def _mediastinum(plan: Plan, choose: Chooser, outline: Outline) -> None:
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


def _heart(plan: Plan, choose: Chooser) -> None:
    over = [*_OVER, "blood_vein", "blood_artery", "stroma", "meat"]
    size = choose.size(0.88, 1.15)
    wall = choose.vary(8, 14)
    fluid = choose.vary(0.8, 2.0) if choose.chance(0.85) else choose.vary(4, 14)
    # The axis of the left ventricle runs to the left, front and down.
    turn = (0.0, 58.0, 38.0)
    plan.add(
        blob((20, -34, -28), (62 * size, 48 * size, 50 * size), (0, 24, 30), rough=(1.5, 0.5)),
        (fluid, "tendon"),
        (fluid - 0.8, "fluid"),
        (0, "mediastinum"),
        only=["lung", "mediastinum"],
    )
    hearts = [*over, "fluid", "tendon"]
    plan.add(
        blob((-26, -30, -20), (27 * size, 28 * size, 34 * size), rough=(1.2, 0.6)),
        "myocardium",
        (-2.5, "blood_pool"),
        only=hearts,
    )
    plan.add(
        blob((6, 2, -8), (32 * size, 19 * size, 24 * size), rough=(1.2, 0.6)),
        "myocardium",
        (-2.5, "blood_pool"),
        only=hearts,
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
        only=[*hearts, "blood_pool"],
    )
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
        only=[*hearts, "blood_pool", "myocardium"],
    )
    inner = (outer[0] - wall * beat, outer[1] - wall * beat, outer[2] - wall * beat * 0.8)
    plan.add(
        blob((40, -28.5, -36.5), inner, turn, tapers=[(0, 2, -0.2), (1, 2, -0.2)], rough=(0.8, 1.8)),
        "blood_pool",
        only=["myocardium", "mediastinum"],
    )
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


def _belly(plan: Plan, choose: Chooser, outline: Outline) -> None:
    """The tops of liver, stomach and spleen under the diaphragm."""
    over = ["mediastinum", "fluid", "tendon"]
    wide = outline.width / 137
    for s, z in ((-1, -160.0), (1, -172.0)):
        plan.add(
            blob((s * 62 * wide, 2, z), (66 * wide, outline.depth * 0.86, 78), rough=(1, 0.4)),
            "muscle",
            (-2.2, "mediastinum"),
            only=["lung", "mediastinum"],
        )
    plan.add(
        blob((-50 * wide, -4, -170), (90 * wide, 82, 78), rough=(1.5, 0.5), cuts=[((1, -0.5, 0), 44.0)]),
        "liver",
        only=over,
    )
    for way in ((-1, 0.4, 0.1), (-0.6, -0.8, 0.2), (0.2, -1, 0.1)):
        add_tree(plan, choose, (-22, 4, -108), way, 40, 4.5, "blood_vein", ["liver"], depth=4)
    plan.add(
        tube([(-24, -6, -50, 12), (-24, 4, -100, 12), (-22, 8, -200, 12)]),
        "blood_vein",
        only=[*over, "liver", "muscle"],
    )
    plan.add(blob((96 * wide, 30, -150), (24, 42, 45), (0, 0, 20), rough=(1, 0.5)), "spleen", only=over)
    add_bowel(
        plan,
        choose,
        [(40, 20, -118, 18), (62, 0, -130, 30), (66, -30, -170, 32), (50, -50, -210, 26)],
        choose.pick(["level", "gas", "content"]),
        over,
        wall=4,
    )
