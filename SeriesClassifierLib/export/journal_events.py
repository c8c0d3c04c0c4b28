"""The events of a journal for other programs: JSON lines with everything, or a CSV for people."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.events import Event
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.table import text_cell
from SeriesClassifierLib.vocabulary import FACETS

CSV_COLUMNS = (
    *("id", "time", "kind", "actor", "study_uid", "series_uid", "part", "series_number"),
    *("label", *FACETS, "status", "decided_by", "confidence", "note", "undoes"),
    *("bundle", "bundle_digest", "fingerprint"),
)
_PATIENT = "patient_id"


def write_events(events: Iterable[Event], path: str | PathLike[str], *, with_patient_id: bool = False) -> int:
    """Write ``.jsonl`` (whole events) or ``.csv`` (no probabilities, no evidence); returns the number of
    events.

    PatientID is left out unless ``with_patient_id``, then CSV has it as its last column. Raises UsageError
    for another ending or a missing folder, SeriesClassifierError when the file cannot be written.
    """
    writers = {".jsonl": _to_json_lines, ".csv": _to_csv}
    writer = writers.get(Path(path).suffix.lower())
    if writer is None:
        raise UsageError(f"{path} is no kind of export we write: end it in {' or '.join(writers)}")
    return writer(events, path, with_patient_id)


def _to_json_lines(events: Iterable[Event], path: str | PathLike[str], with_patient_id: bool) -> int:
    n_events = 0
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="\n") as file:
        for n_events, event in enumerate(events, start=1):  # noqa: B007  the count is the result
            values = asdict(event)
            values["payload"] = _payload(event, with_patient_id)
            file.write(json.dumps(values, sort_keys=True, allow_nan=False) + "\n")
    return n_events


def _to_csv(events: Iterable[Event], path: str | PathLike[str], with_patient_id: bool) -> int:
    columns = (*CSV_COLUMNS, _PATIENT) if with_patient_id else CSV_COLUMNS
    n_events = 0
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for n_events, event in enumerate(events, start=1):  # noqa: B007  the count is the result
            values = _flat(event)
            writer.writerow([_cell(values.get(name)) for name in columns])
    return n_events


def _payload(event: Event, with_patient_id: bool) -> dict[str, Any]:
    return {name: value for name, value in event.payload.items() if with_patient_id or name != _PATIENT}


def _flat(event: Event) -> Mapping[str, Any]:
    payload = event.payload
    own = {name: value for name, value in asdict(event).items() if name != "payload"}
    note = payload.get("note", payload.get("text"))
    return {**payload, **payload.get("facets", {}), **own, "kind": event.kind.value, "note": note}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return text_cell(value) if isinstance(value, str) else str(value)
