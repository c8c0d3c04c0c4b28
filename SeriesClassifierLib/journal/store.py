"""The journal: every prediction and every word of a person about it, appended and never changed.

Events are keyed by (series UID, part) and have an id of their own, so two journals merge as two sets do. The
current label is worked out from them (``state``). Our own file only: the database of Slicer is not touched.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import groupby
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.errors import JournalError, UsageError
from SeriesClassifierLib.journal.events import (
    REQUIRED,
    Event,
    EventKind,
    dump_payload,
    event_prediction,
    prediction_event,
)
from SeriesClassifierLib.journal.schema import COLUMNS, explained, open_readonly, open_writable, transaction
from SeriesClassifierLib.journal.state import (
    Correction,
    HumanLabel,
    human_label,
    nothing_known,
    standing_corrections,
    unpredicted,
    with_human_labels,
)
from SeriesClassifierLib.records import Prediction, Status

JOURNAL_NAME = "SeriesClassifier.sqlite"
MODEL_ACTOR = "series-classifier"

# Of ``Event.time``, in UTC.
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_TICK = timedelta(microseconds=1)
_SELECT = f"SELECT {', '.join(f'event.{name}' for name in COLUMNS)} FROM event"
_INSERT = f"INSERT INTO event ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_ABOUT_LABELS = "kind IN ('correction', 'undo')"
# The newest batch of a series stands for the series: parts that a newer run no longer finds are gone with it.
_ALL_NEWEST = f"""
{_SELECT} JOIN (
    SELECT series_uid, batch, MAX(time || id) FROM event WHERE kind = 'prediction' GROUP BY series_uid
) AS newest ON event.series_uid = newest.series_uid AND event.batch = newest.batch
WHERE event.kind = 'prediction'
ORDER BY event.study_uid, event.series_number IS NULL, event.series_number, event.series_uid, event.part,
         event.time, event.id
