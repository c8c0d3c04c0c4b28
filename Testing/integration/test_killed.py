"""kill -9 at random points of every step of the curation loop: no event is lost, nothing is left half done."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.bundles import headers_bundle
from support.simulated import write_small_series

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import open_bundle
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.journal.events import Event, EventKind
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.training.exported import read_training_sets

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 300
N_STUDIES, SEED = 12, 5
# Step -> how often it is killed.
KILLS = {
    "classify": 8,
    "correct": 7,
    "siblings": 7,
    "undo": 6,
    "read": 4,
    "merge": 8,
    "rules": 3,
    "export": 4,
    "adopt": 4,
    "rollback": 2,
    "train": 3,
}
# Runs the command line; with a delay its process kills itself so long after all was imported.
CHILD = """
import os, signal, sys, threading, time
import SeriesClassifierLib.cli.classify, SeriesClassifierLib.cli.export, SeriesClassifierLib.cli.journal
import SeriesClassifierLib.cli.review, SeriesClassifierLib.cli.rules, SeriesClassifierLib.export.curated
import pydicom, onnxruntime, numpy, yaml, jsonschema
from SeriesClassifierLib.cli.main import main
delay = float(sys.argv[1])
if delay >= 0:
    def end():
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Thread(target=end, daemon=True).start()
started = time.perf_counter()
code = main(sys.argv[2:])
print("seconds", time.perf_counter() - started)
sys.exit(code)
"""


@dataclass(frozen=True)
class Site:
    """A folder with series, the journal about it, that of a colleague, and the series of one protocol."""

    folder: Path
    journal: Path
    colleague: Path
    uids: list[str]
    out: Path

    def command(self, step: str) -> list[str]:
        """What is run as ``step``."""
        journal, first, last = str(self.journal), self.uids[0], self.uids[-1]
        here = ["--journal", journal, "--user", "curator"]
        return {
            "classify": ["classify", str(self.folder), "--journal", journal, "--mode", "header", "--quiet"],
            "correct": ["correct", last, "--set", "sequence=PD", *here],
            "siblings": ["correct", first, "--set", "sequence=FLAIR", *here, "--siblings"],
            "undo": ["correct", first, "--undo", *here],
            "read": [
                "review",
                "read",
                journal,
                first,
                "--part",
                "1",
                "--set",
                "sequence=T1",
                "--user",
                "other",
            ],
            "merge": ["journal", "merge", journal, str(self.colleague)],
            "rules": ["rules", "propose", journal, "--out", str(self.out / "rules.yaml")],
            "export": ["export", "--journal", journal, "--source", str(self.folder), "--out", self.data],
            "adopt": ["bundles", "adopt", "shipped:headers"],
            "rollback": ["bundles", "rollback", "headers"],
            "train": [
                *("train", "--data", self.data, "--recipe", "headers", "--base", "shipped:headers"),
                *("--out", str(self.out / "new")),
            ],
        }[step]

    @property
    def data(self) -> str:
        return str(self.out / "data")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Twelve studies of one protocol, classified by two people, both of whom named some."""
    headers_bundle()
    root = tmp_path_factory.mktemp("killed")
    folder = root / "in"
    for study in range(N_STUDIES):
        own = {"PatientID": f"K-{study}", "SequenceVariant": "SK", "FlipAngle": 150.0}
        write_small_series(folder / f"{study}", study=study, series=1, images=2, **own)
    made = Site(folder, root / "mine.sqlite", root / "theirs.sqlite", [], root / "out")
    made.out.mkdir()
    for path in (made.journal, made.colleague):
        assert main(["classify", str(folder), "--journal", str(path), "--mode", "header", "--quiet"]) == 0
    with Journal(made.journal) as journal, Journal(made.colleague) as theirs:
        made.uids.extend(sorted(label.series_uid for label in journal.current_all()))
        journal.correct(journal.current_series(made.uids[1]), {"sequence": "T1"}, "curator")
        their_parts = [part for uid in made.uids[2:5] for part in theirs.current_series(uid)]
        theirs.correct(their_parts, {"sequence": "DWI"}, "colleague")
    return made


def run(arguments: Sequence[str], delay: float = -1) -> tuple[int, float]:
    """(exit code, seconds that the command took)."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(delay), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("seconds ")]
    return done.returncode, float(told[-1].split()[1]) if told else 0.0


def events(path: Path) -> dict[str, Event]:
    with Journal(path, readonly=True) as journal:
        journal.verify()
        return {event.id: event for event in journal.events()}


def whole_steps(found: dict[str, Event], n_series: int) -> bool:
    """Corrections of one act are all there or none: the siblings of the first series are all but the named."""
    sizes: dict[str, int] = {}
    for event in found.values():
        if event.kind is EventKind.CORRECTION and event.payload["facets"] == {"sequence": "FLAIR"}:
            sizes[event.batch] = sizes.get(event.batch, 0) + 1
    return all(size > 1 or n_series < 3 for size in sizes.values())


@pytest.mark.slow
def test_killed_fifty_times_at_random_points(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert sum(KILLS.values()) >= 50
    monkeypatch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path / "home"))
    chance = random.Random(SEED)
    lost: list[Any] = []
    for step, kills in KILLS.items():
        command = site.command(step)
        if step == "train":
            pytest.importorskip(
                "torch", reason="training needs torch (extra train), which is not installed here"
            )
            duration = 6.0  # that of its start; a whole run would take a minute
        else:
            if step == "rollback":
                run(site.command("adopt"))
            code, duration = run(command)
            assert code == 0, step
        for _ in range(kills):
            before = events(site.journal)
            code, _took = run(command, chance.uniform(0, max(duration, 0.02)))
            assert code in (0, 2, -signal.SIGKILL), step  # a second rollback has nothing to go back to
            after = events(site.journal)
            lost += [(step, id) for id, event in before.items() if after.get(id) != event]
            assert whole_steps(after, len(site.uids)), step
            assert open_bundle(find_bundle("headers")).name == "headers", step
            assert not (site.out / "new").exists() or open_bundle(site.out / "new"), step
            if step == "export":
                assert run(command)[0] == 0
                assert len(read_training_sets([site.out / "data"])) > 0
    assert not lost


def test_two_journals_merge_to_the_same_state_in_either_order(site: Site, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.sqlite", tmp_path / "theirs.sqlite"
    for source, target in ((site.journal, mine), (site.colleague, theirs)):
        with Journal(source) as journal:
            journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(source, target)
    with Journal(mine) as one, Journal(theirs) as other:
        one.correct(one.current_series(site.uids[2]), {"sequence": "SWI"}, "curator")
        other.undo(other.current_series(site.uids[3]), "colleague")
        other.correct(other.current_series(site.uids[2]), {"plane": "COR"}, "colleague")
    kept = tmp_path / "kept.sqlite"
    shutil.copyfile(mine, kept)
    assert main(["journal", "merge", str(mine), str(theirs)]) == 0
    assert main(["journal", "merge", str(theirs), str(kept)]) == 0
    assert events(mine) == events(theirs)
    tables = []
    for path in (mine, theirs):
        with Journal(path, readonly=True) as journal:
            tables.append(
                [(p.series_uid, p.part, p.label, p.status, p.evidence) for p in journal.current_all()]
            )
            labels = [(label.facets, label.user) for label in journal.human_labels()]
        tables[-1].append(json.dumps(labels))  # type: ignore[arg-type]
    assert tables[0] == tables[1]
