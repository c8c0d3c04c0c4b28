"""The section Classify: what is classified, how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Dependencies, Settings, Sources
from SeriesClassifierApp.Batch import Batch
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.Parameters import Mode, Scope, Task
from SeriesClassifierApp.Sources import Source
from SeriesClassifierApp.Wires import Wires
from SeriesClassifierApp.WorkerProcess import WorkerProcess


class Classifying:
    """Starts and stops the batch. ``parameters`` is the parameter node of the scene, or None."""

    def __init__(
        self,
        ui: Any,
        wires: Wires,
        worker: WorkerProcess,
        store: LabelStore,
        *,
        say: Callable[[str], None],
        onStart: Callable[[], None],
        onRows: Callable[[Source, list[dict[str, Any]]], None],
        onEnd: Callable[[Source, int], None],
    ) -> None:
        """``onStart`` is called before a batch, to show its source; ``onRows`` gets the source and its rows,
        ``onEnd`` the source and how many series are done.
        """
        self._ui = ui
        self._store = store
        self._say = say
        self._onStart = onStart
        self._onEnd = onEnd
        self.parameters: Any = None
        self.batch = Batch(
            worker, self._onProgress, lambda rows: onRows(self.batch.source, rows), self._onBatchEnd
        )
        ui.progressArea.visible = False
        wires.connect(ui.classifyButton, "clicked(bool)", self.classify)
        wires.connect(ui.stopButton, "clicked(bool)", self.stop)

    @property
    def folder(self) -> str:
        """The folder that is to be classified, or an empty text when something else is."""
        if self.parameters is None or self.parameters.scope is not Scope.FOLDER:
            return ""
        folder = str(self.parameters.folder)
        return folder if folder not in ("", ".") and Path(folder).exists() else ""

    def reasonNotReady(self) -> str:
        """Why the button Classify is disabled, in words; empty when it is not."""
        if self.parameters is None:
            return _("There is no scene.")
        if self.batch.isRunning:
            return (
                _("Classification is under way.")
                if self._isShown
                else _("Another source is being classified in the background: wait, or press Stop.")
            )
        scope = self.parameters.scope
        if scope is Scope.FOLDER:
            return "" if self.folder else _("Choose a folder that exists.")
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
            self.updateButton()
            return
        series = {
            Scope.SELECTED: DatabaseSource.selectedSeries,
            Scope.LOADED: DatabaseSource.loadedSeries,
        }.get(parameters.scope, lambda: None)()
        self.classifySeries(series, folder=self.folder)

    def classifySeries(self, series: list[str] | None, *, folder: str = "") -> None:
        """Classify series of the open database (None: all), or a folder."""
        try:
            Dependencies.ensure()
        except Dependencies.DependenciesDeclined:
            self._say(_("Nothing was classified: the packages are not installed."))
            return
        except RuntimeError as error:
            self._say(str(error))
            return
        self._onStart()
        source = Sources.folder(folder) if folder else Sources.database()
        if not source.location:
            self._say(_("Open a DICOM database first (module DICOM), or choose a folder."))
            return
        self._ui.progressBar.maximum = 0
        self._ui.progressArea.visible = True
        self._ui.stopButton.enabled = True
        self._say(_("Reading ..."))
        self.batch.start(
            source,
            series=series,
            max_error=float(Settings.get("maxError")),
            bundle=Settings.get("headerBundle"),
            **self._howToLook(),
        )
        self.updateButton()

    def stop(self, _checked: bool = False) -> None:
        """The button Stop."""
        self.batch.stop()
        self._ui.stopButton.enabled = False
        self._say(_("Stopping ..."))

    def updateButton(self) -> None:
        """Enable Classify, or say why not."""
        ui = self._ui
        reason = self.reasonNotReady()
        ui.classifyButton.enabled = not reason
        ui.classifyButton.toolTip = reason or _("Classify what is chosen above.")
        # The button itself names the reason, too: the tooltip of a disabled button is seldom found.
        ui.classifyButton.text = _("Classify") if not reason or self.batch.isRunning else reason
        folder = self.parameters is not None and self.parameters.scope is Scope.FOLDER
        ui.folderEdit.visible = ui.folderLabel.visible = folder

    def _howToLook(self) -> dict[str, Any]:
        """Mode, task and picture bundles as the job takes them."""
        mode = self.parameters.mode if self.parameters is not None else Mode.AUTO
        if mode is Mode.HEADER:
            return {"mode": mode.value}
        task = self.parameters.task if self.parameters is not None else Task.AUTO
        bundles = [path for path in (Settings.get("pictureBundle"),) if path]
        return {"mode": mode.value, "task": task.value, "picture_bundles": bundles}

    def _onProgress(self) -> None:
        batch = self.batch
        self._ui.progressBar.maximum = batch.total
        self._ui.progressBar.value = min(len(batch.done), batch.total)
        left = batch.secondsLeft
        text = _("{done} of {total} series, {rate:.0f} a second").format(
            done=len(batch.done), total=batch.total, rate=batch.rate
        )
        if left is not None and left >= 1:
            text += _(", about {seconds:.0f} s left").format(seconds=left)
        if batch.restarts:
            text += _(" (the worker stopped and was started again)")
        self._tell(text)

    def _onBatchEnd(self, event: Mapping[str, Any]) -> None:
        batch = self.batch
        self._ui.progressArea.visible = False
        self._ui.stopButton.enabled = True
        kind, n = event["event"], len(batch.done)
        if kind == "done":
            text = _("{n} series in {seconds:.1f} s.").format(n=n, seconds=batch.secondsGone)
            if event["failed"]:
                text += " " + _("{n} could not be read: see the table.").format(n=len(event["failed"]))
        elif kind == "cancelled":
            text = _("Stopped after {n} series; completed work is kept.").format(n=n)
        elif kind == "failed":
            text = event["message"]
        elif n:
            text = _("The worker stopped repeatedly, after {n} series. See the application log.").format(n=n)
        else:
            text = _(
                "The worker stopped before it had done anything (exit code {code}). See the application log."
            )
            text = text.format(code=event.get("code"))
        self._tell(text)
        self._onEnd(batch.source, n)
        self.updateButton()

    @property
    def _isShown(self) -> bool:
        return self.batch.source == self._store.source

    def _tell(self, text: str) -> None:
        """``_say`` how the batch is going, which may be about something else than what is shown."""
        self._say(text if self._isShown else _("In the background: {text}").format(text=text))
