"""Suspects: a human label is doubted only where at least two witnesses contradict it and none agrees."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import fact, make_prediction, opinions
from support.protocols import drawn_protocol

from SeriesClassifierLib.curation.siblings import family_of_parts, spread
from SeriesClassifierLib.curation.suspects import Suspect, Suspects, _named, _Neighbors
from SeriesClassifierLib.explain.evidence_text import attributed, text
from SeriesClassifierLib.headers.protocol import same_protocol, tells_enough
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import DecidedBy, Evidence, Prediction, Reason, Status, Witness
from SeriesClassifierLib.spool import Disk

PROTOCOL = drawn_protocol(2, "scan")
OTHER_PROTOCOL = drawn_protocol(5, "scan")


def part(number: int, **changes: Any) -> Prediction:
    """A series without a telling description, which the model takes for a T2."""
    values: dict[str, Any] = {
        "series_uid": f"1.2.{number}",
        "series_number": number,
        "description": "scan",
        "protocol": PROTOCOL,
        "opinions": opinions({"T2": 0.97, "T1": 0.03}),
        "decided_by": DecidedBy.HEADER,
    }
    return make_prediction(**{**values, **changes})


def suspects(human: Iterable[HumanLabel], labels: Iterable[Prediction]) -> list[Suspect]:
    with Suspects(human, labels) as found:
        listed = list(found)
        assert len(found) == len(listed)
    return listed


def said(sequence: str, number: int = 1, *, step: str = "", **changes: Any) -> HumanLabel:
    return HumanLabel(part(number, **changes), {"sequence": sequence}, "ms", "", step or f"step {number}")


def right(n: int, start: int = 10) -> list[HumanLabel]:
    """Labels of another protocol on which everybody agrees."""
    return [
        said("T1", number, protocol=OTHER_PROTOCOL, opinions=opinions({"T1": 0.98, "T2": 0.02}))
        for number in range(start, start + n)
    ]


def by_model(witness: Witness, says: str, probability: float, named: str) -> Evidence:
    """The model names another class than a reviewer did."""
    together = witness is Witness.JOINT
    reason = Reason.JOINT_DISAGREES if together else Reason.WITNESSES_DISAGREE
    return Evidence(witness, reason, "sequence", says, probability, other=named)


AUTO = [part(number) for number in (90, 91)]


def test_model_and_neighbors_together_contradict() -> None:
    (found,) = suspects([said("T1"), *right(4)], AUTO)
    assert (found.series_uid, found.label, found.instead, found.user) == ("1.2.1", "T1", "T2", "ms")
    assert found.reasons == (
        text(by_model(Witness.HEADER, "T2", 0.97, "T1")),
        "others of the same protocol are labeled T2: 2 by the model",
    )
    assert 0 < found.strength <= 1


def test_model_and_description_together_contradict() -> None:
    (found,) = suspects([said("T1", description="t2_tse_tra")], [])
    words = Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, "sequence", "T2", other="T1")
    assert found.reasons[1] == f"{text(words)}: t2_tse_tra"


def test_a_fact_and_people_together_contradict_where_the_model_is_silent() -> None:
    silent: dict[str, Any] = {"opinions": opinions({"ADC": 0.4, "DWI": 0.35})}
    by_tag = fact("sequence", "ADC", "ImageType")
    stated = {"evidence": (fact("plane", "AX", "ImageOrientationPatient"), by_tag), **silent}
    (found,) = suspects([said("T2", 1, **stated), said("ADC", 2, **stated)], [])
    assert found.reasons == (
        "others of the same protocol are labeled ADC: 1 by reviewers",
        attributed(by_tag),
    )
    assert found.instead == "ADC"


@pytest.mark.parametrize(
    ("label", "auto"),
    [
        (said("T1"), []),  # the model alone
        (said("T1"), AUTO[:1]),  # one label of the model is the model again
        (said("T2", description="t1_vibe"), []),  # words alone, against model and person
        (said("T1", description="t1_vibe"), AUTO),  # the words agree with the person
        (said("T1", evidence=(fact("sequence", "T1", "ImageType"),)), AUTO),  # so does a fact
        (said("T1", protocol={}), AUTO),  # no protocol, no neighbors
        (said("T1", opinions=opinions({"T2": 0.6, "T1": 0.4})), AUTO),  # the model is not sure
        (said("T1", opinions=()), AUTO),
        (said("MRCP", description="t2_haste_mrcp"), AUTO),
    ],
)
def test_one_witness_is_none_and_one_that_agrees_acquits(
    label: HumanLabel, auto: Sequence[Prediction]
) -> None:
    assert suspects([label, *right(4)], auto) == []


def test_neighbors_who_disagree_among_themselves_are_silent() -> None:
    mixed = [*AUTO, part(92, sequence="T1"), part(93, sequence="T1")]
    assert suspects([said("T1")], mixed) == []


def test_words_that_a_person_repeats_in_one_step_are_one_voice(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.add_predictions([part(n, status=Status.REVIEW) for n in (1, 2, 3)] + AUTO)
        parts = journal.current_series("1.2.1")
        with family_of_parts(journal, parts, {"sequence": "T1"}) as family:
            spread(journal, parts, family, "ms", {"sequence": "T1"})
        found = suspects(journal.human_labels(), journal.current_all())
        assert found == []  # the spread corrected what was auto, too: nobody is left to contradict
        assert {label.step for label in journal.human_labels()} == {journal.corrections("1.2.2")[0].step}
    together = [said("T1", n, step="one") for n in (1, 2, 3)]
    assert len(suspects(together, AUTO)) == 3
    apart = [said("T1", n) for n in (1, 2, 3)]
    assert suspects(apart, AUTO) == []


def test_a_model_that_is_hesitant_about_a_class_still_counts_for_it() -> None:
    """The threshold of a class follows its labels, as in confident learning."""
    hesitant = opinions({"T1": 0.6, "T2": 0.4})
    one = said("T2", 1, opinions=opinions({"T1": 0.7, "T2": 0.3}), description="t1_tse")
    assert suspects([one, *right(4)], []) == []
    usual = [said("T1", n, opinions=hesitant, protocol=OTHER_PROTOCOL) for n in range(20, 60)]
    (found,) = suspects([one, *usual], [])
    assert found.instead == "T1"


def test_image_and_header_together_speak_where_they_know_the_class() -> None:
    both = opinions({"T1": 0.9, "T2": 0.1}, joint={"T2": 0.95, "T1": 0.05}, of_task={"PD": 1.0})
    joint: dict[str, Any] = {"opinions": both, "decided_by": DecidedBy.JOINT}
    (found,) = suspects([said("T1", **joint)], AUTO)
    assert found.reasons[0] == text(by_model(Witness.JOINT, "T2", 0.95, "T1"))
    (found,) = suspects([said("PD", **joint)], AUTO)
    assert found.reasons[0] == text(by_model(Witness.HEADER, "T1", 0.9, "PD"))


def test_stronger_contradictions_come_first() -> None:
    weak = said("T1", 1, opinions=opinions({"T2": 0.85, "T1": 0.15}))
    strong = said("T1", 2, description="t2_tse")
    found = suspects([weak, strong], [*AUTO, part(92), part(93), part(94), part(95)])
    assert [s.series_uid for s in found] == ["1.2.2", "1.2.1"]
    assert found[0].strength > found[1].strength


def test_what_people_said_of_other_facets_is_not_judged() -> None:
    label = HumanLabel(part(1), {"plane": "SAG"}, "ms", "", "s")
    assert suspects([label], AUTO) == []


def test_small_journals_that_are_right_have_no_suspects() -> None:
    rng = random.Random(4)
    for _ in range(50):
        p = rng.choice((0.55, 0.8, 0.99))
        # The model was wrong and five people put it right: that alone is no suspicion.
        fixed = [said("T1", n, opinions=opinions({"T2": p, "T1": 1 - p})) for n in range(5)]
        assert suspects(fixed, []) == []


CLASSES = ("T1", "T2", "PD")
LABELS = st.lists(
    st.builds(
        said,
        st.sampled_from(CLASSES),
        st.integers(1, 40),
        opinions=st.sampled_from(
            (
                (),
                opinions({"T1": float("nan")}),
                opinions({"T1": 0.99}),
                opinions({"PD": 0.9, "T2": 0.1}),
            )
        ),
        description=st.sampled_from(("scan", "t1_vibe", "t2_tse", "pd", "")),
        protocol=st.sampled_from((PROTOCOL, OTHER_PROTOCOL, {})),
    ),
    max_size=10,
    unique_by=lambda label: label.model.series_uid,
)


@settings(max_examples=100, deadline=None)
@given(LABELS, st.integers(0, 9))
def test_order_does_not_count_and_no_label_is_suspected_for_itself(labels: list[HumanLabel], seed: int) -> None:
    found = suspects(iter(labels), AUTO)
    shuffled = random.Random(seed).sample(labels, len(labels))
    assert suspects(shuffled, reversed(AUTO)) == found
    for suspect in found:
        assert suspect.instead != suspect.label
        assert len(suspect.reasons) >= 2
        assert 0 <= suspect.strength <= 1


NEAR = [{**PROTOCOL, "te": te, "tr": tr} for te in (80.0, 86.0, 92.0) for tr in (3e3, 3.9e3, 5e3)]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CLASSES),
            st.sampled_from((*NEAR, OTHER_PROTOCOL, {})),
            st.sampled_from(("a step", "another")),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_votes_on_disk_are_those_of_all_pairs(drawn: list[tuple[str, Any, str, bool]]) -> None:
    human = [said(name, n, step=step, protocol=p) for n, (name, p, step, by) in enumerate(drawn) if by]
    auto = [part(n, sequence=name, protocol=p) for n, (name, p, _, by) in enumerate(drawn) if not by]
    with Disk() as disk:
        neighbors = _Neighbors(disk, map(_named, human), auto)
        for label in human:
            mine = label.model.protocol
            people = Counter(
                other.facets["sequence"]
                for other in human
                if other.step != label.step and tells_enough(mine) and same_protocol(mine, other.model.protocol)
            )
            models = Counter(p.sequence for p in auto if tells_enough(mine) and same_protocol(mine, p.protocol))
            assert neighbors._votes(_named(label)) == (people, models)
