"""How each vendor writes a pulse sequence into the header: codes, options, image types and names.

Every vendor is a table technique -> ``Style``; where a scanner generation differs there are several spellings and one
is drawn. The facts come from conformance statements and from reading many public headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VENDOR_WEIGHTS: Mapping[str, float] = {
    "SIEMENS": 0.36, "GE": 0.22, "PHILIPS": 0.22, "CANON": 0.08, "UIH": 0.06, "HITACHI": 0.06,
}  # fmt: skip

MANUFACTURERS: Mapping[str, tuple[str, ...]] = {
    "SIEMENS": ("SIEMENS", "Siemens", "Siemens Healthineers", "Siemens HealthCare GmbH"),
    "GE": ("GE MEDICAL SYSTEMS",),
    "PHILIPS": ("Philips Medical Systems", "Philips", "Philips Healthcare"),
    "CANON": ("TOSHIBA", "CANON_MEC", "TOSHIBA_MEC"),
    "UIH": ("UIH",),
    "HITACHI": ("Hitachi", "Hitachi Medical Corporation", "HITACHI", "FUJIFILM Healthcare Corporation"),
}


@dataclass(frozen=True)
class Style:
    """Spellings of one technique. Each entry lists alternatives; values of one tag are joined by a backslash."""

    scanning: tuple[str, ...]
    variant: tuple[str, ...]
    names: tuple[str, ...] = ("",)
    options: tuple[str, ...] = ("",)
    private_names: tuple[str, ...] = ("",)


# "#" in a name stands for a number that changes from protocol to protocol.
_SIEMENS = {
    "SE": Style(("SE",), ("SP\\OSP", "SP", "OSP", "SK\\SP"), ("*se2d1", "*se2d1rr1", "*se2d2")),
    "TSE": Style(("SE",), ("SK\\SP\\OSP", "SK\\SP", "SK", "SK\\OSP"), ("*tse2d1_#", "*tseB2d1_#", "*tseR2d1_#", "*tse2d1rs#", "tse2d1_#")),
    "TSE_3D": Style(("SE",), ("SK\\SP\\OSP", "SK\\SP"), ("*spc3d1_#", "*spcR_#", "*spc_#", "*spcRd1_#", "*tse3d1_#", "*spc_#ns")),
    "HASTE": Style(("SE",), ("SK\\SP\\OSP", "SK\\SP", "SK"), ("*h2d1_#", "*hR2d1_#", "*h2d1rs_#", "h2d1_#")),
    "IR_TSE": Style(("SE\\IR", "IR", "SE\\IR"), ("SK\\SP\\MP\\OSP", "SK\\SP\\MP", "SK\\MP", "SK\\SP"), ("*tir2d1_#", "*tirB2d1_#", "*tirR2d1_#", "*tir2d1rr#")),
    "IR_TSE_3D": Style(("SE\\IR",), ("SK\\SP\\MP", "SK\\SP\\MP\\OSP"), ("*spcir_#ns", "*spcir_#", "*spcirR_#")),
    "SPGR_2D": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP\\OSP"), ("*fl2d1", "*fl2d1r", "*fl2d1_#", "fl2d1")),
    "SPGR_2D_FAST": Style(("GR",), ("SP\\OSP", "SP"), ("*fl2d1", "*fl2d1r")),
    "SPGR_3D": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP\\OSP"), ("*fl3d1", "*fl3d1_ns", "*fl3d1r", "*fl3d1_#", "*fldyn3d1")),
    "SPGR_3D_DYN": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP"), ("*fl3d1", "*fldyn3d1", "*fl3d1_#", "*tfl3d1_#")),
    "SPGR_3D_SCOUT": Style(("GR",), ("SP",), ("*fl3d1_ns", "fl3d1_ns", "*fl3d1")),
    "MP_GRE": Style(("GR\\IR",), ("SK\\SP\\MP", "SP\\MP", "SK\\SP\\MP\\OSP"), ("*tfl3d1_#ns", "*tfl3d1_ns", "*tfl3d1", "*tfl3d1_#", "tfl3d1_#ns", "*tfl3d4_#ns")),
    "MP_GRE_2D": Style(("GR\\IR", "GR"), ("SK\\SP\\MP", "SP\\MP", "SK\\SP"), ("*tfl2d1_#", "*tfl2d1")),
    "MP_GRE_DYN": Style(("GR",), ("SK\\SP\\OSP", "SK\\SP"), ("*tfl3d1_#", "*tfl3d1")),
    "MP_GRE_REF": Style(("GR",), ("SK\\SP\\OSP", "SK\\SP", "SP"), ("*tfl3d1_#", "*tfl2d1_#", "*fl3d1")),
    "GRE_2D": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP"), ("*fl2d1", "*fl2d1r", "*fl2d1_#")),
    "ME_GRE": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP"), ("*me2d1r#", "*me2d1r3", "*fl2d6", "*fl2d12", "*fl3d6", "*me3d1r2")),
    "SWI": Style(("GR",), ("SP", "SP\\OSP"), ("*swi3d1r", "*swi3d1", "*qswi3d5r", "*swi3d2r")),
    "DWI": Style(("EP", "EP", "SE\\EP", "GR\\EP"), ("SK\\SP\\OSP", "SK\\SP", "SK", "SK\\SS"), ("*ep_b", "ep_b", "*re_b", "*ez_b", "*ep_b")),
    "GRE_EPI": Style(("EP", "GR\\EP", "SE\\EP"), ("SK", "SK\\SS", "SK\\SP"), ("*epfid2d1_#", "epfid2d1_#", "*epfid2d3_#")),
    "SE_EPI": Style(("EP", "SE\\EP", "SE"), ("SK", "SK\\SP", "SK\\OSP"), ("*epse2d1_#", "epse2d1_#", "*epse2d1_#")),
    "PERFUSION_MAP": Style(("EP",), ("SK",), ("*epfid2d1_#",)),
    "ASL_3D": Style(("GR\\SE", "SE", "GR"), ("SK\\SP", "SK", "SK\\SP\\MP"), ("*tgse3d1_#", "tgse3d1_#", "*fme_tgse3d")),
    "ASL_2D": Style(("EP",), ("SK",), ("*epfid2d1_#", "epfid2d1_#")),
    "DIXON_3D": Style(("GR",), ("SP", "SP\\OSP", "SK\\SP"), ("*fl3d2", "*fl3d2r", "*fl3d2_#", "*fl3d6")),
    "DIXON_TSE": Style(("SE",), ("SK\\SP\\OSP", "SK\\SP"), ("*tse2d3_#", "*tse2d1_#", "*tseD2d2_#")),
    "DUAL_ECHO_2D": Style(("GR",), ("SP\\OSP", "SP"), ("*fl2d2", "*fl2d2r", "*fl2d1")),
    "TOF_3D": Style(("GR",), ("SP\\OSP", "SP", "SP\\MTC"), ("*fl3d1r_t#", "*fi3d1r", "*fl3d1r", "*fl3d1_t#")),
    "TOF_2D": Style(("GR",), ("SP\\OSP", "SP"), ("*fl2d1r_t#", "*fl2d1_t#", "*fl2d1r")),
    "PC": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP\\OSP"), ("*fl2d1_v#in", "*fl3d1_v#", "*fl2d1_v#fh", "*pc3d1_v#")),
    "CE_MRA": Style(("GR",), ("SP\\OSP", "SP", "SK\\SP"), ("*fl3d1", "*fl3d1_#", "*twist3d", "*fl3d1_ce")),
    "BSSFP_3D": Style(("GR",), ("SS\\SP\\OSP", "SK\\SS\\SP", "SS"), ("*ci3d1_#", "*tfi3d1_#", "*fi3d1", "*de3d1")),
    "BSSFP_2D": Style(("GR",), ("SK\\SS\\SP", "SS\\SP", "SK\\SP\\OSP", "SS"), ("*tfi2d1_#", "*tfi2d1", "*tfiR2d1_#")),
    "CINE": Style(("GR",), ("SK\\SP\\OSP", "SS\\SP", "SK\\SS\\SP"), ("*tfi2d1_#", "*tfi2d1")),
    "FIELD_MAP": Style(("GR",), ("SP", "SP\\OSP"), ("*fm2d2r", "*fm2d2", "*fl2d2", "*fl3d2r")),
    "MOLLI": Style(("GR\\IR", "GR"), ("SK\\SP\\SS\\MP", "SK\\SP\\MP"), ("*tfi2d1_#", "*fltfi2d_molli")),
    "T2_MAP": Style(("SE",), ("SK\\SP", "SP\\OSP"), ("*se2d8", "*se2d16", "*tse2d5_#")),
    "LGE": Style(("GR\\IR",), ("SK\\SP\\MP", "SK\\SP\\MP\\OSP"), ("*tfl2d1_#", "*tfi2d1_#")),
    "SPECTROSCOPY": Style(("RM",), ("NONE",), ("*svs_se", "*csi_slaser", "*svs_st")),
    "ELASTOGRAPHY": Style(("GR", "EP"), ("SP", "SK"), ("*fl2d1", "*epse2d1_#")),
    "CALIBRATION": Style(("GR",), ("SP", "SK\\SP"), ("*fl3d1", "*tfl_b1map", "*tflB1_#")),
    "SCREEN": Style(("SE", "GR"), ("SK\\SP", "SP"), ("", "*tse2d1_#", "*fl3d1")),
}  # fmt: skip

_GE = {
    "SE": Style(("SE",), ("NONE", "OSP", ""), ("", "se", "memp"), ("", "EDR_GEMS", "FC", "SAT_GEMS\\FC_SLICE_AX_GEMS"), ("SE", "memp", "se")),
    "TSE": Style(("SE",), ("SK", "SK\\OSP", "OSP\\SK"), ("", "fse", "frfse", "fse-xl"), ("FAST_GEMS", "FAST_GEMS\\EDR_GEMS\\TRF_GEMS\\ACC_GEMS", "NPW\\TRF_GEMS", "EDR_GEMS\\TRF_GEMS\\FILTERED_GEMS", "FC_FREQ_AX_GEMS\\EDR_GEMS\\TRF_GEMS"), ("FSE-XL", "FRFSE-XL", "fse", "frfse", "fsepropeller")),
    "TSE_3D": Style(("SE",), ("SK", "SK\\OSP"), ("",), ("EDR_GEMS\\ACC_GEMS\\CUBE", "FAST_GEMS\\EDR_GEMS\\ACC_GEMS\\FILTERED_GEMS"), ("Cube", "3dfse", "CUBE", "3DFRFSE-XL")),
    "HASTE": Style(("SE",), ("SK", "SS\\SK", "SK\\OSP"), ("", "ssfse"), ("FAST_GEMS\\SS_GEMS\\EDR_GEMS", "PFF\\EDR_GEMS", "FAST_GEMS\\PFP\\ACC_GEMS"), ("SSFSE", "ssfse")),
    "IR_TSE": Style(("SE\\IR", "IR", "RM", "IR\\SE"), ("SK", "SK\\OSP", "NONE"), ("", "flair", "fseir"), ("FAST_GEMS\\IR_GEMS\\EDR_GEMS", "EDR_GEMS\\TRF_GEMS\\ACC_GEMS", "GRAPH_GEMS\\FC\\EDR_GEMS", "SEQ_GEMS\\TRF_GEMS"), ("T2FLAIR", "T1FLAIR", "FSE-IR", "fseir")),
    "IR_TSE_3D": Style(("SE\\IR", "IR\\SE", "SE"), ("SK", "SK\\OSP"), ("",), ("EDR_GEMS\\ACC_GEMS\\IR_GEMS", "FAST_GEMS\\ACC_GEMS\\FILTERED_GEMS"), ("CubeT2FLAIR", "cube_flair")),
    "SPGR_2D": Style(("GR",), ("SS\\SP", "SP", "SS\\SP\\SK"), ("",), ("FAST_GEMS\\EDR_GEMS", "FAST_GEMS\\SEQ_GEMS", "FAST_GEMS\\ACC_GEMS"), ("FSPGR", "fgre", "SPGR", "2dfast")),
    "SPGR_2D_FAST": Style(("GR",), ("SS\\SP", "SP", "SS"), ("",), ("FAST_GEMS\\SEQ_GEMS\\PFF", "FAST_GEMS\\SEQ_GEMS", "FAST_GEMS\\SEQ_GEMS\\FILTERED_GEMS"), ("FGRE", "3-plane", "2dfast")),
    "SPGR_3D": Style(("GR", "RM"), ("SS\\SP\\SK", "SS\\SP", "SS\\SK"), ("",), ("FAST_GEMS\\EDR_GEMS\\ACC_GEMS\\FILTERED_GEMS\\PFP", "FAST_GEMS\\ACC_GEMS\\PFF", "SS_GEMS\\ACC_GEMS\\ASSET_GEMS"), ("LAVA", "EFGRE3D", "FSPGR", "efgre3d", "VIBRANT")),
    "SPGR_3D_DYN": Style(("GR",), ("SS\\SP\\SK", "SS\\SP"), ("",), ("FAST_GEMS\\EDR_GEMS\\ACC_GEMS\\MP_GEMS", "FAST_GEMS\\MULTIPHASE_GEMS\\PFP"), ("DISCO", "EFGRE3D", "LAVA", "efgre3d")),
    "SPGR_3D_SCOUT": Style(("GR",), ("SS\\SP",), ("",), ("FAST_GEMS\\SEQ_GEMS",), ("FGRE",)),
    "MP_GRE": Style(("GR", "GR\\IR", "RM"), ("SS\\SP\\SK", "SS\\SP", "SS\\MP\\SP\\SK"), ("",), ("FAST_GEMS\\EDR_GEMS\\IRP_GEMS\\ACC_GEMS", "FAST_GEMS\\IR_GEMS\\ACC_GEMS\\FILTERED_GEMS", "IR_GEMS\\FAST_GEMS"), ("BRAVO", "EFGRE3D", "MPRAGE", "efgre3d", "IR-FSPGR")),
    "MP_GRE_2D": Style(("GR\\IR", "GR"), ("SS\\SP",), ("",), ("FAST_GEMS\\IRP_GEMS",), ("FGRE", "fgret")),
    "MP_GRE_DYN": Style(("GR",), ("SS\\SP",), ("",), ("FAST_GEMS\\MP_GEMS",), ("FGRET", "EFGRE3D")),
    "MP_GRE_REF": Style(("GR",), ("SS\\SP",), ("",), ("FAST_GEMS",), ("EFGRE3D", "FGRE")),
    "GRE_2D": Style(("GR",), ("NONE", "SS", "SP", "SS\\SP"), ("",), ("EDR_GEMS\\FC", "FC_FREQ_AX_GEMS\\EDR_GEMS", ""), ("GRE", "gre", "FGRE", "mpgr")),
    "ME_GRE": Style(("GR",), ("SS", "SS\\SP", "NONE"), ("",), ("EDR_GEMS\\FC_GEMS", "FAST_GEMS\\EDR_GEMS"), ("MERGE", "2dmerge", "StarMap", "fgre_star", "COSMIC")),
    "SWI": Style(("GR", "RM"), ("SS\\SP", "SS\\SP\\SK", "NONE"), ("",), ("FAST_GEMS\\EDR_GEMS\\ACC_GEMS\\FC", "EDR_GEMS\\FC_GEMS\\FILTERED_GEMS"), ("SWAN", "swan", "3dmegre")),
    "DWI": Style(("EP\\SE", "EP\\RM", "EP\\SE"), ("NONE", "SS", ""), ("",), ("EPI_GEMS\\DIFF_GEMS\\PFF\\FS", "EPI_GEMS\\PFF\\ACC_GEMS\\DIFF_GEMS", "EPI_GEMS\\ACC_GEMS\\FS\\PFF", "EPI_GEMS\\PFF"), ("EPI2", "epi2", "epi2altoff", "muse", "focus")),
    "GRE_EPI": Style(("EP\\GR", "EP\\RM", "EP\\GR"), ("SS", "NONE"), ("",), ("EPI_GEMS\\PFF", "EPI_GEMS", "SAT_GEMS\\MP_GEMS\\EPI_GEMS\\ACC_GEMS\\FS", "SAT_GEMS\\EPI_GEMS\\ACC_GEMS", "EDR_GEMS\\EPI_GEMS\\HYPERBAND_GEMS"), ("EPI", "epi", "epiRT", "GE_EPI")),
    "SE_EPI": Style(("EP\\SE", "EP\\RM"), ("NONE", "SS"), ("",), ("EPI_GEMS\\PFF", "EPI_GEMS\\ACC_GEMS", "SAT_GEMS\\MP_GEMS\\EPI_GEMS\\FS"), ("EPI", "epi", "SE_EPI")),
    "PERFUSION_MAP": Style(("EP\\GR", "EP\\RM"), ("NONE", "SS"), ("",), ("EPI_GEMS\\PFF",), ("EPI",)),
    "ASL_3D": Style(("RM", "SE", "SE\\IR"), ("NONE", "SK", "SS"), ("",), ("FAST_GEMS\\EDR_GEMS\\FILTERED_GEMS", "EDR_GEMS\\SPIRAL"), ("3dasl", "3DASL", "asl")),
    "ASL_2D": Style(("EP\\GR", "EP\\RM"), ("NONE",), ("",), ("EPI_GEMS\\PFF",), ("epi_asl", "asl")),
    "DIXON_3D": Style(("GR",), ("SS\\SP\\SK", "SS\\SP"), ("",), ("FAST_GEMS\\ACC_GEMS\\FLEX_GEMS\\PFP", "FAST_GEMS\\EDR_GEMS\\FLEX_GEMS", "FAST_GEMS\\IDEAL_GEMS"), ("LAVA-Flex", "LAVAFLEX", "EFGRE3D", "3dflex")),
    "DIXON_TSE": Style(("SE",), ("SK", "SK\\OSP"), ("",), ("FAST_GEMS\\IDEAL_GEMS\\TRF_GEMS", "FLEX_GEMS\\TRF_GEMS"), ("FSE-IDEAL", "fseideal", "FSE-Flex")),
    "DUAL_ECHO_2D": Style(("GR",), ("SS\\SP", "SP"), ("",), ("FAST_GEMS\\EDR_GEMS", "FAST_GEMS"), ("FSPGR", "fgre", "2dfast")),
    "TOF_3D": Style(("GR",), ("SS\\SP", "SP\\SK", "SP"), ("",), ("FAST_GEMS\\VASCTOF_GEMS\\FC", "VASCTOF_GEMS\\FC_SLICE_AX_GEMS\\MT_GEMS", "VASCTOF_GEMS\\SEQ_GEMS"), ("TOF", "3DTOF", "TOF-SPGR")),
    "TOF_2D": Style(("GR",), ("SS\\SP", "SP"), ("",), ("VASCTOF_GEMS\\SEQ_GEMS\\FC", "FAST_GEMS\\VASCTOF_GEMS"), ("2DTOF", "TOF-GRE")),
    "PC": Style(("GR", "RM"), ("SS\\SP", "SP"), ("",), ("VASCPC_GEMS", "FAST_GEMS\\VASCPC_GEMS\\CG"), ("2DPC", "PC", "INHANCE", "fastcardpc")),
    "CE_MRA": Style(("GR",), ("SS\\SP", "SS\\SP\\SK"), ("",), ("FAST_GEMS\\EDR_GEMS\\PFF", "FAST_GEMS\\MP_GEMS\\ACC_GEMS"), ("EFGRE3D", "TRICKS", "3DTOF-CE")),
    "BSSFP_3D": Style(("GR",), ("SS\\SK", "SS"), ("",), ("FAST_GEMS\\EDR_GEMS", "FAST_GEMS\\FILTERED_GEMS\\PC"), ("FIESTA-C", "FIESTA", "3dfiesta")),
    "BSSFP_2D": Style(("GR",), ("SS", "SS\\SK"), ("",), ("FAST_GEMS\\EDR_GEMS", "FAST_GEMS\\SEQ_GEMS"), ("FIESTA", "2dfiesta")),
    "CINE": Style(("GR",), ("SS", "SS\\SK"), ("",), ("FAST_GEMS\\CG\\SEQ_GEMS", "FAST_GEMS\\CG"), ("FIESTA", "fiesta")),
    "FIELD_MAP": Style(("GR", "RM", "RM"), ("SS\\SP", "NONE"), ("",), ("FAST_GEMS\\EDR_GEMS", "VB_GEMS", "EDR_GEMS\\ACC_GEMS\\PFP"), ("FGRE", "B0map", "fieldmap")),
    "MOLLI": Style(("GR\\IR", "GR"), ("SS",), ("",), ("FAST_GEMS\\CG",), ("MOLLI", "SMART1")),
    "T2_MAP": Style(("SE",), ("SK", "NONE"), ("",), ("EDR_GEMS",), ("T2MAP", "fse_t2map")),
    "LGE": Style(("GR\\IR", "GR"), ("SS\\SP",), ("",), ("FAST_GEMS\\CG\\IRP_GEMS",), ("MDE", "fgret_mde")),
    "SPECTROSCOPY": Style(("SE", "RM"), ("NONE",), ("",), ("",), ("PROBE-P", "probe")),
    "ELASTOGRAPHY": Style(("GR", "EP\\SE"), ("NONE", "SS\\SP"), ("",), ("FAST_GEMS",), ("MRE", "fgremre")),
    "CALIBRATION": Style(("GR",), ("SS\\SP", "SS"), ("",), ("FAST_GEMS\\SEQ_GEMS",), ("FGRE", "Asset", "calib")),
    "SCREEN": Style(("SE", "GR"), ("NONE", "SK"), ("",), ("",), ("",)),
}  # fmt: skip

_PHILIPS = {
    "SE": Style(("SE",), ("OTHER", "SK", "OSP", "SS"), ("",), ("FC", "OTHER", "SP", ""), ("T1SE", "SE", "")),
    "TSE": Style(("SE",), ("SK", "SK", "OSP"), ("",), ("OTHER", "FC", "SP", "PFP", ""), ("T2TSE", "TSE", "T1TSE", "")),
    "TSE_3D": Style(("SE",), ("SK",), ("",), ("OTHER", "PFP", ""), ("T2TSE", "TSE", "")),
    "HASTE": Style(("SE",), ("SK",), ("",), ("PFP", "PFF", "OTHER", ""), ("T2TSE", "TSE", "SSh")),
    "IR_TSE": Style(("IR",), ("SK", "OSP"), ("",), ("OTHER", "FC", "SP", ""), ("T2TIR", "TIR", "IRTSE", "")),
    "IR_TSE_3D": Style(("IR",), ("SK",), ("",), ("OTHER", "PFP", ""), ("TIR", "T2TIR", "")),
    "SPGR_2D": Style(("GR",), ("SP", "SS", "SK"), ("",), ("OTHER", "FC", "PFP", ""), ("T1FFE", "FFE", "")),
    "SPGR_2D_FAST": Style(("GR",), ("SS", "SP", "MP", "OSP"), ("",), ("OTHER", "PFP", ""), ("T1TFE", "T1FFE", "FFE", "TFE")),
    "SPGR_3D": Style(("GR",), ("SP", "SK", "MP"), ("",), ("PFP", "OTHER", ""), ("T1FFE", "T1TFE", "FFE", "")),
    "SPGR_3D_DYN": Style(("GR",), ("SP", "SK", "MP"), ("",), ("PFP", "OTHER", ""), ("T1FFE", "T1TFE", "FFE", "")),
    "SPGR_3D_SCOUT": Style(("GR",), ("SP", "MP"), ("",), ("OTHER", ""), ("T1TFE", "T1FFE")),
    "MP_GRE": Style(("GR",), ("MP",), ("",), ("OTHER", "PFP", ""), ("T1TFE", "TFE", "")),
    "MP_GRE_2D": Style(("GR",), ("MP",), ("",), ("OTHER", ""), ("T1TFE",)),
    "MP_GRE_DYN": Style(("GR",), ("MP",), ("",), ("OTHER", ""), ("T1TFE",)),
    "MP_GRE_REF": Style(("GR",), ("MP", "SP"), ("",), ("OTHER", ""), ("T1TFE", "FFE")),
    "GRE_2D": Style(("GR",), ("SS", "SP", "OTHER"), ("",), ("FC", "OTHER", ""), ("FFE", "T2FFE", "")),
    "ME_GRE": Style(("GR",), ("SS", "SP", "OTHER"), ("",), ("FC", "OTHER", ""), ("mFFE", "FFE", "T2FFE")),
    "SWI": Style(("GR",), ("SP", "SS"), ("",), ("FC", "OTHER", ""), ("T1FFE", "FFE", "SWIp")),
    "DWI": Style(("SE",), ("SK",), ("",), ("FS", "PFP", "FS\\PFP", "OTHER"), ("DwiSE", "SEEPI", "DwiSE")),
    "GRE_EPI": Style(("GR",), ("SK",), ("",), ("FS", "OTHER", "PFP", ""), ("FEEPI", "FFEEPI", "T2FFE")),
    "SE_EPI": Style(("SE",), ("SK",), ("",), ("FS", "PFP", ""), ("SEEPI",)),
    "PERFUSION_MAP": Style(("GR",), ("SK",), ("",), ("FS", ""), ("FEEPI",)),
    "ASL_3D": Style(("SE", "GR"), ("SK",), ("",), ("FS", "OTHER", ""), ("GRASE", "SEEPI", "TSE")),
    "ASL_2D": Style(("GR",), ("SK",), ("",), ("FS", ""), ("FEEPI",)),
    "DIXON_3D": Style(("GR",), ("SP", "SK", "MP"), ("",), ("PFP", "OTHER", ""), ("T1FFE", "T1TFE", "FFE")),
    "DIXON_TSE": Style(("SE",), ("SK",), ("",), ("OTHER", ""), ("TSE", "T2TSE", "T1TSE")),
    "DUAL_ECHO_2D": Style(("GR",), ("SP", "SS"), ("",), ("OTHER", "PFP", ""), ("T1FFE", "FFE")),
    "TOF_3D": Style(("GR",), ("SP", "MTC", "SP\\MTC"), ("",), ("FC", "SP", "FC\\SP"), ("T1FFE", "FFE")),
    "TOF_2D": Style(("GR",), ("SP", "SS"), ("",), ("FC", "SP"), ("T1FFE", "FFE")),
    "PC": Style(("GR",), ("SP", "SS"), ("",), ("FC", "OTHER", ""), ("T1FFE", "PCA")),
    "CE_MRA": Style(("GR",), ("SP",), ("",), ("OTHER", "PFP", ""), ("T1FFE", "FFE")),
    "BSSFP_3D": Style(("GR",), ("SS", "SK"), ("",), ("OTHER", ""), ("B-FFE", "BFFE", "B-TFE")),
    "BSSFP_2D": Style(("GR",), ("SS", "SK", "MP"), ("",), ("OTHER", "RG", ""), ("B-FFE", "B-TFE", "BTFE")),
    "CINE": Style(("GR",), ("SS", "MP", "SK"), ("",), ("CG", "OTHER"), ("B-TFE", "BTFE", "B-FFE")),
    "FIELD_MAP": Style(("GR",), ("SP", "SS"), ("",), ("FC", "OTHER", "RG", ""), ("T1FFE", "FFE", "B0map")),
    "MOLLI": Style(("GR", "IR"), ("MP", "SS"), ("",), ("CG", "PFF"), ("B-TFE", "T1TFE")),
    "T2_MAP": Style(("SE",), ("SK",), ("",), ("OTHER", ""), ("TSE", "GRASE")),
    "LGE": Style(("GR", "IR"), ("MP",), ("",), ("CG", "OTHER"), ("T1TFE",)),
    "SPECTROSCOPY": Style(("SE",), ("OTHER",), ("",), ("",), ("PRESS", "")),
    "ELASTOGRAPHY": Style(("GR", "SE"), ("SK", "SP"), ("",), ("OTHER",), ("FFE", "SEEPI")),
    "CALIBRATION": Style(("GR",), ("SP", "SS"), ("",), ("OTHER", ""), ("FFE", "T1FFE")),
    "SCREEN": Style(("SE", "GR"), ("SK", "SP"), ("",), ("",), ("",)),
}  # fmt: skip


def _generic(names: Mapping[str, tuple[str, ...]], variants: Mapping[str, tuple[str, ...]]) -> dict[str, Style]:
    """Tables of vendors whose codes follow the standard's plain meaning and differ mainly in names."""
    scanning = {
        "SE": "SE", "TSE": "SE", "TSE_3D": "SE", "HASTE": "SE", "IR_TSE": "SE\\IR", "IR_TSE_3D": "SE\\IR", "DIXON_TSE": "SE",
        "T2_MAP": "SE", "DWI": "SE\\EP", "SE_EPI": "SE\\EP", "GRE_EPI": "GR\\EP", "ASL_2D": "GR\\EP", "PERFUSION_MAP": "GR\\EP",
        "MP_GRE": "GR\\IR", "MOLLI": "GR\\IR", "LGE": "GR\\IR", "ASL_3D": "SE", "SPECTROSCOPY": "RM", "SCREEN": "SE",
    }  # fmt: skip
    return {
        technique: Style(
            scanning=(scanning.get(technique, "GR"),) * 2 + tuple(a for a in (scanning.get(technique, "GR").split("\\")[0],)),
            variant=variants.get(technique, variants[""]),
            names=names.get(technique, ("",)),
            options=("", "PFP", "FC", "PFP\\SP"),
        )
        for technique in _SIEMENS
    }


