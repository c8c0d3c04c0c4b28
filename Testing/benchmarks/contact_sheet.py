"""Simulated slices beside real ones, class by class, prepared as models see them.

usage: python Testing/benchmarks/contact_sheet.py SHARED/slices OUT.png [--seed S] [--columns N] [--only T2,FLAIR]

The folder holds slices_128.npz and headers.jsonl.gz (real slices with labels, never part of this project). Each row
is one class in one region: real slices on the left, simulated ones on the right. What to look for: are classes told
apart by the same things on both sides?
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.simulation.studies import draw_series

SIDE = 128
_REGIONS = {
    "ABDOMEN_LIVER": "abdomen",
    "KIDNEY": "abdomen",
    "PROSTATE": "prostate",
    "BRAIN": "brain",
    "SHOULDER": "extremity",
}
_SEQUENCES = {
    "DWI_CALC": "DWI",
    "MRCP_MIP": "MRCP",
    "ASL_MAP": "ASL",
    "PHASE_CONTRAST": "MRA",
    "T1MAP": "OTHER",
}
Picture = NDArray[np.uint8]


def real_slices(folder: Path, rng: np.random.Generator) -> dict[tuple[str, str], list[Picture]]:
    """Middle slices of the real series by region and sequence, in random order."""
    archive = np.load(folder / "slices_128.npz")
    with gzip.open(folder / "headers.jsonl.gz", "rt", encoding="utf-8") as lines:
        headers = [json.loads(line) for line in lines]
    out: dict[tuple[str, str], list[Picture]] = defaultdict(list)
    series, position = archive["series_id"], archive["pos_index"]
    for header in headers:
        found = np.flatnonzero(series == header["id"])
        if len(found):
            middle = found[np.argsort(position[found])][len(found) // 2]
            sequence = header["sequence"]
            key = (_REGIONS.get(header["body_part"], "other"), _SEQUENCES.get(sequence, sequence))
            out[key].append(prepare(archive["images"][middle].astype(np.float32), SIDE))
    for pictures in out.values():
        rng.shuffle(pictures)
    return dict(out)


def simulated_slices(rng: np.random.Generator, region: str, sequence: str, count: int) -> list[Picture]:
    """Simulated slices of a class, each of another person."""
    out = []
    for _ in range(count):
        try:
            _, slices = draw_series(rng, region=region, sequence=sequence, slices=1)
        except ValueError:  # no protocol scans it there
            break
        out.append(prepare(slices[0], SIDE))
    return out


def row_of(pictures: list[Picture], columns: int) -> Picture:
    """Up to ``columns`` pictures side by side, the rest of the row black."""
    blank = np.zeros((SIDE, SIDE), np.uint8)
    return np.hstack([*pictures[:columns], *[blank] * (columns - len(pictures[:columns]))])


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    from PIL import Image

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("slices", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=5, help="pictures of each side (default: %(default)s)")
    parser.add_argument("--only", default="", help="sequences, separated by commas")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    rows = []
    for (region, sequence), pictures in sorted(real_slices(options.slices, rng).items()):
        if options.only and sequence not in options.only.split(","):
            continue
        simulated = simulated_slices(rng, region, sequence, options.columns)
        gap = np.full((SIDE, 6), 255, np.uint8)
        rows.append(np.hstack([row_of(pictures, options.columns), gap, row_of(simulated, options.columns)]))
        print(f"row {len(rows)}: {region} {sequence}, {len(pictures)} real")
    if not rows:
        print("no real series of these classes", file=sys.stderr)
        return 1
    Image.fromarray(np.vstack(rows)).save(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
