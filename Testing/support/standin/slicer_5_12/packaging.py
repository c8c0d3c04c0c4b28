"""`slicer.packaging`, which Slicer has from 5.12 on and which is no attribute of `slicer` before it is imported."""

# ruff: noqa: N803 (names of C++)
from __future__ import annotations

from typing import Any

import slicer


def pip_install(
    requirements: Any,
    constraints: Any = None,
    no_deps_requirements: Any = None,
    skip_packages: Any = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
    logCallback: Any = None,
    completedCallback: Any = None,
) -> None:
    slicer.util.pip_install(requirements)


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    skip_packages: Any = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    if not (skip_in_testing and slicer.app.testingEnabled()):
        slicer.util.pip_install(requirements)
