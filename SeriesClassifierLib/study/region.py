"""The region router: one body region for a study, by a vote of words and model.

After MOMO (Jonske et al., 2022; methods.md section 4), merged variant: every source votes with its weight,
and the answer says who voted for it. Words are keywords of the vocabulary in the languages sites write in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from SeriesClassifierLib.headers.descriptions import described
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import Decision
from SeriesClassifierLib.records import HEADERS_TASK, UNKNOWN, Opinion, Witness, classes_of

# Weight of a match in a tag, given once a study for study tags and once a series for series tags.
_STUDY_TAGS = {
    "StudyDescription": 3.0,
    "RequestedProcedureDescription": 3.0,
    "PerformedProcedureStepDescription": 2.0,
}
_SERIES_TAGS = {"BodyPartExamined": 2.0, "ProtocolName": 0.5, "SeriesDescription": 0.5}
_MODEL_WEIGHT = 1.0
_MODELS = frozenset({Witness.HEADER.value, Witness.JOINT.value})
# Of all votes the region must have this share.
_MAJORITY = 0.5


@dataclass(frozen=True, slots=True)
class RegionVote:
    """The region of a study, its share of the votes, and who voted for it: tags, and models as the value of
    their ``Witness``. ``shares`` are those of all regions.
    """

    region: str
    share: float
    voters: tuple[str, ...]
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def by_words(self) -> bool:
        """Whether anything that people wrote is among the voters, not models alone."""
        return not set(self.voters) <= _MODELS

    def is_among(self, regions: Iterable[str]) -> bool:
        """Whether most votes are for some of ``regions``, be it undecided which."""
        return sum(self.shares.get(region, 0.0) for region in regions) >= _MAJORITY


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
        witness, classes = _by_models(decision.opinions)
        for region, probability in classes.items():
            cast(region, _MODEL_WEIGHT * probability / n, witness.value)
    total = sum(votes.values())
    if not total:
        return RegionVote(UNKNOWN, 0.0, ())
    region, most = max(votes.items(), key=lambda item: (item[1], item[0]))
    shares = {name: count / total for name, count in votes.items()}
    if most < _MAJORITY * total:
        return RegionVote(UNKNOWN, most / total, (), shares)
    return RegionVote(region, most / total, tuple(sorted(voters[region])), shares)


def _by_models(opinions: Iterable[Opinion]) -> tuple[Witness, Mapping[str, float]]:
    """An image bundle knows more of the region than the header alone."""
    opinions = tuple(opinions)
    joint = classes_of(opinions, "region", Witness.JOINT)
    if joint:
        return Witness.JOINT, joint
    return Witness.HEADER, classes_of(opinions, "region", Witness.HEADER, HEADERS_TASK)
