"""Adopting a bundle and going back: whole, or not at all; and one bad bundle stops nothing but itself."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from SeriesClassifierLib.bundles import runtime
from SeriesClassifierLib.bundles.adopted import (
    SHIPPED,
    Installed,
    adopt,
    find_bundle,
    installed,
    installed_for,
    rollback,
)
from SeriesClassifierLib.bundles.adopted_list import home
from SeriesClassifierLib.bundles.bundle import DESCRIPTION, open_bundle, shipped, write_bundle
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.errors import BundleError, UsageError
from SeriesClassifierLib.inference.run import Classifier


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def variant(folder: Path, version: str, name: str = "headers", called: str = "") -> Path:
    """The shipped bundle with another version, and another name where one is given."""
    shutil.copytree(find_bundle(SHIPPED + name), folder)
    description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    description["version"] = version
    description["name"] = called or name
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    return folder


def adopted() -> dict[str, Installed]:
    return {one.name: one for one in installed() if one.adopted}


def the_list() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home() / "adopted.json").read_text(encoding="utf-8"))
    return content


def test_nothing_adopted_means_the_shipped_ones() -> None:
    assert adopted() == {}
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    assert set(installed_for("auto")) == {f for f in shipped() if f.name != "headers"}
    assert all(one.bundle and not one.problem for one in installed())


def test_the_adopted_one_is_found_until_it_is_rolled_back(tmp_path: Path) -> None:
    for version in ("2.0", "3.0"):
        adopt(variant(tmp_path / version, version))
        assert open_bundle(find_bundle("headers")).version == version
    back = rollback("headers")
    assert back.bundle is not None
    assert (back.bundle.version, back.passed_over) == ("2.0", ())
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
    assert len(the_list()["adopted"]["headers"]) == 1
    rollback("headers")
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")


def test_a_picture_bundle_stands_in_for_the_one_of_its_name(tmp_path: Path) -> None:
    before = installed_for("auto")
    adopt(variant(tmp_path / "new", "2.0", "prostate"))
    after = installed_for("auto")
    assert len(after) == len(before)
    assert [open_bundle(f).version for f in after if open_bundle(f).name == "prostate"] == ["2.0"]


def test_a_bundle_under_a_name_of_its_own_is_found_and_goes_without_a_trace(tmp_path: Path) -> None:
    adopt(variant(tmp_path / "new", "2.0", called="our-headers"))
    assert open_bundle(find_bundle("our-headers")).version == "2.0"
    back = rollback("our-headers")
    assert back.bundle is None
    with pytest.raises(BundleError, match="there is no bundle"):
        find_bundle("our-headers")


# --- what is not adopted


def _refused(folder: Path, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        adopt(folder)
    assert adopted() == {}
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    left = list(home().rglob("*")) if home().exists() else []
    assert not [path for path in left if path.is_file()]


def test_a_damaged_bundle_is_not_adopted(tmp_path: Path) -> None:
    folder = variant(tmp_path / "new", "2.0")
    (folder / "weights.safetensors").write_bytes(b"other")
    _refused(folder, "not the file it was made with")


def test_a_file_without_a_checksum_is_not_adopted(tmp_path: Path) -> None:
    folder = variant(tmp_path / "new", "2.0")
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    del description["sha256"]["card.md"]
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    _refused(folder, "no checksum of card.md")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["heads"][0]["classes"].__setitem__(0, "T9"), "no sequence 'T9'"),
        (lambda d: d["heads"][0]["classes"].__setitem__(0, "t1"), "no sequence 't1'"),
        (lambda d: d["heads"].append(d["heads"][0]), "two heads for sequence"),
        (lambda d: d["heads"].pop(0), "no head for sequence"),
        (lambda d: d["heads"][1]["classes"].pop(), "output logits is"),
        (lambda d: d["heads"][1]["classes"].append("NONE2"), "no phase"),
        (lambda d: d["temperature"].pop("phase"), "the temperature of phase"),
        (lambda d: d["temperature"].update(phase=1e-9), "the temperature of phase"),
        (lambda d: d["temperature"].update(phase=float("inf")), "Infinity"),
        (lambda d: d["thresholds"].pop("region"), "no thresholds for region"),
        (lambda d: d["thresholds"]["region"]["auto"].update({"often": 0.5}), "the risk 'often'"),
        (lambda d: d["thresholds"]["region"]["auto"].update({"2": 0.5}), "the risk '2'"),
        (lambda d: d["thresholds"]["region"].update(review=float("nan")), "NaN"),
        (lambda d: d["features"].__setitem__(0, "mood"), "another version"),
        (lambda d: d["features"].pop(), "does not run on the stored input"),
        (lambda d: d["features"].clear(), "no header features"),
    ],
)
def test_a_description_that_does_not_fit_is_not_adopted(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    folder = variant(tmp_path / "new", "2.0")
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    change(description)
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    _refused(folder, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["temperature_alone"]["picture"].pop("region"), "the picture alone of region"),
        (lambda d: d["scope"].update(regions=["moon"]), "no region 'moon'"),
        (lambda d: d["preprocessing"].update(side=100), "does not run on the stored input"),
        (lambda d: d["preprocessing"].update(side=10**9), "not valid"),
        (lambda d: d["heads"][0]["classes"].pop(), "output header is"),
    ],
)
def test_a_picture_bundle_that_does_not_fit_is_not_adopted(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    folder = variant(tmp_path / "new", "2.0", "prostate")
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    change(description)
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    _refused(folder, words)


def test_a_name_keeps_its_task(tmp_path: Path) -> None:
    _refused(variant(tmp_path / "new", "2.0", "prostate", called="headers"), "give it another name")


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\x08\x07", b"\x3a\xff\xff\x01"])
def test_a_file_that_is_no_graph_is_not_adopted(tmp_path: Path, content: bytes) -> None:
    folder = variant(tmp_path / "new", "2.0")
    (folder / "model.onnx").write_bytes(content)
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    del description["sha256"], description["library_version"]
    write_bundle(folder, description)
    _refused(folder, "reinstall")


def test_a_model_that_gives_no_number_is_not_adopted(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the graph is changed with onnx, which is not installed")
    folder = variant(tmp_path / "new", "2.0")
    model = onnx.load(str(folder / "model.onnx"))
    before, after = model.graph.output[0].name, "logits"
    for node in model.graph.node:
        node.output[:] = ["own" if name == before else name for name in node.output]
    zero = onnx.helper.make_node("Constant", [], ["zero"], value_float=0.0)
    model.graph.node.extend([zero, onnx.helper.make_node("Div", ["own", "zero"], [after])])
    onnx.save(model, str(folder / "model.onnx"))
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    del description["sha256"], description["library_version"]
    write_bundle(folder, description)
    _refused(folder, "not finite")


# --- names

STRANGE_NAMES = [
    "headers\n", "headers\n\n", "Headers", "HEADERS", "..", ".", "", " ", "headers ", "../headers", "a/b", "a\\b", "con",
    "nul", "com1", "9a", "-a", "_a", "hea\x00ders", "h\u0435aders", "headers²", "ﬁ", "a" * 65, "C:", "prostate\u2028",
]  # fmt: skip


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_name_is_a_name_to_its_very_end(tmp_path: Path, name: str) -> None:
    _refused(variant(tmp_path / "new", "2.0", called=name) if name else _unnamed(tmp_path / "new"), "rename|not valid")


def _unnamed(folder: Path) -> Path:
    variant(folder, "2.0")
    text = (folder / DESCRIPTION).read_text(encoding="utf-8")
    (folder / DESCRIPTION).write_text(text.replace('"name": "headers"', '"name": ""'), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_no_other_name_finds_a_bundle(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(variant(tmp_path / "new", "2.0"))
    monkeypatch.chdir(tmp_path)
    for asked in (name, SHIPPED + name):
        with pytest.raises(BundleError, match=r"there is no bundle|comes with the library"):
            find_bundle(asked)
    with pytest.raises(UsageError, match="nothing to roll back"):
        rollback(name)


def test_an_empty_name_is_not_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(variant(tmp_path / "new", "2.0"))
    with pytest.raises(BundleError, match="there is no bundle"):
        find_bundle("")
    with pytest.raises(BundleError, match="comes with the library"):
        find_bundle(SHIPPED + ".")
    assert find_bundle(".") == Path(".")


# --- one bad bundle


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


def cut(folder: Path) -> None:
    text = (folder / DESCRIPTION).read_text(encoding="utf-8")
    (folder / DESCRIPTION).write_text(text[: len(text) // 2], encoding="utf-8")


def deep(folder: Path) -> None:
    (folder / DESCRIPTION).write_text("[" * 100_000, encoding="utf-8")


def edited(folder: Path) -> None:
    """Still valid, but no longer what was adopted."""
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    description["thresholds"]["sequence"]["auto"] = {"0.01": 0.0}
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")


def renamed(folder: Path) -> None:
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    description["name"] = "other"
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")


def wrong(folder: Path) -> None:
    (folder / DESCRIPTION).write_text('{"name": ["headers"]}', encoding="utf-8")


def newer(folder: Path) -> None:
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    description |= {"library_version": "99.0.0", "calibration_of_tomorrow": {}}
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")


def weights(folder: Path) -> None:
    with (folder / "weights.safetensors").open("r+b") as file:
        file.seek(1000)
        file.write(b"other")


def graph(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def folders(folder: Path) -> None:
    for name in (DESCRIPTION, "model.onnx"):
        (folder / name).unlink()
        (folder / name).mkdir()


BAD = [gone, cut, deep, edited, renamed, wrong, newer, weights, graph, folders]
bad_one = pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)


def spoiled(tmp_path: Path, name: str, spoil: Callable[[Path], None], version: str = "2.0") -> None:
    spoil(adopt(variant(tmp_path / f"{name}-{version}", version, name)).folder)


@bad_one
def test_a_bad_bundle_is_listed_with_its_reason(
    tmp_path: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled(tmp_path, "prostate", spoil)
    assert main(["bundles", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(list(shipped()))
    (line,) = (line for line in lines if "adopted" in line)
    assert line.startswith("prostate  adopted  UNUSABLE")
    assert line.endswith("bundles rollback prostate")
    assert sum("shipped" in line for line in lines) == len(list(shipped()))


@bad_one
def test_a_bad_bundle_is_not_used_and_others_are(
    tmp_path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    spoiled(tmp_path, "prostate", spoil)
    caplog.clear()
    assert [f.name for f in installed_for("auto")] == ["brain", "liver"]
    assert any("rollback prostate" in record.getMessage() for record in caplog.records)
    assert installed_for("brain") == [find_bundle(SHIPPED + "brain")]
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    for needed in (lambda: find_bundle("prostate"), lambda: installed_for("prostate")):
        with pytest.raises(BundleError, match="'series-classifier bundles rollback prostate'"):
            needed()
    assert open_bundle(find_bundle(SHIPPED + "prostate")).name == "prostate"


@bad_one
def test_rollback_takes_a_bad_bundle_out(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoiled(tmp_path, "headers", spoil)
    back = rollback("headers")
    assert back.bundle is not None
    assert back.bundle.folder == find_bundle("headers") == find_bundle(SHIPPED + "headers")
    assert back.passed_over == ()


@bad_one
def test_rollback_passes_bad_bundles_over_and_says_so(
    tmp_path: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    adopt(variant(tmp_path / "1", "1.1"))
    copies = [adopt(variant(tmp_path / version, version)).folder for version in ("2.0", "3.0", "4.0")]
    for folder in copies[:2]:
        spoil(folder)
    assert main(["bundles", "rollback", "headers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["passed over", "passed over", "headers 1.1 is in use again"]
    assert copies[1].name in lines[0]
    assert open_bundle(find_bundle("headers")).version == "1.1"
    assert main(["bundles", "rollback", "headers"]) == 0
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")


@bad_one
def test_adopting_again_repairs_a_bad_copy(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoiled(tmp_path, "headers", spoil)
    adopt(tmp_path / "headers-2.0")
    assert open_bundle(find_bundle("headers")).version == "2.0"
    assert len(the_list()["adopted"]["headers"]) == 1


def test_other_tasks_are_classified_beside_a_bad_bundle(tmp_path: Path) -> None:
    spoiled(tmp_path, "prostate", weights)
    assert Classifier(mode="full", task="brain").digest
    assert Classifier(mode="auto").digest
    with pytest.raises(BundleError, match="rollback prostate"):
        Classifier(mode="full", task="prostate")
    spoiled(tmp_path, "headers", weights)
    with pytest.raises(BundleError, match="rollback headers"):
        Classifier()
    assert Classifier(SHIPPED + "headers", mode="full", task="brain").digest


def test_an_adopted_bundle_that_does_not_load_names_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update of onnxruntime, which no checksum tells."""
    import onnxruntime

    adopt(variant(tmp_path / "new", "2.0"))

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("unsupported")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(BundleError, match=r"does not load.*bundles rollback headers"):
        Classifier()


