"""The labels that a new bundle would change, by what the change means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from SeriesClassifierApp.Slowly import Slowly

_DESCRIPTION, _OLD, _NEW, _HUMAN = range(4)
# In the order of their weight.
_KINDS = ("breaks", "fixes", "still wrong", "new unknown", "new answer", "other")


class FlipsTable:
    """One branch a kind of change, the worst first."""

    def __init__(self, tree: Any, onSeries: Callable[[str, int | None], None]) -> None:
        """``onSeries`` gets the keys of series and part of the row that was chosen."""
        self._tree = tree
        self._onSeries = onSeries
        self._flips: Sequence[Mapping[str, Any]] = ()
        self._slowly = Slowly()
        tree.columnCount = 4
        tree.setHeaderLabels([_("Series"), _("Now"), _("Then"), _("A person says")])
        tree.uniformRowHeights = True
        tree.setColumnWidth(_DESCRIPTION, 240)
        tree.connect("itemSelectionChanged()", self._onSelectionChanged)

    def cleanup(self) -> None:
        """Let go of the tree."""
        self._slowly.clear()
        self._tree.disconnect("itemSelectionChanged()", self._onSelectionChanged)

    @property
    def isFilling(self) -> bool:
        """Whether rows are still to come."""
        return self._slowly.isBusy

    def show(self, flips: Sequence[Mapping[str, Any]]) -> None:
        """Show ``flips`` of the job ``compare``, a few at a time."""
        self._slowly.clear()
        self._tree.clear()
        self._flips = flips
        self._slowly.add(self._filling(flips))

    def _filling(self, flips: Sequence[Mapping[str, Any]]) -> Iterator[None]:
        titles = {
            "breaks": _("Becomes wrong"),
            "fixes": _("Becomes right"),
            "still wrong": _("Stays wrong"),
            "new unknown": _("Becomes unknown"),
            "new answer": _("Gets an answer"),
            "other": _("Other changes"),
        }
        places: dict[str, list[int]] = {kind: [] for kind in _KINDS}
        for place, flip in enumerate(flips):
            places.get(flip["change"], places["other"]).append(place)
        for kind, of in places.items():
            if not of:
                continue
            branch = qt.QTreeWidgetItem()
            branch.setText(_DESCRIPTION, f"{titles[kind]} ({len(of)})")
            self._tree.addTopLevelItem(branch)
            branch.setFirstColumnSpanned(True)
            branch.setExpanded(kind in ("breaks", "fixes"))
            for place in of:
                branch.addChild(_row(flips[place], place))
                yield

    def _onSelectionChanged(self) -> None:
        item = self._tree.currentItem()
        place = item.data(_DESCRIPTION, qt.Qt.UserRole) if item is not None else None
        if place is not None:
            self._onSeries(self._flips[int(place)]["key"], self._flips[int(place)]["part_key"])


def _row(flip: Mapping[str, Any], place: int) -> Any:
    item = qt.QTreeWidgetItem()
    item.setText(_DESCRIPTION, flip["description"])
    item.setToolTip(_DESCRIPTION, flip["series_uid"])
    item.setText(_OLD, flip["old"])
    item.setText(_NEW, flip["new"])
    item.setText(_HUMAN, flip["human"])
    item.setData(_DESCRIPTION, qt.Qt.UserRole, place)
    return item
