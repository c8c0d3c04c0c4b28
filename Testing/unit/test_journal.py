"""The journal keeps everything that was said, in any order of saying it, and through any accident."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.errors import JournalError, UsageError
from SeriesClassifierLib.journal.events import EventKind, event_prediction, prediction_event
from SeriesClassifierLib.journal.merge import merge
from SeriesClassifierLib.journal.state import nothing_known
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import DecidedBy, Opinion, Prediction, Reason, Status, Witness

REPOSITORY = Path(__file__).resolve().parents[2]
UID = "1.2.1.5"
START = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "SeriesClassifier.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path, clock=lambda: START) as opened:
        yield opened


def parts(n: int, **changes: Any) -> list[Prediction]:
    return [make_prediction(part=index, **changes) for index in range(1, n + 1)]


def recorded(*predictions: Prediction) -> list[Prediction]:
    """As the journal gives them back: it keeps their images for itself."""
    return [replace(prediction, images=b"") for prediction in predictions]


def of(journal: Journal, series_uid: str, part: int | None = None) -> list[Prediction]:
    """The parts of a series as they stand, or one of them."""
    return [p for p in journal.current_series(series_uid) if part in (None, p.part)]


def correct(journal: Journal, series_uid: str, part: int | None, sequence: str, user: str = "ms") -> None:
    """Label a part, or all of a series, where the journal has any."""
    if chosen := of(journal, series_uid, part):
        journal.correct(chosen, {"sequence": sequence}, user)


def state(path: Path) -> list[Prediction]:
    with Journal(path, readonly=True) as journal:
        return list(journal.current_all())


def event_ids(path: Path) -> set[str]:
    with Journal(path, readonly=True) as journal:
        return {event.id for event in journal.events()}


# What is written comes back


def test_a_prediction_comes_back_as_it_was(journal: Journal) -> None:
    prediction = make_prediction(b_value=800.0, description="süß \u0000 =1", error="x")
    # Half a character, of a damaged header, becomes a question mark: another journal may take the rest.
    journal.add_predictions([replace(prediction, error="\udcff"), replace(prediction, part=2, error="x\udcff")])
    assert [p.error for p in journal.current_all()] == ["?", "x?"]
    journal.add_predictions([prediction])
    assert [journal.current(prediction.part_key)] == recorded(prediction)
    assert list(journal.current_all()) == recorded(prediction)
    assert journal.images_of(replace(prediction, images=b"")) == journal.images_of(prediction) != frozenset()


def test_numbers_that_are_not_finite_are_left_out(journal: Journal) -> None:
    nan = float("nan")
    journal.add_predictions(
        [
            make_prediction(
                confidence=nan,
                b_value=float("inf"),
                opinions=(Opinion(Witness.HEADER, "headers", "plane", {"AX": nan, "COR": 0.5}),),
            )
        ]
    )
    (found,) = of(journal, UID)
    assert (found.confidence, found.b_value) == (None, None)
    assert [opinion.classes for opinion in found.opinions] == [{"COR": 0.5}]


def test_the_newest_prediction_stands_for_the_whole_series(journal: Journal) -> None:
    journal.add_predictions(parts(3))
    journal.add_predictions(parts(2, sequence="T1", label="T1 AX"))
    assert [(p.part, p.sequence) for p in journal.current_series(UID)] == [(1, "T1"), (2, "T1")]
    assert journal.current(make_prediction(part=3).part_key) is None


def test_a_series_that_nobody_knows_has_no_label(journal: Journal) -> None:
    assert journal.current("all@0") is None
    assert journal.current_series("9.9") == []


def test_a_file_without_series_is_left_out(journal: Journal) -> None:
    journal.add_predictions([make_prediction(series_uid="", status=Status.FAILED), make_prediction()])
    assert [p.series_uid for p in journal.current_all()] == [UID]


def test_all_labels_come_in_the_order_of_the_table(journal: Journal) -> None:
    rows = [
        make_prediction(study_uid="2", series_uid="2.1", series_number=1),
        make_prediction(study_uid="1", series_uid="1.9", series_number=None),
        make_prediction(study_uid="1", series_uid="1.1", series_number=10),
        make_prediction(study_uid="1", series_uid="1.2", series_number=9, part=2),
        make_prediction(study_uid="1", series_uid="1.2", series_number=9, part=1),
    ]
    journal.add_predictions(rows)
    assert list(journal.current_all()) == recorded(rows[4], rows[3], rows[2], rows[1], rows[0])


def test_predictions_for_serves_resume(journal: Journal) -> None:
    journal.add_predictions(parts(2))
    journal.add_predictions(parts(1, fingerprint="f2", sequence="T1"))
    study = make_prediction().study_uid
    # What was seen before the newest run has to be looked at again, or the newest would stand for it.
    assert journal.predictions_for(study, UID, "f1", "d1") == []
    journal.add_predictions(parts(2))
    assert journal.predictions_for("another study", UID, "f1", "d1") == []
    assert len(journal.predictions_for(study, UID, "f1", "d1")) == 2
    assert journal.predictions_for(study, UID, "f1", "other") == []
    correct(journal, UID, 1, "PD")
    assert [p.sequence for p in journal.predictions_for(study, UID, "f1", "d1")] == ["PD", "T2"]


# Corrections


def test_a_human_label_is_never_overwritten(journal: Journal) -> None:
    journal.add_predictions([make_prediction(sequence="DWI", label="DWI AX b800", b_value=800.0)])
    said = {"derived": "calc_bval", "plane": "COR"}
    journal.correct(of(journal, UID), said, "ms", note="seen on the console")
    for _ in range(2):
        (found,) = of(journal, UID)
        assert found.label == "DWI COR b800 CALC_BVAL"
        assert (found.status, found.decided_by, found.confidence) == (Status.CORRECTED, DecidedBy.HUMAN, None)
        human = {e.facet: e for e in found.evidence if e.witness is Witness.HUMAN}
        assert (human["plane"].value, human["plane"].other) == ("COR", "AX")
        assert {(e.reason, e.source, e.detail) for e in human.values()} == {
            (Reason.LABELED, "ms", "seen on the console")
        }
        journal.add_predictions([make_prediction(sequence="DWI", b_value=800.0, fingerprint="f2")])


def test_a_correction_of_all_parts_does_not_hold_for_parts_to_come(journal: Journal) -> None:
    journal.add_predictions(parts(2))
    correct(journal, UID, None, "PD")
    journal.add_predictions(parts(3))
    assert [p.label for p in journal.current_series(UID)] == ["PD AX", "PD AX", "T2 AX"]


def test_a_label_of_a_series_that_nobody_saw_waits_and_is_asked_about(journal: Journal) -> None:
    journal.correct_unseen(UID, {"sequence": "PD", "plane": "SAG"}, "ms")
    (found,) = journal.current_series(UID)
    assert (found.label, found.status) == ("PD SAG", Status.CORRECTED)
    assert list(journal.current_all()) == [found]
    journal.add_predictions(parts(2))
    assert [p.label for p in journal.current_all()] == ["T2 AX", "T2 AX"]
    for p in journal.current_all():
        assert p.status is Status.REVIEW
        assert (p.evidence[0].reason, p.evidence[0].source) == (Reason.LABELED_OTHER_IMAGES, "ms")


def test_a_correction_touches_no_other_part_series_or_study(journal: Journal) -> None:
    others = [
        make_prediction(part=2),
        make_prediction(series_uid="1.2.1.6", series_number=6),
        make_prediction(study_uid="1.2.9"),
    ]
    journal.add_predictions([make_prediction(), *others])
    correct(journal, UID, None, "T1")
    journal.correct([make_prediction()], {"sequence": "PD"}, "ms")
    journal.undo([make_prediction(part=2)], "ms")
    assert [p.sequence for p in journal.current_all()] == ["PD", "T2", "T2", "T2"]
    assert journal.current_series("1.2.1.6") == recorded(others[1])


def test_two_studies_of_one_series_uid_are_kept_apart_and_warned_about(journal: Journal) -> None:
    journal.add_predictions([make_prediction()])
    assert [p.status for p in journal.current_all()] == [Status.AUTO]
    journal.add_predictions([make_prediction(study_uid="1.2.9", patient_id="P-2")])
    for p in journal.current_all():
        assert (p.status, p.evidence[0].reason) == (Status.REVIEW, Reason.SHARED_SERIES_UID)
    journal.correct(journal.current_series(UID, "1.2.9"), {"sequence": "PD"}, "ms")
    assert [(p.study_uid, p.sequence) for p in journal.current_series(UID)] == [
        ("1.2.1", "T2"),
        ("1.2.9", "PD"),
    ]


def test_later_corrections_stand_and_undo_brings_back_what_was_before(journal: Journal) -> None:
    journal.add_predictions(parts(2))
    correct(journal, UID, None, "PD")
    correct(journal, UID, 1, "T1")
    labels = lambda: [p.label for p in journal.current_series(UID)]  # noqa: E731
    assert labels() == ["T1 AX", "PD AX"]
    assert [c.part for c in journal.undo(of(journal, UID, 1), "ms")] == [1]
    assert labels() == ["PD AX", "PD AX"]
    assert sorted(c.part or 0 for c in journal.undo(of(journal, UID, 2), "ms")) == [1, 2]
    assert labels() == ["T2 AX", "T2 AX"]
    assert journal.undo(of(journal, UID), "ms") == []
    assert [p.status for p in journal.current_series(UID)] == [Status.AUTO, Status.AUTO]
    assert len(list(journal.events(UID))) == 8


def test_a_note_changes_no_label(journal: Journal) -> None:
    journal.add_predictions(parts(1))
    journal.note(make_prediction(), "motion", "ms")
    assert journal.current_series(UID) == recorded(*parts(1))
    assert [e.kind for e in journal.events()] == [EventKind.PREDICTION, EventKind.NOTE]


def test_fresh_predictions_get_the_human_labels(journal: Journal) -> None:
    journal.correct([make_prediction()], {"sequence": "PD"}, "ms")
    other = make_prediction(series_uid="7")
    assert [p.sequence for p in journal.with_corrections([make_prediction(), other])] == ["PD", "T2"]


@pytest.mark.parametrize(
    ("uid", "facets"),
    [(UID, {}), (UID, {"sequence": "T9"}), (UID, {"color": "red"}), ("", {"sequence": "T1"})],
)
def test_a_wrong_correction_is_refused_and_leaves_nothing(
    journal: Journal, uid: str, facets: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        journal.correct([make_prediction(), make_prediction(series_uid=uid)], facets, "ms")
    assert list(journal.events()) == []


# Time


def test_a_clock_set_back_does_not_let_old_words_win(path: Path) -> None:
    with Journal(path, clock=lambda: START) as journal:
        journal.add_predictions(parts(1))
        correct(journal, UID, 1, "T1")
    with Journal(path, clock=lambda: START - timedelta(days=900)) as journal:
        correct(journal, UID, 1, "PD")
        (found,) = of(journal, UID, 1)
        times = [event.time[-8:] for event in journal.events()]
    assert found.sequence == "PD"
    assert times == [".000000Z", ".000001Z", ".000002Z"]


def test_the_events_of_one_act_have_an_order(journal: Journal) -> None:
    given = parts(5)
    journal.add_predictions(given)
    journal.correct(given, {"sequence": "T1"}, "reader")
    happened = [(event.kind, event.part) for event in journal.events()]
    assert happened == [(kind, n) for kind in (EventKind.PREDICTION, EventKind.CORRECTION) for n in range(1, 6)]


# Append-only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET payload = '{}'",
        "DELETE FROM event",
        "UPDATE event SET time = time",
        "UPDATE part_images SET images = x''",
        "DELETE FROM part_images",
    ],
)
def test_nothing_in_the_file_can_be_changed(journal: Journal, path: Path, statement: str) -> None:
    journal.add_predictions(parts(2))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        sqlite3.connect(path).execute(statement)
    assert journal.current_series(UID) == recorded(*parts(2))


def test_replacing_an_event_does_nothing(journal: Journal, path: Path) -> None:
    journal.add_predictions(parts(1))
    with sqlite3.connect(path) as other:
        other.execute("INSERT OR REPLACE INTO event SELECT * FROM event")
        names = [row[1] for row in other.execute("PRAGMA table_info(event)")]
        changed = ", ".join("'{}'" if name == "payload" else name for name in names)
        other.execute(f"INSERT OR REPLACE INTO event SELECT {changed} FROM event")
    assert journal.current_series(UID) == recorded(*parts(1))


# Merging

SERIES = ("1.1", "1.2")
CLASSES = ("T1", "T2", "PD")
PARTS = st.one_of(st.none(), st.integers(1, 2))
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("predict"), st.sampled_from(SERIES), st.integers(1, 3), st.sampled_from(CLASSES)),
        st.tuples(st.just("correct"), st.sampled_from(SERIES), PARTS, st.sampled_from(CLASSES)),
        st.tuples(st.just("undo"), st.sampled_from(SERIES), PARTS, st.just("")),
        st.tuples(st.just("note"), st.sampled_from(SERIES), PARTS, st.just("")),
    ),
    max_size=6,
)
# Few different times, so that many events of the two journals have the same.
TICKS = st.lists(st.integers(0, 4), min_size=6, max_size=6)


def perform(path: Path, operations: list[tuple[str, str, int | None, str]], ticks: list[int]) -> None:
    clock = iter(START + timedelta(microseconds=tick) for tick in ticks)
    with Journal(path, clock=lambda: next(clock, START)) as journal:
        for what, uid, part, value in operations:
            if what == "predict":
                journal.add_predictions(parts(part or 1, series_uid=uid, sequence=value))
            elif what == "correct":
                correct(journal, uid, part, value)
            elif what == "undo":
                journal.undo(of(journal, uid, part), "ms")
            else:
                for one in of(journal, uid, part):
                    journal.note(one, "seen", "ms")


def merged(target: Path, *others: Path) -> None:
    merge(target, others)


@settings(max_examples=15, deadline=None)
@given(OPERATIONS, OPERATIONS, OPERATIONS, TICKS, TICKS, TICKS)
def test_merging_is_a_union(a: Any, b: Any, c: Any, ta: Any, tb: Any, tc: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        originals = [Path(folder, f"{name}.sqlite") for name in "abc"]
        for path, operations, ticks in zip(originals, (a, b, c), (ta, tb, tc), strict=True):
            perform(path, operations, ticks)
        union = set().union(*map(event_ids, originals))
        one, two = Path(folder, "one.sqlite"), Path(folder, "two.sqlite")
        merged(one, *originals)
        merged(two, originals[2], originals[0], originals[2])
        merged(two, originals[1], one)
        merged(originals[0], originals[1])
        merged(originals[0], originals[2], originals[0])
        expected = state(one)
        assert event_ids(one) == event_ids(two) == event_ids(originals[0]) == union
        assert state(two) == expected
        assert state(originals[0]) == expected


def test_merging_counts_what_is_new_and_again_is_nothing(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with Journal(other) as journal:
        journal.add_predictions(parts(3))
    assert merge(path, [other]) == {other: 3}
    assert merge(path, [other]) == {other: 0}
    with Journal(path) as journal:
        assert journal.current_series(UID) == recorded(*parts(3))


def test_merging_what_is_no_journal_changes_nothing(journal: Journal, tmp_path: Path) -> None:
    journal.add_predictions(parts(1))
    with pytest.raises(JournalError):
        merge(journal.path, [tmp_path / "missing.sqlite"])
    assert journal.current_series(UID) == recorded(*parts(1))


def test_a_label_that_two_people_undid_is_undone_once(tmp_path: Path) -> None:
    first, second = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    with Journal(first) as journal:
        journal.add_predictions(parts(1))
        correct(journal, UID, 1, "T1")
        correct(journal, UID, 1, "PD")
    merged(second, first)
    for path in (first, second):
        with Journal(path) as journal:
            journal.undo(of(journal, UID, 1), "ms")
    merged(first, second)
    assert [p.sequence for p in state(first)] == ["T1"]


# Accidents


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process without a word")
def test_killed_in_the_middle_loses_nothing_that_was_committed(path: Path) -> None:
    script = """
        import os, signal, sys
        from dataclasses import replace
        from support.predictions import make_prediction
        from SeriesClassifierLib.journal.store import Journal

        def dying():
            for number in range(3):
                yield make_prediction(series_uid=f"2.{number}")
            os.kill(os.getpid(), signal.SIGKILL)
            yield make_prediction(series_uid="2.9")

        journal = Journal(sys.argv[1])
        journal.add_predictions([make_prediction(series_uid=f"1.{number}") for number in range(3)])
        journal.correct(journal.current_series("1.0"), {"sequence": "PD"}, "ms")
        journal.add_predictions(dying())
    """
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'Testing'}"}
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert [(p.series_uid, p.sequence) for p in state(path)] == [("1.0", "PD"), ("1.1", "T2"), ("1.2", "T2")]
    with Journal(path) as journal:
        journal.verify()
        journal.add_predictions([make_prediction(series_uid="2.0")])
    assert len(state(path)) == 4


def test_an_error_while_predicting_writes_nothing(journal: Journal) -> None:
    def failing() -> Iterator[Prediction]:
        yield make_prediction()
        raise RuntimeError("model")

    with pytest.raises(RuntimeError, match="model"):
        journal.add_predictions(failing())
    assert list(journal.events()) == []
    journal.add_predictions(parts(1))
    assert journal.current_series(UID) == recorded(*parts(1))


def test_a_full_disk_is_said_and_loses_nothing(path: Path) -> None:
    with Journal(path) as journal:
        journal.add_predictions(parts(2))
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalError, match="disk is full; free some space"):
            journal.add_predictions(parts(200, series_uid="9"))
        assert journal.current_series(UID) == recorded(*parts(2))
    assert state(path) == recorded(*parts(2))


def test_two_processes_write_in_turn(path: Path) -> None:
    with Journal(path) as first, Journal(path) as second:
        for number in range(4):
            (first if number % 2 else second).add_predictions([make_prediction(series_uid=str(number))])
        assert list(first.current_all()) == list(second.current_all())
        assert len(list(first.current_all())) == 4


def test_a_locked_journal_is_said(journal: Journal, path: Path) -> None:
    journal._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="another program is writing"):
        journal.add_predictions(parts(1))
    other.execute("ROLLBACK")
    other.close()
    journal.add_predictions(parts(1))


# Opening


def test_reading_a_journal_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        Journal(path, readonly=True)
    assert not path.exists()


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="does not exist: make it"):
        Journal(tmp_path / "no" / "j.sqlite")


def text_file(path: Path) -> None:
    path.write_text("this is a text file that is long enough to be looked at by any database program\n" * 20)


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Series (SeriesInstanceUID TEXT)")
    connection.close()


def newer_journal(path: Path) -> None:
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def other_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        f"CREATE TABLE event (id); PRAGMA application_id = {0x53434A31}; PRAGMA user_version = 1"
    )
    connection.close()


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text_file, "not a journal; name another"),
        (foreign_database, "another program: name another"),
        (newer_journal, "newer SeriesClassifier: update"),
        (other_table, "not a journal of this program"),
    ],
)
def test_what_is_no_journal_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], None], words: str, readonly: bool
) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=words):
        Journal(path, readonly=readonly)
    assert path.read_bytes() == before


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        Journal(tmp_path)


def test_a_damaged_journal_is_said(path: Path) -> None:
    with Journal(path) as journal:
        for number in range(60):
            journal.add_predictions([make_prediction(series_uid=str(number))])
    content = bytearray(path.read_bytes())
    content[8192 : len(content) - 4096] = b"\xaa" * (len(content) - 8192 - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError, match="damaged"), Journal(path, readonly=True) as journal:
        journal.verify()


@contextmanager
def not_root() -> Iterator[None]:
    """Permissions do not bind the superuser."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no permissions of the kind that is tested")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def readonly_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield folder
        folder.chmod(0o755)


