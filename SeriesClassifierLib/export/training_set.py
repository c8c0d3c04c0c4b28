"""The training set of a site: every part that a person named, as a model sees it, without who it was.

One JSON file a part (header, label, who said so and when), one npz a part (its slices), and over them a
manifest with checksums, a CSV, and a data card. Each file is written whole or not at all, the manifest last,
so an export that was interrupted goes on where it stopped, and one that is not complete is known as such.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from SeriesClassifierLib import __version__
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.export.beside_pixels import holds_more_than_an_image
from SeriesClassifierLib.export.exported_header import header_to_json
from SeriesClassifierLib.export.labeled_parts import Label, LabeledParts
from SeriesClassifierLib.export.patients import Groups, patient_keys, split_of
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.training_layout import (
    FORMAT,
    MANIFEST,
    PARTS,
    SLICES,
    VERSION,
    Settings,
    counts,
    json_text,
    write_json,
)
from SeriesClassifierLib.export.training_lists import write_dicom, write_lists
from SeriesClassifierLib.export.volumes import LABELS, ROOT, TEST, TRAIN, forget_volume, write_volume
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.headers.part_header import PartHeader, series_headers
from SeriesClassifierLib.identity import series_key
from SeriesClassifierLib.images.slices import read_slices
from SeriesClassifierLib.inference.run import fingerprint
from SeriesClassifierLib.journal.events import TIME_FORMAT
from SeriesClassifierLib.parts.image_gate import export_refusal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.records import Part, Series
from SeriesClassifierLib.spool import Disk, Table
from SeriesClassifierLib.vocabulary import FACETS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


Told = Callable[[str, int, int], None]
# Of the line of a part: what only its own file has.
_OWN = ("header", "state", "keys")


@dataclass(frozen=True)
class Exported:
    """What was written: ``left_out`` says why how many labelled parts are not in it."""

    folder: Path
    parts: int
    patients: int
    left_out: Mapping[str, int]
    files: tuple[Path, ...]


def export_training_set(
    labels: LabeledParts,
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
    _prepare(folder, settings)
    left_out: Counter[str] = Counter()
    files: dict[Path, None] = {}
    if labels.n_without_key:
        left_out["classified by an older version: classify again"] = labels.n_without_key
    told("reading", 0, len(labels))
    with Disk() as disk:
        lines, series_there, done = _Lines(disk), disk.table(), disk.table()
        for series, part, header, label in _labeled(source, labels, series_there):
            files.update((Path(i.path), None) for i in series.instances)
            done.set(part.key, True)
            refused = next(filter(None, map(export_refusal, part.instances)), None)
            if refused:
                left_out[refused.text] += 1
                continue
            line = _write_part(folder, settings, key, series, part, header, label)
            if line["slices"] == 0:
                left_out["no slice could be read: header only"] += 1
            if settings.volumes and (reason := write_volume(folder, line["id"], part)):
                left_out[f"no volume: {reason}"] += 1
            if settings.dicom and (n := len({i.path for i in part.instances}) - int(line["dicom"])):
                left_out["images that cannot leave as DICOM"] += n
            if n := sum(holds_more_than_an_image(path) for path in {i.path for i in part.instances}):
                left_out[_BESIDE] += n
            lines.add(line)
            told("reading", len(lines), len(labels))
        for part_key, label in labels.items():
            if not done.get(part_key, False):
                there = series_there.get(series_key(label.study_uid, label.series_uid), False)
                left_out["changed since it was classified" if there else "not in the source"] += 1
        _forget_others(folder, lines)
        write_lists(folder, lines, settings, left_out)
        _write_manifest(folder, lines, settings, left_out)
        told("reading", len(labels), len(labels))
        return Exported(folder, len(lines), lines.n_patients(), dict(left_out), tuple(files))


_BESIDE = "images whose files hold text or bytes beside the pixels: exported without them"


class _Lines:
    """The lines of the parts by id, without what only their files have, with ``group`` and ``split``."""

    def __init__(self, disk: Disk) -> None:
        self._lines, self._names = disk.spool(1), disk.table()
        self._groups, self._patients = Groups(disk), disk.table()

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: str) -> bool:
        return bool(self._names.get(name, False))

    def add(self, line: Mapping[str, Any]) -> None:
        """Keep the line of a part. All of them come before any is asked for: they tell who is one patient."""
        kept = {name: value for name, value in line.items() if name not in _OWN}
        self._lines.add((str(line["id"]),), json.dumps([kept, self._groups.add(line["keys"])]))
        self._names.set(str(line["id"]), True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for text in self._lines:
            line, key = json.loads(text)
            patient = self._groups.name(key)
            yield {**line, "group": patient, "split": split_of(patient)}

    def n_patients(self) -> int:
        """How many different groups there are."""
        for line in self:
            self._patients.set(line["group"], True)
        return len(self._patients)


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
        if found != _record(settings):
            raise UsageError(f"{folder} holds an export with other settings: name a new folder")
    for name in (PARTS, SLICES):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    write_json(started, _record(settings))


def _record(settings: Settings) -> dict[str, Any]:
    """What a folder was begun with; volumes of older versions were slices and are not mixed with these."""
    volumes = {"volume_layout": 2} if settings.volumes else {}
    return {"format": FORMAT, "version": VERSION, **asdict(settings), **volumes}


def _labeled(
    source: Source, labels: LabeledParts, series_there: Table
) -> Iterator[tuple[Series, Part, PartHeader, Label]]:
    """The parts of ``source`` that have a label, with it. ``series_there`` gets the series looked at."""
    for study in source.studies():
        for series in study.series:
            study_uid = series.study_uid or study.study_uid
            if not series.instances or not labels.has_series(study_uid, series.series_uid):
                continue
            series_there.set(series_key(study_uid, series.series_uid), True)
            parts = split(series)
            for part, header in zip(parts, series_headers(series, parts), strict=True):
                label = labels.label(part.key)
                if label is not None:
                    yield series, part, header, label


def _write_part(
    folder: Path,
    settings: Settings,
    key: SiteKey,
    series: Series,
    part: Part,
    header: PartHeader,
    label: Label,
) -> dict[str, Any]:
    """Write the files of one part, unless they are there; returns its line."""
    name = key.pseudonym("part", part.key)
    path = folder / PARTS / f"{name}.json"
    mark = fingerprint(series)  # files may be edited and have the same images
    state = hashlib.sha256(f"{mark}|{label.time}|{__version__}".encode()).hexdigest()[:16]
    known = _known(path, state)
    if known is not None and (folder / SLICES / f"{name}.npz").is_file():
        return known
    forget_volume(folder, name)
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
            "bundle": label.model_bundle,
            "sequence": label.model_sequence,
            "confidence": label.model_confidence,
            "status": label.model_status,
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


def _forget_others(folder: Path, lines: _Lines) -> None:
    """Delete what has no label any more."""
    for place, suffix in ((PARTS, ".json"), (SLICES, ".npz")):
        for path in _files_below(folder / place):
            if path.suffix == suffix and path.stem not in lines:
                path.unlink()
    for name in (TRAIN, TEST, LABELS):
        for path in _files_below(folder / ROOT / name) if (folder / ROOT / name).is_dir() else ():
            if path.name.removesuffix(".nii.gz").removesuffix("_0000") not in lines:
                path.unlink()


def _write_manifest(folder: Path, lines: _Lines, settings: Settings, left_out: Mapping[str, int]) -> None:
    with Disk() as disk, replacing(folder / MANIFEST) as draft:
        names = disk.spool(1)
        for path in _files_below(folder):
            if not path.name.startswith("."):
                name = path.relative_to(folder).as_posix()
                names.add((name,), json.dumps(name))
        content = {
            "format": FORMAT,
            "version": VERSION,
            "library_version": __version__,
            "settings": asdict(settings),
            "features": [feature.name for feature in FEATURES],
            "parts": [],
            "counts": counts(lines),
            "left_out": dict(sorted(left_out.items())),
            "sha256": {},
        }
        parts = (json_text({name: line[name] for name in ("id", "group", "split")}, 2) for line in lines)
        digests = (f"{name}: {json.dumps(_digest(folder / json.loads(name)))}" for name in names)
        with draft.open("w", encoding="utf-8") as file:
            # Both are as long as the export: they are written as they come.
            before, between, after = _without(json_text(content), '"parts": []', '"sha256": {}')
            _write_list(file, f'{before}"parts": [', parts, "]")
            _write_list(file, f'{between}"sha256": {{', digests, "}")
            file.write(f"{after}\n")


def _without(text: str, first: str, second: str) -> tuple[str, str, str]:
    """What is before, between and after two lines of JSON."""
    before, _, rest = text.partition(f"\n {first}")
    between, _, after = rest.partition(f"\n {second}")
    return f"{before}\n ", f"{between}\n ", after


def _write_list(file: IO[str], begin: str, items: Iterable[str], end: str) -> None:
    file.write(begin)
    between, last = "\n  ", ""
    for item in items:
        file.write(f"{between}{item}")
        between, last = ",\n  ", "\n "
    file.write(f"{last}{end}")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while octets := file.read(1 << 20):
            digest.update(octets)
    return digest.hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder and its folders, in any order, one at a time."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(Path(entry.path))
            elif entry.is_file():
                yield Path(entry.path)
