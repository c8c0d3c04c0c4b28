"""The start of Slicer, in its own order: modules are instantiated, then set up, and at the end each one's slot of
`startupCompleted` is called. Only that of the DICOM module makes `slicer.dicomDatabase`, and ours is called before it.
"""

from __future__ import annotations

import importlib.util

import pytest
from support.panel import MODULE, settle
from support.standin import VERSIONS

EVERY_VERSION = pytest.mark.parametrize("slicer_standin", VERSIONS, indirect=True)


@pytest.fixture
def start(slicer_standin):
    """Starts Slicer with the module; what the module holds in others is taken out at the end."""

    def start_up(**how):
        [module] = slicer_standin.start_up(MODULE, **how)
        return module

    yield start_up
    from SeriesClassifierApp import InOtherModules

    InOtherModules.uninstall()
    slicer_standin.loaded.unload()


def installed():
    from SeriesClassifierApp import InOtherModules

    return InOtherModules._installed


def is_precached():
    import slicer

    return "0018,0080" in slicer.dicomDatabase.tagsToPrecache


@EVERY_VERSION
def test_our_slot_is_called_before_slicer_has_a_database(slicer_standin):
    """What the stand-in must do for the tests below to mean anything."""
    import slicer

    seen = []
    slicer.app.connect("startupCompleted()", lambda: seen.append(hasattr(slicer, "dicomDatabase")))
    assert not hasattr(slicer, "dicomDatabase")
    slicer_standin.start_up()
    assert seen == [False]
    assert slicer.dicomDatabase is slicer.app.dicomDatabase()


@EVERY_VERSION
def test_after_the_start_all_is_in_place(slicer_standin, start):
    import slicer

    start()
    there = installed()
    assert is_precached()
    assert there.sceneWatcher._observed
    assert not there.browserPanel.isThere
    slicer.modules.dicom.widgetRepresentation()  # nobody tells that it was made
    slicer_standin.wait_for(lambda: there.browserPanel.isThere)
    assert there.importWatcher.isThere
    assert len(slicer_standin.sample_data) == 1


@EVERY_VERSION
def test_all_is_in_place_when_the_dicom_module_is_the_first_that_is_shown(slicer_standin, start):
    start(home="DICOM")
    assert installed().browserPanel.isThere
    assert installed().importWatcher.isThere
    assert is_precached()


@EVERY_VERSION
def test_the_panel_lives_when_it_is_the_first_that_is_shown(slicer_standin, studies, start):
    """It is built before the DICOM module makes its name for the database."""
    import slicer

    module = start(home="SeriesClassifier")
    panel = module.widget.panel
    slicer_standin.wait_for(lambda: panel.ui.classifyButton.enabled)
    assert slicer.dicomDatabase.isOpen
    slicer.modules.dicom.widgetRepresentation()
    slicer_standin.wait_for(lambda: installed().browserPanel.isThere)


def test_the_panel_follows_a_database_that_the_settings_name(slicer_standin, studies, start):
    import ctk
    import qt

    slicer_standin.application.main_database.closeDatabase()
    key = f"DatabaseDirectory_{ctk.ctkDICOMDatabase().schemaVersion()}"
    qt.QSettings().setValue(key, str(studies.parent))
    panel = start(home="SeriesClassifier").widget.panel
    slicer_standin.wait_for(lambda: panel.ui.classifyButton.enabled)
    assert panel.store.source.databaseFile == str(studies)


@pytest.mark.parametrize("named", [False, True])
def test_batch_mode_takes_slicers_database_before_the_start_is_over(
    slicer_standin, studies, start, tmp_path, named
):
    import slicer

    out, codes = tmp_path / "labels.csv", []

    def script():
        assert not hasattr(slicer, "dicomDatabase")
        file = MODULE.parent / "Scripts" / "classify_database.py"
        spec = importlib.util.spec_from_file_location("classify_database", file)
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        options = ["--out", str(out), "--mode", "header", "--no-journal", "--quiet"]
        codes.append(found.main([*options, *(["--database", str(studies)] if named else [])]))

    start(script=script)
    assert codes == [0]
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1 + 5


# --- and later: another object, none, a closed one ---------------------------------------------------------------


def another_database(studies, tmp_path):
    """Another database object with a copy of the file."""
    import shutil

    import ctk

    folder = tmp_path / "another"
    folder.mkdir()
    for file in studies.parent.glob("*.sql"):
        shutil.copyfile(file, folder / file.name)
    database = ctk.ctkDICOMDatabase()
    assert database.openDatabase(str(folder / "ctkDICOM.sql"))
    return database


def test_another_object_as_slicers_database_is_followed(slicer_standin, studies, start, tmp_path):
    import slicer

    panel = start().enter().panel
    settle(slicer_standin, panel)
    first = panel.store.source
    slicer.dicomDatabase = another_database(studies, tmp_path)
    slicer_standin.wait_for(lambda: panel.store.source != first)
    assert panel.store.source.databaseFile == str(tmp_path / "another" / "ctkDICOM.sql")
    slicer_standin.wait_for(is_precached)
    slicer.dicomDatabase.closeDatabase()
    slicer_standin.wait_for(lambda: not panel.ui.classifyButton.enabled)
    slicer.dicomDatabase = slicer.app.dicomDatabase()
    slicer_standin.wait_for(lambda: panel.store.source == first)


@pytest.mark.parametrize("absent", ["None", "deleted", "no name"])
def test_no_database_at_any_time_is_no_harm(slicer_standin, studies, start, tmp_path, absent):
    import slicer
    from SeriesClassifierApp import DatabaseSource, Labels, SampleStudies

    panel = start().enter().panel
    settle(slicer_standin, panel)
    slicer.dicomDatabase = another_database(studies, tmp_path)
    slicer_standin.process_events(1200)
    if absent == "None":
        slicer.dicomDatabase = None
    elif absent == "deleted":
        slicer.dicomDatabase.delete()
    else:
        slicer_standin.application.main_database.closeDatabase()
        del slicer.dicomDatabase
    assert DatabaseSource.database() is None
    assert Labels.labelOf("1.2.3") is None
    assert Labels.find("1.2.3", sequence="T2") == []
    assert DatabaseSource.allSeries() == DatabaseSource.selectedSeries() == []
    with pytest.raises(RuntimeError, match="no DICOM database is open"):
        SampleStudies.download()
    slicer_standin.wait_for(lambda: not panel.ui.classifyButton.enabled)
    panel.refresh()
    panel.publisher.publish(panel.store.source)
    assert not panel.publisher.isWriting


def test_a_browser_that_is_made_anew_gets_its_line_again(slicer_standin, start):
    import slicer

    start(home="DICOM")
    there = installed()
    slicer.modules.dicom.makeWidget()
    assert not there.browserPanel.isThere
    slicer_standin.wait_for(lambda: there.browserPanel.isThere)
    assert there.importWatcher.isThere


def test_reloading_takes_out_what_is_in_other_modules_and_puts_it_back_once(slicer_standin, studies, start):
    import slicer
    from slicer.util import findChildren

    module = start(home="DICOM")
    module.enter()
    before = installed()
    module.widget.onReload()
    assert not before.browserPanel.isThere
    slicer_standin.process_events(50)
    after = installed()
    assert after is not before
    assert after.browserPanel.isThere
    around = slicer.modules.DICOMWidget.browserWidget
    assert len(findChildren(around, name="SeriesClassifierBrowserPanel")) == 1
    assert not before._watcher._timer.isActive()
    settle(slicer_standin, module.widget.panel)
