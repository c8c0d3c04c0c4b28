"""The values that tell a part from the others of its series, in words for people: "b 400", "phase image"."""

from __future__ import annotations

from collections.abc import Iterable

from SeriesClassifierLib.identity import WHOLE, values_of

# How a value begins (``parts.axes``) -> what is shown; others are shown as they are, without the sign.
_WORDED = {
    "component": "{value} image",
    "type": "{value}",
    "prep": "with {value}",
    "object": "{value}",
    "words": "{value}",
}
_PARAMETERS = frozenset({"TE", "TI", "TR", "FA"})
_CODES = frozenset({"prep"})
# Words of ImageType that are no words of people, or whose letters stand for something.
_TERMS = {"OPP_PHASE": "opposed phase", "CALC_BVAL": "calculated b-value", "MINIP": "minimum MIP"}
_ACRONYMS = frozenset({"ADC", "EADC", "FA", "MIP", "MPR", "SWI", "ASL"})
_NO_PREPARATION = "prep=none"


def name_of_values(part_key: str) -> str:
    """What tells the part of this key apart, "" where nothing does.

    >>> name_of_values("component=PHASE,TE=2.3@33e662ffa0910cab")
    'phase image, TE 2.3'
    """
    values = values_of(part_key)
    return "" if values in ("", WHOLE) else ", ".join(map(_name, values.split(",")))


def by_one_value(part_keys: Iterable[str]) -> list[str]:
    """Where a single acquisition parameter tells parts apart, its symbol and the value of each part; else [].

    >>> by_one_value(["TI=100@12", "TI=400@34"])
    ['TI', '100', '400']
    """
    pairs = [values_of(key).partition("=")[::2] for key in part_keys]
    symbols = {symbol for symbol, _ in pairs}
    if len(symbols) != 1 or not symbols <= _PARAMETERS or any("," in value for _, value in pairs):
        return []
    return [*symbols, *(value for _, value in pairs)]


def _name(text: str) -> str:
    if text == _NO_PREPARATION:
        return "without preparation"
    symbol, _, value = text.partition("=")
    if symbol in _WORDED:
        shown = value if symbol in _CODES else ", ".join(map(_word, value.split("+")))
        return _WORDED[symbol].format(value=shown)
    return f"{symbol} {value}".strip()


def _word(code: str) -> str:
    return _TERMS.get(code) or (code if code in _ACRONYMS else code.lower().replace("_", " "))
