"""The organs of the pelvis, of men and of women. Origin as in ``pelvis``."""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import (
    add_bowel,
    add_sheets,
    add_specks,
    add_tree,
    small_bowel,
)

_SOFT = ["visceral", "bowel_wall", "bowel_content", "mucosa", "gas", "fluid"]


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
    over = [
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
    wall = choose.vary(2.5, 4)
    fill = (
        choose.pick(["gas", "stool", "stool", "empty", "empty", "level", "content"])
        if full < 1.25
        else choose.pick(["gas", "stool", "gas"])
    )
    shape = tube(knots, rough=(0.8, 0.9))
    if fill == "empty":
        plan.add(shape, "bowel_wall", (-wall, "mucosa"), (-wall - 2.5, "bowel_content"), only=over)
    else:
        plan.add(
            shape,
            "bowel_wall",
            (-wall * 0.75, "mucosa"),
            (-wall - 0.4, "gas" if fill == "gas" else "bowel_content"),
            only=over,
        )
        if fill == "level":
            plan.add(
                tube([(*k[:3], max(k[3] - wall - 1, 1)) for k in knots], cut=((0, 1, 0), 24 + y + r * 0.6)),
                "gas",
                only=["bowel_content"],
            )
    # Sigmoid colon above, anal canal with its sphincters below.
    way: list[Knot] = [knots[-1], (20, 20, 104, 13), (48, 0, 98, 13), (58, -22, 82, 12), (66, -34, 92, 13)]
    way = [(*choose.near(k, 5), k[3] * choose.vary(0.8, 1.2)) for k in way]
    for a in range(len(way) - 1):
        middle = tuple((p + q) / 2 for p, q in zip(way[a], way[a + 1], strict=True))
        add_bowel(
            plan,
            choose,
            [way[a], middle, way[a + 1]],
            choose.pick(["gas", "stool", "stool", "empty", "content"]),
            [*over, "tendon"],
            wall=2.4,
            waves=(16, 0.2),
        )
    add_specks(plan, choose, 5, choose.vary(0.6, 1.6), "gas", ["bowel_content"])
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
        only=[*over, "subcutis"],
    )
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
        only=[*_SOFT, "pelvic fat"],
    )


def draw_prostate_size(choose: Chooser) -> Vector:
    """Half axes in mm: 18 to 130 ml."""
    volume = 18 * 7 ** choose.size(0, 1)
    unit = (volume * 1000 / (4 / 3 * math.pi)) ** (1 / 3)
    return (unit * choose.vary(1.12, 1.3), unit * choose.vary(0.82, 0.95), unit * choose.vary(0.9, 1.1))