def test_a_read_only_folder_is_said_and_can_still_be_read_from(readonly_folder: Path) -> None:
    path = readonly_folder / "j.sqlite"
    with Journal(path) as journal:
        journal.add_predictions(parts(2))
    path.chmod(0o444)
    readonly_folder.chmod(0o555)
    with not_root():
        with pytest.raises(JournalError, match="cannot be written; check the permissions"):
            Journal(path)
        with pytest.raises(JournalError, match="cannot be written; check the permissions"):
            Journal(readonly_folder / "new.sqlite")
        assert state(path) == recorded(*parts(2))


def test_reading_only_cannot_write(path: Path) -> None:
    Journal(path).close()
    with Journal(path, readonly=True) as journal, pytest.raises(JournalError, match="cannot be written"):
        journal.correct([make_prediction()], {"sequence": "T1"}, "ms")


def test_events_of_another_vocabulary_do_not_stop_reading(journal: Journal) -> None:
    journal.add_predictions(parts(1))
    event = replace(
        next(iter(journal.events())),
        id="x",
        kind=EventKind.CORRECTION,
        batch="",
        payload={"facets": {"color": "red"}, "note": ""},
    )
    journal._append([event])
    assert [p.status for p in journal.current_all()] == [Status.CORRECTED]


def test_many_corrections_are_all_made_or_none(journal: Journal) -> None:
    journal.add_predictions([*parts(1, series_uid="1.1"), *parts(2, series_uid="1.2")])
    ids = journal.correct([*of(journal, "1.1"), *of(journal, "1.2", 2)], {"sequence": "PD"}, "ms", "seen")
    assert len(set(ids)) == 2
    assert [p.sequence for p in journal.current_all()] == ["PD", "T2", "PD"]
    with pytest.raises(UsageError):
        journal.correct([*of(journal, "1.1"), nothing_known("", 1)], {"sequence": "T1"}, "ms")
    assert [p.sequence for p in journal.current_all()] == ["PD", "T2", "PD"]


