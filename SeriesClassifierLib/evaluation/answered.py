"""One labelled part with what a bundle says of it: what every measure is made of."""

from __future__ import annotations

from dataclasses import dataclass

from SeriesClassifierLib.records import Status


@dataclass(frozen=True, slots=True)
class Answered:
    """``truth`` and ``answer`` are classes of one facet; ``answer`` is "unknown" where the bundle has none.

    ``exam`` is the patient (a pseudonym): intervals draw patients, not parts. ``confidence`` is that of the
    answer, None where a fact decided or nothing did. ``missing`` names groups of tags that the header lacks
    ("timing", "codes", "words", ...). ``trained`` says that the bundle has seen this patient in training.
    """

    name: str
    exam: str
    truth: str
    answer: str
    confidence: float | None
    status: Status
    vendor: str
    missing: tuple[str, ...] = ()
    trained: bool = False

    @property
    def right(self) -> bool:
        """Whether the answer is the truth."""
        return self.answer == self.truth
