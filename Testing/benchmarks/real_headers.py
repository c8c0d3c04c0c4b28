"""Header mode on real series with known labels, with intact headers and with headers that were emptied.

    python Testing/benchmarks/real_headers.py SHARED [--bundle NAME]

SHARED is the folder of the development exams (its ``data/labels.csv`` names the truth) with ``blindfold.py`` in it.
The bundle ``headers`` was trained on simulated headers only, so no series is left out. A series counts as right when
the sequence of most of its parts is; as confidently wrong when a part with status auto is wrong.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from SeriesClassifierLib.inference.run import classify
from SeriesClassifierLib.records import Prediction, Status

_MAPS = {"DWI_CALC": "DWI", "MRCP_MIP": "MRCP"}
_SETS = ("dicom", "dicom_more")


def truth(data: Path) -> dict[str, dict[str, str]]:
    """Folder name of a series -> its row of the label tables."""
    rows: dict[str, dict[str, str]] = {}
    for table in (data / "labels.csv", data / "dicom_more" / "labels.csv"):
        with open(table, encoding="utf-8", newline="") as file:
            rows |= {row["series"]: row for row in csv.DictReader(file)}
    return rows


def measure(folder: Path, labels: dict[str, dict[str, str]], bundle: str) -> Counter[str]:
    """Counts over the series below ``folder`` whose folder is named in ``labels``."""
    from SeriesClassifierLib.sources import open_source

    folders = {
        series.series_uid: Path(series.instances[0].path).parent.name
        for study in open_source(folder).studies()
        for series in study.series
        if series.instances
    }
    parts: dict[str, list[Prediction]] = {}
    for prediction in classify(folder, bundle=bundle):
        parts.setdefault(folders.get(prediction.series_uid, ""), []).append(prediction)
    counts: Counter[str] = Counter()
    for name, predictions in parts.items():
        if name in labels:
            counts.update(_judge(predictions, labels[name]))
    return counts


def _judge(predictions: list[Prediction], row: dict[str, str]) -> Iterable[str]:
    expected = _MAPS.get(row["sequence"], row["sequence"])
    right = [p.sequence == expected for p in predictions]
    yield "series"
    if sum(right) * 2 > len(right):
        yield "sequence right"
    if {p.plane for p in predictions} == {row["plane"]}:
        yield "plane right"
    if all(p.status is Status.AUTO for p in predictions):
        yield "auto"
    if any(p.status is Status.AUTO and not ok for p, ok in zip(predictions, right, strict=True)):
        yield "confidently wrong"
    if all(p.sequence == "unknown" for p in predictions):
        yield "unknown"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--bundle", default="headers")
    options = parser.parse_args()
    data = options.shared / "data"
    labels = truth(data)
    columns = ("series", "sequence right", "confidently wrong", "unknown", "auto", "plane right")
    print("| header | " + " | ".join(columns) + " |\n|---" * 1 + "|---" * len(columns) + "|")
    with tempfile.TemporaryDirectory() as temporary:
        for name, arguments in (("intact", None), ("words removed", []), ("hard blindfold", ["--hard"])):
            counts: Counter[str] = Counter()
            for part in _SETS:
                folder = data / part
                if arguments is not None:
                    folder = Path(temporary) / name / part
                    script = [sys.executable, str(options.shared / "blindfold.py"), str(data / part), str(folder)]
                    subprocess.run(script + arguments, check=True)
                counts += measure(folder, labels, options.bundle)
            print(f"| {name} | " + " | ".join(str(counts[column]) for column in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
