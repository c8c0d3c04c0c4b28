"""Shared fixtures. Real exams are used where they are and their absence is said in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the user of this machine adopted has no influence, and tests adopt nothing for that user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real development exams; tests that need it are skipped, with the reason, where it is
    absent.
    """
    folder = Path(os.environ.get("SERIESCLASSIFIER_SHARED", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "labels.csv").is_file():
        pytest.skip(
            "the real development exams are not on this machine (set SERIESCLASSIFIER_SHARED to their folder)"
        )
    return folder


@pytest.fixture(scope="session")
def slicer_database(shared_data: Path) -> Path:
    """A real Slicer DICOM database of 25 series, never to be written to."""
    return shared_data / "slicer_database"
