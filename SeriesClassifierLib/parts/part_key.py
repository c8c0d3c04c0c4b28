"""The key of a part: what it is, wherever it stands in its series and however its files are named."""

from __future__ import annotations

from collections.abc import Sequence

from SeriesClassifierLib.identity import image_digest, pack, part_key
from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources.copies import identity


def image_set(instances: Sequence[Instance]) -> bytes:
    """The digests of the images of a part, as ``identity.pack`` joins them."""
    return pack(image_digest(*identity(instance), content=instance.content) for instance in instances)


def key_of(study_uid: str, series_uid: str, values: Sequence[str], images: bytes) -> str:
    """The key of a part of these images; a value that holds a comma or an at sign loses it."""
    clean = [value.replace(",", " ").replace("@", " ") for value in values]
    return part_key(study_uid, series_uid, clean, images)
