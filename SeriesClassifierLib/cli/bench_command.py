"""``series-classifier bench``."""

from __future__ import annotations

import argparse
import json

from SeriesClassifierLib.cli.bench import format_table, run_bench
from SeriesClassifierLib.publish.atomic import replacing


def bench_command(options: argparse.Namespace) -> int:
    """Time header mode and print the table."""
    result = run_bench(options.source, repeats=options.repeats)
    print(format_table(result))
    if options.json:
        with replacing(options.json) as draft:
            draft.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0
