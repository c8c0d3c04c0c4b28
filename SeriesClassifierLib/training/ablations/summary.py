"""The results as a table: of every measure mean, standard deviation and interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from SeriesClassifierLib.training.ablations.runner import Result


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean of two or more ``values``, by Student's t."""
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    n = len(values)
    half = float(stdtrit(n - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(n))
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def table(found: Sequence[Result]) -> str:
    """The results as a Markdown table: of every measure mean, standard deviation and interval over seeds.

    The column "below" is the difference to the last row, seed by seed: all rows of a seed share its data, so
    it is told more exactly than the difference of two means.
    """
    if not found:
        return ""
    rows: dict[str, dict[int, Result]] = {}
    for result in found:
        rows.setdefault(result.row, {})[result.seed] = result
    last = list(rows.values())[-1]
    facets = list(found[0].figures)
    measures = [("sequence", "weighted_f1"), ("sequence", "balanced_accuracy")]
    measures += [(facet, "weighted_f1") for facet in facets if facet != "sequence"]
    heads = [f"{facet}, {measure.replace('_', ' ')}" for facet, measure in measures]
    below = f"below {next(iter(last.values())).title}"
    lines = ["| " + " | ".join(["row", "seeds", heads[0], below, *heads[1:]]) + " |"]
    lines.append("|---" * (3 + len(heads)) + "|")
    for of_seed in rows.values():
        cells = [_cell([r.figures[facet][measure] for r in of_seed.values()]) for facet, measure in measures]
        lost = [
            last[seed].figures["sequence"]["weighted_f1"] - r.figures["sequence"]["weighted_f1"]
            for seed, r in of_seed.items()
            if seed in last and of_seed is not last
        ]
        title = next(iter(of_seed.values())).title
        lines.append("| " + " | ".join([title, str(len(of_seed)), cells[0], _cell(lost), *cells[1:]]) + " |")
    return "\n".join(lines)


def _cell(values: Sequence[float | None]) -> str:
    there = [value for value in values if value is not None]
    if len(there) < 2:
        return f"{there[0]:.3f}" if there else ""
    low, high = interval(there)
    return f"{np.mean(there):.3f} ± {np.std(there, ddof=1):.3f} ({low:.3f} to {high:.3f})"
