"""Text and bytes beside the pixels of a file are noticed, so that an export can say what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID
from support.simulated import write_small_series

from SeriesClassifierLib.export.beside_pixels import holds_more_than_an_image

JPEG = "1.2.840.10008.1.2.4.70"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def segment(marker: int, content: bytes) -> bytes:
    return marker.to_bytes(2, "big") + (len(content) + 2).to_bytes(2, "big") + content


def written(folder: Path, stream: bytes, syntax: str) -> str:
    write_small_series(folder, study=1, series=1, images=1)
    (path,) = folder.rglob("*.dcm")
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    return str(path)


@pytest.mark.parametrize(
    ("stream", "syntax", "expected"),
    [
        (b"\xff\xd8" + segment(0xFFE0, b"JFIF\0\1\1") + b"\xff\xd9", JPEG, False),
        (b"\xff\xd8" + segment(0xFFFE, b"LEAD Technologies Inc. V1.01") + b"\xff\xd9", JPEG, False),
        (b"\xff\xd8" + segment(0xFFFE, b"Svenja Lindqvist") + b"\xff\xd9", JPEG, True),
        (b"\xff\xd8" + segment(0xFFE1, b"Exif\0\0MM") + b"\xff\xd9", JPEG, True),
        (b"\xff\xd8\xff\xd9 more", JPEG, True),
        (b"\xff\xd8\xff\xd9\0\0\0", JPEG, False),
        (b"\xff\x4f" + segment(0xFF64, b"\0\1Created by OpenJPEG version 2.5.0") + b"\xff\xd9", JPEG_2000, False),
        (b"\xff\x4f" + segment(0xFF64, b"\0\1born 1961-02-03") + b"\xff\xd9", JPEG_2000, True),
    ],
)
def test_what_a_compressed_frame_holds_beside_its_image(
    tmp_path: Path, stream: bytes, syntax: str, expected: bool
) -> None:
    assert holds_more_than_an_image(written(tmp_path, stream, syntax)) is expected


def test_bytes_behind_the_last_pixel(tmp_path: Path) -> None:
    write_small_series(tmp_path, study=1, series=1, images=1)
    (path,) = tmp_path.rglob("*.dcm")
    assert not holds_more_than_an_image(str(path))
    dataset = pydicom.dcmread(path)
    dataset.PixelData += b"Lindqvist "
    dataset.save_as(path)
    assert holds_more_than_an_image(str(path))


def test_what_cannot_be_read_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no image")
    assert not holds_more_than_an_image(str(tmp_path / "text"))
    assert not holds_more_than_an_image(str(tmp_path / "gone"))
