"""What ImageType (0008,0008) says a picture is, in one spelling for all vendors.

PS3.3 C.7.6.1.1.2 fixes values 1 and 2; from value 3 on every vendor writes its own words.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Maps computed from a perfusion series.
_PERFUSION_MAPS = (
    "RELCBV", "RCBV", "CBV", "RELCBF", "RCBF", "CBF", "MTT", "RELMTT", "TTP", "GBP", "PBP"
)  # fmt: skip
# Kind -> the words vendors use for it from value 3 of ImageType on (Siemens, GE, Philips, Canon, UIH,
# Hitachi).
_WORDS: dict[str, tuple[str, ...]] = {
    "MAGNITUDE": ("M", "MAGNITUDE", "M_FFE", "M_SE", "M_IR", "M_PCA", "M_B0", "MAG"),
    "PHASE": (
        "P",
        "PHASE",
        "PHASE MAP",
        "PHASE_MAP",
        "P_FFE",
        "P_SE",
        "P_PCA",
        "PHASE_FFE",
        "VELOCITY MAP",
        "PHASEMAP",
        "SW_P_FFE",
    ),
    "REAL": ("R", "REAL", "R_FFE", "R_SE", "R_IR", "PSIR"),
    "IMAGINARY": ("I", "IMAGINARY", "I_FFE", "I_SE", "I_IR"),
    "DIFFUSION": ("DIFFUSION", "DWI", "DIFF", "DTI"),
    "ADC": (
        "ADC",
        "ADC_UNSPECIFIED",
        "ADC MAP",
        "ADC_MAP",
        "APPARENT_DIFFUSION_COEFFICIENT",
        "AVG_ADC",
        "DADC",
    ),
    "EADC": ("EADC", "EXP_ADC", "EXPONENTIAL_ADC"),
    "FA": ("FA", "FRACTIONAL_ANISO", "FRACTIONAL_ANISOTROPY", "FA_MAP", "FRACT_ANISO", "COLFA", "COLOR_FA"),
    "TRACE": ("TRACEW", "TRACE", "TRACE_WEIGHTED", "ISOTROPIC", "CMB", "COMBINED", "ISO"),
    "CALC_BVAL": (
        "CALC_BVAL",
        "CALC_BVALUE",
        "CALCULATED_BVALUE",
        "SYNTHETIC_BVALUE",
        "CDWI",
        "COMPUTED_DWI",
        "CDIFF",
    ),
    "WATER": ("WATER", "W", "WATER_ONLY", "DIXW"),
    "FAT": ("FAT", "F", "FAT_ONLY", "DIXF"),
    "IN_PHASE": ("IN_PHASE", "IP", "IN PHASE", "INPHASE", "IN-PHASE", "DIXI", "IN"),
    "OPP_PHASE": (
        "OUT_PHASE",
        "OPP_PHASE",
        "OP",
        "OUTPHASE",
        "OUT OF PHASE",
        "OPPOSED_PHASE",
        "OUT-PHASE",
        "OPPOSED PHASE",
        "OPPOSED",
        "OUT_OF_PHASE",
        "OOP",
        "OUT",
    ),
    "FAT_FRACTION": (
        "FAT_FRACTION",
        "FF",
        "PDFF",
        "FAT FRACTION",
        "FATFRACTION",
        "FAT_FRAC",
        "WATER_FRACTION",
    ),
    "MIP": ("MIP", "CSA MIP", "PROJECTION IMAGE", "PROJECTION", "MAX_IP", "PROJ"),
    "MINIP": ("MNIP", "MINIP", "MIN_IP", "MIN IP", "MIN-IP"),
    "MPR": ("MPR", "REFORMATTED", "RESAMPLED", "CSA MPR", "MPR_THICK", "CPR", "MPR CSA"),
    "SUB": ("SUB", "SUBTRACTION", "SUBTRACT", "SUBTRACTED", "SUBTRACTION IMAGE"),
    "LOCALIZER": ("LOCALIZER", "LOCALISER", "SCOUT", "SURVEY"),
    "SWI": ("SWI", "SW_M_FFE", "SW_M", "SW_P", "SWIP", "SWAN", "SWP", "SW", "SUSCEPTIBILITY"),
    "T1_MAP": ("T1 MAP", "T1_MAP", "T1MAP"),
    "T2_MAP": ("T2 MAP", "T2_MAP", "T2MAP"),
    "T2STAR_MAP": (
        "T2_STAR MAP",
        "T2* MAP",
        "T2STAR_MAP",
        "R2_STAR",
        "R2STAR",
        "R2*",
        "R2_STAR MAP",
        "R2",
        "R2 MAP",
    ),
    "PERFUSION": ("PERFUSION", "PERFUSION_FFE", "PERFUSION_SE", *_PERFUSION_MAPS),
    "ASL": ("ASL", "PERFUSION_ASL", "ARTERIAL_SPIN_LABELING", "TTEST"),
    "FMRI": ("FMRI", "BOLD", "FMRI_FFE"),
    "FIELD_MAP": ("B0", "B0 MAP", "B0_MAP", "FIELD MAP", "FIELD_MAP"),
    "B1_MAP": ("B1", "B1 MAP", "B1_MAP"),
    # Wash-in, wash-out and positive enhancement integral, computed from a dynamic series.
    "DYNAMIC_MAP": ("WI", "WO", "PEI"),
    "ANGIO": ("ANGIO", "TOF", "MRA", "TIME_OF_FLIGHT", "FLOW_ENCODED", "PCA"),
    "VELOCITY": ("VELOCITY", "V", "RETRO_VELOCITY"),
    "SPECTROSCOPY": ("SPECTROSCOPY", "SPEC", "CSI", "METABOLITE_MAP"),
    "MOSAIC": ("MOSAIC",),
    "MEAN": ("MEAN", "RMS", "AVERAGE"),
    "SCREEN": (
        "SCREEN SAVE",
        "SCREENSHOT",
        "SCREEN_CAPTURE",
        "PRESENTATION",
        "REPORT",
        "VXTL STATE",
        "PASTED",
    ),
    # Value 3 of enhanced objects (PS3.3 C.8.13.3.1): what the contrast of the acquisition is.
    "T1_CONTRAST": ("T1",),
    "T2_CONTRAST": ("T2",),
    "T2STAR_CONTRAST": ("T2_STAR", "T2*"),
    "PD_CONTRAST": ("PROTON_DENSITY",),
    "FLUID_ATTENUATED": ("FLUID_ATTENUATED",),
}
_KIND: dict[str, str] = {word: kind for kind, words in _WORDS.items() for word in words}
# Some write "WATER IMAGE" or "PHASE_IMAGE" for the word alone.
_IMAGE = re.compile(r"[ _-]IMAGE$")
# Siemens appends the plane or a number to some words: MIP_COR, MPR_TRA, SUB_1.
_STEMS = re.compile(r"^(MIP|MPR|SUB|ADC|FA)[_ ]")

KINDS = tuple(sorted(_WORDS))
WORDS = frozenset(_KIND)

# Kinds that make two pictures of one series two labels.
SPLITTING = frozenset(_WORDS) - {
    "DIFFUSION",
    "MOSAIC",
    "MEAN",
    "LOCALIZER",
    "PERFUSION",
    "T1_MAP",
    "T2_MAP",
    "ANGIO",
    "T1_CONTRAST",
    "T2_CONTRAST",
    "T2STAR_CONTRAST",
    "PD_CONTRAST",
    "FLUID_ATTENUATED",
}


# Of the complex signal: an image shows one of these.
COMPONENTS = frozenset({"MAGNITUDE", "PHASE", "REAL", "IMAGINARY"})


@lru_cache(maxsize=4096)
def image_kinds(image_type: tuple[str, ...]) -> frozenset[str]:
    """The kinds that an upper-case ImageType names, from its third value on.

    >>> sorted(image_kinds(("DERIVED", "PRIMARY", "DIFFUSION", "ADC", "DIS2D")))
    ['ADC', 'DIFFUSION']
    """
    kinds = set()
    for word in image_type[2:]:
        stem = _STEMS.match(word)
        shorter = stem.group(1) if stem else _IMAGE.sub("", word)
        kind = _KIND.get(word) or _KIND.get(shorter)
        if kind:
            kinds.add(kind)
    return frozenset(kinds)


def is_perfusion_map(image_type: tuple[str, ...]) -> bool:
    """Whether an upper-case ImageType names a map that was computed from a perfusion series."""
    return any(word in _PERFUSION_MAPS for word in image_type[2:])
