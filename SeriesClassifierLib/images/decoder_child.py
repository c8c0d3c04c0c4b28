"""The child that decodes: requests as JSON lines on stdin, answers as a JSON line and raw bytes on stdout.

It ends when stdin closes, and by itself when a frame takes too long, so that it never outlives its parent by
more than that. Memory is limited where the system can (Linux; macOS and Windows ignore it: there only the
claims of the codestream and the time protect).
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from SeriesClassifierLib.images.decoder import Undecodable
from SeriesClassifierLib.images.encapsulated import ClaimError, decode_here

# What a decoder may need beside a frame of 8 bytes a sample in a few copies.
_SPARE_BYTES = 512 * 2**20
_BYTES_PER_PIXEL = 24


def main() -> int:
    """Answer until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to end
    out = os.fdopen(os.dup(1), "wb")
    silent = open(os.devnull, "w")  # noqa: SIM115 - until the end of the process
    os.dup2(silent.fileno(), 1)  # what a decoder prints is no answer
    _import_decoders()
    _send(out, {})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit_memory(_SPARE_BYTES + _BYTES_PER_PIXEL * int(request["pixels"]))
        faulthandler.dump_traceback_later(float(request["seconds"]), exit=True, file=silent)
        try:
            _answer(out, request)
        finally:
            faulthandler.cancel_dump_traceback_later()
    return 0


def _answer(out: BinaryIO, request: dict[str, Any]) -> None:
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = np.ascontiguousarray(decode_here(request["path"], request["frame"]))
    except ClaimError:
        _send(out, {"kind": Undecodable.REFUSED.value, "detail": ""})
    except Exception as error:  # whatever a decoder raises on broken pixels is the answer
        _send(out, {"kind": Undecodable.BROKEN.value, "detail": type(error).__name__})
    else:
        raw = pixels.tobytes()
        _send(out, {"dtype": pixels.dtype.str, "shape": pixels.shape, "bytes": len(raw)}, raw)


def _send(out: BinaryIO, answer: dict[str, Any], raw: bytes = b"") -> None:
    out.write(json.dumps(answer).encode("ascii") + b"\n" + raw)
    out.flush()


def _import_decoders() -> None:
    import numpy  # noqa: F401
    import pydicom

    with suppress(ImportError):  # pydicom before version 3
        import pydicom.pixels  # noqa: F401


def _limit_memory(n_bytes: int) -> None:
    """Allow ``n_bytes`` more address space than is in use now."""
    in_use = Path("/proc/self/statm")
    if sys.platform != "linux" or not in_use.exists():
        return
    import resource

    now = int(in_use.read_text("ascii").split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = now + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
