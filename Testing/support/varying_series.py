"""Series whose slices are there several times, by what differs between their volumes: written as single files or as
one enhanced multi-frame file, with the parts that a reader expects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.dicom_writer import uid_of, write_series

Tags = Mapping[str, TagValue]
_AX = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_COR = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
_GAP = 4.0
_SHAPE = (16, 20)

SIEMENS: Tags = {"Manufacturer": "SIEMENS", "MagneticFieldStrength": 3.0}
GE: Tags = {"Manufacturer": "GE MEDICAL SYSTEMS", "MagneticFieldStrength": 1.5}
PHILIPS: Tags = {"Manufacturer": "Philips Medical Systems", "MagneticFieldStrength": 3.0}
CANON: Tags = {"Manufacturer": "TOSHIBA", "MagneticFieldStrength": 3.0}
GRE: Tags = {
    "ScanningSequence": "GR", "SequenceVariant": "SP", "MRAcquisitionType": "3D", "RepetitionTime": 6.0,
    "EchoTime": 2.9, "FlipAngle": 9.0,
}  # fmt: skip
EPI: Tags = {"ScanningSequence": "EP", "RepetitionTime": 4000.0, "EchoTime": 70.0, "FlipAngle": 90.0}


@dataclass(frozen=True)
class Volume:
    """Slices with the same ``tags``; ``shift`` mm along the normal from where the first volume lies."""

    tags: Tags
    slices: Sequence[int] = range(6)
    shift: float = 0.0
    per_slice: Mapping[str, Sequence[float]] = field(default_factory=dict)
    orientation: tuple[float, ...] = _AX


@dataclass(frozen=True)
class VaryingSeries:
    """``parts`` are the values of each expected part ("" for a whole series), in their order."""

    kind: str
    name: str
    base: Tags
    volumes: tuple[Volume, ...]
    parts: tuple[str, ...]
    is_dynamic: bool = False

    @property
    def images(self) -> list[dict[str, TagValue]]:
        """The tags of each image."""
        out: list[dict[str, TagValue]] = []
        for volume in self.volumes:
            for place in volume.slices:
                tags = {**self.base, **volume.tags}
                tags |= {keyword: values[place] for keyword, values in volume.per_slice.items()}
                out.append(tags | self._identity(len(out)) | _geometry(volume, place))
        return out

    def _identity(self, number: int) -> dict[str, TagValue]:
        return {
            "PatientID": "P1", "Modality": "MR", "SeriesNumber": 5.0, "SliceThickness": _GAP,
            "PixelSpacing": (1.0, 1.0), "InstanceNumber": float(number + 1), "SeriesDescription": "series",
            "StudyInstanceUID": uid_of("varying study", self.kind, self.name),
            "SeriesInstanceUID": uid_of("varying series", self.kind, self.name),
            "SOPInstanceUID": uid_of("varying image", self.kind, self.name, number),
        }  # fmt: skip


def _geometry(volume: Volume, place: int) -> dict[str, TagValue]:
    along = _GAP * place + volume.shift
    position = (-40.0, -50.0, along) if volume.orientation == _AX else (-40.0, along, 50.0)
    return {"ImageOrientationPatient": volume.orientation, "ImagePositionPatient": position}


def _pixels(number: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    rng = np.random.default_rng([7, number])
    return rng.integers(0, 900, _SHAPE).astype(np.uint16)


def write_classic(series: VaryingSeries, folder: Path) -> list[Path]:
    """One file an image."""
    images = series.images
    return write_series([_pixels(n) for n in range(len(images))], images, folder)


# --- enhanced

# Where enhanced MR keeps what classic MR has at the top: keyword -> (sequence, keyword there).
_FRAME = {
    "ImagePositionPatient": ("PlanePositionSequence", "ImagePositionPatient"),
    "ImageOrientationPatient": ("PlaneOrientationSequence", "ImageOrientationPatient"),
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "InversionTime": ("MRModifierSequence", "InversionTimes"),
    "MagnetizationTransfer": ("MRModifierSequence", "MagnetizationTransfer"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "RepetitionTime": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "ImageType": ("MRImageFrameTypeSequence", "FrameType"),
    "AcquisitionContrast": ("MRImageFrameTypeSequence", "AcquisitionContrast"),
    "ComplexImageComponent": ("MRImageFrameTypeSequence", "ComplexImageComponent"),
    "TemporalPositionIdentifier": ("FrameContentSequence", "TemporalPositionIndex"),
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
    "AcquisitionTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
    "TriggerTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "SliceThickness": ("PixelMeasuresSequence", "SliceThickness"),
    "PixelSpacing": ("PixelMeasuresSequence", "PixelSpacing"),
}
_FLAGS = {
    "GR": ("EchoPulseSequence", "GRADIENT"),
    "SE": ("EchoPulseSequence", "SPIN"),
    "EP": ("EchoPlanarPulseSequence", "YES"),
}
_WHOLE = frozenset({"TemporalPositionIndex", "FrameAcquisitionNumber"})


def write_enhanced(series: VaryingSeries, folder: Path) -> list[Path]:
    """All images as frames of one file. Tags that only single files have (vendors' private ones) are lost."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    images = series.images
    first = images[0]
    dataset = Dataset()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.4.1")
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "Modality"):
        setattr(dataset, keyword, str(first[keyword]))
    dataset.Manufacturer, dataset.SeriesDescription = str(first["Manufacturer"]), "series"
    dataset.SeriesNumber, dataset.InstanceNumber = 5, 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "MIXED", "MIXED"]
    dataset.MagneticFieldStrength = float(first["MagneticFieldStrength"])  # type: ignore[arg-type]
    dataset.MRAcquisitionType = str(first.get("MRAcquisitionType", "2D"))
    flag, value = _FLAGS[str(first["ScanningSequence"])]
    setattr(dataset, flag, value)
    dataset.NumberOfFrames, (dataset.Rows, dataset.Columns) = len(images), _SHAPE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.SharedFunctionalGroupsSequence = [Dataset()]
    dataset.PerFrameFunctionalGroupsSequence = [_frame(tags) for tags in images]
    dataset.PixelData = np.stack([_pixels(n) for n in range(len(images))]).astype("<u2").tobytes()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "enhanced.dcm"
    if int(pydicom.__version__.split(".")[0]) >= 3:
        dataset.save_as(path, enforce_file_format=True)
    else:
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.save_as(path, write_like_original=False)
    return [path]


