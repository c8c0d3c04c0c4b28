"""The failing cases of the development data that belong to identity end as their README says."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Reason, Status
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.sources import open_source


@pytest.fixture(scope="session")
def cases(shared_data: Path) -> Path:
    return shared_data / "cases"


def classified(source: Path, journal: Journal | None = None) -> list[Prediction]:
    return [p for result in run(open_source(source), Classifier(), journal=journal) for p in result.predictions]


def reasons(prediction: Prediction) -> set[Reason]:
    return {evidence.reason for evidence in prediction.evidence}


def copied(folder: Path, files: Iterable[Path]) -> Path:
    folder.mkdir(exist_ok=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return folder


def test_05_images_of_one_uid_are_all_kept_and_warned_about(cases: Path) -> None:
    (label,) = classified(cases / "05" / "in")
    assert (label.sequence, label.n_instances) == ("T2", 19)
    assert Reason.REPEATED_SOP_UID in reasons(label)


def test_39_images_of_one_uid_are_split_by_b_value(cases: Path) -> None:
    labels = classified(cases / "39" / "in")
    assert [(p.label, p.n_instances) for p in labels] == [(f"DWI AX b{b}", 19) for b in (50, 400, 800)]
    assert len({p.part_key for p in labels}) == 3
    assert all(Reason.REPEATED_SOP_UID in reasons(p) for p in labels)


def test_07_two_patients_under_one_series_uid_never_share_a_label(cases: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        a, b = sorted(classified(cases / "07" / "in", journal), key=lambda p: p.patient_id)
        assert (a.patient_id, b.patient_id, a.series_uid == b.series_uid) == ("A1", "B2", True)
        for label in (a, b):
            assert label.status is Status.REVIEW
            assert Reason.SHARED_SERIES_UID in reasons(label)
        journal.correct(journal.current_series(a.series_uid, a.study_uid), {"sequence": "CISS"}, "reader")
        again = {p.patient_id: p for p in classified(cases / "07" / "in", journal)}
        assert (again["A1"].sequence, again["A1"].status) == ("CISS", Status.CORRECTED)
        assert (again["B2"].sequence, again["B2"].status) == (b.sequence, Status.REVIEW)


@pytest.mark.parametrize("one_after_the_other", [False, True])
def test_07_is_also_known_when_the_patients_come_one_by_one(
    cases: Path, tmp_path: Path, one_after_the_other: bool
) -> None:
    folders = ["a", "b"] if one_after_the_other else ["."]
    journal = tmp_path / "j.sqlite"
    for folder in folders:
        source = str(cases / "07" / "in" / folder)
        assert main(["classify", source, "--journal", str(journal), "--mode", "header", "--quiet"]) == 0
    with Journal(journal, readonly=True) as opened:
        assert [p.status for p in opened.current_all()] == [Status.REVIEW, Status.REVIEW]


def test_49_a_database_series_of_two_patients_goes_to_review_and_names_the_mix(
    cases: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "database"
    shutil.copytree(cases / "49" / "files", folder / "dicom")
    database = write_database(sorted((folder / "dicom").rglob("*.dcm")), folder)
    labels = classified(database)
    assert len(labels) == 2
    assert {(p.patient_id, p.n_instances) for p in labels} == {("A1", 4), ("B2", 4)}
    for label in labels:
        assert label.status is Status.REVIEW
        (mix,) = [e for e in label.evidence if e.reason is Reason.SEVERAL_PATIENTS]
        assert (mix.number, mix.decisive) == (2, True)


def test_53_the_label_of_b400_stays_on_b400_when_b50_comes(cases: Path, tmp_path: Path) -> None:
    files = sorted((cases / "53" / "in").glob("*.dcm"))
    source, journal = tmp_path / "in", tmp_path / "j.sqlite"
    copied(source, files[:12])
    arguments = ["--journal", str(journal), "--mode", "header", "--quiet"]
    assert main(["classify", str(source), *arguments]) == 0
    with Journal(journal) as opened:
        uid = next(iter(opened.current_all())).series_uid
    said = ["--set", "sequence=T2", "--user", "reader", "--journal", str(journal)]
    assert main(["correct", uid, "--part", "1", *said]) == 0
    copied(source, files[12:])
    assert main(["classify", str(source), *arguments]) == 0
    with Journal(journal, readonly=True) as opened:
        shown = {p.b_value: (p.sequence, p.status) for p in opened.current_all()}
        (exported,) = opened.human_labels()
    assert shown == {
        50.0: ("DWI", Status.AUTO),
        400.0: ("T2", Status.CORRECTED),
        800.0: ("DWI", Status.AUTO),
    }
    assert exported.model.b_value == 400.0


def test_71_three_studies_of_one_series_uid_are_three_rows_with_one_correction_each(
    cases: Path, tmp_path: Path
) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        labels = classified(cases / "71" / "in", journal)
        assert sorted((p.label, p.n_instances) for p in labels) == [
            (f"DWI AX b{b}", 19) for b in (400, 50, 800)
        ]
        assert len({(p.study_uid, p.series_uid) for p in labels}) == 3
        for label, sequence in zip(labels, ("T1", "T2", "PD"), strict=True):
            journal.correct(journal.current_series(label.series_uid, label.study_uid), {"sequence": sequence}, "r")
        again = classified(cases / "71" / "in", journal)
        assert [p.sequence for p in again] == ["T1", "T2", "PD"]
        assert [p.status for p in again] == [Status.CORRECTED] * 3
