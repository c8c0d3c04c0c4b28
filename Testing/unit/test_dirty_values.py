"""Values against the standard: all readers give the clean value and name the repair, or none gives any."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from support.dirty_values import CREATORS, DIRT, Creator, Dirt, base_file

from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.records import Instance, Prediction, Reason, Repair, Repaired, Status
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.sources import header_scan, open_source
from SeriesClassifierLib.sources.file_reader import read_file
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags
from SeriesClassifierLib.sources.tags import (
    CACHE_TAGS,
    CTK_TAGS,
    MULTIPLICITY,
    NUMBER_TO_TAG,
    NUMERIC_VR,
    TAGS,
)
from SeriesClassifierLib.sources.values import read, read_text

_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")
_NUMBER = {tag.keyword: tag.number for tag in TAGS}


def encoded(number: int, vr: str, raw: bytes) -> bytes:
    raw += b"\0" * (len(raw) % 2)
    head = struct.pack("<HH", number >> 16, number & 0xFFFF) + vr.encode()
    size = struct.pack("<HI", 0, len(raw)) if vr.encode() in _LONG else struct.pack("<H", len(raw))
    return head + size + raw


def with_elements(path: Path, elements: dict[int, tuple[str, bytes]]) -> bytes:
    """The file with elements in the place of its own, byte for byte as they are given."""
    dataset = pydicom.dcmread(path)
    start = io.BytesIO()
    pydicom.dcmwrite(start, dataset)
    content = start.getvalue()
    meta = content[: 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength]
    body = {}
    for number in list(dataset.keys()):
        element = io.BytesIO()
        single = pydicom.Dataset()
        single.add(dataset[number])
        pydicom.filewriter.write_dataset(_little(element), single)
        body[int(number)] = element.getvalue()
    body |= {number: encoded(number, vr, raw) for number, (vr, raw) in elements.items() if raw}
    return meta + b"".join(body[number] for number in sorted(body))


def _little(buffer: io.BytesIO) -> pydicom.filebase.DicomIO:
    writer = pydicom.filebase.DicomFileLike(buffer)
    writer.is_little_endian, writer.is_implicit_VR = True, False
    return writer


def dirty_file(folder: Path, dirt: Dirt) -> Path:
    path = base_file(folder)
    elements = {_NUMBER[k]: value for k, value in dirt.before.items()} | {_NUMBER[dirt.keyword]: (dirt.vr, dirt.raw)}
    path.write_bytes(with_elements(path, elements))
    return path


def repairs_of(instance_repairs: tuple[Repaired, ...], keyword: str) -> set[Repair]:
    return {one.repair for one in instance_repairs if one.keyword == keyword}


@pytest.mark.parametrize("dirt", DIRT, ids=lambda dirt: dirt.name)
def test_both_readers_give_the_clean_value_and_name_the_repair(dirt: Dirt, tmp_path: Path) -> None:
    path = dirty_file(tmp_path, dirt)
    scanned = header_scan.scan(str(path))
    found: set[Repaired] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom speaks of what it is asked to read here
        tags = dataset_tags(pydicom.dcmread(path, stop_before_pixels=True), found)
    expected = {dirt.repair} - {None}
    assert scanned is not None
    for values, repairs in ((scanned.tags, scanned.repairs), (tags, tuple(found))):
        assert values.get(dirt.keyword) == dirt.value
        assert repairs_of(repairs, dirt.keyword) == expected
        if dirt.before:
            assert repairs_of(repairs, "SpecificCharacterSet") == {Repair.CHARACTER_SET}
    assert tags == scanned.tags


@pytest.mark.parametrize("dirt", [d for d in DIRT if d.vr not in ("FD", "UN") and not d.before], ids=lambda dirt: dirt.name)
def test_the_tag_cache_gives_the_same_value(dirt: Dirt) -> None:
    if b"\x1b" in dirt.raw:
        pytest.skip("CTK decodes the texts of its cache itself")
    keyword, vr = CTK_TAGS[f"{_NUMBER[dirt.keyword] >> 16:04X},{_NUMBER[dirt.keyword] & 0xFFFF:04X}"]
    done = read_text(keyword, vr, dirt.raw.decode("latin-1"))
    assert done.value == dirt.value
    # The cache does not keep the VR of the file.
    assert done.repair == (None if dirt.repair is Repair.REPRESENTATION else dirt.repair)


@pytest.mark.parametrize("creator", CREATORS, ids=lambda creator: creator.name)
def test_private_creators_are_trusted_in_any_spelling_and_block(creator: Creator, tmp_path: Path) -> None:
    path = base_file(tmp_path)
    block = creator.block
    elements = {0x00190000 | block: ("LO", creator.text), 0x00190000 | block << 8 | 0x0C: ("IS", b"800")}
    path.write_bytes(with_elements(path, elements))
    (instance,) = read_file(str(path)).instances
    tags = dataset_tags(pydicom.dcmread(path, stop_before_pixels=True))
    assert instance.number("SiemensBValue") == (800.0 if creator.trusted else None)
    assert tags.get("SiemensBValue") == (800.0 if creator.trusted else None)
    assert repairs_of(instance.repairs, "SiemensBValue") == {creator.repair} - {None}


@pytest.mark.parametrize("creator", CREATORS, ids=lambda creator: creator.name)
def test_a_tag_cache_gives_the_private_values_of_the_files(creator: Creator, tmp_path: Path) -> None:
    path = base_file(tmp_path)
    block = creator.block
    elements = {0x00190000 | block: ("LO", creator.text), 0x00190000 | block << 8 | 0x0C: ("IS", b"800")}
    if block != 0x10:  # a vendor takes the next block where the first is taken
        elements[0x00190010] = ("LO", b"ACME 1.1")
    path.write_bytes(with_elements(path, elements))
    database = write_database([path], tmp_path / "database", cache_tags=CACHE_TAGS)
    (study,) = open_source(database).studies()
    (instance,) = study.series[0].instances
    assert instance.number("SiemensBValue") == (800.0 if creator.trusted else None)


CLEAN = st.one_of(
    st.tuples(st.sampled_from(["EchoTime", "RepetitionTime", "SliceThickness"]), st.lists(st.integers(0, 99_999), min_size=1, max_size=1)),
    st.tuples(st.just("PixelSpacing"), st.lists(st.integers(1, 5_000), min_size=2, max_size=2)),
    st.tuples(st.just("ImagePositionPatient"), st.lists(st.integers(-400_000, 400_000), min_size=3, max_size=3)),
)


@given(CLEAN, st.sampled_from(["trailing", "blanks", "LO", "semicolons", "comma"]))
def test_any_clean_number_survives_any_dirt(clean: tuple[str, list[int]], dirt: str) -> None:
    keyword, thousandths = clean
    texts = [f"{value / 1000:.4f}" for value in thousandths]
    separator = ";" if dirt == "semicolons" and len(texts) > 1 else "\\"
    text = separator.join(texts)
    text = {"trailing": f"{text}\\", "blanks": f"  {text} \0", "comma": text.replace(".", ",")}.get(dirt, text)
    done = read(keyword, "LO" if dirt == "LO" else "DS", "DS", text.encode(), True)
    values = tuple(float(one) for one in texts)
    assert done.value == (values[0] if len(values) == 1 else values)
    assert (done.repair is None) == (dirt == "blanks" or (dirt == "semicolons" and len(texts) == 1))


@given(st.sampled_from(sorted(NUMBER_TO_TAG)), st.sampled_from(["DS", "IS", "LO", "CS", "US", "FD", "UN", "SH", "AT", "SQ"]), st.binary(max_size=80))
def test_no_bytes_raise_and_unreadable_numbers_are_reported(number: int, vr: str, raw: bytes) -> None:
    tag = NUMBER_TO_TAG[number]
    done = read(tag.keyword, vr, tag.vr, raw, True)
    assert done.value is None or isinstance(done.value, (str, float, tuple))
    if tag.vr in NUMERIC_VR and vr in ("DS", "LO") and raw.strip(bytes({0, 9, 10, 13, 32, *range(128, 256)})) and done.value is None:
        assert done.repair is Repair.UNREADABLE


@given(st.sampled_from(sorted(MULTIPLICITY)), st.text("0123456789,.;\\ -", max_size=30))
def test_a_repaired_vector_has_the_values_that_it_must_have(keyword: str, text: str) -> None:
    done = read_text(keyword, "DS", text)
    if done.repair is Repair.DECIMAL_COMMA:
        assert isinstance(done.value, tuple)
        assert len(done.value) == MULTIPLICITY[keyword]


def predictions(source: Path) -> list[Prediction]:
    return [p for result in run(open_source(source), Classifier()) for p in result.predictions]


def test_repairs_are_warned_about_once_a_tag_in_folder_and_database(tmp_path: Path) -> None:
    dirt = next(d for d in DIRT if d.name == "comma in a time")
    path = dirty_file(tmp_path / "in", dirt)
    database = write_database([path], tmp_path / "database")
    for source in (tmp_path / "in", database):
        (label,) = predictions(source)
        (warning,) = [e for e in label.evidence if e.reason is Reason.REPAIRED]
        assert (warning.source, warning.value, warning.number) == ("EchoTime", "decimal comma", 1)
        assert not warning.decisive


@pytest.mark.parametrize("dirt", [d for d in DIRT if d.name in ("words", "two echo times", "thousands or decimals")], ids=lambda dirt: dirt.name)
def test_a_label_without_a_deciding_value_is_looked_at(dirt: Dirt, tmp_path: Path) -> None:
    dirty_file(tmp_path, dirt)
    (label,) = predictions(tmp_path)
    assert label.status is not Status.AUTO
    assert Reason.UNREADABLE_VALUE in {e.reason for e in label.evidence}


def test_a_clean_file_has_no_repairs(tmp_path: Path) -> None:
    (instance,) = read_file(str(base_file(tmp_path))).instances
    assert isinstance(instance, Instance)
    assert instance.repairs == ()


@pytest.mark.parametrize("keyword", ["SliceThickness", "EchoTime", "PixelSpacing", "SeriesInstanceUID", "Rows"])
def test_a_file_that_ends_within_a_value_is_a_cut_file(keyword: str, tmp_path: Path) -> None:
    path = base_file(tmp_path)
    content = path.read_bytes()
    number = _NUMBER[keyword]
    start = content.index(struct.pack("<HH", number >> 16, number & 0xFFFF), 300)
    path.write_bytes(content[: start + 9])
    done = read_file(str(path))
    assert done.problem
    assert not done.instances
    (label,) = predictions(tmp_path)
    assert label.status is Status.FAILED


def test_a_file_that_is_cut_in_its_pixels_is_labeled(tmp_path: Path) -> None:
    path = base_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    assert read_file(str(path)).instances


# --- cases of the development data


@pytest.mark.parametrize(("case", "repair"), [("01", Repair.DECIMAL_COMMA), ("02", Repair.SEPARATORS), ("03", Repair.REPRESENTATION)])
def test_cases_of_dirty_values_are_labeled(case: str, repair: Repair, shared_data: Path) -> None:
    (label,) = predictions(shared_data / "cases" / case / "in")
    assert (label.sequence, label.plane, label.n_instances) == ("T2", "AX", 6)
    assert {e.value for e in label.evidence if e.reason is Reason.REPAIRED} == {repair.value}
    assert not [e for e in label.evidence if e.reason is Reason.UNREADABLE_VALUE]


def test_real_exams_need_no_repair(slicer_database: Path) -> None:
    found = {e.reason for p in predictions(slicer_database) for e in p.evidence}
    assert not found & {Reason.REPAIRED, Reason.UNREADABLE_VALUE}


def test_raw_elements_are_what_they_are() -> None:
    raw = RawDataElement(Tag(0x00180081), "DS", 4, b"2,46", 0, False, True)
    dataset = pydicom.Dataset({raw.tag: raw})
    assert dataset_tags(dataset) == {"EchoTime": 2.46}
