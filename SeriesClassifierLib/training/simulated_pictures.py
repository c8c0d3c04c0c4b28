"""Draw simulated examples with header and slices, on all processors, the same for any number of them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.simulation.draws import chance, choice
from SeriesClassifierLib.simulation.headers import Shift
from SeriesClassifierLib.training.examples import Example

if TYPE_CHECKING:
    from SeriesClassifierLib.simulation.headers import SimulatedPart

logger = logging.getLogger(__name__)

# Parts of one block share a body, and so an exam: a body costs more than a slice.
_PARTS_A_BODY = 8
# What the libraries below numpy ask when they are loaded.
_THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Draw:
    """What is drawn: regions and sequences with their weights, slices a part, their side in pixels.

    A part is of one of ``sequences`` with the chance ``wanted``, else of any that its region knows.
    ``held_out`` draws anatomies that are never trained on.
    """

    regions: Mapping[str, float]
    sequences: Mapping[str, float]
    slices: int
    side: int
    wanted: float = 0.75
    held_out: bool = False
    shift: Shift | None = None


def simulated_examples(draw: Draw, parts: int, seed: int, *, jobs: int = 0) -> list[Example]:
    """``parts`` examples. ``jobs`` processes (0: one a core) change the time it takes and nothing else."""
    blocks = -(-parts // _PARTS_A_BODY)
    out = _all(partial(draw_block, draw, seed), blocks, jobs, f"blocks of {_PARTS_A_BODY} parts")
    return out[:parts]


def header_examples(
    rng: np.random.Generator, regions: Sequence[str], number: int, side: int
) -> list[Example]:
    """Headers of any series, half of them of ``regions``, with no slices (of ``side`` pixels)."""
    from SeriesClassifierLib.simulation.headers import draw_part

    nothing = np.zeros((0, side, side), np.uint8)
    out = []
    for index in range(number):
        part = draw_part(rng, region=str(rng.choice(regions)) if index % 2 else None)
        name = f"header-{index}"
        out.append(Example(name, name, part.header, nothing, truth_of(part), real=False))
    return out


def study_examples(
    task: str,
    studies: int,
    seed: int,
    *,
    slices: int,
    side: int,
    held_out: bool = False,
    most: int | None = None,
    jobs: int = 0,
) -> list[Example]:
    """Every part of ``studies`` whole studies for ``task`` (one of ``simulation.studies.TASKS``).

    A study is an exam. A part has ``slices`` slices, spread evenly, of ``side`` pixels. Of a series with more
    than ``most`` parts so many are taken, spread evenly: else a perfusion run outweighs all the rest.
    ``held_out`` draws anatomies that are never trained on. ``jobs`` as in ``simulated_examples``.
    """
    one = partial(draw_study_parts, task, slices, side, held_out, most, seed)
    return _all(one, studies, jobs, "studies")


def _all(draw_one: Callable[[int], list[Example]], count: int, jobs: int, what: str) -> list[Example]:
    """The examples of numbers 0 to ``count`` - 1, in that order whoever draws them."""
    started = time.monotonic()
    out: list[Example] = []
    for number, some in enumerate(_drawn(draw_one, count, jobs or os.cpu_count() or 1), start=1):
        out += some
        if number % max(1, count // 10) == 0:
            seconds = time.monotonic() - started
            logger.info("drew %d of %d simulated %s in %.0f s", number, count, what, seconds)
    return out


def _drawn(draw_one: Callable[[int], list[Example]], count: int, jobs: int) -> Iterator[list[Example]]:
    if jobs == 1:
        yield from map(draw_one, range(count))
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(draw_one, range(count), chunksize=4)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile compute with one thread: as many processes as cores are enough."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def draw_block(draw: Draw, seed: int, number: int) -> list[Example]:
    """Parts of one simulated person: block ``number`` of the run with ``seed``."""
    from SeriesClassifierLib.simulation.anatomy import draw_body
    from SeriesClassifierLib.simulation.studies import body_region, draw_series

    rng = np.random.default_rng((seed, number))
    region = choice(rng, draw.regions)
    body = draw_body(rng, body_region(region), held_out=draw.held_out)
    out = []
    for index in range(_PARTS_A_BODY):
        sequence = choice(rng, draw.sequences) if chance(rng, draw.wanted) else None
        longest = 4 * draw.side // 3  # finer than the model sees, not as fine as a scanner: time counts
        try:
            part, slices = draw_series(
                rng,
                region=region,
                sequence=sequence,
                body=body,
                slices=draw.slices,
                longest=longest,
                shift=draw.shift,
                held_out=draw.held_out,
            )
        except ValueError:  # nobody acquires this sequence in this region: any other will do
            part, slices = draw_series(
                rng, region=region, body=body, slices=draw.slices, longest=longest, shift=draw.shift
            )
        name = f"simulated-{seed}-{number}"
        pictures = np.stack([prepare(picture, draw.side) for picture in slices])
        out.append(Example(f"{name}-{index}", name, part.header, pictures, truth_of(part), real=False))
    return out


def draw_study_parts(
    task: str, slices: int, side: int, held_out: bool, most: int | None, seed: int, number: int
) -> list[Example]:
    """The parts of one simulated study: number ``number`` of the run with ``seed``."""
    from SeriesClassifierLib.simulation.studies import draw_study, spread_evenly

    study = draw_study(np.random.default_rng((seed, number)), task, held_out=held_out)
    exam = f"study-{seed}-{number}"
    out = []
    for series in study.series:
        parts = series.parts()
        kept = spread_evenly(len(parts), min(len(parts), most or len(parts)))
        for index in kept:
            _, truth, render = parts[index]
            positions = spread_evenly(truth.stack.positions, min(truth.stack.positions, slices))
            pictures = np.stack([prepare(picture, side) for picture in render(positions)])
            name = f"{exam}-{series.number}-{index}"
            out.append(Example(name, exam, truth.header, pictures, truth_of(truth), real=False))
    return out


def truth_of(part: SimulatedPart) -> dict[str, str]:
    """Facet -> class of a simulated part."""
    return {
        "sequence": part.sequence,
        "plane": part.plane,
        "phase": part.phase,
        "region": part.region,
        "derived": part.derived,
    }
