"""A table for a second reader: the parts to look at, and empty columns for what they are. No labels."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.table import text_cell
from SeriesClassifierLib.records import Prediction
from SeriesClassifierLib.vocabulary import check

_PLACE = ("study_uid", "series_uid", "part", "series_number", "description", "part_key")
# The order in which people name them.
_ASKED = ("sequence", "plane", "phase", "derived", "region")
_NEEDED = ("series_uid", "part")


@dataclass(frozen=True, slots=True)
class Reading:
    """The label that a reader gives one part. ``place`` is the row of the table, for messages."""

    series_uid: str
    part: int
    facets: Mapping[str, str]
    part_key: str = ""
    study_uid: str = ""
    place: str = field(default="", compare=False)


def write_reading_table(sample: Iterable[Prediction], path: str | PathLike[str]) -> int:
    """Write the CSV that a second reader fills in; returns the number of rows.

    Raises UsageError for another ending and for a file that is there (it may be filled in already),
    SeriesClassifierError when it cannot be written.
    """
    asked = Path(path)
    if asked.suffix.lower() != ".csv":
        raise UsageError(f"{asked} is not a table to fill in: end the name in .csv")
    if asked.exists():
        raise UsageError(f"{asked} is there and may be filled in already: name another file")
    n_rows = 0
    with replacing(asked) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_PLACE, *_ASKED))
        for n_rows, p in enumerate(sample, start=1):  # noqa: B007  the count is the result
            number = "" if p.series_number is None else p.series_number
            place = (
                text_cell(p.study_uid),
                text_cell(p.series_uid),
                p.part,
                number,
                text_cell(p.description),
                text_cell(p.part_key),
            )
            writer.writerow((*place, *("" for _ in _ASKED)))
    return n_rows


def read_reading_table(path: str | PathLike[str]) -> list[Reading]:
    """The rows of a filled-in table, those that are still empty left out.

    Takes what spreadsheets make of it: semicolons, a byte order mark, columns in another order. Raises
    UsageError, with the line, for what cannot be understood.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): check the path") from error
    lines = text.splitlines()
    head = lines[0] if lines else ""
    rows = csv.DictReader(lines, delimiter=max(",;\t", key=head.count), restkey="")
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise UsageError(f"{path} has no column {missing[0]!r}: use a table of 'review sample'")
    found: list[Reading] = []
    seen: set[tuple[str, str, str | int]] = set()
    try:
        for row in rows:
            values = {name: (row.get(name) or "").strip() for name in (*_PLACE, *_ASKED)}
            facets = {name: check(name, values[name]) for name in _ASKED if values[name]}
            if facets:
                uid, part = _uid(values["series_uid"]), _part(values["part"])
                key = (values["study_uid"], uid, values["part_key"] or part)
                if key in seen:
                    raise UsageError("this part is in the table twice: keep one row")
                seen.add(key)
                place = f"{path}, line {rows.line_num}"
                found.append(Reading(uid, part, facets, values["part_key"], values["study_uid"], place))
    except (UsageError, csv.Error) as error:
        raise UsageError(f"{path}, line {rows.line_num}: {error}") from error
    return found


def _uid(text: str) -> str:
    if not text:
        raise UsageError("no series_uid: leave this column as it was")
    return text


def _part(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) < 1:
        raise UsageError(f"{text!r} is not a part number: leave this column as it was")
    return int(text)
