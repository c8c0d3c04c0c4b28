"""What is chosen in the panel and belongs to the scene."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Default, parameterNodeWrapper


class Scope(enum.Enum):
    """What is to be classified."""

    SELECTED = "selected"
    DATABASE = "database"
    LOADED = "loaded"
    FOLDER = "folder"

    def label(self) -> str:
        """Its name for people."""
        return {
            Scope.SELECTED: _("Selected in the DICOM browser"),
            Scope.DATABASE: _("Whole DICOM database"),
            Scope.LOADED: _("Loaded in the scene"),
            Scope.FOLDER: _("A folder"),
        }[self]


class Task(enum.Enum):
    """Which bundle decides."""

    AUTO = "auto"
    PROSTATE = "prostate"
    LIVER = "liver"

    def label(self) -> str:
        """Its name for people."""
        return {
            Task.AUTO: _("By the region of the study"),
            Task.PROSTATE: _("Prostate"),
            Task.LIVER: _("Liver"),
        }[self]


class Mode(enum.Enum):
    """Whether pixels are read."""

    AUTO = "auto"
    HEADER = "header"
    FULL = "full"

    def label(self) -> str:
        """Its name for people."""
        return {
            Mode.AUTO: _("Pictures where headers leave doubt"),
            Mode.HEADER: _("Headers only (fastest)"),
            Mode.FULL: _("Headers and pictures of every series"),
        }[self]


@parameterNodeWrapper
class SeriesClassifierParameterNode:
    """Saved with the scene; preferences of the user are in ``Settings``."""

    scope: Annotated[Scope, Default(Scope.DATABASE)]
    folder: pathlib.Path
    task: Annotated[Task, Default(Task.AUTO)]
    mode: Annotated[Mode, Default(Mode.AUTO)]
