"""A body that remembers what it was asked last: the series of a study often look at the same places."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike, NDArray

from SeriesClassifierLib.simulation.views import BodyLike, Floats

# Stacks of a few slices each. Time points, echoes and b-values look at a whole volume again and again.
_KEPT = 64


class RememberedBody:
    """``body`` with its last answers kept. What it returns is shared: not to be written to."""

    def __init__(self, body: BodyLike) -> None:
        self._body = body
        self._labels: OrderedDict[bytes, NDArray[Any]] = OrderedDict()
        self._texture: OrderedDict[bytes, NDArray[Any]] = OrderedDict()

    @property
    def region(self) -> str:
        """As the body's."""
        return self._body.region

    @property
    def sex(self) -> str:
        """As the body's; empty when it has none."""
        return str(getattr(self._body, "sex", ""))

    @property
    def center(self) -> ArrayLike:
        """As the body's."""
        return self._body.center

    @property
    def size(self) -> ArrayLike:
        """As the body's."""
        return self._body.size

    def labels(self, points: Floats) -> NDArray[Any]:
        """Tissue indices, uint8 (...), at ``points`` (..., 3)."""
        return _remembered(self._labels, self._body.labels, points)

    def texture(self, points: Floats) -> NDArray[Any]:
        """Structure, float32 (...), at ``points`` (..., 3)."""
        return _remembered(self._texture, self._body.texture, points)


def _remembered(
    kept: OrderedDict[bytes, NDArray[Any]], compute: Callable[[Floats], NDArray[Any]], points: Floats
) -> NDArray[Any]:
    key = hashlib.blake2b(points.tobytes(), digest_size=16, person=str(points.shape).encode()[:16]).digest()
    found = kept.pop(key, None)
    if found is None:
        found = compute(points)
        found.flags.writeable = False
    kept[key] = found
    if len(kept) > _KEPT:
        kept.popitem(last=False)
    return found
