"""The classes of every facet, their names for people, and how people abbreviate them. Read from one YAML
file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.records import UNKNOWN

FACETS = ("region", "sequence", "plane", "phase", "derived")


@dataclass(frozen=True, slots=True)
class Term:
    """One class of a facet. ``code`` is (scheme, value) or None; ``words`` matches its usual names or is
    None.
    """

    name: str
    title: str
    code: tuple[str, str] | None
    words: re.Pattern[str] | None


@cache
def vocabulary() -> Mapping[str, Mapping[str, Term]]:
    """Facet -> class name -> Term, in the order of the file."""
    content = _content()
    return {
        facet: {
            name: Term(
                name=name,
                title=entry["title"],
                code=tuple(entry["code"]) if "code" in entry else None,
                words=re.compile(entry["words"], re.IGNORECASE) if entry.get("words") else None,
            )
            for name, entry in content[facet].items()
        }
        for facet in FACETS
    }


@cache
def word_order() -> tuple[str, ...]:
    """Sequence classes in the order in which their words are tried."""
    return tuple(_content()["word_order"])


@cache
def _content() -> Mapping[str, dict]:  # type: ignore[type-arg]
    import yaml

    text = files("SeriesClassifierLib").joinpath("data/vocabulary.yaml").read_text(encoding="utf-8")
    content: Mapping[str, dict] = yaml.safe_load(text)  # type: ignore[type-arg]
    return content


def classes(facet: str) -> tuple[str, ...]:
    """The class names of a facet. Raises UsageError for a facet that does not exist."""
    if facet not in FACETS:
        raise UsageError(f"{facet!r} is no facet: use one of {', '.join(FACETS)}")
    return tuple(vocabulary()[facet])


def check(facet: str, value: str) -> str:
    """``value`` spelled as the vocabulary does. Raises UsageError when the facet has no such class."""
    for name in classes(facet):
        if name.lower() == value.strip().lower():
            return name
    raise UsageError(f"{value!r} is no {facet}: use one of {', '.join(classes(facet))}")


def label_text(
    *, sequence: str, plane: str = "", phase: str = "", derived: str = "", b_value: float | None = None
) -> str:
    """The label for people, for example "T2 AX", "T1 AX ART", "DWI AX b800".

    >>> label_text(sequence="DWI", plane="AX", phase="NONE", derived="CALC_BVAL", b_value=1400.0)
    'DWI AX b1400 CALC_BVAL'
    """
    if sequence in ("", UNKNOWN):
        return f"? {plane}".strip() if plane not in ("", UNKNOWN) else "?"
    words = [sequence]
    if plane not in ("", UNKNOWN):
        words.append(plane)
    if b_value is not None and sequence == "DWI":
        words.append(f"b{b_value:g}")
    if phase not in ("", UNKNOWN, "NONE"):
        words.append(phase)
    if derived not in ("", UNKNOWN, "ORIGINAL"):
        words.append(derived)
    return " ".join(words)