def add_prostate(plan: Plan, choose: Chooser, axes: Vector) -> None:
    """The prostate of half ``axes`` (mm) with its zones, nodules and lesions."""
    a, b, c = axes
    over = [*_SOFT, "pelvic fat", "muscle", "meat", "mesorectum", "stroma", "tendon"]
    large = min(1.0, max(0.0, (a - 20) / 16))
    lift = (choose.vary(-18, -4), 0.0, choose.vary(-4, 4))
    # The veins around it, brightest in front.
    for _ in range(26):
        angle = choose.vary(0.2, math.pi - 0.2)
        x, y = (a + 3) * math.cos(angle), -(b + 3) * math.sin(angle)
        plan.add(
            tube(
                [
                    (*choose.near((x, y, choose.vary(-c, c)), 2), choose.vary(0.8, 2.2)),
                    (*choose.near((x, y, choose.vary(-c, c)), 3), choose.vary(0.6, 1.6)),
                ]
            ),
            "blood_vein",
            only=["pelvic fat", "visceral"],
        )
    for s in (-1, 1):
        for _ in range(4):
            x, y = s * a * 0.8, b * 0.82
            plan.add(
                tube([(*choose.near((x, y, c), 3), 1.1), (*choose.near((x, y, -c), 3), 0.8)]),
                choose.pick(["blood_vein", "cord"]),
                only=["pelvic fat", "visceral", "mesorectum"],
            )
    plan.zone("gland", "prostate_peripheral")
    plan.add(
        blob(
            (0, 0, 0),
            axes,
            lift,
            tapers=[(0, 2, -0.18), (0, 1, -0.08)],
            bends=[(1, 0, 0.13)],
            power=2,
            rough=(0.6, 0.4),
        ),
        "tendon",
        (-0.6, "gland"),
        only=over,
    )
    dull = choose.chance(0.35)
    if dull:  # inflamed or scarred: the zone darkens in wedges
        add_sheets(
            plan,
            choose,
            choose.vary(9, 16),
            choose.vary(0.4, 1.4),
            choose.pick(["prostate_transition", "stroma", "prostate_transition"]),
            ["gland"],
        )
    # Transition zone: two lobes around the urethra; the larger the gland, the more of it.
    share = 0.52 + 0.27 * large + choose.vary(-0.04, 0.04)
    plan.zone("core", "prostate_transition")
    for s in (-1, 1):
        plan.add(
            blob(
                (s * a * 0.30 * (0.8 + 0.35 * large), -b * 0.22, c * 0.12),
                (a * share * 0.66, b * (share + 0.04), c * (share + 0.1)),
                lift,
                rough=(0.5, 0.75),
            ),
            "tendon",
            (-0.6, "core"),
            only=["gland", "tendon", "core", "prostate_transition", "stroma"],
        )
    # Nodules: some glandular and bright, some stromal and dark, in their rims.
    for _ in range(int(choose.rng.integers(3, 8 + int(18 * large)))):
        side = choose.vary(-1, 1)
        r = choose.vary(2, 4.5 + 5 * large)
        spot = (
            side * a * 0.6 * share,
            choose.vary(-0.75, 0.25) * b * share * 1.1,
            choose.vary(-0.7, 0.8) * c * share,
        )
        inside = choose.pick(
            [
                "prostate_transition",
                "core",
                "prostate_peripheral",
                "stroma",
                "seminal_vesicle",
                "prostate_transition",
                "stroma",
            ]
        )
        plan.add(
            blob(spot, (r, r * choose.vary(0.7, 1.1), r * choose.vary(0.8, 1.2)), rough=(0, 0.7)),
            "stroma",
            (-0.6, inside),
            only=["core", "prostate_transition", "stroma", "seminal_vesicle", "prostate_peripheral"],
        )
    add_sheets(plan, choose, 6, choose.vary(0.1, 0.55), "stroma", ["core"])
    add_specks(plan, choose, 4.5, choose.vary(1.1, 2.0), "seminal_vesicle", ["core"])
    inner = [
        "core",
        "gland",
        "prostate_transition",
        "stroma",
        "tendon",
        "seminal_vesicle",
        "prostate_peripheral",
    ]
    # Fibromuscular front, central zone at the base, urethra with its muscle.
    plan.add(
        blob((0, -b * 0.93, c * 0.05), (a * 0.42, b * 0.2, c * 0.75), lift, rough=(0.4, 0.3)),
        "stroma",
        only=[*inner, "pelvic fat"],
    )
    for s in (-1, 1):
        plan.add(
            blob((s * a * 0.2, b * 0.42, c * 0.66), (a * 0.2, b * 0.28, c * 0.3), rough=(0.2, 0.2)),
            "stroma",
            only=["gland", "core"],
        )
        plan.add(
            tube([(s * 4, b * 0.75, c * 1.0, 1.1), (s * 1.5, b * 0.2, 0, 0.8)]),
            "tendon",
            (-0.4, "seminal_vesicle"),
            only=inner,
        )
    way: list[Knot] = [
        (0, -b * 0.2, c * 1.05, 2.8),
        (0, -b * 0.02, 0, 2.6),
        (0, -b * 0.12, -c * 1.1, 4.0),
        (0, -8, -c - 22, 4.5),
    ]
    plan.add(tube(way, rough=(0, 0.3)), "stroma", (-1.4, "mucosa"), only=[*inner, "pelvic fat", "meat"])
    if choose.chance(0.15):  # resected: a wide funnel of urine
        plan.add(
            tube([(0, -b * 0.2, c, choose.vary(5, 9)), (0, 0, 0, 2.5)]), "fluid", only=[*inner, "mucosa"]
        )
    # Lesions.
    for _ in range(int(choose.rng.poisson(0.9))):
        r = choose.vary(2.5, 5.5) if choose.chance(0.7) else choose.vary(6, 13)
        if choose.chance(0.7):
            angle = choose.vary(0.15, 0.85) * math.pi
            spot = (a * 0.8 * math.cos(angle), b * 0.78 * math.sin(angle), choose.vary(-0.7, 0.6) * c)
        else:
            spot = (choose.vary(-0.4, 0.4) * a, choose.vary(-0.8, -0.4) * b, choose.vary(-0.5, 0.5) * c)
        plan.add(blob(spot, (r * 1.2, r * 0.75, r), rough=(0.1 * r, 0.1 * r)), "prostate_lesion", only=inner)


