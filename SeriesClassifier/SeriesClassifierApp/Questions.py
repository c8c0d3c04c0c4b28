"""What a worker is asked about the source that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.WorkerProcess import Listener, WorkerProcess


class Questions:
    """Names the journal of the source in every question, and drops answers that come when it is gone."""

    def __init__(self, worker: WorkerProcess, store: LabelStore) -> None:
        self._worker = worker
        self._store = store

    @property
    def isBusy(self) -> bool:
        """Whether the worker has something to do."""
        return self._worker.isBusy

    @property
    def hasJournal(self) -> bool:
        """Whether there is a journal to ask about."""
        return self._store.source.hasLabels

    def ask(self, do: str, listener: Listener, **fields: Any) -> int:
        """Ask; the number of the question."""
        visit = self._store.visit

        def listen(event: Mapping[str, Any]) -> None:
            if self._store.visit == visit:
                listener(event)

        return self._worker.request(do, listen, journal=self._store.path, **fields)

    def forget(self, number: int) -> None:
        """The answer is not wanted any more."""
        self._worker.cancel(number, insist=False)
