"""The section Learn, second half: what a new bundle would change, and whether it is used from now on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from SeriesClassifierApp.FlipsTable import FlipsTable
from SeriesClassifierApp.LabelStore import LabelStore
from SeriesClassifierApp.Learning import Learning
from SeriesClassifierApp.LongJobs import LongJobs
from SeriesClassifierApp.Wires import Wires

# What tells one state of a bundle's folder from another: its path, and the time and size of its description.
_Stamp = tuple[str, int, int]


class Comparing:
    """What would change, Adopt and Roll back. A bundle is adopted only as it was compared."""

    def __init__(
        self,
        ui: Any,
        wires: Wires,
        jobs: LongJobs,
        store: LabelStore,
        learning: Learning,
        *,
        onSeries: Callable[[str, int | None], None],
    ) -> None:
        """``onSeries`` gets the series that was chosen in the table of changes."""
        self._ui = ui
        self._jobs = jobs
        self._store = store
        self._learning = learning
        self._compared: tuple[_Stamp, str] | None = None
        self._breaks = 0
        self._report = ""
        self.flips = FlipsTable(ui.flipsTree, onSeries)
        self._showResult("", isThere=False)
        wires.connect(ui.newBundleEdit, "currentPathChanged(QString)", lambda _path: self.updateButtons())
        wires.connect(ui.recipeCombo, "currentIndexChanged(int)", lambda _index: self.updateButtons())
        wires.connect(ui.compareButton, "clicked(bool)", self.compare)
        wires.connect(ui.reportButton, "clicked(bool)", self.openReport)
        wires.connect(ui.adoptButton, "clicked(bool)", self.adopt)
        wires.connect(ui.rollBackButton, "clicked(bool)", self.rollBack)

    def cleanup(self) -> None:
        """Let go of the table."""
        self.flips.cleanup()

    def forget(self) -> None:
        """Another source is shown: what a bundle would change there is not known."""
        self._compared = None
        self._showResult("", isThere=False)

    def tryBundle(self, folder: str) -> None:
        """A new bundle is there."""
        self._ui.newBundleEdit.currentPath = folder
        self.updateButtons()

    def compare(self, _checked: bool = False) -> None:
        """The button What would change."""
        if self._reasonNoComparison():
            return
        new = self._newBundle
        asked, visit = self._asked(), self._store.visit
        self._compared = None
        self._showResult("", isThere=False)
        self._jobs.run(
            _("Comparing"),
            "compare",
            lambda event: self._onCompared(event, asked, visit),
            journal=self._store.path,
            source=self._store.source.location,
            old=self._learning.base,
            new=new,
            # Beside the bundle, for nothing may be added to what its checksums are of.
            html=str(Path(new).parent / f"{Path(new).name}-changes.html"),
        )

    def adopt(self, _checked: bool = False) -> None:
        """The button Adopt."""
        if self._reasonNoAdoption():
            self.updateButtons()
            return
        question = _(
            "With this bundle {n} labels that people gave would become wrong. Use it all the same?"
        ).format(n=self._breaks)
        if not self._breaks or slicer.util.confirmOkCancelDisplay(question, _("Adopt a bundle")):
            self._jobs.run(_("Adopting"), "adopt", self._onAdopted, bundle=self._newBundle)

    def rollBack(self, _checked: bool = False) -> None:
        """The button Roll back."""
        if not self._jobs.isRunning:
            name = self._learning.bundleName
            self._jobs.run(_("Rolling back"), "rollback", self._onRolledBack, name=name)

    def openReport(self, _checked: bool = False) -> None:
        """The button Open report."""
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self._report))

    def updateButtons(self) -> None:
        """Enable what can be done, and say of the rest why not."""
        ui = self._ui
        name = self._learning.bundleName
        ui.rollBackButton.text = _("Roll back {name}").format(name=name)
        for button, reason, otherwise in (
            (
                ui.compareButton,
                self._reasonNoComparison(),
                _("Label everything with both bundles and list what differs. Nothing is changed."),
            ),
            (ui.reportButton, "" if self._report else _("Compare first."), _("Open the list of changes.")),
            (ui.adoptButton, self._reasonNoAdoption(), _("Use the new bundle from the next batch on.")),
            (
                ui.rollBackButton,
                self._jobs.reasonBusy(),
                _("Use the bundle {name} again that was used before the last one was adopted.").format(
                    name=name
                ),
            ),
        ):
            button.enabled = not reason
            button.toolTip = reason or otherwise

    @property
    def _newBundle(self) -> str:
        return self._ui.newBundleEdit.currentPath

    def _asked(self) -> tuple[_Stamp, str]:
        """What a comparison is about now: the bundle as it is, and the bundle in use."""
        return _stamp(self._newBundle), self._learning.base

    def _reasonNoComparison(self) -> str:
        if self._jobs.isRunning:
            return self._jobs.reasonBusy()
        if not self._newBundle or not Path(self._newBundle).is_dir():
            return _("Train a bundle first, or choose the folder of one.")
        if not self._store.source.location:
            return _("Open a DICOM database first (module DICOM).")
        if not self._store.source.hasLabels:
            return _("Classify something first: there is nothing to compare.")
        return ""

    def _reasonNoAdoption(self) -> str:
        if self._jobs.isRunning:
            return self._jobs.reasonBusy()
        if self._compared is None or self._compared != self._asked():
            return _("See first what this bundle would change.")
        return ""

    def _onCompared(self, event: Mapping[str, Any], asked: tuple[_Stamp, str], visit: int) -> None:
        if visit != self._store.visit:
            self._jobs.say(_("This comparison was about what was shown before: compare again."))
            return
        self._compared = asked
        self._breaks = int(event["counts"]["breaks"])
        self._report = event["html"] or ""
        self.flips.show(event["flips"])
        self._showResult(verdict(event), isThere=True)
        self._jobs.say(_("{n} images were compared.").format(n=event["parts"]))

    def _onAdopted(self, event: Mapping[str, Any]) -> None:
        self._sayInUse(_("{name} {version} is used from the next batch on."), event)

    def _onRolledBack(self, event: Mapping[str, Any]) -> None:
        self._sayInUse(_("{name} {version} is used again, from the next batch on."), event)

    def _sayInUse(self, text: str, event: Mapping[str, Any]) -> None:
        self._compared = None
        if self._learning.isOverridden:
            text += " " + _("But Advanced names another bundle: empty that field first.")
        self._jobs.say(text.format(name=event["name"], version=event["version"]))

    def _showResult(self, text: str, *, isThere: bool) -> None:
        self._report = self._report if isThere else ""
        self._ui.verdictLabel.text = text
        self._ui.verdictLabel.visible = self._ui.flipsTree.visible = isThere


def verdict(event: Mapping[str, Any]) -> str:
    """Whether the new bundle is better, in words."""
    counts = event["counts"]
    breaks, fixes, changes = counts["breaks"], counts["fixes"], sum(counts.values())
    if not changes:
        return _("Nothing would change.")
    if not event["labelled"]:
        text = _("Nobody labeled any of these images, so nothing says which bundle is better.")
    elif breaks:
        text = _("Of {labeled} labels that people gave, {breaks} would become wrong and {fixes} right.")
    elif fixes:
        text = _("Better: of {labeled} labels that people gave, {fixes} would become right and none wrong.")
    else:
        text = _("Of {labeled} labels that people gave, none would become right or wrong.")
    text += " " + _("{changes} of {parts} images would get another label.")
    return text.format(
        labeled=event["labelled"], breaks=breaks, fixes=fixes, changes=changes, parts=event["parts"]
    )


def _stamp(folder: str) -> _Stamp:
    try:
        found = (Path(folder) / "bundle.json").stat()
    except OSError:
        return folder, 0, 0
    return folder, found.st_mtime_ns, found.st_size
