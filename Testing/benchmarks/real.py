"""How well real series are told, from headers, from pictures and from both, by models that never saw the patient.

    python Testing/benchmarks/real.py SHARED [--work DIR] [--json FILE] [--card BUNDLE ...]

SHARED holds ``data/`` (labelled DICOM exams, small slices) and ``blindfold.py``. DIR is where ``make bundles`` left
what it made on the way: in DIR/TASK/fold*/bundle lie the models of cross-validation, each naming the exams that it
was not trained with. Every exam is labelled by the pipeline that users run, once in mode header and, with DIR, once
in mode full with the bundles that left it out; intact, without words, and blindfolded. Without DIR only header mode
is measured. The bundle ``headers`` was trained on simulated headers only. The tables go into the model card of every
BUNDLE, too.

A series is right when the sequence of most of its parts is, confidently wrong when a part with status auto is
wrong. Balanced accuracy is the mean recall of the classes that occur; its interval and that of the calibration
error come from resampling exams.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from SeriesClassifierLib.bundles.bundle import open_bundle
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.inference.picture_model import PictureModel, load_picture_model
from SeriesClassifierLib.inference.run import Classifier
from SeriesClassifierLib.records import UNKNOWN, Prediction, Status, Study, Witness, classes_of
from SeriesClassifierLib.simulation.damage import GROUPS
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.training.joint_card import Table, add_tables

CONDITIONS: Mapping[str, Sequence[str] | None] = {"intact": None, "words removed": (), "hard blindfold": ("--hard",)}
_MAPS = {"DWI_CALC": "DWI", "MRCP_MIP": "MRCP"}
_SETS = ("dicom", "dicom_more")
_BODY = ("prostate", "abdomen")
_NO_WORDS = ("words", "private")
_HARD = (*_NO_WORDS, "codes", "timing", "scan", "diffusion", "contrast")
_REMOVED = {"intact": (), "words removed": _NO_WORDS, "hard blindfold": _HARD}


@dataclass(frozen=True)
class Verdict:
    """One series and what one mode said of it."""

    name: str
    exam: str
    region: str
    truth: str
    said: str
    right: bool
    confidently_wrong: bool
    unknown: bool
    auto: bool
    plane_right: bool
    confidence: float


def truth(data: Path) -> dict[str, dict[str, str]]:
    """Folder name of a series -> its row of the label tables."""
    rows: dict[str, dict[str, str]] = {}
    for table in (data / "labels.csv", data / "dicom_more" / "labels.csv"):
        with open(table, encoding="utf-8", newline="") as file:
            rows |= {row["series"]: row for row in csv.DictReader(file)}
    return rows


def trees(shared: Path, condition: str, temporary: Path) -> list[Path]:
    """The labelled DICOM folders in a condition; what is removed is removed from copies."""
    arguments = CONDITIONS[condition]
    if arguments is None:
        return [shared / "data" / part for part in _SETS]
    out = []
    for part in _SETS:
        copy = temporary / condition.replace(" ", "_") / part
        script = [sys.executable, str(shared / "blindfold.py"), str(shared / "data" / part), str(copy), *arguments]
        if not copy.is_dir():
            subprocess.run(script, check=True)
        out.append(copy)
    return out


def fold_bundles(work: Path) -> list[tuple[frozenset[str], Path]]:
    """(exams left out, bundle) of every model of cross-validation below ``work``."""
    found = []
    for path in sorted(work.glob("*/fold*/bundle/bundle.json")):
        left_out = json.loads(path.read_text(encoding="utf-8"))["training"]["left_out"]
        found.append((frozenset(left_out), path.parent))
    return found


def judged(
    folders: Iterable[Path], labels: Mapping[str, Mapping[str, str]], classifier_of: Callable[[str], Classifier | None]
) -> dict[str, tuple[Mapping[str, str], list[Prediction]]]:
    """Series name -> its row and its predictions, every exam by the classifier that is its own."""
    out: dict[str, tuple[Mapping[str, str], list[Prediction]]] = {}
    for folder in folders:
        for study in open_source(folder).studies():
            names = {s.series_uid: Path(s.instances[0].path).parent.name for s in study.series if s.instances}
            exams = {labels[name]["patient"].upper() for name in names.values() if name in labels}
            for exam in sorted(exams):
                classifier = classifier_of(exam)
                if classifier is None:
                    continue
                for prediction in classifier.study(_of_exam(study, names, labels, exam)).predictions:
                    name = names[prediction.series_uid]
                    out.setdefault(name, (labels[name], []))[1].append(prediction)
    return out


def _of_exam(
    study: Study, names: Mapping[str, str], labels: Mapping[str, Mapping[str, str]], exam: str
) -> Study:
    """The series of one exam: public test studies may share a StudyInstanceUID."""
    mine = tuple(
        s for s in study.series
        if names.get(s.series_uid) in labels and labels[names[s.series_uid]]["patient"].upper() == exam
    )  # fmt: skip
    return replace(study, series=mine)


def verdict(name: str, row: Mapping[str, str], predictions: Sequence[Prediction], *, picture: bool = False) -> Verdict:
    """What the predictions of a series come to; ``picture``: what the picture alone said."""
    expected = _MAPS.get(row["sequence"], row["sequence"])
    said = [_by_picture(p, expected) if picture else p.sequence for p in predictions]
    right = [one == expected for one in said]
    autos = [p.status is Status.AUTO and not picture for p in predictions]
    return Verdict(
        name,
        row["patient"].upper(),
        row["body_region"],
        expected,
        max(sorted(set(said)), key=said.count),
        sum(right) * 2 > len(right),
        any(auto and not ok for auto, ok in zip(autos, right, strict=True)),
        all(one == UNKNOWN for one in said),
        all(autos),
        {p.plane for p in predictions} == {row["plane"]},
        float(np.mean([p.confidence or 0.0 for p in predictions])),
    )


def _by_picture(prediction: Prediction, expected: str) -> str:
    """The best class of the picture alone; OTHER is right for what the task has no class for."""
    classes = classes_of(prediction.opinions, "sequence", Witness.IMAGE)
    if not classes:
        return UNKNOWN
    best = max(classes, key=lambda name: classes[name])
    return expected if best == "OTHER" and expected not in classes else best


def balanced_accuracy(verdicts: Sequence[Verdict]) -> float:
    """Mean recall of the classes that occur."""
    by_class: dict[str, list[bool]] = defaultdict(list)
    for v in verdicts:
        by_class[v.truth].append(v.right)
    return float(np.mean([np.mean(rights) for rights in by_class.values()]))


def calibration_error(verdicts: Sequence[Verdict], bins: int = 10) -> float:
    """Expected calibration error of the confidences of what was answered."""
    answered = [v for v in verdicts if not v.unknown]
    if not answered:
        return float("nan")
    confidence = np.array([v.confidence for v in answered])
    right = np.array([v.right for v in answered])
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(
            (index == b).mean() * abs(right[index == b].mean() - confidence[index == b].mean())
            for b in np.unique(index)
        )
    )


def interval(verdicts: Sequence[Verdict], figure: Callable[[Sequence[Verdict]], float]) -> str:
    """95 % interval of a figure, exams drawn with replacement (seed 0)."""
    rng = np.random.default_rng(0)
    exams = sorted({v.exam for v in verdicts})
    of = {exam: [v for v in verdicts if v.exam == exam] for exam in exams}
    values = []
    for _ in range(1000):
        drawn = [v for k in rng.integers(len(exams), size=len(exams)) for v in of[exams[k]]]
        values.append(figure(drawn))
    low, high = np.nanquantile(values, [0.025, 0.975])
    return f"{low:.2f}-{high:.2f}"


def row_of(name: str, verdicts: Sequence[Verdict]) -> list[str]:
    """One line of the table: the cells of COLUMNS."""
    return [
        name,
        str(len(verdicts)),
        str(sum(v.right for v in verdicts)),
        str(sum(v.confidently_wrong for v in verdicts)),
        str(sum(v.unknown for v in verdicts)),
        str(sum(v.auto for v in verdicts)),
        f"{balanced_accuracy(verdicts):.3f} ({interval(verdicts, balanced_accuracy)})",
        f"{calibration_error(verdicts):.3f} ({interval(verdicts, calibration_error)})",
        str(sum(v.plane_right for v in verdicts)),
    ]


COLUMNS = (
    "series and header", "n", "sequence right", "confidently wrong", "unknown", "auto", "balanced accuracy",
    "calibration error", "plane right",
)  # fmt: skip
# Forced choice: no statuses, no planes.
_FORCED = (0, 1, 2, 6, 7)


def pipeline(shared: Path, work: Path | None) -> Iterator[tuple[str, str, list[Verdict]]]:
    """(condition, mode, verdicts) of the DICOM exams."""
    labels = truth(shared / "data")
    bundles = fold_bundles(work) if work else []
    by_header = Classifier()
    cache: dict[tuple[str, ...], Classifier] = {}

    def full(exam: str) -> Classifier | None:
        mine = tuple(str(path) for left_out, path in bundles if exam in left_out)
        if mine and mine not in cache:
            cache[mine] = Classifier(mode="full", pictures=mine)
        return cache.get(mine)

    with tempfile.TemporaryDirectory() as temporary:
        for condition in CONDITIONS:
            folders = trees(shared, condition, Path(temporary))
            found = judged(folders, labels, lambda exam: by_header)
            yield condition, "header", [verdict(name, *item) for name, item in sorted(found.items())]
            if bundles:
                found = judged(folders, labels, full)
                looked = {n: i for n, i in found.items() if any(classes_of(p.opinions, "sequence", Witness.IMAGE) for p in i[1])}
                yield condition, "picture", [verdict(n, *i, picture=True) for n, i in sorted(looked.items())]
                yield condition, "full", [verdict(n, *i) for n, i in sorted(found.items())]


def collection(shared: Path, work: Path) -> Iterator[tuple[str, str, str, list[Verdict]]]:
    """(task, condition, answer, verdicts) of the slice collection: the bundle's own three answers, forced."""
    from SeriesClassifierLib.training.real_series import collected_examples

    bundles = [(left_out, load_picture_model(path)) for left_out, path in fold_bundles(work)]
    side = {model.side for _, model in bundles}
    examples = {s: collected_examples(shared / "data", side=s) for s in side}
    for task in sorted({model.task for _, model in bundles}):
        for condition, groups in _REMOVED.items():
            gone = frozenset().union(*(GROUPS[g] for g in groups)) if groups else frozenset()
            verdicts: dict[str, list[Verdict]] = defaultdict(list)
            for left_out, model in bundles:
                if model.task != task:
                    continue
                for example in examples[model.side]:
                    if example.exam in left_out:
                        tags = {k: v for k, v in example.header.tags.items() if k not in gone}
                        header = replace(example.header, tags=tags)
                        answers = _answers(model, features(header), example.slices)
                        for name, classes in answers.items():
                            verdicts[name].append(_forced(example.name, example.exam, example.truth, classes))
            for name, some in verdicts.items():
                yield task, condition, name, some


