"""The panel of the module: its parts, how they are joined, and its life. The journal holds the labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import ctk
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Dependencies, LabelNews, SceneLabels, Settings, Sources
from SeriesClassifierApp.ChosenSeries import ChosenSeries
from SeriesClassifierApp.Classifying import Classifying
from SeriesClassifierApp.ColumnPublisher import ColumnPublisher
from SeriesClassifierApp.Comparing import Comparing
from SeriesClassifierApp.Correcting import Correcting
from SeriesClassifierApp.DatabaseWatcher import DatabaseWatcher
from SeriesClassifierApp.DetailsView import DetailsView
from SeriesClassifierApp.LabelStore import Chosen, LabelStore
from SeriesClassifierApp.Learning import Learning
from SeriesClassifierApp.ListOnly import ListOnly
from SeriesClassifierApp.LongJobs import LongJobs
from SeriesClassifierApp.Parameters import Scope
from SeriesClassifierApp.Preferences import Preferences
from SeriesClassifierApp.Publishing import Publishing
from SeriesClassifierApp.Questions import Questions
from SeriesClassifierApp.Reviewing import Reviewing
from SeriesClassifierApp.ReviewQueue import ReviewQueue
from SeriesClassifierApp.ReviewTable import DOUBTFUL, ReviewTable
from SeriesClassifierApp.Siblings import Siblings
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.Sources import NOTHING, Source
from SeriesClassifierApp.Wires import Wires
from SeriesClassifierApp.WorkerProcess import WorkerProcess

_REFRESH_MS = 300


class Panel:
    """Connects the widgets of ``ui`` with the worker, the journal and the DICOM browser.

    All that is shown is about one source, ``store.source``: the database that is open, or the folder that is
    chosen. It changes in ``refresh`` alone. Work that was begun before goes on with the source that it was
    begun with.
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self._said = ""
        # A process each, started when first needed: a question about one series waits neither for a batch nor
        # for a question about the whole journal, and nothing waits for training.
        self.batchWorker, self.deskWorker = WorkerProcess(), WorkerProcess()
        self.reviewWorker, self.learnWorker = WorkerProcess(), WorkerProcess()
        self.store = LabelStore(Settings.user())
        desk, review = Questions(self.deskWorker, self.store), Questions(self.reviewWorker, self.store)
        self._desk = desk
        self.publisher = ColumnPublisher(
            self.deskWorker,
            say=self._sayColumn,
            onOpen=self._onColumnWritten,
            onWriting=lambda source: self._publishing.published(source),
            onFailed=lambda source: self._publishing.isNew(source),
        )
        self.table = ReviewTable(ui.seriesTree, self._titleOf, self._onSelected)
        self.details = DetailsView(ui, self._onClass)
        self._wires = Wires([ui.seriesTree, ui.picture0, ui.picture1, ui.picture2, ui.picture3, ui.picture4])
        self._listOnly = ListOnly([ui.planeCombo, ui.phaseCombo, ui.derivedCombo, ui.regionCombo])
        self.queue = ReviewQueue(review, lambda: self.chosen.queueChanged())
        self.chosen = ChosenSeries(
            self.table,
            self.details,
            desk,
            filesOf=self._filesOf,
            reasonsOf=self.queue.reasons,
            nextOf=lambda chosen: self.queue.ahead(chosen, self.table.isVisible),
        )
        self._classifying = Classifying(
            ui,
            self._wires,
            self.batchWorker,
            self.store,
            say=self.say,
            onStart=self.refresh,
            onRows=self._onRows,
            onEnd=self._onBatchEnd,
        )
        self._correcting = Correcting(
            ui,
            self._wires,
            self.table,
            self.details,
            self.store,
            say=self.say,
            onNamed=self._onNamed,
            onCorrected=self.queue.answered,
            onUndone=self._onUndone,
            onChange=self._onChanged,
            onWritten=lambda source: self._publishing.isNew(source),
        )
        self._reviewing = Reviewing(
            ui,
            self._wires,
            self.table,
            self.queue,
            self._correcting,
            say=self.say,
            onFound=self.chosen.show,
        )
        self.siblings = Siblings(
            ui,
            self._wires,
            review,
            picturesOf=self.chosen.picturesOf,
            apply=self._correcting.correctAlike,
        )
        self._publishing = Publishing(
            ui, self._wires, self.table, self.store, self.deskWorker, self.publisher, say=self.say
        )
        self.longJobs = LongJobs(ui, self._wires, self.learnWorker, self._updateLearning)
        self._learning = Learning(ui, self._wires, self.longJobs, self.store, self._onTrained)
        self.comparing = Comparing(
            ui, self._wires, self.longJobs, self.store, self._learning, onSeries=self._showSeries
        )
        self.batch = self._classifying.batch
        self._refreshTimer = singleShot(_REFRESH_MS, self.refresh)
        self._contentTimer = singleShot(_REFRESH_MS, self.updateButtons)
        self._preferences = Preferences(ui, self._wires, self._refreshTimer.start)
        self._watcher = DatabaseWatcher(
            onDatabase=self._refreshTimer.start,
            onContent=self._onContent,
            onSelection=self.updateButtons,
            onBrowser=self.updateButtons,
        )
        self._wires.connect(ui.filterEdit, "textChanged(QString)", self._onFilter)
        self._wires.connect(ui.doubtfulCheck, "toggled(bool)", self._onFilter)
        for button in (ui.acceptButton, ui.nextButton, ui.undoButton, ui.siblingsCorrectButton):
            # A click leaves the focus on the button, but the next key is for the table again.
            self._wires.connect(button, "clicked(bool)", lambda _checked: ui.seriesTree.setFocus())
        _setUpBrowsing(ui)
        self.updateButtons()

    # The life of the panel

    def enter(self) -> None:
        """The module is shown."""
        self.refresh()

    def exit(self) -> None:
        """Another module is shown: perhaps the DICOM browser, so what was corrected goes there."""
        if self._publishing.isBehind and not self.batch.isRunning:
            self._publishing.publish()

    def cleanup(self) -> None:
        """Let go of everything outside. What a person has begun to write is written to its end."""
        self.table.clear()
        self.store.use(NOTHING)  # nothing is shown of it any more
        self.table.slowly.finish()
        self.siblings.forget()
        self.chosen.cleanup()
        self._watcher.cleanup()
        self._wires.cleanup()
        self._listOnly.cleanup()
        self.publisher.cleanup()
        self._refreshTimer.stop()
        self._contentTimer.stop()
        self.batchWorker.stop()
        self.deskWorker.stop()
        self.reviewWorker.stop()
        self.learnWorker.stop()
        self.comparing.cleanup()
        self.table.cleanup()
        self.details.cleanup()
        self.store.close()

    @property
    def parameters(self) -> Any:
        """The parameter node of the scene, or None while there is none."""
        return self._classifying.parameters

    def setParameters(self, parameters: Any) -> None:
        """The scene has another parameter node, or none."""
        self._classifying.parameters = parameters
        self.parametersChanged()

    def parametersChanged(self) -> None:
        """Something else is chosen in the section Classify, perhaps a folder."""
        self.updateButtons()
        if self._currentSource() != self.store.source:
            self._refreshTimer.start()

    # What others do with it

    def classify(self) -> None:
        """As the button Classify."""
        self._classifying.classify()

    def classifySeries(self, series: list[str] | None) -> None:
        """Classify series of the open database, or all of them."""
        self._classifying.classifySeries(series)

    def classifyDatabase(self, series: list[str]) -> None:
        """Classify series that a person selected in the DICOM browser, and show them."""
        self.showDatabase()
        self._classifying.classifySeries(series)

    def classifyImported(self, series: list[str]) -> None:
        """Classify series of the open database, whatever is shown."""
        self.refresh()
        self._classifying.classifySeries(series)

    def showDatabase(self) -> None:
        """Show the open database, and not a folder."""
        if self.parameters is not None and self._classifying.folder:
            self.parameters.scope = Scope.SELECTED
        self.refresh()

    def relabel(self, sequence: str) -> None:
        """The selected series are ``sequence``."""
        self._correcting.relabel(sequence)

    def pressKey(self, place: int) -> None:
        """As a number key: the class at that place in the list of Details."""
        self._correcting.pressKey(place)

    def acceptAndGoOn(self) -> None:
        """As the key A."""
        self._reviewing.acceptAndGoOn()

    def next(self) -> None:
        """As the key N."""
        self._reviewing.next()

    # The source

    def refresh(self) -> None:
        """Show the labels of what is open or chosen now."""
        if self.publisher.isWriting:
            return  # the database is closed for a moment only, and it is called again then
        self._watcher.follow()
        source = self._currentSource()
        isOther = source != self.store.source
        if isOther:
            self._show(source)
        self._correcting.fillFacets()
        self.updateButtons()
        if isOther and not self.batch.isRunning:
            self._publishing.catchUp()

    def _currentSource(self) -> Source:
        folder = self._classifying.folder
        return Sources.folder(folder) if folder else Sources.database()

    def _show(self, source: Source) -> None:
        """Show another source; nothing of the one before stays."""
        self.table.clear()
        self.store.use(source)
        self.details.clear()
        self.queue.clear()
        self.chosen.forget()
        self.siblings.forget()
        self.comparing.forget()
        self.say("")
        self.ui.countsLabel.text = ""
        self.ui.sourceLabel.text = f"{source.note} ({Path(source.journal).name})"
        self.ui.sourceLabel.toolTip = source.journal
        self.ui.sourceLabel.visible = bool(source.note)
        self.ui.journalEdit.toolTip = _("Where labels are kept. Now: {file}").format(
            file=source.journal or "-"
        )
        if source.hasLabels and not Dependencies.missing():
            self._desk.ask("labels", self._onLabels)
            self.queue.ask()

    def _onLabels(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "rows":
            self.table.put(event["rows"], self._showCounts)
        elif event["event"] == "failed":
            self.say(event["message"])

    def _onContent(self) -> None:
        """Something was imported or removed, perhaps the first of all."""
        if not self._contentTimer.isActive() and not self.publisher.isWriting:
            self._contentTimer.start()

    def _onColumnWritten(self) -> None:
        self._refreshTimer.start()
        self.updateButtons()

    def _titleOf(self, study: str) -> str:
        return DatabaseSource.studyTitle(study) if self.store.source.isOpen else ""

    def _filesOf(self, series: str) -> list[str]:
        return DatabaseSource.filesOf(series) if self.store.source.isOpen else []

    # What happens

    def _onSelected(self) -> None:
        self._updateChosen()
        self.chosen.showSoon()

    def _onClass(self, name: str) -> None:
        """A class was picked in the list of Details; the next key is for the table again."""
        self.relabel(name)
        self.ui.seriesTree.setFocus()

    def _onRows(self, source: Source, rows: list[dict[str, Any]]) -> None:
        if source == self.store.source:
            self.table.put(rows, self._showCounts)

    def _onBatchEnd(self, source: Source, done: int) -> None:
        if source == self.store.source:
            self.table.put([], self._afterBatch)
        LabelNews.tell()
        if done:
            self._publishing.publish(source)

    def _afterBatch(self) -> None:
        SceneLabels.apply(self.table.rows.values())
        self._correcting.fillFacets()
        self._showCounts()
        self.updateButtons()
        self.queue.ask()
        self.chosen.changedAll()

    def _onNamed(self, done: list[Chosen]) -> None:
        """One series was named: others like it may be waiting."""
        if len({key for key, _part in done}) == 1:
            key, part = done[0]
            row = self.table.rows.get(key)
            if row is not None:
                self.siblings.ask((key, part if len(done) == 1 else None), row)

    def _onUndone(self, keys: list[str]) -> None:
        self.siblings.forget()
        self.queue.takenBack(keys)

    def _onChanged(self, keys: Collection[str]) -> None:
        self._showCounts()
        self.chosen.changed(keys)

    def _onTrained(self, folder: str) -> None:
        self.comparing.tryBundle(folder)

    def _showSeries(self, key: str, part: str | None) -> None:
        """A series was chosen elsewhere: the filter must not hide it."""
        if not self.table.isVisible(key):
            self.ui.filterEdit.text = ""
            self.ui.doubtfulCheck.checked = False
        self.table.select(key, part)

    def _onFilter(self, _value: Any) -> None:
        self.table.filter(self.ui.filterEdit.text, self.ui.doubtfulCheck.checked)

    # Showing

    def say(self, text: str) -> None:
        """One line for the user, in place of all that was said."""
        self._said = self.ui.statusLabel.text = text

    def _sayColumn(self, text: str) -> None:
        """What became of the column, beside what was said last: neither hides the other."""
        self.ui.statusLabel.text = f"{self._said} {text}".strip()

    def updateButtons(self) -> None:
        """Enable what can be done, and say of the rest why not."""
        self._classifying.updateButton()
        self._updateChosen()
        self._updateLearning()

    def _updateLearning(self) -> None:
        self._learning.updateButtons()
        self.comparing.updateButtons()

    def _updateChosen(self) -> None:
        self._correcting.updateButtons()
        self._publishing.updateButtons()

    def _showCounts(self) -> None:
        counts = self.table.counts()
        doubtful = sum(counts.get(status, 0) for status in DOUBTFUL)
        self.ui.countsLabel.text = _("{n} series, {doubtful} need review, {corrected} corrected").format(
            n=sum(counts.values()), doubtful=doubtful, corrected=counts.get("corrected", 0)
        )
        self._updateChosen()


def _setUpBrowsing(ui: Any) -> None:
    """What the browse buttons ask for; by default that is a file which exists."""
    for edit in (
        ui.folderEdit,
        ui.bundleEdit,
        ui.pictureBundleEdit,
        ui.trainingFolderEdit,
        ui.trainingDataEdit,
        ui.bundleFolderEdit,
        ui.newBundleEdit,
    ):
        edit.filters = ctk.ctkPathLineEdit.Dirs
    for edit in (ui.exportEdit, ui.journalEdit):
        edit.filters = ctk.ctkPathLineEdit.Files | ctk.ctkPathLineEdit.Writable
