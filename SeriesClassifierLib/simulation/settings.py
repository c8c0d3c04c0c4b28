"""What is drawn once for a series: what is scanned, where, and how the scanner degrades it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from SeriesClassifierLib.simulation import scanner
from SeriesClassifierLib.simulation.headers import SimulatedPart
from SeriesClassifierLib.simulation.scanner import Look
from SeriesClassifierLib.simulation.scans import EPI, SPIN_ECHO, Scan, scan_of
from SeriesClassifierLib.simulation.views import BodyLike, View, draw_view

_BREATHES = frozenset({"abdomen", "chest", "cardiac", "whole_body"})


@dataclass(frozen=True)
class Settings:
    """All that is drawn once for a series: what is scanned, where, and how it is degraded.

    ``seed`` fixes the rest (coils, field, how the console masks and scales), so that several calls of
    ``render`` agree; only noise is new in each.
    """

    scan: Scan
    view: View
    look: Look
    seed: int


def draw_settings(
    rng: np.random.Generator,
    part: SimulatedPart,
    body: BodyLike,
    *,
    longest: int = 192,
    scan: Scan | None = None,
    view: View | None = None,
) -> Settings:
    """Settings of ``part`` in ``body``; what is given (shared with another series of a study) is kept."""
    scan = scan or scan_of(rng, part)
    view = view or draw_view(rng, part, body)
    return Settings(scan, view, _look(rng, part, scan, longest), int(rng.integers(2**62)))


def shown_size(part: SimulatedPart, longest: int) -> tuple[int, int]:
    """Rows and columns of a picture (of one tile of a mosaic) whose longer side has at most ``longest``."""
    rows, columns = part.stack.rows, part.stack.columns
    factor = min(1.0, longest / max(rows, columns))
    return max(8, round(rows * factor)), max(8, round(columns * factor))


def _look(rng: np.random.Generator, part: SimulatedPart, scan: Scan, longest: int) -> Look:
    stack, technique = part.stack, scan.technique
    rows, columns = shown_size(part, longest)
    snr = (14.0, 90.0)
    if part.sequence in ("DWI", "ADC"):
        snr = (7.0, 45.0)
    elif part.sequence in ("ASL", "PERFUSION") or technique == "PERFUSION_MAP":
        snr = (5.0, 30.0)
    elif part.sequence in ("LOCALIZER", "SWI", "CISS"):
        snr = (8.0, 50.0)
    elif technique in ("TSE", "SE", "SPGR_3D", "MP_GRE"):
        snr = (20.0, 150.0)
    coarse = None
    if part.sequence in ("DIXON_IN", "DIXON_OPP"):
        coarse = min(stack.matrix / max(rows, columns), rng.uniform(0.5, 0.85))
    return scanner.draw_look(
        rng,
        echo_planar=technique in EPI,
        gradient_echo=technique not in SPIN_ECHO and technique not in ("DWI", "SE_EPI", "ASL_3D"),
        single_shot=technique in ("HASTE", "ASL_3D"),
        body=part.region in _BREATHES,
        te=scan.te,
        field=scan.field,
        # Two echoes in one breath leave little time: coarse voxels, broad black lines in opposed phase.
        acquired=stack.matrix / max(rows, columns) if coarse is None else coarse,
        snr=snr,
    )
