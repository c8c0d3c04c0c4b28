"""The labels where people look: the column of the DICOM browser, exported files, names of loaded volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp import DatabaseSource, SceneLabels, Settings
from SeriesClassifierApp.ColumnPublisher import ColumnPublisher
from SeriesClassifierApp.LabelStore import Chosen, LabelStore
from SeriesClassifierApp.ReviewTable import ReviewTable
from SeriesClassifierApp.Wires import Wires
from SeriesClassifierApp.WorkerProcess import WorkerProcess


class Publishing:
    """Connects the section Export, and what Advanced has of the DICOM browser and of volumes."""

    def __init__(
        self,
        ui: Any,
        wires: Wires,
        table: ReviewTable,
        store: LabelStore,
        worker: WorkerProcess,
        publisher: ColumnPublisher,
        *,
        say: Callable[[str], None],
    ) -> None:
        self._ui = ui
        self._table = table
        self._store = store
        self._worker = worker
        self._publisher = publisher
        self._say = say
        # Whether something was corrected that the column does not show yet.
        self.isBehind = False
        wires.connect(ui.exportEdit, "currentPathChanged(QString)", lambda _path: self.updateButtons())
        wires.connect(ui.exportButton, "clicked(bool)", self.export)
        wires.connect(ui.publishCheck, "toggled(bool)", self.onPublishToggled)
        wires.connect(ui.removeColumnButton, "clicked(bool)", self.removeColumn)
        wires.connect(ui.renameButton, "clicked(bool)", self.renameVolumes)

    def publish(self) -> None:
        """Write the column, when the user wants it in the browser."""
        if (
            Settings.get("publishColumn")
            and Path(self._store.path).is_file()
            and DatabaseSource.databaseFile()
        ):
            self.isBehind = False
            self._publisher.publish(self._store.path)

    def removeColumn(self, _checked: bool = False) -> None:
        """The button in Advanced."""
        self._publisher.remove()

    def onPublishToggled(self, on: bool) -> None:
        """The switch in Advanced: on writes the column, off takes it out."""
        if on == Settings.get("publishColumn"):
            return
        Settings.put("publishColumn", on)
        if on:
            self.publish()
        else:
            self._publisher.remove()

    def renameVolumes(self, _checked: bool = False) -> None:
        """The button in Advanced."""
        n = SceneLabels.renameVolumes(self._table.rows)
        self._say(_("{n} volumes have a new name.").format(n=n))

    def export(self, _checked: bool = False) -> None:
        """The button Export."""
        self._table.slowly.add(self._exporting(self._ui.exportEdit.currentPath))

    def updateButtons(self) -> None:
        """Enable Export, or say why not."""
        ui = self._ui
        ready = bool(ui.exportEdit.currentPath) and bool(self._table.rows)
        ui.exportButton.enabled = ready
        ui.exportButton.toolTip = (
            _("Write the labels.") if ready else _("Name a file first, and classify something.")
        )

    def _exporting(self, out: str) -> Iterator[None]:
        series = None
        if self._ui.exportSelectedCheck.checked:
            chosen: dict[Chosen, None] = {}
            yield from self._table.chosen(chosen)
            series = sorted({uid for uid, _part in chosen})
        self._worker.request("export", self._onExported, journal=self._store.path, out=out, series=series)

    def _onExported(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "done":
            self._say(_("{n} rows: {file}").format(n=event["rows"], file=event["out"]))
        else:
            self._say(_("Not exported: {reason}").format(reason=event.get("message") or event["event"]))
