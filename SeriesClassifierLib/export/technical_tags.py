"""What may leave of a header: an allowlist of technical tags, each with the form its values must have.

A tag keeps its value only as numbers, as terms of a fixed list, or reduced to what the header model sees of
it. Nothing that a person could have typed passes: text that is not on a list becomes "", which still says
that the tag was there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from SeriesClassifierLib.headers.features import CODES
from SeriesClassifierLib.headers.tokens import coils, scan_options, sequence_family, vendor
from SeriesClassifierLib.parts.image_kind import WORDS, image_kinds
from SeriesClassifierLib.records import Instance, TagValue

_MOST_VALUES = 64
_PRESENT = ""

_NUMBERS = (
    *("MagneticFieldStrength", "ImagingFrequency", "RepetitionTime", "EchoTime", "InversionTime"),
    *("FlipAngle", "EchoTrainLength", "EchoNumbers", "NumberOfAverages", "PixelBandwidth"),
    *("PercentSampling", "PercentPhaseFieldOfView", "NumberOfPhaseEncodingSteps", "AcquisitionMatrix"),
    *("SAR", "dBdt", "CardiacNumberOfImages", "DiffusionBValue", "TriggerTime"),
    *("TemporalPositionIdentifier", "NumberOfTemporalPositions"),
    *("SliceThickness", "SpacingBetweenSlices", "PixelSpacing", "Rows", "Columns"),
    *("ImageOrientationPatient", "BitsStored", "SmallestImagePixelValue", "LargestImagePixelValue"),
    *("WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope"),
)
TERMS: Mapping[str, tuple[str, ...]] = {
    **{keyword: values for _, keyword, values in CODES},
    "Modality": ("MR",),
    "MRAcquisitionType": ("2D", "3D"),
    "AngioFlag": ("Y", "N"),
    "VariableFlipAngleFlag": ("Y", "N"),
    "InPlanePhaseEncodingDirection": ("ROW", "COL"),
    "PatientSex": ("M", "F", "O"),
}
# Whether these are there is all that counts: their values are a time of day, a drug, a heartbeat.
_MARKERS = {"ContrastBolusStartTime": _PRESENT, "ContrastBolusAgent": "GIVEN", "HeartRate": _PRESENT}

# One word for each normalized option, family and coil; the word means that one and nothing else.
OPTION_WORDS: Mapping[str, str] = {
    "FAT_SAT": "FS",
    "WATER_EXCITE": "WE",
    "DIXON_WATER": "WFS_W",
    "DIXON_FAT": "WFS_F",
    "DIXON": "DIXON",
    "SATURATION": "SP",
    "PARTIAL_FOURIER": "PFP",
    "FLOW_COMP": "FC",
    "RESPIRATORY": "RG",
    "CARDIAC": "CG",
    "EPI": "EPI",
    "DIFFUSION": "DIFF",
    "INVERSION": "IR",
    "MAGNETIZATION_TRANSFER": "MT",
    "FAST": "FAST",
    "VASCULAR_TOF": "TOF",
    "VASCULAR_PC": "PC",
    "T2_PREP": "T2PREP",
    "MULTIPHASE": "MULTIPHASE",
    "SEQUENTIAL": "SEQ_GEMS",
    "SPEED_UP": "SENSE",
}
FAMILY_WORDS: Mapping[str, str] = {
    "DIFFUSION_EPI": "dwi",
    "ASL": "asl",
    "PERFUSION_EPI": "perf",
    "FIELD_MAP": "b0map",
    "SWI": "swi",
    "GRE_EPI": "epfid",
    "SE_EPI": "epse",
    "FLOW": "pca",
    "TOF": "tof",
    "HASTE": "haste",
    "INVERSION_TSE": "tir",
    "TSE_3D": "spc",
    "MP_GRE": "tfl",
    "SSFP": "trufi",
    "MULTI_ECHO_GRE": "medic",
    "TSE": "tse",
    "SPOILED_GRE": "flash",
    "SE": "se",
    "SPECTROSCOPY": "svs",
    "ELASTOGRAPHY": "mre",
    "MAPPING": "molli",
}
COIL_WORDS: Mapping[str, str] = {
    "HEAD": "HEAD",
    "NECK": "NECK",
    "SPINE": "SPINE",
    "BODY": "BODY",
    "BREAST": "BREAST",
    "LIMB": "KNEE",
    "ENDORECTAL": "ENDO",
}
# Siemens' names: a stem from this list, the dimensions, a factor. Other vendors let users write here.
_SEQUENCE_NAME = re.compile(
    r"\*?(?:ep|epfid|epse|tse|tgse|se|fl|tfl|fi|tfi|ci|psif|de|me|tir|spc|spcR|h|hst|fm|qfl)"
    r"(?:[23]d\d{0,3}r?)?(?:_\d{1,3})?"
    r"|\*?(?:ep|re|ez)_b\d{1,5}(?:_\d{1,5})?(?:[dt]|#\d{1,3})?",
    re.ASCII,
)
_B_IN_NAME = re.compile(r"\b[a-z]{2}_b(\d{1,5})(?!\d|_\d)", re.IGNORECASE | re.ASCII)


def technical_tags(tags: Mapping[str, TagValue]) -> dict[str, TagValue]:
    """The allowed ones among ``tags`` in their allowed form; doing it again changes nothing.

    Names are those of ``Instance.tags``. Private tags are not among them (see ``exported_header``).
    """
    instance = Instance("", 0, tags)
    return {name: clean(instance, name) for name, clean in _CLEAN.items() if name in tags}


def family_word(name: str) -> str:
    """One fixed word of the same family as the pulse sequence ``name``; "" when it has none."""
    return FAMILY_WORDS.get(sequence_family(name), _PRESENT)


def as_number(value: float) -> float:
    """``value`` with the nine digits that a 32-bit float can tell apart."""
    return float(f"{value:.9g}")


def _numbers(instance: Instance, keyword: str) -> TagValue:
    numbers = tuple(as_number(v) for v in instance.numbers(keyword)[:_MOST_VALUES] if math.isfinite(v))
    return _one_or_many(numbers)


def _terms(instance: Instance, keyword: str) -> TagValue:
    known = TERMS[keyword]
    return _one_or_many(tuple(dict.fromkeys(t for t in instance.tokens(keyword) if t in known)))


def _marker(instance: Instance, keyword: str) -> TagValue:
    return _MARKERS[keyword] if instance.text(keyword).strip() else _PRESENT


def _options(instance: Instance, keyword: str) -> TagValue:
    found = scan_options(instance.tokens(keyword))
    return _one_or_many(tuple(word for name, word in OPTION_WORDS.items() if name in found))


def _sequence_name(instance: Instance, keyword: str) -> TagValue:
    name = instance.text(keyword).strip()
    if _SEQUENCE_NAME.fullmatch(name):
        return name
    b_value = _B_IN_NAME.search(name)
    word = f"ep_b{b_value.group(1)}" if b_value else family_word(name)
    return word if sequence_family(word) == sequence_family(name) else family_word(name)


def _manufacturer(instance: Instance, keyword: str) -> TagValue:
    return vendor(instance.text(keyword))


def _coil(instance: Instance, keyword: str) -> TagValue:
    found = coils(instance.text(keyword))
    return " ".join(word for name, word in COIL_WORDS.items() if name in found)


def _image_type(instance: Instance, keyword: str) -> TagValue:
    return _one_or_many(_image_type_words(instance.tokens(keyword)))


@lru_cache(maxsize=4096)
def _image_type_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Values 1 and 2 keep their places, for their places are their meaning (PS3.3 C.7.6.1.1.2)."""
    fixed = (("ORIGINAL", "DERIVED"), ("PRIMARY", "SECONDARY"))
    first = tuple(w if w in known else "UNKNOWN" for w, known in zip(words, fixed, strict=False))
    return first + tuple(dict.fromkeys(_kind_words(words[2:])))


def _kind_words(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        if word in WORDS:
            yield word
        elif image_kinds(("", "", word)):
            # A stem that we know with something behind it: only the stem is ours.
            yield re.split("[_ ]", word)[0]


def _one_or_many(values: tuple[str, ...] | tuple[float, ...]) -> TagValue:
    if not values:
        return _PRESENT
    return values[0] if len(values) == 1 else values


_CLEAN: Mapping[str, Callable[[Instance, str], TagValue]] = {
    **dict.fromkeys(_NUMBERS, _numbers),
    **dict.fromkeys(TERMS, _terms),
    **dict.fromkeys(_MARKERS, _marker),
    "ScanOptions": _options,
    "SequenceName": _sequence_name,
    "PulseSequenceName": _sequence_name,
    "Manufacturer": _manufacturer,
    "ReceiveCoilName": _coil,
    "ImageType": _image_type,
}
TECHNICAL = frozenset(_CLEAN)
