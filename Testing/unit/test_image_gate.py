"""What is no MR image gets no label, no thumbnail, and leaves in no form of an export."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.identity_images import Image, write_images
from support.varying_series import VARIANTS, write_enhanced

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.images.slices import read_slices
from SeriesClassifierLib.images.thumbnails import ThumbnailIndex
from SeriesClassifierLib.inference.run import Classifier, StudyResult, run
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.parts.image_gate import ObjectKind, export_refusal, is_picture, modality, refusal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Prediction, Status, TagValue
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.assemble import make_series

MR = "1.2.840.10008.5.1.4.1.1.4"
SPIN_ECHO: Mapping[str, TagValue] = {
    "ScanningSequence": "SE", "SequenceVariant": "SK", "RepetitionTime": 5660.0, "EchoTime": 104.0,
    "FlipAngle": 160.0, "EchoTrainLength": 15.0, "ImageType": ("ORIGINAL", "PRIMARY", "M"),
    "SeriesDescription": "t2_tse_tra",
}  # fmt: skip

# kind -> variants of what a file says: tag -> value, None for no such tag.
REFUSED: dict[ObjectKind, list[dict[str, Any]]] = {
    ObjectKind.SECONDARY_CAPTURE: [
        {"SOPClassUID": f"{MR[:-1]}7"},
        {"SOPClassUID": f"{MR[:-1]}7", "Modality": "OT", "ConversionType": "WSD"},
        {"SOPClassUID": f"{MR[:-1]}7.2"},
        {"SOPClassUID": f"{MR[:-1]}7.4", "PhotometricInterpretation": "RGB"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "Manufacturer": "GE MEDICAL SYSTEMS"},
        {"ImageType": ["DERIVED", "SECONDARY", "OTHER", "PASTED"], "Manufacturer": "SIEMENS"},
        {"SOPClassUID": None, "ConversionType": "SYN"},
        {"ConversionType": "WSD"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREENSHOT_1"]},
        {"ImageType": ["DERIVED", "SECONDARY", "CSA REPORT"], "Manufacturer": "SIEMENS"},
        {"ImageType": ["DERIVED", "SECONDARY", "3D RENDERING"], "Manufacturer": "Philips"},
        {"ImageType": ["DERIVED", "SECONDARY", "CAPTURED"]},
        {"Modality": "SC"},
    ],
    ObjectKind.COLOR: [
        {"PhotometricInterpretation": "RGB"},
        {"PhotometricInterpretation": "YBR_FULL_422", "Manufacturer": "Philips"},
        {"PhotometricInterpretation": "PALETTE COLOR", "Manufacturer": "TOSHIBA"},
        {"SamplesPerPixel": 3},
    ],
    ObjectKind.BURNED_IN: [
        {"BurnedInAnnotation": "YES"},
        {"BurnedInAnnotation": "yes", "Manufacturer": "GE MEDICAL SYSTEMS"},
        {"BurnedInAnnotation": "Y", "Manufacturer": "UIH"},
        {"BurnedInAnnotation": "TRUE"},
        {"BurnedInAnnotation": ["NO", "YES"], "Manufacturer": "Philips"},
        {"BurnedInAnnotation": "YES ", "ImageType": ["DERIVED", "PRIMARY", "MPR"]},
    ],
    ObjectKind.PRIVATE: [
        {"SOPClassUID": "1.3.12.2.1107.5.9.1"},
        {"SOPClassUID": "1.3.46.670589.11.0.0.12.2"},
        {"SOPClassUID": "1.2.840.113619.4.27"},
    ],
    ObjectKind.SPECTROSCOPY: [{"SOPClassUID": f"{MR}.2"}],
    ObjectKind.RAW_DATA: [{"SOPClassUID": f"{MR[:-1]}66"}, {"SOPClassUID": f"{MR[:-1]}66.1"}],
    ObjectKind.LINE: [{"Rows": 1}, {"Columns": 1}],
    ObjectKind.SEGMENTATION: [{"Modality": "SEG"}, {"SOPClassUID": f"{MR[:-1]}66.4"}],
    ObjectKind.REPORT: [{"Modality": "SR"}, {"SOPClassUID": f"{MR[:-1]}88.33"}, {"SOPClassUID": f"{MR[:-1]}88.22"}],
    ObjectKind.KEY_OBJECTS: [{"SOPClassUID": f"{MR[:-1]}88.59"}],
    ObjectKind.PRESENTATION_STATE: [{"Modality": "PR"}, {"SOPClassUID": f"{MR[:-1]}11.1"}],
    ObjectKind.DOCUMENT: [{"SOPClassUID": f"{MR[:-1]}104.1"}],
    ObjectKind.WAVEFORM: [{"SOPClassUID": f"{MR[:-1]}9.1.1"}],
    ObjectKind.RADIOTHERAPY: [{"SOPClassUID": f"{MR[:-1]}481.3"}],
    ObjectKind.VALUE_MAP: [{"SOPClassUID": f"{MR[:-1]}67"}],
    ObjectKind.SURFACE: [{"SOPClassUID": f"{MR[:-1]}68.1"}],
    ObjectKind.NO_PIXELS: [{"Rows": None, "Columns": None}, {"Rows": 0, "Columns": 0}],
    ObjectKind.FRAMES: [{"NumberOfFrames": 12}],
}
VARIANTS_OF_REFUSED = [(kind, changes) for kind, some in REFUSED.items() for changes in some]
ACCEPTED: list[dict[str, Any]] = [
    {"Modality": None},
    {"Modality": ""},
    {"Modality": "mr"},
    {"Modality": "OT"},
    {"Modality": ["MR", "SEG"]},
    {"Modality": "DOC"},
    {"SOPClassUID": None},
    {"BurnedInAnnotation": "NO"},
    {"ConversionType": ""},
    {"PhotometricInterpretation": "MONOCHROME1"},
    {"NumberOfFrames": 1},
]


def write_changed(folder: Path, changes: Mapping[str, Any], name: str = "a", n: int = 3) -> list[Path]:
    """Images of one series with other tags; pixels that are found again: 4242 in every word."""
    images = [Image(f"{name}{k}.dcm", "P1", "study", f"series {name}", f"{name}{k}", k, float(k), f"{k}", SPIN_ECHO) for k in range(n)]
    write_images(folder, images, seed=2)
    paths = [folder / image.file for image in images]
    for path in paths:
        dataset = pydicom.dcmread(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's, about the values that are asked for here
            for keyword, value in changes.items():
                if value is None:
                    delattr(dataset, keyword)
                else:
                    setattr(dataset, keyword, value)
        if changes.get("SamplesPerPixel") == 3:
            dataset.PlanarConfiguration = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.save_as(path)
    return paths


def classified(source: Path, mode: str = "header") -> list[StudyResult]:
    return list(run(open_source(source), Classifier(mode=mode)))


def predictions(source: Path) -> list[Prediction]:
    return [p for result in classified(source) for p in result.predictions]


@pytest.mark.parametrize(("kind", "changes"), VARIANTS_OF_REFUSED, ids=lambda value: str(value)[:60])
def test_what_is_no_mr_image_is_named_and_not_labeled(kind: ObjectKind, changes: dict[str, Any], tmp_path: Path) -> None:
    paths = write_changed(tmp_path / "in", changes)
    (series,) = next(iter(open_source(tmp_path / "in").studies())).series
    assert {found.kind for i in series.instances if (found := refusal(i))} == {kind}
    for source in (tmp_path / "in", write_database(paths, tmp_path / "database")):
        (label,) = predictions(source)
        assert (label.status, label.sequence, label.n_instances) == (Status.UNKNOWN, "unknown", 3)
        assert label.error.startswith("not an MR image: ")


@pytest.mark.parametrize("changes", ACCEPTED, ids=str)
def test_mr_images_with_a_strange_header_are_labeled(changes: dict[str, Any], tmp_path: Path) -> None:
    paths = write_changed(tmp_path / "in", changes)
    for source in (tmp_path / "in", write_database(paths, tmp_path / "database")):
        (label,) = predictions(source)
        assert (label.sequence, label.error) == ("T2", "")


def test_enhanced_images_in_color_are_refused(tmp_path: Path) -> None:
    (path,) = write_enhanced(VARIANTS[0], tmp_path)
    dataset = pydicom.dcmread(path)
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "RGB", 3
    dataset.save_as(path)
    (label,) = predictions(tmp_path)
    assert (label.status, label.error) == (Status.UNKNOWN, "not an MR image: color image")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned-in annotation"),
        ({"ConversionType": "WSD"}, "secondary capture (screenshot)"),
        ({"Modality": "SEG"}, "segmentation"),
        ({"Rows": 0, "Columns": 0}, "no rows and columns"),
        ({"PixelData": None}, "no pixel data"),
        ({"PixelData": b""}, "no pixel data"),
    ],
)
def test_enhanced_objects_that_are_no_images_are_refused(changes: dict[str, Any], error: str, tmp_path: Path) -> None:
    (path,) = write_enhanced(VARIANTS[0], tmp_path)
    dataset = pydicom.dcmread(path)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    assert {label.error for label in predictions(tmp_path)} == {f"not an MR image: {error}"}


@pytest.mark.parametrize("pixels", [None, b""], ids=["absent", "empty"])
@pytest.mark.parametrize("mode", ["header", "full"])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_a_header_without_pixels_is_no_image(pixels: bytes | None, mode: str, syntax: str, tmp_path: Path) -> None:
    for path in write_changed(tmp_path, {}):
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        del dataset.PixelData
        if pixels is not None:
            dataset.add_new("PixelData", "OW", pixels)
        is_implicit, is_little = syntax.endswith("1.2"), not syntax.endswith(".2.2")
        pydicom.dcmwrite(path, dataset, implicit_vr=is_implicit, little_endian=is_little)
    (label,) = [p for result in classified(tmp_path, mode) for p in result.predictions]
    assert (label.status, label.error) == (Status.UNKNOWN, "not an MR image: no pixel data")


def test_the_class_of_the_file_counts_where_the_data_set_names_none(tmp_path: Path) -> None:
    for path in write_changed(tmp_path, {"SOPClassUID": None}):
        dataset = pydicom.dcmread(path)
        dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
        dataset.save_as(path)
    (label,) = predictions(tmp_path)
    assert label.error == "not an MR image: secondary capture (screenshot)"


def test_frames_that_are_missing_are_a_doubt(tmp_path: Path) -> None:
    (path,) = write_enhanced(VARIANTS[0], tmp_path)
    dataset = pydicom.dcmread(path)
    dataset.NumberOfFrames = 2 * dataset.NumberOfFrames
    dataset.save_as(path)
    for label in predictions(tmp_path):
        assert label.status is not Status.AUTO
        assert "NumberOfFrames" in {e.source for e in label.evidence}


def test_a_multi_frame_object_without_groups_is_refused(tmp_path: Path) -> None:
    (path,) = write_enhanced(VARIANTS[0], tmp_path)
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.save_as(path)
    (label,) = predictions(tmp_path)
    assert label.error == "not an MR image: frames that nothing tells apart"


def test_another_modality_is_unknown_and_may_be_shown() -> None:
    ct = Instance("", 0, {"SOPClassUID": f"{MR[:-1]}2", "Modality": "CT", "Rows": 8.0, "Columns": 8.0})
    found = refusal(ct)
    assert found is not None
    assert found.kind is ObjectKind.OTHER_MODALITY
    assert is_picture(ct)
    assert modality(Instance("", 0, {"SOPClassUID": f"{MR[:-1]}2", "Modality": "MR"})) != "MR"
    assert modality(Instance("", 0, {"SOPClassUID": MR, "Modality": "CT"})) == "CT"
    assert modality(Instance("", 0, {"SOPClassUID": MR, "Modality": "OT"})) == "MR"


def test_screenshots_in_a_series_are_a_part_of_their_own(tmp_path: Path) -> None:
    write_changed(tmp_path, {}, "a")
    alone = predictions(tmp_path)
    for path in write_changed(tmp_path, {"SOPClassUID": f"{MR[:-1]}7"}, "b", 2):
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = pydicom.dcmread(tmp_path / "a0.dcm").SeriesInstanceUID
        dataset.save_as(path)
    image, screen = predictions(tmp_path)
    assert (image.label, image.status, image.part_key) == (alone[0].label, alone[0].status, alone[0].part_key)
    assert (screen.status, screen.n_instances) == (Status.UNKNOWN, 2)
    assert screen.part_key.startswith("object=secondary_capture@")


@given(st.sampled_from(VARIANTS_OF_REFUSED), st.integers(1, 5), st.integers(1, 5))
def test_no_part_mixes_images_with_other_objects(
    refused: tuple[ObjectKind, dict[str, Any]], n_images: int, n_others: int
) -> None:
    base: dict[str, TagValue] = {"SOPClassUID": MR, "Modality": "MR", "Rows": 8.0, "Columns": 8.0}
    changed = {k: float(v) if isinstance(v, int) else tuple(v) if isinstance(v, list) else v for k, v in refused[1].items()}
    other = {k: v for k, v in {**base, **changed}.items() if v is not None}
    tags = [base] * n_images + [other] * n_others
    instances = [Instance(f"{n}", 0, {**t, "SOPInstanceUID": f"1.{n}"}) for n, t in enumerate(tags)]
    for part in split(make_series("1.2", instances)):
        assert len({bool(refusal(i)) for i in part.instances}) == 1
        if refusal(part.instances[0]):
            assert read_slices(part.instances, 3, 16).pixels.shape[0] == 0 or refused[0] is ObjectKind.OTHER_MODALITY


MAY_HOLD_TEXT = (ObjectKind.SECONDARY_CAPTURE, ObjectKind.COLOR, ObjectKind.BURNED_IN, ObjectKind.PRIVATE)


@pytest.mark.parametrize("kind", MAY_HOLD_TEXT, ids=lambda kind: kind.value)
def test_no_thumbnail_shows_it(kind: ObjectKind, tmp_path: Path) -> None:
    write_changed(tmp_path, REFUSED[kind][0])
    (result,) = classified(tmp_path)
    index = ThumbnailIndex()
    for part in result.parts:
        index.add(part)
    (label,) = result.predictions
    assert not index(label).uri
    assert not result.parts


def test_no_form_of_export_holds_it_and_it_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("SimpleITK", reason="volumes need SimpleITK (extra bench), which is not installed here")
    source, journal, out = tmp_path / "in", tmp_path / "j.sqlite", tmp_path / "out"
    write_changed(source, {"PixelSpacing": [1.0, 1.0]}, "good")
    for number, kind in enumerate(MAY_HOLD_TEXT):
        for path in write_changed(source, REFUSED[kind][0], f"bad{number}"):
            dataset = pydicom.dcmread(path)
            dataset.PixelData = np.full(len(dataset.PixelData) // 2, 0x4242, "<u2").tobytes()
            dataset.save_as(path)
    with Journal(journal) as opened:
        for result in run(open_source(source), Classifier(), journal=opened):
            opened.correct(result.predictions, {"sequence": "T2"}, "reader")
    capsys.readouterr()
    arguments = ["export", "--journal", str(journal), "--source", str(source), "--out", str(out)]
    assert main([*arguments, "--dicom", "--volumes"]) == 0
    shown = capsys.readouterr().err
    left_out = json.loads((out / "manifest.json").read_text())["left_out"]
    expected = {"secondary capture (screenshot)", "color image", "burned-in annotation", "private object of a vendor"}
    assert left_out == {f"not an MR image: {words}": 1 for words in expected}
    for words in expected:
        assert f"not an MR image: {words}" in shown
        assert f"not an MR image: {words}" in (out / "data_card.md").read_text()
    assert len(list((out / "parts").glob("*.json"))) == 1
    assert len(list((out / "slices").glob("*.npz"))) == 1
    assert len(list(out.glob("nnunet/images*/*.nii.gz"))) == 1
    assert len({path.parent for path in out.glob("dicom/*/*.dcm")}) == 1
    for path in out.rglob("*"):
        if path.is_file():
            assert b"\x42" * 40 not in path.read_bytes()


def test_a_recognizable_person_is_labeled_and_does_not_leave(tmp_path: Path) -> None:
    write_changed(tmp_path, {"RecognizableVisualFeatures": "YES"})
    (label,) = predictions(tmp_path)
    assert label.sequence == "T2"
    (series,) = next(iter(open_source(tmp_path).studies())).series
    refused = export_refusal(series.instances[0])
    assert refused is not None
    assert refused.kind is ObjectKind.RECOGNIZABLE
    assert "not exported" in refused.text


# --- cases of the development data


@pytest.mark.parametrize("case", ["25/screen", "25/screen_full_header", "42/in", "75/in"])
def test_cases_of_screenshots_are_no_mr_images(case: str, shared_data: Path) -> None:
    (label,) = predictions(shared_data / "cases" / case)
    assert (label.status, label.error) == (Status.UNKNOWN, "not an MR image: secondary capture (screenshot)")


@pytest.mark.parametrize("case", ["OT", "empty", "lower", "none"])
def test_case_25_is_mr_by_its_class(case: str, shared_data: Path) -> None:
    (label,) = predictions(shared_data / "cases" / "25" / case)
    assert (label.sequence, label.plane, label.status) == ("T2", "AX", Status.AUTO)


@pytest.mark.parametrize("case", ["42", "75"])
def test_cases_with_burned_in_text_leave_in_no_form(
    case: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("SimpleITK", reason="volumes need SimpleITK (extra bench), which is not installed here")
    source, journal, out = shared_data / "cases" / case / "in", tmp_path / "j.sqlite", tmp_path / "out"
    with Journal(journal) as opened:
        for result in run(open_source(source), Classifier(), journal=opened):
            opened.correct(result.predictions, {"sequence": "T2"}, "reader")
    arguments = ["export", "--journal", str(journal), "--source", str(source), "--out", str(out)]
    assert main([*arguments, "--dicom", "--volumes"]) == 0
    assert "not an MR image: secondary capture (screenshot)" in capsys.readouterr().err
    assert not [p for folder in ("parts", "slices", "dicom", "nnunet") for p in (out / folder).rglob("*") if p.suffix in (".npz", ".dcm", ".gz")]
