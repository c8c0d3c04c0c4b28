"""The organs of a woman's pelvis. Origin as in ``pelvis``."""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.pelvic_organs import SOFT
from SeriesClassifierLib.simulation.anatomy.shapes import Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_tree

_OVER = [*SOFT, "pelvic fat", "mesorectum", "stroma", "muscle"]


def add_female_parts(plan: Plan, choose: Chooser, full: float) -> None:
    """Vagina, uterus and ovaries; ``full`` (0..1) is the bladder, on which the uterus lies."""
    y = choose.vary(3, 7)
    plan.add(
        tube(
            [(0, -14, -46, 7), (0, 0, -20, 9), (0, y + 2, 10, 10), (0, y + 5, 24, 11)],
            squash=(1.7, 0.55, 1),
            rough=(0.5, 0.4),
        ),
        "meat",
        (-1.6, "mucosa"),
        only=[*_OVER, "meat"],
    )
    plan.add(
        tube([(0, -16, 2, 6), (0, -20, -18, 6.5), (0, -24, -36, 6)], rough=(0.2, 0.2)),
        "meat",
        (-2.5, "mucosa"),
        only=[*_OVER, "meat"],
    )
    body = _uterus(plan, choose, y, full)
    for s in (-1, 1):
        _ovary(plan, choose, s, y, body)


def _uterus(plan: Plan, choose: Chooser, y: float, full: float) -> Vector:
    """Neck and body of the uterus, tilted forward over the bladder or back; the middle of its body."""
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
        only=_OVER,
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
        only=[*_OVER],
    )
    for _ in range(int(choose.rng.poisson(0.8))):
        r = choose.vary(4, 22) * size
        plan.add(
            blob(choose.near(body, 20), (r, r, r), rough=(0.6, 0.4)),
            "stroma",
            (-1.0, choose.pick(["stroma", "stroma", "muscle"])),
            only=["uterus", "stroma", "visceral"],
        )
    return body


def _ovary(plan: Plan, choose: Chooser, s: int, y: float, body: Vector) -> None:
    """Ovary with its follicles, tube and veins."""
    spot = choose.near((s * 40, y + 10, 52), 8)
    plan.add(
        blob(spot, (17, 10, 13), choose.near((0, 0, 0), 30), rough=(0.6, 0.5)),
        "stroma",
        (-0.7, "uterus"),
        only=_OVER,
    )
    for _ in range(int(choose.rng.integers(3, 10))):
        r = choose.vary(1.5, 5) if choose.chance(0.9) else choose.vary(8, 20)
        plan.add(
            blob(choose.near(spot, 9), (r, r, r)),
            "stroma",
            (-0.4, "fluid"),
            only=["uterus", "stroma", *_OVER],
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
