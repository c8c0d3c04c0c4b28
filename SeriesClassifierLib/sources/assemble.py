"""Put instances together to series and studies, in an order that does not depend on the order of the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from SeriesClassifierLib.patients import named_patients
from SeriesClassifierLib.records import Evidence, Instance, Reason, Repair, Series, Study, Witness
from SeriesClassifierLib.sources.copies import Distinct, without_copies


def instance_order(instance: Instance) -> tuple[float, str, int]:
    """Sort key of the instances of a series: by number, then SOP Instance UID, then frame."""
    number = instance.number("InstanceNumber")
    return (number if number is not None else float("inf"), instance.text("SOPInstanceUID"), instance.frame)


def make_series(
    series_uid: str,
    instances: Iterable[Instance],
    problems: Iterable[str] = (),
    *,
    studies: int = 1,
    patients: int = 1,
) -> Series:
    """A Series from its instances, which are of one study. Copies of an image count once; different images
    that share a SOPInstanceUID are kept and warned about. ``studies`` is how many use this SeriesInstanceUID,
    ``patients`` how many have images in what was taken for this series.
    """
    distinct = without_copies(sorted(instances, key=lambda i: (*instance_order(i), i.path)))
    kept = distinct.instances
    first = kept[0] if kept else None
    number = first.number("SeriesNumber") if first else None
    return Series(
        series_uid=series_uid,
        study_uid=first.text("StudyInstanceUID") if first else "",
        patient_id=first.text("PatientID") if first else "",
        instances=kept,
        problems=tuple(sorted(set(problems))),
        description=first.text("SeriesDescription") if first else "",
        series_number=int(number) if number is not None else None,
        warnings=tuple(_warnings(distinct, studies, patients)),
    )


def by_study(instances: Iterable[Instance], otherwise: str) -> dict[str, list[Instance]]:
    """The instances of one series by the study that each names, ``otherwise`` where it names none."""
    out: dict[str, list[Instance]] = {}
    for instance in instances:
        out.setdefault(instance.text("StudyInstanceUID") or otherwise, []).append(instance)
    return out


def _warnings(distinct: Distinct, studies: int, patients: int) -> Iterator[Evidence]:
    for reason, n in (
        (Reason.REPEATED_SOP_UID, distinct.repeated),
        (Reason.NO_SOP_UID, distinct.nameless),
    ):
        if n:
            yield Evidence(Witness.FILE, reason, source="SOPInstanceUID", number=n, against=True)
    yield from _repairs(distinct.instances)
    if studies > 1:
        yield shared_series_uid(studies)
    patients = max(patients, len(named_patients(i.text("PatientID") for i in distinct.instances)))
    if patients > 1:
        yield Evidence(
            Witness.FILE,
            Reason.SEVERAL_PATIENTS,
            source="PatientID",
            number=patients,
            against=True,
            decisive=True,
        )


# Acquisition parameters without which volumes may look like time points, or one class like another.
_DECIDING = frozenset(
    {
        *("EchoTime", "RepetitionTime", "InversionTime", "FlipAngle", "DiffusionBValue", "EchoNumbers"),
        *("ImageOrientationPatient", "ImagePositionPatient", "NumberOfFrames"),
    }
)


def _repairs(instances: Iterable[Instance]) -> Iterator[Evidence]:
    """What tags hold no clean value, once a tag and kind of repair."""
    counted = Counter(repaired for instance in instances for repaired in instance.repairs)
    for repaired, n in sorted(counted.items()):
        unreadable = repaired.repair is Repair.UNREADABLE
        yield Evidence(
            Witness.FILE,
            Reason.UNREADABLE_VALUE if unreadable else Reason.REPAIRED,
            value="" if unreadable else repaired.repair.value,
            source=repaired.keyword,
            number=n,
            against=True,
            decisive=unreadable and repaired.keyword in _DECIDING,
        )


def shared_series_uid(studies: int) -> Evidence:
    """That several studies use one SeriesInstanceUID: a label of one must never reach the other."""
    return Evidence(
        Witness.FILE,
        Reason.SHARED_SERIES_UID,
        source="SeriesInstanceUID",
        number=studies,
        against=True,
        decisive=True,
    )


def make_study(study_uid: str, series: Iterable[Series]) -> Study:
    """A Study with its series in the order of the output table. What has no study UID shares no patient."""
    ordered = tuple(sorted(series, key=series_order))
    patient_id = next((s.patient_id for s in ordered if s.patient_id and study_uid), "")
    return Study(study_uid, patient_id, ordered)


def series_order(series: Series) -> tuple[float, str, str]:
    """By series number, then UID; what has no number comes last."""
    number = series.series_number
    return (number if number is not None else float("inf"), series.series_uid, series.description)
