"""Read, check and write bundles. A bundle is data: JSON, ONNX, safetensors and Markdown, each with its
checksum.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from SeriesClassifierLib import __version__
from SeriesClassifierLib.bundles.names import is_bundle_name
from SeriesClassifierLib.bundles.strict_json import read_json
from SeriesClassifierLib.errors import BundleError

DESCRIPTION = "bundle.json"
MODEL = "model.onnx"
WEIGHTS = "weights.safetensors"
CARD = "card.md"
_FILES = (MODEL, WEIGHTS, CARD)
MOST_BYTES = 25_000_000
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Bundle:
    """An opened and checked bundle. ``description`` is the content of ``bundle.json``."""

    folder: Path
    description: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The bundle's name, as in ``--bundle``."""
        return str(self.description["name"])

    @property
    def version(self) -> str:
        """The bundle's own version."""
        return str(self.description["version"])

    @property
    def facets(self) -> Mapping[str, list[str]]:
        """Facet -> class names, both in the order of the model's output."""
        return {head["facet"]: list(head["classes"]) for head in self.description["heads"]}

    def thresholds(self, max_error: float) -> Mapping[str, Mapping[str, float]]:
        """Facet -> {"auto": lowest confidence with at most ``max_error`` wrong, "review": lowest for an
        answer at all}.

        The risk levels a bundle was calibrated for are in it; the next lower one is used, and never an
        untested one.
        """
        out = {}
        for facet, values in self.description["thresholds"].items():
            fitting = [
                (float(risk), limit) for risk, limit in values["auto"].items() if float(risk) <= max_error
            ]
            out[facet] = {"auto": max(fitting)[1] if fitting else 1.0, "review": values["review"]}
        return out

    @property
    def model_path(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL

    @cached_property
    def digest(self) -> str:
        """Digest of the description, and with it (through the checksums) of every file: 16 hexadecimal
        digits.
        """
        text = json.dumps(self.description, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_bundle(folder: Path, *, verify: bool = True) -> Bundle:
    """Open a bundle folder; with ``verify`` every checksum is compared.

    Raises BundleError when it is missing, incomplete, not what the schema asks, changed, or made by a newer
    version.
    """
    try:
        description = read_json(folder / DESCRIPTION)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BundleError(
            f"{folder.name}: {DESCRIPTION} cannot be read ({reason}): reinstall the bundle"
        ) from error
    _check_schema(folder.name, description)
    strange = sorted(set(description["sha256"]) - set(_FILES))
    if strange:
        raise BundleError(
            f"{folder.name}: {_short(strange[0])!r} does not belong in a bundle: reinstall the bundle"
        )
    if verify:
        _verify(folder, description["sha256"])
    return Bundle(folder, description)


def _verify(folder: Path, sums: Mapping[str, str]) -> None:
    for name in _FILES:
        if name in sums and _sha256(folder / name) != sums[name]:
            raise BundleError(f"{folder.name}: {name} is not the file it was made with: reinstall the bundle")
        if name not in sums and (folder / name).exists():
            raise BundleError(f"{folder.name}: there is no checksum of {name}: reinstall the bundle")


def write_bundle(folder: Path, description: Mapping[str, Any]) -> Bundle:
    """Complete ``description`` with the checksums of the files that lie in ``folder``, write it, and open the
    result.
    """
    sums = {name: _sha256(folder / name) for name in _FILES if (folder / name).is_file()}
    content = {**description, "sha256": sums, "library_version": __version__}
    (folder / DESCRIPTION).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return open_bundle(folder)


def shipped() -> Iterator[Path]:
    """Folders of the bundles that come with the library."""
    root = Path(str(files("SeriesClassifierLib").joinpath("data/bundles")))
    if root.is_dir():
        yield from sorted(path.parent for path in root.glob(f"*/{DESCRIPTION}"))


def _check_schema(name: str, description: Any) -> None:
    import jsonschema

    schema = json.loads(
        files("SeriesClassifierLib").joinpath("data/bundle_schema.json").read_text(encoding="utf-8")
    )
    try:
        jsonschema.validate(description, schema)
    except jsonschema.ValidationError as error:
        if _is_newer(description):
            raise BundleError(
                f"{name}: it was made by SeriesClassifier {description['library_version']}, this is "
                f"{__version__}: update SeriesClassifier"
            ) from error
        raise BundleError(
            f"{name}: {DESCRIPTION} is not valid ({_short(error.message)}): reinstall the bundle"
        ) from error
    if not is_bundle_name(description["name"]):
        raise BundleError(
            f"{name}: {_short(description['name'])!r} is not a name of a bundle (lower-case letters, digits, "
            "- and _, no device of Windows, at most 64): rename it"
        )


def _is_newer(description: Any) -> bool:
    made_by = description.get("library_version") if isinstance(description, dict) else None
    return (
        isinstance(made_by, str)
        and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}", made_by) is not None
        and _numbers(made_by) > _numbers(__version__)
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "..."


def _sha256(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BundleError(
                f"{path.name} is larger than a bundle's file may be (25 MB): reinstall the bundle"
            )
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read ({error.strerror}): reinstall the bundle") from error
