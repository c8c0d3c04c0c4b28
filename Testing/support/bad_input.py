"""Broken and odd DICOM input, made from a real image: what scanners, archives and de-identifiers let through.

Each kind gets a folder of its own and names how its series must end:

- ``label``: the header says what it is, so it is labeled in spite of the damage;
- ``answer``: a label or ``unknown``, as the model sees fit, but nothing failed;
- ``unknown``: holds nothing to label;
- ``failed``: cannot be read, and is listed with a reason;
- ``skipped``: does not claim to be DICOM, and leaves no row.

All files are written byte by byte, because no DICOM library writes most of them.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from SeriesClassifierLib.simulation.dicom_writer import uid_of

ENDS = ("label", "answer", "unknown", "failed", "skipped")
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
MANY = 5000
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_SWAPPED = {"US": 2, "SS": 2, "OW": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8}
_UNDEFINED = 0xFFFFFFFF

Element = tuple[str, bytes]
Elements = Mapping[int, Element]
Change = str | bytes | Element | None


@dataclass(frozen=True)
class Kind:
    """One kind of bad input. ``build`` fills the folder it is given; ``root_too`` is False when permissions
    make the case, which do not bind root.
    """

    name: str
    end: str
    build: Callable[[Folder], None]
    root_too: bool = True


@dataclass(frozen=True)
class Folder:
    """Where one kind's files go, with the UIDs that tell them from the other kinds'."""

    kind: str
    path: Path

    @property
    def study_uid(self) -> str:
        return uid_of("bad input", self.kind)

    def image(self, number: int = 1, **changes: Change) -> dict[int, Element]:
        """A real image as slice ``number`` of this kind's series; ``changes`` by keyword, None removes."""
        own: dict[str, Change] = {
            "StudyInstanceUID": self.study_uid,
            "SeriesInstanceUID": uid_of("bad input", self.kind, "series"),
            "SOPInstanceUID": uid_of("bad input", self.kind, number),
            "PatientID": self.kind,
            "SeriesDescription": self.kind,
            "InstanceNumber": str(number),
            "ImagePositionPatient": f"0\\0\\{3 * number}",
        }
        return _changed(_real_image(), own | changes)

    def diffusion(self, number: int = 1, **changes: Change) -> dict[int, Element]:
        """The same as a diffusion image of b = 800 that says so itself."""
        own: dict[str, Change] = {
            "ImageType": "ORIGINAL\\PRIMARY\\DIFFUSION\\NONE",
            "ScanningSequence": "EP",
            "DiffusionBValue": ("FD", struct.pack("<d", 800.0)),
        }
        return self.image(number, **(own | changes))

    def write(self, content: Elements | bytes, name: str = "image.dcm") -> Path:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else part10(encode(content.items())))
        return target


def build_all(root: Path) -> dict[str, Kind]:
    """Write every kind that this user and system can have into ``root/<name>``; the kinds by name."""
    kinds = {kind.name: kind for kind in KINDS if kind.root_too or not _permissions_do_not_bind()}
    for kind in kinds.values():
        build(kind, root)
    return kinds


def build(kind: Kind, root: Path) -> Path:
    """Write one kind into ``root/<name>`` and return that folder."""
    folder = Folder(kind.name, root / kind.name)
    folder.path.mkdir(parents=True)
    kind.build(folder)
    return folder.path


def left_out() -> list[str]:
    """Kinds that cannot be made here, because root may read everything."""
    return [kind.name for kind in KINDS if not kind.root_too and _permissions_do_not_bind()]


def is_of(kind: Kind, *, study_uid: str, patient_id: str, description: str) -> bool:
    """True when a row of the table came from the files of ``kind``."""
    return (
        study_uid == Folder(kind.name, Path()).study_uid
        or patient_id == kind.name
        or f"{description}/".startswith(f"{kind.name}/")
    )


def digests(root: Path) -> dict[str, str]:
    """Relative name -> SHA-256, time of change and mode of everything below ``root`` that can be looked at."""
    out = {}
    for folder, subfolders, names in os.walk(os.fsencode(root)):
        for name in (*subfolders, *names):
            path = os.path.join(folder, name)
            if os.access(folder, os.X_OK):
                status = os.lstat(path)
                readable = os.path.isfile(path) and os.access(path, os.R_OK)
                content = Path(os.fsdecode(path)).read_bytes() if readable else b""
                key = os.path.relpath(path, os.fsencode(root)).decode("latin-1")
                out[key] = f"{hashlib.sha256(content).hexdigest()} {status.st_mtime_ns} {status.st_mode}"
    return out


# --- writing DICOM by hand


