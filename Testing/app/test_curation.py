"""The curation loop in the panel: the review queue, series that look the same, and learning from corrections.

What the worker says is written down by the tests (``support/fake_worker.py``); processes, journal and panel are real.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.panel import (
    MODULE,
    PATIENCE_MS,
    evidence_by,
    key_named,
    key_of,
    part_of,
    press_next,
    relabel,
    settle,
    write_journal,
)

from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.identity import series_key, series_of
from SeriesClassifierLib.journal.store import JOURNAL_NAME, Journal
from SeriesClassifierLib.records import Witness
from SeriesClassifierLib.simulation.database_writer import write_database

FAKE_WORKER = Path(__file__).resolve().parents[1] / "support" / "fake_worker.py"
N_SERIES = 60
KEYS = [key_of(place) for place in range(N_SERIES)]
NOTHING = {"event": "done", "siblings": [], "protected": 0, "facets": {}}
ASKS_THE_SYSTEM = pytest.mark.skipif(
    os.name == "nt", reason="how it asks whether a process is alive ends it there"
)
COUNTS = {"breaks": 0, "fixes": 0, "still wrong": 0, "new unknown": 0, "new answer": 0, "other": 0}


class Worker:
    """What the fake worker says, and what it was asked."""

    def __init__(self, file: Path):
        self.file = file
        self._jobs: dict[str, list[dict]] = {}

    def says(self, **jobs: list[dict]) -> None:
        self._jobs.update(jobs)
        self.file.write_text(json.dumps(self._jobs), encoding="utf-8")

    def asked(self, do: str) -> list[dict]:
        file = self.file.with_suffix(".requests")
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        return [request for request in map(json.loads, lines) if request["do"] == do]


@pytest.fixture
def worker(slicer_standin, tmp_path, monkeypatch):
    """The fake worker in place of the worker; without a queue and without series that look the same."""
    from SeriesClassifierApp import WorkerProcess

    monkeypatch.setattr(WorkerProcess, "WORKER_SCRIPT", FAKE_WORKER)
    monkeypatch.setenv("FAKE_WORKER", str(tmp_path / "worker.json"))
    fake = Worker(tmp_path / "worker.json")
    fake.says(queue=[{"event": "done", "items": 0}], siblings=[NOTHING])
    return fake


@pytest.fixture
def journal(slicer_standin, tmp_path):
    """The journal of an open database: labels of many series, none of them by a person."""
    database = write_database([], tmp_path / "many")
    path = database.parent / JOURNAL_NAME
    write_journal(path, N_SERIES)
    assert slicer_standin.application.main_database.openDatabase(str(database))
    return path


@pytest.fixture
def show(slicer_standin, worker, journal):
    """Shows the panel when the worker knows what to say."""

    def enter():
        panel = slicer_standin.load(MODULE).enter().panel
        settle(slicer_standin, panel)
        return panel

    yield enter
    slicer_standin.loaded.unload()


@pytest.fixture
def panel(show):
    """The panel as it comes up when nothing is in the queue."""
    return show()


def item(key, *reasons, part=None):
    names = ("study_uid", "series_uid", "part", "series_number", "description", "label", "status", "value")
    return {
        **dict.fromkeys(names, ""),
        **{"key": key, "part_key": part or part_of(key), "reasons": list(reasons)},
    }


def queue_of(*items):
    return [{"event": "items", "items": list(items)}, {"event": "done", "items": len(items)}]


def like(key, grade="same"):
    return {
        **{
            "key": key,
            "part_key": part_of(key),
            "series_uid": series_of(key)[1],
            "part": 1,
            "study_uid": series_of(key)[0],
            "series_number": 3,
            "description": "t2",
            "label": "PD AX",
        },
        **{"status": "auto", "grade": grade, "reason": f"{grade} protocol"},
    }


def siblings_of(*siblings, protected=0, notes=(), facets=None):
    facets = facets or {"sequence": "FLAIR"}
    said = {"siblings": siblings, "protected": protected, "notes": notes, "facets": facets}
    return [{"event": "done", **said}]


def sequences(panel, keys=KEYS):
    return {key: panel.table.rows[key]["parts"][0]["sequence"] for key in keys}


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_asked(standin, worker, do):
    standin.wait_for(lambda: bool(worker.asked(do)), PATIENCE_MS)


# --- the review queue ----------------------------------------------------------------------------------------


def test_next_goes_by_the_queue_and_not_by_the_table(slicer_standin, worker, show, journal):
    wanted = [KEYS[30], KEYS[2], KEYS[55], KEYS[7]]
    worker.says(queue=queue_of(*map(item, wanted)))
    panel = show()
    assert worker.asked("queue")[0]["journal"] == str(journal)
    seen = [press_next(slicer_standin, panel)[0] for _ in range(6)]
    assert seen == [*wanted, *wanted[:2]]


def test_details_say_why_the_series_is_next(slicer_standin, worker, show):
    reasons = ["header says T1, picture T2", "6 more series of this <protocol> wait"]
    worker.says(queue=queue_of(item(KEYS[9], *reasons), item(KEYS[4])))
    panel = show()
    press_next(slicer_standin, panel)
    text = panel.ui.detailsText.toPlainText()
    assert "Why review: header says T1, picture T2; 6 more series of this <protocol> wait" in text
    press_next(slicer_standin, panel)
    assert "Why review" not in panel.ui.detailsText.toPlainText()


def test_the_details_of_the_next_series_are_there_before_it_is_asked_for(
    slicer_standin, worker, show, journal
):
    worker.says(queue=queue_of(*map(item, KEYS[10:14])), siblings=siblings_of(like(KEYS[12])))
    panel = show()

    def looked_at():
        return [series_key(r["study_uid"], r["series_uid"]) for r in worker.asked("details")]

    press_next(slicer_standin, panel)
    assert looked_at() == KEYS[10:12]
    panel.ui.nextButton.click()
    slicer_standin.wait_for(lambda: not panel.table.slowly.isBusy)
    assert panel.chosen.shown == KEYS[11]
    settle(slicer_standin, panel)
    assert looked_at() == KEYS[10:13]
    relabel(slicer_standin, panel, KEYS[11], "FLAIR")
    panel.siblings.correctAll()  # what was read of the next is not true any more
    settle(slicer_standin, panel)
    panel.table.select(KEYS[12])
    slicer_standin.process_events(300)
    settle(slicer_standin, panel)
    named = evidence_by(Witness.HUMAN, journal, "FLAIR")
    assert text(named) in panel.ui.detailsText.toPlainText()


def test_a_new_queue_tells_its_reasons_of_the_series_that_is_shown(slicer_standin, worker, show):
    worker.says(queue=queue_of(item(KEYS[10], "first")))
    panel = show()
    press_next(slicer_standin, panel)
    assert "Why review: first" in panel.ui.detailsText.toPlainText()
    worker.says(queue=queue_of(item(KEYS[10], "second")))
    panel.queue.ask()
    settle(slicer_standin, panel)
    assert "Why review: second" in panel.ui.detailsText.toPlainText()
    assert len(worker.asked("details")) == 1


def test_what_is_answered_leaves_the_queue_at_once_and_its_undo_brings_it_back(slicer_standin, worker, show):
    worker.says(queue=queue_of(*map(item, KEYS[10:14])))
    panel = show()
    assert press_next(slicer_standin, panel)[0] == KEYS[10]
    panel.relabel("FLAIR")
    panel.ui.nextButton.click()  # before the table shows the new label
    settle(slicer_standin, panel)
    assert panel.table.current()[0] == KEYS[11]
    assert [press_next(slicer_standin, panel)[0] for _ in range(3)] == [KEYS[12], KEYS[13], KEYS[11]]
    panel.ui.undoButton.click()
    settle(slicer_standin, panel)
    assert press_next(slicer_standin, panel)[0] == KEYS[10]
    assert len(worker.asked("queue")) == 1


def test_only_what_the_filter_shows_is_next(slicer_standin, worker, show):
    worker.says(queue=queue_of(*map(item, KEYS)))
    panel = show()
    panel.ui.filterEdit.text = "adc"
    settle(slicer_standin, panel)
    visible = [uid for uid in KEYS if panel.table.isVisible(uid)]
    assert 1 < len(visible) < N_SERIES
    assert [press_next(slicer_standin, panel)[0] for _ in visible] == visible


def test_an_answer_given_while_the_queue_is_worked_out_is_not_asked_for_again(
    slicer_standin, worker, show, tmp_path
):
    worker.says(queue=queue_of(item(KEYS[3])))
    panel = show()
    [first, *rest] = queue_of(item(KEYS[3]), item(KEYS[8]))
    worker.says(queue=[first, {"until": str(tmp_path / "go on")}, *rest])
    panel.queue.ask()
    slicer_standin.wait_for(lambda: len(worker.asked("queue")) == 2)
    panel.table.select(KEYS[3])
    panel.relabel("FLAIR")
    slicer_standin.wait_for(lambda: not panel.table.slowly.isBusy)
    (tmp_path / "go on").touch()
    settle(slicer_standin, panel)
    assert len(panel.queue) == 1
    assert press_next(slicer_standin, panel)[0] == KEYS[8]


def test_after_many_answers_and_when_it_is_empty_the_queue_is_worked_out_anew(slicer_standin, worker, show):
    worker.says(queue=queue_of(*map(item, KEYS[:30])))
    panel = show()
    for uid in KEYS[:25]:
        panel.queue.answered([(uid, None)])
    assert panel.reviewWorker.isBusy
    worker.says(queue=queue_of(item(KEYS[50])))
    settle(slicer_standin, panel)
    before = len(worker.asked("queue"))
    assert before == 2
    panel.queue.answered([(key, part_of(key)) for key in KEYS])
    settle(slicer_standin, panel)
    assert len(worker.asked("queue")) == 3


@pytest.mark.parametrize("says", [[{"event": "failed", "message": "no"}], [{"die": True}], queue_of()])
def test_without_a_queue_next_goes_down_the_table(slicer_standin, worker, show, says):
    worker.says(queue=says)
    panel = show()
    doubtful = [uid for uid in panel.table.visible() if panel.table.rows[uid]["status"] != "auto"]
    assert [press_next(slicer_standin, panel)[0] for _ in range(3)] == doubtful[:3]


def test_a_part_of_a_series_is_chosen_and_corrected_alone(slicer_standin, worker, studies):
    panel = slicer_standin.load(MODULE).enter().panel
    from SeriesClassifierApp.Parameters import Mode

    panel.parameters.mode = Mode.HEADER
    panel.ui.classifyButton.click()
    settle(slicer_standin, panel)
    uid = key_named(panel, "dwi")
    part = panel.table.rows[uid]["parts"][1]["key"]
    worker.says(queue=queue_of(item(uid, "b800 looks like ADC", part=part)))
    panel.queue.ask()
    settle(slicer_standin, panel)
    assert press_next(slicer_standin, panel) == (uid, part)
    panel.relabel("ADC")
    settle(slicer_standin, panel)
    assert [part["sequence"] for part in panel.table.rows[uid]["parts"]] == ["DWI", "ADC"]
    slicer_standin.loaded.unload()


def test_accepting_where_there_is_no_answer_says_so_and_leaves_it_in_the_queue(
    slicer_standin, worker, show, journal
):
    with Journal(journal) as other:
        other.add_predictions([replace(other.current(part_of(KEYS[10])), sequence="unknown", label="?")])
    worker.says(queue=queue_of(item(KEYS[10])))
    panel = show()
    press_next(slicer_standin, panel)
    panel.ui.acceptButton.click()
    settle(slicer_standin, panel)
    assert "no answer to accept" in panel.ui.statusLabel.text
    assert len(panel.queue) == 1


# --- series that look the same -------------------------------------------------------------------------------


def test_series_that_look_the_same_are_corrected_by_one_key_and_taken_back_by_one(
    slicer_standin, worker, panel
):
    before = sequences(panel)
    same, alike = KEYS[5:50], KEYS[50:53]
    worker.says(siblings=siblings_of(*map(like, same), *(like(uid, "alike") for uid in alike), protected=2))
    assert panel.ui.siblingsLabel.isHidden()
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    request = worker.asked("siblings")[0]
    assert series_key(request["study_uid"], request["series_uid"]) == KEYS[0]
    assert request.get("part_key") is None
    assert "45 more series look the same as 1 protocol" in panel.ui.siblingsLabel.text
    assert "3 are alike" in panel.ui.siblingsLabel.text
    assert "2 more series like this were labeled by people" in panel.ui.siblingsLabel.toolTip
    assert not panel.ui.siblingsLabel.isHidden()
    panel.siblings.correctAll()
    settle(slicer_standin, panel)
    assert set(sequences(panel, [KEYS[0], *same]).values()) == {"FLAIR"}
    assert sequences(panel, alike) == {uid: before[uid] for uid in alike}
    assert panel.ui.siblingsLabel.isHidden()
    assert "45 more series corrected" in panel.ui.statusLabel.text
    assert len(worker.asked("siblings")) == 1
    panel.ui.undoButton.click()
    settle(slicer_standin, panel)
    assert sequences(panel) == {**before, KEYS[0]: "FLAIR"}
    panel.ui.undoButton.click()
    settle(slicer_standin, panel)
    assert sequences(panel) == before
    assert not panel.ui.undoButton.enabled


def test_what_a_person_said_in_the_meantime_is_not_overwritten(slicer_standin, worker, panel, journal):
    worker.says(siblings=siblings_of(like(KEYS[1]), like(KEYS[2])))
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    with Journal(journal) as other:
        other.correct([other.current(part_of(KEYS[1]))], {"sequence": "SWI"}, user="somebody else")
    panel.ui.siblingsCorrectButton.click()
    settle(slicer_standin, panel)
    with Journal(journal, readonly=True) as now:
        assert [now.current(part_of(key)).sequence for key in KEYS[:3]] == ["FLAIR", "SWI", "FLAIR"]


def test_the_list_has_the_same_checked_and_the_alike_not(slicer_standin, worker, panel):
    import qt
    from slicer.util import findChildren

    before = sequences(panel)
    worker.says(
        siblings=siblings_of(
            like(KEYS[1]),
            like(KEYS[2]),
            like(KEYS[3], "alike"),
            protected=4,
            notes=["series 9 was labeled T1 by ms"],
        )
    )
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    panel.ui.siblingsShowButton.click()
    dialog = panel.siblings.dialog
    slicer_standin.wait_for(lambda: not dialog.isFilling)
    said = [label.text for label in findChildren(dialog.dialog, className="QLabel")]
    assert any("4 more series like this were labeled by people" in text for text in said)
    assert any("series 9 was labeled T1 by ms" in text for text in said)
    rows = [dialog.tree.topLevelItem(row) for row in range(dialog.tree.topLevelItemCount)]
    assert [row.checkState(0) == qt.Qt.Checked for row in rows] == [True, True, False]
    assert [row.text(3) for row in rows] == ["the same", "the same", "alike"]
    assert dialog.okButton.text == "Correct 2 series"
    rows[0].setCheckState(0, qt.Qt.Unchecked)
    rows[2].setCheckState(0, qt.Qt.Checked)
    assert dialog.okButton.text == "Correct 2 series"
    dialog.okButton.click()
    settle(slicer_standin, panel)
    assert panel.siblings.dialog is None
    assert sequences(panel) == {**before, KEYS[0]: "FLAIR", KEYS[2]: "FLAIR", KEYS[3]: "FLAIR"}
    panel.ui.undoButton.click()
    settle(slicer_standin, panel)
    assert sequences(panel) == {**before, KEYS[0]: "FLAIR"}


def test_the_list_does_not_stop_the_flow_of_keys(slicer_standin, worker, panel):
    worker.says(siblings=siblings_of(like(KEYS[1])))
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    panel.ui.siblingsShowButton.click()
    first = panel.siblings.dialog
    assert not first.dialog.modal
    worker.says(siblings=siblings_of(like(KEYS[21]), facets={"sequence": "ADC"}))
    relabel(slicer_standin, panel, KEYS[20], "ADC")
    assert panel.siblings.dialog is first
    slicer_standin.wait_for(lambda: not first.isFilling)
    first.okButton.click()
    settle(slicer_standin, panel)
    assert sequences(panel)[KEYS[1]] == "FLAIR"
    panel.siblings.correctAll()
    settle(slicer_standin, panel)
    assert sequences(panel)[KEYS[21]] == "ADC"


def test_only_alike_ones_are_not_corrected_without_a_look(slicer_standin, worker, panel):
    before = sequences(panel)
    worker.says(siblings=siblings_of(like(KEYS[1], "alike")))
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    assert "1 more series are like" in panel.ui.siblingsLabel.text
    assert not panel.ui.siblingsCorrectButton.enabled
    panel.siblings.correctAll()
    settle(slicer_standin, panel)
    assert sequences(panel) == {**before, KEYS[0]: "FLAIR"}
    panel.ui.undoButton.click()
    settle(slicer_standin, panel)
    assert panel.ui.siblingsLabel.isHidden()


def test_accepting_offers_them_too_and_many_at_once_do_not(slicer_standin, worker, panel):
    panel.table.select(KEYS[0])
    panel.acceptAndGoOn()
    settle(slicer_standin, panel)
    asked = [(series_key(r["study_uid"], r["series_uid"]), r["part_key"]) for r in worker.asked("siblings")]
    assert asked == [(KEYS[0], part_of(KEYS[0]))]
    panel.ui.seriesTree.selectAll()
    panel.relabel("FLAIR")
    settle(slicer_standin, panel)
    assert len(worker.asked("siblings")) == 1


# --- learning ------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(panel, tmp_path):
    """Folders named in the panel: of the data, and of the new bundle's place."""
    for name in ("data", "bundles"):
        (tmp_path / name).mkdir()
    panel.ui.trainingFolderEdit.currentPath = str(tmp_path / "data")
    panel.ui.bundleFolderEdit.currentPath = str(tmp_path / "bundles")
    return tmp_path


