"""What a picture may do to a header's decision: fill in and cast doubt, never overrule a fact."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.combine import combine
from SeriesClassifierLib.inference.decide import Decision, decide, tells_enough
from SeriesClassifierLib.inference.picture_model import ThreeAnswers
from SeriesClassifierLib.records import (
    DecidedBy,
    Evidence,
    Opinion,
    Reason,
    Status,
    TagValue,
    Witness,
    classes_of,
)
from SeriesClassifierLib.vocabulary import classes

# The header bundle's, and those of a task that knows fewer classes.
HEADER_LIMITS = {facet: {"auto": 0.9, "review": 0.5} for facet in ("sequence", "phase", "region")}
LIMITS = {facet: {"auto": 0.9, "review": 0.5} for facet in ("sequence", "phase", "plane", "region")}
NAME = "prostate"
TASK = ("T2", "DWI", "ADC", "DCE", "OTHER")
ADC_TYPE = ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")


def header(**tags: TagValue) -> PartHeader:
    """A header with the timing that every MR image has, and ``tags``."""
    timing = {"RepetitionTime": 4000.0, "EchoTime": 90.0, "FlipAngle": 90.0}
    return PartHeader({"Modality": "MR", **timing, **tags})


def decided(
    given_header: PartHeader, *, phase: Mapping[str, float] | None = None, **sequence: float
) -> Decision:
    """The header's decision when its model says ``sequence`` and ``phase``."""
    spread = {
        "sequence": sequence,
        "phase": phase or {"NONE": 1.0},
        "region": {"prostate": 0.6, "brain": 0.4},
    }
    return decide(given_header, spread, HEADER_LIMITS)


def spread_over(best: str, top: float, names: tuple[str, ...] = TASK) -> dict[str, float]:
    """``best`` with the probability ``top``, the others alike."""
    return {name: top if name == best else (1 - top) / (len(names) - 1) for name in names}


Said = tuple[str, float]


def answers(
    joint: Said, by_header: Said | None = None, by_picture: Said | None = None, **facets: Said
) -> ThreeAnswers:
    """All three say ``joint`` unless told; ``facets`` (such as plane=("AX", 0.95)) are said by all."""
    others = {
        facet: spread_over(*said, tuple(name for name in classes(facet) if name != "NONE"))
        for facet, said in facets.items()
    }
    others.setdefault("region", {"prostate": 0.9, "abdomen": 0.1})
    said = (by_header or joint, by_picture or joint, joint)
    return ThreeAnswers(*({"sequence": spread_over(*one), **others} for one in said), NAME)


def against(decision: Decision) -> list[Evidence]:
    return [evidence for evidence in decision.evidence if evidence.against]


def by(decision: Decision, witness: Witness) -> list[Evidence]:
    return [evidence for evidence in decision.evidence if evidence.witness is witness]


def decisive(decision: Decision) -> list[Reason]:
    """The rules that took the status auto away, the one that is shown first."""
    return [evidence.reason for evidence in decision.evidence if evidence.decisive]


def label(decision: Decision) -> tuple[str, Status, DecidedBy]:
    return decision.sequence, decision.status, decision.decided_by


# --- facts


def test_a_fact_stays_whatever_the_picture_says() -> None:
    adc = header(ImageType=ADC_TYPE)
    before = decided(adc, ADC=0.9, T2=0.1)
    for best in TASK:
        found = combine(adc, before, answers((best, 0.999)), LIMITS)
        assert (found.sequence, found.decided_by) == ("ADC", DecidedBy.FACT)
        assert found.confidence == before.confidence


