"""What the stages expect of each other's collaborators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from SeriesClassifierLib.records import Study


@runtime_checkable
class Source(Protocol):
    """Where series come from. Reading never writes to the source."""

    @property
    def location(self) -> Path:
        """The folder or file that the user named."""
        ...

    @property
    def skipped(self) -> int:
        """How many files were left out because they do not claim to be DICOM; complete after ``studies()``.
        """
        ...

    def count_series(self) -> int:
        """Number of series ``studies()`` will yield in total. May scan the source."""
        ...

    def studies(self) -> Iterator[Study]:
        """Studies in the order of their StudyInstanceUID, series by number, instances in a fixed order."""
        ...


class Progress(Protocol):
    """Told about the advance of a long job."""

    def start(self, what: str, total: int) -> None: ...

    def advance(self, n: int = 1) -> None: ...

    def finish(self) -> None: ...
