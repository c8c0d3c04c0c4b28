"""The labels as they stand, and what people say about them: the journal, seen from the window.

The journal is a file of our own (SQLite), so it may be open here while the worker writes to it; the database
of Slicer may not, and is not.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_MOST_UNDO = 200
# So many are one transaction: enough to be quick, few enough to be short.
_AT_ONCE = 20

# A series and one of its parts, or None for all of them.
Chosen = tuple[str, int | None]


class LabelStore:
    """Corrections of one journal file, with their undo. Opened when first needed."""

    def __init__(self, path: str, user: str) -> None:
        self.path = path
        self._user = user
        self._journal: Any = None
        self._steps: list[list[Chosen]] = []

    @property
    def canUndo(self) -> bool:
        """Whether something was corrected here that can be taken back."""
        return any(self._steps)

    def isHuman(self, uid: str, part: int | None) -> bool:
        """Whether a person said what a part is (None: any part of the series)."""
        return any(p.status.value == "corrected" for p in self.predictions(uid) if part in (None, p.part))

    def use(self, path: str) -> None:
        """Go on with another journal, in which nothing was corrected yet."""
        self.close()
        self.path, self._steps = path, []

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def rows(self, uids: Iterable[str]) -> list[dict[str, Any]]:
        """The rows of series as they stand now, in the shape in which the worker sends them."""
        from SeriesClassifierLib.publish.series_row import series_rows

        journal = self._readable()
        if journal is None:
            return []
        return [row.as_json() for uid in uids for row in series_rows(journal.current_series(uid))]

    def predictions(self, uid: str) -> list[Any]:
        """The labels of the parts of a series."""
        journal = self._readable()
        return journal.current_series(uid) if journal is not None else []

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
        journal = self._writable()
        step = self._newStep(done)
        act = str(uuid.uuid4())  # one step for the command line, too
        for start in range(0, len(chosen), _AT_ONCE):
            some = chosen[start : start + _AT_ONCE]
            journal.correct_all(some, facets, self._user, note, step=act)
            step += some
            yield

    def accept(
        self, chosen: Sequence[Chosen], note: str = "", done: list[Chosen] | None = None
    ) -> Iterator[None]:
        """Confirm what ``chosen`` are said to be, but those without an answer. ``done`` gets the others."""
        from SeriesClassifierLib.records import UNKNOWN
        from SeriesClassifierLib.vocabulary import FACETS

        journal = self._writable()
        step = self._newStep(done)
        for uid, part in chosen:
            for prediction in journal.current_series(uid):
                if part in (None, prediction.part) and prediction.sequence != UNKNOWN:
                    said = {facet: getattr(prediction, facet) for facet in FACETS}
                    facets = {facet: value for facet, value in said.items() if value != UNKNOWN}
                    journal.correct(uid, prediction.part, facets, self._user, note)
                    step.append((uid, prediction.part))
            yield

    def note(self, uid: str, part: int | None, text: str) -> None:
        """Record a remark."""
        self._writable().note(uid, part, text, self._user)

    def undo(self, found: list[str]) -> Iterator[None]:
        """Take the last step back; ``found`` gets the series it was about."""
        while self._steps and not self._steps[-1]:  # accepted where there was nothing to accept
            self._steps.pop()
        step = self._steps.pop() if self._steps else []
        journal = self._writable() if step else None
        found += dict.fromkeys(uid for uid, _ in step)
        for uid, part in reversed(step):
            journal.undo(uid, part, self._user)
            yield

    def _newStep(self, step: list[Chosen] | None) -> list[Chosen]:
        """Remember ``step``, or a new one, as what the next undo is about."""
        step = [] if step is None else step
        self._steps = [*self._steps[1 - _MOST_UNDO :], step]
        return step

    def _readable(self) -> Any:
        """The journal, or None as long as nobody wrote one."""
        from SeriesClassifierLib.errors import JournalError

        if self._journal is None and not Path(self.path).is_file():
            return None
        try:
            return self._writable()
        except JournalError as error:
            logging.warning("Series Classifier: %s", error)
            return None

    def _writable(self) -> Any:
        if self._journal is None:
            from SeriesClassifierLib.journal.store import Journal

            self._journal = Journal(self.path)
        return self._journal
