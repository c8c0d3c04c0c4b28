"""A part as one volume in the patient system: full resolution, full intensity, true distances of slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.images.pixels import stored_frame
from SeriesClassifierLib.images.repetitions import first_repetition
from SeriesClassifierLib.parts.slice_places import slice_places
from SeriesClassifierLib.records import Instance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Scanners round positions: a slice is where it should be when it is off by less than this (mm), or than this
# share of the distance between slices. One percent for itself, and one for the slices that it is compared
# with.
_NEAR_MM = 0.01
_NEAR_SHARE = 0.02
# Cosines of one orientation, and spacings, differ by less: files write six digits.
_SAME = 1e-4
# Axes that are off by more than this have no length of one, or are not perpendicular.
_ORTHONORMAL = 0.01
# 512 MB in 32 bits; whoever writes the volume needs them twice.
_MOST_VOXELS = 2**27
# NIfTI-1 counts in 16 bits.
_LONGEST = 2**15 - 1
# Whole factors below this cannot exceed 64 bits with a stored value.
_MOST_WHOLE = 2.0**30


class NoVolume(Enum):
    """Why the images of a part are no regular volume, as it is shown to people after "no volume: "."""

    NO_IMAGES = "no images"
    NO_POSITION = "no usable position, orientation or pixel spacing"
    ORIENTATIONS = "several orientations"
    SPACINGS = "several pixel spacings"
    SIZES = "several image sizes"
    UNEVEN = "slices missing or unevenly spaced"
    SHEARED = "slices shifted within their plane"
    REPETITIONS = "slices missing in every repetition"
    MOSAIC = "several slices in one image (mosaic)"
    COLOR = "color images"
    NOT_FINITE = "pixel values that are not finite"
    TOO_LARGE = "too large"
    UNREADABLE = "pixels cannot be decoded"


@dataclass(frozen=True)
class Geometry:
    """Where a volume lies (LPS, mm): ``direction`` has the axes of columns, rows and slices as its columns,
    row by row. ``images`` are the slices in order, ``repetitions`` the most images of one position.
    """

    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    direction: tuple[float, ...]
    images: tuple[Instance, ...]
    repetitions: int


@dataclass(frozen=True)
class _Plane:
    """What all images of a stack share: ``axes`` are those of columns, rows and slices (columns of 3 x 3),
    ``spacing`` the distances of columns and of rows (mm).
    """

    axes: NDArray[np.float64]
    spacing: tuple[float, float]


def geometry(instances: Sequence[Instance]) -> Geometry | NoVolume:
    """The geometry of a stack of images in any order, or why there is none.

    Of slices that are there several times (a time series, diffusion directions) the first complete repetition
    is taken, by InstanceNumber.
    """
    if not instances:
        return NoVolume.NO_IMAGES
    if any("MOSAIC" in i.tokens("ImageType") for i in instances):
        return NoVolume.MOSAIC
    ordered = sorted(instances, key=lambda i: (i.number("InstanceNumber") or 0.0, i.path, i.frame))
    plane = _plane(ordered)
    if isinstance(plane, NoVolume):
        return plane
    slices = slice_places(ordered)
    if slices is None:
        return NoVolume.NO_POSITION
    if _apart_in_plane(ordered, slices, plane):
        return NoVolume.SHEARED
    chosen = first_repetition(ordered, slices)
    if chosen is None:
        return NoVolume.REPETITIONS
    return _stack([ordered[k] for k in chosen], plane, max(Counter(slices).values()))


def _plane(images: Sequence[Instance]) -> _Plane | NoVolume:
    """The axes and pixel spacing that all images share, or why they share none."""
    import numpy as np

    orientations = [i.numbers("ImageOrientationPatient") for i in images]
    positions = [i.numbers("ImagePositionPatient") for i in images]
    spacings = [i.numbers("PixelSpacing") for i in images]
    if not (_usable(orientations, 6) and _usable(positions, 3) and _usable(spacings, 2)):
        return NoVolume.NO_POSITION
    if np.ptp(np.array(orientations), axis=0).max() > _SAME:
        return NoVolume.ORIENTATIONS
    if np.ptp(np.array(spacings), axis=0).max() > _SAME:
        return NoVolume.SPACINGS
    if any(len({i.number(name) for i in images}) > 1 for name in ("Rows", "Columns")):
        return NoVolume.SIZES
    axes = _axes(np.array(orientations[0]))
    if axes is None or min(spacings[0]) <= 0:
        return NoVolume.NO_POSITION
    return _Plane(axes, (spacings[0][1], spacings[0][0]))


def _usable(values: Sequence[tuple[float, ...]], n: int) -> bool:
    import numpy as np

    return all(len(value) == n for value in values) and bool(np.isfinite(np.array(values)).all())


def _axes(cosines: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Exactly perpendicular axes of length one, which NIfTI asks for; None when ``cosines`` are none."""
    import numpy as np

    row, column = cosines[:3], cosines[3:]
    off = (np.linalg.norm(row) - 1, np.linalg.norm(column) - 1, row @ column)
    if max(abs(float(value)) for value in off) > _ORTHONORMAL:
        return None
    row = row / np.linalg.norm(row)
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    return np.stack([row, column, np.cross(row, column)], axis=1)


