"""The widgets of CTK and MRML that the module may use. Only properties, signals and slots of C++ are public here:
what is public but no slot in C++ (such as `setCollapsed`) has no method, because light wrapping hides it.
"""

# ruff: noqa: N801, N802, N803, N815 (names of C++)
from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal, Slot
from support.standin.dicom_browser import (
    ctkDICOMBrowser,
    ctkDICOMPatientView,
    ctkDICOMTableManager,
    ctkDICOMTableView,
    ctkDICOMVisualBrowserWidget,
)
from support.standin.dicom_database import ctkDICOMDatabase, ctkDICOMModel
from support.standin.proxy import proxy_class


def _stored(kind: type | str, name: str, default: Any) -> Property:
    """A property that only keeps its value."""
    key = f"_{name}"
    return Property(
        kind, lambda self: self.__dict__.get(key, default), lambda self, value: setattr(self, key, value)
    )


_TITLE_HEIGHT = 28


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A section: its content is hidden while it is collapsed."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *args):
        super().__init__(*[one for one in args if not isinstance(one, str)])
        self.setText(next((one for one in args if isinstance(one, str)), ""))
        self._collapsed = False
        self._hidden: list[QtWidgets.QWidget] = []
        self._make_room()
        self.clicked.connect(lambda: self._set_collapsed(not self._collapsed))

    def paintEvent(self, _event):
        """The title; the rest is drawn by the children."""
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(_TITLE_HEIGHT)
        option.text = f"{'▸' if self._collapsed else '▾'}  {self.text()}"
        self.style().drawControl(QtWidgets.QStyle.CE_PushButton, option, QtGui.QPainter(self), self)

    def hitButton(self, position):
        """Only the title is the button: a click on what is in the section is not for it."""
        return position.y() < _TITLE_HEIGHT

    def showEvent(self, _event):
        """A form says that it is collapsed before it says what is in it."""
        if self._collapsed:
            self._hide_children()

    def sizeHint(self):
        inside = (
            self.layout().sizeHint() if self.layout() is not None and not self._collapsed else QtCore.QSize()
        )
        return QtCore.QSize(inside.width(), max(_TITLE_HEIGHT + 4, inside.height()))

    def _make_room(self) -> None:
        self.setContentsMargins(0, _TITLE_HEIGHT, 0, 0)

    def _is_collapsed(self) -> bool:
        return self._collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        if collapsed:
            self._hide_children()
        else:
            hidden, self._hidden = self._hidden, []
            for widget in hidden:
                widget.show()
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _hide_children(self) -> None:
        children = self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindDirectChildrenOnly)
        shown = [one for one in children if not one.isHidden()]
        self._hidden += shown
        for widget in shown:
            widget.hide()

    collapsed = Property(bool, _is_collapsed, _set_collapsed, notify=contentsCollapsed)
    flat = _stored(bool, "flat", False)
    contentsLineWidth = _stored(int, "contentsLineWidth", 1)


class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a path."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)
    Dirs, Files, Drives, NoSymLinks, Readable, Writable, Executable, Hidden = (
        *(1, 2, 4, 8),
        *(0x10, 0x20, 0x40, 0x100),
    )
    NoDot, NoDotDot, NoDotAndDotDot = 0x2000, 0x4000, 0x1000

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._combo = QtWidgets.QComboBox(self)
        self._combo.setEditable(True)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._combo.editTextChanged.connect(self.currentPathChanged)

    def _path(self) -> str:
        return self._combo.currentText()

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        self._combo.setCurrentText(path)

    @Slot()
    def addCurrentPathToHistory(self) -> None:
        self._combo.addItem(self._path())

    @Slot(result=QtCore.QObject)
    def comboBox(self) -> QtWidgets.QComboBox:
        return self._combo

    currentPath = Property(str, _path, setCurrentPath, user=True)
    filters = _stored(int, "filters", Dirs | Files | Drives)
    nameFilters = _stored("QStringList", "nameFilters", [])
    settingKey = _stored(str, "settingKey", "")
    label = _stored(str, "label", "")
    showBrowseButton = _stored(bool, "showBrowseButton", True)
    showHistoryButton = _stored(bool, "showHistoryButton", True)


