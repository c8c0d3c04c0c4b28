"""What is scanned where and how: the protocol table of the header simulator.

One row is one way to acquire one class. Ranges are drawn log-uniformly; they span what clinical and research
protocols of 0.3 to 7 T use (vendor protocol guides, ACR and PI-RADS v2.1 technical parameters, LI-RADS technical
requirements, the Human Connectome Project, ADNI and UK Biobank protocols, and published parameter tables), widened
where sites are known to differ. Times in ms, lengths in mm, angles in degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

Range = tuple[float, float]


@dataclass(frozen=True)
class Protocol:
    """One acquisition. ``technique`` names the pulse sequence (see ``dialects``); weights are relative frequencies.

    ``echoes``/``times``/``b_values`` give how many are drawn; ``kinds`` the image kinds a part may be (parts.image_kind);
    ``fat_sat`` is a probability; ``phases`` maps the contrast phase to its weight; ``derived`` likewise.
    """

    sequence: str
    technique: str
    regions: Mapping[str, float]
    tr: Range
    te: Range
    flip: Range
    etl: Range = (1, 1)
    ti: Range | None = None
    thickness: Range = (3, 6)
    slices: Range = (12, 40)
    three_d: float = 0.0
    pixel: Range = (0.4, 1.1)
    fov: Range = (180, 260)
    averages: Range = (1, 3)
    bandwidth: Range = (100, 500)
    planes: Mapping[str, float] = field(default_factory=lambda: {"AX": 1.0})
    fat_sat: float = 0.2
    phases: Mapping[str, float] = field(default_factory=lambda: {"NONE": 1.0})
    derived: Mapping[str, float] = field(default_factory=lambda: {"ORIGINAL": 1.0})
    times: Range = (1, 1)
    orientations: Range = (1, 1)
    options: frozenset[str] = frozenset()
    weight: float = 1.0


_BRAIN = {"brain": 1.0}
_BODY = {"abdomen": 1.0}
_PELVIS = {"prostate": 1.0, "pelvis": 0.5}
_TRUNK = {"abdomen": 0.6, "pelvis": 0.3, "chest": 0.15, "cardiac": 0.1, "whole_body": 0.05}
_LIMB = {"extremity": 1.0}
_SPINE = {"spine": 1.0}
_NECK = {"head_neck": 1.0}
_ANY = {"brain": 1.0, "abdomen": 0.6, "prostate": 0.4, "pelvis": 0.4, "spine": 0.7, "extremity": 0.8, "breast": 0.2,
        "head_neck": 0.3, "cardiac": 0.3, "chest": 0.2, "whole_body": 0.05}  # fmt: skip
_3PLANES = {"AX": 0.5, "COR": 0.25, "SAG": 0.25}
_ALL_PLANES = {"AX": 0.4, "COR": 0.3, "SAG": 0.3}
_AX = {"AX": 0.93, "COR": 0.04, "SAG": 0.03}
_T1_PHASES = {"PRE": 0.55, "POST": 0.45}
_LIVER_PHASES = {"PRE": 0.28, "ART": 0.2, "PORTVEN": 0.2, "LATE": 0.2, "HEPA": 0.12}


def _rows() -> Iterator[Protocol]:
    yield from _t1()
    yield from _t2_pd()
    yield from _inversion()
    yield from _susceptibility()
    yield from _diffusion()
    yield from _dynamic()
    yield from _dixon()
    yield from _vessels_and_ducts()
    yield from _helpers()


def _t1() -> Iterator[Protocol]:
    row = Protocol("T1", "SE", _BRAIN, (320, 800), (7, 22), (65, 95), planes=_3PLANES, phases=_T1_PHASES, slices=(15, 40))
    yield row
    yield replace(row, regions=_SPINE, planes={"SAG": 0.65, "AX": 0.35}, slices=(9, 30), thickness=(3, 5), pixel=(0.4, 1.2), fov=(180, 400))
    yield replace(row, regions=_LIMB, planes=_ALL_PLANES, slices=(15, 35), pixel=(0.25, 0.8), fov=(120, 240), phases={"PRE": 0.85, "POST": 0.15}, weight=0.6)
    tse = replace(row, technique="TSE", tr=(400, 1100), te=(6, 24), flip=(90, 180), etl=(2, 8))
    yield tse
    yield replace(tse, regions=_SPINE, planes={"SAG": 0.65, "AX": 0.35}, slices=(9, 30), fov=(180, 400), weight=1.3)
    yield replace(tse, regions=_LIMB, planes=_ALL_PLANES, pixel=(0.25, 0.8), fov=(100, 240), phases={"PRE": 0.85, "POST": 0.15}, weight=1.3)
    yield replace(tse, regions={"prostate": 0.6, "pelvis": 0.6, "head_neck": 0.8, "chest": 0.2, "cardiac": 0.1}, planes=_ALL_PLANES, fov=(180, 380), thickness=(3, 6), slices=(18, 50), fat_sat=0.3)
    yield replace(tse, technique="TSE_3D", tr=(450, 900), te=(7, 30), etl=(20, 70), flip=(90, 180), thickness=(0.7, 1.3), slices=(120, 240), three_d=1.0, weight=0.4)
    yield Protocol("T1", "IR_TSE", _BRAIN, (1600, 3400), (7, 26), (90, 180), etl=(4, 12), ti=(600, 1100), planes=_3PLANES, slices=(18, 40), phases=_T1_PHASES, weight=0.7)
    mprage = Protocol("T1", "MP_GRE", {"brain": 1.0, "head_neck": 0.05}, (1400, 2700), (1.6, 5.0), (5, 16), ti=(400, 1150), thickness=(0.7, 1.6), slices=(120, 260), three_d=1.0,
                      pixel=(0.45, 1.1), fov=(220, 280), planes={"SAG": 0.6, "AX": 0.3, "COR": 0.1}, phases=_T1_PHASES, fat_sat=0.1, weight=2.2)
    yield mprage
    yield replace(mprage, ti=(2000, 3000), tr=(4000, 6000), weight=0.15)
    yield Protocol("T1", "SPGR_3D", {"brain": 1.0, "head_neck": 0.2}, (4, 30), (1.2, 8), (5, 32), thickness=(0.7, 2), slices=(100, 240), three_d=1.0, planes=_3PLANES, phases=_T1_PHASES, fat_sat=0.15)
    yield Protocol("T1", "SPGR_2D", {"brain": 0.8, "abdomen": 1.0, "pelvis": 0.3, "spine": 0.2}, (100, 330), (1.6, 6), (60, 90), slices=(14, 36), thickness=(4, 8), fov=(220, 420), planes=_ALL_PLANES, phases=_T1_PHASES, fat_sat=0.35)
    vibe = Protocol("T1", "SPGR_3D", _BODY, (2.6, 7.5), (0.9, 3.0), (8, 20), thickness=(2, 6), slices=(40, 120), three_d=1.0, pixel=(0.7, 1.7), fov=(300, 460),
                    planes={"AX": 0.85, "COR": 0.14, "SAG": 0.01}, fat_sat=0.88, phases=_LIVER_PHASES, bandwidth=(250, 900), averages=(1, 1), derived={"ORIGINAL": 0.94, "MPR": 0.06}, weight=3.2)
    yield vibe
    yield replace(vibe, phases={"PRE": 0.4, "POST": 0.6}, regions={"pelvis": 1.0, "chest": 0.5, "abdomen": 0.3, "prostate": 0.5, "whole_body": 0.1, "head_neck": 0.3, "extremity": 0.2}, planes=_ALL_PLANES, weight=1.5)
    yield replace(vibe, regions={"breast": 1.0}, tr=(4, 9), te=(1.2, 4.8), flip=(8, 25), thickness=(0.8, 2.2), slices=(80, 200), pixel=(0.5, 1.1), fov=(300, 380), fat_sat=0.6,
                  phases={"PRE": 0.35, "POST": 0.65}, planes={"AX": 0.7, "SAG": 0.3}, derived={"ORIGINAL": 0.8, "SUB": 0.2}, weight=1.0)
    yield replace(vibe, regions=_PELVIS, tr=(2.8, 8), flip=(2, 30), thickness=(2, 5), slices=(12, 60), fov=(160, 380), fat_sat=0.3, phases={"PRE": 0.7, "POST": 0.3}, weight=0.9)
    yield replace(vibe, derived={"SUB": 1.0}, phases={"ART": 0.3, "PORTVEN": 0.25, "LATE": 0.25, "POST": 0.2}, weight=0.5)
    yield replace(mprage, derived={"MPR": 1.0}, thickness=(0.8, 5), slices=(20, 200), weight=0.35)
    yield Protocol("T1", "MP_GRE_2D", _BODY, (140, 1800), (1.0, 4.5), (8, 20), ti=(200, 1300), slices=(14, 40), thickness=(5, 8), fov=(300, 440), pixel=(1, 2), planes=_AX, weight=0.25)


def _t2_pd() -> Iterator[Protocol]:
    brain = Protocol("T2", "TSE", _BRAIN, (2600, 12000), (75, 125), (90, 180), etl=(5, 32), planes={"AX": 0.7, "COR": 0.2, "SAG": 0.1}, slices=(18, 60), thickness=(2, 6), weight=2.0)
    yield brain
    yield replace(brain, regions=_PELVIS, tr=(2500, 9000), te=(75, 145), etl=(8, 34), slices=(15, 40), thickness=(2.5, 5), pixel=(0.27, 0.8), fov=(140, 280), planes=_3PLANES, fat_sat=0.1, averages=(1, 5), weight=3.0)
    yield replace(brain, regions=_SPINE, te=(70, 130), planes={"SAG": 0.6, "AX": 0.4}, slices=(9, 32), fov=(160, 420), thickness=(2.5, 5), fat_sat=0.25, weight=1.4)
    yield replace(brain, regions=_LIMB, te=(55, 110), planes=_ALL_PLANES, pixel=(0.2, 0.8), fov=(90, 240), fat_sat=0.7, thickness=(2, 5), weight=1.0)
    yield replace(brain, regions={"head_neck": 1.0, "breast": 0.5, "chest": 0.2}, planes=_ALL_PLANES, fov=(160, 400), te=(60, 120), fat_sat=0.55)
    yield replace(brain, regions={"abdomen": 1.0, "pelvis": 0.3}, tr=(1800, 9000), te=(65, 120), etl=(7, 40), fov=(300, 450), pixel=(0.6, 1.6), thickness=(4, 8), slices=(20, 50), fat_sat=0.75, options=frozenset({"RESPIRATORY"}), weight=1.6)
    yield replace(brain, technique="TSE_3D", tr=(1000, 4000), te=(80, 420), etl=(40, 260), flip=(90, 180), thickness=(0.5, 2), slices=(60, 240), three_d=1.0, regions={"brain": 1.0, "spine": 0.5, "prostate": 0.6, "pelvis": 0.4, "extremity": 0.2, "head_neck": 0.3, "abdomen": 0.1},
                  planes=_ALL_PLANES, fov=(150, 300), weight=1.3)
    haste = Protocol("T2", "HASTE", {"abdomen": 1.0, "pelvis": 0.25, "chest": 0.1, "brain": 0.08, "cardiac": 0.08, "whole_body": 0.05}, (450, 2500), (55, 190), (90, 180), etl=(60, 256), slices=(16, 50), thickness=(3, 8),
                     pixel=(0.7, 1.7), fov=(280, 460), planes={"AX": 0.5, "COR": 0.42, "SAG": 0.08}, fat_sat=0.35, averages=(1, 1), bandwidth=(300, 900), weight=2.6)
    yield haste
    yield replace(brain, technique="SE", tr=(1800, 3500), te=(70, 110), etl=(1, 1), flip=(85, 95), weight=0.35)
    pd = Protocol("PD", "TSE", _LIMB, (1600, 6000), (8, 52), (90, 180), etl=(3, 16), planes=_ALL_PLANES, slices=(16, 40), thickness=(2, 4.5), pixel=(0.2, 0.7), fov=(100, 220), fat_sat=0.65, weight=2.2)
    yield pd
    yield replace(pd, regions={"brain": 1.0, "spine": 0.3, "head_neck": 0.2}, tr=(1800, 6000), te=(8, 35), fov=(200, 260), thickness=(2, 6), fat_sat=0.1, planes=_AX, weight=1.2)
    yield replace(pd, technique="SE", tr=(1800, 3200), te=(14, 35), etl=(1, 1), flip=(85, 95), regions={"brain": 1.0, "extremity": 0.6}, fov=(150, 260), fat_sat=0.15, weight=0.5)
    yield replace(pd, technique="TSE_3D", tr=(900, 2000), te=(20, 50), etl=(25, 80), thickness=(0.4, 1.0), slices=(100, 240), three_d=1.0, weight=0.4)
    yield Protocol("PD", "SPGR_3D", {"prostate": 1.0, "pelvis": 0.3, "brain": 0.3}, (3, 30), (0.9, 5), (1, 5), thickness=(1, 5), slices=(12, 160), three_d=1.0, pixel=(0.8, 2.0), fov=(180, 380), averages=(1, 1), weight=0.2)
    yield Protocol("PD", "MP_GRE_REF", {"prostate": 1.0, "pelvis": 0.2, "breast": 0.2, "abdomen": 0.2}, (400, 1400), (1.0, 3.0), (1, 15), thickness=(2.5, 6), slices=(10, 40), three_d=1.0, pixel=(0.9, 2.0), fov=(180, 300), averages=(1, 1), weight=0.5)


def _inversion() -> Iterator[Protocol]:
    flair = Protocol("FLAIR", "IR_TSE", _BRAIN, (5500, 13000), (75, 165), (90, 180), etl=(8, 40), ti=(1700, 2900), planes={"AX": 0.75, "COR": 0.15, "SAG": 0.1}, slices=(18, 60), thickness=(2.5, 6), fat_sat=0.35, phases={"NONE": 1.0}, weight=2.2)
    yield flair
    yield replace(flair, technique="IR_TSE_3D", tr=(4300, 9000), te=(90, 400), ti=(1400, 2500), etl=(120, 290), thickness=(0.8, 1.6), slices=(110, 240), three_d=1.0, planes={"SAG": 0.75, "AX": 0.2, "COR": 0.05}, weight=1.3)
    stir = Protocol("T2", "IR_TSE", {"spine": 1.0, "extremity": 0.7, "pelvis": 0.35, "head_neck": 0.3, "breast": 0.25, "whole_body": 0.25, "abdomen": 0.15, "prostate": 0.1}, (2000, 9000), (14, 110), (90, 180), etl=(4, 30), ti=(110, 260),
                    planes=_ALL_PLANES, slices=(10, 45), thickness=(3, 7), fov=(140, 480), pixel=(0.4, 1.5), fat_sat=0.0, weight=1.7)
    yield stir


def _susceptibility() -> Iterator[Protocol]:
    gre = Protocol("T2STAR", "GRE_2D", {"brain": 1.0, "spine": 0.5, "extremity": 0.35}, (300, 1500), (10, 32), (10, 35), slices=(14, 40), thickness=(2.5, 5), planes=_AX, fat_sat=0.05, weight=1.4)
    yield gre
    yield replace(gre, technique="ME_GRE", regions={"spine": 1.0, "extremity": 0.6}, te=(9, 28), planes={"AX": 0.7, "SAG": 0.3}, fat_sat=0.3, weight=0.8)
    yield replace(gre, technique="ME_GRE", regions={"abdomen": 1.0, "cardiac": 0.8}, tr=(9, 220), te=(1.0, 20), flip=(5, 30), slices=(1, 20), thickness=(6, 10), fov=(300, 450), pixel=(1, 2.5), weight=0.6)
    yield replace(gre, technique="ME_GRE", regions={"brain": 1.0, "spine": 0.5}, tr=(25, 1200), te=(2.5, 45), flip=(8, 60), slices=(8, 120), thickness=(1, 5), three_d=0.4, planes=_ALL_PLANES, derived={"ORIGINAL": 0.8, "PHASE": 0.2}, weight=0.8)
    yield replace(gre, technique="GRE_EPI", tr=(1500, 6000), te=(20, 60), flip=(70, 90), etl=(30, 130), times=(1, 1), pixel=(0.8, 1.9), regions=_BRAIN, weight=0.3)
    swi = Protocol("SWI", "SWI", _BRAIN, (20, 60), (13, 42), (8, 25), thickness=(0.8, 3), slices=(40, 160), three_d=1.0, pixel=(0.25, 1.0), fov=(180, 250), fat_sat=0.02,
                   derived={"ORIGINAL": 0.42, "MIP": 0.24, "PHASE": 0.17, "MAGNITUDE": 0.17}, weight=2.0)
    yield swi


def _diffusion() -> Iterator[Protocol]:
    brain = Protocol("DWI", "DWI", _BRAIN, (2400, 12000), (46, 125), (75, 180), etl=(1, 180), slices=(18, 90), thickness=(1.2, 6), pixel=(0.85, 2.6), fov=(200, 270), planes=_AX, fat_sat=0.85, bandwidth=(900, 2600), averages=(1, 4), weight=2.2)
    body = replace(brain, regions={"prostate": 1.0, "abdomen": 1.0, "pelvis": 0.6, "breast": 0.3, "head_neck": 0.3, "extremity": 0.12, "spine": 0.12, "whole_body": 0.12, "chest": 0.08}, tr=(1600, 9500), te=(42, 105), slices=(12, 60), thickness=(2.5, 8), pixel=(0.7, 3.1), fov=(160, 480), averages=(1, 16), weight=2.8)
    yield brain
    yield replace(brain, times=(5, 120), weight=1.2)
    yield body
    yield replace(body, times=(3, 16), weight=0.8)
    for base in (brain, body):
        yield replace(base, derived={"CALC_BVAL": 1.0}, weight=0.45)
        yield replace(base, sequence="ADC", derived={"ORIGINAL": 1.0}, weight=base.weight * 0.85)
    yield replace(brain, derived={"FA": 1.0}, weight=0.35)


def _dynamic() -> Iterator[Protocol]:
    prostate = Protocol("DCE", "SPGR_3D", _PELVIS, (2.2, 8), (0.8, 3.8), (5, 26), thickness=(1.5, 5), slices=(12, 60), three_d=1.0, pixel=(0.5, 2.0), fov=(160, 380), fat_sat=0.3, times=(8, 110), averages=(1, 1),
                        phases={"POST": 0.55, "PRE": 0.05, "NONE": 0.4}, bandwidth=(200, 900), derived={"ORIGINAL": 0.86, "SUB": 0.14}, weight=2.2)
    yield prostate
    yield replace(prostate, times=(1, 1), planes={"AX": 1.0}, technique="SPGR_3D_DYN", weight=1.0)
    yield replace(prostate, technique="MP_GRE_DYN", tr=(30, 420), te=(1.0, 3.0), flip=(8, 20), ti=(80, 300), weight=0.3)
    yield replace(prostate, regions={"breast": 1.0}, tr=(3, 9), te=(1, 4.8), thickness=(0.9, 2.5), slices=(60, 180), fov=(300, 380), times=(4, 12), fat_sat=0.6, weight=0.8)
    yield replace(prostate, regions={"breast": 1.0}, technique="SPGR_3D_DYN", tr=(3, 9), te=(1, 4.8), thickness=(0.9, 2.5), slices=(60, 180), fov=(300, 380), times=(1, 1), fat_sat=0.6, derived={"ORIGINAL": 0.6, "SUB": 0.3, "MIP": 0.1}, planes={"AX": 0.75, "SAG": 0.25}, weight=0.9)
    yield replace(prostate, regions={"brain": 0.6, "head_neck": 0.4, "abdomen": 0.5, "extremity": 0.15}, tr=(2.5, 8), thickness=(2, 6), slices=(12, 60), fov=(200, 420), times=(8, 90), fat_sat=0.25, weight=0.8)
    dsc = Protocol("PERFUSION", "GRE_EPI", _BRAIN, (1000, 2400), (20, 60), (30, 92), etl=(1, 130), slices=(12, 32), thickness=(4, 7), pixel=(1.3, 2.3), fov=(200, 260), times=(38, 110), fat_sat=0.8, phases={"NONE": 0.5, "POST": 0.5}, bandwidth=(1000, 2600), averages=(1, 1), weight=1.4)
    yield dsc
    yield replace(dsc, technique="SE_EPI", te=(55, 90), weight=0.1)
    yield replace(dsc, times=(1, 1), technique="PERFUSION_MAP", weight=0.5)
    asl = Protocol("ASL", "ASL_3D", _BRAIN, (3600, 6500), (9, 60), (90, 180), etl=(10, 120), slices=(16, 48), thickness=(2.5, 6), three_d=0.95, pixel=(1.3, 4), fov=(200, 260), times=(1, 24), fat_sat=0.6, bandwidth=(600, 2600), averages=(1, 4), weight=0.9)
    yield asl
    yield replace(asl, technique="ASL_2D", tr=(2000, 5000), te=(9, 30), etl=(1, 64), three_d=0.0, times=(20, 120), weight=0.6)
    bold = Protocol("BOLD", "GRE_EPI", _BRAIN, (400, 5200), (16, 55), (35, 92), etl=(1, 90), slices=(15, 75), thickness=(1.5, 5), pixel=(1.3, 4), fov=(180, 260), times=(1, 600), fat_sat=0.75, planes={"AX": 0.84, "COR": 0.08, "SAG": 0.08}, bandwidth=(1000, 3200), averages=(1, 1), weight=2.0)
    yield bold
    yield replace(bold, times=(1, 30), weight=1.2)


def _dixon() -> Iterator[Protocol]:
    liver = Protocol("DIXON_W", "DIXON_3D", {"abdomen": 1.0, "pelvis": 0.3, "chest": 0.1, "breast": 0.25, "prostate": 0.15, "whole_body": 0.3, "extremity": 0.1, "head_neck": 0.1}, (3.2, 9), (1.0, 3.8), (6, 20), thickness=(1.5, 6), slices=(40, 120), three_d=1.0,
                     pixel=(0.7, 2.0), fov=(280, 480), planes={"AX": 0.8, "COR": 0.17, "SAG": 0.03}, fat_sat=0.03, phases={"PRE": 0.45, "ART": 0.11, "PORTVEN": 0.11, "LATE": 0.11, "HEPA": 0.07, "POST": 0.15}, averages=(1, 1), bandwidth=(400, 1500), weight=1.3)
    for sequence in ("DIXON_W", "DIXON_F", "DIXON_IN", "DIXON_OPP"):
        phases = liver.phases if sequence == "DIXON_W" else {"PRE": 0.85, "POST": 0.15}
        yield replace(liver, sequence=sequence, phases=phases)
        yield replace(liver, sequence=sequence, technique="DIXON_TSE", regions={"extremity": 1.0, "spine": 1.0, "head_neck": 0.6, "breast": 0.2}, tr=(450, 6500), te=(8, 100), flip=(90, 180), etl=(2, 24), three_d=0.0, thickness=(2, 5), slices=(12, 40), fov=(120, 360), pixel=(0.3, 1.0),
                      phases={"NONE": 0.6, "PRE": 0.25, "POST": 0.15}, weight=0.22)
        if sequence in ("DIXON_IN", "DIXON_OPP"):
            yield replace(liver, sequence=sequence, technique="DUAL_ECHO_2D", regions={"abdomen": 1.0, "pelvis": 0.1}, tr=(90, 290), te=(1.0, 6.0), flip=(55, 90), three_d=0.0, thickness=(4, 9), slices=(16, 44), phases={"PRE": 0.95, "POST": 0.05}, weight=1.5)


def _vessels_and_ducts() -> Iterator[Protocol]:
    thick = Protocol("MRCP", "HASTE", _BODY, (1500, 8000), (450, 1300), (90, 180), etl=(100, 330), thickness=(25, 90), slices=(1, 14), orientations=(1, 12), pixel=(0.5, 1.3), fov=(240, 400), planes={"COR": 0.95, "AX": 0.02, "SAG": 0.03}, fat_sat=0.85, averages=(1, 1), weight=1.0)
    yield thick
    yield replace(thick, slices=(14, 40), thickness=(2.5, 6), orientations=(1, 1), te=(180, 900), tr=(900, 4000), weight=0.4)
    space = replace(thick, technique="TSE_3D", tr=(1200, 9000), te=(250, 950), etl=(70, 260), thickness=(0.7, 2.5), slices=(40, 120), three_d=1.0, orientations=(1, 1), options=frozenset({"RESPIRATORY"}), weight=1.5)
    yield space
    yield replace(space, derived={"MIP": 1.0}, slices=(1, 20), orientations=(1, 12), thickness=(1, 120), weight=0.8)
    tof = Protocol("MRA", "TOF_3D", {"brain": 1.0, "head_neck": 0.35}, (17, 42), (2.3, 7.5), (12, 30), thickness=(0.4, 1.6), slices=(50, 220), three_d=1.0, pixel=(0.2, 0.8), fov=(160, 240), fat_sat=0.08, weight=1.2)
    yield tof
    yield replace(tof, technique="TOF_2D", tr=(17, 40), flip=(40, 70), thickness=(1.5, 4), three_d=0.0, slices=(40, 150), regions={"head_neck": 1.0, "brain": 0.5, "extremity": 0.2}, weight=0.4)
    yield replace(tof, derived={"MIP": 1.0}, slices=(1, 40), orientations=(1, 18), planes=_ALL_PLANES, thickness=(0.4, 120), weight=0.7)
    pc = replace(tof, technique="PC", regions={"brain": 1.0, "cardiac": 0.6, "head_neck": 0.2, "abdomen": 0.1}, tr=(5, 70), te=(2.2, 10), flip=(8, 30), thickness=(1, 10), slices=(1, 120), times=(1, 30), planes=_ALL_PLANES, derived={"ORIGINAL": 0.6, "PHASE": 0.25, "MIP": 0.15}, weight=0.8)
    yield pc
    ce = replace(tof, technique="CE_MRA", regions={"head_neck": 1.0, "chest": 0.5, "abdomen": 0.5, "extremity": 0.5, "brain": 0.2}, tr=(2.4, 6), te=(0.8, 2.3), flip=(16, 42), thickness=(0.8, 2.2), slices=(50, 130), fov=(260, 500), planes={"COR": 0.85, "SAG": 0.1, "AX": 0.05},
                 phases={"PRE": 0.2, "ART": 0.4, "POST": 0.4}, derived={"ORIGINAL": 0.6, "SUB": 0.2, "MIP": 0.2}, weight=0.8)
    yield ce
    ciss = Protocol("CISS", "BSSFP_3D", {"brain": 0.9, "head_neck": 0.3, "spine": 0.3, "extremity": 0.15}, (4, 14), (1.7, 7), (25, 75), thickness=(0.3, 1.2), slices=(40, 180), three_d=1.0, pixel=(0.25, 0.8), fov=(120, 240), planes=_ALL_PLANES, weight=0.9)
    yield ciss
    yield replace(ciss, technique="BSSFP_2D", regions={"abdomen": 1.0, "cardiac": 0.9, "pelvis": 0.25, "chest": 0.2}, tr=(2.6, 420), te=(1.0, 2.7), flip=(35, 85), thickness=(4, 8), slices=(12, 40), three_d=0.05, pixel=(0.8, 1.9), fov=(280, 440), planes={"AX": 0.4, "COR": 0.5, "SAG": 0.1}, weight=1.3)
    yield replace(ciss, technique="CINE", regions={"cardiac": 1.0}, tr=(2.5, 60), te=(1.0, 1.9), flip=(35, 80), thickness=(5, 9), slices=(1, 14), times=(15, 40), three_d=0.0, orientations=(1, 3), fov=(280, 400), pixel=(1.0, 2.0), weight=0.7)


def _helpers() -> Iterator[Protocol]:
    gre = Protocol("LOCALIZER", "SPGR_2D_FAST", _ANY, (3.2, 30), (1.2, 7), (8, 50), thickness=(4, 12), slices=(3, 40), orientations=(3, 3), pixel=(0.45, 2.4), fov=(200, 500), averages=(1, 1), fat_sat=0.02, weight=2.4)
    yield gre
    yield replace(gre, slices=(1, 12), orientations=(1, 2), planes=_ALL_PLANES, weight=1.3)
    yield replace(gre, technique="HASTE", regions=_TRUNK, tr=(500, 2200), te=(50, 110), flip=(90, 180), etl=(60, 160), weight=0.7)
    yield replace(gre, technique="HASTE", regions=_TRUNK, tr=(500, 2200), te=(50, 110), flip=(90, 180), etl=(60, 160), slices=(1, 15), orientations=(1, 1), planes=_ALL_PLANES, weight=0.35)
    yield replace(gre, technique="BSSFP_2D", regions={**_TRUNK, "cardiac": 0.8, "extremity": 0.2}, tr=(2.8, 8), te=(1.1, 3), flip=(30, 80), weight=0.8)
    yield replace(gre, technique="SPGR_3D_SCOUT", regions=_BRAIN, tr=(3, 4), te=(1.2, 1.8), flip=(5, 10), three_d=1.0, thickness=(1.2, 2.6), slices=(3, 160), orientations=(1, 3), pixel=(1.2, 2.2), weight=0.8)
    fieldmap = Protocol("FIELDMAP", "FIELD_MAP", {"brain": 1.0, "abdomen": 0.1}, (4, 1100), (1.6, 10), (8, 70), thickness=(1.5, 5), slices=(20, 70), pixel=(1.4, 4), fov=(190, 270), averages=(1, 1), fat_sat=0.02, derived={"ORIGINAL": 0.55, "PHASE": 0.45}, bandwidth=(200, 1500), weight=1.2)
    yield fieldmap
    yield replace(fieldmap, technique="SE_EPI", tr=(3000, 12000), te=(28, 95), flip=(75, 180), etl=(1, 120), times=(1, 4), fat_sat=0.75, derived={"ORIGINAL": 1.0}, bandwidth=(1000, 2800), weight=0.8)
    other = Protocol("OTHER", "MOLLI", {"cardiac": 1.0, "abdomen": 0.3}, (2.3, 700), (1.0, 2.2), (15, 40), ti=(90, 4500), thickness=(6, 10), slices=(1, 10), pixel=(1, 2.4), fov=(280, 400), averages=(1, 1), fat_sat=0.02, weight=0.5)
    yield other
    yield replace(other, technique="T2_MAP", regions={"extremity": 1.0, "cardiac": 0.6, "prostate": 0.2, "brain": 0.3}, tr=(900, 4500), te=(8, 120), flip=(90, 180), etl=(5, 32), ti=None, thickness=(2, 8), slices=(1, 30), weight=0.2)
    yield replace(other, technique="LGE", regions={"cardiac": 1.0}, tr=(3, 900), te=(1.0, 4.5), flip=(10, 55), ti=(180, 420), phases={"LATE": 0.6, "POST": 0.4}, weight=0.35)
    yield replace(other, technique="SPECTROSCOPY", regions={"brain": 1.0, "prostate": 0.4}, tr=(1000, 3200), te=(20, 290), flip=(80, 95), ti=None, slices=(1, 3), weight=0.35)
    yield replace(other, technique="ELASTOGRAPHY", regions=_BODY, tr=(40, 1500), te=(15, 70), flip=(20, 90), ti=None, slices=(3, 10), times=(3, 8), weight=0.35)
    yield replace(other, technique="CALIBRATION", regions=_ANY, tr=(1.5, 150), te=(0.4, 3.2), flip=(1, 20), ti=None, slices=(20, 100), thickness=(4, 20), pixel=(2.5, 12), fov=(300, 550), three_d=0.6, weight=0.5)
    yield replace(other, technique="SCREEN", regions=_ANY, tr=(400, 4000), te=(10, 100), flip=(80, 180), ti=None, slices=(1, 40), weight=0.3)


PROTOCOLS: tuple[Protocol, ...] = tuple(_rows())
