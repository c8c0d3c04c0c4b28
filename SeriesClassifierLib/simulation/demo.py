"""Gather the demo: real MR DICOM out of installed packages and two simulated exams, in a Slicer database.

usage: python -m SeriesClassifierLib.simulation.demo OUT [--source FOLDER]
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from SeriesClassifierLib.errors import SeriesClassifierError, SourceError, UsageError
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.study_writer import write_studies
from SeriesClassifierLib.simulation.wheel_samples import copy_wheel_samples
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.nothing import count_series

logger = logging.getLogger(__name__)

_MARK = ".series-classifier-demo"  # only a folder with this file in it is ever emptied
_OURS = ("dicom", "database")
# Task and seed of the simulated exams, complete ones that are soon drawn; their largest Rows and Columns.
_EXAMS = (("prostate", 23), ("liver", 8))
_SIDE = 128


def make_demo(out: Path, source: Path | None = None) -> Path:
    """Write ``out/dicom`` and ``out/database``; the path of the database's ``ctkDICOM.sql``.

    With ``source`` (a DICOM folder or Slicer database) its files are listed in the database where they lie,
    and nothing is copied. An earlier demo in ``out`` is replaced. Raises UsageError when ``out`` holds
    something else, SourceError when ``source`` cannot be opened or has no images.
    """
    _clear(out)
    if source is not None:
        files = _files_of(source)
    else:
        samples = copy_wheel_samples(out / "dicom" / "packages")
        exams: list[Path] = []
        for task, seed in _EXAMS:
            exams += write_studies(out / "dicom" / task, task, 1, seed, _SIDE)
        logger.info("%d real images out of installed packages, %d simulated ones", len(samples), len(exams))
        files = samples + exams
    return write_database(files, out / "database", copy=source is None)


def _clear(out: Path) -> None:
    mark = out / _MARK
    if out.exists() and not mark.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} holds something that is no demo: name another folder")
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for name in _OURS:
        shutil.rmtree(out / name, ignore_errors=True)


def _files_of(source: Path) -> list[Path]:
    """All files with images, in the order of the source."""
    opened = open_source(source)
    count_series(opened)
    studies = opened.studies()
    images = (image for study in studies for series in study.series for image in series.instances)
    files = list(dict.fromkeys(Path(image.path) for image in images))
    if not files:
        raise SourceError(f"{source} has no DICOM images: name another folder")
    logger.info("%d files from the given source", len(files))
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m SeriesClassifierLib.simulation.demo", description=__doc__
    )
    parser.add_argument("out", type=Path, help="folder for the demo")
    parser.add_argument(
        "--source", type=Path, help="your own DICOM folder or Slicer database, instead of the demo data"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        make_demo(options.out, options.source)
    except UsageError as error:
        logger.error("%s", error)
        return 2
    except SeriesClassifierError as error:
        logger.error("%s", error)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
