"""Charts as SVG to put into a page: no script, no other file, and their numbers in words for who sees none.

Colors are those of the page around it, with ours where it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from SeriesClassifierLib.evaluation.measures import Auto, RiskPoint
    from SeriesClassifierLib.training.calibration import ReliabilityBin

ACCENT = "var(--accent, #1f5fa8)"
_GRID = "var(--line, #dde3e9)"
_SIDE = 520
_MARGIN = 46
_MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class Plane:
    """A picture of ``width`` by ``height`` pixels that shows values ``x`` and ``y`` (lowest, highest)."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int
    height: int
    margin: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels right and down of a value; a range of one value lies on its low side."""
        return (
            self.margin + _part(x, self.x) * (self.width - 2 * self.margin),
            self.height - self.margin - _part(y, self.y) * (self.height - 2 * self.margin),
        )

    def line(self, points: Iterable[tuple[float, float]], color: str = ACCENT) -> str:
        """A line through values."""
        places = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in points)
        return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2"/>'

    def svg(self, label: str, shapes: Iterable[str]) -> str:
        """The picture; ``label`` is what a screen reader says of it."""
        return (
            f'<svg width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            f'role="img" aria-label="{escape(label)}">{"".join(shapes)}</svg>'
        )


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 11) -> str:
    """Words at a place in pixels."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="currentColor">'
        f"{escape(words)}</text>"
    )


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """The share that is right (bars, with the number of answers) against the confidence that was told.

    A bar below the dashed line is too confident, one above it too careful; its dot is its mean confidence.
    """
    plane = _unit_plane(1.0)
    shapes = [*_axes(plane, "confidence", "right")]
    for found in bins:
        left, top = plane.at(found.low, found.accuracy)
        right, bottom = plane.at(found.high, 0.0)
        shapes.append(
            f'<rect x="{left + 1:.1f}" y="{top:.1f}" width="{right - left - 2:.1f}" '
            f'height="{bottom - top:.1f}" fill="{ACCENT}" fill-opacity="0.35"/>'
        )
        shapes.append(_dot(plane, found.confidence, found.accuracy))
        shapes.append(text((left + right) / 2, top - 8, _short(found.n), anchor="middle", size=10))
    (left, bottom), (right, top) = plane.at(0, 0), plane.at(1, 1)
    shapes.append(
        f'<line x1="{left:.1f}" y1="{bottom:.1f}" x2="{right:.1f}" y2="{top:.1f}" stroke="currentColor" '
        'stroke-dasharray="4 4"/>'
    )
    told = "; ".join(
        f"{found.n} with {_percent(found.low)} to {_percent(found.high)}, on average "
        f"{_percent(found.confidence)}: {_percent(found.accuracy)} right"
        for found in bins
    )
    return plane.svg(f"Answers by confidence. {told or 'None'}.", shapes)


def risk_coverage_curve(points: Sequence[RiskPoint], auto: Auto) -> str:
    """The share that is wrong among the most certain answers, and as a dot what is used without asking."""
    plane = _unit_plane(_round_up(max([point.risk for point in points] + [auto.error or 0.0])))
    shapes = [*_axes(plane, "share of the parts, most certain first", "wrong")]
    if points:
        shapes.append(plane.line((point.coverage, point.risk) for point in points))
    label = ""
    if auto.coverage is not None and auto.error is not None:
        x, y = plane.at(auto.coverage, auto.error)
        near_end = auto.coverage > 0.8
        shapes.append(_dot(plane, auto.coverage, auto.error))
        shapes.append(
            text(x - 8 if near_end else x + 8, y - 8, "auto", anchor="end" if near_end else "start")
        )
        label = f" Used without asking: {_percent(auto.coverage)}, {_percent(auto.error)} of it wrong."
    step = max(1, -(-len(points) // _MOST_TOLD))
    told = "; ".join(
        f"{_percent(point.risk)} of the most certain {_percent(point.coverage)}"
        for point in [*points[:-1:step], *points[-1:]]
    )
    return plane.svg(f"Wrong answers by coverage. {told or 'None'}.{label}", shapes)


def _unit_plane(highest: float) -> Plane:
    return Plane((0.0, 1.0), (0.0, highest), width=_SIDE, height=_SIDE - 160, margin=_MARGIN)


def _axes(plane: Plane, x_name: str, y_name: str) -> Iterable[str]:
    for step in range(5):
        x, y = plane.x[1] * step / 4, plane.y[1] * step / 4
        (left, down), (right, _) = plane.at(0.0, y), plane.at(plane.x[1], y)
        yield f'<line x1="{left:.1f}" y1="{down:.1f}" x2="{right:.1f}" y2="{down:.1f}" stroke="{_GRID}"/>'
        yield text(left - 6, down + 4, _percent(y), anchor="end")
        across, bottom = plane.at(x, 0.0)
        yield text(across, bottom + 16, _percent(x), anchor="middle")
    yield text(plane.width / 2, plane.height - 10, x_name, anchor="middle")
    yield text(8, plane.margin - 26, y_name)


def _dot(plane: Plane, x: float, y: float) -> str:
    right, down = plane.at(x, y)
    return f'<circle cx="{right:.1f}" cy="{down:.1f}" r="3.5" fill="{ACCENT}"/>'


def _part(value: float, span: tuple[float, float]) -> float:
    return (value - span[0]) / ((span[1] - span[0]) or 1.0)


def _round_up(share: float) -> float:
    """The next step of 4 %, so that the grid's four lines have round numbers.

    >>> _round_up(0.0), _round_up(0.13), _round_up(1.0)
    (0.04, 0.16, 1.0)
    """
    return max(1, -(-round(share * 100) // 4)) * 4 / 100


def _percent(share: float) -> str:
    """
    >>> _percent(0.25), _percent(0.0625), _percent(1.0)
    ('25 %', '6.2 %', '100 %')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _short(n: int) -> str:
    """
    >>> _short(950), _short(23400)
    ('950', '23k')
    """
    return str(n) if n < 1000 else f"{n // 1000}k"
