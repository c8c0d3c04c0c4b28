"""The fields of the worker's jobs: one type a name, whatever the job, checked before a job begins."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from SeriesClassifierLib.errors import UsageError

_LARGEST_WHOLE = 2**31 - 1
_MOST_JOBS = 256
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 40


@dataclass(frozen=True)
class Kind:
    """What a field may be: in words, and as a test."""

    words: str
    fits: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    """Text that can be a path and go into a database: a NUL ends the one, a lone surrogate is in neither."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_whole(value: Any, lowest: int, highest: int = _LARGEST_WHOLE) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_images(value: Any) -> bool:
    """Part key -> [path, frame] of each of its images."""
    return isinstance(value, dict) and all(
        _is_text(key) and isinstance(places, list) and all(map(_is_image, places))
        for key, places in value.items()
    )


def _is_image(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and _is_text(value[0]) and _is_whole(value[1], 0)


TEXT = Kind("text (without NUL)", _is_text)
TEXTS = Kind("a list of texts", _are_texts)
YES_OR_NO = Kind("true or false", lambda value: isinstance(value, bool))
SHARE = Kind("a number between 0 and 1", _is_share)
COUNT = Kind("a whole number from 1", lambda value: _is_whole(value, 1))
NUMBER = Kind("a whole number from 0", lambda value: _is_whole(value, 0))
JOBS = Kind(f"a whole number from 0 to {_MOST_JOBS}", lambda value: _is_whole(value, 0, _MOST_JOBS))
IMAGES = Kind("an object: part key -> list of [path, frame]", _are_images)

FIELDS: Mapping[str, Kind] = {
    **dict.fromkeys(("source", "journal", "database", "out", "html"), TEXT),
    **dict.fromkeys(("mode", "task", "bundle", "base", "recipe", "old", "new", "name"), TEXT),
    **dict.fromkeys(("study_uid", "series_uid", "part_key", "grade", "user"), TEXT),
    **dict.fromkeys(("series", "keys", "picture_bundles", "files", "data"), TEXTS),
    **dict.fromkeys(("resume", "dicom", "volumes"), YES_OR_NO),
    "limit": COUNT,
    "max_error": SHARE,
    "seed": NUMBER,
    "jobs": JOBS,
    "pictures": IMAGES,
}

# Null says something of these: all of them.
_NULL_IS_ALL = frozenset({"series", "keys", "part_key", "limit"})


def checked(job: Mapping[str, Any]) -> dict[str, Any]:
    """The job without the fields that are null, except where that means "all".

    Raises UsageError when a field is not of its type.
    """
    for name, value in job.items():
        kind = FIELDS.get(name)
        if kind is not None and value is not None and not kind.fits(value):
            raise UsageError(f"field {name!r} must be {kind.words}, and is {shown(value)}")
    return {name: value for name, value in job.items() if value is not None or name in _NULL_IS_ALL}


def shown(value: Any) -> str:
    """A value for a message: short, whatever it is."""
    return "not finite" if isinstance(value, float) and not math.isfinite(value) else _SHORT.repr(value)
