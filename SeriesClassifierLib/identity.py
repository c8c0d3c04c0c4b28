"""What a part is, wherever it stands: its study, its series, what tells it from the others, and its images.

A part key is a text such as ``b=400@1f0c...``: the values that tell the part apart ("all" where nothing does)
and a digest of study, series and images. It holds no UID, and two parts have one key only when they are the
same images of the same series of the same study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

# Bytes of one image's digest: within a series, two images share one by chance once in 10**13 series.
IMAGE_BYTES = 8
# The first bytes come from its tags alone.
_NAME_BYTES = 4
# Stands for the values of a part that nothing tells from others: it is all of its series.
WHOLE = "all"


def image_digest(*identity: str, content: str = "") -> bytes:
    """The digest of one image from the texts that identify it within its series.

    ``content``, a digest of its pixels, tells it from other images with the same identity. It leaves the
    first half (``names``) as it is, for those other images may come and go.
    """
    own = _digest(*identity)[:IMAGE_BYTES]
    if not content:
        return own
    return own[:_NAME_BYTES] + _digest(*identity, content)[: IMAGE_BYTES - _NAME_BYTES]


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).digest()


def names(images: Iterable[bytes]) -> frozenset[bytes]:
    """What of the digests does not depend on other images; images with the same UIDs share it."""
    return frozenset(digest[:_NAME_BYTES] for digest in images)


def pack(digests: Iterable[bytes]) -> bytes:
    """The digests of a set of images as one value: sorted, each once."""
    return b"".join(sorted(set(digests)))


def unpack(images: bytes) -> frozenset[bytes]:
    """The set that ``pack`` joined."""
    return frozenset(images[i : i + IMAGE_BYTES] for i in range(0, len(images), IMAGE_BYTES))


def part_key(study_uid: str, series_uid: str, values: Sequence[str], images: bytes) -> str:
    """The key of a part; ``images`` as ``pack`` gives them.

    >>> part_key("1.2", "1.2.3", ("b=400",), b"")
    'b=400@33e662ffa0910cab'
    """
    digest = hashlib.sha256()
    for uid in (study_uid, series_uid):
        digest.update(uid.encode("utf-8", "replace") + b"\0")
    digest.update(images)
    return f"{','.join(values) or WHOLE}@{digest.hexdigest()[:16]}"


def is_key_of(key: str, study_uid: str, series_uid: str, images: bytes) -> bool:
    """Whether ``key`` is that of some part of these images."""
    return key == part_key(study_uid, series_uid, (values_of(key),), images)


def values_of(key: str) -> str:
    """The values that tell the part apart, joined as in its key."""
    return key.rpartition("@")[0]


def series_key(study_uid: str, series_uid: str) -> str:
    """One text for a series of a study: two studies may use one SeriesInstanceUID."""
    return f"{study_uid}/{series_uid}"


def series_of(key: str) -> tuple[str, str]:
    """Study and series UID of a ``series_key``."""
    study_uid, _, series_uid = key.partition("/")
    return study_uid, series_uid
