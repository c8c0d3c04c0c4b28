"""The stand-in fails where PythonQt fails. What is claimed of PythonQt here was read in its source."""

from __future__ import annotations

import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def qt(slicer_standin):
    import qt

    return qt


@pytest.fixture
def slicer(slicer_standin):
    import slicer

    slicer_standin.start_up()
    return slicer


def make_form(folder: Path) -> str:
    """A form as of Slicer: a section with a line for a path, a check box and a choice."""
    widgets = [
        ("ctkPathLineEdit", "folderEdit", "folder"),
        ("QCheckBox", "fastBox", "fast"),
        ("QComboBox", "modeBox", "mode"),
        ("QSpinBox", "countBox", "count"),
    ]
    items = "".join(
        f'<item><widget class="{kind}" name="{name}">'
        f'<property name="SlicerParameterName" stdset="0"><string>{parameter}</string></property></widget></item>'
        for kind, name, parameter in widgets
    )
    file = folder / "Form.ui"
    file.write_text(
        '<ui version="4.0"><class>Form</class><widget class="qMRMLWidget" name="Form"><layout class="QVBoxLayout">'
        '<item><widget class="ctkCollapsibleButton" name="section"><property name="text"><string>Inputs</string>'
        f'</property><layout class="QVBoxLayout">{items}</layout></widget></item></layout></widget></ui>'
    )
    return str(file)


# --- names -----------------------------------------------------------------------------------------------------


def test_a_property_is_a_value_and_no_method(qt):
    table = qt.QTableWidget(2, 3)
    assert (table.rowCount, table.columnCount) == (2, 3)
    with pytest.raises(TypeError, match="int"):
        table.rowCount()
    label = qt.QLabel("a")
    label.text = "b"
    assert label.text == "b"
    label.name = "Title"
    assert label.objectName == "Title"
    assert label.findChild(qt.QWidget) is None


@pytest.mark.parametrize("name", ["texts", "rowCount", "layoutText"])
def test_an_unknown_attribute_can_not_be_set(qt, name):
    with pytest.raises(AttributeError, match="creating new attributes"):
        setattr(qt.QLabel("a"), name, 1)


@pytest.mark.parametrize("name", ["setText", "linkActivated", "show"])
def test_a_method_can_not_be_overwritten(qt, name):
    with pytest.raises(AttributeError, match="overwritten"):
        setattr(qt.QLabel("a"), name, 1)


def test_what_is_no_slot_of_a_ctk_class_does_not_exist(slicer_standin):
    import ctk

    section = ctk.ctkCollapsibleButton()
    section.text, section.collapsed = "Inputs", True
    assert (section.text, section.collapsed) == ("Inputs", True)
    for missing in ("setCollapsed", "_set_collapsed", "setContentsLineWidth"):
        assert not hasattr(section, missing)
    section.setToolTip("inherited from QWidget")
    line = ctk.ctkPathLineEdit()
    line.setCurrentPath("/a")
    assert line.currentPath == "/a"
    line.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Files
    assert not hasattr(line, "setFilters")
    assert ctk.ctkDICOMModel.SeriesType == ctk.ctkDICOMModel.IndexType.SeriesType


def test_items_have_methods(qt):
    tree = qt.QTreeWidget()
    item = qt.QTreeWidgetItem(tree, ["a", "b"])
    item.setData(0, qt.Qt.UserRole, "1.2.3")
    item.setFlags(item.flags() & ~qt.Qt.ItemIsEditable)
    assert item.text(1) == "b"
    assert tree.topLevelItem(0) == item
    assert tree.topLevelItem(0).data(0, qt.Qt.UserRole) == "1.2.3"
    assert tree.topLevelItemCount == 1
    with pytest.raises(AttributeError, match="not allowed"):
        item.uid = "1.2.3"


def test_classes_are_flat(qt):
    button = qt.QPushButton()
    assert not isinstance(button, qt.QWidget)
    assert button.inherits("QWidget")
    assert button.className() == "QPushButton"
    with pytest.raises(AttributeError):
        _ = qt.QSqlQuery


