"""Simulated exams: valid DICOM, the right parts and planes, pictures with contrast, and all of it from the
seed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import MRImageStorage

from SeriesClassifierLib.parts.geometry import normal, plane_and_tilt
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Series
from SeriesClassifierLib.simulation import exams, phantoms
from SeriesClassifierLib.simulation.exams import EXAMS, SIZE, SimulatedSeries, draw_exam, write_exam
from SeriesClassifierLib.simulation.phantoms import Scan, anatomy, picture, signal
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.vocabulary import classes

CASES = [(region, vendor) for region in EXAMS for vendor in ("SIEMENS", "GE", "PHILIPS", "CANON")]
TISSUES = list(phantoms.TISSUES)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def exam(request: pytest.FixtureRequest) -> list[SimulatedSeries]:
    region, vendor = request.param
    return draw_exam(1, region, vendor)


@pytest.fixture
def short_exam(monkeypatch: pytest.MonkeyPatch) -> str:
    """The prostate exam with three slices a series and few series: drawing all of it takes long."""
    kept = [replace(plan, slices=3) for plan in EXAMS["prostate"] if plan.sequence in ("T2", "DWI", "ADC")]
    kept = [replace(plan, like=4 if plan.like else 0) for plan in kept]
    monkeypatch.setitem(exams.EXAMS, "prostate", tuple(kept))  # type: ignore[arg-type]
    return "prostate"


def as_series(simulated: SimulatedSeries) -> Series:
    instances = tuple(Instance(str(number), 0, tags) for number, tags in enumerate(simulated.instances()))
    return Series(instances[0].text("SeriesInstanceUID"), "study", "patient", instances)


def test_truth_is_in_the_words_of_the_vocabulary(exam: list[SimulatedSeries]) -> None:
    for series in exam:
        for facet in ("sequence", "plane", "phase", "derived", "region"):
            assert getattr(series, facet) in classes(facet)


def test_uids_belong_together(exam: list[SimulatedSeries]) -> None:
    images = [tags for series in exam for tags in series.instances()]
    assert len({tags["StudyInstanceUID"] for tags in images}) == 1
    assert len({tags["FrameOfReferenceUID"] for tags in images}) == 1
    assert len({tags["PatientID"] for tags in images}) == 1
    assert len({tags["SeriesInstanceUID"] for tags in images}) == len(exam)
    assert len({tags["SOPInstanceUID"] for tags in images}) == len(images)


def test_planes_are_what_the_exam_card_says(exam: list[SimulatedSeries]) -> None:
    for series in exam:
        planes = set()
        for image in as_series(series).instances:
            direction = normal(image)
            assert direction is not None
            planes.add(plane_and_tilt(direction)[0])
        assert planes == ({"AX", "COR", "SAG"} if series.plane == "MULTI" else {series.plane})


def test_series_split_into_their_b_values_and_time_points(exam: list[SimulatedSeries]) -> None:
    for series in exam:
        parts = split(as_series(series))
        if series.sequence == "DWI":
            assert {part.b_value for part in parts} == set(series.b_values)
        elif series.sequence == "DCE":
            assert len(parts) == 6
            assert [part.time_index for part in parts] == list(range(6))
        else:
            assert len(parts) == 1


def test_computed_series_lie_where_their_originals_lie(exam: list[SimulatedSeries]) -> None:
    for series, plan in zip(exam, EXAMS[exam[0].region], strict=True):
        if plan.like and plan.derived != "MIP":
            places, original = (
                {str(tags["ImagePositionPatient"]) for tags in one.instances()}
                for one in (series, exam[plan.like - 1])
            )
            assert places == original


def test_time_runs_forward_through_the_exam(exam: list[SimulatedSeries]) -> None:
    starts = [str(series.instances()[0]["SeriesTime"]) for series in exam]
    assert starts == sorted(starts)
    assert all(len(start) == 13 for start in starts)


def test_seed_decides_everything() -> None:
    assert draw_exam(5, "abdomen", "GE") == draw_exam(5, "abdomen", "GE")
    assert draw_exam(5, "abdomen", "GE") != draw_exam(6, "abdomen", "GE")


def test_files_are_valid_and_read_back_as_they_were_drawn(short_exam: str, tmp_path: Path) -> None:
    paths = write_exam(tmp_path, short_exam)
    drawn = draw_exam(1, short_exam, "SIEMENS")
    assert len(paths) == sum(len(series.images) for series in drawn)
    for path in paths:
        dataset = pydicom.dcmread(path)
        assert dataset.SOPClassUID == dataset.file_meta.MediaStorageSOPClassUID == MRImageStorage
        assert dataset.pixel_array.shape == (SIZE, SIZE)
        assert 0 < dataset.pixel_array.mean() < dataset.pixel_array.max() < 4096
        assert dataset.PatientName == "Simulated^Prostate"
    (study,) = open_source(tmp_path).studies()
    assert [series.description for series in study.series] == [
        s.instances()[0]["SeriesDescription"] for s in drawn
    ]
    for read, series in zip(study.series, drawn, strict=True):
        assert not read.problems
        for instance, tags in zip(read.instances, series.instances(), strict=True):
            for keyword in ("ImageType", "SequenceName", "EchoTime", "SiemensBValue", "ImagePositionPatient"):
                assert instance.tags.get(keyword) == pytest.approx(tags.get(keyword)), keyword


def test_same_seed_gives_the_same_bytes(short_exam: str, tmp_path: Path) -> None:
    first, second = (write_exam(tmp_path / name, short_exam, seed=2) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_anatomy_does_not_change_its_points() -> None:
    points = np.random.default_rng(0).uniform(-150, 150, (20, 20, 3))
    before = points.copy()
    labels = anatomy("abdomen", points, 1)
    np.testing.assert_array_equal(points, before)
    assert labels.shape == (20, 20)
    assert 0 <= labels.min() <= labels.max() < len(TISSUES)


def test_contrast_is_that_of_the_sequence() -> None:
    def bright(scan: Scan) -> dict[str, float]:
        return dict(zip(TISSUES, signal(scan).tolist(), strict=True))

    t2, t1 = bright(Scan("T2", tr=4000, te=100)), bright(Scan("T1", tr=500, te=10))
    assert t2["fluid"] > t2["muscle"]
    assert t1["fluid"] < t1["fat"]
    low, high = bright(Scan("DWI", te=70, b_value=50)), bright(Scan("DWI", te=70, b_value=1000))
    assert all(high[name] <= low[name] for name in TISSUES)
    assert high["fluid"] / low["fluid"] < high["lesion"] / low["lesion"]
    adc = bright(Scan("ADC"))
    assert adc["lesion"] < adc["periphery"] < adc["fluid"] == 2900
    shared = {"tr": 5.0, "te": 2.0, "flip": 12.0, "spin_echo": False}
    before = bright(Scan("T1", **shared))  # type: ignore[arg-type]
    after = bright(Scan("T1", **shared, agent=(1, 0, 0)))  # type: ignore[arg-type]
    assert after["blood"] > 2 * before["blood"]
    dixon = {kind: bright(Scan(f"DIXON_{kind}", **shared)) for kind in ("IN", "OPP", "W", "F")}  # type: ignore[arg-type]
    for name in TISSUES:
        assert dixon["IN"][name] == pytest.approx(dixon["W"][name] + dixon["F"][name])
        assert dixon["OPP"][name] == pytest.approx(abs(dixon["W"][name] - dixon["F"][name]))


def test_picture_has_noise_but_a_calculated_one_has_hardly_any() -> None:
    air = np.zeros((40, 40), dtype=np.intp)
    air[:4] = TISSUES.index("fluid")
    noisy, clean = (
        picture(air, Scan("DWI", b_value=800, calculated=calculated), np.random.default_rng(1))[10:]
        for calculated in (False, True)
    )
    assert noisy.shape == (10, 20)
    assert noisy.mean() > 5 * clean.mean()
