"""Damaged and malicious journals, each made of a good one by one change behind the back of its triggers.

``CRAFTED`` holds them. ``apply`` changes the file that it is given: copy the good journal first. Any version of
the schema will do that has a table ``event`` with the columns id, time, kind, actor, series_uid, study_uid,
part, series_number and payload, at least one prediction and one correction. Wrong events are added as copies of
good ones under new ids, so that a journal which has the good ones has to take a look at the wrong one, too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PREDICTION, CORRECTION, UNDO, NOTE = "prediction", "correction", "undo", "note"
# Ids of the events that are added: no journal has them.
ADDED = "00000000-0000-4000-8000-00000000000a"
_ADDED_TOO = "00000000-0000-4000-8000-00000000000b"
_LONG = 100_000_000
_DEEP = 100_000
_GONE = object()

Connection = sqlite3.Connection
Change = Callable[[Connection], None]


@dataclass(frozen=True)
class CraftedJournal:
    """One way to damage a journal. ``wrong`` says what it is in words.

    ``opens``: SQLite itself can still read the whole file. ``harmless``: the labels are sound, so the journal may
    be taken or refused, but not in part. ``large``: the file has more than 100 MB. ``needs`` names a table or a
    column of ``event`` without which it cannot be made.
    """

    name: str
    wrong: str
    apply: Callable[[Path], None] = field(repr=False)
    opens: bool = True
    harmless: bool = False
    large: bool = False
    needs: str = ""


@dataclass(frozen=True)
class _Sql:
    """A value that SQL works out."""

    text: str


def possible(path: Path) -> list[CraftedJournal]:
    """The crafted journals that can be made of the one at ``path``."""
    with closing(sqlite3.connect(path)) as connection:
        there = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        there |= {row[1] for row in connection.execute("PRAGMA table_info(event)")}
    return [crafted for crafted in CRAFTED if not crafted.needs or crafted.needs in there]


# How a file is changed


def _changed(path: Path, change: Change) -> None:
    """Run ``change`` where nothing refuses it, and leave triggers, indices and file format as they were."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("BEGIN")
        try:
            change(connection)
        except sqlite3.IntegrityError:  # a key, a NOT NULL or a STRICT table
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
            _loosen(connection)
            change(connection)
        connection.execute("COMMIT")
        if connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'event'"
        ).fetchone():
            for _, sql in triggers:
                connection.execute(sql)
    _settle(path)


def _loosen(connection: Connection) -> None:
    """Make the table anew with the same columns and no constraint."""
    columns = ", ".join(f'"{row[1]}" {row[2]}' for row in connection.execute("PRAGMA table_info(event)"))
    indices = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql IS NOT NULL"
    ).fetchall()
    connection.execute(f"CREATE TABLE loose ({columns})")
    connection.execute("INSERT INTO loose SELECT * FROM event ORDER BY rowid")
    connection.execute("DROP TABLE event")
    connection.execute("ALTER TABLE loose RENAME TO event")
    for (sql,) in indices:
        connection.execute(sql)


