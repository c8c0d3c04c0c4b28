"""The files below folders, links included: every real folder and file once, whatever leads to it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

_Identity: TypeAlias = "tuple[int, int] | str"


def files_below(locations: Iterable[Path], unlistable: Callable[[OSError], None]) -> Iterator[str]:
    """All files of ``locations`` (folders or files) in a fixed order; ``unlistable`` gets the folders that
    cannot be listed.

    What lies in the folders comes first, then what linked folders add, then linked files: a file that can be
    reached in several ways is read under its own name. A link that leads nowhere is yielded as a file.
    """
    walk = _Walk(unlistable)
    for location in locations:
        if location.is_dir():
            yield from walk.tree(str(location))
        elif walk.is_new(str(location)):
            yield str(location)
    while walk.linked_folders:
        yield from walk.tree(walk.linked_folders.popleft())
    yield from filter(walk.is_new, walk.linked_files)


class _Walk:
    """What was visited, and the links that were found on the way."""

    def __init__(self, unlistable: Callable[[OSError], None]) -> None:
        self.linked_folders: deque[str] = deque()
        self.linked_files: list[str] = []
        self._unlistable = unlistable
        self._folders: set[_Identity] = set()
        self._files: set[_Identity] = set()

    def tree(self, root: str) -> Iterator[str]:
        """The files below ``root`` that no link leads to; links are kept for later."""
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            names: list[tuple[str, bool]] = []
            subfolders: list[str] = []
            links: list[str] = []
            try:
                if not self._enter(folder):
                    continue
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_symlink():
                            links.append(entry.path)
                        elif entry.is_dir():
                            subfolders.append(entry.path)
                        else:
                            names.append((entry.path, _has_other_names(entry)))
            except OSError as error:
                self._unlistable(error)
            for link in sorted(links):
                (self.linked_folders if os.path.isdir(link) else self.linked_files).append(link)
            yield from (path for path, shared in sorted(names) if not shared or self.is_new(path))
            waiting += sorted(subfolders, reverse=True)

    def is_new(self, path: str) -> bool:
        """Whether the file behind ``path`` was not yet found; a link that leads nowhere always is."""
        try:
            real = os.path.realpath(path) if os.path.islink(path) else path
            status = os.stat(path)
            if real != path and _identity(os.path.dirname(real)) in self._folders:
                return False
        except (OSError, ValueError):
            return True
        own = _identity_of(status, real)
        if own in self._files:
            return False
        self._files.add(own)
        return True

    def _enter(self, folder: str) -> bool:
        """Whether ``folder`` was not yet visited; from now on it was."""
        own = _identity(folder)
        if own in self._folders:
            return False
        self._folders.add(own)
        return True


def _has_other_names(entry: os.DirEntry[str]) -> bool:
    """Whether the file has hard links."""
    try:
        return entry.stat(follow_symlinks=False).st_nlink > 1
    except OSError:  # it has gone meanwhile, which reading it will say
        return False


def _identity(path: str) -> _Identity:
    return _identity_of(os.stat(path), path)


def _identity_of(status: os.stat_result, path: str) -> _Identity:
    # Some file systems of Windows number nothing.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
