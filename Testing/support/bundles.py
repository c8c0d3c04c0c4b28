"""The header bundle that tests classify with."""

from __future__ import annotations

from SeriesClassifierLib.inference.run import HEADERS_BUNDLE


def headers_bundle() -> str:
    """Name of the shipped bundle. Every clone has it: its absence fails the tests."""
    return HEADERS_BUNDLE
