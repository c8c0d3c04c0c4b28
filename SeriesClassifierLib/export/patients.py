"""Which parts are of one patient, told by keys of which no one can be turned back into a patient.

A split of training data must not have a patient on both sides. PatientID alone does not tell: it is removed,
or given anew to every study. So a series has several keys, and whatever shares one is of one patient.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.patients import is_placeholder
from SeriesClassifierLib.records import Series
from SeriesClassifierLib.spool import Disk

if TYPE_CHECKING:
    from pydicom import Dataset

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
    named = not is_placeholder(patient_id)
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


def groups(keys: Iterable[Sequence[str]]) -> list[str]:
    """A name for the patient of each item, see ``Groups``."""
    with Disk() as disk:
        found = Groups(disk)
        firsts = [found.add(some) for some in keys]
        return [found.name(first) for first in firsts]


class Groups:
    """Names for patients: items have the same where they share a key, or are linked by others.

    The name is the least of the patient's keys: it does not depend on the order of the items.
    """

    def __init__(self, disk: Disk) -> None:
        self._parent = disk.table()

    def add(self, keys: Sequence[str]) -> str:
        """Link the keys of an item; returns one of them, to ask for its name when all items are there."""
        for key in keys:
            low, high = sorted((self.name(keys[0]), self.name(key)))
            self._parent.set(high, low)
        return keys[0] if keys else ""

    def name(self, key: str) -> str:
        """The name of the patient with this key."""
        above = self._parent.get(key, key)
        while above != (further := self._parent.get(above, above)):
            self._parent.set(key, further)
            key, above = above, further
        return str(above)


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
