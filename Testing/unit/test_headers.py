"""Headers: facts with the tag that says so, one documented feature table, words only as evidence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SeriesClassifierLib.headers.descriptions import contradicts, described
from SeriesClassifierLib.headers.facts import facts
from SeriesClassifierLib.headers.features import (
    FEATURES,
    describe,
    fat_water_cosine,
    features,
    field_strength,
)
from SeriesClassifierLib.headers.part_header import PartHeader, part_header, series_headers
from SeriesClassifierLib.headers.tokens import (
    COILS,
    FAMILIES,
    OPTIONS,
    VENDORS,
    coils,
    scan_options,
    sequence_family,
    vendor,
)
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Part, Series, TagValue
from SeriesClassifierLib.sources.tags import TAGS
from SeriesClassifierLib.vocabulary import classes, vocabulary, word_order

NAMES = {feature.name for feature in FEATURES}
WORDS = (
    "SeriesDescription", "ProtocolName", "StudyDescription", "BodyPartExamined", "RequestedProcedureDescription",
    "PerformedProcedureStepDescription", "ImageComments", "DerivationDescription", "PatientID",
)  # fmt: skip


def header(**tags: TagValue) -> PartHeader:
    return PartHeader(tags)


def facts_of(header: PartHeader) -> dict[str, tuple[str, str]]:
    return {fact.facet: (fact.value, fact.source) for fact in facts(header)}


def stack(n: int, **tags: TagValue) -> Series:
    direction = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    instances = tuple(
        Instance(f"{k}", 0, {"ImageOrientationPatient": direction, "ImagePositionPatient": (0.0, 0.0, 3.0 * k), **tags})
        for k in range(n)
    )  # fmt: skip
    return Series("1.2", "1", "P", instances)


# --- the header of a part


def test_header_counts_what_all_images_tell() -> None:
    series = stack(11, LargestImagePixelValue=500.0)
    (found,) = series_headers(series, split(series))
    assert (found.n_instances, found.n_positions, found.n_orientations) == (11, 11, 1)
    assert (found.planes, found.tilt) == (("AX",), 0.0)
    assert found.extent == pytest.approx(30.0)
    assert found.largest_pixel == 500.0
    assert (found.series_b_values, found.series_echoes, found.series_times) == (0, 1, 1)


def test_header_knows_its_sisters() -> None:
    tags: list[dict[str, TagValue]] = [
        {"DiffusionBValue": b, "ScanningSequence": "EP"} for b in (50.0, 400.0, 800.0)
    ]
    series = Series("1.2", "1", "P", tuple(i for t in tags for i in stack(5, **t).instances))
    headers = series_headers(series, split(series))
    assert [h.b_value for h in headers] == [50.0, 400.0, 800.0]
    assert {h.series_b_values for h in headers} == {3}
    assert {h.b_source for h in headers} == {"DiffusionBValue"}


def test_header_counts_time_points_left_together() -> None:
    run = stack(4, ScanningSequence="EP").instances * 30
    part = Part("1.2", 1, 1, run)
    assert part_header(part, [part]).series_times == 30


def test_seconds_since_the_bolus() -> None:
    series = stack(2, ContrastBolusStartTime="101000", AcquisitionTime="101030.5")
    assert series_headers(series, split(series))[0].since_contrast == 30.5
    late = stack(2, ContrastBolusStartTime="101000", AcquisitionTime="091030")
    assert series_headers(late, split(late))[0].since_contrast is None


# --- facts


def test_every_fact_names_its_tag() -> None:
    tags: dict[str, TagValue] = {
        "Modality": "MR", "MRAcquisitionType": "2D", "ContrastBolusAgent": "Gadovist",
        "ImageType": ("DERIVED", "PRIMARY", "DIFFUSION", "CALC_BVAL"),
    }  # fmt: skip
    found = facts_of(PartHeader(tags, planes=("AX",), tilt=12.3, b_value=1400.0, b_source="SequenceName"))
    assert found == {
        "plane": ("AX", "ImageOrientationPatient"),
        "tilt": ("12 degrees", "ImageOrientationPatient"),
        "b_value": ("1400", "SequenceName"),
        "derived": ("CALC_BVAL", "ImageType"),
        "sequence": ("DWI", "ImageType"),
        "modality": ("MR", "Modality"),
        "dimensions": ("2D", "MRAcquisitionType"),
        "contrast_agent": ("given", "ContrastBolusAgent"),
    }


def test_no_tag_no_fact() -> None:
    assert facts(header()) == ()


@pytest.mark.parametrize(
    ("words", "sequence"),
    [
        ("DIFFUSION\\ADC", "ADC"), ("DIXON\\WATER", "DIXON_W"), ("DIXON\\FAT", "DIXON_F"), ("IN_PHASE", "DIXON_IN"),
        ("OPP_PHASE", "DIXON_OPP"), ("SWI", "SWI"), ("FMRI", "BOLD"), ("ASL", "ASL"), ("LOCALIZER", "LOCALIZER"),
        ("SCREEN SAVE", "OTHER"),
    ],
)  # fmt: skip
def test_image_type_names_the_sequence(words: str, sequence: str) -> None:
    image_type = ("ORIGINAL", "PRIMARY", *words.split("\\"))
    assert facts_of(header(ImageType=image_type))["sequence"] == (sequence, "ImageType")


@pytest.mark.parametrize(
    ("words", "derived"),
    [("MIP", "MIP"), ("MNIP", "MIP"), ("SUB", "SUB"), ("P", "PHASE"), ("FA", "FA"), ("MPR", "MPR")],
)
def test_image_type_names_what_it_is_derived_by(words: str, derived: str) -> None:
    assert facts_of(header(ImageType=("DERIVED", "SECONDARY", words)))["derived"] == (derived, "ImageType")


def test_asl_difference_is_no_subtraction() -> None:
    assert "derived" not in facts_of(header(ImageType=("DERIVED", "PRIMARY", "ASL", "SUBTRACTION")))


def test_positive_b_value_makes_it_diffusion() -> None:
    found = facts_of(PartHeader({}, b_value=800.0, b_source="DiffusionBValue"))
    assert found["sequence"] == ("DWI", "DiffusionBValue")


def test_lone_zero_b_value_decides_nothing() -> None:
    assert "sequence" not in facts_of(PartHeader({}, b_value=0.0, series_b_values=1))
    assert facts_of(PartHeader({}, b_value=0.0, series_b_values=2))["sequence"][0] == "DWI"


def test_map_with_the_b_value_it_was_computed_from_is_no_diffusion_image() -> None:
    assert "sequence" not in facts_of(
        PartHeader({"ImageType": ("DERIVED", "PRIMARY", "OTHER")}, b_value=800.0)
    )


def test_several_planes_are_one_fact() -> None:
    assert facts_of(PartHeader({}, planes=("AX", "COR", "SAG")))["plane"] == (
        "MULTI",
        "ImageOrientationPatient",
    )


# --- the feature table


def test_every_feature_is_named_once_and_explained() -> None:
    assert len(NAMES) == len(FEATURES)
    assert {feature.kind for feature in FEATURES} == {"number", "token", "flag"}
    assert all(feature.meaning and feature.scale > 0 for feature in FEATURES)
    text = describe()
    assert all(f"| `{feature.name}` |" in text for feature in FEATURES)


def test_absent_stays_absent() -> None:
    """Nothing is made up for a header without tags: counts of images, and flags that say what is not there."""
    kinds = {feature.name: feature.kind for feature in FEATURES}
    found = features(header())
    assert {name for name in found if kinds[name] == "number"} == {
        "instances", "positions", "orientations", "times", "echoes", "b_values",
    }  # fmt: skip
    assert not [name for name in found if kinds[name] == "token"]
    assert {value for name, value in found.items() if kinds[name] == "flag"} == {0.0}


VALUES = st.one_of(
    st.floats(-1e12, 1e12).map(float),
    st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
    st.text(max_size=12),
    st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
)
ANY_TAGS = st.dictionaries(st.sampled_from([tag.keyword for tag in TAGS]), VALUES, max_size=40)


@settings(deadline=None)
@given(ANY_TAGS)
def test_features_are_finite_bounded_and_in_the_table(tags: dict[str, TagValue]) -> None:
    found = features(PartHeader(tags))
    assert set(found) <= NAMES
    assert all(math.isfinite(value) and abs(value) <= 4 for value in found.values())


@settings(deadline=None)
@given(ANY_TAGS, st.sampled_from([tag.keyword for tag in TAGS]))
def test_a_removed_tag_adds_no_feature(tags: dict[str, TagValue], keyword: str) -> None:
    fewer = {name: value for name, value in tags.items() if name != keyword}
    assert set(features(PartHeader(fewer))) <= set(features(PartHeader(tags))) | {"field"}


@pytest.mark.parametrize("keyword", WORDS)
def test_what_people_wrote_is_no_feature(keyword: str) -> None:
    tags: dict[str, TagValue] = {
        "Modality": "MR", "EchoTime": 90.0, "RepetitionTime": 4000.0, "ScanningSequence": "SE", "PatientSex": "M",
    }  # fmt: skip
    plain = features(PartHeader(tags))
    for text in ("t1_vibe_dixon_tra_W", "DWI b800 prostate", "=1+1", "Localizer", "ADC"):
        assert features(PartHeader(tags | {keyword: text})) == plain


def test_field_strength_by_every_way_of_writing_it() -> None:
    assert field_strength(Instance("", 0, {"MagneticFieldStrength": 3.0})) == 3.0
    assert field_strength(Instance("", 0, {"MagneticFieldStrength": 15000.0})) == 1.5
    measured = field_strength(Instance("", 0, {"ImagingFrequency": 63.87}))
    assert measured == pytest.approx(1.5, abs=0.01)
    assert field_strength(Instance("", 0, {"MagneticFieldStrength": 0.0})) is None


@pytest.mark.parametrize(
    ("te", "field", "sign"), [(2.3, 1.5, -1), (4.6, 1.5, 1), (1.15, 3.0, -1), (2.3, 3.0, 1)]
)
def test_fat_and_water_in_and_opposed_phase(te: float, field: float, sign: int) -> None:
    cosine = fat_water_cosine(te, field)
    assert cosine is not None
    assert cosine * sign > 0.95


def test_fat_water_phase_is_not_told_of_long_echoes() -> None:
    assert fat_water_cosine(90.0, 3.0) is None
    assert fat_water_cosine(2.3, None) is None


# --- vendors' words


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SIEMENS", "SIEMENS"), ("Siemens Healthineers", "SIEMENS"), ("GE MEDICAL SYSTEMS", "GE"), ("Philips", "PHILIPS"),
        ("Philips Medical Systems", "PHILIPS"), ("TOSHIBA_MEC", "CANON"), ("CANON_MEC", "CANON"), ("UIH", "UIH"),
        ("Hitachi Medical Corporation", "HITACHI"), ("Agfa", ""), ("", ""),
    ],
)  # fmt: skip
def test_vendor(text: str, name: str) -> None:
    assert vendor(text) == name
    assert not name or name in VENDORS


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("*tse2d1_25", "TSE"), ("*epfid2d1_64", "GRE_EPI"), ("*ep_b1000t", "DIFFUSION_EPI"), ("*fl3d1", "SPOILED_GRE"),
        ("*h2d1_218", "HASTE"), ("*tfl3d1_16ns", "MP_GRE"), ("*spc_314ns", "TSE_3D"), ("*fl3d1_ns_t20", "TOF"),
        ("SEEPI2D+0.7", "SE_EPI"), ("*fm2d2r", "FIELD_MAP"), ("", ""),
    ],
)  # fmt: skip
def test_sequence_family(name: str, family: str) -> None:
    found = sequence_family(name)
    assert not found or found in FAMILIES
    if name != "*fl3d1_ns_t20":
        assert found == family


def test_scan_options_of_several_vendors_are_one() -> None:
    assert scan_options(("FS",)) == scan_options(("SPAIR",)) == frozenset({"FAT_SAT"})
    assert scan_options(("DIXW",)) >= {"DIXON_WATER"}
    assert scan_options(("NOTHING KNOWN",)) == frozenset()
    assert scan_options(("EPI_GEMS", "PFF")) <= set(OPTIONS)


def test_coils_hint_at_regions() -> None:
    assert "HEAD" in coils("HeadMatrix")
    assert "SPINE" in coils("SpineMatrix")
    assert coils("BodyMatrix") <= set(COILS)
    assert not coils("")


# --- descriptions


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("t2_tse_tra", "T2"), ("ep2d_diff_b50_400_800_ADC", "ADC"), ("t1_vibe_dixon_tra_W", "DIXON_W"),
        ("localizer", "LOCALIZER"), ("Ax T2 FLAIR", "FLAIR"), ("AX DWI b1000", "DWI"), ("SWI_Images", "SWI"),
        ("MRCP 3D", "MRCP"), ("TOF 3D", "MRA"), ("", ""), ("series 5", ""),
    ],
)  # fmt: skip
def test_description(text: str, sequence: str) -> None:
    assert described("sequence", [text]) == sequence


def test_first_telling_text_counts() -> None:
    assert described("sequence", ["", "series 5", "t2_tse", "t1_se"]) == "T2"


def test_contradiction_is_of_words_that_cannot_mean_it() -> None:
    assert contradicts("T1", "T2")
    assert not contradicts("T2", "T2")
    assert not contradicts("ADC", "DWI")  # a map is often named after its source
    assert contradicts("DWI", "ADC")
    assert not contradicts("T1", "")


# --- the vocabulary


def test_vocabulary_is_the_one_of_the_contract() -> None:
    wanted = {
        "sequence": "T1 T2 PD FLAIR T2STAR SWI DWI ADC DCE PERFUSION ASL BOLD DIXON_IN DIXON_OPP DIXON_W DIXON_F MRCP "
        "MRA CISS LOCALIZER FIELDMAP OTHER",
        "plane": "AX COR SAG OBL MULTI",
        "phase": "PRE ART PORTVEN LATE HEPA POST NONE",
        "derived": "ORIGINAL CALC_BVAL FA SUB MIP MPR MAGNITUDE PHASE RATIO MAP",
        "region": "prostate abdomen brain head_neck spine chest breast pelvis extremity cardiac whole_body other",
    }
    assert {facet: set(classes(facet)) for facet in wanted} == {k: set(v.split()) for k, v in wanted.items()}
    assert sorted(word_order()) == sorted(classes("sequence"))


def test_codes_are_those_of_the_dicom_standard() -> None:
    from pydicom.sr._concepts_dict import concepts

    known = {
        (scheme, code): meaning
        for scheme in ("DCM", "SCT")
        for found in concepts[scheme].values()
        for code, (meaning, _) in found.items()
    }
    terms = [term for facet in vocabulary().values() for term in facet.values() if term.code is not None]
    assert len(terms) >= 25
    missing = {f"{term.name} {term.code}" for term in terms if term.code not in known}
    assert not missing
    for term in terms:
        meaning = known[term.code]  # type: ignore[index]
        assert stems(meaning) & stems(f"{term.title} {SYNONYMS.get(term.name, '')}"), (
            f"{term.code} means {meaning}, not {term.title}"
        )


SYNONYMS = {"spine": "vertebral", "chest": "thoracic", "extremity": "limb"}


def stems(text: str) -> set[str]:
    """The beginnings of the words: prostate and prostatic mean the same."""
    return {word[:5] for word in text.lower().replace("-", " ").replace("*", " ").split()}
