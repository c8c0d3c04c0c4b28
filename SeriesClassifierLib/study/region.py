"""The region router: one body region for a study, by a vote of words and model.

After MOMO (Jonske et al., 2022; methods.md section 4), merged variant: every source votes with its weight,
and the answer says who voted for it. Words are keywords of the vocabulary in the languages sites write in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from SeriesClassifierLib.headers.descriptions import described
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import Decision
from SeriesClassifierLib.records import UNKNOWN

# Weight of a match in a tag, given once a study for study tags and once a series for series tags.
_STUDY_TAGS = {
    "StudyDescription": 3.0,
    "RequestedProcedureDescription": 3.0,
    "PerformedProcedureStepDescription": 2.0,
}
_SERIES_TAGS = {"BodyPartExamined": 2.0, "ProtocolName": 0.5, "SeriesDescription": 0.5}
_MODEL_WEIGHT = 1.0
# Of all votes the region must have this share.
_MAJORITY = 0.5


@dataclass(frozen=True, slots=True)
class RegionVote:
    """The region of a study, its share of the votes, and the tags that voted for it."""

    region: str
    share: float
    voters: tuple[str, ...]


def vote(headers: Sequence[PartHeader], decisions: Sequence[Decision]) -> RegionVote:
    """The region that most votes of a study are for; unknown without a majority or without any vote."""
    votes: Counter[str] = Counter()
    voters: dict[str, set[str]] = {}

    def cast(region: str, weight: float, voter: str) -> None:
        if region and weight > 0:
            votes[region] += weight  # type: ignore[assignment]
            voters.setdefault(region, set()).add(voter)

    n = max(1, len(headers))
    for keyword, weight in _STUDY_TAGS.items():
        for text in sorted({header.instance.text(keyword) for header in headers}):
            cast(described("region", [text]), weight, keyword)
    for header, decision in zip(headers, decisions, strict=True):
        for keyword, weight in _SERIES_TAGS.items():
            cast(described("region", [header.instance.text(keyword)]), weight / n, keyword)
        voter = "picture and header" if "region (both)" in decision.probabilities else "header model"
        for region, probability in decision.probabilities.get("region", {}).items():
            cast(region, _MODEL_WEIGHT * probability / n, voter)
    total = sum(votes.values())
    if not total:
        return RegionVote(UNKNOWN, 0.0, ())
    region, most = max(votes.items(), key=lambda item: (item[1], item[0]))
    share = most / total
    if share < _MAJORITY:
        return RegionVote(UNKNOWN, share, ())
    return RegionVote(region, share, tuple(sorted(voters[region])))
