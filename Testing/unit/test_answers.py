"""What a bundle says when it is measured is what it says when it classifies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SeriesClassifierLib.bundles.adopted import SHIPPED, find_bundle
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle
from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.answers import answers, chosen, missing, untrained
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.images.slices import choose
from SeriesClassifierLib.inference.run import classify
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.training.exported import TrainingSet, read_training_sets


def bundle(name: str) -> Bundle:
    return open_bundle(find_bundle(SHIPPED + name))


@pytest.fixture(scope="module")
def exported(slicer_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real series, named as the header bundle names them, but one that is named otherwise."""
    place = tmp_path_factory.mktemp("measured")
    command = ["classify", str(slicer_database), "--journal", str(place / "j.sqlite"), "--mode", "header"]
    assert main([*command, "--quiet"]) == 0
    with Journal(place / "j.sqlite") as journal:
        for label in list(journal.current_all()):
            said = "FLAIR" if label.description == "t2_tse_sag" else label.sequence
            journal.correct([label], {"sequence": said}, "reader")
    export = ["export", "--journal", str(place / "j.sqlite"), "--source", str(slicer_database)]
    assert main([*export, "--out", str(place / "data"), "--quiet"]) == 0
    return place / "data"


@pytest.fixture(scope="module")
def parts(exported: Path) -> TrainingSet:
    return read_training_sets([exported])


def test_headers_are_answered_as_in_use_but_for_the_words(parts: TrainingSet, slicer_database: Path) -> None:
    found = answers(bundle("headers"), bundle("headers"), parts)
    assert len(found) == 29
    assert [part.truth for part in found if not part.right] == ["FLAIR"]
    used = classify(slicer_database, mode="header")
    assert sorted(p.sequence for p in used) == sorted(part.answer for part in found)
    # Without the description, which can only lower trust, at least as much is sure.
    assert sum(p.status.value == "auto" for p in used) <= sum(part.status.value == "auto" for part in found)


def test_pictures_are_looked_at_and_the_order_of_parts_does_not_matter(parts: TrainingSet) -> None:
    found = answers(bundle("prostate"), bundle("headers"), parts)
    assert {part.name for part in found} == {e.name for e in parts.examples}
    backwards = TrainingSet(parts.examples[::-1], parts.keys[::-1], parts.vendors[::-1], parts.digest)
    assert {part.name: part for part in answers(bundle("prostate"), bundle("headers"), backwards)} == {
        part.name: part for part in found
    }
    assert any(
        one.confidence != other.confidence
        for one, other in zip(found, answers(bundle("headers"), bundle("headers"), parts), strict=True)
    )


def test_slices_of_another_size_are_refused_with_what_to_do(parts: TrainingSet) -> None:
    small = [replace(e, slices=np.zeros((2, 8, 8), np.uint8)) for e in parts.examples]
    with pytest.raises(UsageError, match="--side 126"):
        answers(bundle("prostate"), bundle("headers"), replace(parts, examples=tuple(small)))


def test_patients_that_the_bundle_has_learned_from_are_told(parts: TrainingSet) -> None:
    headers = bundle("headers")
    assert untrained(answers(headers, headers, parts)) == answers(headers, headers, parts)
    patient = parts.examples[0].exam
    training = {**headers.description["training"], "patient_keys": list(parts.keys[0])}
    seen = Bundle(headers.folder, {**headers.description, "training": training})
    found = answers(seen, seen, parts)
    assert {part.exam for part in found if part.trained} == {patient}
    assert all(part.exam != patient for part in untrained(found))


@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.parametrize("wanted", [1, 4, 10])
def test_slices_are_chosen_as_when_a_series_is_read(count: int, wanted: int) -> None:
    tags = {"ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)}
    stack = [Instance(str(k), 0, {**tags, "ImagePositionPatient": (0.0, 0.0, 3.0 * k)}) for k in range(count)]
    assert [str(k) for k in chosen(count, wanted)] == [i.path for i in choose(stack, wanted)]


def test_missing_groups_are_told() -> None:
    assert missing(PartHeader({})) == ("words", "codes", "timing", "vendor")
    assert missing(PartHeader({"EchoTime": 1.0, "Manufacturer": "GE"})) == ("words", "codes")


def test_the_command_measures_and_holds_to_what_is_required(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--bundle", "headers", "--data", str(exported), "--samples", "50"]
    files = ["--html", str(tmp_path / "page.html"), "--json", str(tmp_path / "figures.json")]
    assert main([*command, *files, "--require", "accuracy>=0.9", "--require", "recall:T2>=0.8"]) == 0
    assert "29 labelled parts of 7 patients" in capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["accuracy"]["value"] == pytest.approx(28 / 29)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "data:image/png;base64" in page
    assert "not a medical device" in page
    assert main([*command, "--require", "f1>=0.999", "--quiet"]) == 1
    assert "f1" in capsys.readouterr().err
    assert main([*command, "--require", "beauty>=1"]) == 2
