"""Put the parts of a study in their context: region by vote, contrast phases by order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import ENHANCING, Decision
from SeriesClassifierLib.records import UNKNOWN, Evidence
from SeriesClassifierLib.study.phases import study_phases
from SeriesClassifierLib.study.region import vote


def in_context(headers: Sequence[PartHeader], decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions of one study, each with what the others add to it. Sequence and status stay as they are.
    """
    elected = vote(headers, decisions)
    out = list(decisions)
    if elected.region != UNKNOWN:
        reason = Evidence(
            "study", f"region {elected.region}: {elected.share:.0%} of votes ({', '.join(elected.voters)})"
        )
        out = [replace(decision, region=elected.region).with_evidence(reason) for decision in out]
    for answer in study_phases(headers, out, elected.region):
        if out[answer.index].sequence in ENHANCING:
            reason = Evidence("study", f"phase {answer.phase}: {answer.reason}")
            out[answer.index] = replace(out[answer.index], phase=answer.phase).with_evidence(reason)
    return out
