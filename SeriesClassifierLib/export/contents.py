"""Everything that a file of an export holds: texts, numbers, bytes and pixels, each with its place.

What a file is, its content tells and not its name; compressed files and archives are opened, within bounds.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import html
import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from SeriesClassifierLib.export.codestreams import comments, fragments, tail
from SeriesClassifierLib.parts.image_gate import ObjectKind, refusal
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources.pydicom_tags import dataset_tags

if TYPE_CHECKING:
    from pydicom import Dataset

_MOST_BYTES = 1 << 32
_DEEPEST = 4
# Arrays of at most so many entries may be a value rather than a picture.
_SMALL_ARRAY = 4096
_PNG = b"\x89PNG\r\n\x1a\n"
_NIFTI_HEADER = 348
_PIXEL_GROUP = 0x7FE0
# Objects whose pixels may show text.
_MAY_HOLD_TEXT = frozenset({ObjectKind.SECONDARY_CAPTURE, ObjectKind.COLOR, ObjectKind.BURNED_IN})
_IDENTITY = re.compile(
    r"(^|[_ ])(id|uid|name|patient|subject|person|birth|date|mrn)s?($|[_ ])", re.IGNORECASE
)
_PIECES = re.compile(r"[|:,;<>\"'`*()\[\]{}#=]")


class Reader(Protocol):
    """Told about everything in a file. ``place`` says where: line, field, tag or member."""

    def text(self, place: str, value: str) -> None:
        """A field that holds text."""

    def name(self, place: str, value: str) -> None:
        """The name of a file or of a member of an archive: numbers in it count files."""

    def prose(self, place: str, line: str) -> None:
        """A line that was written for people."""

    def number(self, place: str, value: str) -> None:
        """A field that holds a number, as it is written."""

    def octets(self, place: str, value: bytes) -> None:
        """Bytes that are no picture."""

    def pixels(self, place: str, value: bytes) -> None:
        """Numbers of a picture, in which short texts stand by chance."""

    def problem(self, place: str, kind: str) -> None:
        """Something that must not be in an export, or cannot be searched."""


def read_contents(name: str, content: bytes, reader: Reader, place: str = "", depth: int = 0) -> None:
    """Tell ``reader`` all that ``content`` of a file ``name`` holds. Nothing in it raises."""
    if depth > _DEEPEST:
        reader.problem(place, "archive within archives that is not opened")
        return
    opener = _opener(content)
    try:
        if opener is not None:
            opener(name, content, reader, place, depth)
        else:
            _read_text(name, content, reader, place)
    # Readers of damaged files raise many kinds; what cannot be searched is a finding.
    except Exception as error:
        reader.problem(place, f"damaged content that cannot be searched ({type(error).__name__})")
    if opener is not None:
        # What lies between the parts that were opened.
        reader.pixels(_join(place, "bytes"), content)


_Opener = Callable[[str, bytes, Reader, str, int], None]


def _opener(content: bytes) -> _Opener | None:
    """What opens the content; None for text and for what we do not know."""
    starts: tuple[tuple[bytes, _Opener], ...] = (
        (b"\x1f\x8b", _read_gzip),
        (b"PK\x03\x04", _read_zip),
        (b"PK\x05\x06", _read_zip),
        (b"\x93NUMPY", _read_array),
        (_PNG, _read_png),
    )
    for start, opener in starts:
        if content.startswith(start):
            return opener
    if content[128:132] == b"DICM":
        return _read_dicom
    if content[344:348] in (b"n+1\0", b"ni1\0"):
        return _read_nifti
    return None


def _join(place: str, more: str) -> str:
    return f"{place}, {more}" if place else more


def _read_gzip(name: str, content: bytes, reader: Reader, place: str, depth: int) -> None:
    with gzip.open(io.BytesIO(content)) as file:
        inner = file.read(_MOST_BYTES)
        if file.read(1):
            reader.problem(place, "compressed content that is too large to be searched")
    read_contents(name.removesuffix(".gz"), inner, reader, place, depth + 1)


def _read_zip(name: str, content: bytes, reader: Reader, place: str, depth: int) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        reader.octets(_join(place, "comment"), archive.comment)
        for member in archive.infolist():
            here = _join(place, member.filename)
            reader.name(here, member.filename)
            reader.octets(here, member.comment + b"\n" + member.extra)
            if member.file_size > _MOST_BYTES:
                reader.problem(here, "compressed content that is too large to be searched")
                continue
            read_contents(member.filename, archive.read(member), reader, here, depth + 1)


def _read_array(name: str, content: bytes, reader: Reader, place: str, depth: int) -> None:
    file = io.BytesIO(content)
    try:
        array = np.load(file, allow_pickle=False)
    except ValueError:
        reader.problem(place, "array that is no plain array and cannot be searched")
        return
    reader.octets(place, content[: max(0, len(content) - array.nbytes)] + content[file.tell() :])
    if array.dtype.kind in "US":
        for value in array.ravel().tolist():
            reader.text(place, value if isinstance(value, str) else value.decode("utf-8", "replace"))
    elif array.size <= _SMALL_ARRAY:
        reader.octets(place, array.tobytes())
        if array.dtype.kind in "iuf":
            for number in array.ravel().tolist():
                reader.number(place, f"{number}")
    else:
        reader.pixels(place, array.tobytes())


def _read_png(name: str, content: bytes, reader: Reader, place: str, depth: int) -> None:
    start = len(_PNG)
    while start + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, start)
        data = content[start + 8 : start + 8 + size]
        here = _join(place, f"chunk {kind.decode('latin-1')}")
        start += 12 + size
        if kind == b"IEND":
            break
        if kind in (b"IHDR", b"PLTE", b"IDAT"):
            continue
        keyword, _, rest = data.partition(b"\0")
        if kind == b"zTXt":
            data = keyword + b"\n" + zlib.decompress(rest[1:])
        elif kind == b"iTXt" and rest[:1] == b"\1":
            head, translated, text = rest[2:].split(b"\0", 2)
            data = b"\n".join((keyword, head, translated, zlib.decompress(text)))
        for line in data.replace(b"\0", b"\n").splitlines():
            reader.text(here, line.decode("utf-8", "replace"))
    if start < len(content):
        reader.octets(_join(place, "behind the picture"), content[start:])


def _read_nifti(name: str, content: bytes, reader: Reader, place: str, depth: int) -> None:
    order = "<" if struct.unpack_from("<i", content)[0] == _NIFTI_HEADER else ">"
    (offset,) = struct.unpack_from(f"{order}f", content, 108)
    offset = (
        int(offset) if math.isfinite(offset) and _NIFTI_HEADER <= offset <= len(content) else _NIFTI_HEADER
    )
    for label, start, size in (
        *(("data_type", 4, 10), ("db_name", 14, 18), ("descrip", 148, 80), ("aux_file", 228, 24)),
        *(("intent_name", 328, 16), ("magic", 344, 4)),
    ):
        value = content[start : start + size].partition(b"\0")
        reader.text(_join(place, label), value[0].decode("utf-8", "replace"))
    reader.octets(_join(place, "header"), content[:offset])
    for line in content[_NIFTI_HEADER:offset].replace(b"\0", b"\n").splitlines():
        reader.text(_join(place, "extension"), line.decode("utf-8", "replace"))
    reader.pixels(_join(place, "picture"), content[offset:])


# --- DICOM


def _read_dicom(name: str, content: bytes, reader: Reader, place: str, depth: int) -> None:
    from pydicom import dcmread

    reader.octets(_join(place, "preamble"), content[:128])
    dataset = dcmread(io.BytesIO(content))
    refused = refusal(Instance("", 0, dataset_tags(dataset)))
    if refused is not None and refused.kind in _MAY_HOLD_TEXT:
        reader.problem(place, refused.text)
    _read_elements(dataset.file_meta, reader, place)
    _read_elements(dataset, reader, place)


def _read_elements(dataset: Dataset, reader: Reader, place: str) -> None:
    from pydicom.sequence import Sequence

    for tag in dataset.keys():  # noqa: SIM118  a data set iterates over elements
        element = dataset[tag]
        here = _join(place, f"({tag.group:04X},{tag.element:04X})")
        if tag.group % 2:
            reader.problem(here, "private tag")
        if isinstance(element.value, Sequence):
            for item in element.value:
                _read_elements(item, reader, here)
        elif tag.group == _PIXEL_GROUP and isinstance(element.value, bytes):
            reader.pixels(here, element.value)
            _read_pixels(dataset, element, reader, here)
        else:
            _read_value(element.VR, element.value, reader, here)


def _read_pixels(dataset: Dataset, element: Any, reader: Reader, place: str) -> None:
    """Where pixels can hold text that no reader shows: behind and within compressed frames, in spare bits."""
    if element.is_undefined_length:
        for stream in fragments(element.value):
            for comment in comments(stream):
                reader.octets(_join(place, "comment of the codestream"), comment)
            behind = tail(stream)
            if behind:
                reader.problem(place, "bytes behind a compressed image")
                reader.octets(_join(place, "behind the codestream"), behind)
    elif _has_spare_bits(dataset, element.value):
        reader.problem(place, "values in the spare bits of pixels")


def _has_spare_bits(dataset: Dataset, value: bytes) -> bool:
    """Whether bits above those stored differ from what they must be: zero, or the sign."""
    allocated, stored = (int(dataset.get(name) or 0) for name in ("BitsAllocated", "BitsStored"))
    if allocated != 16 or not 0 < stored < allocated or dataset.get("HighBit") != stored - 1:
        return False
    order = "<" if dataset.is_little_endian is not False else ">"
    words = np.frombuffer(value[: len(value) // 2 * 2], f"{order}u2")
    above = words >> stored
    if not dataset.get("PixelRepresentation"):
        return bool(above.any())
    ones = (1 << (allocated - stored)) - 1
    negative = (words >> (stored - 1)) & 1
    return bool(((above != 0) & ((negative == 0) | (above != ones))).any())


def _read_value(vr: str, value: Any, reader: Reader, place: str) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bytes):
        reader.octets(place, value)
    elif not isinstance(value, str) and not hasattr(value, "components") and hasattr(value, "__iter__"):
        for one in value:
            _read_value(vr, one, reader, place)
    elif vr in ("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "UV", "SV", "US or SS"):
        reader.number(place, str(value))
    else:
        if vr in ("DA", "DT", "TM"):
            reader.problem(place, "date or time of day")
        elif vr == "PN" and str(value).strip("^ ") not in ("", "ANON"):
            reader.problem(place, "person name")
        reader.text(place, str(value))


# --- text


def _read_text(name: str, content: bytes, reader: Reader, place: str) -> None:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        reader.octets(place, content)
        return
    suffix = PurePath(name).suffix.lower()
    if suffix in (".json", ".geojson"):
        _read_json(text, reader, place)
    elif suffix in (".jsonl", ".ndjson"):
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                _read_json(line, reader, _join(place, f"line {number}"))
    elif suffix in (".csv", ".tsv"):
        _read_table(text, "\t" if suffix == ".tsv" else ",", reader, place)
    elif "\0" in text:
        reader.octets(place, content)
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            reader.prose(_join(place, f"line {number}"), html.unescape(line) if "html" in suffix else line)


def _read_json(text: str, reader: Reader, place: str) -> None:
    try:
        # Numbers stay as they are written; a repeated name hides nothing.
        value = json.loads(text, parse_int=_Written, parse_float=_Written, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        reader.problem(place, "JSON that is not valid")
        for line in text.splitlines():
            reader.prose(place, line)
        return
    _read_json_value(value, reader, place, "")


class _Written(str):
    """A number as it stands in the file."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object."""


