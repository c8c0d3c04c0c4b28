"""Fuzzing of the header path: whatever bytes or tags come in, what comes out is a label, unknown or a reason.

A few seconds here; for longer set SERIESCLASSIFIER_FUZZ_EXAMPLES, or run from the repository
``PYTHONPATH=.:Testing python Testing/integration/test_fuzz.py MINUTES``.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.bad_input import KINDS, Folder, encode, part10
from support.bundles import headers_bundle

from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.headers.features import FEATURES, features
from SeriesClassifierLib.headers.part_header import series_headers
from SeriesClassifierLib.inference.run import Classifier
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.publish.table import row
from SeriesClassifierLib.records import Instance, Status, Study, TagValue
from SeriesClassifierLib.simulation.wheel_samples import copy_wheel_samples
from SeriesClassifierLib.sources import header_scan
from SeriesClassifierLib.sources.assemble import make_series, make_study
from SeriesClassifierLib.sources.file_reader import FileRead, read_file
from SeriesClassifierLib.sources.tags import PRIVATE_TAGS, TAGS
from SeriesClassifierLib.vocabulary import classes

EXAMPLES = int(os.environ.get("SERIESCLASSIFIER_FUZZ_EXAMPLES", "300"))
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = {feature.name for feature in FEATURES}
KEYWORDS = [tag.keyword for tag in TAGS] + [tag.name for tag in PRIVATE_TAGS]
# Pixels are never looked at here, so only this much of a large file is kept.
FRONT = 60_000
LENGTHS = (
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xfe\xff\xff\xff",
    b"\xff\xff",
    b"\x01\x00",
    b"\x00\x00\x00\x80",
)
MARKS = (
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0", b"SQ\0\0\xff\xff\xff\xff",
    b"UN\0\0\xff\xff\xff\xff", b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192", b"\xe0\x7f\x10\x00OW\0\0", b"DICM", b"\\\\\\\\",
    b"\x30\x52\x30\x92SQ\0\0\xff\xff\xff\xff", b"nan ", b"1e99", b"\x1b$B",
)  # fmt: skip


@cache
def real_files() -> tuple[bytes, ...]:
    """The fronts of real files of several vendors, classic and enhanced, and of some built by hand."""
    with tempfile.TemporaryDirectory() as name:
        files = [path.read_bytes()[:FRONT] for path in copy_wheel_samples(Path(name))]
        for kind in KINDS:
            if kind.name in ("big_endian", "implicit_vr", "deflated", "nested_some_levels", "fewer_groups_than_frames",
                             "private_creator_chaos", "character_sets", "mosaic"):  # fmt: skip
                folder = Folder(kind.name, Path(name) / kind.name)
                folder.path.mkdir()
                kind.build(folder)
                files += [
                    path.read_bytes()[:FRONT] for path in sorted(folder.path.rglob("*")) if path.is_file()
                ]
    return tuple(sorted(set(files), key=len))


def mutated(rng: random.Random) -> bytes:
    """A real file with some of its bytes changed, moved, lost or doubled."""
    data = bytearray(rng.choice(real_files()))
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        # Most of what can go wrong is in the first kilobytes.
        place = rng.randrange(min(len(data), rng.choice((400, 4000, FRONT))))
        action = rng.randrange(7)
        if action == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif action == 1:
            data[place] = rng.randrange(256)
        elif action == 2:
            del data[place : place + rng.choice((1, 2, 4, 8, 100))]
        elif action == 3:
            data[place:place] = data[place : place + rng.choice((1, 8, 64, 500))]
        elif action == 4:
            mark = rng.choice(LENGTHS + MARKS)
            data[place : place + len(mark)] = mark
        elif action == 5:
            mark = rng.choice(MARKS)
            data[place:place] = mark
        else:
            del data[max(200, place) :]
        if not data:
            break
    return bytes(data)


def read(data: bytes, name: str = "fuzz.dcm") -> FileRead:
    """Both readers see the bytes; neither may raise."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        Path(path).write_bytes(data)
        header_scan.scan(path)
        return read_file(path)


def assert_one_answer(result: FileRead) -> None:
    """Images, a problem, or what the file is that is no DICOM."""
    assert [bool(result.instances), bool(result.problem), result.left_out is not None].count(True) == 1


@cache
def classifier() -> Classifier:
    return Classifier(headers_bundle())


