"""One entry of the journal, and how a prediction becomes one and comes back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from SeriesClassifierLib.records import DecidedBy, Evidence, Prediction, Status


class EventKind(str, Enum):
    """What happened."""

    PREDICTION = "prediction"
    CORRECTION = "correction"
    UNDO = "undo"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a series. Never changed once written.

    ``time`` is UTC as ``2026-01-31T12:00:00.000000Z``. ``part`` is None for all parts of the series.
    ``batch`` is shared by what was written together: predictions of a study, corrections of one step.
    ``payload`` holds what belongs to the kind: the rest of a prediction; ``facets`` and ``note`` of a
    correction; ``undoes``, a correction's id; the ``text`` of a note, which is a blind reading when it has
    ``reading``, facets as those of a correction.
    """

    id: str
    time: str
    kind: EventKind
    actor: str
    series_uid: str
    part: int | None
    payload: Mapping[str, Any]
    study_uid: str = ""
    series_number: int | None = None
    bundle: str = ""
    bundle_digest: str = ""
    fingerprint: str = ""
    batch: str = ""


_OWN_FIELDS = frozenset(
    ("series_uid", "part", "study_uid", "series_number", "bundle", "bundle_digest", "fingerprint")
)
_PAYLOAD_FIELDS = tuple(f.name for f in fields(Prediction) if f.name not in _OWN_FIELDS)
# Not in journals that older versions wrote.
_LATER_FIELDS = frozenset(("protocol",))
_MOST_INTEGER = 2**63 - 1
# What the payload of an event must hold, by kind.
REQUIRED: Mapping[EventKind, frozenset[str]] = {
    EventKind.PREDICTION: frozenset(_PAYLOAD_FIELDS) - _LATER_FIELDS,
    EventKind.CORRECTION: frozenset(("facets", "note")),
    EventKind.UNDO: frozenset(("undoes",)),
    EventKind.NOTE: frozenset(("text",)),
}


def prediction_event(prediction: Prediction, *, id: str, time: str, actor: str, batch: str) -> Event:
    """The event that records a prediction. Numbers that are not finite are left out."""
    payload = {name: getattr(prediction, name) for name in _PAYLOAD_FIELDS}
    payload["protocol"] = dict(prediction.protocol)
    payload["b_value"] = _finite(prediction.b_value)
    payload["confidence"] = _finite(prediction.confidence)
    payload["evidence"] = [[evidence.kind, evidence.text] for evidence in prediction.evidence]
    payload["probabilities"] = {
        facet: {name: float(p) for name, p in of_class.items() if math.isfinite(p)}
        for facet, of_class in prediction.probabilities.items()
    }
    number = prediction.series_number
    return Event(
        id=id,
        time=time,
        kind=EventKind.PREDICTION,
        actor=actor,
        series_uid=prediction.series_uid,
        part=prediction.part,
        payload=payload,
        study_uid=prediction.study_uid,
        series_number=number if number is not None and abs(number) <= _MOST_INTEGER else None,
        bundle=prediction.bundle,
        bundle_digest=prediction.bundle_digest,
        fingerprint=prediction.fingerprint,
        batch=batch,
    )


def event_prediction(event: Event) -> Prediction:
    """The prediction that an event records, as the model made it."""
    values = {name: event.payload[name] for name in _PAYLOAD_FIELDS if name in event.payload}
    values["status"] = Status(values["status"])
    values["decided_by"] = DecidedBy(values["decided_by"])
    values["evidence"] = tuple(Evidence(kind, text) for kind, text in values["evidence"])
    return Prediction(
        series_uid=event.series_uid,
        part=event.part or 1,
        study_uid=event.study_uid,
        series_number=event.series_number,
        bundle=event.bundle,
        bundle_digest=event.bundle_digest,
        fingerprint=event.fingerprint,
        **values,
    )


def dump_prediction(prediction: Prediction) -> str:
    """A prediction as one line of JSON."""
    event = prediction_event(prediction, id="", time="", actor="", batch="")
    return json.dumps({name: getattr(event, name) for name in (*sorted(_OWN_FIELDS), "payload")})


def load_prediction(line: str) -> Prediction:
    """The prediction that ``dump_prediction`` wrote."""
    return event_prediction(Event(id="", time="", kind=EventKind.PREDICTION, actor="", **json.loads(line)))


def dump_payload(payload: Mapping[str, Any]) -> str:
    """JSON of a payload: the same payload always gives the same text."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
