"""Gives every reason another sentence, in this process and in those that it starts: ``--scramble-evidence``.

Python runs this file at its start when its folder is on PYTHONPATH. The sentences are changed when the library
loads them, so that nothing in the library knows of this.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_MODULE = "SeriesClassifierLib.explain.evidence_text"


class _Scrambled(Loader):
    """Loads the sentences as ever, and changes all of them. They hold no word, value or number of before."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        for number, reason in enumerate(module.TEMPLATES):
            module.TEMPLATES[reason] = f"#{number:02}#"


class _Finder(MetaPathFinder):
    """Finds that one module and no other."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if spec is not None and spec.loader is not None:
            spec.loader = _Scrambled(spec.loader)
        return spec


if _MODULE in sys.modules:
    raise RuntimeError(f"{_MODULE} is loaded already: change its sentences before")
sys.meta_path.insert(0, _Finder())
