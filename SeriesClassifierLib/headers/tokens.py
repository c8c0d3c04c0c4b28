"""Vendor-normalized tokens: one spelling for what Siemens, GE, Philips, Canon, UIH and Hitachi write
differently.
"""

from __future__ import annotations

import re
from functools import lru_cache

_VENDORS = (
    ("SIEMENS", re.compile(r"siemens", re.I)),
    ("GE", re.compile(r"^ge\b|g\.?e\.? medical|general electric", re.I)),
    ("PHILIPS", re.compile(r"philips|picker|marconi", re.I)),
    ("CANON", re.compile(r"canon|toshiba", re.I)),
    ("UIH", re.compile(r"uih|united.?imaging", re.I)),
    ("HITACHI", re.compile(r"hitachi|fujifilm", re.I)),
)
VENDORS = tuple(name for name, _ in _VENDORS)

# ScanOptions (0018,0022): standard terms plus each vendor's own.
_OPTIONS = (
    (
        "FAT_SAT",
        re.compile(
            r"^(FS|SFS|FATSAT|FAT.?SAT.*|SPAIR|SPIR|STIR_GEMS|FSS?_GEMS|Q.?FATSAT|DFS.*|WFS|PASTA|MSOFT|CHESS)$"
        ),
    ),
    ("WATER_EXCITE", re.compile(r"^(WE|WATER.?EXC.*|PROSET|SSRF_GEMS|SS_GEMS)$")),
    ("DIXON_WATER", re.compile(r"^(DIXW|WFS_W)$")),
    ("DIXON_FAT", re.compile(r"^(DIXF|WFS_F)$")),
    ("DIXON", re.compile(r"^(FLEX_GEMS|DIX.*|IDEAL_GEMS|DIXON|MDIXON|WFI)$")),
    ("SATURATION", re.compile(r"^(SAT\d?|SP|SAT_GEMS|REST|SAT.*)$")),
    ("PARTIAL_FOURIER", re.compile(r"^(PFP|PFF|PF)$")),
    ("FLOW_COMP", re.compile(r"^(FC|FC_.*|FLOW.?COMP.*|GMN)$")),
    ("RESPIRATORY", re.compile(r"^(RG|RESP.*|NAV.*|PACE|TRRG|RESP_GEMS)$")),
    ("CARDIAC", re.compile(r"^(CG|CT|PPG|ECG|PG|VCG.*|CARD.*)$")),
    ("EPI", re.compile(r"^(EPI_GEMS|EPI)$")),
    ("DIFFUSION", re.compile(r"^(DIFF_GEMS|DIFF.*|DW.*)$")),
    ("INVERSION", re.compile(r"^(IR|IR_GEMS|IRPREP.*|IR.?PREP|FLAIR.*|IRP_GEMS)$")),
    ("MAGNETIZATION_TRANSFER", re.compile(r"^(MT|MT_GEMS|MTC)$")),
    ("FAST", re.compile(r"^(FAST_GEMS|FAST)$")),
    ("VASCULAR_TOF", re.compile(r"^(VASCTOF_GEMS|TOF)$")),
    ("VASCULAR_PC", re.compile(r"^(VASCPC_GEMS|PC)$")),
    ("T2_PREP", re.compile(r"^(T2.?PREP.*|T2PREP_GEMS)$")),
    ("MULTIPHASE", re.compile(r"^(MP_GEMS|MULTIPHASE.*|DYN.*)$")),
    ("SEQUENTIAL", re.compile(r"^(SEQ_GEMS)$")),
    ("SPEED_UP", re.compile(r"^(ARC_GEMS|ACC_GEMS|ASSET_GEMS|HYPERSENSE_GEMS|SENSE|SPEEDER|P2|HS_GEMS)$")),
)
OPTIONS = tuple(name for name, _ in _OPTIONS)

