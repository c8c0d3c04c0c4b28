"""The values that tell a part from the others of its series, in words for people: "b 400", "phase image"."""

from __future__ import annotations

from SeriesClassifierLib.identity import WHOLE, values_of

# How a value begins (``parts.axes``) -> what is shown; others are shown as they are, without the sign.
_WORDED = {
    "component": "{value} image",
    "type": "{value}",
    "prep": "with {value}",
    "object": "{value}",
}
_CODES = frozenset({"prep"})
_NO_PREPARATION = "prep=none"


def name_of_values(part_key: str) -> str:
    """What tells the part of this key apart, "" where nothing does.

    >>> name_of_values("component=PHASE,TE=2.3@33e662ffa0910cab")
    'phase image, TE 2.3'
    """
    values = values_of(part_key)
    return "" if values in ("", WHOLE) else ", ".join(map(_name, values.split(",")))


def _name(text: str) -> str:
    if text == _NO_PREPARATION:
        return "without preparation"
    symbol, _, value = text.partition("=")
    if symbol in _WORDED:
        shown = value if symbol in _CODES else value.lower().replace("_", " ").replace("+", ", ")
        return _WORDED[symbol].format(value=shown)
    return f"{symbol} {value}".strip()
