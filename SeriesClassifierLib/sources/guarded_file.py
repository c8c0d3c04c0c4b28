"""A file for pydicom that ends a reading which leads nowhere: zeros without end, or lengths that claim
gigabytes.
"""

from __future__ import annotations

from typing import BinaryIO

# A longer element is passed over; none that we want is.
LONGEST_VALUE = 1 << 24
# More than the header of any multi-frame image.
_MOST_BYTES = 1 << 28
# Zeros look like one empty element after the other; images have no more empty items than this in a row.
_MOST_REPEATS = 4096
_HEADER = 8


class EndlessHeaderError(Exception):
    """The header of a file does not end within the limits."""


class GuardedFile:
    """What pydicom needs of a file opened for reading. It has no name, so that nothing opens it again."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek = file.seek
        self.tell = file.tell
        self._read = file.read
        self._left = _MOST_BYTES
        self._last = b""
        self._repeats = 0

    def read(self, size: int = -1) -> bytes:
        """As of any file. Raises EndlessHeaderError where a limit is passed."""
        data = self._read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise EndlessHeaderError
        if 0 < len(data) <= _HEADER:
            if not self._last.startswith(data):  # a look ahead reads less of the same
                self._last, self._repeats = data, 0
            else:
                self._repeats += 1
                if self._repeats > _MOST_REPEATS:
                    raise EndlessHeaderError
        return data
