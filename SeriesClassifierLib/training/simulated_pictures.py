"""Draw simulated examples with header and slices, on all processors, the same for any number of them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
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
    started = time.monotonic()
    out: list[Example] = []
    for number, block in enumerate(_blocks(draw, blocks, seed, jobs or os.cpu_count() or 1), start=1):
        out += block
        if number % max(1, blocks // 10) == 0:
            seconds = time.monotonic() - started
            logger.info("drew %d of %d simulated parts in %.0f s", len(out), parts, seconds)
    return out[:parts]


def _blocks(draw: Draw, blocks: int, seed: int, jobs: int) -> Iterator[list[Example]]:
    if jobs == 1:
        for number in range(blocks):
            yield draw_block(draw, seed, number)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(draw_block, [draw] * blocks, [seed] * blocks, range(blocks), chunksize=4)


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
        try:
            part, slices = draw_series(
                rng,
                region=region,
                sequence=sequence,
                body=body,
                slices=draw.slices,
                shift=draw.shift,
                held_out=draw.held_out,
            )
        except ValueError:  # nobody acquires this sequence in this region: any other will do
            part, slices = draw_series(
                rng, region=region, body=body, slices=draw.slices, shift=draw.shift, held_out=draw.held_out
            )
        name = f"simulated-{seed}-{number}"
        pictures = np.stack([prepare(picture, draw.side) for picture in slices])
        out.append(Example(f"{name}-{index}", name, part.header, pictures, truth_of(part), real=False))
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
