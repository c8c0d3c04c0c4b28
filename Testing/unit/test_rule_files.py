"""Files of site rules come back as they were, say what is wrong with them, and mean the same elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.cli.main import DONE, WRONG_USAGE, main
from SeriesClassifierLib.curation.rule_exports import to_dcm2bids, to_monai_deploy, write_export
from SeriesClassifierLib.curation.rule_files import dump_rules, load_rules, read_rules, write_rules
from SeriesClassifierLib.curation.site_rules import CODES, RANGES, Condition, SiteRule, matches
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.tokens import VENDORS, vendor
from SeriesClassifierLib.vocabulary import FACETS, classes

WATER = SiteRule(
    "philips-dixon-w",
    Condition("PHILIPS", r"mDIXON.*_W\b"),
    {"sequence": "DIXON_W"},
    corrections=5,
    studies=3,
    readers=2,
    others=14,
    changes=12,
)
T2 = SiteRule(
    "siemens-t2",
    Condition(
        "SIEMENS", "haste|t2", {"scanning": "SE", "acquired": "2D"}, {"te": (80.0, 120.5), "flip": (90, 180)}
    ),
    {"sequence": "T2", "plane": "AX", "phase": "NONE", "derived": "ORIGINAL"},
)

# Files


def test_a_file_is_for_people(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    assert write_rules([WATER, T2], path) == 2
    text = path.read_text(encoding="utf-8")
    head, body = text.split("rules:\n")
    assert "proposals" in head
    assert "Research use" in head
    assert all(line.startswith("#") for line in head.splitlines())
    assert body.startswith(
        r"""- name: philips-dixon-w
  when: {vendor: PHILIPS, description: mDIXON.*_W\b}
  then: {sequence: DIXON_W}
  seen: {corrections: 5, confirmations: 0, studies: 3, readers: 2, others: 14, changes: 12, contradictions: 0}
