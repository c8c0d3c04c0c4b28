"""Predictions for tests of what comes after the models."""

from __future__ import annotations

from typing import Any

from SeriesClassifierLib.records import DecidedBy, Evidence, Prediction, Status


def make_prediction(**changes: Any) -> Prediction:
    """An ordinary prediction, with some fields changed."""
    values: dict[str, Any] = {
        "patient_id": "P-1",
        "study_uid": "1.2.1",
        "series_uid": "1.2.1.5",
        "part": 1,
        "series_number": 5,
        "description": "t2_tse_tra",
        "task": "prostate",
        "label": "T2 AX",
        "region": "prostate",
        "sequence": "T2",
        "plane": "AX",
        "phase": "NONE",
        "derived": "ORIGINAL",
        "b_value": None,
        "confidence": 0.98765432,
        "status": Status.AUTO,
        "decided_by": DecidedBy.JOINT,
        "bundle": "prostate-1.0.0",
        "n_instances": 19,
        "error": "",
        "evidence": (Evidence("fact", "plane AX from ImageOrientationPatient"),),
        "probabilities": {"sequence": {"T2": 0.98765432, "T1": 0.01234568}},
        "fingerprint": "f1",
        "bundle_digest": "d1",
    }
    return Prediction(**{**values, **changes})
