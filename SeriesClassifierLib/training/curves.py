"""The course of a training run as a page that a browser shows: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _MARGIN = 640, 220, 36


def write_curves(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write one line chart for each number that ``history`` (rows with ``step``) tells."""
    names = sorted({name for row in history for name in row} - {"step"})
    charts = "\n".join(
        _chart(name, [(row["step"], row[name]) for row in history if name in row]) for name in names
    )
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="30">'
        "<title>Training</title><body style='font-family:sans-serif;margin:2em'><h1>Training</h1>"
        f"{charts}</body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _chart(name: str, points: Sequence[tuple[float, float]]) -> str:
    """One chart as SVG with its least, largest and last value."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    span_x, span_y = (max(xs) - min(xs)) or 1.0, (high - low) or 1.0

    def place(x: float, y: float) -> str:
        right = _MARGIN + (x - min(xs)) / span_x * (_WIDTH - 2 * _MARGIN)
        down = _HEIGHT - _MARGIN - (y - low) / span_y * (_HEIGHT - 2 * _MARGIN)
        return f"{right:.1f},{down:.1f}"

    line = " ".join(place(x, y) for x, y in points)
    return (
        f"<h2>{escape(name)}: {ys[-1]:.4g}</h2>"
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(name)} by step">'
        f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="2"/>'
        f'<text x="2" y="{_MARGIN}" font-size="11">{high:.4g}</text>'
        f'<text x="2" y="{_HEIGHT - _MARGIN}" font-size="11">{low:.4g}</text>'
        f'<text x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 8}" font-size="11" text-anchor="end">'
        f"step {xs[-1]:.0f}</text>"
        "</svg>"
    )
