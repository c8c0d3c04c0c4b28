"""Which images of a series are there twice, and which only share a SOPInstanceUID.

Two files are one image when UID, position, what else tells images of one position apart, and pixels are the
same. Scanners and anonymizers that give all images one SOPInstanceUID, or none, are known: such images are
kept.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from SeriesClassifierLib.patients import named_patients
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources.deflated import check_inflated_size

logger = logging.getLogger(__name__)

# What tells images of one position apart. Standard tags only, so that it is the same whether a file was read
# or the tag cache of a database; no InstanceNumber, for archives renumber.
_TEXTS = ("ImageType", "ComplexImageComponent", "SequenceName", "AcquisitionTime", "AcquisitionDateTime")
_NUMBERS = (
    "EchoTime",
    "InversionTime",
    "DiffusionBValue",
    "TemporalPositionIdentifier",
    "TriggerTime",
    "AcquisitionNumber",
)
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Distinct:
    """The images of a series without copies; ``repeated`` of them share a SOPInstanceUID, ``nameless`` none.
    """

    instances: tuple[Instance, ...]
    repeated: int = 0
    nameless: int = 0


def identity(instance: Instance) -> Identity:
    """What its tags say to identify an image within its series: the same for every copy of the file."""
    return (
        instance.text("SOPInstanceUID"),
        str(instance.frame),
        *_rounded(instance.numbers("ImagePositionPatient"), 1),
        *_rounded(instance.numbers("ImageOrientationPatient"), 2),
        *("\\".join(instance.tokens(keyword)) for keyword in _TEXTS),
        *(_joined(instance.numbers(keyword)) for keyword in _NUMBERS),
    )


# Cached, because the images of a series repeat most of their values. Adding zero makes one of both zeros.
@lru_cache(maxsize=16384)
def _rounded(values: tuple[float, ...], digits: int) -> tuple[str, ...]:
    return tuple(f"{round(v, digits) + 0.0:g}" for v in values)


@lru_cache(maxsize=16384)
def _joined(values: tuple[float, ...]) -> str:
    return "\\".join(f"{v + 0.0:g}" for v in values)


def without_copies(instances: Iterable[Instance]) -> Distinct:
    """``instances`` without copies, the first of each kept, in their order. Reads pixels only where
    identities collide.
    """
    kept: list[Instance] = []
    places: dict[Identity, list[int]] = defaultdict(list)
    sharing: dict[tuple[str, int], list[int]] = defaultdict(list)
    pixels: dict[str, _Pixels] = {}
    for instance in instances:
        own = identity(instance)
        if not _is_copy(instance, [kept[i] for i in places[own]], pixels):
            places[own].append(len(kept))
            sharing[instance.text("SOPInstanceUID"), instance.frame].append(len(kept))
            kept.append(instance)
    for indices in places.values():
        for i in indices if len(indices) > 1 else ():
            kept[i] = replace(kept[i], content=_pixels(kept[i].path, pixels).digest)
    repeated = sum(len(indices) for (uid, _), indices in sharing.items() if uid and len(indices) > 1)
    nameless = sum(len(indices) for (uid, _), indices in sharing.items() if not uid)
    return Distinct(tuple(kept), repeated, nameless)


def _is_copy(instance: Instance, rivals: Sequence[Instance], pixels: dict[str, _Pixels]) -> bool:
    """Whether one of ``rivals``, which have the same identity, is the same image."""
    if any(rival.path == instance.path for rival in rivals):
        return True
    # Where all UIDs are the same, and pixels cannot be compared or are blank, only PatientID tells.
    of_one = [rival for rival in rivals if len(named_patients(map(_patient_id, (rival, instance)))) < 2]
    is_named = bool(instance.text("SOPInstanceUID"))
    mine = _pixels(instance.path, pixels) if of_one else None
    return mine is not None and any(mine.are(_pixels(rival.path, pixels), is_named) for rival in of_one)


def _patient_id(instance: Instance) -> str:
    return instance.text("PatientID")


@dataclass(frozen=True, slots=True)
class _Pixels:
    digest: str
    transfer_syntax: str

    def are(self, other: _Pixels, is_named: bool) -> bool:
        """The same pixels. In another transfer syntax they cannot be compared without decoding: everything
        else being the same, a SOPInstanceUID (``is_named``) too, the image was compressed on its way.
        """
        return self.digest == other.digest or (
            is_named
            and bool(self.transfer_syntax and other.transfer_syntax)
            and self.transfer_syntax != other.transfer_syntax
        )


def _pixels(path: str, known: dict[str, _Pixels]) -> _Pixels:
    """The pixels of a file as its bytes give them; a file that cannot be read is like no other."""
    if path not in known:
        known[path] = _read(path)
    return known[path]


def _read(path: str) -> _Pixels:
    import pydicom

    digest = hashlib.sha256()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_inflated_size(path)
            dataset = pydicom.dcmread(path, specific_tags=list(_PIXELS), force=True)
        for keyword in _PIXELS:
            value = dataset.get(keyword)
            digest.update(value if isinstance(value, bytes) else b"")
        syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    except Exception as error:  # whatever pydicom raises on broken bytes: then this is like no other image
        logger.debug("pixels could not be compared: %s", type(error).__name__)
        return _Pixels(hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16], "")
    return _Pixels(digest.hexdigest()[:16], syntax)
