"""The search for identifiers: whatever is planted is found and never repeated; a clean export is clean."""

from __future__ import annotations

import csv
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from support.exports import CARD, nifti, png, write_export
from support.simulated import write_small_series

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.export.identifier_scan import Finding, Identifiers, identifiers_of, scan
from SeriesClassifierLib.export.identifiers import common_word, is_number, only_whole
from SeriesClassifierLib.export.needles import Needles
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.sources import open_source

KEY = SiteKey(bytes(range(32)))


def add_identifiers(path: Path) -> None:
    """Make a file an original as hospitals have them."""
    dataset = pydicom.dcmread(path)
    dataset.PatientName = "Lindqvist-Öberg^Svenja Maria^^Dr"
    dataset.PatientID, dataset.OtherPatientIDs = "PAT-4711-X", ["88012345", "K17"]
    dataset.PatientBirthDate, dataset.PatientAge, dataset.PatientWeight = "19600229", "059Y", "71"
    dataset.AccessionNumber, dataset.StudyID = "A0099871", "7"
    dataset.StudyDate, dataset.StudyTime = "20190312", "101112"
    dataset.AcquisitionDateTime = "20190313091011.250"
    dataset.InstitutionName, dataset.InstitutionAddress = "St. Elsewhere Hospital", "12 Main Street"
    dataset.StationName, dataset.DeviceSerialNumber = "MRC35131", "662491"
    dataset.ReferringPhysicianName, dataset.OperatorsName = "Li^Na", ["Ode^K"]
    dataset.SeriesDescription, dataset.PatientComments = "t2_tse_tra Svenja", "prefers\nher first name"
    dataset.PatientTelephoneNumbers = "+49 30 1234567"
    dataset.BodyPartExamined = "PROSTATE"
    request = Dataset()
    request.RequestedProcedureID, request.RequestedProcedureDescription = "REQ-20-77", "Prostata"
    request.RequestedContrastAgent = "none known"
    dataset.RequestAttributesSequence = [request]
    block = dataset.private_block(0x0029, "ELSEWHERE PACS 1.0", create=True)
    block.add_new(0x01, "LO", ["ward 7 west", "Zimmermann"])
    block.add_new(0x02, "UN", b"\x00\x01\x02bed-by-the-window\x00\x03")
    block.add_new(0x03, "SL", 1234567)
    inner = Dataset()
    inner.CodeMeaning = "kept by Zimmermann"
    block.add_new(0x04, "SQ", [inner])
    dataset.save_as(path)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    for path in write_small_series(folder, study=1, series=1, images=3):
        add_identifiers(path)
    return folder


@pytest.fixture(scope="module")
def identifiers(originals: Path) -> Identifiers:
    return identifiers_of(sorted(originals.iterdir()))


@pytest.fixture(scope="module")
def export(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_export(open_source(originals).studies(), folder, KEY)
    return folder


# --- what must not leave


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *(("lindqvist-öberg^svenja maria^^dr", "person name"), ("lindqvist-öberg", "person name")),
        *(
            ("maria", "person name"),
            ("svenja maria lindqvist-öberg", "person name"),
            ("li na", "person name"),
        ),
        *(
            ("li", "person name"),
            ("ode", "person name"),
            ("pat-4711-x", "ID"),
            ("88012345", "ID"),
            ("k17", "ID"),
        ),
        *(("a0099871", "ID"), ("7", "ID"), ("req-20-77", "ID"), ("19600229", "date"), ("1960-02-29", "date")),
        *(("29.02.1960", "date"), ("02/29/1960", "date"), ("20190313", "date"), ("101112", "time of day")),
        *(("09:10:11", "time of day"), ("st. elsewhere hospital", "institution or address")),
        *(("12 main street", "institution or address"), ("mrc35131", "institution or address")),
        *(("662491", "device"), ("059y", "data of the patient"), ("her first name", "data of the patient")),
        *(("t2_tse_tra svenja", "free words"), ("prostata", "free words"), ("none known", "free words")),
        *(
            ("ward 7 west", "private value"),
            ("zimmermann", "private value"),
            ("bed-by-the-window", "private value"),
        ),
        *(("1234567", "private value"), ("kept by zimmermann", "private value")),
        ("elsewhere pacs 1.0", "private value"),
    ],
)
def test_every_kind_of_identifier_is_collected(identifiers: Identifiers, value: str, kind: str) -> None:
    assert identifiers.values.get(value) == kind


