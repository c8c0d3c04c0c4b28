"""The face: mouth, jaws, nose, sinuses and eyes. Origin as in ``head``.

``s`` is -1 on the right side of the body and 1 on the left.
"""

from __future__ import annotations

import numpy as np

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Plan, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_sheets

_OVER = ["scalp", "flesh", "fat", "tendon", "glandular"]


def add_face(plan: Plan, choose: Chooser) -> None:
    """All in front of the skull and the neck, and the airway behind it."""
    _mouth(plan, choose)
    _lower_jaw(plan)
    swollen = _nose(plan, choose)
    for s in (-1, 1):
        _sinuses(plan, s, swollen)
        _eye(plan, choose, s)
    # The airway behind nose and tongue.
    plan.add(
        tube(
            [(0, -22, -46, 9), (0, -8, -66, 8.5), (0, -6, -96, 8.5), (0, -12, -130, 8), (0, -6, -156, 8)],
            squash=(1.35, choose.vary(0.45, 0.9), 1),
        ),
        (2.5, "flesh"),
        (1.2, "mucosa"),
        (0, "gas"),
        only=[*_OVER, "tongue", "cartilage", "mucosa", "gas"],
    )
    plan.add(tube([(0, -18, -74, 4), (0, -8, -84, 4)], squash=(1.5, 1, 1)), "mucosa", only=[*_OVER, "gas"])
    for s in (-1, 1):
        plan.add(blob((s * 17, -12, -80), (6, 9, 12), rough=(0.5, 0.6)), "spleen", only=[*_OVER, "mucosa"])


def _mouth(plan: Plan, choose: Chooser) -> None:
    """Tongue and the floor of the mouth, the muscles that chew."""
    plan.zone("tongue", "muscle")
    plan.add(
        blob((0, -40, -82), (23, 34, 22), (-10, 0, 0), rough=(1, 0.6)), "mucosa", (-1.6, "tongue"), only=_OVER
    )
    add_sheets(plan, choose, 6, 0.3, "fat", ["tongue"], stretch=(1, 4, 4))
    plan.add(blob((0, -34, -98), (3, 28, 14)), "fat", (-1, "tongue"), only=_OVER)
    for s in (-1, 1):
        plan.add(
            tube(
                [(s * 60, -2, -44, 4), (s * 58, -14, -50, 8), (s * 52, -26, -92, 8)],
                squash=(0.8, 1.7, 1),
                rough=(0.5, 0.4),
            ),
            (1, "fat"),
            (0, "tendon"),
            (-0.4, "flesh"),
            only=_OVER,
        )
        plan.add(
            tube([(s * 30, -14, -48, 6), (s * 44, -12, -74, 6)], rough=(0.5, 0.4)),
            (1, "fat"),
            (0, "flesh"),
            only=_OVER,
        )
        plan.add(blob((s * 46, -34, -62), (9, 13, 13), rough=(1, 0.6)), "fat", only=[*_OVER])


def _lower_jaw(plan: Plan) -> None:
    """The lower jaw, and the teeth of both jaws."""
    jaw = [
        (-50, 2, -52, 5),
        (-52, -6, -78, 6),
        (-48, -20, -98, 7),
        (-28, -62, -108, 7),
        (0, -78, -110, 8),
        (28, -62, -108, 7),
        (48, -20, -98, 7),
        (52, -6, -78, 6),
        (50, 2, -52, 5),
    ]
    plan.add(tube(jaw, squash=(0.75, 0.75, 1.35)), "cortical_bone", (-1.8, "marrow_yellow"))
    for z, depth in ((-92.0, -70.0), (-78.0, -72.0)):
        for turn in np.linspace(-1.25, 1.25, 14):
            plan.add(
                tube([(30 * np.sin(turn), depth + 32 * (1 - np.cos(turn)), z, 2.8)], squash=(1, 1.2, 2.3)),
                "cortical_bone",
            )


