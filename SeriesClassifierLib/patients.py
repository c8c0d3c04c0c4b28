"""What PatientID says about who a patient is, and when it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What stands for a PatientID that was removed: no two patients are one because of it.
_PLACEHOLDERS = frozenset(
    {
        "ANON",
        "ANONYM",
        "ANONYMIZED",
        "ANONYMISED",
        "ANONYMOUS",
        "DEIDENTIFIED",
        "NA",
        "NIL",
        "NOBODY",
        "NONAME",
        "NONE",
        "NOID",
        "NOTAVAILABLE",
        "NULL",
        "PATIENT",
        "PATIENTID",
        "REMOVED",
        "UNKNOWN",
        "UNNAMED",
    }
)
# Zeros, crosses, and the counter that every export begins with.
_FILLED = re.compile(r"0+|X+|1")
_LETTERS = re.compile(r"[^A-Z0-9]+")


def is_placeholder(patient_id: str) -> bool:
    """Whether a PatientID names nobody: empty, or a word that anonymization writes.

    >>> is_placeholder("Anonymous^"), is_placeholder("0000"), is_placeholder("4711")
    (True, True, False)
    """
    name = _LETTERS.sub("", patient_id.upper())
    return name in _PLACEHOLDERS or not name or _FILLED.fullmatch(name) is not None


def named_patients(patient_ids: Iterable[str]) -> tuple[str, ...]:
    """The different patients among ``patient_ids``, sorted; placeholders name nobody."""
    return tuple(sorted({name for p in patient_ids if (name := p.strip()) and not is_placeholder(name)}))
