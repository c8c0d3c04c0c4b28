"""The soft frame of the pelvis: belly wall, muscles and floor. Origin as in ``pelvis``.

``s`` is -1 on the right side of the body and 1 on the left.
"""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Cut, Plan, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import ENDLESS, Outline, add_sheets

_SOFT = ["subcutis", "pelvic fat", "visceral", "fat"]


def add_wall(plan: Plan, choose: Chooser, outline: Outline) -> None:
    """The belly's wall, and the fat inside of the bony ring."""
    depth = outline.depth
    # The wall ends in the groin, at a plane that rises to the back.
    groin: list[Cut] = [((0, 0.5, -1), -20.0)]
    plan.add(
        blob(
            (0, -4, 0),
            (outline.width - 12, depth - 4, ENDLESS),
            power=3,
            cuts=groin,
            hard=True,
            rough=(1, 0.6),
        ),
        "meat",
        (-4, "fat"),
        (-4.7, "meat"),
        (-choose.vary(10, 15), "visceral"),
        only=["subcutis"],
    )
    for side in (-1, 1):
        low: list[Cut] = [((0, 0, -1), 34.0)]
        plan.add(
            blob(
                (side * 21, -depth + 10, 60),
                (22, 7.5, 220),
                (0, 0, side * 8),
                rough=(0.5, 0.4),
                tapers=[(0, 2, -0.1)],
                cuts=low,
            ),
            "tendon",
            (-0.7, "meat"),
            only=["subcutis", "visceral", "meat", "fat"],
        )
    plan.add(blob((0, 14, 22), (62, 74, 95), power=3, rough=(1, 0.5)), "pelvic fat", only=["subcutis"])


def _muscle(
    plan: Plan,
    center: Vector,
    axes: Vector,
    turn: Vector,
    *,
    over: list[str] | None = None,
    rough: float = 0.9,
) -> None:
    plan.add(
        blob(center, axes, turn, rough=(rough, rough * 0.7)),
        (0.9, "fat"),
        (0.0, "tendon"),
        (-0.45, "meat"),
        only=over or ["subcutis", "pelvic fat", "visceral", "meat", "fat", "tendon"],
    )


def add_muscles(plan: Plan, choose: Chooser) -> None:
    """Gluteal, thigh and obturator muscles."""
    bulk = choose.size(0.82, 1.16)
    for s in (-1, 1):
        _gluteal(plan, choose, s, bulk)
        _front_of_thigh(plan, choose, s, bulk)
        _adductors(plan, choose, s, bulk)
        _rotators(plan, choose, s, bulk)
    share = choose.vary(0.3, 1.3)
    add_sheets(plan, choose, 13, 0.24 * share, "fat", ["meat"], stretch=(1.6, 0.8, 2.2))


def _gluteal(plan: Plan, choose: Chooser, s: int, bulk: float) -> None:
    """Gluteal muscles, largest at the back."""
    plan.add(
        blob(
            choose.near((s * 74, 78, -8), 2),
            (66, 24 * bulk, 88),
            (0, s * -28, s * -33),
            rough=(1.2, 1),
            bends=[(1, 0, -0.25)],
        ),
        (0.0, "tendon"),
        (-0.5, "meat"),
        only=["subcutis"],
    )
    _muscle(
        plan,
        choose.near((s * 122, 30, 75), 2),
        (22 * bulk, 46, 62),
        (0, s * -8, s * 32),
        over=["subcutis", "meat", "visceral"],
    )
    _muscle(
        plan,
        choose.near((s * 108, 8, 62), 2),
        (14 * bulk, 34, 48),
        (0, s * -10, s * 22),
        over=["subcutis", "fat", "visceral"],
    )
    _muscle(plan, choose.near((s * 136, -42, 10), 2), (11, 19 * bulk, 80), (0, 0, s * -25), over=_SOFT)