def _answers(model: PictureModel, values: Mapping[str, float], slices: np.ndarray) -> dict[str, Mapping[str, float]]:
    count = min(len(slices), model.slices)
    chosen = slices[((np.arange(count) + 0.5) * len(slices) / count).astype(int)]
    found = model.answers(values, chosen)
    return {"header": found.header["sequence"], "picture": found.picture["sequence"], "joint": found.joint["sequence"]}


def _forced(name: str, exam: str, known: Mapping[str, str], classes: Mapping[str, float]) -> Verdict:
    expected = known["sequence"] if known["sequence"] in classes else "OTHER"
    said = max(classes, key=lambda one: classes[one])
    right = said == expected
    return Verdict(name, exam, known["region"], expected, said, right, False, False, False, True, classes[said])


def of_exams(found: Iterable[tuple[str, str, Sequence[Verdict]]]) -> tuple[Table, Table]:
    """What the pipeline did, and its recall by class."""
    lines: list[list[str]] = []
    recalls: dict[str, dict[str, list[bool]]] = {}
    for condition, mode, verdicts in found:
        body = [v for v in verdicts if v.region in _BODY and not v.name.startswith("Q")]
        for name, some in (("all exams", verdicts), ("prostate and abdomen", body)):
            if some:
                lines.append(row_of(f"{name}, {condition}, {mode}", some))
        by_class = recalls.setdefault(f"{condition}, {mode}", defaultdict(list))
        for v in verdicts:
            by_class[v.truth].append(v.right)
    names = sorted({name for by_class in recalls.values() for name in by_class})
    counts = [[k, *(f"{sum(of[c])}/{len(of[c])}" for c in names)] for k, of in recalls.items()]
    return (
        Table("Real exams, the whole pipeline, exam left out", COLUMNS, lines),
        Table("Real exams, recall by class", ("header, answer", *names), counts),
    )


