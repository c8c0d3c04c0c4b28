"""The panel of the module: what its widgets do. It holds no label itself; the journal does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Dependencies, Labels, SceneLabels, Settings
from SeriesClassifierApp.Batch import Batch
from SeriesClassifierApp.ColumnPublisher import ColumnPublisher
from SeriesClassifierApp.DetailsView import KEYS, DetailsView
from SeriesClassifierApp.LabelStore import Chosen, LabelStore
from SeriesClassifierApp.Parameters import Mode, Scope, Task
from SeriesClassifierApp.ReviewTable import DOUBTFUL, ReviewTable
from SeriesClassifierApp.Slowly import singleShot
from SeriesClassifierApp.WorkerProcess import WorkerProcess

_REFRESH_MS = 300
_DETAILS_MS = 120
_FACETS = ("plane", "phase", "derived", "region")


class Panel:
    """Connects the widgets of ``ui`` with the worker, the journal and the DICOM browser."""

    def __init__(self, ui: Any, widget: Any) -> None:
        """``widget`` holds the panel; its keys work while one of its children has the focus."""
        self.ui = ui
        self._widget = widget
        self.parameters: Any = None
        # Two processes: a question about one series does not wait for the end of a batch.
        self.batchWorker, self.deskWorker = WorkerProcess(), WorkerProcess()
        self.batch = Batch(self.batchWorker, self._onProgress, self._onRows, self._onBatchEnd)
        self.publisher = ColumnPublisher(self.deskWorker, self.say, self.updateButtons)
        self.table = ReviewTable(ui.seriesTree, DatabaseSource.studyTitle, self._onSelected)
        self.details = DetailsView(ui, self.relabel)
        self.store = LabelStore("", Settings.user())
        self._unpublished = False
        self._database: Any = None
        self._tables: Any = None
        self._detailsJob = 0
        self._refreshTimer = singleShot(_REFRESH_MS, self.refresh)
        self._detailsTimer = singleShot(_DETAILS_MS, self._askDetails)
        self._connections: list[tuple[Any, str, Any]] = []
        self._shortcuts: list[Any] = []
        self._facetCombos = {facet: getattr(ui, f"{facet}Combo") for facet in _FACETS}
        self._connectWidgets()
        self._showSettings()
        ui.progressArea.visible = False
        self.updateButtons()

    # The life of the panel

    def enter(self) -> None:
        """The module is shown."""
        self._followDatabase()
        self.refresh()

    def exit(self) -> None:
        """Another module is shown: perhaps the DICOM browser, so what was corrected goes there."""
        if self._unpublished and Settings.get("publishColumn") and not self.batch.isRunning:
            self._publish()

    def cleanup(self) -> None:
        """Let go of everything outside."""
        for timer in (self._refreshTimer, self._detailsTimer):
            timer.stop()
        self._forgetDatabase()
        for sender, signal, slot in self._connections:
            sender.disconnect(signal, slot)
        self._connections = []
        for shortcut in self._shortcuts:
            shortcut.deleteLater()
        self._shortcuts = []
        self.publisher.cleanup()
        self.batchWorker.stop()
        self.deskWorker.stop()
        self.table.cleanup()
        self.details.cleanup()
        self.store.close()

    def setParameters(self, parameters: Any) -> None:
        """The parameter node of the scene, or None while there is none."""
        self.parameters = parameters
        self.updateButtons()

    # The database and its journal

    def refresh(self) -> None:
        """Show the labels of the database that is open now."""
        if self.publisher.isWriting:
            return
        self._followDatabase()
        path = Labels.journalPath()
        if path != self.store.path:
            self.store.close()
            self.store = LabelStore(path, Settings.user())
            self.table.clear()
            self.details.clear()
            if Path(path).is_file() and not Dependencies.missing():
                self.deskWorker.request("labels", self._onLabels, journal=path)
        self._fillFacets()
        self.updateButtons()

    def _onLabels(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "rows":
            self.table.put(event["rows"], self._showCounts)
        elif event["event"] == "failed":
            self.say(event["message"])

    def _followDatabase(self) -> None:
        database = slicer.dicomDatabase
        if database is not self._database:
            self._forgetDatabase()
            self._database = database
            for signal in ("opened()", "closed()") if database is not None else ():
                database.connect(signal, self._onDatabaseChanged)
        browser = DatabaseSource.browser()
        if browser is not None and self._tables is None:
            self._tables = browser.dicomTableManager()
            self._tables.connect("seriesSelectionChanged(QStringList)", self._onBrowserSelection)

    def _forgetDatabase(self) -> None:
        if self._database is not None:
            for signal in ("opened()", "closed()"):
                self._database.disconnect(signal, self._onDatabaseChanged)
        if self._tables is not None:
            self._tables.disconnect("seriesSelectionChanged(QStringList)", self._onBrowserSelection)
        self._database = self._tables = None

    def _onDatabaseChanged(self) -> None:
        if not self.publisher.isWriting:
            self._refreshTimer.start()

    def _onBrowserSelection(self, _uids: Any) -> None:
        self.updateButtons()

    # Classifying

    def reasonNotReady(self) -> str:
        """Why the button Classify is disabled, in words; empty when it is not."""
        if self.parameters is None:
            return _("There is no scene.")
        if self.batch.isRunning:
            return _("Classification is under way.")
        scope = self.parameters.scope
        if scope is Scope.FOLDER:
            exists = str(self.parameters.folder) not in ("", ".") and Path(self.parameters.folder).exists()
            return "" if exists else _("Choose a folder that exists.")
        if not DatabaseSource.databaseFile():
            return _("Open a DICOM database first (module DICOM), or choose a folder.")
        if scope is Scope.SELECTED and not DatabaseSource.selectedSeries():
            return _("Select a patient, study or series in the DICOM browser, or choose something else.")
        if scope is Scope.LOADED and not DatabaseSource.loadedSeries():
            return _("No volume of the DICOM database is loaded.")
        if scope is Scope.DATABASE and not DatabaseSource.database().patientsCount():
            return _("The DICOM database is empty: import something first.")
        return ""

    def classify(self, _checked: bool = False) -> None:
        """The button."""
        parameters = self.parameters
        if self.reasonNotReady():
            self.updateButtons()
            return
        series = {
            Scope.SELECTED: DatabaseSource.selectedSeries,
            Scope.LOADED: DatabaseSource.loadedSeries,
        }.get(parameters.scope, lambda: None)()
        folder = str(parameters.folder) if parameters.scope is Scope.FOLDER else ""
        self.classifySeries(series, folder=folder)

    def classifySeries(self, series: list[str] | None, *, folder: str = "") -> None:
        """Classify series of the database (None: all), or a folder."""
        try:
            Dependencies.ensure()
        except Dependencies.DependenciesDeclined:
            self.say(_("Nothing was classified: the packages are not installed."))
            return
        except RuntimeError as error:
            self.say(str(error))
            return
        self.refresh()
        self.batch.start(
            source=folder or DatabaseSource.databaseFile(),
            series=series,
            journal=self.store.path,
            max_error=float(Settings.get("maxError")),
            bundle=Settings.get("headerBundle"),
            **self._howToLook(),
        )
        self.ui.progressBar.maximum = 0
        self.ui.progressArea.visible = True
        self.say(_("Reading ..."))
        self.updateButtons()

    def _howToLook(self) -> dict[str, Any]:
        """Mode, task and picture bundles as the job takes them."""
        mode = self.parameters.mode if self.parameters is not None else Mode.AUTO
        if mode is Mode.HEADER:
            return {"mode": mode.value}
        task = self.parameters.task if self.parameters is not None else Task.AUTO
        bundles = [path for path in (Settings.get("pictureBundle"),) if path]
        return {"mode": mode.value, "task": task.value, "picture_bundles": bundles}

    def stop(self, _checked: bool = False) -> None:
        """The button Stop."""
        self.batch.stop()
        self.ui.stopButton.enabled = False
        self.say(_("Stopping ..."))

    def _onRows(self, rows: list[dict[str, Any]]) -> None:
        self.table.put(rows, self._showCounts)

    def _onProgress(self) -> None:
        batch = self.batch
        self.ui.progressBar.maximum = batch.total
        self.ui.progressBar.value = min(len(batch.done), batch.total)
        left = batch.secondsLeft
        text = _("{done} of {total} series, {rate:.0f} a second").format(
            done=len(batch.done), total=batch.total, rate=batch.rate
        )
        if left is not None and left >= 1:
            text += _(", about {seconds:.0f} s left").format(seconds=left)
        if batch.restarts:
            text += _(" (the worker stopped and was started again)")
        self.say(text)

    def _onBatchEnd(self, event: Mapping[str, Any]) -> None:
        batch = self.batch
        self.ui.progressArea.visible = False
        self.ui.stopButton.enabled = True
        kind, n = event["event"], len(batch.done)
        if kind == "done":
            text = _("{n} series in {seconds:.1f} s.").format(n=n, seconds=batch.secondsGone)
            if event["failed"]:
                text += " " + _("{n} could not be read: see the table.").format(n=len(event["failed"]))
            self.say(text)
        elif kind == "cancelled":
            self.say(_("Stopped after {n} series; what is done stays.").format(n=n))
        elif kind == "failed":
            self.say(event["message"])
        else:
            text = _("The worker stopped again and again, after {n} series. See the application log.")
            self.say(text.format(n=n))
        self.table.put([], self._afterBatch)
        if n and Settings.get("publishColumn"):
            self._publish()
        self.updateButtons()

    def _afterBatch(self) -> None:
        SceneLabels.apply(self.table.rows)
        self._fillFacets()
        self._showCounts()
        self.updateButtons()
        if self.table.current() is not None:
            self._detailsTimer.start()

    # The chosen series

    def _onSelected(self) -> None:
        self._updateChosen()
        self._detailsTimer.start()

    def _askDetails(self) -> None:
        chosen = self.table.current()
        row = self.table.rows.get(chosen[0]) if chosen is not None else None
        if chosen is None or row is None or not row["series_uid"]:
            self.details.clear(row["parts"][0]["error"] if row else "")
            return
        self.details.announce(row)
        uid, part = chosen
        known = row.get("pictures")
        where = {"pictures": known} if known else {"files": DatabaseSource.filesOf(uid)}

        def show(event: Mapping[str, Any]) -> None:
            if job == self._detailsJob and event["event"] == "done":
                found = [p for p in event["parts"] if part in (None, p["part"])]
                if found:
                    self.details.show(row, found[0], _classes("sequence"))

        if self._detailsJob:
            self.deskWorker.cancel(self._detailsJob, insist=False)
        job = self._detailsJob = self.deskWorker.request(
            "details", show, journal=self.store.path, series_uid=uid, **where
        )

    # Correcting

    def relabel(self, sequence: str) -> None:
        """The selected series are ``sequence``."""
        self.correct({"sequence": sequence})

    def correct(self, facets: Mapping[str, str]) -> None:
        """The selected series and parts are what ``facets`` say."""
        note = self._takeNote()
        self._act(lambda chosen: self.store.correct(chosen, facets, note))

    def accept(self, _checked: bool = False) -> None:
        """What the selected series are said to be is right."""
        note = self._takeNote()
        self._act(lambda chosen: self.store.accept(chosen, note))

    def acceptAndGoOn(self) -> None:
        """The key A: accept, and go to the next."""
        self.accept()
        self.next()

    def undo(self, _checked: bool = False) -> None:
        """Take the last correction back."""
        self.table.slowly.add(self._undoing())

    def next(self, _checked: bool = False) -> None:
        """Go to the next series that somebody must look at."""
        self.table.findDoubtful(self._onFound)

    def _onFound(self, uid: str) -> None:
        if uid:
            self.table.select(uid)
        else:
            self.say(_("Nothing is left to review."))

    def pressKey(self, place: int) -> None:
        """A number key: the class at that place in the list of Details."""
        if place < len(self.details.classes):
            self.relabel(self.details.classes[place])

    def _act(self, act: Callable[[list[Chosen]], Iterator[None]]) -> None:
        """Do something to the selected series, in slices: there may be thousands."""
        if self.table.hasSelection:
            self.table.slowly.add(self._acting(act))

    def _acting(self, act: Callable[[list[Chosen]], Iterator[None]]) -> Iterator[None]:
        chosen: dict[Chosen, None] = {}
        yield from self.table.chosen(chosen)
        yield from self._guarded(act(list(chosen)))
        yield from self._showing([uid for uid, _part in chosen])

    def _undoing(self) -> Iterator[None]:
        uids: list[str] = []
        yield from self._guarded(self.store.undo(uids))
        yield from self._showing(uids)

    def _guarded(self, steps: Iterator[None]) -> Iterator[None]:
        """``steps``, with what goes wrong told to the user."""
        from SeriesClassifierLib.errors import SeriesClassifierError

        try:
            yield from steps
        except SeriesClassifierError as error:
            self.say(str(error))

    def _showing(self, uids: Iterable[str]) -> Iterator[None]:
        """Show series as they stand now."""
        shown = {}
        for uid in dict.fromkeys(uids):
            for row in self.store.rows([uid]):
                shown[uid] = row
            yield
        SceneLabels.apply(shown)
        self._unpublished = True
        self.table.put(shown.values(), self._afterChange)

    def _afterChange(self) -> None:
        self._showCounts()
        self._detailsTimer.start()

    def _takeNote(self) -> str:
        text, self.ui.noteEdit.text = self.ui.noteEdit.text, ""
        return text.strip()

    # Export and the browser

    def export(self, _checked: bool = False) -> None:
        """The button Export."""
        self.table.slowly.add(self._exporting(self.ui.exportEdit.currentPath))

    def _exporting(self, out: str) -> Iterator[None]:
        series = None
        if self.ui.exportSelectedCheck.checked:
            chosen: dict[Chosen, None] = {}
            yield from self.table.chosen(chosen)
            series = sorted({uid for uid, _part in chosen})
        self.deskWorker.request("export", self._onExported, journal=self.store.path, out=out, series=series)

    def _onExported(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "done":
            self.say(_("{n} rows: {file}").format(n=event["rows"], file=event["out"]))
        else:
            self.say(_("Not exported: {reason}").format(reason=event.get("message") or event["event"]))

    def _publish(self) -> None:
        if Path(self.store.path).is_file() and DatabaseSource.databaseFile():
            self._unpublished = False
            self.publisher.publish(self.store.path)

    def removeColumn(self, _checked: bool = False) -> None:
        """The button in Advanced."""
        self.publisher.remove()

    def onPublishToggled(self, on: bool) -> None:
        """The switch in Advanced: on writes the column, off takes it out."""
        if on == Settings.get("publishColumn"):
            return
        Settings.put("publishColumn", on)
        if on:
            self._publish()
        else:
            self.publisher.remove()

    def renameVolumes(self, _checked: bool = False) -> None:
        """The button in Advanced."""
        n = SceneLabels.renameVolumes(self.table.rows)
        self.say(_("{n} volumes have a new name.").format(n=n))

    # Showing

    def say(self, text: str) -> None:
        """One line for the user."""
        self.ui.statusLabel.text = text

    def updateButtons(self) -> None:
        """Enable what can be done, and say of the rest why not."""
        ui = self.ui
        reason = self.reasonNotReady()
        ui.classifyButton.enabled = not reason
        ui.classifyButton.toolTip = reason or _("Classify what is chosen above.")
        # The button itself names the reason, too: the tooltip of a disabled button is seldom found.
        ui.classifyButton.text = _("Classify") if not reason or self.batch.isRunning else reason
        folder = self.parameters is not None and self.parameters.scope is Scope.FOLDER
        ui.folderEdit.visible = ui.folderLabel.visible = folder
        self._updateChosen()

    def _updateChosen(self) -> None:
        """Enable what can be done with the rows: often called, so nothing here asks the database."""
        ui = self.ui
        chosen = self.table.hasSelection
        for name in ("acceptButton", "classList", *(f"{facet}Combo" for facet in _FACETS)):
            getattr(ui, name).enabled = chosen
        ui.undoButton.enabled = self.store.canUndo
        ready = bool(ui.exportEdit.currentPath) and bool(self.table.rows)
        ui.exportButton.enabled = ready
        ui.exportButton.toolTip = (
            _("Write the labels.") if ready else _("Name a file first, and classify something.")
        )

    def _showCounts(self) -> None:
        counts = self.table.counts()
        doubtful = sum(counts.get(status, 0) for status in DOUBTFUL)
        self.ui.countsLabel.text = _("{n} series, {doubtful} need review, {corrected} corrected").format(
            n=sum(counts.values()), doubtful=doubtful, corrected=counts.get("corrected", 0)
        )
        self._updateChosen()

    def _fillFacets(self) -> None:
        """The classes of the other facets; they are known when the packages are there."""
        for facet, combo in self._facetCombos.items():
            if combo.count == 0 and _classes(facet):
                combo.addItem("")
                combo.addItems(_classes(facet))

    def _onFacet(self, facet: str) -> None:
        combo = self._facetCombos[facet]
        value = combo.currentText
        combo.currentIndex = 0
        if value:
            self.correct({facet: value})

    # Wiring

    def _connectWidgets(self) -> None:
        ui = self.ui
        wires = [
            (ui.classifyButton, "clicked(bool)", self.classify),
            (ui.stopButton, "clicked(bool)", self.stop),
            (ui.filterEdit, "textChanged(QString)", self._onFilter),
            (ui.doubtfulCheck, "toggled(bool)", self._onFilter),
            (ui.acceptButton, "clicked(bool)", self.accept),
            (ui.nextButton, "clicked(bool)", self.next),
            (ui.undoButton, "clicked(bool)", self.undo),
            (ui.exportEdit, "currentPathChanged(QString)", self._onPath),
            (ui.exportButton, "clicked(bool)", self.export),
            (ui.publishCheck, "toggled(bool)", self.onPublishToggled),
            (ui.removeColumnButton, "clicked(bool)", self.removeColumn),
            (ui.importsCheck, "toggled(bool)", lambda on: Settings.put("classifyImports", on)),
            (ui.renameButton, "clicked(bool)", self.renameVolumes),
            (ui.journalEdit, "currentPathChanged(QString)", self._onJournal),
            (ui.bundleEdit, "currentPathChanged(QString)", lambda path: Settings.put("headerBundle", path)),
            (
                ui.pictureBundleEdit,
                "currentPathChanged(QString)",
                lambda path: Settings.put("pictureBundle", path),
            ),
            (ui.maxErrorSpin, "valueChanged(double)", lambda value: Settings.put("maxError", value)),
        ]
        for facet, combo in self._facetCombos.items():
            wires.append((combo, "activated(int)", lambda _index, facet=facet: self._onFacet(facet)))
        for sender, signal, slot in wires:
            sender.connect(signal, slot)
            self._connections.append((sender, signal, slot))
        for key, slot in {
            "N": self.next,
            "A": self.acceptAndGoOn,
            "U": self.undo,
            "Ctrl+Z": self.undo,
        }.items():
            self._addShortcut(key, slot)
        for place, key in enumerate(KEYS):
            self._addShortcut(key, lambda place=place: self.pressKey(place))

    def _addShortcut(self, key: str, slot: Any) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(key), self._widget)
        shortcut.context = qt.Qt.WidgetWithChildrenShortcut
        shortcut.connect("activated()", slot)
        self._shortcuts.append(shortcut)

    def _showSettings(self) -> None:
        ui = self.ui
        ui.publishCheck.checked = Settings.get("publishColumn")
        ui.importsCheck.checked = Settings.get("classifyImports")
        ui.maxErrorSpin.value = Settings.get("maxError")
        for edit, name in (
            (ui.journalEdit, "journal"),
            (ui.bundleEdit, "headerBundle"),
            (ui.pictureBundleEdit, "pictureBundle"),
        ):
            edit.currentPath = Settings.get(name)

    def _onFilter(self, _value: Any) -> None:
        self.table.filter(self.ui.filterEdit.text, self.ui.doubtfulCheck.checked)

    def _onPath(self, _path: str) -> None:
        self._updateChosen()

    def _onJournal(self, path: str) -> None:
        Settings.put("journal", path)
        self._refreshTimer.start()


def _classes(facet: str) -> list[str]:
    """The classes of a facet, or none while the package that reads them is missing."""
    try:
        from SeriesClassifierLib.vocabulary import classes
    except ImportError:
        logging.debug("Series Classifier: the library is not there")
        return []
    try:
        return list(classes(facet))
    except ImportError:
        return []
