"""The panel of the module: its parts, how they are joined, and its life. The journal holds the labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import ctk
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Dependencies, Labels, SceneLabels, Settings
from SeriesClassifierApp.ChosenSeries import ChosenSeries
from SeriesClassifierApp.Classifying import Classifying
from SeriesClassifierApp.ColumnPublisher import ColumnPublisher
from SeriesClassifierApp.Comparing import Comparing
from SeriesClassifierApp.Correcting import Correcting
from SeriesClassifierApp.DatabaseWatcher import DatabaseWatcher
from SeriesClassifierApp.DetailsView import DetailsView
from SeriesClassifierApp.LabelStore import Chosen, LabelStore
from SeriesClassifierApp.Learning import Learning
from SeriesClassifierApp.LongJobs import LongJobs
from SeriesClassifierApp.Preferences import Preferences
from SeriesClassifierApp.Publishing import Publishing
from SeriesClassifierApp.Reviewing import Reviewing
from SeriesClassifierApp.ReviewQueue import ReviewQueue
from SeriesClassifierApp.ReviewTable import DOUBTFUL, ReviewTable
from SeriesClassifierApp.Siblings import Siblings
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.Wires import Wires
from SeriesClassifierApp.WorkerProcess import WorkerProcess

_REFRESH_MS = 300


class Panel:
    """Connects the widgets of ``ui`` with the worker, the journal and the DICOM browser."""

    def __init__(self, ui: Any, widget: Any) -> None:
        """``widget`` holds the panel; its keys work while one of its children has the focus."""
        self.ui = ui
        # A process each, started when first needed: a question about one series waits neither for a batch nor
        # for a question about the whole journal, and nothing waits for training.
        self.batchWorker, self.deskWorker = WorkerProcess(), WorkerProcess()
        self.reviewWorker, self.learnWorker = WorkerProcess(), WorkerProcess()
        self.store = LabelStore("", Settings.user())
        self.publisher = ColumnPublisher(self.deskWorker, self.say, self.updateButtons)
        self.table = ReviewTable(ui.seriesTree, DatabaseSource.studyTitle, self._onSelected)
        self.details = DetailsView(ui, self.relabel)
        self._wires = Wires(widget)
        self.queue = ReviewQueue(self.reviewWorker, self.store, lambda: self.chosen.queueChanged())
        self.chosen = ChosenSeries(
            self.table,
            self.details,
            self.deskWorker,
            self.store,
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
            onRows=lambda rows: self.table.put(rows, self._showCounts),
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
            self.reviewWorker,
            self.store,
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
        self._preferences = Preferences(ui, self._wires, self._refreshTimer.start)
        self._watcher = DatabaseWatcher(self._onDatabaseChanged, lambda _uids: self.updateButtons())
        self._wires.connect(ui.filterEdit, "textChanged(QString)", self._onFilter)
        self._wires.connect(ui.doubtfulCheck, "toggled(bool)", self._onFilter)
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
        """Let go of everything outside."""
        self._refreshTimer.stop()
        self.siblings.forget()
        self.chosen.cleanup()
        self._watcher.cleanup()
        self._wires.cleanup()
        self.publisher.cleanup()
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
        self.updateButtons()

    # What others do with it

    def classify(self) -> None:
        """As the button Classify."""
        self._classifying.classify()

    def classifySeries(self, series: list[str] | None) -> None:
        """Classify series of the database, or all of them."""
        self._classifying.classifySeries(series)

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

    # The database and its journal

    def refresh(self) -> None:
        """Show the labels of the database that is open now."""
        if self.publisher.isWriting:
            return
        self._watcher.follow()
        path = Labels.journalPath()
        if path != self.store.path:
            self.store.use(path)
            self.table.clear()
            self.details.clear()
            self.queue.clear()
            self.chosen.changedAll()
            self.siblings.forget()
            if Path(path).is_file() and not Dependencies.missing():
                self.deskWorker.request("labels", self._onLabels, journal=path)
                self.queue.ask()
        self._correcting.fillFacets()
        self.updateButtons()

    def _onLabels(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "rows":
            self.table.put(event["rows"], self._showCounts)
        elif event["event"] == "failed":
            self.say(event["message"])

    def _onDatabaseChanged(self) -> None:
        if not self.publisher.isWriting:
            self._refreshTimer.start()

    # What happens

    def _onSelected(self) -> None:
        self._updateChosen()
        self.chosen.showSoon()

    def _onBatchEnd(self, done: int) -> None:
        self.table.put([], self._afterBatch)
        if done:
            self._publishing.publish()

    def _afterBatch(self) -> None:
        SceneLabels.apply(self.table.rows)
        self._correcting.fillFacets()
        self._showCounts()
        self.updateButtons()
        self.queue.ask()
        self.chosen.changedAll()

    def _onNamed(self, done: list[Chosen]) -> None:
        """One series was named: others like it may be waiting."""
        if len({uid for uid, _part in done}) == 1:
            uid, part = done[0]
            self.siblings.ask((uid, part if len(done) == 1 else None), self.table.rows[uid])

    def _onUndone(self, uids: list[str]) -> None:
        self.siblings.forget()
        self.queue.takenBack(uids)

    def _onChanged(self, uids: Collection[str]) -> None:
        self._publishing.isBehind = True
        self._showCounts()
        self.chosen.changed(uids)

    def _onTrained(self, folder: str) -> None:
        self.comparing.tryBundle(folder)

    def _showSeries(self, uid: str, part: int | None) -> None:
        """A series was chosen elsewhere: the filter must not hide it."""
        if not self.table.isVisible(uid):
            self.ui.filterEdit.text = ""
            self.ui.doubtfulCheck.checked = False
        self.table.select(uid, part)

    def _onFilter(self, _value: Any) -> None:
        self.table.filter(self.ui.filterEdit.text, self.ui.doubtfulCheck.checked)

    # Showing

    def say(self, text: str) -> None:
        """One line for the user."""
        self.ui.statusLabel.text = text

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
