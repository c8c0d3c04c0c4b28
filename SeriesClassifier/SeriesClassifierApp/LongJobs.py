"""Jobs that take minutes or hours, one at a time: how far each is, how to stop it, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from slicer.i18n import tr as _

from SeriesClassifierApp.Wires import Wires
from SeriesClassifierApp.WorkerProcess import WorkerProcess

OnDone = Callable[[Mapping[str, Any]], None]


class LongJobs:
    """Shows progress in the section Learn. A job that ends otherwise than ``done`` leaves a message."""

    def __init__(self, ui: Any, wires: Wires, worker: WorkerProcess, onChange: Callable[[], None]) -> None:
        """``onChange`` is called when a job begins and when it has ended."""
        self._ui = ui
        self._worker = worker
        self._onChange = onChange
        self._job = 0
        self._title = ""
        self._started = 0.0
        ui.learnProgressArea.visible = False
        wires.connect(ui.learnStopButton, "clicked(bool)", self.stop)

    @property
    def isRunning(self) -> bool:
        """Whether a job is under way."""
        return bool(self._job)

    def reasonBusy(self) -> str:
        """Why no other job can begin, in words; empty when one can."""
        return _("{what} is under way.").format(what=self._title) if self.isRunning else ""

    def run(self, title: str, do: str, onDone: OnDone, **fields: Any) -> None:
        """Start the job ``do``; ``onDone`` gets its last event when it went well."""
        if self.isRunning:
            return
        self._title, self._started = title, time.monotonic()
        self._ui.learnProgressBar.maximum = 0
        self._ui.learnProgressArea.visible = True
        self._ui.learnStopButton.enabled = True
        self.say(_("{what} ...").format(what=title))

        def listen(event: Mapping[str, Any]) -> None:
            if event["event"] == "progress":
                self._showProgress(event)
            elif event["event"] in ("done", "failed", "cancelled", "crashed"):
                self._job = 0
                self._ui.learnProgressArea.visible = False
                if event["event"] == "done":
                    onDone(event)
                else:
                    self.say(self._ending(event))
                self._worker.rest()  # with what it loaded to train
                self._onChange()

        self._job = -1  # it may end before its number is known
        number = self._worker.request(do, listen, **fields)
        if self._job:
            self._job = number
        self._onChange()

    def stop(self, _checked: bool = False) -> None:
        """The button Stop."""
        if self.isRunning:
            self._ui.learnStopButton.enabled = False
            self.say(_("{what}: stopping ...").format(what=self._title))
            self._worker.cancel(self._job)

    def say(self, text: str) -> None:
        """One line for the user."""
        self._ui.learnStatusLabel.text = text

    def _showProgress(self, event: Mapping[str, Any]) -> None:
        done, total = event["done"], event["total"]
        self._ui.learnProgressBar.maximum = int(total)
        self._ui.learnProgressBar.value = int(min(done, total))
        self.say(progressText(self._title, event, time.monotonic() - self._started))

    def _ending(self, event: Mapping[str, Any]) -> str:
        if event["event"] == "cancelled":
            text = _("{what} was stopped. The bundle in use is as it was.")
        elif event["event"] == "failed":
            text = _("{what} failed: {reason}")
        else:
            text = _(
                "{what}: its process ended without a word, most often because memory ran out. The bundle in "
                "use is as it was. See the application log, then try again."
            )
        return text.format(what=self._title, reason=event.get("message", ""))


def progressText(title: str, event: Mapping[str, Any], gone: float) -> str:
    """An event ``progress`` in words; ``gone`` are the seconds since the job began."""
    done, total = event["done"], event["total"]
    text = _("{title}: {what}, {done} of {total}").format(
        title=title, what=event["what"], done=done, total=total
    )
    left = event.get("seconds_left")
    if left is None and done and total:
        left = gone * (total - done) / done
    if left is not None and left >= 1:
        text += ", " + _("about {time} left").format(time=timeText(left))
    for name, title_ in (("loss", _("loss")), ("score", _("score"))):
        if event.get(name) is not None:
            text += f", {title_} {event[name]:.3f}"
    return text


def timeText(seconds: float) -> str:
    """A duration for the progress line."""
    if seconds < 90:
        return _("{n:.0f} s").format(n=seconds)
    if seconds < 90 * 60:
        return _("{n:.0f} min").format(n=seconds / 60)
    return _("{n:.1f} h").format(n=seconds / 3600)
