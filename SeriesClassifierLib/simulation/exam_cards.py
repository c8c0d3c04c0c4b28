"""What sites scan, in which order: a list of plans for each kind of study, drawn anew for each site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from SeriesClassifierLib.simulation.draws import chance, choice, one_of, pick
from SeriesClassifierLib.simulation.protocols import PROTOCOLS, Protocol

Member = tuple[str, str]  # sequence, derived

OTHER_REGIONS: Mapping[str, float] = {
    "pelvis": 0.25,
    "spine": 0.2,
    "extremity": 0.2,
    "breast": 0.12,
    "head_neck": 0.1,
    "chest": 0.06,
    "cardiac": 0.07,
}
REGIONS: Mapping[str, str] = {"prostate": "prostate", "liver": "abdomen", "brain": "brain"}


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


def _one(kind: str, sequence: str, derived: str = "ORIGINAL", **rest: Any) -> Plan:
    return replace(Plan(kind, ((sequence, derived),)), **rest)


def draw_card(rng: np.random.Generator, task: str, region: str) -> list[Plan]:
    """The plans of one study of ``task`` in ``region``, in the order in which they are acquired."""
    card = _CARDS.get(task)
    plans = card(rng) if card else _other(rng, region)
    if chance(rng, 0.15):  # a breath or a movement spoiled one: it is done again
        index = int(rng.integers(len(plans)))
        if plans[index].like is None and plans[index].at is None and not plans[index].b_values:
            plans = _inserted(plans, index + 1, plans[index])
    return plans


def _inserted(plans: list[Plan], place: int, plan: Plan) -> list[Plan]:
    moved = [p if p.like is None or p.like < place else replace(p, like=p.like + 1) for p in plans]
    return [*moved[:place], plan, *moved[place:]]


def _localizers(rng: np.random.Generator, body: bool) -> list[Plan]:
    technique = pick(rng, ("SPGR_2D_FAST", "HASTE", "BSSFP_2D")) if body else "SPGR_2D_FAST"
    first = _one("LOCALIZER", "LOCALIZER", technique=technique, plane="MULTI", slices=(3, 24), duration=30)
    out = [first]
    if chance(rng, 0.3):
        out.append(replace(first, slices=(3, 9)))
    if body and chance(rng, 0.2):
        out.append(replace(first, technique="HASTE", plane=pick(rng, ("SAG", "COR")), slices=(3, 12)))
    return out


def _stray(rng: np.random.Generator) -> list[Plan]:
    """What also lies in studies: calibration scans and screens."""
    out = []
    if chance(rng, 0.25):
        out.append(_one("CALIBRATION", "OTHER", technique="CALIBRATION", duration=20))
    if chance(rng, 0.08):
        out.append(_one("OTHER", "OTHER", technique="SCREEN", slices=(1, 6), duration=1))
    return out


def _diffusion(
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
    base = _one("DWI", "DWI", technique="DWI", duration=240, slices=slices)
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


def _prostate(rng: np.random.Generator) -> list[Plan]:
    out = _localizers(rng, True) + _stray(rng)
    planes = ["AX"] + [plane for plane in ("SAG", "COR") if chance(rng, 0.75)]
    rng.shuffle(planes)
    for plane in planes:
        out.append(
            _one("T2 TSE", "T2", technique="TSE", plane=plane, fat=False, slices=(18, 30), duration=240)
        )
    if chance(rng, 0.15):
        out.append(_one("T2 3D", "T2", technique="TSE_3D", slices=(40, 60), fat=False, duration=360))
    if chance(rng, 0.5):
        out.append(_one("T1 TSE", "T1", technique="TSE", phase="PRE", slices=(20, 36), duration=180))
    if chance(rng, 0.15):
        out.append(_one("DIXON", "DIXON_W", technique="DIXON_3D", phase="PRE", slices=(30, 50), duration=20))
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
    _diffusion(rng, out, shells, calculated=0.45, slices=(16, 26))
    if chance(rng, 0.3):
        b = one_of(rng, (1400, 1500, 2000))
        out.append(
            _one(
                "DWI", "DWI", technique="DWI", b_values=(b,), ending=f"_b{b:g}", slices=(16, 26), duration=260
            )
        )
    if chance(rng, 0.12):
        out.append(
            _one("PD", "PD", technique=pick(rng, ("SPGR_3D", "MP_GRE_REF")), slices=(12, 24), duration=20)
        )
    if chance(rng, 0.75):
        _dynamic(rng, out, technique="SPGR_3D", slices=(12, 24))
    if chance(rng, 0.3):
        out.append(
            _one(
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
        out.append(_one("OTHER", "OTHER", technique="SPECTROSCOPY", slices=(1, 3), duration=300))
    return out


def _dynamic(rng: np.random.Generator, out: list[Plan], technique: str, slices: tuple[int, int]) -> None:
    """A dynamic run: in one series, a series for each time point, or in one with subtractions."""
    times = int(rng.integers(6, 31))
    interval = float(rng.uniform(4, 12))
    first = -interval * int(rng.integers(1, 4))
    fat = chance(rng, 0.3)
    start = len(out)
    base = _one("DCE", "DCE", technique=technique, slices=slices, fat=fat, duration=interval)
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
        out.append(replace(out[-1], members=(("DCE", "SUB"),), like=start, duration=0, ending="_SUB"))


def _liver(rng: np.random.Generator) -> list[Plan]:
    out = _localizers(rng, True) + _stray(rng)
    if chance(rng, 0.8):
        out.append(_one("HASTE", "T2", technique="HASTE", plane="COR", fat=False, duration=25))
    if chance(rng, 0.7):
        out.append(_one("HASTE", "T2", technique="HASTE", fat=chance(rng, 0.3), slices=(24, 40), duration=40))
    if chance(rng, 0.3):
        out.append(_one("CISS", "CISS", technique="BSSFP_2D", plane=pick(rng, ("AX", "COR")), duration=25))
    if chance(rng, 0.75):
        out.append(_one("T2 TSE", "T2", technique="TSE", fat=True, slices=(24, 40), duration=200))
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
        _diffusion(rng, out, shells, calculated=0.12, slices=(24, 36))
    if chance(rng, 0.55):
        _ducts(rng, out)
    if chance(rng, 0.12):
        out.append(_one("T2STAR", "T2STAR", technique="ME_GRE", slices=(1, 10), duration=20))
    if chance(rng, 0.06):
        out.append(_one("OTHER", "OTHER", technique="ELASTOGRAPHY", slices=(3, 6), times=4, duration=60))
    if chance(rng, 0.9):
        _liver_phases(rng, out)
    if chance(rng, 0.15):
        out.append(_one("HASTE", "T2", technique="HASTE", fat=True, at=500.0, duration=40))
    return out


def _in_and_opposed(rng: np.random.Generator, out: list[Plan]) -> None:
    kind = rng.random()
    echoes: tuple[Member, ...] = (("DIXON_OPP", "ORIGINAL"), ("DIXON_IN", "ORIGINAL"))
    if kind < 0.3:  # both echoes in one series
        out.append(
            replace(
                _one("DIXON", "DIXON_IN"), members=echoes, technique="DUAL_ECHO_2D", phase="PRE", duration=25
            )
        )
    elif kind < 0.6:
        start = len(out)
        base = _one("DIXON", "DIXON_OPP", technique="DUAL_ECHO_2D", phase="PRE", duration=25, ending="_opp")
        out.append(base)
        out.append(replace(base, members=echoes[1:], like=start, ending="_in"))
    elif kind < 0.95:
        start, members = len(out), (*echoes, ("DIXON_W", "ORIGINAL"), ("DIXON_F", "ORIGINAL"))
        base = _one("DIXON", "DIXON_OPP", technique="DIXON_3D", phase="PRE", slices=(36, 60), duration=20)
        if chance(rng, 0.2):
            out.append(replace(base, members=members))
            return
        for member, ending in zip(members, ("_opp", "_in", "_W", "_F"), strict=True):
            plan = replace(base, members=(member,), ending=ending)
            out.append(plan if len(out) == start else replace(plan, like=start))


def _ducts(rng: np.random.Generator, out: list[Plan]) -> None:
    if chance(rng, 0.7):
        start = len(out)
        space = _one("MRCP", "MRCP", technique="TSE_3D", plane="COR", slices=(40, 70), duration=300)
        out.append(space)
        if chance(rng, 0.6):
            projected = replace(
                space, members=(("MRCP", "MIP"),), like=start, slices=(1, 12), duration=0, ending="_MIP"
            )
            out.append(projected)
    if chance(rng, 0.5):
        out.append(
            _one("MRCP", "MRCP", technique="HASTE", plane="COR", slices=(1, 12), duration=30, ending="_thick")
        )


def _liver_phases(rng: np.random.Generator, out: list[Plan]) -> None:
    """The same 3D gradient echo before and after the bolus, plain or Dixon, each phase in a series or all in
    one.
    """
    dixon = chance(rng, 0.3)
    base = (
        _one("DIXON", "DIXON_W", technique="DIXON_3D")
        if dixon
        else _one("VIBE", "T1", technique="SPGR_3D", fat=True)
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


def _brain(rng: np.random.Generator) -> list[Plan]:
    out = _localizers(rng, False) + _stray(rng)
    if chance(rng, 0.6):
        technique = pick(rng, ("MP_GRE", "MP_GRE", "SPGR_3D", "TSE_3D"))
        out.append(
            _one(
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
            _one("T1 TSE", "T1", technique=technique, plane=pick(rng, ("AX", "SAG", "AX")), phase="PRE")
        )
    for plane in ("AX", "COR"):
        if chance(rng, 0.9 if plane == "AX" else 0.3):
            out.append(_one("T2 TSE", "T2", technique=pick(rng, ("TSE", "TSE", "SE")), plane=plane))
    if chance(rng, 0.9):
        technique = pick(rng, ("IR_TSE", "IR_TSE", "IR_TSE_3D"))
        three_d = technique == "IR_TSE_3D"
        out.append(
            _one(
                "FLAIR",
                "FLAIR",
                technique=technique,
                plane="SAG" if three_d else "AX",
                slices=(80, 120) if three_d else (20, 34),
            )
        )
    if chance(rng, 0.9):
        b = one_of(rng, (800, 1000, 1000))
        _diffusion(rng, out, (0.0, b), calculated=0.06, slices=(20, 40), fa=0.1)
    if chance(rng, 0.3):
        out.append(_one("T2STAR", "T2STAR", technique=pick(rng, ("GRE_2D", "GRE_EPI")), slices=(20, 34)))
    elif chance(rng, 0.6):
        start = len(out)
        swi = _one("SWI", "SWI", technique="SWI", slices=(48, 72), duration=260)
        out.append(swi)
        for derived, ending in (("PHASE", "_pha"), ("MAGNITUDE", "_mag"), ("MIP", "_mIP")):
            if chance(rng, 0.6):
                out.append(replace(swi, members=(("SWI", derived),), like=start, duration=0, ending=ending))
    if chance(rng, 0.3):
        start = len(out)
        tof = _one("MRA", "MRA", technique="TOF_3D", slices=(80, 130), duration=300)
        out.append(tof)
        if chance(rng, 0.7):
            out.append(
                replace(tof, members=(("MRA", "MIP"),), like=start, slices=(1, 12), duration=0, ending="_MIP")
            )
    for kind, sequence, technique, probability, extra in (
        ("CISS", "CISS", "BSSFP_3D", 0.12, {"slices": (40, 64)}),
        ("ASL", "ASL", pick(rng, ("ASL_3D", "ASL_2D")), 0.12, {"times": 2}),
        ("BOLD", "BOLD", "GRE_EPI", 0.12, {"times": 14, "interval": 2.0}),
        ("FIELDMAP", "FIELDMAP", "FIELD_MAP", 0.12, {}),
    ):
        if chance(rng, probability):
            out.append(_one(kind, sequence, technique=technique, **extra))
    if chance(rng, 0.4):
        if chance(rng, 0.4):
            out.append(
                _one(
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
                _one(
                    kind,
                    "T1",
                    technique=technique,
                    plane=plane,
                    phase="POST",
                    at=300.0,
                    slices=(90, 140) if three_d else (18, 34),
                )
            )
    return out


def _other(rng: np.random.Generator, region: str) -> list[Plan]:
    """Any protocols of the region, the body of the exam in several planes."""
    out = _localizers(rng, region != "extremity") + _stray(rng)
    after: list[Plan] = []
    rows = [p for p in PROTOCOLS if p.regions.get(region, 0) > 0 and p.sequence != "LOCALIZER"]
    weights = np.array([p.weight * p.regions[region] for p in rows])
    for _ in range(int(rng.integers(4, 10))):
        row = rows[int(rng.choice(len(rows), p=weights / weights.sum()))]
        if row.sequence in ("DWI", "ADC"):
            if not any(plan.kind == "DWI" for plan in out):
                _diffusion(rng, out, (50.0, 800.0) if chance(rng, 0.5) else (0.0, 600.0), calculated=0.1)
            continue
        phase = choice(rng, row.phases)
        most = max(1, min(34, round(row.slices[1])))
        plan = _one(
            _kind_of(row),
            row.sequence,
            choice(rng, row.derived),
            technique=row.technique,
            plane=choice(rng, row.planes),
            phase=phase,
            times=6 if row.times[0] > 2 else 1,
            slices=(min(most, 14), most),
        )
        if phase in _AFTER:
            after.append(replace(plan, at=_AFTER[phase] * rng.uniform(0.9, 1.2)))
        else:
            out.append(plan)
    return out + sorted(after, key=lambda plan: plan.at or 0.0)


_AFTER = {"ART": 25.0, "PORTVEN": 65.0, "LATE": 180.0, "POST": 240.0, "HEPA": 1000.0}


def _kind_of(row: Protocol) -> str:
    """The words for a row of the protocol table."""
    if row.technique == "CALIBRATION":
        return "CALIBRATION"
    if row.sequence == "T1":
        return (
            "VIBE" if row.technique.startswith("SPGR") else "T1 3D" if row.technique == "MP_GRE" else "T1 TSE"
        )
    if row.sequence == "T2":
        return {"IR_TSE": "STIR", "HASTE": "HASTE", "TSE_3D": "T2 3D"}.get(row.technique, "T2 TSE")
    return "DIXON" if row.sequence.startswith("DIXON") else row.sequence


_CARDS: Mapping[str, Callable[[np.random.Generator], list[Plan]]] = {
    "prostate": _prostate,
    "liver": _liver,
    "brain": _brain,
}