# --- arguments and answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [Path("a"), np.str_("a"), np.int64(1), None])
def test_what_is_no_text(qt, value):
    with pytest.raises(ValueError, match=r"str\(\)|text"):
        qt.QLabel().setText(value)


def test_what_is_no_value_of_a_property(qt):
    with pytest.raises(AttributeError, match="does not accept"):
        qt.QLabel().text = None
    with pytest.raises(ValueError, match="takes no"):
        qt.QSpinBox().value = np.int64(3)


def test_wrong_arguments_are_a_value_error(qt, slicer):
    with pytest.raises(ValueError, match="wrong arguments"):
        qt.QLabel().setText()
    with pytest.raises(ValueError, match="keyword"):
        qt.QLabel().setText(text="a")
    with pytest.raises(ValueError, match="callable"):
        qt.QMenu().addAction("a", print)
    with pytest.raises(ValueError, match="no list"):
        slicer.app.createDICOMBrowserForMainDatabase().setSelectedItems(3, "1.2.3")


def test_answers_are_those_of_pythonqt(qt):
    settings = qt.QSettings()
    settings.setValue("names", ["a", "b"])
    assert settings.value("names") == ("a", "b")
    assert qt.QByteArray(b"ab").data() == b"ab"
    assert qt.QDate(2026, 9, 28).year() == 2026
    qt.QApplication.clipboard().setText("copied")
    assert qt.QApplication.clipboard().text() == "copied"


# --- signals ---------------------------------------------------------------------------------------------------


def test_signals_by_words_and_by_name(qt):
    button, heard = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda: heard.append("words"))
    button.clicked.connect(heard.append)
    button.click()
    assert heard == ["words", False]
    button.disconnect("clicked(bool)", heard.append)
    button.clicked.disconnect()
    button.click()
    assert heard == ["words", False]


@pytest.mark.parametrize("signal", ["clicked(int)", "pushed()", "clicked"])
def test_a_signal_that_does_not_exist(qt, signal):
    with pytest.raises(ValueError, match="does not exist"):
        qt.QPushButton().connect(signal, print)


def test_a_receiver_that_was_not_connected(qt):
    with pytest.raises(ValueError, match="not connected"):
        qt.QPushButton().disconnect("clicked()", print)


def test_errors_in_slots_are_collected(qt, slicer_standin):
    def fail(first, second):
        """Has room for more than the signal gives."""

    timer = qt.QTimer()
    timer.timeout.connect(fail)
    timer.timeout()
    qt.QTimer.singleShot(0, lambda: 1 / 0)
    slicer_standin.process_events(20)
    assert ["TypeError" in one or "ZeroDivisionError" in one for one in slicer_standin.slot_errors] == [
        True,
        True,
    ]
    slicer_standin.slot_errors.clear()


def test_another_thread_may_not_touch_qt(qt, slicer_standin):
    label = qt.QLabel("a")

    def read():
        with pytest.raises(RuntimeError, match="outside"):
            _ = label.text

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert "outside the main thread" in slicer_standin.slot_errors.pop()


def test_a_process_is_heard(qt, slicer_standin):
    process, heard = qt.QProcess(), []
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, _status: heard.append(code))
    process.start(sys.executable, ["-c", "print('hello')"])
    slicer_standin.wait_for(lambda: heard)
    assert heard == [0]
    assert process.readAllStandardOutput().data().split() == [b"hello"]
    assert process.state() == qt.QProcess.NotRunning


# --- objects ---------------------------------------------------------------------------------------------------


def test_one_proxy_for_one_object(qt):
    box = qt.QGroupBox()
    layout = qt.QVBoxLayout(box)
    button = qt.QPushButton("Go", box)
    button.objectName = "Go"
    layout.addWidget(button)
    assert box.layout() is layout
    assert box.findChild(qt.QPushButton, "Go") is button
    assert box.Go is button
    assert set(box.children()) == {layout, button}
    with pytest.raises(ValueError, match=r"slicer\.util\.findChildren"):
        box.findChildren(qt.QPushButton)


def test_a_widget_without_owner_dies_with_its_name(qt):
    timer = qt.QTimer()
    gone = []
    timer.connect("destroyed()", lambda: gone.append(True))
    reference = weakref.ref(timer)
    del timer
    assert (reference(), gone) == (None, [True])


