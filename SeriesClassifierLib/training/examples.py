"""Labelled parts with header and slices: what models that see the picture are trained and measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.records import UNKNOWN

# What a picture shows whatever the region: four looks that most sequences have one of. Trained on beside the
# facets of the vocabulary, never an answer.
CONTRAST = "contrast"
CONTRASTS = ("T2", "EPI", "ADC", "T1")
_CONTRASTS: Mapping[str, str] = {
    "T2": "T2",
    **dict.fromkeys(("DWI", "BOLD", "PERFUSION"), "EPI"),
    "ADC": "ADC",
    **dict.fromkeys(("T1", "DCE", "DIXON_W", "DIXON_F", "DIXON_IN", "DIXON_OPP"), "T1"),
}
_PLAIN = ("ORIGINAL", "CALC_BVAL", "MPR", "MAGNITUDE")


@dataclass(frozen=True, eq=False)
class Example:
    """One part with its truth: facet -> class; a facet that is not known is absent.

    ``slices`` is (S, side, side) grey levels as ``images.preprocess`` makes them. Examples of one ``exam`` (a
    patient) never stand on both sides of a split. ``source`` and ``licence`` say where a real one is from.
    """

    name: str
    exam: str
    header: PartHeader
    slices: NDArray[np.uint8]
    truth: Mapping[str, str]
    real: bool
    source: str = ""
    licence: str = ""

    def facet(self, facet: str) -> str:
        """The true class of ``facet``; "unknown" when nobody knows."""
        if facet == CONTRAST:
            odd = self.truth.get("derived", "ORIGINAL") not in _PLAIN
            return UNKNOWN if odd else _CONTRASTS.get(self.truth.get("sequence", ""), UNKNOWN)
        return self.truth.get(facet, UNKNOWN)
