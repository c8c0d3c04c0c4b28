"""The secret of a site: the same patient gets the same pseudonym in every export, and nobody else
can make it.

HMAC-SHA256 (RFC 2104) of a value under the key; without the key a pseudonym can be neither undone nor tried
out, even where few values are possible.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from os import PathLike
from pathlib import Path

from SeriesClassifierLib.errors import PrivacyError, UsageError

FILE_NAME = "site_key"
_SIZE = 32
_MOST_DIGITS = 2 * hashlib.sha256().digest_size
_HOME = "SERIESCLASSIFIER_HOME"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_TRIES, _PAUSE = 50, 0.02


class SiteKey:
    """Pseudonyms under the secret of one site. Shows the secret to nobody: not in repr, not in errors."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        """Raises UsageError unless ``secret`` is 32 bytes long."""
        if len(secret) != _SIZE:
            raise UsageError(f"a site key is {_SIZE} bytes long: make one with SiteKey.open()")
        self._secret = bytes(secret)

    @classmethod
    def open(cls, path: str | PathLike[str] | None = None) -> SiteKey:
        """The key in the file ``path`` (default: ``default_path()``), made with mode 0600 when there is none.

        Two processes that make it at once end up with the same key. Raises PrivacyError when the file is no
        key or cannot be read or made; nothing is ever overwritten.
        """
        file = Path(path) if path is not None else default_path()
        try:
            if not file.exists():
                _make(file)
            content = _read(file)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise PrivacyError(
                f"the site key {file} cannot be used ({reason}): check the permissions of its folder, "
                f"or name another folder in {_HOME}"
            ) from error
        if len(content) != _SIZE:
            raise PrivacyError(
                f"{file} is no site key (it is not {_SIZE} bytes long): put the key of this site back from "
                "your backup, or move the file away to start with a new key and new pseudonyms"
            )
        return cls(content)

    def pseudonym(self, kind: str, value: str, length: int = 16) -> str:
        """``length`` hexadecimal digits (1 to 64) that stand for ``value``, other ones for
        another ``kind``.

        Raises UsageError for another length.
        """
        if not 1 <= length <= _MOST_DIGITS:
            raise UsageError(f"a pseudonym of {length} digits cannot be made: ask for 1 to {_MOST_DIGITS}")
        return self._digest(kind, value).hex()[:length]

    def uid(self, uid: str) -> str:
        """The UID that stands for ``uid``: "2.25." and 128 bits (PS3.5 B.2); "" stays "".

        White space and zero bytes that pad a UID are no part of it.
        """
        uid = uid.strip("\0 ")
        if not uid:
            return ""
        return f"2.25.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}"

    def _digest(self, kind: str, value: str) -> bytes:
        name = kind.encode("utf-8", "surrogatepass")
        message = len(name).to_bytes(8, "big") + name + value.encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).digest()

    def __repr__(self) -> str:
        return "SiteKey(secret)"


def default_path() -> Path:
    """Where the key of this site is kept: below ``SERIESCLASSIFIER_HOME`` if set, else with the user's
    settings.
    """
    home = os.environ.get(_HOME)
    if home:
        return Path(home) / FILE_NAME
    from platformdirs import user_config_dir

    return Path(user_config_dir("SeriesClassifier")) / FILE_NAME


def _make(file: Path) -> None:
    """Write a new key beside ``file`` and give it that name, unless another process was faster."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(draft, _NEW_FILE, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(secrets.token_bytes(_SIZE))
            out.flush()
            os.fsync(out.fileno())
        _name(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _name(draft: Path, file: Path) -> None:
    """Like a rename that never replaces: what is there already stays."""
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links: whoever makes the file first also fills it.
        try:
            descriptor = os.open(file, _NEW_FILE, 0o600)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "wb") as out:
            out.write(draft.read_bytes())


def _read(file: Path) -> bytes:
    """The content of ``file``; one that another process has just made may still be empty."""
    for _ in range(_TRIES):
        content = file.read_bytes()
        if content:
            return content
        time.sleep(_PAUSE)
    return b""
