"""What a variant of an identity case is, what is expected of it, and how a result is held against that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.identity_images import Copy, Image, renumber, write_copies, write_images

from SeriesClassifierLib.simulation.database_schema import SLICER_CACHE_TAGS
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.sources.slicer_database import DATABASE_NAME, TAG_CACHE_NAME
from SeriesClassifierLib.sources.tags import CACHE_TAGS

ANSWERED = frozenset(("auto", "review", "unknown"))
REVIEW = frozenset(("review",))
CORRECTED = frozenset(("corrected",))
# What a part may be that people labeled in part: the label stays, or somebody has to look.
CORRECTED_OR_REVIEW = CORRECTED | REVIEW

# Kinds of warnings. A test maps what the program reports to these names.
REPEATED_INSTANCE_UID = "several images have one SOPInstanceUID"
EMPTY_INSTANCE_UID = "images have no SOPInstanceUID"
SHARED_SERIES_UID = "the SeriesInstanceUID is used by another study or patient"
MIXED_PATIENTS = "the series holds images of several patients"
LABEL_ELSEWHERE = "labeled on other images"
WARNINGS = (
    REPEATED_INSTANCE_UID, EMPTY_INSTANCE_UID, SHARED_SERIES_UID, MIXED_PATIENTS, LABEL_ELSEWHERE,
)  # fmt: skip

# What the reviewer says of every part that is corrected: no model says so of any image here.
FACETS: Mapping[str, str] = {"sequence": "MRCP"}
_DATABASE = "db"


@dataclass(frozen=True)
class Row:
    """One part: exactly these images. Of ``warnings`` all must be there, of ``no_warnings`` none."""

    name: str
    files: frozenset[str]
    statuses: frozenset[str] = ANSWERED
    warnings: frozenset[str] = frozenset()
    no_warnings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FolderRow:
    """One row for the files of a folder that have no UIDs: failed and naming ``folder``, or (where ``statuses``
    allow it) a part of exactly these images.
    """

    folder: str
    files: frozenset[str]
    statuses: frozenset[str] = frozenset(("failed",))


@dataclass(frozen=True)
class Expected:
    """``rows`` and ``folders`` are all rows there may be, unless ``exact`` is False.

    ``kept`` are images that must be in some part (those of ``rows`` are anyway). No part holds images of two of
    the sets of ``apart``. ``people`` is the number of patients in the report, None where nothing is said.
    """

    rows: tuple[Row, ...] = ()
    folders: tuple[FolderRow, ...] = ()
    exact: bool = True
    kept: frozenset[str] = frozenset()
    apart: tuple[frozenset[str], ...] = ()
    people: int | None = None

    @property
    def n_rows(self) -> int | None:
        """Number of rows of the table; None where it may differ."""
        return len(self.rows) + len(self.folders) if self.exact else None

    def row(self, name: str) -> Row:
        """The row of that name. Raises KeyError."""
        return {row.name: row for row in self.rows}[name]


@dataclass(frozen=True)
class Change:
    """What happens to the files: first some go, then they are renamed and renumbered, then some come."""

    remove: tuple[str, ...] = ()
    rename: tuple[tuple[str, str], ...] = ()
    renumber: tuple[tuple[str, int], ...] = ()
    add: tuple[Image, ...] = ()
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class Step:
    """The rows named in ``correct`` are labeled ``FACETS`` by a reviewer, then the files change.

    With ``whole_series`` the correction is of all parts of their series. ``expected`` is what another run over
    all files says.
    """

    expected: Expected
    correct: tuple[str, ...] = ()
    whole_series: bool = False
    change: Change = field(default_factory=Change)


@dataclass(frozen=True)
class Variant:
    """One input and what is expected of it.

    ``sources`` are the arguments of ``classify``, below the folder of the variant. ``database`` lists the files
    in the order in which Slicer imports them, where the input is its database; with ``cached`` the tag cache
    holds every tag that is read. ``steps`` follow each other.
    """

    kind: str
    name: str
    images: tuple[Image, ...]
    expected: Expected
    copies: tuple[Copy, ...] = ()
    steps: tuple[Step, ...] = ()
    sources: tuple[str, ...] = ("in",)
    database: tuple[str, ...] = ()
    cached: bool = False

    def write(self, folder: Path, seed: int) -> list[Path]:
        """Write the input below ``folder``; returns the sources."""
        write_images(folder, self.images, seed)
        write_copies(folder, self.copies)
        self._index(folder, self.database)
        return [folder / source for source in self.sources]

    def apply(self, step: Step, folder: Path, seed: int) -> None:
        """Change the files as ``step`` says, and import them again where the input is a database.

        A journal beside the database stays.
        """
        change = step.change
        for name in change.remove:
            (folder / name).unlink()
        for old, new in change.rename:
            (folder / new).parent.mkdir(parents=True, exist_ok=True)
            os.rename(folder / old, folder / new)
        for name, number in change.renumber:
            renumber(folder / name, number)
        write_images(folder, change.add, seed)
        write_copies(folder, change.copies)
        if self.database:
            for name in (DATABASE_NAME, TAG_CACHE_NAME):
                (folder / _DATABASE / name).unlink()
            order = dict.fromkeys((*self.database, *(image.file for image in change.add)))
            self._index(folder, [name for name in order if (folder / name).is_file()])

    def originals(self) -> dict[str, str]:
        """File -> the image that it is a copy of."""
        copies = [*self.copies, *(copy for step in self.steps for copy in step.change.copies)]
        return {copy.file: copy.of for copy in copies}

    def _index(self, folder: Path, order: Sequence[str]) -> None:
        """As Slicer's indexer: of two rows of one UID the first stands, so a series is listed under the study
        that came first, whoever its later images belong to.
        """
        if order:
            tags = CACHE_TAGS if self.cached else SLICER_CACHE_TAGS
            files = [folder / name for name in order]
            write_database(files, folder / _DATABASE, copy=False, cache_tags=tags)


@dataclass(frozen=True)
class Found:
    """One row of a result, as a test found it. ``files`` are names below the folder of the variant.

    ``place`` is the folder that a row without images names, relative to the folder of the variant.
    """

    files: frozenset[str]
    status: str
    sequence: str = "unknown"
    warnings: frozenset[str] = frozenset()
    place: str = ""


def below(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    """The names of files as a variant writes them."""
    return frozenset(Path(os.path.relpath(path, folder)).as_posix() for path in paths)


def mismatches(expected: Expected, found: Sequence[Found], originals: Mapping[str, str]) -> list[str]:
    """What is wrong with a result, in words; [] when it is as expected. ``originals`` is ``Variant.originals()``:
    a copy may stand for its image, but both together are one too many.
    """
    rows = [replace(row, files=frozenset(originals.get(f, f) for f in row.files)) for row in found]
    doubled = [
        sorted(row.files) for row, own in zip(found, rows, strict=True) if len(own.files) < len(row.files)
    ]
    wrong = [f"copies count twice: {', '.join(files)}" for files in doubled]
    left = list(rows)
    for row in expected.rows:
        wrong += _row_mismatches(row, _taken(left, lambda other, files=row.files: other.files == files))
    for place in expected.folders:
        match = _taken(left, lambda other, place=place: other.files == place.files or _names(other, place))
        wrong += _folder_mismatches(place, match)
    if expected.exact:
        wrong += [f"row too many: {row.status} {sorted(row.files) or row.place}" for row in left]
    else:
        wrong += [f"label that nobody gave: {sorted(row.files)}" for row in left if _labeled(row)]
    wrong += _lost(expected, rows)
    wrong += [
        f"one part holds {len(row.files)} images of several"
        for row in rows
        if sum(not row.files.isdisjoint(images) for images in expected.apart) > 1
    ]
    return wrong


def _taken(left: list[Found], fits: Callable[[Found], bool]) -> Found | None:
    """The first row that fits, taken out of ``left``."""
    for index, row in enumerate(left):
        if fits(row):
            return left.pop(index)
    return None


def _names(row: Found, place: FolderRow) -> bool:
    return not row.files and row.place == place.folder


def _labeled(row: Found) -> bool:
    return row.status == "corrected" or row.sequence == FACETS["sequence"]


def _row_mismatches(row: Row, found: Found | None) -> Iterator[str]:
    if found is None:
        yield f"{row.name}: no row of exactly its {len(row.files)} images"
        return
    if found.status not in row.statuses:
        yield f"{row.name}: {found.status}, not {' or '.join(sorted(row.statuses))}"
    if (found.status == "corrected") != (found.sequence == FACETS["sequence"]):
        yield f"{row.name}: {found.status}, but the sequence is {found.sequence}"
    for warning in sorted(row.warnings - found.warnings):
        yield f"{row.name}: no warning that {warning}"
    for warning in sorted(row.no_warnings & found.warnings):
        yield f"{row.name}: a warning that {warning}"


def _folder_mismatches(place: FolderRow, found: Found | None) -> Iterator[str]:
    if found is None:
        yield f"{place.folder}: no row for the folder"
    elif found.status not in place.statuses:
        yield f"{place.folder}: {found.status}, not {' or '.join(sorted(place.statuses))}"
    elif _labeled(found):
        yield f"{place.folder}: label that nobody gave"


def _lost(expected: Expected, rows: Sequence[Found]) -> Iterator[str]:
    """Images that are in no part, or in several."""
    times: dict[str, int] = {}
    for row in rows:
        for file in row.files:
            times[file] = times.get(file, 0) + 1
    wanted = expected.kept.union(*(row.files for row in expected.rows))
    lost = sorted(wanted - times.keys())
    if lost:
        yield f"{len(lost)} images are in no part: {', '.join(lost)}"
    twice = sorted(file for file, n in times.items() if n > 1)
    if twice:
        yield f"{len(twice)} images are in several parts: {', '.join(twice)}"
