"""What is true now, as a pure function of what happened: the order of writing and merging does not count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from SeriesClassifierLib.journal.events import Event, EventKind
from SeriesClassifierLib.records import UNKNOWN, DecidedBy, Evidence, Prediction, Status
from SeriesClassifierLib.vocabulary import FACETS, label_text


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said about a series. ``part`` is None for all parts, future ones too.

    ``time`` is UTC as in ``Event``; corrections with the same ``step`` were made as one act.
    """

    id: str
    part: int | None
    facets: Mapping[str, str]
    user: str
    note: str
    time: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """A part that a person named. ``model`` is what the model says of it; ``facets`` is all that people said,
    later words over earlier ones; ``user``, ``time`` (UTC) and ``step`` are of the last of them.
    """

    model: Prediction
    facets: Mapping[str, str]
    user: str
    time: str
    step: str = ""


def human_label(prediction: Prediction, corrections: Sequence[Correction]) -> HumanLabel | None:
    """What people said of the part of ``prediction``, from the corrections of its series, oldest first."""
    mine = [c for c in corrections if c.part is None or c.part == prediction.part]
    if not mine:
        return None
    facets = {facet: value for correction in mine for facet, value in correction.facets.items()}
    return HumanLabel(prediction, facets, mine[-1].user, mine[-1].time, mine[-1].step)


def standing_corrections(events: Iterable[Event]) -> list[Correction]:
    """The corrections of one series that nobody took back, oldest first."""
    ordered = sorted(events, key=lambda event: (event.time, event.id))
    undone = {event.payload["undoes"] for event in ordered if event.kind is EventKind.UNDO}
    return [
        Correction(
            event.id,
            event.part,
            _known_facets(event),
            event.actor,
            event.payload["note"],
            event.time,
            event.batch or event.id,
        )
        for event in ordered
        if event.kind is EventKind.CORRECTION and event.id not in undone
    ]


def _known_facets(event: Event) -> dict[str, str]:
    return {facet: event.payload["facets"][facet] for facet in FACETS if facet in event.payload["facets"]}


def with_human_labels(prediction: Prediction, corrections: Sequence[Correction]) -> Prediction:
    """The prediction with the corrections of its series laid over it; unchanged when none is about its part.

    A later correction of a facet replaces an earlier one. A human label has no calibrated probability, so
    ``confidence`` becomes None; the probabilities stay those of the model.
    """
    mine = [c for c in corrections if c.part is None or c.part == prediction.part]
    if not mine:
        return prediction
    facets = {facet: getattr(prediction, facet) for facet in FACETS}
    evidence = list(prediction.evidence)
    for correction in mine:
        evidence.append(_evidence(correction, facets))
        facets.update(correction.facets)
    label = label_text(
        sequence=facets["sequence"],
        plane=facets["plane"],
        phase=facets["phase"],
        derived=facets["derived"],
        b_value=prediction.b_value,
    )
    return replace(
        prediction,
        **facets,
        label=label,
        confidence=None,
        status=Status.CORRECTED,
        decided_by=DecidedBy.HUMAN,
        evidence=tuple(evidence),
    )


def unpredicted(series_uid: str, corrections: Sequence[Correction]) -> list[Prediction]:
    """The human labels of a series that no model has seen: of each part that was named, else of part 1."""
    if not corrections:
        return []
    parts = sorted({c.part for c in corrections if c.part is not None}) or [1]
    return [with_human_labels(nothing_known(series_uid, part), corrections) for part in parts]


def nothing_known(series_uid: str, part: int) -> Prediction:
    """The label of a part about which nobody said anything."""
    return Prediction(
        patient_id="",
        study_uid="",
        series_uid=series_uid,
        part=part,
        series_number=None,
        description="",
        task="",
        label="?",
        region=UNKNOWN,
        sequence=UNKNOWN,
        plane=UNKNOWN,
        phase=UNKNOWN,
        derived=UNKNOWN,
        b_value=None,
        confidence=None,
        status=Status.UNKNOWN,
        decided_by=DecidedBy.HEADER,
        bundle="",
        n_instances=0,
    )


def _evidence(correction: Correction, before: Mapping[str, str]) -> Evidence:
    changes = [
        f"{facet} {before[facet]} -> {value}" if before[facet] != value else f"{facet} {value} confirmed"
        for facet, value in correction.facets.items()
    ]
    who = f"{correction.user}: " if correction.user else ""
    note = f" ({correction.note})" if correction.note else ""
    return Evidence("human", f"{who}{', '.join(changes)}{note}")
