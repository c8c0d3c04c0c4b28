"""Volumes of an export: NIfTI in true geometry and full intensity, as nnU-Net and MONAI read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from SeriesClassifierLib.errors import SeriesClassifierError, UsageError
from SeriesClassifierLib.images.volume import NoVolume, geometry, voxels
from SeriesClassifierLib.records import Part

# nnU-Net's names: imagesTr holds what trains, imagesTs what tests; _0000 is the first channel.
ROOT, TRAIN, TEST, LABELS = "nnunet", "imagesTr", "imagesTs", "labelsTr"


def volume_path(folder: Path, name: str, *, test: bool) -> Path:
    """Where the volume of a part stands in an export."""
    return folder / ROOT / (TEST if test else TRAIN) / f"{name}_0000.nii.gz"


def label_path(folder: Path, name: str) -> Path:
    """Where the label map of a part that trains stands in an export."""
    return folder / ROOT / LABELS / f"{name}.nii.gz"


def forget_volume(folder: Path, name: str) -> None:
    """Delete the volume and the label map of a part, if there are any."""
    for path in (*(volume_path(folder, name, test=t) for t in (False, True)), label_path(folder, name)):
        path.unlink(missing_ok=True)


def write_volume(folder: Path, name: str, part: Part) -> str:
    """Write the volume of a part unless it is there; returns why there is none, else ""."""
    sitk = _simpleitk()
    if any(volume_path(folder, name, test=test).is_file() for test in (False, True)):
        return ""
    place = geometry(part.instances)
    if isinstance(place, NoVolume):
        return place.value
    try:
        values = voxels(place.images)
    except Exception:  # whatever a decoder raises on broken pixels is this part's result
        return NoVolume.UNREADABLE.value
    if isinstance(values, NoVolume):
        return values.value
    image = sitk.GetImageFromArray(values)
    del values  # a large volume is in memory twice already
    image.SetOrigin(place.origin)
    image.SetSpacing(place.spacing)
    image.SetDirection(place.direction)
    _write(image, volume_path(folder, name, test=False))
    return ""


def place_volume(folder: Path, name: str, label: int, *, test: bool) -> None:
    """Put a volume where its split belongs, with a label map full of ``label`` where it trains."""
    sitk = _simpleitk()
    target, other = (volume_path(folder, name, test=t) for t in (test, not test))
    if other.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        other.replace(target)
    if test:
        label_path(folder, name).unlink(missing_ok=True)
        return
    volume = sitk.ImageFileReader()
    volume.SetFileName(str(target))
    volume.ReadImageInformation()
    labels = sitk.Image(volume.GetSize(), sitk.sitkUInt8) + label
    labels.SetOrigin(volume.GetOrigin())
    labels.SetSpacing(volume.GetSpacing())
    labels.SetDirection(volume.GetDirection())
    _write(labels, label_path(folder, name))


def _write(image: Any, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    # SimpleITK knows the kind of a file by its ending, so the draft needs the same.
    draft = out.with_name(f".part-{out.name}")
    try:
        _simpleitk().WriteImage(image, str(draft))
        draft.replace(out)
    except (RuntimeError, OSError) as error:
        raise SeriesClassifierError(
            "a volume cannot be written: check the disk or name another place"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _simpleitk() -> Any:
    try:
        import SimpleITK
    except ImportError as error:
        raise UsageError(
            "volumes need SimpleITK: pip install SimpleITK, or export without --volumes"
        ) from error
    return SimpleITK
