"""Further inputs of the kinds of cases 05, 07, 39, 49, 53 and 71, and of emptied UIDs: who an image belongs to.

``VARIANTS`` holds them all as data. A test writes one (``Variant.write``), classifies its sources, compares what
came (``identity_records.mismatches``), and does the same after each of its steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from support.identity_images import Copy, Image
from support.identity_records import (
    ANSWERED,
    CORRECTED,
    CORRECTED_OR_REVIEW,
    EMPTY_INSTANCE_UID,
    LABEL_ELSEWHERE,
    MIXED_PATIENTS,
    REPEATED_INSTANCE_UID,
    REVIEW,
    SHARED_SERIES_UID,
    Change,
    Expected,
    FolderRow,
    Row,
    Step,
    Variant,
)

from SeriesClassifierLib.records import TagValue

INSTANCE_UID = "instance-uid"  # cases 05 and 39
SHARED_SERIES = "shared-series"  # case 07
DATABASE_MIX = "database-mix"  # case 49
FILES_CHANGE = "files-change"  # case 53
STUDY_PER_VOLUME = "study-per-volume"  # case 71
EMPTIED = "emptied-uids"
KINDS = (INSTANCE_UID, SHARED_SERIES, DATABASE_MIX, FILES_CHANGE, STUDY_PER_VOLUME, EMPTIED)

Tags = dict[str, TagValue]
T2: Tags = {
    "SeriesDescription": "t2_tse_tra",
    "ImageType": ("ORIGINAL", "PRIMARY", "M", "ND"),
    "ScanningSequence": "SE",
    "RepetitionTime": 4000.0,
    "EchoTime": 101.0,
    "EchoTrainLength": 17.0,
    "FlipAngle": 150.0,
}
_GRADIENT: Tags = {"ImageType": ("ORIGINAL", "PRIMARY", "M", "ND"), "ScanningSequence": "GR"}


def dwi(b: float) -> Tags:
    """Tags of a diffusion image."""
    return {
        "SeriesDescription": "ep2d_diff_tra",
        "ImageType": ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"),
        "ScanningSequence": "EP",
        "RepetitionTime": 5200.0,
        "EchoTime": 63.0,
        "DiffusionBValue": b,
    }


def adc() -> Tags:
    """Tags of the map that is calculated of ``dwi``."""
    return dwi(0.0) | {"ImageType": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")}


def echo(te: float) -> Tags:
    """Tags of one echo of a gradient-echo acquisition."""
    own: Tags = {"SeriesDescription": "gre_tra", "RepetitionTime": 150.0, "EchoTime": te, "FlipAngle": 70.0}
    return _GRADIENT | own


def dynamic(time: int | None) -> Tags:
    """Tags of one time point; None when nothing but InstanceNumber tells which."""
    own: Tags = {
        "SeriesDescription": "vibe_dynamic",
        "RepetitionTime": 4.0,
        "EchoTime": 1.5,
        "FlipAngle": 12.0,
    }
    if time is not None:
        own |= {"TemporalPositionIdentifier": float(time), "AcquisitionTime": f"{101500 + 7 * time}"}
    return _GRADIENT | own


def component(word: str) -> Tags:
    """Tags of a magnitude (M) or phase (P) image."""
    return echo(20.0) | {"ImageType": ("ORIGINAL", "PRIMARY", word, "ND")}


def volume(
    name: str,
    tags: Tags,
    *,
    folder: str = "in",
    first: int = 1,
    step: int = 1,
    slices: Sequence[int] = range(1, 7),
    patient: str | None = "P1",
    study: str | None = "study",
    series: str | None = "series",
) -> tuple[Image, ...]:
    """Images ``folder/name-01.dcm`` and so on of one volume. ``first`` and ``step`` number them; their names,
    UIDs and pixels follow from ``name`` and the slice.
    """
    return tuple(
        Image(
            file=f"{folder}/{name}-{place:02d}.dcm",
            patient=patient,
            study=study,
            series=series,
            sop=f"{name} {place}",
            number=first + step * index,
            place=float(place),
            picture=f"{name} {place}",
            tags=tags,
        )
        for index, place in enumerate(slices)
    )


def files(images: Iterable[Image]) -> frozenset[str]:
    """Their names."""
    return frozenset(image.file for image in images)


def row(name: str, images: Iterable[Image], statuses: frozenset[str] = ANSWERED, *warnings: str) -> Row:
    """A row of exactly ``images`` with all of ``warnings``."""
    return Row(name, files(images), statuses, frozenset(warnings))


def _without_uid(
    images: Iterable[Image], sop: str | None = "the only one", *, placed: bool = True
) -> tuple[Image, ...]:
    return tuple(replace(i, sop=sop, place=i.place if placed else None) for i in images)


def _crossed(expected: Expected, labeled: str) -> Step:
    """``labeled`` is corrected and nothing else may be."""
    rows = [replace(r, statuses=CORRECTED if r.name == labeled else ANSWERED) for r in expected.rows]
    return Step(replace(expected, rows=tuple(rows)), correct=(labeled,))


# Cases 05 and 39: one SOPInstanceUID for several images, and true copies beside them


def _instance_uid() -> list[Variant]:
    b_values = [volume(f"b{b}", dwi(float(b)), first=1 + 6 * n) for n, b in enumerate((50, 400, 800))]
    echoes = [volume(f"te{n}", echo(te), first=n, step=2) for n, te in enumerate((2.3, 4.6), start=1)]
    times = [volume(f"t{t}", dynamic(t), first=1 + 6 * t) for t in range(4)]
    parts = [volume("m", component("M")), volume("p", component("P"))]
    stack = [volume("s", T2, slices=range(1, 13))]
    kinds = {
        "stack": stack,
        "b-values": b_values,
        "echoes": echoes,
        "time-points": times,
        "components": parts,
    }
    variants = [_one_uid(f"one-uid-{name}", volumes, "the only one") for name, volumes in kinds.items()]
    variants += [
        _one_uid(f"empty-uid-{name}", kinds[name], "") for name in ("stack", "b-values", "time-points")
    ]
    variants += [_one_uid("absent-uid-echoes", echoes, None)]
    variants += [_one_uid("one-uid-no-positions", stack, "the only one", placed=False)]
    variants += [_one_uid("empty-uid-no-positions", stack, "", placed=False)]
    return [*variants, *_some_share_a_uid(), *_true_copies(), *_one_uid_and_files_come()]


def _one_uid(
    name: str, volumes: Sequence[tuple[Image, ...]], sop: str | None, *, placed: bool = True
) -> Variant:
    warning = REPEATED_INSTANCE_UID if sop else EMPTY_INSTANCE_UID
    volumes = [_without_uid(images, sop, placed=placed) for images in volumes]
    rows = tuple(row(images[0].picture.split()[0], images, ANSWERED, warning) for images in volumes)
    expected = Expected(rows)
    return Variant(INSTANCE_UID, name, sum(volumes, ()), expected, steps=(_crossed(expected, rows[-1].name),))


def _some_share_a_uid() -> list[Variant]:
    stack = volume("s", T2)
    pair = (*stack[:2], *(replace(i, sop=stack[1].sop) for i in stack[2:3]), *stack[3:])
    magnitude, phase = volume("m", component("M")), volume("p", component("P"))
    shared = tuple(replace(i, sop=f"m {n}") for n, i in enumerate(phase, start=1))
    edited = tuple(
        replace(i, file=f"in/filtered/{i.file[3:]}", picture=f"filtered {i.picture}") for i in stack
    )
    both = Expected(
        (
            row("m", magnitude, ANSWERED, REPEATED_INSTANCE_UID),
            row("p", shared, ANSWERED, REPEATED_INSTANCE_UID),
        )
    )
    return [
        Variant(INSTANCE_UID, "two-images-one-uid", pair, Expected((row("s", pair, ANSWERED, REPEATED_INSTANCE_UID),))),
        Variant(
            INSTANCE_UID, "phase-has-uids-of-magnitude", magnitude + shared, both, steps=(_crossed(both, "p"),)
        ),
        # Whether the filtered images are a part of their own is not said: none may be lost.
        Variant(
            INSTANCE_UID, "same-uids-and-places-other-pixels", stack + edited,
            Expected(exact=False, kept=files(stack + edited)),
        ),
    ]  # fmt: skip


def _true_copies() -> list[Variant]:
    stack = volume("s", T2)
    b_values = volume("b50", dwi(50.0)) + volume("b800", dwi(800.0), first=7)
    nothing = frozenset((REPEATED_INSTANCE_UID, EMPTY_INSTANCE_UID))
    once = Expected((replace(row("s", stack), no_warnings=nothing),))
    names = {
        "bytes": "byte-copies", "implicit": "implicit-copies", "deflated": "deflated-copies",
        "rle": "compressed-copies", "station": "copies-with-another-station",
        "window": "copies-with-another-window",
    }  # fmt: skip
    variants = [
        Variant(INSTANCE_UID, name, stack, once, copies=_copies(stack, how)) for how, name in names.items()
    ]
    for how in ("bytes", "implicit", "window"):
        images = _without_uid(b_values)
        halves = (
            row("b50", images[:6], ANSWERED, REPEATED_INSTANCE_UID),
            row("b800", images[6:], ANSWERED, REPEATED_INSTANCE_UID),
        )
        copies = _copies(images, how)
        variants.append(
            Variant(INSTANCE_UID, f"one-uid-{names[how]}", images, Expected(halves), copies=copies)
        )
    two = Expected((row("s", stack),), people=1)
    sources = ("in", "copy")
    copies = tuple(replace(c, file=c.file.replace("in/copy", "copy")) for c in _copies(stack, "bytes"))
    return [
        *variants,
        Variant(INSTANCE_UID, "copies-in-two-sources", stack, two, copies=copies, sources=sources),
    ]


def _copies(images: Iterable[Image], how: str) -> tuple[Copy, ...]:
    return tuple(Copy(f"in/copy/{i.file.rsplit('/', 1)[1]}", i.file, how) for i in images)


def _one_uid_and_files_come() -> list[Variant]:
    first = _without_uid(volume("b400", dwi(400.0), first=11))
    later = _without_uid(volume("b50", dwi(50.0)))
    before = Expected((row("b400", first, ANSWERED, REPEATED_INSTANCE_UID),))
    after = Expected(
        (
            row("b400", first, CORRECTED_OR_REVIEW, REPEATED_INSTANCE_UID),
            row("b50", later, ANSWERED, REPEATED_INSTANCE_UID),
        )
    )
    step = Step(after, correct=("b400",), change=Change(add=later))
    return [Variant(INSTANCE_UID, "one-uid-earlier-b-value-comes", first, before, steps=(step,))]


# Case 07: one SeriesInstanceUID in several patients or studies


def _shared_series() -> list[Variant]:
    def person(name: str, tags: Tags = T2, *, study: str = "", patient: str | None = None, folder: str = ""):
        return volume(
            name, tags, folder=folder or f"in/{name}", patient=name.upper() if patient is None else patient,
            study=study or f"study of {name}",
        )  # fmt: skip

    a, b, c = person("a"), person("b", echo(4.6)), person("c", dwi(800.0))
    multi = person("b", dwi(50.0)) + tuple(
        replace(i, file=i.file.replace("b-", "b-800-"), sop=f"800 {i.sop}", picture=f"800 {i.picture}", tags=dwi(800.0))
        for i in person("b")
    )  # fmt: skip
    anonymous = [person(n, t, patient="ANON") for n, t in (("a", T2), ("b", echo(4.6)))]
    nameless = [person(n, t, patient="") for n, t in (("a", T2), ("b", T2))]
    one_study = [person(n, t, study="study") for n, t in (("a", T2), ("b", echo(4.6)))]
    alike = [person(n, study="study") for n in "ab"]
    same_uids = [alike[0], tuple(replace(i, sop=f"a {n}") for n, i in enumerate(alike[1], start=1))]
    one_person = [person(n, t, patient="P1") for n, t in (("a", T2), ("b", echo(4.6)))]
    flat = [person(n, t, folder="in") for n, t in (("a", T2), ("b", echo(4.6)))]
    apart = [person(n, t, folder=n) for n, t in (("a", T2), ("b", echo(4.6)))]
    variants = [
        _people("two-patients", [a, b], 2),
        _people("two-patients-same-protocol", [a, person("b")], 2),
        _people("two-patients-one-folder", flat, 2),
        _people("two-patients-two-sources", apart, 2, sources=("a", "b")),
        _people("three-patients", [a, b, c], 3),
        _people("two-studies-of-one-patient", one_person, 1),
        # The IDs say nothing, and the studies are two.
        _people("both-anonymous", anonymous, 2),
        _people("both-without-patient-id", nameless, 2),
        _people("two-patients-one-study-uid", one_study, 2),
        _people("two-patients-one-study-uid-same-protocol", alike, 2),
        # A de-identifier that gives everybody the same UIDs: nothing but PatientID and pixels tells them apart.
        _people("two-patients-all-uids-the-same", same_uids, 2),
    ]
    rows = (
        row("a", a, ANSWERED, SHARED_SERIES_UID),
        row("b50", multi[:6], ANSWERED, SHARED_SERIES_UID),
        row("b800", multi[6:], ANSWERED, SHARED_SERIES_UID),
    )
    parts = Expected(rows, apart=(files(a), files(multi)), people=2)
    variants.append(
        Variant(
            SHARED_SERIES, "two-patients-other-number-of-parts", a + multi, parts,
            steps=(_crossed(parts, "b50"), ),
        )
    )  # fmt: skip
    return [
        *variants,
        *_patients_come(a, b),
        _patient_with_the_same_uids_comes(alike[0], same_uids[1]),
        *_one_series_two_sources(),
    ]


def _people(
    name: str, groups: Sequence[tuple[Image, ...]], people: int, *, sources: tuple[str, ...] = ("in",)
) -> Variant:
    rows = tuple(row(g[0].picture.split()[0], g, ANSWERED, SHARED_SERIES_UID) for g in groups)
    expected = Expected(rows, apart=tuple(files(g) for g in groups), people=people)
    steps = (_crossed(expected, rows[0].name),)
    return Variant(SHARED_SERIES, name, sum(groups, ()), expected, steps=steps, sources=sources)


def _patients_come(a: tuple[Image, ...], b: tuple[Image, ...]) -> list[Variant]:
    alone = Expected((row("a", a),), people=1)
    apart = (files(a), files(b))
    both = Expected(
        (row("a", a, CORRECTED, SHARED_SERIES_UID), row("b", b, ANSWERED, SHARED_SERIES_UID)),
        apart=apart, people=2,
    )  # fmt: skip
    other = Expected((row("b", b),), people=1)
    exchange = Change(remove=tuple(sorted(files(a))), add=b)
    return [
        Variant(
            SHARED_SERIES, "second-patient-comes-later", a, alone,
            steps=(Step(both, correct=("a",), change=Change(add=b)),),
        ),
        Variant(
            SHARED_SERIES, "second-patient-takes-the-place", a, alone,
            steps=(Step(other, correct=("a",), change=exchange),),
        ),
    ]  # fmt: skip


def _patient_with_the_same_uids_comes(a: tuple[Image, ...], b: tuple[Image, ...]) -> Variant:
    """Which of them was labeled, no UID can say: a label that got lost without a word would not be missed."""
    rows = tuple(row(n, i, REVIEW, SHARED_SERIES_UID, LABEL_ELSEWHERE) for n, i in (("a", a), ("b", b)))
    both = Expected(rows, apart=(files(a), files(b)), people=2)
    step = Step(both, correct=("a",), change=Change(add=b))
    alone = Expected((row("a", a),), people=1)
    return Variant(SHARED_SERIES, "second-patient-with-the-same-uids-comes", a, alone, steps=(step,))


def _one_series_two_sources() -> list[Variant]:
    """What is one series stays one, however many sources its files lie in."""
    stack = volume("s", T2)
    halves = tuple(
        replace(i, file=i.file.replace("in/", "one/" if n % 2 else "two/")) for n, i in enumerate(stack)
    )
    b50, b800 = volume("b50", dwi(50.0), folder="one"), volume("b800", dwi(800.0), folder="two", first=7)
    nothing = frozenset((SHARED_SERIES_UID,))
    one = Expected((replace(row("s", halves), no_warnings=nothing),), people=1)
    two = Expected(
        tuple(replace(row(n, i), no_warnings=nothing) for n, i in (("b50", b50), ("b800", b800))), people=1
    )
    sources = ("one", "two")
    return [
        Variant(
            SHARED_SERIES, "one-series-two-sources", halves, one, steps=(_crossed(one, "s"),), sources=sources
        ),
        Variant(
            SHARED_SERIES,
            "b-values-two-sources",
            b50 + b800,
            two,
            steps=(_crossed(two, "b800"),),
            sources=sources,
        ),
    ]


# Case 49: a database lists several patients' images in one series


def _database_mix() -> list[Variant]:
    def person(name: str, tags: Tags = T2, *, study: str = "", patient: str | None = None, first: int = 1):
        return volume(
            name, tags, folder=f"files/{name}", patient=name.upper() if patient is None else patient,
            study=study or f"study of {name}", first=first,
        )  # fmt: skip

    a, b, c = person("a"), person("b", echo(4.6), first=101), person("c", first=201)
    b_values = tuple(
        replace(i, file=i.file.replace("b-", "b-800-"), sop=f"800 {i.sop}", picture=f"800 {i.picture}", tags=dwi(800.0))
        for i in person("b", first=7)
    )  # fmt: skip
    diffusion = (person("a", dwi(800.0)), person("b", dwi(50.0)) + b_values)
    variants = [
        _mix("two-patients", [a, b]),
        _mix("two-patients-later-one-first", [b, a]),
        _mix("two-patients-same-protocol", [a, person("b", first=7)]),
        _mix("two-patients-same-protocol-and-numbers", [a, person("b")]),
        _mix("two-patients-one-study", [person("a", study="s"), person("b", study="s", first=7)]),
        _mix("three-patients", [a, b, c]),
        _mix("two-patients-b-values", diffusion),
        _mix("two-patients-from-the-tag-cache", [a, person("b", first=7)], cached=True),
        _mix("one-study-from-the-tag-cache", [person("a", study="s"), person("b", study="s")], cached=True),
    ]
    for name, ids in (("named-and-blank", ("A", "")), ("blank-first", ("", "A")), ("padded", ("A", "A "))):
        for cached in (False, True):
            variants.append(_no_mix(f"patient-id-{name}{'-cached' if cached else ''}", ids, cached=cached))
    variants.append(_imported_later(a, b))
    return variants


def _mix(name: str, groups: Sequence[tuple[Image, ...]], *, cached: bool = False) -> Variant:
    """Every row names the mix and waits for review, and none is of two patients."""
    images = sum(groups, ())
    volumes: dict[tuple[str | None, object], list[Image]] = {}
    for image in images:
        volumes.setdefault((image.patient, image.tags.get("DiffusionBValue")), []).append(image)
    rows = tuple(
        row(f"{patient} {n}", volume, REVIEW, MIXED_PATIENTS)
        for n, ((patient, _), volume) in enumerate(volumes.items(), start=1)
    )
    apart = tuple(files(group) for group in groups)
    expected = Expected(rows, apart=apart)
    first = rows[0].name
    after = [replace(r, statuses=CORRECTED if r.name == first else REVIEW) for r in rows]
    step = Step(replace(expected, rows=tuple(after)), correct=(first,))
    order = tuple(i.file for i in images)
    return Variant(
        DATABASE_MIX, name, images, expected, steps=(step,), sources=("db",), database=order, cached=cached
    )


def _no_mix(name: str, ids: tuple[str, str], *, cached: bool) -> Variant:
    """One person, of whom some images lack the ID or pad it."""
    stack = volume("s", T2, folder="files")
    images = tuple(replace(i, patient=ids[n // 3]) for n, i in enumerate(stack))
    quiet = replace(row("s", images), no_warnings=frozenset((MIXED_PATIENTS, SHARED_SERIES_UID)))
    expected = Expected((quiet,), people=1)
    order = tuple(i.file for i in images)
    steps = (_crossed(expected, "s"),)
    return Variant(
        DATABASE_MIX, name, images, expected, steps=steps, sources=("db",), database=order, cached=cached
    )


def _imported_later(a: tuple[Image, ...], b: tuple[Image, ...]) -> Variant:
    before = Expected((replace(row("a", a), no_warnings=frozenset((MIXED_PATIENTS,))),))
    rows = (row("a", a, CORRECTED, MIXED_PATIENTS), row("b", b, REVIEW, MIXED_PATIENTS))
    after = Expected(rows, apart=(files(a), files(b)))
    step = Step(after, correct=("a",), change=Change(add=b))
    order = tuple(i.file for i in a)
    return Variant(
        DATABASE_MIX,
        "second-patient-imported-later",
        a,
        before,
        steps=(step,),
        sources=("db",),
        database=order,
    )


# Case 53: a labeled part, and files that come, go, or get other names and numbers


def _files_change() -> list[Variant]:
    b50, b400, b800 = (volume(f"b{b}", dwi(float(b)), first=1 + 6 * n) for n, b in enumerate((50, 400, 800)))
    te1, te2 = (volume(f"te{n}", echo(te), first=1 + 6 * n) for n, te in enumerate((2.3, 4.6), start=1))
    times = [volume(f"t{t}", dynamic(t), first=1 + 6 * t) for t in range(1, 5)]
    magnitude, phase = volume("m", component("M")), volume("p", component("P"), first=7)
    map_ = volume("adc", adc(), first=40)
    return [
        _come("earlier-b-value-comes", [b400], "b400", [b50]),
        _come("later-b-value-comes", [b50], "b50", [b400, b800]),
        _come("b-value-between-comes", [b50, b800], "b800", [b400]),
        _come("adc-map-comes", [b400], "b400", [map_]),
        _come("dwi-comes-beside-adc-map", [map_], "adc", [b50, b400]),
        _come("earlier-echo-comes", [te2], "te2", [te1]),
        _come("later-echo-comes", [te1], "te1", [te2]),
        _come("earlier-time-point-comes", times[1:2], "t2", times[:1]),
        _come("earlier-time-points-come", times[2:], "t3", times[:2]),
        _come("later-time-points-come", times[:2], "t2", times[2:]),
        _come("phase-comes-beside-magnitude", [magnitude], "m", [phase]),
        _come("magnitude-comes-beside-phase", [phase], "p", [magnitude]),
        _come("all-parts-labeled-then-b-value-comes", [b50, b400], "b50 b400", [b800], whole_series=True),
        _go("other-part-goes", [b50, b400], "b400", [b50]),
        _go("other-time-point-goes", times[:3], "t3", times[:2]),
        _goes_and_returns(b50, b400),
        _same_kind("more-slices-come", volume("s", T2), (volume("s", T2, slices=range(7, 11), first=7))),
        _same_kind("more-slices-of-one-part-come", b400, volume("b400", dwi(400.0), slices=range(7, 10), first=20), b50),
        _slices_go(b50, b400),
        *_renumbered(b50, b400, times),
        *_renamed(b50, b400),
        _sent_again(b50, b400),
        *_split_otherwise(),
    ]  # fmt: skip


def _rows(
    volumes: Iterable[tuple[Image, ...]], labeled: Sequence[str] = (), others: frozenset[str] = ANSWERED
) -> tuple[Row, ...]:
    named = [(images[0].picture.split()[0], images) for images in volumes]
    return tuple(row(name, images, CORRECTED if name in labeled else others) for name, images in named)


def _come(
    name: str,
    before: Sequence[tuple[Image, ...]],
    labeled: str,
    later: Sequence[tuple[Image, ...]],
    *,
    whole_series: bool = False,
) -> Variant:
    after = Expected(_rows([*before, *later], labeled.split()))
    step = Step(after, tuple(labeled.split()), whole_series, Change(add=sum(later, ())))
    return Variant(FILES_CHANGE, name, sum(before, ()), Expected(_rows(before)), steps=(step,))


def _go(
    name: str, before: Sequence[tuple[Image, ...]], labeled: str, gone: Sequence[tuple[Image, ...]]
) -> Variant:
    after = Expected(_rows([images for images in before if images not in gone], [labeled]))
    change = Change(remove=tuple(sorted(files(sum(gone, ())))))
    step = Step(after, (labeled,), change=change)
    return Variant(FILES_CHANGE, name, sum(before, ()), Expected(_rows(before)), steps=(step,))


def _goes_and_returns(b50: tuple[Image, ...], b400: tuple[Image, ...]) -> Variant:
    gone = Step(Expected(_rows([b400])), ("b50",), change=Change(remove=tuple(sorted(files(b50)))))
    back = Step(Expected(_rows([b50, b400], ["b50"])), change=Change(add=b50))
    return Variant(
        FILES_CHANGE,
        "labeled-part-goes-and-returns",
        b50 + b400,
        Expected(_rows([b50, b400])),
        steps=(gone, back),
    )


def _same_kind(
    name: str, labeled: tuple[Image, ...], more: tuple[Image, ...], *others: tuple[Image, ...]
) -> Variant:
    """The part gains images of its own kind: the label may stay, or somebody has to look."""
    own = labeled[0].picture.split()[0]
    after = (row(own, labeled + more, CORRECTED_OR_REVIEW), *_rows(others))
    step = Step(Expected(after), (own,), change=Change(add=more))
    return Variant(
        FILES_CHANGE, name, labeled + sum(others, ()), Expected(_rows([labeled, *others])), steps=(step,)
    )


def _slices_go(b50: tuple[Image, ...], b400: tuple[Image, ...]) -> Variant:
    gone = (b400[0], b400[-1], b50[0])
    change = Change(remove=tuple(sorted(files(gone))))
    after = Expected(_rows([b50[1:], b400[1:-1]], ["b400"]))
    return Variant(
        FILES_CHANGE,
        "slices-go",
        b50 + b400,
        Expected(_rows([b50, b400])),
        steps=(Step(after, ("b400",), change=change),),
    )


def _renumbered(
    b50: tuple[Image, ...], b400: tuple[Image, ...], times: Sequence[tuple[Image, ...]]
) -> list[Variant]:
    """Other InstanceNumbers, with which what was last comes first."""

    def backwards(images: Sequence[Image]) -> Change:
        return Change(renumber=tuple((i.file, 100 - i.number) for i in images))

    numbered = [
        tuple(replace(i, tags=dynamic(None)) for i in images) for images in times[:3]
    ]  # the order of InstanceNumber is all there is
    variants = []
    for name, volumes, labeled in (
        ("renumbered-b-values", [b50, b400], "b400"),
        ("renumbered-time-points", times[:3], "t1"),
        ("renumbered-time-points-without-times", numbered, "t1"),
    ):
        step = Step(Expected(_rows(volumes, [labeled])), (labeled,), change=backwards(sum(volumes, ())))
        variants.append(
            Variant(FILES_CHANGE, name, sum(volumes, ()), Expected(_rows(volumes)), steps=(step,))
        )
    return variants


def _renamed(b50: tuple[Image, ...], b400: tuple[Image, ...]) -> list[Variant]:
    before = Expected(_rows([b50, b400]))
    images = b50 + b400
    moved = {i.file: f"in/sorted/{n % 2}/{i.file[3:]}" for n, i in enumerate(images)}
    # The names change places: what was the file of one image is that of another.
    swapped = {i.file: f"in/IM{len(images) - n:04d}" for n, i in enumerate(images)}
    variants = []
    for name, names in (("moved", moved), ("renamed", swapped)):
        renamed = [tuple(replace(i, file=names[i.file]) for i in part) for part in (b50, b400)]
        step = Step(Expected(_rows(renamed, ["b400"])), ("b400",), change=Change(rename=tuple(names.items())))
        variants.append(Variant(FILES_CHANGE, name, images, before, steps=(step,)))
    order = [i.file for i in b50] + [i.file for i in b400]
    spare = tuple((name, f"{name}.old") for name in order)
    exchange = spare + tuple((f"{a}.old", b) for a, b in zip(order, [*order[6:], *order[:6]], strict=True))
    exchanged = [
        tuple(replace(i, file=other.file) for i, other in zip(b50, b400, strict=True)),
        tuple(replace(i, file=other.file) for i, other in zip(b400, b50, strict=True)),
    ]
    step = Step(Expected(_rows(exchanged, ["b400"])), ("b400",), change=Change(rename=exchange))
    return [*variants, Variant(FILES_CHANGE, "names-exchanged", images, before, steps=(step,))]


def _sent_again(b50: tuple[Image, ...], b400: tuple[Image, ...]) -> Variant:
    """Other images take the place of the labeled ones, with the same b-value, numbers and names."""
    again = tuple(replace(i, sop=f"again {i.sop}", picture=f"{i.picture} again") for i in b400)
    change = Change(remove=tuple(sorted(files(b400))), add=again)
    step = Step(Expected(_rows([b50, again])), ("b400",), change=change)
    return Variant(
        FILES_CHANGE,
        "other-images-in-the-same-place",
        b50 + b400,
        Expected(_rows([b50, b400])),
        steps=(step,),
    )


def _split_otherwise() -> list[Variant]:
    """A stray image of another echo time makes no part; with more of them it does."""
    te2 = volume("te2", echo(4.6), first=7)
    te1 = volume("te1", echo(2.3))
    together, stray = te2 + te1[:1], te1[1:]
    one, two = row("both", together), _rows([te1, te2])
    split = Step(
        Expected((row("te2", te2, CORRECTED), row("te1", te1, REVIEW, LABEL_ELSEWHERE))),
        ("both",),
        change=Change(add=stray),
    )
    merge = Step(
        Expected((row("both", together, REVIEW, LABEL_ELSEWHERE),)), ("te2",),
        change=Change(remove=tuple(sorted(files(stray)))),
    )  # fmt: skip
    return [
        Variant(FILES_CHANGE, "one-part-becomes-two", together, Expected((one,)), steps=(split,)),
        Variant(FILES_CHANGE, "two-parts-become-one", te1 + te2, Expected(two), steps=(merge,)),
    ]


# Case 71: the volumes of one series are said to be of several studies


def _study_per_volume() -> list[Variant]:
    def volumes(kind: str, studies: Sequence[str | None], folder: str = "in") -> list[tuple[Image, ...]]:
        tags = {
            "b": lambda n: dwi((50.0, 400.0, 800.0)[n]),
            "te": lambda n: echo(2.3 * (n + 1)),
            "t": dynamic,
        }
        return [
            volume(f"{kind}{n}", tags[kind](n), first=1 + 6 * n, study=study, folder=folder)
            for n, study in enumerate(studies)
        ]

    three = ("one", "two", "three")
    plans: dict[str, tuple[str, tuple[str | None, ...]]] = {
        "b-values": ("b", three),
        "echoes": ("te", ("one", "two")),
        "time-points": ("t", (*three, "four")),
        "two-of-three-share-a-study": ("b", ("one", "one", "two")),
        "first-and-last-share-a-study": ("b", ("one", "two", "one")),
        "time-points-share-studies": ("t", ("one", "one", "two", "two")),
        "one-study-uid-empty": ("b", ("one", "two", "")),
        "one-study-uid-absent": ("b", (None, "one", "two")),
        "all-but-one-study-uid-empty": ("te", ("", "one")),
    }
    variants = []
    for name, (kind, studies) in plans.items():
        variants.append(_studies(name, volumes(kind, studies)))
    for cached in (False, True):
        name = f"database-b-values{'-cached' if cached else ''}"
        variants.append(_studies(name, volumes("b", three, "files"), database=True, cached=cached))
    return variants


def _studies(
    name: str, volumes: Sequence[tuple[Image, ...]], *, database: bool = False, cached: bool = False
) -> Variant:
    images = sum(volumes, ())
    rows = tuple(row(v[0].picture.split()[0], v, ANSWERED, SHARED_SERIES_UID) for v in volumes)
    expected = Expected(rows, people=1)
    # Each is corrected in turn, and only it.
    corrected = [
        Step(
            replace(expected, rows=tuple(replace(r, statuses=CORRECTED if n <= last else ANSWERED) for n, r in enumerate(rows))),
            correct=(rows[last].name,),
        )
        for last in range(len(rows))
    ]  # fmt: skip
    order = tuple(i.file for i in images) if database else ()
    return Variant(
        STUDY_PER_VOLUME, name, images, expected, steps=tuple(corrected),
        sources=("db",) if database else ("in",), database=order, cached=cached,
    )  # fmt: skip


# UIDs that a de-identifier emptied


def _emptied() -> list[Variant]:
    gone: dict[str, str | None] = {"empty": "", "absent": None}
    variants = []
    for word, uid in gone.items():
        variants += [
            _folders(f"series-uid-{word}", {"in": volume("s", T2, series=uid)}),
            _folders(f"series-uid-{word}-two-folders", _two(series=uid)),
            _folders(f"all-uids-{word}", {"in": _bare(volume("s", T2, series=uid, study=uid), uid)}),
            _folders(
                f"all-uids-{word}-two-folders",
                {folder: _bare(images, uid) for folder, images in _two(series=uid, study=uid).items()},
            ),
        ]
    answered = ANSWERED | {"failed"}
    study_only = {
        "study-uid-empty": {"in": volume("s", T2, study="")},
        "study-uid-empty-two-folders": _two(study=""),
        "study-uid-absent-two-folders": _two(study=None),
    }
    variants += [_folders(name, folders, answered) for name, folders in study_only.items()]
    # One SeriesInstanceUID and no study to tell the patients apart: still one row a folder.
    shared = {
        folder: tuple(replace(i, series="series") for i in images)
        for folder, images in _two(study="").items()
    }
    variants.append(_folders("study-uid-empty-one-series-uid", shared, answered))
    nested = {
        "in": volume("s", T2, series=""),
        "in/below": volume("d", dwi(800.0), series="", folder="in/below"),
    }
    variants.append(_folders("series-uid-empty-nested", nested))
    good, bad = volume("g", T2), volume("s", T2, series="", first=7)
    beside = Expected((row("g", good),), (FolderRow("in", files(bad)),))
    variants.append(
        Variant(
            EMPTIED,
            "series-uid-empty-beside-a-good-series",
            good + bad,
            beside,
            steps=(_crossed(beside, "g"),),
        )
    )
    return variants


def _two(*, series: str | None = "own", study: str | None = "study") -> dict[str, tuple[Image, ...]]:
    """The images of two patients in two folders."""
    people = {"in/one": ("A", "s", T2), "in/two": ("B", "d", dwi(800.0))}
    return {
        folder: volume(
            name, tags, folder=folder, patient=patient,
            series=f"series {name}" if series == "own" else series,
            study=f"study {name}" if study == "study" else study,
        )
        for folder, (patient, name, tags) in people.items()
    }  # fmt: skip


def _bare(images: Iterable[Image], uid: str | None) -> tuple[Image, ...]:
    return tuple(replace(i, sop=uid) for i in images)


def _folders(
    name: str, folders: dict[str, tuple[Image, ...]], statuses: frozenset[str] = frozenset(("failed",))
) -> Variant:
    places = tuple(FolderRow(folder, files(images), statuses) for folder, images in folders.items())
    apart = tuple(files(images) for images in folders.values())
    return Variant(EMPTIED, name, sum(folders.values(), ()), Expected(folders=places, apart=apart))


VARIANTS: tuple[Variant, ...] = (
    *_instance_uid(),
    *_shared_series(),
    *_database_mix(),
    *_files_change(),
    *_study_per_volume(),
    *_emptied(),
)


def of_kind(kind: str) -> tuple[Variant, ...]:
    """The variants of one kind."""
    return tuple(variant for variant in VARIANTS if variant.kind == kind)