@pytest.fixture
def bundle(folders):
    """A new bundle, as far as the panel looks into one."""
    folder = folders / "bundles" / "headers-2"
    folder.mkdir()
    (folder / "bundle.json").write_text("{}", encoding="utf-8")
    return folder


def compared(*flips, labelled=10):
    counts = dict(COUNTS)
    for flip in flips:
        counts[flip["change"]] += 1
    said = {
        "parts": N_SERIES,
        "labelled": labelled,
        "counts": counts,
        "flips": list(flips),
        "html": "/report.html",
    }
    return [{"event": "progress", "what": "labels", "done": 1, "total": 2}, {"event": "done", **said}]


def flip(key, change):
    return {
        **{"key": key, "part_key": None, "series_uid": series_of(key)[1], "part": 1},
        **{"description": f"series {key}", "old": "T1", "new": "T2"},
        **{"human": "T1", "change": change},
    }


def compare(standin, worker, panel, bundle, *flips):
    worker.says(compare=compared(*flips))
    panel.ui.newBundleEdit.currentPath = str(bundle)
    panel.ui.compareButton.click()
    settle(standin, panel)


def test_learning_is_out_of_the_way_until_it_is_wanted(panel):
    ui = panel.ui
    assert ui.learnSection.collapsed
    for button in (
        ui.trainingExportButton,
        ui.trainButton,
        ui.compareButton,
        ui.adoptButton,
        ui.reportButton,
    ):
        assert not button.enabled
        assert len(button.toolTip) > 10
    assert "folder" in ui.trainingExportButton.toolTip
    assert ui.learnProgressArea.isHidden()
    assert ui.baseEdit.placeholderText == "headers"


