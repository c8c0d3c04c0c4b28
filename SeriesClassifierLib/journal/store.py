"""The journal: every prediction and every word of a person about it, appended and never changed.

Events are keyed by study, series and part key and have an id of their own, so two journals merge as two sets
do. The current label is worked out from them (``state``). Our own file only: the database of Slicer is not
touched.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import chain
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.journal.events import EARLIEST, TIME_FORMAT, Event, EventKind, prediction_event
from SeriesClassifierLib.journal.reader import JournalReader
from SeriesClassifierLib.journal.rows import INSERT, INSERT_IMAGES, row_of, storable
from SeriesClassifierLib.journal.schema import explained, open_readonly, open_writable, transaction
from SeriesClassifierLib.journal.state import Correction
from SeriesClassifierLib.records import Prediction, part_id

JOURNAL_NAME = "SeriesClassifier.sqlite"
MODEL_ACTOR = "series-classifier"

_TICK = timedelta(microseconds=1)
# Ids alone: an index has all of it, so that each slice of a large step is found at once.
_OF_STEP = """
SELECT id FROM event WHERE kind = 'correction' AND (batch = ? OR id = ?) AND (time, id) < (?, ?)
ORDER BY time DESC, id DESC
"""
_SERIES_OF_STEP = """
SELECT COUNT(*) FROM (
    SELECT DISTINCT study_uid, series_uid FROM event WHERE kind = 'correction' AND batch = ?
)
"""


def utc_now() -> datetime:
    """The time of now, in UTC."""
    return datetime.now(timezone.utc)


class Journal(JournalReader):
    """The journal in one SQLite file. Use as a context manager, from one thread; processes may share it.

    >>> with Journal("SeriesClassifier.sqlite") as journal:         # doctest: +SKIP
    ...     journal.correct(journal.current_series("1.2.840.1"), {"sequence": "T2"}, user="ms")
    """

    def __init__(
        self, path: str | PathLike[str], *, readonly: bool = False, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Open ``path``; a file that is not there is made, unless ``readonly``.

        Raises JournalError when the file is missing (``readonly``), damaged, of another program or newer than
        this one, when its folder cannot be written, or when the disk is full.
        """
        file = Path(path)
        super().__init__(file, open_readonly(file) if readonly else open_writable(file))
        self._clock = clock

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What was recorded is safe without it."""
        self._connection.close()

    # Writing

    def add_predictions(self, predictions: Iterable[Prediction], *, actor: str = MODEL_ACTOR) -> None:
        """Record what a model said, in one transaction: all of it or, when the process dies, nothing.

        All parts of a series belong in one call (a study is a good amount), for the newest call stands for
        the whole series. A file that belongs to no series has nothing to be recorded under and is left out.
        Raises JournalError when it cannot be written.
        """
        batch, kept = _new_id(), [p for p in predictions if p.series_uid]
        with explained(self._path), transaction(self._connection):
            self._insert(prediction_event(p, id=_new_id(), time="", actor=actor, batch=batch) for p in kept)
            self._keep_images(p for p in kept if p.part_key)

    def correct(
        self,
        parts: Iterable[Prediction],
        facets: Mapping[str, str],
        user: str,
        note: str = "",
        *,
        step: str = "",
        rule: str = "",
    ) -> list[str]:
        """Record what a person says that ``parts`` are, in one transaction: all of them or none.

        ``parts`` are labels as they stand here, or fresh ones. The label belongs to their images and to no
        others. ``facets`` maps facets to classes of the vocabulary; facets that are not named stay as they
        are. Calls with the same ``step`` (any text that nobody else uses) are one act for ``undo``. ``rule``
        names the site rule that the person applied. Returns the ids of the events. Raises UsageError for a
        facet or class that does not exist, JournalError when it cannot be written.
        """
        facets, step, chosen = _checked(facets), step or _new_id(), list(parts)
        events = [_correction(part, facets, user, note, step, rule) for part in chosen]
        with explained(self._path), transaction(self._connection):
            self._insert(events)
            # Those of a label that was read from here are here.
            self._keep_images(p for p in chosen if p.part_key and p.images)
        return [event.id for event in events]

    def correct_unlabeled(
        self,
        chosen: Sequence[Prediction],
        others: Iterable[Prediction],
        facets: Mapping[str, str],
        user: str,
        note: str = "",
        on_labeled: Callable[[Prediction], None] = lambda _part: None,
        *,
        step: str = "",
        rule: str = "",
        but_for: Collection[str] = (),
    ) -> tuple[int, int]:
        """``correct`` of ``chosen``, and in the same step of those of ``others`` that nobody has labeled.

        Who else writes to the journal cannot come in between; ``on_labeled`` gets those of ``others`` that
        somebody had labeled. ``others`` are taken one at a time. Labels of the steps ``but_for`` do not
        count. Returns how many parts of how many series were corrected. Raises as ``correct``.
        """
        facets, step = _checked(facets), step or _new_id()
        n_parts = 0

        def events() -> Iterator[Event]:
            nonlocal n_parts
            known = {part_id(part) for part in chosen}
            for part in chain(chosen, (part for part in others if part_id(part) not in known)):
                if part_id(part) not in known and self._is_labeled(part, but_for):
                    on_labeled(part)
                    continue
                n_parts += 1
                yield _correction(part, facets, user, note, step, rule)

        with explained(self._path), transaction(self._connection):
            self._insert(events())
            (n_series,) = self._rows(_SERIES_OF_STEP, (step,))[0]
        return n_parts, n_series

    def correct_unseen(self, series_uid: str, facets: Mapping[str, str], user: str, note: str = "") -> str:
        """Record what a person says of a series that is not here: nobody knows its images.

        When it is classified, its parts go to review with this label. Raises as ``correct``.
        """
        if not series_uid:
            raise UsageError("no series: give its SeriesInstanceUID")
        payload = {"facets": _checked(facets), "note": note, "unseen": True}
        event = _event(EventKind.CORRECTION, user, payload, series_uid=series_uid)
        self._append([event])
        return event.id

    def undo(self, parts: Iterable[Prediction], user: str) -> list[Correction]:
        """Revert the latest correction that shows on one of ``parts``, with all others of the same act.

        Where none shows, that is the latest of their series of which nobody knew the images. The corrections
        before it, or the labels of the model, stand again. Returns what was reverted, [] when there is none.
        Raises JournalError.
        """
        with explained(self._path), transaction(self._connection):
            chosen = list(parts)
            mine = [c for part in chosen for c in self._corrections_of(part)]
            mine = mine or [c for part in chosen for c in self._of_unknown_images(part)]
            if not mine:
                return []
            return self._revert(max(mine, key=lambda c: (c.time, c.id)).step, user)

    def undo_step(
        self, step: str, user: str, *, at_most: int | None = None, before: Correction | None = None
    ) -> list[Correction]:
        """Revert the corrections of one act that still stand, or ``at_most`` so many of them, latest first.

        ``before`` leaves out that correction of the act and those that came after it: to go on behind the
        last one that was reverted. Returns what was reverted. Raises JournalError.
        """
        with explained(self._path), transaction(self._connection):
            return self._revert(step, user, at_most, before)

    def add_reading(self, part: Prediction, facets: Mapping[str, str], user: str) -> str:
        """Record what a second reader, who does not know the label, says a part is. It changes no label.

        Returns the id of the event. Raises as ``correct``.
        """
        reading = _checked(facets)
        text = "blind reading: " + ", ".join(f"{facet} {value}" for facet, value in reading.items())
        return self._remark(part, {"text": text, "reading": reading}, user)

    def note(self, part: Prediction, text: str, user: str) -> str:
        """Record a remark that changes no label. Returns the id of the event. Raises JournalError."""
        return self._remark(part, {"text": text}, user)

    # Below here errors of SQLite are not yet explained.

    def _remark(self, part: Prediction, payload: Mapping[str, Any], user: str) -> str:
        event = _about(part, EventKind.NOTE, payload, user)
        self._append([event])
        return event.id

    def _append(self, events: Iterable[Event]) -> None:
        with explained(self._path), transaction(self._connection):
            self._insert(events)

    def _insert(self, events: Iterable[Event]) -> None:
        """Stamp and write. Times only grow, or a clock that is set back would let old words win, and one that
        was never set would make a journal that ``merge`` refuses.
        """
        time = max(self._clock().astimezone(timezone.utc), EARLIEST)
        (latest,) = self._rows("SELECT MAX(time) FROM event")[0]
        if latest is not None:
            known = datetime.strptime(latest, TIME_FORMAT).replace(tzinfo=timezone.utc)
            time = max(time, known + _TICK)
        for event in events:
            self._connection.execute(INSERT, row_of(replace(event, time=time.strftime(TIME_FORMAT))))
            time += _TICK

    def _keep_images(self, parts: Iterable[Prediction]) -> None:
        self._connection.executemany(INSERT_IMAGES, ((storable(p.part_key), p.images) for p in parts))

    def _revert(
        self, step: str, user: str, at_most: int | None = None, before: Correction | None = None
    ) -> list[Correction]:
        """Write the undo of the corrections of a step that stand, latest first."""
        older = (before.time, before.id) if before is not None else ("9", "")
        standing: dict[str, dict[str, Correction]] = {}
        taken: list[Correction] = []
        for (id,) in self._rows(_OF_STEP, (step, step, *older)):
            for event in self._events("WHERE id = ?", (id,)):
                if event.series_uid not in standing:
                    mine = (c for c in self._corrections(event.series_uid) if c.step == step)
                    standing[event.series_uid] = {c.id: c for c in mine}
                if id in standing[event.series_uid]:
                    taken.append(standing[event.series_uid][id])
            if len(taken) == at_most:
                break
        self._insert(
            _event(
                EventKind.UNDO,
                user,
                {"undoes": c.id},
                series_uid=c.about.series_uid,
                study_uid=c.about.study_uid,
                part=c.part,
                part_key=c.about.part_key,
            )
            for c in taken
        )
        return taken

    def _is_labeled(self, part: Prediction, but_for: Collection[str]) -> bool:
        return any(c.step not in but_for for c in self._corrections_of(part))

def _checked(facets: Mapping[str, str]) -> dict[str, str]:
    """``facets`` as the vocabulary spells them. Raises UsageError for what it does not know."""
    if not facets:
        raise UsageError("nothing is said: name a facet and its class, for example sequence=T2")
    return {facet: vocabulary.check(facet, value) for facet, value in facets.items()}


def _new_id() -> str:
    return str(uuid.uuid4())


def _event(kind: EventKind, user: str, payload: Mapping[str, Any], **about: Any) -> Event:
    series_uid, part = about.pop("series_uid"), about.pop("part", None)
    return Event(_new_id(), "", kind, user, series_uid, part, payload, **about)


def _about(part: Prediction, kind: EventKind, payload: Mapping[str, Any], user: str) -> Event:
    if not part.series_uid:
        raise UsageError("this file belongs to no series: it cannot be labeled")
    return _event(
        kind,
        user,
        payload,
        series_uid=part.series_uid,
        part=part.part,
        study_uid=part.study_uid,
        part_key=part.part_key,
    )


def _correction(
    part: Prediction, facets: Mapping[str, str], user: str, note: str, step: str, rule: str = ""
) -> Event:
    payload = {
        "facets": dict(facets),
        "note": note,
        "protocol": dict(part.protocol),
        "patient_id": part.patient_id,
    }
    if rule:
        payload["rule"] = rule
    return replace(_about(part, EventKind.CORRECTION, payload, user), batch=step)
