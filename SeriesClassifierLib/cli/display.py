"""What the commands print: progress, tables, notes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from SeriesClassifierLib.cli.remarks import remarks_of
from SeriesClassifierLib.explain.evidence_text import text
from SeriesClassifierLib.identity import WHOLE, values_of
from SeriesClassifierLib.journal.find import part_name, reference
from SeriesClassifierLib.publish.table import plain_text, row
from SeriesClassifierLib.records import Prediction, Status
from SeriesClassifierLib.spool import Disk

_SHOWN = (
    "description",
    "label",
    "region",
    "confidence",
    "status",
    "decided_by",
    "n_instances",
)
# The first column is what ``correct`` and others take for a series.
_TITLES = ("series", "part", "description", "label", "region", "conf", "status", "decided by", "images")
_STATUS = _TITLES.index("status")
_COLORS = {"auto": "", "corrected": "cyan", "failed": "red"}
_MOST_CHARACTERS = 48
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
        """What was found in one study, and what is wrong with its files. No patient identifier is in it."""
        rows = [{k: v for k, v in row(p).items() if k != "patient_id"} for p in predictions]
        remarks = [
            {
                "study_uid": p.study_uid,
                "series_uid": p.series_uid,
                "reason": e.reason.value,
                "text": plain_text(text(e)),
            }
            for p, e in remarks_of(predictions)
        ]
        self._write({"event": "study", "rows": rows, "warnings": remarks})

    def finish(self) -> None:
        """Nothing to take away."""

    @staticmethod
    def _write(event: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def print_table(predictions: Iterable[Prediction]) -> None:
    """The columns that people read."""
    rows = (
        [reference(p), short(part_name(p)), *(_cell(name, _shown(p, name)) for name in _SHOWN)]
        for p in predictions
    )
    print_columns(_TITLES, rows, lambda cells: _COLORS.get(cells[_STATUS], "yellow"))


def _shown(prediction: Prediction, name: str) -> Any:
    """What stands in a column; in place of a label what an object is that has none."""
    is_object = name == "label" and prediction.status is Status.UNKNOWN and bool(prediction.error)
    return prediction.error if is_object else getattr(prediction, name)


def print_columns(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    style_of: Callable[[Sequence[str]], str] = lambda _cells: "",
) -> None:
    """Aligned columns; on a terminal with a style of rich for each row. Rows wait on disk meanwhile."""
    widths = [len(title) for title in titles]
    with Disk() as disk:
        kept = disk.spool(0)
        for cells in rows:
            texts = [plain_text(cell) for cell in cells]
            widths = [max(width, len(text)) for width, text in zip(widths, texts, strict=True)]
            kept.add((), json.dumps(texts))
        console: Any = None
        if sys.stdout.isatty():
            from rich.console import Console

            console = Console(highlight=False, markup=False, soft_wrap=True)
        _print_line(titles, widths, console, "bold")
        for line in kept:
            texts = json.loads(line)
            _print_line(texts, widths, console, style_of(texts))


def _print_line(cells: Sequence[str], widths: Sequence[int], console: Any, style: str) -> None:
    line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
    if console is None:
        print(line)
    else:
        console.print(line, style=style or None)


def part_place(prediction: Prediction) -> str:
    """Where a part is, as the table shows it: "series 33089402/6, part 2 (b 800)"."""
    series = f"series {reference(prediction)}"
    whole = prediction.part == 1 and values_of(prediction.part_key) in ("", WHOLE)
    return series if whole else f"{series}, part {part_name(prediction)}"


def short(value: str) -> str:
    """A text as one cell of a table."""
    plain = plain_text(value)
    return plain if len(plain) <= _MOST_CHARACTERS else plain[: _MOST_CHARACTERS - 1] + "…"


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "confidence":
        return f"{value:.2f}"
    return short(str(getattr(value, "value", value)))
