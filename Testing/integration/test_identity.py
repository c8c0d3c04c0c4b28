"""A human label stays on the images that it was given to, and images are neither lost nor mixed, whatever files do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.identity_cases import VARIANTS
from support.identity_records import (
    EMPTY_INSTANCE_UID,
    FACETS,
    LABEL_ELSEWHERE,
    MIXED_PATIENTS,
    REPEATED_INSTANCE_UID,
    SHARED_SERIES_UID,
    Found,
    Variant,
    below,
    mismatches,
)

from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.report import write_report
from SeriesClassifierLib.records import Prediction, Reason
from SeriesClassifierLib.sources import open_sources

_WARNINGS = {
    Reason.REPEATED_SOP_UID: {REPEATED_INSTANCE_UID},
    Reason.NO_SOP_UID: {EMPTY_INSTANCE_UID},
    Reason.SHARED_SERIES_UID: {SHARED_SERIES_UID},
    Reason.SEVERAL_PATIENTS: {MIXED_PATIENTS, SHARED_SERIES_UID},
    Reason.LABELED_OTHER_IMAGES: {LABEL_ELSEWHERE},
}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v.kind}-{v.name}")
def test_every_variant_ends_as_it_says(variant: Variant, tmp_path: Path) -> None:
    sources = variant.write(tmp_path, seed=3)
    with Journal(tmp_path / "journal.sqlite") as journal:
        rows = classified(tmp_path, sources, journal)
        expected = variant.expected
        assert mismatches(expected, [found for _, found in rows], variant.originals()) == []
        if expected.people is not None:
            assert people_in_report([p for p, _ in rows], tmp_path / "report.html") == expected.people
        for step in variant.steps:
            for name in step.correct:
                (part,) = [p for p, found in rows if found.files == expected.row(name).files]
                parts = journal.current_series(part.series_uid, part.study_uid)
                chosen = parts if step.whole_series else [p for p in parts if p.part_key == part.part_key]
                journal.correct(chosen, FACETS, "reader")
            variant.apply(step, tmp_path, seed=3)
            rows = classified(tmp_path, sources, journal)
            expected = step.expected
            assert mismatches(expected, [found for _, found in rows], variant.originals()) == []


def people_in_report(predictions: list[Prediction], path: Path) -> int:
    write_report(predictions, path)
    (number,) = re.findall(r"stud(?:y|ies), (\d+) patient", path.read_text(encoding="utf-8"))
    return int(number)


def classified(folder: Path, sources: Iterable[Path], journal: Journal) -> list[tuple[Prediction, Found]]:
    """Every row of a run by headers over what is there now, with the names of its files."""
    out = []
    for source in open_sources([path for path in sources if path.exists()]):
        for result in run(source, Classifier(), journal=journal):
            paths = {part.key: [i.path for i in part.instances] for part in result.parts}
            for p in result.predictions:
                files = below(folder, paths.get(p.part_key, ()))
                warnings = frozenset(w for e in p.evidence for w in _WARNINGS.get(e.reason, ()))
                place = source.location / p.description
                name = place.relative_to(folder).as_posix() if place.is_dir() else p.description
                out.append((p, Found(files, p.status.value, p.sequence, warnings, name)))
    return out