def _frame(tags: Tags) -> Any:
    from pydicom.dataset import Dataset

    groups = Dataset()
    for keyword, (sequence, enhanced) in _FRAME.items():
        if keyword not in tags:
            continue
        if sequence not in groups:
            setattr(groups, sequence, [Dataset()])
        setattr(getattr(groups, sequence)[0], enhanced, _value(enhanced, tags[keyword]))
    return groups


def _value(enhanced: str, value: TagValue) -> Any:
    if enhanced == "FrameAcquisitionDateTime":
        return f"20200102{value}"
    if enhanced in _WHOLE:
        return int(float(value))  # type: ignore[arg-type]
    return list(value) if isinstance(value, tuple) else value


# --- the variants


def _volumes(keyword: str, values: Sequence[TagValue], **more: Any) -> tuple[Volume, ...]:
    return tuple(Volume({keyword: value}, **more) for value in values)


def _at(seconds: float) -> Tags:
    return {"AcquisitionTime": f"12{int(seconds) // 60:02d}{seconds % 60:05.2f}"}


def _inversion_times() -> list[VaryingSeries]:
    jitter = [[100.0, 107.0, 112.0], [1010.0, 1041.0, 996.0], [1930.0, 1987.0, 1902.0], [2860.0, 2911.0, 2799.0]]
    many = tuple(50.0 * n for n in range(1, 21))
    return [
        VaryingSeries("inversion time", "eleven", {**GRE, **PHILIPS}, _volumes("InversionTime", [40.0 + 290.0 * n for n in range(11)]), tuple(f"TI={40 + 290 * n:g}" for n in range(11))),
        VaryingSeries("inversion time", "two with the same times of day", {**GRE, **SIEMENS, **_at(10)}, _volumes("InversionTime", [700.0, 2500.0]), ("TI=700", "TI=2500")),
        VaryingSeries("inversion time", "of a beating heart", {**GRE, **SIEMENS}, tuple(Volume(_at(n), range(3), per_slice={"InversionTime": times}) for n, times in enumerate(jitter)), ("TI=107", "TI=1010", "TI=1930", "TI=2860")),
        VaryingSeries("inversion time", "more than a reader wants", {**GRE, **GE}, _volumes("InversionTime", many, slices=range(2)), ("",)),
        VaryingSeries("inversion time", "of a beating heart, one image missing", {**GRE, **PHILIPS}, tuple(Volume(_at(n), (0, 2) if n == 1 else range(3), per_slice={"InversionTime": times}) for n, times in enumerate(jitter)), ("TI=107", "TI=1003", "TI=1930", "TI=2860")),
        VaryingSeries("inversion time", "that drifts from slice to slice", {**GRE, **CANON}, tuple(Volume(_at(n), range(8), per_slice={"InversionTime": [ti + 2.0 * k for k in range(8)]}) for n, ti in enumerate((120.0, 350.0, 800.0, 1500.0, 3000.0))), ("TI=127", "TI=357", "TI=807", "TI=1507", "TI=3007")),
        VaryingSeries("inversion time", "each twice", {**GRE, **SIEMENS}, tuple(Volume({"InversionTime": ti, **_at(20 * n)}) for n, ti in enumerate((100.0, 900.0, 2500.0) * 2)), tuple(f"TI={ti},time={n}" for ti in (100, 900, 2500) for n in (1, 2))),
        VaryingSeries("inversion time", "of one slice", {**GRE, **GE}, _volumes("InversionTime", [100.0, 400.0, 900.0, 1600.0], slices=range(1)), ("TI=100", "TI=400", "TI=900", "TI=1600")),
    ]  # fmt: skip


