"""Whether a bundle can be used here: its description against the library, and its model on a stored input."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.bundles.bundle import Bundle
from SeriesClassifierLib.bundles.runtime import (
    OUTPUTS,
    feature_positions,
    image_input,
    open_session,
    vectors,
)
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.vocabulary import classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADERS = "headers"
# What a decision cannot be made without.
_NEEDED = {_HEADERS: ("sequence", "region")}
_NEEDED_OF_IMAGES = ("sequence",)
_COLDEST, _HOTTEST = 0.01, 100.0
_EXAMPLE = "data/example_input.json"
# Behind its heads a model may have one more, which only its training used: of the contrast of an image.
TRAINING_HEAD = 4


def check_description(bundle: Bundle) -> None:
    """Raise BundleError when the description names what the library does not know, or lacks what it needs."""
    facets = [head["facet"] for head in bundle.description["heads"]]
    task = bundle.description["task"]
    for facet in facets:
        if facets.count(facet) > 1:
            raise _wrong(bundle, f"it has two heads for {facet}")
        unknown = sorted(set(bundle.facets[facet]) - set(classes(facet)))
        if unknown:
            raise _wrong(bundle, f"the vocabulary has no {facet} {unknown[0]!r}")
    for facet in _NEEDED.get(task, _NEEDED_OF_IMAGES):
        if facet not in facets:
            raise _wrong(bundle, f"it has no head for {facet}")
    for name, temperatures in _temperatures(bundle).items():
        for facet in facets:
            if not _COLDEST <= temperatures.get(facet, math.nan) <= _HOTTEST:
                raise _wrong(
                    bundle, f"{name} of {facet} is missing or not within {_COLDEST:g} to {_HOTTEST:g}"
                )
    for facet in facets:
        _check_thresholds(bundle, facet)
    if task != _HEADERS:
        unknown = sorted(set(bundle.description["scope"]["regions"]) - set(classes("region")))
        if unknown:
            raise _wrong(bundle, f"the vocabulary has no region {unknown[0]!r}")
    if not feature_positions(bundle):
        raise _wrong(bundle, "it uses no header features")


def run_on_example(bundle: Bundle) -> None:
    """Load the model and run it on the stored input, and on headers and stacks with as little as there can
    be. Raises BundleError when it does not run, or gives anything but a finite logit for every class.
    """
    import numpy as np

    session = open_session(bundle, threads=1)
    images = bundle.description["task"] != _HEADERS
    names = list(OUTPUTS) if images else None
    width = sum(len(found) for found in bundle.facets.values())
    position = feature_positions(bundle)
    for features, slices in _examples(bundle, images):
        values, observed = vectors(features, position)
        feeds = {"values": values, "observed": observed}
        if images:
            feeds |= image_input(slices)
        try:
            outputs = session.run(names, feeds)
        except Exception as error:  # onnxruntime raises classes of its own that share no base
            raise _wrong(
                bundle, f"its model does not run on the stored input ({type(error).__name__})"
            ) from error
        for name, logits in zip(OUTPUTS if images else ("logits",), outputs, strict=images):
            found = np.asarray(logits)
            fits = found.shape in ((1, width), (1, width + TRAINING_HEAD * images))
            if not fits or found.dtype != np.float32:
                raise _wrong(
                    bundle,
                    f"output {name} is {found.dtype} of shape {found.shape}, and its heads need float32 of "
                    f"shape {(1, width)}",
                )
            if not np.isfinite(found).all():
                raise _wrong(bundle, f"output {name} is not finite on the stored input")


def _temperatures(bundle: Bundle) -> Mapping[str, Mapping[str, float]]:
    out = {"the temperature": bundle.description["temperature"]}
    if bundle.description["task"] != _HEADERS:
        for name in ("header", "picture"):
            out[f"the temperature of the {name} alone"] = bundle.description["temperature_alone"][name]
    return out


def _check_thresholds(bundle: Bundle, facet: str) -> None:
    limits = bundle.description["thresholds"].get(facet)
    if limits is None:
        raise _wrong(bundle, f"it has no thresholds for {facet}")
    for risk in limits["auto"]:
        try:
            fits = 0 < float(risk) < 1
        except ValueError:
            fits = False
        if not fits:
            raise _wrong(bundle, f"a threshold of {facet} is for the risk {risk!r}, not within 0 to 1")


def _examples(bundle: Bundle, images: bool) -> list[tuple[Mapping[str, float], NDArray[np.uint8]]]:
    """(features, slices (S, side, side)): as many slices as the bundle takes, then one without a header."""
    import numpy as np

    features, stored = _example()
    if not images:
        nothing: NDArray[np.uint8] = np.zeros((0, 0, 0), np.uint8)
        return [(features, nothing), ({}, nothing)]
    wanted = bundle.description["preprocessing"]
    side, count = int(wanted["side"]), int(wanted["slices"])
    slices = np.stack([prepare(stored[index % len(stored)], side) for index in range(count)])
    return [(features, slices), ({}, slices[:1])]


@cache
def _example() -> tuple[Mapping[str, float], NDArray[np.uint8]]:
    """Header features and slices (S, rows, columns) of a simulated series, made in ``Testing/support``."""
    import numpy as np

    content: Any = json.loads(files("SeriesClassifierLib").joinpath(_EXAMPLE).read_text(encoding="utf-8"))
    slices = np.frombuffer(base64.b64decode(content["slices"]), np.uint8).reshape(content["shape"])
    return content["features"], slices


def _wrong(bundle: Bundle, what: str) -> BundleError:
    return BundleError(f"bundle {bundle.name} does not fit this version: {what}: rebuild it")
