"""Nothing is quiet: empty sources say why, clutter is counted, links are followed, zeros cost nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as fixed
from hypothesis import strategies as st
from support.odd_folders import (
    APPLE_DOUBLE,
    NOTHING,
    empty_folders,
    has_sparse_files,
    loops,
    must_hold,
    specials,
    zeros,
)
from support.simulated import write_small_series

from SeriesClassifierLib import classify as classify_folder
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.file_reader import read_file
from SeriesClassifierLib.sources.folder import FolderSource
from SeriesClassifierLib.sources.left_out import LeftOut

needs_links = pytest.mark.skipif(os.name == "nt", reason="links and pipes need another system here")


def counts(folder: Path) -> dict[LeftOut, int]:
    source = open_source(folder)
    assert isinstance(source, FolderSource)
    source.count_series()
    return {kind: files.count for kind, files in source.left_out.items()}


def images(folder: Path) -> set[tuple[str, int]]:
    return {(s.series_uid, len(s.instances)) for study in open_source(folder).studies() for s in study.series}


@pytest.mark.parametrize("name", ["exam.zip", "exam.dcm", "one.dcm.gz", "folder"])
def test_26_archives_end_with_3_and_say_to_unpack_them(
    shared_data: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", str(shared_data / "cases" / "26" / name)]) == 3
    assert "unpack them" in capsys.readouterr().err


def test_31_twins_of_macos_are_counted(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(shared_data / "cases" / "31" / "in"), "--mode", "header", "--json"]) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (end["series"], end["left_out"]) == (1, {"system": 8})


@pytest.mark.parametrize("name", NOTHING)
def test_what_leaves_nothing_is_counted_by_kind_and_an_error(name: str, tmp_path: Path) -> None:
    expected = {kind: n for kind, n in NOTHING[name](tmp_path).items() if n}
    assert counts(tmp_path) == expected
    with pytest.raises(SourceError, match="nothing to classify"):
        classify_folder(tmp_path)


@pytest.mark.parametrize("name", NOTHING)
def test_beside_a_series_it_changes_nothing(name: str, tmp_path: Path) -> None:
    write_small_series(tmp_path / "series", study=1, series=1, images=2)
    alone = images(tmp_path)
    NOTHING[name](tmp_path)
    assert images(tmp_path) == alone


def test_empty_arguments_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty_folders(tmp_path / "deep")
    for source in ("", " ", str(tmp_path), str(tmp_path / "no*"), "x" * 5000):
        assert main(["classify", source]) == 3
        assert capsys.readouterr().err.startswith("series-classifier: ")


def test_what_is_dicom_is_read_whatever_its_name(tmp_path: Path) -> None:
    write_small_series(tmp_path, study=1, series=1, images=2)
    first, second = sorted(tmp_path.rglob("*.dcm"))
    first.rename(first.with_name("._x.dcm"))
    second.rename(second.with_name(".hidden.tmp"))
    assert {n for _, n in images(tmp_path)} == {2}


def test_a_thousand_broken_files_are_one_row(tmp_path: Path) -> None:
    write_small_series(tmp_path / "a", study=1, series=1, images=1)
    for number in range(1000):
        (tmp_path / "a" / f"b{number:04d}.dcm").write_bytes(b"hello")
    failed = [p for p in classify_folder(tmp_path, mode="header") if p.error]
    assert [p.description for p in failed] == ["a"]
    assert "1000" in failed[0].error
    assert "997 more" in failed[0].error


@needs_links
def test_links_are_followed_once(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    write_small_series(plain / "a", study=1, series=1, images=2)
    write_small_series(tmp_path / "far", study=2, series=2, images=3)
    loops(plain)
    (plain / "0far").symlink_to(tmp_path / "far", target_is_directory=True)
    (plain / "1far").symlink_to(tmp_path / "far", target_is_directory=True)
    assert {n for _, n in images(plain)} == {2, 3}
    assert counts(plain) == {LeftOut.SPECIAL: 3}


@needs_links
@fixed(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("fhdtc")), max_size=8))
def test_links_and_twins_never_change_the_series(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, str]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    folders = [root, root / "a", root / "a" / "b", root / "c"]
    for number, folder in enumerate(folders):
        write_small_series(folder, study=number, series=number, images=1)
    plain = images(root)
    files = [sorted(folder.glob("*.dcm"))[0] for folder in folders]
    for number, (one, other, what) in enumerate(changes):
        target = folders[one] / f"{number}x"
        if what == "f":
            target.symlink_to(files[other])
        elif what == "h":
            os.link(files[other], target)
        elif what == "d":
            target.symlink_to(folders[other], target_is_directory=True)
        elif what == "t":
            (folders[one] / f"._{number}.dcm").write_bytes(APPLE_DOUBLE)
        else:
            shutil.copyfile(files[other], target)
    assert images(root) == plain


@needs_links
def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    specials(tmp_path)
    assert counts(tmp_path) == {LeftOut.SPECIAL: 2}
    with pytest.raises(SourceError, match="pipe"):
        open_source(tmp_path / "pipe.dcm")


@needs_links
def test_huge_files_cost_nothing(tmp_path: Path) -> None:
    if not has_sparse_files(tmp_path):
        pytest.skip("this file system has no sparse files")
    write_small_series(tmp_path / "real", study=1, series=1, images=1)
    (real,) = (tmp_path / "real").rglob("*.dcm")
    content = real.read_bytes()
    start = content.index(b"\x08\x00\x16\x00UI")
    endings = (b"", b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff", b"\x08\x00\x01\x00OB\0\0\x00\x00\x00\x70")
    begun = time.monotonic()
    for number, ending in enumerate(endings):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(content[:start] + ending)
        os.truncate(path, 2 << 30)
        assert read_file(str(path)).problem
    assert time.monotonic() - begun < 10


@needs_links
def test_must_hold_100_zero_filled_files_among_25_series(shared_data: Path, tmp_path: Path) -> None:
    if not has_sparse_files(tmp_path):
        pytest.skip("this file system has no sparse files")
    real = sorted({path.parent for path in (shared_data / "slicer_database" / "dicom").rglob("*.dcm")})[:25]
    (tmp_path / "in").mkdir()
    (tmp_path / "linked").mkdir()
    for number, folder in enumerate(real):
        (tmp_path / "linked" / f"{number:02d}").symlink_to(folder, target_is_directory=True)
    plain = images(tmp_path / "linked")
    must_hold(tmp_path / "in", tmp_path / "linked", 25)
    begun = time.monotonic()
    found = images(tmp_path / "in")
    assert time.monotonic() - begun < 10
    assert {one for one in found if one[0]} == plain
    assert counts(tmp_path / "in")[LeftOut.EMPTY] == 100


@needs_links
def test_zeros_alone_say_so(tmp_path: Path) -> None:
    if not has_sparse_files(tmp_path):
        pytest.skip("this file system has no sparse files")
    zeros(tmp_path, 4)
    assert counts(tmp_path) == {LeftOut.EMPTY: 4}


def test_a_dicomdir_stands_for_the_files_that_it_lists(tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    write_small_series(tmp_path / "IMAGES", study=1, series=1, images=3)
    files = sorted(path for path in tmp_path.rglob("*.dcm"))
    for number, file in enumerate(files):
        file.rename(tmp_path / "IMAGES" / f"im{number}")
    (tmp_path / "other").mkdir()
    shutil.copyfile(tmp_path / "IMAGES" / "im2", tmp_path / "other" / "image")
    listed = [["IMAGES", "IM0"], ["images", "IM1.;1"], ["..", "out"], ["/etc", "passwd"], ["IMAGES", "GONE"]]
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.DirectoryRecordSequence = []
    for parts in listed:
        record = pydicom.Dataset()
        record.add_new(0x00041500, "LO", parts)  # CS allows no lower case
        dataset.DirectoryRecordSequence.append(record)
    path = tmp_path / "DICOMDIR"
    dataset.preamble = bytes(128)
    pydicom.dcmwrite(path, dataset)
    assert {n for _, n in images(path)} == {2}
    assert counts(path) == {LeftOut.MISSING: 3}