def _flip_angles() -> list[VaryingSeries]:
    dynamic = tuple(Volume({"FlipAngle": 12.0, "TemporalPositionIdentifier": float(n), **_at(30 + 6 * n)}) for n in range(1, 5))
    return [
        VaryingSeries("flip angle", "four", {**GRE, **SIEMENS}, _volumes("FlipAngle", [2.0, 5.0, 10.0, 15.0]), ("FA=2", "FA=5", "FA=10", "FA=15")),
        VaryingSeries("flip angle", "with a hole in two volumes", {**GRE, **GE}, (Volume({"FlipAngle": 5.0}), Volume({"FlipAngle": 10.0}, (0, 1, 3, 4, 5)), Volume({"FlipAngle": 20.0}, (0, 2, 3, 4, 5))), ("FA=5", "FA=10", "FA=20")),
        VaryingSeries("flip angle", "each twice", {**GRE, **PHILIPS}, tuple(Volume({"FlipAngle": fa, **_at(20 * n)}) for n, fa in enumerate((2.0, 5.0, 15.0) * 2)), tuple(f"FA={fa},time={n}" for fa in (2, 5, 15) for n in (1, 2))),
        VaryingSeries("flip angle", "close to each other", {**GRE, **CANON}, _volumes("FlipAngle", [1.0, 1.4, 1.8, 2.2]), ("FA=1", "FA=1.4", "FA=1.8", "FA=2.2")),
        VaryingSeries("flip angle", "of a patient who sinks", {**GRE, **GE}, tuple(Volume({"FlipAngle": fa, **_at(20 * n)}, range(16), shift=1.3 * n) for n, fa in enumerate((2.0, 5.0, 10.0, 15.0))), ("FA=2", "FA=5", "FA=10", "FA=15")),
        VaryingSeries("flip angle", "numbered in time, too", {**GRE, **PHILIPS}, tuple(Volume({"FlipAngle": 3.0 * n, "TemporalPositionIdentifier": float(n), **_at(20 * n)}) for n in range(1, 6)), tuple(f"FA={3 * n}" for n in range(1, 6))),
        VaryingSeries("flip angle", "before a dynamic", {**GRE, **SIEMENS}, (Volume({"FlipAngle": 2.0}), Volume({"FlipAngle": 5.0}), *dynamic), ("FA=2", "FA=5", *(f"FA=12,time={n}" for n in range(1, 5))), is_dynamic=True),
    ]  # fmt: skip


