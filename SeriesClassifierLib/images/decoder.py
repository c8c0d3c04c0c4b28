"""Compressed pixels are decoded in a child process, for a decoder may crash, hang or ask for all memory.

One child a process, started by the first compressed file and used for all others. Uncompressed pixels need no
decoder and never come here.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SECONDS = 5.0
_SECONDS_PER_MEGAPIXEL = 2.0
_START_SECONDS = 30.0
_MOST_REMEMBERED = 20_000
# A frame in one piece, where the system can (Linux): not a change of process every 64 kB.
_PIPE_BYTES = 1 << 20
# Keep the memory of a frame for the next one: glibc gives large blocks back at once, and clearing new ones
# takes a third of the time that a frame takes.
_ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}
_LIBRARY = Path(__file__).resolve().parents[2]


class Undecodable(Enum):
    """Why a frame could not be decoded."""

    DIED = "died"  # the decoder crashed twice
    TIMED_OUT = "timed_out"
    REFUSED = "refused"  # the compressed frame claims to be larger than its header says
    BROKEN = "broken"  # the decoder said so

    @property
    def is_fatal(self) -> bool:
        """Whether the file is dangerous to decode, and not only incomplete."""
        return self is not Undecodable.BROKEN


_WHAT = {
    Undecodable.DIED: "the decoder crashed on the compressed pixels",
    Undecodable.TIMED_OUT: "the compressed pixels could not be decoded in time",
    Undecodable.REFUSED: "the compressed pixels claim another size than the header",
}
_ADVICE = "send the file again from its source, or convert it to an uncompressed one"


class UndecodableError(Exception):
    """A frame that cannot be decoded; the message says what to do."""

    def __init__(self, kind: Undecodable, detail: str = "") -> None:
        self.kind = kind
        what = _WHAT.get(kind)
        super().__init__(f"{what}: {_ADVICE}" if what else f"pixels cannot be decoded ({detail})")


class _Died(Exception):
    """The child ended before it answered."""


class Decoder:
    """Sends frames to the child, one at a time, and starts another child after a death."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._failed: dict[tuple[str, int, int, int], tuple[Undecodable, str]] = {}

    def start(self) -> None:
        """Start the child where there is none, and do not wait for it: it starts while its first request is
        made.
        """
        with self._lock:
            if self._child is None:
                self._child, self._is_ready = _start(), False

    def decode(self, path: str, frame: int, n_pixels: int) -> NDArray[np.generic]:
        """The stored values of one frame. Raises UndecodableError, OSError.

        ``n_pixels`` is what the header claims for a frame: time and memory follow from it.
        """
        path = os.path.abspath(path)
        found = os.stat(path)
        key = (path, frame, found.st_size, found.st_mtime_ns)
        with self._lock:
            if key in self._failed:
                raise UndecodableError(*self._failed[key])
            try:
                try:
                    return self._ask(path, frame, n_pixels)
                except _Died:  # perhaps somebody ended it from outside: the file gets a second child
                    return self._ask(path, frame, n_pixels)
            except _Died:
                failure = UndecodableError(Undecodable.DIED)
            except UndecodableError as error:
                failure = error
            if failure.kind.is_fatal and len(self._failed) < _MOST_REMEMBERED:
                self._failed[key] = (failure.kind, "")
            raise failure

    def close(self) -> None:
        """End the child; the next frame starts another."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:  # what was not written yet is of no use
                pass

    def _ask(self, path: str, frame: int, n_pixels: int) -> NDArray[np.generic]:
        seconds = _SECONDS + _SECONDS_PER_MEGAPIXEL * n_pixels / 2**20
        request = {"path": path, "frame": frame, "pixels": n_pixels, "seconds": seconds + _SECONDS}
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child, self._is_ready = _start(), False
        if not self._is_ready:
            try:
                with _Limit(self._child, _START_SECONDS):
                    self._answer_line(self._child)
            except BaseException:  # its pipe may close before the system says that it has ended
                self.close()
                raise
            self._is_ready = True
        with _Limit(self._child, seconds) as limit:
            try:
                return self._exchange(self._child, request)
            except _Died:
                self.close()
                if limit.is_over:
                    raise UndecodableError(Undecodable.TIMED_OUT) from None
                raise
            except UndecodableError:
                raise
            except BaseException:  # interrupted in the middle of an answer: that child is out of step
                self.close()
                raise

    def _exchange(self, child: subprocess.Popen[bytes], request: dict[str, object]) -> NDArray[np.generic]:
        import numpy as np

        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            child.stdin.flush()
        except OSError:
            raise _Died from None
        answer = self._answer_line(child)
        if "kind" in answer:
            raise UndecodableError(Undecodable(answer["kind"]), str(answer["detail"]))
        raw = child.stdout.read(int(str(answer["bytes"])))
        dtype = np.dtype(str(answer["dtype"]))
        shape: list[int] = list(answer["shape"])  # type: ignore[call-overload]
        if len(raw) != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise _Died
        return np.frombuffer(raw, dtype).reshape(shape)

    @staticmethod
    def _answer_line(child: subprocess.Popen[bytes]) -> dict[str, object]:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line.endswith(b"\n"):
            raise _Died
        answer: dict[str, object] = json.loads(line)
        return answer


class _Limit:
    """Kills the child when the time is over, which ends the waiting for its answer."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        self._child = child
        self.is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Limit:
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        self._child.kill()


def _start() -> subprocess.Popen[bytes]:
    # The folder it starts in is the library's: nothing that lies among the user's files is imported.
    path = os.pathsep.join([str(_LIBRARY), *(p for p in sys.path if p)])
    return subprocess.Popen(
        [sys.executable, "-m", "SeriesClassifierLib.images.decoder_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pipesize=_PIPE_BYTES,
        cwd=_LIBRARY,
        env={**_ALLOCATION, **os.environ, "PYTHONPATH": path},
    )


_decoders: dict[int, Decoder] = {}
_making = threading.Lock()


def decoder() -> Decoder:
    """This process's decoder: a forked process gets its own."""
    own = os.getpid()
    if own not in _decoders:
        with _making:
            if own not in _decoders:
                made = Decoder()
                atexit.register(made.close)
                _decoders[own] = made
    return _decoders[own]
