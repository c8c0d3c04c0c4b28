"""The panel as a user drives it: classify, look, filter, correct by key, undo, stop, publish, export."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys

import pytest
from support.panel import MODULE, PATIENCE_MS, choose, evidence_by, key_named, labels, settle
from support.predictions import fact

from SeriesClassifierLib.explain.evidence_text import attributed, text
from SeriesClassifierLib.journal.store import JOURNAL_NAME
from SeriesClassifierLib.records import Evidence, Witness

# --- its life ------------------------------------------------------------------------------------------------


def test_it_lives_without_a_window_and_without_a_database(slicer_standin):
    import slicer

    assert slicer.util.mainWindow() is None
    module = slicer_standin.load(MODULE)
    panel = module.enter().panel
    assert not panel.ui.classifyButton.enabled
    assert "Open a DICOM database" in panel.ui.classifyButton.toolTip
    module.exit()
    module.enter()
    module.unload()
    assert not slicer_standin.slot_errors


def test_it_lives_with_no_database_object_at_all(slicer_standin):
    import slicer

    module = slicer_standin.load(MODULE)
    slicer.dicomDatabase = None
    assert not module.enter().panel.ui.classifyButton.enabled
    module.unload()


def test_it_lives_with_an_empty_database(slicer_standin, empty_database):
    panel = slicer_standin.load(MODULE).enter().panel
    assert "empty" in panel.ui.classifyButton.toolTip


def test_a_database_that_is_closed_under_it_is_no_harm(slicer_standin, classified):
    import slicer

    slicer.dicomDatabase.closeDatabase()
    slicer_standin.process_events(500)
    assert not classified.ui.classifyButton.enabled
    assert not classified.table.rows
    slicer_standin.loaded.exit()


def test_labels_of_an_earlier_visit_are_there_again(slicer_standin, classified):
    before = labels(classified)
    slicer_standin.loaded.unload()
    again = slicer_standin.load(MODULE).enter().panel
    settle(slicer_standin, again)
    assert labels(again) == before


def test_reloading_leaves_nothing_behind(slicer_standin, classified):
    slicer_standin.loaded.reload()
    again = slicer_standin.loaded.enter().panel
    settle(slicer_standin, again)
    assert len(again.table.rows) == 4


def test_closing_the_scene_gives_new_choices(slicer_standin, panel):
    import slicer

    slicer.mrmlScene.Clear()
    assert panel.parameters is not None
    assert panel.ui.classifyButton.enabled


# --- classifying ---------------------------------------------------------------------------------------------


def test_the_whole_database_is_classified_and_published(slicer_standin, classified):
    import slicer

    assert labels(classified)["t2_tse_tra"][0] == "T2 AX"
    assert len(classified.table.rows) == 4
    assert classified.ui.statusLabel.text.startswith("4 series in ")
    assert classified.ui.statusLabel.text.endswith("The DICOM browser shows the class of 4 series.")
    for row in classified.table.rows.values():
        assert slicer.dicomDatabase.fieldForSeries("SeriesClassifierLabel", row["series_uid"])
    assert slicer.dicomDatabase.isOpen


def test_the_table_shows_what_the_rows_say(classified):
    tree = classified.ui.seriesTree
    shown = []
    for i in range(tree.topLevelItemCount):
        study = tree.topLevelItem(i)
        assert study.isExpanded()
        shown += [[study.child(j).text(column) for column in range(6)] for j in range(study.childCount())]
    assert ["3", "dwi", "DWI AX x2: b50/b800", "auto", "fact"] in [[*row[:3], *row[4:]] for row in shown]
    marks = {row[1]: row[2] for row in shown}
    assert marks["t2_tse_tra"] == "T2 AX ?"
    assert [row[0] for row in shown if row[1].startswith("series ")] == ["2", "10"]


def test_a_series_of_several_parts_can_be_opened(classified):
    row = classified.table.rows[key_named(classified, "dwi")]
    assert row["label"] == "DWI AX x2: b50/b800"
    tree = classified.ui.seriesTree
    items = [
        tree.topLevelItem(i).child(j) for i in range(2) for j in range(tree.topLevelItem(i).childCount())
    ]
    item = next(item for item in items if item.text(1) == "dwi")
    assert [item.child(k).text(2) for k in range(item.childCount())] == ["DWI AX b50", "DWI AX b800"]


def test_only_the_study_of_the_selected_series(slicer_standin, panel, run):
    import slicer
    from SeriesClassifierApp.Parameters import Scope

    panel.parameters.scope = Scope.SELECTED
    assert "Select" in panel.ui.classifyButton.text
    assert not panel.ui.classifyButton.enabled
    slicer.modules.dicom.widgetRepresentation()
    panel.enter()
    database, browser = slicer.dicomDatabase, slicer.modules.DICOMWidget.browserWidget.dicomBrowser
    patient = database.patients()[0]
    study = database.studiesForPatient(patient)[0]
    series = list(database.seriesForStudy(study))
    import ctk

    for level, uids in (("PatientType", [patient]), ("StudyType", [study]), ("SeriesType", series[:1])):
        browser.setSelectedItems(getattr(ctk.ctkDICOMModel, level), uids)
    assert panel.ui.classifyButton.enabled
    run(panel)
    assert {row["series_uid"] for row in panel.table.rows.values()} == set(series)
    slicer_standin.process_events(400)
    assert list(browser.dicomTableManager().currentSeriesSelection()) == series[:1]


def test_a_folder_is_classified_and_nothing_is_written_to_it(slicer_standin, panel, run, studies):
    from SeriesClassifierApp.Parameters import Scope

    folder = studies.parent / "dicom"
    before = sorted(path.name for path in folder.rglob("*"))
    panel.parameters.scope = Scope.FOLDER
    assert panel.ui.folderEdit.isVisibleTo(panel.ui.classifySection)
    panel.ui.folderEdit.currentPath = str(folder)
    run(panel)
    assert len(panel.table.rows) == 4
    assert sorted(path.name for path in folder.rglob("*")) == before
    choose(slicer_standin, panel, "t2_tse_tra")
    assert panel.ui.picture0.pixmap


def test_it_can_be_stopped(slicer_standin, panel):
    panel.ui.classifyButton.click()
    panel.ui.stopButton.click()
    settle(slicer_standin, panel)
    assert "Stopped" in panel.ui.statusLabel.text
    assert panel.ui.classifyButton.enabled


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_a_worker_that_crashes_is_started_again(slicer_standin, panel):
    panel.ui.classifyButton.click()
    slicer_standin.wait_for(lambda: panel.batchWorker._process.processId() > 0)
    os.kill(panel.batchWorker._process.processId(), signal.SIGKILL)
    settle(slicer_standin, panel)
    assert panel.batch.restarts == 1
    assert len(panel.table.rows) == 4


def test_a_worker_that_cannot_start_says_so(slicer_standin, panel, monkeypatch, tmp_path):
    from SeriesClassifierApp import WorkerProcess

    monkeypatch.setattr(WorkerProcess, "pythonProgram", lambda: str(tmp_path / "no such program"))
    panel.ui.classifyButton.click()
    settle(slicer_standin, panel)
    assert "PythonSlicer could not be started" in panel.ui.statusLabel.text
    assert panel.ui.progressArea.isHidden()
    assert panel.ui.classifyButton.enabled


def test_a_worker_that_ends_at_once_says_so(slicer_standin, panel, monkeypatch, tmp_path):
    from SeriesClassifierApp import WorkerProcess

    broken = tmp_path / "worker.py"
    broken.write_text("raise SystemExit(7)", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(WorkerProcess, "WORKER_SCRIPT", broken)
        panel.ui.classifyButton.click()
        settle(slicer_standin, panel)
    assert "before it had done anything (exit code 7)" in panel.ui.statusLabel.text
    assert panel.ui.progressArea.isHidden()
    panel.ui.classifyButton.click()
    settle(slicer_standin, panel)
    assert len(panel.table.rows) == 4


def test_without_pythonslicer_it_says_so_and_can_be_tried_again(slicer_standin, panel, monkeypatch):
    from SeriesClassifierApp import WorkerProcess

    with monkeypatch.context() as patch:
        patch.setattr(WorkerProcess.shutil, "which", lambda _name: None)
        patch.setattr(WorkerProcess.sys, "executable", "/opt/Slicer/SlicerApp-real")
        panel.ui.classifyButton.click()
        assert panel.batch.isRunning  # nobody is told before he is through with asking
        settle(slicer_standin, panel)
    assert "PythonSlicer was not found" in panel.ui.statusLabel.text
    assert panel.ui.progressArea.isHidden()
    panel.ui.classifyButton.click()
    settle(slicer_standin, panel)
    assert len(panel.table.rows) == 4


def test_packages_are_installed_after_asking_and_not_otherwise(slicer_standin, panel, monkeypatch):
    from SeriesClassifierApp import Dependencies

    monkeypatch.setattr(Dependencies, "requirements", lambda: ["no-such-package>=1"])
    slicer_standin.record.answers["confirmOkCancelDisplay"] = False
    panel.ui.classifyButton.click()
    assert not panel.batch.isRunning
    assert "not installed" in panel.ui.statusLabel.text
    assert not slicer_standin.record.named("pip_install")
    slicer_standin.record.answers["confirmOkCancelDisplay"] = True
    panel.ui.classifyButton.click()
    assert slicer_standin.record.named("pip_install")
    assert "could not be installed" in panel.ui.statusLabel.text


# --- looking -------------------------------------------------------------------------------------------------


def test_details_tell_why(slicer_standin, classified):
    choose(slicer_standin, classified, "t2_tse_tra")
    assert classified.ui.detailsTitle.text == "1  t2_tse_tra: T2 AX"
    shown = classified.ui.detailsText.toPlainText()
    assert text(fact("plane", "AX", "ImageOrientationPatient")) in shown
    assert attributed(Evidence(Witness.WORDS, facet="sequence", value="T2")) in shown
    assert classified.details.classes[0] == "T2"
    assert classified.ui.picture0.pixmap


def test_the_filter_and_needs_review(slicer_standin, classified):
    def visible():
        return sorted(classified.table.rows[uid]["description"] for uid in classified.table.visible())

    classified.ui.filterEdit.text = "dwi"
    settle(slicer_standin, classified)
    assert visible() == ["dwi"]
    classified.ui.filterEdit.text = ""
    classified.ui.doubtfulCheck.checked = True
    settle(slicer_standin, classified)
    assert visible() == sorted(d for d, (_, status) in labels(classified).items() if status != "auto")
    classified.ui.doubtfulCheck.checked = False
    settle(slicer_standin, classified)
    assert len(visible()) == 4


def test_next_goes_through_what_needs_review(slicer_standin, classified):
    doubtful = {uid for uid, row in classified.table.rows.items() if row["status"] != "auto"}
    assert doubtful
    seen = []
    for _ in range(len(doubtful) + 1):
        classified.ui.nextButton.click()
        settle(slicer_standin, classified)
        seen.append(classified.table.current()[0])
    assert set(seen) == doubtful
    assert seen[0] == seen[-1] or len(doubtful) == 1


# --- correcting ----------------------------------------------------------------------------------------------


def test_a_number_key_relabels_and_undo_takes_it_back(slicer_standin, classified):
    choose(slicer_standin, classified, "t2_tse_tra")
    before = labels(classified)["t2_tse_tra"]
    other = classified.details.classes[1]
    classified.pressKey(1)
    settle(slicer_standin, classified)
    assert labels(classified)["t2_tse_tra"] == (f"{other} AX", "corrected")
    classified.ui.undoButton.click()
    settle(slicer_standin, classified)
    assert labels(classified)["t2_tse_tra"] == before
    assert not classified.ui.undoButton.enabled


def test_several_series_are_relabelled_together_and_taken_back_together(slicer_standin, classified):
    before = labels(classified)
    classified.ui.seriesTree.selectAll()
    classified.relabel("FLAIR")
    settle(slicer_standin, classified)
    assert {label.split()[0] for label, _ in labels(classified).values()} == {"FLAIR"}
    classified.ui.undoButton.click()
    settle(slicer_standin, classified)
    assert labels(classified) == before


def test_a_part_can_be_corrected_alone(slicer_standin, classified):
    uid = key_named(classified, "dwi")
    classified.table.select(uid)
    item = classified.ui.seriesTree.currentItem()
    classified.ui.seriesTree.setCurrentItem(item.child(1))
    classified.relabel("ADC")
    settle(slicer_standin, classified)
    parts = {part["part"]: part["sequence"] for part in classified.table.rows[uid]["parts"]}
    assert parts == {1: "DWI", 2: "ADC"}


def test_a_human_label_survives_every_later_run(slicer_standin, studies, classified, run):
    classified.table.select(key_named(classified, "t2_tse_tra"))
    classified.ui.noteEdit.text = "seen by two"
    classified.relabel("PD")
    settle(slicer_standin, classified)
    run(classified)
    assert labels(classified)["t2_tse_tra"] == ("PD AX", "corrected")
    choose(slicer_standin, classified, "t2_tse_tra")
    named = evidence_by(Witness.HUMAN, studies.parent / JOURNAL_NAME, "PD")
    assert named.detail == "seen by two"
    assert text(named) in classified.ui.detailsText.toPlainText()


def test_accepting_makes_a_label_human(slicer_standin, classified):
    classified.table.select(key_named(classified, "t2_tse_tra"))
    classified.ui.acceptButton.click()
    settle(slicer_standin, classified)
    assert labels(classified)["t2_tse_tra"] == ("T2 AX", "corrected")


def test_another_facet_is_chosen_from_its_list(slicer_standin, classified):
    classified.table.select(key_named(classified, "t2_tse_tra"))
    combo = classified.ui.planeCombo
    combo.currentIndex = combo.findText("COR")
    combo.activated.emit(combo.currentIndex)
    settle(slicer_standin, classified)
    assert labels(classified)["t2_tse_tra"] == ("T2 COR", "corrected")
    assert combo.currentText == ""


# --- publishing and exporting --------------------------------------------------------------------------------


def test_corrections_reach_the_browser_when_the_module_is_left(slicer_standin, classified):
    import slicer

    key = key_named(classified, "t2_tse_tra")
    uid = classified.table.rows[key]["series_uid"]
    classified.table.select(key)
    classified.relabel("PD")
    settle(slicer_standin, classified)
    slicer_standin.loaded.exit()
    settle(slicer_standin, classified)
    assert slicer.dicomDatabase.fieldForSeries("SeriesClassifierLabel", uid) == "PD AX *"


def test_the_switch_takes_the_column_out_and_puts_it_back(slicer_standin, classified):
    import slicer

    classified.ui.publishCheck.checked = False
    settle(slicer_standin, classified)
    assert "SeriesClassifierLabel" not in slicer.dicomDatabase.seriesFieldNames
    classified.ui.publishCheck.checked = True
    settle(slicer_standin, classified)
    assert "SeriesClassifierLabel" in slicer.dicomDatabase.seriesFieldNames


def test_a_busy_database_is_said_and_tried_again(slicer_standin, panel, run, studies):
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); input(print('ready'))"
    other = subprocess.Popen(
        [sys.executable, "-u", "-c", code, str(studies)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline().strip() == "ready"
    panel.publisher._later.setInterval(200)
    run(panel)
    assert "busy" in panel.ui.statusLabel.text
    other.communicate("\n")
    slicer_standin.wait_for(lambda: "shows the class of 4 series" in panel.ui.statusLabel.text, PATIENCE_MS)


def test_labels_are_exported(slicer_standin, classified, tmp_path):
    out = tmp_path / "labels.csv"
    assert not classified.ui.exportButton.enabled
    classified.ui.exportEdit.currentPath = str(out)
    classified.ui.exportButton.click()
    settle(slicer_standin, classified)
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert {row["label"] for row in rows} >= {"T2 AX", "DWI AX b50"}
    classified.table.select(key_named(classified, "dwi"))
    classified.ui.exportSelectedCheck.checked = True
    classified.ui.exportButton.click()
    settle(slicer_standin, classified)
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1 + 2


def test_an_export_that_fails_says_why(slicer_standin, classified, tmp_path):
    classified.ui.exportEdit.currentPath = str(tmp_path / "labels.docx")
    classified.ui.exportButton.click()
    settle(slicer_standin, classified)
    assert "no kind of table" in classified.ui.statusLabel.text