def _front_of_thigh(plan: Plan, choose: Chooser, s: int, bulk: float) -> None:
    """Front of the thigh and hip."""
    _muscle(plan, choose.near((s * 84, -48, 22), 2), (20 * bulk, 17, 40), (-15, s * -10, s * 20), over=_SOFT)
    plan.add(
        tube(
            [
                (s * 42, 20, 170, 24),
                (s * 66, -10, 110, 25),
                (s * 82, -42, 50, 21),
                (s * 88, -46, 5, 18),
                (s * 86, -28, -40, 11),
            ],
            squash=(bulk, bulk, 1),
            rough=(0.8, 0.5),
        ),
        (0.0, "tendon"),
        (-0.5, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )
    plan.add(
        tube(
            [
                (s * 122, -60, 70, 7),
                (s * 104, -72, 20, 10),
                (s * 84, -78, -30, 11),
                (s * 66, -74, -120, 11),
            ],
            squash=(1.25, 0.8, 1),
        ),
        (0.6, "fat"),
        (0.0, "tendon"),
        (-0.4, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )
    plan.add(
        tube(
            [
                (s * 108, -46, 40, 5),
                (s * 112, -58, 0, 14),
                (s * 112, -64, -50, 18),
                (s * 108, -66, -160, 20),
            ],
            squash=(bulk, bulk, 1),
            rough=(0.8, 0.5),
        ),
        (0.6, "fat"),
        (0.0, "tendon"),
        (-0.4, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )
    _muscle(plan, choose.near((s * 120, -20, -110), 2), (36, 44, 85), (0, s * 6, 0), over=_SOFT)


def _adductors(plan: Plan, choose: Chooser, s: int, bulk: float) -> None:
    """Adductors, the outer obturator and the back of the thigh."""
    plan.add(
        tube(
            [(s * 22, -50, 4, 8), (s * 46, -46, -18, 14), (s * 82, -22, -55, 11)],
            squash=(1, 0.9 * bulk, 1),
            rough=(0.6, 0.4),
        ),
        (0.7, "fat"),
        (0, "tendon"),
        (-0.4, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )
    plan.add(
        tube(
            [(s * 18, -44, -22, 7), (s * 40, -40, -60, 18), (s * 78, -18, -130, 20)],
            squash=(1, 0.9 * bulk, 1),
            rough=(0.6, 0.4),
        ),
        (0.7, "fat"),
        (0, "tendon"),
        (-0.4, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )
    plan.add(
        tube(
            [(s * 26, -24, -34, 9), (s * 52, -4, -80, 25), (s * 88, 4, -150, 24)],
            squash=(1, bulk, 1),
            rough=(0.6, 0.4),
        ),
        (0.7, "fat"),
        (0, "tendon"),
        (-0.4, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )
    _muscle(
        plan,
        choose.near((s * 50, -20, -24), 2),
        (24, 11 * bulk, 20),
        (0, s * 20, s * 32),
        over=[*_SOFT, "meat"],
    )
    _muscle(plan, choose.near((s * 92, 34, -32), 2), (26, 10, 24), (0, 0, s * -8), over=_SOFT)
    plan.add(
        tube([(s * 52, 34, -56, 9), (s * 66, 44, -110, 18), (s * 74, 40, -180, 21)], rough=(0.6, 0.4)),
        (0.7, "fat"),
        (0, "tendon"),
        (-0.4, "meat"),
        only=_SOFT,
    )


def _rotators(plan: Plan, choose: Chooser, s: int, bulk: float) -> None:
    """The inner obturator and the piriform muscle."""
    # The inner obturator lines the ring, then turns out behind the ischium.
    plan.add(
        blob(
            choose.near((s * 50, 2, 4), 2),
            (8.5 * bulk, 42, 42),
            (0, s * 8, s * -20),
            bends=[(0, 1, s * -0.35)],
            rough=(0.4, 0.4),
        ),
        (0.0, "tendon"),
        (-0.5, "meat"),
        only=["pelvic fat", "subcutis", "visceral", "meat", "tendon", "fat"],
    )
    plan.add(
        tube([(s * 56, 36, 0, 9), (s * 72, 44, 4, 7), (s * 100, 32, 10, 5), (s * 122, 14, 18, 3)]),
        "tendon",
        (-0.6, "meat"),
        only=[*_SOFT, "meat"],
    )
    # Piriform muscle from the sacrum to the trochanter.
    plan.add(
        tube(
            [(s * 28, 62, 62, 9), (s * 60, 62, 48, 12 * bulk), (s * 95, 40, 36, 8), (s * 125, 16, 32, 3)],
            squash=(1, 1, 1.2),
            rough=(0.5, 0.3),
        ),
        "tendon",
        (-0.5, "meat"),
        only=[*_SOFT, "meat", "tendon"],
    )


def add_floor(plan: Plan, choose: Chooser) -> None:
    """The levator: a funnel of thin muscle from the ring's wall down to the anal canal."""
    thick = choose.vary(3.0, 5.5)
    over = ["pelvic fat", "visceral", "subcutis"]
    for s in (-1, 1):
        plan.add(
            blob(
                (s * 22, 14, -16),
                (thick * 0.75, 40, 36),
                (0, s * 26, s * 9),
                bends=[(0, 2, s * 0.5)],
                rough=(0.5, 0.5),
            ),
            "meat",
            only=over,
        )
        # Lower edge: the ischioanal fat stays outside; the deep transverse muscle spans the front.
        plan.add(
            blob((s * 18, -18, -38), (20, 9, 4), (0, s * 12, s * 18), rough=(0.4, 0.3)), "meat", only=over
        )
    plan.add(blob((0, 46, -12), (22, 18, 4), (40, 0, 0), rough=(0.4, 0.3)), "meat", only=over)
