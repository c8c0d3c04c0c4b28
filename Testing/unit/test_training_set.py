"""The training export: written whole, brought up to date, read back the same, a patient in one split only."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bundles import headers_bundle
from support.simulated import write_small_series

from SeriesClassifierLib.cli.main import CANNOT_OPEN, WRONG_USAGE, main
from SeriesClassifierLib.errors import SourceError, UsageError
from SeriesClassifierLib.export.curated import FINDINGS, export_curated
from SeriesClassifierLib.export.labeled_parts import LabeledParts
from SeriesClassifierLib.export.patients import groups, split_of
from SeriesClassifierLib.export.training_layout import MANIFEST, Settings
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.headers.part_header import series_headers
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.training.exported import read_training_sets

N_SERIES = 6


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six studies: three of one patient, and three whose PatientID was removed, two of these of one day."""
    folder = tmp_path / "in"
    for study in range(N_SERIES):
        named = {"PatientID": "SOMEBODY-7"} if study < 3 else {"PatientID": "", "PatientName": ""}
        day = "20260301" if study < 5 else "20260415"
        more: dict[str, Any] = {"StudyDate": day, "InstitutionName": "Hospital Nowhere", "StationName": "MRC12345"}
        more["PixelSpacing"] = (0.5, 0.75)
        write_small_series(folder / str(study), study=study, series=1, images=3, **named, **more)
    return folder


@pytest.fixture
def journal(source: Path, tmp_path: Path) -> Iterator[Journal]:
    """All series named by one reader."""
    headers_bundle()
    path = tmp_path / "journal.sqlite"
    assert main(["classify", str(source), "--journal", str(path), "--mode", "header", "--quiet"]) == 0
    with Journal(path) as opened:
        for label in list(opened.current_all()):
            opened.correct([label], {"sequence": "T2", "plane": "AX"}, "Dr Reader")
        yield opened


def series_uids(journal: Journal) -> list[str]:
    return sorted({label.model.series_uid for label in journal.human_labels()})


def export(journal: Journal, source: Path, out: Path, told: Any = lambda *_: None, **settings: Any) -> Any:
    with LabeledParts() as labels:
        labels.extend(journal.human_labels())
        return export_curated(labels, source, out, Settings(**settings), told=told)


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_read_is_what_was_exported(journal: Journal, source: Path, tmp_path: Path) -> None:
    before = content(source)
    result = export(journal, source, tmp_path / "out")
    assert (result.exported.parts, result.findings) == (N_SERIES, ())
    assert content(source) == before
    found = read_training_sets([tmp_path / "out"])
    assert len(found) == N_SERIES
    assert all(e.truth == {"sequence": "T2", "plane": "AX"} for e in found.examples)
    assert all(e.slices.shape == (3, 126, 126) and e.slices.dtype == np.uint8 for e in found.examples)
    for study in open_source(source).studies():
        for series in study.series:
            parts = split(series)
            (header,) = series_headers(series, parts)
            assert any(
                features(e.header) == pytest.approx(features(header), abs=1e-5) for e in found.examples
            )


def test_a_patient_stays_together_also_without_a_name(journal: Journal, source: Path, tmp_path: Path) -> None:
    export(journal, source, tmp_path / "out")
    with (tmp_path / "out" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = sorted([r["group"] for r in rows].count(g) for g in {r["group"] for r in rows})
    assert sizes == [1, 2, 3]
    for group in {row["group"] for row in rows}:
        assert len({row["split"] for row in rows if row["group"] == group}) == 1


def test_the_same_journal_gives_the_same_files_and_a_second_run_keeps_them(
    journal: Journal, source: Path, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        export(journal, source, tmp_path / name)
    assert content(tmp_path / "one") == content(tmp_path / "other")
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "one" / "slices").iterdir()}
    export(journal, source, tmp_path / "one")
    assert content(tmp_path / "one") == content(tmp_path / "other")
    assert times == {p: p.stat().st_mtime_ns for p in times}


