"""The section Learn, first half: export of the manual labels as training data, and a new bundle from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp import Settings
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.LongJobs import LongJobs
from SeriesClassifierApp.Wires import Wires

# Recipe -> the name of the bundle that it makes, and of the setting that names another one in use.
_RECIPES = {
    "headers": ("headers", "headerBundle"),
    "prostate-joint": ("prostate", "pictureBundle"),
    "liver-bca": ("liver", "pictureBundle"),
    "brain-ensemble": ("brain", "pictureBundle"),
}
# The same data give the same bundle.
_SEED = 1


class Learning:
    """Export and Retrain. ``onTrained`` gets the folder of a new bundle."""

    def __init__(
        self, ui: Any, wires: Wires, jobs: LongJobs, store: LabelStore, onTrained: Callable[[str], None]
    ) -> None:
        self._ui = ui
        self._jobs = jobs
        self._store = store
        self._onTrained = onTrained
        titles = {
            "headers": _("Headers"),
            "prostate-joint": _("Prostate: headers and pictures together"),
            "liver-bca": _("Liver: headers and pictures by attention"),
            "brain-ensemble": _("Brain: several models that vote"),
        }
        for recipe in _RECIPES:
            ui.recipeCombo.addItem(titles[recipe], recipe)
        ui.trainingFolderEdit.currentPath = Settings.get("trainingFolder")
        ui.bundleFolderEdit.currentPath = Settings.get("bundleFolder")
        path = "currentPathChanged(QString)"
        wires.connect(ui.trainingFolderEdit, path, lambda text: self._onFolder("trainingFolder", text))
        wires.connect(ui.bundleFolderEdit, path, lambda text: self._onFolder("bundleFolder", text))
        wires.connect(ui.trainingDataEdit, path, lambda _text: self.updateButtons())
        wires.connect(ui.recipeCombo, "currentIndexChanged(int)", lambda _index: self.updateButtons())
        wires.connect(ui.trainingExportButton, "clicked(bool)", self.export)
        wires.connect(ui.trainButton, "clicked(bool)", self.train)

    @property
    def recipe(self) -> str:
        """What is to be trained."""
        return str(self._ui.recipeCombo.itemData(self._ui.recipeCombo.currentIndex))

    @property
    def bundleName(self) -> str:
        """The name of the bundle that the recipe makes."""
        return _RECIPES[self.recipe][0]

    @property
    def base(self) -> str:
        """The bundle in use, a name or a folder."""
        return self._ui.baseEdit.text.strip() or Settings.get(_RECIPES[self.recipe][1]) or self.bundleName

    @property
    def isOverridden(self) -> bool:
        """Whether Advanced names a bundle, so that the one of the recipe's name is not in use."""
        return bool(Settings.get(_RECIPES[self.recipe][1]))

    def export(self, _checked: bool = False) -> None:
        """The button Export training data."""
        if not self._reasonNoExport():
            self._jobs.run(
                _("Exporting"),
                "export_training",
                self._onExported,
                journal=self._store.path,
                source=self._store.source.location,
                out=self._ui.trainingFolderEdit.currentPath,
                dicom=bool(self._ui.trainingDicomCheck.checked),
            )

    def train(self, _checked: bool = False) -> None:
        """The button Retrain."""
        if not self._reasonNoTraining():
            self._jobs.run(
                _("Training"),
                "train",
                self._onDone,
                data=[self._data],
                base=self.base,
                recipe=self.recipe,
                out=str(self._newFolder()),
                seed=_SEED,
            )

    def updateButtons(self) -> None:
        """Enable what can be done, and say of the rest why not."""
        ui = self._ui
        ui.baseEdit.placeholderText = Settings.get(_RECIPES[self.recipe][1]) or self.bundleName
        for button, reason, otherwise in (
            (ui.trainingExportButton, self._reasonNoExport(), _("Write the training data.")),
            (ui.trainButton, self._reasonNoTraining(), _("Train a new bundle. This can take hours.")),
        ):
            button.enabled = not reason
            button.toolTip = reason or otherwise

    def _newFolder(self) -> Path:
        """Where the next bundle goes: no bundle is ever overwritten, and one that was stopped goes on."""
        folder = Path(self._ui.bundleFolderEdit.currentPath)
        found = (folder / f"{self.bundleName}-{number}" for number in itertools.count(1))
        return next(path for path in found if not path.exists())

    @property
    def _data(self) -> str:
        return self._ui.trainingDataEdit.currentPath or self._ui.trainingFolderEdit.currentPath

    def _reasonNoExport(self) -> str:
        if self._jobs.isRunning:
            return self._jobs.reasonBusy()
        if not self._store.source.location:
            return _("Open a DICOM database first (module DICOM).")
        if not self._store.source.hasLabels:
            return _("Classify something first, and correct what is wrong.")
        if not self._ui.trainingFolderEdit.currentPath:
            return _("Choose a folder for the training data.")
        return ""

    def _reasonNoTraining(self) -> str:
        if self._jobs.isRunning:
            return self._jobs.reasonBusy()
        if not self._data or not Path(self._data).is_dir():
            return _("Export training data first, or choose the folder that holds them.")
        if not self._ui.bundleFolderEdit.currentPath:
            return _("Choose a folder for the new bundle.")
        return ""

    def _onFolder(self, name: str, path: str) -> None:
        Settings.put(name, path)
        self.updateButtons()

    def _onExported(self, event: Mapping[str, Any]) -> None:
        text = _("{parts} labeled images of {patients} patients: {folder}").format(
            parts=event["parts"], patients=event["patients"], folder=event["out"]
        )
        if event["findings"]:
            text += ". " + _(
                "{n} possible names of patients were found: read the list in that folder."
            ).format(n=event["findings"])
        self._jobs.say(text)

    def _onDone(self, event: Mapping[str, Any]) -> None:
        self._jobs.say(
            _("New bundle {name} {version}. {summary}").format(
                name=event["name"], version=event["version"], summary=event["summary"]
            )
        )
        self._onTrained(event["bundle"])
