"""What a bundle says of labelled parts that it is measured on: the same way as when it classifies.

Without the rest of the study, for a training set has only what people labelled: the contrast phase, which the
study tells, may come out less often than in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from SeriesClassifierLib.bundles.bundle import Bundle
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.answered import Answered
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.inference.combine import combine
from SeriesClassifierLib.inference.decide import Decision, decide
from SeriesClassifierLib.inference.header_model import HeaderModel
from SeriesClassifierLib.inference.picture_model import PictureModel
from SeriesClassifierLib.records import UNKNOWN
from SeriesClassifierLib.vocabulary import classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from SeriesClassifierLib.training.exported import TrainingSet

# Tags that stand for a group which de-identification or conversion takes away as a whole.
_GROUPS: Mapping[str, frozenset[str]] = {
    "words": frozenset({"ImageType", "SequenceName", "PulseSequenceName"}),
    "codes": frozenset({"ScanningSequence", "SequenceVariant", "ScanOptions"}),
    "timing": frozenset({"RepetitionTime", "EchoTime", "FlipAngle"}),
    "vendor": frozenset({"Manufacturer"}),
}


def answers(
    bundle: Bundle,
    header_bundle: Bundle,
    parts: TrainingSet,
    *,
    facet: str = "sequence",
    max_error: float = 0.01,
) -> list[Answered]:
    """The answer of ``bundle`` to every part of ``parts`` whose ``facet`` a person named.

    A bundle that sees pictures looks at them together with ``header_bundle``, which is ``bundle`` itself for
    a header bundle. Raises UsageError when the slices are not of the size that the bundle looks at.
    """
    classes(facet)
    headers = HeaderModel(header_bundle)
    pictures = PictureModel(bundle) if bundle.description["task"] != "headers" else None
    seen = frozenset(bundle.description["training"].get("patient_keys", ()))
    patients = {e.exam for e, keys in zip(parts.examples, parts.keys, strict=True) if seen & set(keys)}
    out = []
    for example, vendor in zip(parts.examples, parts.vendors, strict=True):
        truth = example.facet(facet)
        if truth == UNKNOWN:
            continue
        decision = _decide(headers, pictures, example.header, example.slices, max_error)
        out.append(
            Answered(
                name=example.name,
                exam=example.exam,
                truth=truth,
                answer=getattr(decision, facet),
                confidence=decision.confidence if facet == "sequence" else None,
                status=decision.status,
                vendor=vendor or "unknown",
                missing=missing(example.header),
                trained=example.exam in patients,
            )
        )
    return out


def missing(header: PartHeader) -> tuple[str, ...]:
    """The groups of tags of which a header holds none."""
    return tuple(name for name, tags in _GROUPS.items() if not tags & header.tags.keys())


def _decide(
    headers: HeaderModel,
    pictures: PictureModel | None,
    header: PartHeader,
    slices: NDArray[np.uint8],
    max_error: float,
) -> Decision:
    observed = features(header)
    decision = decide(header, headers.probabilities(observed), headers.bundle.thresholds(max_error))
    if pictures is None or not len(slices):
        return decision
    if slices.shape[1:] != (pictures.side, pictures.side):
        raise UsageError(
            f"bundle {pictures.bundle.name} looks at slices of {pictures.side} pixels, and these have "
            f"{slices.shape[1]}: export again with --side {pictures.side}"
        )
    found = pictures.answers(observed, slices[chosen(len(slices), pictures.slices)])
    return combine(header, decision, found, pictures.bundle.thresholds(max_error))


def chosen(count: int, wanted: int) -> Sequence[int]:
    """Which of ``count`` slices a bundle sees that looks at ``wanted``, as ``images.slices.choose``."""
    if wanted == 1:
        return [max(0, count // 2 - 1)]
    if count <= wanted:
        return range(count)
    return [int((k + 0.5) * count / wanted) for k in range(wanted)]


def untrained(answered: Iterable[Answered]) -> list[Answered]:
    """Those of patients that the bundle has not learned from: only they say how it will do."""
    return [part for part in answered if not part.trained]
