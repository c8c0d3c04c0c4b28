"""Write simulated studies as DICOM files, with a table of the truth about them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.dicom_writer import write_series
from SeriesClassifierLib.simulation.studies import SimulatedStudy, draw_study

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from SeriesClassifierLib.simulation.examination import SimulatedSeries

COLUMNS = ("study_uid", "series_uid", "part", "sequence", "plane", "phase", "derived", "b_value", "region")
TRUTH = "truth.csv"
_MOST = 4095  # files hold 12 bits


def write_studies(out: Path, task: str, studies: int, seed: int, longest: int = 256) -> list[Path]:
    """Write ``studies`` studies of ``task`` below ``out`` with ``truth.csv``; the files, in order.

    Images have at most ``longest`` rows and columns. Files of the same name are overwritten.
    """
    import numpy as np

    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with (out / TRUTH).open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for number in range(1, studies + 1):
            study = draw_study(np.random.default_rng([seed, number]), task, longest=longest)
            for series in study.series:
                folder = out / f"study_{number:04d}" / f"{series.number:04d}"
                files += _write_series(series, folder, longest)
                table.writerows(_truth(study, series))
    return files


def _write_series(series: SimulatedSeries, folder: Path, longest: int) -> list[Path]:
    pictures: list[NDArray[np.uint16]] = []
    tags: list[Mapping[str, TagValue]] = []
    slices: NDArray[np.uint16] | None = None
    shown = -1
    for image in series.images:  # shots follow each other: one is in memory at a time
        if slices is None or image.shot != shown:
            slices, shown = _whole_numbers(series.pictures(image.shot, longest=longest)), image.shot
        pictures.append(slices[image.position])
        tags.append(image.tags)
    return write_series(pictures, tags, folder)


def _whole_numbers(slices: NDArray[np.float32]) -> NDArray[np.uint16]:
    import numpy as np

    return np.asarray(np.clip(slices, 0, _MOST), np.uint16)


def _truth(study: SimulatedStudy, series: SimulatedSeries) -> Iterator[dict[str, object]]:
    for piece, truth, _ in series.parts():
        b = truth.header.b_value
        yield {
            "study_uid": study.uid,
            "series_uid": series.uid,
            "part": piece.index,
            "sequence": truth.sequence,
            "plane": truth.plane,
            "phase": truth.phase,
            "derived": truth.derived,
            "b_value": "" if b is None else f"{b:g}",
            "region": study.region,
        }
