"""Whether an object is an MR image at all, and what it is where it is not: the one gate for labels,
thumbnails, training and every form of export.

The SOP class decides (PS3.4 B.5, PS3.3 A.8 for secondary captures); a screenshot may carry the whole header
of the series that it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from SeriesClassifierLib.parts.image_kind import image_kinds
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources.tags import NO_PIXEL_DATA


class ObjectKind(str, Enum):
    """What an object is that is no MR image to label."""

    SECONDARY_CAPTURE = "secondary_capture"
    COLOR = "color"
    BURNED_IN = "burned_in"
    REPORT = "report"
    KEY_OBJECTS = "key_objects"
    PRESENTATION_STATE = "presentation_state"
    SEGMENTATION = "segmentation"
    RAW_DATA = "raw_data"
    SPECTROSCOPY = "spectroscopy"
    WAVEFORM = "waveform"
    DOCUMENT = "document"
    RADIOTHERAPY = "radiotherapy"
    VALUE_MAP = "value_map"
    SURFACE = "surface"
    PRIVATE = "private"
    NO_PIXELS = "no_pixels"
    NO_PIXEL_DATA = "no_pixel_data"
    LINE = "line"
    FRAMES = "frames"
    OTHER_MODALITY = "other_modality"
    RECOGNIZABLE = "recognizable"


_WORDS = {
    ObjectKind.SECONDARY_CAPTURE: "secondary capture (screenshot)",
    ObjectKind.COLOR: "color image",
    ObjectKind.BURNED_IN: "burned-in annotation",
    ObjectKind.REPORT: "structured report",
    ObjectKind.KEY_OBJECTS: "key object selection",
    ObjectKind.PRESENTATION_STATE: "presentation state",
    ObjectKind.SEGMENTATION: "segmentation",
    ObjectKind.RAW_DATA: "raw data, registration or measurement",
    ObjectKind.SPECTROSCOPY: "MR spectroscopy",
    ObjectKind.WAVEFORM: "waveform",
    ObjectKind.DOCUMENT: "encapsulated document",
    ObjectKind.RADIOTHERAPY: "RT object",
    ObjectKind.VALUE_MAP: "real world value mapping",
    ObjectKind.SURFACE: "surface",
    ObjectKind.PRIVATE: "private object of a vendor",
    ObjectKind.NO_PIXELS: "no rows and columns",
    ObjectKind.NO_PIXEL_DATA: "no pixel data",
    ObjectKind.LINE: "a point or a line of pixels",
    ObjectKind.FRAMES: "frames that nothing tells apart",
    ObjectKind.OTHER_MODALITY: "another modality",
    ObjectKind.RECOGNIZABLE: "image in which a person can be recognized",
}
_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
_ENHANCED = frozenset({f"{_MR_IMAGE}.1", f"{_MR_IMAGE}.3", f"{_MR_IMAGE}.4"})
_MR = _ENHANCED | {_MR_IMAGE}
_STANDARD = "1.2.840.10008."
# Beginnings of SOP Class UIDs -> what they hold; the first that fits counts.
_CLASSES = (
    ("1.2.840.10008.5.1.4.1.1.7", ObjectKind.SECONDARY_CAPTURE),
    ("1.2.840.10008.5.1.4.1.1.88.59", ObjectKind.KEY_OBJECTS),
    ("1.2.840.10008.5.1.4.1.1.88.", ObjectKind.REPORT),
    ("1.2.840.10008.5.1.4.1.1.11.", ObjectKind.PRESENTATION_STATE),
    ("1.2.840.10008.5.1.4.1.1.66.4", ObjectKind.SEGMENTATION),
    ("1.2.840.10008.5.1.4.1.1.66.5", ObjectKind.SURFACE),
    ("1.2.840.10008.5.1.4.1.1.66", ObjectKind.RAW_DATA),
    ("1.2.840.10008.5.1.4.1.1.67", ObjectKind.VALUE_MAP),
    ("1.2.840.10008.5.1.4.1.1.68.", ObjectKind.SURFACE),
    ("1.2.840.10008.5.1.4.1.1.481.1", ObjectKind.OTHER_MODALITY),
    ("1.2.840.10008.5.1.4.1.1.481.", ObjectKind.RADIOTHERAPY),
    (f"{_MR_IMAGE}.2", ObjectKind.SPECTROSCOPY),
    ("1.2.840.10008.5.1.4.1.1.9.", ObjectKind.WAVEFORM),
    ("1.2.840.10008.5.1.4.1.1.104.", ObjectKind.DOCUMENT),
)
# Exact beginnings end here: 7 and 7.2, but not 77.1 (visible light); 66 and 66.1, but not 660.
_WHOLE = frozenset("1234567890")
_BY_MODALITY = {
    "SR": ObjectKind.REPORT,
    "KO": ObjectKind.KEY_OBJECTS,
    "PR": ObjectKind.PRESENTATION_STATE,
    "SEG": ObjectKind.SEGMENTATION,
    "RTSTRUCT": ObjectKind.RADIOTHERAPY,
    "RTPLAN": ObjectKind.RADIOTHERAPY,
    "RTDOSE": ObjectKind.RADIOTHERAPY,
    "REG": ObjectKind.RAW_DATA,
    "DOC": ObjectKind.DOCUMENT,
    "ECG": ObjectKind.WAVEFORM,
    "SC": ObjectKind.SECONDARY_CAPTURE,
}
# Of these, what nobody writes into an MR image by mistake.
_NEVER_IMAGES = frozenset({"SR", "KO", "PR", "SEG", "SC", "RTSTRUCT", "RTPLAN", "RTDOSE"})
# Parts of words of ImageType under which consoles keep what they show.
_SCREEN_WORDS = ("SCREEN", "CAPTURE", "REPORT", "RENDERING")
# What programs write for yes, where the standard wants YES or NO.
_YES = frozenset({"YES", "Y", "TRUE", "T", "1"})
_OTHER_SCANNERS = frozenset({"CT", "PT", "NM", "US", "IVUS", "CR", "DX", "XA", "RF", "MG", "OCT"})
# An image has at least so many rows and columns.
_LINE = 2.0
_GREY = frozenset({"", "MONOCHROME1", "MONOCHROME2"})
# Maps that scanners themselves write in color.
_COLOR_MAPS = frozenset({"FA"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object is no MR image to label."""

    kind: ObjectKind

    @property
    def text(self) -> str:
        """For people: "not an MR image: secondary capture (screenshot)"."""
        beginning = "not exported" if self.kind is ObjectKind.RECOGNIZABLE else "not an MR image"
        return f"{beginning}: {_WORDS[self.kind]}"


