"""Evidence in words. The sentences are asserted here and nowhere else: every other test passes with others."""

from __future__ import annotations

from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SeriesClassifierLib.explain.evidence_text import TEMPLATES, WITNESSES, attributed, deciding, text
from SeriesClassifierLib.records import Evidence, Reason, Witness

FIELDS = {"witness", "facet", "value", "probability", "other", "source", "number", "detail"}
SENTENCES = [
    (
        Evidence(Witness.FACT, facet="plane", value="AX", source="ImageOrientationPatient"),
        "plane AX (ImageOrientationPatient)",
    ),
    (
        Evidence(Witness.FACT, facet="contrast_agent", value="given", source="ContrastBolusAgent"),
        "contrast agent given (ContrastBolusAgent)",
    ),
    (Evidence(Witness.HEADER, facet="sequence", value="T2", probability=0.954), "sequence T2 95%"),
    (Evidence(Witness.IMAGE, facet="sequence", value="T2", probability=0.9996), "sequence T2 > 99%"),
    (Evidence(Witness.WORDS, Reason.SUGGESTS, "sequence", "T2"), "the description suggests T2"),
    (
        Evidence(Witness.HEADER, Reason.TAGS_DISAGREE, "sequence", "T1", 0.97, "ADC"),
        "the other tags look like T1 (97%)",
    ),
    (
        Evidence(Witness.IMAGE, Reason.IMAGE_DISAGREES, "sequence", "T2", 0.98, "ADC"),
        "the image looks like T2 (98%)",
    ),
    (
        Evidence(Witness.IMAGE, Reason.WITNESSES_DISAGREE, "sequence", "DWI", 0.85, "T2"),
        "the image looks like DWI (85%), not T2",
    ),
    (
        Evidence(Witness.HEADER, Reason.WITNESSES_DISAGREE, "sequence", "DWI", 0.85, "T2"),
        "the header looks like DWI (85%), not T2",
    ),
    (
        Evidence(Witness.JOINT, Reason.JOINT_DISAGREES, "sequence", "T2", 0.7, "LOCALIZER"),
        "header and image together look like T2 (70%), not LOCALIZER",
    ),
    (
        Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, "sequence", "T1", other="T2"),
        "the description says T1, not T2",
    ),
    (Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, "sequence", "T1"), "the description says T1"),
    (
        Evidence(Witness.JOINT, Reason.UNLIKE_LABEL, "sequence", "T2", 0.0025, "OTHER"),
        "header and image together do not look like T2 (0%)",
    ),
    (
        Evidence(Witness.HEADER, Reason.HEADER_UNSURE, "sequence", "PD", 0.7, "T2"),
        "the header names PD (70%), not T2",
    ),
    (
        Evidence(Witness.HEADER, Reason.SPIN_ECHO_DIXON, "sequence", other="DIXON_W"),
        "a Dixon image of a spin echo: it may be filed as T1 or T2",
    ),
    (
        Evidence(Witness.HEADER, Reason.FEW_PARAMETERS),
        "the header holds too few acquisition parameters to be sure",
    ),
    (
        Evidence(Witness.FACT, Reason.OTHER_MODALITY, "modality", "CT"),
        "modality CT is outside what any bundle knows",
    ),
    (Evidence(Witness.JOINT, Reason.NOT_CERTAIN, "sequence", "T2", 0.7), "not certain enough: T2 70%"),
    (Evidence(Witness.HEADER, Reason.NO_CLASS, "sequence", "T2", 0.4), "no class is likely enough: T2 40%"),
    (Evidence(Witness.HEADER, Reason.NO_CLASS), "no class is likely enough"),
    (
        Evidence(Witness.STUDY, Reason.VOTED, "region", "head_neck", source="StudyDescription", number=85),
        "region head_neck: 85 % of the votes of this study (StudyDescription)",
    ),
    (
        Evidence(Witness.STUDY, Reason.AFTER_BOLUS, "phase", "ART", source="ContrastBolusStartTime", number=30),
        "phase ART: about 30 s after the injection (ContrastBolusStartTime)",
    ),
    (
        Evidence(Witness.STUDY, Reason.AFTER_CONTRAST, "phase", "ART", number=25.0),
        "phase ART: about 25 s after the injection, by the order of series",
    ),
    (
        Evidence(Witness.STUDY, Reason.BEFORE_CONTRAST, "phase", "PRE"),
        "phase PRE: before the first series with a contrast agent",
    ),
    (
        Evidence(Witness.FILE, Reason.UNREADABLE, detail="a {value} [cut] file, 2 of the slices"),
        "a {value} [cut] file, 2 of the slices",
    ),
    (
        Evidence(Witness.HUMAN, Reason.LABELED, "plane", "COR", other="AX", source="ms", detail="seen"),
        "ms: plane COR, was AX (seen)",
    ),
    (Evidence(Witness.HUMAN, Reason.LABELED, "plane", "COR"), "plane COR"),
    (
        Evidence(Witness.HUMAN, Reason.LABELED_OTHER_IMAGES, "sequence", "T2", source="ms"),
        "labeled T2 by ms on other images: check this label again",
    ),
    (Evidence(Witness.FILE, Reason.RECORDED, detail="an older sentence"), "an older sentence"),
]


@pytest.mark.golden
@pytest.mark.parametrize(("evidence", "sentence"), SENTENCES, ids=[e.reason.value for e, _ in SENTENCES])
def test_the_sentence(evidence: Evidence, sentence: str) -> None:
    assert text(evidence) == sentence


@pytest.mark.golden
def test_the_sentence_with_who_says_it() -> None:
    assert attributed(SENTENCES[2][0]) == "Header: sequence T2 95%"


def test_every_reason_has_a_template_of_known_fields_and_every_witness_a_title() -> None:
    assert set(TEMPLATES) == set(Reason)
    assert set(WITNESSES) == set(Witness)
    for template in TEMPLATES.values():
        plain = template.replace("[", "").replace("]", "")
        assert {name for _, name, _, _ in Formatter().parse(plain) if name is not None} <= FIELDS
        assert template.count("[") == template.count("]")


WORDS = st.text(max_size=8)
EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(Witness),
    st.sampled_from(Reason),
    WORDS,
    WORDS,
    st.none() | st.floats(),
    WORDS,
    WORDS,
    st.none() | st.floats(),
    WORDS,
)


@given(EVIDENCE)
def test_any_evidence_has_a_sentence_and_no_value_is_taken_for_a_template(evidence: Evidence) -> None:
    assert "nan" not in text(Evidence(evidence.witness, evidence.reason, probability=float("nan")))
    assert isinstance(text(evidence), str)


def test_the_first_that_decided_is_the_reason() -> None:
    remark, first, second = (
        Evidence(Witness.FILE, Reason.UNREADABLE),
        Evidence(Witness.HEADER, Reason.FEW_PARAMETERS, decisive=True),
        Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, decisive=True),
    )
    assert deciding((remark, first, second)) is first
    assert deciding((remark, second, first)) is second
    assert deciding((remark,)) is None