@pytest.mark.parametrize(
    ("best", "top", "status"),
    [
        ("T2", 0.98, Status.REVIEW),
        ("OTHER", 0.98, Status.REVIEW),
        ("T2", 0.96, Status.AUTO),  # sure, but a tag says it in so many words
        ("DWI", 0.999, Status.AUTO),  # the same acquisition
        ("ADC", 0.999, Status.AUTO),
    ],
)
def test_only_a_picture_that_is_very_sure_casts_doubt_on_a_fact(
    best: str, top: float, status: Status
) -> None:
    adc = header(ImageType=ADC_TYPE)
    found = combine(adc, decided(adc, ADC=1.0), answers(("ADC", 0.9), by_picture=(best, top)), LIMITS)
    assert found.status is status
    assert decisive(found) == ([Reason.IMAGE_DISAGREES] if status is Status.REVIEW else [])
    if status is Status.REVIEW:
        (doubt,) = against(found)
        assert (doubt.value, doubt.other) == (best, "ADC")
        assert doubt.probability == pytest.approx(top)


def test_the_header_alone_and_both_together_cast_no_doubt_on_a_fact() -> None:
    adc = header(ImageType=ADC_TYPE)
    sure = answers(("T2", 1.0), by_header=("T2", 1.0), by_picture=("ADC", 0.5))
    assert combine(adc, decided(adc, ADC=1.0), sure, LIMITS).status is Status.AUTO


def test_a_fact_that_the_task_does_not_know_is_not_doubted() -> None:
    water = header(ImageType=("ORIGINAL", "PRIMARY", "DIXON", "WATER"))
    found = combine(water, decided(water, DIXON_W=1.0), answers(("T2", 1.0)), LIMITS)
    assert label(found) == ("DIXON_W", Status.AUTO, DecidedBy.FACT)


def test_doubt_that_a_fact_already_has_is_not_taken_away() -> None:
    adc = header(ImageType=ADC_TYPE)
    before = decided(adc, T1=0.97, ADC=0.03)
    assert before.status is Status.REVIEW
    found = combine(adc, before, answers(("ADC", 1.0)), LIMITS)
    assert (found.status, decisive(found)) == (Status.REVIEW, [Reason.TAGS_DISAGREE])


# --- OTHER, and no answer


def test_other_leaves_what_the_header_said() -> None:
    for before in (decided(header(), T1=0.95, T2=0.05), decided(header(), T1=0.7, T2=0.3)):
        found = combine(header(), before, answers(("OTHER", 0.99)), LIMITS)
        assert label(found) == ("T1", before.status, DecidedBy.HEADER)
        assert found.confidence == before.confidence
        assert not against(found)
        assert decisive(found) == decisive(before)


def test_other_casts_doubt_on_a_class_of_the_task() -> None:
    found = combine(header(), decided(header(), T2=0.95, T1=0.05), answers(("OTHER", 0.99)), LIMITS)
    assert label(found) == ("T2", Status.REVIEW, DecidedBy.HEADER)
    (doubt,) = against(found)
    assert (doubt.reason, doubt.value, doubt.probability) == (
        Reason.UNLIKE_LABEL, "T2", pytest.approx(0.0025),
    )  # fmt: skip
    assert decisive(found) == [Reason.UNLIKE_LABEL]


def test_other_does_not_make_an_unknown_known() -> None:
    unknown = decided(header(), T1=0.4, T2=0.3, PD=0.3)
    found = combine(header(), unknown, answers(("OTHER", 0.99)), LIMITS)
    assert (found.sequence, found.status) == ("unknown", Status.UNKNOWN)
    assert (found.confidence, decisive(found)) == (None, [Reason.NO_CLASS])


def test_what_header_and_image_disagree_about_does_not_decide_about_an_unknown() -> None:
    unknown = decided(header(), T1=0.4, T2=0.3, PD=0.3)
    found = combine(header(), unknown, answers(("OTHER", 0.99), ("T2", 0.9), ("DWI", 0.9)), LIMITS)
    assert (found.status, decisive(found)) == (Status.UNKNOWN, [Reason.NO_CLASS])
    assert [doubt.reason for doubt in against(found)] == [Reason.WITNESSES_DISAGREE]


def test_an_answer_below_its_threshold_leaves_what_the_header_said() -> None:
    for before in (decided(header(), T2=0.95, T1=0.05), decided(header(), T1=0.4, T2=0.3, PD=0.3)):
        found = combine(header(), before, answers(("DWI", 0.49)), LIMITS)
        assert label(found) == label(before)
        assert not against(found)
        assert decisive(found) == decisive(before)


