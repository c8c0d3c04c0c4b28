"""Runs a header bundle with onnxruntime: features in, calibrated class probabilities out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.features import FEATURES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Probabilities = Mapping[str, Mapping[str, float]]
# Nothing learned is certain: a threshold of 1, which means "never", is not reached.
_MOST_CERTAIN = 1 - 1e-9


class HeaderModel:
    """A loaded header bundle. Headers run one at a time: a result never depends on its neighbors."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError when the bundle does not load or asks for features of another version."""
        self.bundle = bundle
        self._position = feature_positions(bundle)
        self._session = open_session(bundle, threads=1)

    def probabilities(self, features: Mapping[str, float]) -> Probabilities:
        """Facet -> class -> calibrated probability, from the observed features."""
        values, observed = vectors(features, self._position)
        logits = self._session.run(None, {"values": values, "observed": observed})[0][0].tolist()
        return read_logits(self.bundle, logits, self.bundle.description["temperature"])


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
    """An onnxruntime session on the processor with so many threads (0: one a core)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Weights are stored in 8 bits and unpacked once, when the bundle is opened.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(bundle.model_path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its own that share no base
        raise BundleError(
            f"bundle {bundle.name} does not load ({type(error).__name__}): reinstall it"
        ) from error


@cache
def load_header_model(folder: Path) -> HeaderModel:
    """The model of a bundle folder, opened and checked once a process."""
    return HeaderModel(open_bundle(folder))
