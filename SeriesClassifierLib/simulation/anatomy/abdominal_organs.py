"""Kidneys, spleen, pancreas and stomach. Origin as in ``abdomen``."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_bowel, add_sheets

_INSIDE = ["visceral"]
_AROUND_KIDNEY = ["visceral", "bowel_wall", "bowel_content", "fluid", "gas", "mucosa", "blood_vein"]


def add_kidneys(plan: Plan, choose: Chooser) -> None:
    """Kidneys with cortex, medulla, sinus and ureter, and the adrenals over them."""
    for side, top in ((-1, -18.0), (1, -4.0)):
        if not choose.chance(0.02):
            _kidney(plan, choose, side, top)


def _kidney(plan: Plan, choose: Chooser, side: int, top: float) -> None:
    """The kidney at z = ``top`` mm on one side, -1 on the right and 1 on the left, and its adrenal."""
    scale = choose.size(0.85, 1.15)
    x, y, z = choose.near((side * 66, 38, top), 5)
    turn = (-10.0, side * 12.0, side * 40.0)
    fat = choose.vary(4, 13)
    plan.add(
        blob((x, y, z), (29 * scale + fat, 28 * scale + fat, 60 * scale + fat), turn),
        "stroma",
        (-0.5, "retro"),
        only=_AROUND_KIDNEY,
    )
    # Bean: bent about its long axis, dented towards the middle.
    plan.add(
        blob(
            (x, y, z),
            (26 * scale, 22 * scale, 54 * scale),
            turn,
            bends=[(0, 2, side * 0.3)],
            rough=(0.8, 0.8),
        ),
        "kidney_cortex",
        only=["retro"],
    )
    axis = np.array([math.sin(math.radians(side * 12)), -math.sin(math.radians(-10)), 1])
    hilum = np.array([math.cos(math.radians(side * 40)), math.sin(math.radians(side * 40))]) * -side
    out = np.array([hilum[1], -hilum[0]])
    core = np.array([x + hilum[0] * 7, y + hilum[1] * 7, z])
    for level in np.linspace(-34, 34, 7) * scale:
        for lean in (-1, 0, 1):
            way = -hilum + 1.1 * lean * out
            way = way / np.linalg.norm(way)
            shift = core + axis * level * 0.8
            far = 14 if lean == 0 else 12
            spot = (shift[0] + way[0] * far, shift[1] + way[1] * far, shift[2] + level * 0.12)
            plan.add(
                blob(choose.near(spot, 1), (5.2 * scale, 5.2 * scale, 5 * scale), rough=(0, 0.5)),
                "kidney_medulla",
                only=["kidney_cortex"],
            )
    sinus = blob(
        tuple(core + np.array([hilum[0] * 3, hilum[1] * 3, 0])),
        (11 * scale, 8 * scale, 30 * scale),
        turn,
        rough=(1, 1.8),
    )
    plan.add(sinus, "retro", only=["kidney_cortex", "kidney_medulla"])
    _urinary_tract(plan, choose, core, hilum, (x, y, z), side)
    for _ in range(int(choose.rng.poisson(0.7))):
        r = 3 + 12 * choose.vary(0, 1) ** 3
        plan.add(
            blob(choose.near((x, y, z), 24), (r, r, r * choose.vary(0.9, 1.2))),
            "fluid" if choose.chance(0.9) else "tumor",
            only=["kidney_cortex", "kidney_medulla", "retro"],
        )
    # Adrenal: a thin Y over the kidney.
    ax, ay, az = x - side * 26, y - 22, z + 46
    for dx in (-7.0, 8.0):
        plan.add(
            blob((ax + dx * 0.6, ay + 8, az), (2.1, 12, 11), (0, 0, -2.6 * dx)),
            "kidney_medulla",
            only=["visceral", "retro"],
        )


def _urinary_tract(
    plan: Plan,
    choose: Chooser,
    core: NDArray[np.float64],
    hilum: NDArray[np.float64],
    center: Vector,
    side: int,
) -> None:
    """Calyces, renal pelvis and ureter; ``hilum`` (x, y) points from the ``core`` of the kidney inward."""
    x, y, z = center
    wide = choose.vary(0.8, 1.6) if choose.chance(0.85) else choose.vary(2, 3.5)
    pelvis = core + np.array([hilum[0] * 12, hilum[1] * 12, -6])
    for level in (-20.0, 0.0, 20.0):
        plan.add(
            tube(
                [
                    (*pelvis, 4 * wide),
                    (core[0], core[1], z + level * 0.7, 2.0 * wide),
                    (core[0] - hilum[0] * 4, core[1] - hilum[1] * 4, z + level, 3.0 * wide),
                ]
            ),
            "fluid",
            only=["retro", "kidney_cortex", "kidney_medulla", "visceral"],
        )
    plan.add(
        tube(
            [
                (*pelvis, 4 * wide),
                (x - side * 22, y - 8, z - 40, 2 * wide),
                (side * 42, 20, -110, 1.6),
                (side * 40, 14, -190, 1.6),
            ]
        ),
        "stroma",
        (-0.6, "fluid"),
        only=["visceral", "retro"],
    )


def add_spleen(plan: Plan, choose: Chooser) -> None:
    """The spleen."""
    scale = choose.size(0.75, 1.35)
    x, y, z = choose.near((92, 24, 62), 6)
    plan.add(
        blob(
            (x, y, z),
            (23 * scale, 42 * scale, 52 * scale),
            (20, -14, 22),
            bends=[(0, 1, 0.5), (0, 2, 0.2)],
            rough=(1.5, 0.5),
        ),
        "spleen",
        only=[*_INSIDE, "bowel_wall", "bowel_content", "gas", "retro"],
    )
    if choose.chance(0.08):
        plan.add(
            blob(choose.near((x, y, z), 15), (8, 8, 8)),
            choose.pick(["fluid", "metastasis", "hemangioma"]),
            only=["spleen"],
        )


def add_pancreas(plan: Plan, choose: Chooser) -> None:
    """The pancreas with its duct and the splenic vein."""
    over = ["visceral", "bowel_wall", "bowel_content", "mucosa", "fluid", "gas"]
    plump = choose.size(0.75, 1.25)
    # Head first, then over the vessels to the tail at the spleen.
    knots: list[Knot] = [
        (-32, -20, -28, 9 * plump),
        (-31, -24, -8, 13 * plump),
        (-18, -34, 6, 10 * plump),
        (4, -36, 14, 9 * plump),
        (28, -24, 20, 10 * plump),
        (52, -6, 28, 10 * plump),
        (74, 12, 38, 8 * plump),
    ]
    knots = [(*choose.near(k, 3), k[3]) for k in knots]
    plan.add(tube(knots, squash=(1, 0.85, 1.15), rough=(0.8, 2.2)), "pancreas", only=over)
    add_sheets(plan, choose, 9, choose.vary(0.0, 0.5), "visceral", ["pancreas"])
    if choose.chance(0.08):
        r = choose.vary(6, 15)
        plan.add(
            blob(choose.near(knots[1 + int(choose.rng.integers(5))], 5), (r, r, r), rough=(1, 1)),
            choose.pick(["metastasis", "fluid", "tumor"]),
            only=["pancreas", "visceral"],
        )
    # Splenic vein behind it, joining the portal vein.
    vein = [(82, 18, 42, 3), (52, 5, 26, 3.6), (24, -13, 18, 4), (-6, -23, 6, 5)]
    plan.add(tube(vein), "blood_vein", only=[*over, "pancreas"])
    duct = choose.vary(0.7, 1.4) if choose.chance(0.8) else choose.vary(1.5, 3.2)
    line = [
        (-38, -24, -22, duct * 1.3),
        *[(k[0], k[1] - 1, k[2], duct * (1.2 - 0.08 * i)) for i, k in enumerate(knots[1:])],
    ]
    plan.add(tube(line), "bile", only=["pancreas", *over])


def add_stomach(plan: Plan, choose: Chooser) -> None:
    """Esophagus, stomach and duodenum."""
    over = ["visceral", "bowel_wall", "bowel_content", "gas", "mucosa", "fluid"]
    full = choose.size(0.55, 1.3)
    knots: list[Knot] = [
        (56, 14, 88, 30 * full + 8),
        (64, -2, 68, 33 * full + 5),
        (62, -30, 44, 28 * full + 3),
        (40, -56, 16, 22 * full + 2),
        (12, -62, 2, 16 * full + 3),
        (-12, -56, 8, 11),
        (-24, -48, 12, 8),
    ]
    knots = [(*choose.near(k, 5), k[3]) for k in knots]
    wall = choose.vary(3, 5.5)
    shape = tube(knots, rough=(1.5, 1.5))
    if full < 0.75:
        plan.add(shape, "bowel_wall", (-wall * 0.6, "mucosa"), (-wall - 3, "bowel_content"), only=over)
    else:
        plan.add(
            shape,
            "bowel_wall",
            (-wall * 0.6, "mucosa"),
            (-wall, choose.pick(["fluid", "bowel_content", "bowel_content"])),
            only=over,
        )
        plan.zone("chyme", "bowel_content")
    level = choose.vary(-60, -20)
    inner = [(k[0], k[1], k[2], max(k[3] - wall - 1, 2)) for k in knots]
    plan.add(tube(inner, cut=((0, 1, 0), level)), "gas", only=["fluid", "bowel_content", "mucosa"])
    plan.add(
        tube([(12, 14, 150, 7), (20, 12, 118, 7), (44, 12, 96, 8)]),
        "bowel_wall",
        (-3, "mucosa"),
        only=["visceral", "muscle", "lung"],
    )
    loop: list[Knot] = [
        (-26, -46, 12, 11),
        (-46, -34, 6, 12),
        (-56, -20, -16, 12),
        (-55, -14, -48, 12),
        (-34, -12, -62, 11),
        (0, -12, -60, 11),
        (28, -16, -44, 11),
        (40, -24, -30, 11),
    ]
    loop = [(*choose.near(k, 3), k[3] * choose.vary(0.8, 1.15)) for k in loop]
    for a in range(0, len(loop) - 1, 2):
        add_bowel(
            plan,
            choose,
            loop[a : a + 3],
            choose.pick(["fluid", "content", "empty", "level"]),
            over,
            wall=2.2,
            waves=(4.0, 0.12),
        )