def test_without_a_database_everything_says_why_not(slicer_standin, worker):
    import slicer

    assert slicer.util.mainWindow() is None
    ui = slicer_standin.load(MODULE).enter().panel.ui
    assert "DICOM database" in ui.trainingExportButton.toolTip
    ui.compareButton.click()
    ui.adoptButton.click()
    assert not worker.asked("compare")
    slicer_standin.loaded.unload()


def test_training_data_are_exported(slicer_standin, worker, panel, folders, journal):
    done = {"event": "done", "parts": 12, "patients": 3, "out": "the folder", "findings": 0}
    worker.says(export_training=[{"event": "progress", "what": "headers", "done": 1, "total": 2}, done])
    panel.ui.trainingDicomCheck.checked = True
    panel.ui.trainingExportButton.click()
    assert panel.longJobs.isRunning
    assert "under way" in panel.ui.trainButton.toolTip
    settle(slicer_standin, panel)
    [asked] = worker.asked("export_training")
    assert (asked["journal"], asked["out"], asked["dicom"]) == (str(journal), str(folders / "data"), True)
    assert asked["source"] == str(journal.parent / "ctkDICOM.sql")
    assert panel.ui.learnStatusLabel.text == "12 labeled images of 3 patients: the folder"
    worker.says(export_training=[{**done, "findings": 2}])
    panel.ui.trainingExportButton.click()
    settle(slicer_standin, panel)
    assert "2 possible names" in panel.ui.learnStatusLabel.text


