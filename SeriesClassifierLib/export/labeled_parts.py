"""What people labeled, by part key, as far as an export needs it: on disk, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from SeriesClassifierLib.identity import series_key, series_of
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.spool import OnDisk, plain


@dataclass(frozen=True, slots=True)
class Label:
    """What people said of a part, and in the fields of ``model_`` what the model says of it."""

    study_uid: str
    series_uid: str
    facets: Mapping[str, str]
    user: str
    time: str
    model_bundle: str
    model_sequence: str
    model_confidence: float | None
    model_status: str


class LabeledParts(OnDisk):
    """Add human labels, then look them up. Use as a context manager.

    ``n_without_key`` counts labels of parts that an older version recorded: their images are not known.
    """

    def __init__(self) -> None:
        super().__init__()
        self._labels, self._series = self._disk.table(), self._disk.table()
        self.n_without_key = 0

    def __len__(self) -> int:
        return len(self._labels)

    def extend(self, labels: Iterable[HumanLabel]) -> None:
        """Keep ``labels``; a later one of a part takes the place of an earlier one."""
        for label in labels:
            model = label.model
            if not model.part_key:
                self.n_without_key += 1
                continue
            kept = Label(
                model.study_uid,
                model.series_uid,
                label.facets,
                label.user,
                label.time,
                model.bundle,
                model.sequence,
                model.confidence,
                model.status.value,
            )
            self._labels.set(model.part_key, plain(kept))
            self._series.set(series_key(model.study_uid, model.series_uid), True)

    def label(self, part_key: str) -> Label | None:
        """The label of a part."""
        found = self._labels.get(part_key)
        return None if found is None else Label(**found)

    def has_series(self, study_uid: str, series_uid: str) -> bool:
        """Whether a part of a series has a label."""
        return bool(self._series.get(series_key(study_uid, series_uid), False))

    def series_uids(self) -> Iterator[str]:
        """The SeriesInstanceUIDs of labeled parts; one that several studies use comes several times."""
        return (series_of(key)[1] for key, _ in self._series.items())

    def items(self) -> Iterator[tuple[str, Label]]:
        """Part keys and labels."""
        return ((key, Label(**values)) for key, values in self._labels.items())
