"""The exported pair of files: one set of bytes, the same answer from torch and onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="the export needs torch (extra train), which is not installed here"
)
onnx = pytest.importorskip("onnx", reason="the export needs onnx (extra train), which is not installed here")
pytest.importorskip("safetensors")

from safetensors.numpy import load_file  # noqa: E402
from support.model_inputs import BINARY, FACETS, MODELS, inputs, livened, picture_3d  # noqa: E402

from SeriesClassifierLib.bundles.bundle import MODEL, WEIGHTS  # noqa: E402
from SeriesClassifierLib.errors import BundleError  # noqa: E402
from SeriesClassifierLib.models.encoders import build_encoder  # noqa: E402
from SeriesClassifierLib.models.fusion import JointFusion  # noqa: E402
from SeriesClassifierLib.models.header_model import HeaderModel  # noqa: E402
from SeriesClassifierLib.models.modalities import PictureHeaderModel  # noqa: E402
from SeriesClassifierLib.training.onnx_export import (  # noqa: E402
    ExportSizes,
    export_model,
    load_weights,
    parity,
    session,
    write_weights,
)

OUTPUTS = ("header_logits", "picture_logits", "joint_logits")
DYNAMIC = {
    "slices": {0: "series", 1: "slots"},
    "slice_mask": {0: "series", 1: "slots"},
    **{name: {0: "series"} for name in ("values", "observed", *OUTPUTS)},
}


def _export(
    model: PictureHeaderModel, folder: Path, given: dict[str, torch.Tensor], **options: bool
) -> ExportSizes:
    return export_model(model, given, OUTPUTS, folder, dynamic=DYNAMIC, call="answers", **options)


def _awkward(series: int, slots: int, **options: int) -> dict[str, torch.Tensor]:
    """Padding, a series without picture, one without header, absent values that are NaN."""
    given = inputs(series, slots, seed=slots, **options)
    given["slice_mask"][0] = False
    given["slice_mask"][-1, 1:] = False
    given["slices"][~given["slice_mask"]] = float("nan")
    given["observed"][1] = 0
    given["observed"][:, 2] = 0
    given["values"][given["observed"] == 0] = float("nan")
    return given


@pytest.fixture(scope="module")
def liver(tmp_path_factory: pytest.TempPathFactory) -> tuple[PictureHeaderModel, Path]:
    torch.manual_seed(0)
    model, folder = livened(MODELS["liver"]()), tmp_path_factory.mktemp("liver")
    _export(model, folder, inputs(2, 3))
    return model, folder


# Zeros instead of learned numbers make no other graph.
@pytest.mark.parametrize("name", [name for name in MODELS if name != "concat-zero"])
def test_torch_and_onnxruntime_agree_for_any_number_of_series_and_slices(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = livened(MODELS[name]())
    _export(model, tmp_path, inputs(2, 3))
    for series, slots in ((2, 1), (3, 3), (4, 6)):
        assert parity(model, tmp_path, _awkward(series, slots), call="answers") < 1e-3


def test_the_three_dimensional_baseline_exports_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = picture_3d().eval()
    _export(model, tmp_path, inputs(2, 3))
    assert parity(model, tmp_path, _awkward(3, 5), call="answers") < 1e-3


def test_a_transformer_agrees_and_resizes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    encoder = build_encoder("dinov2-s14-focus", random=True, blocks=1, side=42)
    model = JointFusion(encoder, BINARY, FACETS).eval()
    _export(model, tmp_path, inputs(2, 1, side=42))
    assert parity(model, tmp_path, _awkward(2, 1, side=42), call="answers") < 1e-3
    kinds = {node.op_type for node in onnx.load(tmp_path / MODEL, load_external_data=False).graph.node}
    assert "Resize" not in kinds


def test_the_shipped_transformer_fits_into_a_bundle(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    encoder = build_encoder("dinov2-s14-focus", random=True, side=126)
    write_weights(JointFusion(encoder, BINARY, FACETS), tmp_path / WEIGHTS)
    assert (tmp_path / WEIGHTS).stat().st_size < 18_000_000


def test_densenet_fits_and_agrees(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    torch.manual_seed(0)
    model = JointFusion(build_encoder("densenet121", random=True), BINARY, FACETS).eval()
    sizes = _export(model, tmp_path, inputs(2, 1))
    assert sizes.weights < 9_000_000
    assert parity(model, tmp_path, _awkward(2, 2), call="answers") < 1e-3


def test_the_header_model_exports_by_forward(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = HeaderModel(BINARY, FACETS, d=16, members=2).eval()
    given = {name: tensor for name, tensor in inputs(2, 1).items() if name in ("values", "observed")}
    dynamic = {name: {0: "n"} for name in (*given, "logits")}
    export_model(model, given, ["logits"], tmp_path, dynamic=dynamic)
    assert parity(model, tmp_path, given) < 1e-3


def test_the_graph_holds_no_large_tensor_and_points_at_the_very_bytes(
    liver: tuple[PictureHeaderModel, Path],
) -> None:
    _, folder = liver
    graph = onnx.load(folder / MODEL, load_external_data=False).graph
    stored, content = load_file(folder / WEIGHTS), (folder / WEIGHTS).read_bytes()
    pointed = 0
    for tensor in graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            assert len(tensor.raw_data) < 1024, tensor.name
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        assert place["location"] == WEIGHTS
        part = content[int(place["offset"]) :][: int(place["length"])]
        name = tensor.name.removeprefix("model.").removesuffix(".int8")
        assert part == stored[name].tobytes(), name
        pointed += len(part)
    assert pointed > 0.9 * sum(values.nbytes for values in stored.values())
    for node in graph.node:
        for attribute in node.attribute:
            assert len(attribute.t.raw_data) < 1024, node.name


def test_a_changed_byte_changes_both_readers(liver: tuple[PictureHeaderModel, Path], tmp_path: Path) -> None:
    model, folder = liver
    (tmp_path / MODEL).write_bytes((folder / MODEL).read_bytes())
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-200_000:-100_000] = bytes(100_000)
    (tmp_path / WEIGHTS).write_bytes(content)
    given = inputs(2, 3)
    feed = {name: tensor.numpy() for name, tensor in given.items()}
    before, after = (session(where).run(None, feed)[2] for where in (folder, tmp_path))
    assert np.abs(before - after).max() > 1e-4
    assert parity(model, tmp_path, given, call="answers") < 1e-3


def test_onnxruntime_with_its_default_options_gives_the_same(
    liver: tuple[PictureHeaderModel, Path],
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    _, folder = liver
    feed = {name: tensor.numpy() for name, tensor in _awkward(3, 4).items()}
    plain = onnxruntime.InferenceSession(str(folder / MODEL), providers=["CPUExecutionProvider"])
    for ours, theirs in zip(session(folder).run(None, feed), plain.run(None, feed), strict=True):
        assert np.abs(ours - theirs).max() < 1e-3


def test_weights_round_trip(liver: tuple[PictureHeaderModel, Path], tmp_path: Path) -> None:
    model, folder = liver
    again = MODELS["liver"]()
    load_weights(again, folder)
    for name, tensor in model.state_dict().items():
        found = again.state_dict()[name]
        step = tensor.abs().max() / 127 if tensor.numel() > 4096 and tensor.ndim > 1 else 0.0
        assert (found - tensor).abs().max() <= step * 0.51, name
    # What was rounded once is not rounded again.
    write_weights(again, tmp_path / WEIGHTS)
    twice = MODELS["liver"]()
    load_weights(twice, tmp_path)
    for name, tensor in again.state_dict().items():
        assert torch.allclose(twice.state_dict()[name], tensor, atol=1e-6), name


def test_without_int8_every_weight_is_exact(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, again = livened(MODELS["joint"]()), MODELS["joint"]()
    _export(model, tmp_path, inputs(2, 1), int8=False)
    load_weights(again, tmp_path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert parity(model, tmp_path, _awkward(2, 1), call="answers") < 1e-3


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = livened(MODELS["joint"]()).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _export(model, tmp_path, inputs(2, 1))
    parity(model, tmp_path, inputs(2, 1), call="answers")
    assert model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_the_same_model_gives_the_same_files(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = livened(MODELS["joint"]())
    for folder in ("a", "b"):
        _export(model, tmp_path / folder, inputs(2, 1))
    for name in (MODEL, WEIGHTS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_wrong_weights_are_refused_in_words(liver: tuple[PictureHeaderModel, Path], tmp_path: Path) -> None:
    _, folder = liver
    with pytest.raises(BundleError, match="another architecture"):
        load_weights(MODELS["joint"](), folder)
    with pytest.raises(BundleError, match="cannot be read"):
        load_weights(MODELS["joint"](), tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"x" * 100)
    with pytest.raises(BundleError, match="cannot be read"):
        load_weights(MODELS["joint"](), tmp_path)