def test_a_bundle_is_trained_and_offered_for_comparison(slicer_standin, worker, panel, bundle, tmp_path):
    wait = {"until": str(tmp_path / "go on")}
    progress = {"what": "epoch", "done": 2, "total": 4, "seconds_left": 150.0, "loss": 0.25, "score": 0.9}
    done = {
        "bundle": str(bundle),
        "name": "headers",
        "version": "1.1.0",
        "summary": "Score .91",
        "report": "",
    }
    worker.says(train=[{"event": "progress", **progress}, wait, {"event": "done", **done}])
    panel.ui.trainButton.click()
    slicer_standin.wait_for(lambda: "epoch" in panel.ui.learnStatusLabel.text)
    text = panel.ui.learnStatusLabel.text
    assert text == "Training: epoch, 2 of 4, about 2 min left, loss 0.250, score 0.900"
    assert (panel.ui.learnProgressBar.value, panel.ui.learnProgressBar.maximum) == (2, 4)
    (tmp_path / "go on").touch()
    settle(slicer_standin, panel)
    [asked] = worker.asked("train")
    assert asked["data"] == [str(tmp_path / "data")]
    assert (asked["base"], asked["recipe"], asked["out"]) == (
        "headers",
        "headers",
        str(tmp_path / "bundles" / "headers-1"),
    )
    assert panel.ui.learnStatusLabel.text == "New bundle headers 1.1.0. Score .91"
    assert panel.ui.newBundleEdit.currentPath == str(bundle)
    assert panel.ui.compareButton.enabled
    assert not panel.ui.adoptButton.enabled


