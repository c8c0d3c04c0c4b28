"""A field that a version adds to Prediction breaks no journal: neither older ones, nor its own for older versions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.predictions import make_prediction

import SeriesClassifierLib
from SeriesClassifierLib.journal.merge import merge
from SeriesClassifierLib.journal.store import Journal

LIBRARY = Path(SeriesClassifierLib.__file__).resolve().parent
STORED = Path(__file__).resolve().parents[1] / "Data" / "journals" / "journal_v1_4e5415e.sqlite"
BESIDE = '    bundle_digest: str = ""\n    protocol:'

Next = Callable[[str, Path], Any]

WRITE = """
from dataclasses import replace
from support.predictions import make_prediction
with Journal(path) as journal:
    journal.add_predictions([replace(make_prediction(), trial="new")])
    print(json.dumps([p.trial for p in journal.current_all()]))
"""
READ = """
with Journal(path, readonly=True) as journal:
    print(json.dumps([[p.series_uid, p.label, p.status.value, p.trial] for p in journal.current_all()]))
"""


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Next:
    """Runs a script on a journal with a library whose Prediction has a field ``trial``; what it prints as JSON."""
    root = tmp_path_factory.mktemp("next")
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.onnx", "*.npz")
    shutil.copytree(LIBRARY, root / LIBRARY.name, ignore=ignored)
    records = root / LIBRARY.name / "records.py"
    text = records.read_text(encoding="utf-8")
    assert text.count(BESIDE) == 1
    records.write_text(text.replace(BESIDE, f'    trial: str = ""\n{BESIDE}'), encoding="utf-8")

    def run(script: str, path: Path) -> Any:
        head = "import json, sys\nfrom pathlib import Path\npath = Path(sys.argv[1])\n"
        head += "from SeriesClassifierLib.journal.store import Journal\n"
        places = os.pathsep.join((str(root), str(Path(__file__).resolve().parents[1])))
        done = subprocess.run(
            [sys.executable, "-c", head + script, str(path)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": places},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def rows(path: Path) -> list[list[str]]:
    with Journal(path, readonly=True) as journal:
        found = [[p.series_uid, p.label, p.status.value] for p in journal.current_all()]
        assert journal.damaged == 0
    return found


def test_the_next_version_reads_the_journals_of_this_one_and_of_the_first(
    next_version: Next, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.sqlite"
    with Journal(mine) as journal:
        journal.add_predictions([make_prediction()])
    for path in (mine, STORED):
        copy = tmp_path / f"copy of {path.name}"
        shutil.copyfile(path, copy)
        assert next_version(READ, copy) == [[*row, ""] for row in rows(copy)] != []


def test_this_version_reads_and_merges_a_journal_of_the_next(next_version: Next, tmp_path: Path) -> None:
    theirs, mine = tmp_path / "theirs.sqlite", tmp_path / "mine.sqlite"
    assert next_version(WRITE, theirs) == ["new"]
    (row,) = rows(theirs)
    assert row[1:] == [make_prediction().label, "auto"]
    # What it does not know goes through a merge unharmed.
    assert merge(mine, [theirs])[theirs] == 1
    assert next_version(READ, mine) == [[*row, "new"]]
