"""The variants of the identity cases are what they say they are, and the comparison with them can fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from support.bad_input import digests
from support.identity_cases import (
    FILES_CHANGE,
    INSTANCE_UID,
    KINDS,
    STUDY_PER_VOLUME,
    VARIANTS,
    of_kind,
)
from support.identity_images import Image, uid
from support.identity_records import (
    FACETS,
    WARNINGS,
    Expected,
    FolderRow,
    Found,
    Row,
    Variant,
    below,
    mismatches,
)

from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.sources import open_source

SEED = 3
LABEL = FACETS["sequence"]


def named(variants: tuple[Variant, ...]) -> list[object]:
    return [pytest.param(variant, id=f"{variant.kind}/{variant.name}") for variant in variants]


def all_expected(variant: Variant) -> Iterator[Expected]:
    yield variant.expected
    yield from (step.expected for step in variant.steps)


def states(variant: Variant, folder: Path) -> Iterator[tuple[Expected, list[Path]]]:
    """The input as it is at first and after each step."""
    sources = variant.write(folder, SEED)
    yield variant.expected, sources
    for step in variant.steps:
        variant.apply(step, folder, SEED)
        yield step.expected, sources


def as_expected(expected: Expected) -> list[Found]:
    """A result that is right in everything."""
    rows = [
        Found(row.files, status, LABEL if status == "corrected" else "T2", row.warnings)
        for row in expected.rows
        for status in sorted(row.statuses)[:1]
    ]
    failed = [Found(frozenset(), "failed", place=folder.folder) for folder in expected.folders]
    rest = expected.kept - {file for row in expected.rows for file in row.files}
    return [*rows, *failed, *([Found(rest, "auto", "T2")] if rest else [])]


def test_every_kind_has_variants_with_names_of_their_own() -> None:
    counts = Counter(variant.kind for variant in VARIANTS)
    assert set(counts) == set(KINDS)
    assert min(counts.values()) >= 10
    assert len({(variant.kind, variant.name) for variant in VARIANTS}) == len(VARIANTS)


@pytest.mark.parametrize("variant", named(VARIANTS))
def test_files_are_there_and_readable_in_every_state(variant: Variant, tmp_path: Path) -> None:
    for number, (expected, sources) in enumerate(states(variant, tmp_path)):
        assert all(source.exists() for source in sources)
        listed = {file for row in expected.rows for file in row.files} | expected.kept
        listed |= {file for folder in expected.folders for file in folder.files}
        there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
        copies = {file for file, of in variant.originals().items() if of in listed}
        assert {name for name in there if not name.startswith("db/")} == listed | copies
        for image in variant.images if number == 0 else ():
            check_written(image, tmp_path)


def check_written(image: Image, folder: Path) -> None:
    dataset = pydicom.dcmread(folder / image.file)
    assert dataset.pixel_array.shape == (16, 12)
    uids = {"SOPInstanceUID": image.sop, "StudyInstanceUID": image.study, "SeriesInstanceUID": image.series}
    for keyword, name in uids.items():
        assert dataset.get(keyword) == (None if name is None else uid(SEED, name))
    assert dataset.get("PatientID") == (image.patient and image.patient.strip())


def test_a_seed_gives_the_same_bytes_again_and_another_seed_others(tmp_path: Path) -> None:
    for variant in VARIANTS[::15]:
        written = []
        for run, seed in enumerate((SEED, SEED, SEED + 1)):
            folder = tmp_path / variant.kind / variant.name / str(run)
            variant.write(folder, seed)
            written.append({n: d.split()[0] for n, d in digests(folder).items() if n.endswith(".dcm")})
        assert written[0] == written[1]
        assert written[0].keys() == written[2].keys()
        assert not set(written[0].values()) & set(written[2].values())


@pytest.mark.parametrize("variant", named(VARIANTS))
def test_what_is_expected_is_consistent(variant: Variant) -> None:
    names = {row.name for row in variant.expected.rows}
    for step in variant.steps:
        assert set(step.correct) <= names, "a step corrects a row of the state before it"
        names = {row.name for row in step.expected.rows}
    for expected in all_expected(variant):
        in_rows = Counter(file for row in (*expected.rows, *expected.folders) for file in row.files)
        assert set(in_rows.values()) <= {1}
        assert {w for row in expected.rows for w in row.warnings | row.no_warnings} <= set(WARNINGS)
        assert len({row.name for row in expected.rows}) == len(expected.rows)
        for row in (*expected.rows, *expected.folders):
            assert sum(not row.files.isdisjoint(group) for group in expected.apart) <= 1


@pytest.mark.parametrize("variant", named(VARIANTS))
def test_a_right_result_passes_and_wrong_ones_do_not(variant: Variant) -> None:
    originals = variant.originals()
    for expected in all_expected(variant):
        right = as_expected(expected)
        assert mismatches(expected, right, originals) == []
        for index, one in enumerate(right):
            others = right[:index] + right[index + 1 :]
            assert mismatches(expected, others, originals), "a missing row"
            if one.files:
                fewer = replace(one, files=frozenset(sorted(one.files)[1:]))
                assert mismatches(expected, [*others, fewer], originals), "a lost image"
                crossed = replace(one, status="corrected", sequence="T2")
                assert mismatches(expected, [*others, crossed], originals), "a label that is none"
        for row in expected.rows:
            for warning in row.warnings:
                silent = [replace(one, warnings=one.warnings - {warning}) for one in right]
                assert mismatches(expected, silent, originals)


def test_label_on_the_wrong_row_copies_and_mixes_are_found() -> None:
    a, b = frozenset("ab"), frozenset("cd")
    expected = Expected(
        (Row("one", a, frozenset(("corrected",))), Row("two", b, no_warnings=frozenset((WARNINGS[0],)))),
        (FolderRow("in", frozenset("e")),),
        apart=(a, b),
    )
    failed = Found(frozenset(), "failed", place="in")
    label = ("corrected", LABEL)
    one, two = Found(a, *label), Found(b, "auto", "T2")
    assert mismatches(expected, [one, two, failed], {}) == []
    assert mismatches(expected, [Found(frozenset("xb"), *label), two, failed], {"x": "a"}) == []
    for wrong in (
        [Found(a, "auto", "T2"), Found(b, *label), failed],
        [one, Found(b, "review", LABEL), failed],
        [one, replace(two, warnings=frozenset((WARNINGS[0],))), failed],
        [one, two, replace(failed, place="other")],
        [one, two, failed, failed],
        [Found(a | b, *label), failed],
        [Found(a | {"x"}, *label), two, failed],
    ):
        assert mismatches(expected, wrong, {"x": "a"})


INTACT = (FILES_CHANGE, STUDY_PER_VOLUME)


@pytest.mark.parametrize(
    "variant", named(tuple(v for kind in INTACT for v in of_kind(kind) if not v.database))
)
def test_the_parts_of_intact_files_are_those_that_are_expected(variant: Variant, tmp_path: Path) -> None:
    """Where UIDs are not the matter, a series splits as the variant says: what is left to test is the label."""
    for expected, sources in states(_one_study(variant), tmp_path):
        found = {
            below(tmp_path, (instance.path for instance in part.instances))
            for source in sources
            for study in open_source(source).studies()
            for series in study.series
            for part in split(series)
        }
        assert found == {row.files for row in expected.rows}


@pytest.mark.parametrize("variant", named(tuple(v for v in of_kind(INSTANCE_UID) if v.expected.exact)))
def test_with_uids_of_their_own_the_same_images_split_as_expected(variant: Variant, tmp_path: Path) -> None:
    mended = tuple(replace(image, sop=image.picture) for image in variant.images)
    sources = replace(variant, images=mended, copies=()).write(tmp_path, SEED)
    found = {
        below(tmp_path, (instance.path for instance in part.instances))
        for source in sources
        if source.exists()
        for study in open_source(source).studies()
        for series in study.series
        for part in split(series)
    }
    assert found == {row.files for row in variant.expected.rows}


def _one_study(variant: Variant) -> Variant:
    return replace(variant, images=tuple(replace(image, study="study") for image in variant.images))
