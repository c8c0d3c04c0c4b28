"""Which parts were acquired alike, however many there are: families of one protocol."""

from __future__ import annotations

import json

from SeriesClassifierLib.headers.protocol import Protocol, places, same_protocol, tells_enough
from SeriesClassifierLib.spool import Disk


class Families:
    """Numbers the families of parts as they come.

    Each part joins the first family whose first part has the same protocol, so that 100,000 parts need no
    comparison of all with all; the result follows the order in which they come.
    """

    def __init__(self, disk: Disk) -> None:
        self._number_of = disk.table()
        self._heads = disk.table()
        self._size = 0

    def number(self, protocol: Protocol) -> int | None:
        """The family of a part with this protocol, a new one if need be; None where it tells too little."""
        if not tells_enough(protocol):
            return None
        exact = acquisition(protocol)
        known: int | None = self._number_of.get(exact)
        if known is not None:
            return known
        number = self._find(protocol)
        self._number_of.set(exact, number)
        return number

    def _find(self, protocol: Protocol) -> int:
        near = places(protocol)
        found: list[int] = [
            number
            for place in near
            for number, head in self._heads.get(place, ())
            if same_protocol(head, protocol)
        ]
        if found:
            return min(found)
        self._size += 1
        self._heads.set(near[0], [*self._heads.get(near[0], ()), (self._size, dict(protocol))])
        return self._size


def acquisition(protocol: Protocol) -> str:
    """A text that is equal for equal protocols, whatever they are called."""
    return json.dumps({name: value for name, value in protocol.items() if name != "words"}, sort_keys=True)
