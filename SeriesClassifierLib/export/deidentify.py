"""DICOM images that may leave the site: made anew from an allowlist, stricter than the profile of PS3.15.

What stays: pixels, geometry, technical tags (``technical_tags``) and numbers of images. UIDs and PatientID
become pseudonyms of the site. Everything else stays behind: names, dates, words, sequences, overlays, private
tags; a b-value that only a private tag told becomes DiffusionBValue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.errors import PrivacyError
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.technical_tags import as_number, technical_tags
from SeriesClassifierLib.parts.diffusion import b_value
from SeriesClassifierLib.parts.image_kind import image_kinds
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import Instance, TagValue
from SeriesClassifierLib.sources.multiframe import ENHANCED_MR
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags
from SeriesClassifierLib.sources.tags import TAGS

if TYPE_CHECKING:
    from pydicom import Dataset

PATIENT = "patient"
PATIENT_NAME = "ANON"
METHOD = "SeriesClassifier: allowlist"
# Who wrote the file: this program, in every version the same.
IMPLEMENTATION_UID = "2.25.329800735698586629295641978511506172918"
IMPLEMENTATION_NAME = "SERIESCLASSIFIER"

_MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_IMPLICIT = "1.2.840.10008.1.2"
# JPEG, JPEG-LS, JPEG 2000 and RLE: what the classic MR object is compressed with.
_COMPRESSED = re.compile(r"1\.2\.840\.10008\.1\.2\.(4\.(5\d|6\d|70|80|81|90|91|20[123])|5)")
_UNCOMPRESSED = frozenset({_IMPLICIT, _BIG_ENDIAN, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"})
_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
# Beside the technical tags: what puts images in order and in space.
_PLACES = ("SeriesNumber", "InstanceNumber", "AcquisitionNumber", "ImagePositionPatient")
# PS3.3 wants them there even when nothing is known (type 2).
_EMPTY = (
    *("PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
    *("StudyID", "PositionReferenceIndicator"),
)
_PIXELS = (
    "SamplesPerPixel",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
_VR = {tag.keyword: tag.vr for tag in TAGS}
_NUMBER = {tag.keyword: tag.number for tag in TAGS}
_WHOLE = {"IS": (-(2**31), 2**31 - 1), "US": (0, 2**16 - 1), "SS": (-(2**15), 2**15 - 1)}
_PIXEL_DATA = 0x7FE00010
_OVERLAY_BIT_POSITION = 0x0102


def deidentified(dataset: Dataset, key: SiteKey) -> Dataset:
    """A new data set with its file meta information; ``dataset`` stays as it is.

    Raises PrivacyError with the reason when no safe image can be made of it: not a classic MR image, text
    burned into the pixels or hidden beside them, colors, screenshots, unknown compression, missing UIDs.
    """
    from pydicom.dataset import Dataset

    syntax = _checked(dataset)
    tags = dataset_tags(dataset)
    uids = {keyword: key.uid(_text(dataset, keyword)) for keyword in _UIDS}
    if not all(uids[keyword] for keyword in _UIDS[:3]):
        raise _unsafe("its study, series or image has no UID")
    out = Dataset()
    out.SOPClassUID = _MR_IMAGE_STORAGE
    for keyword, uid in uids.items():
        if uid:
            setattr(out, keyword, uid)
    for keyword in _EMPTY:
        setattr(out, keyword, "")
    out.PatientName = PATIENT_NAME
    out.PatientID = key.pseudonym(PATIENT, _text(dataset, "PatientID"))
    out.PatientIdentityRemoved = "YES"
    out.DeidentificationMethod = METHOD
    _put_tags(out, tags)
    _put_pixels(out, dataset, syntax)
    out.file_meta = _meta(uids["SOPInstanceUID"], syntax)
    return out


def write_deidentified(dataset: Dataset, path: str | PathLike[str]) -> None:
    """Write what ``deidentified`` made as a DICOM file, with pydicom 2 and 3 alike.

    Raises UsageError for a missing folder, SeriesClassifierError when the file cannot be written.
    """
    import pydicom

    with replacing(path) as draft:
        if int(pydicom.__version__.split(".")[0]) >= 3:
            dataset.save_as(draft, enforce_file_format=True)
            return
        syntax = dataset.file_meta.TransferSyntaxUID  # pydicom 2 does not look at it
        dataset.is_little_endian, dataset.is_implicit_VR = syntax != _BIG_ENDIAN, syntax == _IMPLICIT
        dataset.save_as(draft, write_like_original=False)


def _unsafe(reason: str) -> PrivacyError:
    return PrivacyError(f"this image cannot leave as DICOM ({reason}): leave it out")


def _checked(dataset: Dataset) -> str:
    """The transfer syntax of an image that can be made safe. Raises PrivacyError for any other."""
    sop_class = _text(dataset, "SOPClassUID")
    if sop_class in ENHANCED_MR:
        raise _unsafe("it is a multi-frame object")
    if sop_class != _MR_IMAGE_STORAGE or _text(dataset, "Modality") not in ("", "MR"):
        raise _unsafe("it is no MR image")
    if _text(dataset, "NumberOfFrames") not in ("", "1"):
        raise _unsafe("it holds several frames")
    for keyword in ("BurnedInAnnotation", "RecognizableVisualFeatures"):
        if _text(dataset, keyword).upper() not in ("", "NO"):
            raise _unsafe(f"{keyword} is not NO")
    words = tuple(word.strip().upper() for word in _text(dataset, "ImageType").split("\\"))
    if "SCREEN" in image_kinds(words) or any("SCREEN" in word for word in words):
        raise _unsafe("its ImageType says that it is a screenshot")
    if _text(dataset, "ConversionType"):
        raise _unsafe("it was converted from something else")
    if _text(dataset, "PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        raise _unsafe("it has colors, as screenshots do")
    if any(0x6000 <= tag.group <= 0x60FF and tag.element == _OVERLAY_BIT_POSITION for tag in dataset.keys()):  # noqa: SIM118
        _check_overlays(dataset)
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))
    if syntax not in _UNCOMPRESSED and not _COMPRESSED.fullmatch(syntax):
        raise _unsafe("its compression is unknown")
    return syntax


def _check_overlays(dataset: Dataset) -> None:
    """Old overlays lie in the spare bits of the pixels and would leave with them."""
    for tag in dataset.keys():  # noqa: SIM118  a data set iterates over elements
        if 0x6000 <= tag.group <= 0x60FF and tag.element == _OVERLAY_BIT_POSITION:
            try:
                position = int(dataset[tag].value or 0)
            except Exception as error:  # pydicom raises many kinds for a broken element
                raise _unsafe("an overlay cannot be read") from error
            if position:
                raise _unsafe("an overlay lies within its pixels")


def _text(dataset: Dataset, keyword: str) -> str:
    """The element as text, values joined by a backslash; "" when it is not there.

    Raises PrivacyError when it cannot be read.
    """
    try:
        value = dataset.get(keyword)
        if value is None:
            return ""
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
            return str(value).strip("\0 ")
        return "\\".join(str(one) for one in value)
    except Exception as error:  # pydicom raises many kinds for a broken element
        raise _unsafe(f"{keyword} cannot be read") from error


def _put_tags(out: Dataset, tags: Mapping[str, TagValue]) -> None:
    instance = Instance("", 0, tags)
    places: dict[str, TagValue] = {name: instance.numbers(name) for name in _PLACES}
    found = b_value(instance)
    b_values: dict[str, TagValue] = {"DiffusionBValue": as_number(found.value)} if found is not None else {}
    for keyword, value in {**technical_tags(tags), **places, **b_values, "Modality": "MR"}.items():
        if keyword not in _PIXELS:
            _put(out, keyword, _vr(keyword, tags), value)


def _vr(keyword: str, tags: Mapping[str, TagValue]) -> str:
    """Smallest and largest pixel values are signed where one of them is negative."""
    ends = ("SmallestImagePixelValue", "LargestImagePixelValue")
    if keyword in ends and any(v < 0 for end in ends for v in Instance("", 0, tags).numbers(end)):
        return "SS"
    return _VR[keyword]


def _put(out: Dataset, keyword: str, vr: str, value: TagValue) -> None:
    """Add one element; nothing when the value does not fit its VR."""
    values = [_encoded(vr, one) for one in (value if isinstance(value, tuple) else (value,))]
    if values and all(one not in (None, "") for one in values):
        out.add_new(_NUMBER[keyword], vr, values if len(values) > 1 else values[0])


def _encoded(vr: str, value: str | float) -> Any:
    if isinstance(value, str):
        return value
    if vr in _WHOLE:
        low, high = _WHOLE[vr]
        return int(value) if value.is_integer() and low <= value <= high else None
    return f"{value:.9g}" if vr == "DS" else value


def _put_pixels(out: Dataset, dataset: Dataset, syntax: str) -> None:
    numbers: dict[str, int] = {}
    for keyword in _PIXELS:
        text = _text(dataset, keyword)
        if not text.isascii() or not text.isdigit():
            raise _unsafe(f"{keyword} is missing")
        numbers[keyword] = int(text)
        setattr(out, keyword, numbers[keyword])
    out.PhotometricInterpretation = _text(dataset, "PhotometricInterpretation")
    raw = dataset.get_item(_PIXEL_DATA)
    pixels = getattr(raw, "value", None)
    if not isinstance(pixels, bytes) or not pixels or numbers["SamplesPerPixel"] != 1:
        raise _unsafe("it has no pixels")
    if syntax in _UNCOMPRESSED:
        n_bytes = math.ceil(numbers["Rows"] * numbers["Columns"] * numbers["BitsAllocated"] / 8)
        if len(pixels) < n_bytes:
            raise _unsafe("its pixels are cut off")
        # Nothing rides along behind the last pixel.
        pixels = pixels[:n_bytes] + b"\0" * (n_bytes % 2)
    else:
        _check_compressed(pixels)
        if _text(dataset, "LossyImageCompression") in ("00", "01"):
            out.LossyImageCompression = _text(dataset, "LossyImageCompression")
    wide = numbers["BitsAllocated"] > 8 and syntax in _UNCOMPRESSED
    out.add_new(_PIXEL_DATA, "OW" if wide or syntax == _IMPLICIT else "OB", pixels)
    if syntax not in _UNCOMPRESSED:
        out[_PIXEL_DATA].is_undefined_length = True


# Segments with comments or data of applications: JPEG and JPEG-LS (APP0 to APP15, COM), JPEG 2000 (COM).
_COMMENTS = frozenset({*range(0xFFE0, 0xFFF0), 0xFFFE})
_COMMENT_2000 = 0xFF64
_WITHOUT_LENGTH = frozenset({0xFF01, *range(0xFFD0, 0xFFDA), 0xFF4F, 0xFF93})
_START_OF_DATA = frozenset({0xFFDA, 0xFF90})
# What coders write of themselves: JFIF, Adobe's color transform, the names of known libraries.
_OF_CODERS = re.compile(
    rb"JFIF\0.{9,}|Adobe.{7}|..(Kakadu-v?[\d.]+|Created by OpenJPEG version [\d.]+)\0?|mrfx.{4}", re.DOTALL
)


def _check_compressed(pixels: bytes) -> None:
    """Raises PrivacyError when a compressed picture has a comment that is not known to be of its coder."""
    place = 0
    while place + 8 <= len(pixels):  # items of an encapsulated stream (PS3.5 A.4)
        tag, size = pixels[place : place + 4], int.from_bytes(pixels[place + 4 : place + 8], "little")
        if tag != b"\xfe\xff\x00\xe0":
            break
        for marker, content in _segments(pixels[place + 8 : place + 8 + size]):
            comment = marker in _COMMENTS or marker == _COMMENT_2000
            if comment and not _OF_CODERS.fullmatch(content):
                raise _unsafe("there is a comment within its compressed pixels")
        place += 8 + size


def _segments(stream: bytes) -> list[tuple[int, bytes]]:
    """(marker, content) of the segments before the first coded data of a JPEG or JPEG 2000 stream."""
    out = []
    place = 0
    while place + 4 <= len(stream):
        marker = int.from_bytes(stream[place : place + 2], "big")
        if marker < 0xFF00 or marker in _START_OF_DATA:
            break
        if marker in _WITHOUT_LENGTH:
            place += 2
            continue
        size = int.from_bytes(stream[place + 2 : place + 4], "big")
        out.append((marker, stream[place + 4 : place + 2 + size]))
        place += 2 + max(size, 2)
    return out


def _meta(uid: str, syntax: str) -> Any:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_MR_IMAGE_STORAGE)
    meta.MediaStorageSOPInstanceUID = UID(uid)
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return meta