# SequenceName (0018,0024), PulseSequenceName (0018,9005) and the vendors' private names of the pulse
# sequence.
_FAMILIES = (
    ("DIFFUSION_EPI", re.compile(r"\b[a-z]{2}_b\d|diff|dwi|dti|^dw|resolve|seepi2d\+[0-9.]*d|epi_dw", re.I)),
    ("ASL", re.compile(r"asl|tgse|spin_?lab", re.I)),
    ("PERFUSION_EPI", re.compile(r"perf|epi_?dsc", re.I)),
    ("FIELD_MAP", re.compile(r"^\*?fm\dd|b0.?map|field.?map|^\*?tfl_b1|b1map", re.I)),
    ("SWI", re.compile(r"swi|swan|fsbb|venbold|bsi\b", re.I)),
    ("GRE_EPI", re.compile(r"epfid|feepi|ffe.?epi|fe_?epi|gre.?epi|epi_?bold|epirt|efgre_?epi|^epi$", re.I)),
    ("SE_EPI", re.compile(r"epse|seepi|se.?epi|epi2?_?se", re.I)),
    ("FLOW", re.compile(r"_v\d+|^\*?pc\d?d|_pc|^pca|phase.?contr|qflow|fastcard_?pc|2dpc|inhance", re.I)),
    ("TOF", re.compile(r"tof|_t\d\d\b|inflow", re.I)),
    ("HASTE", re.compile(r"^\*?h[a-z]?\dd|haste|ssfse|fase|sshtse|ss_?tse|fse_ssh|single_?shot|ssh", re.I)),
    (
        "INVERSION_TSE",
        re.compile(r"^\*?tir|spcir|flair|irtse|t2flair|fir\b|ir_?fse|fse_?ir|fseir|cubet2flair", re.I),
    ),
    ("TSE_3D", re.compile(r"^\*?spc|cube|vista|3d_?tse|matrix|mvox|isofse|fse_?mx|xeta|3dfse", re.I)),
    (
        "MP_GRE",
        re.compile(
            r"^\*?tfl|mp.?rage|bravo|ir.?spgr|t1tfe|tfe|irprep|gre_fsp_ir|efgre3d_ir|field_?echo_ir|^\*?mp2",
            re.I,
        ),
    ),
    (
        "SSFP",
        re.compile(
            r"^\*?(fi|ci|tfi|psif|de)\d?d|fiesta|b-?ffe|b-?tfe|trufi|true?fi|ciss|ssfp|fisp|bssfp|true_?ssfp|balanced",
            re.I,
        ),
    ),
    (
        "MULTI_ECHO_GRE",
        re.compile(r"^\*?me\dd|merge|medic|mffe|mgre|megre|cosmic|multi.?echo|ideal_?iq|star_?map", re.I),
    ),
    ("TSE", re.compile(r"tse|fse|frfse|turbo.?se|propeller|blade|multivane|rare|grase", re.I)),
    (
        "SPOILED_GRE",
        re.compile(
            r"^\*?fl[dr]?\w*\dd|^\*?fl\b|ffe|spgr|lava|vibe|vibrant|disco|twist|tricks|efgre|fgre|^\*?gre|flash|fe[23]d|^fe\b|gre_fsp|quick|thrive|starvibe|^\*?fldyn",
            re.I,
        ),
    ),
    ("SE", re.compile(r"^\*?se|\bse\b|memp|spin.?echo", re.I)),
    ("SPECTROSCOPY", re.compile(r"svs|csi|press|steam|probe", re.I)),
    ("ELASTOGRAPHY", re.compile(r"mre|elasto", re.I)),
    ("MAPPING", re.compile(r"molli|t1map|t2map|mapit|smart1|mapping", re.I)),
)
FAMILIES = tuple(name for name, _ in _FAMILIES)

_COILS = (
    ("HEAD", re.compile(r"head|hd\b|brain|^h(e|c)\d|hns|hrbrain|neurovasc|nv|atlas.?head|^8hr", re.I)),
    ("NECK", re.compile(r"neck|^n(e|c)\d|hne\d", re.I)),
    ("SPINE", re.compile(r"spine|^sp\d|ctl|tim.?sp|posterior|pa\b", re.I)),
    ("BODY", re.compile(r"body|torso|^bo\d|^bc\b|ant|cardiac|flex.?l|bl[0-9]|aa\b|12ch.?abd|abd|pelv", re.I)),
    ("BREAST", re.compile(r"breast|^br[0-9]|mammo|sentinelle", re.I)),
    (
        "LIMB",
        re.compile(
            r"knee|ankle|foot|wrist|hand|shoulder|extrem|^kn|^sho|elbow|flex|tr.?knee|qd.?knee|loop", re.I
        ),
    ),
    ("ENDORECTAL", re.compile(r"endo|erc|prostate", re.I)),
)
COILS = tuple(name for name, _ in _COILS)


@lru_cache(maxsize=1024)
def vendor(manufacturer: str) -> str:
    """The vendor's name in one spelling; "" when unknown."""
    return next((name for name, pattern in _VENDORS if pattern.search(manufacturer)), "")


def vendor_pattern(name: str) -> str:
    """The regular expression that finds one of ``VENDORS``, in any case of letters."""
    return dict(_VENDORS)[name].pattern


@lru_cache(maxsize=4096)
def scan_options(values: tuple[str, ...]) -> frozenset[str]:
    """Normalized ScanOptions."""
    return frozenset(name for value in values for name, pattern in _OPTIONS if pattern.match(value.strip()))


@lru_cache(maxsize=4096)
def sequence_family(name: str) -> str:
    """The family of a pulse sequence by the vendor's name for it; "" when none is recognized.

    >>> sequence_family("*tse2d1_25"), sequence_family("*epfid2d1_64"), sequence_family("SEEPI2D+0.7")
    ('TSE', 'GRE_EPI', 'SE_EPI')
    """
    name = name.strip()
    if not name:
        return ""
    return next((family for family, pattern in _FAMILIES if pattern.search(name)), "")


@lru_cache(maxsize=4096)
def coils(name: str) -> frozenset[str]:
    """Body regions that the name of a receive coil hints at."""
    return frozenset(region for region, pattern in _COILS if pattern.search(name))
