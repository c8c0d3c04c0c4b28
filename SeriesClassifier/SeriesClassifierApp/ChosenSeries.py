"""What stands behind the series that the table's cursor is on: asked of the worker when the cursor rests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from SeriesClassifierApp.DetailsView import DetailsView
from SeriesClassifierApp.LabelStore import Chosen
from SeriesClassifierApp.Questions import Questions
from SeriesClassifierApp.ReviewTable import ReviewTable
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.Vocabulary import classesOf

_REST_MS = 120


@dataclass
class _Question:
    """The details of one series: asked for, and the answer when it is there."""

    key: str
    job: int = 0
    answer: Mapping[str, Any] | None = None


class ChosenSeries:
    """Keeps the section Details at the cursor of the table, and has those of the next series at hand."""

    def __init__(
        self,
        table: ReviewTable,
        details: DetailsView,
        questions: Questions,
        *,
        filesOf: Callable[[str], list[str]],
        reasonsOf: Callable[[str, int | None], list[str]],
        nextOf: Callable[[Chosen], str],
    ) -> None:
        """``filesOf`` gives the files of a series, ``reasonsOf`` says why a series and part waits for review,
        ``nextOf`` which series comes after it, or an empty text.
        """
        self._table = table
        self._details = details
        self._questions = questions
        self._filesOf = filesOf
        self._reasonsOf = reasonsOf
        self._nextOf = nextOf
        self._now: _Question | None = None
        self._ahead: _Question | None = None
        self._reasons: list[str] = []
        # The series whose details are all there.
        self.shown = ""
        self._timer = singleShot(_REST_MS, self.show)

    def showSoon(self) -> None:
        """The cursor moved, perhaps on its way to somewhere else."""
        self._timer.start()

    def changed(self, keys: Collection[str]) -> None:
        """What is known of series changed."""
        if self._ahead is not None and self._ahead.key in keys:
            self._forgetAhead()
        current = self._table.current()
        if current is not None and current[0] in keys:
            self.showSoon()

    def forget(self) -> None:
        """Other series are shown."""
        self._timer.stop()
        self._forgetAhead()
        self._forgetNow()
        self.shown = ""

    def changedAll(self) -> None:
        """What is known of every series may have changed."""
        self._forgetAhead()
        if self._table.current() is not None:
            self.showSoon()

    def queueChanged(self) -> None:
        """Another series may be next, and the one that is shown may wait for other reasons."""
        chosen = self._table.current()
        if chosen is None or self.shown != chosen[0]:
            return
        if self._reasonsOf(*chosen) != self._reasons:
            self._showAnswer()
        else:
            self._lookAhead(chosen)

    def picturesOf(self, key: str) -> list[Any]:
        """The pictures of a series, when it is the one that is shown."""
        return self._details.pixmaps if self.shown == key else []

    def cleanup(self) -> None:
        """Ask no more."""
        self._timer.stop()
        self._forgetAhead()

    def show(self) -> None:
        """Show what the cursor is on now."""
        self._timer.stop()
        self.shown = ""
        chosen = self._table.current()
        row = self._table.rows.get(chosen[0]) if chosen is not None else None
        if chosen is None or row is None or not row["series_uid"]:
            self._details.clear(row["parts"][0]["error"] if row else "")
            return
        key, part = chosen
        self._forgetNow()
        if self._ahead is not None and self._ahead.key == key:
            self._now, self._ahead = self._ahead, None
        if self._now is not None and self._now.answer is not None:
            self._showAnswer()
            return
        self._details.announce(row, self._reasonsOf(key, part))
        if self._now is None:
            self._now = self._ask(key, row)

    def _ask(self, key: str, row: Mapping[str, Any]) -> _Question:
        question = _Question(key)

        def listen(event: Mapping[str, Any]) -> None:
            if event["event"] == "done":
                question.answer = event
                if question is self._now:
                    self._showAnswer()

        known = row.get("pictures")
        where = {"pictures": known} if known else {"files": self._filesOf(row["series_uid"])}
        question.job = self._questions.ask(
            "details", listen, study_uid=row["study_uid"], series_uid=row["series_uid"], **where
        )
        return question

    def _showAnswer(self) -> None:
        chosen = self._table.current()
        if self._now is None or chosen is None or chosen[0] != self._now.key:
            return
        key, part = chosen
        found = [p for p in self._now.answer["parts"] if part in (None, p["part_key"])]
        if found:
            self.shown = key
            self._reasons = self._reasonsOf(key, part)
            self._details.show(self._table.rows[key], found[0], classesOf("sequence"), self._reasons)
        self._lookAhead(chosen)

    def _lookAhead(self, chosen: Chosen) -> None:
        key = self._nextOf(chosen)
        row = self._table.rows.get(key)
        if row is not None and (self._ahead is None or self._ahead.key != key):
            self._forgetAhead()
            self._ahead = self._ask(key, row)

    def _forgetAhead(self) -> None:
        if self._ahead is not None and self._ahead.answer is None:
            self._questions.forget(self._ahead.job)
        self._ahead = None

    def _forgetNow(self) -> None:
        if self._now is not None and self._now.answer is None:
            self._questions.forget(self._now.job)
        self._now = None
