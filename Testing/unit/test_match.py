"""How a part relates to what a person labeled: the images decide, and where they say too little, somebody looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.predictions import make_prediction

from SeriesClassifierLib.identity import image_digest, pack, part_key, unpack
from SeriesClassifierLib.journal.state import Match, Subject, match
from SeriesClassifierLib.records import Prediction

KIND = {"scanning": "SE", "te": 96.0, "tr": 4000.0, "instances": 3.0}


def part(images: str, *, b: str = "400", study: str = "1.2.1", protocol: dict[str, Any] = KIND) -> Prediction:
    """A part whose images are the letters of ``images``."""
    packed = pack(map(image_digest, images))
    return make_prediction(
        study_uid=study,
        images=packed,
        part_key=part_key(study, "1.2.1.5", (f"b={b}",), packed),
        protocol=protocol,
    )


def labeled(of: Prediction) -> Subject:
    return Subject(
        of.study_uid,
        of.series_uid,
        of.part_key,
        unpack(of.images),
        of.part,
        protocol=of.protocol,
        patient_id=of.patient_id,
    )


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (part("abc"), part("abc"), Match.SAME),
        (part("abc"), part("ab"), Match.SAME),
        (part("abc"), part("ab", b="800"), Match.SAME),
        (part("abc"), part("abcd"), Match.SAME),
        (part("abc"), part("abcd", protocol={**KIND, "instances": 4.0}), Match.SAME),
        (part("abc"), part("abcd", protocol={**KIND, "te": 5.0}), Match.OTHER_IMAGES),
        (part("abc", protocol={}), part("abcd", protocol={}), Match.OTHER_IMAGES),
        (part("abc"), part("abcd", b="800"), Match.OTHER_IMAGES),
        (part("abc"), part("cde"), Match.OTHER_IMAGES),
        (part("abc"), part("cde", b="800"), Match.OTHER_IMAGES),
        (part("abc"), part("def"), Match.OTHER_IMAGES),
        (part("abc"), part("def", b="800"), Match.ANOTHER_PART),
        (part("abc"), part("abc", study="1.2.9"), Match.ANOTHER_PART),
    ],
)
def test_a_label_is_shown_where_its_images_are(before: Prediction, now: Prediction, expected: Match) -> None:
    assert match(labeled(before), now, unpack(now.images)) is expected


def test_a_label_stays_with_its_patient_where_all_uids_are_the_same() -> None:
    given = part("abc")
    subject = replace(labeled(given), patient_id="P-1")
    assert match(subject, given, unpack(given.images)) is Match.SAME
    for name, expected in (("P-2", Match.OTHER_IMAGES), ("ANON", Match.OTHER_IMAGES), ("", Match.OTHER_IMAGES), ("P-1 ", Match.SAME)):
        other = replace(given, patient_id=name)
        assert match(subject, other, unpack(given.images)) is expected


def of_images(values: str, *digests: bytes) -> Prediction:
    packed = pack(digests)
    return make_prediction(images=packed, part_key=part_key("1.2.1", "1.2.1.5", (values,), packed), protocol=KIND)


@pytest.mark.parametrize("now", ["b=400", "patient=1,type=plain,b=400"])
def test_images_of_which_others_have_the_name_are_looked_at(now: str) -> None:
    """Where all UIDs are the same, the digests of all images change when another patient comes, or goes."""
    alone = of_images("b=400", *(image_digest(name) for name in "ab"))
    mine, others = (
        of_images(now, *(image_digest(name, content=content) for name in "ab")) for content in ("mine", "other")
    )
    for before, after in ((alone, mine), (alone, others), (mine, alone), (mine, others)):
        assert match(labeled(before), after, unpack(after.images)) is Match.OTHER_IMAGES
    assert match(labeled(mine), mine, unpack(mine.images)) is Match.SAME


def of_version_1(number: int | None, **changes: Any) -> Subject:
    values: dict[str, Any] = {"fingerprint": "f1", "n_instances": 19, "protocol": KIND, **changes}
    return Subject("1.2.1", "1.2.1.5", part=number, **values)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (of_version_1(1), Match.SAME),
        (of_version_1(None), Match.SAME),
        (of_version_1(2), Match.ANOTHER_PART),
        (of_version_1(1, fingerprint="f0"), Match.OTHER_IMAGES),
        (of_version_1(None, fingerprint="f0"), Match.OTHER_IMAGES),
        (of_version_1(1, fingerprint=""), Match.OTHER_IMAGES),
        (of_version_1(1, n_instances=18), Match.OTHER_IMAGES),
        (of_version_1(1, protocol={**KIND, "te": 5.0}), Match.OTHER_IMAGES),
    ],
)
def test_a_label_of_version_1_holds_for_an_unchanged_series(subject: Subject, expected: Match) -> None:
    assert match(subject, part("abc"), frozenset()) is expected
