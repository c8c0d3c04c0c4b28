"""The list of series that look like a corrected one: which of them are to be corrected, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from SeriesClassifierApp.LabelStore import Chosen
from SeriesClassifierApp.Slowly import Slowly

_NUMBER, _DESCRIPTION, _LABEL, _GRADE, _REASON = range(5)
_SIZE = (720, 420)


class SiblingsDialog:
    """A window of its own, beside which the panel can be used. It closes itself after OK."""

    def __init__(
        self,
        parent: Any,
        name: str,
        offer: Mapping[str, Any],
        pictures: Sequence[Any],
        onAccept: Callable[[list[Chosen]], None],
        onClosed: Callable[[], None],
    ) -> None:
        """``offer`` is what the job ``siblings`` said; ``pictures`` are of the series ``name``."""
        self._siblings = offer["siblings"]
        self._onAccept = onAccept
        self._onClosed = onClosed
        self._slowly = Slowly()
        self._nChecked = 0
        self.dialog = qt.QDialog(parent)
        # Where no other window is open, closing this one would end the application.
        self.dialog.setAttribute(qt.Qt.WA_QuitOnClose, False)
        self.dialog.windowTitle = _("Series like {name}").format(name=name)
        layout = qt.QVBoxLayout(self.dialog)
        facets = ", ".join(f"{facet} {value}" for facet, value in offer["facets"].items())
        layout.addWidget(_textLabel(_("{name} was corrected to: {facets}.").format(name=name, facets=facets)))
        if pictures:
            row = qt.QHBoxLayout()
            layout.addLayout(row)  # first, so that the dialog owns what is added
            for pixmap in pictures:
                label = qt.QLabel()
                label.setPixmap(pixmap)
                row.addWidget(label)
            row.addStretch(1)
        self.tree = qt.QTreeWidget()
        self.tree.columnCount = 5
        self.tree.setHeaderLabels([_("Number"), _("Description"), _("Class now"), _("Likeness"), _("Why")])
        self.tree.rootIsDecorated = False
        self.tree.uniformRowHeights = True
        self.tree.toolTip = _("Only what is checked is corrected. Space checks the chosen row.")
        for column, width in ((_NUMBER, 80), (_DESCRIPTION, 200), (_LABEL, 120), (_GRADE, 80)):
            self.tree.setColumnWidth(column, width)
        layout.addWidget(self.tree)
        layout.addWidget(_textLabel(protectedText(offer)))
        self._buttons = qt.QDialogButtonBox()
        self.okButton = self._buttons.addButton(qt.QDialogButtonBox.Ok)
        self._buttons.addButton(qt.QDialogButtonBox.Cancel)
        layout.addWidget(self._buttons)
        self.tree.connect("itemChanged(QTreeWidgetItem*,int)", self._onItemChanged)
        self._buttons.connect("accepted()", self._accept)
        self._buttons.connect("rejected()", self.close)
        self.dialog.connect("finished(int)", self._onFinished)
        self.dialog.resize(*_SIZE)
        self._showNumber()
        self._slowly.add(self._filling(), self._showNumber)
        self.dialog.show()

    @property
    def isFilling(self) -> bool:
        """Whether rows are still to come."""
        return self._slowly.isBusy

    def close(self) -> None:
        """Close it without correcting anything."""
        self.dialog.reject()

    def _filling(self) -> Iterator[None]:
        for place, sibling in enumerate(self._siblings):
            item = qt.QTreeWidgetItem()
            number = sibling["series_number"]
            isSame = sibling["grade"] == "same"
            self._nChecked += isSame
            item.setText(_NUMBER, "" if number is None else str(number))
            item.setText(_DESCRIPTION, sibling["description"])
            item.setText(_LABEL, sibling["label"])
            item.setText(_GRADE, _("the same") if isSame else _("alike"))
            item.setText(_REASON, sibling["reason"])
            item.setToolTip(_REASON, sibling["reason"])
            item.setData(_NUMBER, qt.Qt.UserRole, place)
            item.setCheckState(_NUMBER, qt.Qt.Checked if isSame else qt.Qt.Unchecked)
            self.tree.blockSignals(True)
            self.tree.addTopLevelItem(item)
            self.tree.blockSignals(False)
            yield

    def _checked(self) -> list[Chosen]:
        items = [self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount)]
        places = [item.data(_NUMBER, qt.Qt.UserRole) for item in items if _isChecked(item)]
        return [(self._siblings[place]["key"], self._siblings[place]["part_key"]) for place in places]

    def _accept(self) -> None:
        chosen = self._checked()
        self.dialog.accept()
        self._onAccept(chosen)

    def _onItemChanged(self, item: Any, column: int) -> None:
        if column == _NUMBER:
            self._nChecked += 1 if _isChecked(item) else -1
            self._showNumber()

    def _showNumber(self) -> None:
        n = self._nChecked
        self.okButton.text = _("Correct {n} series").format(n=n)
        self.okButton.enabled = n > 0 and not self.isFilling
        self.okButton.toolTip = (
            _("Give what is checked the same class. One Undo takes all of it back.")
            if n
            else _("Check a series first.")
        )

    def _onFinished(self, _result: int) -> None:
        self._slowly.clear()
        self.tree.disconnect("itemChanged(QTreeWidgetItem*,int)", self._onItemChanged)
        self.dialog.deleteLater()
        self._onClosed()


def protectedText(offer: Mapping[str, Any]) -> str:
    """What happens to series like this that people labeled, and what the worker notes about them."""
    n = offer["protected"]
    if n:
        said = _("{n} more series like this were labeled by people: they stay as they are.").format(n=n)
    else:
        said = _("No series like this was labeled by a person before.")
    return "\n".join([said, *offer.get("notes", ())])


def _textLabel(text: str) -> Any:
    label = qt.QLabel(text)
    label.textFormat = qt.Qt.PlainText  # descriptions come from files
    label.wordWrap = True
    return label


def _isChecked(item: Any) -> bool:
    return item.checkState(_NUMBER) == qt.Qt.Checked
