"""Evidence in words: the one place where sentences are made. Nothing reads them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from string import Formatter

from SeriesClassifierLib.records import Evidence, Reason, Witness

_ALMOST_CERTAIN = 0.995
# Who speaks, as people call it.
WITNESSES: dict[Witness, str] = {
    Witness.FACT: "Fact",
    Witness.HEADER: "Header",
    Witness.IMAGE: "Image",
    Witness.JOINT: "Header and image",
    Witness.WORDS: "Description",
    Witness.STUDY: "Study",
    Witness.FILE: "Files",
    Witness.HUMAN: "Reviewer",
}
# One sentence for each reason. A piece in brackets is left out where one of its fields is empty.
TEMPLATES: dict[Reason, str] = {
    Reason.STATES: "{facet} {value}[ {probability}][ ({source})]",
    Reason.SUGGESTS: "the description suggests {value}",
    Reason.TAGS_DISAGREE: "the other tags look like {value}[ ({probability})]",
    Reason.IMAGE_DISAGREES: "the image looks like {value}[ ({probability})]",
    Reason.WITNESSES_DISAGREE: "the {witness} looks like {value}[ ({probability})][, not {other}]",
    Reason.JOINT_DISAGREES: "header and image together look like {value}[ ({probability})][, not {other}]",
    Reason.WORDS_DISAGREE: "the description says {value}[, not {other}]",
    Reason.UNLIKE_LABEL: "header and image together do not look like {value}[ ({probability})]",
    Reason.HEADER_UNSURE: "the header names {value}[ ({probability})][, not {other}]",
    Reason.SPIN_ECHO_DIXON: "a Dixon image of a spin echo: it may be filed as T1 or T2",
    Reason.UNEXPLAINED_REPETITION: "slices are repeated, and neither a parameter nor a clock explains why",
    Reason.MAP_SOURCE: "one of {number} volumes that differ in {source}: the source of a relaxation map",
    Reason.FEW_PARAMETERS: "the header holds too few acquisition parameters to be sure",
    Reason.OTHER_MODALITY: "modality {value} is outside what any bundle knows",
    Reason.NOT_CERTAIN: "not certain enough[: {value}][ {probability}]",
    Reason.NO_CLASS: "no class is likely enough[: {value}][ {probability}]",
    Reason.VOTED: "{facet} {value}: {number} % of the votes of this study[ ({source})]",
    Reason.AFTER_BOLUS: "{facet} {value}[: about {number} s after the injection][ ({source})]",
    Reason.AFTER_CONTRAST: "{facet} {value}[: about {number} s after the injection], by the order of series",
    Reason.BEFORE_CONTRAST: "{facet} {value}: before the first series with a contrast agent",
    Reason.UNREADABLE: "{detail}",
    Reason.REPAIRED: "{source} of {number} images violates the standard and was repaired ({value})",
    Reason.UNREADABLE_VALUE: "{source} of {number} images is unreadable or contradictory and was not used",
    Reason.UNDECODABLE: "{detail}",
    Reason.REPEATED_SOP_UID: "{number} images share a SOPInstanceUID with another image: all were kept",
    Reason.NO_SOP_UID: "{number} images have no SOPInstanceUID: send them again from their source",
    Reason.SHARED_SERIES_UID: "{number} studies use this SeriesInstanceUID: their labels are kept apart",
    Reason.SEVERAL_PATIENTS: "images of {number} patients are in this series: send it again from its source",
    Reason.LABELED: "[{source}: ]{facet} {value}[, was {other}][ ({detail})]",
    Reason.LABELED_OTHER_IMAGES: "labeled {value} by {source} on other images: check this label again",
    Reason.RECORDED: "{detail}",
}


def text(evidence: Evidence) -> str:
    """One sentence without a full stop."""
    return "".join(_piece(piece, optional, evidence) for piece, optional in _pieces(evidence.reason))


def attributed(evidence: Evidence) -> str:
    """The sentence with who says it: "Header: sequence T2 95%"."""
    return f"{WITNESSES[evidence.witness]}: {text(evidence)}"


def deciding(evidence: Iterable[Evidence]) -> Evidence | None:
    """The rule that took the status ``auto`` away: the first that did; None where none did."""
    return next((e for e in evidence if e.decisive), None)


def _pieces(reason: Reason) -> Iterable[tuple[str, bool]]:
    """The template cut at its brackets: (piece, whether it is in brackets)."""
    for place, piece in enumerate(TEMPLATES[reason].replace("]", "[").split("[")):
        if piece:
            yield piece, bool(place % 2)


def _piece(piece: str, optional: bool, evidence: Evidence) -> str:
    values = {name: _field(evidence, name) for _, name, _, _ in Formatter().parse(piece) if name}
    return "" if optional and not all(values.values()) else piece.format(**values)


def _field(evidence: Evidence, name: str) -> str:
    value = getattr(evidence, name)
    if isinstance(value, Witness):
        return value.value
    if name == "probability":
        return _percent(value)
    if name == "number":
        return "" if value is None else f"{value:g}"
    return str(value).replace("_", " ") if name == "facet" else str(value)


def _percent(probability: float | None) -> str:
    """Never a certainty that rounding made; "" for what is no number."""
    if probability is None or not math.isfinite(probability):
        return ""
    return "> 99%" if probability >= _ALMOST_CERTAIN else f"{probability:.0%}"
