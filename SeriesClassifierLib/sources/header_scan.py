"""A fast reader of top-level tags (PS3.5 section 7): fills the budget that a full parser misses by a factor
of ten.

It handles little-endian files as scanners write them and gives up (returns None) on anything else: deflated
or big-endian data, odd lengths, unknown VRs, a file that ends early. The caller then uses pydicom. Only the
front of the file is read, the pixel data never.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from SeriesClassifierLib.records import Repair, Repaired, TagValue
from SeriesClassifierLib.sources.tags import NUMBER_TO_TAG, PRIVATE_BY_PLACE, PRIVATE_GROUPS, PrivateTag
from SeriesClassifierLib.sources.values import character_set, creator, read

_FRONT = 1 << 17
_FRONT_OF_META = 1 << 12
_MOST = 1 << 24
_UNDEFINED = 0xFFFFFFFF
_IMPLICIT = b"1.2.840.10008.1.2"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = b"1.2.840.10008.1.2.2"

# The loops below see some hundred elements a file, so they read a tag as one little-endian integer, which
# has the group in its low half ("place"), and a VR as one integer, and do nothing twice.
_LONG = 12
_SHORT = 8
_LONG_VRS = (b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"OD", b"OL", b"UC", b"UR", b"OV", b"SV", b"UV")
_SHORT_VRS = (
    *(
        b"AE",
        b"AS",
        b"AT",
        b"CS",
        b"DA",
        b"DS",
        b"DT",
        b"FL",
        b"FD",
        b"IS",
        b"LO",
        b"LT",
        b"PN",
        b"SH",
        b"SL",
    ),
    *(b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
)
_VR_CODES = {int.from_bytes(vr, "little"): vr for vr in (*_LONG_VRS, *_SHORT_VRS)}
_HEADER_SIZE = {code: _LONG if vr in _LONG_VRS else _SHORT for code, vr in _VR_CODES.items()}
_UN = int.from_bytes(b"UN", "little")
_head = struct.Struct("<IHH").unpack_from
_implicit_head = struct.Struct("<II").unpack_from
_uint32 = struct.Struct("<I").unpack_from
_uint16 = struct.Struct("<H").unpack_from


def _place(number: int) -> int:
    """A tag number with group and element swapped, as a little-endian file shows it."""
    return (number & 0xFFFF) << 16 | number >> 16


_KEYWORDS = {_place(number): tag.keyword for number, tag in NUMBER_TO_TAG.items()}
_CHARACTER_SET = _place(0x00080005)
_ITEM = _place(0xFFFEE000)
_ITEM_END = _place(0xFFFEE00D)
_SEQUENCE_END = _place(0xFFFEE0DD)
# Group and low byte of the element, as ``_place`` has them.
_PRIVATE_KEY = 0x00FFFFFF
_PRIVATE_KEYS = frozenset(group | element << 16 for group, element in PRIVATE_BY_PLACE)
_LAST_CREATOR = 0x00FFFFFF
_LAST_GROUP = max(max(number >> 16 for number in NUMBER_TO_TAG), max(PRIVATE_GROUPS))


# A plain tuple, which Python takes apart faster than a named one.
_Value = tuple[TagValue | None, Repair | None]


def _long_value(place: int, vr: int, raw: bytes, encoding: str) -> _Value:
    """Value of a standard tag, and what was done to it."""
    tag = NUMBER_TO_TAG[_place(place)]
    done = read(tag.keyword, _VR_NAMES.get(vr, ""), tag.vr, raw, True, encoding)
    return done.value, done.repair


# Cached, because the files of a series repeat most of their values; long ones would fill the memory.
_value = lru_cache(maxsize=65536)(_long_value)
_CACHED_LENGTH = 256
_VR_NAMES = {code: vr.decode("ascii") for code, vr in _VR_CODES.items()}


def _long_private_value(tag: PrivateTag, vr: int, raw: bytes) -> _Value:
    """Value of a private tag, and what was done to it."""
    done = read(tag.name, _VR_NAMES.get(vr, ""), tag.vr, raw, True)
    return done.value, done.repair


_private_value = lru_cache(maxsize=16384)(_long_private_value)


@lru_cache(maxsize=1024)
def _compared(found: bytes, wanted: str) -> tuple[bool, bool]:
    """Whether a private creator is the wanted one, and whether it is spelled in another way."""
    return creator(found) == creator(wanted), found.strip(b"\0 ") != wanted.encode("latin-1")


class _NeedMore(Exception):
    """The buffer ended before the tags did."""


class _GiveUp(Exception):
    """Not a file for this reader."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """The wanted top-level tags of a file, and those of them that hold no clean value."""

    tags: dict[str, TagValue]
    repairs: tuple[Repaired, ...] = ()


def scan(path: str) -> Scanned | None:
    """The wanted top-level tags of a file, or None when this reader is not the one for it.

    Raises OSError when the file cannot be opened.
    """
    with open(path, "rb", buffering=0) as file:
        data = file.read(_FRONT)
        size = _FRONT
        while True:
            ended = len(data) < size
            try:
                return _scan(data)
            except (_GiveUp, KeyError):
                return None
            except RecursionError:
                return None
            except (_NeedMore, struct.error, IndexError):
                if ended or size >= _MOST:
                    return None
                size = min(size * 8, _MOST)
                data += file.read(size - len(data))


def transfer_syntax(path: str) -> str:
    """TransferSyntaxUID, "" where the front of the file does not show it. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        front = file.read(_FRONT_OF_META)
    if front[128:132] != b"DICM":
        return ""
    try:
        return _transfer_syntax(front)[0].decode("ascii", "replace")
    except (_GiveUp, KeyError, struct.error):
        return ""


