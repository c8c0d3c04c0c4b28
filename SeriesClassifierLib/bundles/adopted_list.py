"""The list of adopted bundles, ``adopted.json``: what can be read of it is used, whatever the rest is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from SeriesClassifierLib.bundles.names import is_bundle_name, is_digest
from SeriesClassifierLib.bundles.strict_json import read_json

_LIST = "adopted.json"
# A list that was damaged is kept under this name when a new one takes its place.
_KEPT = "adopted.json.damaged"
_HOME = "SERIESCLASSIFIER_HOME"
_LONGEST = 60


@dataclass(frozen=True)
class AdoptedList:
    """Name -> digests in the order in which they were adopted, or None where that is not known any more.

    ``damaged`` holds what else is wrong: (entry, reason).
    """

    entries: Mapping[str, tuple[str, ...] | None]
    damaged: tuple[tuple[str, str], ...] = ()

    @property
    def in_use(self) -> list[str]:
        """Names under which an adopted bundle is in use, sorted."""
        return sorted(name for name in self.entries if self.is_in_use(name))

    def is_in_use(self, name: str) -> bool:
        """Whether an adopted bundle stands for ``name``, known or not."""
        return self.entries.get(name, ()) != ()

    def is_known(self, name: str) -> bool:
        """Whether it is known what was adopted under ``name``."""
        return self.entries.get(name, ()) is not None

    def history(self, name: str) -> tuple[str, ...]:
        """What was adopted under ``name``, as far as known."""
        return self.entries.get(name) or ()

    def with_history(self, name: str, digests: tuple[str, ...]) -> AdoptedList:
        """The list with another history of one name."""
        return replace(self, entries={**self.entries, name: digests})


def home() -> Path:
    """Where the adopted bundles of this site are."""
    asked = os.environ.get(_HOME)
    if asked:
        return Path(asked) / "bundles"
    from platformdirs import user_data_dir

    return Path(user_data_dir("SeriesClassifier")) / "bundles"


def read_list() -> AdoptedList:
    """The list as far as it can be read. Never raises for what the file contains."""
    try:
        content = read_json(home() / _LIST)
    except FileNotFoundError:
        return AdoptedList({})
    except (OSError, ValueError) as error:
        return _lost(getattr(error, "strerror", None) or str(error))
    names = content.get("adopted") if isinstance(content, dict) else None
    if not isinstance(names, dict):
        return _lost("it is not a list of adopted bundles")
    strange = [name for name in names if not is_bundle_name(name)]
    return AdoptedList(
        {name: _history(digests) for name, digests in names.items() if name not in strange},
        tuple((_shown(name), f"it is not a name of a bundle, {_LIST} is damaged") for name in strange),
    )


def write_list(listed: AdoptedList) -> None:
    """Write the whole list or none of it. Raises OSError."""
    path = home() / _LIST
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = path.with_name(_KEPT)
    if (listed.damaged or None in listed.entries.values()) and path.is_file() and not kept.exists():
        shutil.copyfile(path, kept)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"adopted": dict(listed.entries)}, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _history(digests: Any) -> tuple[str, ...] | None:
    return tuple(digests) if isinstance(digests, list) and all(map(is_digest, digests)) else None


def _lost(reason: str) -> AdoptedList:
    """Nothing of the list can be read: of each name with copies any may have been in use."""
    try:
        names = sorted(
            folder.name
            for folder in home().iterdir()
            if is_bundle_name(folder.name) and any(is_digest(copy.name) for copy in folder.glob("*"))
        )
    except OSError:
        names = []
    return AdoptedList(dict.fromkeys(names), ((_LIST, f"it cannot be read ({reason})"),))


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."
