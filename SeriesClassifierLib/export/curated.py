"""Export labels of a journal with the images of its sources, then search the result for identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.export.identifier_scan import Finding, files_below, identifiers_of, scan
from SeriesClassifierLib.export.labeled_parts import LabeledParts
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.training_layout import Settings
from SeriesClassifierLib.export.training_lists import fixed_texts
from SeriesClassifierLib.export.training_set import Exported, Told, export_training_set
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.nothing import count_series
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource, find_database

FINDINGS = "findings.txt"


@dataclass(frozen=True)
class Curated:
    """``searched`` says in words what the scan did; ``findings`` must be empty before anyone shares it."""

    exported: Exported
    findings: tuple[Finding, ...]
    searched: str


def export_curated(
    labels: LabeledParts,
    source: Path,
    out: Path,
    settings: Settings,
    *,
    site_key: Path | None = None,
    jobs: int = 1,
    told: Told = lambda _what, _done, _total: None,
) -> Curated:
    """Write the training set of ``labels`` to ``out`` and scan it, unless it is to hold identifiers.

    Raises what ``export_training_set`` and ``scan`` raise; UsageError when ``out`` lies in the source.
    """
    if source.is_dir() and source.resolve() in (out.resolve(), *out.resolve().parents):
        raise UsageError(f"{out} lies in the source: name a folder outside of it")
    opened: Source = open_source(source, jobs=jobs)
    count_series(opened)
    key = SiteKey.open(site_key)
    if find_database(source) is not None:
        opened = SlicerDatabaseSource(source, jobs=jobs, series=frozenset(labels.series_uids()))
    exported = export_training_set(labels, opened, out, key, settings, told=told)
    if settings.identifiers:
        return Curated(
            exported, (), "not searched: identifiers were asked for, so this must not leave the site"
        )
    told("searching", 0, 1)
    identifiers = identifiers_of(exported.files)
    findings = tuple(scan(out, identifiers, fixed_texts()))
    told("searching", 1, 1)
    _write_findings(out / FINDINGS, findings)
    searched = (
        f"searched {len(identifiers):,} values of {identifiers.n_files:,} original files in "
        f"{len(files_below(out)):,} files: {f'{len(findings):,} found' if findings else 'nothing found'}"
    )
    return Curated(exported, findings, searched)


def _write_findings(path: Path, findings: Sequence[Finding]) -> None:
    """The list for whoever has to look; it tells where, and never what."""
    path.unlink(missing_ok=True)
    if findings:
        with replacing(path) as draft:
            draft.write_text("".join(f"{finding}\n" for finding in findings), encoding="utf-8")