def test_a_deleted_object(qt, slicer_standin):
    label = qt.QLabel("a")
    label.deleteLater()
    slicer_standin.process_events()
    assert not label
    with pytest.raises(ValueError, match="deleted"):
        _ = label.text


def test_a_python_class_of_a_widget(qt):
    class Panel(qt.QWidget):
        done = qt.Signal("QString")

        def __init__(self, parent=None):
            super().__init__(parent)
            self.rows = 3

    box, heard = qt.QWidget(), []
    layout = qt.QVBoxLayout(box)
    layout.addWidget(Panel())
    panel = box.children()[1]
    assert (panel.rows, panel.className()) == (3, "Panel")
    panel.done.connect(heard.append)
    panel.done.emit("a")
    assert heard == ["a"]
    with pytest.raises(AttributeError, match="overwritten"):
        panel.layout = None
    with pytest.raises(NotImplementedError, match="closeEvent"):
        type("Other", (qt.QWidget,), {"closeEvent": lambda self, event: None})


def test_an_event_filter_in_python(qt, slicer_standin):
    from PySide6 import QtCore, QtTest

    class Filter(qt.QObject):
        def __init__(self):
            super().__init__()
            self.keys = []

        def eventFilter(self, watched, event):  # noqa: N802
            if event.type() == qt.QEvent.KeyPress:
                self.keys.append((watched is line, event.text(), event.modifiers() == qt.Qt.NoModifier))
                return event.text() == "a"
            return 1 / 0 if event.type() == qt.QEvent.FocusIn else None

    line, keys = qt.QLineEdit(), Filter()
    line.installEventFilter(keys)
    QtTest.QTest.keyClicks(line._raw, "ab")
    assert line.text == "b"
    assert keys.keys == [(True, "a", True), (True, "b", True)]
    QtCore.QCoreApplication.sendEvent(line._raw, QtCore.QEvent(QtCore.QEvent.FocusIn))
    assert "ZeroDivisionError" in slicer_standin.slot_errors.pop()


def test_a_click_into_a_section_is_not_for_its_title(slicer_standin):
    import ctk
    from PySide6 import QtCore, QtTest

    section = ctk.ctkCollapsibleButton()
    section.resize(200, 200)
    section.show()
    QtTest.QTest.mouseClick(section._raw, QtCore.Qt.LeftButton, pos=QtCore.QPoint(10, 150))
    assert not section.collapsed
    QtTest.QTest.mouseClick(section._raw, QtCore.Qt.LeftButton, pos=QtCore.QPoint(10, 5))
    assert section.collapsed


# --- slicer ----------------------------------------------------------------------------------------------------


def test_a_form_and_its_parameters(slicer, tmp_path):
    import enum
    from typing import Annotated

    from slicer.parameterNodeWrapper import Default, WithinRange, parameterNodeWrapper

    class Mode(enum.Enum):
        FAST = "fast"
        FULL = "full"

        def label(self):
            return self.value.title()

    fields = {
        "folder": Path,
        "fast": bool,
        "mode": Annotated[Mode, Default(Mode.FULL)],
        "count": Annotated[int, WithinRange(0, 5)],
    }
    Parameters = parameterNodeWrapper(type("Parameters", (), {"__annotations__": fields, "fast": True}))  # noqa: N806
    form = slicer.util.loadUI(make_form(tmp_path))
    form.setMRMLScene(slicer.mrmlScene)
    ui = slicer.util.childWidgetVariables(form)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    parameters = Parameters(node)
    tag = parameters.connectGui(ui)
    assert (ui.fastBox.checked, ui.modeBox.currentText, ui.section.text) == (True, "Full", "Inputs")
    ui.modeBox.currentIndex = 0
    ui.folderEdit.currentPath = "/data"
    assert (parameters.mode, parameters.folder) == (Mode.FAST, Path("/data"))
    parameters.count = 4
    assert ui.countBox.value == 4
    with pytest.raises(ValueError, match="not within"):
        parameters.count = 6
    parameters.disconnectGui(tag)
    parameters.count = 2
    assert ui.countBox.value == 4
    assert node.GetParameter("mode") == "FAST"


