"""``series-classifier simulate``: whole simulated studies as DICOM files, with the truth about them."""

from __future__ import annotations

import argparse
from pathlib import Path

from SeriesClassifierLib.errors import UsageError


def simulate_command(options: argparse.Namespace) -> int:
    """Write the studies and ``truth.csv``, and list them in a database where one is asked for.

    Raises UsageError when a folder cannot take them.
    """
    from SeriesClassifierLib.simulation.database_writer import write_database
    from SeriesClassifierLib.simulation.study_writer import TRUTH, write_studies

    out: Path = options.out
    database: Path | None = options.database
    for folder in (out, database):
        if folder is not None:
            _check(folder)
    files = write_studies(out, options.task, options.studies, options.seed, options.longest)
    if database is not None:
        write_database(files, database, copy=False)
    if not options.quiet:
        print(f"{options.studies} studies, {len(files)} images in {out}; the truth is in {out / TRUTH}")
        if database is not None:
            print(f"listed in the Slicer DICOM database {database}")
    return 0


def _check(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder, nothing is ever overwritten")
