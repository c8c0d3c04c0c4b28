"""From header and model to one label with a status: facts win, the model fills in, words only lower trust."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bundles import headers_bundle
from support.simulated import write_small_series

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.errors import BundleError, SourceError, UsageError
from SeriesClassifierLib.explain.evidence_text import deciding
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.decide import Decision, decide
from SeriesClassifierLib.inference.header_model import load_header_model
from SeriesClassifierLib.inference.run import Classifier, classify, fingerprint, run
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.table import sort_key
from SeriesClassifierLib.records import (
    HEADERS_TASK,
    DecidedBy,
    Evidence,
    Opinion,
    Prediction,
    Reason,
    Series,
    Status,
    Study,
    TagValue,
    Witness,
)
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.study.context import in_context
from SeriesClassifierLib.vocabulary import classes

THRESHOLDS = {facet: {"auto": 0.9, "review": 0.5} for facet in ("sequence", "phase", "region")}


def answer(
    given_header: PartHeader | None = None, *, phase: dict[str, float] | None = None, **sequence: float
) -> Decision:
    """The decision for a header when the model says ``sequence`` and ``phase``."""
    probabilities = {"sequence": sequence, "phase": phase or {"NONE": 1.0}, "region": {"brain": 1.0}}
    return decide(given_header or header(), probabilities, THRESHOLDS)


def header(**tags: TagValue) -> PartHeader:
    """A header with the timing that every MR image has, and ``tags``."""
    return PartHeader(
        {"Modality": "MR", "RepetitionTime": 4000.0, "EchoTime": 90.0, "FlipAngle": 90.0, **tags}
    )


def of(decision: Decision, reason: Reason) -> list[Evidence]:
    return [evidence for evidence in decision.evidence if evidence.reason is reason]


def against(decision: Decision) -> list[Evidence]:
    return [evidence for evidence in decision.evidence if evidence.against]


def decides(decision: Decision) -> Reason | None:
    """The reason that is shown."""
    found = deciding(decision.evidence)
    return found.reason if found is not None else None


# --- status


@pytest.mark.parametrize(
    ("top", "status", "sequence"),
    [
        (0.95, Status.AUTO, "T2"),
        (0.9, Status.AUTO, "T2"),
        (0.7, Status.REVIEW, "T2"),
        (0.4, Status.UNKNOWN, "unknown"),
    ],
)
def test_status_follows_the_thresholds(top: float, status: Status, sequence: str) -> None:
    found = answer(T2=top, T1=(1 - top) / 2, PD=(1 - top) / 2)
    # The confidence is that of the label: where there is none, there is no confidence.
    confidence = None if status is Status.UNKNOWN else top
    assert (found.status, found.sequence, found.confidence) == (status, sequence, confidence)
    assert found.decided_by is DecidedBy.HEADER
    reason = {Status.REVIEW: Reason.NOT_CERTAIN, Status.UNKNOWN: Reason.NO_CLASS}.get(status)
    assert decides(found) is reason
    if reason is not None:
        (evidence,) = of(found, reason)
        assert (evidence.value, evidence.probability, evidence.against) == ("T2", top, False)


def test_too_few_acquisition_parameters_are_never_enough() -> None:
    found = answer(PartHeader({"Modality": "MR", "EchoTime": 90.0}), T2=0.99, T1=0.01)
    assert (found.status, found.sequence) == (Status.REVIEW, "T2")
    assert decides(found) is Reason.FEW_PARAMETERS


def test_a_fact_wins_over_the_model() -> None:
    found = answer(header(ImageType=("ORIGINAL", "PRIMARY", "DIXON", "WATER")), T1=0.99, DIXON_W=0.01)
    assert (found.sequence, found.decided_by, found.status) == ("DIXON_W", DecidedBy.FACT, Status.AUTO)


def test_model_that_is_sure_of_another_class_casts_doubt_on_a_fact() -> None:
    adc = header(ImageType=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"))
    found = answer(adc, T1=0.97, ADC=0.03)
    assert (found.sequence, found.status) == ("ADC", Status.REVIEW)
    (doubt,) = against(found)
    assert (doubt.reason, doubt.value, doubt.probability, doubt.other) == (
        Reason.TAGS_DISAGREE, "T1", 0.97, "ADC",
    )  # fmt: skip
    assert deciding(found.evidence) == doubt
    assert answer(adc, T1=0.9, ADC=0.1).status is Status.AUTO
    assert answer(adc, DWI=0.99, ADC=0.01).status is Status.AUTO  # the same acquisition


@pytest.mark.parametrize(
    ("scanning", "status"),
    [(("GR",), Status.AUTO), (("SE",), Status.REVIEW), (("SE", "IR"), Status.REVIEW), (("SE", "GR"), Status.AUTO)],
)
def test_a_dixon_image_of_a_spin_echo_is_looked_at(scanning: tuple[str, ...], status: Status) -> None:
    water = header(ImageType=("ORIGINAL", "PRIMARY", "W"), ScanningSequence=scanning)
    found = answer(water, DIXON_W=0.99, T2=0.01)
    assert (found.sequence, found.status) == ("DIXON_W", status)
    assert decides(found) is (Reason.SPIN_ECHO_DIXON if status is Status.REVIEW else None)


def test_description_that_contradicts_calls_for_review() -> None:
    found = answer(header(SeriesDescription="t1_mprage"), T2=0.99, T1=0.01)
    assert (found.sequence, found.status) == ("T2", Status.REVIEW)
    (doubt,) = against(found)
    assert (doubt.witness, doubt.value, doubt.other) == (Witness.WORDS, "T1", "T2")
    assert decides(found) is Reason.WORDS_DISAGREE


def test_description_never_raises_trust() -> None:
    silent, telling = answer(T2=0.7, T1=0.3), answer(header(SeriesDescription="t2_tse"), T2=0.7, T1=0.3)
    assert (silent.sequence, silent.status, silent.confidence) == (
        telling.sequence,
        telling.status,
        telling.confidence,
    )
    assert [e.value for e in telling.evidence if e.witness is Witness.WORDS] == ["T2"]
    assert answer(header(SeriesDescription="t2_tse"), T2=0.4, T1=0.3, PD=0.3).sequence == "unknown"


@pytest.mark.parametrize("modality", ["CT", "US", "PT"])
def test_other_modalities_are_unknown(modality: str) -> None:
    found = answer(PartHeader({"Modality": modality}, planes=("AX",)), T2=0.99)
    assert (found.sequence, found.status, found.plane) == ("unknown", Status.UNKNOWN, "AX")
    assert found.confidence is None
    assert decides(found) is Reason.OTHER_MODALITY
    assert of(found, Reason.OTHER_MODALITY)[0].value == modality


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(classes("sequence")), st.floats(0.001, 1), min_size=1),
    st.sampled_from(["", "t1_se", "DWI b800", "localizer", "series 3"]),
    st.sampled_from([(), ("DERIVED", "PRIMARY", "ADC"), ("ORIGINAL", "PRIMARY", "M")]),
)
def test_every_answer_has_reasons_and_keeps_its_word(
    weights: dict[str, float], description: str, image_type: tuple[str, ...]
) -> None:
    total = sum(weights.values())
    tags: dict[str, TagValue] = {"SeriesDescription": description, "ImageType": image_type}
    found = answer(
        header(**{k: v for k, v in tags.items() if v}), **{k: v / total for k, v in weights.items()}
    )
    assert found.evidence
    assert (found.sequence == "unknown") == (found.status is Status.UNKNOWN)
    if found.status is Status.AUTO:
        assert found.confidence is not None
        assert found.confidence >= 0.9
        assert not against(found)
    assert (found.status is Status.AUTO) == (deciding(found.evidence) is None)
    assert (found.confidence is None) == (found.sequence == "unknown")
    if found.decided_by is DecidedBy.HEADER and found.confidence is not None:
        assert found.confidence == weights[found.sequence] / total


# --- the other facets


def test_phase_applies_to_what_enhances() -> None:
    late = {"LATE": 0.9, "NONE": 0.05, "PRE": 0.05}
    assert answer(T2=1.0, phase=late).phase == "NONE"
    assert answer(T1=1.0, phase=late).phase == "LATE"
    assert answer(T1=1.0, phase={"ART": 0.4, "PORTVEN": 0.4, "LATE": 0.15, "PRE": 0.05}).phase == "POST"
    assert answer(T1=1.0, phase={"ART": 0.4, "PRE": 0.45, "LATE": 0.15}).phase == "unknown"
    assert answer(T2=0.3, T1=0.3, PD=0.4, phase=late).phase == "unknown"


def test_b_value_belongs_to_diffusion_only() -> None:
    known = replace(
        header(ImageType=("ORIGINAL", "PRIMARY", "DIFFUSION")), b_value=800.0, b_source="DiffusionBValue"
    )
    assert answer(known, DWI=1.0).b_value == 800.0
    adc = replace(known, tags={**known.tags, "ImageType": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")})
    assert answer(adc, ADC=1.0).b_value is None


@pytest.mark.parametrize(
    ("image_type", "derived"),
    [
        (("DERIVED", "PRIMARY", "DIFFUSION", "CALC_BVAL"), "CALC_BVAL"),
        (("DERIVED", "SECONDARY", "MIP"), "MIP"),
        (("ORIGINAL", "PRIMARY", "M"), "ORIGINAL"),
        ((), "unknown"),
    ],
)
def test_derived(image_type: tuple[str, ...], derived: str) -> None:
    found = answer(header(ImageType=image_type) if image_type else header(), DWI=1.0)
    assert found.derived == derived


# --- opinions


def test_what_the_bundle_gives_is_recorded_facet_by_facet() -> None:
    found = answer(T2=0.7, T1=0.3, phase={"NONE": 0.8, "PRE": 0.2})
    assert found.opinions == (
        Opinion(Witness.HEADER, HEADERS_TASK, "sequence", {"T2": 0.7, "T1": 0.3}),
        Opinion(Witness.HEADER, HEADERS_TASK, "phase", {"NONE": 0.8, "PRE": 0.2}),
        Opinion(Witness.HEADER, HEADERS_TASK, "region", {"brain": 1.0}),
    )
    assert answer(PartHeader({"Modality": "CT"}), T2=1.0).opinions == ()


# --- study context


def test_context_leaves_sequence_and_status_alone() -> None:
    headers = [header(StudyDescription="MRI liver"), header(StudyDescription="MRI liver")]
    decisions = [answer(headers[0], T2=0.7, T1=0.3), answer(headers[1], T1=1.0)]
    found = in_context(headers, decisions)
    assert [d.region for d in found] == ["abdomen", "abdomen"]
    assert [(d.sequence, d.status, d.confidence) for d in found] == [
        (d.sequence, d.status, d.confidence) for d in decisions
    ]
    for decision in found:
        (vote,) = of(decision, Reason.VOTED)
        assert (vote.witness, vote.facet, vote.value, vote.decisive) == (
            Witness.STUDY, "region", "abdomen", False,
        )  # fmt: skip
    assert in_context([], []) == []


def test_phases_that_the_order_of_a_study_decides_say_why() -> None:
    def at(time: str, **tags: TagValue) -> PartHeader:
        return header(StudyDescription="MRI liver", AcquisitionTime=time, **tags)

    agent = {"ContrastBolusAgent": "Gd"}
    headers = [at("100000"), at("100300", **agent), at("100345", **agent)]
    found = in_context(headers, [answer(one, T1=1.0) for one in headers])
    assert [decision.phase for decision in found] == ["PRE", "ART", "PORTVEN"]
    said = [decision.evidence[-1] for decision in found]
    assert [(e.reason, e.value, e.number) for e in said] == [
        (Reason.BEFORE_CONTRAST, "PRE", None),
        (Reason.AFTER_CONTRAST, "ART", 25.0),
        (Reason.AFTER_CONTRAST, "PORTVEN", 70.0),
    ]
    timed = [replace(one, since_contrast=30.0 + n) for n, one in enumerate(headers)]
    found = in_context(timed, [answer(one, T1=1.0) for one in timed])
    assert [(d.evidence[-1].reason, d.evidence[-1].number) for d in found] == [
        (Reason.AFTER_BOLUS, 30.0 + n) for n in range(3)
    ]


# --- the model


def test_model_gives_probabilities_for_every_header() -> None:
    model = load_header_model(find_bundle(headers_bundle()))
    for tags in ({}, {"EchoTime": 90.0, "RepetitionTime": 4000.0, "ScanningSequence": "SE"}):
        found = model.probabilities(features(PartHeader(tags)))  # type: ignore[arg-type]
        assert set(found) >= {"sequence", "phase", "region"}
        for facet, values in found.items():
            assert set(values) <= set(classes(facet))
            assert math.isclose(sum(values.values()), 1.0, abs_tol=1e-6)


def test_model_does_not_see_its_neighbors() -> None:
    model = load_header_model(find_bundle(headers_bundle()))
    one = features(header(EchoTime=90.0, RepetitionTime=4000.0))
    first = model.probabilities(one)
    model.probabilities(features(header(EchoTime=2.0, RepetitionTime=5.0)))
    assert model.probabilities(one) == first


def test_stricter_risk_never_gives_more_auto() -> None:
    bundle = load_header_model(find_bundle(headers_bundle())).bundle
    limits = [bundle.thresholds(risk)["sequence"]["auto"] for risk in (0.2, 0.05, 0.01, 0.001, 1e-9)]
    assert limits == sorted(limits)
    assert limits[-1] == 1.0


# --- whole runs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_small_series(tmp_path / "in" / "a", study=1, series=2, images=3)
    b = {"DiffusionBValue": 800.0, "ScanningSequence": "EP", "SeriesDescription": "ep2d_diff"}
    write_small_series(tmp_path / "in" / "b", study=1, series=1, images=3, **b)  # type: ignore[arg-type]
    write_small_series(tmp_path / "in" / "c", study=2, series=1, images=3)
    return tmp_path / "in"


def test_rows_are_in_table_order(folder: Path) -> None:
    rows = classify(folder, bundle=headers_bundle())
    assert len(rows) == 3
    assert rows == sorted(rows, key=sort_key)
    assert {row.label for row in rows if row.series_number == 1} >= {"DWI AX b800"}


def test_fingerprint_follows_the_images_not_their_place(folder: Path, tmp_path: Path) -> None:
    import shutil

    series = [s for study in open_source(folder).studies() for s in study.series]
    shutil.copytree(folder, tmp_path / "copy")
    copies = [s for study in open_source(tmp_path / "copy").studies() for s in study.series]
    assert [fingerprint(s) for s in series] == [fingerprint(s) for s in copies]
    assert len({fingerprint(s) for s in series}) == len(series)
    fewer = replace(series[0], instances=series[0].instances[1:])
    assert fingerprint(fewer) != fingerprint(series[0])


def test_human_label_survives_another_run(folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    uid = classify(folder, bundle=headers_bundle(), journal=journal)[0].series_uid
    with Journal(journal) as opened:
        opened.correct(opened.current_series(uid), {"sequence": "MRCP"}, user="ms")
    again = {row.series_uid: row for row in classify(folder, bundle=headers_bundle(), journal=journal)}
    assert (again[uid].sequence, again[uid].status, again[uid].decided_by) == (
        "MRCP", Status.CORRECTED, DecidedBy.HUMAN,
    )  # fmt: skip


def test_what_a_study_yields_is_in_the_journal_before(folder: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        for result in run(open_source(folder), Classifier(headers_bundle()), journal=journal):
            for prediction in result.predictions:
                stored = journal.current(prediction.part_key)
                assert isinstance(stored, Prediction)
                assert stored.label == prediction.label


def test_study_without_series_is_nothing() -> None:
    assert Classifier(headers_bundle()).study(Study("1", "P", ())).predictions == ()


def test_series_that_could_not_be_read_is_failed_with_its_reason() -> None:
    series = Series("1.2", "1", "P", (), ("header is damaged",))
    (found,) = Classifier(headers_bundle()).study(Study("1", "P", (series,))).predictions
    assert (found.status, found.label, found.error) == (Status.FAILED, "?", "header is damaged")


def test_wrong_arguments_say_what_to_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SeriesClassifierLib.inference.picture_stage.installed_for", lambda task: iter(()))
    with pytest.raises(UsageError, match="mode 'fast' is not available: use one of auto, header, full"):
        classify(folder, mode="fast")
    with pytest.raises(UsageError, match="mode header looks at no pictures"):
        classify(folder, mode="header", task="liver")
    with pytest.raises(BundleError, match="no bundle that sees pictures"):
        classify(folder, mode="full")
    with pytest.raises(UsageError, match="risk between 0 and 1"):
        Classifier(headers_bundle(), max_error=1.5)
    with pytest.raises(BundleError, match="there is no bundle"):
        classify(folder, bundle="no such bundle")
    with pytest.raises(SourceError, match="does not exist"):
        classify(tmp_path / "nowhere", bundle=headers_bundle())