def test_what_is_trained_follows_the_recipe_and_what_the_user_names(slicer_standin, worker, panel, folders):
    worker.says(train=[{"event": "failed", "message": "no"}])
    other = folders / "other data"
    other.mkdir()
    panel.ui.recipeCombo.currentIndex = 1
    panel.ui.trainingDataEdit.currentPath = str(other)
    panel.ui.trainButton.click()
    settle(slicer_standin, panel)
    panel.ui.baseEdit.text = "my own"
    panel.ui.trainButton.click()
    settle(slicer_standin, panel)
    assert [(a["recipe"], a["base"], a["data"]) for a in worker.asked("train")] == [
        ("prostate-joint", "prostate", [str(other)]),
        ("prostate-joint", "my own", [str(other)]),
    ]


@pytest.mark.parametrize(
    ("steps", "press_stop", "said"),
    [
        ([{"wait": True}], True, "Training was stopped."),
        ([{"deaf": True}], True, "Training was stopped."),
        ([{"die": True}], False, "its process ended without a word"),
        (
            [{"event": "failed", "message": "training needs torch"}],
            False,
            "Training failed: training needs torch",
        ),
    ],
)
def test_stopped_failed_and_crashed_are_told_apart_and_it_can_be_tried_again(
    slicer_standin, worker, panel, folders, steps, press_stop, said
):
    worker.says(train=steps)
    panel.ui.trainButton.click()
    wait_until_asked(slicer_standin, worker, "train")
    if press_stop:
        panel.ui.learnStopButton.click()
        assert not panel.ui.learnStopButton.enabled
    settle(slicer_standin, panel)
    assert said in panel.ui.learnStatusLabel.text
    assert panel.ui.learnProgressArea.isHidden()
    worker.says(train=[{"event": "failed", "message": "again"}])
    panel.ui.trainButton.click()
    settle(slicer_standin, panel)
    assert "again" in panel.ui.learnStatusLabel.text


