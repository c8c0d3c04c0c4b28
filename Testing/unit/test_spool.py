"""Working data on disk: in the order of Python's own sort, and found again by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.predictions import make_prediction

from SeriesClassifierLib.publish.spool import PredictionSpool
from SeriesClassifierLib.publish.table import sort_key
from SeriesClassifierLib.spool import Disk

TEXTS = st.text(max_size=4) | st.sampled_from(["", "a\0b", "\ud800", "\ud800\udc00", "é", "\uffff", "𐀀"])
# Beyond 64 bits a whole number counts as infinite.
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e15, 1e15) | st.sampled_from((10**30, -(10**30)))


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, NUMBERS, st.integers(0, 1))))
def test_texts_come_in_the_order_of_their_keys(rows: list[tuple[str, Any, int]]) -> None:
    with Disk() as disk:
        spool = disk.spool(2)
        for place, (text, number, source) in enumerate(rows):
            spool.add((text, number), str(place), source)
        expected = [str(place) for place, _ in sorted(enumerate(rows), key=lambda row: row[1][:2])]
        assert list(spool) == list(spool) == expected
        assert len(spool) == len(rows)
        for source in (0, 1):
            assert list(spool.of(source)) == [place for place in expected if rows[int(place)][2] == source]


def test_without_a_key_texts_stay_in_their_order() -> None:
    with Disk() as disk:
        spool = disk.spool(0)
        for text in ("b", "a", "c"):
            spool.add((), text)
        assert list(spool) == ["b", "a", "c"]


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, st.integers())))
def test_values_are_found_by_name(rows: list[tuple[str, int]]) -> None:
    with Disk() as disk:
        table, counts, other = disk.table(), disk.table(), disk.table()
        for name, value in rows:
            table.set(name, [value])
            counts.add(name)
        assert dict(table.items()) == {name: [value] for name, value in rows}
        assert len(table) == len(dict(rows))
        for name, value in dict(rows).items():
            assert table.get(name) == [value]
            assert counts.get(name) == [n for n, _ in rows].count(name)
        assert other.get("x") is None
        assert other.get("x", 5) == 5


def test_a_table_may_be_filled_while_a_spool_is_read() -> None:
    with Disk() as disk:
        spool, table = disk.spool(1), disk.table()
        for n in range(1000):
            spool.add((-n,), str(n))
        for text in spool:
            table.add("all")
            table.set(text, int(text))
        assert table.get("all") == 1000


@pytest.mark.parametrize("number", [None, 3, 2**70])
def test_predictions_come_back_in_table_order(number: int | None) -> None:
    labels = [
        make_prediction(study_uid=study, series_number=n, part=part, images=b"")
        for study in ("1.3", "1.2")
        for n in (7, number)
        for part in (2, 1)
    ]
    with PredictionSpool() as spool:
        spool.extend(labels[:3])
        spool.extend(labels[3:], 1)
        kept = list(spool)
        assert [sort_key(p)[0::2] for p in kept] == [sort_key(p)[0::2] for p in sorted(labels, key=sort_key)]
        assert len(list(spool.of(1))) == len(labels) - 3
        assert len(spool) == len(labels)
