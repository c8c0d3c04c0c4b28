"""Corrections of the selected series by key, list or button, and their undo."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp import SceneLabels
from SeriesClassifierApp.DetailsView import KEYS, DetailsView
from SeriesClassifierApp.LabelStore import Chosen, LabelStore, SourceLabels
from SeriesClassifierApp.ReviewTable import ReviewTable, Selection
from SeriesClassifierApp.Sources import Source
from SeriesClassifierApp.Vocabulary import classesOf
from SeriesClassifierApp.Wires import Wires

# The facets that have a list of their own; those of the sequence are the classes of Details.
_FACETS = ("plane", "phase", "derived", "region")

# Does something to what is chosen, in steps, and fills the second list with what it did it to.
Act = Callable[[list[Chosen], list[Chosen]], Iterator[None]]


class Correcting:
    """Writes corrections to the journal and shows their series anew.

    What is corrected is what was selected, in the source that was shown, when the key was pressed. If another
    source is shown by the time that it is written, nothing of it is shown there.
    """

    def __init__(
        self,
        ui: Any,
        wires: Wires,
        table: ReviewTable,
        details: DetailsView,
        store: LabelStore,
        *,
        say: Callable[[str], None],
        onNamed: Callable[[list[Chosen]], None],
        onCorrected: Callable[[list[Chosen]], None],
        onUndone: Callable[[list[str]], None],
        onChange: Callable[[Collection[str]], None],
        onWritten: Callable[[Source], None],
    ) -> None:
        """``onWritten`` gets the source in which something was corrected or undone. The others are called
        only while that source is shown: ``onNamed`` and then ``onCorrected`` with what was corrected
        (siblings: only ``onCorrected``), ``onUndone`` with the series whose correction was undone, and
        ``onChange`` with the series of either, when the table shows them.
        """
        self._ui = ui
        self._table = table
        self._details = details
        self._store = store
        self._say = say
        self._onNamed = onNamed
        self._onCorrected = onCorrected
        self._onUndone = onUndone
        self._onChange = onChange
        self._onWritten = onWritten
        self._combos = {facet: getattr(ui, f"{facet}Combo") for facet in _FACETS}
        wires.connect(ui.acceptButton, "clicked(bool)", self.accept)
        wires.connect(ui.undoButton, "clicked(bool)", self.undo)
        for facet, combo in self._combos.items():
            wires.connect(combo, "activated(int)", lambda _index, facet=facet: self._onFacet(facet))
        for key in ("U", "Ctrl+Z"):
            wires.key(key, self.undo)
        for place, key in enumerate(KEYS):
            wires.key(key, lambda place=place: self.pressKey(place))

    def relabel(self, sequence: str) -> None:
        """The selected series are ``sequence``."""
        self.correct({"sequence": sequence})

    def correct(self, facets: Mapping[str, str]) -> None:
        """The selected series and parts are what ``facets`` say."""
        note, labels = self._takeNote(), self._store.shown
        self._act(labels, lambda chosen, done: labels.correct(chosen, facets, note, done))

    def accept(self, _checked: bool = False) -> None:
        """What the selected series are said to be is right."""
        note, labels = self._takeNote(), self._store.shown
        self._act(labels, lambda chosen, done: labels.accept(chosen, note, done))

    def correctAlike(self, chosen: Sequence[Chosen], facets: Mapping[str, str], note: str) -> None:
        """``chosen`` are what ``facets`` say, but those that a person labeled in the meantime: one step."""
        self._table.slowly.add(self._correctingAlike(self._store.shown, chosen, facets, note), isKept=True)

    def undo(self, _checked: bool = False) -> None:
        """Take the last correction back."""
        self._table.slowly.add(self._undoing(self._store.shown), isKept=True)

    def pressKey(self, place: int) -> None:
        """A number key: the class at that place in the list of Details."""
        if place < len(self._details.classes):
            self.relabel(self._details.classes[place])

    def updateButtons(self) -> None:
        """Enable what can be done with the rows: often called, so nothing here asks the database."""
        ui = self._ui
        chosen = self._table.hasSelection
        for widget in (ui.acceptButton, ui.classList, *self._combos.values()):
            widget.enabled = chosen
        ui.undoButton.enabled = self._store.canUndo

    def fillFacets(self) -> None:
        """The classes of the other facets; they are known when the packages are there."""
        for facet, combo in self._combos.items():
            if combo.count == 0 and classesOf(facet):
                combo.addItem("")
                combo.addItems(classesOf(facet))

    def _onFacet(self, facet: str) -> None:
        combo = self._combos[facet]
        value = combo.currentText
        combo.currentIndex = 0
        if value:
            self.correct({facet: value})
        self._ui.seriesTree.setFocus()  # the next key is for the table again

    def _act(self, labels: SourceLabels, act: Act) -> None:
        """Do something to the selected series, in slices: there may be thousands."""
        if self._table.hasSelection:
            self._table.slowly.add(self._acting(labels, self._table.selection(), act), isKept=True)

    def _acting(self, labels: SourceLabels, selection: Selection, act: Act) -> Iterator[None]:
        yield from selection.steps
        done: list[Chosen] = []
        isDone = yield from self._guarded(act(list(selection.found), done))
        if isDone and selection.found and not done:
            self._say(_("There is no answer to accept: press the number of a class."))
        if self._isShown(labels):
            self._onNamed(done)
        yield from self._telling(labels, done)

    def _correctingAlike(
        self, labels: SourceLabels, chosen: Sequence[Chosen], facets: Mapping[str, str], note: str
    ) -> Iterator[None]:
        left: list[Chosen] = []
        done: list[Chosen] = []
        for key, part in chosen:
            if not labels.isHuman(key, part):
                left.append((key, part))
            yield
        if left:
            yield from self._guarded(labels.correct(left, facets, note, done))
            if self._isShown(labels):
                self._say(
                    _("{n} more series corrected. Undo (U) takes all of them back.").format(n=len(done))
                )
            yield from self._telling(labels, done)

    def _telling(self, labels: SourceLabels, done: list[Chosen]) -> Iterator[None]:
        if self._isShown(labels):
            self._onCorrected(done)
        yield from self._showing(labels, [key for key, _part in done])

    def _undoing(self, labels: SourceLabels) -> Iterator[None]:
        keys: list[str] = []
        yield from self._guarded(labels.undo(keys))
        if self._isShown(labels):
            self._onUndone(keys)
        yield from self._showing(labels, keys)

    def _isShown(self, labels: SourceLabels) -> bool:
        return labels is self._store.shown

    def _guarded(self, steps: Iterator[None]) -> Generator[None, None, bool]:
        """``steps``, with what goes wrong told to the user; whether nothing did."""
        from SeriesClassifierLib.errors import SeriesClassifierError

        try:
            yield from steps
        except SeriesClassifierError as error:
            self._say(str(error))
            return False
        return True

    def _showing(self, labels: SourceLabels, keys: Iterable[str]) -> Iterator[None]:
        """Show series as they stand now."""
        self._onWritten(labels.source)
        shown = {}
        for key in dict.fromkeys(keys):
            if not self._isShown(labels):
                return
            for row in labels.rows([key]):
                shown[key] = row
            yield
        if shown and self._isShown(labels):
            SceneLabels.apply(shown.values())
            self._table.put(shown.values(), lambda: self._onChange(shown.keys()))

    def _takeNote(self) -> str:
        text, self._ui.noteEdit.text = self._ui.noteEdit.text, ""
        return text.strip()