def test_a_worker_that_cannot_start_is_no_end(slicer_standin, panel, folders, monkeypatch):
    from SeriesClassifierApp import WorkerProcess

    monkeypatch.setattr(WorkerProcess, "pythonProgram", lambda: str(folders / "no such program"))
    panel.ui.trainButton.click()
    settle(slicer_standin, panel)
    assert "Training failed: PythonSlicer could not be started" in panel.ui.learnStatusLabel.text
    assert panel.ui.trainButton.enabled


@ASKS_THE_SYSTEM
def test_the_memory_of_training_is_given_back(slicer_standin, worker, panel, folders, tmp_path):
    worker.says(train=[{"until": str(tmp_path / "go on")}, {"event": "failed", "message": "no"}])
    panel.ui.trainButton.click()
    wait_until_asked(slicer_standin, worker, "train")
    process = int(panel.learnWorker._process.processId())
    (tmp_path / "go on").touch()
    slicer_standin.wait_for(lambda: not is_alive(process), PATIENCE_MS)
    assert "Training failed" in panel.ui.learnStatusLabel.text
    panel.ui.trainButton.click()
    settle(slicer_standin, panel)
    assert len(worker.asked("train")) == 2


def test_details_and_corrections_do_not_wait_for_training(slicer_standin, worker, panel, folders):
    worker.says(train=[{"wait": True}])
    panel.ui.trainButton.click()
    wait_until_asked(slicer_standin, worker, "train")
    panel.table.select(KEYS[12])
    panel.relabel("FLAIR")
    slicer_standin.wait_for(lambda: sequences(panel)[KEYS[12]] == "FLAIR")
    slicer_standin.wait_for(lambda: bool(panel.details.classes))
    assert panel.longJobs.isRunning