def test_a_label_that_changed_or_went_is_brought_up_to_date(
    journal: Journal, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(journal, source, out)
    first, second, *_ = series_uids(journal)
    journal.correct(journal.current_series(first), {"sequence": "FLAIR"}, "Dr Reader")
    assert journal.undo(journal.current_series(second), "Dr Reader")
    export(journal, source, out)
    found = read_training_sets([out])
    assert sorted(e.truth["sequence"] for e in found.examples) == ["FLAIR", *["T2"] * (N_SERIES - 2)]
    assert len(list((out / "parts").iterdir())) == len(list((out / "slices").iterdir())) == N_SERIES - 1


def test_what_changed_since_it_was_labelled_is_left_out(
    journal: Journal, source: Path, tmp_path: Path
) -> None:
    (source / "0" / "0003.dcm").unlink()
    result = export(journal, source, tmp_path / "out")
    assert result.exported.parts == N_SERIES - 1
    assert result.exported.left_out == {"changed since it was classified": 1}


def test_an_export_that_was_stopped_is_no_training_set(
    journal: Journal, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(journal, source, out)

    class Stop(Exception):
        pass

    def stop(_what: str, done: int, _total: int) -> None:
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        export(journal, source, out, told=stop)
    with pytest.raises(SourceError, match="no complete training set"):
        read_training_sets([out])
    export(journal, source, out)
    assert len(read_training_sets([out])) == N_SERIES


@pytest.mark.parametrize("name", ["parts", "slices"])
def test_a_file_that_was_changed_is_refused(
    journal: Journal, source: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    export(journal, source, out)
    path = next((out / name).iterdir())
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SourceError, match="not the file that was exported"):
        read_training_sets([out])


def test_the_manifest_leads_nowhere_else(journal: Journal, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(journal, source, out)
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    manifest["parts"][0]["id"] = "../../secret"
    (out / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SourceError):
        read_training_sets([out])


def test_identifiers_leave_only_when_asked_for(journal: Journal, source: Path, tmp_path: Path) -> None:
    export(journal, source, tmp_path / "plain")
    export(journal, source, tmp_path / "named", identifiers=True)
    plain, named = (b"".join(content(tmp_path / name).values()) for name in ("plain", "named"))
    for value in (b"SOMEBODY-7", b"Dr Reader", b"t2_tse_tra", series_uids(journal)[0].encode()):
        assert value not in plain
        assert value in named
    assert b"must not leave the site" in named


def test_dicom_and_volumes_are_written_and_searched(journal: Journal, source: Path, tmp_path: Path) -> None:
    pytest.importorskip(
        "SimpleITK", reason="volumes need SimpleITK (extra bench), which is not installed here"
    )
    out = tmp_path / "out"
    result = export(journal, source, out, dicom=True, volumes=True)
    assert not result.findings
    assert not result.exported.left_out
    assert not (out / FINDINGS).exists()
    assert len(list((out / "dicom").rglob("*.dcm"))) == 3 * N_SERIES
    lists = json.loads((out / "nnunet" / "datalist.json").read_text(encoding="utf-8"))
    items = [item for name in ("training", "validation", "test") for item in lists[name]]
    assert len(items) == N_SERIES
    assert all((out / "nnunet" / item["image"]).is_file() and item["label"] == 0 for item in items)
    assert lists["classes"] == ["T2"]


def test_what_is_found_is_listed_and_ends_the_command(
    journal: Journal, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaking(header: Any) -> dict[str, Any]:
        return {"note": "SOMEBODY-7"}

    monkeypatch.setattr("SeriesClassifierLib.export.training_set.header_to_json", leaking)
    out = tmp_path / "out"
    command = [
        "export",
        "--journal",
        str(journal.path),
        "--source",
        str(source),
        "--out",
        str(out),
        "--quiet",
    ]
    assert main(command) == 1
    told = (out / FINDINGS).read_text(encoding="utf-8")
    assert "header" in told
    assert "SOMEBODY" not in told


def test_usage_is_checked(journal: Journal, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in the source"):
        export(journal, source, source / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="holds other things"):
        export(journal, source, tmp_path / "other")
    export(journal, source, tmp_path / "out")
    with pytest.raises(UsageError, match="other settings"):
        export(journal, source, tmp_path / "out", slices=3)
    empty = tmp_path / "empty.sqlite"
    Journal(empty).close()
    command = ["export", "--source", str(source), "--out", str(tmp_path / "new"), "--journal"]
    assert main([*command, str(empty)]) == WRONG_USAGE
    assert main([*command, str(tmp_path / "nothing.sqlite")]) == CANNOT_OPEN


KEYS = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=12)


@given(KEYS, st.randoms())
def test_groups_are_the_linked_items_in_any_order(keys: list[list[str]], chance: Any) -> None:
    found = groups(keys)
    for one, group in zip(keys, found, strict=True):
        for other, its in zip(keys, found, strict=True):
            if set(one) & set(other):
                assert group == its
    order = list(range(len(keys)))
    chance.shuffle(order)
    assert groups([keys[k] for k in order]) == [found[k] for k in order]
    assert all(split_of(group) in ("train", "validation", "test") for group in found)


def test_splits_have_their_shares() -> None:
    names = [split_of(f"patient {n}") for n in range(4000)]
    assert names.count("train") / 4000 == pytest.approx(0.7, abs=0.03)
    assert names.count("test") / 4000 == pytest.approx(0.15, abs=0.03)
