"""Volumes of an export of real series: as SimpleITK reads the DICOM, readable by nibabel, MONAI and nnU-Net."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.export import training_set
from SeriesClassifierLib.export.labeled_parts import LabeledParts
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.training_layout import Settings
from SeriesClassifierLib.export.training_set import Exported, export_training_set
from SeriesClassifierLib.export.volumes import volume_path, write_volume
from SeriesClassifierLib.images import volume
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Part
from SeriesClassifierLib.sources import open_source

# Oblique, of three b-values, of thick JPEG slices, one slice, a localizer, sagittal with a slope that is not
# whole, a time series.
SERIES = (
    *("prostate/P003_T2_COR", "prostate/P004_DWI_AX", "abdomen/L002_ADC_AX", "abdomen/L012_MRCP_MIP_COR"),
    *("abdomen/L001_LOCALIZER_MULTI", "brain/B086_T1_SAG", "brain/B087_ASL_AX", "brain/B025_PD_AX"),
)
# With this key there are patients that train, validate and test.
KEY = SiteKey(bytes([6]) * 32)
NO_SIMPLEITK = "volumes need SimpleITK (extra bench), which is not installed here"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Export:
    """``files`` are the original images of each volume, by its name."""

    root: Path
    card: str
    done: Exported
    again: Path
    files: dict[str, list[Path]]

    @property
    def volumes(self) -> dict[str, Path]:
        found = sorted(self.root.glob("images*/*.nii.gz"))
        return {path.name.removesuffix("_0000.nii.gz"): path for path in found}


def accept_all(journal: Path, labels: LabeledParts) -> None:
    """A reader accepts every label of a journal; ``labels`` gets them."""
    with Journal(journal) as opened:
        for label in list(opened.current_all()):
            opened.correct([label], {"sequence": label.sequence}, "reader")
        labels.extend(opened.human_labels())


@pytest.fixture(scope="module")
def export(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """The series, every part named by a person, exported with volumes; those of one exam once more."""
    pytest.importorskip("SimpleITK", reason=NO_SIMPLEITK)
    place = tmp_path_factory.mktemp("volumes")
    source, journal = place / "in", place / "journal.sqlite"
    for name in SERIES:
        shutil.copytree(shared_data / "dicom" / name, source / name)
    assert main(["classify", str(source), "--journal", str(journal), "--mode", "header", "--quiet"]) == 0
    with LabeledParts() as labels:
        accept_all(journal, labels)
        chosen = Settings(slices=1, side=16, volumes=True)
        one = export_training_set(labels, open_source(source), place / "one", KEY, chosen)
        some = open_source(source / "prostate")
        again = export_training_set(labels, some, place / "again", KEY, chosen)
    files = {
        KEY.pseudonym("part", part.key): [Path(i.path) for i in part.instances]
        for study in open_source(source).studies()
        for series in study.series
        for part in split(series)
    }
    card = (one.folder / "data_card.md").read_text(encoding="utf-8")
    return Export(one.folder / "nnunet", card, one, again.folder / "nnunet", files)


def in_slice_order(files: list[Path]) -> list[Path]:
    """The images of the first repetition along the slice normal, by nothing but their headers."""
    headers = [(pydicom.dcmread(path, stop_before_pixels=True), path) for path in files]
    headers.sort(key=lambda pair: int(pair[0].InstanceNumber))
    slices: dict[float, Path] = {}
    for header, path in headers:
        cosines = np.array(header.ImageOrientationPatient, float)
        height = np.cross(cosines[:3], cosines[3:]) @ np.array(header.ImagePositionPatient, float)
        slices.setdefault(round(float(height), 2), path)
    return [slices[height] for height in sorted(slices)]


def test_every_volume_is_as_simpleitk_reads_its_dicom_files(export: Export) -> None:
    sitk = pytest.importorskip("SimpleITK", reason=NO_SIMPLEITK)
    assert len(export.volumes) >= 9
    for name, path in export.volumes.items():
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames([str(one) for one in in_slice_order(export.files[name])])
        expected, found = reader.Execute(), sitk.ReadImage(str(path))
        assert found.GetSize() == expected.GetSize()
        # One image does not say how thick it is to everyone alike.
        n = 2 if found.GetSize()[2] == 1 else 3
        assert found.GetSpacing()[:n] == pytest.approx(expected.GetSpacing()[:n], abs=1e-3)
        assert found.GetOrigin() == pytest.approx(expected.GetOrigin(), abs=1e-3)
        assert found.GetDirection() == pytest.approx(expected.GetDirection(), abs=1e-4)
        values = sitk.GetArrayFromImage(found)
        # SimpleITK rescales in 64 bits; values that are not whole are kept in 32.
        assert np.array_equal(sitk.GetArrayFromImage(expected).astype(values.dtype), values)


def test_nibabel_finds_the_same_geometry_in_every_field(export: Export) -> None:
    sitk = pytest.importorskip("SimpleITK", reason=NO_SIMPLEITK)
    nibabel: Any = pytest.importorskip("nibabel", reason="nibabel is not installed here")
    for path in export.volumes.values():
        volume, image = nibabel.load(path), sitk.ReadImage(str(path))
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
        affine[:3, 3] = image.GetOrigin()
        assert np.allclose(volume.affine, LPS_TO_RAS @ affine, atol=1e-3)
        header = volume.header
        assert header["sform_code"] > 0
        assert header["qform_code"] > 0
        assert np.allclose(volume.get_sform(), volume.get_qform(), atol=1e-3)
        assert header["pixdim"][1:4] == pytest.approx(image.GetSpacing(), abs=1e-5)
        assert header.get_xyzt_units()[0] == "mm"
        assert volume.ndim == 3
        assert np.array_equal(np.asanyarray(volume.dataobj), sitk.GetArrayViewFromImage(image).T)


@pytest.mark.filterwarnings("ignore")  # of packages that MONAI looks for
def test_monai_reads_the_list_and_the_volumes(export: Export) -> None:
    pytest.importorskip("monai", reason="MONAI is not installed here")
    nibabel: Any = pytest.importorskip("nibabel", reason="nibabel is not installed here")
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImage

    lists = json.loads((export.root / "datalist.json").read_text(encoding="utf-8"))
    items = []
    for name in ("training", "validation", "test"):
        items += load_decathlon_datalist(str(export.root / "datalist.json"), True, name)
    assert {Path(item["image"]) for item in items} == set(export.volumes.values())
    assert all(0 <= item["label"] < len(lists["classes"]) for item in items)
    load = LoadImage(image_only=True)
    for item in items[:3]:
        volume = load(item["image"])
        assert np.allclose(volume.affine, nibabel.load(item["image"]).affine)
        assert np.array_equal(np.asarray(volume), nibabel.load(item["image"]).get_fdata(dtype=np.float32))


def test_nnunet_accepts_the_folder(export: Export) -> None:
    """The conditions of ``verify_dataset_integrity``, also where nnU-Net is not installed."""
    sitk = pytest.importorskip("SimpleITK", reason=NO_SIMPLEITK)
    about = json.loads((export.root / "dataset.json").read_text(encoding="utf-8"))
    labels, ending = about["labels"], about["file_ending"]
    assert labels["background"] == 0
    assert sorted(labels.values()) == list(range(len(labels)))
    assert (list(about["channel_names"]), ending) == (["0"], ".nii.gz")
    training = sorted((export.root / "imagesTr").iterdir())
    assert len(training) == about["numTraining"] > 0
    assert all(path.name.endswith(f"_0000{ending}") for path in training)
    names = [path.name.removesuffix(f"_0000{ending}") for path in training]
    assert [p.name for p in sorted((export.root / "labelsTr").iterdir())] == [n + ending for n in names]
    for name, path in zip(names, training, strict=True):
        image, mask = sitk.ReadImage(str(path)), sitk.ReadImage(str(export.root / "labelsTr" / (name + ending)))
        assert mask.GetSize() == image.GetSize()
        for of in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert np.allclose(getattr(mask, of)(), getattr(image, of)())
        assert np.isfinite(sitk.GetArrayViewFromImage(image)).all()
        assert set(np.unique(sitk.GetArrayViewFromImage(mask))) == {about["classification"][name] + 1}


@pytest.mark.skipif(find_spec("nnunetv2") is None, reason="nnU-Net is not installed here")
def test_nnunet_checks_the_folder_itself(export: Export) -> None:
    code = (
        "import sys\n"
        "from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity\n"
        "if __name__ == '__main__': verify_dataset_integrity(sys.argv[1], 1)\n"
    )
    script = export.root.parent.parent / "verify.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script), str(export.root)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout


def test_nnunet_gets_training_images_where_all_patients_are_for_testing(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("SimpleITK", reason=NO_SIMPLEITK)
    monkeypatch.setattr(training_set, "split_of", lambda patient: "test")
    source, journal = shared_data / "dicom" / SERIES[0], tmp_path / "journal.sqlite"
    assert main(["classify", str(source), "--journal", str(journal), "--mode", "header", "--quiet"]) == 0
    with LabeledParts() as labels:
        accept_all(journal, labels)
        chosen = Settings(slices=1, side=16, volumes=True)
        export_training_set(labels, open_source(source), tmp_path / "out", KEY, chosen)
    root = tmp_path / "out" / "nnunet"
    about = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    items = json.loads((root / "datalist.json").read_text(encoding="utf-8"))
    images = sorted((root / "imagesTr").iterdir())
    assert len(images) == len(list((root / "labelsTr").iterdir())) == about["numTraining"] == len(items["test"]) > 0
    assert all((root / item["image"]).is_file() for item in items["test"])
    assert not items["training"]


def test_two_exports_have_the_same_bytes_and_nothing_in_the_headers(export: Export) -> None:
    again = sorted(export.again.glob("images*/*.nii.gz"))
    assert len(again) >= 4
    for path in again:
        assert path.read_bytes() == (export.root / path.relative_to(export.again)).read_bytes()
    for path in sorted(export.root.rglob("*.nii.gz")):
        octets = path.read_bytes()
        flags, time = octets[3], octets[4:8]
        assert (flags, time) == (0, bytes(4))  # no name of a file, no comment, no time
        content = gzip.decompress(octets)
        for begin, end in ((4, 14), (14, 32), (148, 228), (228, 252), (328, 344)):
            # data_type, db_name, descrip, aux_file, intent_name
            assert not any(content[begin:end])
        assert content[348:352] == bytes(4)  # no extension
        assert np.frombuffer(content[108:112], "<f4") == 352


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(3, 7), st.floats(0.4, 9.0))
def test_rounded_cosines_are_written_and_read_at_any_angle(seed: int, digits: int, gap: float) -> None:
    """NIfTI readers refuse axes that are not perpendicular; files round them."""
    sitk = pytest.importorskip("SimpleITK", reason=NO_SIMPLEITK)
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0].round(digits)
    normal = np.cross(axes[:, 0], axes[:, 1])
    images = tuple(
        Instance(
            f"{k}.dcm",
            0,
            {
                "ImageOrientationPatient": (*map(float, axes[:, 0]), *map(float, axes[:, 1])),
                "ImagePositionPatient": tuple(map(float, 90 - k * gap * normal)),
                "PixelSpacing": (0.5, 0.75),
                "InstanceNumber": k + 1.0,
            },
        )
        for k in range(5)
    )
    part = Part("1", 1, 1, images)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(volume, "stored_frame", lambda *_: np.ones((4, 3), np.int16))
        assert write_volume(Path(folder), "a", part) == ""
        found = sitk.ReadImage(str(volume_path(Path(folder), "a", test=False)))
    expected = np.stack([axes[:, 0], axes[:, 1], normal], axis=1)
    assert np.allclose(np.reshape(found.GetDirection(), (3, 3)), expected, atol=2 * 10.0**-digits + 1e-5)
    assert found.GetSpacing() == pytest.approx((0.75, 0.5, gap), rel=5e-3)
    assert found.GetOrigin() == pytest.approx(images[-1].numbers("ImagePositionPatient"), abs=1e-3)


def test_what_is_no_volume_is_named_in_the_card_and_in_the_manifest(export: Export) -> None:
    left_out = Counter(export.done.left_out)
    assert left_out["no volume: several orientations"] == 1
    assert export.done.parts == len(export.volumes) + sum(left_out.values())
    manifest = json.loads((export.root.parent / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["left_out"] == left_out
    section = export.card.partition("## Left out")[2]
    for reason, n in left_out.items():
        assert f"\n| {reason} | {n} |\n" in section
