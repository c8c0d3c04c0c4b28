"""From facts, model and words to one label with its status: the only place where a status is decided.

Facts win over the model, the model fills in what they leave open, and words (descriptions) only ever lower
trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from SeriesClassifierLib.headers.descriptions import contradicts, described
from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import sequence_family
from SeriesClassifierLib.parts.axes import (
    FLIP_ANGLE,
    INVERSION_TIME,
    PREPARATION,
    REPETITION_TIME,
)
from SeriesClassifierLib.parts.image_gate import modality
from SeriesClassifierLib.parts.image_kind import image_kinds
from SeriesClassifierLib.records import (
    HEADERS_TASK,
    UNKNOWN,
    DecidedBy,
    Evidence,
    Fact,
    Opinion,
    Reason,
    Status,
    Witness,
)

Probabilities = Mapping[str, Mapping[str, float]]
Thresholds = Mapping[str, Mapping[str, float]]

# A tag that names the class is wrong about as often as headers are edited.
FACT_CONFIDENCE = 0.995
# The model must be this sure of another class before it may cast doubt on a fact.
_DOUBT_A_FACT = 0.95
# With fewer of these a header tells so little that no confidence in it was ever put to the test.
_TELLING = ("RepetitionTime", "EchoTime", "FlipAngle", "ScanningSequence")
_FEWEST_TELLING = 2
# What is a dynamic: its volumes differ in time, and in nothing else.
_DYNAMIC = frozenset({"DCE", "PERFUSION"})
# From so many volumes with different inversion times, flip angles or repetition times a relaxation map is
# computed. None of them is the weighted image that its own parameters resemble.
_MAPPED_BY = frozenset({INVERSION_TIME, FLIP_ANGLE, REPETITION_TIME})
_FEWEST_MAPPED = 3
# Maps of relaxation times, which are no volumes of a dynamic.
_MAPS = frozenset({"T1_MAP", "T2_MAP", "T2STAR_MAP"})
# The contrast phase applies to these; of the others it is NONE.
ENHANCING = frozenset({"T1", "DCE", "DIXON_W", "DIXON_F", "DIXON_IN", "DIXON_OPP", "MRA"})
_AFTER = ("ART", "PORTVEN", "LATE", "HEPA", "POST")
_PRIMARY_TEXTS = ("SeriesDescription", "ProtocolName")


@dataclass(frozen=True)
class Decision:
    """The answer for one part, before it gets its place in a study and the output table.

    ``confidence`` is the calibrated probability of ``sequence``, None where that is unknown. ``status``
    follows from the evidence (``status_of``): what takes ``auto`` away is always recorded.
    """

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
    opinions: tuple[Opinion, ...]

    def with_evidence(self, *more: Evidence) -> Decision:
        """The same answer with more reasons, some of which may take the status ``auto`` away."""
        evidence = self.evidence + more
        return replace(self, evidence=evidence, status=status_of(self.sequence, evidence))


def status_of(sequence: str, evidence: Iterable[Evidence]) -> Status:
    """``auto`` unless the sequence is unknown or some evidence is decisive: the only rule about a status."""
    if sequence == UNKNOWN:
        return Status.UNKNOWN
    return Status.REVIEW if any(e.decisive for e in evidence) else Status.AUTO


def decide(header: PartHeader, probabilities: Probabilities, thresholds: Thresholds) -> Decision:
    """Label one part from its header.

    Parameters
    ----------
    header : what the file says of the part
    probabilities : facet -> class -> calibrated probability, from a header bundle
    thresholds : facet -> "auto" and "review" -> lowest probability, of the same bundle
    """
    probabilities = possible(header, probabilities)
    known = {fact.facet: fact for fact in facts(header)}
    stated = [
        Evidence(Witness.FACT, Reason.STATES, fact.facet, fact.value, source=fact.source)
        for fact in known.values()
    ]
    found = modality(header.instance)
    if found not in ("", "MR"):
        outside = Evidence(
            Witness.FACT, Reason.OTHER_MODALITY, "modality", found, source="Modality", decisive=True
        )
        return _outside(known, (*stated, outside))
    sequence, confidence, decided_by, reasons = _sequence(header, known, probabilities, thresholds)
    named = decided_by is DecidedBy.FACT
    unexplained = [] if named else repetition(header)
    evidence = (*stated, *reasons, *relaxometry(header), *unexplained, *words_about(header, sequence))
    derived = _derived(header, known, sequence)
    return Decision(
        sequence=sequence,
        plane=known["plane"].value if "plane" in known else UNKNOWN,
        phase=_phase(sequence, probabilities, thresholds),
        region=best_above(probabilities.get("region", {}), thresholds["region"]["review"]),
        derived=derived,
        b_value=header.b_value if sequence == "DWI" and derived != "FA" else None,
        confidence=confidence,
        status=status_of(sequence, evidence),
        decided_by=decided_by,
        evidence=evidence,
        opinions=tuple(
            Opinion(Witness.HEADER, HEADERS_TASK, facet, classes) for facet, classes in probabilities.items()
        ),
    )


def possible(header: PartHeader, probabilities: Probabilities) -> Probabilities:
    """``probabilities`` without the sequences that the header rules out. What remains is not scaled up: it
    is as sure as it was.
    """
    excluded = _excluded(header)
    if not excluded or "sequence" not in probabilities:
        return probabilities
    remaining = {name: 0.0 if name in excluded else p for name, p in probabilities["sequence"].items()}
    return {**probabilities, "sequence": remaining}


def _excluded(header: PartHeader) -> frozenset[str]:
    if header.told_apart_by == PREPARATION:  # a pair with and without transfer is none of vessels
        return _DYNAMIC | {"MRA"}
    is_map = bool(image_kinds(header.instance.tokens("ImageType")) & _MAPS)
    return _DYNAMIC if header.told_apart_by or is_map else frozenset()


def repetition(header: PartHeader) -> list[Evidence]:
    """That slices are there several times and nothing says why: no parameter differs, no clock advances."""
    if not header.is_unexplained:
        return []
    return [Evidence(Witness.FACT, Reason.UNEXPLAINED_REPETITION, "sequence", against=True, decisive=True)]


def relaxometry(header: PartHeader) -> list[Evidence]:
    """That the part is one of many volumes from which a relaxation map is computed."""
    if header.told_apart_by not in _MAPPED_BY or header.volumes < _FEWEST_MAPPED:
        return []
    return [
        Evidence(
            Witness.FACT,
            Reason.MAP_SOURCE,
            "sequence",
            source=header.told_apart_by,
            number=header.volumes,
            against=True,
            decisive=True,
        )
    ]


def words_about(header: PartHeader, sequence: str) -> list[Evidence]:
    """What people wrote about the series, held against ``sequence``: it can lower trust, never raise it."""
    named = described("sequence", [header.instance.text(keyword) for keyword in _PRIMARY_TEXTS])
    if sequence == UNKNOWN:
        return [Evidence(Witness.WORDS, Reason.SUGGESTS, "sequence", named)] if named else []
    if contradicts(sequence, named):
        return [doubt(Witness.WORDS, Reason.WORDS_DISAGREE, named, other=sequence)]
    return [Evidence(Witness.WORDS, Reason.STATES, "sequence", named)] if named == sequence else []


def doubt(
    witness: Witness,
    reason: Reason,
    value: str = "",
    probability: float | None = None,
    *,
    other: str,
    source: str = "",
) -> Evidence:
    """What speaks against the sequence of a label and takes its status ``auto`` away."""
    return Evidence(
        witness, reason, "sequence", value, probability, other, source, against=True, decisive=True
    )


def too_few_parameters() -> Evidence:
    """What makes an answer to a header doubtful that lost its acquisition parameters."""
    return Evidence(Witness.HEADER, Reason.FEW_PARAMETERS, "sequence", decisive=True)


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
        status=status_of(UNKNOWN, evidence),
        decided_by=DecidedBy.FACT,
        evidence=evidence,
        opinions=(),
    )


def _sequence(
    header: PartHeader, known: Mapping[str, Fact], probabilities: Probabilities, thresholds: Thresholds
) -> tuple[str, float | None, DecidedBy, list[Evidence]]:
    """The class, its probability (None without a class), who decided, and why."""
    classes = probabilities["sequence"]
    best, top = max(classes.items(), key=lambda item: (item[1], item[0]))
    fact = known.get("sequence")
    if fact is not None:
        confidence = max(FACT_CONFIDENCE, classes.get(fact.value, 0.0))
        return fact.value, confidence, DecidedBy.FACT, _doubts_about_a_fact(header, fact.value, best, top)
    evidence = [Evidence(Witness.HEADER, Reason.STATES, "sequence", best, top)]
    limits = thresholds["sequence"]
    bare = not tells_enough(header)
    if top < limits["review"]:
        evidence.append(Evidence(Witness.HEADER, Reason.NO_CLASS, "sequence", best, top, decisive=True))
        return UNKNOWN, None, DecidedBy.HEADER, evidence
    if bare:
        evidence.append(too_few_parameters())
        # A header that lost its acquisition parameters looks like nothing known: that is no class.
        if best == "OTHER":
            return UNKNOWN, None, DecidedBy.HEADER, evidence
    elif top < limits["auto"]:
        evidence.append(Evidence(Witness.HEADER, Reason.NOT_CERTAIN, "sequence", best, top, decisive=True))
    return best, top, DecidedBy.HEADER, evidence


def _doubts_about_a_fact(header: PartHeader, named: str, best: str, top: float) -> list[Evidence]:
    """What speaks against the class that a tag names; ``best`` is what the other tags look like."""
    doubts = []
    if best != named and top >= _DOUBT_A_FACT and not same_family(named, best):
        doubts.append(doubt(Witness.HEADER, Reason.TAGS_DISAGREE, best, top, other=named))
    if named.startswith("DIXON") and _is_spin_echo(header):
        # The classes mean the dual gradient echo; a Dixon spin echo is often filed under its weighting.
        doubts.append(doubt(Witness.HEADER, Reason.SPIN_ECHO_DIXON, other=named, source="ScanningSequence"))
    return doubts


def _is_spin_echo(header: PartHeader) -> bool:
    scanning = header.instance.tokens("ScanningSequence")
    return "SE" in scanning and "GR" not in scanning


def same_family(a: str, b: str) -> bool:
    """True when two classes share their acquisition: a tag tells them apart, an image hardly."""
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
