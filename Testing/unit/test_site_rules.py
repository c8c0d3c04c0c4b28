"""Site rules: found in corrections, against nothing that is known, and applied only as a step that can be
undone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.cli.main import CANNOT_OPEN, DONE, WRONG_USAGE, main
from SeriesClassifierLib.curation import patterns
from SeriesClassifierLib.curation.apply_rules import apply, corrections_by_people
from SeriesClassifierLib.curation.propose_rules import propose
from SeriesClassifierLib.curation.rule_files import write_rules
from SeriesClassifierLib.curation.site_rules import Condition, SiteRule, differs, matches
from SeriesClassifierLib.errors import JournalError, UsageError
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Status

MDIXON = ("mDIXON_W", "mDIXON_All_BH_W", "WIP mDIXON_W", "mDIXON_W 3", "mDIXON_p_W")


def part(n: int, description: str, sequence: str = "T1", **changes: Any) -> Prediction:
    """A part of its own series; two series make a study. Protocol values are among ``changes``."""
    fields = set(Prediction.__dataclass_fields__)
    protocol = {name: value for name, value in changes.items() if name not in fields}
    known = {name: value for name, value in changes.items() if name in fields}
    return make_prediction(
        series_uid=f"1.2.{n}",
        study_uid=f"1.{n // 2}",
        series_number=n,
        description=description,
        sequence=sequence,
        protocol={"vendor": "PHILIPS", **protocol},
        **known,
    )


def said(prediction: Prediction, user: str = "ms", **facets: str) -> HumanLabel:
    return HumanLabel(prediction, facets, user, "2026-01-31T12:00:00.000000Z")


def corrected(descriptions: Sequence[str], sequence: str = "DIXON_W", first: int = 1, **changes: Any):
    return [
        said(part(n, text, **changes), sequence=sequence) for n, text in enumerate(descriptions, start=first)
    ]


def conditions(rules: Sequence[SiteRule]) -> list[tuple[str, str, dict[str, str]]]:
    return [(rule.when.vendor, rule.when.description, dict(rule.then)) for rule in rules]


# Proposing


def test_repeated_corrections_become_a_sentence() -> None:
    others = [
        *(part(n, "mDIXON_F", "DIXON_F") for n in range(100, 104)),
        *(part(n, "mDIXON_W", status=Status.REVIEW) for n in range(110, 120)),
        *(part(n, "mDIXON_all_W") for n in range(120, 122)),
        part(130, "T2W_TSE_W", "T2"),
        part(131, "mDIXON WATERFALL", "DIXON_OPP"),
    ]
    (rule,) = propose(corrected(MDIXON), others)
    assert rule.text == r"Philips, description /mDIXON.*_W\b/ -> sequence DIXON_W"
    assert (rule.name, rule.then) == ("philips-dixon-w", {"sequence": "DIXON_W"})
    assert (rule.corrections, rule.confirmations, rule.studies, rule.readers) == (5, 0, 3, 1)
    assert (rule.others, rule.changes, rule.contradictions) == (12, 12, 0)
    assert all(matches(rule, label.model) for label in corrected(MDIXON))
    assert not any(
        matches(rule, part(1, text)) for text in ("mDIXON_WATERFALL", "mDIXON_F_WIP", "mDIXON_FLOW")
    )


def test_fewer_corrections_make_no_rule_and_many_parts_of_a_series_are_one() -> None:
    labels = corrected(["mDIXON_W"] * 3)
    assert propose(labels[:2], []) == []
    assert len(propose(labels, [])) == 1
    assert len(propose(labels[:1], [], fewest=1)) == 1
    one_series = [replace(labels[0], model=replace(labels[0].model, part=n)) for n in range(1, 9)]
    assert propose(one_series, []) == []
    with pytest.raises(UsageError, match="1 or more"):
        propose(labels, [], fewest=0)


def test_a_confirmation_supports_a_rule_but_makes_none() -> None:
    confirmed = [
        said(part(n, "mDIXON_W", "DIXON_W"), user=f"reader {n}", sequence="DIXON_W") for n in range(50, 60)
    ]
    assert propose(confirmed, []) == []
    (rule,) = propose([*corrected(["mDIXON_W"] * 3), *confirmed], [])
    assert (rule.corrections, rule.confirmations, rule.readers) == (3, 10, 11)


def test_facets_that_were_not_changed_are_in_no_rule() -> None:
    labels = [said(part(n, "mDIXON_W"), sequence="DIXON_W", plane="AX", phase="NONE") for n in range(1, 5)]
    (rule,) = propose(labels, [])
    assert rule.then == {"sequence": "DIXON_W"}


def test_facets_changed_together_are_one_rule() -> None:
    labels = [said(part(n, "synth b1400", "ADC"), sequence="DWI", derived="CALC_BVAL") for n in range(1, 5)]
    (rule,) = propose(labels, [])
    assert rule.then == {"sequence": "DWI", "derived": "CALC_BVAL"}


def test_no_rule_speaks_against_a_person() -> None:
    labels = corrected(["t1_vibe"] * 5)
    other = said(part(90, "t1_vibe", "DIXON_W"), sequence="T1")
    assert propose([*labels, other], []) == []


def test_no_rule_speaks_against_an_auto_label_that_is_not_the_mistake() -> None:
    labels = corrected(["t1_vibe"] * 5)
    assert propose(labels, [part(90, "t1_vibe", "DIXON_F")]) == []
    assert len(propose(labels, [part(90, "t1_vibe", "DIXON_F", status=Status.REVIEW)])) == 1
    (rule,) = propose(labels, [part(90, "t1_vibe", "T1")])
    assert rule.changes == 1


def test_auto_labels_that_lack_the_telling_word_are_left_alone() -> None:
    """Water was taken for fat: fat that is called fat keeps its label, although it has the same one."""
    labels = corrected(MDIXON, sequence="DIXON_W")
    labels = [replace(label, model=replace(label.model, sequence="DIXON_F")) for label in labels]
    (rule,) = propose(labels, [part(90, "mDIXON_F", "DIXON_F"), part(91, "mDIXON_2_W", "DIXON_F")])
    assert not matches(rule, part(90, "mDIXON_F"))
    assert rule.changes == 1


def test_words_inside_other_words_are_kept_apart() -> None:
    labels = corrected(["ax dyn"] * 3, sequence="DCE")
    (rule,) = propose(labels, [part(90, "ax dynamite", "T2")])
    assert rule.when.description == r"\bdyn\b"


def test_numbers_are_generalized_unless_they_make_the_difference() -> None:
    labels = corrected(["ep2d_b800", "ep2d_b1000", "ep2d_b50"], sequence="DWI")
    (rule,) = propose(labels, [part(90, "ep2d_bold", "BOLD")])
    assert rule.when.description == r"ep2d.*_b\d"
    labels = [said(part(n, "ep2d b1400", "DWI"), derived="CALC_BVAL") for n in range(1, 4)]
    (rule,) = propose(labels, [part(90, "ep2d b800", "DWI", status=Status.AUTO)])
    assert rule.when.description == "b1400"


def test_the_case_of_letters_is_that_of_the_site() -> None:
    (rule,) = propose(corrected(["eTHRIVE", "eTHRIVE", "ethrive"]), [])
    assert rule.when.description == "eTHRIVE"
    assert matches(rule, part(1, "ETHRIVE_bh"))


def test_the_vendor_is_left_out_only_where_several_are_seen() -> None:
    philips = corrected(["dixon water"] * 3)
    siemens = corrected(["dixon water"] * 3, first=20, vendor="SIEMENS")
    assert conditions(propose(philips, [])) == [("PHILIPS", "water", {"sequence": "DIXON_W"})]
    assert conditions(propose([*philips, *siemens], [])) == [("", "water", {"sequence": "DIXON_W"})]
    contradicted = propose([*philips, *siemens], [part(90, "dixon water", "DIXON_F", vendor="GE")])
    assert [rule.when.vendor for rule in contradicted] == ["PHILIPS", "SIEMENS"]


def test_codes_tell_where_the_description_does_not() -> None:
    labels = corrected(["dixon"] * 4, kinds="DERIVED\\PRIMARY\\WATER", te=1.2)
    others = [part(n, "dixon", "DIXON_F", kinds="DERIVED\\FAT\\PRIMARY", te=1.2) for n in range(20, 24)]
    (rule,) = propose(labels, others)
    assert rule.when == Condition("PHILIPS", codes={"kinds": "WATER"})


def test_numbers_tell_where_codes_do_not() -> None:
    labels = [
        said(part(n, "dixon", te=te), sequence="DIXON_OPP") for n, te in enumerate((1.1, 1.15, 1.2), start=1)
    ]
    others = [part(n, "dixon", "DIXON_IN", te=2.3) for n in range(20, 24)]
    (rule,) = propose(labels, others)
    assert rule.text == "Philips, description /dixon/, te 1 to 1.3 ms -> sequence DIXON_OPP"
    assert propose(labels, [part(20, "dixon", "DIXON_IN", te=1.15)]) == []


@pytest.mark.parametrize(
    "number", [0.0, 5e-324, 1e308, float("nan"), float("inf"), -1.0, 10**400, "text", None]
)
def test_numbers_of_a_damaged_journal_do_no_harm(number: Any) -> None:
    labels = corrected(["dixon"] * 3, te=number)
    for rule in propose(labels, [part(20, "dixon", "DIXON_IN", te=2.3)]):
        assert all(matches(rule, label.model) for label in labels)
    assert propose(labels, [part(20, "dixon", "DIXON_IN", te=number)]) == []


def test_failed_parts_are_not_counted() -> None:
    (rule,) = propose(corrected(["mDIXON_W"] * 3), [part(90, "mDIXON_W", status=Status.FAILED)])
    assert rule.others == 0


WORDS = st.sampled_from(
    ["t1", "t2", "vibe", "dixon", "W", "F", "water", "b800", "b50", "tra", "WIP", "3", "é"]
)
TEXTS = st.lists(WORDS, max_size=5).flatmap(
    lambda words: st.sampled_from(["_", " ", "-", ""]).map(lambda between: between.join(words))
)
CLASSES = st.sampled_from(["T1", "T2", "DIXON_W", "DIXON_F", "unknown"])
PARTS = st.builds(
    lambda text, sequence, vendor, status, kind, te: (text, sequence, vendor, status, kind, te),
    TEXTS,
    CLASSES,
    st.sampled_from(["SIEMENS", "PHILIPS", "odd \\ one", ""]),
    st.sampled_from([Status.AUTO, Status.REVIEW, Status.UNKNOWN]),
    st.sampled_from(["WATER", "FAT\\PRIMARY", "x y", ""]),
    st.sampled_from([1.2, 2.3, 90.0, 0.0]),
)


def drawn(values: tuple[Any, ...], n: int) -> Prediction:
    text, sequence, vendor, status, kind, te = values
    return part(n, text, sequence, vendor=vendor, status=status, kinds=kind, te=te)


@settings(max_examples=150, deadline=None)
@given(
    human=st.lists(st.tuples(PARTS, st.sampled_from(["T1", "DIXON_W", "DIXON_F"])), max_size=14),
    model=st.lists(PARTS, max_size=14),
    seed=st.integers(0, 9),
)
def test_rules_are_supported_contradict_nobody_and_do_not_depend_on_order(
    human: list[tuple[tuple[Any, ...], str]], model: list[tuple[Any, ...]], seed: int
) -> None:
    labels = [said(drawn(values, n), sequence=name) for n, (values, name) in enumerate(human, start=1)]
    others = [drawn(values, n) for n, values in enumerate(model, start=100)]
    rules = propose(labels, others, fewest=2)
    for rule in rules:
        held = [label for label in labels if matches(rule, label.model)]
        assert all(label.facets["sequence"] == rule.then["sequence"] for label in held)
        changed = [label for label in held if differs(label.model, rule.then)]
        assert len(changed) == rule.corrections >= 2
        assert len(held) - len(changed) == rule.confirmations
        assert rule.contradictions == 0
        mistakes = {label.model.sequence for label in changed}
        matched = [p for p in others if matches(rule, p)]
        wrong = [p for p in matched if p.sequence != rule.then["sequence"]]
        assert (len(matched), len(wrong)) == (rule.others, rule.changes)
        assert all(p.sequence in mistakes | {"unknown"} for p in wrong if p.status is Status.AUTO)
    assert len({rule.name for rule in rules}) == len(rules)
    rng = random.Random(seed)
    rng.shuffle(labels)
    rng.shuffle(others)
    assert propose(labels, others, fewest=2) == rules


# Patterns

PIECES = st.sampled_from(
    ["a", "W", r"\b", r"\d", ".", "_", r"\*", "(?![a-z])", "(?<![a-z0-9])", "[ab]", "^", "$"]
)
PATTERNS = st.lists(st.lists(PIECES, min_size=1, max_size=3).map("".join), min_size=1, max_size=5).map(
    ".*".join
)


@settings(deadline=None)
@given(
    pattern=st.lists(PATTERNS, min_size=1, max_size=3).map("|".join),
    text=st.text("aAbwW_ 0*\n-", max_size=12),
)
def test_patterns_hold_where_regular_expressions_do(pattern: str, text: str) -> None:
    assert patterns.found(pattern, text) == bool(re.search(pattern, text, re.IGNORECASE | re.DOTALL))


@settings(deadline=None, max_examples=400)
@given(pattern=st.text("ab.*+?()[]{}|\\^$_dbWZ1,-&~é\n", min_size=1, max_size=30), text=st.text(max_size=60))
def test_any_text_is_a_pattern_or_is_refused(pattern: str, text: str) -> None:
    try:
        found = patterns.found(pattern, text)
    except UsageError:
        return
    assert found == bool(re.search(pattern, text, re.IGNORECASE | re.DOTALL))


def test_no_pattern_blows_up() -> None:
    """A general engine would try every place of every gap: billions of steps."""
    hostile = "a" * 5000
    assert not patterns.found("a.*a.*a.*a.*b", hostile)
    assert not patterns.found("|".join(["a.*a.*a.*a.*b"] * 14), hostile)
    assert not matches(
        SiteRule("r", Condition(description="a.*a.*a.*a.*b"), {"sequence": "T1"}), part(1, hostile)
    )
    assert not patterns.found("b", "a" * 256 + "b")
    for bad in (
        "(a+)+$",
        "(a|a)*b",
        "a{9}{9}{9}",
        ".*a.*a.*a.*a.*a",
        "a" * 201,
        "[z-a]",
        "(",
        "",
        ".*",
        "a|",
        "\\",
    ):
        with pytest.raises(UsageError):
            patterns.check(bad)


@settings(deadline=None)
@given(text=st.text(max_size=400))
def test_hostile_descriptions_make_rules_that_hold(text: str) -> None:
    for rule in propose(corrected([text] * 3), [part(90, text[::-1], "T2")]):
        assert matches(rule, part(1, text))
        assert not matches(rule, part(90, text[::-1])) or rule.then["sequence"] == "T2"


# Rules that make no sense


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"vendor": "PHILIPS"}, "too wide"),
        ({}, "too wide"),
        ({"vendor": "Philips", "description": "a"}, "no vendor"),
        ({"codes": {"color": "RED"}}, "no code"),
        ({"codes": {"kinds": "A\\B"}}, "no code"),
        ({"ranges": {"te": (2.0, 1.0)}}, "no range"),
        ({"ranges": {"te": (float("nan"), 1.0)}}, "no range"),
        ({"ranges": {"te": (0.0, float("inf"))}}, "no range"),
        ({"ranges": {"voltage": (0.0, 1.0)}}, "no range"),
    ],
)
def test_conditions_that_there_are_not(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Condition(**values)


def test_classes_that_there_are_not_are_named_with_the_rule() -> None:
    when = Condition(description="a")
    for then, reason in (({"sequence": "T9"}, "T9"), ({"color": "RED"}, "no facet"), ({}, "says nothing")):
        with pytest.raises(UsageError, match=reason):
            SiteRule("mine", when, then)
    with pytest.raises(UsageError, match="no name"):
        SiteRule("my\nrule", when, {"sequence": "T1"})


# Applying

WATER = SiteRule("water", Condition("PHILIPS", r"mDIXON.*_W\b"), {"sequence": "DIXON_W"})


def correct(journal: Journal, n: int, sequence: str) -> None:
    journal.correct(journal.current_series(f"1.2.{n}"), {"sequence": sequence}, "ms")


def step_of(journal: Journal, n: int) -> str:
    """The step of the last correction of a series."""
    return journal.corrections(f"1.2.{n}")[-1].step


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of ten series, of which one was corrected by a person and one could not be read."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.add_predictions(part(n, "mDIXON_W") for n in range(1, 7))
        journal.add_predictions([part(7, "mDIXON_W", "DIXON_W"), part(8, "mDIXON_F", "DIXON_F")])
        journal.add_predictions([part(9, "mDIXON_W", "unknown", status=Status.FAILED), part(10, "mDIXON_W")])
        correct(journal, 10, "DIXON_IN")
    return path


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as opened:
        yield opened


def sequences(journal: Journal) -> dict[str, str]:
    return {p.series_uid: p.sequence for p in journal.current_all()}


def test_a_rule_labels_what_no_person_named(journal: Journal) -> None:
    before = sequences(journal)
    applied = apply(journal, [WATER], "ms", dry_run=True)
    assert (applied.labeled, applied.disagreements) == ({"water": 6}, ())
    assert sequences(journal) == before
    assert apply(journal, [WATER], "ms") == applied
    after = sequences(journal)
    assert {uid for uid in after if after[uid] != before[uid]} == {f"1.2.{n}" for n in range(1, 7)}
    assert after["1.2.10"] == "DIXON_IN"
    assert after["1.2.9"] == "unknown"
    (correction,) = journal.corrections("1.2.3")
    assert (correction.user, correction.note, correction.part) == ("ms", "site rule water", 1)


def test_applying_twice_changes_nothing_more(journal: Journal) -> None:
    apply(journal, [WATER], "ms")
    n = len(list(journal.events()))
    assert apply(journal, [WATER], "ms").labeled == {"water": 0}
    assert len(list(journal.events())) == n


def test_a_rule_is_taken_back_as_one_step(journal: Journal) -> None:
    before = list(journal.current_all())
    apply(journal, [WATER], "ms")
    assert len(journal.undo_step(step_of(journal, 2), "ms")) == 6
    assert list(journal.current_all()) == before


def test_two_rules_are_two_steps(journal: Journal) -> None:
    plane = SiteRule("plane", Condition(description="mDIXON"), {"plane": "COR"})
    assert apply(journal, [WATER, plane], "ms").labeled == {"water": 6, "plane": 8}
    assert journal.current_series("1.2.1")[0].label == "DIXON_W COR"
    journal.undo_step(step_of(journal, 1), "ms")
    assert {p.plane for p in journal.current_all()} == {"AX"}
    assert sequences(journal)["1.2.1"] == "DIXON_W"


def test_rules_that_disagree_leave_a_part_alone(journal: Journal) -> None:
    fat = SiteRule("fat", Condition(description="mDIXON"), {"sequence": "DIXON_F"})
    before = sequences(journal)
    applied = apply(journal, [WATER, fat], "ms")
    assert sequences(journal) == before
    assert applied.labeled == {"water": 0, "fat": 0}
    assert {left.series_uid for left in applied.disagreements} == {f"1.2.{n}" for n in range(1, 8)}
    assert {left.rules for left in applied.disagreements} == {("water", "fat")}


def test_rules_that_agree_label_once(journal: Journal) -> None:
    same = replace(WATER, name="same")
    assert apply(journal, [WATER, same], "ms").labeled == {"water": 6, "same": 0}
    assert len(journal.corrections("1.2.1")) == 1


def test_whoever_applies_rules_has_a_name_and_so_has_each_rule(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no user"):
        apply(journal, [WATER], " ")
    with pytest.raises(UsageError, match="one name"):
        apply(journal, [WATER, WATER], "ms")


def test_a_rule_is_no_reason_for_itself(journal: Journal) -> None:
    for n in (1, 2, 3):
        correct(journal, n, "DIXON_W")
    journal.undo(journal.current_series("1.2.10"), "ms")
    (rule,) = propose(corrections_by_people(journal), journal.current_all())
    assert (rule.corrections, rule.changes) == (3, 4)
    apply(journal, [rule], "ms")
    (again,) = propose(corrections_by_people(journal), journal.current_all())
    assert (again.when, again.corrections, again.changes) == (rule.when, 3, 0)
    assert len(list(journal.human_labels())) == 7


# The command line


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_from_corrections_to_labels(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.yaml"
    with Journal(path) as journal:
        journal.undo(journal.current_series("1.2.10"), "ms")
    assert run("rules", "propose", "--journal", path, "--out", rules) == DONE
    assert "no rule" in capsys.readouterr().out
    with Journal(path) as journal:
        for n in (1, 2, 3):
            correct(journal, n, "DIXON_W")
    assert run("rules", "propose", path, "--out", rules) == DONE
    line, written = capsys.readouterr().out.splitlines()
    assert line == (
        r"Philips, description /mDIXON.*_W\b/ -> sequence DIXON_W   (3 corrections in 2 studies; would change 4 more)"
    )
    assert written == f"1 rule, none applied: {rules}"
    assert run("rules", "apply", path, "--rules", rules, "--user", "ms", "--dry-run") == DONE
    assert capsys.readouterr().out == "philips-dixon-w: 4 parts would be labeled\n"
    assert run("rules", "apply", path, "--rules", rules, "--user", "ms") == DONE
    assert capsys.readouterr().out == "philips-dixon-w: 4 parts labeled\n"
    with Journal(path, readonly=True) as journal:
        assert sequences(journal)["1.2.6"] == "DIXON_W"


def test_wrong_use_has_an_exit_code(path: Path, tmp_path: Path) -> None:
    rules, typo = tmp_path / "rules.yaml", tmp_path / "none.sqlite"
    write_rules([WATER], rules)
    assert run("rules", "propose", typo) == CANNOT_OPEN
    assert run("rules", "apply", "--journal", typo, "--rules", rules, "--user", "ms") == CANNOT_OPEN
    assert not typo.exists()
    assert run("rules", "apply", path, "--rules", tmp_path / "none.yaml", "--user", "ms") == WRONG_USAGE
    assert run("rules", "propose", path, "--journal", path) == WRONG_USAGE
    with pytest.raises(JournalError):
        Journal(typo, readonly=True)
    with pytest.raises(SystemExit) as ended:
        run("rules", "apply", path, "--rules", rules, "--user", " ")
    assert ended.value.code == WRONG_USAGE


def test_rules_that_disagree_are_reported(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yaml"
    write_rules([WATER, SiteRule("fat", Condition(description="mDIXON"), {"sequence": "DIXON_F"})], rules)
    assert run("rules", "apply", path, "--rules", rules, "--user", "ms") == DONE
    shown = capsys.readouterr()
    assert "water: 0 parts labeled" in shown.out
    assert "water, fat disagree about part 1 of series 1.2.1: left as it is" in shown.err
    assert "mDIXON" not in shown.err