def encode(
    elements: Iterable[tuple[int, Element]], *, explicit: bool = True, little_endian: bool = True
) -> bytes:
    """A data set (PS3.5 section 7) of the elements in the order given. Values of even length stay as they
    are; numbers are taken as little-endian and swapped where asked for.
    """
    return b"".join(
        element(number, vr, value, explicit=explicit, little_endian=little_endian)
        for number, (vr, value) in elements
    )


def element(
    number: int,
    vr: str,
    value: bytes,
    *,
    length: int | None = None,
    explicit: bool = True,
    little_endian: bool = True,
) -> bytes:
    """One element; ``length`` may lie."""
    order = "<" if little_endian else ">"
    if not little_endian and vr in _SWAPPED:
        size = _SWAPPED[vr]
        value = b"".join(value[i : i + size][::-1] for i in range(0, len(value), size))
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    length = len(value) if length is None else length
    tag = struct.pack(f"{order}HH", number >> 16, number & 0xFFFF)
    if not explicit:
        return tag + struct.pack(f"{order}I", length) + value
    code = vr.encode("ascii")
    if vr in _LONG:
        return tag + code + b"\0\0" + struct.pack(f"{order}I", length) + value
    return tag + code + struct.pack(f"{order}H", length & 0xFFFF) + value


def part10(body: bytes, syntax: str = EXPLICIT, *, sop_class: str = "1.2.840.10008.5.1.4.1.1.4") -> bytes:
    """A file: preamble, file meta group, data set."""
    meta = encode(
        [
            (0x00020001, ("OB", b"\0\1")),
            (0x00020002, ("UI", sop_class.encode())),
            (0x00020003, ("UI", b"1.2.3")),
            (0x00020010, ("UI", syntax.encode())),
        ]
    )
    length = element(0x00020000, "UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + body


def items(*contents: bytes) -> bytes:
    """The value of a sequence: items of defined length."""
    return b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content for content in contents)


@cache
def _real_image() -> Mapping[int, Element]:
    """The elements of pydicom's MR_small.dcm: a real 64 x 64 MR image of 2004."""
    import pydicom
    from pydicom.data import get_testdata_file

    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
    out = {}
    for tag in sorted(dataset.keys()):
        raw = dataset.get_item(tag)  # not converted, because nothing asked for its value yet
        if tag < 0xFFFC0000:
            out[int(tag)] = (str(raw.VR), raw.value or b"")
    return out


def _changed(elements: Elements, changes: Mapping[str, Change]) -> dict[int, Element]:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    out = dict(elements)
    for keyword, change in changes.items():
        number = tag_for_keyword(keyword)
        assert number is not None, keyword
        if change is None:
            out.pop(number, None)
        elif isinstance(change, tuple):
            out[number] = change
        else:
            value = change.encode("utf-8") if isinstance(change, str) else change
            out[number] = (dictionary_VR(number), value)
    return dict(sorted(out.items()))


@cache
def _permissions_do_not_bind() -> bool:
    """True when permissions do not bind this process, as root's usually do not."""
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return os.access(file.name, os.R_OK)


def _us(value: int) -> Element:
    return ("US", struct.pack("<H", value))


# --- the kinds

KINDS: list[Kind] = []


def kind(
    end: str, *, root_too: bool = True
) -> Callable[[Callable[[Folder], None]], Callable[[Folder], None]]:
    """Register the decorated builder under its name."""
    assert end in ENDS

    def register(build: Callable[[Folder], None]) -> Callable[[Folder], None]:
        KINDS.append(Kind(build.__name__, end, build, root_too))
        return build

    return register


@kind("label")
def sound(folder: Folder) -> None:
    """Nothing is wrong here: what must come out right among all the others."""
    for number in range(1, 6):
        folder.write(folder.diffusion(number), f"{number}.dcm")


# tags and values


@kind("answer")
def only_uids(folder: Folder) -> None:
    wanted = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
    folder.write({number: value for number, value in folder.image().items() if number in wanted})


@kind("answer")
def only_a_series_uid(folder: Folder) -> None:
    folder.write({0x00100020: ("LO", folder.kind.encode()), 0x0020000E: folder.image()[0x0020000E]})


@kind("label")
def wrong_vrs(folder: Folder) -> None:
    changes: dict[str, Change] = {
        "Rows": ("LO", b"sixty-four"),
        "Columns": ("DS", b"64"),
        "EchoTime": ("FD", struct.pack("<d", 80.0)),
        "RepetitionTime": ("SQ", b""),
        "SeriesNumber": ("LO", b"seven"),
        "FlipAngle": ("PN", b"Ninety^Degrees"),
        "PatientSex": ("OB", bytes(range(16))),
        "ImagePositionPatient": ("US", b"\1\0\2\0\3\0"),
        "SliceThickness": ("AT", b"\1\0\2\0"),
        "StudyDate": ("SQ", b"garbage!"),
    }
    folder.write(folder.diffusion(**changes))


