"""How fast header mode is, against ``dcm-classifier`` and a plain pydicom loop, on the same files in the
same run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from SeriesClassifierLib import __version__
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.nothing import count_series
from SeriesClassifierLib.sources.slicer_database import find_database

Result: TypeAlias = dict[str, Any]

_PACKAGES = ("dcm-classifier", "pydicom", "numpy", "onnxruntime")
# What a plain loop would look at; reading them makes pydicom decode them.
_KEYWORDS = (
    "SeriesInstanceUID", "SeriesDescription", "ImageType", "ScanningSequence", "RepetitionTime", "EchoTime",
    "FlipAngle", "ImageOrientationPatient",
)  # fmt: skip


def bench_command(options: argparse.Namespace) -> int:
    """Run the bench, print its table and write the figures where ``--json`` says."""
    target: Path | None = options.json
    if target is not None and not target.absolute().parent.is_dir():
        raise UsageError(f"the folder of {target} does not exist: make it first")
    result = run_bench(options.source, repeats=options.repeats)
    if target is not None:
        target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(format_table(result))
    return 0


def run_bench(source: Path, *, repeats: int = 5) -> Result:
    """Time header mode on ``source`` (a DICOM folder or Slicer database); rates are from the median of
    ``repeats``.

    Each study is first copied to a folder of its own, because dcm-classifier takes one study a folder; that
    is not timed. A database is also read as the database it is. All run once to warm up and then in turn.
    Raises UsageError when dcm-classifier is not installed or ``repeats`` is less than 1, SourceError when the
    source cannot be opened or has no images.
    """
    if repeats < 1:
        raise UsageError("the bench needs at least one repeat")
    competitor = _DcmClassifier()
    with tempfile.TemporaryDirectory(prefix="series-classifier-bench-") as temporary:
        root = Path(temporary)
        studies, files, n_series = _lay_out(source, root)
        runs: dict[str, Callable[[], None]] = {
            "ours": lambda: _ours(root),
            "dcm_classifier": lambda: competitor.run(studies),
            "pydicom_loop": lambda: _pydicom_loop(files),
        }
        if find_database(source):
            runs["ours_database"] = lambda: _ours(source)
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for repeat in range(repeats + 1):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                if repeat:  # the first is the warm-up
                    seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    counts = {"n_series": n_series, "n_files": len(files), "n_studies": len(studies), "repeats": repeats}
    return _figures(medians, counts) | {"dcm_classifier_failed_studies": competitor.failed}


def format_table(result: Mapping[str, Any]) -> str:
    """The figures as a Markdown table, with the machine and the versions below it."""
    machine, versions = result["machine"], result["versions"]
    rows = [
        ("SeriesClassifier, header mode", result["ours_series_per_s"], result["ours_files_per_s"]),
        ("the same out of the Slicer database", result["ours_database_series_per_s"], None),
        ("dcm-classifier", result["dcm_classifier_series_per_s"], result["dcm_classifier_files_per_s"]),
        ("reading only: a plain pydicom loop", None, result["pydicom_loop_files_per_s"]),
    ]
    lines = ["| | series/s | files/s |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {_rounded(series)} | {_rounded(files)} |"
        for name, series, files in rows
        if series or files
    ]
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines += [
        "",
        f"{result['ratio_vs_dcm_classifier']:,.1f} x dcm-classifier. {result['n_series']} series, "
        f"{result['n_files']} "
        f"files, median of {result['repeats']}; {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['system']}, "
        f"Python {machine['python']}; {named}.",
    ]
    return "\n".join(lines)


def _lay_out(source: Path, root: Path) -> tuple[list[Path], list[Path], int]:
    """A folder for each study under ``root``: the folders, all files, the number of series."""
    studies: list[Path] = []
    files: list[Path] = []
    n_series = 0
    opened = open_source(source)
    count_series(opened)
    for number, study in enumerate(opened.studies(), start=1):
        paths = dict.fromkeys(image.path for series in study.series for image in series.instances)
        if not paths:
            continue
        folder = root / f"study{number:05d}"
        folder.mkdir()
        studies.append(folder)
        n_series += sum(1 for series in study.series if series.instances)
        for index, path in enumerate(paths, start=1):
            target = folder / f"{index:06d}.dcm"
            try:
                os.link(path, target)
            except OSError:  # another disk, or one that cannot link
                shutil.copyfile(path, target)
            files.append(target)
    if not files:
        raise SourceError(f"{source} has no DICOM images: name another folder or database")
    return studies, files, n_series


def _ours(location: Path) -> None:
    from SeriesClassifierLib.inference.run import classify

    classify(location, mode="header")


class _DcmClassifier:
    """The competitor, used as its documentation shows; its model is loaded once, outside the timed part.

    ``failed`` is the number of studies that it gave up on in the last run; the time until then is its time.
    """

    def __init__(self) -> None:
        try:
            with _silence():
                from dcm_classifier.image_type_inference import ImageTypeClassifierBase
                from dcm_classifier.study_processing import ProcessOneDicomStudyToVolumesMappingBase
        except ImportError as error:
            raise UsageError(
                f"dcm-classifier cannot be imported ({error}): install it with pip install "
                f"'series-classifier[bench]'"
            ) from error
        self._process = ProcessOneDicomStudyToVolumesMappingBase
        self._model = ImageTypeClassifierBase()
        self.failed = 0

    def run(self, studies: list[Path]) -> None:
        """Classify every series of every study folder."""
        self.failed = 0
        with _silence():
            for folder in studies:
                try:
                    self._process(study_directory=folder, inferer=self._model).run_inference()
                except Exception:  # whatever it raises is its result
                    self.failed += 1


def _pydicom_loop(files: list[Path]) -> None:
    import pydicom

    for path in files:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        for keyword in _KEYWORDS:
            dataset.get(keyword)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing reaches the terminal, neither from Python nor from the C++ libraries under it."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [(stream, os.dup(stream)) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream, _ in saved:
            os.dup2(nowhere, stream)
        with (
            open(os.devnull, "w", encoding="utf-8") as sink,
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
        ):
            yield
    finally:
        for stream, copy in saved:
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


def _figures(seconds: Mapping[str, float], counts: Mapping[str, int]) -> Result:
    n_series, n_files = counts["n_series"], counts["n_files"]
    return {
        "ours_series_per_s": n_series / seconds["ours"],
        "dcm_classifier_series_per_s": n_series / seconds["dcm_classifier"],
        "ratio_vs_dcm_classifier": seconds["dcm_classifier"] / seconds["ours"],
        "pydicom_loop_files_per_s": n_files / seconds["pydicom_loop"],
        "ours_files_per_s": n_files / seconds["ours"],
        "ours_database_series_per_s": n_series / seconds["ours_database"]
        if "ours_database" in seconds
        else None,
        "dcm_classifier_files_per_s": n_files / seconds["dcm_classifier"],
        "seconds": dict(seconds),
        **counts,
        "machine": _machine(),
        "versions": {"series-classifier": __version__, **{name: _version(name) for name in _PACKAGES}},
    }


def _machine() -> dict[str, str | int]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cpu": _cpu_model(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _rounded(rate: float | None) -> str:
    return "" if rate is None else f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
