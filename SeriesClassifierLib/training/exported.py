"""Training sets as examples: what ``export.training_set`` wrote, checked before it is believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.errors import SeriesClassifierError, SourceError
from SeriesClassifierLib.export.exported_header import header_from_json
from SeriesClassifierLib.export.patients import groups
from SeriesClassifierLib.export.training_layout import FORMAT, MANIFEST, PARTS, SLICES, VERSION
from SeriesClassifierLib.training.examples import Example
from SeriesClassifierLib.vocabulary import check


@dataclass(frozen=True)
class TrainingSet:
    """Labelled parts of one or more exports. ``exam`` of an example is its patient over all of them.

    ``keys`` are those of each example (``export.patients``), ``vendors`` who made its scanner; ``digest``
    stands for all that was read.
    """

    examples: tuple[Example, ...]
    keys: tuple[tuple[str, ...], ...]
    vendors: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def patients(self) -> int:
        """How many patients it holds."""
        return len({example.exam for example in self.examples})


def read_training_sets(folders: Sequence[Path]) -> TrainingSet:
    """All parts of ``folders``. A part that several hold counts once, as the last of them has it.

    Raises SourceError when a folder is no complete export or a file is not the one its manifest names.
    """
    found: dict[str, tuple[Example, tuple[str, ...], str]] = {}
    digest = hashlib.sha256()
    for folder in folders:
        manifest = _manifest(folder)
        digest.update(json.dumps(manifest["sha256"], sort_keys=True).encode())
        for part in manifest["parts"]:
            line = _checked(folder, manifest, f"{PARTS}/{part['id']}.json")
            slices = _slices(folder, manifest, part["id"])
            found[part["id"]] = (_example(folder, line, slices), tuple(line["keys"]), str(line["vendor"]))
    ordered = [found[name] for name in sorted(found)]
    patients = groups([keys for _, keys, _ in ordered])
    return TrainingSet(
        tuple(replace(e, exam=patient) for (e, _, _), patient in zip(ordered, patients, strict=True)),
        tuple(keys for _, keys, _ in ordered),
        tuple(vendor for _, _, vendor in ordered),
        digest.hexdigest()[:16],
    )


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(
            f"{folder} is no complete training set (no {MANIFEST}): run 'series-classifier export' to the end"
        ) from error
    except ValueError as error:
        raise SourceError(f"{path} is damaged: export again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SourceError(f"{folder} is no training set: name a folder that 'series-classifier export' wrote")
    if content.get("version") != VERSION:
        raise SourceError(f"{folder} was written by another version: export again with this one")
    return content


def _checked(folder: Path, manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    content = _bytes(folder, manifest, name)
    try:
        line: dict[str, Any] = json.loads(content)
        import jsonschema

        jsonschema.validate(line, _schema())
    except (ValueError, jsonschema.ValidationError) as error:
        raise SourceError(f"{folder}: {name} is not valid: export again") from error
    return line


def _schema() -> Mapping[str, Any]:
    from importlib.resources import files

    text = files("SeriesClassifierLib").joinpath("data/training_part_schema.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def _bytes(folder: Path, manifest: Mapping[str, Any], name: str) -> bytes:
    """The content of a file that the manifest names, and nothing outside the folder."""
    expected = manifest["sha256"].get(name)
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise SourceError(f"{folder}: {name} cannot be read ({error.strerror}): export again") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise SourceError(f"{folder}: {name} is not the file that was exported: export again")
    return content


def _slices(folder: Path, manifest: Mapping[str, Any], name: str) -> NDArray[np.uint8]:
    from io import BytesIO
    from zipfile import BadZipFile

    content = _bytes(folder, manifest, f"{SLICES}/{name}.npz")
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            slices: NDArray[np.uint8] = file["slices"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise SourceError(f"{folder}: the slices of {name} cannot be read: export again") from error
    if slices.dtype != np.uint8 or slices.ndim != 3:
        raise SourceError(f"{folder}: the slices of {name} are no stack of 8-bit pictures: export again")
    return slices


def _example(folder: Path, line: Mapping[str, Any], slices: NDArray[np.uint8]) -> Example:
    try:
        truth = {facet: check(facet, value) for facet, value in line["truth"].items()}
        header = header_from_json(line["header"])
    except SeriesClassifierError as error:
        raise SourceError(f"{folder}: part {line['id']} cannot be used: {error}") from error
    return Example(
        name=line["id"],
        exam="",
        header=header,
        slices=slices,
        truth=truth,
        real=True,
        source=f"training set {folder.name}",
        licence="of the site",
    )