@kind("answer")
def unknown_vrs(folder: Folder) -> None:
    body = encode(folder.image().items())
    folder.write(part10(body.replace(b"\x18\x00\x81\x00DS", b"\x18\x00\x81\x00ZZ")))


@kind("label")
def numbers_that_are_none(folder: Folder) -> None:
    for number, text in enumerate(("NaN", "inf", "-1e999", "12,5", "many", "0x10", "1 2", "--3", "1_000"), 1):
        keywords = ("EchoTime", "RepetitionTime", "FlipAngle", "SliceThickness", "PixelSpacing", "WindowCenter",
                    "EchoTrainLength", "SAR", "SeriesNumber")  # fmt: skip
        folder.write(folder.diffusion(number, **dict.fromkeys(keywords, text)), f"{number}.dcm")


@kind("answer")
def numbers_not_finite(folder: Folder) -> None:
    for number, value in enumerate((float("nan"), float("inf"), -float("inf")), 1):
        packed = ("FD", struct.pack("<d", value))
        folder.write(folder.image(number, DiffusionBValue=packed, EchoTime=packed), f"{number}.dcm")


@kind("answer")
def absurd_numbers(folder: Folder) -> None:
    huge = "9" * 400
    changes = dict.fromkeys(("SeriesNumber", "InstanceNumber", "EchoTrainLength", "EchoTime"), "1e300")
    folder.write(folder.image(1, **changes), "1.dcm")
    folder.write(folder.image(2, SeriesNumber=huge, EchoTime=huge), "2.dcm")
    folder.write(folder.image(3, SeriesNumber="-99999999999999999999", RepetitionTime="-1"), "3.dcm")


@kind("answer")
def absurd_b_values(folder: Folder) -> None:
    for number, value in enumerate((1e12, -800.0, 1e308, 5e-324), 1):
        b_value = ("FD", struct.pack("<d", value))
        folder.write(folder.image(number, DiffusionBValue=b_value), f"{number}.dcm")


@kind("answer")
def zero_times(folder: Folder) -> None:
    for number in range(1, 4):
        folder.write(folder.image(number, EchoTime="0", RepetitionTime=None, FlipAngle="0"), f"{number}.dcm")


@kind("answer")
def zero_length_values(folder: Folder) -> None:
    kept = {0x00080018, 0x00100020, 0x0020000D, 0x0020000E, 0x7FE00010}
    emptied = {
        number: (vr, value if number in kept else b"") for number, (vr, value) in folder.image().items()
    }
    folder.write(emptied)


@kind("answer")
def dates_of_no_calendar(folder: Folder) -> None:
    for number in range(1, 4):
        changes = {
            "StudyDate": "99999999", "SeriesTime": "256199.-5", "AcquisitionTime": "noon",
            "AcquisitionDateTime": "20240230999999.999999+9999", "ContentTime": "::::",
            "ContrastBolusStartTime": "-1", "TriggerTime": "later",
        }  # fmt: skip
        folder.write(folder.image(number, **changes), f"{number}.dcm")


@kind("answer")
def vectors_of_no_direction(folder: Folder) -> None:
    vectors = (
        "0\\0\\0\\0\\0\\0", "2\\0\\0\\0\\3\\0", "1\\0\\0\\1\\0\\0", "1\\0\\0\\0\\1", "1\\0\\0\\0\\1\\0\\0\\0\\1",
        "nan\\0\\0\\0\\1\\0", "1e308\\0\\0\\0\\1e308\\0", "\\\\\\\\\\", "a\\b\\c\\d\\e\\f", "0.1\\0\\0\\0\\0.1\\0",
    )  # fmt: skip
    for number, vector in enumerate(vectors, 1):
        folder.write(folder.image(number, ImageOrientationPatient=vector), f"{number}.dcm")


@kind("answer")
def no_place_in_space(folder: Folder) -> None:
    for number, place in enumerate((None, "", "1\\2", "1e300\\1e300\\1e300", "x\\y\\z"), 1):
        folder.write(folder.image(number, ImagePositionPatient=place, PixelSpacing="0\\0"), f"{number}.dcm")


@kind("answer")
def negative_spacing(folder: Folder) -> None:
    changes = {"SpacingBetweenSlices": "-3.3", "SliceThickness": "-3", "PixelSpacing": "-1\\-1"}
    for number in range(1, 4):
        folder.write(folder.image(number, **changes), f"{number}.dcm")


@kind("answer")
def mixed_orientations(folder: Folder) -> None:
    planes = ("1\\0\\0\\0\\1\\0", "1\\0\\0\\0\\0\\-1", "0\\1\\0\\0\\0\\-1", "0.7\\0.7\\0\\0\\0\\-1")
    for number in range(1, 81):
        folder.write(
            folder.image(number, ImageOrientationPatient=planes[number % len(planes)]), f"{number}.dcm"
        )


