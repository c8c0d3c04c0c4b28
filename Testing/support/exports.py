"""A small export made by hand, of every kind of file that one may hold, for tests of what searches exports."""

from __future__ import annotations

import csv
import gzip
import json
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pydicom

from SeriesClassifierLib.export.deidentify import PATIENT, deidentified, write_deidentified
from SeriesClassifierLib.export.exported_header import header_to_json
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.headers.part_header import series_headers
from SeriesClassifierLib.images.pixels import stored_frame
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Study
from SeriesClassifierLib.vocabulary import label_text

CARD = """# Training data
Made by SeriesClassifier. Research use; not a medical device.

| label | parts |
|---|---|
| T2 AX | 3 |
"""


def write_export(studies: Iterable[Study], folder: Path, key: SiteKey, *, dicom: int = 2) -> int:
    """Write an export of ``studies`` with ``dicom`` images of each series; returns the number of its parts."""
    for name in ("slices", "dicom", "nifti", "pictures"):
        (folder / name).mkdir(parents=True)
    rows = []
    with open(folder / "parts.jsonl", "w", encoding="utf-8") as lines:
        for study in studies:
            for series in study.series:
                parts = split(series)
                patient = key.pseudonym(PATIENT, series.patient_id)
                for part, header in zip(parts, series_headers(series, parts), strict=True):
                    row = {
                        "patient": patient,
                        "series": key.uid(series.series_uid),
                        "part": part.index,
                        "label": label_text(sequence="T2", plane="AX", b_value=header.b_value),
                        "b_value": header.b_value,
                    }
                    rows.append(row)
                    lines.write(json.dumps({**row, "header": header_to_json(header)}) + "\n")
                    write_slices(folder / "slices" / f"{len(rows):06d}.npz", len(rows))
                for number, instance in enumerate(series.instances[:dicom]):
                    dataset = pydicom.dcmread(instance.path)
                    safe = deidentified(dataset, key, stored_frame(instance.path, instance.frame))
                    write_deidentified(safe, folder / "dicom" / f"{len(rows):06d}_{number}.dcm")
    with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    manifest = {
        "format": 1,
        "parts": len(rows),
        "files": {"parts.jsonl": {"bytes": 181738, "sha256": "ab" * 32}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    datalist = {"training": [{"image": "slices/000001.npz", "label": "T2"}], "test": []}
    (folder / "datalist.json").write_text(json.dumps(datalist), encoding="utf-8")
    (folder / "data_card.md").write_text(CARD, encoding="utf-8")
    (folder / "task.yaml").write_text("task: prostate\nfacets: [sequence, plane]\n", encoding="utf-8")
    (folder / "page.html").write_text(
        "<html><body><p>Labels &amp; counts</p></body></html>", encoding="utf-8"
    )
    (folder / "nifti" / "000001.nii.gz").write_bytes(gzip.compress(nifti(), mtime=0))
    (folder / "pictures" / "000001.png").write_bytes(png())
    return len(rows)


def write_slices(path: Path, seed: int) -> None:
    """Slices as an export holds them, dark enough that many bytes are those of digits."""
    rng = np.random.default_rng(seed)
    images = np.clip(rng.normal(52, 3, (3, 64, 64)), 0, 255).astype(np.uint8)
    np.savez(path, images=images, positions=np.array([0, 1, 2]))


def nifti(description: bytes = b"", pixels: bytes = bytes(8 * 8 * 4)) -> bytes:
    """A NIfTI-1 file of 8 x 8 x 4 bytes."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 8, 8, 4, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<f", header, 108, 352.0)
    header[148 : 148 + len(description)] = description
    header[344:348] = b"n+1\0"
    return bytes(header) + pixels


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one gray pixel, with further ``chunks`` (kind, data)."""
    own = ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *chunks, (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in own
    )