# --- both together


@pytest.mark.parametrize(("top", "status"), [(0.95, Status.AUTO), (0.9, Status.AUTO), (0.7, Status.REVIEW)])
def test_what_the_header_could_not_tell_follows_the_thresholds(top: float, status: Status) -> None:
    found = combine(header(), decided(header(), T1=0.4, T2=0.3, PD=0.3), answers(("T2", top)), LIMITS)
    assert label(found) == ("T2", status, DecidedBy.JOINT)
    assert found.confidence == top
    # That no class was likely by the header alone decides nothing any more.
    assert decisive(found) == ([Reason.NOT_CERTAIN] if status is Status.REVIEW else [])
    assert [(e.witness, e.value) for e in found.evidence if e.decisive] == (
        [(Witness.JOINT, "T2")] if status is Status.REVIEW else []
    )


def test_what_the_header_was_unsure_of_gets_sure() -> None:
    found = combine(header(), decided(header(), T2=0.7, T1=0.3), answers(("T2", 0.95)), LIMITS)
    assert label(found) == ("T2", Status.AUTO, DecidedBy.JOINT)
    assert decisive(found) == []


@pytest.mark.parametrize(
    ("by_header", "by_picture", "status"),
    [
        (("T2", 0.85), ("DWI", 0.85), Status.REVIEW),
        (("T2", 0.85), ("OTHER", 0.85), Status.REVIEW),
        (("OTHER", 0.85), ("T2", 0.85), Status.REVIEW),
        (("T2", 0.85), ("DWI", 0.79), Status.AUTO),
        (("T2", 0.79), ("DWI", 0.85), Status.AUTO),
        (("DWI", 0.85), ("ADC", 0.85), Status.AUTO),  # a tag tells them apart, a picture hardly
        (("T2", 0.85), ("T2", 0.85), Status.AUTO),
    ],
)
def test_where_both_are_sure_and_apart_nobody_is_believed(
    by_header: Said, by_picture: Said, status: Status
) -> None:
    unsure = decided(header(), T2=0.7, T1=0.3)
    found = combine(header(), unsure, answers(("T2", 0.99), by_header, by_picture), LIMITS)
    assert (found.sequence, found.status) == ("T2", status)
    assert decisive(found) == ([Reason.WITNESSES_DISAGREE] if status is Status.REVIEW else [])
    if status is Status.REVIEW:
        # The one that names another class than the label is against it.
        (doubt,) = against(found)
        header_first = by_header[0] != "T2"
        assert doubt.witness is (Witness.HEADER if header_first else Witness.IMAGE)
        assert (doubt.value, doubt.probability) == (by_header if header_first else by_picture)


def test_where_both_are_sure_and_apart_the_header_that_stands_needs_review_too() -> None:
    sure = decided(header(), T2=0.95, T1=0.05)
    for joint in (("T2", 0.4), ("OTHER", 0.6)):
        found = combine(header(), sure, answers(joint, ("T2", 0.9), ("DWI", 0.9)), LIMITS)
        assert label(found) == ("T2", Status.REVIEW, DecidedBy.HEADER)
        assert decisive(found)[0] is Reason.WITNESSES_DISAGREE


def test_a_sure_header_keeps_its_class_but_not_its_trust() -> None:
    found = combine(header(), decided(header(), PD=0.95, T2=0.05), answers(("T2", 0.99)), LIMITS)
    assert label(found) == ("PD", Status.REVIEW, DecidedBy.HEADER)
    assert found.confidence == 0.95
    (doubt,) = against(found)
    assert (doubt.reason, doubt.value, doubt.probability, doubt.other) == (
        Reason.JOINT_DISAGREES, "T2", 0.99, "PD",
    )  # fmt: skip
    assert decisive(found) == [Reason.JOINT_DISAGREES]


