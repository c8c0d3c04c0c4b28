"""The ablations of the prostate and of the liver paper, on simulated test studies.

    python Testing/benchmarks/ablations.py --task liver|prostate --out DIR [--seeds 3] [--parts N] [--steps N]
        [--encoder NAME [--random-encoder]] [--studies N] [--jobs N]

Every finished row of every seed is one JSON file below DIR and is not computed again: start the same command again
to go on, with more seeds to add some. Pools are drawn once a seed and kept in DIR; other encoders of the same task
find them there. Prints a Markdown table: mean +- standard deviation over seeds (95 % interval of the mean by
Student's t). Test studies are whole studies with anatomies that nothing was trained
on and damaged headers; the figures say how the methods compare on them, not how good they are on real series.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from SeriesClassifierLib.errors import SeriesClassifierError
from SeriesClassifierLib.training.ablations import plan_for, run, table


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("prostate", "liver"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1 (default: 3)")
    parser.add_argument("--parts", type=int, help="simulated parts to train on")
    parser.add_argument("--steps", type=int, help="training steps of a row")
    parser.add_argument("--studies", type=int, help="simulated studies to test on (default: 60)")
    parser.add_argument("--encoder", help="2D encoder (default: the task's own)")
    parser.add_argument("--random-encoder", action="store_true", help="start it from random weights")
    parser.add_argument("--jobs", type=int, default=0, help="processes that draw (default: one a core)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        plan = plan_for(
            options.task,
            encoder=options.encoder,
            random=options.random_encoder,
            parts=options.parts,
            steps=options.steps,
            studies=options.studies,
        )
        print(table(run(plan, range(1, options.seeds + 1), options.out, jobs=options.jobs)))
    except SeriesClassifierError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
