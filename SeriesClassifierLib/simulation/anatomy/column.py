"""The spine: vertebrae, discs, canal and cord, and the muscles along it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, blob, tube


@dataclass(frozen=True)
class Level:
    """One vertebra: center of its body, half width, half depth and half height (mm), forward tilt
    (degrees).
    """

    y: float
    z: float
    width: float
    depth: float
    height: float
    tilt: float


def column(
    kinds: str, anchor: int, y: float, z: float, lean: float, curve: tuple[float, float]
) -> list[Level]:
    """Vertebrae downward, one a letter of ``kinds`` (C, T or L); number ``anchor`` lies at (y, z).

    ``lean`` is the slope of y along the way down at the anchor, ``curve`` what is added to it for every
    level away from there, (upward, downward)."""
    sizes = {"C": (11.5, 8.5, 6.8, 2.5), "T": (15.5, 14.0, 10.5, 2.2), "L": (23.0, 17.0, 13.5, 4.6)}
    table = []
    for i, kind in enumerate(kinds):
        # Grow from one part of the column to the next.
        after = kinds[i + 1 :].lstrip(kind)[:1] or kind
        same = kinds.count(kind)
        share = (kinds[: i + 1].count(kind) - 1) / same
        table.append([a + (b - a) * share * 0.8 for a, b in zip(sizes[kind], sizes[after], strict=True)])
    levels = []
    for i, (width, depth, height, _) in enumerate(table):
        path = range(anchor, i) if i >= anchor else range(i, anchor)
        way, fall = 0.0, 0.0
        for k in path:
            step = table[k][2] + table[k + 1][2] + table[k][3] + table[k + 1][3]
            way += step
            fall += step * (lean + curve[i >= anchor] * abs(k - anchor))
        sign = 1 if i >= anchor else -1
        slope = lean + curve[i >= anchor] * abs(i - anchor)
        levels.append(
            Level(y + sign * fall, z - sign * way, width, depth, height, math.degrees(math.atan(slope)))
        )
    return levels


def add_spine(plan: Plan, choose: Chooser, levels: Sequence[Level], *, cord_end: float) -> None:
    """Paint the vertebrae, their discs, and the canal with the cord down to z = ``cord_end``."""
    marrow = "marrow_red" if choose.chance(0.75) else "marrow_yellow"
    canal = [(0.0, v.y + v.depth + 9.0, v.z, 10.0) for v in levels]
    for v in levels:
        _arch(plan, v, marrow)
    _canal(plan, choose, canal, cord_end)
    _discs(plan, choose, levels)
    for v in levels:
        _vertebral_body(plan, choose, v, marrow)
    front = [(0.0, v.y - v.depth - 0.5, v.z, 1.6) for v in levels]
    plan.add(tube(front, squash=(4, 1, 1)), "tendon", only=("fat", "muscle"))


def _arch(plan: Plan, v: Level, marrow: str) -> None:
    """Arch and transverse processes, then the spinous process, which points down in the chest."""
    back = v.y + v.depth
    thick = min(5.0, v.height * 0.5)
    wing = v.width * (1.75 if v.width > 14 else 1.5)
    low = v.z - v.height * 0.4
    plan.add(
        tube(
            [
                (-v.width * 0.65, back - 1, v.z + 3, thick),
                (-15, back + 11, v.z - 4, thick * 0.8),
                (0, back + 22, low - 3, thick * 0.8),
                (15, back + 11, v.z - 4, thick * 0.8),
                (v.width * 0.65, back - 1, v.z + 3, thick),
            ]
        ),
        "cortical_bone",
        (-1.3, marrow),
    )
    for side in (-1, 1):
        plan.add(
            tube([(side * 13, back + 6, v.z, thick * 0.8), (side * wing, back + 12, v.z + 1, thick * 0.6)]),
            "cortical_bone",
            (-1.1, marrow),
        )
        plan.add(
            tube([(side * 17, back + 12, v.z - v.height, 6)], squash=(1, 1, 1.35)),
            "cortical_bone",
            (-1.5, marrow),
        )
    plan.add(
        blob(
            (0, back + 30, low - 4),
            (3.2, 13, v.height * 0.75),
            (-18 if v.width < 20 else -6, 0, 0),
            power=3,
        ),
        "cortical_bone",
        (-1.2, marrow),
    )


def _canal(plan: Plan, choose: Chooser, canal: Sequence[Knot], cord_end: float) -> None:
    """The canal with the cord down to z = ``cord_end``, and the roots below."""
    plan.add(tube(canal, squash=(1.12, 0.9, 1)), (1.0, "fat"), (0.0, "csf"))
    cord = [(x, y + 0.5, z, 5.0) for x, y, z, _ in canal if z > cord_end]
    if len(cord) > 1:
        tail = (0.0, cord[-1][1] + 3, max(cord_end, cord[-1][2] - 25), 1.5)
        plan.add(tube([*cord, tail], squash=(1.15, 0.85, 1)), "cord", only=("csf",))
    roots = [(x, y, z) for x, y, z, _ in canal if z < cord_end + 40]
    if len(roots) > 1:
        for _ in range(8):
            x, y = choose.vary(-6, 6), choose.vary(1, 6)
            plan.add(
                tube([(x * (1 - 0.2 * i / len(roots)), p[1] + y, p[2], 0.8) for i, p in enumerate(roots)]),
                "cord",
                only=("csf",),
            )


def _discs(plan: Plan, choose: Chooser, levels: Sequence[Level]) -> None:
    """The discs, in many people worn."""
    worn = choose.chance(0.4)
    for upper, lower in pairwise(levels):
        gap = (upper.z - upper.height - lower.z - lower.height) / 2
        y, z = (upper.y + lower.y) / 2, (upper.z - upper.height + lower.z + lower.height) / 2
        tilt = (upper.tilt + lower.tilt) / 2
        bulge = choose.vary(0, 3) if worn else 0.5
        dry = worn and choose.chance(0.5)
        plan.add(
            blob(
                (0, y + bulge / 2, z),
                (upper.width + 1, upper.depth + bulge, gap + 1.6),
                (-tilt, 0, 0),
                power=3,
            ),
            "tendon",
            (-1.2, "cartilage" if dry else "disc"),
        )


def _vertebral_body(plan: Plan, choose: Chooser, v: Level, marrow: str) -> None:
    """The body of a vertebra."""
    plan.add(
        blob((0, v.y, v.z), (v.width, v.depth, v.height), (-v.tilt, 0, 0), power=3, rough=(0.5, 0.6)),
        "cortical_bone",
        (-0.9, marrow),
    )
    if choose.chance(0.06):
        plan.add(
            blob(choose.near((0, v.y, v.z), 6), (6, 6, 6), rough=(0, 1.3)),
            choose.pick(["hemangioma", "metastasis"]),
            only=(marrow,),
        )
    # The basivertebral vein enters from the back.
    plan.add(
        tube([(0, v.y + v.depth, v.z, 1.3), (0, v.y + v.depth * 0.3, v.z, 0.8)]),
        "blood_vein",
        only=(marrow,),
    )
