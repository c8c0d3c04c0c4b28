"""Put the parts of a study in their context: region by vote, contrast phases by order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import ENHANCING, Decision
from SeriesClassifierLib.records import UNKNOWN, Evidence, Reason, Witness
from SeriesClassifierLib.study.phases import study_phases
from SeriesClassifierLib.study.region import vote


def in_context(headers: Sequence[PartHeader], decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions of one study, each with what the others add to it. Sequence and status stay as they are.
    """
    elected = vote(headers, decisions)
    out = list(decisions)
    if elected.region != UNKNOWN:
        reason = Evidence(
            Witness.STUDY,
            Reason.VOTED,
            "region",
            elected.region,
            source=", ".join(elected.voters),
            number=round(100 * elected.share),
        )
        out = [replace(decision, region=elected.region).with_evidence(reason) for decision in out]
    for answer in study_phases(headers, out, elected.region):
        if out[answer.index].sequence in ENHANCING:
            reason = Evidence(
                Witness.STUDY,
                answer.reason,
                "phase",
                answer.phase,
                source="ContrastBolusStartTime" if answer.reason is Reason.AFTER_BOLUS else "",
                number=answer.seconds,
            )
            out[answer.index] = replace(out[answer.index], phase=answer.phase).with_evidence(reason)
    return out