class ctkDirectoryButton(QtWidgets.QWidget):
    """A button for a folder."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def _get(self) -> str:
        return self.__dict__.get("_directory", ".")

    def _set(self, directory: str) -> None:
        if directory != self._get():
            self._directory = directory
            self.directoryChanged.emit(directory)

    directory = Property(str, _get, _set, notify=directoryChanged, user=True)
    caption = _stored(str, "caption", "")
    text = _stored(str, "text", "")


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for no choice."""

    defaultText = _stored(str, "defaultText", "")
    forceDefault = _stored(bool, "forceDefault", False)

    def _get(self) -> str:
        return str(self.currentData() or "")

    @Slot(str)
    def setCurrentUserDataAsString(self, userData: str) -> None:
        self.setCurrentIndex(self.findData(userData))

    currentUserDataAsString = Property(str, _get, setCurrentUserDataAsString)


class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box."""


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message with a box "don't show again"."""

    dontShowAgainSettingsKey = _stored(str, "dontShowAgainSettingsKey", "")
    dontShowAgainVisible = _stored(bool, "dontShowAgainVisible", False)

    def _get(self) -> bool:
        return self.__dict__.get("_dont", False)

    @Slot(bool)
    def setDontShowAgain(self, dontShow: bool) -> None:
        self._dont = dontShow

    dontShowAgain = Property(bool, _get, setDontShowAgain)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with its number."""

    valueChanged = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._number = QtWidgets.QDoubleSpinBox(self)
        self._number.valueChanged.connect(self.valueChanged)

    @Slot(float)
    def setValue(self, value: float) -> None:
        self._number.setValue(value)

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        self._number.setDecimals(decimals)

    value = Property(float, lambda self: self._number.value(), setValue)
    decimals = Property(int, lambda self: self._number.decimals(), setDecimals)
    minimum = Property(
        float, lambda self: self._number.minimum(), lambda self, value: self._number.setMinimum(value)
    )
    maximum = Property(
        float, lambda self: self._number.maximum(), lambda self, value: self._number.setMaximum(value)
    )
    singleStep = Property(
        float, lambda self: self._number.singleStep(), lambda self, value: self._number.setSingleStep(value)
    )


class ctkSearchBox(QtWidgets.QLineEdit):
    """A line for a search."""

    showSearchIcon = _stored(bool, "showSearchIcon", False)


class qMRMLWidget(QtWidgets.QWidget):
    """The root of a module's panel."""

    mrmlSceneChanged = Signal("vtkMRMLScene*")

    @Slot("vtkMRMLScene*")
    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    @Slot(result="vtkMRMLScene*")
    def mrmlScene(self) -> Any:
        return self._scene


WIDGETS = {
    one.__name__: one
    for one in (
        ctkCollapsibleButton,
        ctkPathLineEdit,
        ctkDirectoryButton,
        ctkComboBox,
        ctkCheckBox,
        ctkMessageBox,
        ctkSliderWidget,
        ctkSearchBox,
        ctkDICOMBrowser,
        ctkDICOMTableManager,
        ctkDICOMTableView,
        ctkDICOMPatientView,
        ctkDICOMVisualBrowserWidget,
        qMRMLWidget,
    )
}


def make_module() -> types.ModuleType:
    """A new `ctk`."""
    module = types.ModuleType("ctk")
    for name, raw_class in WIDGETS.items():
        if name.startswith("ctk"):
            setattr(module, name, proxy_class(raw_class))
    module.ctkDICOMDatabase = proxy_class(ctkDICOMDatabase)
    module.ctkDICOMModel = proxy_class(ctkDICOMModel)
    return module
