"""The table of series: one branch a study, one row a series, one below it a part where there are several.

It is a QTreeWidget, so that drawing and sorting are Qt's; rows are filled and filtered a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import qt
from slicer.i18n import tr as _

from SeriesClassifierApp.LabelStore import Chosen
from SeriesClassifierApp.Slowly import Slowly

NUMBER, DESCRIPTION, LABEL, CONFIDENCE, STATUS, DECIDED_BY = range(6)
DOUBTFUL = ("review", "unknown", "failed")
_MARKS = {"review": " ?", "corrected": " *"}

Row = dict[str, Any]


class Selection:
    """What was selected at one moment, read step by step: there may be thousands. ``found`` holds it then."""

    def __init__(self, steps: Callable[[dict[Chosen, None]], Iterator[None]]) -> None:
        self.found: dict[Chosen, None] = {}
        self.steps = steps(self.found)

    def finish(self) -> None:
        """Read the rest at once: the rows are about to go."""
        for _step in self.steps:
            pass


class ReviewTable:
    """Shows rows as the worker sends them. ``onSelected`` is called when another row is the current one."""

    def __init__(self, tree: Any, titleOf: Callable[[str], str], onSelected: Callable[[], None]) -> None:
        """``titleOf`` names a study by its UID."""
        self._tree = tree
        self._titleOf = titleOf
        self._onSelected = onSelected
        self._slowly = Slowly()
        self._rows: dict[str, Row] = {}
        self._items: dict[str, Any] = {}
        self._studies: dict[str, Any] = {}
        self._selections: list[Selection] = []
        self._filter = ""
        self._onlyDoubtful = False
        tree.columnCount = 6
        tree.setHeaderLabels(
            [_("Number"), _("Description"), _("Class"), _("Confidence"), _("Status"), _("Decided by")]
        )
        tree.uniformRowHeights = True
        tree.rootIsDecorated = True
        tree.sortingEnabled = True
        tree.sortByColumn(NUMBER, qt.Qt.AscendingOrder)
        tree.selectionMode = qt.QAbstractItemView.ExtendedSelection
        tree.editTriggers = qt.QAbstractItemView.NoEditTriggers
        tree.header().setSectionResizeMode(qt.QHeaderView.Interactive)
        for column, width in (
            (NUMBER, 110),
            (DESCRIPTION, 190),
            (LABEL, 150),
            (CONFIDENCE, 80),
            (STATUS, 80),
        ):
            tree.setColumnWidth(column, width)
        tree.connect("itemSelectionChanged()", self._onSelectionChanged)

    def cleanup(self) -> None:
        """Let go of the tree."""
        self._slowly.clear()
        self._tree.disconnect("itemSelectionChanged()", self._onSelectionChanged)

    @property
    def slowly(self) -> Slowly:
        """What is still to be filled in."""
        return self._slowly

    @property
    def rows(self) -> dict[str, Row]:
        """All rows by series."""
        return self._rows

    def clear(self) -> None:
        """Show nothing. What a person has begun with the rows goes on without them."""
        for selection in list(self._selections):
            selection.finish()
        self._slowly.clear()
        self._rows, self._items, self._studies = {}, {}, {}
        self._tree.clear()
        self._tree.sortingEnabled = True

    def put(self, rows: Iterable[Row], then: Callable[[], None] | None = None) -> None:
        """Add rows, or show a series as it stands now. Those that can be seen come first by and by."""
        self._slowly.add(self._putSome(list(rows)), then)

    def filter(self, text: str, onlyDoubtful: bool) -> None:
        """Show the rows that hold all words of ``text``, or of these only what somebody must look at."""
        self._filter, self._onlyDoubtful = text.lower(), onlyDoubtful
        self._slowly.add(self._filterAll(self._filter, onlyDoubtful))

    def counts(self) -> dict[str, int]:
        """Series by status."""
        out: dict[str, int] = {}
        for row in self._rows.values():
            out[row["status"]] = out.get(row["status"], 0) + 1
        return out

    @property
    def hasSelection(self) -> bool:
        """Whether a row is selected."""
        return self._tree.selectionModel().hasSelection

    def selection(self) -> Selection:
        """The series and parts that are selected now; a study stands for its visible series."""
        items = self._tree.selectedItems()

        def read(found: dict[Chosen, None]) -> Iterator[None]:
            for item in items:
                kind, key, part = _identity(item)
                if kind == "study":
                    for index in range(item.childCount()):
                        child = item.child(index)
                        if not child.isHidden():
                            found[_identity(child)[1], None] = None
                        yield
                elif key in self._rows and self._rows[key]["series_uid"]:
                    found[key, part] = None
                yield
            self._selections.remove(selection)

        selection = Selection(read)
        self._selections.append(selection)
        return selection

    def current(self) -> Chosen | None:
        """The row that has the cursor, if it is a series or a part."""
        item = self._tree.currentItem()
        kind, key, part = _identity(item) if item is not None else ("", "", None)
        return (key, part) if kind in ("series", "part") and key else None

    def isVisible(self, key: str) -> bool:
        """Whether a series is in the table and passes the filter."""
        item = self._items.get(key)
        return item is not None and not item.isHidden()

    def select(self, key: str, part: str | None = None) -> bool:
        """Put the cursor on a series, or on a part of it where it has several; False when it is not there."""
        item = self._items.get(key)
        if item is None:
            return False
        for index in range(item.childCount()) if part is not None else ():
            if _identity(item.child(index))[2] == part:
                item = item.child(index)
                break
        item.parent().setExpanded(True)
        self._tree.setCurrentItem(item)
        self._tree.scrollToItem(item)
        return True

    def selectSeries(self, seriesUID: str) -> bool:
        """``select`` by the UID that the DICOM browser knows; the first of several studies that share it."""
        found = (key for key, row in self._rows.items() if row["series_uid"] == seriesUID)
        return self.select(next(found, ""))

    def findDoubtful(self, then: Callable[[str], None]) -> None:
        """Look for the next visible series below the cursor that somebody must look at, from the top again at
        the end; ``then`` gets its key, or an empty text.
        """
        self._slowly.add(self._search(then))

    def visible(self) -> Iterator[str]:
        """Visible series as they are sorted on the screen, from the one below the cursor all around to it."""
        studies = [self._tree.topLevelItem(i) for i in range(self._tree.topLevelItemCount)]
        item = self._tree.currentItem()
        while item is not None and _identity(item)[0] == "part":
            item = item.parent()
        study = item.parent() if item is not None else None
        if study is None:  # the cursor is on a study, or nowhere
            first = 0 if item is None else self._tree.indexOfTopLevelItem(item)
            place = 0
        else:
            first = self._tree.indexOfTopLevelItem(study)
            place = study.indexOfChild(item) + 1
        for turn in range(len(studies) + 1):
            one = studies[(first + turn) % len(studies)]
            begin = place if turn == 0 else 0
            end = place if turn == len(studies) else one.childCount()
            for index in range(begin, end):
                child = one.child(index)
                key = _identity(child)[1]
                if not child.isHidden() and key in self._rows:
                    yield key

    def _search(self, then: Callable[[str], None]) -> Iterator[None]:
        if any(row["status"] in DOUBTFUL for row in self._rows.values()):
            for key in self.visible():
                if self._rows[key]["status"] in DOUBTFUL:
                    then(key)
                    return
                yield
        then("")

    def _putSome(self, rows: list[Row]) -> Iterator[None]:
        # Sorting once at the end: kept sorted, every new row would cost the more the more there are.
        self._tree.sortingEnabled = False
        for row in rows:
            self._putOne(row)
            yield
        self._tree.sortingEnabled = True

    def _putOne(self, row: Row) -> None:
        key = row["key"]
        old = self._rows.get(key)
        if old is not None and "pictures" not in row and "pictures" in old:
            row = {**row, "pictures": old["pictures"]}
        self._rows[key] = row
        item = self._items.get(key)
        if item is None:
            item = qt.QTreeWidgetItem()
            item.setData(NUMBER, qt.Qt.UserRole, f"series|{key}")
            self._study(row["study_uid"]).addChild(item)
            self._items[key] = item
        _fill(item, row["series_number"], row["description"], row)
        item.setToolTip(DESCRIPTION, row["series_uid"] or row["parts"][0]["error"])
        _fillParts(item, row)
        hidden = not self._passes(row, self._filter, self._onlyDoubtful)
        if hidden != item.isHidden():
            item.setHidden(hidden)

    def _study(self, uid: str) -> Any:
        item = self._studies.get(uid)
        if item is None:
            item = qt.QTreeWidgetItem()
            self._tree.addTopLevelItem(item)
            number = _("Study {n}").format(n=len(self._studies) + 1) if uid else _("In no study")
            item.setText(NUMBER, self._titleOf(uid) or number)
            item.setData(NUMBER, qt.Qt.UserRole, f"study|{uid}")
            item.setToolTip(NUMBER, uid)
            item.setFirstColumnSpanned(True)
            item.setExpanded(True)
            self._studies[uid] = item
        return item

    def _filterAll(self, text: str, onlyDoubtful: bool) -> Iterator[None]:
        visible: dict[str, bool] = {}
        for key, item in list(self._items.items()):
            if (text, onlyDoubtful) != (self._filter, self._onlyDoubtful):
                return  # the user typed on: a newer run is waiting
            row = self._rows.get(key)
            if row is None:
                continue
            shown = self._passes(row, text, onlyDoubtful)
            visible[row["study_uid"]] = visible.get(row["study_uid"], False) or shown
            if item.isHidden() == shown:
                item.setHidden(not shown)
            yield
        for uid, study in list(self._studies.items()):
            if uid in visible and study.isHidden() == visible[uid]:
                study.setHidden(not visible[uid])
            yield

    def _passes(self, row: Row, text: str, onlyDoubtful: bool) -> bool:
        if onlyDoubtful and row["status"] not in DOUBTFUL:
            return False
        names = ("series_number", "description", "label", "status", "region")
        said = " ".join(str(row[name]) for name in names).lower()
        return all(word in said for word in text.split())

    def _onSelectionChanged(self) -> None:
        self._onSelected()


def _identity(item: Any) -> tuple[str, str, str | None]:
    """("study" | "series" | "part", study UID or key of the series, key of the part) of an item."""
    kind, _bar, rest = str(item.data(NUMBER, qt.Qt.UserRole) or "").partition("|")
    if kind != "part":
        return kind, rest, None
    part, _bar, key = rest.partition("|")
    return kind, key, part


def _fill(item: Any, number: int | None, description: str, row: Row) -> None:
    # A number as such and not as text, so that 10 comes after 9.
    item.setData(NUMBER, qt.Qt.DisplayRole, "" if number is None else int(number))
    item.setText(DESCRIPTION, description)
    item.setText(LABEL, row["label"] + _MARKS.get(row["status"], ""))
    confidence = row["confidence"]
    item.setText(CONFIDENCE, "" if confidence is None else f"{confidence:.2f}")
    item.setText(STATUS, row["status"])
    item.setText(DECIDED_BY, row["decided_by"])


def _fillParts(item: Any, row: Row) -> None:
    parts = row["parts"] if len(row["parts"]) > 1 else []
    while item.childCount() > len(parts):
        item.takeChild(item.childCount() - 1)
    for place, part in enumerate(parts):
        if place == item.childCount():
            item.addChild(qt.QTreeWidgetItem())
        child = item.child(place)
        child.setData(NUMBER, qt.Qt.UserRole, f"part|{part['key']}|{row['key']}")
        _fill(child, part["part"], _("part {part}").format(part=part["name"]), part)
