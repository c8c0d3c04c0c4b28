"""The worker without a window: one command or job, waited for. For scripts, batch mode and other modules."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from SeriesClassifierApp.WorkerProcess import WORKER_SCRIPT, pythonProgram


def runCommand(arguments: Sequence[str]) -> int:
    """Run the command line of the library with its output in ours; its exit code."""
    return subprocess.run([pythonProgram(), str(WORKER_SCRIPT), *arguments], check=False).returncode


def runJob(do: str, **fields: Any) -> Mapping[str, Any]:
    """One job of the worker; its last event. Raises RuntimeError with the reason when it fails."""
    request = json.dumps({"id": 1, "do": do, **fields}) + "\n"
    process = subprocess.Popen(
        [pythonProgram(), str(WORKER_SCRIPT), "worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    last: Mapping[str, Any] = {"event": "crashed", "message": "the worker ended without an answer"}
    with process:
        process.stdin.write(request)
        process.stdin.flush()
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] in ("done", "failed", "cancelled"):
                last = event
                break
        process.stdin.close()
    if last["event"] != "done":
        raise RuntimeError(str(last.get("message") or last["event"]))
    return last
