"""What a training set holds for other programs and for people: a CSV, a data card, DICOM, NIfTI and lists."""

from __future__ import annotations

import csv
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.errors import PrivacyError
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.training_layout import (
    CARD,
    PARTS,
    SLICES,
    TABLE,
    Settings,
    counts,
    write_json,
)
from SeriesClassifierLib.export.volumes import (
    LABELS,
    ROOT,
    TEST,
    TRAIN,
    forget_volume,
    place_volume,
    volume_path,
)
from SeriesClassifierLib.images.pixels import stored_frame
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.table import text_cell
from SeriesClassifierLib.records import Part
from SeriesClassifierLib.spool import Disk
from SeriesClassifierLib.vocabulary import FACETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_COLUMNS = (
    *("id", "group", "split", "study", "series", "part", *FACETS, "vendor", "reader", "labelled_at"),
    *("model_bundle", "model_sequence", "model_confidence", "slices"),
)
_IDENTIFIERS = ("patient_id", "study_uid", "series_uid", "description")
DICOM = "dicom"
_WITH_IDENTIFIERS = (
    "**It holds identifiers (UIDs, PatientID, descriptions, names of readers): it must not leave the site.**"
)
_WITHOUT_IDENTIFIERS = (
    "It holds no identifiers: names, IDs, dates, institutions, UIDs, descriptions and private tags stayed\n"
    "behind. Nothing was defaced: a head can show a face, in volumes and DICOM at full resolution.\n"
    "Who shares them decides."
)


def write_lists(
    folder: Path, lines: Iterable[Mapping[str, Any]], settings: Settings, left_out: Mapping[str, int]
) -> None:
    """Write all of them.

    Parameters
    ----------
    lines : those of the parts, with ``group`` and ``split``; gone through more than once
    left_out : number of parts that are not there, or not whole, by reason
    """
    _write_table(folder / TABLE, lines, settings)
    _write_schema(folder)
    if settings.volumes:
        _write_volumes(folder, lines)
    with replacing(folder / CARD) as draft:
        draft.write_text(_card(lines, settings, left_out), encoding="utf-8")


def write_dicom(folder: Path, name: str, part: Part, key: SiteKey) -> int:
    """Write the images of a part as de-identified DICOM; returns how many could be made safe."""
    import pydicom

    from SeriesClassifierLib.export.deidentify import deidentified, is_compressed, write_deidentified

    target = folder / DICOM / name
    target.mkdir(parents=True, exist_ok=True)
    written = 0
    for path in dict.fromkeys(instance.path for instance in part.instances):
        original = pydicom.dcmread(path, force=True)
        try:
            dataset = deidentified(original, key, _decoded(path) if is_compressed(original) else None)
        except PrivacyError:
            continue  # the caller counts what is not there
        written += 1
        write_deidentified(dataset, target / f"{written:05d}.dcm")
    return written


def _decoded(path: str) -> NDArray[Any] | None:
    """The stored values of a compressed file; None when they cannot be decoded."""
    try:
        return stored_frame(path, 0)
    except Exception as error:  # whatever a decoder raises on broken pixels is this file's result
        logger.debug("an image was left out: %s", type(error).__name__)
        return None


def _write_table(path: Path, lines: Iterable[Mapping[str, Any]], settings: Settings) -> None:
    columns = (*_COLUMNS, *_IDENTIFIERS) if settings.identifiers else _COLUMNS
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for line in lines:
            model = {f"model_{name}": value for name, value in line["model"].items()}
            flat = {**line, **line["truth"], **model, **line.get("identifiers", {})}
            writer.writerow([_cell(flat.get(name)) for name in columns])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return text_cell(value) if isinstance(value, str) else str(value)


def _write_schema(folder: Path) -> None:
    """The schema of the files in ``parts``, so that a reader needs nothing but the export."""
    with replacing(folder / "part_schema.json") as draft:
        draft.write_text(_schema(), encoding="utf-8")


def _schema() -> str:
    from importlib.resources import files

    return files("SeriesClassifierLib").joinpath("data/training_part_schema.json").read_text(encoding="utf-8")


