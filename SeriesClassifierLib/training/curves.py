"""The course of a training run as a page that a browser shows: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from SeriesClassifierLib.evaluation.charts import Plane, text

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
    plane = Plane((min(xs), max(xs)), (low, high), _WIDTH, _HEIGHT, _MARGIN)
    shapes = (
        plane.line(points),
        text(2, _MARGIN, f"{high:.4g}"),
        text(2, _HEIGHT - _MARGIN, f"{low:.4g}"),
        text(_WIDTH - _MARGIN, _HEIGHT - 8, f"step {xs[-1]:.0f}", anchor="end"),
    )
    return f"<h2>{escape(name)}: {ys[-1]:.4g}</h2>{plane.svg(f'{name} by step', shapes)}"
