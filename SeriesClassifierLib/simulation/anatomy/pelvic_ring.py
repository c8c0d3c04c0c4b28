"""The hard frame of the pelvis: bones, and the vessels along them. Origin as in ``pelvis``.

``s`` is -1 on the right side of the body and 1 on the left.
"""

from __future__ import annotations

from itertools import pairwise

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_specks, add_tree

_OVER = ["visceral", "pelvic fat", "subcutis", "meat", "fat", "tendon"]


def add_bones(plan: Plan, choose: Chooser) -> None:
    """Hip bones, thigh bones, sacrum and coccyx."""
    red = "marrow_red" if choose.chance(0.35) else "marrow_yellow"
    worn = choose.vary(0.8, 1.2)
    shell = -choose.vary(1.2, 2.2)
    for s in (-1, 1):
        _hip_bone(plan, s, shell, red)
        _thigh_bone(plan, choose, s, worn, red)
    # Symphysis disc.
    plan.add(blob((0, -50, -6), (3.2, 9, 19), (18, 0, 0)), "tendon", (-1.0, "cartilage"))
    _sacrum(plan)
    add_specks(plan, choose, 13, choose.vary(1.0, 2.2), "marrow_red", ["marrow_yellow"])


def _hip_bone(plan: Plan, s: int, shell: float, red: str) -> None:
    """Wing of the ilium, the ring's column, ischium and pubic branches."""
    plan.add(
        blob(
            (s * 88, 14, 108),
            (7, 58, 58),
            (0, s * 28, s * -24),
            bends=[(0, 1, s * 0.9), (0, 2, s * 0.5)],
            rough=(0.5, 0.4),
        ),
        "cortical_bone",
        (shell, "marrow_red"),
    )
    plan.add(
        tube([(s * 46, 50, 96, 12), (s * 62, 34, 72, 13), (s * 78, 10, 50, 14)], squash=(0.8, 1, 1)),
        "cortical_bone",
        (shell, red),
    )
    plan.add(
        blob((s * 85, -2, 24), (30, 32, 33), (0, 0, s * -15), rough=(0.4, 0.4)),
        "cortical_bone",
        (shell, red),
    )
    plan.add(
        tube(
            [(s * 80, 22, 20, 15), (s * 70, 30, -10, 14), (s * 58, 26, -42, 15), (s * 50, 20, -54, 12)],
            squash=(0.85, 1.15, 1),
            rough=(0.4, 0.4),
        ),
        "cortical_bone",
        (shell, red),
    )
    plan.add(
        tube(
            [(s * 72, -18, 24, 12), (s * 48, -40, 16, 8), (s * 24, -50, 6, 9), (s * 12, -50, -4, 10)],
            squash=(1, 0.85, 1),
            rough=(0.3, 0.3),
        ),
        "cortical_bone",
        (shell, "marrow_yellow" if red == "marrow_yellow" else red),
    )
    plan.add(
        tube(
            [(s * 11, -48, -2, 9), (s * 10, -42, -20, 8), (s * 26, -22, -36, 6.5), (s * 46, 8, -52, 8)],
            squash=(0.8, 0.9, 1),
        ),
        "cortical_bone",
        (shell, red),
    )


def _thigh_bone(plan: Plan, choose: Chooser, s: int, worn: float, red: str) -> None:
    """The socket's bright cartilage line, then the thigh bone."""
    x, y, z = choose.near((s * 93, -5, 24), 1.5)
    r = 24.5 * worn
    plan.add(
        blob(
            (x, y, z),
            (r + 2.2, r + 2.2, r + 2.2),
            cuts=[((s * 0.8, -0.1, -0.6), s * 0.8 * x - 0.1 * y - 0.6 * z + 12)],
        ),
        "cartilage",
        only=[
            "cortical_bone",
            "marrow_red",
            "marrow_yellow",
            "meat",
            "fat",
            "tendon",
            "visceral",
            "subcutis",
        ],
    )
    plan.add(
        tube([(x, y, z, 16), (s * 112, -2, 10, 14.5), (s * 128, 4, -4, 16)], squash=(1, 0.9, 1)),
        "cortical_bone",
        (-1.8, red),
    )
    plan.add(
        blob((s * 134, 10, 4), (14, 18, 24), (0, s * -8, 0), rough=(0.6, 0.5)),
        "cortical_bone",
        (-1.5, "marrow_yellow"),
    )
    plan.add(
        tube([(s * 128, 6, -10, 17), (s * 124, 4, -60, 15), (s * 116, 0, -220, 13.5)]),
        "cortical_bone",
        (-4.1, "marrow_yellow"),
    )
    plan.add(tube([(s * 128, 4, -4, 14), (s * 126, 6, -22, 13)]), "marrow_yellow", only=["cortical_bone"])
    plan.add(
        blob((x, y, z), (r, r, r), rough=(0.2, 0.2)),
        "cortical_bone",
        (-1.1, "marrow_yellow" if choose.chance(0.8) else red),
    )


