"""DICOM that leaves: nothing but what is on the list, the same pictures, and a reason where it cannot be safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from support.simulated import write_small_series

from SeriesClassifierLib.errors import PrivacyError
from SeriesClassifierLib.export.deidentify import PATIENT, deidentified, write_deidentified
from SeriesClassifierLib.export.identifier_scan import identifiers_of, scan
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.images.pixels import stored_frame
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.tags import TAGS

KEY = SiteKey(bytes(range(32)))
KEPT = {tag.keyword for tag in TAGS} | {
    *("PatientName", "PatientIdentityRemoved", "DeidentificationMethod", "PixelData"),
    "DeidentificationMethodCodeSequence",
    *("BitsAllocated", "HighBit", "PixelRepresentation", "LossyImageCompression"),
}
EMPTY = {
    *("PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"),
    "PositionReferenceIndicator",
}


def image(tmp_path: Path, **tags: TagValue) -> Dataset:
    """One simulated image with everything that must not leave."""
    (path,) = write_small_series(
        tmp_path / "original",
        study=1,
        series=1,
        images=1,
        **{"SequenceName": "*tse2d1_25", "PixelSpacing": (0.5, 0.5), "SliceThickness": 3.0, **tags},
    )
    dataset = pydicom.dcmread(path)
    dataset.PatientName = "Lindqvist^Svenja"
    dataset.PatientBirthDate = "19600229"
    dataset.StudyDate, dataset.StudyTime, dataset.AcquisitionTime = "20190312", "101112", "101213.5"
    dataset.InstitutionName = "Hospital of Elsewhere"
    dataset.PatientComments = "called Svenja"
    dataset.private_block(0x0029, "ELSEWHERE", create=True).add_new(0x01, "LO", "Lindqvist")
    dataset.add_new(0x60003000, "OW", b"\1\0")
    request = Dataset()
    request.RequestedProcedureDescription = "MRI for Svenja"
    dataset.RequestAttributesSequence = [request]
    return dataset


def test_nothing_but_what_is_on_the_list_leaves(tmp_path: Path) -> None:
    out = deidentified(image(tmp_path), KEY)
    assert {element.keyword for element in out} <= KEPT | EMPTY
    assert [e.keyword for e in out if e.tag.is_private or e.VR == "SQ"] == ["DeidentificationMethodCodeSequence"]
    assert all(not out.get(keyword) for keyword in EMPTY)
    assert not [element for element in out if element.VR in ("DA", "DT", "TM") and element.value]
    assert (out.PatientName, out.PatientIdentityRemoved) == ("ANON", "YES")
    assert out.PatientID == KEY.pseudonym(PATIENT, "SMALL")
    told = " ".join(str(element.value) for element in out if element.VR != "UI").lower()
    for word in ("lindqvist", "svenja", "elsewhere", "1960", "2019", "t2_tse_tra", "small"):
        assert word not in told


def test_pictures_geometry_and_parameters_stay(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    path = tmp_path / "out.dcm"
    write_deidentified(deidentified(dataset, KEY), path)
    back = pydicom.dcmread(path)
    assert np.array_equal(back.pixel_array, dataset.pixel_array)
    for keyword in (
        "ImageOrientationPatient",
        "ImagePositionPatient",
        "PixelSpacing",
        "EchoTime",
        "SequenceName",
    ):
        assert back[keyword].value == dataset[keyword].value, keyword
    assert back.SOPClassUID == dataset.SOPClassUID
    assert back.file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID
    assert back.file_meta.MediaStorageSOPInstanceUID == back.SOPInstanceUID
    assert path.read_bytes()[:128] == bytes(128)


def test_the_original_stays_as_it_is(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    same = image(tmp_path)
    deidentified(dataset, KEY)
    assert dataset == same
    assert dataset.file_meta == same.file_meta


def test_what_belonged_together_still_does(tmp_path: Path) -> None:
    paths = write_small_series(tmp_path, study=1, series=1, images=3)
    images = [deidentified(pydicom.dcmread(path), KEY) for path in paths]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({one[keyword].value for one in images}) == 1
    assert len({one.SOPInstanceUID for one in images}) == 3
    assert all(one.SOPInstanceUID.is_valid and one.SOPInstanceUID.startswith("2.25.") for one in images)
    other = deidentified(pydicom.dcmread(paths[0]), SiteKey(bytes(32)))
    assert other.SeriesInstanceUID != images[0].SeriesInstanceUID


def test_a_b_value_of_a_private_tag_becomes_a_standard_one(tmp_path: Path) -> None:
    out = deidentified(image(tmp_path, SiemensBValue=800.0), KEY)
    assert out.DiffusionBValue == 800


def test_nothing_rides_along_behind_the_last_pixel(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    dataset.PixelData += b"Lindqvist."
    assert len(deidentified(dataset, KEY).PixelData) == 8 * 6 * 2


UNSAFE: dict[str, dict[str, Any]] = {
    "BurnedInAnnotation": {"BurnedInAnnotation": "YES"},
    "RecognizableVisualFeatures": {"RecognizableVisualFeatures": "YES"},
    "no MR": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    "no MR ": {"Modality": "CT"},
    "multi-frame": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1"},
    "several frames": {"NumberOfFrames": 2},
    "screenshot": {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
    "converted": {"ConversionType": "WSD"},
    "colors": {"PhotometricInterpretation": "RGB"},
    "no UID": {"SeriesInstanceUID": ""},
    "cut off": {"Rows": 100},
    "BitsAllocated": {"BitsAllocated": None},
}


@pytest.mark.parametrize("reason", UNSAFE)
def test_what_cannot_be_safe_is_refused_with_the_reason(tmp_path: Path, reason: str) -> None:
    dataset = image(tmp_path)
    for keyword, value in UNSAFE[reason].items():
        setattr(dataset, keyword, value)
    with pytest.raises(PrivacyError, match=reason.strip()) as error:
        deidentified(dataset, KEY)
    assert "Lindqvist" not in str(error.value)


def test_overlays_within_the_pixels_are_refused(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    dataset.add_new(0x60000102, "US", 12)
    with pytest.raises(PrivacyError, match="overlay"):
        deidentified(dataset, KEY)


def test_files_without_pixels_or_compression_that_is_known_are_refused(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    del dataset.PixelData
    with pytest.raises(PrivacyError, match="no pixels"):
        deidentified(dataset, KEY)
    dataset = image(tmp_path)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
    with pytest.raises(PrivacyError, match="compression"):
        deidentified(dataset, KEY)


SYNTAXES = {
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
def test_compressed_pixels_leave_as_values_and_nothing_else(tmp_path: Path, syntax: str) -> None:
    dataset = image(tmp_path)
    values = dataset.pixel_array
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xfe\0\x12Svenja Lindqvist\xff\xd9 behind: Lindqvist"])
    with pytest.raises(PrivacyError, match="decoded"):
        deidentified(dataset, KEY)
    write_deidentified(deidentified(dataset, KEY, values), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert out.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert np.array_equal(out.pixel_array, values)
    assert b"Lindqvist" not in (tmp_path / "out.dcm").read_bytes()


def test_decoded_pixels_of_another_size_are_refused(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    dataset.file_meta.TransferSyntaxUID = SYNTAXES["RLE"]
    with pytest.raises(PrivacyError, match="cut off"):
        deidentified(dataset, KEY, np.zeros((2, 2), np.uint16))


@pytest.mark.parametrize("signed", [False, True])
def test_spare_bits_of_pixels_stay_behind(tmp_path: Path, signed: bool) -> None:
    dataset = image(tmp_path)
    values = dataset.pixel_array.astype(np.int64)
    if signed:
        dataset.PixelRepresentation = 1
        values = values - 700
    clean = (values & 0x0FFF).astype("<u2")
    dataset.PixelData = (clean | np.uint16(0xA000)).tobytes()  # an overlay of old in the bits above the twelfth
    write_deidentified(deidentified(dataset, KEY), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert np.array_equal(out.pixel_array.astype(np.int64), values)
    raw = np.frombuffer(out.PixelData, "<i2" if signed else "<u2").reshape(values.shape)
    assert np.array_equal(raw.astype(np.int64), values)


def test_values_that_lie_high_in_their_words_are_moved_down(tmp_path: Path) -> None:
    dataset = image(tmp_path)
    values = dataset.pixel_array
    dataset.HighBit = 15
    dataset.PixelData = (values.astype("<u2") << 4).tobytes()
    out = deidentified(dataset, KEY)
    assert out.HighBit == 11
    assert np.array_equal(np.frombuffer(out.PixelData, "<u2").reshape(values.shape), values)


def test_the_methods_are_named_by_their_codes(tmp_path: Path) -> None:
    out = deidentified(image(tmp_path), KEY)
    found = [(item.CodeValue, item.CodingSchemeDesignator) for item in out.DeidentificationMethodCodeSequence]
    assert found == [("113100", "DCM"), ("113108", "DCM")]
    assert out.PatientIdentityRemoved == "YES"


def test_every_real_image_leaves_clean(slicer_database: Path, tmp_path: Path) -> None:
    series = [series for study in open_source(slicer_database).studies() for series in study.series]
    assert len(series) == 25
    files = []
    for number, one in enumerate(series):
        middle = Path(one.instances[len(one.instances) // 2].path)
        before = middle.read_bytes()
        dataset = pydicom.dcmread(middle)
        path = tmp_path / f"{number:04d}.dcm"
        write_deidentified(deidentified(dataset, KEY, stored_frame(str(middle), 0)), path)
        assert np.array_equal(pydicom.dcmread(path).pixel_array, pydicom.dcmread(middle).pixel_array)
        assert middle.read_bytes() == before
        files.append(middle)
    assert scan(tmp_path, identifiers_of(files)) == []
