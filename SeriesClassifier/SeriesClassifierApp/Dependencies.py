"""The Python packages that classifying needs, installed when they are first needed and after asking."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

REQUIREMENTS = Path(__file__).resolve().parents[1] / "Resources" / "requirements.txt"
# Package -> what it is imported as, where that differs.
_MODULES = {"PyYAML": "yaml", "pillow": "PIL", "python-gdcm": "gdcm", "Jinja2": "jinja2"}


class DependenciesDeclined(Exception):
    """The user wants nothing installed now."""


def requirements() -> list[str]:
    """The lines of requirements.txt."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def missing() -> list[str]:
    """The requirements whose module cannot be found. Nothing is imported to find out."""
    importlib.invalidate_caches()
    return [line for line in requirements() if importlib.util.find_spec(_moduleOf(line)) is None]


def ensure(confirm: Callable[[str], bool] | None = None) -> None:
    """Install what is missing, after asking. Raises DependenciesDeclined, or RuntimeError when it fails."""
    needed = missing()
    if not needed:
        return
    question = _(
        "Series Classifier needs these Python packages, which are free and will be downloaded from the "
        "Python Package Index: {packages}. Install them now?"
    ).format(packages=", ".join(needed))
    ask = confirm or (lambda text: slicer.util.confirmOkCancelDisplay(text, _("Install packages")))
    if not ask(question):
        raise DependenciesDeclined
    try:
        from slicer.packaging import pip_install  # Slicer 5.12 and later
    except ImportError:
        pip_install = slicer.util.pip_install
    pip_install(needed)
    left = missing()
    if left:
        raise RuntimeError(
            _("These packages could not be installed: {packages}").format(packages=", ".join(left))
        )


def _moduleOf(requirement: str) -> str:
    package = requirement
    for mark in "<>=!~[;":
        package = package.split(mark)[0]
    package = package.strip()
    return _MODULES.get(package, package.replace("-", "_"))
