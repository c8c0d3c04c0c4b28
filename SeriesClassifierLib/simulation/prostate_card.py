"""What sites scan of a prostate, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from SeriesClassifierLib.simulation.draws import chance, one_of, pick
from SeriesClassifierLib.simulation.plans import Plan, diffusion, localizers, one, stray


def prostate_card(rng: np.random.Generator) -> list[Plan]:
    """The plans of one study of a prostate, in the order in which they are acquired."""
    out = localizers(rng, True) + stray(rng)
    planes = ["AX"] + [plane for plane in ("SAG", "COR") if chance(rng, 0.75)]
    rng.shuffle(planes)
    for plane in planes:
        out.append(
            one("T2 TSE", "T2", technique="TSE", plane=plane, fat=False, slices=(18, 30), duration=240)
        )
    if chance(rng, 0.15):
        out.append(one("T2 3D", "T2", technique="TSE_3D", slices=(40, 60), fat=False, duration=360))
    if chance(rng, 0.5):
        out.append(one("T1 TSE", "T1", technique="TSE", phase="PRE", slices=(20, 36), duration=180))
    if chance(rng, 0.15):
        out.append(one("DIXON", "DIXON_W", technique="DIXON_3D", phase="PRE", slices=(30, 50), duration=20))
    shells = pick(
        rng,
        (
            (50.0, 400.0, 800.0),
            (0.0, 800.0),
            (0.0, 500.0, 1000.0),
            (50.0, 1000.0),
            (0.0, 100.0, 400.0, 800.0),
            (50.0, 800.0, 1500.0),
        ),
    )
    diffusion(rng, out, shells, calculated=0.45, slices=(16, 26))
    if chance(rng, 0.3):
        b = one_of(rng, (1400, 1500, 2000))
        out.append(
            one(
                "DWI", "DWI", technique="DWI", b_values=(b,), ending=f"_b{b:g}", slices=(16, 26), duration=260
            )
        )
    if chance(rng, 0.12):
        out.append(
            one("PD", "PD", technique=pick(rng, ("SPGR_3D", "MP_GRE_REF")), slices=(12, 24), duration=20)
        )
    if chance(rng, 0.75):
        _dynamic(rng, out, technique="SPGR_3D", slices=(12, 24))
    if chance(rng, 0.3):
        out.append(
            one(
                "VIBE",
                "T1",
                technique="SPGR_3D",
                phase="POST",
                fat=True,
                at=400.0,
                slices=(30, 50),
                duration=60,
            )
        )
    if chance(rng, 0.1):
        out.append(one("OTHER", "OTHER", technique="SPECTROSCOPY", slices=(1, 3), duration=300))
    return out


def _dynamic(rng: np.random.Generator, out: list[Plan], technique: str, slices: tuple[int, int]) -> None:
    """A dynamic run: in one series, a series for each time point, or in one with subtractions."""
    times = int(rng.integers(6, 31))
    interval = float(rng.uniform(4, 12))
    first = -interval * int(rng.integers(1, 4))
    fat = chance(rng, 0.3)
    start = len(out)
    base = one("DCE", "DCE", technique=technique, slices=slices, fat=fat, duration=interval)
    if chance(rng, 0.3):
        for time in range(min(times, 12)):
            at = first + time * interval
            plan = replace(base, technique="SPGR_3D_DYN", at=at, phase="POST" if at > 0 else "PRE")
            out.append(plan if not time else replace(plan, like=start))
    else:
        out.append(
            replace(base, times=times, interval=interval, at=first, phase="POST", duration=times * interval)
        )
    if chance(rng, 0.25):
        out.append(replace(out[-1], members=(("DCE", "SUB"),), like=len(out) - 1, duration=0, ending="_SUB"))
