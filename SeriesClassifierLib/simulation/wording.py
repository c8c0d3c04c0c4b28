"""What sites call their series: words by vendor, language and habit.

Texts are made up in the style of each vendor's protocol trees; ``{p}`` is the plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from SeriesClassifierLib.simulation.draws import chance, choice, pick

_PLANES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("AX", "COR", "SAG"),
        ("Ax", "Cor", "Sag"),
        ("axial", "coronal", "sagittal"),
        ("tra", "cor", "sag"),
    ),
    "de": (("tra", "cor", "sag"), ("axial", "coronal", "sagittal"), ("TRA", "KOR", "SAG")),
    "fr": (("AX", "COR", "SAG"), ("axiale", "coronale", "sagittale"), ("TRA", "FRONT", "SAG")),
    "es": (("AX", "COR", "SAG"), ("Axial", "Coronal", "Sagital")),
    "it": (("ASS", "COR", "SAG"), ("assiale", "coronale", "sagittale")),
    "nl": (("tra", "cor", "sag"), ("TRA", "COR", "SAG")),
    "tr": (("aks", "kor", "sag"), ("AKSIYEL", "KORONAL", "SAGITTAL")),
}
_LANGUAGES = {"en": 0.5, "de": 0.15, "fr": 0.1, "es": 0.08, "it": 0.06, "nl": 0.06, "tr": 0.05}
_FAT: Mapping[str, tuple[str, ...]] = {
    "SIEMENS": ("_fs", "_spair", "_fatsat"),
    "GE": (" FS", " FAT SAT", " fs"),
    "PHILIPS": ("_SPAIR", "_SPIR", " FS"),
    "": (" fs", " FatSat", "_FS"),
}
_PHASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "PRE": ("pre", "PRE"),
        "ART": ("arterial", "art", "20s"),
        "PORTVEN": ("portal venous", "PV", "70s"),
        "LATE": ("delayed", "3 min", "equilibrium"),
        "HEPA": ("HBP 20min", "hepatobiliary"),
        "POST": ("post", "+C", "post gad"),
    },
    "de": {
        "PRE": ("nativ",),
        "ART": ("arteriell", "art"),
        "PORTVEN": ("portalvenös", "pv"),
        "LATE": ("spät", "5min"),
        "HEPA": ("20min", "hepatobiliär"),
        "POST": ("KM", "nach KM"),
    },
    "fr": {
        "PRE": ("SANS IV", "sans inj"),
        "ART": ("ART", "artériel"),
        "PORTVEN": ("PORTAL", "portal"),
        "LATE": ("TARDIF", "5 min"),
        "HEPA": ("hépatobiliaire", "20 MIN"),
        "POST": ("GADO", "après inj"),
    },
    "es": {
        "PRE": ("sin contraste", "pre"),
        "ART": ("arterial",),
        "PORTVEN": ("portal",),
        "LATE": ("tardía",),
        "HEPA": ("hepatobiliar",),
        "POST": ("con contraste", "+ GD"),
    },
    "it": {
        "PRE": ("basale", "pre"),
        "ART": ("arteriosa",),
        "PORTVEN": ("portale",),
        "LATE": ("tardiva",),
        "HEPA": ("epatobiliare",),
        "POST": ("mdc", "dopo mdc"),
    },
    "nl": {
        "PRE": ("blanco",),
        "ART": ("art",),
        "PORTVEN": ("portaal",),
        "LATE": ("laat",),
        "HEPA": ("20 min",),
        "POST": ("+gd", "na contrast"),
    },
    "tr": {
        "PRE": ("kontrastsiz",),
        "ART": ("arteriyel",),
        "PORTVEN": ("portal",),
        "LATE": ("gec",),
        "HEPA": ("hepatobiliyer",),
        "POST": ("kontrastli",),
    },
}
# By what is scanned, then by vendor; "" is said anywhere. Entries ending in * take a word for the contrast
# phase.
_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "LOCALIZER": {
        "SIEMENS": ("localizer", "AAHead_Scout", "loc_haste_{p}", "localizer_3_planes"),
        "GE": ("3-Plane Loc", "3 PLANE LOC SSFSE", "Localizer"),
        "PHILIPS": ("Survey", "SURVEY_BFFE", "SmartBrain"),
        "": ("Locator", "Scout", "Plan Scan", "LOCA", "Uebersicht"),
    },
    "T1 TSE": {
        "SIEMENS": ("t1_tse_{p}*", "T1 TSE {p}*", "t1_se_{p}*"),
        "GE": ("{p} T1 FSE*", "{p} T1*"),
        "PHILIPS": ("T1W_TSE_{p}*", "T1_SE_{p}*"),
        "": ("{p} T1*", "T1 FSE {p}*"),
    },
    "T1 3D": {
        "SIEMENS": ("t1_mprage_{p}*", "t1_mpr_ns_{p}_iso*"),
        "GE": ("{p} BRAVO*", "{p} 3D T1*", "{p} FSPGR 3D*"),
        "PHILIPS": ("T1W_3D_TFE_{p}*", "sT1W_3D*"),
        "": ("3D T1 {p}*", "MPRAGE {p}*"),
    },
    "VIBE": {
        "SIEMENS": ("t1_vibe_{p}_bh*", "t1_vibe_{p}*", "t1_starvibe_{p}*"),
        "GE": ("{p} LAVA*", "{p} LAVA ASSET*", "{p} FSPGR*"),
        "PHILIPS": ("THRIVE_{p}*", "eTHRIVE_BH_{p}*", "T1W_FFE_{p}*"),
        "": ("{p} 3D T1 GE*", "Quick3D {p}*", "{p} 3D T1 bh*"),
    },
    "T2 TSE": {
        "SIEMENS": ("t2_tse_{p}", "T2 TSE {p}", "t2_blade_{p}"),
        "GE": ("{p} T2 FRFSE", "{p} T2 PROPELLER", "{p} T2"),
        "PHILIPS": ("T2W_TSE_{p}", "T2_{p}"),
        "": ("{p} T2", "T2 FSE {p}", "FSE T2W {p}"),
    },
    "T2 3D": {
        "SIEMENS": ("t2_space_{p}_iso",),
        "GE": ("{p} CUBE T2",),
        "PHILIPS": ("3D_VIEW_T2_{p}",),
        "": ("3D T2 {p}",),
    },
    "HASTE": {
        "SIEMENS": ("t2_haste_{p}_bh", "T2 HASTE {p}"),
        "GE": ("{p} SSFSE", "{p} T2 SSFSE BH"),
        "PHILIPS": ("T2W_SSH_{p}", "SSh_TSE_{p}"),
        "": ("FASE {p}", "{p} T2 SS"),
    },
    "STIR": {
        "SIEMENS": ("t2_tirm_{p}", "stir_{p}"),
        "GE": ("{p} STIR", "{p} FSE-IR"),
        "PHILIPS": ("STIR_{p}",),
        "": ("STIR {p}", "{p} STIR"),
    },
    "PD": {
        "SIEMENS": ("pd_tse_{p}",),
        "GE": ("{p} PD",),
        "PHILIPS": ("PDW_TSE_{p}",),
        "": ("{p} PD", "PDW {p}"),
    },
    "FLAIR": {
        "SIEMENS": ("t2_tirm_{p}_dark-fluid", "flair_{p}", "t2_space_dark-fluid_{p}"),
        "GE": ("{p} T2 FLAIR", "{p} CUBE FLAIR"),
        "PHILIPS": ("FLAIR_{p}", "3D_FLAIR_{p}"),
        "": ("{p} FLAIR", "FLAIR {p}"),
    },
    "T2STAR": {
        "SIEMENS": ("t2_fl2d_{p}_hemo", "t2*_gre_{p}"),
        "GE": ("{p} GRE", "{p} T2* GRE"),
        "PHILIPS": ("T2_FFE_{p}",),
        "": ("{p} T2*", "GRE {p}"),
    },
    "SWI": {
        "SIEMENS": ("SWI_Images", "Mag_Images", "swi_{p}"),
        "GE": ("{p} SWAN",),
        "PHILIPS": ("SWIp",),
        "": ("FSBB", "BSI", "SWI {p}"),
    },
    "DWI": {
        "SIEMENS": ("ep2d_diff_{p}", "ep2d_diff_b50_400_800_{p}", "resolve_diff_{p}", "DWI_{p}"),
        "GE": ("{p} DWI", "{p} DWI ASSET", "DWI FOCUS {p}"),
        "PHILIPS": ("DWI_{p}", "DWI_3b_{p}", "DWIBS"),
        "": ("DWI {p}", "{p} DWI", "diffusion {p}"),
    },
    "ADC": {
        "SIEMENS": ("ep2d_diff_{p}_ADC", "resolve_diff_{p}_ADC"),
        "GE": ("Apparent Diffusion Coefficient (mm2/s)", "ADC (10^-6 mm2/s)"),
        "PHILIPS": ("dADC", "dDWI_ADC"),
        "": ("ADC", "ADC map", "{p} ADC"),
    },
    "CALC_BVAL": {
        "SIEMENS": ("ep2d_diff_{p}_CALC_BVAL",),
        "GE": ("Synthetic DWI",),
        "PHILIPS": ("cDWI",),
        "": ("cDWI", "computed b"),
    },
    "FA": {"": ("FA", "Fractional Anisotropy", "ep2d_diff_FA")},
    "DCE": {
        "SIEMENS": ("t1_vibe_{p}_dyn", "t1_twist_{p}_dynamic", "vibe_dce"),
        "GE": ("{p} DISCO", "{p} LAVA DYN", "DCE {p}"),
        "PHILIPS": ("dyn_THRIVE", "DCE_{p}", "T1_dyn"),
        "": ("dynamic {p}", "DCE", "perfusion {p}"),
    },
    "DIXON": {
        "SIEMENS": ("t1_vibe_dixon_{p}*", "t1_fl2d_opp-in_{p}"),
        "GE": ("{p} LAVA-Flex*", "{p} Dual Echo", "In/Out {p}"),
        "PHILIPS": ("mDIXON_{p}*", "dual_FFE_{p}"),
        "": ("{p} in/opp", "WFS {p}*"),
    },
    "MRCP": {
        "SIEMENS": ("t2_space_{p}_MRCP", "mrcp_haste_thick", "MRCP_3D"),
        "GE": ("3D MRCP", "Rad MRCP", "MRCP"),
        "PHILIPS": ("MRCP_3D_HR", "MRCP_rad"),
        "": ("MRCP", "3D MRCP", "Bili IRM"),
    },
    "MRA": {
        "SIEMENS": ("TOF_3D_multi-slab", "tof_fl3d_{p}"),
        "GE": ("3D TOF", "{p} TOF COW"),
        "PHILIPS": ("s3DI_MC", "TOF_3D"),
        "": ("TOF", "MRA {p}", "ARM TOF"),
    },
    "CISS": {
        "SIEMENS": ("t2_trufi_{p}", "t2_ci3d_{p}"),
        "GE": ("{p} FIESTA", "{p} FIESTA-C"),
        "PHILIPS": ("BTFE_{p}", "B-FFE_{p}"),
        "": ("True SSFP {p}", "BASG {p}"),
    },
    "PERFUSION": {
        "SIEMENS": ("ep2d_perf",),
        "GE": ("Perfusion",),
        "PHILIPS": ("FE_EPI_perf",),
        "": ("DSC", "perfusion"),
    },
    "ASL": {"SIEMENS": ("tgse_pasl", "ASL_3D"), "GE": ("3D ASL", "ASL"), "PHILIPS": ("pCASL",), "": ("ASL",)},
    "BOLD": {
        "SIEMENS": ("ep2d_bold_rest", "ep2d_bold_task"),
        "GE": ("fMRI",),
        "PHILIPS": ("FE_EPI_rs",),
        "": ("rest", "fMRI"),
    },
    "FIELDMAP": {
        "SIEMENS": ("gre_field_mapping",),
        "GE": ("B0 map",),
        "PHILIPS": ("B0_map",),
        "": ("fieldmap",),
    },
    "CALIBRATION": {
        "SIEMENS": ("AdjCoilSens", "tfl_b1map"),
        "GE": ("ASSET calibration", "Cal Head 24"),
        "PHILIPS": ("Ref_Head", "CoilSurvey"),
        "": ("calibration", "MAP"),
    },
    "OTHER": {"": ("Series", "Screen Save", "Report", "Phoenix", "Exam Card", "map")},
}


@dataclass(frozen=True)
class Wording:
    """The habits of one site. ``mute`` sites name series by number; ``bare`` ones leave out what they can."""

    vendor: str
    language: str
    planes: tuple[str, str, str]
    mute: bool
    upper: bool
    suffix: str


def draw_wording(rng: np.random.Generator, vendor: str) -> Wording:
    """A site with a scanner of ``vendor``."""
    language = choice(rng, _LANGUAGES)
    suffix = pick(rng, ("_p2", "_bh", "_resp", " RT")) if chance(rng, 0.15) else ""
    return Wording(
        vendor, language, pick(rng, _PLANES[language]), chance(rng, 0.05), chance(rng, 0.15), suffix
    )


def describe(
    rng: np.random.Generator,
    wording: Wording,
    kind: str,
    plane: str,
    *,
    phase: str = "",
    fat: bool = False,
    ending: str = "",
) -> str:
    """A SeriesDescription of at most 64 characters for ``kind`` (a key of the table)."""
    if wording.mute and chance(rng, 0.8):
        return f"Series {int(rng.integers(1, 900))}"
    table = _NAMES[kind]
    options = table.get(wording.vendor, table[""]) if chance(rng, 0.85) else table[""]
    text = pick(rng, options)
    word = ""
    if phase in _PHASES["en"] and (text.endswith("*") or phase != "PRE"):
        separator = "_" if "_" in text else " "
        word = separator + pick(rng, _PHASES[wording.language][phase])
    named = dict(zip(("AX", "COR", "SAG"), wording.planes, strict=True)).get(plane, "")
    text = text.rstrip("*").replace("{p}", named).strip(" _")
    if fat:
        text += pick(rng, _FAT.get(wording.vendor, _FAT[""]))
    text += word + wording.suffix + ending
    return (text.upper() if wording.upper else text)[:64]