def _read_json_value(value: Any, reader: Reader, place: str, path: str) -> None:
    here = _join(place, path) if path else place
    if isinstance(value, _Written):
        reader.number(here, value)
    elif isinstance(value, str):
        reader.text(here, value)
    elif isinstance(value, _Pairs):
        for name, inner in value:
            reader.text(here, name)
            _read_json_value(inner, reader, place, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            _read_json_value(inner, reader, place, path)


def _read_table(text: str, delimiter: str, reader: Reader, place: str) -> None:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    numeric = _numeric_columns(rows)
    names = rows[0] if rows else []
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            name = names[column] if column < len(names) else str(column + 1)
            here = _join(place, f"line {number}, column {name}")
            (reader.number if number > 1 and column in numeric else reader.text)(here, value)


def _numeric_columns(rows: list[list[str]]) -> frozenset[int]:
    """Columns that hold nothing but numbers, unless their name says that the numbers stand for somebody."""
    return frozenset(
        column
        for column, name in enumerate(rows[0] if rows else ())
        if not _IDENTITY.search(name)
        and all(_is_number(row[column]) for row in rows[1:] if column < len(row) and row[column].strip())
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def pieces(line: str) -> Iterator[str]:
    """What stands between marks in a line: cells of tables, words in quotes, values behind a colon."""
    yield line
    yield from (piece for piece in _PIECES.split(line) if piece)
