"""For random additions, removals and re-orderings of files: no image carries a human label that nobody gave it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from support.labeled_folder import STEPS, World, write_pool


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("pool"))


LATE = "in/b50-03.dcm"
FILTERED = {f"in/filtered-{n}.dcm" for n in range(1, 4)}
ECHO = {f"in/echo-{n:02d}.dcm" for n in range(1, 4)}
TWIN = {f"in/same-{n}.dcm" for n in range(1, 5)}


# A failing example is short as it is, and every try of a shorter one writes files.
@settings(max_examples=40, phases=(Phase.explicit, Phase.generate))
@given(steps=STEPS, resume=st.booleans())
@example(steps=[("add", {LATE}), ("remove", {LATE}), ("add", {LATE})], resume=True)  # what was before is again
@example(steps=[("correct", 0), ("correct", 1), ("add", TWIN), ("remove", TWIN)], resume=False)  # another patient
@example(steps=[("correct", 0), ("add", TWIN | ECHO)], resume=True)  # who makes the parts split otherwise
@example(steps=[("correct", 0), ("correct", 1), ("add", FILTERED), ("remove", FILTERED)], resume=True)  # same UIDs
@example(steps=[("add", TWIN | ECHO), *(("correct", n) for n in range(5)), ("remove", TWIN | ECHO)], resume=False)
@example(  # another image in the place of one that was never labeled
    steps=[
        ("remove", {"in/b800-02.dcm", "in/b800-03.dcm"}),
        ("correct", 1),
        ("add", {"in/filtered-2.dcm"}),
    ],
    resume=False,
)
@example(  # another image in the place of a labeled one
    steps=[("correct", 1), ("remove", {"in/b800-02.dcm"}), ("add", {"in/filtered-2.dcm"})], resume=False
)
def test_no_image_carries_a_label_that_nobody_gave_it(
    written: Path, steps: list[tuple[str, object]], resume: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        World(written, Path(name)).play(steps, resume)
