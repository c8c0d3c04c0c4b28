"""What abdomen, chest and pelvis share: skin, fat, wall, ribs, arms, bowel and branching vessels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import (
    Knot,
    Plan,
    Texture,
    Vector,
    blob,
    draw_ripple,
    tube,
)

ENDLESS = math.inf


@dataclass(frozen=True)
class Outline:
    """The muscular wall's half axes (mm) and the fat over it at the side, front and back."""

    width: float
    depth: float
    side: float
    front: float
    back: float

    @property
    def outer(self) -> tuple[Vector, Vector]:
        """Center and half axes of the skin."""
        center = (0.0, (self.back - self.front) / 2, 0.0)
        return center, (self.width + self.side, self.depth + (self.front + self.back) / 2, ENDLESS)


def draw_outline(choose: Chooser, width: float, depth: float) -> Outline:
    """A wall of about this size, under little to much fat."""
    fat = choose.size(0, 1) ** 1.6
    scale = 1 + 0.12 * fat
    return Outline(
        width * scale * choose.vary(0.95, 1.05),
        depth * scale * choose.vary(0.94, 1.08),
        4 + 34 * fat * choose.vary(0.7, 1.2),
        5 + 42 * fat * choose.vary(0.6, 1.3),
        5 + 40 * fat * choose.vary(0.6, 1.2),
    )


def add_skin(plan: Plan, choose: Chooser, outline: Outline, *, strands: bool = True) -> None:
    """Skin and the fat beneath, with its thin strands."""
    plan.zone("subcutis", "fat")
    center, axes = outline.outer
    plan.add(blob(center, axes, power=3, rough=(1.2, 0.3)), "skin", (-choose.vary(1.5, 2.6), "subcutis"))
    if strands:
        add_sheets(plan, choose, 32, 0.25, "stroma", ["subcutis"], stretch=(1.2, 0.7, 2))


def add_sheets(
    plan: Plan,
    choose: Chooser,
    wavelength: float,
    half: float,
    name: str,
    only: Sequence[str],
    stretch: Vector = (1, 1, 1),
) -> None:
    """Sheets of ``name``, ``half`` mm to each side, through everything in ``only``."""
    noise = draw_ripple(choose.rng, wavelength, stretch)
    # The slope of unit noise is about 2 pi / wavelength, so this makes the distance one in mm.
    plan.strew(Texture(noise, wavelength / (2 * math.pi)), half, name, only)


def add_specks(
    plan: Plan,
    choose: Chooser,
    wavelength: float,
    level: float,
    name: str,
    only: Sequence[str],
    stretch: Vector = (1, 1, 1),
) -> None:
    """Grains of ``name`` in everything in ``only``: the higher ``level`` (0..2), the fewer."""
    noise = draw_ripple(choose.rng, wavelength, stretch)
    plan.strew(Texture(noise, wavelength / (2 * math.pi), level), 0.0, name, only)


def add_ribs(
    plan: Plan, choose: Chooser, width: float, depth: float, tops: Sequence[float], drop: float
) -> None:
    """Ribs that start at the back at heights ``tops`` and fall forward by ``drop`` mm."""
    for number, top in enumerate(tops):
        reach = 150 if number < len(tops) - 3 else 105 - 15 * (number - len(tops) + 3)
        for side in (-1, 1):
            knots = []
            for angle in np.radians(np.arange(16, reach, 16)):
                knots.append(
                    (
                        side * width * math.sin(angle) ** 0.9,
                        depth * math.cos(angle),
                        top - drop * angle / 2.6 + choose.vary(-1, 1),
                        6.2,
                    )
                )
            plan.add(tube(knots, squash=(0.62, 0.62, 1)), "cortical_bone", (-1.0, "marrow_red"))


def add_arms(plan: Plan, choose: Chooser, inner: float, y: float, fat: float) -> None:
    """Arms along the sides, ``inner`` mm from the middle, painted before the trunk."""
    radius = choose.vary(30, 42)
    for side in (-1, 1):
        x = side * (inner + radius + choose.vary(-2, 14))
        lean = side * choose.vary(0, 0.06)
        plan.zone(f"arm {side}", "fat")
        base = (x, y, 0.0)
        line = [(x - lean * z, y, z, radius) for z in (-420.0, 420.0)]
        (a, b) = line
        turn = (0.0, math.degrees(math.atan2(b[0] - a[0], b[2] - a[2])), 0.0)
        plan.add(
            blob(base, (radius, radius * 1.1, ENDLESS), turn, rough=(1, 0)), "skin", (-2.0, f"arm {side}")
        )
        meat = radius - 4 - 0.25 * fat
        plan.add(
            blob(base, (meat, meat * 1.05, ENDLESS), turn, rough=(1.5, 0.5)), "muscle", only=[f"arm {side}"]
        )
        plan.add(blob((x + 3, y + 2, 0), (11, 11, ENDLESS), turn), "cortical_bone", (-3.5, "marrow_yellow"))
        plan.add(tube([(x - side * 14, y - 6, -400, 2.5), (x - side * 14, y - 6, 400, 2.5)]), "blood_artery")
        plan.add(tube([(x - side * 18, y - 4, -400, 2.5), (x - side * 18, y - 4, 400, 2.5)]), "blood_vein")


