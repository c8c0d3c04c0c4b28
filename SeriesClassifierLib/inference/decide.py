"""From facts, model and words to one label with its status: the only place where a status is decided.

Facts win over the model, the model fills in what they leave open, and words (descriptions) only ever lower
trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from SeriesClassifierLib.headers.descriptions import contradicts, described
from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import sequence_family
from SeriesClassifierLib.parts.image_kind import image_kinds
from SeriesClassifierLib.records import UNKNOWN, DecidedBy, Evidence, Fact, Status

Probabilities = Mapping[str, Mapping[str, float]]
Thresholds = Mapping[str, Mapping[str, float]]

# A tag that names the class is wrong about as often as headers are edited.
FACT_CONFIDENCE = 0.995
# The model must be this sure of another class before it may cast doubt on a fact.
_DOUBT_A_FACT = 0.95
# With fewer of these a header tells so little that no confidence in it was ever put to the test.
_TELLING = ("RepetitionTime", "EchoTime", "FlipAngle", "ScanningSequence")
_FEWEST_TELLING = 2
# The contrast phase applies to these; of the others it is NONE.
ENHANCING = frozenset({"T1", "DCE", "DIXON_W", "DIXON_F", "DIXON_IN", "DIXON_OPP", "MRA"})
_AFTER = ("ART", "PORTVEN", "LATE", "HEPA", "POST")
_PRIMARY_TEXTS = ("SeriesDescription", "ProtocolName")


@dataclass(frozen=True)
class Decision:
    """The answer for one part, before it gets its place in a study and the output table."""

    sequence: str
    plane: str
    phase: str
    region: str
    derived: str
    b_value: float | None
    confidence: float | None
    status: Status
    decided_by: DecidedBy
    evidence: tuple[Evidence, ...]
    probabilities: Probabilities

    def with_evidence(self, *more: Evidence) -> Decision:
        """The same answer with more reasons."""
        return replace(self, evidence=self.evidence + more)


def decide(header: PartHeader, probabilities: Probabilities, thresholds: Thresholds) -> Decision:
    """Label one part from its header. ``probabilities`` come from a header bundle, ``thresholds`` are the
    bundle's.
    """
    known = {fact.facet: fact for fact in facts(header)}
    evidence = [Evidence("fact", f"{fact.facet} {fact.value} ({fact.source})") for fact in known.values()]
    modality = header.instance.text("Modality").upper()
    if modality and modality != "MR":
        reason = Evidence("warning", f"modality {modality} is outside what any bundle knows")
        return _outside(known, (*evidence, reason))
    sequence, confidence, status, decided_by, reasons = _sequence(header, known, probabilities, thresholds)
    evidence += reasons
    words, status = against_words(header, sequence, status)
    evidence += words
    derived = _derived(header, known, sequence)
    return Decision(
        sequence=sequence,
        plane=known["plane"].value if "plane" in known else UNKNOWN,
        phase=_phase(sequence, probabilities, thresholds),
        region=best_above(probabilities.get("region", {}), thresholds["region"]["review"]),
        derived=derived,
        b_value=header.b_value if sequence == "DWI" and derived != "FA" else None,
        confidence=confidence,
        status=status,
        decided_by=decided_by,
        evidence=tuple(evidence),
        probabilities=probabilities,
    )


def against_words(header: PartHeader, sequence: str, status: Status) -> tuple[list[Evidence], Status]:
    """What people wrote about the series, held against ``sequence``: it can lower trust, never raise it."""
    said = described("sequence", [header.instance.text(keyword) for keyword in _PRIMARY_TEXTS])
    if sequence == UNKNOWN:
        return [Evidence("description", f"the description suggests {said}")] if said else [], status
    if contradicts(sequence, said):
        return [Evidence("conflict", f"the description says {said}")], Status.REVIEW
    if said == sequence:
        return [Evidence("description", f"the description agrees: {said}")], status
    return [], status


def tells_enough(header: PartHeader) -> bool:
    """False when the acquisition parameters are gone: no confidence was ever put to the test without them."""
    return sum(keyword in header.tags for keyword in _TELLING) >= _FEWEST_TELLING


def _outside(known: Mapping[str, Fact], evidence: tuple[Evidence, ...]) -> Decision:
    return Decision(
        sequence=UNKNOWN,
        plane=known["plane"].value if "plane" in known else UNKNOWN,
        phase="NONE",
        region=UNKNOWN,
        derived=known["derived"].value if "derived" in known else UNKNOWN,
        b_value=None,
        confidence=None,
        status=Status.UNKNOWN,
        decided_by=DecidedBy.FACT,
        evidence=evidence,
        probabilities={},
    )


def _sequence(
    header: PartHeader, known: Mapping[str, Fact], probabilities: Probabilities, thresholds: Thresholds
) -> tuple[str, float | None, Status, DecidedBy, list[Evidence]]:
    classes = probabilities["sequence"]
    best, top = max(classes.items(), key=lambda item: (item[1], item[0]))
    fact = known.get("sequence")
    if fact is not None:
        evidence = []
        status = Status.AUTO
        if best != fact.value and top >= _DOUBT_A_FACT and not same_family(fact.value, best):
            evidence.append(Evidence("conflict", f"the other tags look like {best} ({top:.0%})"))
            status = Status.REVIEW
        if fact.value.startswith("DIXON") and _is_spin_echo(header):
            # The classes mean the dual gradient echo; a Dixon spin echo is often filed under its weighting.
            evidence.append(Evidence("conflict", "a Dixon image of a spin echo: it may be filed as T1 or T2"))
            status = Status.REVIEW
        return (
            fact.value,
            max(FACT_CONFIDENCE, classes.get(fact.value, 0.0)),
            status,
            DecidedBy.FACT,
            evidence,
        )
    evidence = [Evidence("header", "acquisition parameters: " + alternatives(classes))]
    limits = thresholds["sequence"]
    bare = not tells_enough(header)
    # A header that lost its acquisition parameters looks like nothing known: that is no class.
    if top < limits["review"] or (bare and best == "OTHER"):
        return UNKNOWN, top, Status.UNKNOWN, DecidedBy.HEADER, evidence
    if bare:
        evidence.append(Evidence("warning", "the header holds too few acquisition parameters to be sure"))
        return best, top, Status.REVIEW, DecidedBy.HEADER, evidence
    status = Status.AUTO if top >= limits["auto"] else Status.REVIEW
    return best, top, status, DecidedBy.HEADER, evidence


def _is_spin_echo(header: PartHeader) -> bool:
    scanning = header.instance.tokens("ScanningSequence")
    return "SE" in scanning and "GR" not in scanning


def same_family(a: str, b: str) -> bool:
    """True when two classes share their acquisition: a tag tells them apart, a picture hardly."""
    families = (
        {"DWI", "ADC"},
        {"DIXON_W", "DIXON_F", "DIXON_IN", "DIXON_OPP", "T1", "DCE"},
        {"BOLD", "PERFUSION", "ASL", "DWI", "FIELDMAP"},
        {"LOCALIZER", "T1", "MRA"},
        {"LOCALIZER", "T2", "CISS"},
        {"SWI", "T2STAR", "MRA"},
        {"OTHER", b},
    )
    return any({a, b} <= family for family in families)


def alternatives(classes: Mapping[str, float], n: int = 3) -> str:
    """The ``n`` most probable classes in words."""
    ordered = sorted(classes.items(), key=lambda item: (-item[1], item[0]))[:n]
    return ", ".join(f"{name} {value:.0%}" for name, value in ordered if value >= 0.005)


def best_above(classes: Mapping[str, float], threshold: float) -> str:
    """The most probable class, or unknown when it is less probable than ``threshold``."""
    if not classes:
        return UNKNOWN
    best, top = max(classes.items(), key=lambda item: (item[1], item[0]))
    return best if top >= threshold else UNKNOWN


def _phase(sequence: str, probabilities: Probabilities, thresholds: Thresholds) -> str:
    """The contrast phase where one applies, if as sure as an ``auto`` label must be; else POST or unknown."""
    if sequence == UNKNOWN:
        return UNKNOWN
    if sequence not in ENHANCING:
        return "NONE"
    classes = {name: value for name, value in probabilities.get("phase", {}).items() if name != "NONE"}
    total = sum(classes.values())
    if total <= 0:
        return UNKNOWN
    limit = thresholds["phase"]["auto"]
    best = best_above({name: value / total for name, value in classes.items()}, limit)
    if best != UNKNOWN:
        return best
    return "POST" if sum(classes.get(name, 0.0) for name in _AFTER) / total >= limit else UNKNOWN


def _derived(header: PartHeader, known: Mapping[str, Fact], sequence: str) -> str:
    if "derived" in known:
        return known["derived"].value
    if "ImageType" not in header.tags:
        return UNKNOWN
    kinds = image_kinds(header.instance.tokens("ImageType"))
    of_a_pair = sequence == "FIELDMAP" or (sequence == "SWI" and "SWI" not in kinds and _is_swi(header))
    return "MAGNITUDE" if of_a_pair and "MAGNITUDE" in kinds else "ORIGINAL"


def _is_swi(header: PartHeader) -> bool:
    return sequence_family(header.instance.text("SequenceName")) == "SWI"
