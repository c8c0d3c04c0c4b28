"""Driving the panel of the module under the stand-in, as a user would."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.predictions import fake_images

from SeriesClassifierLib.identity import part_key, series_key, series_of
from SeriesClassifierLib.journal.state import nothing_known
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import DecidedBy, Evidence, Status, Witness

MODULE = Path(__file__).resolve().parents[2] / "SeriesClassifier" / "SeriesClassifier.py"
PATIENCE_MS = 300_000
A_STUDY = 25


def settle(standin: Any, panel: Any) -> None:
    """Wait until nothing is under way."""
    standin.wait_for(
        lambda: (
            not panel.batch.isRunning
            and not panel.deskWorker.isBusy
            and not panel.reviewWorker.isBusy
            and not panel.learnWorker.isBusy
            and not panel.publisher.isWriting
            and not panel.table.slowly.isBusy
        ),
        PATIENCE_MS,
    )


def labels(panel: Any) -> dict[str, tuple[str, str]]:
    """Description -> (label, status)."""
    return {row["description"]: (row["label"], row["status"]) for row in panel.table.rows.values()}


def key_named(panel: Any, description: str) -> str:
    """The key of the first series of a description."""
    return next(key for key, row in panel.table.rows.items() if row["description"] == description)


def choose(standin: Any, panel: Any, description: str) -> None:
    """Put the cursor on a series and wait for its details."""
    panel.table.select(key_named(panel, description))
    standin.process_events(300)
    settle(standin, panel)


def evidence_by(witness: Witness, journal: Path, value: str) -> Evidence:
    """The evidence in a journal by which a witness names a value; the first there is."""
    with Journal(journal, readonly=True) as opened:
        return next(
            e for label in opened.current_all() for e in label.evidence if (e.witness, e.value) == (witness, value)
        )


def key_of(place: int) -> str:
    """The key of the series at a place of ``write_journal``."""
    study, number = divmod(place, A_STUDY)
    return series_key(f"2.25.9{study}", f"2.25.{study * 1000 + number + 1}")


def part_of(key: str) -> str:
    """The key of the only part of such a series."""
    return part_key(*series_of(key), (), _images(key))


def _images(key: str) -> bytes:
    return fake_images(key)


def write_journal(path: Path, n: int) -> None:
    """Labels of ``n`` series, as a classification would leave them."""
    chance = random.Random(1)
    with Journal(path) as journal:
        for study in range(-(-n // A_STUDY)):
            rows = []
            for number in range(1, min(A_STUDY, n - study * A_STUDY) + 1):
                sequence = chance.choice(["T1", "T2", "DWI", "ADC", "DCE", "FLAIR"])
                key = key_of(study * A_STUDY + number - 1)
                rows.append(
                    replace(
                        nothing_known(series_of(key)[1], 1),
                        study_uid=series_of(key)[0],
                        part_key=part_of(key),
                        images=_images(key),
                        series_number=number,
                        description=f"protocol {chance.randrange(400)} {sequence.lower()}",
                        label=f"{sequence} AX",
                        sequence=sequence,
                        plane="AX",
                        confidence=round(chance.uniform(0.5, 1.0), 3),
                        status=chance.choice([Status.AUTO] * 8 + [Status.REVIEW, Status.UNKNOWN]),
                        decided_by=DecidedBy.HEADER,
                        bundle="headers 1.0.0",
                        fingerprint=str(number),
                        bundle_digest="benchmark",
                    )
                )
            journal.add_predictions(rows)


def press_next(standin: Any, panel: Any) -> tuple[str, str | None] | None:
    """Press Next and wait for all of it; the series and part that the cursor is on then."""
    panel.ui.nextButton.click()
    settle(standin, panel)
    return panel.table.current()


def relabel(standin: Any, panel: Any, key: str, sequence: str) -> None:
    """Say what a series is, and wait for all that follows."""
    panel.table.select(key)
    panel.relabel(sequence)
    settle(standin, panel)
