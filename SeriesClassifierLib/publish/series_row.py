"""One row a series: what a list of series shows, with the rows of its parts where there are several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from SeriesClassifierLib.identity import series_key
from SeriesClassifierLib.journal.find import part_name
from SeriesClassifierLib.publish.summary import series_status, series_summary
from SeriesClassifierLib.publish.table import plain_text
from SeriesClassifierLib.records import Prediction, Status

_UNDECIDED = (Status.UNKNOWN, Status.FAILED)


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of a series, texts and numbers only. ``key`` is its part key, ``part`` its number, ``name``
    the number with what tells it apart: "2 (TI 400)".
    """

    key: str
    part: int
    name: str
    label: str
    region: str
    sequence: str
    plane: str
    phase: str
    derived: str
    b_value: float | None
    confidence: float | None
    status: str
    decided_by: str
    n_instances: int
    error: str


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A whole series: the confidence of its least certain part, the status of its most doubtful one.

    ``key`` is its ``identity.series_key``; a file of no series is known by its name.
    """

    key: str
    series_uid: str
    study_uid: str
    series_number: int | None
    description: str
    label: str
    confidence: float | None
    status: str
    decided_by: str
    region: str
    parts: tuple[PartRow, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for JSON. ``SeriesRow`` holds no patient identifier, nor does this."""
        return asdict(self)


def series_rows(predictions: Iterable[Prediction]) -> list[SeriesRow]:
    """One row a series, from predictions in which the parts of a series follow each other."""
    return [_row(list(parts)) for _, parts in groupby(predictions, key=_key)]


def _key(prediction: Prediction) -> str:
    """Files that belong to no series are told apart by their names."""
    return series_key(prediction.study_uid, prediction.series_uid or prediction.description)


def part_row_key(prediction: Prediction) -> str:
    """The key of a part, or what stands for it in labels of version 1, which have none."""
    return prediction.part_key or f"{_key(prediction)}#{prediction.part}"


def _row(predictions: Sequence[Prediction]) -> SeriesRow:
    parts = sorted(predictions, key=lambda p: p.part)
    first = parts[0]
    confidences = [p.confidence for p in parts if p.confidence is not None]
    return SeriesRow(
        key=_key(first),
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        series_number=first.series_number,
        description=plain_text(first.description),
        label=series_summary(parts),
        confidence=min(confidences) if confidences else None,
        status=series_status(parts).value,
        decided_by=" ".join(dict.fromkeys(p.decided_by.value for p in parts if p.status not in _UNDECIDED)),
        region=" ".join(dict.fromkeys(p.region for p in parts)),
        parts=tuple(_part(p) for p in parts),
    )


def _part(p: Prediction) -> PartRow:
    return PartRow(
        key=part_row_key(p),
        part=p.part,
        name=part_name(p),
        label=p.label,
        region=p.region,
        sequence=p.sequence,
        plane=p.plane,
        phase=p.phase,
        derived=p.derived,
        b_value=p.b_value,
        confidence=p.confidence,
        status=p.status.value,
        decided_by="" if p.status in _UNDECIDED else p.decided_by.value,
        n_instances=p.n_instances,
        error=plain_text(p.error),
    )
