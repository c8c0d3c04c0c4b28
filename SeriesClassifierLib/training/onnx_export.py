"""Export a model as two files that share one set of bytes.

``weights.safetensors`` holds every tensor of the model's state: large parameters as int8 with one float32
scale an output channel (``NAME`` and ``NAME.scale``), the rest as they are. ``model.onnx`` holds the graph
alone: its initializers are ONNX external data that point into the safetensors file, each int8 one through a
DequantizeLinear. So onnxruntime computes with the very bytes that torch reads, and a bundle carries them
once.

With the session option ``session.disable_quant_qdq`` = ``1`` onnxruntime multiplies the scales in once, when
the model is loaded.
"""

from __future__ import annotations

import copy
import json
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SeriesClassifierLib.bundles.bundle import MODEL, WEIGHTS
from SeriesClassifierLib.errors import BundleError

OPSET = 17
SCALE = ".scale"
# Below this a tensor is not worth a scale of its own.
_SMALLEST_QUANTIZED = 4096
# A smaller initializer costs less in the graph than a reference to it.
_SMALLEST_EXTERNAL = 64
# Types of safetensors by ONNX's names.
_TYPES = {"F32": "FLOAT", "U8": "UINT8", "I8": "INT8", "I16": "INT16", "I32": "INT32", "I64": "INT64"}


@dataclass(frozen=True)
class ExportSizes:
    """Bytes of the two files."""

    weights: int
    graph: int


def export_model(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    folder: Path,
    *,
    dynamic: Mapping[str, Mapping[int, str]],
    int8: bool = True,
    call: str = "forward",
) -> ExportSizes:
    """Write ``weights.safetensors`` and ``model.onnx`` to ``folder``.

    ``inputs`` are examples by name, in the order of the arguments of ``call``, the method to export (such as
    ``answers``); ``outputs`` name what it returns. ``dynamic`` maps an input or output to its variable
    axes and their names. The model itself is not changed; it is exported in evaluation mode.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(model, folder / WEIGHTS, int8=int8)
    _trace(model, inputs, outputs, folder / MODEL, dynamic, call)
    _refer_to_weights(folder / MODEL, folder / WEIGHTS, set(model.state_dict()))
    return ExportSizes((folder / WEIGHTS).stat().st_size, (folder / MODEL).stat().st_size)


def write_weights(model: nn.Module, path: Path, *, int8: bool = True) -> None:
    """Write the state of ``model`` as safetensors, large parameters as int8 with their scales.

    Buffers are not rounded: a table says what it says.
    """
    from safetensors.numpy import save_file

    state = model.state_dict()
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    tensors: dict[str, NDArray[Any]] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu().numpy()
        if int8 and name in parameters and _is_large(values):
            tensors[name], tensors[name + SCALE] = _quantize(values)
        else:
            tensors[name] = np.ascontiguousarray(values)
    if len(tensors) != len(state) + sum(t.dtype == np.int8 for t in tensors.values()):
        raise ValueError(f"a parameter may not be named like another one's scale (NAME{SCALE})")
    save_file(tensors, path)


def load_weights(model: nn.Module, folder: Path) -> None:
    """Read ``weights.safetensors`` of ``folder`` into ``model``, int8 multiplied by its scales.

    Raises BundleError when the file is missing, damaged or of another architecture.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise BundleError(
            f"{folder.name}: {WEIGHTS} cannot be read ({error}): reinstall the bundle"
        ) from error
    state = {}
    for name, values in tensors.items():
        if name.removesuffix(SCALE) != name and name.removesuffix(SCALE) in tensors:
            continue
        scale = tensors.get(name + SCALE)
        state[name] = torch.from_numpy(values if scale is None else _dequantize(values, scale))
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise BundleError(
            f"{folder.name}: {WEIGHTS} holds another architecture: build the model as bundle.json says"
        ) from error


def parity(model: nn.Module, folder: Path, inputs: Mapping[str, Tensor], *, call: str = "forward") -> float:
    """Largest absolute difference of a probability between onnxruntime and torch, both with the file's
    weights.

    A softmax is taken over each facet where the model names its ``facets``, else over the last axis.
    """
    reference = copy.deepcopy(model).eval()
    load_weights(reference, folder)
    with torch.inference_mode():
        expected = getattr(reference, call)(*inputs.values())
    exported = session(folder)
    # A graph has no input for what the model does not look at.
    asked = {node.name for node in exported.get_inputs()}
    found = exported.run(None, {name: tensor.numpy() for name, tensor in inputs.items() if name in asked})
    facets = getattr(model, "facets", None)
    pairs = zip((expected,) if isinstance(expected, Tensor) else expected, found, strict=True)
    return max(
        float((_probabilities(ours, facets) - _probabilities(torch.from_numpy(theirs), facets)).abs().max())
        for ours, theirs in pairs
    )


