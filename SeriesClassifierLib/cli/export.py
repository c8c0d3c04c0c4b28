"""``series-classifier export``: the training set of a site, and the proof that nobody is named in it."""

from __future__ import annotations

import argparse
import sys

from SeriesClassifierLib.cli.display import TerminalBar
from SeriesClassifierLib.cli.journal_file import open_journal
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.sources.reading import default_jobs


def export_command(options: argparse.Namespace) -> int:
    """Export what people labelled; exit code 1 when the scan of the result finds an identifier."""
    from SeriesClassifierLib.export.curated import export_curated
    from SeriesClassifierLib.export.labeled_parts import LabeledParts
    from SeriesClassifierLib.export.training_layout import Settings

    settings = Settings(
        slices=options.slices,
        side=options.side,
        dicom=options.dicom,
        volumes=options.volumes,
        identifiers=options.identifiers,
    )
    bar = TerminalBar(quiet=options.quiet)
    with LabeledParts() as labels:
        with open_journal(options, readonly=True) as journal:
            labels.extend(journal.human_labels())
        if not labels and not labels.n_without_key:
            raise UsageError("nobody has labeled anything in this journal: correct or accept labels first")
        try:
            result = export_curated(
                labels,
                options.source,
                options.out,
                settings,
                site_key=options.site_key,
                jobs=options.jobs or default_jobs(),
                told=bar.told,
            )
        finally:
            bar.finish()
    exported = result.exported
    if not options.quiet:
        print(f"{exported.parts} parts of {exported.patients} patients: {exported.folder}")
        for reason, n in exported.left_out.items():
            print(f"left out: {n} ({reason})", file=sys.stderr)
        print(result.searched)
    for finding in result.findings[:100]:
        print(f"found: {finding}", file=sys.stderr)
    if result.findings:
        print(
            f"series-classifier: {len(result.findings)} identifiers are in the result: do not share it, and "
            "tell us where they are",
            file=sys.stderr,
        )
    return 1 if result.findings else 0