def add_male_parts(plan: Plan, choose: Chooser, axes: Vector) -> None:
    """Seminal vesicles, cords, penis and testes."""
    _, b, c = axes
    over = ["visceral", "pelvic fat", "mesorectum", "stroma", "tendon"]
    size = choose.size(0.6, 1.3)
    for s in (-1, 1):
        # Coiled tubes of a seminal vesicle, side by side.
        for _ in range(int(9 + 5 * size)):
            t = choose.vary(0, 1)
            x = s * (5 + 34 * t * size)
            spot = (
                x,
                b * 0.72 + choose.vary(-4, 4) * size + 5 * t,
                c * 0.9 + 6 + 10 * t + choose.vary(-4, 4) * size,
            )
            turn = choose.near(spot, 7)
            plan.add(
                tube([(*spot, 3.1 * size), (*turn, 2.6 * size)], rough=(0, 0.5)),
                "stroma",
                (-0.7, "seminal_vesicle"),
                only=[*over, "seminal_vesicle"],
            )
        plan.add(
            tube(
                [
                    (s * 3, b * 0.75, c + 3, 2.6),
                    (s * 8, b * 0.75, c + 14, 2.8),
                    (s * 30, 4, c + 28, 2.2),
                    (s * 58, -30, c + 40, 1.8),
                    (s * 60, -70, 50, 1.8),
                ]
            ),
            "stroma",
            (-1.2, "seminal_vesicle"),
            only=over,
        )
        # Spermatic cord, and the roots of the penis.
        plan.add(
            tube([(s * 60, -72, 48, 6), (s * 34, -82, 12, 7), (s * 24, -84, -30, 7), (s * 20, -70, -90, 8)]),
            "stroma",
            (-0.8, "fat"),
            only=["subcutis"],
        )
        for _ in range(3):
            plan.add(
                tube(
                    [
                        (*choose.near((s * 34, -82, 12), 3), 1.2),
                        (*choose.near((s * 24, -84, -30), 3), 1.2),
                        (*choose.near((s * 20, -70, -90), 4), 1.2),
                    ]
                ),
                choose.pick(["blood_vein", "stroma"]),
                only=["fat", "subcutis"],
            )
        plan.add(
            tube(
                [
                    (s * 32, 0, -50, 5),
                    (s * 18, -22, -46, 7.5),
                    (s * 8, -46, -46, 9),
                    (s * 8, -74, -48, 9.5),
                    (s * 8, -98, -80, 9.5),
                ]
            ),
            "tendon",
            (-1.2, "hemangioma"),
            only=["subcutis", "pelvic fat", "fat", "meat"],
        )
        plan.add(
            blob((s * 22, -62, -132), (14, 17, 22), (10, 0, 0)),
            (2.5, "fluid"),
            (0, "tendon"),
            (-0.8, "mucosa"),
            only=["subcutis", "fat"],
        )
    plan.add(
        tube([(0, 6, -48, 10), (0, -22, -54, 9), (0, -46, -58, 7.5), (0, -76, -60, 7), (0, -100, -92, 7)]),
        "tendon",
        (-1.0, "hemangioma"),
        only=["subcutis", "pelvic fat", "fat", "meat"],
    )
    plan.add(blob((0, -b - 12, 6), (14, 5, 16), rough=(0.8, 0.6)), "blood_vein", only=["pelvic fat"])


