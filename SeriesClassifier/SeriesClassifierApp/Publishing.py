"""The labels where people look: the column of the DICOM browser, exported files, names of loaded volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp import SceneLabels, Settings, Sources
from SeriesClassifierApp.ColumnPublisher import ColumnPublisher
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.ReviewTable import ReviewTable, Selection
from SeriesClassifierApp.Sources import Source
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
        """``publisher`` tells ``published`` what it writes, and ``isNew`` what it could not."""
        self._ui = ui
        self._table = table
        self._store = store
        self._worker = worker
        self._publisher = publisher
        self._say = say
        # Databases whose column does not show yet what is known.
        self._behind: set[Source] = set()
        wires.connect(ui.exportEdit, "currentPathChanged(QString)", lambda _path: self.updateButtons())
        wires.connect(ui.exportButton, "clicked(bool)", self.export)
        wires.connect(ui.publishCheck, "toggled(bool)", self.onPublishToggled)
        wires.connect(ui.removeColumnButton, "clicked(bool)", self.removeColumn)
        wires.connect(ui.renameButton, "clicked(bool)", self.renameVolumes)

    @property
    def isBehind(self) -> bool:
        """Whether the column of the database that is open does not show yet what is known."""
        return any(source.isOpen for source in self._behind)

    def isNew(self, source: Source) -> None:
        """Labels of a database are new; that of a folder shows nothing."""
        if source.databaseFile:
            self._behind.add(source)

    def published(self, source: Source) -> None:
        """The column of a database shows all that is known now."""
        self._behind.discard(source)

    def publish(self, source: Source | None = None) -> None:
        """Write the column of a database (None: the open one), when the user wants it in the browser. While
        another is open it waits: the column is written when that database is shown again.
        """
        source = source if source is not None else Sources.database()
        if Settings.get("publishColumn") and source.hasLabels:
            self.isNew(source)
            if source.isOpen:
                self._publisher.publish(source)

    def catchUp(self) -> None:
        """Write the column of the open database if it is behind."""
        for source in list(self._behind):
            if source.isOpen:
                self.publish(source)

    def removeColumn(self, _checked: bool = False) -> None:
        """The button in Advanced."""
        self._publisher.remove(Sources.database())

    def onPublishToggled(self, on: bool) -> None:
        """The switch in Advanced: on writes the column, off takes it out."""
        if on == Settings.get("publishColumn"):
            return
        Settings.put("publishColumn", on)
        if on:
            self.publish()
        else:
            self._publisher.remove(Sources.database())

    def renameVolumes(self, _checked: bool = False) -> None:
        """The button in Advanced."""
        n = SceneLabels.renameVolumes(self._table.rows.values())
        self._say(_("{n} volumes have a new name.").format(n=n))

    def export(self, _checked: bool = False) -> None:
        """The button Export."""
        isPart = self._ui.exportSelectedCheck.checked
        selection = self._table.selection() if isPart else None
        self._table.slowly.add(
            self._exporting(self._store.path, self._ui.exportEdit.currentPath, selection), isKept=True
        )

    def updateButtons(self) -> None:
        """Enable Export, or say why not."""
        ui = self._ui
        ready = bool(ui.exportEdit.currentPath) and bool(self._table.rows)
        ui.exportButton.enabled = ready
        ui.exportButton.toolTip = (
            _("Write the labels.") if ready else _("Name a file first, and classify something.")
        )

    def _exporting(self, journal: str, out: str, selection: Selection | None) -> Iterator[None]:
        keys = None
        if selection is not None:
            yield from selection.steps
            keys = sorted({key for key, _part in selection.found})
        self._worker.request("export", self._onExported, journal=journal, out=out, keys=keys)

    def _onExported(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "done":
            self._say(_("{n} rows: {file}").format(n=event["rows"], file=event["out"]))
        else:
            self._say(_("Not exported: {reason}").format(reason=event.get("message") or event["event"]))
