"""What a user wants on every visit, kept in the settings of Slicer."""

from __future__ import annotations

import getpass
from typing import Any

import qt
import slicer

_PREFIX = "SeriesClassifier/"
_DEFAULTS: dict[str, Any] = {
    "publishColumn": True,
    "classifyImports": False,
    "renameVolumes": False,
    "maxError": 0.01,
    "journal": "",
    "headerBundle": "",
    "pictureBundle": "",
    "trainingFolder": "",
    "bundleFolder": "",
}


def get(name: str) -> Any:
    """A setting, of the type of its default."""
    default = _DEFAULTS[name]
    converter = slicer.util.toBool if isinstance(default, bool) else type(default)
    return slicer.util.settingsValue(_PREFIX + name, default, converter=converter)


def put(name: str, value: Any) -> None:
    """Keep a setting."""
    qt.QSettings().setValue(_PREFIX + name, type(_DEFAULTS[name])(value))


def user() -> str:
    """Who corrects: the name of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no account has this number
        return "user"