def _scan(data: bytes) -> Scanned:
    if data[128:132] != b"DICM":
        raise _GiveUp
    syntax, pos = _transfer_syntax(data)
    if syntax in (_DEFLATED, _BIG_ENDIAN) or not syntax:
        raise _GiveUp
    dataset = _Dataset(data, explicit=syntax != _IMPLICIT)
    tags = dataset.read(pos)
    return Scanned(tags, tuple(sorted(set(dataset.repairs))) if dataset.repairs else ())


def _transfer_syntax(data: bytes) -> tuple[bytes, int]:
    """TransferSyntaxUID and the position of the first element after the file meta group."""
    pos, syntax = 132, b""
    while True:
        place, vr, length = _head(data, pos)
        if place & 0xFFFF != 2:
            return syntax, pos
        size = _HEADER_SIZE.get(vr)
        if size is None:
            raise _GiveUp
        if size == _LONG:
            length = _uint32(data, pos + 8)[0]
        pos += size
        if place == _place(0x00020010):
            syntax = data[pos : pos + length].rstrip(b"\0 ")
        pos += length


@dataclass(frozen=True, slots=True)
class _Group:
    """All elements of one group of a file, and what was read from them."""

    data: bytes
    tags: dict[str, TagValue]
    repairs: tuple[Repaired, ...]


# The last group of each number, byte order of its VRs and character set: the files of a series repeat most
# groups byte for byte, and comparing bytes costs less than reading them.
_last_groups: dict[tuple[int, bool, str], _Group] = {}
_LONGEST_GROUP = 1 << 16
# The group that holds SOPInstanceUID is never the same in two files.
_IDENTIFYING = 0x0008
_PIXELS = 0x7FE0


