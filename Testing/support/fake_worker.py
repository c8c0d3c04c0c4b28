"""The worker, with some of its jobs replaced by what a test wrote down: the same process and the same protocol.

The environment variable FAKE_WORKER names a JSON file, read anew for every job: ``{"train": [step, ...]}``. A step is an
event of the job, whose last one is ``done`` or ``failed`` (with ``message``, and ``"reason": "busy"`` where another
program has the file), or one of

    {"wait": true}     go on when the job is cancelled
    {"deaf": true}     do not even look up then
    {"until": PATH}    go on when that file is there
    {"die": true}      end the process at once

Jobs that are not in the file are the worker's own. Every request is added to the file with ".requests" at its end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from SeriesClassifierLib.cli import worker
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.cli.worker import JOBS
from SeriesClassifierLib.cli.worker_jobs import Cancelled
from SeriesClassifierLib.errors import SeriesClassifierError, SourceBusyError

_FILE = Path(os.environ["FAKE_WORKER"])
_PAUSE_S = 0.01


class Jobs(dict[str, Any]):
    """What the worker looks jobs up in."""

    def get(self, name: str, default: Any = None) -> Any:
        """The job of a name: that of the file, or the worker's own."""
        steps = json.loads(_FILE.read_text(encoding="utf-8")).get(name)
        own = JOBS.get(name, default)

        def job(request: Mapping[str, Any], say: Callable[..., None], cancelled: Callable[[], bool]) -> Any:
            with _FILE.with_suffix(".requests").open("a", encoding="utf-8") as file:
                file.write(json.dumps(request) + "\n")
            return own(request, say, cancelled) if steps is None else play(steps, say, cancelled)

        return None if own is None and steps is None else job


def play(
    steps: list[dict[str, Any]], say: Callable[..., None], cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Go through the steps of a job; what its last event says."""
    for step in steps:
        if "wait" in step:
            _until(cancelled)
        elif "deaf" in step:
            _until(lambda: False)
        elif "until" in step:
            _until(Path(step["until"]).exists)
        elif "die" in step:
            os._exit(9)
        elif step["event"] == "failed":
            kind = SourceBusyError if step.get("reason") == "busy" else SeriesClassifierError
            raise kind(step["message"])
        elif step["event"] == "done":
            return {name: value for name, value in step.items() if name != "event"}
        else:
            say(**step)
        if cancelled():
            raise Cancelled
    raise AssertionError("the last step of a job is its last event")


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    worker.JOBS = Jobs()
    sys.exit(main())
