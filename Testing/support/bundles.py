"""The header bundle that tests classify with."""

from __future__ import annotations

import os

import pytest

from SeriesClassifierLib.bundles.bundle import shipped
from SeriesClassifierLib.inference.run import HEADERS_BUNDLE


def headers_bundle() -> str:
    """Name of the shipped bundle; while there is none, the folder in SERIESCLASSIFIER_BUNDLE. Skips without."""
    if HEADERS_BUNDLE in {folder.name for folder in shipped()}:
        return HEADERS_BUNDLE
    folder = os.environ.get("SERIESCLASSIFIER_BUNDLE")
    if not folder:
        pytest.skip("there is no header bundle yet: build it with `make bundles`")
    return folder
