"""What sites scan, in which order: a list of plans for each kind of study, drawn anew for each site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from SeriesClassifierLib.simulation.brain_card import brain_card
from SeriesClassifierLib.simulation.draws import chance, choice
from SeriesClassifierLib.simulation.liver_card import liver_card
from SeriesClassifierLib.simulation.plans import Plan, diffusion, localizers, one, stray
from SeriesClassifierLib.simulation.prostate_card import prostate_card
from SeriesClassifierLib.simulation.protocols import PROTOCOLS, Protocol

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
_CARDS: Mapping[str, Callable[[np.random.Generator], list[Plan]]] = {
    "prostate": prostate_card,
    "liver": liver_card,
    "brain": brain_card,
}
_AFTER = {"ART": 25.0, "PORTVEN": 65.0, "LATE": 180.0, "POST": 240.0, "HEPA": 1000.0}


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


def _other(rng: np.random.Generator, region: str) -> list[Plan]:
    """Any protocols of the region, the body of the exam in several planes."""
    out = localizers(rng, region != "extremity") + stray(rng)
    after: list[Plan] = []
    rows = [p for p in PROTOCOLS if p.regions.get(region, 0) > 0 and p.sequence != "LOCALIZER"]
    weights = np.array([p.weight * p.regions[region] for p in rows])
    for _ in range(int(rng.integers(4, 10))):
        row = rows[int(rng.choice(len(rows), p=weights / weights.sum()))]
        if row.sequence in ("DWI", "ADC"):
            if not any(plan.kind == "DWI" for plan in out):
                diffusion(rng, out, (50.0, 800.0) if chance(rng, 0.5) else (0.0, 600.0), calculated=0.1)
            continue
        phase = choice(rng, row.phases)
        most = max(1, min(34, round(row.slices[1])))
        plan = one(
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