_STANDARD_VARIANTS = {
    "": ("SP", "NONE", "SK"), "TSE": ("SK", "NONE"), "HASTE": ("SK", "NONE"), "TSE_3D": ("SK", "NONE"), "IR_TSE": ("SK", "MP", "NONE"),
    "MP_GRE": ("MP\\SP", "MP", "NONE"), "BSSFP_2D": ("SS", "NONE"), "BSSFP_3D": ("SS", "NONE"), "CINE": ("SS", "NONE"), "DWI": ("NONE", "SK", "SK\\SP"),
    "SE": ("NONE", "OSP"), "GRE_EPI": ("SK", "NONE"),
}  # fmt: skip

_CANON = _generic(
    {
        "SE": ("SE2D", "SE_15_2D"), "TSE": ("FSE2D+10", "FSE2D", "FSE_2D", "FSE2D+0.5"), "TSE_3D": ("FSE3D_MPV", "FSE3D", "mVox"), "HASTE": ("FASE2D", "FASE3D", "FASE2D+5.0", "SuperFASE"),
        "IR_TSE": ("FIR2D", "FSE2D_IR", "FLAIR2D", "FIR2D+8"), "IR_TSE_3D": ("FIR3D_MPV", "FSE3D_FLAIR"), "SPGR_2D": ("FE2D", "FE2D2.0", "FFE2D"), "SPGR_2D_FAST": ("FFE2D", "FE2D", "FFE2D_ss"),
        "SPGR_3D": ("FFE3D", "Quick3Ds", "FE3D", "FFE3D+1.2"), "SPGR_3D_DYN": ("FFE3D", "Quick3D"), "MP_GRE": ("FFE3D_IR", "MPRAGE3D", "FFE3D"), "GRE_2D": ("FE2D", "FE2D15"), "ME_GRE": ("FE2D_M", "mEcho"), "SWI": ("FSBB3D", "FE3D_FSBB", "FE3D"),
        "DWI": ("SEEPI2D+0.7", "SEEPI2D", "DWI2D", "SEEPI2D_dwi"), "GRE_EPI": ("FEEPI2D", "FE_EPI2D"), "SE_EPI": ("SEEPI2D", "SEEPI2D+0.7"), "DIXON_3D": ("FFE3D_WFS", "FFE3D"), "TOF_3D": ("FE3D_TOF", "FE3D4.0", "TOF3D"), "TOF_2D": ("FE2D_TOF",),
        "PC": ("FE2D_PS", "PS3D"), "BSSFP_3D": ("SSFP3D", "TrueSSFP3D"), "BSSFP_2D": ("SSFP2D", "TrueSSFP2D"), "CINE": ("SSFP2D", "FFE2D_c"), "ASL_3D": ("ASTAR3D", "FASE3D_asl"), "DUAL_ECHO_2D": ("FE2D", "FFE2D"), "CE_MRA": ("FFE3D",),
        "FIELD_MAP": ("FE2D", "FE3D_PASTA"),
    },
    _STANDARD_VARIANTS,
)  # fmt: skip
_UIH = _generic(
    {
        "SE": ("se", "se_2d"), "TSE": ("fse", "fse_2d", "fse_arms"), "TSE_3D": ("fse_mx", "fse_mx_3d", "matrix"), "HASTE": ("fse_ssh", "fse_ssh_2d"), "IR_TSE": ("fse_ir", "fse_tirm", "fse_flair"), "IR_TSE_3D": ("fse_mx_3d_flair", "fse_mx_flair"),
        "SPGR_2D": ("gre", "gre_2d", "gre_fq"), "SPGR_2D_FAST": ("gre_scout", "gre"), "SPGR_3D": ("gre_quick3d", "gre_fsp", "gre_3d"), "SPGR_3D_DYN": ("gre_quick3d", "gre_fine"), "MP_GRE": ("gre_fsp", "gre_fsp_3d", "gre_mprage"), "GRE_2D": ("gre", "gre_t2"), "ME_GRE": ("gre_mgre", "gre_megre"),
        "SWI": ("gre_swi", "gre_swi_3d", "gre_swip"), "DWI": ("epi_dwi", "epi_dti", "epi_dti_b", "epi_dwi_rs"), "GRE_EPI": ("epi_bold", "epi_fmri", "epi_fid"), "SE_EPI": ("epi_se", "se_epi"), "ASL_3D": ("asl_3d", "gre_asl"), "DIXON_3D": ("gre_quick3d_wfi", "gre_wfi"), "DIXON_TSE": ("fse_wfi",),
        "TOF_3D": ("gre_tof", "tof_3d"), "TOF_2D": ("gre_tof_2d",), "PC": ("gre_pc", "pc_3d"), "BSSFP_3D": ("gre_bssfp", "bssfp_3d"), "BSSFP_2D": ("gre_bssfp", "bssfp_2d"), "CINE": ("gre_bssfp_cine",), "FIELD_MAP": ("gre_fieldmap", "gre_b0"), "DUAL_ECHO_2D": ("gre_dual", "gre"),
    },
    _STANDARD_VARIANTS,
)  # fmt: skip
_HITACHI = _generic(
    {
        "SE": ("SE", "SE_2D"), "TSE": ("FSE", "RADAR_FSE", "FSE_DE"), "TSE_3D": ("isoFSE", "3D_FSE"), "HASTE": ("SSFSE", "FSE_SS"), "IR_TSE": ("FIR", "FLAIR", "IR_FSE"), "IR_TSE_3D": ("isoFLAIR",), "SPGR_2D": ("RSSG", "GE", "SARGE"), "SPGR_2D_FAST": ("SARGE", "GE"),
        "SPGR_3D": ("TIGRE", "RSSG3D", "3D_RSSG"), "SPGR_3D_DYN": ("TIGRE",), "MP_GRE": ("MPRAGE", "3D_GEIR"), "GRE_2D": ("GE", "GRE_T2"), "ME_GRE": ("ADAGE", "ME_GRE"), "SWI": ("BSI", "3D_GE_BSI"), "DWI": ("DWI", "DW_EPI", "SE_DWEPI"), "GRE_EPI": ("GE_EPI", "EPI"), "SE_EPI": ("SE_EPI",),
        "TOF_3D": ("3D_TOF", "TOF"), "TOF_2D": ("2D_TOF",), "PC": ("PC",), "BSSFP_3D": ("BASG3D", "3D_BASG", "PBSG"), "BSSFP_2D": ("BASG",), "CINE": ("BASG_CINE",), "DIXON_3D": ("FatSep_RSSG", "3D_RSSG"), "DUAL_ECHO_2D": ("RSSG", "GE_DE"),
    },
    _STANDARD_VARIANTS,
)  # fmt: skip

