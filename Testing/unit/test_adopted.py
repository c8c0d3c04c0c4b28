"""Adopting a bundle and going back: whole, or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from SeriesClassifierLib.bundles.adopted import (
    SHIPPED,
    adopt,
    adopted,
    find_bundle,
    home,
    installed_for,
    rollback,
)
from SeriesClassifierLib.bundles.bundle import DESCRIPTION, open_bundle, shipped
from SeriesClassifierLib.errors import BundleError, UsageError


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def variant(folder: Path, version: str, name: str = "headers") -> Path:
    """The shipped bundle with another version."""
    shutil.copytree(find_bundle(SHIPPED + name), folder)
    description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    description["version"] = version
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    return folder


def test_nothing_adopted_means_the_shipped_ones() -> None:
    assert adopted() == {}
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    assert set(installed_for("auto")) == {f for f in shipped() if f.name != "headers"}


def test_the_adopted_one_is_found_until_it_is_rolled_back(tmp_path: Path) -> None:
    for version in ("2.0", "3.0"):
        adopt(variant(tmp_path / version, version))
        assert open_bundle(find_bundle("headers")).version == version
    assert rollback("headers").version == "2.0"
    assert open_bundle(find_bundle("headers")).version == "2.0"
    rollback("headers")
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    with pytest.raises(UsageError, match="nothing to roll back"):
        rollback("headers")


def test_the_copy_does_not_change_with_its_original(tmp_path: Path) -> None:
    folder = variant(tmp_path / "new", "2.0")
    adopt(folder)
    shutil.rmtree(folder)
    assert open_bundle(find_bundle("headers")).version == "2.0"


def test_adopting_twice_is_adopting_once(tmp_path: Path) -> None:
    folder = variant(tmp_path / "new", "2.0")
    adopt(folder)
    adopt(folder)
    rollback("headers")
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")


def test_a_picture_bundle_stands_in_for_the_one_of_its_name(tmp_path: Path) -> None:
    before = installed_for("auto")
    adopt(variant(tmp_path / "new", "2.0", "prostate"))
    after = installed_for("auto")
    assert len(after) == len(before)
    assert [open_bundle(f).version for f in after if open_bundle(f).name == "prostate"] == ["2.0"]


def test_a_damaged_bundle_is_not_adopted(tmp_path: Path) -> None:
    folder = variant(tmp_path / "new", "2.0")
    (folder / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(BundleError, match="not the file it was made with"):
        adopt(folder)
    assert adopted() == {}


def test_an_adopted_bundle_that_is_lost_is_told_with_the_way_back(tmp_path: Path) -> None:
    adopt(variant(tmp_path / "new", "2.0"))
    shutil.rmtree(home() / "headers")
    with pytest.raises(BundleError, match="bundles rollback headers"):
        find_bundle("headers")
    assert find_bundle(SHIPPED + "headers").is_dir()
    rollback("headers")
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")


@pytest.mark.parametrize(
    "content", ["no json", "[]", '{"adopted": {"../x": ["a"]}}', '{"adopted": {"headers": ["../../etc"]}}']
)
def test_a_list_that_is_damaged_or_leads_elsewhere_is_refused(content: str) -> None:
    home().mkdir(parents=True)
    (home() / "adopted.json").write_text(content, encoding="utf-8")
    with pytest.raises(BundleError, match="put it right or remove it"):
        find_bundle("headers")
