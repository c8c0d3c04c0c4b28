"""Names of bundles: the same on every file system, and never a way out of their folder."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{16}")
# Windows opens a device where a file of such a name is asked for.
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


def is_bundle_name(text: object) -> bool:
    """Whether ``text`` is the whole name of a bundle: ASCII, lower case, no device of Windows."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and text not in _DEVICES


def is_digest(text: object) -> bool:
    """Whether ``text`` is a bundle's digest: 16 hexadecimal digits and nothing else."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None
