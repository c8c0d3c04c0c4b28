"""Runs a header bundle with onnxruntime: features in, calibrated class probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from SeriesClassifierLib.bundles.adopted import with_way_back
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle
from SeriesClassifierLib.bundles.check import check_description
from SeriesClassifierLib.bundles.runtime import (
    Probabilities,
    feature_positions,
    open_session,
    read_logits,
    vectors,
)
from SeriesClassifierLib.errors import BundleError


class HeaderModel:
    """A loaded header bundle. Headers run one at a time: a result never depends on its neighbors."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError when the bundle is none of headers, does not load, or does not fit this version
        (its classes, thresholds or features).
        """
        if bundle.description["task"] != "headers":
            raise BundleError(f"bundle {bundle.name} needs images, too: choose a header bundle")
        check_description(bundle)
        self.bundle = bundle
        self._position = feature_positions(bundle)
        self._session = open_session(bundle, threads=1)

    def probabilities(self, features: Mapping[str, float]) -> Probabilities:
        """Facet -> class -> calibrated probability, from the observed features."""
        values, observed = vectors(features, self._position)
        logits = self._session.run(None, {"values": values, "observed": observed})[0][0].tolist()
        return read_logits(self.bundle, logits, self.bundle.description["temperature"])


@cache
def load_header_model(folder: Path) -> HeaderModel:
    """The model of a bundle folder, opened and checked once a process.

    Raises BundleError; of an adopted bundle it names the way back.
    """
    with with_way_back(folder):
        return HeaderModel(open_bundle(folder))
