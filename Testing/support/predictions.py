"""Predictions for tests of what comes after the models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SeriesClassifierLib.identity import image_digest, pack, part_key
from SeriesClassifierLib.records import (
    HEADERS_TASK,
    DecidedBy,
    Evidence,
    Opinion,
    Prediction,
    Reason,
    Status,
    Witness,
)


def make_prediction(**changes: Any) -> Prediction:
    """An ordinary prediction, with some fields changed. Its images are those of its series and part number,
    unless others are given; its key follows from them.
    """
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
        "evidence": (fact("plane", "AX", "ImageOrientationPatient"),),
        "opinions": opinions({"T2": 0.98765432, "T1": 0.01234568}),
        "fingerprint": "f1",
        "bundle_digest": "d1",
    }
    values |= changes
    values.setdefault("images", fake_images(values["series_uid"], values["part"]))
    values.setdefault(
        "part_key",
        part_key(values["study_uid"], values["series_uid"], (f"time={values['part']}",), values["images"]),
    )
    return Prediction(**values)


def fake_images(*names: object, n: int = 3) -> bytes:
    """The images of a part that these names stand for."""
    return pack(image_digest(*map(str, names), str(k)) for k in range(n))


def opinions(
    header: Mapping[str, float] | None = None,
    *,
    image: Mapping[str, float] | None = None,
    joint: Mapping[str, float] | None = None,
    of_task: Mapping[str, float] | None = None,
    facet: str = "sequence",
    task: str = "prostate",
) -> tuple[Opinion, ...]:
    """What the header bundle gives for ``facet``, and what an image bundle gives for it: its ``image``, its
    ``joint`` and its header-only answer (``of_task``). None abstains.
    """
    asked = (
        (Witness.HEADER, HEADERS_TASK, header),
        (Witness.HEADER, task, of_task),
        (Witness.IMAGE, task, image),
        (Witness.JOINT, task, joint),
    )
    return tuple(Opinion(who, of, facet, classes) for who, of, classes in asked if classes is not None)


def fact(facet: str, value: str, source: str) -> Evidence:
    """A facet that a tag states."""
    return Evidence(Witness.FACT, Reason.STATES, facet, value, source=source)


def conflict(value: str = "T1", **changes: Any) -> Evidence:
    """The description names another sequence."""
    values = {"against": True, "decisive": True, **changes}
    return Evidence(Witness.WORDS, Reason.WORDS_DISAGREE, "sequence", value, **values)
