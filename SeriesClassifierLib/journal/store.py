"""The journal: every prediction and every word of a person about it, appended and never changed.

Events are keyed by study, series and part key and have an id of their own, so two journals merge as two sets
do. The current label is worked out from them (``state``). Our own file only: the database of Slicer is not
touched.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import chain, groupby
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.errors import JournalError, UsageError
from SeriesClassifierLib.identity import unpack
from SeriesClassifierLib.journal.events import (
    EARLIEST,
    TIME_FORMAT,
    Event,
    EventKind,
    dump_payload,
    event_prediction,
    load_payload,
    prediction_event,
)
from SeriesClassifierLib.journal.schema import (
    COLUMNS,
    columns_of,
    explained,
    open_readonly,
    open_writable,
    transaction,
    version_of,
)
from SeriesClassifierLib.journal.state import (
    Correction,
    HumanLabel,
    Images,
    Match,
    Subject,
    human_label,
    known_facets,
    match,
    standing_corrections,
    subject,
    unpredicted,
    with_doubt,
    with_human_labels,
)
from SeriesClassifierLib.records import Prediction, part_id
from SeriesClassifierLib.sources.assemble import shared_series_uid

logger = logging.getLogger(__name__)

JOURNAL_NAME = "SeriesClassifier.sqlite"
MODEL_ACTOR = "series-classifier"

_TICK = timedelta(microseconds=1)
_INSERT = f"INSERT INTO event ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_INSERT_IMAGES = "INSERT INTO part_images (part_key, images) VALUES (?, ?)"
_ABOUT_LABELS = "kind IN ('correction', 'undo')"
# The newest batch of a series of a study stands for it: parts that a newer run no longer finds are gone.
_NEWEST = """
JOIN (
    SELECT study_uid, series_uid, batch, MAX(time || id) FROM event WHERE kind = 'prediction'
    GROUP BY study_uid, series_uid
) AS newest ON event.series_uid = newest.series_uid AND event.study_uid = newest.study_uid
    AND event.batch = newest.batch
WHERE event.kind = 'prediction'
ORDER BY event.study_uid, event.series_number IS NULL, event.series_number, event.series_uid, event.part,
         event.time, event.id
"""
_NEWEST_BATCHES = """
SELECT study_uid, batch, MAX(time || id) FROM event WHERE series_uid = ? AND kind = 'prediction' {}
GROUP BY study_uid ORDER BY study_uid
"""
# What a correction without a part key can have been about: the runs without part keys before it, by study.
_BATCHES_THEN = """
SELECT study_uid, batch, MAX(time || id) FROM event
WHERE series_uid = ? AND kind = 'prediction' AND {} AND (time, id) <= (?, ?)
      AND ? IN ('', study_uid)
