"""One picture as models see it: square, small, 8 bits. Training and inference share this code.

A bundle stores the side it was trained with; everything else here is fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Brighter and darker than these percentiles carries no contrast: hot pixels, flow, burned-in marks.
_WINDOW = (0.5, 99.5)


def prepare(image: NDArray[np.floating] | NDArray[np.integer], side: int) -> NDArray[np.uint8]:
    """``image`` (rows, columns), any scale, as (side, side) grey levels between its 0.5th and
    99.5th percentile.

    The whole field of view is kept: the shorter side is padded with the darkest grey, then the square is
    resized with antialiasing. Values that are not finite count as darkest; a constant picture becomes black.
    """
    import numpy as np
    from PIL import Image

    pixels = np.asarray(image, dtype=np.float32)
    finite = np.isfinite(pixels)
    values = pixels if finite.all() else pixels[finite]
    if not values.size:
        return np.zeros((side, side), np.uint8)
    low, high = (float(v) for v in np.percentile(values, _WINDOW))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.zeros((side, side), np.uint8)
    scaled = np.clip((np.where(finite, pixels, low) - low) * (255.0 / (high - low)), 0.0, 255.0)
    square = Image.fromarray(_square(scaled.astype(np.float32)))
    resized = square.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(np.rint(np.asarray(resized)), dtype=np.uint8)


def _square(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Padded with zeros to a square, the picture in the middle."""
    import numpy as np

    rows, columns = pixels.shape
    size = max(rows, columns)
    out = np.zeros((size, size), np.float32)
    top, left = (size - rows) // 2, (size - columns) // 2
    out[top : top + rows, left : left + columns] = pixels
    return out