def test_a_sure_header_keeps_its_trust_beside_a_relative() -> None:
    before = decided(header(), LOCALIZER=0.95, T2=0.05)
    found = combine(header(), before, answers(("T2", 0.99)), LIMITS)
    assert label(found) == ("LOCALIZER", Status.AUTO, DecidedBy.HEADER)
    assert not against(found)
    found = combine(header(), before, answers(("T2", 0.7)), LIMITS)
    assert label(found) == ("LOCALIZER", Status.REVIEW, DecidedBy.HEADER)
    assert (found.confidence, decisive(found)) == (0.95, [Reason.JOINT_DISAGREES])


def test_t1_and_t2_are_no_relatives() -> None:
    """Both may be a localizer, which makes them none of each other."""
    found = combine(header(), decided(header(), T1=0.95, T2=0.05), answers(("T2", 0.99)), LIMITS)
    assert label(found) == ("T1", Status.REVIEW, DecidedBy.HEADER)
    said = [{"sequence": spread_over(best, 0.95, ("T1", "T2", "OTHER"))} for best in ("T1", "T2", "T1")]
    found = combine(header(), decided(header(), T1=0.7, T2=0.3), ThreeAnswers(*said, NAME), LIMITS)
    assert (found.sequence, found.status) == ("T1", Status.REVIEW)
    assert decisive(found) == [Reason.WITNESSES_DISAGREE]


def test_nothing_is_a_relative_of_other() -> None:
    found = combine(header(), decided(header(), OTHER=0.95, T2=0.05), answers(("T2", 0.99)), LIMITS)
    assert label(found) == ("OTHER", Status.REVIEW, DecidedBy.HEADER)


def test_an_unsure_header_gives_way_but_calls_for_review() -> None:
    found = combine(header(), decided(header(), PD=0.7, T2=0.3), answers(("T2", 0.99)), LIMITS)
    assert label(found) == ("T2", Status.REVIEW, DecidedBy.JOINT)
    assert found.confidence == 0.99
    (doubt,) = against(found)
    assert (doubt.reason, doubt.value, doubt.probability, doubt.other) == (
        Reason.HEADER_UNSURE, "PD", 0.7, "T2",
    )  # fmt: skip
    assert decisive(found) == [Reason.HEADER_UNSURE]


def test_a_header_that_knows_a_class_more_exactly_keeps_it() -> None:
    before = decided(header(), DIXON_W=0.7, T1=0.3)
    found = combine(header(), before, answers(("DCE", 0.99)), LIMITS)
    assert label(found) == ("DIXON_W", Status.REVIEW, DecidedBy.HEADER)
    assert (found.confidence, decisive(found)) == (0.7, [Reason.NOT_CERTAIN])
    assert not against(found)  # a relative that the task has no class for


def test_a_guess_of_the_header_gives_way_to_a_relative_that_the_task_knows() -> None:
    before = decided(header(), FIELDMAP=0.5, T2=0.3, PD=0.2)
    found = combine(header(), before, answers(("DWI", 0.99)), LIMITS)
    assert label(found) == ("DWI", Status.REVIEW, DecidedBy.JOINT)
    bare = PartHeader({"Modality": "MR", "EchoTime": 90.0})
    found = combine(bare, decided(bare, FIELDMAP=0.9, T2=0.1), answers(("DWI", 0.99)), LIMITS)
    assert label(found) == ("DWI", Status.REVIEW, DecidedBy.JOINT)


def test_a_bare_header_does_not_make_a_series_other() -> None:
    bare = PartHeader({"Modality": "MR", "EchoTime": 90.0})
    before = decided(bare, OTHER=0.9, T2=0.1)
    assert (before.sequence, before.status) == ("unknown", Status.UNKNOWN)
    joint = {"OTHER": 0.8, "DWI": 0.15, "T2": 0.05}
    seen = {"OTHER": 0.1, "DWI": 0.6, "T2": 0.3}
    three = ThreeAnswers({"sequence": {"OTHER": 1.0}}, {"sequence": seen}, {"sequence": joint}, NAME)
    found = combine(bare, before, three, LIMITS)
    assert label(found) == ("DWI", Status.REVIEW, DecidedBy.JOINT)
    assert found.confidence == pytest.approx(0.75)
    assert Reason.FEW_PARAMETERS in decisive(found)
    same = replace(three, picture={"sequence": {"OTHER": 0.7, "DWI": 0.3}})
    assert combine(bare, before, same, LIMITS).status is Status.UNKNOWN


