"""Which parts are of one patient, told by keys of which no one can be turned back into a patient.

A split of training data must not have a patient on both sides. PatientID alone does not tell: it is removed,
or given anew to every study. So a series has several keys, and whatever shares one is of one patient.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.records import Series

if TYPE_CHECKING:
    from pydicom import Dataset

# What stands for a removed PatientID: no two patients are told to be one because of it.
_NOBODY = (
    "",
    "0",
    "1",
    "00000000",
    "ANON",
    "ANONYMOUS",
    "ANONYMIZED",
    "NONE",
    "UNKNOWN",
    "PATIENT",
    "REMOVED",
    "XXX",
)
_TAGS = (
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "StudyDate",
    "InstitutionName",
    "StationName",
    "DeviceSerialNumber",
)
_SHARES = (("train", 0.7), ("validation", 0.85), ("test", 1.0))


def patient_keys(series: Series, key: SiteKey) -> tuple[str, ...]:
    """The keys of a series, sorted: two series that share one are of one patient, as far as one can tell.

    From PatientID (with its issuer), PatientName with PatientBirthDate, the study, the frames of reference,
    and, where nothing names the patient, the day on a scanner: then all studies of that day stay together.
    """
    tags = _read(series.instances[0].path) if series.instances else {}
    patient_id = series.patient_id.strip() or tags.get("PatientID", "")
    found = [("study", series.study_uid)]
    found += [
        ("frame", uid) for uid in sorted({i.text("FrameOfReferenceUID") for i in series.instances}) if uid
    ]
    named = patient_id.strip().upper() not in _NOBODY
    if named:
        found.append(("patient", f"{tags.get('IssuerOfPatientID', '')}|{patient_id}"))
    if tags.get("PatientName") and tags.get("PatientBirthDate"):
        found.append(("person", f"{tags['PatientName'].upper()}|{tags['PatientBirthDate']}"))
        named = True
    if not named and tags.get("StudyDate"):
        scanner = "|".join(
            tags.get(name, "") for name in ("InstitutionName", "StationName", "DeviceSerialNumber")
        )
        found.append(("day", f"{tags['StudyDate']}|{scanner}"))
    return tuple(sorted({key.pseudonym(kind, value) for kind, value in found if value}))


def groups(keys: Sequence[Sequence[str]]) -> list[str]:
    """A name for the patient of each item: the same where items share a key, or are linked by others.

    The name is the least of the patient's keys: it does not depend on the order of the items.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for some in keys:
        for one in some:
            low, high = sorted((root(some[0]), root(one)))
            parent[high] = low
    return [root(some[0]) if some else "" for some in keys]


def split_of(group: str) -> str:
    """ "train", "validation" or "test" (70, 15, 15 %), always the same for a patient's name."""
    share = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
    return next(name for name, end in _SHARES if share < end)


def _read(path: str) -> Mapping[str, str]:
    """The identifying tags of a file, as texts; what cannot be read is absent."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    if not Path(path).is_file():
        return {}
    try:
        dataset: Dataset = pydicom.dcmread(
            path, stop_before_pixels=True, specific_tags=list(_TAGS), force=True
        )
        return {name: str(dataset.get(name, "")).strip() for name in _TAGS}
    except (InvalidDicomError, OSError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        return {}
