"""What the panel writes and shows of files that come and go: no image carries a human label that nobody gave it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from support.labeled_folder import STEPS, World, write_pool
from support.panel import MODULE

from SeriesClassifierLib.identity import series_key
from SeriesClassifierLib.publish.series_row import part_row_key

TWIN = {f"in/same-{n}.dcm" for n in range(1, 5)}


class PanelWorld(World):
    """What is said of my journal goes through the store of the panel, as does what is checked."""

    def open_panel(self) -> None:
        from SeriesClassifierApp.LabelStore import SourceLabels
        from SeriesClassifierApp.Sources import Source

        self.labels = SourceLabels(Source(str(self.folder), str(self.journal("mine"))), "reader")
        self.said: list[str] = []

    def say(self, whose, part, value):
        if whose != "mine":
            super().say(whose, part, value)
            return
        chosen = (series_key(part.study_uid, part.series_uid), part_row_key(part))
        for _step in self.labels.correct([chosen], {"sequence": value}):
            pass
        self.said.append(value)

    def take_back(self, part):
        """The panel goes back step by step, whatever is selected."""
        for _step in self.labels.undo([]):
            pass
        return {self.said.pop()} if self.said else set()

    def check(self, prediction, files):
        super().check(prediction, files)
        if not self.journal("mine").is_file():
            return
        rows = self.labels.rows([series_key(prediction.study_uid, prediction.series_uid)])
        shown = [part for row in rows for part in row["parts"] if part["key"] == part_row_key(prediction)]
        for part in shown:
            assert (part["status"] == "corrected") == (part["sequence"] in self.given)
            if part["status"] == "corrected":
                assert files & self.given[part["sequence"]]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_pool(tmp_path_factory.mktemp("pool"))


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
@example(steps=[("correct", 0), ("correct", 1), ("add", TWIN), ("undo", 0), ("remove", TWIN)])
def test_the_panel_gives_no_image_a_label_that_nobody_gave_it(slicer_standin, written, steps):
    if not slicer_standin.has_started:
        slicer_standin.load(MODULE)
    with tempfile.TemporaryDirectory() as name:
        world = PanelWorld(written, Path(name))
        world.open_panel()
        world.play(steps, resume=True)
        world.labels.close()