def _nose(plan: Plan, choose: Chooser) -> float:
    """Upper jaw, palate and nose; how swollen its mucosa is (mm)."""
    plan.add(
        blob((0, -54, -60), (34, 26, 9), power=3, rough=(0.4, 0.4)), "cortical_bone", (-1.5, "marrow_yellow")
    )
    plan.add(
        blob((0, -52, -42), (40, 34, 22), power=3, rough=(0.5, 0.5)),
        "cortical_bone",
        (-1.2, "fat"),
        only=_OVER,
    )
    swollen = choose.vary(0.8, 2.0) if choose.chance(0.7) else choose.vary(3, 9)
    plan.add(blob((0, -56, -44), (15, 38, 20), power=3), "cortical_bone", (-0.8, "mucosa"), (-2.2, "gas"))
    plan.add(
        blob((choose.vary(-2, 2), -56, -44), (0.8, 34, 20), power=3),
        (1.2, "mucosa"),
        (0, "cartilage"),
        only=["gas"],
    )
    return swollen


def _sinuses(plan: Plan, s: int, swollen: float) -> None:
    """Turbinates, and the sinuses around the nose."""
    for z, r in ((-54.0, 4.6), (-44.0, 3.6), (-36.0, 2.6)):
        plan.add(
            tube(
                [(s * 8, -78, z, r), (s * 8, -52, z + 1, r), (s * 8, -30, z, r * 0.8)],
                squash=(0.7, 1, 1),
                rough=(0.3, 0.3),
            ),
            "mucosa",
            only=["gas"],
        )
    plan.add(
        blob((s * 30, -52, -46), (14, 17, 17), (0, s * 12, s * -10), power=3, rough=(0.6, 0.5)),
        "cortical_bone",
        (-0.9, "mucosa"),
        (-0.9 - swollen, "gas"),
    )
    plan.add(blob((s * 9, -58, -24), (7, 20, 10), power=3), "cortical_bone", (-0.6, "gas"))
    plan.add(
        blob((s * 9, -25, -30), (9, 11, 9), power=3),
        "cortical_bone",
        (-0.8, "mucosa"),
        (-0.8 - swollen * 0.6, "gas"),
    )
    plan.add(
        blob((s * 14, -88, -2), (14, 5, 10), rough=(0.5, 0.5)),
        "cortical_bone",
        (-1.0, "mucosa"),
        (-1.6, "gas"),
    )


def _eye(plan: Plan, choose: Chooser, s: int) -> None:
    """Orbit: a cone of fat with the eye, its muscles and the optic nerve."""
    plan.add(
        blob((s * 31, -62, -25), (20, 32, 19), (0, 0, s * 20), power=2, tapers=[(0, 1, 0.45), (2, 1, 0.45)]),
        "cortical_bone",
        (-1.2, "orbit"),
        only=[*_OVER, "cortical_bone", "scalp", "mucosa"],
    )
    eye = choose.near((s * 32, -74, -24), 1)
    nerve = [(eye[0] - s * 1, eye[1] + 11, eye[2], 2.8), (s * 24, -48, -23, 2.4), (s * 12, -30, -18, 2.3)]
    plan.add(tube(nerve), "csf", (-0.7, "white_matter"), only=["orbit", "flesh", "fat", "cortical_bone"])
    for dx, dz in ((11, 0), (-11, 0), (0, 10), (0, -10)):
        plan.add(
            tube(
                [
                    (eye[0] + dx, eye[1] + 2, eye[2] + dz, 1.2),
                    (eye[0] + 0.8 * dx - s * 3, eye[1] + 18, eye[2] + 0.8 * dz, 2.6),
                    (s * 20, -40, -22, 1.2),
                ]
            ),
            "muscle",
            only=["orbit"],
        )
    plan.add(blob(eye, (12.2, 12, 12)), "stroma", (-1.0, "vitreous"))
    plan.add(blob((eye[0], eye[1] - 8, eye[2]), (4.6, 2.2, 4.6)), "tendon", only=["vitreous"])
    plan.add(
        tube([(s * 50, -62, -34, 4), (s * 62, -42, -38, 3.5), (s * 68, -10, -36, 3.5)]),
        "cortical_bone",
        (-1.2, "marrow_yellow"),
    )
