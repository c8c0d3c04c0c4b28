"""The current labels and their corrections: the journal, as the window reads and writes it.

The journal is a file of our own (SQLite), so it may be open here while the worker writes to it; the database
of Slicer may not, and is not.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from SeriesClassifierApp import LabelNews
from SeriesClassifierApp.Sources import NOTHING, Source

_MOST_UNDO = 200
# So many are one transaction: enough to be quick, few enough to be short.
_AT_ONCE = 20

# A series and one of its parts, or None for all of them, by the keys that the rows of the worker have.
Chosen = tuple[str, str | None]


@dataclass
class _Step:
    """Corrections that were made as one act, here and for the command line."""

    done: list[Chosen]
    act: str = field(default_factory=lambda: str(uuid.uuid4()))


def _labels(journal: Any, chosen: Chosen) -> list[Any]:
    """The labels of a series, or of one of its parts."""
    from SeriesClassifierLib.identity import series_of
    from SeriesClassifierLib.publish.series_row import part_row_key

    studyUID, seriesUID = series_of(chosen[0])
    found = journal.current_series(seriesUID, studyUID)
    return [p for p in found if chosen[1] in (None, part_row_key(p))]


class SourceLabels:
    """The labels of one source: work that began with it ends with it, whatever is shown by then."""

    def __init__(self, source: Source, user: str) -> None:
        self.source = source
        self._user = user
        self._journal: Any = None
        self._steps: list[_Step] = []
        self._nUnderWay = 0
        self._isLeft = False

    @property
    def canUndo(self) -> bool:
        """Whether a correction can be undone."""
        return any(step.done for step in self._steps)

    def isHuman(self, key: str, part: str | None) -> bool:
        """Whether a person labeled a part (None: any part of the series)."""
        return any(p.status.value == "corrected" for p in self.predictions([(key, part)]))

    def leave(self) -> None:
        """Another source is shown: close the file as soon as nothing is under way."""
        self._isLeft = True
        if not self._nUnderWay:
            self.close()

    def come(self) -> None:
        """This one is shown again."""
        self._isLeft = False

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def rows(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """The rows of series as they stand now, in the shape in which the worker sends them."""
        from SeriesClassifierLib.publish.series_row import series_rows

        return [row.as_json() for key in keys for row in series_rows(self.predictions([(key, None)]))]

    def rowsOf(self, seriesUID: str) -> list[dict[str, Any]]:
        """The rows of all series of this UID: studies that were copied may share one."""
        from SeriesClassifierLib.publish.series_row import series_rows

        journal = self._readable()
        if journal is None:
            return []
        return [row.as_json() for row in series_rows(journal.current_series(seriesUID))]

    def predictions(self, chosen: Iterable[Chosen]) -> list[Any]:
        """The labels of series and parts."""
        journal = self._readable()
        return [p for one in chosen for p in _labels(journal, one)] if journal is not None else []

    def correct(
        self,
        chosen: Sequence[Chosen],
        facets: Mapping[str, str],
        note: str = "",
        done: list[Chosen] | None = None,
    ) -> Iterator[None]:
        """Say what all ``chosen`` (series, part or None for all parts) are, in slices: one step for undo.

        ``done`` gets what was corrected.
        """
        return self._underWay(self._writing([(facets, chosen)], note, self._newStep(done)))

    def accept(
        self, chosen: Sequence[Chosen], note: str = "", done: list[Chosen] | None = None
    ) -> Iterator[None]:
        """Confirm what ``chosen`` are said to be, but those without an answer. ``done`` gets the others."""
        return self._underWay(self._accepting(chosen, note, self._newStep(done)))

    def undo(self, found: list[str]) -> Iterator[None]:
        """Revert the last step; ``found`` gets the keys of the series it was about."""
        while self._steps and not self._steps[-1].done:  # accepted where there was nothing to accept
            self._steps.pop()
        return self._underWay(self._undoing(self._steps.pop() if self._steps else None, found))

    def _accepting(self, chosen: Sequence[Chosen], note: str, step: _Step) -> Iterator[None]:
        from SeriesClassifierLib.publish.series_row import part_row_key
        from SeriesClassifierLib.records import UNKNOWN
        from SeriesClassifierLib.vocabulary import FACETS

        journal = self._writable()
        # By what is accepted, for one transaction is about one set of classes.
        groups: dict[tuple[tuple[str, str], ...], list[Chosen]] = {}
        for key, part in chosen:
            for prediction in _labels(journal, (key, part)):
                if prediction.sequence != UNKNOWN:
                    said = ((facet, getattr(prediction, facet)) for facet in FACETS)
                    facets = tuple((facet, value) for facet, value in said if value != UNKNOWN)
                    groups.setdefault(facets, []).append((key, part_row_key(prediction)))
            yield
        yield from self._writing([(dict(facets), some) for facets, some in groups.items()], note, step)

    def _writing(
        self,
        groups: Iterable[tuple[Mapping[str, str], Sequence[Chosen]]],
        note: str,
        step: _Step,
    ) -> Iterator[None]:
        journal = self._writable()
        for facets, chosen in groups:
            for start in range(0, len(chosen), _AT_ONCE):
                labels = {one: _labels(journal, one) for one in chosen[start : start + _AT_ONCE]}
                parts = [part for found in labels.values() for part in found]
                journal.correct(parts, facets, self._user, note, step=step.act)
                # A part that was classified again meanwhile, with other images, is another part.
                step.done += [one for one, found in labels.items() if found]
                yield

    def _undoing(self, step: _Step | None, found: list[str]) -> Iterator[None]:
        if step is None:
            return
        found += dict.fromkeys(key for key, _ in step.done)
        last, isUndone = None, False
        try:
            journal = self._writable()
            while taken := journal.undo_step(step.act, self._user, at_most=_AT_ONCE, before=last):
                last = taken[-1]
                yield
            isUndone = True
        finally:
            if not isUndone:  # the journal was busy: the next undo is about this step again
                self._steps.append(step)

    def _underWay(self, steps: Iterator[None]) -> Iterator[None]:
        self._nUnderWay += 1
        return self._run(steps)

    def _run(self, steps: Iterator[None]) -> Iterator[None]:
        try:
            yield from steps
        finally:
            self._nUnderWay -= 1
            LabelNews.tell()
            if self._isLeft and not self._nUnderWay:
                self.close()

    def _newStep(self, done: list[Chosen] | None) -> _Step:
        """What the next undo is about; it fills ``done`` with what was corrected."""
        step = _Step([] if done is None else done)
        self._steps = [*self._steps[1 - _MOST_UNDO :], step]
        return step

    def _readable(self) -> Any:
        """The journal, or None as long as nobody wrote one."""
        from SeriesClassifierLib.errors import JournalError

        if self._journal is None and not self.source.hasLabels:
            return None
        try:
            return self._writable()
        except JournalError as error:
            logging.warning("Series Classifier: %s", error)
            return None

    def _writable(self) -> Any:
        if self._journal is None:
            from SeriesClassifierLib.errors import JournalError
            from SeriesClassifierLib.journal.store import Journal

            if not self.source.journal:
                raise JournalError("nothing is open: open a DICOM database, or choose a folder")
            self._journal = Journal(self.source.journal)
        return self._journal


class LabelStore:
    """The labels of the source that is shown, ``shown``. Take that once for work in several steps."""

    def __init__(self, user: str, source: Source = NOTHING) -> None:
        self._user = user
        self._known: dict[Source, SourceLabels] = {}
        self.shown = self._of(source)
        # Counts the sources shown so far: what was asked at another visit is not about what is shown now.
        self.visit = 0

    @property
    def source(self) -> Source:
        """What is shown."""
        return self.shown.source

    @property
    def path(self) -> str:
        """Its journal."""
        return self.shown.source.journal

    @property
    def canUndo(self) -> bool:
        """Whether a correction of the source that is shown can be undone."""
        return self.shown.canUndo

    def use(self, source: Source) -> None:
        """Show another source. What is under way goes on with its own."""
        self.shown.leave()
        self.shown = self._of(source)
        self.shown.come()
        self.visit += 1

    def close(self) -> None:
        """Close all files."""
        for labels in self._known.values():
            labels.close()

    def _of(self, source: Source) -> SourceLabels:
        if source not in self._known:
            self._known[source] = SourceLabels(source, self._user)
        return self._known[source]

    def isHuman(self, key: str, part: str | None) -> bool:
        """As of the labels that are shown, and so the rest."""
        return self.shown.isHuman(key, part)

    def rows(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """See ``SourceLabels``."""
        return self.shown.rows(keys)

    def predictions(self, chosen: Iterable[Chosen]) -> list[Any]:
        """See ``SourceLabels``."""
        return self.shown.predictions(chosen)