"""
    )
    assert read_rules(path) == [WATER, T2]


NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=12).filter(lambda name: name[0] not in "_.-")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CONDITIONS = st.builds(
    Condition,
    vendor=st.sampled_from(["", *VENDORS]),
    description=st.text(
        st.characters(exclude_characters="\\^$.|?*+()[]{}", exclude_categories=["C", "Z"]),
        min_size=1,
        max_size=20,
    ),
    codes=st.dictionaries(
        st.sampled_from(CODES), st.sampled_from(["NO", "on", "1", "2D", "0x1F", "WATER", "1e3"])
    ),
    ranges=st.dictionaries(
        st.sampled_from(tuple(RANGES)), st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair)))
    ),
)
THEN = st.dictionaries(st.sampled_from(FACETS), st.just(""), min_size=1).flatmap(
    lambda facets: st.fixed_dictionaries({facet: st.sampled_from(classes(facet)) for facet in facets})
)
RULES = st.lists(
    st.builds(SiteRule, NAMES, CONDITIONS, THEN, st.integers(0, 10**9), st.integers(0, 9), st.integers(0, 9)),
    max_size=4,
    unique_by=lambda rule: rule.name,
)


@settings(deadline=None)
@given(rules=RULES)
def test_rules_come_back_from_a_file_and_the_file_from_rules(rules: list[SiteRule]) -> None:
    text = dump_rules(rules)
    assert load_rules(text) == rules
    assert dump_rules(load_rules(text)) == text


def test_what_people_write_is_understood() -> None:
    (rule,) = load_rules(
        "rules:\n- name: mine\n  when:\n    vendor: Philips\n    te: [1, 2]\n  then:\n    sequence: dixon_w\n"
    )
    assert rule == SiteRule("mine", Condition("PHILIPS", ranges={"te": (1.0, 2.0)}), {"sequence": "DIXON_W"})
    assert load_rules("rules: []") == []


@pytest.mark.parametrize(
    ("when", "then", "reason"),
    [
        ("description: '(a+)+$'", "sequence: T1", "mine.*not understood"),
        ("description: '[z-a]'", "sequence: T1", "mine.*no regular expression"),
        ("description: '" + "a" * 201 + "'", "sequence: T1", "mine.*1 to 200"),
        ("description: a.*a.*a.*a.*a.*a", "sequence: T1", "mine.*more than 4"),
        ("vendor: Acme, description: a", "sequence: T1", "mine.*no vendor"),
        ("vendor: GE", "sequence: T1", "mine.*too wide"),
        ("description: a, color: RED", "sequence: T1", "mine.*color"),
        ("te: [2, 1]", "sequence: T1", "mine.*no range"),
        ("te: [.nan, 1]", "sequence: T1", "mine.*no range"),
        ("te: [1]", "sequence: T1", "mine.*te"),
        ("te: [1, " + "9" * 400 + "]", "sequence: T1", "mine"),
        ("kinds: NO", "sequence: T1", "mine.*kinds"),
        ("description: a", "sequence: T9", "mine.*T9"),
        ("description: a", "color: RED", "mine.*color"),
    ],
)
def test_a_wrong_rule_is_named(when: str, then: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        load_rules(f"rules:\n- name: mine\n  when: {{{when}}}\n  then: {{{then}}}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "[]",
        "rules: 1",
        "rules: [1]",
        "rules: [{name: a}]",
        "rules: [{name: 1, when: {te: [1, 2]}, then: {plane: AX}}]",
        "rules: {",
        "rules: !!python/object/apply:os.system [ls]",
        "rules: [{name: 2001-02-31}]",
        "[" * 3000,
        "\x00",
        dump_rules([WATER]) + dump_rules([WATER]).split("rules:\n")[1],
    ],
)
def test_what_is_no_file_of_rules_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        load_rules(text)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    for content in (b"\xff\xfe\xff", b"#" * (4 * 1024 * 1024 + 1), b"rules: 1"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=re.escape(str(path))):
            read_rules(path)
    for missing in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_rules(missing)
    with pytest.raises(UsageError, match="two rules"):
        write_rules([WATER, WATER], path)


# Exports


def test_dcm2bids_gets_its_configuration() -> None:
    exported = to_dcm2bids([WATER, T2])
    assert exported.content == {
        "search_method": "re",
        "descriptions": [
            {
                "id": "siemens-t2",
                "datatype": "anat",
                "suffix": "T2w",
                "custom_entities": ["acq-AX"],
                "criteria": {
                    "Manufacturer": "(?i).*(?:siemens)",
                    "SeriesDescription": "(?i).*(?:haste|t2)",
                    "ScanningSequence": r"(?i)(?:.*[\\_])?SE(?:[\\_]|$)",
                    "MRAcquisitionType": "(?i)2D$",
                    "EchoTime": {"btwe": [0.08, 0.1205]},
                    "FlipAngle": {"btwe": [90.0, 180.0]},
                },
            }
        ],
    }
    assert exported.rules == 1
    assert exported.notes == ("rule philips-dixon-w left out: BIDS has no name for DIXON_W",)


@pytest.mark.parametrize(
    ("then", "name"),
    [
        ({"sequence": "T1"}, "anat/T1w"),
        ({"sequence": "T1", "phase": "ART", "plane": "COR"}, "anat/acq-CORART_T1w"),
        ({"sequence": "PD"}, "anat/PDw"),
        ({"sequence": "FLAIR"}, "anat/FLAIR"),
        ({"sequence": "T2STAR", "derived": "PHASE"}, "anat/part-phase_T2starw"),
        ({"sequence": "DWI", "derived": "ORIGINAL"}, "dwi/dwi"),
        ({"sequence": "ADC"}, "dwi/ADC"),
        ({"sequence": "BOLD", "derived": "MAGNITUDE"}, "func/task-unnamed_part-mag_bold"),
        ({"sequence": "ASL"}, "perf/asl"),
        ({"sequence": "FIELDMAP"}, "fmap/fieldmap"),
        ({"sequence": "FIELDMAP", "derived": "PHASE"}, "fmap/phasediff"),
        ({"sequence": "DWI", "derived": "CALC_BVAL"}, ""),
        ({"sequence": "SWI"}, ""),
        ({"plane": "AX"}, ""),
    ],
)
def test_bids_names(then: dict[str, str], name: str) -> None:
    exported = to_dcm2bids([replace(WATER, then=then)])
    found = [
        f"{d['datatype']}/{'_'.join([*d.get('custom_entities', []), d['suffix']])}"
        for d in exported.content["descriptions"]
    ]
    assert found == [name] * bool(name)
    assert bool(exported.notes) == (not name or "task" in name or name == "fmap/fieldmap")


def test_monai_deploy_gets_its_selections() -> None:
    axial = SiteRule("axial", Condition(codes={"plane": "AX"}), {"sequence": "T2"})
    exported = to_monai_deploy([WATER, replace(T2, then={"sequence": "T2"}), axial])
    assert exported.content == {
        "selections": [
            {
                "name": "DIXON_W",
                "conditions": {
                    "Modality": "MR",
                    "Manufacturer": "philips|picker|marconi",
                    "SeriesDescription": r"mDIXON.*_W\b",
                },
            },
            {
                "name": "T2",
                "conditions": {
                    "Modality": "MR",
                    "Manufacturer": "siemens",
                    "SeriesDescription": "haste|t2",
                    "ScanningSequence": "SE",
                    "MRAcquisitionType": "^2D$",
                    "EchoTime": [80.0, 120.5],
                    "FlipAngle": [90, 180],
                },
            },
            {"name": "T2", "conditions": {"Modality": "MR", "ImageOrientationPatient": "Axial"}},
        ]
    }
    assert exported.notes == ()


@pytest.mark.parametrize("export", [to_dcm2bids, to_monai_deploy])
@pytest.mark.parametrize(
    "when",
    [
        Condition(description="a", codes={"kinds": "WATER"}),
        Condition(description="a", codes={"family": "TSE"}),
        Condition(description="a", codes={"plane": "OBL"}),
        Condition(description="a", ranges={"b": (0.0, 50.0)}),
    ],
)
def test_a_condition_that_another_program_does_not_know_is_never_left_away(
    export: Any, when: Condition
) -> None:
    exported = export([SiteRule("mine", when, {"sequence": "T2"})])
    assert exported.rules == 0
    assert len(exported.notes) == 1
    assert "rule mine left out" in exported.notes[0]


def bids_link(sidecar: Mapping[str, Any], criteria: Mapping[str, Any]) -> bool:
    """What SidecarPairing.isLink of Dcm2Bids 3 checks with ``search_method`` re, for texts and numbers."""

    def holds(value: Any, wanted: Any) -> bool:
        if isinstance(wanted, dict):
            (low, high) = wanted["btwe"]
            return value != "" and float(low) <= float(value) <= float(high)
        return bool(value) and re.match(wanted, str(value)) is not None

    return all(holds(sidecar.get(name, ""), wanted) for name, wanted in criteria.items())


def monai_selects(header: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    """What DICOMSeriesSelectorOperator checks: equal or searched texts, contained values, inclusive ranges."""

    def holds(value: Any, wanted: Any) -> bool:
        if not value:
            return False
        if isinstance(value, float):
            return wanted[0] <= value <= wanted[1]
        if isinstance(value, list):
            return wanted.lower() in str([str(value)]).lower()
        return value.casefold() == wanted.casefold() or re.search(wanted, value, re.IGNORECASE) is not None

    return all(holds(header.get(name), wanted) for name, wanted in conditions.items())


MANUFACTURERS = (
    "SIEMENS",
    "Siemens Healthineers",
    "GE MEDICAL SYSTEMS",
    "Philips Medical Systems",
    "UIH",
    "",
)
DESCRIPTIONS = ("t2 haste tra", "WIP mDIXON_All_W", "mDIXON_WATER", "mdixon_w 2", "ge t2", "x")
EXAMPLES = [
    WATER,
    T2,
    SiteRule("start", Condition("GE", "^ge|water$"), {"sequence": "T2"}),
    SiteRule("echo", Condition(codes={"scanning": "EP"}, ranges={"tr": (0.5, 90.0)}), {"sequence": "T2"}),
]


@settings(deadline=None)
@given(
    rule=st.sampled_from(EXAMPLES),
    manufacturer=st.sampled_from(MANUFACTURERS),
    description=st.sampled_from(DESCRIPTIONS),
    scanning=st.sampled_from([("SE",), ("EP", "SE"), ("GR", "IR"), ("EP",)]),
    acquired=st.sampled_from(["2D", "3D"]),
    te=st.sampled_from([79.9, 80.0, 100.0, 120.5, 121.0]),
    flip=st.sampled_from([10.0, 90.0, 180.0]),
    tr=st.sampled_from([0.4, 0.5, 20.0, 5000.0]),
)
def test_rules_mean_the_same_in_other_programs(
    rule: SiteRule,
    manufacturer: str,
    description: str,
    scanning: tuple[str, ...],
    acquired: str,
    te: float,
    flip: float,
    tr: float,
) -> None:
    protocol = {"vendor": vendor(manufacturer), "scanning": "\\".join(scanning), "acquired": acquired}
    numbers = {"te": te, "flip": flip, "tr": tr}
    expected = matches(rule, make_prediction(description=description, protocol={**protocol, **numbers}))
    header = {
        "Modality": "MR",
        "Manufacturer": manufacturer,
        "SeriesDescription": description,
        "ScanningSequence": list(scanning) if len(scanning) > 1 else scanning[0],
        "MRAcquisitionType": acquired,
        "EchoTime": te,
        "FlipAngle": flip,
        "RepetitionTime": tr,
    }
    (selection,) = to_monai_deploy([rule]).content["selections"]
    assert monai_selects(header, selection["conditions"]) == expected
    for between in ("\\", "_"):
        sidecar = {
            **header,
            "ScanningSequence": between.join(scanning),
            "EchoTime": float(f"{te / 1000:g}"),
            "RepetitionTime": float(f"{tr / 1000:g}"),
        }
        (found,) = to_dcm2bids([replace(rule, then={"sequence": "T2"})]).content["descriptions"]
        assert bids_link(sidecar, found["criteria"]) == expected


def test_dcm2bids_itself_pairs_what_a_rule_holds_for(tmp_path: Path) -> None:
    sidecars = pytest.importorskip("dcm2bids.sidecar")
    pairing = sidecars.SidecarPairing([], [], search_method="re")
    (found,) = to_dcm2bids([T2]).content["descriptions"]
    header = {
        "Manufacturer": "Siemens",
        "SeriesDescription": "t2 haste tra",
        "ScanningSequence": "EP\\SE",
        "MRAcquisitionType": "2D",
        "EchoTime": 0.09,
        "FlipAngle": 120,
    }
    assert pairing.isLink(header, found["criteria"])
    for name, other in (
        ("Manufacturer", "GE"),
        ("EchoTime", 0.2),
        ("ScanningSequence", "GR"),
        ("FlipAngle", 9),
    ):
        assert not pairing.isLink({**header, name: other}, found["criteria"])


def test_an_export_is_a_file_with_at_least_one_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, out = tmp_path / "rules.yaml", tmp_path / "out.json"
    write_rules([WATER, T2], rules)
    for name, export in (("dcm2bids", to_dcm2bids), ("monai", to_monai_deploy)):
        assert main(["rules", "export", str(rules), "--format", name, "--out", str(out)]) == DONE
        assert json.loads(out.read_text(encoding="utf-8")) == export([WATER, T2]).content
    shown = capsys.readouterr()
    assert shown.out == f"1 rule: {out}\n2 rules: {out}\n"
    assert shown.err == "note: rule philips-dixon-w left out: BIDS has no name for DIXON_W\n"
    write_rules([WATER], rules)
    assert main(["rules", "export", str(rules), "--format", "dcm2bids", "--out", str(out)]) == WRONG_USAGE
    with pytest.raises(UsageError, match="there is none"):
        write_export(to_monai_deploy([]), out)
