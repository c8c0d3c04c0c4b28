"""The keys of the panel act while its table or one of its images has the focus, and in none of its other controls.

The keys are real events. A label that nobody meant is the worst that a key can do.
"""

from __future__ import annotations

import pytest
from support.panel import key_named, settle

from SeriesClassifierLib.journal.store import Journal

TEXTS = [*"1234567890", *"aAsSnNuU"]
COMBOS = ("planeCombo", "phaseCombo", "derivedCombo", "regionCombo")


@pytest.fixture
def panel(slicer_standin, classified):
    """The panel in a shown window, all sections open, with the cursor on a series whose details are there."""
    ui = classified.ui
    widget = slicer_standin.loaded.widget.parent
    widget.resize(1000, 3000)  # nothing lies over anything
    widget.show()
    widget.activateWindow()
    for name in ("exportSection", "learnSection", "advancedSection"):
        getattr(ui, name).collapsed = False
    ui.flipsTree.visible = True
    go_to(slicer_standin, classified, "t2_tse_tra")
    assert len(classified.details.classes) >= 10
    return classified


def go_to(standin, panel, description):
    panel.table.select(key_named(panel, description))
    standin.process_events(300)
    settle(standin, panel)


def press(standin, panel, widget, keys=TEXTS):
    """Press keys in a widget, and wait for what they did."""
    from PySide6 import QtCore, QtTest

    for key in keys:
        if key == "Ctrl+Z":
            QtTest.QTest.keyClick(widget, QtCore.Qt.Key_Z, QtCore.Qt.ControlModifier)
        else:
            QtTest.QTest.keyClick(widget, key)
    settle(standin, panel)


def spoken(panel):
    """How many words of people the journal has."""
    with Journal(panel.store.path, readonly=True) as journal:
        return sum(event.kind.value != "prediction" for event in journal.events())


def controls(standin):
    """Every widget of the form that can have the focus, as Qt's own object."""
    from PySide6 import QtCore, QtWidgets

    form = standin.loaded.widget.parent._raw
    found = [one for one in form.findChildren(QtWidgets.QWidget) if one.focusPolicy() != QtCore.Qt.NoFocus]
    return [one for one in found if one.focusProxy() is None and one.isEnabled() and one.isVisible()]


def test_in_the_table_and_on_the_images_they_act(slicer_standin, panel):
    from PySide6 import QtCore, QtTest, QtWidgets

    tree = panel.ui.seriesTree._raw
    tree.setFocus()
    n = spoken(panel)
    press(slicer_standin, panel, tree, ["2"])
    assert spoken(panel) == n + 1
    press(slicer_standin, panel, tree, ["u"])
    assert spoken(panel) == n + 2
    for place in range(5):
        picture = getattr(panel.ui, f"picture{place}")._raw
        QtTest.QTest.mouseClick(picture, QtCore.Qt.LeftButton)
        assert QtWidgets.QApplication.focusWidget() is picture
        before = spoken(panel)
        press(slicer_standin, panel, picture, ["2", "Ctrl+Z"])
        assert spoken(panel) == before + 2
    press(slicer_standin, panel, tree, ["A"])
    assert panel.table.rows[key_named(panel, "t2_tse_tra")]["status"] == "corrected"
    assert set(panel._wires.keys) == {"N", "A", "S", "U", "Ctrl+Z", *"1234567890"}


def test_in_every_other_control_they_do_not(slicer_standin, panel):
    ours = {panel.ui.seriesTree._raw, *(getattr(panel.ui, f"picture{place}")._raw for place in range(5))}
    others = [one for one in controls(slicer_standin) if one not in ours]
    kinds = {type(one).__name__ for one in others}
    assert kinds >= {"QComboBox", "QLineEdit", "QCheckBox", "QPushButton", "QDoubleSpinBox", "QListWidget"}
    assert kinds >= {"QTextBrowser", "QTreeWidget"}
    n, current = spoken(panel), panel.table.current()
    for control in others:
        control.setFocus()
        assert control.hasFocus(), control.objectName()
        press(slicer_standin, panel, control, [*TEXTS, "Ctrl+Z"])
        assert (spoken(panel), panel.table.current()) == (n, current), control.objectName()
        panel.ui.filterEdit.text = ""
        settle(slicer_standin, panel)


def test_in_open_lists_they_only_move_in_the_list(slicer_standin, panel):
    n = spoken(panel)
    for name in (*COMBOS, "scopeCombo", "taskCombo", "modeCombo", "recipeCombo"):
        combo = getattr(panel.ui, name)._raw
        combo.setFocus()
        combo.showPopup()
        press(slicer_standin, panel, combo.view(), [*TEXTS, "Ctrl+Z"])
        combo.hidePopup()
        settle(slicer_standin, panel)
        assert spoken(panel) == n, name