def test_the_scene_is_slicers_own(slicer, slicer_standin):
    class Watcher(slicer.util.VTKObservationMixin):
        def __init__(self):
            super().__init__()
            self.heard = []
            self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.on_close)
            self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, lambda caller, event: 1 / 0)

        def on_close(self, _caller, event):
            self.heard.append(event)

    watcher = Watcher()
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T2")
    assert slicer.util.getNode("T2") is volume
    slicer.mrmlScene.Clear(0)
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []
    assert len(watcher.heard) == 1
    assert "ZeroDivisionError" in slicer_standin.slot_errors.pop()


def test_messages_and_questions_are_recorded(slicer, slicer_standin):
    slicer.util.errorDisplay("broken")
    slicer_standin.record.answers["confirmOkCancelDisplay"] = False
    assert slicer.util.confirmOkCancelDisplay("Really?") is False
    with pytest.raises(AssertionError, match="no answer"):
        slicer.util.confirmYesNoDisplay("Sure?")
    slicer.util.exit(3)
    assert slicer_standin.record.named("errorDisplay") == ["broken"]
    assert slicer_standin.application.exit_codes == [3]
    assert slicer.util.mainWindow() is None


@pytest.mark.parametrize("slicer_standin", ["5.10"], indirect=True)
def test_before_5_12_there_is_no_packaging(slicer):
    import importlib

    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("slicer.packaging")
    with pytest.raises(TypeError, match="blocking"):
        slicer.util.launchConsoleProcess(["no program"], blocking=False)


def test_packaging_is_to_be_imported(slicer, slicer_standin):
    import importlib

    assert not hasattr(slicer, "packaging")
    importlib.import_module("slicer.packaging").pip_install(["pydicom"], requester="us")
    assert slicer_standin.record.named("pip_install") == [["pydicom"]]


def test_settings_begin_empty_and_are_kept_as_text(qt, slicer):
    assert slicer.util.settingsValue("SeriesClassifier/Show", True, converter=slicer.util.toBool) is True
    qt.QSettings().setValue("SeriesClassifier/Show", False)
    qt.QSettings().sync()
    assert slicer.util.settingsValue("SeriesClassifier/Show", True, converter=slicer.util.toBool) is False


def test_the_life_of_our_module(slicer_standin, slicer):
    module = slicer_standin.load(
        Path(__file__).resolve().parents[2] / "SeriesClassifier" / "SeriesClassifier.py"
    )
    assert slicer.modules.SeriesClassifierInstance.parent.dependencies == ["DICOM"]
    widget = module.enter()
    assert widget.parent.isEntered
    module.exit()
    assert not widget.parent.isEntered
    module.unload()
    assert not hasattr(slicer.modules, "seriesclassifier")


def test_a_reset_leaves_nothing(slicer, qt, slicer_standin, tmp_path):
    from support import standin

    widget, reference = qt.QWidget(), weakref.ref(slicer)
    assert standin.install(tmp_path) is slicer_standin
    standin.reset()
    assert not widget
    assert not {"qt", "ctk", "slicer", "slicer.util", "DICOMLib", "SeriesClassifier"} & set(sys.modules)
    del slicer
    assert reference() is not None  # held by the fixture only
    assert standin.install(tmp_path) is not slicer_standin


def test_a_reset_puts_back_the_library_that_a_reload_loaded_again(slicer_standin):
    from support import standin
    from support.panel import MODULE

    library = sys.modules["SeriesClassifierLib.errors"]
    module = slicer_standin.load(MODULE)
    module.enter()
    module.widget.onReload()
    assert sys.modules.get("SeriesClassifierLib.errors") is not library
    module.unload()
    standin.reset()
    assert sys.modules["SeriesClassifierLib.errors"] is library


# --- the DICOM database and its browser ------------------------------------------------------------------------


