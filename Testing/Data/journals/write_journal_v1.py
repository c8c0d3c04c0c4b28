"""Write ``journal_v1_4e5415e.sqlite`` and ``.json``: runs with the code of commit 4e5415e only, see README.md.

Everything is simulated; times and ids follow from the seed, so the same commit gives the same events again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest.mock import patch

import numpy as np

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.curation.apply_rules import apply
from SeriesClassifierLib.curation.siblings import spread
from SeriesClassifierLib.curation.site_rules import Condition, SiteRule
from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.journal import store
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.database_writer import write_database
from SeriesClassifierLib.simulation.dicom_writer import uid_of, write_series
from SeriesClassifierLib.simulation.study_writer import write_studies
from SeriesClassifierLib.sources.slicer_database import SlicerDatabaseSource

SEED = 11
NAME = "journal_v1_4e5415e"
_MAGNITUDE = ("ORIGINAL", "PRIMARY", "M", "ND")
_DIFFUSION = ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")
T2 = {"ScanningSequence": "SE", "RepetitionTime": 4000.0, "EchoTime": 101.0, "EchoTrainLength": 17.0}
ECHO = {"ScanningSequence": "GR", "RepetitionTime": 150.0, "FlipAngle": 70.0}
DWI = {"ScanningSequence": "EP", "RepetitionTime": 5200.0, "EchoTime": 63.0, "ImageType": _DIFFUSION}

Tags = dict[str, TagValue]


def series(study: str, number: int, description: str, volumes: Sequence[Tags]) -> str:
    """Write a series, six slices a volume; returns its UID."""
    uid = uid_of(NAME, SEED, study, number)
    rng = np.random.default_rng([SEED, number])
    tags: list[Tags] = [
        {
            "PatientID": f"STORED-{study}",
            "PatientName": f"Stored^{study}",
            "Modality": "MR",
            "Manufacturer": "SIEMENS",
            "StudyInstanceUID": uid_of(NAME, SEED, study),
            "SeriesInstanceUID": uid,
            "SOPInstanceUID": uid_of(NAME, SEED, study, number, index, place),
            "FrameOfReferenceUID": uid_of(NAME, SEED, study, "frame"),
            "SeriesNumber": float(number),
            "SeriesDescription": description,
            "InstanceNumber": float(6 * index + place),
            "ImageType": _MAGNITUDE,
            "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            "ImagePositionPatient": (0.0, 0.0, 3.0 * place),
            **volume,
        }
        for index, volume in enumerate(volumes)
        for place in range(1, 7)
    ]
    pixels = [np.asarray(rng.integers(0, 900, (16, 12)), np.uint16) for _ in tags]
    write_series(pixels, tags, Path("in") / study / str(number))
    return uid


def write_input() -> dict[str, str]:
    """All files and a Slicer database of them; the UIDs of the series that are spoken of."""
    write_studies(Path("in") / "simulated", "brain", 1, SEED, longest=24)
    for folder in sorted((Path("in") / "simulated" / "study_0001").iterdir())[4:]:
        shutil.rmtree(folder)  # the stored file stays small
    uids = {
        "b-values": series(
            "A", 1, "ep2d_diff_tra", [{**DWI, "DiffusionBValue": b} for b in (50.0, 400.0, 800.0)]
        ),
        "echoes": series("A", 2, "gre_dual_echo", [{**ECHO, "EchoTime": te} for te in (2.3, 4.6)]),
        "t2": series("A", 3, "t2_tse_tra", [T2]),
        "missing": series("A", 4, "t1_tse_tra", [{**T2, "RepetitionTime": 500.0, "EchoTime": 10.0}]),
        "ct": series("A", 5, "topogram", [{"Modality": "CT"}]),
        "twin": series("B", 3, "t2_tse_tra", [T2]),
        "twin-named": series("C", 3, "t2_tse_tra", [T2]),
        "bare": series("C", 4, "series", [{}]),
        "rule": series("C", 5, "localizer_site", [{**ECHO, "EchoTime": 3.0}]),
    }
    write_database(sorted(Path("in").rglob("*.dcm")), Path("db"), copy=False)
    for path in (Path("in") / "A" / "4").iterdir():  # after the import: the series fails
        path.unlink()
    return uids


def record(journal: Journal, uids: dict[str, str]) -> None:
    """Two runs and what two readers say in between."""
    source = SlicerDatabaseSource(Path("db"))
    for _ in run(source, Classifier(), journal=journal):
        pass
    journal.correct(
        uids["b-values"], 2, {"sequence": "ADC", "derived": "CALC_BVAL"}, "reader-a", "map, not a shell"
    )
    journal.correct(uids["b-values"], 2, {"derived": "ORIGINAL"}, "reader-b")
    journal.correct(uids["echoes"], None, {"sequence": "FIELDMAP"}, "reader-a", "both echoes")
    journal.correct(uids["echoes"], 2, {"sequence": "T2STAR"}, "reader-b")
    journal.correct(uids["b-values"], 3, {"sequence": "T1"}, "reader-a", "by mistake")
    journal.undo(uids["b-values"], 3, "reader-a")
    journal.correct(uids["twin-named"], 1, {"sequence": "PD"}, "reader-b")
    done = spread(journal, uids["t2"], 1, "reader-a", {"sequence": "CISS"}, note="whole family")
    assert done.siblings, "the step reaches one twin"
    assert done.protected, "it leaves the one that was labeled"
    journal.note(uids["b-values"], None, "repeated later in the exam", "reader-a")
    journal.add_reading(uids["twin"], 1, {"sequence": "T2", "plane": "AX"}, "reader-b")
    rule = SiteRule("site-localizer", Condition(description="localizer_site"), {"sequence": "LOCALIZER"})
    assert apply(journal, [rule], "reader-b").labeled == {"site-localizer": 1}
    journal.correct(
        uid_of(NAME, SEED, "never seen"), 1, {"sequence": "MRA"}, "reader-a", "not in the database"
    )
    # Another risk is another digest: the newer predictions of study A stand.
    again = SlicerDatabaseSource(Path("db"), series=[uids["t2"]])
    for _ in run(again, Classifier(max_error=0.05), journal=journal):
        pass


def shown(path: Path) -> dict[str, object]:
    """What this version says of the journal: ``journal show`` and the events."""
    assert main(["journal", "show", str(path), "--out", "rows.json"]) == 0
    rows = json.loads(Path("rows.json").read_text(encoding="utf-8"))
    for row in rows:
        row["evidence"] = [e["text"] for e in row["evidence"] if e["kind"] == "human"]
        del row["probabilities"]
    with Journal(path, readonly=True) as journal:
        events = list(journal.events())
    return {
        "commit": "4e5415e",
        "events": len(events),
        "kinds": dict(sorted(Counter(event.kind.value for event in events).items())),
        "events_of_series": dict(sorted(Counter(event.series_uid for event in events).items())),
        "rows": rows,
    }


def write(folder: Path) -> None:
    """Write both files into ``folder``."""
    rng = random.Random(SEED)
    start = datetime(2026, 3, 1, 8, tzinfo=timezone.utc)
    minutes = iter(range(10_000))
    path = folder / f"{NAME}.sqlite"
    with (
        patch.object(store, "_new_id", lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4))),
        Journal(path, clock=lambda: start + timedelta(minutes=next(minutes))) as journal,
    ):
        record(journal, write_input())
    answer = shown(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 1024")  # a small file: payloads fill few pages
        connection.execute("VACUUM")
    text = json.dumps(answer, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / f"{NAME}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        write(target)
        os.chdir(target)
