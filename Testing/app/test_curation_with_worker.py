"""The review queue and the series that look the same, as the real worker tells them to the panel."""

from __future__ import annotations

from support.panel import key_named, labels, press_next, relabel, settle

from SeriesClassifierLib.cli.worker import JOBS


def test_the_queue_of_the_real_worker_is_walked(slicer_standin, classified):
    events = []
    request = {"do": "queue", "journal": classified.store.path, "limit": 10}
    JOBS["queue"](request, lambda event, **more: events.append(more), lambda: False)
    items = [item for event in events for item in event["items"]]
    assert items
    assert all(item["reasons"] for item in items)
    seen = [press_next(slicer_standin, classified)[0] for _ in items]
    assert seen == [item["key"] for item in items]


def test_what_the_real_worker_offers_is_corrected_and_taken_back(slicer_standin, classified):
    before = labels(classified)
    relabel(slicer_standin, classified, key_named(classified, "series 10"), "FLAIR")
    after = labels(classified)
    n = classified.siblings.nSame
    classified.siblings.correctAll()
    settle(slicer_standin, classified)
    changed = [name for name, label in labels(classified).items() if label != after[name]]
    assert len(changed) == n
    assert all(labels(classified)[name][1] == "corrected" for name in changed)
    for _ in range(2 if n else 1):
        classified.ui.undoButton.click()
        settle(slicer_standin, classified)
    assert labels(classified) == before
