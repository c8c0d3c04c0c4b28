"""What an error of SQLite means, from its code and never from its words."""

from __future__ import annotations

from enum import Enum


class SqliteProblem(Enum):
    """Why SQLite did not do what it was asked for."""

    BUSY = "busy"
    READ_ONLY = "read-only"
    FULL = "full"
    DAMAGED = "damaged"
    NOT_A_DATABASE = "not a database"
    OTHER = "other"


# Primary result codes (https://www.sqlite.org/rescode.html). PROTOCOL is a lock that stayed contended.
_OF_CODE = {
    3: SqliteProblem.READ_ONLY,  # PERM
    5: SqliteProblem.BUSY,
    6: SqliteProblem.BUSY,  # LOCKED
    8: SqliteProblem.READ_ONLY,
    11: SqliteProblem.DAMAGED,  # CORRUPT
    13: SqliteProblem.FULL,
    14: SqliteProblem.READ_ONLY,  # CANTOPEN
    15: SqliteProblem.BUSY,  # PROTOCOL
    26: SqliteProblem.NOT_A_DATABASE,  # NOTADB
}
# Python 3.10 does not pass the code on. These are the texts that SQLite has for those codes (sqlite3ErrStr).
_OF_TEXT = {
    "access permission denied": SqliteProblem.READ_ONLY,
    "database is locked": SqliteProblem.BUSY,
    "database table is locked": SqliteProblem.BUSY,
    "database schema is locked": SqliteProblem.BUSY,
    "locking protocol": SqliteProblem.BUSY,
    "attempt to write a readonly database": SqliteProblem.READ_ONLY,
    "unable to open database": SqliteProblem.READ_ONLY,
    "database disk image is malformed": SqliteProblem.DAMAGED,
    "malformed database schema": SqliteProblem.DAMAGED,
    "database or disk is full": SqliteProblem.FULL,
    "file is not a database": SqliteProblem.NOT_A_DATABASE,
}


def sqlite_problem(error: Exception) -> SqliteProblem:
    """The kind of an ``sqlite3.Error``; OTHER for any that is none of the named kinds."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _OF_CODE.get(code & 0xFF, SqliteProblem.OTHER)
    text = str(error)
    found = (problem for beginning, problem in _OF_TEXT.items() if text.startswith(beginning))
    return next(found, SqliteProblem.OTHER)