def test_an_adopted_bundle_of_features_that_are_no_more_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update of the library; every file is still the one that was adopted."""
    description = dict(open_bundle(adopt(variant(tmp_path / "new", "2.0", "prostate")).folder).description)
    gone = description["features"][0]
    kept = tuple(feature for feature in runtime.FEATURES if feature.name != gone)
    monkeypatch.setattr(runtime, "FEATURES", kept)
    assert [f.name for f in installed_for("auto")] == ["brain", "liver"]
    with pytest.raises(BundleError, match=r"another version.*bundles rollback prostate"):
        find_bundle("prostate")


# --- a bad list

DAMAGED_LISTS = [
    b"no json", b"[]", b"", b"\xff\xfe", b"[" * 100_000, b'{"adopted": [1]}', b'{"adopted": null}', b'{"adopted": NaN}',
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED_LISTS, ids=lambda content: repr(content[:20]))
def test_a_damaged_list_stops_only_what_was_adopted(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    adopt(variant(tmp_path / "2", "2.0"))
    adopt(variant(tmp_path / "b", "2.0", "brain"))
    (home() / "adopted.json").write_bytes(content)
    assert find_bundle("prostate") == find_bundle(SHIPPED + "prostate")
    assert [f.name for f in installed_for("auto")] == ["liver", "prostate"]
    for name in ("headers", "brain"):
        with pytest.raises(BundleError, match=rf"not known.*bundles rollback {name}"):
            find_bundle(name)
    assert main(["bundles", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "UNUSABLE" in line] == ["adopted.json", "brain", "headers"]
    back = rollback("headers")
    assert back.bundle is not None
    assert back.bundle.folder == find_bundle("headers") == find_bundle(SHIPPED + "headers")
    assert "not known" in back.passed_over[0]
    # What was in use of the other one is as unknown as before, and nothing of the list was thrown away.
    with pytest.raises(BundleError, match="bundles rollback brain"):
        find_bundle("brain")
    assert (home() / "adopted.json.damaged").read_bytes() == content
    adopt(tmp_path / "b")
    assert open_bundle(find_bundle("brain")).version == "2.0"
    assert "adopted.json" not in {one.name for one in installed()}


@pytest.mark.parametrize(
    "entry",
    [{name: ["0" * 16]} for name in STRANGE_NAMES]
    + [
        {"prostate": digests}
        for digests in ("a", 5, None, {}, [1], [None], [["0" * 16]], ["../../etc"], ["0" * 16 + "\n"], ["0" * 17], ["A" * 16])
    ],
    ids=repr,
)  # fmt: skip
def test_one_bad_entry_of_the_list_stops_nothing_else(
    tmp_path: Path, entry: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    adopt(variant(tmp_path / "2", "2.0"))
    content = the_list()
    content["adopted"] |= entry
    (home() / "adopted.json").write_text(json.dumps(content), encoding="utf-8")
    assert open_bundle(find_bundle("headers")).version == "2.0"
    assert [f.name for f in installed_for("brain")] == ["brain"]
    assert main(["bundles", "list"]) == 0
    assert sum("UNUSABLE" in line for line in capsys.readouterr().out.splitlines()) == 1
    rollback("headers")
    assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    if "prostate" in entry:
        with pytest.raises(BundleError, match="rollback prostate"):
            find_bundle("prostate")
        rollback("prostate")
        assert find_bundle("prostate") == find_bundle(SHIPPED + "prostate")
        assert adopted() == {}


def test_a_damaged_list_where_nothing_was_adopted_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    home().mkdir(parents=True)
    (home() / "adopted.json").write_text("no json", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert find_bundle("headers") == find_bundle(SHIPPED + "headers")
    assert "adopted.json" in caplog.text
