"""Predictions kept on disk between labeling and publishing, in table order: memory stays flat however many
there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from SeriesClassifierLib.journal.events import dump_prediction, load_prediction
from SeriesClassifierLib.publish.table import sort_key
from SeriesClassifierLib.records import Prediction
from SeriesClassifierLib.spool import OnDisk


class PredictionSpool(OnDisk):
    """Add predictions in any order, then iterate over them in table order as often as needed. Use as a
    context manager. Their images are not kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept = self._disk.spool(4)

    def __len__(self) -> int:
        return len(self._kept)

    def extend(self, predictions: Iterable[Prediction], source: int = 0) -> None:
        """Add predictions of a source, by its number."""
        for prediction in predictions:
            self._kept.add(sort_key(prediction), dump_prediction(prediction), source)

    def __iter__(self) -> Iterator[Prediction]:
        return map(load_prediction, self._kept)

    def of(self, source: int) -> Iterator[Prediction]:
        """Those of one source, in table order."""
        return map(load_prediction, self._kept.of(source))
