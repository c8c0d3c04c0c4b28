"""DICOM images that may leave the site: made anew from an allowlist, stricter than the profile of PS3.15.

What stays: pixels, geometry, technical tags (``technical_tags``) and numbers of images. UIDs and PatientID
become pseudonyms of the site. Everything else stays behind: names, dates, words, sequences, overlays, private
tags; a b-value that only a private tag told becomes DiffusionBValue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.errors import PrivacyError
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.technical_tags import as_number, technical_tags
from SeriesClassifierLib.parts.diffusion import b_value
from SeriesClassifierLib.parts.image_gate import names_screen
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import Instance, TagValue
from SeriesClassifierLib.sources.multiframe import ENHANCED_MR
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags
from SeriesClassifierLib.sources.tags import TAGS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

PATIENT = "patient"
PATIENT_NAME = "ANON"
METHOD = "SeriesClassifier: allowlist"
# PS3.16 CID 7050. Everything that the basic profile names is gone, but for the sex of the patient where it is
# known; UIDs and dates are not retained, descriptions are not cleaned but gone, pixels refused, not cleaned.
_BASIC = ("113100", "Basic Application Confidentiality Profile")
_CHARACTERISTICS = ("113108", "Retain Patient Characteristics Option")
METHOD_CODES = (_BASIC, _CHARACTERISTICS)
# BitsAllocated -> words of so many bits.
_DTYPES = {8: "u1", 16: "u2", 32: "u4"}
# Who wrote the file: this program, in every version the same.
IMPLEMENTATION_UID = "2.25.329800735698586629295641978511506172918"
IMPLEMENTATION_NAME = "SERIESCLASSIFIER"

_MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_IMPLICIT = "1.2.840.10008.1.2"
_EXPLICIT = "1.2.840.10008.1.2.1"
# JPEG, JPEG-LS, JPEG 2000 and RLE: what the classic MR object is compressed with.
_COMPRESSED = re.compile(r"1\.2\.840\.10008\.1\.2\.(4\.(5\d|6\d|70|80|81|90|91|20[123])|5)")
_UNCOMPRESSED = frozenset({_IMPLICIT, _EXPLICIT, _BIG_ENDIAN, "1.2.840.10008.1.2.1.99"})
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


def deidentified(dataset: Dataset, key: SiteKey, decoded: NDArray[Any] | None = None) -> Dataset:
    """A new data set with its file meta information; ``dataset`` stays as it is.

    ``decoded`` are the stored values (rows x columns) of compressed pixels: only values leave, uncompressed.

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
    out.LongitudinalTemporalInformationModified = "REMOVED"
    _put_tags(out, tags)
    codes = METHOD_CODES if "PatientSex" in out else (_BASIC,)
    out.DeidentificationMethodCodeSequence = [_code(value, meaning) for value, meaning in codes]
    _put_pixels(out, dataset, syntax, decoded)
    out.file_meta = _meta(uids["SOPInstanceUID"])
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
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.save_as(draft, write_like_original=False)


def is_compressed(dataset: Dataset) -> bool:
    """Whether the pixels must be decoded before they may leave."""
    return _syntax(dataset) not in _UNCOMPRESSED


def _syntax(dataset: Dataset) -> str:
    return str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))


def _code(value: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


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
    if names_screen(words):
        raise _unsafe("its ImageType says that it is a screenshot")
    if _text(dataset, "ConversionType"):
        raise _unsafe("it was converted from something else")
    if _text(dataset, "PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        raise _unsafe("it has colors, as screenshots do")
    if any(0x6000 <= tag.group <= 0x60FF and tag.element == _OVERLAY_BIT_POSITION for tag in dataset.keys()):  # noqa: SIM118
        _check_overlays(dataset)
    syntax = _syntax(dataset)
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


def _put_pixels(out: Dataset, dataset: Dataset, syntax: str, decoded: NDArray[Any] | None) -> None:
    """Pixels alone, uncompressed: a compressed frame may have comments and a tail, spare bits an overlay."""
    numbers: dict[str, int] = {}
    for keyword in _PIXELS:
        text = _text(dataset, keyword)
        if not text.isascii() or not text.isdigit():
            raise _unsafe(f"{keyword} is missing")
        numbers[keyword] = int(text)
    if numbers["SamplesPerPixel"] != 1 or numbers["BitsAllocated"] not in _DTYPES:
        raise _unsafe("it has no pixels")
    if syntax in _UNCOMPRESSED:
        pixels = _native(dataset, syntax, numbers)
    elif decoded is None:
        raise _unsafe("its compressed pixels cannot be decoded")
    else:
        pixels = decoded
    if pixels.shape != (numbers["Rows"], numbers["Columns"]):
        raise _unsafe("its pixels are cut off")
    numbers["BitsStored"] = min(numbers["BitsStored"], numbers["BitsAllocated"])
    stored = _stored_bits(pixels, numbers)
    for keyword in _PIXELS:
        setattr(out, keyword, numbers[keyword])
    out.HighBit = numbers["BitsStored"] - 1
    out.PhotometricInterpretation = _text(dataset, "PhotometricInterpretation")
    if _text(dataset, "LossyImageCompression") in ("00", "01"):
        out.LossyImageCompression = _text(dataset, "LossyImageCompression")
    raw = stored.tobytes()
    # Nothing rides along behind the last pixel.
    out.add_new(_PIXEL_DATA, "OW" if numbers["BitsAllocated"] > 8 else "OB", raw + b"\0" * (len(raw) % 2))


def _native(dataset: Dataset, syntax: str, numbers: Mapping[str, int]) -> NDArray[Any]:
    """The stored values of an uncompressed frame, its high bit moved to where it belongs."""
    import numpy as np

    pixels = getattr(dataset.get_item(_PIXEL_DATA), "value", None)
    if not isinstance(pixels, bytes) or not pixels:
        raise _unsafe("it has no pixels")
    kind = np.dtype(_DTYPES[numbers["BitsAllocated"]]).newbyteorder(">" if syntax == _BIG_ENDIAN else "<")
    n_pixels = numbers["Rows"] * numbers["Columns"]
    if len(pixels) < n_pixels * kind.itemsize:
        raise _unsafe("its pixels are cut off")
    values = np.frombuffer(pixels, kind, n_pixels).reshape(numbers["Rows"], numbers["Columns"])
    shift = numbers["HighBit"] + 1 - numbers["BitsStored"]
    return values >> shift if 0 < shift < numbers["BitsAllocated"] else values


def _stored_bits(values: NDArray[Any], numbers: Mapping[str, int]) -> NDArray[Any]:
    """``values`` as little-endian words that hold their stored bits and nothing above them."""
    import numpy as np

    stored = numbers["BitsStored"]
    words = values.astype(np.int64) & ((1 << stored) - 1)
    if numbers["PixelRepresentation"]:
        sign = 1 << (stored - 1)
        words = (words ^ sign) - sign
    return words.astype(f"<{'i' if numbers['PixelRepresentation'] else 'u'}{numbers['BitsAllocated'] // 8}")


def _meta(uid: str) -> Any:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_MR_IMAGE_STORAGE)
    meta.MediaStorageSOPInstanceUID = UID(uid)
    meta.TransferSyntaxUID = UID(_EXPLICIT)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return meta
