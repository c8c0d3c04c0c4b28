"""Write simulated images as valid MR Image Storage files, the same bytes with every supported pydicom."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.sources.tags import NUMERIC_VR, PRIVATE_TAGS, TAGS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

_MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_PRIVATE = {tag.name: tag for tag in PRIVATE_TAGS}
_VR = {tag.keyword: tag.vr for tag in TAGS}
_WHOLE = frozenset({"IS", "US", "SS", "UL", "SL"})


def uid_of(*parts: object) -> str:
    """A valid UID made of ``parts``: the same parts, the same UID."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(str(part) for part in parts)).int}"


def write_series(
    images: Sequence[NDArray[np.uint16]], tags: Sequence[Mapping[str, TagValue]], folder: Path
) -> list[Path]:
    """Write one file for each image (rows x columns) with its tags, named as ``Instance.tags`` names them.

    The tags must hold StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID; everything about the pixels is
    taken from the image. Returns the files, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (image, values) in enumerate(zip(images, tags, strict=True), start=1):
        path = folder / f"{number:04d}.dcm"
        _save(_dataset(image, values), path)
        paths.append(path)
    return paths


def _dataset(image: NDArray[np.uint16], tags: Mapping[str, TagValue]) -> Dataset:
    import numpy as np
    from pydicom import Dataset
    from pydicom.datadict import dictionary_VR

    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = _MR_IMAGE_STORAGE
    for name, value in sorted(tags.items()):
        private = _PRIVATE.get(name)
        if private:
            block = dataset.private_block(private.group, private.creator, create=True)
            block.add_new(private.element, private.vr, _encoded(private.vr, value))
        else:
            setattr(dataset, name, _encoded(_VR.get(name) or dictionary_VR(name), value))
    dataset.Rows, dataset.Columns = image.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue = int(image.min()), int(image.max())
    rank = int(0.995 * image.size)
    width = max(1, int(np.partition(image, rank, axis=None)[rank]))
    dataset.WindowCenter, dataset.WindowWidth = f"{width / 2:g}", str(width)
    dataset.add_new(0x7FE00010, "OW", image.astype("<u2").tobytes())
    return dataset


def _encoded(vr: str, value: TagValue) -> Any:
    """A tag value as pydicom wants it: whole numbers for the VRs of such, DS with at most 16 characters."""
    if isinstance(value, tuple):
        return [_encoded(vr, one) for one in value]
    if vr not in NUMERIC_VR:
        return str(value)
    if vr in _WHOLE:
        return round(float(value))
    return f"{float(value):.10g}" if vr == "DS" else float(value)


def _save(dataset: Dataset, path: Path) -> None:
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(_EXPLICIT_LITTLE_ENDIAN)
    meta.ImplementationClassUID = UID(uid_of("SeriesClassifier"))
    meta.ImplementationVersionName = "SERIESCLASSIFIER"
    dataset.file_meta = meta
    if int(pydicom.__version__.split(".")[0]) >= 3:
        dataset.save_as(path, enforce_file_format=True)
    else:  # pydicom 2 does not look at the transfer syntax
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.save_as(path, write_like_original=False)
