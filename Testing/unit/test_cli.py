"""The command line: what it prints, what it writes, and one exit code for each cause."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.bundles import headers_bundle
from support.predictions import make_prediction
from support.protocols import drawn_protocol
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
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.publish.table import COLUMNS
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.simulation.database_writer import write_database

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


def test_nothing_to_read_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(tmp_path) == DONE
    assert "nothing found" in capsys.readouterr().out


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


def test_correct_show_undo_export_and_merge(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.sqlite"
    classify(folder, "--journal", journal, "--quiet")
    with Journal(journal, readonly=True) as opened:
        uid = next(opened.current_all()).series_uid
    correct = ("correct", uid, "--journal", journal, "--user", "ms")
    assert run(*correct, "--set", "sequence=MRCP") == DONE
    assert "MRCP" in capsys.readouterr().out
    assert run("journal", "show", journal, "--series", uid) == DONE
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["prediction", "correction"]
    assert run("journal", "export", journal, "--out", tmp_path / "events.jsonl") == DONE
    assert run("journal", "merge", tmp_path / "other.sqlite", journal) == DONE
    assert "3 new events" in capsys.readouterr().out
    assert run(*correct, "--undo") == DONE
    assert run(*correct, "--undo") == WRONG_USAGE
    assert run(*correct) == WRONG_USAGE
    assert run(*correct, "--set", "sequence=NONSENSE") == WRONG_USAGE
    assert run(*correct, "--set", "sequence") == WRONG_USAGE


# --- review


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    """A journal of four series of one protocol, two of them in review."""
    protocol, path = drawn_protocol(2, "t2_tse_tra"), tmp_path / "j.sqlite"
    review, auto = Status.REVIEW, Status.AUTO
    with Journal(path) as journal:
        journal.add_predictions(
            make_prediction(study_uid=f"1.{n}", series_uid=f"1.{n}.1", series_number=n, status=s, sequence="PD", protocol=protocol)
            for n, s in ((1, review), (2, review), (3, auto), (4, auto))
        )
    return path


def test_queue_is_printed_and_written(reviewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("review", "queue", reviewed) == DONE
    out = capsys.readouterr().out
    assert "parts that need a look: 2; shown: 2" in out
    assert "the answer would settle 1 more of the same protocol and name" in out
    for ending in ("csv", "json"):
        assert run("review", "queue", reviewed, "--limit", 1, "--out", tmp_path / f"q.{ending}") == DONE
    (item,) = json.loads((tmp_path / "q.json").read_text(encoding="utf-8"))
    with (tmp_path / "q.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["series_uid"] == item["series_uid"] == "1.1.1"
    assert row["reasons"] == "; ".join(item["reasons"])
    assert "P-1" not in (tmp_path / "q.csv").read_text(encoding="utf-8")
    assert run("review", "queue", reviewed, "--out", tmp_path / "q.txt") == WRONG_USAGE
    assert run("review", "queue", tmp_path / "none.sqlite") == CANNOT_OPEN


def test_siblings_are_corrected_in_one_step_and_taken_back_in_one(
    reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal(reviewed) as journal:
        journal.correct("1.3.1", None, {"sequence": "T1"}, "somebody")
        before = list(journal.current_all())
    assert run("review", "siblings", reviewed, "1.1.1") == DONE
    assert "siblings: 1; named by people: 1" in capsys.readouterr().out
    correct = ("correct", "1.1.1", "--journal", reviewed, "--user", "ms")
    assert run(*correct, "--set", "sequence=T2", "--siblings") == DONE
    out = capsys.readouterr().out
    assert "corrected in one step: 3 series; siblings among them: 2" in out
    assert "protected series 3, part 1 (1.3.1): a person named it T1 AX" in out
    assert "another one of this protocol is named T1 by people" in out
    with Journal(reviewed, readonly=True) as journal:
        assert [p.sequence for p in journal.current_all()] == ["T2", "T2", "T1", "T2"]
    assert run(*correct, "--undo", "--siblings") == WRONG_USAGE
    assert run(*correct, "--undo") == DONE
    assert "taken back: 3 series" in capsys.readouterr().out
    with Journal(reviewed, readonly=True) as journal:
        assert list(journal.current_all()) == before
    assert run("review", "siblings", reviewed, "9.9") == WRONG_USAGE
    assert run("review", "siblings", reviewed, "1.1.1", "--part", 2) == WRONG_USAGE


def test_suspects_are_printed(reviewed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("correct", "1.1.1", "--journal", reviewed, "--user", "ms", "--set", "sequence=FLAIR")
    run("correct", "1.2.1", "--journal", reviewed, "--user", "ms", "--set", "sequence=PD")
    run("correct", "1.1.1", "--journal", reviewed, "--user", "ms", "--set", "sequence=ADC")
    assert run("review", "suspects", reviewed) == DONE
    out = capsys.readouterr().out
    assert "human labels that are probably wrong: 1" in out
    assert "the model says T2 (99%), not ADC (0%)" in out


def test_a_second_reading_from_sample_to_agreement(
    reviewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn", reason="agreement needs scikit-learn (extra review)")
    table = tmp_path / "reading.csv"
    sample = ("review", "sample", reviewed, "--n", 30, "--seed", 1, "--out", table)
    assert run(*sample) == WRONG_USAGE  # nobody has named a part yet
    for uid, value in (("1.1.1", "T2"), ("1.2.1", "PD"), ("1.3.1", "T2")):
        run("correct", uid, "--journal", reviewed, "--user", "first", "--set", f"sequence={value}")
    assert run(*sample) == DONE
    assert run(*sample) == WRONG_USAGE  # it may be filled in
    lines = table.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    assert not any("T2 " in line or "PD" in line for line in lines)
    table.write_text("\n".join([lines[0], *(line.replace("t2_tse_tra,", "t2_tse_tra,T2", 1) for line in lines[1:])]))
    read, second = ("review", "read", reviewed), ("--user", "second")
    assert run(*read, "--table", table, *second) == DONE
    assert "3 blind readings by second" in capsys.readouterr().out
    assert run(*read, "1.2.1", "--part", 1, "--set", "sequence=PD", *second) == DONE
    assert run(*read, "1.3.1", "--set", "sequence=T1", *second) == DONE
    assert run("review", "agreement", reviewed, "--readers", "first", "second") == DONE
    out = capsys.readouterr().out
    assert "sequence  3      67%" in out
    assert "they disagree on" in out
    assert run("review", "agreement", reviewed, "--readers", "first", "nobody") == WRONG_USAGE
    with Journal(reviewed, readonly=True) as journal:
        assert [p.sequence for p in journal.current_all()] == ["T2", "PD", "T2", "PD"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["1.1.1"],
        ["--set", "sequence=T2"],
        ["1.1.1", "--set", "sequence=T9"],
        ["1.1.1", "--set", "sequence=T2", "--table", "reading.csv"],
        ["9.9", "--set", "sequence=T2"],
        ["--table", "no such file.csv"],
    ],
)
def test_a_wrong_reading_is_refused_and_writes_nothing(reviewed: Path, arguments: list[str]) -> None:
    assert run("review", "read", reviewed, *arguments, "--user", "ms") == WRONG_USAGE
    with Journal(reviewed, readonly=True) as journal:
        assert len(list(journal.events())) == 4


def test_one_wrong_row_of_a_table_keeps_all_out(reviewed: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("series_uid,part,sequence\n1.1.1,1,T2\n9.9,1,T2\n")
    assert run("review", "read", reviewed, "--table", tmp_path / "t.csv", "--user", "ms") == WRONG_USAGE
    with Journal(reviewed, readonly=True) as journal:
        assert len(list(journal.events())) == 4


def test_publish_and_take_out_again(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify(database, "--quiet", "--publish") == DONE
    assert run("publish", database) == DONE
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
