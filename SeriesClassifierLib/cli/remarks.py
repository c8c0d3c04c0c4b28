"""What ``classify`` must not hide: series whose files contradict themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.journal.find import reference
from SeriesClassifierLib.publish.table import plain_text
from SeriesClassifierLib.records import Evidence, Prediction, Reason, Witness
from SeriesClassifierLib.sources.left_out import listed

_MOST_NAMED = 3


@dataclass
class _Kind:
    """The series that a remark is about: how many, the first few by name, and what is said of the first."""

    first: Evidence
    series: int = 0
    names: list[str] = field(default_factory=list)
    differ: bool = False

    @property
    def text(self) -> str:
        """What is said of the first, in one line."""
        return plain_text(text(self.first))

    def add(self, name: str, evidence: Evidence) -> None:
        self.series += 1
        self.differ |= evidence != self.first
        if name and len(self.names) < _MOST_NAMED:
            self.names.append(name)


class FileRemarks:
    """Counts what was remarked on the files of series. Memory does not grow with the number of series."""

    def __init__(self) -> None:
        self._kinds: dict[Reason, _Kind] = {}

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count those of all parts of some series."""
        for prediction, evidence in remarks_of(predictions):
            kind = self._kinds.setdefault(evidence.reason, _Kind(evidence))
            kind.add(reference(prediction), evidence)

    def lines(self) -> list[str]:
        """One line for each kind, for people."""
        return [
            f"{kind.series} series ({listed(kind.series, kind.names)}): "
            f"{'for example, ' if kind.differ else ''}{kind.text}"
            for _, kind in self._ordered()
        ]

    def as_json(self) -> list[dict[str, object]]:
        """Plain values, for JSON."""
        return [
            {"reason": reason.value, "series": kind.series, "examples": kind.names, "text": kind.text}
            for reason, kind in self._ordered()
        ]

    def _ordered(self) -> list[tuple[Reason, _Kind]]:
        return sorted(self._kinds.items(), key=lambda item: item[0].value)


def remarks_of(predictions: Iterable[Prediction]) -> list[tuple[Prediction, Evidence]]:
    """What was remarked on the files of each series, once a series and kind."""
    found: dict[tuple[str, str, Reason], tuple[Prediction, Evidence]] = {}
    for prediction in predictions:
        for evidence in prediction.evidence:
            if evidence.witness is Witness.FILE:
                key = (prediction.study_uid, prediction.series_uid, evidence.reason)
                found.setdefault(key, (prediction, evidence))
    return list(found.values())
