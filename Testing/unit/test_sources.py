"""Reading: both readers give the same tags, tags are what DICOM says they are, databases are only read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import tempfile
from pathlib import Path

import pydicom
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag
from support.bad_input import element, encode, part10
from support.simulated import write_small_series

from SeriesClassifierLib.errors import SourceBusyError, SourceError
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.records import Instance, Reason, Repaired, Series, TagValue
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.wheel_samples import copy_wheel_samples
from SeriesClassifierLib.sources import assemble, header_scan, open_source
from SeriesClassifierLib.sources.file_reader import read_file
from SeriesClassifierLib.sources.folder import FolderSource
from SeriesClassifierLib.sources.left_out import LeftOut
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource, find_database
from SeriesClassifierLib.sources.tags import CACHE_TAGS, CTK_TAGS, PRIVATE_TAGS, TAGS
from SeriesClassifierLib.sources.values import decode, from_text

TEST_FILES = sorted(
    path for path in (Path(pydicom.__file__).parent / "data" / "test_files").rglob("*") if path.is_file()
)
PIXELS = element(0x7FE00010, "OW", bytes(8))


def all_series(source: Source) -> list[Series]:
    return [series for study in source.studies() for series in study.series]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two studies: one of two series, one of one."""
    write_small_series(tmp_path / "in" / "a", study=1, series=1, images=3)
    write_small_series(tmp_path / "in" / "b" / "c", study=1, series=2, images=2)
    write_small_series(tmp_path / "in" / "d", study=2, series=1, images=4)
    return tmp_path / "in"


# --- the table of tags


@pytest.mark.parametrize("tag", TAGS, ids=lambda tag: tag.keyword)
def test_tag_is_the_one_of_the_standard(tag: pydicom.tag.BaseTag) -> None:
    assert keyword_for_tag(tag.number) == tag.keyword
    assert tag.vr in dictionary_VR(tag.number).split(" or ")


def test_tags_are_named_once_and_private_groups_are_odd() -> None:
    names = [tag.keyword for tag in TAGS] + [tag.name for tag in PRIVATE_TAGS]
    assert len(set(names)) == len(names)
    assert all(tag.group % 2 == 1 and 0 <= tag.element <= 0xFF for tag in PRIVATE_TAGS)
    assert len(CTK_TAGS) == len(names)


# --- values


@pytest.mark.parametrize(
    ("vr", "raw", "value"),
    [
        ("DS", b"1.5\\2 ", (1.5, 2.0)),
        ("IS", b" 12 ", 12.0),
        ("DS", b"1.5\\x", None),
        ("DS", b"nan", None),
        ("FD", struct.pack("<d", 0.25), 0.25),
        ("FD", struct.pack("<d", float("inf")), None),
        ("FD", b"\0\0\0", None),
        ("US", b"\1\0\2\0", (1.0, 2.0)),
        ("CS", b"ORIGINAL\\PRIMARY ", ("ORIGINAL", "PRIMARY")),
        ("CS", b"\\\\", None),
        ("LO", b"a\x07b\0", "a b"),
        ("LO", b"  ", None),
        ("LO", b"", None),
    ],
)
def test_value(vr: str, raw: bytes, value: TagValue | None) -> None:
    assert decode("WindowCenter", vr, raw, True) == value


def test_value_of_either_byte_order() -> None:
    assert decode("Rows", "US", b"\1\0", True) == 1.0
    assert decode("Rows", "US", b"\0\1", False) == 1.0


def test_free_text_stays_one_text() -> None:
    assert from_text("ImageComments", "LT", "b=800 \\ TRACE") == "b=800 \\ TRACE"


# --- both readers


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_fast_reader_agrees_with_pydicom_on_its_test_files(path: Path) -> None:
    assert_readers_agree(path)


def test_fast_reader_agrees_with_pydicom_on_package_samples(tmp_path: Path) -> None:
    used = sum(assert_readers_agree(path) for path in copy_wheel_samples(tmp_path))
    assert used >= 5


