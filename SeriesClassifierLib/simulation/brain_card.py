"""What sites scan of a brain, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from SeriesClassifierLib.simulation.draws import chance, one_of, pick
from SeriesClassifierLib.simulation.plans import Plan, diffusion, localizers, one, stray


def brain_card(rng: np.random.Generator) -> list[Plan]:
    """The plans of one study of a brain, in the order in which they are acquired."""
    out = localizers(rng, False) + stray(rng)
    _weighted(rng, out)
    if chance(rng, 0.9):
        b = one_of(rng, (800, 1000, 1000))
        diffusion(rng, out, (0.0, b), calculated=0.06, slices=(20, 40), fa=0.1)
    _blood(rng, out)
    for kind, sequence, technique, probability, extra in (
        ("CISS", "CISS", "BSSFP_3D", 0.12, {"slices": (40, 64)}),
        ("ASL", "ASL", pick(rng, ("ASL_3D", "ASL_2D")), 0.12, {"times": 2}),
        ("BOLD", "BOLD", "GRE_EPI", 0.12, {"times": 14, "interval": 2.0}),
        ("FIELDMAP", "FIELDMAP", "FIELD_MAP", 0.12, {}),
    ):
        if chance(rng, probability):
            out.append(one(kind, sequence, technique=technique, **extra))
    _after_contrast(rng, out)
    return out


def _weighted(rng: np.random.Generator, out: list[Plan]) -> None:
    """T1, T2 and FLAIR."""
    if chance(rng, 0.6):
        technique = pick(rng, ("MP_GRE", "MP_GRE", "SPGR_3D", "TSE_3D"))
        out.append(
            one(
                "T1 3D",
                "T1",
                technique=technique,
                plane=pick(rng, ("SAG", "AX")),
                phase="PRE",
                slices=(90, 140),
                duration=300,
            )
        )
    if chance(rng, 0.6):
        technique = pick(rng, ("SE", "TSE", "IR_TSE"))
        out.append(
            one("T1 TSE", "T1", technique=technique, plane=pick(rng, ("AX", "SAG", "AX")), phase="PRE")
        )
    for plane in ("AX", "COR"):
        if chance(rng, 0.9 if plane == "AX" else 0.3):
            out.append(one("T2 TSE", "T2", technique=pick(rng, ("TSE", "TSE", "SE")), plane=plane))
    if chance(rng, 0.9):
        technique = pick(rng, ("IR_TSE", "IR_TSE", "IR_TSE_3D"))
        three_d = technique == "IR_TSE_3D"
        out.append(
            one(
                "FLAIR",
                "FLAIR",
                technique=technique,
                plane="SAG" if three_d else "AX",
                slices=(80, 120) if three_d else (20, 34),
            )
        )


def _blood(rng: np.random.Generator, out: list[Plan]) -> None:
    """What shows bleeding, veins and arteries."""
    if chance(rng, 0.3):
        out.append(one("T2STAR", "T2STAR", technique=pick(rng, ("GRE_2D", "GRE_EPI")), slices=(20, 34)))
    elif chance(rng, 0.6):
        start = len(out)
        swi = one("SWI", "SWI", technique="SWI", slices=(48, 72), duration=260)
        out.append(swi)
        for derived, ending in (("PHASE", "_pha"), ("MAGNITUDE", "_mag"), ("MIP", "_mIP")):
            if chance(rng, 0.6):
                out.append(replace(swi, members=(("SWI", derived),), like=start, duration=0, ending=ending))
    if chance(rng, 0.3):
        start = len(out)
        tof = one("MRA", "MRA", technique="TOF_3D", slices=(80, 130), duration=300)
        out.append(tof)
        if chance(rng, 0.7):
            out.append(
                replace(tof, members=(("MRA", "MIP"),), like=start, slices=(1, 12), duration=0, ending="_MIP")
            )


def _after_contrast(rng: np.random.Generator, out: list[Plan]) -> None:
    """The first pass of the bolus, then T1 again."""
    if not chance(rng, 0.4):
        return
    if chance(rng, 0.4):
        out.append(
            one(
                "PERFUSION",
                "PERFUSION",
                technique="GRE_EPI",
                times=16,
                interval=2.0,
                at=-10.0,
                slices=(12, 24),
            )
        )
    technique = pick(rng, ("MP_GRE", "SE", "TSE", "SPGR_3D"))
    three_d = technique in ("MP_GRE", "SPGR_3D")
    kind = "T1 3D" if three_d else "T1 TSE"
    for plane in ("AX", "COR", "SAG")[: 1 if three_d else int(rng.integers(1, 4))]:
        out.append(
            one(
                kind,
                "T1",
                technique=technique,
                plane=plane,
                phase="POST",
                at=300.0,
                slices=(90, 140) if three_d else (18, 34),
            )
        )
