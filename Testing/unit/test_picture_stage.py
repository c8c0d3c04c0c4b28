"""When pixels are opened, by which bundle, and what happens when they or the bundle are not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.bad_input import digests
from support.bundles import headers_bundle, picture_bundle
from support.simulated import write_small_series

from SeriesClassifierLib.bundles.bundle import CARD, open_bundle, write_bundle
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.images.pixels import read_frame
from SeriesClassifierLib.inference.decide import Decision, decide
from SeriesClassifierLib.inference.picture_model import PictureModel, ThreeAnswers
from SeriesClassifierLib.inference.picture_stage import PictureStage
from SeriesClassifierLib.inference.run import Classifier
from SeriesClassifierLib.records import (
    HEADERS_TASK,
    Instance,
    Opinion,
    Part,
    Prediction,
    Reason,
    Series,
    Status,
    Study,
    TagValue,
    Witness,
    classes_of,
)
from SeriesClassifierLib.simulation.dicom_writer import uid_of
from SeriesClassifierLib.sources.assemble import make_series, make_study

REPOSITORY = Path(__file__).resolve().parents[2]
# The header alone settles the one, and can never settle the other: its acquisition parameters are gone.
SETTLED: dict[str, TagValue] = {
    "ScanningSequence": "EP", "RepetitionTime": 5000.0, "EchoTime": 70.0, "FlipAngle": 90.0,
    "DiffusionBValue": 800.0,
}  # fmt: skip
OPEN: dict[str, TagValue] = {"EchoTime": 101.0}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_bundle(tmp_path_factory.mktemp("prostate"))


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretends that these bundles are the shipped ones of every task."""

    def ship(*folders: Path) -> None:
        monkeypatch.setattr(
            "SeriesClassifierLib.inference.picture_stage.installed_for", lambda task: iter(folders)
        )

    ship()
    return ship


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders (one a series) whose pixels were opened, in order."""
    folders: list[str] = []

    def look(path: str, frame: int) -> object:
        folders.append(Path(path).parent.name)
        return read_frame(path, frame)

    monkeypatch.setattr("SeriesClassifierLib.images.slices.read_frame", look)
    return folders


def series(root: Path, name: str, number: int, images: int = 3, **tags: TagValue) -> Series:
    """A series in the folder ``name`` whose headers say ``tags`` and where the slices lie."""
    instances = []
    for index, path in enumerate(write_small_series(root / name, study=1, series=number, images=images), 1):
        own: dict[str, TagValue] = {
            "Modality": "MR",
            "SeriesInstanceUID": uid_of("stage", number),
            "SOPInstanceUID": uid_of("stage", number, index),
            "SeriesNumber": float(number),
            "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            "ImagePositionPatient": (0.0, 0.0, 3.0 * index),
        }
        instances.append(Instance(str(path), 0, {**own, **tags}))
    return make_series(uid_of("stage", number), instances)


def study(root: Path, words: str = "MRI prostate") -> Study:
    """One series that its header settles, one that it does not, a CT series and a report."""
    told: dict[str, TagValue] = {"StudyDescription": words}
    return make_study(
        "1.2",
        [
            series(root, "settled", 1, **SETTLED, **told),
            series(root, "open", 2, **OPEN, **told),
            series(root, "ct", 3, **{**OPEN, **told, "Modality": "CT"}),
            series(
                root,
                "report",
                4,
                **{**told, "Modality": "SR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"},
            ),
        ],
    )


def classifier(mode: str, *, task: str = "auto", pictures: tuple[str, ...] = ()) -> Classifier:
    return Classifier(headers_bundle(), mode=mode, task=task, pictures=pictures)


def rows(found: Classifier, given: Study) -> dict[int | None, Prediction]:
    """The predictions by series number, as if one and the same run had made them."""
    return {row.series_number: replace(row, bundle_digest="") for row in found.study(given).predictions}


def own(row: Prediction) -> Prediction:
    """The row without what the other series of the study add to its reasons."""
    return replace(row, evidence=tuple(e for e in row.evidence if e.witness is not Witness.STUDY))


def witnesses(row: Prediction) -> set[Witness]:
    return {evidence.witness for evidence in row.evidence}


# --- which pixels are opened


def test_header_mode_opens_no_pixels(
    bundle: Path, tmp_path: Path, shipped: Callable[..., None], opened: list[str]
) -> None:
    shipped(bundle)
    found = rows(classifier("header"), study(tmp_path))
    assert opened == []
    assert (found[1].status, found[1].sequence) == (Status.AUTO, "DWI")
    assert found[2].status is not Status.AUTO
    assert {row.task for row in found.values()} == {"headers"}


def test_auto_mode_opens_what_the_header_does_not_settle(
    bundle: Path, tmp_path: Path, shipped: Callable[..., None], opened: list[str]
) -> None:
    shipped(bundle)
    given = study(tmp_path)
    found, by_header = rows(classifier("auto"), given), rows(classifier("header"), given)
    assert opened == ["open"]
    assert (found[2].task, found[2].bundle) == ("prostate", "prostate 0.0.1")
    assert {Witness.IMAGE, Witness.JOINT} <= witnesses(found[2])
    assert found[2].status is not Status.AUTO
    assert all(own(found[number]) == own(by_header[number]) for number in (1, 3, 4))


def test_full_mode_opens_every_mr_part(
    bundle: Path, tmp_path: Path, shipped: Callable[..., None], opened: list[str]
) -> None:
    shipped(bundle)
    given = study(tmp_path)
    found, by_header = rows(classifier("full"), given), rows(classifier("header"), given)
    assert opened == ["settled", "open"]
    assert [found[number].task for number in (1, 2, 3, 4)] == ["prostate", "prostate", "headers", "headers"]
    assert Witness.IMAGE in witnesses(found[1])
    assert (found[1].sequence, found[1].decided_by) == ("DWI", by_header[1].decided_by)
    assert all(own(found[number]) == own(by_header[number]) for number in (3, 4))


@pytest.mark.parametrize("mode", ["auto", "full"])
def test_a_region_that_no_bundle_knows_stays_with_the_header(
    bundle: Path, tmp_path: Path, shipped: Callable[..., None], opened: list[str], mode: str
) -> None:
    shipped(bundle)
    given = study(tmp_path, "MRI brain")
    assert rows(classifier(mode), given) == rows(classifier("header"), given)
    assert opened == []


def test_a_task_is_asked_whatever_the_region(
    bundle: Path, tmp_path: Path, shipped: Callable[..., None], opened: list[str]
) -> None:
    shipped(bundle)
    found = rows(classifier("full", task="prostate"), study(tmp_path, "MRI brain"))
    assert opened == ["settled", "open"]
    assert found[2].task == "prostate"


def test_nothing_is_written_to_the_files(bundle: Path, tmp_path: Path) -> None:
    given = study(tmp_path)
    before = digests(tmp_path)
    classifier("full", pictures=(str(bundle),)).study(given)
    assert digests(tmp_path) == before


# --- an unknown region


def _undecided(root: Path, count: int) -> tuple[list[PartHeader], list[Part], list[Decision]]:
    """Parts that say nothing of the region, and a header model that does not know."""
    limits = {facet: {"auto": 0.9, "review": 0.5} for facet in ("sequence", "phase", "region")}
    regions = dict.fromkeys(("brain", "spine", "prostate", "abdomen"), 0.25)
    headers = [PartHeader({"Modality": "MR"}) for _ in range(count)]
    parts = [
        Part(str(number), 1, 1, series(root, str(number), number).instances) for number in range(1, count + 1)
    ]
    spread = {"sequence": {"T2": 0.6, "T1": 0.4}, "region": regions}
    return headers, parts, [decide(header, spread, limits) for header in headers]


def test_an_unknown_region_is_told_by_the_picture(bundle: Path, tmp_path: Path, opened: list[str]) -> None:
    headers, parts, decisions = _undecided(tmp_path, 2)
    found, bundles, _ = PictureStage("auto", "auto", 0.01, [bundle]).look(headers, parts, decisions)
    assert [used.name if used else "" for used in bundles] == ["prostate", "prostate"]
    for decision in found:
        assert classes_of(decision.opinions, "region", Witness.JOINT)["prostate"] > 0.9
    assert opened == ["1", "2"], "looked at more than once"


def test_pictures_outvote_a_header_without_words(bundle: Path, tmp_path: Path) -> None:
    """A header that lost its words has often lost more: what it makes of the region decides nothing."""
    headers, parts, decisions = _undecided(tmp_path, 2)
    spine = Opinion(Witness.HEADER, HEADERS_TASK, "region", {"spine": 1.0})
    decisions = [replace(d, region="spine", opinions=(*d.opinions, spine)) for d in decisions]
    found, bundles, _ = PictureStage("full", "auto", 0.01, [bundle]).look(headers, parts, decisions)
    assert [used.name if used else "" for used in bundles] == ["prostate", "prostate"]
    assert {decision.region for decision in found} == {"prostate"}


def test_a_bundle_that_knows_no_regions_tells_none(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_regions(model: PictureModel, values: Mapping[str, float], slices: np.ndarray) -> ThreeAnswers:
        only = {"sequence": {"T2": 0.9, "OTHER": 0.1}}
        return ThreeAnswers(only, only, only, model.task)

    monkeypatch.setattr(PictureModel, "answers", no_regions)
    headers, parts, decisions = _undecided(tmp_path, 1)
    found, bundles, _ = PictureStage("full", "auto", 0.01, [bundle]).look(headers, parts, decisions)
    assert (found, bundles) == (decisions, [None])


def test_a_region_that_nobody_can_tell_stays_unknown(bundle: Path, tmp_path: Path) -> None:
    headers, parts, decisions = _undecided(tmp_path, 1)
    for path in tmp_path.rglob("*.dcm"):
        path.write_bytes(path.read_bytes()[:-40])
    found, bundles, _ = PictureStage("auto", "auto", 0.01, [bundle]).look(headers, parts, decisions)
    assert bundles == [None]
    assert [decision.sequence for decision in found] == ["T2"]


def test_a_study_without_parts_is_nothing(bundle: Path) -> None:
    assert PictureStage("full", "auto", 0.01, [bundle]).look([], [], []) == ([], [], [])


# --- bundles


def test_a_missing_bundle_says_what_to_do(
    tmp_path: Path, shipped: Callable[..., None], opened: list[str]
) -> None:
    with pytest.raises(BundleError, match=r"no bundle that sees pictures is installed: use --mode header"):
        classifier("full")
    for mode in ("auto", "full"):
        with pytest.raises(BundleError, match=r"no bundle for the task liver is installed: use --task auto"):
            classifier(mode, task="liver")
    given = study(tmp_path)
    assert rows(classifier("auto"), given) == rows(classifier("header"), given)
    assert opened == []


def test_a_bundle_of_another_task_does_not_answer_for_it(bundle: Path) -> None:
    with pytest.raises(BundleError, match="no bundle for the task liver"):
        PictureStage("full", "liver", 0.01, [bundle])


def test_the_header_bundle_sees_no_pictures() -> None:
    with pytest.raises(BundleError, match="sees no pictures: name another"):
        classifier("full", pictures=(headers_bundle(),))


def test_given_bundles_stand_in_for_the_shipped_ones(
    bundle: Path, tmp_path: Path, shipped: Callable[..., None]
) -> None:
    shipped(tmp_path / "none of these is looked at")
    found = classifier("full", pictures=(str(bundle),)).study(study(tmp_path))
    assert {row.bundle for row in found.predictions} > {"prostate 0.0.1"}


@pytest.mark.parametrize("missing", ["preprocessing", "scope", "temperature_alone"])
def test_a_bundle_that_lacks_what_a_picture_needs_is_refused(
    bundle: Path, tmp_path: Path, missing: str
) -> None:
    for path in bundle.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    description = dict(open_bundle(bundle).description)
    description.pop(missing)
    with pytest.raises(BundleError, match="is not valid"):
        write_bundle(tmp_path, description)
    description[missing] = {}
    with pytest.raises(BundleError, match="is not valid"):
        write_bundle(tmp_path, description)


def test_what_decides_is_in_the_digest(bundle: Path, tmp_path: Path, shipped: Callable[..., None]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in bundle.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / CARD).write_text("Another one. Not a medical device.\n", encoding="utf-8")
    write_bundle(other, open_bundle(bundle, verify=False).description)
    given = {"pictures": (str(bundle),)}
    found = [
        classifier("header"),
        classifier("auto"),
        classifier("auto", **given),  # type: ignore[arg-type]
        classifier("full", **given),  # type: ignore[arg-type]
        classifier("full", task="prostate", **given),  # type: ignore[arg-type]
        classifier("full", pictures=(str(other),)),
    ]
    assert len({one.digest for one in found}) == len(found)
    assert classifier("full", **given).digest == found[3].digest  # type: ignore[arg-type]
    result = found[3].study(study(tmp_path / "in"))
    assert {row.bundle_digest for row in result.predictions} == {found[3].digest}


# --- pixels


@pytest.mark.parametrize("damage", ["cut", "gone", "text"])
def test_pixels_that_cannot_be_read_leave_the_header_s_decision(
    bundle: Path, tmp_path: Path, damage: str
) -> None:
    given = study(tmp_path)
    by_header = rows(classifier("header"), given)
    for path in (tmp_path / "open").iterdir():
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:-40])
        elif damage == "text":
            path.write_text("not DICOM")
        else:
            path.unlink()
    found = rows(classifier("full", pictures=(str(bundle),)), given)
    (warning,) = (e for e in found[2].evidence if e.reason is Reason.UNREADABLE)
    assert warning.witness is Witness.FILE
    assert "slices" in warning.detail
    assert str(tmp_path) not in warning.detail
    assert Witness.IMAGE not in witnesses(found[2])
    rest = replace(found[2], evidence=(), fingerprint="", opinions=())
    assert rest == replace(by_header[2], evidence=(), fingerprint="", opinions=())
    assert Witness.IMAGE in witnesses(found[1])  # the rest goes on


def test_the_three_answers_are_probabilities(bundle: Path) -> None:
    import numpy as np

    model = PictureModel(open_bundle(bundle))
    picture = np.arange(model.side**2, dtype=np.uint8).reshape(1, model.side, model.side)
    one, other = ({"te": 0.5, "tr": 0.2}, picture), ({}, picture // 2)
    found = model.answers(*one)
    for answer in (found.header, found.picture, found.joint):
        assert {facet: list(values) for facet, values in answer.items()} == model.bundle.facets
        for values in answer.values():
            assert sum(values.values()) == pytest.approx(1.0)
    changed = model.answers(*other)
    assert changed.header["sequence"] != found.header["sequence"]
    assert changed.picture["sequence"] != found.picture["sequence"]
    # Each answer is from what its name says.
    assert model.answers({}, picture).picture == found.picture
    assert model.answers(one[0], picture // 2).header == found.header
    assert model.answers(*one) == found


def test_a_batch_is_one_by_one(bundle: Path, tmp_path: Path) -> None:
    studies = [study(tmp_path / "a"), study(tmp_path / "b", "MRI pelvis"), study(tmp_path / "c", "MRI brain")]
    together = classifier("full", pictures=(str(bundle),))
    at_once = [together.study(given) for given in studies]
    backwards = [together.study(given) for given in reversed(studies)][::-1]
    assert at_once == backwards
    alone = [classifier("full", pictures=(str(bundle),)).study(given) for given in studies]
    assert at_once == alone


def test_inference_needs_no_torch(bundle: Path, tmp_path: Path) -> None:
    write_small_series(tmp_path / "in", study=1, series=1, images=3, StudyDescription="MRI prostate")
    program = f"""
import sys
sys.modules["torch"] = None
from SeriesClassifierLib.cli.main import main
code = main(["classify", {str(tmp_path / "in")!r}, "--mode", "full", "--picture-bundle", {str(bundle)!r},
             "--out", {str(tmp_path / "x.csv")!r}, "--quiet", "--jobs", "1"])
assert code == 0, code
assert sys.modules["torch"] is None
assert "onnxruntime" in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "prostate 0.0.1" in (tmp_path / "x.csv").read_text(encoding="utf-8")