def _sacrum(plan: Plan) -> None:
    """Sacrum in steps with its canal and joints, coccyx, the last vertebra and its disc."""
    steps = [
        (48, 122, 26, 16),
        (58, 92, 22, 12),
        (70, 66, 17, 10),
        (76, 44, 13, 8),
        (76, 26, 10, 6),
        (71, 12, 6, 5),
        (65, 2, 5, 4),
    ]
    for (y, z, half, deep), (yb, zb, halfb, deepb) in pairwise(steps):
        plan.add(
            tube([(0, y, z, deep), (0, yb, zb, deepb)], squash=((half + halfb) / (deep + deepb), 1, 1)),
            "cortical_bone",
            (-1.2, "marrow_red"),
        )
        if z > 40:
            plan.add(
                blob((0, (y + yb) / 2, (z + zb) / 2), (half * 0.6, deep, 1.5), (35, 0, 0)),
                "cartilage",
                only=["marrow_red"],
            )
            for s in (-1, 1):
                plan.add(
                    tube([(s * half * 0.7, y - 14, z - 8, 4), (s * half * 0.65, y + 6, z - 6, 4)]),
                    "fat",
                    (-1.5, "cord"),
                    only=["marrow_red", "cortical_bone"],
                )
    for s in (-1, 1):
        plan.add(
            blob((s * 30, 58, 98), (22, 14, 30), (25, 0, s * 20), rough=(0.6, 0.5)),
            "cortical_bone",
            (-1.2, "marrow_red"),
            only=["visceral", "pelvic fat", "subcutis", "meat", "marrow_red", "fat"],
        )
        plan.add(
            blob((s * 47, 58, 98), (1.6, 20, 26), (20, 0, s * -20)),
            "cartilage",
            only=["marrow_red", "cortical_bone"],
        )
    plan.add(
        tube([(0, 70, 140, 9), (0, 84, 96, 7), (0, 90, 66, 5)], squash=(1.4, 0.8, 1)),
        "fat",
        (-1.5, "csf"),
        only=["marrow_red", "cortical_bone", "meat", "subcutis", "visceral"],
    )
    plan.add(blob((0, 34, 158), (27, 19, 15), (-20, 0, 0)), "cortical_bone", (-1.0, "marrow_red"))
    plan.add(blob((0, 38, 139), (26, 18, 5.5), (-28, 0, 0)), "tendon", (-1.5, "disc"))


def add_vessels(plan: Plan, choose: Chooser) -> None:
    """Iliac and femoral vessels, nerves and nodes."""
    for s in (-1, 1):
        _trunks(plan, choose, s)
        _branches(plan, s)
        for _ in range(int(choose.rng.integers(2, 5))):
            spot = choose.near((s * 60, -72, -5), 18)
            plan.add(
                blob(spot, (choose.vary(2.5, 5), choose.vary(2, 4), choose.vary(4, 8))),
                "stroma",
                (-1.0, "spleen"),
                only=["subcutis", "fat"],
            )
        for _ in range(4):
            add_tree(
                plan,
                choose,
                choose.near((s * 42, 40, 40), 16),
                (-s * choose.vary(0.2, 1), choose.vary(-1, 0.4), choose.vary(-1, 1)),
                16,
                1.5,
                "blood_vein",
                ["visceral", "pelvic fat"],
                depth=3,
            )
        for _ in range(3):
            add_tree(
                plan,
                choose,
                (s * choose.vary(20, 110), -95, choose.vary(-20, 60)),
                (choose.vary(-1, 1), -0.5, choose.vary(-1, 1)),
                22,
                1.4,
                "blood_vein",
                ["subcutis"],
                depth=2,
            )


def _trunks(plan: Plan, choose: Chooser, s: int) -> None:
    """The large artery and vein of one side."""
    artery: list[Knot] = [
        (s * 6, 10, 175, 7),
        (s * 26, 8, 130, 5.5),
        (s * 44, -14, 90, 5),
        (s * 58, -46, 48, 4.8),
        (s * 66, -66, 8, 4.8),
        (s * 70, -66, -40, 4.2),
        (s * 74, -52, -140, 3.8),
    ]
    vein: list[Knot] = [
        (s * 4, 18, 175, 7),
        (s * 24, 16, 130, 6.5),
        (s * 38, -4, 90, 6),
        (s * 47, -40, 48, 6),
        (s * 54, -62, 8, 6),
        (s * 60, -60, -40, 5.2),
        (s * 70, -44, -140, 4.5),
    ]
    artery = [(*choose.near(k, 1.5), k[3]) for k in artery]
    vein = [(*choose.near(k, 1.5), k[3] * choose.vary(0.8, 1.2)) for k in vein]
    plan.add(tube(vein), (1.0, "fat"), (0, "stroma"), (-0.6, "blood_vein"), only=_OVER)
    plan.add(tube(artery), (1.0, "fat"), (0, "stroma"), (-1.0, "blood_artery"), only=_OVER)


def _branches(plan: Plan, s: int) -> None:
    """Inner iliac vessels, deep and superficial branches in the thigh, and the sciatic nerve."""
    plan.add(
        tube(
            [
                (s * 30, 8, 122, 4),
                (s * 44, 30, 90, 3.5),
                (s * 46, 44, 60, 2.5),
                (s * 50, 40, 22, 1.8),
                (s * 46, 30, -20, 1.5),
            ]
        ),
        "blood_artery",
        only=_OVER,
    )
    plan.add(
        tube(
            [
                (s * 28, 14, 122, 4.5),
                (s * 40, 34, 90, 4),
                (s * 42, 46, 60, 3),
                (s * 46, 42, 22, 2.2),
                (s * 43, 32, -20, 1.8),
            ]
        ),
        "blood_vein",
        only=_OVER,
    )
    plan.add(
        tube([(s * 62, -58, -18, 3.5), (s * 84, -40, -40, 2.8), (s * 96, -28, -100, 2.5)]),
        "blood_artery",
        only=_OVER,
    )
    plan.add(
        tube([(s * 58, -68, -5, 2.6), (s * 52, -84, -60, 2.3), (s * 46, -80, -140, 2.3)]),
        "blood_vein",
        only=_OVER,
    )
    plan.add(
        tube(
            [(s * 56, 58, 62, 5), (s * 72, 52, 20, 5.5), (s * 80, 48, -40, 5), (s * 84, 40, -150, 5)],
            squash=(1.3, 0.7, 1),
        ),
        "cord",
        only=_OVER,
    )