@kind("answer")
def one_value_many_times(folder: Folder) -> None:
    changes = dict.fromkeys(("EchoTime", "FlipAngle", "PixelSpacing"), "\\".join(["1"] * 6000))
    folder.write(
        folder.image(ImageType="\\".join(["M"] * 5000), WindowCenter="\\".join(["5"] * 500), **changes)
    )


@kind("label")
def hostile_words(folder: Folder) -> None:
    words = (
        '=HYPERLINK("http://example.org";"T2")', "<script>alert(1)</script>", "T2\x1b[2J\x07\x00axial",
        "\u202etxet\u2066 right to left \u05e2\u05d1\u05e8\u05d9\u05ea", "\U0001f9e0\U0001f9b4 T2", "'; DROP TABLE event; --",
        "{{ 7 * 7 }} {% raw %} ${jndi:ldap://x}", "%s%s%n %(x)s", "a\nb\rc\td\u2028e", "[red]rich[/red] [link=x]",
    )  # fmt: skip
    for number, text in enumerate(words, 1):
        changes: dict[str, Change] = {
            "SpecificCharacterSet": "ISO_IR 192",
            "SeriesInstanceUID": uid_of("bad input", folder.kind, "series", number),
            "SeriesDescription": text,
            "ProtocolName": text,
            "StudyDescription": text,
            "BodyPartExamined": text,
            "ImageComments": text,
        }
        folder.write(folder.diffusion(number, **changes), f"{number}.dcm")


@kind("label")
def words_without_end(folder: Folder) -> None:
    long = "T2 axial " * 6000
    folder.write(
        folder.diffusion(SeriesDescription=long, ProtocolName=long, PatientID=f"{folder.kind}" + " x" * 9000)
    )


@kind("label")
def identifiers_that_are_paths(folder: Folder) -> None:
    folder.write(
        folder.diffusion(SeriesInstanceUID="../../../etc/passwd", SOPInstanceUID="C:\\x\\y"), "1.dcm"
    )
    folder.write(folder.diffusion(2, SeriesInstanceUID="1." * 5000 + "1"), "2.dcm")
    folder.write(folder.diffusion(3, SeriesInstanceUID=b"1.2\x003.4\nx\xff"), "3.dcm")


@kind("label")
def several_study_uids(folder: Folder) -> None:
    folder.write(folder.diffusion(StudyInstanceUID=f"{folder.study_uid}\\1.2.3"))


@kind("label")
def character_sets(folder: Folder) -> None:
    cases: tuple[tuple[str, bytes], ...] = (
        ("\\ISO 2022 IR 87", b"T2 \x1b$B5.\x1b(B"),
        ("ISO 2022 IR 6\\ISO 2022 IR 149", b"\x1b$)C\xc8\xab"),
        ("GB18030", "轴位 T2".encode("gb18030")),
        ("ISO_IR 144", "ДВИ".encode("iso8859-5")),
        ("ISO_IR 192", b"\xff\xfe broken utf-8 \xc3"),
        ("ISO_IR 999", b"no such set \xe9"),
        ("\\\\\\", b"nothing \xe9"),
        ("UTF-8", "épaule".encode()),
        ("ISO 2022 IR 87", b"\x1b$B unfinished"),
    )
    for number, (charset, text) in enumerate(cases, 1):
        uid = uid_of("bad input", folder.kind, "series", number)
        changes: dict[str, Change] = {"SpecificCharacterSet": charset, "SeriesInstanceUID": uid}
        folder.write(folder.diffusion(number, SeriesDescription=text, **changes), f"{number}.dcm")


@kind("label")
def private_creator_chaos(folder: Folder) -> None:
    chaos = [
        (0x00190010, ("LO", b"SIEMENS MR HEADER")),
        (0x00190011, ("LO", b"SIEMENS MR HEADER")),
        (0x00190012, ("OB", b"\xff\x00\xfe")),
        (0x00190013, ("SQ", b"")),
        (0x001900FF, ("US", b"\1\0")),
        (0x0019100C, ("UN", b"\xff\xfe\xfd")),
        (0x0019110C, ("IS", b"eight hundred")),
        (0x0019120C, ("IS", b"1400")),
        (0x0019990C, ("IS", b"50")),
        (0x00430010, ("LO", b"GEMS_PARM_01")),
        (0x00431039, ("SQ", b"")),
        (0x00650009, ("LO", b"nobody's")),
        (0x20010003, ("FL", b"\0")),
        (0x20011003, ("FL", b"\0\0\xc0\x7f")),
    ]
    folder.write({**folder.diffusion(), **dict(chaos)} | {})
    ordered = sorted({**folder.diffusion(2), **dict(chaos)}.items())
    folder.write(part10(encode(ordered)), "2.dcm")


# order, lengths and nesting


