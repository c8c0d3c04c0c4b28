"""The brain and the skull around it. Origin as in ``head``."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.folds import add_folds
from SeriesClassifierLib.simulation.anatomy.shapes import Blob, Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_sheets

_BRAIN = ["gray_matter", "white_matter", "csf"]


def add_skull(plan: Plan, choose: Chooser) -> None:
    """The skull with the fluid inside, its base, and the muscles on it."""
    thick = choose.vary(4.5, 8.5)
    inner: Vector = (70.0, 88.0, 80.0)
    # Temporal and neck muscles over the bone.
    for s in (-1, 1):
        plan.add(
            blob((s * 66, -28, -4), (10, 34, 36), (0, s * -8, s * -18), rough=(0.6, 0.5)),
            (0.8, "fat"),
            (0, "flesh"),
            only=["scalp", "flesh"],
        )
        plan.add(
            blob((s * 58, 20, -46), (17, 22, 20), rough=(1, 1)), "cortical_bone", (-1.5, "marrow_yellow")
        )
        plan.add(blob((s * 60, 26, -50), (13, 16, 15), rough=(1, 1)), "gas", only=["marrow_yellow"])
    plan.zone("cells", "gas")
    add_sheets(plan, choose, 5, 0.5, "mucosa", ["cells"])
    base = [((0.0, -0.42, -1.0), 44.0)]
    outer = (inner[0] + thick, inner[1] + thick, inner[2] + thick)
    plan.add(
        blob((0, 0, 4), outer, cuts=[((0.0, -0.42, -1.0), 48.0)], rough=(0.4, 0.2)),
        "cortical_bone",
        (-thick * 0.28, "marrow_yellow" if choose.chance(0.7) else "marrow_red"),
        (-thick * 0.75, "cortical_bone"),
    )
    plan.add(blob((0, 0, 4), inner, cuts=base, rough=(0.4, 0.2)), "tendon", (-0.6, "csf"))
    # The floor of the front, higher than that of the back; clivus and petrous bones.
    for s in (-1, 1):
        plan.add(
            tube([(s * 56, 22, -36, 12), (s * 34, 12, -34, 9), (s * 14, 2, -32, 6)], rough=(0.6, 1)),
            "cortical_bone",
            (-2.5, "marrow_yellow"),
            only=["csf", "tendon", "cortical_bone", "flesh", "marrow_yellow", "marrow_red"],
        )
        plan.add(tube([(s * 36, 14, -36, 1.4), (s * 22, 14, -34, 2.6)]), "csf")
    plan.add(
        tube([(0, -8, -26, 8), (0, 4, -42, 8), (0, 14, -58, 6)], squash=(1.5, 0.8, 1)),
        "cortical_bone",
        (-1.2, "marrow_yellow"),
    )
    plan.add(
        tube([(0, 24, -50, 13), (0, 30, -72, 10), (0, 34, -92, 9)], squash=(1.1, 1, 1)),
        "csf",
        only=["cortical_bone", "marrow_yellow", "marrow_red", "flesh", "fat", "tendon", "scalp"],
    )


def add_brain(plan: Plan, choose: Chooser) -> None:
    """Cerebrum and cerebellum of folds, with deep gray matter and ventricles."""
    shrunk = choose.vary(0, 1) ** 2 * 3.0
    size = 1 - 0.012 * shrunk
    gap = choose.vary(0.1, 0.35) + 0.25 * shrunk
    ribbon = choose.vary(2.5, 3.3)
    floor = [((0.0, -0.1, -1.0), 26.0)]
    hull: list[Blob] = [
        blob((0, -1, 7), (68 * size, 86 * size, 74 * size), cuts=floor, rough=(0.6, 0.5)),
        blob(
            (0, 2, 10),
            (66 * size, 74 * size, 60 * size),
            power=3,
            cuts=[((0, 0.1, -1), 14.0)],
            rough=(0.6, 0.5),
        ),
    ]
    hull += [
        blob((s * 43 * size, -12, -22), (22 * size, 36 * size, 20 * size), (8, 0, s * -12), rough=(0.6, 1))
        for s in (-1, 1)
    ]
    add_folds(plan, choose, hull, choose.size(17, 24), choose.vary(22, 30), gap, ribbon, 0.4 + 0.15 * shrunk)
    leaves = [blob((s * 24, 46, -38), (28, 30, 22), (-14, s * -8, 0), rough=(0.5, 0.7)) for s in (-1, 1)]
    leaves.append(blob((0, 44, -34), (16, 26, 22), rough=(0.5, 0.7)))
    add_folds(plan, choose, leaves, 6.5, 15, 0.12 + 0.12 * shrunk, 1.3, -9, stretch=(5, 1.2, 0.9))
    _white_core(plan, gap, ribbon)
    open_ = 1 + 0.35 * shrunk + choose.size(0, 0.5)
    _inside(plan, open_)
    # Brainstem, fourth ventricle, cisterns.
    plan.add(blob((0, 18, -12), (17, 12, 10), rough=(0.4, 0.3)), "white_matter", only=_BRAIN)
    plan.add(blob((0, 14, -28), (16, 12, 14), (-15, 0, 0)), "white_matter", only=_BRAIN)
    plan.add(blob((0, 34, -32), (4 * open_, 5, 11), (-15, 0, 0)), "csf", only=[*_BRAIN])


def _white_core(plan: Plan, gap: float, ribbon: float) -> None:
    """What the folds must not cut: the central white matter, the insula and the corpus callosum."""
    for s in (-1, 1):
        plan.add(
            blob((s * 24, -2, 18), (13, 46, 17), (0, s * 10, s * -6), rough=(1.5, 1.5)),
            "white_matter",
            only=_BRAIN,
        )
        plan.add(
            blob((s * 40, -8, 2), (2.2 + gap, 25, 13), (0, s * 12, s * -6), rough=(0.6, 0.8)),
            (ribbon * 0.9, "gray_matter"),
            (0, "csf"),
            only=_BRAIN,
        )
        plan.add(
            blob((s * 18, 0, 2), (17, 28, 13), (0, 0, s * -16), rough=(0.5, 0.5)), "white_matter", only=_BRAIN
        )
    arc = [(0, -27, 2, 4), (0, -34, 10, 5), (0, -22, 22, 4.5), (0, 8, 26, 4), (0, 30, 20, 5), (0, 36, 12, 5)]
    plan.add(tube(arc, squash=(3.6, 0.8, 0.8)), "white_matter", only=_BRAIN)


def _inside(plan: Plan, open_: float) -> None:
    """Ventricles, ``open_`` times as wide as narrow ones, and deep gray matter."""
    for s in (-1, 1):
        plan.add(
            tube(
                [
                    (s * 10, -34, 10, 3.4 * open_),
                    (s * 9, -14, 17, 3.2 * open_),
                    (s * 12, 10, 20, 3.2 * open_),
                    (s * 22, 30, 14, 4 * open_),
                    (s * 24, 44, 8, 2.6 * open_),
                ],
                squash=(0.8, 1, 1),
            ),
            "csf",
            only=_BRAIN,
        )
        plan.add(
            tube([(s * 22, 32, 10, 3 * open_), (s * 32, 18, -8, 2 * open_), (s * 32, 2, -16, 1.6 * open_)]),
            "csf",
            only=_BRAIN,
        )
        plan.add(
            tube([(s * 14, -28, 9, 5), (s * 16, -14, 15, 4), (s * 18, 4, 19, 2.5), (s * 22, 20, 16, 1.5)]),
            "deep_gray",
            only=["white_matter", "gray_matter"],
        )
        plan.add(
            blob((s * 25, -9, 3), (5.5, 18, 10), (0, s * 10, s * -12), rough=(0.4, 0.4)),
            "deep_gray",
            only=_BRAIN,
        )
        plan.add(
            blob((s * 19, -6, 2), (4.5, 10, 7), (0, 0, s * -20)),
            "white_matter",
            (-0.7, "deep_gray"),
            only=["white_matter", "deep_gray"],
        )
        plan.add(
            blob((s * 11, 8, 7), (8.5, 15, 9), (0, 0, s * -18), rough=(0.4, 0.4)), "deep_gray", only=_BRAIN
        )
        plan.add(blob((s * 26, 4, -20), (4, 16, 4)), "gray_matter", only=["white_matter"])
    plan.add(blob((0, 4, 2), (1.6 * open_ + 0.4, 15, 10)), "csf", only=[*_BRAIN, "deep_gray"])


def add_vessels(plan: Plan, choose: Chooser) -> None:
    """What both kinds of brain share: lower brainstem, arteries, sinuses, lesions."""
    plan.add(
        tube([(0, 22, -38, 9), (0, 27, -52, 7.5), (0, 32, -72, 6), (0, 36, -90, 5.5)], squash=(1.2, 0.85, 1)),
        "white_matter",
        only=["csf", "gray_matter"],
    )
    plan.add(
        blob((0, -16, -22), (6, 5, 4)),
        "glandular",
        only=["csf", "gray_matter", "cortical_bone", "marrow_yellow"],
    )
    plan.add(
        tube(
            [(0, 84, -10, 4), (0, 92, 10, 4), (0, 84, 52, 3.6), (0, 40, 81, 3.4), (0, -30, 78, 2.4)],
            squash=(1.2, 1, 1),
        ),
        "blood_vein",
        only=["csf", "gray_matter", "tendon", "white_matter"],
    )
    for s in (-1, 1):
        _vessels_of_side(plan, s)
    if choose.chance(0.45):
        _lesions(plan, choose)


def _vessels_of_side(plan: Plan, s: int) -> None:
    """The transverse sinus and the arteries of one side, -1 on the right and 1 on the left."""
    plan.add(
        tube([(0, 84, -8, 4), (s * 40, 70, -14, 4), (s * 58, 40, -26, 4), (s * 46, 22, -46, 4)]),
        "blood_vein",
        only=["csf", "gray_matter", "tendon", "cortical_bone"],
    )
    plan.add(
        tube(
            [
                (s * 22, 6, -46, 2.6),
                (s * 14, -6, -30, 2.5),
                (s * 12, -12, -16, 2.2),
                (s * 26, -14, -10, 1.6),
                (s * 40, -10, -4, 1.3),
                (s * 46, 10, 10, 1.0),
            ]
        ),
        "blood_artery",
    )
    plan.add(
        tube(
            [
                (s * 12, -14, -15, 1.5),
                (s * 2, -28, -8, 1.3),
                (s * 1.2, -42, 12, 1.2),
                (s * 1.2, -10, 36, 0.9),
            ]
        ),
        "blood_artery",
        only=["csf", "gray_matter"],
    )
    plan.add(
        tube(
            [
                (s * 14, 40, -70, 1.8),
                (s * 3, 6, -42, 1.8),
                (0, 0, -26, 1.8),
                (s * 14, 16, -16, 1.2),
                (s * 20, 40, -6, 1.0),
            ]
        ),
        "blood_artery",
        only=["csf", "gray_matter"],
    )


def _lesions(plan: Plan, choose: Chooser) -> None:
    """White matter spots, a mass or a stroke."""
    kind = choose.pick(["spots", "spots", "spots", "mass", "stroke"])
    if kind == "spots":
        for _ in range(int(choose.rng.integers(4, 40))):
            s = 1 if choose.chance(0.5) else -1
            r = 0.8 + 4 * choose.vary(0, 1) ** 3
            spot = choose.near((s * 23, choose.vary(-38, 44), 20), 12)
            plan.add(
                blob(spot, (r, r * choose.vary(1, 1.8), r), (0, 0, s * 30), rough=(0, 0.5)),
                "white_matter_lesion",
                only=["white_matter"],
            )
    elif kind == "mass":
        r = choose.vary(5, 22)
        spot = choose.near((30 * (1 if choose.chance(0.5) else -1), choose.vary(-40, 40), 20), 12)
        inside = choose.pick(["tumor", "metastasis", "fluid", "stroma"])
        plan.add(
            blob(spot, (r * 1.5, r * 1.6, r * 1.4), rough=(3, 2)),
            "white_matter_lesion",
            only=["white_matter"],
        )
        plan.add(
            blob(spot, (r, r, r), rough=(1, 0.8)),
            "tumor",
            (-0.3 * r, inside),
            only=["white_matter", "gray_matter", "white_matter_lesion", "csf"],
        )
    else:
        r = choose.vary(8, 26)
        spot = choose.near((42 * (1 if choose.chance(0.5) else -1), 5, 15), 16)
        plan.add(
            blob(spot, (r, r * 1.3, r), rough=(2.5, 2)),
            "white_matter_lesion",
            only=["white_matter", "gray_matter"],
        )
