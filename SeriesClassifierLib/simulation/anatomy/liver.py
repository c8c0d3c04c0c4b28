"""The liver with its vessels, bile ducts and lesions. Origin as in ``abdomen``."""

from __future__ import annotations

import numpy as np

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import Outline, add_tree

_OVER = ["visceral", "bowel_wall", "bowel_content", "gas", "mucosa", "fluid", "retro", "wall"]
_AT_HILUM = [*_OVER, "liver", "pancreas"]
_LESIONS = ["tumor", "metastasis", "hemangioma", "fluid"]


def add_liver(plan: Plan, choose: Chooser, outline: Outline) -> None:
    """The liver with veins, ducts, gallbladder and lesions."""
    wide, deep = outline.width / 137, outline.depth / 95
    _lobes(plan, choose, wide, deep)
    vein = choose.vary(0.8, 1.2)
    for way in ((-1, 0.35, -0.35), (-0.75, -0.8, -0.35), (0.1, -1, -0.2)):
        add_tree(
            plan,
            choose,
            (-22, 0, 108),
            way,
            42,
            4.6 * vein,
            "blood_vein",
            ["liver"],
            depth=4,
            spread=0.5,
            least=0.8,
        )
    hilum = choose.near((-38, -24, 38), 3)
    _portal_vein_and_ducts(plan, choose, hilum, vein)
    if choose.chance(0.85):
        _gallbladder(plan, choose, hilum)
    _lesions(plan, choose, wide)


def _lobes(plan: Plan, choose: Chooser, wide: float, deep: float) -> None:
    """Right, left and caudate lobe, the cava behind them and the fissure."""
    size = choose.size(0.86, 1.14)
    tip = choose.vary(-75, -20)
    plan.add(
        blob(
            (-70 * wide, -2, 50),
            (76 * wide, 88 * deep, 92 * size),
            (0, 14, 0),
            tapers=[(0, 2, -0.22)],
            power=3,
            rough=(2, 0),
            cuts=[((0.55, 0.2, -0.8), -12 - 0.2 * tip), ((0.85, 0.5, -0.1), 0.0), ((0.9, -0.42, 0), 16)],
        ),
        "liver",
        only=["visceral", "bowel_wall", "bowel_content", "gas", "mucosa", "fluid"],
    )
    left = choose.size(40, 95)
    plan.add(
        blob(
            (left * 0.35 - 22, -48 * deep, 66),
            (left * 0.9 + 12, 40 * deep, 44 * size),
            (0, -14, 8),
            tapers=[(2, 0, 0.35), (1, 0, 0.3)],
            rough=(2, 0.5),
            cuts=[((0, 1, 0.3), -4.0)],
        ),
        "liver",
        only=_OVER,
    )
    # Caudate lobe between the cava and the portal vein.
    plan.add(blob((-14, -10, 62), (14, 12, 26), rough=(1, 0)), "liver", only=_OVER)
    plan.add(tube([(-24, 4, 120, 12), (-24, 6, 70, 11), (-22, 8, 30, 11)]), "blood_vein", only=["liver"])
    # The fissure with the round ligament, fat in it.
    plan.add(blob((-12, -72 * deep, 40), (3, 30, 26), (25, 0, 10)), "visceral", only=["liver"])


def _portal_vein_and_ducts(plan: Plan, choose: Chooser, hilum: Vector, vein: float) -> None:
    """Portal vein and bile ducts side by side from the ``hilum``; ``vein`` is their relative width."""
    x, y, z = hilum
    plan.add(blob((x + 6, y - 2, z - 4), (16, 8, 10), (0, 30, 0), rough=(1, 1)), "visceral", only=["liver"])
    plan.add(
        tube([(-8, -24, 3, 6.2 * vein), (-24, -25, 24, 6.4 * vein), (x, y, z, 6.5 * vein)]),
        "blood_vein",
        only=_AT_HILUM,
    )
    dilated = choose.chance(0.25)
    duct = choose.vary(1.5, 2.6) if dilated else choose.vary(0.6, 1.1)
    trees = []
    for way, length in (((-1, 0.1, 0.25), 34.0), ((0.35, -0.75, 0.45), 34.0), ((-0.7, 0.5, -0.5), 28.0)):
        trees += add_tree(
            plan,
            choose,
            hilum,
            way,
            length,
            4.6 * vein,
            "blood_vein",
            ["liver"],
            depth=4,
            spread=0.6,
            least=0.8,
        )
    for start, way, length, radius in trees:
        if radius < 2 and not dilated and choose.chance(0.5):
            continue
        begin = np.array(start) + np.array([1.5, -radius - 1.2, 1.5])
        end = begin + np.array(way) * length
        thin = max(0.5, radius * 0.32 * duct)
        plan.add(tube([(*begin, thin), (*end, max(0.45, thin * 0.75))]), "bile", only=["liver", "visceral"])
    wide_duct = 2.2 + 1.6 * duct * choose.vary(0.7, 1.3)
    plan.add(
        tube(
            [
                (x - 2, y - 7, z + 2, wide_duct * 0.8),
                (x, y - 6, z - 8, wide_duct * 0.9),
                (-32, -22, 10, wide_duct),
                (-37, -19, -12, wide_duct),
                (-43, -22, -28, wide_duct * 0.6),
            ]
        ),
        "stroma",
        (-0.5, "bile"),
        only=[*_AT_HILUM, "blood_vein"],
    )


def _gallbladder(plan: Plan, choose: Chooser, hilum: Vector) -> None:
    """The gallbladder, in some with stones."""
    x, y, z = hilum
    r = choose.size(8, 17)
    gx, gy, gz = choose.near((-58, -50, 8), 5)
    neck = [
        (x - 4, y - 8, z - 10, 1.6),
        (-42, -36, 22, 2.5),
        (gx + 6, gy + 8, gz + 12, r * 0.6),
        (gx, gy, gz, r),
        (gx - 4, gy - 12, gz - 18, r * 0.9),
    ]
    plan.add(tube(neck, rough=(0.6, 0.3)), "stroma", (-choose.vary(1.0, 2.0), "bile"), only=[*_AT_HILUM])
    if choose.chance(0.15):
        for _ in range(4):
            s = choose.vary(1.5, 4)
            plan.add(
                blob((gx + choose.vary(-5, 5), gy + r * 0.5, gz - choose.vary(0, 20)), (s, s, s)),
                "cortical_bone",
                only=["bile"],
            )


def _lesions(plan: Plan, choose: Chooser, wide: float) -> None:
    """Cysts, hemangiomas, tumors and metastases in the liver of about half of the people."""
    kind = choose.pick(_LESIONS)
    for _ in range(int(choose.rng.poisson(1.6)) if choose.chance(0.6) else 0):
        r = 2.5 + 26 * choose.vary(0, 1) ** 2.5
        center = choose.near((-70 * wide, -15, 55), 1)
        center = (
            center[0] + choose.vary(-45, 70),
            center[1] + choose.vary(-50, 50),
            center[2] + choose.vary(-55, 45),
        )
        name = kind if choose.chance(0.7) else choose.pick(_LESIONS)
        shape = blob(
            center, (r * choose.vary(0.8, 1.2), r, r * choose.vary(0.8, 1.2)), rough=(0.06 * r, 0.05 * r)
        )
        if name == "tumor":
            plan.add(shape, (0.8, "stroma"), (0.0, "tumor"), only=["liver"])
        elif name == "metastasis" and r > 10:
            plan.add(
                shape, "metastasis", (-0.55 * r, "stroma" if choose.chance(0.5) else "fluid"), only=["liver"]
            )
        else:
            plan.add(shape, name, only=["liver"])
