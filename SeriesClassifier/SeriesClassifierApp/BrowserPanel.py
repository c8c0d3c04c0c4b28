"""A line below the DICOM browser: the class of the selected series, Classify, and the way to the module."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, LabelNews, Labels
from SeriesClassifierApp.Slowly import singleShot

NAME = "SeriesClassifierBrowserPanel"
# Rows of a batch and selections of a user come in swarms.
_SHOW_AFTER_MS = 100


class BrowserPanel:
    """Stands in the browser of the DICOM module, as soon as there is one and for as long."""

    def __init__(self) -> None:
        self._frame: Any = None
        self.label: Any = None
        self.classifyButton: Any = None
        self.openButton: Any = None
        self._later = singleShot(_SHOW_AFTER_MS, self.show)

    @property
    def isThere(self) -> bool:
        """Whether it is in the browser; with the browser it is deleted."""
        return bool(self._frame)

    def install(self) -> bool:
        """Add it to the browser; False while there is no browser."""
        if self.isThere:
            return True
        around = DatabaseSource.browserPanel()
        if DatabaseSource.browser() is None:
            return False
        self.cleanup()
        self._frame = qt.QFrame()
        self._frame.objectName = NAME
        layout = qt.QHBoxLayout(self._frame)
        layout.setContentsMargins(4, 2, 4, 2)
        self.label = qt.QLabel(_("Series class: select a series"))
        self.label.toolTip = _(
            "The class of the selected series, as Series Classifier reports it. Research use; not a medical "
            "device."
        )
        self.classifyButton = qt.QPushButton(_("Classify selected"))
        self.classifyButton.toolTip = _("Classify the studies of what is selected above.")
        self.openButton = qt.QPushButton(_("Series Classifier"))
        self.openButton.toolTip = _("Open the module, to correct and export labels.")
        layout.addWidget(self.label, 1)
        layout.addWidget(self.classifyButton)
        layout.addWidget(self.openButton)
        around.layout().addWidget(self._frame)
        self.classifyButton.connect("clicked(bool)", self._onClassify)
        self.openButton.connect("clicked(bool)", self._onOpen)
        LabelNews.connect(self.showSoon)
        self.show()
        return True

    def cleanup(self) -> None:
        """Take it out again."""
        self._later.stop()
        LabelNews.disconnect(self.showSoon)
        if self._frame:
            self.classifyButton.disconnect("clicked(bool)", self._onClassify)
            self.openButton.disconnect("clicked(bool)", self._onOpen)
            self._frame.setParent(None)
            self._frame.deleteLater()
        self._frame = self.label = self.classifyButton = self.openButton = None

    def showSoon(self) -> None:
        """Something changed of which there may be more in a moment."""
        if not self._later.isActive():
            self._later.start()

    def show(self) -> None:
        """What is known now of the series that is selected now."""
        if not self.isThere:
            return
        selected = DatabaseSource.selectedSeries()
        self.label.text = describe(selected)
        self.classifyButton.enabled = bool(selected)

    def _onClassify(self, _checked: bool = False) -> None:
        panel = modulePanel()
        if panel is None or panel.batch.isRunning or panel.publisher.isWriting:
            self.label.text = _("Classification is under way: try again in a moment.")
            return
        panel.classifyDatabase(DatabaseSource.selectedSeries())
        self.label.text = panel.ui.statusLabel.text

    def _onOpen(self, _checked: bool = False) -> None:
        slicer.util.selectModule("SeriesClassifier")
        panel = modulePanel()
        chosen = DatabaseSource.selectedSeries()
        if panel is not None and chosen:
            panel.showDatabase()
            panel.table.selectSeries(chosen[0])


def describe(uids: list[str]) -> str:
    """What is known of the selected series, in one line."""
    if not uids:
        return _("Series class: select a series")
    label = Labels.labelOf(uids[0])
    if label is None:
        return _("Series class: not classified yet")
    text = f"{label['label']} ({label['status']}"
    if label["confidence"] is not None:
        text += f", {label['confidence']:.2f}"
    more = _(" and {n} more").format(n=len(uids) - 1) if len(uids) > 1 else ""
    return _("Series class: {text}").format(text=f"{text}){more}")


def modulePanel() -> Any:
    """The panel of the module, built when it was never shown; None where the module is not loaded."""
    module = getattr(slicer.modules, "seriesclassifier", None)
    if module is None:
        return None
    module.widgetRepresentation()
    return getattr(getattr(slicer.modules, "SeriesClassifierWidget", None), "panel", None)
