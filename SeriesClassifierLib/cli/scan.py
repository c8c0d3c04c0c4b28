"""``series-classifier scan``: proof that an export holds no identifier of its originals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from SeriesClassifierLib.errors import SourceError
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.nothing import count_series

_CLEAN, _FOUND = 0, 1
_MOST_SHOWN = 100


def scan_command(options: argparse.Namespace) -> int:
    """Print the findings, values masked, and what was searched; exit code 1 when something was found."""
    from SeriesClassifierLib.export.identifier_scan import files_below, identifiers_of, scan
    from SeriesClassifierLib.export.training_lists import fixed_texts

    identifiers = identifiers_of(_files(options.source)) if options.source else None
    if identifiers is not None and identifiers.unread:
        raise SourceError(
            f"{identifiers.unread} original files cannot be read, so nothing can be proved about them: "
            "check their permissions or name other sources"
        )
    findings = scan(options.folder, identifiers, fixed_texts())
    for finding in findings[:_MOST_SHOWN]:
        print(finding)
    if len(findings) > _MOST_SHOWN:
        print(f"... and {len(findings) - _MOST_SHOWN:,} more")
    what = (
        f"searched {len(identifiers):,} values of {identifiers.n_files:,} files"
        if identifiers is not None
        else "searched for what looks like an identifier (name the originals with --source to search theirs)"
    )
    result = f"{len(findings):,} found" if findings else "nothing found"
    print(f"{what} in {len(files_below(options.folder)):,} files: {result}")
    return _FOUND if findings else _CLEAN


def _files(sources: Iterable[Path]) -> list[Path]:
    """The files of all series of all sources. Raises SourceError when a source has none."""
    found: set[str] = set()
    for location in sources:
        files = set()
        source = open_source(location)
        count_series(source)
        for study in source.studies():
            for series in study.series:
                files |= {instance.path for instance in series.instances}
                for problem in series.problems:
                    print(f"series-classifier: not searched: {problem}", file=sys.stderr)
        if not files:
            raise SourceError(f"{location} holds no DICOM images: name the source that was exported")
        found |= files
    return [Path(path) for path in sorted(found)]
