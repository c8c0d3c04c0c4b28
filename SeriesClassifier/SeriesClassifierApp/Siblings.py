"""After a correction: the other series that look the same, offered in one line and never in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp.LabelStore import Chosen
from SeriesClassifierApp.Questions import Questions
from SeriesClassifierApp.SiblingsDialog import SiblingsDialog, protectedText
from SeriesClassifierApp.Wires import Wires

# Of the name of a series, so that the line has room for the rest.
_MOST_LETTERS = 24

Apply = Callable[[Sequence[Chosen], Mapping[str, str], str], None]


class Siblings:
    """The line below the table, and the list that it opens. Both hold until an undo or another journal; the
    line also until the next correction.
    """

    def __init__(
        self,
        ui: Any,
        wires: Wires,
        questions: Questions,
        *,
        picturesOf: Callable[[str], list[Any]],
        apply: Apply,
    ) -> None:
        """``picturesOf`` gives the pictures of a series that are at hand; ``apply`` corrects (series, part)
        to facets, with a note, in one step.
        """
        self._ui = ui
        self._questions = questions
        self._picturesOf = picturesOf
        self._apply = apply
        self._job = 0
        self._name = ""
        self._key = ""
        self._offer: Mapping[str, Any] = {}
        self._dialog: SiblingsDialog | None = None
        self._showLine(False)
        wires.connect(ui.siblingsShowButton, "clicked(bool)", self.show)
        wires.connect(ui.siblingsCorrectButton, "clicked(bool)", self.correctAll)
        wires.key("S", self.correctAll)

    @property
    def dialog(self) -> SiblingsDialog | None:
        """The list, while it is open."""
        return self._dialog

    @property
    def nSame(self) -> int:
        """How many series the key S would correct."""
        return len(_ofGrade(self._offer, "same"))

    def forget(self) -> None:
        """Offer nothing, and close the list."""
        self._withdraw()
        if self._dialog is not None:
            self._dialog.close()

    def ask(self, chosen: Chosen, row: Mapping[str, Any]) -> None:
        """Look for series like ``chosen``, which was just corrected; ``row`` is its row in the table."""
        self._withdraw()
        number = "" if row["series_number"] is None else f"{row['series_number']} "
        self._name, self._key = f"{number}{row['description']}", chosen[0]

        def listen(event: Mapping[str, Any]) -> None:
            if job == self._job:
                self._job = 0
                if event["event"] == "done" and event["siblings"]:
                    self._offer = event
                    self._describe()
                    self._showLine(True)

        job = self._job = self._questions.ask(
            "siblings",
            listen,
            study_uid=row["study_uid"],
            series_uid=row["series_uid"],
            part_key=chosen[1],
        )

    def show(self, _checked: bool = False) -> None:
        """The button Show: the list, to choose from."""
        if not self._offer:
            return
        if self._dialog is not None:
            self._dialog.close()
        self._dialog = SiblingsDialog(
            self._ui.siblingsArea,
            self._name,
            self._offer,
            self._picturesOf(self._key),
            self._correcting(),
            self._onClosed,
        )

    def correctAll(self, _checked: bool = False) -> None:
        """The key S: correct those that are the same, without a look; never those that are only alike."""
        same = _ofGrade(self._offer, "same")
        if same:
            self._correcting()([(sibling["key"], sibling["part_key"]) for sibling in same])

    def _correcting(self) -> Callable[[Sequence[Chosen]], None]:
        """Corrects series as the one that is the model of the offer as it stands now."""
        offer, note = self._offer, _("as {name}").format(name=self._name)

        def correct(chosen: Sequence[Chosen]) -> None:
            if offer is self._offer:
                self._withdraw()
            self._apply(chosen, offer["facets"], note)

        return correct

    def _withdraw(self) -> None:
        if self._job:
            self._questions.forget(self._job)
        self._job, self._offer = 0, {}
        self._showLine(False)

    def _onClosed(self) -> None:
        self._dialog = None

    def _showLine(self, isThere: bool) -> None:
        # The area itself stays: what lies below must not jump under the eyes.
        for widget in (self._ui.siblingsLabel, self._ui.siblingsShowButton, self._ui.siblingsCorrectButton):
            widget.visible = isThere

    def _describe(self) -> None:
        same, alike = len(_ofGrade(self._offer, "same")), len(_ofGrade(self._offer, "alike"))
        if same and alike:
            text = _("{n} more series look the same as {name}, {m} are alike")
        elif same:
            text = _("{n} more series look the same as {name}")
        else:
            text = _("{m} more series are like {name}")
        ui = self._ui
        short = self._name if len(self._name) <= _MOST_LETTERS else f"{self._name[:_MOST_LETTERS]}..."
        ui.siblingsLabel.text = text.format(n=same, m=alike, name=short)
        whole = text.format(n=same, m=alike, name=self._name)
        ui.siblingsLabel.toolTip = f"{whole}. {protectedText(self._offer)}"
        ui.siblingsCorrectButton.enabled = bool(same)
        ui.siblingsCorrectButton.toolTip = (
            _("Give the {n} series that look the same the same class. One Undo takes all of it back.").format(
                n=same
            )
            if same
            else _("None is quite the same: look at the list first (Show).")
        )


def _ofGrade(offer: Mapping[str, Any], grade: str) -> list[Mapping[str, Any]]:
    return [sibling for sibling in offer.get("siblings", ()) if sibling["grade"] == grade]