STYLES: Mapping[str, Mapping[str, Style]] = {
    "SIEMENS": _SIEMENS,
    "GE": _GE,
    "PHILIPS": _PHILIPS,
    "CANON": _CANON,
    "UIH": _UIH,
    "HITACHI": _HITACHI,
}

FAT_SAT_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "SIEMENS": ("FS", "SFS", "WE"),
    "GE": ("FS", "SS_GEMS", "FS\\SP"),
    "PHILIPS": ("FS", "WE"),
    "CANON": ("FS", "FATSAT", "DFS"),
    "UIH": ("FS", "FATSAT"),
    "HITACHI": ("FS", "FATSAT"),
}

# ImageType from value 3 on, by what the picture is. "" stands for a plain picture of the vendor.
IMAGE_TYPES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "SIEMENS": {
        "": ("O\\P\\M\\ND", "O\\P\\M\\NORM\\DIS2D", "O\\P\\M\\ND\\NORM", "O\\P\\M\\DIS2D", "O\\P\\M\\NORM\\DIS2D\\FM", "O\\P\\M\\NORM\\DIS3D\\DIS2D", "O\\P\\M\\NONE"),
        "DWI": ("O\\P\\DIFFUSION\\NONE\\ND", "O\\P\\M\\ND", "D\\P\\DIFFUSION\\TRACEW\\ND\\DIS2D", "D\\P\\DIFFUSION\\TRACEW\\NORM\\DIS2D", "O\\P\\DIFFUSION\\NONE\\NORM\\DIS2D", "O\\P\\DIFFUSION\\NONE\\ND\\NORM\\MOSAIC", "O\\P\\DIFFUSION\\NONE\\MB\\ND\\MOSAIC", "D\\P\\DIFFUSION\\TRACEW\\DIS2D\\MFSPLIT"),
        "ADC": ("D\\P\\DIFFUSION\\ADC\\ND\\DIS2D", "D\\P\\DIFFUSION\\ADC\\NORM\\DIS2D", "D\\P\\DIFFUSION\\ADC\\ND", "D\\P\\DIFFUSION\\ADC\\DIS2D\\MFSPLIT", "D\\S\\OTHER\\ADC"),
        "FA": ("D\\P\\DIFFUSION\\FA\\ND", "D\\P\\DIFFUSION\\FA\\NORM\\DIS2D"),
        "CALC_BVAL": ("D\\P\\DIFFUSION\\CALC_BVALUE\\NORM\\DIS2D", "D\\P\\DIFFUSION\\TRACEW\\NORM\\DIS2D", "D\\P\\DIFFUSION\\CALC_BVALUE\\TRACEW\\DIS2D"),
        "BOLD": ("O\\P\\M\\ND\\MOSAIC", "O\\P\\M\\MB\\ND\\MOSAIC", "O\\P\\FMRI\\NONE\\ND\\MOSAIC", "O\\P\\M\\ND", "O\\P\\M\\ND\\NORM\\MOCO\\MOSAIC", "O\\P\\FMRI\\NONE"),
        "PERFUSION": ("O\\P\\M\\ND", "O\\P\\M\\ND\\MOSAIC", "O\\P\\PERFUSION\\NONE\\ND", "O\\P\\M\\ND\\NORM"),
        "PERFUSION_MAP": ("D\\P\\PERFUSION\\RELCBV\\ND", "D\\P\\PERFUSION\\TTP\\ND", "D\\P\\PERFUSION\\MTT", "D\\P\\PERFUSION\\PBP\\ND", "D\\P\\PERFUSION\\GBP\\ND", "D\\P\\PERFUSION\\RELMTT\\ND"),
        "ASL": ("O\\P\\ASL\\NONE\\ND", "O\\P\\M\\ND\\MOSAIC", "D\\P\\PERFUSION\\ASL\\RELCBF\\ND", "O\\P\\PERFUSION\\ASL\\ND", "D\\P\\ASL\\RELCBF\\ND\\NORM", "O\\P\\M\\ND\\NORM"),
        "WATER": ("O\\P\\M\\NORM\\WATER\\DIS2D", "D\\P\\M\\WATER\\NORM", "O\\P\\M\\WATER\\ND", "D\\P\\DIXON\\WATER\\NORM\\DIS2D"),
        "FAT": ("O\\P\\M\\NORM\\FAT\\DIS2D", "D\\P\\M\\FAT\\NORM", "O\\P\\M\\FAT\\ND", "D\\P\\DIXON\\FAT\\NORM\\DIS2D"),
        "IN_PHASE": ("O\\P\\M\\NORM\\IN_PHASE\\DIS2D", "O\\P\\M\\IN_PHASE\\ND", "O\\P\\DIXON\\IN_PHASE\\NORM\\DIS2D", "O\\P\\M\\NORM\\DIS2D", "O\\P\\M\\ND"),
        "OPP_PHASE": ("O\\P\\M\\NORM\\OPP_PHASE\\DIS2D", "O\\P\\M\\OUT_PHASE\\NORM\\DIS2D", "O\\P\\DIXON\\OPP_PHASE\\NORM\\DIS2D", "O\\P\\M\\NORM\\DIS2D", "O\\P\\M\\ND"),
        "SWI": ("O\\P\\M\\SWI\\ND\\NORM", "O\\P\\M\\SWI\\NORM\\DIS2D", "O\\P\\SWI\\NONE\\ND"),
        "SWI_MIP": ("O\\P\\MNIP\\SWI\\ND\\NORM", "D\\P\\MNIP\\SWI\\NORM\\DIS2D", "D\\P\\MNIP\\ND"),
        "PHASE": ("O\\P\\P\\ND", "O\\P\\P\\NORM\\DIS2D", "O\\P\\P\\ND\\NORM"),
        "MIP": ("O\\P\\MIP_TRA\\NORM\\DIS2D", "D\\S\\MPR\\CSA MIP", "O\\P\\MIP_COR\\ND", "D\\P\\MIP_SAG\\ND", "D\\S\\MIP\\CSA MIP\\CSAPARALLEL"),
        "MPR": ("D\\S\\MPR\\CSA MPR\\CSAPARALLEL\\M\\ND\\NORM", "D\\S\\MPR\\CSA MPR", "D\\S\\MPR\\NORM\\DIS2D"),
        "SUB": ("D\\P\\M\\SUB\\NORM\\DIS2D", "D\\S\\SUB\\ND", "D\\P\\M\\ND\\SUB", "D\\P\\SUB\\NORM\\DIS2D"),
        "T1_MAP": ("D\\P\\T1 MAP\\ND", "D\\P\\T1_MAP\\NORM\\DIS2D\\MOCO"), "T2_MAP": ("D\\P\\T2 MAP\\ND", "D\\P\\T2_MAP\\NORM"), "T2STAR_MAP": ("D\\P\\T2_STAR MAP\\ND",),
        "SCREEN": ("D\\S\\SCREEN SAVE", "D\\S", "D\\S\\OTHER\\CSA REPORT"), "SPECTROSCOPY": ("O\\P\\SPECTROSCOPY\\NONE",), "LOCALIZER": ("O\\P\\M\\NORM\\DIS2D", "O\\P\\M\\ND", "O\\P\\LOCALIZER\\M\\ND"),
    },
    "GE": {
        "": ("O\\P\\OTHER", "O\\P\\OTHER", "O\\P", "O\\P\\OTHER\\NONE", "O\\P\\M\\NONE"),
        "DWI": ("O\\P\\OTHER", "O\\P\\EPI\\NONE", "O\\P\\DIFFUSION\\NONE", "D\\S\\COMBINED", "D\\P\\OTHER\\CMB", "O\\P\\EPI\\NONE"),
        "ADC": ("D\\P\\ADC\\ADC", "D\\S\\ADC", "D\\P\\OTHER\\ADC", "D\\S\\COMBINED", "D\\S\\OTHER\\ADC", "D\\P\\EPI\\ADC", "D\\P\\DIFFUSION\\ADC", "D\\S\\PROCESSED", "D\\S\\AVG_ADC", "D\\S\\PJN\\ADC"),
        "FA": ("D\\S\\FRACT_ANISO", "D\\P\\OTHER\\FA", "D\\S\\COMBINED", "D\\S\\FA"),
        "CALC_BVAL": ("D\\S\\OTHER", "D\\P\\DIFFUSION\\NONE", "D\\S\\COMBINED", "D\\P\\OTHER"),
        "BOLD": ("O\\P\\EPI\\NONE", "O\\P\\OTHER", "O\\P\\EPI\\FMRI"),
        "PERFUSION": ("O\\P\\EPI\\NONE", "O\\P\\OTHER"),
        "PERFUSION_MAP": ("D\\S\\CBV", "D\\S\\OTHER", "D\\S\\MTT", "D\\S\\TTP", "D\\S\\PROCESSED"),
        "ASL": ("O\\P\\ASL", "D\\P\\CBF\\ASL", "O\\P\\OTHER", "D\\S\\CBF", "O\\P\\ASL\\NONE"),
        "WATER": ("D\\P\\WATER", "O\\P\\OTHER", "D\\P\\DIXON\\WATER", "O\\P\\WATER\\NONE", "D\\P\\OTHER\\WATER"),
        "FAT": ("D\\P\\FAT", "O\\P\\OTHER", "D\\P\\DIXON\\FAT", "O\\P\\FAT\\NONE", "D\\P\\OTHER\\FAT"),
        "IN_PHASE": ("O\\P\\OTHER", "O\\P\\DIXON\\IN_PHASE", "D\\P\\IN_PHASE", "O\\P\\OTHER", "D\\P\\OTHER\\IN_PHASE"),
        "OPP_PHASE": ("O\\P\\OTHER", "O\\P\\DIXON\\OUT_PHASE", "D\\P\\OUT_PHASE", "O\\P\\OTHER", "D\\P\\OTHER\\OUT_PHASE"),
        "SWI": ("O\\P\\OTHER", "O\\P\\SWAN", "D\\P\\OTHER"), "SWI_MIP": ("D\\S\\REFORMATTED\\MIN IP", "D\\S\\MIN_IP", "D\\P\\MINIP"), "PHASE": ("O\\P\\OTHER\\P", "D\\P\\PHASE", "D\\S\\OTHER\\PHASE"),
        "MIP": ("D\\S\\PROJECTION IMAGE", "D\\S\\PJN", "D\\S\\REFORMATTED\\MIP", "D\\S\\PROJECTION IMAGE\\COLLAPSE"),
        "MPR": ("D\\S\\REFORMATTED\\AVERAGE", "D\\S\\REFORMATTED", "D\\S\\MPR"),
        "SUB": ("D\\S\\OTHER\\SUB", "D\\S\\SUBTRACT", "D\\P\\SUBTRACTION"),
        "T1_MAP": ("D\\P\\T1 MAP", "D\\S\\T1MAP"), "T2_MAP": ("D\\S\\T2MAP", "D\\P\\OTHER"), "T2STAR_MAP": ("D\\S\\R2_STAR", "D\\P\\R2STAR"),
        "SCREEN": ("D\\S\\SCREEN SAVE", "D\\S\\VXTL STATE", "D\\S"), "SPECTROSCOPY": ("D\\S\\SPECTROSCOPY", "O\\P\\OTHER"), "LOCALIZER": ("O\\P\\OTHER", "O\\P\\LOCALIZER", "O\\P\\OTHER"),
    },
    "PHILIPS": {
        "": ("O\\P\\M_@\\M\\@", "O\\P\\M_@\\M\\@", "O\\P", "D\\P\\M_@\\M\\@", "O\\P\\M\\@"),
        "DWI": ("O\\P\\M_SE\\M\\SE", "O\\P\\DIFFUSION\\M\\SE", "D\\P\\DIFFUSION\\NONE", "D\\P\\M_SE\\M\\SE"),
        "ADC": ("D\\P\\ADC\\ADC\\UNSPECIFIED", "D\\P\\ADC_UNSPECIFIED\\ADC\\UNSPECIFIED", "O\\P\\ADC_UNSPECIFIED\\ADC\\SE", "D\\P\\DIFFUSION\\ADC", "D\\P\\ADC_SE\\ADC\\SE"),
        "FA": ("D\\P\\FA\\UNSPECIFIED", "D\\S\\FA", "D\\P\\FRACTIONAL_ANISO\\FA"),
        "CALC_BVAL": ("D\\P\\M_SE\\M\\SE", "D\\P\\DIFFUSION\\CALC_BVALUE", "D\\S\\CDWI"),
        "BOLD": ("O\\P\\M_FFE\\M\\FFE", "O\\P\\M_FFE\\M\\FFE", "O\\P\\FMRI\\M\\FFE"),
        "PERFUSION": ("O\\P\\M_FFE\\M\\FFE", "O\\P\\PERFUSION\\M\\FFE"),
        "PERFUSION_MAP": ("D\\P\\PERFUSION\\CBV", "D\\S\\MTT", "D\\S\\TTP", "D\\P\\CBV\\UNSPECIFIED"),
        "ASL": ("O\\P\\PERFUSION_FFE\\PERFUSION\\FFE", "O\\P\\PERFUSION_FFE\\PERFUSION\\FFE", "O\\P\\M_SE\\M\\SE", "O\\P\\M_FFE\\M\\FFE", "D\\P\\PERFUSION\\CBF", "O\\P\\PERFUSION\\NONE"),
        "WATER": ("D\\P\\W\\W\\DERIVED", "O\\P\\W\\W\\@", "D\\P\\W_@\\W\\@", "O\\P\\W"), "FAT": ("D\\P\\F\\F\\DERIVED", "O\\P\\F\\F\\@", "D\\P\\F_@\\F\\@", "O\\P\\F"),
        "IN_PHASE": ("D\\P\\IP\\IP\\DERIVED", "O\\P\\IP\\IP\\@", "O\\P\\M_FFE\\M\\FFE", "D\\P\\IP_@\\IP\\@"), "OPP_PHASE": ("D\\P\\OP\\OP\\DERIVED", "O\\P\\OP\\OP\\@", "O\\P\\M_FFE\\M\\FFE", "D\\P\\OP_@\\OP\\@"),
        "SWI": ("D\\P\\SW_M_FFE\\SW_M\\FFE", "O\\P\\M_FFE\\M\\FFE", "O\\P\\SWI\\M\\FFE"), "SWI_MIP": ("D\\P\\PROJECTION IMAGE\\M\\FFE", "D\\P\\MIN IP\\M\\FFE", "D\\S\\MINIP"),
        "PHASE": ("O\\P\\PHASE MAP\\P\\FFE", "O\\P\\PHASE MAP\\P\\PCA", "O\\P\\P_FFE\\P\\FFE"),
        "MIP": ("D\\P\\PROJECTION IMAGE\\M\\@", "D\\S\\PROJECTION IMAGE\\M\\PCA", "D\\P\\MIP\\M\\@"), "MPR": ("D\\S\\MPR\\M\\@", "D\\P\\MPR\\M\\@"), "SUB": ("D\\P\\SUBTRACTION\\M\\FFE", "D\\S\\SUB", "D\\P\\M_FFE\\M\\FFE"),
        "T1_MAP": ("D\\P\\T1 MAP\\T1\\UNSPECIFIED", "O\\P\\T1\\MIXED"), "T2_MAP": ("D\\P\\T2 MAP\\T2\\UNSPECIFIED",), "T2STAR_MAP": ("D\\P\\T2_STAR\\UNSPECIFIED",),
        "SCREEN": ("D\\S\\SCREEN SAVE", "D\\S\\PRESENTATION", "D\\S"), "SPECTROSCOPY": ("O\\P\\SPECTROSCOPY\\NONE",), "LOCALIZER": ("O\\P\\M_FFE\\M\\FFE", "O\\P\\M\\FFE", "O\\P"),
    },
    "": {
        "": ("O\\P\\GDC", "O\\P\\OTHER", "O\\P", "O\\P\\M", "O\\P\\M\\NONE", "O\\P\\M\\NORM", "O\\P\\NONE"),
        "DWI": ("O\\P\\GDC", "O\\P\\DIFFUSION", "O\\P\\DIFFUSION\\NONE", "O\\P\\DWI", "D\\P\\DIFFUSION\\TRACEW", "O\\P\\M", "D\\P\\ISOTROPIC", "O\\P\\OTHER"),
        "ADC": ("D\\P\\ADC", "D\\S\\ADC", "D\\P\\DIFFUSION\\ADC", "D\\P\\GDC\\ADC", "D\\S\\OTHER\\ADC", "D\\P\\ADC MAP"), "FA": ("D\\P\\FA", "D\\S\\FA", "D\\P\\DIFFUSION\\FA"),
        "CALC_BVAL": ("D\\P\\DIFFUSION\\CALC_BVALUE", "D\\S\\CDWI", "D\\P\\COMPUTED_DWI", "D\\P\\OTHER"),
        "BOLD": ("O\\P\\GDC", "O\\P\\M", "O\\P\\FMRI", "O\\P\\OTHER"), "PERFUSION": ("O\\P\\GDC", "O\\P\\M", "O\\P\\PERFUSION", "O\\P\\OTHER"), "PERFUSION_MAP": ("D\\S\\CBV", "D\\P\\MTT", "D\\S\\TTP"), "ASL": ("O\\P\\ASL", "D\\P\\CBF", "O\\P\\M", "O\\P\\PERFUSION"),
        "WATER": ("O\\P\\WATER", "D\\P\\WATER", "D\\P\\WFS\\WATER", "O\\P\\M\\W"), "FAT": ("O\\P\\FAT", "D\\P\\FAT", "D\\P\\WFS\\FAT", "O\\P\\M\\F"),
        "IN_PHASE": ("O\\P\\GDC", "O\\P\\IN_PHASE", "O\\P\\M\\IP", "O\\P\\OTHER"), "OPP_PHASE": ("O\\P\\GDC", "O\\P\\OUT_PHASE", "O\\P\\M\\OP", "O\\P\\OTHER"),
        "SWI": ("O\\P\\SWI", "D\\P\\SWI", "O\\P\\GDC", "D\\P\\M\\SWI"), "SWI_MIP": ("D\\P\\MINIP", "D\\S\\MIN IP", "D\\P\\SWI\\MINIP"), "PHASE": ("O\\P\\P", "O\\P\\PHASE", "D\\P\\PHASE"), "MIP": ("D\\S\\MIP", "D\\P\\MIP", "D\\S\\PROJECTION IMAGE"),
        "MPR": ("D\\S\\MPR", "D\\P\\MPR"), "SUB": ("D\\S\\SUB", "D\\P\\SUBTRACTION", "D\\S\\SUBTRACTION"), "T1_MAP": ("D\\P\\T1 MAP",), "T2_MAP": ("D\\P\\T2 MAP",), "T2STAR_MAP": ("D\\P\\T2* MAP", "D\\S\\R2*"),
        "SCREEN": ("D\\S\\SCREEN SAVE", "D\\S"), "SPECTROSCOPY": ("O\\P\\SPECTROSCOPY",), "LOCALIZER": ("O\\P\\GDC", "O\\P\\M", "O\\P\\LOCALIZER", "O\\P\\OTHER", "O\\P"),
    },
}  # fmt: skip
