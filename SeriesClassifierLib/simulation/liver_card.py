"""What sites scan of a liver, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from SeriesClassifierLib.simulation.draws import chance, pick
from SeriesClassifierLib.simulation.plans import Member, Plan, diffusion, localizers, one, stray


def liver_card(rng: np.random.Generator) -> list[Plan]:
    """The plans of one study of a liver, in the order in which they are acquired."""
    out = localizers(rng, True) + stray(rng)
    if chance(rng, 0.8):
        out.append(one("HASTE", "T2", technique="HASTE", plane="COR", fat=False, duration=25))
    if chance(rng, 0.7):
        out.append(one("HASTE", "T2", technique="HASTE", fat=chance(rng, 0.3), slices=(24, 40), duration=40))
    if chance(rng, 0.3):
        out.append(one("CISS", "CISS", technique="BSSFP_2D", plane=pick(rng, ("AX", "COR")), duration=25))
    if chance(rng, 0.75):
        out.append(one("T2 TSE", "T2", technique="TSE", fat=True, slices=(24, 40), duration=200))
    _in_and_opposed(rng, out)
    if chance(rng, 0.85):
        shells = pick(
            rng,
            (
                (50.0, 400.0, 800.0),
                (0.0, 500.0),
                (50.0, 800.0),
                (0.0, 50.0, 600.0),
                (0.0, 800.0),
                (50.0, 200.0, 800.0),
            ),
        )
        diffusion(rng, out, shells, calculated=0.12, slices=(24, 36))
    if chance(rng, 0.55):
        _ducts(rng, out)
    if chance(rng, 0.12):
        out.append(one("T2STAR", "T2STAR", technique="ME_GRE", slices=(1, 10), duration=20))
    if chance(rng, 0.06):
        out.append(one("OTHER", "OTHER", technique="ELASTOGRAPHY", slices=(3, 6), times=4, duration=60))
    if chance(rng, 0.9):
        _phases(rng, out)
    if chance(rng, 0.15):
        out.append(one("HASTE", "T2", technique="HASTE", fat=True, at=500.0, duration=40))
    return out


def _in_and_opposed(rng: np.random.Generator, out: list[Plan]) -> None:
    kind = rng.random()
    echoes: tuple[Member, ...] = (("DIXON_OPP", "ORIGINAL"), ("DIXON_IN", "ORIGINAL"))
    if kind < 0.3:  # both echoes in one series
        out.append(
            replace(
                one("DIXON", "DIXON_IN"), members=echoes, technique="DUAL_ECHO_2D", phase="PRE", duration=25
            )
        )
    elif kind < 0.6:
        start = len(out)
        base = one("DIXON", "DIXON_OPP", technique="DUAL_ECHO_2D", phase="PRE", duration=25, ending="_opp")
        out.append(base)
        out.append(replace(base, members=echoes[1:], like=start, ending="_in"))
    elif kind < 0.95:
        start, members = len(out), (*echoes, ("DIXON_W", "ORIGINAL"), ("DIXON_F", "ORIGINAL"))
        base = one("DIXON", "DIXON_OPP", technique="DIXON_3D", phase="PRE", slices=(36, 60), duration=20)
        if chance(rng, 0.2):
            out.append(replace(base, members=members))
            return
        for member, ending in zip(members, ("_opp", "_in", "_W", "_F"), strict=True):
            plan = replace(base, members=(member,), ending=ending)
            out.append(plan if len(out) == start else replace(plan, like=start))


def _ducts(rng: np.random.Generator, out: list[Plan]) -> None:
    if chance(rng, 0.7):
        start = len(out)
        space = one("MRCP", "MRCP", technique="TSE_3D", plane="COR", slices=(40, 70), duration=300)
        out.append(space)
        if chance(rng, 0.6):
            projected = replace(
                space, members=(("MRCP", "MIP"),), like=start, slices=(1, 12), duration=0, ending="_MIP"
            )
            out.append(projected)
    if chance(rng, 0.5):
        out.append(
            one("MRCP", "MRCP", technique="HASTE", plane="COR", slices=(1, 12), duration=30, ending="_thick")
        )


def _phases(rng: np.random.Generator, out: list[Plan]) -> None:
    """The same 3D gradient echo before and after the bolus, plain or Dixon, each phase in a series or all in
    one.
    """
    dixon = chance(rng, 0.3)
    base = (
        one("DIXON", "DIXON_W", technique="DIXON_3D")
        if dixon
        else one("VIBE", "T1", technique="SPGR_3D", fat=True)
    )
    base = replace(base, slices=(36, 64), duration=18)
    phases: list[tuple[str, float | None]] = [("PRE", None)]
    phases += [("ART", 25.0 + 8 * i) for i in range(pick(rng, (1, 1, 1, 2, 3)))]
    phases += [("PORTVEN", float(rng.uniform(60, 80))), ("LATE", float(rng.uniform(150, 240)))]
    if chance(rng, 0.4):
        phases.append(("LATE", float(rng.uniform(280, 420))))
    if chance(rng, 0.35):
        phases.append(("HEPA", float(rng.uniform(900, 1300))))
    start = len(out)
    for phase, at in phases:
        plan = replace(base, phase=phase, at=at)
        out.append(plan if len(out) == start else replace(plan, like=start))
        if dixon and chance(rng, 0.2):
            out.append(replace(plan, members=(("DIXON_F", "ORIGINAL"),), like=start, ending="_F"))
    if chance(rng, 0.2) and not dixon:
        out.append(
            replace(base, members=(("T1", "SUB"),), phase="ART", like=start, duration=0, ending="_SUB")
        )
    if chance(rng, 0.4):
        at = (phases[-1][1] or 0.0) + 40
        out.append(replace(base, plane="COR", phase=phases[-1][0], at=at, slices=(40, 70)))