def add_tree(
    plan: Plan,
    choose: Chooser,
    start: Sequence[float],
    toward: Vector,
    length: float,
    radius: float,
    name: str,
    only: Sequence[str],
    *,
    depth: int = 3,
    spread: float = 0.6,
    shrink: float = 0.72,
    least: float = 0.5,
) -> list[tuple[Vector, Vector, float, float]]:
    """A branching vessel from ``start``. Returns (start, direction, length, radius) of every branch."""
    branches: list[tuple[Vector, Vector, float, float]] = []
    curves: list[list[Knot]] = []
    todo = [(np.array(start[:3], np.float64), np.array(toward, np.float64), length, radius, depth)]
    while todo:
        origin, way, long, thick, left = todo.pop()
        way = way / np.linalg.norm(way)
        bow = choose.rng.normal(0, 0.12, 3)
        end = origin + long * (way + bow)
        middle = origin + 0.5 * long * (way + 0.3 * choose.rng.normal(0, 0.3, 3))
        thin = max(thick * shrink, least)
        curves.append([(*origin, thick), (*middle, (thick + thin) / 2), (*end, thin)])
        branches.append((tuple(origin), tuple(way), long, thick))
        if left > 1:
            side = choose.rng.normal(size=3)
            side -= way * (side @ way)
            side /= np.linalg.norm(side)
            for sign in (-1, 1):
                turned = way + sign * side * spread * choose.vary(0.5, 1.3)
                todo.append((end, turned, long * choose.vary(0.6, 0.9), thin, left - 1))
            if choose.chance(0.5):
                todo.append(
                    (
                        middle,
                        way + choose.rng.normal(0, spread, 3),
                        long * 0.6,
                        max(thin * 0.7, least),
                        left - 1,
                    )
                )
    plan.add(tube(*curves), name, only=only)
    return branches


def add_bowel(
    plan: Plan,
    choose: Chooser,
    knots: Sequence[Sequence[float]],
    fill: str,
    only: Sequence[str],
    *,
    wall: float = 2.2,
    waves: tuple[float, float] = (0, 0),
    level: float = 0.3,
) -> None:
    """A stretch of bowel: ``fill`` is fluid, content, stool, gas, level (gas over fluid) or empty.

    ``level`` is how far above its middle, in radii, the fluid stands.
    """
    shape = tube(knots, rough=(0.4, 0.7), waves=waves)
    inside = {
        "fluid": "fluid",
        "content": "bowel_content",
        "stool": "bowel_content",
        "gas": "gas",
        "level": "fluid",
    }
    if fill == "empty":
        plan.add(shape, "bowel_wall", (-max(wall, min(k[3] for k in knots) * 0.7), "mucosa"), only=only)
        return
    plan.add(shape, "bowel_wall", (-wall, inside[fill]), only=only)
    if fill in ("level", "stool"):
        middle = float(np.mean([k[1] for k in knots]))
        mean = float(np.mean([k[3] for k in knots]))
        above = ((0.0, 1.0, 0.0), middle - level * mean)
        inner = [(*k[:3], max(k[3] - wall, 1)) for k in knots]
        plan.add(tube(inner, cut=above, waves=waves), "gas", only=[inside[fill]])


def small_bowel(choose: Chooser, low: Vector, high: Vector, radius: float) -> list[list[tuple[float, ...]]]:
    """Loops that fill a box: arcs that lie any way."""
    extent = np.array(high) - np.array(low)
    count = int(np.prod(extent) / (radius**3 * 55))
    loops = []
    for _ in range(min(max(count, 3), 60)):
        center = np.array(low) + extent * choose.rng.uniform(0, 1, 3)
        across = np.linalg.qr(choose.rng.normal(size=(3, 3)))[0][:, :2]
        bow, thick = radius * choose.vary(1.4, 3.0), radius * choose.vary(0.75, 1.2)
        turns = np.linspace(0, choose.vary(2.2, 4.6), 5)
        ring = center + bow * (np.cos(turns)[:, None] * across[:, 0] + np.sin(turns)[:, None] * across[:, 1])
        loops.append([(*(float(v) for v in p), thick * choose.vary(0.85, 1.1)) for p in ring])
    return loops
