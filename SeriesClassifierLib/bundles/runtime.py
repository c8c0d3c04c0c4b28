"""What running a bundle takes: its session of onnxruntime, the order of its input and of its output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.bundles.bundle import MOST_BYTES, WEIGHTS, Bundle
from SeriesClassifierLib.bundles.graph_files import external_files
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.features import FEATURES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Probabilities = Mapping[str, Mapping[str, float]]
# Of a bundle that sees images: from the header alone, from the image alone, from both.
OUTPUTS = ("header", "picture", "joint")
# Nothing learned is certain: a threshold of 1, which means "never", is not reached.
_MOST_CERTAIN = 1 - 1e-9


def feature_positions(bundle: Bundle) -> Mapping[str, int]:
    """Where each header feature stands in the input. Raises BundleError for features of another version."""
    names = list(bundle.description["features"])
    unknown = set(names) - {feature.name for feature in FEATURES}
    if unknown:
        raise BundleError(
            f"bundle {bundle.name} needs features of another version ({min(unknown)}): rebuild it"
        )
    return {name: index for index, name in enumerate(names)}


def vectors(
    features: Mapping[str, float], position: Mapping[str, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(values, observed), both (1, F), of the observed features."""
    import numpy as np

    values: NDArray[np.float32] = np.zeros((1, len(position)), np.float32)
    observed: NDArray[np.float32] = np.zeros_like(values)
    for name, value in features.items():
        index = position.get(name)
        if index is not None:
            values[0, index] = value
            observed[0, index] = 1.0
    return values, observed


def image_input(slices: NDArray[np.uint8]) -> dict[str, Any]:
    """What a graph that sees images takes of ``slices`` (S, side, side): (1, S, side, side) in 0..1."""
    import numpy as np

    return {
        "slices": slices[None].astype(np.float32) / 255,
        "slice_mask": np.ones((1, len(slices)), np.bool_),
    }


def read_logits(bundle: Bundle, logits: list[float], temperature: Mapping[str, float]) -> Probabilities:
    """Facet -> class -> probability, from the logits of all facets side by side."""
    out: dict[str, dict[str, float]] = {}
    start = 0
    for facet, names in bundle.facets.items():
        out[facet] = _softmax(names, logits[start : start + len(names)], temperature[facet])
        start += len(names)
    return out


def _softmax(names: list[str], logits: list[float], temperature: float) -> dict[str, float]:
    top = max(logits)
    weights = [math.exp((logit - top) / temperature) for logit in logits]
    total = sum(weights)
    return {name: min(weight / total, _MOST_CERTAIN) for name, weight in zip(names, weights, strict=True)}


def open_session(bundle: Bundle, *, threads: int = 0) -> Any:
    """An onnxruntime session on the processor with so many threads (0: one a core).

    Raises BundleError when the graph does not load, or asks for other files than the bundle's own.
    """
    check_graph(bundle)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Weights are stored in 8 bits and unpacked once, when the bundle is opened.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # The graph is read as what was checked, whatever it looks like.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(bundle.model_path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its own that share no base
        raise BundleError(
            f"bundle {bundle.name} does not load ({type(error).__name__}): reinstall it"
        ) from error


def check_graph(bundle: Bundle) -> None:
    """Raise BundleError when the graph refers to a file other than the weights that the bundle has a checksum
    of. Nothing of the graph is run.
    """
    allowed = {WEIGHTS} & set(bundle.description["sha256"])
    try:
        if bundle.model_path.stat().st_size > MOST_BYTES:
            raise ValueError("it is larger than a bundle's file may be")
        outside = sorted(external_files(bundle.model_path) - allowed)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BundleError(
            f"bundle {bundle.name}: {bundle.model_path.name} cannot be read ({reason}): reinstall the bundle"
        ) from error
    if outside:
        raise BundleError(
            f"bundle {bundle.name}: {bundle.model_path.name} refers to {outside[0][:100]!r}, which is not "
            "part of the bundle: do not use it, or rebuild it with its weights inside"
        )