@kind("label")
def tags_out_of_order(folder: Folder) -> None:
    backwards = sorted(folder.diffusion().items(), key=lambda item: (item[0] == 0x7FE00010, -item[0]))
    folder.write(part10(encode(backwards)))


@kind("answer")
def every_tag_twice(folder: Folder) -> None:
    twice = [item for item in folder.image().items() for _ in range(2)]
    folder.write(part10(encode(twice)))


@kind("failed")
def huge_length(folder: Folder) -> None:
    before = encode((n, v) for n, v in folder.image().items() if n < 0x00181000)
    folder.write(part10(before + element(0x00181030, "UT", b"short", length=0xFFFFFFF0)))


@kind("failed")
def length_that_lies(folder: Folder) -> None:
    before = encode((n, v) for n, v in folder.image().items() if n < 0x00100000)
    after = encode((n, v) for n, v in folder.image().items() if n >= 0x00100000)
    folder.write(part10(before + element(0x00091001, "LO", b"x", length=40001) + after))


def _nested(depth: int, *, explicit: bool, defined: bool) -> bytes:
    content = b""
    for _ in range(depth):
        if defined:
            content = element(0x00081140, "SQ", items(content), explicit=explicit)
            continue
        content = (
            element(0x00081140, "SQ", b"", length=_UNDEFINED, explicit=explicit)
            + struct.pack("<HHI", 0xFFFE, 0xE000, _UNDEFINED)
            + content
            + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
        )
    return content


def _with_nesting(folder: Folder, nested: bytes, *, explicit: bool = True) -> bytes:
    elements = folder.diffusion()
    before = encode(((n, v) for n, v in elements.items() if n < 0x00081140), explicit=explicit)
    after = encode(((n, v) for n, v in elements.items() if n > 0x00081140), explicit=explicit)
    return part10(before + nested + after, EXPLICIT if explicit else IMPLICIT)


@kind("label")
def nested_some_levels(folder: Folder) -> None:
    folder.write(_with_nesting(folder, _nested(20, explicit=True, defined=False)), "1.dcm")
    folder.write(_with_nesting(folder, _nested(20, explicit=False, defined=False), explicit=False), "2.dcm")


@kind("label")
def nested_defined_lengths(folder: Folder) -> None:
    folder.write(_with_nesting(folder, _nested(2000, explicit=True, defined=True)))


@kind("failed")
def nested_without_end(folder: Folder) -> None:
    folder.write(_with_nesting(folder, _nested(20_000, explicit=True, defined=False)), "1.dcm")
    folder.write(
        _with_nesting(folder, _nested(20_000, explicit=False, defined=False), explicit=False), "2.dcm"
    )


@kind("failed")
def cut_in_sequence(folder: Folder) -> None:
    whole = _with_nesting(folder, _nested(5, explicit=True, defined=False))
    folder.write(whole[: whole.index(struct.pack("<HHI", 0xFFFE, 0xE00D, 0)) + 4])


# whole files


@kind("failed")
def cut_in_header(folder: Folder) -> None:
    whole = part10(encode(folder.image().items()))
    folder.write(whole[: whole.index(struct.pack("<HH", 0x0020, 0x000D)) + 30])


@kind("answer")
def cut_behind_the_uids(folder: Folder) -> None:
    whole = part10(encode(folder.image().items()))
    folder.write(whole[: whole.index(struct.pack("<HH", 0x0028, 0x0010)) + 3])


@kind("failed")
def cut_in_meta(folder: Folder) -> None:
    folder.write(part10(encode(folder.image().items()))[:200])


@kind("label")
def cut_in_pixels(folder: Folder) -> None:
    folder.write(part10(encode(folder.diffusion().items()))[:-3000])


@kind("unknown")
def no_pixels(folder: Folder) -> None:
    folder.write(folder.diffusion(PixelData=None))


@kind("label")
def unknown_syntax(folder: Folder) -> None:
    folder.write(part10(encode(folder.diffusion().items()), "1.2.3.4.5.6"))


@kind("label")
def compressed_garbage(folder: Folder) -> None:
    pixels = items(b"", b"\xff\xd8\xff this is no JPEG") + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    body = encode(folder.diffusion(PixelData=None).items())
    tail = element(0x7FE00010, "OB", pixels, length=_UNDEFINED)
    folder.write(part10(body + tail, "1.2.840.10008.1.2.4.70"))


@kind("label")
def deflated(folder: Folder) -> None:
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(encode(folder.diffusion().items())) + packer.flush()
    folder.write(part10(body, DEFLATED))


@kind("failed")
def deflated_and_damaged(folder: Folder) -> None:
    packer = zlib.compressobj(wbits=-15)
    body = bytearray(packer.compress(encode(folder.diffusion().items())) + packer.flush())
    body[10:60] = bytes(50)
    folder.write(part10(bytes(body), DEFLATED))