def test_a_class_is_chosen_in_the_open_list_and_not_by_the_way(slicer_standin, panel):
    """The wheel of a mouse on its way, and a letter for the closed list, would be labels that nobody meant."""
    from PySide6 import QtCore, QtGui, QtTest, QtWidgets

    n = spoken(panel)
    combo = panel.ui.planeCombo._raw
    combo.setFocus()
    middle = QtCore.QPointF(combo.rect().center())
    for delta in (-120, 120):
        turn = QtCore.QPoint(0, delta)
        wheel = QtGui.QWheelEvent(
            middle,
            combo.mapToGlobal(middle),
            turn,
            turn,
            QtCore.Qt.NoButton,
            QtCore.Qt.NoModifier,
            QtCore.Qt.NoScrollPhase,
            False,
        )
        QtWidgets.QApplication.sendEvent(combo, wheel)
    press(slicer_standin, panel, combo, ["C", "S", QtCore.Qt.Key_End, QtCore.Qt.Key_Home])
    assert spoken(panel) == n
    QtTest.QTest.keyClick(combo, QtCore.Qt.Key_Down)
    assert combo.view().isVisible()
    QtTest.QTest.keyClick(combo.view(), "C")
    QtTest.QTest.keyClick(combo.view(), QtCore.Qt.Key_Return)
    settle(slicer_standin, panel)
    assert spoken(panel) == n + 1
    assert panel.table.rows[key_named(panel, "t2_tse_tra")]["label"] == "T2 COR"
    assert combo.window().focusWidget() is panel.ui.seriesTree._raw


def test_the_table_is_not_searched_by_typed_letters(slicer_standin, panel):
    """A letter that is no key would put the cursor on another series, and the next digit would label that."""
    tree = panel.ui.seriesTree._raw
    tree.setFocus()
    tree.setCurrentItem(tree.currentItem(), 1)  # the search goes by the column of the cursor
    current, n = panel.table.current(), spoken(panel)
    press(slicer_standin, panel, tree, ["d", "W", "i"])
    assert (panel.table.current(), spoken(panel)) == (current, n)


def test_a_key_that_is_held_down_acts_once(slicer_standin, panel):
    from PySide6 import QtCore, QtGui, QtWidgets

    tree = panel.ui.seriesTree._raw
    tree.setFocus()
    n = spoken(panel)
    for is_repeated in (False, True, True, True):
        event = QtGui.QKeyEvent(
            QtCore.QEvent.KeyPress, QtCore.Qt.Key_2, QtCore.Qt.NoModifier, "2", is_repeated
        )
        QtWidgets.QApplication.sendEvent(tree, event)
    settle(slicer_standin, panel)
    assert spoken(panel) == n + 1


@pytest.mark.parametrize("modifier", ["ControlModifier", "AltModifier", "MetaModifier"])
def test_with_a_modifier_they_are_other_keys(slicer_standin, panel, modifier):
    from PySide6 import QtCore, QtTest

    tree = panel.ui.seriesTree._raw
    tree.setFocus()
    n, current = spoken(panel), panel.table.current()
    for key in "12ASNU":
        QtTest.QTest.keyClick(tree, key, getattr(QtCore.Qt, modifier))
    settle(slicer_standin, panel)
    assert (spoken(panel), panel.table.current()) == (n, current)


def test_slicers_own_shortcuts_are_untouched(slicer_standin, panel):
    """Slicer has Ctrl+Z itself: two shortcuts for one key would be ambiguous, and neither act."""
    from PySide6 import QtGui, QtWidgets

    widget = slicer_standin.loaded.widget.parent._raw
    window, pressed = QtWidgets.QMainWindow(), []
    for key in ("Ctrl+Z", "N", "2"):
        action = QtGui.QAction(window)
        action.setShortcut(QtGui.QKeySequence(key))
        action.triggered.connect(lambda _checked, key=key: pressed.append(key))
        window.addAction(action)
    window.setCentralWidget(widget)
    window.show()
    window.activateWindow()
    slicer_standin.process_events(50)
    n, tree, button = spoken(panel), panel.ui.seriesTree._raw, panel.ui.classifyButton._raw
    tree.setFocus()
    press(slicer_standin, panel, tree, ["2", "Ctrl+Z"])
    assert (spoken(panel), pressed) == (n + 2, [])
    button.setFocus()
    press(slicer_standin, panel, button, ["2", "n", "Ctrl+Z"])
    assert (spoken(panel), pressed) == (n + 2, ["2", "N", "Ctrl+Z"])
    window.takeCentralWidget()
    widget.setParent(None)
    window.deleteLater()


def test_clicked_buttons_leave_the_keys_with_the_table(slicer_standin, panel):
    from PySide6 import QtCore, QtTest

    tree = panel.ui.seriesTree._raw
    tree.setFocus()
    for name in ("acceptButton", "undoButton", "nextButton"):
        QtTest.QTest.mouseClick(getattr(panel.ui, name)._raw, QtCore.Qt.LeftButton)
        settle(slicer_standin, panel)
        assert tree.hasFocus(), name
    row = panel.ui.classList.item(1)
    panel.ui.classList.setCurrentItem(row)
    panel.ui.classList.itemActivated.emit(row)
    settle(slicer_standin, panel)
    assert tree.hasFocus()


def test_after_the_panel_is_gone_its_keys_are(slicer_standin, panel):
    wires = panel._wires
    panel.cleanup()
    assert not wires.keys
    slicer_standin.loaded.widget.panel = None