def test_fast_reader_agrees_with_pydicom_on_real_exams(shared_data: Path) -> None:
    files = [path for path in sorted((shared_data / "dicom").rglob("*")) if path.is_file()]
    files += [path for path in sorted((shared_data / "dicom_more").rglob("*.dcm")) if path.is_file()]
    used = sum(assert_readers_agree(path) for path in files)
    assert used > 0.9 * len(files), "the fast reader should be the one for nearly all files of scanners"


@pytest.mark.filterwarnings("ignore")  # pydicom's, about its own broken files
def assert_readers_agree(path: Path) -> bool:
    """True when the fast reader took the file, and then it has to say what pydicom says."""
    scanned = header_scan.scan(str(path))
    fast = scanned.tags if scanned else None
    if fast is None:
        return False
    repairs: set[Repaired] = set()
    slow = dataset_tags(pydicom.dcmread(path, stop_before_pixels=True), repairs)
    assert fast == slow
    assert list(fast) == list(slow)
    assert scanned is not None
    assert set(scanned.repairs) == repairs
    return True


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_reading_any_test_file_ends_in_images_or_a_reason(path: Path) -> None:
    read = read_file(str(path))
    assert not (read.instances and read.problem)
    assert all(instance.text("SeriesInstanceUID") for instance in read.instances)


# Values that files share and values that they do not, so that a group is often, and not always, the one of
# the file before.
FEW_VALUES = {
    0x00080005: ("CS", [b"ISO_IR 100", b"ISO_IR 192", b""]),
    0x00080018: ("UI", [b"1.2.3", b"1.2.4"]),
    0x00100020: ("LO", ["Müller".encode(), "Müller".encode("latin-1")]),
    0x00180081: ("DS", [b"80", b"80,5"]),
    0x00181030: ("LO", ["Übersicht".encode(), b"T2"]),
    0x00190010: ("LO", [b"SIEMENS MR HEADER", b"GEMS_ACQU_01", b"siemens mr header"]),
    0x0019100C: ("IS", [b"800", b"0"]),
    0x0020000E: ("UI", [b"1.2.3"]),
    0x00200013: ("IS", [b"1", b"2"]),
}
FEW_FILES = st.lists(
    st.tuples(
        st.fixed_dictionaries({}, optional={n: st.sampled_from(values) for n, (_, values) in FEW_VALUES.items()}),
        st.booleans(),
    ),
    min_size=2,
    max_size=6,
)


