"""Bundles that a site adopted in place of the shipped ones, and the way back.

They are copied to a folder of the site (``SERIESCLASSIFIER_HOME``, else the user's data folder), each under
its digest, never changed there. ``adopted.json`` lists for each name which ones were adopted, the last one
being in use. The copy is complete before the list names it, so whenever the process is killed either the old
bundle is in use or the new one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from SeriesClassifierLib.bundles.bundle import CARD, DESCRIPTION, MODEL, WEIGHTS, Bundle, open_bundle, shipped
from SeriesClassifierLib.errors import BundleError, UsageError

_LIST = "adopted.json"
_HOME = "SERIESCLASSIFIER_HOME"
# Names the shipped bundle, whatever was adopted.
SHIPPED = "shipped:"


def home() -> Path:
    """Where the adopted bundles of this site are."""
    asked = os.environ.get(_HOME)
    if asked:
        return Path(asked) / "bundles"
    from platformdirs import user_data_dir

    return Path(user_data_dir("SeriesClassifier")) / "bundles"


def find_bundle(name: str) -> Path:
    """The folder of a bundle: the adopted one of that name, else the shipped one, else a path.

    ``shipped:NAME`` is the shipped one in any case. Raises BundleError when there is none.
    """
    known = {folder.name: folder for folder in shipped()}
    if name.startswith(SHIPPED):
        name = name.removeprefix(SHIPPED)
    else:
        known |= adopted()
    if name in known:
        return known[name]
    if (Path(name) / DESCRIPTION).is_file():
        return Path(name)
    names = ", ".join(sorted(known)) or "none"
    raise BundleError(f"there is no bundle {name!r}: give a folder with {DESCRIPTION}, or one of: {names}")


def installed_for(task: str) -> list[Path]:
    """Folders of the bundles of one task, adopted ones in place of shipped; "auto": all that see pictures."""
    found = {folder.name: folder for folder in shipped()} | adopted()
    out = []
    for _, folder in sorted(found.items()):
        of = open_bundle(folder, verify=False).description["task"]
        if of == task or (task == "auto" and of != "headers"):
            out.append(folder)
    return out


def adopted() -> dict[str, Path]:
    """Name -> folder of the adopted bundles in use. Raises BundleError when one is lost."""
    out = {}
    for name, digests in _read().items():
        if digests:
            folder = _folder(name, digests[-1])
            if not (folder / DESCRIPTION).is_file():
                raise BundleError(
                    f"the adopted bundle {name} is gone from {folder.parent}: put it back, or run "
                    f"'series-classifier bundles rollback {name}'"
                )
            out[name] = folder
    return out


def adopt(folder: Path) -> Bundle:
    """Use the bundle in ``folder`` from now on wherever its name is asked for; returns the adopted copy.

    Raises BundleError when it is not in order, or when it cannot be copied.
    """
    bundle = open_bundle(folder)
    target = _folder(bundle.name, bundle.digest)
    try:
        if not (target / DESCRIPTION).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.{os.getpid()}")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            for name in (MODEL, WEIGHTS, CARD, DESCRIPTION):
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, draft / name)
            open_bundle(draft)
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
        copy = open_bundle(target)
        found = _read()
        history = found.get(bundle.name, [])
        if history[-1:] != [bundle.digest]:
            _write({**found, bundle.name: [*history, bundle.digest]})
    except OSError as error:
        raise BundleError(
            f"{target} cannot be written ({error.strerror}): check the disk or name another folder in {_HOME}"
        ) from error
    return copy


def rollback(name: str) -> Bundle:
    """Use the bundle again that was in use before the last one was adopted; returns it.

    Raises UsageError when nothing of that name was adopted, BundleError when there is nothing to go back to.
    """
    found = _read()
    history = found.get(name, [])
    if not history:
        raise UsageError(f"no bundle {name!r} was adopted, so there is nothing to roll back")
    before = history[:-1]
    folder = _folder(name, before[-1]) if before else _shipped(name)
    bundle = open_bundle(folder)
    try:
        _write({**found, name: before})
    except OSError as error:
        raise BundleError(f"{home()} cannot be written ({error.strerror}): check its permissions") from error
    return bundle


def _shipped(name: str) -> Path:
    for folder in shipped():
        if folder.name == name:
            return folder
    raise BundleError(f"no bundle {name} comes with the library: adopt another one instead of rolling back")


def _folder(name: str, digest: str) -> Path:
    return home() / name / digest


def _read() -> dict[str, list[str]]:
    path = home() / _LIST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{path} cannot be read: put it right or remove it to use the shipped bundles"
        ) from error
    names = content.get("adopted") if isinstance(content, Mapping) else None
    if not isinstance(names, Mapping) or not all(
        _is_name(name) and isinstance(digests, list) and all(_is_name(one) for one in digests)
        for name, digests in names.items()
    ):
        raise BundleError(f"{path} is damaged: put it right or remove it to use the shipped bundles")
    return {name: list(digests) for name, digests in names.items()}


def _is_name(text: object) -> bool:
    """Part of a path of ours and never a way out of it."""
    return isinstance(text, str) and text.replace("-", "").replace("_", "").isalnum()


def _write(adopted: Mapping[str, list[str]]) -> None:
    """The whole list or none of it."""
    path = home() / _LIST
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"adopted": adopted}, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