def refusal(instance: Instance) -> Refusal | None:
    """Why ``instance`` is no MR image to label; None when it is one, as far as its header tells."""
    kind = _kind(instance)
    return Refusal(kind) if kind else None


def export_refusal(instance: Instance) -> Refusal | None:
    """Why ``instance`` may not leave in any form; None for an MR image that may."""
    if _is_affirmed(instance, "RecognizableVisualFeatures"):
        return refusal(instance) or Refusal(ObjectKind.RECOGNIZABLE)
    return refusal(instance)


def is_picture(instance: Instance) -> bool:
    """Whether it may be shown: an image, of whatever modality, that is not suspected to hold text."""
    kind = _kind(instance)
    return kind is None or kind is ObjectKind.OTHER_MODALITY


def modality(instance: Instance) -> str:
    """The modality as the SOP class has it, else the first value of Modality; "" when nothing tells. A
    Modality that names another scanner than the class is believed: then something is wrong with the object.
    """
    sop_class = instance.text("SOPClassUID").strip()
    stated = next(iter(instance.tokens("Modality")), "")
    if sop_class in _MR:
        return stated if stated in _OTHER_SCANNERS else "MR"
    # A storage class of another modality, whatever was copied into the header.
    is_other = sop_class.startswith(f"{_STANDARD}5.1.4.1.1.") and stated in ("MR", "")
    return "OTHER" if is_other else stated


def _kind(instance: Instance) -> ObjectKind | None:
    sop_class = instance.text("SOPClassUID").strip()
    stated = next(iter(instance.tokens("Modality")), "")
    if sop_class not in _MR:
        found = _by_class(sop_class)
        if found:
            return found
        by_modality = _BY_MODALITY.get(stated)
        if by_modality and not _has_rows(instance):
            return by_modality
    elif stated in _NEVER_IMAGES:  # an object of one kind under the class of another
        return _BY_MODALITY[stated]
    if _is_screen(instance):
        return ObjectKind.SECONDARY_CAPTURE
    if _has_no_rows(instance, sop_class):
        return ObjectKind.NO_PIXELS
    if min(instance.number("Rows") or _LINE, instance.number("Columns") or _LINE) < _LINE:
        return ObjectKind.LINE
    if _is_color(instance):
        return ObjectKind.COLOR
    if NO_PIXEL_DATA in instance.tags:
        return ObjectKind.NO_PIXEL_DATA
    if _is_affirmed(instance, "BurnedInAnnotation"):
        return ObjectKind.BURNED_IN
    if modality(instance) not in ("", "MR"):
        return ObjectKind.OTHER_MODALITY
    return ObjectKind.FRAMES if _is_unresolved(instance) else None


def _by_class(sop_class: str) -> ObjectKind | None:
    if sop_class and not sop_class.startswith(_STANDARD):
        return ObjectKind.PRIVATE
    for beginning, kind in _CLASSES:
        rest = sop_class.removeprefix(beginning)
        if rest != sop_class and (beginning.endswith(".") or rest[:1] not in _WHOLE):
            return kind
    return None


def _is_screen(instance: Instance) -> bool:
    """Screenshots under another class: their ImageType says so, or ConversionType (PS3.3 C.8.6.1), which
    tells how something came into a computer that no scanner wrote.
    """
    return names_screen(instance.tokens("ImageType")) or bool(instance.tokens("ConversionType"))


@lru_cache(maxsize=4096)
def names_screen(image_type: tuple[str, ...]) -> bool:
    """Whether an upper-case ImageType says that an image shows what a console showed."""
    is_word = "SCREEN" in image_kinds(image_type)
    return is_word or any(part in word for word in image_type for part in _SCREEN_WORDS)


def _is_affirmed(instance: Instance, keyword: str) -> bool:
    return not _YES.isdisjoint(instance.tokens(keyword))


def _has_rows(instance: Instance) -> bool:
    return bool(instance.number("Rows") and instance.number("Columns"))


def _has_no_rows(instance: Instance, sop_class: str) -> bool:
    """Rows and columns are both zero, or both missing from a whole header; a damaged one is not that."""
    sizes = [instance.number(keyword) for keyword in ("Rows", "Columns")]
    stated = [size for size in sizes if size is not None]
    return not any(stated) and bool(stated or sop_class)


def _is_color(instance: Instance) -> bool:
    photometric = next(iter(instance.tokens("PhotometricInterpretation")), "")
    if photometric in _GREY and (instance.number("SamplesPerPixel") or 1) <= 1:
        return False
    return not image_kinds(instance.tokens("ImageType")) & _COLOR_MAPS


def _is_unresolved(instance: Instance) -> bool:
    """Several frames in one object without the functional groups that tell what each of them shows."""
    return (instance.number("NumberOfFrames") or 1) > 1