def test_the_database_of_slicer(slicer, open_database):
    database = slicer.dicomDatabase
    patient = database.patients()[0]
    study = database.studiesForPatient(patient)[0]
    series = database.seriesForStudy(study)[0]
    file = database.filesForSeries(series, 1)[0]
    assert Path(file).is_relative_to(open_database.parent)
    assert database.seriesForFile(file) == series
    assert database.studyForSeries(series) == study
    assert database.fieldForSeries("Modality", series) == "MR"
    assert database.instanceValue(database.instancesForSeries(series)[0], "0008,0060") == "MR"
    assert "SeriesDescription" in database.seriesFieldNames
    assert database.fieldForSeries("NoSuchColumn", series) == ""
    with pytest.raises(TypeError, match="bool"):
        database.isOpen()
    assert not hasattr(database, "setTagsToPrecache")
    assert not hasattr(database, "connection")


def test_choosing_in_the_browser(slicer, open_database):
    import ctk

    assert not hasattr(slicer.modules, "DICOMWidget")
    slicer.modules.dicom.widgetRepresentation()
    browser = slicer.modules.DICOMWidget.browserWidget.dicomBrowser
    manager, heard = browser.dicomTableManager(), []
    manager.connect("seriesSelectionChanged(QStringList)", heard.append)
    database = browser.database()
    assert database is slicer.dicomDatabase
    study = database.studiesForPatient(database.patients()[0])[0]
    browser.setSelectedItems(ctk.ctkDICOMModel.StudyType, [study])
    assert set(manager.currentSeriesSelection()) == set(database.seriesForStudy(study))
    assert heard[-1] == manager.currentSeriesSelection()
    database.closeDatabase()
    database.openDatabase(str(open_database))
    assert manager.currentSeriesSelection() == ()


WRITE = (
    "import sqlite3, sys\n"
    "with sqlite3.connect(sys.argv[1], timeout=0.1) as connection:\n"
    "    for statement in sys.argv[2:]:\n"
    "        connection.execute(statement)\n"
    "connection.close()\n"
)


def write_elsewhere(file: Path, *statements: str) -> str:
    """Write to the database in another process; what went wrong."""
    return subprocess.run(
        [sys.executable, "-c", WRITE, str(file), *statements], capture_output=True, text=True
    ).stderr


def test_a_column_is_shown_once_it_is_registered(qt, slicer, open_database):
    import ctk

    browser = slicer.app.createDICOMBrowserForMainDatabase()
    database = slicer.dicomDatabase

    def shown() -> list[str]:
        database.openDatabase(str(open_database))
        browser.setSelectedItems(ctk.ctkDICOMModel.PatientType, database.patients())
        view = browser.dicomTableManager().seriesTable().tableView()
        header, model = view.horizontalHeader(), view.model()
        columns = [header.logicalIndex(position) for position in range(header.count())]
        return [model.headerData(one, qt.Qt.Horizontal) for one in columns if not view.isColumnHidden(one)]

    database.closeDatabase()
    assert write_elsewhere(open_database, "ALTER TABLE Series ADD COLUMN Ours VARCHAR") == ""
    titles = shown()
    database.closeDatabase()
    row = "INSERT INTO ColumnDisplayProperties VALUES ('Series', 'Ours', 'Our class', 1, 2, '')"
    assert write_elsewhere(open_database, row) == ""
    assert titles[:2] == ["Series #", "Series description"]
    assert shown() == [*titles[:2], "Our class", *titles[2:]]


def test_a_long_table_keeps_the_database_locked(slicer, open_database):
    import ctk

    slicer.dicomDatabase.closeDatabase()
    many = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
        "INSERT INTO Series (SeriesInstanceUID, StudyInstanceUID, InsertTimestamp) "
        "SELECT '9.' || i, (SELECT StudyInstanceUID FROM Studies LIMIT 1), '' FROM n"
    )
    touch = "UPDATE Series SET BodyPartExamined = 'X'"
    assert write_elsewhere(open_database, many) == ""
    slicer.dicomDatabase.openDatabase(str(open_database))
    browser = slicer.app.createDICOMBrowserForMainDatabase()
    browser.setSelectedItems(ctk.ctkDICOMModel.PatientType, slicer.dicomDatabase.patients())
    assert "locked" in write_elsewhere(open_database, touch)
    slicer.dicomDatabase.closeDatabase()
    assert write_elsewhere(open_database, touch) == ""
