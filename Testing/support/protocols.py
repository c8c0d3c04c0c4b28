"""Protocol fingerprints for tests, of headers that the simulation draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from SeriesClassifierLib.headers.protocol import Protocol, protocol
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.headers import draw_part


def drawn_protocol(seed: int, description: str = "", **tags: TagValue) -> Protocol:
    """The fingerprint of a drawn T1 (odd seeds) or T2 (even seeds), with a description and some tags changed."""
    header = draw_part(
        np.random.default_rng(seed), sequence="T1" if seed % 2 else "T2", region="brain"
    ).header
    return protocol(replace(header, tags={**header.tags, "SeriesDescription": description, **tags}))
