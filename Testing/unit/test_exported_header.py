"""Headers that leave: the same features before and after, and no text that a person could have written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.errors import SeriesClassifierError
from SeriesClassifierLib.export.exported_header import header_from_json, header_to_json
from SeriesClassifierLib.export.technical_tags import (
    COIL_WORDS,
    FAMILY_WORDS,
    OPTION_WORDS,
    TECHNICAL,
    technical_tags,
)
from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.headers.part_header import PartHeader, series_headers
from SeriesClassifierLib.headers.tokens import COILS, FAMILIES, OPTIONS, coils, scan_options, sequence_family
from SeriesClassifierLib.parts.diffusion import b_value
from SeriesClassifierLib.parts.image_kind import WORDS
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.simulation.damage import damage
from SeriesClassifierLib.simulation.headers import STRANGE, draw_part
from SeriesClassifierLib.sources import open_source
from SeriesClassifierLib.sources.tags import PRIVATE_TAGS, TAGS
from SeriesClassifierLib.sources.values import from_text

PRIVATE = {tag.name for tag in PRIVATE_TAGS}
KEYWORDS = sorted({tag.keyword for tag in TAGS} | PRIVATE)
NUMERIC = {tag.keyword for tag in TAGS if tag.vr in ("DS", "IS", "US", "FD")}


def through_json(header: PartHeader) -> PartHeader:
    text = json.dumps(header_to_json(header), allow_nan=False)
    return header_from_json(json.loads(text))


def check(header: PartHeader) -> None:
    """Everything that holds for every header."""
    tags = dict(header.tags)
    back = through_json(header)
    before, after = features(header), features(back)
    assert after.keys() == before.keys()
    for name, value in before.items():
        assert after[name] == pytest.approx(value, rel=1e-6, abs=1e-6), name
    assert header_to_json(back) == header_to_json(header)
    assert {f.facet: f.value for f in facts(back)}.get("derived") == {
        f.facet: f.value for f in facts(header)
    }.get("derived")
    assert header.tags == tags


def simulated(n: int) -> Iterator[PartHeader]:
    rng = np.random.default_rng(20)
    donors: list[PartHeader] = []
    for number in range(n):
        header = draw_part(rng, shift=STRANGE if number % 2 else None).header
        donors.append(header)
        yield header
        yield damage(rng, header, donors)


def real(shared: Path) -> Iterator[PartHeader]:
    for folder in ("dicom", "dicom_more"):
        for study in open_source(shared / folder).studies():
            for series in study.series:
                yield from series_headers(series, split(series))
    with gzip.open(shared / "slices" / "headers.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            raw = json.loads(line)["header"]
            vr = {tag.keyword: tag.vr for tag in TAGS}
            read = {
                k: from_text(k, vr[k], str(v).strip("[]").replace(", ", "\\"))
                for k, v in raw.items()
                if k in vr
            }
            yield PartHeader({k: v for k, v in read.items() if v is not None})


def test_features_of_simulated_headers_stay() -> None:
    for header in simulated(1500):
        check(header)


def test_features_of_real_headers_stay(shared_data: Path) -> None:
    headers = list(real(shared_data))
    assert len(headers) > 150
    for header in headers:
        check(header)


values = st.one_of(
    st.floats(-1e12, 1e12, allow_nan=False),
    st.text(max_size=70),
    st.sampled_from(
        ["", "MIP_SMITH", "FATSAT BY SMITH", "*tse2d1_25", "ep_b800 Smith", "ORIGINAL", "M", "Ge"]
    ),
    st.lists(st.sampled_from([*sorted(WORDS), "ORIGINAL", "DERIVED", "PRIMARY", "SMITH"]), max_size=8).map(
        tuple
    ),
    st.lists(st.text(max_size=20), max_size=5).map(tuple),
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=8).map(tuple),
)
counts = st.integers(1, 10**6)
measures = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)
headers = st.builds(
    PartHeader,
    tags=st.dictionaries(st.sampled_from(KEYWORDS), values, max_size=12),
    n_instances=counts,
    n_positions=counts,
    planes=st.lists(st.sampled_from(["AX", "COR", "SAG", "OBL"]), unique=True).map(tuple),
    tilt=measures,
    b_value=measures,
    b_source=st.sampled_from(["", "ImageComments", "GE (0043,xx39)", "Smith"]),
    largest_pixel=measures,
    since_contrast=measures,
    time_index=st.none() | st.integers(0, 500),
)


@settings(max_examples=400)
@given(headers)
def test_features_of_any_header_stay(header: PartHeader) -> None:
    check(header)


@settings(max_examples=400)
@given(headers)
def test_only_listed_tags_leave_and_only_numbers_or_known_words(header: PartHeader) -> None:
    out = header_to_json(header)
    assert out["tags"].keys() <= TECHNICAL
    assert not out["tags"].keys() & PRIVATE
    assert "smith" not in json.dumps(out).lower()


def test_what_people_wrote_and_when_stays_behind() -> None:
    gone = {
        *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"),
        *("SeriesDescription", "ProtocolName", "StudyDescription", "ImageComments", "DerivationDescription"),
        *("PerformedProcedureStepDescription", "RequestedProcedureDescription", "BodyPartExamined"),
        *("SeriesTime", "AcquisitionTime", "ContentTime", "AcquisitionDateTime", "ManufacturerModelName"),
    }
    assert not TECHNICAL & gone
    header = PartHeader(dict.fromkeys(KEYWORDS, "Anna Smith 19600229 101112"))
    text = json.dumps(header_to_json(header)).lower()
    for word in ("anna", "smith", "1960", "1011"):
        assert word not in text
    assert technical_tags({"ContrastBolusStartTime": "101112"}) == {"ContrastBolusStartTime": ""}


@pytest.mark.parametrize("keyword", sorted(TECHNICAL - NUMERIC))
@given(word=st.from_regex(r"[a-z]{3,12} ?(smith|qqqzzz)[0-9]{0,6}", fullmatch=True))
def test_no_text_passes_a_tag_of_words(keyword: str, word: str) -> None:
    out = json.dumps(technical_tags({keyword: ("ORIGINAL", "PRIMARY", f"MIP_{word}", word, f"FATSAT{word}")}))
    assert not {"smith", "qqqzzz"} & set(out.lower().replace('"', " ").split())
    assert word.lower() not in out.lower()


def test_every_option_family_and_coil_has_a_word_that_means_nothing_else() -> None:
    assert {name: scan_options((word,)) for name, word in OPTION_WORDS.items()} == {n: {n} for n in OPTIONS}
    assert {name: sequence_family(word) for name, word in FAMILY_WORDS.items()} == {n: n for n in FAMILIES}
    for size in range(len(COILS) + 1):
        for some in combinations(COILS, size):
            assert coils(" ".join(COIL_WORDS[name] for name in some)) == set(some)


@pytest.mark.parametrize(
    "name", ["*tse2d1_25", "*ep_b800t", "ep_b2000#17", "*epfid2d1_64", "*fl3d1", "*ep_b50_400"]
)
def test_names_in_the_vendors_own_pattern_stay(name: str) -> None:
    assert technical_tags({"SequenceName": name}) == {"SequenceName": name}


@pytest.mark.parametrize(
    ("source", "tag", "value"),
    [
        ("Siemens (0019,xx0C)", "SiemensBValue", 800.0),
        ("GE (0043,xx39)", "GEBValue", 1_000_000_800.0),
        ("Philips (2001,xx03)", "PhilipsBValue", 800.0),
        ("UIH (0065,xx09)", "UIHBValue", 800.0),
        ("ImageComments", "ImageComments", "b=800(0.4,0.1,0.9) for Smith"),
        ("DiffusionBValue", "DiffusionBValue", 800.0),
        ("SequenceName", "SequenceName", "ep_b800 for Smith"),
    ],
)
def test_a_b_value_can_still_be_read_from_the_tags(source: str, tag: str, value: Any) -> None:
    """Damage looks for it there."""
    header = PartHeader({tag: value}, b_value=800.0, b_source=source)
    found = b_value(through_json(header).instance)
    assert found is not None
    assert (found.value, found.source) == (800.0, source)
    assert "Smith" not in json.dumps(header_to_json(header))


def test_damage_does_the_same_before_and_after() -> None:
    rng = np.random.default_rng(5)
    for number in range(300):
        header = draw_part(rng).header
        back = through_json(header)
        # The tags themselves differ, so chance falls on others; whether the b-value can be lost must not.
        without = replace(header, tags={k: v for k, v in header.tags.items() if "BValue" not in k})
        back_without = replace(back, tags={k: v for k, v in back.tags.items() if "BValue" not in k})
        assert (b_value(header.instance) is None) == (b_value(back.instance) is None), number
        assert (b_value(without.instance) is None) == (b_value(back_without.instance) is None), number


good = header_to_json(
    PartHeader(
        {"EchoTime": 90.0, "ImageType": ("ORIGINAL", "PRIMARY"), "GEPulseSequence": "fse-xl"}, planes=("AX",)
    )
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_anything_else_is_an_error(value: Any) -> None:
    with pytest.raises(SeriesClassifierError, match="exported header"):
        header_from_json(value)


@settings(max_examples=400)
@given(st.data())
def test_a_changed_field_is_either_read_as_it_is_or_an_error(data: st.DataObject) -> None:
    values = json.loads(json.dumps(good))
    place = data.draw(st.sampled_from([values, values["tags"], values["pulse_sequence"]]))
    place[data.draw(st.sampled_from(sorted(place)) | st.text(max_size=8))] = data.draw(json_values)
    try:
        header = header_from_json(values)
    except SeriesClassifierError:
        return
    check(header)


@pytest.mark.parametrize("name", sorted(good))
def test_a_missing_field_is_an_error(name: str) -> None:
    with pytest.raises(SeriesClassifierError, match="missing"):
        header_from_json({key: value for key, value in good.items() if key != name})


@pytest.mark.parametrize(
    "tags",
    [
        {"SequenceName": "Smith"},
        {"PatientID": "1"},
        {"PatientSex": 3.0},
        {"ImageType": ["SMITH"]},
        {"SAR": "1"},
    ],
)
def test_a_tag_that_would_never_be_written_is_an_error(tags: dict[str, Any]) -> None:
    with pytest.raises(SeriesClassifierError, match="tag"):
        header_from_json({**good, "tags": tags})
