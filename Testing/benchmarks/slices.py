"""Single real slices told from their picture alone, by models that never saw the patient: four looks, forced choice.

    python Testing/benchmarks/slices.py SHARED --work DIR [--work DIR2 ...] [--task prostate]

SHARED/data/slices is the collection of 128 x 128 slices. Each DIR is where one seed of ``joint_bundle --work`` left
its checkpoints; the models of its folds answer the slices of the exams that they were not trained with. Classes:
T2, EPI (diffusion, BOLD, perfusion), ADC, T1 (T1, DCE, Dixon). Prints balanced accuracy for each seed, its interval
from resampling exams, and the spread over seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from SeriesClassifierLib.training.examples import CONTRAST, CONTRASTS, Example
from SeriesClassifierLib.training.joint_bundle import left_out_of, load_teacher
from SeriesClassifierLib.training.joint_calibration import balanced_accuracy, bootstrap_interval
from SeriesClassifierLib.training.joint_model import split_facets
from SeriesClassifierLib.training.real_series import collected_examples
from SeriesClassifierLib.training.tasks import TASKS, Task


def answers(task: Task, work: Path, examples: Sequence[Example]) -> tuple[NDArray[np.int64], ...]:
    """(answer, truth, index of the example), one for each slice."""
    said, true, index = [], [], []
    for fold in range(task.folds):
        left_out = left_out_of(work, fold)
        model = load_teacher(task, work, fold)
        nothing = torch.zeros(1, model.get_submodule("header").dictionary.shape[0])  # type: ignore[union-attr]
        for number, example in enumerate(examples):
            if example.exam not in left_out:
                continue
            pictures = torch.from_numpy(example.slices).float()[:, None] / 255
            mask = torch.ones(len(pictures), 1, dtype=torch.bool)
            absent = nothing.expand(len(pictures), -1)
            with torch.inference_mode():
                _, logits, _ = model.answers(pictures, mask, absent, absent)
            found = split_facets(model.facets, logits)[CONTRAST].argmax(1).tolist()
            said += found
            true += [CONTRASTS.index(example.facet(CONTRAST))] * len(found)
            index += [number] * len(found)
    return np.array(said), np.array(true), np.array(index)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--work", type=Path, action="append", required=True)
    parser.add_argument("--task", choices=sorted(TASKS), default="prostate")
    options = parser.parse_args()
    task = TASKS[options.task]
    collected = collected_examples(options.shared / "data", side=task.side)
    examples = [example for example in collected if example.facet(CONTRAST) in CONTRASTS]
    scores = []
    print("| run | slices | balanced accuracy | interval | " + " | ".join(CONTRASTS) + " | not brain |")
    print("|---" * (5 + len(CONTRASTS)) + "|")
    for work in options.work:
        said, true, index = answers(task, work, examples)
        exams = np.array([examples[i].exam for i in index])
        body = np.array([examples[i].facet("region") != "brain" for i in index])
        score = balanced_accuracy(said, true)
        scores.append(score)
        recalls = [f"{(said[true == k] == k).mean():.2f}" for k in range(len(CONTRASTS))]
        low, high = bootstrap_interval(said, true, exams)
        cells = [work.name, str(len(said)), f"{score:.3f}", f"{low:.2f}-{high:.2f}", *recalls]
        print("| " + " | ".join([*cells, f"{balanced_accuracy(said[body], true[body]):.3f}"]) + " |", flush=True)
    print(f"\nmean {np.mean(scores):.3f}, from {min(scores):.3f} to {max(scores):.3f}, {len(scores)} seeds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