def test_unlabeled_parts_are_corrected_with_the_chosen_ones_and_labeled_ones_are_left(
    journal: Journal,
) -> None:
    journal.add_predictions(
        [*parts(1, series_uid="1.1"), *parts(2, series_uid="1.2"), *parts(1, series_uid="1.3")]
    )
    journal.correct(of(journal, "1.2", 2), {"plane": "SAG"}, "somebody")
    others = [*of(journal, "1.1"), *of(journal, "1.2"), *of(journal, "1.3")]
    labeled: list[Prediction] = []
    chosen, pd = of(journal, "1.1"), {"sequence": "pd"}
    assert journal.correct_unlabeled(chosen, iter(others), pd, "ms", "", labeled.append) == (3, 3)
    assert [(p.series_uid, p.part) for p in labeled] == [("1.2", 2)]
    wanted = [("1.1", 1), ("1.2", 1), ("1.3", 1)]
    assert [p.sequence for p in journal.current_all()] == ["PD", "PD", "T2", "PD"]
    assert reverted(journal.undo(of(journal, "1.3"), "ms")) == wanted
    correct(journal, "1.3", None, "T1", "somebody")
    assert journal.correct_unlabeled([], of(journal, "1.3"), {"sequence": "PD"}, "ms") == (0, 0)
    with pytest.raises(UsageError):
        journal.correct_unlabeled([], [nothing_known("", 1)], {"sequence": "PD"}, "ms")


