"""Label a source with two models at once, to see what the new one would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from SeriesClassifierLib.bundles.adopted import find_bundle, installed_for
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.evaluation.flips import Comparison, compare
from SeriesClassifierLib.inference.run import HEADERS_BUNDLE, Classifier
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.protocols import Source
from SeriesClassifierLib.records import Part, Prediction
from SeriesClassifierLib.sources.nothing import count_series


def compare_bundles(
    old: str,
    new: str,
    source: Source,
    human: Mapping[str, str],
    *,
    mode: str = "auto",
    max_error: float = 0.01,
    seen: Callable[[Part], None] = lambda _part: None,
    told: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> Comparison:
    """What the labels of ``source`` would be with bundle ``new`` in place of ``old`` (names or folders).

    All else stays as it is in use. ``human`` maps part keys to the sequence that a person named; ``seen``
    gets every part, for its picture. Raises UsageError for bundles of different tasks, SourceError when
    there is nothing to label.
    """
    opened = [open_bundle(find_bundle(name)) for name in (old, new)]
    tasks = {str(bundle.description["task"]) for bundle in opened}
    if len(tasks) > 1:
        raise UsageError(
            f"bundles of the tasks {' and '.join(sorted(tasks))} cannot be compared: name two of one"
        )
    classifiers = [_classifier(bundle, mode, max_error) for bundle in opened]

    def pairs() -> Iterator[tuple[Prediction, Prediction]]:
        done, total = 0, count_series(source)
        told("comparing", done, total)
        for study in source.studies():
            one, other = (classifier.study(study) for classifier in classifiers)
            yield from (
                pair for pair in zip(one.predictions, other.predictions, strict=True) if pair[0].series_uid
            )
            for part in one.parts:
                seen(part)
            done += len(study.series)
            told("comparing", done, total)

    names = [f"{bundle.name} {bundle.version}" for bundle in opened]
    return compare(names[0], names[1], pairs(), human)


def named_sequences(journal: Path) -> dict[str, str]:
    """Part key -> the sequence that a person named, of all in the journal."""
    with Journal(journal, readonly=True) as opened:
        return {
            label.model.part_key: label.facets["sequence"]
            for label in opened.human_labels()
            if "sequence" in label.facets and label.model.part_key
        }


def _classifier(bundle: Bundle, mode: str, max_error: float) -> Classifier:
    """The classifier in use, with ``bundle`` in the place of the one of its task."""
    if bundle.description["task"] == "headers":
        return Classifier(str(bundle.folder), max_error=max_error, mode=mode)
    others = [
        folder
        for folder in installed_for("auto")
        if open_bundle(folder, verify=False).description["task"] != bundle.description["task"]
    ]
    folders = sorted([*others, bundle.folder], key=lambda folder: folder.name)
    return Classifier(
        HEADERS_BUNDLE, max_error=max_error, mode=mode, pictures=[str(folder) for folder in folders]
    )
