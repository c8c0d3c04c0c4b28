"""Instances kept between reading files and making studies: in memory while they are few, else on disk."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable

from SeriesClassifierLib.records import Instance, Repair, Repaired, TagValue

# About 100 MB of tags. More goes to a temporary file, so that memory stays flat.
_MOST_IN_MEMORY = 20_000
_TABLE = "CREATE TABLE instance (study TEXT, series TEXT, path BLOB, frame INTEGER, tags TEXT)"
_INSERT = "INSERT INTO instance VALUES (?, ?, ?, ?, ?)"


class InstanceSpool:
    """Add instances in any order, then take them study by study."""

    def __init__(self) -> None:
        self._memory: dict[str, list[Instance]] = {}
        self._held = 0
        self._disk: sqlite3.Connection | None = None

    def add(self, instances: Iterable[Instance]) -> None:
        """Keep ``instances``."""
        for instance in instances:
            self._memory.setdefault(_place(instance)[0], []).append(instance)
            self._held += 1
        if self._held > _MOST_IN_MEMORY:
            self._spill()

    def count_series(self) -> int:
        """Number of different pairs of study and series."""
        if self._disk is None:
            return len({_place(instance) for study in self._memory.values() for instance in study})
        self._spill()
        query = "SELECT COUNT(*) FROM (SELECT DISTINCT study, series FROM instance)"
        return int(self._disk.execute(query).fetchone()[0])

    def shared_series(self) -> dict[str, int]:
        """SeriesInstanceUID -> number of studies, of those that several studies use."""
        if self._disk is None:
            pairs = {_place(instance) for study in self._memory.values() for instance in study}
            counts = Counter(series for _, series in pairs)
            return {series: n for series, n in counts.items() if n > 1}
        self._spill()
        query = "SELECT series, COUNT(DISTINCT study) AS n FROM instance GROUP BY series HAVING n > 1"
        return dict(self._disk.execute(query))

    def studies(self) -> list[str]:
        """StudyInstanceUIDs, sorted."""
        if self._disk is None:
            return sorted(self._memory)
        self._spill()
        self._disk.execute("CREATE INDEX IF NOT EXISTS by_study ON instance (study)")
        return [row[0] for row in self._disk.execute("SELECT DISTINCT study FROM instance ORDER BY study")]

    def series_of(self, study_uid: str) -> dict[str, list[Instance]]:
        """SeriesInstanceUID -> instances of one study."""
        out: dict[str, list[Instance]] = {}
        for instance in self._instances_of(study_uid):
            out.setdefault(instance.text("SeriesInstanceUID"), []).append(instance)
        return out

    def close(self) -> None:
        """Release memory and disk."""
        self._memory.clear()
        if self._disk is not None:
            self._disk.close()
            self._disk = None

    def _instances_of(self, study_uid: str) -> Iterable[Instance]:
        if self._disk is None:
            return self._memory.get(study_uid, [])
        query = "SELECT path, frame, tags FROM instance WHERE study = ?"
        rows = self._disk.execute(query, (study_uid,))
        return (_instance(os.fsdecode(path), frame, text) for path, frame, text in rows)

    def _spill(self) -> None:
        if self._disk is None:
            self._disk = sqlite3.connect("")  # a temporary file of SQLite's own, gone when it is closed
            self._disk.execute(_TABLE)
        self._disk.executemany(_INSERT, (_row(i) for study in self._memory.values() for i in study))
        self._memory.clear()
        self._held = 0


def _place(instance: Instance) -> tuple[str, str]:
    return instance.text("StudyInstanceUID"), instance.text("SeriesInstanceUID")


def _row(instance: Instance) -> tuple[str, str, bytes, int, str]:
    # The name of a file is bytes: it need not be text in any encoding.
    repairs = [(one.keyword, one.repair.value) for one in instance.repairs]
    text = json.dumps([instance.tags, repairs])
    return (*_place(instance), os.fsencode(instance.path), instance.frame, text)


def _instance(path: str, frame: int, text: str) -> Instance:
    tags, repairs = json.loads(text)
    values: dict[str, TagValue] = {k: tuple(v) if isinstance(v, list) else v for k, v in tags.items()}
    return Instance(path, frame, values, repairs=tuple(Repaired(k, Repair(r)) for k, r in repairs))
