"""What works on whole journals holds no part in memory: three times as many parts take as much."""

from __future__ import annotations

import io
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import journal_memory

from SeriesClassifierLib.cli.display import print_table
from SeriesClassifierLib.curation.agreement import sample_for_second_reading
from SeriesClassifierLib.curation.apply_rules import apply
from SeriesClassifierLib.curation.queue import ReviewQueue
from SeriesClassifierLib.curation.siblings import Family, family_of_parts, spread
from SeriesClassifierLib.curation.site_rules import Condition, SiteRule
from SeriesClassifierLib.curation.suspects import Suspects
from SeriesClassifierLib.export.labeled_parts import LabeledParts
from SeriesClassifierLib.export.patients import Groups
from SeriesClassifierLib.journal.state import HumanLabel
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.publish.spool import PredictionSpool
from SeriesClassifierLib.records import Prediction, Status
from SeriesClassifierLib.spool import Disk

SMALL, LARGE = 150, 450
# A part takes some 5 kB where it is held: 1,500 kB for those that are more.
SLACK = 100_000


class _Nowhere(io.TextIOBase):
    """Takes what is printed and keeps none of it."""

    def write(self, text: str) -> int:
        return len(text)


def drain(items: Iterable[Any]) -> None:
    for _ in items:
        pass


def queue(labels: Iterable[Prediction]) -> None:
    with ReviewQueue(labels) as found:
        drain(found)


def siblings(labels: Iterable[Prediction]) -> None:
    (of,) = journal_memory.predictions(1, "few protocols")
    other = replace(of, part_key="other")
    with Family([other], (replace(p, protocol=of.protocol, status=Status.REVIEW) for p in labels)) as found:
        assert found.n_offered() >= SMALL
        drain(found.offered())
        drain(found.protected())


def suspects(labels: Iterable[Prediction]) -> None:
    def people() -> Iterable[HumanLabel]:
        return (
            HumanLabel(p, {"sequence": "T1"}, "ms", "", p.part_key)
            for p in journal_memory.predictions(n, "corrected")
        )

    n = SMALL
    with Suspects(people(), labels) as found:
        drain(found)


def spooled(labels: Iterable[Prediction]) -> None:
    with PredictionSpool() as spool:
        spool.extend(labels)
        drain(spool)


def table(labels: Iterable[Prediction]) -> None:
    with redirect_stdout(_Nowhere()):  # type: ignore[type-var]
        print_table(labels)


def sample(labels: Iterable[Prediction]) -> None:
    assert len(sample_for_second_reading(labels, 20, 1)) == 20


def labeled(labels: Iterable[Prediction]) -> None:
    with LabeledParts() as kept, Disk() as disk:
        groups = Groups(disk)
        kept.extend(HumanLabel(p, {"sequence": "T1"}, "ms", "") for p in labels)
        for key, label in kept.items():
            groups.add([label.series_uid, label.study_uid, key])
        assert len(kept) >= SMALL


@pytest.mark.parametrize("kind", ["few protocols", "many protocols"])
@pytest.mark.parametrize("work", [queue, siblings, suspects, spooled, table, sample, labeled])
def test_memory_does_not_grow_with_the_parts(work: Callable[[Iterable[Prediction]], None], kind: str) -> None:
    work(journal_memory.predictions(SMALL, kind))  # what is made once
    small, large = (peak(work, journal_memory.predictions(n, kind)) for n in (SMALL, LARGE))
    assert large <= small + SLACK


def test_a_label_is_spread_and_rules_are_applied_in_the_same_memory(tmp_path: Path) -> None:
    rule = SiteRule("all", Condition(description="protocol"), {"plane": "COR"})

    def work(path: Path) -> None:
        with Journal(path) as journal:
            uid = journal_memory.series_uid(0, 1)
            parts = journal.current_series(uid)
            with family_of_parts(journal, parts, {"sequence": "PD"}) as found:
                done = spread(journal, parts, found, "ms", {"sequence": "PD"}, ("same", "alike"))
            assert done.n_parts > 1
            assert apply(journal, [rule], "ms").labeled["all"] > 1

    peaks = []
    for n in (80, SMALL, LARGE):
        path = tmp_path / f"{n}.sqlite"
        journal_memory.write_journal(path, n, "few protocols")
        peaks.append(peak(work, path))
    assert peaks[2] <= peaks[1] + SLACK


def peak(work: Callable[[Any], None], of: Any) -> int:
    """The most that Python held at once, in bytes."""
    tracemalloc.start()
    try:
        work(of)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_benchmark_measures_commands_and_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--parts", "40", "60", "--journals", str(tmp_path), "--kinds", "corrected", "--at-most"]
    monkeypatch.setattr(sys, "argv", ["journal_memory.py", *arguments, "2", "--only", "siblings"])
    assert journal_memory.main() == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line[16:36].strip() for line in lines] == ["review siblings", "job siblings"]
    assert all(line.count(" MB") == 2 for line in lines)
    assert last.startswith("largest ratio ")
    monkeypatch.setattr(sys, "argv", ["journal_memory.py", *arguments, "0.5", "--only", "job siblings"])
    assert journal_memory.main() == 1
