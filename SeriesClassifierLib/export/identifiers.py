"""Every value of original DICOM files that must not leave the site."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.export.own_words import own_words, reads_like_a_label
from SeriesClassifierLib.export.technical_tags import TECHNICAL, technical_tags
from SeriesClassifierLib.records import Instance

if TYPE_CHECKING:
    from pydicom import Dataset

NAME, ID, DATE, TIME, UID = "person name", "ID", "date", "time of day", "UID"
PLACE, DEVICE, PERSON = "institution or address", "device", "data of the patient"
DESCRIPTION, PRIVATE = "free words", "private value"
# The first kind that a value is found as is told; a name is worse than a remark.
_ORDER = (NAME, ID, DATE, UID, PLACE, PERSON, DEVICE, TIME, DESCRIPTION, PRIVATE)
STANDARD_ROOT = "1.2.840.10008."
MOST = 64  # characters of a value that are searched: the beginning of a longer one gives it away

_IDS = re.compile(r"IDs?$|(Accession|OrderNumber|FillerOrder|Placer|Admission|Insurance|Route)|PatientAlias")
_PLACES = re.compile(r"Institution|Address|Station|Telephone|Organization|Location|Residence|Country|Region")
_DEVICES = re.compile(r"SerialNumber|DeviceUID|DeviceID|DeviceDescription|GantryID|SoftwareVersion|AETitle")
_PERSONS = re.compile(r"Physician|Operator|Performer|Observer|PersonName|Author|Reviewer")
# Codes of the standard and numbers of the acquisition are no words of people.
_TEXT_VR = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "AS"})
_BYTES_VR = frozenset({"OB", "OW", "OD", "OF", "OL", "OV", "UN"})
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_PRINTABLE = re.compile(rb"[\x20-\x7e]{8,}")
_PATIENT_GROUP, _PIXEL_GROUP = 0x0010, 0x7FE0
_FEWEST_DIGITS = 6
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Values (lower case) with the kind of each. ``n_files`` were read, ``unread`` could not be."""

    values: Mapping[str, str] = field(repr=False)
    n_files: int
    unread: int = 0

    def __len__(self) -> int:
        return len(self.values)


def identifiers_of(files: Iterable[Path]) -> Identifiers:
    """What must not leave of the original DICOM ``files``, nested sequences included.

    Names of people whole and in parts; IDs, dates (also as 1960-02-29, 29.02.1960, 02/29/1960), times of day,
    UIDs outside the standard's root, institutions, devices, everything about the patient but the sex, all
    texts outside the technical tags, and every value of every private element.

    Left out is what cannot be told from the export itself: values that are words of our own or read like a
    label, and, of private elements and free words, single characters, numbers of less than six digits and
    what a technical tag of the files says too.
    """
    from pydicom import dcmread

    found: dict[str, set[str]] = {kind: set() for kind in _ORDER}
    technical: set[str] = set()
    n_files = unread = 0
    for file in files:
        try:
            dataset = dcmread(file, force=True, stop_before_pixels=True)
            n_elements = len(dataset)
        except Exception:  # pydicom raises many kinds for a broken file; it is counted and told
            n_elements = 0
        if not n_elements:
            unread += 1
            continue
        n_files += 1
        technical |= _technical(dataset)
        for part in (dataset, getattr(dataset, "file_meta", None)):
            for kind, value in _values(part or (), private=False):
                found[kind].add(value)
    values: dict[str, str] = {}
    for kind in _ORDER:
        for raw in found[kind]:
            value = plain(raw)
            if value and value not in values and not _says_nothing(value, kind, technical):
                values[value] = kind
    return Identifiers(values, n_files, unread)


def plain(text: str) -> str:
    """A text as it is compared: one form of every letter, lower case, no space around it, bounded."""
    return unicodedata.normalize("NFC", text).lower().strip(" \0\t\r\n")[:MOST].strip()


def is_number(value: str) -> bool:
    """Whether a value is a plain number in decimal or scientific notation."""
    return _NUMBER.fullmatch(value) is not None


def few_digits(value: str) -> bool:
    """Whether a value is a number of less than six digits."""
    return is_number(value) and sum(c.isdigit() for c in value.partition("e")[0]) < _FEWEST_DIGITS


def only_whole(value: str, kind: str) -> bool:
    """Whether a value is too common to be searched within longer texts: it is compared with whole ones."""
    return len(value) < _SHORTEST or few_digits(value) or common_word(value, kind)


def common_word(value: str, kind: str) -> bool:
    """Whether a value is a single word of letters from where sentences may come from."""
    return kind in (DESCRIPTION, PRIVATE) and value.isalpha()


def _says_nothing(value: str, kind: str, technical: set[str]) -> bool:
    if value in own_words():
        return True
    if kind not in (DESCRIPTION, PRIVATE):
        return False
    if len(value) < 2 or value in technical or reads_like_a_label(value):
        return True
    return is_number(value) and (_number_text(float(value)) in technical or few_digits(_digits(value)))


def _digits(value: str) -> str:
    """A number without zeros that add nothing."""
    return f"{float(value):.9g}".replace("e+", "e")


def _number_text(value: float) -> str:
    return f"{value:.6g}"


