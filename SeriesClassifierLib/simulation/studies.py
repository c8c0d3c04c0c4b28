"""Whole simulated studies: one person, one scanner, many series; each header and picture from one protocol
draw.

A study is drawn as tags first. Its parts and their headers are then found by the code that reads real files,
so what a model is trained on is what it will be given. Pictures are rendered when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from SeriesClassifierLib.simulation.anatomy import draw_body
from SeriesClassifierLib.simulation.draws import choice
from SeriesClassifierLib.simulation.exam_cards import OTHER_REGIONS, REGIONS, draw_card
from SeriesClassifierLib.simulation.examination import Exam, Renderer, SimulatedSeries
from SeriesClassifierLib.simulation.headers import Shift, SimulatedPart, draw_part
from SeriesClassifierLib.simulation.pictures import render
from SeriesClassifierLib.simulation.same_places import RememberedBody
from SeriesClassifierLib.simulation.scanner import Floats
from SeriesClassifierLib.simulation.tissues import draw_tissues
from SeriesClassifierLib.simulation.views import BodyLike

TASKS = ("prostate", "liver", "brain", "other")


@dataclass(frozen=True)
class SimulatedStudy:
    """All series of one examination, in the order of acquisition."""

    uid: str
    task: str
    region: str
    vendor: str
    field: float
    series: tuple[SimulatedSeries, ...]

    def __iter__(self) -> Iterator[tuple[SimulatedPart, Renderer]]:
        for series in self.series:
            for _, truth, renderer in series.parts():
                yield truth, renderer


def draw_series(
    rng: np.random.Generator,
    *,
    region: str | None = None,
    sequence: str | None = None,
    held_out: bool = False,
    body: BodyLike | None = None,
    slices: int | None = None,
    longest: int = 192,
    shift: Shift | None = None,
) -> tuple[SimulatedPart, Floats]:
    """One independent part and its slices (S, H, W), ``slices`` of them spread evenly (default: all).

    A new ``body`` costs more than a slice; pass one to share it (its region then decides). Raises ValueError
    when no protocol acquires ``sequence`` in ``region``.
    """
    part = draw_part(rng, region=region if body is None else body.region, sequence=sequence, shift=shift)
    body = body or draw_body(rng, body_region(part.region), held_out=held_out)
    count = part.stack.positions
    chosen = range(count) if slices is None or slices >= count else spread_evenly(count, slices)
    tissues = draw_tissues(rng, part.field)
    return part, render(rng, part, body, tissues, positions=list(chosen), longest=longest)


def body_region(region: str) -> str:
    """The region to draw a body of: a whole-body scan shows the trunk."""
    return "abdomen" if region in ("whole_body", "other") else region


def spread_evenly(count: int, slices: int) -> list[int]:
    """``slices`` indices out of ``count``, equidistant, around the middle."""
    return [int((i + 0.5) * count / slices) for i in range(slices)]


def draw_study(
    rng: np.random.Generator, task: str, *, held_out: bool = False, longest: int | None = None
) -> SimulatedStudy:
    """A study for ``task`` (one of TASKS). ``longest`` caps Rows and Columns of the headers.

    Raises ValueError for another task.
    """
    if task not in TASKS:
        raise ValueError(f"no task {task!r}: one of {', '.join(TASKS)}")
    region = REGIONS.get(task) or choice(rng, OTHER_REGIONS)
    body = draw_body(rng, body_region(region), held_out=held_out)
    exam = Exam(rng, task, region, RememberedBody(body), longest)
    series = tuple(exam.acquire(plan) for plan in draw_card(rng, task, region))
    return SimulatedStudy(exam.uid, task, region, exam.vendor, exam.field, series)
