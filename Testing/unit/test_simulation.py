"""The header simulator: reproducible, broad, with the physics that carries information, and damage that only
takes away.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.headers.features import FEATURES, fat_water_cosine, features, field_strength
from SeriesClassifierLib.headers.tokens import VENDORS, vendor
from SeriesClassifierLib.simulation.damage import damage
from SeriesClassifierLib.simulation.dialects import MANUFACTURERS, VENDOR_WEIGHTS
from SeriesClassifierLib.simulation.headers import SimulatedPart, draw_part
from SeriesClassifierLib.sources.tags import PRIVATE_TAGS, TAGS
from SeriesClassifierLib.vocabulary import classes

KEYWORDS = {tag.keyword for tag in TAGS} | {tag.name for tag in PRIVATE_TAGS}


@pytest.fixture(scope="module")
def parts() -> list[SimulatedPart]:
    rng = np.random.default_rng(1)
    return [draw_part(rng) for _ in range(4000)]


def test_the_same_seed_gives_the_same_headers(parts: list[SimulatedPart]) -> None:
    rng = np.random.default_rng(1)
    assert [draw_part(rng) for _ in range(50)] == parts[:50]
    assert draw_part(np.random.default_rng(2)) != parts[0]


@pytest.mark.parametrize("name", classes("sequence"))
def test_every_sequence_is_reached(name: str, parts: list[SimulatedPart]) -> None:
    assert draw_part(np.random.default_rng(0), sequence=name).sequence == name
    assert any(part.sequence == name for part in parts)


def test_every_vendor_is_reached_and_recognized(parts: list[SimulatedPart]) -> None:
    assert set(VENDOR_WEIGHTS) == set(VENDORS) == {part.vendor for part in parts}
    assert all(vendor(name) == key for key, names in MANUFACTURERS.items() for name in names)


@pytest.mark.parametrize("facet", ["region", "phase", "derived"])
def test_only_classes_of_the_vocabulary(facet: str, parts: list[SimulatedPart]) -> None:
    found = Counter(getattr(part, facet) for part in parts)
    assert set(found) <= set(classes(facet))
    # Two regions are no place of the body: phantoms, and what several of them are. What a map is, ImageType
    # states; no model learns it.
    assert set(classes(facet)) - set(found) <= {"other", "whole_body", "RATIO", "MAP"}


def test_every_sequence_of_every_vendor(parts: list[SimulatedPart]) -> None:
    rng = np.random.default_rng(3)
    for sequence in classes("sequence"):
        for maker in VENDORS:
            part = draw_part(rng, sequence=sequence, vendor=maker)
            assert (part.sequence, part.vendor) == (sequence, maker)


def test_impossible_request_is_refused() -> None:
    with pytest.raises(ValueError, match="no protocol"):
        draw_part(np.random.default_rng(0), sequence="MRCP", region="brain")


def test_tags_are_those_that_are_read(parts: list[SimulatedPart]) -> None:
    assert {keyword for part in parts for keyword in part.header.tags} <= KEYWORDS


def test_numbers_are_floats_as_the_readers_make_them(parts: list[SimulatedPart]) -> None:
    for part in parts[:500]:
        for keyword, value in part.header.tags.items():
            values = value if isinstance(value, tuple) else (value,)
            assert all(isinstance(v, (str, float)) for v in values), keyword
            assert all(v != "" for v in values), keyword


def test_times_are_possible(parts: list[SimulatedPart]) -> None:
    times = []
    for part in parts:
        echo, repetition = map(part.header.instance.number, ("EchoTime", "RepetitionTime"))
        assert echo is None or echo > 0
        assert repetition is None or repetition > 0
        times.append((echo or 0.0, repetition or math.inf))
    # A shifted echo may come after the next pulse, but hardly ever does.
    assert sum(echo >= repetition for echo, repetition in times) < 0.02 * len(times)


def test_most_features_are_seen(parts: list[SimulatedPart]) -> None:
    """A feature that no simulated header shows cannot be learned."""
    seen = {name for part in parts for name, value in features(part.header).items() if value}
    never = {feature.name for feature in FEATURES} - seen
    assert len(never) < 0.15 * len(FEATURES), sorted(never)


@pytest.mark.parametrize(("sequence", "sign"), [("DIXON_IN", 1.0), ("DIXON_OPP", -1.0)])
@pytest.mark.parametrize("field", [1.5, 3.0])
def test_echo_times_follow_the_fat_water_phase(sequence: str, sign: float, field: float) -> None:
    rng = np.random.default_rng(4)
    cosines = []
    for _ in range(300):
        part = draw_part(rng, sequence=sequence, field=field)
        instance = part.header.instance
        cosine = fat_water_cosine(instance.number("EchoTime"), field_strength(instance))
        if cosine is not None:
            cosines.append(cosine * sign)
    assert len(cosines) > 150
    assert np.median(cosines) > 0.8


def test_facts_never_contradict_the_truth(parts: list[SimulatedPart]) -> None:
    """What an undamaged header states exactly is true, save what scanners themselves name otherwise."""
    wrong = Counter(
        (part.sequence, fact.value)
        for part in parts
        for fact in facts(part.header)
        if fact.facet == "sequence" and fact.value != part.sequence
    )
    assert sum(wrong.values()) < 0.01 * len(parts), wrong.most_common(10)


def test_plane_of_the_header_is_the_drawn_one(parts: list[SimulatedPart]) -> None:
    for part in parts:
        if len(part.header.planes) == 1:
            assert part.header.planes == (part.plane,)
        else:
            assert part.plane == "MULTI"


def test_men_only_and_women_only(parts: list[SimulatedPart]) -> None:
    sexes = {
        region: {p.header.tags.get("PatientSex") for p in parts if p.region == region}
        for region in ("prostate", "breast")
    }
    assert sexes == {"prostate": {"M"}, "breast": {"F"}}


# --- damage


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_damage_only_takes_away(seed: int) -> None:
    rng = np.random.default_rng(seed)
    part = draw_part(rng)
    damaged = damage(rng, part.header)
    assert damaged.tags.items() <= part.header.tags.items()
    assert damaged.planes in (part.header.planes, ())
    assert damaged.b_value in (part.header.b_value, None)


def test_a_wrong_value_is_the_value_of_another(parts: list[SimulatedPart]) -> None:
    rng = np.random.default_rng(5)
    others = [part.header for part in parts[1:50]]
    foreign = 0
    for _ in range(500):
        tags = damage(rng, parts[0].header, others).tags
        strange = tags.items() - parts[0].header.tags.items()
        assert len(strange) <= 1
        for keyword, value in strange:
            foreign += 1
            assert any(other.tags.get(keyword) == value for other in others)
    assert foreign


def test_damage_leaves_the_original_alone(parts: list[SimulatedPart]) -> None:
    before = dict(parts[0].header.tags)
    damage(np.random.default_rng(6), parts[0].header, [part.header for part in parts])
    assert parts[0].header.tags == before


def test_blindfolded_headers_are_drawn(parts: list[SimulatedPart]) -> None:
    """Some headers lose all that names the sequence in words, as de-identification does."""
    rng = np.random.default_rng(7)
    damaged = [damage(rng, part.header) for part in parts[:500]]
    blind = [h for h in damaged if "ImageType" not in h.tags and "SequenceName" not in h.tags]
    assert 0.2 < len(blind) / len(damaged) < 0.6
