"""The chosen series: its pictures, why it has its label, and the classes that it may have instead."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

# Keys in the order of the list: 1 to 9, then 0.
KEYS = "1234567890"
# Who gives probabilities, as the worker names them.
_WITNESSES = ("header", "image", "joint")


class DetailsView:
    """Fills the section Details. ``onClass`` is called with the class that was picked in its list."""

    def __init__(self, ui: Any, onClass: Callable[[str], None]) -> None:
        self._ui = ui
        self._onClass = onClass
        self._pictures = [ui.picture0, ui.picture1, ui.picture2, ui.picture3, ui.picture4]
        self._classes: list[str] = []
        self._pixmaps: list[Any] = []
        ui.classList.connect("itemActivated(QListWidgetItem*)", self._onActivated)
        self.clear()

    def cleanup(self) -> None:
        """Let go of the widgets."""
        self._ui.classList.disconnect("itemActivated(QListWidgetItem*)", self._onActivated)

    @property
    def classes(self) -> list[str]:
        """The classes in the order of their keys."""
        return self._classes

    @property
    def pixmaps(self) -> list[Any]:
        """The pictures that are shown."""
        return self._pixmaps

    def clear(self, text: str = "") -> None:
        """Show no series."""
        self._classes, self._pixmaps = [], []
        self._ui.detailsTitle.text = text or _("Choose a series in the table.")
        self._ui.detailsText.setHtml("")
        self._ui.classList.clear()
        for label in self._pictures:
            label.clear()
            label.toolTip = ""

    def announce(self, row: Mapping[str, Any], reasons: Sequence[str]) -> None:
        """What the table and the review queue know, until the worker has told the rest."""
        self.clear(_title(row))
        self._ui.detailsText.setHtml(f"{reasonsHtml(reasons)}<p>{_('Reading ...')}</p>")

    def show(
        self,
        row: Mapping[str, Any],
        details: Mapping[str, Any],
        vocabulary: list[str],
        reasons: Sequence[str],
    ) -> None:
        """One part, as the worker's job ``details`` tells it, and why it waits for review."""
        self._ui.detailsTitle.text = _title(row)
        self._ui.detailsText.setHtml(detailsHtml(details, reasons))
        self._showPictures(details.get("pictures", []))
        likely = [alternative["name"] for alternative in details["alternatives"]]
        self._classes = [*likely, *(name for name in vocabulary if name not in likely)]
        self._ui.classList.clear()
        percent = {a["name"]: _bestOf(a) for a in details["alternatives"]}
        for place, name in enumerate(self._classes):
            key = KEYS[place] if place < len(KEYS) else " "
            said = f"   {percent[name]:.0%}" if name in percent else ""
            self._ui.classList.addItem(f"{key}   {name}{said}")

    def _showPictures(self, pictures: list[Mapping[str, str]]) -> None:
        self._pixmaps = []
        for place, label in enumerate(self._pictures):
            label.clear()
            picture = pictures[place] if place < len(pictures) else {}
            label.toolTip = picture.get("reason", "")
            if picture.get("png"):
                pixmap = qt.QPixmap()
                pixmap.loadFromData(qt.QByteArray(base64.b64decode(picture["png"])))
                small = pixmap.scaled(label.size, qt.Qt.KeepAspectRatio, qt.Qt.SmoothTransformation)
                label.setPixmap(small)
                self._pixmaps.append(small)
            elif picture.get("reason"):
                label.setText(_("no picture"))

    def _onActivated(self, _item: Any) -> None:
        place = self._ui.classList.currentRow
        if 0 <= place < len(self._classes):
            self._onClass(self._classes[place])


def reasonsHtml(reasons: Sequence[str]) -> str:
    """Why somebody should look, as rich text."""
    if not reasons:
        return ""
    return f"<p><b>{_('Why review:')}</b> {'; '.join(map(html.escape, reasons))}</p>"


def detailsHtml(details: Mapping[str, Any], reasons: Sequence[str] = ()) -> str:
    """Reasons, facts, evidence and alternatives as the rich text of a Qt label; every value is escaped."""
    decided = [details["reason"]] if details["reason"] else []
    why = list(dict.fromkeys((*decided, *reasons)))
    parts = [reasonsHtml(why)]
    against = [e["text"] for e in details["evidence"] if e["against"] and not e["is_reason"]]
    further = list(dict.fromkeys((*why, *against)))[len(why) :]
    if further:
        parts.append(f"<p><b>{_('Look at this:')}</b> {'; '.join(map(html.escape, further))}</p>")
    rows = "".join(
        f"<tr><td style='white-space: nowrap'>{html.escape(a['name'])}&nbsp;&nbsp;</td>"
        + "".join(
            f"<td align='right'>&nbsp;{_percent(a[witness])}&nbsp;</td>" for witness in _WITNESSES
        )
        + "</tr>"
        for a in details["alternatives"][:5]
    )
    if rows:
        titles = (_("Class"), _("Header"), _("Image"), _("Both"))
        head = "".join(f"<th>&nbsp;{title}&nbsp;</th>" for title in titles)
        parts.append(f"<table><tr>{head}</tr>{rows}</table>")
    said = "".join(
        f"<li><b>{html.escape(e['title'])}:</b> {html.escape(e['text'])}</li>"
        for e in details["evidence"]
        if not e["against"]
    )
    facts = (
        f"<li><b>{_('Facts')}:</b> {html.escape('; '.join(details['facts']))}</li>"
        if details["facts"]
        else ""
    )
    parts.append(f"<ul>{facts}{said}</ul>")
    parts.append(f"<p>{_('Bundle')}: {html.escape(details['bundle'])}</p>")
    return "".join(parts)


def _title(row: Mapping[str, Any]) -> str:
    number = "" if row["series_number"] is None else f"{row['series_number']}  "
    return f"{number}{row['description']}: {row['label']}"


def _bestOf(alternative: Mapping[str, Any]) -> float:
    joint = alternative["joint"]
    if joint is not None:
        return float(joint)
    return max(float(p) for p in (alternative["header"], alternative["image"], 0.0) if p is not None)


def _percent(probability: float | None) -> str:
    if probability is None:
        return "&ndash;"
    return "&gt; 99 %" if probability > 0.995 else f"{100 * probability:.0f} %"
