"""How fast mode full is, beside a straightforward way to do the same.

    python Testing/benchmarks/full_mode.py SOURCE [--repeat 3]

SOURCE is a folder of DICOM or a Slicer database. Ours is what ``classify --mode full`` does, with the shipped
bundles. The reference reads the same headers with pydicom and every series whole with SimpleITK, and runs the same
weights with torch, eager and in float32, on the same number of slices of the same series; it splits no series, has no
study context and writes no evidence. Both start with loaded models; the median of the repeats is told. Mode full
itself needs neither torch nor SimpleITK.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
import torch

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.training.onnx_export import load_weights
from SeriesClassifierLib.training.tasks import TASKS, Task


@dataclass(frozen=True)
class Work:
    """One series of the source: its files, and the task whose model looked at it ("headers": none)."""

    files: tuple[str, ...]
    task: str


def work_of(source: Path, classifier: Classifier) -> list[Work]:
    """What there is to do, by the task that each series was found to belong to."""
    tasks: dict[str, str] = {}
    for result in run(open_source(source), classifier):
        for prediction in result.predictions:
            tasks[prediction.series_uid] = prediction.task
    return [
        Work(tuple(sorted({i.path for i in series.instances})), tasks[series.series_uid])
        for study in open_source(source).studies()
        for series in study.series
    ]


def reference(work: Sequence[Work], models: dict[str, tuple[Task, PictureHeaderModel]]) -> None:
    """Headers by pydicom, pixels by SimpleITK, the network by torch."""
    for item in work:
        for file in item.files:
            pydicom.dcmread(file, stop_before_pixels=True)
        if item.task not in models:
            continue
        task, model = models[item.task]
        image = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(list(item.files)))
        volume = image.reshape(-1, *image.shape[-2:])
        chosen = volume[[int((k + 0.5) * len(volume) / task.slices) for k in range(min(task.slices, len(volume)))]]
        pictures = torch.from_numpy(np.stack([prepare(one.astype(np.float32), task.side) for one in chosen]))
        absent = torch.zeros(1, model.get_submodule("header").dictionary.shape[0])  # type: ignore[union-attr]
        with torch.inference_mode():
            model.answers(
                pictures[None].float() / 255, torch.ones(1, len(pictures), dtype=torch.bool), absent, absent
            )


def seconds(repeat: int, job: Callable[[], object]) -> float:
    """Median time of ``job``."""
    taken = []
    for _ in range(repeat):
        started = time.perf_counter()
        job()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    classifier = Classifier(mode="full")
    work = work_of(options.source, classifier)
    models: dict[str, tuple[Task, PictureHeaderModel]] = {}
    for name in sorted({item.task for item in work} & set(TASKS)):
        model = TASKS[name].model()
        load_weights(model, find_bundle(name))
        models[name] = TASKS[name], model.eval()
    looked = sum(item.task in models for item in work)
    ours = seconds(options.repeat, lambda: list(run(open_source(options.source), classifier)))
    theirs = seconds(options.repeat, lambda: reference(work, models))
    print(f"{len(work)} series, {looked} of them with a picture bundle, median of {options.repeat}")
    for name, value in (("mode full", ours), ("pydicom, SimpleITK, torch", theirs)):
        print(f"{name}: {value:.2f} s, {value / len(work):.3f} s a series")
    print(f"{theirs / ours:.1f} times as fast")
    return 0


if __name__ == "__main__":
    sys.exit(main())
