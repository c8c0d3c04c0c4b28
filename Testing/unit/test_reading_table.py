"""The table for a second reader: no label in it, and read back as spreadsheets leave it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.curation.reading_table import Reading, read_reading_table, write_reading_table
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.vocabulary import FACETS, classes

HEAD = "study_uid,series_uid,part,series_number,description,sequence,plane,phase,derived,region\n"


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "reading.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_no_label_and_no_patient_is_in_the_table(tmp_path: Path) -> None:
    sample = [make_prediction(description="=scan, 3", series_number=None), make_prediction(part=2)]
    assert write_reading_table(sample, tmp_path / "reading.csv") == 2
    with (tmp_path / "reading.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["part"] for row in rows] == ["1", "2"]
    assert all(row[facet] == "" for row in rows for facet in FACETS)
    assert not {"label", "status", "confidence", "patient_id"} & set(rows[0])
    assert rows[0]["description"] == "'=scan, 3"
    assert read_reading_table(tmp_path / "reading.csv") == []


def test_a_table_that_may_be_filled_in_is_not_written_over(tmp_path: Path) -> None:
    path = table(tmp_path, "mine")
    with pytest.raises(UsageError, match="name another file"):
        write_reading_table([make_prediction()], path)
    assert path.read_text() == "mine"
    with pytest.raises(UsageError, match=r"end the name in \.csv"):
        write_reading_table([make_prediction()], tmp_path / "reading.xlsx")


FILLED = "1.2,1.2.5,1,5,scan,t2,,,,\n1.2,1.2.6,2,6,scan,,,,,\n1.2,1.2.7,1,7,scan, ADC ,ax,,,Prostate\n"
EXPECTED = [
    Reading("1.2.5", 1, {"sequence": "T2"}, study_uid="1.2"),
    Reading("1.2.7", 1, {"sequence": "ADC", "plane": "AX", "region": "prostate"}, study_uid="1.2"),
]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + FILLED,
        (HEAD + FILLED).replace(",", ";"),
        (HEAD + FILLED).replace(",", "\t").replace("\n", "\r\n"),
        "\ufeff" + HEAD + FILLED,
        (HEAD + FILLED).replace("scan", "süß").encode("cp1252"),
        HEAD + FILLED + "\n,,\n",
        "part,series_uid,sequence,study_uid,plane,region\n1,1.2.5,T2,1.2,,\n1,1.2.7,ADC,1.2,AX,prostate\n",
    ],
    ids=[
        "plain",
        "semicolons",
        "tabs",
        "byte order mark",
        "another encoding",
        "empty lines",
        "other columns",
    ],
)
def test_filled_in_rows_are_read_as_spreadsheets_leave_them(tmp_path: Path, text: str | bytes) -> None:
    assert read_reading_table(table(tmp_path, text)) == EXPECTED


def test_the_table_names_each_part_by_its_key(tmp_path: Path) -> None:
    sample = [make_prediction(), make_prediction(part=2)]
    write_reading_table(sample, tmp_path / "reading.csv")
    lines = (tmp_path / "reading.csv").read_text(encoding="utf-8").splitlines()
    filled = "\n".join([lines[0], *(line.replace(",,,,,", ",T1,,,,") for line in lines[1:])])
    found = read_reading_table(table(tmp_path, filled))
    assert [(r.study_uid, r.series_uid, r.part, r.part_key) for r in found] == [
        (p.study_uid, p.series_uid, p.part, p.part_key) for p in sample
    ]
    assert [r.place.rpartition(", ")[2] for r in found] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "1.2,1.2.5,1,5,scan,T9,,,,\n", "line 2: 'T9' is no sequence"),
        (HEAD + "1.2,1.2.5,0,5,scan,T2,,,,\n", "line 2: '0' is not a part number"),
        (HEAD + "1.2,1.2.5,one,5,scan,T2,,,,\n", "line 2: 'one' is not a part number"),
        (HEAD + "1.2,,1,5,scan,T2,,,,\n", "line 2: no series_uid"),
        ("a,b\n1,2\n", "no column 'series_uid'"),
        ("", "no column"),
        (HEAD + "1.2,1.2.5,1,5,scan,T2,,,,\n1.2,1.2.5,1,5,scan,T1,,,,\n", "line 3: .* twice"),
    ],
)
def test_what_cannot_be_understood_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_reading_table(table(tmp_path, text))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="check the path"):
        read_reading_table(tmp_path / "none.csv")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for text in (content, HEAD.encode() + content):
            try:
                found = read_reading_table(table(Path(folder), text))
            except UsageError:
                continue
            for reading in found:
                assert reading.part >= 1
                assert all(value in classes(facet) for facet, value in reading.facets.items())
