"""The way of the data from a source to predictions: read, split, features, model, study context, journal."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import Bundle
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.headers.part_header import PartHeader, series_headers
from SeriesClassifierLib.headers.protocol import protocol
from SeriesClassifierLib.inference.decide import Decision, decide
from SeriesClassifierLib.inference.header_model import HeaderModel, load_header_model
from SeriesClassifierLib.inference.picture_stage import PictureStage, Undecoded
from SeriesClassifierLib.journal.state import nothing_known, with_doubt
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.parts.image_gate import ObjectKind, refusal
from SeriesClassifierLib.parts.part_key import image_set, key_of
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.records import (
    DecidedBy,
    Evidence,
    Part,
    Prediction,
    Reason,
    Series,
    Status,
    Study,
    Witness,
)
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.nothing import count_series
from SeriesClassifierLib.study.context import in_context
from SeriesClassifierLib.vocabulary import label_text

HEADERS_BUNDLE = "headers"
MODES = ("auto", "header", "full")


@dataclass(frozen=True)
class StudyResult:
    """One study's predictions in table order, with the parts they belong to (for pictures).

    ``undecoded`` has the path of the file that failed a part, by part key: for people's eyes only, no path
    is recorded.
    """

    predictions: tuple[Prediction, ...]
    parts: tuple[Part, ...]
    undecoded: Mapping[str, str] = field(default_factory=dict)


class Classifier:
    """Labels studies: every part by its header, and by its picture where the mode asks for it.

    ``max_error`` is the accepted risk of an ``auto`` label. ``mode``: "header" reads no pixels, "full" those
    of every part that a picture bundle knows, "auto" only where the header leaves doubt. ``task`` names one
    picture bundle for all parts; with "auto" the region of the study decides. ``pictures`` (names or folders)
    stand in for the shipped picture bundles.
    """

    def __init__(
        self,
        bundle: str = HEADERS_BUNDLE,
        *,
        max_error: float = 0.01,
        mode: str = "header",
        task: str = "auto",
        pictures: Sequence[str] = (),
    ) -> None:
        """Raises BundleError when a bundle cannot be used, UsageError for an argument that does not exist."""
        if not 0 < max_error < 1:
            raise UsageError(f"max_error is {max_error}: give a risk between 0 and 1, for example 0.01")
        if mode not in MODES:
            raise UsageError(f"mode {mode!r} is not available: use one of {', '.join(MODES)}")
        if mode == "header" and (task != "auto" or pictures):
            raise UsageError("mode header looks at no pictures: leave the task out, or use mode auto or full")
        self._model: HeaderModel = load_header_model(find_bundle(bundle))
        self._thresholds = self._model.bundle.thresholds(max_error)
        self._pictures = (
            None
            if mode == "header"
            else PictureStage(mode, task, max_error, [find_bundle(name) for name in pictures])
        )

    @property
    def digest(self) -> str:
        """What decides the result besides the input: bundles, thresholds and mode."""
        own = f"{self._model.bundle.digest}-{self._thresholds['sequence']['auto']:.4f}"
        return own if self._pictures is None else f"{own}-{self._pictures.digest}"

    def study(self, study: Study) -> StudyResult:
        """Label all parts of a study."""
        parts: list[Part] = []
        headers: list[PartHeader] = []
        predictions: list[Prediction] = []
        decided: list[tuple[Series, Part, Decision]] = []
        for series in study.series:
            if not series.instances:
                predictions.append(self._unlabelled(study, series))
            images: list[Part] = []
            for part in split(series):
                refused = _refused(part)
                if refused:
                    predictions.append(self._unlabelled(study, series, part, refused))
                else:
                    images.append(part)
            for part, header in zip(images, series_headers(series, images), strict=True):
                decision = decide(header, self._model.probabilities(features(header)), self._thresholds)
                parts.append(part)
                headers.append(header)
                decided.append((series, part, decision))
        decisions = [decision for _, _, decision in decided]
        bundles: list[Bundle | None] = [None] * len(decisions)
        undecoded: list[Undecoded | None] = [None] * len(decisions)
        if self._pictures is not None:
            decisions, bundles, undecoded = self._pictures.look(headers, parts, decisions)
        context = in_context(headers, decisions)
        failed: dict[str, str] = {}
        for (series, part, _), header, decision, used, undone in zip(
            decided, headers, context, bundles, undecoded, strict=True
        ):
            bundle = used or self._model.bundle
            prediction = self._prediction(study, series, part, header, decision, bundle)
            if undone is not None:
                prediction = _failed(prediction, undone.error)
                failed[part.key] = undone.path
            predictions.append(prediction)
        return StudyResult(tuple(sorted(predictions, key=_table_order)), tuple(parts), failed)

    def _prediction(
        self,
        study: Study,
        series: Series,
        part: Part,
        header: PartHeader,
        decision: Decision,
        bundle: Bundle,
    ) -> Prediction:
        remarks = tuple(
            Evidence(Witness.FILE, Reason.UNREADABLE, detail=problem, against=True)
            for problem in series.problems
        )
        doubts = [warning for warning in series.warnings if warning.decisive]
        predicted = Prediction(
            patient_id=_patient_of(part),
            study_uid=series.study_uid or study.study_uid,
            series_uid=series.series_uid,
            part=part.index,
            series_number=series.series_number,
            description=series.description,
            task=str(bundle.description["task"]),
            label=label_text(
                sequence=decision.sequence,
                plane=decision.plane,
                phase=decision.phase,
                derived=decision.derived,
                b_value=decision.b_value,
            ),
            region=decision.region,
            sequence=decision.sequence,
            plane=decision.plane,
            phase=decision.phase,
            derived=decision.derived,
            b_value=decision.b_value,
            confidence=decision.confidence,
            status=decision.status,
            decided_by=decision.decided_by,
            bundle=f"{bundle.name} {bundle.version}",
            n_instances=len(part.instances),
            part_key=part.key,
            evidence=(
                *decision.evidence,
                *(warning for warning in series.warnings if not warning.decisive),
                *remarks,
            ),
            opinions=decision.opinions,
            fingerprint=fingerprint(series),
            bundle_digest=self.digest,
            protocol=protocol(header),
            images=part.images,
        )
        for doubt in doubts:
            predicted = with_doubt(predicted, doubt)
        return predicted

    def _unlabelled(
        self, study: Study, series: Series, part: Part | None = None, reason: str = ""
    ) -> Prediction:
        """A series that could not be read (failed), or a part of it that is no MR image (unknown)."""
        failed = part is None
        return replace(
            nothing_known(series.series_uid, part.index if part else 1),
            patient_id=(_patient_of(part) if part else "") or series.patient_id or study.patient_id,
            study_uid=series.study_uid or study.study_uid,
            series_number=series.series_number,
            description=series.description,
            task="headers",
            status=Status.FAILED if failed else Status.UNKNOWN,
            decided_by=DecidedBy.FACT,
            bundle=f"{self._model.bundle.name} {self._model.bundle.version}",
            n_instances=len(part.instances) if part else 0,
            error=("; ".join(series.problems) or "no readable image") if failed else reason,
            part_key=part.key if part else _key_of_nothing(study, series),
            evidence=series.warnings,
            fingerprint=fingerprint(series),
            bundle_digest=self.digest,
            images=part.images if part else b"",
        )


def run(
    source: Source, classifier: Classifier, *, journal: Journal | None = None, resume: bool = False
) -> Iterator[StudyResult]:
    """Label a source study by study. What a study yields is in the journal before it is yielded.

    With ``resume`` a study whose series the journal has, unchanged and by the same bundle, is taken from
    there and not looked at again. Human corrections in the journal are applied to what is yielded.
    """
    for study in source.studies():
        known = _known(journal, classifier, study) if journal is not None and resume else None
        if known is not None:
            yield known
            continue
        result = classifier.study(study)
        if journal is None:
            yield result
            continue
        if not (resume and _is_recorded(journal, result.predictions)):
            journal.add_predictions(p for p in result.predictions if p.series_uid)
        corrected = tuple(journal.with_corrections(result.predictions))
        yield StudyResult(corrected, result.parts, result.undecoded)


# What must be the same for a label to be taken from the journal: part key and PatientID.
_Identity = tuple[str, str]


def _failed(prediction: Prediction, error: str) -> Prediction:
    """The row of a part whose pixels cannot be decoded: what it is, but no label."""
    blank = nothing_known(prediction.series_uid, prediction.part)
    return replace(
        prediction,
        label=blank.label,
        region=blank.region,
        sequence=blank.sequence,
        plane=blank.plane,
        phase=blank.phase,
        derived=blank.derived,
        b_value=None,
        confidence=None,
        status=Status.FAILED,
        decided_by=DecidedBy.FACT,
        error=error,
        opinions=(),
    )


def _patient_of(part: Part) -> str:
    return part.instances[0].text("PatientID")


def _refused(part: Part) -> str:
    """Why a part is not labeled; "" for images, of other modalities, too: a bundle says what it knows."""
    found = refusal(part.instances[0])
    return found.text if found and found.kind is not ObjectKind.OTHER_MODALITY else ""


def _key_of_nothing(study: Study, series: Series) -> str:
    """The key of a series without images: a file of no series is known by its name alone."""
    study_uid = series.study_uid or study.study_uid
    return key_of(study_uid, series.series_uid or series.description, (), image_set(()))


def _is_recorded(journal: Journal, predictions: Sequence[Prediction]) -> bool:
    """Whether the journal has them: a study with files of no series is looked at again, but not recorded."""
    found: dict[tuple[str, str, str, str], set[_Identity]] = defaultdict(set)
    for p in predictions:
        if p.series_uid:
            found[p.study_uid, p.series_uid, p.fingerprint, p.bundle_digest].add((p.part_key, p.patient_id))
    return all(identities == _recorded(journal, *key) for key, identities in found.items())


def _recorded(journal: Journal, *key: str) -> set[_Identity]:
    return {(p.part_key, p.patient_id) for p in journal.predictions_for(*key)}


def _known(journal: Journal, classifier: Classifier, study: Study) -> StudyResult | None:
    """What the journal has of this very input and classifier; None when one of the series is missing."""
    predictions: list[Prediction] = []
    parts: list[Part] = []
    for series in study.series:
        if not series.series_uid:
            return None
        found = journal.predictions_for(
            series.study_uid or study.study_uid, series.series_uid, fingerprint(series), classifier.digest
        )
        pieces = split(series)
        patient_id = series.patient_id or study.patient_id
        here = {(part.key, _patient_of(part) or patient_id * bool(_refused(part))) for part in pieces} or {
            (_key_of_nothing(study, series), patient_id)
        }
        # Files that were edited in place, to the same size, may be other images, or those of another patient.
        if {(p.part_key, p.patient_id) for p in found} != here:
            return None
        predictions += found
        parts += (part for part in pieces if not _refused(part))
    return StudyResult(tuple(sorted(predictions, key=_table_order)), tuple(parts))


def classify(
    location: str | os.PathLike[str] | Source,
    *,
    mode: str = "auto",
    task: str = "auto",
    bundle: str = HEADERS_BUNDLE,
    max_error: float = 0.01,
    journal: str | os.PathLike[str] | None = None,
    jobs: int = 1,
) -> list[Prediction]:
    """Label every series of a folder or a Slicer DICOM database: one Prediction a part, in table order.

    Raises SourceError (also when there is nothing to label), BundleError, JournalError or UsageError; what is
    wrong with single files is in the result.
    """
    source = open_source(location, jobs=jobs) if isinstance(location, (str, os.PathLike)) else location
    classifier = Classifier(bundle, max_error=max_error, mode=mode, task=task)
    count_series(source)
    if journal is None:
        return [p for result in run(source, classifier) for p in result.predictions]
    with Journal(Path(journal)) as opened:
        return [p for result in run(source, classifier, journal=opened) for p in result.predictions]


def fingerprint(series: Series) -> str:
    """Digest of which images a series has and how large their files are: 16 hexadecimal digits.

    The same for a copy of the files elsewhere; another one when images come, go, or are edited to another
    size.
    """
    sizes: dict[str, int] = {}
    digest = hashlib.sha256()
    for instance in series.instances:
        if instance.path not in sizes:
            try:
                sizes[instance.path] = os.stat(instance.path).st_size
            except OSError:
                sizes[instance.path] = -1
            digest.update(f"{instance.text('SOPInstanceUID')} {sizes[instance.path]}\n".encode())
    return digest.hexdigest()[:16]


def _table_order(prediction: Prediction) -> tuple[float, str, str, int]:
    number = prediction.series_number
    return (
        number if number is not None else float("inf"),
        prediction.series_uid,
        prediction.description,
        prediction.part,
    )