def reverted(corrections: list[Any]) -> list[tuple[str, int]]:
    return sorted((c.about.series_uid, c.part) for c in corrections)


# --- steps and readings


def three(journal: Journal) -> list[Prediction]:
    """Three series of one part each, as they stand."""
    journal.add_predictions([make_prediction(series_uid=uid) for uid in ("1.1", "1.2", "1.3")])
    return list(journal.current_all())


def test_a_step_is_reverted_as_a_whole(journal: Journal) -> None:
    all_three = three(journal)
    correct(journal, "1.1", None, "T1")
    journal.correct(all_three, {"sequence": "PD"}, "ms")
    wanted = [("1.1", 1), ("1.2", 1), ("1.3", 1)]
    assert reverted(journal.undo(of(journal, "1.2"), "ms")) == wanted
    assert [p.sequence for p in journal.current_all()] == ["T1", "T2", "T2"]
    assert reverted(journal.undo(of(journal, "1.1"), "ms")) == [("1.1", 1)]
    assert journal.undo(of(journal, "1.1"), "ms") == []


def test_a_step_leaves_alone_what_was_reverted_or_said_later(journal: Journal) -> None:
    all_three = three(journal)
    journal.correct(all_three[:1], {"sequence": "FLAIR"}, "ms", step="an act")
    journal.correct(all_three[1:], {"sequence": "FLAIR"}, "ms", step="an act")
    assert reverted(journal.undo_step("an act", "ms", at_most=1)) == [("1.3", 1)]
    correct(journal, "1.2", None, "PD")
    assert reverted(journal.undo(of(journal, "1.1"), "ms")) == [("1.1", 1), ("1.2", 1)]
    assert [p.sequence for p in journal.current_all()] == ["T2", "PD", "T2"]
    assert journal.undo_step("an act", "ms") == []


