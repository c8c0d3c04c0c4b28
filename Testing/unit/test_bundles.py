"""Bundles are data that is checked before it is used."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import open_bundle, shipped, write_bundle
from SeriesClassifierLib.bundles.check import TRAINING_HEAD, _example, check_description, run_on_example
from SeriesClassifierLib.bundles.graph_files import FIELDS, external_files
from SeriesClassifierLib.bundles.names import is_bundle_name, is_digest
from SeriesClassifierLib.bundles.runtime import open_session
from SeriesClassifierLib.bundles.strict_json import read_json
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.inference.header_model import HeaderModel
from SeriesClassifierLib.inference.picture_model import PictureModel
from SeriesClassifierLib.inference.run import Classifier
from SeriesClassifierLib.vocabulary import classes

REPOSITORY = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("folder", list(shipped()), ids=lambda folder: folder.name)
def test_shipped_bundles_fit_and_run_on_the_stored_input(folder: Path) -> None:
    bundle = open_bundle(folder)
    check_description(bundle)
    run_on_example(bundle)


def test_the_stored_input_is_a_header_and_slices_of_this_version() -> None:
    features, slices = _example()
    assert set(features) <= {feature.name for feature in FEATURES}
    assert len(features) > 100
    assert slices.ndim == 3
    assert slices.std() > 10


def test_the_head_of_training_alone_is_as_wide_as_training_makes_it() -> None:
    pytest.importorskip("torch", reason="the training package needs torch, which is not installed")
    from SeriesClassifierLib.training.examples import CONTRASTS

    assert len(CONTRASTS) == TRAINING_HEAD


def test_a_bundle_of_the_other_kind_is_refused() -> None:
    with pytest.raises(BundleError, match="choose a header bundle"):
        HeaderModel(open_bundle(find_bundle("brain")))
    with pytest.raises(BundleError, match="sees no pictures"):
        PictureModel(open_bundle(find_bundle("headers")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["temperature"].pop("phase"), "temperature of phase"),
        (lambda d: d["thresholds"].pop("region"), "thresholds for region"),
        (lambda d: d["heads"][0]["classes"].__setitem__(0, "T9"), "no sequence 'T9'"),
    ],
)
def test_a_bundle_that_was_never_adopted_is_checked_when_it_is_loaded(
    copy: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    _edit(copy, change)
    with pytest.raises(BundleError, match=words):
        Classifier(str(copy))


# --- names and patterns


@pytest.mark.parametrize("name", ["headers", "a", "our-headers_2", "a" * 64])
def test_names_of_bundles(name: str) -> None:
    assert is_bundle_name(name)


@given(st.text(max_size=8) | st.from_regex(r"[a-z][a-z0-9_-]*$"))
def test_a_name_is_one_only_as_a_whole(text: str) -> None:
    assert is_bundle_name(text) <= bool(re.fullmatch("[a-z][a-z0-9_-]*", text, re.ASCII))
    assert not is_bundle_name(text + "\n")
    assert not is_digest("0" * 16 + (text or "0"))


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from _patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _patterns(inner)


def test_patterns_of_the_schema_hold_to_the_very_end() -> None:
    path = REPOSITORY / "SeriesClassifierLib" / "data" / "bundle_schema.json"
    found = list(_patterns(json.loads(path.read_text(encoding="utf-8"))))
    assert len(found) == 2
    for pattern in found:
        examples = [text for text in ("headers", "0" * 64) if re.search(pattern, text)]
        assert examples
        for text in examples:
            assert not any(re.search(pattern, wrong) for wrong in (text + "\n", "\n" + text, text + "\n\n"))


@pytest.mark.parametrize("sum_", ["0" * 64 + "\n", "0" * 63, "A" * 64])
def test_a_checksum_is_one_to_its_very_end(copy: Path, sum_: str) -> None:
    _edit(copy, lambda d: d["sha256"].update({"card.md": sum_}))
    with pytest.raises(BundleError, match="not valid"):
        open_bundle(copy)


def test_a_bundle_of_a_newer_version_says_so(copy: Path) -> None:
    _edit(copy, lambda d: d.update(library_version="99.1", calibration_of_tomorrow=1))
    with pytest.raises(BundleError, match=r"made by SeriesClassifier 99\.1.*update"):
        open_bundle(copy)


# --- JSON


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"{}x", b"NaN", b"[-Infinity]", b"[1e999]", b"[" * 100_000,
        b"[" * 40 + b"]" * 40, b"[" + b"9" * 5000 + b"]", b" " * 5_000_000 + b"1",
    ],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_only_plain_json_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"^[^\n]{1,300}$"):
        read_json(tmp_path / "x.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(ValueError, match="regular file"):
        read_json(tmp_path / "x.json")


# --- external data


def _tensor(onnx: Any, location: str, external: bool = True) -> Any:
    tensor = onnx.TensorProto(name="outside", data_type=onnx.TensorProto.FLOAT, dims=[1])
    if external:
        tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    tensor.external_data.add(key="offset", value="0")
    return tensor


def _places(onnx: Any, location: str) -> Iterator[tuple[str, Any]]:
    """Models that refer to ``location``, each in another place of the message."""
    helper = onnx.helper
    tensor = _tensor(onnx, location)
    sparse = onnx.SparseTensorProto(values=tensor, indices=tensor, dims=[1])
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    inner = helper.make_graph([constant], "inner", [], [])
    several = helper.make_node("Own", [], ["s"], domain="own")
    several.attribute.add(name="t", type=onnx.AttributeProto.TENSORS).tensors.append(tensor)
    graphs = helper.make_node("Own", [], ["g"], domain="own")
    graphs.attribute.add(name="g", type=onnx.AttributeProto.GRAPHS).graphs.append(inner)
    holds_sparse = helper.make_node("Constant", [], ["q"])
    holds_sparse.attribute.add(name="sparse_value").sparse_tensor.CopyFrom(sparse)
    function = onnx.FunctionProto(name="f", domain="own", node=[constant])
    default = onnx.FunctionProto(name="f", domain="own")
    default.attribute_proto.add(name="a", type=onnx.AttributeProto.TENSOR).t.CopyFrom(tensor)
    empty = helper.make_graph([], "main", [], [])
    graphs_of = {
        "initializer": helper.make_graph([], "main", [], [], initializer=[tensor]),
        "without the flag": helper.make_graph([], "main", [], [], initializer=[_tensor(onnx, location, False)]),
        "sparse initializer": helper.make_graph([], "main", [], [], sparse_initializer=[sparse]),
        "constant": helper.make_graph([constant], "main", [], []),
        "sparse constant": helper.make_graph([holds_sparse], "main", [], []),
        "tensors": helper.make_graph([several], "main", [], []),
        "branch": helper.make_graph([helper.make_node("If", ["x"], ["y"], then_branch=inner)], "main", [], []),
        "graphs": helper.make_graph([graphs], "main", [], []),
    }
    for name, graph in graphs_of.items():
        yield name, helper.make_model(graph)
    for name, one in (("function", function), ("default of a function", default)):
        yield name, helper.make_model(empty, functions=[one])
    training = helper.make_model(empty)
    training.training_info.add().algorithm.CopyFrom(inner)
    yield "training", training


LOCATIONS = [
    "../x", "../weights.safetensors", "/etc/passwd", "C:\\x", "./weights.safetensors", "weights.safetensors\n",
    "weights.safetensors\x00", "Weights.safetensors", "model.onnx", "", "*/_ORT_MEM_ADDR_/*", "weights.safetensors/",
]  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_graph_that_refers_outside_is_refused_before_it_is_opened(
    copy: Path, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx", reason="the graphs are made with onnx, which is not installed")
    import onnxruntime

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("onnxruntime was given the graph")

    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)
    description = {k: v for k, v in open_bundle(copy).description.items() if k not in ("sha256", "library_version")}
    for place, model in _places(onnx, location):
        (copy / "model.onnx").write_bytes(model.SerializeToString())
        assert external_files(copy / "model.onnx") == {location}, place
        bundle = write_bundle(copy, description)
        with pytest.raises(BundleError, match="not part of the bundle"):
            open_session(bundle)


def test_the_weights_are_referred_to_only_with_their_checksum(copy: Path) -> None:
    prostate = find_bundle("prostate")
    assert external_files(prostate / "model.onnx") == {"weights.safetensors"}
    for path in prostate.iterdir():
        shutil.copyfile(path, copy / path.name)
    assert open_session(open_bundle(copy))
    (copy / "weights.safetensors").rename(copy / "elsewhere")
    description = {k: v for k, v in open_bundle(prostate).description.items() if k not in ("sha256", "library_version")}
    bundle = write_bundle(copy, description)
    (copy / "elsewhere").rename(copy / "weights.safetensors")
    with pytest.raises(BundleError, match="not part of the bundle"):
        open_session(bundle)


def test_the_fields_that_lead_to_tensors_are_those_of_onnx() -> None:
    """Whatever messages the installed onnx knows: none that can hold a tensor is passed over."""
    onnx = pytest.importorskip("onnx", reason="its messages are what ours are compared with")
    kinds: dict[str, Any] = {}
    waiting = [onnx.ModelProto.DESCRIPTOR]
    while waiting:
        kind = waiting.pop()
        if kind.name not in kinds:
            kinds[kind.name] = kind
            waiting += [field.message_type for field in kind.fields if field.message_type]
    leads = {"TensorProto"}
    while True:
        more = {name for name, kind in kinds.items() for f in kind.fields if f.message_type and f.message_type.name in leads}
        if more <= leads:
            break
        leads |= more
    expected = {
        name: {f.number: f.message_type.name for f in kinds[name].fields if f.message_type and f.message_type.name in leads}
        for name in leads - {"TensorProto"}
    }
    ours = {name: dict(fields) for name, fields in FIELDS.items()}
    assert ours.pop("TensorProto") == {onnx.TensorProto.EXTERNAL_DATA_FIELD_NUMBER: "StringStringEntryProto"}
    assert ours == expected


def test_a_location_split_in_two_is_found() -> None:
    """A message that stands twice is merged by protobuf: the one half names no file, the other no place."""
    onnx = pytest.importorskip("onnx", reason="the graphs are made with onnx, which is not installed")
    first = onnx.TensorProto(name="a", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    second = onnx.TensorProto()
    second.external_data.add(key="location", value="../x")
    attribute = b"".join(b"\x2a" + bytes([len(t)]) + t for t in (first.SerializeToString(), second.SerializeToString()))
    node = b"\x2a" + bytes([len(attribute)]) + attribute
    graph = b"\x0a" + bytes([len(node)]) + node
    content = b"\x3a" + bytes([len(graph)]) + graph
    (tensor,) = (a.t for n in onnx.ModelProto.FromString(content).graph.node for a in n.attribute)
    assert tensor.external_data[0].value == "../x"
    assert tensor.data_location == onnx.TensorProto.EXTERNAL
    assert _files_of(content) == {"../x"}


def _files_of(content: bytes) -> frozenset[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        return external_files(path)


@given(st.binary(max_size=60) | st.lists(st.sampled_from([b"\x3a", b"\x2a", b"\x0a", b"\x6a", b"\x02", b"\x0b", b"\xff"])).map(b"".join))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        found = _files_of(content)
    except ValueError:
        return
    assert all(isinstance(name, str) for name in found)


def test_nesting_without_end_is_refused() -> None:
    content = b""
    for _ in range(2000):  # graph in attribute in node in graph
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            content = tag + _size(len(content)) + content
    with pytest.raises(ValueError, match="nested"):
        _files_of(b"\x3a" + _size(len(content)) + content)


def _size(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
