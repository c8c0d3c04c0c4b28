"""What loaded volumes are told of their class: attributes of the subject hierarchy and, if wanted, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import slicer

from SeriesClassifierApp.Slowly import singleShot

LABEL, STATUS = "SeriesClassifier.Label", "SeriesClassifier.Status"
# Only these may be used without asking.
RELIABLE = ("auto", "corrected")
_DEBOUNCE_MS = 500


def apply(rows: Mapping[str, Mapping[str, Any]]) -> int:
    """Give the loaded series among ``rows`` (by series UID) their class. Returns their number."""
    n = 0
    for node, item, uid in _loaded():
        row = rows.get(uid)
        if row is not None:
            node.SetItemAttribute(item, LABEL, str(row["label"]))
            node.SetItemAttribute(item, STATUS, str(row["status"]))
            n += 1
    return n


def renameVolumes(rows: Mapping[str, Mapping[str, Any]]) -> int:
    """Name loaded volumes by their class, where it can be relied on. Returns their number."""
    n = 0
    for node, item, uid in _loaded():
        row = rows.get(uid)
        if row is not None and row["status"] in RELIABLE:
            node.SetItemName(item, str(row["label"]))
            n += 1
    return n


class SceneWatcher:
    """Tells volumes their class when they are loaded. ``labelsOf`` gives rows of series by their UIDs."""

    def __init__(self, labelsOf: Callable[[list[str]], Mapping[str, Mapping[str, Any]]]) -> None:
        self._labelsOf = labelsOf
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
            apply(self._labelsOf(uids))


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
