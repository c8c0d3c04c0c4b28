"""The labels of one source: what could not be written is not said to be done, and an undo is never lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from support.panel import MODULE
from support.predictions import fake_images, make_prediction

from SeriesClassifierLib.identity import part_key, series_key
from SeriesClassifierLib.journal.store import Journal

STUDY = "1.2.1"
FIRST, SECOND = (series_key(STUDY, uid) for uid in ("1.1", "1.2"))


@pytest.fixture
def labels(slicer_standin, tmp_path, monkeypatch):
    """The labels of a journal with two series."""
    slicer_standin.load(MODULE)
    # Reloading the module loads the library again, too.
    from SeriesClassifierApp.LabelStore import SourceLabels
    from SeriesClassifierApp.Sources import Source

    from SeriesClassifierLib.journal import schema

    monkeypatch.setattr(schema, "_TIMEOUT_S", 0.1)

    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.add_predictions(make_prediction(series_uid=uid) for uid in ("1.1", "1.2"))
    found = SourceLabels(Source(str(tmp_path / "ctkDICOM.sql"), str(path)), "reader")
    yield found
    found.close()
    slicer_standin.loaded.unload()


def work(steps):
    for _ in steps:
        pass


def test_an_undo_while_the_journal_is_busy_can_be_tried_again(labels):
    from SeriesClassifierLib.errors import JournalError

    for key in (FIRST, SECOND):
        work(labels.correct([(key, None)], {"sequence": "DWI"}))
    with closing(sqlite3.connect(labels.source.journal, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError):
            work(labels.undo([]))
        other.execute("ROLLBACK")
    found = []
    work(labels.undo(found))
    assert found == [SECOND]
    assert labels.isHuman(FIRST, None)
    assert not labels.isHuman(SECOND, None)
    assert labels.canUndo


def test_a_part_with_other_images_by_now_is_not_said_to_be_corrected(labels):
    (before,) = labels.predictions([(FIRST, None)])
    images = fake_images("1.1", 1, n=4)
    with Journal(labels.source.journal) as journal:
        key = part_key(STUDY, "1.1", ("time=1",), images)
        journal.add_predictions([replace(make_prediction(series_uid="1.1"), images=images, part_key=key)])
    done = []
    work(labels.correct([(FIRST, before.part_key), (SECOND, None)], {"sequence": "DWI"}, "", done))
    assert done == [(SECOND, None)]
    assert not labels.isHuman(FIRST, None)
    assert labels.isHuman(SECOND, None)