def _components() -> list[VaryingSeries]:
    def pair(name: str, base: Tags, one: Tags, other: Tags, values: Sequence[str] = ("MAGNITUDE", "PHASE")) -> VaryingSeries:
        return VaryingSeries("component", name, base, (Volume(one), Volume(other)), tuple(f"component={v}" for v in values))

    plain = ("ORIGINAL", "PRIMARY", "OTHER")
    return [
        pair("standard tag", {**GRE, **PHILIPS, "ImageType": plain}, {"ComplexImageComponent": "MAGNITUDE"}, {"ComplexImageComponent": "PHASE"}),
        pair("only the phase is named", {**GRE, **CANON, "ImageType": plain}, {}, {"ComplexImageComponent": "PHASE"}),
        pair("real and magnitude", {**GRE, **CANON, "ImageType": plain}, {"ComplexImageComponent": "MAGNITUDE"}, {"ComplexImageComponent": "REAL"}, ("MAGNITUDE", "REAL")),
        pair("image type", {**GRE, **SIEMENS}, {"ImageType": ("ORIGINAL", "PRIMARY", "M", "ND")}, {"ImageType": ("ORIGINAL", "PRIMARY", "P", "ND")}),
        pair("standard tag in short", {**GRE, **CANON, "ImageType": plain}, {"ComplexImageComponent": "M"}, {"ComplexImageComponent": "P"}),
        pair("image type in other words", {**GRE, **GE}, {"ImageType": (*plain[:2], "MAGNITUDE IMAGE")}, {"ImageType": (*plain[:2], "PHASE_IMAGE")}),
        pair("GE's private tag", {**GRE, **GE, "ImageType": plain}, {"GEImageKind": 0.0}, {"GEImageKind": 1.0}),
        pair("GE's real and imaginary", {**GRE, **GE, "ImageType": plain}, {"GEImageKind": 3.0}, {"GEImageKind": 2.0}, ("IMAGINARY", "REAL")),
        pair("Philips' private tag", {**GRE, **PHILIPS, "ImageType": plain}, {"PhilipsImageKind": "M"}, {"PhilipsImageKind": "P"}),
    ]  # fmt: skip


