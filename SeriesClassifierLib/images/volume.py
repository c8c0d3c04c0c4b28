"""A part as one volume in the patient system: full resolution, full intensity, true distances of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from SeriesClassifierLib.images.pixels import stored_frame
from SeriesClassifierLib.records import Instance

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Positions this near (mm, or this share of the distance between slices) are where they should be: scanners
# round them.
_NEAR_MM = 0.01
_NEAR_SHARE = 0.01
# Cosines of one orientation differ by less: files write six digits.
_SAME_DIRECTION = 1e-4


class NoVolume(Enum):
    """Why the images of a part are no regular volume."""

    NO_IMAGES = "no images"
    NO_POSITION = "no position, orientation or pixel spacing"
    ORIENTATIONS = "several orientations"
    SPACINGS = "several pixel spacings"
    SIZES = "several image sizes"
    UNEVEN = "slices missing or unevenly spaced"
    SHEARED = "slices shifted within their plane"
    MOSAIC = "a mosaic of slices in one image"
    COLOR = "not one grey value a pixel"


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


def geometry(instances: Sequence[Instance]) -> Geometry | NoVolume:
    """The geometry of a stack of images in any order, or why there is none.

    Of images of one position (a time series, diffusion directions) the first is taken, by InstanceNumber.
    """
    import numpy as np

    if not instances:
        return NoVolume.NO_IMAGES
    if any("MOSAIC" in i.tokens("ImageType") for i in instances):
        return NoVolume.MOSAIC
    ordered = sorted(instances, key=lambda i: (i.number("InstanceNumber") or 0.0, i.path, i.frame))
    cosines = [i.numbers("ImageOrientationPatient") for i in ordered]
    places = [i.numbers("ImagePositionPatient") for i in ordered]
    pixels = [i.numbers("PixelSpacing") for i in ordered]
    if not _complete(cosines, 6) or not _complete(places, 3) or not _complete(pixels, 2):
        return NoVolume.NO_POSITION
    if np.ptp(np.array(cosines), axis=0).max() > _SAME_DIRECTION:
        return NoVolume.ORIENTATIONS
    if np.ptp(np.array(pixels), axis=0).max() > _SAME_DIRECTION:
        return NoVolume.SPACINGS
    row, column = np.array(cosines[0][:3]), np.array(cosines[0][3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(pixels[0]) <= 0 or abs(lengths[0] - 1) > 0.01 or abs(lengths[1] - 1) > 0.01:
        return NoVolume.NO_POSITION
    normal = np.cross(row, column)
    if abs(np.linalg.norm(normal) - 1) > 0.01:
        return NoVolume.NO_POSITION
    heights = np.array(places) @ normal
    order = np.argsort(heights, kind="stable")
    stacks: list[list[int]] = []
    for k in (int(k) for k in order):
        if stacks and heights[k] - heights[stacks[-1][0]] <= _NEAR_MM:
            stacks[-1].append(k)
        else:
            stacks.append([k])
    chosen = [min(stack) for stack in stacks]
    line = np.array([places[k] for k in chosen])
    along = heights[chosen]
    n = len(chosen)
    step = float(along[-1] - along[0]) / (n - 1) if n > 1 else _thickness(ordered[0])
    near = max(_NEAR_MM, _NEAR_SHARE * step)
    if np.abs(along - along[0] - step * np.arange(n)).max() > near:
        return NoVolume.UNEVEN
    off = line - line[0] - np.outer(along - along[0], normal)
    if np.linalg.norm(off, axis=1).max() > near:
        return NoVolume.SHEARED
    return Geometry(
        origin=(float(line[0][0]), float(line[0][1]), float(line[0][2])),
        spacing=(pixels[0][1], pixels[0][0], step),
        direction=tuple(float(v) for v in np.stack([row, column, normal], axis=1).ravel()),
        images=tuple(ordered[k] for k in chosen),
        repetitions=max(len(stack) for stack in stacks),
    )


def voxels(images: Sequence[Instance]) -> NDArray[Any] | NoVolume:
    """Values of all slices (slices x rows x columns), rescale slope and intercept applied: int16 where that
    loses nothing, else int32 or float32. Raises whatever a decoder raises on broken pixels.
    """
    import numpy as np

    slices: list[NDArray[Any]] = []
    for image in images:
        stored = stored_frame(image.path, image.frame)
        if stored.ndim != 2:
            return NoVolume.COLOR
        if slices and stored.shape != slices[0].shape:
            return NoVolume.SIZES
        slope, intercept = _rescale(image)
        if slope == int(slope) and intercept == int(intercept):
            slices.append(stored.astype(np.int64) * int(slope) + int(intercept))
        else:
            slices.append(stored * np.float64(slope) + intercept)
    stack = np.stack(slices)
    if stack.dtype == np.int64:
        for kind in (np.int16, np.int32):
            if np.iinfo(kind).min <= stack.min() and stack.max() <= np.iinfo(kind).max:
                return stack.astype(kind)
    return stack.astype(np.float32)


def _complete(values: Sequence[tuple[float, ...]], n: int) -> bool:
    return all(len(value) == n for value in values)


def _thickness(image: Instance) -> float:
    """The extent of a slice that has no neighbor (mm)."""
    found = (image.number(name) for name in ("SpacingBetweenSlices", "SliceThickness"))
    return next((value for value in found if value is not None and value > 0), 1.0)


def _rescale(image: Instance) -> tuple[float, float]:
    """RescaleSlope and RescaleIntercept of the image or of its frame; (1, 0) where there are none."""
    import pydicom

    header: Any = pydicom.dcmread(image.path, stop_before_pixels=True, force=True)
    places = [header]
    for name, k in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", image.frame)):
        for group in list(header.get(name) or [])[k : k + 1]:
            places += list(group.get("PixelValueTransformationSequence") or [])[:1]
    slope, intercept = 1.0, 0.0
    for place in places:
        if place.get("RescaleSlope") is not None:
            slope, intercept = float(place.RescaleSlope), float(place.get("RescaleIntercept") or 0.0)
    return slope, intercept