def _technical(dataset: Dataset) -> set[str]:
    """What the technical tags of a file say, texts as they may leave and numbers in one form."""
    from SeriesClassifierLib.sources.pydicom_tags import dataset_tags

    tags = dataset_tags(dataset)
    out: set[str] = set()
    for name, value in {
        **technical_tags(tags),
        "place": Instance("", 0, tags).numbers("ImagePositionPatient"),
    }.items():
        for one in value if isinstance(value, tuple) else (value,):
            out.add(_number_text(one) if isinstance(one, float) else one.lower())
            if name == "SequenceName":
                out.add(str(one).lower().lstrip("*"))
    return out


def _values(elements: Any, private: bool) -> Iterator[tuple[str, str]]:
    """(kind, value) of all elements that must not leave, of a data set and what is nested in it."""
    from pydicom.sequence import Sequence

    for tag in list(elements.keys()) if elements else ():
        own = private or bool(tag.group % 2)
        if tag.group == _PIXEL_GROUP:
            continue
        try:
            element = elements[tag]
            vr, keyword, value = element.VR, element.keyword, element.value
        except Exception:  # pydicom raises many kinds for a broken element; its bytes are still searched
            raw = elements.get_item(tag)
            content = getattr(raw, "value", b"")
            yield from ((PRIVATE, text) for text in _texts(content if isinstance(content, bytes) else b""))
            continue
        if isinstance(value, Sequence):
            for item in value:
                yield from _values(item, own)
        else:
            kind = PRIVATE if own else _kind(tag.group, keyword, vr)
            if kind:
                for text in _texts(value):
                    yield from _forms(kind, vr, text)


def _kind(group: int, keyword: str, vr: str) -> str:
    """The kind of a standard element; "" when it may be known."""
    if vr in ("DA", "DT"):
        return DATE
    for kind, its_vr in ((NAME, "PN"), (TIME, "TM"), (UID, "UI")):
        if vr == its_vr:
            return kind
    if keyword in TECHNICAL and keyword not in ("SequenceName", "PulseSequenceName", "ReceiveCoilName"):
        return ""
    for kind, pattern in ((DEVICE, _DEVICES), (ID, _IDS), (PLACE, _PLACES), (NAME, _PERSONS)):
        if pattern.search(keyword) and vr in _TEXT_VR:
            return kind
    if group == _PATIENT_GROUP:
        return PERSON
    return DESCRIPTION if vr in _TEXT_VR or (vr in _BYTES_VR and group != 0x0028) else ""


def _texts(value: Any) -> Iterator[str]:
    """The texts of an element's value: one for each value and line, printable runs of binary ones."""
    if value is None:
        return
    if isinstance(value, bytes):
        text = value.rstrip(b"\0 ")
        whole = text.isascii() and text.decode("ascii", "replace").isprintable()
        runs = text.split(b"\\") if whole else _PRINTABLE.findall(value)
        yield from (run.decode("ascii") for run in runs)
    elif isinstance(value, str) or not hasattr(value, "__iter__") or hasattr(value, "components"):
        yield from str(value).splitlines()
    else:
        for one in value:
            yield from _texts(one)


def _forms(kind: str, vr: str, text: str) -> Iterator[tuple[str, str]]:
    """A value in all forms in which it might be written."""
    text = text.strip(" \0")
    if vr == "PN" or kind == NAME:
        yield from ((kind, name) for name in _names(text))
    elif vr in ("DA", "DT"):
        yield from ((DATE if kind != PRIVATE else kind, form) for form in _dates(text))
        if vr == "DT" and len(text) > 8:
            yield from ((TIME, form) for form in _times(text[8:].partition("+")[0].partition("-")[0]))
    elif vr == "TM":
        yield from ((kind, form) for form in _times(text))
    elif vr != "UI" or not text.startswith(STANDARD_ROOT):
        yield kind, text


def _names(text: str) -> Iterator[str]:
    """A name whole, in its parts, and its first two parts in either order."""
    for group in text.split("="):
        yield group.strip("^ ")
        parts = [part.strip() for part in group.split("^") if part.strip()]
        yield from parts
        for part in parts:
            yield from re.split(r"[\s,]+", part)
        if len(parts) > 1:
            last, first = parts[:2]
            yield from (f"{last} {first}", f"{first} {last}", f"{last}, {first}", f"{last},{first}")
            for joint in "_-.":
                yield f"{last}{joint}{first}"
                yield f"{first}{joint}{last}"


def _dates(text: str) -> Iterator[str]:
    digits = re.sub(r"[.\-/]", "", text[:10] if re.match(r"\d{4}[.\-/]", text) else text[:8])
    if re.fullmatch(r"\d{8}", digits):
        year, month, day = digits[:4], digits[4:6], digits[6:]
        yield from (digits, f"{year}-{month}-{day}", f"{year}.{month}.{day}", f"{year}/{month}/{day}")
        yield from (
            f"{day}.{month}.{year}",
            f"{month}/{day}/{year}",
            f"{day}/{month}/{year}",
            f"{day}-{month}-{year}",
        )
    if len(text) > 8:
        yield text


def _times(text: str) -> Iterator[str]:
    """A time of day of at least six digits (hours, minutes, seconds); less is no more than a number."""
    digits = text.replace(":", "")
    whole = digits.partition(".")[0]
    if len(whole) == _FEWEST_DIGITS and whole.isdigit():
        yield from (whole, f"{whole[:2]}:{whole[2:4]}:{whole[4:]}")
        if digits != whole:
            yield digits
            yield from {digits.rstrip("0").rstrip(".")} - {whole}