def test_uids_are_collected_but_not_those_of_the_standard(originals: Path, identifiers: Identifiers) -> None:
    dataset = pydicom.dcmread(next(originals.iterdir()))
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert identifiers.values[dataset[keyword].value] == "UID"
    assert not [value for value in identifiers.values if value.startswith("1.2.840.10008.")]


def test_what_the_export_itself_is_made_of_is_no_identifier(identifiers: Identifiers) -> None:
    assert not {"prostate", "mr", "se", "siemens", "m", "original", "t2", "4000", "101"} & set(
        identifiers.values
    )


def test_values_are_not_shown(identifiers: Identifiers) -> None:
    assert "svenja" not in repr(identifiers)


def test_files_that_are_not_dicom_are_counted(tmp_path: Path, originals: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    found = identifiers_of([tmp_path / "empty", tmp_path / "missing", *originals.iterdir()])
    assert (found.n_files, found.unread) == (3, 2)


# --- planting


def plant_json(folder: Path, value: str) -> None:
    (folder / "a.json").write_text(json.dumps({"deep": [{"note": value}]}), encoding="utf-8")


def plant_json_key(folder: Path, value: str) -> None:
    (folder / "a.json").write_text(json.dumps({"deep": {value: 1}}, ensure_ascii=False), encoding="utf-8")


def plant_json_lines(folder: Path, value: str) -> None:
    lines = [json.dumps({"part": n, "note": value if n == 7 else ""}) for n in range(20)]
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")


def plant_csv(folder: Path, value: str) -> None:
    rows = [("part", "note"), ("1", "T2 AX"), ("2", value)]
    with open(folder / "a.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def plant_csv_id(folder: Path, value: str) -> None:
    with open(folder / "a.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("patient_id", "n"), (value, "1")])


def plant_markdown(folder: Path, value: str) -> None:
    (folder / "a.md").write_text(f"{CARD}\nMade from | {value} | as it was.\n", encoding="utf-8")


def plant_yaml(folder: Path, value: str) -> None:
    (folder / "a.yaml").write_text(f"task: liver\nnote: '{value}'\n", encoding="utf-8")


def plant_html(folder: Path, value: str) -> None:
    escaped = value.replace("&", "&amp;").replace("ö", "&ouml;")
    (folder / "a.html").write_text(f"<p title='x'>{escaped}</p>", encoding="utf-8")


def plant_text_gz(folder: Path, value: str) -> None:
    (folder / "a.csv.gz").write_bytes(
        gzip.compress(f"note\n{json.dumps(value, ensure_ascii=False)}\nx\n".encode())
    )


def plant_npz_text(folder: Path, value: str) -> None:
    np.savez_compressed(folder / "a.npz", images=np.zeros((2, 4), np.uint8), note=np.array([value]))


def plant_npz_name(folder: Path, value: str) -> None:
    np.savez_compressed(folder / "a.npz", **{value.replace("/", "-"): np.zeros((2, 4), np.uint8)})


def plant_zip_comment(folder: Path, value: str) -> None:
    np.savez_compressed(folder / "a.npz", images=np.zeros((2, 4), np.uint8))
    with zipfile.ZipFile(folder / "a.npz", "a") as file:
        file.comment = value.encode()


def plant_npy_pixels(folder: Path, value: str) -> None:
    image = np.zeros(9000, np.uint8)
    image[50 : 50 + len(value.encode())] = list(value.encode())
    np.savez_compressed(folder / "a.npz", images=image)


def plant_nifti(folder: Path, value: str) -> None:
    (folder / "a.nii.gz").write_bytes(gzip.compress(nifti(value.encode())))


def plant_nifti_pixels(folder: Path, value: str) -> None:
    (folder / "a.nii.gz").write_bytes(gzip.compress(nifti(pixels=bytes(90) + value.encode() + bytes(90))))


def plant_png(folder: Path, value: str) -> None:
    (folder / "a.png").write_bytes(png((b"iTXt", b"Comment\0\0\0\0\0" + value.encode())))


def plant_png_packed(folder: Path, value: str) -> None:
    (folder / "a.png").write_bytes(png((b"zTXt", b"Comment\0\0" + zlib.compress(value.encode()))))


def plant_name(folder: Path, value: str) -> None:
    (folder / f"{value.replace('/', '-')}.json").write_text("{}", encoding="utf-8")


def plant_folder(folder: Path, value: str) -> None:
    (folder / value.replace("/", "-")).mkdir()
    (folder / value.replace("/", "-") / "a.json").write_text('{"a": "x"}', encoding="utf-8")


def dicom(folder: Path) -> Dataset:
    (path,) = write_small_series(folder, study=9, series=9, images=1)
    dataset = pydicom.dcmread(path)
    dataset.PatientName, dataset.PatientID = "ANON", "0123456789abcdef"
    dataset.SeriesDescription = ""
    return dataset


def plant_dicom(folder: Path, value: str) -> None:
    dataset = dicom(folder)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.add_new(0x00204000, "LT", value)
    dataset.save_as(folder / "0001.dcm")


def plant_dicom_nested(folder: Path, value: str) -> None:
    dataset, item = dicom(folder), Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    item.add_new(0x00204000, "LT", value)
    dataset.add_new(0x00082112, "SQ", [item])
    dataset.save_as(folder / "0001.dcm")


def plant_dicom_pixels(folder: Path, value: str) -> None:
    dataset = dicom(folder)
    dataset.PixelData = (value.encode() + bytes(96))[: 96 + len(value) % 2]
    dataset.save_as(folder / "0001.dcm")


def compressed(folder: Path, frame: bytes) -> Dataset:
    dataset = dicom(folder)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def plant_dicom_tail(folder: Path, value: str) -> None:
    compressed(folder, b"\xff\xd8\xff\xda\0\2data\xff\xd9 " + value.encode()).save_as(folder / "0001.dcm")


def plant_dicom_comment(folder: Path, value: str) -> None:
    segment = struct.pack(">HH", 0xFFFE, len(value.encode()) + 2) + value.encode()
    compressed(folder, b"\xff\xd8" + segment + b"\xff\xda\0\2data\xff\xd9").save_as(folder / "0001.dcm")


def plant_dicom_preamble(folder: Path, value: str) -> None:
    dataset = dicom(folder)
    dataset.preamble = (b"\n" + value.encode() + b"\n").ljust(128, b"\0")[:128]
    dataset.save_as(folder / "0001.dcm")


def plant_png_behind(folder: Path, value: str) -> None:
    (folder / "a.png").write_bytes(png() + b"\n" + value.encode())


FIELDS = (
    *(plant_json, plant_json_key, plant_json_lines, plant_csv, plant_csv_id, plant_text_gz, plant_npz_text),
    *(plant_npz_name, plant_nifti, plant_png, plant_png_packed, plant_dicom, plant_dicom_nested),
    *(plant_name, plant_folder),
)
NAMES = (plant_npz_name, plant_name, plant_folder)
LINES = (plant_markdown, plant_yaml, plant_html, plant_zip_comment)
BYTES = (plant_zip_comment, plant_dicom_tail, plant_dicom_comment, plant_dicom_preamble, plant_png_behind)
PIXELS = (plant_npy_pixels, plant_nifti_pixels, plant_dicom_pixels)


PLACES = (*dict.fromkeys((*FIELDS, *LINES, *PIXELS, *BYTES)),)


def test_there_are_at_least_26_places() -> None:
    assert len(PLACES) >= 26


def test_pixels_that_may_show_or_hide_text_are_findings(tmp_path: Path) -> None:
    changes: dict[str, dict[str, object]] = {
        "burned-in annotation": {"BurnedInAnnotation": "YES"},
        "secondary capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        "color image": {"PhotometricInterpretation": "RGB"},
        "spare bits": {"PixelData": b"\x41\xf0" * 48},
    }
    for words, tags in changes.items():
        folder = tmp_path / words
        folder.mkdir()
        dataset = dicom(folder)
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        dataset.save_as(folder / "0001.dcm")
        assert any(words in finding.kind for finding in scan(folder)), words


def test_bytes_behind_a_compressed_image_are_a_finding(tmp_path: Path) -> None:
    plant_dicom_tail(tmp_path, "xyz")
    assert "bytes behind a compressed image" in {finding.kind for finding in scan(tmp_path)}


def tells(planter: Callable[[Path, str], None], value: str, kind: str) -> bool:
    """Whether the rule of ``scan`` says that the value is found there."""
    if planter in PIXELS:
        return not only_whole(value, kind) and len(value) >= (8 if any(c.isalpha() for c in value) else 12)
    if planter in BYTES:
        return not only_whole(value, kind)
    if planter in LINES:
        return not (only_whole(value, kind) and (common_word(value, kind) or is_number(value)))
    return planter not in NAMES or not ("/" in value or (only_whole(value, kind) and is_number(value)))


@pytest.mark.parametrize("planter", PLACES, ids=lambda planter: planter.__name__)
def test_every_identifier_is_found_wherever_it_is_planted_and_is_not_repeated(
    tmp_path: Path, identifiers: Identifiers, planter: Callable[[Path, str], None]
) -> None:
    planted = 0
    for number, (value, kind) in enumerate(sorted(identifiers.values.items())):
        if not tells(planter, value, kind):
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        planter(folder, value)
        findings = scan(folder, identifiers)
        assert kind in {finding.kind for finding in findings}, value
        if len(value) >= 4:
            assert value not in "\n".join(map(str, findings)).lower()
        planted += 1
    assert planted > (20 if planter in PIXELS else 60)


@pytest.mark.parametrize("planter", [plant_json, plant_csv, plant_markdown, plant_dicom])
def test_upper_case_and_other_forms_of_letters_are_found(
    tmp_path: Path, identifiers: Identifiers, planter: Callable[[Path, str], None]
) -> None:
    planter(tmp_path, "LINDQVIST-O\u0308BERG")
    assert "person name" in {finding.kind for finding in scan(tmp_path, identifiers)}


@pytest.mark.parametrize(
    "text",
    [
        *("x19600229", "0.19600229", "119600229", "12.101112", "a101112f", "marias", "Zimmermannweg 1"),
        *("kli", "k171", "17.0"),
    ],
)
def test_pieces_of_other_words_and_numbers_are_not_found(
    tmp_path: Path, identifiers: Identifiers, text: str
) -> None:
    plant_json(tmp_path, text)
    plant_markdown(tmp_path, text)
    assert scan(tmp_path, identifiers) == []


def test_numbers_are_compared_with_ids_but_not_with_times_and_small_ones(
    tmp_path: Path, identifiers: Identifiers
) -> None:
    (tmp_path / "a.json").write_text('{"bytes": 101112, "n": 7, "echo": 71}', encoding="utf-8")
    assert scan(tmp_path, identifiers) == []
    (tmp_path / "a.json").write_text('{"n": 88012345}', encoding="utf-8")
    assert [finding.kind for finding in scan(tmp_path, identifiers)] == ["ID"]


# --- the whole


def test_a_clean_export_is_clean_and_nothing_is_changed(
    export: Path, originals: Path, identifiers: Identifiers
) -> None:
    before = {
        path: path.read_bytes()
        for folder in (export, originals)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert scan(export, identifiers) == []
    assert scan(export) == []
    assert scan(export, identifiers_of(sorted(originals.iterdir()))) == []
    after = {
        path: path.read_bytes()
        for folder in (export, originals)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert after == before


def test_the_originals_are_not_clean(originals: Path, identifiers: Identifiers) -> None:
    kinds = {finding.kind for finding in scan(originals, identifiers)}
    assert kinds >= set(identifiers.values.values())


def test_a_patient_with_a_name_of_our_own_words_makes_no_noise(tmp_path: Path) -> None:
    folder = tmp_path / "originals"
    write_small_series(
        folder, study=1, series=1, images=1, PatientName="Test^Label", PatientID="1", StudyID="2"
    )
    write_export(open_source(folder).studies(), tmp_path / "export", KEY)
    found = identifiers_of(sorted(folder.iterdir()))
    assert "test label" in found.values
    assert scan(tmp_path / "export", found) == []


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="folder"):
        scan(tmp_path / "missing")


# --- without originals


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("born 1960-02-29", "date"), ("29.02.1960", "date"), ("19600229", "date")),
        *(
            ("1.3.12.2.1107.5.2.19", "UID"),
            ("a.b@example.org", "e-mail address"),
            ("Doe^Jane", "person name"),
        ),
        ("(0019,100C) is 800", "private tag"),
    ],
)
@pytest.mark.parametrize("planter", [plant_json, plant_csv, plant_markdown, plant_npz_text, plant_png])
def test_what_looks_like_an_identifier_is_found_without_originals(
    tmp_path: Path, planter: Callable[[Path, str], None], text: str, kind: str
) -> None:
    planter(tmp_path, text)
    findings = scan(tmp_path)
    assert [finding.kind for finding in findings] == [kind]
    assert text not in str(findings[0])


@pytest.mark.parametrize(
    "text",
    ["2.25.1234567890123456", "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4.5", "10.7937/K9TCIA.2017", "CC BY 4.0"],
)
def test_what_only_looks_a_little_like_it_is_not_found(tmp_path: Path, text: str) -> None:
    plant_json(tmp_path, text)
    plant_markdown(tmp_path, text)
    assert scan(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "vr", "value", "kind"),
    [
        *((0x00291001, "LO", "x", "private tag"), (0x00100010, "PN", "Doe", "person name")),
        *(
            (0x00080020, "DA", "20200101", "date or time of day"),
            (0x00080030, "TM", "1200", "date or time of day"),
        ),
        (0x00080014, "UI", "1.2.276.0.7230010.3", "UID"),
    ],
)
def test_elements_of_dicom_files_that_must_not_be_there(
    tmp_path: Path, number: int, vr: str, value: str, kind: str
) -> None:
    dataset = dicom(tmp_path)
    if number >> 16 == 0x0029:
        dataset.private_block(0x0029, "SOMEBODY", create=True)
    dataset.add_new(number, vr, value)
    dataset.save_as(tmp_path / "0001.dcm")
    assert kind in {finding.kind for finding in scan(tmp_path)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.npz", b"PK\x03\x04 cut off"),
        ("a.nii.gz", b"\x1f\x8b cut off"),
        ("a.json", b'{"a": '),
        ("a.png", png()[:10] + b"\xff" * 3),
        ("a.dcm", bytes(128) + b"DICM" + b"\xff" * 20),
    ],
)
def test_what_cannot_be_searched_is_a_finding(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    findings = scan(tmp_path)
    assert name == "a.png" or findings
    assert all(isinstance(finding, Finding) for finding in findings)


def test_arrays_of_objects_are_a_finding_and_are_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert [finding.kind for finding in scan(tmp_path)] == [
        "array that is no plain array and cannot be searched"
    ]


def test_archives_within_archives_end(tmp_path: Path) -> None:
    content = b"x"
    for _ in range(8):
        content = gzip.compress(content)
    (tmp_path / "a.gz").write_bytes(content)
    assert any("not opened" in finding.kind for finding in scan(tmp_path))


@given(st.binary(max_size=400))
def test_no_content_stops_the_scan(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("a.json", "a.csv", "a.npz", "a"):
        for start in (
            b"",
            b"PK\x03\x04",
            b"\x93NUMPY\1\0",
            b"\x89PNG\r\n\x1a\n",
            b"\x1f\x8b\x08",
            bytes(128) + b"DICM",
        ):
            (folder / name).write_bytes(start + content)
            scan(folder, Identifiers({"abcdefgh": "ID"}, 1))


# --- the engine


@given(
    st.lists(st.text("ab.1", min_size=1, max_size=8).map(str.encode), max_size=12),
    st.text("ab.1", max_size=200).map(str.encode),
)
def test_needles_are_found_as_a_plain_search_finds_them(needles: list[bytes], text: bytes) -> None:
    expected = sorted(
        (start, needle)
        for needle in set(needles)
        if len(needle) >= 4
        for start in range(len(text))
        if text.startswith(needle, start)
    )
    assert sorted(Needles(needles).find(text)) == expected


def test_a_needle_across_two_chunks_is_found() -> None:
    size = 1 << 22
    for place in (size - 8, size - 3, size - 1, size, 2 * size - 4):
        data = bytes(place) + b"needle-in-hay" + bytes(100)
        assert list(Needles([b"needle-in-hay"]).find(data)) == [(place, b"needle-in-hay")]


# --- the command


def test_the_command_says_what_it_searched(
    export: Path, originals: Path, identifiers: Identifiers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(export), "--source", str(originals)]) == 0
    n_files = sum(path.is_file() for path in export.rglob("*"))
    assert capsys.readouterr().out == (
        f"searched {len(identifiers):,} values of 3 files in {n_files} files: nothing found\n"
    )


def test_the_command_fails_where_something_is_found_and_does_not_tell_it(
    tmp_path: Path, originals: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant_json(tmp_path, "Svenja Maria")
    assert main(["scan", str(tmp_path), "--source", str(originals)]) == 1
    shown = capsys.readouterr().out
    assert "a.json: deep.note: person name ********" in shown
    assert "svenja" not in shown.lower()
    assert shown.endswith("found\n")


def test_the_command_without_originals_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant_json(tmp_path, "fine")
    assert main(["scan", str(tmp_path)]) == 0
    assert "--source" in capsys.readouterr().out


def test_the_command_refuses_a_source_without_images(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["scan", str(tmp_path), "--source", str(tmp_path / "empty")]) == 3


def test_the_real_exams_leave_clean(slicer_database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    assert write_export(open_source(slicer_database).studies(), folder, KEY, dicom=1) >= 25
    files = sorted(
        {
            Path(i.path)
            for study in open_source(slicer_database).studies()
            for s in study.series
            for i in s.instances
        }
    )
    identifiers = identifiers_of(files)
    assert identifiers.n_files == len(files) == 495
    assert len(identifiers) > 5000
    assert scan(folder, identifiers) == []
    plant_csv(folder, "ProstateX-0000")
    assert [finding.kind for finding in scan(folder, identifiers)] == ["person name"]


def test_findings_name_file_and_place_in_the_same_way_every_time(
    tmp_path: Path, identifiers: Identifiers
) -> None:
    plant_json_lines(tmp_path, "Svenja Maria")
    assert scan(tmp_path, identifiers) == scan(tmp_path, identifiers)
    first = scan(tmp_path, identifiers)[0]
    assert (first.file, first.place) == ("a.jsonl", "line 8, note")
    assert set(first.masked) == {"*"}


def test_a_table_is_written_as_people_do(tmp_path: Path, identifiers: Identifiers) -> None:
    text = io.StringIO()
    csv.writer(text, dialect="excel").writerows([("a", "b"), ("x", 'says "Svenja"')])
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    assert scan(tmp_path, identifiers)[0].place == "line 2, column b"
