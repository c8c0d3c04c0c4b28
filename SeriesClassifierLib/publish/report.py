"""The labels as one HTML file that needs nothing else: no network, no script to read it, no clock in it."""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from os import PathLike

from SeriesClassifierLib.explain.evidence_text import WITNESSES, text
from SeriesClassifierLib.explain.label_reasons import deciding_text, label_classes
from SeriesClassifierLib.images.thumbnails import Thumbnail
from SeriesClassifierLib.part_names import name_of_values
from SeriesClassifierLib.patients import is_placeholder
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.page import environment, percent_text
from SeriesClassifierLib.publish.summary import series_summary
from SeriesClassifierLib.publish.table import plain_text, sort_key
from SeriesClassifierLib.records import UNKNOWN, Prediction, Status
from SeriesClassifierLib.vocabulary import FACETS

# Two pixels of a sharp screen for each of the 72 that the page gives a thumbnail would double its size.
THUMBNAIL_SIDE = 96
# What a reader must look at comes first, then what can be used as it is.
STATUS_ORDER = (Status.REVIEW, Status.UNKNOWN, Status.FAILED, Status.CORRECTED, Status.AUTO)
_MEANINGS: Mapping[Status, str] = {
    Status.REVIEW: "please check",
    Status.UNKNOWN: "no answer given",
    Status.FAILED: "could not be read",
    Status.CORRECTED: "labeled by a reviewer",
    Status.AUTO: "can be used",
}
_UNDECIDED = (Status.UNKNOWN, Status.FAILED)
_ATTENTION = (Status.REVIEW, Status.UNKNOWN, Status.FAILED)
_MOST_ATTENTION = 200
_MOST_ALTERNATIVES = 5
_LEAST_ALTERNATIVE = 0.005
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many parts have a status, and what that means."""

    status: str
    meaning: str
    count: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """One class of a facet that the model considered; ``percent`` runs from 0 to 100."""

    name: str
    percent: float
    text: str


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One piece of evidence as the page shows it; ``marked`` where it is against the label or decided."""

    title: str
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One part as the page shows it: texts only."""

    anchor: str
    number: str
    description: str
    part: str
    label: str
    confidence: str
    percent: float
    status: str
    decided_by: str
    b_value: str
    n_instances: int
    bundle: str
    series_uid: str
    reason: str
    evidence: tuple[EvidenceLine, ...]
    alternatives: tuple[tuple[str, tuple[Alternative, ...]], ...]
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True, slots=True)
class SeriesBlock:
    """The rows of one series; ``summary`` is empty when there is only one."""

    number: str
    description: str
    summary: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class StudyBlock:
    """One study. ``series`` is made when it is looked at, so that its pictures are too."""

    title: str
    patient: str
    regions: str
    study_uid: str
    n_series: int
    counts: tuple[StatusCount, ...]
    series: Iterator[SeriesBlock]


@dataclass(slots=True)
class _Overview:
    """What the head of the page says, gathered in a first pass."""

    counts: Counter[Status] = field(default_factory=Counter)
    patients: dict[tuple[str, str], str] = field(default_factory=dict)
    series: int = 0
    studies: int = 0
    attention: list[Row] = field(default_factory=list)


def write_report(
    predictions: Iterable[Prediction],
    path: str | PathLike[str],
    *,
    thumbnail_of: Callable[[Prediction], Thumbnail] | None = None,
    show_patient_id: bool = False,
    title: str = "Series labels",
) -> int:
    """Write the report and return the number of its rows. The same input gives the same bytes.

    A list is put in the order of the table. Anything else is read twice and must come in that order both
    times. ``thumbnail_of`` is asked for one picture at a time (for example a ``ThumbnailIndex``); None leaves
    the pictures out. Patients are numbered unless ``show_patient_id``. Raises UsageError or
    SeriesClassifierError when the file cannot be written.
    """
    if isinstance(predictions, (list, tuple, Iterator)):
        predictions = sorted(predictions, key=sort_key)
    overview = _overview(predictions, show_patient_id)
    template = environment("SeriesClassifierLib.publish").get_template("report.html.j2")
    stream = template.stream(
        title=title,
        n_rows=overview.counts.total(),
        n_series=overview.series,
        n_studies=overview.studies,
        n_patients=len(overview.patients),
        counts=_status_counts(overview.counts),
        attention=overview.attention[:_MOST_ATTENTION],
        n_attention=len(overview.attention),
        pictures=thumbnail_of is not None,
        studies=_studies(predictions, overview, thumbnail_of),
        script_hash=_script_hash,
    )
    stream.enable_buffering(_CHUNK)
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(stream)
    return overview.counts.total()


def _script_hash(script: str) -> str:
    """What the page's security policy names, so that this script runs and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _overview(predictions: Iterable[Prediction], show_patient_id: bool) -> _Overview:
    overview = _Overview()
    studies, series = set(), set()
    for index, prediction in enumerate(predictions):
        overview.counts[prediction.status] += 1
        if prediction.study_uid:
            studies.add(prediction.study_uid)
        series.add((prediction.study_uid, *_series_key(prediction)))
        patient = _patient(prediction)
        if any(patient) and patient not in overview.patients:
            name = plain_text(prediction.patient_id) if show_patient_id else ""
            shown = name or len(overview.patients) + 1
            overview.patients[patient] = f"Patient {shown}"
        if prediction.status in _ATTENTION:
            overview.attention.append(_row(prediction, index, ""))
    rank = {status.value: rank for rank, status in enumerate(STATUS_ORDER)}
    overview.studies, overview.series = len(studies), len(series)
    overview.attention.sort(key=lambda row: rank[row.status])
    return overview