@pytest.mark.parametrize("at_most", [1, 2, 3, 5])
def test_a_step_is_reverted_piece_by_piece(journal: Journal, at_most: int) -> None:
    given = parts(5)
    journal.add_predictions(given)
    journal.correct(given[:2], {"sequence": "FLAIR"}, "ms", step="an act")
    journal.correct(given, {"sequence": "PD"}, "ms", step="another act")
    journal.correct(given[2:], {"sequence": "FLAIR"}, "ms", step="an act")
    last, found = None, []
    while taken := journal.undo_step("an act", "ms", at_most=at_most, before=last):
        assert len(taken) <= at_most
        last = taken[-1]
        found += taken
    assert [c.part for c in found] == [5, 4, 3, 2, 1]
    assert [p.sequence for p in journal.current_all()] == ["PD"] * 5


def test_a_blind_reading_changes_no_label(journal: Journal) -> None:
    journal.add_predictions(parts(1))
    correct(journal, UID, 1, "T1", "first")
    journal.add_reading(make_prediction(), {"sequence": "t2"}, "second")
    assert [p.sequence for p in journal.current_series(UID)] == ["T1"]
    (reading,) = [event for event in journal.events() if event.kind is EventKind.NOTE]
    assert reading.payload["reading"] == {"sequence": "T2"}
    assert [(said.user, said.facets) for said in journal.readings(UID)] == [
        ("first", {"sequence": "T1"}),
        ("second", {"sequence": "T2"}),
    ]
    with pytest.raises(UsageError, match="is no sequence"):
        journal.add_reading(make_prediction(), {"sequence": "T9"}, "second")