def _write_volumes(folder: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """nnU-Net's dataset.json and folders, and a datalist as MONAI reads it.

    Labels are classes of whole parts: a label map is full of its class, counted from 1 (0 is background).
    """
    root = folder / ROOT
    for name in (TRAIN, TEST, LABELS):
        (root / name).mkdir(parents=True, exist_ok=True)
    classes = sorted({line["truth"]["sequence"] for line in lines if _has_volume(folder, line)})
    items: dict[str, list[dict[str, Any]]] = {"training": [], "validation": [], "test": []}
    # nnU-Net takes no data set without training images: where all patients are for testing, they train.
    has_training = any(line["split"] != "test" and _has_volume(folder, line) for line in lines)
    for line in lines:
        if not _has_volume(folder, line):
            forget_volume(folder, line["id"])
            continue
        label = classes.index(line["truth"]["sequence"])
        test = line["split"] == "test"
        test = test and has_training
        place_volume(folder, line["id"], label + 1, test=test)
        image = volume_path(folder, line["id"], test=test).relative_to(root).as_posix()
        split = {"train": "training"}.get(line["split"], line["split"])
        items[split].append({"image": image, "label": label, "patient": line["group"]})
    about = {"name": "SeriesClassifier", "classes": classes}
    write_json(root / "datalist.json", {**about, **items})
    write_json(
        root / "dataset.json",
        {
            **about,
            "channel_names": {"0": "MRI"},
            "labels": {"background": 0, **{name: k for k, name in enumerate(classes, start=1)}},
            "numTraining": sum(len(items[name]) for name in items if name != "test" or not has_training),
            "file_ending": ".nii.gz",
            "classification": {
                Path(item["image"]).name.removesuffix("_0000.nii.gz"): item["label"]
                for some in items.values()
                for item in some
            },
        },
    )


def _has_volume(folder: Path, line: Mapping[str, Any]) -> bool:
    paths = (volume_path(folder, line["id"], test=test) for test in (False, True))
    return "sequence" in line["truth"] and any(path.is_file() for path in paths)


def _card(lines: Iterable[Mapping[str, Any]], settings: Settings, left_out: Mapping[str, int]) -> str:
    found = counts(lines)
    with Disk() as disk:
        split_of_patient = disk.table()
        for line in lines:
            split_of_patient.set(line["group"], line["split"])
        patients = Counter(split for _, split in split_of_patient.items())
    share = {name: f"{n} parts of {patients[name]} patients" for name, n in found["split"].items()}
    warning = _WITH_IDENTIFIERS if settings.identifiers else _WITHOUT_IDENTIFIERS
    return f"""# Training set

**Research use; not a medical device.**

{sum(found['split'].values())} parts of {patients.total()} patients.

{warning}

- `{PARTS}/ID.json`: header (an allowlist of technical tags), label (`truth`), who (a pseudonym of the reader)
  and when (`labelled_at`, seconds since 1970), what the model had said. `part_schema.json` describes it.
- `{SLICES}/ID.npz`: the array `slices`, 8 bits, window already applied.
- `{ROOT}/` (where volumes were asked for): NIfTI at full resolution, rescaled, without a window, in the
  geometry of the series. Of a time series the first complete repetition. Label maps are full of one class:
  the label is of the whole image. For MONAI: `datalist.json`. For nnU-Net: copy or link the folder into
  `nnUNet_raw` as `Dataset001_SeriesClassifier` (any free number and name); where all patients are for
  testing, its training folder holds them.
- `{TABLE}`: the same as a table, without headers. `manifest.json`: checksums and counts.
- `group` is the patient: parts that share a key (patient, study, frame of reference, or a day on a scanner
  where the patient is not named) have the same. `split` never separates a patient.

| sequence | parts |
|---|---|
{_rows(found["sequence"])}

| vendor | parts |
|---|---|
{_rows(found["vendor"])}

| reader | parts |
|---|---|
{_rows(found["reader"])}

| split | |
|---|---|
{_rows(share)}

## Left out

Parts with a label that are not in this set, or not with everything that was asked for, by reason.

| left out | parts |
|---|---|
{_rows(left_out)}
"""


def fixed_texts() -> frozenset[str]:
    """The lines and texts that every training set has, whatever it holds."""
    lines = [line.strip() for line in _card([], Settings(), {}).splitlines()]
    return frozenset(line for line in lines if line) | frozenset(_strings(json.loads(_schema())))


def _strings(value: Any) -> Iterator[str]:
    """All texts in JSON, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield name
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _rows(counted: Mapping[str, object]) -> str:
    return "\n".join(f"| {name} | {n} |" for name, n in sorted(counted.items()))