@kind("label")
def big_endian(folder: Folder) -> None:
    folder.write(part10(encode(folder.diffusion().items(), little_endian=False), BIG_ENDIAN))


@kind("label")
def implicit_vr(folder: Folder) -> None:
    folder.write(part10(encode(folder.diffusion().items(), explicit=False), IMPLICIT))


@kind("label")
def implicit_said_to_be_explicit(folder: Folder) -> None:
    folder.write(part10(encode(folder.diffusion().items(), explicit=False), EXPLICIT))


@kind("label")
def no_preamble(folder: Folder) -> None:
    folder.write(encode(folder.diffusion(1).items()), "explicit")
    folder.write(encode(folder.diffusion(2).items(), explicit=False), "implicit")


@kind("label")
def no_meta_group(folder: Folder) -> None:
    folder.write(bytes(128) + b"DICM" + encode(folder.diffusion().items()))


@kind("failed")
def empty_dicom(folder: Folder) -> None:
    folder.write(b"", "image.dcm")
    folder.write(bytes(128) + b"DICM", "preamble")


@kind("failed")
def text_named_dicom(folder: Folder) -> None:
    folder.write(b"This is a letter, not a picture.\n" * 50, "letter.dcm")


@kind("failed")
def noise_named_dicom(folder: Folder) -> None:
    noise = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200))
    folder.write(noise, "noise.IMA")
    folder.write(bytes(128) + b"DICM" + noise, "noise")


