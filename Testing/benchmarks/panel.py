"""How long the window stands still: every handler of the panel, with many series in the table.

    python Testing/benchmarks/panel.py [--series 5000] [--database FOLDER]

Runs the module under the stand-in of Slicer (real Qt, our own PythonQt habits on top, which makes every call a little
slower than in Slicer). A database and a journal of simulated labels are made; then a user's acts are done one by one.
Told for each: the time its handler took, and the longest time in which the event loop did nothing else, until all that
it began was done. Budget: 50 ms. The worker is real, but for two jobs that answer with more than they ever should:
series that look the same, and changes of a new bundle. A full pass of Python's garbage collector stops everything, too;
it goes over all that the process holds, most of which is not ours, and is told by itself. With --database (a copy is
made) also how long the first label takes after Classify.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from support import standin  # noqa: E402
from support.panel import A_STUDY, MODULE, key_of, part_of, settle, write_journal  # noqa: E402

from SeriesClassifierLib.journal.store import JOURNAL_NAME  # noqa: E402
from SeriesClassifierLib.simulation.database_writer import write_database  # noqa: E402

_FLIPS = 2000


class Stalls:
    """The longest time between two beats of a timer that should beat all the time, without what the garbage
    collector took in it.
    """

    def __init__(self) -> None:
        from PySide6 import QtCore

        self.collector = 0.0
        self._collecting = self._collected = 0.0
        gc.callbacks.append(self._on_collector)
        self._timer = QtCore.QTimer()
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._beat)
        self._last = 0.0
        self.longest = 0.0

    def __enter__(self) -> Stalls:
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.stop()
        gc.callbacks.remove(self._on_collector)

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last - self._collected)
        self._last, self._collected = now, 0.0

    def _on_collector(self, phase: str, _info: object) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
            return
        took = time.perf_counter() - self._collecting
        self._collected += took
        self.collector = max(self.collector, took)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--database", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "slicer").mkdir()
        installed = standin.install(folder / "slicer")
        print(f"{options.series} series in the table, milliseconds")
        print(f"{'act':<34}{'handler':>9}{'longest stall':>15}{'until done':>12}")
        stalls = handlers(installed, folder, options.series)
        if options.database is not None:
            first_label(installed, folder, options.database)
        standin.reset()
    longest, collector = (max(column) for column in zip(*stalls, strict=True))
    print(f"longest of all: {1000 * longest:.0f} ms; the garbage collector: {1000 * collector:.0f} ms")
    return 0


def handlers(installed: standin.Installed, folder: Path, n: int) -> list[tuple[float, float]]:
    """Do one act after the other; of each the longest stall and the longest collection, in seconds."""
    import slicer

    database = write_database([], folder / "many")
    write_journal(database.parent / JOURNAL_NAME, n)
    installed.application.main_database.openDatabase(str(database))
    module = installed.load(MODULE)
    slicer.modules.dicom.widgetRepresentation()
    _say_much(folder / "worker.json")
    stalls: list[tuple[float, float]] = []

    def act(name: str, do: Callable[[], object]) -> object:
        watch = Stalls()
        started = time.perf_counter()
        with watch:
            made = do()
            took = time.perf_counter() - started
            settle(installed, module.widget.panel)
            installed.process_events(200)
        done = time.perf_counter() - started
        stalls.append((max(took, watch.longest), watch.collector))
        print(f"{name:<34}{1000 * took:>9.0f}{1000 * stalls[-1][0]:>15.0f}{1000 * done:>12.0f}", flush=True)
        return made

    widget = module.enter()
    widget.parent.resize(700, 1200)
    widget.parent.show()
    panel, ui = widget.panel, widget.panel.ui
    act("labels of the journal", lambda: None)
    assert len(panel.table.rows) == n
    from PySide6 import QtCore

    for column, name in ((3, "confidence"), (1, "description"), (0, "number")):
        act(
            f"sort by {name}",
            lambda column=column: ui.seriesTree.sortByColumn(column, QtCore.Qt.AscendingOrder),
        )
    act("type a filter", lambda: setattr(ui.filterEdit, "text", "dwi"))
    act("clear it", lambda: setattr(ui.filterEdit, "text", ""))
    act("needs review, on", lambda: setattr(ui.doubtfulCheck, "checked", True))
    act("needs review, off", lambda: setattr(ui.doubtfulCheck, "checked", False))
    act("next to review", ui.nextButton.click)
    act("another class by key", lambda: panel.pressKey(1))
    act("accept and next", panel.acceptAndGoOn)
    act("undo", ui.undoButton.click)
    act("another class: many look the same", lambda: panel.pressKey(1))
    act("the list of them", panel.siblings.show)
    act("correct them too", panel.siblings.correctAll)
    act("undo all of it", ui.undoButton.click)
    ui.newBundleEdit.currentPath = str(folder)
    act("many changes of a new bundle", ui.compareButton.click)
    act("select all", ui.seriesTree.selectAll)
    act("accept all", panel.acceptAndGoOn)
    act("undo all", ui.undoButton.click)
    act("all are another class by key", lambda: panel.pressKey(1))
    act("undo that", ui.undoButton.click)
    act("select one", lambda: panel.table.selectSeries("2.25.1"))
    act("leave and publish", module.exit)
    act("come back", module.enter)
    module.unload()
    return stalls


def _say_much(file: Path) -> None:
    """Let the worker answer with more than it ever should; all other jobs are its own."""
    from SeriesClassifierApp import WorkerProcess

    keys = [key_of(place) for place in range(2 * A_STUDY, 42 * A_STUDY)]
    same = {
        "part": 1,
        "study_uid": "",
        "series_number": 1,
        "description": "t2",
        "label": "T2 AX",
        "status": "auto",
    }
    siblings = [
        {**same, "key": key, "part_key": part_of(key), "grade": "same", "reason": "same protocol"}
        for key in keys
    ]
    flip = {"part": 1, "description": "t2", "old": "T2 AX", "new": "T1 AX", "human": "T1", "change": "fixes"}
    counts = {"breaks": 0, "fixes": _FLIPS, "still wrong": 0, "new unknown": 0, "new answer": 0, "other": 0}
    compared = {
        **{"parts": 2 * _FLIPS, "labelled": _FLIPS, "counts": counts, "html": ""},
        "flips": [
            {**flip, "key": keys[place % len(keys)], "part_key": None, "series_uid": str(place)}
            for place in range(_FLIPS)
        ],
    }
    jobs = {
        "siblings": [{"event": "done", "siblings": siblings, "protected": 0, "facets": {"sequence": "T2"}}],
        "compare": [{"event": "done", **compared}],
    }
    file.write_text(json.dumps(jobs), encoding="utf-8")
    os.environ["FAKE_WORKER"] = str(file)
    WorkerProcess.WORKER_SCRIPT = Path(__file__).resolve().parents[1] / "support" / "fake_worker.py"


def first_label(installed: standin.Installed, folder: Path, source: Path) -> None:
    """From the press of Classify to the first label, and to the last."""
    copy = folder / "copy"
    copy.mkdir()
    for item in source.iterdir():
        if item.is_dir():
            (copy / item.name).symlink_to(item.resolve(), target_is_directory=True)
        else:
            shutil.copyfile(item, copy / item.name)
    installed.application.main_database.openDatabase(str(copy / "ctkDICOM.sql"))
    module = installed.load(MODULE)
    panel = module.enter().panel
    installed.process_events(500)
    started = time.perf_counter()
    panel.ui.classifyButton.click()
    installed.wait_for(lambda: bool(panel.table.rows), 60_000)
    print(f"first label after {time.perf_counter() - started:.1f} s", end=", ")
    settle(installed, panel)
    print(f"{len(panel.table.rows)} series after {time.perf_counter() - started:.1f} s")
    module.unload()


if __name__ == "__main__":
    sys.exit(main())
