"""Why a part has its label: facts, what header, picture and description say, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from SeriesClassifierLib.publish.table import plain_text
from SeriesClassifierLib.records import Prediction

# Who says so, and the key of ``Prediction.probabilities`` that has it.
_VOICES = (("header", "sequence"), ("picture", "sequence (picture alone)"), ("both", "sequence (both)"))
_LEAST = 0.005


@dataclass(frozen=True, slots=True)
class Alternative:
    """A class with its probability by each voice, None where a voice is silent or does not know the class."""

    name: str
    header: float | None
    picture: float | None
    both: float | None

    @property
    def rank(self) -> float:
        """What header and picture say together, which has seen both; else the larger of the two."""
        if self.both is not None:
            return self.both
        return max(p for p in (self.header, self.picture, 0.0) if p is not None)


@dataclass(frozen=True, slots=True)
class PartDetails:
    """``evidence`` is (kind, text); ``alternatives`` are classes of ``sequence``, likeliest first."""

    series_uid: str
    part: int
    label: str
    status: str
    confidence: float | None
    bundle: str
    facts: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    alternatives: tuple[Alternative, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def part_details(prediction: Prediction) -> PartDetails:
    """All that a person needs to check the label of a part."""
    facts = tuple(plain_text(e.text) for e in prediction.evidence if e.kind == "fact")
    others = tuple((e.kind, plain_text(e.text)) for e in prediction.evidence if e.kind != "fact")
    return PartDetails(
        series_uid=prediction.series_uid,
        part=prediction.part,
        label=prediction.label,
        status=prediction.status.value,
        confidence=prediction.confidence,
        bundle=prediction.bundle,
        facts=facts,
        evidence=others,
        alternatives=_alternatives(prediction.probabilities),
    )


def _alternatives(probabilities: Mapping[str, Mapping[str, float]]) -> tuple[Alternative, ...]:
    said = {voice: probabilities.get(key, {}) for voice, key in _VOICES}
    names = sorted({name for classes in said.values() for name in classes})
    found = [
        Alternative(name, said["header"].get(name), said["picture"].get(name), said["both"].get(name))
        for name in names
    ]
    likely = [alternative for alternative in found if alternative.rank >= _LEAST]
    return tuple(sorted(likely, key=lambda a: (-a.rank, a.name)))
