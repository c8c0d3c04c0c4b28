"""The table: fixed columns, the same bytes for the same labels, whole or not at all; and series in a few
words.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.predictions import make_prediction, opinions

from SeriesClassifierLib.errors import SeriesClassifierError, UsageError
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.summary import column_text, series_summary
from SeriesClassifierLib.publish.table import COLUMNS, row, sort_key, to_csv, write_table
from SeriesClassifierLib.records import DecidedBy, Evidence, Prediction, Reason, Status, Witness

ENDINGS = (".csv", ".json") if find_spec("pyarrow") is None else (".csv", ".json", ".parquet")


def some_predictions() -> list[Prediction]:
    return [
        make_prediction(),
        make_prediction(part=2, b_value=800.0, sequence="DWI", label="DWI AX b800", confidence=1.0),
        make_prediction(
            series_uid="",
            series_number=None,
            description='a "quoted", broken\nfile',
            confidence=None,
            b_value=0.5,
            status=Status.FAILED,
            decided_by=DecidedBy.HEADER,
            error="header is damaged: send it again",
            evidence=(),
            opinions=(),
        ),
    ]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows as texts, None as nothing, whatever the format."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".json":
        rows = json.loads(path.read_text(encoding="utf-8"))
    else:
        rows = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    return rows


def test_the_columns_are_those_of_the_contract() -> None:
    assert (
        *("patient_id", "study_uid", "series_uid", "part", "series_number", "description", "task", "label"),
        *("region", "sequence", "plane", "phase", "derived", "b_value", "confidence", "status", "decided_by"),
        *("bundle", "n_instances", "error", "part_key"),
    ) == COLUMNS


def test_csv_is_this_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    assert write_table(some_predictions(), path) == 3
    keys = [prediction.part_key for prediction in some_predictions()]
    lines = (
        ",".join(COLUMNS),
        "P-1,1.2.1,1.2.1.5,1,5,t2_tse_tra,prostate,T2 AX,prostate,T2,AX,NONE,ORIGINAL,,0.9877,auto,joint,"
        f"prostate-1.0.0,19,,{keys[0]}",
        "P-1,1.2.1,1.2.1.5,2,5,t2_tse_tra,prostate,DWI AX b800,prostate,DWI,AX,NONE,ORIGINAL,800,1.0000,auto,joint,"
        f"prostate-1.0.0,19,,{keys[1]}",
        'P-1,1.2.1,,1,,"a ""quoted"", broken file",prostate,T2 AX,prostate,T2,AX,NONE,ORIGINAL,0.5,,failed,header,'
        f"prostate-1.0.0,19,header is damaged: send it again,{keys[2]}",
    )
    assert path.read_bytes() == "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_has_the_same_values(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"labels{ending}"
    assert write_table(iter(some_predictions()), path) == 3
    rows = read(path)
    assert [list(found)[: len(COLUMNS)] for found in rows] == [list(COLUMNS)] * 3
    for found, prediction in zip(rows, some_predictions(), strict=True):
        expected = row(prediction)
        for name in COLUMNS:
            if ending != ".csv":
                assert found[name] == expected[name]
            elif isinstance(expected[name], (int, float)):
                assert float(found[name]) == expected[name]
            else:
                assert found[name] == (expected[name] or "")


def test_json_tells_evidence_and_probabilities(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    write_table(some_predictions(), path)
    first, second, _ = json.loads(path.read_text())
    assert first["evidence"] == [
        {
            **{"witness": "fact", "reason": "states", "facet": "plane", "value": "AX", "probability": None},
            **{"other": "", "source": "ImageOrientationPatient", "number": None, "detail": ""},
            **{"against": False, "decisive": False, "text": text(make_prediction().evidence[0])},
        }
    ]
    assert first["probabilities"] == [
        {
            **{"witness": "header", "task": "headers", "facet": "sequence"},
            "classes": {"T2": 0.9877, "T1": 0.0123},
        }
    ]
    assert re.search(r'"b_value": 800,', path.read_text())
    assert second["b_value"] == 800


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    for ending in ENDINGS:
        path = tmp_path / f"empty{ending}"
        assert write_table([], path) == 0
        assert read(path) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_labels_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    paths = [tmp_path / f"{name}{ending}" for name in "ab"]
    for path in paths:
        write_table(some_predictions(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", " =1", "\r\n-1", "=cmd|' /C calc'!A0"]
)
@pytest.mark.parametrize("column", ["description", "error", "patient_id", "label"])
def test_no_cell_is_a_formula(tmp_path: Path, text: str, column: str) -> None:
    path = tmp_path / "labels.csv"
    write_table([make_prediction(**{column: text})], path)
    assert read(path)[0][column] == f"'{text.strip()}"


@given(st.text(), st.floats(), st.floats())
def test_any_text_and_number_gives_one_readable_row(words: str, confidence: float, b_value: float) -> None:
    prediction = make_prediction(
        description=words,
        error=words,
        confidence=confidence,
        b_value=b_value,
        evidence=(
            Evidence(
                Witness.FILE,
                Reason.UNREADABLE,
                value=words,
                probability=confidence,
                number=b_value,
                detail=words,
            ),
        ),
        opinions=opinions({"T2": confidence, words: b_value}),
    )
    with tempfile.TemporaryDirectory() as folder:
        for ending in ENDINGS:
            path = Path(folder, f"labels{ending}")
            write_table([prediction], path)
            (found,) = read(path)
            assert found["label"] == "T2 AX"
            assert not str(found["description"]).startswith(("=", "+", "-", "@")) or ending != ".csv"
        assert Path(folder, "labels.csv").read_bytes().count(b"\n") == 2


def test_rows_are_written_as_they_come(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        tracemalloc.start()
        to_csv((make_prediction(part=index + 1) for index in range(n)), tmp_path / "labels.csv")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(5000) < 2 * peak(500)


def test_the_order_of_the_table_is_study_number_part() -> None:
    rows = [
        make_prediction(study_uid="1", series_number=2, series_uid="b", part=1),
        make_prediction(study_uid="1", series_number=2, series_uid="b", part=2),
        make_prediction(study_uid="1", series_number=10, series_uid="a"),
        make_prediction(study_uid="1", series_number=None, series_uid="a"),
        make_prediction(study_uid="2", series_number=1),
    ]
    assert sorted([*rows[3:], *rows[:3]], key=sort_key) == rows


# Whole or not at all


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    def failing() -> Iterator[Prediction]:
        yield make_prediction()
        raise RuntimeError("model")

    path = tmp_path / f"labels{ending}"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="model"):
        write_table(failing(), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(SeriesClassifierError, match="free some space"), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_device_says_what_to_do() -> None:
    with pytest.raises(SeriesClassifierError, match="free some space"), replacing("/dev/full") as draft:
        draft.write_text("x")
    assert Path("/dev/full").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/labels.csv", "does not exist: make it"),
        ("labels.xlsx", "end it in .csv, .json, .parquet"),
        ("", "end it in"),
    ],
)
def test_a_wrong_path_is_a_wrong_usage(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        write_table([make_prediction()], tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "labels.csv"
    folder.mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        write_table([make_prediction()], folder)


def test_a_link_keeps_pointing_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "labels.csv", tmp_path / "link.csv"
    target.write_text("old")
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system does not let us make links")
    write_table([make_prediction()], link)
    assert link.is_symlink()
    assert len(read(target)) == 1


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'series-classifier\[parquet\]'"):
        write_table([make_prediction()], tmp_path / "labels.parquet")
    assert os.listdir(tmp_path) == []


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys, SeriesClassifierLib.publish.table, SeriesClassifierLib.publish.summary,"
        "SeriesClassifierLib.publish.report, SeriesClassifierLib.publish.column, SeriesClassifierLib.journal.store,"
        "SeriesClassifierLib.images.thumbnails, SeriesClassifierLib.export.journal_events;"
        "print([m for m in ('pydicom', 'pyarrow', 'jinja2', 'yaml', 'PIL', 'numpy', 'torch') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# A series in a few words


def dwi(b_value: float | None, part: int, **changes: Any) -> Prediction:
    return make_prediction(**{"sequence": "DWI", "b_value": b_value, "part": part, **changes})


SUMMARIES: list[tuple[list[Prediction], str]] = [
    ([make_prediction()], "T2 AX"),
    ([dwi(800.0, 3), dwi(50.0, 1), dwi(400.0, 2)], "DWI AX x3: b50/b400/b800"),
    ([dwi(50.0, 1), dwi(1400.0, 2, derived="CALC_BVAL")], "DWI AX x2: b50/b1400"),
    ([dwi(50.0, 1), dwi(None, 2, derived="FA")], "DWI AX x2: b50/FA"),
    (
        [
            make_prediction(sequence="DCE", phase=phase, part=n)
            for n, phase in enumerate(("PRE", "ART", "PORTVEN", "LATE"), 1)
        ],
        "DCE x4: PRE/ART/PORTVEN/LATE",
    ),
    (
        [
            make_prediction(sequence="T1", phase=phase, part=n)
            for n, phase in enumerate(("PRE", "POST", "POST"), 1)
        ],
        "T1 AX x3: PRE/POST",
    ),
    ([make_prediction(sequence="T1", part=n) for n in (1, 2)], "T1 AX x2"),
    (
        [make_prediction(sequence="T1", part=n, part_key=f"TI={300 * n}@{n}") for n in (1, 2)],
        "T1 AX x2: TI 300/600",
    ),
    ([make_prediction(sequence="T1", part=n, part_key=f"time={n}@{n}") for n in (1, 2)], "T1 AX x2"),
    (
        [
            make_prediction(sequence="LOCALIZER", plane=plane, part=n)
            for n, plane in enumerate(("AX", "COR", "SAG"), 1)
        ],
        "LOCALIZER MULTI",
    ),
    (
        [make_prediction(sequence=name, part=n) for n, name in enumerate(("DIXON_IN", "DIXON_OPP"), 1)],
        "AX x2: DIXON_IN/DIXON_OPP",
    ),
    (
        [
            make_prediction(sequence="SWI", derived=name, part=n)
            for n, name in enumerate(("MAGNITUDE", "PHASE"), 1)
        ],
        "SWI AX x2: MAGNITUDE/PHASE",
    ),
    ([make_prediction(part=1), make_prediction(part=2, sequence="unknown")], "AX x2: T2/?"),
    ([dwi(100.0 * n, n) for n in range(1, 10)], "DWI AX x9: b100/b200/b300/b400/.../b900"),
    ([make_prediction(sequence="unknown", label="? AX")], "?"),
]


@pytest.mark.parametrize(("predictions", "text"), SUMMARIES, ids=[text for _, text in SUMMARIES])
def test_a_series_in_a_few_words(predictions: list[Prediction], text: str) -> None:
    assert series_summary(predictions) == text
    assert series_summary(predictions[::-1]) == text


@pytest.mark.parametrize(
    ("statuses", "text"),
    [
        ([Status.AUTO], "T2 AX"),
        ([Status.REVIEW], "T2 AX ?"),
        ([Status.UNKNOWN], "?"),
        ([Status.FAILED], "?"),
        ([Status.CORRECTED], "T2 AX *"),
        ([Status.CORRECTED, Status.AUTO], "T2 AX x2 *"),
        ([Status.CORRECTED, Status.REVIEW], "T2 AX x2 ?"),
        ([Status.AUTO, Status.UNKNOWN], "T2 AX x2 ?"),
    ],
)
def test_the_column_says_how_far_to_trust_it(statuses: list[Status], text: str) -> None:
    assert (
        column_text([make_prediction(part=n, status=status) for n, status in enumerate(statuses, 1)]) == text
    )


def test_the_column_fits_the_database() -> None:
    assert len(column_text([make_prediction(label="x" * 400, status=Status.REVIEW)])) == 255