def of_collection(found: Iterable[tuple[str, str, str, Sequence[Verdict]]]) -> dict[str, Table]:
    """Task -> the three answers of its bundle, its own classes, to the slice collection."""
    lines: dict[str, list[list[str]]] = defaultdict(list)
    for task, condition, answer, verdicts in found:
        cells = row_of(f"{condition}, {answer}", verdicts)
        lines[task].append([cells[index] for index in _FORCED])
    columns = [COLUMNS[index] for index in _FORCED]
    title = "Slice collection, classes of the bundle, forced choice, patient left out"
    return {task: Table(title, columns, rows) for task, rows in lines.items()}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path, help="every verdict")
    parser.add_argument("--card", type=Path, action="append", default=[], help="bundle to tell the figures to")
    options = parser.parse_args()
    exams = list(pipeline(options.shared, options.work))
    tables = list(of_exams(exams))
    for table in tables:
        print(f"{table.title}\n\n{table}\n", flush=True)
    single = list(collection(options.shared, options.work)) if options.work else []
    by_task = of_collection(single)
    for task, table in by_task.items():
        print(f"{task}: {table.title}\n\n{table}\n", flush=True)
    for folder in options.card:
        own = by_task.get(open_bundle(folder, verify=False).description["task"])
        add_tables(folder, [*tables, own] if own else tables)
    if options.json:
        kept = [{"condition": c, "mode": mode, **vars(v)} for c, mode, verdicts in exams for v in verdicts]
        kept += [{"condition": c, "mode": f"{t} {a}", **vars(v)} for t, c, a, verdicts in single for v in verdicts]
        options.json.write_text(json.dumps(kept, indent=1, default=float) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