def _diffusion() -> list[VaryingSeries]:
    def ivim(name: str, vendor: Tags, keyword: str, values: Sequence[float], **more: Any) -> VaryingSeries:
        base = {**EPI, **vendor, "ImageType": ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")}
        return VaryingSeries("b-value", name, base, _volumes(keyword, values, **more), tuple(f"b={b:g}" for b in sorted(values)))

    siemens = ivim("stopped early", SIEMENS, "SiemensBValue", [0.0, 10.0, 20.0, 30.0, 60.0])
    early = (*siemens.volumes, Volume({"SiemensBValue": 90.0}, range(3)))
    shells = tuple(Volume({"DiffusionBValue": b}) for b in (0.0, 995.0, 1000.0, 1005.0, 2000.0))
    base = {**siemens.base, **SIEMENS}
    return [
        ivim("dense and small", PHILIPS, "DiffusionBValue", [0.0, 5.0, 10.0, 15.0, 20.0, 30.0]),
        ivim("of Philips' private tag", PHILIPS, "PhilipsBValue", [0.0, 10.0, 20.0, 30.0, 40.0, 80.0]),
        VaryingSeries("b-value", "with GE's flag", {**EPI, **GE, "ImageType": ("ORIGINAL", "PRIMARY", "OTHER")}, _volumes("DiffusionBValue", [1e9 + b for b in (50.0, 400.0, 800.0)]), ("b=50", "b=400", "b=800")),
        ivim("out of order", GE, "DiffusionBValue", [800.0, 0.0, 400.0, 50.0, 40.0]),
        replace(siemens, volumes=early, parts=(*siemens.parts, "b=90")),
        VaryingSeries("b-value", "shells", base, shells, ("b=0", "b=1000", "b=2000")),
        VaryingSeries("b-value", "none repeated, no EPI", {**base, "ScanningSequence": "SE"}, (*shells[:1] * 3, *shells[-1:]), ("b=0", "b=2000")),
        VaryingSeries("b-value", "twice the same", base, (*shells, *shells), ("b=0", "b=1000", "b=2000")),
    ]  # fmt: skip


def _echoes() -> list[VaryingSeries]:
    return [
        VaryingSeries("echo time", "last one stopped early", {**GRE, **GE}, (Volume({"EchoTime": 2.3}), Volume({"EchoTime": 4.6}), Volume({"EchoTime": 6.9}, range(2))), ("TE=2.3", "TE=4.6", "TE=6.9")),
        VaryingSeries("echo time", "with one stray image", {**GRE, **SIEMENS}, (Volume({"EchoTime": 2.3}), Volume({"EchoTime": 4.6}), Volume({"EchoTime": 9.0}, range(1))), ("TE=2.3", "TE=4.6")),
        VaryingSeries("echo time", "by number alone", {**{k: v for k, v in GRE.items() if k != "EchoTime"}, **CANON}, tuple(Volume({"EchoNumbers": float(n), **_at(n)}) for n in (1, 2, 3)), ("echo=1", "echo=2", "echo=3")),
        VaryingSeries("echo time", "more than a reader wants", {**GRE, **PHILIPS}, tuple(Volume({"EchoTime": 1.2 * n, **_at(n)}) for n in range(1, 17)), ("",)),
        VaryingSeries("echo time", "with holes in all volumes", {**GRE, **PHILIPS}, tuple(Volume({"EchoTime": 2.0 * n}, [k for k in range(8) if (k + n) % 4]) for n in range(1, 6)), ("TE=2", "TE=4", "TE=6", "TE=8", "TE=10")),
        VaryingSeries("echo time", "two halves of one stack", {**GRE, **SIEMENS}, (Volume({"EchoTime": 80.0}, range(6)), Volume({"EchoTime": 82.0}, range(6, 12))), ("",)),
    ]  # fmt: skip


def _dixon() -> list[VaryingSeries]:
    def kinds(name: str, vendor: Tags, words: Mapping[str, str], **more: Any) -> VaryingSeries:
        volumes = tuple(Volume({"ImageType": ("ORIGINAL", "PRIMARY", word), **_at(5)}, **more) for word in words.values())
        return VaryingSeries("dixon", name, {**GRE, **vendor}, volumes, tuple(f"type={kind}" for kind in sorted(words)))

    return [
        kinds("words of Siemens", SIEMENS, {"WATER": "WATER", "FAT": "FAT", "IN_PHASE": "IN_PHASE", "OPP_PHASE": "OPP_PHASE", "FAT_FRACTION": "FAT_FRACTION"}),
        kinds("words of GE", GE, {"WATER": "WATER", "FAT": "FAT", "IN_PHASE": "INPHASE", "OPP_PHASE": "OUTPHASE", "FAT_FRACTION": "FATFRACTION"}),
        kinds("words of Philips", PHILIPS, {"WATER": "W", "FAT": "F", "IN_PHASE": "IP", "OPP_PHASE": "OP", "FAT_FRACTION": "FF"}),
        kinds("words of Canon", CANON, {"WATER": "WATER", "FAT": "FAT", "IN_PHASE": "IN", "OPP_PHASE": "OUT"}),
        kinds("words of UIH", {**SIEMENS, "Manufacturer": "UIH"}, {"WATER": "WATER", "FAT": "FAT", "IN_PHASE": "IP", "OPP_PHASE": "OOP"}),
        kinds("words of Hitachi", {**GE, "Manufacturer": "Hitachi Medical Corporation"}, {"WATER": "WATER IMAGE", "FAT": "FAT IMAGE"}),
    ]  # fmt: skip


def _others() -> list[VaryingSeries]:
    ie = {**GRE, **SIEMENS}
    return [
        VaryingSeries("contrast", "two beside each other", {**GRE, **PHILIPS}, (Volume({"AcquisitionContrast": "T1"}), Volume({"AcquisitionContrast": "T2", "EchoTime": 90.0}, range(6, 12))), ("contrast=T1", "contrast=T2")),
        VaryingSeries("contrast", "three in one place", {**EPI, **SIEMENS, "ScanningSequence": "SE"}, tuple(Volume({"AcquisitionContrast": c, **_at(n)}) for n, c in enumerate(("T1", "T2", "PROTON_DENSITY"))), ("contrast=PROTON_DENSITY", "contrast=T1", "contrast=T2")),
        VaryingSeries("contrast", "one of them not named", {**GRE, **GE}, (Volume({"AcquisitionContrast": "T1"}), Volume({"AcquisitionContrast": "T2"}, range(6, 12)), Volume({"AcquisitionContrast": "UNKNOWN"}, range(12, 18))), ("contrast=unknown", "contrast=T1", "contrast=T2")),
        VaryingSeries("repetition time", "saturation recovery", {**GRE, **SIEMENS}, tuple(Volume({"RepetitionTime": tr, **_at(n)}) for n, tr in enumerate((100.0, 400.0, 1500.0, 5000.0))), ("TR=100", "TR=400", "TR=1500", "TR=5000")),
        VaryingSeries("repetition time", "each twice", {**GRE, **PHILIPS}, tuple(Volume({"RepetitionTime": tr, **_at(n)}) for n, tr in enumerate((20.0, 100.0) * 2)), ("TR=20,time=1", "TR=20,time=2", "TR=100,time=1", "TR=100,time=2")),
        *_dixon(),
        VaryingSeries("words", "maps of a dynamic", ie, tuple(Volume({"ImageType": ("DERIVED", "PRIMARY", word), **_at(n)}) for n, word in enumerate(("KTRANS", "VE", "KEP"))), ("words=KEP", "words=KTRANS", "words=VE")),
        VaryingSeries("words", "with and without correction", {**GRE, **CANON}, tuple(Volume({"ImageType": ("ORIGINAL", "PRIMARY", "M", word), **_at(n)}) for n, word in enumerate(("NORM", "ND"))), ("words=ND", "words=NORM")),
        VaryingSeries("words", "before the volumes of a dynamic", {**GRE, **PHILIPS}, (Volume({"ImageType": ("DERIVED", "PRIMARY", "TTP9")}), *(Volume({"ImageType": ("ORIGINAL", "PRIMARY"), **_at(20 * n)}) for n in range(1, 5))), ("words=DERIVED+TTP9", *(f"words=ORIGINAL,time={n}" for n in range(1, 5))), is_dynamic=True),
        VaryingSeries("setting", "sequence name", ie, tuple(Volume({"SequenceName": name, **_at(n)}) for n, name in enumerate(("*fl3d1", "*fl3d2", "*fl3d3"))), ("SequenceName=*fl3d1", "SequenceName=*fl3d2", "SequenceName=*fl3d3")),
        VaryingSeries("setting", "unit of the values", {**GRE, **PHILIPS}, tuple(Volume({"RescaleType": unit, **_at(n)}) for n, unit in enumerate(("normalized", "radians"))), ("RescaleType=normalized", "RescaleType=radians")),
        VaryingSeries("setting", "echo train", {**GRE, **GE}, tuple(Volume({"EchoTrainLength": n, **_at(n)}) for n in (1.0, 3.0, 7.0)), ("EchoTrainLength=1", "EchoTrainLength=3", "EchoTrainLength=7")),
        VaryingSeries("unexplained", "no clock at all", ie, (Volume({}), Volume({}), Volume({})), ("repeat=1", "repeat=2", "repeat=3")),
        VaryingSeries("unexplained", "the same time everywhere", {**GRE, **PHILIPS, **_at(10), "AcquisitionNumber": 1.0}, (Volume({}), Volume({}), Volume({}), Volume({})), ("repeat=1", "repeat=2", "repeat=3", "repeat=4")),
        VaryingSeries("unexplained", "each slice has its own time", {**GRE, **CANON}, tuple(Volume({}, per_slice={"AcquisitionTime": [f"1200{k:02d}" for k in range(6)]}) for _ in range(3)), ("repeat=1", "repeat=2", "repeat=3")),
        VaryingSeries("repetition time", "three", {**GRE, **GE}, _volumes("RepetitionTime", [300.0, 700.0, 2000.0]), ("TR=300", "TR=700", "TR=2000")),
        VaryingSeries("preparation", "magnetization transfer by scan option", {**GRE, **GE}, (Volume({"ScanOptions": ("FAST_GEMS", "MT")}), Volume({"ScanOptions": "FAST_GEMS"})), ("prep=MT", "prep=none")),
        VaryingSeries("preparation", "magnetization transfer by variant", ie, (Volume({"SequenceVariant": ("SP", "MTC")}), Volume({"SequenceVariant": "SP"})), ("prep=MTC", "prep=none")),
        VaryingSeries("preparation", "fat saturation", {**GRE, **PHILIPS}, (Volume({"ScanOptions": "FS"}), Volume({"ScanOptions": "OTHER"})), ("prep=FS", "prep=OTHER")),
        VaryingSeries("cardiac phase", "counted", {**ie, "CardiacNumberOfImages": 6.0}, tuple(Volume({"TriggerTime": 90.0 * n}) for n in range(6)), ("",)),
        VaryingSeries("cardiac phase", "few and slow", {**GRE, **SIEMENS, **_at(10)}, tuple(Volume({"TriggerTime": 180.0 * n}) for n in range(6)), ("",)),
        VaryingSeries("cardiac phase", "by trigger time alone", {**GRE, **PHILIPS}, tuple(Volume({"TriggerTime": 11.0 + 60.0 * n}) for n in range(10)), ("",)),
    ]  # fmt: skip


def _times() -> list[VaryingSeries]:
    def dynamic(name: str, vendor: Tags, volumes: Sequence[Volume]) -> VaryingSeries:
        whole = [n for n, volume in enumerate(volumes, start=1)]
        return VaryingSeries("time", name, {**GRE, **vendor, "FlipAngle": 12.0}, tuple(volumes), tuple(f"time={n}" for n in whole), is_dynamic=True)

    def timed(seconds: float, **more: Any) -> Volume:
        return Volume(_at(seconds), **more)

    first = Volume({}, orientation=_AX)
    return [
        dynamic("with holes", SIEMENS, [timed(0), timed(20, slices=(0, 1, 2, 4, 5)), timed(40, slices=(0, 2, 3, 4, 5)), timed(60)]),
        dynamic("last one stopped early", GE, [timed(0), timed(20), timed(40), timed(60, slices=range(2))]),
        dynamic("shifted by parts of a slice", PHILIPS, [timed(20 * n, shift=0.3 * n) for n in range(4)]),
        dynamic("with a pause", SIEMENS, [timed(s) for s in (0, 20, 40, 400, 420)]),
        dynamic("numbered only", CANON, [Volume({"TemporalPositionIdentifier": float(n)}, shift=0.2 * (n % 2)) for n in range(1, 6)]),
        dynamic("over midnight", SIEMENS, [Volume({"AcquisitionTime": t}) for t in ("235930", "235950", "000010", "000030")]),
        dynamic("of a patient who sinks", GE, [timed(20 * n, slices=range(16), shift=1.3 * n) for n in range(4)]),
        VaryingSeries("time", "of the content", {**GRE, **GE}, _volumes("ContentTime", ["101500", "101520", "101540"]), ("acquisition=1", "acquisition=2", "acquisition=3"), is_dynamic=True),
        VaryingSeries("time", "acquisitions without a time", {**GRE, **GE}, _volumes("AcquisitionNumber", [1.0, 2.0, 3.0]), ("acquisition=1", "acquisition=2", "acquisition=3"), is_dynamic=True),
        VaryingSeries("stray slice", "another orientation", {**GRE, **SIEMENS}, (replace(first, slices=range(20)), Volume({}, range(1), orientation=_COR)), ("",)),
        VaryingSeries("stray slice", "two beside sixteen", {**GRE, **GE}, (replace(first, slices=range(16)), Volume({}, range(1), orientation=_COR), Volume({}, range(1), orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))), ("",)),
        VaryingSeries("stray slice", "one beside five", {**GRE, **PHILIPS}, (replace(first, slices=range(5)), Volume({}, range(1), orientation=_COR)), ("",)),
        VaryingSeries("stray slice", "twice there", {**GRE, **SIEMENS}, (replace(first, slices=range(20)), Volume({}, range(2, 3))), ("",)),
        VaryingSeries("stray slice", "beside two stacks", {**GRE, **PHILIPS}, (replace(first, slices=range(20)), Volume({}, range(18), orientation=_COR), Volume({}, range(1), orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))), ("normal=0/0/1", "normal=0/1/0")),
    ]  # fmt: skip


VARIANTS: tuple[VaryingSeries, ...] = (
    *_inversion_times(), *_flip_angles(), *_components(), *_diffusion(), *_echoes(), *_others(), *_times()
)  # fmt: skip
# What no standard tag of an enhanced file states.
_PRIVATE = ("GEImageKind", "RescaleType", "EchoNumbers", "SequenceName", "ContentTime", "EchoTrainLength", "PhilipsImageKind", "SiemensBValue", "PhilipsBValue", "ScanOptions", "SequenceVariant", "CardiacNumberOfImages")  # fmt: skip
ENHANCED: tuple[VaryingSeries, ...] = (
    *(
        series
        for series in VARIANTS
        if "CardiacNumberOfImages" not in series.base
        and not any(keyword in _PRIVATE for volume in series.volumes for keyword in volume.tags)
    ),
    VaryingSeries("preparation", "magnetization transfer of frames", {**GRE, **SIEMENS}, (Volume({"MagnetizationTransfer": "ON_RESONANCE"}), Volume({"MagnetizationTransfer": "NONE"})), ("prep=MTC", "prep=none")),
)  # fmt: skip
