"""The protocol fingerprint: the same for a repetition, another one for another protocol."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.protocol import (
    places,
    protocol,
    same_protocol,
    same_words,
    tells_enough,
    words,
)
from SeriesClassifierLib.records import TagValue
from SeriesClassifierLib.simulation.headers import draw_part

TSE: dict[str, TagValue] = {
    "SeriesDescription": "t2_tse_tra_320_p2",
    "PatientID": "P-17",
    "Manufacturer": "SIEMENS",
    "MagneticFieldStrength": 2.89362,
    "ScanningSequence": "SE",
    "SequenceVariant": ("SK", "SP"),
    "SequenceName": "*tse2d1_15",
    "MRAcquisitionType": "2D",
    "ImageType": ("ORIGINAL", "PRIMARY", "M", "ND"),
    "RepetitionTime": 4000.0,
    "EchoTime": 101.0,
    "FlipAngle": 150.0,
    "EchoTrainLength": 15.0,
    "SliceThickness": 3.0,
}


def header(**tags: TagValue) -> PartHeader:
    return PartHeader({**TSE, **tags}, planes=("AX",))


def test_a_repetition_has_the_same_protocol() -> None:
    one, other = (
        protocol(header()),
        protocol(header(RepetitionTime=4480.0, MagneticFieldStrength=3.0, PatientID="Q", EchoTime=103.0)),
    )
    assert same_protocol(one, other)
    assert same_words(one, other)
    assert places(one)[0] in places(other)
    assert tells_enough(one)


@pytest.mark.parametrize(
    "changed",
    [
        {"EchoTime": 20.0},
        {"RepetitionTime": 800.0},
        {"ScanningSequence": ("SE", "IR")},
        {"InversionTime": 150.0},
        {"Manufacturer": "GE MEDICAL SYSTEMS"},
        {"ImageType": ("DERIVED", "PRIMARY", "M", "SUB")},
        {"ContrastBolusAgent": "Gadovist"},
    ],
)
def test_another_protocol_is_told_apart(changed: dict[str, TagValue]) -> None:
    assert not same_protocol(protocol(header()), protocol(header(**changed)))


def test_planes_and_time_points_are_told_apart() -> None:
    base = header()
    assert not same_protocol(protocol(base), protocol(replace(base, planes=("SAG",))))
    early, late = replace(base, time_index=0), replace(base, time_index=3)
    assert not same_protocol(protocol(early), protocol(late))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WIP t2_tse_tra_320_p2 (RR)", "t2 tse tra p2"),
        ("T2 TSE TRA p2 repeat", "t2 tse tra p2"),
        ("mDIXON_W 3", "mdixon w"),
        ("", ""),
        ("12 34", ""),
    ],
)
def test_words_leave_numbers_and_remarks_out(text: str, expected: str) -> None:
    assert words(text) == expected
    assert words(words(text)) == words(text)


def test_the_fingerprint_holds_no_identifier_and_is_the_same_whatever_the_order_of_tags() -> None:
    one = protocol(header())
    assert "P-17" not in one.values()
    assert "PatientID" not in one
    backwards = PartHeader(dict(reversed(list(header().tags.items()))), planes=("AX",))
    assert protocol(backwards) == one


def test_same_protocol_is_an_equivalence_on_drawn_headers_seen_twice() -> None:
    rng = np.random.default_rng(3)
    drawn = [protocol(draw_part(rng).header) for _ in range(60)]
    for one in drawn:
        assert same_protocol(one, one)
        for other in drawn:
            assert same_protocol(one, other) == same_protocol(other, one)
            if same_protocol(one, other):
                assert places(one)[0] in places(other)


def test_an_empty_header_tells_nothing() -> None:
    assert not tells_enough(protocol(PartHeader({})))
    assert not same_words(protocol(PartHeader({})), protocol(PartHeader({})))
