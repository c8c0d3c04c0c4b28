"""A whole series in a few words: what its row says in a browser, a panel or a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from SeriesClassifierLib.part_names import by_one_value
from SeriesClassifierLib.records import UNKNOWN, Prediction, Status
from SeriesClassifierLib.vocabulary import label_text

# A browser column shows some forty characters before it cuts, and CTK declares 255.
_MOST_WORDS = 6
_MOST_CHARACTERS = 255
_NOT_SAID = ("", UNKNOWN, "NONE", "ORIGINAL")


def series_summary(predictions: Sequence[Prediction]) -> str:
    """The labels of all parts of one series as one text; "?" when nothing is known.

    The label itself for a single part. For several what they share, their number, and what tells them apart:
    "DWI AX x3: b50/b400/b800", "DCE x4: PRE/ART/PORTVEN/LATE" (a dynamic series is told by its phases alone),
    "T1 SAG x3: TI 100/400/900", "LOCALIZER MULTI" when only the planes differ.
    """
    parts = sorted(predictions, key=lambda p: p.part)
    known = [p for p in parts if p.sequence not in ("", UNKNOWN)]
    if not known:
        return "?"
    if len(parts) == 1:
        return known[0].label
    sequence, phase, derived = _shared(parts, "sequence"), _shared(parts, "phase"), _shared(parts, "derived")
    plane = _shared(parts, "plane") or "MULTI"
    b_values = {p.b_value for p in parts}
    if sequence is None:
        words = [p.sequence if p in known else "?" for p in parts]
        head = _said(plane, "")
    elif len(b_values) > 1:
        words = [f"b{p.b_value:g}" if p.b_value is not None else _said(p.derived, "?") for p in parts]
        head = label_text(sequence=sequence, plane=plane, derived=derived or "")
    elif phase is None:
        words = [_said(p.phase, "?") for p in parts]
        head = label_text(sequence=sequence, plane="" if sequence == "DCE" else plane, derived=derived or "")
    elif derived is None:
        words = [p.derived for p in parts]
        head = label_text(sequence=sequence, plane=plane, phase=phase)
    else:
        (b_value,) = b_values
        head = label_text(sequence=sequence, plane=plane, phase=phase, derived=derived, b_value=b_value)
        told_apart = by_one_value(p.part_key for p in parts)
        if told_apart:
            return f"{head} x{len(parts)}: {told_apart[0]} {_joined(told_apart[1:])}"
        return head if plane == "MULTI" else f"{head} x{len(parts)}"
    return f"{head} x{len(parts)}: {_joined(words)}".strip()


def _said(value: str, otherwise: str) -> str:
    return otherwise if value in _NOT_SAID else value


def series_status(predictions: Sequence[Prediction]) -> Status:
    """How far the whole series may be trusted: one doubtful part makes all of it doubtful."""
    statuses = {p.status for p in predictions}
    if statuses <= {Status.FAILED}:
        return Status.FAILED
    if statuses <= {Status.UNKNOWN, Status.FAILED}:
        return Status.UNKNOWN
    if statuses & {Status.REVIEW, Status.UNKNOWN, Status.FAILED}:
        return Status.REVIEW
    return Status.CORRECTED if Status.CORRECTED in statuses else Status.AUTO


_MARKS = {Status.REVIEW: " ?", Status.CORRECTED: " *"}


def column_text(predictions: Sequence[Prediction]) -> str:
    """What the browser column says: "T2 AX" (auto), "T2 AX ?" (review), "?" (unknown), "T2 AX *" (human)."""
    summary, status = series_summary(predictions), series_status(predictions)
    if summary == "?" or status in (Status.UNKNOWN, Status.FAILED):
        return "?"
    mark = _MARKS.get(status, "")
    return summary[: _MOST_CHARACTERS - len(mark)] + mark


def _shared(predictions: Sequence[Prediction], facet: str) -> str | None:
    """The value that all have, or None when they differ."""
    values = {getattr(p, facet) for p in predictions}
    return values.pop() if len(values) == 1 else None


def _joined(words: Sequence[str]) -> str:
    different = list(dict.fromkeys(words))
    if len(different) > _MOST_WORDS:
        different = [*different[: _MOST_WORDS - 2], "...", different[-1]]
    return "/".join(different)


def column_texts(predictions: Iterable[Prediction]) -> dict[str, str]:
    """SeriesInstanceUID -> text of the browser column, from predictions in which a series' parts follow each
    other.

    The browser has one row for a UID that several studies use: it shows the class where they agree, and "?"
    where they do not.
    """
    texts: dict[str, str] = {}
    for (series_uid, _), parts in groupby(predictions, key=lambda p: (p.series_uid, p.study_uid)):
        if series_uid:
            text = column_text(list(parts))
            texts[series_uid] = text if texts.get(series_uid, text) == text else "?"
    return texts
