"""Contrast phases from the order of a study: what acquisition parameters alone cannot tell (methods.md
section 2).

Series of the same acquisition, repeated around an injection, are ordered in time. With ContrastBolusStartTime
the seconds since the bolus decide; else the first series with a contrast agent after ones without is the
arterial one, and the phases follow from the time since it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import Decision
from SeriesClassifierLib.parts.clocks import seconds
from SeriesClassifierLib.records import Reason

_REPEATED = frozenset({"T1", "DCE", "DIXON_W"})
# A run of fewer repeats around an injection does not show its order.
_FEWEST = 3
# Upper ends in seconds since the bolus (LI-RADS technical recommendations: arterial about 20-40 s, portal
# venous
# 45-80 s, transitional and delayed 2-5 min, hepatobiliary 10-20 min after the injection).
_SINCE_BOLUS = ((45.0, "ART"), (110.0, "PORTVEN"), (720.0, "LATE"), (3600.0, "HEPA"))
# The arterial phase is taken about this long after the bolus.
_ARTERIAL_AT = 25.0


@dataclass(frozen=True, slots=True)
class PhaseAnswer:
    """A phase for the part at ``index`` of the study, with the reason: so many ``seconds`` after the
    injection, None before it.
    """

    index: int
    phase: str
    reason: Reason
    seconds: float | None = None


def study_phases(
    headers: Sequence[PartHeader], decisions: Sequence[Decision], region: str
) -> list[PhaseAnswer]:
    """Phases that the study's order decides. The liver's phases are named only in the abdomen; elsewhere PRE
    and POST.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, (header, decision) in enumerate(zip(headers, decisions, strict=True)):
        if decision.sequence in _REPEATED and _time(header) is not None:
            groups.setdefault(_acquisition(header, decision), []).append(index)
    answers: list[PhaseAnswer] = []
    for members in groups.values():
        if len(members) >= _FEWEST:
            answers += _phases([(index, headers[index]) for index in members], liver=region == "abdomen")
    return answers


def _phases(group: list[tuple[int, PartHeader]], *, liver: bool) -> list[PhaseAnswer]:
    ordered = sorted(group, key=lambda item: (_time(item[1]) or 0.0, item[1].time_index or 0, item[0]))
    with_agent = [bool(header.instance.text("ContrastBolusAgent")) for _, header in ordered]
    answers = []
    for position, (index, header) in enumerate(ordered):
        since, reason = header.since_contrast, Reason.AFTER_BOLUS
        if since is None and any(with_agent) and not all(with_agent):
            first = with_agent.index(True)
            if position < first:
                answers.append(PhaseAnswer(index, "PRE", Reason.BEFORE_CONTRAST))
                continue
            since = (_time(header) or 0.0) - (_time(ordered[first][1]) or 0.0) + _ARTERIAL_AT
            reason = Reason.AFTER_CONTRAST
        if since is not None:
            phase = next((name for end, name in _SINCE_BOLUS if since <= end), "POST")
            about = float(round(since)) if math.isfinite(since) else None
            answers.append(PhaseAnswer(index, phase if liver else "POST", reason, about))
    return answers


def _time(header: PartHeader) -> float | None:
    instance = header.instance
    for text in (
        instance.text("AcquisitionTime"),
        instance.text("AcquisitionDateTime")[8:],
        instance.text("SeriesTime"),
    ):
        value = seconds(text)
        if value is not None:
            return value
    return None


def _acquisition(header: PartHeader, decision: Decision) -> tuple[object, ...]:
    """Equal for repeats of one acquisition: same timing, angle and plane (the scanner may change the rest a
    little).
    """
    instance = header.instance
    timing = (
        round(instance.number(k) or 0.0, 1)
        for k in ("RepetitionTime", "EchoTime", "FlipAngle", "SliceThickness")
    )
    return (decision.sequence, decision.plane, *timing)