def _studies(
    predictions: Iterable[Prediction],
    overview: _Overview,
    thumbnail_of: Callable[[Prediction], Thumbnail] | None,
) -> Iterator[StudyBlock]:
    index = 0
    number = 0
    for study_uid, group in groupby(predictions, key=lambda prediction: prediction.study_uid):
        number += bool(study_uid)
        members = list(group)
        by_series = [list(parts) for _, parts in groupby(members, key=_series_key)]
        regions = sorted({p.region for p in members if p.region not in ("", UNKNOWN)})
        yield StudyBlock(
            title=f"Study {number}" if study_uid else "In no study",
            patient=", ".join(dict.fromkeys(overview.patients.get(_patient(p), "") for p in members)),
            regions=", ".join(region.replace("_", " ") for region in regions),
            study_uid=plain_text(study_uid),
            n_series=len(by_series),
            counts=_status_counts(Counter(p.status for p in members)),
            series=_series(by_series, index, thumbnail_of),
        )
        index += len(members)


def _series(
    by_series: Iterable[list[Prediction]],
    index: int,
    thumbnail_of: Callable[[Prediction], Thumbnail] | None,
) -> Iterator[SeriesBlock]:
    for parts in by_series:
        rows = []
        for position, prediction in enumerate(parts, start=1):
            picture = thumbnail_of(prediction) if thumbnail_of is not None else None
            name = name_of_values(prediction.part_key)
            number = f"part {position} of {len(parts)}" if len(parts) > 1 else ""
            part = f"{number} ({name})" if number and name else number
            rows.append(_row(prediction, index, part, picture))
            index += 1
        summary = series_summary(parts) if len(parts) > 1 else ""
        yield SeriesBlock(rows[0].number, rows[0].description, summary, tuple(rows))


def _patient(prediction: Prediction) -> tuple[str, str]:
    """Whom a part is of. What stands for a removed PatientID makes no two studies one person's."""
    nobody = is_placeholder(prediction.patient_id)
    return (prediction.patient_id, prediction.study_uid if nobody else "")


def _series_key(prediction: Prediction) -> tuple[str, str, str]:
    """Files that belong to no series are told apart by their names and by what is wrong with them."""
    if prediction.series_uid:
        return (prediction.series_uid, "", "")
    return ("", prediction.description, prediction.error)


def _row(prediction: Prediction, index: int, part: str, picture: Thumbnail | None = None) -> Row:
    confidence = prediction.confidence
    percent = 100.0 * confidence if confidence is not None and math.isfinite(confidence) else 0.0
    return Row(
        anchor=f"r{index + 1}",
        number="" if prediction.series_number is None else str(prediction.series_number),
        description=plain_text(prediction.description),
        part=part,
        label=plain_text(prediction.label) or "?",
        confidence=percent_text(confidence),
        percent=round(percent, 1),
        status=prediction.status.value,
        decided_by="" if prediction.status in _UNDECIDED else prediction.decided_by.value,
        b_value="" if prediction.b_value is None else f"{prediction.b_value:g}",
        n_instances=prediction.n_instances,
        bundle=plain_text(prediction.bundle),
        series_uid=plain_text(prediction.series_uid),
        reason=plain_text(deciding_text(prediction)),
        evidence=tuple(
            EvidenceLine(WITNESSES[e.witness], plain_text(text(e)), e.against or e.decisive)
            for e in prediction.evidence
        ),
        alternatives=_alternatives(prediction),
        thumbnail=picture,
    )


def _alternatives(prediction: Prediction) -> tuple[tuple[str, tuple[Alternative, ...]], ...]:
    """The likeliest classes of every facet that has more than one worth showing."""
    out = []
    for facet in FACETS:
        found = [(p, name) for name, p in label_classes(prediction, facet).items() if p >= _LEAST_ALTERNATIVE]
        found.sort(key=lambda item: (-item[0], item[1]))
        if found:
            shown = tuple(
                Alternative(n, round(100 * p, 1), percent_text(p)) for p, n in found[:_MOST_ALTERNATIVES]
            )
            out.append((facet, shown))
    return tuple(out)


def _status_counts(counts: Counter[Status]) -> tuple[StatusCount, ...]:
    return tuple(StatusCount(s.value, _MEANINGS[s], counts[s]) for s in STATUS_ORDER if counts[s])
