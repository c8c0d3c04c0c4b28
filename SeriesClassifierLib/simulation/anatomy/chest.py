"""The chest: origin in its middle, at the level of the seventh thoracic vertebra."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.column import add_spine, column
from SeriesClassifierLib.simulation.anatomy.mediastinum import add_heart, add_mediastinum
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
    _lungs_and_ribs(plan, choose, outline)
    add_mediastinum(plan, choose)
    add_spine(plan, choose, column("CCCTTTTTTTTTTTTL", 9, 50, 0, 0.0, (0.03, -0.025)), cord_end=-260)
    add_heart(plan, choose)
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
    """Chest, flank and back muscles on the ribs, and the space inside."""
    width, depth = outline.width, outline.depth
    bulk = choose.size(0.8, 1.3)
    over = ["subcutis", "breast"]
    for s in (-1, 1):
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


def _lungs_and_ribs(plan: Plan, choose: Chooser, outline: Outline) -> None:
    """Lungs with their vessels: all but the middle, above the domes; ribs and breastbone."""
    width, depth = outline.width, outline.depth
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
