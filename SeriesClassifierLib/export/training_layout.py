"""What a training set is made of: its files, what can be chosen, how its parts are counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SeriesClassifierLib.publish.atomic import replacing

FORMAT = "series-classifier training set"
VERSION = 1
MANIFEST, TABLE, CARD = "manifest.json", "labels.csv", "data_card.md"
PARTS, SLICES = "parts", "slices"


@dataclass(frozen=True)
class Settings:
    """What is written. ``slices`` of ``side`` pixels a part; ``dicom`` adds de-identified DICOM, ``volumes``
    the slices as NIfTI with lists for MONAI and nnU-Net; ``identifiers`` adds UIDs, PatientID, description
    and the names of readers: such an export must not leave the site.
    """

    slices: int = 10
    side: int = 126
    dicom: bool = False
    volumes: bool = False
    identifiers: bool = False


def counts(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Parts by sequence, by vendor, by reader and by split."""
    found: dict[str, Counter[str]] = {name: Counter() for name in ("sequence", "vendor", "reader", "split")}
    for line in lines:
        found["sequence"][str(line["truth"].get("sequence", "not named"))] += 1
        found["vendor"][str(line["vendor"] or "unknown")] += 1
        found["reader"][str(line["reader"])] += 1
        found["split"][str(line["split"])] += 1
    return {name: dict(sorted(counter.items())) for name, counter in found.items()}


def write_json(path: Path, content: Any) -> None:
    """Write JSON as a whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(f"{json_text(content)}\n", encoding="utf-8")


def json_text(content: Any, level: int = 0) -> str:
    """JSON as all files of an export have it, ``level`` steps further in but for its first line."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    return text.replace("\n", f"\n{' ' * level}")
