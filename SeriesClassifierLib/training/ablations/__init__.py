"""The ablations of the two papers (methods.md sections 1 and 2) on simulated test studies, one row at a time.

Everything that a seed decides is drawn once and is the same for all rows: training parts, validation studies,
test studies (whole studies, of anatomies that are never trained on), and the damage to every header. Every
deep row sees the same examples in the same order: first the headers alone, when it has a branch for them
(cheap, and the library's own models start from a trained header branch too), then pictures and headers.

An encoder without published weights would need more steps than an ablation has. So it is trained once a
seed, on the training slices as a plain classifier of single slices, and every row that uses it starts from
there: image 2D, both concatenations and SME + BCA have the same past. The 3D encoder gets the same number of
steps on stacks. The two-stage row takes the answers of the row image 2D.

A row of a seed is done when its JSON file is there; what is done is never computed again.
"""

from __future__ import annotations

from SeriesClassifierLib.training.ablations.plans import Plan, plan_for
from SeriesClassifierLib.training.ablations.runner import Result, results, run
from SeriesClassifierLib.training.ablations.summary import interval, table

__all__ = ["Plan", "Result", "interval", "plan_for", "results", "run", "table"]
