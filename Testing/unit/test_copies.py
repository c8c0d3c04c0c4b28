"""An image of one person is never taken for a copy of another's, however it is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from support.identity_cases import T2, volume
from support.identity_images import Copy, write_copies, write_images

from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.sources import open_source


@pytest.mark.parametrize("how", ["bytes", "rle"])
@pytest.mark.parametrize(("patient", "n_kept"), [("", 4), ("ANON", 4), ("SOMEBODY", 8)])
def test_copies_by_patient(tmp_path: Path, how: str, patient: str, n_kept: int) -> None:
    images = volume("a", T2, slices=range(1, 5))
    write_images(tmp_path, images, seed=5)
    copies = [Copy(f"in/copy-{n}.dcm", image.file, how) for n, image in enumerate(images)]
    write_copies(tmp_path, copies)
    for copy in copies:
        dataset = dcmread(tmp_path / copy.file)
        dataset.PatientID = patient
        dataset.save_as(tmp_path / copy.file)
    (study,) = open_source(tmp_path).studies()
    (series,) = study.series
    assert len(series.instances) == n_kept
    of_part = [{i.text("PatientID") for i in part.instances} for part in split(series)]
    assert all(len(names) == 1 for names in of_part)
    assert len(of_part) == (2 if n_kept == 8 else 1)
