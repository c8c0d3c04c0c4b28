"""Proof that an export holds no identifier: every value of the originals is searched in every file of it."""

from __future__ import annotations

import os
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.export.contents import pieces, read_contents
from SeriesClassifierLib.export.identifiers import (
    ID,
    NAME,
    STANDARD_ROOT,
    Identifiers,
    common_word,
    identifiers_of,
    is_number,
    only_whole,
    plain,
)
from SeriesClassifierLib.export.needles import Needles

__all__ = ["Finding", "Identifiers", "identifiers_of", "scan"]

PRIVATE_TAG = "private tag"
_OWN_ROOT = "2.25."
_LONG = 8
_LONG_WITHOUT_LETTERS = 12
_FLUSH = 1 << 21
# What gives somebody away whoever it is. (kind, pattern in lower-case text)
_GENERIC = (
    ("e-mail address", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("UID", re.compile(r"(?<![\w.])[0-2](?:\.\d+){4,}(?![\w.]*\d)")),
    ("person name", re.compile(r"[^\W\d_]{2,}\^[^\W\d_]+")),
    (
        "date",
        re.compile(r"(?<![\w.])(?:19|20)\d\d(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?![\d-]|\.\d)"),
    ),
    ("date", re.compile(r"(?<![\d.])(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.(?:19|20)\d\d(?!\.?\d)")),
    (PRIVATE_TAG, re.compile(r"\([0-9a-f]{3}[13579bdf],\s?[0-9a-f]{4}\)")),
)
_SHORTEST_UID = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be in an export. The value itself is never told: ``masked`` has its length."""

    file: str
    place: str
    kind: str
    masked: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place or 'content'}: {self.kind} {self.masked}".rstrip()


def scan(
    folder: Path, identifiers: Identifiers | None = None, own_texts: Collection[str] = ()
) -> list[Finding]:
    """What is found in the names and contents of all files below ``folder``; each value once a file.

    Without ``identifiers`` only what gives somebody away by its form is searched: dates, UIDs of other roots
    than 2.25 and the standard's, e-mail addresses, names with carets, private tags, and elements of DICOM
    files that hold names, dates or times. Content that cannot be opened is a finding too.

    With them, upper and lower case are the same, and:

    - values of eight characters and more are found anywhere, also within words; shorter ones and numbers only
      where no letter, digit or further digits of a longer number adjoin;
    - values of less than four characters, numbers of less than six digits, and single words of letters from
      descriptions and private tags are compared with whole fields of text; in lines for people with the
      pieces between marks, such numbers and single words not at all; in names of files such numbers not;
    - fields that hold numbers (JSON numbers, numeric columns, numeric DICOM elements) are compared with names
      and IDs, and with other values of at least eight characters;
    - in pixels, where digits stand by chance, values of eight characters and more are found, those without
      letters only from twelve characters on.

    ``own_texts`` are whole lines and texts that every export has: words in them that are a name, too, tell
    nothing. Raises SourceError when ``folder`` is no folder that can be listed.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder: name the folder of an export")
    search = _Search(identifiers.values if identifiers is not None else {}, frozenset(own_texts))
    findings: list[Finding] = []
    for path in files_below(folder):
        reader = _FileReader(search, path.relative_to(folder).as_posix())
        findings += reader.findings_of(path)
    return findings


def files_below(folder: Path) -> list[Path]:
    """All files, in a fixed order. Raises SourceError when a folder cannot be listed."""

    def fail(error: OSError) -> None:
        raise SourceError(f"a folder in {folder} cannot be listed: check its permissions") from error

    found = [Path(root, name) for root, _, names in os.walk(folder, onerror=fail) for name in names]
    return sorted(found)


class _Search:
    """The values, sorted by how each may be searched."""

    def __init__(self, values: Mapping[str, str], own_texts: frozenset[str]) -> None:
        self.kinds, self.own_texts = values, own_texts
        self.whole = {value for value, kind in values.items() if only_whole(value, kind)}
        # In lines for people, single words and small numbers stand for themselves.
        self.common = {v for v in self.whole if common_word(v, values[v]) or is_number(v)}
        anywhere = [value for value in values if value not in self.whole]
        self._values = {value.encode("utf-8"): value for value in anywhere}
        # The same letters as older files write them.
        for value in anywhere:
            if not value.isascii():
                self._values.setdefault(value.encode("latin-1", "replace"), value)
        self.texts = Needles(self._values)
        self.pixels = Needles(raw for raw, value in self._values.items() if _tells_in_pixels(value))

    def hits(self, data: bytes, needles: Needles) -> Iterator[tuple[int, int, str]]:
        """(start, end, value) of the values in lower-case ``data`` that stand there by themselves."""
        for start, raw in needles.find(data):
            value = self._values[raw]
            end = start + len(raw)
            if (len(value) >= _LONG and not _digits_only(value)) or _alone(data, start, end):
                yield start, end, value

    def in_number(self, text: str) -> str:
        """The value that a number is; "" for none."""
        value = plain(text).removesuffix(".0")
        kind = self.kinds.get(value, "")
        told = len(value) >= _LONG or (kind in (NAME, ID) and value not in self.whole)
        return value if kind and told else ""

    def masked(self, text: str) -> str:
        """``text`` with everything blotted out that is searched or gives somebody away."""
        shown = bytearray(_comparable(text))
        spans = [(start, end) for start, end, _ in self.hits(bytes(shown), self.texts)]
        for start, end in spans:
            shown[start:end] = b"*" * (end - start)
        text = shown.decode("utf-8", "replace") if spans else text
        for kind, pattern in _GENERIC:
            if kind != PRIVATE_TAG:  # such places are how findings in DICOM files are told
                text = pattern.sub("***", text)
        parts = re.split(r"([/., ])", text)
        return "".join("***" if plain(p) in self.whole and not is_number(plain(p)) else p for p in parts)


def _tells_in_pixels(value: str) -> bool:
    letters = any(c.isalpha() for c in value)
    return len(value) >= (_LONG if letters else _LONG_WITHOUT_LETTERS)


def _digits_only(value: str) -> bool:
    return value.isdigit() or is_number(value)


def _alone(data: bytes, start: int, end: int) -> bool:
    """Whether no letter or digit adjoins, nor a decimal point with further digits."""
    before, after = data[max(0, start - 2) : start], data[end : end + 2]
    if before and (_joins(before[-1]) or (before[-1:] == b"." and before[:-1].isdigit())):
        return False
    return not (after and (_joins(after[0]) or (after[:1] == b"." and after[1:].isdigit())))


def _joins(byte: int) -> bool:
    return byte >= 0x80 or chr(byte).isalnum()


@dataclass(slots=True)
class _FileReader:
    """Searches one file; told its contents by ``read_contents``."""

    search: _Search
    file: str
    _found: dict[tuple[str, str], Finding] = field(default_factory=dict)
    _places: list[str] = field(default_factory=list)
    _cells: list[str] = field(default_factory=list)
    _size: int = 0
    _name: str = ""

    def findings_of(self, path: Path) -> list[Finding]:
        """All findings in ``path``, whose name in the export is ``file``."""
        self._name = self.search.masked(self.file)
        self.name("file name", self.file)
        try:
            content = path.read_bytes()
        except OSError:
            self.problem("", "file that cannot be read")
        else:
            read_contents(path.name, content, self)
        self._flush()
        return list(self._found.values())

    def text(self, place: str, value: str) -> None:
        """A field that holds text: compared as a whole, and searched."""
        if value in self.search.own_texts:
            return
        whole = plain(value)
        if whole in self.search.whole:
            self._add(place, self.search.kinds[whole], whole)
        self._keep(place, value)

    def name(self, place: str, value: str) -> None:
        """The name of a file: its folders, with and without what follows a dot, are compared as a whole."""
        for part in value.split("/"):
            for whole in {plain(part), plain(part.partition(".")[0]), plain(part.rpartition(".")[0])}:
                if whole in self.search.whole and not is_number(whole):
                    self._add(place, self.search.kinds[whole], whole)
        self._keep(place, value)

    def prose(self, place: str, line: str) -> None:
        """A line for people."""
        if line.strip() in self.search.own_texts:
            return
        for piece in pieces(line) if self.search.whole else ():
            whole = plain(piece)
            if whole in self.search.whole and whole not in self.search.common:
                self._add(place, self.search.kinds[whole], whole)
        self._keep(place, line)

    def number(self, place: str, value: str) -> None:
        """A field that holds a number."""
        found = self.search.in_number(value)
        if found:
            self._add(place, self.search.kinds[found], found)

    def octets(self, place: str, value: bytes) -> None:
        """Bytes that are no picture."""
        for _, _, found in self.search.hits(value.lower(), self.search.texts):
            self._add(place, self.search.kinds[found], found)

    def pixels(self, place: str, value: bytes) -> None:
        """The numbers of a picture, or the raw bytes of a file."""
        for _, _, found in self.search.hits(value.lower(), self.search.pixels):
            self._add(place, self.search.kinds[found], found)

    def problem(self, place: str, kind: str) -> None:
        """Something that has no value to be masked."""
        self._found.setdefault((kind, place), Finding(self._name, self.search.masked(place), kind, ""))

    def _keep(self, place: str, value: str) -> None:
        self._places.append(place)
        self._cells.append(value)
        self._size += len(value)
        if self._size >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        """Search the texts gathered so far, all at once."""
        text = "\n".join(self._cells)
        self._search_values(text)
        self._search_forms(text)
        self._places.clear()
        self._cells.clear()
        self._size = 0

    def _search_values(self, text: str) -> None:
        hits = list(self.search.hits(_comparable(text), self.search.texts))
        if not hits:
            return
        ends = list(accumulate(len(_comparable(cell)) + 1 for cell in self._cells))
        for start, _, value in hits:
            self._add(self._places[bisect_right(ends, start)], self.search.kinds[value], value)

    def _search_forms(self, text: str) -> None:
        ends: list[int] = []
        for kind, pattern in _GENERIC:
            for match in pattern.finditer(text.lower()):
                value = match.group()
                if kind == "UID" and (
                    value.startswith((_OWN_ROOT, STANDARD_ROOT)) or len(value) < _SHORTEST_UID
                ):
                    continue
                ends = ends or list(accumulate(len(cell.lower()) + 1 for cell in self._cells))
                self._add(self._places[bisect_right(ends, match.start())], kind, value)

    def _add(self, place: str, kind: str, value: str) -> None:
        mask = f"{'*' * min(len(value), _LONG)}"
        finding = Finding(self._name, self.search.masked(place), kind, mask)
        self._found.setdefault(("", plain(value)), finding)


def _comparable(text: str) -> bytes:
    """Text as the values are compared: one form of every letter, lower case."""
    return unicodedata.normalize("NFC", text).lower().encode("utf-8", "surrogatepass")
