"""Head and neck: origin in the middle of the brain, between the thalami."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser, Sketch
from SeriesClassifierLib.simulation.anatomy.brain import add_brain, add_skull, add_vessels
from SeriesClassifierLib.simulation.anatomy.column import add_spine, column
from SeriesClassifierLib.simulation.anatomy.face import add_face
from SeriesClassifierLib.simulation.anatomy.mni import add_atlas, load_maps
from SeriesClassifierLib.simulation.anatomy.shapes import (
    Plan,
    Shape,
    Vector,
    blob,
    tube,
)
from SeriesClassifierLib.simulation.anatomy.trunk import add_sheets, add_specks

_FLESH = ["scalp", "flesh", "fat"]


def draw_brain(choose: Chooser) -> Sketch:
    """A head, centered on the brain."""
    return Sketch(
        "brain",
        plan_head(choose),
        (0, 0, 5),
        (210, 240, 150),
        choose.pick("MF"),
        bend=0.7,
        tilt=(10, 6, 8),
        scale=(0.9, 1.06),
    )


def draw_head_neck(choose: Chooser) -> Sketch:
    """Head and neck, centered on the throat."""
    return Sketch(
        "head and neck",
        plan_head(choose),
        (0, 0, -85),
        (230, 250, 190),
        choose.pick("MF"),
        bend=0.8,
        tilt=(8, 5, 8),
        scale=(0.9, 1.06),
    )


def plan_head(choose: Chooser) -> Plan:
    """From the crown to the upper chest."""
    plan = Plan()
    plan.zone("scalp", "fat")
    plan.zone("flesh", "muscle")
    plan.zone("orbit", "fat")
    fat = choose.size(0, 1) ** 1.5
    _outer(plan, choose, fat)
    _neck(plan, choose, fat)
    add_face(plan, choose)
    add_spine(
        plan, choose, column("CCCCCCCTTTT", 0, 36, -88, choose.vary(-0.15, 0.0), (0.0, 0.035)), cord_end=-400
    )
    add_skull(plan, choose)
    maps = load_maps() if choose.chance(0.5) else None
    if maps is None:
        add_brain(plan, choose)
    else:
        add_atlas(plan, choose, maps)
    add_vessels(plan, choose)
    return plan


def _outer(plan: Plan, choose: Chooser, fat: float) -> None:
    thick = 4 + 6 * fat
    neck = 1 + 0.25 * fat
    shapes: list[tuple[Vector, Vector, Vector, int]] = [
        ((0, 22, -190), (56 * neck, 58 * neck, 150), (8, 0, 0), 3),
        ((0, 36, -330), (185, 80, 150), (0, 0, 0), 3),
        ((0, -38, -62), (63, 60, 66), (-14, 0, 0), 3),
        ((0, 0, 8), (76 + thick * 0.6, 96 + thick * 0.6, 88), (0, 0, 0), 2),
    ]
    made = [blob(c, a, t, power=p, rough=(0.8, 0.3)) for c, a, t, p in shapes]
    nose = tube([(0, -92, -22, 7), (0, -104, -46, 11), (0, -94, -54, 12)])
    ears = [blob((s * 78, 18, -26), (5, 15, 28), (10, 0, s * 20), rough=(1, 2)) for s in (-1, 1)]
    for ear in ears:
        plan.add(ear, "skin", (-1.2, "cartilage"))
    parts: list[Shape] = [*made, nose]
    for part in parts:
        plan.add(part, "skin")
    for part in parts:
        plan.add(part, (-1.6, "scalp"))
    for (c, a, t, p), under in zip(shapes, (8, 12, 9, thick + 1), strict=True):
        under = under * (0.5 + fat) + 1.5
        plan.add(
            blob(c, (a[0] - under, a[1] - under, a[2] - under), t, power=p, rough=(1, 0.5)),
            "flesh",
            only=["scalp"],
        )


def _neck(plan: Plan, choose: Chooser, fat: float) -> None:
    add_sheets(plan, choose, 42, 0.3 + 0.6 * fat, "fat", ["flesh"], stretch=(1, 1, 3.5))
    bulk = choose.size(0.85, 1.15)
    for s in (-1, 1):
        for knots in (
            ((s * 58, 30, -45, 8), (s * 50, 12, -100, 10), (s * 28, -14, -190, 8)),
            ((s * 14, 78, -50, 10), (s * 22, 82, -110, 13), (s * 60, 84, -190, 12)),
            ((s * 18, 62, -55, 13), (s * 20, 66, -120, 15), (s * 22, 70, -200, 14)),
            ((s * 40, 46, -80, 10), (s * 38, 46, -140, 12), (s * 52, 40, -200, 13)),
            ((s * 10, 14, -90, 6), (s * 12, 16, -200, 6)),
        ):
            plan.add(
                tube([(*k[:3], k[3] * bulk) for k in knots], squash=(1, 1.1, 1), rough=(0.7, 0.4)),
                (1.2, "fat"),
                (0, "tendon"),
                (-0.4, "flesh"),
                only=_FLESH,
            )
        _neck_organs(plan, choose, s)
        for _ in range(7):
            r = choose.vary(2, 4.5) if choose.chance(0.95) else choose.vary(8, 14)
            plan.add(
                blob(choose.near((s * 38, 14, -120), 30), (r, r, 1.7 * r)), "spleen", only=["fat", "scalp"]
            )
    add_specks(plan, choose, 5, 1.3, "fat", ["glandular"])
    plan.add(
        tube([(0, -4, -158, 9), (0, -2, -260, 9)], squash=(1, 0.95, 1)),
        "cartilage",
        (-1.6, "mucosa"),
        (-2.6, "gas"),
        only=[*_FLESH, "tendon"],
    )
    plan.add(
        tube([(0, 12, -150, 6), (-4, 14, -260, 6)], squash=(1.3, 0.8, 1)),
        "bowel_wall",
        (-2.5, "mucosa"),
        only=[*_FLESH, "tendon"],
    )
    plan.add(blob((0, -16, -140), (17, 15, 18)), "cartilage", (-3, "flesh"), only=[*_FLESH, "tendon"])


def _neck_organs(plan: Plan, choose: Chooser, s: int) -> None:
    """Vessels, thyroid and salivary glands of one side, -1 on the right and 1 on the left."""
    x = 24 + choose.vary(-2, 3)
    plan.add(
        tube(
            [
                (s * 20, 6, -260, 4),
                (s * x, 6, -140, 4),
                (s * x, 6, -105, 4.5),
                (s * 26, 8, -70, 3),
                (s * 22, 6, -46, 2.6),
            ]
        ),
        "stroma",
        (-0.7, "blood_artery"),
        only=[*_FLESH, "tendon"],
    )
    plan.add(
        tube(
            [(s * 30, 4, -260, 7), (s * 34, 10, -140, 6.5), (s * 32, 14, -80, 5), (s * 28, 20, -52, 4)],
            squash=(1.2, 0.9, 1),
        ),
        "stroma",
        (-0.6, "blood_vein"),
        only=[*_FLESH, "tendon"],
    )
    plan.add(
        tube([(s * 15, 26, -260, 2), (s * 17, 30, -90, 2), (s * 14, 40, -66, 2)]),
        "blood_artery",
        only=_FLESH,
    )
    plan.add(
        tube([(s * 16, -12, -150, 7), (s * 18, -8, -172, 10), (s * 12, -12, -185, 7)], rough=(0.5, 0.5)),
        "glandular",
        only=[*_FLESH, "tendon"],
    )
    plan.add(
        blob((s * 54, 4, -70), (11, 17, 22), (0, s * 10, 0), rough=(1, 1.4)),
        "glandular",
        (-40.0, "fat"),
        only=[*_FLESH, "tendon"],
    )
    plan.add(blob((s * 32, -28, -106), (10, 17, 11), rough=(0.8, 0.6)), "glandular", only=[*_FLESH, "tendon"])
