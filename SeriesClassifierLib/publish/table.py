"""The table of labels: one row a part, the same columns in CSV, JSON and Parquet.

The same labels give the same bytes. Rows are written as they come, so memory stays flat.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.explain import evidence_text
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import Evidence, Opinion, Prediction

COLUMNS = (
    "patient_id",
    "study_uid",
    "series_uid",
    "part",
    "series_number",
    "description",
    "task",
    "label",
    "region",
    "sequence",
    "plane",
    "phase",
    "derived",
    "b_value",
    "confidence",
    "status",
    "decided_by",
    "bundle",
    "n_instances",
    "error",
    "part_key",
)
_INTEGERS = frozenset(("part", "series_number", "n_instances"))
_FLOATS = frozenset(("b_value", "confidence"))
_DECIMALS = 4
_PARQUET_ROWS = 10_000
_MOST_INTEGER = 2**63 - 1
# A spreadsheet takes a cell that starts like this for a formula.
_FORMULA = re.compile(r"[=+\-@]")
# Control characters, and those that turn the direction of the text and so hide what it says.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")

Value = str | int | float | None


def sort_key(prediction: Prediction) -> tuple[str, float, str, int]:
    """The order of the table: study, series number (none comes last), series, part."""
    number = prediction.series_number
    return (
        prediction.study_uid,
        math.inf if number is None else number,
        prediction.series_uid,
        prediction.part,
    )


def row(prediction: Prediction) -> dict[str, Value]:
    """The public columns of a prediction. Texts hold no control characters; numbers are finite or None."""
    return {name: _value(getattr(prediction, name)) for name in COLUMNS}


def write_table(predictions: Iterable[Prediction], path: str | PathLike[str]) -> int:
    """Write ``.csv``, ``.json`` or ``.parquet`` by the ending of ``path``; returns the number of rows.

    Rows keep the given order. The file appears whole or not at all. Raises UsageError for another ending, a
    missing folder or a missing pyarrow; SeriesClassifierError when the file cannot be written.
    """
    check_suffix(path)
    return _writers()[Path(path).suffix.lower()](predictions, path)


def check_suffix(path: str | PathLike[str]) -> None:
    """Raises UsageError when no table is written to a file with this ending."""
    if Path(path).suffix.lower() not in _writers():
        raise UsageError(f"{path} is no kind of table we write: end it in {', '.join(_writers())}")


def _writers() -> dict[str, Callable[[Iterable[Prediction], str | PathLike[str]], int]]:
    return {".csv": to_csv, ".json": to_json, ".parquet": to_parquet}


def to_csv(predictions: Iterable[Prediction], path: str | PathLike[str]) -> int:
    """Write CSV: UTF-8, one header line, ``\\n`` line ends, None as nothing; returns the number of rows.

    A text that a spreadsheet would run as a formula gets an apostrophe in front. Raises as ``write_table``.
    """
    n_rows = 0
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for n_rows, prediction in enumerate(predictions, start=1):  # noqa: B007  the count is the result
            writer.writerow([_cell(name, value) for name, value in row(prediction).items()])
    return n_rows


def to_json(predictions: Iterable[Prediction], path: str | PathLike[str]) -> int:
    """Write a JSON list of objects: columns, ``evidence`` (see ``evidence_json``), ``probabilities`` (a list
    of what each witness gives for each facet); returns the number of rows.

    Raises as ``write_table``.
    """
    n_rows = 0
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for n_rows, prediction in enumerate(predictions, start=1):
            file.write(",\n" if n_rows > 1 else "\n")
            file.write(json.dumps(_json_object(prediction), ensure_ascii=False, allow_nan=False))
        file.write("\n]\n")
    return n_rows


def to_parquet(predictions: Iterable[Prediction], path: str | PathLike[str]) -> int:
    """Write Parquet with typed columns; returns the number of rows. Raises as ``write_table``."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow: pip install 'series-classifier[parquet]', or write .csv or .json"
        ) from error
    schema = pa.schema([(name, _arrow_type(pa, name)) for name in COLUMNS])
    n_rows = 0
    rows: Iterator[dict[str, Value]] = map(row, predictions)
    with replacing(path) as draft, pq.ParquetWriter(draft, schema) as writer:
        while chunk := list(islice(rows, _PARQUET_ROWS)):
            n_rows += len(chunk)
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
    return n_rows


def plain_text(text: str) -> str:
    """One line of text that any file can hold: no control characters, no broken Unicode."""
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8").strip()


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """The fields of a piece of evidence, and its sentence as ``text``, as plain values for JSON."""
    found = {f.name: getattr(evidence, f.name) for f in fields(evidence)}
    plain = {name: value if isinstance(value, bool) else _value(value) for name, value in found.items()}
    return {**plain, "text": plain_text(evidence_text.text(evidence))}


def text_cell(text: str) -> str:
    """A text as a CSV cell: one line, and with an apostrophe in front where a spreadsheet would run it."""
    plain = plain_text(text)
    return f"'{plain}" if _FORMULA.match(plain) else plain


def _value(value: Any) -> Value:
    if value is None:
        return None
    if isinstance(value, str):
        return plain_text(getattr(value, "value", value))
    if isinstance(value, int):
        return value if abs(value) <= _MOST_INTEGER else None
    return round(float(value), _DECIMALS) if math.isfinite(value) else None


def _whole(name: str, value: Value) -> Value:
    """b-values are whole numbers in nearly every file and should look like it."""
    return int(value) if name == "b_value" and isinstance(value, float) and value.is_integer() else value


def _cell(name: str, value: Value) -> str:
    if value is None:
        return ""
    if name == "confidence":
        return f"{value:.{_DECIMALS}f}"
    return text_cell(value) if isinstance(value, str) else str(_whole(name, value))


def _json_object(prediction: Prediction) -> dict[str, Any]:
    columns: dict[str, Any] = {name: _whole(name, value) for name, value in row(prediction).items()}
    columns["evidence"] = [evidence_json(e) for e in prediction.evidence]
    columns["probabilities"] = [_opinion_json(opinion) for opinion in prediction.opinions]
    return columns


def _opinion_json(opinion: Opinion) -> dict[str, Any]:
    return {
        "witness": opinion.witness.value,
        "task": plain_text(opinion.task),
        "facet": plain_text(opinion.facet),
        "classes": {plain_text(name): _value(float(p)) for name, p in opinion.classes.items()},
    }


def _arrow_type(pa: Any, name: str) -> Any:
    if name in _INTEGERS:
        return pa.int64()
    return pa.float64() if name in _FLOATS else pa.string()
