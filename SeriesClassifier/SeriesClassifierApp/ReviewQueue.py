"""What somebody should look at next: the journal's open questions, the most valuable first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from SeriesClassifierApp.LabelStore import Chosen
from SeriesClassifierApp.Questions import Questions

_MOST_ITEMS = 1000
# Every answer changes the value of what is left a little; after so many the queue is worked out anew.
_ANSWERS_A_QUEUE = 25
_LOOK_AHEAD = 20

Item = Mapping[str, Any]


class ReviewQueue:
    """Asks the worker for the queue and keeps it up to date between two of its answers.

    An item is left when it is answered. One that is only passed over comes again when all others were seen.
    """

    def __init__(self, questions: Questions, onReady: Callable[[], None]) -> None:
        """``onReady`` is called when a new queue is there."""
        self._questions = questions
        self._onReady = onReady
        self._job = 0
        self._open: dict[Chosen, Item] = {}
        self._parts: dict[str, list[Chosen]] = {}
        self._answered: dict[Chosen, Item] = {}
        self._seen: set[Chosen] = set()
        # What was answered while the worker read the journal, which may not have seen it.
        self._meanwhile: set[Chosen] = set()
        self._answers = 0

    def __len__(self) -> int:
        """Items that wait."""
        return len(self._open)

    def clear(self) -> None:
        """Another journal."""
        self._forgetJob()
        self._open, self._parts, self._answered, self._seen = {}, {}, {}, set()

    def ask(self) -> None:
        """Work the queue out anew; the old one stands until then."""
        self._forgetJob()
        self._answers, self._meanwhile = 0, set()
        if not self._questions.hasJournal:
            return
        items: list[Item] = []

        def listen(event: Mapping[str, Any]) -> None:
            if job != self._job:
                return
            if event["event"] == "items":
                items.extend(event["items"])
                return
            self._job = 0
            if event["event"] == "done":
                self._put(items)
            else:
                logging.debug(
                    "Series Classifier: no review queue: %s", event.get("message") or event["event"]
                )

        job = self._job = self._questions.ask("queue", listen, limit=_MOST_ITEMS)

    def reasons(self, series: str, part: str | None) -> list[str]:
        """Why a series, or a part of it, waits; nothing when it does not."""
        for key in self._parts.get(series, ()):
            if key in self._open and part in (None, key[1]):
                return list(self._open[key]["reasons"])
        return []

    def answered(self, chosen: Iterable[Chosen]) -> None:
        """Somebody said what ``chosen`` are."""
        for series, part in chosen:
            self._meanwhile.add((series, part))
            self._answers += 1
            for key in self._parts.get(series, ()):
                if part in (None, key[1]) and key in self._open:
                    self._answered[key] = self._open.pop(key)
        if not self._job and self._parts and (self._answers >= _ANSWERS_A_QUEUE or not self._open):
            self.ask()

    def takenBack(self, keys: Sequence[str]) -> None:
        """What was said about series does not hold any more: they wait again, before all others."""
        again: dict[Chosen, Item] = {}
        gone = frozenset(keys)
        self._meanwhile = {key for key in self._meanwhile if key[0] not in gone}
        for series in keys:
            again.update(
                {key: self._answered.pop(key) for key in self._parts.get(series, ()) if key in self._answered}
            )
        self._seen -= again.keys()
        self._open = {**again, **self._open}

    def search(
        self,
        current: Chosen | None,
        isVisible: Callable[[str], bool],
        then: Callable[[Chosen | None], None],
    ) -> Iterator[None]:
        """Look for the first item that was not seen in this round and is not ``current``, in steps; ``then``
        gets it, or None when no item is visible.
        """
        for isNewRound in (False, True):
            if isNewRound:
                self._seen.clear()
            for key in self._left(current):
                if key in self._open and isVisible(key[0]):
                    self._seen.add(key)
                    then(key)
                    return
                yield
        then(None)

    def ahead(self, current: Chosen, isVisible: Callable[[str], bool]) -> str:
        """The series that ``search`` would find, or an empty text when it is not among the very next."""
        some = islice(self._left(current), _LOOK_AHEAD)
        return next((series for series, _part in some if isVisible(series)), "")

    def _left(self, current: Chosen | None) -> Iterator[Chosen]:
        """The items of this round, without those of ``current`` unless it is the only one."""
        for key in list(self._open):
            isCurrent = current is not None and key[0] == current[0] and current[1] in (None, key[1])
            if key not in self._seen and not (isCurrent and len(self._open) > 1):
                yield key

    def _put(self, items: Iterable[Item]) -> None:
        self._open, self._parts, self._answered = {}, {}, {}
        for item in items:
            key = (str(item["key"]), str(item["part_key"]))
            self._parts.setdefault(key[0], []).append(key)
            isAnswered = key in self._meanwhile or (key[0], None) in self._meanwhile
            (self._answered if isAnswered else self._open)[key] = item
        self._seen &= self._open.keys()
        self._onReady()

    def _forgetJob(self) -> None:
        if self._job:
            self._questions.forget(self._job)
            self._job = 0
