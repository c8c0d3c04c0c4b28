"""Killed in the middle of a batch and resumed: the same table as undisturbed, no event twice, none lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.bundles import headers_bundle
from support.simulated import write_small_series

from SeriesClassifierLib.cli.main import DONE, SOME_FAILED
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.records import Status, TagValue
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.dicom_writer import uid_of

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")

REPOSITORY = Path(__file__).resolve().parents[2]
N_STUDIES = 60
PATIENCE_S = 120
# Runs the command line and kills its own process, as kill -9 does, at the given place: before study N is labeled, when
# N events are written but not yet committed, or when the transaction of study N is committed.
KILLED = """
import os, signal, sys
from SeriesClassifierLib.inference.run import Classifier
from SeriesClassifierLib.journal import store
place, left = sys.argv[1], int(sys.argv[2])
def count():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
label, row, add = Classifier.study, store.row_of, store.Journal.add_predictions
if place == "study":
    Classifier.study = lambda self, study: (count(), label(self, study))[1]
elif place == "event":
    store.row_of = lambda event: (count(), row(event))[1]
else:
    store.Journal.add_predictions = lambda self, rows, **more: (add(self, rows, **more), count())[0]
from SeriesClassifierLib.cli.main import main
sys.exit(main(sys.argv[3:]))
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
    finish(source, place)
    return (place / "labels.csv").read_bytes(), events(place)


def command(source: Path, place: Path, *more: str) -> list[str]:
    # The journal is under test: pictures would only take time.
    options = ["--quiet", "--mode", "header", "--bundle", headers_bundle(), "--journal", str(place / JOURNAL_NAME)]
    return ["classify", str(source), "--out", str(place / "labels.csv"), *options, *more]


def finish(source: Path, place: Path, *more: str) -> None:
    """Run to the end; what goes wrong is said by the process itself."""
    program = [sys.executable, "-m", "SeriesClassifierLib", *command(source, place, *more)]
    done = subprocess.run(
        program, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode in (DONE, SOME_FAILED), done.stderr


def kill(source: Path, place: Path, where: str, after: int, *more: str) -> int:
    """Run until the process kills itself; the number of events in the journal then."""
    program = [sys.executable, "-c", KILLED, where, str(after), *command(source, place, *more)]
    done = subprocess.run(
        program, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == -signal.SIGKILL, f"was not killed: {done.returncode} {done.stderr}"
    return sum(events(place).values())


def events(place: Path) -> Counter[tuple[str, int]]:
    with Journal(place / JOURNAL_NAME, readonly=True) as journal:
        journal.verify()
        return Counter((event.series_uid, event.part or 0) for event in journal.events())


@pytest.mark.parametrize("where", ["study", "event", "commit"])
@pytest.mark.parametrize("after", [0, 1, 17, 55])
def test_killed_and_resumed_equals_undisturbed(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path, where: str, after: int
) -> None:
    table, expected = undisturbed
    assert kill(source, tmp_path, where, after) < sum(expected.values())
    assert not (tmp_path / "labels.csv").exists(), "a table appears whole or not at all"
    finish(source, tmp_path, "--resume")
    assert events(tmp_path) == expected
    assert set(expected.values()) == {1}
    assert {part for _, part in expected} == {1, 2, 3}
    assert (tmp_path / "labels.csv").read_bytes() == table


def test_killed_in_a_transaction_leaves_no_part_of_it(source: Path, tmp_path: Path) -> None:
    """However many events of a study are written when it dies: a series is in the journal with all parts or not."""
    for after in range(6):
        place = tmp_path / str(after)
        place.mkdir()
        kill(source, place, "event", after)
        parts = Counter(series_uid for series_uid, _ in events(place))
        assert set(parts.values()) <= {1, 3}
        assert sum(parts.values()) <= after


def test_killed_again_and_again(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path
) -> None:
    table, expected = undisturbed
    done = [kill(source, tmp_path, "event", 12, "--resume") for _ in range(5)]
    assert done == sorted(set(done)), "every run gets further"
    finish(source, tmp_path, "--resume")
    assert events(tmp_path) == expected
    assert (tmp_path / "labels.csv").read_bytes() == table


def test_resume_of_a_finished_run_adds_nothing(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path
) -> None:
    table, expected = undisturbed
    for more in ((), ("--resume",), ("--resume",)):
        finish(source, tmp_path, *more)
        assert events(tmp_path) == expected
        assert (tmp_path / "labels.csv").read_bytes() == table


def test_a_correction_made_between_survives(
    source: Path, undisturbed: tuple[bytes, Counter[tuple[str, int]]], tmp_path: Path
) -> None:
    _, expected = undisturbed
    kill(source, tmp_path, "commit", 9)
    with Journal(tmp_path / JOURNAL_NAME) as journal:
        uid = next(journal.current_all()).series_uid
        parts = journal.correct(journal.current_series(uid), {"sequence": "MRCP"}, user="ms")
    finish(source, tmp_path, "--resume")
    lines = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert all("MRCP" in line and "corrected" in line for line in lines if uid in line)
    assert sum(events(tmp_path).values()) == sum(expected.values()) + len(parts)


@pytest.mark.parametrize("change", ["patient", "b-value"])
def test_files_that_were_edited_in_place_are_looked_at_again(change: str, tmp_path: Path) -> None:
    """All UIDs and sizes are the same: only what is in the files tells that these are others."""
    source, place = tmp_path / "in", tmp_path / "out"
    place.mkdir()
    before: dict[str, TagValue] = {"PatientID": "P1", "DiffusionBValue": 400.0}
    changes: dict[str, dict[str, TagValue]] = {
        "patient": {"PatientID": "P3"},
        "b-value": {"DiffusionBValue": 800.0},
    }
    files = write_small_series(source, study=1, series=1, images=2, **before)
    sizes = [file.stat().st_size for file in files]
    finish(source, place)
    with Journal(place / JOURNAL_NAME) as journal:
        journal.correct(journal.current_all(), {"sequence": "MRCP"}, "reader")
    assert write_small_series(source, study=1, series=1, images=2, **{**before, **changes[change]}) == files
    assert [file.stat().st_size for file in files] == sizes
    finish(source, place, "--resume")
    with Journal(place / JOURNAL_NAME, readonly=True) as journal:
        (shown,) = journal.current_all()
    assert shown.status is Status.REVIEW
    assert shown.sequence != "MRCP"
