"""The training set of a site: every part that a person named, as a model sees it, without who it was.

One JSON file a part (header, label, who said so and when), one npz a part (its slices), and over them a
manifest with checksums, a CSV, and a data card. Each file is written whole or not at all, the manifest last,
so an export that was interrupted goes on where it stopped, and one that is not complete is known as such.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib import __version__
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.export.exported_header import header_to_json
from SeriesClassifierLib.export.patients import groups, patient_keys, split_of
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.training_layout import (
    FORMAT,
    MANIFEST,
    PARTS,
    SLICES,
    VERSION,
    Settings,
    counts,
    write_json,
)
from SeriesClassifierLib.export.training_lists import write_dicom, write_lists
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.headers.part_header import PartHeader, series_headers
from SeriesClassifierLib.images.slices import read_slices
from SeriesClassifierLib.inference.run import fingerprint
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.journal.store import TIME_FORMAT
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import Part, Series
from SeriesClassifierLib.vocabulary import FACETS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


Labels = Mapping[tuple[str, int], HumanLabel]
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Exported:
    """What was written: ``left_out`` says why how many labelled parts are not in it."""

    folder: Path
    parts: int
    patients: int
    left_out: Mapping[str, int]
    files: tuple[Path, ...]


def export_training_set(
    labels: Iterable[HumanLabel],
    source: Source,
    folder: Path,
    key: SiteKey,
    settings: Settings | None = None,
    *,
    told: Told = lambda _what, _done, _total: None,
) -> Exported:
    """Write ``labels`` with what ``source`` has of them to ``folder``; what is there already is kept.

    ``told`` hears of the advance. ``Exported.files`` are the original files that were read. Raises UsageError
    when ``folder`` holds something else, or an export with other settings.
    """
    settings = settings or Settings()
    wanted = {(label.model.series_uid, label.model.part): label for label in labels}
    _prepare(folder, settings)
    left_out: Counter[str] = Counter()
    lines: list[dict[str, Any]] = []
    files: dict[Path, None] = {}
    told("reading", 0, len(wanted))
    for series, part, header, label in _labelled(source, wanted, left_out):
        files.update((Path(i.path), None) for i in series.instances)
        line = _write_part(folder, settings, key, series, part, header, label)
        if line["slices"] == 0:
            left_out["no slice could be read: header only"] += 1
        lines.append(line)
        told("reading", len(lines), len(wanted))
    missing = len(wanted) - len(lines) - left_out["changed since it was labelled"]
    if missing:
        left_out["not in the source"] += missing
    lines.sort(key=lambda line: str(line["id"]))
    _forget_others(folder, {str(line["id"]) for line in lines})
    patients = groups([line["keys"] for line in lines])
    for line, patient in zip(lines, patients, strict=True):
        line |= {"group": patient, "split": split_of(patient)}
    write_lists(folder, lines, settings)
    _write_manifest(folder, lines, settings, left_out)
    told("reading", len(wanted), len(wanted))
    return Exported(folder, len(lines), len(set(patients)), dict(left_out), tuple(files))


def _prepare(folder: Path, settings: Settings) -> None:
    """Make the folder, or see that it holds an export of ours with the same settings."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    started = folder / "settings.json"
    if folder.is_dir() and any(folder.iterdir()):
        try:
            found = json.loads(started.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder} holds other things: name a new or empty folder") from error
        if found != {"format": FORMAT, "version": VERSION, **asdict(settings)}:
            raise UsageError(f"{folder} holds an export with other settings: name a new folder")
    for name in (PARTS, SLICES):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    write_json(started, {"format": FORMAT, "version": VERSION, **asdict(settings)})


def _labelled(
    source: Source, wanted: Labels, left_out: Counter[str]
) -> Iterator[tuple[Series, Part, PartHeader, HumanLabel]]:
    """The parts of ``source`` that have a label, with it."""
    series_wanted = {uid for uid, _ in wanted}
    for study in source.studies():
        for series in study.series:
            if series.series_uid not in series_wanted or not series.instances:
                continue
            parts = split(series)
            mark = fingerprint(series)
            for part, header in zip(parts, series_headers(series, parts), strict=True):
                label = wanted.get((series.series_uid, part.index))
                if label is None:
                    continue
                if label.model.fingerprint != mark:
                    # Parts are counted anew when images come or go: the label may be of another one.
                    left_out["changed since it was labelled"] += 1
                    continue
                yield series, part, header, label


def _write_part(
    folder: Path,
    settings: Settings,
    key: SiteKey,
    series: Series,
    part: Part,
    header: PartHeader,
    label: HumanLabel,
) -> dict[str, Any]:
    """Write the files of one part, unless they are there; returns its line."""
    name = key.pseudonym("part", f"{series.series_uid}|{part.index}")
    path = folder / PARTS / f"{name}.json"
    state = hashlib.sha256(f"{label.model.fingerprint}|{label.time}|{__version__}".encode()).hexdigest()[:16]
    known = _known(path, state)
    if known is not None and (folder / SLICES / f"{name}.npz").is_file():
        return known
    slices = read_slices(part.instances, settings.slices, settings.side).pixels
    _write_slices(folder / SLICES / f"{name}.npz", slices)
    line: dict[str, Any] = {
        "id": name,
        "state": state,
        "series": key.pseudonym("series", series.series_uid),
        "study": key.pseudonym("study", series.study_uid),
        "part": part.index,
        "keys": list(patient_keys(series, key)),
        "vendor": header.vendor,
        "truth": {facet: label.facets[facet] for facet in FACETS if facet in label.facets},
        "reader": key.pseudonym("reader", label.user),
        "labelled_at": _seconds(label.time),
        "model": {
            "bundle": label.model.bundle,
            "sequence": label.model.sequence,
            "confidence": label.model.confidence,
            "status": label.model.status.value,
        },
        "slices": len(slices),
        "header": header_to_json(header),
    }
    if settings.dicom:
        line["dicom"] = write_dicom(folder, name, part, key)
    if settings.identifiers:
        line["identifiers"] = {
            "patient_id": series.patient_id,
            "study_uid": series.study_uid,
            "series_uid": series.series_uid,
            "description": series.description,
            "reader": label.user,
        }
    write_json(path, line)
    return line


def _seconds(time: str) -> int:
    """Seconds since 1970 of a time of the journal: a date in words would look like one of the patient's."""
    return int(datetime.strptime(time, TIME_FORMAT).replace(tzinfo=timezone.utc).timestamp())


def _known(path: Path, state: str) -> dict[str, Any] | None:
    """The line of a part that was written before, if its label and images are still the same."""
    try:
        line: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return line if line.get("state") == state else None


def _write_slices(path: Path, slices: NDArray[np.uint8]) -> None:
    import numpy as np

    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, slices=slices)


def _forget_others(folder: Path, names: set[str]) -> None:
    """Take out what a label was taken back of."""
    for path in (*(folder / PARTS).glob("*.json"), *(folder / SLICES).glob("*.npz")):
        if path.stem not in names:
            path.unlink()


def _write_manifest(
    folder: Path, lines: list[dict[str, Any]], settings: Settings, left_out: Mapping[str, int]
) -> None:
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    write_json(
        folder / MANIFEST,
        {
            "format": FORMAT,
            "version": VERSION,
            "library_version": __version__,
            "settings": asdict(settings),
            "features": [feature.name for feature in FEATURES],
            "parts": [{name: line[name] for name in ("id", "group", "split")} for line in lines],
            "counts": counts(lines),
            "left_out": dict(sorted(left_out.items())),
            "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
        },
    )
