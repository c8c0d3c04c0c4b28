"""Bundles are data that is checked before it is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import open_bundle, shipped
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.inference.header_model import HeaderModel
from SeriesClassifierLib.inference.run import Classifier
from SeriesClassifierLib.vocabulary import classes


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(find_bundle("headers"), tmp_path / "headers")
    return tmp_path / "headers"


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    description = json.loads((folder / "bundle.json").read_text())
    change(description)
    (folder / "bundle.json").write_text(json.dumps(description))


@pytest.mark.parametrize("folder", list(shipped()), ids=lambda folder: folder.name)
def test_shipped_bundles_verify_and_speak_the_vocabulary(folder: Path) -> None:
    bundle = open_bundle(folder)
    for facet, names in bundle.facets.items():
        assert set(names) <= set(classes(facet))
    assert all(path.stat().st_size < 25_000_000 for path in folder.iterdir())
    assert "not a medical device" in (folder / "card.md").read_text()


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors", "card.md"])
def test_one_changed_byte_is_found(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match="reinstall"):
        open_bundle(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("heads"),
        lambda d: d.update(more=1),
        lambda d: d["heads"].append({"facet": "mood", "classes": ["GOOD", "BAD"]}),
        lambda d: d["sha256"].update({"../outside": "0" * 64}),
        lambda d: d["temperature"].update(sequence=0),
    ],
)
def test_a_description_against_the_schema_is_refused(
    copy: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    _edit(copy, change)
    with pytest.raises(BundleError):
        open_bundle(copy)


def test_missing_damaged_or_foreign_bundles_say_what_to_do(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        find_bundle("nothing")
    (copy / "bundle.json").write_text("{")
    with pytest.raises(BundleError, match="reinstall"):
        open_bundle(copy)
    with pytest.raises(BundleError, match="cannot be read"):
        open_bundle(tmp_path / "empty")


def test_features_of_another_version_are_refused(copy: Path) -> None:
    _edit(copy, lambda d: d["features"].append("mood"))
    with pytest.raises(BundleError, match="another version"):
        HeaderModel(open_bundle(copy))


def test_a_stricter_risk_never_lowers_a_threshold() -> None:
    bundle = open_bundle(find_bundle("headers"))
    limits = [bundle.thresholds(risk)["sequence"]["auto"] for risk in (0.001, 0.005, 0.01, 0.05, 0.5)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == 1.0  # not calibrated for so low a risk: nothing is auto
    assert Classifier(max_error=0.01).digest != Classifier(max_error=0.05).digest
