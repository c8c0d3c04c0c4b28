"""Signal equations: what every radiologist knows about the sequences must hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from SeriesClassifierLib.simulation.headers import draw_part
from SeriesClassifierLib.simulation.protocols import PROTOCOLS
from SeriesClassifierLib.simulation.scans import Scan, null_time, scan_of
from SeriesClassifierLib.simulation.signals import signal
from SeriesClassifierLib.simulation.tissues import INDEX, TissuesDrawn, draw_tissues

PLAIN = draw_tissues(np.random.default_rng(0), 1.5, spread=0.0)
T1_GRE = Scan("SPGR_3D", "T1", tr=4.5, te=2.2, flip=12)
T2_TSE = Scan("TSE", "T2", tr=5000, te=100, etl=16)
DIFFUSION = Scan("DWI", "DWI", tr=6000, te=70, fat_residual=0.05, fat_suppression="fatsat")


def total(scan: Scan, tissues: TissuesDrawn = PLAIN) -> dict[str, float]:
    """Magnitude of water and fat in phase, by tissue."""
    parts = signal(scan, tissues)
    return {name: float(abs(parts.water[i] + parts.fat[i])) for name, i in INDEX.items()}


def test_t1_weighting_orders_the_brain() -> None:
    seen = total(Scan("SE", "T1", tr=500, te=12))
    assert seen["fat"] > seen["white_matter"] > seen["gray_matter"] > seen["csf"]


def test_t2_weighting_turns_the_order_round() -> None:
    seen = total(Scan("TSE", "T2", tr=6000, te=100, etl=12))
    assert seen["csf"] > seen["gray_matter"] > seen["white_matter"]


def test_fat_is_bright_in_echo_trains_and_not_in_single_echoes() -> None:
    train, single = total(T2_TSE), total(replace(T2_TSE, technique="SE", etl=1))
    assert train["fat"] > 1.5 * single["fat"]
    assert train["fat"] > 2 * train["muscle"]


def test_fat_saturation_takes_fat_only() -> None:
    seen, without = total(replace(T2_TSE, fat_suppression="fatsat", fat_residual=0.05)), total(T2_TSE)
    assert seen["fat"] < 0.15 * without["fat"]
    assert seen["spleen"] == pytest.approx(without["spleen"])


@pytest.mark.parametrize("field", [0.55, 1.5, 3.0])
def test_stir_nulls_fat_and_flair_nulls_csf(field: float) -> None:
    tissues = draw_tissues(np.random.default_rng(0), field, spread=0.0)
    stir = Scan("IR_TSE", "T2", tr=5000, te=50, etl=8, field=field)
    stir = replace(stir, ti=null_time(tissues.fat_t1, stir))
    flair = Scan("IR_TSE", "FLAIR", tr=9000, te=110, etl=16, field=field)
    flair = replace(flair, ti=null_time(float(tissues.t1[INDEX["csf"]]), flair))
    assert abs(signal(stir, tissues).fat[INDEX["fat"]]) < 1e-3
    assert abs(signal(flair, tissues).water[INDEX["csf"]]) < 1e-3
    assert total(flair, tissues)["white_matter_lesion"] > total(flair, tissues)["white_matter"]


def test_opposed_phase_is_never_brighter_than_in_phase() -> None:
    parts = signal(Scan("DUAL_ECHO_2D", "DIXON_IN", tr=150, te=4.6, flip=70), PLAIN)
    assert (np.abs(parts.water - parts.fat) <= np.abs(parts.water + parts.fat) + 1e-6).all()
    half = replace_fat(PLAIN, "liver", 0.5)
    mixed = signal(Scan("DUAL_ECHO_2D", "DIXON_OPP", tr=150, te=2.3, flip=70), half)
    liver = INDEX["liver"]
    assert abs(mixed.water[liver] - mixed.fat[liver]) < 0.6 * (mixed.water[liver] + mixed.fat[liver])


def replace_fat(tissues: TissuesDrawn, name: str, fraction: float) -> TissuesDrawn:
    fractions = tissues.fat_fraction.copy()
    fractions[INDEX[name]] = fraction
    return replace(tissues, fat_fraction=fractions)


def test_higher_b_is_never_brighter() -> None:
    shells = [signal(replace(DIFFUSION, b_value=b), PLAIN) for b in (0, 50, 400, 800, 1500)]
    for low, high in pairwise(shells):
        assert (high.water <= low.water + 1e-7).all()
        assert (high.fat <= low.fat + 1e-7).all()


def test_fluid_diffuses_faster_than_tumor() -> None:
    low, high = (signal(replace(DIFFUSION, b_value=b), PLAIN).water for b in (50.0, 800.0))
    adc = np.log(np.maximum(low, 1e-9) / np.maximum(high, 1e-9)) / 750 * 1e3
    assert adc[INDEX["fluid"]] > 2 * adc[INDEX["metastasis"]]
    assert adc[INDEX["prostate_peripheral"]] > 1.5 * adc[INDEX["prostate_lesion"]]
    assert adc[INDEX["fluid"]] == pytest.approx(2.7, rel=0.05)


def test_contrast_agent_brightens_what_takes_it_up() -> None:
    before = total(T1_GRE)
    arterial = total(replace(T1_GRE, agent=(1, 0, 0, 0)))
    portal = total(replace(T1_GRE, agent=(0, 1, 0, 0)))
    hepatobiliary = total(replace(T1_GRE, agent=(0, 0, 0, 1)))
    assert max(arterial, key=lambda name: arterial[name]) == "blood_artery"
    assert arterial["tumor"] / before["tumor"] > arterial["liver"] / before["liver"]
    assert portal["liver"] > arterial["liver"] > before["liver"]
    assert hepatobiliary["liver"] > hepatobiliary["blood_vein"]
    assert hepatobiliary["liver"] > hepatobiliary["metastasis"]


def test_arteries_are_brightest_in_time_of_flight() -> None:
    seen = total(Scan("TOF_3D", "MRA", tr=25, te=3.5, flip=20, inflow=0.8))
    assert max(seen, key=lambda name: seen[name]) == "blood_artery"
    assert seen["blood_artery"] > 2 * seen["gray_matter"]


def test_flowing_blood_is_dark_in_spin_echoes() -> None:
    seen = total(replace(T2_TSE, flow_void=1.0))
    assert seen["blood_artery"] < 0.1 * seen["spleen"]


def test_cholangiography_shows_fluid_only() -> None:
    scan = Scan(
        "HASTE", "MRCP", tr=5000, te=700, etl=200, fat_suppression="fatsat", fat_residual=0.05, flow_void=0.95
    )
    seen = total(scan)
    assert seen["bile"] > 8 * max(seen[n] for n in ("liver", "fat", "muscle", "spleen", "pancreas"))


def test_fluid_is_brightest_in_balanced_sequences() -> None:
    seen = total(Scan("BSSFP_3D", "CISS", tr=6, te=3, flip=60))
    assert seen["csf"] > 2 * seen["white_matter"]


def test_magnetization_preparation_separates_the_brain() -> None:
    seen = total(Scan("MP_GRE", "T1", tr=1900, te=3, ti=900, flip=9))
    assert seen["white_matter"] > 1.2 * seen["gray_matter"] > 1.2 * seen["csf"]


@pytest.mark.parametrize("number", range(0, len(PROTOCOLS), 3))
def test_every_protocol_gives_signals(number: int) -> None:
    protocol = PROTOCOLS[number]
    rng = np.random.default_rng(number)
    part = draw_part(rng, sequence=protocol.sequence, region=next(iter(protocol.regions)))
    scan = scan_of(rng, part)
    tissues = draw_tissues(rng, part.field)
    parts = signal(scan, tissues)
    assert np.isfinite(parts.water).all()
    assert np.isfinite(parts.fat).all()
    assert parts.water.dtype == parts.fat.dtype == np.float32
    assert parts.water[0] == parts.fat[0] == 0