def test_without_acquisition_parameters_nothing_is_auto() -> None:
    bare = PartHeader({"Modality": "MR", "EchoTime": 90.0})
    for top in (0.3, 0.7):
        before = decided(bare, T2=top, T1=(1 - top) / 2, PD=(1 - top) / 2)
        found = combine(bare, before, answers(("T2", 1.0)), LIMITS)
        assert label(found) == ("T2", Status.REVIEW, DecidedBy.JOINT)
        assert decisive(found) == [Reason.FEW_PARAMETERS]


# --- words


def test_words_are_judged_again() -> None:
    unsure = dict.fromkeys(("T1", "T2", "PD"), 1 / 3)
    agreeing, contradicting = header(SeriesDescription="t2_tse"), header(SeriesDescription="t1_se")
    found = combine(agreeing, decided(agreeing, **unsure), answers(("T2", 0.95)), LIMITS)
    assert found.status is Status.AUTO
    assert [(e.reason, e.value) for e in by(found, Witness.WORDS)] == [(Reason.STATES, "T2")]
    found = combine(contradicting, decided(contradicting, **unsure), answers(("T2", 0.95)), LIMITS)
    assert (found.sequence, found.status) == ("T2", Status.REVIEW)
    assert [(e.reason, e.value) for e in by(found, Witness.WORDS)] == [(Reason.WORDS_DISAGREE, "T1")]
    assert decisive(found) == [Reason.WORDS_DISAGREE]


def test_a_conflict_with_words_goes_when_the_answer_changes() -> None:
    named = header(SeriesDescription="t2_tse")
    before = decided(named, T1=0.7, T2=0.3)
    assert decisive(before) == [Reason.NOT_CERTAIN, Reason.WORDS_DISAGREE]
    found = combine(named, before, answers(("T2", 0.99)), LIMITS)
    assert found.sequence == "T2"
    assert decisive(found) == [Reason.HEADER_UNSURE]
    assert [(e.reason, e.value) for e in by(found, Witness.WORDS)] == [(Reason.STATES, "T2")]


# --- the other facets


@pytest.mark.parametrize(("sure", "plane"), [(0.95, "SAG"), (0.9, "SAG"), (0.89, "unknown")])
def test_plane_is_filled_in_when_sure(sure: float, plane: str) -> None:
    found = combine(header(), decided(header(), T2=0.95), answers(("T2", 0.95), plane=("SAG", sure)), LIMITS)
    assert found.plane == plane
    added = [(e.value, e.probability) for e in by(found, Witness.JOINT) if e.facet == "plane"]
    assert added == ([("SAG", sure)] if plane == "SAG" else [])


def test_a_plane_that_is_a_fact_stays() -> None:
    placed = replace(header(), planes=("AX",))
    found = combine(placed, decided(placed, T2=0.95), answers(("T2", 0.95), plane=("SAG", 1.0)), LIMITS)
    assert found.plane == "AX"


@pytest.mark.parametrize(("sure", "phase"), [(0.95, "ART"), (0.89, "unknown")])
def test_phase_is_filled_in_when_sure(sure: float, phase: str) -> None:
    open_phase = {"PRE": 0.4, "ART": 0.3, "LATE": 0.3}
    before = decided(header(), T1=0.95, phase=open_phase)
    assert before.phase == "unknown"
    found = combine(header(), before, answers(("OTHER", 0.95), phase=("ART", sure)), LIMITS)
    assert (found.sequence, found.phase) == ("T1", phase)


