"""Site rules for other programs: Dcm2Bids, and the series selector of the MONAI Deploy App SDK.

A rule whose condition the other program cannot express is left out and told, never loosened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from SeriesClassifierLib.curation.site_rules import SiteRule
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.tokens import vendor_pattern
from SeriesClassifierLib.publish.atomic import replacing

# (sequence, derived) -> (datatype, suffix) of BIDS 1.11; what is not here has no name in it.
_BIDS: Mapping[tuple[str, str], tuple[str, str]] = {
    **{
        (sequence, derived): ("anat", suffix)
        for sequence, suffix in (
            ("T1", "T1w"),
            ("T2", "T2w"),
            ("PD", "PDw"),
            ("FLAIR", "FLAIR"),
            ("T2STAR", "T2starw"),
            ("MRA", "angio"),
        )
        for derived in ("", "MAGNITUDE", "PHASE")
    },
    **{("DWI", derived): ("dwi", "dwi") for derived in ("", "MAGNITUDE", "PHASE")},
    ("DWI", "FA"): ("dwi", "FA"),
    ("ADC", ""): ("dwi", "ADC"),
    **{("BOLD", derived): ("func", "bold") for derived in ("", "MAGNITUDE", "PHASE")},
    **{("ASL", derived): ("perf", "asl") for derived in ("", "MAGNITUDE", "PHASE")},
    ("FIELDMAP", ""): ("fmap", "fieldmap"),
    ("FIELDMAP", "MAGNITUDE"): ("fmap", "magnitude1"),
    ("FIELDMAP", "PHASE"): ("fmap", "phasediff"),
}
_PARTS = {"MAGNITUDE": "part-mag", "PHASE": "part-phase"}
_TASK = "task-unnamed"
_ORIENTATIONS = {"AX": "Axial", "COR": "Coronal", "SAG": "Sagittal"}
# Name -> (DICOM keyword, how many of our units are one of dcm2niix, which has seconds).
_NUMBERS = {
    "te": ("EchoTime", 1000.0),
    "tr": ("RepetitionTime", 1000.0),
    "ti": ("InversionTime", 1000.0),
    "flip": ("FlipAngle", 1.0),
    "etl": ("EchoTrainLength", 1.0),
    "thickness": ("SliceThickness", 1.0),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """The ``content`` of a JSON file, the number of ``rules`` in it, and ``notes`` for people: what was left
    out and why, and what needs a look.
    """

    content: Mapping[str, Any]
    rules: int
    notes: tuple[str, ...]


class _CannotSay(Exception):
    """The other program has no way to say this."""


def to_dcm2bids(rules: Iterable[SiteRule]) -> Exported:
    """A configuration of Dcm2Bids 3, with its ``search_method`` re: ``re.match`` on the sidecars of dcm2niix.

    Plane and contrast phase become the entity acq, magnitude and phase the entity part.
    """
    descriptions, notes = _each(rules, _bids_description)
    for description in descriptions:
        if _TASK in description.get("custom_entities", ()):
            notes.append(f"rule {description['id']}: BIDS wants the name of the task: change {_TASK}")
        if (description["datatype"], description["suffix"]) == ("fmap", "fieldmap"):
            notes.append(
                f"rule {description['id']}: check the suffix: fieldmap, phasediff, magnitude1 or epi"
            )
    return Exported({"search_method": "re", "descriptions": descriptions}, len(descriptions), tuple(notes))


def to_monai_deploy(rules: Iterable[SiteRule]) -> Exported:
    """Rules of DICOMSeriesSelectorOperator: ``re.search`` in any case of letters for texts, inclusive ranges
    for numbers. A selection has the classes of its rule as its name, so rules of one class select together.
    """
    selections, notes = _each(rules, _monai_selection)
    return Exported({"selections": selections}, len(selections), tuple(notes))


def write_export(exported: Exported, path: str | PathLike[str]) -> None:
    """Write the JSON, whole or not at all. Raises UsageError when no rule is in it or the folder is missing,
    SeriesClassifierError when the file cannot be written.
    """
    if not exported.rules:
        raise UsageError(f"no rule can be exported: {'; '.join(exported.notes) or 'there is none'}")
    text = json.dumps(exported.content, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as draft:
        draft.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _each(
    rules: Iterable[SiteRule], export: Callable[[SiteRule], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    done, notes = [], []
    for rule in rules:
        try:
            done.append(export(rule))
        except _CannotSay as reason:
            notes.append(f"rule {rule.name} left out: {reason}")
    return done, notes


# Dcm2Bids


def _bids_description(rule: SiteRule) -> dict[str, Any]:
    datatype, suffix = _bids_name(rule)
    entities = _bids_entities(rule, datatype)
    return {
        "id": rule.name,
        "datatype": datatype,
        "suffix": suffix,
        **({"custom_entities": entities} if entities else {}),
        "criteria": _bids_criteria(rule),
    }


def _bids_name(rule: SiteRule) -> tuple[str, str]:
    if "sequence" not in rule.then:
        raise _CannotSay("it names no sequence, and BIDS names files by it")
    sequence, derived = rule.then["sequence"], _derived(rule)
    found = _BIDS.get((sequence, derived))
    if found is None:
        raise _CannotSay(f"BIDS has no name for {f'{sequence} {derived}'.strip()}")
    return found


def _derived(rule: SiteRule) -> str:
    derived = rule.then.get("derived", "")
    return "" if derived == "ORIGINAL" else derived


def _bids_entities(rule: SiteRule, datatype: str) -> list[str]:
    phase = rule.then.get("phase", "NONE")
    acquisition = rule.then.get("plane", "") + (phase if phase != "NONE" else "")
    part = _PARTS.get(_derived(rule), "") if datatype != "fmap" else ""
    entities = (
        _TASK if datatype == "func" else "",
        f"acq-{acquisition}" if acquisition else "",
        part,
    )
    return [entity for entity in entities if entity]


def _bids_criteria(rule: SiteRule) -> dict[str, Any]:
    """Criteria as ``SidecarPairing.isLink`` reads them: texts by ``re.match``, numbers by btwe, inclusive."""
    criteria: dict[str, Any] = {}
    if rule.when.vendor:
        criteria["Manufacturer"] = f"(?i).*(?:{vendor_pattern(rule.when.vendor)})"
    if rule.when.description:
        criteria["SeriesDescription"] = f"(?i).*(?:{rule.when.description})"
    for name, value in rule.when.codes.items():
        if name == "acquired":
            criteria["MRAcquisitionType"] = f"(?i){value}$"
        elif name == "scanning":
            # Values are joined by a backslash, by older versions of dcm2niix with an underscore.
            criteria["ScanningSequence"] = rf"(?i)(?:.*[\\_])?{value}(?:[\\_]|$)"
        else:
            raise _CannotSay(f"Dcm2Bids cannot ask for {name} {value}")
    for name, (low, high) in rule.when.ranges.items():
        keyword, unit = _number(name)
        criteria[keyword] = {"btwe": [round(low / unit, 9), round(high / unit, 9)]}
    return criteria


def _number(name: str) -> tuple[str, float]:
    if name not in _NUMBERS:
        raise _CannotSay("b-values stand in other tags with every vendor")
    return _NUMBERS[name]


# MONAI Deploy


def _monai_selection(rule: SiteRule) -> dict[str, Any]:
    """Conditions as ``DICOMSeriesSelectorOperator._select_series`` reads them."""
    conditions: dict[str, Any] = {"Modality": "MR"}
    if rule.when.vendor:
        conditions["Manufacturer"] = vendor_pattern(rule.when.vendor)
    if rule.when.description:
        conditions["SeriesDescription"] = rule.when.description
    for name, value in rule.when.codes.items():
        if name == "acquired":
            conditions["MRAcquisitionType"] = f"^{value}$"
        elif name == "scanning":
            # A plain text is searched in one value and looked up among several.
            conditions["ScanningSequence"] = value
        elif name == "plane" and value in _ORIENTATIONS:
            conditions["ImageOrientationPatient"] = _ORIENTATIONS[value]
        else:
            raise _CannotSay(f"MONAI Deploy cannot ask for {name} {value}")
    for name, (low, high) in rule.when.ranges.items():
        conditions[_number(name)[0]] = [low, high]
    return {"name": " ".join(rule.then.values()), "conditions": conditions}
