"""What twenty corrections of a site's odd protocol teach, seed by seed.

    python Testing/benchmarks/odd_protocol.py [--seeds 5]

For each seed twelve simulated patients with five series of the protocol each: all series of four patients are corrected,
exported and taught to the header bundle; the others are then labelled by the new one. Told: how many of those were right
before and after, how many are `auto` and wrong after, and the real series (../shared/data) whose label, region or status
changes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from support.odd_protocol import TRUTH, teach  # noqa: E402

from SeriesClassifierLib.inference.run import classify  # noqa: E402
from SeriesClassifierLib.records import Status  # noqa: E402

SHARED = Path(os.environ.get("SERIESCLASSIFIER_SHARED", Path(__file__).resolve().parents[3] / "shared" / "data"))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print("| seed | not corrected | right before | right after | auto and wrong after | real parts | of these changed |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(1, options.seeds + 1):
        with tempfile.TemporaryDirectory() as place:
            taught = teach(Path(place), seed)
            uids = [one.uid for one in taught.rest]
            right = [sum(labels[uid].sequence == TRUTH for uid in uids) for labels in (taught.before, taught.after)]
            wrong = [taught.after[uid] for uid in uids if taught.after[uid].sequence != TRUTH]
            sure = sum(label.status is Status.AUTO for label in wrong)
            before, after = (real(bundle) for bundle in ("headers", str(taught.bundle)))
            changed = sum(one != other for one, other in zip(before, after, strict=True))
        print(f"| {seed} | {len(uids)} | {right[0]} | {right[1]} | {sure} | {len(before)} | {changed} |", flush=True)
    return 0


def real(bundle: str) -> list[tuple[object, ...]]:
    """Label, region and status of every part of the real series; none where they are not on this machine."""
    folders = [folder for folder in (SHARED / "slicer_database", SHARED / "dicom_more") if folder.is_dir()]
    found = [label for folder in folders for label in classify(folder, mode="full", bundle=bundle)]
    return [(p.series_uid, p.part, p.label, p.region, p.status) for p in found]


if __name__ == "__main__":
    sys.exit(main())