class _Dataset:
    """Walks the elements of one data set in a buffer."""

    def __init__(self, data: bytes, explicit: bool) -> None:
        self._data = data
        self._explicit = explicit
        self._creators: dict[tuple[int, int], bytes] = {}
        self._encoding = "latin-1"
        self.repairs: list[Repaired] = []

    def read(self, pos: int) -> dict[str, TagValue]:
        """The wanted tags from ``pos`` on. Raises _NeedMore, struct.error, KeyError (of a VR) or _GiveUp."""
        data = self._data
        out: dict[str, TagValue] = {}
        before = -1
        while True:
            group = _uint16(data, pos)[0]
            if group > _LAST_GROUP:
                self._check_pixels(pos, group)
                return out
            if group <= before:
                raise _GiveUp
            before = group
            if group == _IDENTIFYING:
                pos = self._read_group(pos, group, out)
                continue
            key = (group, self._explicit, self._encoding)
            last = _last_groups.get(key)
            if last is not None and data.startswith(last.data, pos):
                stop = pos + len(last.data)
                if _uint16(data, stop)[0] != group:
                    out.update(last.tags)
                    self.repairs += last.repairs
                    pos = stop
                    continue
            tags: dict[str, TagValue] = {}
            n_repairs = len(self.repairs)
            stop = self._read_group(pos, group, tags)
            if stop - pos <= _LONGEST_GROUP:
                _last_groups[key] = _Group(data[pos:stop], tags, tuple(self.repairs[n_repairs:]))
            out.update(tags)
            pos = stop

    def _check_pixels(self, pos: int, group: int) -> None:
        """Give up on pixel data of no length: what that means is for the other reader to say."""
        if group != _PIXELS:
            return
        _, _, length = _head(self._data, pos)
        if not self._explicit:
            length = _implicit_head(self._data, pos)[1]
        elif _HEADER_SIZE[_head(self._data, pos)[1]] == _LONG:
            length = _uint32(self._data, pos + 8)[0]
        if not length:
            raise _GiveUp

    def _read_group(self, pos: int, group: int, out: dict[str, TagValue]) -> int:
        """Put the wanted tags of the group that begins at ``pos`` into ``out``; the position behind it."""
        data, explicit, keywords, header_size = self._data, self._explicit, _KEYWORDS, _HEADER_SIZE
        is_private = group in PRIVATE_GROUPS
        end = len(data)
        vr = 0
        while True:
            if explicit:
                place, vr, length = _head(data, pos)
            else:
                place, length = _implicit_head(data, pos)
            if place & 0xFFFF != group:
                return pos
            if not explicit or header_size[vr] == _SHORT:
                pos += 8
            else:
                length = _uint32(data, pos + 8)[0]
                pos += 12
            if length == _UNDEFINED:
                pos = self._skip_sequence(pos, explicit and vr != _UN)
                continue
            stop = pos + length
            if stop > end:
                raise _NeedMore
            if place in keywords:
                read_value = _value if length <= _CACHED_LENGTH else _long_value
                value, repair = read_value(place, vr, data[pos:stop], self._encoding)
                if value is not None:
                    out[keywords[place]] = value
                    if place == _CHARACTER_SET:
                        self._set_encoding(value)
                if repair is not None:
                    self.repairs.append(Repaired(keywords[place], repair))
            elif is_private and (place & _PRIVATE_KEY in _PRIVATE_KEYS or place <= _LAST_CREATOR):
                self._keep_private(out, group, place >> 16, vr, data[pos:stop])
            pos = stop

    def _keep_private(self, out: dict[str, TagValue], group: int, element: int, vr: int, raw: bytes) -> None:
        if 0x10 <= element <= 0xFF:
            self._creators[group, element] = raw
            return
        private = PRIVATE_BY_PLACE.get((group, element & 0xFF))
        if private is None:  # an element below the creators
            return
        found = self._creators.get((group, element >> 8), b"")
        is_ours, is_other = _compared(found, private.creator)
        if not is_ours:
            return
        read_value = _private_value if len(raw) <= _CACHED_LENGTH else _long_private_value
        value, repair = read_value(private, vr, raw)
        if value is not None:
            out[private.name] = value
        if is_other:
            repair = repair or Repair.CREATOR
        if repair is not None:
            self.repairs.append(Repaired(private.name, repair))

    def _set_encoding(self, value: TagValue) -> None:
        encoding, repair = character_set(value)
        if not encoding:
            raise _GiveUp
        self._encoding = encoding
        if repair is not None:
            self.repairs.append(Repaired("SpecificCharacterSet", repair))

    def _skip_sequence(self, pos: int, explicit: bool) -> int:
        """Position after the delimiter of a sequence of undefined length whose value begins at ``pos``."""
        data = self._data
        while True:
            place, length = _implicit_head(data, pos)
            pos += 8
            if place == _SEQUENCE_END:
                return pos
            if place != _ITEM:
                raise _GiveUp
            pos = self._skip_item(pos, explicit) if length == _UNDEFINED else pos + length

    def _skip_item(self, pos: int, explicit: bool) -> int:
        data = self._data
        while True:
            if explicit:
                place, vr, length = _head(data, pos)
                size = _HEADER_SIZE.get(vr)
                if size == _LONG:
                    length = _uint32(data, pos + 8)[0]
            else:
                place, length = _implicit_head(data, pos)
                vr, size = 0, _SHORT
            if place == _ITEM_END:
                return pos + 8
            if size is None:
                raise _GiveUp
            pos += size
            pos = self._skip_sequence(pos, explicit and vr != _UN) if length == _UNDEFINED else pos + length
