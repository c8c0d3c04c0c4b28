"""A line below the DICOM browser: the class of the selected series, Classify, and the way to the module."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Labels

NAME = "SeriesClassifierBrowserPanel"


class BrowserPanel:
    """Put into the browser of the DICOM module once that exists."""

    def __init__(self) -> None:
        self._frame: Any = None
        self._tables: Any = None
        self.label: Any = None
        self.classifyButton: Any = None

    @property
    def isThere(self) -> bool:
        """Whether it is in the browser."""
        return self._frame is not None

    def install(self) -> bool:
        """Add it to the browser; False while there is no browser."""
        if self.isThere:
            return True
        browser = DatabaseSource.browser()
        if browser is None:
            return False
        self._frame = qt.QFrame()
        self._frame.objectName = NAME
        layout = qt.QHBoxLayout(self._frame)
        layout.setContentsMargins(4, 2, 4, 2)
        self.label = qt.QLabel(_("Series class: select a series"))
        self.label.toolTip = _(
            "What Series Classifier says of the selected series. Research use; no medical device."
        )
        self.classifyButton = qt.QPushButton(_("Classify selected"))
        self.classifyButton.toolTip = _("Classify the studies of what is selected above.")
        self.openButton = qt.QPushButton(_("Series Classifier"))
        self.openButton.toolTip = _("Open the module, to correct and export labels.")
        layout.addWidget(self.label, 1)
        layout.addWidget(self.classifyButton)
        layout.addWidget(self.openButton)
        slicer.modules.DICOMWidget.browserWidget.layout().addWidget(self._frame)
        self.classifyButton.connect("clicked(bool)", self._onClassify)
        self.openButton.connect("clicked(bool)", self._onOpen)
        self._tables = browser.dicomTableManager()
        self._tables.connect("seriesSelectionChanged(QStringList)", self._onSelection)
        self._onSelection(self._tables.currentSeriesSelection())
        return True

    def cleanup(self) -> None:
        """Take it out again."""
        if self._frame is None:
            return
        self._tables.disconnect("seriesSelectionChanged(QStringList)", self._onSelection)
        self.classifyButton.disconnect("clicked(bool)", self._onClassify)
        self.openButton.disconnect("clicked(bool)", self._onOpen)
        self._frame.setParent(None)
        self._frame.deleteLater()
        self._frame = self._tables = None

    def _onSelection(self, uids: Any) -> None:
        self.label.text = describe(list(uids))
        self.classifyButton.enabled = bool(DatabaseSource.selectedSeries())

    def _onClassify(self, _checked: bool = False) -> None:
        panel = _modulePanel()
        if panel is None or panel.batch.isRunning:
            self.label.text = _("Classification is under way.")
            return
        panel.enter()
        panel.classifySeries(DatabaseSource.selectedSeries())
        self.label.text = _("Classifying ...")

    def _onOpen(self, _checked: bool = False) -> None:
        slicer.util.selectModule("SeriesClassifier")
        panel = _modulePanel()
        chosen = DatabaseSource.selectedSeries()
        if panel is not None and chosen:
            panel.table.select(chosen[0])


def describe(uids: list[str]) -> str:
    """What is said of the selected series, in one line."""
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


def _modulePanel() -> Any:
    """The panel of the module, built when it was never shown."""
    slicer.modules.seriesclassifier.widgetRepresentation()
    return getattr(getattr(slicer.modules, "SeriesClassifierWidget", None), "panel", None)
