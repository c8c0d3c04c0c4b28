"""Frames of a multi-frame object as single images (PS3.3 C.7.6.16, functional groups).

A group of macros that all frames share is merged under each frame's own, and renamed to the classic keyword
where the enhanced one only differs in name, so that every later stage sees one kind of image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.records import Repair, Repaired, TagValue
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags, read_plain
from SeriesClassifierLib.sources.tags import FRAME_STATE

if TYPE_CHECKING:
    from pydicom import Dataset

ENHANCED_MR = frozenset(
    {"1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.3", "1.2.840.10008.5.1.4.1.1.4.4"}
)
_MAX_FRAMES = 20_000

# Enhanced keyword -> the classic keyword with the same meaning.
_RENAME = {
    "FrameType": "ImageType",
    "EffectiveEchoTime": "EchoTime",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "InversionTimes": "InversionTime",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
    "FrameComments": "ImageComments",
    "FrameAcquisitionNumber": "AcquisitionNumber",
}
_NUMERIC = {
    "EffectiveEchoTime": "FD",
    "TemporalPositionIndex": "UL",
    "InversionTimes": "FD",
    "NominalCardiacTriggerDelayTime": "FD",
    "FrameAcquisitionNumber": "US",
    "DiffusionBValue": "FD",
}
# What else may tell frames apart; a later stage only asks whether it differs (``FRAME_STATE``).
_STATES = (
    "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase", "SaturationRecovery", "Tagging",
    "FlowCompensation", "SpectrallySelectedSuppression", "SpectrallySelectedExcitation", "BloodSignalNulling",
    "T2Preparation", "RFEchoTrainLength", "GradientEchoTrainLength", "MetaboliteMapDescription",
    "VelocityEncodingDirection", "VelocityEncodingMinimumValue", "VelocityEncodingMaximumValue",
    "ReceiveCoilName", "LUTLabel",
)  # fmt: skip
# References and derivations carry tags of other images, not of the frame.
_IGNORED = frozenset({"ReferencedImageSequence", "DerivationImageSequence"})


def is_multiframe(tags: Mapping[str, TagValue]) -> bool:
    """True when the file holds frames with functional groups, or says it has more than one frame."""
    frames = tags.get("NumberOfFrames")
    return tags.get("SOPClassUID") in ENHANCED_MR or (isinstance(frames, float) and frames > 1)


def frames(
    dataset: Dataset, tags: dict[str, TagValue], repairs: set[Repaired] | None = None
) -> list[dict[str, TagValue]]:
    """One tag dictionary a frame; the file's own ``tags`` when it has no functional groups. ``repairs`` gets
    the tags of the groups that hold no clean value.
    """
    repairs = set() if repairs is None else repairs
    base = dict(tags)
    if "ContentQualification" in dataset or str(tags.get("SOPClassUID")) in ENHANCED_MR:
        base.update(_technique(_macros(dataset)))
    shared = _items(dataset, "SharedFunctionalGroupsSequence")
    if shared:
        base.update(_group_tags(shared[0], repairs))
    per_frame = _items(dataset, "PerFrameFunctionalGroupsSequence")[:_MAX_FRAMES]
    if not per_frame:
        return [base]
    stated = tags.get("NumberOfFrames")
    if isinstance(stated, float) and int(stated) != len(per_frame) and len(per_frame) < _MAX_FRAMES:
        repairs.add(Repaired("NumberOfFrames", Repair.UNREADABLE))
    # What remains under this name is an object whose frames nothing tells apart (``parts.image_gate``).
    base.pop("NumberOfFrames", None)
    out = []
    for item in per_frame:
        own = dict(base)
        own.update(_group_tags(item, repairs))
        for classic, codes in _technique(_first_items(item)).items():
            own[classic] = _joined(own.get(classic, ()), codes)
        out.append(own)
    return out


def _items(dataset: Any, keyword: str) -> list[Any]:
    """The items of a sequence; [] when there is none, or something else in its place."""
    from pydicom.sequence import Sequence

    value = dataset.get(keyword)
    return list(value) if isinstance(value, Sequence) else []


def _group_tags(groups: Any, repairs: set[Repaired]) -> dict[str, TagValue]:
    out: dict[str, TagValue] = {}
    states: list[str] = []
    for element in groups:
        if element.VR != "SQ" or element.keyword in _IGNORED or not element.value:
            continue
        macro = element.value[0]
        out.update(dataset_tags(macro, repairs))
        out.update(_renamed(macro, repairs))
        states += [f"{keyword}={macro.get(keyword)}" for keyword in _STATES if keyword in macro]
    if states:
        out[FRAME_STATE] = ";".join(states)
    return out


def _renamed(macro: Any, repairs: set[Repaired]) -> dict[str, TagValue]:
    out: dict[str, TagValue] = {}
    for enhanced, classic in _RENAME.items():
        if enhanced in macro:
            done = read_plain(classic, _NUMERIC.get(enhanced, "LO"), macro.get(enhanced))
            if done.value is not None:
                out[classic] = done.value
            if done.repair is not None:
                repairs.add(Repaired(classic, done.repair))
    return out


# Enhanced MR says with flags what classic MR says with codes (PS3.3 C.8.13.3 against C.8.3.1).
_FLAGS = (
    ("EchoPulseSequence", "SPIN", "ScanningSequence", "SE"),
    ("EchoPulseSequence", "GRADIENT", "ScanningSequence", "GR"),
    ("EchoPulseSequence", "BOTH", "ScanningSequence", "SE\\GR"),
    ("EchoPlanarPulseSequence", "YES", "ScanningSequence", "EP"),
    ("InversionRecovery", "YES", "ScanningSequence", "IR"),
    ("MagnetizationTransfer", "ON_RESONANCE", "SequenceVariant", "MTC"),
    ("MagnetizationTransfer", "OFF_RESONANCE", "SequenceVariant", "MTC"),
    ("SteadyStatePulseSequence", "FREE_PRECESSION", "SequenceVariant", "SS"),
    ("SteadyStatePulseSequence", "TRANSVERSE", "SequenceVariant", "SS"),
    ("Spoiling", "RF", "SequenceVariant", "SP"),
    ("Spoiling", "RF_AND_GRADIENT", "SequenceVariant", "SP"),
    ("SpectrallySelectedSuppression", "FAT", "ScanOptions", "FS"),
    ("PartialFourier", "YES", "ScanOptions", "PFP"),
)


def _macros(dataset: Any) -> list[Any]:
    """Where the flags stand: at the top, or in the groups that all frames share."""
    shared = _items(dataset, "SharedFunctionalGroupsSequence")[:1]
    return [dataset, *(macro for item in shared for macro in _first_items(item))]


def _first_items(groups: Any) -> list[Any]:
    return [item for element in groups if element.VR == "SQ" for item in list(element.value)[:1]]


def _technique(places: Sequence[Any]) -> dict[str, TagValue]:
    """ScanningSequence, SequenceVariant and ScanOptions from the enhanced flags in ``places``."""
    found: dict[str, list[str]] = {}
    for enhanced, flag, classic, token in _FLAGS:
        for place in places:
            if str(place.get(enhanced, "")).upper() == flag:
                found.setdefault(classic, []).extend(token.split("\\"))
    return {classic: _joined(tuple(tokens)) for classic, tokens in found.items()}


def _joined(*values: TagValue) -> TagValue:
    """Codes of several places, each once."""
    codes = (str(code) for value in values for code in (value if isinstance(value, tuple) else (value,)))
    unique = tuple(dict.fromkeys(codes))
    return unique[0] if len(unique) == 1 else unique
