"""``correct`` and ``journal``: what is meant is labeled, nothing else is, and no journal comes from a typing
error.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.predictions import fake_images, make_prediction
from support.protocols import drawn_protocol
from support.simulated import write_small_series

from SeriesClassifierLib.cli.main import CANNOT_OPEN, DONE, WRONG_USAGE, main
from SeriesClassifierLib.identity import part_key
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.records import Status
from SeriesClassifierLib.simulation.database_writer import write_database

STUDY = "1.2.840.113.54281"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def part(series: int, number: int, *values: str, **changes: object):  # type: ignore[no-untyped-def]
    uid, images = f"{STUDY}.{series}", fake_images(series, number)
    key = part_key(STUDY, uid, values, images)
    place = {"study_uid": STUDY, "series_uid": uid, "series_number": series, "part": number}
    return make_prediction(**{**place, "images": images, "part_key": key, **changes})


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A diffusion series of two parts, and series that share their number; it lies in the current folder."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with Journal(JOURNAL_NAME) as journal:
        journal.add_predictions(
            [
                part(5, 1),
                part(6, 1, "b=50", label="DWI AX b50", sequence="DWI", b_value=50.0),
                part(6, 2, "b=400", label="DWI AX b400", sequence="DWI", b_value=400.0),
                part(7, 1, series_number=8),
                part(8, 1),
            ]
        )
    return folder / JOURNAL_NAME


def labels(path: Path) -> list[str]:
    with Journal(path, readonly=True) as journal:
        return [p.sequence for p in journal.current_all()]


def n_events(path: Path) -> int:
    with Journal(path, readonly=True) as journal:
        return len(list(journal.events()))


# --- what is corrected


@pytest.mark.parametrize("wanted", ["2", "b=400"])
def test_one_part_by_its_number_or_its_value(
    journal: Path, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("correct", "54281/6", "--part", wanted, "--set", "sequence=mrcp", "--user", "ms") == DONE
    assert labels(journal) == ["T2", "DWI", "MRCP", "T2", "T2"]
    line, titles, *rows = capsys.readouterr().out.splitlines()
    assert line == "corrected: DWI AX b400 of series 13.54281/6, part 2 (b 400) is now MRCP AX *"
    assert titles.split() == [
        "series",
        "part",
        "description",
        "label",
        "region",
        "conf",
        "status",
        *["decided", "by", "images"],
    ]
    assert [re.split("  +", row)[:2] for row in rows] == [
        ["13.54281/6", "1 (b 50)"],
        ["13.54281/6", "2 (b 400)"],
    ]


def test_a_whole_series_by_any_of_its_names(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = (f"{STUDY}.5", f"{STUDY}/5", f"{STUDY}/{STUDY}.5", "54281/5", "54281.5")
    for n, name in enumerate(names, start=1):
        assert run("correct", name, "--set", "sequence=T1", "--user", "ms") == DONE, name
        assert "of series 13.54281/5 is now T1 AX *" in capsys.readouterr().out
        with Journal(journal, readonly=True) as opened:
            assert len(opened.corrections(f"{STUDY}.5")) == n
    assert labels(journal) == ["T1", "DWI", "DWI", "T2", "T2"]


def test_what_the_table_shows_can_be_typed(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("journal", "show") == DONE
    rows = [re.split("  +", line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert len(rows) == 5
    for series, shown, *_ in rows[:3]:
        assert (
            run("correct", series, "--part", shown.split(" ")[0], "--set", "plane=COR", "--user", "ms")
            == DONE
        )
    with Journal(journal, readonly=True) as opened:
        assert [p.plane for p in opened.current_all()] == ["COR", "COR", "COR", "AX", "AX"]


def test_several_series_of_one_name_are_refused_with_names_that_work(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = n_events(journal)
    assert run("correct", "54281/8", "--set", "sequence=T1", "--user", "ms") == WRONG_USAGE
    error = capsys.readouterr().err
    assert "could be 2 series: type one of" in error
    assert "P-1" not in error
    assert str(journal.parent) not in error
    assert n_events(journal) == before
    names = re.findall(r"(\S+) \(T2 AX\)", error)
    for name, series in zip(names, (7, 8), strict=True):
        assert (
            run("correct", name, "--set", f"sequence={'T1' if series == 7 else 'PD'}", "--user", "ms") == DONE
        )
    assert labels(journal) == ["T2", "DWI", "DWI", "T1", "PD"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["54281/5"], "--set FACET=VALUE"),
        (["54281/5", "--undo", "--set", "sequence=T1"], "--set FACET=VALUE"),
        (["54281/5", "--undo", "--siblings"], "leave --siblings out"),
        (["54281/5", "--undo", "--new"], "leave --new out"),
        (["54281/5", "--undo"], "no correction"),
        (["54281/5", "--set", "sequence"], "not FACET=VALUE"),
        (["54281/5", "--set", "sequence=T9"], "T9"),
        (["54281/5", "--set", "color=RED"], "color"),
        (["54281/5", "--set", "sequence=T1", "--set", "sequence=T2"], "set twice"),
        (["54281/6", "--part", "3", "--set", "sequence=T1"], r"choose from 1 \(b 50\), 2 \(b 400\)"),
        (["54281/9", "--set", "sequence=T1"], "no series '54281/9'"),
        (["1.2.3.4.5", "--set", "sequence=T1"], "no series '1.2.3.4.5'"),
        (["54281/9", "--set", "sequence=T1", "--new"], "whole SeriesInstanceUID"),
        (["1.2.3.4.5", "--set", "sequence=T1", "--new", "--part", "2"], "leave --part"),
        (["1.2.3.4.5", "--set", "sequence=T1", "--new", "--siblings"], "leave --part"),
    ],
)
def test_wrong_use_is_refused_and_writes_nothing(
    journal: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = n_events(journal)
    assert run("correct", *arguments, "--user", "ms") == WRONG_USAGE
    assert re.search(words, capsys.readouterr().err)
    assert n_events(journal) == before


def test_nobody_labels_nothing(journal: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run("correct", "54281/5", "--set", "sequence=T1", "--user", " ")
    assert ended.value.code == WRONG_USAGE


def test_undo_reverts_the_last_correction(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    correct = ("correct", "54281/6", "--user", "ms")
    run(*correct, "--set", "sequence=ADC")
    assert run(*correct, "--undo") == DONE
    assert "reverted: 2 parts of 1 series" in capsys.readouterr().out
    assert labels(journal) == ["T2", "DWI", "DWI", "T2", "T2"]
    assert run(*correct, "--undo") == WRONG_USAGE


# --- a series that the journal does not have


def test_an_unknown_series_is_labeled_only_when_told(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    correct = ("correct", "1.2.3.4.5", "--set", "sequence=T1", "--user", "ms")
    assert run(*correct, "--new") == DONE
    shown = capsys.readouterr()
    assert "goes to review" in shown.err
    assert "T1" in shown.out
    assert run(*correct) == DONE  # now the journal has it
    with Journal(journal) as opened:
        opened.add_predictions([make_prediction(study_uid="1.2.3.4", series_uid="1.2.3.4.5")])
        (now,) = opened.current_series("1.2.3.4.5")
    assert (now.sequence, now.status) == ("T2", Status.REVIEW)


# --- which journal


CHANGING = [
    ["correct", "54281/5", "--set", "sequence=T1", "--user", "ms"],
    ["correct", "54281/5", "--undo", "--user", "ms"],
    ["correct", "54281/5", "--set", "sequence=T1", "--siblings", "--user", "ms"],
    ["review", "read", "54281/5", "--set", "sequence=T1", "--user", "ms"],
    ["review", "read", "--table", "{table}", "--user", "ms"],
    ["rules", "apply", "--rules", "{rules}", "--user", "ms"],
    ["journal", "merge", "{other}"],
]
READING = [
    ["journal", "show"],
    ["journal", "show", "--series", "54281/5"],
    ["journal", "export", "--out", "{out}"],
    ["review", "queue"],
    ["review", "siblings", "54281/5"],
    ["review", "suspects"],
    ["review", "sample", "--n", "3", "--out", "{out}"],
    ["review", "agreement"],
    ["rules", "propose"],
    ["export", "--source", ".", "--out", "{out}"],
    ["compare", "--new", "headers"],
]


@pytest.mark.parametrize("command", [*CHANGING, *READING], ids=" ".join)
@pytest.mark.parametrize("kind", ["missing", "empty", "folder without one"])
def test_no_command_but_classify_makes_a_journal(
    journal: Path, tmp_path: Path, command: list[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    typo = tmp_path / "typo.sqlite"
    if kind == "empty":
        typo.touch()
    elif kind == "folder without one":
        typo.mkdir()
    files = {
        "table": tmp_path / "t.csv",
        "rules": tmp_path / "r.yaml",
        "other": journal,
        "out": tmp_path / "o.csv",
    }
    files["table"].write_text("series_uid,part,sequence\n1.2.840.113.54281.5,1,T1\n")
    files["rules"].write_text("rules:\n- name: a\n  when: {description: t2}\n  then: {sequence: T1}\n")
    before = n_events(journal)
    arguments = [argument.format(**files) for argument in command]
    assert run(*arguments, "--journal", typo) == CANNOT_OPEN
    error = capsys.readouterr().err
    assert f"there is no journal {typo}" in error
    assert "--journal" in error
    assert n_events(journal) == before
    assert not files["out"].exists()
    assert {"missing": not typo.exists(), "empty": typo.is_file() and not typo.stat().st_size}.get(
        kind, typo.is_dir() and not list(typo.iterdir())
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["not.a.uid", "--set", "sequence=T1"],
        ["54281/5", "--set", "sequence=T1"],
        ["1.2.3.4", "--set", "sequence=T9"],
        ["1.2.3.4", "--set", "nonsense"],
    ],
)
def test_a_refused_correction_leaves_no_new_journal(tmp_path: Path, arguments: list[str]) -> None:
    new = tmp_path / "new.sqlite"
    assert run("correct", *arguments, "--new", "--journal", new, "--user", "ms") == WRONG_USAGE
    assert not new.exists()
    assert (
        run("correct", "1.2.3.4", "--set", "sequence=T1", "--new", "--journal", new, "--user", "ms") == DONE
    )
    assert labels(new) == ["T1"]


def test_the_journal_is_named_by_its_folder_or_database_or_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_small_series(tmp_path / "in", study=1, series=1, images=2)
    database = write_database(files, tmp_path / "database")
    assert run("classify", database, "--mode", "header", "--quiet") == DONE
    place = database.parent
    for n, where in enumerate((place, database, place / JOURNAL_NAME), start=1):
        with Journal(place / JOURNAL_NAME, readonly=True) as opened:
            uid = next(opened.current_all()).series_uid
        assert run("correct", uid, "--set", "sequence=T1", "--user", "ms", "--journal", where) == DONE
        assert n_events(place / JOURNAL_NAME) == 1 + n
    monkeypatch.chdir(place)
    assert run("correct", uid, "--undo", "--user", "ms") == DONE
    assert n_events(place / JOURNAL_NAME) == 5


def test_a_journal_in_front_is_taken_too_but_not_two(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("journal", "show", journal) == DONE
    assert run("review", "siblings", journal, "54281/5") == DONE
    assert run("review", "queue", journal, "--journal", journal) == WRONG_USAGE
    assert run("review", "siblings", journal, "54281/5", "--journal", journal) == WRONG_USAGE


# --- journal


def test_events_of_one_series(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(journal) as opened:
        opened.add_predictions([make_prediction(study_uid="1.2.9", series_uid=f"{STUDY}.5")])
    run("correct", "54281/5", "--set", "sequence=T1", "--user", "ms")
    capsys.readouterr()
    assert run("journal", "show", "--series", "54281/5") == DONE
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["kind"], event["study_uid"]) for event in events] == [
        ("prediction", STUDY),
        ("correction", STUDY),
    ]
    assert not any("patient_id" in event for event in events)


def test_merge_names_what_it_takes_and_what_takes_it(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, new = tmp_path / "other.sqlite", tmp_path / "new.sqlite"
    with Journal(other) as opened:
        opened.add_predictions([make_prediction()])
    assert run("journal", "merge", other) == DONE
    assert capsys.readouterr().out == f"1 new events from {other}\nmerged into {JOURNAL_NAME}\n"
    assert run("journal", "merge", new, other) == CANNOT_OPEN
    assert run("journal", "merge", other, new) == CANNOT_OPEN
    assert not new.exists()
    assert run("journal", "merge", new, other, journal.parent, "--new") == DONE
    assert f"merged into {new}" in capsys.readouterr().out
    assert n_events(new) == n_events(journal) == 6
    assert run("journal", "merge", other, "--journal", other) == WRONG_USAGE
    assert run("journal", "merge", journal) == WRONG_USAGE
    assert run("journal", "export", "--out", tmp_path / "events.jsonl") == DONE
    assert len((tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()) == 6


def test_damaged_rows_are_reported_and_never_labeled(
    journal: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(journal)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE event SET payload = 'x' WHERE series_uid LIKE '%.8'")
    assert run("journal", "show") == DONE
    assert "damaged rows" in caplog.text
    before = n_events(journal)
    assert run("correct", f"{STUDY}.8", "--set", "sequence=T1", "--user", "ms") == WRONG_USAGE
    assert "is damaged: classify the series again" in capsys.readouterr().err
    assert n_events(journal) == before


# --- siblings


def family(path: Path, *numbers: int) -> None:
    """Series of one protocol, each in a study of its own."""
    protocol = drawn_protocol(2, "t2_tse_tra")
    with Journal(path) as journal:
        journal.add_predictions(
            make_prediction(
                study_uid=f"1.{n}", series_uid=f"1.{n}.1", series_number=n, sequence="PD", protocol=protocol
            )
            for n in numbers
        )


def test_siblings_of_a_label_that_is_there_are_corrected_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "j.sqlite"
    family(path, 1, 2)
    correct = ("correct", "1.1.1", "--set", "sequence=T2", "--journal", path, "--user", "ms")
    assert run(*correct) == DONE
    capsys.readouterr()
    assert run(*correct, "--siblings") == DONE
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("corrected: ")]
    assert lines == ["corrected: T2 AX of series 1.2/2, part 1 (time 1) is now T2 AX *"]


def test_many_siblings_are_not_listed_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "j.sqlite"
    family(path, *range(1, 61))
    correct = ("correct", "1.1.1", "--set", "sequence=T2", "--journal", path, "--user", "ms", "--siblings")
    assert run(*correct) == DONE
    out = capsys.readouterr().out
    assert out.count("corrected: T2 AX of series") == 50
    assert "corrected: 10 more" in out
    assert run("correct", "1.2.1", *correct[2:], "--set", "plane=COR") == DONE
    out = capsys.readouterr().out
    assert out.count("kept: ") == 51
    assert "kept: 9 more" in out


def test_siblings_are_corrected_and_reverted_in_one_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "j.sqlite"
    family(path, 1, 2, 3, 4)
    with Journal(path) as journal:
        journal.correct(journal.current_series("1.3.1"), {"sequence": "T1"}, "somebody")
        before = list(journal.current_all())
    assert run("review", "siblings", "1.1.1", "--journal", path) == DONE
    assert "siblings: 0; with a manual label: 1" in capsys.readouterr().out
    correct = ("correct", "1.1.1", "--journal", path, "--user", "ms")
    assert run(*correct, "--set", "sequence=T2", "--siblings") == DONE
    out = capsys.readouterr().out
    assert "corrected in one step: 3 series; siblings among them: 2" in out
    assert "corrected: T2 AX of series 1.4/4, part 1 (time 1) is now T2 AX *" in out
    assert re.search(r"kept: T1 AX of series 1\.3/3.*, which has a manual label", out)
    assert labels(path) == ["T2", "T2", "T1", "T2"]
    assert run(*correct, "--undo") == DONE
    assert "reverted: 3 parts of 3 series" in capsys.readouterr().out
    with Journal(path, readonly=True) as journal:
        assert list(journal.current_all()) == before
    assert run("review", "siblings", "9.9.9", "--journal", path) == WRONG_USAGE
    assert run("review", "siblings", "1.1.1", "--part", "2", "--journal", path) == WRONG_USAGE
