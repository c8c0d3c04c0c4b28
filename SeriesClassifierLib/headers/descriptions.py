"""What people wrote: facets that the words of a description name. Evidence against or for a label, never its
source.
"""

from __future__ import annotations

from collections.abc import Sequence

from SeriesClassifierLib.vocabulary import vocabulary, word_order

# Words that name one class and are also said of the other: no contradiction.
_COMPATIBLE = (
    frozenset({"T2", "MRCP"}),
    frozenset({"T2", "FLAIR"}),
    frozenset({"T2", "PD"}),
    frozenset({"T2", "CISS"}),
    frozenset({"T2", "LOCALIZER"}),
    frozenset({"T2", "T2STAR"}),
    frozenset({"T1", "DCE"}),
    frozenset({"T1", "LOCALIZER"}),
    frozenset({"T1", "MRA"}),
    frozenset({"T1", "DIXON_W"}),
    frozenset({"T1", "DIXON_F"}),
    frozenset({"T1", "DIXON_IN"}),
    frozenset({"T1", "DIXON_OPP"}),
    frozenset({"T2", "DIXON_W"}),
    frozenset({"T2", "DIXON_F"}),
    frozenset({"T2", "DIXON_IN"}),
    frozenset({"T2", "DIXON_OPP"}),
    frozenset({"DCE", "PD"}),
    frozenset({"DCE", "DIXON_W"}),
    frozenset({"DCE", "PERFUSION"}),
    frozenset({"T2STAR", "SWI"}),
    frozenset({"T2STAR", "BOLD"}),
    frozenset({"ASL", "PERFUSION"}),
    frozenset({"FIELDMAP", "BOLD"}),
    frozenset({"FIELDMAP", "DWI"}),
)
# (label, said): a map is often named after its source, never the other way round.
_ONE_WAY = frozenset({("ADC", "DWI"), ("OTHER", "T1"), ("OTHER", "T2"), ("PERFUSION", "DCE"), ("MRCP", "T2")})


def described(facet: str, texts: Sequence[str]) -> str:
    """The class of ``facet`` that the first telling text names; "" when none does."""
    terms = vocabulary()[facet]
    order = word_order() if facet == "sequence" else tuple(terms)
    for text in texts:
        for name in order:
            words = terms[name].words
            if text and words is not None and words.search(text):
                return name
    return ""


def contradicts(sequence: str, said: str) -> bool:
    """True when a description that says ``said`` cannot be meant of a ``sequence``."""
    if not said or said in (sequence, "OTHER") or sequence == "OTHER":
        return False
    return frozenset({sequence, said}) not in _COMPATIBLE and (sequence, said) not in _ONE_WAY