"""
_NEWEST_BATCH = """
SELECT batch FROM event WHERE series_uid = ? AND kind = 'prediction' {} ORDER BY time DESC, id DESC LIMIT 1
"""
_PREDICTED = "SELECT DISTINCT series_uid FROM event WHERE kind = 'prediction'"
_DONE = "SELECT DISTINCT fingerprint, bundle_digest FROM event WHERE series_uid = ? AND kind = 'prediction'"


def utc_now() -> datetime:
    """The time of now, in UTC."""
    return datetime.now(timezone.utc)


class Journal:
    """The journal in one SQLite file. Use as a context manager, from one thread; processes may share it.

    >>> with Journal("SeriesClassifier.sqlite") as journal:         # doctest: +SKIP
    ...     journal.correct("1.2.840.1", None, {"sequence": "T2"}, user="ms")
    """

    def __init__(
        self, path: str | PathLike[str], *, readonly: bool = False, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Open ``path``; a file that is not there is made, unless ``readonly``.

        Raises JournalError when the file is missing (``readonly``), damaged, of another program or newer than
        this one, when its folder cannot be written, or when the disk is full.
        """
        self._path = Path(path)
        self._clock = clock
        self._connection = open_readonly(self._path) if readonly else open_writable(self._path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What was recorded is safe without it."""
        self._connection.close()

    @property
    def path(self) -> Path:
        """The journal file."""
        return self._path

    # Writing

    def add_predictions(self, predictions: Iterable[Prediction], *, actor: str = MODEL_ACTOR) -> None:
        """Record what a model said, in one transaction: all of it or, when the process dies, nothing.

        All parts of a series belong in one call (a study is a good amount), for the newest call stands for
        the whole series. A file that belongs to no series has nothing to be recorded under and is left out.
        Raises JournalError when it cannot be written.
        """
        batch = _new_id()
        self._append(
            prediction_event(prediction, id=_new_id(), time="", actor=actor, batch=batch)
            for prediction in predictions
            if prediction.series_uid
        )

    def correct(
        self, series_uid: str, part: int | None, facets: Mapping[str, str], user: str, note: str = ""
    ) -> str:
        """Record what a person says a series is: of one part, or with None of all parts, future ones too.

        ``facets`` maps facets to classes of the vocabulary; facets that are not named stay as they are.
        Returns the id of the event. Raises UsageError for a facet or class that does not exist, JournalError
        when it cannot be written.
        """
        return self.correct_all([(series_uid, part)], facets, user, note)[0]

    def correct_all(
        self,
        chosen: Iterable[tuple[str, int | None]],
        facets: Mapping[str, str],
        user: str,
        note: str = "",
        *,
        step: str = "",
    ) -> list[str]:
        """``correct`` for several (series, part), in one transaction: all of them or none, and one step for
        ``undo_step``. Calls with the same ``step`` (any text that nobody else uses) are one step together.
        """
        payload = {"facets": _checked(facets), "note": note}
        step = step or _new_id()
        events = [
            replace(self._said(EventKind.CORRECTION, uid, part, user, payload), batch=step)
            for uid, part in chosen
        ]
        self._append(events)
        return [event.id for event in events]

    def correct_unnamed(
        self,
        chosen: Iterable[tuple[str, int | None]],
        unnamed: Iterable[tuple[str, int]],
        facets: Mapping[str, str],
        user: str,
        note: str = "",
    ) -> list[tuple[str, int | None]]:
        """``correct_all`` of ``chosen``, and in the same step of those of ``unnamed`` that nobody has named.

        Who else writes to the journal cannot come in between. Returns the (series, part) that were corrected.
        Raises as ``correct``.
        """
        payload = {"facets": _checked(facets), "note": note}
        step = _new_id()
        with explained(self._path), transaction(self._connection):
            free = [key for key in dict.fromkeys(unnamed) if not self._is_named(*key)]
            wanted = list(dict.fromkeys([*chosen, *free]))
            self._insert(
                replace(self._said(EventKind.CORRECTION, uid, part, user, payload), batch=step)
                for uid, part in wanted
            )
        return wanted

    def undo(self, series_uid: str, part: int | None, user: str) -> bool:
        """Take back the latest correction that shows on ``part`` (with None: the latest one of the series).

        A correction of all parts is one act and is taken back for all of them. The correction before it, or
        the model's label, stands again. Returns False when there is none. Raises JournalError.
        """
        with explained(self._path), transaction(self._connection):
            standing = [c for c in self._corrections(series_uid) if part is None or c.part in (None, part)]
            if standing:
                last = standing[-1]
                event = _said(EventKind.UNDO, series_uid, last.part, user, {"undoes": last.id})
                self._insert([event])
        return bool(standing)

    def undo_step(self, series_uid: str, part: int | None, user: str) -> list[tuple[str, int | None]]:
        """``undo``, and with it all other corrections that were made in the same act and still stand.

        Returns the (series, part) of the corrections that were taken back; [] when there is none.
        """
        with explained(self._path), transaction(self._connection):
            mine = [c for c in self._corrections(series_uid) if part is None or c.part in (None, part)]
            if not mine:
                return []
            step = mine[-1].step
            events = self._events(
                f"{_SELECT} WHERE kind = 'correction' AND (batch = ? OR id = ?)", (step, step)
            )
            made = {event.series_uid: None for event in events}
            standing = [(uid, c) for uid in made for c in self._corrections(uid) if c.step == step]
            self._insert(_said(EventKind.UNDO, uid, c.part, user, {"undoes": c.id}) for uid, c in standing)
            return [(uid, c.part) for uid, c in standing]

    def add_reading(self, series_uid: str, part: int, facets: Mapping[str, str], user: str) -> str:
        """Record what a second reader, who does not know the label, says a part is. It changes no label.

        Returns the id of the event. Raises as ``correct``.
        """
        reading = _checked(facets)
        text = "blind reading: " + ", ".join(f"{facet} {value}" for facet, value in reading.items())
        return self._say(EventKind.NOTE, series_uid, part, user, {"text": text, "reading": reading})

    def note(self, series_uid: str, part: int | None, text: str, user: str) -> str:
        """Record a remark that changes no label. Returns the id of the event. Raises JournalError."""
        return self._say(EventKind.NOTE, series_uid, part, user, {"text": text})

    def merge(self, other: str | PathLike[str]) -> int:
        """Take over the events of another journal that are not here yet; returns their number.

        Both orders of merging give the same labels, and merging again changes nothing. Raises JournalError.
        """
        with closing(open_readonly(Path(other))) as source, explained(self._path):
            with transaction(self._connection):
                before = self._connection.total_changes
                self._connection.executemany(_INSERT, source.execute(_SELECT))
            return self._connection.total_changes - before

    # Reading

    def current(self, series_uid: str, part: int) -> Prediction | None:
        """The label of a part as it stands: what a person said, else the newest prediction, else None."""
        for prediction in self.current_series(series_uid):
            if prediction.part == part:
                return prediction
        if self._newest_batch(series_uid) is None:
            named = with_human_labels(nothing_known(series_uid, part), self.corrections(series_uid))
            return named if named.status is Status.CORRECTED else None
        return None

    def current_series(self, series_uid: str) -> list[Prediction]:
        """The labels of all parts of a series as they stand, by part."""
        batch = self._newest_batch(series_uid)
        if batch is not None:
            return self.with_corrections(self._batch(series_uid, batch))
        return unpredicted(series_uid, self.corrections(series_uid))

    def current_all(self) -> Iterator[Prediction]:
        """The labels of all series as they stand, by study, series number and part, one at a time.

        Series that a person labeled and no model has seen have no study here; they come first.
        """
        corrections = self._all_corrections()
        with explained(self._path):
            predicted = {row[0] for row in self._rows(_PREDICTED)}
            for series_uid in sorted(set(corrections) - predicted):
                yield from unpredicted(series_uid, corrections[series_uid])
            for event in self._newest_of_parts(self._events(_ALL_NEWEST)):
                yield with_human_labels(event_prediction(event), corrections.get(event.series_uid, ()))

    def human_labels(self) -> Iterator[HumanLabel]:
        """Every part that a model has seen and a person named, in table order."""
        corrections = self._all_corrections()
        with explained(self._path):
            for event in self._newest_of_parts(self._events(_ALL_NEWEST)):
                label = human_label(event_prediction(event), corrections.get(event.series_uid, ()))
                if label is not None:
                    yield label

    def with_corrections(self, predictions: Iterable[Prediction]) -> list[Prediction]:
        """Predictions, of this journal or fresh ones, with what people said laid over them."""
        found: dict[str, list[Correction]] = {}
        out = []
        for prediction in predictions:
            uid = prediction.series_uid
            if uid not in found:
                found[uid] = self.corrections(uid)
            out.append(with_human_labels(prediction, found[uid]))
        return out

    def corrections(self, series_uid: str) -> list[Correction]:
        """The corrections of a series that nobody took back, oldest first."""
        with explained(self._path):
            return self._corrections(series_uid)

    def done(self, series_uid: str) -> set[tuple[str, str]]:
        """The (fingerprint, bundle digest) pairs that have a prediction: what ``--resume`` may pass over."""
        with explained(self._path):
            return {(row[0], row[1]) for row in self._rows(_DONE, (_text(series_uid),))}

    def predictions_for(self, series_uid: str, fingerprint: str, bundle_digest: str) -> list[Prediction]:
        """The newest predictions for this very input and bundle, with corrections; [] when there are none."""
        key = (_text(series_uid), _text(fingerprint), _text(bundle_digest))
        with explained(self._path):
            query = _NEWEST_BATCH.format("AND fingerprint = ? AND bundle_digest = ?")
            newest = self._rows(query, key)
        if not newest:
            return []
        found = self._batch(series_uid, newest[0][0])
        return self.with_corrections(p for p in found if (p.fingerprint, p.bundle_digest) == key[1:])

    def events(self, series_uid: str | None = None) -> Iterator[Event]:
        """All events in the order in which they happened, or those of one series."""
        where, values = ("WHERE series_uid = ?", (_text(series_uid),)) if series_uid is not None else ("", ())
        with explained(self._path):
            yield from self._events(f"{_SELECT} {where} ORDER BY time, id", values)

    def verify(self) -> None:
        """Read the whole file and compare its parts. Raises JournalError when something is damaged."""
        with explained(self._path):
            (answer,) = self._rows("PRAGMA integrity_check(1)")[0]
        if answer != "ok":
            raise JournalError(f"journal {self._path} is damaged ({answer}): put its last backup in place")

    # Below here errors of SQLite are not yet explained.

    def _say(
        self, kind: EventKind, series_uid: str, part: int | None, user: str, payload: Mapping[str, Any]
    ) -> str:
        event = self._said(kind, series_uid, part, user, payload)
        self._append([event])
        return event.id

    @staticmethod
    def _said(
        kind: EventKind, series_uid: str, part: int | None, user: str, payload: Mapping[str, Any]
    ) -> Event:
        if not series_uid:
            raise UsageError("no series: give its SeriesInstanceUID")
        if part is not None and part < 1:
            raise UsageError(f"{part} is no part: parts count from 1")
        return _said(kind, series_uid, part, user, payload)

    def _append(self, events: Iterable[Event]) -> None:
        with explained(self._path), transaction(self._connection):
            self._insert(events)

    def _insert(self, events: Iterable[Event]) -> None:
        """Stamp and write. Times only grow, or a clock that is set back would let old words win."""
        time = self._clock().astimezone(timezone.utc)
        (latest,) = self._rows("SELECT MAX(time) FROM event")[0]
        if latest is not None:
            known = datetime.strptime(latest, TIME_FORMAT).replace(tzinfo=timezone.utc)
            time = max(time, known + _TICK)
        for event in events:
            self._connection.execute(_INSERT, _row(replace(event, time=time.strftime(TIME_FORMAT))))
            time += _TICK

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def _events(self, query: str, values: Sequence[object] = ()) -> Iterator[Event]:
        for row in self._connection.execute(query, values):
            yield self._event(row)

    def _event(self, row: Sequence[Any]) -> Event:
        values = dict(zip(COLUMNS, row, strict=True))
        try:
            values["kind"] = EventKind(values["kind"])
            values["payload"] = json.loads(values["payload"])
            if values["payload"].keys() >= REQUIRED[values["kind"]]:
                return Event(**values)
        except (ValueError, AttributeError) as error:
            raise self._damaged() from error
        raise self._damaged()

    def _damaged(self) -> JournalError:
        return JournalError(f"journal {self._path} is damaged: put its last backup in place")

    def _corrections(self, series_uid: str) -> list[Correction]:
        query = f"{_SELECT} WHERE series_uid = ? AND {_ABOUT_LABELS}"
        return standing_corrections(self._events(query, (_text(series_uid),)))

    def _is_named(self, series_uid: str, part: int) -> bool:
        return any(c.part in (None, part) for c in self._corrections(series_uid))

    def _all_corrections(self) -> dict[str, list[Correction]]:
        with explained(self._path):
            events = list(self._events(f"{_SELECT} WHERE {_ABOUT_LABELS} ORDER BY series_uid"))
        grouped = groupby(events, key=lambda event: event.series_uid)
        corrections = {uid: standing_corrections(of_series) for uid, of_series in grouped}
        return {uid: standing for uid, standing in corrections.items() if standing}

    def _newest_batch(self, series_uid: str) -> str | None:
        with explained(self._path):
            found = self._rows(_NEWEST_BATCH.format(""), (_text(series_uid),))
        return found[0][0] if found else None

    def _batch(self, series_uid: str, batch: str) -> list[Prediction]:
        query = (
            f"{_SELECT} WHERE kind = 'prediction' AND series_uid = ? AND batch = ? ORDER BY part, time, id"
        )
        with explained(self._path):
            found = self._newest_of_parts(self._events(query, (_text(series_uid), batch)))
            return [event_prediction(event) for event in found]

    @staticmethod
    def _newest_of_parts(events: Iterable[Event]) -> Iterator[Event]:
        for _, same_part in groupby(events, key=lambda e: (e.series_uid, e.part)):
            *_, last = same_part
            yield last


def _checked(facets: Mapping[str, str]) -> dict[str, str]:
    """``facets`` as the vocabulary spells them. Raises UsageError for what it does not know."""
    if not facets:
        raise UsageError("nothing is said: name a facet and its class, for example sequence=T2")
    return {facet: vocabulary.check(facet, value) for facet, value in facets.items()}


def _new_id() -> str:
    return str(uuid.uuid4())


def _said(kind: EventKind, series_uid: str, part: int | None, user: str, payload: Mapping[str, Any]) -> Event:
    return Event(_new_id(), "", kind, user, series_uid, part, payload)


def _text(value: str) -> str:
    """What SQLite can store: broken characters of a damaged header become question marks."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _row(event: Event) -> tuple[object, ...]:
    values = [getattr(event, name) for name in COLUMNS if name not in ("kind", "payload")]
    texts = [_text(v) if isinstance(v, str) else v for v in values]
    return (*texts[:2], event.kind.value, *texts[2:], dump_payload(event.payload))
