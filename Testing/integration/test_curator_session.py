"""A curator's session on the real database by the command line, from the first label to an adopted bundle."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.real_database import add_repeat, copy_database

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import open_bundle
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.explain.label_reasons import deciding_text
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.training.exported import read_training_sets

pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

Run = Callable[..., str]
# Description -> what the curator says. The last one is a slip of the hand that is taken back.
SAYS = {
    "FSE PD AXIAL OBL": "PD",
    "ADNI_Sag3D MPRAGE": "T1",
    "tfl_3d PD ref_tra_1.5x1.5_t3": "T1",
    "t1_fl2d_sag": "T1",
    "t2_tse_tra": "FLAIR",
}

# What two of them are is not certain by the header alone.
HEADERS = ("--mode", "header", "--quiet")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must end well; what it printed."""

    def call(*arguments: object, code: int = 0) -> str:
        assert main([str(argument) for argument in arguments]) == code, capsys.readouterr().err
        return capsys.readouterr().out

    return call


def test_from_the_first_label_to_an_adopted_bundle_and_back(
    slicer_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path / "home"))
    database = copy_database(slicer_database, tmp_path / "database")
    with Journal(tmp_path / "names.sqlite") as names:
        assert (
            main(["classify", str(database), "--journal", str(names.path), "--mode", "header", "--quiet"])
            == 0
        )
        uids = {label.description: label.series_uid for label in names.current_all()}
    repeat = add_repeat(database, uids["t2_tse_tra"])
    journal = database / JOURNAL_NAME
    originals = {path: os.stat(path).st_mtime_ns for path in slicer_database.rglob("*") if path.is_file()}

    run("classify", database, *HEADERS, "--out", tmp_path / "before.csv")
    with Journal(journal) as opened:
        doubtful = [label for label in opened.current_all() if label.status is Status.REVIEW]
    shown = run("review", "queue", journal)
    assert doubtful
    assert all(deciding_text(label) in shown for label in doubtful)

    for description, sequence in SAYS.items():
        more = ["--siblings"] if description == "t2_tse_tra" else []
        told = run(
            *("correct", uids[description], "--set", f"sequence={sequence}", "--journal", journal),
            *("--user", "curator", *more),
        )
    assert "2 series" in told
    assert labels(journal)[repeat, 1] == ("FLAIR", "human")
    run("correct", repeat, "--undo", "--journal", journal, "--user", "curator")
    undone = labels(journal)
    assert undone[repeat, 1] == undone[uids["t2_tse_tra"], 1] == ("T2", "header")

    data, new = tmp_path / "data", tmp_path / "new"
    assert "nothing found" in run("export", "--journal", journal, "--source", database, "--out", data)
    assert "nothing found" in run("scan", data, "--source", database)
    exported = read_training_sets([data])
    assert sorted(e.truth["sequence"] for e in exported.examples) == ["PD", "T1", "T1", "T1"]

    run("train", "--data", data, "--recipe", "headers", "--base", "headers", "--out", new)
    bundle = open_bundle(new)
    assert bundle.description["training"]["base"]["name"] == "headers"

    told = run(
        *("compare", "--journal", journal, "--new", new, "--require", "breaks==0", "--require", "fixes>=1"),
        *("--html", tmp_path / "changes.html", "--json", tmp_path / "changes.json"),
    )
    assert "Nothing that a person said breaks" in told
    changes = json.loads((tmp_path / "changes.json").read_text(encoding="utf-8"))
    # What the bundle changes is what the curator said, and nothing else of the 26 series.
    assert [flip["description"] for flip in changes["flips"]] == ["tfl_3d PD ref_tra_1.5x1.5_t3"]
    run("compare", "--journal", journal, "--old", new, "--new", "headers", "--require", "breaks==0", code=1)
    told = run("evaluate", "--bundle", new, "--data", data, "--html", tmp_path / "measured.html")
    assert "left out" in told  # it has learned from all of these patients

    run("bundles", "adopt", new)
    assert bundle.version in run("bundles", "list")
    run(
        "classify",
        database,
        "--quiet",
        "--out",
        tmp_path / "after.csv",
        "--journal",
        tmp_path / "other.sqlite",
    )
    after = {row["series_uid"]: row for row in rows(tmp_path / "after.csv")}
    assert after[uids["tfl_3d PD ref_tra_1.5x1.5_t3"]]["sequence"] == "T1"
    assert any(row["bundle"] == f"headers {bundle.version}" for row in after.values())

    run("bundles", "rollback", "headers")
    assert open_bundle(find_bundle("headers")).version == open_bundle(find_bundle("shipped:headers")).version
    run(
        "classify",
        database,
        "--quiet",
        "--out",
        tmp_path / "again.csv",
        "--journal",
        tmp_path / "third.sqlite",
    )
    assert [row["label"] for row in rows(tmp_path / "again.csv")] == [
        row["label"] for row in rows(tmp_path / "before.csv")
    ]
    assert originals == {path: os.stat(path).st_mtime_ns for path in originals}


def labels(journal: Path) -> dict[tuple[str, int], tuple[str, str]]:
    with Journal(journal, readonly=True) as opened:
        return {(p.series_uid, p.part): (p.sequence, p.decided_by.value) for p in opened.current_all()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
