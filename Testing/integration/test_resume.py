"""Killed in the middle of a batch and resumed: the same table as undisturbed, no event twice, none lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from support.bundles import headers_bundle
from support.simulated import write_small_series

from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.dicom_writer import uid_of

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")

REPOSITORY = Path(__file__).resolve().parents[2]
N_STUDIES = 60
PATIENCE_S = 120
# Slows the classifier down, so that a kill meets it at work and not at its end.
SLOW = """
import sys, time
from SeriesClassifierLib.inference.run import Classifier
label = Classifier.study
def slowly(self, study):
    time.sleep(0.02)
    return label(self, study)
Classifier.study = slowly
from SeriesClassifierLib.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many small studies; every third has a multi-b series of three parts, one has a file that is broken."""
    root = tmp_path_factory.mktemp("studies") / "in"
    for study in range(N_STUDIES):
        write_small_series(root / f"{study}a", study=study, series=1, images=2)
        if study % 3 == 0:
            uid = uid_of("several b-values", study)
            for b in (0, 400, 800):
                own: dict[str, TagValue] = {
                    "SeriesInstanceUID": uid,
                    "SeriesNumber": 2.0,
                    "DiffusionBValue": float(b),
                    "ImageType": ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"),
                }
                write_small_series(root / f"{study}b{b}", study=study, series=2 + b, images=2, **own)
    (root / "broken.dcm").write_text("no DICOM")
    return root


@pytest.fixture(scope="module", params=["folder", "database"])
def source(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "folder":
        return folder
    files = sorted(path for path in folder.rglob("*.dcm") if path.name != "broken.dcm")
    return write_database(files, tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="module")
def undisturbed(
    source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, Counter[tuple[str, int]]]:
    """The table and the events (counted by series and part) of a run that nobody killed."""
    place = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(source, place), cwd=REPOSITORY, check=False, timeout=PATIENCE_S)
    return (place / "labels.csv").read_bytes(), events(place)


def command(source: Path, place: Path, *more: str, slowly: bool = False) -> list[str]:
    program = [sys.executable, "-c", SLOW] if slowly else [sys.executable, "-m", "SeriesClassifierLib"]
    options = ["--quiet", "--bundle", headers_bundle(), "--journal", str(place / JOURNAL_NAME)]
    return [*program, "classify", str(source), "--out", str(place / "labels.csv"), *options, *more]


def events(place: Path) -> Counter[tuple[str, int]]:
    with Journal(place / JOURNAL_NAME, readonly=True) as journal:
        journal.verify()
        return Counter((event.series_uid, event.part or 0) for event in journal.events())


def n_events(place: Path) -> int:
    """Events in a journal that another process writes; 0 before there is one."""
    try:
        connection = sqlite3.connect(f"{(place / JOURNAL_NAME).as_uri()}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT COUNT(*) FROM event").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def kill_after(source: Path, place: Path, wanted: int, *more: str) -> int:
    """Run until the journal holds ``wanted`` events, then kill; the number of events at the end."""
    process = subprocess.Popen(command(source, place, *more, slowly=True), cwd=REPOSITORY)
    try:
        end = time.monotonic() + PATIENCE_S
        while n_events(place) < wanted and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    return n_events(place)


@pytest.mark.parametrize("wanted", [0, 1, 17, 70])
def test_killed_and_resumed_equals_undisturbed(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path, wanted: int
) -> None:
    table, expected = undisturbed
    before = kill_after(source, tmp_path, wanted)
    assert wanted <= before < sum(expected.values())
    assert not (tmp_path / "labels.csv").exists(), "a table appears whole or not at all"
    subprocess.run(command(source, tmp_path, "--resume"), cwd=REPOSITORY, check=False, timeout=PATIENCE_S)
    assert (tmp_path / "labels.csv").read_bytes() == table
    assert events(tmp_path) == expected
    assert set(expected.values()) == {1}
    assert {part for _, part in expected} == {1, 2, 3}


def test_killed_again_and_again(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path
) -> None:
    table, expected = undisturbed
    done = 0
    for _ in range(4):
        done = kill_after(source, tmp_path, done + 12, "--resume")
    subprocess.run(command(source, tmp_path, "--resume"), cwd=REPOSITORY, check=False, timeout=PATIENCE_S)
    assert (tmp_path / "labels.csv").read_bytes() == table
    assert events(tmp_path) == expected


def test_resume_of_a_finished_run_adds_nothing(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path
) -> None:
    table, expected = undisturbed
    for more in ((), ("--resume",), ("--resume",)):
        subprocess.run(command(source, tmp_path, *more), cwd=REPOSITORY, check=False, timeout=PATIENCE_S)
        assert (tmp_path / "labels.csv").read_bytes() == table
        assert events(tmp_path) == expected


def test_a_correction_made_between_survives(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path
) -> None:
    _, expected = undisturbed
    kill_after(source, tmp_path, 20)
    with Journal(tmp_path / JOURNAL_NAME) as journal:
        uid = next(journal.current_all()).series_uid
        journal.correct(uid, None, {"sequence": "MRCP"}, user="ms")
    subprocess.run(command(source, tmp_path, "--resume"), cwd=REPOSITORY, check=False, timeout=PATIENCE_S)
    lines = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert all("MRCP" in line and "corrected" in line for line in lines if uid in line)
    assert sum(events(tmp_path).values()) == sum(expected.values()) + 1
