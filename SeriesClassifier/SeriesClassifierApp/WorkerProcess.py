"""A process that classifies, publishes and exports, so that Slicer never waits: JSON lines both ways."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from SeriesClassifierApp.Slowly import singleShot

WORKER_SCRIPT = Path(__file__).resolve().parents[1] / "Scripts" / "worker.py"
_KILL_AFTER_MS = 3000
# An event is read within one turn of the event loop; more wait for the next, so that the window stays alive.
_EVENTS_A_TURN = 4
_LAST_EVENTS = ("done", "failed", "cancelled")

Listener = Callable[[Mapping[str, Any]], None]


@dataclass
class _Job:
    listener: Listener
    cancelled: bool = False


def pythonProgram() -> str:
    """The Python of Slicer as a program of its own. Raises FileNotFoundError where there is none."""
    found = shutil.which("PythonSlicer")
    if found:
        return found
    if "python" in os.path.basename(sys.executable).lower():
        return sys.executable
    raise FileNotFoundError(_("PythonSlicer was not found. Start Slicer by its launcher, then try again."))


class WorkerProcess:
    """One process, started with its first job. ``request`` is heard of by its listener until its last event.

    A process that dies gives every job under way a ``crashed`` event; the next request starts a new one.
    """

    def __init__(self, parent: Any = None) -> None:
        self._parent = parent
        self._process: Any = None
        self._leaving: list[Any] = []
        self._jobs: dict[int, _Job] = {}
        self._number = 0
        self._rest = b""
        self._lines: list[bytes] = []
        # Jobs that cannot begin, with the reason: told in the event loop, as all other ends are.
        self._unstarted: list[tuple[int, str]] = []
        self._teller = singleShot(0, self._tellUnstarted)
        self._pump = singleShot(0, self._handleSome)
        self._killer = singleShot(_KILL_AFTER_MS, self._kill)

    @property
    def isBusy(self) -> bool:
        """Whether a job is under way."""
        return bool(self._jobs)

    def request(self, do: str, listener: Listener, **fields: Any) -> int:
        """Start a job; its number. ``listener`` is called with every event, in the event loop."""
        self._number += 1
        number = self._number
        self._jobs[number] = _Job(listener)
        try:
            self._start()
            self._write({"id": number, "do": do, **fields})
        except OSError as error:
            self._failToStart(str(error))
        return number

    def cancel(self, number: int, *, insist: bool = True) -> None:
        """Ask a job to stop. With ``insist`` its process is ended if it does not within three seconds."""
        if number in self._jobs:
            self._jobs[number].cancelled = True
            self._write({"id": number, "do": "cancel"})
            if insist:
                self._killer.start()

    def rest(self) -> None:
        """Let a process without a job end, so that its memory is free; the next request starts a new one."""
        if self._process is None or self._jobs:
            return
        process = self._takeProcess()
        self._leaving.append(process)

        def left(_code: int, _status: Any) -> None:
            self._leaving.remove(process)
            process.deleteLater()

        process.connect("finished(int,QProcess::ExitStatus)", left)

    def stop(self) -> None:
        """End the process at once, without a word to anyone."""
        self._jobs.clear()
        self._unstarted = []
        self._teller.stop()
        self._pump.stop()
        self._killer.stop()
        if self._process is not None:
            process = self._takeProcess()
            process.kill()
            process.waitForFinished(500)
            process.deleteLater()
        for process in list(self._leaving):
            process.kill()
            process.waitForFinished(500)  # its end takes it out of the list

    def _takeProcess(self) -> Any:
        """The process, which nobody listens to any more and which may end."""
        process, self._process = self._process, None
        process.disconnect("readyReadStandardOutput()", self._onOutput)
        process.disconnect("readyReadStandardError()", self._onError)
        process.disconnect("finished(int,QProcess::ExitStatus)", self._onFinished)
        process.disconnect("errorOccurred(QProcess::ProcessError)", self._onProcessError)
        process.closeWriteChannel()  # behind a launcher, this is what ends the interpreter itself
        return process

    def _start(self) -> None:
        if self._process is not None:
            return
        program = pythonProgram()
        process = qt.QProcess(self._parent) if self._parent is not None else qt.QProcess()
        process.connect("readyReadStandardOutput()", self._onOutput)
        process.connect("readyReadStandardError()", self._onError)
        process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._onProcessError)
        self._process = process
        self._rest, self._lines = b"", []
        process.start(program, [str(WORKER_SCRIPT), "worker"])

    def _write(self, message: Mapping[str, Any]) -> None:
        if self._process is not None:
            self._process.write(qt.QByteArray((json.dumps(message) + "\n").encode("ascii")))

    def _onOutput(self) -> None:
        data = self._process.readAllStandardOutput().data()
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        self._lines += lines
        if self._lines and not self._pump.isActive():
            self._pump.start()

    def _handleSome(self) -> None:
        some, self._lines = self._lines[:_EVENTS_A_TURN], self._lines[_EVENTS_A_TURN:]
        if self._lines:
            self._pump.start()
        for line in some:
            try:
                event = json.loads(line)
            except ValueError:
                logging.warning("The worker of Series Classifier said something that is no event")
                continue
            self._handle(event)

    def _handle(self, event: Mapping[str, Any]) -> None:
        number = event.get("id")
        job = self._jobs.get(number)
        if job is None:
            return
        if event["event"] in _LAST_EVENTS:
            self._end(number, event)
        elif not job.cancelled:
            job.listener(event)

    def _end(self, number: int, event: Mapping[str, Any]) -> None:
        job = self._jobs.pop(number)
        if not any(other.cancelled for other in self._jobs.values()):
            self._killer.stop()
        job.listener(event)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _onError(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace").strip()
        if text:
            logging.debug("Series Classifier worker: %s", text)

    def _onProcessError(self, error: Any) -> None:
        # A process that never started is never said to be finished.
        if error != qt.QProcess.FailedToStart or self._process is None:
            return
        process, self._process = self._process, None
        process.deleteLater()
        reason = process.errorString()
        self._failToStart(
            _(
                "PythonSlicer could not be started ({reason}). Start Slicer by its launcher, or install it "
                "again."
            ).format(reason=reason)
        )

    def _failToStart(self, reason: str) -> None:
        """Every job under way ends with ``reason``, in the event loop: whoever asks is not through with
        asking yet.
        """
        self._killer.stop()
        self._unstarted += [(number, reason) for number in self._jobs]
        self._teller.start()

    def _tellUnstarted(self) -> None:
        unstarted, self._unstarted = self._unstarted, []
        for number, reason in unstarted:
            if number in self._jobs:
                self._end(number, {"event": "failed", "code": 3, "message": reason})

    def _onFinished(self, code: int, _status: Any) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._onOutputOf(process)
        while self._lines:
            self._handleSome()
        process.deleteLater()
        self._killer.stop()
        for number in list(self._jobs):
            if number in self._jobs:
                event = "cancelled" if self._jobs[number].cancelled else "crashed"
                self._end(number, {"event": event, "code": code, "message": ""})

    def _onOutputOf(self, process: Any) -> None:
        data = bytes(process.readAllStandardOutput().data())
        *lines, _ = (self._rest + data).split(b"\n")
        self._lines += lines
        self._rest = b""
