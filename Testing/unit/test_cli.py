"""The command line: what it prints, what it writes, and one exit code for each cause."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.bundles import headers_bundle
from support.predictions import make_prediction
from support.simulated import write_small_series

from SeriesClassifierLib.cli.main import (
    CANNOT_OPEN,
    DONE,
    INTERRUPTED,
    SOME_FAILED,
    WRONG_USAGE,
    build_parser,
    main,
)
from SeriesClassifierLib.cli.remarks import FileRemarks
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.publish.table import COLUMNS
from SeriesClassifierLib.records import Evidence, Reason, Witness
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.dicom_writer import uid_of

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_small_series(tmp_path / "in" / "a", study=1, series=1, images=3)
    write_small_series(tmp_path / "in" / "b", study=2, series=1, images=2)
    return tmp_path / "in"


@pytest.fixture
def database(folder: Path, tmp_path: Path) -> Path:
    return write_database(sorted(folder.rglob("*.dcm")), tmp_path / "database")


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def classify(*arguments: object) -> int:
    return run("classify", "--bundle", headers_bundle(), *arguments)


# --- exit codes


def test_all_went_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(folder) == DONE
    out = capsys.readouterr().out
    assert "2 series, 2 rows" in out


def test_some_failed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.dcm").write_text("hello")
    assert classify(folder) == SOME_FAILED
    assert "failed: broken.dcm: not a DICOM file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--resume", "--no-journal"],
        ["--journal", "j.sqlite", "--no-journal"],
        ["--publish"],
        ["--out", "labels.xlsx"],
        ["--out", "no such folder/x.csv"],
        ["--max-error", "7"],
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(folder, *arguments) == WRONG_USAGE
    assert capsys.readouterr().err.startswith("series-classifier: ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["classify"],
        ["nonsense"],
        ["classify", "x", "--jobs", "0"],
        ["classify", "x", "--quiet", "--json"],
    ],
)
def test_what_the_parser_refuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == WRONG_USAGE
    assert "usage:" in capsys.readouterr().err


def test_cannot_open(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Whatever is shipped: here no bundle sees pictures.
    monkeypatch.setattr("SeriesClassifierLib.inference.picture_stage.installed_for", lambda task: iter(()))
    assert classify(tmp_path / "nowhere") == CANNOT_OPEN
    assert run("classify", folder, "--bundle", "no such bundle") == CANNOT_OPEN
    (tmp_path / "text.sqlite").write_text("no journal" * 100)
    assert classify(folder, "--journal", tmp_path / "text.sqlite") == CANNOT_OPEN
    assert classify(folder, "--resume") == CANNOT_OPEN
    assert classify(folder, "--mode", "full") == CANNOT_OPEN
    assert capsys.readouterr().err.count("series-classifier: ") == 5


def test_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("SeriesClassifierLib.cli.classify.run", interrupt)
    assert classify(folder) == INTERRUPTED
    assert "--resume" in capsys.readouterr().err


# --- nothing to classify, and what was left out


def archives(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "study", "w") as archive:  # by its content
        archive.writestr("a.dcm", "x")
    (folder / "study.TGZ").write_bytes(b"")  # by its name
    (folder / "series.dcm.gz").write_bytes(gzip.compress(b"x"))
    (folder / "brain.nii.gz").write_bytes(gzip.compress(b"x"))
    (folder / "notes.txt").write_text("hello")


def test_an_empty_source_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    out, journal = tmp_path / "labels.csv", tmp_path / "j.sqlite"
    for options in ([], ["--json"], ["--quiet"]):
        command = (tmp_path / "empty", "--out", out, "--journal", journal, *options)
        assert classify(*command) == CANNOT_OPEN
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "nothing to classify in" in shown.err
    assert not out.exists()
    assert not journal.exists()
    empty = write_database([], tmp_path / "database")
    assert classify(empty) == CANNOT_OPEN
    assert "import DICOM files into this database first" in capsys.readouterr().err
    assert not empty.with_name(JOURNAL_NAME).exists()


def test_a_folder_of_archives_says_to_unpack_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archives(tmp_path / "in")
    assert classify(tmp_path / "in") == CANNOT_OPEN
    error = capsys.readouterr().err
    assert (
        "5 files left out: 3 archives, unpack them and classify again: series.dcm.gz, study, study.TGZ"
        in error
    )
    assert "1 NIfTI, which has no DICOM header: brain.nii.gz" in error
    assert "1 not DICOM: notes.txt" in error


def test_what_was_left_out_is_counted_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archives(folder / "more")
    for n in range(4):
        (folder / f"{n}.txt").write_text("hello")
    assert classify(folder) == DONE
    out = capsys.readouterr().out
    assert "9 files left out: 3 archives, unpack them" in out
    assert "more/series.dcm.gz, more/study, more/study.TGZ" in out
    assert "5 not DICOM: 0.txt, 1.txt, 2.txt, 2 more" in out
    assert classify(folder, "--json") == DONE
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["left_out"] == {"archive": 3, "nifti": 1, "not_dicom": 5}
    assert end["files_not_dicom"] == 9


def test_one_empty_source_among_others_is_reported(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert classify(database, tmp_path / "empty") == DONE
    assert "nothing to classify in" in capsys.readouterr().err


# --- series whose files contradict themselves


def test_warnings_about_files_are_on_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uid = uid_of("shared")
    write_small_series(folder / "c", study=3, series=7, images=2, SeriesInstanceUID=uid)
    write_small_series(folder / "d", study=4, series=8, images=2, SeriesInstanceUID=uid)
    write_small_series(folder / "e", study=5, series=9, images=1)
    write_small_series(folder / "e2", study=5, series=9, images=2, PatientID="OTHER")
    shared = Evidence(Witness.FILE, Reason.SHARED_SERIES_UID, number=2)
    patients = Evidence(Witness.FILE, Reason.SEVERAL_PATIENTS, number=2)
    assert classify(folder) == DONE
    error = capsys.readouterr().err
    names = f"{uid_of('small', 3)[-8:]}/7, {uid_of('small', 4)[-8:]}/8"
    both = [
        f"warning: 2 series ({order}): {text(shared)}"
        for order in (names, ", ".join(names.split(", ")[::-1]))
    ]
    assert any(line in error for line in both)
    assert f"warning: 1 series ({uid_of('small', 5)[-8:]}/9): {text(patients)}" in error
    assert "SMALL" not in error
    assert "OTHER" not in error
    assert classify(folder, "--json") == DONE
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {w["reason"]: w["series"] for w in events[-1]["warnings"]} == {
        "shared_series_uid": 2,
        "several_patients": 1,
        "repeated_sop_uid": 1,
    }
    of_studies = [w for event in events if event["event"] == "study" for w in event["warnings"]]
    assert [w["series_uid"] for w in of_studies if w["reason"] == "shared_series_uid"] == [uid, uid]
    assert classify(folder, "--quiet") == DONE
    assert capsys.readouterr().err == ""


def test_many_warnings_of_one_kind_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    remarks = FileRemarks()
    for n in range(1, 6):
        bad = Evidence(Witness.FILE, Reason.UNREADABLE, detail=f"file {n} is cut")
        parts = [
            make_prediction(series_uid=f"1.2.{n}", series_number=n, part=p, evidence=(bad,)) for p in (1, 2)
        ]
        remarks.add(parts)
    (line,) = remarks.lines()
    first = text(Evidence(Witness.FILE, Reason.UNREADABLE, detail="file 1 is cut"))
    assert line.startswith("5 series (1.2.1/1, 1.2.1/2, 1.2.1/3, 2 more): ")
    assert line.endswith(first)


# --- what is written


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_tables(folder: Path, tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    out = tmp_path / f"labels.{ending}"
    assert classify(folder, "--out", out, "--quiet") == DONE
    assert out.stat().st_size > 100
    if ending == "csv":
        assert out.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)


def test_report(folder: Path, tmp_path: Path) -> None:
    assert classify(folder, "--html", tmp_path / "x.html", "--quiet") == DONE
    report = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in report
    assert "SMALL" not in report  # PatientID only when asked for


def test_quiet_prints_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(folder, "--quiet") == DONE
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_json_lines_hold_no_patient(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(folder, "--json") == DONE
    text = capsys.readouterr().out
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["event"] for event in events] == ["start", "study", "study", "end"]
    assert events[0]["series"] == events[-1]["series"] == 2
    assert "SMALL" not in text


def test_several_sources_make_one_sorted_table(folder: Path, tmp_path: Path) -> None:
    classify(folder, "--out", tmp_path / "a.csv", "--quiet")
    classify(folder / "b", folder / "a", "--out", tmp_path / "b.csv", "--quiet")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_nothing_is_left_in_the_source_folder(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    classify(folder, "--quiet")
    assert sorted(folder.rglob("*")) == before


# --- the journal


def test_journal_lies_beside_the_database(database: Path, folder: Path) -> None:
    assert classify(database, "--quiet") == DONE
    with Journal(database.parent / JOURNAL_NAME, readonly=True) as journal:
        assert len(list(journal.current_all())) == 2
    shutil.rmtree(database.parent / "dicom")  # what is done needs no file again


def test_no_journal_is_made_when_not_wanted(database: Path) -> None:
    assert classify(database, "--quiet", "--no-journal") == DONE
    assert not (database.parent / JOURNAL_NAME).exists()


def test_a_new_journal_is_named(
    database: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = tmp_path / "typo.sqlite"
    for options in ([], ["--json"], ["--quiet"]):
        assert classify(folder, "--journal", named, *options) == DONE
        assert f"note: a new journal is made: {named}" in capsys.readouterr().err
        assert classify(folder, "--journal", named, *options) == DONE
        assert "new journal" not in capsys.readouterr().err
        named.unlink()
    assert classify(database) == DONE
    assert f"a new journal is made: {database.with_name(JOURNAL_NAME)}" in capsys.readouterr().err


def test_the_journal_may_be_a_folder_or_a_database(database: Path, folder: Path, tmp_path: Path) -> None:
    assert classify(folder, "--journal", tmp_path, "--quiet") == DONE
    assert (tmp_path / JOURNAL_NAME).is_file()
    for place in (database, database.parent):
        assert classify(folder, "--journal", place, "--quiet") == DONE
    assert (database.parent / JOURNAL_NAME).is_file()
    assert not (tmp_path / JOURNAL_NAME / JOURNAL_NAME).exists()


def test_publish_and_remove(database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("publish", database) == CANNOT_OPEN
    assert "there is no journal" in capsys.readouterr().err
    assert not (database.parent / JOURNAL_NAME).exists()
    assert classify(database, "--quiet", "--publish") == DONE
    assert run("publish", database) == DONE
    assert "2 series labeled in ctkDICOM.sql" in capsys.readouterr().out
    assert run("publish", database, "--journal", tmp_path / "typo.sqlite") == CANNOT_OPEN
    with Journal(tmp_path / "other.sqlite") as journal:
        journal.add_predictions([make_prediction()])
    assert run("publish", database, "--journal", tmp_path / "other.sqlite") == DONE
    assert "no series of this journal is in this database" in capsys.readouterr().err
    assert run("publish", database, "--remove") == DONE
    assert run("publish", database, "--remove") == DONE
    assert "no column to remove" in capsys.readouterr().out
    assert run("publish", database.parent / "nowhere") == CANNOT_OPEN


# --- bundles


def test_bundles(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = headers_bundle()
    assert run("bundles", "list") == DONE
    assert run("bundles", "verify", bundle) == DONE
    assert run("bundles", "info", bundle) == DONE
    assert "not a medical device" in capsys.readouterr().out.lower()
    assert run("bundles", "info", "no such bundle") == CANNOT_OPEN


def test_changed_bundle_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from SeriesClassifierLib.bundles.adopted import find_bundle
    from SeriesClassifierLib.bundles.bundle import MODEL

    copy = tmp_path / "bundle"
    shutil.copytree(find_bundle(headers_bundle()), copy)
    with (copy / MODEL).open("ab") as file:
        file.write(b"x")
    assert run("classify", folder, "--bundle", copy) == CANNOT_OPEN
    assert "not the file it was made with" in capsys.readouterr().err


# --- as a process


def test_module_and_version() -> None:
    command = [sys.executable, "-m", "SeriesClassifierLib", "--version"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("series-classifier ")


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    command = f"'{sys.executable}' -m SeriesClassifierLib classify '{folder}' --bundle '{headers_bundle()}' --json | head -n 1"
    done = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["event"] == "start"
    assert "Traceback" not in done.stderr


def test_every_command_has_help() -> None:
    text = build_parser().format_help()
    for command in ("classify", "publish", "correct", "journal", "review", "bundles", "bench"):
        assert command in text