@given(FEW_FILES)
@example([({0x00080005: b"ISO_IR 192", 0x00181030: "Übersicht".encode()}, True)] * 2)
def test_what_was_read_before_changes_no_file(files: list[tuple[dict[int, bytes], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, (values, explicit) in enumerate(files):
            content = encode([(n, (FEW_VALUES[n][0], raw)) for n, raw in sorted(values.items())], explicit=explicit)
            syntax = "1.2.840.10008.1.2.1" if explicit else "1.2.840.10008.1.2"
            # The rest of the file is longer than a tag: the reader must see that a group has ended.
            path = Path(folder) / f"{index}.dcm"
            path.write_bytes(part10(content + encode([(0x7FE00010, ("OW", b"12"))], explicit=explicit), syntax))
            paths.append(str(path))
        in_turn = [header_scan.scan(path) for path in (*paths, *paths)]
        alone = []
        for path in paths:
            header_scan._last_groups.clear()
            alone.append(header_scan.scan(path))
        assert in_turn == alone + alone
        assert None not in alone



def test_private_tags_need_their_creator(tmp_path: Path) -> None:
    uids = [(0x0020000D, ("UI", b"1.2")), (0x0020000E, ("UI", b"1.2.3"))]
    siemens = [(0x00190011, ("LO", b"SIEMENS MR HEADER")), (0x0019110C, ("IS", b"800"))]
    foreign = [(0x00190010, ("LO", b"SOMEBODY ELSE")), (0x0019100C, ("IS", b"50"))]
    path = tmp_path / "x.dcm"
    path.write_bytes(part10(encode(sorted([*siemens, *foreign, *uids]))))
    (instance,) = read_file(str(path)).instances
    assert instance.number("SiemensBValue") == 800.0
    path.write_bytes(part10(encode([*foreign, *uids])))
    assert read_file(str(path)).instances[0].number("SiemensBValue") is None


def test_sequences_hide_their_tags(tmp_path: Path) -> None:
    """A tag inside a sequence is another object's."""
    inside = encode([(0x00180081, ("DS", b"99"))])
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside
    body = element(0x00081140, "SQ", item) + encode(
        [(0x0020000D, ("UI", b"1.2")), (0x0020000E, ("UI", b"1.2.3"))]
    )
    path = tmp_path / "x.dcm"
    path.write_bytes(part10(body + PIXELS))
    assert "EchoTime" not in read_file(str(path)).instances[0].tags
    assert assert_readers_agree(path)


def test_tags_far_behind_the_front_of_a_file_are_read(tmp_path: Path) -> None:
    large = element(0x00091001, "OB", bytes(700_000))
    uids = encode([(0x0020000D, ("UI", b"1.2")), (0x0020000E, ("UI", b"1.2.3"))])
    path = tmp_path / "x.dcm"
    path.write_bytes(part10(large + uids + PIXELS))
    assert assert_readers_agree(path)


# --- folders


def test_folder_gives_whole_series_in_order(folder: Path) -> None:
    source = open_source(folder)
    assert isinstance(source, FolderSource)
    assert isinstance(source, Source)
    assert source.count_series() == 3
    studies = list(source.studies())
    assert [study.study_uid for study in studies] == sorted(study.study_uid for study in studies)
    assert sorted(len(series.instances) for series in all_series(source)) == [2, 3, 4]
    for series in all_series(source):
        numbers = [instance.number("InstanceNumber") for instance in series.instances]
        assert numbers == sorted(numbers)  # type: ignore[type-var]
    source.close()


def test_series_whose_files_lie_scattered_comes_out_whole(folder: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted(folder.rglob("*.dcm"))):
        (tmp_path / "mixed" / str(number % 3)).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "mixed" / str(number % 3) / f"{number}")
    assert stripped(all_series(open_source(tmp_path / "mixed"))) == stripped(all_series(open_source(folder)))


def stripped(series: list[Series]) -> list[tuple[str, tuple[dict[str, TagValue], ...]]]:
    """Series without the names of their files."""
    return [(one.series_uid, tuple(dict(i.tags) for i in one.instances)) for one in series]


def test_one_file_is_a_source_too(folder: Path) -> None:
    (series,) = all_series(open_source(folder / "a" / "0001.dcm"))
    assert len(series.instances) == 1


def test_what_is_not_dicom_is_counted_and_what_claims_to_be_is_told(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / "DICOMDIR").write_bytes(b"a list of files")
    (folder / "broken.dcm").write_text("hello")
    source = open_source(folder)
    assert source.count_series() == 4
    unread = next(source.studies())
    assert (unread.study_uid, unread.series[0].description) == ("", "broken.dcm")
    assert unread.series[0].problems == ("not a DICOM file although it is named or listed as one",)
    assert source.skipped == 2
    assert set(source.left_out) == {LeftOut.DICOMDIR, LeftOut.NOT_DICOM}


def test_unread_files_and_images_without_study_are_one_study_of_no_patient(folder: Path) -> None:
    (folder / "broken.dcm").write_text("hello")
    body = encode([(0x00100020, ("LO", b"P")), (0x0020000E, ("UI", b"1.2.3"))])
    (folder / "x.dcm").write_bytes(part10(body))
    studies = list(open_source(folder).studies())
    assert len({study.study_uid for study in studies}) == len(studies) == 3
    assert (studies[0].study_uid, studies[0].patient_id, len(studies[0].series)) == ("", "", 2)


def test_many_processes_read_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = all_series(open_source(folder))
    monkeypatch.setattr("SeriesClassifierLib.sources.reading._WORTH_A_PROCESS", 1)
    assert all_series(open_source(folder, jobs=2)) == alone


def test_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist: name a folder"):
        open_source(tmp_path / "nowhere")


# --- putting together


def test_image_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    (file,) = write_small_series(tmp_path / "a", study=1, series=1, images=1)
    copy = shutil.copyfile(file, tmp_path / "b.dcm")
    tags: dict[str, TagValue] = {"SOPInstanceUID": "1", "InstanceNumber": 1.0}
    series = assemble.make_series("s", [Instance(str(copy), 0, tags), Instance(str(file), 0, tags)])
    assert [instance.path for instance in series.instances] == [str(file)]
    assert not series.warnings


def test_images_of_one_uid_that_cannot_be_compared_are_both_kept() -> None:
    tags: dict[str, TagValue] = {"SOPInstanceUID": "1", "InstanceNumber": 1.0}
    series = assemble.make_series("s", [Instance("b", 0, tags), Instance("a", 0, tags)])
    assert len(series.instances) == 2
    assert [warning.reason for warning in series.warnings] == [Reason.REPEATED_SOP_UID]


def test_frames_of_a_file_are_images_of_their_own() -> None:
    tags: dict[str, TagValue] = {"SOPInstanceUID": "1"}
    assert len(assemble.make_series("s", [Instance("a", n, tags) for n in (2, 0, 1)]).instances) == 3


def test_order_of_instances_does_not_depend_on_the_order_of_files() -> None:
    instances = [
        Instance(f"{n}", 0, {"SOPInstanceUID": f"1.{n}", "InstanceNumber": float(n // 2)}) for n in range(9)
    ]
    assert assemble.make_series("s", instances) == assemble.make_series("s", reversed(instances))


# --- enhanced multi-frame


def frame_macro(sequence: int, *elements: tuple[int, tuple[str, bytes]]) -> bytes:
    content = encode(sorted(elements))
    return element(sequence, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content)


def sequence_of(*contents: bytes) -> bytes:
    return b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content for content in contents)


@pytest.fixture
def enhanced(tmp_path: Path) -> list[Instance]:
    """Four frames: orientation and TR shared, echo time, position and b-value of their own."""
    shared = frame_macro(0x00209116, (0x00200037, ("DS", b"1\\0\\0\\0\\1\\0")))
    shared += frame_macro(0x00189112, (0x00180080, ("DS", b"5000")))
    frames = [
        frame_macro(0x00209113, (0x00200032, ("DS", f"0\\0\\{n % 2}".encode())))
        + frame_macro(0x00189114, (0x00189082, ("FD", struct.pack("<d", 80.0 + n))))
        + frame_macro(0x00189117, (0x00189087, ("FD", struct.pack("<d", 400.0 * (n // 2)))))
        + frame_macro(0x00189226, (0x00089007, ("CS", b"ORIGINAL\\PRIMARY\\DIFFUSION\\NONE")))
        for n in range(4)
    ]
    body = [
        (0x00080008, ("CS", b"ORIGINAL\\PRIMARY\\DIFFUSION\\MIXED")),
        (0x00080016, ("UI", b"1.2.840.10008.5.1.4.1.1.4.1")),
        (0x00080018, ("UI", b"1.2.3.4")),
        (0x00189008, ("CS", b"SPIN")),
        (0x00189018, ("CS", b"YES")),
        (0x0020000D, ("UI", b"1.2")),
        (0x0020000E, ("UI", b"1.2.3")),
        (0x00280008, ("IS", b"4")),
        (0x52009229, ("SQ", sequence_of(shared))),
        (0x52009230, ("SQ", sequence_of(*frames))),
    ]
    path = tmp_path / "x.dcm"
    path.write_bytes(part10(encode(body), sop_class="1.2.840.10008.5.1.4.1.1.4.1"))
    return list(read_file(str(path)).instances)


def test_frames_carry_shared_and_own_values_under_classic_names(enhanced: list[Instance]) -> None:
    assert [instance.frame for instance in enhanced] == [0, 1, 2, 3]
    assert [instance.number("EchoTime") for instance in enhanced] == [80.0, 81.0, 82.0, 83.0]
    assert [instance.number("DiffusionBValue") for instance in enhanced] == [0.0, 0.0, 400.0, 400.0]
    assert {instance.number("RepetitionTime") for instance in enhanced} == {5000.0}
    assert {instance.tokens("ImageType")[3] for instance in enhanced} == {"NONE"}
    assert {instance.tokens("ScanningSequence") for instance in enhanced} == {("SE", "EP")}


# --- databases


@pytest.fixture
def database(folder: Path, tmp_path: Path) -> Path:
    return write_database(sorted(folder.rglob("*.dcm")), tmp_path / "database")


def test_database_is_found_by_its_folder_and_its_file(database: Path) -> None:
    assert find_database(database) == find_database(database.parent) == database
    assert isinstance(open_source(database.parent), SlicerDatabaseSource)


def test_database_gives_what_the_folder_gives(database: Path, folder: Path) -> None:
    assert stripped(all_series(open_source(database))) == stripped(all_series(open_source(folder)))


def test_database_is_only_read(database: Path) -> None:
    before = {path: path.read_bytes() for path in database.parent.glob("*") if path.is_file()}
    list(open_source(database).studies())
    assert {path: path.read_bytes() for path in database.parent.glob("*") if path.is_file()} == before


def test_complete_tag_cache_spares_the_files(folder: Path, tmp_path: Path) -> None:
    files = sorted(folder.rglob("*.dcm"))
    expected = stripped(all_series(open_source(folder)))
    cached = write_database(files, tmp_path / "cached", cache_tags=CACHE_TAGS)
    shutil.rmtree(tmp_path / "cached" / "dicom")
    assert stripped(all_series(open_source(cached))) == expected


def test_missing_file_of_a_database_fails_its_series_only(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT SeriesInstanceUID, Filename FROM Images").fetchall()
    lost = rows[0][0]
    for uid, name in rows:
        if uid == lost:
            (database.parent / name).unlink()
    found = {series.series_uid: series for series in all_series(open_source(database))}
    assert len(found) == 3
    assert not found[lost].instances
    assert "file is missing" in found[lost].problems[0]
    assert all(series.instances for uid, series in found.items() if uid != lost)


@pytest.fixture(params=["text", "other", "empty"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Something else under the name of a Slicer database."""
    path = tmp_path / "ctkDICOM.sql"
    if request.param == "text":
        path.write_text("DROP TABLE Images;" * 100)
    elif request.param == "other":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE recipes (name TEXT)")
    else:
        path.touch()
    return path


def test_foreign_database_is_refused_with_words(foreign: Path) -> None:
    with pytest.raises(SourceError, match=r": "):
        list(open_source(foreign).studies())


def test_locked_database_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("SeriesClassifierLib.sources.slicer_database._TIMEOUT_S", 0.1)
    lock = sqlite3.connect(database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(SourceBusyError, match="try again"):
            list(open_source(database).studies())
    finally:
        lock.close()


def test_database_that_is_being_read_by_another_can_be_read(database: Path) -> None:
    reader = sqlite3.connect(database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM Images").fetchone()
    assert len(all_series(open_source(database))) == 3
    reader.close()


def test_names_that_are_no_text_are_read(folder: Path) -> None:
    if os.name != "posix":
        pytest.skip("file names are text here")
    os.rename(folder / "a" / "0001.dcm", os.fsencode(folder) + b"/a/caf\xe9")
    assert sorted(len(series.instances) for series in all_series(open_source(folder))) == [2, 3, 4]


def test_chosen_series_bring_their_whole_study_and_no_other(database: Path) -> None:
    everything = list(SlicerDatabaseSource(database).studies())
    assert len(everything) > 1
    chosen = everything[-1].series[0].series_uid
    source = SlicerDatabaseSource(database, series=[chosen])
    assert list(source.studies()) == [everything[-1]]
    assert source.count_series() == len(everything[-1].series)
    assert list(SlicerDatabaseSource(database, series=[]).studies()) == []