def _apart_in_plane(images: Sequence[Instance], slices: Sequence[int], plane: _Plane) -> bool:
    """Whether images of one slice show different regions, by more than a patient who moved explains: then
    they are no repetitions of each other.
    """
    import numpy as np

    within = _positions(images) @ plane.axes[:, :2]
    first = {place: k for k, place in reversed(list(enumerate(slices)))}
    off = np.linalg.norm(within - within[[first[place] for place in slices]], axis=1)
    return bool(off.max() > _extent(images[0]))


def _stack(images: Sequence[Instance], plane: _Plane, repetitions: int) -> Geometry | NoVolume:
    """The geometry of images in the order of slices, one of each, if they are evenly spaced."""
    import numpy as np

    positions, n = _positions(images), len(images)
    normal = plane.axes[:, 2]
    heights = (positions - positions[0]) @ normal
    step = float(heights[-1]) / (n - 1) if n > 1 else _extent(images[0])
    near = max(_NEAR_MM, _NEAR_SHARE * step)
    if np.abs(heights - step * np.arange(n)).max() > near:
        return NoVolume.UNEVEN
    within = positions - positions[0] - np.outer(heights, normal)
    if np.linalg.norm(within, axis=1).max() > near:
        return NoVolume.SHEARED
    return Geometry(
        origin=(float(positions[0][0]), float(positions[0][1]), float(positions[0][2])),
        spacing=(*plane.spacing, step),
        direction=tuple(float(v) for v in plane.axes.ravel()),
        images=tuple(images),
        repetitions=repetitions,
    )


def _positions(images: Sequence[Instance]) -> NDArray[np.float64]:
    import numpy as np

    return np.array([i.numbers("ImagePositionPatient") for i in images])


def _extent(image: Instance) -> float:
    """How thick a slice is, or how far from its neighbor (mm), as its header states it."""
    found = (image.number(name) for name in ("SpacingBetweenSlices", "SliceThickness"))
    return next((value for value in found if value is not None and value > 0), 1.0)


def voxels(images: Sequence[Instance]) -> NDArray[Any] | NoVolume:
    """Values of all slices (slices x rows x columns), rescale slope and intercept applied: int16 where that
    loses nothing, else int32 or float32. Raises whatever a decoder raises on broken pixels.
    """
    import numpy as np

    values: NDArray[Any] = np.zeros((0, 0, 0), np.int32)
    for k, image in enumerate(images):
        stored = stored_frame(image.path, image.frame)
        if stored.ndim != 2:
            return NoVolume.COLOR
        if k == 0:
            if stored.size * len(images) > _MOST_VOXELS or max(*stored.shape, len(images)) > _LONGEST:
                return NoVolume.TOO_LARGE
            values = np.zeros((len(images), *stored.shape), np.int32)
        elif stored.shape != values.shape[1:]:
            return NoVolume.SIZES
        scaled = _rescaled(stored, image)
        if not np.isfinite(scaled).all():
            return NoVolume.NOT_FINITE
        if values.dtype != np.float32 and not _fits(scaled, np.int32):
            values = values.astype(np.float32)
        values[k] = scaled
    return values.astype(np.int16) if _fits(values, np.int16) else values


def _rescaled(stored: NDArray[Any], image: Instance) -> NDArray[Any]:
    """In 64 bits where everything is whole, else in 32."""
    import numpy as np

    slope, intercept = image.number("RescaleSlope"), image.number("RescaleIntercept") or 0.0
    if slope is None:
        slope, intercept = 1.0, 0.0
    whole = all(value.is_integer() and abs(value) < _MOST_WHOLE for value in (slope, intercept))
    if whole and stored.dtype.kind in "iu":
        return stored.astype(np.int64) * int(slope) + int(intercept)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then is no volume
        return (stored * np.float64(slope) + intercept).astype(np.float32)


def _fits(values: NDArray[Any], kind: type[np.signedinteger[Any]]) -> bool:
    """Whether whole numbers fit; others never do."""
    import numpy as np

    if values.dtype.kind != "i":
        return False
    return bool(np.iinfo(kind).min <= values.min() and values.max() <= np.iinfo(kind).max)
