"""The few slices of a part that a model sees, read and prepared."""

from __future__ import annotations

import logging
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from SeriesClassifierLib.images.decoder import UndecodableError
from SeriesClassifierLib.images.pixel_module import NoPictureError
from SeriesClassifierLib.images.pixels import read_frame
from SeriesClassifierLib.images.preprocess import prepare
from SeriesClassifierLib.parts.geometry import in_slice_order, place_key
from SeriesClassifierLib.parts.image_gate import is_picture
from SeriesClassifierLib.records import Instance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# After so many crashes, hangs or lies of a part the other slices are not tried.
_MOST_FATAL = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Slices:
    """Prepared slices of one part, (S, side, side) grey levels in slice order.

    ``problems`` says in words which of the chosen images could not be used; S is 0 when none could.
    ``fatal`` is set when none could because a decoder crashed, hung or refused, ``fatal_path`` is its file.
    """

    pixels: NDArray[np.uint8]
    problems: tuple[str, ...] = ()
    fatal: UndecodableError | None = None
    fatal_path: str = ""


def choose(instances: Sequence[Instance], n: int) -> list[Instance]:
    """At most ``n`` images at equidistant slice positions, in slice order, one a position; none that the gate
    refuses (``parts.image_gate``), for those may hold text.

    Of several images of one position (volumes of a time series) the one in the middle is taken. With
    ``n`` = 1 it is the image at floor(positions / 2) - 1, as in Krishnaswamy et al. (2024).
    """
    ordered = in_slice_order([instance for instance in instances if is_picture(instance)])
    places: dict[tuple[float, ...] | int, list[Instance]] = {}
    for index, instance in enumerate(ordered):
        places.setdefault(place_key(instance) or index, []).append(instance)
    stack = [images[len(images) // 2] for images in places.values()]
    if n == 1:
        return [stack[max(0, len(stack) // 2 - 1)]] if stack else []
    if len(stack) <= n:
        return stack
    return [stack[int((k + 0.5) * len(stack) / n)] for k in range(n)]


def read_slices(instances: Sequence[Instance], n: int, side: int) -> Slices:
    """Read and prepare the chosen slices. Never raises for what a file contains."""
    import numpy as np

    pictures: list[NDArray[np.uint8]] = []
    problems: dict[str, int] = {}
    fatal: list[tuple[UndecodableError, str]] = []
    for instance, frame in _frames(choose(instances, n)):
        try:
            pictures.append(prepare(frame.result(), side))
        except NoPictureError as error:
            problems[str(error)] = problems.get(str(error), 0) + 1
        except UndecodableError as error:
            problems[str(error)] = problems.get(str(error), 0) + 1
            if error.kind.is_fatal:
                fatal.append((error, instance.path))
                if len(fatal) == _MOST_FATAL and not pictures:
                    break
        except MemoryError:
            problems["image is too large"] = problems.get("image is too large", 0) + 1
        except Exception as error:  # whatever a decoder raises on broken pixels is this slice's result
            logger.debug("a slice was left out: %s", type(error).__name__)
            reason = f"pixels cannot be decoded ({type(error).__name__})"
            problems[reason] = problems.get(reason, 0) + 1
    stacked = np.stack(pictures) if pictures else np.zeros((0, side, side), np.uint8)
    texts = tuple(f"{reason}, {count} of the slices" for reason, count in problems.items())
    return Slices(stacked, texts, *(fatal[0] if fatal and not pictures else ()))


def _frames(images: Sequence[Instance]) -> Iterator[tuple[Instance, Future[NDArray[np.float64]]]]:
    """Each image with its pixels to come: the next one is decoded while one is prepared."""
    coming: deque[tuple[Instance, Future[NDArray[np.float64]]]] = deque()
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=1) as reader:
        warnings.simplefilter("ignore")
        for image in images:
            coming.append((image, reader.submit(read_frame, image.path, image.frame)))
            if len(coming) > 1:
                yield coming.popleft()
        yield from coming