def test_a_phase_belongs_to_what_enhances() -> None:
    found = combine(header(), decided(header(), T2=0.95), answers(("T2", 0.95), phase=("ART", 1.0)), LIMITS)
    assert found.phase == "NONE"
    unknown = decided(header(), T1=0.4, T2=0.3, PD=0.3)
    assert combine(header(), unknown, answers(("T2", 0.95), phase=("ART", 1.0)), LIMITS).phase == "NONE"
    assert combine(header(), unknown, answers(("DCE", 0.95), phase=("ART", 1.0)), LIMITS).phase == "ART"
    assert combine(header(), unknown, answers(("DCE", 0.95)), LIMITS).phase == "unknown"


@pytest.mark.parametrize(("told", "phase"), [("ART", "ART"), ("PRE", "POST")])
def test_post_becomes_more_exact_and_nothing_else(told: str, phase: str) -> None:
    before = decided(header(), T1=0.95, phase={"ART": 0.5, "LATE": 0.5})
    assert before.phase == "POST"
    assert combine(header(), before, answers(("OTHER", 1.0), phase=(told, 0.99)), LIMITS).phase == phase


def test_a_phase_that_the_header_tells_stays() -> None:
    before = decided(header(), T1=0.95, phase={"LATE": 1.0})
    assert combine(header(), before, answers(("OTHER", 1.0), phase=("ART", 0.99)), LIMITS).phase == "LATE"


def test_a_b_value_belongs_to_diffusion_only() -> None:
    one = replace(header(ImageType=("ORIGINAL", "PRIMARY", "M")), b_value=0.0)
    unknown = decided(one, T1=0.4, T2=0.3, DWI=0.3)
    assert combine(one, unknown, answers(("DWI", 0.95)), LIMITS).b_value == 0.0
    assert combine(one, unknown, answers(("T2", 0.95)), LIMITS).b_value is None
    diffusion = decided(one, DWI=0.7, T2=0.3)
    assert diffusion.b_value == 0.0
    assert combine(one, diffusion, answers(("T2", 0.95)), LIMITS).b_value is None


# --- always

SEQUENCES = st.sampled_from(classes("sequence"))
TOPS = st.one_of(st.floats(0.21, 1.0), st.sampled_from([0.49, 0.5, 0.8, 0.9, 0.97, 1.0]))
SAID = st.tuples(st.sampled_from(TASK), TOPS)
TAGS = st.fixed_dictionaries(
    {},
    optional={
        "SeriesDescription": st.sampled_from(["t1_se", "t2_tse", "DWI b800", "localizer", "series 3"]),
        "ImageType": st.sampled_from(
            [ADC_TYPE, ("DERIVED", "SECONDARY", "MIP"), ("ORIGINAL", "PRIMARY", "M")]
        ),
        "ScanOptions": st.sampled_from([("FS",), ("DIXF",)]),
    },
)


@settings(deadline=None, max_examples=150)
@given(
    tags=TAGS,
    bare=st.booleans(),
    b_value=st.sampled_from([None, 0.0, 800.0]),
    sequence=st.dictionaries(SEQUENCES, st.floats(0.01, 1), min_size=1, max_size=4),
    joint=SAID,
    by_header=SAID,
    by_picture=SAID,
)
def test_no_picture_makes_a_doubtful_label_trusted(
    tags: dict[str, TagValue],
    bare: bool,
    b_value: float | None,
    sequence: dict[str, float],
    joint: Said,
    by_header: Said,
    by_picture: Said,
) -> None:
    given_header = PartHeader({"Modality": "MR", **tags}) if bare else header(**tags)
    given_header = replace(given_header, b_value=b_value)
    total = sum(sequence.values())
    before = decided(given_header, **{name: value / total for name, value in sequence.items()})
    three = answers(joint, by_header, by_picture, plane=("AX", 0.95), phase=("ART", 0.95))
    untouched = copy.deepcopy((before, three))
    found = combine(given_header, before, three, LIMITS)
    assert (before, three) == untouched

    if found.status is Status.AUTO:
        assert not against(found)
        assert not bare or found.decided_by is DecidedBy.FACT
        assert found.confidence is not None
        assert found.confidence >= 0.9
    assert (found.sequence == "unknown") == (found.status is Status.UNKNOWN)
    if before.decided_by is DecidedBy.FACT:
        assert (found.sequence, found.decided_by) == (before.sequence, DecidedBy.FACT)
    if found.decided_by is DecidedBy.JOINT:
        assert found.sequence == joint[0] != "OTHER"
        # Where the picture agrees with the header, the surer of the two counts.
        agreed = before.confidence or 0.0 if before.sequence == joint[0] else 0.0
        # To a header without acquisition parameters OTHER is no answer unless the picture sees it, too.
        left_out = not tells_enough(given_header) and three.picture["sequence"]["OTHER"] < 0.2
        top = joint[1] / (1 - three.joint["sequence"]["OTHER"]) if left_out else joint[1]
        assert found.confidence == pytest.approx(max(top, agreed), abs=1e-12)
    assert (found.derived, found.region) == (before.derived, before.region)
    if found.sequence != "DWI":
        assert found.b_value is None
    assert by(found, Witness.IMAGE)
    for witness, answer in (
        (Witness.HEADER, three.header),
        (Witness.IMAGE, three.picture),
        (Witness.JOINT, three.joint),
    ):
        for facet, values in answer.items():
            assert classes_of(found.opinions, facet, witness, NAME) == values
    assert found.opinions[: len(before.opinions)] == before.opinions


