"""Another database is opened, or none, or a folder is chosen, while work is under way: nothing of one source is ever
shown or written as if it were of the other.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from support.panel import MODULE, settle
from support.predictions import fake_images

from SeriesClassifierLib.identity import part_key, series_key
from SeriesClassifierLib.journal.state import nothing_known
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.records import DecidedBy, Status
from SeriesClassifierLib.simulation.database_writer import write_database

REPOSITORY = Path(__file__).resolve().parents[2]
N_SERIES = 6
# The same in every source: an exam that was copied, or two that an anonymizer gave the same UIDs.
STUDY = "2.25.99"
UIDS = [f"2.25.{number}" for number in range(1, N_SERIES + 1)]
KEYS = [series_key(STUDY, uid) for uid in UIDS]
PARTS = [part_key(STUDY, uid, (), fake_images(uid)) for uid in UIDS]


def labels_of(name):
    """Predictions whose descriptions say of which source they are."""
    return [
        replace(
            nothing_known(uid, 1),
            study_uid=STUDY,
            part_key=PARTS[number - 1],
            images=fake_images(uid),
            series_number=number,
            description=f"{name} series {number}",
            label="T1 AX",
            sequence="T1",
            plane="AX",
            confidence=0.9,
            status=Status.REVIEW,
            decided_by=DecidedBy.HEADER,
            bundle="headers 1.0.0",
            fingerprint=str(number),
            bundle_digest="test",
        )
        for number, uid in enumerate(UIDS, 1)
    ]


def write_labels(journal, name):
    journal.parent.mkdir(parents=True, exist_ok=True)
    with Journal(journal) as file:
        file.add_predictions(labels_of(name))


def make_database(folder):
    """A database file of one patient: only what is not empty is classified."""
    file = write_database([], folder)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO Patients (UID, InsertTimestamp) VALUES (1, '')")
    return file


class World:
    """Databases A and B and a folder F, each with a journal; which is which shows in what the panel shows."""

    def __init__(self, root: Path):
        from SeriesClassifierApp import Sources

        self.files = {name: make_database(root / name) for name in "AB"}
        self.journals = {name: file.parent / JOURNAL_NAME for name, file in self.files.items()}
        (root / "F").mkdir()
        self.journals["F"] = Path(Sources.folder(str(root / "F")).journal)
        for name, journal in self.journals.items():
            write_labels(journal, name)
        self.root = root

    def name_of(self, path):
        """Of a journal, a database file or a folder."""
        place = Path(path)
        names = [n for n, journal in self.journals.items() if journal == place]
        names += [n for n, file in self.files.items() if file == place]
        names += ["F"] if place == self.root / "F" else []
        return names[0] if names else ""

    def words(self, name):
        """What people said in a journal: (kind, note)."""
        with Journal(self.journals[name], readonly=True) as journal:
            events = [event for event in journal.events() if event.kind.value != "prediction"]
        return [(event.kind.value, str(event.payload.get("note", ""))) for event in events]


class StubWorker:
    """In place of the processes: a test says when which question is answered."""

    everyone: list[StubWorker] = []  # noqa: RUF012 (for the test alone)

    def __init__(self):
        self.jobs = []
        self.asked = []
        self.number = 0
        StubWorker.everyone.append(self)

    @property
    def isBusy(self):  # noqa: N802
        return bool(self.jobs)

    def request(self, do, listener, **fields):
        self.number += 1
        self.asked.append((do, fields))
        self.jobs.append((self.number, do, listener, fields))
        return self.number

    def cancel(self, number, *, insist=True):
        """Nothing: the answer comes all the same."""

    def rest(self):
        """Nothing."""

    def stop(self):
        self.jobs.clear()

    def answer(self):
        """Answer the first question, from the journal that it names."""
        number, do, listener, fields = self.jobs[0]
        if do == "classify":
            self.end()
            return
        self.jobs.pop(0)
        for event in answers(do, fields):
            listener({"id": number, **event})

    def rows(self):
        """A batch tells of what it has."""
        for number, do, listener, fields in self.jobs:
            if do == "classify":
                listener({"id": number, "event": "start", "series": N_SERIES})
                for event in answers("labels", fields)[:-1]:
                    listener({"id": number, **event})

    def end(self):
        """A batch ends."""
        for job in [job for job in self.jobs if job[1] == "classify"]:
            self.jobs.remove(job)
            job[2]({"id": job[0], "event": "done", "failed": [], "status": {}})


def answers(do, fields):
    from SeriesClassifierLib.publish.series_row import series_rows

    done = {"event": "done"}
    if do == "labels" and not Path(fields["journal"]).is_file():
        return [done]
    if do == "labels":
        with Journal(fields["journal"], readonly=True) as journal:
            rows = [row.as_json() for row in series_rows(list(journal.current_all()))]
        return [{"event": "rows", "rows": rows}, done]
    if do == "queue":
        items = [
            {"key": key, "part_key": part, "reasons": ["test"]}
            for key, part in zip(KEYS, PARTS, strict=True)
        ]
        return [{"event": "items", "items": items}, {**done, "items": len(items)}]
    if do == "siblings":
        like = {"part": 1, "series_number": 1, "description": "", "label": "", "grade": "same", "reason": ""}
        siblings = [
            {**like, "series_uid": uid, "key": key, "part_key": part}
            for uid, key, part in zip(UIDS, KEYS, PARTS, strict=True)
            if uid != fields["series_uid"]
        ]
        return [{**done, "siblings": siblings, "protected": 0, "facets": {"sequence": "FLAIR"}}]
    if do == "publish":
        return [{**done, "series": N_SERIES}]
    return [{"event": "failed", "message": "not in this test"}]


@pytest.fixture
def stub(slicer_standin, monkeypatch):
    """The panel with stub workers, over no database."""
    module = slicer_standin.start_up(MODULE)[0]
    from SeriesClassifierApp import Panel

    StubWorker.everyone = []
    monkeypatch.setattr(Panel, "WorkerProcess", StubWorker)
    panel = module.enter().panel
    panel._refreshTimer.setInterval(1)
    yield panel
    module.unload()


OPERATIONS = (
    *("open A", "open B", "close", "replace A", "replace B", "folder", "no folder"),
    *("turn", "turn", "turn", "refresh", "leave", "enter"),
    *("select", "select all", "correct", "correct", "accept", "undo", "siblings", "siblings"),
    *("classify", "rows", "rows", "end", "answer", "answer", "answer", "answer"),
)


class Session:
    """What the operations do, as a user and the rest of Slicer would."""

    def __init__(self, standin, panel, world):
        self.standin, self.panel, self.world = standin, panel, world
        self.undone = dict.fromkeys("ABF", 0)

    def shown(self):
        """The source that the table shows, by what a person reads in it."""
        names = {row["description"][0] for row in self.panel.table.rows.values()}
        assert names <= {self.world.name_of(self.panel.store.path)}, names
        return names.pop() if names else ""

    def do(self, operation, place):
        import slicer

        panel, world = self.panel, self.world
        kind, _space, name = operation.partition(" ")
        if kind == "open":
            slicer.dicomDatabase.closeDatabase()
            slicer.dicomDatabase.openDatabase(str(world.files[name]))
        elif kind == "close":
            slicer.dicomDatabase.closeDatabase()
        elif kind == "replace":
            import ctk

            slicer.dicomDatabase = ctk.ctkDICOMDatabase()
            slicer.dicomDatabase.openDatabase(str(world.files[name]))
        elif operation in ("folder", "no folder"):
            from SeriesClassifierApp.Parameters import Scope

            panel.parameters.folder = world.root / "F"
            panel.parameters.scope = Scope.FOLDER if kind == "folder" else Scope.DATABASE
        elif kind == "turn":
            self.standin.process_events(place)
        elif kind == "refresh":
            panel.refresh()
        elif kind in ("leave", "enter"):
            (panel.exit if kind == "leave" else panel.enter)()
        elif operation == "select all":
            panel.ui.seriesTree.selectAll()
        elif kind == "select":
            panel.table.select(KEYS[place % N_SERIES])
        elif kind in ("correct", "accept"):
            panel.ui.noteEdit.text = self.shown()
            panel.relabel("FLAIR") if kind == "correct" else panel.ui.acceptButton.click()
        elif kind == "undo":
            # The rows may still be on their way.
            name = self.shown() or world.name_of(panel.store.path)
            if name:
                self.undone[name] += 1
            panel.ui.undoButton.click()
        elif kind == "siblings":
            panel.siblings.correctAll()
        elif kind == "classify":
            panel.ui.classifyButton.click()
        elif kind == "rows":
            panel.batchWorker.rows()
        elif kind == "end":
            panel.batchWorker.end()
        elif kind == "answer":
            busy = [one for one in StubWorker.everyone if one.isBusy and one is not panel.batchWorker]
            if busy:
                busy[place % len(busy)].answer()
        self.shown()

    def end(self):
        """Let all come to its end."""
        self.panel.table.slowly.finish()
        for worker in StubWorker.everyone:
            while worker.isBusy:
                worker.answer()
        self.panel.table.slowly.finish()


@settings(
    max_examples=int(os.environ.get("SWITCH_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    operations=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 11)), min_size=10, max_size=60)
)
def test_nothing_lands_in_another_sources_journal(stub, slicer_standin, tmp_path_factory, operations):
    import slicer

    world = World(tmp_path_factory.mktemp("world"))
    session = Session(slicer_standin, stub, world)
    for worker in StubWorker.everyone:
        worker.asked.clear()
    for operation in (("open A", 0), ("refresh", 0), ("answer", 0), ("answer", 0), ("turn", 5)):
        session.do(*operation)
    for operation in operations:
        session.do(*operation)
    session.end()
    for name in "ABF":
        for kind, text in world.words(name):
            note(f"{name}: {kind} {text}")
            if kind == "correction":
                # A key notes the source that was read in the table, a sibling the series that it is like.
                assert text == name or f" {name} series " in text
            else:
                assert session.undone[name] > 0
    for worker in StubWorker.everyone:
        for do, fields in worker.asked:
            about = [
                world.name_of(fields[key]) for key in ("journal", "source", "database") if fields.get(key)
            ]
            assert len(set(about) - {""}) <= 1, (do, about)
    slicer.dicomDatabase.closeDatabase()
    slicer.dicomDatabase = slicer.app.dicomDatabase()
    slicer.dicomDatabase.closeDatabase()
    session.do("no folder", 0)
    stub.refresh()


def test_what_the_property_tries_does_happen(stub, slicer_standin, tmp_path):
    """Otherwise it would prove nothing."""
    world = World(tmp_path)
    session = Session(slicer_standin, stub, world)
    first = [
        "open A",
        "refresh",
        *["answer"] * 3,
        "turn",
        "select",
        "correct",
        "turn",
        "turn",
        *["answer"] * 4,
    ]
    for operation in [*first, "siblings", "turn", "turn", "undo", "turn", "classify", "rows", "turn"]:
        session.do(operation, 11)
    assert stub.batch.isRunning
    for operation in ["open B", "turn", "refresh", *["answer"] * 4, "turn", "select all", "accept", "turn"]:
        session.do(operation, 11)
    assert session.shown() == "B"
    session.end()
    assert [kind for kind, _ in world.words("A")].count("correction") == N_SERIES
    assert [kind for kind, _ in world.words("A")].count("undo") == N_SERIES - 1
    assert world.words("B") == [("correction", "B")] * N_SERIES
    assert not stub.batch.isRunning


# --- what the user sees ----------------------------------------------------------------------------------------


@pytest.fixture
def two(stub, slicer_standin, tmp_path):
    """A session that shows database A."""
    session = Session(slicer_standin, stub, World(tmp_path))
    for operation in ("open A", "refresh", "answer", "answer", "answer", "turn", "turn"):
        session.do(operation, 11)
    assert session.shown() == "A"
    return session


def do(session, *operations):
    for operation in operations:
        session.do(operation, 11)


def wait_shown(session, name):
    do(session, *["turn", "answer"] * 6)
    assert session.shown() == name


def test_a_switch_in_the_middle_of_a_batch(two):
    panel, ui, world = two.panel, two.panel.ui, two.world
    do(two, "classify", "rows", "turn")
    assert "of 6 series" in ui.statusLabel.text
    assert "6 series" in ui.countsLabel.text
    do(two, "open B", "turn")
    assert (ui.statusLabel.text, ui.countsLabel.text) == ("", "")
    assert panel.store.path == str(world.journals["B"])
    wait_shown(two, "B")
    do(two, "rows", "turn")
    assert two.shown() == "B"
    assert ui.statusLabel.text.startswith("In the background: ")
    assert "in the background" in ui.classifyButton.toolTip
    assert not ui.classifyButton.enabled
    do(two, "end", "turn", *["answer"] * 4, "turn")
    assert ui.classifyButton.enabled
    published = [fields["database"] for job, fields in panel.deskWorker.asked if job == "publish"]
    assert published == []  # it was about A, which is not open
    do(two, "open A", "turn", *["answer", "turn"] * 6)
    published = [fields["database"] for job, fields in panel.deskWorker.asked if job == "publish"]
    assert published == [str(world.files["A"])]  # and now it is


def test_a_correction_that_is_under_way_ends_where_it_began(two):
    do(two, "select all", "accept", "open B", "refresh")
    assert two.panel.store.path == str(two.world.journals["B"])
    two.panel.table.slowly.finish()
    assert len(two.world.words("A")) == N_SERIES
    assert two.world.words("B") == []
    wait_shown(two, "B")
    do(two, "open A", "turn")
    wait_shown(two, "A")
    assert two.panel.ui.undoButton.enabled
    assert "6 corrected" in two.panel.ui.countsLabel.text


def test_a_correction_that_is_under_way_is_written_before_the_end(two, slicer_standin):
    do(two, "select all", "accept")
    slicer_standin.loaded.widget.cleanup()
    assert len(two.world.words("A")) == N_SERIES


def test_an_offer_of_the_other_database_is_withdrawn(two):
    do(two, "select", "correct", "turn", "turn", *["answer", "turn"] * 4)
    assert two.panel.siblings.nSame
    do(two, "open B", "turn", "siblings", "turn")
    assert two.panel.siblings.nSame == 0
    assert two.world.words("B") == []


def test_a_question_about_the_other_database_gets_no_answer(two):
    do(two, "select", "correct", "turn", "turn")
    asked = [job for job in two.panel.reviewWorker.jobs if job[1] == "siblings"]
    assert asked
    do(two, "open B", "turn", "open A", "turn")  # and back: that was at another visit
    for _number, _do, listener, fields in asked:
        for event in answers("siblings", fields):
            listener(event)
    assert two.panel.siblings.nSame == 0


def test_labels_that_come_late_are_not_shown_as_those_of_another(two):
    do(two, "open B", "turn", "refresh")
    [asked] = [job for job in two.panel.deskWorker.jobs if job[1] == "labels"]
    do(two, "open A", "turn", "refresh")
    for event in answers("labels", asked[3]):
        asked[2](event)
    do(two, "turn")
    assert two.shown() == ""
    wait_shown(two, "A")


def test_with_nothing_open_there_is_nothing_to_correct(two):
    do(two, "close", "turn")
    assert two.panel.store.path == ""
    do(two, "select all", "correct", "accept", "undo", "turn")
    assert not two.panel.ui.acceptButton.enabled
    assert all(not two.world.words(name) for name in "ABF")


def test_a_folder_has_a_journal_of_its_own(two):
    ui, world = two.panel.ui, two.world
    do(two, "folder", "turn")
    wait_shown(two, "F")
    assert two.panel.store.path == str(world.journals["F"])
    assert not ui.sourceLabel.isHidden()
    assert world.journals["F"].name in ui.sourceLabel.text
    assert "apart from those of the database" in ui.sourceLabel.text
    do(two, "select", "correct", "turn", "turn", "leave", "turn")
    assert world.words("F") == [("correction", "F")]
    assert all(job != "publish" for job, _ in two.panel.deskWorker.asked)
    do(two, "no folder", "turn")
    wait_shown(two, "A")
    assert ui.sourceLabel.isHidden()
    assert world.words("A") == []


def test_the_browser_classifies_the_database_also_while_a_folder_is_shown(two):
    do(two, "folder", "turn")
    wait_shown(two, "F")
    two.panel.classifyDatabase(UIDS[:1])
    [job] = two.panel.batchWorker.jobs
    assert (job[3]["source"], job[3]["journal"]) == (
        str(two.world.files["A"]),
        str(two.world.journals["A"]),
    )
    assert two.panel.store.source.databaseFile == str(two.world.files["A"])


def test_imports_are_classified_in_the_background_while_a_folder_is_shown(two):
    do(two, "folder", "turn")
    wait_shown(two, "F")
    two.panel.classifyImported(UIDS[:1])
    do(two, "rows", "turn")
    [job] = two.panel.batchWorker.jobs
    assert job[3]["journal"] == str(two.world.journals["A"])
    assert two.shown() == "F"


def test_a_folder_that_cannot_be_written_keeps_its_labels_in_the_settings(two, monkeypatch):
    from SeriesClassifierApp import Labels, Sources

    (two.world.root / "C").mkdir()
    two.world.files["C"] = make_database(two.world.root / "C")
    beside = two.world.files["C"].parent / JOURNAL_NAME
    write_labels(beside, "C")
    before = beside.read_bytes()
    can_write = Sources._canWrite
    monkeypatch.setattr(
        Sources, "_canWrite", lambda journal: can_write(journal) if journal != str(beside) else False
    )
    do(two, "open C", "turn")
    own = Path(two.panel.store.path)
    assert own.parent.name == "SeriesClassifier"
    assert own.is_relative_to(two.standin.folder)
    two.world.journals["C"] = own
    wait_shown(two, "C")  # what is known beside the database is taken over
    assert "cannot be written" in two.panel.ui.sourceLabel.text
    assert own.name in two.panel.ui.sourceLabel.text
    do(two, "select", "correct", "turn", "turn")
    two.panel.table.slowly.finish()
    with Journal(own, readonly=True) as journal:
        assert [event.kind.value for event in journal.events()].count("correction") == 1
    assert beside.read_bytes() == before
    assert Labels.labelOf(UIDS[11 % N_SERIES])["status"] == "corrected"
    # Writable again, and later: the labels stay where they are.
    monkeypatch.setattr(Sources, "_canWrite", lambda _journal: True)
    do(two, "open A", "turn", "open C", "turn")
    assert two.panel.store.path == str(own)


def test_the_name_of_a_journal_tells_nothing_of_its_folder(two):
    from SeriesClassifierApp import Sources

    one, other = (Path(Sources.folder(f"/data/Müller {n}").journal).name for n in (1, 2))
    assert one != other
    assert "ller" not in one
    assert Sources.folder("/data/Müller 1").journal.endswith(one)


def test_whether_a_journal_can_be_written_is_found_out_by_trying(slicer_standin, tmp_path):
    from SeriesClassifierApp import Sources

    assert Sources._canWrite(str(tmp_path / JOURNAL_NAME))
    assert not list(tmp_path.glob(JOURNAL_NAME + "*"))
    assert not Sources._canWrite(str(tmp_path / "no such folder" / JOURNAL_NAME))
    (tmp_path / JOURNAL_NAME).mkdir()
    assert not Sources._canWrite("/proc/self/" + JOURNAL_NAME) or sys.platform != "linux"


def test_looking_for_the_journal_leaves_the_locks_of_an_open_one(two):
    """POSIX locks go with the first descriptor that a process closes, whoever opened it."""
    from SeriesClassifierApp import Sources

    journal = Path(two.panel.store.path)
    with Journal(journal) as opened:
        opened.correct(opened.current_series(UIDS[0]), {"sequence": "T2"}, "reader")
        assert Sources.database().journal == str(journal)
        code = "import sys; from SeriesClassifierLib.journal.store import Journal; Journal(sys.argv[1]).close()"
        subprocess.run([sys.executable, "-c", code, str(journal)], cwd=REPOSITORY, check=True)
        assert journal.with_name(journal.name + "-wal").is_file(), "the worker took it for closed"
        with Journal(journal, readonly=True) as again:
            assert [p.sequence for p in again.current_series(UIDS[0])] == ["T2"]


# --- the column ------------------------------------------------------------------------------------------------


def publishing(session):
    """Begin to write the column of A, up to the moment when the database is closed."""
    session.panel._publishing.publish()
    do(session, *["answer"] * 8)
    session.panel._publishing.publish()
    desk = session.panel.deskWorker
    while desk.jobs and desk.jobs[0][1] != "publish":
        desk.answer()
    assert session.panel.publisher.isWriting


def test_the_database_is_closed_only_while_the_worker_writes(two):
    import slicer

    two.panel._publishing.publish()
    assert slicer.dicomDatabase.isOpen  # the worker has other things to do first
    publishing(two)
    assert not slicer.dicomDatabase.isOpen
    do(two, "answer", "turn")
    assert slicer.dicomDatabase.isOpen
    assert "shows the class of 6 series" in two.panel.ui.statusLabel.text
    assert two.shown() == "A"


def test_a_database_that_is_opened_while_the_column_is_written_stays_open(two):
    import slicer

    publishing(two)
    slicer.dicomDatabase.openDatabase(str(two.world.files["B"]))
    do(two, "answer", "turn")
    assert slicer.dicomDatabase.databaseFilename == str(two.world.files["B"])
    wait_shown(two, "B")


def test_an_object_that_is_replaced_while_the_column_is_written_is_opened_again(two):
    import slicer

    publishing(two)
    first = slicer.dicomDatabase
    do(two, "replace B", "answer", "turn")
    assert first.isOpen
    assert first.databaseFilename == str(two.world.files["A"])
    slicer.dicomDatabase = first


def test_a_wish_for_another_database_is_not_granted(two):
    source = two.panel.store.source
    do(two, "open B", "turn")
    two.panel.publisher.publish(source)
    two.panel.publisher.remove(source)
    assert not two.panel.publisher.isWriting
    assert all(job not in ("publish", "unpublish") for job, _ in two.panel.deskWorker.asked)


def test_the_column_waits_for_an_import(two):
    import slicer

    slicer.modules.dicom.widgetRepresentation()
    panel = two.panel
    panel.publisher._later.setInterval(5)
    for browser in (
        slicer.modules.DICOMWidget.browserWidget.dicomBrowser,
        slicer.modules.DICOMWidget.browserWidget.dicomVisualBrowser,
    ):
        panel.deskWorker.asked.clear()
        browser.onIndexingProgress(10)
        panel._publishing.publish()
        do(two, *["turn", "answer"] * 4)
        assert slicer.dicomDatabase.isOpen
        assert all(job != "publish" for job, _ in panel.deskWorker.asked)
        assert "after the import" in panel.ui.statusLabel.text
        browser.onIndexingComplete(1, 1, 1, 1)
        do(two, *["turn", "answer"] * 4)
        assert "shows the class of 6 series" in panel.ui.statusLabel.text


@pytest.mark.parametrize(
    ("event", "again"),
    [
        ({"reason": "busy", "message": "whatever it says"}, True),
        ({"reason": "source", "message": "the database is in use, locked and busy"}, False),
    ],
)
def test_what_is_tried_again_goes_by_the_reason_and_not_by_the_words(two, event, again):
    publishing(two)
    number, _do, listener, _fields = two.panel.deskWorker.jobs.pop(0)
    listener({"id": number, "event": "failed", **event})
    assert two.panel.publisher._later.isActive() == again
    assert ("in a few seconds" in two.panel.ui.statusLabel.text) == again
    two.panel.publisher._later.stop()


def test_what_was_not_written_is_written_at_the_next_chance(two):
    publishing(two)
    number, _do, listener, _fields = two.panel.deskWorker.jobs.pop(0)
    listener({"id": number, "event": "failed", "reason": "source", "message": "the disk is full"})
    assert "not written: the disk is full" in two.panel.ui.statusLabel.text
    assert two.panel._publishing.isBehind
    do(two, "turn", *["answer"] * 6)
    assert two.panel._publishing.isBehind  # but not over and over
    do(two, "leave", *["answer", "turn"] * 6)
    assert not two.panel._publishing.isBehind


def test_after_an_import_into_an_empty_database_classify_is_enabled(slicer_standin, empty_database, studies):
    import slicer

    panel = slicer_standin.load(MODULE).enter().panel
    settle(slicer_standin, panel)
    assert not panel.ui.classifyButton.enabled
    panel._contentTimer.setInterval(1)
    slicer.dicomDatabase.closeDatabase()
    with closing(sqlite3.connect(empty_database)) as connection, connection:
        connection.execute("INSERT INTO Patients (UID, InsertTimestamp) VALUES (1, '')")
    slicer.dicomDatabase.blockSignals(True)
    slicer.dicomDatabase.openDatabase(str(empty_database))
    slicer.dicomDatabase.blockSignals(False)
    slicer.dicomDatabase.databaseChanged()
    slicer_standin.wait_for(lambda: panel.ui.classifyButton.enabled)
    slicer_standin.loaded.unload()
