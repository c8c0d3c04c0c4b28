"""Reading the journal: the labels as they stand, what people said of them, and what is known of a series.

Nothing is kept in memory but what a series at a time needs, so that a journal may be of any size.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from SeriesClassifierLib.errors import JournalError
from SeriesClassifierLib.identity import unpack
from SeriesClassifierLib.journal.events import Event, EventKind, event_prediction
from SeriesClassifierLib.journal.rows import event_of, storable
from SeriesClassifierLib.journal.schema import columns_of, explained, version_of
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
from SeriesClassifierLib.records import Prediction
from SeriesClassifierLib.sources.assemble import shared_series_uid

logger = logging.getLogger(__name__)

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
# Four values: length, text, minus the length, text.
_IS_PIECE = "(substr({0}, 1, ?) = ? OR substr({0}, ?) = ?)"
_STUDIES = "SELECT COUNT(DISTINCT study_uid) FROM event WHERE series_uid = ? AND kind = 'prediction'"


class JournalReader:
    """What stands in an open journal. Rows that cannot be read are counted and passed over."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._damaged = 0
        self._columns = columns_of(connection)
        self._knows_images = version_of(connection) >= 2

    @property
    def path(self) -> Path:
        """The journal file."""
        return self._path

    @property
    def damaged(self) -> int:
        """How many rows could not be read so far, and were passed over."""
        return self._damaged

    def current(self, part_key: str) -> Prediction | None:
        """The label of a part as it stands, or None where the newest run of its series has no such part."""
        with explained(self._path):
            found = self._rows(
                "SELECT study_uid, series_uid FROM event WHERE part_key = ? LIMIT 1", (storable(part_key),)
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
            newest = self._rows(_NEWEST_BATCHES.format(""), (storable(series_uid),))
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
            for event in self._events(where, (storable(series_uid),)):
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

    def predictions_for(
        self, study_uid: str, series_uid: str, fingerprint: str, bundle_digest: str
    ) -> list[Prediction]:
        """The newest predictions, with corrections, if they are for this very input and bundle; else []."""
        with explained(self._path):
            newest = self._rows(
                _NEWEST_BATCHES.format("AND study_uid = ?"), (storable(series_uid), storable(study_uid))
            )
        if not newest:
            return []
        found = self._batch(series_uid, study_uid, newest[0][1])
        wanted = (storable(fingerprint), storable(bundle_digest))
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
            text = storable(value) if isinstance(value, str) else value
            bound += [len(text), text, -len(text), text] if isinstance(text, str) else [text]
        with explained(self._path):
            return [(row[0], row[1]) for row in self._rows(query, bound)]

    def events(self, series_uid: str | None = None) -> Iterator[Event]:
        """All events in the order in which they happened, or those of one series."""
        values = (storable(series_uid),) if series_uid is not None else ()
        where = "WHERE series_uid = ?" if values else ""
        with explained(self._path):
            yield from self._events(f"{where} ORDER BY time, id", values)

    def verify(self) -> None:
        """Read the whole file and compare its parts. Raises JournalError when something is damaged."""
        with explained(self._path):
            (answer,) = self._rows("PRAGMA integrity_check(1)")[0]
        if answer != "ok":
            raise JournalError(f"{self._path.name} is damaged ({answer}): put its last backup in place")

    # Below here errors of SQLite are not yet explained.

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
            studies = self._rows(_STUDIES, (storable(series_uid),))[0][0] if series_uid else 1
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
        for event in self._events(where, (storable(series_uid),)):
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

    def _subject(self, event: Event) -> Subject:
        """What an event is about: its part, or in version 1 the part that its number meant at that time."""
        if event.part_key:
            return subject(event, self._stored_images(event.part_key))
        known = (storable(event.series_uid), event.time, event.id, event.study_uid)
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
        found = self._rows("SELECT images FROM part_images WHERE part_key = ?", (storable(part_key),))
        return unpack(found[0][0]) if found and isinstance(found[0][0], bytes) else frozenset()

    def _batch(self, series_uid: str, study_uid: str, batch: str) -> list[Prediction]:
        where = (
            "WHERE kind = 'prediction' AND series_uid = ? AND study_uid = ? AND batch = ? "
            "ORDER BY part, time, id"
        )
        values = (storable(series_uid), storable(study_uid), batch)
        with explained(self._path):
            return list(self._predictions(self._events(where, values)))


def _series_of(prediction: Prediction) -> tuple[str, str]:
    return (prediction.series_uid, prediction.study_uid)


def _warned(prediction: Prediction, studies: int) -> Prediction:
    """With the doubt that several studies of this journal share a series UID, unless the source knew that."""
    warning = shared_series_uid(studies)
    if any(e.reason is warning.reason for e in prediction.evidence):
        return prediction
    return with_doubt(prediction, warning)