def test_changes_are_grouped_and_lead_to_their_series(slicer_standin, worker, panel, bundle):
    flips = [flip(KEYS[3], "other"), flip(KEYS[33], "breaks"), flip(KEYS[5], "fixes"), flip("1.2/1.2.3", "fixes")]
    panel.ui.filterEdit.text = "nothing is called so"
    settle(slicer_standin, panel)
    compare(slicer_standin, worker, panel, bundle, *flips)
    slicer_standin.wait_for(lambda: not panel.comparing.flips.isFilling)
    [asked] = worker.asked("compare")
    assert (asked["old"], asked["new"]) == ("headers", str(bundle))
    assert Path(asked["html"]).parent == bundle.parent
    tree = panel.ui.flipsTree
    branches = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount)]
    assert [branch.text(0) for branch in branches] == [
        "Becomes wrong (1)",
        "Becomes right (2)",
        "Other changes (1)",
    ]
    assert "Of 10 labels that people gave, 1 would become wrong and 2 right." in panel.ui.verdictLabel.text
    assert panel.ui.reportButton.enabled
    tree.setCurrentItem(branches[0].child(0))
    settle(slicer_standin, panel)
    assert panel.table.current() == (KEYS[33], None)
    assert panel.table.isVisible(KEYS[33])
    tree.setCurrentItem(branches[1].child(1))  # of a series that is not in the table
    tree.setCurrentItem(branches[1])
    settle(slicer_standin, panel)
    assert panel.table.current() == (KEYS[33], None)


def test_a_bundle_is_adopted_only_as_it_was_compared(slicer_standin, worker, panel, bundle):
    worker.says(adopt=[{"event": "done", "name": "headers", "version": "1.1.0"}])
    panel.ui.newBundleEdit.currentPath = str(bundle)
    assert not panel.ui.adoptButton.enabled
    assert "what this bundle would change" in panel.ui.adoptButton.toolTip
    compare(slicer_standin, worker, panel, bundle, flip(KEYS[5], "fixes"))
    assert panel.ui.adoptButton.enabled
    other = bundle.parent / "other"
    other.mkdir()
    panel.ui.newBundleEdit.currentPath = str(other)
    assert not panel.ui.adoptButton.enabled
    panel.ui.newBundleEdit.currentPath = str(bundle)
    assert panel.ui.adoptButton.enabled
    (bundle / "bundle.json").write_text('{"trained": "anew"}', encoding="utf-8")
    panel.ui.adoptButton.click()
    settle(slicer_standin, panel)
    assert not worker.asked("adopt")
    assert not panel.ui.adoptButton.enabled
    compare(slicer_standin, worker, panel, bundle, flip(KEYS[5], "fixes"))
    panel.ui.adoptButton.click()
    settle(slicer_standin, panel)
    assert [request["bundle"] for request in worker.asked("adopt")] == [str(bundle)]
    assert panel.ui.learnStatusLabel.text == "headers 1.1.0 is used from the next batch on."
    assert not panel.ui.adoptButton.enabled
    assert not slicer_standin.record.named("confirmOkCancelDisplay")


