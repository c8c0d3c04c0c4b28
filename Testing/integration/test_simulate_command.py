"""``simulate`` writes what ``classify`` reads back, and says the truth about it."""

from __future__ import annotations

import csv
from pathlib import Path

import pydicom
import pytest

from SeriesClassifierLib.cli.main import WRONG_USAGE, main
from SeriesClassifierLib.simulation.study_writer import COLUMNS
from SeriesClassifierLib.sources import open_source

LONGEST = "32"


def rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return {(row["series_uid"], row["part"]): row for row in csv.DictReader(file)}


def simulate(out: Path, task: str, seed: int = 1) -> int:
    return main(
        [
            "simulate",
            "--task",
            task,
            "--studies",
            "1",
            "--seed",
            str(seed),
            "--out",
            str(out),
            "--longest",
            LONGEST,
        ]
    )


@pytest.mark.parametrize("task", ["prostate", "liver", "brain", "other"])
def test_everything_is_read_back(task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, labels = tmp_path / "studies", tmp_path / "labels.csv"
    assert simulate(out, task) == 0
    assert "truth.csv" in capsys.readouterr().out
    truth = rows(out / "truth.csv")
    assert main(["classify", str(out), "--out", str(labels), "--mode", "header", "--quiet"]) == 0
    read = rows(labels)
    assert read.keys() == truth.keys()
    assert tuple(next(iter(truth.values()))) == COLUMNS
    for key, expected in truth.items():
        found = read[key]
        assert found["status"] != "failed"
        assert found["study_uid"] == expected["study_uid"]
        if found["error"]:  # a screenshot among them is named as such
            assert (found["error"], expected["sequence"]) == ("not an MR image: secondary capture (screenshot)", "OTHER")
            continue
        assert found["plane"] == expected["plane"]
        if expected["b_value"]:
            assert float(found["b_value"]) == float(expected["b_value"])
        if found["decided_by"] == "fact":
            assert found["sequence"] == expected["sequence"]


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert simulate(tmp_path / name, "other", seed=4) == 0
    ones, twos = (sorted(p for p in (tmp_path / name).rglob("*") if p.is_file()) for name in ("one", "two"))
    assert len(ones) == len(twos) > 10
    for one, two in zip(ones, twos, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_files_are_valid_and_fictitious(tmp_path: Path) -> None:
    assert simulate(tmp_path / "out", "other", seed=2) == 0
    for path in sorted((tmp_path / "out").rglob("*.dcm"))[::20]:
        dataset = pydicom.dcmread(path)
        assert str(dataset.PatientName).startswith("Simulated^")
        assert str(dataset.PatientID).startswith("SIM-")
        assert max(dataset.pixel_array.shape) <= int(LONGEST)
        assert dataset.pixel_array.max() <= 4095


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert simulate(tmp_path, "other") == WRONG_USAGE
    assert "not empty" in capsys.readouterr().err
    assert simulate(tmp_path / "mine.txt", "other") == WRONG_USAGE
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_database_lists_the_files_where_they_are(tmp_path: Path) -> None:
    out, database = tmp_path / "out", tmp_path / "database"
    command = [
        "simulate",
        "--task",
        "other",
        "--out",
        str(out),
        "--database",
        str(database),
        "--longest",
        LONGEST,
    ]
    database.mkdir()
    (database / "mine.txt").write_text("mine")
    assert main(command) == WRONG_USAGE
    assert not out.exists()
    (database / "mine.txt").unlink()
    assert main([*command, "--quiet"]) == 0
    listed = [
        Path(i.path) for study in open_source(database).studies() for s in study.series for i in s.instances
    ]
    assert sorted(listed) == sorted(out.rglob("*.dcm"))
