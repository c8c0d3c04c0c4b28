"""``review``: the queue, doubtful labels, and a second reading from its table to the agreement of the readers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.predictions import fake_images, make_prediction
from support.protocols import drawn_protocol

from SeriesClassifierLib.cli.main import CANNOT_OPEN, DONE, WRONG_USAGE, main
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Status


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def correct(path: Path, uid: str, sequence: str, user: str = "ms") -> None:
    assert run("correct", uid, "--journal", path, "--user", user, "--set", f"sequence={sequence}") == DONE


def n_events(path: Path) -> int:
    with Journal(path, readonly=True) as journal:
        return len(list(journal.events()))


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    """A journal of four series of one protocol, two of them in review."""
    protocol, path = drawn_protocol(2, "t2_tse_tra"), tmp_path / "j.sqlite"
    review, auto = Status.REVIEW, Status.AUTO
    with Journal(path) as journal:
        journal.add_predictions(
            make_prediction(
                study_uid=f"1.{n}",
                series_uid=f"1.{n}.1",
                series_number=n,
                status=s,
                sequence="PD",
                protocol=protocol,
            )
            for n, s in ((1, review), (2, review), (3, auto), (4, auto))
        )
    return path


def test_queue_is_printed_and_written(
    reviewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("review", "queue", "--journal", reviewed) == DONE
    titles, first, second, summary = capsys.readouterr().out.splitlines()
    assert summary == "parts that need a look: 2; shown: 2"
    assert titles.split()[:3] == ["worth", "series", "part"]
    assert [row.split()[1] for row in (first, second)] == ["1.1/1", "1.2/2"]
    assert (
        run("review", "siblings", "1.1/1", "--journal", reviewed) == DONE
    )  # what the queue shows can be typed
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


def test_suspects_are_printed(reviewed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    correct(reviewed, "1.2.1", "PD")
    correct(reviewed, "1.1.1", "ADC")
    capsys.readouterr()
    assert run("review", "suspects", "--journal", reviewed) == DONE
    titles, row, summary = capsys.readouterr().out.splitlines()
    assert summary == "manual labels that are probably wrong: 1"
    shown = dict(zip(titles.split(), row.split(), strict=False))
    assert (shown["series"], shown["labeled"], shown["rather"]) == ("1.1/1", "ADC", "T2")


# --- a second reading


def sample(reviewed: Path, table: Path) -> list[str]:
    """The lines of a table to read the three labeled series again."""
    for uid, value in (("1.1.1", "T2"), ("1.2.1", "PD"), ("1.3.1", "T2")):
        correct(reviewed, uid, value, "first")
    assert run("review", "sample", "--journal", reviewed, "--n", 30, "--out", table) == DONE
    return table.read_text(encoding="utf-8").splitlines()


def filled(lines: list[str], value: str = "T2") -> str:
    return "\n".join([lines[0], *(line.replace(",,,,,", f",{value},,,,") for line in lines[1:])])


def test_a_second_reading_from_sample_to_agreement(
    reviewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn", reason="agreement needs scikit-learn (extra review)")
    table = tmp_path / "reading.csv"
    command = ("review", "sample", reviewed, "--n", 30, "--out", table)
    assert run(*command) == WRONG_USAGE  # there is no manual label yet
    lines = sample(reviewed, table)
    assert run(*command) == WRONG_USAGE  # it may be filled in
    assert len(lines) == 4
    assert not any("T2 " in line or "PD" in line for line in lines)
    table.write_text(filled(lines))
    read, second = ("review", "read", "--journal", reviewed), ("--user", "second")
    assert run(*read, "--table", table, *second) == DONE
    assert "3 blind readings by second" in capsys.readouterr().out
    assert run(*read, "1.2/2", "--part", 1, "--set", "sequence=PD", *second) == DONE
    assert run("review", "read", reviewed, "1.3.1", "--set", "sequence=T1", *second) == DONE
    assert run("review", "agreement", reviewed, "--readers", "first", "second") == DONE
    out = capsys.readouterr().out
    assert "sequence  3      67%" in out
    assert "they disagree on" in out
    assert "1.3/3" in out
    assert run("review", "agreement", reviewed, "--readers", "first", "nobody") == WRONG_USAGE
    with Journal(reviewed, readonly=True) as journal:
        assert [p.sequence for p in journal.current_all()] == ["T2", "PD", "T2", "PD"]


def test_a_reading_goes_to_the_part_of_its_key_though_numbers_changed(reviewed: Path, tmp_path: Path) -> None:
    lines = sample(reviewed, tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text(filled(lines[:2], "T1"))
    with Journal(reviewed) as journal:
        (known,) = journal.current_series("1.1.1")
        new = make_prediction(
            study_uid="1.1", series_uid="1.1.1", images=fake_images("new"), part_key="a=1@1"
        )
        moved = make_prediction(
            study_uid="1.1",
            series_uid="1.1.1",
            part=2,
            images=fake_images("1.1.1", 1),
            part_key=known.part_key,
        )
        journal.add_predictions([new, moved])
    assert (
        run("review", "read", "--table", tmp_path / "t.csv", "--journal", reviewed, "--user", "second")
        == DONE
    )
    with Journal(reviewed, readonly=True) as journal:
        reading = journal.readings("1.1.1")[-1]
    assert (reading.user, reading.part, reading.about.part_key) == ("second", 2, known.part_key)


def test_a_table_of_other_images_or_of_mixed_rows_is_refused_as_a_whole(
    reviewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    lines = filled(sample(reviewed, table)).splitlines()
    before = n_events(reviewed)
    mixed = [line.rsplit(",", 6) for line in lines]  # part_key is the sixth from the right
    swapped = [mixed[0], [mixed[1][0], mixed[2][1], *mixed[1][2:]], *mixed[2:]]
    for text, words in (
        ("\n".join(",".join(row) for row in swapped), "line 2: series_uid and part_key are of two series"),
        (
            "\n".join([*lines[:3], lines[3].replace("@", "@0")]),
            "line 4: part 1 of series 1.3.1 has other images",
        ),
        (f"{lines[0]}\n{lines[1]}\n{lines[1]}", "line 3: this part is in the table twice"),
    ):
        table.write_text(text)
        assert (
            run("review", "read", "--table", table, "--journal", reviewed, "--user", "second") == WRONG_USAGE
        )
        assert words in capsys.readouterr().err
    assert n_events(reviewed) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["1.1.1"],
        ["--set", "sequence=T2"],
        ["1.1.1", "--set", "sequence=T9"],
        ["1.1.1", "--set", "sequence=T2", "--table", "reading.csv"],
        ["1.1.1", "1.2.1", "--set", "sequence=T2"],
        ["1.1.1", "--table", "reading.csv"],
        ["9.9.9", "--set", "sequence=T2"],
        ["--table", "no such file.csv"],
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_wrong_reading_is_refused_and_writes_nothing(
    reviewed: Path, first: bool, arguments: list[str]
) -> None:
    journal = [reviewed] if first else ["--journal", reviewed]
    assert run("review", "read", *journal, *arguments, "--user", "ms") == WRONG_USAGE
    assert n_events(reviewed) == 4


def test_a_series_of_several_parts_needs_one_of_them(
    reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal(reviewed) as journal:
        journal.add_predictions(make_prediction(study_uid="1.9", series_uid="1.9.1", part=n) for n in (1, 2))
    read = ("review", "read", "1.9.1", "--set", "sequence=T1", "--user", "ms", "--journal", reviewed)
    assert run(*read) == WRONG_USAGE
    assert "choose one of 1 (time 1), 2 (time 2) with --part" in capsys.readouterr().err
    assert run(*read, "--part", "time=2") == DONE


def test_one_wrong_row_of_a_table_keeps_all_out(reviewed: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("series_uid,part,sequence\n1.1.1,1,T2\n9.9.9,1,T2\n")
    assert run("review", "read", reviewed, "--table", tmp_path / "t.csv", "--user", "ms") == WRONG_USAGE
    assert n_events(reviewed) == 4
