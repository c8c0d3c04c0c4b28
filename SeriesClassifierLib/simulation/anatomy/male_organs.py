"""The organs of a man's pelvis. Origin as in ``pelvis``.

``s`` is -1 on the right side of the body and 1 on the left.
"""

from __future__ import annotations

import math

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.pelvic_organs import SOFT
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_sheets, add_specks

_AROUND_PROSTATE = [*SOFT, "pelvic fat", "muscle", "meat", "mesorectum", "stroma", "tendon"]
# The parts of the prostate.
_INNER = [
    "core",
    "gland",
    "prostate_transition",
    "stroma",
    "tendon",
    "seminal_vesicle",
    "prostate_peripheral",
]
_AROUND_VESICLES = ["visceral", "pelvic fat", "mesorectum", "stroma", "tendon"]


def draw_prostate_size(choose: Chooser) -> Vector:
    """Half axes in mm: 18 to 130 ml."""
    volume = 18 * 7 ** choose.size(0, 1)
    unit = (volume * 1000 / (4 / 3 * math.pi)) ** (1 / 3)
    return (unit * choose.vary(1.12, 1.3), unit * choose.vary(0.82, 0.95), unit * choose.vary(0.9, 1.1))


def add_prostate(plan: Plan, choose: Chooser, axes: Vector) -> None:
    """The prostate of half ``axes`` (mm) with its zones, nodules and lesions."""
    large = min(1.0, max(0.0, (axes[0] - 20) / 16))
    lift = (choose.vary(-18, -4), 0.0, choose.vary(-4, 4))
    _vessels_around(plan, choose, axes)
    _outer_zone(plan, choose, axes, lift)
    # The larger the gland, the more of it is transition zone.
    share = 0.52 + 0.27 * large + choose.vary(-0.04, 0.04)
    _transition_zone(plan, axes, lift, large, share)
    _nodules(plan, choose, axes, large, share)
    _middle(plan, choose, axes, lift)
    _lesions(plan, choose, axes)


def _vessels_around(plan: Plan, choose: Chooser, axes: Vector) -> None:
    """The veins around the prostate, brightest in front, and the bundles beside it."""
    a, b, c = axes
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


def _outer_zone(plan: Plan, choose: Chooser, axes: Vector, lift: Vector) -> None:
    """The whole gland, filled with peripheral zone."""
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
        only=_AROUND_PROSTATE,
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


def _transition_zone(plan: Plan, axes: Vector, lift: Vector, large: float, share: float) -> None:
    """Two lobes around the urethra, ``share`` of the gland."""
    a, b, c = axes
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


def _nodules(plan: Plan, choose: Chooser, axes: Vector, large: float, share: float) -> None:
    """Nodules: some glandular and bright, some stromal and dark, in their rims."""
    a, b, c = axes
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


def _middle(plan: Plan, choose: Chooser, axes: Vector, lift: Vector) -> None:
    """Fibromuscular front, central zone at the base, urethra with its muscle."""
    a, b, c = axes
    plan.add(
        blob((0, -b * 0.93, c * 0.05), (a * 0.42, b * 0.2, c * 0.75), lift, rough=(0.4, 0.3)),
        "stroma",
        only=[*_INNER, "pelvic fat"],
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
            only=_INNER,
        )
    way: list[Knot] = [
        (0, -b * 0.2, c * 1.05, 2.8),
        (0, -b * 0.02, 0, 2.6),
        (0, -b * 0.12, -c * 1.1, 4.0),
        (0, -8, -c - 22, 4.5),
    ]
    plan.add(tube(way, rough=(0, 0.3)), "stroma", (-1.4, "mucosa"), only=[*_INNER, "pelvic fat", "meat"])
    if choose.chance(0.15):  # resected: a wide funnel of urine
        plan.add(
            tube([(0, -b * 0.2, c, choose.vary(5, 9)), (0, 0, 0, 2.5)]), "fluid", only=[*_INNER, "mucosa"]
        )


def _lesions(plan: Plan, choose: Chooser, axes: Vector) -> None:
    """Lesions: none in many, a few in some, more often in the peripheral zone."""
    a, b, c = axes
    for _ in range(int(choose.rng.poisson(0.9))):
        r = choose.vary(2.5, 5.5) if choose.chance(0.7) else choose.vary(6, 13)
        if choose.chance(0.7):
            angle = choose.vary(0.15, 0.85) * math.pi
            spot = (a * 0.8 * math.cos(angle), b * 0.78 * math.sin(angle), choose.vary(-0.7, 0.6) * c)
        else:
            spot = (choose.vary(-0.4, 0.4) * a, choose.vary(-0.8, -0.4) * b, choose.vary(-0.5, 0.5) * c)
        plan.add(blob(spot, (r * 1.2, r * 0.75, r), rough=(0.1 * r, 0.1 * r)), "prostate_lesion", only=_INNER)


def add_male_parts(plan: Plan, choose: Chooser, axes: Vector) -> None:
    """Seminal vesicles, cords, penis and testes behind and below a prostate of half ``axes`` (mm)."""
    b = axes[1]
    size = choose.size(0.6, 1.3)
    for s in (-1, 1):
        _seminal_vesicle(plan, choose, s, axes, size)
        _cord_and_root(plan, choose, s)
    plan.add(
        tube([(0, 6, -48, 10), (0, -22, -54, 9), (0, -46, -58, 7.5), (0, -76, -60, 7), (0, -100, -92, 7)]),
        "tendon",
        (-1.0, "hemangioma"),
        only=["subcutis", "pelvic fat", "fat", "meat"],
    )
    plan.add(blob((0, -b - 12, 6), (14, 5, 16), rough=(0.8, 0.6)), "blood_vein", only=["pelvic fat"])


def _seminal_vesicle(plan: Plan, choose: Chooser, s: int, axes: Vector, size: float) -> None:
    """Coiled tubes side by side, and the duct that joins them."""
    _, b, c = axes
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
            only=[*_AROUND_VESICLES, "seminal_vesicle"],
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
        only=_AROUND_VESICLES,
    )


def _cord_and_root(plan: Plan, choose: Chooser, s: int) -> None:
    """Spermatic cord, root of the penis and testis."""
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
