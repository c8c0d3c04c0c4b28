"""Whether a batch of thousands of damaged files ends, with a row a series and in bounded memory.

    PYTHONPATH=.:Testing python Testing/benchmarks/mutated_files.py [--count 10000] [--seed 1] [--kill-children] [--keep FOLDER]

Writes small MR files in all transfer syntaxes with changed bytes, and runs one ``classify --mode full`` with report,
table and journal over them, then ``--resume``. With --kill-children a second run loses a child process every few
seconds and must give the same table. Exit status 1 when anything of this does not hold. Linux only (/proc).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.mutated_files import Expected, expected, write_mutated

_MOST_MB = 1500
_SAMPLE_S = 0.2
# A file is tried twice, and none takes longer than a few seconds: so rare kills never hit both tries.
_KILL_EVERY_S = 3.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_DECODER = "decoder_child"


@dataclass
class Watch:
    """What was seen of a process and all below it."""

    peak_mb: float = 0.0
    decoders: set[int] = field(default_factory=set)
    killed: int = 0


@dataclass(frozen=True)
class Run:
    """One command: how it ended, what it reported last, and what was seen of it."""

    status: int
    end: dict[str, Any]
    errors: str
    seconds: float
    watch: Watch


def descendants(root: int) -> set[int]:
    """All processes below ``root``."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text("ascii", errors="replace")
            except OSError:  # it has ended
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found: set[int] = set()
    remaining = [root]
    while remaining:
        below = children.get(remaining.pop(), [])
        found.update(below)
        remaining += below
    return found


def observe(process: subprocess.Popen[str], watch: Watch, rng: random.Random | None) -> None:
    """Sample memory until the process ends; with ``rng`` kill one of its children now and then."""
    next_kill = time.monotonic() + _KILL_EVERY_S
    while process.poll() is None:
        below = descendants(process.pid)
        total = 0
        for pid in (process.pid, *below):
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
                if pid != process.pid and _DECODER in Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace"):
                    watch.decoders.add(pid)
            except (OSError, IndexError):  # it has ended
                continue
        watch.peak_mb = max(watch.peak_mb, total / 1e6)
        if rng is not None and below and time.monotonic() >= next_kill:
            os.kill(rng.choice(sorted(below)), signal.SIGKILL)
            watch.killed += 1
            next_kill = time.monotonic() + _KILL_EVERY_S
        time.sleep(_SAMPLE_S)


def run(arguments: Sequence[str], log: Path, rng: random.Random | None = None) -> Run:
    watch = Watch()
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as out, log.with_suffix(".err").open("w", encoding="utf-8") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "SeriesClassifierLib", "classify", *arguments], stdout=out, stderr=err, text=True
        )
        observe(process, watch, rng)
    lines = log.read_text("utf-8").splitlines()
    end = json.loads(lines[-1]) if lines else {}
    errors = log.with_suffix(".err").read_text("utf-8")
    return Run(process.returncode, end, errors, time.monotonic() - started, watch)


def broken(done: Run, wanted: Expected, table: Path) -> list[str]:
    """What does not hold of a run."""
    if done.status not in (0, 1) or done.end.get("event") != "end":
        return [f"the batch did not end (exit status {done.status}): {done.errors[-2000:]}"]
    out = wanted.complaints(table)
    if done.end["series"] != len(wanted.images) + wanted.unread:
        out.append(f"{done.end['series']} series, not {len(wanted.images) + wanted.unread}")
    if done.watch.peak_mb > _MOST_MB:
        out.append(f"peak memory {done.watch.peak_mb:.0f} MB")
    return out


def tell(name: str, done: Run) -> None:
    status = ", ".join(f"{n} {kind}" for kind, n in done.end.get("status", {}).items())
    print(
        f"{name}: exit status {done.status}, {done.seconds:.0f} s, {done.end.get('series')} series, "
        f"{done.end.get('rows')} rows ({status}), peak memory {done.watch.peak_mb:.0f} MB, "
        f"{max(0, len(done.watch.decoders) - 1)} decoder restarts, {done.watch.killed} children killed",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="number of files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-children", action="store_true", help="run again and kill -9 children meanwhile")
    parser.add_argument("--keep", type=Path, help="write into this folder and keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = options.keep or Path(name)
        work.mkdir(parents=True, exist_ok=True)
        return measure(work, options.count, options.seed, options.kill_children)


def measure(work: Path, count: int, seed: int, kill_children: bool) -> int:
    paths = write_mutated(work / "in", count, seed)
    wanted = expected(paths)
    print(f"{count} files, seed {seed}: {len(wanted.images)} series to find, {wanted.unread} rows of others", flush=True)

    def arguments(kind: str, journal: str) -> list[str]:
        return [
            str(work / "in"), "--mode", "full", "--json", "--html", str(work / f"{kind}.html"),
            "--out", str(work / f"{kind}.csv"), "--journal", str(work / f"{journal}.sqlite"),
        ]  # fmt: skip

    problems: list[str] = []
    kinds = [("plain", None), *([("killed", random.Random(seed))] if kill_children else [])]
    for kind, rng in kinds:
        done = run(arguments(kind, kind), work / f"{kind}.log", rng)
        tell(kind, done)
        problems += [f"{kind}: {text}" for text in broken(done, wanted, work / f"{kind}.csv")]
    done = run([*arguments("resumed", "plain"), "--resume"], work / "resumed.log")
    tell("resumed", done)
    problems += [f"resumed: {text}" for text in broken(done, wanted, work / "resumed.csv")]
    plain = work / "plain.csv"
    for kind in ("resumed", *(["killed"] if kill_children else [])):
        other = work / f"{kind}.csv"
        if plain.exists() and other.exists() and plain.read_bytes() != other.read_bytes():
            problems.append(f"{kind}: another table")
    for text in problems:
        print(f"BROKEN {text}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