def test_a_comparison_that_did_not_end_allows_nothing(slicer_standin, worker, panel, bundle):
    compare(slicer_standin, worker, panel, bundle, flip(KEYS[5], "fixes"))
    worker.says(compare=[{"die": True}])
    panel.ui.compareButton.click()
    settle(slicer_standin, panel)
    assert not panel.ui.adoptButton.enabled
    assert not panel.ui.reportButton.enabled
    assert panel.ui.verdictLabel.isHidden()


def test_a_bundle_that_breaks_labels_is_adopted_after_one_question(slicer_standin, worker, panel, bundle):
    worker.says(adopt=[{"event": "done", "name": "headers", "version": "1.1.0"}])
    compare(slicer_standin, worker, panel, bundle, *(flip(uid, "breaks") for uid in KEYS[:3]))
    slicer_standin.record.answers["confirmOkCancelDisplay"] = False
    panel.ui.adoptButton.click()
    settle(slicer_standin, panel)
    assert not worker.asked("adopt")
    slicer_standin.record.answers["confirmOkCancelDisplay"] = True
    panel.ui.adoptButton.click()
    settle(slicer_standin, panel)
    assert len(worker.asked("adopt")) == 1
    questions = slicer_standin.record.named("confirmOkCancelDisplay")
    assert len(questions) == 2
    assert "3 labels that people gave would become wrong" in questions[0]


def test_the_bundle_before_is_used_again(slicer_standin, worker, panel):
    worker.says(rollback=[{"event": "done", "name": "liver", "version": "1.0.0"}])
    panel.ui.recipeCombo.currentIndex = 2
    assert panel.ui.rollBackButton.text == "Roll back liver"
    panel.ui.rollBackButton.click()
    settle(slicer_standin, panel)
    assert [request["name"] for request in worker.asked("rollback")] == ["liver"]
    assert "liver 1.0.0 is used again" in panel.ui.learnStatusLabel.text


def test_a_bundle_that_advanced_names_stays_in_use_and_that_is_said(slicer_standin, worker, panel):
    worker.says(rollback=[{"event": "done", "name": "headers", "version": "1.0.0"}])
    panel.ui.bundleEdit.currentPath = "/my bundle"
    panel.ui.rollBackButton.click()
    settle(slicer_standin, panel)
    assert "Advanced names another bundle" in panel.ui.learnStatusLabel.text


# --- its life ------------------------------------------------------------------------------------------------


@ASKS_THE_SYSTEM
def test_the_end_of_the_module_ends_all_that_is_under_way(slicer_standin, worker, panel, folders):
    worker.says(train=[{"deaf": True}], siblings=siblings_of(like(KEYS[1])))
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    panel.siblings.show()
    worker.says(queue=[{"deaf": True}])
    panel.ui.trainButton.click()
    panel.queue.ask()
    wait_until_asked(slicer_standin, worker, "train")
    processes = [
        int(w._process.processId()) for w in (panel.learnWorker, panel.reviewWorker, panel.deskWorker)
    ]
    slicer_standin.loaded.unload()
    assert not any(map(is_alive, processes))
    slicer_standin.process_events(100)
    slicer_standin.load(MODULE).enter()


def test_a_database_closed_under_it_takes_the_queue_and_the_offers_with_it(
    slicer_standin, worker, show, tmp_path
):
    import slicer

    worker.says(
        queue=queue_of(*map(item, KEYS[:5])), siblings=siblings_of(like(KEYS[1])), train=[{"wait": True}]
    )
    panel = show()
    (tmp_path / "data").mkdir()
    panel.ui.trainingFolderEdit.currentPath = panel.ui.bundleFolderEdit.currentPath = str(tmp_path / "data")
    relabel(slicer_standin, panel, KEYS[0], "FLAIR")
    panel.siblings.show()
    panel.ui.trainButton.click()
    slicer.dicomDatabase.closeDatabase()
    slicer_standin.process_events(500)
    assert len(panel.queue) == 0
    assert panel.siblings.dialog is None
    assert panel.ui.siblingsLabel.isHidden()
    panel.siblings.correctAll()
    panel.ui.nextButton.click()
    panel.ui.learnStopButton.click()
    settle(slicer_standin, panel)
    assert "Nothing is left to review" in panel.ui.statusLabel.text
    assert "Training was stopped" in panel.ui.learnStatusLabel.text
    assert "DICOM database" in panel.ui.trainingExportButton.toolTip
