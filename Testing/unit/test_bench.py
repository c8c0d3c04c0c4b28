"""The bench: what is laid out, run and computed. How fast anything is, is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.simulated import write_small_series

from SeriesClassifierLib.cli import bench
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.simulation.database_writer import write_database

FIGURES = {
    "ours_series_per_s", "dcm_classifier_series_per_s", "ratio_vs_dcm_classifier", "pydicom_loop_files_per_s",
    "ours_files_per_s", "ours_database_series_per_s", "n_series", "n_files", "machine", "versions",
}  # fmt: skip


class Competitor:
    """Stands in for dcm-classifier: notes what it is given."""

    def __init__(self) -> None:
        self.failed = 0
        self.runs: list[dict[str, list[bytes]]] = []

    def run(self, studies: list[Path]) -> None:
        self.runs.append(
            {study.name: sorted(path.read_bytes() for path in study.iterdir()) for study in studies}
        )


@pytest.fixture
def competitor(monkeypatch: pytest.MonkeyPatch) -> Competitor:
    one = Competitor()
    monkeypatch.setattr(bench, "_DcmClassifier", lambda: one)
    return one


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Our side does nothing but note what it is given."""
    given: list[Path] = []
    monkeypatch.setattr(bench, "_ours", given.append)
    return given


@pytest.fixture
def exam(tmp_path: Path) -> Path:
    write_small_series(tmp_path / "exam" / "a", study=1, series=1, images=3)
    write_small_series(tmp_path / "exam" / "b", study=1, series=2, images=2)
    write_small_series(tmp_path / "exam" / "c", study=2, series=1, images=1)
    return tmp_path / "exam"


def test_both_sides_get_all_files_by_study_warm_up_and_repeats(
    exam: Path, competitor: Competitor, ours: list[Path]
) -> None:
    result = bench.run_bench(exam, repeats=2)
    assert len(ours) == len(competitor.runs) == 3
    assert len(set(ours)) == 1
    assert not ours[0].exists()  # the copies are gone
    assert all(run == competitor.runs[0] for run in competitor.runs)
    assert [len(files) for files in competitor.runs[0].values()] in ([5, 1], [1, 5])
    copied = sorted(content for files in competitor.runs[0].values() for content in files)
    assert copied == sorted(path.read_bytes() for path in exam.rglob("*.dcm"))
    assert result.keys() >= FIGURES
    assert (result["n_series"], result["n_files"], result["n_studies"], result["repeats"]) == (3, 6, 2, 2)
    json.dumps(result)


@pytest.mark.usefixtures("competitor", "ours")
def test_command_prints_the_table_and_writes_the_figures(
    exam: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Namespace(source=exam, repeats=1, json=tmp_path / "bench.json")
    assert bench.bench_command(options) == 0
    figures = json.loads(options.json.read_text(encoding="utf-8"))
    assert capsys.readouterr().out.strip() == bench.format_table(figures)
    with pytest.raises(UsageError, match="does not exist"):
        bench.bench_command(Namespace(source=exam, repeats=1, json=tmp_path / "absent" / "bench.json"))


@pytest.mark.usefixtures("competitor")
def test_database_is_also_timed_as_a_database(exam: Path, tmp_path: Path, ours: list[Path]) -> None:
    database = write_database(sorted(exam.rglob("*.dcm")), tmp_path / "database")
    result = bench.run_bench(database, repeats=1)
    assert ours.count(database) == 2
    assert result["ours_database_series_per_s"] > 0
    assert bench.run_bench(exam, repeats=1)["ours_database_series_per_s"] is None


def test_ratio_and_rates_follow_from_the_times() -> None:
    seconds = {"ours": 2.0, "dcm_classifier": 30.0, "pydicom_loop": 4.0, "ours_database": 1.0}
    result = bench._figures(seconds, {"n_series": 10, "n_files": 100})
    assert result["ratio_vs_dcm_classifier"] == 15
    assert result["ours_series_per_s"] == 5
    assert result["ours_database_series_per_s"] == 10
    assert result["pydicom_loop_files_per_s"] == 25


def test_table_names_the_machine_and_every_figure() -> None:
    counts = {"n_series": 10, "n_files": 100, "n_studies": 2, "repeats": 3}
    result: dict[str, Any] = bench._figures(
        {"ours": 0.01, "dcm_classifier": 40.0, "pydicom_loop": 1.0}, counts
    )
    table = bench.format_table(result)
    lines = table.splitlines()
    assert all(line.count("|") == 4 for line in lines[:5])
    assert "out of the Slicer database" not in table
    for word in (
        "1,000",
        "10,000",
        "4,000.0 x dcm-classifier",
        "10 series",
        result["machine"]["cpu"],
        "pydicom",
    ):
        assert word in table


def test_missing_extra_says_what_to_install(exam: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dcm_classifier", None)
    monkeypatch.setitem(sys.modules, "dcm_classifier.image_type_inference", None)
    with pytest.raises(UsageError, match=r"series-classifier\[bench\]"):
        bench.run_bench(exam)


@pytest.mark.usefixtures("competitor", "ours")
def test_nothing_to_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no DICOM images"):
        bench.run_bench(tmp_path)
    with pytest.raises(UsageError, match="at least one repeat"):
        bench.run_bench(tmp_path, repeats=0)


def test_silence_takes_what_is_written_below_python_too(capfd: pytest.CaptureFixture[str]) -> None:
    with bench._silence():
        subprocess.run([sys.executable, "-c", "print('loud')"], check=True)
        sys.stdout.write("loud")
    sys.stdout.write("heard")
    assert capfd.readouterr().out == "heard"


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("dcm_classifier") is None, reason="dcm-classifier is not installed (extra bench)"
)
def test_real_competitor_runs_and_stays_quiet(exam: Path) -> None:
    """In a process of its own: its libraries warn when they are imported."""
    code = (
        "import sys, pathlib; from SeriesClassifierLib.cli.bench import _DcmClassifier; c = _DcmClassifier(); "
        "c.run([p for p in pathlib.Path(sys.argv[1]).iterdir()]); sys.stdout.write(str(c.failed))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(exam)], capture_output=True, text=True, check=True)
    assert done.stdout == "0"