def _settle(path: Path) -> None:
    """All in one file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


def _newest(connection: Connection, kind: str) -> tuple[str, str]:
    """Id and payload of the newest event of a kind."""
    found = connection.execute(
        "SELECT id, payload FROM event WHERE kind = ? ORDER BY time DESC, id DESC LIMIT 1", (kind,)
    ).fetchone()
    if found is None:
        raise ValueError(f"the journal has no {kind}: take one that has")
    return str(found[0]), str(found[1])


def _add(connection: Connection, kind: str, changes: Mapping[str, object]) -> None:
    """Add an event like the newest of its kind. Undos and notes are made of corrections, which are always there."""
    model = kind if kind in (PREDICTION, CORRECTION) else CORRECTION
    original, _ = _newest(connection, model)
    values = {"id": ADDED, "kind": kind, **changes}
    columns = [row[1] for row in connection.execute("PRAGMA table_info(event)")]
    missing = values.keys() - set(columns)
    if missing:
        raise ValueError(f"the journal has no column {missing}: take one that has")
    chosen, bound = [], []
    for column in columns:
        value = values.get(column, _GONE)
        if value is _GONE:
            chosen.append(f'"{column}"')
        elif isinstance(value, _Sql):
            chosen.append(value.text)
        else:
            chosen.append("?")
            bound.append(value)
    names = ", ".join(f'"{column}"' for column in columns)
    query = f"INSERT INTO event ({names}) SELECT {', '.join(chosen)} FROM event WHERE id = ?"
    connection.execute(query, (*bound, original))


# The kinds of changes


def _column(name: str, wrong: str, kind: str, column: str, value: object, **more: Any) -> CraftedJournal:
    """A column of an event has another value."""
    return CraftedJournal(
        name, wrong, lambda path: _changed(path, lambda c: _add(c, kind, {column: value})), **more
    )


def _payload(name: str, wrong: str, kind: str, payload: object, **more: Any) -> CraftedJournal:
    """An event has another payload: raw text, or SQL."""
    return _column(name, wrong, kind, "payload", payload, **more)


def _field(name: str, wrong: str, kind: str, key: str, value: object, **more: Any) -> CraftedJournal:
    """A field of the payload of an event has another value, or is gone."""

    def change(connection: Connection) -> None:
        content = dict(_TEXTS[kind]) if kind in _TEXTS else json.loads(_newest(connection, kind)[1])
        content = {k: v for k, v in {**content, key: value}.items() if v is not _GONE}
        # No number stands for itself: it is written as Python does, as NaN and Infinity too.
        _add(connection, kind, {"payload": json.dumps(content)})

    return CraftedJournal(name, wrong, lambda path: _changed(path, change), **more)


_TEXTS: Mapping[str, Mapping[str, object]] = {UNDO: {"undoes": ADDED}, NOTE: {"text": "crafted"}}


def _schema(name: str, wrong: str, *statements: str, **more: Any) -> CraftedJournal:
    """The schema is another one."""

    def change(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return CraftedJournal(name, wrong, lambda path: _changed(path, change), **more)


def _bytes(
    name: str, wrong: str, change: Callable[[Path, bytes], bytes], *, opens: bool = False
) -> CraftedJournal:
    """The bytes of the file are others."""

    def apply(path: Path) -> None:
        _settle(path)
        path.write_bytes(change(path, path.read_bytes()))

    return CraftedJournal(name, wrong, apply, opens=opens)


def _many(name: str, wrong: str, change: Change, **more: Any) -> CraftedJournal:
    return CraftedJournal(name, wrong, lambda path: _changed(path, change), **more)


# Payloads that are no payload


def _payloads() -> list[CraftedJournal]:
    deep = "[" * _DEEP + "]" * _DEEP
    digits = "9" * 10_000
    found = [
        _payload("payload-cut", "the payload is cut off", CORRECTION, '{"facets": {"sequence": "T2"'),
        _payload("payload-empty", "the payload is empty", CORRECTION, ""),
        _payload("payload-words", "the payload is no JSON", PREDICTION, "it is a T2"),
        _payload("payload-two", "text follows the payload", CORRECTION, '{"facets": {}, "note": ""} {}'),
        _payload(
            "payload-deep", "the payload is nested 100,000 deep", CORRECTION,
            f'{{"facets": {{"sequence": "T2"}}, "note": {deep}}}',
        ),
        _payload("payload-only-deep", "the payload is nothing but nested lists", PREDICTION, deep),
        _payload(
            "payload-not-closed", "the payload opens 100,000 lists and closes none", CORRECTION, "[" * _DEEP
        ),
        _payload(
            "payload-many-digits", "a number of the payload has 10,000 digits", CORRECTION,
            f'{{"facets": {{"sequence": "T2"}}, "note": {digits}}}',
        ),
        _payload(
            "payload-100-mb", "a note has 100 million characters", CORRECTION,
            _Sql(f"""'{{"facets":{{"sequence":"T2"}},"note":"' || hex(zeroblob({_LONG // 2})) || '"}}'"""), large=True,
        ),
        _payload(
            "payload-surrogate", "the payload holds half of a character", CORRECTION,
            '{"facets": {"sequence": "T2"}, "note": "\\ud800"}',
        ),
        _payload("payload-nul", "the payload ends in a NUL and more", CORRECTION, '{"facets": {}, "note": ""}\0{}'),
        _payload("payload-blob", "the payload is a BLOB", CORRECTION, b'{"facets": {"sequence": "T2"}, "note": ""}'),
        _payload("payload-not-utf-8", "the payload is no UTF-8", CORRECTION, _Sql("CAST(x'7bff7d' AS TEXT)")),
        _payload("payload-sql-null", "there is no payload", CORRECTION, None),
    ]  # fmt: skip
    others = {"list": "[]", "number": "7", "string": '"T2"', "null": "null", "true": "true"}
    for word, text in others.items():
        found.append(_payload(f"payload-{word}", f"the payload is JSON, but {word}", CORRECTION, text))
    for kind in (PREDICTION, UNDO, NOTE):
        found.append(_payload(f"{kind}-payload-list", f"the payload of a {kind} is a list", kind, "[1, 2]"))
        found.append(_payload(f"{kind}-payload-empty", f"the payload of a {kind} has no field", kind, "{}"))
    return found


# Fields of payloads


def _fields() -> list[CraftedJournal]:
    nan, infinity = float("nan"), float("inf")
    predictions: dict[str, tuple[str, str, object]] = {
        "confidence-nan": ("the confidence is not a number", "confidence", nan),
        "b-value-infinity": ("the b-value is infinite", "b_value", infinity),
        "confidence-text": ("the confidence is a text", "confidence", "0.9"),
        "confidence-true": ("the confidence is a truth value", "confidence", True),
        "confidence-above-one": ("the confidence is 1.7", "confidence", 1.7),
        "confidence-negative": ("the confidence is negative", "confidence", -0.1),
        "b-value-text": ("the b-value is a text", "b_value", "b800"),
        "evidence-number": ("the evidence is a number", "evidence", 3),
        "evidence-of-numbers": ("the evidence is a list of numbers", "evidence", [1, 2]),
        "probabilities-list": ("the probabilities are a list", "probabilities", [0.5]),
        "probabilities-of-text": ("a probability is a text", "probabilities", {"sequence": {"T2": "much"}}),
        "protocol-list": ("the protocol is a list", "protocol", []),
        "status-unknown": ("there is no such status", "status", "certain"),
        "status-list": ("the status is a list", "status", []),
        "decided-by-unknown": ("nothing decides so", "decided_by", "oracle"),
        "sequence-unknown": ("there is no such sequence", "sequence", "T9"),
        "plane-number": ("the plane is a number", "plane", 3),
        "description-number": ("the description is a number", "description", 5),
        "label-null": ("the label is null", "label", None),
        "number-of-images-text": ("the number of images is a text", "n_instances", "many"),
        "number-of-images-negative": ("the number of images is negative", "n_instances", -1),
        "number-of-images-huge": ("the number of images is beyond 64 bits", "n_instances", 10**30),
        "status-missing": ("a prediction has no status", "status", _GONE),
        "sequence-missing": ("a prediction has no sequence", "sequence", _GONE),
    }
    corrections: dict[str, tuple[str, str, object]] = {
        "facets-list": ("the facets are a list", "facets", ["sequence", "T2"]),
        "facets-text": ("the facets are a text", "facets", "sequence=T2"),
        "facets-null": ("the facets are null", "facets", None),
        "facets-none": ("a correction names no facet", "facets", {}),
        "facets-missing": ("a correction has no facets", "facets", _GONE),
        "facet-unknown": ("there is no such facet", "facets", {"colour": "T2"}),
        "class-unknown": ("there is no such class", "facets", {"sequence": "T9"}),
        "class-number": ("a class is a number", "facets", {"sequence": 2}),
        "class-list": ("a class is a list", "facets", {"sequence": ["T2"]}),
        "class-null": ("a class is null", "facets", {"sequence": None}),
        "note-number": ("the note of a correction is a number", "note", 7),
        "note-missing": ("a correction has no note", "note", _GONE),
        "patient-number": ("the patient of a correction is a number", "patient_id", 5),
        "rule-list": ("the rule of a correction is a list", "rule", []),
        "unseen-list": ("a correction says in a list that nobody saw its images", "unseen", [1]),
        "protocol-of-correction": ("the protocol of a correction is a list", "protocol", ["SE"]),
        "protocol-of-lists": ("a value of a protocol is a list", "protocol", {"te": [1.0]}),
    }
    others: dict[str, tuple[str, str, str, object]] = {
        "undoes-number": ("an undo names a number", UNDO, "undoes", 7),
        "undoes-list": ("an undo names a list", UNDO, "undoes", []),
        "undoes-null": ("an undo names null", UNDO, "undoes", None),
        "undoes-missing": ("an undo names nothing", UNDO, "undoes", _GONE),
        "text-number": ("the text of a note is a number", NOTE, "text", 7),
        "text-missing": ("a note has no text", NOTE, "text", _GONE),
        "reading-list": ("a blind reading is a list", NOTE, "reading", ["T2"]),
        "reading-unknown-class": ("a blind reading names no class", NOTE, "reading", {"sequence": "T9"}),
    }
    return [
        *(_field(name, wrong, PREDICTION, key, value) for name, (wrong, key, value) in predictions.items()),
        *(_field(name, wrong, CORRECTION, key, value) for name, (wrong, key, value) in corrections.items()),
        *(_field(name, wrong, kind, key, value) for name, (wrong, kind, key, value) in others.items()),
        _many("b-value-overflows", "the b-value is 1e999: JSON, but infinite", _overflow),
        _field(
            "extra-field", "a newer version added a field", PREDICTION, "added_later", {"a": [1]}, harmless=True
        ),
    ]  # fmt: skip


def _overflow(connection: Connection) -> None:
    content = json.loads(_newest(connection, PREDICTION)[1])
    text = json.dumps({**content, "b_value": "HERE"}).replace('"HERE"', "1e999")
    _add(connection, PREDICTION, {"payload": text})


# Columns


def _columns() -> list[CraftedJournal]:
    times = {
        "words": ("yesterday", "the time is a word"),
        "empty": ("", "the time is empty"),
        "month-13": ("2026-13-01T12:00:00.000000Z", "the month is 13"),
        "february-30": ("2026-02-30T12:00:00.000000Z", "there is no such day"),
        "hour-25": ("2026-01-31T25:61:61.000000Z", "there is no such hour"),
        "year-9999": ("9999-12-31T23:59:59.999999Z", "no later time can be written"),
        "far-future": ("2999-01-01T00:00:00.000000Z", "the time is centuries ahead"),
        "other-zone": ("2026-01-31T12:00:00.00+0200", "the time is not UTC"),
        "no-zone": ("2026-01-31T12:00:00.000000", "the time has no zone"),
        "other-digits": ("\uff12026-01-31T12:00:00.000000Z", "the digits of the time are not ASCII"),
        "number": (20260131, "the time is a number"),
        "blob": (b"2026-01-31T12:00:00.000000Z", "the time is a BLOB"),
    }
    parts = {
        "zero": (0, "there is no part 0"),
        "negative": (-3, "there is no part -3"),
        "huge": (2**63 - 1, "no series has so many parts"),
        "text": ("one", "the part is a text"),
        "real": (1.5, "the part is no whole number"),
        "blob": (b"\1", "the part is a BLOB"),
    }
    numbers = {
        "text": ("seven", "the series number is a text"),
        "out-of-range": (1e300, "the series number is beyond 64 bits"),
        "real": (6.5, "the series number is no whole number"),
        "blob": (b"6", "the series number is a BLOB"),
    }
    texts: dict[str, tuple[str, object, str]] = {
        "kind-unknown": ("kind", "guess", "there is no such kind of event"),
        "kind-empty": ("kind", "", "the kind is empty"),
        "kind-blob": ("kind", b"correction", "the kind is a BLOB"),
        "id-empty": ("id", "", "the id is empty"),
        "id-null": ("id", None, "there is no id"),
        "id-blob": ("id", ADDED.encode(), "the id is a BLOB"),
        "id-nul": ("id", f"{ADDED}\0more", "the id holds a NUL"),
        "id-not-utf-8": ("id", _Sql("CAST(x'ff' AS TEXT)"), "the id is no UTF-8"),
        "series-uid-empty": ("series_uid", "", "no series is named"),
        "series-uid-null": ("series_uid", None, "the series is null"),
        "series-uid-blob": ("series_uid", b"1.2.3", "the series UID is a BLOB"),
        "series-uid-nul": ("series_uid", "1.2.3\x00.4", "the series UID holds a NUL"),
        "series-uid-not-utf-8": (
            "series_uid",
            _Sql("CAST(x'312e32ff' AS TEXT)"),
            "the series UID is no UTF-8",
        ),
        "study-uid-blob": ("study_uid", b"1.2.3", "the study UID is a BLOB"),
        "study-uid-null": ("study_uid", None, "the study UID is null"),
        "actor-blob": ("actor", b"reader", "the actor is a BLOB"),
        "actor-not-utf-8": ("actor", _Sql("CAST(x'ff' AS TEXT)"), "the actor is no UTF-8"),
        "actor-nul": ("actor", "reader\x00 or other", "the actor holds a NUL"),
    }
    return [
        *(_column(f"time-{n}", wrong, CORRECTION, "time", value) for n, (value, wrong) in times.items()),
        *(_column(f"part-{n}", wrong, CORRECTION, "part", value) for n, (value, wrong) in parts.items()),
        _column("prediction-without-part", "a prediction is of no part", PREDICTION, "part", None),
        *(
            _column(f"series-number-{n}", wrong, PREDICTION, "series_number", value)
            for n, (value, wrong) in numbers.items()
        ),
        *(_column(n, wrong, CORRECTION, column, value) for n, (column, value, wrong) in texts.items()),
        _many("id-twice", "two events have one id", lambda c: _add(c, CORRECTION, {"id": _newest(c, CORRECTION)[0]})),
        _many("id-twice-other-kind", "a prediction has the id of a correction", _id_of_another),
        _column(
            "actor-100-mb", "the actor has 100 million characters", CORRECTION, "actor",
            _Sql(f"hex(zeroblob({_LONG // 2}))"), large=True,
        ),
        _column(
            "part-key-blob", "the part key is a BLOB", CORRECTION, "part_key", b"key", needs="part_key"
        ),
    ]  # fmt: skip


def _id_of_another(connection: Connection) -> None:
    _add(connection, PREDICTION, {"id": _newest(connection, CORRECTION)[0]})


# Undos that make no sense


def _undos() -> list[CraftedJournal]:
    def undo(connection: Connection, of: str, **changes: object) -> None:
        _add(connection, UNDO, {"payload": json.dumps({"undoes": of}), **changes})

    def cycle(connection: Connection) -> None:
        undo(connection, _ADDED_TOO)
        undo(connection, ADDED, id=_ADDED_TOO)

    def of_undo(connection: Connection) -> None:
        undo(connection, _newest(connection, CORRECTION)[0])
        undo(connection, ADDED, id=_ADDED_TOO)

    def of_other_series(connection: Connection) -> None:
        correction = _newest(connection, CORRECTION)[0]
        other = connection.execute(
            "SELECT series_uid FROM event WHERE series_uid <> (SELECT series_uid FROM event WHERE id = ?)",
            (correction,),
        ).fetchone()
        undo(connection, correction, series_uid=other[0] if other else "1.2.3")

    def before(connection: Connection) -> None:
        undo(connection, _newest(connection, CORRECTION)[0], time="2000-01-01T00:00:00.000000Z")

    return [
        _many("undo-of-itself", "an undo undoes itself", lambda c: undo(c, ADDED)),
        _many("undo-cycle", "two undos undo each other", cycle),
        _many("undo-of-an-undo", "an undo undoes an undo", of_undo),
        _many(
            "undo-of-a-prediction",
            "an undo undoes a prediction",
            lambda c: undo(c, _newest(c, PREDICTION)[0]),
        ),
        _many("undo-of-another-series", "an undo undoes the correction of another series", of_other_series),
        _many("undo-before-its-correction", "an undo is earlier than what it undoes", before),
    ]


# Schema and file


def _schemas() -> list[CraftedJournal]:
    def index_that_lies(connection: Connection) -> None:
        """One that SQLite trusts, and that holds nothing."""
        name, sql = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql IS NOT NULL"
            " ORDER BY name LIMIT 1"
        ).fetchone()
        connection.execute(f'DROP INDEX "{name}"')
        connection.execute(f"{sql} WHERE 0")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
        connection.execute("PRAGMA writable_schema = OFF")

    def no_index(connection: Connection) -> None:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql IS NOT NULL"
        ).fetchall():
            connection.execute(f'DROP INDEX "{name}"')

    def no_column(connection: Connection) -> None:
        _loosen(connection)
        no_index(connection)
        connection.execute("ALTER TABLE event DROP COLUMN payload")

    view = ("ALTER TABLE event RENAME TO kept", "CREATE VIEW event AS SELECT * FROM kept")
    return [
        _schema("no-table", "the table of events is gone", "DROP TABLE event"),
        _schema("view-for-table", "a view stands in the place of the table", *view),
        _many("no-column", "a column is gone", no_column),
        _many("no-index", "the indices are gone", no_index, harmless=True),
        _many("index-that-lies", "an index does not hold the events of the table", index_that_lies),
        _schema("application-id", "the file says that it is another program's", "PRAGMA application_id = 252006674"),
        _schema("no-application-id", "the file does not say whose it is", "PRAGMA application_id = 0"),
        _schema("version-newer", "the version is one of the future", "PRAGMA user_version = 999"),
        _schema("version-zero", "the file has no version", "PRAGMA user_version = 0"),
        _schema("version-negative", "the version is negative", "PRAGMA user_version = -1"),
        _schema(
            "part-images-text", "the images of a part are a text", "UPDATE part_images SET images = 'none'",
            needs="part_images",
        ),
        _schema(
            "part-images-missing", "no part has images", "DELETE FROM part_images", needs="part_images"
        ),
        _bytes("file-cut", "the second half of the file is missing", lambda _, content: content[: len(content) // 2]),
        _bytes("file-cut-in-header", "the file ends in its first page", lambda _, content: content[:60]),
        _bytes("file-empty", "the file is empty", lambda _, content: b"", opens=True),
        _bytes("file-of-text", "the file is a text", lambda _, content: b"id,time,kind\n" * 100),
        _bytes("file-header", "the header of the file is overwritten", lambda _, content: b"\0" * 100 + content[100:]),
        _bytes("file-page", "the first page of the table is overwritten", _without_root),
    ]  # fmt: skip


def _without_root(path: Path, content: bytes) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()
    return content[: (root - 1) * size] + b"\xff" * size + content[root * size :]


CRAFTED: tuple[CraftedJournal, ...] = (*_payloads(), *_fields(), *_columns(), *_undos(), *_schemas())
