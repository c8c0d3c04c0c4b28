"""Real labelled series as examples: folders of DICOM with ``labels.csv``, and collections of small slices.

A folder has ``labels.csv`` with the columns ``series`` (any name), ``folder`` (relative to the table or to
the folder above it), ``patient``, ``body_region``, ``sequence``, ``plane``, ``contrast_phase``, ``source``
and ``licence``. A collection has ``slices_128.npz`` (arrays images, series_id, pos_index, vol) and
``headers.jsonl.gz`` (one series a line).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.headers.part_header import PartHeader, series_headers
from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.images.slices import read_slices
from SeriesClassifierLib.parts.image_gate import refusal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.nothing import count_series
from SeriesClassifierLib.sources.tags import TAGS
from SeriesClassifierLib.sources.values import from_text
from SeriesClassifierLib.training.examples import Example

SIDE = 128
# Names of classes in label tables -> facets of the vocabulary. What stands for itself is not listed.
_SEQUENCES: Mapping[str, tuple[str, str]] = {
    "DWI_CALC": ("DWI", "CALC_BVAL"),
    "MRCP_MIP": ("MRCP", "MIP"),
    "ASL_MAP": ("ASL", "ORIGINAL"),
    "PHASE_CONTRAST": ("MRA", "PHASE"),
    "T1MAP": ("OTHER", "ORIGINAL"),
}
_REGIONS = {"ABDOMEN_LIVER": "abdomen", "KIDNEY": "abdomen", "SHOULDER": "extremity"}
_COLUMNS = (
    "series", "folder", "patient", "body_region", "sequence", "plane", "contrast_phase", "source", "licence",
)  # fmt: skip
_TABLES = ("labels.csv", "dicom_more/labels.csv")
_VR = {tag.keyword: tag.vr for tag in TAGS}


def labelled_folder(table: Path, *, slices: int = 10, side: int = SIDE) -> Iterator[Example]:
    """Every part of every series that ``table`` (a labels.csv) names. Raises SourceError when it cannot be
    read.
    """
    for row in _rows(table):
        folder = _folder(table, row["folder"])
        truth = _truth(row["sequence"], row["plane"], row["contrast_phase"], row["body_region"])
        source = open_source(folder)
        count_series(source)
        for study in source.studies():
            for series in study.series:
                parts = split(series)
                for part, header in zip(parts, series_headers(series, parts), strict=True):
                    if refusal(part.instances[0]):
                        continue
                    yield Example(
                        name=row["series"],
                        exam=row["patient"].upper(),
                        header=header,
                        slices=read_slices(part.instances, slices, side).pixels,
                        truth=truth,
                        real=True,
                        source=row["source"],
                        licence=row["licence"],
                    )


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise SourceError(f"{table.name} cannot be read ({error.strerror}): name a labels.csv") from error
    missing = [name for name in _COLUMNS if rows and name not in rows[0]]
    if missing:
        raise SourceError(f"{table.name} has no column {', '.join(missing)}: add it")
    return rows


def _folder(table: Path, name: str) -> Path:
    for root in (table.parent, table.parent.parent):
        if (root / name).is_dir():
            return root / name
    raise SourceError(f"{table.name} names the folder {name!r}, which is not there: correct the table")


def slice_collection(folder: Path, *, side: int = SIDE) -> Iterator[Example]:
    """Every series of a slice collection; volumes with different b-values stay together, as does a mosaic."""
    with np.load(folder / "slices_128.npz", allow_pickle=False) as file:
        # Unpacked once: the file's arrays are read again each time they are asked for.
        arrays = {name: file[name] for name in ("images", "series_id", "pos_index", "vol")}
    with gzip.open(folder / "headers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        mine = np.flatnonzero(arrays["series_id"] == row["id"])
        order = mine[np.lexsort((arrays["vol"][mine], arrays["pos_index"][mine]))]
        yield Example(
            name=row["id"],
            exam=row["patient"].upper(),
            header=_collected_header(row),
            slices=np.stack([prepare(image, side) for image in arrays["images"][order]]),
            truth=_truth(row["sequence"], row["plane"], row["contrast_phase"], row["body_part"]),
            real=True,
            source=row["source"],
            licence=row["licence"],
        )


def real_examples(shared: Path, *, slices: int = 10, side: int = SIDE) -> list[Example]:
    """All labelled series below ``shared``: the DICOM folders, then what only the slice collection has."""
    out: list[Example] = []
    for table in _TABLES:
        out += labelled_folder(shared / table, slices=slices, side=side)
    known = {_stem(example.name) for example in out}
    return out + [example for example in collected_examples(shared, side=side) if example.name not in known]


def collected_examples(shared: Path, *, side: int = SIDE) -> list[Example]:
    """The slice collection below ``shared``, its exams named as the label tables name them.

    A patient whose series stand in both has two names; under two names one patient could be on both sides of
    a split.
    """
    exams: dict[str, str] = {}
    for table in _TABLES:
        exams |= {_stem(row["series"]): row["patient"].upper() for row in _rows(shared / table)}
    collected = list(slice_collection(shared / "slices", side=side))
    same = {example.exam: exams[example.name] for example in collected if example.name in exams}
    return [replace(example, exam=same.get(example.exam, example.exam)) for example in collected]


def _stem(name: str) -> str:
    """The number of a series: tables add what it shows (P001_T2_SAG)."""
    return name.split("_")[0]


def _truth(sequence: str, plane: str, phase: str, region: str) -> dict[str, str]:
    name, derived = _SEQUENCES.get(sequence, (sequence, "ORIGINAL"))
    truth = {"sequence": name, "derived": derived, "region": _REGIONS.get(region, region.lower())}
    if plane:
        truth["plane"] = plane
    if phase and phase != "?":
        truth["phase"] = phase
    return truth


def _collected_header(row: Mapping[str, Any]) -> PartHeader:
    """What the collection's line tells; a line without header still tells counts and the plane."""
    tags: dict[str, TagValue] = {}
    for keyword, text in (row.get("header") or {}).items():
        if keyword not in _VR:
            continue
        value = from_text(keyword, _VR[keyword], str(text).strip("[]").replace(", ", "\\"))
        if value is not None:
            tags[keyword] = value
    b_values = row.get("bvals") or []
    echoes = row.get("tes") or []
    positions = int(row.get("n_positions") or 1)
    return PartHeader(
        tags=tags,
        n_instances=int(row.get("n_files") or positions),
        n_positions=positions,
        planes=(row["plane"],) if row["plane"] in ("AX", "COR", "SAG") else (),
        b_value=float(max(b_values)) if b_values else None,
        series_b_values=len(b_values),
        series_echoes=max(1, len(echoes)),
        series_times=max(1, round(float(row.get("n_volumes") or 1))),
    )
