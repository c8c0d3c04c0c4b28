"""What the module has beside its panel: the line in the browser, labels in the scene, calls, imports, batch mode."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import pytest

from SeriesClassifierLib.identity import series_key

FOLDER = Path(__file__).resolve().parents[2] / "SeriesClassifier"
MODULE = FOLDER / "SeriesClassifier.py"
PATIENCE_MS = 60_000


@pytest.fixture
def module(slicer_standin, studies):
    """The loaded module over a database of two small studies."""
    loaded = slicer_standin.load(MODULE)
    yield loaded
    from SeriesClassifierApp import InOtherModules

    InOtherModules.uninstall()
    slicer_standin.loaded.unload()


@pytest.fixture
def logic(module):
    import SeriesClassifier

    return SeriesClassifier.SeriesClassifierLogic()


@pytest.fixture
def series(module):
    from SeriesClassifierApp import DatabaseSource

    return DatabaseSource.allSeries()


def wait(standin, panel):
    standin.wait_for(
        lambda: not (panel.batch.isRunning or panel.publisher.isWriting or panel.table.slowly.isBusy),
        PATIENCE_MS,
    )


# --- calls of other modules ----------------------------------------------------------------------------------


def test_series_are_classified_and_found_by_what_they_are(logic, series):
    import slicer

    assert logic.labelForSeries(series[0]) is None
    labels = logic.classifySeries(series, mode="header")
    assert set(labels) == set(series)
    dwi = next(uid for uid in series if slicer.dicomDatabase.descriptionForSeries(uid) == "dwi")
    label = logic.labelForSeries(dwi)
    assert (label["label"], label["status"], label["reliable"]) == ("DWI AX x2: b50/b800", "auto", True)
    assert (label["sequence"], label["plane"]) == ("DWI", "AX")
    study = slicer.dicomDatabase.studyForSeries(dwi)
    assert logic.findSeries(study, sequence="DWI", plane="AX") == [dwi]
    assert logic.findSeries(study, sequence="dwi", plane="SAG") == []
    assert logic.findSeries("1.2.3", sequence="DWI") == []


def test_only_what_may_be_relied_on_is_found(logic, series):
    import slicer
    from SeriesClassifierApp import Settings, Sources
    from SeriesClassifierApp.LabelStore import SourceLabels

    logic.classifySeries(series, mode="header")
    doubtful = next(uid for uid in series if not logic.labelForSeries(uid)["reliable"])
    study = slicer.dicomDatabase.studyForSeries(doubtful)
    sequence = logic.labelForSeries(doubtful)["sequence"]
    assert doubtful not in logic.findSeries(study, sequence=sequence)
    store = SourceLabels(Sources.database(), Settings.user())
    list(store.accept([(series_key(study, doubtful), None)]))
    store.close()
    assert doubtful in logic.findSeries(study, sequence=sequence)


@pytest.mark.parametrize("facets", [{}, {"sequence": "unknown"}, {"sequence": "T9"}, {"weight": "T2"}])
def test_what_does_not_exist_is_not_looked_for(logic, facets):
    with pytest.raises(ValueError, match=r".+"):
        logic.findSeries("1.2.3", **facets)


def test_without_a_database_it_says_so(logic, series):
    import slicer

    slicer.dicomDatabase.closeDatabase()
    with pytest.raises(RuntimeError, match="no DICOM database"):
        logic.classifySeries(series)


# --- the DICOM browser ---------------------------------------------------------------------------------------


def test_the_browser_gets_a_line_that_follows_the_selection(slicer_standin, module, logic, series):
    import slicer
    from SeriesClassifierApp import InOtherModules

    line = InOtherModules.install().browserPanel
    assert not line.isThere  # the DICOM module was never shown
    slicer.modules.dicom.widgetRepresentation()
    slicer_standin.wait_for(lambda: line.isThere)
    manager = slicer.modules.DICOMWidget.browserWidget.dicomBrowser.dicomTableManager()
    _select(series[0])
    slicer_standin.wait_for(lambda: line.label.text == "Series class: not classified yet")
    logic.classifySeries(series, mode="header")  # it follows what is new
    slicer_standin.wait_for(lambda: logic.labelForSeries(series[0])["label"] in line.label.text)
    InOtherModules.uninstall()
    assert not line.isThere
    manager.setCurrentSeriesSelection([])


def test_the_line_classifies_what_is_selected(slicer_standin, module, series):
    import slicer
    from SeriesClassifierApp import InOtherModules

    panel = module.enter().panel
    slicer.modules.dicom.widgetRepresentation()
    line = InOtherModules.install().browserPanel
    _select(series[0])
    slicer_standin.wait_for(lambda: line.classifyButton.enabled)
    line.classifyButton.click()
    assert panel.batch.isRunning
    wait(slicer_standin, panel)
    assert panel.table.selectSeries(series[0])


def test_the_line_follows_corrections_batches_and_databases(slicer_standin, module, series, tmp_path):
    import slicer

    panel = module.enter().panel
    from SeriesClassifierApp import InOtherModules
    from SeriesClassifierApp.Parameters import Mode

    panel.parameters.mode = Mode.HEADER
    slicer.modules.dicom.widgetRepresentation()
    line = InOtherModules.install().browserPanel
    _select(series[0])
    slicer_standin.wait_for(lambda: line.label.text == "Series class: not classified yet")
    panel.ui.classifyButton.click()
    slicer_standin.wait_for(lambda: "(auto" in line.label.text or "(review" in line.label.text, PATIENCE_MS)
    wait(slicer_standin, panel)
    panel.table.selectSeries(series[0])
    panel.relabel("FLAIR")
    slicer_standin.wait_for(lambda: "FLAIR AX (corrected" in line.label.text)
    panel.ui.undoButton.click()
    slicer_standin.wait_for(lambda: "FLAIR" not in line.label.text)
    slicer.dicomDatabase.closeDatabase()
    slicer_standin.wait_for(lambda: line.label.text == "Series class: select a series")


@pytest.fixture
def visual(slicer_standin, module):
    """The visual browser, which is shown."""
    import slicer

    slicer.modules.dicom.widgetRepresentation()
    around = slicer.modules.DICOMWidget.browserWidget
    around.toggleBrowsers(True)
    return around.dicomVisualBrowser


def test_what_is_chosen_in_the_visual_browser_is_known(slicer_standin, visual, logic, series):
    import slicer
    from SeriesClassifierApp import DatabaseSource, InOtherModules

    line, view = InOtherModules.install().browserPanel, visual.patientView()
    database = slicer.dicomDatabase
    view.selectPatientUIDs(database.patients()[:1])
    studies = database.studiesForPatient(database.patients()[0])
    assert DatabaseSource.selectedSeries() == [uid for s in studies for uid in database.seriesForStudy(s)]
    view.selectSeriesInstanceUIDs([series[1]])
    assert DatabaseSource.selectedSeries() == [series[1]]
    slicer_standin.wait_for(lambda: line.label.text == "Series class: not classified yet")
    logic.classifySeries(series, mode="header")
    slicer_standin.wait_for(lambda: logic.labelForSeries(series[1])["label"] in line.label.text)
    view.selectPatientUIDs([])
    view.selectSeriesInstanceUIDs([])  # nobody tells
    slicer_standin.wait_for(lambda: line.label.text == "Series class: select a series")
    assert not line.classifyButton.enabled


@pytest.mark.parametrize("slicer_standin", ["5.8", "5.10"], indirect=True)
def test_before_5_12_the_choice_is_that_of_the_table(slicer_standin, visual, series):
    from SeriesClassifierApp import DatabaseSource

    assert not hasattr(visual, "patientView")
    _select(series[0])
    assert DatabaseSource.selectedSeries() == [series[0]]


def test_imports_and_retrievals_of_the_visual_browser_are_noticed(slicer_standin, visual, series):
    from SeriesClassifierApp import Settings
    from SeriesClassifierApp.ImportWatcher import ImportWatcher

    Settings.put("classifyImports", True)
    seen = []
    watcher = ImportWatcher(lambda new: seen.append(new) or True)
    assert watcher.install()
    watcher._timer.setInterval(10)
    watcher._known = set(series[1:])
    visual.onIndexingComplete(1, 1, 1, 1)
    slicer_standin.process_events(100)
    assert seen == [series[:1]]
    watcher._known = set(series[:-1])
    visual.seriesRetrieved.emit([series[-1]])
    slicer_standin.process_events(100)
    assert seen == [series[:1], series[-1:]]
    watcher.cleanup()


def test_what_is_in_a_database_that_is_opened_is_no_import(slicer_standin, module, series, studies):
    import slicer
    from SeriesClassifierApp import DatabaseSource, Settings
    from SeriesClassifierApp.ImportWatcher import ImportWatcher

    slicer.modules.dicom.widgetRepresentation()
    Settings.put("classifyImports", True)
    slicer.dicomDatabase.closeDatabase()
    seen = []
    watcher = ImportWatcher(lambda new: seen.append(new) or True)
    assert watcher.install()
    watcher._timer.setInterval(10)
    slicer.dicomDatabase.openDatabase(str(studies))
    watcher.databaseChanged()
    DatabaseSource.browser().directoryImported.emit()
    slicer_standin.process_events(100)
    assert seen == []
    watcher.cleanup()


def _select(uid):
    import ctk
    import slicer

    database, browser = slicer.dicomDatabase, slicer.modules.DICOMWidget.browserWidget.dicomBrowser
    study = database.studyForSeries(uid)
    browser.setSelectedItems(ctk.ctkDICOMModel.PatientType, [database.patientForStudy(study)])
    browser.setSelectedItems(ctk.ctkDICOMModel.StudyType, [study])
    browser.setSelectedItems(ctk.ctkDICOMModel.SeriesType, [uid])


def test_new_imports_are_classified_when_the_user_wants_it(slicer_standin, module, series):
    import slicer
    from SeriesClassifierApp import DatabaseSource, Settings
    from SeriesClassifierApp.ImportWatcher import ImportWatcher

    slicer.modules.dicom.widgetRepresentation()
    seen = []
    watcher = ImportWatcher(lambda new: seen.append(new) or True)
    assert watcher.install()
    watcher._timer.setInterval(10)
    watcher._known = set(series[1:])
    browser = DatabaseSource.browser()
    browser.directoryImported.emit()
    slicer_standin.process_events(100)
    assert seen == []  # off by default
    watcher._known = set(series[1:])
    Settings.put("classifyImports", True)
    browser.directoryImported.emit()
    browser.directoryImported.emit()
    slicer_standin.process_events(100)
    assert seen == [series[:1]]
    watcher.cleanup()


# --- the scene -----------------------------------------------------------------------------------------------


def test_loaded_volumes_are_told_their_class(slicer_standin, module, logic, series):
    import slicer
    from SeriesClassifierApp import DatabaseSource, SceneLabels

    node = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "1: something")
    volume.SetAttribute("DICOM.instanceUIDs", slicer.dicomDatabase.instancesForSeries(series[0])[0])
    item = node.CreateItem(node.GetSceneItemID(), volume)
    node.SetItemUID(item, "DICOM", series[0])
    assert DatabaseSource.loadedSeries() == [series[0]]
    logic.classifySeries(series, mode="header")
    label = logic.labelForSeries(series[0])
    row = {"series_uid": series[0], "study_uid": "1", "label": label["label"], "status": label["status"]}
    assert SceneLabels.apply([row]) == 1
    assert node.GetItemAttribute(item, "SeriesClassifier.Label") == label["label"]
    SceneLabels.renameVolumes([{**row, "status": "review"}])
    assert volume.GetName() == "1: something"
    SceneLabels.renameVolumes([{**row, "status": "auto"}])
    assert volume.GetName() == label["label"]


def test_a_volume_gets_no_label_of_another_study_with_its_series_uid(slicer_standin, module, series):
    import slicer
    from SeriesClassifierApp import SceneLabels

    node = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = node.CreateStudyItem(node.GetSceneItemID(), "study")
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "1: something")
    item = node.CreateItem(study, volume)
    node.SetItemUID(item, "DICOM", series[0])
    rows = [
        {"series_uid": series[0], "study_uid": uid, "label": label, "status": "auto"}
        for uid, label in (("1.2", "T1 AX"), ("1.3", "T2 AX"))
    ]
    assert SceneLabels.apply(rows) == 0
    node.SetItemUID(study, "DICOM", "1.3")
    assert SceneLabels.apply(rows) == 1
    assert node.GetItemAttribute(item, "SeriesClassifier.Label") == "T2 AX"


def test_volumes_loaded_later_are_told_their_class(slicer_standin, module, logic, series):
    import slicer
    from SeriesClassifierApp import InOtherModules

    logic.classifySeries(series, mode="header")
    InOtherModules.install()
    node = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "1: something")
    item = node.CreateItem(node.GetSceneItemID(), volume)
    node.SetItemUID(item, "DICOM", series[0])
    slicer_standin.process_events(800)
    assert node.GetItemAttribute(item, "SeriesClassifier.Label") == logic.labelForSeries(series[0])["label"]


def test_tags_that_are_read_are_cached_at_import(slicer_standin, module):
    import slicer
    from SeriesClassifierApp import InOtherModules

    InOtherModules.install()
    assert "0018,0080" in slicer.dicomDatabase.tagsToPrecache


# --- sample data, self test, batch mode ----------------------------------------------------------------------


def test_sample_data_is_registered_once(slicer_standin, module):
    from SeriesClassifierApp import InOtherModules

    InOtherModules.install()
    [source] = slicer_standin.sample_data
    assert source["sampleName"] == "SeriesClassifierExams"
    assert source["uris"] == []
    assert Path(source["thumbnailFileName"]).is_file()
    assert callable(source["customDownloader"])


def script():
    spec = importlib.util.spec_from_file_location(
        "classify_database", FOLDER / "Scripts" / "classify_database.py"
    )
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_batch_mode_writes_the_table_of_the_command_line(slicer_standin, module, studies, tmp_path):
    from SeriesClassifierLib.cli.main import main

    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    options = ["--mode", "header", "--no-journal", "--quiet"]
    assert script().main(["--database", str(studies), "--out", str(ours), *options]) == 0
    assert main(["classify", str(studies), "--out", str(theirs), *options]) == 0
    assert ours.read_bytes() == theirs.read_bytes()
    # Without --database it is that of Slicer.
    again = tmp_path / "again.csv"
    assert script().main(["--out", str(again), *options]) == 0
    assert again.read_bytes() == theirs.read_bytes()
    with ours.open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--database", "/no/such/folder"], 3), (["--database", "{folder}", "--mode", "nonsense"], 2)],
)
def test_batch_mode_ends_with_the_codes_of_the_command_line(slicer_standin, module, studies, arguments, code):
    assert script().main([argument.format(folder=studies.parent) for argument in arguments]) == code


def test_batch_mode_installs_nothing_unless_it_is_told_to(slicer_standin, module, monkeypatch, capsys):
    from SeriesClassifierApp import Dependencies

    monkeypatch.setattr(Dependencies, "requirements", lambda: ["no-such-package>=1"])
    assert script().main([]) == 3
    assert "add --install" in capsys.readouterr().err
    assert not slicer_standin.record.named("pip_install")


def test_batch_mode_without_a_database_says_so(slicer_standin, module, capsys):
    import slicer

    slicer.dicomDatabase.closeDatabase()
    assert script().main([]) == 3
    assert "no DICOM database is open" in capsys.readouterr().err


def test_the_script_that_the_worker_runs_needs_no_slicer(tmp_path):
    import subprocess

    done = subprocess.run(
        [sys.executable, "-I", str(FOLDER / "Scripts" / "worker.py"), "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.startswith("series-classifier ")