@kind("skipped")
def not_dicom(folder: Folder) -> None:
    folder.write(b"", "empty")
    folder.write(b"notes of a meeting\n", "notes.txt")
    folder.write(b"\x89PNG\r\n\x1a\n" + bytes(300), "picture.png")
    folder.write(b'{"a": [1, 2]}', "data.json")
    folder.write(b"SQLite format 3\0" + bytes(500), "thumbs.db")
    folder.write(bytes(5000), "zeros")
    folder.write(bytes(range(256)) * 20, "bytes")
    with zipfile.ZipFile(folder.path / "exam.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("image.dcm"), part10(encode(folder.image().items())))


@kind("skipped")
def dicomdirs(folder: Folder) -> None:
    from pydicom.data import get_testdata_file

    content = Path(str(get_testdata_file("DICOMDIR", download=False))).read_bytes()
    for name in ("DICOMDIR", "deep/er/dicomdir", "renamed/index", "renamed/index.dcm"):
        folder.write(content, name)


# identity


@kind("answer")
def duplicate_instances(folder: Folder) -> None:
    for number in range(1, 8):
        folder.write(folder.image(number, SOPInstanceUID=uid_of("bad input", "one for all")), f"{number}.dcm")


@kind("label")
def no_instance_uid(folder: Folder) -> None:
    for number in range(1, 4):
        folder.write(folder.diffusion(number, SOPInstanceUID=None, InstanceNumber=None), f"{number}.dcm")


@kind("label")
def one_series_in_two_studies(folder: Folder) -> None:
    folder.write(folder.diffusion(1), "1.dcm")
    folder.write(folder.diffusion(2, StudyInstanceUID=uid_of("bad input", folder.kind, "other")), "2.dcm")


@kind("label")
def no_study_uid(folder: Folder) -> None:
    folder.write(folder.diffusion(StudyInstanceUID=None))


@kind("failed")
def no_series_uid(folder: Folder) -> None:
    folder.write(folder.image(SeriesInstanceUID=None), "1.dcm")
    folder.write(folder.image(2, SeriesInstanceUID=""), "2.dcm")
    folder.write(folder.image(3, SeriesInstanceUID="1.2\\1.3"), "3.dcm")


@kind("label")
def patients_in_one_study(folder: Folder) -> None:
    for number in range(1, 4):
        uid = uid_of("bad input", folder.kind, "series", number)
        folder.write(folder.diffusion(number, PatientID=f"{number}", SeriesInstanceUID=uid), f"{number}.dcm")


# shapes


@kind("unknown")
def one_pixel(folder: Folder) -> None:
    folder.write(folder.diffusion(Rows=_us(1), Columns=_us(1), PixelData=("OW", b"\1\0")))


@kind("unknown")
def no_rows(folder: Folder) -> None:
    folder.write(folder.diffusion(1, Rows=_us(0), Columns=_us(0)), "1.dcm")
    folder.write(folder.diffusion(2, Rows=None, Columns=None), "2.dcm")


@kind("label")
def larger_than_its_pixels(folder: Folder) -> None:
    folder.write(folder.diffusion(Rows=_us(65535), Columns=_us(65535), BitsAllocated=_us(64)))


@kind("answer")
def color(folder: Folder) -> None:
    changes: dict[str, Change] = {
        "PhotometricInterpretation": "RGB", "SamplesPerPixel": _us(3), "BitsAllocated": _us(8),
        "Rows": _us(4), "Columns": _us(4), "PixelData": ("OB", bytes(48)),
    }  # fmt: skip
    folder.write(folder.image(**changes))


@kind("label")
def mosaic(folder: Folder) -> None:
    image_type = "ORIGINAL\\PRIMARY\\M\\ND\\DIFFUSION\\MOSAIC"
    for number, b in enumerate((0.0, 1000.0, 1000.0), 1):
        changes: dict[str, Change] = {
            "ImageType": image_type,
            "DiffusionBValue": ("FD", struct.pack("<d", b)),
        }
        folder.write(folder.diffusion(number, **changes), f"{number}.dcm")


@kind("answer")
def many_slices(folder: Folder) -> None:
    elements = folder.image(Rows=_us(1), Columns=_us(1), PixelData=("OW", b"\1\0"))
    series = elements[0x0020000E]
    for number in range(1, MANY + 1):
        uid = uid_of("bad input", folder.kind, number).encode()
        elements[0x00080018] = ("UI", uid)
        elements[0x00200013] = ("IS", str(number).encode())
        elements[0x00200032] = ("DS", f"0\\0\\{number}".encode())
        elements[0x0020000E] = series
        folder.write(elements, f"{number % 7}/{number}")


@kind("answer")
def many_directions(folder: Folder) -> None:
    """A thousand slices, no two of one orientation."""
    import math

    for number in range(1, 1001):
        a, b = number * 2.399963, math.acos(1 - 2 * number / 1001)
        row = (math.cos(a), math.sin(a), 0.0)
        column = (-math.sin(a) * math.cos(b), math.cos(a) * math.cos(b), math.sin(b))
        vector = "\\".join(f"{v:.6f}" for v in (*row, *column))
        tiny = {"Rows": _us(1), "Columns": _us(1), "PixelData": ("OW", b"\1\0")}
        folder.write(folder.image(number, ImageOrientationPatient=vector, **tiny), f"{number}.dcm")


def _group(sequence: int, **values: Change) -> bytes:
    """One functional group macro: a sequence of one item."""
    return element(sequence, "SQ", items(encode(_changed({}, values).items())))


def _enhanced(
    folder: Folder, frames: str, shared: bytes | None, per_frame: Iterable[bytes] | None, **changes: Change
) -> bytes:
    own: dict[str, Change] = {"SOPClassUID": ENHANCED_MR, "NumberOfFrames": frames, "EchoTime": None}
    own |= {"ImageOrientationPatient": None, "ImagePositionPatient": None, "Rows": _us(2), "Columns": _us(2)}
    own |= {"PixelData": ("OW", b"\1\0" * 4)}
    elements = dict(folder.image(**(own | changes)))
    if shared is not None:
        elements[0x52009229] = ("SQ", items(shared))
    if per_frame is not None:
        elements[0x52009230] = ("SQ", items(*per_frame))
    return part10(encode(sorted(elements.items())), sop_class=ENHANCED_MR)


def _frame(number: int) -> bytes:
    return _group(0x00209113, ImagePositionPatient=f"0\\0\\{number}") + _group(
        0x00189114, EffectiveEchoTime=("FD", struct.pack("<d", 80.0))
    )


@kind("answer")
def frames_without_groups(folder: Folder) -> None:
    folder.write(_enhanced(folder, "12", None, None))


@kind("answer")
def fewer_groups_than_frames(folder: Folder) -> None:
    folder.write(_enhanced(folder, "12", b"", [_frame(1), b"", _frame(3)]))


@kind("label")
def thousands_of_frames(folder: Folder) -> None:
    shared = _group(0x00189117, DiffusionBValue=("FD", struct.pack("<d", 700.0)))
    folder.write(_enhanced(folder, str(MANY), shared, map(_frame, range(MANY))))


@kind("answer")
def frames_beyond_counting(folder: Folder) -> None:
    for number, count in enumerate(("4294967295", "-3", "0", "1e9", "many"), 1):
        uid = uid_of("bad input", folder.kind, "series", number)
        content = _enhanced(folder, count, b"", [_frame(1)], SeriesInstanceUID=uid)
        folder.write(content, f"{number}.dcm")


@kind("answer")
def groups_that_are_none(folder: Folder) -> None:
    for number, groups in enumerate((("LO", b"shared"), ("UN", b"\xff" * 7), ("US", b"\1\0")), 1):
        changes: dict[str, Change] = {
            "SOPClassUID": ENHANCED_MR,
            "NumberOfFrames": "3",
            "SeriesInstanceUID": uid_of("bad input", folder.kind, "series", number),
        }
        elements = dict(folder.image(**changes))
        elements[0x52009229] = elements[0x52009230] = groups
        folder.write(part10(encode(sorted(elements.items())), sop_class=ENHANCED_MR), f"{number}.dcm")


@kind("answer")
def bad_values_in_groups(folder: Folder) -> None:
    bad = _group(0x00209113, ImagePositionPatient="x") + element(0x00211010, "SQ", b"no sequence!")
    bad += _group(0x00189114, EffectiveEchoTime=("DS", b"ten")) + element(0x00189006, "LO", b"words")
    folder.write(_enhanced(folder, "2", bad, [bad, _frame(2)]))


# objects that are no images

_OBJECTS = {
    "SR": "1.2.840.10008.5.1.4.1.1.88.33",
    "KO": "1.2.840.10008.5.1.4.1.1.88.59",
    "PR": "1.2.840.10008.5.1.4.1.1.11.1",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
    "RTPLAN": "1.2.840.10008.5.1.4.1.1.481.5",
    "RTDOSE": "1.2.840.10008.5.1.4.1.1.481.2",
    "REG": "1.2.840.10008.5.1.4.1.1.66.1",
    "DOC": "1.2.840.10008.5.1.4.1.1.104.1",
    "MR": "1.2.840.10008.5.1.4.1.1.4.2",
}


@kind("unknown")
def objects_without_a_picture(folder: Folder) -> None:
    for number, (modality, sop_class) in enumerate(_OBJECTS.items(), 1):
        changes: dict[str, Change] = {
            "SOPClassUID": sop_class,
            "Modality": modality,
            "SeriesInstanceUID": uid_of("bad input", folder.kind, "series", number),
            "PixelData": None,
            "Rows": None,
            "Columns": None,
        }
        folder.write(
            part10(encode(folder.image(number, **changes).items()), sop_class=sop_class), f"{modality}.dcm"
        )


@kind("unknown")
def real_objects_of_other_kinds(folder: Folder) -> None:
    """Reports, plans, structures, doses and waveforms that come with pydicom, moved into one study."""
    import pydicom
    from pydicom.data import get_testdata_file

    names = (
        "reportsi.dcm",
        "test-SR.dcm",
        "rtplan.dcm",
        "rtstruct.dcm",
        "rtdose.dcm",
        "waveform_ecg.dcm",
        "CT_small.dcm",
    )
    for name in names:
        dataset = pydicom.dcmread(str(get_testdata_file(name, download=False)), force=True)
        dataset.PatientID, dataset.StudyInstanceUID = folder.kind, folder.study_uid
        dataset.save_as(folder.path / name)


# the file system


@kind("label")
def names_nobody_expects(folder: Folder) -> None:
    names = (
        "with space.dcm",
        "new\nline.dcm",
        "semi;colon'\"`$(x)",
        "-rf",
        ".hidden",
        "ünï.dcm",
        "x" * 250,
        "%s%n",
    )
    for number, name in enumerate(names, 1):
        folder.write(folder.diffusion(number), name)


@kind("label")
def names_that_are_no_text(folder: Folder) -> None:
    folder.write(folder.diffusion(1), os.fsdecode(b"caf\xe9 \xff\xfe.dcm"))
    folder.write(folder.diffusion(2), os.fsdecode(b"dir\xe9/2"))


@kind("failed")
def unreadable_names_that_are_no_text(folder: Folder) -> None:
    folder.write(b"no DICOM", os.fsdecode(b"caf\xe9\n.dcm"))


@kind("label")
def links_in_a_circle(folder: Folder) -> None:
    folder.write(folder.diffusion(), "a/image.dcm")
    (folder.path / "a" / "up").symlink_to(folder.path, target_is_directory=True)
    (folder.path / "a" / "again.dcm").symlink_to(folder.path / "a" / "image.dcm")


@kind("failed")
def links_to_nothing(folder: Folder) -> None:
    (folder.path / "gone.dcm").symlink_to(folder.path / "nowhere.dcm")
    (folder.path / "self").symlink_to(folder.path / "self")


@kind("skipped")
def neither_file_nor_folder(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe.dcm")
    here = os.open(".", os.O_RDONLY)
    try:  # the name of a socket is short, so it is made from inside
        os.chdir(folder.path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
    finally:
        os.fchdir(here)
        os.close(here)


@kind("skipped")
def empty_folders(folder: Folder) -> None:
    deep = folder.path
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)


@kind("failed", root_too=False)
def file_nobody_may_read(folder: Folder) -> None:
    folder.write(folder.image()).chmod(0)


@kind("failed", root_too=False)
def folder_nobody_may_list(folder: Folder) -> None:
    folder.write(folder.image(), "closed/image.dcm").parent.chmod(0)


@kind("failed", root_too=False)
def folder_nobody_may_enter(folder: Folder) -> None:
    folder.write(folder.image(), "listed/image.dcm").parent.chmod(0o400)
