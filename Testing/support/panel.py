"""Driving the panel of the module under the stand-in, as a user would."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from SeriesClassifierLib.journal.state import nothing_known
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import DecidedBy, Status

MODULE = Path(__file__).resolve().parents[2] / "SeriesClassifier" / "SeriesClassifier.py"
PATIENCE_MS = 120_000
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


def uid_named(panel: Any, description: str) -> str:
    """The first series of a description."""
    return next(uid for uid, row in panel.table.rows.items() if row["description"] == description)


def choose(standin: Any, panel: Any, description: str) -> None:
    """Put the cursor on a series and wait for its details."""
    panel.table.select(uid_named(panel, description))
    standin.process_events(300)
    settle(standin, panel)


def write_journal(path: Path, n: int) -> None:
    """Labels of ``n`` series, as a classification would leave them."""
    chance = random.Random(1)
    with Journal(path) as journal:
        for study in range(-(-n // A_STUDY)):
            rows = []
            for number in range(1, min(A_STUDY, n - study * A_STUDY) + 1):
                sequence = chance.choice(["T1", "T2", "DWI", "ADC", "DCE", "FLAIR"])
                rows.append(
                    replace(
                        nothing_known(f"2.25.{study * 1000 + number}", 1),
                        study_uid=f"2.25.9{study}",
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


def press_next(standin: Any, panel: Any) -> tuple[str, int | None] | None:
    """Press Next and wait for all of it; the series and part that the cursor is on then."""
    panel.ui.nextButton.click()
    settle(standin, panel)
    return panel.table.current()


def relabel(standin: Any, panel: Any, uid: str, sequence: str) -> None:
    """Say what a series is, and wait for all that follows."""
    panel.table.select(uid)
    panel.relabel(sequence)
    settle(standin, panel)
