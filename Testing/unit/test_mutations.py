"""The mutations of the mutation check still find their places: a change of the code must not disarm it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[2]


def mutations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutations", REPOSITORY / "Testing" / "benchmarks" / "mutations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_every_mutation_finds_its_place_once() -> None:
    found = mutations()
    lost = [
        mutation.name
        for mutation in (*found.MUTATIONS, *found.WHAT_IS_THERE)
        if (REPOSITORY / "SeriesClassifierLib" / mutation.file).read_text(encoding="utf-8").count(mutation.old) != 1
    ]
    assert not lost
    assert (len(found.MUTATIONS), len(found.WHAT_IS_THERE)) == (30, 20)
