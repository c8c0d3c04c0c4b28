"""Many texts searched at once: the time depends on what is searched, hardly on how many texts there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

SHORTEST = 4
_BITS = 22
_CHUNK = 1 << 22
_MIX = np.uint32(0x9E3779B1)


class Needles:
    """A set of byte strings of at least 4 bytes each; shorter ones are left out.

    Every window of four bytes is looked up in a table of the first four bytes of all needles, in one pass;
    only where one fits, the longer pieces from there are looked up in the set.
    """

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._needles = frozenset(needle for needle in needles if len(needle) >= SHORTEST)
        lengths: dict[bytes, set[int]] = defaultdict(set)
        for needle in self._needles:
            lengths[needle[:SHORTEST]].add(len(needle))
        self._lengths = {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}
        self._table = np.zeros(1 << _BITS, dtype=bool)
        if self._lengths:
            self._table[_places(b"".join(self._lengths))[::SHORTEST]] = True

    def __len__(self) -> int:
        return len(self._needles)

    def find(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """(start, needle) of all needles in ``data``, overlapping ones included, by start."""
        if not self._needles:
            return
        for start in range(0, len(data), _CHUNK):
            piece = data[start : start + _CHUNK + SHORTEST - 1]
            if len(piece) < SHORTEST:
                return
            for place in np.flatnonzero(self._table[_places(piece)]).tolist():
                yield from self._at(data, start + place)

    def _at(self, data: bytes, place: int) -> Iterator[tuple[int, bytes]]:
        for length in self._lengths.get(data[place : place + SHORTEST], ()):
            needle = data[place : place + length]
            if needle in self._needles:
                yield place, needle


def _places(data: bytes) -> NDArray[np.uint32]:
    """Where each window of four bytes stands in the table."""
    raw = np.frombuffer(data, dtype=np.uint8).astype(np.uint32)
    windows = (
        raw[:-3] | (raw[1:-2] << np.uint32(8)) | (raw[2:-1] << np.uint32(16)) | (raw[3:] << np.uint32(24))
    )
    mixed: NDArray[np.uint32] = (windows * _MIX) >> np.uint32(32 - _BITS)
    return mixed
