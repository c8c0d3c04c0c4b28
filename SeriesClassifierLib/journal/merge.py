"""Take the events of other journals over: all of them or, where one of them is not in order, none.

Everything is read and checked first, in one snapshot of each file and before the journal that takes is opened
for writing. Text that is no UTF-8, numbers where text belongs, payloads that no version wrote, times that no
clock of today can have written: each is a fault with a name, and the message counts them.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.errors import JournalError
from SeriesClassifierLib.identity import IMAGE_BYTES, is_key_of, pack, unpack
from SeriesClassifierLib.journal.events import (
    EARLIEST,
    TIME_FORMAT,
    Event,
    EventKind,
    dump_payload,
    event_prediction,
    facets_of,
    protocol_of,
    text_of,
)
from SeriesClassifierLib.journal.rows import INSERT, INSERT_IMAGES, event_of
from SeriesClassifierLib.journal.schema import (
    COLUMNS,
    columns_of,
    explained,
    open_readonly,
    open_writable,
    transaction,
    version_of,
)
from SeriesClassifierLib.journal.store import utc_now
from SeriesClassifierLib.records import UNKNOWN


class Fault(str, Enum):
    """What can be wrong with another journal, or with an event of it."""

    FILE = "a file that contradicts itself"
    TEXT = "text that is not valid or too long"
    COLUMN = "a value of the wrong type"
    PAYLOAD = "a payload that cannot be read"
    TIME = "a time that is not valid or lies in the future"
    PART = "a part number out of range"
    FACET = "a class that the vocabulary does not know"
    UNDO = "an undo of something that is no earlier correction of its series"
    IMAGES = "images that do not belong to their part"
    REPEATED = "an id that is there twice, or here with another content"


# Clocks of two machines differ, but not by days.
_AHEAD = timedelta(days=2)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_MOST_TEXT = 4096
_MOST_PAYLOAD = 8_000_000
_MOST_PARTS = 1_000_000
_MOST_IMAGE_BYTES = IMAGE_BYTES * 1_000_000
_AT_ONCE = 500
_WITHOUT_IMAGES = (
    "SELECT COUNT(*) FROM event WHERE part_key <> '' "
    "AND NOT EXISTS (SELECT 1 FROM part_images WHERE part_images.part_key = event.part_key)"
)


def merge(
    into: Path, others: Sequence[Path], *, clock: Callable[[], datetime] = utc_now
) -> dict[Path, int]:
    """Take over the events of ``others`` that ``into`` does not have; returns their number by journal.

    ``into`` is made when it is not there. Both orders of merging give the same labels, and merging again
    changes nothing. Raises JournalError, with the number and kind of what is wrong, when one of ``others`` is
    not in order: then ``into`` has not been touched.
    """
    with ExitStack() as stack:
        sources = [stack.enter_context(closing(open_readonly(path))) for path in others]
        target = stack.enter_context(closing(open_readonly(into))) if into.is_file() else None
        for path, source in zip(others, sources, strict=True):
            with explained(path):
                source.execute("BEGIN")  # what is checked is what is taken
                _check(path, _Journal(source, target, clock()))
        if target is not None:
            target.close()
        taken = {}
        with explained(into), closing(open_writable(into)) as connection:
            for path, source in zip(others, sources, strict=True):
                taken[path] = _take(connection, source)
        return taken


def _take(target: sqlite3.Connection, source: sqlite3.Connection) -> int:
    with transaction(target):
        (before,) = target.execute("SELECT COUNT(*) FROM event").fetchone()
        target.executemany(INSERT, source.execute(f"SELECT {columns_of(source)} FROM event"))
        if version_of(source) >= 2:
            target.executemany(INSERT_IMAGES, source.execute("SELECT part_key, images FROM part_images"))
        (after,) = target.execute("SELECT COUNT(*) FROM event").fetchone()
    return int(after - before)


def _check(path: Path, journal: _Journal) -> None:
    """Raises JournalError when something is wrong."""
    found = Counter(journal.faults())
    if found:
        kinds = "; ".join(f"{fault.value}: {n}" for fault, n in sorted(found.items(), key=_most_first))
        raise JournalError(
            f"{path.name} is not in order, and nothing of it was taken ({found.total()} faults: {kinds}). "
            f"Ask for it again, or put its last backup in place."
        )


def _most_first(item: tuple[Fault, int]) -> tuple[int, str]:
    return (-item[1], item[0].value)


class _Journal:
    """A journal that wants to be taken over, opened for reading; ``target`` is the one that takes, if any."""

    def __init__(
        self, source: sqlite3.Connection, target: sqlite3.Connection | None, now: datetime
    ) -> None:
        self._source = source
        self._target = target
        self._latest = now + _AHEAD

    def faults(self) -> Iterator[Fault]:
        """What is wrong, one fault an event or set of images at most."""
        yield from self._repeated_ids()
        yield from self._lying_indices()
        lenient, self._source.text_factory = self._source.text_factory, _strict_text
        try:
            for row in self._source.execute(f"SELECT {_bounded(columns_of(self._source))} FROM event"):
                fault = self._fault(row)
                if fault is not None:
                    yield fault
            yield from self._image_faults()
        finally:
            self._source.text_factory = lenient

    def _repeated_ids(self) -> Iterator[Fault]:
        """A table without its primary key could hold one id twice."""
        (repeated,) = self._source.execute("SELECT COUNT(id) - COUNT(DISTINCT id) FROM event").fetchone()
        yield from [Fault.REPEATED] * repeated

    def _lying_indices(self) -> Iterator[Fault]:
        """An index that does not hold what its table holds hides events from every later question."""
        (answer,) = self._source.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            yield Fault.FILE

    def _fault(self, row: Sequence[Any]) -> Fault | None:
        if _NOT_TEXT in row:
            return Fault.TEXT
        by_name = dict(zip(COLUMNS, row, strict=True))
        texts = [v for name, v in by_name.items() if name != "payload" and isinstance(v, str)]
        if any(len(text) > _MOST_TEXT or "\0" in text for text in texts):
            return Fault.TEXT
        if not isinstance(by_name["payload"], str):
            return Fault.PAYLOAD
        if not all(isinstance(by_name[name], str) for name in COLUMNS if name not in _NUMBERS):
            return Fault.COLUMN
        if not all(v is None or (isinstance(v, int) and abs(v) < 2**63) for v in map(by_name.get, _NUMBERS)):
            return Fault.COLUMN
        if by_name["kind"] not in list(EventKind) or not by_name["id"] or not by_name["series_uid"]:
            return Fault.COLUMN
        if not self._is_time(by_name["time"]):
            return Fault.TIME
        try:
            return self._event_fault(event_of(row))
        except ValueError:
            return Fault.PAYLOAD

    def _event_fault(self, event: Event) -> Fault | None:
        """What is wrong with an event whose columns are in order. Raises ValueError for its payload."""
        if event.part is None and event.kind is EventKind.PREDICTION:
            return Fault.PART
        if event.part is not None and not 1 <= event.part <= _MOST_PARTS:
            return Fault.PART
        dump_payload(event.payload, ascii_only=False).encode("utf-8")  # half a character is no text
        if event.kind is EventKind.PREDICTION:
            prediction = event_prediction(event)
            said = {facet: getattr(prediction, facet) for facet in vocabulary.FACETS}
            if not _are_known({facet: value for facet, value in said.items() if value != UNKNOWN}):
                return Fault.FACET
        elif event.kind is EventKind.CORRECTION:
            text_of(event.payload, "note")
            protocol_of(event.payload)
            for name in {"patient_id", "rule"} & event.payload.keys():
                text_of(event.payload, name)
            if not isinstance(event.payload.get("unseen", False), bool):
                return Fault.PAYLOAD
            if not _are_known(facets_of(event.payload)):
                return Fault.FACET
        elif event.kind is EventKind.UNDO:
            if not self._is_earlier_correction(text_of(event.payload, "undoes"), event):
                return Fault.UNDO
        else:
            text_of(event.payload, "text")
            if "reading" in event.payload and not _are_known(facets_of(event.payload, "reading")):
                return Fault.FACET
        return Fault.REPEATED if self._is_here_otherwise(event.id) else None

    def _is_time(self, text: str) -> bool:
        if not _TIME.fullmatch(text):
            return False
        try:
            time = datetime.strptime(text, TIME_FORMAT).replace(tzinfo=timezone.utc)
        except ValueError:
            return False
        return EARLIEST <= time <= self._latest

    def _is_earlier_correction(self, id: str, undo: Event) -> bool:
        query = "SELECT kind, series_uid, time FROM event WHERE id = ?"
        for connection in (self._source, self._target):
            found = connection.execute(query, (id,)).fetchone() if connection is not None else None
            if found is not None:
                kind, series_uid, time = found
                same = (kind, series_uid) == (EventKind.CORRECTION.value, undo.series_uid)
                return same and isinstance(time, str) and time < undo.time
        return False

    def _is_here_otherwise(self, id: str) -> bool:
        """Whether the journal that takes has an event of this id that says something else."""
        if self._target is None:
            return False
        here = self._target.execute(f"SELECT {columns_of(self._target)} FROM event WHERE id = ?", (id,))
        there = self._source.execute(f"SELECT {columns_of(self._source)} FROM event WHERE id = ?", (id,))
        found = here.fetchone()
        return found is not None and found != there.fetchone()

    def _image_faults(self) -> Iterator[Fault]:
        if version_of(self._source) < 2:
            return
        (without,) = self._source.execute(_WITHOUT_IMAGES).fetchone()
        yield from [Fault.IMAGES] * without
        rows = self._source.execute("SELECT part_key, length(images) FROM part_images")
        while some := list(islice(rows, _AT_ONCE)):
            for key, size in some:
                if size is None or size > _MOST_IMAGE_BYTES or not self._are_images_of(key):
                    yield Fault.IMAGES

    def _are_images_of(self, key: object) -> bool:
        """Whether the images of a key are those that its digest was made of, for every event that has it."""
        query = "SELECT images FROM part_images WHERE part_key = ?"
        (images,) = self._source.execute(query, (key,)).fetchone() or (None,)
        if not isinstance(images, bytes) or len(images) % IMAGE_BYTES or images != pack(unpack(images)):
            return False
        query = "SELECT DISTINCT study_uid, series_uid FROM event WHERE part_key = ?"
        owners = self._source.execute(query, (key,)).fetchall()
        return all(is_key_of(str(key), str(study), str(series), images) for study, series in owners)


_NUMBERS = ("part", "series_number")


def _bounded(columns: str) -> str:
    """``columns`` with a payload that is too long as NULL: it need not be read to be refused."""
    payload = f"CASE WHEN length(CAST(payload AS BLOB)) <= {_MOST_PAYLOAD} THEN payload END"
    return columns.replace("event.payload", payload)


# Stands for text that is no UTF-8.
_NOT_TEXT = object()


def _strict_text(raw: bytes) -> object:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _NOT_TEXT


def _are_known(facets: Mapping[str, str]) -> bool:
    return all(
        facet in vocabulary.FACETS and value in vocabulary.classes(facet) for facet, value in facets.items()
    )
