"""Bundles that a site adopted in place of the shipped ones, and the way back.

They are copied to a folder of the site (``SERIESCLASSIFIER_HOME``, else the user's data folder), each under
its digest, never changed there. ``adopted.json`` lists for each name which ones were adopted, the last one
being in use. The copy is complete before the list names it, so whenever the process is killed either the old
bundle is in use or the new one.

An adopted bundle that cannot be used any more stops only what needs that very bundle. It is never replaced
without a word: going back to another one is for a person to decide.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from SeriesClassifierLib.bundles.adopted_list import AdoptedList, home, read_list, write_list
from SeriesClassifierLib.bundles.bundle import CARD, DESCRIPTION, MODEL, WEIGHTS, Bundle, open_bundle, shipped
from SeriesClassifierLib.bundles.check import check_description, run_on_example
from SeriesClassifierLib.bundles.names import is_bundle_name
from SeriesClassifierLib.bundles.runtime import check_graph
from SeriesClassifierLib.errors import BundleError, UsageError

logger = logging.getLogger(__name__)

# Names the shipped bundle, whatever was adopted.
SHIPPED = "shipped:"


@dataclass(frozen=True)
class Installed:
    """A bundle that is shipped or in use since it was adopted. ``bundle`` is None when it cannot be used;
    ``problem`` then says why.
    """

    name: str
    adopted: bool
    bundle: Bundle | None
    problem: str = ""

    @property
    def can_roll_back(self) -> bool:
        """Whether ``rollback`` takes it out of use; an entry of a damaged list is none that it knows."""
        return self.adopted and is_bundle_name(self.name)


@dataclass(frozen=True)
class RolledBack:
    """What is in use after going back: ``bundle``, or None when no bundle of that name is left.

    ``passed_over`` says of each bundle in between why it cannot be used.
    """

    name: str
    bundle: Bundle | None
    passed_over: tuple[str, ...] = ()


def find_bundle(name: str) -> Path:
    """The folder of a bundle: the adopted one of that name, else the shipped one, else a path.

    ``shipped:NAME`` is the shipped one in any case. Raises BundleError when there is none, or when the
    adopted one of that name cannot be used.
    """
    known = {folder.name: folder for folder in shipped()}
    if name.startswith(SHIPPED):
        folder = known.get(name.removeprefix(SHIPPED))
        if folder is None:
            raise BundleError(f"no bundle {name!r} comes with the library: use one of {', '.join(known)}")
        return folder
    listed = _read_list()
    if listed.is_in_use(name):
        return _usable(listed, name).folder
    if name in known:
        return known[name]
    # os.path knows no difference between a path that is not there and one that cannot be.
    if name and os.path.isfile(os.path.join(name, DESCRIPTION)):
        return Path(name)
    names = ", ".join(sorted({*known, *listed.in_use})) or "none"
    raise BundleError(f"there is no bundle {name!r}: give a folder with {DESCRIPTION}, or one of: {names}")


def installed() -> list[Installed]:
    """Every bundle that is shipped or in use since it was adopted, by name, unusable ones included."""
    listed = read_list()
    out = [Installed(entry, True, None, reason) for entry, reason in listed.damaged]
    out += [_in_use(listed, name) for name in listed.in_use]
    for folder in shipped():
        try:
            out.append(Installed(folder.name, False, _open_shipped(folder)))
        except BundleError as error:
            out.append(Installed(folder.name, False, None, str(error)))
    return sorted(out, key=lambda one: (one.name, not one.adopted))


def installed_for(task: str) -> list[Path]:
    """Folders of the bundles of one task, adopted ones in place of shipped; "auto": all that see images.

    An adopted bundle that cannot be used is left out with a warning in the log. Raises BundleError when it is
    the only one of the task.
    """
    listed = _read_list()
    tasks = {folder.name: _task(folder) for folder in shipped()}
    folders = {folder.name: folder for folder in shipped()}
    unusable = []
    for name in listed.in_use:
        one = _in_use(listed, name)
        if one.bundle is not None:
            folders[name], tasks[name] = one.bundle.folder, str(one.bundle.description["task"])
            continue
        folders.pop(name, None)
        # Of which task it was is known by the shipped one of its name alone.
        if _serves(tasks.get(name, task), task):
            unusable.append(one)
    out = [folder for name, folder in sorted(folders.items()) if _serves(tasks[name], task)]
    if unusable and not out:
        raise _cannot_be_used(unusable[0])
    for one in unusable:
        logger.warning("%s", _cannot_be_used(one))
    return out


def adopt(folder: Path) -> Bundle:
    """Use the bundle in ``folder`` from now on wherever its name is asked for; returns the adopted copy.

    Its model is loaded and run on a stored input first. Raises BundleError when it is not in order or does
    not fit this version, or when it cannot be copied.
    """
    bundle = open_bundle(folder)
    _check_task(bundle)
    target = _folder(bundle.name, bundle.digest)
    try:
        _copy(folder, target)
        copy = _open_adopted(bundle.name, bundle.digest)
        listed = read_list()
        history = listed.history(bundle.name)
        if history[-1:] != (bundle.digest,):
            write_list(listed.with_history(bundle.name, (*history, bundle.digest)))
    except OSError as error:
        raise BundleError(
            f"{target} cannot be written ({error.strerror}): check the disk or name another folder in "
            "SERIESCLASSIFIER_HOME"
        ) from error
    return copy


def rollback(name: str) -> RolledBack:
    """Use the bundle again that was in use before the last one was adopted.

    Where that one cannot be used, the one before it is taken, and so on to the shipped one. Raises UsageError
    when nothing of that name was adopted.
    """
    listed = read_list()
    if not listed.is_in_use(name):
        raise UsageError(f"no bundle {name!r} was adopted, so there is nothing to roll back")
    history = listed.history(name)[:-1]
    passed_over = []
    bundle = None
    if not listed.is_known(name):
        passed_over.append("which bundles were adopted before is not known any more")
    while history and bundle is None:
        try:
            bundle = _open_adopted(name, history[-1])
        except BundleError as error:
            passed_over.append(f"{history[-1]}: {error}")
            history = history[:-1]
    if bundle is None:
        bundle = next((_open_shipped(folder) for folder in shipped() if folder.name == name), None)
    try:
        write_list(listed.with_history(name, history))
    except OSError as error:
        raise BundleError(f"{home()} cannot be written ({error.strerror}): check its permissions") from error
    return RolledBack(name, bundle, tuple(passed_over))


@contextmanager
def with_way_back(folder: Path) -> Iterator[None]:
    """A BundleError about an adopted bundle in ``folder`` also names the command that goes back."""
    try:
        yield
    except BundleError as error:
        if folder.parent.parent != home():
            raise
        raise _cannot_be_used(Installed(folder.parent.name, True, None, str(error))) from error


def _read_list() -> AdoptedList:
    listed = read_list()
    for entry, reason in listed.damaged:
        logger.warning("adopted bundles: %s: %s", entry, reason)
    return listed


def _serves(task: str, asked: str) -> bool:
    return task == asked or (asked == "auto" and task != "headers")


def _usable(listed: AdoptedList, name: str) -> Bundle:
    one = _in_use(listed, name)
    if one.bundle is None:
        raise _cannot_be_used(one)
    return one.bundle


def _in_use(listed: AdoptedList, name: str) -> Installed:
    """The adopted bundle of a name that has one, checked but for its run."""
    if not listed.is_known(name):
        reason = "the list of adopted bundles is damaged, and which one was in use is not known"
        return Installed(name, True, None, reason)
    try:
        return Installed(name, True, _open_adopted(name, listed.history(name)[-1]))
    except BundleError as error:
        return Installed(name, True, None, str(error))


def _cannot_be_used(one: Installed) -> BundleError:
    return BundleError(
        f"the adopted bundle {one.name} cannot be used ({one.problem}): adopt it again, or run "
        f"'series-classifier bundles rollback {one.name}'"
    )


def _open_adopted(name: str, digest: str) -> Bundle:
    """An adopted copy, whole and as it was adopted. Raises BundleError."""
    folder = _folder(name, digest)
    if not os.path.isfile(folder / DESCRIPTION):
        raise BundleError(f"{name}/{digest} is gone from the folder of adopted bundles")
    bundle = open_bundle(folder)
    if (bundle.name, bundle.digest) != (name, digest):
        raise BundleError(f"{name}/{digest} holds another bundle ({bundle.name} {bundle.version})")
    check_description(bundle)
    check_graph(bundle)
    return bundle


def _open_shipped(folder: Path) -> Bundle:
    bundle = open_bundle(folder)
    if bundle.name != folder.name:
        raise BundleError(f"{folder.name} holds another bundle ({bundle.name}): reinstall the library")
    return bundle


def _task(folder: Path) -> str:
    return str(open_bundle(folder, verify=False).description["task"])


def _check_task(bundle: Bundle) -> None:
    """What is asked for under a name stays of one kind."""
    for folder in shipped():
        if folder.name == bundle.name and _task(folder) != bundle.description["task"]:
            raise BundleError(
                f"bundle {bundle.name} is of the task {bundle.description['task']}, and the shipped one of "
                f"its name of {_task(folder)}: give it another name"
            )


def _copy(folder: Path, target: Path) -> None:
    """Copy a bundle to ``target``, unless a usable copy is there. Raises BundleError, OSError."""
    name, digest = target.parent.name, target.name
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{digest}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        for file in (MODEL, WEIGHTS, CARD, DESCRIPTION):
            if (folder / file).is_file():
                shutil.copyfile(folder / file, draft / file)
        # The copy is checked, not what it was made from: that one may be changed meanwhile.
        copy = open_bundle(draft)
        if (copy.name, copy.digest) != (name, digest):
            raise BundleError(f"{folder.name} was changed while it was copied: adopt it again")
        check_description(copy)
        run_on_example(copy)
        try:
            _open_adopted(name, digest)
        except BundleError:
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _folder(name: str, digest: str) -> Path:
    if not is_bundle_name(name):
        raise BundleError(f"{name!r} is not a name of a bundle")
    return home() / name / digest
