"""What must not change a label: order and names of files, the kind of source, how often and how much at once,
the version of pydicom, other studies.

Runs on the real images that installed packages carry, and on the real development exams where they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from support.bad_input import build_all, digests
from support.bundles import headers_bundle

from SeriesClassifierLib.inference.run import Classifier, classify, run
from SeriesClassifierLib.publish.table import sort_key, to_csv
from SeriesClassifierLib.records import Prediction
from SeriesClassifierLib.simulation.database_schema import SLICER_CACHE_TAGS
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.wheel_samples import copy_wheel_samples
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.tags import CACHE_TAGS

REPOSITORY = Path(__file__).resolve().parents[2]
# A second Python whose pydicom is of another version, with the library's other dependencies.
OTHER_PYTHON = "SERIESCLASSIFIER_OTHER_PYTHON"


@pytest.fixture(scope="module", params=["packages", "development exams"])
def exams(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of real exams, never to be written to."""
    if request.param == "development exams":
        shared: Path = request.getfixturevalue("shared_data")
        return shared / "dicom"
    folder = tmp_path_factory.mktemp("packages")
    copy_wheel_samples(folder)
    return folder


@pytest.fixture(scope="module")
def table(exams: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return csv_of(classify(exams, bundle=headers_bundle()), tmp_path_factory.mktemp("table"))


def csv_of(predictions: Iterable[Prediction], folder: Path) -> bytes:
    path = folder / "labels.csv"
    to_csv(predictions, path)
    return path.read_bytes()


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def scattered(files: Sequence[Path], target: Path) -> None:
    """Copy files under names without meaning into folders without meaning."""
    for path in files:
        name = hashlib.sha256(str(path).encode()).hexdigest()
        copy = target / name[0] / name[1] / name[2:]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def test_two_runs_give_the_same_bytes(exams: Path, table: bytes, tmp_path: Path) -> None:
    assert csv_of(classify(exams, bundle=headers_bundle()), tmp_path) == table
    assert table.count(b"\n") > 5


def test_order_and_names_of_files_do_not_matter(exams: Path, table: bytes, tmp_path: Path) -> None:
    scattered(files_below(exams), tmp_path / "in")
    assert csv_of(classify(tmp_path / "in", bundle=headers_bundle()), tmp_path) == table


@pytest.mark.parametrize("cached", [SLICER_CACHE_TAGS, tuple(CACHE_TAGS)], ids=["files", "tag cache"])
def test_folder_and_database_give_the_same_table(
    exams: Path, table: bytes, cached: tuple[str, ...], tmp_path: Path
) -> None:
    database = write_database(files_below(exams), tmp_path / "database", copy=False, cache_tags=cached)
    assert csv_of(classify(database, bundle=headers_bundle()), tmp_path) == table


def test_whole_database_equals_its_studies_one_by_one(exams: Path, table: bytes, tmp_path: Path) -> None:
    bundle = headers_bundle()
    classifier = Classifier(bundle, mode="auto")
    rows = []
    for number, study in enumerate(open_source(exams).studies()):
        files = [Path(path) for series in study.series for path in {i.path for i in series.instances}]
        scattered(files, tmp_path / str(number))
        rows += [
            p for result in run(open_source(tmp_path / str(number)), classifier) for p in result.predictions
        ]
    assert csv_of(sorted(rows, key=sort_key), tmp_path) == table


def test_another_study_changes_no_row(exams: Path, table: bytes, tmp_path: Path) -> None:
    build_some = build_all(tmp_path / "in")
    assert build_some
    shutil.rmtree(tmp_path / "in" / "many_slices")
    shutil.rmtree(tmp_path / "in" / "thousands_of_frames")
    scattered(files_below(exams), tmp_path / "in" / "exams")
    rows = csv_of(classify(tmp_path / "in", bundle=headers_bundle()), tmp_path).splitlines()
    assert set(table.splitlines()) <= set(rows)
    assert len(rows) > len(table.splitlines())


def test_duplicate_files_change_no_row(exams: Path, table: bytes, tmp_path: Path) -> None:
    scattered(files_below(exams), tmp_path / "in" / "a")
    scattered(files_below(exams), tmp_path / "in" / "b")
    assert csv_of(classify(tmp_path / "in", bundle=headers_bundle()), tmp_path) == table


def test_input_stays_as_it_is(exams: Path, tmp_path: Path) -> None:
    before = digests(exams)
    classify(exams, bundle=headers_bundle(), journal=tmp_path / "journal.sqlite")
    assert digests(exams) == before


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get(OTHER_PYTHON), reason=f"{OTHER_PYTHON} names no Python with another pydicom"
)
def test_other_pydicom_gives_the_same_bytes(exams: Path, table: bytes, tmp_path: Path) -> None:
    assert run_other_python(exams, tmp_path) == table


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get(OTHER_PYTHON), reason=f"{OTHER_PYTHON} names no Python with another pydicom"
)
def test_other_pydicom_gives_the_same_bytes_for_bad_input(tmp_path: Path) -> None:
    build_all(tmp_path / "in")
    expected = csv_of(classify(tmp_path / "in", bundle=headers_bundle()), tmp_path)
    assert run_other_python(tmp_path / "in", tmp_path) == expected


def run_other_python(source: Path, folder: Path) -> bytes:
    """The table of ``source`` by the command line under the other Python."""
    out = folder / "other.csv"
    command = [os.environ[OTHER_PYTHON], "-m", "SeriesClassifierLib", "classify", str(source), "--quiet"]
    command += ["--bundle", headers_bundle(), "--out", str(out)]
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=600, check=False)
    return out.read_bytes()
