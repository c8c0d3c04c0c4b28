"""Plans: one series to be each, and those that all kinds of study share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from SeriesClassifierLib.simulation.draws import chance, one_of, pick

Member = tuple[str, str]  # sequence, derived


@dataclass(frozen=True)
class Plan:
    """One series to be. ``kind`` names it (see wording); ``members`` are the image kinds in it, each a part.

    ``like`` is the index of an earlier plan whose acquisition and geometry it shares (a map, a projection,
    the other echo). ``at`` is in seconds after the injection, None before it or when nothing is injected.
    ``b_values`` are all in this series, ``times`` are its time points, ``interval`` seconds apart. ``fat``
    asks for fat suppression (None: as sites like it). ``technique`` "" takes any of the protocol table.
    """

    kind: str
    members: tuple[Member, ...]
    technique: str = ""
    plane: str = "AX"
    phase: str = "NONE"
    fat: bool | None = None
    slices: tuple[int, int] = (18, 34)
    b_values: tuple[float, ...] = ()
    times: int = 1
    interval: float = 8.0
    at: float | None = None
    duration: float = 150.0
    like: int | None = None
    ending: str = ""


def one(kind: str, sequence: str, derived: str = "ORIGINAL", **rest: Any) -> Plan:
    """A plan with one image kind in it; ``rest`` are fields of ``Plan``."""
    return replace(Plan(kind, ((sequence, derived),)), **rest)


def localizers(rng: np.random.Generator, body: bool) -> list[Plan]:
    """What a study begins with; scouts of the ``body`` are made with several techniques."""
    technique = pick(rng, ("SPGR_2D_FAST", "HASTE", "BSSFP_2D")) if body else "SPGR_2D_FAST"
    first = one("LOCALIZER", "LOCALIZER", technique=technique, plane="MULTI", slices=(3, 24), duration=30)
    out = [first]
    if chance(rng, 0.3):
        out.append(replace(first, slices=(3, 9)))
    if body and chance(rng, 0.2):
        out.append(replace(first, technique="HASTE", plane=pick(rng, ("SAG", "COR")), slices=(3, 12)))
    return out


def stray(rng: np.random.Generator) -> list[Plan]:
    """What also lies in studies: calibration scans and screens."""
    out = []
    if chance(rng, 0.25):
        out.append(one("CALIBRATION", "OTHER", technique="CALIBRATION", duration=20))
    if chance(rng, 0.08):
        out.append(one("OTHER", "OTHER", technique="SCREEN", slices=(1, 6), duration=1))
    return out


def diffusion(
    rng: np.random.Generator,
    out: list[Plan],
    shells: tuple[float, ...],
    *,
    calculated: float,
    slices: tuple[int, int] = (18, 34),
    fa: float = 0.0,
) -> None:
    """Diffusion as this site stores it, its ADC map and its calculated b-value."""
    start = len(out)
    base = one("DWI", "DWI", technique="DWI", duration=240, slices=slices)
    if len(shells) > 1 and chance(rng, 0.25):
        each = [replace(base, b_values=(b,), ending=f"_b{b:g}", like=start) for b in shells]
        out += [replace(each[0], like=None), *each[1:]]
    else:
        out.append(replace(base, b_values=shells))
    computed = replace(base, like=start, duration=0)
    if chance(rng, 0.92):
        out.append(replace(computed, kind="ADC", members=(("ADC", "ORIGINAL"),), b_values=()))
    if chance(rng, calculated):
        b = one_of(rng, (1400, 1500, 2000))
        out.append(replace(computed, kind="CALC_BVAL", members=(("DWI", "CALC_BVAL"),), b_values=(b,)))
    if chance(rng, fa):
        out.append(replace(computed, kind="FA", members=(("DWI", "FA"),), b_values=()))
