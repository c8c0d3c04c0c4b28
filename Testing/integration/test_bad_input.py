"""Broken and odd input of every kind in one batch: nothing stops it, and each kind ends as it should."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bad_input import KINDS, Kind, build, build_all, digests, is_of, left_out
from support.bundles import headers_bundle

from SeriesClassifierLib.cli.main import SOME_FAILED, main
from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.inference.run import classify
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Status

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, links and byte names are made here")

# What the rows of a kind may say; a skipped one has none.
STATUSES = {
    "label": {"auto", "review"},
    "answer": {"auto", "review", "unknown"},
    "unknown": {"unknown"},
    "failed": {"failed"},
}
# Nothing here takes more than a minute; a reader that waits for a pipe would wait forever.
TIMEOUT_S = 600
# Kinds whose thousands of files take seconds to write: once, in the batch, is enough.
LARGE = {"many_slices", "many_directions"}


class Batch:
    """All kinds in one folder, classified once by the command line with everything it can write."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "in"
        self.kinds = build_all(self.root)
        self.csv, self.html, self.journal = (folder / name for name in ("x.csv", "x.html", "x.sqlite"))
        self.before = digests(self.root)
        command = [sys.executable, "-m", "SeriesClassifierLib", "classify", str(self.root), "--jobs", "1"]
        command += ["--bundle", headers_bundle(), "--journal", str(self.journal)]
        command += ["--out", str(self.csv), "--html", str(self.html)]
        self.done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        self.after = digests(self.root)

    def rows(self) -> list[dict[str, str]]:
        with self.csv.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def rows_of(self, kind: Kind) -> list[dict[str, str]]:
        names = ("study_uid", "patient_id", "description")
        return [row for row in self.rows() if is_of(kind, **{name: row[name] for name in names})]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    headers_bundle()
    folder = tmp_path_factory.mktemp("bad_input")
    try:
        yield Batch(folder)
    finally:
        for path in folder.glob("in/*nobody*/*"):
            path.chmod(0o700)  # or the folder could not be removed


def assert_ends(kind: Kind, statuses: set[str]) -> None:
    if kind.end == "skipped":
        assert not statuses, f"{kind.name} should leave no row"
        return
    assert statuses, f"{kind.name} left no row"
    assert statuses <= STATUSES[kind.end], f"{kind.name} ended in {statuses}"


def test_there_are_many_kinds_and_every_end() -> None:
    assert len(KINDS) >= 30
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert {kind.end for kind in KINDS} == {*STATUSES, "skipped"}


def test_nothing_stops_the_batch(batch: Batch) -> None:
    output = batch.done.stderr.decode("utf-8", "replace")
    assert batch.done.returncode == SOME_FAILED, output[-4000:]
    assert "Traceback" not in output


def test_every_kind_ends_as_it_should(batch: Batch) -> None:
    for kind in batch.kinds.values():
        assert_ends(kind, {row["status"] for row in batch.rows_of(kind)})


def test_what_is_sound_comes_out_right_among_the_others(batch: Batch) -> None:
    (row,) = batch.rows_of(batch.kinds["sound"])
    assert (row["label"], row["status"], row["n_instances"]) == ("DWI AX b800", "auto", "5")


def test_failed_rows_and_only_they_say_what_to_do(batch: Batch) -> None:
    for row in batch.rows():
        if row["status"] == "failed":
            reason = row["error"]
            assert ":" in reason or reason.startswith("not a DICOM file"), reason
            assert not row["sequence"] or row["sequence"] == "unknown"
        else:
            assert not row["error"] or row["error"].startswith("not an MR image")


def test_no_byte_of_the_input_changed(batch: Batch) -> None:
    assert batch.after == batch.before


def test_table_is_sorted_and_every_row_belongs_to_a_kind(batch: Batch) -> None:
    rows = batch.rows()
    studies = [row["study_uid"] for row in rows]
    assert studies == sorted(studies)
    for row in rows:
        assert row["patient_id"] == "4MR1" or any(
            is_of(kind, study_uid=row["study_uid"], patient_id=row["patient_id"], description=row["description"])
            for kind in batch.kinds.values()
        ) or row["patient_id"].split()[0] in {*batch.kinds, "1", "2", "3"}, row  # fmt: skip


def test_table_holds_no_formula_and_no_control_character(batch: Batch) -> None:
    for row in batch.rows():
        for value in row.values():
            assert value.isprintable()
            assert not value.startswith(("=", "+", "@"))


def test_report_is_whole_and_holds_no_foreign_markup(batch: Batch) -> None:
    report = batch.html.read_text(encoding="utf-8")
    assert report.rstrip().endswith("</html>")
    assert "<script>alert" not in report
    assert "alert(1)" in report


def test_resume_on_two_processes_repeats_it_to_the_letter(batch: Batch, tmp_path: Path) -> None:
    with Journal(batch.journal, readonly=True) as journal:
        events = [event.id for event in journal.events()]
    again = tmp_path / "again.csv"
    command = ["classify", str(batch.root), "--bundle", headers_bundle(), "--jobs", "2", "--quiet"]
    command += ["--resume", "--journal", str(batch.journal), "--out", str(again)]
    assert main(command) == SOME_FAILED
    assert again.read_bytes() == batch.csv.read_bytes()
    with Journal(batch.journal, readonly=True) as journal:
        journal.verify()
        assert [event.id for event in journal.events()] == events


def test_json_says_the_same_as_the_table(batch: Batch, tmp_path: Path) -> None:
    out = tmp_path / "x.json"
    main(["classify", str(batch.root), "--bundle", headers_bundle(), "--quiet", "--out", str(out)])
    objects = json.loads(out.read_text(encoding="utf-8"))
    rows = batch.rows()
    assert [(o["series_uid"], o["part"], o["label"], o["status"]) for o in objects] == [
        (r["series_uid"], int(r["part"]), r["label"], r["status"]) for r in rows
    ]


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.name not in LARGE], ids=lambda kind: kind.name
)
def test_alone_it_ends_in_the_same_way(kind: Kind, tmp_path: Path) -> None:
    if kind.name in left_out():
        pytest.skip("root may read everything: run the tests as another user to see this case")
    folder = build(kind, tmp_path)
    try:
        if kind.end == "skipped":
            with pytest.raises(SourceError, match="nothing to classify"):
                classify(folder, bundle=headers_bundle())
            return
        predictions = classify(folder, bundle=headers_bundle())
    finally:
        for path in tmp_path.glob("*nobody*/*"):
            path.chmod(0o700)
    assert_ends(kind, {prediction.status.value for prediction in predictions})
    for prediction in predictions:
        if prediction.status is not Status.FAILED:
            assert prediction.plane in {"AX", "COR", "SAG", "OBL", "MULTI", "unknown"}
            assert prediction.confidence is None or 0 <= prediction.confidence <= 1