@settings(deadline=None, max_examples=300)
@given(
    tags=TAGS,
    bare=st.booleans(),
    modality=st.sampled_from(["MR", "MR", "MR", "CT"]),
    sequence=st.dictionaries(SEQUENCES, st.floats(0.01, 1), min_size=1, max_size=4),
    joint=SAID,
    by_header=SAID,
    by_picture=SAID,
)
def test_what_takes_auto_away_is_recorded_and_the_confidence_is_that_of_the_label(
    tags: dict[str, TagValue],
    bare: bool,
    modality: str,
    sequence: dict[str, float],
    joint: Said,
    by_header: Said,
    by_picture: Said,
) -> None:
    given_header = PartHeader({"Modality": modality, **tags}) if bare else header(**tags)
    total = sum(sequence.values())
    before = decided(given_header, **{name: value / total for name, value in sequence.items()})
    found = combine(given_header, before, answers(joint, by_header, by_picture), LIMITS)
    for decision in (before, found):
        assert bool(decisive(decision)) == (decision.status is not Status.AUTO)
        assert (decision.confidence is None) == (decision.sequence == "unknown")
        if decision.status is Status.AUTO:
            assert not against(decision)
    if found.decided_by is DecidedBy.HEADER:
        assert (found.sequence, found.confidence) == (before.sequence, before.confidence)
    # What decided about a label that was given up decides no more.
    given_up = found.sequence != before.sequence or found.decided_by is not before.decided_by
    shown = [e for e in found.evidence if e.decisive and e.reason in (Reason.NOT_CERTAIN, Reason.NO_CLASS)]
    if given_up:
        assert all(e.witness is Witness.JOINT and e.value == found.sequence for e in shown)


def test_a_region_that_several_bundles_gave_together_stands() -> None:
    before = decided(header(), T2=0.95)
    together = Opinion(Witness.JOINT, "liver+prostate", "region", {"abdomen": 1.0})
    before = replace(before, opinions=(*before.opinions, together))
    found = combine(header(), before, answers(("T2", 0.95)), LIMITS)
    assert classes_of(found.opinions, "region", Witness.JOINT) == {"abdomen": 1.0}
    assert classes_of(found.opinions, "region", Witness.JOINT, NAME) == {}
    assert classes_of(found.opinions, "region", Witness.IMAGE, NAME) == {"prostate": 0.9, "abdomen": 0.1}


def test_a_task_without_other_facets_leaves_them() -> None:
    only = {"sequence": spread_over("T2", 0.95)}
    before = decided(header(), T2=0.95)
    found = combine(header(), before, ThreeAnswers(only, only, only, NAME), {"sequence": LIMITS["sequence"]})
    assert (found.plane, found.phase) == (before.plane, before.phase)
    assert not classes_of(found.opinions, "region", Witness.JOINT)
