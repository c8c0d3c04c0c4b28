"""A folder of files that come and go, and what people said of which of them: no image may carry a human label that
nobody gave it.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies as st
from support.identity_cases import T2, adc, dwi, echo, volume
from support.identity_images import Image, write_images

from SeriesClassifierLib.export.labeled_parts import LabeledParts
from SeriesClassifierLib.export.site_key import SiteKey
from SeriesClassifierLib.export.training_layout import Settings
from SeriesClassifierLib.export.training_set import export_training_set
from SeriesClassifierLib.inference.run import Classifier, run
from SeriesClassifierLib.journal.merge import merge
from SeriesClassifierLib.journal.store import Journal
from SeriesClassifierLib.records import Prediction, Reason, Status
from SeriesClassifierLib.sources import open_source

# Of the images of one kind people would say the same: they may join a labeled part of that kind.
KINDS: dict[str, tuple[Image, ...]] = {
    "b50": volume("b50", dwi(50.0), slices=range(1, 4)),
    "b400": volume("b400", dwi(400.0), slices=range(1, 5)),
    "b800": volume("b800", dwi(800.0), slices=range(1, 4)),
    "adc": volume("adc", adc(), slices=range(1, 4)),
    "echo": volume("echo", echo(4.6), slices=range(1, 4)),
    "other study": volume("x", dwi(400.0), slices=range(1, 4), study="another"),
    "same UIDs": tuple(
        replace(image, file=f"in/same-{n}.dcm", patient="P3", picture=f"same {n}")
        for n, image in enumerate(volume("b400", dwi(400.0), slices=range(1, 5)), start=1)
    ),
    "filtered": tuple(
        replace(image, file=f"in/filtered-{n}.dcm", picture=f"filtered {n}")
        for n, image in enumerate(volume("b800", dwi(800.0), slices=range(1, 4)), start=1)
    ),
    "other patient": volume("y", dwi(400.0), slices=range(1, 4), patient="P2"),
    "one UID": tuple(
        Image(f"in/one-{n}.dcm", "P1", "study", "second", "one", n, float(n), f"one {n}", T2)
        for n in range(1, 5)
    ),
}
POOL = {image.file: image for images in KINDS.values() for image in images}
# A filtered image has all tags of one of b800, UIDs too: it counts as that one where it is alone.
LIKE = {"filtered": "b800"}
KIND_OF = {image.file: LIKE.get(kind, kind) for kind, images in KINDS.items() for image in images}
TAGS_OF = {
    image.file: (image.study, image.series, image.sop, image.place, str(image.tags)) for image in POOL.values()
}
# Classes that the model gives to none of these images.
VALUES = ("MRCP", "ASL", "BOLD", "CISS", "SWI", "MRA", "PERFUSION")

FILES = st.sets(st.sampled_from(sorted(POOL)), min_size=1, max_size=8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), FILES),
        st.tuples(st.just("remove"), FILES),
        st.tuples(st.just("rename"), st.integers(0, 9)),
        st.tuples(st.just("correct"), st.integers(0, 20)),
        st.tuples(st.just("correct elsewhere"), st.integers(0, 20)),
        st.tuples(st.just("undo"), st.integers(0, 20)),
        st.tuples(st.just("merge"), st.just(0)),
    ),
    min_size=4,
    max_size=9,
)


def write_pool(folder: Path) -> Path:
    """All files that may come, each under its own name."""
    write_images(folder, list(POOL.values()), seed=5)
    return folder


@dataclass
class World:
    """A folder of files that come and go, two journals, and what people said of which files."""

    pool: Path
    folder: Path
    there: dict[str, str] = field(default_factory=dict)  # file of the pool -> its name now
    given: dict[str, frozenset[str]] = field(default_factory=dict)  # value -> files
    known: dict[str, set[str]] = field(default_factory=lambda: {"mine": set(), "theirs": set()})
    names: Iterator[int] = field(default_factory=itertools.count)
    undone: set[str] = field(default_factory=set)  # in my journal
    rows: list[tuple[Prediction, frozenset[str]]] = field(default_factory=list)

    def play(self, steps: Sequence[tuple[str, object]], resume: bool) -> None:
        """Begin with two parts of one series, go all steps, and export what is labeled in the end."""
        (self.folder / "files").mkdir()
        self.step("add", {image.file for kind in ("b400", "b800") for image in KINDS[kind]})
        self.classify(resume)
        for what, value in steps:
            self.step(what, value)
            self.classify(resume)
        self.export()

    def step(self, what: str, value: object) -> None:
        if what == "add" and isinstance(value, set):
            for file in sorted(value - self.there.keys()):
                self._place(file, f"{next(self.names):04d}")
        elif what == "remove" and isinstance(value, set):
            for file in sorted(value & self.there.keys()):
                (self.folder / "files" / self.there.pop(file)).unlink()
        elif what == "rename" and isinstance(value, int):
            files = sorted(self.there)
            random.Random(value).shuffle(files)
            for file in files:
                name = f"{next(self.names):04d}"
                os.rename(self.folder / "files" / self.there[file], self.folder / "files" / name)
                self.there[file] = name
        elif what in ("correct", "correct elsewhere") and isinstance(value, int) and self.rows:
            self._correct("mine" if what == "correct" else "theirs", value)
        elif what == "undo" and isinstance(value, int) and self.rows:
            part, _ = self.rows[value % len(self.rows)]
            gone = self.take_back(part)
            self.undone |= gone
            self.known["mine"] -= gone
        elif what == "merge":
            merge(self.journal("mine"), [self.journal("theirs")])
            self.known["mine"] |= self.known["theirs"] - self.undone

    def journal(self, whose: str) -> Path:
        return self.folder / f"{whose}.sqlite"

    def say(self, whose: str, part: Prediction, value: str) -> None:
        """Write down what a person says of a part."""
        with Journal(self.journal(whose)) as journal:
            journal.correct([part], {"sequence": value}, "reader")

    def take_back(self, part: Prediction) -> set[str]:
        """Undo what shows on a part; the values that were taken back."""
        with Journal(self.journal("mine")) as journal:
            return {taken.facets["sequence"] for taken in journal.undo([part], "reader")}

    def _place(self, file: str, name: str) -> None:
        shutil.copyfile(self.pool / file, self.folder / "files" / name)
        self.there[file] = name

    def _correct(self, whose: str, number: int) -> None:
        free = [value for value in VALUES if value not in self.given]
        part, files = self.rows[number % len(self.rows)]
        if not free or not files:
            return
        with Journal(self.journal(whose)) as journal:
            series = journal.current_series(part.series_uid, part.study_uid)
        for known in (p for p in series if p.part_key == part.part_key):
            self.say(whose, known, free[0])
            self.given[free[0]] = files
            self.known[whose].add(free[0])

    def classify(self, resume: bool) -> None:
        for whose in ("theirs", "mine"):
            with Journal(self.journal(whose)) as journal:
                self.rows = list(self._classified(journal, resume))
            for prediction, files in self.rows:
                self.check(prediction, files)
                self.check_nothing_is_lost(whose, prediction, files)
        assert not self.undone & {prediction.sequence for prediction, _ in self.rows}

    def export(self) -> None:
        """What leaves for training are the labels of the table, each with its own images."""
        settings = Settings(slices=1, side=16, identifiers=True)
        key, out = SiteKey.open(self.folder / "key"), self.folder / "export"
        with LabeledParts() as labels:
            with Journal(self.journal("mine")) as journal:
                labels.extend(journal.human_labels())
            exported = export_training_set(labels, open_source(self.folder / "files"), out, key, settings)
        lines = [json.loads(path.read_text()) for path in (out / "parts").glob("*.json")]
        found = {
            (line["identifiers"]["study_uid"], line["part"], line["truth"]["sequence"]): line["header"]
            for line in lines
        }
        expected = {
            (p.study_uid, p.part, p.sequence): len(files)
            for p, files in self.rows
            if p.status is Status.CORRECTED
        }
        assert {place: header["n_instances"] for place, header in found.items()} == expected
        assert exported.parts == len(expected)

    def _classified(self, journal: Journal, resume: bool) -> Iterator[tuple[Prediction, frozenset[str]]]:
        for result in run(open_source(self.folder / "files"), CLASSIFIER, journal=journal, resume=resume):
            files = {part.key: self._files(part) for part in result.parts}
            for prediction in result.predictions:
                (again,) = [
                    p
                    for p in journal.current_series(prediction.series_uid, prediction.study_uid)
                    if p.part_key == prediction.part_key
                ]
                assert (again.status, again.sequence) == (prediction.status, prediction.sequence)
                yield prediction, files[prediction.part_key]

    def _files(self, part: object) -> frozenset[str]:
        file_of = {name: file for file, name in self.there.items()}
        return frozenset(file_of[Path(i.path).name] for i in part.instances)  # type: ignore[attr-defined]

    def check(self, prediction: Prediction, files: frozenset[str]) -> None:
        """A label that people gave is on files that they gave it to, or that joined these as their like."""
        if prediction.status is not Status.CORRECTED:
            assert prediction.sequence not in VALUES
            return
        labeled = self.given[prediction.sequence]
        assert files & labeled
        assert {KIND_OF[file] for file in files} <= {KIND_OF[file] for file in labeled}
        still_there = {TAGS_OF[file] for file in labeled & self.there.keys()}
        assert not {TAGS_OF[file] for file in files - labeled} & still_there
        assert len({POOL[file].patient for file in files}) == len({POOL[file].study for file in files}) == 1

    def check_nothing_is_lost(self, whose: str, prediction: Prediction, files: frozenset[str]) -> None:
        """Images that people labeled show that, or ask for a look."""
        if any(files <= self.given[value] for value in self.known[whose]):
            asked = any(e.reason is Reason.LABELED_OTHER_IMAGES for e in prediction.evidence)
            assert prediction.status is Status.CORRECTED or (prediction.status is Status.REVIEW and asked)


CLASSIFIER = Classifier()
