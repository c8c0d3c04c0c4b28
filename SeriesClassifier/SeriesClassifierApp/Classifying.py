"""The section Classify: what is classified, how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, Dependencies, Settings
from SeriesClassifierApp.Batch import Batch
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.Parameters import Mode, Scope, Task
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
        onRows: Callable[[list[dict[str, Any]]], None],
        onEnd: Callable[[int], None],
    ) -> None:
        """``onStart`` is called before a batch, to open its journal; ``onEnd`` is told how many are done."""
        self._ui = ui
        self._store = store
        self._say = say
        self._onStart = onStart
        self._onEnd = onEnd
        self.parameters: Any = None
        self.batch = Batch(worker, self._onProgress, onRows, self._onBatchEnd)
        ui.progressArea.visible = False
        wires.connect(ui.classifyButton, "clicked(bool)", self.classify)
        wires.connect(ui.stopButton, "clicked(bool)", self.stop)

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
            self.updateButton()
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
            self._say(_("Nothing was classified: the packages are not installed."))
            return
        except RuntimeError as error:
            self._say(str(error))
            return
        self._onStart()
        self.batch.start(
            source=folder or DatabaseSource.databaseFile(),
            series=series,
            journal=self._store.path,
            max_error=float(Settings.get("maxError")),
            bundle=Settings.get("headerBundle"),
            **self._howToLook(),
        )
        self._ui.progressBar.maximum = 0
        self._ui.progressArea.visible = True
        self._say(_("Reading ..."))
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
        self._say(text)

    def _onBatchEnd(self, event: Mapping[str, Any]) -> None:
        batch = self.batch
        self._ui.progressArea.visible = False
        self._ui.stopButton.enabled = True
        kind, n = event["event"], len(batch.done)
        if kind == "done":
            text = _("{n} series in {seconds:.1f} s.").format(n=n, seconds=batch.secondsGone)
            if event["failed"]:
                text += " " + _("{n} could not be read: see the table.").format(n=len(event["failed"]))
            self._say(text)
        elif kind == "cancelled":
            self._say(_("Stopped after {n} series; what is done stays.").format(n=n))
        elif kind == "failed":
            self._say(event["message"])
        else:
            text = _("The worker stopped again and again, after {n} series. See the application log.")
            self._say(text.format(n=n))
        self._onEnd(n)
        self.updateButton()
