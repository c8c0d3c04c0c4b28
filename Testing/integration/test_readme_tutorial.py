"""The tutorial of the README, typed as it stands in a new home folder, and with the names of a real database."""

from __future__ import annotations

import csv
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from support.real_database import copy_database

from SeriesClassifierLib.publish.column import COLUMN, TITLE

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("bash") is None, reason="the tutorial is typed into bash, which is not here"
    ),
]


def tutorial() -> str:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return readme.split("\n## Tutorial\n")[1].split("\n## ")[0]


def blocks(language: str) -> list[str]:
    """The code blocks of the tutorial, also those in a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", tutorial(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


def commands() -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines() if line]


class Home:
    """A home folder in which commands are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "SlicerDICOMDatabase"
        paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
        programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        self._environment = {
            **inherited,
            "HOME": str(folder),
            "PATH": os.pathsep.join(programs),
            "PYTHONPATH": os.pathsep.join(paths),
        }

    def type(self, line: str) -> str:
        """What a command prints; it must end well."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def column(self) -> dict[str, str]:
        """Series number or UID -> what the browser of Slicer shows in our column."""
        with closing(sqlite3.connect(self.database / "ctkDICOM.sql")) as connection:
            (title,) = connection.execute(
                "SELECT DisplayedName FROM ColumnDisplayProperties WHERE FieldName = ?", (COLUMN,)
            ).fetchone()
            assert title == TITLE
            rows = connection.execute(f"SELECT SeriesInstanceUID, {COLUMN} FROM Series").fetchall()
        return dict(rows)


def new_home(folder: Path) -> Home:
    folder.mkdir()
    return Home(folder)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, str]]:
    """A home in which the whole tutorial was typed, and what each line printed."""
    home = new_home(tmp_path_factory.mktemp("tutorial") / "home")
    return home, {line: home.type(line) for line in commands()}


def test_typed_as_it_stands_it_ends_with_the_corrected_label_in_the_column(
    typed: tuple[Home, dict[str, str]],
) -> None:
    home, printed = typed
    used = {line.split()[1] for line in printed if line.startswith("series-classifier")}
    assert used == {"simulate", "classify", "review", "correct", "journal", "publish"}
    with (home.folder / "dicom" / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["series_uid"]: row for row in csv.DictReader(file)}
    with (home.folder / "labels.csv").open(encoding="utf-8") as file:
        before = {row["series_uid"]: row for row in csv.DictReader(file)}
    uids = {row["series_number"]: uid for uid, row in before.items()}
    # The names that the tutorial spells out are those that the table prints, and need review.
    (table,) = (text for line, text in printed.items() if " classify " in line)
    (queue,) = (text for line, text in printed.items() if " review queue " in line)
    names = [line.split()[2] for line in printed if " correct " in line]
    assert names == ["55682444/9", "55682444/8"]
    for name in names:
        assert re.search(rf"^{name} ", table, re.MULTILINE)
        assert re.search(rf" {name} ", queue)
    # Series 9 was wrong, as the tutorial says, and ends with the label that is true.
    wrong = uids["9"]
    assert before[wrong]["sequence"] != truth[wrong]["sequence"] == "T1"
    assert truth[wrong]["phase"] == "POST"
    shown = home.column()
    assert shown[wrong] == "T1 AX POST *"
    assert shown[uids["8"]] == "T1 COR POST *"  # of the colleague
    assert all(text.strip() for text in shown.values())
    assert sum(text.endswith("*") for text in shown.values()) == 2
    assert "data:image/png" in (home.folder / "report.html").read_text(encoding="utf-8")


def test_the_python_of_the_tutorial_labels_the_same(typed: tuple[Home, dict[str, str]]) -> None:
    home, _ = typed
    (script,) = blocks("python")
    (home.folder / "labels.py").write_text(script, encoding="utf-8")
    lines = home.type(f"'{sys.executable}' labels.py").splitlines()
    assert any(line.split()[1:4] == ["1", "T2", "AX"] for line in lines)
    assert len({line.split()[0] for line in lines}) == 9


def test_on_a_real_database_with_names_from_its_own_table(slicer_database: Path, tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    copy_database(slicer_database, home.database)
    _, classify, queue, correct, copy, colleague, *rest = commands()
    table = home.type(classify)
    assert home.type(queue)
    names = [line.split()[0] for line in table.splitlines() if re.match(r"[\d.]{8}/\d+ +1 ", line)]
    mine, theirs = [name for name in names if names.count(name) == 1][:2]
    home.type(correct.replace("55682444/9", mine))
    home.type(copy)
    home.type(colleague.replace("55682444/8", theirs))
    for line in rest:
        home.type(line)
    manual = [text for text in home.column().values() if text.endswith("*")]
    assert len(manual) == 2
    assert any(text.startswith("T1 ") and "POST" in text for text in manual)
