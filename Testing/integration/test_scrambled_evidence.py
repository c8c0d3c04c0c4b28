"""Every sentence of evidence is changed, and nothing but the tests of the sentences notices.

Here are the tests that meet evidence, without those that take long for other reasons. All the others must pass,
too: ``python -m pytest --scramble-evidence``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# A test file that holds one of these makes, keeps, reads or shows labels with their evidence.
MEETS_EVIDENCE = re.compile(r"Evidence|make_prediction|Journal\(|main\(|worker|classify\(")
# These train, measure, search or damage files, which takes long whatever the sentences are.
LONG = {
    *("test_adopted", "test_answers", "test_bench", "test_bundles", "test_crafted_journals"),
    *("test_exported_header", "test_extension", "test_identifier_scan", "test_identity_cases"),
    *("test_journal_memory", "test_merge", "test_project", "test_retrain", "test_retrain_brain"),
    *("test_retrain_pictures", "test_rule_files", "test_site_rules", "test_text_is_for_people"),
    *("test_thumbnails", "test_training_set"),
}
FEWEST = 400


def selected() -> list[str]:
    """Found anew each time, so that a new file is among them."""
    return [
        path.relative_to(REPOSITORY).as_posix()
        for path in sorted((REPOSITORY / "Testing" / "unit").glob("test_*.py"))
        if path.stem not in LONG and MEETS_EVIDENCE.search(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.slow
def test_no_other_test_notices_that_all_sentences_are_changed() -> None:
    command = [sys.executable, "-m", "pytest", "--scramble-evidence", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *selected()], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= FEWEST
    assert re.search(r"\d+ deselected", done.stdout), "the tests of the sentences were not left out"


def test_the_sentences_are_changed_also_in_processes_that_tests_start(tmp_path: Path) -> None:
    test = tmp_path / "test_child.py"
    test.write_text(
        "import subprocess, sys\n"
        "from SeriesClassifierLib.explain.evidence_text import TEMPLATES\n"
        "CODE = 'from SeriesClassifierLib.explain.evidence_text import TEMPLATES; print(*TEMPLATES.values())'\n"
        "def test_here_and_there():\n"
        "    there = subprocess.run([sys.executable, '-c', CODE], capture_output=True, text=True, check=True)\n"
        "    assert there.stdout.split() == list(TEMPLATES.values())\n"
        "    assert all(text.startswith('#') and text[1:3].isdigit() for text in TEMPLATES.values())\n",
        encoding="utf-8",
    )
    conftest = f"--confcutdir={tmp_path}"
    options = ["-q", "-p", "no:cacheprovider", "-c", str(REPOSITORY / "pyproject.toml"), conftest]
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "--scramble-evidence", *options, str(test)]
    paths = (str(REPOSITORY), str(REPOSITORY / "Testing"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
