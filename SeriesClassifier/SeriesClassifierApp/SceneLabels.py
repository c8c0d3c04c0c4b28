"""The class of loaded volumes: attributes of the subject hierarchy and, if wanted, node names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import slicer

from SeriesClassifierApp.Slowly import singleShot

LABEL, STATUS = "SeriesClassifier.Label", "SeriesClassifier.Status"
Row = Mapping[str, Any]
# Only these may be used without asking.
RELIABLE = ("auto", "corrected")
_DEBOUNCE_MS = 500


def apply(rows: Iterable[Row]) -> int:
    """Give the loaded series among ``rows`` their class. Returns their number."""
    n = 0
    known = _Rows(rows)
    for node, item, uid in _loaded():
        row = known.of(node, item, uid)
        if row is not None:
            node.SetItemAttribute(item, LABEL, str(row["label"]))
            node.SetItemAttribute(item, STATUS, str(row["status"]))
            n += 1
    return n


def renameVolumes(rows: Iterable[Row]) -> int:
    """Name loaded volumes by their class, where it can be relied on. Returns their number."""
    n = 0
    known = _Rows(rows)
    for node, item, uid in _loaded():
        row = known.of(node, item, uid)
        if row is not None and row["status"] in RELIABLE:
            node.SetItemName(item, str(row["label"]))
            n += 1
    return n


class _Rows:
    """Rows by the series that a volume is of. Two studies may use one series UID: no label crosses over."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._ofSeries: dict[str, list[Row]] = {}
        for row in rows:
            self._ofSeries.setdefault(row["series_uid"], []).append(row)

    def of(self, node: Any, item: int, seriesUID: str) -> Row | None:
        """The row of a loaded series; None where there is none, or where it may be of another study."""
        found = self._ofSeries.get(seriesUID, [])
        if len(found) > 1:
            study = node.GetItemUID(node.GetItemParent(item), "DICOM")
            found = [row for row in found if study and row["study_uid"] == study]
        return found[0] if len(found) == 1 else None


class SceneWatcher:
    """Gives volumes their class when they are loaded. ``rowsOf`` gives the rows of series by their UIDs."""

    def __init__(self, rowsOf: Callable[[list[str]], list[Row]]) -> None:
        self._rowsOf = rowsOf
        self._observed: list[tuple[Any, int]] = []
        self._timer = singleShot(_DEBOUNCE_MS, self._onTimeout)

    def install(self) -> None:
        """Watch the subject hierarchy, which lives as long as the scene."""
        node = _hierarchy()
        if node is not None and not self._observed:
            event = node.SubjectHierarchyItemUIDAddedEvent
            self._observed = [(node, node.AddObserver(event, self._onUID))]

    def cleanup(self) -> None:
        """Stop watching."""
        self._timer.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed = []

    def _onUID(self, _caller: Any, _event: str) -> None:
        # Loading a study gives many items, one after the other.
        self._timer.start()

    def _onTimeout(self) -> None:
        uids = list(dict.fromkeys(uid for _node, _item, uid in _loaded()))
        if uids:
            apply(self._rowsOf(uids))


def _hierarchy() -> Any:
    if slicer.mrmlScene is None:
        return None
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def _loaded() -> Iterator[tuple[Any, int, str]]:
    """(subject hierarchy, item, series UID) of all loaded series."""
    import vtk

    node = _hierarchy()
    if node is None:
        return
    items = vtk.vtkIdList()
    node.GetItemChildren(node.GetSceneItemID(), items, True)
    for index in range(items.GetNumberOfIds()):
        item = items.GetId(index)
        uid = node.GetItemUID(item, "DICOM")
        if uid and node.GetItemDataNode(item) is not None:
            yield node, item, uid