def add_female_parts(plan: Plan, choose: Chooser, full: float) -> None:
    """Vagina, uterus and ovaries."""
    over = [*_SOFT, "pelvic fat", "mesorectum", "stroma", "muscle"]
    y = choose.vary(3, 7)
    plan.add(
        tube(
            [(0, -14, -46, 7), (0, 0, -20, 9), (0, y + 2, 10, 10), (0, y + 5, 24, 11)],
            squash=(1.7, 0.55, 1),
            rough=(0.5, 0.4),
        ),
        "meat",
        (-1.6, "mucosa"),
        only=[*over, "meat"],
    )
    plan.add(
        tube([(0, -16, 2, 6), (0, -20, -18, 6.5), (0, -24, -36, 6)], rough=(0.2, 0.2)),
        "meat",
        (-2.5, "mucosa"),
        only=[*over, "meat"],
    )
    # Neck and body of the uterus, tilted forward over the bladder or back.
    size = choose.size(0.75, 1.3)
    back = choose.chance(0.2)
    lean = choose.vary(15, 40) if back else -choose.vary(15, 60) * (1.2 - 0.5 * full)
    way = (math.sin(math.radians(lean)), math.cos(math.radians(lean)))
    neck = (choose.vary(-3, 3), y + 6, 32.0)
    plan.add(
        tube(
            [(0, y + 4, 20, 12), (neck[0], neck[1] + way[0] * 10, neck[2] + way[1] * 10, 11)],
            squash=(1.15, 0.9, 1),
        ),
        "stroma",
        (-6, "uterus"),
        (-9, "mucosa"),
        only=over,
    )
    far = 42 * size
    body = (neck[0] + choose.vary(-6, 6), neck[1] + way[0] * far, neck[2] + way[1] * far)
    turn = (-lean, 0.0, choose.vary(-10, 10))
    axes = (25 * size, 19 * size, 30 * size)
    plan.add(
        blob(body, axes, turn, tapers=[(0, 2, -0.25)], rough=(1, 0.6)),
        "uterus",
        (-axes[1] * 0.62, "stroma"),
        (-axes[1] * 0.8, "mucosa"),
        only=[*over],
    )
    for _ in range(int(choose.rng.poisson(0.8))):
        r = choose.vary(4, 22) * size
        plan.add(
            blob(choose.near(body, 20), (r, r, r), rough=(0.6, 0.4)),
            "stroma",
            (-1.0, choose.pick(["stroma", "stroma", "muscle"])),
            only=["uterus", "stroma", "visceral"],
        )
    for s in (-1, 1):
        spot = choose.near((s * 40, y + 10, 52), 8)
        plan.add(
            blob(spot, (17, 10, 13), choose.near((0, 0, 0), 30), rough=(0.6, 0.5)),
            "stroma",
            (-0.7, "uterus"),
            only=over,
        )
        for _ in range(int(choose.rng.integers(3, 10))):
            r = choose.vary(1.5, 5) if choose.chance(0.9) else choose.vary(8, 20)
            plan.add(
                blob(choose.near(spot, 9), (r, r, r)),
                "stroma",
                (-0.4, "fluid"),
                only=["uterus", "stroma", *over],
            )
        plan.add(
            tube([(s * 18, body[1], body[2], 3), (s * 34, y + 6, 58, 2.2), (s * 44, y + 14, 54, 3)]),
            "stroma",
            only=["visceral", "pelvic fat"],
        )
        for _ in range(6):
            add_tree(
                plan,
                choose,
                choose.near((s * 26, y + 4, 36), 8),
                (choose.vary(-1, 1), choose.vary(-0.5, 0.5), choose.vary(-1, 1)),
                14,
                1.6,
                "blood_vein",
                ["visceral", "pelvic fat"],
                depth=2,
            )
