"""``series-classifier simulate``: whole simulated studies as DICOM files, with the truth about them."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from SeriesClassifierLib.records import TagValue
    from SeriesClassifierLib.simulation.examination import SimulatedSeries
    from SeriesClassifierLib.simulation.studies import SimulatedStudy

COLUMNS = ("study_uid", "series_uid", "part", "sequence", "plane", "phase", "derived", "b_value", "region")
_MOST = 4095  # files hold 12 bits


def simulate_command(options: argparse.Namespace) -> int:
    """Write the studies and ``truth.csv``. Raises UsageError when the folder cannot take them."""
    out: Path = options.out
    _check(out)
    images = write_studies(out, options.task, options.studies, options.seed, options.longest)
    if not options.quiet:
        print(f"{options.studies} studies, {images} images in {out}; the truth is in {out / 'truth.csv'}")
    return 0


def write_studies(out: Path, task: str, studies: int, seed: int, longest: int = 256) -> int:
    """Write ``studies`` studies of ``task`` below ``out``; the number of images."""
    import numpy as np

    from SeriesClassifierLib.simulation.studies import draw_study

    out.mkdir(parents=True, exist_ok=True)
    images = 0
    with (out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for number in range(1, studies + 1):
            study = draw_study(np.random.default_rng([seed, number]), task, longest=longest)
            for series in study.series:
                folder = out / f"study_{number:04d}" / f"{series.number:04d}"
                images += _write_series(series, folder, longest)
                table.writerows(_truth(study, series))
    return images


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a folder")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: name a new folder, nothing is ever overwritten")


def _write_series(series: SimulatedSeries, folder: Path, longest: int) -> int:
    from SeriesClassifierLib.simulation.dicom_writer import write_series

    pictures: list[NDArray[np.uint16]] = []
    tags: list[Mapping[str, TagValue]] = []
    slices: NDArray[np.uint16] | None = None
    shown = -1
    for image in series.images:  # shots follow each other: one is in memory at a time
        if slices is None or image.shot != shown:
            slices, shown = _whole_numbers(series.pictures(image.shot, longest=longest)), image.shot
        pictures.append(slices[image.position])
        tags.append(image.tags)
    write_series(pictures, tags, folder)
    return len(pictures)


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
