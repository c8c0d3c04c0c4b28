"""Values as scanners, archives and converters write them against the standard, with what they mean."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.identity_images import Image, write_images

from SeriesClassifierLib.records import Repair, TagValue


@dataclass(frozen=True)
class Dirt:
    """A tag as bytes of a VR, and the clean value; None for what must stay absent. ``private`` names the creator to
    write first.
    """

    name: str
    keyword: str
    vr: str
    raw: bytes
    value: TagValue | None
    repair: Repair | None
    before: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)


_TURNED = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
JAPANESE = "T2\\強調".encode("iso2022_jp")  # its two-byte part holds backslashes of its own: no separators

DIRT: tuple[Dirt, ...] = (
    Dirt("comma in a time", "EchoTime", "DS", b"2,46", 2.46, Repair.DECIMAL_COMMA),
    Dirt("commas in a pair", "PixelSpacing", "DS", b"0,9375\\0,9375", (0.9375, 0.9375), Repair.DECIMAL_COMMA),
    Dirt("commas in a place", "ImagePositionPatient", "DS", b"-45,617\\-95,589\\34,265", (-45.617, -95.589, 34.265), Repair.DECIMAL_COMMA),
    Dirt("commas between values", "ImageOrientationPatient", "DS", b"1,0,0,0,1,0", _TURNED, Repair.SEPARATORS),
    Dirt("thousands or decimals", "RepetitionTime", "DS", b"2,700", None, Repair.UNREADABLE),
    Dirt("comma and point", "RepetitionTime", "DS", b"2,700.5", None, Repair.UNREADABLE),
    Dirt("trailing separator", "RepetitionTime", "DS", b"2700\\", 2700.0, Repair.SEPARATORS),
    Dirt("leading separator", "FlipAngle", "DS", b"\\90", 90.0, Repair.SEPARATORS),
    Dirt("several trailing separators", "PixelSpacing", "DS", b"0.5\\0.5\\\\", (0.5, 0.5), Repair.SEPARATORS),
    Dirt("a hole among values", "ImagePositionPatient", "DS", b"1\\\\3", None, Repair.UNREADABLE),
    Dirt("semicolons", "ImagePositionPatient", "DS", b"1;2;3", (1.0, 2.0, 3.0), Repair.SEPARATORS),
    Dirt("blanks between values", "PixelSpacing", "DS", b"0.9 0.8", (0.9, 0.8), Repair.SEPARATORS),
    Dirt("numbers as LO", "EchoTime", "LO", b"63", 63.0, Repair.REPRESENTATION),
    Dirt("numbers as SH", "ImageOrientationPatient", "SH", b"1\\0\\0\\0\\1\\0", _TURNED, Repair.REPRESENTATION),
    Dirt("numbers as ST", "SeriesNumber", "ST", b"7", 7.0, Repair.REPRESENTATION),
    Dirt("numbers as FD", "EchoTime", "FD", struct.pack("<d", 63.0), 63.0, Repair.REPRESENTATION),
    Dirt("rows as text", "Rows", "IS", b"16", 16.0, Repair.REPRESENTATION),
    Dirt("numbers as UN", "EchoTime", "UN", b"63", 63.0, None),
    Dirt("point in a whole number", "SeriesNumber", "IS", b"7.0", 7.0, Repair.FORMAT),
    Dirt("unit of length", "SliceThickness", "DS", b"4 mm", 4.0, Repair.FORMAT),
    Dirt("unit of field", "MagneticFieldStrength", "DS", b"1.5T", 1.5, Repair.FORMAT),
    Dirt("unit of an angle", "FlipAngle", "DS", b"90 deg", 90.0, Repair.FORMAT),
    Dirt("unit of another quantity", "EchoTime", "DS", b"80 T", None, Repair.UNREADABLE),
    Dirt("underscore", "EchoTime", "DS", b"8_0", None, Repair.UNREADABLE),
    Dirt("two echo times", "EchoTime", "DS", b"20\\80", None, Repair.UNREADABLE),
    Dirt("five cosines", "ImageOrientationPatient", "DS", b"1\\0\\0\\0\\1", None, Repair.UNREADABLE),
    Dirt("two coordinates", "ImagePositionPatient", "DS", b"1\\2", None, Repair.UNREADABLE),
    Dirt("Fortran exponent", "RepetitionTime", "DS", b"2.7D+03", 2700.0, Repair.FORMAT),
    Dirt("words", "EchoTime", "DS", b"minimum", None, Repair.UNREADABLE),
    Dirt("not finite", "EchoTime", "DS", b"NaN", None, Repair.UNREADABLE),
    Dirt("quotes", "EchoTime", "DS", b'"63"', 63.0, Repair.FORMAT),
    Dirt("null inside a number", "EchoTime", "DS", b"63\0\x07garbage", 63.0, Repair.PADDING),
    Dirt("nulls and blanks around", "EchoTime", "DS", b" 63 \0\0", 63.0, None),
    Dirt("no-break space", "EchoTime", "DS", b"63\xa0", 63.0, None),
    Dirt("null inside a text", "ScanningSequence", "CS", b"SE\0\x01X", "SE", Repair.PADDING),
    Dirt("two modalities", "Modality", "CS", b"MR\\SEG", "MR", Repair.SEVERAL),
    Dirt("the same modality twice", "Modality", "CS", b"MR\\MR", "MR", Repair.SEVERAL),
    Dirt("modality with a separator", "Modality", "CS", b"MR\\", "MR", Repair.SEPARATORS),
    Dirt("image type with a separator", "ImageType", "CS", b"ORIGINAL\\PRIMARY\\M\\", ("ORIGINAL", "PRIMARY", "M"), Repair.SEPARATORS),
    Dirt("Japanese without a character set", "SeriesDescription", "LO", JAPANESE, ("T2", "強調"), Repair.ESCAPES),
    Dirt("misspelled character set", "SeriesDescription", "LO", "Schädel".encode("latin-1"), "Schädel", None, {"SpecificCharacterSet": ("CS", b"ISO-IR 100")}),
    Dirt("UTF-8 by another name", "SeriesDescription", "LO", "Schädel".encode(), "Schädel", None, {"SpecificCharacterSet": ("CS", b"UTF-8")}),
)  # fmt: skip


@dataclass(frozen=True)
class Creator:
    """A private creator as it stands in a file; ``block`` is its element. ``trusted`` says whether it is ours."""

    name: str
    text: bytes
    block: int = 0x10
    trusted: bool = True
    repair: Repair | None = None


CREATORS: tuple[Creator, ...] = (
    Creator("as the vendor writes it", b"SIEMENS MR HEADER"),
    Creator("in small letters", b"Siemens MR Header", repair=Repair.CREATOR),
    Creator("padded", b"SIEMENS MR HEADER \0"),
    Creator("in another block", b"SIEMENS MR HEADER", 0x11),
    Creator("in another block and case", b"siemens mr header", 0x25, repair=Repair.CREATOR),
    Creator("of somebody else", b"ACME 1.1", trusted=False),
    Creator("absent", b"", trusted=False),
)


def base_file(folder: Path) -> Path:
    """One clean image."""
    image = Image("a.dcm", "P1", "study", "series", "one", 1, 1.0, "one", {"EchoTime": 80.0, "SeriesDescription": "t2"})
    write_images(folder, [image], seed=3)
    return folder / "a.dcm"
