"""Shared fixtures. Real exams are used where they are and their absence is said in words."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about the code.
_UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# The same commit gives the same result in CI. New examples: pytest --hypothesis-profile=random
settings.register_profile("fixed", derandomize=True, **_UNTIMED)
settings.register_profile("random", **_UNTIMED)
settings.load_profile("fixed")

REPOSITORY = Path(__file__).resolve().parent.parent
_SCRAMBLED = Path(__file__).resolve().parent / "support" / "scrambled"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--scramble-evidence``: no test but those marked ``golden`` may notice."""
    parser.addoption(
        "--scramble-evidence",
        action="store_true",
        help="give every reason another sentence, also in the processes that tests start",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module loads the library."""
    if config.getoption("--scramble-evidence"):
        runpy.run_path(str(_SCRAMBLED / "sitecustomize.py"))
        paths = [str(_SCRAMBLED), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The sentences themselves are what golden tests assert."""
    if config.getoption("--scramble-evidence"):
        golden = [item for item in items if item.get_closest_marker("golden")]
        config.hook.pytest_deselected(items=golden)
        items[:] = [item for item in items if item not in golden]


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