GROUP BY study_uid
"""
_UNPREDICTED = """
SELECT DISTINCT series_uid FROM event AS said WHERE kind = 'correction' AND NOT EXISTS (
    SELECT 1 FROM event WHERE kind = 'prediction' AND series_uid = said.series_uid
) ORDER BY series_uid
"""
# A correction that was made before a model saw the series names no study: the prediction does.
_HAS_LABEL = """(kind = 'prediction' OR kind = 'correction' AND NOT EXISTS (
    SELECT 1 FROM event WHERE kind = 'prediction' AND series_uid = said.series_uid
))"""
_SERIES_OF_STEP = """
SELECT COUNT(*) FROM (
    SELECT DISTINCT study_uid, series_uid FROM event WHERE kind = 'correction' AND batch = ?
)
"""
# Four values: length, text, minus the length, text.
_IS_PIECE = "(substr({0}, 1, ?) = ? OR substr({0}, ?) = ?)"
_STUDIES = "SELECT COUNT(DISTINCT study_uid) FROM event WHERE series_uid = ? AND kind = 'prediction'"
_DONE = (
    "SELECT DISTINCT fingerprint, bundle_digest FROM event "
    "WHERE series_uid = ? AND study_uid = ? AND batch = ? AND kind = 'prediction' AND part_key <> ''"
)


def utc_now() -> datetime:
    """The time of now, in UTC."""
    return datetime.now(timezone.utc)


class Journal:
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
        self._path = Path(path)
        self._clock = clock
        self._damaged = 0
        self._connection = open_readonly(self._path) if readonly else open_writable(self._path)
        self._columns = columns_of(self._connection)
        self._knows_images = version_of(self._connection) >= 2

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

    # Reading

    @property
    def damaged(self) -> int:
        """How many rows could not be read so far, and were passed over."""
        return self._damaged

    def current(self, part_key: str) -> Prediction | None:
        """The label of a part as it stands, or None where the newest run of its series has no such part."""
        with explained(self._path):
            found = self._rows(
                "SELECT study_uid, series_uid FROM event WHERE part_key = ? LIMIT 1", (_text(part_key),)
            )
        for study_uid, series_uid in found:
            for prediction in self.current_series(series_uid, study_uid):
                if prediction.part_key == part_key:
                    return prediction
        return None

    def current_series(self, series_uid: str, study_uid: str | None = None) -> list[Prediction]:
        """The labels of all parts of a series as they stand, by study and part; with ``study_uid`` those of
        this study alone.
        """
        with explained(self._path):
            newest = self._rows(_NEWEST_BATCHES.format(""), (_text(series_uid),))
        if not newest:
            return [
                p
                for p in unpredicted(series_uid, self.corrections(series_uid))
                if study_uid in (None, "", p.study_uid)
            ]
        wanted = [(study, batch) for study, batch, _ in newest if study_uid in (None, study)]
        batches = [self._batch(series_uid, study, batch) for study, batch in wanted]
        return [p for batch in batches for p in self.with_corrections(batch)]

    def current_all(self) -> Iterator[Prediction]:
        """The labels of all series as they stand, by study, series number and part, one at a time.

        Series that a person labeled and no model has seen come first.
        """
        with explained(self._path):
            for (series_uid,) in self._connection.execute(_UNPREDICTED):
                yield from unpredicted(series_uid, self._corrections(series_uid))
            yield from self._laid_over(self._predictions(self._events(_NEWEST)))

    def human_labels(self) -> Iterator[HumanLabel]:
        """Every part that a model has seen and a person labeled, in table order."""
        with explained(self._path):
            for _, parts in groupby(self._predictions(self._events(_NEWEST)), key=_series_of):
                corrections: list[Correction] | None = None
                for prediction in parts:
                    if corrections is None:
                        corrections = self._corrections(prediction.series_uid)
                    if corrections:
                        label = human_label(prediction, corrections, self._images_of(prediction))
                        if label is not None:
                            yield label

    def with_corrections(self, predictions: Iterable[Prediction]) -> list[Prediction]:
        """Predictions, of this journal or fresh ones, with what people said laid over them."""
        with explained(self._path):
            return list(self._laid_over(predictions))

    def corrections(self, series_uid: str) -> list[Correction]:
        """The corrections of a series, in all studies, that nobody reverted, oldest first."""
        with explained(self._path):
            return self._corrections(series_uid)

    def readings(self, series_uid: str) -> list[Correction]:
        """What people said of a series, in corrections that stand or in blind readings, oldest first."""
        with explained(self._path):
            blind = []
            where = "WHERE series_uid = ? AND kind = 'note'"
            for event in self._events(where, (_text(series_uid),)):
                try:
                    if "reading" in event.payload:
                        facets = known_facets(event, "reading")
                        about = self._subject(event)
                        blind.append(
                            Correction(event.id, event.part, facets, event.actor, "", event.time, "", about)
                        )
                except ValueError:
                    self._count_damaged()
            return sorted([*self._corrections(series_uid), *blind], key=lambda said: (said.time, said.id))

    def corrections_of(self, part: Prediction) -> list[Correction]:
        """Those of ``corrections`` that show on a part."""
        with explained(self._path):
            return self._corrections_of(part)

    def subject_of(self, event: Event) -> Subject:
        """What a correction or a reading is about."""
        with explained(self._path):
            return self._subject(event)

    def images_of(self, part: Prediction) -> Images:
        """The digests of the images of a part; none where an older version recorded it."""
        with explained(self._path):
            return self._images_of(part)

    def done(self, study_uid: str, series_uid: str) -> set[tuple[str, str]]:
        """The (fingerprint, bundle digest) pairs of the newest run: ``--resume`` passes over these."""
        key = (_text(series_uid), _text(study_uid))
        with explained(self._path):
            newest = self._rows(_NEWEST_BATCHES.format("AND study_uid = ?"), key)
            return {tuple(row) for _, batch, _ in newest for row in self._rows(_DONE, (*key, batch))}

    def predictions_for(
        self, study_uid: str, series_uid: str, fingerprint: str, bundle_digest: str
    ) -> list[Prediction]:
        """The newest predictions, with corrections, if they are for this very input and bundle; else []."""
        with explained(self._path):
            newest = self._rows(
                _NEWEST_BATCHES.format("AND study_uid = ?"), (_text(series_uid), _text(study_uid))
            )
        if not newest:
            return []
        found = self._batch(series_uid, study_uid, newest[0][1])
        wanted = (_text(fingerprint), _text(bundle_digest))
        return self.with_corrections(
            p for p in found if p.part_key and (p.fingerprint, p.bundle_digest) == wanted
        )

    def find_series(self, piece: str, study_piece: str = "") -> list[tuple[str, str]]:
        """(study UID, series UID) of the series whose UID begins or ends with ``piece``, in studies whose UID
        begins or ends with ``study_piece``, sorted.
        """
        return self._find(f"{_IS_PIECE.format('series_uid')}", [piece], study_piece)

    def find_numbered(self, number: int, study_piece: str) -> list[tuple[str, str]]:
        """``find_series`` by SeriesNumber."""
        return self._find("series_number = ?", [number], study_piece)

    def _find(self, which: str, values: list[str | int], study_piece: str) -> list[tuple[str, str]]:
        query = (
            f"SELECT DISTINCT study_uid, series_uid FROM event AS said WHERE {_HAS_LABEL} "
            f"AND {which} AND {_IS_PIECE.format('study_uid')} ORDER BY study_uid, series_uid"
        )
        bound: list[object] = []
        for value in (*values, study_piece):
            text = _text(value) if isinstance(value, str) else value
            bound += [len(text), text, -len(text), text] if isinstance(text, str) else [text]
        with explained(self._path):
            return [(row[0], row[1]) for row in self._rows(query, bound)]

    def events(self, series_uid: str | None = None) -> Iterator[Event]:
        """All events in the order in which they happened, or those of one series."""
        where, values = ("WHERE series_uid = ?", (_text(series_uid),)) if series_uid is not None else ("", ())
        with explained(self._path):
            yield from self._events(f"{where} ORDER BY time, id", values)

    def verify(self) -> None:
        """Read the whole file and compare its parts. Raises JournalError when something is damaged."""
        with explained(self._path):
            (answer,) = self._rows("PRAGMA integrity_check(1)")[0]
        if answer != "ok":
            raise JournalError(f"{self._path.name} is damaged ({answer}): put its last backup in place")

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
            self._connection.execute(_INSERT, _row(replace(event, time=time.strftime(TIME_FORMAT))))
            time += _TICK

    def _keep_images(self, parts: Iterable[Prediction]) -> None:
        self._connection.executemany(_INSERT_IMAGES, ((_text(p.part_key), p.images) for p in parts))

    def _revert(
        self, step: str, user: str, at_most: int | None = None, before: Correction | None = None
    ) -> list[Correction]:
        """Write the undo of the corrections of a step that stand, latest first."""
        older = (before.time, before.id) if before is not None else ("9", "")
        where = "WHERE kind = 'correction' AND (batch = ? OR id = ?) AND (time, id) < (?, ?)"
        standing: dict[str, dict[str, Correction]] = {}
        taken: list[Correction] = []
        for event in self._events(f"{where} ORDER BY time DESC, id DESC", (step, step, *older)):
            if event.series_uid not in standing:
                mine = (c for c in self._corrections(event.series_uid) if c.step == step)
                standing[event.series_uid] = {c.id: c for c in mine}
            if event.id in standing[event.series_uid]:
                taken.append(standing[event.series_uid][event.id])
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

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def _events(self, where: str, values: Sequence[object] = ()) -> Iterator[Event]:
        """The events that ``where`` (all behind FROM) finds. A damaged row is counted and passed over."""
        for row in self._connection.execute(f"SELECT {self._columns} FROM event {where}", values):
            try:
                yield event_of(row)
            except ValueError:
                self._count_damaged()

    def _predictions(self, events: Iterable[Event]) -> Iterator[Prediction]:
        """The newest prediction of each part."""
        for _, same_part in groupby(events, key=lambda e: (e.study_uid, e.series_uid, e.part)):
            *_, last = same_part
            try:
                yield event_prediction(last)
            except ValueError:
                self._count_damaged()

    def _count_damaged(self) -> None:
        if not self._damaged:
            logger.warning("a journal holds damaged rows: they are passed over (see 'journal show')")
        self._damaged += 1

    def _laid_over(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Predictions with what people said of them, and a doubt where several studies share their series."""
        for (series_uid, _), parts in groupby(predictions, key=_series_of):
            corrections = self._corrections(series_uid) if series_uid else []
            studies = self._rows(_STUDIES, (_text(series_uid),))[0][0] if series_uid else 1
            for prediction in parts:
                if studies > 1:
                    prediction = _warned(prediction, studies)
                if corrections:
                    images = self._images_of(prediction)
                    prediction = with_human_labels(prediction, corrections, images)
                yield prediction

    def _corrections(self, series_uid: str) -> list[Correction]:
        where = f"WHERE series_uid = ? AND {_ABOUT_LABELS}"
        events = []
        for event in self._events(where, (_text(series_uid),)):
            try:
                standing_corrections([event])  # a damaged one costs itself and no other
                events.append(event)
            except ValueError:
                self._count_damaged()
        subjects = {e.id: self._subject(e) for e in events if e.kind is EventKind.CORRECTION}
        return standing_corrections(events, subjects)

    def _corrections_of(self, part: Prediction) -> list[Correction]:
        if not part.part_key and not part.bundle:  # no model has seen its series
            return self._corrections(part.series_uid)
        corrections = self._corrections(part.series_uid)
        images = self._images_of(part) if corrections else frozenset()
        return [c for c in corrections if match(c.about, part, images) is Match.SAME]

    def _of_unknown_images(self, part: Prediction) -> list[Correction]:
        """What was said of the series of a part before it was seen, which makes a doubt of all its parts."""
        corrections = self._corrections(part.series_uid)
        return [c for c in corrections if not c.about.part_key and not c.about.study_uid]

    def _is_labeled(self, part: Prediction, but_for: Collection[str]) -> bool:
        return any(c.step not in but_for for c in self._corrections_of(part))

    def _subject(self, event: Event) -> Subject:
        """What an event is about: its part, or in version 1 the part that its number meant at that time."""
        if event.part_key:
            return subject(event, self._stored_images(event.part_key))
        known = (_text(event.series_uid), event.time, event.id, event.study_uid)
        without = "part_key = ''" if self._knows_images else "TRUE"
        then = [] if event.payload.get("unseen") else self._rows(_BATCHES_THEN.format(without), known)
        if len(then) != 1:  # no study, or several that it may have meant
            return Subject(event.study_uid, event.series_uid, part=event.part)
        study_uid, batch, _ = then[0]
        parts = self._batch(event.series_uid, study_uid, batch)
        chosen = next((p for p in parts if event.part in (None, p.part)), None)
        if chosen is None:
            return Subject(study_uid, event.series_uid, part=event.part)
        return Subject(
            study_uid,
            event.series_uid,
            part=event.part,
            fingerprint=chosen.fingerprint,
            n_instances=chosen.n_instances,
            protocol=chosen.protocol,
        )

    def _images_of(self, part: Prediction) -> Images:
        return unpack(part.images) if part.images else self._stored_images(part.part_key)

    def _stored_images(self, part_key: str) -> Images:
        if not part_key or not self._knows_images:
            return frozenset()
        found = self._rows("SELECT images FROM part_images WHERE part_key = ?", (_text(part_key),))
        return unpack(found[0][0]) if found and isinstance(found[0][0], bytes) else frozenset()

    def _batch(self, series_uid: str, study_uid: str, batch: str) -> list[Prediction]:
        where = (
            "WHERE kind = 'prediction' AND series_uid = ? AND study_uid = ? AND batch = ? "
            "ORDER BY part, time, id"
        )
        with explained(self._path):
            return list(self._predictions(self._events(where, (_text(series_uid), _text(study_uid), batch))))