def test_human_labels_are_what_people_said_beside_what_the_model_says(journal: Journal) -> None:
    journal.add_predictions(
        [make_prediction(), make_prediction(part=2), make_prediction(series_uid="1.2.1.6")]
    )
    journal.correct(of(journal, UID), {"sequence": "T1", "plane": "COR"}, "first")
    correct(journal, UID, 2, "PD", "second")
    one, two = journal.human_labels()
    assert [one.model, two.model] == recorded(make_prediction(), make_prediction(part=2))
    assert (one.facets, one.user) == ({"sequence": "T1", "plane": "COR"}, "first")
    assert (two.facets, two.user) == ({"sequence": "PD", "plane": "COR"}, "second")
    assert one.time < two.time
    journal.undo(of(journal, UID, 2), "second")
    assert [label.facets["sequence"] for label in journal.human_labels()] == ["T1", "T1"]


# --- damaged rows, other versions


def test_a_damaged_row_costs_itself_and_no_other(path: Path) -> None:
    with Journal(path) as journal:
        three(journal)
        correct(journal, "1.1", None, "T1")
        correct(journal, "1.2", None, "PD")
    with closing(sqlite3.connect(path)) as connection:
        for name in ("event_no_update", "event_once"):
            connection.execute(f"DROP TRIGGER {name}")
        for kind, payload in (("prediction", "{"), ("correction", "[1]"), ("prediction", "cast(x'ff' as text)")):
            value = payload if payload.startswith("cast") else f"'{payload}'"
            connection.execute(
                f"UPDATE event SET payload = {value} WHERE id = (SELECT id FROM event WHERE kind = '{kind}' "
                "AND length(payload) > 10 ORDER BY time LIMIT 1)"
            )
        connection.commit()
    with Journal(path, readonly=True) as journal:
        assert [(p.series_uid, p.sequence) for p in journal.current_all()] == [("1.3", "T2")]
        assert journal.damaged > 0
        assert [e.kind for e in journal.events()] == [EventKind.PREDICTION, EventKind.CORRECTION]


def test_fields_that_this_version_does_not_know_are_passed_over_and_missing_ones_filled() -> None:
    event = prediction_event(make_prediction(protocol={"tr": 4000.0}), id="", time="", actor="", batch="")
    assert event_prediction(event).protocol == {"tr": 4000.0}
    payload = {name: value for name, value in event.payload.items() if name not in ("protocol", "opinions")}
    newer = {**payload, "mood": ["good"], "evidence": [{"witness": "oracle", "reason": "dream", "odds": 3}]}
    found = event_prediction(replace(event, payload=newer))
    assert (found.protocol, found.opinions) == ({}, ())
    assert [(e.witness, e.reason) for e in found.evidence] == [(Witness.FILE, Reason.RECORDED)]
    with pytest.raises(ValueError, match="without label"):
        event_prediction(replace(event, payload={k: v for k, v in payload.items() if k != "label"}))
