"""Put instances together to series and studies, in an order that does not depend on the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterable

from SeriesClassifierLib.records import Instance, Series, Study


def instance_order(instance: Instance) -> tuple[float, str, int]:
    """Sort key of the instances of a series: by number, then SOP Instance UID, then frame."""
    number = instance.number("InstanceNumber")
    return (number if number is not None else float("inf"), instance.text("SOPInstanceUID"), instance.frame)


def make_series(series_uid: str, instances: Iterable[Instance], problems: Iterable[str] = ()) -> Series:
    """A Series from its instances. An image that is there twice (same SOP Instance UID and frame) counts
    once.
    """
    ordered = sorted(instances, key=lambda i: (*instance_order(i), i.path))
    unique: dict[tuple[str, int], Instance] = {}
    for instance in ordered:
        uid = instance.text("SOPInstanceUID") or instance.path
        unique.setdefault((uid, instance.frame), instance)
    kept = tuple(unique.values())
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