def event_of(row: Sequence[Any]) -> Event:
    """The event in a row of ``schema.COLUMNS``. Raises ValueError when it cannot be read."""
    values = dict(zip(COLUMNS, row, strict=True))
    texts = [v for name, v in values.items() if name not in ("part", "series_number", "payload")]
    numbers = (values["part"], values["series_number"])
    if not all(isinstance(v, str) for v in texts):
        raise ValueError("a column that should hold text does not")
    if not all(v is None or (isinstance(v, int) and not isinstance(v, bool)) for v in numbers):
        raise ValueError("a column that should hold a number does not")
    values["kind"] = EventKind(values["kind"])
    values["payload"] = load_payload(values["payload"])
    return Event(**values)


def _series_of(prediction: Prediction) -> tuple[str, str]:
    return (prediction.series_uid, prediction.study_uid)


def _warned(prediction: Prediction, studies: int) -> Prediction:
    """With the doubt that several studies of this journal share a series UID, unless the source knew that."""
    warning = shared_series_uid(studies)
    if any(e.reason is warning.reason for e in prediction.evidence):
        return prediction
    return with_doubt(prediction, warning)


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
    payload = {"facets": dict(facets), "note": note, "protocol": dict(part.protocol)}
    if part.patient_id:
        payload["patient_id"] = part.patient_id
    if rule:
        payload["rule"] = rule
    return replace(_about(part, EventKind.CORRECTION, payload, user), batch=step)


def _text(value: str) -> str:
    """What SQLite can store: broken characters of a damaged header become question marks."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _row(event: Event) -> tuple[object, ...]:
    values = [getattr(event, name) for name in COLUMNS if name not in ("kind", "payload")]
    texts = [_text(v) if isinstance(v, str) else v for v in values]
    return (*texts[:2], event.kind.value, *texts[2:], dump_payload(_clean(event.payload)))


def _clean(value: Any) -> Any:
    """``_text`` of all texts in what becomes JSON: half a character would make merge refuse the journal."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, (list, tuple)) else value
