"""Read many files, on several processes when there are enough of them to pay for starting those."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice

from SeriesClassifierLib.sources.file_reader import FileRead, read_file

logger = logging.getLogger(__name__)

_CHUNK = 256
# Below this many files the start of a second process costs more than it saves.
_WORTH_A_PROCESS = 3000


def default_jobs() -> int:
    """One reading process a core, at most four: more only wait for the disk."""
    return max(1, min(4, os.cpu_count() or 1))


class FileReader:
    """Reads files in the order asked for. Use as a context manager; it ends its processes on leaving."""

    def __init__(self, jobs: int, *, expected: bool) -> None:
        """At most ``jobs`` processes, started when first needed; ``expected`` as in ``read_file``."""
        self._jobs = jobs
        self._expected = expected
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> FileReader:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def read(self, paths: Iterable[str]) -> Iterator[FileRead]:
        """One result a path, in order. Memory is bounded: only a few chunks are under way at once."""
        remaining = iter(paths)
        first = list(islice(remaining, _WORTH_A_PROCESS))
        if self._jobs <= 1 or len(first) < _WORTH_A_PROCESS:
            for path in chain(first, remaining):
                yield read_file(path, expected=self._expected)
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=multiprocessing.get_context("spawn"))
        remaining = chain(first, remaining)
        pending: deque[tuple[list[str], Future[list[FileRead]] | None]] = deque()
        while True:
            while len(pending) < 2 * self._jobs and (chunk := list(islice(remaining, _CHUNK))):
                pending.append((chunk, self._submit(chunk)))
            if not pending:
                return
            yield from self._result(*pending.popleft())

    def _submit(self, chunk: list[str]) -> Future[list[FileRead]] | None:
        """None where the processes are gone: somebody ended one, and the pool ends the others with it."""
        try:
            return None if self._pool is None else self._pool.submit(_read_chunk, chunk, self._expected)
        except BrokenProcessPool:
            return None

    def _result(self, chunk: list[str], future: Future[list[FileRead]] | None) -> list[FileRead]:
        try:
            if future is not None:
                return future.result()
        except BrokenProcessPool:
            logger.warning("a reading process has died: this process reads on in its place")
        return _read_chunk(chunk, self._expected)


def _read_chunk(paths: list[str], expected: bool) -> list[FileRead]:
    return [read_file(path, expected=expected) for path in paths]
