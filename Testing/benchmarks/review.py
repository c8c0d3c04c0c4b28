"""What reviewing costs: keystrokes a series, and the time from a key to the next series with its details.

    python Testing/benchmarks/review.py [--series 300] [--think SECONDS] [--seed 1]

Runs the module under the stand-in of Slicer (real Qt, a little slower than in Slicer), with the real worker, a real
database and the journal of a real classification whose headers leave every series in doubt. A reviewer who never
thinks, or --think so long before every answer, presses real keys: A where the answer is taken as right, a number key
and N where it is not, S where other series that look the same are offered. Told are the keys a labeled series, the time
from the key that asks for the next series until that series stands there with its pictures, and what this leaves to
think of the 1.5 s that 40 series a minute allow.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import numpy as np  # noqa: E402
from support import standin  # noqa: E402
from support.panel import MODULE, PATIENCE_MS, settle  # noqa: E402
from support.simulated import write_small_series  # noqa: E402

from SeriesClassifierLib.simulation.database_writer import write_database  # noqa: E402

_A_STUDY = 12
_IMAGES = 5
_SIDE = 192
# So many echo and repetition times that differ more than two scans of one protocol do.
_TIMES = 16
_BUDGET_S = 1.5
# How often the answer of the model is taken as right.
_RIGHT = 0.6


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--think", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "slicer").mkdir()
        database = write_doubtful_database(folder / "database", options.series, options.seed)
        installed = standin.install(folder / "slicer")
        try:
            review(installed, database, options.series, options.think, random.Random(options.seed))
        finally:
            standin.reset()
    return 0


def write_doubtful_database(folder: Path, n: int, seed: int) -> Path:
    """A database of ``n`` series whose headers say little; every third protocol comes again in the next study."""
    noise = np.random.default_rng(seed)
    files = []
    for index in range(n):
        study, number = divmod(index, _A_STUDY)
        protocol = number if number % 3 == 0 else index
        files += write_small_series(
            folder / "dicom" / str(index),
            study=study,
            series=number + 1,
            images=_IMAGES,
            pixels=noise.integers(0, 1000, (_SIDE, _SIDE), dtype=np.uint16),
            SeriesDescription=f"scan {'abcdefghij'[protocol % 10]}{'klmnopqrst'[protocol // 10 % 10]}",
            ScanningSequence="RM",
            EchoTime=round(8.0 * 1.2 ** (protocol % _TIMES), 1),
            RepetitionTime=round(150.0 * 1.4 ** (protocol // _TIMES % _TIMES)),
        )
    return write_database(files, folder)


def review(installed: standin.Installed, database: Path, n: int, think: float, chance: random.Random) -> None:
    """Classify, come back another day, and answer until nothing is left."""
    from PySide6 import QtTest

    assert installed.application.main_database.openDatabase(str(database))
    from SeriesClassifierApp import DatabaseSource, Headless
    from SeriesClassifierApp.ReviewTable import DOUBTFUL

    Headless.runJob(
        "classify", source=str(database), journal=DatabaseSource.journalBeside(str(database)), mode="header"
    )
    widget = installed.load(MODULE).enter()
    panel = widget.panel
    widget.parent.resize(700, 1300)
    widget.parent.show()
    widget.parent.activateWindow()
    settle(installed, panel)
    in_queue = len(panel.queue)
    doubtful = sum(row["status"] in DOUBTFUL for row in panel.table.rows.values())
    assert doubtful >= 0.9 * n, f"only {doubtful} of {n} series are in doubt"
    tree = panel.ui.seriesTree
    tree.setFocus()
    keys: list[str] = []
    waits: list[float] = []

    def press(key: str) -> None:
        keys.append(key)
        QtTest.QTest.keyClick(tree._raw, key)

    def current() -> str:
        return panel.table.current()[0]

    def is_doubtful(uid: str) -> bool:
        return panel.table.rows[uid]["status"] in DOUBTFUL

    def go_on(key: str) -> bool:
        """Press a key that leads to the next series and wait for it; False when there is none."""
        before = panel.table.current()
        started = time.perf_counter()
        press(key)
        if not any(is_doubtful(uid) for uid in panel.table.rows if before is None or uid != before[0]):
            return False
        installed.wait_for(
            lambda: panel.table.current() not in (None, before) and panel.chosen.shown == current(),
            PATIENCE_MS,
        )
        waits.append(time.perf_counter() - started)
        return True

    go_on("N")
    is_more = True
    while is_more:
        installed.process_events(round(1000 * think))
        if panel.siblings.nSame:
            press("S")
            installed.wait_for(lambda: not panel.table.slowly.isBusy, PATIENCE_MS)
            is_more = is_doubtful(current()) or go_on("N")
        elif chance.random() < _RIGHT and panel.table.rows[current()]["parts"][0]["sequence"] != "unknown":
            is_more = go_on("A")
        else:
            press(str(chance.randint(1, 4)))
            is_more = go_on("N")
    settle(installed, panel)
    labeled = sum(row["status"] == "corrected" for row in panel.table.rows.values())
    installed.loaded.unload()
    median, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    order = f"by the queue ({in_queue} items)" if in_queue else "down the table (there is no queue)"
    print(f"{labeled} of {n} series labeled, {order}")
    print(f"{len(keys) / labeled:.2f} keystrokes a series")
    print(f"{1000 * median:.0f} ms a series (median), {1000 * p95:.0f} ms (p95)")
    print(f"of {_BUDGET_S} s this leaves {_BUDGET_S - median:.2f} s (median), {_BUDGET_S - p95:.2f} s (p95)")


if __name__ == "__main__":
    sys.exit(main())
