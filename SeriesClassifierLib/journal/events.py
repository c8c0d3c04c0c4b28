"""One entry of the journal, and how a prediction becomes one and comes back.

A reader takes what it knows: fields that a newer version added are passed over, those that an older one did
not know have their defaults. What cannot be read raises ValueError, and the caller counts the row as damaged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime, timezone
from enum import Enum
from typing import Any, TypeVar

from SeriesClassifierLib.records import (
    UNKNOWN,
    DecidedBy,
    Evidence,
    Opinion,
    Prediction,
    Reason,
    Status,
    Witness,
)

# Of ``Event.time``, in UTC, and the first that can be true: the program is no older.
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
EARLIEST = datetime(2020, 1, 1, tzinfo=timezone.utc)


class EventKind(str, Enum):
    """What happened."""

    PREDICTION = "prediction"
    CORRECTION = "correction"
    UNDO = "undo"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a part of a series. Never changed once written.

    ``time`` is UTC as ``2026-01-31T12:00:00.000000Z``. ``part_key`` is what the event is about, and "" in
    events of version 1, where ``part`` (None: all parts) has to do; since then ``part`` is for people.
    ``batch`` is shared by what was written together: predictions of a study, corrections of one step.
    ``payload`` holds what belongs to the kind: the rest of a prediction; ``facets``, ``note``,
    ``protocol`` and ``patient_id`` of a correction, or ``unseen`` where nobody knew its images;
    ``undoes``, a correction's id; the ``text`` of a note, which is a blind
    reading when it has ``reading``, facets as those of a correction.
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
    part_key: str = ""


# In columns of their own, or (images) in a table of their own.
_OWN_FIELDS = (
    *("series_uid", "part", "study_uid", "series_number", "bundle", "bundle_digest", "fingerprint"),
    "part_key",
)
_MOST_INTEGER = 2**63 - 1
_MOST_INSTANCES = 10_000_000


def prediction_event(prediction: Prediction, *, id: str, time: str, actor: str, batch: str) -> Event:
    """The event that records a prediction. Numbers that are not finite are left out."""
    number = prediction.series_number
    return Event(
        id=id,
        time=time,
        kind=EventKind.PREDICTION,
        actor=actor,
        series_uid=prediction.series_uid,
        part=prediction.part,
        payload={name: encode(getattr(prediction, name)) for name, encode in _encoders().items()},
        study_uid=prediction.study_uid,
        series_number=number if number is not None and abs(number) <= _MOST_INTEGER else None,
        bundle=prediction.bundle,
        bundle_digest=prediction.bundle_digest,
        fingerprint=prediction.fingerprint,
        batch=batch,
        part_key=prediction.part_key,
    )


def event_prediction(event: Event) -> Prediction:
    """The prediction that an event records, as the model made it. Raises ValueError if it cannot be read."""
    values: dict[str, Any] = {}
    for name in _IN_PAYLOAD:
        if name in event.payload:
            decode = _DECODERS.get(name)
            values[name] = decode(event.payload[name]) if decode else event.payload[name]
    if "probabilities" in event.payload:
        values.setdefault("opinions", _opinions_of_version_1(event.payload["probabilities"]))
    missing = _NEEDED - values.keys()
    if missing:
        raise ValueError(f"a prediction without {min(missing)}")
    if values["sequence"] == UNKNOWN:  # version 1 gave the probability of the class that it did not name
        values["confidence"] = None
    return Prediction(
        series_uid=event.series_uid,
        part=event.part or 1,
        study_uid=event.study_uid,
        series_number=event.series_number,
        bundle=event.bundle,
        bundle_digest=event.bundle_digest,
        fingerprint=event.fingerprint,
        part_key=event.part_key,
        **values,
    )


def dump_prediction(prediction: Prediction) -> str:
    """A prediction as one line of JSON, without its images."""
    event = prediction_event(prediction, id="", time="", actor="", batch="")
    return json.dumps({name: getattr(event, name) for name in (*_OWN_FIELDS, "payload")})


def load_prediction(line: str) -> Prediction:
    """The prediction that ``dump_prediction`` wrote."""
    return event_prediction(Event(id="", time="", kind=EventKind.PREDICTION, actor="", **json.loads(line)))


def dump_payload(payload: Mapping[str, Any], *, ascii_only: bool = True) -> str:
    """JSON of a payload: the same payload always gives the same text."""
    return json.dumps(
        payload, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=ascii_only
    )


def load_payload(text: object) -> dict[str, Any]:
    """The payload in ``text``. Raises ValueError when it is no JSON object of finite numbers."""
    if not isinstance(text, str):
        raise ValueError("payload is no text")
    try:
        payload = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("payload is nested too deeply") from error
    if not isinstance(payload, dict):
        raise ValueError("payload is no JSON object")
    return payload


def facets_of(payload: Mapping[str, Any], name: str = "facets") -> dict[str, str]:
    """The facets that a correction or a reading names. Raises ValueError."""
    found = payload.get(name)
    if not isinstance(found, dict) or not found:
        raise ValueError(f"no {name}")
    return {_text(facet): _text(value) for facet, value in found.items()}


def text_of(payload: Mapping[str, Any], name: str) -> str:
    """A text of a payload. Raises ValueError when it is none."""
    if name not in payload:
        raise ValueError(f"no {name}")
    return _text(payload[name])


def protocol_of(payload: Mapping[str, Any]) -> dict[str, str | float]:
    """The protocol of a payload, {} where it has none. Raises ValueError."""
    return _protocol(payload.get("protocol", {}))


# How each field of a prediction is written and read


def _encoders() -> dict[str, Callable[[Any], Any]]:
    """Field -> how it is written. A field that nobody here knows is written as it is, as plain JSON."""
    own = {"images", *_OWN_FIELDS}
    return {f.name: _ENCODERS.get(f.name, _plain) for f in fields(Prediction) if f.name not in own}


def _plain(value: Any) -> Any:
    return value


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _dump_evidence(evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    """What differs from an empty Evidence."""
    return [
        {
            f.name: _finite(value) if isinstance(value, float) else value
            for f in fields(Evidence)
            if (value := getattr(item, f.name)) != f.default or f.default is MISSING
        }
        for item in evidence
    ]


def _dump_opinions(opinions: tuple[Opinion, ...]) -> list[dict[str, Any]]:
    return [
        {
            "witness": opinion.witness,
            "task": opinion.task,
            "facet": opinion.facet,
            "classes": {name: float(p) for name, p in opinion.classes.items() if math.isfinite(p)},
        }
        for opinion in opinions
    ]


_ENCODERS: dict[str, Callable[[Any], Any]] = {
    "b_value": _finite,
    "confidence": _finite,
    "evidence": _dump_evidence,
    "opinions": _dump_opinions,
    "protocol": dict,
    "status": lambda status: status.value,
    "decided_by": lambda decided_by: decided_by.value,
}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is none")
    return value


def _class(value: object) -> str:
    """The class of a facet. One that this version does not know stays as it is: another version named it."""
    return _text(value) or UNKNOWN


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_INSTANCES:
        raise ValueError("a count is none")
    return value


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a number is none")
    return float(value)


def _probability(value: object) -> float | None:
    number = _number(value)
    if number is not None and not 0.0 <= number <= 1.0:
        raise ValueError("a probability is none")
    return number


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("a flag is none")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is none")
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object is none")
    return value


def _protocol(value: object) -> dict[str, str | float]:
    return {
        name: item if isinstance(item, str) else _number(item) or 0.0 for name, item in _object(value).items()
    }


_Named = TypeVar("_Named", Witness, Reason)


def _enum(kind: type[_Named], value: object, otherwise: _Named) -> _Named:
    """A member, or ``otherwise`` for one that a newer version knows."""
    text = _text(value)
    return kind(text) if text in kind._value2member_map_ else otherwise


# Kind of a sentence in journals of version 1 -> who said it.
_WITNESS_OF_VERSION_1 = {
    "fact": Witness.FACT,
    "header": Witness.HEADER,
    "picture": Witness.IMAGE,
    "joint": Witness.JOINT,
    "study": Witness.STUDY,
    "description": Witness.WORDS,
    "human": Witness.HUMAN,
}
_AGAINST_IN_VERSION_1 = ("conflict", "warning")


# Of Evidence: what is more than a text.
_EVIDENCE: dict[str, Callable[[object], Any]] = {
    "witness": lambda value: _enum(Witness, value, Witness.FILE),
    "reason": lambda value: _enum(Reason, value, Reason.RECORDED),
    "probability": _probability,
    "number": _number,
    "against": _flag,
    "decisive": _flag,
}


def _evidence(value: object) -> tuple[Evidence, ...]:
    return tuple(_one_evidence(item) for item in _list(value))


def _one_evidence(item: object) -> Evidence:
    if isinstance(item, list):  # version 1: kind and sentence
        kind, sentence = (_text(part) for part in item) if len(item) == 2 else ("", "")
        against = kind in _AGAINST_IN_VERSION_1
        witness = _WITNESS_OF_VERSION_1.get(kind, Witness.FILE)
        return Evidence(witness, Reason.RECORDED, detail=sentence, against=against, decisive=against)
    known = _object(item)
    names = [f.name for f in fields(Evidence) if f.name in known]
    if "witness" not in names:
        raise ValueError("evidence without a witness")
    return Evidence(**{name: _EVIDENCE.get(name, _text)(known[name]) for name in names})


def _classes(value: object) -> dict[str, float]:
    return {name: _probability(p) or 0.0 for name, p in _object(value).items()}


def _opinions(value: object) -> tuple[Opinion, ...]:
    return tuple(
        Opinion(
            _enum(Witness, _object(item).get("witness"), Witness.FILE),
            _text(item.get("task")),
            _text(item.get("facet")),
            _classes(item.get("classes")),
        )
        for item in _list(value)
    )


# How version 1 told who spoke: by a word behind the facet.
_VOICES_OF_VERSION_1 = (
    (" (header alone)", Witness.HEADER),
    (" (picture alone)", Witness.IMAGE),
    (" (both)", Witness.JOINT),
)


def _opinions_of_version_1(value: object) -> tuple[Opinion, ...]:
    found = []
    for key, classes in _object(value).items():
        voice = next(((end, w) for end, w in _VOICES_OF_VERSION_1 if key.endswith(end)), None)
        if voice is None:
            found.append(Opinion(Witness.HEADER, "headers", key, _classes(classes)))
        else:
            found.append(Opinion(voice[1], "", key.removesuffix(voice[0]), _classes(classes)))
    return tuple(found)


_TEXTS = ("patient_id", "description", "task", "label", "error")
_FACET_FIELDS = ("region", "sequence", "plane", "phase", "derived")
_DECODERS: dict[str, Callable[[object], Any]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_FACET_FIELDS, _class),
    "b_value": _number,
    "confidence": _probability,
    "status": lambda value: Status(_text(value)),
    "decided_by": lambda value: DecidedBy(_text(value)),
    "n_instances": _count,
    "evidence": _evidence,
    "opinions": _opinions,
    "protocol": _protocol,
}
_STORED = [f for f in fields(Prediction) if f.name not in (*_OWN_FIELDS, "images")]
_IN_PAYLOAD = [f.name for f in _STORED]
# What every version has written.
_NEEDED = {f.name for f in _STORED if f.default is MISSING and f.default_factory is MISSING}
