"""What the commands print: progress, tables, notes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from SeriesClassifierLib.publish.table import plain_text, row
from SeriesClassifierLib.records import Prediction

_SHOWN = (
    "series_number",
    "part",
    "description",
    "label",
    "region",
    "confidence",
    "status",
    "decided_by",
    "n_instances",
)
_TITLES = ("no", "part", "description", "label", "region", "conf", "status", "decided by", "images")
_EVERY = 200
_EVERY_S = 10.0


def note(text: str, quiet: bool) -> None:
    """A remark on standard error."""
    if not quiet:
        print(f"note: {text}", file=sys.stderr)


class TerminalProgress:
    """A bar on a terminal, a plain line every now and then elsewhere, nothing when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._total = 0
        self._done = 0

    def start(self, what: str, total: int) -> None:
        """Begin with ``total`` series to do."""
        self._total = total
        if self._quiet:
            return
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)

    def study(self, predictions: Sequence[Prediction]) -> None:
        """One study is done."""
        n = len({p.series_uid or p.description for p in predictions})
        before, self._done = self._done, self._done + n
        if self._bar is not None:
            self._bar.advance(self._task, n)
        elif not self._quiet and self._done // _EVERY > before // _EVERY:
            print(f"{self._done} of {self._total} series", file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


class TerminalBar:
    """The advance of a job in steps of any kind: a bar on a terminal, else a line every ten seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._said = time.monotonic()

    def told(self, what: str, done: int, total: int, remark: str = "") -> None:
        """``done`` of ``total`` steps of ``what`` are behind us; ``remark`` says more."""
        if self._quiet:
            return
        if sys.stderr.isatty():
            self._show(what, done, total, remark)
        elif time.monotonic() - self._said >= _EVERY_S:
            self._said = time.monotonic()
            print(f"{what}: {done} of {total} {remark}".rstrip(), file=sys.stderr, flush=True)

    def _show(self, what: str, done: int, total: int, remark: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            texts = TextColumn("{task.description}"), TextColumn("{task.fields[remark]}")
            columns = (texts[0], BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), texts[1])
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total, remark=remark)
        self._bar.update(self._tasks[what], completed=done, total=total, remark=remark)

    def finish(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


class JsonProgress:
    """JSON lines on standard output, one a study."""

    def start(self, what: str, total: int) -> None:
        """Say how much there is to do."""
        self._write({"event": "start", "command": what, "series": total})

    def study(self, predictions: Sequence[Prediction]) -> None:
        """Say what was found in one study. No patient identifier is in it."""
        rows = [{k: v for k, v in row(p).items() if k != "patient_id"} for p in predictions]
        self._write({"event": "study", "rows": rows})

    def finish(self) -> None:
        """Nothing to take away."""

    @staticmethod
    def _write(event: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def print_table(predictions: Iterable[Prediction]) -> None:
    """The columns that people read."""
    rows = [[_cell(name, getattr(p, name)) for name in _SHOWN] for p in predictions]
    colors = {"auto": "", "corrected": "cyan", "failed": "red"}
    print_columns(_TITLES, rows, [colors.get(cells[6], "yellow") for cells in rows])


def print_columns(
    titles: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str] | None = None
) -> None:
    """A table on a terminal, with a style of rich for each row; aligned plain text elsewhere."""
    lines = [[plain_text(cell) for cell in cells] for cells in rows]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table(*map(escape, titles), box=None, header_style="bold")
        for cells, style in zip(lines, styles or [""] * len(lines), strict=True):
            table.add_row(*map(escape, cells), style=style)
        Console().print(table)
        return
    widths = [max(len(cell) for cell in column) for column in zip(titles, *lines, strict=True)]
    for line in (titles, *lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "confidence":
        return f"{value:.2f}"
    text = plain_text(str(getattr(value, "value", value)))
    return text if len(text) <= 40 else text[:39] + "…"
