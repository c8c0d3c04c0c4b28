"""Runs a bundle that sees pictures with onnxruntime: features and slices in, three calibrated answers out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.bundles.adopted import with_way_back
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle
from SeriesClassifierLib.bundles.check import check_description
from SeriesClassifierLib.bundles.runtime import (
    OUTPUTS,
    Probabilities,
    feature_positions,
    image_input,
    open_session,
    read_logits,
    vectors,
)
from SeriesClassifierLib.errors import BundleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ThreeAnswers:
    """Facet -> class -> calibrated probability, from the header alone, the image alone, and both, by the
    bundle of ``task``.
    """

    header: Probabilities
    picture: Probabilities
    joint: Probabilities
    task: str


class PictureModel:
    """A loaded bundle of picture and header. Parts run one at a time: a result has no neighbors.

    The graph takes ``slices`` (1, S, side, side) in 0..1, ``slice_mask`` (1, S), ``values`` and ``observed``
    (1, F), and gives the logits of all facets side by side, one output for each of OUTPUTS.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError when the bundle sees no images, does not load, or does not fit this version (its
        classes, thresholds or features).
        """
        if bundle.description["task"] == "headers":
            raise BundleError(f"bundle {bundle.name} sees no pictures: name another picture bundle")
        check_description(bundle)
        self.bundle = bundle
        self.slices = int(bundle.description["preprocessing"]["slices"])
        self.side = int(bundle.description["preprocessing"]["side"])
        self._position = feature_positions(bundle)
        self._session = open_session(bundle)

    @property
    def task(self) -> str:
        """The task of the bundle."""
        return str(self.bundle.description["task"])

    @property
    def regions(self) -> frozenset[str]:
        """Where the task's classes apply."""
        return frozenset(self.bundle.description["scope"]["regions"])

    def answers(self, features: Mapping[str, float], slices: NDArray[np.uint8]) -> ThreeAnswers:
        """The three answers for a part. ``slices`` is (S, side, side), S at least 1."""
        values, observed = vectors(features, self._position)
        outputs = self._session.run(
            list(OUTPUTS),
            {**image_input(slices), "values": values, "observed": observed},
        )
        temperatures = self.bundle.description["temperature_alone"]
        temperatures = {**temperatures, "joint": self.bundle.description["temperature"]}
        header, picture, joint = (
            read_logits(self.bundle, logits[0].tolist(), temperatures[name])
            for name, logits in zip(OUTPUTS, outputs, strict=True)
        )
        return ThreeAnswers(header, picture, joint, self.task)


@cache
def load_picture_model(folder: Path) -> PictureModel:
    """The model of a bundle folder, opened and checked once a process.

    Raises BundleError; of an adopted bundle it names the way back.
    """
    with with_way_back(folder):
        return PictureModel(open_bundle(folder))
