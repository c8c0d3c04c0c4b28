"""Predictions kept on disk between labelling and publishing, so that memory stays flat however many there
are.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

from SeriesClassifierLib.journal.events import dump_prediction, load_prediction
from SeriesClassifierLib.publish.table import sort_key
from SeriesClassifierLib.records import Prediction


class PredictionSpool:
    """Append predictions, then iterate over them as often as needed. Use as a context manager."""

    def __init__(self) -> None:
        # Lives as long as the spool, which closes it.
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115
        self._size = 0

    def __enter__(self) -> PredictionSpool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._size

    def extend(self, predictions: Iterable[Prediction]) -> None:
        """Add predictions behind those already there."""
        for prediction in predictions:
            self._file.write(dump_prediction(prediction) + "\n")
            self._size += 1

    def __iter__(self) -> Iterator[Prediction]:
        self._file.flush()
        # A second handle of the same file would share its position: every iteration keeps its own place.
        position = 0
        while True:
            self._file.seek(position)
            line = self._file.readline()
            position = self._file.tell()
            if not line:
                return
            yield load_prediction(line)


class MergedSpools:
    """Several spools, each in table order, as one iterable in table order."""

    def __init__(self, spools: Sequence[PredictionSpool]) -> None:
        self._spools = spools

    def __iter__(self) -> Iterator[Prediction]:
        return heapq.merge(*self._spools, key=sort_key)

    def __len__(self) -> int:
        return sum(len(spool) for spool in self._spools)