def session(folder: Path, *, threads: int = 1) -> Any:
    """An onnxruntime session of the model in ``folder``, dequantized when it is loaded."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])


def _probabilities(logits: Tensor, facets: Mapping[str, int] | None) -> Tensor:
    parts = torch.split(logits, list(facets.values()), dim=-1) if facets else (logits,)
    return torch.cat([part.softmax(dim=-1) for part in parts], dim=-1)


def _is_large(values: NDArray[Any]) -> bool:
    return bool(values.dtype == np.float32 and values.ndim >= 2 and values.size > _SMALLEST_QUANTIZED)


def _channel_axis(shape: Sequence[int]) -> int:
    """The axis of output channels: the first, or the first that is more than one for a table (1, n, d)."""
    return next((axis for axis, size in enumerate(shape) if size > 1), 0)


def _quantize(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    axis = _channel_axis(values.shape)
    others = tuple(k for k in range(values.ndim) if k != axis)
    largest = np.abs(values).max(axis=others)
    scale = np.where(largest > 0, largest / 127.0, 1.0).astype(np.float32)
    whole = np.rint(values / _along(scale, axis, values.ndim))
    return np.clip(whole, -127, 127).astype(np.int8), scale


def _dequantize(values: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.astype(np.float32) * _along(scale, _channel_axis(values.shape), values.ndim)


def _along(scale: NDArray[np.float32], axis: int, dimensions: int) -> NDArray[np.float32]:
    shape = [1] * dimensions
    shape[axis] = -1
    return scale.reshape(shape)


class _Call(nn.Module):
    """Lets another method than ``forward`` be exported."""

    def __init__(self, model: nn.Module, call: str) -> None:
        super().__init__()
        self.model = model
        self.call = call

    def forward(self, *inputs: Tensor) -> Any:
        return getattr(self.model, self.call)(*inputs)


_PREFIX = "model."


def _trace(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    path: Path,
    dynamic: Mapping[str, Mapping[int, str]],
    call: str,
) -> None:
    # A copy of its own: the exporter switches modes, and the caller's model may be in training.
    wrapped = _Call(copy.deepcopy(model), call).eval()
    with warnings.catch_warnings(), torch.no_grad():
        # The tracer warns of every check of a shape; the exporter of its successor, which keeps no names.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        warnings.simplefilter("ignore", DeprecationWarning)
        # It says so even where it was asked not to fold.
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        torch.onnx.export(
            wrapped,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in dynamic.items()},
            opset_version=OPSET,
            # Folding, and merging batch normalization into convolutions, would make other weights of ours.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            dynamo=False,
        )


def _refer_to_weights(model_path: Path, weights_path: Path, names: set[str]) -> None:
    """Replace the graph's initializers of those ``names`` by references into the safetensors file."""
    import onnx

    model = onnx.load(str(model_path))
    graph = model.graph
    places = _places(weights_path)
    kept, dequantize = [], []
    for initializer in graph.initializer:
        name = initializer.name.removeprefix(_PREFIX)
        if initializer.name.startswith(_PREFIX) and name in names:
            kept.append(_reference(initializer.name, name, places, weights_path))
            if name + SCALE in places:
                stored = initializer.name + ".int8"
                kept[-1].name = stored
                scale = initializer.name + SCALE
                kept.append(_reference(scale, name + SCALE, places, weights_path))
                axis = _channel_axis(initializer.dims)
                dequantize.append(
                    onnx.helper.make_node("DequantizeLinear", [stored, scale], [initializer.name], axis=axis)
                )
        else:
            kept.append(initializer)
    nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend([*dequantize, *nodes])
    # Without this the exporter's notes on source lines are larger than the graph.
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del graph.value_info[:]
    onnx.save(model, str(model_path))
    onnx.checker.check_model(str(model_path))


@dataclass(frozen=True)
class _Place:
    """Where a tensor lies in a safetensors file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def _places(path: Path) -> dict[str, _Place]:
    with path.open("rb") as stream:
        (size,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(size))
    start = 8 + size
    return {
        name: _Place(
            entry["dtype"],
            tuple(entry["shape"]),
            start + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _reference(graph_name: str, name: str, places: Mapping[str, _Place], path: Path) -> Any:
    """A TensorProto whose bytes lie in the safetensors file; a tiny one is copied."""
    import onnx

    place = places[name]
    tensor = onnx.TensorProto(
        name=graph_name, data_type=onnx.TensorProto.DataType.Value(_TYPES[place.dtype]), dims=place.shape
    )
    if place.length < _SMALLEST_EXTERNAL:
        with path.open("rb") as stream:
            stream.seek(place.offset)
            tensor.raw_data = stream.read(place.length)
        return tensor
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", path.name), ("offset", place.offset), ("length", place.length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
