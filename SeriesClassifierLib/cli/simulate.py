"""``series-classifier simulate``: whole simulated studies as DICOM files, with the truth about them."""

from __future__ import annotations

import argparse
from pathlib import Path

from SeriesClassifierLib.errors import UsageError


def simulate_command(options: argparse.Namespace) -> int:
    """Write the studies and ``truth.csv``. Raises UsageError when the folder cannot take them."""
    from SeriesClassifierLib.simulation.study_writer import TRUTH, write_studies

    out: Path = options.out
    _check(out)
    files = write_studies(out, options.task, options.studies, options.seed, options.longest)
    if not options.quiet:
        print(f"{options.studies} studies, {len(files)} images in {out}; the truth is in {out / TRUTH}")
    return 0


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a folder")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: name a new folder, nothing is ever overwritten")
