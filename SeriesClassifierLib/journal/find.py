"""Name a series briefly, and find it by what a person types: its UID, a piece of it, or study/number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.identity import series_key, values_of
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.part_names import name_of_values
from SeriesClassifierLib.records import Prediction

SeriesKey = tuple[str, str]  # study UID, series UID

# UIDs of one site begin alike: their ends tell them apart.
_END = 8
_LONGER_ENDS = (12, 16, 24)
_SHORTEST = 4
_MOST_LISTED = 5
_NUMBER = re.compile(r"-?[0-9]{1,12}")


def reference(prediction: Prediction) -> str:
    """``reference_of`` the series of a prediction."""
    return reference_of(prediction.study_uid, prediction.series_uid, prediction.series_number)


def reference_of(study_uid: str, series_uid: str, series_number: int | None) -> str:
    """A short name of a series, as ``find_series`` takes it: the end of its study's UID and its number.

    Where a series has no number, the end of its own UID; "" for a file of no series. Two series may have one
    name: then ``find_series`` says so.
    """
    own = series_uid[-_END:] if series_number is None else str(series_number)
    return f"{study_uid[-_END:]}/{own}" if series_uid else ""


def find_series(journal: Journal, text: str) -> list[Prediction]:
    """The parts, as they stand, of the series that ``text`` names: a SeriesInstanceUID, its beginning or end,
    or the study (its UID, beginning or end), a slash, and the number or UID of the series.

    Raises UsageError when the journal knows none, or several: the message lists a sure name of each.
    """
    found = series_named(journal, text)
    if not found:
        raise UsageError(f"the journal has no series {text!r}: {_advice(text)}")
    if len(found) > 1:
        listed = "; ".join(_sure_names(journal, found[:_MOST_LISTED]))
        more = f"; and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
        raise UsageError(f"{text!r} could be {len(found)} series: type one of {listed}{more}")
    ((study_uid, series_uid),) = found
    parts = journal.current_series(series_uid, study_uid)
    if not parts:
        raise UsageError(f"what the journal has of series {text!r} is damaged: classify the series again")
    return parts


def series_named(journal: Journal, text: str) -> list[SeriesKey]:
    """All series that ``text`` can mean, sorted. A whole UID is not taken for a piece of a longer one."""
    study, slash, series = text.strip().rpartition("/")
    if not series:
        return []
    if not slash:
        found = {key for key in journal.find_series(series) if _is_piece(series, key[1])}
        return sorted({key for key in found if key[1] == series} or found)
    named = journal.find_series(series, study)
    found = {key for key in named if _is_piece(study, key[0]) and _is_piece(series, key[1])}
    found |= set(_numbered(journal, study, series))
    whole = f"{study}/{series}"
    exact = {key for key in found if series_key(*key) == whole}
    if exact:
        # The table may show the very same text for a series of longer UIDs: that one is meant, too.
        found = {key for key in found - exact if _shown(journal, key) == whole}
    return sorted(exact | found)


def _shown(journal: Journal, key: SeriesKey) -> str:
    parts = journal.current_series(key[1], key[0])
    return reference(parts[0]) if parts else ""


def find_part(parts: list[Prediction], part: str | None) -> list[Prediction]:
    """Those of the parts of a series that ``part`` names: by number, by key, or by values that tell parts
    apart, as their key or their name has them ("b=400", "b 400, TE 80"); None stands for all. Raises
    UsageError when there is no such part.
    """
    if part is None:
        return parts
    found = [p for p in parts if part in (str(p.part), p.part_key)]
    wanted = _values(part)
    for of_key in (values_of, name_of_values):
        found = found or [p for p in parts if wanted and wanted <= _values(of_key(p.part_key))]
    if not found:
        there = ", ".join(map(part_name, parts))
        raise UsageError(f"there is no part {part!r} in this series: choose from {there}")
    return found


def part_name(prediction: Prediction) -> str:
    """The number of a part with what tells it apart: "2 (b 400)", "1" where nothing does."""
    name = name_of_values(prediction.part_key)
    return f"{prediction.part} ({name})" if name else str(prediction.part)


def _values(text: str) -> frozenset[str]:
    return frozenset(value for value in (one.strip().lower() for one in text.split(",")) if value)


def _is_piece(piece: str, uid: str) -> bool:
    """Whether ``piece`` is a UID, or an end or beginning of it that is long enough to mean something."""
    return uid == piece or (len(piece) >= _SHORTEST and (uid.startswith(piece) or uid.endswith(piece)))


def _numbered(journal: Journal, study: str, number: str) -> Iterator[SeriesKey]:
    """The series that have this number now: an earlier run may have seen another one."""
    if not _NUMBER.fullmatch(number):
        return
    for study_uid, series_uid in journal.find_numbered(int(number), study):
        if _is_piece(study, study_uid):
            parts = journal.current_series(series_uid, study_uid)
            if parts and parts[0].series_number == int(number):
                yield study_uid, series_uid


def _advice(text: str) -> str:
    study, slash, series = text.strip().rpartition("/")
    is_short = not _NUMBER.fullmatch(series) if slash else True
    if (slash and len(study) < _SHORTEST) or (is_short and len(series) < _SHORTEST):
        return f"give {_SHORTEST} characters or more of a UID"
    return "take its name from the first column of 'journal show'"


def _sure_names(journal: Journal, keys: Iterable[SeriesKey]) -> Iterator[str]:
    """Of each series the shortest name that means no other, and its label."""
    for key in keys:
        parts = journal.current_series(key[1], key[0])
        label = f" ({parts[0].label})" if parts else ""
        names = _names(key, parts[0].series_number if parts else None)
        yield next((n for n in names if series_named(journal, n) == [key]), series_key(*key)) + label


def _names(key: SeriesKey, number: int | None) -> Iterator[str]:
    study_uid, series_uid = key
    yield reference_of(study_uid, series_uid, number)
    for end in _LONGER_ENDS:
        if number is not None:
            yield f"{study_uid[-end:]}/{number}"
        yield f"{study_uid[-end:]}/{series_uid[-end:]}"