def label(instances: list[Instance]) -> Iterator[str]:
    """Take images all the way to table rows, check what every row must hold, and give their statuses."""
    by_series: dict[str, list[Instance]] = {}
    for instance in instances:
        by_series.setdefault(instance.text("SeriesInstanceUID") or "1", []).append(instance)
    study = make_study("1.2", [make_series(uid, images) for uid, images in by_series.items()])
    for series in study.series:
        parts = split(series)
        assert sum(len(part.instances) for part in parts) == len(series.instances)
        for header in series_headers(series, parts):
            assert set(features(header)) <= NAMES
            assert all(fact.source for fact in facts(header))
    for prediction in classifier().study(Study("1.2", study.patient_id, study.series)).predictions:
        columns = row(prediction)
        json.dumps(columns, allow_nan=False)
        for facet in ("sequence", "plane", "phase", "derived", "region"):
            assert columns[facet] in (*classes(facet), "unknown")
        assert prediction.status is not Status.FAILED
        assert prediction.evidence or prediction.error
        yield prediction.status.value


@FUZZ
@given(st.integers(0, 2**63))
def test_bytes_of_real_files_changed(seed: int) -> None:
    result = read(mutated(random.Random(seed)))
    assert_one_answer(result)
    if result.instances:
        assert list(label(list(result.instances[:50])))


@FUZZ
@given(st.binary(max_size=400), st.booleans())
@example(b"", True)
@example(b"\x02\x00\x10\x00UI", True)
def test_any_bytes(content: bytes, preamble: bool) -> None:
    result = read(bytes(128) + b"DICM" + content if preamble else content)
    assert_one_answer(result)


VRS = st.sampled_from(["AT", "CS", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OW", "PN", "SH", "SL", "SQ", "SS",
                       "ST", "TM", "UI", "UL", "UN", "US", "UT", "ZZ"])  # fmt: skip
ELEMENTS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([tag.number for tag in TAGS]), st.integers(0x00080000, 0x7FDFFFFF)),
        st.tuples(VRS, st.one_of(st.binary(max_size=40), st.text(max_size=12).map(str.encode))),
    ),
    max_size=30,
)


@FUZZ
@given(ELEMENTS, st.booleans(), st.booleans())
def test_any_elements(elements: list[tuple[int, tuple[str, bytes]]], explicit: bool, ordered: bool) -> None:
    uids = [(0x0020000D, ("UI", b"1.2")), (0x0020000E, ("UI", b"1.2.3"))]
    content = encode(sorted(elements + uids) if ordered else uids + elements, explicit=explicit)
    result = read(part10(content, "1.2.840.10008.1.2.1" if explicit else "1.2.840.10008.1.2"))
    assert_one_answer(result)
    if result.instances:
        assert list(label(list(result.instances[:50])))


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, 1.0, -1.0, 800.0, 1e9, 1e300])
)
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["ORIGINAL", "DERIVED", "PRIMARY", "M", "ADC", "DIFFUSION", "EP",
                                                         "SE", "*ep_b800", "120000", "MR", "SIEMENS"]))  # fmt: skip
ANY_VALUE: st.SearchStrategy[TagValue] = st.one_of(
    NUMBERS,
    TEXTS,
    st.lists(NUMBERS, min_size=2, max_size=7).map(tuple),
    st.lists(TEXTS, min_size=2, max_size=6).map(tuple),
)
ANY_TAGS = st.dictionaries(st.sampled_from(KEYWORDS), ANY_VALUE, max_size=30)


@FUZZ
@given(st.lists(ANY_TAGS, min_size=1, max_size=6))
def test_any_tags(images: list[dict[str, TagValue]]) -> None:
    statuses = list(label([Instance(f"{n}", 0, tags) for n, tags in enumerate(images)]))
    assert statuses


def main(minutes: float) -> int:
    """Change real files for so many minutes; counts of how they ended."""
    until, ends, seed = (
        time.monotonic() + 60 * minutes,
        Counter[str](),
        random.SystemRandom().randrange(2**60),
    )
    while time.monotonic() < until:
        seed += 1
        try:
            result = read(mutated(random.Random(seed)))
            assert_one_answer(result)
            ends.update(["failed"] if result.problem else set(label(list(result.instances[:50]))))
        except BaseException:
            sys.stderr.write(f"seed {seed}, after {sum(ends.values())} files\n")
            raise
    sys.stdout.write(f"{sum(ends.values())} files in {minutes:g} minutes: {dict(ends)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
