"""Facts: facets that the file states exactly, each with the tag that says so. Nothing here is guessed or
learned.
"""

from __future__ import annotations

from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import scan_options
from SeriesClassifierLib.parts.component import component
from SeriesClassifierLib.parts.image_kind import image_kinds, is_perfusion_map
from SeriesClassifierLib.records import Fact

# Kind of image -> what it makes the series, when ImageType says it in so many words. DWI is decided by
# b-values.
_SEQUENCE_BY_KIND = (
    ("ADC", "ADC"),
    ("EADC", "ADC"),
    ("FA", "DWI"),
    ("CALC_BVAL", "DWI"),
    ("WATER", "DIXON_W"),
    ("FAT_FRACTION", "OTHER"),
    ("FAT", "DIXON_F"),
    ("IN_PHASE", "DIXON_IN"),
    ("OPP_PHASE", "DIXON_OPP"),
    ("SWI", "SWI"),
    ("LOCALIZER", "LOCALIZER"),
    ("ASL", "ASL"),
    ("FMRI", "BOLD"),
    ("FIELD_MAP", "FIELDMAP"),
    ("B1_MAP", "OTHER"),
    ("DYNAMIC_MAP", "OTHER"),
    ("SPECTROSCOPY", "OTHER"),
    ("SCREEN", "OTHER"),
)
_DERIVED_BY_KIND = (
    ("CALC_BVAL", "CALC_BVAL"),
    ("FA", "FA"),
    ("SUB", "SUB"),
    ("MIP", "MIP"),
    ("MINIP", "MIP"),
    ("FAT_FRACTION", "RATIO"),
    ("T1_MAP", "MAP"),
    ("T2_MAP", "MAP"),
    ("T2STAR_MAP", "MAP"),
    ("DYNAMIC_MAP", "MAP"),
    ("PHASE", "PHASE"),
)
# The T1-weighted image that MP2RAGE computes of its two inversions.
_UNIFORM = frozenset({"UNI", "UNI-DEN", "UNI_DEN"})
_NOT_SUBTRACTED = frozenset({"ASL", "PERFUSION"})


def facts(header: PartHeader) -> tuple[Fact, ...]:
    """The facts of a part, at most one a facet name. Names: plane, tilt, b_value, derived, dimensions,
    contrast_agent, sequence (only where the file names it), modality.
    """
    found = [
        *_plane(header),
        *_diffusion(header),
        *_derived(header),
        *_sequence(header),
        *_acquisition(header),
    ]
    return tuple({fact.facet: fact for fact in reversed(found)}.values())[::-1]


def _plane(header: PartHeader) -> list[Fact]:
    if not header.planes:
        return []
    source = "ImageOrientationPatient"
    plane = header.planes[0] if len(header.planes) == 1 else "MULTI"
    out = [Fact("plane", plane, source)]
    if header.tilt is not None and header.tilt >= 1:
        out.append(Fact("tilt", f"{header.tilt:.0f} degrees", source))
    return out


def _diffusion(header: PartHeader) -> list[Fact]:
    if header.b_value is None:
        return []
    out = [Fact("b_value", f"{header.b_value:g}", header.b_source or "the other b-values of the series")]
    if header.calculated:
        out.append(Fact("derived", "CALC_BVAL", header.calculated))
    return out


def _derived(header: PartHeader) -> list[Fact]:
    image_type = header.instance.tokens("ImageType")
    kinds = image_kinds(image_type)
    for kind, derived in _DERIVED_BY_KIND:
        if kind in kinds and not (derived == "SUB" and kinds & _NOT_SUBTRACTED):
            return [Fact("derived", derived, "ImageType")]
    if is_perfusion_map(image_type):
        return [Fact("derived", "MAP", "ImageType")]
    if "MPR" in kinds and image_type[:1] == ("DERIVED",):
        return [Fact("derived", "MPR", "ImageType")]
    shown, source = component(header.instance)
    return [Fact("derived", "PHASE", source)] if shown == "PHASE" else []


def _sequence(header: PartHeader) -> list[Fact]:
    """The sequence where the file names it or a b-value leaves no other: never from words that people wrote.
    """
    kinds = image_kinds(header.instance.tokens("ImageType"))
    for kind, sequence in _SEQUENCE_BY_KIND:
        if kind in kinds:
            return [Fact("sequence", sequence, "ImageType")]
    if not _UNIFORM.isdisjoint(header.instance.tokens("ImageType")[2:]):
        return [Fact("sequence", "T1", "ImageType")]
    if header.b_value is not None and (header.b_value > 0 or header.series_b_values > 1):
        if _computed_from_diffusion(header):
            return []
        return [Fact("sequence", "DWI", header.b_source or "b-values of the series")]
    options = scan_options(header.instance.tokens("ScanOptions"))
    for option, sequence in (("DIXON_WATER", "DIXON_W"), ("DIXON_FAT", "DIXON_F")):
        if option in options:
            return [Fact("sequence", sequence, "ScanOptions")]
    return []


def _computed_from_diffusion(header: PartHeader) -> bool:
    """A derived map may carry the b-value it was computed from (ADC, trace, FA): then the b-value decides
    nothing.
    """
    image_type = header.instance.tokens("ImageType")
    return image_type[:1] == ("DERIVED",) and not image_kinds(image_type) & {"TRACE", "DIFFUSION"}


def _acquisition(header: PartHeader) -> list[Fact]:
    out = []
    modality = header.instance.text("Modality")
    if modality:
        out.append(Fact("modality", modality, "Modality"))
    dimensions = header.instance.text("MRAcquisitionType").upper()
    if dimensions in ("2D", "3D"):
        out.append(Fact("dimensions", dimensions, "MRAcquisitionType"))
    if header.instance.text("ContrastBolusAgent"):
        out.append(Fact("contrast_agent", "given", "ContrastBolusAgent"))
    return out
