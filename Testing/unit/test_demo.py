"""The demo's data: what installed packages carry, the user's own, and no folder emptied by mistake."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from support.simulated import write_small_series

from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.simulation import demo, wheel_samples
from SeriesClassifierLib.simulation.demo import make_demo
from SeriesClassifierLib.simulation.wheel_samples import copy_wheel_samples
from SeriesClassifierLib.sources import open_source

PACKAGES = {
    "pydicom": "pydicom",
    "data_store": "pydicom-data",
    "nibabel": "nibabel",
    "heudiconv": "heudiconv",
}


def n_images(source: Path) -> int:
    return sum(len(series.instances) for study in open_source(source).studies() for series in study.series)


@pytest.fixture
def no_exams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the exams takes long and has tests of its own."""

    def small(folder: Path, task: str, studies: int, seed: int, longest: int) -> list[Path]:
        return write_small_series(folder, study=len(task), series=1, images=2)

    monkeypatch.setattr(demo, "write_studies", small)


def test_every_installed_package_gives_readable_mr(tmp_path: Path) -> None:
    copies = copy_wheel_samples(tmp_path)
    installed = {name for module, name in PACKAGES.items() if find_spec(module)}
    assert {path.relative_to(tmp_path).parts[0] for path in copies} == installed
    assert len(copies) == len(set(copies))
    series = [series for study in open_source(tmp_path).studies() for series in study.series]
    assert not [series.problems for series in series if series.problems]
    assert {instance.text("Modality") for one in series for instance in one.instances} == {"MR"}


def test_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wheel_samples, "find_spec", lambda name: None)
    assert copy_wheel_samples(tmp_path) == []
    for package in PACKAGES.values():
        assert f"the package {package}:" in caplog.text


@pytest.mark.usefixtures("no_exams")
def test_demo_is_a_database_with_everything_in_it(tmp_path: Path) -> None:
    database = make_demo(tmp_path / "demo")
    assert database == tmp_path / "demo" / "database" / "ctkDICOM.sql"
    assert n_images(database) == n_images(tmp_path / "demo" / "dicom") > 20


@pytest.mark.usefixtures("no_exams")
def test_demo_replaces_an_earlier_demo_and_keeps_results(tmp_path: Path) -> None:
    make_demo(tmp_path / "demo")
    (tmp_path / "demo" / "labels.csv").write_text("kept", encoding="utf-8")
    source = tmp_path / "mine"
    files = write_small_series(source, study=1, series=1, images=4)
    database = make_demo(tmp_path / "demo", source)
    assert n_images(database) == 4
    assert not (tmp_path / "demo" / "dicom").exists()
    assert (tmp_path / "demo" / "labels.csv").read_text(encoding="utf-8") == "kept"
    assert all(path.is_file() for path in files)


def test_source_may_be_a_database(tmp_path: Path) -> None:
    source = tmp_path / "mine"
    write_small_series(source, study=1, series=1, images=3)
    first = make_demo(tmp_path / "first", source)
    assert n_images(make_demo(tmp_path / "second", first.parent)) == 3


def test_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "dicom").mkdir()
    precious = tmp_path / "dicom" / "precious.dcm"
    precious.write_bytes(b"mine")
    with pytest.raises(UsageError, match="no demo"):
        make_demo(tmp_path)
    assert demo.main([str(tmp_path)]) == 2
    assert precious.read_bytes() == b"mine"


def test_source_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no DICOM images"):
        make_demo(tmp_path / "demo", tmp_path / "empty")
    assert demo.main([str(tmp_path / "other"), "--source", str(tmp_path / "absent")]) == 3
